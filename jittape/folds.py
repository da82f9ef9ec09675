"""Sums, products and other folds of arrays, recorded in the order of a plain Python loop.

Every fold runs from the left, ``((x0 + x1) + x2) + ...``, and a product of matrices adds up its terms from the left,
``(x0*y0 + x1*y1) + ...``. A loop over scalars records the same operations, so it has the same values and gradients bit for bit.
Several axes are folded in C order. (NumPy adds in pairs and in blocks, so its last bits may differ.)
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from . import arrays, bulk, tracer
from .arrays import ConditionArray, VarArray, asarray, elementwise, joined, plain, recording, traced
from .ops import CODE, OPS
from .products import ADDS, FINDS, MULTIPLIES, PICKS
from .recording import CONST
from .tracer import Var

# The value of a fold over nothing; other folds have none.
EMPTY = {"add": 0.0, "multiply": 1.0, "logical_and": 1.0, "logical_or": 0.0, "hypot": 0.0, "logaddexp": -math.inf}

_EXTREMES = ("maximum", "minimum")
# A row of three takes 5 us number by number and 13 as a row, one of eight as long either way.
_SHORT = 8
# A product of matrices is one entry of the tape from so many products on, or so many if it has fewer terms, where each element is read
# so often.
_FEW_TERMS, _FEW_PRODUCTS, _MANY_PRODUCTS, _READ_OFTEN = 4, 512, 1 << 14, 2
# Rows of so many elements are faster where they are than copied.
_SHORT_ROW = 32
# What gives the same in any order: exactly, or to rounding where nobody says from the left. So do counts.
_IN_ANY_ORDER = {"maximum", "minimum", "logical_and", "logical_or", "hypot", "logaddexp"}
_PLAIN = {code for code, op in enumerate(OPS) if op.plain}


def running(code: int, x: Any) -> Any:
    """The running results of an operation along the first axis, which is not empty; one bulk append."""
    v = _accumulate(code, plain(x))
    if not isinstance(x, VarArray):
        return v
    if len(x) == 1 or not x.size:
        return arrays.class_of(code)(x.rec, x.row.copy(), v)
    rec, n, m = x.rec, x.size, math.prod(x.shape[1:])
    # the first results are the first elements; every further one adds an element to the result before it
    flat = np.empty(n, np.int32)
    flat[:m] = x.row[0].ravel()
    flat[m:] = np.arange(len(rec), len(rec) + n - m)
    rec.check(rec)
    rec.extend(code, flat[:-m], x.row[1:].ravel(), v[1:].ravel())
    return arrays.class_of(code)(rec, flat.reshape(x.shape), v)


def _accumulate(code: int, v: np.ndarray) -> np.ndarray:
    # `accumulate` computes one element at a time: for what calls functions, rows at once are two to three times as fast
    if OPS[code].ufunc and (code in _PLAIN or v.size < 32 * len(v)):
        with np.errstate(all="ignore"):
            # a copy in the order of the rows: along another axis `accumulate` is several times slower
            out = getattr(np, OPS[code].ufunc).accumulate(np.ascontiguousarray(v), axis=0)
            return out if out.dtype == np.float64 else out.astype(np.float64)
    out, value = np.array(v, np.float64), bulk.function(code)
    with np.errstate(all="ignore"):
        for i in range(1, len(v)):
            out[i] = value(out[i - 1], out[i])
    return out


def leading(x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """The array with the given axes, all by default, as one first axis; and its shape with those axes of length 1."""
    if x.ndim and (axis == 0 or (axis is None and x.ndim == 1)):
        return x, (1, *x.shape[1:])
    if axis is None:
        return x.reshape(-1), (1,) * x.ndim
    # NumPy folds a number along axis 0 or -1, too
    axes = normalize_axis_tuple(axis, max(x.ndim, 1))[: x.ndim]
    kept = [i for i in range(x.ndim) if i not in axes]
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return x.transpose(*sorted(axes), *kept).reshape(math.prod(x.shape[i] for i in axes), *(x.shape[i] for i in kept)), shape


def finish(x: Any, shape: tuple[int, ...], keepdims: bool) -> Any:
    """A result with or without the folded axes; without axes it is a number, as in NumPy."""
    if isinstance(x, Var) and not keepdims:
        return x
    out = asarray(x)
    return out.reshape(shape) if keepdims else out[()] if isinstance(out, VarArray) or out.ndim else out.item()


def fold(name: str, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """Combine the elements along axes, all by default, with an operation."""
    x, code = asarray(x, name), CODE[name]
    if where is not None:
        x = asarray(arrays.where(where, x, EMPTY[name]))
    if OPS[code].condition:
        x = asarray(elementwise(CODE["not_equal"], x, 0.0))
    x, shape = leading(x, axis)
    if initial is not None:
        x = joined([spread(asarray(initial), (1, *x.shape[1:])), x])
    if len(x) == 0:
        rec = recording(x)
        empty = np.full(x.shape[1:], EMPTY[name])
        return finish(empty if rec is None else arrays.traced(rec, empty), shape, keepdims)
    return finish((combined if name in _IN_ANY_ORDER or isinstance(x, ConditionArray) else _last)(code, x), shape, keepdims)


def combined(code: int, x: Any) -> Any:
    """All rows combined, in whatever order: halves with each other, which are blocks, as long as there are more than a few rows.

    In a running result each waits for the one before it: the largest of 10,000 took four times as long.
    """
    if isinstance(x, ConditionArray) and not OPS[code].condition:
        x = VarArray(x.rec, x.row, x.v)  # to be counted: truths would be joined by `or`
    while isinstance(x, VarArray) and len(x) > _SHORT:
        half = len(x) // 2
        both = asarray(elementwise(code, x[:half], x[half : 2 * half]))
        x = joined([both, x[2 * half :]]) if len(x) % 2 else both
    return _last(code, x)


def _last(code: int, x: Any) -> Any:
    """The last of the running results; of a short row it is recorded number by number."""
    if isinstance(x, VarArray) and x.ndim == 1 and len(x) <= _SHORT:
        return functools.reduce(functools.partial(tracer.apply, code), x.tolist())
    return running(code, x)[-1]


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """An array broadcast to a shape."""
    if isinstance(x, VarArray):
        return x.like(np.broadcast_to(x.row, shape), np.broadcast_to(x.v, shape))
    return np.broadcast_to(x, shape)


def cumulative(name: str, x: Any, axis: Any = None) -> Any:
    """The running results along an axis; of all elements in C order by default."""
    x = asarray(x, name)
    if name in _EXTREMES and isinstance(x, ConditionArray):
        name = arrays.OF_TRUTHS[name]
    if OPS[CODE[name]].condition:
        x = asarray(elementwise(CODE["not_equal"], x, 0.0))
    if axis is None or not x.ndim:
        x, axis = x.reshape(-1), axis or 0
    axis = normalize_axis_index(axis, x.ndim)
    order = (axis, *(i for i in range(x.ndim) if i != axis))
    return (running(CODE[name], x.transpose(order)) if x.size else x.transpose(order)).transpose(np.argsort(order))


def mean(x: Any, axis: Any = None, keepdims: bool = False, where: Any = None) -> Any:
    """The sum over the number of elements."""
    x = asarray(x, "mean")
    return elementwise(CODE["divide"], fold("add", x, axis, keepdims, where=where), _count(x, axis, keepdims, where))


def _count(x: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    if where is not None:
        return fold("add", spread(asarray(where), x.shape), axis, keepdims)
    return float(leading(x, axis)[0].shape[0])


def var(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False, where: Any = None) -> Any:
    """The mean squared distance from the mean."""
    x = asarray(x, "var")
    squares = elementwise(CODE["square"], x - mean(x, axis, True, where))
    total, count = fold("add", squares, axis, keepdims, where=where), _count(x, axis, keepdims, where) - ddof
    return elementwise(CODE["divide"], total, count if where is not None else max(count, 0.0))


def std(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False, where: Any = None) -> Any:
    """The square root of the variance; where that is 0 the gradient is 0."""
    square = var(x, axis, ddof, keepdims, where)
    return arrays.where(elementwise(CODE["not_equal"], square, 0.0), elementwise(CODE["sqrt"], square), 0.0)


def extreme(name: str, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """The largest or smallest element along axes; k equal ones share the derivative, 1/k each."""
    x = asarray(x, name)
    if where is not None:
        if initial is None:
            raise ValueError(
                f"reduction operation '{name}' does not have an identity, so to use a where mask one has to specify 'initial'"
            )
        x = asarray(arrays.where(where, x, initial))
    if isinstance(x, ConditionArray) and x.size:
        return fold(arrays.OF_TRUTHS[name], x, axis, keepdims, initial)
    if initial is None and not x.size:
        getattr(np, name).reduce(plain(x), axis)  # NumPy's own error where there is nothing to choose from
    x, shape = leading(x, axis)
    if initial is not None:
        x = joined([spread(asarray(initial), (1, *x.shape[1:])), x])
    if len(x) <= 2 or not isinstance(x, VarArray):
        return finish(_last(CODE[name], x), shape, keepdims)
    x = _side_by_side(x)
    found = combined(CODE[name], x)
    worse = elementwise(CODE["less" if name == "maximum" else "greater"], x, found)
    ties = float(len(x)) - asarray(fold("add", worse, 0))
    # of what is equal, so that the order does not matter
    shared = combined(CODE["add"], elementwise(CODE["gate_not"], worse, x)) / ties
    return finish(elementwise(CODE["with_gradient"], found, shared), shape, keepdims)


def _side_by_side(x: VarArray) -> VarArray:
    """An array whose rows are folded, copied where a row lies apart, as it does along the last axis, and several operations read it."""
    row = x.row.reshape(len(x), -1)
    if x.rec.hooks or row.shape[1] < _SHORT_ROW or row.item(1) - row.item(0) == 1:
        return x
    return arrays.append(x.rec, CODE["copy"], row.ravel(), 0, x.v)


# -- products -----------------------------------------------------------------------------------------------------------------


def checked(function: Any, *given: Any, **named: Any) -> Any:
    """What NumPy makes of the plain numbers, for its shape and its errors; not for warnings, since replays have none."""
    with np.errstate(all="ignore"):
        return function(*map(plain, given), **named)


def multiply(x: Any, y: Any) -> Any:
    """The product of each pair of elements."""
    return elementwise(CODE["multiply"], x, y)


def matmul(x: Any, y: Any) -> Any:
    """The product of matrices, or of stacks of them; vectors as in NumPy."""
    x, y = asarray(x, "matmul"), asarray(y, "matmul")
    if recording(x, y) is None:
        return np.matmul(x, y)
    if x.ndim == 1 and x.shape == y.shape:
        return _contracted(x, y)
    v = checked(np.matmul, x, y)
    if x.ndim == 2 and y.ndim == 1:
        return _contracted(x.transpose(), y.reshape(-1, 1))
    x = x.reshape(1, -1) if x.ndim == 1 else x
    y = y.reshape(-1, 1) if y.ndim == 1 else y
    n = max(x.ndim, y.ndim)
    x, y = (k.reshape((1,) * (n - k.ndim) + k.shape) for k in (x, y))
    left = x.transpose(n - 1, *range(n - 1))
    right = y.transpose(n - 2, *range(n - 2), n - 1)
    return finish(_contracted(left[..., None], right[..., None, :]), v.shape, True)[()]


def _contracted(x: Any, y: Any, axes: int = 1) -> Any:
    """The sum over the first axes of the products of what broadcasts."""
    found = _by_matrices(x, y, axes)
    return _summed(multiply(x, y), tuple(range(axes))) if found is None else found


def picked(labels: Any, x: Any) -> Any:
    """``x[labels]`` for traced labels, which are numbers of rows of x."""
    rec = recording(labels, x)
    if rec is None or rec.hooks:  # nothing is replayed
        return x[plain(labels).astype(np.intp)]
    column, table = labels.reshape(-1, 1), x.reshape(len(x), -1)
    start, v = rec.multiply_matrices(column.row, table.row, column.v, table.v, PICKS)
    shape = labels.shape + x.shape[1:]
    return x.like(arrays.numbered(start, shape), v.reshape(shape))


def collected(labels: Any, x: Any, y: Any, kind: int = ADDS) -> Any:
    """A copy of x in which each row of y, in their order, is added to the one with its traced label; or set, where those are plain."""
    if labels.rec.hooks:  # nothing is replayed
        out = traced(labels.rec, asarray(x).copy())
        there = plain(labels).astype(np.intp)
        if kind == ADDS:
            np.add.at(out, there, y)
        else:
            out[there] = y
        return out
    column, both = labels.reshape(-1, 1), traced(labels.rec, joined([asarray(k).reshape(len(k), -1) for k in (x, y)]))
    start, v = labels.rec.multiply_matrices(column.row, both.row, column.v, both.v, kind)
    return VarArray(labels.rec, arrays.numbered(start, x.shape), v.reshape(x.shape))


def found(x: Any, grid: Any) -> Any:
    """How many numbers of a grid in ascending order are not above each number: labels."""
    rec = recording(x, grid)
    assert rec is not None
    if rec.hooks:  # nothing is replayed
        return traced(rec, asarray(np.searchsorted(plain(grid), plain(x), "right").astype(float)))
    column, places = (traced(rec, asarray(k)).reshape(-1, 1) for k in (x, grid))
    start, v = rec.multiply_matrices(column.row, places.row, column.v, places.v, FINDS)
    return VarArray(rec, arrays.numbered(start, x.shape), v.reshape(x.shape))


def _by_matrices(x: Any, y: Any, axes: int) -> Any:
    """The same as products of matrices, each an entry of the tape, or None where those are small, or no element is read twice."""
    lengths = [max(pair) for pair in zip(x.shape, y.shape, strict=True)]
    rest = range(axes, len(lengths))
    of_both = [i for i in rest if x.shape[i] == y.shape[i]]
    of_x, of_y = ([i for i in rest if i not in of_both and k.shape[i] == lengths[i]] for k in (x, y))
    stack, m, n = (math.prod([lengths[i] for i in some]) for some in (of_both, of_x, of_y))
    terms = math.prod(lengths[:axes])
    rec = recording(x, y)
    if rec is None or rec.hooks or x.shape[:axes] != y.shape[:axes] or arrays.are_truths(x, y):
        return None
    large = m * n * terms >= (_FEW_PRODUCTS if terms >= _FEW_TERMS else _MANY_PRODUCTS) and terms > 1
    if not (large and all(_often(k, m * n * terms * stack) for k in (x, y))):
        return None
    summed = range(axes)
    left, right = ((_rows(rec, k), plain(k)) for k in (x, y))
    left = [k.transpose(*of_both, *of_x, *summed, *of_y).reshape(stack, m, terms) for k in left]
    right = [k.transpose(*of_both, *summed, *of_y, *of_x).reshape(stack, terms, n) for k in right]
    row, v = np.empty((stack, m, n), np.int32), np.empty((stack, m, n))
    for i, matrices in enumerate(zip(*left, *right, strict=True)):
        xr, xv, yr, yv = matrices
        (first, rows), (second, columns) = _distinct(xr), _distinct(yr.T)
        start, found = rec.multiply_matrices(xr[first], yr[:, second], xv[first], yv[:, second], MULTIPLIES)
        row[i] = arrays.numbered(start, found.shape)[rows][:, columns]
        v[i] = found[rows][:, columns]
    order = [*of_both, *of_x, *of_y]
    shape, back = [lengths[i] for i in order], np.argsort(order)
    return VarArray(rec, row.reshape(shape).transpose(back).copy(), v.reshape(shape).transpose(back).copy())[()]


def _distinct(row: np.ndarray) -> tuple[Any, Any]:
    """Which rows of a factor differ from all before them, and which of those each row is; slices where all differ."""
    everything = slice(None), slice(None)
    if len(np.unique(row[:, 0])) == len(row):
        return everything
    _, index, inverse = np.unique(row, axis=0, return_index=True, return_inverse=True)
    if len(index) == len(row):
        return everything
    order = np.argsort(index)
    return index[order], np.argsort(order)[inverse.reshape(-1)]


def _rows(rec: Any, x: Any) -> np.ndarray:
    """The rows of a factor; those of constants are the same each time."""
    if isinstance(x, VarArray):
        return x.row
    known = "constants", x.shape, x.tobytes()
    if known not in rec.matrices:
        rec.matrices[known] = arrays.rows(rec, x)
    return rec.matrices[known]


def _often(x: Any, products: int) -> bool:
    """Whether each element is read often enough that it pays to have them in a row, or whether they lie in one anyway."""
    if x.size * _READ_OFTEN <= products or not isinstance(x, VarArray):
        return True
    op = np.frombuffer(x.rec.settle()[0], np.uint8)
    return bool((op[x.row] >= CONST).all())


def _summed(products: Any, axis: Any) -> Any:
    """The sum of products along axes; of truth values it is one."""
    return fold("logical_or" if isinstance(products, ConditionArray) else "add", products, axis)


def dot(x: Any, y: Any) -> Any:
    """`np.dot`: the sum of products over the last axis of ``x`` and the last but one of ``y``."""
    x, y = asarray(x, "dot"), asarray(y, "dot")
    if not x.ndim or not y.ndim:
        return multiply(x, y)
    if x.ndim == 1 and x.shape == y.shape:
        return matmul(x, y)
    if y.ndim <= 2:
        checked(np.dot, x, y)
        return matmul(x, y)
    return tensordot(x, y, ((x.ndim - 1,), (y.ndim - 2,)))


def vdot(x: Any, y: Any) -> Any:
    """The sum of products of all elements in C order."""
    return matmul(asarray(x, "vdot").reshape(-1), asarray(y, "vdot").reshape(-1))


def inner(x: Any, y: Any) -> Any:
    """The sum of products over the last axes."""
    x, y = asarray(x, "inner"), asarray(y, "inner")
    checked(np.inner, x, y)
    return tensordot(x, y, ((x.ndim - 1,), (y.ndim - 1,))) if x.ndim and y.ndim else multiply(x, y)


def outer(x: Any, y: Any) -> Any:
    """The product of every element with every other."""
    return multiply(asarray(x, "outer").reshape(-1, 1), asarray(y, "outer").reshape(1, -1))


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes."""
    x, y = asarray(x, "tensordot"), asarray(y, "tensordot")
    v = checked(np.tensordot, x, y, axes=axes)
    first, second = (range(x.ndim - axes, x.ndim), range(axes)) if isinstance(axes, int) else axes
    over_x, over_y = (normalize_axis_tuple(a, k.ndim) for a, k in ((first, x), (second, y)))
    kept_x, kept_y = ([i for i in range(k.ndim) if i not in over] for k, over in ((x, over_x), (y, over_y)))
    n = math.prod(x.shape[i] for i in over_x)
    left = x.transpose(*kept_x, *over_x).reshape(math.prod(x.shape[i] for i in kept_x), n)
    right = y.transpose(*over_y, *kept_y).reshape(n, math.prod(y.shape[i] for i in kept_y))
    return asarray(matmul(left, right)).reshape(v.shape)[()]


