"""`Var`: a traced number whose Python operators and NumPy ufuncs append to a recording."""

from __future__ import annotations

import functools
import math
import numbers
import operator as _operators
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from threading import get_ident
from typing import Any, NoReturn

import numpy as np

from . import formulas
from .errors import StaleVarError, TapeMismatchError, TracingTypeError
from .formulas import ARITHMETIC, VALUE
from .ops import CODE, OPS
from .recording import ROOM, ROW, Recording

PLAIN = (float, int, np.floating, np.integer, np.bool_, numbers.Rational)
COMPLEX = (complex, np.complexfloating)

NO_INDEX = (
    "a traced value, such as an array that is an argument or a number in the argument that gradients are taken in, cannot be an index or "
    "the argument of range(): the recording would be frozen to it; pass an int argument of its own or a tuple of ints, write "
    "jt.array(table)[i] to look up by an argument of integers, jt.zeros(n) for an array to store at one, np.floor(v).astype(int) or "
    "np.searchsorted(edges, v) for a place in a table and np.count_nonzero(x > 0.0) for a count, which every replay checks, or "
    "`int(v.value)` to freeze it on purpose"
)


class Traced:
    """What traced numbers and traced arrays share: they refuse to become plain numbers by accident."""

    __slots__ = ()
    rec: Any
    row: Any
    v: Any

    def __float__(self) -> float:
        if (number := counted(self)) is not None:
            return number
        raise TracingTypeError(
            "float() of a traced value, or storing it into a float array, would drop its derivative; use jt.zeros(n, like=v), jt.array "
            "or a list to hold traced values, functions of jittape or NumPy instead of those of `math`, an f-string in place of '%.3f' % v, "
            "and `.value` for the plain number"
        )

    def __int__(self) -> int:
        if (number := counted(self)) is not None:
            return int(number)
        raise TracingTypeError(
            "int() of a traced value would drop its derivative; use jt.trunc or jt.floor for a number, np.floor(v).astype(int) or "
            "np.searchsorted(edges, v) for a place in a table and np.count_nonzero(x > 0.0) for a count, which every replay checks, a "
            "tuple of ints as an argument, whose items are plain, or `int(v.value)`, which freezes it as recorded"
        )

    def __index__(self) -> int:
        number = counted(self)
        if number is None or not number.is_integer():
            refuse_index(self)
        return int(number)

    def __complex__(self) -> complex:
        raise TracingTypeError("jittape is real-valued: a traced value cannot become complex")

    def __round__(self, ndigits: int | None = None) -> Any:
        raise TracingTypeError(
            "round() of a traced value would drop its derivative; use jt.rint, np.round(v, digits), an f-string for text, or "
            "`round(v.value)`, which freezes it as recorded"
        )

    def __trunc__(self) -> int:
        raise TracingTypeError("math.trunc() of a traced value would drop its derivative; use jt.trunc")

    def __floor__(self) -> int:
        raise TracingTypeError("math.floor() of a traced value would drop its derivative; use jt.floor")

    def __ceil__(self) -> int:
        raise TracingTypeError("math.ceil() of a traced value would drop its derivative; use jt.ceil")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TracingTypeError(
            "a traced value belongs to its recording and cannot be pickled or copied; pickle the Program, or `.value`"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, /, *inputs: Any, **kwargs: Any) -> Any:
        raise TracingTypeError(f"np.{ufunc.__name__} is not supported on traced values")  # `ufuncs` puts another in place

    def as_integer_ratio(self) -> tuple[int, int]:
        """Refuse: a ratio of plain integers has no derivative."""
        raise TracingTypeError(
            "functions of `statistics` and fractions of a traced value would drop its derivative; use jt.mean, or NumPy's functions of "
            "jt.array(values), such as np.std, or `.value`"
        )


def refuse_index(x: Traced) -> NoReturn:
    """Raise what a traced value answers that is an index, or a length."""
    x.rec.indexed = True
    raise TracingTypeError(NO_INDEX)


def refuse_storing() -> NoReturn:
    """Raise what an array of floats answers to a traced value that is to be written into it by NumPy."""
    raise TracingTypeError(
        "a traced value cannot be stored in an array of floats: its derivative would be dropped; use jt.array, jt.stack or "
        "jt.zeros(n, like=v) to build arrays that hold traced values, and `.value` for the plain number"
    )


class _Float64:
    """The dtype of traced numbers: float64, but its `type`, which `np.mean` of objects applies to its result, keeps them traced."""

    dtype = np.dtype(np.float64)

    @staticmethod
    def type(x: Any) -> Any:
        return x

    def __getattr__(self, name: str) -> Any:
        return getattr(np.dtype(np.float64), name)

    def __eq__(self, other: object) -> bool:
        return self.dtype == other

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return repr(self.dtype)

    def __str__(self) -> str:
        return str(self.dtype)


