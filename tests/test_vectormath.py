"""The elementary functions of the kernels: distance from the true value, special values, laws, equal bits, vector code."""

import inspect
import math
import re
from fractions import Fraction
from types import FunctionType

import mpmath
import numpy as np
import oracles
import pytest
from numba import config, njit

import jittape as jt
from jittape import codegen, kernels, vectormath

JIT = not config.DISABLE_JIT
COUNT = 50_000 if JIT else 20
PLAIN = {name: value for name, value in vars(vectormath).items() if isinstance(value, FunctionType)}
INF, NAN, TINY, MAX = math.inf, math.nan, 5e-324, 1.7976931348623157e308


def _pasted():
    """The functions as the kernels hold them: their text, each under the decorator."""
    space = {name: value for name, value in vars(vectormath).items() if name not in PLAIN}
    exec("\n\n".join(map(codegen.pasted, PLAIN.values())), space)
    space |= {name: getattr(kernels, name) for name in ("fma", "rounded_off")}
    for name in PLAIN.keys() - {"rounded_off"}:
        space[name] = njit(nogil=True, error_model="numpy", forceinline=True)(space[name])
    return space


PASTED = _pasted()
_LOOPS = {}


def loop(name):
    """A block loop as in the kernels: one array, unsigned offsets."""
    if name not in _LOOPS:
        f = PASTED[name]
        if len(inspect.signature(PLAIN[name]).parameters) == 1:

            @njit(nogil=True, error_model="numpy")
            def run(work, o, x, y, n):
                for i in range(n):
                    work[o + i] = f(work[x + i])

        else:

            @njit(nogil=True, error_model="numpy")
            def run(work, o, x, y, n):
                for i in range(n):
                    work[o + i] = f(work[x + i], work[y + i])

        _LOOPS[name] = run
    return _LOOPS[name]


def values(name, x, y=None):
    """The function of every element, by the block loop."""
    n = len(x)
    work = np.concatenate([x, x if y is None else y, np.zeros(n)])
    with np.errstate(all="ignore"):
        loop(name)(work, np.uint64(2 * n), np.uint64(0), np.uint64(n), np.uint64(n))
    return work[2 * n :]


# Samples: `near` is uniform, `size` has uniform logarithms, `both` adds the other sign.


def near(low, high):
    return lambda rng: rng.uniform(low, high, COUNT)


def size(low, high):
    return lambda rng: np.clip(np.exp(rng.uniform(math.log(low), math.log(high), COUNT)), low, high)


def both(sample):
    def signed(rng):
        x = sample(rng)
        return x * rng.choice([-1.0, 1.0], len(x))

    return signed


def beside_quarters(rng):
    """Neighbours of multiples of pi / 4, where the sine, the cosine or the tangent is next to nothing."""
    x = rng.integers(1, 1_200_000, COUNT) * (math.pi / 4)
    return np.nextafter(x, rng.choice([-INF, INF], COUNT)) * rng.choice([-1.0, 1.0], COUNT)


def turns_and_powers(rng):
    """Large multiples of pi, and the doubles nearest to a multiple of pi / 2 of all."""
    x = rng.integers(1, 2**40, COUNT) * math.pi * 2.0 ** rng.integers(20, 900, COUNT)
    x[:4] = [6381956970095103.0 * 2.0**797, -6381956970095103.0 * 2.0**797, 1e22, MAX]
    return x


def beside_halves(rng):
    x = 0.5 * rng.integers(1, 2000, COUNT)
    return x + np.spacing(x) * rng.integers(1, 9, COUNT) * rng.choice([-1, 1], COUNT)


def beside_roots(rng):
    """Neighbours of 1, 2 and 1.46, where functions of the gamma family pass through 0."""
    return rng.choice([1.0, 1.4616321449683622, 2.0], COUNT) + both(size(1e-15, 0.3))(rng)


def beside_one(rng):
    return 1.0 + rng.normal(size=COUNT) * 10.0 ** rng.uniform(-15, -1, COUNT)


def below_one(rng):
    return 1.0 - size(1e-15, 1.0)(rng)


