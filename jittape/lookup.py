"""Indexing by numbers that are known only when a program runs, such as the labels of a minibatch.

What is looked up, stored, added and counted is an entry of the tape like a product of matrices; that the index is among the places is a
guard. What `np.multiply.at` and its like combine is compared with every place, which keeps what it has or takes the new.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from . import arrays, folds, tracer
from .arrays import VarArray, asarray, elementwise
from .errors import TracingTypeError
from .memory import require
from .ops import CODE, MATMUL, OPS
from .products import FINDS, SETS, holding
from .recording import CONST, DATA, INPUT, Recording
from .tracer import Traced, Var

# What counts come from, beside arguments that are arrays of integers, and what has no derivative.
_COUNTS = {CONST} | {code for code, op in enumerate(OPS) if op.flat}
_WITHOUT_DERIVATIVE = {DATA} | _COUNTS
_MOST_PLACES = 10_000
# Bytes that an element takes while it is recorded and planned.
_A_PLACE = 200
# All floats from here on are whole numbers.
_WHOLE = 2.0**53


def is_data(x: VarArray) -> bool:
    """Whether these numbers have no derivative that an index could drop: nothing differentiated is among what they come from."""
    return _without_derivative(x.rec, x.row.ravel().tolist())


def _without_derivative(rec: Recording, todo: list[int]) -> bool:
    """The same of rows, of which the list is used up.

    What was found to have none is known from then on: a chain of lookups would be gone through at each of them. That is forgotten
    where rows move.
    """
    return _come_from(_WITHOUT_DERIVATIVE, rec, todo, set() if rec.hooks else rec.data)


def _counted(x: Traced) -> float | None:
    """The number that something is which comes from comparisons, steps and arrays of integers alone: it is asked for once, a guard."""
    rec = x.rec
    if isinstance(x, VarArray) and not x.ndim:
        x = x.item()
    # beyond, floats are no longer what ints would be
    if not isinstance(x, Var) or _WHOLE <= abs(x.v) < math.inf:
        return None
    if not rec.hooks and x.row in rec.labels:
        return float(x.v)
    if not _come_from(_COUNTS, rec, [x.row], set() if rec.hooks else rec.counts):
        return None
    if not x != x:
        _ask(x)
    if not rec.hooks:
        rec.labels.add(x.row)
    return float(x.v)


def _come_from(sources: set[int], rec: Recording, todo: list[int], seen: set[Any]) -> bool:
    """Whether rows, of which the list is used up, come from nothing but what is among some kinds and operations."""
    op, a, b, _ = rec.settle()
    new: set[Any] = {0}
    while todo:
        row = todo.pop()
        if row in seen or row in new:
            continue
        new.add(row)
        if op[row] == INPUT or (op[row] == DATA and DATA not in sources and not any(row in rows for rows in rec.integers)):
            return False
        if op[row] == MATMUL:
            product = holding(rec.products, row)
            if product.kind == FINDS:
                continue
            for factor in (product.x, product.y):
                if (id(factor),) not in seen and (id(factor),) not in new:
                    new.add((id(factor),))
                    todo += factor.ravel().tolist()
            continue
        if op[row] not in sources:
            todo += (a[row], b[row])
    seen |= new
    return True


def _hash(x: Var) -> int:
    """The hash of a traced number: by value where nothing differentiated is in it, as in a label, and that value is a guard then.

    Any other hashes by identity: a set or a memo of values that depend on the point would be that of one point.
    """
    rec = x.rec
    if x.row in rec.labels:
        return hash(x.v)
    if rec.hooks or rec.code(x.row) == INPUT or not _without_derivative(rec, [x.row]) or x != x:  # NaN equals nothing
        return object.__hash__(x)
    _ask(x)
    rec.labels.add(x.row)
    return hash(x.v)


def _ask(x: Any) -> None:
    """Ask for a number: questions, each after the answers to those before it, whose answers are those of no other number."""
    size: Any = -x if x < 0.0 else x
    if not (size < _WHOLE and size == _above(size, 1) - 1.0) and size < math.inf:
        _ask_bits(size)


def _ask_bits(x: Any) -> None:
    """Ask for every bit of a positive, finite number: questions whose answers are those of no other number."""
    low, high = -1075, 1024  # 2**low <= x < 2**high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if x < math.ldexp(1.0, middle) else (middle, high)
    rest = x * math.ldexp(1.0, 500 if low < -500 else 0) * math.ldexp(1.0, -low - (500 if low < -500 else 0))
    rest = rest - 1.0
    while rest != 0.0:
        rest = 2.0 * rest
        if rest >= 1.0:
            rest = rest - 1.0


def looked_up(x: VarArray, index: Any) -> Any:
    """``x[index]`` for an index with traced arrays in it."""
    labels, lanes, axis, shape = _source(x, *_parts(index))
    if 0 in shape:
        return x.like(np.zeros(shape, np.int32), np.zeros(shape))
    rows = folds.picked(labels, lanes)
    return np.moveaxis(rows, range(labels.ndim), range(axis, axis + labels.ndim)) if axis else rows


def _source(x: VarArray, parts: list[Any], at: list[int]) -> tuple[Any, Any, int | None, tuple[int, ...]]:
    """What an index with traced parts is about: labels, and what they are labels of, along its first axis; and the result's shape.

    Those are parts of ``x`` along the axis that is returned, where all else in the index are slices; or else, and then there is no axis,
    all its elements.
    """
    axes = [_axis(x, parts, i) for i in at]
    parts = parts.copy()
    for i, axis in zip(at, axes, strict=True):
        parts[i] = _places_of(parts[i], x.shape[axis], axis)
    firsts = _put(parts, {i: np.zeros(parts[i].shape, np.intp) for i in at})
    if len(at) == 1 and all(isinstance(part, slice) for i, part in enumerate(parts) if i != at[0]):
        lanes = np.moveaxis(x[_put(parts, {at[0]: slice(None)})], axes[0], 0)
        return parts[at[0]], lanes, axes[0], np.broadcast_to(0, x.shape)[firsts].shape  # and NumPy's own errors
    # of the element that each one of the result would be if all labels were 0, the number
    number = np.asarray(np.arange(x.size).reshape(x.shape)[firsts])
    labels: Any = number
    for i, axis in zip(at, axes, strict=True):
        step = math.prod(x.shape[axis + 1 :])
        steps = (parts[i] if step == 1 else parts[i] * float(step)).reshape(-1)
        labels = labels + steps[_belongs(x, parts, at, i, axis)]
    return asarray(labels), x.reshape(-1), None, number.shape


def stored(
    x: VarArray, index: Any, value: Any, combined: Callable[..., Any] | None = None, added: Callable[..., Any] | None = None
) -> None:
    """``x[index] = value`` with traced arrays in the index; with ``combined``, what it makes of the element there and the value.

    It goes from element to element of the index in order: of several for one place the last stays. With ``added`` what that makes of
    the values is added.
    """
    parts, at = _parts(index)
    if combined is not None and added is None:
        return _combined_in_turn(x, parts, at, value, combined)
    labels, lanes, axis, shape = _source(x, parts, at)
    new = folds.spread(asarray(value), shape)
    if not new.size:
        return
    places = range(labels.ndim)
    new = np.moveaxis(new, [k + axis for k in places], places) if axis else new
    new, labels = asarray(new).reshape(-1, *lanes.shape[1:]), labels.reshape(-1)
    if added is not None:
        result = folds.collected(labels, lanes, added(new))
    else:  # which of the values a place has, or that it keeps its own, is a label, too
        n = float(len(lanes))
        source = folds.collected(labels, np.arange(n), n + np.arange(len(labels)), SETS)
        result = folds.picked(source, arrays.joined([lanes, new]))
    if axis is None:
        x[...] = result.reshape(x.shape)
    else:
        lanes[...] = result


def _combined_in_turn(x: VarArray, parts: list[Any], at: list[int], value: Any, combined: Callable[..., Any]) -> None:
    """What elements and values combine to, one after the other: every value compares with every place that it could be for."""
    axes = [_axis(x, parts, i) for i in at]
    numbers, sizes = np.arange(x.size).reshape(x.shape), [x.shape[axis] for axis in axes]
    known = [_places(_places_of(parts[i], n, axis), n) for i, n, axis in zip(at, sizes, axes, strict=True)]
    if not all(sizes):
        return  # and no index, or it would have been out of bounds
    # every element that the index could mean, as NumPy finds them: one more axis, for the combinations of places
    spots = [
        numbers[_put(parts, {i: np.full(parts[i].shape, k) for i, k in zip(at, ks, strict=True)})] for ks in np.ndindex(*sizes)
    ]
    shape = np.shape(spots[0])
    truths = []
    for t, (i, axis) in enumerate(zip(at, axes, strict=True)):
        truth = known[t].reshape(-1, sizes[t])[_belongs(x, parts, at, i, axis)]
        truths.append(truth.reshape(*shape, *(n if k == t else 1 for k, n in enumerate(sizes))))
    chosen = functools.reduce(functools.partial(elementwise, CODE["logical_and"]), truths).reshape(-1)
    new = folds.spread(folds.spread(asarray(value), shape)[..., None], (*shape, len(spots))).flatten()  # no view of ``x``
    places = np.stack(spots, -1).reshape(-1)
    for turn in turns(places):
        where = np.unravel_index(places[turn], x.shape)
        x[where] = arrays.where(chosen[turn], combined(x[where], new[turn]), x[where])


def turns(places: np.ndarray) -> list[np.ndarray]:
    """Which elements are the first of their place, which the second, and so on: so each place gets its own in order."""
    order = np.argsort(places, kind="stable")
    rank = np.empty(len(places), np.intp)
    rank[order] = np.arange(len(places)) - np.searchsorted(places[order], places[order])
    return np.split(np.argsort(rank, kind="stable"), np.cumsum(np.bincount(rank))[:-1]) if len(places) else []


def _put(parts: Sequence[Any], others: dict[int, Any]) -> tuple[Any, ...]:
    """An index with other parts at some positions."""
    return tuple(others.get(i, part) for i, part in enumerate(parts))


def _belongs(x: VarArray, parts: list[Any], at: list[int], i: int, axis: int) -> Any:
    """Which element of the ``i``-th part of an index belongs to each element of the result: NumPy's answer for their numbers."""
    elements = np.arange(parts[i].size)
    counted = [len(elements) if k == axis else n for k, n in enumerate(x.shape)]
    spread = np.broadcast_to(elements.reshape([-1 if k == axis else 1 for k in range(x.ndim)]), counted)
    firsts = {j: np.zeros(parts[j].shape, np.intp) for j in at}
    return spread[_put(parts, firsts | {i: elements.reshape(parts[i].shape)})]


