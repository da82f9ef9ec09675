"""A call of a program as one C function: it reads the arguments, sweeps, and makes the answer, where all is as plain as it mostly is."""

from __future__ import annotations

import inspect
import math
import sys
from collections import deque
from collections.abc import Callable, Sequence
from types import MemberDescriptorType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy import float64, int64, uint64

from . import cpython, kernels
from .cpython import OBJECT, TYPE_AT, Definition, item, item_float32, item_float64, item_int32, item_uint8, store, store_float64
from .kernels import helper
from .late import Late
from .schedule import Plan
from .structure import Signature, places

# What a call returns: the result, the gradient, the value and the gradient, the same where the last argument is the array that takes the
# gradient, or the result and the gradient.
RETURNS = RESULT, GRADIENT, BOTH, INTO, WITH_AUX = range(5)
# How the gradient is made: of one number, as a tuple of numbers, or by a function.
_ONE, _TUPLE, _MADE = range(3)

# What there is to know of a call, by its place in a table; after `_NAMES` come the names of the arguments that are passed by name.
(
    _BUSY, _ANSWERED, _SWEEP, _FRAME, _WORK, _SHORT, _WHAT, _HOW, _GRADIENT_AT, _ACTIVE, _TAKE, _GIVE, _NODES, _NODES_AT, _POSITIONAL,
    _NAMED, _NONE, _FLOAT, _NUMPY_FLOAT, _INT, _STRING, _ARRAY, _FLOAT64, _FLOAT32, _INT64, _BOOL, _NEXT, _NAME, _VALUE, _NAMES,
) = range(0, 8 * 30, 8)  # fmt: skip
# A node is an argument, or what is in one: of which kind, in which node (0 for none) and at which place there or among the arguments,
# where itself is once it was found, its type or which object it is, how many numbers or items it has, where its numbers go, and more.
_KIND, _PARENT, _PLACE, _SELF, _IS, _N, _TO, _MORE, _KEY = range(0, 72, 8)
_NODE = 72
(
    _NUMBER, _LIST_OF_NUMBERS, _TUPLE_OF_NUMBERS, _ARRAY_OF_NUMBERS, _ARRAY_OF_FLOATS, _ARRAY_OF_INTEGERS, _ARRAY_OF_TRUTHS, _LIST, _TUPLE,
    _DICT, _DATA, _STATIC,
) = range(12)  # fmt: skip
# Where an array has its numbers, how many axes, their lengths, its type of numbers and its flags; those of an array that lies in order, and
# of one that can be written to as well.
_DATA_AT, _AXES_AT, _SHAPE_AT, _DTYPE_AT, _FLAGS_AT, _IN_ORDER, _WRITEABLE = 16, 24, 32, 56, 64, 0x101, 0x501

_NULL, _FOR_PYTHON = uint64(0), uint64(1)
# `Py_EQ`
_EQUAL = 2


@intrinsic
def _swept(typing_context, sweep, frame):
    """What a compiled function of the address of a frame returns."""

    def generate(context, builder, signature, arguments):
        sweep, frame = arguments
        kind = ir.FunctionType(ir.DoubleType(), [ir.IntType(64)])
        return builder.call(builder.inttoptr(sweep, kind.as_pointer()), [frame])

    return types.float64(types.uint64, types.uint64), generate


@helper
def _number(x, table, integers, to):
    """Write a number to an address; whether it is one."""
    kind = item(x, TYPE_AT)
    if kind == item(table, _FLOAT) or kind == item(table, _NUMPY_FLOAT):
        store_float64(to, cpython.PyFloat_AsDouble(x))
        return True
    if integers != 0 and kind == item(table, _INT):
        y = cpython.PyLong_AsDouble(x)
        if y != -1.0 or cpython.PyErr_Occurred() == _NULL:
            store_float64(to, y)
            return True
        cpython.PyErr_Clear()  # too large for a float
    return False


@helper
def _numbers(x, listed, n, table, integers, to):
    """The same of the items of a list or a tuple."""
    for i in range(n):
        part = cpython.PyList_GetItem(x, i) if listed else cpython.PyTuple_GetItem(x, i)
        if not _number(part, table, integers, to + uint64(8) * uint64(i)):
            return False
    return True


