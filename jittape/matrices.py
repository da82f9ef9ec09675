"""What planning asks of the products of matrices of a tape: tables of them, of their factors, and of the slots of those."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .kernels import (
    ALL_AT,
    ALONG,
    ASKED,
    ASKED_END,
    AT_FIRST,
    BREADTH,
    BY,
    DOWN,
    FACTOR_X,
    FACTOR_Y,
    FIXED,
    FROM_LEAVES,
    HEIGHT,
    LABELLED,
    OF_FACTOR,
    OF_PRODUCT,
    PLACED,
    RESULTS,
    RESULTS_END,
    SLOT,
)
from .tape import Tape


class Matrices(NamedTuple):
    """Products of matrices as the kernels see them.

    Attributes
    ----------
    products, factors : a row for each, see `OF_PRODUCT` in `kernels`
    members : the slots of all factors, one after the other
    """

    products: np.ndarray
    factors: np.ndarray
    members: np.ndarray

    @classmethod
    def of(cls, tape: Tape) -> Matrices:
        """The tables of a tape; a factor of several products is in them once."""
        if not tape.products:
            return _NONE
        found = {id(k): k for product in tape.products for k in (product.x, product.y)}
        products = np.zeros((len(tape.products), OF_PRODUCT), np.int64)
        factors = np.zeros((len(found), OF_FACTOR), np.int64)
        members = np.concatenate([np.zeros(0, np.int32), *(k.ravel() for k in found.values())])
        number, at, differentiated = {key: f for f, key in enumerate(found)}, 0, np.zeros(len(found), np.bool_)
        for f, k in enumerate(found.values()):
            computed = int(k.max()) >= tape.first
            factors[f, [ASKED, ASKED_END, ALL_AT, HEIGHT, BREADTH]] = at, at + k.size * computed, at, *k.shape
            inputs = k[(k > 0) & (k <= tape.n_inputs)]
            differentiated[f] = tape.active[inputs - 1].any()
            if inputs.size == k.size and (steps := _steps(k)):  # inputs stay where they are
                factors[f, [PLACED, AT_FIRST, DOWN, ALONG]] = 1, *steps
            at += k.size
        for p, product in enumerate(tape.products):
            x, y = number[id(product.x)], number[id(product.y)]
            products[p, [RESULTS, RESULTS_END, FACTOR_X, FACTOR_Y]] = product.start, product.stop, x, y
            products[p, [FROM_LEAVES, LABELLED]] = differentiated[x] or differentiated[y], product.kind
        return cls(products, factors, members)

    @property
    def size(self) -> int:
        """How many slots planning looks at, beside those of instructions."""
        return int(np.sum(self.factors[:, ASKED_END] - self.factors[:, ASKED])) if len(self.factors) else 0

    @property
    def reads(self) -> int:
        """How many slots all products read, where those are not all inputs or constants."""
        asked = self.factors[:, ASKED_END] - self.factors[:, ASKED]
        return int(asked[self.products[:, [FACTOR_X, FACTOR_Y]]].sum()) if len(self.products) else 0

    @property
    def flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The tables as kernels take them."""
        return self.products.reshape(-1), self.factors.reshape(-1), self.members

    def stand_for(self, same: np.ndarray, operands: np.ndarray) -> None:
        """Put in place of slots those that stand for them, and the number of each product in place of its first operand."""
        if len(self.products):
            self.members[:] = same[self.members]
            operands[3 * self.products[:, RESULTS]] = np.arange(len(self.products))

    def units(self, n: int) -> np.ndarray:
        """For each of ``n`` instructions itself, but for the results of a product the first of them."""
        unit = np.arange(n, dtype=np.int32)
        for start, stop in self.products[:, [RESULTS, RESULTS_END]].tolist():
            unit[start:stop] = start
        return unit

    def placed(
        self, tape: Tape, live: np.ndarray, where: np.ndarray, template: np.ndarray, c: np.ndarray, state: np.ndarray
    ) -> Matrices:
        """The tables for an emission, in which factors that are constants are laid out from the next slot on, as loops want them."""
        if not len(self.products):
            return self
        factors = self.factors.copy()
        used = self.products[live[self.products[:, RESULTS]]]
        longer = self.factors[used[:, FACTOR_X], HEIGHT] > self.factors[used[:, FACTOR_Y], BREADTH]
        across = set(used[longer & (self.factors[used[:, FACTOR_Y], BREADTH] > 1), FACTOR_X].tolist())
        for f in np.unique(used[:, [FACTOR_X, FACTOR_Y]]).tolist():
            begin, end, at, height, breadth = self.factors[f, [ASKED, ASKED_END, ALL_AT, HEIGHT, BREADTH]].tolist()
            slots = self.members[at : at + height * breadth]
            down, along = (1, height) if f in across else (breadth, 1)
            if begin != end or int(slots.min()) <= tape.n_inputs:
                continue
            first = int(c[SLOT])
            there = slice(first, first + len(slots))
            slots = slots.reshape(height, breadth).T.ravel() if f in across else slots
            template[there], where[slots], state[there, BY] = tape.val[slots], np.arange(first, there.stop), FIXED
            factors[f, [PLACED, AT_FIRST, DOWN, ALONG]] = 1, first, down, along
            c[SLOT] = there.stop
        return self._replace(factors=factors)


_NONE = Matrices(np.zeros((0, OF_PRODUCT), np.int64), np.zeros((0, OF_FACTOR), np.int64), np.zeros(0, np.int32))


def _steps(k: np.ndarray) -> tuple[int, int, int] | None:
    """The first slot of a factor, and the steps between its rows and its columns, where those are the same throughout."""
    first, (height, breadth) = int(k[0, 0]), k.shape
    down = int(k[1, 0]) - first if height > 1 else breadth
    along = int(k[0, 1]) - first if breadth > 1 else 1
    regular = down and along and np.array_equal(k, first + down * np.arange(height)[:, None] + along * np.arange(breadth))
    return (first, down, along) if regular else None
