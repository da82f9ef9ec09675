"""`VarArray`: an array of traced numbers, whose NumPy operations append their rows to a recording in bulk."""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import bulk, tracer
from .errors import TracingTypeError
from .ops import CODE, OPS
from .recording import CONST, DATA, Recording
from .structure import ordinary
from .tracer import Condition, Traced, Var

# The recording that functions without a traced argument belong to, such as jt.zeros; None outside of one.
current: ContextVar[Recording | None] = ContextVar("jittape_recording", default=None)

_new = object.__new__
_FLOAT = np.dtype(np.float64)


class VarArray(Traced):
    """An array of traced numbers: the rows that compute them, and their plain values.

    It behaves as a NumPy array of floats does: it broadcasts, is indexed and assigned to, and basic indexing, `reshape` and `T`
    give views that share its elements. An element is a `Var`. NumPy's functions take it and record; see ``docs/numpy.md``.
    """

    __slots__ = ("rec", "row", "v")
    rec: Recording
    row: np.ndarray
    v: np.ndarray
    dtype: np.dtype = _FLOAT
    element: type[Var] = Var
    __hash__ = object.__hash__

    def __init__(self, rec: Recording, row: np.ndarray, v: np.ndarray) -> None:
        self.rec, self.row, self.v = rec, row, v
        if rec.hooks:
            rec.keep(self)

    def like(self, row: Any, v: Any) -> Any:
        """Elements of this array: an array, or a traced number where ``row`` is one row."""
        if isinstance(row, np.ndarray):
            return type(self)(self.rec, row, v)
        return self._at(int(row), float(v))

    def _at(self, row: int, v: float) -> Var:
        out = _new(self.element)
        rec = self.rec
        out.rec, out.row, out.v = rec, row, v
        if rec.hooks:
            rec.keep(out)
        return out

    # -- what it is -----------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as of a NumPy array."""
        return self.row.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.row.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.row.size

    @property
    def T(self) -> VarArray:
        """The transposed array, a view."""
        return self.like(self.row.T, self.v.T)

    @property
    def mT(self) -> VarArray:
        """The array with its last two axes exchanged, a view."""
        return self.like(self.row.mT, self.v.mT)

    @property
    def flat(self) -> Flat:
        """The elements in C order, to iterate over, to index and to assign to."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        new = asarray(value).reshape(-1)
        if self.size:
            self[...] = new[np.arange(self.size) % len(new)].reshape(self.shape)

    @property
    def real(self) -> VarArray:
        """The array itself."""
        return self

    @property
    def imag(self) -> np.ndarray:
        """Zeros: traced numbers are real."""
        return np.zeros(self.shape)

    @property
    def itemsize(self) -> int:
        """The bytes that an element takes in a NumPy array."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes that the elements take in a NumPy array."""
        return self.size * self.itemsize

    @property
    def value(self) -> np.ndarray:
        """The plain numbers, outside the tape: derivatives do not flow through them, and a recording lists the reading."""
        return np.array([self.rec.read(x) for x in self.flat], np.float64).reshape(self.shape)

    @property
    def sensitivity(self) -> np.ndarray:
        """The derivatives of the last `backprop`'s result in the elements."""
        return np.array([x.sensitivity for x in self.flat], np.float64).reshape(self.shape)

    data, grad = value, sensitivity

    def backprop(self) -> None:
        """`Var.backprop` of the one element of an array."""
        if self.size != 1:
            raise TypeError(f"backprop needs one number, and this array has the shape {self.shape}; use that of its sum")
        self.item().backprop()

    backward = backprop

    def __len__(self) -> int:
        return len(self.row)

    def __bool__(self) -> bool:
        if self.row.size == 1:
            return self.rec.truth(self._at(self.row.item(), self.v.item()))
        return bool(self.v)  # NumPy's own error

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __iter__(self) -> Iterator[Any]:
        if self.row.ndim != 1:
            return (self[i] for i in range(len(self)))
        return self.elements()

    def elements(self) -> Iterator[Any]:
        """The elements in C order, each as it is when its turn comes: a loop may write to the array, and the eager layer may move rows."""
        rec, new, kind, row, v = self.rec, _new, self.element, self.row.item, self.v.item
        for i in range(self.row.size):
            out = new(kind)
            out.rec, out.row, out.v = rec, row(i), v(i)
            if rec.hooks:
                rec.keep(out)
            yield out

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}({np.array2string(self.v.astype(self.dtype), separator=', ', prefix=name + '(')})"

    def __copy__(self) -> VarArray:
        return self.like(self.row.copy(), self.v.copy())

    def __deepcopy__(self, memo: Any) -> VarArray:
        return self.__copy__()

    # -- elements -------------------------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        row, kind = self.row, type(index)
        # one number, and what is below one index: in loops they are all there is
        if kind is int and row.ndim > 1:
            return self.like(row[index], self.v[index])
        if kind is int and row.ndim == 1:
            return self._at(row.item(index), self.v.item(index))
        if kind is tuple and list(map(type, index)).count(int) == len(index) == row.ndim:
            return self._at(row.item(*index), self.v.item(*index))
        if any(map(is_number, index if isinstance(index, tuple) else (index,))):
            return looked_up(self, index)
        index = plain_index(index)
        return self.like(row[index], self.v[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        kind = type(index)
        if kind is int or (kind is tuple and list(map(type, index)).count(int) == len(index)):
            if type(value) is self.element and value.rec is self.rec:
                self.v[index], self.row[index] = value.v, value.row
                return None
        if any(map(is_number, index if isinstance(index, tuple) else (index,))):
            return stored(self, index, value)
        index = plain_index(index)
        x = operand(value)
        if x is NotImplemented:
            raise TracingTypeError(f"cannot store a {type(value).__name__} in an array of traced numbers")
        if self.element is Condition and not isinstance(x, ConditionArray | Condition):
            x = operand(elementwise(CODE["not_equal"], x, 0.0))
        row = rows(self.rec, x)
        self.v[index] = plain(x)
        self.row[index] = row

    # -- NumPy's methods and functions ----------------------------------------------------------------------------------

    def copy(self, order: str = "C") -> VarArray:
        """The same elements in an array of its own."""
        return self.__copy__()

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True, **_: Any
    ) -> VarArray:
        """The array as floats, itself if it need be no copy; of what has a derivative there is no other."""
        if np.dtype(dtype).kind == "f" and not copy and self.dtype == _FLOAT:
            return self
        if np.dtype(dtype).kind == "f":
            return VarArray(self.rec, self.row.copy(), self.v.copy())
        if np.dtype(dtype).kind == "b":
            return elementwise(CODE["not_equal"], self, 0.0)
        if np.dtype(dtype).kind in "iu" and is_data(self):
            whole = traced(self.rec, elementwise(CODE["trunc"], self))
            return IntegerArray(whole.rec, whole.row, whole.v)
        raise TracingTypeError(
            f"astype({np.dtype(dtype)}): jittape is real-valued"
            if np.dtype(dtype).kind == "c"
            else f"astype({np.dtype(dtype)}) of a traced array would drop its derivative; use jt.trunc or jt.rint, or `.value`"
        )

    def reshape(self, *shape: Any, **kwargs: Any) -> VarArray:
        """The elements in another shape: a view where NumPy gives one of an array in C order."""
        in_order(kwargs.get("order", "C"), self)
        return self.like(self.row.reshape(*shape, **kwargs), self.v.reshape(*shape, **kwargs))

    def transpose(self, *axes: Any) -> VarArray:
        """The array with its axes permuted, a view."""
        return self.like(self.row.transpose(*axes), self.v.transpose(*axes))

    def flatten(self, order: Any = "C") -> VarArray:
        """The elements in one dimension, in an array of its own."""
        in_order(order, self)
        return self.like(self.row.flatten(order), self.v.flatten(order))

    def item(self, *index: Any) -> Var:
        """One element."""
        return self._at(self.row.item(*index), self.v.item(*index))

    def tolist(self) -> Any:
        """The elements as nested lists of traced numbers."""
        return [x.tolist() if isinstance(x, VarArray) else x for x in self] if self.ndim else self.item()

    def fill(self, value: Any) -> None:
        """Store one value in every element."""
        self[...] = value

    def view(self) -> VarArray:
        """The array as another that shares its elements."""
        return self.like(self.row.view(), self.v.view())

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
        """Sort in place, as `np.sort` does."""
        self[...] = np.sort(self, axis)

    def partition(self, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None) -> None:
        """Partition in place: a sort is one."""
        self.sort(axis)

    def compress(self, condition: Any, axis: Any = None) -> Any:
        """`np.compress` of this array."""
        return np.compress(condition, self, axis)  # type: ignore[arg-type]

    def conj(self) -> VarArray:
        """The array itself, since it is real."""
        return self

    conjugate = conj

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self.rec.indexed = True  # as an index it would be refused by NumPy
        out = np.empty(self.shape, object)
        out.flat = list(self.flat)
        if dtype is not None and np.dtype(dtype).kind != "O":
            out = self._plainly(out, np.dtype(dtype))
        out.flags.writeable = bool(copy)  # what is written to anything but a copy would be lost here
        return out

    def _plainly(self, elements: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """An array of counts as NumPy has it, or the error of any other."""
        if not isinstance(self, IntegerArray):  # all labels are one path as they are, and would be one each
            with contextlib.suppress(TracingTypeError):
                return elements.astype(dtype)
        raise TracingTypeError(
            f"a traced array cannot become a plain array of {dtype}: leave out np.asarray and np.array with a dtype, since it is one of "
            f"{self.dtype} already; x.copy() is a copy of its own, x.astype(float) takes integers as floats, jt.array makes arrays of lists "
            "of traced numbers, and jt.zeros(n) in place of np.zeros(n) one to store them in"
        )

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return tracer.array_function(function, types, args, kwargs)

    def __pos__(self) -> VarArray:
        return self.__copy__()


class Flat:
    """The elements of an array in C order, as `numpy.ndarray.flat` has them."""

    __slots__ = ("base",)

    def __init__(self, base: VarArray) -> None:
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Var]:
        return self.base.elements()

    def __getitem__(self, index: Any) -> Any:
        found = self.base.reshape(-1)[index]
        return found.copy() if isinstance(found, VarArray) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        if is_number(index):
            flat = self.base.flatten()
            flat[index] = value
            self.base[...] = flat.reshape(self.base.shape)
            return
        places = np.asarray(np.arange(self.base.size)[plain_index(index)])
        if places.ndim:  # from the first again where there are too few
            new = asarray(value).reshape(-1)
            value = new[np.arange(places.size) % max(len(new), 1)].reshape(places.shape) if len(new) else new
        if places.size and not np.size(value):
            raise ValueError("cannot store the elements of an empty array")
        if places.size:
            self.base[np.unravel_index(places, self.base.shape)] = value


class ConditionArray(VarArray):
    """An array of traced truth values, combined by `&`, `|`, `^`, `~`; as an index it asks its truths, which are guards."""

    __slots__ = ()
    dtype: np.dtype = np.dtype(np.bool_)
    element = Condition
    __hash__ = object.__hash__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        out = np.array(plain_index(self), dtype)
        out.flags.writeable = bool(copy)
        return out


class IntegerArray(VarArray):
    """An argument that is an array of integers, or what `astype` makes one, and what has its elements in another order or shape.

    What is computed from it are numbers like others.
    """

    __slots__ = ()
    dtype: np.dtype = np.dtype(np.int64)
    __hash__ = object.__hash__

    def __setitem__(self, index: Any, value: Any) -> None:
        x = operand(value)
        whole = isinstance(x, (IntegerArray, Condition, ConditionArray))
        if isinstance(x, Traced) and not whole and not is_data(asarray(x)):
            raise TracingTypeError("an array of integers would cut a traced value off, and its derivative; use y.astype(float)")
        if x is not NotImplemented and not whole:
            value = elementwise(CODE["trunc"], x)
        super().__setitem__(index, value)


def class_of(code: int) -> type[VarArray]:
    """The class of an operation's results."""
    return ConditionArray if OPS[code].condition else VarArray


def are_truths(*xs: Any) -> bool:
    """Whether all that is given are truth values, or arrays or nested lists of them, traced or not."""
    return all(
        are_truths(*x)
        if isinstance(x, (list, tuple))
        else isinstance(x, (Condition, ConditionArray, bool, np.bool_)) or (isinstance(x, np.ndarray) and x.dtype.kind == "b")
        for x in xs
    )


def are_integers(*xs: Any) -> bool:
    """Whether all that is given are integers, or arrays or nested lists of them, traced or not."""
    return all(
        bool(x) and are_integers(*x)  # of nothing NumPy makes an array of floats
        if isinstance(x, (list, tuple))
        else isinstance(x, (IntegerArray, int, np.integer)) or (isinstance(x, np.ndarray) and x.dtype.kind in "iu")
        for x in xs
    )


def class_for(*xs: Any) -> type[VarArray]:
    """The class of an array that holds the elements of all that is given, some of which are traced."""
    return ConditionArray if are_truths(*xs) else IntegerArray if are_integers(*xs) else VarArray


# The arithmetic of NumPy's arrays of truth values: True + True is True.
OF_TRUTHS = {
    "add": "logical_or",
    "maximum": "logical_or",
    "fmax": "logical_or",
    "multiply": "logical_and",
    "minimum": "logical_and",
    "fmin": "logical_and",
}
_OF_TRUTHS = {CODE[name]: CODE[logical] for name, logical in OF_TRUTHS.items()}


# -- operands -----------------------------------------------------------------------------------------------------------------


def operand(x: Any) -> Any:
    """What arithmetic works on: a Var or VarArray, a float or a float64 array; NotImplemented for what cannot be an operand."""
    if isinstance(x, Traced):
        return x
    if isinstance(x, tracer.PLAIN):
        return float(x)
    if isinstance(x, np.ndarray):
        if type(x) is not np.ndarray:
            x = ordinary(x)
        if x.dtype == _FLOAT:
            return x
        if x.dtype.kind in "fiub":
            return x.astype(_FLOAT)
        if x.dtype.kind == "O":
            return _of_objects(x)
        raise TracingTypeError(f"jittape is real-valued, it cannot take an array of {x.dtype}")
    if isinstance(x, (list, tuple)):
        return array(x)
    if isinstance(x, tracer.COMPLEX):
        tracer.number(x, "an array operation")
    return NotImplemented


def operands(where: str, *given: Any) -> list[Any]:
    """The operands of a function, or the error that says what it cannot take."""
    out = list(map(operand, given))
    for i, x in enumerate(out):
        if x is NotImplemented:
            raise TracingTypeError(
                f"{where} cannot take {given[i]!r} of type {type(given[i]).__name__}; it takes numbers, and arrays and lists of numbers"
            )
    return out


def recording(*xs: Any) -> Recording | None:
    """The recording that operands belong to, None where none is traced."""
    found = None
    for x in xs:
        if isinstance(x, Traced):
            if found is None:
                found = x.rec
                found.check(found)
            elif x.rec is not found:
                found.check(x.rec)
    return found


def rows(rec: Recording, x: Any) -> Any:
    """The rows of an operand: one row, or an array of them; plain numbers become constants."""
    if isinstance(x, Traced):
        if x.rec is not rec:
            rec.check(x.rec)
        return x.row
    if type(x) is float:
        return rec.constant(x)
    if not x.size:
        return np.zeros(x.shape, np.int32)
    bits = x.view(np.int64)
    if (bits == bits.flat[0]).all():
        return np.full(x.shape, rec.constant(x.item(0)), np.int32)
    return numbered(rec.extend(CONST, 0, 0, x.ravel()), x.shape)


def numbered(start: int, shape: tuple[int, ...]) -> np.ndarray:
    """The rows that were just appended, in C order."""
    return np.arange(start, start + math.prod(shape), dtype=np.int32).reshape(shape)


def asarray(x: Any, where: str = "an array operation") -> Any:
    """An operand as a VarArray, or as a float64 array where nothing in it is traced."""
    (x,) = operands(where, x)
    if isinstance(x, Var):
        return traced(x.rec, x)
    return np.array(x) if type(x) is float else x


def plain(x: Any) -> Any:
    """The plain numbers of an operand."""
    return x.v if isinstance(x, Traced) else x


def traced(rec: Recording, x: Any) -> VarArray:
    """An operand as an array of that recording that can be assigned to."""
    if isinstance(x, VarArray):
        rec.check(x.rec)
        return x
    kind = ConditionArray if isinstance(x, Condition) else VarArray
    return kind(rec, np.array(rows(rec, x), np.int32), np.array(plain(x), np.float64))


def joined(parts: list[Any], axis: int = 0) -> Any:
    """Arrays one after the other, as `np.concatenate` has them."""
    rec = recording(*parts)
    if rec is None:
        return np.concatenate(parts, axis)
    kind, parts = class_for(*parts), list(map(operand, parts))
    v = np.concatenate([plain(x) for x in parts], axis)
    return kind(rec, np.concatenate([rows(rec, x) for x in parts], axis), v)


def is_number(part: Any) -> bool:
    """Whether a part of an index is traced, or a list of what is, and no truth value."""
    if isinstance(part, list):
        return any(map(is_number, part))
    if isinstance(part, np.ndarray) and part.dtype.kind == "O":  # np.asarray of a traced array
        return any(map(is_number, part.ravel().tolist()))
    return isinstance(part, Traced) and not isinstance(part, (Condition, ConditionArray))


def _refuse(x: VarArray, *index: Any) -> Any:
    tracer.refuse_index(x)


# Indexing by numbers without a derivative, storing at them, and whether numbers have none: `jittape.lookup` sets these.
looked_up: Callable[[VarArray, Any], Any] = _refuse
stored: Callable[..., None] = _refuse
is_data: Callable[[VarArray], bool] = _refuse


def plain_index(index: Any) -> Any:
    """An index for NumPy: traced conditions in it are asked for their truths, which are guards."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, list) and any(isinstance(x, Traced) for x in index):
        index = array(index)
    if isinstance(index, Condition):
        return bool(index)
    if isinstance(index, ConditionArray):
        return np.fromiter(map(index.rec.truth, index.flat), np.bool_, index.size).reshape(index.shape)
    return operator.index(index) if isinstance(index, Traced) else index


# -- operations ---------------------------------------------------------------------------------------------------------------


_NUMBERS = {Var, float, int, np.float64}


def elementwise(code: int, *given: Any) -> Any:
    """Record one operation per element; of plain numbers and arrays of them, compute it."""
    # the commonest operands are told apart first
    kinds = {*map(type, given)}
    if Var in kinds and kinds <= _NUMBERS:
        return tracer.apply(code, *given)
    if code in _OF_TRUTHS and VarArray not in (type(given[0]), type(given[1])) and are_truths(*given):
        code = _OF_TRUTHS[code] if any(isinstance(x, (VarArray, np.ndarray)) for x in given) else code
    xs = operands(OPS[code].name, *given)
    rec = recording(*xs)
    v = bulk.values(code, *map(plain, xs))
    if rec is None:
        v = v.astype(np.bool_) if OPS[code].condition else v
        return v if v.shape else v.item()
    if not v.shape:
        return tracer.apply(code, *[x.item() if isinstance(x, (np.ndarray, VarArray)) else x for x in xs])
    columns = [rows(rec, x) for x in xs]
    for q, x in enumerate(xs):
        if isinstance(x, (np.ndarray, VarArray)):
            row = columns[q]
            if x.shape != v.shape:  # assigned, because np.broadcast_to takes longer than all the rest
                row = np.empty(v.shape, np.int32)
                row[...] = columns[q]
            columns[q] = row.ravel()
    return append(rec, code, columns[0], columns[1] if len(columns) == 2 else 0, v)


def append(rec: Recording, code: int, a: Any, b: Any, v: np.ndarray) -> Any:
    """Append one operation per element of ``v``; operand rows are flat or one row."""
    return class_of(code)(rec, numbered(rec.extend(code, a, b, v.ravel()), v.shape), v)


_gate, _gate_not = (tracer.binary(CODE[name]) for name in ("gate", "gate_not"))


def where(condition: Any, x: Any, y: Any) -> Any:
    """Elementwise choice: of a traced condition it records no branch, by a plain one it picks rows."""
    if {type(x), type(y)} <= _NUMBERS and isinstance(condition, (Var, *tracer.PLAIN)):
        if not isinstance(condition, Var):
            chosen, other = (x, y) if condition else (y, x)
            return tracer.constant(other.rec, chosen) if isinstance(other, Var) and not isinstance(chosen, Var) else chosen
        if not isinstance(x, Var) and not isinstance(y, Var):
            x = tracer.constant(condition.rec, x)
        return _gate(condition, x) + _gate_not(condition, y)
    truths = are_truths(x, y)
    c, x, y = operands("where", condition, x, y)
    rec = recording(c, x, y)
    if rec is None:
        out = np.where(c, x, y)
        return out if out.shape else out.item()
    if isinstance(c, Traced):
        np.where(plain(c), plain(x), plain(y))  # NumPy's own error where shapes do not fit
        if truths:
            off = elementwise(CODE["logical_and"], elementwise(CODE["logical_not"], c), y)
            return elementwise(CODE["logical_or"], elementwise(CODE["logical_and"], c, x), off)
        return elementwise(CODE["add"], elementwise(CODE["gate"], c, x), elementwise(CODE["gate_not"], c, y))
    mask = np.asarray(c) != 0.0
    v = np.where(mask, plain(x), plain(y))
    kind = ConditionArray if truths else VarArray
    return kind(rec, np.where(mask, rows(rec, x), rows(rec, y)).astype(np.int32), v)[()]


def array(x: Any) -> Any:
    """Nested lists of traced and plain numbers and arrays as one array, a float64 one where nothing is traced."""
    if isinstance(x, VarArray):
        return VarArray(x.rec, x.row.copy(), x.v.copy()) if isinstance(x, IntegerArray) else x.copy()
    if isinstance(x, Var):
        return traced(x.rec, x)
    if not isinstance(x, (list, tuple)) and (isinstance(x, Iterator) or (_may_hide(x) and x.ndim)):
        x = list(x)
    if not isinstance(x, (list, tuple)) or not _holds_traced(x):
        plain_array = np.array(x)
        if plain_array.dtype.kind == "O" and all(isinstance(item, tracer.PLAIN) for item in plain_array.ravel().tolist()):
            plain_array = plain_array.astype(_FLOAT)
        if plain_array.dtype.kind == "O":
            raise TracingTypeError(
                f"an array takes numbers, and lists and arrays of them, not {x!r} of type {type(x).__name__}"
            )
        return np.array(operand(plain_array), np.float64)
    if (found := _of_numbers(x, (len(x),))) is not None:
        return found
    kind = ConditionArray if are_truths(x) else VarArray
    if all(isinstance(item, (Var, *tracer.PLAIN)) for item in x):
        rec = _found(x)
        pairs = [tracer.operand(rec, item, "array") for item in x]
        return kind(rec, np.array([row for row, _ in pairs], np.int32), np.array([v for _, v in pairs]))
    items = [array(item) for item in x]
    if len({item.shape for item in items}) > 1:
        shapes = ", ".join(sorted({str(item.shape) for item in items}))
        raise ValueError(f"jt.array: the elements have different shapes: {shapes}")
    rec = _found(items)
    return kind(rec, np.stack([rows(rec, item) for item in items]), np.stack([plain(item) for item in items]))


def _of_objects(x: np.ndarray) -> Any:
    """An array of objects as an operand."""
    if not x.ndim:
        return operand(x.item())
    found = _of_numbers(x.ravel().tolist(), x.shape)
    return array(x) if found is None else found


def _of_numbers(items: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Traced numbers of one recording, the commonest items by far, as an array; None where there are others."""
    if {*map(type, items)} != {Var}:
        return None
    rec = items[0].rec
    rec.check(rec)
    if any([item.rec is not rec for item in items]):
        return None
    row = np.array([item.row for item in items], np.int32)
    return VarArray(rec, row.reshape(shape), np.array([item.v for item in items]).reshape(shape))


def _found(items: Any) -> Recording:
    rec = recording(*items)
    assert rec is not None
    return rec


def _holds_traced(x: Any) -> bool:
    return any(
        isinstance(item, Traced)
        or (isinstance(item, (list, tuple)) and _holds_traced(item))
        or (_may_hide(item) and _holds_traced(item.ravel().tolist()))
        for item in x
    )


def _may_hide(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "O"


def holds_traced(x: Any) -> bool:
    """Whether traced values can be stored into an array: a traced one, or one of objects."""
    return isinstance(x, VarArray) or _may_hide(x)


def full(shape: Any, value: Any, like: Any = None) -> Any:
    """An array that may come to hold traced numbers: traced while a function is recorded or with ``like``, otherwise plain."""
    rec = recording(value, like)
    if rec is None:
        rec = current.get()
    if rec is None:
        return np.full(shape, value, np.float64)
    x = traced(rec, operand(value))
    return VarArray(rec, np.full(shape, x.row, np.int32), np.full(shape, x.v))


def leaf(rec: Recording, kind: int, values: np.ndarray, name: str) -> VarArray:
    """Append one input per element of ``values``; truth values that are not differentiated are conditions, and integers integers."""
    v = np.array(values, np.float64)
    start = rec.extend(kind, 0, 0, v.ravel())
    rec.names.add_array(start, v.shape, name)
    if kind == DATA and values.dtype.kind in "iu":
        rec.integers.append(range(start, start + v.size))
    known = {"b": ConditionArray, "i": IntegerArray, "u": IntegerArray} if kind == DATA else {}
    return known.get(values.dtype.kind, VarArray)(rec, numbered(start, v.shape), v)


def in_order(order: str, x: Any) -> None:
    """Raise where an order of elements depends on how an array lies in memory: traced arrays all lie in C order."""
    if order in ("A", "K") and np.ndim(x) > 1:
        raise TracingTypeError(
            f"order={order!r} goes by how an array lies in memory, and traced arrays do not remember that they were transposed; "
            "use order='C' or 'F'"
        )


def does_not_fit(shape: tuple[int, ...], given: tuple[int, ...]) -> ValueError:
    """NumPy's error for a result that broadcasts beyond the array it should go into."""
    return ValueError(f"non-broadcastable output operand with shape {shape} doesn't match the broadcast shape {given}")


def power(x: Any, y: Any) -> Any:
    """``x ** y``, with the constant exponents that have an operation of their own, as NumPy's arrays have."""
    if isinstance(y, tracer.PLAIN) and isinstance(x, Traced) and float(y) in tracer.POWERS:
        return elementwise(CODE[tracer.POWERS[float(y)]], x)
    return elementwise(CODE["power"], x, y)
