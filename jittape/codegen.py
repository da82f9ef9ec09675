"""Writes the marked regions of the package and two pages of the docs from the op table and the dispatch tables.

``python -m jittape.codegen`` writes, ``python -m jittape.codegen --check`` compares and fails where they differ.
"""

import ast
import builtins
import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TypeGuard

import numpy as np

from . import conventions, numpy_functions, special, vectormath
from .ops import BUILT_IN, CODE, CONSTANTS, FAMILIES, OPS, Op

PACKAGE = Path(__file__).parent
DOCS = PACKAGE.parent / "docs"


def _functions(module: ModuleType) -> dict[str, FunctionType]:
    """The functions that a module defines."""
    return {name: f for name, f in vars(module).items() if isinstance(f, FunctionType) and f.__module__ == module.__name__}


# What formulas call besides NumPy's functions; where both files define a name, the vectorised function is the one.
_PASTED = _functions(vectormath) | {n: f for n, f in _functions(special).items() if n not in _functions(vectormath)}
_MATH = {"erf", "erfc", "lgamma", "pi", "inf", "nan"}
_TYPES = {"float64", "int64", "uint64"}
_BUILTIN = {"abs", "range"}
# Functions with a part that no vector loop can hold, and where they need it. Elsewhere they agree with what a loop calls: the
# function of that name with `_near` at its end.
_FAR = (
    dict.fromkeys(("sin", "cos", "tan"), "abs(x) > 1e6")
    | dict.fromkeys(("fmod", "mod", "floor_divide"), "abs(x) > 33554432.0 * abs(y)")
    | dict.fromkeys(("gammaln", "digamma", "trigamma"), "x <= 0.0")
    | {"power": "abs(y) <= 31.0 and floor(y) == y"}
    | {"power_dx": "not (1e-200 < abs(v) < 1e200 and 1e-90 < abs(x) < 1e90)"}
)
# A function with a costly part that is hardly ever needed: inlined, a vector loop would compute it always.
_SELDOM = {"turns_far"}
# What these add stays as it is: whole numbers, squares of operands that may be exchanged, and the rounding errors of products. The
# latter go for whatever calls them, too; a function that reckons with how a product is rounded has to use `product`.
_AS_WRITTEN = {"column"} | {"hypot"} | {"product", "rounded_off"}
# Functions of parts, which a vector loop computes all; a single instruction branches to the one that holds.
_BRANCHING = ("erf", "erfc")
# Values that are mostly computed for whole blocks by the part that the loop cannot hold, which has a vector loop of its own.
_ALL_FAR = {"power(x, y)": "whole_power(x, y)"}
# Operations whose value and partials have most of their work in common, which LLVM finds when they are computed in one loop: of
# others that loop is slower, up to three times where it is too long for vectors.
_TOGETHER = {"sin", "cos", "arcsin", "arccos", "expit", "log_expit", "softplus", "logaddexp", "log_ndtr", "tanh"}
# The operations whose loops read an operand that all elements share from its slot, first where operands may be exchanged; with
# the symbol between the operands.
_CORE = {"add": "+", "subtract": "-", "multiply": "*"}
# A product and the addition or subtraction that is all that reads it, as one operation: first its sign, then that of the other.
_FUSED = {"z + xy": "z + x * y", "z - xy": "z - x * y", "xy - z": "x * y - z"}


def _names(source: str) -> set[str]:
    """The free names of a formula or function."""
    tree = ast.parse(source)
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return loaded - stored - arguments


def _by_family() -> dict[str, list[tuple[int, Op]]]:
    """The operations of each family with their opcodes."""
    return {family: [(CODE[name], OPS[CODE[name]]) for name in names] for family, names in FAMILIES.items()}


def imports() -> str:
    """All that the file imports, the functions and constants of the formulas among them."""
    formulas = [text for op in OPS for text in (op.value, *op.partials)]
    used: set[str] = set().union(
        *(_names(text) for text in formulas), *(_names(inspect.getsource(f)) for f in _PASTED.values())
    )
    named = used - set(_PASTED)
    used -= _MATH | _BUILTIN | set(_PASTED) | set(CONSTANTS) | {"x", "y", "v"}
    unknown = sorted(name for name in used - _TYPES if not isinstance(getattr(np, name, None), np.ufunc))
    if unknown:
        raise SystemExit(f"formulas name functions that are neither NumPy's nor jittape.special's: {', '.join(unknown)}")
    lines = [
        *(f"import {module}" for module in ("functools", "os", "sys", "threading", "warnings")),
        "from itertools import pairwise",
        f"from math import {', '.join(sorted(_MATH & named))}",
        "from types import FunctionType, SimpleNamespace",
        "",
        "import numpy as np",
        "from llvmlite import ir",
        "from llvmlite.binding import get_host_cpu_features",
        "from numba import cfunc, config, njit, types",
        "from numba.core.caching import FunctionCache",
        "from numba.core.compiler_lock import global_compiler_lock",
        "from numba.core.errors import NumbaError",
        "from numba.extending import intrinsic",
        "from numpy import (",
        *(f"    {name}," for name in sorted(used | {"int64", "uint64"})),
        ")",
        "",
        "from . import cpython",
        "from .errors import JitTapeCacheWarning",
        "from .interrupts import lock, uninterrupted, wait_before_fork",
        "from .ops import MATMUL",
        "from .products import ADDS, FINDS, PICKS, SETS",
        "",
        *(f"{name} = {value!r}" for name, value in CONSTANTS.items()),
    ]
    return "\n".join(lines)


