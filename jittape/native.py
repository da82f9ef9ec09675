"""The commonest operators of traced numbers as machine code: what `tracer` does in Python, by way of CPython's own interface.

`install` puts them in place of the methods of `Var`. What is not plain arithmetic of numbers, errors included, they leave to those.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from math import copysign, nan, sqrt
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy import int64, uint64

from . import cpython, kernels, show, tracer
from .cpython import OBJECT, TYPE_AT, Definition, item, item_uint8, pointer, store, store_float64, store_int32, store_uint8
from .kernels import helper
from .late import Late
from .ops import CODE
from .recording import CONDITIONS, CONST, OP_AT, ROW, Recording
from .tracer import Condition, Var


@helper
def _of(x, facts, place):
    """An attribute of an object, borrowed; the table of facts says where it is."""
    return item(x, item(facts, place))


# What there is to know of this process, by its place in a table: objects, opcodes, the opcodes of conditions as bits of four words,
# where objects have their attributes, and from `_METHODS` on of each method the opcode and the Python method.
(
    _VAR, _CONDITION, _RECORDING, _FLOAT, _NUMPY_FLOAT, _INT, _LIST, _BYTES, _NONE, _TRUE, _FALSE,
    _APPENDED, _FILENAME, _PACKAGE, _POSITIVE_ZERO,
    _CONST, _SQUARE, _SQRT, _RECIPROCAL, _CUBE, _FOURTH, _INVERSE_SQUARE, _CONDITIONS, _, _, _,
    _REC, _ROW, _V, _N, _BLOCK, _BASE, _WATCHED, _OWNER, _CONSTANTS, _LINES, _GUARDS, _VARS, _METHODS,
) = range(0, 8 * 39, 8)  # fmt: skip
_OBJECTS = (
    Var, Condition, Recording, float, np.float64, int, list, bytearray, None, True, False,
    "appended", "co_filename", show.PACKAGE, "0.0",
)  # fmt: skip
_CODES = (
    CONST, *map(CODE.__getitem__, tracer.POWERS.values()),
    *(sum(1 << (code & 63) for code in CONDITIONS if code >> 6 == word) for word in range(4)),
)  # fmt: skip
_OF_VAR = "rec", "row", "v"
_OF_RECORDING = "n", "block", "base", "watched", "owner", "constants", "lines", "guards", "vars"
# What methods do; comparisons in the order in which CPython numbers them.
_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE, _RAISE, _NEGATE, _ASK, _LT, _LE, _EQ, _NE, _GT, _GE = range(13)
# How a slot of the type is called: with both operands, with a third that is None but for a remainder of a power, with one, for a truth
# value, and with the number of a comparison.
_BINARY, _TERNARY, _UNARY, _TRUTH, _COMPARISON = range(5)
_PARAMETERS = 2, 3, 1, 1, 3
# The slots, how they are called, and what they do first; and the methods that fill each of them, and what those record. Of two methods
# the second is for operands that are swapped.
SLOTS = (
    (_BINARY, _ADD, {"__add__": "add", "__radd__": "add"}),
    (_BINARY, _SUBTRACT, {"__sub__": "subtract", "__rsub__": "subtract"}),
    (_BINARY, _MULTIPLY, {"__mul__": "multiply", "__rmul__": "multiply"}),
    (_BINARY, _DIVIDE, {"__truediv__": "divide", "__rtruediv__": "divide"}),
    (_TERNARY, _RAISE, {"__pow__": "power", "__rpow__": "power"}),
    (_UNARY, _NEGATE, {"__neg__": "negative"}),
    (_TRUTH, _ASK, {"__bool__": "not_equal"}),
    (
        _COMPARISON,
        _LT,
        {
            "__lt__": "less",
            "__le__": "less_equal",
            "__eq__": "equal",
            "__ne__": "not_equal",
            "__gt__": "greater",
            "__ge__": "greater_equal",
        },
    ),
)
OPERATORS = {name: op for *_, methods in SLOTS for name, op in methods.items()}
_LONGEST = sys.maxsize
# All ints below are floats.
_EXACT = 2.0**53
# What stands for an error, and for what is left to Python: nothing has changed then. The same in place of a row.
_NULL, _FOR_PYTHON = uint64(0), uint64(1)
_FAILED, _ELSEWHERE = -2, -1
_SIZE, _LIMIT = ROW.size, 1 << 31
# What a slot that asks for a truth value returns after an error.
_MINUS_ONE = uint64(2**64 - 1)


@helper
def _called(function, arguments, n):
    """What a function of Python returns of ``n`` objects that are at an address."""
    cpython.PyErr_Clear()  # something looked like a number and was none
    given = cpython.PyTuple_New(n)
    if given != _NULL:
        for i in range(n):
            x = item(arguments, 8 * i)
            cpython.Py_IncRef(x)
            cpython.PyTuple_SetItem(given, i, x)
        result = cpython.PyObject_CallObject(function, given)
        cpython.Py_DecRef(given)
        return result
    return _NULL


@helper
def _mine(rec, facts):
    """Whether this is a recording of this thread."""
    if rec == _NULL:
        return False
    kind, plain = item(rec, TYPE_AT), item(facts, _RECORDING)
    return (kind == plain or cpython.PyType_IsSubtype(kind, plain) != 0) and cpython.PyLong_AsUnsignedLong(
        _of(rec, facts, _OWNER)
    ) == cpython.PyThread_get_thread_ident()


@helper
def _whole(x, facts):
    """An int of Python as a number, -1 for anything else."""
    return cpython.PyLong_AsSsize_t(x) if x != _NULL and item(x, TYPE_AT) == item(facts, _INT) else _ELSEWHERE


@helper
def _recent(rec, facts):
    """How many rows the block of a recording has, -1 where none can be appended."""
    n, base = _whole(_of(rec, facts, _N), facts), _whole(_of(rec, facts, _BASE), facts)
    if n < 0 or base < 0 or item(_of(rec, facts, _BLOCK), TYPE_AT) != item(facts, _BYTES):
        return _ELSEWHERE
    return n - base


@helper
def _fits(rec, facts, rows):
    """Whether there is room for so many rows in the block of a recording that has not ended."""
    recent = _recent(rec, facts)
    return recent >= 0 and _SIZE * (recent + rows) <= cpython.PyByteArray_Size(_of(rec, facts, _BLOCK))


@helper
def _append_row(rec, facts, code, a, b, v):
    """Append a row, for which there has to be room, and return its number, a new reference; NULL after an error."""
    row, at = _of(rec, facts, _N), _recent(rec, facts)
    following = cpython.PyLong_FromSsize_t(cpython.PyLong_AsSsize_t(row) + 1)
    if following == _NULL:
        return _NULL
    to = cpython.PyByteArray_AsString(_of(rec, facts, _BLOCK)) + uint64(_SIZE * at)
    store_float64(to, v)
    store_int32(to + uint64(8), uint64(a))
    store_int32(to + uint64(12), uint64(b))
    store_uint8(to + uint64(OP_AT), uint64(code))
    store(rec + item(facts, _N), following)
    return row


@helper
def _finish(out, rec, facts, code, a, b, v, value):
    """Append the row of a new Var and return the Var; NULL after an error. Three references are taken over, ``out``, ``rec`` and ``v``."""
    store(out + item(facts, _REC), rec)
    store(out + item(facts, _V), v)
    row = _NULL if v == _NULL else _append_row(rec, facts, code, a, b, value)
    store(out + item(facts, _ROW), row)
    good = row != _NULL
    held = _of(rec, facts, _VARS)
    if good and held != _NULL and item(held, TYPE_AT) == item(facts, _LIST):
        # before anything else runs: what nobody holds loses its rows
        good = cpython.PyList_Append(held, out) == 0
    if good and _of(rec, facts, _WATCHED) != item(facts, _FALSE):
        method = cpython.PyObject_GetAttr(rec, item(facts, _APPENDED))
        done = _NULL if method == _NULL else cpython.PyObject_CallOneArg(method, out)
        cpython.Py_DecRef(method)
        cpython.Py_DecRef(done)
        good = done != _NULL
    if not good:
        cpython.Py_DecRef(out)
        return _NULL
    return out


@helper
def _number(x, facts):
    """A float or an int as a number, NaN for anything else, and for ints that are no float."""
    kind = item(x, TYPE_AT)
    if kind == item(facts, _FLOAT) or kind == item(facts, _NUMPY_FLOAT):
        return cpython.PyFloat_AsDouble(x)
    if kind == item(facts, _INT):
        y = cpython.PyLong_AsDouble(x)
        if abs(y) < _EXACT and (y != -1.0 or cpython.PyErr_Occurred() == _NULL):
            return y
        cpython.PyErr_Clear()  # too large for a float, or rounded
    return nan


@helper
def _constant(rec, facts, x, y):
    """The row of a constant, for which there is room: a number of Python, and its value.

    `_FAILED` after an error, `_ELSEWHERE` for most of 0 and NaN, whose keys are strings.
    """
    constants = _of(rec, facts, _CONSTANTS)
    if not (y < 0.0 or y > 0.0):
        zero = y == 0.0 and copysign(1.0, y) > 0.0
        return _whole(cpython.PyDict_GetItem(constants, item(facts, _POSITIVE_ZERO)), facts) if zero else _ELSEWHERE
    key = x
    if item(x, TYPE_AT) == item(facts, _FLOAT):
        cpython.Py_IncRef(x)
    else:
        key = cpython.PyFloat_FromDouble(y)
        if key == _NULL:
            return _FAILED
    found = cpython.PyDict_GetItem(constants, key)
    row = _whole(found, facts)
    if found == _NULL and _of(rec, facts, _LINES) == item(facts, _NONE):
        row, made = _FAILED, _append_row(rec, facts, item(facts, _CONST), 0, 0, y)
        if made != _NULL:
            if cpython.PyDict_SetItem(constants, key, made) == 0:
                row = cpython.PyLong_AsSsize_t(made)
            cpython.Py_DecRef(made)  # the dict has it
    cpython.Py_DecRef(key)
    return row


@helper
def _second(x, rec, facts):
    """The row and the value of an operand; the row is `_FAILED` after an error, `_ELSEWHERE` where it takes a closer look."""
    if item(x, TYPE_AT) != item(facts, _VAR):
        y = _number(x, facts)
        return _constant(rec, facts, x, y), y
    v = _of(x, facts, _V)
    if _of(x, facts, _REC) == rec and v != _NULL and item(v, TYPE_AT) == item(facts, _FLOAT):
        return _whole(_of(x, facts, _ROW), facts), cpython.PyFloat_AsDouble(v)
    return _ELSEWHERE, nan


@helper
def _compared(x, y, operator):
    if operator == _LT:
        return x < y
    if operator == _LE:
        return x <= y
    if operator == _GT:
        return x > y
    if operator == _GE:
        return x >= y
    return x == y if operator == _EQ else x != y


@helper
def _calculated(x, y, operator):
    """The value of an operator, where Python has one."""
    if operator == _ADD:
        return x + y
    if operator == _SUBTRACT:
        return x - y
    if operator == _MULTIPLY:
        return x * y
    if operator == _NEGATE:
        return -x
    return x / y


@helper
def _operation(x, other, facts, operator, swapped, code):
    """The Var of an operator; NULL after an error, `_FOR_PYTHON` where nothing was recorded."""
    rec = _of(x, facts, _REC)
    if not _mine(rec, facts):
        return _FOR_PYTHON
    # This may collect garbage, and so run whatever code: nothing but `rec` was read before, and it has to stay.
    cpython.Py_IncRef(rec)
    out = cpython.PyType_GenericAlloc(item(facts, _CONDITION if operator >= _LT else _VAR), 0)
    if out == _NULL:
        cpython.Py_DecRef(rec)
        return _NULL
    a, b, v = _whole(_of(x, facts, _ROW), facts), _ELSEWHERE, _of(x, facts, _V)
    left, right, exponent = 0.0, 0.0, nan
    if _fits(rec, facts, 2) and v != _NULL and item(v, TYPE_AT) == item(facts, _FLOAT):  # a constant may come first
        left = cpython.PyFloat_AsDouble(v)
        if operator == _RAISE:
            exponent = _number(other, facts)
        if operator == _NEGATE or exponent in (2.0, 0.5, -1.0, 3.0, 4.0, -2.0):
            b = 0
        else:
            b, right = _second(other, rec, facts)
    if swapped:
        a, b, left, right = b, a, right, left
    good, value = a >= 0 and b >= 0, nan
    if good and operator >= _LT:
        value = 1.0 if _compared(left, right, operator) else 0.0
    elif good and operator == _RAISE:
        if exponent == 2.0:
            code, value = item(facts, _SQUARE), left * left
        elif exponent == 0.5 and left >= 0.0:
            code, value = item(facts, _SQRT), sqrt(left)
        elif exponent == -1.0 and left != 0.0:
            code, value = item(facts, _RECIPROCAL), 1.0 / left
        elif exponent == 3.0:
            code, value = item(facts, _CUBE), left * left * left
        elif exponent == 4.0:
            code, value = item(facts, _FOURTH), left * left * (left * left)
        elif exponent == -2.0 and left != 0.0:
            code, value = item(facts, _INVERSE_SQUARE), 1.0 / left * (1.0 / left)
        elif b != 0:
            value = cpython.c_pow(left, right)
        good = value - value == 0.0
    elif good:
        good = operator != _DIVIDE or right != 0.0
        if good:
            value = _calculated(left, right, operator)
    if good:
        return _finish(out, rec, facts, code, a, b, cpython.PyFloat_FromDouble(value), value)
    cpython.Py_DecRef(out)
    cpython.Py_DecRef(rec)
    return _NULL if a == _FAILED or b == _FAILED else _FOR_PYTHON


@helper
def _user_place(facts):
    """What `show.user_place` gives, a new reference; NULL after an error, `_FOR_PYTHON` in a frame of this package."""
    frame = cpython.PyEval_GetFrame()
    if frame == _NULL:
        return _FOR_PYTHON
    code = cpython.PyFrame_GetCode(frame)
    filename = cpython.PyObject_GetAttr(code, item(facts, _FILENAME))
    ours = filename == _NULL or cpython.PyUnicode_Tailmatch(filename, item(facts, _PACKAGE), 0, _LONGEST, -1) != 0
    cpython.Py_DecRef(filename)
    if ours:
        cpython.Py_DecRef(code)
        return _NULL if filename == _NULL else _FOR_PYTHON
    instruction = cpython.PyLong_FromSsize_t(cpython.PyFrame_GetLasti(frame))
    place = _NULL if instruction == _NULL else cpython.PyTuple_New(2)
    if place == _NULL:
        cpython.Py_DecRef(code)
        cpython.Py_DecRef(instruction)
        return _NULL
    cpython.PyTuple_SetItem(place, 0, code)
    cpython.PyTuple_SetItem(place, 1, instruction)
    return place


@helper
def _guarded(x, facts):
    """The truth of a condition, after its guard was noted; NULL after an error, `_FOR_PYTHON` where nothing was done."""
    rec, row, v = _of(x, facts, _REC), _of(x, facts, _ROW), _of(x, facts, _V)
    if rec == _NULL or item(rec, TYPE_AT) != item(facts, _RECORDING) or not _mine(rec, facts):
        return _FOR_PYTHON
    if item(x, TYPE_AT) != item(facts, _CONDITION) or v == _NULL or item(v, TYPE_AT) != item(facts, _FLOAT):
        return _FOR_PYTHON
    recent, at = _recent(rec, facts), _whole(row, facts) - _whole(_of(rec, facts, _BASE), facts)
    if not 0 <= at < recent:
        return _FOR_PYTHON
    code = item_uint8(cpython.PyByteArray_AsString(_of(rec, facts, _BLOCK)), uint64(_SIZE * at + OP_AT))
    # an argument may be a truth value, too, and its row none of a condition
    if (item(facts, uint64(_CONDITIONS) + (code >> uint64(6)) * uint64(8)) >> (code & uint64(63))) & uint64(1) == 0:
        return _FOR_PYTHON
    truth = item(facts, _TRUE if cpython.PyFloat_AsDouble(v) != 0.0 else _FALSE)
    # What is made here may collect garbage, and so run code that takes these from ``x``: a frame is made, too.
    cpython.Py_IncRef(rec)
    cpython.Py_IncRef(row)
    place = _user_place(facts)
    guard = cpython.PyTuple_New(3) if place > _FOR_PYTHON else _NULL
    out = _FOR_PYTHON if place == _FOR_PYTHON else _NULL
    if guard != _NULL:
        cpython.Py_IncRef(truth)
        cpython.PyTuple_SetItem(guard, 0, row)
        cpython.PyTuple_SetItem(guard, 1, truth)
        cpython.PyTuple_SetItem(guard, 2, place)
        if cpython.PyList_Append(_of(rec, facts, _GUARDS), guard) == 0:
            cpython.Py_IncRef(truth)
            out = truth
        cpython.Py_DecRef(guard)
    else:
        cpython.Py_DecRef(row)
        if place > _FOR_PYTHON:
            cpython.Py_DecRef(place)
    cpython.Py_DecRef(rec)
    return out


@helper
def _traced(x, facts):
    """Whether an object is a Var."""
    kind, plain = item(x, TYPE_AT), item(facts, _VAR)
    return kind == plain or cpython.PyType_IsSubtype(kind, plain) != 0


@helper
def _either(operands, facts, operator, known):
    """What an operator returns of two operands, one of which is a Var; ``known``: where the facts about its two methods are."""
    x, y = item(operands, 0), item(operands, 8)
    if _traced(x, facts):
        out = _operation(x, y, facts, operator, False, item(known, 0))
        return _called(item(known, 8), operands, 2) if out == _FOR_PYTHON else out
    out = _FOR_PYTHON if operator == _RAISE else _operation(y, x, facts, operator, True, item(known, 0))
    if out == _FOR_PYTHON:
        store(operands, y)
        store(operands + uint64(8), x)
        out = _called(item(known, 24), operands, 2)
    return out


@helper
def _filled(operands, facts, how, operator, known):
    """What a slot of the type returns; what else it is called with comes after its operands."""
    x, more = item(operands, 0), item(operands, 16)
    if how == _BINARY or (how == _TERNARY and more == item(facts, _NONE)):
        return _either(operands, facts, operator, known)
    if how == _TERNARY:
        return _called(item(known, 8), operands, 3)
    if how == _COMPARISON:
        number = more & uint64(7)
        known += uint64(16) * number
        operator += int64(number)
        out = _operation(x, item(operands, 8), facts, operator, False, item(known, 0))
        return _called(item(known, 8), operands, 2) if out == _FOR_PYTHON else out
    if how == _UNARY:
        out = _operation(x, x, facts, operator, False, item(known, 0))
        return _called(item(known, 8), operands, 1) if out == _FOR_PYTHON else out
    out = _guarded(x, facts)
    if out == _FOR_PYTHON:
        out = _called(item(known, 8), operands, 1)
    truth = out == item(facts, _TRUE)
    if out == _NULL:
        return _MINUS_ONE
    cpython.Py_DecRef(out)
    return uint64(truth)


@helper
def _pushed(arguments, facts):
    """The Var of `tracer.push`; NULL after an error, `_FOR_PYTHON` where nothing was recorded."""
    rec, kind = item(arguments, 0), item(arguments, 8)
    if not _mine(rec, facts) or (kind != item(facts, _VAR) and kind != item(facts, _CONDITION)):
        return _FOR_PYTHON
    out = cpython.PyType_GenericAlloc(kind, 0)
    if out == _NULL:
        return _NULL
    code, a, b = (_whole(item(arguments, 16), facts), _whole(item(arguments, 24), facts), _whole(item(arguments, 32), facts))
    v = item(arguments, 40)
    if not (
        _fits(rec, facts, 1)
        and 0 <= code < 256
        and 0 <= a < _LIMIT
        and 0 <= b < _LIMIT
        and item(v, TYPE_AT) == item(facts, _FLOAT)
    ):
        cpython.Py_DecRef(out)
        return _FOR_PYTHON
    cpython.Py_IncRef(rec)
    cpython.Py_IncRef(v)
    return _finish(out, rec, facts, code, a, b, v, cpython.PyFloat_AsDouble(v))


@helper
def _push(arguments, n, facts, function):
    """What `tracer.push` returns."""
    out = _pushed(arguments, facts) if n == 6 else _FOR_PYTHON
    return _called(function, arguments, n) if out == _FOR_PYTHON else out


_WORD = ir.IntType(64)


@intrinsic
def _callables(typing_context, facts, addresses):
    """Functions as CPython calls them, of all slots and of `tracer.push`, and where they are."""

    def generate(context, builder, signature, values):
        table = ir.GlobalVariable(builder.module, _WORD, "jittape.native.facts")
        table.linkage, table.initializer = "internal", _WORD(0)
        builder.store(values[0], table)

        def define(name, parameters, body):
            function = ir.Function(builder.module, ir.FunctionType(_WORD, [_WORD] * parameters), f"jittape.native.{name}")
            function.linkage = "internal"
            inside = ir.IRBuilder(function.append_basic_block())
            known = inside.load(table)
            inside.ret(body(inside, function.args, known))
            return builder.ptrtoint(function, _WORD)

        def call(inside, function, kinds, *given):
            compiled = context.compile_subroutine(inside, function.py_func, OBJECT(*kinds))
            return context.call_internal_no_propagate(inside, compiled.fndesc, compiled.signature, given)[1]

        def fact(inside, known, place):
            return inside.load(pointer(inside, _WORD, known, _WORD(place)))

        def fill(how, operator, place):
            def body(inside, given, known):
                operands = inside.alloca(_WORD, 3)
                for i in range(3):
                    inside.store(given[i] if i < len(given) else _WORD(0), inside.gep(operands, [_WORD(i)]))
                kinds = OBJECT, OBJECT, types.int64, types.int64, OBJECT
                about = inside.add(known, _WORD(place))
                return call(inside, _filled, kinds, inside.ptrtoint(operands, _WORD), known, _WORD(how), _WORD(operator), about)

            return body

        def push(inside, arguments, known):
            kinds = OBJECT, types.intp, OBJECT, OBJECT
            function = fact(inside, known, _METHODS + 16 * len(OPERATORS))
            return call(inside, _push, kinds, *arguments[1:], known, function)

        found, place = [], _METHODS
        for how, operator, methods in SLOTS:
            found.append(define(next(iter(methods)), _PARAMETERS[how], fill(how, operator, place)))
            place += 16 * len(methods)
        found.append(define("push", 3, push))
        for k, address in enumerate(found):
            builder.store(address, pointer(builder, _WORD, values[1], _WORD(8 * k)))
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), generate


def _hand_over(facts, addresses):
    """Tell the functions the facts, and write where they are."""
    _callables(facts, addresses)


def _places(kind: Any, names: Sequence[str]) -> list[int]:
    """Where the objects of a class with slots have these attributes."""
    x, marks = kind.__new__(kind), [object() for _ in names]
    for name, mark in zip(names, marks, strict=True):
        setattr(x, name, mark)
    words = list((ctypes.c_uint64 * (kind.__basicsize__ // 8)).from_address(id(x)))
    return [8 * words.index(id(mark)) for mark in marks]


# The methods, and the function, that are replaced.
PYTHON = {name: getattr(Var, name) for name in OPERATORS}
PUSH = tracer.push


def install() -> None:
    """Put the functions in place of the methods, unless somebody else has put something there."""
    with late.lock:
        if tracer.push is PUSH and all(Var.__dict__[name] is x for name, x in PYTHON.items()):
            _replace()


# So many rows are recorded in Python, at a third of a microsecond more each, before a second is spent on compiling; later processes only load
# what is on disk then, which takes five milliseconds.
BEFORE_COMPILING = 1 << 14
late = Late(install, _hand_over, (0, BEFORE_COMPILING), "operators of traced numbers stay in Python, and recording slower")


def _replace() -> None:
    methods = [x for name, op in OPERATORS.items() for x in (CODE[op], id(PYTHON[name]))]
    table = [*map(id, _OBJECTS), *_CODES, *_places(Var, _OF_VAR), *_places(Recording, _OF_RECORDING), *methods, id(PUSH)]
    facts, addresses = np.array(table, np.uint64), np.zeros(len(SLOTS) + 1, np.uint64)
    kernels.announce(_hand_over, "the operators of traced numbers, once per machine (a second or two)")
    loaded = kernels.compiled(_hand_over, types.void(types.uint64, types.uint64))
    loaded.ctypes(facts.ctypes.data, addresses.ctypes.data)
    *slots, push = addresses.tolist()
    definition = Definition(b"push", push, cpython.ARGUMENTS)
    cpython.forever((_OBJECTS, PYTHON, PUSH, facts, loaded, definition))
    for (*_, names), address in zip(SLOTS, slots, strict=True):
        for name in names:
            setattr(Var, name, cpython.slot(Var, name, address))
    tracer.push = cpython.function(definition, None)
