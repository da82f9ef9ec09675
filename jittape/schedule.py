"""From a tape to a plan: simplified, levelled, and grouped into blocks that the kernels run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from . import kernels
from .errors import TapeCapacityError
from .kernels import (
    AHEAD,
    AT,
    AT_FAMILIES,
    AT_FORWARD,
    AT_GUARDS,
    AT_MATRIX,
    AT_MATRIX_BACK,
    AT_PULLS,
    AT_REVERSE,
    AT_SINGLES,
    AT_STRETCH,
    CHAINED,
    CHUNK,
    CONSTANTS,
    CORE,
    COUNT,
    FAMILY_OF,
    FAR,
    FLAG,
    FORM,
    FUSED,
    HEADER,
    HOW,
    LIST,
    MATRIX,
    N_GUARDS,
    N_PULLS,
    N_ROWS,
    OUT,
    OUTPUT,
    PART,
    PULL,
    PULLS,
    REPEATS,
    ROW,
    ROW_COUNT,
    SCRATCH,
    SINGLES,
    SLOT,
    SLOTS,
    TARGET,
    TERMS,
    TERMS_RUN,
    TIMES_RUN,
    N,
)
from .matrices import Matrices
from .memory import require
from .ops import CODE, FAMILIES, MATMUL, OPS, Op
from .tape import Tape

# Chains of additions with more like them that start on the same level are faster side by side than each as one block.
_SIDE_BY_SIDE = 7
# The smallest group of like operations worth a block: of operations that call functions, and of others. On a random graph of
# both kinds 3 for the former is a fifth faster than 6; on an ODE of arithmetic alone 8 for the latter is a tenth faster.
_SMALLEST_CALLED, _SMALLEST_PLAIN = 3, 8
# The shortest run of operands in a row worth a block of its own.
_SHORTEST_RUN = 16
# Where there are guards, a stretch of instructions is cut to so many: guards are checked between rows.
_GUARDED_STRETCH = 128
# A tape of so few instructions is run as it is.
_TOO_SHORT = 24
# Turns are taken where they leave alone fewer instructions than levels do, by more than one in so many: their order costs rows of
# operands, which makes Iris a seventh slower.
_WORTH_TURNS = 16
# So few numbers are sorted at once in less time than by their digits.
_FEW = 1000
# Levels that some instruction must have to spare for that: in an ODE all have a few, which makes no blocks.
_LONG_WAIT = 8
# The size of a buffer from which on a sweep takes a hundred times as long as a call of a Python function.
_LONG = 1 << 16
# So many pulls tell how far all of them reach.
_SAMPLE = 4096
# Bytes per instruction that planning touches at its peak: 100 measured on tapes of a million and of ten million.
_PLANNING = 100
# How partials come about, by their formula; what is not here is computed and stored.
_HOW = {
    "0.0": kernels.NOTHING_PASSES, "1.0": kernels.PLUS, "-1.0": kernels.LESS,
    "x": kernels.COPY_X, "y": kernels.COPY_Y, "v": kernels.COPY_V,
}  # fmt: skip


def _known(op: Op) -> list[int]:
    """An operation's row of the table that plans are made from."""
    how = [_HOW.get(partial, kernels.STORED) for partial in op.partials] + [kernels.NOTHING_PASSES] * (3 - op.arity)
    own = ("add", "subtract", "multiply")
    form = CORE + 3 * own.index(op.name) if op.name in own else 0
    return [*how, op.arity, op.switch, list(FAMILIES).index(op.family), form, _SMALLEST_PLAIN if op.plain else _SMALLEST_CALLED]


def _table() -> np.ndarray:
    """What planning asks of an operation: a row for each of the op table, and of the fused ones."""
    table = np.zeros((256, kernels.FACTS), np.int64)
    table[:, HOW : HOW + 3] = kernels.NOTHING_PASSES
    for code, op in enumerate(OPS):
        table[code] = _known(op)
    for k, (product, other) in enumerate(((0, 0), (1, 0), (0, 1))):  # z + xy, z - xy, xy - z
        factors = (kernels.LESS_Y, kernels.LESS_X) if product else (kernels.COPY_Y, kernels.COPY_X)
        table[FUSED + k] = [*factors, kernels.LESS if other else kernels.PLUS, 3, 0, 0, CORE + 9 + 2 * k, _SMALLEST_PLAIN]
    return table


