"""Linear algebra as recorded algorithms: Cholesky, reflections, least squares, norms and powers."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import arrays, folds
from .arrays import VarArray, asarray, elementwise, plain
from .ops import CODE
from .systems import check_square, inv, reflect, reflection, solve, stacked, substituted

# So many columns at once take off what those before them make up, as a product of matrices: with 200 rows that is a sixth of the time
# to the first gradient, and half that of later ones.
_BLOCK = 8


@stacked
def cholesky(a: Any, upper: bool = False) -> Any:
    """`np.linalg.cholesky` of the lower triangle, by blocks of columns; that no pivot is zero or negative is a guard."""
    check_square(a)
    n = len(a)
    out = arrays.traced(arrays.recording(a), np.zeros((n, n)))  # type: ignore[arg-type]
    for start in range(0, n, _BLOCK):
        end = min(start + _BLOCK, n)
        columns = a[start:, start:end]
        if start:
            columns = columns - folds.matmul(out[start:, :start], out[start:end, :start].T)
        for j in range(start, end):
            column = columns[j - start :, j - start]
            if j > start:
                column = column - folds.matmul(out[j:, start:j], out[j, start:j])
            if column[0] <= 0.0:  # NaN goes on, as in LAPACK
                raise np.linalg.LinAlgError("Matrix is not positive definite")
            root = elementwise(CODE["sqrt"], column[0])
            out[j, j] = root
            out[j + 1 :, j] = column[1:] / root
    return out.T if upper else out


def _reflected(a: Any) -> tuple[Any, list[tuple[Any, Any] | None], np.ndarray]:
    """The triangle that reflections of the columns leave, with LAPACK's signs; each reflection: vector, after its 1, and factor; signs.

    LAPACK leaves a column that is there already. As a reflection that is the same but for its sign, and moves as the column does.
    """
    reflections: list[tuple[Any, Any] | None] = []
    r, signs = a.copy(), np.ones(min(a.shape))
    for j in range(min(r.shape)):
        below = lengths(r[j + 1 :, j], None, False) if j + 1 < len(r) else 0.0
        there = bool(below == 0.0)
        if j + 1 == len(r) or (there and r[j, j] == 0.0):
            reflections.append(None)
            continue
        end, vector, factor = reflection(r[j, j], r[j + 1 :, j], below)
        r[j, j], r[j + 1 :, j] = end, 0.0
        reflect(r[j:, j + 1 :], vector, factor)
        reflections.append((vector, factor))
        if there:
            r[j, j:], signs[j] = -r[j, j:], -1.0
    return r, reflections, signs


@stacked
def qr(a: Any, mode: str = "reduced") -> Any:
    """`np.linalg.qr` by reflections."""
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"np.linalg.qr of traced values takes the modes reduced, complete and r, not {mode!r}")
    r, reflections, signs = _reflected(a)
    m, k = len(a), min(a.shape)
    if mode == "r":
        return r[:k]
    every = np.eye(m)
    every[:, :k] *= signs
    q = arrays.traced(a.rec, every[:, : m if mode == "complete" else k])
    for j, made in reversed(list(enumerate(reflections))):
        if made is not None:
            reflect(q[j:, j:], *made)
    return type(np.linalg.qr(np.eye(1)))(q, r if mode == "complete" else r[:k])


@stacked
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """`np.linalg.pinv` of a matrix of full rank."""
    rcond = rtol if rcond is None else rcond
    if a.shape[0] < a.shape[1]:
        return pinv(a.T, rcond=rcond).T
    q, r = qr(a)
    pivots = elementwise(CODE["abs"], r.reshape(-1)[:: len(r) + 1])
    least = (max(a.shape) * np.finfo(float).eps if rcond is None else rcond) * folds.extreme("maximum", pivots)
    if not folds.fold("logical_and", pivots > least):
        raise np.linalg.LinAlgError("np.linalg.pinv and lstsq of traced matrices need full rank")
    return substituted(r, q.T.copy())


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """`np.linalg.lstsq`; of a traced matrix it needs full rank, and has no singular values."""
    a, b = asarray(a), asarray(b)
    v, _, rank, singular = np.linalg.lstsq(plain(a), plain(b), rcond)
    inverse = pinv(a) if isinstance(a, VarArray) else np.linalg.pinv(a, rcond)
    x = folds.matmul(inverse, b)
    rank, singular = (min(a.shape), None) if isinstance(a, VarArray) else (rank, singular)
    if len(a) <= a.shape[1] or rank < a.shape[1]:
        return x, np.zeros(0), rank, singular
    off = elementwise(CODE["square"], b - folds.matmul(a, x))
    return x, folds.fold("add", off if b.ndim > 1 else off[:, None], 0), rank, singular


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.linalg.norm`: of vectors for every order, of matrices the orders that need no singular values; the gradient at 0 is 0."""
    x = asarray(x)
    if (axis is None and ord is None) or (
        (ord is None or ord in ("fro", "f")) and (x.ndim if axis is None else np.size(axis)) == 2
    ):
        return lengths(x, axis, keepdims)
    axis = tuple(range(x.ndim)) if axis is None else axis
    if isinstance(axis, tuple) and len(axis) == 1:
        (axis,) = axis
    size = elementwise(CODE["abs"], x)
    if isinstance(axis, tuple):
        if len(axis) != 2 or ord not in (1, -1, np.inf, -np.inf):
            raise TypeError(f"np.linalg.norm of traced matrices does not support the order {ord!r}")
        summed, chosen = axis if abs(ord) == 1 else axis[::-1]
        sums = asarray(folds.fold("add", size, summed, True))
        return folds.extreme("maximum" if ord > 0 else "minimum", sums, axis, keepdims)
    if ord in (None, 2):
        return lengths(x, axis, keepdims)
    if ord in (np.inf, -np.inf):
        return folds.extreme("maximum" if ord > 0 else "minimum", size, axis, keepdims)
    if ord == 0:
        return folds.fold("add", elementwise(CODE["not_equal"], x, 0.0), axis, keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord == 1:
        return folds.fold("add", size, axis, keepdims)
    total = folds.fold("add", arrays.power(size, float(ord)), axis, keepdims)
    length = arrays.power(total, 1.0 / ord)
    return arrays.where(elementwise(CODE["not_equal"], total, 0.0), length, 0.0) if ord > 0.0 else length


def lengths(x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Euclidean lengths along axes: a fold of hypot, so that squares do not overflow."""
    return elementwise(CODE["abs"], folds.fold("hypot", x, axis, keepdims))


def vector_norm(x: Any, *, axis: Any = None, ord: Any = 2, keepdims: bool = False) -> Any:
    """`np.linalg.vector_norm`: several axes are one vector."""
    lanes, shape = folds.leading(asarray(x), axis)
    return folds.finish(norm(lanes, ord, 0), shape, keepdims)


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """`np.linalg.tensorsolve`."""
    x, y = asarray(a), asarray(b)
    if axes is not None:
        order = [i for i in range(x.ndim) if i not in np.arange(x.ndim)[list(axes)]]
        x = x.transpose(*order, *axes)
    shape = x.shape[y.ndim :]
    return solve(x.reshape(y.size, -1), y.reshape(-1)).reshape(shape)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """`np.linalg.tensorinv`."""
    x = asarray(a)
    return inv(x.reshape(math.prod(x.shape[ind:]), -1)).reshape(x.shape[ind:] + x.shape[:ind])


def matrix_power(a: Any, n: int) -> Any:
    """`np.linalg.matrix_power` by repeated squaring."""
    a = asarray(a)
    check_square(a)
    if n < 0:
        return matrix_power(inv(a), -n)
    out = None
    while n:
        if n & 1:
            out = a if out is None else folds.matmul(out, a)
        n >>= 1
        a = folds.matmul(a, a) if n else a
    return folds.spread(arrays.traced(a.rec, np.eye(a.shape[-1])), a.shape) if out is None else out


def multi_dot(arrays: Any) -> Any:
    """`np.linalg.multi_dot`, from left to right."""
    return functools.reduce(folds.dot, arrays)


LINALG: dict[Any, Any] = {
    np.linalg.vector_norm: vector_norm,
    np.linalg.tensorsolve: tensorsolve,
    np.linalg.tensorinv: tensorinv,
    np.linalg.cholesky: cholesky,
    np.linalg.qr: qr,
    np.linalg.pinv: pinv,
    np.linalg.lstsq: lstsq,
    np.linalg.matrix_power: matrix_power,
    np.linalg.multi_dot: multi_dot,
}
