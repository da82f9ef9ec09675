"""NumPy's functions on traced arrays: values against NumPy, gradients against differences of high order, from tables of shapes."""

import itertools
import re
import warnings
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.special

import jittape as jt
from jittape import asking, numpy_functions, ufuncs
from jittape.errors import TracingTypeError
from jittape.ops import OPS
from jittape.tracer import POWERS

# Central differences of sixth order: exact to a few 1e-13 for smooth functions of size 1.
STEP, WEIGHTS = 4e-3, {1: 45 / 60, 2: -9 / 60, 3: 1 / 60}


def numeric(f, xs):
    """The gradient of a plain function of a list of arrays."""
    out = [np.zeros(np.shape(x)) for x in xs]
    for k, x in enumerate(xs):
        for i in np.ndindex(*np.shape(x)):
            for n, w in WEIGHTS.items():
                for sign in (1, -1):
                    moved = [np.array(y, float) for y in xs]
                    moved[k][i] += sign * n * STEP
                    out[k][i] += sign * w * f(moved) / STEP
    return out


def weighted(f, shape):
    """A function of arrays as one number: its result times fixed weights, added up."""
    w = np.random.default_rng(7).uniform(0.5, 1.5, shape)

    def loss(xs):
        out = f(*xs)
        return np.sum(out * w) if shape else out * 1.25

    return loss


def check(f, *xs, tolerance=1e-11):
    """Values, shapes and gradients of ``f`` at a point and, replayed, at another."""
    expected = np.asarray(f(*xs))
    loss = weighted(f, expected.shape)
    program = jt.value_and_grad(lambda xs: (loss(xs), f(*xs)), has_aux=True)
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.013):
        point = [np.array(x + shift * rng.uniform(-1, 1, np.shape(x)), float) for x in xs]
        (value, out), gradient = program(point)
        reference = np.asarray(f(*point))
        assert np.shape(out) == reference.shape
        np.testing.assert_allclose(out, reference, rtol=1e-12, atol=1e-13)
        assert np.ndim(value) == 0
        for got, want, x in zip(gradient, numeric(loss, point), point, strict=True):
            assert got.shape == x.shape
            np.testing.assert_allclose(
                got, want, rtol=tolerance, atol=tolerance * max(1.0, float(np.max(np.abs(want), initial=0.0)))
            )
    return program


def sample(shape, low=-1.0, high=1.0, seed=0):
    return np.random.default_rng((seed, *shape)).uniform(low, high, shape)


def distinct(shape, seed=0):
    """Numbers that differ by more than the steps, in random order."""
    n = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(n) / max(n, 1) + 0.05).reshape(shape) * 2 - 0.9


# -- ufuncs -------------------------------------------------------------------------------------------------------------------

