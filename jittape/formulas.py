"""The op table as Python functions: fast ones for recording, and reference sweeps that a debugger can step through."""

import math
import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from . import special, vectormath
from .ops import CONSTANTS, OPS, Op

# What the fast functions raise where IEEE arithmetic would return an infinity or a NaN.
ARITHMETIC = (ZeroDivisionError, OverflowError, ValueError)

_RENAMED = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "power": "pow",
}  # fmt: skip
_OPERATORS: dict[str, Any] = {
    "x + y": operator.add,
    "x - y": operator.sub,
    "x * y": operator.mul,
    "x / y": operator.truediv,
    "-x": operator.neg,
}


def _sign(x: float) -> float:
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x if x != x else 0.0


def _via_numpy(name: str) -> Callable[..., float]:
    function = getattr(np, name)
    return lambda *args: float(function(*args))


def _namespace() -> tuple[dict[str, Any], dict[str, Any]]:
    """The names that formulas use: bound to `math` (fast, may raise) and to NumPy (IEEE)."""
    needed = {name for name, function in vars(np).items() if isinstance(function, np.ufunc)}
    exact = {name: getattr(np, name) for name in needed} | {"abs": abs, "erf": math.erf, "erfc": math.erfc}
    fast = {name: _via_numpy(name) for name in needed}
    for name in needed | {"erf", "erfc", "lgamma"}:
        if hasattr(math, _RENAMED.get(name, name)) and name not in ("floor", "ceil", "trunc", "hypot"):
            fast[name] = getattr(math, _RENAMED.get(name, name))
    fast |= {"hypot": math.hypot, "mod": operator.mod, "floor_divide": operator.floordiv, "sign": _sign, "abs": abs}
    for space in (fast, exact):
        space |= CONSTANTS | {name: getattr(special, name) for name in ("inf", "nan", "pi", "lgamma")}
        for name, value in vars(special).items():
            if isinstance(value, types.FunctionType):
                space[name] = types.FunctionType(value.__code__, space, name)
    # NumPy's power takes square roots for 0.5 and so differs from everybody else's at -0.0 and -inf
    exact["power"] = vectormath.power
    return fast, exact


_FAST, _EXACT = _namespace()


def _compile(formula: str, arguments: str, space: dict[str, Any]) -> Callable[..., float]:
    """A formula as a function; a bare call such as ``sin(x)`` is the called function itself."""
    if space is _FAST and formula in _OPERATORS:
        return _OPERATORS[formula]
    name, _, rest = formula.partition("(")
    if name in space and f"({rest}" in ("(x)", "(x, y)") and space is _FAST:
        return space[name]
    return eval(f"lambda {arguments}: {formula}", space)


_ARGUMENTS = {1: "x", 2: "x, y"}
VALUE = tuple(_compile(op.value, _ARGUMENTS[op.arity], _FAST) for op in OPS)
_EXACT_VALUE = tuple(_compile(op.value, "x, y", _EXACT) for op in OPS)
_EXACT_PARTIALS = tuple(tuple(_compile(p, "x, y, v", _EXACT) for p in op.partials) for op in OPS)


def value(code: int, x: float, y: float = 0.0) -> float:
    """The value of an operation under IEEE rules: infinities and NaN are returned, nothing is raised."""
    with np.errstate(all="ignore"):
        return float(_EXACT_VALUE[code](np.float64(x), np.float64(y)))


def partials(code: int, x: float, y: float, v: float) -> tuple[float, ...]:
    """The partials of an operation under IEEE rules, one per operand."""
    with np.errstate(all="ignore"):
        x, y, v = np.float64(x), np.float64(y), np.float64(v)
        return tuple(float(p(x, y, v)) for p in _EXACT_PARTIALS[code])


def forward(op, a, b, val):
    """Fill the instruction part of ``val`` and return the partials ``da, db``: the reference for the forward kernel."""
    first = len(val) - len(op)
    da, db = np.zeros(len(op)), np.zeros(len(op))
    for i, code in enumerate(op.tolist()):
        x, y = val[a[i]], val[b[i]]
        val[first + i] = v = value(code, x, y)
        d = partials(code, x, y, v)
        da[i], db[i] = d[0], d[1] if len(d) == 2 else 0.0
    return da, db


def reverse(op, a, b, da, db, adj):
    """Pull the adjoints in ``adj`` back to the operands: the reference for the reverse kernel."""
    first = len(adj) - len(op)
    for i in range(len(op) - 1, -1, -1):
        s = float(adj[first + i])
        adj[a[i]] += product(OPS[op[i]], 0, s, float(da[i]))
        adj[b[i]] += product(OPS[op[i]], 1, s, float(db[i]))


def product(op: Op, operand: int, s: float, d: float) -> float:
    """The adjoint ``s`` times the partial ``d`` in an operand: what is pulled to it.

    An adjoint of exactly zero contributes nothing, nor does a partial that is 0 everywhere, or the zero partial of a switch.
    """
    if s == 0.0 or op.constant(operand) == 0.0 or (op.switch and d == 0.0):
        return 0.0
    return s * d