def _parts(index: Any) -> tuple[list[Any], list[int]]:
    """The parts of an index, and which are traced arrays of numbers; an error where one has a derivative."""
    parts = list(index) if isinstance(index, tuple) else [index]
    at = [i for i, part in enumerate(parts) if arrays.is_number(part)]
    for i, part in enumerate(parts):
        if i not in at and isinstance(part, (list, bool)):
            parts[i] = np.asarray(arrays.plain_index(part))
    for i in at:
        parts[i] = asarray(parts[i])
        if not is_data(parts[i]):
            tracer.refuse_index(parts[i])
    return parts, at


def _places_of(where: Any, n: int, axis: int) -> Any:
    """The places, of ``n``, that an index means, which counts from the end where it is negative; that it is one of them is a guard.

    It is asked once for the same labels.
    """
    known, rec = ("places", where.shape, where.row.tobytes(), n), where.rec
    if rec.hooks:  # rows move
        return _checked_places(where, n, axis)
    if known not in rec.matrices:
        rec.matrices[known] = _checked_places(where, n, axis).copy()  # what is written to labels later does not matter
    return rec.matrices[known]


def _checked_places(where: Any, n: int, axis: int) -> Any:
    """The same, asked."""
    if not _all_below(where, n):
        where = asarray(where + elementwise(CODE["gate"], elementwise(CODE["less"], where, 0.0), float(n)))
        if not _all_below(where, n):
            raise IndexError(f"an index is out of bounds for axis {axis} with size {n}, or is no integer")
    return where


