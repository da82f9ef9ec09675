"""Elementary functions that a compiler turns into vector loops: plain Python on one float, pasted into the kernels.

No branches, no calls into a C library: only arithmetic, conditional expressions and bit patterns, so that LLVM vectorises a loop
over them and every way to run them gives the same bits. That needs `forceinline=True`: left to itself, LLVM does not inline the
longer ones. In the kernels a sum with a product in it is one instruction, with one rounding, where the processor has that; `codegen`
writes them so, but for functions that reckon with how products are rounded. Coefficients are minimax polynomials made with mpmath;
an error that a docstring states is the largest met at millions of points, rounded up. Undecorated, the functions run on NumPy
scalars and may warn of overflow: wrap them in ``numpy.errstate(all="ignore")``.

Two idioms recur. Adding 6755399441055744 = 1.5 * 2**52 rounds to an integer and leaves it in the low bits of the sum. A bit
pattern ``(k + 1023) << 52`` is the float 2**k.

No vector loop can hold the exact reduction of a large angle, the remainder of a large quotient, or the reflection of a gamma
function. A loop calls `sin_near`, `fmod_near`, `gammaln_near` and so on; where those do not hold, which `codegen` says, the value is
then replaced by that of `sin`, `fmod` or `gammaln`, which agree with them to the last bit elsewhere.
"""

from math import lgamma

from numpy import copysign, float64, floor, inf, int64, nan, rint, sqrt


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


