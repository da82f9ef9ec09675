"""Machine code of one plan: what the kernels do for its rows and pulls, spelled out, for programs that run often.

The kernels read a plan anew in each sweep: which operation, which slots. Here that is read once, written down as instructions of
LLVM, and compiled. Whatever is a loop anyway the kernels go on to run, row by row. Both leave the same bits in a work buffer, in every
place that somebody reads. (To specialise an interpreter to its program: Futamura, 1971.)
"""

from __future__ import annotations

import ast
import functools
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

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
from .ops import CONSTANTS, OPS
from .repeats import Part, parts
from .schedule import Plan

# The most instructions, and pulls of single numbers, that are written down, each loop once: that takes LLVM half a second.
_MOST = 1 << 13
# Of how many of them a function is made. LLVM's time grows faster than a function: 1400 instructions took 410 ms as one, 80 ms as
# functions of this length, and they run a tenth faster so.
_LENGTH = 64
# Nanoseconds: what compiling takes, what it takes for each of those, and for each that the plan has to find loops among them; what a
# call of the kernels takes, and for each that the plan has.
_COMPILING, _WRITING_ONE, _READING_ONE, _CALLING, _CALLING_ONE = 6e6, 1e5, 300.0, 50.0, 1.3
# A plan with more single instructions and pulls is not read: that takes a second, and a hundred bytes for each.
_READABLE = 1 << 21

_WORD, _NUMBER, _TRUTH, _NOTHING = ir.IntType(64), ir.DoubleType(), ir.IntType(1), ir.VoidType()
_BUFFERS = [ir.IntType(32).as_pointer(), _NUMBER.as_pointer()]
# What a kernel takes: the code, the work buffer, and seven words.
_KERNEL = [*_BUFFERS, *[_WORD] * 7]
_INTRINSIC = {
    "abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint", "copysign": "copysign",
}  # fmt: skip
_COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@functools.cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


@functools.cache
def _spelled(op: int) -> bool:
    """Whether the formulas of an operation are written down; else a kernel is called, as for what calls functions."""
    nodes = [node for text in (OPS[op].value, *OPS[op].partials) for node in ast.walk(_parsed(text))]
    return {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)} <= set(_INTRINSIC)


def _word(x: int) -> ir.Constant:
    return ir.Constant(_WORD, int(x))


def _number(x: float) -> ir.Constant:
    return ir.Constant(_NUMBER, float(x))


# A number of the work buffer: its slot, and how much further it is on each turn of a loop.
_Place = tuple[int, int]


