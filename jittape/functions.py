"""The public math functions: of traced numbers and arrays, of plain numbers, and of arrays of floats."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arrays, compositions, folds, numpy_functions, tracer  # noqa: F401  (numpy_functions: NumPy's own functions dispatch to it)
from .ops import CODE, OPS, Op
from .tracer import Traced, Var, apply


def _function(name: str) -> Callable[..., Any]:
    """The public function of an operation, with its docstring made from the row."""
    code, op = CODE[name], OPS[CODE[name]]

    def general(*operands: Any) -> Any:
        if all(isinstance(x, (Var, *tracer.PLAIN, *tracer.COMPLEX)) for x in operands):
            return apply(code, *operands)
        return arrays.elementwise(code, *operands)

    function = tracer.function(code, general)
    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = _docstring(op)
    return function


def _docstring(op: Op) -> str:
    """What the function computes, its formulas, and an example inside the box where it is smooth."""
    names = ("x", "y")[: op.arity]
    called = f"{op.name}({', '.join(names)})"
    point = [low + 0.25 * (high - low) for low, high in op.near]
    values = ", ".join(f"{x:.6g}" for x in point)
    result = apply(CODE[op.name], *(float(f"{x:.6g}") for x in point))
    partials = "\n".join(f"    {name} : ``{p}``" for name, p in zip(names, op.partials, strict=True))
    return (
        f"{called}: {op.doc}.\n\nOf traced values it records one operation per element, of plain numbers it is a float, of arrays of "
        f"floats an array.\n\nThe partials, with v the value:\n\n{partials}\n\nRaises TypeError for what is not a real number.\n\n"
        f">>> import jittape as jt\n>>> jt.{op.name}({values})\n{result!r}\n"
    )


# <generated: functions>
# fmt: off
add = _function("add")
subtract = _function("subtract")
multiply = _function("multiply")
divide = true_divide = _function("divide")
power = pow = _function("power")
mod = remainder = _function("mod")
fmod = _function("fmod")
floor_divide = _function("floor_divide")
negative = _function("negative")
reciprocal = _function("reciprocal")
square = _function("square")
sqrt = _function("sqrt")
cbrt = _function("cbrt")
abs = absolute = fabs = _function("abs")
sign = _function("sign")
floor = _function("floor")
ceil = _function("ceil")
trunc = fix = _function("trunc")
rint = _function("rint")
relu = _function("relu")
maximum = _function("maximum")
minimum = _function("minimum")
fmax = _function("fmax")
fmin = _function("fmin")
_clip_low = _function("clip_low")
_clip_high = _function("clip_high")
copysign = _function("copysign")
exp = _function("exp")
exp2 = _function("exp2")
expm1 = _function("expm1")
log = _function("log")
log2 = _function("log2")
log10 = _function("log10")
log1p = _function("log1p")
logaddexp = _function("logaddexp")
xlogy = _function("xlogy")
xlog1py = _function("xlog1py")
expit = sigmoid = _function("expit")
log_expit = log_sigmoid = _function("log_expit")
softplus = _function("softplus")
sin = _function("sin")
cos = _function("cos")
tan = _function("tan")
arcsin = asin = _function("arcsin")
arccos = acos = _function("arccos")
arctan = atan = _function("arctan")
arctan2 = atan2 = _function("arctan2")
sinh = _function("sinh")
cosh = _function("cosh")
tanh = _function("tanh")
arcsinh = asinh = _function("arcsinh")
arccosh = acosh = _function("arccosh")
arctanh = atanh = _function("arctanh")
hypot = _function("hypot")
sinc = _function("sinc")
erf = _function("erf")
erfc = _function("erfc")
ndtr = _function("ndtr")
log_ndtr = _function("log_ndtr")
gammaln = lgamma = _function("gammaln")
digamma = psi = _function("digamma")
less = _function("less")
less_equal = _function("less_equal")
greater = _function("greater")
greater_equal = _function("greater_equal")
equal = _function("equal")
not_equal = _function("not_equal")
logical_and = _function("logical_and")
logical_or = _function("logical_or")
logical_xor = _function("logical_xor")
logical_not = _function("logical_not")
isnan = _function("isnan")
isfinite = _function("isfinite")
isinf = _function("isinf")
ndtri = _function("ndtri")
erfinv = _function("erfinv")
gamma = _function("gamma")
i0e = _function("i0e")
i1e = _function("i1e")
# fmt: on
# </generated>


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition holds, else ``y``; no branch is recorded, and the side not taken cannot leak a NaN.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(lambda x: jt.where(x > 0, jt.log(x), 0.0))(0.0)
    0.0
    """
    return arrays.where(condition, x, y)


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """``x``, but not below ``min`` and not above ``max``; at a bound the derivative in ``x`` is 0.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.clip(3.0, 0.0, 1.0)
    1.0
    """
    if min is not None:
        x = _clip_low(x, min)
    return x if max is None else _clip_high(x, max)


