"""Every jitted function of the package, in one file: Numba's cache stamps only the file that holds a function.

The regions between markers are written by `codegen` from the op table; the rest is by hand. Kernels take arrays that Python
classes own, allocate nothing and raise nothing: they return a status.
"""

import glob
import os
import sys
import warnings
from math import erf, erfc, inf, lgamma, nan, pi

import numpy as np
from numba import njit

from .errors import JitTapeCacheWarning

# <generated: imports>
from numpy import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cbrt,
    ceil,
    copysign,
    cos,
    cosh,
    exp,
    exp2,
    expm1,
    floor,
    floor_divide,
    fmod,
    hypot,
    log,
    log10,
    log1p,
    log2,
    mod,
    power,
    rint,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    trunc,
)

LN2 = 0.6931471805599453
LN10 = 2.302585092994046
TWO_OVER_SQRT_PI = 1.1283791670955126
SQRT_HALF = 0.7071067811865476
INV_SQRT_TWO_PI = 0.3989422804014327
# </generated>

# The status of a sweep that met no disagreeing guard.
DONE = -1
FORWARD, REVERSE = 1, 2
# Instructions per kernel call: between calls Ctrl-C is noticed. 4 million take about 40 ms.
CHUNK = 1 << 22
NOTHING = np.zeros(0)

_CACHE = os.environ.get("JITTAPE_CACHE", "1") != "0"


def jit(function):
    """Compile on first call: no GIL, IEEE errors, cached on disk where some folder can be written."""
    options = {"nogil": True, "error_model": "numpy"}
    if not _CACHE:
        return njit(**options)(function)
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # Numba found no folder that it can write to
        return njit(**options)(function)


# <generated: special>
@jit
def power_dx(x, y):
    """The partial of x**y in x; 0 for y = 0, whatever x."""
    return y * power(x, y - 1.0) if y != 0.0 else 0.0


@jit
def power_dy(x, y, v):
    """The partial of x**y in y: v * log(x), by its limit where v is 0, and 0 at (0, 0)."""
    if (v == 0.0 and x >= 0.0) or (x == 0.0 and y == 0.0):
        return 0.0
    return v * log(x)


@jit
def expit(x):
    """The logistic function; the exponential never overflows."""
    e = exp(-abs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


@jit
def softplus(x):
    """log(1 + exp(x)); the exponential never overflows."""
    return (x if x > 0.0 else 0.0) + log1p(exp(-abs(x)))


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
def sinc(x):
    """sin(pi x) / (pi x), exactly 0 at the other integers and at infinity."""
    if x == 0.0:
        return 1.0
    if x - x == 0.0 and floor(x) == x:
        return 0.0
    if x == x and x - x != 0.0:
        return 0.0
    return sin(pi * x) / (pi * x)


@jit
def sinc_dx(x, v):
    """The derivative of sinc; its Taylor series near 0, where the closed form cancels."""
    if abs(x) < 0.1:
        t = pi * x
        s = t * t
        return -pi * t * (1.0 / 3.0 - s * (1.0 / 30.0 - s * (1.0 / 840.0 - s * (1.0 / 45360.0 - s * (1.0 / 3991680.0)))))
    if x == x and x - x != 0.0:
        return 0.0
    return (cos(pi * x) - v) / x


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
    """log|gamma(x)|; infinite at the poles."""
    if x <= 0.0 and floor(x) == x:
        return inf
    return lgamma(x)


@jit
def digamma(x):
    """The derivative of gammaln by recurrence to x >= 10 and an asymptotic series (Abramowitz and Stegun 6.3.18); NaN at the poles."""
    shift = 0.0
    if x <= 0.0:
        if x - x != 0.0 or floor(x) == x:
            return nan
        shift = -pi / tan(pi * (x - floor(x)))
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
        s = sin(pi * (x - floor(x)))
        shift = pi * pi / (s * s)
        sign = -1.0
        x = 1.0 - x
    total = 0.0
    while x < 10.0:
        total += 1.0 / (x * x)
        x += 1.0
    r = 1.0 / (x * x)
    tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66 - r * (691 / 2730 - r * (7 / 6)))))))
    total += 1.0 / x + 0.5 * r + tail / x
    return shift + sign * total


