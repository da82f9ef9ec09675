"""Differences, integrals, interpolation and polynomials of NumPy, spelled in terms of simpler functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from . import arrays, compositions, folds, linalg, rearrange
from .arrays import asarray, elementwise
from .ops import CODE


def _along(x: Any, axis: int) -> Any:
    """The array with an axis moved to the front, a view."""
    return x.transpose(axis, *(i for i in range(x.ndim) if i != axis))


def _back(x: Any, axis: int) -> Any:
    """The array with its first axis moved to where it was."""
    return x.transpose(*range(1, axis + 1), 0, *range(axis + 1, x.ndim))


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """`np.diff`; of truth values it is where they change."""
    step = CODE["not_equal" if arrays.are_truths(a, *(end for end in (prepend, append) if end is not None)) else "subtract"]
    x = asarray(a)
    folds.checked(np.diff, x, n=n, axis=axis)
    ends = [None if end is None else asarray(end) for end in (prepend, append)]
    one = tuple(1 if i == axis % x.ndim else k for i, k in enumerate(x.shape))
    ends = [end if end is None or end.ndim else folds.spread(end, one) for end in ends]
    x = arrays.joined([k for k in (ends[0], x, ends[1]) if k is not None], axis)
    for _ in range(n):
        left = (slice(None),) * (axis % x.ndim)
        x = elementwise(step, x[(*left, slice(1, None))], x[(*left, slice(None, -1))])
    return x


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """`np.ediff1d`."""
    parts = (to_begin, diff(asarray(ary).reshape(-1)), to_end)
    return arrays.joined([asarray(part).reshape(-1) for part in parts if part is not None])


def gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """`np.gradient`: central differences inside, one-sided ones of the given order at the ends."""
    x = asarray(f)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    folds.checked(np.gradient, x, *map(asarray, spacing), axis=axes, edge_order=edge_order)
    distances = spacing * len(axes) if len(spacing) == 1 else spacing or (1.0,) * len(axes)
    found = tuple(_slope(x, h, i, edge_order) for h, i in zip(distances, axes, strict=True))
    return found if len(axes) > 1 else found[0]


def _slope(x: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """The derivative along one axis, with a constant distance or between coordinates."""
    y, h = _along(x, axis), asarray(spacing)
    h = diff(h) if h.ndim else folds.spread(h, (len(y) - 1,))
    h = h.reshape(-1, *(1,) * (y.ndim - 1))
    left, right = h[:-1], h[1:]
    if np.ndim(spacing):
        total = left + right
        inner = -right / (left * total) * y[:-2] + (right - left) / (left * right) * y[1:-1] + left / (right * total) * y[2:]
    else:
        inner = (y[2:] - y[:-2]) / (2.0 * spacing)
    return _back(arrays.joined([_end(y, h, edge_order), inner, -_end(y[::-1], h[::-1], edge_order)]), axis)


def _end(y: Any, h: Any, edge_order: int) -> Any:
    """The one-sided difference at the first element."""
    a = h[:1]
    if edge_order == 1:
        return (y[1:2] - y[:1]) / a
    b, total = h[1:2], h[:1] + h[1:2]
    return -(a + total) / (a * total) * y[:1] + total / (a * b) * y[1:2] - a / (b * total) * y[2:3]


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """`np.trapezoid`."""
    y = asarray(y)
    where = normalize_axis_index(axis, y.ndim)
    left = (slice(None),) * where
    if x is not None:
        x = asarray(x)
        steps = diff(x, axis=-1 if x.ndim == 1 else axis)
        dx = steps.reshape([-1 if i == where else 1 for i in range(y.ndim)]) if steps.ndim == 1 else steps
    return folds.fold("add", dx * (y[(*left, slice(1, None))] + y[(*left, slice(None, -1))]) / 2.0, axis)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """`np.interp`; which piece each ``x`` lies in is no guard."""
    at, grid, values = asarray(x), asarray(xp), asarray(fp)
    flat = at.reshape(-1)
    folds.checked(np.interp, flat[:1], grid, values)
    if not flat.size:
        return at.copy()
    if period is not None:
        period = abs(period)
        flat, grid = (asarray(elementwise(CODE["mod"], k, period)) for k in (flat, grid))
        order = np.argsort(grid)
        grid, values, left, right = grid[order], values[order], None, None
        grid = arrays.joined([grid[-1:] - period, grid, grid[:1] + period])
        values = arrays.joined([values[-1:], values, values[:1]])
    left = values[0] if left is None else left
    right = values[-1] if right is None else right
    if arrays.recording(grid, flat) is not None:
        out = _interpolated(flat, grid, values, left, right)
    else:
        out = _interpolated_at(flat, grid, values, left, right)
    return asarray(out).reshape(at.shape)[()]


def _interpolated(x: Any, grid: Any, values: Any, left: Any, right: Any) -> Any:
    """Piecewise linear interpolation without a guard: the place of each element in the grid is a label."""
    n = len(grid)
    place = folds.found(x, grid)
    slopes = elementwise(CODE["divide"], values[1:] - values[:-1], grid[1:] - grid[:-1])
    start, slope, origin = (
        folds.picked(place, arrays.traced(place.rec, arrays.joined(list(map(asarray, parts)))))
        for parts in (
            (asarray(left).reshape(1), values),
            (np.zeros(1), slopes, np.zeros(1)),
            (grid[:1], grid),
        )
    )
    inside = (place >= 1.0) & (place < float(n))
    out = start + elementwise(CODE["gate"], inside, slope * (x - origin))
    if not all(isinstance(k, arrays.VarArray) or np.isfinite(k).all() for k in (grid, values)):
        # beside an infinity, as NumPy has it: what is at a point, or from the other end of the piece
        end, after = (
            folds.picked(place, arrays.traced(place.rec, arrays.joined([asarray(k), asarray(k[-1:])]))) for k in (grid, values)
        )
        out = arrays.where(np.isnan(out) & inside, arrays.where(x == origin, start, after + slope * (x - end)), out)
    return arrays.where(np.isnan(x), x, arrays.where(x > grid[-1], right, out))


def _interpolated_at(x: np.ndarray, grid: np.ndarray, values: Any, left: Any, right: Any) -> Any:
    """The same for plain elements and a plain grid, of traced values."""
    i = np.searchsorted(grid, x, "right")
    low, high = np.clip(i - 1, 0, len(grid) - 1), np.clip(i, 0, len(grid) - 1)
    inside = (i > 0) & (i < len(grid)) & (x != grid[low])
    width = np.where(inside, grid[high] - grid[low], 1.0)
    out = values[low] + (values[high] - values[low]) / width * (x - grid[low])
    out = arrays.where(i == 0, left, arrays.where(x > grid[-1], right, arrays.where(inside, out, values[low])))
    missing = np.isnan(x)
    return arrays.where(missing, x, out) if missing.any() else out


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    """`np.unwrap`; how many periods are added has no derivative, and is no guard."""
    x = asarray(p)
    axis = normalize_axis_index(axis, x.ndim)
    y = _along(x, axis)
    step = y[1:] - y[:-1]
    short = elementwise(CODE["mod"], step + period / 2, period) - period / 2
    # an exact half period keeps its sign
    short = arrays.where((short == -period / 2) & (step > 0.0), period / 2, short)
    jump = short - step
    if discont is not None:
        jump = arrays.where(elementwise(CODE["abs"], step) < discont, 0.0, jump)
    whole = elementwise(CODE["rint"], jump / period) * period
    return _back(arrays.joined([y[:1], y[1:] + folds.cumulative("add", whole, 0)]), axis)


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, axis: int = 0) -> Any:
    """`np.linspace` between traced ends."""
    start, stop = asarray(start), asarray(stop)
    parts = num - 1 if endpoint else num
    step = (stop - start) / float(parts) if parts > 0 else (stop - start) * math.nan
    ramp = np.arange(num, dtype=np.float64).reshape(-1, *(1,) * max(start.ndim, stop.ndim))
    out = start + ramp * step if parts > 0 else start + ramp * (stop - start)
    if endpoint and num > 1:
        out[-1] = stop
    out = _back(out, normalize_axis_index(axis, out.ndim))
    return (out, step) if retstep else out


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, axis: int = 0) -> Any:
    """`np.logspace` between traced ends."""
    return arrays.power(base, linspace(start, stop, num, endpoint, axis=axis))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """`np.geomspace` between traced ends of one sign."""
    x, y = asarray(start), asarray(stop)
    shares = np.linspace(0.0, 1.0, num, endpoint).reshape(-1, *(1,) * max(x.ndim, y.ndim))
    out = asarray(x * elementwise(CODE["power"], y / x, shares))
    if endpoint and num > 1:
        out[-1] = y
    return _back(out, normalize_axis_index(axis, out.ndim))


def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """`np.vander`: the powers by repeated multiplication."""
    x = asarray(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = len(x) if N is None else N
    columns = [np.ones(len(x)), x][:n]
    for _ in range(n - len(columns)):
        columns.append(columns[-1] * x)
    columns = columns if increasing else columns[::-1]
    return arrays.joined([c[:, None] for c in columns], 1)


def polyval(p: Any, x: Any) -> Any:
    """`np.polyval`, by Horner's rule."""
    coefficients, x = asarray(p), asarray(x)[()]
    out: Any = 0.0
    for c in coefficients:
        out = out * x + c if out is not None else c
    return out