@helper
def _plain(x, table, flags):
    """Whether this is an array of NumPy's own class, with these flags."""
    return item(x, TYPE_AT) == item(table, _ARRAY) and item_int32(x, _FLAGS_AT) & uint64(flags) == uint64(flags)


@helper
def _copy(source, to, n):
    for i in range(n):
        store_float64(to + uint64(8) * uint64(i), item_float64(source, uint64(8) * uint64(i)))


@helper
def _converted(x, table, wanted, to, n):
    """Write the numbers of an array to an address; whether they are of a type that is common, and of the wanted ones."""
    kind, source = item(x, _DTYPE_AT), item(x, _DATA_AT)
    if wanted == _ARRAY_OF_TRUTHS:
        if kind != item(table, _BOOL):
            return False
        for i in range(n):
            store_float64(to + uint64(8) * uint64(i), float64(item_uint8(source, uint64(i)) != 0))
        return True
    if kind == item(table, _FLOAT64) and wanted != _ARRAY_OF_INTEGERS:
        _copy(source, to, n)
        return True
    if kind == item(table, _INT64) and wanted != _ARRAY_OF_FLOATS:
        for i in range(n):
            store_float64(to + uint64(8) * uint64(i), float64(int64(item(source, uint64(8) * uint64(i)))))
        return True
    if kind == item(table, _FLOAT32) and wanted != _ARRAY_OF_INTEGERS:
        for i in range(n):
            store_float64(to + uint64(8) * uint64(i), float64(item_float32(source, uint64(4) * uint64(i))))
        return True
    return False


@helper
def _array(x, node, table):
    """Write the numbers of an array of the shape that a node has; whether it is one."""
    if not _plain(x, table, _IN_ORDER):
        return False
    shape = item(node, _MORE)
    axes = item(shape, 0)
    if item_int32(x, _AXES_AT) != axes:
        return False
    lengths = item(x, _SHAPE_AT)
    for k in range(axes):
        if item(lengths, uint64(8) * uint64(k)) != item(shape, uint64(8) * uint64(k) + uint64(8)):
            return False
    return _converted(x, table, item(node, _KIND), item(node, _TO), item(node, _N))


@helper
def _same(x, known, table):
    """Whether an object is another one, or an int or a string that equals it."""
    if x == known:
        return True
    kind = item(x, TYPE_AT)
    plain = kind == item(table, _INT) or kind == item(table, _STRING)
    return plain and kind == item(known, TYPE_AT) and cpython.PyObject_RichCompareBool(x, known, _EQUAL) == 1


@helper
def _found(node, table, arguments):
    """The object that stands where a node is, borrowed; NULL where there is none."""
    parent, place = item(node, _PARENT), item(node, _PLACE)
    if parent == _NULL:
        return item(arguments, uint64(8) * place)
    kind, x = item(parent, _KIND), item(parent, _SELF)
    if kind == _LIST:
        return cpython.PyList_GetItem(x, place)
    if kind == _TUPLE:
        return cpython.PyTuple_GetItem(x, place)
    if kind == _DATA:
        part = cpython.PyObject_GetAttr(x, item(node, _KEY))
        if part == _NULL:
            cpython.PyErr_Clear()  # somebody has deleted it
            return _NULL
        ours = item_int32(part, 0) == 1  # its references: made for us, because the class has a property by now
        cpython.Py_DecRef(part)
        return _NULL if ours else part
    # its items come in order, and so do their nodes
    if place == 0:
        store(table + uint64(_NEXT), uint64(0))
    cpython.PyDict_Next(x, table + uint64(_NEXT), table + uint64(_NAME), table + uint64(_VALUE))
    return item(table, _VALUE) if _same(item(table, _NAME), item(node, _KEY), table) else _NULL


