"""NumPy's functions that are spelled in terms of simpler ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import arrays, asking, folds
from .arrays import VarArray, asarray, elementwise, plain
from .ops import CODE
from .tracer import Traced


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """`np.clip`; at a bound the derivative in ``a`` is 0."""
    low, high = a_min if min is None else min, a_max if max is None else max
    x = a if low is None else elementwise(CODE["clip_low"], a, low)
    return x if high is None else elementwise(CODE["clip_high"], x, high)


def where(condition: Any, *choices: Any) -> Any:
    """`np.where`; with one argument the truths are asked."""
    return arrays.where(condition, *choices) if choices else asking.nonzero(condition)


def select(condlist: Any, choicelist: Any, default: Any = 0.0) -> Any:
    """`np.select`: the choice of the first condition that holds."""
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = arrays.where(condition, choice, out)
    return out


def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """`np.nan_to_num`; what is replaced has no derivative."""
    largest = np.finfo(np.float64).max
    out = arrays.where(elementwise(CODE["isnan"], x), nan, x)
    out = arrays.where(elementwise(CODE["equal"], x, math.inf), largest if posinf is None else posinf, out)
    return arrays.where(elementwise(CODE["equal"], x, -math.inf), -largest if neginf is None else neginf, out)


def round_(a: Any, decimals: int = 0) -> Any:
    """`np.round`; its derivative is 0."""
    scale = 10.0**decimals
    return elementwise(CODE["rint"], a) if decimals == 0 else elementwise(CODE["rint"], a * scale) / scale


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """`np.diff`."""
    x = asarray(a)
    np.diff(plain(x), n, axis)  # checks axis and order
    ends = [None if end is None else asarray(end) for end in (prepend, append)]
    one = tuple(1 if i == axis % x.ndim else k for i, k in enumerate(x.shape))
    ends = [end if end is None or end.ndim else folds.spread(end, one) for end in ends]
    x = arrays.joined([k for k in (ends[0], x, ends[1]) if k is not None], axis)
    for _ in range(n):
        left = (slice(None),) * (axis % x.ndim)
        x = x[(*left, slice(1, None))] - x[(*left, slice(None, -1))]
    return x


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
    return (total, scale) if returned else total


def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    """`np.cov` without weights."""
    x = _rows(m, rowvar)
    if y is not None:
        x = arrays.joined([x, _rows(y, rowvar)])
    x = x - folds.mean(x, 1, True)
    scale = x.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    out = folds.matmul(x, x.T) / float(max(scale, 0))
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
    """`np.cross` of vectors of length 3."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    x, y = _front(asarray(a), axisa), _front(asarray(b), axisb)
    if len(x) != 3 or len(y) != 3:
        raise ValueError("np.cross of traced values takes vectors of length 3")
    out = arrays.array([x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))])
    if out.ndim == 1:
        return out
    order = list(range(1, out.ndim))
    order.insert(axisc % out.ndim, 0)
    return out.transpose(order)


def _front(x: Any, axis: int) -> Any:
    axis %= x.ndim
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
    x, y = asarray(a).reshape(-1), asarray(v).reshape(-1)
    length = np.convolve(plain(x), plain(y), mode).shape[0]  # checks mode and lengths
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
    x, y = asarray(a).reshape(-1), asarray(v).reshape(-1)
    if len(x) < len(y):
        return correlate(y, x, mode)[::-1]
    return convolve(x, y[::-1], mode)


