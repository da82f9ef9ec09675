"""Finds the operation that first made a NaN or an infinity out of finite numbers, forward or in reverse."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from . import formulas, kernels
from .errors import NonFiniteError
from .kernels import GRADIENT, UNGUARDED
from .ops import OPS
from .program import Program
from .schedule import Plan, direct
from .tape import Tape
from .transfer import filler

# The most instructions of a history that an error lists.
_LISTED = 12
_SWITCHES = np.array([op.switch for op in OPS])


class Checker:
    """Looks at every value and every adjoint of one program at a point.

    Where all that the program's own sweep leaves behind is finite, all is well: what is not stored goes into what is. Else another
    sweep keeps every value and adjoint, one per slot of the tape.
    """

    def __init__(self, program: Program) -> None:
        self._program, self.label = program, program.interface.label
        self._shapes = program.interface.signature.shapes(program.interface.key)

    def check(self, leaves: list) -> None:
        """Raise `NonFiniteError` where an operation on the way to the result made a NaN or an infinity out of finite numbers."""
        plan = self._program.plan
        work = self._swept(plan, leaves)
        if not np.isfinite(work[: plan.size]).all():
            self._examiner.examine(leaves)

    def _swept(self, plan: Plan, leaves: list) -> np.ndarray:
        """The numbers of a plan after a sweep."""
        work = plan.buffer()
        filler(self._shapes, work[1 : 1 + self._program.tape.n_inputs])(*leaves)
        kernels.sweep(plan.code, work, plan.pieces, GRADIENT | UNGUARDED)
        return work

    @functools.cached_property
    def _examiner(self) -> _Examiner:
        return _Examiner(self._program, self._swept)


class _Examiner:
    """Finds the operation, on a plan that keeps every value and every adjoint."""

    def __init__(self, program: Program, swept: Callable[[Plan, list], np.ndarray]) -> None:
        self.tape, self.label = program.tape.spelled_out()[0], program.interface.label
        tape, self._swept = self.tape, swept
        template = np.concatenate([tape.val[: tape.first], np.zeros(len(tape))])
        active = np.zeros(len(template))
        active[1 : 1 + tape.n_inputs] = tape.active
        self._output = int(tape.outputs[0])
        self._plan = direct(tape.op, tape.a, tape.b, template, self._output, active)

    def examine(self, leaves: list) -> None:
        """Raise `NonFiniteError` where it is on the way to the result."""
        work, slots = self._swept(self._plan, leaves), len(self._plan.template)
        if not np.isfinite(work[self.tape.first : 2 * slots]).all():
            with np.errstate(all="ignore"):
                self._forward(work[:slots])
                self._reverse(work[:slots])

    def _forward(self, val: np.ndarray) -> None:
        tape = self.tape
        finite = np.isfinite(val)
        # a unary operation's second operand is the sink, which is finite
        made = np.flatnonzero(~finite[tape.first :] & finite[tape.a] & finite[tape.b])
        if len(made):
            connected = self._connected(val)
            for i in made[connected[tape.first + made]].tolist():
                at = ", ".join(f"{val[s]:.6g}" for s in (tape.a[i], tape.b[i])[: OPS[tape.op[i]].arity])
                what = f"{OPS[tape.op[i]].name}({at}) is {val[tape.first + i]:.6g}"
                raise NonFiniteError(self._message(what, "forward", i, val))

    def _connected(self, val: np.ndarray) -> np.ndarray:
        """By slot: whether the result depends on it. What a switch does not take, such as the other side of a `where`, does not."""
        tape = self.tape
        needed = np.zeros(len(val), np.bool_)
        needed[self._output] = True
        switches = _SWITCHES[tape.op]
        for i in range(len(tape) - 1, -1, -1):
            if needed[tape.first + i]:
                a, b = int(tape.a[i]), int(tape.b[i])
                d = formulas.partials(int(tape.op[i]), val[a], val[b], val[tape.first + i]) if switches[i] else (1.0, 1.0)
                # a gate's condition has no derivative, but the value depends on it
                needed[a] |= d[0] != 0.0 or OPS[tape.op[i]].constant(0) == 0.0
                if len(d) == 2:
                    needed[b] |= d[1] != 0.0
        return needed

    def _reverse(self, val: np.ndarray) -> None:
        tape, asked = self.tape, self._asked(val)
        adj = np.zeros(len(val))
        adj[self._output] = 1.0
        for i in range(len(tape) - 1, -1, -1):
            slot, op = tape.first + i, OPS[tape.op[i]]
            s = float(adj[slot])
            if s == 0.0 or op.flat:
                continue
            operands = (int(tape.a[i]), int(tape.b[i]))[: op.arity]
            d = formulas.partials(int(tape.op[i]), val[operands[0]], val[operands[-1]], val[slot])
            known = np.isfinite(s) and np.isfinite(val[slot]) and all(np.isfinite(val[t]) for t in operands)
            for q, t in enumerate(operands):
                p, before = formulas.product(op, q, s, d[q]), float(adj[t])
                adj[t] = before + p
                if known and not np.isfinite(adj[t]) and np.isfinite(before) and asked[t]:
                    at = ", ".join(f"{val[t]:.6g}" for t in operands)
                    which = f" in operand {q + 1}" if op.arity == 2 else ""
                    what = (
                        f"the derivative of {op.name}({at}){which} is {d[q]:.6g}, and times the adjoint {s:.6g} it is {p:.6g}"
                    )
                    raise NonFiniteError(self._message(what, "reverse", i, val))

    def _asked(self, val: np.ndarray) -> np.ndarray:
        """By slot: whether its adjoint goes on to an input that is differentiated; what a switch does not take passes nothing."""
        tape = self.tape
        asked = np.zeros(len(val), np.bool_)
        asked[1 : 1 + tape.n_inputs] = tape.active
        for i in range(len(tape)):
            op, a, b, v = OPS[tape.op[i]], int(tape.a[i]), int(tape.b[i]), tape.first + i
            if not op.flat and (asked[a] or asked[b]):
                d = formulas.partials(int(tape.op[i]), val[a], val[b], val[v])
                asked[v] = any(asked[t] and (p != 0.0 or not op.switch) for t, p in zip((a, b), d, strict=False))
        return asked

    def _message(self, what: str, sweep: str, i: int, val: np.ndarray) -> str:
        line = self.tape.line(i)
        where = f" ({os.path.basename(line[0])}:{line[1]})" if line else ""
        history = "\n".join("    " + text for text in str(_history(self.tape, i, val)).splitlines()[1:])
        return f"{self.label}, {sweep} sweep: {what}{where}. It came about so:\n{history}"


def _history(tape: Tape, i: int, val: np.ndarray) -> Tape:
    """What an instruction was computed from, back to the inputs or to the most that is listed, as a tape of its own."""
    taken, todo = {i}, [i]
    while todo and len(taken) < _LISTED:
        k = todo.pop(0)
        for slot in (int(tape.a[k]), int(tape.b[k]))[: OPS[tape.op[k]].arity]:
            j = slot - tape.first
            if j >= 0 and j not in taken and len(taken) < _LISTED:
                taken.add(j)
                todo.append(j)
    rows = np.array(sorted(taken))
    arity = np.array([OPS[code].arity for code in tape.op[rows]])
    read = np.unique(np.concatenate([tape.a[rows], tape.b[rows][arity == 2]]))
    leaves = read[~np.isin(read, tape.first + rows)]
    fixed = (leaves > tape.n_inputs) & (leaves < tape.first)
    order = np.concatenate([leaves[~fixed], leaves[fixed], tape.first + rows])
    new = np.zeros(len(tape.val), np.int64)
    new[order] = np.arange(1, 1 + len(order))
    names: dict[int, Any] = {
        int(new[s]): tape.names.get(int(s)) or (f"step {s}" if s >= tape.first else "") for s in order[: len(leaves)]
    }
    names |= {int(new[s]): tape.names[int(s)] for s in order[len(leaves) :] if int(s) in tape.names}
    return Tape(
        op=tape.op[rows],
        a=new[tape.a[rows]],
        b=np.where(arity == 2, new[tape.b[rows]], 0),
        val=np.concatenate([[0.0], val[order]]),
        active=[s >= tape.first or bool(tape.active[s - 1]) for s in leaves[~fixed]],
        outputs=[],
        names={slot: name for slot, name in names.items() if name},
        lines=None if tape.lines is None else tape.lines[rows],
        places=tape.places,
    )
