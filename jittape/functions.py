"""The public math functions: of traced numbers and arrays, of plain numbers, and of arrays of floats."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import formulas, tracer
from .errors import TracingTypeError
from .ops import CODE, OPS
from .tracer import Condition, Var, apply

_UFUNCS: dict[Any, Callable[..., Any]] = {}


def _function(name: str) -> Callable[..., Any]:
    """The public function of an operation, with its docstring made from the row."""
    code, op = CODE[name], OPS[CODE[name]]
    ufunc = getattr(np, op.ufunc) if op.ufunc else np.vectorize(lambda *xs: formulas.value(code, *xs), otypes=[float])

    def otherwise(x: Any, y: Any = None) -> Any:
        operands = (x, y)[: op.arity]
        if any(isinstance(o, tracer.Traced) and not isinstance(o, Var) for o in operands):
            return _arrays(code, *operands)
        if any(isinstance(o, (np.ndarray, list, tuple)) for o in operands):
            if any(isinstance(o, Var) for o in operands) or any(_holds_traced(o) for o in operands):
                return _arrays(code, *operands)
            with np.errstate(all="ignore"):
                return ufunc(*(np.asarray(o, float) for o in operands))
        return apply(code, *operands)

    if op.arity == 1:
        function = tracer.unary(code, otherwise)
    else:

        def function(x: Any, y: Any) -> Any:
            return otherwise(x, y)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _docstring(op)
    return function


def _holds_traced(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and any(isinstance(item, tracer.Traced) or _holds_traced(item) for item in x)


def _arrays(code: int, *operands: Any) -> Any:
    raise TracingTypeError(f"{OPS[code].name}: arrays of traced values")


def _docstring(op: Any) -> str:
    x = "x" if op.arity == 1 else "x, y"
    return f"{op.name}({x}): {op.doc}."
