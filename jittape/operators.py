"""The operators and the methods of traced arrays, from tables."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arrays, tracer
from .arrays import (
    ConditionArray,
    IntegerArray,
    VarArray,
    are_integers,
    are_truths,
    asarray,
    does_not_fit,
    elementwise,
    operand,
    power,
    traced,
)
from .ops import OPS
from .tracer import Traced, Var
from .ufuncs import UFUNCS


def _operator(function: Callable[[Any, Any], Any], swapped: bool) -> Callable[[VarArray, Any], Any]:
    def operator(self: VarArray, other: Any) -> Any:
        other = other if isinstance(self, ConditionArray) and are_truths(other) else operand(other)
        if other is NotImplemented:
            return NotImplemented
        return function(other, self) if swapped else function(self, other)

    return operator


def _are_whole(other: Any) -> bool:
    """Whether an array of integers takes these numbers in place.

    What is computed of data does not say whether it was computed of integers alone: its values are asked, and at every replay.
    """
    if are_integers(other) or are_truths(other):
        return True
    if not isinstance(other, Traced):
        return False
    x = asarray(other)
    return arrays.is_data(x) and bool(np.all(x == np.trunc(x)))


def _in_place(function: Callable[[Any, Any], Any], divides: bool = False) -> Callable[[VarArray, Any], Any]:
    def operator(self: VarArray, other: Any) -> Any:
        result = function(self, other)
        if isinstance(self, IntegerArray) and (divides or not _are_whole(other)):
            raise TypeError("a float result cannot go into an array of integers; use y.astype(float)")
        if result.shape != self.shape:
            raise does_not_fit(self.shape, result.shape)
        self[...] = result
        return self

    return operator


def _called(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda *xs: Traced.__array_ufunc__(xs[0], ufunc, "__call__", *xs)


_UFUNCS = (
    (VarArray, "neg", np.negative),
    (VarArray, "abs", np.absolute),
    (VarArray, "matmul", np.matmul),
    (VarArray, "divmod", np.divmod),
    (ConditionArray, "and", np.bitwise_and),
    (ConditionArray, "or", np.bitwise_or),
    (ConditionArray, "xor", np.bitwise_xor),
    (ConditionArray, "invert", np.invert),
)


def _define_operators() -> None:
    for code, op in enumerate(OPS):
        if op.symbol:
            name = tracer.METHODS[op.symbol]
            function = power if op.name == "power" else functools.partial(elementwise, code)
            setattr(VarArray, f"__{name}__", _operator(function, False))
            if not op.condition:
                setattr(VarArray, f"__r{name}__", _operator(function, True))
                setattr(VarArray, f"__i{name}__", _in_place(function, op.symbol == "/"))
    for kind, name, ufunc in _UFUNCS:
        function = _called(ufunc)
        setattr(kind, f"__{name}__", function)
        if ufunc.nin == 2:
            setattr(kind, f"__r{name}__", lambda self, other, f=function: f(other, self))
            setattr(kind, f"__i{name}__", _in_place(function))


# Methods that are the NumPy functions of the same names; a number has them too, as those of NumPy do.
_METHODS = (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "clip", "cumprod", "cumsum", "diagonal", "dot", "max", "mean",
    "min", "nonzero", "prod", "put", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take",
    "trace", "var",
)  # fmt: skip
# Methods and attributes that a number has as the array of no axes.
_AS_AN_ARRAY = ("astype", "conj", "conjugate", "copy", "flatten", "item", "reshape", "tolist", "transpose")
_ATTRIBUTES = ("T", "flat", "imag", "itemsize", "nbytes", "real")


def _define_methods() -> None:
    for name in _METHODS:
        function = getattr(np, name)

        def method(self: VarArray | Var, *args: Any, _function: Any = function, **kwargs: Any) -> Any:
            return tracer.array_function(_function, (), (self, *args), kwargs)

        method.__name__, method.__doc__ = name, f"`np.{name}` of this array."
        setattr(VarArray, name, method)
        setattr(Var, name, method)
    for name in _AS_AN_ARRAY:
        setattr(Var, name, _as_an_array(getattr(VarArray, name)))
    for name in _ATTRIBUTES:
        setattr(Var, name, property(_as_an_array(getattr(VarArray, name).fget)))


def _define_functions() -> None:
    """NumPy computes with arrays of objects, such as `np.array` makes of traced numbers, by their operators and methods."""
    for ufunc, function in UFUNCS.items():
        if any(kinds[0] == "O" for kinds in ufunc.types) and not hasattr(Var, ufunc.__name__):
            setattr(Var, ufunc.__name__, _method(ufunc, function))


def _method(ufunc: np.ufunc, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Var, *others: Any) -> Any:
        return function(self, *others)

    method.__name__, method.__doc__ = ufunc.__name__, f"`np.{ufunc.__name__}` of this number."
    return method


def _as_an_array(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def of_a_number(self: Var, *args: Any, **kwargs: Any) -> Any:
        out = method(traced(self.rec, self), *args, **kwargs)
        return out[()] if isinstance(out, VarArray) else out

    return of_a_number


_define_operators()
_define_methods()
_define_functions()
# A traced number is a number to code that asks: `isinstance(x, numbers.Real)`, `np.isscalar(x)`. It is no float.
numbers.Real.register(Var)
