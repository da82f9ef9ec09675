"""From a tape to a plan: simplified, levelled, and grouped into blocks that the kernels run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import kernels
from .errors import TapeCapacityError
from .kernels import CHUNK, HEADER, LIST, PART, PARTIAL, ROW, ROWS, SLOT
from .ops import CODE, OPS
from .tape import Tape

# Chains of additions with more like them that start on the same level are faster side by side than each as one block.
_SIDE_BY_SIDE = 10
_SHORTEST_CHAIN = 4
# The smallest group of like operations worth a block, and the shortest run of operands in a row worth one of its own.
_SMALLEST, _SHORTEST_RUN = 6, 16
# A tape of so few instructions is run as it is.
_TOO_SHORT = 24
# In a sorted key: the operation of a chain.
_CHAIN = 255
_ADDRESSES = slice(kernels.AT_SCALAR, kernels.AT_SCALAR + 8)


def _constants(operand: int) -> np.ndarray:
    found = [op.constant(operand) for op in OPS]
    return np.array([np.nan if x is None else x for x in found])


def _copies(operand: int) -> np.ndarray:
    """1, 2 or 3 where a partial is a copy of x, y or v; else 0."""
    texts = [op.partials[operand] if operand < op.arity else "" for op in OPS]
    return np.array([("x", "y", "v").index(text) + 1 if text in ("x", "y", "v") else 0 for text in texts])


# The partials that are constants, by operation; NaN where they are not.
CONSTANT_X, CONSTANT_Y = _constants(0), _constants(1)
_COMMUTES = np.array([op.commutes and not op.switch for op in OPS])
_PASSES_X, _PASSES_Y = CONSTANT_X != 0.0, CONSTANT_Y != 0.0


def _constancy(x: np.ndarray) -> np.ndarray:
    """0 where a partial varies, 1 where it is zero, 2 where it is another constant."""
    return np.where(np.isnan(x), 0, np.where(x == 0.0, 1, 2))


# What the emission asks of an operation.
_TABLE = np.array(
    [
        [op.arity for op in OPS],
        _constancy(CONSTANT_X),
        _constancy(CONSTANT_Y),
        _copies(0),
        _copies(1),
        [op.switch for op in OPS],
        np.isin(np.arange(len(OPS)), kernels.VECTORISED),
    ],
    np.int64,
)


class Plan(NamedTuple):
    """What the kernels run, and how it relates to the tape.

    Attributes
    ----------
    code : header, rows and index lists (see `kernels`)
    template : the values to start a work buffer from: constants in their slots
    size : float64s of a work buffer
    pieces : row numbers between which a sweep may be interrupted
    where : by slot of the tape, the slot of the program, 0 where it has none
    """

    code: np.ndarray
    template: np.ndarray
    size: int
    pieces: list[int]
    where: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The rows of the plan, one per block."""
        return self.code[HEADER : HEADER + ROW * int(self.code[1])].reshape(-1, ROW)


def direct(op: np.ndarray, a: np.ndarray, b: np.ndarray, template: np.ndarray, output: int) -> Plan:
    """The plan that runs instructions one at a time as they come; their results are the last slots.

    It takes no time to make: for tapes too short for blocks, and for the eager layer, where each tape runs once.
    """
    n, slots = len(op), len(template)
    starts = np.arange(0, n, CHUNK)
    at = HEADER + ROW * len(starts)
    code = np.zeros(at + 5 * n, np.uint32)
    code[:5] = slots, len(starts), 0, len(code), output
    code[_ADDRESSES] = kernels.addresses(blocks=False)
    # an operand that no derivative reaches is the instruction's own slot, done with by then; a leaf's own slot is not, so the sink
    own, inner = np.arange(slots - n, slots), op < len(OPS)
    known = np.where(inner, op, 0)
    targets = [
        np.where(inner, np.where(passes[known], operand, own), 0) for passes, operand in ((_PASSES_X, a), (_PASSES_Y, b))
    ]
    for row, start in zip(code[HEADER:at].reshape(-1, ROW), starts.tolist(), strict=True):
        part = slice(start, min(start + CHUNK, n))
        length = part.stop - start
        row[[kernels.KIND, kernels.N, kernels.OUT, kernels.XI]] = kernels.SCALAR, length, slots - n + start, at
        row[[kernels.DX, kernels.DY]] = 2 * slots + start, 2 * slots + n + start
        for column in (op, a, b, *targets):
            code[at : at + length] = column[part]
            at += length
    pieces = [*range(len(starts)), len(starts)] if n else [0, 0]
    return Plan(code, template, 2 * slots + 2 * n, pieces, np.arange(slots, dtype=np.int32))