_TABLE = _table()
_COMMUTES = np.zeros(256, np.bool_)
_COMMUTES[: len(OPS)] = [op.commutes and not op.switch for op in OPS]
_FACTS = _TABLE.ravel()
_TABLE.flags.writeable = _FACTS.flags.writeable = False
_PASSES_X, _PASSES_Y = (_TABLE[:, HOW + q] != kernels.NOTHING_PASSES for q in (0, 1))


Copies = Sequence[tuple[np.ndarray, int]]


class Plan(NamedTuple):
    """What the kernels run, and how it relates to the tape.

    Attributes
    ----------
    code : header, rows, index lists, pulls and guards (see `kernels`)
    template : the values that a work buffer starts with: constants in their slots
    size : float64s of a work buffer
    pieces : the numbers of the rows, and of the pulls, between which a sweep may be interrupted
    where : by slot of the tape, the slot of the program, 0 where it has none
    then : what is called once, when calls of the plan have counted down what its header says; or None
    """

    code: np.ndarray
    template: np.ndarray
    size: int
    pieces: tuple[list[int], list[int]]
    where: np.ndarray
    then: Callable[[], None] | None = None

    @property
    def rows(self) -> np.ndarray:
        """The rows of the plan, one per block."""
        return self.code[HEADER : HEADER + ROW * int(self.code[N_ROWS])].reshape(-1, ROW)

    @property
    def pulls(self) -> np.ndarray:
        """The pulls of the plan, in the order in which the reverse sweep runs them."""
        at = int(self.code[AT_PULLS])
        return self.code[at : at + PULL * int(self.code[N_PULLS])].reshape(-1, PULL)

    def buffer(self) -> np.ndarray:
        """A new work buffer."""
        work = np.zeros(self.size)
        slots = len(self.template)
        work[:slots] = self.template
        work[2 * slots : 2 * slots + len(CONSTANTS)] = CONSTANTS
        return work

    def bind(self, work: np.ndarray, mode: int, reads: Copies = (), writes: Copies = ()) -> Callable[[], float]:
        """A function that sweeps this plan over a work buffer; see `kernels.bind`."""
        return kernels.bind(self.code, work, self.pieces, mode, reads, writes, self.then)

    @property
    def brief(self) -> bool:
        """Whether a sweep is one piece, and so short that how it is called matters."""
        rows, pulls = self.pieces
        return len(rows) == len(pulls) == 2 and self.size <= _LONG

    def frame(self, work: np.ndarray, mode: int) -> np.ndarray:
        """What the kernels take to sweep this plan over a work buffer, in one piece."""
        begin, end = self.pieces[0]
        return kernels.frame_of(self.code, work, begin, end, mode, then=self.then)


