"""NumPy's functions that leave NaN out. Which elements are NaN is a guard only where an order of the others is asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import arrays, asking, compositions, folds
from .arrays import asarray, elementwise
from .ops import CODE


def _known(x: Any, fill: float) -> tuple[Any, Any]:
    """Where the elements are numbers, and the array with ``fill`` elsewhere."""
    missing = elementwise(CODE["isnan"], x)
    return elementwise(CODE["logical_not"], missing), asarray(arrays.where(missing, fill, x))


def _folded(name: str, fill: float) -> Any:
    def function(a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
        known, x = _known(asarray(a), fill)
        if name not in ("maximum", "minimum"):
            return folds.fold(name, x, axis, keepdims, initial, where)
        found = folds.extreme(name, x, axis, keepdims, initial, where)
        if initial is not None:
            return found
        return arrays.where(folds.fold("logical_or", known, axis, keepdims), found, math.nan)

    return function


def _cumulative(name: str, fill: float) -> Any:
    return lambda a, axis=None: folds.cumulative(name, _known(asarray(a), fill)[1], axis)


def _counted(a: Any, where: Any) -> tuple[Any, Any]:
    """The array with zeros for NaN, and which elements count."""
    known, x = _known(asarray(a), 0.0)
    return x, known if where is None else elementwise(CODE["logical_and"], known, where)


def nanmean(a: Any, axis: Any = None, keepdims: bool = False, *, where: Any = None) -> Any:
    """`np.nanmean`."""
    x, known = _counted(a, where)
    return folds.mean(x, axis, keepdims, known)


def nanvar(
    a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False, *, where: Any = None, correction: float = 0
) -> Any:
    """`np.nanvar`."""
    x, known = _counted(a, where)
    return folds.var(x, axis, ddof or correction, keepdims, known)


def nanstd(
    a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False, *, where: Any = None, correction: float = 0
) -> Any:
    """`np.nanstd`; where it is 0 the gradient is 0."""
    x, known = _counted(a, where)
    return folds.std(x, axis, ddof or correction, keepdims, known)


def nanquantile(
    a: Any, q: Any, axis: Any = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Any:
    """`np.nanquantile` of the sorted numbers."""
    x, shape = folds.leading(asarray(a), axis)

    def one(v: Any) -> Any:
        v = v[~asking._nan(v)]
        return asking.quantile(v, q, method=method) if len(v) else np.full(np.shape(q), math.nan)

    out = asarray(compositions.apply_along_axis(one, 0, x) if x.ndim > 1 else one(x))
    return out.reshape(np.shape(q) + shape) if keepdims else out[()]


def nanpercentile(a: Any, q: Any, axis: Any = None, **kwargs: Any) -> Any:
    """`np.nanpercentile` of the sorted numbers."""
    return nanquantile(a, elementwise(CODE["divide"], q, 100.0), axis, **kwargs)


def nanmedian(a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """`np.nanmedian`."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


def _best(find: Any, fill: float) -> Any:
    def function(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        x = asarray(a)
        missing = asking._nan(x)
        if missing.all(axis).any():
            raise ValueError("All-NaN slice encountered")
        return find(arrays.where(missing, fill, x), axis, keepdims=keepdims)

    return function


NANS: dict[Any, Any] = {
    np.nansum: _folded("add", 0.0),
    np.nanprod: _folded("multiply", 1.0),
    np.nanmax: _folded("maximum", -math.inf),
    np.nanmin: _folded("minimum", math.inf),
    np.nancumsum: _cumulative("add", 0.0),
    np.nancumprod: _cumulative("multiply", 1.0),
    np.nanmean: nanmean,
    np.nanvar: nanvar,
    np.nanstd: nanstd,
    np.nanmedian: nanmedian,
    np.nanquantile: nanquantile,
    np.nanpercentile: nanpercentile,
    np.nanargmax: _best(asking.argmax, -math.inf),
    np.nanargmin: _best(asking.argmin, math.inf),
}
