"""Elementary functions that a compiler turns into vector loops: plain Python on one float, pasted into the kernels.

No branches, no calls into a C library, no fused operations: only arithmetic, conditional expressions and bit patterns, so that
LLVM vectorises a loop over them and every way to run them gives the same bits. Coefficients are minimax polynomials made with
mpmath. Undecorated, the functions run on NumPy scalars and may warn of overflow: wrap them in ``numpy.errstate(all="ignore")``.

Two idioms recur. Adding 6755399441055744 = 1.5 * 2**52 rounds to an integer and leaves it in the low bits of the sum. A bit
pattern ``(k + 1023) << 52`` is the float 2**k.
"""

from numpy import float64, inf, int64, nan


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


def exp(x):
    """e to the power x: x = k log(2) + r, a polynomial in r, times 2**k; at most 1.1 ulp."""
    z = float64(x)
    z = 710.0 if z > 710.0 else -746.0 if z < -746.0 else z
    k = (z * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    r = (z - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    return exp_scaled(1.0 + (r + r * r * exp_tail(r)), k)


def log_tail(s2):
    """(log((1 + s) / (1 - s)) - 2 s) / s for s2 = s**2 and abs(s) <= 0.172."""
    s4 = s2 * s2
    a = 0.6666666666666666 + s2 * 0.4000000000000089
    b = 0.2857142857079741 + s2 * 0.22222222393006189
    c = 0.15386246223244220 * s2 + 0.18181795511976587
    d = 0.13088254146433181 * s2 + 0.132686087196942
    return s2 * ((a + s4 * b) + s4 * s4 * (c + s4 * d))


def log(x):
    """The natural logarithm: x = 2**k (1 + f), then the series of log((1 + s) / (1 - s)), s = f / (2 + f); at most 1 ulp."""
    z = float64(x)
    small = z < 2.2250738585072014e-308
    bits = float64(z * 18014398509481984.0 if small else z).view(int64)
    # one less sqrt(1/2), as patterns: the exponent field becomes k + 1023 for a mantissa in sqrt(1/2)..sqrt(2)
    high = (bits + 2638147582215219) & 9218868437227405312
    f = int64(bits - high + 4607182418800017408).view(float64) - 1.0
    k = int64((high >> 52) | 4841369599423283200).view(float64) - (4503599627371573.0 if small else 4503599627371519.0)
    s = f / (2.0 + f)
    h = 0.5 * f * f
    v = k * 0.6931471803691238 - ((h - (s * (h + log_tail(s * s)) + k * 1.9082149292705877e-10)) - f)
    v = v if z < inf else z
    return v if z > 0.0 else -inf if z == 0.0 else nan
