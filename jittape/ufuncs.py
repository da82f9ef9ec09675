"""NumPy's ufuncs on traced numbers and arrays: which operation each records, and their methods `reduce`, `accumulate`, `outer`, `at`."""

from __future__ import annotations

import difflib
import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arrays, folds, tracer
from .arrays import ConditionArray, VarArray, elementwise
from .errors import TracingTypeError
from .ops import CODE, OPS
from .tracer import Condition, Traced, Var

_DEGREE = math.pi / 180.0


def _conditions(name: str) -> Callable[..., Any]:
    """A bitwise operation, for truth values only."""

    def function(*xs: Any) -> Any:
        if not arrays.are_truths(*xs):
            raise TracingTypeError(
                f"np.{name.replace('logical', 'bitwise')} of traced values is for comparisons, not for numbers"
            )
        return elementwise(CODE[name], *xs)

    return function


def _recorded(code: int) -> Callable[..., Any]:
    return tracer.function(code, functools.partial(elementwise, code))


def _heaviside(x: Any, y: Any) -> Any:
    step = arrays.where(elementwise(CODE["equal"], x, 0.0), y, arrays.where(elementwise(CODE["greater"], x, 0.0), 1.0, 0.0))
    return arrays.where(elementwise(CODE["isnan"], x), x, step)


def _rel_entr(x: Any, y: Any) -> Any:
    """x * log(x / y), 0 where x is 0, and infinite where either is negative or only y is 0."""
    x, y = arrays.asarray(x), arrays.asarray(y)
    out = arrays.where((x == 0.0) & (y >= 0.0), 0.0, math.inf)
    plain = ((x > 0.0) & (y > 0.0)) | (x != x) | (y != y)
    return arrays.where(plain, elementwise(CODE["xlogy"], x, elementwise(CODE["divide"], x, y)), out)


def _huber(delta: Any, r: Any) -> Any:
    size = elementwise(CODE["abs"], r)
    out = arrays.where(size <= delta, 0.5 * elementwise(CODE["square"], r), delta * (size - 0.5 * delta))
    return arrays.where(arrays.asarray(delta) < 0.0, math.inf, out)


def _pseudo_huber(delta: Any, r: Any) -> Any:
    square = elementwise(CODE["square"], elementwise(CODE["divide"], r, delta))
    return elementwise(CODE["square"], delta) * elementwise(CODE["expm1"], 0.5 * elementwise(CODE["log1p"], square))


def _betaln(x: Any, y: Any) -> Any:
    """log(gamma(x) gamma(y) / gamma(x + y)): where one is large by Stirling's series, whose large terms are taken off each other first."""
    gammaln, log1p, log = (_recorded(CODE[name]) for name in ("gammaln", "log1p", "log"))
    large, small = elementwise(CODE["maximum"], x, y), elementwise(CODE["minimum"], x, y)
    both = x + y

    def rest(z: Any) -> Any:
        w = elementwise(CODE["reciprocal"], z)
        square = w * w
        return w * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)))

    far = (large >= 100.0) & (small > 0.0)
    a, b, ab = (arrays.where(far, z, 100.0) for z in (large, small, both))
    beside = b - (a - 0.5) * log1p(b / a) - b * log(ab) + (rest(a) - rest(ab))
    return gammaln(small) + arrays.where(far, beside, gammaln(large) - gammaln(both))


def _modf(x: Any) -> tuple[Any, Any]:
    """The fraction, 0 of infinities, and what is before it; both with the sign of x."""
    whole = elementwise(CODE["trunc"], x)
    fraction = arrays.where(elementwise(CODE["isinf"], x), 0.0, x - whole)
    return elementwise(CODE["with_gradient"], elementwise(CODE["copysign"], fraction, x), fraction), whole


def _beta(x: Any, y: Any) -> Any:
    signs = (elementwise(CODE["sign"], elementwise(CODE["gamma"], k)) for k in (x, y, x + y))
    return functools.reduce(_recorded(CODE["multiply"]), signs, elementwise(CODE["exp"], _betaln(x, y)))


