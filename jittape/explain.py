"""A plan as text: which blocks a tape became, and what they cost in memory."""

from __future__ import annotations

import numpy as np

from .kernels import CHAIN, KIND, MX, MY, OP, OUT, PX, PY, SCALAR, SWITCH, XI, YI, N
from .ops import OPS
from .schedule import Plan
from .tape import Tape

_MODES = ("", "row", "one", "gather")
_PARTIALS = ("-", "stored", "constant", "copy")


def blocks(tape: Tape, plan: Plan, *, head: int | None = 40) -> str:
    """The plan, one line per block.

    A block reads each operand as a ``row`` of neighbouring slots, from ``one`` slot, or by ``gather`` through an index list;
    its partials are ``stored``, ``constant``, a ``copy`` of what is there anyway, or absent where no derivative passes.
    ``head`` is the number of lines, None for all.
    """
    rows = plan.rows
    kinds = rows[:, KIND]
    scalars = int(rows[kinds == SCALAR][:, N].sum())
    size = plan.size * 8 + plan.code.nbytes
    lines = [
        f"{len(tape)} instructions in {len(rows)} blocks, {scalars} instructions one at a time; "
        f"{size / max(len(tape), 1):.0f} bytes per instruction to run, {_tape_bytes(tape) / max(len(tape), 1):.0f} recorded"
    ]
    shown = rows if head is None else rows[:head]
    table: list[tuple[str, ...]] = [("block", "slots", "x", "y", "partials")] if len(rows) else []
    table += [_row(row) for row in shown.astype(np.int64)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in table]
    if len(shown) < len(rows):
        lines.append(f"... {len(rows) - len(shown):,} more")
    return "\n".join(lines)


def _row(row: np.ndarray) -> tuple[str, ...]:
    n, slots = int(row[N]), f"%{row[OUT]}..{row[OUT] + row[N] - 1}" if row[N] > 1 else f"%{row[OUT]}"
    if row[KIND] == SCALAR:
        return f"{n} one at a time", slots, "gather", "gather", "stored"
    if row[KIND] == CHAIN:
        return f"chain of {n} {'-' if row[SWITCH] else '+'}", f"%{row[OUT]}", _operand(row[MX], row[XI], n), "", "constant"
    op = OPS[row[OP]]
    partials = ", ".join(_PARTIALS[row[p]] for p in ((PX, PY)[: op.arity]))
    return f"{n} {op.name}", slots, _operand(row[MX], row[XI], n), _operand(row[MY], row[YI], n), partials


def _operand(mode: int, at: int, n: int) -> str:
    if mode == 1 and n > 1:
        return f"row %{at}..{at + n - 1}"
    return f"{_MODES[mode]} %{at}" if mode in (1, 2) else _MODES[mode]


def _tape_bytes(tape: Tape) -> int:
    return sum(column.nbytes for column in (tape.op, tape.a, tape.b, tape.val))
