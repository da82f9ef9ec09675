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

    __slots__ = ("rec", "row", "v")
    rec: Recording
    row: np.ndarray
    v: np.ndarray
    __hash__ = object.__hash__

    def __init__(self, rec: Recording, rows: np.ndarray, v: np.ndarray) -> None:
        self.rec, self.row, self.v = rec, rows, v
        if rec.hooks:
            rec.keep(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as of a NumPy array."""
        return self.row.shape

    def __len__(self) -> int:
        if not self.row.shape:
            raise TypeError("len() of unsized object")
        return len(self.row)

    def __getitem__(self, index: Any) -> Any:
        rows = self.row[index]
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
    rec.names.add_array(start, v.shape, name)
    return VarArray(rec, rows, v)


def elementwise(code: int, *operands: Any) -> Any:
    """Record one operation per element; of arrays of floats, compute it."""
    raise NotImplementedError


def where(condition: Any, x: Any, y: Any) -> Any:
    """Elementwise choice."""
    raise NotImplementedError


def reduce(name: str, x: Any) -> Any:
    """Fold a sequence from the left with an operation."""
    total: Any = None
    for item in x:
        total = item if total is None else tracer.apply(CODE[name], total, item)
    if total is None:
        return {"add": 0.0, "multiply": 1.0, "hypot": 0.0, "logaddexp": -np.inf}[name]
    return tracer.apply(CODE["abs"], total) if name == "hypot" and len(x) == 1 else total


def dot(x: Any, y: Any) -> Any:
    """The sum of products."""
    if len(x) != len(y):
        raise ValueError(f"dot: sequences of {len(x)} and {len(y)} elements")
    return reduce("add", [tracer.apply(CODE["multiply"], a, b) for a, b in zip(x, y, strict=True)])
