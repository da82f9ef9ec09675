"""Functions that a formula of the op table calls and NumPy or Numba lack: plain Python on one float, pasted into the kernels.

Every function takes floats, returns a float, raises nothing and calls only functions of NumPy's and of this file. The
source text is what counts: `codegen` copies it, so that the tracer and the kernels share one definition.
"""

from math import erfc, inf, lgamma, nan, pi

from numpy import copysign, exp, floor, fmod, log, log1p, power, rint, sign, sin, sqrt, tan


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


def sech2(x):
    """1 / cosh(x)**2, which does not overflow on the way."""
    e = exp(-2.0 * abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


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


def ndtri(x):
    """The inverse of ndtr; infinite at 0 and 1."""
    return normal_quantile(x - 0.5, x if x < 0.5 else 1.0 - x)


def erfinv(x):
    """The inverse of erf; infinite at -1 and 1."""
    return 0.7071067811865476 * normal_quantile(0.5 * x, 0.5 * (1.0 - abs(x)))


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


def i0e(x):
    """exp(-abs(x)) times the modified Bessel function of order 0."""
    return bessel(0.0, abs(x))


def i1e(x):
    """exp(-abs(x)) times the modified Bessel function of order 1."""
    return copysign(bessel(1.0, abs(x)), x)


def i1e_dx(x, v):
    """The derivative of i1e."""
    return i0e(x) - sign(x) * v - (v / x if abs(x) > 1e-300 else 0.5)
