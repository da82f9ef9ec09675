"""NumPy's functions of order and of truths. Sorted values need no question; for places each comparison that decides is a guard.

What is asked next depends on earlier outcomes only, so that recordings of different orders share their path up to the first
comparison that comes out differently.
"""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from . import arrays, folds
from .arrays import VarArray, asarray, elementwise, plain, plain_index
from .ops import CODE
from .tracer import Traced

truths = plain_index
# A network of so many elements has a million comparisons; a recorded order, one guard for each of n log n.
_MOST_SORTED = 1 << 14


def _lanes(x: Any, axis: Any) -> tuple[Any, int]:
    """The array with an axis moved to the end, which is all of it for None; and that axis."""
    x = asarray(x)
    if axis is None or not x.ndim:
        return x.reshape(-1), normalize_axis_index(axis or 0, 1)
    axis = normalize_axis_index(axis, x.ndim)
    return x.transpose(*(i for i in range(x.ndim) if i != axis), axis), axis


def _nan(x: Any) -> np.ndarray:
    """Where the elements are NaN: one question where none is, otherwise one more for each."""
    found = elementwise(CODE["isnan"], x)
    if not x.size or not folds.fold("logical_or", found):
        return np.zeros(x.shape, np.bool_)
    return np.reshape(truths(found), x.shape)


def _order(x: VarArray, nan: np.ndarray) -> np.ndarray:
    """The order that sorts the last axis, NaN last, by comparisons of two elements each."""
    found = np.empty(x.shape, np.intp)
    for lane in np.ndindex(x.shape[:-1]):
        elements = list(x[lane])
        known = sorted(np.flatnonzero(~nan[lane]).tolist(), key=elements.__getitem__)
        found[lane] = known + np.flatnonzero(nan[lane]).tolist()
    return found


def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """`np.argsort`, stable; plain integers."""
    x, axis = _lanes(a, axis)
    return np.moveaxis(_order(x, _nan(x)), -1, axis)


def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """`np.sort`, without a question about the order; equal elements share the derivative."""
    if axis is not None:
        normalize_axis_index(axis, np.ndim(a))
    x, axis = _lanes(a, axis)
    nan = _nan(x)
    if x.shape[-1] <= _MOST_SORTED and not nan.any():
        return np.moveaxis(_merged(x.copy()), -1, axis)
    found = _order(x, nan)
    return x.like(*(np.moveaxis(np.take_along_axis(k, found, -1), -1, axis) for k in (x.row, x.v)))


def _merged(x: Any) -> Any:
    """The last axis sorted in place by Batcher's network of merge exchanges: the smaller of two elements to the left, layer by layer.

    Source: Knuth, The Art of Computer Programming, volume 3, algorithm 5.2.2M.
    """
    i = np.arange(x.shape[-1])
    first = 1 << max(len(i) - 1, 0).bit_length() >> 1
    p = first
    while p:
        q, r, d = first, 0, p
        while True:
            left = i[: max(len(i) - d, 0)]
            left = left[left & p == r]
            low, high = x[..., left], x[..., left + d]
            x[..., left], x[..., left + d] = elementwise(CODE["minimum"], low, high), elementwise(CODE["maximum"], low, high)
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return x


def _best(better: str, a: Any, axis: Any, keepdims: bool) -> Any:
    """`np.argmax` or `np.argmin`: the first of the best, or the first NaN."""
    x, where = _lanes(a, axis)
    if not x.shape[-1]:
        (np.argmax if better == "greater" else np.argmin)(x.v, -1)  # NumPy's own error
    nan = _nan(x)
    found = np.empty(x.shape[:-1], np.intp)
    for lane in np.ndindex(found.shape):
        elements, best = list(x[lane]), 0
        for i in range(1, len(elements)) if not nan[lane].any() else ():
            if elements[i] > elements[best] if better == "greater" else elements[i] < elements[best]:
                best = i
        found[lane] = np.argmax(nan[lane]) if nan[lane].any() else best
    if not keepdims:
        return found[()]
    return found.reshape((1,) * np.ndim(a)) if axis is None or not np.ndim(a) else np.expand_dims(found, where)