class _Function:
    """A function of LLVM while it is being written: straight on, in one block, or in one that is run many times.

    Attributes
    ----------
    builder : where its next instruction goes
    code, work : its first two arguments
    left : how many more steps it takes
    doubt : 0, or NaN where an adjoint that nothing was computed from is infinite or NaN; None before the first
    """

    def __init__(self, module: ir.Module, name: str, returns: Any, takes: list[Any], repeats: int = 1) -> None:
        self.function = ir.Function(module, ir.FunctionType(returns, takes), name)
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.code, self.work = self.function.args[:2]
        self.work.add_attribute("noalias")
        self.left = _LENGTH
        self.doubt: Any = None
        # what is where, as far as that is known here
        self._known: dict[_Place, Any] = {}
        # the places that are still to be stored, and those of them that something was computed from
        self._late: dict[_Place, None] = {}
        self._passed: set[_Place] = set()
        self._repeats = repeats
        if repeats > 1:
            before, body = self.builder.block, self.function.append_basic_block()
            self.builder.branch(body)
            self.builder.position_at_end(body)
            self._turn, self._doubts = self.builder.phi(_WORD), self.builder.phi(_NUMBER)
            self._turn.add_incoming(_word(0), before)
            self._doubts.add_incoming(_number(0.0), before)

    def slot(self, place: _Place) -> Any:
        """The slot on this turn."""
        slot, step = place
        return _word(slot) if step == 0 else self.builder.add(self.builder.mul(self._turn, _word(step)), _word(slot))

    def _at(self, place: _Place) -> Any:
        return self.builder.gep(self.work, [self.slot(place)], inbounds=True, source_etype=_NUMBER)

    def read(self, place: _Place) -> Any:
        """The number at a place."""
        self._passed.add(place)
        if place not in self._known:
            self._known[place] = self.builder.load(self._at(place), typ=_NUMBER)
        return self._known[place]

    def write(self, place: _Place, x: Any) -> None:
        """Change it, at once."""
        self._known[place] = x
        self.builder.store(x, self._at(place))

    def change(self, place: _Place, x: Any) -> None:
        """Change an adjoint, once for all that comes until `settle`."""
        self._known[place] = x
        self._late[place] = None
        self._passed.discard(place)

    def settle(self) -> None:
        """Store what is still to be stored."""
        for place in self._late:
            x = self._known[place]
            self.builder.store(x, self._at(place))
            if place not in self._passed and not isinstance(x, ir.Constant):
                self._suspect(self.builder.fsub(x, x))
        self._late.clear()

    def _suspect(self, doubt: Any) -> None:
        self.doubt = doubt if self.doubt is None else self.builder.fadd(self.doubt, doubt)

    def forget(self, *places: _Place) -> None:
        """These places, or all, may have been changed elsewhere."""
        for place in places or tuple(self._known):
            self._known.pop(place, None)

    def run(self, other: _Function) -> None:
        """Call another function of the code and the work buffer, which ends here."""
        other.settle()
        if other._repeats > 1:
            other._suspect(other._doubts)
            other._repeat()
        other.builder.ret(_number(0.0) if other.doubt is None else other.doubt)
        self._suspect(self.builder.call(other.function, [self.code, self.work]))
        self.forget()

    def _repeat(self) -> None:
        b, body = self.builder, self.builder.block
        after = self.function.append_basic_block()
        following = b.add(self._turn, _word(1))
        self._turn.add_incoming(following, body)
        self._doubts.add_incoming(self.doubt, body)
        b.cbranch(b.icmp_unsigned("<", following, _word(self._repeats)), body, after)
        b.position_at_end(after)

    def call(self, address: int, returns: Any, *words: Any) -> Any:
        """Call a kernel."""
        kernel = self.builder.inttoptr(_word(address), ir.FunctionType(returns, _KERNEL).as_pointer())
        given = [x if isinstance(x, ir.Value) else _word(x) for x in words] + [_word(0)] * (7 - len(words))
        return self.builder.call(kernel, [self.code, self.work, *given])

    def formula(self, text: str, names: dict[str, Any]) -> Any:
        """What a formula of the op table computes."""
        return self._spell(_parsed(text), names)

    def _spell(self, node: ast.AST, names: dict[str, Any]) -> Any:
        b = self.builder
        match node:
            case ast.Constant(float(value)):
                return _number(value)
            case ast.Name(name):
                return names[name] if name in names else _number(CONSTANTS[name] if name in CONSTANTS else float(name))
            case ast.UnaryOp(ast.USub(), x):
                return b.fneg(self._spell(x, names))
            case ast.BinOp(x, op, y):
                how = {ast.Add: b.fadd, ast.Sub: b.fsub, ast.Mult: b.fmul, ast.Div: b.fdiv}[type(op)]
                return how(self._spell(x, names), self._spell(y, names))
            case ast.Compare(x, [*ops], [*others]):
                operands = [self._spell(part, names) for part in (x, *others)]
                return self._all(
                    [self._compare(_COMPARED[type(op)], *pair) for op, *pair in zip(ops, operands, operands[1:], strict=False)]
                )
            case ast.BoolOp(ast.And(), parts):
                return self._all([self._spell(part, names) for part in parts])
            case ast.BoolOp(ast.Or(), parts):
                return functools.reduce(b.or_, [self._spell(part, names) for part in parts])
            case ast.IfExp(test, x, y):
                return b.select(*[self._spell(part, names) for part in (test, x, y)])
            case ast.Call(ast.Name(name), arguments):
                given = [self._spell(x, names) for x in arguments]
                kind = ir.FunctionType(_NUMBER, [_NUMBER] * len(given))
                return b.call(self.function.module.declare_intrinsic(f"llvm.{_INTRINSIC[name]}", [_NUMBER], kind), given)
        raise NotImplementedError(ast.dump(node))

    def _compare(self, op: str, x: Any, y: Any) -> Any:
        b = self.builder
        if x.type == _TRUTH:
            return b.icmp_unsigned(op, x, y)
        return (b.fcmp_unordered if op == "!=" else b.fcmp_ordered)(op, x, y)

    def _all(self, truths: list[Any]) -> Any:
        return functools.reduce(self.builder.and_, truths)


