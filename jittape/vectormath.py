"""Elementary functions that a compiler turns into vector loops: plain Python on one float, pasted into the kernels.

No branches, no calls into a C library, no fused operations: only arithmetic, conditional expressions and bit patterns, so that
LLVM vectorises a loop over them and every way to run them gives the same bits. Coefficients are minimax polynomials made with
mpmath. Undecorated, the functions run on NumPy scalars and may warn of overflow: wrap them in ``numpy.errstate(all="ignore")``.

Two idioms recur. Adding 6755399441055744 = 1.5 * 2**52 rounds to an integer and leaves it in the low bits of the sum. A bit
pattern ``(k + 1023) << 52`` is the float 2**k.
"""

from numpy import copysign, float64, inf, int64, nan


def exp_scaled(v, k):
    """v * 2**k for a whole k in -1100..1100, rounded once: in two steps, because 2**k may be out of range."""
    half = k * 0.5 + 6755399441055744.0
    rest = (k - (half - 6755399441055744.0)) + 6755399441055744.0
    first = int64((float64(half).view(int64) + 1023) << 52).view(float64)
    second = int64((float64(rest).view(int64) + 1023) << 52).view(float64)
    return v * first * second


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


def exp_split(z):
    """k, r and t with exp(z) = 2**k (1 + r + t): whole, within log(2) / 2, and small beside r; for z within 760."""
    k = (z * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    high = z - k * 0.6931471803691238
    low = k * 1.9082149292705877e-10
    r = high - low
    return k, r, ((high - r) - low) + r * r * exp_tail(r)


def exp_sum(r, t):
    """1 + r + t, rounded nearly once."""
    c = 1.0 + r
    return c + (((1.0 - c) + r) + t)


def exp(x):
    """e to the power x: x = k log(2) + r, a polynomial in r, times 2**k; at most 0.7 ulp."""
    z = float64(x)
    k, r, t = exp_split(710.0 if z > 710.0 else -746.0 if z < -746.0 else z)
    return exp_scaled(exp_sum(r, t), k)


def exp2(x):
    """2 to the power x: the polynomial of exp in the fraction of x, times 2**k; at most 0.9 ulp."""
    z = float64(x)
    z = 1025.0 if z > 1025.0 else -1080.0 if z < -1080.0 else z
    k = (z + 6755399441055744.0) - 6755399441055744.0
    r = (z - k) * 0.6931471805599453
    return exp_scaled(exp_sum(r, r * r * exp_tail(r)), k)


def expm1_quarter(z):
    """(exp(z) - 1) / 4 for z in -80..710.48, where exp(z) itself may overflow, as a sum of a number and its rounding error."""
    k, r, t = exp_split(z)
    scale = int64((float64(k + 6755399441055744.0).view(int64) + 1021) << 52).view(float64)
    a = scale - 0.25
    b = scale * r
    c = a + b
    rest = ((a - c) + b) + scale * t
    v = c + rest
    return v, (c - v) + rest


def expm1(x):
    """exp(x) - 1 without cancellation: 2**k - 1 and 2**k (exp(r) - 1) added with their rounding error; at most 1.1 ulp."""
    z = float64(x)
    q, _ = expm1_quarter(710.0 if z > 710.0 else -60.0 if z < -60.0 else z)
    return z if abs(z) < 1e-16 else 4.0 * q


def sinh(x):
    """The hyperbolic sine: (t + t / (1 + t)) / 2 with t = expm1(abs(x)); at most 1.2 ulp."""
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


def cosh(x):
    """The hyperbolic cosine: h + 1 / (4 h) with h = exp(abs(x)) / 2; at most 1.2 ulp."""
    m = abs(float64(x))
    k, r, t = exp_split(711.0 if m > 711.0 else m)
    h = exp_scaled(exp_sum(r, t), k - 1.0)
    return h + 0.25 / h


def tanh(x):
    """The hyperbolic tangent: -t / (2 + t), t = expm1(-2 abs(x)), and from 0.55 on 1 - 2 (1 + t) / (2 + t); at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    k, r, t = exp_split(-40.0 if m > 20.0 else -2.0 * m)
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


def expit(x):
    """The logistic function by e = exp(-abs(x)), which never overflows: 1 or e over 1 + e; at most 1.8 ulp."""
    z = float64(x)
    e = exp(-abs(z))
    down = 1.0 + e
    q = (1.0 if z >= 0.0 else e) / down
    # 1 / (1 + e) is q or 1 - q, which carries the rounding error of 1 + e over to the quotient
    return q - q * ((q if z >= 0.0 else 1.0 - q) * ((1.0 - down) + e))


def log_tail(s2):
    """(log((1 + s) / (1 - s)) - 2 s) / s for s2 = s**2 and abs(s) <= 0.172."""
    s4 = s2 * s2
    a = 0.6666666666666666 + s2 * 0.4000000000000089
    b = 0.2857142857079741 + s2 * 0.22222222393006189
    c = 0.15386246223244220 * s2 + 0.18181795511976587
    d = 0.13088254146433181 * s2 + 0.132686087196942
    return s2 * ((a + s4 * b) + s4 * s4 * (c + s4 * d))


def log_split(z):
    """The whole k and f in sqrt(1/2)-1..sqrt(2)-1 with z = 2**k (1 + f), for positive finite z."""
    small = z < 2.2250738585072014e-308
    bits = float64(z * 18014398509481984.0 if small else z).view(int64)
    # one less sqrt(1/2), as patterns: the exponent field becomes k + 1023 for a mantissa in sqrt(1/2)..sqrt(2)
    high = (bits + 2638147582215219) & 9218868437227405312
    f = int64(bits - high + 4607182418800017408).view(float64) - 1.0
    return int64((high >> 52) | 4841369599423283200).view(float64) - (4503599627371573.0 if small else 4503599627371519.0), f


def log_ends(z, v):
    """v where z is positive and finite, else the logarithm of z."""
    v = v if z < inf else z
    return v if z > 0.0 else -inf if z == 0.0 else nan


def log(x):
    """The natural logarithm: x = 2**k (1 + f), then the series of log((1 + s) / (1 - s)), s = f / (2 + f); at most 1 ulp."""
    z = float64(x)
    k, f = log_split(z)
    s = f / (2.0 + f)
    h = 0.5 * f * f
    v = k * 0.6931471803691238 - ((h - (s * (h + log_tail(s * s)) + k * 1.9082149292705877e-10)) - f)
    return log_ends(z, v)


def log_pair(f):
    """log(1 + f) as a sum: a part of 21 bits, and the rest."""
    s = f / (2.0 + f)
    h = 0.5 * f * f
    high = int64(float64(f - h).view(int64) & -4294967296).view(float64)
    return high, ((f - high) - h) + s * (h + log_tail(s * s))


def log2(x):
    """The logarithm to base 2: log(1 + f) in two parts, so that times 1 / log(2) is nearly exact; at most 0.8 ulp."""
    z = float64(x)
    k, f = log_split(z)
    high, low = log_pair(f)
    a = high * 1.4426950407214463
    v = k + a
    v = v + (((k - v) + a) + ((low + high) * 1.6751713164886512e-10 + low * 1.4426950407214463))
    return log_ends(z, v)


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


def log1p(x):
    """log(1 + x): log of the rounded sum and, to first order, of what rounding lost; at most 0.9 ulp."""
    z = float64(x)
    u = 1.0 + z
    bits = float64(u).view(int64)
    high = (bits + 2638147582215219) & 9218868437227405312
    near = high == 4607182418800017408
    k = int64((high >> 52) | 4841369599423283200).view(float64) - 4503599627371519.0
    f = z if near else int64(bits - high + 4607182418800017408).view(float64) - 1.0
    s = f / (2.0 + f)
    h = 0.5 * f * f
    # the lost part over u = 2**k (1 + f); a percent off is far below rounding
    lost = (1.0 - (u - z) if z > 1.0 else z - (u - 1.0)) * int64(9214364837600034816 - high).view(float64)
    lost = 0.0 if near or z > 1e17 else lost * (1.0 - s) * (1.0 - s + s * s)
    v = k * 0.6931471803691238 - ((h - (s * (h + log_tail(s * s)) + (k * 1.9082149292705877e-10 + lost))) - f)
    return z if abs(z) < 1e-17 else log_ends(u, v)


def softplus(x):
    """log(1 + exp(x)) by exp(-abs(x)), which never overflows; at most 1.5 ulp."""
    z = float64(x)
    return (z if z > 0.0 else 0.0) + log1p(exp(-abs(z)))
