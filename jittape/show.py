"""The tape as text, DOT, SVG and HTML."""

from __future__ import annotations

import os
import sys
from collections import Counter
from html import escape
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from . import formulas, picture
from .ops import CODE, MATMUL, NAMES, OPS, Op
from .products import FINDS, MULTIPLIES, PICKS, SETS, holding

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
LARGEST_PICTURE = 40
# The most terms that a line spells of a sum of products.
_TERMS_SHOWN = 3

# What the hidden operations do, in the words of the public functions that record them.
_HIDDEN = {
    "gate": "where({0}, {1}, -0)",
    "gate_not": "where({0}, -0, {1})",
    "clip_low": "clip({0}, min={1})",
    "clip_high": "clip({0}, max={1})",
    "negative": "-{0}",
    "cube": "{0} ** 3",
    "fourth": "{0} ** 4",
    "inverse_square": "{0} ** -2",
}

# How results that labels tell of are spelled: as what they were, by which label; the place of a number in a grid.
_PICKED, _FOUND = (OPS[CODE["copy"]]._replace(name=name) for name in ("picked", "found"))

Place = tuple[str, int]


def is_ours(code: CodeType) -> bool:
    """Whether code is of this package."""
    return code.co_filename.startswith(PACKAGE)


def user_line() -> Place | None:
    """The (file, line) of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code):
        frame = frame.f_back  # type: ignore[assignment]
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def user_place() -> Any:
    """What `line_of` takes for the line that is executing in the innermost frame outside this package.

    Three times as fast as `user_line`: a line number is worked out from the code's table each time it is asked for. Its callers are
    called by operators of this package, whose frames it need not look at.
    """
    frame = sys._getframe(3)
    while frame is not None and is_ours(frame.f_code):
        frame = frame.f_back  # type: ignore[assignment]
    return None if frame is None else (frame.f_code, frame.f_lasti)


def line_of(place: Any) -> Place | None:
    """The (file, line) of a place; what is one already stays as it is."""
    if place is None or isinstance(place[0], str):
        return place
    code, instruction = place
    for start, stop, line in code.co_lines():
        if start <= instruction < stop and line is not None:
            return code.co_filename, line
    return code.co_filename, code.co_firstlineno


class _Step(NamedTuple):
    """One instruction; a partial is None where no derivative passes: a constant, data, or a zero formula."""

    slot: int
    op: Op
    operands: tuple[int, ...]
    partials: tuple[float | None, ...]
    active: bool


class _View:
    """The first ``count`` instructions of a tape with the facts that every rendering needs; the rest is not touched."""

    def __init__(self, tape: Any, count: int) -> None:
        self.tape = tape
        self.first: int = tape.first
        self.inputs: int = tape.n_inputs
        self.steps: list[_Step] = []
        columns = tape.op[:count].tolist(), tape.a[:count].tolist(), tape.b[:count].tolist()
        for slot, (code, a, b) in enumerate(zip(*columns, strict=True), self.first):
            if code == MATMUL:
                self.steps.append(self._result(slot))
                continue
            op = OPS[code]
            operands = (a, b)[: op.arity]
            wired = [self.active(s) and p != "0.0" for s, p in zip(operands, op.partials, strict=True)]
            d = formulas.partials(code, tape.val[a], tape.val[b], tape.val[slot])
            partials = tuple(x if on else None for x, on in zip(d, wired, strict=True))
            self.steps.append(_Step(slot, op, operands, partials, any(wired)))
        self.end = self.first + count
        own = {s for step in self.steps for s in (step.slot, *step.operands)}
        self.twice = {name for name, n in Counter(tape.names[s] for s in own if s in tape.names).items() if n > 1}
        self.guards: dict[int, list[Any]] = {}
        for k in np.flatnonzero(tape.guards.slots < self.end).tolist():
            guard = tape.guards[k]
            self.guards.setdefault(guard.slot, []).append(guard)
        self.outputs: dict[int, list[int]] = {}
        for k in np.flatnonzero(tape.outputs < self.end).tolist():
            self.outputs.setdefault(int(tape.outputs[k]), []).append(k)

    def _result(self, slot: int) -> _Step:
        """A result of a product of matrices: what it multiplies are its operands, in pairs; or what it picks, or adds, by its labels."""
        tape, i = self.tape, slot - self.first
        product = holding(tape.products, i)
        x, y = product.factors(i)
        if product.kind == MULTIPLIES:
            pairs, name = np.stack([x, y], axis=1), "multiply"
            operands, d = pairs.ravel(), tape.val[pairs[:, ::-1]].ravel()
        elif product.kind == FINDS:
            return _Step(slot, _FOUND, (int(x[0]), int(y[0]), int(y[-1])), (None, None, None), False)
        elif product.kind == PICKS:
            picked, label = int(y[int(tape.val[x[0]])]), int(x[0])
            active = self.active(picked)
            return _Step(slot, _PICKED, (picked, label), (1.0 if active else None, None), active)
        else:
            row, labels = (i - product.start) // product.y.shape[1], tape.val[x]
            operands = np.append(y[row], y[product.height :][labels == row])
            operands = operands[-1:] if product.kind == SETS else operands
            d, name = np.ones(len(operands)), "add" if len(operands) > 1 else "copy"
        partials = tuple(x if self.active(s) else None for s, x in zip(operands.tolist(), d.tolist(), strict=True))
        return _Step(slot, OPS[CODE[name]], tuple(operands.tolist()), partials, any(x is not None for x in partials))

    def constant(self, slot: int) -> bool:
        """Whether a slot is a constant (or the sink)."""
        return slot == 0 or self.inputs < slot < self.first

    def active(self, slot: int) -> bool:
        """Whether a slot depends on a differentiated input."""
        if slot >= self.first:
            return self.steps[slot - self.first].active
        return 0 < slot <= self.inputs and bool(self.tape.active[slot - 1])

    def value(self, slot: int) -> str:
        return _number(self.tape.val[slot])

    def label(self, slot: int) -> str:
        """How an operand is spelled: a constant's value, a variable's name, else ``%slot``."""
        if self.constant(slot):
            return self.value(slot)
        name = self.tape.names.get(slot)
        if not name:
            return f"%{slot}"
        return f"{_printable(name)}%{slot}" if name in self.twice else _printable(name)

    def left(self, slot: int) -> str:
        """The left side of a line: the slot, and the name of a variable that has one."""
        name = self.tape.names.get(slot)
        return f"%{slot} {_printable(name)}" if name else f"%{slot}"

    def spelling(self, step: _Step) -> str:
        """An instruction as one would write it in Python."""
        labels = [self.label(s) for s in step.operands]
        if len(labels) > 2:
            if step.op is _FOUND:
                return "found({}, {}..{})".format(*labels)
            added = step.op.name == "add"
            terms = labels if added else [" * ".join(pair) for pair in zip(labels[::2], labels[1::2], strict=True)]
            return " + ".join(_few(terms, _TERMS_SHOWN))
        if step.op.symbol == "**" or step.op.name == "negative":
            labels[0] = f"({labels[0]})" if labels[0].startswith("-") else labels[0]
        if step.op.symbol:
            return f" {step.op.symbol} ".join(labels)
        if step.op.name in _HIDDEN:
            return _HIDDEN[step.op.name].format(*labels)
        return f"{step.op.name}({', '.join(labels)})"

    def notes(self, slot: int, *, where: bool = True) -> list[str]:
        """What else is known of a slot: that it is an output, and the truths asked of it."""
        several = len(self.tape.outputs) > 1
        found = [f"output {k}" if several else "output" for k in self.outputs.get(slot, ())]
        for _, outcome, line in self.guards.get(slot, ()):
            found.append(f"guard: {outcome}" + (f", {_place(line)}" if where and line else ""))
        return list(dict.fromkeys(found))


def _few(parts: list[str], most: int) -> list[str]:
    """The parts, or the first and the last of them where they are many."""
    return parts if len(parts) <= most else [*parts[: most - 1], "...", parts[-1]]


def _number(x: float) -> str:
    return f"{x:.6g}"


def _printable(text: str) -> str:
    """Text on one line, without control characters."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _place(line: Place) -> str:
    return f"{_printable(os.path.basename(line[0]))}:{line[1]}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _summary(tape: Any) -> str:
    counts = (len(tape), "instruction"), (tape.n_inputs, "input"), (tape.n_constants, "constant")
    return ", ".join(_count(*c) for c in (*counts, (len(tape.guards), "guard"), (len(tape.outputs), "output")))


