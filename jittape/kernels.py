"""Every jitted function of the package, in one file: Numba's cache stamps only the file that holds a function.

The regions between markers are written by `codegen` from the op table; the rest is by hand. Kernels take arrays that Python
classes own, allocate nothing and raise nothing: they return a status.
"""

# <generated: imports>
# fmt: off
import glob
import os
import sys
import threading
import warnings
from math import inf, lgamma, nan, pi

import numpy as np
from llvmlite import ir
from numba import cfunc, config, njit, types
from numba.core.errors import NumbaError
from numba.extending import intrinsic
from numpy import (
    arctan2,
    ceil,
    copysign,
    float64,
    floor,
    fmod,
    int64,
    mod,
    rint,
    sign,
    sqrt,
    trunc,
)

from .errors import JitTapeCacheWarning

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
NOTHING = np.zeros(0)

_CACHE = os.environ.get("JITTAPE_CACHE", "1") != "0"
_uncached: Exception | None = None


def jit(function):
    """Compile on first call: no GIL, IEEE errors, cached on disk where some folder can be written."""
    options = {"nogil": True, "error_model": "numpy"}
    if not _CACHE:
        return njit(**options)(function)
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError as error:  # Numba found no folder that it can write to
        global _uncached
        _uncached = error
        return njit(**options)(function)


# <generated: special>
# fmt: off
@jit
def exp_scaled(v, k):
    """v * 2**k for a whole k in -1100..1100, rounded once: in two steps, because 2**k may be out of range."""
    half = k * 0.5 + 6755399441055744.0
    rest = (k - (half - 6755399441055744.0)) + 6755399441055744.0
    first = int64((float64(half).view(int64) + 1023) << 52).view(float64)
    second = int64((float64(rest).view(int64) + 1023) << 52).view(float64)
    return v * first * second


@jit
def exp_tail(r):
    """(exp(r) - 1 - r) / r**2 for abs(r) <= log(2) / 2."""
    r2 = r * r
    r4 = r2 * r2
    a = 0.5 + r * 0.1666666666666667
    b = 0.041666666666666685 + r * 0.008333333333326112
    c = 0.0013888888888874352 + r * 0.00019841269874904636
    d = 2.480158734744942e-05 + r * 2.755725529422524e-06
    e = 2.755725280625021e-07 + r * (2.5105260922590062e-08 + r * 2.0921625276615325e-09)
    return (a + r2 * b) + r4 * ((c + r2 * d) + r4 * e)


