"""NumPy's functions that only rearrange elements: each runs on the rows and on the values, so it records nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import arrays, tracer
from .arrays import ConditionArray, IntegerArray, VarArray, asarray, elementwise, operands, recording, rows
from .errors import TracingTypeError
from .ops import CODE
from .recording import Recording
from .tracer import Condition, Traced


def _leaves(x: Any) -> Iterator[Any]:
    """The arrays and numbers of nested lists."""
    if isinstance(x, (list, tuple)):
        for item in x:
            yield from _leaves(item)
    else:
        yield x


def _each(x: Any, function: Callable[[Any], Any]) -> Any:
    return [_each(item, function) for item in x] if isinstance(x, (list, tuple)) else function(x)


def _static(x: Any) -> Any:
    """An argument beside the elements, in which traced counts, and arrays of them, are asked for their numbers."""
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, Traced) for leaf in _leaves(x)):
        return tuple(map(_static, x))
    if isinstance(x, IntegerArray):
        numbers = [tracer.counted(each) for each in x.elements()]
        return x if None in numbers else np.array(numbers, np.intp).reshape(x.shape)
    number = tracer.counted(x) if isinstance(x, Traced) else None
    return x if number is None else int(number) if number.is_integer() else number


def _only_elements(name: str) -> TracingTypeError:
    return TracingTypeError(
        f"np.{name}: only the elements of the array can be traced, not the other arguments; pass integers, or a tuple of them, "
        "which are static"
    )


def rearranged(function: Callable[..., Any], data: int = 1) -> Callable[..., Any]:
    """``function`` on traced elements in its first ``data`` arguments, arrays or nested lists of them.

    Where it makes views of NumPy arrays it makes views here. Where it fills up with zeros they are constants.
    """

    @functools.wraps(function)
    def implementation(*args: Any, **kwargs: Any) -> Any:
        if not args:
            args = (kwargs.pop(next(iter(kwargs))),)
        given = [_each(x, lambda leaf: operands(function.__name__, leaf)[0]) for x in args[:data]]
        rest, kwargs = _static(args[data:]), {name: _static(x) for name, x in kwargs.items()}
        rec = recording(*_leaves(given))
        if any(isinstance(x, Traced) for x in _leaves([*rest, *kwargs.values()])):
            raise _only_elements(function.__name__)
        if rec is None:
            return function(*given, *rest, **kwargs)
        for order in (*rest, *kwargs.values()):
            if isinstance(order, str):
                arrays.in_order(order, given[0])
        row = function(*_each(given, lambda x: rows(rec, x)), *rest, **kwargs)
        v = function(*_each(given, lambda x: x.v if isinstance(x, Traced) else x), *rest, **kwargs)
        return wrapped(rec, arrays.class_for(*args[:data]), row, v)

    return implementation


def wrapped(rec: Recording, kind: type[VarArray], row: Any, v: Any) -> Any:
    """The result of a function on rows and on values, as a traced number, an array, or a list of arrays."""
    if isinstance(row, (list, tuple)):
        return type(row)(wrapped(rec, kind, r, x) for r, x in zip(row, v, strict=True))
    if isinstance(row, np.ndarray):
        row = row.astype(np.int32, copy=False)  # lists of rows come out as int64
        if row.size and not row.all():
            row[row == 0] = rec.constant(0.0)
        return kind(rec, row, np.asarray(v, np.float64))
    return kind(rec, np.array(row, np.int32), np.array(v, np.float64))[()]


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0.0) -> Any:
    """`np.pad` in the modes that only repeat elements or fill with constants."""
    if mode != "constant":
        return rearranged(np.pad)(x, pad_width, mode)
    x, fill = asarray(x), asarray(constant_values)
    rec = recording(x, fill)
    assert rec is not None
    row = np.pad(rows(rec, x), pad_width, constant_values=rows(rec, fill))
    return arrays.class_for(x)(rec, row, np.pad(arrays.plain(x), pad_width, constant_values=arrays.plain(fill)))


def insert(x: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """`np.insert`."""
    x, new = asarray(x), asarray(values)
    rec = recording(x, new)
    if rec is None:
        raise _only_elements("insert")
    obj = _static(obj)
    if isinstance(x, IntegerArray) and not arrays.are_integers(values):
        new = elementwise(CODE["trunc"], new)  # cut off, as whatever is stored
    row = np.insert(rows(rec, x), obj, rows(rec, new), axis)
    return arrays.class_for(x)(rec, row, np.insert(arrays.plain(x), obj, arrays.plain(new), axis))


def compress(condition: Any, x: Any, axis: Any = None) -> Any:
    """`np.compress`; traced conditions are asked for their truths."""
    chosen = np.flatnonzero(arrays.plain_index(condition))
    return np.take(x, chosen, axis)


def copy(x: Any, order: str = "K", subok: bool = False) -> Any:
    """`np.copy`."""
    return asarray(x).copy()


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """`np.copyto` into a traced array."""
    dst = _target(dst)
    dst[...] = src if where is True else arrays.where(where, src, dst)


def fill_diagonal(x: Any, value: Any, wrap: bool = False) -> None:
    """`np.fill_diagonal` of a traced array."""
    x = _target(x)
    places = np.zeros(x.shape)
    np.fill_diagonal(places, 1.0, wrap)
    values = asarray(value).reshape(-1)
    where = np.flatnonzero(places)
    x[np.unravel_index(where, x.shape)] = values[np.arange(len(where)) % len(values)]


def put_along_axis(x: Any, indices: Any, values: Any, axis: Any) -> None:
    """`np.put_along_axis` into a traced array."""
    x = _target(x)
    if axis is None:
        x.flat[indices] = values
        return
    if np.ndim(indices) != x.ndim:
        raise ValueError("np.put_along_axis: `indices` and `arr` must have the same number of dimensions")
    grid: list[Any] = list(np.ogrid[tuple(map(slice, x.shape))])
    grid[axis] = indices
    x[tuple(grid)] = values


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """`np.put` into a traced array; values repeat where there are too few."""
    x = _target(a)
    if arrays.is_number(ind) and mode == "raise":
        ind, new = asarray(ind).reshape(-1), asarray(v).reshape(-1)
        if ind.size and len(new):
            x.flat[ind] = new[np.arange(ind.size) % len(new)]
        return
    places = np.take(np.arange(x.size).reshape(x.shape), ind, mode=mode).reshape(-1)  # type: ignore[call-overload]
    new = asarray(v).reshape(-1)
    if len(places):
        x[np.unravel_index(places, x.shape)] = new[np.arange(len(places)) % len(new)]


def putmask(a: Any, mask: Any, values: Any) -> None:
    """`np.putmask` into a traced array; traced conditions are asked for their truths."""
    x = _target(a)
    new = asarray(values).reshape(-1)
    chosen = np.flatnonzero(arrays.plain_index(asarray(mask)))
    put(x, chosen, new[chosen % len(new)])


def place(arr: Any, mask: Any, vals: Any) -> None:
    """`np.place` into a traced array; traced conditions are asked for their truths."""
    put(_target(arr), np.flatnonzero(arrays.plain_index(asarray(mask))), vals)


def _target(x: Any) -> Any:
    """An array to store traced values into, or the error of one that cannot hold them."""
    return x if arrays.holds_traced(x) else tracer.refuse_storing()


def ix_(*args: Any) -> tuple[Any, ...]:
    """`np.ix_`; a traced mask is asked for its truths."""
    found = [arrays.plain_index(x) if isinstance(x, ConditionArray) else x for x in args]
    flat = [asarray(x).reshape(-1) if isinstance(x, Traced) else np.ix_(x)[0] for x in found]
    return tuple(x.reshape(*(1,) * k, -1, *(1,) * (len(flat) - 1 - k)) for k, x in enumerate(flat))


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """`np.trim_zeros` of a vector; which ends are zero is a guard."""
    x = asarray(filt)
    start, stop = 0, len(x)
    while "f" in trim.lower() and start < stop and bool(x[start] == 0.0):
        start += 1
    while "b" in trim.lower() and start < stop and bool(x[stop - 1] == 0.0):
        stop -= 1
    return x[start:stop]


def full_like(
    x: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, device: Any = None
) -> Any:
    """An array of one value that may hold traced numbers or, as ``x`` or ``dtype`` says, truth values later."""
    shape = np.shape(x) if shape is None else shape
    if dtype is not None and np.dtype(dtype).kind in "iu" and not isinstance(fill_value, Traced):
        return np.full(shape, fill_value, dtype)  # counts and indices: a traced value stored into it is an error
    out = arrays.full(shape, fill_value, x)
    if dtype is None and isinstance(x, IntegerArray):
        whole = out.copy()
        out = IntegerArray(out.rec, out.row, out.v)
        out[...] = whole  # cut off, as whatever is stored
        return out
    if dtype is not None and np.dtype(dtype).kind != "b":
        return out.astype(dtype)
    truths = isinstance(x, (Condition, ConditionArray)) if dtype is None else np.dtype(dtype) == np.bool_
    return out.astype(np.bool_) if truths else out


def zeros_like(x: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, device: Any = None) -> Any:
    """Zeros in the shape of ``x``, which may hold traced numbers later."""
    return full_like(x, 0.0, dtype, shape=shape)


def ones_like(x: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, device: Any = None) -> Any:
    """Ones in the shape of ``x``, which may hold traced numbers later."""
    return full_like(x, 1.0, dtype, shape=shape)


_SINGLE = (
    "reshape", "ravel", "transpose", "matrix_transpose", "moveaxis", "swapaxes", "rollaxis", "squeeze", "expand_dims", "broadcast_to", "tile",
    "repeat", "roll", "flip", "fliplr", "flipud", "rot90", "split", "array_split", "hsplit", "vsplit", "dsplit",
    "diagonal", "diag", "diagflat", "tril", "triu", "delete", "resize", "concatenate", "stack", "hstack", "vstack", "dstack",
    "column_stack", "block", "unstack", "linalg.diagonal", "linalg.matrix_transpose",
    "lib.stride_tricks.sliding_window_view", "fft.fftshift", "fft.ifftshift",
)  # fmt: skip
_SEVERAL = ("broadcast_arrays", "atleast_1d", "atleast_2d", "atleast_3d", "meshgrid")


def _named(name: str) -> Any:
    return functools.reduce(lambda space, part: getattr(space, part, None), name.split("."), np)


REARRANGE: dict[Any, Callable[..., Any]] = (
    {function: rearranged(function) for name in _SINGLE if (function := _named(name))}
    | {function: rearranged(function, 64) for name in _SEVERAL if (function := _named(name))}
    | {
        np.insert: insert,
        np.append: rearranged(np.append, 2),
        np.compress: compress,
        np.extract: lambda condition, arr: np.take(arr, np.flatnonzero(arrays.plain_index(condition))),
        np.copy: copy,
        np.copyto: copyto,
        np.fill_diagonal: fill_diagonal,
        np.put_along_axis: put_along_axis,
        np.put: put,
        np.putmask: putmask,
        np.place: place,
        np.trim_zeros: trim_zeros,
        np.ix_: ix_,
        np.zeros_like: zeros_like,
        np.ones_like: ones_like,
        np.empty_like: zeros_like,
        np.full_like: full_like,
    }
)
