"""The eager layer: variables that compute at once, and differentiate backward on demand."""

from __future__ import annotations

import collections
import itertools
import sys
import threading
from array import array
from types import FrameType
from typing import Any

import numpy as np

from . import kernels, native, show, tracer
from .kernels import GRADIENT
from .recording import CONST, INPUT, Recording
from .schedule import direct
from .tape import Tape
from .tracer import Var

# Rows added before those that no living variable needs are looked for, at the least. Every `backprop` sweeps them all: with 20,000 a
# training step of three operations took 0.3 ms, with 500 it takes 0.09.
_PATIENCE = 500
# The count of an object that only a list refers to; it differs between versions of Python.
_UNREFERENCED = max(map(sys.getrefcount, [object()]))


def _owner(rows: np.ndarray) -> np.ndarray:
    """The array whose memory a view shows."""
    return rows.base if isinstance(rows.base, np.ndarray) else rows


class EagerRecording(Recording):
    """The tape of one thread's variables. Rows that no living variable can use are dropped as it grows."""

    __slots__ = ("adjoints", "assigned", "_limit", "_fixed")

    def __init__(self) -> None:
        super().__init__(f"the variables of thread {threading.current_thread().name!r}")
        self.watched = self.hooks = True
        # everything that holds rows: Vars and VarArrays
        self.vars = []
        # one adjoint per row of the last backprop; later rows have none yet
        self.adjoints = np.zeros(1)
        # adjoints by row that did not come from the last backprop
        self.assigned: dict[int, float] = {}
        self._limit = _PATIENCE
        # whether rows have to stay where they are: a finalizer of garbage that is collected meanwhile may record
        self._fixed = False

    def appended(self, var: Any) -> None:
        """From time to time, drop what is out of reach."""
        if len(self.vars) > self._limit and self._movable():
            self._collect()

    def _movable(self) -> bool:
        """Whether rows may move: no operation is halfway, which knows rows by their numbers, as below a finalizer or a signal handler.

        Operations in machine code read those after all that may run other code; all others are functions of this package.
        """
        frame: FrameType | None = sys._getframe(1)
        while frame and show.is_ours(frame.f_code):  # the operation that asks
            frame = frame.f_back
        while frame and not show.is_ours(frame.f_code):
            frame = frame.f_back
        return frame is None and not self._fixed

    def keep(self, var: Any) -> None:
        """Note a variable that shares rows with others."""
        self.vars.append(var)

    def _collect(self) -> None:
        """Drop what is out of reach."""
        native.late.worked(len(self.vars))
        try:
            self._fixed = True
            self._keep_the_living()
        finally:
            self._fixed = False

    def _keep_the_living(self) -> None:
        """Keep the rows on paths between living variables, and the variables themselves.

        A row that leads to no living variable cannot matter again. A row that no living variable leads to is a plain number
        to whoever reads a sensitivity, so it becomes a leaf. All derivatives between living variables stay what they were.
        """
        counts = list(map(sys.getrefcount, self.vars))
        living = [var for var, count in zip(self.vars, counts, strict=False) if count > _UNREFERENCED]
        # views of one array share its rows, so the rows are moved where they are
        shared = {id(rows): rows for rows in (_owner(var.row) for var in living if not isinstance(var, Var))}
        op, a, b, val = self.columns()
        alive = np.zeros(len(op), np.bool_)
        alive[[var.row for var in living if isinstance(var, Var)]] = True
        for rows in shared.values():
            alive[rows] = True
        needed, inner = kernels.reach(a, b, alive)
        needed[0] = True
        op[~inner] = np.where(alive[~inner], np.uint8(INPUT), np.uint8(CONST))
        a[~inner] = b[~inner] = 0
        row = np.cumsum(needed, dtype=np.int32) - np.int32(1)

        settled = tuple(map(array, "Biid", map(bytes, (op[needed], row[a[needed]], row[b[needed]], val[needed]))))
        changes = [
            *((var, "row", int(row[var.row])) for var in living if isinstance(var, Var)),
            *((rows, "flat", row[rows]) for rows in shared.values()),
            (self, "_settled", settled),
            (self, "n", len(settled[0])),
            (self, "base", len(settled[0])),
            (self, "adjoints", self.adjoints[needed[: len(self.adjoints)]]),
            (self, "assigned", {int(row[old]): x for old, x in self.assigned.items() if needed[old]}),
            (self, "names", self.names.moved(lambda old: int(row[old]) if needed[old] else None)),
            (self, "constants", {key: int(row[old]) for key, old in self.constants.items() if needed[old]}),
            (self, "vars", living),
            (self, "_limit", max(_PATIENCE, 2 * len(living), 2 * len(settled[0]))),
        ]
        # All in one call of C code, so that an interrupt comes before or after: no row may refer to one that has moved. Where a finalizer
        # has recorded meanwhile, a later call begins anew.
        sink: collections.deque = collections.deque(maxlen=0)
        moves = itertools.starmap(setattr, changes)
        if len(self) == len(op) and len(self.vars) == len(counts):
            sink.extend(moves)

    def truth(self, var: Any) -> bool:
        """The plain truth: nothing is replayed here, so there is nothing to guard."""
        return var.v != 0.0

    def read(self, var: Any) -> Any:
        """The plain number."""
        return var.v

    def assign(self, var: Any, x: float) -> None:
        """Give a variable a new value; what was computed from the old one stays as it was."""
        if self.code(var.row) != INPUT:
            raise TypeError("only a variable made by jt.var can be given a new value; this one was computed from others")
        self.check(self)
        x = tracer.number(x, "value")
        old, name = self.sensitivity(var), var.name
        var.row, var.v = self.append(INPUT, 0, 0, x), x
        self.assigned[var.row] = old
        if name is not None:
            self.names[var.row] = name

    def copied(self, var: Any) -> Any:
        """Refuse: a copy would not follow the new values of the variable, and its derivative would be lost."""
        return var.__reduce_ex__(4)

    def sensitivity(self, var: Any) -> float:
        """The adjoint of a variable."""
        if var.row in self.assigned:
            return self.assigned[var.row]
        return self.adjoints.item(var.row) if var.row < len(self.adjoints) else 0.0

    def set_sensitivity(self, var: Any, x: float) -> None:
        """Overwrite the adjoint of a variable, until the next `backprop`."""
        self.assigned[var.row] = tracer.number(x, "sensitivity")

    def backprop(self, var: Any) -> None:
        """Fill the adjoints: the derivative of ``var`` in every row before it."""
        self.check(self)
        if len(self) > self._limit and self._movable():  # arrays add many rows for each of `vars`
            self._collect()
        fixed = self._fixed
        try:
            self._fixed = True
            self._differentiate(var.row + 1)
        finally:
            self._fixed = fixed

    def _differentiate(self, n: int) -> None:
        """Fill the adjoints of the first ``n`` rows."""
        op, a, b, val = (column[:n] for column in self.columns())
        # leaves are rows here like all others; the kernels leave them as they are
        kernels.ready()
        plan = direct(op, a, b, val, n - 1, np.zeros(n))
        work = plan.buffer()
        kernels.sweep(plan.code, work, plan.pieces, GRADIENT)
        adjoints = work[n : 2 * n].copy()
        self.adjoints, self.assigned = adjoints, {}

    def tape(self, var: Any) -> Tape:
        """The tape of what ``var`` was computed from."""
        _, a, b, _ = self.settle()
        needed = np.zeros(len(self), np.bool_)
        stack = [var.row]
        while stack:
            row = stack.pop()
            if not needed[row]:
                needed[row] = True
                stack += (a[row], b[row])
        return self.freeze([var.row], needed)


class _Local(threading.local):
    recording: EagerRecording | None = None


_local = _Local()


def var(value: Any, name: str | None = None) -> Var:
    """A variable: a number that remembers what is computed from it.

    Arithmetic and the functions of jittape and NumPy on it give further variables; `Y.backprop()` sets the `sensitivity` of
    each variable to the derivative of ``Y`` in it. Variables live on a tape of their thread; what no variable can reach any
    more is dropped from it, so a training loop runs in steady memory.

    Parameters
    ----------
    value : a real number
    name : shown in listings and pictures

    Raises
    ------
    TypeError
        where ``value`` is not a real number, or ``name`` not a string.

    Examples
    --------
    >>> import jittape as jt
    >>> x, y = jt.var(3.0, name="x"), jt.var(1.0, name="y")
    >>> Y = jt.sin(x) + x * y
    >>> Y.backprop()
    >>> Y.value, x.sensitivity, y.sensitivity
    (3.1411200080598674, 0.010007503399554585, 3.0)
    """
    x = tracer.number(value, "var")
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name is {name!r}; it must be a string")
    recording = _local.recording
    if recording is None:
        native.late.worked(0)
        recording = _local.recording = EagerRecording()
    return tracer.leaf(recording, INPUT, x, name)