def _guarded(plan: Plan, tape: Tape) -> Plan:
    """The plan with the tape's guards appended."""
    guards = np.array([(plan.where[guard.slot], guard.outcome) for guard in tape.guards], np.uint32).reshape(-1, 2).T.ravel()
    code = np.concatenate([plan.code, guards])
    code[2:4] = len(tape.guards), len(plan.code)
    return plan._replace(code=code)


def schedule(tape: Tape) -> Plan:
    """The plan of a tape: dead code and common subexpressions out, chains found, the rest levelled into blocks.

    Every value keeps its bits: operands are not reordered and nothing is folded. Only the order in which adjoints are added up
    differs from the recorded one.
    """
    kernels.ready()
    n, first, slots, inputs = len(tape), tape.first, len(tape.val), tape.n_inputs
    if n <= _TOO_SHORT:
        template = np.concatenate([tape.val[:first], np.zeros(n)])
        return _guarded(direct(tape.op, tape.a, tape.b, template, int(tape.outputs[0]) if len(tape.outputs) else 0), tape)
    roots = np.array([*tape.outputs, *(guard.slot for guard in tape.guards)], np.int64)
    needed = np.zeros(slots, np.uint8)
    needed[roots] = 1
    same = np.arange(slots, dtype=np.int32)
    ra, rb = np.zeros(n, np.int32), np.zeros(n, np.int32)
    bits = max(slots - 1, 1).bit_length() + 1
    kernels.simplify(
        tape.op, tape.a, tape.b, tape.val, first, inputs, _COMMUTES, needed, same, ra, rb, np.zeros(1 << bits, np.int32)
    )
    live = (needed[first:] != 0) & (same[first:] == np.arange(first, slots, dtype=np.int32))

    active = np.zeros(slots, np.uint8)
    active[1 : 1 + inputs] = tape.active
    uses = np.zeros(slots, np.int32)
    np.add.at(uses, same[roots], 2)
    previous = np.empty(n, np.int32)
    level = np.zeros(slots, np.int32)
    kernels.link(
        tape.op, ra, rb, first, CODE["add"], CODE["subtract"], live, active, _PASSES_X, _PASSES_Y, uses, previous, level
    )
    ends = _chains(tape.op, ra, rb, first, live, previous, level)

    chosen = np.flatnonzero(live & (ends != _INSIDE))
    key = level[first:][chosen].astype(np.int64) << 8 | np.where(ends[chosen] == _END, _CHAIN, tape.op[chosen])
    order = np.argsort(key, kind="stable")
    return _emit(tape, chosen[order], key[order], ra, rb, active, previous, same, roots)


_LINK_LESS, _INSIDE, _END = 0, 1, 2