SHAPES = [(), (0,), (1,), (3,), (2, 3), (2, 0, 3)]
PAIRS = [((), (3,)), ((3,), ()), ((1,), (3,)), ((2, 1), (1, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((0,), (1,)), ((2, 2), (2, 2))]
SMOOTH = [op for op in OPS if not op.flat and op.name not in ("gate", "gate_not", "with_gradient", "copy")]


def function_of(op):
    if not op.public and op.name in POWERS.values():
        (exponent,) = (exponent for exponent, name in POWERS.items() if name == op.name)
        return lambda x: x**exponent
    return getattr(np, op.ufunc) if op.ufunc else getattr(jt.functions, op.name if op.public else f"_{op.name}")


def inside(box, shape, seed):
    low, high = box
    margin = 0.07 * (high - low)
    return sample(shape, low + margin, high - margin, seed)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("op", [op for op in SMOOTH if op.arity == 1], ids=lambda op: op.name)
def test_unary_operations(op, shape):
    check(function_of(op), inside(op.near[0], shape, 1), tolerance=2e-10)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@pytest.mark.parametrize("op", [op for op in SMOOTH if op.arity == 2], ids=lambda op: op.name)
def test_binary_operations_broadcast(op, shapes):
    x, y = (inside(box, shape, seed) for seed, (box, shape) in enumerate(zip(op.near, shapes, strict=True)))
    f = function_of(op)
    step = STEP if min(high - low for low, high in op.near) > 0.1 else STEP / 40
    if step == STEP:
        check(f, x, y, tolerance=2e-10)
    check(lambda x: f(x, y), x, tolerance=2e-8 if step != STEP else 2e-10) if step == STEP else None
    check(lambda y: f(x, y), y, tolerance=2e-10) if step == STEP else None


def flat_cross(x, y):
    """The product of vectors in a plane, which NumPy has deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.cross(x, y)


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (1, 1), (2, 2)])
def test_nan_goes_through_a_cholesky_decomposition(place):
    a = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])
    program = jt.record(np.linalg.cholesky, a)
    a[place] = np.nan
    np.testing.assert_array_equal(program(a), np.linalg.cholesky(a))
    np.testing.assert_array_equal(jt.record(np.linalg.cholesky, a)(a), np.linalg.cholesky(a))


def test_the_condition_of_zeros_is_infinite():
    for p in (None, 2, -2):
        assert jt.record(lambda x, p=p: np.linalg.cond(x, p), np.zeros((2, 2)))(np.zeros((2, 2))) == np.inf
    with pytest.raises(ValueError, match="length 3"):
        jt.record(lambda x: np.linalg.cross(x, x), np.ones(2))
    with pytest.raises(ValueError, match="not 4 and 4"):
        jt.record(lambda x: np.cross(x, x), np.ones(4))


@pytest.mark.parametrize("op", [op for op in OPS if op.condition], ids=lambda op: op.name)
def test_conditions_of_arrays(op):
    points = np.array([-np.inf, -1.0, -0.0, 0.0, 2.0, np.inf, np.nan])
    xs = (points,) if op.arity == 1 else (points[:, None], points)
    f = function_of(op)
    seen = []

    def record(x):
        out = f(x, *xs[1:])
        seen.append(out)
        return np.where(out, 3.0, 5.0)

    np.testing.assert_array_equal(jt.record(record, xs[0])(xs[0]), np.where(f(*xs), 3.0, 5.0))
    assert seen[0].dtype == np.bool_


# NumPy 2.5 deprecates np.fix.
@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("f", "low", "high"),
    [
        (np.positive, -1, 1), (np.deg2rad, -1, 1), (np.rad2deg, -1, 1), (np.radians, -1, 1), (np.degrees, -1, 1), (np.fabs, 0.2, 1),
        (np.conjugate, -1, 1), (lambda x: np.float_power(x, 3), 0.5, 1), (lambda x: np.power(x, 2), -1, 1), (lambda x: x**-1, 0.5, 1),
        (lambda x: x**0.5, 0.5, 1), (lambda x: 2.0**x, -1, 1), (lambda x: np.logaddexp2(x, 0.3), -1, 1), (np.true_divide, 0, 0),
        (lambda x: np.heaviside(x, 0.5) * x, 0.1, 1), (lambda x: np.divmod(x, 5.0)[1], 0.5, 1), (lambda x: 5.0 % x, 3.1, 4.5),
        (np.sinc, 0.2, 0.8), (np.real, -1, 1), (lambda x: np.round(x, 1) + x, 0.11, 0.13), (lambda x: np.fix(x) * x, 1.1, 1.9),
        (np.nan_to_num, -1, 1), (lambda x: np.clip(x, -0.5, 2.0), -0.4, 1.0), (lambda x: np.clip(x, None, 0.9), -0.4, 0.8),
        (lambda x: np.clip(x, a_min=0.0, a_max=None), 0.1, 0.8), (lambda x: x.clip(-0.5), -0.4, 0.8), (lambda x: abs(-x), 0.1, 1),
    ],
)  # fmt: skip
def test_further_functions_of_each_element(f, low, high):
    if f is np.true_divide:
        check(f, sample((3,)), sample((2, 3), 0.5, 1.5))
        return
    for shape in ((), (1,), (2, 2)):
        check(f, sample(shape, low, high), tolerance=1e-10)


# -- folds --------------------------------------------------------------------------------------------------------------------

FOLD_SHAPES = [
    ((3,), None), ((1,), None), ((), None), ((2, 3), None), ((2, 3), 0), ((2, 3), 1), ((2, 3), -1), ((2, 3), (0, 1)), ((2, 1, 3), 1),
    ((2, 2, 2), (0, 2)), ((2, 2, 2), (-1, 0)), ((1, 4), 0), ((7,), 0), ((2, 0, 3), 0),
]  # fmt: skip
FOLDS = {
    "sum": np.sum,
    "prod": np.prod,
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "max": np.max,
    "min": np.min,
    "amax": np.amax,
    "ptp": np.ptp,
    "median": np.median,
    "average": np.average,
    "quantile": lambda x, **k: np.quantile(x, 0.3, **k),
    "percentile": lambda x, **k: np.percentile(x, [20, 60], **k),
    "nansum": np.nansum,
    "nanprod": np.nanprod,
    "nanmax": np.nanmax,
    "nanmin": np.nanmin,
    "nanmean": np.nanmean,
    "add.reduce": lambda x, axis=None, **k: np.add.reduce(x, axis=axis, **k),
    "multiply.reduce": lambda x, axis=None, **k: np.multiply.reduce(x, axis=axis, **k),
    "maximum.reduce": lambda x, axis=None, **k: np.maximum.reduce(x, axis=axis, **k),
    "minimum.reduce": lambda x, axis=None, **k: np.minimum.reduce(x, axis=axis, **k),
    "norm": lambda x, axis=None, **k: np.linalg.norm(x, axis=axis, **k) if np.ndim(x) else abs(x),
}


def spread(name, x, axis):
    """Whether a function is smooth there: a spread of one element has a kink at 0."""
    n = x.size if axis is None else np.prod([x.shape[i] for i in np.atleast_1d(axis)])
    return n > 1 or name not in ("std", "ptp", "var")


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "axis"), FOLD_SHAPES, ids=str)
@pytest.mark.parametrize("name", FOLDS)
def test_folds(name, shape, axis, keepdims):
    f, x = FOLDS[name], distinct(shape, 5)
    if name == "norm" and (np.size(axis) == 2 and axis is not None or (not shape and keepdims)):
        pytest.skip("a matrix norm")
    if not spread(name, x, axis):
        pytest.skip("a kink")
    if x.size == 0 and name in ("median", "quantile", "percentile", "average"):
        pytest.skip("NumPy itself warns and differs between versions")
    check(lambda x: f(x, axis=axis, **({"keepdims": True} if keepdims else {})), x, tolerance=2e-10)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((2, 0), 1), ((0, 3), 0), ((0, 3), (0, 1)), ((2, 0), 0)], ids=str)
def test_a_median_of_nothing_is_nan(shape, axis, keepdims):
    x = np.zeros(shape)
    result = np.asarray(jt.record(lambda x: np.median(x, axis, keepdims=keepdims), x)(x))
    assert result.shape == x.sum(axis, keepdims=keepdims).shape
    assert np.isnan(result).all()


@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "min", "mean", "var", "std", "all", "any", "cumsum", "cumprod", "argmax"]
)
def test_methods_are_the_functions(name):
    x = distinct((2, 3))
    f = getattr(np, name)
    for axis in (None, 0, 1):
        program = jt.record(
            lambda x, a=axis: [getattr(x, name)(axis=a) * 1.0, f(x, axis=a) * 1.0, getattr(x, name)(a) * 1.0], x
        )
        for got in program(x):
            np.testing.assert_allclose(got, f(x, axis=axis), rtol=1e-14)


def test_folds_of_nothing():
    empty = np.zeros((0, 3))
    program = jt.record(
        lambda x: [np.sum(x), np.prod(x), np.sum(x, axis=0), np.prod(x, axis=0, keepdims=True), np.sum(x, axis=1)], empty
    )
    for got, want in zip(program(empty), [0.0, 1.0, np.zeros(3), np.ones((1, 3)), np.zeros(0)], strict=True):
        np.testing.assert_array_equal(got, want)
    for f in (np.max, np.min, np.argmax, np.maximum.reduce):
        with pytest.raises(ValueError) as plain:
            f(empty)
        with pytest.raises(ValueError, match=re.escape(str(plain.value))):
            jt.record(lambda x, f=f: f(x) * 1.0, empty)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.max, np.min], ids=lambda f: f.__name__)
def test_initial_and_where(f):
    x, mask = distinct((2, 4)), np.array([True, False, True, True])
    check(lambda x: f(x, axis=1, initial=0.3), x)
    check(lambda x: f(x, axis=0, initial=0.3, where=mask), x)
    check(lambda x: f(x, initial=0.3, where=x > 0), x)
    check(lambda x, start: f(x, axis=1, initial=start), x, np.array(0.31))


@pytest.mark.parametrize("f", [np.mean, np.var, np.std], ids=lambda f: f.__name__)
def test_moments_of_chosen_elements(f):
    x = distinct((3, 4))
    check(lambda x: f(x, axis=1, where=np.array([True, False, True, True])), x)
    if f is not np.mean:
        check(lambda x: f(x, axis=0, ddof=1), x)
        check(lambda x: f(x, correction=1.5), x)


def test_equal_maxima_share_the_gradient():
    for n in (1, 2, 3, 5, 8):
        x = np.array([1.0] * n + [0.5, -2.0])
        want = np.array([1.0 / n] * n + [0.0, 0.0])
        for order in (slice(None), slice(None, None, -1)):
            np.testing.assert_allclose(jt.grad(np.max)(x[order]), want[order], rtol=1e-15)
            np.testing.assert_allclose(jt.grad(lambda x: -np.min(-x))(x[order]), want[order], rtol=1e-15)
    value, gradient = jt.value_and_grad(lambda x: x.max(axis=1).sum())(np.array([[np.inf, 1.0, np.inf], [-np.inf] * 3]))
    assert np.isnan(value)
    np.testing.assert_allclose(gradient, [[0.5, 0, 0.5], [1 / 3] * 3])
    assert np.isnan(jt.grad(np.max)(np.array([1.0, np.nan, 0.0]))).all()


def test_the_maximum_of_many_equal_numbers_is_that_number():
    for x in (0.1, 1e300, -1e-310, 0.7):
        for n in (3, 7, 11):
            assert jt.record(np.max, np.full(n, x))(np.full(n, x)) == x


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("f", [np.cumsum, np.cumprod], ids=lambda f: f.__name__)
def test_cumulative(f, axis):
    for shape in ((3, 2), (1, 4), (0, 3), (2, 0)):
        check(lambda x: f(x, axis=axis), sample(shape))
    ufunc = {np.cumsum: np.add, np.cumprod: np.multiply}[f]
    check(lambda x: ufunc.accumulate(x, axis=axis or 0), sample((3, 2)))


def test_running_maximum():
    check(lambda x: np.maximum.accumulate(x), distinct((6,)))
    check(lambda x: np.minimum.accumulate(x, axis=1), distinct((2, 4)))


# -- products -----------------------------------------------------------------------------------------------------------------

MATMUL = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((2, 1, 2, 3), (4, 3, 1)),
    ((1, 1), (1, 1)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), MATMUL, ids=str)
def test_matmul(a, b):
    x, y = sample(a, seed=1), sample(b, seed=2)
    check(lambda x, y: x @ y, x, y)
    check(lambda x: np.matmul(x, y), x)
    check(lambda y: x @ y, y)
    check(lambda x, y: np.linalg.matmul(x, y) if min(x.ndim, y.ndim) > 1 else x @ y, x, y)
    if len(a) < 3 or len(b) < 3:
        check(lambda x, y: np.dot(x, y), x, y)


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (np.dot, [(), (3,)]), (np.dot, [(2, 3), ()]), (np.dot, [(2, 3), (4, 3, 2)]), (np.inner, [(3,), (3,)]), (np.inner, [(2, 3), (4, 3)]),
        (np.inner, [(), (2,)]), (np.outer, [(2,), (3,)]), (np.outer, [(2, 2), ()]), (np.vdot, [(2, 3), (2, 3)]), (np.kron, [(2, 2), (1, 3)]),
        (np.kron, [(2,), (2, 2)]), (np.multiply.outer, [(2,), (2, 2)]), (np.subtract.outer, [(2,), (3,)]),
        (lambda x, y: np.tensordot(x, y, 1), [(2, 3), (3, 2)]), (lambda x, y: np.tensordot(x, y), [(2, 2, 3), (2, 3, 2)]),
        (lambda x, y: np.tensordot(x, y, ([0, 1], [1, 0])), [(2, 3, 2), (3, 2)]), (lambda x, y: np.tensordot(x, y, 0), [(2,), (2,)]),
        (lambda x, y: np.tensordot(x, y, (1, 0)), [(2, 3), (3, 1)]), (np.convolve, [(4,), (3,)]), (np.convolve, [(2,), (4,)]),
        (lambda x, y: np.convolve(x, y, "same"), [(4,), (3,)]), (lambda x, y: np.convolve(x, y, "valid"), [(3,), (5,)]),
        (np.correlate, [(4,), (3,)]), (lambda x, y: np.correlate(x, y, "full"), [(3,), (4,)]), (np.cross, [(3,), (3,)]),
        (lambda x, y: np.correlate(x, y, "same"), [(3,), (4,)]), (np.cross, [(2, 3), (3,)]), (lambda x, y: np.cross(x, y, axis=0), [(3, 2), (3, 2)]),
        (np.polyval, [(3,), (2,)]), (np.polyval, [(4,), ()]), (np.vecdot, [(2, 3), (3,)]), (np.linalg.outer, [(2,), (3,)]),
        (np.linalg.cross, [(2, 3), (3,)]), (flat_cross, [(2,), (2,)]), (flat_cross, [(4, 2), (2,)]), (flat_cross, [(2,), (3,)]),
        (flat_cross, [(4, 3), (4, 2)]),
        *([(np.matvec, [(2, 2, 3), (3,)]), (np.vecmat, [(2, 3), (3, 2)])] if hasattr(np, "matvec") else []),
    ],
)  # fmt: skip
def test_products(f, shapes):
    xs = [sample(shape, seed=i) for i, shape in enumerate(shapes)]
    check(f, *xs)
    check(lambda x: f(x, xs[1]), xs[0])
    check(lambda y: f(xs[0], y), xs[1])


@pytest.mark.parametrize(
    "subscripts",
    [
        "i->", "i->i", "ij->ji", "ij->i", "ij->", "ii->", "ii->i", "ij,jk->ik", "ij,jk->ki", "ij,jk", "i,i->", "i,j->ij", "ij,ij->ij", "ij,ij->",
        "bij,bjk->bik", "i,ij,j->", "ij,jk,kl->il", "ij,jk,kl->", "ij,jk,kl,lb->ib", "i,j,k->ijk", "ij,ji,k->", "...ij,...jk,kl->...il", "...ij,...jk->...ik", "...i->...", "i...,i...->...", "iij->j", "ij,kj->ik", "ijk->kji",
        "ji", "ii", "b...,b...->b...", "i,i,i->i", "ij , jk -> ik",
    ],
)  # fmt: skip
def test_einsum(subscripts):
    sizes = dict(zip("ijklb", (2, 3, 2, 4, 2), strict=True))
    inputs = subscripts.replace(" ", "").partition("->")[0].split(",")
    if "ii" in subscripts:
        sizes["j"] = 3
    shapes = [tuple(sizes[c] for c in names.replace("...", "l")) for names in inputs]
    check(lambda *xs: np.einsum(subscripts, *xs), *(sample(shape, seed=i) for i, shape in enumerate(shapes)))


def test_einsum_of_many_operands_contracts_them_in_pairs():
    """Six operations for each of the few sums of two, where all at once would be a million."""
    shapes = (10, 12), (12, 8), (8, 9), (9, 11)
    xs = [sample(shape, seed=i) for i, shape in enumerate(shapes)]
    for how in (False, True, "optimal", ["einsum_path", (0, 1), (0, 1), (0, 1)]):
        program = jt.record(lambda *xs, how=how: np.einsum("ij,jk,kl,lm->", *xs, optimize=how), *xs)
        assert len(program.tape) < 6000
        assert program(*xs) == pytest.approx(np.linalg.multi_dot(xs).sum(), rel=1e-12)


@pytest.mark.parametrize("output", [(), ([2, 0],), ([],), ([..., 0],)], ids=str)
def test_einsum_with_lists_of_axes(output):
    axes = ([0, ..., 1], [..., 1, 2]) if ... in sum(output, []) else ([0, 1], [1, 2])
    check(lambda x, y: np.einsum(x, axes[0], y, axes[1], *output), sample((2, 3)), sample((3, 4)))


# -- linear algebra -----------------------------------------------------------------------------------------------------------


def regular(n, seed=0):
    return sample((n, n), seed=seed) + 2.0 * np.eye(n)[np.random.default_rng(seed).permutation(n)]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_linear_algebra(n):
    a, b = regular(n, n), sample((n, 2))
    check(lambda a, b: np.linalg.solve(a, b), a, b, tolerance=1e-9)
    check(lambda a, b: np.linalg.solve(a, b), a, b[:, 0], tolerance=1e-9)
    check(lambda b: np.linalg.solve(a, b), b)
    check(lambda a: np.linalg.inv(a), a, tolerance=1e-9)
    check(lambda a: np.linalg.det(a), a, tolerance=1e-9)
    check(lambda a: np.linalg.slogdet(a)[1], a, tolerance=1e-9)
    check(lambda a: np.linalg.cholesky(a @ a.T + np.eye(n)), a, tolerance=1e-9)
    for k in (-2, 0, 1, 2, 5):
        check(lambda a, k=k: np.linalg.matrix_power(a / 2, k), a, tolerance=2e-8)
    assert jt.record(lambda a: np.linalg.slogdet(a)[0] + 0.0 * a[0, 0], a)(a) == np.linalg.slogdet(a)[0]


def matrices(n):
    """Matrices that elimination in natural order is stable for, is not, and divides by zero for."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, n))
    orthogonal = np.linalg.qr(x)[0]
    return {
        "positive definite": x @ x.T / n + np.eye(n),
        "dominant": x + 2.0 * n * np.eye(n),
        "general": x,
        "general, other pivots": x[::-1].copy(),
        "orthogonal": orthogonal,
        "a permutation": np.eye(n)[rng.permutation(n)],
        "the identity": np.eye(n),
        "a triangle": np.triu(x) + 3.0 * np.eye(n),
        "graded": orthogonal * 10.0 ** -np.linspace(0.0, 6.0, n),
        "rows of different size": x * 10.0 ** np.linspace(-3.0, 3.0, n)[:, None],
        "large": x * 1e15,
        "negative": -x @ x.T / n - np.eye(n),
    }


@pytest.mark.parametrize("n", [2, 5, 9, 16])
def test_systems_of_all_kinds_are_two_paths(n):
    w, b = sample((n, n), seed=1), sample((n,), seed=2)
    solve = jt.value_and_grad(lambda a: b @ np.linalg.solve(a, b))
    inv = jt.value_and_grad(lambda a: np.sum(w * np.linalg.inv(a)))
    slogdet = jt.value_and_grad(lambda a: (np.linalg.slogdet(a)[1], np.linalg.slogdet(a)[0]), has_aux=True)
    det = jt.value_and_grad(np.linalg.det)
    for name, a in matrices(n).items():
        found, error = np.linalg.inv(a), 1e-14 * n * np.linalg.cond(a)
        for g, value, slope in (
            (solve, b @ found @ b, -np.outer(found.T @ b, found @ b)),
            (inv, np.sum(w * found), -found.T @ w @ found.T),
            (slogdet, np.linalg.slogdet(a)[1], found.T),
            (det, np.linalg.det(a), np.linalg.det(a) * found.T),
        ):
            got, gradient = g(a)
            if g is slogdet:
                got, sign = got
                assert sign == np.linalg.slogdet(a)[0], name
            scale = np.max(np.abs(found)) * (n * n if g is not slogdet else 1.0)
            assert abs(got - value) <= 100 * error * max(abs(value), 1.0 if g is slogdet else scale), name
            assert np.max(np.abs(gradient - slope)) <= 100 * error * np.max(np.abs(slope)), name
    assert max(g.cache_info().records for g in (solve, inv, slogdet, det)) <= 2


@pytest.mark.parametrize("n", [3, 6, 12])
@pytest.mark.parametrize("size", [1e-4, 1e-8, 1e-12])
def test_rows_and_columns_may_have_other_units(n, size):
    """Errors are those of the matrix with its rows and columns in one unit."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        a = rng.normal(size=(n, n)) + 2.0 * np.eye(n)[rng.permutation(n)]
        few = np.arange(n) % 3 == 1
        inverse, unit = np.linalg.inv(a), np.where(few, size, 1.0)
        error = 1e-13 * np.linalg.cond(a) ** 2
        for rows, columns in ((unit, 1.0), (1.0, unit), (unit[::-1], 1.0), (unit, unit[::-1])):
            x = a * np.reshape(rows, (-1, 1)) * columns
            found, unscaled = jt.record(np.linalg.inv, x)(x), inverse / np.reshape(columns, (-1, 1)) / rows
            scale = np.max(np.abs(inverse)) / np.reshape(columns, (-1, 1)) / rows
            assert np.max(np.abs(found - unscaled) / scale) < error
            value, gradient = jt.value_and_grad(lambda x: np.linalg.slogdet(x)[1])(x)
            assert value == pytest.approx(np.linalg.slogdet(x)[1], rel=1e-12)
            assert np.max(np.abs(gradient.T - unscaled) / scale) < error
            assert jt.record(np.linalg.det, x)(x) == pytest.approx(np.linalg.det(x), rel=error)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("condition", [1e4, 1e8])
def test_errors_grow_as_the_condition_and_not_its_square(n, condition):
    """Of all singular values small but one; the exact inverse is that of rational numbers."""
    inv = jt.value_and_grad(lambda a: (np.sum(x := np.linalg.inv(a)), x), has_aux=True)
    solve = jt.value_and_grad(lambda a: (np.sum(x := np.linalg.solve(a, np.ones(n))), x), has_aux=True)
    slogdet = jt.grad(lambda a: np.linalg.slogdet(a)[1])
    for seed in range(10):
        rng = np.random.default_rng(seed)
        u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
        a = u * np.array([1.0, *np.linspace(2.0, 1.0, n - 1) / condition])[:n] @ v
        exact = exact_inverse(a)
        error = 1e-15 * condition * n * np.max(np.abs(exact))
        (_, found), gradient = inv(a)
        assert np.max(np.abs(found - exact)) < error
        slope = -np.outer(exact.T @ np.ones(n), exact @ np.ones(n))
        assert np.max(np.abs(gradient - slope)) < 4e-15 * condition * n * np.max(np.abs(exact)) ** 2 * n
        (_, found), _ = solve(a)
        assert np.max(np.abs(found - exact @ np.ones(n))) < error * n
        assert np.max(np.abs(slogdet(a) - exact.T)) < error


def exact_inverse(a):
    """The inverse by elimination of rational numbers."""
    n = len(a)
    rows = [[Fraction(x) for x in row] + [Fraction(int(i == j)) for j in range(n)] for i, row in enumerate(a.tolist())]
    for j in range(n):
        k = next(i for i in range(j, n) if rows[i][j])
        rows[j], rows[k] = rows[k], rows[j]
        rows[j] = [x / rows[j][j] for x in rows[j]]
        for i in range(n):
            if i != j:
                rows[i] = [x - rows[i][j] * y for x, y in zip(rows[i], rows[j], strict=True)]
    return np.array([[float(x) for x in row[n:]] for row in rows])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_small_matrices_near_the_ends_of_the_numbers(n):
    a, b = regular(n, 3), sample((n,), seed=5)
    solve = jt.value_and_grad(lambda a: b @ np.linalg.solve(a, b))
    inv = jt.value_and_grad(lambda a: (np.sum(x := np.linalg.inv(a)), x), has_aux=True)
    slogdet = jt.value_and_grad(lambda a: (np.linalg.slogdet(a)[1], np.linalg.slogdet(a)[0]), has_aux=True)
    inverse, (sign, size) = np.linalg.inv(a), np.linalg.slogdet(a)
    for scale in (1.0, 1e-30, 1e-60, 1e-120, 1e-170, 1e30, 1e60, 1e120, 1e170, 2.0):
        x = a * scale
        np.testing.assert_allclose(inv(x)[0][1], inverse / scale, rtol=1e-12)
        value, gradient = solve(x)
        assert value == pytest.approx(b @ inverse @ b / scale, rel=1e-12)
        if 1e-150 < scale < 1e150:
            slope = -np.outer(inverse.T @ b, inverse @ b) / scale**2
            np.testing.assert_allclose(gradient, slope, rtol=1e-11, atol=1e-13 * np.max(np.abs(slope)))
        (value, found), gradient = slogdet(x)
        assert found == sign and value == pytest.approx(size + n * np.log(scale), rel=1e-12)
        np.testing.assert_allclose(gradient, inverse.T / scale, rtol=1e-11, atol=1e-13 * np.max(np.abs(inverse)) / scale)
    assert max(g.cache_info().records for g in (inv, solve, slogdet)) <= 2


@pytest.mark.parametrize("pivot", [1e-2, 1e-4, 1e-6, 1e-9, 0.0])
@pytest.mark.parametrize("n", [5, 10])
def test_small_pivots_beside_small_columns(n, pivot):
    a = np.random.default_rng(5).normal(size=(n, n))
    g = jt.value_and_grad(lambda a: np.linalg.slogdet(a)[1])
    g(a + n * np.eye(n))
    for columns in (1.0, 1e-10, pivot / 10 or 1.0):
        x = a * np.where(np.arange(n) > 0, columns, 1.0)
        x[0, 0] = pivot
        value, gradient = g(x)
        assert value == pytest.approx(np.linalg.slogdet(x)[1], rel=1e-12)
        expected = np.linalg.inv(x).T
        assert np.max(np.abs(gradient - expected) / np.max(np.abs(expected), 0)) < 1e-11


def test_determinants_of_larger_singular_matrices_are_zero():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(20, 20))
    a[:, 3] = 0.0
    value, gradient = jt.value_and_grad(np.linalg.det)(a)
    assert value == 0.0
    h, b = 1e-3, a.copy()
    b[5, 3] = h
    assert gradient[5, 3] == pytest.approx(np.linalg.det(b) / h, rel=1e-9)
    triangle = np.array([[1.0, 2.0], [3.0, 0.0]])
    np.testing.assert_array_equal(jt.grad(lambda a: np.linalg.slogdet(np.tril(a))[1])(triangle), np.zeros((2, 2)))
    assert jt.record(lambda a: np.linalg.slogdet(np.tril(a)), triangle)(triangle) == (0.0, -np.inf)


def test_triangles_are_substituted_and_not_eliminated():
    n = 12
    a, b = sample((n, n), seed=3) + 3.0 * np.eye(n), sample((n, 2), seed=4)
    spd = a @ a.T
    for triangle in (np.tril, np.triu, lambda a: np.linalg.cholesky(a @ a.T), lambda a: np.linalg.cholesky(a @ a.T).T):
        check(lambda a, b, *, f=triangle: np.linalg.solve(f(a), b), a, b, tolerance=1e-8)
        check(lambda a, triangle=triangle: np.linalg.inv(triangle(a)), a, tolerance=1e-8)
        check(lambda a, triangle=triangle: np.linalg.slogdet(triangle(a))[1], a, tolerance=1e-8)
        check(lambda a, *, f=triangle: np.linalg.solve(np.stack([f(a)] * 2), b), a, tolerance=1e-8)
    check(lambda v: np.linalg.solve(np.diag(v), b), sample((n,)) + 2.0)
    size = {
        f: len(jt.record(lambda a, f=f: f(a), spd).tape)
        for f in (np.linalg.cholesky, lambda a: np.linalg.solve(np.linalg.cholesky(a), b))
    }
    less, more = size.values()
    assert more - less < 2 * (2 * n * n + 2 * n)  # a division and a product with its sum for each column of b
    g = jt.value_and_grad(lambda a: np.sum(np.linalg.solve(np.triu(a), b)))
    g(a)
    assert g(np.triu(a[::-1] + 3.0 * np.eye(n)))[0] == pytest.approx(
        np.sum(np.linalg.solve(np.triu(a[::-1] + 3.0 * np.eye(n)), b))
    )
    assert g.cache_info() == (1, 1, 1)
    a[3, 3] = 0.0
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        g(a)
    # zeros that come about by computing may be others later
    g = jt.value_and_grad(
        lambda x: np.sum(np.linalg.solve(np.array([[2.0, 1.0], [0.0, 1.0]]) * 1.0 + jt.zeros((2, 2)) + x, b[:2]))
    )
    for x in 0.0, 0.5, 1.5:
        assert g(x)[0] == pytest.approx(np.sum(np.linalg.solve(np.array([[2.0, 1.0], [0.0, 1.0]]) + x, b[:2])))


@pytest.mark.parametrize("n", [12, 20, 40])
def test_inverses_of_all_sizes(n):
    w, x = sample((n, n), seed=1), sample((n, n), seed=2)
    for a in x @ x.T + np.eye(n), x + n * np.eye(n), x:
        found = np.linalg.inv(a)
        value, gradient = jt.value_and_grad(lambda a: np.sum(w * np.linalg.inv(a)))(a)
        error = 1e-13 * n * np.linalg.cond(a)
        assert value == pytest.approx(np.sum(w * found), rel=error * 100)
        slope = -found.T @ w @ found.T
        assert np.max(np.abs(gradient - slope)) < error * np.max(np.abs(slope)) * 100


def test_a_stack_of_matrices_is_decided_as_one():
    a = np.stack(list(matrices(9).values()))
    b = sample((len(a), 9, 2))
    g = jt.value_and_grad(lambda a: np.sum(np.linalg.solve(a, b)))
    for x in a, a[::-1].copy(), np.stack([matrices(9)["dominant"]] * len(a)):
        value, gradient = g(x)
        assert value == pytest.approx(np.sum(np.linalg.solve(x, b)), rel=1e-9)
        one = [jt.grad(lambda m, i=i: np.sum(np.linalg.solve(m, b[i])))(m) for i, m in enumerate(x)]
        np.testing.assert_allclose(gradient, one, rtol=1e-6, atol=1e-9)
    assert g.cache_info() == (2, 2, 1)


def test_eigenvalues_and_singular_values_of_many_matrices_are_a_few_paths():
    eigen = jt.value_and_grad(lambda a: np.sum(np.linalg.eigvalsh(a) * np.arange(5.0)))
    singular = jt.value_and_grad(lambda a: np.sum(np.linalg.svd(a)[1] * np.arange(5.0)))
    for seed in range(25):
        x = np.random.default_rng(seed).normal(size=(5, 5))
        a = x + x.T
        value, gradient = eigen(a)
        values, vectors = np.linalg.eigh(a)
        assert value == pytest.approx(values @ np.arange(5.0), rel=1e-12)
        full = vectors * np.arange(5.0) @ vectors.T
        np.testing.assert_allclose(gradient, np.tril(full) + np.tril(full, -1), rtol=1e-9, atol=1e-9)
        value, gradient = singular(x)
        u, s, v = np.linalg.svd(x)
        assert value == pytest.approx(s @ np.arange(5.0), rel=1e-12)
        np.testing.assert_allclose(gradient, u * np.arange(5.0) @ v, rtol=1e-8, atol=1e-8)
    assert eigen.cache_info().records <= 6 and singular.cache_info().records <= 8


def test_stacks_of_matrices():
    a, b = np.stack([regular(2, 1), regular(2, 2)]), sample((2, 2, 3))
    check(lambda a, b: np.linalg.solve(a, b), a, b, tolerance=1e-9)
    check(lambda a: np.linalg.inv(a), a, tolerance=1e-9)
    check(lambda a: np.linalg.det(a), a, tolerance=1e-9)
    check(lambda a: np.linalg.cholesky(a @ np.swapaxes(a, 1, 2) + np.eye(2)), a, tolerance=1e-9)
    check(lambda a: np.multiply(*np.linalg.slogdet(a)), a, tolerance=1e-9)
    check(lambda a: np.matmul(*np.linalg.qr(a)), a, tolerance=1e-9)
    check(lambda a: np.linalg.slogdet(a[:, None])[1], a, tolerance=1e-9)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (1, 1), (3, 1), (1, 3)])
def test_least_squares(shape):
    a, b = sample(shape, seed=5) + np.eye(*shape), sample((shape[0], 2), seed=6)
    for i in (0, 1):
        check(lambda a, i=i: np.linalg.qr(a)[i], a, tolerance=1e-9)
        check(lambda a, i=i: np.linalg.qr(a, "complete")[i], a, tolerance=1e-9)
        check(lambda a, b, i=i: np.linalg.lstsq(a, b, rcond=None)[i], a, b, tolerance=1e-8)
        check(lambda b, i=i: np.linalg.lstsq(a, b[:, 0], rcond=None)[i], b, tolerance=1e-8)
    check(lambda a: np.linalg.qr(a, mode="r"), a, tolerance=1e-9)
    check(lambda a: np.linalg.pinv(a), a, tolerance=1e-8)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 16, 17, 33, 100, 257])
def test_rows_of_all_lengths_are_combined(n):
    x = distinct((n, 3)) * (1.0 + n / 10.0)
    for f in (np.max, np.min, np.linalg.norm, jt.logsumexp):
        check(lambda x, f=f: f(x[:, 0]), x, tolerance=1e-8)
        check(lambda x, f=f: f(x, axis=0), x, tolerance=1e-8)
        check(lambda x, f=f: f(x.T, axis=1), x, tolerance=1e-8)
    g = jt.value_and_grad(
        lambda x: (x[0, 0], (np.count_nonzero(x > 0.1), (x > 0.1).sum(0), np.any(x > 0.9, 1), np.all(x < 0.9, 0))), has_aux=True
    )
    for y in x, -x, np.abs(x), np.full(x.shape, 0.5):
        count, counts, some, every = g(y)[0][1]
        assert count == np.count_nonzero(y > 0.1) and counts.tolist() == (y > 0.1).sum(0).tolist()
        assert some.tolist() == np.any(y > 0.9, 1).tolist() and every.tolist() == np.all(y < 0.9, 0).tolist()
    assert g.cache_info().records == 1
    # k equal elements share the derivative, wherever they are
    ties = np.where(np.arange(n) % 3 == 0, 2.0, 1.0)
    np.testing.assert_allclose(jt.grad(np.max)(ties), (ties == 2.0) / np.sum(ties == 2.0), rtol=1e-15)
    ties[-1] = np.nan
    assert np.isnan(jt.value_and_grad(np.max)(ties)[0])


def test_fractions_have_the_sign_of_their_number():
    x = np.array([1.5, -1.5, 2.0, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan])
    for got, expected in zip(jt.record(lambda x: tuple(np.modf(x)), x)(x), np.modf(x), strict=True):
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(np.signbit(got[:-1]), np.signbit(expected[:-1]))
    np.testing.assert_array_equal(jt.grad(lambda x: np.sum(np.modf(x)[0]))(x[:6]), np.ones(6))


@pytest.mark.parametrize(
    "x, y", [(1e12, 2.5), (1e8, 3.0), (99.0, 101.0), (100.0, 100.0), (1e5, 1e5), (0.3, 0.2), (150.0, 1e-5)]
)
def test_the_logarithm_of_the_beta_function_of_large_numbers(x, y):
    special = pytest.importorskip("scipy.special")
    for a, b in ((x, y), (y, x)):
        value, slopes = jt.value_and_grad(special.betaln, argnums=(0, 1))(a, b)
        with mpmath.workdps(40):
            both = mpmath.psi(0, mpmath.mpf(a) + b)
            assert value == pytest.approx(float(mpmath.log(mpmath.beta(a, b))), rel=2e-15)
            assert slopes == pytest.approx([float(mpmath.psi(0, k) - both) for k in (a, b)], rel=1e-14)


STRUCTURED = {
    "unit": np.eye(3),
    "diagonal": np.diag([1.0, -2.0, 3.0]),
    "triangle": np.triu(distinct((4, 4)) + 2.0),
    "one column": np.array([[-2.0], [0.0], [0.0]]),
    "one each": np.eye(5)[[0, 1, 2, 1, 0]][:, :3],
    "zero rows": np.array([[1.0, 2.0], [0.0, 0.0], [3.0, 1.0], [0.0, 0.0]]),
    "wide": np.array([[2.0, 1.0, 0.0], [1.0, -1.0, 0.0]]),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_columns_that_are_zero_below_the_diagonal_move_as_others(name):
    a = STRUCTURED[name]
    (m, n), k = a.shape, min(a.shape)
    w, b = sample((m, n), seed=3), sample((m,), seed=4)
    for i, expected in enumerate(np.linalg.qr(a)):
        np.testing.assert_allclose(jt.record(lambda x, i=i: np.linalg.qr(x)[i], a)(a), expected, atol=1e-14)
    check(lambda x: np.linalg.pinv(x), a, tolerance=1e-7)
    check(lambda x: np.linalg.lstsq(x, b, rcond=None)[0], a, tolerance=1e-7)
    # LAPACK's signs jump there, so what does not depend on them
    check(lambda x: np.linalg.qr(x, "r")[:k] ** 2 * w[:k], a, tolerance=1e-7)
    check(lambda x: (lambda q: q @ q.T)(np.linalg.qr(x)[0]), a, tolerance=1e-7)
    check(lambda x: (lambda q: q[:, k:] @ q[:, k:].T)(np.linalg.qr(x, "complete")[0]), a, tolerance=1e-7)


def test_eigenvalues_and_singular_values_of_a_stack_are_a_few_paths():
    functions = {
        "eigh": lambda a: np.sum(np.linalg.eigh(a)[1] ** 2 * np.arange(3.0)),
        "eigvalsh": lambda a: np.sum(np.linalg.eigvalsh(a) ** 2 * np.arange(3.0)),
        "svd": lambda a: np.sum(np.linalg.svd(a)[1] ** 3 * np.arange(3.0)),
    }
    x = sample((2, 10, 3, 3), seed=5)
    for f in functions.values():
        g = jt.value_and_grad(f)
        for seed in range(12):
            y = x + 0.3 * sample(x.shape, seed=seed)
            value, gradient = g(y)
            assert value == pytest.approx(f(y), rel=1e-10)
            one = jt.grad(f)(y[1, 7])
            np.testing.assert_allclose(gradient[1, 7], one, rtol=1e-6, atol=1e-9)
        assert g.cache_info().records <= 4


@pytest.mark.parametrize("size", [1e-310, 1e-300, 1e-160, 1e155, 1e300, 9e307])
def test_eigenvalues_and_singular_values_of_all_sizes(size):
    a = np.array([[1.0, 0.1], [0.1, -1.0]])
    values, vectors = np.linalg.eigh(a)
    value, gradient = jt.value_and_grad(lambda a: np.linalg.eigvalsh(a)[0])(size * a)
    assert value == pytest.approx(size * values[0], rel=1e-13)
    full = np.outer(vectors[:, 0], vectors[:, 0])
    np.testing.assert_allclose(gradient, np.tril(full) + np.tril(full, -1), atol=1e-13)
    largest = jt.value_and_grad(lambda a: np.linalg.svd(a)[1][0])(size * a)[0]
    assert largest == pytest.approx(size * np.linalg.svd(a)[1][0], rel=1e-13)


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (2, 0, 0), (2, 3, 0), (0, 3, 3)])
def test_matrices_without_rows_or_columns_have_no_singular_values(shape):
    a = np.zeros(shape)
    assert jt.record(lambda a: np.sum(np.linalg.svd(a, compute_uv=False)), a)(a) == 0.0
    assert jt.record(lambda a: np.sum(np.linalg.norm(a, 2, axis=(-2, -1))), a)(a) == 0.0


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e155, 1e300])
def test_singular_vectors_of_all_sizes(size):
    x = sample((4, 3), seed=6)
    u, s, v = np.linalg.svd(x, full_matrices=False)
    value, gradient = jt.value_and_grad(lambda a: np.linalg.svd(a)[1][0])(size * x)
    assert value == pytest.approx(size * s[0], rel=1e-13)
    np.testing.assert_allclose(gradient, np.outer(u[:, 0], v[0]), atol=1e-13)
    vectors = jt.grad(lambda a: np.sum(np.linalg.svd(a, False)[0] ** 2 * np.arange(3.0)))
    np.testing.assert_allclose(vectors(size * x) * size, vectors(x), atol=1e-11)


def test_eigenvalues_of_single_numbers():
    g = jt.value_and_grad(lambda a: np.sum(np.linalg.eigvalsh(a)))
    for x in -2.0, 0.0, 2.0:
        assert g(np.array([[x]])) == (x, [[1.0]])
    np.testing.assert_array_equal(
        jt.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(np.full((3, 1, 1), -2.0)), np.ones((3, 1, 1))
    )


def test_reflections_leave_triangles_alone_and_inverses_need_full_rank():
    check(lambda a: np.linalg.qr(np.triu(a))[1], regular(3, 1))
    for f in (lambda a: np.linalg.pinv(a), lambda a: np.linalg.lstsq(a, np.ones(3), rcond=None)[0]):
        with pytest.raises(np.linalg.LinAlgError, match="full rank"):
            jt.record(f, np.ones((3, 2)))
    with pytest.raises(ValueError, match="modes"):
        jt.record(lambda a: np.linalg.qr(a, "raw")[0], np.eye(2))


def test_polynomials_are_fitted():
    x, y = np.array([0.0, 0.4, 1.0, 1.7, 2.0]), distinct((5,))
    check(lambda y: np.polyfit(x, y, 2), y, tolerance=1e-9)
    check(lambda x, y: np.polyfit(x, y, 2, w=[1.0, 2.0, 1.0, 3.0, 1.0]), x, y, tolerance=1e-7)
    check(lambda y: np.polyfit(x, y, 1), np.stack([y, y[::-1]], 1), tolerance=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_eigenvalues_of_symmetric_matrices(n):
    a, diagonal = sample((n, n), seed=n), np.diag(np.arange(n, 0.0, -1.0))
    for x, tolerance in ((a, 1e-6), (diagonal, 1e-8)):
        check(lambda x: np.linalg.eigvalsh(x), x, tolerance=tolerance)
        check(lambda x: np.linalg.eigvalsh(x, "U"), x, tolerance=tolerance)
        # what does not depend on the signs of the vectors
        check(lambda x: np.linalg.eigh(x)[1] ** 2, x, tolerance=tolerance * 100)
        check(lambda x: (lambda w, v: v @ np.diag(np.cos(w)) @ v.T)(*np.linalg.eigh(x)), x, tolerance=tolerance)
    check(lambda x: np.linalg.eigh(x)[0], np.stack([a, a + diagonal]), tolerance=1e-6)
    assert jt.grad(lambda x: np.linalg.eigvalsh(x).sum())(np.eye(n)).tolist() == np.eye(n).tolist()


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 2), (2, 4), (1, 3)])
def test_singular_values(shape):
    a = sample(shape, seed=8) + np.eye(*shape) * np.arange(1, shape[1] + 1)
    check(lambda x: np.linalg.svd(x, compute_uv=False), a, tolerance=1e-8)
    check(lambda x: np.linalg.svd(x, False)[0] ** 2, a, tolerance=1e-6)
    check(lambda x: np.linalg.svd(x, full_matrices=False)[2] ** 2, a, tolerance=1e-6)
    check(lambda x: (lambda u, s, v: u @ np.diag(np.cos(s)) @ v)(*np.linalg.svd(x, False)), a, tolerance=1e-6)
    check(lambda x: np.linalg.svd(x)[1], a, tolerance=1e-8)
    k = min(shape)
    check(lambda x: (lambda u, s, v: u[:, k:] @ u[:, k:].T + np.sum(v[k:].T @ v[k:]))(*np.linalg.svd(x)), a, tolerance=1e-6)
    u, _, v = jt.record(lambda x: tuple(np.linalg.svd(x)), a)(a)
    for basis in (u, v):
        np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-14)


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_norms_of_singular_values(order):
    x = sample((2, 3, 2), seed=4)
    check(lambda x: np.linalg.norm(x[0], order), x, tolerance=1e-7)
    check(lambda x: np.linalg.norm(x, order, axis=(2, 1), keepdims=True), x, tolerance=1e-7)
    check(lambda x: np.linalg.matrix_norm(x, ord=order), x, tolerance=1e-7)


@pytest.mark.parametrize("order", [None, 2, -2, 1, np.inf, "fro"])
def test_condition_numbers(order):
    check(lambda x: np.linalg.cond(x, order), np.stack([regular(3, 1), regular(3, 2)]), tolerance=1e-6)


def test_singular_values_of_small_and_of_zero_size():
    lengths = 10.0 ** np.arange(0.0, -12.0, -3.0)
    a = np.linalg.qr(sample((30, 4), seed=1))[0] * lengths @ np.linalg.qr(sample((4, 4), seed=2))[0]
    for x in (a, a * [1.0, 1.0, 0.0, 1.0], np.outer(a[:, 0], a[0]), np.zeros((3, 2))):
        found, gradient = jt.value_and_grad(lambda x: (np.linalg.svd(x, compute_uv=False)[0],) * 2, has_aux=True)(x)
        np.testing.assert_allclose(found[0], np.linalg.norm(x, 2), rtol=1e-13)
        u, s, v = np.linalg.svd(x, full_matrices=False)
        np.testing.assert_allclose(gradient, np.outer(u[:, 0], v[0]) * (s[0] > 0.0), atol=1e-12)
    values = jt.record(lambda x: np.linalg.svd(x, compute_uv=False), a)(a)
    np.testing.assert_allclose(values, lengths, rtol=1e-6)


def test_determinants_of_singular_matrices():
    for n in (2, 3, 4, 5):
        for rank in range(max(n - 2, 1), n):
            x = sample((n, rank), seed=n) @ sample((rank, n), seed=n + 1)
            x = np.round(x * 4)  # exact zeros appear among the pivots
            check(lambda a: np.linalg.det(a), np.array(x), tolerance=1e-7)
    zeros = np.zeros((4, 4))
    np.testing.assert_array_equal(jt.grad(np.linalg.det)(zeros), zeros)
    diagonal = np.diag([2.0, 3.0, 5.0, 0.0])
    np.testing.assert_allclose(jt.grad(np.linalg.det)(diagonal), np.diag([0, 0, 0, 30.0]))


def test_errors_of_linear_algebra_are_numpys():
    for f, x in (
        (np.linalg.inv, np.ones((2, 3))), (np.linalg.inv, np.ones(3)), (np.linalg.inv, np.ones((2, 2))), (np.linalg.det, np.ones((2, 3))),
        (np.linalg.cholesky, -np.eye(2)), (lambda a: np.linalg.solve(a, np.ones(2)), np.zeros((2, 2))), (np.linalg.cholesky, np.ones(3)),
    ):  # fmt: skip
        with pytest.raises(np.linalg.LinAlgError) as plain:
            f(x)
        with pytest.raises(np.linalg.LinAlgError, match=re.escape(str(plain.value))):
            jt.record(lambda x, f=f: f(x), x)
    with pytest.raises(ValueError):
        jt.record(lambda a: np.linalg.solve(a, np.ones(3)), np.eye(2))


@pytest.mark.parametrize("f", [np.linalg.inv, np.linalg.cholesky, lambda a: np.linalg.solve(a, np.ones((0, 2)))])
def test_matrices_of_no_rows(f):
    x = np.zeros((0, 0))
    assert jt.record(lambda a: f(a) * 1.0, x)(x).shape == f(x).shape


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, -1, 2.5, np.inf, -np.inf])
def test_vector_norms(order):
    x = distinct((2, 4))
    x += 0.5 * np.sign(x)
    for f in (
        lambda x: np.linalg.norm(x, order, axis=1),
        lambda x: np.linalg.norm(x[0], order),
        lambda x: np.linalg.norm(x, order, axis=0, keepdims=True),
        lambda x: np.linalg.vector_norm(x, axis=1, ord=2 if order is None else order),
    ):
        check(f, x, tolerance=1e-10)


@pytest.mark.parametrize("order", [None, "fro", 1, -1, np.inf, -np.inf])
def test_matrix_norms(order):
    check(lambda x: np.linalg.norm(x, order), distinct((3, 2)))
    check(lambda x: np.linalg.norm(x, order, axis=(0, 2)), distinct((2, 2, 3)))
    check(lambda x: np.linalg.norm(x, order, axis=(2, 0), keepdims=True), distinct((2, 2, 3)))


def test_lengths_at_zero_and_beyond_the_largest_square():
    for f in (np.linalg.norm, jt.norm, np.std, lambda x: np.linalg.norm(x, axis=0), lambda x: np.linalg.norm(x, 3)):
        np.testing.assert_array_equal(jt.grad(f)(np.zeros(3)), np.zeros(3))
    np.testing.assert_allclose(jt.grad(np.linalg.norm)(np.array([3e200, 4e200])), [0.6, 0.8])


# -- elements rearranged ------------------------------------------------------------------------------------------------------

REARRANGED = {
    "reshape": (lambda x: np.reshape(x, (3, 2)), (2, 3)),
    "reshape -1": (lambda x: x.reshape(-1, 1, 2), (2, 3)),
    "reshape F": (lambda x: np.reshape(x, (3, 2), order="F"), (2, 3)),
    "ravel": (np.ravel, (2, 3)),
    "ravel F": (lambda x: x.ravel("F"), (2, 3)),
    "flatten": (lambda x: x.flatten(), (2, 3)),
    "transpose": (lambda x: np.transpose(x, (2, 0, 1)), (2, 3, 1)),
    "T": (lambda x: x.T, (2, 3)),
    "mT": (lambda x: x.mT, (2, 3, 1)),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1), (2, 3, 1)),
    "swapaxes": (lambda x: x.swapaxes(0, 1), (2, 3)),
    "rollaxis": (lambda x: np.rollaxis(x, 2), (2, 3, 1)),
    "squeeze": (lambda x: np.squeeze(x, 1), (2, 1, 3)),
    "squeeze to a number": (lambda x: np.squeeze(x), (1, 1)),
    "expand_dims": (lambda x: np.expand_dims(x, (0, 2)), (2, 3)),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3)), (3,)),
    "tile": (lambda x: np.tile(x, (2, 2)), (2, 3)),
    "repeat": (lambda x: np.repeat(x, [1, 2, 0], axis=1), (2, 3)),
    "repeat all": (lambda x: x.repeat(2), (2, 3)),
    "roll": (lambda x: np.roll(x, 2), (2, 3)),
    "roll axis": (lambda x: np.roll(x, -1, axis=1), (2, 3)),
    "flip": (np.flip, (2, 3)),
    "fliplr": (np.fliplr, (2, 3)),
    "flipud": (np.flipud, (2, 3)),
    "rot90": (np.rot90, (2, 3)),
    "take": (lambda x: np.take(x, [2, 0, 2], axis=1), (2, 3)),
    "take flat": (lambda x: x.take([[0, 5], [1, 1]]), (2, 3)),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.array([[0], [2]]), 1), (2, 3)),
    "split": (lambda x: np.split(x, 3, axis=1)[2], (2, 3)),
    "array_split": (lambda x: np.array_split(x, 2)[0], (5,)),
    "hsplit": (lambda x: np.hsplit(x, [1])[1], (2, 3)),
    "vsplit": (lambda x: np.vsplit(x, 2)[1], (2, 3)),
    "diagonal": (lambda x: np.diagonal(x, 1), (2, 3)),
    "diag of a matrix": (np.diag, (3, 3)),
    "diag of a vector": (lambda x: np.diag(x, -1), (3,)),
    "diagflat": (np.diagflat, (2,)),
    "tril": (lambda x: np.tril(x, -1), (3, 3)),
    "triu": (np.triu, (2, 3)),
    "trace": (np.trace, (3, 3)),
    "trace offset": (lambda x: x.trace(1), (2, 3)),
    "delete": (lambda x: np.delete(x, 1, axis=1), (2, 3)),
    "insert": (lambda x: np.insert(x, 1, 7.0, axis=1), (2, 3)),
    "insert traced": (lambda x: np.insert(np.arange(4.0), 2, x[0]), (2,)),
    "append": (lambda x: np.append(x, [1.0, 2.0]), (2, 3)),
    "append axis": (lambda x: np.append(x, x * 2, axis=0), (2, 3)),
    "compress": (lambda x: np.compress([True, False, True], x, axis=1), (2, 3)),
    "extract": (lambda x: np.extract([True, False, True], x), (3,)),
    "resize": (lambda x: np.resize(x, (2, 4)), (3,)),
    "concatenate": (lambda x: np.concatenate([x, np.ones((1, 3)), 2.0 * x]), (2, 3)),
    "concatenate axis None": (lambda x: np.concatenate([x, x[0]], axis=None), (2, 3)),
    "stack": (lambda x: np.stack([x, np.ones(3), x * x], axis=-1), (3,)),
    "stack of numbers": (lambda x: np.stack([x[0], 2.0, x[1] * x[0]]), (2,)),
    "hstack": (lambda x: np.hstack([x, [1.0, 2.0]]), (3,)),
    "vstack": (lambda x: np.vstack([x, np.ones(3)]), (3,)),
    "dstack": (lambda x: np.dstack([x, x]), (2, 3)),
    "column_stack": (lambda x: np.column_stack([x, np.ones(3)]), (3,)),
    "block": (lambda x: np.block([[x, np.zeros((2, 1))], [np.ones((1, 2)), x[:1, :1]]]), (2, 2)),
    "pad": (lambda x: np.pad(x, 1), (2, 3)),
    "pad constant": (lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=3.0), (2, 3)),
    "pad edge": (lambda x: np.pad(x, 2, mode="edge"), (2, 3)),
    "pad reflect": (lambda x: np.pad(x, 1, "reflect"), (2, 3)),
    "pad wrap": (lambda x: np.pad(x, (1, 2), "wrap"), (3,)),
    "pad symmetric": (lambda x: np.pad(x, 2, "symmetric"), (3,)),
    "compress of a plain array": (lambda x: x[0, :2] * np.compress(x[1] > -9, [2.0, 3.0, 5.0])[:2], (2, 3)),
    "compress fewer": (lambda x: np.compress([True, False], x, axis=1), (2, 3)),
    "compress traced": (lambda x: np.compress(x[:, 0] > 0, x, 0), (4, 2)),
    "extract from more": (lambda x: np.extract([[True, False], [True, True]], x) + np.extract(x > -9, x)[:3], (2, 3)),
    "array_equiv": (lambda x: x * (1.0 + np.array_equiv(x, x[:1]) + np.array_equiv(x, x[:, :2]) + np.array_equiv(x[:1], x[0])), (2, 3)),
    "trapezoid over matrices": (lambda x: np.trapezoid(x[0], x) + np.trapezoid(x, np.cumsum(x, 1)[1]), (2, 3, 3)),
    "cumulative_sum of a number": (lambda x: np.cumulative_sum(x, include_initial=True) if hasattr(np, "cumulative_sum") else x, ()),
    "histogram of nothing": (lambda x: x + np.histogram(x[:0], 3)[1][:2], (2,)),
    "ix_ of two": (lambda x: np.multiply(*np.ix_(x, x * 2.0)), (3,)),
    "matrix_rank of a stack": (lambda x: np.linalg.matrix_rank(x, tol=[0.1, 0.9])[:, None] * x[:, 0], (2, 3, 2)),
    "pad mean": (lambda x: np.pad(x, ((1, 2), (0, 1)), "mean"), (2, 3)),
    "pad mean of a few": (lambda x: np.pad(x, 2, "mean", stat_length=((1, 2), (3, 2))), (2, 3)),
    "pad maximum": (lambda x: np.pad(x, (1, 2), mode="maximum"), (3, 2)),
    "pad minimum": (lambda x: np.pad(x, ((0, 0), (0, 2)), mode="minimum"), (3, 2)),
    "pad median": (lambda x: np.pad(x, 1, "median"), (3, 3)),
    "pad linear_ramp": (lambda x: np.pad(x, ((2, 1), (0, 3)), "linear_ramp", end_values=((1, 2), (3, 4))), (2, 3)),
    "pad linear_ramp to 0": (lambda x: np.pad(x, 2, "linear_ramp"), (3,)),
    "pad reflect odd": (lambda x: np.pad(x, ((1, 0), (2, 1)), "reflect", reflect_type="odd"), (2, 3)),
    "pad symmetric odd": (lambda x: np.pad(x, 2, "symmetric", reflect_type="odd"), (2, 3)),
    "pad reflect even": (lambda x: np.pad(x, 1, "reflect", reflect_type="even"), (2, 3)),
    "pad empty": (lambda x: np.pad(x, 2, "empty")[2:-2, 2:-2], (2, 3)),
    "atleast_1d": (np.atleast_1d, ()),
    "atleast_2d": (np.atleast_2d, (3,)),
    "atleast_3d": (np.atleast_3d, (2, 3)),
    "broadcast_arrays": (lambda x: np.broadcast_arrays(x, np.ones((2, 1)))[0], (3,)),
    "meshgrid": (lambda x: np.multiply(*np.meshgrid(x, x * 2)), (3,)),
    "copy": (np.copy, (2, 3)),
    "where": (lambda x: np.where(x > 0.1, x * x, -x), (2, 3)),
    "where plain": (lambda x: np.where([True, False, True], x, 2.0), (2, 3)),
    "where broadcast": (lambda x: np.where(x > 0.1, x[:1], 2.0), (2, 3)),
    "select": (lambda x: np.select([x > 0.5, x > -0.5], [x, x * x], 3.0), (2, 3)),
    "diff": (np.diff, (5,)),
    "diff 2": (lambda x: np.diff(x, 2, axis=0), (4, 2)),
    "diff prepend": (lambda x: np.diff(x, prepend=0.0, append=x[-1:]), (4,)),
    "ediff1d": (np.ediff1d, (2, 3)),
    "gradient": (lambda x: np.gradient(x, 0.5), (5,)),
    "apply_along_axis to numbers": (lambda x: np.apply_along_axis(lambda v: v[0] * v[-1], 1, x), (2, 3)),
    "apply_along_axis to vectors": (lambda x: np.apply_along_axis(lambda v: v[::-1] * v[0], 0, x), (3, 2)),
    "apply_along_axis to matrices": (lambda x: np.apply_along_axis(lambda v: np.outer(v, v), 1, x), (2, 3, 2)),
    "trapezoid": (lambda x: np.trapezoid(x, dx=0.5), (2, 4)),
    "trapezoid x": (lambda x: np.trapezoid(x, np.array([0.0, 1.0, 1.5]), axis=0), (3, 2)),
    "trapezoid over traced": (lambda x: np.trapezoid(np.arange(4.0), x), (4,)),
    "interp": (lambda x: np.interp(x, [-1.0, 0.05, 1.2], [3.0, 1.0, 2.0]), (2, 3)),
    "interp values": (lambda x: np.interp([0.2, 1.7, -3.0, 9.0], [0.0, 1.0, 2.0], x), (3,)),
    "interp ends": (lambda x: np.interp(x * 3, [0.0, 1.0], [1.0, 2.0], left=5.0, right=7.0), (4,)),
    "interp period": (lambda x: np.interp(x * 9, [0.3, 2.0, 4.0], [1.0, 2.0, -1.0], period=5.0), (4,)),
    "interp traced period": (lambda x: np.interp([0.1, 7.7, -3.0], np.cumsum(np.exp(x)), x, period=4.0), (3,)),
    "linspace": (lambda x: np.linspace(x[0], x[1], 5), (2,)),
    "linspace along an axis": (lambda x: np.linspace(x, 3.0, 4, axis=1), (2, 3)),
    "linspace open": (lambda x: np.linspace(x, 3.0, 4, endpoint=False), (2,)),
    "cov": (np.cov, (2, 5)),
    "cov columns": (lambda x: np.cov(x, rowvar=False, ddof=0), (5, 2)),
    "cov vector": (np.cov, (5,)),
    "cov frequencies": (lambda x: np.cov(x, fweights=[1, 2, 1, 3, 1]), (2, 5)),
    "cov weights": (lambda x: np.cov(x, x[0] * 2 + x[1] ** 2, aweights=[1.0, 0.5, 1.0, 2.0, 0.1], bias=True), (2, 5)),
    "cov by traced weights": (lambda x: np.cov(x[:2], fweights=[1, 2, 1, 3, 1], aweights=np.exp(x[2])), (3, 5)),
    "corrcoef": (np.corrcoef, (2, 5)),
    "average weights": (lambda x: np.average(x, weights=[1.0, 2.0, 3.0], axis=1), (2, 3)),
    "average by traced": (lambda x: np.average(np.arange(3.0), weights=x + 2), (3,)),
    "vander": (lambda x: np.vander(x, 4), (3,)),
    "vander increasing": (lambda x: np.vander(x, increasing=True), (3,)),
    "sort": (np.sort, (6,)),
    "sort axis": (lambda x: np.sort(x, axis=0), (3, 2)),
    "sort all": (lambda x: np.sort(x, axis=None), (3, 2)),
    "sort method": (lambda x: (y := x.copy(), y.sort(), y)[2], (5,)),
    "argsort": (lambda x: x[np.argsort(x)][:2], (5,)),
    "nonzero": (lambda x: x[np.nonzero(x > 0.1)], (5,)),
    "count_nonzero": (lambda x: np.count_nonzero(x > 0.1) * x.sum(), (5,)),
    "flatnonzero": (lambda x: x.ravel()[np.flatnonzero(x > 0)], (2, 3)),
    "median": (lambda x: np.median(x, axis=1), (2, 4)),
    "multi_dot": (lambda x: np.linalg.multi_dot([x, x.T, x]), (2, 3)),
    "gradient of axes": (lambda x: np.stack(np.gradient(x, 0.5, np.array([0.0, 1.0, 1.5, 3.0]))), (3, 4)),
    "gradient of the second order": (lambda x: np.gradient(x, [0.0, 1.0, 1.5, 3.0], axis=1, edge_order=2), (2, 4)),
    "gradient over traced": (lambda x: np.gradient(np.arange(5.0) ** 2, np.cumsum(np.exp(x)), edge_order=2), (5,)),
    "gradient over a traced distance": (lambda x: np.gradient(x, np.exp(x[0])), (4,)),
    "unwrap": (lambda x: np.unwrap(x * 2.5), (3, 5)),
    "unwrap period": (lambda x: np.unwrap(x * 4, axis=0, period=1.7, discont=1.0), (4, 2)),
    "logspace": (lambda x: np.logspace(x, 0.3, 4), (2,)),
    "logspace base": (lambda x: np.logspace(0.1, 0.3, 4, endpoint=False, base=np.exp(x), axis=-1), ()),
    "geomspace": (lambda x: np.geomspace(-np.exp(x), -2.0, 4, axis=-1), (2,)),
    "polyder": (lambda x: np.polyder(x, 2), (5,)),
    "polyint": (lambda x: np.polyint(x, 2, [1.0, 3.0]), (3,)),
    "polyadd": (lambda x: np.polyadd(x, x[:2]) + np.polysub(x[1:], x), (4,)),
    "partition": (lambda x: np.partition(x, 2)[:, 2], (3, 5)),
    "argpartition": (lambda x: np.sort(x[np.argpartition(x, 1)[:2]]), (5,)),
    "lexsort": (lambda x: x[0][np.lexsort((x[0], [1.0, 2.0, 1.0, 2.0]))], (2, 4)),
    "lexsort of lanes": (lambda x: np.take_along_axis(x[0], np.lexsort(x, axis=0), 0), (2, 3, 2)),
    "unique": (lambda x: np.unique(np.concatenate([x, x[:2]])), (4,)),
    "unique with counts": (lambda x: np.multiply(*np.unique(np.append(x, x[1]), return_counts=True)), (4,)),
    "unique inverse": (lambda x: np.unique(np.append(x, x[1]), return_index=True, return_inverse=True)[2] * x[0], (4,)),
    "choose": (lambda x: np.choose([[0], [2]], [x, x[0] * 2.0, 5.0]), (2, 3)),
    "isin": (lambda x: np.where(np.isin(x, [x[0, 0], 9.0]), x, 2 * x), (2, 3)),
    "digitize": (lambda x: x * np.digitize(x, [-0.5, 0.03, 0.7]), (2, 3)),
    "digitize falling": (lambda x: x * np.digitize(x, [0.7, 0.03, -0.5], right=True), (2, 3)),
    "digitize by traced": (lambda x: x * np.digitize(0.03, np.sort(x)), (4,)),
    "bincount": (lambda x: np.bincount([0, 3, 0, 3, 3, 1], x), (6,)),
    "bincount minlength": (lambda x: np.bincount(np.array([0, 3, 0]), weights=x, minlength=6), (3,)),
    "piecewise": (lambda x: np.piecewise(x, [x > 0.6, x < -0.4], [np.sqrt, lambda t: t * t, 7.0]), (2, 4)),
    "piecewise number": (lambda x: np.piecewise(x, x > 0.0, [np.exp]), ()),
    "put": (lambda x: (y := x * 2, np.put(y, [0, -1, 2], x[0, :2]), y)[2], (2, 3)),
    "putmask": (lambda x: (y := x * 2, np.putmask(y, x > 0.1, y * y), y)[2], (2, 3)),
    "place": (lambda x: (y := x * 2, np.place(y, x > 0.1, [1.0, 2.0]), y)[2], (2, 3)),
    "trim_zeros": (lambda x: np.trim_zeros(np.concatenate([[0.0], x, [0.0, 0.0]])), (3,)),
    "sliding_window_view": (lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)).sum((2, 3)), (3, 4)),
    "triu_indices_from": (lambda x: x[np.triu_indices_from(x, 1)] * x[np.diag_indices_from(x)], (3, 3)),
    "apply_over_axes": (lambda x: np.apply_over_axes(np.sum, x, [0, 2]), (2, 3, 2)),
    "modf": (lambda x: np.multiply(*np.modf(x * 3)), (2, 3)),
    "ldexp": (lambda x: np.ldexp(x, [1, -2, 3]), (2, 3)),
    "signbit": (lambda x: np.where(np.signbit(x), x * x, x), (2, 3)),
    "angle": (lambda x: np.angle(x) * x, (2, 3)),
    "angle of a zero": (lambda x: np.angle(x * [0.0, -0.0, 1.0]) * x, (3,)),
    "polymul": (lambda x: np.polymul(x, x[1:]) + np.polymul([0.0, 1.0, 2.0], x[:2])[0], (3,)),
    "polymul of leading zeros": (lambda x: np.polymul(x * [0.0, 0.0, 1.0, 2.0], [0.0, 3.0]), (4,)),
    "reduceat": (lambda x: np.add.reduceat(x, [0, 2, 1, 3], axis=1), (2, 4)),
    "reduceat of the largest": (lambda x: np.maximum.reduceat(x, [0, 3]), (5,)),
    "folds of a number": (lambda x: np.sum(x, axis=0) * np.max(x, -1) + np.mean(x) * np.cumsum(x, axis=0) + np.ptp(x, axis=0), ()),
    "orders of a number": (lambda x: x * (1.0 + np.argmax(x, axis=0) + np.argmin(x, axis=-1) + np.argsort(x)), ()),
    "slope of infinities": (lambda x: np.where(np.isposinf(x) | np.isneginf(x), 0.0, x), (2, 3)),
    "vector_norm of two axes": (lambda x: np.linalg.vector_norm(x, axis=(2, 0), ord=3, keepdims=True), (2, 3, 2)),
    "vector_norm of all": (lambda x: np.linalg.vector_norm(x, ord=1), (2, 3)),
    "running truths": (lambda x: np.logical_or.accumulate(np.trunc(x[:1]), axis=1) * x[:1], (2, 3)),
    "counts of one each": (lambda x: (np.sum(x[:1] > -9, 0) + np.count_nonzero(x[:1] > -9, 0) + np.cumsum(x[0] > 9)) * x[0], (2, 3)),
    "vecdot": (lambda x: np.linalg.vecdot(x, x * x, axis=0), (2, 3)),
    "matrix_norm": (lambda x: np.linalg.matrix_norm(x, keepdims=True), (2, 3, 2)),
    "ediff1d with ends": (lambda x: np.ediff1d(x, to_end=[1.0, 2.0], to_begin=x[:1, 0]), (2, 2)),
    "ediff1d with a beginning": (lambda x: np.ediff1d(x, None, 1.0), (3,)),
    "average and its weights": (lambda x: np.stack(np.average(x, axis=1, weights=[1.0, 2.0, 3.0], returned=True)), (2, 3)),
    "choose wrapped": (lambda x: np.choose([0, 4, 2], list(x), mode="wrap"), (3, 3)),
    "choose clipped": (lambda x: np.choose([-1, 4, 2], list(x), mode="clip"), (3, 3)),
    "fftshift": (lambda x: np.fft.fftshift(x, axes=1) + np.fft.ifftshift(x), (2, 3)),
    "einsum on a path": (lambda x: np.einsum("ij,kj->ik", x, x, optimize=np.einsum_path("ij,kj->ik", x, x)[0]), (2, 3)),
    "astype": (lambda x: np.astype(x, float), (2, 3)),
    "integers like it": (lambda x: (k := np.zeros_like(x, dtype=int), k.__setitem__(1, 2), x[k])[2], (3,)),
    "counts of integers": (lambda x: (np.sum(x > 0, axis=0, dtype=int) + np.cumsum(x > 0, 1, np.int64)) * x, (2, 3)),
    "ix_": (lambda x: x[np.ix_([0, 2], x[0] > 0)], (3, 3)),
    "tensorinv": (lambda x: np.linalg.tensorinv(x + np.eye(2)[:, :, None], ind=1), (2, 2, 1)),
    "matrix_rank": (lambda x: (np.linalg.matrix_rank(x)[:, None] + np.linalg.matrix_rank(x[0], tol=0.9)) * x[:, 0], (2, 3, 2)),
    "matrix_rank of products": (lambda x: (np.linalg.matrix_rank(np.outer(x, x)) + np.linalg.matrix_rank(x, rtol=0.1)) * x, (3,)),
    "pinv of a symmetric matrix": (lambda x: np.linalg.pinv(x + x.T + 5.0 * np.eye(3), hermitian=True, rtol=1e-9), (3, 3)),
    "histogram": (lambda x: np.histogram(x, 3)[0] * x[:3] + np.histogram(x, 3)[1][1:], (6,)),
    "histogram of edges": (lambda x: np.histogram(x[1:], np.arange(4) * 0.61 - 0.93 + 0.1 * x[0], density=True)[0], (3, 4)),
    "histogram of weights": (lambda x: np.histogram([0.0, 0.5, 1.0, 2.0], 2, (0.0, 1.0), weights=x)[0], (4,)),
    "histogram of equals": (lambda x: np.histogram(x * 0.0 + 1.0, 2)[0] * x[:2], (3,)),
    "tensorsolve": (lambda x: np.linalg.tensorsolve(x.reshape(2, 1, 1, 2) + np.eye(2)[:, None, None] * 5, [[1.0], [2.0]]), (2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", REARRANGED)
def test_rearranging_and_composed_functions(name):
    f, shape = REARRANGED[name]
    check(f, distinct(shape, 11))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x @ x, lambda x: np.dot(x, x), lambda x: np.inner(x, x), lambda x: np.tensordot(x, x, 1), lambda x: np.einsum("i,i", x, x),
        lambda x: np.cov(x), lambda x: np.sum(np.convolve(x, x)), lambda x: np.sum(np.correlate(x, x)), lambda x: np.diff(x * x)[1],
        lambda x: np.gradient(x, x)[0], lambda x: np.sum(x * x),
    ],
)  # fmt: skip
def test_recording_an_overflow_warns_no_more_than_a_replay(f):
    x = np.array([1e300, 1e300, -1e300])
    with np.errstate(all="raise"):
        assert not np.isfinite(jt.value_and_grad(f)(x)[0])


def test_a_result_may_be_empty():
    for f, x in (
        (lambda x: x, np.zeros(0)),
        (lambda x: x, np.zeros((0, 2))),
        (lambda x: np.sort(x, axis=0), np.zeros((2, 0))),
        (lambda x: np.cumsum(x[:0]), np.ones(3)),
    ):
        np.testing.assert_array_equal(jt.record(f, x)(x), f(x))
    program = jt.record(lambda x, y: np.sum(x) + 2.0 * y, np.zeros(0), 3.0)
    assert program.tape.show().count("y = 3") == 1


@pytest.mark.parametrize("f", [np.convolve, np.correlate, np.searchsorted], ids=lambda f: f.__name__)
def test_functions_of_vectors_take_no_matrix(f):
    with pytest.raises(ValueError, match="object too deep"):
        jt.record(lambda x: f(x, [1.0, 2.0]), np.ones((2, 2)))


def test_views_and_copies_are_numpys():
    def f(x):
        base = x * 1.0
        np.reshape(base, (3, 2))[0] = 5.0
        base.T[2] = 7.0
        np.ravel(base)[4] = 9.0
        base.flatten()[:] = 1.0
        np.flip(base)[0, 0] = 11.0
        np.squeeze(base[:, :1])[1] = 13.0
        np.diagonal(base).copy()[:] = 1.0
        np.swapaxes(base, 0, 1)[1, 0] = base[0, 0] * 2
        np.real(base)[1, 2] = 15.0
        np.real_if_close(base)[0, 1] *= 2.0
        other = base * np.array([1.0, np.inf, 1.0])
        assert np.nan_to_num(other, copy=False, posinf=17.0) is other
        base[0] = other[0]
        return base

    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(jt.record(f, x)(x), f(x))


# -- what asks truths ---------------------------------------------------------------------------------------------------------


def test_a_sort_is_one_path_for_all_orders():
    g = jt.value_and_grad(lambda x: np.sort(x) @ np.array([1.0, 10.0, 100.0]))
    for order in itertools.permutations(range(3)):
        x = np.array([0.3, 0.1, 0.2])[list(order)]
        rank = np.argsort(np.argsort(x))
        value, gradient = g(x)
        assert value == pytest.approx(32.1)
        np.testing.assert_array_equal(gradient, 10.0**rank)
    assert g.cache_info() == (1, 1, 5)
    np.testing.assert_array_equal(g(np.array([2.0, 2.0, 1.0]))[1], [55.0, 55.0, 1.0])  # equal elements share


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 8, 13, 16, 31, 100])
def test_sorts_of_all_sizes(n):
    x, w = np.random.default_rng(n).normal(size=(2, n, 3))
    g = jt.value_and_grad(lambda x: np.sum(np.sort(x, 0) * w))
    for k in range(3):
        value, gradient = g(np.roll(x, k, 0) * (1.0 + k))
        assert value == pytest.approx(np.sum(np.sort(x, 0) * w) * (1.0 + k), rel=1e-12, abs=1e-12)
        ranks = np.argsort(np.argsort(np.roll(x, k, 0), 0), 0)
        np.testing.assert_array_equal(gradient, np.take_along_axis(w, ranks, 0))
    assert g.cache_info().records == 1


def test_a_network_sorts_as_numpy_does():
    """By the principle of zeros and ones: a network that sorts those sorts everything."""
    for n in range(1, 11):
        x = np.array(list(itertools.product([0.0, 1.0], repeat=n)))
        np.testing.assert_array_equal(asking._merged(x.copy()), np.sort(x))
    x = np.array([3.0, np.inf, -np.inf, -0.0, 0.0, 3.0])
    np.testing.assert_array_equal(jt.record(np.sort, x)(x), np.sort(x))
    nan = np.array([3.0, np.nan, 1.0, np.nan, 2.0])
    np.testing.assert_array_equal(jt.record(np.sort, nan)(nan), np.sort(nan))
    g = jt.value_and_grad(lambda x: (np.sum(np.sort(x)[:2]), np.sort(x)), has_aux=True)
    for point in np.array([3.0, 2.0, 1.0]), np.array([3.0, np.nan, 1.0]), np.array([1.0, 5.0, 0.0]):
        (value, found), gradient = g(point)
        np.testing.assert_array_equal(found, np.sort(point))
        np.testing.assert_array_equal(gradient, np.isin(np.arange(3), np.argsort(point)[:2]))


def test_a_long_sort_is_a_recorded_order(monkeypatch):
    monkeypatch.setattr(asking, "_MOST_SORTED", 4)
    x = np.array([0.3, 0.1, 0.5, 0.2, 0.4])
    g = jt.value_and_grad(lambda x: np.sort(x) @ np.arange(5.0))
    for k in range(3):
        value, gradient = g(np.roll(x, k))
        assert value == pytest.approx(np.sort(x) @ np.arange(5.0))
        np.testing.assert_array_equal(gradient, np.argsort(np.argsort(np.roll(x, k))))
    assert g.cache_info().records == 3


def test_quantiles_are_one_path_for_all_orders():
    g = jt.value_and_grad(lambda x: np.median(x) + np.quantile(x, 0.3) * np.percentile(x, 80.0))
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=21)
        assert g(x)[0] == pytest.approx(np.median(x) + np.quantile(x, 0.3) * np.percentile(x, 80.0), rel=1e-13)
    assert g.cache_info().records == 1


def test_sorting_numbers_that_are_not():
    g = jt.value_and_grad(lambda x: np.sort(x)[0])
    for x, at in (
        ([np.nan, 2.0, 1.0], 2),
        ([0.5, 2.0, 1.0], 0),
        ([3.0, np.nan, 1.0], 2),
        ([np.nan, 2.0, 3.0], 1),
        ([-9.0, 2.0, np.nan], 0),
    ):
        value, gradient = g(np.array(x))
        assert value == x[at]
        np.testing.assert_array_equal(gradient, np.arange(3) == at)


@pytest.mark.parametrize("f", [np.argmax, np.argmin], ids=lambda f: f.__name__)
def test_the_place_of_the_best_is_a_plain_int_and_guarded(f):
    seen = []

    def loss(x):
        i = f(x)
        seen.append(i)
        return x[i] * 3.0

    g = jt.value_and_grad(loss)
    rng = np.random.default_rng(0)
    for _ in range(40):
        x = rng.integers(0, 3, 4) + 0.0
        x[rng.integers(4)] = np.nan if rng.random() < 0.2 else 1.0
        value, gradient = g(x)
        assert np.array_equal(value, x[f(x)] * 3.0, equal_nan=True)
        np.testing.assert_array_equal(np.flatnonzero(gradient), [f(x)])
    assert all(isinstance(i, (int, np.integer)) for i in seen)
    x = distinct((3, 4))
    for axis, keepdims in ((0, False), (1, True), (None, True), (-1, False)):
        np.testing.assert_array_equal(
            jt.record(lambda x, a=axis, k=keepdims: f(x, axis=a, keepdims=k) * 1.0, x)(x), f(x, axis=axis, keepdims=keepdims)
        )


def test_masks_of_traced_conditions_are_guards_and_where_is_none():
    g = jt.value_and_grad(lambda x: (x[x > 0] ** 2).sum())
    h = jt.value_and_grad(lambda x: np.where(x > 0, x**2, 0.0).sum())
    for x in (np.array([1.0, -2.0, 3.0]), np.array([-1.0, -2.0, -3.0]), np.array([2.0, -2.0, 1.0])):
        for function in (g, h):
            value, gradient = function(x)
            assert value == (x[x > 0] ** 2).sum()
            np.testing.assert_array_equal(gradient, np.where(x > 0, 2 * x, 0.0))
    assert (g.cache_info().records, h.cache_info().records) == (2, 1)


def test_interpolation_at_its_ends_and_of_nothing():
    """The last point is inside, what is beyond it is not, whichever was recorded first."""
    for f in (
        lambda x: np.interp(x, [0.0, 1.0], [1.0, 2.0], left=5.0, right=7.0),
        lambda x: np.interp([1.0, 0.0], jt.array([-1.0, x]), [1.0, 2.0], right=7.0)[0],
    ):
        for points in ((1.0, 1.5, 0.5, 1.0, -0.5), (1.5, 1.0, 1.5), (0.0, -0.5, 0.0)):
            g = jt.value_and_grad(f)
            for x in points:
                assert g(x)[0] == f(x)
    x = np.array([np.nan, 0.5])
    value, gradient = jt.value_and_grad(lambda x: (np.sum(v := np.interp(x, [0.0, 1.0], [1.0, 2.0])), v), has_aux=True)(x)
    np.testing.assert_array_equal(value[1], [np.nan, 1.5])


def test_interpolation_is_one_path():
    rng = np.random.default_rng(0)
    grid, table, w = np.cumsum(rng.uniform(0.1, 1.0, 9)), rng.normal(size=9), rng.normal(size=30)
    g = jt.value_and_grad(lambda x: np.sum(w * np.interp(x, grid, table)))
    h = jt.value_and_grad(lambda fx: np.sum(w * np.interp(fx[1], grid, fx[0], left=-3.0, right=4.0)))
    for _ in range(20):
        x = rng.uniform(grid[0] - 1.0, grid[-1] + 1.0, 30)
        value, gradient = g(x)
        assert value == pytest.approx(w @ np.interp(x, grid, table), rel=1e-13)
        slope = np.concatenate([[0.0], np.diff(table) / np.diff(grid), [0.0]])[np.searchsorted(grid, x)]
        np.testing.assert_allclose(gradient, w * slope, rtol=1e-13)
        value, (of_table, gradient) = h((table, x))
        assert value == pytest.approx(w @ np.interp(x, grid, table, left=-3.0, right=4.0), rel=1e-13)
        np.testing.assert_allclose(gradient, w * slope, rtol=1e-13)
        np.testing.assert_allclose(of_table, [w @ np.interp(x, grid, e, left=0.0, right=0.0) for e in np.eye(9)], atol=1e-14)
    assert g.cache_info().records == h.cache_info().records == 1


@pytest.mark.parametrize("grid, values", [([], []), ([0.0, 1.0], [1.0]), ([[0.0, 1.0]], [[0.0, 1.0]])])
def test_errors_of_interpolation_are_numpys(grid, values):
    with pytest.raises(ValueError) as plain:
        np.interp(0.5, grid, values)
    with pytest.raises(ValueError, match=re.escape(str(plain.value))):
        jt.record(lambda x: np.interp(x, grid, values), 0.5)
    assert jt.record(lambda x: np.interp(x, [0.0, 1.0], [2.0, 3.0]), np.zeros((2, 0)))(np.zeros((2, 0))).shape == (2, 0)


def test_interpolation_in_steps_does_not_warn():
    x, steps = np.array([0.5, 1.0, 1.5]), lambda x: np.interp(x, [0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 3.0, 4.0])
    np.testing.assert_array_equal(jt.record(steps, x)(x), steps(x))
    np.testing.assert_array_equal(jt.grad(lambda x: np.sum(steps(x)))(x), [1.0, 1.0, 1.0])


@pytest.mark.parametrize("period", [5.0, -5.0])
def test_interpolation_with_a_period(period):
    f = lambda x: np.interp(x, np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 3.0, -2.0, 5.0]), period=period)  # noqa: E731
    x = np.array([-4.3, -1.0, 2.2, 7.0])
    np.testing.assert_allclose(jt.record(f, x)(x), f(x), rtol=1e-14)


@pytest.mark.parametrize(
    "grid, values", [([0.0, 1.0, 2.0], [1.0, np.inf, 3.0]), ([-np.inf, 0.0, 1.0, np.inf], [1.0, 2.0, 3.0, 4.0])]
)
def test_interpolation_beside_infinities(grid, values):
    f = lambda x: np.interp(x, grid, values)  # noqa: E731
    x = np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0])
    np.testing.assert_array_equal(jt.record(f, x)(x), f(x))


def test_interpolation_of_infinite_and_single_points():
    x = np.array([-np.inf, 0.5, np.inf, np.nan, 1.5])
    for table in ([1.0, 2.0, 5.0], [1.0, 2.0, np.inf]):
        f = lambda x, table=table: np.interp(x, [0.0, 1.0, 2.0], table)  # noqa: E731
        np.testing.assert_array_equal(jt.record(f, x)(x), f(x))
    np.testing.assert_array_equal(
        jt.grad(lambda x: np.sum(np.interp(x, [0.0, 1.0, 2.0], [1.0, 2.0, 5.0])[:3]))(x), [0.0, 1.0, 0.0, 0.0, 0.0]
    )
    f = lambda x: np.interp(x, [1.0], [7.0], left=5.0)  # noqa: E731
    np.testing.assert_array_equal(jt.record(f, x)(x), [5.0, 5.0, 7.0, np.nan, 7.0])  # of one point NumPy loses the NaN


def test_searchsorted_and_comparisons_of_whole_arrays():
    grid = np.array([0.0, 1.0, 2.0])
    g = jt.value_and_grad(lambda x: x * float(np.searchsorted(grid, x)) if np.allclose(x, x) else 0.0)
    for x in (-1.0, 0.0, 0.5, 1.0, 1.5, 5.0, 0.7):
        assert g(x) == (x * np.searchsorted(grid, x), float(np.searchsorted(grid, x)))
    equal = jt.value_and_grad(lambda x: x.sum() if np.array_equal(x, [1.0, 2.0]) else -x.sum())
    assert equal(np.array([1.0, 2.0]))[0] == 3.0
    assert equal(np.array([1.0, 2.5]))[0] == -3.5


# -- refusals -----------------------------------------------------------------------------------------------------------------


def supported():
    return set(numpy_functions.FUNCTIONS) | set(ufuncs.UFUNCS)


@pytest.mark.parametrize(
    ("call", "name", "near"),
    [
        (lambda x: np.linalg.eig(x), "linalg.eig", None), (lambda x: np.polydiv(x[0], x[1]), "polydiv", "polyval"), (lambda x: np.fft.fft(x), "fft", None),
        (lambda x: np.linalg.eigvals(x), "linalg.eigvals", None), (lambda x: np.spacing(x), "spacing", None), (lambda x: np.setdiff1d(x, x), "setdiff1d", "ediff1d"),
        (lambda x: np.ones((2, 2)).clip(x, 2.0), "clip", "clip(x, low, high)"),
        (lambda x: np.nextafter(x, 1.0), "nextafter", None), (lambda x: np.histogram2d(x[0], x[1]), "histogram2d", "histogram"), (lambda x: np.roots(x[0]), "roots", None),
    ],
)  # fmt: skip
def test_an_unsupported_function_is_an_error_that_names_it(call, name, near):
    if not hasattr(np, name.rpartition(".")[2]) and "." not in name and name != "fft":
        pytest.skip("not in this NumPy")
    with pytest.raises(TracingTypeError, match=re.escape(f"np.{name} is not supported") if near else re.escape(name)) as error:
        jt.record(lambda x: call(x), np.eye(2))
    if near:
        assert f"np.{near}" in str(error.value)


def dispatched():
    for space in (np, np.linalg, np.fft):
        for name in sorted(vars(space)):
            function = getattr(space, name)
            if isinstance(function, np.ufunc) or hasattr(function, "_implementation"):
                yield function


def test_no_function_of_numpy_takes_traced_values_for_an_object_array():
    """Every function that NumPy dispatches records, asks, or raises."""
    for function in dispatched():

        def call(x, function=function):
            out = function(x)
            assert not (isinstance(out, np.ndarray) and out.dtype == object), function
            return 0.0

        try:
            jt.record(call, sample((2, 2)))
        except (TypeError, ValueError, np.linalg.LinAlgError):
            pass


BAD_SHAPES = [
    lambda x, y: x + y, lambda x, y: x @ y, lambda x, y: np.dot(x, y), lambda x, y: np.concatenate([x, y[:, None]]), lambda x, y: np.stack([x, y]),
    lambda x, y: np.inner(x, y), lambda x, y: np.einsum("i,j->k", x, y), lambda x, y: np.einsum("i,i->", x, y), lambda x, y: np.sum(x, axis=2),
    lambda x, y: np.reshape(x, (2, 2)), lambda x, y: np.split(x, 2), lambda x, y: np.squeeze(x, 0), lambda x, y: np.tensordot(x, y, 1),
    lambda x, y: np.max(x, axis=1), lambda x, y: np.broadcast_to(x, (2,)), lambda x, y: np.where(x > 0, x, y), lambda x, y: np.transpose(x, (1, 0)),
    lambda x, y: np.arctan2(x, y), lambda x, y: np.take(x, 7), lambda x, y: np.moveaxis(x, 0, 3), lambda x, y: np.cumsum(x, axis=1), lambda x, y: x[5],
]  # fmt: skip


@pytest.mark.parametrize("f", BAD_SHAPES)
def test_bad_shapes_raise_numpys_own_error(f):
    x, y = np.ones(3), np.ones(4)
    with pytest.raises(Exception) as plain:
        f(x, y)
    with pytest.raises(type(plain.value), match=re.escape(str(plain.value))):
        jt.record(lambda xs: f(*xs), [x, y])


def test_out_and_dtype():
    def f(x):
        y = jt.zeros(3)
        assert np.add(x, 1.0, out=y) is y
        np.multiply(y, 2.0, out=y, where=np.array([True, False, True]))
        assert np.sum(x[:, None], axis=1, out=y[:]) is not None
        return np.sum(y, dtype=np.float64) + np.exp(x, dtype=float)[0]

    check(f, np.array([0.1, 0.2, 0.3]))
    for bad in (
        lambda x: np.add(x, 1.0, out=np.zeros(3)), lambda x: np.sum(x, out=np.zeros(())), lambda x: np.add(np.zeros(3), x, dtype=int),
        lambda x: np.sum(x, dtype=complex), lambda x: np.exp(x, where=x > 0), lambda x: np.subtract.reduceat(x, [0, 1]),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            jt.record(lambda x, bad=bad: bad(x), np.ones(3))
    with pytest.raises(ValueError, match="non-broadcastable"):
        jt.record(lambda x: np.add(x, 1.0, out=jt.zeros(2)), np.ones(3))
    with pytest.raises(ValueError, match="non-broadcastable"):
        jt.record(lambda x: np.add(x, 1.0, out=jt.zeros(1)), np.ones(3))


def test_out_may_be_larger_and_of_one_result_only():
    def f(x):
        y, z = np.zeros_like(x, shape=(2, 3)), np.zeros_like(x)
        np.sin(x, out=y)
        parts = np.modf(x * 3.0, out=(None, z))
        return y * parts[0] + z

    check(f, distinct((3,)))
    check(lambda x: np.positive([1.0, 2.0], out=x * 1.0) + np.logaddexp2([1.0, 2.0], x), distinct((2,)))


def test_arguments_by_position_are_numpys():
    x = distinct((2, 3))
    for f in (
        lambda x: np.sum(x, 0, np.float64), lambda x: np.sum(x, 0, None, None, True), lambda x: x.sum(0, None, None, True),
        lambda x: np.mean(x, 1, None, None, True), lambda x: np.var(x, 1, None, None, 1), lambda x: np.std(x, 1, float, None, 1, True),
        lambda x: np.max(x, 0, None, True), lambda x: x.min(0, None, True), lambda x: np.cumsum(x, 0, float), lambda x: x.prod(1, None, None, True),
        lambda x: np.clip(x, 0.0, 1.0, None), lambda x: x.clip(0.0, 1.0, None), lambda x: np.median(x, 0, None, False, True), lambda x: np.ptp(x, 0, None, True),
        lambda x: np.trace(x, 1, 0, 1, None, None), lambda x: np.take(x, [0, 4], 1, None, "clip"), lambda x: np.nansum(x, 0, float, None, True),
        lambda x: np.full_like(x, 2.0, None, "K", True, (2, 1)) * x, lambda x: np.ones_like(a=x) * np.diff(a=x, n=1, prepend=0.0),
        lambda x: np.linalg.norm(axis=1, x=x), lambda x: np.repeat(a=x, repeats=2, axis=1), lambda x: np.moveaxis(a=x, source=0, destination=1),
    ):  # fmt: skip
        check(f, x)
    with pytest.raises(TypeError, match="int64"):
        jt.record(lambda x: np.sum(x, 0, np.int64), x)
    for f, match in (
        (lambda x: np.unique(x, False, False, False, 0), "np.unique of traced values does not take axis"),
        (lambda x: np.polyfit(x[0], x[1], 1, cov=True), "np.polyfit of traced values does not take cov"),
        (lambda x: np.zeros_like(x, dtype=complex), "real-valued"), (lambda x: np.full_like(x, x[0, 0], dtype=int), "int64"),
        (lambda x: np.histogram(x, "auto"), "edges"), (lambda x: np.pad(x, 1, lambda *_: None), "by its name"),
        (lambda x: np.pad(x, 2, "reflect", reflect_type="odd"), "reflects once"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=match):
            jt.record(f, x)
    with pytest.raises(TypeError, match="np.quantile of traced values does not take weights"):
        jt.record(lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=np.ones(6)), x)
    assert jt.record(lambda x: np.cov(x, aweights=None, fweights=None), x)(x).shape == (2, 2)


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="new in NumPy 2.1")
def test_cumulative_functions_of_the_array_standard():
    check(lambda x: np.cumulative_sum(x, axis=1, include_initial=True), distinct((2, 3)))
    check(lambda x: np.cumulative_prod(x), distinct((3,)))
    with pytest.raises(ValueError, match="axis"):
        jt.record(lambda x: np.cumulative_sum(x), np.ones((2, 2)))


HOLES = np.array([[1.0, np.nan, 2.0, 1.0], [0.5, 1.0, np.nan, 1.0], [1.0, 1.0, 3.0, 1.0]])


@pytest.mark.parametrize(
    "name",
    ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "nanmedian", "nancumsum", "nancumprod", "nanargmax", "nanargmin"],
)  # fmt: skip
def test_functions_that_leave_nan_out(name):
    f, x = getattr(np, name), distinct((3, 4))
    for axis in (None, 0, 1):
        for full in (True, False):
            mask = np.isnan(HOLES) & (not full)
            check(lambda x, axis=axis, mask=mask: f(np.where(mask, np.nan, x), axis) * x[0, 0], x, tolerance=1e-9)
            if "cum" not in name:
                check(
                    lambda x, axis=axis, mask=mask: f(np.where(mask, np.nan, x), axis, keepdims=True) * x[0, 0],
                    x,
                    tolerance=1e-9,
                )


def test_quantiles_without_nan():
    x, mask = distinct((3, 4)), np.isnan(HOLES)
    check(lambda x: np.nanquantile(np.where(mask, np.nan, x), [0.3, 0.6], axis=1), x)
    check(lambda x: np.nanpercentile(np.where(mask, np.nan, x), 30, axis=0, keepdims=True), x)
    check(lambda x: np.nanquantile(x, [0.3, 0.6], axis=(0, 2), keepdims=True), distinct((2, 3, 2)))


@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"])
def test_chosen_elements_without_nan(name):
    f, x, mask = getattr(np, name), distinct((3, 4)), np.isnan(HOLES)
    start = {"initial": 0.3} if name in ("nansum", "nanprod", "nanmax", "nanmin") else {}
    check(lambda x: f(np.where(mask, np.nan, x), axis=1, where=[True, True, False, True], **start), x, tolerance=1e-9)


def test_nothing_but_nan():
    nothing = np.array([[np.nan, np.nan], [1.0, 2.0]])
    for f in (np.nanmax, np.nanmin, np.nanmedian):
        got = jt.record(lambda x, f=f: f(x, axis=1), nothing)(nothing)
        np.testing.assert_array_equal(got, [np.nan, f(nothing[1])])
    with pytest.raises(ValueError, match="All-NaN"):
        jt.record(lambda x: np.nanargmax(x, axis=1) * 1.0, nothing)


@pytest.mark.parametrize("n", [1, 2, 6])
def test_quantiles_may_be_arguments(n):
    x = distinct((n, 2))
    check(lambda x, q: np.quantile(x, q, axis=0), x, np.array([0.13, 0.77]))
    check(lambda x, q: np.percentile(x, 10.0 * q), x, np.array(4.7))
    check(lambda x, q: np.nanpercentile(x, q, axis=0, keepdims=True), x, np.array([33.3]))
    check(lambda q: np.quantile(x, q), np.array(0.41))
    g = jt.value_and_grad(lambda x, q: np.quantile(x, q, axis=0).sum())
    for q in (0.0, 0.3, 1.0, 0.5):
        assert g(x, q)[0] == pytest.approx(np.quantile(x, q, axis=0).sum(), rel=1e-14)
    with pytest.raises(ValueError, match="range"):
        g(x, 1.5)
    with pytest.raises(TypeError, match="linear"):
        jt.grad(lambda x, q: np.quantile(x[:, 0], q, method="lower"))(x, 0.5)


def test_axes_are_checked_as_numpy_checks_them():
    x = np.ones((2, 3))
    for f in (
        lambda x: np.trapezoid(x, axis=2), lambda x: np.cross(x, x, axis=2), lambda x: np.cross(x, x, axisc=3), lambda x: np.trapezoid(x[0, 0]),
        lambda x: np.cross(x[0, 0], x[0]), lambda x: np.where(x > 0, x),
    ):  # fmt: skip
        with pytest.raises(Exception) as plain:
            f(x)
        with pytest.raises((ValueError, IndexError)) as error:
            jt.record(lambda x, f=f: f(x) * 1.0, x)
        assert isinstance(error.value, type(plain.value)) or "axis" in str(error.value)
    i = np.array([0, 1])
    for g in (lambda x, i: np.take(x, i, axis=2), lambda x, i: np.take_along_axis(x, i[None], axis=-3)):
        with pytest.raises(np.exceptions.AxisError):
            jt.record(g, x, i)


METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear",
    "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_quantiles(method):
    for q in (0.0, 0.3, [0.25, 0.5, 1.0], 1 / 3):
        check(lambda x, q=q: np.quantile(x, q, method=method), distinct((7,)))
        check(lambda x, q=q: np.percentile(x, 100 * np.asarray(q), axis=1, method=method, keepdims=True), distinct((2, 4)))
    x = np.where(np.isnan(HOLES), np.nan, distinct((3, 4)))
    np.testing.assert_allclose(
        jt.record(lambda x: np.nanquantile(x, 0.4, axis=1, method=method), x)(x), np.nanquantile(x, 0.4, axis=1, method=method)
    )


def test_places_that_are_counted_may_be_arguments():
    def f(w, places):
        return np.sum(np.bincount(places, w) ** 2) + np.sum(
            np.bincount(places, weights=w, minlength=4) / (1 + np.bincount(places, None, 4))
        )

    g, rng = jt.value_and_grad(f), np.random.default_rng(4)
    for places in ([0, 1, 2, 1], [2, 2, 0, 1], [3, 0, 3, 1], [0, 0, 0, 0], [1, 2, 0, 0]):
        w, places = rng.normal(size=4), np.array(places)
        value, gradient = g(w, places)
        assert value == pytest.approx(f(w, places), rel=1e-14)
        np.testing.assert_allclose(gradient, jt.grad(lambda w, places=places: f(w, places))(w), rtol=1e-14)
    assert g.cache_info().records == 3  # one for each number of places
    with pytest.raises(ValueError, match="negative"):
        g(w, np.array([0, -1, 2, 2]))
    assert jt.grad(lambda w, k: np.bincount(k, w)[12345])(w, np.array([0, 1, 2, 12345])).tolist() == [0.0, 0.0, 0.0, 1.0]
    with pytest.raises(jt.TapeCapacityError, match="places"):
        g(w, np.array([0, 1, 2, 10**13]))


def test_a_count_of_places_known_before_never_records_again():
    g = jt.value_and_grad(lambda w, places: np.bincount(places).mean() * w)
    for k in range(40):
        places = np.array([0, k % 5, 0])
        assert g(2.0, places)[0] == np.bincount(places).mean() * 2.0
    assert g.cache_info().records == 5
    assert jt.grad(lambda w, k: np.sum(np.bincount(k, minlength=2) * w))(np.ones(2), np.array([], int)).tolist() == [0.0, 0.0]


def test_a_bincount_adds_up_in_order_and_says_what_it_cannot():
    w, places = np.array([1e16, 1.0, -1e16, 3.0]), np.array([1, 1, 1, 0])
    np.testing.assert_array_equal(jt.record(lambda w: np.bincount(places, w), w)(w), np.bincount(places, w))
    np.testing.assert_array_equal(jt.record(lambda w, k: np.bincount(k, w), w, places)(w, places), np.bincount(places, w))
    for bad in (lambda w: np.bincount(w), lambda w: np.bincount([0.5, 1.0], w[:2]), lambda w: np.bincount([0], w)):
        with pytest.raises((TypeError, ValueError)):
            jt.record(bad, w)
    for bad in (lambda w: np.digitize(w, [1.0, 3.0, 2.0]), lambda w: np.piecewise(w, [w > 0], [1.0, 2.0, 3.0])):
        with pytest.raises(ValueError):
            jt.record(lambda w, bad=bad: bad(w) * 1.0, w)


def test_adding_at_repeated_places_accumulates():
    def f(x):
        y = jt.zeros(3) if isinstance(x, jt.VarArray) else np.zeros(3)
        np.add.at(y, [0, 2, 0], x)
        np.subtract.at(y, 1, x[0])
        return y

    check(f, np.array([0.5, 0.25, 2.0]))

    def overlapping(x, places=(1, 2, 3)):
        y = x.copy()
        np.add.at(y, list(places), y[:3])
        np.multiply.at(y, [1, 2], y[:2])
        return y

    check(overlapping, np.array([0.5, 0.25, 2.0, 1.5]))
    x, places = np.array([0.5, 0.25, 2.0, 1.5]), np.array([1, 2, 3])

    def through_an_argument(x, places):
        y = x.copy()
        y[places] = y[:3]
        np.add.at(y, places, y[:3])
        return y

    np.testing.assert_array_equal(jt.record(through_an_argument, x, places)(x, places), through_an_argument(x, places))
    with pytest.raises(TypeError, match=r"jt\.zeros"):
        jt.record(lambda x: np.add.at(np.zeros(3), [0], x), np.ones(1))
    with pytest.raises(TypeError, match=r"int\(\)"):
        jt.record(lambda x: np.add.reduceat(x, x), np.ones(3))


@pytest.mark.parametrize("name", sorted(ufuncs.SPECIAL))
def test_ufuncs_of_scipy(name):
    f = getattr(scipy.special, name)
    for xs in itertools.product((np.array([0.3, 0.7]), np.array(0.45)), repeat=f.nin):
        check(lambda *xs: f(*xs), *(x * 1.1**k for k, x in enumerate(xs)), tolerance=1e-9)


def test_functions_of_scipy_left_of_0():
    check(scipy.special.beta, np.array([-0.5, -1.7, 0.4]), np.array([0.3, -0.6, -2.2]), tolerance=1e-9)
    check(
        lambda x: scipy.special.gamma(x) + scipy.special.i0(x) * scipy.special.i1(x) + np.i0(x),
        np.array([-0.5, -1.5]),
        tolerance=1e-9,
    )
    np.testing.assert_array_equal(scipy.special.loggamma(jt.array([jt.var(-0.5)])).value, [np.nan])


@pytest.mark.parametrize("name", ["rel_entr", "kl_div", "huber"])
def test_ufuncs_of_scipy_at_their_edges(name):
    f = getattr(scipy.special, name)
    for point in itertools.product((-1.0, 0.0, 0.5, 1.0, np.nan), repeat=2):
        if name == "huber" and np.isnan(point).any():
            continue
        value, gradient = jt.value_and_grad(f, (0, 1))(*point)
        np.testing.assert_array_equal(value, f(*point))
        assert np.isnan(value) or np.isfinite(gradient).all()


def test_other_ufuncs_of_scipy_are_errors_and_namesakes_of_users_too():
    with pytest.raises(TracingTypeError, match=r"scipy\.special\.jv is not supported"):
        jt.grad(lambda x: scipy.special.jv(0, x))(0.5)
    for ufunc in (np.frompyfunc(lambda x: x, 1, 1), scipy.special.zeta):
        with pytest.raises(TracingTypeError, match=r"^[\w<]") as error:
            jt.grad(ufunc)(1.5)
        assert "np." not in str(error.value)


def test_the_page_lists_what_is_dispatched():
    text = numpy_functions.page()
    for function in supported():
        name = numpy_functions.spelled(function) if function in numpy_functions.FUNCTIONS else function.__name__
        assert f"`np.{name}`" in text


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="the page is written with a NumPy that has all of them")
def test_the_page_of_the_docs_is_the_page():
    path = Path(jt.__file__).parent.parent / "docs" / "numpy.md"
    assert path.read_text() == numpy_functions.page(), f"write {path} from jittape.numpy_functions.page()"
