"""Traced arrays behave as NumPy's arrays of floats: indexing, assignment, views, operators, iteration, and refusals."""

import collections
import copy
import functools
import math
import operator
import pickle
import sys
import threading

import numpy as np
import pytest
import scipy.special

import jittape as jt
from jittape import arrays
from jittape.arrays import ConditionArray, VarArray
from jittape.errors import TapeMismatchError, TapeThreadError, TracingTypeError
from jittape.ops import CODE, OPS
from jittape.recording import CONST, INPUT, Recording
from jittape.tracer import Condition, Var

X = np.arange(24.0).reshape(2, 3, 4) + 1.0


def traced(v, rec=None):
    """A traced array of inputs."""
    return arrays.leaf(Recording() if rec is None else rec, INPUT, np.asarray(v, float), "x")


def same(f, *xs):
    """Assert that a function of arrays gives the same on traced ones, as it is recorded and as it is replayed."""
    expected = f(*[np.array(x, float) for x in xs])
    seen = []

    def run(xs):
        out = f(*xs)
        seen.append(out)
        return out

    out = jt.record(run, [np.array(x, float) for x in xs])([np.array(x, float) for x in xs])
    np.testing.assert_array_equal(np.asarray(out), np.asarray(expected))
    assert np.shape(out) == np.shape(expected)
    assert isinstance(seen[0], VarArray if np.ndim(expected) else Var) or not isinstance(expected, np.ndarray)
    return seen[0]


# -- what it is ---------------------------------------------------------------------------------------------------------------


def test_an_array_tells_its_shape_as_numpy_does():
    x = traced(X)
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3, 4), 3, 24, 2, np.float64)
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3, 4), 3, 24, 3)
    assert repr(traced([1.0, 2.5])) == "VarArray([1. , 2.5])"
    assert repr(traced([1.0, 2.5]) > 2) == "ConditionArray([False,  True])"
    with pytest.raises(TypeError, match="unsized"):
        len(traced(1.0))
    assert not np.iscomplexobj(x) and np.isrealobj(x)


def test_an_element_is_a_traced_number():
    x = traced([1.0, 2.0, 3.0])
    assert type(x[1]) is Var and type(x[np.int64(1)]) is Var and type(x[-1]) is Var
    assert (x[1].v, x[-1].v, x[1].row) == (2.0, 3.0, x.row[1])
    assert type(x[1].row) is int and type(x[1].v) is float
    assert type((x > 1)[0]) is Condition
    assert [e.v for e in x] == [1.0, 2.0, 3.0]
    assert all(type(e) is Var and type(e.row) is int for e in x)
    assert [row.shape for row in traced(X)] == [(3, 4), (3, 4)]
    assert x.item(1).v == 2.0 and traced([[5.0]]).item().v == 5.0
    assert [[e.v for e in row] for row in traced([[1.0, 2.0]]).tolist()] == [[1.0, 2.0]]
    assert [e.v for e in traced(X).flat] == X.ravel().tolist()
    for bad in (3, -4):
        with pytest.raises(IndexError) as plain:
            np.ones(3)[bad]
        with pytest.raises(IndexError) as error:
            x[bad]
        assert str(plain.value).split(" for ")[0] == str(error.value).split(" for ")[0]


def test_a_number_of_no_axes():
    x = traced(2.5)
    assert x.shape == () and type(x[()]) is Var and x[()].v == 2.5
    assert type(x + 1.0) is Var and type(np.exp(x)) is Var
    assert jt.grad(lambda x: x * x)(np.array(3.0)) == 6.0
    assert isinstance(jt.grad(lambda x: x * x)(np.array(3.0)), np.ndarray)


# -- indexing -----------------------------------------------------------------------------------------------------------------

INDICES = [
    0, -1, slice(None), slice(1, None), slice(None, None, -1), slice(5, 0, -2), ..., None, (0, 1), (0, 1, 2), (..., 0), (0, ..., -1),
    (slice(None), 1), (slice(None), slice(None, None, -1), slice(0, 4, 2)), (None, 0), (0, None, ..., None), ([0, 1], [2, 0]), [1, 0, 1],
    np.array([[0, 1], [1, 1]]), (slice(None), [0, 2]), ([1, 0], slice(None), [3, 3]), (..., [True, False, True, True]),
    np.array([True, False]), X > 7, (0, np.array([[True, False, True, False]] * 3)), np.zeros((2, 3, 4), bool), [], slice(0, 0), (0, [[1], [2]], [0, 3]),
    True, False, np.True_, (1, np.int64(2)), np.ix_([0, 1], [2, 0], [3]), (slice(None, None, -1), 0, slice(1, 1)),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=[f"{i}" for i in range(len(INDICES))])
def test_every_index_of_numpy(index):
    same(lambda x: x[index], X)
    weights = np.random.default_rng(0).uniform(size=X[index].shape)
    gradient = jt.grad(lambda x: np.sum(x[index] * weights) + 0.0 * x[0, 0, 0])(X)
    expected = np.zeros_like(X)
    np.add.at(expected, index, weights)
    np.testing.assert_allclose(gradient, expected, rtol=1e-15)


@pytest.mark.parametrize("index", INDICES, ids=[f"{i}" for i in range(len(INDICES))])
def test_assignment_to_every_index(index):
    def f(x, y):
        z = x * 1.0
        z[index] = y
        z[index] *= 2.0
        z[index] += x[index]
        return z

    shape = np.shape(X[index])
    for y in (np.array(7.0), np.random.default_rng(1).uniform(size=shape)):
        same(f, X, y)

    def functional(x, y):
        """The same without assignment."""
        chosen = np.zeros(X.shape, bool)
        chosen[index] = True
        places = np.zeros(X.shape, int)
        places[index] = np.arange(max(np.prod(shape, dtype=int), 1))[: np.prod(shape, dtype=int)].reshape(shape) if shape else 0
        spread = np.broadcast_to(y, shape).ravel()[places] if np.prod(shape, dtype=int) else x
        once = np.where(chosen, spread, x)
        return np.where(chosen, once * 2.0 + x, once)

    w = np.random.default_rng(2).uniform(size=X.shape)
    y = np.random.default_rng(1).uniform(size=shape)
    if not (
        isinstance(index, list) or isinstance(index, np.ndarray) and index.dtype == int
    ):  # a repeated place is assigned twice
        got = jt.grad(lambda xy: np.sum(f(*xy) * w))([X, y])
        want = jt.grad(lambda xy: np.sum(functional(*xy) * w))([X, y])
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)


