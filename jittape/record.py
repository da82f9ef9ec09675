"""Recording a function: arguments in, structure out, one `Program` per path."""

from __future__ import annotations

import contextlib
import copy
import gc
import inspect
import re
import types
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence, MutableSet
from typing import Any

import numpy as np

from . import arrays, native, tracer
from .arrays import ConditionArray, VarArray, current
from .errors import TracingTypeError
from .program import Interface, Program
from .recording import DATA, INPUT, Recording
from .structure import Signature, map_leaves, ordinary, size
from .tracer import Condition, Traced, Var


def record(
    f: Callable[..., Any], /, *args: Any, argnums: int | tuple[int, ...] = 0, lines: bool = False, **kwargs: Any
) -> Program:
    """Record the path that ``f`` takes at the given arguments.

    Parameters
    ----------
    f : a function of numbers, lists, tuples, dicts, dataclasses and float arrays; it may loop and branch on their values
    args, kwargs : the point to record at; later calls take other numbers in the same structure
    argnums : which positional arguments gradients are taken in
    lines : note the user's source line of every operation, which makes recording about four times slower

    Returns
    -------
    Program
        the recorded path; call it, or its `value_and_grad`, with arguments of the same structure.

    Raises
    ------
    TypeError
        for arguments or results that are not numbers, and wherever a derivative would silently be lost.

    Examples
    --------
    >>> import jittape as jt
    >>> program = jt.record(lambda x, y: jt.sin(x) + x * y, 3.0, 1.0, argnums=(0, 1))
    >>> program(3.0, 1.0)
    3.1411200080598674
    >>> program.value_and_grad(3.0, 1.0)
    (3.1411200080598674, (0.010007503399554585, 3.0))
    """
    if not callable(f):
        raise TypeError(f"record takes a function, not {f!r}")
    signature = Signature(argnums, len(kwargs) > 1 and takes_any_keyword(f))
    key, leaves, active = signature.split(args, kwargs)
    return trace(f, signature, key, leaves, active, parameters(f), lines=lines)


def trace(
    f: Callable[..., Any],
    signature: Signature,
    key: Any,
    leaves: list,
    active: int,
    names: tuple[str, ...],
    *,
    lines: bool = False,
    has_aux: bool = False,
) -> Program:
    """Run ``f``, whose parameters have these names, on traced leaves and freeze what it recorded."""
    label = getattr(f, "__qualname__", None) or repr(f)
    native.late.worked(0)
    recording = Recording(f"the recording of {label}", lines=lines)
    traced = _inputs(recording, leaves, active, signature.places(key, names))
    outer, collecting = current.get(), gc.isenabled()
    try:
        current.set(recording)
        # Garbage collection takes up to a third of the time of recording, and finds nothing: a recording makes no cycles.
        gc.disable()
        args, kwargs = signature.join(key, traced)
        returned = f(*args, **kwargs)
        result, rows = _results(recording, returned, label, has_aux)
        tape = recording.freeze(np.concatenate([np.zeros(0, np.int64), *rows]))
        native.late.worked(len(recording))
    except IndexError as error:
        if recording.indexed and "indices" in str(error) and "too many" not in str(error):
            raise TracingTypeError(tracer.NO_INDEX) from error
        raise
    except (TypeError, AttributeError, ValueError, RuntimeError) as error:  # of which NotImplementedError is one
        for about, note in _NOTES.items():
            if re.search(about, str(error)):
                error.add_note(f"jittape: {note}")
        raise
    finally:
        # an interrupt of the first does not keep the last from being done
        try:
            current.set(outer)
            recording.close()
        finally:
            if collecting:
                gc.enable()
    return Program(tape, Interface(signature, key, size(leaves[:active]), result, has_aux, names, label))


# What NumPy and SciPy say of arrays of objects where they have no loop for them, or refuse to write; and what to do.
_NOTES = {
    r"dtype\('O'\)|not supported for the input types|no callable \w+ method|'(float|int)' object has no attribute|object arrays are not "
    r"supported|REFS_OK|dtype object|type 'object' not supported": (
        "np.array and np.asarray make arrays of objects out of traced numbers, with which NumPy computes element by element, but not "
        "everything, and SciPy little; jt.array in their place makes an array that records all functions in docs/numpy.md, and faster. "
        "Of SciPy the ufuncs of scipy.special record, such as erf, gammaln and xlogy; in place of its other functions there are "
        "jt.logsumexp, jt.softmax and jt.log_softmax, and np.linalg and what else is in docs/numpy.md"
    ),
    r"unsupported data types in input": (
        "a scipy.sparse matrix does not take traced arrays; for A @ x write A.toarray() @ x, or of its parts in COO format "
        "np.bincount(A.row, A.data * x[A.col], minlength=A.shape[0])"
    ),
    "destination is read-only": (
        "np.asarray of a traced array is a copy, of objects, and read-only, because what is written to it would be lost; write to the "
        "traced array, or to np.array(x) or x.copy()"
    ),
}


