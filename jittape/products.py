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


# What a product does with its factors.
MULTIPLIES, PICKS, ADDS, SETS, FINDS = 0, 1, 2, 3, 4


class Product(NamedTuple):
    """A product of matrices: result ``[i, j]`` is the sum of ``x[i, t] * y[t, j]``, from the left.

    Others are products with a matrix of zeros and ones, in which zeros pass nothing, forward or back. There x is a column of labels.
    One that picks looks up rows: result ``[i, j]`` is ``y[x[i], j]``. One that adds collects the last rows of y, one for each label, in
    the first ones: result ``[k, j]`` is ``y[k, j]`` and then the sum of those that have the label k. One that sets has the last one of
    those in place of a sum; there y has whole numbers without derivatives. That labels are numbers of rows is for guards to tell; others
    mean the first. One that finds makes labels: result ``[i, 0]`` is how many numbers of y, one column in ascending order, are not above
    ``x[i, 0]``. It has no derivative.

    Attributes
    ----------
    start : the first of its results, in C order: a row of a recording, an instruction of a tape
    x, y : int32 matrices of rows, or of slots: what is multiplied
    kind : whether it multiplies, picks, adds, sets or finds
    """

    start: int
    x: np.ndarray
    y: np.ndarray
    kind: int = MULTIPLIES

    @property
    def height(self) -> int:
        """How many rows of results there are."""
        return len(self.y) - len(self.x) if self.kind in (ADDS, SETS) else len(self.x)

    @property
    def stop(self) -> int:
        """Behind the last of its results."""
        return self.start + self.height * self.y.shape[1]

    @property
    def rows(self) -> int:
        """How many rows labels can mean; none where there are no labels."""
        return (0, len(self.y), self.height, self.height, 0)[self.kind]

    def factors(self, result: int) -> tuple[np.ndarray, np.ndarray]:
        """What is multiplied for one result, a row or an instruction; or the labels, and what they are for."""
        i, j = divmod(result - self.start, self.y.shape[1])
        return self.x[:, 0] if self.kind in (ADDS, SETS) else self.x[i], self.y[:, j]


def holding(products: Sequence[Product], result: int) -> Product:
    """The product, of all in order, that a row or an instruction is a result of."""
    return products[bisect_right(products, result, key=lambda product: product.start) - 1]


def values(x: np.ndarray, y: np.ndarray, kind: int = MULTIPLIES) -> np.ndarray:
    """The product of two matrices; each sum is in the order of its terms, as NumPy's own is not."""
    if kind == FINDS:
        return np.where(np.isnan(x), 0.0, np.searchsorted(y[:, 0], x, "right"))
    if kind != MULTIPLIES:
        label, rows = x[:, 0], len(y) - (kind >= ADDS) * len(x)
        label = np.where((label >= 0.0) & (label < rows), label, 0.0).astype(np.int64)
        if kind == PICKS:
            return y[label]
        out = y[:rows].copy()
        with np.errstate(all="ignore"):
            if kind == ADDS:
                np.add.at(out, label, y[rows:])
            else:
                out[label] = y[rows:]
        return out
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

    ``first`` is the slot of instruction 0, ``codes`` those of the operations: multiply, add, equal, gate, subtract and greater_equal. In
    front of the instructions are slots for as many constants more, the numbers from 0 on, as there are rows that labels can mean.
    """
    multiply, add, equal, gate, subtract, greater_equal = codes
    n, numbers = len(op), first
    sizes = np.ones(n, np.int64)
    for product in products:
        sizes[product.start : product.stop] = operations(product) // (product.stop - product.start)
        first = max(first, numbers + product.rows)
    ends = np.cumsum(sizes)
    slot = np.concatenate([np.arange(numbers), first - 1 + ends])
    total = int(ends[-1]) if n else 0
    new_op, new_a, new_b = np.zeros(total, np.uint8), np.zeros(total, np.int32), np.zeros(total, np.int32)
    new_op[ends - 1], new_a[ends - 1], new_b[ends - 1] = op, slot[a], slot[b]
    for product in products:
        height, n = product.height, product.y.shape[1]
        end = ends[product.start : product.stop, None]
        if product.kind in (ADDS, SETS):  # to each result, for each label, what is behind or nothing
            labels = np.tile(slot[product.x].T, (len(end), 1))
            right = np.tile(slot[product.y[height:]].T, (height, 1))
            each = 3 if product.kind == ADDS else 4
            at = end - each * np.arange(len(product.x), 0, -1)
            before = np.concatenate([slot[product.y[:height]].reshape(-1, 1), first + at[:, :-1] + each - 1], axis=1)
            new_op[at], new_a[at], new_b[at] = equal, labels, numbers + np.repeat(np.arange(height), n)[:, None]
            if product.kind == SETS:
                new_op[at + 1], new_a[at + 1], new_b[at + 1] = subtract, right, before
                right = first + at + 1
            at = at + each
            new_op[at - 2], new_a[at - 2], new_b[at - 2] = gate, first + at - each, right
            new_op[at - 1], new_a[at - 1], new_b[at - 1] = add, before, first + at - 2
            continue
        terms = len(product.y)
        begin = end - 2 * terms + 1
        left, right = np.repeat(slot[product.x], n, axis=0), np.tile(slot[product.y].T, (height, 1))
        if product.kind == PICKS:  # whether the label is that of each row
            at = begin - terms + np.arange(terms)
            new_op[at], new_a[at], new_b[at] = equal, left, numbers + np.arange(terms)
            left = first + at
        at = begin + np.concatenate([[0], np.arange(1, 2 * terms - 1, 2)])
        new_op[at], new_a[at], new_b[at] = {PICKS: gate, FINDS: greater_equal}.get(product.kind, multiply), left, right
        at = begin + np.arange(2, 2 * terms, 2)
        new_op[at], new_b[at] = add, first + at - 1
        new_a[at] = first + at - 2
        new_a[at[:, :1]] = first + begin
    return new_op, new_a, new_b, slot


def operations(product: Product) -> int:
    """How many single operations a product is."""
    labels, terms = len(product.x), len(product.y)
    each = (2 * terms - 1, 3 * terms - 1, 3 * labels, 4 * labels, 2 * terms - 1)[product.kind]
    return each * (product.stop - product.start)
