"""Independent oracles: the value and the partials of every operation in 50-digit arithmetic, and the check of one edge row.

Nothing here is derived from the op table. Values are mpmath's, or the definition in Python where an operation is exact; partials
are mpmath's numerical derivatives of those, or the definition where an operation has kinks.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import mpmath
from mpmath import mp, mpf

DIGITS = 50
inf, nan = math.inf, math.nan


class Oracle(NamedTuple):
    """The value as a function of the operands, and one partial per operand."""

    value: Callable
    partials: tuple[Callable, ...]


def derivative(f, x):
    """A numerical derivative; its error is absolute, so a small one is computed again with more digits."""
    d = mp.diff(f, x)
    if abs(d) > 1e-20:
        return d
    with mp.workdps(450):
        return mp.diff(f, x)


def smooth(value, arity=1):
    """An operation whose partials are numerical derivatives."""
    if arity == 1:
        return Oracle(value, (lambda x: derivative(value, x),))
    return Oracle(
        value,
        (lambda x, y: derivative(lambda x: value(x, y), x), lambda x, y: derivative(lambda y: value(x, y), y)),
    )


def flat(value, arity=1):
    """An operation whose partials are 0 everywhere."""
    return Oracle(value, (lambda *_: 0.0,) * arity)


def truth(test):
    """A comparison or logical operation of Python's."""
    return flat(lambda *args: 1.0 if test(*map(float, args)) else 0.0, test.__code__.co_argcount)


def floor_of_quotient(x, y):
    return mp.floor(x / y)


def toward_zero(x):
    return mp.floor(x) if x > 0 else mp.ceil(x)


def shares(better):
    """Partials of a choice of two: 1 to the better one, half to each of two equals."""
    return (
        lambda x, y: mpf(better(x, y)) if x != y else mpf("0.5"),
        lambda x, y: mpf(better(y, x)) if x != y else mpf("0.5"),
    )


def lgamma(x):
    """log|gamma|: the real part, which mpmath continues into the complex plane."""
    return mp.re(mp.loggamma(x))


def scaled_bessel(n):
    return lambda x: mp.besseli(n, x) * mp.exp(-abs(x))


def log_ndtr(x):
    """From the complementary error function of either side, and far to the left from the asymptotic series."""
    if x < -200:
        return -x * x / 2 + mp.log(mills(-x) / mp.sqrt(2 * mp.pi))
    return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2) if x > 0 else mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def mills(t):
    """The upper tail over the density for a large t, by its asymptotic series."""
    return mp.fsum((-1) ** k * mp.fac2(2 * k - 1) / mpf(t) ** (2 * k + 1) for k in range(30))


def log_ndtr_dx(x):
    """The density over the distribution function."""
    return 1 / mills(-x) if x < -200 else mp.npdf(x) / (mp.erfc(-x / mp.sqrt(2)) / 2)


def sinc_dx(x):
    """Near 0 minus a spherical Bessel function, which does not cancel there."""
    if abs(x) >= 1:
        return (mp.cospi(x) - mp.sincpi(x)) / x
    t = mp.pi * abs(x)
    return -mp.sign(x) * mp.pi * mp.sqrt(mp.pi / (2 * t)) * mp.besselj(1.5, t) if x else mpf(0)


def xlog(log):
    """X times a logarithm of y, 0 at x = 0."""
    return Oracle(
        lambda x, y: mpf(0) if x == 0 else x * log(y),
        (lambda x, y: log(y), lambda x, y: x * mp.diff(log, y)),
    )


def selects(first):
    """X or y, by a test of both that says whether it is x; away from ties."""
    return lambda x, y: x if first(x, y) else y