def _unscaled(name: str) -> Callable[..., Any]:
    """A Bessel function from the one of that name that is scaled by exp(-abs(x))."""
    return lambda x: elementwise(CODE["exp"], elementwise(CODE["abs"], x)) * elementwise(CODE[name], x)


UFUNCS: dict[Any, Callable[..., Any]] = {getattr(np, op.ufunc): _recorded(code) for code, op in enumerate(OPS) if op.ufunc} | {
    np.power: arrays.power,
    np.float_power: arrays.power,
    np.fabs: _recorded(CODE["abs"]),
    np.positive: lambda x: elementwise(CODE["add"], x, -0.0) if isinstance(x, (Condition, ConditionArray)) else +x,
    np.conjugate: lambda x: +x,
    np.deg2rad: lambda x: elementwise(CODE["multiply"], x, _DEGREE),
    np.radians: lambda x: elementwise(CODE["multiply"], x, _DEGREE),
    np.rad2deg: lambda x: elementwise(CODE["divide"], x, _DEGREE),
    np.degrees: lambda x: elementwise(CODE["divide"], x, _DEGREE),
    np.divmod: lambda x, y: (elementwise(CODE["floor_divide"], x, y), elementwise(CODE["mod"], x, y)),
    np.logaddexp2: lambda x, y: elementwise(CODE["logaddexp"], x * math.log(2.0), y * math.log(2.0)) / math.log(2.0),
    np.heaviside: _heaviside,
    np.signbit: lambda x: elementwise(CODE["less"], elementwise(CODE["copysign"], 1.0, x), 0.0),
    np.modf: _modf,
    np.ldexp: lambda x, y: elementwise(CODE["multiply"], x, elementwise(CODE["exp2"], y)),
    np.matmul: folds.matmul,
    np.vecdot: lambda x, y: folds.fold("add", elementwise(CODE["multiply"], x, y), -1),
    np.bitwise_and: _conditions("logical_and"),
    np.bitwise_or: _conditions("logical_or"),
    np.bitwise_xor: _conditions("logical_xor"),
    np.invert: _conditions("logical_not"),
}  # fmt: skip
if hasattr(np, "matvec"):  # NumPy 2.2
    UFUNCS |= {
        np.matvec: lambda x, y: folds.matmul(x, arrays.asarray(y)[..., None])[..., 0],
        np.vecmat: lambda x, y: folds.matmul(arrays.asarray(x)[..., None, :], y)[..., 0, :],
    }
# The ufuncs that fold, and their operation.
FOLDS = {np.add: "add", np.multiply: "multiply", np.logical_and: "logical_and", np.logical_or: "logical_or", np.hypot: "hypot",
         np.logaddexp: "logaddexp", np.bitwise_and: "logical_and", np.bitwise_or: "logical_or"}  # fmt: skip
EXTREMES = {np.maximum: "maximum", np.minimum: "minimum"}


# The ufuncs of scipy.special that record, by name: SciPy need not be there.
SPECIAL: dict[str, Callable[..., Any]] = {
    name: _recorded(CODE[name])
    for name in ("cbrt", "digamma", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gamma", "gammaln", "i0e", "i1e", "log1p",
                 "log_expit", "log_ndtr", "ndtr", "ndtri", "xlog1py", "xlogy")
} | {
    "psi": _recorded(CODE["digamma"]),
    "logit": lambda x: elementwise(CODE["log"], x) - elementwise(CODE["log1p"], -x),
    "entr": lambda x: arrays.where(x < 0.0, -math.inf, -elementwise(CODE["xlogy"], x, x)),
    "rel_entr": _rel_entr,
    "kl_div": lambda x, y: _rel_entr(x, y) - x + y,
    "huber": _huber,
    "pseudo_huber": _pseudo_huber,
    "beta": _beta,
    "betaln": _betaln,
    "loggamma": lambda x: arrays.where(x < 0.0, math.nan, elementwise(CODE["gammaln"], x)),
    "erfcinv": lambda x: elementwise(CODE["ndtri"], 0.5 * x) * -math.sqrt(0.5),
    "i0": _unscaled("i0e"),
    "i1": _unscaled("i1e"),
    "exp10": lambda x: elementwise(CODE["power"], 10.0, x),
}  # fmt: skip