MIDDLE = both(size(1e-20, 30.0))
ALL = both(size(1e-320, 1e308))
SMALL = both(size(1e-320, 0.9))
POSITIVE = [size(1e-320, 1.7e308), near(0.5, 2.0), beside_one]
CIRCLE = [near(-1e6, 1e6), near(-4.0, 4.0), both(size(1e-12, 1e6)), SMALL, beside_quarters]
FAR = [both(size(1e6, 1.7e308)), turns_and_powers]


def logistic(x):
    e = np.exp(-abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def soft(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def mp_soft(x):
    return mpmath.log1p(mpmath.exp(x)) if x < 800 else x


# name, the most it may be off in ulp, NumPy's function for extended precision, mpmath's, samples
FUNCTIONS = [
    ("exp", 1.0, np.exp, mpmath.exp, [near(-746, 709.78), near(-1, 1), SMALL]),
    ("exp2", 1.0, np.exp2, lambda x: mpmath.mpf(2) ** x, [near(-1075, 1023.9), near(-1, 1), SMALL]),
    ("expm1", 1.2, np.expm1, mpmath.expm1, [near(-40, 709.78), near(-1.1, 1.1), MIDDLE, SMALL]),
    ("sinh", 1.5, np.sinh, mpmath.sinh, [near(-710.47, 710.47), near(-3, 3), MIDDLE, SMALL]),
    ("cosh", 1.2, np.cosh, mpmath.cosh, [near(-710.47, 710.47), near(-3, 3), MIDDLE]),
    ("tanh", 1.6, np.tanh, mpmath.tanh, [near(-22, 22), near(-1, 1), MIDDLE, ALL]),
    ("sech2", 2.8, None, lambda x: mpmath.sech(x) ** 2, [near(-372, 372), near(-3, 3), MIDDLE, SMALL]),
    ("expit", 1.9, logistic, lambda x: 1 / (1 + mpmath.exp(-x)), [near(-745, 40), near(-4, 4), MIDDLE]),
    ("softplus", 1.6, soft, mp_soft, [near(-745, 40), near(-4, 4), ALL]),
    ("log", 0.9, np.log, mpmath.log, POSITIVE),
    ("log2", 0.8, np.log2, lambda x: mpmath.log(x) / mpmath.log(2), POSITIVE),
    ("log10", 0.8, np.log10, mpmath.log10, POSITIVE),
    ("log1p", 0.9, np.log1p, mpmath.log1p, [size(1e-320, 1.7e308), near(-1, 4), SMALL, lambda rng: size(1e-16, 1)(rng) - 1]),
    ("sin_near", 0.9, np.sin, mpmath.sin, CIRCLE),
    ("cos_near", 0.9, np.cos, mpmath.cos, CIRCLE),
    ("tan_near", 1.6, np.tan, mpmath.tan, CIRCLE),
    ("sin", 0.9, np.sin, mpmath.sin, FAR),
    ("cos", 0.9, np.cos, mpmath.cos, FAR),
    ("tan", 1.6, np.tan, mpmath.tan, FAR),
    ("arctan", 1.3, np.arctan, mpmath.atan, [near(-4, 4), near(0.4, 0.5), MIDDLE, ALL]),
    ("arcsin", 1.2, np.arcsin, mpmath.asin, [near(-1, 1), SMALL, below_one]),
    ("arccos", 1.2, np.arccos, mpmath.acos, [near(-1, 1), SMALL, below_one]),
    ("arcsinh", 1.4, np.arcsinh, mpmath.asinh, [near(-4, 4), MIDDLE, ALL]),
    ("arccosh", 1.8, np.arccosh, mpmath.acosh, [near(1, 4), size(1, 1.7e308), lambda rng: 1 + size(1e-15, 1.0)(rng)]),
    ("arctanh", 1.6, np.arctanh, mpmath.atanh, [near(-1, 1), SMALL, below_one]),
    ("cbrt", 1.0, np.cbrt, mpmath.cbrt, [size(1e-320, 1.7e308), near(0.5, 9.0)]),
    ("erf", 1.5, None, mpmath.erf, [near(-6, 6), near(0.45, 1.5), SMALL]),
    ("erfc", 1.9, None, mpmath.erfc, [near(-6, 27.3), near(0.45, 1.5), near(20, 27.3), SMALL]),
    ("ndtr", 1.8, None, lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2, [near(-37.5, 8), near(-1.5, 1.5), SMALL]),
    ("log_ndtr", 2.0, None, oracles.log_ndtr, [near(-38, 37.5), near(-1.5, 1.5), SMALL, lambda rng: -size(1, 1e154)(rng)]),
    (
        "log_ndtr_dx",
        1.6,
        None,
        oracles.log_ndtr_dx,
        [near(-38, 37.5), near(-1.5, 1.5), SMALL, lambda rng: -size(1, 1e300)(rng)],
    ),
    ("sinc", 1.9, None, mpmath.sincpi, [near(-6, 6), near(-0.6, 0.6), SMALL, both(size(1, 1e15)), beside_halves]),
]
GAMMA = [near(0, 1), near(1, 3), near(3, 30), size(1e-307, 1e305), beside_roots]
FUNCTIONS += [
    ("gammaln", 1.5, None, mpmath.loggamma, GAMMA),
    ("digamma", 1.7, None, mpmath.digamma, GAMMA),
    ("trigamma", 1.7, None, lambda x: mpmath.psi(1, x), GAMMA),
]
NAMES = [row[0] for row in FUNCTIONS]
WIDE = [row for row in FUNCTIONS if row[2]]
PAIRS = [
    ("power", 1.0, np.power, lambda x, y: x**y),
    ("hypot", 1.3, np.hypot, lambda x, y: mpmath.sqrt(x * x + y * y)),
    ("arctan2", 1.6, np.arctan2, mpmath.atan2),
]
# Exact, and what NumPy and Python say too.
REMAINDERS = {"fmod": np.fmod, "mod": np.mod, "floor_divide": np.vectorize(lambda x, y: np.float64(x) // np.float64(y))}
PAIR_NAMES = [row[0] for row in PAIRS]
EXTENDED = np.finfo(np.longdouble).nmant >= 63 and np.finfo(np.longdouble).nmant != 105


def pairs(name, rng):
    """Points at which a function of two arguments is finite."""
    x = np.concatenate([size(0.1, 10.0)(rng), size(1e-320, 1e308)(rng), beside_one(rng), near(0.7, 1.45)(rng)])
    if name in REMAINDERS:
        y = x * np.concatenate([size(low, 1.0)(rng) for low in (1e-3, 1e-9, 1e-17, 1e-300)]) * rng.choice([-1, 1], len(x))
        with np.errstate(all="ignore"):
            beside = np.nextafter(np.rint(x / y) * y, rng.choice([-INF, INF], len(x)))
        return np.where((rng.random(len(x)) < 0.5) | (abs(beside) == INF), x, beside), y
    if name == "arctan2":
        with np.errstate(over="ignore"):
            y = np.clip(x * np.exp(rng.choice([0.01, 1.0, 20.0], len(x)) * rng.normal(size=len(x))), TINY, MAX)
        return x * rng.choice([-1, 1], len(x)), y * rng.choice([-1, 1], len(x))
    if name == "hypot":
        return x, x * np.exp(rng.uniform(-8, 0, len(x)))
    x[x == 1.0] = 1.5
    logs = np.log(x)
    y = np.where(rng.random(len(x)) < 0.5, rng.uniform(-744, 709, len(x)) / logs, rng.normal(size=len(x)) * 3)
    return x, np.where((abs(y * logs) < 744) & (y * logs < 709.7), y, 0.5)


def distance(got, true):
    """How far from extended or multiple precision, in units of the last place of the true value."""
    finite = np.isfinite(true.astype(float)) & (true != 0)
    assert np.isfinite(got[finite]).all()
    return np.max(abs(got[finite] - true[finite]) / np.spacing(abs(true[finite].astype(float))))


@pytest.mark.jit_only
@pytest.mark.skipif(not EXTENDED, reason="long double is no wider than double here")
@pytest.mark.parametrize(("name", "bound", "wide", "_", "samples"), WIDE, ids=[row[0] for row in WIDE])
def test_close_to_extended_precision_at_many_points(name, bound, wide, _, samples, rng):
    for sample in samples:
        x = sample(rng)
        with np.errstate(all="ignore"):
            assert distance(values(name, x), wide(x.astype(np.longdouble))) <= bound


@pytest.mark.parametrize(("name", "bound", "wide", "exact", "samples"), FUNCTIONS, ids=NAMES)
def test_close_to_mpmath(name, bound, wide, exact, samples, rng):
    count = 1500 if wide is None and JIT else 500 if JIT else 5
    x = np.concatenate([rng.choice(sample(rng), count) for sample in samples])
    with mpmath.workdps(400 if "n" in name[1:3] and samples is FAR else 60):
        true = [exact(mpmath.mpf(float(v))) for v in x]
        got = values(name, x)
        for at, v, t in zip(x, got, true, strict=True):
            if math.isfinite(float(t)):
                assert abs(v - t) <= bound * mpmath.mpf(math.ulp(float(t))), f"{name}({at!r}) = {v!r}, not {t}"


@pytest.mark.parametrize(("name", "bound", "wide", "exact"), PAIRS, ids=PAIR_NAMES)
def test_two_arguments_close(name, bound, wide, exact, rng):
    x, y = pairs(name, rng)
    if JIT and EXTENDED:
        assert distance(values(name, x, y), wide(x.astype(np.longdouble), y.astype(np.longdouble))) <= bound
    some = rng.choice(len(x), 2000 if JIT else 20)
    with mpmath.workdps(60):
        for a, b, v in zip(x[some], y[some], values(name, x[some], y[some]), strict=True):
            t = exact(mpmath.mpf(float(a)), mpmath.mpf(float(b)))
            assert abs(v - t) <= bound * mpmath.mpf(math.ulp(float(t))), f"{name}({a!r}, {b!r}) = {v!r}, not {t}"


@pytest.mark.parametrize("y", range(-31, 32))
def test_whole_powers(y, rng):
    count, far = (400, 1100) if JIT else (5, 1000)
    with np.errstate(over="ignore"):
        x = 2.0 ** (rng.uniform(-1074, far, count) * (1 if y >= 0 else -1) / max(abs(y), 1))
    x = np.concatenate([np.clip(x, 5e-324, 1e308), rng.uniform(0.5, 2.0, count)]) * rng.choice([-1, 1], 2 * count)
    got = values("power", x, np.full(len(x), float(y)))
    with mpmath.workprec(200):
        for a, v in zip(x, got, strict=True):
            t = mpmath.mpf(float(a)) ** y
            if not math.isfinite(v):
                assert v == float(t)
                continue
            # near subnormals the rounding errors that are carried along vanish
            bound = 1.3 if abs(t) < 1e-290 else 0.6
            assert abs(v - t) <= bound * mpmath.mpf(math.ulp(float(t))), f"{a!r} ** {y} = {v!r}, not {t}"


def test_a_block_of_whole_and_other_powers_is_each_of_them(rng):
    exponents = np.array([2.5, 3.0, -7.0, 0.0, 31.0, 32.0, -0.5, 1e300, np.inf, 5.0, -31.0, 12.0])
    is_whole = (abs(exponents) <= 31.0) & (exponents == np.floor(exponents))
    for x in [*rng.uniform(-3.0, 3.0, 4), 0.0, -0.0, 1e200, -1e-90, np.inf, -np.inf, np.nan]:
        block = values("power", np.full(len(exponents), x), exponents)
        with np.errstate(all="ignore"):
            assert same(block, [PASTED["power"](x, y) for y in exponents])
            # the loops of the kernels for blocks: of any exponents, of whole ones alone, of others alone
            for these in (is_whole | True, is_whole, ~is_whole):
                some = np.tile(exponents[these], 10)  # a few would run one by one
                program = jt.record(lambda x, y: np.power(x, y), np.full(len(some), x), some)
                assert same(program(np.full(len(some), x), some), np.tile(block[these], 10))
        assert same(values("whole_power", np.full(np.sum(is_whole), x), exponents[is_whole]), block[is_whole])
        assert same(values("power_near", np.full(np.sum(~is_whole), x), exponents[~is_whole]), block[~is_whole])


@pytest.mark.parametrize("y", [0.0, 1.0, 2.5, -2.5, 5.0, -0.5, 31.0, 100.0])
def test_partials_of_powers_that_overflow_or_vanish(y):
    """In a block: v / x where that is in range, as it is for most elements, and else a power of its own."""
    x = np.tile([0.0, 1e150, 1e-150, 1e100, 1e-100, 3.0, 1e-300, 1e200, 0.7, 1e-20, 1e30, 5e-324], 10)
    gradient = jt.grad(lambda x, y: np.sum(np.power(x, y)))(x, np.full(len(x), y))
    for a, slope in zip(x, gradient, strict=True):
        with mpmath.workdps(40):
            exact = y * mpmath.mpf(float(a)) ** (y - 1) if a or y >= 1.0 else mpmath.inf * y if y else mpmath.mpf(0)
        if y == 1.0 or exact == 0:
            assert slope == float(exact)
        else:
            assert slope == pytest.approx(float(exact), rel=1e-13, abs=1e-322)


@pytest.mark.parametrize("name", REMAINDERS)
def test_remainders_are_exact(name, rng):
    x, y = pairs(name, rng)
    with np.errstate(all="ignore"):
        got, true = values(name, x, y), REMAINDERS[name](x, y)
    assert same(got, true)


@pytest.mark.parametrize("power", [0.0, 20.0])
def test_the_derivative_of_sinc(power, rng):
    """It is a difference that vanishes once between whole numbers: its error is that of 1 / x, below 1/2 its own."""
    x = np.exp(rng.uniform(-power, 2.0, 2000 if JIT else 20))
    with mpmath.workdps(60):
        for at, d in zip(x, values("sinc_dx", x, values("sinc", x)), strict=True):
            true = oracles.sinc_dx(mpmath.mpf(float(at)))
            assert abs(d - true) <= (1.2 * math.ulp(float(true)) if at < 0.5 else 4.5e-16 / at), at


SPECIAL = {
    "exp": [
        (0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (709.782712893384, 1.7976931348622732e308),
        (709.7827128933841, INF), (-745.1332191019411, TINY), (-745.1332191019412, 0.0), (MAX, INF), (-MAX, 0.0),
        (1.0, math.e), (TINY, 1.0),
    ],
    "exp2": [
        (0.0, 1.0), (INF, INF), (-INF, 0.0), (1024.0, INF), (1023.0, 2.0**1023), (-1074.0, TINY), (-1075.0, 0.0), (MAX, INF),
    ],
    "expm1": [
        (0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (-TINY, -TINY), (INF, INF), (-INF, -1.0), (709.7827128933841, INF),
        (-MAX, -1.0),
    ],
    "sinh": [
        (0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (INF, INF), (-INF, -INF), (710.4758600739439, 1.7976931348621744e308),
        (711.0, INF),
    ],
    "cosh": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (711.0, INF), (TINY, 1.0)],
    "sech2": [(0.0, 1.0), (-0.0, 1.0), (TINY, 1.0), (INF, 0.0), (-INF, 0.0), (400.0, 0.0), (MAX, 0.0)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (-TINY, -TINY), (INF, 1.0), (-INF, -1.0), (20.0, 1.0), (-MAX, -1.0)],
    "expit": [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (-746.0, 0.0), (-745.0, TINY), (40.0, 1.0)],
    "softplus": [(INF, INF), (-INF, 0.0), (0.0, math.log(2)), (-745.0, TINY), (MAX, MAX)],
    "log": [
        (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN), (-TINY, NAN),
        (TINY, -744.4400719213812),
    ],
    "log2": [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN), (TINY, -1074.0), (MAX, 1024.0)],
    "log10": [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN), (TINY, -323.3062153431158)],
    "log1p": [
        (0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (-TINY, -TINY), (-1.0, -INF), (INF, INF), (-1.5, NAN), (-INF, NAN),
        (MAX, 709.782712893384),
    ],
    "sin_near": [(0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (INF, NAN), (-INF, NAN), (math.pi, 1.2246467991473532e-16)],
    "cos_near": [(0.0, 1.0), (-0.0, 1.0), (TINY, 1.0), (INF, NAN), (math.pi / 2, 6.123233995736766e-17), (math.pi, -1.0)],
    "tan_near": [(0.0, 0.0), (-0.0, -0.0), (-TINY, -TINY), (INF, NAN), (-INF, NAN)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (1e22, -0.8522008497671888), (MAX, 0.004961954789184062)],
    "cos": [(0.0, 1.0), (INF, NAN), (-INF, NAN), (MAX, -0.9999876894265599), (-MAX, -0.9999876894265599)],
    "tan": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)],
    "arctan": [
        (0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (INF, math.pi / 2), (-INF, -math.pi / 2), (1.0, math.pi / 4),
        (MAX, math.pi / 2),
    ],
    "arcsin": [
        (0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (1.0, math.pi / 2), (-1.0, -math.pi / 2), (1.1, NAN), (-1.1, NAN), (INF, NAN),
    ],
    "arccos": [
        (0.0, math.pi / 2), (-0.0, math.pi / 2), (1.0, 0.0), (-1.0, math.pi), (1.1, NAN), (-1.1, NAN), (INF, NAN), (-INF, NAN),
    ],
    "arcsinh": [(0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (INF, INF), (-INF, -INF), (MAX, 710.4758600739439)],
    "arccosh": [(1.0, 0.0), (0.5, NAN), (0.0, NAN), (-5.0, NAN), (-INF, NAN), (INF, INF), (MAX, 710.4758600739439)],
    "arctanh": [
        (0.0, 0.0), (-0.0, -0.0), (-TINY, -TINY), (1.0, INF), (-1.0, -INF), (1.1, NAN), (-2.0, NAN), (INF, NAN), (-INF, NAN),
    ],
    "cbrt": [
        (0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (27.0, 3.0), (-8.0, -2.0), (1.0, 1.0),
        (TINY, 1.7031839360032603e-108),
    ],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (INF, 1.0), (-INF, -1.0), (6.0, 1.0), (-MAX, -1.0)],
    "erfc": [(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (MAX, 0.0), (-MAX, 2.0), (28.0, 0.0)],
    "ndtr": [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (MAX, 1.0), (-MAX, 0.0), (-39.0, 0.0), (9.0, 1.0)],
    "log_ndtr": [
        (0.0, -math.log(2)), (-0.0, -math.log(2)), (INF, -0.0), (-INF, -INF), (MAX, -0.0), (-MAX, -INF), (40.0, -0.0),
        (-1e154, -5e307),
    ],
    "log_ndtr_dx": [(INF, 0.0), (-INF, INF), (MAX, 0.0), (-MAX, MAX), (-1e308, 1e308), (40.0, 0.0)],
    "gammaln": [
        (0.0, INF), (-0.0, INF), (1.0, 0.0), (2.0, 0.0), (3.0, math.log(2)), (INF, INF), (-INF, INF), (-1.0, INF), (-MAX, INF),
        (MAX, INF), (2.5599833278516389e305, INF),
    ],
    "digamma": [(0.0, NAN), (-0.0, NAN), (INF, INF), (-INF, NAN), (-1.0, NAN), (-MAX, NAN), (MAX, math.log(MAX))],
    "trigamma": [(0.0, INF), (-0.0, INF), (INF, 0.0), (-INF, NAN), (-1.0, INF), (-MAX, INF), (1e-160, INF), (MAX, 1 / MAX)],
    "sinc": [(0.0, 1.0), (-0.0, 1.0), (TINY, 1.0), (INF, 0.0), (-INF, 0.0), (1.0, -0.0), (2.0, 0.0), (-1.0, 0.0), (MAX, 0.0)],
}  # fmt: skip


def same(a, b):
    """Equal numbers with equal signs, or both NaN."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return np.all(((a == b) & (np.signbit(a) == np.signbit(b))) | ((a != a) & (b != b)))


@pytest.mark.parametrize("name", NAMES)
def test_special_values(name):
    x, true = map(np.array, zip(*SPECIAL[name], (NAN, NAN), strict=True))
    got = values(name, x)
    for at, v, t in zip(x, got, true, strict=True):
        assert same(v, t), f"{name}({at!r}) = {v!r}, not {t!r}"


POINTS = [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, INF, -INF, NAN, TINY, -TINY, 1e308, -1e308, 2.5, 2.0**53, 1 - 2.0**53]


@pytest.mark.parametrize("name", [*PAIR_NAMES, *REMAINDERS])
def test_special_pairs(name):
    x, y = map(np.ravel, np.meshgrid(POINTS, POINTS))
    with np.errstate(all="ignore"):
        true = REMAINDERS.get(name, getattr(np, name))(x, y)
    got = values(name, x, y)
    for a, b, v, t in zip(x, y, got, true, strict=True):
        assert same(v, t) or abs(v - t) <= 2 * np.spacing(abs(t)), f"{name}({a!r}, {b!r}) = {v!r}, not {t!r}"


def test_exact_where_the_answer_is_a_number():
    whole = np.arange(-1074.0, 1024.0)
    assert (values("exp2", whole) == np.ldexp(1.0, whole.astype(int))).all()
    assert (values("log2", np.ldexp(1.0, whole.astype(int))) == whole).all()
    tens = np.arange(23.0)
    assert (values("log10", 10.0**tens) == tens).all()
    bases, powers = map(np.ravel, np.meshgrid(np.arange(-20.0, 21.0), np.arange(0.0, 12.0)))
    assert same(values("power", bases, powers), [float(int(b) ** int(p)) for b, p in zip(bases, powers, strict=True)])
    scale = 2.0 ** np.array([0.0, -700.0, 900.0, 1.0])
    assert (values("hypot", 3.0 * scale, 4.0 * scale) == 5.0 * scale).all()


@pytest.mark.parametrize(
    "name",
    ["expm1", "log1p", "log", "exp", "tanh", "expit", "softplus", "sinh", "erf", "erfc", "ndtr", "log_ndtr", "arctan", "cbrt"],
)
def test_monotone(name):
    low, high = {"log": (1e-3, 5.0), "log1p": (-0.999, 5.0)}.get(name, (-5.0, 5.0))
    steps = np.diff(values(name, np.linspace(low, high, COUNT)))
    assert (steps <= 0 if name == "erfc" else steps >= 0).all()


@pytest.mark.parametrize(
    "name", ["sinh", "tanh", "sin_near", "tan_near", "sin", "tan", "arctan", "arcsin", "arcsinh", "arctanh", "cbrt", "erf"]
)
def test_odd(name, rng):
    x = both(size(1e-300, 1e6 if name.endswith("near") else 1e300))(rng)
    assert same(values(name, -x), -values(name, x))


@pytest.mark.parametrize("name", ["cosh", "sech2", "cos_near", "cos"])
def test_even(name, rng):
    x = both(size(1e-300, 1e6 if name.endswith("near") else 1e300))(rng)
    assert same(values(name, -x), values(name, x))


@pytest.mark.jit_only
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_near_is_the_same_as_everywhere(name, rng):
    x = np.append(near(-1e6, 1e6)(rng), [1e6, -1e6])
    assert same(values(name, x), values(f"{name}_near", x))


@pytest.mark.parametrize("name", ["gammaln", "digamma", "trigamma"])
def test_gamma_functions_left_of_0(name, rng):
    """They pass through 0 between the poles: their error is that of the terms."""
    x = np.concatenate([-size(1e-12, 20.0)(rng), rng.integers(-30, 0, COUNT) + both(size(1e-10, 0.5))(rng)])
    x = x[(x < 0.0) & (x != np.floor(x))]
    x = rng.choice(x, 2000 if JIT else 20)
    exact = {row[0]: row[3] for row in FUNCTIONS}[name]
    with mpmath.workdps(60):
        for at, v in zip(x, values(name, x), strict=True):
            t = mpmath.re(exact(mpmath.mpf(float(at))))
            assert abs(v - t) <= 1e-15 * abs(t) + 2e-14, f"{name}({at!r}) = {v!r}, not {t}"


@pytest.mark.jit_only
@pytest.mark.parametrize("name", ["gammaln", "digamma", "trigamma"])
def test_near_is_the_same_as_everywhere_right_of_0(name, rng):
    x = np.append(np.concatenate([sample(rng) for sample in GAMMA]), [TINY, INF, NAN])
    assert same(values(name, x), values(f"{name}_near", x))


@pytest.mark.jit_only
@pytest.mark.parametrize("name", REMAINDERS)
def test_near_is_the_same_as_everywhere_for_pairs(name, rng):
    x, y = (np.append(v, w) for v, w in zip(pairs(name, rng), np.meshgrid(POINTS, POINTS), strict=True))
    with np.errstate(all="ignore"):
        is_near = ~(abs(x) > 2.0**25 * abs(y))
    x, y = x[is_near], y[is_near]
    assert len(x) > 2 * COUNT
    assert same(values(name, x, y), values(f"{name}_near", x, y))


def fma(x, y, z):
    """x * y + z as the kernels compute it: rounded once, where the processor can."""
    if not (kernels.HAS_FMA and math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        return x * y + z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    try:
        return np.float64(exact) if exact else np.float64(x * y + z)
    except OverflowError:
        return np.float64(INF if exact > 0 else -INF)


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_single_instructions_have_the_same_bits(name, rng):
    samples = next(row[4] for row in FUNCTIONS if row[0] == name)
    x = np.concatenate([*(rng.choice(sample(rng), 400 if JIT else 5) for sample in samples), POINTS])
    assert same(values(name, x), values(f"{name}_alone", x))


IN_PYTHON = {**{name: value for name, value in vars(vectormath).items() if name not in PLAIN}, "fma": fma}
exec("\n\n".join(map(codegen.pasted, PLAIN.values())), IN_PYTHON)


@pytest.mark.jit_only
@pytest.mark.parametrize(("name", "samples"), [(row[0], row[4]) for row in FUNCTIONS], ids=NAMES)
def test_plain_python_has_the_same_bits(name, samples, rng):
    x = np.concatenate([rng.choice(sample(rng), 400) for sample in samples] + [[p for p, _ in SPECIAL[name]]])
    with np.errstate(all="ignore"):
        plain = [IN_PYTHON[name](float(v)) for v in x]
    assert same(values(name, x), plain)


@pytest.mark.jit_only
@pytest.mark.parametrize("name", [*PAIR_NAMES, *REMAINDERS, "sinc_dx"])
def test_plain_python_has_the_same_bits_for_pairs(name, rng):
    x, y = pairs("arctan2" if name == "sinc_dx" else name, rng)
    some = rng.choice(len(x), 1000)
    x, y = (np.concatenate([v[some], w.ravel()]) for v, w in zip((x, y), np.meshgrid(POINTS, POINTS), strict=True))
    with np.errstate(all="ignore"):
        plain = [IN_PYTHON[name](float(a), float(b)) for a, b in zip(x, y, strict=True)]
    assert same(values(name, x, y), plain)


EVERYWHERE = {*NAMES, *PAIR_NAMES, *REMAINDERS, "sinc_dx"}
VECTORS = sorted(f"{name}_near" if f"{name}_near" in PLAIN else name for name in EVERYWHERE)


@pytest.mark.jit_only
@pytest.mark.parametrize("name", VECTORS)
def test_loops_are_vector_loops(name):
    values(name, np.ones(2))
    (text,) = loop(name).inspect_llvm().values()
    assert re.search(r"f(mul|add) <\d+ x double>", text)