def _all_below(where: Any, n: int) -> bool:
    """Whether all are whole numbers from 0 on, and below ``n``, which is a guard."""
    if not where.size:
        return True
    nearest = elementwise(CODE["clip_high"], elementwise(CODE["clip_low"], elementwise(CODE["trunc"], where), 0.0), n - 1.0)
    return _all(elementwise(CODE["equal"], where, nearest), f"every index is in range({n})")


def _all(truths: Any, claim: str) -> bool:
    """Whether all are true, which is a guard of this name."""
    truths = asarray(truths).reshape(-1)
    side = math.isqrt(truths.size)  # side by side: a chain over all would wait for each
    rows = folds.fold("logical_and", truths[: side * side].reshape(side, side), 0)
    out = folds.fold("logical_and", arrays.joined([rows, truths[side * side :]]))
    if isinstance(out, Traced) and not out.rec.hooks:
        out.rec.names[out.row] = claim
    return bool(out)


def _places(where: Any, n: int) -> Any:
    """Whether each index is each of the places."""
    if n > _MOST_PLACES:
        raise TracingTypeError(
            f"an index that is an argument is one of at most {_MOST_PLACES} places, not {n}, where elements combine otherwise than by "
            "np.add.at and np.subtract.at; pass it as a static value"
        )
    return elementwise(CODE["equal"], where[..., None], np.arange(n, dtype=np.float64))


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
    indices = asarray(indices) if arrays.is_number(indices) else indices
    if not isinstance(indices, Traced):
        return x.like(np.take(x.row, indices, axis, mode=mode), np.take(x.v, indices, axis, mode=mode))
    x, axis = (x.reshape(-1), 0) if axis is None else (x, normalize_axis_index(axis, x.ndim))
    if mode == "wrap":
        indices = indices % x.shape[axis]
    elif mode == "clip":
        indices = elementwise(CODE["clip_high"], elementwise(CODE["clip_low"], indices, 0.0), x.shape[axis] - 1.0)
    return arrays.traced(indices.rec, x)[(*(slice(None),) * axis, indices)]