class Var(Traced):
    """A traced number: its plain value, and the row of the recording that computes it.

    Vars are made by `jittape.var` and by recordings, not by hand. They compare like numbers, `v == w` is a traced comparison, and they
    hash by identity, so a Var found in a dict or set is that Var itself; but by value where they have no derivative, as labels.
    """

    __slots__ = ("rec", "row", "v")
    rec: Recording
    row: int
    v: float

    def __hash__(self) -> int:
        return hashed(self)

    @property
    def value(self) -> float:
        """The plain number, outside the tape: the derivative does not flow through it, and a recording lists the reading."""
        return self.rec.read(self)

    @value.setter
    def value(self, x: float) -> None:
        self.rec.assign(self, x)

    data = value

    @property
    def name(self) -> str | None:
        """The variable's name, or None."""
        return self.rec.names.get(self.row)

    @property
    def sensitivity(self) -> float:
        """The derivative of the last `backprop`'s result in this variable; 0 before one, and where there is no path."""
        return self.rec.sensitivity(self)

    @sensitivity.setter
    def sensitivity(self, x: float) -> None:
        self.rec.set_sensitivity(self, x)

    grad = sensitivity

    def backprop(self) -> None:
        """Set the `sensitivity` of every variable on this tape to the derivative of this value."""
        self.rec.backprop(self)

    backward = backprop

    @property
    def tape(self) -> Any:
        """The `Tape` of everything this value was computed from."""
        return self.rec.tape(self)

    @property
    def shape(self) -> tuple[()]:
        """The empty tuple: a Var is a NumPy scalar to NumPy code."""
        return ()

    ndim = 0
    size = 1
    dtype = _Float64()

    def __bool__(self) -> bool:
        return self.rec.truth(self)

    def __repr__(self) -> str:
        name = self.name
        return f"{type(self).__name__}({self.v!r}{'' if name is None else f', name={name!r}'})"

    def __copy__(self) -> Var:
        return self.rec.copied(self)

    def __deepcopy__(self, memo: Any) -> Var:
        return self.rec.copied(self)

    def __format__(self, spec: str) -> str:
        return format(self.v, spec) if spec else repr(self)

    def __pos__(self) -> Var:
        return self

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self  # the arithmetic operators are set below, from the table

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return array_function(function, types, args, kwargs)