class _Sweep:
    """What is called in place of a kernel: a function, and those that it calls, for what would be too long and for loops."""

    def __init__(self, module: ir.Module, name: str, returns: Any) -> None:
        self.main = self._open = _Function(module, name, returns, _KERNEL)

    def _enter(self, repeats: int = 1) -> _Function:
        self.back()
        module = self.main.function.module
        self._open = _Function(module, f"{self.main.function.name}.{len(module.functions)}", _NUMBER, _BUFFERS, repeats)
        return self._open

    def back(self) -> _Function:
        """The first function, after all that was written until now."""
        if self._open is self.main:
            self.main.settle()
        else:
            self.main.run(self._open)
            self._open = self.main
        return self.main

    def write(self, sequence: _Sequence, one: Callable[[_Function, int, list[_Place]], None]) -> None:
        """Write a sequence, by a function that writes one instruction or pull, given which it is, and the places of its operands."""
        for start, length, repeats, steps in sequence.parts:
            f = self._enter(repeats) if repeats > 1 else self._open
            places = [
                list(zip(*pair, strict=True))
                for pair in zip(sequence.operands[start : start + length].tolist(), steps.tolist(), strict=True)
            ]
            for k in range(length):
                if repeats == 1:
                    f = self._open if self._open.left else self._enter()
                    f.left -= 1
                one(f, start + k, places[k])
            if repeats > 1:
                self.back()


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


def _instruct(addresses: list[int], kinds: np.ndarray, f: _Function, k: int, places: list[_Place]) -> None:
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
    if _spelled(op):
        names = {"x": f.read(x)} | ({"y": f.read(y)} if OPS[op].arity > 1 else {})
        names["v"] = f.formula(OPS[op].value, names)
        f.write(o, names["v"])
        for place in partials:
            f.write(place, f.formula(OPS[op].partials[place[0] - p[0]], names))
    else:
        slots = [f.slot(place) for place in (x, y, o, p)]
        f.call(addresses[AT_FAMILIES + 2 * family], _NOTHING, op, *slots, stored)
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
    return _Sequence(kinds, operands, [part for found in parts(kinds, operands) for part in _apart(found, operands)])


def _apart(part: Part, operands: np.ndarray) -> Iterator[Part]:
    """A loop, unless one of its turns changes an adjoint that it also reaches by other steps: then its turns one by one."""
    start, length, repeats, steps = part
    places = operands[start : start + length]
    reached = np.unique(np.stack([places[:, [0, 2, 3]].ravel(), steps[:, [0, 2, 3]].ravel()], 1), axis=0)
    changed = np.unique(np.stack([places[:, 3], steps[:, 3]], 1), axis=0)
    ahead, faster = (reached[:, None, k] - changed[None, :, k] for k in (0, 1))
    turn = -ahead / np.where(faster, faster, np.nan)
    if repeats > 1 and np.any((turn >= 0) & (turn < repeats) & (turn == np.floor(turn))):
        yield Part(start, length * repeats, 1, np.zeros((length * repeats, 4), np.int64))
    else:
        yield part


def _pull(kinds: np.ndarray, f: _Function, k: int, places: list[_Place]) -> None:
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


