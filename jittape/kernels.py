"""Every jitted function of the package, in one file: Numba's cache stamps only the file that holds a function.

The regions between markers are written by `codegen` from the op table and `vectormath`, where the reasons of its functions are; the
rest is by hand. Kernels take arrays that Python classes own, allocate nothing and raise nothing: they return a status.
"""

# <generated: imports>
# fmt: off
import functools
import os
import sys
import threading
import warnings
from itertools import pairwise
from math import inf, lgamma, nan
from types import FunctionType, SimpleNamespace

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import cfunc, config, njit, types
from numba.core.caching import FunctionCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import NumbaError
from numba.extending import intrinsic
from numpy import (
    ceil,
    copysign,
    float64,
    floor,
    int64,
    rint,
    sign,
    sqrt,
    trunc,
    uint64,
)

from . import cpython
from .errors import JitTapeCacheWarning
from .interrupts import lock, uninterrupted, wait_before_fork
from .ops import MATMUL
from .products import ADDS, FINDS, PICKS, SETS

LN2 = 0.6931471805599453
LOG2_E = 1.4426950408889634
LOG10_E = 0.4342944819032518
TWO_OVER_SQRT_PI = 1.1283791670955126
SQRT_HALF = 0.7071067811865476
INV_SQRT_TWO_PI = 0.3989422804014327
# fmt: on
# </generated>

# The status of a sweep that met no disagreeing guard.
DONE = -1
# What a sweep does; together they make a gradient.
FORWARD, PARTIALS, REVERSE, UNGUARDED = 1, 2, 4, 8
GRADIENT = FORWARD | PARTIALS | REVERSE
# Instructions per kernel call: between calls Ctrl-C is noticed. 4 million take about 40 ms.
CHUNK = 1 << 22

_CACHE = os.environ.get("JITTAPE_CACHE", "1") != "0"
# Nothing here is for the array expressions and constants that rewrites find; they take a twentieth of the compilation.
_OPTIONS = {"nogil": True, "error_model": "numpy", "no_rewrites": True}
_uncached: Exception | None = None
# What only other kernels call needs neither a cache of its own nor wrappers, which take a third of its compilation.
_INNER = _OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
helper = njit(**_INNER)
# What vector loops call: left to itself LLVM does not inline the longer functions, and the loop stays scalar.
inlined = njit(forceinline=True, **_INNER)
# Sums into one adjoint: vector loops, where LLVM may change their order. NaN and infinities are kept.
reordered = njit(forceinline=True, fastmath={"reassoc"}, **_INNER)


class Kernel:
    """A jitted function that a cache file it cannot read, whatever is wrong with it, does not break: it is compiled anew."""

    def __init__(self, compiled, options):
        self.compiled, self.options = compiled, options

    def __call__(self, *args):
        """Run it; the first call loads or compiles it."""
        if self.compiled.overloads:
            return self.compiled(*args)
        with uninterrupted():
            return self._first(*args)

    def _first(self, *args):
        try:
            return self.compiled(*args)
        except NumbaError:
            raise
        except Exception as error:  # whatever a truncated or foreign cache file raises while it is read
            if self.compiled.signatures:
                raise
            self.compiled = njit(**self.options)(self.compiled.py_func)
            _warn(error)
            return self.compiled(*args)

    def __getattr__(self, name):
        return getattr(self.compiled, name)


def jit(function=None, **options):
    """Compile on first call: IEEE errors, no GIL unless ``options`` say so, cached on disk where some folder can be written."""
    if function is None:
        return functools.partial(jit, **options)
    if config.DISABLE_JIT:
        return function
    options = _OPTIONS | options
    if _CACHE:
        try:
            return Kernel(njit(cache=True, **options)(function), options)
        except RuntimeError as error:  # Numba found no folder that it can write to
            global _uncached
            _uncached = error
    return Kernel(njit(**options)(function), options)


# <generated: special>
# fmt: off
@inlined
def exp_scaled(v, k):
    """v * 2**k for a whole k in -1100..1100, rounded once: in two steps, because 2**k may be out of range."""
    half = fma(k, 0.5, 6755399441055744.0)
    rest = k - (half - 6755399441055744.0) + 6755399441055744.0
    first = int64(float64(half).view(int64) + 1023 << 52).view(float64)
    second = int64(float64(rest).view(int64) + 1023 << 52).view(float64)
    return v * first * second


@inlined
def exp_tail(r):
    """(exp(r) - 1 - r) / r**2 for abs(r) <= log(2) / 2."""
    r2 = r * r
    r4 = r2 * r2
    a = fma(r, 0.1666666666666667, 0.5)
    b = fma(r, 0.008333333333326112, 0.041666666666666685)
    c = fma(r, 0.00019841269874904636, 0.0013888888888874352)
    d = fma(r, 2.755725529422524e-06, 2.480158734744942e-05)
    e = fma(r, fma(r, 2.0921625276615325e-09, 2.5105260922590062e-08), 2.755725280625021e-07)
    return fma(r4, fma(r4, e, fma(r2, d, c)), fma(r2, b, a))


@inlined
def exp_split(z, rest):
    """k, r and t with exp(z + rest) = 2**k (1 + r + t): whole, within log(2) / 2, and small beside r; for z within 800."""
    k = fma(z, 1.4426950408889634, 6755399441055744.0) - 6755399441055744.0
    high = fma(-k, 0.6931471803691238, z)
    low = fma(k, 1.9082149292705877e-10, -rest)
    r = high - low
    return (k, r, fma(r * r, exp_tail(r), high - r - low))


@inlined
def exp_sum(r, t):
    """1 + r + t, rounded nearly once."""
    c = 1.0 + r
    return c + (((1.0 - c) + r) + t)


@inlined
def exp(x):
    """e to the power x: x = k log(2) + r, a polynomial in r, times 2**k; at most 0.7 ulp, 1 where subnormal."""
    z = float64(x)
    k, r, t = exp_split(710.0 if z > 710.0 else -746.0 if z < -746.0 else z, 0.0)
    return exp_scaled(exp_sum(r, t), k)


@inlined
def exp2(x):
    """2 to the power x: the polynomial of exp in the fraction of x, times 2**k; at most 0.9 ulp, 1 where subnormal."""
    z = float64(x)
    z = 1025.0 if z > 1025.0 else -1080.0 if z < -1080.0 else z
    k = (z + 6755399441055744.0) - 6755399441055744.0
    r = (z - k) * 0.6931471805599453
    return exp_scaled(exp_sum(r, r * r * exp_tail(r)), k)


@inlined
def expm1_quarter(z):
    """(exp(z) - 1) / 4 for z in -80..710.48, where exp(z) itself may overflow, as a sum of a number and its rounding error."""
    k, r, t = exp_split(z, 0.0)
    scale = int64(float64(k + 6755399441055744.0).view(int64) + 1021 << 52).view(float64)
    a = scale - 0.25
    b = scale * r
    c = a + b
    rest = fma(scale, t, a - c + b)
    v = c + rest
    return (v, c - v + rest)


@inlined
def expm1(x):
    """exp(x) - 1 without cancellation: 2**k - 1 and 2**k (exp(r) - 1) added with their rounding error; at most 1.2 ulp."""
    z = float64(x)
    q, _ = expm1_quarter(710.0 if z > 710.0 else -60.0 if z < -60.0 else z)
    return z if abs(z) < 1e-16 else 4.0 * q


@inlined
def sinh(x):
    """The hyperbolic sine: (t + t / (1 + t)) / 2 with t = expm1(abs(x)); at most 1.5 ulp."""
    z = float64(x)
    m = abs(z)
    q, lost = expm1_quarter(710.48 if m > 710.48 else m)
    t = 4.0 * q
    down = 1.0 + t
    w = t / down
    w = fma(1.0 - w, fma(-w, 1.0 - down + t, 4.0 * lost), w)
    v = fma(2.0, q, fma(2.0, lost, 0.5 * w) if m < 40.0 else 0.0)
    return z if m < 1e-09 else copysign(v, z)


@inlined
def cosh(x):
    """The hyperbolic cosine: h + 1 / (4 h) with h = exp(abs(x)) / 2; at most 1.2 ulp."""
    m = abs(float64(x))
    k, r, t = exp_split(711.0 if m > 711.0 else m, 0.0)
    h = exp_scaled(exp_sum(r, t), k - 1.0)
    return h + 0.25 / h


@inlined
def tanh(x):
    """The hyperbolic tangent: -t / (2 + t), t = expm1(-2 abs(x)), and from 0.55 on 1 - 2 (1 + t) / (2 + t); at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    k, r, t = exp_split(-748.0 if m > 374.0 else -2.0 * m, 0.0)
    scale = int64(float64((-60.0 if k < -60.0 else k) + 6755399441055744.0).view(int64) + 1023 << 52).view(float64)
    a = scale - 1.0
    b = scale * r
    c = a + b
    rest = fma(scale, t, a - c + b)
    v = c + rest
    down = 2.0 + v
    q = (-v if m < 0.55 else 2.0 * fma(scale, r + t, scale)) / down
    lost = c - v + rest
    near = fma(-(0.5 * (1.0 + q)), fma(q, 2.0 - down + v + lost, lost), q)
    return z if m < 1e-09 else copysign(near if m < 0.55 else 1.0 - q, z)


@inlined
def sech2(x):
    """1 / cosh(x)**2, the derivative of tanh: 4 e / (1 + e)**2 with e = exp(-2 abs(x)), as tanh has it; at most 2.8 ulp."""
    m = abs(float64(x))
    k, r, t = exp_split(-748.0 if m > 374.0 else -2.0 * m, 0.0)
    four = exp_scaled(exp_sum(r, t), k + 2.0)
    e = 0.25 * four
    down = 1.0 + e
    v = four / (down * down)
    return fma(-v, (1.0 - down + e) * (2.914 - down), v)


@inlined
def expit(x):
    """The logistic function by e = exp(-abs(x)), which never overflows: 1 or e over 1 + e; at most 1.9 ulp."""
    z = float64(x)
    e = exp(-abs(z))
    down = 1.0 + e
    q = (1.0 if z >= 0.0 else e) / down
    return fma(-q, (q if z >= 0.0 else 1.0 - q) * (1.0 - down + e), q)


@inlined
def log_tail(s2):
    """(log((1 + s) / (1 - s)) - 2 s) / s for s2 = s**2 and abs(s) <= 0.172."""
    s4 = s2 * s2
    a = fma(s2, 0.4000000000000089, 0.6666666666666666)
    b = fma(s2, 0.22222222393006189, 0.2857142857079741)
    c = fma(0.1538624622324422, s2, 0.18181795511976587)
    d = fma(0.13088254146433181, s2, 0.132686087196942)
    return s2 * fma(s4 * s4, fma(s4, d, c), fma(s4, b, a))


@inlined
def log_split(z):
    """The whole k and f in sqrt(1/2)-1..sqrt(2)-1 with z = 2**k (1 + f), for positive finite z."""
    small = z < 2.2250738585072014e-308
    bits = float64(z * 18014398509481984.0 if small else z).view(int64)
    # one less sqrt(1/2), as patterns: the exponent field becomes k + 1023 for a mantissa in sqrt(1/2)..sqrt(2)
    high = (bits + 2638147582215219) & 9218868437227405312
    f = int64(bits - high + 4607182418800017408).view(float64) - 1.0
    return int64((high >> 52) | 4841369599423283200).view(float64) - (4503599627371573.0 if small else 4503599627371519.0), f


@inlined
def log_ends(z, v):
    """v where z is positive and finite, else the logarithm of z."""
    v = v if z < inf else z
    return v if z > 0.0 else -inf if z == 0.0 else nan


@inlined
def log(x):
    """The natural logarithm: x = 2**k (1 + f), then the series of log((1 + s) / (1 - s)), s = f / (2 + f); at most 0.9 ulp."""
    z = float64(x)
    k, f = log_split(z)
    s = f / (2.0 + f)
    h = 0.5 * f * f
    v = fma(k, 0.6931471803691238, -(h - fma(k, 1.9082149292705877e-10, s * (h + log_tail(s * s))) - f))
    return log_ends(z, v)


@inlined
def log_pair(f):
    """log(1 + f) as a sum: a part of 21 bits, and the rest."""
    s = f / (2.0 + f)
    h = 0.5 * f * f
    high = int64(float64(f - h).view(int64) & -4294967296).view(float64)
    return (high, fma(s, h + log_tail(s * s), f - high - h))


@inlined
def log2(x):
    """The logarithm to base 2: log(1 + f) in two parts, so that times 1 / log(2) is nearly exact; at most 0.8 ulp."""
    z = float64(x)
    k, f = log_split(z)
    high, low = log_pair(f)
    a = high * 1.4426950407214463
    v = k + a
    v = v + (k - v + a + fma(low, 1.4426950407214463, (low + high) * 1.6751713164886512e-10))
    return log_ends(z, v)


@inlined
def log10(x):
    """The logarithm to base 10, likewise; at most 0.8 ulp."""
    z = float64(x)
    k, f = log_split(z)
    high, low = log_pair(f)
    a = high * 0.4342944818781689
    b = k * 0.30102999566395283
    v = b + a
    v = v + (b - v + a + fma(low, 0.4342944818781689, fma(low + high, 2.5082946711645275e-11, k * 2.8363394551044964e-14)))
    return log_ends(z, v)


@inlined
def log_sum(u, z, low, lost):
    """log(u + lost + low), for z + low + 1 where that is near 1: log of u and, to first order, of what is below rounding."""
    bits = float64(u).view(int64)
    high = bits + 2638147582215219 & 9218868437227405312
    near = high == 4607182418800017408
    k = int64(high >> 52 | 4841369599423283200).view(float64) - 4503599627371519.0
    f = z if near else int64(bits - high + 4607182418800017408).view(float64) - 1.0
    s = f / (2.0 + f)
    h = 0.5 * f * f
    lost = low + (0.0 if near else lost)
    lost = lost * int64(9214364837600034816 - high).view(float64) * ((1.0 - s) * fma(s, s, 1.0 - s))
    tail = fma(k, 1.9082149292705877e-10, 0.0 if u > 1e+17 else lost)
    return log_ends(u, fma(k, 0.6931471803691238, -(h - fma(s, h + log_tail(s * s), tail) - f)))


@inlined
def log1p_sum(z, low):
    """log(1 + z + low) for a low below rounding."""
    u = 1.0 + z
    return log_sum(u, z, low, 1.0 - (u - z) if z > 1.0 else z - (u - 1.0))


@inlined
def log1p(x):
    """log(1 + x): log of the rounded sum and, to first order, of what rounding lost; at most 0.9 ulp."""
    z = float64(x)
    v = log1p_sum(z, 0.0)
    return z if abs(z) < 1e-17 else v


@inlined
def softplus(x):
    """log(1 + exp(x)) by exp(-abs(x)), which never overflows; at most 1.6 ulp."""
    z = float64(x)
    return (z if z > 0.0 else 0.0) + log1p(exp(-abs(z)))


@inlined
def turns(z):
    """q, r and t with z = (4 n + q) pi / 2 + r + t: whole, within pi / 4, and below rounding; for z within 1e6.

    The first three parts of pi / 2 have 33 bits, so that their products with fewer than 2**20 are exact (Cody and Waite).
    """
    shifted = fma(z, 0.6366197723675814, 6755399441055744.0)
    k = shifted - 6755399441055744.0
    a = fma(-k, 1.5707963267341256, z)
    w = k * 6.077100506303966e-11
    b = a - w
    u = k * 2.0222662487111665e-21
    c = b - u
    rest = fma(-k, 8.4784276603689e-32, a - b - w + (b - c - u))
    r = c + rest
    return (float64(shifted).view(int64) & 3, r, c - r + rest)


@inlined
def circle(r, t):
    """sin(r + t) and cos(r + t), each followed by its rounding error; for r within pi / 4 and t below rounding."""
    z = r * r
    z2 = z * z
    low = fma(z, 2.7557316084930363e-06, -0.00019841269836724877)
    high = fma(z, 1.5917861853805866e-10, -2.50511281499847e-08)
    tail = fma(z2, fma(z2, high, low), fma(z, 0.008333333333330927, -0.16666666666666666))
    rest = fma(r * z, tail, t * fma(-0.5, z, 1.0))
    s = r + rest
    low = fma(z, -2.755731726062817e-07, 2.4801587298744435e-05)
    high = fma(z, -1.1382464188417552e-11, 2.0876143942503467e-09)
    tail = fma(z2, fma(z2, high, low), fma(z, -0.0013888888888887382, 0.041666666666666664))
    h = 0.5 * z
    w = 1.0 - h
    drop = 1.0 - w - h + fma(-r, t, z2 * tail)
    c = w + drop
    return (s, r - s + rest, c, w - c + drop)


@inlined
def with_sign(v, q):
    """v, or -v where the second bit of q is set."""
    return int64(float64(v).view(int64) ^ ((q & 2) << 62)).view(float64)


@inlined
def circle_sin(q, r, t):
    """The sine of q quarter turns and r + t."""
    s, _, c, _ = circle(r, t)
    return with_sign(c if q & 1 else s, q)


@inlined
def circle_cos(q, r, t):
    """The cosine of q quarter turns and r + t."""
    s, _, c, _ = circle(r, t)
    return with_sign(s if q & 1 else c, q + 1)


@inlined
def circle_tan(q, r, t):
    """The tangent of q quarter turns and r + t."""
    s, sl, c, cl = circle(r, t)
    down = s if q & 1 else c
    v = (-c if q & 1 else s) / down
    return fma(fma(-v, sl if q & 1 else cl, -cl if q & 1 else sl), down * fma(v, v, 1.0), v)


@inlined
def sin_near(x):
    """The sine for x within 1e6: polynomials on a quarter turn, pi / 2 in four parts; at most 0.9 ulp."""
    z = float64(x)
    q, r, t = turns(z)
    v = circle_sin(q, r, t)
    return z if abs(z) < 1e-8 else v


@inlined
def cos_near(x):
    """The cosine for x within 1e6, likewise; at most 0.9 ulp."""
    q, r, t = turns(float64(x))
    return circle_cos(q, r, t)


@inlined
def tan_near(x):
    """The tangent for x within 1e6: the quotient of the two; at most 1.6 ulp."""
    z = float64(x)
    q, r, t = turns(z)
    v = circle_tan(q, r, t)
    return z if abs(z) < 1e-8 else v


@helper
def digits(i):
    """The digit of 2 / pi in base 2**24 at i - 3 places after the first."""
    # fmt: off
    table = (
        0, 0, 0, 10680707, 7228996, 1387004, 2578385, 16069853, 12639074, 9804092, 4427841, 16666979, 11263675, 12935607,
        2387514, 4345298, 14681673, 3074569, 13734428, 16653803, 1880361, 10960616, 8533493, 3062596, 8710556, 7349940,
        6258241, 3772886, 3769171, 3798172, 8675211, 12450088, 3874808, 9961438, 366607, 15675153, 9132554, 7151469,
        3571407, 2607881, 12013382, 4155038, 6285869, 7677882, 13102053, 15825725, 473591, 9065106, 15363067, 6271263,
        9264392, 5636912, 4652155,
    )
    # fmt: on
    return table[i]


@helper
def column(m0, m1, m2, m3, i):
    """One column of the product of a mantissa in digits of 24 bits and 2 / pi."""
    return m0 * digits(i) + m1 * digits(i + 1) + m2 * digits(i + 2) + m3 * digits(i + 3)


@helper
def turns_far(z):
    """`turns` for a finite z beyond 1e6: a whole-number product with the digits of 2 / pi that matter (Payne and Hanek)."""
    bits = float64(abs(z)).view(int64)
    place = (bits >> 52) - 1027
    i = place // 24
    mantissa = (bits & 4503599627370495) | 4503599627370496
    low = (mantissa & 16777215) << (place % 24)
    middle = ((mantissa >> 24) << (place % 24)) + (low >> 24)
    m0 = low & 16777215
    m1 = middle & 16777215
    m2 = (middle >> 24) & 16777215
    m3 = middle >> 48
    c6 = column(m0, m1, m2, m3, i + 6) + (column(m0, m1, m2, m3, i + 7) >> 24)
    c5 = column(m0, m1, m2, m3, i + 5) + (c6 >> 24)
    c4 = column(m0, m1, m2, m3, i + 4) + (c5 >> 24)
    c3 = column(m0, m1, m2, m3, i + 3) + (c4 >> 24)
    c2 = column(m0, m1, m2, m3, i + 2) + (c3 >> 24)
    c1 = column(m0, m1, m2, m3, i + 1) + (c2 >> 24)
    q = column(m0, m1, m2, m3, i) + (c1 >> 24)
    # the fraction of a quarter turn in three parts of 48 bits, the first one signed
    first = ((c1 & 16777215) << 24) | (c2 & 16777215)
    up = first >> 47
    a = float64(first - (up << 48)) * 3.552713678800501e-15
    b = float64(((c3 & 16777215) << 24) | (c4 & 16777215)) * 1.262177448353619e-29
    high = a + b
    low_part = ((a - high) + b) + float64(((c5 & 16777215) << 24) | (c6 & 16777215)) * 4.484155085839415e-44
    f = high + low_part
    rest = (high - f) + low_part
    # times pi / 2
    r, error = product(f, 1.5707963267948966)
    t = error + (f * 6.123233995736766e-17 + rest * 1.5707963267948966)
    v = r + t
    t = (r - v) + t
    return ((q + up) & 3, v, t) if z > 0.0 else (-(q + up) & 3, -v, -t)


@helper
def sin(x):
    """The sine of any float: `sin_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 0.9 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return sin_near(z)
    q, r, t = turns_far(z)
    return circle_sin(q, r, t)


@helper
def cos(x):
    """The cosine of any float: `cos_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 0.9 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return cos_near(z)
    q, r, t = turns_far(z)
    return circle_cos(q, r, t)


@helper
def tan(x):
    """The tangent of any float: `tan_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 1.6 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return tan_near(z)
    q, r, t = turns_far(z)
    return circle_tan(q, r, t)


@inlined
def half_turn(f):
    """sin(pi f) / pi for f within 1/2, followed by its rounding error: f + f**3 P(f**2)."""
    z = f * f
    z2 = z * z
    a = fma(z, 0.8117424252833536, -1.6449340668482264)
    b = fma(z, 0.0261478478176115, -0.19075182412208258)
    c = fma(z, 0.00014842878711202517, -0.002346081034805303)
    d = fma(z, fma(z, -7.09214111772651e-09, 2.5300883277427616e-07), -6.975840400729732e-06)
    tail = f * (z * fma(z2 * z2, fma(z2, d, c), fma(z2, b, a)))
    v = f + tail
    return (v, f - v + tail)


@inlined
def alternating(v, n):
    """v, or -v for an odd n."""
    half = 0.5 * n
    return v if half == floor(half) else -v


@inlined
def sinc(x):
    """sin(pi x) / (pi x), from the exact distance to the nearest integer, 0 at infinity; at most 1.9 ulp."""
    z = float64(x)
    n = rint(z)
    s, lost = half_turn(z - n)
    rough = copysign(int64(9213909880891250406 - float64(abs(z)).view(int64)).view(float64), z)
    q = s / z
    v = alternating(fma(lost, rough, q) if 0.5 < abs(z) < 1e+300 else q, n)
    return 1.0 if z == 0.0 else 0.0 if abs(z) == inf else v


@inlined
def sinc_dx(x, v):
    """The derivative of sinc: (cos(pi x) - v) / x within 4e-16 / x, and below 1/2, where that cancels, x P(x**2): 1.2 ulp."""
    z = float64(x)
    n = rint(z)
    c, _ = half_turn(0.5 - abs(z - n))
    far = (alternating(3.141592653589793 * c, n) - v) / z
    t = z * z
    t2 = t * t
    a = fma(t, -1.144510944732498, 3.2469697011334144)
    b = fma(t, -0.0234608103485922, 0.2091827825409445)
    c = fma(t, -9.766177248686179e-05, 0.0017811454481839297)
    d = fma(t, -1.2765038119341316e-07, 4.0481448234169e-06)
    near = z * fma(t, fma(t2 * t2, fma(t2, d, c), fma(t2, b, a)), -3.289868133696453)
    return near if abs(z) < 0.5 else 0.0 if abs(z) == inf else far


@inlined
def erf_near(x):
    """The error function for x within 1/2: x + x P(x**2)."""
    z = x * x
    z2 = z * z
    a = fma(z, -0.37612638903183476, 0.12837916709551256)
    b = fma(z, -0.0268661706329255, 0.11283791670925479)
    c = fma(z, -0.0008548297796903137, 0.005223977373569877)
    d = fma(z, fma(z, 1.4726244430391079e-06, -1.4845891283057166e-05), 0.00012053336999544561)
    return fma(x, fma(z2 * z2, fma(z2, d, c), fma(z2, b, a)), x)


@helper
def erf_alone(x):
    """`erf`, but only the part of it that holds there: a single instruction may branch."""
    if abs(x) < 0.5:
        return erf_near(float64(x))
    m = abs(float64(x))
    v, k = erfc_far(6.0 if m > 6.0 else m)
    return copysign(1.0 - exp_scaled(v, k), x)


@helper
def erfc_alone(x):
    """`erfc`, but only the part of it that holds there: a single instruction may branch."""
    if abs(x) < 0.5:
        return 1.0 - erf_near(float64(x))
    m = abs(float64(x))
    v, k = erfc_far(27.5 if m > 27.5 else m)
    v = exp_scaled(v, k)
    return 2.0 - v if x < 0.0 else v


@inlined
def halves(x):
    """x as a sum of two numbers whose products with such numbers are exact."""
    high = int64(float64(x).view(int64) & -134217728).view(float64)
    return high, x - high


@inlined
def erfc_series(u):
    """erfc(m) exp(m**2) (m + 1/2) for u = (m - 4) / (m + 4) with m in 0.5..27.5, followed by its rounding error."""
    u2 = u * u
    u4 = u2 * u2
    a = fma(u2, fma(u, 0.03404852712734513, 0.007689826051309496), u * -0.06981055842028125)
    b = fma(u2, fma(u, 0.01858375776770915, -0.0331651829068366), fma(u, 0.046866417499226556, -0.050519533018125624))
    c = fma(u2, fma(u, -9.962842708254702e-05, -0.0003788867274183794), fma(u, 0.002515985000542192, -0.008098867018706057))
    d = fma(u2, fma(u, 2.8537892076259713e-06, -5.612400787534214e-06), fma(u, -1.2199248347340828e-05, 7.531126080653324e-05))
    f = fma(u2, fma(u, 5.2306242748116436e-08, 3.3466106384596326e-08), fma(u, -4.105670949084406e-07, 1.4983302636371571e-07))
    g = fma(u, -5.0670584188719854e-09, -6.0954484735036266e-09)
    rest = fma(u4, fma(u4, fma(u4, fma(u4, fma(u4, g, f), d), c), b), a)
    p = 0.6164975593127763 + rest
    return (p, 0.6164975593127763 - p + rest)


@inlined
def erfc_far(m):
    """v and k with erfc(m) = v 2**k for m in 0.5..27.5: exp(-m**2) `erfc_series` / (m + 1/2) with m**2 in two parts."""
    high, low = product(m, m)
    k, r, t = exp_split(-high, -low)
    e = exp_sum(r, t)
    el = ((1.0 - e) + r) + t
    p, pl = erfc_series((m - 4.0) / (m + 4.0))
    down = m + 0.5
    # the product and the quotient with their rounding errors; a rough reciprocal is enough for what the quotient lost
    v, vl = product(e, p)
    rest = vl + (e * pl + el * p)
    rough = int64(9213909880891250406 - float64(down).view(int64)).view(float64)
    q = v / down
    return q + (rest - q * ((m - down) + 0.5)) * rough, k


@inlined
def erfc(x):
    """The complementary error function: 1 - erf(x) within 1/2, else by `erfc_far`; at most 1.9 ulp."""
    z = float64(x)
    m = abs(z)
    v, k = erfc_far(27.5 if m > 27.5 else m)
    v = exp_scaled(v, k)
    return 1.0 - erf_near(z) if m < 0.5 else 2.0 - v if z < 0.0 else v


@inlined
def erf(x):
    """The error function: a polynomial within 1/2, else 1 - erfc(x); at most 1.5 ulp."""
    z = float64(x)
    m = abs(z)
    v, k = erfc_far(6.0 if m > 6.0 else m)
    v = fma(-v, int64(float64(k + 6755399441055744.0).view(int64) + 1023 << 52).view(float64), 1.0)
    return erf_near(z) if m < 0.5 else copysign(v, z)


@inlined
def normal_series(u):
    """A polynomial p in u = (m - 6) / (m + 6) for `normal_tail`, followed by its rounding error."""
    u2 = u * u
    u4 = u2 * u2
    a = fma(u2, fma(u, -0.014611641754487403, 0.053040361243738184), u * -0.10042495398789815)
    b = fma(u2, fma(u, 0.012141059664785526, -0.017393019348421853), fma(u, 0.01821064958442965, -0.009038623252822191))
    c = fma(u2, fma(u, 0.00012103649315185858, -0.0008464481069769628), fma(u, 0.0028089739829985027, -0.006632578411356014))
    d = fma(u2, fma(u, 1.6943188295991537e-06, 4.471230353206836e-06), fma(u, -2.5667818283142075e-05, 3.523149320621536e-05))
    e = fma(u2, fma(u, -2.1488648094665006e-08, 1.275652143591677e-07), fma(u, 7.666629271634719e-09, -9.838806956249394e-07))
    f = fma(u2, fma(u, -3.418551727359444e-10, 1.3713893305036945e-09), fma(u, 3.881063890163227e-09, -1.4178038840679226e-08))
    rest = fma(u4, fma(u4, fma(u4, fma(u4, fma(u4, fma(u4, -8.655727246785368e-11, f), e), d), c), b), a)
    p = 0.4615526145616838 + rest
    return (p, 0.4615526145616838 - p + rest + 1.9668763486828956e-17)


@inlined
def normal_tail(m):
    """The upper tail of the normal distribution beyond a positive m, the tail over e = exp(-m**2 / 2), d and k.

    The density is d 2**k. The tail is e p / (m + 9/8) with the polynomial p of `normal_series`; it, what it is over e, and d are
    followed by their rounding errors. The square is taken in two parts.
    """
    n = 1e300 if m > 1e300 else m
    p, pl = normal_series(2.0 * (n / (n + 6.0)) - 1.0)
    down = n + 1.125
    w = 1.0 / down
    q = p * w
    v, vl = product(q, down)
    ql = ((p - v) - vl + (pl - q * (n - (down - 1.125)))) * w
    n = 39.0 if m > 39.0 else m
    high, low = product(n, n)
    k, r, t = exp_split(-0.5 * high, -0.5 * low)
    rest = q * (r + t) + ql
    v = q + rest
    s = 0.3989422804014327 * (r + t) - 2.4923272022777433e-17
    d = 0.3989422804014327 + s
    return exp_scaled(v, k), exp_scaled((q - v) + rest, k), q, ql, d, (0.3989422804014327 - d) + s, k


@inlined
def ndtr(x):
    """The normal distribution function: `normal_tail`, or 1 less that; at most 1.8 ulp."""
    z = float64(x)
    tail, _, _, _, _, _, _ = normal_tail(abs(z))
    return tail if z < 0.0 else 1.0 - tail


@inlined
def log_ndtr(x):
    """The logarithm of the normal distribution function: by parts, or log1p of minus the upper tail; at most 2.0 ulp."""
    z = float64(x)
    m = abs(z)
    tail, lost, q, ql, _, _, _ = normal_tail(m)
    left = z <= 0.0
    u = q if left else 1.0 - tail
    v = log_sum(u, -tail, ql if left else -lost, 0.0 if left else 1.0 - u - tail)
    return -tail if tail < 1e-17 and z > 0.0 else fma(-(0.5 * m), m, v) if left else v


@inlined
def log_ndtr_dx(x):
    """The derivative of log_ndtr: the normal density over the distribution function; at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    tail, lost, q, ql, d, dl, k = normal_tail(m)
    left = z <= 0.0
    u = q if left else 1.0 - tail
    v = (0.3989422804014327 if left else d) / u
    rest = fma(-v, ql if left else 1.0 - u - tail - lost, -2.4923272022777433e-17 if left else dl)
    v = fma(rest, int64(9213909880891250406 - float64(u).view(int64)).view(float64), v)
    return (m if m > 1e+17 else v) if left else exp_scaled(v, k)