@jit
def switch(code):
    """Whether a zero partial of this operation means that the operand is not connected."""
    return code == 19 or code == 20 or code == 21 or code == 22 or code == 23 or code == 24 or code == 25 or code == 27 or code == 28
# </generated>


@jit
def forward(op, a, b, val, da, db, first, start, stop):
    """Evaluate instructions ``start`` to ``stop``: their values and their partials."""
    for i in range(start, stop):
        x = val[a[i]]
        y = val[b[i]]
        code = op[i]
        # <generated: forward>
        if code == 0:  # add
            v = x + y
            dx = 1.0
            dy = 1.0
        elif code == 1:  # subtract
            v = x - y
            dx = 1.0
            dy = -1.0
        elif code == 2:  # multiply
            v = x * y
            dx = y
            dy = x
        elif code == 3:  # divide
            v = x / y
            dx = 1.0 / y
            dy = -v / y
        elif code == 4:  # power
            v = power(x, y)
            dx = power_dx(x, y)
            dy = power_dy(x, y, v)
        elif code == 5:  # mod
            v = mod(x, y)
            dx = 1.0 if v == v else v
            dy = rint((v - x) / y)
        elif code == 6:  # fmod
            v = fmod(x, y)
            dx = 1.0 if v == v else v
            dy = rint((v - x) / y)
        elif code == 7:  # floor_divide
            v = floor_divide(x, y)
            dx = 0.0
            dy = 0.0
        elif code == 8:  # negative
            v = -x
            dx = -1.0
            dy = 0.0
        elif code == 9:  # reciprocal
            v = 1.0 / x
            dx = -v * v
            dy = 0.0
        elif code == 10:  # square
            v = x * x
            dx = x + x
            dy = 0.0
        elif code == 11:  # sqrt
            v = sqrt(x)
            dx = 0.5 / abs(v)
            dy = 0.0
        elif code == 12:  # cbrt
            v = cbrt(x)
            dx = 1.0 / (3.0 * v * v)
            dy = 0.0
        elif code == 13:  # abs
            v = abs(x)
            dx = sign(x)
            dy = 0.0
        elif code == 14:  # sign
            v = sign(x)
            dx = 0.0
            dy = 0.0
        elif code == 15:  # floor
            v = floor(x)
            dx = 0.0
            dy = 0.0
        elif code == 16:  # ceil
            v = ceil(x)
            dx = 0.0
            dy = 0.0
        elif code == 17:  # trunc
            v = trunc(x)
            dx = 0.0
            dy = 0.0
        elif code == 18:  # rint
            v = rint(x)
            dx = 0.0
            dy = 0.0
        elif code == 19:  # relu
            v = x if x > 0.0 or x != x else 0.0
            dx = 1.0 if x > 0.0 else x if x != x else 0.0
            dy = 0.0
        elif code == 20:  # maximum
            v = x if x >= y or x != x else y
            dx = v if v != v else 1.0 if x > y else 0.5 if x == y else 0.0
            dy = v if v != v else 1.0 if y > x else 0.5 if x == y else 0.0
        elif code == 21:  # minimum
            v = x if x <= y or x != x else y
            dx = v if v != v else 1.0 if x < y else 0.5 if x == y else 0.0
            dy = v if v != v else 1.0 if y < x else 0.5 if x == y else 0.0
        elif code == 22:  # fmax
            v = x if x >= y or y != y else y
            dx = v if v != v else 1.0 if x > y or y != y else 0.5 if x == y else 0.0
            dy = v if v != v else 1.0 if y > x or x != x else 0.5 if x == y else 0.0
        elif code == 23:  # fmin
            v = x if x <= y or y != y else y
            dx = v if v != v else 1.0 if x < y or y != y else 0.5 if x == y else 0.0
            dy = v if v != v else 1.0 if y < x or x != x else 0.5 if x == y else 0.0
        elif code == 24:  # clip_low
            v = x if x > y or x != x else y
            dx = v if v != v else 1.0 if x > y else 0.0
            dy = v if v != v else 0.0 if x > y else 1.0
        elif code == 25:  # clip_high
            v = x if x < y or x != x else y
            dx = v if v != v else 1.0 if x < y else 0.0
            dy = v if v != v else 0.0 if x < y else 1.0
        elif code == 26:  # copysign
            v = copysign(x, y)
            dx = sign(x) * copysign(1.0, y)
            dy = 0.0
        elif code == 27:  # gate
            v = y if x != 0.0 else -0.0
            dx = 0.0
            dy = 1.0 if x != 0.0 else 0.0
        elif code == 28:  # gate_not
            v = -0.0 if x != 0.0 else y
            dx = 0.0
            dy = 0.0 if x != 0.0 else 1.0
        elif code == 29:  # exp
            v = exp(x)
            dx = v
            dy = 0.0
        elif code == 30:  # exp2
            v = exp2(x)
            dx = v * LN2
            dy = 0.0
        elif code == 31:  # expm1
            v = expm1(x)
            dx = exp(x)
            dy = 0.0
        elif code == 32:  # log
            v = log(x)
            dx = 1.0 / x if v == v else v
            dy = 0.0
        elif code == 33:  # log2
            v = log2(x)
            dx = 1.0 / (x * LN2) if v == v else v
            dy = 0.0
        elif code == 34:  # log10
            v = log10(x)
            dx = 1.0 / (x * LN10) if v == v else v
            dy = 0.0
        elif code == 35:  # log1p
            v = log1p(x)
            dx = 1.0 / (1.0 + x) if v == v else v
            dy = 0.0
        elif code == 36:  # logaddexp
            v = logaddexp(x, y)
            dx = 0.5 if x == y else expit(x - y)
            dy = 0.5 if x == y else expit(y - x)
        elif code == 37:  # xlogy
            v = xlogy(x, y)
            dx = log(y) if x != 0.0 or y != 0.0 else 0.0
            dy = x / y if x != 0.0 or y != 0.0 else 0.0
        elif code == 38:  # xlog1py
            v = xlog1py(x, y)
            dx = log1p(y) if x != 0.0 or y != -1.0 else 0.0
            dy = x / (1.0 + y) if x != 0.0 or y != -1.0 else 0.0
        elif code == 39:  # expit
            v = expit(x)
            dx = v * expit(-x)
            dy = 0.0
        elif code == 40:  # log_expit
            v = -softplus(-x)
            dx = expit(-x)
            dy = 0.0
        elif code == 41:  # softplus
            v = softplus(x)
            dx = expit(x)
            dy = 0.0
        elif code == 42:  # sin
            v = sin(x)
            dx = cos(x)
            dy = 0.0
        elif code == 43:  # cos
            v = cos(x)
            dx = -sin(x)
            dy = 0.0
        elif code == 44:  # tan
            v = tan(x)
            dx = 1.0 + v * v
            dy = 0.0
        elif code == 45:  # arcsin
            v = arcsin(x)
            dx = 1.0 / sqrt((1.0 - x) * (1.0 + x))
            dy = 0.0
        elif code == 46:  # arccos
            v = arccos(x)
            dx = -1.0 / sqrt((1.0 - x) * (1.0 + x))
            dy = 0.0
        elif code == 47:  # arctan
            v = arctan(x)
            dx = 1.0 / (1.0 + x * x)
            dy = 0.0
        elif code == 48:  # arctan2
            v = arctan2(x, y)
            dx = y / hypot(x, y) / hypot(x, y) if x != 0.0 or y != 0.0 else 0.0
            dy = -x / hypot(x, y) / hypot(x, y) if x != 0.0 or y != 0.0 else 0.0
        elif code == 49:  # sinh
            v = sinh(x)
            dx = cosh(x)
            dy = 0.0
        elif code == 50:  # cosh
            v = cosh(x)
            dx = sinh(x)
            dy = 0.0
        elif code == 51:  # tanh
            v = tanh(x)
            dx = (1.0 - v) * (1.0 + v)
            dy = 0.0
        elif code == 52:  # arcsinh
            v = arcsinh(x)
            dx = 1.0 / hypot(x, 1.0)
            dy = 0.0
        elif code == 53:  # arccosh
            v = arccosh(x)
            dx = 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))
            dy = 0.0
        elif code == 54:  # arctanh
            v = arctanh(x)
            dx = 1.0 / ((1.0 - x) * (1.0 + x)) if v == v else v
            dy = 0.0
        elif code == 55:  # hypot
            v = hypot(x, y)
            dx = x / v if v != 0.0 else 0.0
            dy = y / v if v != 0.0 else 0.0
        elif code == 56:  # sinc
            v = sinc(x)
            dx = sinc_dx(x, v)
            dy = 0.0
        elif code == 57:  # erf
            v = erf(x)
            dx = TWO_OVER_SQRT_PI * exp(-x * x)
            dy = 0.0
        elif code == 58:  # erfc
            v = erfc(x)
            dx = -TWO_OVER_SQRT_PI * exp(-x * x)
            dy = 0.0
        elif code == 59:  # ndtr
            v = 0.5 * erfc(-x * SQRT_HALF)
            dx = INV_SQRT_TWO_PI * exp(-0.5 * x * x)
            dy = 0.0
        elif code == 60:  # log_ndtr
            v = log_ndtr(x)
            dx = log_ndtr_dx(x)
            dy = 0.0
        elif code == 61:  # gammaln
            v = gammaln(x)
            dx = digamma(x)
            dy = 0.0
        elif code == 62:  # digamma
            v = digamma(x)
            dx = trigamma(x)
            dy = 0.0
        elif code == 63:  # less
            v = 1.0 if x < y else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 64:  # less_equal
            v = 1.0 if x <= y else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 65:  # greater
            v = 1.0 if x > y else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 66:  # greater_equal
            v = 1.0 if x >= y else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 67:  # equal
            v = 1.0 if x == y else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 68:  # not_equal
            v = 1.0 if x != y else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 69:  # logical_and
            v = 1.0 if x != 0.0 and y != 0.0 else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 70:  # logical_or
            v = 1.0 if x != 0.0 or y != 0.0 else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 71:  # logical_xor
            v = 1.0 if (x != 0.0) != (y != 0.0) else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 72:  # logical_not
            v = 1.0 if x == 0.0 else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 73:  # isnan
            v = 1.0 if x != x else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 74:  # isfinite
            v = 1.0 if x - x == 0.0 else 0.0
            dx = 0.0
            dy = 0.0
        elif code == 75:  # isinf
            v = 1.0 if x == x and x - x != 0.0 else 0.0
            dx = 0.0
            dy = 0.0
        else:  # a leaf among the rows of a recording
            v = val[first + i]
            dx = dy = 0.0
        # </generated>
        val[first + i] = v
        da[i] = dx
        db[i] = dy