class _Text(NamedTuple):
    """The sequences of a plan, by its rows and its pulls; None for those that are left to the kernels."""

    rows: list[_Sequence | None]
    pulls: list[_Sequence | None]

    @property
    def steps(self) -> int:
        """How many instructions and pulls are written down."""
        return sum([sequence.steps for sequence in (*self.rows, *self.pulls) if sequence is not None])


def read(plan: Plan) -> _Text:
    """What is to be written down of a plan."""
    return _Text(
        [_instructions(plan, row) if row[FORM] == STRETCH else None for row in plan.rows],
        [_pulls(plan, pull) if pull[PULLS] == SINGLES else None for pull in plan.pulls],
    )


def _forward(module: ir.Module, plan: Plan, text: _Text, addresses: list[int]) -> None:
    """Write the forward sweep."""
    sweep = _Sweep(module, "forward", _WORD)
    partials, guarded = sweep.main.function.args[4:6]
    checked = sweep.main.builder.icmp_unsigned("!=", guarded, _word(0))
    at, guards = int(plan.code[AT_GUARDS]), int(plan.code[N_GUARDS])
    slots, outcomes, rows = plan.code[at : at + 3 * guards].reshape(3, guards).tolist()
    guard = 0
    for r, sequence in enumerate(text.rows):
        if sequence is not None:
            sweep.write(sequence, functools.partial(_instruct, addresses, sequence.kinds))
        else:
            f = sweep.back()
            f.call(addresses[AT_FORWARD], _WORD, r, r + 1, partials)
            f.forget()
        while guard < guards and rows[guard] <= r:
            f = sweep.back()
            b, x = f.builder, f.read((slots[guard], 0))
            disagrees = (b.fcmp_ordered if outcomes[guard] else b.fcmp_unordered)(
                "==" if outcomes[guard] else "!=", x, _number(0.0)
            )
            with b.if_then(b.and_(disagrees, checked), likely=False):
                b.ret(_word(guard))
            guard += 1
    sweep.back().builder.ret(_word(DONE))


def _reverse(module: ir.Module, plan: Plan, text: _Text, addresses: list[int]) -> None:
    """Write the reverse sweep: as if everything were finite, and where it was not, the kernels do it again.

    Where a zero adjoint meets an infinite partial, and nothing is to pass, there is NaN. That an adjoint is infinite or NaN shows in all
    that is computed from it, up to the end.
    """
    sweep = _Sweep(module, "reverse", _NOTHING)
    for r, (pull, sequence) in enumerate(zip(plan.pulls, text.pulls, strict=True)):
        n, t = int(pull[COUNT]), int(pull[TARGET])
        if sequence is not None:
            sweep.write(sequence, functools.partial(_pull, sequence.kinds))
        elif pull[PULLS] == CLEAR and np.sum(plan.code[t + 1 : t + 2 * n : 2]) <= _LENGTH:
            for at, many in plan.code[t : t + 2 * n].reshape(n, 2).tolist():
                for slot in range(at, at + many):
                    sweep.main.change((slot, 0), _number(0.0))
            sweep.main.change((int(pull[SOURCE]), 0), _number(1.0))
        else:
            f = sweep.back()
            f.call(addresses[AT_REVERSE], _NOTHING, r, r + 1)
            f.forget()
    f = sweep.back()
    if f.doubt is not None:
        with f.builder.if_then(f.builder.fcmp_unordered("uno", f.doubt, f.doubt), likely=False):
            f.call(addresses[AT_REVERSE], _NOTHING, 0, int(plan.code[N_PULLS]))
    f.builder.ret_void()


def install(plan: Plan, text: _Text | None = None) -> None:
    """Compile a plan, and let whatever sweeps it run that from now on; of what would be very long nothing."""
    text = text or read(plan)
    if not 0 < text.steps <= _MOST:
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
                if self._text is None:
                    self._text = read(self._plan)
                    left = _calls(self._plan, self._text.steps) - _calls(self._plan, 0)
                    if left > 0:
                        self._plan.code[CALLS] = left
                        return
                install(self._plan, self._text)
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