@inlined
def rounded_off(x, y, v):
    """x * y - v, exactly, for v = x * y: from products of halves (Dekker)."""
    a, b = halves(x)
    c, d = halves(y)
    return ((a * c - v) + (a * d + b * c)) + b * d


@inlined
def product(x, y):
    """x * y, and its rounding error."""
    v = x * y
    return v, rounded_off(x, y, v)


@inlined
def log_series(q):
    """The tail of the series of log_exact, q / 5 + q**2 / 7 + ..."""
    q2 = q * q
    b = fma(q2, fma(q, 0.09090909168708722, 0.11111111110823242), fma(q, 0.1428571428571469, 0.2))
    d = fma(q2, fma(q, 0.058630131287585804, 0.05852977886874684), fma(q, 0.06667407764835838, 0.07692297377753227))
    return q * fma(q2 * q2, d, b)


@inlined
def log_exact(z):
    """log(z) as a sum of two numbers, good to 2**-63 of it; for positive finite z."""
    k, f = log_split(z)
    # s = f / (2 + f) and 1 - s = 2 / (2 + f), then 2 s (1 + q / 3 + q**2 / 5 + ...) with q = s**2:
    # all but the tail of the series with rounding errors
    down = 2.0 + f
    s = f / down
    p, pl = product(s, down)
    sl = (((f - p) - pl) - s * ((2.0 - down) + f)) * (0.5 - 0.5 * s)
    q, ql = product(s, s)
    ql = ql + 2.0 * s * sl
    tail = log_series(q)
    third = 0.3333333333333333 + tail
    w, wl = product(q, third)
    wl = wl + (q * (((0.3333333333333333 - third) + tail) + 1.850371707708594e-17) + ql * third)
    c = 1.0 + w
    cl = ((1.0 - c) + w) + wl
    v, vl = product(2.0 * s, c)
    vl = vl + 2.0 * (s * cl + sl * c)
    a = k * 0.6931471803691238
    u = a + v
    rest = ((a - u) + v) + (vl + k * 1.9082149292705877e-10)
    high = u + rest
    return high, (u - high) + rest


@inlined
def power_near(x, y):
    """x to the power y: exp(y log(abs(x))) with the logarithm and the product in two parts each; at most 1.0 ulp."""
    z = float64(x)
    y = float64(y)
    m = abs(z)
    high, low = log_exact(m)
    high = -inf if m == 0.0 else high if m < inf else m
    p, pl = product(high, y)
    k, r, t = exp_split(720.0 if p > 720.0 else -760.0 if p < -760.0 else p, pl + low * y if abs(p) < 760.0 else 0.0)
    v = exp_scaled(exp_sum(r, t), k)
    whole = floor(y)
    v = copysign(v, z) if y - 2.0 * floor(0.5 * y) == 1.0 else v
    v = nan if z < 0.0 and z > -inf and whole != y else v
    return 1.0 if y == 0.0 or z == 1.0 or (m == 1.0 and abs(y) == inf) else v


@inlined
def squared(v, vl, b, bl, bit):
    """The square of v + vl in two parts, where the bit says so times b + bl."""
    p, pl = product(v, v)
    pl = pl + 2.0 * (v * vl)
    q, ql = product(p, b)
    ql = ql + (p * bl + pl * b)
    return q if bit else p, ql if bit else pl


@inlined
def whole_power(x, y):
    """x to the power y for a whole y within 31, by squares and products in two parts each; at most 0.6 ulp, near subnormals 1.3."""
    z = float64(x)
    down = y < 0.0
    b = 1.0 / z if down else z
    p, pl = product(b, z)
    bl = b * ((1.0 - p) - pl) if down else 0.0
    # from the first of five binary digits to the last
    n = abs(y)
    bit = n >= 16.0
    n = n - 16.0 if bit else n
    v = b if bit else 1.0
    vl = bl if bit else 0.0
    bit = n >= 8.0
    n = n - 8.0 if bit else n
    v, vl = squared(v, vl, b, bl, bit)
    bit = n >= 4.0
    n = n - 4.0 if bit else n
    v, vl = squared(v, vl, b, bl, bit)
    bit = n >= 2.0
    n = n - 2.0 if bit else n
    v, vl = squared(v, vl, b, bl, bit)
    v, vl = squared(v, vl, b, bl, n >= 1.0)
    # not where there is nothing to add, for the sign of 0, nor beside infinities
    return v + vl if 0.0 < abs(vl) < inf else v


@helper
def power(x, y):
    """x to the power y: `power_near`, or for a whole y within 31 what `whole_power` does, but only its steps that do anything."""
    n = abs(y)
    if not (n <= 31.0 and floor(y) == y):
        return power_near(x, y)
    if n == 0.0:
        return 1.0
    v, vl = float64(x), 0.0
    if y < 0.0:
        v = 1.0 / v
        p, pl = product(v, x)
        vl = v * ((1.0 - p) - pl)
    b, bl = v, vl
    bit = 16.0
    while bit > n:
        bit = 0.5 * bit
    n = n - bit
    while bit > 1.0:
        bit = 0.5 * bit
        v, vl = squared(v, vl, b, bl, n >= bit)
        n = n - bit if n >= bit else n
    return v + vl if 0.0 < abs(vl) < inf else v


@inlined
def power_dx_near(x, y, v):
    """The partial of v = x**y in x, where neither x nor v is so large or small that v / x could overflow or vanish."""
    return y * (v / x) if y != 0.0 else 0.0


@inlined
def quotient(x, y):
    """The whole q and the r below abs(y) with abs(x) = q abs(y) + r, both exact; for abs(x) within 2**25 abs(y)."""
    m = abs(float64(x))
    n = abs(float64(y))
    q = floor(m / n)
    p, pl = product(q, n)
    r = (m - p) - pl
    # the quotient may have been rounded up to a whole number
    over = r < 0.0
    less = m < n
    return 0.0 if less else q - 1.0 if over else q, m if less else r + n if over else r


@inlined
def signed_mod(r, x, y):
    """x modulo y from the remainder r of their magnitudes."""
    r = copysign(r, x)
    return copysign(0.0, y) if r == 0.0 else r + y if (r < 0.0) != (y < 0.0) else r


@inlined
def signed_floor(q, r, x, y):
    """The floor of x / y from the whole quotient q and the remainder r of their magnitudes."""
    back = (x < 0.0) != (y < 0.0)
    return r if r != r else copysign(q, copysign(1.0, x) * y) if r == 0.0 or not back else -q - 1.0


@inlined
def fmod_near(x, y):
    """x modulo y with the sign of x, exactly; for abs(x) within 2**25 abs(y)."""
    _, r = quotient(x, y)
    return copysign(r, x)


@inlined
def mod_near(x, y):
    """x modulo y with the sign of y, rounded once; for abs(x) within 2**25 abs(y)."""
    _, r = quotient(x, y)
    return signed_mod(r, x, y)


@inlined
def floor_divide_near(x, y):
    """The floor of x / y, exactly; for abs(x) within 2**25 abs(y)."""
    q, r = quotient(x, y)
    return signed_floor(q, r, x, y)


@helper
def fmod(x, y):
    """x modulo y with the sign of x: `fmod_near`, and the C library's for larger quotients; exact."""
    m = abs(float64(x))
    n = abs(float64(y))
    return copysign(m % n, x) if m > 33554432.0 * n else fmod_near(x, y)


@helper
def mod(x, y):
    """x modulo y with the sign of y: `mod_near`, and the C library's for larger quotients; rounded once."""
    m = abs(float64(x))
    n = abs(float64(y))
    return signed_mod(m % n, x, y) if m > 33554432.0 * n else mod_near(x, y)


@helper
def floor_divide(x, y):
    """The floor of x / y as Python has it: from the exact remainder, because x / y may round up to a whole number."""
    m = abs(float64(x))
    n = abs(float64(y))
    if n == 0.0:
        return float64(x) / y
    if m > 33554432.0 * n:
        r = copysign(m % n, x)
        q = (x - r) / y
        q = q - 1.0 if r != 0.0 and (r < 0.0) != (y < 0.0) else q
        f = floor(q)
        return f + 1.0 if q - f > 0.5 else f
    return floor_divide_near(x, y)


@inlined
def hypot(x, y):
    """sqrt(x**2 + y**2), scaled by a power of 2 so that squares neither overflow nor vanish; at most 1.3 ulp."""
    a = abs(float64(x))
    b = abs(float64(y))
    m = float64(a if a > b else b).view(int64) & 9218868437227405312
    m = 4503599627370496 if m < 4503599627370496 else 9209861237972664320 if m > 9209861237972664320 else m
    scale = int64(9214364837600034816 - m).view(float64)
    u = a * scale
    w = b * scale
    v = sqrt(u * u + w * w) * int64(m).view(float64)
    return inf if a == inf or b == inf else v


@inlined
def arctan_tail(t):
    """arctan(t) - t for abs(t) < 0.4143."""
    q = t * t
    q2 = q * q
    a = fma(q2, fma(q, 0.11111110811472875, -0.14285714280845915), fma(q, 0.19999999999961351, -0.3333333333333323))
    b = fma(q2, fma(q, 0.05848679455672107, -0.0666322211586418), fma(q, 0.07692071616003199, -0.09090898470135679))
    c = fma(q, fma(q, -0.01798741710209115, 0.03814271879325763), -0.05042604049675467)
    return t * q * fma(q2 * q2, fma(q2 * q2, c, b), a)


@inlined
def arctan(x):
    """The inverse tangent: x, (x - 1) / (x + 1) or -1 / x, whichever is small, in a polynomial; at most 1.3 ulp."""
    z = float64(x)
    m = abs(z)
    low = m < 0.41421356237309503
    high = m > 2.414213562373095
    down = m - 1.0
    up = m + 1.0
    t = (m if low else -1.0 if high else down) / (1.0 if low else m if high else up)
    lost = fma(-t, 1.0 - up + m, -1.0 - down + m) * fma(-0.5, t, 0.5)
    v = t + (arctan_tail(t) + (0.0 if low else 6.123233995736766e-17 if high else 3.061616997868383e-17 + lost))
    return copysign(v if low else (1.5707963267948966 if high else 0.7853981633974483) + v, z)


@inlined
def arctan2(x, y):
    """The angle of the point (y, x), likewise from x / y; at most 1.6 ulp."""
    z = float64(x)
    y = float64(y)
    a = abs(z)
    b = abs(y)
    top = a if a > b else b
    scale = 0.125 if top > 4e+307 else 1.8014398509481984e+16 if top < 1e-290 else 1.0
    n = scale * (1.0 if a == b else b)
    m = scale * (a if a != b else 1.0 if a > 0.0 else 0.0)
    low = m < n * 0.41421356237309503
    high = m * 0.41421356237309503 > n
    down = m - n
    up = m + n
    t = (m if low else -n if high else down) / (n if low else m if high else up)
    big = m > n
    lost = fma(-t, m - up + n if big else n - up + m, m - down - n if big else m - (down + n))
    rough = int64(9213909880891250406 - float64(up).view(int64)).view(float64)
    v = t + (arctan_tail(t) + (0.0 if low or high else lost * rough))
    back = copysign(1.0, y) < 0.0
    base = 0.0 if low else 1.5707963267948966 if high else 0.7853981633974483
    rest = 0.0 if low else 6.123233995736766e-17 if high else 3.061616997868383e-17
    base = 3.141592653589793 - base if back else base
    rest = 1.2246467991473532e-16 - rest if back else rest
    return copysign(base + ((-v if back else v) + rest), z)


@inlined
def cbrt(x):
    """The cube root: a polynomial of the mantissa and one step of Halley's; at most 1.0 ulp."""
    z = float64(x)
    m = abs(z)
    k, f = log_split(m)
    third = fma(k, 0.3333333333333333, 6755399441055744.0)
    j = fma(-3.0, third - 6755399441055744.0, k)
    g = f * f
    y = fma(g, fma(f, 0.06233905288891144, -0.11097412606571799), fma(f, 0.3333188629533928, 0.9999991098253108))
    y = fma(g * g, fma(f, 0.026541211869127262, -0.04466474328664842), y)
    y = y * (1.2599210498948732 if j > 0.5 else 0.7937005259840998 if j < -0.5 else 1.0)
    w = (1.0 + f) * (2.0 if j > 0.5 else 0.5 if j < -0.5 else 1.0)
    c = y * y * y
    v = fma(y, (w - c) / (c + c + w), y) * int64(float64(third).view(int64) + 1023 << 52).view(float64)
    return copysign(v, z) if m > 0.0 and m < inf else z


@inlined
def arc_tail(z):
    """arcsin(s) / s - 1 for z = s**2 within 1/4."""
    z2 = z * z
    z4 = z2 * z2
    a = fma(z2, fma(z, 0.030381942837541094, 0.04464285717137595), fma(z, 0.07499999999975038, 0.1666666666666674))
    b = fma(z2, fma(z, 0.011402795167838684, 0.013980292997224019), fma(z, 0.017351661490260222, 0.022372211845393578))
    c = fma(z2, fma(z, -0.02079907137342904, 0.021554659711872336), fma(z, 0.0037746524477265168, 0.010760496733002006))
    return z * fma(z4, fma(z4, fma(z4, 0.0325124315588589, c), b), a)


@inlined
def arcsin(x):
    """The inverse sine: a polynomial within 1/2, else pi / 2 less twice the arc of sqrt((1 - x) / 2); at most 1.2 ulp."""
    z = float64(x)
    m = abs(z)
    far = m > 0.5
    q = (1.0 - m) * 0.5 if far else m * m
    s = sqrt(q) if far else m
    tail = s * arc_tail(q)
    a = fma(-2.0, s, 1.5707963267948966)
    v = a + (fma(-2.0, s, 1.5707963267948966 - a) - fma(2.0, tail, -6.123233995736766e-17))
    return copysign(v if far else s + tail, z)


@inlined
def arccos(x):
    """The inverse cosine, likewise; at most 1.2 ulp."""
    z = float64(x)
    m = abs(z)
    far = m > 0.5
    q = (1.0 - m) * 0.5 if far else m * m
    s = sqrt(q) if far else z
    tail = s * arc_tail(q)
    base = 0.0 if z > 0.5 else 3.141592653589793 if z < -0.5 else 1.5707963267948966
    rest = 0.0 if z > 0.5 else 1.2246467991473532e-16 if z < -0.5 else 6.123233995736766e-17
    times = 2.0 if z > 0.5 else -2.0 if z < -0.5 else -1.0
    a = fma(times, s, base)
    return a + (fma(times, s, base - a) + fma(times, tail, rest))


@inlined
def arctanh(x):
    """The inverse hyperbolic tangent: log1p(2 x / (1 - x)) / 2; at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    down = 1.0 - m
    q = 2.0 * m / down
    v = 0.5 * log1p_sum(q, q * ((m - (1.0 - down)) * fma(0.5, q, 1.0)) if m < 1.0 else 0.0)
    return z if m < 1e-09 else copysign(v, z)


@inlined
def arcsinh(x):
    """The inverse hyperbolic sine: log1p(x + x**2 / (1 + sqrt(1 + x**2))); at most 1.4 ulp."""
    z = float64(x)
    m = abs(z)
    n = 1.0 if m > 1e17 else m
    q = n * n
    w = q / (1.0 + sqrt(1.0 + q))
    u = m if m > 1e17 else m + w
    v = log1p_sum(u, (m - u) + w) + (0.6931471805599453 if m > 1e17 else 0.0)
    return z if m < 1e-9 else copysign(v, z)


@inlined
def arccosh(x):
    """The inverse hyperbolic cosine: log1p(t + sqrt(2 t + t**2)) with t = x - 1; at most 1.8 ulp."""
    z = float64(x)
    t = z - 1.0
    n = 1.0 if z > 1e+17 else t
    w = sqrt(fma(n, n, n + n))
    u = t if z > 1e+17 else w + t
    v = log1p_sum(u, w - u + t) + (0.6931471805599453 if z > 1e+17 else 0.0)
    return nan if z < 1.0 else v


@inlined
def log_parts(z):
    """log(z) as a sum of a part of few bits and the rest; for positive finite z."""
    k, f = log_split(z)
    high, low = log_pair(f)
    a = k * 0.6931471803691238
    v = a + high
    return (v, a - v + high + fma(k, 1.9082149292705877e-10, low))


@inlined
def gammaln_middle(t):
    """gammaln(2 + t) / (t (1 + t)), followed by its rounding error; for abs(t) <= 1."""
    t2 = t * t
    t4 = t2 * t2
    a = fma(t2, fma(t, -0.012384192193374454, 0.03296500062115698), t * -0.1003173016743539)
    b = fma(t2, fma(t, -0.00040570740000039034, 0.0009153769241321215), fma(t, -0.002108130833825513, 0.004998641164622905))
    c = fma(t2, fma(t, -1.76618589936032e-05, 3.816908391795522e-05), fma(t, -8.30950993565244e-05, 0.00018255261432480101))
    d = fma(t2, fma(t, -8.555190032238196e-07, 1.8114850473821294e-06), fma(t, -3.84650038136718e-06, 8.221202325274591e-06))
    e = fma(t2, fma(t, -5.212899270072798e-08, 1.0446504707784871e-07), fma(t, -1.8606188389286684e-07, 3.957046277996447e-07))
    f = fma(t2, fma(t, -8.997633844078451e-09, 1.6339576688257875e-08), fma(t, -7.064104418675145e-10, 5.668174554504207e-09))
    g = fma(t2, fma(t, -8.212793690182455e-10, 1.5824708358430638e-09), fma(t, 2.4847091211796224e-09, -4.363138761826549e-09))
    rest = fma(t4, fma(t4, fma(t4, fma(t4, fma(t4, fma(t4, g, f), e), d), c), b), a)
    v = 0.42278433509846713 + rest
    return (v, 0.42278433509846713 - v + rest)


@inlined
def gammaln_tail(z):
    """What Stirling's formula for gammaln(x) is short of, times x; for z = x**-2 within 1/9."""
    z2 = z * z
    z4 = z2 * z2
    a = fma(z2, fma(z, -0.000595195456165667, 0.0007936501936101291), fma(z, -0.002777777773393741, 0.08333333333332149))
    b = fma(z2, fma(z, -0.01625901005581381, 0.005446346480779641), fma(z, -0.0018670112475446872, 0.0008399316708438867))
    c = fma(z, -0.04370545535156301, 0.037178755686395275)
    return fma(z4, fma(z4, c, b), a)


@inlined
def gammaln_near(x):
    """log(gamma(x)) for a positive x: a polynomial in 1..3, by recurrence below, by Stirling's formula above; at most 1.5 ulp."""
    z = float64(x)
    below = z < 1.0
    t = z - 1.0 if below else z - 2.0
    v, rest = gammaln_middle(t)
    a, al = product(z if below else z - 1.0, t)
    middle = a * v + (a * rest + al * v)
    high, low = log_parts(z)
    w = 1.0 / z
    # by halves, because the first product may overflow where the sum does not
    p = 0.5 * z - 0.25
    above = 2.0 * (p * (high - 1.0) + (p * low + (0.20946926660233635 + 0.5 * w * gammaln_tail(w * w))))
    v = (middle - low) - high if below else middle if z < 3.0 else above
    return inf if z > 2.5599833278516383e305 else v


@helper
def gammaln(x):
    """log(abs(gamma(x))): `gammaln_near`, the C library's for a negative x; infinite at the poles."""
    z = float64(x)
    if z > 0.0 or z != z:
        return gammaln_near(z)
    return inf if floor(z) == z else lgamma(z)


@inlined
def digamma_middle(t):
    """digamma(3/2 + t) over the distance to where it is 0, followed by its rounding error; for abs(t) <= 1/2."""
    t2 = t * t
    t4 = t2 * t2
    a = fma(t2, fma(t, -0.14840492305391834, 0.24054248424078736), t * -0.42362742128146047)
    b = fma(t2, fma(t, -0.026975796847913906, 0.04076083394472351), fma(t, -0.06192213327158161, 0.09498872445282847))
    c = fma(t2, fma(t, -0.005280019413363066, 0.007927024126249972), fma(t, -0.011908215075171152, 0.017907248192855958))
    d = fma(t2, fma(t, -0.001042376458764532, 0.0015635730695683454), fma(t, -0.002344633371505055, 0.0035180793950336854))
    e = fma(t2, fma(t, -0.00021931685329288356, 0.00032687996556260467), fma(t, -0.00045944757437634627, 0.0006899472786041751))
    f = fma(t2, fma(t, -8.315835392632972e-05, 0.0001223997332817918), fma(t, -5.883296743116468e-05, 9.161040572902432e-05))
    rest = fma(t4, fma(t4, fma(t4, fma(t4, fma(t4, f, e), d), c), b), a)
    v = 0.9510558760318328 + rest
    return (v, 0.9510558760318328 - v + rest)


@inlined
def digamma_tail(z):
    """(log(x) - 1 / (2 x) - digamma(x)) x**2 for z = x**-2 within 1/4."""
    z2 = z * z
    z4 = z2 * z2
    a = fma(z2, fma(z, -0.004166467388423346, 0.003968251290574533), fma(z, -0.008333333314396204, 0.08333333333328402))
    b = fma(z2, fma(z, -0.3289491760286428, 0.07682107007720752), fma(z, -0.02080642115282964, 0.007566594354433351))
    c = fma(z2, fma(z, -37.49023125373117, 16.21866401184379), fma(z, -5.300420777018065, 1.404397293039617))
    d = fma(z2, 27.86247776383659, fma(z, -60.37273422750883, 60.536242566800546))
    return fma(z4, fma(z4, fma(z4, d, c), b), a)


@inlined
def digamma_near(x):
    """The derivative of gammaln for a positive x: a polynomial in 1..2, by recurrence below, a series above; at most 1.7 ulp."""
    z = float64(x)
    below = z < 1.0
    v, rest = digamma_middle(z - 0.5 if below else z - 1.5)
    distance = z - (0.4616321449683622 if below else 1.4616321449683622)
    middle = distance * v + (distance * rest - v * 9.549995429965697e-17)
    high, low = log_parts(z)
    w = 1.0 / z
    z2 = w * w
    above = high + (low - (0.5 * w + z2 * digamma_tail(z2)))
    # less 1 / x, with what the quotient and the difference lost
    v, vl = product(z, w)
    down = middle - w
    rest = (middle - (down + w)) - w * ((1.0 - v) - vl)
    less = down + (rest if z > 1e-300 else 0.0)
    return z if z == inf else less if below else middle if z < 2.0 else above


@helper
def digamma(x):
    """The derivative of gammaln: `digamma_near`, by reflection for a negative x; NaN at the poles."""
    z = float64(x)
    if z > 0.0 or z != z:
        return digamma_near(z)
    f = z - rint(z)
    if f == 0.0 or z == -inf:
        return nan
    c, _ = half_turn(0.5 - abs(f))
    s, _ = half_turn(f)
    return digamma_near(1.0 - z) - 3.141592653589793 * c / s


@inlined
def trigamma_middle(t):
    """trigamma(3/2 + t) for abs(t) <= 1/2."""
    t2 = t * t
    t4 = t2 * t2
    a = fma(t2, fma(t, -0.5790416377778622, 0.7045455170012297), t * -0.8287966442343201)
    b = fma(t2, fma(t, -0.21030987305185653, 0.2780808134891703), fma(t, -0.36214936502542616, 0.4630645250993568))
    c = fma(t2, fma(t, -0.06174041993912089, 0.08496893186061352), fma(t, -0.11604072429559774, 0.1570531957201936))
    d = fma(t2, fma(t, -0.016252309428700266, 0.02286153001309365), fma(t, -0.0319853566032822, 0.04456458272702744))
    e = fma(t2, fma(t, -0.004297036062666529, 0.006176045577369418), fma(t, -0.008052536061613146, 0.011389606288621016))
    f = fma(t2, fma(t, -0.0019838557834382688, 0.002911157353347188), fma(t, -0.0012148142661289275, 0.0016545534495973771))
    return 0.9348022005446793 + fma(t4, fma(t4, fma(t4, fma(t4, fma(t4, f, e), d), c), b), a)


@inlined
def trigamma_tail(z):
    """(trigamma(x) - 1 / x - 1 / (2 x**2)) x**3 for z = x**-2 within 1/4."""
    z2 = z * z
    z4 = z2 * z2
    a = fma(z2, fma(z, -0.033332818809389576, 0.02380951897837145), fma(z, -0.0333333333100552, 0.16666666666662713))
    b = fma(z2, fma(z, -6.003736571267433, 1.1211880417196216), fma(z, -0.2516636650787595, 0.07572425995957338))
    c = fma(z2, fma(z, -3139.752148617269, 834.0163555669324), fma(z, -180.89426336146988, 33.96583610155409))
    d = fma(z2, fma(z, -28130.256481998706, 30227.84833371277), fma(z, -20032.73872408758, 9208.388424705316))
    e = 12130.854408305097
    return fma(z4, fma(z4, fma(z4, fma(z4, e, d), c), b), a)


@inlined
def trigamma_near(x):
    """The derivative of digamma for a positive x, likewise; at most 1.7 ulp."""
    z = float64(x)
    below = z < 1.0
    middle = trigamma_middle(z - 0.5 if below else z - 1.5)
    w = 1.0 / z
    z2, zl = product(w, w)
    # what the quotient lost, over it
    v, vl = product(z, w)
    lost = (1.0 - v) - vl
    some = z2 > 0.0 and z2 < inf
    more = z2 + (middle + (zl + z2 * (2.0 * lost) if some else 0.0))
    above = w + (z2 * (0.5 + w * trigamma_tail(z2)) + (w * lost if some else 0.0))
    return more if below else middle if z < 2.0 else above


@helper
def trigamma(x):
    """The derivative of digamma: `trigamma_near`, by reflection for a negative x; infinite at the poles."""
    z = float64(x)
    if z > 0.0 or z != z:
        return trigamma_near(z)
    if z == -inf:
        return nan
    s, _ = half_turn(z - rint(z))
    return 1.0 / (s * s) - trigamma_near(1.0 - z)


@helper
def power_dx(x, y, v):
    """The partial of x**y in x: 0 for y = 0, whatever x, and by its limit 0 where y is infinite and x**y is 0."""
    # v / x where it is in range: y - 1 rounds, and the power magnifies that by log(x)
    p = v / x if 1e-290 < abs(v) < inf and 1e-290 < abs(v / x) < inf else power(x, y - 1.0)
    return v if v != v else 0.0 if y == 0.0 or p == 0.0 else y * p


@helper
def power_dy(x, y, v):
    """The partial of x**y in y: v * log(x), by its limit where v is 0, and 0 at (0, 0)."""
    if (v == 0.0 and x >= 0.0) or (x == 0.0 and y == 0.0):
        return 0.0
    return v * log(x)


@inlined
def logaddexp(x, y):
    """log(exp(x) + exp(y)); equal infinities stay what they are."""
    d = x - y
    v = (x if d > 0.0 else y) + log1p(exp(-abs(d)))
    return x + 0.6931471805599453 if x == y else v


@inlined
def xlogy(x, y):
    """x * log(y), 0 where x is 0 and y is a number."""
    return 0.0 if x == 0.0 and y == y else x * log(y)


@inlined
def xlog1py(x, y):
    """x * log1p(y), 0 where x is 0 and y is a number."""
    return 0.0 if x == 0.0 and y == y else x * log1p(y)


@helper
def erfcx_tail(t):
    """exp(t*t) * erfc(t) for t >= 3 by 40 levels of its continued fraction (Abramowitz and Stegun 7.1.14)."""
    f = t
    for k in range(40, 0, -1):
        f = t + 0.5 * k / f
    return 0.5641895835477563 / f