def _table(rows: list[list[str]]) -> list[str]:
    """Rows as lines with aligned columns; columns that are empty throughout are left out."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]


def listing(tape: Any, *, head: int | None = 40, values: bool = True) -> str:
    """The tape as text, one line per instruction, as a disassembler prints code.

    Inputs and constants come first. Constants are what the function captured: a replay keeps their values. A partial that is
    ``-`` passes no derivative: its operand is a constant or data, or the operation is flat in it.

    Parameters
    ----------
    tape : what was recorded
    head : print at most this many lines of each kind; None prints all
    values : print the recorded values and partials
    """
    limit = len(tape.val) + len(tape.reads) if head is None else max(head, 0)
    count = min(len(tape), limit)
    view = _View(tape, count)
    lines = [_summary(tape)]

    def cut(total: int, noun: str = "") -> None:
        if total > limit:
            lines.append(f"... {total - limit:,} more{noun}")

    def leaf(slot: int, kind: str, shown: bool) -> None:
        value = f" = {view.value(slot)}" if shown else ""
        lines.append("  ".join([f"{view.left(slot)}{value} ({kind})", *view.notes(slot)]))

    for slot in range(1, 1 + min(view.inputs, limit)):
        leaf(slot, "input" if tape.active[slot - 1] else "data", values)
    cut(view.inputs, " inputs")
    for slot in range(1 + view.inputs, 1 + view.inputs + min(tape.n_constants, limit)):
        leaf(slot, "constant", True)
    cut(tape.n_constants, " constants")

    rows = [["", "value", "partials", "line", ""]]
    for i, step in enumerate(view.steps):
        line = tape.line(i)
        partials = ", ".join(_few(["-" if d is None else _number(d) for d in step.partials], 2 * _TERMS_SHOWN))
        shown = [view.value(step.slot), partials] if values else ["", ""]
        text = f"{view.left(step.slot)} = {view.spelling(step)}"
        rows.append([text, *shown, _place(line) if line else "", "  ".join(view.notes(step.slot))])
    if count:
        lines += _table(rows)[0 if values or any(row[3] for row in rows[1:]) else 1 :]
    cut(len(tape))
    for k in np.flatnonzero(tape.outputs >= view.end)[:4].tolist():
        slot = int(tape.outputs[k])
        which = "output" if len(tape.outputs) == 1 else f"output {k}"
        lines.append(f"{which}: {view.left(slot)}" + f" = {view.value(slot)}" * values)
    if tape.reads:
        lines.append("read with .value while recording, a replay does not renew them:")
        for slot, line in tape.reads[:limit]:
            lines.append(f"  {view.left(slot)}" + f" = {view.value(slot)}" * values + (f", {_place(line)}" if line else ""))
        cut(len(tape.reads), " reads")
    return "\n".join(lines)


def _drawn(view: _View) -> list[int]:
    """The slots that a graph shows: constants stand in the spelling of their readers, leaves nobody uses are left out."""
    used = {s for step in view.steps for s in step.operands if not view.constant(s)}
    return sorted(used | set(view.outputs) | set(view.guards) | {step.slot for step in view.steps})


def _title(view: _View, slot: int) -> tuple[str, str]:
    """The slot's mark, and what it is."""
    if slot >= view.first:
        return f"{view.left(slot)} = ", view.spelling(view.steps[slot - view.first])
    return "", view.label(slot)


