"""NumPy's functions on traced values: the dispatch table, and the page of the docs that lists it."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any, NamedTuple

import numpy as np

from . import (  # noqa: F401
    arrays,
    asking,
    calculus,
    compositions,
    eigen,
    folds,
    linalg,
    lookup,
    nans,
    operators,
    rearrange,
    systems,
    tracer,
    ufuncs,
)
from .errors import TracingTypeError
from .tracer import Traced

FOLDS: dict[Any, Any] = {
    np.sum: lambda a, axis=None, keepdims=False, initial=None, where=None: folds.fold("add", a, axis, keepdims, initial, where),
    np.prod: lambda a, axis=None, keepdims=False, initial=None, where=None: folds.fold(
        "multiply", a, axis, keepdims, initial, where
    ),
    np.all: lambda a, axis=None, keepdims=False, *, where=None: folds.fold("logical_and", a, axis, keepdims, None, where),
    np.any: lambda a, axis=None, keepdims=False, *, where=None: folds.fold("logical_or", a, axis, keepdims, None, where),
    np.max: lambda a, axis=None, keepdims=False, initial=None, where=None: folds.extreme(
        "maximum", a, axis, keepdims, initial, where
    ),
    np.min: lambda a, axis=None, keepdims=False, initial=None, where=None: folds.extreme(
        "minimum", a, axis, keepdims, initial, where
    ),
    np.amax: lambda a, axis=None, keepdims=False, initial=None, where=None: folds.extreme(
        "maximum", a, axis, keepdims, initial, where
    ),
    np.amin: lambda a, axis=None, keepdims=False, initial=None, where=None: folds.extreme(
        "minimum", a, axis, keepdims, initial, where
    ),
    np.mean: lambda a, axis=None, keepdims=False, *, where=None: folds.mean(a, axis, keepdims, where),
    np.var: lambda a, axis=None, ddof=0, keepdims=False, *, where=None, correction=0: folds.var(
        a, axis, ddof or correction, keepdims, where
    ),
    np.std: lambda a, axis=None, ddof=0, keepdims=False, *, where=None, correction=0: folds.std(
        a, axis, ddof or correction, keepdims, where
    ),
    np.count_nonzero: lambda a, axis=None, *, keepdims=False: folds.fold(
        "add", arrays.elementwise(ufuncs.CODE["not_equal"], a, 0.0), axis, keepdims
    ),
    np.cumsum: lambda a, axis=None: folds.cumulative("add", a, axis),
    np.cumprod: lambda a, axis=None: folds.cumulative("multiply", a, axis),
    np.dot: folds.dot,
    np.vdot: folds.vdot,
    np.inner: folds.inner,
    np.outer: folds.outer,
    np.linalg.outer: folds.outer,
    np.linalg.matmul: folds.matmul,
    np.linalg.vecdot: lambda x1, x2, /, *, axis=-1: folds.fold("add", folds.multiply(x1, x2), axis),
    np.tensordot: folds.tensordot,
    np.linalg.tensordot: lambda x1, x2, *, axes=2: folds.tensordot(x1, x2, axes),
    np.einsum: folds.einsum,
}


def _blank(x: Any) -> np.ndarray:
    return np.empty(np.shape(x))


FACTS: dict[Any, Any] = {
    np.shape: lambda a: arrays.asarray(a).shape,
    np.ndim: lambda a: arrays.asarray(a).ndim,
    np.size: lambda a, axis=None: arrays.asarray(a).size if axis is None else arrays.asarray(a).shape[axis],
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
    np.iscomplex: lambda x: np.zeros(np.shape(x), np.bool_),
    np.isreal: lambda x: np.ones(np.shape(x), np.bool_),
    np.imag: lambda val: np.zeros(np.shape(val)),
    np.diag_indices_from: lambda arr: np.diag_indices_from(_blank(arr)),
    np.tril_indices_from: lambda arr, k=0: np.tril_indices_from(_blank(arr), k),
    np.triu_indices_from: lambda arr, k=0: np.triu_indices_from(_blank(arr), k),
    np.result_type: lambda *xs: np.result_type(*(np.dtype(float) if isinstance(x, Traced) else x for x in xs)),
    np.einsum_path: lambda *operands, optimize="greedy", einsum_call=False: np.einsum_path(
        *map(arrays.plain, operands), optimize=optimize, einsum_call=einsum_call
    ),
    np.astype: lambda x, dtype, *, copy=True, device=None: arrays.asarray(x).astype(dtype, copy=copy),
    np.array2string: lambda a, *args, **kwargs: np.array2string(arrays.plain(a), *args, **kwargs),
    np.array_repr: lambda arr, *_, **__: repr(arr),
    np.array_str: lambda a, *_, **__: str(a),
}
LOOKUP: dict[Any, Any] = {np.take: lookup.take, np.take_along_axis: lookup.take_along_axis}
SECTIONS = {
    "Sums, products and other folds": FOLDS,
    "Linear algebra": linalg.LINALG | systems.SYSTEMS | eigen.EIGEN,
    "Elements rearranged, nothing recorded": rearrange.REARRANGE | LOOKUP,
    "Sorted values": asking.SORTING,
    "Orders and truths, which are guards": asking.ASKING,
    "Composed of others": compositions.COMPOSED | calculus.COMPOSED | nans.NANS,
    "Shapes and types": FACTS,
}
FUNCTIONS = {function: implementation for section in SECTIONS.values() for function, implementation in section.items()}


def array_function(function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """What a NumPy function does on arguments of which at least one holds a traced value."""
    implementation = FUNCTIONS.get(function)
    if implementation is None:
        raise ufuncs.unsupported(
            spelled(function), [spelled(known) for known in FUNCTIONS] + [u.__name__ for u in ufuncs.UFUNCS]
        )
    given, named = _spelled_out(function, args, kwargs)
    taken, dtype = _parameters(implementation), named.pop("dtype", None)
    if "dtype" in taken.defaults:
        named["dtype"] = dtype
    else:
        ufuncs.check_dtype(dtype, *given[:1])
    out = named.pop("out", None)
    ufuncs.check_out(out)
    beyond = [] if taken.any_position else _parameters(function).names[len(taken.names) : len(given)]
    if unknown := beyond + [name for name in named if not taken.any_name and name not in taken.defaults]:
        raise TracingTypeError(f"np.{spelled(function)} of traced values does not take {', '.join(unknown)}")
    result = implementation(*given, **named)
    return result if out is None else ufuncs.store(out, result)


def _spelled_out(function: Any, args: tuple, kwargs: dict) -> tuple[list, dict]:
    """Arguments with those before ``dtype`` and ``out`` by position and the others, if not left at their defaults, by name."""
    names, first, defaults, *_ = _parameters(function)
    given = list(args[:first])
    named = dict(zip(names[first:], args[first:], strict=False)) | kwargs
    for name in names[len(given) : first]:
        if name not in named:
            break
        given.append(named.pop(name))
    while 0 < len(given) <= len(names) and given[-1] is defaults[names[len(given) - 1]]:
        given.pop()
    return given, {name: x for name, x in named.items() if name not in defaults or x is not defaults[name]}


class _Parameters(NamedTuple):
    """What a function takes: the names of positional parameters, how many of them come before ``dtype`` and ``out``, the defaults."""

    names: list[str]
    first: int
    defaults: dict[str, Any]
    any_name: bool
    any_position: bool


@functools.cache
def _parameters(function: Any) -> _Parameters:
    try:
        found = inspect.signature(function).parameters.values()
    except ValueError:  # a function in C that does not tell
        return _Parameters([], sys.maxsize, {}, True, True)
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    first = min([names.index(name) for name in ("dtype", "out") if name in names], default=sys.maxsize)
    any_name, any_position = (
        any(p.kind is kind for p in found) for kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    )
    return _Parameters(names, first, {p.name: p.default for p in found}, any_name, any_position)


def spelled(function: Any) -> str:
    """The name of a NumPy function as users write it, without ``np.``."""
    space = function.__module__.removeprefix("numpy").removeprefix(".")
    return f"{space}.{function.__name__}" if space else function.__name__


def page() -> str:
    """The page of the docs: every NumPy function that takes traced values."""
    out = [
        "# NumPy functions on traced values",
        "",
        "Written by `python -m jittape.codegen` from the dispatch tables; edit those.",
        "",
        "These functions, the operators and the methods of arrays take traced numbers and arrays, mixed with plain ones, and record.",
        "Any other function of NumPy raises a `TypeError` that names the nearest one of these.",
        "",
        *(f"* {line}" for line in NOTES),
        "",
        "## Element by element (ufuncs)",
        "",
        _names([ufunc.__name__ for ufunc in ufuncs.UFUNCS]),
        "",
        f"`reduce`, `accumulate` and `reduceat` work for {_names([u.__name__ for u in (ufuncs.FOLDS | ufuncs.EXTREMES)])};",
        "`outer` and `at` for all.",
        "",
        "## SciPy's ufuncs",
        "",
        ", ".join(f"`scipy.special.{name}`" for name in sorted(ufuncs.SPECIAL)),
    ]
    for title, section in SECTIONS.items():
        out += ["", f"## {title}", "", _names([spelled(function) for function in section])]
    return "\n".join(out) + "\n"


def _names(names: list[str]) -> str:
    return ", ".join(f"`np.{name}`" for name in sorted(set(names)))


NOTES = (
    "Sums run from the left, `((x0 + x1) + x2) + ...`, and so do sums of products in `@`, `dot` and `einsum`: a loop over scalars "
    "gives the same bits. NumPy itself adds in pairs, so its last bits may differ.",
    "`max` and `min`: k equal elements share the derivative, 1/k each. `std`, `norm`: the gradient is 0 where the value is 0.",
    "`argsort`, `argmax`, `searchsorted` and their like ask how elements compare; `argsort` is stable, whatever its `kind`. A call at "
    "which a comparison comes out otherwise records that path too. A traced condition as an index asks its truths; `np.where(condition, "
    "x, y)` asks nothing.",
    "What comes from comparisons and steps alone has no derivative: as an index, a length or a shape it is asked what number it is, a "
    "path for each, as in `x[: np.count_nonzero(x > 0)]`, `range(np.sum(x > t))`, `np.ones(k)` and `table[int(np.floor(v))]`. So is an "
    "element of an argument that is an array of integers, and what comes from such: `x[start[k] : start[k + 1]]`, `range(n[0])`, "
    "`np.repeat(x, counts)`. That is for what seldom changes; labels, which do, are looked up without a question as arrays, see below.",
    'Arrays lie in C order, transposed ones too as soon as something is computed from them: `order="K"` and `"A"` are a `TypeError`, '
    "and whether `ravel` and `reshape` give a view, which is what writing to them depends on, goes by C order.",
    "`sort`, `median`, `quantile` and `interp` ask nothing about the order: they compare and choose at every replay. Equal elements of a "
    "sort share the derivative, as in nested maxima and minima. Beyond 16,384 elements a sort is recorded for its order.",
    "`solve`, `inv`, `det` and `slogdet` eliminate without exchanging rows where that is stable, as for positive definite matrices, and "
    "reflect where it is not: two paths at most, unless a matrix is singular to rounding. `eigh`, `svd` ask how many rounds they take, "
    "`cholesky` whether the matrix is positive definite.",
    "An argument that is an array of integers is an index too: `log_p[np.arange(n), labels]` records once for all labels, and so do "
    "`log_p[states[:-1], states[1:]]` and `x[labels + 1]`. It costs what it reads, and some 10 ns for each index, whose guard is that it is "
    "in bounds. A plain table is looked up as `jt.array(table)[labels]`. It is also where to store and to count: `y[labels] = x`, "
    "`y[np.arange(n), labels] = x`, `np.add.at(y, labels, x)`, `np.bincount(labels, x)`; `np.multiply.at` and its like take three "
    "operations for each place it could mean. Its dtype is int64, but it is computed as floats: exact to 2**53, and without the overflow "
    "of small integers. What is computed from it is float64.",
    "An argument that is an array of bools is a mask. As an index, `x[mask]`, it asks its truths, so every mask is a path of its own; "
    "`np.where(mask, x, 0.0)` and `np.sum(x, where=mask)` ask nothing. Arrays of truth values combine by `&`, `|`, `^`, `~`, and by `*` "
    "and `+` as NumPy's do: True + True is True, and a mask. Of two numbers' comparisons `+` is Python's: 2.",
    "`np.array([x, y])`, `np.asarray` and whatever NumPy makes arrays of by itself, as in `np.mean([x, y])`, give arrays of objects, "
    "with which NumPy computes element by element: each element records its operations as a number does, `np.maximum`, `np.clip` and "
    "`np.max` compare in Python, which is a guard for each element and sees no NaN, equal elements do not share, and `np.std` and "
    "`np.linalg.norm` have no derivative at 0. Where NumPy has no loop for objects (`np.linalg`, `np.isfinite`, "
    "`np.logaddexp`, `np.sqrt` of a float among them) it raises an error. `jt.array` in their place has none of these limits.",
    "Arrays that traced values are stored into: `jt.zeros`, `jt.ones`, `jt.full`, `jt.array`, or `np.zeros_like(traced)`. Inside a "
    "recorded function these give traced arrays. `np.zeros(n)[i] = traced` is a `TypeError`, never a silent zero derivative.",
    "`eigh` and `svd` turn by Jacobi's rotations, for matrices of a few dozen rows: the signs of the vectors are not LAPACK's, and vectors of "
    "equal values have no derivative towards each other. `lstsq` and `pinv` of a traced matrix need full rank.",
    "Every element of every operation is recorded, once: some 0.15 us and, while planning, 100 bytes for each. A product of matrices "
    "is one operation for each element of its result, whatever the number of terms.",
    "`out=` takes a traced array. `dtype=` takes a float type and is otherwise ignored: traced values are float64. Integers can be asked "
    "for where there is no derivative: `np.sum(x > 0, dtype=int)`, and `np.zeros_like(x, dtype=int)` for plain counts and indices.",
)

tracer.array_function = array_function