def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """`np.take_along_axis`."""
    x = asarray(arr)
    if not isinstance(indices, Traced):
        return x.like(np.take_along_axis(x.row, indices, axis), np.take_along_axis(x.v, indices, axis))
    x, axis = (x.reshape(-1), 0) if axis is None else (x, normalize_axis_index(axis, x.ndim))
    if asarray(indices).ndim != x.ndim:
        raise ValueError("np.take_along_axis: `indices` and `arr` must have the same number of dimensions")
    grid: list[Any] = list(np.ogrid[tuple(map(slice, x.shape))])
    grid[axis] = indices
    return arrays.traced(indices.rec, x)[tuple(grid)]


def _above(x: Any, least: int) -> int:
    """The smallest integer that is above a number, and at least ``least``: by questions, whose answers lead to it. The number is finite."""
    if x < float(least):
        return least
    low, high = least, max(2 * least, 1)
    while not x < float(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if x < float(middle) else (middle, high)
    return high


def bincount(x: Any, weights: Any, minlength: int) -> Any:
    """`np.bincount` of traced places: that each is one of those counted is a guard."""
    where = asarray(x)
    if not is_data(where):
        tracer.refuse_index(where)
    require(_A_PLACE * max(int(np.max(where.v, initial=0.0)), minlength or 0), "np.bincount of so many places")
    np.bincount(where.v.astype(int), minlength=minlength)  # NumPy's own errors
    n = _above(folds.fold("maximum", where), minlength) if where.size else minlength
    if not _all_below(where, n):
        raise ValueError("np.bincount: a place is negative, or is no integer")
    if not where.size:
        return arrays.traced(where.rec, np.zeros(n))
    return folds.collected(where, np.zeros(n), folds.spread(asarray(1.0 if weights is None else weights), where.shape))


tracer.hashed = _hash
tracer.counted = _counted
arrays.looked_up = looked_up
arrays.stored = stored
arrays.is_data = is_data