def _is_special(ufunc: Any) -> bool:
    """Whether a ufunc is SciPy's; anybody else's of that name may be something else."""
    return getattr(sys.modules.get("scipy.special"), ufunc.__name__, None) is ufunc


# The commonest operands, which need no second look.
_COMMON = {Var, VarArray, float, int, np.float64, np.ndarray}


def array_ufunc(_: Any, ufunc: Any, method: str, /, *inputs: Any, **kwargs: Any) -> Any:
    """What a ufunc does on operands of which at least one is traced; the first argument is one of those."""
    function = UFUNCS.get(ufunc)
    if function is not None and method == "__call__" and not kwargs:
        if len(inputs) == 1:
            return function(*inputs)
        x, y = inputs
        if type(x) in _COMMON and type(y) in _COMMON:
            return function(x, y)
    out = kwargs.pop("out", None)
    check_out(out)
    check_dtype(kwargs.pop("dtype", None), *inputs)
    for name in ("casting", "order", "subok"):
        kwargs.pop(name, None)
    if function is None and _is_special(ufunc):
        function = SPECIAL.get(ufunc.__name__)
        if function is None:
            raise unsupported(ufunc.__name__, list(SPECIAL), "scipy.special.")
    if function is None:
        named = ufunc.__name__
        raise unsupported(named, [known.__name__ for known in UFUNCS], "np." if hasattr(np, named) else "")
    if method == "__call__":
        inputs = tuple(arrays.asarray(x) if isinstance(x, (list, tuple)) else x for x in inputs)
        result = _masked(function(*inputs), kwargs.pop("where", True), out)
    elif method == "reduce" and (ufunc in FOLDS or ufunc in EXTREMES):
        result, kwargs = reduce(ufunc, inputs[0], **kwargs), {}
    elif method == "accumulate" and (ufunc in FOLDS or ufunc in EXTREMES):
        result = folds.cumulative((FOLDS | EXTREMES)[ufunc], inputs[0], kwargs.pop("axis", 0))
    elif method == "reduceat" and (ufunc in FOLDS or ufunc in EXTREMES):
        result = _reduceat(ufunc, inputs[0], inputs[1], kwargs.pop("axis", 0))
    elif method == "outer":
        x, y = (arrays.asarray(k) for k in inputs)
        result = function(x.reshape(x.shape + (1,) * y.ndim), y)
    elif method == "at":
        check_out(inputs[0])
        return _at(function, *inputs)
    else:
        raise TracingTypeError(f"np.{ufunc.__name__}.{method} is not supported on traced values")
    if kwargs:
        raise TracingTypeError(f"np.{ufunc.__name__} of traced values does not take {', '.join(kwargs)}")
    return result if out is None else store(out, result)