class _Fused(ast.NodeTransformer):
    """What adds a product, as `fma`: rounded once, and in half the time."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right, minus = node.left, node.right, isinstance(node.op, ast.Sub)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            if _is_product(right):
                return self._call(_negative(right.left) if minus else right.left, right.right, left)
            if _is_product(left):
                return self._call(left.left, left.right, _negative(right) if minus else right)
        return node

    def _call(self, *operands: ast.expr) -> ast.Call:
        return ast.Call(ast.Name("fma", ast.Load()), list(operands), [])


def _is_product(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def _negative(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant):
        return ast.Constant(-node.value)  # type: ignore[operator]
    minus = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    return node.operand if minus else ast.UnaryOp(ast.USub(), node)  # type: ignore[attr-defined]


def pasted(function: FunctionType) -> str:
    """The text of a function as the kernels have it."""
    source = inspect.getsource(function).rstrip()
    if function.__name__ not in vars(vectormath) or _names(source) & _AS_WRITTEN or function.__name__ in _AS_WRITTEN:
        return source
    fused = ast.unparse(_Fused().visit(ast.parse(source)))
    return fused if "fma(" in fused else source


def specials() -> str:
    """The functions of `vectormath` and `special`, jitted: those that vector loops call are inlined, as far as they do not branch."""
    called = set().union(*(_names(_near(text)) for op in OPS for text in (op.value, *op.partials, *_ALL_FAR.values())))
    straight = {name for name, function in _PASTED.items() if not _branches_inside(function)} - _SELDOM
    inlined: set[str] = set()
    todo = called & straight
    while todo:
        inlined |= todo
        todo = set().union(*(_names(inspect.getsource(_PASTED[name])) for name in todo)) & straight - inlined
    decorated = (("@inlined\n" if name in inlined else "@helper\n") + pasted(function) for name, function in _PASTED.items())
    return "\n\n\n".join(decorated)


def _branches_inside(function: FunctionType) -> bool:
    """Whether a function has statements that no vector loop can hold."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, (ast.If, ast.For, ast.While, ast.Subscript)) for node in ast.walk(tree))


def _near(text: str) -> str:
    """A formula as a vector loop has it."""
    return re.sub(r"\b(" + "|".join(_FAR) + r")\(", r"\1_near(", text)


def _alone(text: str) -> str:
    """A formula as a single instruction has it."""
    return re.sub(r"\b(" + "|".join(_BRANCHING) + r")\(", r"\1_alone(", text)


def _far(text: str) -> str:
    """Where a formula is not what a vector loop has for it; empty where it is everywhere."""
    return " or ".join(sorted({_FAR[name] for name in _names(text) if name in _FAR}))


def _copies(op: Op, operand: int) -> bool:
    return op.partials[operand] in ("x", "y", "v")


def _stored(op: Op) -> list[int]:
    """The operands whose partials are computed: neither constants nor copies of what is there anyway."""
    return [i for i in range(op.arity) if op.constant(i) is None and not _copies(op, i)]


def _branches(ops: list[tuple[int, Op]], body: Callable[[Op], list[str]]) -> list[str]:
    """An if-chain over opcodes, which becomes a jump table."""
    lines: list[str] = []
    for code, op in ops:
        lines += [f"{'elif' if lines else 'if'} op == {code}:  # {op.name}", *("    " + line for line in body(op))]
    return lines


def _function(name: str, arguments: str, doc: str, body: list[str]) -> str:
    return "\n".join([f"def {name}(code, work, {arguments}):", *("    " + line for line in (f'"""{doc}"""', *body))])


def _one(op: Op) -> list[str]:
    """The value of one instruction, and those of its partials that are asked for."""
    far = _far(op.value)

    def body(spell: Callable[[str], str]) -> list[str]:
        lines = [f"v = {spell(op.value)}"]
        for i in _stored(op):
            at, partial = "p" if i == 0 else "p + uint64(1)", op.partials[i]
            lines += [f"if stored & {i + 1}:", f"    work[{at}] = {spell(partial) if _far(partial) == far else partial}"]
        return lines

    return _where(far, body(str), body(_near)) if far else body(_alone)


