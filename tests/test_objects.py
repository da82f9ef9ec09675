"""Arrays of objects, which `np.array` and `np.asarray` make of traced numbers: the same numbers as of traced arrays, or an error."""

import contextlib
import warnings

import numpy as np
import pytest

import jittape as jt

A = np.array([[3.0, 1.0, -0.5], [0.25, 2.0, 1.0], [-1.0, 0.5, 4.0]])


def lorenz(array, p):
    def velocity(s):
        x, y, z = s
        return array([p[0] * (y - x), x * (p[1] - z) - y, x * y - p[2] * z])

    s = np.ones(3)
    for _ in range(3):
        k = velocity(s)
        s = s + 0.005 * (k + velocity(s + 0.01 * k))
    return np.sum(s**2)


def turned(array, x):
    c, s = np.cos(x[0]), np.sin(x[0])
    return (array([[c, -s], [s, c]]) @ x[1:]).sum()


def stepwise(array, x):
    y = array([x[0], x[1], 0.0])
    y[2] = y[0] * x[2]
    y[:2] *= x[1]
    y += x
    return np.sum(y * y)


# Each makes arrays of traced numbers by the function it is given, which is NumPy's or jittape's.
PROGRAMS = {
    "an ODE": lorenz,
    "a rotation": turned,
    "assignment": stepwise,
    "of an array": lambda array, x: np.sum(array(x) ** 2),
    "functions": lambda array, x: np.sum(np.exp(array([x[0], x[1]])) * np.sqrt(array([x[1], x[2]]))),
    "functions of two": lambda array, x: np.sum(np.arctan2(array([x[0], x[1]]), x[1:]) + np.hypot(x[1:], array([x[0], x[1]]))),
    "powers": lambda array, x: np.sum(array([x[0], 2.0]) ** 2 + np.power(array([x[0], 2.0]), x[1])),
    "a plain matrix": lambda array, x: np.sum(A @ array([x[0], x[1], 1.0]) * A.dot(array([x[2], 0.5, x[0]]))),
    "einsum": lambda array, x: np.einsum("i,ij,j->", array([x[0], x[1], x[2]]), A, x),
    "outer": lambda array, x: np.sum(np.outer(array([x[0], x[1]]), x) ** 2),
    "stack": lambda array, x: np.sum(np.stack([array([x[0], x[1]]), x[1:]]) ** 3),
    "concatenate": lambda array, x: np.sum(np.concatenate([array([x[0], x[1]]), x]) ** 3),
    "statistics": lambda array, x: np.mean(array([x[0], x[1], 2.0])) + np.std(array([x[1], x[2], 1.0])) * np.var(array([x[0], x[2]])),
    "order": lambda array, x: np.sort(array([x[2], x[0], x[1]])) @ np.array([1.0, 2.0, 3.0]) + np.median(array([x[2], x[0], x[1]])),
    "extremes": lambda array, x: np.max(array([x[0], x[1]])) + np.min(array([x[2], x[0]])) * np.clip(array([x[0], 4.0]), 0.0, 3.0)[1],
    "a choice": lambda array, x: np.sum(np.where(array([x[0], x[1]]) > 0.5, 1.0, array([x[1], x[2]]))),
    "a mask": lambda array, x: np.sum(array([x[0], x[1], x[2]])[array([x[0], x[1], x[2]]) > 0.5]),
    "functions of jittape": lambda array, x: jt.sum(jt.sin(array([x[0], x[1]]))) + jt.dot(array([x[0], 2.0, x[2]]), x),
    "stack of jittape": lambda array, x: jt.stack([array([x[0], x[1]]), array([x[2], 1.0])])[0, 1] * jt.concatenate([array([x[2]]), x])[0],
    "solve": lambda array, x: np.sum(np.linalg.solve(A + jt.zeros((3, 3)) * x[0], jt.array(array([x[0], x[1], x[2]])))),
    "all of an array": lambda array, x: np.sum(np.outer(x, array([x[0] * x[1]])) ** 2),
    "a matrix": lambda array, x: (array([[x[0], x[1]], [x[2], 1.0]]).T @ array([[1.0, x[1]], [x[2], x[0]]])).ravel()[1],
    "a sum of numbers": lambda array, x: sum(array([x[0] * x[1], x[2]]).tolist()),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_as_with_traced_arrays(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        objects = jt.value_and_grad(lambda x: PROGRAMS[name](np.array, x))
        traced = jt.value_and_grad(lambda x: PROGRAMS[name](jt.array, x))
        for x in np.array([0.7, 0.3, 0.9]), np.array([0.25, 0.6, 1.5]):
            value, gradient = objects(x)
            assert value == pytest.approx(float(PROGRAMS[name](np.array, x)), rel=1e-14)
            expected = traced(x)
            assert value == pytest.approx(expected[0], rel=1e-14)
            np.testing.assert_allclose(gradient, expected[1], rtol=1e-13, atol=1e-15)


# What NumPy makes arrays of by itself.
LISTS = {
    "np.sum": lambda x: np.sum([x[0], x[1] * x[2]]),
    "np.mean": lambda x: np.mean([x[0], x[1] * x[2]]),
    "np.std": lambda x: np.std([x[0], x[1] * x[2]]),
    "np.prod": lambda x: np.prod([x[0], x[1] * x[2]]),
    "np.max": lambda x: np.max([x[0], x[1] * x[2]]),
    "np.dot": lambda x: np.dot([x[0], x[1]], [x[1], x[2]]),
    "np.cumsum": lambda x: np.cumsum([x[0], x[1], x[2]])[1],
    "np.linalg.norm": lambda x: np.linalg.norm([x[0], x[1], x[2]]),
    "np.trapezoid": lambda x: np.trapezoid([x[0], x[1], x[2]], [0.0, 1.0, 3.0]),
    "np.polyval": lambda x: np.polyval([x[0], x[1], x[2]], 1.5),
    "np.cross": lambda x: np.cross([x[0], x[1], x[2]], [1.0, 2.0, 3.0])[0],
    "np.diff": lambda x: np.diff([x[0], x[1], x[2]])[1],
    "np.exp": lambda x: np.sum(np.exp([x[0], x[1]])),
    "np.r_": lambda x: np.sum(np.r_[x, 1.0] ** 3),
    "np.c_": lambda x: np.sum(np.c_[x, x] ** 3),
    "np.full": lambda x: np.sum(np.full(2, x[0]) ** 2),
    "np.kron": lambda x: np.sum(np.kron([x[0], x[1]], np.eye(2)) ** 2),
    "np.vectorize": lambda x: np.sum(np.vectorize(lambda t: t * t if t > 0.5 else -t)(x)),
    "X.dot": lambda x: np.sum(A.dot(x) ** 2),
}


@pytest.mark.parametrize("name", LISTS)
def test_functions_of_numpy_that_take_lists(name):
    f, x, h = LISTS[name], np.array([0.7, 0.3, 0.9]), 1e-6
    value, gradient = jt.value_and_grad(f)(x)
    assert value == pytest.approx(f(x), rel=1e-14)
    slope = [(f(x + h * e) - f(x - h * e)) / (2.0 * h) for e in np.eye(3)]
    np.testing.assert_allclose(gradient, slope, rtol=1e-7, atol=1e-8)


def test_on_the_eager_tape():
    x, y = jt.var(1.0), jt.var(2.0)
    total = np.sum(np.sin(np.array([x, y])) * np.asarray([y, x]))
    total.backprop()
    assert x.sensitivity == pytest.approx(2.0 * np.cos(1.0) + np.sin(2.0), rel=1e-15)
    assert np.mean([x, y]).value == 1.5


def test_they_can_be_returned():
    program = jt.record(lambda x: {"a": np.array([x, 2.0 * x]), "b": np.array([[x], [1.0]])}, 3.0)
    found = program(4.0)
    np.testing.assert_array_equal(found["a"], [4.0, 8.0])
    np.testing.assert_array_equal(found["b"], [[4.0], [1.0]])
    assert found["a"].dtype == np.float64
    g = jt.value_and_grad(lambda x: (x * x, np.array([x, x > 2.0])), has_aux=True)
    assert [list(g(x)[0][1]) for x in (1.0, 3.0, 1.5)] == [[1.0, False], [3.0, True], [1.5, False]]


def test_those_without_axes_and_without_traced_numbers():
    x = np.array([3.0, 4.0])
    out = jt.record(lambda x: np.array(x[0] * x[1]), x)(x)
    assert out == 12.0 and out.shape == () and out.dtype == np.float64
    (_, aux), _ = jt.value_and_grad(lambda x: (x[0], np.asarray(x[1])), has_aux=True)(x)
    assert aux == 4.0
    for f in (
        lambda x: np.sum(np.clip(np.array([[x[0], x[1]], [x[1], x[0]]]), 0.0, 1.0) + x),
        lambda x: np.sum(jt.array([np.array([1.0, 2.0], object), [3.0, 4.0]]) + x * [np.array([1.0, 2.0], object)]),
        lambda x: np.sum(np.maximum(np.array([[x[0], x[1]]]), 9.0)),
        lambda x: np.sum(np.array([[x[0]]])[:, :0]) + x[0],
    ):
        value, gradient = jt.value_and_grad(f)(x)
        assert value == float(f(x)) and gradient.shape == (2,)
    with pytest.raises(TypeError, match="inside"):
        jt.grad(lambda x: (x[0], np.array([x[1], "a"], object)), has_aux=True)(x)


def test_their_branches_are_checked():
    g = jt.value_and_grad(lambda x: np.max(np.array([x[0], x[1]])))
    for x in np.array([1.0, 2.0]), np.array([3.0, 2.0]), np.array([5.0, 6.0]):
        value, gradient = g(x)
        assert value == max(x) and list(gradient) == [float(x[0] > x[1]), float(x[1] > x[0])]
    assert g.cache_info() == (2, 2, 1)


REFUSED = {
    "no loop": lambda x: np.isfinite(np.array([x[0], x[1]])),
    "no loop of two": lambda x: np.logaddexp(np.array([x[0], x[1]]), 0.0),
    "solve": lambda x: np.linalg.solve(A, np.array([x[0], x[1], x[2]])),
    "det": lambda x: np.linalg.det(np.array([[x[0], 1.0], [2.0, x[1]]])),
    "functions of two with a float among them": lambda x: np.arctan2(np.array([1.0, x[0]]), 2.0),
    "a float among them": lambda x: np.sqrt(np.array([2.0, x[0]])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_numpy_cannot_do_says_what_can(name):
    with pytest.raises((TypeError, AttributeError)) as caught:
        jt.grad(lambda x: REFUSED[name](x))(np.ones(3))
    assert any("jt.array" in note and "docs/numpy.md" in note for note in caught.value.__notes__)


def test_a_traced_index_of_a_plain_array_is_a_type_error():
    table = np.arange(9.0)
    for f, x in ((lambda x: table[x], 2.0), (lambda x: table[x], np.ones(2)), (lambda x: A[0, x], 1.0)):
        with pytest.raises(TypeError, match=r"jt\.array\(table\)"):
            jt.record(f, x)
    with pytest.raises(TypeError, match=r"jt\.array\(table\)"):
        jt.record(lambda x, i: x * table[i], 2.0, np.array([1, 2]))
    with pytest.raises(IndexError, match="valid indices"):  # the user's own
        jt.record(lambda x: x * table[2.5], 2.0)

    def another(x):
        with contextlib.suppress(IndexError):
            table[x]
        return [x][3]

    with pytest.raises(IndexError, match="list index"):
        jt.record(another, 2.0)


def test_the_type_of_a_number():
    x = jt.var(1.0).dtype
    assert x == np.float64 and np.dtype(x) == np.float64 and hash(x) == hash(np.dtype(float)) and str(x) == "float64"
    assert np.zeros(2, x).dtype == np.float64 and np.issubdtype(x, np.floating) and x.kind == "f" and "float64" in repr(x)
    assert np.finfo(x).eps == np.finfo(float).eps