def argmax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """`np.argmax`; plain integers."""
    return _best("greater", a, axis, keepdims)


def argmin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """`np.argmin`; plain integers."""
    return _best("less", a, axis, keepdims)


def median(a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """`np.median`: the middle of the sorted elements, or the mean of the two in the middle; NaN where there are none."""
    if not len(folds.leading(asarray(a), axis)[0]):
        return np.mean(a, axis, keepdims=keepdims)
    return quantile(a, 0.5, axis, keepdims=keepdims)


def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """`np.quantile` of the sorted elements; between which two a traced ``q`` lies is a guard."""
    x, shape = folds.leading(asarray(a), axis)
    if not len(x):
        raise IndexError("cannot take a quantile of no elements")
    if isinstance(q, Traced):
        at, low = _traced_place(asarray(q), len(x), method)
    else:
        # of their own numbers the quantile is a place between two elements
        at = np.asarray(np.quantile(np.arange(float(len(x))), q, method=method))  # type: ignore[call-overload]
        low = np.floor(at).astype(int)
    x = np.sort(x, 0)
    high = np.minimum(low + 1, len(x) - 1)
    share = (at - low).reshape(at.shape + (1,) * (x.ndim - 1))
    mixed = x[low] * (1.0 - share) + x[high] * share
    out = mixed if isinstance(q, Traced) else arrays.where(share == 0.0, x[low], mixed)
    out = asarray(arrays.where(np.isnan(plain(x[-1])), x[-1], out))  # NaN was sorted to the end
    return out.reshape(at.shape + shape) if keepdims else out[()]


def _traced_place(q: Any, n: int, method: str) -> tuple[Any, Any]:
    """Where a traced quantile lies among ``n`` elements, and the number of the one before it."""
    if method != "linear":
        raise TypeError(f"np.quantile at traced quantiles knows the method linear, not {method!r}")
    if not np.all(truths((q >= 0.0) & (q <= 1.0))):
        raise ValueError("Quantiles must be in the range [0, 1]")
    at = q * (n - 1.0)
    return at, np.asarray(searchsorted(np.arange(1.0, n), at, "right"))


def percentile(a: Any, q: Any, axis: Any = None, **kwargs: Any) -> Any:
    """`np.percentile`."""
    return quantile(a, elementwise(CODE["divide"], q, 100.0), axis, **kwargs)


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """`np.searchsorted` by bisection; plain integers."""
    table, x = asarray(a), asarray(v)
    if arrays.recording(table, x) is None:
        return np.searchsorted(table, x, side, sorter)  # type: ignore[call-overload]
    np.searchsorted(plain(table)[:0], 0.0)  # NumPy's own error where the table is no vector
    table = list(table if sorter is None else table[sorter])
    find = {"left": bisect.bisect_left, "right": bisect.bisect_right}[side]
    nan = _nan(x).reshape(-1)
    found = [len(table) if nan[i] else find(table, element) for i, element in enumerate(x.reshape(-1))]
    return np.array(found, np.intp).reshape(x.shape)[()]


def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """`np.digitize` by bisection; plain integers."""
    edges = asarray(bins)
    if edges.ndim != 1:
        raise ValueError("object too deep for desired array" if edges.ndim else "object of too small depth for desired array")
    falling = len(edges) > 1 and bool(edges[-1] < edges[0])
    edges = edges[::-1] if falling else edges
    if len(edges) > 1 and not np.all(truths(edges[1:] >= edges[:-1])):
        raise ValueError("bins must be monotonically increasing or decreasing")
    found = searchsorted(edges, x, "left" if right != falling else "right")
    return len(edges) - found if falling else found


def lexsort(keys: Any, axis: int = -1) -> Any:
    """`np.lexsort`: the order by the last key, where equal by the one before it, and so on; plain integers."""
    x = asarray(keys)
    x = x.reshape(1, *x.shape) if x.ndim < 2 else np.moveaxis(x, axis if axis < 0 else axis + 1, -1)
    found = np.empty(x.shape[1:], np.intp)
    for lane in np.ndindex(x.shape[1:-1]):
        columns = [list(key[lane]) for key in x[::-1]]
        found[lane] = sorted(range(x.shape[-1]), key=lambda i, columns=columns: [column[i] for column in columns])  # type: ignore[misc]
    return np.moveaxis(found, -1, axis)


def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, *, equal_nan: bool = True,
    sorted: bool = True,
) -> Any:  # fmt: skip
    """`np.unique` of all elements; which are equal is a guard, and the first of equals is kept."""
    x = asarray(ar)
    flat = x.reshape(-1)
    order = argsort(flat)
    new = np.ones(len(flat), np.bool_)
    if len(flat) > 1:
        ranked = flat[order]
        new[1:] = truths(ranked[1:] != ranked[:-1])
        if equal_nan and (nan := _nan(ranked)).any():
            new[1:] &= ~(nan[1:] & nan[:-1])
    first = np.flatnonzero(new)
    found = [flat[order[first]]]
    if return_index:
        found.append(order[first])
    if return_inverse:
        inverse = np.empty(len(flat), np.intp)
        inverse[order] = np.cumsum(new) - 1
        found.append(inverse.reshape(x.shape))
    if return_counts:
        found.append(np.diff(np.append(first, len(flat))))
    return tuple(found) if len(found) > 1 else found[0]


