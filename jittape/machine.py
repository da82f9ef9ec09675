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
from typing import Any

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
from .schedule import Plan

# So many calls of a program take as long as its compilation does: 3 ms, and 0.06 ms an instruction.
PATIENCE = 1 << 16
# The most instructions, and pulls of single numbers, that are written down: that takes LLVM half a second.
_MOST = 1 << 13
# Of how many of them a function is made. LLVM's time grows faster than a function: 1400 instructions took 410 ms as one, 80 ms as
# functions of this length, and they run a tenth faster so.
_LENGTH = 64

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


class _Function:
    """A function of LLVM while it is being written: straight on, in one block.

    Attributes
    ----------
    builder : where its next instruction goes
    code, work : its first two arguments
    left : how many more steps it takes
    """

    def __init__(self, module: ir.Module, name: str, returns: Any, takes: list[Any]) -> None:
        self.function = ir.Function(module, ir.FunctionType(returns, takes), name)
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.code, self.work = self.function.args[:2]
        self.work.add_attribute("noalias")
        self.left = _LENGTH
        # by slot, what is in it, as far as that is known here
        self._known: dict[int, Any] = {}
        # the slots that are still to be stored, and those of them that something was computed from
        self._late: dict[int, None] = {}
        self._passed: set[int] = set()
        # zero, or NaN where an adjoint that nothing was computed from is infinite or NaN
        self.doubt: Any = None

    def _at(self, slot: int) -> Any:
        return self.builder.gep(self.work, [_word(slot)], inbounds=True, source_etype=_NUMBER)

    def read(self, slot: int) -> Any:
        """The number in a slot."""
        self._passed.add(slot)
        if slot not in self._known:
            self._known[slot] = self.builder.load(self._at(slot), typ=_NUMBER)
        return self._known[slot]

    def write(self, slot: int, x: Any) -> None:
        """Change it, at once."""
        self._known[slot] = x
        self.builder.store(x, self._at(slot))

    def add(self, slot: int, x: Any) -> None:
        """Change an adjoint, once for all that comes until `settle`."""
        self._known[slot] = x
        self._late[slot] = None
        self._passed.discard(slot)

    def settle(self) -> None:
        """Store what is still to be stored."""
        for slot in self._late:
            x = self._known[slot]
            self.builder.store(x, self._at(slot))
            if slot not in self._passed and not isinstance(x, ir.Constant):
                doubt = self.builder.fsub(x, x)
                self.doubt = doubt if self.doubt is None else self.builder.fadd(self.doubt, doubt)
        self._late.clear()

    def forget(self, *slots: int) -> None:
        """These slots, or all, may have been changed elsewhere."""
        for slot in slots or tuple(self._known):
            self._known.pop(slot, None)

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
            case ast.Constant(value):
                return _number(value)
            case ast.Name(name):
                return names[name] if name in names else _number(CONSTANTS[name] if name in CONSTANTS else float(name))
            case ast.UnaryOp(ast.USub(), x):
                return b.fneg(self._spell(x, names))
            case ast.BinOp(x, op, y):
                how = {ast.Add: b.fadd, ast.Sub: b.fsub, ast.Mult: b.fmul, ast.Div: b.fdiv}[type(op)]
                return how(self._spell(x, names), self._spell(y, names))
            case ast.Compare(x, [*ops], [*others]):
                parts = [self._spell(part, names) for part in (x, *others)]
                return self._all([self._compare(_COMPARED[type(op)], *pair) for op, *pair in zip(ops, parts, parts[1:])])
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
    """What is called in place of a kernel: a function, and those that it calls where it would be too long."""

    def __init__(self, module: ir.Module, name: str, returns: Any) -> None:
        self.main = self._open = _Function(module, name, returns, _KERNEL)

    def next(self) -> _Function:
        """The function where the next step is written."""
        if self._open.left == 0:
            self.back()
            module = self.main.function.module
            self._open = _Function(module, f"{self.main.function.name}.{len(module.functions)}", _NUMBER, _BUFFERS)
        self._open.left -= 1
        return self._open

    def back(self) -> _Function:
        """The first function, after all that was written until now."""
        main, inner = self.main, self._open
        inner.settle()
        if inner is not main:
            inner.builder.ret(_number(0.0) if inner.doubt is None else inner.doubt)
            doubt = main.builder.call(inner.function, [main.code, main.work])
            if inner.doubt is not None:
                main.doubt = doubt if main.doubt is None else main.builder.fadd(main.doubt, doubt)
            main.forget()
            self._open = main
        return main


def _instructions(sweep: _Sweep, plan: Plan, row: np.ndarray, addresses: list[int]) -> None:
    """What the kernel `stretch` does."""
    at, o = int(row[XI]), int(row[OUT])
    for word, x, y, p in plan.code[at : at + WORDS * int(row[N])].reshape(-1, WORDS).tolist():
        op, family, stored = word & 255, word >> 8 & 255, word >> 16
        if op < LEAF:
            f = sweep.next()
            if FUSED <= op:
                product, z = f.builder.fmul(f.read(x), f.read(y)), f.read(p)
                add, subtract = f.builder.fadd, f.builder.fsub
                how, *pair = ((add, z, product), (subtract, z, product), (subtract, product, z))[op - FUSED]
                f.write(o, how(*pair))
            elif _spelled(op):
                names = {"x": f.read(x)} | ({"y": f.read(y)} if OPS[op].arity > 1 else {})
                names["v"] = f.formula(OPS[op].value, names)
                f.write(o, names["v"])
                for q in range(OPS[op].arity):
                    if stored >> q & 1:
                        f.write(p + q, f.formula(OPS[op].partials[q], names))
            else:
                f.call(addresses[AT_FAMILIES + 2 * family], _NOTHING, op, x, y, o, p, stored)
                f.forget(o, p, p + 1)
        o += 1


