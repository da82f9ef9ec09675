"""Sequences are cut into loops and what is between them: nothing is lost, and what was unrolled is found again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jittape import repeats
from jittape.repeats import parts


def spelled_out(found, kinds, operands):
    """The sequence that parts stand for."""
    order = [np.tile(kinds[part.start : part.start + part.length], part.repeats) for part in found]
    places = [
        operands[part.start : part.start + part.length] + turn * part.steps for part in found for turn in range(part.repeats)
    ]
    return np.concatenate(order), np.concatenate(places)


def loops(seed):
    """Loops after each other, with something between them: kinds, operands, and where each starts, its body and its turns."""
    rng = np.random.default_rng(seed)
    kinds, operands, made = [], [], []
    for _ in range(rng.integers(1, 4)):
        n = int(rng.integers(0, 50))
        kinds += rng.integers(0, 12, n).tolist()
        operands += rng.integers(0, 1000, (n, 3)).tolist()
        n, turns = int(rng.integers(1, 120)), int(rng.integers(2, 80))
        body, at, step = rng.integers(0, 12, n), rng.integers(0, 1000, (n, 3)), rng.choice([0, n, n, -n, 1, 2 * n], (n, 3))
        made.append((len(kinds), n, turns))
        kinds += np.tile(body, turns).tolist()
        operands += np.concatenate([at + turn * step for turn in range(turns)]).tolist()
    return np.array(kinds), np.array(operands), made


@given(seed=st.integers(0, 2**32 - 1))
def test_parts_are_the_whole_sequence(seed):
    kinds, operands, made = loops(seed)
    found = parts(kinds, operands)
    assert [part.start for part in found] == np.cumsum([0, *[part.length * part.repeats for part in found[:-1]]]).tolist()
    there, places = spelled_out(found, kinds, operands)
    assert np.array_equal(there, kinds)
    assert np.array_equal(places, operands)


@given(seed=st.integers(0, 2**32 - 1))
def test_what_was_unrolled_is_found(seed):
    kinds, operands, made = loops(seed)
    start, n, turns = max(made, key=lambda loop: loop[1] * loop[2])
    together = n * -(-repeats._SHORTEST // n)
    if n * turns > 0.5 * len(kinds) and n * turns >= 6 * together:
        assert sum(part.length for part in parts(kinds, operands)) < len(kinds) - 0.5 * n * turns


@pytest.mark.parametrize("n", [0, 1, 2, 5, 63, 64, 65, 200])
@pytest.mark.parametrize("kinds", [1, 2, 1000])
def test_any_length_will_do(n, kinds):
    rng = np.random.default_rng(n)
    kinds, operands = rng.integers(0, kinds, n), rng.integers(0, 5, (n, 2))
    found = parts(kinds, operands)
    assert sum(part.length * part.repeats for part in found) == n
    if n:
        there, places = spelled_out(found, kinds, operands)
        assert np.array_equal(there, kinds)
        assert np.array_equal(places, operands)


def test_a_loop_inside_a_loop_is_one_of_the_two():
    inner = np.tile([1, 2, 3], 10)
    kinds = np.tile(np.concatenate([inner, [4, 5]]), 40)
    operands = np.arange(len(kinds))[:, None] * np.ones(2, int)
    [part] = [part for part in parts(kinds, operands) if part.repeats > 1]
    assert part.length % 32 == 0
    assert part.length * part.repeats > 0.9 * len(kinds)


def test_irregular_sequences_have_no_loops(rng):
    kinds, operands = rng.integers(0, 6, 5000), rng.integers(0, 5000, (5000, 4))
    [part] = parts(kinds, operands)
    assert (part.start, part.length, part.repeats) == (0, 5000, 1)


def test_what_is_no_loop_in_excerpts_is_not_looked_for_in_the_whole(rng, monkeypatch):
    """Where operations are few, many are alike at any short distance: of a random graph of 400,000 each was tried, for two seconds."""
    regular, tried = repeats._regular, []

    def noted(kinds, operands, length):
        tried.append(len(kinds))
        return regular(kinds, operands, length)

    monkeypatch.setattr(repeats, "_regular", noted)
    parts(rng.integers(0, 4, 50_000), rng.integers(0, 5000, (50_000, 4)))
    assert 50_000 not in tried
    turns = np.arange(1000)[:, None, None] * np.array([50, 0, 50, 50])
    body, places = rng.integers(0, 4, 50), rng.integers(0, 5000, (50, 4))
    [loop] = [part for part in parts(np.tile(body, 1000), (turns + places).reshape(-1, 4)) if part.repeats > 1]
    assert loop.length == 50
    assert tried.count(50_000) <= 2