def _where(condition: str, lines: list[str], otherwise: list[str]) -> list[str]:
    """A branch."""
    return [f"if {condition}:", *_indented(lines), *(["else:", *_indented(otherwise)] if otherwise else [])]


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _loops(op: Op) -> list[str]:
    """The loops of an operation over a block: its value, and those of its partials that have a place."""
    value, partials = {"o": op.value}, {("dx", "dy")[i]: op.partials[i] for i in _stored(op)}
    lines: list[str] = []
    if op.name not in _TOGETHER:
        for place, formula in partials.items():
            lines += _where(place, _computed({place: formula}), [])
        return [*_computed(value), *lines]
    if len(partials) == 2:
        lines += _where("dx and dy", _computed(value | partials), [])
    for place, formula in partials.items():
        lines += [f"{'elif' if lines else 'if'} {place}:", *_indented(_computed(value | {place: formula}))]
    return [*lines, "else:", *_indented(_computed(value))]


def _computed(formulas: dict[str, str]) -> list[str]:
    """A vector loop for the value, whose place is o, for partials or for both; and once more, one by one, what it cannot compute."""
    lines = _loop(formulas, _near)
    far = " or ".join(sorted({_far(formula) for formula in formulas.values()} - {""}))
    if not far:
        return lines
    count = ["far = uint64(0)", *_loop({"far": far}, str)]
    again = _where("far", _loop(formulas, str, far), [])
    if alone := _ALL_FAR.get(formulas.get("o", "")):
        return [*count, *_where("far == n", _loop({"o": alone}, str), lines + again)]
    return [*lines, *count, *again]


def _loop(formulas: dict[str, str], spell: Callable[[str], str], condition: str = "") -> list[str]:
    """A loop over a block that puts what formulas say into its place, or counts it in a variable, where a condition holds."""
    body = []
    for place, formula in formulas.items():
        if place == "far":
            body += [f"far += uint64({formula})"]
        else:
            body += [f"v = {spell(formula)}", "work[o + i] = v"] if place == "o" else [f"work[{place} + i] = {spell(formula)}"]
    names = _names(condition or "0").union(*map(_names, formulas.values())) - set("v" if "o" in formulas else "")
    reads = [f"{name} = work[{place} + i]" for name, place in zip("xyv", ("xo", "yo", "o"), strict=True) if name in names]
    return ["for i in range(n):", *_indented(reads + (_where(condition, body, []) if condition else body))]


def instructions() -> str:
    """One branch per operation that is built in: the value, and the partials that are asked for."""
    lines = _branches([(code, op) for code, op in enumerate(OPS) if op.family in BUILT_IN], _one)
    for code, text in enumerate(_FUSED.values()):
        lines += [f"elif op == FUSED + {code}:", f"    v = {text.replace('z', 'work[p]')}"]
    return "\n".join(lines)


def forms() -> str:
    """One loop for each way in which the operands of the commonest operations lie."""
    lines: list[str] = []

    def branch(number: int, comment: str, formula: str, ones: str) -> None:
        lines.append(f"{'elif' if lines else 'if'} form == CORE + {number}:  # {comment}")
        lines.extend(f"    {name} = work[{name}o]" for name in ones)
        lines.append("    for i in range(n):")
        lines.extend(f"        {name} = work[{name}o + i]" for name in "xyz" if name in _names(formula) and name not in ones)
        lines.append(f"        work[o + i] = {formula}")

    for k, symbol in enumerate(_CORE.values()):
        for j, ones in enumerate(("", "x", "y") if symbol == "-" else ("", "x")):
            branch(3 * k + j, f"x {symbol} y, one for all: {ones or 'none'}", f"x {symbol} y", ones)
    for k, formula in enumerate(_FUSED.values()):
        for j, ones in enumerate(("", "x")):
            branch(3 * len(_CORE) + 2 * k + j, f"{formula}, one for all: {ones or 'none'}", formula, ones)
    return "\n".join(lines)


def families() -> str:
    """Per family a function for one instruction, unless it is built in, and one for a block."""
    out = []
    for name, ops in _by_family().items():
        if name not in BUILT_IN:
            reads = ["v = x = work[a]", *(["y = work[b]"] if any(op.arity == 2 for _, op in ops) else [])]
            body = [*reads, *_branches(ops, _one), "work[o] = v"]
            out.append(_function(f"one_{name}", "op, a, b, o, p, stored, _", "One instruction of the family.", body))
        looped = [(code, op) for code, op in ops if op.name not in _CORE]
        doc = "A block of the family: values, and those partials that have a place."
        out.append(_function(f"block_{name}", "op, xo, yo, o, n, dx, dy", doc, _branches(looped, _loops)))
    ones = ["None" if name in BUILT_IN else f"one_{name}" for name in FAMILIES]
    tables = [
        "# By family: its functions for one instruction and for a block.",
        f"ONE_OF = ({_wrapped(', '.join(ones), 4)})",
        f"BLOCK_OF = ({_wrapped(', '.join(f'block_{name}' for name in FAMILIES), 4)})",
    ]
    return "\n\n\n".join([*out, "\n".join(tables)])


