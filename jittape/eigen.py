"""Eigenvalues and singular values as recorded algorithms: Jacobi's rotations; how many rounds they take is a guard.

Derivatives do not go back through the rotations: they are those of perturbation theory at the values and vectors that were found,
which costs a few products of matrices.

Source: Giles, Collected Matrix Derivative Results for Forward and Reverse Mode Algorithmic Differentiation, 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import arrays, asking, folds, linalg
from .arrays import asarray, elementwise
from .ops import CODE
from .systems import check_matrices, check_square, inv

_MOST_ROUNDS = 60
# What counts as zero beside the elements of the matrix.
_TINY = 1e-15


def eigh(a: Any, UPLO: str = "L") -> Any:
    """`np.linalg.eigh`: eigenvalues in ascending order, and eigenvectors, whose signs are not LAPACK's."""
    a = asarray(a)
    check_square(a)
    if UPLO.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    lower = a if UPLO.upper() == "L" else _turned_over(a)
    whole = np.tril(lower) + _turned_over(np.tril(lower, -1))
    n = a.shape[-1]
    scale = _scale(whole)[..., None]
    d, vectors = whole / scale[..., None], _unit(a)
    size = linalg.lengths(d, (-2, -1))

    def diagonal() -> Any:
        return linalg.lengths(np.tril(d, -1), (-2, -1)) <= _TINY * n * size

    for _ in _rounds("Eigenvalues", diagonal):
        for i, j in _turns(n):
            turn = _turn(2.0 * d[..., i, j], d[..., j, j] - d[..., i, i])
            for x in (d, _turned_over(d), vectors):
                _rotate(x, i, j, *turn)
    found = d[..., np.arange(n), np.arange(n)]
    order = _ascending(found)
    values, vectors = _found(_image(order, found)), _found(folds.matmul(vectors, _turned_over(order)))
    turned = folds.matmul(_turned_over(vectors), folds.matmul(whole, vectors))
    gaps = _inverse(values[..., None, :] - values[..., :, None])
    mixed = folds.matmul(vectors, turned / scale[..., None] * gaps)
    moving = _moving(values * scale, turned[..., np.arange(n), np.arange(n)])
    return type(np.linalg.eigh(np.eye(1)))(moving, _moving(vectors, mixed))


def _turned_over(x: Any) -> Any:
    """The transposes of matrices, where they are."""
    return np.swapaxes(x, -1, -2)


def _unit(a: Any) -> Any:
    """For each matrix of a stack a unit matrix as wide as it."""
    n = a.shape[-1]
    return arrays.traced(a.rec, np.broadcast_to(np.eye(n), (*a.shape[:-2], n, n)).copy())


def _image(matrix: Any, vector: Any) -> Any:
    """The product of matrices with a vector each."""
    return folds.matmul(matrix, vector[..., None])[..., 0]


def _moving(x: Any, y: Any) -> Any:
    """Numbers with the derivative of others."""
    return elementwise(CODE["with_gradient"], x, y)


def _found(x: Any) -> Any:
    """Numbers without a derivative, however they were found."""
    return asarray(_moving(x, 0.0))


def _inverse(x: Any) -> Any:
    """The reciprocal, and 0 of 0: what is equal does not mix."""
    return arrays.where(x != 0.0, 1.0 / arrays.where(x != 0.0, x, 1.0), 0.0)


def _ascending(x: Any) -> Any:
    """The matrix that sorts a vector by multiplication, without a guard: in the row of each rank a 1 at the element that has it."""
    i, across, down = np.arange(x.shape[-1]), x[..., None, :], x[..., :, None]
    before = (across < down) | ((across == down) & (i < i[:, None]))
    return asarray(folds.fold("add", before, -1))[..., None, :] == i[:, None]


def _rounds(what: str, done: Callable[[], Any]) -> Iterator[int]:
    """Rounds until all matrices of a stack are done, which is one guard: paths are as many as there are numbers of rounds."""
    for k in range(_MOST_ROUNDS):
        if folds.fold("logical_and", done()):
            return
        yield k
    raise np.linalg.LinAlgError(f"{what} did not converge")