ORACLES = {
    "add": smooth(lambda x, y: x + y, 2),
    "subtract": smooth(lambda x, y: x - y, 2),
    "multiply": smooth(lambda x, y: x * y, 2),
    "divide": smooth(lambda x, y: x / y, 2),
    "power": smooth(lambda x, y: x**y, 2),
    "mod": Oracle(
        lambda x, y: x - y * floor_of_quotient(x, y),
        (lambda x, y: mpf(1), lambda x, y: -floor_of_quotient(x, y)),
    ),
    "fmod": Oracle(
        lambda x, y: x - y * toward_zero(x / y),
        (lambda x, y: mpf(1), lambda x, y: -toward_zero(x / y)),
    ),
    "floor_divide": flat(floor_of_quotient, 2),
    "negative": smooth(lambda x: -x),
    "reciprocal": smooth(lambda x: 1 / x),
    "square": smooth(lambda x: x**2),
    "cube": smooth(lambda x: x**3),
    "fourth": smooth(lambda x: x**4),
    "inverse_square": smooth(lambda x: x**-2),
    "sqrt": smooth(mp.sqrt),
    "cbrt": smooth(lambda x: mp.cbrt(x) if x > 0 else -mp.cbrt(-x)),
    "abs": Oracle(mp.fabs, (mp.sign,)),
    "sign": flat(mp.sign),
    "floor": flat(mp.floor),
    "ceil": flat(mp.ceil),
    "trunc": flat(toward_zero),
    "rint": flat(mp.nint),
    "relu": Oracle(lambda x: x if not x <= 0 else mpf(0), (lambda x: x if mp.isnan(x) else mpf(x > 0),)),
    "maximum": Oracle(selects(lambda x, y: x > y), shares(lambda a, b: a > b)),
    "minimum": Oracle(selects(lambda x, y: x < y), shares(lambda a, b: a < b)),
    "fmax": Oracle(selects(lambda x, y: x > y), shares(lambda a, b: a > b)),
    "fmin": Oracle(selects(lambda x, y: x < y), shares(lambda a, b: a < b)),
    "clip_low": Oracle(selects(lambda x, y: x > y), (lambda x, y: mpf(x > y), lambda x, y: mpf(not x > y))),
    "clip_high": Oracle(selects(lambda x, y: x < y), (lambda x, y: mpf(x < y), lambda x, y: mpf(not x < y))),
    "copysign": Oracle(
        lambda x, y: mp.fabs(x) * (1 if y >= 0 else -1),
        (lambda x, y: mp.sign(x) * (1 if y >= 0 else -1), lambda x, y: mpf(0)),
    ),
    "gate": Oracle(lambda x, y: y if x else mpf(0), (lambda x, y: mpf(0), lambda x, y: mpf(bool(x)))),
    "gate_not": Oracle(lambda x, y: mpf(0) if x else y, (lambda x, y: mpf(0), lambda x, y: mpf(not x))),
    "exp": smooth(mp.exp),
    "exp2": smooth(lambda x: mpf(2) ** x),
    "expm1": smooth(mp.expm1),
    "log": smooth(mp.log),
    "log2": smooth(lambda x: mp.log(x) / mp.log(2)),
    "log10": smooth(lambda x: mp.log(x) / mp.log(10)),
    "log1p": smooth(mp.log1p),
    "logaddexp": smooth(lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), 2),
    "xlogy": xlog(mp.log),
    "xlog1py": xlog(mp.log1p),
    "expit": smooth(lambda x: 1 / (1 + mp.exp(-x))),
    "log_expit": smooth(lambda x: -mp.log1p(mp.exp(-x))),
    "softplus": smooth(lambda x: mp.log1p(mp.exp(x))),
    "sin": smooth(mp.sin),
    "cos": smooth(mp.cos),
    "tan": smooth(mp.tan),
    "arcsin": smooth(mp.asin),
    "arccos": smooth(mp.acos),
    "arctan": smooth(mp.atan),
    "arctan2": Oracle(mp.atan2, (lambda x, y: y / (x * x + y * y), lambda x, y: -x / (x * x + y * y))),
    "sinh": smooth(mp.sinh),
    "cosh": smooth(mp.cosh),
    "tanh": smooth(mp.tanh),
    "arcsinh": smooth(mp.asinh),
    "arccosh": smooth(mp.acosh),
    "arctanh": smooth(mp.atanh),
    "hypot": smooth(lambda x, y: mp.sqrt(x**2 + y**2), 2),
    "sinc": Oracle(mp.sincpi, (sinc_dx,)),
    "erf": smooth(mp.erf),
    "erfc": smooth(mp.erfc),
    "ndtr": smooth(lambda x: mp.erfc(-x / mp.sqrt(2)) / 2),
    "log_ndtr": Oracle(log_ndtr, (log_ndtr_dx,)),
    "gammaln": Oracle(lgamma, (mp.digamma,)),
    "digamma": Oracle(mp.digamma, (lambda x: mp.psi(1, x),)),
    "less": truth(lambda x, y: x < y),
    "less_equal": truth(lambda x, y: x <= y),
    "greater": truth(lambda x, y: x > y),
    "greater_equal": truth(lambda x, y: x >= y),
    "equal": truth(lambda x, y: x == y),
    "not_equal": truth(lambda x, y: x != y),
    "logical_and": truth(lambda x, y: bool(x) and bool(y)),
    "logical_or": truth(lambda x, y: bool(x) or bool(y)),
    "logical_xor": truth(lambda x, y: bool(x) is not bool(y)),
    "logical_not": truth(lambda x: not x),
    "isnan": truth(lambda x: math.isnan(x)),
    "isfinite": truth(lambda x: math.isfinite(x)),
    "isinf": truth(lambda x: math.isinf(x)),
    "copy": smooth(lambda x: +x),
    "with_gradient": Oracle(lambda x, y: x, (lambda x, y: mpf(0), lambda x, y: mpf(1))),
    "ndtri": Oracle(
        lambda x: -mp.sqrt(2) * mp.erfinv(1 - 2 * x), (lambda x: mp.sqrt(2 * mp.pi) * mp.exp(mp.erfinv(1 - 2 * x) ** 2),)
    ),
    "erfinv": Oracle(mp.erfinv, (lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(x) ** 2),)),
    "gamma": Oracle(mp.gamma, (lambda x: mp.gamma(x) * mp.digamma(x),)),
    "i0e": Oracle(scaled_bessel(0), (lambda x: scaled_bessel(1)(x) - mp.sign(x) * scaled_bessel(0)(x),)),
    "i1e": Oracle(
        scaled_bessel(1), (lambda x: scaled_bessel(0)(x) - (mp.sign(x) + 1 / x) * scaled_bessel(1)(x) if x else mpf("0.5"),)
    ),
}
"""One oracle per operation, by its name."""