@helper
def _fits(node, x, table):
    """Whether an object is what a node says, after its numbers were written."""
    kind, integers, to = item(node, _KIND), item(node, _MORE), item(node, _TO)
    if kind == _NUMBER:
        return _number(x, table, integers, to)
    if _ARRAY_OF_NUMBERS <= kind <= _ARRAY_OF_TRUTHS:
        return _array(x, node, table)
    if kind == _STATIC:
        return _same(x, item(node, _IS), table)
    if item(x, TYPE_AT) != item(node, _IS):
        return False
    n = item(node, _N)
    if kind == _LIST_OF_NUMBERS or kind == _LIST:
        fits = uint64(cpython.PyList_Size(x)) == n
    elif kind == _DATA:
        fits = True
    elif kind == _DICT:
        fits = uint64(cpython.PyDict_Size(x)) == n
    else:
        fits = uint64(cpython.PyTuple_Size(x)) == n
    if kind == _LIST_OF_NUMBERS or kind == _TUPLE_OF_NUMBERS:
        fits = fits and _numbers(x, kind == _LIST_OF_NUMBERS, n, table, integers, to)
    return fits


@helper
def _read(table, arguments):
    """Write the numbers of all arguments to where the sweep wants them; whether they are what the program was recorded for."""
    node = item(table, _NODES_AT)
    for _ in range(item(table, _NODES)):
        x = _found(node, table, arguments)
        if x == _NULL or not _fits(node, x, table):
            return False
        store(node + uint64(_SELF), x)
        node += uint64(_NODE)
    return True


@helper
def _given(table, n, names):
    """Whether there are as many arguments as recorded, and of these names."""
    named = _NULL if names == _NULL else uint64(cpython.PyTuple_Size(names))
    if n != item(table, _POSITIONAL) or named != item(table, _NAMED):
        return False
    for i in range(named):
        if not _same(cpython.PyTuple_GetItem(names, i), item(table, uint64(_NAMES) + uint64(8) * uint64(i)), table):
            return False
    return True


@helper
def _out(table, arguments):
    """The array that takes the gradient, borrowed."""
    return item(arguments, uint64(8) * item(table, _POSITIONAL) - uint64(8))


@helper
def _takes(out, table):
    """Whether the gradient can be copied to an array."""
    if not _plain(out, table, _WRITEABLE) or item(out, _DTYPE_AT) != item(table, _FLOAT64):
        return False
    size, lengths = uint64(1), item(out, _SHAPE_AT)
    for k in range(item_int32(out, _AXES_AT)):
        size *= item(lengths, uint64(8) * uint64(k))
    return size == item(table, _ACTIVE)


@helper
def _tuple(source, n):
    """A tuple of numbers; NULL after an error."""
    out = cpython.PyTuple_New(n)
    if out == _NULL:
        return _NULL
    for i in range(n):
        x = cpython.PyFloat_FromDouble(item_float64(source, uint64(8) * uint64(i)))
        if x == _NULL:
            cpython.Py_DecRef(out)
            return _NULL
        cpython.PyTuple_SetItem(out, i, x)
    return out


@helper
def _gradient(table, arguments):
    """The gradient, a new reference; NULL after an error, `_FOR_PYTHON` where another thread has changed ``out`` meanwhile."""
    how, source = item(table, _HOW), item(table, _GRADIENT_AT)
    if item(table, _WHAT) == INTO:
        out = _out(table, arguments)
        if not _takes(out, table):
            return _FOR_PYTHON
        _copy(source, item(out, _DATA_AT), item(table, _ACTIVE))
        cpython.Py_IncRef(out)
        return out
    if how == _ONE:
        return cpython.PyFloat_FromDouble(item_float64(source, 0))
    if how == _TUPLE:
        return _tuple(source, item(table, _ACTIVE))
    return cpython.PyObject_CallNoArgs(item(table, _TAKE))


@helper
def _result(table, value):
    give = item(table, _GIVE)
    return cpython.PyFloat_FromDouble(value) if give == _NULL else cpython.PyObject_CallNoArgs(give)


@helper
def _run(table):
    """The value of a sweep, while other threads run Python where it takes long."""
    if item(table, _SHORT) != 0:
        return _swept(item(table, _SWEEP), item(table, _FRAME))
    thread = cpython.PyEval_SaveThread()
    value = _swept(item(table, _SWEEP), item(table, _FRAME))
    cpython.PyEval_RestoreThread(thread)
    return value


