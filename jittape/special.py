"""Functions that a formula of the op table calls and NumPy or Numba lack: plain Python on one float, pasted into the kernels.

Every function takes floats, returns a float, raises nothing and calls only functions of NumPy's and of this file. The
source text is what counts: `codegen` copies it, so that the tracer and the kernels share one definition.
"""

from math import erfc, inf, lgamma, nan, pi

from numpy import copysign, exp, floor, fmod, log, log1p, power, rint, sin, tan


def power_dx(x, y, v):
    """The partial of x**y in x: 0 for y = 0, whatever x, and by its limit 0 where y is infinite and x**y is 0."""
    # v / x where it is in range: y - 1 rounds, and the power magnifies that by log(x)
    p = v / x if 1e-290 < abs(v) < inf and 1e-290 < abs(v / x) < inf else power(x, y - 1.0)
    return v if v != v else 0.0 if y == 0.0 or p == 0.0 else y * p


def power_dy(x, y, v):
    """The partial of x**y in y: v * log(x), by its limit where v is 0, and 0 at (0, 0)."""
    if (v == 0.0 and x >= 0.0) or (x == 0.0 and y == 0.0):
        return 0.0
    return v * log(x)


def expit(x):
    """The logistic function; the exponential never overflows."""
    e = exp(-abs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


def softplus(x):
    """log(1 + exp(x)); the exponential never overflows."""
    return (x if x > 0.0 else 0.0) + log1p(exp(-abs(x)))


def logaddexp(x, y):
    """log(exp(x) + exp(y)); equal infinities stay what they are."""
    d = x - y
    v = (x if d > 0.0 else y) + log1p(exp(-abs(d)))
    return x + 0.6931471805599453 if x == y else v


def xlogy(x, y):
    """x * log(y), 0 where x is 0 and y is a number."""
    return 0.0 if x == 0.0 and y == y else x * log(y)


def xlog1py(x, y):
    """x * log1p(y), 0 where x is 0 and y is a number."""
    return 0.0 if x == 0.0 and y == y else x * log1p(y)


def floor_divide(x, y):
    """The floor of x / y as Python has it: from the exact remainder, because x / y may round up to a whole number."""
    if y == 0.0:
        return x / y
    r = fmod(x, y)
    q = (x - r) / y
    q = q - 1.0 if r != 0.0 and (r < 0.0) != (y < 0.0) else q
    f = floor(q)
    return copysign(0.0, x / y) if q == 0.0 else f + 1.0 if q - f > 0.5 else f


def sinc(x):
    """sin(pi x) / (pi x), from the exact distance to the nearest integer: 0 at the other integers and at infinity."""
    if x == 0.0 or (x == x and x - x != 0.0):
        return 1.0 if x == 0.0 else 0.0
    n = rint(x)
    half = 0.5 * n
    s = sin(pi * (x - n)) / (pi * x)
    return s if half == floor(half) else -s


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


def erfcx_tail(t):
    """exp(t*t) * erfc(t) for t >= 3 by 40 levels of its continued fraction (Abramowitz and Stegun 7.1.14)."""
    f = t
    for k in range(40, 0, -1):
        f = t + 0.5 * k / f
    return 0.5641895835477563 / f


def ndtr(x):
    """The normal distribution function."""
    return 0.5 * erfc(-x * 0.7071067811865476)


def log_ndtr(x):
    """The logarithm of the normal distribution function, accurate in both tails."""
    if x > 1.0:
        return log1p(-0.5 * erfc(x * 0.7071067811865476))
    if x > -5.0 or x != x:
        return log(0.5 * erfc(-x * 0.7071067811865476))
    return -0.5 * x * x + log(0.5 * erfcx_tail(-x * 0.7071067811865476))


def log_ndtr_dx(x):
    """The derivative of log_ndtr: the normal density over the distribution function."""
    if x > -5.0 or x != x:
        return 0.3989422804014327 * exp(-0.5 * x * x) / (0.5 * erfc(-x * 0.7071067811865476))
    if x < -1e300:
        return -x
    return 0.7978845608028654 / erfcx_tail(-x * 0.7071067811865476)


def gammaln(x):
    """log|gamma(x)|; infinite at the poles, and where `lgamma` would overflow."""
    if (x <= 0.0 and floor(x) == x) or x > 2.5599833278516383e305:
        return inf
    return lgamma(x)


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