def _chains(
    op: np.ndarray, ra: np.ndarray, rb: np.ndarray, first: int, live: np.ndarray, previous: np.ndarray, level: np.ndarray
) -> np.ndarray:
    """Mark the chains that run as one block each, and put their links and what follows on new levels."""
    n = len(op)
    length, start, inner = np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.uint8)
    kernels.measure(previous, live, first, level, length, start, inner)
    mark = np.zeros(n, np.uint8)
    last = np.flatnonzero((length >= _SHORTEST_CHAIN) & (inner == 0) & (previous >= 0))
    if len(last):
        alike = start[last].astype(np.int64) << 32 | length[last]
        _, which, counts = np.unique(alike, return_inverse=True, return_counts=True)
        lonely = last[counts[which] <= _SIDE_BY_SIDE]
        mark[lonely] = _END
        kernels.mark_links(lonely, previous, mark)
        kernels.relevel(op, ra, rb, first, live, previous, mark, level)
    return mark


def _emit(tape, order, key, ra, rb, active, previous, same, roots) -> Plan:
    n, first, slots, inputs = len(tape), tape.first, len(tape.val), tape.n_inputs
    capacity = 64 + len(order) // 4
    while True:
        where = np.zeros(slots, np.int64)
        where[1 : 1 + inputs] = np.arange(1, 1 + inputs)
        template = np.zeros(1 + inputs + tape.n_constants + 3 * len(order) + len(roots))
        rows = np.empty((capacity, ROW), np.uint32)
        lists = np.empty(5 * len(order) + 2 * n + 16, np.uint32)
        counts = np.array([1 + inputs, 0, 0, 2 * kernels.SCRATCH], np.int64)
        constants = np.array([inputs, first], np.int64)
        full = kernels.emit(
            order, key, tape.op, CODE["subtract"], first, ra, rb, active, previous, _TABLE, constants, tape.val, where,
            template, rows, lists, counts, _SMALLEST, _SHORTEST_RUN, CHUNK,
        )  # fmt: skip
        if not full:
            break
        capacity *= 4
    for slot in same[roots]:
        if inputs < slot < first and where[slot] == 0:
            where[slot] = counts[SLOT]
            template[counts[SLOT]] = tape.val[slot]
            counts[SLOT] += 1
    return _assemble(tape, rows[: counts[ROWS]], lists[: counts[LIST]], template[: counts[SLOT]].copy(), counts, where[same])


def _assemble(
    tape: Tape, rows: np.ndarray, lists: np.ndarray, template: np.ndarray, counts: np.ndarray, where: np.ndarray
) -> Plan:
    """Turn offsets that count from the lists and from the partials into absolute ones, and put everything into one array."""
    slots = len(template)
    size = 2 * slots + int(counts[PART])
    if size >= 2**32:
        raise TapeCapacityError(f"{tape!r} needs {size} numbers of work space; a program holds at most {2**32 - 1}")
    lists_at = HEADER + ROW * len(rows)
    for mode, at in ((kernels.MX, kernels.XI), (kernels.MY, kernels.YI)):
        listed = (rows[:, mode] == kernels.GATHER) | ((rows[:, kernels.KIND] == kernels.SCALAR) & (mode == kernels.MX))
        rows[listed, at] += np.uint32(lists_at)
    for at in (kernels.XO, kernels.YO, kernels.DX, kernels.DY):
        column = rows[:, at]
        column[:] = np.where(column >= PARTIAL, column.astype(np.int64) - PARTIAL + 2 * slots, column)
    output = int(where[tape.outputs[0]]) if len(tape.outputs) else 0
    header = np.zeros(HEADER, np.uint32)
    header[:5] = slots, len(rows), 0, 0, output
    header[_ADDRESSES] = kernels.addresses(blocks=True)
    code = np.concatenate([header, rows.ravel(), lists])
    before = np.cumsum(rows[:, kernels.N].astype(np.int64))
    total = int(before[-1]) if len(rows) else 0
    cuts = np.unique(np.searchsorted(before, np.arange(CHUNK, total, CHUNK))) if total > CHUNK else np.zeros(0, np.int64)
    pieces = [0, *(int(cut) for cut in cuts if 0 < cut < len(rows)), len(rows)]
    return _guarded(Plan(code, template, size, pieces, where.astype(np.int32)), tape)