@helper
def gamma(x):
    """The gamma function by recurrence from 2 <= t < 3, with a quotient of polynomials of Cephes there, and Stirling's series above 33."""
    if x == 0.0:
        return copysign(inf, x)
    if x > 171.6243769563027 or x != x:
        return x + inf
    if x < 0.0 and floor(x) == x:
        return nan
    if x < -190.0:
        half = 0.5 * floor(x)
        return 0.0 if half == floor(half) else -0.0
    if x > 33.0:
        w = 1.0 / x
        z = w * w
        # in two halves, because the power alone overflows
        root = power(x, 0.5 * x - 0.25)
        return 2.5066282746310007 * root * exp(-x) * root * exp(w * (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680)))))
    above = 1.0
    while x >= 3.0:
        x -= 1.0
        above *= x
    below = 1.0
    while x < 2.0:
        below *= x
        x += 1.0
    t = x - 2.0
    p = 4.76367800457137231464e-2 + t * (
        1.04213797561761569935e-2 + t * (1.19135147006586384913e-3 + t * 1.60119522476751861407e-4)
    )
    p = 1.0 + t * (4.94214826801497100753e-1 + t * (2.07448227648435975150e-1 + t * p))
    q = 1.18139785222060435552e-2 - t * (
        4.45641913851797240494e-3 - t * (5.39605580493303397842e-4 - t * 2.31581873324120129819e-5)
    )
    q = 1.0 + t * (7.14304917030273074085e-2 - t * (2.34591795718243348568e-1 - t * (3.58236398605498653373e-2 + t * q)))
    return above / below * (p / q)


@helper
def normal_quantile(q, r):
    """Where the normal distribution function is 1/2 + q, with r as the tail beyond: Wichura's AS 241."""
    if not r > 0.0:
        return copysign(inf, q) if r == 0.0 else nan
    if abs(q) <= 0.425:
        t = 0.180625 - q * q
        p = 4.5921953931549871457e4 + t * (
            6.7265770927008700853e4 + t * (3.3430575583588128105e4 + t * 2.5090809287301226727e3)
        )
        p = 1.3314166789178437745e2 + t * (1.9715909503065514427e3 + t * (1.3731693765509461125e4 + t * p))
        d = 2.1213794301586595867e4 + t * (
            3.9307895800092710610e4 + t * (2.8729085735721942674e4 + t * 5.2264952788528545610e3)
        )
        d = 4.2313330701600911252e1 + t * (6.8718700749205790830e2 + t * (5.3941960214247511077e3 + t * d))
        return q * (3.3871328727963666080 + t * p) / (1.0 + t * d)
    t = sqrt(-log(r))
    if t <= 5.0:
        t -= 1.6
        p = 1.27045825245236838258 + t * (
            2.41780725177450611770e-1 + t * (2.27238449892691845833e-2 + t * 7.74545014278341407640e-4)
        )
        p = 4.63033784615654529590 + t * (5.76949722146069140550 + t * (3.64784832476320460504 + t * p))
        d = 1.48103976427480074590e-1 + t * (
            1.51986665636164571966e-2 + t * (5.47593808499534494600e-4 + t * 1.05075007164441684324e-9)
        )
        d = 2.05319162663775882187 + t * (1.67638483018380384940 + t * (6.89767334985100004550e-1 + t * d))
        return copysign((1.42343711074968357734 + t * p) / (1.0 + t * d), q)
    t -= 5.0
    p = 2.65321895265761230930e-2 + t * (
        1.24266094738807843860e-3 + t * (2.71155556874348757815e-5 + t * 2.01033439929228813265e-7)
    )
    p = 5.46378491116411436990 + t * (1.78482653991729133580 + t * (2.96560571828504891230e-1 + t * p))
    d = 7.86869131145613259100e-4 + t * (
        1.84631831751005468180e-5 + t * (1.42151175831644588870e-7 + t * 2.04426310338993978564e-15)
    )
    d = 5.99832206555887937690e-1 + t * (1.36929880922735805310e-1 + t * (1.48753612908506148525e-2 + t * d))
    return copysign((6.65790464350110377720 + t * p) / (1.0 + t * d), q)


@inlined
def ndtri(x):
    """The inverse of ndtr; infinite at 0 and 1."""
    return normal_quantile(x - 0.5, x if x < 0.5 else 1.0 - x)


@inlined
def erfinv(x):
    """The inverse of erf; infinite at -1 and 1."""
    return 0.7071067811865476 * normal_quantile(0.5 * x, 0.5 * (1.0 - abs(x)))


@helper
def bessel(n, x):
    """The modified Bessel function of order n, 0 or 1, times exp(-x) for x >= 0: its series (Abramowitz, Stegun 9.6.10 and 9.7.1)."""
    term = 1.0
    total = 1.0
    k = 1.0
    if x > 25.0:
        while abs(term) > 1e-17:
            term *= ((2.0 * k - 1.0) * (2.0 * k - 1.0) - 4.0 * n) / (8.0 * k * x)
            total += term
            k += 1.0
        return total / (2.5066282746310007 * sqrt(x))
    while term > 1e-17 * total:
        term *= 0.25 * x * x / (k * (k + n))
        total += term
        k += 1.0
    return exp(-x) * total * (0.5 * x if n == 1.0 else 1.0)


@inlined
def i0e(x):
    """exp(-abs(x)) times the modified Bessel function of order 0."""
    return bessel(0.0, abs(x))


@inlined
def i1e(x):
    """exp(-abs(x)) times the modified Bessel function of order 1."""
    return copysign(bessel(1.0, abs(x)), x)


@inlined
def i1e_dx(x, v):
    """The derivative of i1e."""
    return i0e(x) - sign(x) * v - (v / x if abs(x) > 1e-300 else 0.5)
# fmt: on
# </generated>


# Whether sums of products are rounded once. Where a processor may lack the instruction, it is among the features that LLVM lists.
HAS_FMA = not config.DISABLE_JIT and get_host_cpu_features().get("fma", True)
if HAS_FMA:

    @intrinsic
    def fma(typing_context, x, y, z):
        """x * y + z, rounded once."""
        numbers = types.float64, types.float64, types.float64
        return types.float64(*numbers), lambda context, builder, signature, arguments: builder.fma(*arguments)

    @inlined
    def rounded_off(x, y, v):  # noqa: F811
        """What the function of this name above computes with 16 operations."""
        return fma(x, y, -v)

else:

    @inlined
    def fma(x, y, z):
        """x * y + z, rounded twice."""
        return x * y + z


# A program's code is one array of uint32: a header, the rows, the lists that they point into, the pulls, and the guards.
# The header: slots, rows, pulls, where the pulls are, guards, where the guards are, the output's slot, how many calls are still to be
# counted; then, from AT on, the addresses of compiled functions, two words each: of `forward` and `reverse` or what stands in for them,
# `stretch`, `singles` or `far_singles`, `matrix` and `matrix_back`, and two for each family, from AT_FAMILIES on.
SLOTS, N_ROWS, N_PULLS, AT_PULLS, N_GUARDS, AT_GUARDS, OUTPUT, CALLS, AT = 0, 1, 2, 3, 4, 5, 6, 7, 8
AT_FORWARD, AT_REVERSE, AT_STRETCH, AT_SINGLES, AT_MATRIX, AT_MATRIX_BACK, AT_FAMILIES = 0, 1, 2, 3, 4, 5, 6
# A row: one block of the forward sweep. Offsets count float64s of `work`, which holds values, adjoints, constants, then partials. A row
# of one of the commonest operations may repeat: its results go on where the last ones ended, its operands a step further.
ROW = 26
FORM, N, OUT, OP = 0, 1, 2, 3  # what the row does, number of elements, first slot written, operation
MX, XI, XO = 4, 5, 6  # operand x: its mode, its slot or list, and where the loop reads it
MY, YI, YO = 7, 8, 9  # the same for operand y
MZ, ZI, ZO = 10, 11, 12  # and for the other operand of a fused addition
DX, DY = 13, 14  # where stored partials go, or 0
REPEATS, RX, RY, RZ = 15, 16, 17, 18  # how often it runs, and the step of each operand from one time to the next
WIDTH = 19  # of a block that calls a function: how many elements it computes, the last ones perhaps for nobody
TERMS, TERM_X, TERM_Y = 20, 21, 22  # of a product of matrices: how many products a sum has, and the steps between them
ROOM_X, ROOM_Y = 23, 24  # and while it is planned, for how many there is room where its constants are
LABELS = (
    25  # and how it uses x as labels of rows of y, of which there are TERMS, TERM_Y apart, or makes labels: see `Product.kind`
)
# What a row does: instructions one at a time, a chain of additions from x on (OP: whether it subtracts), a product of matrices, a block
# of a family, a chain that adds products of y and z to x, a chain of products from x on, which keeps them all, x before them; from CORE
# on a loop of its own.
# In a product of matrices each result is z, or nothing, and then the sum over terms of a number of x, which a whole run shares, times
# one of y, which all runs share: RY is how far apart those of a run are.
STRETCH, CHAIN, MATRIX, BLOCK, DOT, PRODUCT, CORE = 0, 1, 2, 3, 4, 5, 6
# Modes of an operand: neighbouring slots, or one; the others are copied to scratch first, from one slot, a list of slots, or slots that
# are a constant number apart. Of those a list has the first, the distance, the distance from one repeat to the next, and repeats.
ABSENT, ROWS, ONE, FILL, GATHER, STRIDE = 0, 1, 2, 3, 4, 5
# A product and the addition or subtraction that reads it, as one operation: z + xy, z - xy, xy - z.
FUSED = 200
# In a plan that is being made: the link of a chain that adds products, and 1 more where it subtracts them.
OF_PRODUCTS = 240
# An instruction of a stretch is four numbers: operation, family << 8 | stored partials << 16; its two operands; and where its
# partials go, or the other operand of a fused addition. From LEAF on an operation is a leaf among the rows of a recording.
WORDS = 4
LEAF = 250
# A pull: what one operand of a block takes from its adjoints in the reverse sweep.
PULL = 16
PULLS, COUNT, SOURCE, PARTIAL_AT, TARGET, SIGN, SWITCH = 0, 1, 2, 3, 4, 5, 6
TIMES_RUN, STEP_PARTIAL, STEP_TARGET = 7, 8, 9  # how often it runs, and the steps from one time to the next
# Of a product of matrices, z + x*y: the step of its source from one time to the next, its terms, and the steps from one to the next.
STEP_SOURCE, TERMS_RUN, TERM_SOURCE, TERM_PARTIAL, TERM_TARGET = 10, 11, 12, 13, 14
EACH, APART = SIGN, 15  # what each term pulls: SCALED, PRODUCTS or FACTORS; how far apart the numbers of a run of y are
# What a pull does: clears adjoints and seeds the output; runs pulls of single numbers; or adds to, or sets, a row of adjoints,
# one of them, or those of a list. There the product is of the source with one number, with a partial each, or one number alone.
# For FACTORS the partials are the row, and the adjoint is one number. LINKS passes adjoints on from each link of a chain of products to
# the one before. MATRICES is one of three others over again, for each term of a product of matrices.
CLEAR, SINGLES, SCALED, PRODUCTS, SPREAD, FACTORS, LINKS, MATRICES = 0, 1, 2, 3, 4, 5, 6, 7
TO_ROW, TO_ONE, TO_LIST = 0, 1, 2
# A pull of a single number is four numbers: source, and `FLAG` where it is subtracted; partial, and `FLAG` where a zero of it passes
# nothing, as in a switch; what it is added to, and target. Each multiplies and adds: a partial may be 1 or -1, and what it sets it adds
# to nothing, so that there is nothing to decide.
FLAG = 1 << 31
# Between adjoints and partials: 1, -1, and nothing, which is -0.0, because that changes no bit of what is added to it; and one more, so
# that partials lie as their adjoints do.
CONSTANTS = 1.0, -1.0, -0.0, 0.0
ONE_AT, MINUS_AT, NOTHING_AT = 0, 1, 2
# How many words before its turn a pull of a single number is looked at where its numbers may be in no cache: of 128 pulls.
AHEAD = 512


def _caller(returns):
    """A way for kernels to call a compiled function by its address.

    Through a pointer, because Numba optimises and compiles what a function calls directly once more with the caller: these
    functions are large, and most programs need few of them.
    """
    if config.DISABLE_JIT:
        return lambda address, code, work, *arguments: _numbered[int(address)](code, work, *arguments)

    def pointer(context, builder, kind, value):
        return context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        pointers = [pointer(context, builder, signature.args[i], arguments[i]) for i in (1, 2)]
        result = word if returns is types.int64 else ir.VoidType()
        function = ir.FunctionType(result, [*(pointer.type for pointer in pointers), *[word] * 7])
        given = builder.call(builder.inttoptr(arguments[0], function.as_pointer()), [*pointers, *arguments[3:]])
        return given if returns is types.int64 else context.get_dummy_value()

    @intrinsic
    def call(typing_context, address, code, work, a, b, c, d, e, f, g):
        return returns(types.uint64, code, work, *[types.uint64] * 7), generate

    return call


call, ask = _caller(types.void), _caller(types.int64)


if config.DISABLE_JIT:

    def _address(code, position):
        return code[AT:HEADER].view(uint64)[position]

else:

    @intrinsic
    def _address(typing_context, code, position):
        """The address of a function, read at once: another thread may change it meanwhile."""

        def generate(context, builder, signature, arguments):
            code, position = arguments
            addresses = builder.bitcast(builder.gep(code, [ir.Constant(ir.IntType(64), AT)]), ir.IntType(64).as_pointer())
            return builder.load(builder.gep(addresses, [position]))

        return types.uint64(code, types.uint64), generate


if config.DISABLE_JIT:

    def _ask_for(work, slot):
        pass

else:

    @intrinsic
    def _ask_for(typing_context, work, slot):
        """Have the processor load a number into its caches, without waiting for it."""

        def generate(context, builder, signature, arguments):
            byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
            to_read, keep, data = (ir.Constant(word, x) for x in (0, 3, 1))
            given = builder.bitcast(builder.gep(arguments[0], arguments[1:]), byte)
            builder.call(builder.module.declare_intrinsic("llvm.prefetch", [byte], kind), [given, to_read, keep, data])
            return context.get_dummy_value()

        return types.void(work, types.uint64), generate