def _wrapped(text: str, indent: int) -> str:
    """A long expression on lines of its own."""
    space = "\n" + " " * indent
    return space + space.join(textwrap.wrap(text, 110)) + "\n" + " " * (indent - 4)


def functions() -> str:
    """The public functions and their aliases, and the two halves of `clip`."""
    lines = []
    for op in OPS:
        if op.public:
            lines.append(" = ".join((op.name, *op.aliases)) + f' = _function("{op.name}")')
        elif op.name.startswith("clip"):
            lines.append(f'_{op.name} = _function("{op.name}")')
    return "\n".join(lines)


def exports() -> str:
    """The re-exports of the public functions."""
    names = sorted([name for op in OPS if op.public for name in (op.name, *op.aliases)] + list(_HELPERS))
    return "\n".join(f"from .functions import {name} as {name}" for name in names)


def star() -> str:
    """What ``from jittape import *`` brings: every function but those that would shadow a builtin."""
    names = sorted([name for op in OPS if op.public for name in (op.name, *op.aliases)] + list(_HELPERS))
    lines = [f'"{name}",' for name in names if not hasattr(builtins, name)]
    return "\n".join(lines)


_HELPERS = (
    "where", "clip", "sum", "prod", "mean", "dot", "norm", "logsumexp", "softmax", "log_softmax",
    "zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "array", "stack", "concatenate",
)  # fmt: skip
REGIONS = {
    "kernels.py": {
        "imports": imports,
        "special": specials,
        "families": families,
        "instructions": instructions,
        "forms": forms,
    },
    "functions.py": {"functions": functions},
    "__init__.py": {"exports": exports, "star": star},
}


def render(path: Path) -> str:
    """The file with its generated regions made anew."""
    text = path.read_text()
    for name, make in REGIONS[path.name].items():
        pattern = re.compile(rf"^( *)# <generated: {name}>\n.*?^ *# </generated>$", re.M | re.S)
        if len(pattern.findall(text)) != 1:
            raise SystemExit(f"{path.name} must have exactly one region {name!r}")
        indent = pattern.search(text)[1]  # type: ignore[index]
        body = "\n".join(indent + line if line else "" for line in make().splitlines())
        region = f"{indent}# <generated: {name}>\n{indent}# fmt: off\n{body}\n{indent}# fmt: on\n{indent}# </generated>"
        text = pattern.sub(region.replace("\\", r"\\"), text)
    return text


def _number(x: float) -> str:
    return f"{x:g}"


def page() -> str:
    """The operation page: every operation, then the convention table."""
    out = [
        "# Operations",
        "",
        "Written by `python -m jittape.codegen` from `jittape/ops.py` and `jittape/conventions.py`; edit those.",
        "In the formulas `x` and `y` are the operands and `v` is the value just computed.",
        "",
        "| `jt.` | also | computes | value | partials |",
        "|---|---|---|---|---|",
    ]
    for op in OPS:
        if op.public:
            partials = "<br>".join(f"`{p}`" for p in op.partials)
            out.append(f"| `{op.name}` | {' '.join(f'`{a}`' for a in op.aliases)} | {op.doc} | `{op.value}` | {partials} |")
    out += [
        "",
        "## Values and partials at edge points",
        "",
        "Three rules: a NaN value has NaN partials; at a kink the subgradient of minimum norm is taken, so ties share equally;",
        "where the limit is infinite it is returned. In the reverse sweep an adjoint that is exactly zero contributes nothing.",
        "",
        "| operation | at | value | partials | why |",
        "|---|---|---|---|---|",
    ]
    for edge in conventions.EDGES:
        point, partials = (", ".join(map(_number, numbers)) for numbers in (edge.point, edge.partials))
        out.append(f"| `{edge.op}` | {point} | {_number(edge.value)} | {partials} | {edge.why} |")
    return "\n".join(out) + "\n"


def main(arguments: list[str]) -> int:
    """Write the generated text, or with ``--check`` compare it; the exit status is 1 where they differ."""
    status = 0
    texts = {PACKAGE / name: render(PACKAGE / name) for name in REGIONS}
    texts |= {DOCS / "operations.md": page(), DOCS / "numpy.md": numpy_functions.page()}
    for path, new in texts.items():
        old = path.read_text() if path.exists() else ""
        if new == old:
            continue
        if "--check" in arguments:
            print(f"{path} is not what the op table says: run `python -m jittape.codegen`", file=sys.stderr)
            status = 1
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(new)
            print(f"wrote {path}")
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
