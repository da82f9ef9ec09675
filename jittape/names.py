"""`Names`: what the rows or slots of a tape are called, one by one or an array's worth at a time."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from typing import Any

import numpy as np


class Names:
    """A mapping from row (or slot) to name; the elements of an array share one entry and are spelled on demand."""

    __slots__ = ("single", "arrays")

    def __init__(self, single: dict[int, str] | None = None, arrays: tuple[tuple[int, tuple[int, ...], str], ...] = ()) -> None:
        self.single = dict(single or {})
        # (first row, shape, name) in the order of rows
        self.arrays = list(arrays)

    def __setitem__(self, row: int, name: str) -> None:
        self.single[row] = name

    def add_array(self, first: int, shape: tuple[int, ...], name: str) -> None:
        """Name the rows from ``first`` on as the elements of an array."""
        if math.prod(shape):  # else ``first`` is the row of something else, or of nothing
            self.arrays.append((first, shape, name))

    def get(self, row: int) -> str | None:
        """The name of a row, or None."""
        if row in self.single:
            return self.single[row]
        i = bisect.bisect_right(self.arrays, row, key=lambda entry: entry[0]) - 1
        if i < 0:
            return None
        first, shape, name = self.arrays[i]
        if row - first >= math.prod(shape):
            return None
        return f"{name}[{', '.join(map(str, map(int, np.unravel_index(row - first, shape))))}]" if shape else name

    def __contains__(self, row: int) -> bool:
        return self.get(row) is not None

    def __getitem__(self, row: int) -> str:
        name = self.get(row)
        if name is None:
            raise KeyError(row)
        return name

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, dict):
            return not self.arrays and self.single == other
        return isinstance(other, Names) and (self.single, self.arrays) == (other.single, other.arrays)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Names({self.single!r}, {tuple(self.arrays)!r})"

    def moved(self, to: Callable[[int], int | None]) -> Names:
        """The names after rows were renumbered; ``to`` gives the new row, None where the row is gone."""
        single = {new: name for row, name in self.single.items() if (new := to(row)) is not None}
        arrays = [(new, shape, name) for first, shape, name in self.arrays if (new := to(first)) is not None]
        return Names(single, tuple(arrays))