@helper
def _answer(table, arguments):
    """What a call returns; NULL after an error, `_FOR_PYTHON` where it takes a closer look."""
    what = item(table, _WHAT)
    if (what == INTO and not _takes(_out(table, arguments), table)) or not _read(table, arguments):
        return _FOR_PYTHON
    if not kernels.counted(item(table, _FRAME)):
        return _NULL
    value = _run(table)
    failed = item_float64(item(table, _WORK), 0)
    if failed != kernels.DONE:
        return cpython.PyLong_FromSsize_t(int64(failed))
    store(table + uint64(_ANSWERED), item(table, _ANSWERED) + uint64(1))
    if what == RESULT:
        return _result(table, value)
    gradient = _gradient(table, arguments)
    if what == GRADIENT or gradient == _NULL or gradient == _FOR_PYTHON:
        return gradient
    first, pair = _result(table, value), cpython.PyTuple_New(2)
    if first == _NULL or pair == _NULL:
        cpython.Py_DecRef(gradient)
        cpython.Py_DecRef(first)
        cpython.Py_DecRef(pair)
        return _NULL
    cpython.PyTuple_SetItem(pair, 0, first)
    cpython.PyTuple_SetItem(pair, 1, gradient)
    return pair


def call(own, arguments, n, names):
    """A call as CPython makes it. ``own`` are bytes, the address of a table.

    It returns the answer, an int where that guard disagreed, or None where Python has to look closer.
    """
    table = item(own, cpython.BYTES_AT)
    out = _FOR_PYTHON
    # what runs meanwhile may call this anew: other threads, or finalizers
    if item(table, _BUSY) == 0 and _given(table, uint64(n), names):
        store(table + uint64(_BUSY), uint64(1))
        out = _answer(table, arguments)
        store(table + uint64(_BUSY), uint64(0))
    if out == _FOR_PYTHON:
        out = item(table, _NONE)
        cpython.Py_IncRef(out)
    return out


class _Unsuited(Exception):
    """An argument that only Python reads."""


