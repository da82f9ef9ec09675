"""Systems of equations and determinants: elimination in natural order where it is stable, reflections where it is not.

A choice of pivots would be a guard each, and matrices that change from call to call would take a new path on almost every call. So
there is one guard, which holds for all matrices of a stack: that elimination without exchanges lets nothing grow, as it does for
matrices that are positive definite or diagonally dominant. Where it fails, and for small matrices at once, Householder's reflections
need no pivots, for two to three times the work; of the smallest, cofactors. Matrices that are singular to rounding are left to partial
pivoting, and NumPy's errors. Triangles, for which NumPy has no function, are seen by their zeros.

Source: Golub and Van Loan, Matrix Computations, sections 3.4 and 5.2.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arrays, asking, folds
from .arrays import VarArray, asarray, elementwise, plain
from .ops import CODE
from .recording import CONST
from .tracer import Var

# Up to this size reflections take microseconds, and a loop over many small matrices does not fork at each of them.
_SMALL = 8
# Up to this size cofactors are fewer operations than anything else, and as exact: those of three rows lose digits to the square of the
# condition.
_COFACTORS = 2
_LEAST = 1e-100  # a derivative divides by the square of a determinant
# How much larger than its column a product of elimination may become: it loses about as many units in the last place.
_GROWTH = 16.0
_LARGEST_FACTOR = 1e3
# Rows that are substituted one by one; what follows from them all is a product of matrices.
_BLOCK = 16


def stacked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one matrix, on stacks of matrices too."""

    @functools.wraps(function)
    def on_stacks(a: Any, *args: Any, **kwargs: Any) -> Any:
        x = asarray(a)
        check_matrices(x)
        if x.ndim == 2:
            return function(x, *args, **kwargs)
        found = [function(matrix, *args, **kwargs) for matrix in x.reshape(-1, *x.shape[-2:])]
        if isinstance(found[0], tuple):
            return type(found[0])(*(restack(part, x.shape[:-2]) for part in zip(*found, strict=True)))
        return restack(found, x.shape[:-2])

    return on_stacks


def restack(found: Any, lead: tuple[int, ...]) -> Any:
    """What was found for each matrix of a stack, as a stack."""
    out = arrays.array(list(found))
    return out.reshape(lead + out.shape[1:])[()]


