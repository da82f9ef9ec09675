"""Indexing by numbers that are known only when a program runs, such as the labels of a minibatch.

A recording cannot look up a row number, so it compares the index with every place and keeps the element where they agree: three
operations per place. That the index is among the places is a guard.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arrays, folds
from .arrays import VarArray, asarray, elementwise
from .errors import TracingTypeError
from .ops import CODE, OPS
from .recording import CONST, DATA, INPUT
from .tracer import Traced

_WITHOUT_DERIVATIVE = {DATA, CONST} | {code for code, op in enumerate(OPS) if op.flat}
_MOST_PLACES = 10_000


def is_data(x: VarArray) -> bool:
    """Whether these numbers have no derivative that an index could drop: nothing differentiated is among what they come from."""
    op, a, b, _ = x.rec.settle()
    todo, seen = x.row.ravel().tolist(), {0}
    while todo:
        row = todo.pop()
        if row in seen:
            continue
        seen.add(row)
        if op[row] == INPUT:
            return False
        if op[row] not in _WITHOUT_DERIVATIVE:
            todo += (a[row], b[row])
    return True


def looked_up(x: VarArray, index: Any) -> Any:
    """``x[index]`` for an index with traced arrays in it."""
    parts = list(index) if isinstance(index, tuple) else [index]
    at = [i for i, part in enumerate(parts) if arrays.is_number(part)]
    for i in at:
        if not is_data(asarray(parts[i])):
            parts[i].__index__()
    if len(at) > 1:
        return _paired(x, parts, at[-1] + 1)
    where = asarray(parts[at[0]])
    axis = _axis(x, parts, at[0])
    n = x.shape[axis]
    if n > _MOST_PLACES:
        raise TracingTypeError(
            f"an index that is an argument picks among at most {_MOST_PLACES} places, not {n}; pass it as a static value"
        )
    places = _places(where, n)
    if not _all_found(places):
        below = elementwise(CODE["less"], where, 0.0)
        places = _places(asarray(where + elementwise(CODE["gate"], below, float(n))), n)
        if not _all_found(places):
            raise IndexError(f"an index is out of bounds for axis {axis} with size {n}, or is no integer")
    # which element of the index belongs to each element of the result: NumPy's answer for an array of their numbers
    numbers = np.arange(where.size)
    shape = [where.size if i == axis else k for i, k in enumerate(x.shape)]
    spread = np.broadcast_to(numbers.reshape([-1 if i == axis else 1 for i in range(x.ndim)]), shape)
    belongs = spread[tuple([*parts[: at[0]], numbers.reshape(where.shape), *parts[at[0] + 1 :]])]
    truth = places.reshape(-1, n)[belongs]
    found: Any = None
    for k in range(n):
        place = np.full(where.shape, k)
        kept = elementwise(CODE["gate"], truth[..., k], x[tuple([*parts[: at[0]], place, *parts[at[0] + 1 :]])])
        found = kept if found is None else found + kept
    return found


def _places(where: Any, n: int) -> Any:
    """Whether each index is each of the places."""
    return elementwise(CODE["equal"], where[..., None], np.arange(n, dtype=np.float64))


def _all_found(places: Any) -> bool:
    """Whether each index is a place, which is a guard."""
    return 0 in places.shape[:-1] or bool(folds.fold("logical_and", folds.fold("logical_or", places, -1)))


def _paired(x: VarArray, parts: list[Any], n: int) -> Any:
    """``x[i, j, ...]`` for several index arrays, the first ``n`` parts: by one after the other, each paired with those before it."""
    if not all(arrays.is_number(part) or np.asarray(part).dtype.kind in "iu" for part in parts[:n]):
        raise TracingTypeError(
            "several index arrays that are arguments have to come before slices, masks, np.newaxis and ...; np.moveaxis puts axes in front"
        )
    shape = np.broadcast_shapes(*(np.shape(part) for part in parts[:n]))
    first, *others = (
        folds.spread(asarray(part), shape).reshape(-1) if arrays.is_number(part) else np.broadcast_to(part, shape).ravel()
        for part in parts[:n]
    )
    found = x[first]
    for other in others:
        found = found[np.arange(len(found)), other]
    return asarray(found).reshape(shape + found.shape[1:])[(*(slice(None),) * len(shape), *parts[n:])]


def _axis(x: VarArray, parts: list[Any], at: int) -> int:
    """The axis that a part of an index is about."""

    def used(part: Any) -> int:
        return 0 if part is None or part is ... else np.ndim(part) if getattr(part, "dtype", None) == np.bool_ else 1

    if any(part is ... for part in parts[:at]):
        return x.ndim - sum(map(used, parts[at:]))
    return sum(map(used, parts[:at]))


def take(a: Any, indices: Any, axis: Any = None, mode: Any = "raise") -> Any:
    """`np.take`."""
    x = asarray(a)
    if not isinstance(indices, Traced):
        return x.like(np.take(x.row, indices, axis, mode=mode), np.take(x.v, indices, axis, mode=mode))
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis % x.ndim)
    return arrays.traced(indices.rec, x)[(*(slice(None),) * axis, indices)]


def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """`np.take_along_axis`."""
    x = asarray(arr)
    if not isinstance(indices, Traced):
        return x.like(np.take_along_axis(x.row, indices, axis), np.take_along_axis(x.v, indices, axis))
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis % x.ndim)
    grid: list[Any] = list(np.ogrid[tuple(map(slice, x.shape))])
    grid[axis] = indices
    return arrays.traced(indices.rec, x)[tuple(grid)]


arrays.looked_up = looked_up
arrays.is_data = is_data
