"""Recording a function: arguments in, structure out, one `Program` per path."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import arrays, tracer
from .arrays import VarArray, current
from .errors import TracingTypeError
from .program import Interface, Program
from .structure import Signature, map_leaves, size
from .tape import DATA, INPUT, Recording
from .tracer import Var


def record(
    f: Callable[..., Any], *args: Any, argnums: int | tuple[int, ...] = 0, lines: bool = False, **kwargs: Any
) -> Program:
    """Record the path that ``f`` takes at the given arguments.

    Parameters
    ----------
    f : a function of numbers, lists, tuples, dicts, dataclasses and float arrays; it may loop and branch on their values
    args, kwargs : the point to record at; later calls take other numbers in the same structure
    argnums : which positional arguments gradients are taken in
    lines : note the user's source line of every operation, which makes recording about three times slower

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
    signature = Signature(argnums)
    key, leaves, active = signature.split(args, kwargs)
    return trace(f, signature, key, leaves, active, lines=lines)


def trace(
    f: Callable[..., Any],
    signature: Signature,
    key: Any,
    leaves: list,
    active: int,
    *,
    lines: bool = False,
    has_aux: bool = False,
) -> Program:
    """Run ``f`` on traced leaves and freeze what it recorded."""
    label = getattr(f, "__qualname__", None) or repr(f)
    names = parameters(f)
    recording = Recording(f"the recording of {label}", lines=lines)
    traced = _inputs(recording, leaves, active, signature.paths(key, list(names)))
    token = current.set(recording)
    # Garbage collection takes up to a third of the time of recording, and finds nothing: a recording makes no cycles.
    collecting = gc.isenabled()
    gc.disable()
    try:
        args, kwargs = signature.join(key, traced)
        returned = f(*args, **kwargs)
        result, rows = map_leaves(returned, lambda x: _output(recording, x, label, has_aux))
        tape = recording.freeze(np.concatenate([np.zeros(0, np.int64), *rows]))
    finally:
        current.reset(token)
        recording.close()
        if collecting:
            gc.enable()
    return Program(tape, Interface(signature, key, size(leaves[:active]), result, has_aux, names, label))


def parameters(f: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's positional parameters, where they can be found."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))


def _inputs(recording: Recording, leaves: list, active: int, paths: list) -> Iterator[Any]:
    for i, (leaf, (path, _)) in enumerate(zip(leaves, paths, strict=True)):
        kind = INPUT if i < active else DATA
        if type(leaf) is float:
            yield tracer.leaf(recording, kind, leaf, path)
        else:
            yield arrays.leaf(recording, kind, leaf, path)


def _output(recording: Recording, x: Any, label: str, has_aux: bool) -> tuple[Any, np.ndarray]:
    """The spec and the rows of one leaf of a function's result."""
    if isinstance(x, Var):
        recording.check(x.rec)
        return "f", np.array([x.row])
    if isinstance(x, VarArray):
        recording.check(x.rec)
        return ("array", x.shape), x.row.ravel()
    if isinstance(x, tracer.PLAIN) and not (has_aux and isinstance(x, (bool, int))):
        return "f", np.array([recording.constant(float(x))])
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
        return ("array", x.shape), np.array([recording.constant(v) for v in x.ravel().astype(np.float64).tolist()], np.int64)
    if has_aux:
        return ("static", type(x), x), np.zeros(0, np.int64)
    what = "None (is a return statement missing?)" if x is None else f"{x!r} of type {type(x).__name__}"
    raise TracingTypeError(f"{label} returned {what}; a recorded function returns numbers, arrays, or a structure of those")