class Condition(Var):
    """A traced truth value, 0 or 1: the result of a comparison. `&`, `|`, `^` and `~` combine conditions without a guard."""

    __slots__ = ()

    def __and__(self, other: Any) -> Any:
        return _logical("logical_and", self, other)

    def __or__(self, other: Any) -> Any:
        return _logical("logical_or", self, other)

    def __xor__(self, other: Any) -> Any:
        return _logical("logical_xor", self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Any:
        return apply(CODE["logical_not"], self)

    # A truth value has no derivative to lose: as a plain number or as a key it is asked, which is a guard.

    def __hash__(self) -> int:
        return hash(bool(self))

    def __int__(self) -> int:
        return int(bool(self))

    def __index__(self) -> int:
        # a list takes True for 1, NumPy's arrays for a mask; both ask in this way
        raise TracingTypeError("a traced comparison is no index of a list and no count: use int(x > y), which asks its truth")

    def __float__(self) -> float:
        return float(bool(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(bool(self), dtype)


def _logical(name: str, x: Condition, y: Any) -> Any:
    if isinstance(y, (bool, np.bool_, Condition)):
        return apply(CODE[name], x, y)
    return NotImplemented


_OPERANDS = (Var, *PLAIN)
_NUMBER = (float, int)
# What Python compares with floats exactly.
_EXACT = (int, Fraction, Decimal)


# The hash of a traced number: `lookup` sets it.
hashed: Callable[[Var], int] = object.__hash__


def _no_count(x: Traced) -> None:
    return None


# The number that a count is, after it was asked for; None of anything else: `jittape.lookup` sets this.
counted: Callable[[Traced], float | None] = _no_count


def _array_function(function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    raise TracingTypeError(f"np.{function.__name__} is not supported on traced values")


# What NumPy's functions do on traced values: `numpy_functions` sets it.
array_function: Callable[..., Any] = _array_function


_write, _SIZE = ROW.pack_into, ROW.size


def push(rec: Recording, cls: type[Var], code: int, a: int, b: int, v: float) -> Any:
    """Append one row and return its Var."""
    if rec.owner != get_ident():
        rec.check(rec)
    out = cls()
    # as in `Recording.append`
    while rec.n - rec.base == ROOM:
        rec.settle()
    row = rec.n
    rec.n = row + 1
    _write(rec.block, _SIZE * (row - rec.base), v, a, b, code)
    out.rec, out.row, out.v = rec, row, v
    if rec.watched:
        if rec.vars is not None:
            rec.vars.append(out)
        rec.appended(out)
    return out


def leaf(rec: Recording, kind: int, value: float, name: str | None = None) -> Var:
    """Append an input (``kind`` is `tape.INPUT` or `tape.DATA`) and return its Var."""
    out = push(rec, Var, kind, 0, 0, value)
    if name is not None:
        rec.names[out.row] = name
    return out


def leaves(rec: Recording, kind: int, values: list[float], name: str) -> list[Var]:
    """Append inputs, which are the elements of a list, and return their Vars; at once, that takes a quarter of the time."""
    first, out = rec.extend(kind, 0, 0, np.array(values)), []
    rec.names.add_array(first, (len(values),), name)
    for row, v in enumerate(values, first):
        var = Var()
        var.rec, var.row, var.v = rec, row, v
        out.append(var)
    return out


def at(rec: Recording, row: int, v: float) -> Var:
    """The Var of a row that is already there."""
    code = rec.code(row)
    out = Condition() if code < len(OPS) and OPS[code].condition else Var()
    out.rec, out.row, out.v = rec, row, v
    if rec.hooks:
        rec.keep(out)
    return out


def constant(rec: Recording, x: Any) -> Var:
    """The Var of a constant."""
    x = number(x, "a constant")
    return at(rec, rec.constant(x), x)


def number(x: Any, where: str) -> float:
    """A plain number as a float, or the error that says why not."""
    if isinstance(x, PLAIN):
        return float(x)
    if isinstance(x, COMPLEX):
        raise TracingTypeError(f"{where}: jittape is real-valued, it cannot take the complex number {x!r}")
    raise TracingTypeError(f"{where}: cannot take {x!r} of type {type(x).__name__}; pass a float, an int or a traced value")


def operand(rec: Recording, x: Any, where: str) -> tuple[int, float]:
    """The row and value of an operand of any accepted type."""
    if isinstance(x, Var):
        if x.rec is not rec:
            rec.check(x.rec)
        return x.row, x.v
    x = number(x, where)
    return rec.constant(x), x


def evaluate(code: int, x: float, y: float) -> float:
    """The value of an operation: fast where `math` has an answer, by IEEE rules where it raises."""
    try:
        return VALUE[code](x) if OPS[code].arity == 1 else VALUE[code](x, y)
    except ARITHMETIC:
        return formulas.value(code, x, y)


def apply(code: int, x: Any, y: Any = None) -> Any:
    """Record one operation on traced and plain numbers; a plain float where no operand is traced."""
    op = OPS[code]
    rec = x.rec if isinstance(x, Var) else y.rec if isinstance(y, Var) else None
    if rec is None:
        numbers = [number(operand, op.name) for operand in (x, y)[: op.arity]]
        return formulas.value(code, *numbers)
    if rec.owner != get_ident():
        rec.check(rec)
    a, x = operand(rec, x, op.name)
    b, y = (0, 0.0) if op.arity == 1 else operand(rec, y, op.name)
    return push(rec, Condition if op.condition else Var, code, a, b, evaluate(code, x, y))


def unary(code: int, otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of one traced number; anything else goes to ``otherwise``."""
    fast, exact = VALUE[code], formulas.value
    cls = Condition if OPS[code].condition else Var

    def function(x: Any) -> Any:
        if type(x) is not Var:
            return otherwise(x)
        try:
            v = fast(x.v)
        except ARITHMETIC:
            v = exact(code, x.v)
        return push(x.rec, cls, code, x.row, 0, v)

    return function


def binary(code: int) -> Callable[[Var, Any], Any]:
    """An operator of a traced number and anything a number can meet."""
    fast, exact, name = VALUE[code], formulas.value, OPS[code].name
    cls = Condition if OPS[code].condition else Var

    def operator(self: Var, other: Any) -> Any:
        rec = self.rec
        kind = type(other)
        if kind is Var and other.rec is rec:
            b, y = other.row, other.v
        elif cls is Condition and kind is not float and isinstance(other, _EXACT):
            return _compared(self, name, other)
        elif kind is float or isinstance(other, _NUMBER):
            y = other if kind is float else float(other)
            b = rec.constants.get(y) or rec.constant(y)
        elif isinstance(other, _OPERANDS):
            b, y = operand(rec, other, name)
        elif isinstance(other, COMPLEX):
            return number(other, name)
        else:
            return NotImplemented
        try:
            v = fast(self.v, y)
        except ARITHMETIC:
            v = exact(code, self.v, y)
        return push(rec, cls, code, self.row, b, v)

    return operator


def _of_labels(compare: Callable[[Var, Any], Any], plain: Callable[[Any, Any], bool]) -> Callable[[Var, Any], Any]:
    """`==` or `!=` where what was a key in a recording that has ended, as it may be in a memo, is the number that it was then."""

    def number(x: Any) -> Any:
        return x.v if isinstance(x, Var) and x.rec.ended and x.row in x.rec.labels else x

    def operator(self: Var, other: Any) -> Any:
        try:
            return compare(self, other)
        except (StaleVarError, TapeMismatchError):
            x, y = number(self), number(other)
            if x is self and y is other:
                raise
        return plain(x, y)

    return operator


def _compared(x: Var, name: str, y: Any) -> Any:
    """A comparison with an int, a fraction or a decimal number, which Python compares exactly: by the float next to it."""
    try:
        nearest = float(y)
    except OverflowError:
        nearest = math.inf if y > 0 else -math.inf
    if nearest != y:
        if name in ("equal", "not_equal"):
            return np.bool_(name == "not_equal")  # no float is this number
        below = nearest < y
        name = ("less_equal" if below else "less") if name.startswith("less") else ("greater" if below else "greater_equal")
    return apply(CODE[name], x, nearest)


def reflected(code: int) -> Callable[[Var, Any], Any]:
    """The operator of anything a number can meet, on the left, and a traced number."""
    fast, exact = VALUE[code], formulas.value

    def operator(self: Var, other: Any) -> Any:
        if type(other) is float:
            x = other
        elif isinstance(other, _NUMBER):
            x = float(other)
        else:
            return apply(code, other, self) if isinstance(other, (*_OPERANDS, *COMPLEX)) else NotImplemented
        rec = self.rec
        a = rec.constants.get(x) or rec.constant(x)
        try:
            v = fast(x, self.v)
        except ARITHMETIC:
            v = exact(code, x, self.v)
        return push(rec, Var, code, a, self.row, v)

    return operator


def function(code: int, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The function of an operation: of traced numbers, and plain ones beside them, at once; anything else goes to ``otherwise``."""
    if OPS[code].arity == 1:
        return unary(code, otherwise)
    first, second = binary(code), None if OPS[code].condition else reflected(code)
    if OPS[code].symbol and OPS[code].name != "power":
        # the methods that `Var` has by then, since those of `native` are faster
        first = _method(f"__{METHODS[OPS[code].symbol]}__")
        second = second and _method(f"__r{METHODS[OPS[code].symbol]}__")

    def of_two(x: Any, y: Any) -> Any:
        out: Any = NotImplemented
        if type(x) is Var:
            out = first(x, y)
        elif type(y) is Var and second is not None:
            out = second(y, x)
        return otherwise(x, y) if out is NotImplemented else out

    return of_two


def _method(name: str) -> Callable[[Var, Any], Any]:
    return lambda x, y: getattr(x, name)(y)


# The Python method of each operator, and the operations that raise to a constant power.
METHODS = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow",
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne",
}  # fmt: skip
POWERS = {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal", 3.0: "cube", 4.0: "fourth", -2.0: "inverse_square"}


def _power(raise_: Callable[[Var, Any], Any]) -> Callable[..., Any]:
    """`**` with the constant exponents that have an operation of their own, as NumPy's arrays have."""
    special = {
        exponent: unary(code, functools.partial(apply, code)) for exponent, code in ((k, CODE[v]) for k, v in POWERS.items())
    }

    def operator(self: Var, other: Any, modulo: None = None) -> Any:
        if modulo is not None:
            return NotImplemented
        if isinstance(other, PLAIN) and other in special:
            return special[float(other)](self)
        return raise_(self, other)

    return operator


def _define_operators() -> None:
    for code, op in enumerate(OPS):
        if not op.symbol:
            continue
        method: Any = binary(code)
        if op.name in ("equal", "not_equal"):
            method = _of_labels(method, _operators.eq if op.name == "equal" else _operators.ne)
        setattr(Var, f"__{METHODS[op.symbol]}__", _power(method) if op.name == "power" else method)
        if not op.condition:
            setattr(Var, f"__r{METHODS[op.symbol]}__", reflected(code))
    for name, function in (("__neg__", "negative"), ("__abs__", "abs")):
        code = CODE[function]
        setattr(Var, name, unary(code, functools.partial(apply, code)))


_define_operators()