# <generated: families>
# fmt: off
def block_arithmetic(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 3:  # divide
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = x / y
            work[o + i] = v
        if dx:
            for i in range(n):
                y = work[yo + i]
                work[dx + i] = 1.0 / y
        if dy:
            for i in range(n):
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = -v / y
    elif op == 8:  # negative
        for i in range(n):
            x = work[xo + i]
            v = -x
            work[o + i] = v
    elif op == 9:  # reciprocal
        for i in range(n):
            x = work[xo + i]
            v = 1.0 / x
            work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = -v * v
    elif op == 10:  # square
        for i in range(n):
            x = work[xo + i]
            v = x * x
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = x + x
    elif op == 11:  # sqrt
        for i in range(n):
            x = work[xo + i]
            v = sqrt(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = 0.5 / abs(v)
    elif op == 77:  # copy
        for i in range(n):
            x = work[xo + i]
            v = x
            work[o + i] = v
    elif op == 83:  # cube
        for i in range(n):
            x = work[xo + i]
            v = x * x * x
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = 3.0 * x * x
    elif op == 84:  # fourth
        for i in range(n):
            x = work[xo + i]
            v = x * x * (x * x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = 4.0 * x * x * x
    elif op == 85:  # inverse_square
        for i in range(n):
            x = work[xo + i]
            v = 1.0 / x * (1.0 / x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = -2.0 * v / x


def one_powers(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 4:  # power
        if abs(y) <= 31.0 and floor(y) == y:
            v = power(x, y)
            if stored & 1:
                work[p] = power_dx(x, y, v)
            if stored & 2:
                work[p + uint64(1)] = power_dy(x, y, v)
        else:
            v = power_near(x, y)
            if stored & 1:
                work[p] = power_dx(x, y, v)
            if stored & 2:
                work[p + uint64(1)] = power_dy(x, y, v)
    elif op == 12:  # cbrt
        v = cbrt(x)
        if stored & 1:
            work[p] = 1.0 / (3.0 * v * v)
    work[o] = v


def block_powers(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 4:  # power
        far = uint64(0)
        for i in range(n):
            y = work[yo + i]
            far += uint64(abs(y) <= 31.0 and floor(y) == y)
        if far == n:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = whole_power(x, y)
                work[o + i] = v
        else:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = power_near(x, y)
                work[o + i] = v
            if far:
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    if abs(y) <= 31.0 and floor(y) == y:
                        v = power(x, y)
                        work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = power_dx_near(x, y, v)
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                far += uint64(not (1e-200 < abs(v) < 1e200 and 1e-90 < abs(x) < 1e90))
            if far:
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    v = work[o + i]
                    if not (1e-200 < abs(v) < 1e200 and 1e-90 < abs(x) < 1e90):
                        work[dx + i] = power_dx(x, y, v)
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = power_dy(x, y, v)
    elif op == 12:  # cbrt
        for i in range(n):
            x = work[xo + i]
            v = cbrt(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = 1.0 / (3.0 * v * v)


def one_remainders(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 5:  # mod
        if abs(x) > 33554432.0 * abs(y):
            v = mod(x, y)
            if stored & 1:
                work[p] = 1.0 if v == v else v
            if stored & 2:
                work[p + uint64(1)] = rint((v - x) / y) if v != y else 1.0
        else:
            v = mod_near(x, y)
            if stored & 1:
                work[p] = 1.0 if v == v else v
            if stored & 2:
                work[p + uint64(1)] = rint((v - x) / y) if v != y else 1.0
    elif op == 6:  # fmod
        if abs(x) > 33554432.0 * abs(y):
            v = fmod(x, y)
            if stored & 1:
                work[p] = 1.0 if v == v else v
            if stored & 2:
                work[p + uint64(1)] = rint((v - x) / y)
        else:
            v = fmod_near(x, y)
            if stored & 1:
                work[p] = 1.0 if v == v else v
            if stored & 2:
                work[p + uint64(1)] = rint((v - x) / y)
    elif op == 7:  # floor_divide
        if abs(x) > 33554432.0 * abs(y):
            v = floor_divide(x, y)
        else:
            v = floor_divide_near(x, y)
    work[o] = v


def block_remainders(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 5:  # mod
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = mod_near(x, y)
            work[o + i] = v
        far = uint64(0)
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            far += uint64(abs(x) > 33554432.0 * abs(y))
        if far:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                if abs(x) > 33554432.0 * abs(y):
                    v = mod(x, y)
                    work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = 1.0 if v == v else v
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = rint((v - x) / y) if v != y else 1.0
    elif op == 6:  # fmod
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = fmod_near(x, y)
            work[o + i] = v
        far = uint64(0)
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            far += uint64(abs(x) > 33554432.0 * abs(y))
        if far:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                if abs(x) > 33554432.0 * abs(y):
                    v = fmod(x, y)
                    work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = 1.0 if v == v else v
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = rint((v - x) / y)
    elif op == 7:  # floor_divide
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = floor_divide_near(x, y)
            work[o + i] = v
        far = uint64(0)
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            far += uint64(abs(x) > 33554432.0 * abs(y))
        if far:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                if abs(x) > 33554432.0 * abs(y):
                    v = floor_divide(x, y)
                    work[o + i] = v


def one_steps(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 13:  # abs
        v = abs(x)
        if stored & 1:
            work[p] = sign(x)
    elif op == 14:  # sign
        v = sign(x)
    elif op == 15:  # floor
        v = floor(x)
    elif op == 16:  # ceil
        v = ceil(x)
    elif op == 17:  # trunc
        v = trunc(x)
    elif op == 18:  # rint
        v = rint(x)
    elif op == 26:  # copysign
        v = copysign(x, y)
        if stored & 1:
            work[p] = sign(x) * copysign(1.0, y)
    elif op == 76:  # with_gradient
        v = x
        if stored & 2:
            work[p + uint64(1)] = 1.0 if v == v else v
    work[o] = v


def block_steps(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 13:  # abs
        for i in range(n):
            x = work[xo + i]
            v = abs(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = sign(x)
    elif op == 14:  # sign
        for i in range(n):
            x = work[xo + i]
            v = sign(x)
            work[o + i] = v
    elif op == 15:  # floor
        for i in range(n):
            x = work[xo + i]
            v = floor(x)
            work[o + i] = v
    elif op == 16:  # ceil
        for i in range(n):
            x = work[xo + i]
            v = ceil(x)
            work[o + i] = v
    elif op == 17:  # trunc
        for i in range(n):
            x = work[xo + i]
            v = trunc(x)
            work[o + i] = v
    elif op == 18:  # rint
        for i in range(n):
            x = work[xo + i]
            v = rint(x)
            work[o + i] = v
    elif op == 26:  # copysign
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = copysign(x, y)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                work[dx + i] = sign(x) * copysign(1.0, y)
    elif op == 76:  # with_gradient
        for i in range(n):
            x = work[xo + i]
            v = x
            work[o + i] = v
        if dy:
            for i in range(n):
                v = work[o + i]
                work[dy + i] = 1.0 if v == v else v


def one_bounds(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 19:  # relu
        v = x if x > 0.0 or x != x else 0.0
        if stored & 1:
            work[p] = 1.0 if x > 0.0 else x if x != x else 0.0
    elif op == 24:  # clip_low
        v = x if x > y or x != x else y
        if stored & 1:
            work[p] = v if v != v else 1.0 if x > y else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else 0.0 if x > y else 1.0
    elif op == 25:  # clip_high
        v = x if x < y or x != x else y
        if stored & 1:
            work[p] = v if v != v else 1.0 if x < y else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else 0.0 if x < y else 1.0
    work[o] = v


def block_bounds(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 19:  # relu
        for i in range(n):
            x = work[xo + i]
            v = x if x > 0.0 or x != x else 0.0
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = 1.0 if x > 0.0 else x if x != x else 0.0
    elif op == 24:  # clip_low
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = x if x > y or x != x else y
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else 1.0 if x > y else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else 0.0 if x > y else 1.0
    elif op == 25:  # clip_high
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = x if x < y or x != x else y
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else 1.0 if x < y else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else 0.0 if x < y else 1.0


def one_extremes(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 20:  # maximum
        v = x if x >= y or x != x else y
        if stored & 1:
            work[p] = v if v != v else 1.0 if x > y else 0.5 if x == y else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else 1.0 if y > x else 0.5 if x == y else 0.0
    elif op == 21:  # minimum
        v = x if x <= y or x != x else y
        if stored & 1:
            work[p] = v if v != v else 1.0 if x < y else 0.5 if x == y else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else 1.0 if y < x else 0.5 if x == y else 0.0
    elif op == 22:  # fmax
        v = x if x >= y or y != y else y
        if stored & 1:
            work[p] = v if v != v else 1.0 if x > y or y != y else 0.5 if x == y else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else 1.0 if y > x or x != x else 0.5 if x == y else 0.0
    elif op == 23:  # fmin
        v = x if x <= y or y != y else y
        if stored & 1:
            work[p] = v if v != v else 1.0 if x < y or y != y else 0.5 if x == y else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else 1.0 if y < x or x != x else 0.5 if x == y else 0.0
    work[o] = v


def block_extremes(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 20:  # maximum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = x if x >= y or x != x else y
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else 1.0 if x > y else 0.5 if x == y else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else 1.0 if y > x else 0.5 if x == y else 0.0
    elif op == 21:  # minimum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = x if x <= y or x != x else y
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else 1.0 if x < y else 0.5 if x == y else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else 1.0 if y < x else 0.5 if x == y else 0.0
    elif op == 22:  # fmax
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = x if x >= y or y != y else y
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else 1.0 if x > y or y != y else 0.5 if x == y else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else 1.0 if y > x or x != x else 0.5 if x == y else 0.0
    elif op == 23:  # fmin
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = x if x <= y or y != y else y
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else 1.0 if x < y or y != y else 0.5 if x == y else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else 1.0 if y < x or x != x else 0.5 if x == y else 0.0


def one_gates(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 27:  # gate
        v = y if x != 0.0 else -0.0
        if stored & 2:
            work[p + uint64(1)] = 1.0 if x != 0.0 else 0.0
    elif op == 28:  # gate_not
        v = -0.0 if x != 0.0 else y
        if stored & 2:
            work[p + uint64(1)] = 0.0 if x != 0.0 else 1.0
    work[o] = v


def block_gates(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 27:  # gate
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = y if x != 0.0 else -0.0
            work[o + i] = v
        if dy:
            for i in range(n):
                x = work[xo + i]
                work[dy + i] = 1.0 if x != 0.0 else 0.0
    elif op == 28:  # gate_not
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = -0.0 if x != 0.0 else y
            work[o + i] = v
        if dy:
            for i in range(n):
                x = work[xo + i]
                work[dy + i] = 0.0 if x != 0.0 else 1.0


def one_exponential(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 29:  # exp
        v = exp(x)
    elif op == 32:  # log
        v = log(x)
        if stored & 1:
            work[p] = 1.0 / x if v == v else v
    work[o] = v


def block_exponential(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 29:  # exp
        for i in range(n):
            x = work[xo + i]
            v = exp(x)
            work[o + i] = v
    elif op == 32:  # log
        for i in range(n):
            x = work[xo + i]
            v = log(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = 1.0 / x if v == v else v


def one_bases(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 30:  # exp2
        v = exp2(x)
        if stored & 1:
            work[p] = v * LN2
    elif op == 31:  # expm1
        v = expm1(x)
        if stored & 1:
            work[p] = exp(x)
    elif op == 33:  # log2
        v = log2(x)
        if stored & 1:
            work[p] = LOG2_E / x if v == v else v
    elif op == 34:  # log10
        v = log10(x)
        if stored & 1:
            work[p] = LOG10_E / x if v == v else v
    elif op == 35:  # log1p
        v = log1p(x)
        if stored & 1:
            work[p] = 1.0 / (1.0 + x) if v == v else v
    work[o] = v


def block_bases(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 30:  # exp2
        for i in range(n):
            x = work[xo + i]
            v = exp2(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = v * LN2
    elif op == 31:  # expm1
        for i in range(n):
            x = work[xo + i]
            v = expm1(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = exp(x)
    elif op == 33:  # log2
        for i in range(n):
            x = work[xo + i]
            v = log2(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = LOG2_E / x if v == v else v
    elif op == 34:  # log10
        for i in range(n):
            x = work[xo + i]
            v = log10(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = LOG10_E / x if v == v else v
    elif op == 35:  # log1p
        for i in range(n):
            x = work[xo + i]
            v = log1p(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = 1.0 / (1.0 + x) if v == v else v


def one_logistic(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 36:  # logaddexp
        v = logaddexp(x, y)
        if stored & 1:
            work[p] = 0.5 if x == y else expit(x - y)
        if stored & 2:
            work[p + uint64(1)] = 0.5 if x == y else expit(y - x)
    elif op == 39:  # expit
        v = expit(x)
        if stored & 1:
            work[p] = v * expit(-x)
    elif op == 40:  # log_expit
        v = -softplus(-x)
        if stored & 1:
            work[p] = expit(-x)
    elif op == 41:  # softplus
        v = softplus(x)
        if stored & 1:
            work[p] = expit(x)
    work[o] = v


def block_logistic(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 36:  # logaddexp
        if dx and dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = logaddexp(x, y)
                work[o + i] = v
                work[dx + i] = 0.5 if x == y else expit(x - y)
                work[dy + i] = 0.5 if x == y else expit(y - x)
        elif dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = logaddexp(x, y)
                work[o + i] = v
                work[dx + i] = 0.5 if x == y else expit(x - y)
        elif dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = logaddexp(x, y)
                work[o + i] = v
                work[dy + i] = 0.5 if x == y else expit(y - x)
        else:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = logaddexp(x, y)
                work[o + i] = v
    elif op == 39:  # expit
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = expit(x)
                work[o + i] = v
                work[dx + i] = v * expit(-x)
        else:
            for i in range(n):
                x = work[xo + i]
                v = expit(x)
                work[o + i] = v
    elif op == 40:  # log_expit
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = -softplus(-x)
                work[o + i] = v
                work[dx + i] = expit(-x)
        else:
            for i in range(n):
                x = work[xo + i]
                v = -softplus(-x)
                work[o + i] = v
    elif op == 41:  # softplus
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = softplus(x)
                work[o + i] = v
                work[dx + i] = expit(x)
        else:
            for i in range(n):
                x = work[xo + i]
                v = softplus(x)
                work[o + i] = v


def one_entropy(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 37:  # xlogy
        v = xlogy(x, y)
        if stored & 1:
            work[p] = v if v != v else log(y) if x != 0.0 or y != 0.0 else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else x / y if x != 0.0 or y != 0.0 else 0.0
    elif op == 38:  # xlog1py
        v = xlog1py(x, y)
        if stored & 1:
            work[p] = v if v != v else log1p(y) if x != 0.0 or y != -1.0 else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else x / (1.0 + y) if x != 0.0 or y != -1.0 else 0.0
    work[o] = v


def block_entropy(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 37:  # xlogy
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = xlogy(x, y)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else log(y) if x != 0.0 or y != 0.0 else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else x / y if x != 0.0 or y != 0.0 else 0.0
    elif op == 38:  # xlog1py
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = xlog1py(x, y)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else log1p(y) if x != 0.0 or y != -1.0 else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else x / (1.0 + y) if x != 0.0 or y != -1.0 else 0.0


def one_circular(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 42:  # sin
        if abs(x) > 1e6:
            v = sin(x)
            if stored & 1:
                work[p] = cos(x)
        else:
            v = sin_near(x)
            if stored & 1:
                work[p] = cos_near(x)
    elif op == 43:  # cos
        if abs(x) > 1e6:
            v = cos(x)
            if stored & 1:
                work[p] = -sin(x)
        else:
            v = cos_near(x)
            if stored & 1:
                work[p] = -sin_near(x)
    work[o] = v


def block_circular(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 42:  # sin
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = sin_near(x)
                work[o + i] = v
                work[dx + i] = cos_near(x)
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                far += uint64(abs(x) > 1e6)
            if far:
                for i in range(n):
                    x = work[xo + i]
                    if abs(x) > 1e6:
                        v = sin(x)
                        work[o + i] = v
                        work[dx + i] = cos(x)
        else:
            for i in range(n):
                x = work[xo + i]
                v = sin_near(x)
                work[o + i] = v
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                far += uint64(abs(x) > 1e6)
            if far:
                for i in range(n):
                    x = work[xo + i]
                    if abs(x) > 1e6:
                        v = sin(x)
                        work[o + i] = v
    elif op == 43:  # cos
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = cos_near(x)
                work[o + i] = v
                work[dx + i] = -sin_near(x)
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                far += uint64(abs(x) > 1e6)
            if far:
                for i in range(n):
                    x = work[xo + i]
                    if abs(x) > 1e6:
                        v = cos(x)
                        work[o + i] = v
                        work[dx + i] = -sin(x)
        else:
            for i in range(n):
                x = work[xo + i]
                v = cos_near(x)
                work[o + i] = v
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                far += uint64(abs(x) > 1e6)
            if far:
                for i in range(n):
                    x = work[xo + i]
                    if abs(x) > 1e6:
                        v = cos(x)
                        work[o + i] = v


def one_tangent(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 44:  # tan
        if abs(x) > 1e6:
            v = tan(x)
            if stored & 1:
                work[p] = 1.0 + v * v
        else:
            v = tan_near(x)
            if stored & 1:
                work[p] = 1.0 + v * v
    elif op == 56:  # sinc
        v = sinc(x)
        if stored & 1:
            work[p] = sinc_dx(x, v)
    work[o] = v


def block_tangent(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 44:  # tan
        for i in range(n):
            x = work[xo + i]
            v = tan_near(x)
            work[o + i] = v
        far = uint64(0)
        for i in range(n):
            x = work[xo + i]
            far += uint64(abs(x) > 1e6)
        if far:
            for i in range(n):
                x = work[xo + i]
                if abs(x) > 1e6:
                    v = tan(x)
                    work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = 1.0 + v * v
    elif op == 56:  # sinc
        for i in range(n):
            x = work[xo + i]
            v = sinc(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = sinc_dx(x, v)


def one_inverse(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 45:  # arcsin
        v = arcsin(x)
        if stored & 1:
            work[p] = 1.0 / sqrt((1.0 - x) * (1.0 + x))
    elif op == 46:  # arccos
        v = arccos(x)
        if stored & 1:
            work[p] = -1.0 / sqrt((1.0 - x) * (1.0 + x))
    elif op == 47:  # arctan
        v = arctan(x)
        if stored & 1:
            work[p] = 1.0 / (1.0 + x * x)
    work[o] = v


def block_inverse(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 45:  # arcsin
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = arcsin(x)
                work[o + i] = v
                work[dx + i] = 1.0 / sqrt((1.0 - x) * (1.0 + x))
        else:
            for i in range(n):
                x = work[xo + i]
                v = arcsin(x)
                work[o + i] = v
    elif op == 46:  # arccos
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = arccos(x)
                work[o + i] = v
                work[dx + i] = -1.0 / sqrt((1.0 - x) * (1.0 + x))
        else:
            for i in range(n):
                x = work[xo + i]
                v = arccos(x)
                work[o + i] = v
    elif op == 47:  # arctan
        for i in range(n):
            x = work[xo + i]
            v = arctan(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = 1.0 / (1.0 + x * x)


def one_plane(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 48:  # arctan2
        v = arctan2(x, y)
        if stored & 1:
            work[p] = v if v != v else y / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0
        if stored & 2:
            work[p + uint64(1)] = v if v != v else -x / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0
    elif op == 55:  # hypot
        v = hypot(x, y)
        if stored & 1:
            work[p] = x / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(x) < abs(y) else copysign(1.0, x) if abs(x) > abs(y) else copysign(SQRT_HALF, x) if abs(x) == abs(y) else nan
        if stored & 2:
            work[p + uint64(1)] = y / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(y) < abs(x) else copysign(1.0, y) if abs(y) > abs(x) else copysign(SQRT_HALF, y) if abs(y) == abs(x) else nan
    work[o] = v


def block_plane(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 48:  # arctan2
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = arctan2(x, y)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = v if v != v else y / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = v if v != v else -x / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0
    elif op == 55:  # hypot
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = hypot(x, y)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dx + i] = x / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(x) < abs(y) else copysign(1.0, x) if abs(x) > abs(y) else copysign(SQRT_HALF, x) if abs(x) == abs(y) else nan
        if dy:
            for i in range(n):
                x = work[xo + i]
                y = work[yo + i]
                v = work[o + i]
                work[dy + i] = y / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(y) < abs(x) else copysign(1.0, y) if abs(y) > abs(x) else copysign(SQRT_HALF, y) if abs(y) == abs(x) else nan


def one_hyperbolic(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 49:  # sinh
        v = sinh(x)
        if stored & 1:
            work[p] = cosh(x)
    elif op == 50:  # cosh
        v = cosh(x)
        if stored & 1:
            work[p] = sinh(x)
    elif op == 51:  # tanh
        v = tanh(x)
        if stored & 1:
            work[p] = sech2(x)
    work[o] = v


def block_hyperbolic(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 49:  # sinh
        for i in range(n):
            x = work[xo + i]
            v = sinh(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = cosh(x)
    elif op == 50:  # cosh
        for i in range(n):
            x = work[xo + i]
            v = cosh(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = sinh(x)
    elif op == 51:  # tanh
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = tanh(x)
                work[o + i] = v
                work[dx + i] = sech2(x)
        else:
            for i in range(n):
                x = work[xo + i]
                v = tanh(x)
                work[o + i] = v


def one_areas(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 52:  # arcsinh
        v = arcsinh(x)
        if stored & 1:
            work[p] = 1.0 / hypot(x, 1.0)
    elif op == 53:  # arccosh
        v = arccosh(x)
        if stored & 1:
            work[p] = 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))
    elif op == 54:  # arctanh
        v = arctanh(x)
        if stored & 1:
            work[p] = 1.0 / ((1.0 - x) * (1.0 + x)) if v == v else v
    work[o] = v


def block_areas(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 52:  # arcsinh
        for i in range(n):
            x = work[xo + i]
            v = arcsinh(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = 1.0 / hypot(x, 1.0)
    elif op == 53:  # arccosh
        for i in range(n):
            x = work[xo + i]
            v = arccosh(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))
    elif op == 54:  # arctanh
        for i in range(n):
            x = work[xo + i]
            v = arctanh(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = 1.0 / ((1.0 - x) * (1.0 + x)) if v == v else v


def one_error(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 57:  # erf
        v = erf_alone(x)
        if stored & 1:
            work[p] = TWO_OVER_SQRT_PI * exp(-x * x)
    elif op == 58:  # erfc
        v = erfc_alone(x)
        if stored & 1:
            work[p] = -TWO_OVER_SQRT_PI * exp(-x * x)
    work[o] = v


def block_error(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 57:  # erf
        for i in range(n):
            x = work[xo + i]
            v = erf(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = TWO_OVER_SQRT_PI * exp(-x * x)
    elif op == 58:  # erfc
        for i in range(n):
            x = work[xo + i]
            v = erfc(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = -TWO_OVER_SQRT_PI * exp(-x * x)


def one_normal(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 59:  # ndtr
        v = ndtr(x)
        if stored & 1:
            work[p] = INV_SQRT_TWO_PI * exp(-0.5 * x * x)
    elif op == 60:  # log_ndtr
        v = log_ndtr(x)
        if stored & 1:
            work[p] = log_ndtr_dx(x)
    work[o] = v


def block_normal(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 59:  # ndtr
        for i in range(n):
            x = work[xo + i]
            v = ndtr(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = INV_SQRT_TWO_PI * exp(-0.5 * x * x)
    elif op == 60:  # log_ndtr
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = log_ndtr(x)
                work[o + i] = v
                work[dx + i] = log_ndtr_dx(x)
        else:
            for i in range(n):
                x = work[xo + i]
                v = log_ndtr(x)
                work[o + i] = v


def one_gamma(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 61:  # gammaln
        if x <= 0.0:
            v = gammaln(x)
            if stored & 1:
                work[p] = digamma(x)
        else:
            v = gammaln_near(x)
            if stored & 1:
                work[p] = digamma_near(x)
    elif op == 62:  # digamma
        if x <= 0.0:
            v = digamma(x)
            if stored & 1:
                work[p] = trigamma(x) if v == v else v
        else:
            v = digamma_near(x)
            if stored & 1:
                work[p] = trigamma_near(x) if v == v else v
    work[o] = v


def block_gamma(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 61:  # gammaln
        for i in range(n):
            x = work[xo + i]
            v = gammaln_near(x)
            work[o + i] = v
        far = uint64(0)
        for i in range(n):
            x = work[xo + i]
            far += uint64(x <= 0.0)
        if far:
            for i in range(n):
                x = work[xo + i]
                if x <= 0.0:
                    v = gammaln(x)
                    work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                work[dx + i] = digamma_near(x)
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                far += uint64(x <= 0.0)
            if far:
                for i in range(n):
                    x = work[xo + i]
                    if x <= 0.0:
                        work[dx + i] = digamma(x)
    elif op == 62:  # digamma
        for i in range(n):
            x = work[xo + i]
            v = digamma_near(x)
            work[o + i] = v
        far = uint64(0)
        for i in range(n):
            x = work[xo + i]
            far += uint64(x <= 0.0)
        if far:
            for i in range(n):
                x = work[xo + i]
                if x <= 0.0:
                    v = digamma(x)
                    work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = trigamma_near(x) if v == v else v
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                far += uint64(x <= 0.0)
            if far:
                for i in range(n):
                    x = work[xo + i]
                    v = work[o + i]
                    if x <= 0.0:
                        work[dx + i] = trigamma(x) if v == v else v


def block_comparisons(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 63:  # less
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x < y else 0.0
            work[o + i] = v
    elif op == 64:  # less_equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x <= y else 0.0
            work[o + i] = v
    elif op == 65:  # greater
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x > y else 0.0
            work[o + i] = v
    elif op == 66:  # greater_equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x >= y else 0.0
            work[o + i] = v
    elif op == 67:  # equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x == y else 0.0
            work[o + i] = v
    elif op == 68:  # not_equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x != y else 0.0
            work[o + i] = v


def one_conditions(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    y = work[b]
    if op == 69:  # logical_and
        v = 1.0 if x != 0.0 and y != 0.0 else 0.0
    elif op == 70:  # logical_or
        v = 1.0 if x != 0.0 or y != 0.0 else 0.0
    elif op == 71:  # logical_xor
        v = 1.0 if (x != 0.0) != (y != 0.0) else 0.0
    elif op == 72:  # logical_not
        v = 1.0 if x == 0.0 else 0.0
    elif op == 73:  # isnan
        v = 1.0 if x != x else 0.0
    elif op == 74:  # isfinite
        v = 1.0 if x - x == 0.0 else 0.0
    elif op == 75:  # isinf
        v = 1.0 if x == x and x - x != 0.0 else 0.0
    work[o] = v


def block_conditions(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 69:  # logical_and
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x != 0.0 and y != 0.0 else 0.0
            work[o + i] = v
    elif op == 70:  # logical_or
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if x != 0.0 or y != 0.0 else 0.0
            work[o + i] = v
    elif op == 71:  # logical_xor
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = 1.0 if (x != 0.0) != (y != 0.0) else 0.0
            work[o + i] = v
    elif op == 72:  # logical_not
        for i in range(n):
            x = work[xo + i]
            v = 1.0 if x == 0.0 else 0.0
            work[o + i] = v
    elif op == 73:  # isnan
        for i in range(n):
            x = work[xo + i]
            v = 1.0 if x != x else 0.0
            work[o + i] = v
    elif op == 74:  # isfinite
        for i in range(n):
            x = work[xo + i]
            v = 1.0 if x - x == 0.0 else 0.0
            work[o + i] = v
    elif op == 75:  # isinf
        for i in range(n):
            x = work[xo + i]
            v = 1.0 if x == x and x - x != 0.0 else 0.0
            work[o + i] = v


def one_quantiles(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 78:  # ndtri
        v = ndtri(x)
        if stored & 1:
            work[p] = exp(0.5 * v * v) / INV_SQRT_TWO_PI
    elif op == 79:  # erfinv
        v = erfinv(x)
        if stored & 1:
            work[p] = exp(v * v) / TWO_OVER_SQRT_PI
    work[o] = v


def block_quantiles(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 78:  # ndtri
        for i in range(n):
            x = work[xo + i]
            v = ndtri(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = exp(0.5 * v * v) / INV_SQRT_TWO_PI
    elif op == 79:  # erfinv
        for i in range(n):
            x = work[xo + i]
            v = erfinv(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                v = work[o + i]
                work[dx + i] = exp(v * v) / TWO_OVER_SQRT_PI


def one_factorials(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 80:  # gamma
        v = gamma(x)
        if stored & 1:
            work[p] = v * digamma(x) if x != 0.0 else -inf
    work[o] = v


def block_factorials(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 80:  # gamma
        for i in range(n):
            x = work[xo + i]
            v = gamma(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = v * digamma_near(x) if x != 0.0 else -inf
            far = uint64(0)
            for i in range(n):
                x = work[xo + i]
                far += uint64(x <= 0.0)
            if far:
                for i in range(n):
                    x = work[xo + i]
                    v = work[o + i]
                    if x <= 0.0:
                        work[dx + i] = v * digamma(x) if x != 0.0 else -inf


def one_bessel(code, work, op, a, b, o, p, stored, _):
    """One instruction of the family."""
    v = x = work[a]
    if op == 81:  # i0e
        v = i0e(x)
        if stored & 1:
            work[p] = i1e(x) - sign(x) * v
    elif op == 82:  # i1e
        v = i1e(x)
        if stored & 1:
            work[p] = i1e_dx(x, v)
    work[o] = v


def block_bessel(code, work, op, xo, yo, o, n, dx, dy):
    """A block of the family: values, and those partials that have a place."""
    if op == 81:  # i0e
        for i in range(n):
            x = work[xo + i]
            v = i0e(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = i1e(x) - sign(x) * v
    elif op == 82:  # i1e
        for i in range(n):
            x = work[xo + i]
            v = i1e(x)
            work[o + i] = v
        if dx:
            for i in range(n):
                x = work[xo + i]
                v = work[o + i]
                work[dx + i] = i1e_dx(x, v)


# By family: its functions for one instruction and for a block.
ONE_OF = (
    None, one_powers, one_remainders, one_steps, one_bounds, one_extremes, one_gates, one_exponential, one_bases,
    one_logistic, one_entropy, one_circular, one_tangent, one_inverse, one_plane, one_hyperbolic, one_areas,
    one_error, one_normal, one_gamma, None, one_conditions, one_quantiles, one_factorials, one_bessel
)
BLOCK_OF = (
    block_arithmetic, block_powers, block_remainders, block_steps, block_bounds, block_extremes, block_gates,
    block_exponential, block_bases, block_logistic, block_entropy, block_circular, block_tangent, block_inverse,
    block_plane, block_hyperbolic, block_areas, block_error, block_normal, block_gamma, block_comparisons,
    block_conditions, block_quantiles, block_factorials, block_bessel
)
# fmt: on
# </generated>
HEADER = AT + 2 * (AT_FAMILIES + 2 * len(BLOCK_OF))


@inlined
def _signed(step):
    """A step of 32 bits, which may be negative, as an offset of 64."""
    step = uint64(step)
    return step - ((step >> uint64(31)) << uint64(32))


@inlined
def fetch(code, work, mode, at, to, n):
    """Copy an operand that does not lie in a row to where the block reads it."""
    if mode == FILL:
        x = work[at]
        for i in range(n):
            work[to + i] = x
    elif mode == GATHER:
        for i in range(n):
            work[to + i] = work[code[at + i]]
    else:
        start, one = uint64(code[at]), uint64(1)
        inner, outer = _signed(code[at + one]), _signed(code[at + uint64(2)])
        for _ in range(code[at + uint64(3)]):
            x = start
            for i in range(n):
                work[to + i] = work[x]
                x += inner
            start += outer
            to += n


def stretch(code, work, at, n, o, _0, _1, _2, _3):
    """Run ``n`` instructions one at a time, from ``code[at]`` on; their results go to ``work[o]`` and the slots after it."""
    one = uint64(1)
    for k in range(n):
        word = code[at]
        op, stored = word & 255, word >> 16
        a, b, p = uint64(code[at + one]), uint64(code[at + uint64(2)]), uint64(code[at + uint64(3)])
        at += uint64(WORDS)
        x, y = work[a], work[b]
        # <generated: instructions>
        # fmt: off
        if op == 0:  # add
            v = x + y
        elif op == 1:  # subtract
            v = x - y
        elif op == 2:  # multiply
            v = x * y
        elif op == 3:  # divide
            v = x / y
            if stored & 1:
                work[p] = 1.0 / y
            if stored & 2:
                work[p + uint64(1)] = -v / y
        elif op == 8:  # negative
            v = -x
        elif op == 9:  # reciprocal
            v = 1.0 / x
            if stored & 1:
                work[p] = -v * v
        elif op == 10:  # square
            v = x * x
            if stored & 1:
                work[p] = x + x
        elif op == 11:  # sqrt
            v = sqrt(x)
            if stored & 1:
                work[p] = 0.5 / abs(v)
        elif op == 63:  # less
            v = 1.0 if x < y else 0.0
        elif op == 64:  # less_equal
            v = 1.0 if x <= y else 0.0
        elif op == 65:  # greater
            v = 1.0 if x > y else 0.0
        elif op == 66:  # greater_equal
            v = 1.0 if x >= y else 0.0
        elif op == 67:  # equal
            v = 1.0 if x == y else 0.0
        elif op == 68:  # not_equal
            v = 1.0 if x != y else 0.0
        elif op == 77:  # copy
            v = x
        elif op == 83:  # cube
            v = x * x * x
            if stored & 1:
                work[p] = 3.0 * x * x
        elif op == 84:  # fourth
            v = x * x * (x * x)
            if stored & 1:
                work[p] = 4.0 * x * x * x
        elif op == 85:  # inverse_square
            v = 1.0 / x * (1.0 / x)
            if stored & 1:
                work[p] = -2.0 * v / x
        elif op == FUSED + 0:
            v = work[p] + x * y
        elif op == FUSED + 1:
            v = work[p] - x * y
        elif op == FUSED + 2:
            v = x * y - work[p]
        # fmt: on
        # </generated>
        elif op >= LEAF:
            v = work[o + k]
        else:
            family = uint64(AT_FAMILIES) + uint64(2) * uint64((word >> 8) & 255)
            call(_address(code, family), code, work, uint64(op), a, b, o + k, p, uint64(stored), uint64(0))
            continue
        work[o + k] = v


def _hidden():
    """A way to keep LLVM from seeing how a number follows from others.

    Else it looks whether rows overlap once for all rows to come, by a rule that takes any rows in descending order for overlapping, and
    then computes one number at a time.
    """
    if config.DISABLE_JIT:
        return lambda number: number

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        return builder.call(ir.InlineAsm(ir.FunctionType(word, [word]), "", "=r,0"), arguments)

    @intrinsic
    def hidden(typing_context, number):
        return types.uint64(types.uint64), generate

    return hidden


hidden = _hidden()
# So many numbers of a matrix are read over and over while they are in L1.
TILE = 2048


# The elements of a vector.
LANES = 4
# A tile of a product of matrices: so many rows of so many vectors are added up in registers.
TILE_ROWS, TILE_VECTORS = 4, 2
TILE_WIDTH = LANES * TILE_VECTORS
# The fewest terms that are worth it.
TILE_TERMS = 4
# The longest rows of numbers that are apart: of these scratch, of three times `SCRATCH`, has room for four.
PACKED_WIDTH = 768
# So many terms at a time are added to all tiles of rows: what they are multiplied by stays in L1 meanwhile.
TILE_DEPTH = 192
# Rows of y that so many rows of x are multiplied by are copied side by side first.
PACKED_FROM = 48


def _tile_of():
    """A way to add to a tile, row by row, a number of x for each row and term times a row of y for each term.

    Written in LLVM's own language, because it keeps sums in registers over a loop of terms only where a loop over neighbours is
    none. Each sum is in the order of its terms, each product rounded, as everywhere.
    """
    if config.DISABLE_JIT:

        def in_python(work, o, step_o, x, row_x, term_x, y, term_y, terms):
            for r in range(TILE_ROWS):
                for j in range(TILE_WIDTH):
                    v = work[o + r * step_o + j]
                    for t in range(terms):
                        v += work[x + r * row_x + t * term_x] * work[y + t * term_y + j]
                    work[o + r * step_o + j] = v

        return in_python

    word, number = ir.IntType(64), ir.DoubleType()
    vector, lanes = ir.VectorType(number, LANES), ir.VectorType(ir.IntType(32), LANES)

    def generate(context, builder, signature, arguments):
        work, o, step_o, x, row_x, term_x, y, term_y, terms = arguments

        def along(start, step, i):
            return start if i == 0 else builder.add(start, builder.mul(step, word(i)))

        def place(at, kind):
            return builder.bitcast(builder.gep(work, [at]), kind.as_pointer())

        def spread(a):
            nothing = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(nothing, a, ir.IntType(32)(0))
            return builder.shuffle_vector(first, nothing, ir.Constant(lanes, [0] * LANES))

        where = [along(along(o, step_o, r), word(LANES), v) for r in range(TILE_ROWS) for v in range(TILE_VECTORS)]
        sums = [builder.load(place(at, vector), align=8) for at in where]
        before, loop, after = builder.block, builder.append_basic_block("terms"), builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        left, xt, yt = builder.phi(word), builder.phi(word), builder.phi(word)
        running = [builder.phi(vector) for _ in sums]
        for phi, start in zip((left, xt, yt, *running), (terms, x, y, *sums), strict=True):
            phi.add_incoming(start, before)
        row = [builder.load(place(along(yt, word(LANES), v), vector), align=8) for v in range(TILE_VECTORS)]
        following = []
        for r in range(TILE_ROWS):
            a = spread(builder.load(builder.gep(work, [along(xt, row_x, r)])))
            for v in range(TILE_VECTORS):
                following.append(builder.fadd(running[r * TILE_VECTORS + v], builder.fmul(a, row[v])))
        steps = builder.sub(left, word(1)), builder.add(xt, term_x), builder.add(yt, term_y)
        for phi, step in zip((left, xt, yt, *running), (*steps, *following), strict=True):
            phi.add_incoming(step, loop)
        builder.cbranch(builder.icmp_unsigned("!=", steps[0], word(0)), loop, after)
        builder.position_at_end(after)
        for at, total in zip(where, following, strict=True):
            builder.store(total, place(at, vector), align=8)
        return context.get_dummy_value()

    @intrinsic
    def tile(typing_context, work, o, step_o, x, row_x, term_x, y, term_y, terms):
        return types.void(work, *[types.uint64] * 8), generate

    return tile


add_to_tile = _tile_of()


@inlined
def _scratch(code):
    return uint64(2) * uint64(code[SLOTS]) + uint64(len(CONSTANTS))


@helper
def _tile(n, apart):
    """How many rows of ``n`` numbers are read over and over, in fours; of rows to be packed, as many as have room in scratch."""
    one, four = uint64(1), uint64(4)
    tile = max(uint64(TILE) // n // four * four, four)
    return tile if apart == one else min(tile, uint64(3 * SCRATCH) // n)


@helper
def _packed(work, scratch, at, step, apart, rows, n):
    """Where rows of ``n`` numbers lie behind each other, and the step from one to the next: copied to scratch if theirs are ``apart``."""
    if apart == uint64(1):
        return at, step
    for i in range(n):
        for r in range(rows):
            work[scratch + r * n + i] = work[at + r * step + i * apart]
    return scratch, n


@helper
def _accumulate(work, o, step_o, rows, x, row_x, term_x, y, term_y, terms, n):
    """Add products of matrices to rows of ``n`` numbers: a number of x, for each row and term, times a row of y, for each term.

    Each sum is in the order of its terms. Four of them at a time, for two rows at a time where those are apart: 11 to 16 products a
    nanosecond, where one term and one row at a time takes as long for 2 to 4.
    """
    one, two, three, four = uint64(1), uint64(2), uint64(3), uint64(4)
    r = uint64(0)
    while r < rows:
        both = r + one < rows and step_o >= n
        p, xr, xp, yt, left = o + step_o, x, x + row_x, y, terms
        while left >= four:
            a0, a1, a2, a3 = work[xr], work[xr + term_x], work[xr + two * term_x], work[xr + three * term_x]
            y0 = yt if both else hidden(yt)
            y1 = y0 + term_y
            y2 = y1 + term_y
            y3 = y2 + term_y
            if both:
                b0, b1, b2, b3 = work[xp], work[xp + term_x], work[xp + two * term_x], work[xp + three * term_x]
                for j in range(n):
                    c0, c1, c2, c3 = work[y0 + j], work[y1 + j], work[y2 + j], work[y3 + j]
                    u, v = work[o + j], work[p + j]
                    u = u + a0 * c0
                    v = v + b0 * c0
                    u = u + a1 * c1
                    v = v + b1 * c1
                    u = u + a2 * c2
                    v = v + b2 * c2
                    u = u + a3 * c3
                    v = v + b3 * c3
                    work[o + j] = u
                    work[p + j] = v
            else:
                for j in range(n):
                    v = work[o + j] + a0 * work[y0 + j]
                    v = v + a1 * work[y1 + j]
                    v = v + a2 * work[y2 + j]
                    v = v + a3 * work[y3 + j]
                    work[o + j] = v
            xr += four * term_x
            xp += four * term_x
            yt += four * term_y
            left -= four
        while left:
            a = work[xr]
            for j in range(n):
                work[o + j] += a * work[yt + j]
            if both:
                a = work[xp]
                for j in range(n):
                    work[p + j] += a * work[yt + j]
            xr += term_x
            xp += term_x
            yt += term_y
            left -= one
        r += two if both else one
        o += two * step_o if both else step_o
        x += two * row_x if both else row_x


@helper
def _add_product(work, scratch, o, step_o, rows, x, row_x, term_x, y, term_y, apart, terms, n):
    """`_accumulate` for any number of terms, by as many as are in L1, and for rows of y whose numbers are ``apart``."""
    tile = _tile(n, apart)
    while terms:
        some = min(terms, tile)
        yt, step = _packed(work, scratch, y, term_y, apart, some, n)
        _accumulate(work, o, step_o, rows, x, row_x, term_x, yt, step, some, n)
        x += some * term_x
        y += some * term_y
        terms -= some


@helper
def _add_tiles(work, scratch, o, step_o, rows, x, row_x, term_x, y, term_y, apart, terms, n):
    """`_add_product` for whole tiles of rows: what is too narrow for a tile is added up in scratch, beside rows of nothing."""
    one, height, width = uint64(1), uint64(TILE_ROWS), uint64(TILE_WIDTH)
    panel = scratch + height * width
    while terms:
        some, j = min(terms, uint64(TILE_DEPTH)), uint64(0)
        while j < n:
            wide = min(n - j, width)
            at, step = y + j, term_y
            if apart != one or wide < width or rows >= uint64(PACKED_FROM):
                start, to = y + j * apart, panel
                for _ in range(some):
                    if wide == width:
                        for q in range(width):
                            work[to + q] = work[start + q * apart]
                    else:
                        for q in range(width):
                            work[to + q] = work[start + q * apart] if q < wide else 0.0
                    start += term_y
                    to += width
                at, step = panel, width
            to, xr = o + j, x
            for _ in range(rows // height):
                if wide == width:
                    add_to_tile(work, to, step_o, xr, row_x, term_x, at, step, some)
                else:
                    for r in range(height):
                        for q in range(width):
                            work[scratch + r * width + q] = work[to + r * step_o + q] if q < wide else 0.0
                    add_to_tile(work, scratch, width, xr, row_x, term_x, at, step, some)
                    for r in range(height):
                        for q in range(wide):
                            work[to + r * step_o + q] = work[scratch + r * width + q]
                to += height * step_o
                xr += height * row_x
            j += width
        x += some * term_x
        y += some * term_y
        terms -= some


@helper
def _multiply(work, scratch, o, step_o, rows, x, row_x, term_x, y, term_y, apart, terms, n):
    """`_add_product` by tiles, as far as there are rows for them, and terms enough."""
    whole = rows // uint64(TILE_ROWS) * uint64(TILE_ROWS) if terms >= uint64(TILE_TERMS) else uint64(0)
    if whole:
        _add_tiles(work, scratch, o, step_o, whole, x, row_x, term_x, y, term_y, apart, terms, n)
    wide = n if apart == uint64(1) else min(n, uint64(PACKED_WIDTH))
    to, xr, j = o + whole * step_o, x + whole * row_x, uint64(0)
    while whole < rows and j < n:
        some = min(wide, n - j)
        _add_product(work, scratch, to + j, step_o, rows - whole, xr, row_x, term_x, y + j * apart, term_y, apart, terms, some)
        j += some


@inlined
def _lie_apart(step, n):
    """Whether rows of ``n`` numbers, so far from one to the next, do not overlap."""
    return n <= step < uint64(1 << 31)


@helper
def _running_sums(work, o, rows, x, row_x, y, terms):
    """Add to each of ``rows`` numbers the products of a row of x with the row y, in their order; eight side by side."""
    one, eight = uint64(1), uint64(8)
    while rows >= eight:
        x1 = x + row_x
        x2 = x1 + row_x
        x3 = x2 + row_x
        x4 = x3 + row_x
        x5 = x4 + row_x
        x6 = x5 + row_x
        x7 = x6 + row_x
        v0, v1, v2, v3 = work[o], work[o + one], work[o + uint64(2)], work[o + uint64(3)]
        v4, v5, v6, v7 = work[o + uint64(4)], work[o + uint64(5)], work[o + uint64(6)], work[o + uint64(7)]
        for t in range(terms):
            c = work[y + t]
            v0 += work[x + t] * c
            v1 += work[x1 + t] * c
            v2 += work[x2 + t] * c
            v3 += work[x3 + t] * c
            v4 += work[x4 + t] * c
            v5 += work[x5 + t] * c
            v6 += work[x6 + t] * c
            v7 += work[x7 + t] * c
        work[o], work[o + one], work[o + uint64(2)], work[o + uint64(3)] = v0, v1, v2, v3
        work[o + uint64(4)], work[o + uint64(5)], work[o + uint64(6)], work[o + uint64(7)] = v4, v5, v6, v7
        x += eight * row_x
        o += eight
        rows -= eight
    while rows:
        v = work[o]
        for t in range(terms):
            v += work[x + t] * work[y + t]
        work[o] = v
        x += row_x
        o += one
        rows -= one


@helper
def _labelled(work, at, rows, step):
    """How far the row is that a label means, where ``rows`` are a ``step`` apart; the first where it means none, as a guard tells."""
    label = work[at]
    return uint64(int64(label)) * step if label >= 0.0 and label < float64(int64(rows)) else uint64(0)


@helper
def _found(work, x, at, step, n):
    """How many of ``n`` numbers in ascending order, from ``at`` on and a ``step`` apart, are not above a number."""
    one = uint64(1)
    low = uint64(0)
    while n:
        half = n >> one
        if work[at + (low + half) * step] <= x:
            low += half + one
            n -= half + one
        else:
            n = half
    return float64(int64(low))


def matrix(code, work, row, _0, _1, _2, _3, _4, _5):
    """Run the row of a product of matrices, or pick rows."""
    one = uint64(1)
    n, rows, terms, o = uint64(code[row + N]), uint64(code[row + REPEATS]), uint64(code[row + TERMS]), uint64(code[row + OUT])
    x, row_x, term_x = uint64(code[row + XI]), _signed(code[row + RX]), _signed(code[row + TERM_X])
    y, next_y, term_y = uint64(code[row + YI]), _signed(code[row + RY]), _signed(code[row + TERM_Y])
    z, row_z, to = uint64(code[row + ZO]), _signed(code[row + RZ]), o
    if code[row + LABELS] == PICKS:
        for _ in range(rows):
            start = y + _labelled(work, x, terms, term_y)
            for j in range(n):
                work[to + j] = work[start + j * next_y]
            x += row_x
            to += n
        return
    if code[row + LABELS] == FINDS:
        for _ in range(rows):
            work[to] = _found(work, work[x], y, term_y, terms)
            x += row_x
            to += one
        return
    if code[row + LABELS] >= ADDS:
        for _ in range(rows):
            for j in range(n):
                work[to + j] = work[y + j * next_y]
            y += term_y
            to += n
        for _ in range(terms - rows):
            start = o + _labelled(work, x, rows, n)
            for j in range(n):
                v = work[y + j * next_y]
                work[start + j] = v if code[row + LABELS] == SETS else work[start + j] + v
            y += term_y
            x += row_x
        return
    for _ in range(rows):
        if code[row + MZ] == ROWS:
            for j in range(n):
                work[to + j] = work[z + j]
        else:
            start = work[z]
            for j in range(n):
                work[to + j] = start
        z += row_z
        to += n
    if n == one:
        _running_sums(work, o, rows, x, row_x, y, terms)
    else:
        _multiply(work, _scratch(code), o, n, rows, x, row_x, term_x, y, term_y, next_y, terms, n)


@inlined
def _agrees(code, work, guard):
    """Whether a condition has the recorded outcome."""
    slot = uint64(code[AT_GUARDS]) + guard
    return (work[code[slot]] != 0.0) == (code[slot + uint64(code[N_GUARDS])] != 0)


@inlined
def _row_of(code, guard):
    """The row after which a guard can be checked, and all before it."""
    return uint64(code[uint64(code[AT_GUARDS]) + uint64(2) * uint64(code[N_GUARDS]) + guard])


def forward(code, work, start, stop, partials, guarded, _0, _1, _2):
    """Run rows: values, and those partials that are neither constants nor copies.

    Each guard is checked once all guards up to it can be. Returns the first that disagrees, or `DONE`.
    """
    zero, one = uint64(0), uint64(1)
    guard, guards = zero, uint64(code[N_GUARDS]) if guarded else zero
    while guard < guards and _row_of(code, guard) < start:
        guard += one
    r, again = start, zero
    while r < stop:
        # One loop over rows and their repeats: where loops over a row's repeats stand around them, LLVM makes each vector loop
        # slower to enter.
        if again == zero:
            row = uint64(HEADER) + r * uint64(ROW)
            form, n, o = code[row + FORM], uint64(code[row + N]), uint64(code[row + OUT])
            at, yi = uint64(code[row + XI]), uint64(code[row + YI])
            again = uint64(code[row + REPEATS])
            if form >= BLOCK:
                xo, yo, zo = uint64(code[row + XO]), uint64(code[row + YO]), uint64(code[row + ZO])
                if code[row + MX] > ONE:
                    fetch(code, work, code[row + MX], at, xo, n)
                if code[row + MY] > ONE:
                    fetch(code, work, code[row + MY], yi, yo, n)
                if code[row + MZ] > ONE:
                    fetch(code, work, code[row + MZ], uint64(code[row + ZI]), zo, n)
        again -= one
        if form == STRETCH:
            call(_address(code, uint64(AT_STRETCH)), code, work, at, n, o, zero, zero, zero, zero)
        elif form == CHAIN:
            factor = -1.0 if code[row + OP] else 1.0
            v = work[at]
            if code[row + MY] == ROWS:
                for i in range(n):
                    v += factor * work[yi + i]
            else:
                for i in range(n):
                    v += factor * work[code[yi + i]]
            work[o] = v
        elif form == MATRIX:
            call(_address(code, uint64(AT_MATRIX)), code, work, row, zero, zero, zero, zero, zero, zero)
            again = zero
        elif form == DOT:
            factor = -1.0 if code[row + OP] else 1.0
            v = work[at]
            for i in range(n):
                v += factor * (work[yo + i] * work[zo + i])
            work[o] = v
        elif form == PRODUCT:
            v = work[at]
            work[o - one] = v
            for i in range(n):
                v *= work[yo + i]
                work[o + i] = v
        else:
            # <generated: forms>
            # fmt: off
            if form == CORE + 0:  # x + y, one for all: none
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    work[o + i] = x + y
            elif form == CORE + 1:  # x + y, one for all: x
                x = work[xo]
                for i in range(n):
                    y = work[yo + i]
                    work[o + i] = x + y
            elif form == CORE + 3:  # x - y, one for all: none
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    work[o + i] = x - y
            elif form == CORE + 4:  # x - y, one for all: x
                x = work[xo]
                for i in range(n):
                    y = work[yo + i]
                    work[o + i] = x - y
            elif form == CORE + 5:  # x - y, one for all: y
                y = work[yo]
                for i in range(n):
                    x = work[xo + i]
                    work[o + i] = x - y
            elif form == CORE + 6:  # x * y, one for all: none
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    work[o + i] = x * y
            elif form == CORE + 7:  # x * y, one for all: x
                x = work[xo]
                for i in range(n):
                    y = work[yo + i]
                    work[o + i] = x * y
            elif form == CORE + 9:  # z + x * y, one for all: none
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    z = work[zo + i]
                    work[o + i] = z + x * y
            elif form == CORE + 10:  # z + x * y, one for all: x
                x = work[xo]
                for i in range(n):
                    y = work[yo + i]
                    z = work[zo + i]
                    work[o + i] = z + x * y
            elif form == CORE + 11:  # z - x * y, one for all: none
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    z = work[zo + i]
                    work[o + i] = z - x * y
            elif form == CORE + 12:  # z - x * y, one for all: x
                x = work[xo]
                for i in range(n):
                    y = work[yo + i]
                    z = work[zo + i]
                    work[o + i] = z - x * y
            elif form == CORE + 13:  # x * y - z, one for all: none
                for i in range(n):
                    x = work[xo + i]
                    y = work[yo + i]
                    z = work[zo + i]
                    work[o + i] = x * y - z
            elif form == CORE + 14:  # x * y - z, one for all: x
                x = work[xo]
                for i in range(n):
                    y = work[yo + i]
                    z = work[zo + i]
                    work[o + i] = x * y - z
            # fmt: on
            # </generated>
            else:
                word = code[row + OP]
                family = uint64(AT_FAMILIES) + uint64(2) * uint64(word >> 8) + one
                dx = uint64(code[row + DX]) if partials else zero
                dy = uint64(code[row + DY]) if partials else zero
                call(_address(code, family), code, work, uint64(word & 255), xo, yo, o, uint64(code[row + WIDTH]), dx, dy)
            if again:
                xo += _signed(code[row + RX])
                yo += _signed(code[row + RY])
                zo += _signed(code[row + RZ])
                o += n
                continue
        while guard < guards and _row_of(code, guard) <= r:
            if not _agrees(code, work, guard):
                return int64(guard)
            guard += one
        r += one
    return int64(DONE)


def forward_in_order(code, work, start, stop, _partials, guarded, _0, _1, _2):
    """`forward` where all rows are stretches, for programs that run in recorded order: it compiles in a tenth of the time."""
    zero, one = uint64(0), uint64(1)
    guard, guards = zero, uint64(code[N_GUARDS]) if guarded else zero
    while guard < guards and _row_of(code, guard) < start:
        guard += one
    for r in range(start, stop):
        row = uint64(HEADER) + r * uint64(ROW)
        at, n, o = uint64(code[row + XI]), uint64(code[row + N]), uint64(code[row + OUT])
        call(_address(code, uint64(AT_STRETCH)), code, work, at, n, o, zero, zero, zero, zero)
        while guard < guards and _row_of(code, guard) <= r:
            if not _agrees(code, work, guard):
                return int64(guard)
            guard += one
    return int64(DONE)


@inlined
def _nothing_passes(s, d, plain):
    return (s == 0.0) | ((d == 0.0) & (not plain))


@reordered
def _dot(work, s, d, n):
    """The sum of products of two rows, added up in as many lanes as the processor has."""
    total = 0.0
    for i in range(n):
        total += work[s + i] * work[d + i]
    return total


@reordered
def _products(work, s, d, n, t, sign):
    """Store the products of two rows; returns their sum, added up in as many lanes as the processor has."""
    total = 0.0
    for i in range(n):
        x = sign * work[s + i] * work[d + i]
        work[t + i] = x
        total += x
    return total


@reordered
def _total(work, s, n):
    """The sum of a row, added up in as many lanes as the processor has."""
    total = 0.0
    for i in range(n):
        total += work[s + i]
    return total


@inlined
def _pull_numbers(code, work, t, n, ahead):
    """Run pulls of single numbers, ``n`` from ``code[t]`` on; ``ahead``: those of later ones are asked for from memory meanwhile."""
    one, two, three, four = uint64(1), uint64(2), uint64(3), uint64(4)
    offset = uint64(FLAG - 1)
    for _ in range(n):
        if ahead:
            _ask_for(work, uint64(code[t + uint64(AHEAD)]) & offset)
            _ask_for(work, uint64(code[t + uint64(AHEAD + 1)]) & offset)
        source, partial = uint64(code[t]), uint64(code[t + one])
        x, y = work[source & offset], work[partial & offset]
        p = x * y
        if p != p and (x == 0.0 or (partial > offset and y == 0.0)):
            p = 0.0
        work[code[t + three]] = work[code[t + two]] + (-p if source > offset else p)
        t += four


def singles(code, work, t, n, _0, _1, _2, _3, _4):
    """The same apart from `reverse`: together LLVM runs out of registers for both."""
    _pull_numbers(code, work, t, n, False)


def far_singles(code, work, t, n, _0, _1, _2, _3, _4):
    """The same where numbers lie too far apart for the caches; reads the code by `AHEAD` further than its pulls."""
    _pull_numbers(code, work, t, n, True)


@reordered
def _four_dots(work, s, d0, d1, d2, d3, n):
    """The sums of products of a row with four others, added up in as many lanes as the processor has."""
    t0 = t1 = t2 = t3 = 0.0
    for i in range(n):
        x = work[s + i]
        t0 += x * work[d0 + i]
        t1 += x * work[d1 + i]
        t2 += x * work[d2 + i]
        t3 += x * work[d3 + i]
    return t0, t1, t2, t3


@helper
def _add_dots(work, scratch, s, step_s, rows, d, term_d, apart, t, row_t, term_t, terms, n):
    """Add to one number, for each row and term, the sum of products of a row of s, for each row, with one of d, for each term.

    The numbers of a row of d are ``apart``.
    """
    one, two, three, four = uint64(1), uint64(2), uint64(3), uint64(4)
    tile = _tile(n, apart)
    while terms:
        some, sr, tr = min(terms, tile), s, t
        first, step = _packed(work, scratch, d, term_d, apart, some, n)
        for _ in range(rows):
            dt, to, left = first, tr, some
            while left >= four:
                t0, t1, t2, t3 = _four_dots(work, sr, dt, dt + step, dt + two * step, dt + three * step, n)
                work[to] += t0
                work[to + term_t] += t1
                work[to + two * term_t] += t2
                work[to + three * term_t] += t3
                dt += four * step
                to += four * term_t
                left -= four
            while left:
                work[to] += _dot(work, sr, dt, n)
                dt += step
                to += term_t
                left -= one
            sr += step_s
            tr += row_t
        d += some * term_d
        t += some * term_t
        terms -= some


@reordered
def _zeros(work, s, n):
    """How many numbers of a row are zero."""
    zeros = 0.0
    for i in range(n):
        zeros += 1.0 if work[s + i] == 0.0 else 0.0
    return zeros


@reordered
def _not_finite(work, at, step, n):
    """Zero, or NaN where one of ``n`` numbers is infinite or NaN."""
    others = 0.0
    for i in range(n):
        x = work[at + i * step]
        others += x - x
    return others


@helper
def _all_finite(work, at, row, rows, term, terms, apart, n):
    """Whether no number is infinite or NaN. What does not step is there once."""
    zero, one = uint64(0), uint64(1)
    if apart == zero:  # the inner loop is over what steps
        apart, n, term = term, terms, zero
    for _ in range(rows if row else one):
        to = at
        for _ in range(terms if term else one):
            if _not_finite(work, to, apart, n if apart else one) != 0.0:
                return False
            to += term
        at += row
    return True


def matrix_back(code, work, pull, _0, _1, _2, _3, _4, _5):
    """Run a pull of a product of matrices, or of picked rows."""
    zero, one = uint64(0), uint64(1)
    each, n, apart = code[pull + EACH], uint64(code[pull + COUNT]), _signed(code[pull + APART])
    rows, terms = uint64(code[pull + TIMES_RUN]), uint64(code[pull + TERMS_RUN])
    s, row_s, term_s = uint64(code[pull + SOURCE]), _signed(code[pull + STEP_SOURCE]), _signed(code[pull + TERM_SOURCE])
    d, row_d, term_d = uint64(code[pull + PARTIAL_AT]), _signed(code[pull + STEP_PARTIAL]), _signed(code[pull + TERM_PARTIAL])
    t, row_t, term_t = uint64(code[pull + TARGET]), _signed(code[pull + STEP_TARGET]), _signed(code[pull + TERM_TARGET])
    if code[pull + SWITCH] == ADDS:
        for k in range(terms):
            start = s + (k * n if k < rows else _labelled(work, d + (k - rows) * row_d, rows, n))
            for j in range(n):
                work[t + j * apart] += work[start + j]
            t += term_t
        return
    if code[pull + SWITCH] == PICKS:  # only what was picked takes anything
        for _ in range(rows):
            start = t + _labelled(work, d, terms, term_t)
            for j in range(n):
                work[start + j * apart] += work[s + j]
            d += row_d
            s += n
        return
    next_s, next_d, next_t = one, apart, zero  # PRODUCTS
    x, row_x, term_x, y, term_y = s, row_s, term_s, d, term_d
    if each == SCALED:
        next_d, next_t = zero, apart
        x, row_x, term_x, y, term_y = d, row_d, term_d, s, term_s
    elif each == FACTORS:
        next_s, next_t = zero, apart
    # all adjoints of the product, which lie in one row
    adjoints = (rows if row_s else one) * (terms if term_s else one) * (n if next_s else one)
    scratch = _scratch(code)
    if _zeros(work, s, adjoints) and not _all_finite(work, d, row_d, rows, term_d, terms, next_d, n):
        for r in range(rows):  # a zero adjoint passes nothing, whatever the partial
            for k in range(terms):
                at, by, to = s + r * row_s + k * term_s, d + r * row_d + k * term_d, t + r * row_t + k * term_t
                for i in range(n):
                    v, p = work[at + i * next_s], work[by + i * next_d]
                    work[to + i * next_t] += v * p if v != 0.0 else 0.0
    elif each == PRODUCTS and term_t == one and _lie_apart(row_t, terms):
        _multiply(work, scratch, t, row_t, rows, s, row_s, one, d, apart, term_d, n, terms)
    elif each == PRODUCTS and row_t == one and _lie_apart(term_t, rows):
        _multiply(work, scratch, t, term_t, terms, d, term_d, apart, s, one, row_s, n, rows)
    elif each == PRODUCTS:
        _add_dots(work, scratch, s, row_s, rows, d, term_d, apart, t, row_t, term_t, terms, n)
    elif apart == one and _lie_apart(row_t, n):
        _multiply(work, scratch, t, row_t, rows, x, row_x, term_x, y, term_y, one, terms, n)
    elif each == SCALED and row_t == one and _lie_apart(apart, rows):
        _multiply(work, scratch, t, apart, n, s, one, term_s, d, term_d, row_d, terms, rows)
    else:
        # rows whose numbers are apart are added up in scratch
        some, to, step = (rows, t, row_t) if apart == one else (_tile(n, apart), scratch, n)
        while rows:
            some = min(rows, some)
            if apart != one:
                for i in range(some * n):
                    work[scratch + i] = 0.0
            _add_product(work, scratch, to, step, some, x, row_x, term_x, y, term_y, one, terms, n)
            if apart != one:
                for i in range(n):
                    for r in range(some):
                        work[t + r * row_t + i * apart] += work[scratch + r * n + i]
            x += some * row_x
            t += some * row_t
            rows -= some


@inlined
def _clear(code, work, t, n, seed):
    """Clear adjoints, ``n`` ranges of them, and seed one."""
    two = uint64(2)
    for k in range(n):
        at = uint64(code[t + two * k])
        for i in range(uint64(code[t + two * k + uint64(1)])):
            work[at + i] = 0.0
    work[seed] = 1.0


def reverse_in_order(code, work, start, stop, _0, _1, _2, _3, _4):
    """`reverse` where all pulls are of single numbers, for programs that run in recorded order."""
    for r in range(start, stop):
        row = uint64(code[AT_PULLS]) + r * uint64(PULL)
        n, t = uint64(code[row + COUNT]), uint64(code[row + TARGET])
        if code[row + PULLS] == CLEAR:
            _clear(code, work, t, n, uint64(code[row + SOURCE]))
        else:
            _pull_numbers(code, work, t, n, False)


def reverse(code, work, start, stop, _0, _1, _2, _3, _4):
    """Run pulls; knows no operation, only where adjoints and partials are.

    A zero adjoint contributes nothing, whatever the partial; to a switch neither does a zero partial. Sums into one adjoint
    run in as many lanes as the processor has, and lists from their last element to the first.
    """
    zero, one = uint64(0), uint64(1)
    adj = uint64(code[SLOTS])
    r, again = start, zero
    while r < stop:
        if again == zero:
            row = uint64(code[AT_PULLS]) + r * uint64(PULL)
            what, n = code[row + PULLS], uint64(code[row + COUNT])
            s, d, t = uint64(code[row + SOURCE]), uint64(code[row + PARTIAL_AT]), uint64(code[row + TARGET])
            again = uint64(code[row + TIMES_RUN])
            sign = -1.0 if code[row + SIGN] else 1.0
            plain = code[row + SWITCH] == 0
            where, adds = what >> 4, (what >> 3) & 1
            what &= 7
        again -= one
        if what == SINGLES:
            call(_address(code, uint64(AT_SINGLES)), code, work, t, n, zero, zero, zero, zero, zero)
        elif what == CLEAR:
            _clear(code, work, t, n, s)
        elif what == SCALED or what == FACTORS:
            c = sign * work[d] if d else sign
            if what == FACTORS and c == 0.0:  # a zero adjoint passes nothing
                if not adds:
                    for i in range(one if where == TO_ONE else n):
                        work[adj + uint64(code[t + i]) if where == TO_LIST else t + i] = 0.0
            elif what == SCALED and c - c != 0.0:  # infinite or NaN: whatever is zero passes nothing
                total = 0.0
                for back in range(n):
                    i = n - one - back
                    x = work[s + i] * c if work[s + i] != 0.0 else 0.0
                    if where == TO_ONE:
                        total += x
                    else:
                        to = t + i if where == TO_ROW else adj + uint64(code[t + i])
                        work[to] = work[to] + x if adds else x
                if where == TO_ONE:
                    work[t] = work[t] + total if adds else total
            elif where == TO_ROW:
                if adds:
                    for i in range(n):
                        work[t + i] += work[s + i] * c
                else:
                    for i in range(n):
                        work[t + i] = work[s + i] * c
            elif where == TO_ONE:
                total = _total(work, s, n) * c
                work[t] = work[t] + total if adds else total
            elif adds:
                for back in range(n):
                    i = n - one - back
                    work[adj + code[t + i]] += work[s + i] * c
            else:
                for i in range(n):
                    work[adj + code[t + i]] = work[s + i] * c
        elif what == LINKS:
            x = work[s + n - one]
            for back in range(one, n):
                i = n - one - back
                x = work[s + i] + (x * work[d + i + one] if x != 0.0 else 0.0)
                work[s + i] = x
        elif what == MATRICES:
            call(_address(code, uint64(AT_MATRIX_BACK)), code, work, row, zero, zero, zero, zero, zero, zero)
            again = zero
        elif what == SPREAD:
            c = sign * work[s]
            if where == TO_ROW:
                if adds:
                    for i in range(n):
                        work[t + i] += c
                else:
                    for i in range(n):
                        work[t + i] = c
            elif adds:
                for back in range(n):
                    work[adj + code[t + n - one - back]] += c
            else:
                for i in range(n):
                    work[adj + code[t + i]] = c
        elif where != TO_LIST:
            # first as if all were finite; where it is not so, what is zero passes nothing
            total = _dot(work, s, d, n) if adds or where == TO_ONE else _products(work, s, d, n, t, sign)
            finite = total - total == 0.0
            if where == TO_ONE:
                if not finite:
                    total = 0.0
                    for i in range(n):
                        x, y = work[s + i], work[d + i]
                        total += 0.0 if _nothing_passes(x, y, plain) else x * y
                total *= sign
                work[t] = work[t] + total if adds else total
            elif not finite:
                for i in range(n):
                    x, y = work[s + i], work[d + i]
                    x = 0.0 if _nothing_passes(x, y, plain) else sign * x * y
                    work[t + i] = work[t + i] + x if adds else x
            elif adds:
                for i in range(n):
                    work[t + i] += sign * work[s + i] * work[d + i]
        elif adds:
            for back in range(n):
                i = n - one - back
                x, y = work[s + i], work[d + i]
                work[adj + code[t + i]] += 0.0 if _nothing_passes(x, y, plain) else sign * x * y
        else:
            for i in range(n):
                x, y = work[s + i], work[d + i]
                work[adj + code[t + i]] = 0.0 if _nothing_passes(x, y, plain) else sign * x * y
        if again:
            s += n
            d += _signed(code[row + STEP_PARTIAL])
            t += _signed(code[row + STEP_TARGET])
        else:
            r += one


@helper
def _run(code, work, begin, end, mode):
    """Sweep a program: rows ``begin`` to ``end`` forward, or pulls ``begin`` to ``end`` in reverse, or all of both.

    ``work`` has the inputs in its first slots, and after a reverse sweep their adjoints behind all values. Returns the value of
    the output, or NaN where a guard disagrees: slot 0, which nobody reads, then has its index in recorded order, else `DONE`.
    """
    zero = uint64(0)
    work[0] = DONE
    if mode & FORWARD:
        partials, guarded = uint64(mode & PARTIALS), uint64((mode & UNGUARDED) == 0)
        status = ask(_address(code, uint64(AT_FORWARD)), code, work, begin, end, partials, guarded, zero, zero, zero)
        if status != DONE:
            work[0] = status
            return nan
        begin, end = zero, uint64(code[N_PULLS])
    if mode & REVERSE:
        call(_address(code, uint64(AT_REVERSE)), code, work, begin, end, zero, zero, zero, zero, zero)
    return work[uint64(code[OUTPUT])]


# A frame is what one sweep needs, in one array of uint64, so that a call passes a single number: where the code and `work` are in
# memory, which rows to run (or pulls, where it only goes back), the mode, how many arrays are read first, how many are written at the
# end, and the object that is called when the calls that the code counts are over, or 0. Then, for each of those arrays: where it is in
# memory, where its numbers are in `work`, and how many.
CODE_AT, WORK_AT, BEGIN, END, MODE, READS, WRITES, THEN, ARRAYS = 0, 1, 2, 3, 4, 5, 6, 7, 8


def _memory(number):
    """A way for kernels to reach numbers of a type at an address."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    @intrinsic
    def memory(typing_context, address):
        return types.CPointer(number)(types.uint64), generate

    return memory


_words, _addresses, _floats = map(_memory, (types.uint32, types.uint64, types.float64))


@helper
def _run_frame(address):
    """Read the arrays of a frame, sweep, and write, unless a guard disagrees. Returns what `_run` returns."""
    frame, one, three = _addresses(uint64(address)), uint64(1), uint64(3)
    code, work = _words(frame[CODE_AT]), _floats(frame[WORK_AT])
    at = uint64(ARRAYS)
    for _ in range(frame[READS]):
        array, start = _floats(frame[at]), frame[at + one]
        for i in range(frame[at + uint64(2)]):
            work[start + i] = array[i]
        at += three
    value = _run(code, work, frame[BEGIN], frame[END], frame[MODE])
    if work[0] == DONE:
        for _ in range(frame[WRITES]):
            array, start = _floats(frame[at]), frame[at + one]
            for i in range(frame[at + uint64(2)]):
                array[i] = work[start + i]
            at += three
    return value


@jit
def run_frame(address):
    """Run a frame, while other threads run Python."""
    return _run_frame(address)


@jit(nogil=False)
def run_short_frame(address):
    """Run a frame with the GIL kept: to give it away and take it back takes 45 ns, as long as five instructions."""
    return _run_frame(address)


def frame_value(address):
    """The same, by its own address."""
    return _run_frame(address)


@helper
def counted(frame):
    """Count a call, and call what is due; False where that raised. The GIL is held."""
    then, code = cpython.item(frame, 8 * THEN), cpython.item(frame, 8 * CODE_AT)
    if then == uint64(0):
        return True
    left = cpython.item_int32(code, 4 * CALLS)
    if left == uint64(0):
        return True
    cpython.store_int32(code + uint64(4 * CALLS), left - uint64(1))
    if left > uint64(1):
        return True
    out = cpython.PyObject_CallNoArgs(then)
    if out == uint64(0):
        return False
    cpython.Py_DecRef(out)
    return True


def call_frame(own, _):
    """The same as CPython calls it where it may, in half the time: ``own`` are bytes, the address of the frame."""
    frame = cpython.item(own, cpython.BYTES_AT)
    if not counted(frame):
        return uint64(0)
    if cpython.item_int32(cpython.item(frame, 8 * CODE_AT), 4 * SLOTS) <= uint64(SHORT):
        value = _run_frame(frame)
    else:
        thread = cpython.PyEval_SaveThread()
        value = _run_frame(frame)
        cpython.PyEval_RestoreThread(thread)
    return cpython.PyFloat_FromDouble(value)


# The most slots of a program whose frames are short: they take less than a microsecond.
SHORT = 100


@intrinsic
def _pointers(typing_context, *arrays):
    """Arrays as C sees them: an index then takes four fifths of the time to compile, and half as long to run."""

    def generate(context, builder, signature, arguments):
        kinds = signature.args[0]
        data = [
            context.make_array(kind)(context, builder, builder.extract_value(arguments[0], i)).data
            for i, kind in enumerate(kinds)
        ]
        return context.make_tuple(builder, signature.return_type, data)

    # Numba loads a boolean from a pointer as a byte
    numbers = [types.uint8 if array.dtype == types.bool_ else array.dtype for array in arrays]
    return types.Tuple(list(map(types.CPointer, numbers)))(types.StarArgTuple(arrays)), generate


# What a slot is for: to be computed, and to pass a derivative on to the output.
NEEDED, USEFUL = 1, 2


@jit
def simplify(
    op, a, b, bits, first, inputs, commutes, passes_x, passes_y, copy, needed, same, operands, table, products, factors, members
):  # fmt: skip
    """Dead code and common subexpressions: which slots are needed, and the earliest slot with the same value.

    ``needed`` (per slot) comes with the roots set: `NEEDED`, and `USEFUL` where a derivative passes on to the output; ``same`` (per slot)
    comes as the identity; ``operands`` take the operands. Constants with equal ``bits`` are one; results of ``copy`` stay apart.
    ``table`` is a hash table of slots, its size a power of two. For ``products``, ``factors`` and ``members`` see `OF_PRODUCT`.
    """
    n, size, p = len(op), len(table), len(products) // OF_PRODUCT - 1
    op, a, b, bits, commutes, passes_x, passes_y = _pointers(op, a, b, bits, commutes, passes_x, passes_y)
    needed, same, operands, table = _pointers(needed, same, operands, table)
    products, factors, members = _pointers(products, factors, members)
    mask = size - 1
    for i in range(n - 1, -1, -1):
        kind = needed[first + i]
        if op[i] == MATMUL:
            if p >= 0 and i == products[OF_PRODUCT * p]:
                _need(OF_PRODUCT * p, first, products, factors, members, needed)
                p -= 1
        elif kind:
            needed[a[i]] |= kind if passes_x[op[i]] else NEEDED
            needed[b[i]] |= kind if passes_y[op[i]] else NEEDED
    for slot in range(inputs + 1, first):
        if needed[slot]:
            h = _hash(bits[slot], 0) & mask
            while table[h] != 0 and bits[table[h]] != bits[slot]:
                h = (h + 1) & mask
            if table[h] == 0:
                table[h] = slot
            same[slot] = table[h]
    for h in range(size):
        table[h] = 0
    for i in range(n):
        slot = first + i
        if not needed[slot]:
            continue
        x, y = same[a[i]], same[b[i]]
        operands[3 * i], operands[3 * i + 1] = x, y
        if op[i] == copy or op[i] == MATMUL:
            continue
        either = commutes[op[i]]
        if either and x > y:
            x, y = y, x
        h = _hash(y << 8 | op[i], x) & mask
        while table[h] != 0:
            j = table[h] - first
            if op[j] == op[i]:
                s, t = operands[3 * j], operands[3 * j + 1]
                if (s == x and t == y) or (either and s == y and t == x):
                    break
            h = (h + 1) & mask
        if table[h] == 0:
            table[h] = slot
        else:
            same[slot] = table[h]
            needed[table[h]] |= needed[slot]


@helper
def _need(p, first, products, factors, members, needed):
    """All results of a product of matrices are needed where one is, and then what it multiplies."""
    kind = int64(0)
    for slot in range(first + products[p + RESULTS], first + products[p + RESULTS_END]):
        kind |= needed[slot]
    if kind:
        for slot in range(first + products[p + RESULTS], first + products[p + RESULTS_END]):
            needed[slot] = kind
        for q in (FACTOR_X, FACTOR_Y):
            f = OF_FACTOR * products[p + q]
            labels = products[p + LABELLED] != 0 and (q == FACTOR_X or products[p + LABELLED] == FINDS)
            for k in range(factors[f + ASKED], factors[f + ASKED_END]):
                needed[members[k]] |= NEEDED if labels else kind


@helper
def _wait(p, first, products, factors, members, level):
    """The results of a product of matrices wait for all that it multiplies."""
    ready = int64(0)
    for q in (FACTOR_X, FACTOR_Y):
        f = OF_FACTOR * products[p + q]
        for k in range(factors[f + ASKED], factors[f + ASKED_END]):
            ready = max(ready, int64(level[members[k]]))
    for slot in range(first + products[p + RESULTS], first + products[p + RESULTS_END]):
        level[slot] = ready + 1


@helper
def _multiplied(p, first, products, factors, members, needed, active, uses):
    """What a product of matrices multiplies is in use, more than once; its results are active where a factor is."""
    on, flat = products[p + FROM_LEAVES] != 0, products[p + LABELLED] == FINDS
    for q in (FACTOR_X, FACTOR_Y):
        f = OF_FACTOR * products[p + q]
        for k in range(factors[f + ASKED], factors[f + ASKED_END]):
            on = on or active[members[k]] != 0
            uses[members[k]] += 2
    for slot in range(first + products[p + RESULTS], first + products[p + RESULTS_END]):
        active[slot] = on and not flat and (needed[slot] & USEFUL) != 0


@helper
def _hash(x, y):
    """A hash of two integers, at least zero."""
    h = (uint64(x) * uint64(0x9E3779B97F4A7C15) + uint64(y) * uint64(0xD6E8FEB86659FD93)) & uint64(0xFFFFFFFFFFFFFFFF)
    h = ((h ^ (h >> uint64(32))) * uint64(0xD6E8FEB86659FD93)) & uint64(0xFFFFFFFFFFFFFFFF)
    return int64((h ^ (h >> uint64(32))) >> uint64(1))


@helper
def _together(start, n, op, copy, operands, first, live, level):
    """The end of copies that follow each other, and their level: all wait for the last one, so that they become one block."""
    end, ready = int64(start), int64(0)
    while end < n and op[end] == copy and operands[3 * end] < first + start:
        if live[end]:
            ready = max(ready, int64(level[operands[3 * end]]))
        end += 1
    return end, ready + 1


@jit
def link(
    op, operands, first, add, subtract, multiply, copy, live, needed, active, passes_x, passes_y, uses, level, previous, length, start, after,
    ends, products, factors, members,
):  # fmt: skip
    """Activity, uses, plain levels, and chains.

    An instruction is active where a derivative passes to it from an input, and from it to the output.
    A link is an addition or a multiplication that continues another of its kind from either side, or a subtraction from another
    subtraction's result. What combines two chains that are alike, as the first sum of several products of vectors does, continues
    neither, so that those stay alike. ``previous`` is the instruction that a link continues, or -1; ``length`` is that of the chain up
    to a link, ``start`` the level where it starts, and ``after`` is how many links come after a link. ``ends`` takes the last links of
    those that are long; returns how many those are.
    """
    n, stop = len(op), len(products)
    op, operands, live, needed, active = _pointers(op, operands, live, needed, active)
    passes_x, passes_y = _pointers(passes_x, passes_y)
    uses, level, previous, length, start, after = _pointers(uses, level, previous, length, start, after)
    ends, products, factors, members = _pointers(ends, products, factors, members)
    end = together = p = int64(0)
    for i in range(n):
        if i >= end and op[i] == copy:
            end, together = _together(i, n, op, copy, operands, first, live, level)
        if op[i] == MATMUL:
            if p < stop and i == products[p]:
                if live[i]:
                    _multiplied(p, first, products, factors, members, needed, active, uses)
                    _wait(p, first, products, factors, members, level)
                p += OF_PRODUCT
        elif live[i]:
            slot, x, y = first + i, operands[3 * i], operands[3 * i + 1]
            if needed[slot] & USEFUL:
                active[slot] = (passes_x[op[i]] and active[x]) or (passes_y[op[i]] and active[y])
            uses[x] += 1
            uses[y] += 1
            level[slot] = together if i < end else 1 + max(level[x], level[y])
    for i in range(n):
        p = int64(-1)
        if live[i] and (op[i] == add or op[i] == subtract or op[i] == multiply):
            x, y = operands[3 * i], operands[3 * i + 1]
            from_x = x >= first and op[x - first] == op[i] and uses[x] == 1
            from_y = y >= first and op[y - first] == op[i] and uses[y] == 1
            alike = from_x and from_y and length[x - first] == length[y - first] and start[x - first] == start[y - first]
            if from_x and not alike:
                p = int64(x - first)
            elif from_y and not alike and op[i] != subtract:
                p = int64(y - first)
        previous[i] = p
        length[i], start[i] = (length[p] + 1, start[p]) if p >= 0 else (1, level[first + i])
    for i in range(n - 1, -1, -1):
        if previous[i] >= 0:
            after[previous[i]] = after[i] + 1
    found = int64(0)
    for i in range(n):
        if previous[i] >= 0 and after[i] == 0 and length[i] >= (SHORTEST_PRODUCT if op[i] == multiply else SHORTEST_CHAIN):
            ends[found] = i
            found += 1
    return found


@helper
def _item(i, operands, first, previous):
    """What a link of a chain adds: its operand that is not the link before; of the first link the second one."""
    p, y = previous[i], operands[3 * i + 1]
    return operands[3 * i] if p >= 0 and y == first + p else y


@helper
def _joins(s, op, first, multiply, uses, mark):
    """Whether a slot is a product that only one instruction reads, and that is in no chain."""
    return s >= first and op[s - first] == multiply and uses[s] == 1 and not mark[s - first]


@jit
def join(
    op, operands, first, live, uses, ends, previous, add, subtract, multiply, copy, mark, code, level, products, factors, members
):  # fmt: skip
    """Mark the links before each chosen end of a chain; fuse products with additions; level what is left anew.

    ``mark`` comes with the ends set. A product joins the addition or subtraction that is all that reads it: outside of chains one
    by one, in a chain where at least `LEAST_PRODUCTS` follow each other. A chain waits for all its items.
    """
    n, chains, last_product = len(op), len(ends), len(products)
    op, operands, live, uses, ends, previous = _pointers(op, operands, live, uses, ends, previous)
    mark, code, level = _pointers(mark, code, level)
    products, factors, members = _pointers(products, factors, members)
    for k in range(chains):
        end = i = last = int64(ends[k])
        run = 0
        while i >= 0:
            s, t = operands[3 * i], _item(i, operands, first, previous)
            if (
                previous[i] < 0
                and op[i] == add
                and not _joins(t, op, first, multiply, uses, mark)
                and _joins(s, op, first, multiply, uses, mark)
            ):
                operands[3 * i], operands[3 * i + 1] = t, s  # the chain may as well start from the other one
                t = s
            if i != end:
                mark[i] = 1
            product = op[i] != multiply and _joins(t, op, first, multiply, uses, mark)
            if product:
                last = i if run == 0 else last
                run += 1
            if run >= LEAST_PRODUCTS and (not product or previous[i] < 0):
                for _ in range(run):
                    factor = _item(last, operands, first, previous)
                    code[last], operands[3 * last + 2] = OF_PRODUCTS + (op[i] == subtract), factor
                    live[factor - first] = 0
                    last = int64(previous[last])
            run = run if product else 0
            i = int64(previous[i])
    stop = together = waits = int64(0)
    for i in range(n):
        if i >= stop and op[i] == copy:
            stop, together = _together(i, n, op, copy, operands, first, live, level)
        if op[i] == MATMUL:
            if waits < last_product and i == products[waits]:
                _wait(waits, first, products, factors, members, level)
                waits += OF_PRODUCT
            continue
        if not live[i]:
            continue
        at, x, y, z = 3 * i, operands[3 * i], operands[3 * i + 1], operands[3 * i + 2]
        if not mark[i] and (op[i] == add or op[i] == subtract):
            factor = int64(0)
            if _joins(y, op, first, multiply, uses, mark):
                factor, other, kind = int64(y), x, 0 if op[i] == add else 1
            elif _joins(x, op, first, multiply, uses, mark):
                factor, other, kind = int64(x), y, 0 if op[i] == add else 2
            if factor:
                live[factor - first] = 0
                code[i] = FUSED + kind
                x, y, z = operands[3 * (factor - first)], operands[3 * (factor - first) + 1], other
                operands[at], operands[at + 1], operands[at + 2] = x, y, z
        p = previous[i]
        if code[i] >= OF_PRODUCTS:
            factor = 3 * (z - first)
            before = level[first + p] - 1 if p >= 0 else level[x]
            level[first + i] = 1 + max(before, level[operands[factor]], level[operands[factor + 1]])
        elif mark[i] and p >= 0 and mark[p]:
            level[first + i] = max(level[first + p], level[_item(i, operands, first, previous)] + 1)
        elif i < stop:
            level[first + i] = together
        else:
            level[first + i] = 1 + max(level[x], level[y], level[z])


@helper
def _sources(i, operands, code, products, factors):
    """How many slots an instruction reads at most."""
    if code[i] != MATMUL:
        return 5
    p = OF_PRODUCT * operands[3 * i]
    x, y = OF_FACTOR * products[p + FACTOR_X], OF_FACTOR * products[p + FACTOR_Y]
    return int64(factors[x + ASKED_END] - factors[x + ASKED] + factors[y + ASKED_END] - factors[y + ASKED])


@helper
def _source(i, q, operands, first, code, unit, products, factors, members):
    """What an instruction reads: three operands, and the factors of the product that a link of a chain adds; or those of matrices.

    Of a product of matrices that is its first result.
    """
    s = int64(0)
    if code[i] == MATMUL:
        p = OF_PRODUCT * operands[3 * i]
        x, y = OF_FACTOR * products[p + FACTOR_X], OF_FACTOR * products[p + FACTOR_Y]
        at = factors[x + ASKED] + q
        s = int64(members[at] if at < factors[x + ASKED_END] else members[factors[y + ASKED] + at - factors[x + ASKED_END]])
    elif q < 3:
        s = int64(operands[3 * i + q])
    elif code[i] >= OF_PRODUCTS and code[i] < MATMUL:
        s = int64(operands[3 * (operands[3 * i + 2] - first) + q - 3])
    return first + unit[s - first] if s >= first else s


@jit
def delay(operands, first, live, previous, mark, code, level, moves, late, unit, products, factors, members):
    """The latest levels, by slot, that what ``moves`` may have for what reads it; ``late`` comes with the largest one.

    All else stays where it is, chains too: what their links read comes before their ends, of which links have the level. For all results
    of a product of matrices stands the first of them, which is their ``unit``.
    """
    n = len(live)
    operands, live, previous, mark, code = _pointers(operands, live, previous, mark, code)
    level, moves, late, unit = _pointers(level, moves, late, unit)
    products, factors, members = _pointers(products, factors, members)
    for i in range(n - 1, -1, -1):
        if not live[i] or unit[i] != i:
            continue
        slot, p = first + i, previous[i]
        if mark[i] != 1 and not moves[i]:
            late[slot] = level[slot]
        before = late[slot] - 1
        linked = mark[i] and p >= 0 and mark[p]
        for q in range(_sources(i, operands, code, products, factors)):
            s = _source(i, q, operands, first, code, unit, products, factors, members)
            if not (linked and s == first + p):
                late[s] = min(late[s], before)
        if linked:
            late[first + p] = late[slot]


@helper
def _ready(i, kind, mark, ready, following, done):
    """Put an instruction on the list of those of its kind; a link inside a chain on that of what is done. Returns the latter."""
    if mark[i] == 1:
        following[i] = done
        return int64(i)
    following[i] = ready[kind[i]]
    ready[kind[i]] = i
    return done


@jit
def agenda(
    urgent, kind, operands, first, live, mark, code, table, starts, readers, waits, ready, following, turn, unit, products, factors,
    members,
):  # fmt: skip
    """Turns, by instruction: each is that of all that are ready and of the kind of the most urgent one. Returns how many are alone.

    ``urgent`` has the instructions as they are due; one is ready when all before it have had their turn, which is -1 before, and
    stays so for links inside chains. ``starts`` and ``readers`` take lists of what reads each instruction, ``waits`` how many of
    its operands are still to come. Lists of what is ready begin at ``ready`` of their kind, and go on at ``following``. For all results
    of a product of matrices stands the first of them, which is their ``unit``.
    """
    n, m = len(live), len(urgent)
    urgent, kind, operands, live, mark, code, table = _pointers(urgent, kind, operands, live, mark, code, table)
    starts, readers, waits, ready, following, turn = _pointers(starts, readers, waits, ready, following, turn)
    unit, products, factors, members = _pointers(unit, products, factors, members)
    for i in range(n):
        if live[i] and unit[i] == i:
            for q in range(_sources(i, operands, code, products, factors)):
                s = _source(i, q, operands, first, code, unit, products, factors, members) - first
                if s >= 0 and live[s]:
                    waits[i] += 1
                    starts[s] += 1
    for i in range(n):
        starts[i + 1] += starts[i]
    for i in range(n - 1, -1, -1):
        if live[i] and unit[i] == i:
            for q in range(_sources(i, operands, code, products, factors)):
                s = _source(i, q, operands, first, code, unit, products, factors, members) - first
                if s >= 0 and live[s]:
                    starts[s] -= 1
                    readers[starts[s]] = i
    done, turns, alone = int64(-1), 0, 0
    for i in range(n):
        if live[i] and unit[i] == i and waits[i] == 0:
            done = _ready(i, kind, mark, ready, following, done)
    for u in range(-1, m):  # before the first turn, links inside chains that wait for nothing
        if u >= 0:
            i = urgent[u]
            if turn[i] >= 0:
                continue
            done, ready[kind[i]] = int64(ready[kind[i]]), -1
        size, smallest = 0, table[FACTS * kind[i] + SMALLEST] if u >= 0 else 0
        while done >= 0:
            i, done = done, int64(following[done])
            if mark[i] != 1:
                turn[i] = turns
                size += 1
            for r in range(starts[i], starts[i + 1]):
                reader = readers[r]
                waits[reader] -= 1
                if waits[reader] == 0:
                    done = _ready(reader, kind, mark, ready, following, done)
        turns += u >= 0
        alone += size if size < smallest else 0
    return alone


# A product of matrices, when a plan is made, one row each: the first instruction of its results, and the first behind them, its
# factors, whether an input that it multiplies is differentiated, and how it uses labels. Its factors have one row each: where its
# slots begin and end in the list of all ``members``, which are none for what is asked along the way where all are inputs or constants;
# where they begin in truth, its rows and columns; whether it is known where the program has it, where that is, and the steps from row
# to row and from column to column.
OF_PRODUCT, OF_FACTOR = 6, 9
RESULTS, RESULTS_END, FACTOR_X, FACTOR_Y, FROM_LEAVES, LABELLED = 0, 1, 2, 3, 4, 5
ASKED, ASKED_END, ALL_AT, HEIGHT, BREADTH, PLACED, AT_FIRST, DOWN, ALONG = 0, 1, 2, 3, 4, 5, 6, 7, 8
# What is known of an operation when a plan is made, one row each: how the partials of its three operands come about, its arity,
# whether it is a switch, its family, the first of its own loops or 0, and the smallest group of it that is worth a block.
FACTS = 8
HOW, ARITY, IS_SWITCH, FAMILY_OF, FORM_OF, SMALLEST = 0, 3, 4, 5, 6, 7
# A partial is stored, zero, one, minus one, a copy of x, y or the value, or minus a copy of x or y.
STORED, NOTHING_PASSES, PLUS, LESS, COPY_X, COPY_Y, COPY_V, LESS_X, LESS_Y = 0, 1, 2, 3, 4, 5, 6, 7, 8
# Counters of an emission: the next slot, rows written, list entries written, partials and buffers allotted; as bits the families of
# single instructions, and of blocks; and how many slots may still be kept for constants to come.
SLOT, ROW_COUNT, LIST, PART, ONES, BLOCKS, SPARE = 0, 1, 2, 3, 4, 5, 6
# What is known of a slot of the program, one row each: whether it is active, how many active operands read it, whether it is inside
# a block (not its first), whether its adjoint has a contribution already or is to be cleared first, and where its adjoint is. In the
# last place stands, while rows are written, whence the slot is: of the first of a block the number of its row, from 1 on, of a
# constant FIXED.
KNOWN = 6
ACTIVE, READERS, INSIDE, TOUCHED, CLEARED, ADJOINT = 0, 1, 2, 3, 4, 5
BY, FIXED = ADJOINT, (1 << 32) - 1
# In the key of a group: chains.
CHAINED = 255
# Set in an offset that counts from the start of the partials, which is known only when all slots are.
PARTIAL = 1 << 31
# The most elements of a block: what it copies to scratch then stays in L1.
SCRATCH = 1024
# Lists of at most so many slots are pulled one by one: in irregular code the jumps that a pull takes cost more.
SHORT_LIST = 12
# Longer ones, too, up to so many slots, where many adjoints are so far from the ones they pull from that they may be in no cache:
# single pulls are asked for from memory before their turn.
SCATTERED_LIST, FAR = 32, 1 << 17
# The fewest links of a chain that is a block of its own, of one of products in particular.
SHORTEST_CHAIN, SHORTEST_PRODUCT = 4, 8
# The fewest products in a row that a chain adds without computing them apart.
LEAST_PRODUCTS = 4
# The most products that a product of matrices adds before Ctrl-C is noticed: 20 ms of them.
LARGEST_PRODUCT = 1 << 28
# The fewest terms of a product of matrices, and the fewest products that it adds: of fewer each term is faster as a row of its own.
LEAST_TERMS, LEAST_PRODUCED = 4, 128
# The shortest run of operands that is worth repeating: a list of shorter ones takes less time.
LEAST_REPEATED = 6
# The smallest block whose operands that are a constant number apart are copied without a list: for smaller ones a list is faster.
LEAST_APART = 64
# Steps from a constant to a constant, and from one to something else.
BOTH, MIXED = 1 << 40, 1 << 41


@helper
def _resident(s, val, where, template, c, state):
    """The program's slot of a tape slot; a constant gets one when it is first used."""
    slot = where[s]
    if slot == 0 and s != 0:
        slot = where[s] = c[SLOT]
        template[slot], state[KNOWN * slot + BY] = val[s], FIXED
        c[SLOT] += 1
    return slot


@helper
def _uniform(operands, q, members, i, j):
    """Whether an operand of a block is one slot."""
    s = operands[3 * members[i] + q]
    for k in range(i + 1, j):
        if operands[3 * members[k] + q] != s:
            return False
    return True


@helper
def _shared(operands, q, members, i, n, repeats):
    """Whether an operand is one slot each time that a row runs."""
    for r in range(repeats):
        if not _uniform(operands, q, members, i + r * n, i + (r + 1) * n):
            return False
    return True


@helper
def _place_shared(operands, q, members, i, n, repeats, val, where, template, c, state, rows, field, step_at):
    """Place an operand that is one slot each time that a row runs; returns whether those slots are a constant number apart."""
    last = _resident(operands[3 * members[i] + q], val, where, template, c, state)
    rows[field], rows[field + 1] = ONE, last
    for r in range(1, repeats):
        slot = _resident(operands[3 * members[i + r * n] + q], val, where, template, c, state)
        step, last = (slot - last) & 0xFFFFFFFF, slot
        if r == 1:
            rows[step_at] = step
        elif rows[step_at] != step:
            return False
    return True


@helper
def _fixed(operands, q, members, i, size, constants):
    """Whether an operand is a constant for all members."""
    for k in range(i, i + size):
        if not constants[0] < operands[3 * members[k] + q] < constants[1]:
            return False
    return True


@helper
def _place_constants(operands, q, members, i, step, count, val, template, c, state, rows, field, mode):
    """Place operands that are constants, of every ``step``th member from ``i`` on, as copies of them."""
    rows[field], rows[field + 1] = mode, c[SLOT]
    for k in range(count):
        template[c[SLOT]], state[KNOWN * c[SLOT] + BY] = val[operands[3 * members[i + k * step] + q]], FIXED
        c[SLOT] += 1


@helper
def _place(
    operands, q, members, i, size, repeats, may_go_on, constants, val, where, template, lists, c, state, rows, field, step_at
):  # fmt: skip
    """Find the mode of an operand of the block of ``size`` members from ``i`` on, and write it to the row.

    Of what may go on with the sums of another row, constants lie behind each other.
    """
    n = size // repeats
    fixed = _fixed(operands, q, members, i, size, constants)
    again = fixed and repeats > 1
    for k in range(i + n, i + size if again else 0):
        again = again and operands[3 * members[k] + q] == operands[3 * members[k - n] + q]
    if _shared(operands, q, members, i, n, repeats):
        if fixed and (may_go_on or (repeats > 1 and not again)):
            rows[step_at] = 0 if again else 1
            _place_constants(operands, q, members, i, n, 1 if again else repeats, val, template, c, state, rows, field, ONE)
            return
        if _place_shared(operands, q, members, i, n, repeats, val, where, template, c, state, rows, field, step_at):
            return
    if fixed:
        _place_constants(operands, q, members, i, 1, n if again else size, val, template, c, state, rows, field, ROWS)
        rows[step_at] = 0 if again else n
        return
    start = where[operands[3 * members[i] + q]]
    inner = where[operands[3 * members[i + 1] + q]] - start
    outer = where[operands[3 * members[i + n] + q]] - start if repeats > 1 else 0
    regular = True
    for k in range(size):
        slot = where[operands[3 * members[i + k] + q]]
        if slot == 0 or slot != start + k % n * inner + k // n * outer:
            regular = False
            break
    if regular and inner == 1:
        rows[field], rows[field + 1], rows[step_at] = ROWS, start, outer & 0xFFFFFFFF
    elif regular and (repeats > 1 or size >= LEAST_APART):
        at = c[LIST]
        rows[field], rows[field + 1], rows[step_at] = STRIDE, at, 0 if outer == 0 else n
        lists[at], lists[at + 1] = start, inner & 0xFFFFFFFF
        lists[at + 2], lists[at + 3] = outer & 0xFFFFFFFF, 1 if outer == 0 else repeats
        c[LIST] += 4
    else:
        at = c[LIST]
        rows[field], rows[field + 1], rows[step_at] = GATHER, at, n
        for k in range(size):
            lists[at + k] = _resident(operands[3 * members[i + k] + q], val, where, template, c, state)
        c[LIST] += size


@helper
def _produce(slot, i, first, active, where, state):
    """Note that a slot of the program holds the result of instruction ``i``."""
    where[first + i] = slot
    state[KNOWN * slot + ACTIVE] = active[first + i]


@helper
def _read(i, s, how, first, active, where, state):
    """Note that instruction ``i`` reads a slot; returns whether a derivative passes."""
    if how == NOTHING_PASSES or not active[s]:
        return False
    state[KNOWN * where[s] + READERS] += 1
    return active[first + i] != 0


@helper
def _matrices(row, rows, lists):
    """A row of products, and sums, as one of a product of matrices with a single term.

    Returns the number of its runs, 0 where it cannot be one, the length of a run, where x is and its step from one run to the next,
    and where y is and its step from one to the next in a run. A single run whose y lies apart is a run of one for each.
    """
    n, repeats, x, step, y = int64(rows[row + N]), int64(rows[row + REPEATS]), rows[row + XI], rows[row + RX], rows[row + YI]
    mode = rows[row + MY]
    if rows[row + MX] != ONE or (repeats > 1 and rows[row + RY] != 0):
        return 0, 0, 0, 0, 0, 0
    if mode == ROWS:
        return repeats, n, x, step, y, 1
    if mode == STRIDE:
        start, apart = lists[y], lists[y + 1]
    elif mode == GATHER:
        start, apart = lists[y], (int64(lists[y + 1]) - int64(lists[y])) & 0xFFFFFFFF
        for k in range(2, n):
            if (int64(lists[y + k]) - int64(lists[y + k - 1])) & 0xFFFFFFFF != apart:
                return 0, 0, 0, 0, 0, 0
    else:
        return 0, 0, 0, 0, 0, 0
    return (n, 1, start, apart, x, 1) if repeats == 1 else (repeats, n, x, step, start, apart)


@helper
def _constants(at, step, n, state):
    """Whether ``n`` neighbouring slots, or one, hold constants."""
    for slot in range(at, at + n):
        if state[KNOWN * slot + BY] != FIXED:
            return False
    return n == 1 or step == 1


@helper
def _keep_room(first, second, n, terms, template, c, state):
    """Copy constants of the first two terms, ``n`` each, to where there is room for those of all ``terms``; returns where."""
    begin = c[SLOT]
    for k in range(n):
        template[begin + k], template[begin + n + k] = template[first + k], template[second + k]
    c[SLOT] += n * terms
    c[SPARE] -= n * terms
    for slot in range(begin, c[SLOT]):
        state[KNOWN * slot + BY] = FIXED
    return begin


@helper
def _move(slot, to, n, template, c, state):
    """Move constants to where there is room for them; if theirs were the last slots, those are free again."""
    for k in range(n):
        template[to + k] = template[slot + k]
    if slot + n == c[SLOT]:
        for k in range(n):
            template[slot + k], state[KNOWN * (slot + k) + BY] = 0.0, 0
        c[SLOT] = slot


@helper
def _there(limit, at, step, n, state):
    """Whether all of ``n`` slots have their numbers before those from ``limit`` on do."""
    step = _whole(step)
    if max(at, at + (n - 1) * step) < limit:
        return True
    for k in range(n):
        if at + k * step >= limit and state[KNOWN * (at + k * step) + BY] != FIXED:
            return False
    return True


@helper
def _goes_on(row, p, members, i, size, operands, multiply, uses, after, template, rows, lists, c, state):
    """Whether a row of products and sums only goes on with what row ``p`` sums: that then has a term more, as a product of matrices."""
    z, runs_p = int64(rows[row + ZI]), rows[p + REPEATS]
    if rows[row + MZ] != ROWS or rows[p + N] * runs_p != size or rows[p + LABELS]:
        return False
    if rows[row + REPEATS] > 1 and rows[row + RZ] != rows[row + N]:
        return False
    runs, n, x, step_x, y, next_y = _matrices(row, rows, lists)
    if runs == 0:
        return False
    each = runs if step_x else 1
    for k in range(i, i + size):
        if uses[operands[3 * members[k] + 2]] != 1:
            return False
    if not (_there(z, x, step_x, runs, state) and _there(z, y, next_y, n, state)):
        return False
    if rows[p + FORM] == MATRIX:
        if n != rows[p + N] or runs != runs_p or (runs > 1 and step_x != rows[p + RX]) or next_y != rows[p + RY]:
            return False
        terms = int64(rows[p + TERMS])
        to_x = rows[p + XI] + terms * _whole(rows[p + TERM_X])
        to_y = rows[p + YI] + terms * _whole(rows[p + TERM_Y])
        move_x = x != to_x and terms < rows[p + ROOM_X] and _constants(x, step_x, each, state)
        move_y = y != to_y and terms < rows[p + ROOM_Y] and _constants(y, next_y, n, state)
        if (x != to_x and not move_x) or (y != to_y and not move_y):
            return False
        if move_x:
            _move(x, to_x, each, template, c, state)
        if move_y:
            _move(y, to_y, n, template, c, state)
        rows[p + TERMS] += 1
        return True
    terms = 2 + after[members[i]]
    if terms < LEAST_TERMS or terms * size < LEAST_PRODUCED:
        return False
    code = rows[p + OP] & 255
    if rows[p + FORM] < CORE or (code != multiply and code != FUSED) or rows[p + MZ] == ONE or rows[p + MZ] > FILL:
        return False
    runs_p, n_p, x_p, step_p, y_p, next_p = _matrices(p, rows, lists)
    if runs_p != runs or n_p != n or next_p != next_y or (runs > 1 and step_p != step_x):
        return False
    if _constants(x, step_x, each, state) and _constants(x_p, step_x, each, state):
        rows[p + ROOM_X] = terms if each * terms <= c[SPARE] else 2
        x_p = _keep_room(x_p, x, each, rows[p + ROOM_X], template, c, state)
        x = x_p + each
    if _constants(y, next_y, n, state) and _constants(y_p, next_y, n, state):
        rows[p + ROOM_Y] = terms if n * terms <= c[SPARE] else 2
        y_p = _keep_room(y_p, y, n, rows[p + ROOM_Y], template, c, state)
        y = y_p + n
    if n == 1 and (x - x_p != 1 or y - y_p != 1):
        return False
    if rows[p + MZ] != ROWS:
        rows[p + ZO] = rows[p + ZI] if rows[p + MZ] == FILL else PARTIAL + NOTHING_AT
    elif rows[p + REPEATS] == 1:
        rows[p + RZ] = n
    rows[p + FORM], rows[p + OP], rows[p + N], rows[p + REPEATS], rows[p + TERMS] = MATRIX, FUSED, n, runs, 2
    rows[p + MX], rows[p + XI], rows[p + XO], rows[p + RX], rows[p + TERM_X] = ONE, x_p, x_p, step_x, (x - x_p) & 0xFFFFFFFF
    rows[p + MY], rows[p + YI], rows[p + YO], rows[p + RY], rows[p + TERM_Y] = ROWS, y_p, y_p, next_y, (y - y_p) & 0xFFFFFFFF
    return True


@helper
def _emit_block(
    members, i, size, repeats, last, op, subtract, multiply, first, operands, active, uses, after, table, constants, val, where,
    template, rows, lists, c, state,
):  # fmt: skip
    """Write the row of a vector block of ``size`` members from ``i`` on, which repeats where it is of several runs alike.

    What calls a function and is the ``last`` of its group computes whole vectors: what they have too much is nobody's, and has room.
    """
    code, n = int64(op[members[i]]), size // repeats
    facts, row = FACTS * code, ROW * c[ROW_COUNT]
    arity, family, own = table[facts + ARITY], table[facts + FAMILY_OF], table[facts + FORM_OF]
    width = size if own or not last else (size + LANES - 1) // LANES * LANES
    rows[row + N], rows[row + OP], rows[row + REPEATS], rows[row + WIDTH] = n, code | family << 8, repeats, width
    # where operands may be exchanged, the loops want the one that all elements share first
    turned = 1 if (code >= FUSED or (own and code != subtract)) and _shared(operands, 1, members, i, n, repeats) else 0
    z = where[operands[3 * members[i] + 2]] if code == FUSED else 0
    by = int64(state[KNOWN * z + BY])
    may_go_on = 0 < by < FIXED and rows[ROW * (by - 1) + OUT] == z
    listed = c[LIST]
    for q in range(arity):
        field, operand = row + MX + 3 * q, q if q == 2 else q ^ turned
        _place(
            operands, operand, members, i, size, repeats, may_go_on, constants, val, where, template, lists, c, state, rows, field,
            row + RX + q,
        )  # fmt: skip
        if rows[field] == ONE and (own == 0 or q == 2 or (q == 1 and (code != subtract or rows[row + MX] == ONE))):
            rows[field] = FILL
    if may_go_on and _goes_on(
        row, ROW * (by - 1), members, i, size, operands, multiply, uses, after, template, rows, lists, c, state
    ):
        for k in range(i, i + size):
            for q in range(2):
                _read(members[k], operands[3 * members[k] + q], table[facts + HOW + (q ^ turned)], first, active, where, state)
            where[operands[3 * members[k] + 2]] = 0
            _produce(z + k - i, members[k], first, active, where, state)
        for field in range(row, row + ROW):
            rows[field] = 0
        c[LIST] = listed
        return
    if own == 0:
        rows[row + FORM] = BLOCK
        c[BLOCKS] |= 1 << family
    else:
        rows[row + FORM] = own + (1 if rows[row + MX] == ONE else 2 if rows[row + MY] == ONE else 0)
    # whether another operand's partial is a copy of this one, which then must outlive the block
    kept_x = kept_y = False
    for q in range(arity):
        how, operand = table[facts + HOW + q], q if q == 2 else q ^ turned
        reached = False
        for k in range(i, i + size):
            reached |= _read(members[k], operands[3 * members[k] + operand], how, first, active, where, state)
        if reached:
            kept_x |= how == COPY_X or how == LESS_X
            kept_y |= how == COPY_Y or how == LESS_Y
            if how == STORED:
                rows[row + (DX if q == 0 else DY)] = PARTIAL + c[PART]
                c[PART] += width
    for q in range(arity):
        field = row + MX + 3 * q
        if rows[field] <= ONE:
            rows[field + 2] = rows[field + 1]
            if rows[field] == ROWS:  # what it writes begins after what it reads, or LLVM's loop takes one at a time
                c[SLOT] = max(c[SLOT], rows[field + 1] + width)
        elif rows[field] != FILL and ((kept_x and q == 0) or (kept_y and q == 1)):
            rows[field + 2] = PARTIAL + c[PART]
            c[PART] += width
        else:
            rows[field + 2] = PARTIAL + len(CONSTANTS) + q * SCRATCH
    rows[row + OUT] = c[SLOT]
    for k in range(size):
        _produce(c[SLOT] + k, members[i + k], first, active, where, state)
        state[KNOWN * (c[SLOT] + k) + INSIDE] = k > 0
    c[SLOT] += width
    c[ROW_COUNT] += 1
    state[KNOWN * rows[row + OUT] + BY] = c[ROW_COUNT]


@helper
def _emit_stretch(members, n, spare, op, first, operands, active, table, val, where, template, rows, lists, c, state):
    """Write the row of a stretch that runs one instruction at a time, in recorded order."""
    members = _sorted(members, spare, n)
    # every constant gets its slot before the results do, because results are contiguous
    for k in range(n):
        for q in range(3):
            s = operands[3 * members[k] + q]
            if s < first:
                _resident(s, val, where, template, c, state)
    row, out, at = ROW * c[ROW_COUNT], c[SLOT], c[LIST]
    rows[row + FORM], rows[row + N], rows[row + OUT], rows[row + XI], rows[row + REPEATS] = STRETCH, n, out, at, 1
    for k in range(n):
        i = members[k]
        code, x, y, z = int64(op[i]), operands[3 * i], operands[3 * i + 1], operands[3 * i + 2]
        facts, stored, p = FACTS * code, 0, where[z]
        family = table[facts + FAMILY_OF]
        c[ONES] |= 1 << family
        for q in range(table[facts + ARITY]):
            how = table[facts + HOW + q]
            if _read(i, x if q == 0 else y if q == 1 else z, how, first, active, where, state) and how == STORED:
                stored |= 1 << q
        if stored:
            p = PARTIAL + c[PART]
            c[PART] += 1 if stored == 1 else 2
        lists[at], lists[at + 1], lists[at + 2], lists[at + 3] = code | family << 8 | stored << 16, where[x], where[y], p
        at += WORDS
        _produce(out + k, i, first, active, where, state)
    c[LIST] = at
    c[SLOT] += n
    c[ROW_COUNT] += 1


@helper
def _place_items(end, items, which, i, j, field, scratch, kept, first, active, val, where, template, lists, c, rows, state):
    """Place what links of a chain read, neighbouring slots or a list; a copy is ``kept``, or made in scratch."""
    start = where[items[2 * i + which]]
    rows[field], rows[field + 1] = ROWS, start
    for k in range(i, j):
        s = items[2 * k + which]
        if where[s] == 0 or where[s] != start + (k - i):
            rows[field] = GATHER
        _read(end, s, int64(PLUS), first, active, where, state)
    if rows[field] == GATHER:
        rows[field + 1], rows[field + 2] = c[LIST], PARTIAL + len(CONSTANTS) + scratch
        for k in range(i, j):
            lists[c[LIST]] = _resident(items[2 * k + which], val, where, template, c, state)
            c[LIST] += 1
        if kept:
            rows[field + 2] = PARTIAL + c[PART]
            c[PART] += j - i
    else:
        rows[field + 2] = start


@helper
def _emit_chain(
    end, op, items, subtract, multiply, first, operands, active, previous, val, where, template, rows, room, lists, c, state, longest,
):  # fmt: skip
    """Write the rows of a chain: apart what adds products; what has factors is cut so that copies of those stay in scratch.

    Returns whether there was ``room`` for them.
    """
    running, subtracts = op[end] == multiply, op[end] == subtract or op[end] == OF_PRODUCTS + 1
    n, i = 0, int64(end)
    start = i
    while i >= 0:
        n += 1
        start, i = i, int64(previous[i])
    i, needed = int64(end), 2 + n // SCRATCH
    for k in range(n - 1, -1, -1):
        if op[i] >= OF_PRODUCTS:
            factor = 3 * (operands[3 * i + 2] - first)
            items[2 * k], items[2 * k + 1] = operands[factor], operands[factor + 1]
        else:
            items[2 * k], items[2 * k + 1] = _item(i, operands, first, previous), -1
        if k < n - 1:
            needed += (items[2 * k + 1] >= 0) != (items[2 * k + 3] >= 0)
        i = int64(previous[i])
    if c[ROW_COUNT] + needed > room:
        return False
    s = operands[3 * start]
    begin, done = _resident(s, val, where, template, c, state), int64(0)
    _read(end, s, int64(PLUS), first, active, where, state)
    while done < n:
        products = items[2 * done + 1] >= 0
        stop, most = done + 1, min(n, done + (SCRATCH if products or running else longest))
        while stop < most and (items[2 * stop + 1] >= 0) == products:
            stop += 1
        row = ROW * c[ROW_COUNT]
        rows[row + FORM] = PRODUCT if running else DOT if products else CHAIN
        rows[row + N], rows[row + OP], rows[row + REPEATS] = stop - done, subtracts, 1
        rows[row + MX], rows[row + XI], rows[row + XO] = ONE, begin, begin
        kept = products or running
        _place_items(end, items, 0, done, stop, row + MY, 0, kept, first, active, val, where, template, lists, c, rows, state)
        if products:
            _place_items(
                end, items, 1, done, stop, row + MZ, SCRATCH, True, first, active, val, where, template, lists, c, rows, state
            )
        if running:
            # a slot for what it starts from, and one for each link; links pass adjoints on where they are, so those cannot be shared
            for slot in range(c[SLOT] + 1, c[SLOT] + 1 + stop - done):
                known = KNOWN * slot
                state[known + ACTIVE], state[known + READERS], state[known + INSIDE] = active[first + end], 2, 1
            rows[row + OUT] = c[SLOT] + 1
            c[SLOT] += stop - done
        else:
            rows[row + OUT] = c[SLOT]
        begin = c[SLOT]
        _produce(begin, end, first, active, where, state)
        state[KNOWN * begin + READERS] += stop < n
        c[SLOT] += 1
        c[ROW_COUNT] += 1
        done = stop
    return True


@helper
def _lies_apart(f, factors, members, where):
    """Find where the program has the numbers of a factor; returns whether they are not constant numbers of slots apart."""
    at, height, breadth = factors[f + ALL_AT], factors[f + HEIGHT], factors[f + BREADTH]
    first = where[members[at]]
    along = where[members[at + 1]] - first if breadth > 1 else 1
    down = where[members[at + breadth]] - first if height > 1 else breadth
    if first == 0 or down == 0 or along == 0:
        return True
    for i in range(height):
        for j in range(breadth):
            if where[members[at + i * breadth + j]] != first + i * down + j * along or first + i * down + j * along == 0:
                return True
    factors[f + PLACED], factors[f + AT_FIRST], factors[f + DOWN], factors[f + ALONG] = 1, first, down, along
    return False


@helper
def _missing(f, factors, members, where):
    """Whether a factor is not yet known to be where the program can read it, and does not prove to be."""
    return factors[f + PLACED] == 0 and _lies_apart(f, factors, members, where)


@helper
def _alike(k, end, order, operands, products, factors, members, where):
    """How many products of matrices in order run as one that has their rows, or columns, and the step from one to the next.

    They share one factor, as those of a sequence with the same weights do, and others are vectors, or rows that follow each other.
    """
    p = OF_PRODUCT * operands[3 * order[k]]
    size, count, step, shared = products[p + RESULTS_END] - products[p + RESULTS], 1, int64(0), FACTOR_Y
    while not products[p + LABELLED] and k + (count + 1) * size <= end:
        r = OF_PRODUCT * operands[3 * order[k + count * size]]
        if count == 1 and products[r + FACTOR_Y] != products[p + FACTOR_Y]:
            shared = FACTOR_X
        other = FACTOR_X + FACTOR_Y - shared
        f, e = OF_FACTOR * products[p + other], OF_FACTOR * products[r + other]
        height, breadth = factors[f + HEIGHT], factors[f + BREADTH]
        if (
            products[r + shared] != products[p + shared]
            or products[r + LABELLED] != products[p + LABELLED]
            or factors[e + HEIGHT] != height
            or factors[e + BREADTH] != breadth
            or _missing(f, factors, members, where)
            or _missing(e, factors, members, where)
            or factors[e + DOWN] != factors[f + DOWN]
            or factors[e + ALONG] != factors[f + ALONG]
        ):
            break
        between = factors[e + AT_FIRST] - factors[f + AT_FIRST]
        if count == 1:
            step = between
            if shared == FACTOR_X:
                fits = breadth == 1 and size > 1
            else:
                fits = height * height < size and (height == 1 or step == height * factors[f + DOWN])
            if step == 0 or not fits:
                break
        elif between != count * step:
            break
        count += 1
    return count, step


@helper
def _line_up(f, across, factors, members, copy, active, table, val, where, template, rows, room, lists, c, state):
    """Write the rows that copy the numbers of a factor to neighbouring slots, row by row, or by columns if ``across``.

    Returns whether there was ``room``.
    """
    at, height, breadth, family = (
        factors[f + ALL_AT],
        factors[f + HEIGHT],
        factors[f + BREADTH],
        table[FACTS * copy + FAMILY_OF],
    )
    size = height * breadth
    if c[ROW_COUNT] + size // SCRATCH + 2 > room:
        return False
    for k in range(at, at + size):
        _resident(members[k], val, where, template, c, state)
    begin = c[SLOT]
    for k in range(size):
        s, known = members[at + (k % height * breadth + k // height if across else k)], KNOWN * (begin + k)
        lists[c[LIST] + k] = where[s]
        state[known + ACTIVE], state[known + READERS], state[known + INSIDE] = active[s], 2, k > 0
        if active[s]:
            state[KNOWN * where[s] + READERS] += 1
    for k in range(0, size, SCRATCH):
        row = ROW * c[ROW_COUNT]
        n = min(SCRATCH, size - k)
        rows[row + FORM], rows[row + N], rows[row + WIDTH], rows[row + REPEATS] = BLOCK, n, n, 1
        rows[row + OP], rows[row + OUT] = copy | family << 8, begin + k
        rows[row + MX], rows[row + XI], rows[row + XO] = GATHER, c[LIST], PARTIAL + len(CONSTANTS)
        c[LIST] += n
        c[ROW_COUNT] += 1
    c[BLOCKS] |= 1 << family
    c[SLOT] += size
    factors[f + PLACED], factors[f + AT_FIRST] = 1, begin
    factors[f + DOWN], factors[f + ALONG] = 1 if across else breadth, height if across else 1
    return True


@helper
def _emit_product(
    k, count, step, order, operands, products, factors, members, copy, first, active, table, val, where, template, rows, room, lists, c,
    state,
):  # fmt: skip
    """Write the row of a product of matrices, or of ``count`` in ``order`` that are alike; several for a large one.

    A factor stays where it is, where its numbers are a constant number of slots apart; else it is copied. The longer side of the
    product is what vectors go along. Returns whether there was ``room``.
    """
    p = OF_PRODUCT * operands[3 * order[k]]
    size = products[p + RESULTS_END] - products[p + RESULTS]
    x, y = OF_FACTOR * products[p + FACTOR_X], OF_FACTOR * products[p + FACTOR_Y]
    height, terms, breadth = factors[x + HEIGHT], factors[x + BREADTH], factors[y + BREADTH]
    kind = products[p + LABELLED]
    if kind:
        terms = factors[y + HEIGHT]
        height = terms - height if kind == ADDS or kind == SETS else height
    columns = count > 1 and breadth == 1
    across = height > breadth and breadth > 1 and not kind
    for f in (x, y):
        if _missing(f, factors, members, where):
            if not _line_up(
                f, across and f == x, factors, members, copy, active, table, val, where, template, rows, room, lists, c, state
            ):
                return False
    turned = columns or across or (height > breadth and factors[x + ALONG] != 1 and not kind)
    if breadth == 1 and not turned and not kind:  # the terms of one sum must be neighbours
        for f, neighbour in ((x, ALONG), (y, DOWN)):
            if factors[f + neighbour] != 1:
                if not _line_up(
                    f, False, factors, members, copy, active, table, val, where, template, rows, room, lists, c, state
                ):
                    return False
    for q in range(count):
        r = OF_PRODUCT * operands[3 * order[k + q * size]]
        for factor in (FACTOR_X, FACTOR_Y):
            f = OF_FACTOR * products[r + factor]
            for m in range(factors[f + ASKED], factors[f + ASKED_END]):
                if active[members[m]]:
                    state[KNOWN * where[members[m]] + READERS] += 2
    step_x, term_x, next_y, term_y = factors[x + DOWN], factors[x + ALONG], factors[y + ALONG], factors[y + DOWN]
    each, inner = height, breadth
    if turned:
        x, y, each, inner = y, x, inner, each
        step_x, term_x, next_y, term_y = next_y, term_y, step_x, term_x
    if count > 1 and each == 1:
        step_x = step
    outer, at_x, at_y = count * each, factors[x + AT_FIRST], factors[y + AT_FIRST]
    # what is packed in scratch needs room there for four rows; pieces are even, because a single column would be summed as neighbours
    wide = inner
    if next_y != 1 and not kind:
        pieces = (inner + PACKED_WIDTH - 1) // PACKED_WIDTH
        wide = (inner + pieces - 1) // pieces
    for j in range(0, inner, wide):
        n = min(wide, inner - j)
        most = (
            outer
            if kind == ADDS or kind == SETS
            else max(LARGEST_PRODUCT // (n if kind else terms * n) // TILE_ROWS, 1) * TILE_ROWS
        )
        if c[ROW_COUNT] + outer // most + 2 > room:
            return False
        begin = c[SLOT]
        for i in range(0, outer, most):
            row = ROW * c[ROW_COUNT]
            rows[row + FORM], rows[row + OP], rows[row + TERMS], rows[row + OUT] = MATRIX, FUSED, terms, begin + i * n
            rows[row + N], rows[row + REPEATS] = n, min(most, outer - i)
            rows[row + MX], rows[row + MY], rows[row + ZO] = ONE, ROWS, PARTIAL + NOTHING_AT
            rows[row + XI], rows[row + YI] = at_x + i * step_x, at_y + j * next_y
            rows[row + XO], rows[row + YO] = rows[row + XI], rows[row + YI]
            rows[row + LABELS] = kind
            rows[row + RX], rows[row + TERM_X] = step_x & 0xFFFFFFFF, term_x & 0xFFFFFFFF
            rows[row + RY], rows[row + TERM_Y] = next_y & 0xFFFFFFFF, term_y & 0xFFFFFFFF
            c[ROW_COUNT] += 1
        for i in range(outer):
            for m in range(j, j + n):
                result = m * breadth + i % each if turned else i % each * breadth + m
                _produce(c[SLOT], order[k + i // each * size + result], first, active, where, state)
                state[KNOWN * c[SLOT] + INSIDE] = c[SLOT] > begin
                c[SLOT] += 1
    return True


@helper
def _step(operands, q, i, j, constants, where):
    """From one instruction to another, how far their operands are apart; `BOTH` and `MIXED` where both or one of them are constants."""
    s, t = operands[3 * i + q], operands[3 * j + q]
    fixed_s, fixed_t = constants[0] < s < constants[1], constants[0] < t < constants[1]
    if fixed_s or fixed_t:
        return BOTH if fixed_s and fixed_t else MIXED
    return where[t] - where[s]


@helper
def _run_end(members, i, n, operands, constants, where):
    """The end of the longest run from ``i`` on whose operands advance by constant steps; constants lie as they are needed."""
    if i + 1 >= n:
        return n
    x = _step(operands, 0, members[i], members[i + 1], constants, where)
    y = _step(operands, 1, members[i], members[i + 1], constants, where)
    z = _step(operands, 2, members[i], members[i + 1], constants, where)
    if x == MIXED or y == MIXED or z == MIXED:
        return i + 1
    j = i + 2
    while j < n:
        if (
            _step(operands, 0, members[j - 1], members[j], constants, where) != x
            or _step(operands, 1, members[j - 1], members[j], constants, where) != y
            or _step(operands, 2, members[j - 1], members[j], constants, where) != z
        ):
            break
        j += 1
    return j


@helper
def _runs(members, n, operands, constants, where):
    """How many runs a group falls into in this order."""
    runs, i = 0, int64(0)
    while i < n:
        i = _run_end(members, i, n, operands, constants, where)
        runs += 1
    return runs


@helper
def _repeats(members, i, size, n, operands, constants, where):
    """How many runs like that of ``size`` from ``i`` on, each with its operands a constant step further, follow each other."""
    count = 1
    while i + (count + 1) * size <= n:
        start = i + count * size
        if size == 1 or _run_end(members, start, n, operands, constants, where) < start + size:
            break
        alike = True
        for q in range(3):
            inner = _step(operands, q, members[i], members[i + 1], constants, where)
            outer = _step(operands, q, members[i], members[i + size], constants, where)
            if (
                _step(operands, q, members[start], members[start + 1], constants, where) != inner
                or _step(operands, q, members[start - size], members[start], constants, where) != outer
                or outer == MIXED
            ):
                alike = False
        if not alike:
            break
        count += 1
    return count


@helper
def _sorted(keys, spare, n):
    """``keys[:n]`` in order, in one of the two arrays, by merging; in-house because compiling NumPy's takes two seconds."""
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (j >= high or keys[i] <= keys[j]):
                    spare[k] = keys[i]
                    i += 1
                else:
                    spare[k] = keys[j]
                    j += 1
        keys, spare = spare, keys
        width *= 2
    return keys


@helper
def _arrange(members, n, trial, best, keys, spare, operands, constants, where):
    """Put a group in the order, of four, in which operands lie best: as recorded, or by the slots of one of them.

    ``trial``, ``best``, ``keys`` and ``spare`` are room for as many numbers.
    """
    fewest = _runs(members, n, operands, constants, where)
    if fewest * 64 <= n:
        return
    chosen = False
    for which in range(3):
        q = (which + 2) % 3  # what sums go on with first
        last, ordered = int64(-1), True
        for k in range(n):
            s = operands[3 * members[k] + q]
            key = 0 if constants[0] < s < constants[1] else where[s]
            ordered = ordered and last <= key
            last = key
            keys[k] = key << 32 | k
        if ordered:
            continue
        inorder = _sorted(keys, spare, n)
        for k in range(n):
            trial[k] = members[inorder[k] & 0xFFFFFFFF]
        runs = _runs(trial, n, operands, constants, where)
        if runs < fewest:
            fewest, chosen = runs, True
            trial, best = best, trial
    if chosen:
        for k in range(n):
            members[k] = best[k]


@helper
def _in_tiles(members, i, size, count, spare):
    """Put ``count`` runs of ``size`` members from ``i`` on in another order: by pieces of them that have room in scratch."""
    to = 0
    for start in range(0, size, SCRATCH):
        for r in range(count):
            for k in range(start, min(start + SCRATCH, size)):
                spare[to] = members[i + r * size + k]
                to += 1
    for k in range(to):
        members[i + k] = spare[k]


@helper
def _cut(members, n, cuts, repeats, spare, own, shortest, operands, constants, where):
    """Cut a group into blocks: long runs apart, runs alike as one that repeats, nothing longer than scratch. Returns their number.

    Only rows with loops of their own (``own``) repeat, and there neither z nor both factors are one slot for all of a run.
    """
    pieces = 0
    cuts[0] = 0
    i = int64(0)
    while i < n:
        j = _run_end(members, i, n, operands, constants, where)
        size, count, regular, copied = j - i, 1, True, False
        for q in range(3):
            step = _step(operands, q, members[i], members[j - 1], constants, where) if j > i + 1 else 0
            if step != 0 and step != size - 1 and step != BOTH:
                regular = False
                # each time anew, where it is not the same each time
                copied = copied or j == n or _step(operands, q, members[i], members[j], constants, where) != 0
        if own and size >= LEAST_REPEATED:
            factors = _uniform(operands, 0, members, i, j) and _uniform(operands, 1, members, i, j)
            if not factors and (operands[3 * members[i] + 2] == 0 or not _uniform(operands, 2, members, i, j)):
                count = _repeats(members, i, size, n, operands, constants, where)
        if count > 1 and not regular and size > SCRATCH:
            _in_tiles(members, i, size, count, spare)
            size = SCRATCH
        if count > 1 or size >= (shortest if regular else 4 * shortest):
            if cuts[pieces] != i:
                repeats[pieces] = 1
                pieces += 1
                cuts[pieces] = i
            if count == 1:
                while i < j:
                    i = min(j, i + SCRATCH)
                    repeats[pieces] = 1
                    pieces += 1
                    cuts[pieces] = i
            most = max((SCRATCH if copied else CHUNK) // size, 1)
            while count > 1:
                repeats[pieces] = min(count, most)
                i += repeats[pieces] * size
                count -= repeats[pieces]
                pieces += 1
                cuts[pieces] = i
        else:
            i = j
            if i - cuts[pieces] > SCRATCH:
                repeats[pieces] = 1
                pieces += 1
                cuts[pieces] = cuts[pieces - 1] + SCRATCH
    while cuts[pieces] != n:
        repeats[pieces] = 1
        pieces += 1
        cuts[pieces] = min(n, cuts[pieces - 1] + SCRATCH)
    return pieces


@jit
def emit(
    order, keys, items, op, subtract, multiply, copy, first, operands, active, uses, after, previous, table, constants, val, where, template,
    rows, lists, c, state, shortest, longest, chunk, products, factors, multiplied, pending, members, trial, sortable, cuts, repeats,
):  # fmt: skip
    """Write the rows of a plan: one per block, in the order of levels. Returns 0, or 1 where ``rows`` is full.

    ``items`` has room for twice what the longest chain reads; ``pending`` and what follows for a group, each one longer than
    ``order``. Of ``products`` the first result has its number in place of its operand; ``multiplied`` are the members of their factors.
    """
    m, room = len(order), len(rows) // ROW
    order, keys, items, op, operands, active = _pointers(order, keys, items, op, operands, active)
    uses, after, previous, table, constants = _pointers(uses, after, previous, table, constants)
    val, where, template = _pointers(val, where, template)
    rows, lists, c, state = _pointers(rows, lists, c, state)
    products, factors, multiplied = _pointers(products, factors, multiplied)
    pending, members, trial, sortable, cuts, repeats = _pointers(pending, members, trial, sortable, cuts, repeats)
    waiting = g = int64(0)
    while True:
        h = g
        while h < m and keys[h] == keys[g]:
            h += 1
        n = h - g
        if c[ROW_COUNT] + 2 * n + 8 > room:
            return 1
        kind = keys[g] & 255 if n else int64(0)
        chains = n > 0 and kind == CHAINED
        block = n > 0 and not chains and n >= table[FACTS * kind + SMALLEST]
        if waiting and (n == 0 or chains or block or waiting >= longest):
            _emit_stretch(
                pending, waiting, trial, op, first, operands, active, table, val, where, template, rows, lists, c, state
            )
            waiting = int64(0)
        if n == 0:
            return 0
        if chains:
            for k in range(g, h):
                if not _emit_chain(
                    order[k], op, items, subtract, multiply, first, operands, active, previous, val, where, template, rows, room,
                    lists, c, state, chunk,
                ):  # fmt: skip
                    return 1
        elif kind == MATMUL:
            k = g
            while k < h:
                p = OF_PRODUCT * operands[3 * order[k]]
                count, step = _alike(k, h, order, operands, products, factors, multiplied, where)
                if not _emit_product(
                    k, count, step, order, operands, products, factors, multiplied, copy, first, active, table, val, where, template, rows,
                    room, lists, c, state,
                ):  # fmt: skip
                    return 1
                k += count * (products[p + RESULTS_END] - products[p + RESULTS])
        elif not block:
            for k in range(n):
                pending[waiting + k] = order[g + k]
            waiting += n
        else:
            for k in range(n):
                members[k] = order[g + k]
            own, apart = table[FACTS * kind + FORM_OF] != 0, int64(shortest)
            if kind == copy:  # they are there to be a row, as they come
                apart = n + 1
            else:
                _arrange(members, n, trial, cuts, sortable, repeats, operands, constants, where)
            pieces = _cut(members, n, cuts, repeats, trial, own, apart, operands, constants, where)
            for k in range(pieces):
                _emit_block(
                    members, cuts[k], cuts[k + 1] - cuts[k], repeats[k], k == pieces - 1, op, subtract, multiply, first, operands, active,
                    uses, after, table, constants, val, where, template, rows, lists, c, state,
                )  # fmt: skip
        g = h


@helper
def _touch(slot, state):
    """Whether an adjoint has a contribution already; it has one now."""
    at = KNOWN * slot + TOUCHED
    adds = state[at]
    state[at] = 1
    return adds


@helper
def _pull_instruction(code, s, a, b, v, p, lists, c, table, state, inputs, constants):
    """Write the pulls of one instruction of a stretch; ``p`` is where its partials or its third operand are."""
    count, facts = 0, FACTS * code
    for q in range(table[facts + ARITY]):
        how = table[facts + HOW + q]
        slot = a if q == 0 else b if q == 1 else p
        if how == NOTHING_PASSES or not state[KNOWN * slot + ACTIVE]:
            continue
        known, at = KNOWN * slot, c[LIST]
        if how == PLUS:
            alone = state[known + READERS] == 1 and not state[known + TOUCHED] and slot > inputs
            if alone and not state[known + INSIDE] and not state[known + KNOWN + INSIDE]:
                # nothing else is ever added to this adjoint: it is the same number
                state[known + ADJOINT], state[known + TOUCHED] = s, 1
                continue
        d = _partial(how, a, b, v, p + q, constants)
        target = int64(state[known + ADJOINT])
        lists[at] = s + (FLAG if how == LESS_X or how == LESS_Y else 0)
        lists[at + 1] = d + (FLAG if table[facts + IS_SWITCH] else 0)
        lists[at + 2], lists[at + 3] = target if _touch(slot, state) else constants + NOTHING_AT, target
        c[LIST] += 4
        count += 1
    return count


@helper
def _partial(how, a, b, v, stored, constants):
    """Where a partial of an instruction is, from the slots of its operands and its value."""
    if how == PLUS or how == LESS:
        return constants + (MINUS_AT if how == LESS else ONE_AT)
    if how == COPY_X or how == LESS_X:
        return a
    if how == COPY_Y or how == LESS_Y:
        return b
    return v if how == COPY_V else stored


@helper
def _pull_singles(begin, count, pulls, c):
    """Write the pull that runs ``count`` single ones, or lengthen the last one where they follow it."""
    last = PULL * (c[ROW_COUNT] - 1)
    if (
        pulls[last + PULLS] == SINGLES
        and pulls[last + TARGET] + 4 * pulls[last + COUNT] == begin
        and pulls[last + COUNT] < CHUNK
    ):
        pulls[last + COUNT] += count
    elif count:
        pull = PULL * c[ROW_COUNT]
        pulls[pull + PULLS], pulls[pull + COUNT] = SINGLES, count
        pulls[pull + TARGET], pulls[pull + TIMES_RUN] = begin, 1
        c[ROW_COUNT] += 1


@helper
def _pull_list(what, n, s, d, at, minus, switch, pulls, c, lists, state, slots):
    """Write the pull of an operand that is a short list of slots from ``at`` on as pulls of single numbers."""
    begin, count = c[LIST], 0
    for back in range(n):
        i = n - 1 - back
        slot = int64(lists[at + i])
        known, to = KNOWN * slot, c[LIST]
        if state[known + ACTIVE]:
            source, partial = s + i, d + i
            if what == SCALED:
                partial = d if d else 2 * slots + ONE_AT
            elif what == SPREAD:
                source, partial = s, 2 * slots + ONE_AT
            elif what == FACTORS:
                source, partial = d, s + i
            target = int64(state[known + ADJOINT])
            lists[to], lists[to + 1] = source + (FLAG if minus else 0), partial + (FLAG if switch else 0)
            lists[to + 2], lists[to + 3] = target if _touch(slot, state) else 2 * slots + NOTHING_AT, target
            c[LIST] += 4
            count += 1
    _pull_singles(begin, count, pulls, c)


@helper
def _one_by_one(n, s, at, lists, slots):
    """Whether a list of slots from ``at`` on, which pull from the adjoints from ``s`` on, is to be pulled as single numbers."""
    if n <= SHORT_LIST or n > SCATTERED_LIST:
        return n <= SHORT_LIST
    far = 0
    for i in range(at, at + n):
        far += abs(slots + int64(lists[i]) - s) > FAR
    return 4 * far > n


@helper
def _pull(what, n, repeats, s, d, step_d, mode, at, step, minus, switch, pulls, c, lists, state, slots, inputs):
    """Write the pull of one operand of a block, which lies at ``at`` by ``mode``, and a ``step`` further each time that it repeats."""
    if mode == GATHER and repeats == 1 and _one_by_one(n, s, at, lists, slots):
        _pull_list(what, n, s, d, at, minus, switch, pulls, c, lists, state, slots)
        return
    where, target = TO_ROW, slots + at
    # whether it adds to what is there already, because of others or because it comes to the same adjoints again
    adds = repeats > 1 and abs(step) < (n if mode == ROWS else 1)
    if mode == GATHER:
        where, target = TO_LIST, at
        listed = n if step == 0 else n * repeats
        for i in range(at, at + listed):
            known = KNOWN * int64(lists[i]) + TOUCHED
            if state[known]:
                adds = True
            else:
                state[known] = 2
        for i in range(at, at + listed):
            known = KNOWN * int64(lists[i])
            if state[known + TOUCHED] == 2:
                state[known + TOUCHED] = 1
                if adds:
                    state[known + CLEARED] = 1
    else:
        width = n
        if mode != ROWS:
            where, width = TO_ONE, 1
        alone = what == SCALED and d == 0 and not minus and at > inputs and repeats == 1 and mode == ROWS
        alone = alone and not (state[KNOWN * at + INSIDE] or state[KNOWN * (at + n) + INSIDE])
        for r in range(repeats):
            for i in range(at + r * step, at + r * step + width):
                adds = adds or state[KNOWN * i + TOUCHED] != 0
                alone = alone and state[KNOWN * i + READERS] <= 1
        if alone and not adds:
            for i in range(n):
                known = KNOWN * (at + i)
                state[known + ADJOINT], state[known + TOUCHED] = s + i, 1
            return
        for r in range(repeats):
            for i in range(at + r * step, at + r * step + width):
                if not _touch(i, state) and adds:
                    state[KNOWN * i + CLEARED] = 1
    pull = PULL * c[ROW_COUNT]
    pulls[pull + PULLS], pulls[pull + COUNT], pulls[pull + SOURCE] = what + 8 * (adds > 0) + 16 * where, n, s
    pulls[pull + PARTIAL_AT], pulls[pull + TARGET], pulls[pull + SIGN], pulls[pull + SWITCH] = d, target, minus, switch
    pulls[pull + TIMES_RUN] = repeats
    pulls[pull + STEP_PARTIAL], pulls[pull + STEP_TARGET] = step_d & 0xFFFFFFFF, step & 0xFFFFFFFF
    c[ROW_COUNT] += 1


@helper
def _settled(x, base):
    """An offset as it is when the partials start at ``base``."""
    return x - PARTIAL + base if x >= PARTIAL else x


@helper
def _whole(step):
    """A step of 32 bits, which may be negative, as an integer."""
    step = int64(step)
    return step - (1 << 32) if step >= 1 << 31 else step


@helper
def _list_strided(at, n, lists, c):
    """List the slots of an operand whose slots are a constant number apart; returns where, and the step of the list."""
    begin, repeats = c[LIST], int64(lists[at + 3])
    for r in range(repeats):
        for k in range(n):
            lists[c[LIST]] = int64(lists[at]) + k * _whole(lists[at + 1]) + r * _whole(lists[at + 2])
            c[LIST] += 1
    return begin, n if repeats > 1 else 0


@helper
def _reached(mode, at, step, n, repeats, lists, state):
    """Whether any slot of an operand is active."""
    for r in range(repeats):
        for k in range(1 if mode == ONE or mode == FILL else n):
            i = at + r * step + k
            if state[KNOWN * (int64(lists[i]) if mode == GATHER else i) + ACTIVE]:
                return True
    return False


@helper
def _pull_matrices(q, row, s, rows, pulls, c, state, slots):
    """Write the pull of a factor, x or y, of a product of matrices whose adjoints are from ``s`` on."""
    n, runs, terms = int64(rows[row + N]), int64(rows[row + REPEATS]), int64(rows[row + TERMS])
    x, step_x, term_x = int64(rows[row + XI]), _whole(rows[row + RX]), _whole(rows[row + TERM_X])
    y, next_y, term_y = int64(rows[row + YI]), _whole(rows[row + RY]), _whole(rows[row + TERM_Y])
    at, outer, inner = (y, n, next_y) if q else (x, runs, step_x)
    labels, reached = rows[row + LABELS] != 0, False
    if (labels and not q) or rows[row + LABELS] == FINDS:  # a label passes nothing
        return
    for k in range(outer):
        for t in range(terms):
            if state[KNOWN * (at + k * inner + t * (term_y if q else term_x)) + ACTIVE] != 0:
                reached = True
                break
        if reached:
            break
    if not reached:
        return
    for k in range(outer):
        for t in range(terms):
            slot = at + k * inner + t * (term_y if q else term_x)
            if not _touch(slot, state):
                state[KNOWN * slot + CLEARED] = 1
    pull, none = PULL * c[ROW_COUNT], int64(0)
    if labels:
        each, count, times, by = SCALED, n, runs, terms
        step_s, step_d, step_t = n, step_x, none
        term_s, term_d, term_t = none, none, term_y
    elif n == 1:  # terms lie in rows
        each, count = FACTORS, terms
        times, by = (1, runs) if q else (runs, 1)
        step_s, step_d, step_t = (none, none, none) if q else (n, none, step_x)
        term_s, term_d, term_t = (n, step_x, none) if q else (none, none, none)
    elif q:
        each, count, times, by = SCALED, n, terms, runs
        step_s, step_d, step_t = none, term_x, term_y
        term_s, term_d, term_t = n, step_x, none
    else:
        each, count, times, by = PRODUCTS, n, runs, terms
        step_s, step_d, step_t = n, none, step_x
        term_s, term_d, term_t = none, term_y, term_x
    pulls[pull + PULLS], pulls[pull + EACH], pulls[pull + COUNT], pulls[pull + TIMES_RUN] = MATRICES, each, count, times
    pulls[pull + SOURCE], pulls[pull + PARTIAL_AT], pulls[pull + TARGET] = s, x if q else y, slots + at
    pulls[pull + STEP_SOURCE], pulls[pull + STEP_PARTIAL], pulls[pull + STEP_TARGET] = (
        step_s, step_d & 0xFFFFFFFF, step_t & 0xFFFFFFFF,
    )  # fmt: skip
    pulls[pull + TERM_SOURCE], pulls[pull + TERM_PARTIAL], pulls[pull + TERM_TARGET] = (
        term_s, term_d & 0xFFFFFFFF, term_t & 0xFFFFFFFF,
    )  # fmt: skip
    pulls[pull + TERMS_RUN], pulls[pull + APART], pulls[pull + SWITCH] = by, next_y & 0xFFFFFFFF, rows[row + LABELS]
    c[ROW_COUNT] += 1


@helper
def _pull_row(row, o, rows, pulls, c, lists, table, state, slots, inputs):
    """Write the pulls of a block or a chain."""
    s, code, form = int64(state[KNOWN * o + ADJOINT]), int64(rows[row + OP]) & 255, rows[row + FORM]
    dot, running, facts = form == DOT, form == PRODUCT, FACTS * code
    chain = dot or running or form == CHAIN
    if running:
        pull = PULL * c[ROW_COUNT]
        pulls[pull + PULLS], pulls[pull + COUNT], pulls[pull + SOURCE] = LINKS, rows[row + N], s
        pulls[pull + PARTIAL_AT], pulls[pull + TIMES_RUN] = rows[row + YO], 1
        c[ROW_COUNT] += 1
    for q in range(3 if dot else 2 if chain else table[facts + ARITY]):
        field = row + MX + 3 * q
        mode, at, step = int64(rows[field]), int64(rows[field + 1]), _whole(rows[row + RX + q])
        n, repeats = int64(rows[row + N]), int64(rows[row + REPEATS])
        if form == MATRIX and (q < 2 or mode == ABSENT):
            if q < 2:
                _pull_matrices(q, row, s, rows, pulls, c, state, slots)
            continue
        how = int64(LESS if q and rows[row + OP] else PLUS) if chain else table[facts + HOW + q]
        if how == NOTHING_PASSES:
            continue
        if chain and q == 0:
            mode, n = ROWS, int64(1)
        if mode == STRIDE:
            mode = GATHER
            at, step = _list_strided(at, n, lists, c)
        if not _reached(mode, at, step, n, repeats if step else 1, lists, state):
            continue
        what, d, step_d = SPREAD if chain else SCALED, int64(0), int64(0)
        minus, switch = how == LESS or how == LESS_X or how == LESS_Y, int64(0) if chain else table[facts + IS_SWITCH]
        if how == COPY_X or how == LESS_X or how == COPY_Y or how == LESS_Y:
            second = how == COPY_Y or how == LESS_Y
            other = row + (MY if second else MX)
            shared = rows[other] == ONE or rows[other] == FILL
            what = SCALED if shared else PRODUCTS
            d, step_d = int64(rows[other + (1 if shared else 2)]), _whole(rows[row + (RY if second else RX)])
        elif how == COPY_V:
            what, d, step_d = PRODUCTS, o, n
        elif how == STORED:
            what, d, step_d = PRODUCTS, int64(rows[row + (DX if q == 0 else DY)]), n
        if dot and q:
            what, d, s = FACTORS, int64(state[KNOWN * o + ADJOINT]), int64(rows[row + (ZO if q == 1 else YO)])
        if running:
            what, d = PRODUCTS, o - 1 if q else int64(rows[row + YO])
        if repeats > 1 and mode == ROWS and step == n and (d == 0 or (what == PRODUCTS and step_d == n)):
            n, repeats = n * repeats, int64(1)
        _pull(what, n, repeats, s, d, step_d, mode, at, step, minus, switch, pulls, c, lists, state, slots, inputs)


@jit
def pull_back(rows, lists, pulls, c, table, state, slots, inputs, output, lists_at):
    """Write the pulls of a plan, from its last row to its first, and make all offsets absolute.

    The first contribution to an adjoint sets it; an adjoint whose only contribution is another one is that other one. Only what
    is neither is cleared first.
    """
    base, end = 2 * slots, len(rows)
    rows, lists, pulls, c, table, state = _pointers(rows, lists, pulls, c, table, state)
    for slot in range(slots):
        state[KNOWN * slot + ADJOINT] = slots + slot
    state[KNOWN * output + TOUCHED] = 1
    c[ROW_COUNT] = 1  # the first one clears and seeds
    for row in range(end - ROW, -1, -ROW):
        form, n, o = rows[row + FORM], int64(rows[row + N]), int64(rows[row + OUT])
        if form == STRETCH:
            begin, count = c[LIST], 0
            at = int64(rows[row + XI]) + WORDS * n
            for slot in range(o + n - 1, o - 1, -1):
                at -= WORDS
                lists[at + 3] = p = _settled(int64(lists[at + 3]), base)
                known = KNOWN * slot
                if state[known + TOUCHED] and state[known + ACTIVE]:
                    word = int64(lists[at])
                    count += _pull_instruction(
                        word & 255, int64(state[known + ADJOINT]), int64(lists[at + 1]), int64(lists[at + 2]), slot, p,
                        lists, c, table, state, inputs, base,
                    )  # fmt: skip
            _pull_singles(begin, count, pulls, c)
        else:
            for field in (XO, YO, ZO, DX, DY):
                rows[row + field] = _settled(int64(rows[row + field]), base)
            size = 1 if form == CHAIN or form == DOT else n * int64(rows[row + REPEATS])
            touched = reached = False
            for known in range(KNOWN * o, KNOWN * (o + size), KNOWN):
                touched = touched or state[known + TOUCHED] != 0
                reached = reached or state[known + ACTIVE] != 0
            if touched and reached:
                for known in range(KNOWN * o, KNOWN * (o + size), KNOWN):
                    if not state[known + TOUCHED]:
                        state[known + CLEARED] = 1
                _pull_row(row, o, rows, pulls, c, lists, table, state, slots, inputs)
    for known in range(KNOWN, KNOWN * (inputs + 1), KNOWN):
        if state[known + ACTIVE] and not state[known + TOUCHED]:
            state[known + CLEARED] = 1
    begin, ranges, slot = c[LIST], 0, 0
    while slot < slots:
        if state[KNOWN * slot + CLEARED]:
            start = last = slot
            # clearing a few more, which are set later, is cheaper than another range
            while slot < slots and slot - last < 16:
                if state[KNOWN * slot + CLEARED]:
                    last = slot
                slot += 1
            lists[c[LIST]], lists[c[LIST] + 1] = slots + start, last + 1 - start
            c[LIST] += 2
            ranges += 1
        else:
            slot += 1
    pulls[PULLS], pulls[COUNT], pulls[SOURCE], pulls[TARGET], pulls[TIMES_RUN] = CLEAR, ranges, slots + output, begin, 1
    for row in range(0, end, ROW):
        for field in (MX, MY, MZ):
            mode = rows[row + field]
            if mode == GATHER or mode == STRIDE or (field == MX and rows[row + FORM] == STRETCH):
                rows[row + field + 1] += lists_at
    for pull in range(0, PULL * c[ROW_COUNT], PULL):
        what = pulls[pull + PULLS]
        if what == CLEAR or what == SINGLES or what >> 4 == TO_LIST:
            pulls[pull + TARGET] += lists_at


@jit
def unroll(op, a, b, active, adjoint, readers, table, code, slots, inputs, at, chunk):
    """Write the instructions of a recording as they come from ``code[at]`` on, then their pulls.

    Returns where the pulls' lists end. Stretches are of ``chunk`` instructions, as are the rows that describe them. The adjoint of each
    slot is kept, or else, where ``adjoint`` and ``readers`` are as long as there are slots, those of as many ``inputs``. Those come as
    zeros.
    """
    n, every = len(op), len(adjoint) == 0
    op, a, b, active, adjoint, readers, table, code = _pointers(op, a, b, active, adjoint, readers, table, code)
    own, constants = slots - n, 2 * slots
    p = constants + len(CONSTANTS)
    rows = (n + chunk - 1) // chunk
    words = at
    for i in range(n):
        kind = word = int64(op[i])
        if kind >= LEAF:
            active[own + i] = 1
        else:
            facts = FACTS * kind
            word |= table[facts + FAMILY_OF] << 8
            for q in range(table[facts + ARITY]):
                how = table[facts + HOW + q]
                if how != NOTHING_PASSES and active[b[i] if q else a[i]]:
                    active[own + i] = 1
                    if not every:
                        readers[b[i] if q else a[i]] += 1
                    if how == STORED:
                        word |= 1 << 16 + q
        code[at], code[at + 1], code[at + 2], code[at + 3] = word, a[i], b[i], p
        at += WORDS
        p += 2
    code[at], code[at + 1] = slots, slots
    clear = at
    at += 2
    if not every:
        adjoint[code[OUTPUT]] = slots + code[OUTPUT]
    pulls = HEADER + ROW * rows
    for r in range(rows):
        row = HEADER + ROW * r
        code[row + N], code[row + REPEATS] = min(chunk, n - chunk * r), 1
        code[row + OUT], code[row + XI] = own + chunk * r, words + WORDS * chunk * r
    code[pulls + PULLS], code[pulls + COUNT], code[pulls + TARGET], code[pulls + TIMES_RUN] = CLEAR, 1, clear, 1
    code[pulls + SOURCE] = slots + code[OUTPUT]
    for r in range(rows):
        pulls += PULL
        code[pulls + PULLS], code[pulls + TARGET], code[pulls + TIMES_RUN] = SINGLES, at, 1
        begin = chunk * (rows - 1 - r)
        count = 0
        for back in range(min(chunk, n - begin)):
            i = min(begin + chunk, n) - 1 - back
            if op[i] >= LEAF or not active[own + i] or (not every and adjoint[own + i] == 0):
                continue
            facts, x, y, v = FACTS * int64(op[i]), int64(a[i]), int64(b[i]), own + i
            s = slots + v if every else int64(adjoint[v])
            for q in range(table[facts + ARITY]):
                how = table[facts + HOW + q]
                to = y if q else x
                if how == NOTHING_PASSES or not active[to]:
                    continue
                if not every and how == PLUS and readers[to] == 1 and to > inputs and adjoint[to] == 0:
                    adjoint[to] = s  # nothing else is ever added to this adjoint: it is the same number
                    continue
                d = _partial(how, x, y, v, constants + len(CONSTANTS) + 2 * i + q, constants)
                flag = FLAG if table[facts + IS_SWITCH] else 0
                before = slots + to
                if not every and adjoint[to] == 0:
                    adjoint[to], before = slots + to, constants + NOTHING_AT
                code[at], code[at + 1], code[at + 2], code[at + 3] = s, d + flag, before, slots + to
                at += 4
                count += 1
        code[pulls + COUNT] = count
    if not every:  # the adjoints of inputs that nothing comes back to
        first = last = 0
        for slot in range(1, inputs + 1):
            if active[slot] and adjoint[slot] == 0:
                first, last = first if first else slot, slot
        code[clear], code[clear + 1] = slots + first, last + 1 - first if first else 0
    return at


@jit
def _reach(a, b, alive, needed, inner):
    for i in range(a.size):
        inner[i] = (inner[a[i]] or alive[a[i]] or inner[b[i]] or alive[b[i]]) if a[i] < i else False
    for k in range(a.size):
        i = a.size - 1 - k
        needed[i] = needed[i] or alive[i]
        if needed[i] and inner[i]:
            needed[a[i]] = True
            needed[b[i]] = True


def reach(a, b, alive):
    """Which rows lie on a path between living rows or are living (``needed``), and which have a living row before them."""
    ready()
    needed, inner = np.zeros(len(a), np.bool_), np.zeros(len(a), np.bool_)
    _reach(a, b, alive, needed, inner)
    return needed, inner


def is_short(code) -> bool:
    """Whether a sweep takes less time than to let other threads run Python meanwhile."""
    return bool(code[SLOTS] <= SHORT)


def frame_of(code, work, begin, end, mode, reads=(), writes=(), then=None) -> np.ndarray:
    """A frame; its arrays have to stay, and ``then``."""
    arrays = [number for array, at in (*reads, *writes) for number in (array.ctypes.data, at, array.size)]
    due = 0 if then is None else id(then)
    return np.array([code.ctypes.data, work.ctypes.data, begin, end, mode, len(reads), len(writes), due, *arrays], np.uint64)


def piece(code, work, begin, end, mode, reads=(), writes=(), then=None):
    """A function without arguments that calls `_run`, between copies from arrays and to arrays as `bind` describes them."""
    if config.DISABLE_JIT:
        return functools.partial(_run, code, work, begin, end, mode)
    frame = frame_of(code, work, begin, end, mode, reads, writes, then)
    holds = frame.ctypes.data, frame, code, work, reads, writes, then
    if cpython.supported():
        return cpython.function(_call_frame(), frame.ctypes.data.to_bytes(8, sys.byteorder), holds)
    run = functools.partial(_entry(run_short_frame if is_short(code) else run_frame), frame.ctypes.data)
    run.holds = holds  # type: ignore[attr-defined]
    return run


def bind(code, work, pieces, mode, reads=(), writes=(), then=None):
    """A function without arguments that sweeps a program and returns what `_run` returns. Call `ready` before.

    ``reads`` and ``writes`` are pairs of a contiguous float64 array and the offset of its numbers in ``work``: copied before, and
    after where no guard disagrees. A long sweep runs in pieces, between which Ctrl-C is noticed.
    """
    rows, pulls = pieces
    if len(rows) == len(pulls) == 2 and not config.DISABLE_JIT:
        begin, end = rows if mode & FORWARD else pulls
        return piece(code, work, begin, end, mode, reads, writes, then)
    steps = [piece(code, work, *ends, mode & ~REVERSE) for ends in pairwise(rows) if mode & FORWARD]
    steps += [piece(code, work, *ends, REVERSE) for ends in pairwise(pulls) if mode & REVERSE]

    def run():
        for array, at in reads:
            work[at : at + array.size] = array.reshape(-1)
        for step in steps:
            value = step()
            if work[0] != DONE:
                return value
        for array, at in writes:
            array.reshape(-1)[:] = work[at : at + array.size]
        return float(value)

    return run


def sweep(code, work, pieces, mode):
    """Sweep a program once: `DONE`, or the first guard that disagrees. Call `ready` before."""
    bind(code, work, pieces, mode)()
    return int(work[0])


_ARGUMENTS = (types.CPointer(types.uint32), types.CPointer(types.float64), *[types.uint64] * 7)
_compiled: dict = {}
_numbered: list = []


def addresses(functions) -> np.ndarray:
    """The addresses of functions as they stand in a header, from their positions there; each is compiled when it is first asked for."""
    out = np.zeros(HEADER // 2 - AT // 2, np.uint64)
    for position, function in functions.items():
        out[position] = _number(function) if config.DISABLE_JIT else _loop(function).address
    return out.view(np.uint32)


def _number(function) -> int:
    """What stands for the address of a function where nothing is compiled."""
    if function not in _numbered:
        _numbered.append(function)
    return _numbered.index(function)


def _loop(function):
    """A function compiled for being called by its address."""
    found = _compiled.get(function)
    if found is None:
        with _lock:
            found = _compiled.get(function)
            if found is None:
                announce(function)
                found = _compiled[function] = _compile_loop(function)
    return found


def _compile_loop(function):
    if function is frame_value:
        return compiled(function, types.float64(types.uint64))
    if function is call_frame:
        return compiled(function, cpython.OBJECT(cpython.OBJECT, cpython.OBJECT))
    return compiled(function, (types.int64 if function in (forward, forward_in_order) else types.void)(*_ARGUMENTS))


def compiled(function, signature):
    """A function as C calls it, from the cache where there is one."""
    # inlined into what C calls: without the calls between the two a tiny program takes 5 % less
    options = {"error_model": "numpy", "no_rewrites": True, "forceinline": True}
    with uninterrupted():
        if _CACHE:
            try:
                return cfunc(signature, cache=True, **options)(function)
            except (NumbaError, RecursionError):
                raise
            except Exception as error:  # no folder to write to, or whatever a truncated or foreign cache file raises
                _warn(error)
        return cfunc(signature, **options)(function)


def cache_folder() -> str | None:
    """Where compiled kernels are kept; None where they are not."""
    return getattr(getattr(run_frame, "stats", None), "cache_path", None)


def on_disk(function) -> bool:
    """Whether the cache has a function compiled from its file as it is; for another processor, it may be.

    Numba is asked: newer versions go by the text of the file, so that a copy of it that is newer than the cache is no reason to compile.
    """
    if not cache_folder():
        return False
    try:
        return bool(FunctionCache(getattr(function, "py_func", function))._cache_file._load_index())
    except Exception:  # somebody clears the cache at this moment, or what is there is no index
        return False


def announce(function, what="kernels, once per machine (a few seconds)") -> None:
    """Say on a terminal that compiling takes a while, where nothing is on disk yet; each thing once."""
    if what not in _announced and sys.stderr is not None and sys.stderr.isatty() and not on_disk(function):
        _announced.add(what)
        print(f"jittape: compiling {what} ...", file=sys.stderr, flush=True)


# How many instructions a process plans in Python, at 7 to 12 us each and 0.3 ms a plan, before it loads what plans, and before it
# compiles it where it is on no disk: the former takes as long, the latter five to ten times as long, but later processes have it then.
BEFORE_LOADING, BEFORE_COMPILING = {"emit": 1 << 12, "unroll": 1 << 9}, {"emit": 1 << 18, "unroll": 1 << 15}
A_PLAN = 24


def planning(n: int, writes):
    """What has the functions that plan a tape of ``n`` instructions: this module, or the same functions as Python runs them.

    Half of what there is to compile is what plans. A first gradient does not wait for it, unless its tape is long. ``writes`` is the
    function that writes the plan, `emit` or `unroll`. Plans are integers, so that both make the same ones, to the bit.
    """
    if config.DISABLE_JIT:
        return in_python()
    name, n = writes.__name__, n + A_PLAN
    left = _left.get(name)
    if left is None:
        left = (BEFORE_LOADING if on_disk(writes) else BEFORE_COMPILING)[name]
    _left[name] = left - n if n <= left else 0
    if n <= left:
        return in_python()
    if left and writes is emit:
        announce(emit, "what plans long functions, once per machine (ten to twenty seconds)")
    return sys.modules[__name__]


# Arrays from this size on are mostly room, and to make lists of them, and arrays again, took a fifth of planning an ODE of 35,000 operations.
_ROOMY = 1 << 17


def _for_python(x: np.ndarray) -> list | memoryview:
    """An array as Python reaches its numbers fastest: as a list, in a fifth of the time, or where it is, without a copy."""
    return x.tolist() if x.size < _ROOMY else x.data


@functools.cache
def in_python() -> SimpleNamespace:
    """The functions that plan as Python runs them."""
    space = dict(globals())
    for name, value in globals().items():
        function = getattr(value, "py_func", value)
        if isinstance(function, FunctionType) and function.__module__ == __name__:
            space[name] = FunctionType(function.__code__, space, name, None, function.__closure__)
    space |= {"int64": int, "uint64": int}
    space |= {"_pointers": lambda *lists: lists}
    space |= {"_sorted": lambda keys, spare, n: sorted(keys[:n])}

    def on_lists(function):
        def run(*args):
            given = [_for_python(x) if isinstance(x, np.ndarray) else x for x in args]
            result = function(*given)
            for x, numbers in zip(args, given, strict=True):
                if isinstance(numbers, list) and isinstance(x, np.ndarray) and x.flags.writeable:
                    x[:] = numbers
            return result

        return run

    return SimpleNamespace(**{f.__name__: on_lists(space[f.__name__]) for f in PLANNING})


@functools.cache
def _call_frame():
    return cpython.forever(cpython.Definition(b"run", _loop(call_frame).address, cpython.NO_ARGUMENT))


def frame_address() -> int:
    """Where the compiled function is that runs a frame, by its address, and returns its value."""
    return _loop(frame_value).address


@functools.cache
def _entry(kernel):
    """A kernel that runs frames, without the dispatch on the type of its argument, which takes 0.1 us."""
    frame = np.zeros(ARRAYS, np.uint64)
    code, work = np.zeros(HEADER, np.uint32), np.zeros(1)
    frame[[CODE_AT, WORK_AT]] = code.ctypes.data, work.ctypes.data
    with _lock:
        kernel(frame.ctypes.data)
    return kernel.get_overload(kernel.signatures[0])


@functools.cache
def ready() -> None:
    """What is to be done before the first sweep: warn of a cache that is unusable; without Numba silence NumPy."""
    if config.DISABLE_JIT:
        _silence()
    elif _uncached is not None:
        _warn(_uncached)


def _silence() -> None:
    """Without Numba, NumPy's scalars warn where kernels do not."""
    global _run
    _run = np.errstate(all="ignore")(_run)


def _warn(error: Exception) -> None:
    warnings.warn(
        f"the compiled kernels could not be read from or written to Numba's cache ({type(error).__name__}: {error}); "
        "this process compiles them again. Delete the cache folder, or set NUMBA_CACHE_DIR to one that is writable.",
        JitTapeCacheWarning,
        stacklevel=4,
    )


PLANNING = (simplify, link, join, delay, agenda, emit, pull_back, unroll)
# What is called by its address: each is compiled when a program first needs it.
IN_ORDER = (forward_in_order, reverse_in_order)
BY_ADDRESS = (forward, reverse, stretch, singles, far_singles, matrix, matrix_back, *IN_ORDER, *filter(None, ONE_OF), *BLOCK_OF)
_lock = lock(threading.RLock)
wait_before_fork(global_compiler_lock)
_announced: set[str] = set()
# Instructions that are still to be planned in Python, by what writes the plan.
_left: dict[str, int] = {}