def einsum(subscripts: Any, *given: Any, optimize: Any = False) -> Any:
    """`np.einsum`; of more than two operands pair by pair, in the order that `np.einsum_path` finds."""
    if not isinstance(subscripts, str):
        subscripts, given = _spelled(subscripts, *given)
    xs = [asarray(x, "einsum") for x in given]
    v = checked(np.einsum, subscripts, *xs)
    labels, output = _labels(subscripts, xs)
    if len(xs) > 2:
        steps = np.einsum_path(subscripts, *map(plain, xs), optimize=optimize or "greedy")[0][1:]
        for step in steps[:-1]:
            chosen = [(xs.pop(i), labels.pop(i)) for i in sorted(step, reverse=True)][::-1]  # type: ignore[call-overload]
            left = {*output, *"".join(labels)}
            kept = "".join(dict.fromkeys(c for _, names in chosen for c in names if c in left))
            xs.append(asarray(_together([x for x, _ in chosen], [names for _, names in chosen], kept)))
            labels.append(kept)
    return asarray(_together(xs, labels, output)).reshape(v.shape)[()]


def _together(xs: list[Any], labels: list[str], output: str) -> Any:
    """The products of elements from left to right, then their sums in the order in which their labels appear."""
    summed = [c for c in dict.fromkeys("".join(labels)) if c not in output]
    order = [*summed, *output]
    factors = []
    for x, names in zip(xs, labels, strict=True):
        while repeated := [c for c in names if names.count(c) > 1]:
            i, j = names.index(repeated[0]), names.rindex(repeated[0])
            x = (
                x.like(np.diagonal(x.row, 0, i, j), np.diagonal(x.v, 0, i, j))
                if isinstance(x, VarArray)
                else np.diagonal(x, 0, i, j)
            )
            names = names[:i] + names[i + 1 : j] + names[j + 1 :] + names[i]
        x = x.transpose([names.index(c) for c in order if c in names])
        sizes = iter(x.shape)
        factors.append(x.reshape([next(sizes) if c in names else 1 for c in order]))
    if len(factors) == 2 and summed:
        return _contracted(factors[0], factors[1], len(summed))
    product = asarray(functools.reduce(multiply, factors))
    return asarray(_summed(product, tuple(range(len(summed)))) if summed else product)


def _spelled(*given: Any) -> tuple[str, tuple[Any, ...]]:
    """The subscripts as a string, and the operands, where each operand is followed by a list of its axes."""
    n = len(given) // 2 * 2
    names = ["".join("..." if axis is ... else chr(ord("a") + axis) for axis in axes) for axes in (*given[1:n:2], *given[n:])]
    return ",".join(names[: n // 2]) + "".join(f"->{output}" for output in names[n // 2 :]), given[:n:2]


def _labels(subscripts: str, xs: list[Any]) -> tuple[list[str], str]:
    """One letter per axis of every operand and of the result; the axes of an ellipsis get letters that are free."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    labels = inputs.split(",")
    free = [chr(c) for c in range(0x100, 0x140)]
    spans = [x.ndim - len(names) + 3 for x, names in zip(xs, labels, strict=True) if "..." in names]
    widest = free[: max(spans, default=0)]
    named = []
    for x, names in zip(xs, labels, strict=True):
        n = x.ndim - len(names) + 3
        named.append(names.replace("...", "".join(widest[len(widest) - n :])))
    if not arrow:
        letters = "".join(labels).replace(".", "")
        output = "..." * bool(spans) + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return named, output.replace("...", "".join(widest))
