"""What moves numbers: a reader takes what splitting would take, or nothing; fillers and takers are inverse to each other."""

import enum
import itertools

import numpy as np
import pytest
from hypothesis import given
from test_structure import STRUCTURES, Frozen, Layer, Params, Point, equal

import jittape as jt
from jittape.structure import Signature, size
from jittape.transfer import filler, reader, taker


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Odd(float):
    """A user's own float."""


class Items(list):
    """A user's own list."""


# Pairs of these differ in little, and in what makes another recording.
VALUES = [
    1.0, 2.0, Odd(1.0), np.float64(1.0), np.float32(1.0), 1, 0, True, False, np.int64(1), np.bool_(True), None, "a", "b", "",
    Color.RED, Color.BLUE, frozenset({1}), frozenset({True}), np.sin, float,
    np.array(1.0), np.ones(1), np.ones(2), np.ones((1, 2)), np.ones((2, 1)), np.ones(0), np.ones((0, 2)),
    np.ones(2, np.float32), np.ones(2, int), np.ones(2, np.uint8), np.ones(2, bool), np.zeros(2, bool), np.ones(2, ">f8"), np.ones(2, "f2"),
    np.ones((2, 2)).T, np.ones(4)[::2], np.ones(2).view(np.recarray),
    [], (), {}, [1.0], (1.0,), [1], [True], [1.0, 2.0], (1.0, 2.0), [1.0, 2], [1.0, np.float64(2.0)], [1.0, "a"], [[1.0], [2.0]],
    [np.ones(2)], (np.ones(2), 1.0), Items([1.0, 2.0]), Items([np.ones(2)]), Point(1.0, 2.0), Point(1.0, 2), Point(np.ones(2), 1.0),
    {"a": 1.0}, {"b": 1.0}, {"a": 1}, {1: 1.0}, {"a": 1.0, "b": np.ones(2)}, {"b": np.ones(2), "a": 1.0}, Params(a=1.0),
    {"a": [1.0, {"b": "a"}]},
    Layer(1.0, 2.0), Layer(1.0, np.ones(2)), Layer("a", "b"), Frozen(1.0), Frozen(1.0, "other"), Frozen(np.ones(2)),
]  # fmt: skip


def split(signature, args, kwargs):
    try:
        return signature.split(args, kwargs)
    except TypeError:
        return None


def same(a, b):
    return len(a) == len(b) and all(
        np.shape(x) == np.shape(y) and type(x) is type(y) and np.array_equal(x, y) for x, y in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("argnums", [0, 1, -1, (0,), (1, 0)])
def test_a_reader_takes_what_splitting_takes_or_nothing(argnums):
    signature = Signature(argnums)
    calls = [((x, 2.0), {}) for x in VALUES] + [((2.0, x), {}) for x in VALUES] + [((2.0, 3.0), {"k": x}) for x in VALUES]
    calls += [((x,), {}) for x in VALUES] + [
        ((), {}),
        ((1.0, 2.0, 3.0), {}),
        ((1.0, 2.0), {"k": 1.0, "l": 2.0}),
        ((1.0, 2.0), {"l": 1.0}),
    ]
    found = [(args, kwargs, split(signature, args, kwargs)) for args, kwargs in calls]
    found = [(args, kwargs, answer) for args, kwargs, answer in found if answer is not None]
    readers = {}
    for _, _, (key, _, _) in found:
        readers.setdefault(key, reader(signature, key))
    taken = 0
    for (key, read), (args, kwargs, (own, leaves, _)) in itertools.product(readers.items(), found):
        answer = read(args, kwargs)
        if answer is not None:
            assert key == own, (key, args, kwargs)
            assert same(answer, leaves), (key, args, kwargs)
            taken += 1
    assert taken > len(readers) * 0.7


@given(STRUCTURES, STRUCTURES)
def test_readers_of_structures(x, y):
    signature = Signature(0)
    key, leaves, _ = signature.split((x,), {})
    other, _, _ = signature.split((y,), {})
    read = reader(signature, key)
    assert same(read((x,), {}), leaves)
    assert (read((y,), {}) is not None) == (key == other)


@given(STRUCTURES)
def test_what_is_filled_in_is_taken_out(x):
    signature = Signature(0)
    key, leaves, _ = signature.split((x,), {})
    vector = np.zeros(size(leaves))
    take = taker(signature, key, vector)
    shapes = signature.shapes(key)
    assert shapes == [leaf.shape if isinstance(leaf, np.ndarray) else None for leaf in leaves]
    filler(shapes, vector)(*leaves)
    first, second = take(), take()
    equal(first, x)
    equal(second, x)
    vector[:] = 7.0
    equal(first, x)


def test_the_structure_used_most_is_kept():
    g = jt.value_and_grad(lambda x, mode: x * mode, max_paths=3)
    with pytest.warns(jt.JitTapeWarning, match="argument structures"):
        for mode in range(1, 12):
            assert g(2.0, 0) == (0.0, 0.0)
            assert g(2.0, mode) == (2.0 * mode, mode)
    # the three that are left: mode 0, recorded once, and the last two
    before = g.cache_info()
    assert g(2.0, 0) == (0.0, 0.0)
    assert g.cache_info() == (before.paths, before.records, before.replays + 1)


def test_clearing_forgets_the_structure_used_last():
    records = []
    g = jt.grad(lambda x: records.append(1) or x * x)
    assert g(np.array(3.0)) == g(np.array(3.0)) == 6.0
    g.clear_cache()
    assert g.cache_info() == (0, 0, 0)
    assert g(np.array(3.0)) == 6.0
    assert len(records) == 2
    assert g.cache_info() == (1, 1, 0)


def test_structures_in_turn_and_numbers_of_every_type_find_their_recording():
    g = jt.value_and_grad(lambda x: sum(x) if isinstance(x, list) else x * 2.0)
    for _ in range(3):
        for x in (1.0, np.float64(1.0), 1, np.float32(1.0), Odd(1.0)):
            assert g(x) == (2.0, 2.0)
        for x in ([1.0, 2.0], [1, 2.0], [np.float64(1.0), 2]):
            assert g(x) == (3.0, [1.0, 1.0])
        assert g(np.array(1.0, np.float32)) == (2.0, 2.0)
    assert g.cache_info() == (3, 3, 24)