def _turns(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each pair of columns once, in turns of pairs that share none, which can rotate at once: a round-robin tournament."""
    ring = list(range(n + n % 2))
    for _ in ring[1:]:
        half = len(ring) // 2
        i, j = np.array(ring[:half]), np.array(ring[: half - 1 : -1])
        both = np.maximum(i, j) < n  # one of an odd number has to wait
        yield i[both], j[both]
        ring[1:] = ring[-1:] + ring[1:-1]


def _products(x: Any, y: Any) -> Any:
    """The products of columns with each other."""
    return asarray(folds.fold("add", x * y, -2))


def _turn(twice: Any, gap: Any) -> tuple[Any, Any]:
    """Cosines and sines of the smaller angles whose doubles have the tangents ``twice / gap``."""
    below = gap + elementwise(CODE["copysign"], elementwise(CODE["hypot"], gap, twice), gap)
    t = arrays.where(below != 0.0, twice / below, 0.0)
    cos = elementwise(CODE["reciprocal"], elementwise(CODE["hypot"], t, 1.0))
    return cos, t * cos


def _rotate(x: Any, i: np.ndarray, j: np.ndarray, cos: Any, sin: Any) -> None:
    """Turn pairs of columns."""
    p, q, cos, sin = x[..., i], x[..., j], cos[..., None, :], sin[..., None, :]
    x[..., i], x[..., j] = p * cos - q * sin, p * sin + q * cos


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """`np.linalg.eigvalsh`."""
    return eigh(a, UPLO)[0]


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """`np.linalg.svd`; the signs of the vectors are not LAPACK's, and those of zero singular values are zeros."""
    a = asarray(a)
    check_matrices(a)
    if a.shape[-2] < a.shape[-1]:
        if not compute_uv:
            return svd(_turned_over(a), compute_uv=False)
        u, s, v = svd(_turned_over(a), full_matrices)
        return type(np.linalg.svd(np.eye(1)))(_turned_over(v), s, _turned_over(u))
    m, n = a.shape[-2:]
    scale = _scale(a)[..., None]
    x, v = a / scale[..., None], _unit(a)

    def orthogonal() -> Any:
        products = folds.matmul(_turned_over(x), x)
        norms = elementwise(CODE["sqrt"], products[..., np.arange(n), np.arange(n)])
        return elementwise(CODE["abs"], np.tril(products, -1)) <= _TINY * m * norms[..., :, None] * norms[..., None, :]

    for _ in _rounds("SVD", orthogonal):
        for i, j in _turns(n):
            p, q = x[..., i], x[..., j]
            turn = _turn(2.0 * _products(p, q), _products(q, q) - _products(p, p))
            for y in (x, v):
                _rotate(y, i, j, *turn)
    lengths = linalg.lengths(x, -2)
    order = _ascending(-lengths)
    s, v = _found(_image(order, lengths)), _found(folds.matmul(v, _turned_over(order)))
    u = _found(folds.matmul(x, _turned_over(order)) * _inverse(s)[..., None, :])
    image = folds.matmul(a, v)
    turned = folds.matmul(_turned_over(u), image)
    values = _moving(s * scale, turned[..., np.arange(n), np.arange(n)])
    if not compute_uv:
        return values
    across, down = s[..., None, :], s[..., :, None]
    gaps, turned, image = _inverse(across * across - down * down), turned / scale[..., None], image / scale[..., None]
    back = _turned_over(turned)
    of_u = folds.matmul(u, gaps * (turned * across + down * back)) + (image - folds.matmul(u, turned)) * _inverse(across)
    of_v = folds.matmul(v, gaps * (down * turned + back * across))
    u, v, s = _moving(u, of_u), _moving(v, of_v), values
    if full_matrices and m > n:
        # the columns that reflections complete a basis with
        u = arrays.joined([u, linalg.qr(u, "complete")[0][..., n:]], u.ndim - 1)
    return type(np.linalg.svd(np.eye(1)))(u, s, _turned_over(v))


def _scale(a: Any) -> Any:
    """For each matrix a power of 2 about as large as the largest size in it, and 1 where that is 0: it has no derivative.

    Over it squares neither overflow nor vanish.
    """
    largest = folds.extreme("maximum", elementwise(CODE["abs"], a), (-2, -1), initial=0.0)
    power = elementwise(CODE["exp2"], elementwise(CODE["floor"], elementwise(CODE["log2"], largest)))
    return asarray(arrays.where(elementwise(CODE["equal"], largest, 0.0), 1.0, power))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.linalg.norm`; the orders 2, -2 and "nuc" of matrices are of their singular values."""
    x = asarray(x)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if ord not in (2, -2, "nuc") or len(axes) != 2:
        return linalg.norm(x, ord, axis, keepdims)
    s = asarray(svd(np.moveaxis(x, axes, (-2, -1)), compute_uv=False))
    # 0 where there are no singular values
    out = folds.fold("add", s, -1) if ord == "nuc" or not s.shape[-1] else s[..., 0 if ord == 2 else -1]
    return np.expand_dims(out, axes) if keepdims else out


def cond(x: Any, p: Any = None) -> Any:
    """`np.linalg.cond`."""
    x = asarray(x)
    if p in (None, 2, -2):
        s = asarray(svd(x, compute_uv=False))
        ratio = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
        return arrays.where(np.all(s == 0.0, -1), np.inf, ratio)
    return norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """`np.linalg.matrix_rank`: plain integers; which singular values count is a guard."""
    x = asarray(A)
    if x.ndim < 2:
        return int(bool(np.any(x != 0.0)))
    s = asarray(svd(x, compute_uv=False))
    least = (
        s[..., :1] * (max(x.shape[-2:]) * np.finfo(float).eps if rtol is None else rtol)
        if tol is None
        else np.expand_dims(tol, -1)
    )
    return np.count_nonzero(asking.truths(s > least), axis=-1)


EIGEN: dict[Any, Any] = {
    np.linalg.eigh: eigh,
    np.linalg.eigvalsh: eigvalsh,
    np.linalg.svd: svd,
    np.linalg.svdvals: lambda x, /: svd(x, compute_uv=False),
    np.linalg.norm: norm,
    np.linalg.matrix_norm: lambda x, /, *, keepdims=False, ord="fro": norm(x, ord, (-2, -1), keepdims),
    np.linalg.cond: cond,
    np.linalg.matrix_rank: matrix_rank,
}
