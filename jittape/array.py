"""`VarArray`: an array of traced numbers, whose NumPy operations append their rows to a recording in bulk."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import tracer
from .ops import CODE, OPS
from .tape import Recording
from .tracer import Traced, Var


class VarArray(Traced):
    """An array of traced numbers: the rows that compute them, and their plain values."""

    __slots__ = ("rec", "rows", "v")
    rec: Recording
    rows: np.ndarray
    v: np.ndarray
    __hash__ = object.__hash__

    def __init__(self, rec: Recording, rows: np.ndarray, v: np.ndarray) -> None:
        self.rec, self.rows, self.v = rec, rows, v

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as of a NumPy array."""
        return self.rows.shape

    def __len__(self) -> int:
        if not self.rows.shape:
            raise TypeError("len() of unsized object")
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        rows = self.rows[index]
        if isinstance(rows, np.ndarray):
            return VarArray(self.rec, rows, self.v[index])
        return tracer.at(self.rec, int(rows), float(self.v[index]))

    def __iter__(self) -> Any:
        for i in range(len(self)):
            yield self[i]


def leaf(rec: Recording, kind: int, values: np.ndarray, name: str) -> VarArray:
    """Append one input per element of ``values``."""
    v = np.ascontiguousarray(values, np.float64).copy()
    start = rec.extend(kind, 0, 0, v.ravel())
    rows = np.arange(start, start + v.size, dtype=np.int32).reshape(v.shape)
    rec.names.update({start + i: f"{name}[{', '.join(map(str, index))}]" for i, index in enumerate(np.ndindex(v.shape))})
    return VarArray(rec, rows, v)