def exp_split(z, rest):
    """k, r and t with exp(z + rest) = 2**k (1 + r + t): whole, within log(2) / 2, and small beside r; for z within 800."""
    k = (z * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    high = z - k * 0.6931471803691238
    low = k * 1.9082149292705877e-10 - rest
    r = high - low
    return k, r, ((high - r) - low) + r * r * exp_tail(r)


def exp_sum(r, t):
    """1 + r + t, rounded nearly once."""
    c = 1.0 + r
    return c + (((1.0 - c) + r) + t)


def exp(x):
    """e to the power x: x = k log(2) + r, a polynomial in r, times 2**k; at most 0.7 ulp, 1 where subnormal."""
    z = float64(x)
    k, r, t = exp_split(710.0 if z > 710.0 else -746.0 if z < -746.0 else z, 0.0)
    return exp_scaled(exp_sum(r, t), k)


def exp2(x):
    """2 to the power x: the polynomial of exp in the fraction of x, times 2**k; at most 0.9 ulp, 1 where subnormal."""
    z = float64(x)
    z = 1025.0 if z > 1025.0 else -1080.0 if z < -1080.0 else z
    k = (z + 6755399441055744.0) - 6755399441055744.0
    r = (z - k) * 0.6931471805599453
    return exp_scaled(exp_sum(r, r * r * exp_tail(r)), k)


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


def expm1(x):
    """exp(x) - 1 without cancellation: 2**k - 1 and 2**k (exp(r) - 1) added with their rounding error; at most 1.2 ulp."""
    z = float64(x)
    q, _ = expm1_quarter(710.0 if z > 710.0 else -60.0 if z < -60.0 else z)
    return z if abs(z) < 1e-16 else 4.0 * q


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


def cosh(x):
    """The hyperbolic cosine: h + 1 / (4 h) with h = exp(abs(x)) / 2; at most 1.2 ulp."""
    m = abs(float64(x))
    k, r, t = exp_split(711.0 if m > 711.0 else m, 0.0)
    h = exp_scaled(exp_sum(r, t), k - 1.0)
    return h + 0.25 / h


def tanh(x):
    """The hyperbolic tangent: -t / (2 + t), t = expm1(-2 abs(x)), and from 0.55 on 1 - 2 (1 + t) / (2 + t); at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    k, r, t = exp_split(-748.0 if m > 374.0 else -2.0 * m, 0.0)
    scale = int64((float64((-60.0 if k < -60.0 else k) + 6755399441055744.0).view(int64) + 1023) << 52).view(float64)
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


def sech2(x):
    """1 / cosh(x)**2, the derivative of tanh: 4 e / (1 + e)**2 with e = exp(-2 abs(x)), as tanh has it; at most 2.8 ulp."""
    m = abs(float64(x))
    k, r, t = exp_split(-748.0 if m > 374.0 else -2.0 * m, 0.0)
    four = exp_scaled(exp_sum(r, t), k + 2.0)
    e = 0.25 * four
    down = 1.0 + e
    v = four / (down * down)
    # twice the rounding error of 1 + e, over a rough 1 + e: 2 / down is within a tenth of 2.914 - down
    return v - v * (((1.0 - down) + e) * (2.914 - down))


def expit(x):
    """The logistic function by e = exp(-abs(x)), which never overflows: 1 or e over 1 + e; at most 1.9 ulp."""
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
    """The natural logarithm: x = 2**k (1 + f), then the series of log((1 + s) / (1 - s)), s = f / (2 + f); at most 0.9 ulp."""
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


def log_sum(u, z, low, lost):
    """log(u + lost + low), for z + low + 1 where that is near 1: log of u and, to first order, of what is below rounding."""
    bits = float64(u).view(int64)
    high = (bits + 2638147582215219) & 9218868437227405312
    near = high == 4607182418800017408
    k = int64((high >> 52) | 4841369599423283200).view(float64) - 4503599627371519.0
    f = z if near else int64(bits - high + 4607182418800017408).view(float64) - 1.0
    s = f / (2.0 + f)
    h = 0.5 * f * f
    # the lost part over u = 2**k (1 + f); a percent off is far below rounding
    lost = low + (0.0 if near else lost)
    lost = lost * int64(9214364837600034816 - high).view(float64) * ((1.0 - s) * (1.0 - s + s * s))
    tail = k * 1.9082149292705877e-10 + (0.0 if u > 1e17 else lost)
    return log_ends(u, k * 0.6931471803691238 - ((h - (s * (h + log_tail(s * s)) + tail)) - f))


def log1p_sum(z, low):
    """log(1 + z + low) for a low below rounding."""
    u = 1.0 + z
    return log_sum(u, z, low, 1.0 - (u - z) if z > 1.0 else z - (u - 1.0))


def log1p(x):
    """log(1 + x): log of the rounded sum and, to first order, of what rounding lost; at most 0.9 ulp."""
    z = float64(x)
    v = log1p_sum(z, 0.0)
    return z if abs(z) < 1e-17 else v


def softplus(x):
    """log(1 + exp(x)) by exp(-abs(x)), which never overflows; at most 1.6 ulp."""
    z = float64(x)
    return (z if z > 0.0 else 0.0) + log1p(exp(-abs(z)))


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


def with_sign(v, q):
    """v, or -v where the second bit of q is set."""
    return int64(float64(v).view(int64) ^ ((q & 2) << 62)).view(float64)


def circle_sin(q, r, t):
    """The sine of q quarter turns and r + t."""
    s, _, c, _ = circle(r, t)
    return with_sign(c if q & 1 else s, q)


def circle_cos(q, r, t):
    """The cosine of q quarter turns and r + t."""
    s, _, c, _ = circle(r, t)
    return with_sign(s if q & 1 else c, q + 1)


def circle_tan(q, r, t):
    """The tangent of q quarter turns and r + t."""
    s, sl, c, cl = circle(r, t)
    down = s if q & 1 else c
    v = (-c if q & 1 else s) / down
    # sine and cosine square to 1, so 1 / down is down (1 + v**2), which carries their rounding errors over to the quotient
    return v + ((-cl if q & 1 else sl) - v * (sl if q & 1 else cl)) * (down * (1.0 + v * v))


def sin_near(x):
    """The sine for x within 1e6: polynomials on a quarter turn, pi / 2 in four parts; at most 0.9 ulp."""
    z = float64(x)
    q, r, t = turns(z)
    v = circle_sin(q, r, t)
    return z if abs(z) < 1e-8 else v


def cos_near(x):
    """The cosine for x within 1e6, likewise; at most 0.9 ulp."""
    q, r, t = turns(float64(x))
    return circle_cos(q, r, t)


def tan_near(x):
    """The tangent for x within 1e6: the quotient of the two; at most 1.6 ulp."""
    z = float64(x)
    q, r, t = turns(z)
    v = circle_tan(q, r, t)
    return z if abs(z) < 1e-8 else v


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


def column(m0, m1, m2, m3, i):
    """One column of the product of a mantissa in digits of 24 bits and 2 / pi."""
    return m0 * digits(i) + m1 * digits(i + 1) + m2 * digits(i + 2) + m3 * digits(i + 3)


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


def sin(x):
    """The sine of any float: `sin_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 0.9 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return sin_near(z)
    q, r, t = turns_far(z)
    return circle_sin(q, r, t)


def cos(x):
    """The cosine of any float: `cos_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 0.9 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return cos_near(z)
    q, r, t = turns_far(z)
    return circle_cos(q, r, t)


def tan(x):
    """The tangent of any float: `tan_near`, beyond 1e6 with an exact reduction that does not vectorise; at most 1.6 ulp."""
    z = float64(x)
    if abs(z) <= 1e6 or z - z != 0.0:
        return tan_near(z)
    q, r, t = turns_far(z)
    return circle_tan(q, r, t)


def half_turn(f):
    """sin(pi f) / pi for f within 1/2, followed by its rounding error: f + f**3 P(f**2)."""
    z = f * f
    z2 = z * z
    a = -1.6449340668482264 + z * 0.8117424252833536
    b = -0.19075182412208258 + z * 0.0261478478176115
    c = -0.002346081034805303 + z * 0.00014842878711202517
    d = -6.975840400729732e-06 + z * (2.5300883277427616e-07 + z * -7.09214111772651e-09)
    tail = f * (z * ((a + z2 * b) + (z2 * z2) * (c + z2 * d)))
    v = f + tail
    return v, (f - v) + tail


def alternating(v, n):
    """v, or -v for an odd n."""
    half = 0.5 * n
    return v if half == floor(half) else -v


def sinc(x):
    """sin(pi x) / (pi x), from the exact distance to the nearest integer, 0 at infinity; at most 1.9 ulp."""
    z = float64(x)
    n = rint(z)
    s, lost = half_turn(z - n)
    rough = copysign(int64(9213909880891250406 - float64(abs(z)).view(int64)).view(float64), z)
    q = s / z
    v = alternating(q + lost * rough if 0.5 < abs(z) < 1e300 else q, n)
    return 1.0 if z == 0.0 else 0.0 if abs(z) == inf else v


def sinc_dx(x, v):
    """The derivative of sinc: (cos(pi x) - v) / x within 4e-16 / x, and below 1/2, where that cancels, x P(x**2): 1.2 ulp."""
    z = float64(x)
    n = rint(z)
    c, _ = half_turn(0.5 - abs(z - n))
    far = (alternating(3.141592653589793 * c, n) - v) / z
    t = z * z
    t2 = t * t
    a = 3.2469697011334144 + t * -1.144510944732498
    b = 0.2091827825409445 + t * -0.0234608103485922
    c = 0.0017811454481839297 + t * -9.766177248686179e-05
    d = 4.0481448234169e-06 + t * -1.2765038119341316e-07
    near = z * (t * ((a + t2 * b) + (t2 * t2) * (c + t2 * d)) - 3.289868133696453)
    return near if abs(z) < 0.5 else 0.0 if abs(z) == inf else far


def erf_near(x):
    """The error function for x within 1/2: x + x P(x**2)."""
    z = x * x
    z2 = z * z
    a = 0.12837916709551256 + z * -0.37612638903183476
    b = 0.11283791670925479 + z * -0.0268661706329255
    c = 0.005223977373569877 + z * -0.0008548297796903137
    d = 0.00012053336999544561 + z * (-1.4845891283057166e-05 + z * 1.4726244430391079e-06)
    return x + x * ((a + z2 * b) + (z2 * z2) * (c + z2 * d))


def erf_alone(x):
    """`erf`, but only the part of it that holds there: a single instruction may branch."""
    if abs(x) < 0.5:
        return erf_near(float64(x))
    m = abs(float64(x))
    v, k = erfc_far(6.0 if m > 6.0 else m)
    return copysign(1.0 - exp_scaled(v, k), x)


def erfc_alone(x):
    """`erfc`, but only the part of it that holds there: a single instruction may branch."""
    if abs(x) < 0.5:
        return 1.0 - erf_near(float64(x))
    m = abs(float64(x))
    v, k = erfc_far(27.5 if m > 27.5 else m)
    v = exp_scaled(v, k)
    return 2.0 - v if x < 0.0 else v


def halves(x):
    """x as a sum of two numbers whose products with such numbers are exact."""
    high = int64(float64(x).view(int64) & -134217728).view(float64)
    return high, x - high


def erfc_series(u):
    """erfc(m) exp(m**2) (m + 1/2) for u = (m - 4) / (m + 4) with m in 0.5..27.5, followed by its rounding error."""
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
    return p, (0.6164975593127763 - p) + rest


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


def erfc(x):
    """The complementary error function: 1 - erf(x) within 1/2, else by `erfc_far`; at most 1.9 ulp."""
    z = float64(x)
    m = abs(z)
    v, k = erfc_far(27.5 if m > 27.5 else m)
    v = exp_scaled(v, k)
    return 1.0 - erf_near(z) if m < 0.5 else 2.0 - v if z < 0.0 else v


def erf(x):
    """The error function: a polynomial within 1/2, else 1 - erfc(x); at most 1.5 ulp."""
    z = float64(x)
    m = abs(z)
    v, k = erfc_far(6.0 if m > 6.0 else m)
    v = 1.0 - v * int64((float64(k + 6755399441055744.0).view(int64) + 1023) << 52).view(float64)
    return erf_near(z) if m < 0.5 else copysign(v, z)


def normal_series(u):
    """A polynomial p in u = (m - 6) / (m + 6) for `normal_tail`, followed by its rounding error."""
    u2 = u * u
    u4 = u2 * u2
    a = u * -0.10042495398789815 + u2 * (0.053040361243738184 + u * -0.014611641754487403)
    b = (-0.009038623252822191 + u * 0.01821064958442965) + u2 * (-0.017393019348421853 + u * 0.012141059664785526)
    c = (-0.006632578411356014 + u * 0.0028089739829985027) + u2 * (-0.0008464481069769628 + u * 0.00012103649315185858)
    d = (3.523149320621536e-05 + u * -2.5667818283142075e-05) + u2 * (4.471230353206836e-06 + u * 1.6943188295991537e-06)
    e = (-9.838806956249394e-07 + u * 7.666629271634719e-09) + u2 * (1.275652143591677e-07 + u * -2.1488648094665006e-08)
    f = (-1.4178038840679226e-08 + u * 3.881063890163227e-09) + u2 * (1.3713893305036945e-09 + u * -3.418551727359444e-10)
    rest = a + u4 * (b + u4 * (c + u4 * (d + u4 * (e + u4 * (f + u4 * -8.655727246785368e-11)))))
    p = 0.4615526145616838 + rest
    return p, ((0.4615526145616838 - p) + rest) + 1.9668763486828956e-17


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


def ndtr(x):
    """The normal distribution function: `normal_tail`, or 1 less that; at most 1.8 ulp."""
    z = float64(x)
    tail, _, _, _, _, _, _ = normal_tail(abs(z))
    return tail if z < 0.0 else 1.0 - tail


def log_ndtr(x):
    """The logarithm of the normal distribution function: by parts, or log1p of minus the upper tail; at most 2.0 ulp."""
    z = float64(x)
    m = abs(z)
    tail, lost, q, ql, _, _, _ = normal_tail(m)
    left = z <= 0.0
    u = q if left else 1.0 - tail
    v = log_sum(u, -tail, ql if left else -lost, 0.0 if left else (1.0 - u) - tail)
    return -tail if tail < 1e-17 and z > 0.0 else v - 0.5 * m * m if left else v


def log_ndtr_dx(x):
    """The derivative of log_ndtr: the normal density over the distribution function; at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    tail, lost, q, ql, d, dl, k = normal_tail(m)
    left = z <= 0.0
    # both over e on the left; a rough reciprocal is enough for what the rounding of the two lost
    u = q if left else 1.0 - tail
    v = (0.3989422804014327 if left else d) / u
    rest = (-2.4923272022777433e-17 if left else dl) - v * (ql if left else ((1.0 - u) - tail) - lost)
    v = v + rest * int64(9213909880891250406 - float64(u).view(int64)).view(float64)
    return (m if m > 1e17 else v) if left else exp_scaled(v, k)


def rounded_off(x, y, v):
    """x * y - v, exactly, for v = x * y: from products of halves (Dekker)."""
    a, b = halves(x)
    c, d = halves(y)
    return ((a * c - v) + (a * d + b * c)) + b * d


def product(x, y):
    """x * y, and its rounding error."""
    v = x * y
    return v, rounded_off(x, y, v)


def log_series(q):
    """The tail of the series of log_exact, q / 5 + q**2 / 7 + ..."""
    q2 = q * q
    b = (0.2 + q * 0.1428571428571469) + q2 * (0.11111111110823242 + q * 0.09090909168708722)
    d = (0.07692297377753227 + q * 0.06667407764835838) + q2 * (0.05852977886874684 + q * 0.058630131287585804)
    return q * (b + (q2 * q2) * d)


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


def squared(v, vl, b, bl, bit):
    """The square of v + vl in two parts, where the bit says so times b + bl."""
    p, pl = product(v, v)
    pl = pl + 2.0 * (v * vl)
    q, ql = product(p, b)
    ql = ql + (p * bl + pl * b)
    return q if bit else p, ql if bit else pl


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


def power_dx_near(x, y, v):
    """The partial of v = x**y in x, where neither x nor v is so large or small that v / x could overflow or vanish."""
    return y * (v / x) if y != 0.0 else 0.0


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


def signed_mod(r, x, y):
    """x modulo y from the remainder r of their magnitudes."""
    r = copysign(r, x)
    return copysign(0.0, y) if r == 0.0 else r + y if (r < 0.0) != (y < 0.0) else r


def signed_floor(q, r, x, y):
    """The floor of x / y from the whole quotient q and the remainder r of their magnitudes."""
    back = (x < 0.0) != (y < 0.0)
    return r if r != r else copysign(q, copysign(1.0, x) * y) if r == 0.0 or not back else -q - 1.0


def fmod_near(x, y):
    """x modulo y with the sign of x, exactly; for abs(x) within 2**25 abs(y)."""
    _, r = quotient(x, y)
    return copysign(r, x)


def mod_near(x, y):
    """x modulo y with the sign of y, rounded once; for abs(x) within 2**25 abs(y)."""
    _, r = quotient(x, y)
    return signed_mod(r, x, y)


def floor_divide_near(x, y):
    """The floor of x / y, exactly; for abs(x) within 2**25 abs(y)."""
    q, r = quotient(x, y)
    return signed_floor(q, r, x, y)


def fmod(x, y):
    """x modulo y with the sign of x: `fmod_near`, and the C library's for larger quotients; exact."""
    m = abs(float64(x))
    n = abs(float64(y))
    return copysign(m % n, x) if m > 33554432.0 * n else fmod_near(x, y)


def mod(x, y):
    """x modulo y with the sign of y: `mod_near`, and the C library's for larger quotients; rounded once."""
    m = abs(float64(x))
    n = abs(float64(y))
    return signed_mod(m % n, x, y) if m > 33554432.0 * n else mod_near(x, y)


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


def arctan_tail(t):
    """arctan(t) - t for abs(t) < 0.4143."""
    q = t * t
    q2 = q * q
    a = (-0.3333333333333323 + q * 0.19999999999961351) + q2 * (-0.14285714280845915 + q * 0.11111110811472875)
    b = (-0.09090898470135679 + q * 0.07692071616003199) + q2 * (-0.0666322211586418 + q * 0.05848679455672107)
    c = -0.05042604049675467 + q * (0.03814271879325763 + q * -0.01798741710209115)
    return t * q * (a + (q2 * q2) * (b + (q2 * q2) * c))


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
    v = t + (arctan_tail(t) + (0.0 if low else 6.123233995736766e-17 if high else 3.061616997868383e-17 + lost))
    return copysign(v if low else (1.5707963267948966 if high else 0.7853981633974483) + v, z)


def arctan2(x, y):
    """The angle of the point (y, x), likewise from x / y; at most 1.6 ulp."""
    z = float64(x)
    y = float64(y)
    a = abs(z)
    b = abs(y)
    # equal infinities and zeros have no quotient; sums and products must neither overflow nor vanish
    top = a if a > b else b
    scale = 0.125 if top > 4e307 else 18014398509481984.0 if top < 1e-290 else 1.0
    n = scale * (1.0 if a == b else b)
    m = scale * (a if a != b else 1.0 if a > 0.0 else 0.0)
    low = m < n * 0.41421356237309503
    high = m * 0.41421356237309503 > n
    down = m - n
    up = m + n
    t = (m if low else -n if high else down) / (n if low else m if high else up)
    big = m > n
    lost = ((m - down) - n if big else m - (down + n)) - t * ((m - up) + n if big else (n - up) + m)
    rough = int64(9213909880891250406 - float64(up).view(int64)).view(float64)
    v = t + (arctan_tail(t) + (0.0 if low or high else lost * rough))
    back = copysign(1.0, y) < 0.0
    base = 0.0 if low else 1.5707963267948966 if high else 0.7853981633974483
    rest = 0.0 if low else 6.123233995736766e-17 if high else 3.061616997868383e-17
    base = 3.141592653589793 - base if back else base
    rest = 1.2246467991473532e-16 - rest if back else rest
    return copysign(base + ((-v if back else v) + rest), z)


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


def arc_tail(z):
    """arcsin(s) / s - 1 for z = s**2 within 1/4."""
    z2 = z * z
    z4 = z2 * z2
    a = (0.1666666666666674 + z * 0.07499999999975038) + z2 * (0.04464285717137595 + z * 0.030381942837541094)
    b = (0.022372211845393578 + z * 0.017351661490260222) + z2 * (0.013980292997224019 + z * 0.011402795167838684)
    c = (0.010760496733002006 + z * 0.0037746524477265168) + z2 * (0.021554659711872336 + z * -0.02079907137342904)
    return z * (a + z4 * (b + z4 * (c + z4 * 0.0325124315588589)))


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


def arctanh(x):
    """The inverse hyperbolic tangent: log1p(2 x / (1 - x)) / 2; at most 1.6 ulp."""
    z = float64(x)
    m = abs(z)
    down = 1.0 - m
    q = 2.0 * m / down
    # 1 / (1 - x) is 1 + q / 2, which carries the rounding error of 1 - x over to the quotient
    v = 0.5 * log1p_sum(q, q * ((m - (1.0 - down)) * (1.0 + 0.5 * q)) if m < 1.0 else 0.0)
    return z if m < 1e-9 else copysign(v, z)


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


def arccosh(x):
    """The inverse hyperbolic cosine: log1p(t + sqrt(2 t + t**2)) with t = x - 1; at most 1.8 ulp."""
    z = float64(x)
    t = z - 1.0
    n = 1.0 if z > 1e17 else t
    w = sqrt(n + n + n * n)
    u = t if z > 1e17 else w + t
    v = log1p_sum(u, (w - u) + t) + (0.6931471805599453 if z > 1e17 else 0.0)
    return nan if z < 1.0 else v


def log_parts(z):
    """log(z) as a sum of a part of few bits and the rest; for positive finite z."""
    k, f = log_split(z)
    high, low = log_pair(f)
    a = k * 0.6931471803691238
    v = a + high
    return v, ((a - v) + high) + (low + k * 1.9082149292705877e-10)


def gammaln_middle(t):
    """gammaln(2 + t) / (t (1 + t)), followed by its rounding error; for abs(t) <= 1."""
    t2 = t * t
    t4 = t2 * t2
    a = (t * -0.1003173016743539) + t2 * (0.03296500062115698 + t * -0.012384192193374454)
    b = (0.004998641164622905 + t * -0.002108130833825513) + t2 * (0.0009153769241321215 + t * -0.00040570740000039034)
    c = (0.00018255261432480101 + t * -8.30950993565244e-05) + t2 * (3.816908391795522e-05 + t * -1.76618589936032e-05)
    d = (8.221202325274591e-06 + t * -3.84650038136718e-06) + t2 * (1.8114850473821294e-06 + t * -8.555190032238196e-07)
    e = (3.957046277996447e-07 + t * -1.8606188389286684e-07) + t2 * (1.0446504707784871e-07 + t * -5.212899270072798e-08)
    f = (5.668174554504207e-09 + t * -7.064104418675145e-10) + t2 * (1.6339576688257875e-08 + t * -8.997633844078451e-09)
    g = (-4.363138761826549e-09 + t * 2.4847091211796224e-09) + t2 * (1.5824708358430638e-09 + t * -8.212793690182455e-10)
    rest = a + t4 * (b + t4 * (c + t4 * (d + t4 * (e + t4 * (f + t4 * g)))))
    v = 0.42278433509846713 + rest
    return v, (0.42278433509846713 - v) + rest


def gammaln_tail(z):
    """What Stirling's formula for gammaln(x) is short of, times x; for z = x**-2 within 1/9."""
    z2 = z * z
    z4 = z2 * z2
    a = (0.08333333333332149 + z * -0.002777777773393741) + z2 * (0.0007936501936101291 + z * -0.000595195456165667)
    b = (0.0008399316708438867 + z * -0.0018670112475446872) + z2 * (0.005446346480779641 + z * -0.01625901005581381)
    c = 0.037178755686395275 + z * -0.04370545535156301
    return a + z4 * (b + z4 * c)


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


def gammaln(x):
    """log(abs(gamma(x))): `gammaln_near`, the C library's for a negative x; infinite at the poles."""
    z = float64(x)
    if z > 0.0 or z != z:
        return gammaln_near(z)
    return inf if floor(z) == z else lgamma(z)


def digamma_middle(t):
    """digamma(3/2 + t) over the distance to where it is 0, followed by its rounding error; for abs(t) <= 1/2."""
    t2 = t * t
    t4 = t2 * t2
    a = (t * -0.42362742128146047) + t2 * (0.24054248424078736 + t * -0.14840492305391834)
    b = (0.09498872445282847 + t * -0.06192213327158161) + t2 * (0.04076083394472351 + t * -0.026975796847913906)
    c = (0.017907248192855958 + t * -0.011908215075171152) + t2 * (0.007927024126249972 + t * -0.005280019413363066)
    d = (0.0035180793950336854 + t * -0.002344633371505055) + t2 * (0.0015635730695683454 + t * -0.001042376458764532)
    e = (0.0006899472786041751 + t * -0.00045944757437634627) + t2 * (0.00032687996556260467 + t * -0.00021931685329288356)
    f = (9.161040572902432e-05 + t * -5.883296743116468e-05) + t2 * (0.0001223997332817918 + t * -8.315835392632972e-05)
    rest = a + t4 * (b + t4 * (c + t4 * (d + t4 * (e + t4 * f))))
    v = 0.9510558760318328 + rest
    return v, (0.9510558760318328 - v) + rest


def digamma_tail(z):
    """(log(x) - 1 / (2 x) - digamma(x)) x**2 for z = x**-2 within 1/4."""
    z2 = z * z
    z4 = z2 * z2
    a = (0.08333333333328402 + z * -0.008333333314396204) + z2 * (0.003968251290574533 + z * -0.004166467388423346)
    b = (0.007566594354433351 + z * -0.02080642115282964) + z2 * (0.07682107007720752 + z * -0.3289491760286428)
    c = (1.404397293039617 + z * -5.300420777018065) + z2 * (16.21866401184379 + z * -37.49023125373117)
    d = (60.536242566800546 + z * -60.37273422750883) + z2 * 27.86247776383659
    return a + z4 * (b + z4 * (c + z4 * d))


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


def trigamma_middle(t):
    """trigamma(3/2 + t) for abs(t) <= 1/2."""
    t2 = t * t
    t4 = t2 * t2
    a = t * -0.8287966442343201 + t2 * (0.7045455170012297 + t * -0.5790416377778622)
    b = (0.4630645250993568 + t * -0.36214936502542616) + t2 * (0.2780808134891703 + t * -0.21030987305185653)
    c = (0.1570531957201936 + t * -0.11604072429559774) + t2 * (0.08496893186061352 + t * -0.06174041993912089)
    d = (0.04456458272702744 + t * -0.0319853566032822) + t2 * (0.02286153001309365 + t * -0.016252309428700266)
    e = (0.011389606288621016 + t * -0.008052536061613146) + t2 * (0.006176045577369418 + t * -0.004297036062666529)
    f = (0.0016545534495973771 + t * -0.0012148142661289275) + t2 * (0.002911157353347188 + t * -0.0019838557834382688)
    return 0.9348022005446793 + (a + t4 * (b + t4 * (c + t4 * (d + t4 * (e + t4 * f)))))


def trigamma_tail(z):
    """(trigamma(x) - 1 / x - 1 / (2 x**2)) x**3 for z = x**-2 within 1/4."""
    z2 = z * z
    z4 = z2 * z2
    a = (0.16666666666662713 + z * -0.0333333333100552) + z2 * (0.02380951897837145 + z * -0.033332818809389576)
    b = (0.07572425995957338 + z * -0.2516636650787595) + z2 * (1.1211880417196216 + z * -6.003736571267433)
    c = (33.96583610155409 + z * -180.89426336146988) + z2 * (834.0163555669324 + z * -3139.752148617269)
    d = (9208.388424705316 + z * -20032.73872408758) + z2 * (30227.84833371277 + z * -28130.256481998706)
    e = 12130.854408305097
    return a + z4 * (b + z4 * (c + z4 * (d + z4 * e)))


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


def trigamma(x):
    """The derivative of digamma: `trigamma_near`, by reflection for a negative x; infinite at the poles."""
    z = float64(x)
    if z > 0.0 or z != z:
        return trigamma_near(z)
    if z == -inf:
        return nan
    s, _ = half_turn(z - rint(z))
    return 1.0 / (s * s) - trigamma_near(1.0 - z)