def direct(
    op: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    template: np.ndarray,
    output: int,
    active: np.ndarray,
    inputs: int | None = None,
) -> Plan:
    """The plan that runs instructions one at a time as they come; their results are the last slots.

    It takes no time to make: for tapes too short for blocks, and for the eager layer, where each tape runs once. ``active``
    tells by slot which leaves are differentiated. It keeps the adjoints of as many ``inputs``, or every adjoint.
    """
    n, slots = len(op), len(template)
    size = 2 * slots + 2 * n + len(CONSTANTS)
    _addressable(size, FLAG, f"a tape of {n} instructions")
    rows = -(-n // CHUNK)
    at = HEADER + ROW * rows + PULL * (rows + 1)
    code = np.zeros(at + 12 * n + 2, np.uint32)
    code[[SLOTS, N_ROWS, N_PULLS, AT_PULLS, OUTPUT]] = slots, rows, rows + 1, HEADER + ROW * rows, output
    op, a, b = (_locked(column) for column in (op, a, b))
    adjoint, readers = np.zeros((2, 0 if inputs is None else slots), np.int32)
    end = kernels.planning(n, kernels.unroll).unroll(
        op, a, b, active.astype(np.uint8), adjoint, readers, _FACTS, code, slots, inputs or 0, at, CHUNK
    )
    used = np.flatnonzero(np.bincount(op, minlength=len(OPS))[: len(OPS)])
    families = tuple(dict.fromkeys(_TABLE[used, FAMILY_OF].tolist()))
    code[AT:HEADER] = _functions(kernels.forward_in_order, kernels.reverse_in_order, families)
    pieces = [*range(rows or 1), rows], [0, *range(2, rows + 1), rows + 1]
    return Plan(code[:end], template, size, pieces, np.arange(slots, dtype=np.int32))


def _addressable(size: int, limit: int, what: str) -> None:
    """Raise where a work buffer, or the code, is longer than its offsets can tell."""
    if size >= limit:
        raise TapeCapacityError(f"{what} needs {size} numbers in one array, more than a program's offsets can tell apart")


def _locked(column: np.ndarray) -> np.ndarray:
    """A view that is read-only, as the columns of a tape are: kernels are compiled for those."""
    view = column.view()
    view.flags.writeable = False
    return view


@functools.cache
def _functions(
    forward: Callable,
    reverse: Callable,
    ones: tuple[int, ...],
    blocks: tuple[int, ...] = (),
    singles: Callable | None = None,
    matrices: bool = False,
) -> np.ndarray:
    """The part of a header with the addresses of the functions that a program needs; ``ones`` and ``blocks`` are families."""
    functions: dict[int, Callable] = {AT_FORWARD: forward, AT_REVERSE: reverse}
    functions |= {AT_STRETCH: kernels.stretch} | ({AT_SINGLES: singles} if singles else {})
    if matrices:
        functions |= {AT_MATRIX: kernels.matrix, AT_MATRIX_BACK: kernels.matrix_back}
    functions |= {AT_FAMILIES + 2 * family: function for family in ones if (function := kernels.ONE_OF[family])}
    functions |= {AT_FAMILIES + 2 * family + 1: kernels.BLOCK_OF[family] for family in blocks}
    return kernels.addresses(functions)


def _guards(tape: Tape, where: np.ndarray, outs: np.ndarray, header: np.ndarray, at: int) -> np.ndarray:
    """The guards of a tape as they stand at ``at`` in a plan whose rows write from slots ``outs`` on; its header then tells of them."""
    header[[N_GUARDS, AT_GUARDS]] = len(tape.guards), at
    if not tape.guards:
        return np.zeros(0, np.uint32)
    slots = where[tape.guards.slots]
    # a guard can be checked after the row that computes its condition, and those of all guards before it
    rows = np.maximum.accumulate(np.maximum(np.searchsorted(outs, slots, "right") - 1, 0))
    return np.concatenate([slots, tape.guards.outcomes, rows], dtype=np.uint32, casting="unsafe")


def schedule(tape: Tape) -> Plan:
    """The plan of a tape: dead code and common subexpressions out, chains found, the rest levelled into blocks.

    Every value keeps its bits: operands are not reordered and nothing is folded. Only the order in which adjoints are added up
    differs from the recorded one.
    """
    kernels.ready()
    n, first, slots, inputs = len(tape), tape.first, len(tape.val), tape.n_inputs
    active = np.zeros(slots, np.uint8)
    active[1 : 1 + inputs] = tape.active
    if n <= _TOO_SHORT and not tape.products:
        template = np.concatenate([tape.val[:first], np.zeros(n)])
        output = int(tape.outputs[0]) if len(tape.outputs) else 0
        plan = direct(tape.op, tape.a, tape.b, template, output, active, inputs)
        guards = _guards(tape, plan.where, plan.rows[:, OUT], plan.code, len(plan.code))
        return plan._replace(code=np.concatenate([plan.code, guards]))
    matrices = Matrices.of(tape)
    require(_PLANNING * (n + len(matrices.members)) + 4 * matrices.reads, f"planning {tape!r}")
    roots = np.concatenate([tape.outputs, tape.guards.slots])
    needed = np.zeros(slots, np.uint8)
    needed[roots] = kernels.NEEDED
    needed[tape.outputs[:1]] |= kernels.USEFUL
    same = np.arange(slots, dtype=np.int32)
    operands = np.zeros(3 * n, np.int32)  # three by instruction
    passes = kernels.planning(n + matrices.size, kernels.emit)
    add, subtract, multiply, copy = (CODE[name] for name in ("add", "subtract", "multiply", "copy"))
    bits = max(slots - 1, 1).bit_length() + 1
    passes.simplify(
        tape.op, tape.a, tape.b, tape.val.view(np.int64), first, inputs, _COMMUTES, _PASSES_X, _PASSES_Y, copy, needed, same,
        operands, np.zeros(1 << bits, np.int32), *matrices.flat,
    )  # fmt: skip
    matrices.stand_for(same, operands)
    live = (needed[first:] != 0) & (same[first:] == np.arange(first, slots, dtype=np.int32))

    roots = same[roots]
    uses = np.zeros(slots, np.int32)
    uses[roots] = 2  # more than one: nothing goes on with what somebody else reads
    level = np.zeros(slots, np.int32)
    previous, length, start, after, ends = (np.zeros(n, np.int32) for _ in range(5))
    found = passes.link(
        tape.op, operands, first, add, subtract, multiply, copy, live, needed, active, _PASSES_X, _PASSES_Y, uses, level, previous, length,
        start, after, ends, *matrices.flat,
    )  # fmt: skip
    ends = _apart(ends[:found], length, start)
    code, mark = tape.op.copy(), np.zeros(n, np.uint8)
    mark[ends] = _END
    passes.join(
        tape.op, operands, first, live, uses, ends, previous, add, subtract, multiply, copy, mark, code, level, *matrices.flat
    )

    chosen = np.flatnonzero(live & (mark != _INSIDE))
    kind = np.where(mark[chosen] == _END, CHAINED, code[chosen]).astype(np.int64)
    order, key = _grouped(level[first + chosen], kind)
    order, key = _turns(passes, operands, first, live, previous, mark, code, level, chosen, kind, order, key, roots, matrices)
    # slots that chains take beside those of their ends: one a link and one where it is cut for a running product, two for at least four
    # links where products are added
    running, added = np.count_nonzero((mark != 0) & (tape.op == multiply)), np.count_nonzero(code >= kernels.OF_PRODUCTS)
    inner = int(running + running // kernels.SCRATCH + added // 2)
    longest = len(tape) if len(ends) else 0
    return _emit(
        passes,
        tape,
        chosen[order],
        key,
        code,
        operands,
        active,
        uses,
        after,
        previous,
        same,
        roots,
        inner,
        longest,
        matrices,
        live,
    )


_LINK_LESS, _INSIDE, _END = 0, 1, 2
# A level after all others.
_NEVER = (1 << 31) - 1


def _in_order(numbers: np.ndarray) -> np.ndarray:
    """The stable order of numbers from 0 on; NumPy sorts numbers of 8 and 16 bits by their digits, in a fifth of the time."""
    digits = np.max(numbers, initial=0) >> 8
    return np.argsort(numbers.astype(np.uint16 if digits else np.uint8) if digits < 1 << 8 else numbers, kind="stable")


def _grouped(level: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of instructions by level and kind, and the keys in that order."""
    key = level.astype(np.int64) << 8 | kind
    if len(key) < _FEW:
        order = np.argsort(key, kind="stable")
    elif np.max(level, initial=0) < 1 << 16:
        order = _in_order(kind)
        order = order[_in_order(level[order])]
    else:
        order = _in_order(key)
    return order, key[order]


def _alone(key: np.ndarray) -> int:
    """How many instructions are too few of a key for a block; keys come in order."""
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    sizes = np.diff(starts, append=len(key))
    return int(np.sum(sizes[sizes < _TABLE[key[starts] & 255, kernels.SMALLEST]]))


def _turns(
    passes, operands, first, live, previous, mark, code, level, chosen, kind, order, key, roots, matrices
) -> tuple[np.ndarray, np.ndarray]:
    """The order and the keys by turns in place of levels, where those are better.

    What can wait does, until others like it are due, and runs with all of them that are ready. Irregular code then has groups of twice
    the size, and what a recurrence computes on the way, such as the terms of a likelihood, is one block after it. (Batching by agenda,
    after Neubig, Goldberg and Dyer, 2017, by urgency.)
    """
    if not len(key) or key[-1] >> 8 < _LONG_WAIT:
        return order, key
    moves, late = np.zeros(len(live), np.bool_), np.full(len(level), _NEVER, np.int32)
    moves[chosen[(kind != CHAINED) & (kind != MATMUL)]] = True
    moves[roots[roots >= first] - first] = False
    unit = matrices.units(len(live))
    passes.delay(operands, first, live, previous, mark, code, level, moves, late, unit, *matrices.flat)
    due = late[first + unit[chosen]]
    if np.max(due - level[first + chosen], initial=0) < _LONG_WAIT:
        return order, key
    alone = _alone(key)
    if alone * _WORTH_TURNS <= len(chosen):
        return order, key
    n, kinds = len(live), code.copy()
    kinds[chosen] = kind
    turn, ready = np.full(n, -1, np.int32), np.full(256, -1, np.int32)
    starts, readers, waits, following = (np.zeros(size, np.int32) for size in (n + 1, 3 * n + matrices.reads, n, n))
    asked = unit[chosen] == chosen
    urgent = chosen[asked][_grouped(due[asked], kind[asked])[0]]
    fewer = alone - passes.agenda(
        urgent,
        kinds,
        operands,
        first,
        live,
        mark,
        code,
        _FACTS,
        starts,
        readers,
        waits,
        ready,
        following,
        turn,
        unit,
        *matrices.flat,
    )
    if fewer * _WORTH_TURNS <= len(chosen):
        return order, key
    turn = turn[unit[chosen]]
    order = _in_order(turn)
    return order, turn[order].astype(np.int64) << 8 | kind[order]


def _apart(ends: np.ndarray, length: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The ends of those chains that run as one block each: not of many alike, which are faster side by side."""
    if len(ends) <= _SIDE_BY_SIDE:
        return ends
    alike = start[ends].astype(np.int64) << 32 | length[ends]
    ordered = np.sort(alike)
    return ends[np.searchsorted(ordered, alike, "right") - np.searchsorted(ordered, alike, "left") <= _SIDE_BY_SIDE]


def _emit(
    passes, tape, order, key, op, operands, active, uses, after, previous, same, roots, inner, longest, matrices, live
) -> Plan:
    first, slots, inputs = tape.first, len(tape.val), tape.n_inputs
    rows_at_most = 64 + len(order) // 4
    items, room = np.empty(2 * longest, np.int32), np.empty((6, len(order) + 1), np.int64)
    while True:
        where = np.zeros(slots, np.int64)
        where[1 : 1 + inputs] = np.arange(1, 1 + inputs)
        # of an instruction in a block its constants, its result, and what fills up vectors, 6 at most; and one to keep room for others
        template = np.zeros(2 + inputs + tape.n_constants + 7 * len(order) + len(roots) + inner + 3 * len(matrices.members))
        state = np.zeros((len(template), kernels.KNOWN), np.uint32)
        state[1 : 1 + inputs, kernels.ACTIVE] = tape.active
        rows = np.zeros(ROW * rows_at_most, np.uint32)
        # of an instruction in a block three lists and their pulls one by one, four numbers each; of a link in a chain one of both
        lists = np.empty(20 * len(order) + 6 * len(tape) + 2 * inputs + 10 * len(matrices.members) + 16, np.uint32)
        counts = np.array([1 + inputs, 0, 0, len(CONSTANTS) + 3 * SCRATCH, 0, 0, len(order)], np.int64)
        constants = np.array([inputs, first], np.int64)
        placed = matrices.placed(tape, live, where, template, counts, state)
        full = passes.emit(
            order, key, items, op, CODE["subtract"], CODE["multiply"], CODE["copy"], first, operands, active, uses, after, previous, _FACTS,
            constants, tape.val, where, template, rows, lists, counts, state.ravel(), _SHORTEST_RUN,
            _GUARDED_STRETCH if tape.guards else CHUNK, CHUNK, *placed.flat, *room,
        )  # fmt: skip
        if not full:
            break
        rows_at_most *= 4
    for slot in roots:
        if inputs < slot < first and where[slot] == 0:
            where[slot] = counts[SLOT]
            template[counts[SLOT]] = tape.val[slot]
            counts[SLOT] += 1
    rows = rows[: ROW * counts[ROW_COUNT]]
    used, size = int(counts[SLOT]), 2 * int(counts[SLOT]) + int(counts[PART])
    _addressable(size, FLAG, repr(tape))
    where = where[same]
    output = int(where[tape.outputs[0]]) if len(tape.outputs) else 0
    blocks = rows.reshape(-1, ROW)
    pulls = np.zeros((1 + 3 * len(blocks), PULL), np.uint32)
    lists_at = HEADER + len(rows)
    passes.pull_back(rows, lists, pulls.ravel(), counts, _FACTS, state.ravel(), used, inputs, output, lists_at)
    pulls = pulls[: counts[ROW_COUNT]]

    header = np.zeros(HEADER, np.uint32)
    header[[SLOTS, N_ROWS, N_PULLS, AT_PULLS, OUTPUT]] = used, len(blocks), len(pulls), lists_at + counts[LIST], output
    families = _bits(counts[kernels.ONES]), _bits(counts[kernels.BLOCKS])
    far = used > FAR and _scattered(pulls, lists, lists_at)
    singles = kernels.far_singles if far else kernels.singles
    matrices = bool(np.any(blocks[:, FORM] == MATRIX))
    header[AT:HEADER] = _functions(kernels.forward, kernels.reverse, *families, singles, matrices)
    parts = [header, rows, lists[: counts[LIST]], pulls.ravel()]
    end = sum(map(len, parts))
    _addressable(end + 3 * len(tape.guards) + AHEAD, 1 << 32, repr(tape))
    code = np.concatenate([*parts, _guards(tape, where, blocks[:, OUT], header, end), np.zeros(AHEAD if far else 0, np.uint32)])
    pieces = [0, len(blocks)], [0, len(pulls)]
    if 4 * len(tape) > CHUNK:  # an instruction has three pulls at most
        pieces = (
            _pieces(blocks[:, N].astype(np.int64) * blocks[:, REPEATS] * np.maximum(blocks[:, TERMS], 1)),
            _pieces(pulls[:, COUNT].astype(np.int64) * pulls[:, TIMES_RUN] * np.maximum(pulls[:, TERMS_RUN], 1)),
        )
    return Plan(code, template[:used].copy(), size, pieces, where.astype(np.int32))


def _scattered(pulls: np.ndarray, lists: np.ndarray, lists_at: int) -> bool:
    """Whether many pulls of single numbers take from an adjoint far from the one they add to, by a sample of them."""
    singles = pulls[pulls[:, PULLS] == SINGLES]
    counts = singles[:, COUNT].astype(np.int64)
    until = np.cumsum(counts)
    picked = np.arange(0, counts.sum(), 1 + counts.sum() // _SAMPLE)
    row = np.searchsorted(until, picked, "right")
    at = singles[row, TARGET].astype(np.int64) - lists_at + 4 * (picked - (until - counts)[row])
    source, target = lists[at].astype(np.int64) & (FLAG - 1), lists[at + 3].astype(np.int64)
    return bool(8 * np.count_nonzero(np.abs(source - target) > FAR) > len(picked))


def _bits(x: int) -> tuple[int, ...]:
    x = int(x)
    return tuple([i for i in range(x.bit_length()) if x >> i & 1])


def _pieces(lengths: np.ndarray) -> list[int]:
    """Where to cut a sequence of rows so that no piece is much longer than `CHUNK`."""
    before = np.cumsum(lengths)
    total = int(before[-1]) if len(before) else 0
    cuts = np.unique(np.searchsorted(before, np.arange(CHUNK, total, CHUNK))) if total > CHUNK else np.zeros(0, np.int64)
    return [0, *(int(cut) for cut in cuts if 0 < cut < len(lengths)), len(lengths)]