def parameters(f: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's positional parameters, where they can be found."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))


def takes_any_keyword(f: Callable[..., Any]) -> bool:
    """Whether a function has a parameter such as ``**options``, whose order it sees."""
    try:
        found = inspect.signature(f, follow_wrapped=False).parameters.values()  # a wrapper sees the order, too
    except (TypeError, ValueError):
        return True
    return any(p.kind is p.VAR_KEYWORD for p in found)


def _inputs(recording: Recording, leaves: list, active: int, places: list) -> Iterator[Any]:
    at = 0
    for path, shape, floats in places:
        kind = INPUT if at < active else DATA
        if shape is None:
            yield tracer.leaf(recording, kind, leaves[at], path)
        elif floats:
            yield from tracer.leaves(recording, kind, leaves[at : at + floats], path)
        else:
            yield arrays.leaf(recording, kind, leaves[at], path)
        at += floats or 1


def _results(recording: Recording, returned: Any, label: str, has_aux: bool) -> tuple[Any, list]:
    """The spec of a function's result, and the rows of its leaves."""

    def number(x: Any) -> tuple[Any, np.ndarray]:
        return _output(recording, x, label)

    def anything(x: Any) -> tuple[Any, np.ndarray]:
        return _auxiliary(recording, x, label)

    if not has_aux:
        return map_leaves(returned, number)
    if not (isinstance(returned, (list, tuple)) and len(returned) == 2):
        return map_leaves(returned, anything)  # no pair: the program says so
    (value, rows), (aux, more) = map_leaves(returned[0], number), map_leaves(returned[1], anything)
    return ("seq", type(returned), (value, aux)), rows + more


def _output(recording: Recording, x: Any, label: str) -> tuple[Any, np.ndarray]:
    """The spec and the rows of one leaf of a function's result."""
    if isinstance(x, Var):
        recording.check(x.rec)
        return "f", np.array([x.row])
    if isinstance(x, VarArray):
        recording.check(x.rec)
        return ("array", x.shape), x.row.ravel()
    if isinstance(x, tracer.PLAIN):
        return "f", np.array([recording.constant(float(x))])
    if isinstance(x, np.ndarray):
        x = ordinary(x)
    if isinstance(x, np.ndarray) and x.dtype.kind == "O":
        return _output(recording, arrays.asarray(x), label)
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
        return ("array", x.shape), np.array([recording.constant(v) for v in x.ravel().astype(np.float64).tolist()], np.int64)
    what = "None (is a return statement missing?)" if x is None else f"{x!r} of type {type(x).__name__}"
    raise TracingTypeError(f"{label} returned {what}; a recorded function returns numbers, arrays, or a structure of those")


def _auxiliary(recording: Recording, x: Any, label: str) -> tuple[Any, np.ndarray]:
    """The spec and the rows of one leaf of what is returned beside the value: traced, or kept as it is now."""
    if isinstance(x, Traced):
        spec, rows = _output(recording, x, label)
        if isinstance(x, Condition):
            spec = "b"
        elif isinstance(x, ConditionArray):
            spec = (*spec, "bool")
        return spec, rows
    if _holds_traced(recording, x):
        if isinstance(x, np.ndarray):
            with contextlib.suppress(TypeError):  # it has other objects in it, too
                return _auxiliary(recording, arrays.asarray(x), label)
        raise TracingTypeError(
            f"{label} returned a {type(x).__name__} with a traced value inside, which would be that of the recording on every call; "
            "return it in a list, tuple, dict, dataclass or an array made by jt.array, or read the plain number with `.value`"
        )
    if isinstance(x, _CONTAINERS):
        return ("copy", type(x), copy.deepcopy(x)), np.zeros(0, np.int64)
    return ("static", type(x), x), np.zeros(0, np.int64)


# What a caller may well change, so that each call gets its own.
_CONTAINERS = (np.ndarray, MutableSequence, MutableSet, MutableMapping)
# What refers to all the rest of the program, as classes do that are not made in a function.
_ELSEWHERE = (types.ModuleType, types.FrameType, types.TracebackType, Recording)


def _holds_traced(recording: Recording, x: Any) -> bool:
    """Whether a value of this recording can be reached from an object: as an element, an attribute, or in a closure."""
    todo, seen = [x], {}
    while todo:
        x = todo.pop()
        if isinstance(x, Traced) and x.rec is recording:
            return True
        # what the garbage collector does not follow leads nowhere, but for arrays of objects
        if id(x) in seen or not (gc.is_tracked(x) or isinstance(x, np.ndarray)) or isinstance(x, (Traced, *_ELSEWHERE)):
            continue
        if isinstance(x, type) and "<locals>" not in x.__qualname__:
            continue
        seen[id(x)] = x  # kept alive, so that no other object gets its id
        if isinstance(x, type):
            todo += vars(x).values()
        elif isinstance(x, types.FunctionType):
            todo += [x.__closure__, x.__defaults__, x.__kwdefaults__, x.__dict__]
        elif isinstance(x, np.ndarray) and x.dtype.hasobject:
            todo += x.ravel().tolist()
        else:
            todo += gc.get_referents(x)
    return False
