"""Machine code of one plan: what the kernels do for its rows and pulls, spelled out, for programs that run often.

The kernels read a plan anew in each sweep: which operation, which slots. Here that is read once, written down as instructions of
LLVM, and compiled. Whatever is a loop anyway the kernels go on to run, row by row. Both leave the same bits in a work buffer, in every
place that somebody reads. (To specialise an interpreter to its program: Futamura, 1971.)
"""

from __future__ import annotations

import functools
import warnings
import weakref
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from llvmlite import binding, ir
from numba.core.compiler_lock import global_compiler_lock

from . import cpython
from .errors import JitTapeWarning
from .interrupts import uninterrupted
from .kernels import (
    AT,
    AT_FAMILIES,
    AT_FORWARD,
    AT_GUARDS,
    AT_REVERSE,
    CALLS,
    CLEAR,
    COUNT,
    DONE,
    FLAG,
    FORM,
    FUSED,
    HEADER,
    LEAF,
    MINUS_AT,
    N_GUARDS,
    N_PULLS,
    NOTHING_AT,
    ONE_AT,
    OUT,
    PULLS,
    SINGLES,
    SLOTS,
    SOURCE,
    STRETCH,
    TARGET,
    WORDS,
    XI,
    N,
)
from .llvm import LENGTH, NOTHING, WORD, Function, Place, Sweep, number, spelled, word
from .ops import OPS
from .repeats import Part, parts
from .schedule import Plan

# The most instructions, and pulls of single numbers, that are written down, each loop once: compiling them takes 0.8 s.
_MOST = 1 << 13
# For how many instructions and pulls it is worth to call the kernels for what is between them.
_WORTH_A_CALL = 8
# Nanoseconds: what compiling takes, what it takes for each of those, and for each that the plan has to find loops among them; what a
# call of the kernels takes, and for each that the plan has.
_COMPILING, _WRITING_ONE, _READING_ONE, _CALLING, _CALLING_ONE = 6e6, 1e5, 300.0, 50.0, 1.3
# A plan with more single instructions and pulls is not read: two million in a loop are read and compiled in 0.2 s.
_READABLE = 1 << 23


class _Sequence(NamedTuple):
    """Instructions, or pulls of single numbers, as they come.

    Attributes
    ----------
    kinds : what each does
    operands : by each, the slots that it reads and writes, 0 for what it has not
    parts : the loops among them, and what is between these
    """

    kinds: np.ndarray
    operands: np.ndarray
    parts: list[Part]

    @property
    def steps(self) -> int:
        """How many of them are written down."""
        return sum([part.length for part in self.parts])


# The kind of a pull: whether it subtracts, what its partial is, and whether it sets.
_MINUS, _PARTIAL, _SETS = 1, 6, 8
_ANY, _PLUS, _LESS = 0, 2, 4


def _instructions(plan: Plan, row: np.ndarray) -> _Sequence:
    """The instructions of a stretch: operation, family and stored partials; operands x and y, where partials go, and the result."""
    at, n = int(row[XI]), int(row[N])
    words = plan.code[at : at + WORDS * n].reshape(n, WORDS).astype(np.int64)
    kinds, operands = words[:, 0], np.column_stack([words[:, 1:], int(row[OUT]) + np.arange(n)])
    op, stored = kinds & 255, kinds >> 16
    operands[:, 1] *= _ARITY[op] > 1
    operands[:, 2] *= (stored > 0) | (_ARITY[op] > 2)
    return _Sequence(kinds, operands, parts(kinds, operands))


_ARITY = np.ones(256, np.int64)
_ARITY[: len(OPS)] = [op.arity for op in OPS]
_ARITY[FUSED : FUSED + 3] = 3


def _instruct(addresses: list[int], kinds: np.ndarray, f: Function, k: int, places: list[Place]) -> None:
    """Write what the kernel `stretch` does for one instruction."""
    kind, b, (x, y, p, o) = int(kinds[k]), f.builder, places
    op, family, stored = kind & 255, kind >> 8 & 255, kind >> 16
    if op >= LEAF:
        return
    if op >= FUSED:
        product, z = b.fmul(f.read(x), f.read(y)), f.read(p)
        how, *pair = ((b.fadd, z, product), (b.fsub, z, product), (b.fsub, product, z))[op - FUSED]
        f.write(o, how(*pair))
        return
    partials = [(p[0] + q, p[1]) for q in range(2) if stored >> q & 1]
    if spelled(op):
        names = {"x": f.read(x)} | ({"y": f.read(y)} if OPS[op].arity > 1 else {})
        names["v"] = f.formula(OPS[op].value, names)
        f.write(o, names["v"])
        for place in partials:
            f.write(place, f.formula(OPS[op].partials[place[0] - p[0]], names))
    else:
        slots = [f.slot(place) for place in (x, y, o, p)]
        f.call(addresses[AT_FAMILIES + 2 * family], NOTHING, op, *slots, stored)
        f.forget(o, *partials)