def check_matrices(x: Any) -> None:
    """Raise NumPy's error for what are no matrices."""
    if x.ndim < 2:
        raise np.linalg.LinAlgError(f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")


def check_square(x: Any) -> None:
    """Raise NumPy's errors for what are no square matrices."""
    check_matrices(x)
    if x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")


def solve(a: Any, b: Any) -> Any:
    """`np.linalg.solve`."""
    a, b = asarray(a), asarray(b)
    check_square(a)
    vector = b.ndim == 1
    b = b[:, None] if vector else b
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        np.linalg.solve(np.eye(a.shape[-1]), plain(b))  # NumPy's own error
    if not isinstance(a, VarArray):
        x = folds.matmul(np.linalg.inv(a), b)
    else:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        b = folds.spread(arrays.traced(a.rec, b), lead + b.shape[-2:])
        x = _solved(folds.spread(a, lead + a.shape[-2:]), b)
    return x[..., 0] if vector else x


def _solved(a: VarArray, b: VarArray) -> Any:
    n = a.shape[-1]
    if not b.size:
        return b.copy()
    if (small := _by_cofactors(a)) is not None:
        adjugate, determinant = small
        return folds.matmul(adjugate, b) / asarray(determinant)[..., None, None]
    for backward in (True, False):
        if _is_triangle(a, backward):
            if not _all(_diagonal(a, n) != 0.0):
                raise np.linalg.LinAlgError("Singular matrix")
            turn = slice(None, None, 1 if backward else -1)  # from the last to the first, a lower triangle is an upper one
            return substituted(a[..., turn, turn], b[..., turn, :].copy())[..., turn, :]
    found = _triangle(arrays.joined([a, b], -1), n)
    if found is None:
        return restack([_solved_by_pivots(*pair) for pair in zip(_each(a), _each(b), strict=True)], a.shape[:-2])
    upper, *_ = found
    return substituted(upper[..., :n], upper[..., n:])


def _each(x: Any) -> Any:
    """The matrices of a stack."""
    return x.reshape(-1, *x.shape[-2:])


def substituted(upper: Any, x: Any) -> Any:
    """``x`` with the solution for upper triangles written over it."""
    n = upper.shape[-1]
    for start in reversed(range(0, n, _BLOCK)):
        end = min(start + _BLOCK, n)
        if end < n:
            x[..., start:end, :] -= folds.matmul(upper[..., start:end, end:], x[..., end:, :])
        for i in reversed(range(start, end)):
            rest = x[..., i, :]
            if i + 1 < end:
                rest = rest - folds.matmul(upper[..., i : i + 1, i + 1 : end], x[..., i + 1 : end, :])[..., 0, :]
            x[..., i, :] = rest / upper[..., i, i, None]
    return x


def inv(a: Any) -> Any:
    """`np.linalg.inv`, as the solution for the identity."""
    a = asarray(a)
    check_square(a)
    if isinstance(a, VarArray) and (small := _by_cofactors(a)) is not None:
        adjugate, determinant = small
        return adjugate / asarray(determinant)[..., None, None]
    return solve(a, np.eye(a.shape[-1]))


def det(a: Any) -> Any:
    """`np.linalg.det`: the product of the pivots; without division for small and for singular matrices."""
    a = asarray(a)
    check_square(a)
    n = a.shape[-1]
    if n <= 3:
        return _small_determinant(a) if n else np.ones(a.shape[:-2])[()]
    found = _triangle(a, n)
    if found is None:
        return restack([_determinant_by_pivots(matrix) for matrix in _each(a)], a.shape[:-2])
    _, pivots, sign = found
    return folds.fold("multiply", pivots, -1) * sign


def _elements(a: Any) -> list[list[Any]]:
    """The elements of matrices, of a single one as numbers."""
    n = a.shape[-1]
    return [[a[i, j] if a.ndim == 2 else a[..., i, j] for j in range(n)] for i in range(n)]


def _small_determinant(a: Any) -> Any:
    """The determinant of matrices of one to three rows."""
    if a.shape[-1] == 1:
        return _elements(a)[0][0]
    if a.shape[-1] == 2:
        (p, q), (r, s) = _elements(a)
        return p * s - q * r
    (p, q, r), (s, t, u), (v, w, x) = _elements(a)
    return p * (t * x - u * w) - q * (s * x - u * v) + r * (s * w - t * v)


def _by_cofactors(a: VarArray) -> tuple[Any, Any] | None:
    """The adjugate and the determinant of small matrices; None of larger ones, and where it is 0, or near the ends of the numbers."""
    n = a.shape[-1]
    if not 0 < n <= _COFACTORS or not a.size:
        return None
    determinant = _small_determinant(a)
    size = elementwise(CODE["abs"], determinant)
    if not _all((size > _LEAST) & (size < 1.0 / _LEAST)):
        return None
    if n == 1:
        return np.ones(a.shape), determinant
    (p, q), (r, s) = _elements(a)
    x = arrays.array([[s, -q], [-r, p]])
    return x.transpose(*range(2, x.ndim), 0, 1), determinant


def slogdet(a: Any) -> Any:
    """`np.linalg.slogdet`; the sign is traced too, and has no derivative."""
    a = asarray(a)
    check_square(a)
    n = a.shape[-1]
    kind = type(np.linalg.slogdet(np.eye(1)))
    if not a.size:
        return np.linalg.slogdet(plain(a))
    if (small := _by_cofactors(a)) is not None:
        return kind(elementwise(CODE["sign"], small[1]), elementwise(CODE["log"], elementwise(CODE["abs"], small[1])))
    found = _triangle(a, n)
    if found is None:
        parts = [_logarithm_by_pivots(matrix) for matrix in _each(a)]
        return kind(*(restack(part, a.shape[:-2]) for part in zip(*parts, strict=True)))
    _, pivots, sign = found
    return kind(*_logarithm(pivots, sign))


def _logarithm(pivots: Any, sign: float) -> tuple[Any, Any]:
    """The sign and the logarithm of a product."""
    signs = folds.fold("multiply", elementwise(CODE["sign"], pivots), -1) * sign
    return signs, folds.fold("add", elementwise(CODE["log"], elementwise(CODE["abs"], pivots)), -1)


# -- triangles ----------------------------------------------------------------------------------------------------------------


def _is_triangle(a: VarArray, upper: bool) -> bool:
    """Whether the elements on one side of the diagonal are constants, and 0, as those that `np.tril` and `cholesky` leave."""
    n = a.shape[-1]
    below = np.tril(np.ones((n, n), np.bool_), -1)
    return bool(np.all(_zeros(a)[..., below if upper else below.T]))


def _triangle(a: VarArray, n: int) -> tuple[VarArray, Any, float] | None:
    """Upper triangles, with what becomes of the columns beyond ``n`` on the way there, the pivots, and the sign of their product.

    None where a matrix is singular to rounding. Since reflections mix rows, those are scaled by powers of 2: to one size beside the
    columns, whose units do not matter.
    """
    if a.shape[-1] == n and (_is_triangle(a, True) or _is_triangle(a, False)):
        return (a, _diagonal(a, n), 1.0) if _all(_diagonal(a, n) != 0.0) else None
    largest = folds.fold("maximum", elementwise(CODE["abs"], a[..., :n]) / _columns(a, n)[..., None, :], -1)
    scale = elementwise(CODE["exp2"], elementwise(CODE["rint"], elementwise(CODE["log2"], largest)))  # has no derivative
    a = arrays.where(_zeros(a), a, a / asarray(scale)[..., None])
    columns, sign = _columns(a, n), 1.0
    upper = _eliminated(a, n) if n > _SMALL else a
    if n <= _SMALL or not _all(_is_stable(columns, upper[..., :n])):
        upper, sign = _reflected(a, n), (-1.0) ** (n - 1)
        if not _all(_is_regular(columns, upper[..., :n])):
            return None
    return upper, _diagonal(upper, n) * scale, sign


def _columns(a: VarArray, n: int) -> VarArray:
    """The largest sizes in the columns."""
    return asarray(folds.fold("maximum", elementwise(CODE["abs"], a[..., :n]), -2))


def _rounding(n: int) -> float:
    return n * float(np.finfo(float).eps)


def _all(truth: Any) -> bool:
    """Whether all is true, which is one guard."""
    return bool(truth) if isinstance(truth, Var) else bool(folds.fold("logical_and", truth))


def _diagonal(a: Any, n: int) -> Any:
    return np.diagonal(a[..., :n], 0, -2, -1)


def _eliminated(a: VarArray, n: int) -> VarArray:
    """Upper triangles by elimination in natural order; below them are the factors that rows were subtracted with."""
    a = a.copy()
    for start in range(0, n, _BLOCK):
        end = min(start + _BLOCK, n)
        for j in range(start, min(end, n - 1)):
            factors = a[..., j + 1 :, j] / a[..., j, j, None]
            used = _used(a[..., j, :])
            a[..., j + 1 :, j + 1 : end] -= factors[..., None] * a[..., j, None, j + 1 : end]
            a[..., j + 1 : end, end:used] -= factors[..., : end - j - 1, None] * a[..., j, None, end:used]
            a[..., j + 1 :, j] = factors
        if end < n:
            used = _used(a[..., start:end, :])
            a[..., end:, end:used] -= folds.matmul(a[..., end:, start:end], a[..., start:end, end:used])
    return a


def _used(a: VarArray) -> int:
    """The number of columns without the last ones that are 0 for good, as those of an identity on the right-hand side."""
    return int(np.max(np.nonzero(~_zeros(a))[-1], initial=0)) + 1


def _zeros(a: VarArray) -> np.ndarray:
    """Which elements are constants, and 0."""
    return (a.v == 0.0) & (np.frombuffer(a.rec.settle()[0], np.uint8)[a.row] == CONST)


def _is_regular(columns: Any, upper: VarArray) -> Any:
    """Whether no pivot is only rounding beside the largest element of its column."""
    n = upper.shape[-1]
    return elementwise(CODE["abs"], _diagonal(upper, n)) > _rounding(n) * columns


def _is_stable(columns: Any, found: VarArray) -> Any:
    """Whether no product that was subtracted is much larger than the column it is from, no factor is, and no pivot is only rounding.

    The derivative of a small pivot is amplified by the square of the factors.
    """
    sizes = elementwise(CODE["abs"], found)
    factors = folds.fold("maximum", np.tril(sizes, -1), -2)
    products = np.triu(factors[..., None] * sizes, 1) <= _GROWTH * columns[..., None, :]
    return folds.fold("logical_and", products, -1) & (factors <= _LARGEST_FACTOR) & _is_regular(columns, found)


def reflection(top: Any, below: Any, length: Any) -> tuple[Any, Any, Any]:
    """The reflection that turns columns onto their first element: where that goes, LAPACK's sign, the rest of the vector, the factor."""
    end = -elementwise(CODE["copysign"], elementwise(CODE["hypot"], top, length), top)
    return end, below / asarray(top - end)[..., None], (end - top) / end


def reflect(x: VarArray, vector: Any, factor: Any) -> None:
    """Reflect rows in place; the vector has a 1 before what is given of it."""
    rest = x[..., 1:, :]
    change = asarray(factor)[..., None] * (x[..., 0, :] + folds.matmul(vector[..., None, :], rest)[..., 0, :])
    x[..., 0, :] -= change
    x[..., 1:, :] = rest - vector[..., None] * change[..., None, :]


def _reflected(a: VarArray, n: int) -> VarArray:
    """Upper triangles by reflections of the columns; what is below them is of no use."""
    a = a.copy()
    for j in range(n - 1):
        below = a[..., j + 1 :, j]
        a[..., j, j], vector, factor = reflection(a[..., j, j], below, folds.fold("hypot", below, -1))
        reflect(a[..., j:, j + 1 :], vector, factor)
    return a


# -- singular to rounding -----------------------------------------------------------------------------------------------------


def _pivoted(a: Any, b: Any) -> tuple[VarArray, Any, float, bool]:
    """Upper triangle and transformed right-hand side, the sign of the exchanges, and whether a pivot was 0; each choice is a guard."""
    a, b, sign = a.copy(), None if b is None else b.copy(), 1.0
    for j in range(len(a)):
        best = j + int(asking.argmax(elementwise(CODE["abs"], a[j:, j]))) if j + 1 < len(a) else j
        if best != j:
            sign = -sign
            for k in (a, b) if b is not None else (a,):
                k[[j, best]] = k[[best, j]]
        if a[j, j] == 0.0:
            return a, b, sign, True
        factors = a[j + 1 :, j] / a[j, j]
        a[j + 1 :, j + 1 :] -= factors[:, None] * a[j, j + 1 :]
        if b is not None:
            b[j + 1 :] -= factors[:, None] * b[j]
    return a, b, sign, False


def _solved_by_pivots(a: Any, b: Any) -> Any:
    upper, x, _, singular = _pivoted(a, b)
    if singular:
        raise np.linalg.LinAlgError("Singular matrix")
    return substituted(upper, x)


def _determinant_by_pivots(a: Any) -> Any:
    upper, _, sign, singular = _pivoted(a, None)
    if singular:  # it is 0, and Bird's algorithm rounds
        return elementwise(CODE["with_gradient"], 0.0, _bird(a))
    return folds.fold("multiply", _diagonal(upper, len(a))) * sign


def _logarithm_by_pivots(a: Any) -> tuple[Any, Any]:
    upper, _, sign, singular = _pivoted(a, None)
    return (0.0, -math.inf) if singular else _logarithm(_diagonal(upper, len(a)), sign)


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


SYSTEMS: dict[Any, Any] = {np.linalg.solve: solve, np.linalg.inv: inv, np.linalg.det: det, np.linalg.slogdet: slogdet}