@jit
def reverse(op, a, b, da, db, adj, first, start, stop):
    """Pull adjoints back from instruction ``stop - 1`` down to ``start``; knows no operation, only which are switches."""
    for k in range(stop - start):
        i = stop - np.uint64(1) - k
        s = adj[first + i]
        if s != 0.0:
            p = s * da[i]
            q = s * db[i]
            if p != p or q != q:
                # the rare case of a NaN: the zero partial of a switch passes nothing, not even an infinity
                if switch(op[i]):
                    p = 0.0 if da[i] == 0.0 else p
                    q = 0.0 if db[i] == 0.0 else q
            adj[a[i]] += p
            adj[b[i]] += q


@jit
def run(code, work, x, gradient, slots, guards, output, start, stop, mode):
    """Sweep instructions ``start`` to ``stop`` of a packed program, forward and/or in reverse.

    ``code`` holds op, a and b, one after the other, and then guarded slots and their outcomes; ``work`` holds val, adj, da
    and db. The inputs are set from ``x``; ``gradient`` takes the adjoints of the first inputs. Returns `DONE`, or the index of
    the first guard whose condition now has the other truth.
    """
    slots, guards, start, stop = np.uint64(slots), np.uint64(guards), np.uint64(start), np.uint64(stop)
    zero, one, two, three = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    n = (np.uint64(code.size) - two * guards) // three
    first = slots - n
    op, a, b, guard = code[:n], code[n : two * n], code[two * n : three * n], code[three * n :]
    val, adj = work[:slots], work[slots : two * slots]
    da, db = work[two * slots : two * slots + n], work[two * slots + n : two * slots + two * n]
    if mode & 1:
        if start == zero:
            for i in range(np.uint64(x.size)):
                val[one + i] = x[i]
        forward(op, a, b, val, da, db, first, start, stop)
        if stop == n:
            for g in range(guards):
                if (val[guard[g]] != 0.0) != (guard[guards + g] != 0):
                    return np.int64(g)
    if mode & 2:
        if stop == n:
            adj[:] = 0.0
            adj[np.uint64(output)] = 1.0
        reverse(op, a, b, da, db, adj, first, start, stop)
        if start == zero:
            for i in range(np.uint64(gradient.size)):
                gradient[i] = adj[one + i]
    return np.int64(-1)


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