def nonzero(a: Any) -> Any:
    """`np.nonzero`; plain integers."""
    return np.nonzero(truths(elementwise(CODE["not_equal"], asarray(a), 0.0)))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """`np.array_equal`; every element is compared."""
    x, y = asarray(a1), asarray(a2)
    return x.shape == y.shape and bool(np.all(truths(asarray(elementwise(CODE["equal"], x, y)))))


def array_equiv(a1: Any, a2: Any) -> bool:
    """`np.array_equiv`; every element is compared."""
    try:
        equal = elementwise(CODE["equal"], a1, a2)
    except ValueError:  # the shapes do not fit
        return False
    return bool(np.all(truths(asarray(equal))))


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """`np.isclose`; traced truth values."""
    x, y = asarray(a), asarray(b)
    size = elementwise(CODE["abs"], y)
    near = elementwise(CODE["less_equal"], elementwise(CODE["abs"], x - y), atol + rtol * size)
    near = elementwise(CODE["logical_and"], near, elementwise(CODE["isfinite"], y))
    near = elementwise(CODE["logical_or"], near, elementwise(CODE["equal"], x, y))
    if equal_nan:
        both = elementwise(CODE["logical_and"], elementwise(CODE["isnan"], x), elementwise(CODE["isnan"], y))
        near = elementwise(CODE["logical_or"], near, both)
    return near


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """`np.allclose`; the outcome is a guard."""
    return bool(folds.fold("logical_and", isclose(a, b, rtol, atol, equal_nan)))


SORTING: dict[Any, Any] = {
    np.sort: sort,
    np.partition: lambda a, kth, axis=-1, kind="introselect", order=None: sort(a, axis),
    np.median: median,
    np.quantile: quantile,
    np.percentile: percentile,
}
ASKING: dict[Any, Any] = {
    np.argsort: argsort,
    np.argmax: argmax,
    np.argmin: argmin,
    np.argpartition: lambda a, kth, axis=-1, kind="introselect", order=None: argsort(a, axis),
    np.lexsort: lexsort,
    np.unique: unique,
    np.searchsorted: searchsorted,
    np.digitize: digitize,
    np.nonzero: nonzero,
    np.flatnonzero: lambda a: nonzero(asarray(a).reshape(-1))[0],
    np.argwhere: lambda a: np.transpose(nonzero(a)),
    np.array_equal: array_equal,
    np.array_equiv: array_equiv,
    np.isclose: isclose,
    np.allclose: allclose,
}