def _remarks(view: _View, slot: int) -> list[str]:
    kind = ["constant"] if view.constant(slot) else ["data"] if slot < view.first and not view.active(slot) else []
    return kind + view.notes(slot, where=False)


def dot(tape: Any) -> str:
    """The graph in Graphviz's DOT language.

    Values are in the nodes, partials on the edges; an edge that passes no derivative is dashed.
    """
    view = _View(tape, len(tape))

    def quote(*rows: str) -> str:
        return '"' + "\\n".join(row.replace("\\", "\\\\").replace('"', '\\"') for row in rows) + '"'

    lines = ["digraph tape {", '  node [shape=box, style=rounded, fontname="monospace"];', '  edge [fontname="monospace"];']
    for slot in _drawn(view):
        rows = ["".join(_title(view, slot)), *([] if view.constant(slot) else [view.value(slot)]), *_remarks(view, slot)]
        shape = "" if slot >= view.first else ", shape=ellipse, style=solid"
        lines.append(f"  s{slot} [label={quote(*rows)}{', penwidth=2' if slot in view.outputs else ''}{shape}];")
    for step in view.steps:
        for slot, d in zip(step.operands, step.partials, strict=True):
            if not view.constant(slot):
                lines.append(f"  s{slot} -> s{step.slot} [{'style=dashed' if d is None else f'label={quote(_number(d))}'}];")
    return "\n".join([*lines, "}", ""])