def _fold(name: str, x: Any, axis: Any) -> Any:
    """A fold of a number or an array, or of the numbers of a list or an iterator one by one."""
    if not isinstance(x, (Traced, np.ndarray, *tracer.PLAIN)):
        x = x if isinstance(x, (list, tuple)) else list(x)
        if axis is None and x and all(isinstance(item, (Var, *tracer.PLAIN)) for item in x):
            first = x[0] if isinstance(x[0], Var) else float(x[0])
            return functools.reduce(functools.partial(apply, CODE[name]), x[1:], first)
    return folds.fold(name, x, axis)


def sum(x: Any, axis: Any = None) -> Any:
    """The sum of a sequence or an array, of all of it or along an axis, added up from the left.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.sum([1.0, 2.0, 3.5])
    6.5
    """
    return _fold("add", x, axis)


def prod(x: Any, axis: Any = None) -> Any:
    """The product of a sequence or an array, multiplied up from the left; its gradient never divides, so zeros are right.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(jt.prod)([0.0, 2.0])
    [2.0, 0.0]
    """
    return _fold("multiply", x, axis)


def mean(x: Any, axis: Any = None) -> Any:
    """The mean of a sequence or an array.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.mean([1.0, 2.0, 6.0])
    3.0
    """
    if isinstance(x, (Traced, np.ndarray, *tracer.PLAIN)) or axis is not None:
        return folds.mean(x, axis)
    x = list(x)
    return sum(x) / np.size(x[0]) / len(x) if x else folds.mean(x)


def dot(x: Any, y: Any) -> Any:
    """The sum of products of two sequences of equal length; of arrays it is NumPy's `dot`.

    Raises ValueError where the lengths differ.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    if isinstance(x, (Traced, np.ndarray)) or isinstance(y, (Traced, np.ndarray)):
        return folds.dot(x, y)
    if len(x) != len(y):
        raise ValueError(f"dot: sequences of {len(x)} and {len(y)} elements")
    return sum([multiply(a, b) for a, b in zip(x, y, strict=True)])


def norm(x: Any, axis: Any = None) -> Any:
    """The Euclidean norm of a sequence or an array; its gradient at 0 is 0, and squares do not overflow.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.norm([3.0, 4.0]), jt.grad(jt.norm)([0.0, 0.0])
    (5.0, [0.0, 0.0])
    """
    return abs(_fold("hypot", x, axis))


def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) of a sequence or an array without overflow; the gradient is the softmax.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return folds.fold("logaddexp", x, axis, True) if keepdims else _fold("logaddexp", x, axis)


def softmax(x: Any, axis: Any = None) -> Any:
    """The exponentials of a sequence or an array over their sum, along an axis or of all, without overflow.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    return compositions.softmax(x, axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax`, without underflow.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(lambda x: jt.log_softmax(x)[0])([0.0, 0.0])
    [0.5, -0.5]
    """
    return compositions.log_softmax(x, axis)


def zeros(shape: Any, like: Any = None) -> Any:
    """An array of zeros that traced values may be stored into.

    While a function is recorded it is a traced array; otherwise it is one of NumPy's, unless ``like`` is a traced value.

    Examples
    --------
    >>> import jittape as jt
    >>> def f(x):
    ...     y = jt.zeros(2)
    ...     y[1] = x * x
    ...     return y[0] - y[1]
    >>> jt.grad(f)(3.0)
    -6.0
    """
    return full(shape, 0.0, like)


def ones(shape: Any, like: Any = None) -> Any:
    """An array of ones that traced values may be stored into; see `zeros`."""
    return full(shape, 1.0, like)


def full(shape: Any, value: Any, like: Any = None) -> Any:
    """An array of one value, traced or not, that traced values may be stored into; see `zeros`."""
    return arrays.full(shape, value, like)


def zeros_like(x: Any) -> Any:
    """Zeros in the shape of ``x``; see `zeros`."""
    return full(np.shape(x), 0.0, x)


def ones_like(x: Any) -> Any:
    """Ones in the shape of ``x``; see `zeros`."""
    return full(np.shape(x), 1.0, x)


def full_like(x: Any, value: Any) -> Any:
    """One value in the shape of ``x``; see `zeros`."""
    return full(np.shape(x), value, x)


def array(x: Any) -> Any:
    """An array of nested lists of traced and plain numbers and arrays, that traced values may be stored into; see `zeros`.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(lambda x: jt.array([[x, 1.0], [2.0, x]]).sum())(3.0)
    2.0
    """
    out, recording = arrays.array(x), arrays.current.get()
    return out if recording is None or isinstance(out, Traced) else arrays.traced(recording, out)


def stack(arrays: Any, axis: int = 0) -> Any:
    """Traced and plain numbers or arrays along a new axis.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(lambda x: jt.stack([x, x * x])[1])(3.0)
    6.0
    """
    return np.stack(_items(arrays), axis)


def concatenate(arrays: Any, axis: Any = 0) -> Any:
    """Traced and plain arrays one after the other.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(lambda x: jt.concatenate([[1.0], jt.stack([x])]).sum())(3.0)
    1.0
    """
    return np.concatenate(_items(arrays), axis)


def _items(given: Any) -> list[Any]:
    """The items of a sequence, lists among them as arrays: in lists NumPy does not look for traced values."""
    return [arrays.array(x) if isinstance(x, (list, tuple)) else x for x in given]