def _forward(module: ir.Module, plan: Plan, addresses: list[int]) -> None:
    """Write the forward sweep."""
    sweep = _Sweep(module, "forward", _WORD)
    partials, guarded = sweep.main.function.args[4:6]
    checked = sweep.main.builder.icmp_unsigned("!=", guarded, _word(0))
    at, guards = int(plan.code[AT_GUARDS]), int(plan.code[N_GUARDS])
    slots, outcomes, rows = plan.code[at : at + 3 * guards].reshape(3, guards).tolist()
    guard = 0
    for r, row in enumerate(plan.rows):
        if row[FORM] == STRETCH:
            _instructions(sweep, plan, row, addresses)
        else:
            f = sweep.back()
            f.call(addresses[AT_FORWARD], _WORD, r, r + 1, partials)
            f.forget()
        while guard < guards and rows[guard] <= r:
            f = sweep.back()
            b, x = f.builder, f.read(slots[guard])
            disagrees = b.fcmp_ordered("==", x, _number(0.0)) if outcomes[guard] else b.fcmp_unordered("!=", x, _number(0.0))
            with b.if_then(b.and_(disagrees, checked), likely=False):
                b.ret(_word(guard))
            guard += 1
    sweep.back().builder.ret(_word(DONE))


def _reverse(module: ir.Module, plan: Plan, addresses: list[int]) -> None:
    """Write the reverse sweep: as if everything were finite, and where it was not, the kernels do it again.

    Where a zero adjoint meets an infinite partial, and nothing is to pass, there is NaN. That an adjoint is infinite or NaN shows in all
    that is computed from it, up to the end.
    """
    sweep = _Sweep(module, "reverse", _NOTHING)
    constants = 2 * int(plan.code[SLOTS])
    nothing, plus, less = constants + NOTHING_AT, constants + ONE_AT, constants + MINUS_AT
    for r, pull in enumerate(plan.pulls):
        n, t = int(pull[COUNT]), int(pull[TARGET])
        if pull[PULLS] == CLEAR:
            for at, many in plan.code[t : t + 2 * n].reshape(n, 2).tolist():
                for slot in range(at, at + many):
                    sweep.next().add(slot, _number(0.0))
            sweep.next().add(int(pull[SOURCE]), _number(1.0))
        elif pull[PULLS] == SINGLES:
            for s, d, before, to in plan.code[t : t + 4 * n].reshape(n, 4).tolist():
                f = sweep.next()
                b, minus, d = f.builder, s >= FLAG, d % FLAG
                x = f.read(s % FLAG)
                if d == less:
                    minus = not minus
                elif d != plus:
                    x = b.fmul(x, f.read(d))
                if before != nothing:
                    x = (b.fsub if minus else b.fadd)(f.read(before), x)
                elif minus:
                    x = b.fneg(x)
                f.add(to, x)
        else:
            f = sweep.back()
            f.call(addresses[AT_REVERSE], _NOTHING, r, r + 1)
            f.forget()
    f = sweep.back()
    if f.doubt is not None:
        with f.builder.if_then(f.builder.fcmp_unordered("uno", f.doubt, f.doubt), likely=False):
            f.call(addresses[AT_REVERSE], _NOTHING, 0, int(plan.code[N_PULLS]))
    f.builder.ret_void()


def steps(plan: Plan) -> int:
    """How many instructions, and pulls of single numbers, a plan has that are written down."""
    rows, pulls = plan.rows, plan.pulls
    return int(rows[rows[:, FORM] == STRETCH][:, N].sum() + pulls[pulls[:, PULLS] == SINGLES][:, COUNT].sum())


def install(plan: Plan) -> None:
    """Compile a plan, and let whatever sweeps it run that from now on; of very long ones nothing."""
    if not 0 < steps(plan) <= _MOST:
        return
    addresses = plan.code[AT:HEADER].view(np.uint64)
    kernels = addresses.tolist()
    module = ir.Module()
    module.triple = binding.get_process_triple()
    _forward(module, plan, kernels)
    _reverse(module, plan, kernels)
    with global_compiler_lock:
        host = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
        machine = binding.Target.from_default_triple().create_target_machine(*host, opt=1, jit=True)
        engine = binding.create_mcjit_compiler(binding.parse_assembly(str(module)), machine)
        engine.finalize_object()
    # what sweeps a plan holds its code, and so does this the engine, which holds the machine code
    weakref.finalize(plan.code, engine.close).atexit = False
    addresses[AT_FORWARD], addresses[AT_REVERSE] = engine.get_function_address("forward"), engine.get_function_address("reverse")


def _install(plan: Plan) -> None:
    with uninterrupted():
        try:
            install(plan)
        except Exception as error:
            warnings.warn(f"a program stays with the kernels, since it could not be compiled: {error!r}", JitTapeWarning, stacklevel=3)


def late(plan: Plan) -> Plan:
    """The plan, to be compiled once it has run often."""
    if not (cpython.supported() and plan.brief):
        return plan
    plan.code[CALLS] = PATIENCE
    return plan._replace(then=functools.partial(_install, plan))