def test_repeated_places_keep_the_last_value():
    def f(x):
        z = x * 1.0
        z[[0, 0, 1]] = x[1:] * 10.0
        z[[2, 2]] += 1.0
        return z

    same(f, [1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(jt.grad(lambda x: f(x)[0] * 5.0)(np.ones(4)), [0, 0, 50.0, 0])


def test_a_loop_that_fills_an_array():
    def rosenbrock(x):
        r = jt.zeros((len(x) - 1, 2))
        for i in range(len(x) - 1):
            r[i, 0] = 10.0 * (x[i + 1] - x[i] ** 2)
            r[i, 1] = 1.0 - x[i]
        return np.sum(r**2)

    def closed(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    x = np.linspace(-1.0, 1.5, 7)
    assert rosenbrock(x) == pytest.approx(closed(x))
    np.testing.assert_allclose(jt.grad(rosenbrock)(x), jt.grad(closed)(x), rtol=1e-13)


def test_overlapping_assignment_is_numpys():
    def f(x):
        z = x * 1.0
        z[1:] += z[:-1]
        z[1:] = z[:-1]
        z[::-1][:2] = z[:2]
        return z

    same(f, np.arange(6.0))


def test_a_view_sees_what_is_assigned_through_another():
    def f(x):
        z = x * 1.0
        row, column, flat, turned = z[1], z[:, 1], z.reshape(-1), z.T
        z[1, 1] = 100.0
        row[0] = 200.0
        column[0] = 300.0
        flat[5] = 400.0
        turned[2, 0] = x[0, 0] * 500.0
        row += 1.0
        z[[0, 1]][0, 0] = -1.0  # advanced indexing copies
        return row * 1.0, column * 1.0, flat * 1.0, turned * 1.0, z

    x = np.arange(6.0).reshape(2, 3)
    for got, want in zip(jt.record(f, x)(x), f(x), strict=True):
        np.testing.assert_array_equal(got, want)


def test_assigning_into_an_argument_leaves_the_callers_array_alone():
    def f(x):
        x[0] = 5.0
        x *= 2.0
        return x.sum()

    x = np.array([1.0, 2.0])
    value, gradient = jt.value_and_grad(f)(x)
    assert value == 14.0
    np.testing.assert_array_equal(gradient, [0.0, 2.0])
    np.testing.assert_array_equal(x, [1.0, 2.0])


@pytest.mark.parametrize(
    ("assign", "error"),
    [
        (lambda z: operator.setitem(z, slice(0, 2), np.ones(3)), ValueError), (lambda z: operator.setitem(z, 9, 1.0), IndexError),
        (lambda z: operator.setitem(z, [0, 1], np.ones(3)), ValueError), (lambda z: operator.iadd(z, np.ones((2, 3))), ValueError),
        (lambda z: operator.setitem(z, 0, "a"), TypeError), (lambda z: operator.setitem(z, 0, 1j), TypeError),
        (lambda z: operator.setitem(z, 0, None), TypeError), (lambda z: operator.setitem(z, 1.5, 0.0), IndexError),
    ],
)  # fmt: skip
def test_an_assignment_that_does_not_fit_changes_nothing(assign, error):
    z = traced([1.0, 2.0, 3.0])
    rows, values = z.row.copy(), z.v.copy()
    with pytest.raises(error):
        assign(z)
    np.testing.assert_array_equal(z.row, rows)
    np.testing.assert_array_equal(z.v, values)


def test_a_traced_number_is_no_index():
    x = traced([1.0, 2.0])
    for index in (x[0], x, (x[0],), [x[0]]):
        with pytest.raises(TracingTypeError, match="index"):
            x[index]


MASKED = {
    "index": lambda x, m: x[m] ** 2,
    "the others": lambda x, m: x[~m] ** 2,
    "combined": lambda x, m: x[m & (x > 1.5)],
    "where": lambda x, m: np.where(m, x * x, 1.0),
    "sum where": lambda x, m: np.sum(x * x, where=m),
    "assignment": lambda x, m: (y := x * x, y.__setitem__(m, 0.0), y)[2],
    "if": lambda x, m: x[0] if m[0] else x[1] ** 2,
    "as a number": lambda x, m: x * m.sum() + m[1] - m.mean(),
    "count": lambda x, m: x * np.count_nonzero(m),
}


@pytest.mark.parametrize("name", MASKED)
def test_an_argument_of_truth_values_is_a_mask(name):
    """Not an index of zeros and ones."""
    f = MASKED[name]
    x = np.array([1.0, 2.0, 3.0])
    g = jt.value_and_grad(lambda x, m: np.sum(f(x, m)))
    for m in ([True, False, True], [False, True, False], [True, True, False], [True, False, True]):
        m = np.array(m)
        value, gradient = g(x, m)
        assert value == np.sum(f(x, m))
        step = 1e-6 * np.eye(3)
        np.testing.assert_allclose(
            gradient, [(np.sum(f(x + h, m)) - np.sum(f(x - h, m))) / 2e-6 for h in step], rtol=1e-8, atol=1e-8
        )
    if "where" in name:
        assert g.cache_info().records == 1
    structures = jt.value_and_grad(lambda p, d: np.sum(p["w"][d["mask"]]))
    assert structures({"w": x}, {"mask": x > 1.5})[0] == 5.0
    with pytest.raises(TypeError, match="recorded"):
        jt.record(lambda x, m: np.sum(f(x, m)), x, x > 1.5)(x, np.array([0.0, 1.0, 0.0]))


def test_masks_of_traced_conditions():
    def f(x):
        z = x * 1.0
        z[z > 2.5] = 0.0
        z[(x < 1.5) | (x == 2.0)] += 10.0
        z[~(x < 3.5) & True] = x[~(x < 3.5)] * 2.0
        m = x > 1.5
        m[0], m[1:2] = True, [False]
        m[2:] = np.array([False, True])
        return np.where(m, z, 0.0)

    g = jt.value_and_grad(lambda x: (f(x) * np.arange(4.0)).sum())
    for x in ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.5]):
        x = np.array(x)
        value, gradient = g(x)
        assert value == (f(x) * np.arange(4.0)).sum()
        assert gradient.shape == (4,)
    assert g.cache_info()[:2] == (2, 2)


MASKS = {
    "product": lambda x, m: (x > 0.0) * (x < 1.0),
    "sum": lambda x, m: (x > 0.0) + (x < -1.0),
    "sum with an argument": lambda x, m: m + (x < -1.0),
    "plain": lambda x, m: np.array([True, False, True, True]) * (x > 0.0) + True * m,
    "in place": lambda x, m: operator.iadd(x > 0.0, m),
    "ufuncs": lambda x, m: np.multiply(np.add(x > 0.0, m), np.maximum(x < 1.0, m)),
    "smaller": lambda x, m: np.minimum(x > 0.0, x < 1.0),
    "where": lambda x, m: np.where(x > 0.0, x < 1.0, x < -1.0),
    "where plain": lambda x, m: np.where(x > 0.0, x < 1.0, True),
    "select": lambda x, m: np.select([x > 0.0, m], [x < 1.0, x < -1.0], False),
    "largest": lambda x, m: np.max(np.stack([x > 0.0, m]), axis=0),
    "running": lambda x, m: np.maximum.accumulate(x < 0.0),
    "outer": lambda x, m: np.outer(x > 0.0, m).T[0],
    "matrix product": lambda x, m: (x[:, None] > x) @ (x > 0.0),
    "einsum": lambda x, m: np.einsum("ij,j", x[:, None] > x, m),
    "changes": lambda x, m: np.diff(x > 0.0, prepend=False),
    "padded": lambda x, m: np.pad(x[:2] > 0.0, 1),
    "appended": lambda x, m: np.append(x[:3] > 0.0, True),
    "joined": lambda x, m: np.concatenate([x[:2] > 0.0, [True, False]]),
    "inserted": lambda x, m: np.insert(x[:3] > 0.0, 1, False),
    "zeros like": lambda x, m: (y := np.zeros_like(x > 0.0), y.__setitem__(slice(2), x[:2] > 0.0), y)[2],
    "ones like": lambda x, m: np.ones_like(m) * (x > 0.0),
    "looked up": lambda x, m: (x > 0.0)[3 * m],
    "of a type": lambda x, m: np.full_like(x, 1.0, dtype=bool) * np.zeros_like(x, dtype=bool) + (x > 0.0),
}


@pytest.mark.parametrize("name", MASKS)
def test_arithmetic_of_truth_values_is_numpys_and_gives_a_mask(name):
    """True + True is True; an index of numbers it is not."""

    def f(x, m):
        mask = MASKS[name](x, m)
        return np.sum(x[mask] ** 3) + np.sum(x * mask) + np.sum(mask)

    g = jt.value_and_grad(f)
    for x in ([0.5, -0.3, 2.0, -2.0], [1.5, 0.3, -2.0, 0.7], [-0.5, -3.0, -1.0, 0.1]):
        x = np.array(x)
        m = x[::-1] > 0.0
        value, gradient = g(x, m)
        assert value == pytest.approx(f(x, m), rel=1e-14)
        mask = MASKS[name](x, m)
        np.testing.assert_allclose(gradient, (3 * x * x + 1) * mask, rtol=1e-14)
    assert np.zeros_like(x, dtype=float).dtype == float
    assert jt.record(lambda x: np.zeros_like(x > 0.0, dtype=float) + x, x)(x).tolist() == x.tolist()


# -- indices that are arguments -----------------------------------------------------------------------------------------------

LOOKUPS = {
    "rows": lambda x, i: x[i],
    "rows by objects": lambda x, i: x[np.asarray(i)],
    "columns": lambda x, i: x[:, i],
    "one row": lambda x, i: x[0, i],
    "ellipsis": lambda x, i: x[..., i],
    "pairs": lambda x, i: x[np.arange(3), i],
    "outer": lambda x, i: x[np.arange(3)[:, None], i],
    "new axis": lambda x, i: x[None, i, 1:],
    "one number": lambda x, i: x[i[0]],
    "as int": lambda x, i: x[i.astype(int)],
    "np.take": np.take,
    "np.take of a list": lambda x, i: np.take(x, [i[0], 1, i[1]], axis=0),
    "np.take axis": lambda x, i: np.take(x, i, axis=1),
    "np.take wrapped": lambda x, i: np.take(x, i * 5 - 4, axis=1, mode="wrap"),
    "np.take clipped": lambda x, i: np.take(x, i * 9 - 4, mode="clip"),
    "a list": lambda x, i: x[[i[0], 1, i[1]]],
    "a list of lists": lambda x, i: x[:, [[i[0]], [i[2]]]],
    "a plain table": lambda x, i: (jt.array([3.0, 5.0, 9.0]) if isinstance(x, VarArray) else np.array([3.0, 5.0, 9.0]))[i] * x,
    "np.take_along_axis": lambda x, i: np.take_along_axis(x, i[:, None], 1),
    "np.take_along_axis broadcast": lambda x, i: np.take_along_axis(x, i[None], 1),
    "matrix of indices": lambda x, i: x[np.stack([i, i[::-1]])],
    "computed": lambda x, i: x[(i + 1) % 3],
    "np.choose": lambda x, i: np.choose(i, list(x)) + np.choose(i[0], x[:, 0]),
    "places of a flat array": lambda x, i: x.reshape(-1)[3 * np.arange(3) + i],
    "no index": lambda x, i: np.sum(x[i[:0]]) + np.sum(x[:0, i]) + x[0],
    "no place": lambda x, i: np.sum(x[:0][i[:0]]) + x[:, 0],
    "two at once": lambda x, i: x[i, i[::-1]],
    "one step to the next": lambda x, i: x[i[:-1], i[1:]],
    "two and a slice": lambda x, i: x[:, :, None][i, i[:, None], 0:],
    "two after a slice": lambda x, i: np.stack([x, x * 2.0])[:, i, i[::-1]],
    "two after a part": lambda x, i: np.stack([x, x * 2.0, x * 3.0])[1:, i[:2, None], i],
    "two around a slice": lambda x, i: x[:, None][i, ::-1, i],
    "two after an ellipsis": lambda x, i: x[None][..., i, i],
    "two before an ellipsis": lambda x, i: x[:, :, None][i, i, ...],
    "two numbers": lambda x, i: x[i[0], i[1]],
    "two beside a new axis": lambda x, i: x[None, i, i],
    "beside True": lambda x, i: x[True, i] + x[:, True, i],
    "beside a list of masks": lambda x, i: np.stack([x, x * 2.0, x * 3.0])[np.eye(3, dtype=bool)[::-1].tolist(), i],
    "two beside a mask": lambda x, i: np.stack([x, x * 2.0, x * 3.0])[np.array([True, True, False]), i[:2], i[1:]],
    "two numbers after a slice": lambda x, i: x[:, :, None][:, i[0], i[1] * 0],
    "of ix_": lambda x, i: x[np.ix_(i, i)],
    "two and a plain one": lambda x, i: x[:, :, None][i, [0, 1, 1], i * 0],
}


STORES = {
    "rows": lambda y, x, i: y.__setitem__(i, x),
    "columns": lambda y, x, i: y.__setitem__((slice(None), i), x),
    "one row": lambda y, x, i: y.__setitem__((1, i), x[0]),
    "one column": lambda y, x, i: y.__setitem__((i, 1), x[0]),
    "an int apart": lambda y, x, i: y[None].__setitem__((0, slice(None), i), x[:, :2].T[[0, 1, 1]]),
    "ellipsis": lambda y, x, i: y.__setitem__((..., i), x[:1]),
    "new axis": lambda y, x, i: y.__setitem__((slice(1, None), None, i), x[:2, None]),
    "a matrix of indices": lambda y, x, i: y.__setitem__((slice(None), np.stack([i, i[::-1]])), x[:, None]),
    "one number": lambda y, x, i: y.__setitem__(i[0], x[1]),
    "a list": lambda y, x, i: y.__setitem__([i[0], 2], x[:2]),
    "pairs": lambda y, x, i: y.__setitem__((np.arange(3), i), x[0]),
    "pairs with repeated rows": lambda y, x, i: y.__setitem__(([0, 2, 0], i), x[0]),
    "outer": lambda y, x, i: y.__setitem__((np.arange(3)[:, None], i), x),
    "two at once": lambda y, x, i: y.__setitem__((i, i[::-1]), x[0]),
    "two that broadcast": lambda y, x, i: y.__setitem__((i[:2, None], i), x[:2]),
    "two and a slice": lambda y, x, i: y[:, :, None].__setitem__((i, i, slice(None)), x[0][:, None]),
    "two apart": lambda y, x, i: y[:, None].__setitem__((i, slice(None), i), x[1][:, None]),
    "two numbers": lambda y, x, i: y.__setitem__((i[0], i[1]), x[1, 1]),
    "a mask beside": lambda y, x, i: y.__setitem__((np.array([True, False, True]), i[:2]), x[0, :2]),
    "pairs in place": lambda y, x, i: operator.setitem(y, (np.arange(3), i), y[np.arange(3), i] - x[0]),
    "np.add.at pairs": lambda y, x, i: np.add.at(y, ([1, 0, 1], i), x[0]),
    "np.subtract.at two": lambda y, x, i: np.subtract.at(y, (i, i[::-1]), x[0]),
    "np.put_along_axis": lambda y, x, i: np.put_along_axis(y, i[:, None], x[:, :1], axis=1),
    "np.put": lambda y, x, i: np.put(y, 3 * np.arange(3) + i, x[0]),
    "np.put of fewer": lambda y, x, i: np.put(y.T, i, x[0, :2]),
    "flat": lambda y, x, i: y.T.flat.__setitem__(i, x[0]),
    "np.put_along_axis flat": lambda y, x, i: np.put_along_axis(y, i, x[0], None),
    "np.put_along_axis broadcast": lambda y, x, i: np.put_along_axis(y, i[None], 7.0, 0),
    "no element": lambda y, x, i: y[:, :0].__setitem__((slice(None), i[:0]), x[:, :0]),
    "a plain number": lambda y, x, i: y.__setitem__(i, 3.0),
    "in place": lambda y, x, i: operator.setitem(y, i, y[i] * x),
    "np.add.at": lambda y, x, i: np.add.at(y, i, x),
    "np.multiply.at": lambda y, x, i: np.multiply.at(y, (slice(None), i), x),
    "np.negative.at": lambda y, x, i: np.negative.at(y, i),
}


@pytest.mark.parametrize("name", STORES)
def test_an_integer_array_argument_is_stored_at(name):
    """In the order of the index, so that the last of several for one place stays; negative indices count from the end."""

    def f(x, i):
        y = x[::-1] * 2.0
        STORES[name](y, x, i)
        return y

    rng = np.random.default_rng(9)
    w = rng.normal(size=(3, 3))
    g = jt.value_and_grad(lambda x, i: np.sum(w * f(x, i) ** 2))
    for k in range(6):
        x, i = rng.normal(size=(3, 3)), rng.integers(-3 if k > 3 else 0, 3, 3)
        value, gradient = g(x, i)
        assert value == pytest.approx(np.sum(w * f(x, i) ** 2), rel=1e-13)
        np.testing.assert_allclose(gradient, jt.grad(lambda x, i=i: np.sum(w * f(x, i) ** 2))(x), rtol=1e-13, atol=1e-14)
    assert g.cache_info().records <= (4 if name == "two that broadcast" else 2)  # which of its indices are negative is a guard


def test_an_index_that_cannot_be_stored_at_is_an_error():
    def stored(x, index):
        y = x * 1.0
        y[index] = 0.0
        return np.sum(y)

    x, i = np.ones((3, 3)), np.array([0, 3])
    with pytest.raises(IndexError, match="out of bounds"):
        jt.grad(lambda x, i: stored(x, i))(x, i)
    with pytest.raises(IndexError, match="axis 1 with size 3"):
        jt.grad(lambda x, i: stored(x, ([0, 1], i)))(x, i)
    with pytest.raises(IndexError, match="broadcast"):
        jt.grad(lambda x, i: stored(x, ([0, 1, 2], i)))(x, i * 0)
    with pytest.raises(TypeError, match="index"):
        jt.grad(lambda x: stored(x, x[0]))(x)


@pytest.mark.parametrize("name", LOOKUPS)
def test_an_integer_array_argument_is_an_index_and_does_not_record_again(name):
    f = LOOKUPS[name]
    rng = np.random.default_rng(8)
    g = jt.value_and_grad(lambda x, i: np.sum(f(x, i) ** 2))
    for _ in range(5):
        x, i = rng.normal(size=(3, 3)), rng.integers(0, 3, 3)
        value, gradient = g(x, i)
        assert value == pytest.approx(np.sum(f(x, i) ** 2), rel=1e-14)
        np.testing.assert_allclose(gradient, jt.grad(lambda x, i=i: np.sum(f(x, i) ** 2))(x), rtol=1e-13)
    assert g.cache_info().records == 1


@pytest.mark.parametrize(
    ("f", "shape"),
    [
        (lambda x, i: x[i], (40, 8)), (lambda x, i: x[:, i], (30, 40)), (lambda x, i: x[1:, i, ::2], (3, 40, 4)),
        (lambda x, i: x[i][:, 1], (40, 8)), (lambda x, i: x[::-1][i.reshape(2, 4)], (40, 3)),
    ],
)  # fmt: skip
def test_rows_of_many_numbers_are_picked_whatever_is_in_the_others(f, shape):
    rng, beside = np.random.default_rng(3), [0.0, np.inf, np.nan, -np.inf, 0.0]
    g = jt.value_and_grad(lambda x, i: np.sum(np.arctan(f(x, i))))
    for number in beside:
        x, i = rng.normal(size=shape), rng.integers(0, 40, 8)
        x.reshape(-1)[rng.integers(0, x.size, 3)] = number
        value, gradient = g(x, i)
        np.testing.assert_allclose(value, np.sum(np.arctan(f(x, i))), rtol=1e-13)
        np.testing.assert_allclose(gradient, jt.grad(lambda x, i=i: np.sum(np.arctan(f(x, i))))(x), rtol=1e-13)
    assert g.cache_info().records == 1
    table = np.where(rng.random(shape) < 0.1, -np.inf, rng.normal(size=shape))
    h = jt.value_and_grad(lambda w, i: w * np.sum(np.arctan(f(jt.array(table), i))))
    for _ in range(3):
        i = rng.integers(0, 40, 8)
        assert h(2.0, i)[0] == pytest.approx(2.0 * np.sum(np.arctan(f(table, i))), rel=1e-13)
    assert h.cache_info().records == 1


def test_an_index_out_of_bounds_is_an_error_also_at_a_replay():
    g = jt.value_and_grad(lambda x, i: x[i].sum())
    x = np.array([1.0, 2.0, 3.0])
    assert g(x, np.array([0, 2]))[0] == 4.0
    for bad in ([0, 3], [-4, 0], [0.5, 0.0]):
        with pytest.raises(IndexError, match="out of bounds"):
            g(x, np.array(bad))
    assert g(x, np.array([1, 1]))[0] == 4.0
    for use in (lambda i: jt.array([1.0, i[0]])[i][0], lambda i: jt.array([1.0, 2.0])[i * i][0]):
        with pytest.raises(TypeError, match="index"):
            jt.grad(lambda i, use=use: x[0] * use(i))(np.array([1.0, 0.0]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: np.sum(x[i] * np.array([1.0, 10.0])),
        lambda x, i: x[i[0]] + 10.0 * x[i[1]],
        lambda x, i: np.sum(np.take(x, i) * np.array([1.0, 10.0])),
        lambda x, i: np.sum(x[:, None][i, [0, 0]] * np.array([1.0, 10.0])),
        lambda x, i: np.sum(np.stack([x, x])[[0, 1], i] * np.array([1.0, 10.0])),
        lambda x, i: np.sum(np.outer(x, [1.0, 1.0])[i, i // 3] * np.array([1.0, 10.0])),
    ],
)
def test_a_negative_index_counts_from_the_end(f):
    g = jt.value_and_grad(f)
    x = np.array([1.0, 2.0, 3.0])
    for i in ([0, 2], [-1, 0], [-3, -3], [1, 1], [2, -2]):
        value, gradient = g(x, np.array(i))
        assert value == f(x, np.array(i)) == np.sum(x[i] * np.array([1.0, 10.0]))
        expected = np.zeros(3)
        np.add.at(expected, i, [1.0, 10.0])
        np.testing.assert_array_equal(gradient, expected)
    assert g.cache_info().records <= 4


def test_a_plain_array_is_not_indexed_by_an_argument():
    table = np.eye(3)
    with pytest.raises(TypeError, match=r"jt\.array\(table\)"):
        jt.grad(lambda x, i: np.sum(x * table[i]))(1.0, np.array([0, 2]))
    with pytest.raises(TypeError, match=r"jt\.array\(table\)"):
        jt.grad(lambda x, i: np.sum(x * table[np.asarray(i)]))(1.0, np.array([0, 2]))
    for dtype in (int, float):  # one path for each array of labels
        with pytest.raises(TypeError, match="leave out np.asarray"):
            jt.grad(lambda x, i, dtype=dtype: np.sum(x * np.asarray(i, dtype)))(1.0, np.array([0, 2]))
    with pytest.raises(IndexError, match="too many"):
        jt.grad(lambda x: np.asarray(x)[0] * x[0, 1])(np.ones(3))


def test_a_program_says_that_an_index_is_out_of_bounds():
    program = jt.record(lambda x, i: x[i].sum(), np.ones(3), np.array([0, 1]))
    for i in ([0, 3], [5, 0], [2, -4]):
        with pytest.raises(jt.BranchChanged, match=r"`every index is in range\(3\)` was True"):
            program(np.ones(3), np.array(i))
    assert program(np.arange(3.0), np.array([2, 2])) == 4.0
    one = jt.record(lambda x, i: x[i], np.ones(3), np.array(0))
    with pytest.raises(jt.BranchChanged, match=r"every index is in range\(3\)"):
        one(np.ones(3), np.array(4))


def test_labels_have_as_many_axes_as_numpy_asks_for():
    for call in (
        lambda x, i: np.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, i[:, None], None),
        lambda x, i: np.put_along_axis(x * 1.0, i, 0.0, 1),
    ):
        with pytest.raises(ValueError, match="dimensions"):
            jt.record(lambda x, i, call=call: call(x, i), np.ones((3, 3)), np.array([0, 1, 2]))


def test_labels_of_labels_cost_what_they_read():
    def f(table, after, i):
        total = 0.0
        for _ in range(300):
            i = after[i]
            total = total + table[i]
        return np.sum(total)

    rng = np.random.default_rng(2)
    table, after = rng.normal(size=3000), rng.permutation(3000)
    value, gradient = jt.value_and_grad(f)(table, after, np.arange(3))
    assert value == pytest.approx(f(table, after, np.arange(3)), rel=1e-12)
    assert gradient.sum() == 900.0


def test_what_is_written_to_labels_counts_from_then_on():
    def f(x, i):
        before = x[i]
        i[0] = 2
        return np.sum(before * 10.0 + x[i])

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(jt.grad(f)(x, np.array([0, 1])), [10.0, 11.0, 1.0])


def test_minibatches_with_labels_record_once():
    rng = np.random.default_rng(9)

    def loss(p, x, y):
        z = np.tanh(x @ p["w1"] + p["b1"]) @ p["w2"]
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return -log_p[np.arange(len(y)), y].mean()

    p = {"w1": rng.normal(size=(4, 5)), "b1": np.zeros(5), "w2": rng.normal(size=(5, 3))}
    g = jt.value_and_grad(loss)
    for _ in range(300):
        x, y = rng.normal(size=(8, 4)), rng.integers(0, 3, 8)
        value, gradient = g(p, x, y)
        assert value == pytest.approx(loss(p, x, y), rel=1e-12)
        p = {name: p[name] - 0.1 * gradient[name] for name in p}
    assert g.cache_info() == (1, 1, 299)
    g(p, x[:5], y[:5])
    assert g.cache_info().records == 2


# -- operators ----------------------------------------------------------------------------------------------------------------

OTHERS = {
    "Var": lambda x: x[0],
    "VarArray": lambda x: x[::-1] + 0.5,
    "float": lambda x: 1.5,
    "int": lambda x: 2,
    "np.float64": lambda x: np.float64(1.5),
    "np.float32": lambda x: np.float32(1.5),
    "bool": lambda x: True,
    "array": lambda x: np.array([1.5, 2.5, 0.5]),
    "int array": lambda x: np.array([1, 2, 3]),
    "bool array": lambda x: np.array([True, False, True]),
    "column": lambda x: np.array([[1.5], [2.5]]),
    "0-d": lambda x: np.array(1.5),
    "list": lambda x: [1.5, 2.5, 0.5],
    "tuple of both": lambda x: (1.5, x[0], 2),
    "condition": lambda x: x > 1.2,
}
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("op", OPERATORS + COMPARISONS, ids=lambda op: op.__name__)
def test_operators_both_ways(op, other):
    x = np.array([0.75, 1.5, 2.25])

    def f(x, swapped):
        y = OTHERS[other](x)
        y = np.asarray(y, float) if not isinstance(x, VarArray) else y
        out = op(y, x) if swapped else op(x, y)
        return out * 1.0

    for swapped in (False, True):
        with np.errstate(all="ignore"):
            expected = f(x, swapped)
        np.testing.assert_allclose(jt.record(lambda x, s=swapped: f(x, s), x)(x), expected, rtol=1e-15)


@pytest.mark.parametrize(
    "op", [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod, operator.ipow]
)
def test_in_place_operators_change_the_array_itself(op):
    def f(x):
        z = x * 1.0
        alias, view = z, z[1:]
        z = op(z, x + 1.0)
        z = op(z, 2)
        assert z is alias
        return view * 1.0

    same(f, [0.75, 1.5, 2.25])


def test_unary_operators_and_constant_powers():
    x = traced([0.5, 2.0])
    for f, name in (
        (operator.neg, "negative"),
        (abs, "abs"),
        (lambda x: x**2, "square"),
        (lambda x: x**0.5, "sqrt"),
        (lambda x: x**-1, "reciprocal"),
    ):
        before = len(x.rec)
        f(x)
        assert [OPS[op].name for op in x.rec.columns()[0][before:]] == [name] * 2
    same(lambda x: +x, [1.0])
    assert divmod(x, 0.3)[0].v.tolist() == [1.0, 6.0] and divmod(1.0, x)[1].shape == (2,)
    assert (+x).row is not x.row


def test_conditions_combine_without_a_guard():
    x = traced([1.0, 2.0, 3.0])
    c = (x > 1.5) & (x < 2.5) | ~(x != 3.0) ^ np.array([False, True, True])
    assert isinstance(c, ConditionArray) and not x.rec.guards
    assert c.v.astype(bool).tolist() == [False, True, False]
    assert ((x > 1) & (x[0] > 0)).shape == (3,) and (True & (x > 1)).v.tolist() == [0, 1, 1]
    assert np.logical_and(x > 1, x < 3).v.tolist() == [0, 1, 0]
    assert np.bitwise_or(x > 2, x < 2).v.tolist() == [1, 0, 1]
    with pytest.raises(TypeError):
        x & x
    with pytest.raises(TypeError, match="comparisons"):
        np.bitwise_and(x, x)
    assert np.sum(x > 1.5).v == 2.0 and np.mean(x > 1.5).v == 2 / 3
    assert np.any(x > 5).v == 0.0 and type(np.all(x > 0)) is Condition and not x.rec.guards
    assert np.all(x > 0) and len(x.rec.guards) == 1


def test_the_truth_of_an_array_is_numpys():
    assert traced([1.0]) and not traced([[0.0]])
    for bad in (np.ones(2), np.ones(0))[: 2 if np.lib.NumpyVersion(np.__version__) >= "2.2.0" else 1]:
        with pytest.raises(ValueError) as plain:
            bool(bad)
        with pytest.raises(ValueError, match=str(plain.value)[:40]):
            bool(traced(bad))
    x = traced([1.0, 2.0])
    assert x[0] in x and len(x.rec.guards) > 0


def test_constants_are_shared_and_inputs_are_not_copied():
    rec = Recording()
    x = traced(np.ones(1000), rec)
    before = len(rec)
    y = x * 2.0 + 2.0
    assert len(rec) == before + 2001
    y * np.full(1000, 2.0)
    assert len(rec) == before + 3001
    assert rec.settle()[0].count(CONST) == 2
    before = len(rec)
    y[::2], y.T, y.reshape(10, 100), np.concatenate([x, y]), np.where(np.ones(1000) > 0, x, y)
    assert len(rec) == before


# -- the same bits as a scalar loop -------------------------------------------------------------------------------------------


def test_sums_and_products_have_the_bits_of_a_loop():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=37) * 10.0 ** rng.integers(-8, 8, 37), rng.normal(size=37)

    def loop(x, y):
        total, product, dot = x[0], y[0], x[0] * y[0]
        for i in range(1, 37):
            total = total + x[i]
            product = product * y[i]
            dot = dot + x[i] * y[i]
        return total, product, dot

    scalars = jt.record(lambda xs: loop(xs[:37], xs[37:]), [*x.tolist(), *y.tolist()])
    vectors = jt.record(lambda xs: (xs[0].sum(), np.prod(xs[1]), xs[0] @ xs[1]), [x, y])
    assert scalars([*x.tolist(), *y.tolist()]) == vectors([x, y])
    assert loop(x.tolist(), y.tolist()) == vectors([x, y])
    assert jt.sum(x.tolist()) == jt.sum(x) == vectors([x, y])[0]


def test_a_model_written_with_scalars_and_with_arrays_has_the_same_bits():
    rng = np.random.default_rng(5)
    data, label = rng.normal(size=(20, 4)), rng.integers(0, 2, 20) + 0.0
    w = rng.normal(size=4)

    def arrays_(w, b, data, label):
        z = data @ w + b
        return np.sum(np.log(1.0 + np.exp(-z)) + (1.0 - label) * z) + 0.1 * (w @ w)

    def scalars(w, b, data, label):
        total = None
        for row, target in zip(data.tolist(), label.tolist(), strict=True):
            z = row[0] * w[0]
            for k in range(1, 4):
                z = z + row[k] * w[k]
            z = z + b
            loss = np.log(1.0 + np.exp(-z)) + (1.0 - target) * z
            total = loss if total is None else total + loss
        penalty = w[0] * w[0]
        for k in range(1, 4):
            penalty = penalty + w[k] * w[k]
        return total + 0.1 * penalty

    a = jt.value_and_grad(lambda w, b: arrays_(w, b, data, label), argnums=(0, 1))(w, 0.3)
    s = jt.value_and_grad(lambda w, b: scalars(w, b, data, label), argnums=(0, 1))(w, 0.3)
    assert a[0] == s[0]
    np.testing.assert_array_equal(a[1][0], s[1][0])
    assert a[1][1] == s[1][1]


def test_elementwise_functions_have_the_bits_of_the_scalar_ones():
    x = np.random.default_rng(6).uniform(0.3, 0.9, 50)
    for op in OPS:
        if op.public and op.arity == 1:
            f = getattr(jt, op.name)
            bulk = jt.record(lambda x, f=f: f(x) * 1.0, x)(x)
            single = [jt.record(lambda x, f=f: f(x) * 1.0, float(k))(float(k)) for k in x[:3]]
            np.testing.assert_array_equal(bulk[:3], single, op.name)


# -- building, and refusals ---------------------------------------------------------------------------------------------------


def test_builders_hold_traced_values_inside_a_recording_and_are_plain_outside():
    def f(x):
        parts = [
            jt.zeros(2),
            jt.ones((1, 2)),
            jt.full(2, x),
            jt.array([1.0, 2.0]),
            jt.zeros_like(np.ones(2)),
            jt.full_like(np.ones(2), x),
        ]
        parts += [
            np.zeros_like(jt.zeros(2)),
            np.full_like(jt.zeros(2), 3.0),
            np.ones_like(jt.zeros(3)),
            np.empty_like(jt.zeros(2)),
        ]
        assert all(isinstance(part, VarArray) for part in parts)
        for part in parts:
            part[..., 0] = x
        return sum(part.sum() for part in parts)

    assert jt.value_and_grad(f)(2.0) == (32.0, 12.0)
    for plain in (
        jt.zeros(2),
        jt.ones((1, 2)),
        jt.full(2, 3.0),
        jt.array([1, 2]),
        jt.array([[1.0], [2]]),
        jt.zeros_like(np.ones(2)),
        jt.stack([1.0, 2.0]),
    ):
        assert type(plain) is np.ndarray and plain.dtype == np.float64
    v = jt.var(2.0)
    z = jt.zeros(3, like=v)
    z[1] = v * v
    z.sum().backprop()
    assert v.sensitivity == 4.0


def test_arrays_of_nested_lists():
    def f(x):
        a = jt.array([[x[0], 1.0], [2, x[1] * x[0]]])
        b = jt.array([x, [3.0, 4.0], np.array([5.0, 6.0])])
        c = jt.array((x[0], True))
        return a.sum() + (b * np.arange(6.0).reshape(3, 2)).sum() + c[0] * jt.array(x[0])[()]

    value, gradient = jt.value_and_grad(f)(np.array([2.0, 3.0]))
    assert value == 2 + 1 + 2 + 6 + (3 + 6 + 12 + 20 + 30) + 4
    np.testing.assert_array_equal(gradient, [1 + 3 + 4, 2 + 1])
    x = traced([1.0, 2.0])
    with pytest.raises(ValueError, match="shapes"):
        jt.array([x, [x[0]]])
    with pytest.raises(TypeError):
        jt.array([x[0], "a"])
    with pytest.raises(TypeError):
        jt.array(["a"])
    for bad in ({"a": x[0]}, {x[0]}, None, [x[0], None], [None]):
        with pytest.raises(TypeError, match="an array takes numbers"):
            jt.array(bad)


def test_arrays_of_objects_and_of_iterators():
    def f(x):
        objects = np.empty((2, 2), object)
        for i, j in np.ndindex(2, 2):
            objects[i, j] = x[i] * j
        return (
            jt.sum(jt.array(objects) * [[1.0, 2.0], [3.0, 4.0]])
            + jt.sum(jt.array([objects, np.ones((2, 2))]))
            + jt.array(k * k for k in x)[1]
        )

    value, gradient = jt.value_and_grad(f)(np.array([2.0, 3.0]))
    assert value == 2 * 2 + 4 * 3 + (2 + 3 + 4) + 9
    np.testing.assert_array_equal(gradient, [2 + 1, 4 + 1 + 6])
    assert jt.array(np.array([1, 2], object)).tolist() == [1.0, 2.0]


def test_lists_of_traced_values_are_joined():
    value, gradient = jt.value_and_grad(lambda x: jt.concatenate([[x], [x * x]], axis=1)[0, 1:] @ np.ones(3))(
        np.array([1.0, 2.0])
    )
    assert value == 7.0
    np.testing.assert_array_equal(gradient, [2.0, 5.0])
    assert jt.value_and_grad(lambda x: jt.stack([[x[0], 1.0], [2.0, x[1]]])[1].sum())([3.0, 4.0]) == (6.0, [0.0, 1.0])


def test_plain_numbers_in_plain_numbers_out():
    assert type(jt.sum([1.0, 2])) is float and type(jt.sum([])) is float and type(jt.norm([3.0, 4.0])) is float
    assert type(jt.dot([1.0], [2.0])) is float and type(jt.logsumexp([1.0, 2.0])) is float and type(jt.mean([1, 2])) is float
    assert type(jt.maximum([1.0, 2.0], 1.5)) is np.ndarray and jt.less([1.0, 3.0], 2.0).dtype == np.bool_
    assert jt.sum(np.ones((2, 3)), axis=0).tolist() == [2.0] * 3 and jt.sum([[1.0, 2.0], [3.0, 4.0]]) == 10.0
    assert jt.where(np.array([True, False]), 1.0, [2.0, 3.0]).tolist() == [1.0, 3.0]
    assert jt.clip([-1.0, 0.5, 2.0], 0.0, 1.0).tolist() == [0.0, 0.5, 1.0]
    assert jt.sum(k for k in (1.0, 2.0)) == 3.0 and jt.prod([]) == 1.0 and jt.logsumexp([]) == -np.inf
    assert [f(-2.0) for f in (jt.sum, jt.prod, jt.mean, jt.norm, jt.logsumexp)] == [-2.0, -2.0, -2.0, 2.0, -2.0]
    assert np.isnan(jt.mean([])) and np.isnan(jt.mean(np.zeros(0)))


def test_helpers_of_lists_of_traced_numbers():
    v = [1.0, 2.0, 4.0]
    assert jt.value_and_grad(jt.sum)(v) == (7.0, [1.0] * 3)
    assert jt.value_and_grad(jt.mean)(v) == (7.0 / 3.0, [1 / 3] * 3)
    assert jt.value_and_grad(jt.prod)(v) == (8.0, [8.0, 4.0, 2.0])
    assert jt.value_and_grad(lambda v: jt.dot(v, [1.0, 2.0, 3.0]))(v) == (17.0, [1.0, 2.0, 3.0])
    assert jt.grad(jt.norm)([0.0, 0.0]) == [0.0, 0.0] and jt.grad(jt.norm)([-2.0]) == [-1.0]
    assert jt.value_and_grad(jt.logsumexp)([-np.inf, -np.inf]) == (-np.inf, [0.5, 0.5])
    for n in (1, 2, 5):
        x = np.random.default_rng(n).normal(size=n)
        for f in (jt.logsumexp, lambda x: np.logaddexp.reduce(x)):
            value, gradient = jt.value_and_grad(f)(x)
            assert value == pytest.approx(np.log(np.sum(np.exp(x))), rel=1e-14)
            np.testing.assert_allclose(gradient, np.exp(x - value), rtol=1e-13)
    table = np.array([[0.0, 1000.0], [-1000.0, -1000.0]])
    np.testing.assert_allclose(jt.grad(lambda x: jt.logsumexp(x, axis=1).sum())(table), [[0, 1], [0.5, 0.5]])
    np.testing.assert_allclose(jt.logsumexp(table, axis=1, keepdims=True), [[1000.0], [np.log(2) - 1000.0]])


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_is_scipys(name, axis):
    f, expected = getattr(jt, name), getattr(scipy.special, name)
    rng = np.random.default_rng(2)
    w = rng.normal(size=(3, 4))
    g = jt.value_and_grad(lambda x: np.sum(w * f(x, axis)))
    for scale in (1.0, 1000.0):
        x = scale * rng.normal(size=(3, 4))
        np.testing.assert_allclose(f(x, axis), expected(x, axis), rtol=1e-14, atol=1e-300)
        value, gradient = g(x)
        assert value == pytest.approx(np.sum(w * expected(x, axis)), rel=1e-14)
        p = scipy.special.softmax(x, axis)
        slope = p * (w - np.sum(w * p, axis, keepdims=True)) if name == "softmax" else w - p * np.sum(w, axis, keepdims=True)
        np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-14)
    assert g.cache_info().records == 1
    masked = np.where(np.eye(3, 4) == 1.0, -np.inf, w)
    np.testing.assert_allclose(jt.record(lambda x: f(x, axis), masked)(masked), expected(masked, axis), rtol=1e-14)
    assert f([1.0, 3.0]) == pytest.approx(expected([1.0, 3.0]), rel=1e-14)
    v = [jt.var(1.0), jt.var(3.0)]
    f(v)[0].backprop()
    np.testing.assert_allclose(v[1].sensitivity, jt.grad(lambda x: f(x)[0])(np.array([1.0, 3.0]))[1], rtol=1e-15)