def _pulls(plan: Plan, pull: np.ndarray) -> _Sequence:
    """Pulls of single numbers: what they do; source, partial, what it is added to, and target."""
    at, n, constants = int(pull[TARGET]), int(pull[COUNT]), 2 * int(plan.code[SLOTS])
    operands = plan.code[at : at + 4 * n].reshape(n, 4).astype(np.int64)
    minus = operands[:, 0] >= FLAG
    operands[:, :2] %= FLAG
    plus, less, sets = (
        operands[:, 1] == constants + ONE_AT,
        operands[:, 1] == constants + MINUS_AT,
        operands[:, 2] == constants + NOTHING_AT,
    )
    kinds = _MINUS * minus + _PLUS * plus + _LESS * less + _SETS * sets
    operands[:, 1] *= ~(plus | less)
    operands[:, 2] *= ~sets
    return _Sequence(kinds, operands, [_apart(part, operands) for part in parts(kinds, operands)])


def _apart(part: Part, operands: np.ndarray) -> Part:
    """A loop, unless one of its turns changes an adjoint that it also reaches by other steps: then its turns one by one."""
    start, length, repeats, steps = part
    if repeats == 1:
        return part
    places = operands[start : start + length]
    reached = np.unique(np.stack([places[:, [0, 2, 3]].ravel(), steps[:, [0, 2, 3]].ravel()], 1), axis=0)
    changed = np.unique(np.stack([places[:, 3], steps[:, 3]], 1), axis=0)
    ahead, faster = (reached[:, None, k] - changed[None, :, k] for k in (0, 1))
    turn = -ahead / np.where(faster, faster, np.nan)
    if np.any((turn >= 0) & (turn < repeats) & (turn == np.floor(turn))):
        return Part(start, length * repeats, 1, np.zeros((length * repeats, 4), np.int64))
    return part


def _pull(kinds: np.ndarray, f: Function, k: int, places: list[Place]) -> None:
    """Write one pull of a single number."""
    kind, b, (s, d, before, to) = int(kinds[k]), f.builder, places
    minus = bool(kind & _MINUS) != (kind & _PARTIAL == _LESS)
    x = f.read(s)
    if kind & _PARTIAL == _ANY:
        x = b.fmul(x, f.read(d))
    if not kind & _SETS:
        x = (b.fsub if minus else b.fadd)(f.read(before), x)
    elif minus:
        x = b.fneg(x)
    f.change(to, x)


# What stands before the first row.
_FIRST = _Sequence(np.zeros(0, np.int64), np.zeros((0, 4), np.int64), [])


class _Text(NamedTuple):
    """The sequences of a plan, by its rows and its pulls; None for those that are left to the kernels."""

    rows: list[_Sequence | None]
    pulls: list[_Sequence | None]

    @property
    def steps(self) -> int:
        """How many instructions and pulls are written down."""
        return sum([sequence.steps for sequence in (*self.rows, *self.pulls) if sequence is not None])

    @property
    def pays(self) -> bool:
        """Whether machine code is faster, and not too much to compile."""
        both = self.rows, self.pulls[1:]  # the first clears adjoints, which takes no call where they are few
        left = sum([before is not None and after is None for sweep in both for before, after in pairwise([_FIRST, *sweep])])
        single = sum([len(sequence.kinds) for sequence in (*self.rows, *self.pulls) if sequence is not None])
        return single >= _WORTH_A_CALL * left and 0 < self.steps <= _MOST


def read(plan: Plan) -> _Text:
    """What is to be written down of a plan; where that is too much, as it is of a large irregular one, only the beginning."""
    text, steps = _Text([], []), 0
    for found, rows, what, kind, sequence in (
        (text.rows, plan.rows, FORM, STRETCH, _instructions),
        (text.pulls, plan.pulls, PULLS, SINGLES, _pulls),
    ):
        for row in rows:
            found.append(sequence(plan, row) if row[what] == kind else None)
            steps += found[-1].steps if found[-1] else 0
            if steps > _MOST:
                return text
    return text


def _forward(module: ir.Module, plan: Plan, text: _Text, addresses: list[int]) -> None:
    """Write the forward sweep."""
    sweep = Sweep(module, "forward", WORD)
    partials, guarded = sweep.main.function.args[4:6]
    checked = sweep.main.builder.icmp_unsigned("!=", guarded, word(0))
    at, guards = int(plan.code[AT_GUARDS]), int(plan.code[N_GUARDS])
    slots, outcomes, rows = plan.code[at : at + 3 * guards].reshape(3, guards).tolist()
    guard = start = 0
    for r, sequence in enumerate(text.rows):
        if sequence is not None:
            sweep.write(sequence.parts, sequence.operands, functools.partial(_instruct, addresses, sequence.kinds))
        due = guard < guards and rows[guard] <= r
        if sequence is None and (due or r + 1 == len(text.rows) or text.rows[r + 1] is not None):
            f = sweep.back()
            f.call(addresses[AT_FORWARD], WORD, start, r + 1, partials)
            f.forget()
        start = r + 1 if due or sequence is not None else start
        while guard < guards and rows[guard] <= r:
            f = sweep.back()
            b, x = f.builder, f.read((slots[guard], 0))
            disagrees = (b.fcmp_ordered if outcomes[guard] else b.fcmp_unordered)(
                "==" if outcomes[guard] else "!=", x, number(0.0)
            )
            with b.if_then(b.and_(disagrees, checked), likely=False):
                b.ret(word(guard))
            guard += 1
    sweep.back().builder.ret(word(DONE))


