"""NumPy's functions that are spelled in terms of simpler ones."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from . import arrays, asking, folds, lookup, rearrange, ufuncs
from .arrays import asarray, elementwise
from .ops import CODE
from .tracer import Traced


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """`np.clip`; at a bound the derivative in ``a`` is 0."""
    low, high = a_min if min is None else min, a_max if max is None else max
    x = a if low is None else elementwise(CODE["clip_low"], a, low)
    return x if high is None else elementwise(CODE["clip_high"], x, high)


def where(condition: Any, *choices: Any) -> Any:
    """`np.where`; with one argument the truths are asked."""
    if len(choices) == 1:
        raise ValueError("either both or neither of x and y should be given")
    return arrays.where(condition, *choices) if choices else asking.nonzero(condition)


def select(condlist: Any, choicelist: Any, default: Any = 0.0) -> Any:
    """`np.select`: the choice of the first condition that holds."""
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = arrays.where(condition, choice, out)
    return out


def choose(a: Any, choices: Any, mode: str = "raise") -> Any:
    """`np.choose`: the element of the choice with that number."""
    shape = np.broadcast_shapes(*map(np.shape, (a, *choices)))
    table = np.stack([folds.spread(asarray(choice), shape) for choice in choices])
    places = asarray(a) if isinstance(a, Traced) else np.asarray(a)
    if mode != "raise":
        places = places % len(table) if mode == "wrap" else np.clip(places, 0, len(table) - 1)
    return lookup.take_along_axis(table, folds.spread(places, shape)[None], 0)[0]


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """`np.piecewise`: every function gets all of ``x``, and the last condition that holds chooses; no branch is recorded."""
    x = asarray(x)[()]
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) or np.ndim(condlist) > np.ndim(x) else [condlist]
    if not len(conditions) <= len(funclist) <= len(conditions) + 1:
        raise ValueError(
            f"with {len(conditions)} condition(s), either {len(conditions)} or {len(conditions) + 1} functions are expected"
        )
    pieces = [piece(x, *args, **kw) if callable(piece) else piece for piece in funclist]
    out = x * 0.0 if len(pieces) == len(conditions) else arrays.where(True, pieces[-1], x)
    for condition, piece in zip(conditions, pieces, strict=False):
        out = arrays.where(condition, piece, out)
    return out


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """`np.bincount`; places that are arguments are compared with every place."""
    if isinstance(x, Traced):
        return lookup.bincount(x, weights, minlength)
    w, places = asarray(weights), np.asarray(x)
    counts = folds.checked(np.bincount, places, w, minlength)
    rec = arrays.recording(w)
    assert rec is not None
    out = arrays.traced(rec, np.zeros(len(counts)))
    for k, turn in enumerate(lookup.turns(places)):
        here = places[turn]
        out[here] = w[turn] if k == 0 else out[here] + w[turn]
    return out


def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """`np.histogram`: plain counts, or sums of traced weights; the bin of each element is a guard."""
    if isinstance(bins, str):
        raise TypeError("np.histogram of traced values takes a number of bins, or their edges")
    x, edges = asarray(a).reshape(-1), bins
    if not np.ndim(bins):
        low, high = range or ((np.min(x), np.max(x)) if x.size else (0.0, 1.0))
        low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
        edges = np.linspace(low, high, bins + 1)
    edges = asarray(edges)
    places = asking.searchsorted(edges[:-1], x, "right") - 1
    inside = (places >= 0) & asking.truths(x <= edges[-1])
    counts = np.bincount(places[inside], None if weights is None else asarray(weights).reshape(-1)[inside], len(edges) - 1)
    return counts / (np.diff(edges) * np.sum(counts)) if density else counts, edges


def isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None) -> Any:
    """`np.isin`; traced truth values."""
    x, known = asarray(element), asarray(test_elements).reshape(-1)
    found = folds.fold("logical_or", elementwise(CODE["equal"], x[..., None], known), -1)
    return elementwise(CODE["logical_not"], found) if invert else found


def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """`np.apply_over_axes`."""
    x = asarray(a)
    for axis in np.atleast_1d(axes).tolist():
        found = asarray(func(x, axis))
        x = found if found.ndim == x.ndim else np.expand_dims(found, axis)  # type: ignore[call-overload]
    return x


def cumulative(name: str) -> Any:
    """`np.cumulative_sum` or `np.cumulative_prod`."""

    def function(x: Any, /, *, axis: Any = None, include_initial: bool = False) -> Any:
        x = np.atleast_1d(asarray(x))
        if axis is None and x.ndim != 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        axis = normalize_axis_index(axis or 0, x.ndim)
        out = folds.cumulative(name, x, axis)
        one = [1 if i == axis else n for i, n in enumerate(x.shape)]
        return arrays.joined([np.full(one, folds.EMPTY[name]), out], axis) if include_initial else out

    return function


def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """`np.nan_to_num`; what is replaced has no derivative. Without a copy it stores into the array."""
    largest = np.finfo(np.float64).max
    out = arrays.where(elementwise(CODE["isnan"], x), nan, x)
    out = arrays.where(elementwise(CODE["equal"], x, math.inf), largest if posinf is None else posinf, out)
    out = arrays.where(elementwise(CODE["equal"], x, -math.inf), -largest if neginf is None else neginf, out)
    if copy or not isinstance(x, arrays.VarArray):
        return out
    x[...] = out
    return x


def round_(a: Any, decimals: int = 0) -> Any:
    """`np.round`; its derivative is 0."""
    scale = 10.0**decimals
    return elementwise(CODE["rint"], a) if decimals == 0 else elementwise(CODE["rint"], a * scale) / scale


def ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.ptp`: the largest less the smallest."""
    return folds.extreme("maximum", a, axis, keepdims) - folds.extreme("minimum", a, axis, keepdims)


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """`np.average`."""
    x = asarray(a)
    if weights is None:
        total, scale = folds.mean(x, axis, keepdims), folds._count(x, axis, keepdims, None)
    else:
        w = asarray(weights)
        if w.shape != x.shape:
            if axis is None or w.shape != tuple(np.take(x.shape, axis).reshape(-1)):
                raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
            w = w.reshape([n if i in np.atleast_1d(np.arange(x.ndim)[axis]) else 1 for i, n in enumerate(x.shape)])
        scale = folds.fold("add", folds.spread(w, x.shape), axis, keepdims)
        total = folds.fold("add", folds.multiply(x, w), axis, keepdims) / scale
    return (total, np.broadcast_to(asarray(scale), np.shape(total)).copy()[()]) if returned else total


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """`np.cov`."""
    x = _rows(m, rowvar)
    if y is not None:
        x = arrays.joined([x, _rows(y, rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        x = x - folds.mean(x, 1, True)
        out = folds.matmul(x, x.T) / float(max(x.shape[1] - ddof, 0))
    else:
        a = np.ones(x.shape[1]) if aweights is None else asarray(aweights)
        w = a if fweights is None else folds.multiply(fweights, a)
        total = folds.fold("add", w)
        x = x - folds.fold("add", x * w, 1, True) / total
        out = folds.matmul(x, (x * w).T) / (total - ddof * (folds.fold("add", w * a) / total))
    return out[0, 0] if out.shape == (1, 1) else out


def _rows(x: Any, rowvar: bool) -> Any:
    x = asarray(x)
    x = x.reshape(1, -1) if x.ndim < 2 else x
    return x if rowvar or x.shape[0] == 1 else x.T


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """`np.corrcoef`."""
    c = asarray(cov(x, y, rowvar))
    if not c.ndim:
        return c / c
    scale = elementwise(CODE["sqrt"], c.reshape(-1)[:: len(c) + 1])
    return c / scale[:, None] / scale[None, :]


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """`np.cross` of vectors of length 3, and as long as NumPy has it of length 2, whose third number is 0."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    x, y = _front(asarray(a), axisa), _front(asarray(b), axisb)
    if len(x) not in (2, 3) or len(y) not in (2, 3):
        raise ValueError(f"np.cross takes vectors of length 3 or 2, not {len(x)} and {len(y)}")
    if len(x) == len(y) == 2:
        return x[0] * y[1] - x[1] * y[0]
    x, y = (k if len(k) == 3 else arrays.joined([k, np.zeros((1, *k.shape[1:]))]) for k in (x, y))
    out = arrays.array([x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))])
    if out.ndim == 1:
        return out
    order = list(range(1, out.ndim))
    order.insert(normalize_axis_index(axisc, out.ndim), 0)
    return out.transpose(order)


def _cross_of_three(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """`np.linalg.cross`, which knows no other length."""
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError(f"np.linalg.cross takes vectors of length 3, not {np.shape(x1)[axis]} and {np.shape(x2)[axis]}")
    return cross(x1, x2, axis=axis)


def _front(x: Any, axis: int) -> Any:
    axis = normalize_axis_index(axis, x.ndim)
    return x.transpose(axis, *(i for i in range(x.ndim) if i != axis))


def kron(a: Any, b: Any) -> Any:
    """`np.kron`."""
    x, y = asarray(a), asarray(b)
    n = max(x.ndim, y.ndim)
    x, y = (k.reshape((1,) * (n - k.ndim) + k.shape) for k in (x, y))
    blocks = folds.multiply(x.reshape([k for m in x.shape for k in (m, 1)]), y.reshape([k for m in y.shape for k in (1, m)]))
    return asarray(blocks).reshape([i * j for i, j in zip(x.shape, y.shape, strict=True)])


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """`np.convolve`: one product and one addition per pair of elements."""
    x, y = asarray(a), asarray(v)
    length = folds.checked(np.convolve, x, y, mode).shape[0]
    x, y = x.reshape(-1), y.reshape(-1)
    x, y = (y, x) if len(y) > len(x) else (x, y)
    rec = arrays.recording(x, y)
    assert rec is not None
    out = arrays.traced(rec, np.zeros(len(x) + len(y) - 1))
    for j in range(len(y)):
        # the sum of one product has no addition
        out[j : j + len(x)] = arrays.joined([out[j : j + len(x) - 1] + x[:-1] * y[j], (x[-1:] * y[j])]) if j else x * y[0]
    start = {"full": 0, "same": (len(y) - 1) // 2, "valid": len(y) - 1}[mode]
    return out[start : start + length]


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """`np.correlate`."""
    x, y = asarray(a), asarray(v)
    folds.checked(np.correlate, x, y, mode)
    if len(x) < len(y):
        return correlate(y, x, mode)[::-1]
    return convolve(x, y[::-1], mode)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """`np.trace`."""
    x = asarray(a)
    return folds.fold("add", x.like(np.diagonal(x.row, offset, axis1, axis2), np.diagonal(x.v, offset, axis1, axis2)), -1)


# What `np.pad` fills up with in these modes.
_STATISTICS = {
    "mean": folds.mean,
    "median": asking.median,
    "maximum": functools.partial(folds.extreme, "maximum"),
    "minimum": functools.partial(folds.extreme, "minimum"),
}


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """`np.pad`; where it only repeats elements or fills up with constants it records nothing."""
    x, odd = asarray(array), kwargs.get("reflect_type") == "odd"
    if mode in ("constant", "edge", "wrap") or (mode in ("reflect", "symmetric") and not odd):
        kwargs.pop("reflect_type", None)
        return rearrange.pad(x, pad_width, mode, **kwargs)
    if callable(mode):
        raise TypeError("np.pad of traced values takes a mode by its name, no function; np.concatenate puts parts together")
    folds.checked(np.pad, x, pad_width, mode, **kwargs)  # NumPy's own errors
    given = {"linear_ramp": kwargs.get("end_values", 0.0)}.get(mode, kwargs.get("stat_length"))
    for axis, (widths, extras) in enumerate(zip(_pairs(pad_width, x.ndim), _pairs(given, x.ndim), strict=True)):
        rows = np.moveaxis(x, axis, 0)
        before, after = (
            _margin(lane, int(n), mode, extra) for lane, n, extra in zip((rows, rows[::-1]), widths, extras, strict=True)
        )
        x = np.moveaxis(arrays.joined([before, rows, after[::-1]]), 0, axis)
    return x


def _pairs(given: Any, n: int) -> list[Any]:
    """What `np.pad` is given for the two ends of each of ``n`` axes."""
    if isinstance(given, dict):
        given = [given.get(i, given.get(i - n, 0)) for i in range(n)]
        given = [pair if np.ndim(pair) else (pair, pair) for pair in given]
    return np.broadcast_to(given, (n, 2)).tolist()


def _margin(rows: Any, n: int, mode: str, extra: Any) -> Any:
    """The ``n`` rows that a mode of `np.pad` puts before others, the outermost first."""
    if mode == "linear_ramp":
        return np.linspace(np.full(rows.shape[1:], extra), rows[0], n, endpoint=False)
    if mode in ("reflect", "symmetric"):
        mirrored = rows[1 if mode == "reflect" else 0 :][:n][::-1]
        if len(mirrored) < n:
            raise TypeError(f"np.pad of traced values reflects once: {n} is wider than the array")
        return 2.0 * rows[:1] - mirrored
    value = _STATISTICS[mode](rows[:extra], 0, keepdims=True) if mode in _STATISTICS else rows[:1]
    return folds.spread(value, (n, *rows.shape[1:]))


def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`np.apply_along_axis`: the function runs once for each vector, as it does in NumPy."""
    x = asarray(arr)
    axis = range(x.ndim)[axis]
    rows = np.moveaxis(x, axis, -1)  # type: ignore[arg-type]
    results = [asarray(func1d(rows[index], *args, **kwargs)) for index in np.ndindex(rows.shape[:-1])]
    if not results:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    shape = results[0].shape
    out = arrays.joined([result.reshape(-1) for result in results]).reshape(rows.shape[:-1] + shape)
    inner = range(x.ndim - 1, x.ndim - 1 + len(shape))
    return np.moveaxis(out, list(inner), list(range(axis, axis + len(shape))))


def softmax(x: Any, axis: Any = None) -> Any:
    """The exponentials over their sum."""
    e = elementwise(CODE["exp"], _below_largest(x, axis))
    return e / folds.fold("add", e, axis, True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax`."""
    x = _below_largest(x, axis)
    return x - elementwise(CODE["log"], folds.fold("add", elementwise(CODE["exp"], x), axis, True))


def _below_largest(x: Any, axis: Any) -> Any:
    """The elements less the largest, which has no part in the derivative: it cancels in what is made of the differences."""
    x = asarray(x)
    lanes, shape = folds.leading(x, axis)
    largest = asarray(folds.combined(CODE["maximum"], lanes)).reshape(shape)
    return x - elementwise(CODE["with_gradient"], largest, 0.0)


def sinc(x: Any) -> Any:
    """`np.sinc`."""
    return elementwise(CODE["sinc"], x)


COMPOSED: dict[Any, Any] = {
    np.clip: clip,
    np.where: where,
    np.select: select,
    np.choose: choose,
    np.piecewise: piecewise,
    np.bincount: bincount,
    np.histogram: histogram,
    np.isin: isin,
    np.apply_over_axes: apply_over_axes,
    np.isposinf: lambda x: elementwise(CODE["equal"], x, math.inf),
    np.isneginf: lambda x: elementwise(CODE["equal"], x, -math.inf),
    np.angle: lambda z, deg=False: elementwise(CODE["arctan2"], 0.0, z) * (180.0 / math.pi if deg else 1.0),
    np.real_if_close: lambda a, tol=100: asarray(a),
    np.nan_to_num: nan_to_num,
    np.round: round_,
    np.around: round_,
    np.fix: lambda x: elementwise(CODE["trunc"], x),
    np.sinc: sinc,
    np.i0: ufuncs.SPECIAL["i0"],
    np.real: lambda val: asarray(val) if isinstance(val, (list, tuple)) else val,
    np.ptp: ptp,
    np.average: average,
    np.cov: cov,
    np.corrcoef: corrcoef,
    np.cross: cross,
    np.linalg.cross: _cross_of_three,
    np.kron: kron,
    np.pad: pad,
    np.convolve: convolve,
    np.correlate: correlate,
    np.trace: trace,
    np.linalg.trace: lambda x, *, offset=0: trace(x, offset, -2, -1),
    np.apply_along_axis: apply_along_axis,
}
if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    COMPOSED |= {np.cumulative_sum: cumulative("add"), np.cumulative_prod: cumulative("multiply")}