def polyfit(x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None) -> Any:
    """`np.polyfit`: the coefficients, by `np.linalg.lstsq`."""
    if full:
        raise TypeError("np.polyfit of traced values gives the coefficients only")
    columns, values = asarray(vander(x, deg + 1)), asarray(y)
    if w is not None:
        weights = asarray(w)
        columns = columns * weights[:, None]
        values = values * (weights[:, None] if values.ndim > 1 else weights)
    scale = elementwise(CODE["sqrt"], folds.fold("add", elementwise(CODE["square"], columns), 0))
    c = linalg.lstsq(columns / scale, values, rcond)[0]
    return c / (scale[:, None] if values.ndim > 1 else scale)


def polyder(p: Any, m: int = 1) -> Any:
    """`np.polyder` of coefficients, highest power first."""
    c = asarray(p)
    for _ in range(m):
        c = c[:-1] * np.arange(len(c) - 1.0, 0.0, -1.0)
    return c


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """`np.polyint` of coefficients, highest power first."""
    c = asarray(p)
    constants = folds.spread(asarray(0.0 if k is None else k), (m,))
    for i in range(m):
        c = arrays.joined([c / np.arange(len(c), 0.0, -1.0), constants[i : i + 1]])
    return c


def polyadd(a1: Any, a2: Any) -> Any:
    """`np.polyadd` of coefficients, highest power first."""
    x, y = (asarray(a).reshape(-1) for a in (a1, a2))
    n = max(len(x), len(y))
    x, y = (arrays.joined([np.zeros(n - len(k)), k]) for k in (x, y))
    return x + y


def polymul(a1: Any, a2: Any) -> Any:
    """`np.polymul` of coefficients, highest power first; that leading zeros go is a guard."""
    x, y = (asarray(a).reshape(-1) for a in (a1, a2))
    return compositions.convolve(*(arrays.joined([rearrange.trim_zeros(k[:-1], "f"), k[-1:]]) for k in (x, y)))


COMPOSED: dict[Any, Any] = {
    np.diff: diff,
    np.ediff1d: ediff1d,
    np.gradient: gradient,
    np.trapezoid: trapezoid,
    np.interp: interp,
    np.unwrap: unwrap,
    np.linspace: linspace,
    np.logspace: logspace,
    np.geomspace: geomspace,
    np.vander: vander,
    np.polyval: polyval,
    np.polyfit: polyfit,
    np.polyder: polyder,
    np.polyint: polyint,
    np.polyadd: polyadd,
    np.polymul: polymul,
    np.polysub: lambda a1, a2: polyadd(a1, elementwise(CODE["negative"], a2)),
}