REFUSED = {
    "np.array of floats": lambda x: np.array([x[0], x[1]], float),
    "np.asarray of floats": lambda x: np.asarray(x, float),
    "np.asarray of a float": lambda x: np.asarray(x[0], float),
    "object array as floats": lambda x: np.asarray(x).astype(float),
    "float array element": lambda x: operator.setitem(np.zeros(2), 0, x[0]),
    "float array slice": lambda x: operator.setitem(np.zeros(2), slice(None), x),
    "float array +=": lambda x: operator.iadd(np.zeros(2), x),
    "float()": lambda x: float(x[:1]),
    "int()": lambda x: int(x[:1]),
    "complex array": lambda x: x + np.array([1j, 2.0]),
    "complex": lambda x: x * 1j,
    "object array": lambda x: x + np.array([1.0, None]),
    "masked result": lambda x: np.ma.masked_where(x < 9.0, x).sum(),
    "masked array": lambda x: np.add(x, np.ma.array([1.0, 2.0], mask=[0, 1])),
    "matrix": lambda x: np.eye(2).view(np.matrix) * x,
    "matrix among arrays": lambda x: np.concatenate([x[None], np.ones((1, 2)).view(np.matrix)]),
    "strings": lambda x: x + np.array(["a", "b"]),
    "string": lambda x: x + "a",
    "None": lambda x: x * None,
    "astype int": lambda x: x.astype(int),
    "matmul with None": lambda x: x @ None,
    "range": lambda x: range(x),
    "pickle": lambda x: pickle.dumps(x),
    "np.copyto": lambda x: np.copyto(np.zeros(2), x),
    "out": lambda x: np.exp(x, out=np.zeros(2)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_loses_a_derivative_in_silence(name):
    with pytest.raises(TypeError) as error:
        jt.record(lambda x: REFUSED[name](x), np.array([1.0, 2.0]))
    if name.startswith(("np.a", "float array", "object array as")):
        text = str(error.value) + str(error.value.__cause__)
        assert "jt.array" in text and "jt.zeros" in text


def test_arrays_of_files_are_arrays(tmp_path):
    x = np.memmap(tmp_path / "x", np.float64, "w+", shape=2)
    x[:] = 3.0, 4.0
    np.testing.assert_array_equal(jt.grad(lambda w, x: np.sum(w * x))(x, x), [3.0, 4.0])
    np.testing.assert_array_equal(jt.grad(lambda w: np.sum(x * w))(np.ones(2)), [3.0, 4.0])


def test_numbers_have_the_methods_of_numpys_numbers():
    """Reductions give numbers, and code goes on with what NumPy's numbers can do."""

    def f(x):
        s = (x * x).sum()
        parts = [
            s.sum(),
            s.mean(axis=None),
            s.max(),
            s.item(),
            s.copy(),
            s.astype(float),
            s.squeeze(),
            s.ravel()[0],
            s.flatten()[-1],
        ]
        parts += [
            s.reshape(1, 1)[0, 0],
            s.T,
            s.transpose(),
            s.real,
            s.conj(),
            s.conjugate(),
        ]
        parts += [
            s.clip(0.0, 99.0),
            s.round() + s,
            s.std() + s.var() + s,
            s.repeat(2)[1],
            s.tolist(),
            s.imag + s,
            next(iter(s.flat)),
        ]
        assert s.ravel().shape == (1,) and s.nbytes == 8
        return sum(parts) / len(parts)

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(jt.grad(f)(x), jt.grad(lambda x: (x * x).sum())(x))
    np.testing.assert_allclose(jt.value_and_grad(f)(x)[0], f(x))
    v = jt.var(2.0)
    (v.sum() * v.reshape(1)).sum().backprop()
    assert v.sensitivity == 4.0


def test_the_flat_elements_are_indexed_and_assigned():
    def f(x):
        y = x * 1.0
        y.flat[:: len(y) + 1] += 3.0
        y.flat[1] = y.flat[2] * 2.0
        y.flat[[4, 5]] = [7.0, x[0, 1]]
        assert len(y.flat) == 6 and len(list(y.flat)) == 6
        return np.sum(y * y)

    x = np.arange(6.0).reshape(2, 3)
    value, gradient = jt.value_and_grad(f)(x)
    assert value == f(x)
    np.testing.assert_array_equal(gradient, [[6, 2, 20], [12, 0, 0]])

    def g(x):
        y = x * 1.0
        y.flat = x[0, :2] * 3.0  # repeats where it is too short
        return np.sum(y * [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    value, gradient = jt.value_and_grad(g)(x)
    assert value == g(x)
    np.testing.assert_array_equal(gradient, [[27, 36, 0], [0, 0, 0]])

    def h(x):
        y = x * 1.0
        y.flat[1:5] = x[:, 1:] * 2.0  # of any shape, and again from the first
        y.flat[[0, 3, 5]] = x[1, :2]
        y.flat[2:3] = [[x[0, 1], x[0, 2]]]
        y.flat[0] = x[0, 2]
        return np.sum(y * [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    x += 1.0
    value, gradient = jt.value_and_grad(h)(x)
    assert value == h(x)
    np.testing.assert_array_equal(gradient, [[0, 7, 1], [6, 4, 10]])


@pytest.mark.parametrize("kind", [int, np.uint8, np.int32, float, np.float32, bool])
def test_functions_that_ask_for_the_type_of_an_argument_get_a_recording_for_each(kind):
    def f(x, y):
        if np.issubdtype(y.dtype, np.integer):
            assert y[1:].dtype == y.T.dtype == y.copy().dtype == int and (y + 0.5).dtype == float
            return np.sum(x[y])
        return np.sum(x[y]) ** 2 if y.dtype == bool else np.sum(x * y)

    g, x, y = jt.value_and_grad(f), np.array([2.0, 3.0, 5.0]), np.array([1, 0, 1])
    g(x, y.astype(float)), g(x, y), g(x, y > 0)
    for k in range(3):
        given = np.roll(y, k).astype(kind)
        assert g(x, given)[0] == f(x, given.astype(int) if given.dtype.kind in "iu" else given)
    assert g.cache_info().records == (3 if kind is not bool else 5)  # each mask is a path


def test_arrays_of_integers_cut_off_what_is_stored():
    def f(x, y):
        z = y.copy()
        z[0], z[1:] = 2.7, [y[2] / 2, -1.5]
        w = (y / 2).astype(int)
        w[0] = y[0]
        w[2] = True
        assert w.dtype == int
        return np.sum(x * z) + np.sum(x[w])

    g, x = jt.grad(f), np.array([2.0, 3.0, 5.0])
    for y in (np.array([1, 0, 1]), np.array([2, 2, 5])):
        expected = np.bincount([y[0], y[1] // 2, 1], minlength=3) + np.array([2.0, y[2] // 2, -1.0])
        np.testing.assert_array_equal(g(x, y), expected)
    with pytest.raises(TypeError, match=r"astype\(float\)"):
        jt.grad(lambda x, y: y.__setitem__(0, x[0]))(x, y)


def test_an_array_of_integers_in_another_shape_or_order_is_one_too():
    y = np.array([[3, 1], [2, 7]])
    same = (
        np.ravel, np.transpose, np.squeeze, np.sort, np.flip, np.atleast_3d, np.copy, lambda y: np.reshape(y, 4), lambda y: y.ravel(),
        lambda y: np.concatenate([y, y]), lambda y: np.concatenate([y, [[4, 5]]]), lambda y: np.insert(y, 1, 3), lambda y: np.swapaxes(y, 0, 1),
    )  # fmt: skip
    for rearranged in same:
        kinds = []
        jt.grad(lambda x, y, f=rearranged, kinds=kinds: kinds.append(f(y).dtype.kind) or x)(1.0, y)
        assert kinds == ["i"]
    assert jt.grad(lambda x, y: x * (y.ravel().__setitem__(0, 0.7), y[0, 0])[1])(1.0, y) == 0.0
    assert jt.grad(lambda x, y: x * np.concatenate([y, [[0.5, 0.5]]])[2, 0])(1.0, y) == 0.5


def test_floats_are_not_added_to_an_array_of_integers_in_place():
    def f(x, y, by):
        y = y.copy()
        y[:1] += by
        y *= 2
        y += y > 3
        return x * y[0]

    y = np.array([1, 2])
    assert jt.grad(f)(1.0, y, 1) == 5.0
    changes = (
        lambda y, i: y.__isub__(np.min(y)), lambda y, i: y.__isub__(y[0]), lambda y, i: y.__iadd__(i * 2), lambda y, i: y.__iadd__(np.sum(i)),
        lambda y, i: y.__iadd__((i > 1).sum()), lambda y, i: y.__imul__(np.sign(i)), lambda y, i: y.__ifloordiv__(2),
    )  # fmt: skip
    for change in changes:
        assert jt.grad(lambda x, i, f=change: x * np.sum(f(i.copy(), i)))(1.0, y) == np.sum(change(y.copy(), y))
    for wrong in (
        lambda y: y.__itruediv__(2),
        lambda y: y.__iadd__(np.array([0.5, 1.0])),
        lambda y: y.__imul__(np.float32(1.0)),
    ):
        with pytest.raises(TypeError, match="float result"):
            jt.grad(lambda x, i, f=wrong: x * f(i.copy())[0])(1.0, y)
    assert jt.grad(lambda x, i: (lambda z: (z.__setitem__(0, 2.7), x * z[0])[1])(np.concatenate([i, []])))(1.0, y) == 2.7
    with pytest.raises(TypeError, match="float result cannot go into an array of integers"):
        jt.grad(f)(1.0, y, 0.5)
    gradient = jt.grad(f)
    assert gradient(1.0, y, 1) == 5.0
    with pytest.raises(TypeError, match="float result cannot go into an array of integers"):
        gradient(1.0, y, 0.5)
    assert gradient(1.0, y, 3) == 9.0
    with pytest.raises(TypeError, match="float"):
        jt.grad(lambda x, y: x * y.copy().__imul__(x)[0])(1.0, y)


def test_sums_in_an_array_of_integers_are_cut_off_one_by_one():
    def f(x, i):
        y = i.copy()
        np.add.at(y, i, 0.5)
        np.add.at(y, i, 1)
        return x * np.sum(y)

    assert jt.value_and_grad(f)(1.0, np.array([0, 0]))[0] == f(1.0, np.array([0, 0])) == 2.0


def test_a_loop_over_an_array_sees_what_it_writes_as_in_numpy():
    def running(x):
        x = x.copy()
        for i, v in enumerate(x[:-1]):
            x[i + 1] += v
        return x[-1]

    def flat(x):
        x = np.array([x, x]).T  # not contiguous, but written to in C order
        for i, v in enumerate(x.flat):
            x[(i + 1) // 2 % len(x), (i + 1) % 2] += 2.0 * v
        return np.sum(x)

    x = np.array([1.0, 2.0, 3.0, 4.0])
    for f in (running, flat):
        value, gradient = jt.value_and_grad(f)(x)
        assert value == f(x)
        np.testing.assert_allclose(gradient, [f(row) - f(x) for row in x + np.eye(4)], rtol=1e-12)
    with pytest.raises(TypeError, match="0-d|unsized"):
        jt.grad(lambda x: list(np.sum(x, keepdims=True).reshape(()))[0])(x)


def test_jt_array_of_integers_is_an_array_of_floats():
    def f(x, y):
        z = jt.array(y)
        z[0] = 0.7
        z += 0.25
        z[1] = x
        return x * z[0] + z[1]

    assert jt.value_and_grad(f)(2.0, np.array([1, 2])) == pytest.approx((2.0 * 0.95 + 2.0, 1.95))


def test_nothing_cannot_be_stored_in_something():
    with pytest.raises(ValueError, match="empty"):
        jt.grad(lambda x: x.flat.__setitem__(0, []))(np.ones(2))


def test_a_program_takes_integers_for_floats_and_the_other_way_round():
    for recorded, other in (([1, 2], [0.5, 1.5]), ([1.0, 2.0], [3, 4])):
        program = jt.record(lambda w, y: np.sum(w * y), 2.0, np.array(recorded))
        for y in (recorded, other, recorded):
            assert program(3.0, np.array(y)) == 3.0 * sum(y) and program.grad(3.0, np.array(y)) == sum(y)
    with pytest.raises(TypeError, match=r"a float array of shape \(2,\), called with an int array of shape \(3,\)"):
        program(3.0, np.arange(3))


def grouped(x, y):
    groups = {}
    for value, label in zip(x, y, strict=True):
        groups.setdefault(label, []).append(value)
    return sum(jt.mean(group) ** 2 for group in groups.values())


LABELLED = {
    "set": lambda x, y: sum(np.mean(x[y == c]) ** 2 for c in set(y)),
    "sorted set of a list": lambda x, y: sum((k + 1.0) * np.mean(x[y == c]) for k, c in enumerate(sorted(set(y.tolist())))),
    "groups": grouped,
    "Counter": lambda x, y: sum(n * n * x[0] for n in collections.Counter(y).values()),
    "pairs": lambda x, y: sum(dict(zip(y, x, strict=True)).values()),
    "table": lambda x, y: sum({0: 0.25, 1: 0.75, -2: 1.5, 0.5: 3.0}.get(c, 0.0) * v for v, c in zip(x, y, strict=True)),
    "in": lambda x, y: sum(v for v, c in zip(x, y, strict=True) if c in {1, 2}),
    "computed": lambda x, y: sum(x) * len(set(2 * y - 1)) + len(set(np.floor(y / 2).astype(int))) * x[0],
    "memo": lambda x, y: sum(x) * functools.lru_cache(lambda c: 2.0 * c)(y[0]),
}


@pytest.mark.parametrize("f", LABELLED.values(), ids=LABELLED)
@pytest.mark.parametrize("kind", [int, float])
def test_labels_are_equal_in_sets_and_as_keys(f, kind):
    """By identity each would be another one, and a mean over a label the mean of one element."""
    g, rng = jt.value_and_grad(f), np.random.default_rng(0)
    for _ in range(40):
        x, y = rng.normal(size=3), rng.choice([0, 1, 2, -2] if kind is int else [0.0, 1.0, 0.5, -2.0], 3)
        value, gradient = g(x, y)
        assert value == pytest.approx(f(x, y), rel=1e-14)
        assert gradient @ np.ones(3) == pytest.approx((f(x + 1e-6, y) - f(x - 1e-6, y)) / 2e-6, rel=1e-6, abs=1e-8)
    info = g.cache_info()
    assert info.replays + info.records == 40 and (kind is float or info.records == info.paths)


def test_labels_that_are_no_small_whole_numbers_hash_by_value_too():
    g = jt.value_and_grad(lambda x, y: x * len(set(y)))
    kinds = [[0.1, 0.1], [2.0**60, 1.0], [2.0**60, 2.0**60], [np.inf, np.inf], [-np.inf, np.inf], [np.nan, np.nan], [0.0, -0.0]]
    for y in [*kinds, *kinds[::-1], [5.0, 5.0], *kinds]:
        assert g(1.0, np.array(y))[0] == (len(set(y)) if y[0] == y[0] else 2)


def test_labels_that_are_fractions_have_a_path_each():
    table = {0.25: 2.0, 0.75: 3.0, 0.1: 4.0, 1e300: 5.0, 5e-324: 6.0, np.inf: 8.0, -0.1: 9.0, 2.0**-600: 10.0}
    g = jt.value_and_grad(lambda x, y: x * table.get(y, 7.0))
    for k in range(90):
        y = [*table, 0.5][k % 9]
        assert g(1.0 + k, y) == ((1.0 + k) * table.get(y, 7.0), table.get(y, 7.0))
    assert g.cache_info().records == g.cache_info().paths == 9


COUNTS = {
    "slice": lambda x: np.sum(np.sort(x)[: np.count_nonzero(x > 0.0)] ** 2),
    "method": lambda x: np.sum(x[: (x > 0.0).sum()] ** 2),
    "range": lambda x: sum(x[i] * (i + 1.0) for i in range(np.sum(x > 0.0))),
    "list": lambda x: x[0] * [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0][np.count_nonzero(x > 0.0)],
    "shape": lambda x: np.sum(x.reshape(np.count_nonzero(x > 0.0) // 2, -1)[0]),
    "plain array": lambda x: np.sum(np.ones(np.count_nonzero(x > 0.0))) * x[0],
    "traced array": lambda x: np.sum(jt.zeros(np.count_nonzero(x > 0.0)) + x[0]),
    "int": lambda x: x[0] * int((x > 0.0).sum() - 7),
    "half": lambda x: x[0] * int((x > 0.0).sum() / 2 - 7.25),
    "floor": lambda x: np.sum(x[: np.floor(abs(x[0]) * 2.2).astype(int)]),
    "whole": lambda x: np.sum(x[: int(np.floor(abs(x[0]) * 2.2))]),
    "loop": lambda x: np.sum(x[: sum(1 * (v > 0.0) for v in x)]),
    "tile": lambda x: np.sum(np.tile(x[:2], np.count_nonzero(x > 0.0))),
    "plain tile": lambda x: x[0] * np.sum(np.tile([1.0, 2.0], (2, np.count_nonzero(x > 0.0)))),
    "roll": lambda x: np.sum(np.roll(x, shift=np.count_nonzero(x > 0.0)) * np.arange(6.0)),
    "repeat": lambda x: np.sum(np.repeat(x, np.count_nonzero(x > 0.0))),
    "split": lambda x: np.sum(np.split(x, [np.count_nonzero(x > 0.0)])[0] ** 2),
    "arange": lambda x: x[0] * np.sum(np.arange(np.count_nonzero(x > 0.0))),
    "linspace": lambda x: np.sum(np.linspace(x[0], 1.0, np.count_nonzero(x > 0.0)) ** 2),
    "float": lambda x: x[0] * math.sqrt(np.count_nonzero(x > 0.0)),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_integers_where_python_wants_one(name):
    f, g = COUNTS[name], jt.value_and_grad(COUNTS[name])
    x = np.array([1.0, -2.0, 3.0, 4.0, -5.0, 0.5])
    points = [x, x[::-1].copy(), np.array([1.6, -2.0, 3.0, -4.0, -5.0, 0.7]), 1.1 * x, abs(x), 1.2 * abs(x), x]
    for y in points:
        value, gradient = g(y)
        assert value == pytest.approx(f(y), rel=1e-14)
        step = 1e-6 * np.eye(6)
        slope = [(f(y + h) - f(y - h)) / 2e-6 for h in step]
        np.testing.assert_allclose(gradient, slope, atol=1e-7)
    info = g.cache_info()
    assert info.records == info.paths <= 3


def test_a_count_is_asked_once():
    g = jt.record(lambda x: np.sum(x[: np.count_nonzero(x > 0.0)]), np.ones(5))
    h = jt.record(lambda x: x[0] * int(np.count_nonzero(x > 0.0)), np.ones(5))
    assert len(g.tape.guards) == len(h.tape.guards) <= 10


def test_counts_that_are_no_integers():
    g = jt.value_and_grad(lambda x: x * [1.0, 2.0, 3.0, 4.0][int(np.floor(x))])
    for x in 1.5, np.nan, 2.5, np.inf, 1.5, -np.inf, np.nan:
        if np.isfinite(x):
            assert g(x) == (x * np.floor(x + 1.0), np.floor(x + 1.0))
        else:
            with pytest.raises((ValueError, OverflowError), match="cannot convert float"):
                g(x)
    with pytest.raises(TypeError, match="int"):  # floats are no longer what ints would be
        jt.grad(lambda x: x * int(np.sum(x > 0.0) * 2.0**53 + 1.0))(1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x, y: x[: x[0]],
        lambda x, y: [1.0, 2.0][x[0]],
        lambda x, y: int(x[0]) * x,
        lambda x, y: range(x[1]),
        lambda x, y: x[: np.sum(x > 0.0) / 3.0],
        lambda x, y: [1.0, 2.0, 3.0][y[0]] * x,
        lambda x, y: x[: y[1]],
        lambda x, y: int(y[1]) * x,
        lambda x, y: np.roll(x, x[0]),
    ],
)
def test_what_has_a_derivative_and_floats_are_no_counts(wrong):
    with pytest.raises(TypeError, match="traced"):
        jt.grad(lambda x, y: np.sum(wrong(x, y)))(np.array([1.0, 2.0]), np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: sum(np.sum(x[a:b]) ** 2 for a, b in zip(i[:-1], i[1:], strict=True)),  # rows of a matrix in CSR format
        lambda x, i: np.sum(x[: i.max()] ** 2),
        lambda x, i: sum([x[k] ** k for k in range(i[2])], 0.0 * x[0]),
        lambda x, i: np.sum(x[: np.bincount(i)[1]] * 2.0) + x[0],
        lambda x, i: x[int(i[2] - i[1])] * float(i[2]) * np.int64(i[1]),
        lambda x, i: [x[0], x[1] * x[2], x[3]][i[1] % 3],
        lambda x, i: sum(np.sum(part) ** 2 for part in np.split(x, i)),
        lambda x, i: np.sum(np.repeat(x[:4], i) ** 2),
        lambda x, i: np.roll(x, i[1])[0] ** 2,
        lambda x, i: np.sum(np.add.reduceat(x, i[:3]) ** 2),
        lambda x, i: np.sum(np.insert(x, i[1], x[0]) * np.arange(7.0)),
        lambda x, i: np.sum((np.zeros(i.max() + 1) + x[0]) * jt.zeros(i[-1]).size),
        lambda x, i: x[0] * len(range(int(np.sum(i)))) + x.reshape(i[1] - i[0], -1)[0, 0],
    ],
)
def test_elements_of_an_array_of_integers_are_counts(f):
    """Where an int is asked for there is no derivative to lose: it is asked what number it is, a path for each."""
    g, x = jt.value_and_grad(f), np.array([1.0, 2.0, 0.5, 3.0, 1.5, 0.25])
    for _ in range(2):
        for i in ([0, 2, 3, 6], [0, 1, 2, 5], [0, 3, 3, 4]):
            i = np.array(i)
            value, gradient = g(x, i)
            assert value == pytest.approx(float(f(x, i)), rel=1e-14)
            numeric = [(f(x + h, i) - f(x - h, i)) / 2e-6 for h in 1e-6 * np.eye(6)]
            np.testing.assert_allclose(gradient, numeric, atol=1e-7)
    assert g.cache_info().records <= 3


@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: np.zeros_like(i),
        lambda x, i: np.full_like(i, 2.7),
        lambda x, i: np.full_like(i, -2.7),
        lambda x, i: np.ones_like(i, dtype=float) * 0.5,
        lambda x, i: np.insert(i, 1, [1.5, -1.5]),
        lambda x, i: stored(np.zeros_like(i), 0, 1.7),
        lambda x, i: stored(np.empty_like(i), slice(None), i / 2),
        lambda x, i: stored(i.copy(), slice(None), i / 2),
    ],
)
def test_arrays_like_one_of_integers_cut_off(f):
    def stored_in(x, i):
        return np.sum(f(x, i) * x)

    x, i = np.array([1.0, 2.0, 4.0]), np.array([1, 3, 5])
    shape = f(x, i).shape
    x = np.resize(x, shape)
    assert jt.record(stored_in, x, i)(x, i) == stored_in(x, i)
    assert jt.record(lambda x, i: x[0] * (f(x, i).dtype.kind == "i"), x, i)(x, i) == x[0] * (f(x, i).dtype.kind == "i")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_an_integer_in_an_array_of_no_axes_is_a_count(dtype):
    def f(x, n):
        return np.sum(x[:n]) * len(range(n)) + np.zeros_like(n) * x[0]

    g, x = jt.value_and_grad(f), np.array([1.0, 2.0, 4.0])
    for n in (2, 3, 2, 1):
        assert g(x, np.array(n, dtype))[0] == f(x, n)
    assert jt.record(lambda x, n: np.sum(np.repeat(x[:0], n)) + x[0], x, np.zeros(0, dtype))(x, np.zeros(0, dtype)) == 1.0


def stored(array, index, value):
    """The array, after something was stored in it."""
    array[index] = value
    return array


def test_what_is_no_copy_in_numpy_is_none():
    def shared(y):
        return np.astype(y, float, copy=False)

    def copied(y):
        return np.astype(y, float)

    def f(x, make):
        y = x * 1.0
        make(y)[0] = 0.0
        return np.sum(y)

    x = np.array([1.0, 2.0])
    for make in (
        lambda y: y.astype(float, copy=False),
        lambda y: y.conj(),
        lambda y: y.astype(float),
        lambda y: +y,
        shared,
        copied,
    ):
        assert jt.record(functools.partial(f, make=make), x)(x) == f(x, make)


@pytest.mark.parametrize("order", ["A", "K"])
def test_orders_that_go_by_memory_are_refused(order):
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    for call in (
        lambda x: x.ravel(order),
        lambda x: np.ravel(x, order),
        lambda x: np.ravel(x, order=order),
        lambda x: x.flatten(order),
        *([lambda x: x.reshape(-1, order=order), lambda x: np.reshape(x, 6, order="A")] if order == "A" else []),
    ):
        with pytest.raises(TypeError, match="order='C' or 'F'"):
            jt.record(call, x)
    assert np.array_equal(jt.record(lambda x: x.ravel("F"), x)(x), x.ravel("F"))
    assert np.array_equal(jt.record(lambda x: x[0].ravel(order), x)(x), x[0])


def test_counts_of_the_eager_layer_are_integers():
    x = jt.array([jt.var(v) for v in (1.0, -2.0, 3.0)])
    y = np.sum(x[: np.count_nonzero(x > 0.0)] ** 2)
    y.backprop()
    assert y.value == 5.0 and [v.sensitivity for v in x] == [2.0, -4.0, 0.0]


def test_labels_that_a_memo_kept_are_the_numbers_that_they_were():
    asked = []

    @functools.lru_cache
    def weight(label):
        asked.append(label.value)
        return 2.0 if label == 1 else 3.0

    kept = {}
    g = jt.grad(lambda x, y: x * weight(y[0]) * kept.setdefault(y[1], y[1].value + 5.0))
    for y in ([1, 2], [1, 2, 3], [2, 2, 3], [2, 2], [4, 0, 1], [1, 1, 1, 1]):
        assert g(1.0, np.array(y)) == (2.0 if y[0] == 1 else 3.0) * (y[1] + 5.0)
    assert asked == [1.0, 2.0, 4.0]
    assert hash(next(iter(kept))) == hash(2) and len(kept) == 3
    first, second, *_ = kept
    assert first != second and first == 2.0
    with pytest.raises(jt.TapeMismatchError):
        jt.grad(lambda x, y: x * (y[0] + first))(1.0, np.array([1]))


def test_what_is_written_to_a_copy_by_asarray_is_not_lost():
    """In place it would change the caller's array; here it changes nothing, so it is refused."""

    def clamp(u):
        u = np.asarray(u)
        u[0] = 0.0

    def f(x):
        y = 2.0 * x
        clamp(y)
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only") as caught:
        jt.grad(f)(np.ones(3))
    assert "np.asarray of a traced array is a copy" in caught.value.__notes__[0]
    for other in (np.asanyarray, np.ascontiguousarray):
        with pytest.raises(ValueError, match="read-only"):
            jt.grad(lambda x, other=other: other(x > 0.5).__setitem__(0, False))(np.ones(3))

    def of_a_copy(x):
        y = np.array(2.0 * x)
        y[0] = 0.0
        return np.sum(y)

    assert jt.grad(of_a_copy)(np.ones(3)).tolist() == [0.0, 2.0, 2.0]


def test_attributes_and_methods_of_real_arrays():
    def f(x):
        y = x.real + x.conj() + x.conjugate() + x.imag
        y.partition(1, kind="introselect")
        z = y[::-1].copy()
        z.view().sort(kind="stable")
        y.view()[1:] = z[1:]
        y.put([0], x[1] * 5.0)
        return np.sum(y.compress([True, False, True])) + x.nbytes / x.itemsize + x[x.argpartition(0)[0]]

    x = np.array([3.0, 1.0, 2.0])
    value, gradient = jt.value_and_grad(f)(x)
    assert value == 5.0 + 9.0 + 3.0 + 1.0
    np.testing.assert_array_equal(gradient, [3.0, 6.0, 0.0])


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 0)])
def test_in_asks_whether_an_element_is_equal(shape):
    g = jt.value_and_grad(lambda x: np.sum(x) if 3.0 in x else np.prod(x))
    for value in (3.0, 2.0):
        x = np.full(shape, 1.5)
        x.flat[-1:] = value
        assert g(x)[0] == (np.sum(x) if 3.0 in x else np.prod(x))


def test_copies():
    x = traced([1.0, 2.0])
    for y in (
        x.copy(),
        copy.copy(x),
        copy.deepcopy(x),
        x.astype(float),
        x.astype(np.float32),
        np.copy(x),
        x.flatten(),
        +x,
        x[[0, 1]],
    ):
        assert isinstance(y, VarArray) and y.row.tolist() == x.row.tolist() and not np.shares_memory(y.row, x.row)
    assert x.astype(bool).dtype == np.bool_
    y = x.copy()
    y.fill(3.0)
    assert x.v.tolist() == [1.0, 2.0] and y.v.tolist() == [3.0, 3.0]


def test_recordings_do_not_mix_and_stay_in_their_thread():
    x, y = traced([1.0, 2.0]), traced([1.0, 2.0])
    for mix in (
        lambda: x + y,
        lambda: x + y[0],
        lambda: operator.setitem(x, 0, y[0]),
        lambda: np.concatenate([x, y]),
        lambda: x @ y,
    ):
        with pytest.raises(TapeMismatchError):
            mix()
    raised = []

    def other():
        for f in (lambda: x + 1.0, lambda: np.sum(x), lambda: x * x):
            try:
                f()
            except TapeThreadError as error:
                raised.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(raised) == 3


def test_an_array_that_outlives_its_recording_says_so():
    kept = []
    jt.record(lambda x: kept.append(x) or x.sum(), np.ones(3))
    for use in (lambda x: x + 1.0, np.sum, lambda x: x @ x, lambda x: bool((x > 0)[0])):
        with pytest.raises(jt.StaleVarError):
            use(kept[0])


def test_eager_arrays():
    v, w = jt.var(2.0), jt.var(3.0)
    x = jt.array([v, w, 1.0])
    y = (np.exp(x) * np.arange(3.0)).sum() + x @ x
    y.backprop()
    assert v.sensitivity == pytest.approx(4.0) and w.sensitivity == pytest.approx(np.exp(3.0) + 6.0)
    np.testing.assert_allclose(x.sensitivity, [4.0, np.exp(3.0) + 6.0, 2 * np.exp(1.0) + 2.0])
    np.testing.assert_array_equal(x.value, [2.0, 3.0, 1.0])


def test_eager_views_stay_views_when_the_tape_is_cleared_up():
    v = jt.var(2.0)
    z = jt.zeros(4, like=v)
    view, turned = z[1:3], np.broadcast_to(z[:2], (3, 2))
    for i in range(3):
        for _ in range(5000):
            v * 1.0 + z[0] * v
        v.rec._collect()
        view[i % 2] = v * (i + 1.0)
        z[0] = v * v
        y = (z * np.array([1.0, 10.0, 100.0, 1000.0])).sum() + turned.sum()
        y.backprop()
        assert y.v == [4 + 20 + 12 + 6, 4 + 20 + 400 + 12 + 6, 4 + 60 + 400 + 12 + 18][i]
        assert v.sensitivity == [4 + 10 + 12 + 3, 4 + 10 + 200 + 12 + 3, 4 + 30 + 200 + 12 + 9][i]


def test_a_reading_of_plain_numbers_is_listed():
    program = jt.record(lambda x: x.sum() * float(x.value.max()), np.array([1.0, 2.0]))
    assert program(np.array([1.0, 2.0])) == 6.0
    assert len(program.tape.reads) == 2


def test_lines_are_noted_for_bulk_appends():
    program = jt.record(lambda x: np.exp(x) @ x, np.ones(3), lines=True)
    assert all(program.tape.line(i) is not None for i in range(len(program.tape)))


def test_bulk_appends_cost_no_python_per_element():
    """More than a few rows are appended by NumPy: ten times the elements take as many calls."""

    def calls(n):
        x, count = traced(np.ones((n, 2))), 0

        def trace(frame, event, argument):
            nonlocal count
            count += event == "call"

        sys.setprofile(trace)
        try:
            z = np.exp(x) @ np.ones((2, 3)) + 1.0
            z[1:] *= 2.0
            (z.sum(axis=0) / z.max(axis=1).mean()).sum()
        finally:
            sys.setprofile(None)
        return count

    calls(3)  # what is made on first use
    assert calls(1000) == calls(100)


def test_the_codes_of_recorded_sums():
    x = traced([1.0, 2.0, 3.0])
    start = len(x.rec)
    np.sum(x)
    op, a, b, _ = (column[start:].tolist() for column in x.rec.columns())
    assert op == [CODE["add"]] * 2
    assert a == [x.row[0], start] and b == x.row[1:].tolist()


def test_a_plain_condition_picks_traced_numbers():
    """What is picked has the methods of NumPy's numbers, a constant beside a traced one too."""
    for f in (np.where, jt.where):
        for condition in (True, np.bool_(True), 1.0):
            program = jt.record(
                lambda x, f=f, condition=condition: f(condition, 2.0, x).sum() * x + f(condition, x, 3).mean(), 4.0
            )
            assert program.value_and_grad(4.0) == (12.0, 3.0)