def _reverse(module: ir.Module, plan: Plan, text: _Text, addresses: list[int]) -> None:
    """Write the reverse sweep: as if everything were finite, and where it was not, the kernels do it again.

    Where a zero adjoint meets an infinite partial, and nothing is to pass, there is NaN. That an adjoint is infinite or NaN shows in all
    that is computed from it, up to the end.
    """
    sweep = Sweep(module, "reverse", NOTHING)
    start = 0
    for r, (pull, sequence) in enumerate(zip(plan.pulls, text.pulls, strict=True)):
        if sequence is None and r + 1 < len(text.pulls) and text.pulls[r + 1] is None:
            continue
        n, t = int(pull[COUNT]), int(pull[TARGET])
        if sequence is not None:
            sweep.write(sequence.parts, sequence.operands, functools.partial(_pull, sequence.kinds))
        elif start == r and pull[PULLS] == CLEAR and np.sum(plan.code[t + 1 : t + 2 * n : 2]) <= LENGTH:
            for at, many in plan.code[t : t + 2 * n].reshape(n, 2).tolist():
                for slot in range(at, at + many):
                    sweep.main.change((slot, 0), number(0.0))
            sweep.main.change((int(pull[SOURCE]), 0), number(1.0))
        else:
            f = sweep.back()
            f.call(addresses[AT_REVERSE], NOTHING, start, r + 1)
            f.forget()
        start = r + 1
    f = sweep.back()
    if f.doubt is not None:
        with f.builder.if_then(f.builder.fcmp_unordered("uno", f.doubt, f.doubt), likely=False):
            f.call(addresses[AT_REVERSE], NOTHING, 0, int(plan.code[N_PULLS]))
    f.builder.ret_void()


def install(plan: Plan, text: _Text) -> None:
    """Compile a plan, and let whatever sweeps it run that from now on, if it pays."""
    if not text.pays:
        return
    addresses = plan.code[AT:HEADER].view(np.uint64)
    kernels = addresses.tolist()
    module = ir.Module()
    module.triple = binding.get_process_triple()
    _forward(module, plan, text, kernels)
    _reverse(module, plan, text, kernels)
    with global_compiler_lock:
        host = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
        machine = binding.Target.from_default_triple().create_target_machine(*host, opt=1, jit=True)
        engine = binding.create_mcjit_compiler(binding.parse_assembly(str(module)), machine)
        engine.finalize_object()
    # what sweeps a plan holds its code, and so does this the engine, which holds the machine code
    weakref.finalize(plan.code, engine.close).atexit = False
    addresses[AT_FORWARD], addresses[AT_REVERSE] = (
        engine.get_function_address("forward"),
        engine.get_function_address("reverse"),
    )


def _single(plan: Plan) -> int:
    """How many single instructions, and pulls of single numbers, a plan has."""
    rows, pulls = plan.rows, plan.pulls
    return int(rows[rows[:, FORM] == STRETCH, N].sum() + pulls[pulls[:, PULLS] == SINGLES, COUNT].sum())


def _calls(plan: Plan, steps: int) -> int:
    """How many calls by the kernels take half as long as to compile so many steps."""
    single = _single(plan)
    return int(0.5 * (_COMPILING + _READING_ONE * single + _WRITING_ONE * steps) / (_CALLING + _CALLING_ONE * single))


class _Later:
    """Called when a plan has run so often that it may pay to compile it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._text: _Text | None = None

    def __call__(self) -> None:
        with uninterrupted():
            try:
                text, self._text = self._text, None
                if text is None:
                    text = read(self._plan)
                    left = _calls(self._plan, text.steps) - _calls(self._plan, 0)
                    if text.pays and left > 0:
                        self._text, self._plan.code[CALLS] = text, left
                        return
                install(self._plan, text)
            except Exception as error:
                warnings.warn(
                    f"a program stays with the kernels, since it could not be compiled: {error!r}", JitTapeWarning, stacklevel=3
                )


def late(plan: Plan) -> Plan:
    """The plan, to be compiled once it has run often."""
    rows, pulls = plan.pieces
    if not cpython.supported() or len(rows) > 2 or len(pulls) > 2 or not 0 < _single(plan) <= _READABLE:
        return plan
    plan.code[CALLS] = _calls(plan, 0)
    return plan._replace(then=_Later(plan))
