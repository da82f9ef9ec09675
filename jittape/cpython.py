"""CPython's own functions, for jitted code to call, and Python functions and operators made of jitted ones.

Objects are their addresses there. Whoever uses this counts references by hand.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

OBJECT = types.uint64


def pointer(builder: Any, kind: Any, address: Any, place: Any) -> Any:
    """What LLVM loads from, and stores to: a place after an address, in bytes."""
    return builder.inttoptr(builder.add(address, place), kind.as_pointer())


def _loads(kind: Any, result: Any) -> Any:
    """A function of an address and a place after it, in bytes, that returns the number of this kind that is there."""

    @intrinsic
    def load(typing_context, address, place):
        def generate(context, builder, signature, arguments):
            x = builder.load(pointer(builder, kind, *arguments))
            return builder.zext(x, ir.IntType(64)) if isinstance(kind, ir.IntType) and kind.width < 64 else x

        return result(types.uint64, types.uint64), generate

    return load


def _stores(kind: Any, argument: Any) -> Any:
    """A function that changes what is at an address, to a number of this kind; of integers the lowest bits."""

    @intrinsic
    def store(typing_context, address, x):
        def generate(context, builder, signature, arguments):
            place, x = arguments
            x = builder.trunc(x, kind) if isinstance(kind, ir.IntType) and kind.width < 64 else x
            builder.store(x, builder.inttoptr(place, kind.as_pointer()))
            return context.get_dummy_value()

        return types.void(types.uint64, argument), generate

    return store


item, item_int32, item_uint8 = (_loads(ir.IntType(bits), types.uint64) for bits in (64, 32, 8))
item_float64, item_float32 = _loads(ir.DoubleType(), types.float64), _loads(ir.FloatType(), types.float32)
store, store_int32, store_uint8 = (_stores(ir.IntType(bits), types.uint64) for bits in (64, 32, 8))
store_float64 = _stores(ir.DoubleType(), types.float64)
# Where an object has its type, and an object of bytes the first of them.
TYPE_AT, BYTES_AT = 8, 32


def _c(name: str, result: Any, *arguments: Any) -> Any:
    return types.ExternalFunction(name, result(*arguments))


# They return new references, but for `PyDict_GetItem`, `PyDict_Next`, `PyList_GetItem`, `PyTuple_GetItem` and `PyEval_GetFrame`.
PyType_GenericAlloc = _c("PyType_GenericAlloc", OBJECT, OBJECT, types.intp)
Py_IncRef = _c("Py_IncRef", types.void, OBJECT)
Py_DecRef = _c("Py_DecRef", types.void, OBJECT)
PyFloat_AsDouble = _c("PyFloat_AsDouble", types.float64, OBJECT)
PyFloat_FromDouble = _c("PyFloat_FromDouble", OBJECT, types.float64)
PyLong_AsSsize_t = _c("PyLong_AsSsize_t", types.intp, OBJECT)
PyLong_FromSsize_t = _c("PyLong_FromSsize_t", OBJECT, types.intp)
PyLong_AsDouble = _c("PyLong_AsDouble", types.float64, OBJECT)
PyLong_AsUnsignedLong = _c("PyLong_AsUnsignedLong", types.uint64, OBJECT)
PyList_Size = _c("PyList_Size", types.intp, OBJECT)
PyList_Append = _c("PyList_Append", types.intc, OBJECT, OBJECT)
PyByteArray_AsString = _c("PyByteArray_AsString", OBJECT, OBJECT)
PyByteArray_Size = _c("PyByteArray_Size", types.intp, OBJECT)
PyDict_GetItem = _c("PyDict_GetItem", OBJECT, OBJECT, OBJECT)
PyDict_Next = _c("PyDict_Next", types.intc, OBJECT, OBJECT, OBJECT, OBJECT)
PyDict_Size = _c("PyDict_Size", types.intp, OBJECT)
PyDict_SetItem = _c("PyDict_SetItem", types.intc, OBJECT, OBJECT, OBJECT)
PyList_GetItem = _c("PyList_GetItem", OBJECT, OBJECT, types.intp)
PyObject_GetAttr = _c("PyObject_GetAttr", OBJECT, OBJECT, OBJECT)
PyTuple_New = _c("PyTuple_New", OBJECT, types.intp)
PyTuple_GetItem = _c("PyTuple_GetItem", OBJECT, OBJECT, types.intp)
PyTuple_Size = _c("PyTuple_Size", types.intp, OBJECT)
PyTuple_SetItem = _c("PyTuple_SetItem", types.intc, OBJECT, types.intp, OBJECT)
PyObject_CallObject = _c("PyObject_CallObject", OBJECT, OBJECT, OBJECT)
PyObject_CallNoArgs = _c("PyObject_CallNoArgs", OBJECT, OBJECT)
PyObject_CallOneArg = _c("PyObject_CallOneArg", OBJECT, OBJECT, OBJECT)
PyObject_RichCompareBool = _c("PyObject_RichCompareBool", types.intc, OBJECT, OBJECT, types.intc)
PyEval_GetFrame = _c("PyEval_GetFrame", OBJECT)
PyFrame_GetCode = _c("PyFrame_GetCode", OBJECT, OBJECT)
PyFrame_GetLasti = _c("PyFrame_GetLasti", types.intc, OBJECT)
PyUnicode_Tailmatch = _c("PyUnicode_Tailmatch", types.intp, OBJECT, OBJECT, types.intp, types.intp, types.intc)
c_pow = _c("pow", types.float64, types.float64, types.float64)
PyType_IsSubtype = _c("PyType_IsSubtype", types.intc, OBJECT, OBJECT)
PyErr_Occurred = _c("PyErr_Occurred", OBJECT)
PyErr_Clear = _c("PyErr_Clear", types.void)
PyEval_SaveThread = _c("PyEval_SaveThread", OBJECT)
PyEval_RestoreThread = _c("PyEval_RestoreThread", types.void, OBJECT)
PyThread_get_thread_ident = _c("PyThread_get_thread_ident", types.uint64)


def supported() -> bool:
    """Whether jitted code may call CPython and reach into objects: in the usual build of CPython, on Linux, where that was tried."""
    return (
        not config.DISABLE_JIT
        and sys.implementation.name == "cpython"
        and sys.platform == "linux"
        and sys.maxsize > 1 << 32
        and not sys.abiflags  # builds without the lock, and those for debugging, have other objects
    )


class Definition(ctypes.Structure):
    """`PyMethodDef`: a function by its address, and how it takes arguments. It has to stay as long as what is made of it."""

    _fields_ = (("name", ctypes.c_char_p), ("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


# C functions of (self, NULL), of (self, argument), of (self, address of the arguments, how many there are), and of the same and the names
# of those that come after them, NULL or a tuple.
NO_ARGUMENT, ONE_ARGUMENT, ARGUMENTS, AND_NAMED = 4, 8, 128, 130
_definition = ctypes.POINTER(Definition)
_function = ctypes.PYFUNCTYPE(ctypes.py_object, _definition, ctypes.py_object, ctypes.py_object)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)
_slot = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p)(
    ("PyDescr_NewWrapper", ctypes.pythonapi)
)
# Where a method of a class written in C has its class and what is known of its slot, in words.
_CLASS_AT, _BASE_AT = 2, 5
_keep_object = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))


def slot(kind: type, name: str, address: int) -> Any:
    """A method of a class, to be set as its attribute, that fills the slot of the type as in classes written in C.

    Operators then call the function at once, which saves the search for the method. All methods that fill a slot have one address.
    """
    like = float.__dict__[name]
    words = (ctypes.c_uint64 * (type(like).__basicsize__ // 8)).from_address(id(like))
    if words[_CLASS_AT] != id(float):
        raise NotImplementedError("methods of classes written in C are not laid out as in CPython 3.11 to 3.14")
    return _slot(kind, words[_BASE_AT], address)


def function(definition: Definition, own: Any, holds: Any = None) -> Any:
    """A Python function; C gets ``own`` as its self, and ``holds``, which Python finds as its module, lives as long."""
    return _function(definition, own, holds)


def forever(x: Any) -> Any:
    """An object that is never freed, as what compiled code refers to must not be."""
    _keep_object(x)
    return x
