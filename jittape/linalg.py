"""Linear algebra as recorded algorithms: elimination with partial pivoting, Cholesky; the choice of each pivot is a guard."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arrays, asking, folds
from .arrays import VarArray, asarray, elementwise, plain
from .ops import CODE


def stacked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one matrix, on stacks of matrices too."""

    @functools.wraps(function)
    def on_stacks(a: Any, *args: Any, **kwargs: Any) -> Any:
        x = asarray(a)
        if x.ndim < 2:
            raise _too_flat(x)
        if x.ndim == 2:
            return function(x, *args, **kwargs)
        found = [function(matrix, *args, **kwargs) for matrix in x.reshape(-1, *x.shape[-2:])]
        if isinstance(found[0], tuple):
            return type(found[0])(*(restack(part, x.shape[:-2]) for part in zip(*found, strict=True)))
        return restack(found, x.shape[:-2])

    def restack(found: Any, lead: tuple[int, ...]) -> Any:
        out = arrays.array(list(found))
        return out.reshape(lead + out.shape[1:])

    return on_stacks


def _too_flat(x: Any) -> Exception:
    return np.linalg.LinAlgError(f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")


def _square(x: Any) -> None:
    if x.ndim < 2:
        raise _too_flat(x)
    if x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")


def _eliminated(a: Any, b: Any) -> tuple[VarArray, Any, float, bool]:
    """Upper triangle and transformed right-hand side, the sign of the exchanges, and whether a pivot was 0."""
    a, b, sign = a.copy(), None if b is None else arrays.traced(arrays.recording(a, b), b).copy(), 1.0  # type: ignore[arg-type]
    for j in range(len(a)):
        best = j + int(asking.argmax(elementwise(CODE["abs"], a[j:, j]))) if j + 1 < len(a) else j
        if best != j:
            sign = -sign
            for k in (a, b) if b is not None else (a,):
                k[[j, best]] = k[[best, j]]
        if a[j, j] == 0.0:
            return a, b, sign, True
        if j + 1 == len(a):
            break
        factors = a[j + 1 :, j] / a[j, j]
        a[j + 1 :, j + 1 :] -= factors[:, None] * a[j, j + 1 :]
        if b is not None:
            b[j + 1 :] -= factors[:, None] * b[j]
    return a, b, sign, False


def solve(a: Any, b: Any) -> Any:
    """`np.linalg.solve` by elimination with partial pivoting."""
    a, b = asarray(a), asarray(b)
    _square(a)
    if a.ndim > 2 or b.ndim > 2:
        return _solve_stack(a, b)
    if b.shape[:1] != a.shape[:1]:
        np.linalg.solve(np.eye(len(a)), plain(b))  # NumPy's own error
    if not isinstance(a, VarArray):
        return folds.matmul(np.linalg.inv(a), b)
    columns = b.reshape(len(b), math.prod(b.shape[1:]))
    upper, x, _, singular = _eliminated(a, columns)
    if singular:
        raise np.linalg.LinAlgError("Singular matrix")
    return _substituted(upper, x).reshape(b.shape)


def _substituted(upper: Any, x: Any) -> Any:
    """``x`` with the solution for an upper triangular matrix written over it."""
    for i in reversed(range(len(upper))):
        rest = x[i] - folds.matmul(upper[i, i + 1 :], x[i + 1 :]) if i + 1 < len(upper) else x[i]
        x[i] = rest / upper[i, i]
    return x


def _solve_stack(a: Any, b: Any) -> Any:
    vector = b.ndim == 1
    b = b[:, None] if vector else b
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = folds.spread(a, lead + a.shape[-2:]), folds.spread(b, lead + b.shape[-2:])
    pairs = zip(a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]), strict=True)
    out = arrays.array([solve(x, y) for x, y in pairs]).reshape(b.shape)
    return out[..., 0] if vector else out


def inv(a: Any) -> Any:
    """`np.linalg.inv`, as the solution for the identity."""
    a = asarray(a)
    _square(a)
    return solve(a, np.eye(a.shape[-1]))


@stacked
def det(a: Any) -> Any:
    """`np.linalg.det`: the product of the pivots; without division for small and for singular matrices."""
    _square(a)
    if len(a) == 0:
        return 1.0
    if len(a) == 1:
        return a[0, 0]
    if len(a) == 2:
        return a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    if len(a) == 3:
        (p, q, r), (s, t, u), (v, w, x) = a
        return p * (t * x - u * w) - q * (s * x - u * v) + r * (s * w - t * v)
    upper, _, sign, singular = _eliminated(a, None)
    return _bird(a) if singular else folds.fold("multiply", upper.reshape(-1)[:: len(a) + 1]) * sign