_UNDEFINED = (ZeroDivisionError, ValueError, OverflowError, NotImplementedError, mpmath.libmp.NoConvergence, TypeError)


def _number(function, point):
    """The function at a point: an mpf; NaN where mpmath leaves the real line; None where it has no answer."""
    with mp.workdps(DIGITS):
        try:
            x = function(*map(mpf, point))
        except _UNDEFINED:
            return None
        if isinstance(x, mpmath.mpc):
            return mpf(nan)
        return mpf(x)


def value(name, point):
    """The value of an operation at a point, or None where the oracle has no answer."""
    return _number(ORACLES[name].value, point)


def partials(name, point):
    """The partials of an operation at a finite point, one number per operand; None for one without an answer."""
    return tuple(_number(d, point) for d in ORACLES[name].partials)


def ulps(got, expected):
    """The distance of a float from an exact number, in units of the last place of the nearest float."""
    nearest = float(expected)
    if got == nearest or (got != got and nearest != nearest):
        return 0.0
    if not (math.isfinite(got) and math.isfinite(nearest)):
        return inf
    return float(abs(mpf(got) - expected) / math.ulp(nearest))


def relative(got, expected):
    """The distance of a float from an exact number, relative to that number."""
    nearest = float(expected)
    if got == nearest or (got != got and nearest != nearest):
        return 0.0
    if not (math.isfinite(got) and math.isfinite(nearest)) or expected == 0:
        return inf
    return float(abs((mpf(got) - expected) / expected))


def _simple(x):
    """Whether a number is a short binary fraction, which every implementation must meet exactly."""
    return not math.isfinite(x) or x == 0.0 or (abs(x) < 1e6 and x * 16.0 == math.floor(x * 16.0))


def _meets(got, expected, tolerance):
    if expected != expected:
        return got != got
    if expected == 0.0:
        return got == 0.0 and (math.copysign(1.0, expected) > 0.0 or math.copysign(1.0, got) < 0.0)
    if _simple(expected):
        return got == expected
    return abs(got - expected) <= tolerance * math.ulp(expected)


def check_edge(edge, value, partials, tolerance=0):
    """Assert that a value and partials are those of a row of the convention table.

    NaN meets NaN, infinities and short binary fractions are exact, -0.0 asks for its sign and 0.0 does not; other numbers may
    be ``tolerance`` units in the last place away, for libraries that round differently.
    """
    got = (float(value), *map(float, partials))
    expected = (edge.value, *edge.partials)
    assert len(got) == len(expected), f"{edge.op}: {len(got) - 1} partials, not {len(expected) - 1}"
    names = ("value", "partial in x", "partial in y")
    wrong = [
        f"{name} is {g!r}, the table says {e!r}"
        for name, g, e in zip(names, got, expected, strict=False)
        if not _meets(g, e, tolerance)
    ]
    assert not wrong, f"{edge.op}{edge.point} ({edge.why}): " + "; ".join(wrong)
