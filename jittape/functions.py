"""The public math functions: of traced numbers and arrays, of plain numbers, and of arrays of floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import array, tracer
from .ops import CODE, OPS, Op
from .tracer import Condition, Var, apply


def _function(name: str) -> Callable[..., Any]:
    """The public function of an operation, with its docstring made from the row."""
    code, op = CODE[name], OPS[CODE[name]]

    def general(*operands: Any) -> Any:
        if all(isinstance(x, (Var, *tracer.PLAIN, *tracer.COMPLEX)) for x in operands):
            return apply(code, *operands)
        return array.elementwise(code, *operands)

    if op.arity == 1:
        function = tracer.unary(code, general)
    else:

        def function(x: Any, y: Any) -> Any:
            return general(x, y)

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
# </generated>


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition holds, else ``y``; no branch is recorded, and the side not taken cannot leak a NaN.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(lambda x: jt.where(x > 0, jt.log(x), 0.0))(0.0)
    0.0
    """
    if all(isinstance(a, (Var, *tracer.PLAIN)) for a in (condition, x, y)):
        if not isinstance(condition, Var):
            return x if condition else y
        if not isinstance(x, Var) and not isinstance(y, Var):
            x = tracer.constant(condition.rec, x)
        return apply(CODE["gate"], condition, x) + apply(CODE["gate_not"], condition, y)
    return array.where(condition, x, y)


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


def sum(x: Any) -> Any:
    """The sum of a sequence, added up from the left.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.sum([1.0, 2.0, 3.5])
    6.5
    """
    return array.reduce("add", x)


def prod(x: Any) -> Any:
    """The product of a sequence, multiplied up from the left; its gradient never divides, so zeros are right.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(jt.prod)([0.0, 2.0])
    [2.0, 0.0]
    """
    return array.reduce("multiply", x)


def mean(x: Any) -> Any:
    """The mean of a sequence.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.mean([1.0, 2.0, 6.0])
    3.0
    """
    return sum(x) / len(x)


def dot(x: Any, y: Any) -> Any:
    """The sum of products of two sequences of equal length.

    Raises ValueError where the lengths differ.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    return array.dot(x, y)


def norm(x: Any) -> Any:
    """The Euclidean norm of a sequence; its gradient at 0 is 0, and squares do not overflow.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.norm([3.0, 4.0]), jt.grad(jt.norm)([0.0, 0.0])
    (5.0, [0.0, 0.0])
    """
    return array.reduce("hypot", x)


def logsumexp(x: Any) -> Any:
    """log(sum(exp(x))) of a sequence without overflow; the gradient is the softmax.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return array.reduce("logaddexp", x)