def sweep(code, work, x, gradient, slots, guards, output, n, mode):
    """`run` over all ``n`` instructions, in pieces between which Ctrl-C is noticed. Call `ready` before."""
    if n <= CHUNK:
        return run(code, work, x, gradient, slots, guards, output, 0, n, mode)
    status = DONE
    if mode & FORWARD:
        for start in range(0, n, CHUNK):
            status = run(code, work, x, gradient, slots, guards, output, start, min(start + CHUNK, n), FORWARD)
    if mode & REVERSE and status == DONE:
        for start in range((n - 1) // CHUNK * CHUNK, -1, -CHUNK):
            run(code, work, x, gradient, slots, guards, output, start, min(start + CHUNK, n), REVERSE)
    return status


def _cold() -> bool:
    """Whether no compiled kernel is on disk yet."""
    stats = getattr(run, "stats", None)
    path = getattr(stats, "cache_path", None)
    return stats is not None and not (path and glob.glob(os.path.join(glob.escape(path), "kernels.run-*.nbi")))


def ready() -> None:
    """Load or compile the kernels, so that no later call has to; a cache that is unusable is passed over."""
    global run, _ready
    if _ready:
        return
    if getattr(run, "py_func", None) is None:  # NUMBA_DISABLE_JIT: NumPy's scalars warn where kernels do not
        run = np.errstate(all="ignore")(run)
    else:
        if _cold() and sys.stderr is not None and sys.stderr.isatty():
            print("jittape: compiling kernels, once per machine (a few seconds) ...", file=sys.stderr, flush=True)
        try:
            _first_call()
        except Exception as error:  # whatever a truncated or foreign cache file raises while it is read
            _without_cache(error)
            _first_call()
    _ready = True


def _first_call() -> None:
    run(np.zeros(3, np.uint32), np.zeros(8), NOTHING, NOTHING, 3, 0, 2, 0, 1, FORWARD | REVERSE)


def _without_cache(error: Exception) -> None:
    """Compile every kernel anew, in memory only."""
    for name, function in list(globals().items()):
        if hasattr(function, "py_func"):
            globals()[name] = njit(nogil=True, error_model="numpy")(function.py_func)
    warnings.warn(
        f"the compiled kernels could not be read from or written to Numba's cache ({type(error).__name__}: {error}); this process "
        "compiles them again. Delete the cache folder, or set NUMBA_CACHE_DIR to one that is writable.",
        JitTapeCacheWarning,
        stacklevel=4,
    )


_ready = False