def reduce(ufunc: Any, x: Any, axis: Any = 0, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    """``ufunc.reduce``."""
    initial = None if initial is np._NoValue else initial
    mask = None if where is True else where
    if ufunc in EXTREMES:
        return folds.extreme(EXTREMES[ufunc], x, axis, keepdims, initial, mask)
    return folds.fold(FOLDS[ufunc], x, axis, keepdims, initial, mask)


def _reduceat(ufunc: Any, a: Any, indices: Any, axis: int) -> Any:
    """``ufunc.reduceat``: a fold from each index to the next one, of one element where that is not further on."""
    x, starts = arrays.asarray(a), np.asarray(indices).tolist()
    np.add.reduceat(arrays.plain(x), starts, axis)  # NumPy's own errors
    rows = np.moveaxis(x, axis, 0)  # type: ignore[arg-type]
    folded = [reduce(ufunc, rows[i : max(j, i + 1)]) for i, j in zip(starts, [*starts[1:], len(rows)], strict=True)]
    return np.moveaxis(np.stack(folded), 0, axis)


def _masked(result: Any, where: Any, out: Any) -> Any:
    if where is True:
        return result
    if out is None:
        raise TracingTypeError("where= without out= leaves elements undefined; use np.where")
    return arrays.where(where, result, out[0] if isinstance(out, tuple) else out)


def check_out(out: Any) -> None:
    """Raise unless ``out=`` can hold traced values, since an array of floats would drop the derivative."""
    for target in out if isinstance(out, tuple) else (out,):
        if target is not None and not arrays.holds_traced(target):
            tracer.refuse_storing()


def store(out: Any, result: Any) -> Any:
    """Write a result into ``out=``."""
    if isinstance(out, tuple) and len(out) > 1:
        return tuple(store(one, part) for one, part in zip(out, result, strict=True))
    (target,) = out if isinstance(out, tuple) else (out,)
    if target is None:
        return result
    shape = np.shape(result)
    if len(shape) > target.ndim or any(n not in (1, m) for n, m in zip(shape[::-1], target.shape[::-1], strict=False)):
        raise arrays.does_not_fit(target.shape, shape)
    target[...] = result
    return target


def _at(function: Callable[..., Any], x: VarArray, index: Any, *values: Any) -> None:
    """``ufunc.at``: element by element in order, so that a repeated index accumulates."""
    if any(map(arrays.is_number, index if isinstance(index, tuple) else (index,))):
        added = {UFUNCS[np.add]: np.positive, UFUNCS[np.subtract]: np.negative}.get(function)
        if isinstance(x, arrays.IntegerArray):  # every sum is cut off
            added = None
        return arrays.stored(x, index, *(values or (0.0,)), lambda old, new: function(old, *(new,) * len(values)), added)
    places = np.arange(x.size).reshape(x.shape)[arrays.plain_index(index)]
    # copies, since they may be elements of ``x``
    given = [folds.spread(arrays.asarray(y), places.shape).flatten() for y in values]
    for i, place in enumerate(zip(*(axis.tolist() for axis in np.unravel_index(places.ravel(), x.shape)), strict=True)):
        x[place] = function(x[place], *(y[i] for y in given))


def check_dtype(dtype: Any, *given: Any) -> None:
    """Raise unless a ``dtype=`` asks for floats, for nothing, or for integers of what has no derivative."""
    kind = "f" if dtype is None else np.dtype(dtype).kind
    if kind != "f" and not (kind in "iu" and all(arrays.is_data(arrays.asarray(x)) for x in given if isinstance(x, Traced))):
        raise TracingTypeError(f"dtype={np.dtype(dtype)}: a traced value is a float64; use jt.trunc or jt.rint, or `.value`")


# What to write for functions that users miss and that have no namesake.
_INSTEAD = {
    "clip": "np.clip(x, low, high), for x.clip(low, high) of a plain x",
    "fft.fft": "a product with np.cos and np.sin of a plain matrix",
    "fft.rfft": "a product with np.cos and np.sin of a plain matrix",
    "fft.ifft": "a product with np.cos and np.sin of a plain matrix",
    "fft.irfft": "a product with np.cos and np.sin of a plain matrix",
    "fft.fft2": "products with np.cos and np.sin of plain matrices",
    "fft.ifft2": "products with np.cos and np.sin of plain matrices",
    "fft.fftn": "products with np.cos and np.sin of plain matrices",
    "random.permutation": "plain indices, passed as an argument",
    "may_share_memory": "x[rng.permutation(len(x))], where it was called by rng.permutation(x)",
}


def unsupported(name: str, known: list[str], space: str = "np.") -> TracingTypeError:
    """The error of a function that does not record, with what to write instead, or else the nearest that does."""
    near = [f"{space}{x}" for x in difflib.get_close_matches(name, known, 1, 0.7)] if space else []
    instead = [_INSTEAD[name]] if name in _INSTEAD else near
    hint = f"; {'write' if name in _INSTEAD else 'the nearest that is:'} {instead[0]}" if instead else ""
    return TracingTypeError(f"{space}{name} is not supported on traced values{hint} (docs/numpy.md lists what is)")


Traced.__array_ufunc__ = array_ufunc  # type: ignore[method-assign]
