"""Products of matrices and rows looked up in tables, each one entry of a tape: what it reads, and its results in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Where a product has fewer results, a step for each term takes longer than all terms at once.
_FEW_RESULTS = 1024
# The most numbers that are multiplied at once then.
_AT_ONCE = 1 << 20


class Product(NamedTuple):
    """A product of matrices: result ``[i, j]`` is the sum of ``x[i, t] * y[t, j]``, from the left.

    Where it ``picks``, x is a column of labels, and result ``[i, j]`` is ``y[x[i], j]``: the product with a matrix of zeros and ones, in
    which zeros pass nothing, forward or back. That labels are numbers of rows is for guards to tell; others pick the first row.

    Attributes
    ----------
    start : the first of its results, in C order: a row of a recording, an instruction of a tape
    x, y : int32 matrices of rows, or of slots: what is multiplied
    picks : whether x has labels of rows of y
    """

    start: int
    x: np.ndarray
    y: np.ndarray
    picks: bool = False

    @property
    def stop(self) -> int:
        """Behind the last of its results."""
        return self.start + len(self.x) * self.y.shape[1]

    def factors(self, result: int) -> tuple[np.ndarray, np.ndarray]:
        """What is multiplied for one result, a row or an instruction; where this picks, the label and what it picks from."""
        i, j = divmod(result - self.start, self.y.shape[1])
        return self.x[i], self.y[:, j]


def holding(products: Sequence[Product], result: int) -> Product:
    """The product, of all in order, that a row or an instruction is a result of."""
    return products[bisect_right(products, result, key=lambda product: product.start) - 1]


def values(x: np.ndarray, y: np.ndarray, picks: bool = False) -> np.ndarray:
    """The product of two matrices; each sum is in the order of its terms, as NumPy's own is not."""
    if picks:
        label = x[:, 0]
        return y[np.where((label >= 0.0) & (label < len(y)), label, 0.0).astype(np.int64)]
    with np.errstate(all="ignore"):
        out = x[:, :1] * y[:1]
        terms = x.shape[1]
        if out.size >= _FEW_RESULTS:
            for t in range(1, terms):
                out += x[:, t : t + 1] * y[t]
            return out
        step = _AT_ONCE // out.size
        for t in range(1, terms, step):
            some = x.T[t : t + step, :, None] * y[t : t + step, None]
            some[0] += out
            out = np.add.accumulate(some, axis=0)[-1]
        return out


def spelled_out(
    op: np.ndarray, a: np.ndarray, b: np.ndarray, first: int, products: tuple[Product, ...], codes: tuple[int, ...]
):
    """The columns of a tape whose products are single operations, and the new slot of each old one.

    ``first`` is the slot of instruction 0, ``codes`` those of the operations: multiply, add, equal and gate. In front of the instructions
    are slots for as many constants more, the numbers from 0 on, as there are rows to pick from.
    """
    multiply, add, equal, gate = codes
    n, numbers = len(op), first
    sizes = np.ones(n, np.int64)
    for product in products:
        sizes[product.start : product.stop] = (3 if product.picks else 2) * len(product.y) - 1
        first = max(first, numbers + product.picks * len(product.y))
    ends = np.cumsum(sizes)
    slot = np.concatenate([np.arange(numbers), first - 1 + ends])
    total = int(ends[-1]) if n else 0
    new_op, new_a, new_b = np.zeros(total, np.uint8), np.zeros(total, np.int32), np.zeros(total, np.int32)
    new_op[ends - 1], new_a[ends - 1], new_b[ends - 1] = op, slot[a], slot[b]
    for product in products:
        terms = len(product.y)
        begin = ends[product.start : product.stop, None] - 2 * terms + 1
        left = np.repeat(slot[product.x], product.y.shape[1], axis=0)
        right = np.tile(slot[product.y].T, (len(product.x), 1))
        if product.picks:  # whether the label is that of each row
            at = begin - terms + np.arange(terms)
            new_op[at], new_a[at], new_b[at] = equal, left, numbers + np.arange(terms)
            left = first + at
        at = begin + np.concatenate([[0], np.arange(1, 2 * terms - 1, 2)])
        new_op[at], new_a[at], new_b[at] = gate if product.picks else multiply, left, right
        at = begin + np.arange(2, 2 * terms, 2)
        new_op[at], new_b[at] = add, first + at - 1
        new_a[at] = first + at - 2
        new_a[at[:, :1]] = first + begin
    return new_op, new_a, new_b, slot
