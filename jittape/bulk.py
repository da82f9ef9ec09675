"""The value of an operation over whole arrays: NumPy's ufunc, or the formula of its row made vectorial."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from . import formulas, special
from .ops import CONSTANTS, OPS


def values(code: int, *operands: Any) -> np.ndarray:
    """The value for float64 arrays and floats that broadcast together; NumPy's own error where they do not."""
    with np.errstate(all="ignore"):
        return np.asarray(function(code)(*operands), np.float64)


@functools.cache
def function(code: int) -> Callable[..., Any]:
    """What computes an operation's values over arrays; it may warn as NumPy does."""
    op = OPS[code]
    if op.ufunc:
        return getattr(np, op.ufunc)
    arguments = ("x", "y")[: op.arity]
    try:
        tree = ast.parse(f"def f({', '.join(arguments)}):\n    return {op.value}")
        return _compiled(tree, "f")
    except _Scalar:
        return np.vectorize(functools.partial(_one, code), otypes=[np.float64])


def _one(code: int, *x: float) -> float:
    try:
        return formulas.VALUE[code](*x)
    except formulas.ARITHMETIC:
        return formulas.value(code, *x)


class _Scalar(Exception):
    """A formula that branches or loops, so that it works on one number at a time."""


class _Vectorial(ast.NodeTransformer):
    """Choices and truths, which Python makes once, as NumPy calls that make them per element."""

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        return self._call("where", *map(self.visit, (node.test, node.body, node.orelse)))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        name = "logical_and" if isinstance(node.op, ast.And) else "logical_or"
        return functools.reduce(lambda x, y: self._call(name, x, y), map(self.visit, node.values))

    def visit_If(self, node: ast.AST) -> Any:
        raise _Scalar

    visit_While = visit_For = visit_If

    def _call(self, name: str, *arguments: ast.expr) -> ast.Call:
        return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _compiled(tree: ast.Module, name: str) -> Callable[..., Any]:
    """The function of that name in ``tree``, working on arrays."""
    space: dict[str, Any] = vars(np) | CONSTANTS
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = node.func.id
            if inspect.isfunction(helper := getattr(special, called, None)):
                space[called] = _compiled(ast.parse(inspect.getsource(helper)), called)
            elif called != "abs" and not isinstance(getattr(np, called, None), np.ufunc):
                raise _Scalar
    tree = ast.fix_missing_locations(_Vectorial().visit(tree))
    exec(compile(tree, f"<{name} over arrays>", "exec"), space)
    return space[name]