class _Nodes:
    """The nodes of a call's arguments, made level by level; their numbers go one after the other to an address."""

    def __init__(self, to: int) -> None:
        self.rows: list[list[int]] = []
        self.shapes: list[np.ndarray] = []
        self._to = to
        self._waiting: deque[tuple[Any, int, int, int, bool, int]] = deque()

    def add(self, spec: Any, place: int, differentiated: bool) -> None:
        """An argument, in the order of the leaves."""
        self._waiting.append((spec, 0, place, 0, differentiated, self._to))
        self._to += 8 * _count(spec)

    def table(self) -> np.ndarray:
        """All nodes, once the last argument was added."""
        while self._waiting:
            self._append(*self._waiting.popleft())
        out = np.array(self.rows, np.uint64).reshape(-1, _NODE // 8)
        parents = out[:, _PARENT // 8]
        parents[parents > 0] = out.ctypes.data + _NODE * (parents[parents > 0] - 1)
        return out

    def _append(self, spec: Any, parent: int, place: int, name: int, integers: bool, to: int) -> None:
        tag: str = spec[0]
        kind: Any = None if tag == "f" else spec[1]
        inside: Sequence[Any] = ()
        identity, n, more = id(kind), 0, 0
        if tag == "f":
            code, more = _NUMBER, int(integers)
        elif tag == "array":
            shape = np.array([len(kind), *kind], np.uint64)
            self.shapes.append(shape)
            given = {"float": _ARRAY_OF_FLOATS, "int": _ARRAY_OF_INTEGERS, "bool": _ARRAY_OF_TRUTHS}
            code = _ARRAY_OF_NUMBERS if integers else given[spec[2] if len(spec) > 2 else "float"]
            n, more = math.prod(kind), shape.ctypes.data
        elif tag == "static":
            code, identity = _STATIC, id(spec[2])
        elif tag == "floats":
            code, n, more = _LIST_OF_NUMBERS if kind is list else _TUPLE_OF_NUMBERS, spec[2], int(integers)
        elif tag == "seq" and kind.__iter__ in (list.__iter__, tuple.__iter__):
            code, inside = _LIST if issubclass(kind, list) else _TUPLE, spec[2]
        elif tag == "dict" and kind is dict:
            code, inside = _DICT, spec[5]
        elif tag == "data" and _holds(kind, spec[2]):
            code, inside = _DATA, spec[3]
        else:
            raise _Unsuited
        self.rows.append([code, parent, place, 0, identity, n or len(inside), to, more, name])
        above = len(self.rows)
        for k, part in enumerate(inside):
            self._waiting.append((part, above, k, id(spec[2][k]) if code in (_DICT, _DATA) else 0, integers, to))
            to += 8 * _count(part)


def _holds(kind: Any, names: Sequence[str]) -> bool:
    """Whether objects of a class have these attributes in their dict or in slots, so that to read one runs no code and makes nothing."""
    found = [inspect.getattr_static(kind, name, None) for name in names]
    computed = [hasattr(type(x), "__get__") and not isinstance(x, MemberDescriptorType) for x in found]
    return kind.__getattribute__ is object.__getattribute__ and not hasattr(kind, "__getattr__") and not any(computed)


def _count(spec: Any) -> int:
    """How many numbers are in a structure."""
    return sum([1 if shape is None else math.prod(shape) for _, shape, _ in places(spec, "")])


def compiled() -> bool:
    """Whether `make` may be called."""
    return bool(_definitions)


def make(
    signature: Signature, key: Any, names: Sequence[str], what: int, plan: Plan, frame: np.ndarray, numbers: np.ndarray,
    gradient: np.ndarray, take: Callable[[], Any], give: Callable[[], Any] | None,
) -> Callable[..., Any] | None:  # fmt: skip
    """A function of the arguments of a structure, passed by these names after those by position; None where only Python reads them.

    It returns what ``what`` says, an int where the guard of this index disagrees, or None where Python has to look closer at the
    arguments. It is tied to a frame of the plan, and the buffer of numbers that this sweeps; ``take`` returns the gradient in its
    structure, ``give`` the result, None where that is the value.
    """
    positional, named = signature.specs(key)
    active = signature.positions(len(positional))
    given = len(positional) + (what == INTO)
    specs: dict[int | str, Any] = dict(enumerate(positional)) | dict(named)
    nodes = _Nodes(numbers.ctypes.data + 8)
    for name in signature.order(key):
        nodes.add(specs[name], name if isinstance(name, int) else given + names.index(name), name in active)
    try:
        rows = nodes.table()
    except _Unsuited:
        return None
    how = _MADE if not isinstance(key, int) else _ONE if signature.single else _TUPLE
    known = [
        0, 0, kernels.frame_address(), frame.ctypes.data, numbers.ctypes.data, kernels.is_short(plan.code), what, how,
        gradient.ctypes.data, gradient.size, id(take), 0 if give is None else id(give), len(rows), rows.ctypes.data, given, len(names),
        *map(id, _OBJECTS), 0, 0, 0, *map(id, names),
    ]  # fmt: skip
    table = np.array(known, np.uint64)
    holds = table, rows, nodes.shapes, plan, frame, numbers, take, give, names, key
    return cpython.function(_definitions[0], table.ctypes.data.to_bytes(8, sys.byteorder), holds)


# What a table has from `_NONE` on.
_OBJECTS = None, float, np.float64, int, str, np.ndarray, *map(np.dtype, (np.float64, np.float32, np.int64, np.bool_))


def answered(function: Callable[..., Any]) -> int:
    """How many calls a function of `make` has answered."""
    return int(function.__module__[0][_ANSWERED // 8])


# So many calls are answered by Python, at a microsecond more each, before a second and a half is spent on compiling what answers them, and so
# many where it only has to be loaded, which takes six milliseconds.
BEFORE_LOADING, BEFORE_COMPILING = 1 << 9, 1 << 14
_definitions: list[Definition] = []


def compile_now() -> None:
    """Compile what answers calls, or load it."""
    with late.lock:
        if not _definitions:
            kernels.announce(call, "what answers short calls, once per machine (two seconds)")
            kernels.frame_address()
            loaded = cpython.forever(kernels.compiled(call, OBJECT(OBJECT, OBJECT, types.intp, OBJECT)))
            _definitions.append(cpython.forever(Definition(b"call", loaded.address, cpython.AND_NAMED)))


late = Late(compile_now, call, (BEFORE_LOADING, BEFORE_COMPILING), "calls are answered by Python, and slower")