def html(tape: Any) -> str:
    """A small table for notebooks: counts, memory, and how often each operation occurs."""
    memory = tape.nbytes
    symbols = {op.name: op.symbol for op in OPS} | {NAMES[MATMUL]: "@"}
    counts = {NAMES[code]: n for code, n in enumerate(np.bincount(tape.op).tolist()) if n}
    ranked = sorted(((n, symbols[name], name) for name, n in counts.items()), key=lambda r: (-r[0], r[2]))
    most = ranked[0][0] if ranked else 1
    left, right = 'style="text-align:left"', 'style="text-align:right"'
    rows = []
    for n, symbol, name in ranked[:12]:
        bar = f'<div style="background:#5b8def;height:.7em;width:{max(n / most * 120, 1):.0f}px"></div>'
        text = escape(f"{name} {symbol}".strip())
        rows.append(f"<tr><td {left}>{text}</td><td {right}>{n:,}</td><td>{bar}</td></tr>")
    if len(ranked) > 12:
        n = sum(r[0] for r in ranked[12:])
        rows.append(f"<tr><td {left}>{len(ranked) - 12} others</td><td {right}>{n:,}</td><td></td></tr>")
    size, unit = next(((size, unit) for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if memory >= size), (1, "bytes"))
    return f"<table><caption {left}>Tape: {_summary(tape)}; {memory / size:.3g} {unit}</caption>{''.join(rows)}</table>"


def _adjoints(view: _View) -> list[float]:
    """The derivative of the first output in every slot, by a reverse sweep that a debugger can step through."""
    adjoint = [0.0] * len(view.tape.val)
    if len(view.tape.outputs):
        adjoint[view.tape.outputs[0]] = 1.0
    for step in reversed(view.steps):
        for operand, (slot, d) in enumerate(zip(step.operands, step.partials, strict=True)):
            if d is not None:
                adjoint[slot] += formulas.product(step.op, operand % step.op.arity, adjoint[step.slot], d)
    return adjoint


def svg(tape: Any) -> str:
    """The graph of a small tape as a picture: values forward, adjoints backward, and the partial on each edge.

    The adjoints are the derivatives of the first output. Constants stand in the formula of the node that uses them, inputs
    that nobody reads are left out, and an edge that passes no derivative is dashed.

    Raises
    ------
    ValueError
        for a tape of more than `LARGEST_PICTURE` slots
    """
    if len(tape.val) > LARGEST_PICTURE:
        raise ValueError(
            f"a tape of {len(tape.val):,} slots is too large for a picture (at most {LARGEST_PICTURE}); "
            "print it with `show()`, or give `to_dot()` to Graphviz"
        )
    view = _View(tape, len(tape))
    adjoints = _adjoints(view)
    cards: dict[int, picture.Card] = {}
    for slot in _drawn(view):
        mark, title = _title(view, slot)
        step = view.steps[slot - view.first] if slot >= view.first else None
        arriving = zip(step.operands, step.partials, strict=True) if step else ()
        cards[slot] = picture.Card(
            mark=mark,
            title=title,
            value="" if view.constant(slot) else f"↓ {view.value(slot)}",
            adjoint=f"↑ {_number(adjoints[slot])}" if len(tape.outputs) and view.active(slot) else "",
            remarks=_remarks(view, slot),
            operands=[(s, "" if d is None else _number(d)) for s, d in arriving if not view.constant(s)],
            kind="output" if slot in view.outputs else "operation" if step else "input" if view.active(slot) else "constant",
        )
    return picture.draw(cards, _summary(tape), "↑ adjoint" if len(tape.outputs) < 2 else "↑ adjoint of output 0")
