"""NumPy's functions whose result depends on an order or on truths: each comparison it rests on is asked, which is a guard."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from . import arrays, folds
from .arrays import VarArray, asarray, elementwise, plain, plain_index
from .ops import CODE
from .tracer import Traced

truths = plain_index


def _asked(name: str, *xs: Any) -> None:
    """Record the outcome of a comparison, element by element."""
    truths(elementwise(CODE[name], *xs))


def _last(x: Any, axis: Any) -> tuple[Any, int]:
    """The array with an axis moved to the end, which is all of it for None."""
    x = asarray(x)
    if axis is None:
        return x.reshape(-1), 0
    axis = normalize_axis_index(axis, x.ndim)
    return x.transpose(*(i for i in range(x.ndim) if i != axis), axis), axis


def order(x: VarArray) -> np.ndarray:
    """The order that sorts the last axis, NaN last; every two neighbours in it are compared."""
    found = np.argsort(x.v, axis=-1, kind="stable")
    v, row = np.take_along_axis(x.v, found, -1), np.take_along_axis(x.row, found, -1)
    nan = np.isnan(v)
    sorted_ = VarArray(x.rec, row, v)
    low, high, numbers = sorted_[..., :-1], sorted_[..., 1:], ~nan[..., 1:]
    # equal elements stay in order, so one that moved before an earlier one is strictly less
    moved = found[..., :-1] > found[..., 1:]
    for name, which in (("less_equal", numbers & ~moved), ("less", numbers & moved)):
        if which.any():
            _asked(name, low[which], high[which])
    if nan.any():
        _asked("isnan", sorted_[nan])
    return found


def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: bool = False
) -> Any:
    """`np.argsort`, stable; plain integers."""
    x, axis = _last(a, axis)
    return np.moveaxis(_order(x), -1, axis)


_order = order


def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """`np.sort`, stable."""
    x, axis = _last(a, axis)
    found = _order(x)
    return x.like(*(np.moveaxis(np.take_along_axis(k, found, -1), -1, axis) for k in (x.row, x.v)))


def _best(name: str, a: Any, axis: Any, keepdims: bool) -> Any:
    """`np.argmax` or `np.argmin`: the first of the best, or the first NaN."""
    shape = np.shape(a)
    x, where = _last(a, axis)
    found = getattr(np, f"arg{name}")(x.v, -1)
    flat, best = x.reshape(-1, x.shape[-1]), np.reshape(found, -1)
    index = np.arange(len(best))
    chosen = flat[index, best]
    nan = np.isnan(chosen.v)
    column = np.arange(x.shape[-1])
    before = (column < best[:, None]) & ~nan[:, None]
    after = (column > best[:, None]) & ~nan[:, None]
    strict, weak = ("greater", "greater_equal") if name == "max" else ("less", "less_equal")
    for comparison, which in ((strict, before), (weak, after)):
        if which.any():
            _asked(comparison, chosen[np.nonzero(which)[0]], flat[which])
    if nan.any():
        _asked("isnan", flat[(column <= best[:, None]) & nan[:, None]])
    if not keepdims:
        return found
    return np.reshape(found, (1,) * len(shape)) if axis is None else np.expand_dims(found, where)


def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
    """`np.argmax`; plain integers."""
    return _best("max", a, axis, keepdims)


def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
    """`np.argmin`; plain integers."""
    return _best("min", a, axis, keepdims)


def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """`np.median`: the middle of the sorted elements, or the mean of the two in the middle."""
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
    """`np.quantile` with linear interpolation between sorted elements; ``q`` is not traced."""
    if isinstance(q, Traced) or method != "linear":
        raise TypeError("np.quantile of traced values takes plain quantiles and method='linear'")
    x, shape = folds.leading(asarray(a), axis)
    if not len(x):
        raise IndexError("cannot take a quantile of no elements")
    np.quantile([0.0], q)  # checks the range
    x = sort(x, 0)
    at = np.asarray(q, np.float64) * (len(x) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(x) - 1)
    share = (at - low).reshape(at.shape + (1,) * (x.ndim - 1))
    out = arrays.where(share == 0.0, x[low], x[low] * (1.0 - share) + x[high] * share)
    out = asarray(arrays.where(np.isnan(x.v[-1]), x[-1], out))  # NaN was sorted to the end
    return out.reshape(at.shape + shape) if keepdims else out[()]


def percentile(a: Any, q: Any, axis: Any = None, **kwargs: Any) -> Any:
    """`np.percentile` with linear interpolation; ``q`` is not traced."""
    return quantile(a, np.asarray(q, np.float64) / 100.0, axis, **kwargs)


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """`np.searchsorted` in an array that stays sorted; the neighbours of each place are compared."""
    table, x = asarray(a), asarray(v)
    if sorter is not None:
        table = table[sorter]
    found = np.searchsorted(plain(table), plain(x), side)
    flat, places = x.reshape(-1), np.reshape(found, -1)
    below, above = places > 0, places < len(table)
    strict, weak = ("less", "less_equal") if side == "left" else ("less_equal", "less")
    for comparison, which, left, right in (
        (strict, below, lambda w: table[places[w] - 1], lambda w: flat[w]),
        (weak, above, lambda w: flat[w], lambda w: table[places[w]]),
    ):
        if which.any() and len(table):
            _asked(comparison, left(which), right(which))
    return found


def nonzero(a: Any) -> Any:
    """`np.nonzero`; plain integers."""
    return np.nonzero(truths(elementwise(CODE["not_equal"], asarray(a), 0.0)))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """`np.array_equal`; every element is compared."""
    x, y = asarray(a1), asarray(a2)
    return x.shape == y.shape and bool(np.all(truths(asarray(elementwise(CODE["equal"], x, y)))))


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


ASKING: dict[Any, Any] = {
    np.sort: sort,
    np.argsort: argsort,
    np.argmax: argmax,
    np.argmin: argmin,
    np.median: median,
    np.quantile: quantile,
    np.percentile: percentile,
    np.searchsorted: searchsorted,
    np.nonzero: nonzero,
    np.flatnonzero: lambda a: nonzero(asarray(a).reshape(-1))[0],
    np.argwhere: lambda a: np.transpose(nonzero(a)),
    np.array_equal: array_equal,
    np.isclose: isclose,
    np.allclose: allclose,
}