def polyval(p: Any, x: Any) -> Any:
    """`np.polyval`, by Horner's rule."""
    coefficients, x = asarray(p), asarray(x)[()]
    out: Any = 0.0
    for c in coefficients:
        out = out * x + c if out is not None else c
    return out


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """`np.trapezoid`."""
    y = asarray(y)
    axis %= y.ndim
    left = (slice(None),) * axis
    if x is not None:
        steps = (
            diff(x, axis=-1 if np.ndim(x) == 1 else axis)
            if isinstance(x, (Traced, list, tuple))
            else np.diff(x, axis=-1 if np.ndim(x) == 1 else axis)
        )
        dx = steps.reshape([-1 if i == axis else 1 for i in range(y.ndim)]) if steps.ndim == 1 else steps
    return folds.fold("add", dx * (y[(*left, slice(1, None))] + y[(*left, slice(None, -1))]) / 2.0, axis)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """`np.interp`: which piece each ``x`` lies in is a guard."""
    if period is not None:
        raise TypeError("np.interp of traced values does not take period")
    at, grid, values = asarray(x), asarray(xp), asarray(fp)
    flat = at.reshape(-1)
    i = (
        np.asarray(asking.searchsorted(grid, flat, "right"))
        if isinstance(flat, VarArray) or isinstance(grid, VarArray)
        else np.searchsorted(grid, flat, "right")
    )
    low, high = np.clip(i - 1, 0, len(grid) - 1), np.clip(i, 0, len(grid) - 1)
    inside = (i > 0) & (i < len(grid))
    width = arrays.where(inside, grid[high] - grid[low], 1.0)
    out = values[low] + (values[high] - values[low]) / width * (flat - grid[low])
    out = arrays.where(inside, out, values[low])
    if left is not None:
        out = arrays.where(i == 0, left, out)
    if right is not None:
        out = arrays.where(plain(flat) > plain(grid)[-1], right, out)
    return asarray(out).reshape(at.shape)[()]


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """`np.linspace` between traced ends."""
    start, stop = asarray(start), asarray(stop)
    parts = num - 1 if endpoint else num
    step = (stop - start) / float(parts) if parts > 0 else (stop - start) * math.nan
    ramp = np.arange(num, dtype=np.float64).reshape(-1, *(1,) * max(start.ndim, stop.ndim))
    out = start + ramp * step if parts > 0 else start + ramp * (stop - start)
    if endpoint and num > 1:
        out[-1] = stop
    if axis:
        out = out.transpose(np.argsort(np.roll(np.arange(out.ndim), 0)) if axis % out.ndim == 0 else [*range(1, out.ndim), 0])
    return (out, step) if retstep else out


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """`np.trace`."""
    x = asarray(a)
    return folds.fold("add", x.like(np.diagonal(x.row, offset, axis1, axis2), np.diagonal(x.v, offset, axis1, axis2)), -1)


def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """`np.vander`: the powers by repeated multiplication."""
    x = asarray(x)
    n = len(x) if N is None else N
    columns = [np.ones(len(x)), x][:n]
    for _ in range(n - len(columns)):
        columns.append(columns[-1] * x)
    columns = columns if increasing else columns[::-1]
    return arrays.joined([c[:, None] for c in columns], 1)


def _nan(name: str, fill: float) -> Any:
    def function(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = asarray(a)
        x = arrays.where(elementwise(CODE["isnan"], x), fill, x)
        return folds.extreme(name, x, axis, keepdims) if name in ("maximum", "minimum") else folds.fold(name, x, axis, keepdims)

    return function


def nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.nanmean`."""
    x = asarray(a)
    known = elementwise(CODE["logical_not"], elementwise(CODE["isnan"], x))
    return folds.mean(arrays.where(known, x, 0.0), axis, keepdims, known)


def gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """`np.gradient` of one axis with a constant distance, by central differences."""
    x = asarray(f)
    if x.ndim != 1 or edge_order != 1 or len(spacing) > 1 or any(np.ndim(h) for h in spacing):
        raise TypeError("np.gradient of traced values takes a vector, one distance and edge_order=1")
    h = spacing[0] if spacing else 1.0
    return arrays.joined([(x[1:2] - x[:1]) / h, (x[2:] - x[:-2]) / (2.0 * h), (x[-1:] - x[-2:-1]) / h])


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


def sinc(x: Any) -> Any:
    """`np.sinc`."""
    return elementwise(CODE["sinc"], x)


COMPOSED: dict[Any, Any] = {
    np.clip: clip,
    np.where: where,
    np.select: select,
    np.nan_to_num: nan_to_num,
    np.round: round_,
    np.around: round_,
    np.fix: lambda x: elementwise(CODE["trunc"], x),
    np.sinc: sinc,
    np.real: lambda val: arrays.elementwise(CODE["add"], val, -0.0) if isinstance(val, (list, tuple)) else +val,
    np.diff: diff,
    np.ediff1d: lambda ary: diff(asarray(ary).reshape(-1)),
    np.ptp: ptp,
    np.average: average,
    np.cov: cov,
    np.corrcoef: corrcoef,
    np.cross: cross,
    np.linalg.cross: lambda x1, x2, *, axis=-1: cross(x1, x2, axis=axis),
    np.kron: kron,
    np.convolve: convolve,
    np.correlate: correlate,
    np.polyval: polyval,
    np.trapezoid: trapezoid,
    np.interp: interp,
    np.linspace: linspace,
    np.trace: trace,
    np.linalg.trace: lambda x, *, offset=0: trace(x, offset, -2, -1),
    np.vander: vander,
    np.gradient: gradient,
    np.apply_along_axis: apply_along_axis,
    np.nansum: _nan("add", 0.0),
    np.nanprod: _nan("multiply", 1.0),
    np.nanmax: _nan("maximum", -math.inf),
    np.nanmin: _nan("minimum", math.inf),
    np.nanmean: nanmean,
}
