"""A plan as text: which blocks a tape became, and what they cost in memory."""

from __future__ import annotations

import numpy as np

from .kernels import (
    ABSENT,
    CHAIN,
    DOT,
    DX,
    DY,
    FORM,
    FUSED,
    GATHER,
    LABELS,
    MATRIX,
    MX,
    OP,
    OUT,
    PRODUCT,
    REPEATS,
    ROWS,
    RX,
    RY,
    RZ,
    STRETCH,
    STRIDE,
    TERM_X,
    TERM_Y,
    TERMS,
    XI,
    N,
)
from .ops import OPS
from .products import ADDS, FINDS, PICKS
from .schedule import Plan
from .tape import Tape

_FUSED = ("z + x*y", "z - x*y", "x*y - z")


def blocks(tape: Tape, plan: Plan, *, head: int | None = 40) -> str:
    """The plan, one line per block.

    A block reads each operand as a ``row`` of neighbouring slots, from ``one`` slot, from slots a constant number ``apart``, or
    through a ``list`` of slots. ``8 x 10`` is a block that repeats: 8 times 10 elements, with its operands each time as much
    further as stands in brackets. Its partials are ``stored``, or free: constants and copies of what is there anyway. A
    multiplication whose product is only added is one operation with the addition, ``z + x*y``. ``8 x 10 sums of 5 x*y`` is a
    product of matrices, and in brackets stand two steps: of x from run to run, of y within a run, and of both from term to term.
    ``head`` is the number of lines, None for all.
    """
    rows, pulls = plan.rows.astype(np.int64), plan.pulls
    scalars = int(rows[rows[:, FORM] == STRETCH][:, N].sum())
    size = plan.size * 8 + plan.code.nbytes
    lines = [
        f"{len(tape)} instructions in {len(rows)} blocks, {scalars} instructions one at a time, {len(pulls)} steps back; "
        f"{size / max(len(tape), 1):.0f} bytes per instruction to run, {tape.nbytes / max(len(tape), 1):.0f} recorded"
    ]
    shown = rows if head is None else rows[:head]
    table: list[tuple[str, ...]] = [("block", "slots", "x", "y", "z", "partials")] if len(rows) else []
    table += [_row(row) for row in shown]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in table]
    if len(shown) < len(rows):
        lines.append(f"... {len(rows) - len(shown):,} more")
    return "\n".join(lines)


def _row(row: np.ndarray) -> tuple[str, ...]:
    n, repeats = int(row[N]), int(row[REPEATS])
    slots = f"%{row[OUT]}..{row[OUT] + n * repeats - 1}" if n * repeats > 1 else f"%{row[OUT]}"
    if row[FORM] == STRETCH:
        return f"{n} one at a time", slots, "", "", "", ""
    if row[FORM] == PRODUCT:
        return f"chain of {n} *", slots, f"one %{row[XI]}", _operand(row[MX + 3], row[XI + 3], n), "", ""
    if row[FORM] == DOT:
        factors = [_operand(row[field], row[field + 1], n) for field in (MX + 3, MX + 6)]
        return f"chain of {n} {'-' if row[OP] else '+'} y*z", f"%{row[OUT]}", f"one %{row[XI]}", *factors, ""
    if row[FORM] == CHAIN:
        items = _operand(row[MX + 3], row[XI + 3], n)
        return f"chain of {n} {'-' if row[OP] else '+'}", f"%{row[OUT]}", _operand(row[MX], row[XI], 1), items, "", ""
    if row[FORM] == MATRIX and row[LABELS]:
        table = f"{row[TERMS]} from %{row[XI + 3]} ({_steps(row, RY, TERM_Y)})"
        more = row[TERMS] - repeats
        what = {PICKS: "picked", FINDS: "found", ADDS: f"with {more} added"}.get(int(row[LABELS]), f"with {more} set")
        return f"{repeats} x {n} {what}", slots, f"labels %{row[XI]} ({_steps(row, RX)})", table, "", ""
    if row[FORM] == MATRIX:
        x, y = (f"one %{row[at]} ({steps})" for at, steps in ((XI, _steps(row, RX, TERM_X)), (XI + 3, _steps(row, RY, TERM_Y))))
        z = _operand(row[MX + 6], row[XI + 6], n, _signed(row[RZ]) if repeats > 1 else 0)
        return f"{repeats} x {n} sums of {row[TERMS]} x*y", slots, x, y, z, ""
    code = int(row[OP]) & 255
    name = _FUSED[code - FUSED] if code >= FUSED else OPS[code].name
    steps = [_signed(step) for step in row[RX : RZ + 1]]
    operands = [_operand(row[MX + 3 * q], row[MX + 3 * q + 1], n, steps[q] if repeats > 1 else 0) for q in range(3)]
    return f"{repeats} x {n} {name}" if repeats > 1 else f"{n} {name}", slots, *operands, "stored" if row[DX] or row[DY] else ""


def _signed(step: int) -> int:
    return int(step) - (int(step) >> 31 << 32)


def _steps(row: np.ndarray, *fields: int) -> str:
    return ", ".join(f"{_signed(row[field]):+}" for field in fields)


def _operand(mode: int, at: int, n: int, step: int = 0) -> str:
    """An operand, and in brackets how much further it lies each time that the row repeats."""
    if mode in (GATHER, STRIDE):
        return "list" if mode == GATHER else "apart"
    if mode == ABSENT:
        return ""
    further = f" ({step:+})" if step else ""
    return f"row %{at}..{at + n - 1}{further}" if mode == ROWS and n > 1 else f"one %{at}{further}"
