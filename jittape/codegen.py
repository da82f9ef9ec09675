"""Writes the marked regions of the package and the operation page of the docs from the op table.

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

import numpy as np

from . import conventions, special, vectormath
from .ops import CONSTANTS, OPS, Op

PACKAGE = Path(__file__).parent
PAGE = PACKAGE.parent / "docs" / "operations.md"


def _functions(module: ModuleType) -> dict[str, FunctionType]:
    """The functions that a module defines."""
    return {name: f for name, f in vars(module).items() if isinstance(f, FunctionType) and f.__module__ == module.__name__}


# What formulas call besides NumPy's functions; where both files define a name, the vectorised function is the one.
_PASTED = _functions(vectormath) | {n: f for n, f in _functions(special).items() if n not in _functions(vectormath)}
_MATH = {"erf", "erfc", "lgamma", "pi", "inf", "nan"}
_TYPES = {"float64", "int64", "uint64"}
_BUILTIN = {"abs", "range"}
# Functions that LLVM turns into instructions, so that a loop over them is a vector loop.
_INLINE = {"abs", "sqrt", "copysign", "floor", "ceil", "trunc", "rint", "sign"}


def _names(source: str) -> set[str]:
    """The free names of a formula or function."""
    tree = ast.parse(source)
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return loaded - stored - arguments


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
        *(f"import {module}" for module in ("glob", "os", "sys", "threading", "warnings")),
        f"from math import {', '.join(sorted(_MATH & named))}",
        "",
        "import numpy as np",
        "from llvmlite import ir",
        "from numba import cfunc, config, njit, types",
        "from numba.core.errors import NumbaError",
        "from numba.extending import intrinsic",
        "from numpy import (",
        *(f"    {name}," for name in sorted(used)),
        ")",
        "",
        "from .errors import JitTapeCacheWarning",
        "",
        *(f"{name} = {value!r}" for name, value in CONSTANTS.items()),
    ]
    return "\n".join(lines)


def specials() -> str:
    """The functions of `vectormath` and `special`, jitted, and what kernels ask of an opcode."""
    vectorised = [code for code, op in enumerate(OPS) if _vectorised(op)]
    return "\n\n\n".join(
        [
            *("@jit\n" + inspect.getsource(function).rstrip() for function in _PASTED.values()),
            _switch(),
            f"# The operations that have vector loops.\nVECTORISED = ({_wrapped(str(vectorised)[1:-1], 4)})",
        ]
    )


def _vectorised(op: Op) -> bool:
    """Whether all that an operation's formulas call is vectorised, so that blocks of it are worth having."""
    called = set().union(*(_names(text) for text in (op.value, *op.partials))) - set(CONSTANTS) - {"x", "y", "v"}
    return called <= _INLINE | set(_functions(vectormath)) | {"nan", "inf"}


def _wrapped(text: str, indent: int) -> str:
    """A long expression on lines of its own."""
    space = "\n" + " " * indent
    return space + space.join(textwrap.wrap(text, 110)) + "\n" + " " * (indent - 4)


def _switch() -> str:
    codes = [str(code) for code, op in enumerate(OPS) if op.switch]
    test = "(" + _wrapped(" or ".join(f"code == {code}" for code in codes), 8) + ")"
    return f'@jit\ndef switch(code):\n    """Whether a zero partial of this operation passes nothing."""\n    return {test}'


def scalar() -> str:
    """One branch per operation: the value, and the partials that are not constants."""
    lines = []
    for code, op in enumerate(OPS):
        lines += [f"{'if' if code == 0 else 'elif'} op == {code}:  # {op.name}", f"    v = {op.value}"]
        for i, where in enumerate(("da", "db")):
            if op.constant(i) is None:
                lines.append(f"    work[{where} + k] = {op.partials[i]}")
    return "\n".join([*lines, "else:  # a leaf among the rows of a recording", "    v = work[o + k]"])


def _loops(formula: Callable[[Op], str | None], target: str) -> str:
    """One loop per operation over a block; operations without a formula have none."""
    lines: list[str] = []
    for code, op in enumerate(OPS):
        text = formula(op) if _vectorised(op) else None
        if text is None:
            continue
        lines += [f"{'elif' if lines else 'if'} op == {code}:  # {op.name}", "    for i in range(n):"]
        for name, offset in (("x", "xo"), ("y", "yo"), ("v", "o")):
            if name in _names(text):
                lines.append(f"        {name} = work[{offset} + i]")
        lines.append(f"        work[{target} + i] = {text}")
    return "\n".join(lines)


def values() -> str:
    """The loops of the values."""
    return _loops(lambda op: op.value, "o")


def _partial(op: Op, operand: int) -> str | None:
    if op.constant(operand) is not None or op.partials[operand] in ("x", "y", "v"):
        return None
    return op.partials[operand]


def partials_x() -> str:
    """The loops of the first partials that are neither constants nor copies."""
    return _loops(lambda op: _partial(op, 0), "da")


def partials_y() -> str:
    """The loops of the second partials, likewise."""
    return _loops(lambda op: _partial(op, 1), "db")


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
    "where", "clip", "sum", "prod", "mean", "dot", "norm", "logsumexp",
    "zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "array", "stack", "concatenate",
)  # fmt: skip
REGIONS = {
    "kernels.py": {
        "imports": imports,
        "special": specials,
        "scalar": scalar,
        "values": values,
        "partials_x": partials_x,
        "partials_y": partials_y,
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
    texts = {PACKAGE / name: render(PACKAGE / name) for name in REGIONS} | {PAGE: page()}
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
