"""Functions of LLVM while they are being written: of numbers in a work buffer, the formulas of the op table, kernels that are called."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from .ops import CONSTANTS, OPS
from .repeats import Part

# Of how many steps a function is made. LLVM's time grows faster than a function: 1400 instructions took 410 ms as one, 80 ms as
# functions of this length, and they run a tenth faster so.
LENGTH = 64

WORD, NUMBER, _TRUTH, NOTHING = ir.IntType(64), ir.DoubleType(), ir.IntType(1), ir.VoidType()
_BUFFERS = [ir.IntType(32).as_pointer(), NUMBER.as_pointer()]
# What a kernel takes: the code, the work buffer, and seven words.
_KERNEL = [*_BUFFERS, *[WORD] * 7]
_INTRINSIC = {
    "abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint", "copysign": "copysign",
}  # fmt: skip
_COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@functools.cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


@functools.cache
def spelled(op: int) -> bool:
    """Whether the formulas of an operation are written down; else a kernel is called, as for what calls functions."""
    nodes = [node for text in (OPS[op].value, *OPS[op].partials) for node in ast.walk(_parsed(text))]
    return {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)} <= set(_INTRINSIC)


def word(x: int) -> ir.Constant:
    """An integer of 64 bits."""
    return ir.Constant(WORD, int(x))


def number(x: float) -> ir.Constant:
    """A float64."""
    return ir.Constant(NUMBER, float(x))


# A number of the work buffer: its slot, and how much further it is on each turn of a loop.
Place = tuple[int, int]


class Function:
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
        self.left = LENGTH
        self.doubt: Any = None
        # what is where, as far as that is known here
        self._known: dict[Place, Any] = {}
        # the places that are still to be stored, and those of them that something was computed from
        self._late: dict[Place, None] = {}
        self._passed: set[Place] = set()
        self._repeats = repeats
        if repeats > 1:
            before, body = self.builder.block, self.function.append_basic_block()
            self.builder.branch(body)
            self.builder.position_at_end(body)
            self._turn, self._doubts = self.builder.phi(WORD), self.builder.phi(NUMBER)
            self._turn.add_incoming(word(0), before)
            self._doubts.add_incoming(number(0.0), before)

    def slot(self, place: Place) -> Any:
        """The slot on this turn."""
        slot, step = place
        return word(slot) if step == 0 else self.builder.add(self.builder.mul(self._turn, word(step)), word(slot))

    def _at(self, place: Place) -> Any:
        return self.builder.gep(self.work, [self.slot(place)], inbounds=True, source_etype=NUMBER)

    def read(self, place: Place) -> Any:
        """The number at a place."""
        self._passed.add(place)
        if place not in self._known:
            self._known[place] = self.builder.load(self._at(place), typ=NUMBER)
        return self._known[place]

    def write(self, place: Place, x: Any) -> None:
        """Change it, at once."""
        self._known[place] = x
        self.builder.store(x, self._at(place))

    def change(self, place: Place, x: Any) -> None:
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

    def forget(self, *places: Place) -> None:
        """These places, or all, may have been changed elsewhere."""
        for place in places or tuple(self._known):
            self._known.pop(place, None)

    def run(self, other: Function) -> None:
        """Call another function of the code and the work buffer, which ends here."""
        other.settle()
        if other._repeats > 1:
            other._suspect(other._doubts)
            other._repeat()
        other.builder.ret(number(0.0) if other.doubt is None else other.doubt)
        self._suspect(self.builder.call(other.function, [self.code, self.work]))
        self.forget()

    def _repeat(self) -> None:
        b, body = self.builder, self.builder.block
        after = self.function.append_basic_block()
        following = b.add(self._turn, word(1))
        self._turn.add_incoming(following, body)
        self._doubts.add_incoming(self.doubt, body)
        b.cbranch(b.icmp_unsigned("<", following, word(self._repeats)), body, after)
        b.position_at_end(after)

    def call(self, address: int, returns: Any, *words: Any) -> Any:
        """Call a kernel."""
        kernel = self.builder.inttoptr(word(address), ir.FunctionType(returns, _KERNEL).as_pointer())
        given = [x if isinstance(x, ir.Value) else word(x) for x in words] + [word(0)] * (7 - len(words))
        return self.builder.call(kernel, [self.code, self.work, *given])

    def formula(self, text: str, names: dict[str, Any]) -> Any:
        """What a formula of the op table computes."""
        return self._spell(_parsed(text), names)

    def _spell(self, node: ast.AST, names: dict[str, Any]) -> Any:
        b = self.builder
        match node:
            case ast.Constant(float(value)):
                return number(value)
            case ast.Name(name):
                return names[name] if name in names else number(CONSTANTS[name] if name in CONSTANTS else float(name))
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
                kind = ir.FunctionType(NUMBER, [NUMBER] * len(given))
                return b.call(self.function.module.declare_intrinsic(f"llvm.{_INTRINSIC[name]}", [NUMBER], kind), given)
        raise NotImplementedError(ast.dump(node))

    def _compare(self, op: str, x: Any, y: Any) -> Any:
        b = self.builder
        if x.type == _TRUTH:
            return b.icmp_unsigned(op, x, y)
        return (b.fcmp_unordered if op == "!=" else b.fcmp_ordered)(op, x, y)

    def _all(self, truths: list[Any]) -> Any:
        return functools.reduce(self.builder.and_, truths)


class Sweep:
    """What is called in place of a kernel: a function, and those that it calls, for what would be too long and for loops."""

    def __init__(self, module: ir.Module, name: str, returns: Any) -> None:
        self.main = self._open = Function(module, name, returns, _KERNEL)

    def _enter(self, repeats: int = 1) -> Function:
        self.back()
        module = self.main.function.module
        self._open = Function(module, f"{self.main.function.name}.{len(module.functions)}", NUMBER, _BUFFERS, repeats)
        return self._open

    def back(self) -> Function:
        """The first function, after all that was written until now."""
        if self._open is self.main:
            self.main.settle()
        else:
            self.main.run(self._open)
            self._open = self.main
        return self.main

    def write(self, parts: list[Part], operands: np.ndarray, one: Callable[[Function, int, list[Place]], None]) -> None:
        """Write a sequence, by a function that writes one step, given which it is and the places of its operands."""
        for start, length, repeats, steps in parts:
            f = self._enter(repeats) if repeats > 1 else self._open
            places = [
                list(zip(*pair, strict=True))
                for pair in zip(operands[start : start + length].tolist(), steps.tolist(), strict=True)
            ]
            for k in range(length):
                if repeats == 1:
                    f = self._open if self._open.left else self._enter()
                    f.left -= 1
                one(f, start + k, places[k])
            if repeats > 1:
                self.back()