@jit
def exp_split(z, rest):
    """k, r and t with exp(z + rest) = 2**k (1 + r + t): whole, within log(2) / 2, and small beside r; for z within 800."""
    k = (z * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    high = z - k * 0.6931471803691238
    low = k * 1.9082149292705877e-10 - rest
    r = high - low
    return k, r, ((high - r) - low) + r * r * exp_tail(r)


@jit
def exp_sum(r, t):
    """1 + r + t, rounded nearly once."""
    c = 1.0 + r
    return c + (((1.0 - c) + r) + t)


@jit
def exp(x):
    """e to the power x: x = k log(2) + r, a polynomial in r, times 2**k; at most 0.7 ulp, 1 where subnormal."""
    z = float64(x)
    k, r, t = exp_split(710.0 if z > 710.0 else -746.0 if z < -746.0 else z, 0.0)
    return exp_scaled(exp_sum(r, t), k)


@jit
def exp2(x):
    """2 to the power x: the polynomial of exp in the fraction of x, times 2**k; at most 0.9 ulp, 1 where subnormal."""
    z = float64(x)
    z = 1025.0 if z > 1025.0 else -1080.0 if z < -1080.0 else z
    k = (z + 6755399441055744.0) - 6755399441055744.0
    r = (z - k) * 0.6931471805599453
    return exp_scaled(exp_sum(r, r * r * exp_tail(r)), k)


@jit
def expm1_quarter(z):
    """(exp(z) - 1) / 4 for z in -80..710.48, where exp(z) itself may overflow, as a sum of a number and its rounding error."""
    k, r, t = exp_split(z, 0.0)
    scale = int64((float64(k + 6755399441055744.0).view(int64) + 1021) << 52).view(float64)
    a = scale - 0.25
    b = scale * r
    c = a + b
    rest = ((a - c) + b) + scale * t
    v = c + rest
    return v, (c - v) + rest


@jit
def expm1(x):
    """exp(x) - 1 without cancellation: 2**k - 1 and 2**k (exp(r) - 1) added with their rounding error; at most 1.2 ulp."""
    z = float64(x)
    q, _ = expm1_quarter(710.0 if z > 710.0 else -60.0 if z < -60.0 else z)
    return z if abs(z) < 1e-16 else 4.0 * q


@jit
def sinh(x):
    """The hyperbolic sine: (t + t / (1 + t)) / 2 with t = expm1(abs(x)); at most 1.5 ulp."""
    z = float64(x)
    m = abs(z)
    q, lost = expm1_quarter(710.48 if m > 710.48 else m)
    t = 4.0 * q
    down = 1.0 + t
    w = t / down
    # 1 / (1 + t) is 1 - w, which carries the rounding errors of t and of 1 + t over to the quotient
    w = w + (1.0 - w) * (4.0 * lost - w * ((1.0 - down) + t))
    v = 2.0 * q + (0.5 * w + 2.0 * lost if m < 40.0 else 0.0)
    return z if m < 1e-9 else copysign(v, z)


@jit
def cosh(x):
    """The hyperbolic cosine: h + 1 / (4 h) with h = exp(abs(x)) / 2; at most 1.2 ulp."""
    m = abs(float64(x))
    k, r, t = exp_split(711.0 if m > 711.0 else m, 0.0)
    h = exp_scaled(exp_sum(r, t), k - 1.0)
    return h + 0.25 / h


@jit
def tanh(x):
    """The hyperbolic tangent: -t / (2 + t), t = expm1(-2 abs(x)), and from 0.55 on 1 - 2 (1 + t) / (2 + t); at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    k, r, t = exp_split(-40.0 if m > 20.0 else -2.0 * m, 0.0)
    scale = int64((float64(k + 6755399441055744.0).view(int64) + 1023) << 52).view(float64)
    a = scale - 1.0
    b = scale * r
    c = a + b
    rest = ((a - c) + b) + scale * t
    v = c + rest
    down = 2.0 + v
    q = (-v if m < 0.55 else 2.0 * (scale + scale * (r + t))) / down
    # 1 / (2 + t) is (1 + q) / 2, which carries the rounding errors of t and of 2 + t over to the quotient
    lost = (c - v) + rest
    near = q - 0.5 * (1.0 + q) * (lost + q * (((2.0 - down) + v) + lost))
    return z if m < 1e-9 else copysign(near if m < 0.55 else 1.0 - q, z)


@jit
def expit(x):
    """The logistic function by e = exp(-abs(x)), which never overflows: 1 or e over 1 + e; at most 1.9 ulp."""
    z = float64(x)
    e = exp(-abs(z))
    down = 1.0 + e
    q = (1.0 if z >= 0.0 else e) / down
    # 1 / (1 + e) is q or 1 - q, which carries the rounding error of 1 + e over to the quotient
    return q - q * ((q if z >= 0.0 else 1.0 - q) * ((1.0 - down) + e))


@jit
def log_tail(s2):
    """(log((1 + s) / (1 - s)) - 2 s) / s for s2 = s**2 and abs(s) <= 0.172."""
    s4 = s2 * s2
    a = 0.6666666666666666 + s2 * 0.4000000000000089
    b = 0.2857142857079741 + s2 * 0.22222222393006189
    c = 0.15386246223244220 * s2 + 0.18181795511976587
    d = 0.13088254146433181 * s2 + 0.132686087196942
    return s2 * ((a + s4 * b) + s4 * s4 * (c + s4 * d))


@jit
def log_split(z):
    """The whole k and f in sqrt(1/2)-1..sqrt(2)-1 with z = 2**k (1 + f), for positive finite z."""
    small = z < 2.2250738585072014e-308
    bits = float64(z * 18014398509481984.0 if small else z).view(int64)
    # one less sqrt(1/2), as patterns: the exponent field becomes k + 1023 for a mantissa in sqrt(1/2)..sqrt(2)
    high = (bits + 2638147582215219) & 9218868437227405312
    f = int64(bits - high + 4607182418800017408).view(float64) - 1.0
    return int64((high >> 52) | 4841369599423283200).view(float64) - (4503599627371573.0 if small else 4503599627371519.0), f


@jit
def log_ends(z, v):
    """v where z is positive and finite, else the logarithm of z."""
    v = v if z < inf else z
    return v if z > 0.0 else -inf if z == 0.0 else nan


@jit
def log(x):
    """The natural logarithm: x = 2**k (1 + f), then the series of log((1 + s) / (1 - s)), s = f / (2 + f); at most 0.9 ulp."""
    z = float64(x)
    k, f = log_split(z)
    s = f / (2.0 + f)
    h = 0.5 * f * f
    v = k * 0.6931471803691238 - ((h - (s * (h + log_tail(s * s)) + k * 1.9082149292705877e-10)) - f)
    return log_ends(z, v)


@jit
def log_pair(f):
    """log(1 + f) as a sum: a part of 21 bits, and the rest."""
    s = f / (2.0 + f)
    h = 0.5 * f * f
    high = int64(float64(f - h).view(int64) & -4294967296).view(float64)
    return high, ((f - high) - h) + s * (h + log_tail(s * s))


@jit
def log2(x):
    """The logarithm to base 2: log(1 + f) in two parts, so that times 1 / log(2) is nearly exact; at most 0.8 ulp."""
    z = float64(x)
    k, f = log_split(z)
    high, low = log_pair(f)
    a = high * 1.4426950407214463
    v = k + a
    v = v + (((k - v) + a) + ((low + high) * 1.6751713164886512e-10 + low * 1.4426950407214463))
    return log_ends(z, v)


@jit
def log10(x):
    """The logarithm to base 10, likewise; at most 0.8 ulp."""
    z = float64(x)
    k, f = log_split(z)
    high, low = log_pair(f)
    a = high * 0.4342944818781689
    b = k * 0.30102999566395283
    v = b + a
    v = v + (((b - v) + a) + ((k * 2.8363394551044964e-14 + (low + high) * 2.5082946711645275e-11) + low * 0.4342944818781689))
    return log_ends(z, v)


@jit
def log1p_sum(z, low):
    """log(1 + z + low) for a low below rounding: log of the rounded sum and, to first order, of what rounding lost."""
    u = 1.0 + z
    bits = float64(u).view(int64)
    high = (bits + 2638147582215219) & 9218868437227405312
    near = high == 4607182418800017408
    k = int64((high >> 52) | 4841369599423283200).view(float64) - 4503599627371519.0
    f = z if near else int64(bits - high + 4607182418800017408).view(float64) - 1.0
    s = f / (2.0 + f)
    h = 0.5 * f * f
    # the lost part over u = 2**k (1 + f); a percent off is far below rounding
    lost = low + (0.0 if near else 1.0 - (u - z) if z > 1.0 else z - (u - 1.0))
    lost = lost * int64(9214364837600034816 - high).view(float64) * ((1.0 - s) * (1.0 - s + s * s))
    tail = k * 1.9082149292705877e-10 + (0.0 if z > 1e17 else lost)
    return log_ends(u, k * 0.6931471803691238 - ((h - (s * (h + log_tail(s * s)) + tail)) - f))


@jit
def log1p(x):
    """log(1 + x): log of the rounded sum and, to first order, of what rounding lost; at most 0.9 ulp."""
    z = float64(x)
    v = log1p_sum(z, 0.0)
    return z if abs(z) < 1e-17 else v


@jit
def softplus(x):
    """log(1 + exp(x)) by exp(-abs(x)), which never overflows; at most 1.6 ulp."""
    z = float64(x)
    return (z if z > 0.0 else 0.0) + log1p(exp(-abs(z)))


@jit
def turns(z):
    """q, r and t with z = (4 n + q) pi / 2 + r + t: whole, within pi / 4, and below rounding; for z within 1e6.

    The first three parts of pi / 2 have 33 bits, so that their products with fewer than 2**20 are exact (Cody and Waite).
    """
    shifted = z * 0.6366197723675814 + 6755399441055744.0
    k = shifted - 6755399441055744.0
    a = z - k * 1.5707963267341256
    w = k * 6.077100506303966e-11
    b = a - w
    u = k * 2.0222662487111665e-21
    c = b - u
    rest = (((a - b) - w) + ((b - c) - u)) - k * 8.4784276603689e-32
    r = c + rest
    return float64(shifted).view(int64) & 3, r, (c - r) + rest


@jit
def circle(r, t):
    """sin(r + t) and cos(r + t), each followed by its rounding error; for r within pi / 4 and t below rounding."""
    z = r * r
    z2 = z * z
    low = -0.00019841269836724877 + z * 2.7557316084930363e-06
    high = -2.50511281499847e-08 + z * 1.5917861853805866e-10
    tail = (-0.16666666666666666 + z * 0.008333333333330927) + z2 * (low + z2 * high)
    rest = t * (1.0 - 0.5 * z) + r * z * tail
    s = r + rest
    low = 2.4801587298744435e-05 + z * -2.755731726062817e-07
    high = 2.0876143942503467e-09 + z * -1.1382464188417552e-11
    tail = (0.041666666666666664 + z * -0.0013888888888887382) + z2 * (low + z2 * high)
    h = 0.5 * z
    w = 1.0 - h
    drop = ((1.0 - w) - h) + (z2 * tail - r * t)
    c = w + drop
    return s, (r - s) + rest, c, (w - c) + drop


@jit
def with_sign(v, q):
    """v, or -v where the second bit of q is set."""
    return int64(float64(v).view(int64) ^ ((q & 2) << 62)).view(float64)


@jit
def circle_sin(q, r, t):
    """The sine of q quarter turns and r + t."""
    s, _, c, _ = circle(r, t)
    return with_sign(c if q & 1 else s, q)


@jit
def circle_cos(q, r, t):
    """The cosine of q quarter turns and r + t."""
    s, _, c, _ = circle(r, t)
    return with_sign(s if q & 1 else c, q + 1)


@jit
def circle_tan(q, r, t):
    """The tangent of q quarter turns and r + t."""
    s, sl, c, cl = circle(r, t)
    down = s if q & 1 else c
    v = (-c if q & 1 else s) / down
    # sine and cosine square to 1, so 1 / down is down (1 + v**2), which carries their rounding errors over to the quotient
    return v + ((-cl if q & 1 else sl) - v * (sl if q & 1 else cl)) * (down * (1.0 + v * v))


@jit
def sin_near(x):
    """The sine for x within 1e6: polynomials on a quarter turn, pi / 2 in four parts; at most 0.9 ulp."""
    z = float64(x)
    q, r, t = turns(z)
    v = circle_sin(q, r, t)
    return z if abs(z) < 1e-8 else v


@jit
def cos_near(x):
    """The cosine for x within 1e6, likewise; at most 0.9 ulp."""
    q, r, t = turns(float64(x))
    return circle_cos(q, r, t)


@jit
def tan_near(x):
    """The tangent for x within 1e6: the quotient of the two; at most 1.6 ulp."""
    z = float64(x)
    q, r, t = turns(z)
    v = circle_tan(q, r, t)
    return z if abs(z) < 1e-8 else v


@jit
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


@jit
def column(m0, m1, m2, m3, i):
    """One column of the product of a mantissa in digits of 24 bits and 2 / pi."""
    return m0 * digits(i) + m1 * digits(i + 1) + m2 * digits(i + 2) + m3 * digits(i + 3)


@jit
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
    # times pi / 2, with the rounding error of the product from halves of 26 bits (Dekker)
    g = f * 134217729.0
    g = g - (g - f)
    r = f * 1.5707963267948966
    h = f - g
    error = ((g * 1.5707963407039642 - r) + h * 1.5707963407039642 - g * 1.3909067675399456e-08) - h * 1.3909067675399456e-08
    t = error + (f * 6.123233995736766e-17 + rest * 1.5707963267948966)
    v = r + t
    t = (r - v) + t
    return ((q + up) & 3, v, t) if z > 0.0 else (-(q + up) & 3, -v, -t)


@jit
def sin(x):
    """The sine of any float: `sin_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 0.9 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return sin_near(z)
    q, r, t = turns_far(z)
    return circle_sin(q, r, t)


@jit
def cos(x):
    """The cosine of any float: `cos_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 0.9 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return cos_near(z)
    q, r, t = turns_far(z)
    return circle_cos(q, r, t)


@jit
def tan(x):
    """The tangent of any float: `tan_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 1.6 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return tan_near(z)
    q, r, t = turns_far(z)
    return circle_tan(q, r, t)


@jit
def erf_near(x):
    """The error function for x within 1/2: x + x P(x**2)."""
    z = x * x
    z2 = z * z
    a = 0.12837916709551256 + z * -0.37612638903183476
    b = 0.11283791670925479 + z * -0.0268661706329255
    c = 0.005223977373569877 + z * -0.0008548297796903137
    d = 0.00012053336999544561 + z * (-1.4845891283057166e-05 + z * 1.4726244430391079e-06)
    return x + x * ((a + z2 * b) + (z2 * z2) * (c + z2 * d))


@jit
def halves(x):
    """x as a sum of two numbers whose products with such numbers are exact."""
    high = int64(float64(x).view(int64) & -134217728).view(float64)
    return high, x - high


@jit
def erfc_far(m):
    """v and k with erfc(m) = v 2**k for m in 0.5..27.5: exp(-m**2) P((m - 4) / (m + 4)) / (m + 1/2) with m**2 in two parts."""
    high, low = halves(m)
    k, r, t = exp_split(-high * high, -low * (m + high))
    e = exp_sum(r, t)
    el = ((1.0 - e) + r) + t
    u = (m - 4.0) / (m + 4.0)
    u2 = u * u
    u4 = u2 * u2
    a = u * -0.06981055842028125 + u2 * (0.007689826051309496 + u * 0.03404852712734513)
    b = (-0.050519533018125624 + u * 0.046866417499226556) + u2 * (-0.0331651829068366 + u * 0.01858375776770915)
    c = (-0.008098867018706057 + u * 0.002515985000542192) + u2 * (-0.0003788867274183794 + u * -9.962842708254702e-05)
    d = (7.531126080653324e-05 + u * -1.2199248347340828e-05) + u2 * (-5.612400787534214e-06 + u * 2.8537892076259713e-06)
    f = (1.4983302636371571e-07 + u * -4.105670949084406e-07) + u2 * (3.3466106384596326e-08 + u * 5.2306242748116436e-08)
    g = -6.0954484735036266e-09 + u * -5.0670584188719854e-09
    rest = a + u4 * (b + u4 * (c + u4 * (d + u4 * (f + u4 * g))))
    p = 0.6164975593127763 + rest
    pl = (0.6164975593127763 - p) + rest
    down = m + 0.5
    # the product and the quotient with their rounding errors; a rough reciprocal is enough for what the quotient lost
    eh, er = halves(e)
    ph, pr = halves(p)
    v = e * p
    rest = (((eh * ph - v) + (eh * pr + er * ph)) + er * pr) + (e * pl + el * p)
    rough = int64(9213909880891250406 - float64(down).view(int64)).view(float64)
    q = v / down
    return q + (rest - q * ((m - down) + 0.5)) * rough, k


@jit
def erfc(x):
    """The complementary error function: 1 - erf(x) within 1/2, else by `erfc_far`; at most 1.9 ulp."""
    z = float64(x)
    m = abs(z)
    v, k = erfc_far(27.5 if m > 27.5 else m)
    v = exp_scaled(v, k)
    return 1.0 - erf_near(z) if m < 0.5 else 2.0 - v if z < 0.0 else v


@jit
def erf(x):
    """The error function: a polynomial within 1/2, else 1 - erfc(x); at most 1.5 ulp."""
    z = float64(x)
    m = abs(z)
    v, k = erfc_far(6.0 if m > 6.0 else m)
    v = 1.0 - v * int64((float64(k + 6755399441055744.0).view(int64) + 1023) << 52).view(float64)
    return erf_near(z) if m < 0.5 else copysign(v, z)


@jit
def product(x, y):
    """x * y, and its rounding error from products of halves (Dekker)."""
    a, b = halves(x)
    c, d = halves(y)
    v = x * y
    return v, ((a * c - v) + (a * d + b * c)) + b * d


@jit
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
    q2 = q * q
    b = (0.2 + q * 0.1428571428571469) + q2 * (0.11111111110823242 + q * 0.09090909168708722)
    d = (0.07692297377753227 + q * 0.06667407764835838) + q2 * (0.05852977886874684 + q * 0.058630131287585804)
    tail = q * (b + (q2 * q2) * d)
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


@jit
def power(x, y):
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


@jit
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


@jit
def arctan(x):
    """The inverse tangent: x, (x - 1) / (x + 1) or -1 / x, whichever is small, in a polynomial; at most 1.3 ulp."""
    z = float64(x)
    m = abs(z)
    low = m < 0.41421356237309503
    high = m > 2.414213562373095
    down = m - 1.0
    up = m + 1.0
    t = (m if low else -1.0 if high else down) / (1.0 if low else m if high else up)
    # 1 / (x + 1) is (1 - t) / 2, which carries the rounding errors of x - 1 and x + 1 over to the quotient
    lost = (((-1.0 - down) + m) - t * ((1.0 - up) + m)) * (0.5 - 0.5 * t)
    q = t * t
    q2 = q * q
    a = (-0.3333333333333323 + q * 0.19999999999961351) + q2 * (-0.14285714280845915 + q * 0.11111110811472875)
    b = (-0.09090898470135679 + q * 0.07692071616003199) + q2 * (-0.0666322211586418 + q * 0.05848679455672107)
    c = -0.05042604049675467 + q * (0.03814271879325763 + q * -0.01798741710209115)
    tail = t * q * (a + (q2 * q2) * (b + (q2 * q2) * c))
    v = t + (tail + (0.0 if low else 6.123233995736766e-17 if high else 3.061616997868383e-17 + lost))
    return copysign(v if low else (1.5707963267948966 if high else 0.7853981633974483) + v, z)


@jit
def cbrt(x):
    """The cube root: a polynomial of the mantissa and one step of Halley's; at most 1.0 ulp."""
    z = float64(x)
    m = abs(z)
    k, f = log_split(m)
    third = k * 0.3333333333333333 + 6755399441055744.0
    j = k - 3.0 * (third - 6755399441055744.0)
    g = f * f
    y = (0.9999991098253108 + f * 0.3333188629533928) + g * (-0.11097412606571799 + f * 0.06233905288891144)
    y = y + g * g * (-0.04466474328664842 + f * 0.026541211869127262)
    y = y * (1.2599210498948732 if j > 0.5 else 0.7937005259840998 if j < -0.5 else 1.0)
    w = (1.0 + f) * (2.0 if j > 0.5 else 0.5 if j < -0.5 else 1.0)
    c = y * y * y
    v = (y + y * ((w - c) / (c + c + w))) * int64((float64(third).view(int64) + 1023) << 52).view(float64)
    return copysign(v, z) if m > 0.0 and m < inf else z


@jit
def arc_tail(z):
    """arcsin(s) / s - 1 for z = s**2 within 1/4."""
    z2 = z * z
    z4 = z2 * z2
    a = (0.1666666666666674 + z * 0.07499999999975038) + z2 * (0.04464285717137595 + z * 0.030381942837541094)
    b = (0.022372211845393578 + z * 0.017351661490260222) + z2 * (0.013980292997224019 + z * 0.011402795167838684)
    c = (0.010760496733002006 + z * 0.0037746524477265168) + z2 * (0.021554659711872336 + z * -0.02079907137342904)
    return z * (a + z4 * (b + z4 * (c + z4 * 0.0325124315588589)))


@jit
def arcsin(x):
    """The inverse sine: a polynomial within 1/2, else pi / 2 less twice the arc of sqrt((1 - x) / 2); at most 1.2 ulp."""
    z = float64(x)
    m = abs(z)
    far = m > 0.5
    q = (1.0 - m) * 0.5 if far else m * m
    s = sqrt(q) if far else m
    tail = s * arc_tail(q)
    a = 1.5707963267948966 - 2.0 * s
    v = a + (((1.5707963267948966 - a) - 2.0 * s) - (2.0 * tail - 6.123233995736766e-17))
    return copysign(v if far else s + tail, z)


@jit
def arccos(x):
    """The inverse cosine, likewise; at most 1.2 ulp."""
    z = float64(x)
    m = abs(z)
    far = m > 0.5
    q = (1.0 - m) * 0.5 if far else m * m
    s = sqrt(q) if far else z
    tail = s * arc_tail(q)
    # a multiple of pi / 2, less or more once or twice the arc
    base = 0.0 if z > 0.5 else 3.141592653589793 if z < -0.5 else 1.5707963267948966
    rest = 0.0 if z > 0.5 else 1.2246467991473532e-16 if z < -0.5 else 6.123233995736766e-17
    times = 2.0 if z > 0.5 else -2.0 if z < -0.5 else -1.0
    a = base + times * s
    return a + (((base - a) + times * s) + (times * tail + rest))


@jit
def arctanh(x):
    """The inverse hyperbolic tangent: log1p(2 x / (1 - x)) / 2; at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    down = 1.0 - m
    q = 2.0 * m / down
    # 1 / (1 - x) is 1 + q / 2, which carries the rounding error of 1 - x over to the quotient
    v = 0.5 * log1p_sum(q, q * ((m - (1.0 - down)) * (1.0 + 0.5 * q)) if m < 1.0 else 0.0)
    return z if m < 1e-9 else copysign(v, z)


@jit
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


@jit
def arccosh(x):
    """The inverse hyperbolic cosine: log1p(t + sqrt(2 t + t**2)) with t = x - 1; at most 1.8 ulp."""
    z = float64(x)
    t = z - 1.0
    n = 1.0 if z > 1e17 else t
    w = sqrt(n + n + n * n)
    u = t if z > 1e17 else w + t
    v = log1p_sum(u, (w - u) + t) + (0.6931471805599453 if z > 1e17 else 0.0)
    return nan if z < 1.0 else v


@jit
def power_dx(x, y, v):
    """The partial of x**y in x: 0 for y = 0, whatever x, and by its limit 0 where y is infinite and x**y is 0."""
    # v / x where it is in range: y - 1 rounds, and the power magnifies that by log(x)
    p = v / x if 1e-290 < abs(v) < inf and 1e-290 < abs(v / x) < inf else power(x, y - 1.0)
    return v if v != v else 0.0 if y == 0.0 or p == 0.0 else y * p


@jit
def power_dy(x, y, v):
    """The partial of x**y in y: v * log(x), by its limit where v is 0, and 0 at (0, 0)."""
    if (v == 0.0 and x >= 0.0) or (x == 0.0 and y == 0.0):
        return 0.0
    return v * log(x)


@jit
def logaddexp(x, y):
    """log(exp(x) + exp(y)); equal infinities stay what they are."""
    if x == y:
        return x + 0.6931471805599453
    d = x - y
    return (x if d > 0.0 else y) + log1p(exp(-abs(d)))


@jit
def xlogy(x, y):
    """x * log(y), 0 where x is 0 and y is a number."""
    return 0.0 if x == 0.0 and y == y else x * log(y)


@jit
def xlog1py(x, y):
    """x * log1p(y), 0 where x is 0 and y is a number."""
    return 0.0 if x == 0.0 and y == y else x * log1p(y)


@jit
def floor_divide(x, y):
    """The floor of x / y as Python has it: from the exact remainder, because x / y may round up to a whole number."""
    if y == 0.0:
        return x / y
    r = fmod(x, y)
    q = (x - r) / y
    q = q - 1.0 if r != 0.0 and (r < 0.0) != (y < 0.0) else q
    f = floor(q)
    return copysign(0.0, x / y) if q == 0.0 else f + 1.0 if q - f > 0.5 else f


@jit
def sinc(x):
    """sin(pi x) / (pi x), from the exact distance to the nearest integer: 0 at the other integers and at infinity."""
    if x == 0.0 or (x == x and x - x != 0.0):
        return 1.0 if x == 0.0 else 0.0
    n = rint(x)
    half = 0.5 * n
    s = sin(pi * (x - n)) / (pi * x)
    return s if half == floor(half) else -s


@jit
def sinc_dx(x, v):
    """The derivative of sinc: (cos(pi x) - v) / x, and its Taylor series below 1/2, where that cancels."""
    if abs(x) < 0.5:
        t = pi * x
        s = t * t
        tail = 1 / 93405312000 - s * (1 / 22230464256000 - s * (1 / 6758061133824000 - s * (1 / 2554547108585472000)))
        p = 1 / 3 - s * (1 / 30 - s * (1 / 840 - s * (1 / 45360 - s * (1 / 3991680 - s * (1 / 518918400 - s * tail)))))
        return -pi * t * p
    if x == x and x - x != 0.0:
        return 0.0
    n = rint(x)
    half = 0.5 * n
    c = sin(pi * (0.5 - abs(x - n)))
    return ((c if half == floor(half) else -c) - v) / x


@jit
def erfcx_tail(t):
    """exp(t*t) * erfc(t) for t >= 3 by 40 levels of its continued fraction (Abramowitz and Stegun 7.1.14)."""
    f = t
    for k in range(40, 0, -1):
        f = t + 0.5 * k / f
    return 0.5641895835477563 / f


@jit
def log_ndtr(x):
    """The logarithm of the normal distribution function, accurate in both tails."""
    if x > 1.0:
        return log1p(-0.5 * erfc(x * 0.7071067811865476))
    if x > -5.0 or x != x:
        return log(0.5 * erfc(-x * 0.7071067811865476))
    return -0.5 * x * x + log(0.5 * erfcx_tail(-x * 0.7071067811865476))


@jit
def log_ndtr_dx(x):
    """The derivative of log_ndtr: the normal density over the distribution function."""
    if x > -5.0 or x != x:
        return 0.3989422804014327 * exp(-0.5 * x * x) / (0.5 * erfc(-x * 0.7071067811865476))
    if x < -1e300:
        return -x
    return 0.7978845608028654 / erfcx_tail(-x * 0.7071067811865476)


@jit
def gammaln(x):
    """log|gamma(x)|; infinite at the poles, and where `lgamma` would overflow."""
    if (x <= 0.0 and floor(x) == x) or x > 2.5599833278516383e305:
        return inf
    return lgamma(x)


@jit
def digamma(x):
    """The derivative of gammaln by recurrence to x >= 10 and an asymptotic series (Abramowitz, Stegun 6.3.18); NaN at poles."""
    shift = 0.0
    if x <= 0.0:
        if x - x != 0.0 or floor(x) == x:
            return nan
        shift = -pi / tan(pi * (x - rint(x)))
        x = 1.0 - x
    while x < 10.0:
        shift -= 1.0 / x
        x += 1.0
    if x - x != 0.0:
        return x
    r = 1.0 / (x * x)
    tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * (691 / 32760 - r * (1 / 12)))))))
    return shift + log(x) - 0.5 / x - tail


@jit
def trigamma(x):
    """The derivative of digamma, likewise (Abramowitz and Stegun 6.4.12); infinite at the poles."""
    shift = 0.0
    sign = 1.0
    if x <= 0.0:
        if x - x != 0.0:
            return nan
        if floor(x) == x:
            return inf
        s = sin(pi * (x - rint(x)))
        shift = pi * pi / (s * s)
        sign = -1.0
        x = 1.0 - x
    total = 0.0
    while x < 10.0:
        total += 1.0 / (x * x)
        x += 1.0
    r = 1.0 / (x * x)
    tail = r * (
        1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66 - r * (691 / 2730 - r * (7 / 6 - r * (3617 / 510)))))))
    )
    total += 1.0 / x + 0.5 * r + tail / x
    return shift + sign * total


@jit
def switch(code):
    """Whether a zero partial of this operation passes nothing."""
    return (
        code == 19 or code == 20 or code == 21 or code == 22 or code == 23 or code == 24 or code == 25 or code == 27
        or code == 28
    )


# The operations that have vector loops.
VECTORISED = (
    0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 39, 40, 41, 42, 43, 44, 45, 46, 47, 49, 50, 51, 52, 53, 54, 55, 57, 58, 59, 63, 64, 65, 66, 67,
    68, 69, 70, 71, 72, 73, 74, 75, 76
)
# fmt: on
# </generated>


# One row of a plan: what a block computes, where it reads, and where its partials are. Offsets count float64s of `work`.
ROW = 16
KIND, OP, N, OUT = 0, 1, 2, 3  # kind of block, operation, number of elements, first slot written
MX, XO, XI, PX, DX = 4, 5, 6, 7, 8  # operand x: mode, where it is read, its slot or index list; its partial: kind, where
MY, YO, YI, PY, DY = 9, 10, 11, 12, 13  # the same for operand y
SWITCH = 14  # of a block, whether zero partials mean "not connected"; of a chain, whether it subtracts
SCALAR, VECTOR, CHAIN = 0, 1, 2  # kinds of block
ABSENT, CONTIGUOUS, BROADCAST, GATHER = 0, 1, 2, 3  # modes of an operand
INACTIVE, STORED, CONSTANT, ALIAS = 0, 1, 2, 3  # kinds of partial
# The header of a program's code: slots, rows, guards, where the guards are, the output's slot; then the addresses of the
# functions that have the loops of all operations, low half first.
HEADER = 16
AT_SCALAR, AT_VALUES, AT_PARTIALS_X, AT_PARTIALS_Y = 6, 8, 10, 12


@jit
def scalar_reverse(code, work, at, n, first, da, db, adj):
    """Pull adjoints back one instruction at a time.

    The targets have lists of their own, in which an operand that no derivative reaches is the instruction's own slot, read
    already: else all instructions with one constant would wait for each other's sum, and NaN would pass where nothing does.
    """
    for back in range(n):
        k = n - np.uint64(1) - back
        s = work[adj + first + k]
        if s != 0.0:
            d, e = work[da + k], work[db + k]
            p = s * d
            q = s * e
            if (p != p or q != q) and switch(code[at + k]):
                # a NaN is rare: only then ask whether the operation is a switch, whose zero partial passes nothing
                p = 0.0 if d == 0.0 else p
                q = 0.0 if e == 0.0 else q
            work[adj + code[at + np.uint64(3) * n + k]] += p
            work[adj + code[at + np.uint64(4) * n + k]] += q


@jit
def fetch(code, work, mode, at, to, n):
    """Copy an operand that does not lie in a row to where the block reads it."""
    if mode == BROADCAST:
        x = work[at]
        for i in range(n):
            work[to + i] = x
    elif mode == GATHER:
        for i in range(n):
            work[to + i] = work[code[at + i]]


@jit
def pull(code, work, adj, mode, at, kind, d, s, n, plain):
    """Pull the adjoints of a block to one operand: each adjoint times its partial, added to the operand's adjoint.

    A zero adjoint contributes nothing, whatever the partial; with ``plain`` false neither does a zero partial. Sums into a
    broadcast operand run in four lanes, gathers from the last element to the first.
    """
    if kind == CONSTANT:
        c = work[d]
        if mode == CONTIGUOUS:
            for i in range(n):
                work[adj + at + i] += work[s + i] * c
        elif mode == BROADCAST:
            total = 0.0
            for i in range(n):
                total += work[s + i] * c
            work[adj + at] += total
        else:
            for back in range(n):
                i = n - np.uint64(1) - back
                work[adj + code[at + i]] += work[s + i] * c
    elif mode == CONTIGUOUS:
        for i in range(n):
            x = work[s + i]
            y = work[d + i]
            work[adj + at + i] += x * y if (x != 0.0) & (plain | (y != 0.0)) else 0.0
    elif mode == BROADCAST:
        one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
        t0 = t1 = t2 = t3 = 0.0
        whole = n // four
        for k in range(whole):
            i = k * four
            x, y = work[s + i], work[d + i]
            t0 += x * y if (x != 0.0) & (plain | (y != 0.0)) else 0.0
            x, y = work[s + i + one], work[d + i + one]
            t1 += x * y if (x != 0.0) & (plain | (y != 0.0)) else 0.0
            x, y = work[s + i + two], work[d + i + two]
            t2 += x * y if (x != 0.0) & (plain | (y != 0.0)) else 0.0
            x, y = work[s + i + three], work[d + i + three]
            t3 += x * y if (x != 0.0) & (plain | (y != 0.0)) else 0.0
        for i in range(whole * four, n):
            x, y = work[s + i], work[d + i]
            t0 += x * y if (x != 0.0) & (plain | (y != 0.0)) else 0.0
        work[adj + at] += (t0 + t1) + (t2 + t3)
    else:
        for back in range(n):
            i = n - np.uint64(1) - back
            x, y = work[s + i], work[d + i]
            work[adj + code[at + i]] += x * y if (x != 0.0) & (plain | (y != 0.0)) else 0.0


@jit
def reverse(code, work, row, adj):
    """Run one block in reverse; knows no operation, only where partials and operands are."""
    kind, n, o = code[row + KIND], np.uint64(code[row + N]), np.uint64(code[row + OUT])
    at = np.uint64(code[row + XI])
    dx, dy = np.uint64(code[row + DX]), np.uint64(code[row + DY])
    if kind == SCALAR:
        scalar_reverse(code, work, at, n, o, dx, dy, adj)
    elif kind == CHAIN:
        s = work[adj + o]
        each = -s if code[row + SWITCH] else s
        if code[row + MX] == CONTIGUOUS:
            for i in range(np.uint64(1), n):
                work[adj + at + i] += each
            work[adj + at] += s
        else:
            for back in range(n - np.uint64(1)):
                work[adj + code[at + n - np.uint64(1) - back]] += each
            work[adj + code[at]] += s
    else:
        plain = code[row + SWITCH] == 0
        if code[row + PX] != INACTIVE:
            pull(code, work, adj, code[row + MX], at, code[row + PX], dx, adj + o, n, plain)
        if code[row + PY] != INACTIVE:
            pull(code, work, adj, code[row + MY], np.uint64(code[row + YI]), code[row + PY], dy, adj + o, n, plain)


def scalar(code, work, at, n, o, da, db, _):
    """One instruction at a time: values, and those partials that are not constants."""
    for k in range(n):
        op = code[at + k]
        x = work[code[at + n + k]]
        y = work[code[at + n + n + k]]
        # <generated: scalar>
        # fmt: off
        if op == 0:  # add
            v = x + y
        elif op == 1:  # subtract
            v = x - y
        elif op == 2:  # multiply
            v = x * y
            work[da + k] = y
            work[db + k] = x
        elif op == 3:  # divide
            v = x / y
            work[da + k] = 1.0 / y
            work[db + k] = -v / y
        elif op == 4:  # power
            v = power(x, y)
            work[da + k] = power_dx(x, y, v)
            work[db + k] = power_dy(x, y, v)
        elif op == 5:  # mod
            v = mod(x, y)
            work[da + k] = 1.0 if v == v else v
            work[db + k] = rint((v - x) / y) if v != y else 1.0
        elif op == 6:  # fmod
            v = fmod(x, y)
            work[da + k] = 1.0 if v == v else v
            work[db + k] = rint((v - x) / y)
        elif op == 7:  # floor_divide
            v = floor_divide(x, y)
        elif op == 8:  # negative
            v = -x
        elif op == 9:  # reciprocal
            v = 1.0 / x
            work[da + k] = -v * v
        elif op == 10:  # square
            v = x * x
            work[da + k] = x + x
        elif op == 11:  # sqrt
            v = sqrt(x)
            work[da + k] = 0.5 / abs(v)
        elif op == 12:  # cbrt
            v = cbrt(x)
            work[da + k] = 1.0 / (3.0 * v * v)
        elif op == 13:  # abs
            v = abs(x)
            work[da + k] = sign(x)
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
        elif op == 19:  # relu
            v = x if x > 0.0 or x != x else 0.0
            work[da + k] = 1.0 if x > 0.0 else x if x != x else 0.0
        elif op == 20:  # maximum
            v = x if x >= y or x != x else y
            work[da + k] = v if v != v else 1.0 if x > y else 0.5 if x == y else 0.0
            work[db + k] = v if v != v else 1.0 if y > x else 0.5 if x == y else 0.0
        elif op == 21:  # minimum
            v = x if x <= y or x != x else y
            work[da + k] = v if v != v else 1.0 if x < y else 0.5 if x == y else 0.0
            work[db + k] = v if v != v else 1.0 if y < x else 0.5 if x == y else 0.0
        elif op == 22:  # fmax
            v = x if x >= y or y != y else y
            work[da + k] = v if v != v else 1.0 if x > y or y != y else 0.5 if x == y else 0.0
            work[db + k] = v if v != v else 1.0 if y > x or x != x else 0.5 if x == y else 0.0
        elif op == 23:  # fmin
            v = x if x <= y or y != y else y
            work[da + k] = v if v != v else 1.0 if x < y or y != y else 0.5 if x == y else 0.0
            work[db + k] = v if v != v else 1.0 if y < x or x != x else 0.5 if x == y else 0.0
        elif op == 24:  # clip_low
            v = x if x > y or x != x else y
            work[da + k] = v if v != v else 1.0 if x > y else 0.0
            work[db + k] = v if v != v else 0.0 if x > y else 1.0
        elif op == 25:  # clip_high
            v = x if x < y or x != x else y
            work[da + k] = v if v != v else 1.0 if x < y else 0.0
            work[db + k] = v if v != v else 0.0 if x < y else 1.0
        elif op == 26:  # copysign
            v = copysign(x, y)
            work[da + k] = sign(x) * copysign(1.0, y)
        elif op == 27:  # gate
            v = y if x != 0.0 else -0.0
            work[db + k] = 1.0 if x != 0.0 else 0.0
        elif op == 28:  # gate_not
            v = -0.0 if x != 0.0 else y
            work[db + k] = 0.0 if x != 0.0 else 1.0
        elif op == 29:  # exp
            v = exp(x)
            work[da + k] = v
        elif op == 30:  # exp2
            v = exp2(x)
            work[da + k] = v * LN2
        elif op == 31:  # expm1
            v = expm1(x)
            work[da + k] = exp(x)
        elif op == 32:  # log
            v = log(x)
            work[da + k] = 1.0 / x if v == v else v
        elif op == 33:  # log2
            v = log2(x)
            work[da + k] = LOG2_E / x if v == v else v
        elif op == 34:  # log10
            v = log10(x)
            work[da + k] = LOG10_E / x if v == v else v
        elif op == 35:  # log1p
            v = log1p(x)
            work[da + k] = 1.0 / (1.0 + x) if v == v else v
        elif op == 36:  # logaddexp
            v = logaddexp(x, y)
            work[da + k] = 0.5 if x == y else expit(x - y)
            work[db + k] = 0.5 if x == y else expit(y - x)
        elif op == 37:  # xlogy
            v = xlogy(x, y)
            work[da + k] = v if v != v else log(y) if x != 0.0 or y != 0.0 else 0.0
            work[db + k] = v if v != v else x / y if x != 0.0 or y != 0.0 else 0.0
        elif op == 38:  # xlog1py
            v = xlog1py(x, y)
            work[da + k] = v if v != v else log1p(y) if x != 0.0 or y != -1.0 else 0.0
            work[db + k] = v if v != v else x / (1.0 + y) if x != 0.0 or y != -1.0 else 0.0
        elif op == 39:  # expit
            v = expit(x)
            work[da + k] = v * expit(-x)
        elif op == 40:  # log_expit
            v = -softplus(-x)
            work[da + k] = expit(-x)
        elif op == 41:  # softplus
            v = softplus(x)
            work[da + k] = expit(x)
        elif op == 42:  # sin
            v = sin(x)
            work[da + k] = cos(x)
        elif op == 43:  # cos
            v = cos(x)
            work[da + k] = -sin(x)
        elif op == 44:  # tan
            v = tan(x)
            work[da + k] = 1.0 + v * v
        elif op == 45:  # arcsin
            v = arcsin(x)
            work[da + k] = 1.0 / sqrt((1.0 - x) * (1.0 + x))
        elif op == 46:  # arccos
            v = arccos(x)
            work[da + k] = -1.0 / sqrt((1.0 - x) * (1.0 + x))
        elif op == 47:  # arctan
            v = arctan(x)
            work[da + k] = 1.0 / (1.0 + x * x)
        elif op == 48:  # arctan2
            v = arctan2(x, y)
            work[da + k] = v if v != v else y / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0
            work[db + k] = v if v != v else -x / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0
        elif op == 49:  # sinh
            v = sinh(x)
            work[da + k] = cosh(x)
        elif op == 50:  # cosh
            v = cosh(x)
            work[da + k] = sinh(x)
        elif op == 51:  # tanh
            v = tanh(x)
            work[da + k] = 1.0 / (cosh(x) * cosh(x))
        elif op == 52:  # arcsinh
            v = arcsinh(x)
            work[da + k] = 1.0 / hypot(x, 1.0)
        elif op == 53:  # arccosh
            v = arccosh(x)
            work[da + k] = 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))
        elif op == 54:  # arctanh
            v = arctanh(x)
            work[da + k] = 1.0 / ((1.0 - x) * (1.0 + x)) if v == v else v
        elif op == 55:  # hypot
            v = hypot(x, y)
            work[da + k] = x / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(x) < abs(y) else copysign(1.0, x) if abs(x) > abs(y) else copysign(SQRT_HALF, x) if abs(x) == abs(y) else nan
            work[db + k] = y / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(y) < abs(x) else copysign(1.0, y) if abs(y) > abs(x) else copysign(SQRT_HALF, y) if abs(y) == abs(x) else nan
        elif op == 56:  # sinc
            v = sinc(x)
            work[da + k] = sinc_dx(x, v)
        elif op == 57:  # erf
            v = erf(x)
            work[da + k] = TWO_OVER_SQRT_PI * exp(-x * x)
        elif op == 58:  # erfc
            v = erfc(x)
            work[da + k] = -TWO_OVER_SQRT_PI * exp(-x * x)
        elif op == 59:  # ndtr
            v = 0.5 * erfc(-x * SQRT_HALF)
            work[da + k] = INV_SQRT_TWO_PI * exp(-0.5 * x * x)
        elif op == 60:  # log_ndtr
            v = log_ndtr(x)
            work[da + k] = log_ndtr_dx(x)
        elif op == 61:  # gammaln
            v = gammaln(x)
            work[da + k] = digamma(x)
        elif op == 62:  # digamma
            v = digamma(x)
            work[da + k] = trigamma(x) if v == v else v
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
        elif op == 69:  # logical_and
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
        elif op == 76:  # with_gradient
            v = x
            work[db + k] = 1.0 if v == v else v
        else:  # a leaf among the rows of a recording
            v = work[o + k]
        # fmt: on
        # </generated>
        work[o + k] = v


def values(code, work, op, xo, yo, o, n, _):
    """The values of a block."""
    # <generated: values>
    # fmt: off
    if op == 0:  # add
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x + y
    elif op == 1:  # subtract
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x - y
    elif op == 2:  # multiply
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x * y
    elif op == 3:  # divide
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x / y
    elif op == 8:  # negative
        for i in range(n):
            x = work[xo + i]
            work[o + i] = -x
    elif op == 9:  # reciprocal
        for i in range(n):
            x = work[xo + i]
            work[o + i] = 1.0 / x
    elif op == 10:  # square
        for i in range(n):
            x = work[xo + i]
            work[o + i] = x * x
    elif op == 11:  # sqrt
        for i in range(n):
            x = work[xo + i]
            work[o + i] = sqrt(x)
    elif op == 12:  # cbrt
        for i in range(n):
            x = work[xo + i]
            work[o + i] = cbrt(x)
    elif op == 13:  # abs
        for i in range(n):
            x = work[xo + i]
            work[o + i] = abs(x)
    elif op == 14:  # sign
        for i in range(n):
            x = work[xo + i]
            work[o + i] = sign(x)
    elif op == 15:  # floor
        for i in range(n):
            x = work[xo + i]
            work[o + i] = floor(x)
    elif op == 16:  # ceil
        for i in range(n):
            x = work[xo + i]
            work[o + i] = ceil(x)
    elif op == 17:  # trunc
        for i in range(n):
            x = work[xo + i]
            work[o + i] = trunc(x)
    elif op == 18:  # rint
        for i in range(n):
            x = work[xo + i]
            work[o + i] = rint(x)
    elif op == 19:  # relu
        for i in range(n):
            x = work[xo + i]
            work[o + i] = x if x > 0.0 or x != x else 0.0
    elif op == 20:  # maximum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x if x >= y or x != x else y
    elif op == 21:  # minimum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x if x <= y or x != x else y
    elif op == 22:  # fmax
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x if x >= y or y != y else y
    elif op == 23:  # fmin
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x if x <= y or y != y else y
    elif op == 24:  # clip_low
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x if x > y or x != x else y
    elif op == 25:  # clip_high
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = x if x < y or x != x else y
    elif op == 26:  # copysign
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = copysign(x, y)
    elif op == 27:  # gate
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = y if x != 0.0 else -0.0
    elif op == 28:  # gate_not
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = -0.0 if x != 0.0 else y
    elif op == 29:  # exp
        for i in range(n):
            x = work[xo + i]
            work[o + i] = exp(x)
    elif op == 30:  # exp2
        for i in range(n):
            x = work[xo + i]
            work[o + i] = exp2(x)
    elif op == 31:  # expm1
        for i in range(n):
            x = work[xo + i]
            work[o + i] = expm1(x)
    elif op == 32:  # log
        for i in range(n):
            x = work[xo + i]
            work[o + i] = log(x)
    elif op == 33:  # log2
        for i in range(n):
            x = work[xo + i]
            work[o + i] = log2(x)
    elif op == 34:  # log10
        for i in range(n):
            x = work[xo + i]
            work[o + i] = log10(x)
    elif op == 35:  # log1p
        for i in range(n):
            x = work[xo + i]
            work[o + i] = log1p(x)
    elif op == 39:  # expit
        for i in range(n):
            x = work[xo + i]
            work[o + i] = expit(x)
    elif op == 40:  # log_expit
        for i in range(n):
            x = work[xo + i]
            work[o + i] = -softplus(-x)
    elif op == 41:  # softplus
        for i in range(n):
            x = work[xo + i]
            work[o + i] = softplus(x)
    elif op == 42:  # sin
        for i in range(n):
            x = work[xo + i]
            work[o + i] = sin(x)
    elif op == 43:  # cos
        for i in range(n):
            x = work[xo + i]
            work[o + i] = cos(x)
    elif op == 44:  # tan
        for i in range(n):
            x = work[xo + i]
            work[o + i] = tan(x)
    elif op == 45:  # arcsin
        for i in range(n):
            x = work[xo + i]
            work[o + i] = arcsin(x)
    elif op == 46:  # arccos
        for i in range(n):
            x = work[xo + i]
            work[o + i] = arccos(x)
    elif op == 47:  # arctan
        for i in range(n):
            x = work[xo + i]
            work[o + i] = arctan(x)
    elif op == 49:  # sinh
        for i in range(n):
            x = work[xo + i]
            work[o + i] = sinh(x)
    elif op == 50:  # cosh
        for i in range(n):
            x = work[xo + i]
            work[o + i] = cosh(x)
    elif op == 51:  # tanh
        for i in range(n):
            x = work[xo + i]
            work[o + i] = tanh(x)
    elif op == 52:  # arcsinh
        for i in range(n):
            x = work[xo + i]
            work[o + i] = arcsinh(x)
    elif op == 53:  # arccosh
        for i in range(n):
            x = work[xo + i]
            work[o + i] = arccosh(x)
    elif op == 54:  # arctanh
        for i in range(n):
            x = work[xo + i]
            work[o + i] = arctanh(x)
    elif op == 55:  # hypot
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = hypot(x, y)
    elif op == 57:  # erf
        for i in range(n):
            x = work[xo + i]
            work[o + i] = erf(x)
    elif op == 58:  # erfc
        for i in range(n):
            x = work[xo + i]
            work[o + i] = erfc(x)
    elif op == 59:  # ndtr
        for i in range(n):
            x = work[xo + i]
            work[o + i] = 0.5 * erfc(-x * SQRT_HALF)
    elif op == 63:  # less
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x < y else 0.0
    elif op == 64:  # less_equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x <= y else 0.0
    elif op == 65:  # greater
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x > y else 0.0
    elif op == 66:  # greater_equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x >= y else 0.0
    elif op == 67:  # equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x == y else 0.0
    elif op == 68:  # not_equal
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x != y else 0.0
    elif op == 69:  # logical_and
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x != 0.0 and y != 0.0 else 0.0
    elif op == 70:  # logical_or
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if x != 0.0 or y != 0.0 else 0.0
    elif op == 71:  # logical_xor
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[o + i] = 1.0 if (x != 0.0) != (y != 0.0) else 0.0
    elif op == 72:  # logical_not
        for i in range(n):
            x = work[xo + i]
            work[o + i] = 1.0 if x == 0.0 else 0.0
    elif op == 73:  # isnan
        for i in range(n):
            x = work[xo + i]
            work[o + i] = 1.0 if x != x else 0.0
    elif op == 74:  # isfinite
        for i in range(n):
            x = work[xo + i]
            work[o + i] = 1.0 if x - x == 0.0 else 0.0
    elif op == 75:  # isinf
        for i in range(n):
            x = work[xo + i]
            work[o + i] = 1.0 if x == x and x - x != 0.0 else 0.0
    elif op == 76:  # with_gradient
        for i in range(n):
            x = work[xo + i]
            work[o + i] = x
    # fmt: on
    # </generated>


def partials_x(code, work, op, xo, yo, o, da, n):
    """The partials of a block in its first operand, where they are neither constant nor a copy."""
    # <generated: partials_x>
    # fmt: off
    if op == 3:  # divide
        for i in range(n):
            y = work[yo + i]
            work[da + i] = 1.0 / y
    elif op == 9:  # reciprocal
        for i in range(n):
            v = work[o + i]
            work[da + i] = -v * v
    elif op == 10:  # square
        for i in range(n):
            x = work[xo + i]
            work[da + i] = x + x
    elif op == 11:  # sqrt
        for i in range(n):
            v = work[o + i]
            work[da + i] = 0.5 / abs(v)
    elif op == 12:  # cbrt
        for i in range(n):
            v = work[o + i]
            work[da + i] = 1.0 / (3.0 * v * v)
    elif op == 13:  # abs
        for i in range(n):
            x = work[xo + i]
            work[da + i] = sign(x)
    elif op == 19:  # relu
        for i in range(n):
            x = work[xo + i]
            work[da + i] = 1.0 if x > 0.0 else x if x != x else 0.0
    elif op == 20:  # maximum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[da + i] = v if v != v else 1.0 if x > y else 0.5 if x == y else 0.0
    elif op == 21:  # minimum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[da + i] = v if v != v else 1.0 if x < y else 0.5 if x == y else 0.0
    elif op == 22:  # fmax
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[da + i] = v if v != v else 1.0 if x > y or y != y else 0.5 if x == y else 0.0
    elif op == 23:  # fmin
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[da + i] = v if v != v else 1.0 if x < y or y != y else 0.5 if x == y else 0.0
    elif op == 24:  # clip_low
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[da + i] = v if v != v else 1.0 if x > y else 0.0
    elif op == 25:  # clip_high
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[da + i] = v if v != v else 1.0 if x < y else 0.0
    elif op == 26:  # copysign
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            work[da + i] = sign(x) * copysign(1.0, y)
    elif op == 30:  # exp2
        for i in range(n):
            v = work[o + i]
            work[da + i] = v * LN2
    elif op == 31:  # expm1
        for i in range(n):
            x = work[xo + i]
            work[da + i] = exp(x)
    elif op == 32:  # log
        for i in range(n):
            x = work[xo + i]
            v = work[o + i]
            work[da + i] = 1.0 / x if v == v else v
    elif op == 33:  # log2
        for i in range(n):
            x = work[xo + i]
            v = work[o + i]
            work[da + i] = LOG2_E / x if v == v else v
    elif op == 34:  # log10
        for i in range(n):
            x = work[xo + i]
            v = work[o + i]
            work[da + i] = LOG10_E / x if v == v else v
    elif op == 35:  # log1p
        for i in range(n):
            x = work[xo + i]
            v = work[o + i]
            work[da + i] = 1.0 / (1.0 + x) if v == v else v
    elif op == 39:  # expit
        for i in range(n):
            x = work[xo + i]
            v = work[o + i]
            work[da + i] = v * expit(-x)
    elif op == 40:  # log_expit
        for i in range(n):
            x = work[xo + i]
            work[da + i] = expit(-x)
    elif op == 41:  # softplus
        for i in range(n):
            x = work[xo + i]
            work[da + i] = expit(x)
    elif op == 42:  # sin
        for i in range(n):
            x = work[xo + i]
            work[da + i] = cos(x)
    elif op == 43:  # cos
        for i in range(n):
            x = work[xo + i]
            work[da + i] = -sin(x)
    elif op == 44:  # tan
        for i in range(n):
            v = work[o + i]
            work[da + i] = 1.0 + v * v
    elif op == 45:  # arcsin
        for i in range(n):
            x = work[xo + i]
            work[da + i] = 1.0 / sqrt((1.0 - x) * (1.0 + x))
    elif op == 46:  # arccos
        for i in range(n):
            x = work[xo + i]
            work[da + i] = -1.0 / sqrt((1.0 - x) * (1.0 + x))
    elif op == 47:  # arctan
        for i in range(n):
            x = work[xo + i]
            work[da + i] = 1.0 / (1.0 + x * x)
    elif op == 49:  # sinh
        for i in range(n):
            x = work[xo + i]
            work[da + i] = cosh(x)
    elif op == 50:  # cosh
        for i in range(n):
            x = work[xo + i]
            work[da + i] = sinh(x)
    elif op == 51:  # tanh
        for i in range(n):
            x = work[xo + i]
            work[da + i] = 1.0 / (cosh(x) * cosh(x))
    elif op == 52:  # arcsinh
        for i in range(n):
            x = work[xo + i]
            work[da + i] = 1.0 / hypot(x, 1.0)
    elif op == 53:  # arccosh
        for i in range(n):
            x = work[xo + i]
            work[da + i] = 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))
    elif op == 54:  # arctanh
        for i in range(n):
            x = work[xo + i]
            v = work[o + i]
            work[da + i] = 1.0 / ((1.0 - x) * (1.0 + x)) if v == v else v
    elif op == 55:  # hypot
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[da + i] = x / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(x) < abs(y) else copysign(1.0, x) if abs(x) > abs(y) else copysign(SQRT_HALF, x) if abs(x) == abs(y) else nan
    elif op == 57:  # erf
        for i in range(n):
            x = work[xo + i]
            work[da + i] = TWO_OVER_SQRT_PI * exp(-x * x)
    elif op == 58:  # erfc
        for i in range(n):
            x = work[xo + i]
            work[da + i] = -TWO_OVER_SQRT_PI * exp(-x * x)
    elif op == 59:  # ndtr
        for i in range(n):
            x = work[xo + i]
            work[da + i] = INV_SQRT_TWO_PI * exp(-0.5 * x * x)
    # fmt: on
    # </generated>


def partials_y(code, work, op, xo, yo, o, db, n):
    """The partials of a block in its second operand, likewise."""
    # <generated: partials_y>
    # fmt: off
    if op == 3:  # divide
        for i in range(n):
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = -v / y
    elif op == 20:  # maximum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = v if v != v else 1.0 if y > x else 0.5 if x == y else 0.0
    elif op == 21:  # minimum
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = v if v != v else 1.0 if y < x else 0.5 if x == y else 0.0
    elif op == 22:  # fmax
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = v if v != v else 1.0 if y > x or x != x else 0.5 if x == y else 0.0
    elif op == 23:  # fmin
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = v if v != v else 1.0 if y < x or x != x else 0.5 if x == y else 0.0
    elif op == 24:  # clip_low
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = v if v != v else 0.0 if x > y else 1.0
    elif op == 25:  # clip_high
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = v if v != v else 0.0 if x < y else 1.0
    elif op == 27:  # gate
        for i in range(n):
            x = work[xo + i]
            work[db + i] = 1.0 if x != 0.0 else 0.0
    elif op == 28:  # gate_not
        for i in range(n):
            x = work[xo + i]
            work[db + i] = 0.0 if x != 0.0 else 1.0
    elif op == 55:  # hypot
        for i in range(n):
            x = work[xo + i]
            y = work[yo + i]
            v = work[o + i]
            work[db + i] = y / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(y) < abs(x) else copysign(1.0, y) if abs(y) > abs(x) else copysign(SQRT_HALF, y) if abs(y) == abs(x) else nan
    elif op == 76:  # with_gradient
        for i in range(n):
            v = work[o + i]
            work[db + i] = 1.0 if v == v else v
    # fmt: on
    # </generated>


if config.DISABLE_JIT:

    def call(address, code, work, *arguments):
        """Call a function of `_LOOPS` by its position."""
        _LOOPS[int(address)](code, work, *arguments)
else:

    @intrinsic
    def call(typing_context, address, code, work, a, b, c, d, e, f):
        """Call a function of `_LOOPS` by its address.

        Through a pointer, because Numba optimises and compiles what a function calls directly once more with the caller:
        these functions are large, and that took as long as compiling them.
        """

        def generate(context, builder, signature, arguments):
            arrays = zip(signature.args[1:3], arguments[1:3], strict=True)
            pointers = [context.make_array(kind)(context, builder, array).data for kind, array in arrays]
            word = ir.IntType(64)
            function = ir.FunctionType(ir.VoidType(), [*(pointer.type for pointer in pointers), *[word] * 6])
            builder.call(builder.inttoptr(arguments[0], function.as_pointer()), [*pointers, *arguments[3:]])
            return context.get_dummy_value()

        return types.void(types.uint64, code, work, *[types.uint64] * 6), generate


@jit
def _address(code, at):
    return np.uint64(code[at]) | (np.uint64(code[at + 1]) << np.uint64(32))


@jit
def run(code, work, point, gradient, start, stop, mode):
    """Sweep the blocks ``start`` to ``stop`` of a program, forward and/or in reverse.

    ``code`` holds a header, the rows of the plan and the index lists; ``work`` holds values, adjoints and partials. The inputs
    are set from ``point``; ``gradient`` takes the adjoints of the first inputs. Returns `DONE`, or the index of the first guard
    whose condition now has the other truth.
    """
    slots, rows, guards = np.uint64(code[0]), np.uint64(code[1]), np.uint64(code[2])
    guard, output = np.uint64(code[3]), np.uint64(code[4])
    zero, one = np.uint64(0), np.uint64(1)
    begin, end = np.uint64(start), np.uint64(stop)
    if mode & FORWARD:
        if begin == zero:
            for i in range(np.uint64(point.size)):
                work[one + i] = point[i]
        for r in range(begin, end):
            row = np.uint64(HEADER) + r * np.uint64(ROW)
            kind, n, o = code[row + KIND], np.uint64(code[row + N]), np.uint64(code[row + OUT])
            at, da, db = np.uint64(code[row + XI]), np.uint64(code[row + DX]), np.uint64(code[row + DY])
            if kind == SCALAR:
                call(_address(code, AT_SCALAR), code, work, at, n, o, da, db, zero)
            elif kind == CHAIN:
                sign = -1.0 if code[row + SWITCH] else 1.0
                if code[row + MX] == CONTIGUOUS:
                    v = work[at]
                    for i in range(one, n):
                        v += sign * work[at + i]
                else:
                    v = work[code[at]]
                    for i in range(one, n):
                        v += sign * work[code[at + i]]
                work[o] = v
            else:
                xo, yo, op = np.uint64(code[row + XO]), np.uint64(code[row + YO]), np.uint64(code[row + OP])
                fetch(code, work, code[row + MX], at, xo, n)
                fetch(code, work, code[row + MY], np.uint64(code[row + YI]), yo, n)
                call(_address(code, AT_VALUES), code, work, op, xo, yo, o, n, zero)
                if mode & PARTIALS:
                    if code[row + PX] == STORED:
                        call(_address(code, AT_PARTIALS_X), code, work, op, xo, yo, o, da, n)
                    if code[row + PY] == STORED:
                        call(_address(code, AT_PARTIALS_Y), code, work, op, xo, yo, o, db, n)
        if end == rows and not mode & UNGUARDED:
            for g in range(guards):
                if (work[code[guard + g]] != 0.0) != (code[guard + guards + g] != 0):
                    return np.int64(g)
    if mode & REVERSE:
        if end == rows:
            for i in range(slots):
                work[slots + i] = 0.0
            work[slots + output] = 1.0
        for back in range(end - begin):
            reverse(code, work, np.uint64(HEADER) + (end - one - back) * np.uint64(ROW), slots)
        if begin == zero:
            for i in range(np.uint64(gradient.size)):
                gradient[i] = work[slots + one + i]
    return np.int64(DONE)


@jit
def prefill(code, work, constant_x, constant_y):
    """Write the partials that are constants, once for the life of a work buffer."""
    for r in range(code[1]):
        row = np.uint64(HEADER) + np.uint64(r) * np.uint64(ROW)
        dx, dy, n = np.uint64(code[row + DX]), np.uint64(code[row + DY]), np.uint64(code[row + N])
        if code[row + KIND] == SCALAR:
            at = np.uint64(code[row + XI])
            for k in range(n):
                op = code[at + k]
                leaf = op >= constant_x.size
                work[dx + k] = 0.0 if leaf else constant_x[op]
                work[dy + k] = 0.0 if leaf else constant_y[op]
        else:
            if code[row + PX] == CONSTANT:
                work[dx] = constant_x[code[row + OP]]
            if code[row + PY] == CONSTANT:
                work[dy] = constant_y[code[row + OP]]


@jit
def simplify(op, a, b, val, first, inputs, commutes, needed, same, ra, rb, table):
    """Dead code and common subexpressions: which slots are needed, and the earliest slot with the same value.

    ``needed`` (per slot) comes with the roots set; ``same`` (per slot) comes as the identity; ``ra, rb`` take the operands.
    Constants with equal bits are one. ``table`` is a hash table of slots, its size a power of two.
    """
    n = op.size
    mask = np.uint64(table.size - 1)
    for back in range(n):
        i = n - 1 - back
        if needed[first + i]:
            needed[a[i]] = 1
            needed[b[i]] = 1
    for slot in range(inputs + 1, first):
        if needed[slot]:
            h = _mix(np.uint64(np.int64(np.float64(val[slot]).view(np.int64)))) & mask
            while table[h] != 0 and np.float64(val[table[h]]).view(np.int64) != np.float64(val[slot]).view(np.int64):
                h = (h + np.uint64(1)) & mask
            if table[h] == 0:
                table[h] = slot
            same[slot] = table[h]
    for h in range(table.size):
        table[h] = 0
    for i in range(n):
        slot = first + i
        if not needed[slot]:
            continue
        x, y = same[a[i]], same[b[i]]
        ra[i], rb[i] = x, y
        if commutes[op[i]] and x > y:
            x, y = y, x
        h = _mix(np.uint64(x) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(y) * np.uint64(256) + np.uint64(op[i])) & mask
        while table[h] != 0:
            j = table[h] - first
            if op[j] == op[i] and ((ra[j] == x and rb[j] == y) or (commutes[op[i]] and ra[j] == y and rb[j] == x)):
                break
            h = (h + np.uint64(1)) & mask
        if table[h] == 0:
            table[h] = slot
        same[slot] = table[h]


@jit
def _mix(h):
    h = (h ^ (h >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(32))


@jit
def link(op, ra, rb, first, add, subtract, live, active, passes_x, passes_y, uses, previous, level):
    """Activity, uses, plain levels, and chains: ``previous`` is the instruction that a link continues, or -1.

    A link is an addition that continues another from either side, or a subtraction from another subtraction's result.
    """
    n = op.size
    for i in range(n):
        if live[i]:
            slot = first + i
            active[slot] = (passes_x[op[i]] and active[ra[i]]) or (passes_y[op[i]] and active[rb[i]])
            uses[ra[i]] += 1
            uses[rb[i]] += 1
            level[slot] = 1 + max(level[ra[i]], level[rb[i]])
    for i in range(n):
        previous[i] = -1
        if live[i] and (op[i] == add or op[i] == subtract):
            j, k = ra[i] - first, rb[i] - first
            if j >= 0 and op[j] == op[i] and uses[ra[i]] == 1:
                previous[i] = j
            elif k >= 0 and op[k] == add and op[i] == add and uses[rb[i]] == 1:
                previous[i] = k


@jit
def measure(previous, live, first, level, length, start, inner):
    """The length of each chain up to a link, the level where it starts, and which links another link continues."""
    for i in range(previous.size):
        p = previous[i]
        if p >= 0:
            inner[p] = 1
            length[i], start[i] = length[p] + 1, start[p]
        else:
            length[i], start[i] = 1, level[first + i]


@jit
def mark_links(ends, previous, mark):
    """Mark the links before each chosen end."""
    for end in ends:
        i = previous[end]
        while i >= 0:
            mark[i] = 1
            i = previous[i]


@jit
def relevel(op, ra, rb, first, live, previous, member, level):
    """Levels again, with each chosen chain as one operation that waits for all its items."""
    for i in range(op.size):
        if live[i]:
            slot = first + i
            if member[i] and previous[i] >= 0 and member[previous[i]]:
                p = previous[i]
                other = rb[i] if ra[i] == first + p else ra[i]
                level[slot] = max(level[first + p], level[other] + 1)
            else:
                level[slot] = 1 + max(level[ra[i]], level[rb[i]])


# Counters of an emission: the next slot, rows written, list entries written, partials and buffers allotted.
SLOT, ROWS, LIST, PART = 0, 1, 2, 3
# Set in an offset that counts from the start of the partials, which is known only when all slots are.
PARTIAL = 1 << 31
# The most elements of a block: what it copies to scratch then stays in L1.
SCRATCH = 1024


@jit
def _resident(s, val, where, template, c):
    """The program's slot of a tape slot; a constant gets one when it is first used."""
    if where[s] == 0 and s != 0:
        where[s] = c[SLOT]
        template[c[SLOT]] = val[s]
        c[SLOT] += 1
    return where[s]


@jit
def _place(operand, members, i, j, constants, val, where, template, lists, c, row, field):
    """Find the mode of an operand of the block ``members[i:j]``, and write it to the row."""
    n = j - i
    s0 = operand[members[i]]
    fixed, same, ascending = True, True, True
    for k in range(n):
        s = operand[members[i + k]]
        if not constants[0] < s < constants[1]:
            fixed = False
        if s != s0:
            same = False
    if same:
        row[field], row[field + 2] = BROADCAST, _resident(s0, val, where, template, c)
        return
    if fixed:
        row[field], row[field + 2] = CONTIGUOUS, c[SLOT]
        for k in range(n):
            template[c[SLOT] + k] = val[operand[members[i + k]]]
        c[SLOT] += n
        return
    for k in range(n):
        s = operand[members[i + k]]
        if where[s] == 0 or where[s] != where[s0] + k:
            ascending = False
    if ascending:
        row[field], row[field + 2] = CONTIGUOUS, where[s0]
        return
    row[field], row[field + 2] = GATHER, c[LIST]
    for k in range(n):
        lists[c[LIST] + k] = _resident(operand[members[i + k]], val, where, template, c)
    c[LIST] += n


@jit
def _emit_block(members, i, j, op, first, ra, rb, active, table, constants, val, where, template, rows, lists, c):
    """Write the row of a vector block.

    ``table`` has, by operation: arity, constant partials and copies of x and y, switch, vectorised.
    """
    n = j - i
    code = op[members[i]]
    row = rows[c[ROWS]]
    row[:] = 0
    row[KIND], row[OP], row[N] = VECTOR, code, n
    for q in range(table[0, code]):
        _place(rb if q else ra, members, i, j, constants, val, where, template, lists, c, row, MY if q else MX)
    active_x = active_y = False
    for k in range(i, j):
        active_x = active_x or active[ra[members[k]]]
        active_y = active_y or (table[0, code] == 2 and active[rb[members[k]]])
    active_x, active_y = active_x and table[1, code] != 1, active_y and table[2, code] != 1
    alias_x, alias_y = table[3, code] if active_x else 0, table[4, code] if active_y else 0
    for operand in range(2):
        mode, read = (MX, XO) if operand == 0 else (MY, YO)
        if row[mode] == CONTIGUOUS:
            row[read] = row[read + 1]
        elif row[mode] != ABSENT:
            if alias_x == operand + 1 or alias_y == operand + 1:
                row[read] = PARTIAL + c[PART]
                c[PART] += n
            else:
                row[read] = PARTIAL + operand * SCRATCH
    row[OUT] = c[SLOT]
    for k in range(n):
        where[first + members[i + k]] = c[SLOT] + k
    c[SLOT] += n
    for operand in range(2):
        kind, at = (PX, DX) if operand == 0 else (PY, DY)
        is_active, alias = (active_x, alias_x) if operand == 0 else (active_y, alias_y)
        if not is_active:
            row[kind] = INACTIVE
        elif table[1 + operand, code] != 0:
            row[kind], row[at] = CONSTANT, PARTIAL + c[PART]
            c[PART] += 1
        elif alias != 0:
            row[kind] = ALIAS
            row[at] = row[XO] if alias == 1 else row[YO] if alias == 2 else row[OUT]
        else:
            row[kind], row[at] = STORED, PARTIAL + c[PART]
            c[PART] += n
    row[SWITCH] = table[5, code]
    c[ROWS] += 1


@jit
def _emit_scalars(members, n, op, first, ra, rb, active, table, val, where, template, rows, lists, c):
    """Write the row of a stretch that runs one instruction at a time."""
    if n == 0:
        return
    row = rows[c[ROWS]]
    row[:] = 0
    at = c[LIST]
    c[LIST] += 5 * n
    # every constant gets its slot before the results do, because results are contiguous
    for k in range(n):
        for s in (ra[members[k]], rb[members[k]]):
            if s < first:
                _resident(s, val, where, template, c)
    row[KIND], row[N], row[OUT], row[XI] = SCALAR, n, c[SLOT], at
    for k in range(n):
        i = members[k]
        lists[at + k], lists[at + n + k], lists[at + 2 * n + k] = op[i], where[ra[i]], where[rb[i]]
        own = c[SLOT] + k
        lists[at + 3 * n + k] = where[ra[i]] if active[ra[i]] and table[1, op[i]] != 1 else own
        lists[at + 4 * n + k] = where[rb[i]] if active[rb[i]] and table[2, op[i]] != 1 else own
        where[first + i] = c[SLOT] + k
    c[SLOT] += n
    row[DX], row[DY] = PARTIAL + c[PART], PARTIAL + c[PART] + n
    c[PART] += 2 * n
    c[ROWS] += 1


@jit
def _emit_chain(
    end, scratch, op, subtract, first, ra, rb, active, previous, constants, val, where, template, rows, lists, c, longest
):
    """Write the rows of a chain of additions; a very long one is cut, so that it can be interrupted."""
    n = 0
    i = end
    while True:
        p = previous[i]
        if p >= 0:
            scratch[n] = rb[i] if ra[i] == first + p else ra[i]
            n += 1
            i = p
        else:
            scratch[n], scratch[n + 1] = rb[i], ra[i]
            n += 2
            break
    for k in range(n // 2):
        scratch[k], scratch[n - 1 - k] = scratch[n - 1 - k], scratch[k]
    done = 0
    out = 0
    while done < n:
        stop = min(n, done + longest)
        row = rows[c[ROWS]]
        row[:] = 0
        carried = 1 if done > 0 else 0
        ascending = carried == 0
        is_active = carried == 1
        for k in range(done, stop):
            s = scratch[k]
            is_active = is_active or active[s] != 0
            if where[s] == 0 or where[s] != where[scratch[done]] + (k - done):
                ascending = False
        row[KIND], row[N], row[SWITCH] = CHAIN, stop - done + carried, op[end] == subtract
        if ascending:
            row[MX], row[XI] = CONTIGUOUS, where[scratch[done]]
        else:
            row[MX], row[XI] = GATHER, c[LIST]
            if carried:
                lists[c[LIST]] = out
            for k in range(done, stop):
                lists[c[LIST] + carried + k - done] = _resident(scratch[k], val, where, template, c)
            c[LIST] += stop - done + carried
        out = c[SLOT]
        row[OUT] = out
        c[SLOT] += 1
        c[ROWS] += 1
        done = stop
    where[first + end] = out


@jit
def _steps(members, n, ra, rb, constants, where):
    """How often a block over ``members`` in this order would have to be cut to read operands in rows or from one slot."""
    cuts = 0
    for k in range(1, n):
        for operand in (ra, rb):
            s, t = operand[members[k]], operand[members[k - 1]]
            if constants[0] < s < constants[1]:
                continue
            step = where[s] - where[t]
            if step != 0 and step != 1:
                cuts += 1
                break
    return cuts


@jit
def _run_end(members, i, n, ra, rb, constants, where):
    """The end of the longest run from ``i`` on whose operands advance by a constant step of 0 or 1."""
    j = i + 1
    sx = sy = -1
    while j < n:
        s, t = ra[members[j]], ra[members[j - 1]]
        if not (constants[0] < s < constants[1] and constants[0] < t < constants[1]):
            d = where[s] - where[t]
            if (
                (d != 0 and d != 1)
                or (sx >= 0 and d != sx)
                or constants[0] < s < constants[1]
                or constants[0] < t < constants[1]
            ):
                break
            sx = d
        s, t = rb[members[j]], rb[members[j - 1]]
        if not (constants[0] < s < constants[1] and constants[0] < t < constants[1]):
            d = where[s] - where[t]
            if (
                (d != 0 and d != 1)
                or (sy >= 0 and d != sy)
                or constants[0] < s < constants[1]
                or constants[0] < t < constants[1]
            ):
                break
            sy = d
        j += 1
    return j


@jit
def emit(
    order,
    keys,
    op,
    subtract,
    first,
    ra,
    rb,
    active,
    previous,
    table,
    constants,
    val,
    where,
    template,
    rows,
    lists,
    c,
    smallest,
    shortest,
    chunk,
):
    """Write the plan: one row per block, in the order of levels. Returns 0, or 1 where ``rows`` is full."""
    m = order.size
    pending = np.empty(m, np.int64)
    members = np.empty(m, np.int64)
    other = np.empty(m, np.int64)
    sortable = np.empty(m, np.int64)
    cuts = np.empty(m + 1, np.int64)
    chain = np.empty(op.size + 2, np.int64)
    waiting = 0
    g = 0
    while True:
        h = g
        while h < m and keys[h] == keys[g]:
            h += 1
        n = h - g
        if c[ROWS] + 2 * n + 8 > rows.shape[0]:
            return 1
        chains = n > 0 and keys[g] & 255 == 255
        block = n >= smallest and not chains and table[6, keys[g] & 255] != 0
        if waiting and (n == 0 or chains or block or waiting >= chunk):
            _emit_scalars(pending, waiting, op, first, ra, rb, active, table, val, where, template, rows, lists, c)
            waiting = 0
        if n == 0:
            return 0
        if chains:
            for k in range(g, h):
                _emit_chain(
                    order[k],
                    chain,
                    op,
                    subtract,
                    first,
                    ra,
                    rb,
                    active,
                    previous,
                    constants,
                    val,
                    where,
                    template,
                    rows,
                    lists,
                    c,
                    chunk,
                )
        elif not block:
            for k in range(n):
                pending[waiting + k] = order[g + k]
            waiting += n
        else:
            for k in range(n):
                members[k] = order[g + k]
            _arrange(members, n, other, sortable, ra, rb, constants, where)
            pieces = _cut(members, n, cuts, shortest, ra, rb, constants, where)
            for k in range(pieces):
                _emit_block(
                    members,
                    cuts[k],
                    cuts[k + 1],
                    op,
                    first,
                    ra,
                    rb,
                    active,
                    table,
                    constants,
                    val,
                    where,
                    template,
                    rows,
                    lists,
                    c,
                )
        g = h


@jit
def _sort(keys, spare, n):
    """Sort ``keys[:n]`` by merging; in-house because compiling NumPy's takes two seconds."""
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
        for k in range(n):
            keys[k] = spare[k]
        width *= 2


@jit
def _arrange(members, n, other, sortable, ra, rb, constants, where):
    """Put a group in the order, of three, in which operands lie best: as recorded, by the slots of x, by those of y."""
    best = _steps(members, n, ra, rb, constants, where)
    if best * 64 <= n:
        return
    chosen = -1
    for trial in range(3):
        # the last trial sorts by the better operand once more, because the one before overwrote it
        if trial == 2 and chosen < 0:
            return
        operand = rb if (trial == 1 or (trial == 2 and chosen == 1)) else ra
        for k in range(n):
            s = operand[members[k]]
            sortable[k] = ((0 if constants[0] < s < constants[1] else np.int64(where[s])) << 32) | k
        _sort(sortable, other, n)
        for k in range(n):
            other[k] = members[sortable[k] & 0xFFFFFFFF]
        if trial == 2:
            for k in range(n):
                members[k] = other[k]
        else:
            steps = _steps(other, n, ra, rb, constants, where)
            if steps < best:
                best, chosen = steps, trial


@jit
def _cut(members, n, cuts, shortest, ra, rb, constants, where):
    """Cut a group into blocks: long runs of operands in a row apart, nothing longer than scratch. Returns their number."""
    pieces = 0
    cuts[0] = 0
    i = 0
    while i < n:
        j = _run_end(members, i, n, ra, rb, constants, where)
        if j - i >= shortest:
            if cuts[pieces] != i:
                pieces += 1
                cuts[pieces] = i
            while i < j:
                i = min(j, i + SCRATCH)
                pieces += 1
                cuts[pieces] = i
        else:
            i = j
            if i - cuts[pieces] > SCRATCH:
                pieces += 1
                cuts[pieces] = cuts[pieces - 1] + SCRATCH
    while cuts[pieces] != n:
        pieces += 1
        cuts[pieces] = min(n, cuts[pieces - 1] + SCRATCH)
    return pieces


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


def sweep(code, work, x, gradient, pieces, mode):
    """`run` over all blocks, in pieces between which Ctrl-C is noticed. Call `ready` before."""
    if len(pieces) == 2:
        return run(code, work, x, gradient, 0, pieces[1], mode)
    status = DONE
    steps = list(zip(pieces[:-1], pieces[1:], strict=True))
    if mode & FORWARD:
        for start, stop in steps:
            status = run(code, work, x, gradient, start, stop, mode & ~REVERSE)
    if mode & REVERSE and status == DONE:
        for start, stop in reversed(steps):
            run(code, work, x, gradient, start, stop, REVERSE)
    return status


_LOOPS = (scalar, values, partials_x, partials_y)
_SIGNATURE = types.void(types.CPointer(types.uint32), types.CPointer(types.float64), *[types.uint64] * 6)
_compiled: dict = {}


def addresses(*, blocks: bool) -> np.ndarray:
    """The addresses of the loops as they stand in a header; those that only blocks need are compiled when first asked for."""
    out = np.zeros(4, np.uint64)
    for i, function in enumerate(_LOOPS if blocks else _LOOPS[:1]):
        out[i] = i if config.DISABLE_JIT else _loop(function).address
    return out.view(np.uint32)


def _loop(function):
    """A compiled function of `_LOOPS`."""
    with _lock:
        if function not in _compiled:
            _announce(function)
            _compiled[function] = _compile_loop(function)
        return _compiled[function]


def _compile_loop(function):
    if _CACHE:
        try:
            return cfunc(_SIGNATURE, cache=True, error_model="numpy")(function)
        except NumbaError:
            raise
        except Exception as error:  # no folder to write to, or whatever a truncated or foreign cache file raises
            _warn(error)
    return cfunc(_SIGNATURE, error_model="numpy")(function)


def _announce(function) -> None:
    """Say on a terminal that compiling takes a while, where nothing is on disk yet."""
    global _announced
    path = getattr(getattr(run, "stats", None), "cache_path", None)
    cold = not (path and glob.glob(os.path.join(glob.escape(path), f"kernels.{function.__name__}-*.nbi")))
    if cold and not _announced and sys.stderr is not None and sys.stderr.isatty():
        _announced = True
        print("jittape: compiling kernels, once per machine (a few seconds) ...", file=sys.stderr, flush=True)


def ready() -> None:
    """Load or compile the kernels, so that no later call has to; a cache that is unusable is passed over."""
    global run, _ready
    if _ready:
        return
    with _lock:
        if _ready:  # another thread was faster
            return  # type: ignore[unreachable]
        if config.DISABLE_JIT:
            _silence()
        else:
            if _uncached is not None:
                _warn(_uncached)
            _announce(scalar)
            try:
                _first_call()
            except NumbaError:
                raise
            except Exception as error:  # whatever a truncated or foreign cache file raises while it is read
                _without_cache(error)
                _first_call()
        _ready = True


def _silence() -> None:
    """Without Numba, NumPy's scalars warn where kernels do not."""
    for function in (run, prefill, simplify, link, measure, relevel, mark_links, emit):
        globals()[function.__name__] = np.errstate(all="ignore")(function)


def _first_call() -> None:
    run(np.zeros(HEADER, np.uint32), np.zeros(8), NOTHING, NOTHING, 0, 0, GRADIENT)


def _without_cache(error: Exception) -> None:
    """Compile every kernel anew, in memory only."""
    for name, function in list(globals().items()):
        if hasattr(function, "py_func"):
            globals()[name] = njit(nogil=True, error_model="numpy")(function.py_func)
    _warn(error)


def _warn(error: Exception) -> None:
    warnings.warn(
        f"the compiled kernels could not be read from or written to Numba's cache ({type(error).__name__}: {error}); "
        "this process compiles them again. Delete the cache folder, or set NUMBA_CACHE_DIR to one that is writable.",
        JitTapeCacheWarning,
        stacklevel=4,
    )


_lock = threading.RLock()
_announced = False
_ready = False