def _bird(a: Any) -> Any:
    """The determinant by Bird's algorithm: no division, so the gradient is right where the matrix is singular."""
    n = len(a)
    f = a
    for _ in range(n - 1):
        tail = asarray(folds.cumulative("add", f.reshape(-1)[:: n + 1][:0:-1], 0))[::-1]
        mu = arrays.where(np.triu(np.ones((n, n)), 1), f, 0.0)
        for i in range(n - 1):
            mu[i, i] = -tail[i]
        f = folds.matmul(mu, a)
    return f[0, 0] if n % 2 else -f[0, 0]


@stacked
def slogdet(a: Any) -> Any:
    """`np.linalg.slogdet`; the sign is a plain number, and a guard."""
    _square(a)
    upper, _, sign, singular = _eliminated(a, None)
    if singular:
        return np.linalg.slogdet(np.zeros(a.shape))
    pivots = upper.reshape(-1)[:: len(a) + 1]
    for negative in asking.truths(pivots < 0.0):
        sign = -sign if negative else sign
    kind = type(np.linalg.slogdet(np.eye(1)))
    return kind(sign, folds.fold("add", elementwise(CODE["log"], elementwise(CODE["abs"], pivots))))


@stacked
def cholesky(a: Any, upper: bool = False) -> Any:
    """`np.linalg.cholesky` of the lower triangle, column by column; that the pivots are positive is a guard."""
    _square(a)
    n = len(a)
    out = arrays.traced(arrays.recording(a), np.zeros((n, n)))  # type: ignore[arg-type]
    for j in range(n):
        column = a[j:, j]
        if j:
            column = column - folds.matmul(out[j:, :j], out[j, :j])
        if not column[0] > 0.0:
            raise np.linalg.LinAlgError("Matrix is not positive definite")
        root = elementwise(CODE["sqrt"], column[0])
        out[j, j] = root
        out[j + 1 :, j] = column[1:] / root
    return out.T if upper else out


def _reflected(a: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    """The triangle that reflections of the columns leave, with LAPACK's signs, and each reflection: its vector and its factor."""
    r, reflections = a.copy(), []
    for j in range(min(r.shape)):
        below = _lengths(r[j + 1 :, j], None, False) if j + 1 < len(r) else 0.0
        if below == 0.0:  # the column is there already
            reflections.append((None, None))
            continue
        top = r[j, j]
        end = -elementwise(CODE["copysign"], elementwise(CODE["hypot"], top, below), top)
        vector = arrays.joined([np.ones(1), r[j + 1 :, j] / (top - end)])
        factor = (end - top) / end
        r[j, j], r[j + 1 :, j] = end, 0.0
        if j + 1 < r.shape[1]:
            r[j:, j + 1 :] -= vector[:, None] * (factor * folds.matmul(vector, r[j:, j + 1 :]))
        reflections.append((vector, factor))
    return r, reflections


@stacked
def qr(a: Any, mode: str = "reduced") -> Any:
    """`np.linalg.qr` by reflections."""
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"np.linalg.qr of traced values takes the modes reduced, complete and r, not {mode!r}")
    r, reflections = _reflected(a)
    m, k = len(a), min(a.shape)
    if mode == "r":
        return r[:k]
    q = arrays.traced(a.rec, np.eye(m)[:, : m if mode == "complete" else k])
    for j, (vector, factor) in reversed(list(enumerate(reflections))):
        if vector is not None:
            q[j:, j:] -= vector[:, None] * (factor * folds.matmul(vector, q[j:, j:]))
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
    if not np.all(asking.truths(pivots > least)):
        raise np.linalg.LinAlgError("np.linalg.pinv and lstsq of traced matrices need full rank")
    return _substituted(r, q.T.copy())


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
        return _lengths(x, axis, keepdims)
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
        return _lengths(x, axis, keepdims)
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


def _lengths(x: Any, axis: Any, keepdims: bool) -> Any:
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
    _square(a)
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
    np.linalg.solve: solve,
    np.linalg.inv: inv,
    np.linalg.det: det,
    np.linalg.slogdet: slogdet,
    np.linalg.cholesky: cholesky,
    np.linalg.qr: qr,
    np.linalg.pinv: pinv,
    np.linalg.lstsq: lstsq,
    np.linalg.matrix_power: matrix_power,
    np.linalg.multi_dot: multi_dot,
}
