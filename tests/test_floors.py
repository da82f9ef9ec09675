"""The house: each file of the package imports only from floors below its own, and the lower floors run without Numba."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import jittape

PACKAGE = Path(jittape.__file__).parent

FLOORS = (
    (
        "ops",
        "repeats",
        "special",
        "errors",
        "conventions",
        "names",
        "layout",
        "vectormath",
        "cpython",
        "interrupts",
        "products",
    ),
    ("formulas", "kernels", "llvm", "memory", "picture", "structure"),
    ("show", "bulk", "late", "transfer"),
    ("guards",),
    ("tape",),
    ("recording", "matrices"),
    ("schedule",),
    ("tracer", "calls", "explain", "machine"),
    ("arrays", "native"),
    ("folds", "program", "rearrange"),
    ("asking", "finite", "lookup", "paths", "ufuncs"),
    ("compositions", "operators", "systems"),
    ("linalg",),
    ("calculus", "eigen", "nans"),
    ("numpy_functions",),
    ("functions",),
    ("eager", "record"),
    ("transforms",),
    ("codegen", "testing"),
    ("__main__", "__init__"),
)
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
WITHOUT_NUMBA = (
    "ops",
    "special",
    "errors",
    "conventions",
    "formulas",
    "products",
    "guards",
    "show",
    "tape",
    "recording",
    "tracer",
)
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def imported(source):
    """The modules of the package that a source imports, wherever in the file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield from [node.module] if node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "jittape":
            yield from [node.module.partition(".")[2]] if "." in node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from [alias.name.partition(".")[2] for alias in node.names if alias.name.partition(".")[0] == "jittape"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from . import ops, tape", ["ops", "tape"]),
        ("from .ops import OPS", ["ops"]),
        ("def f():\n    from .ops import OPS", ["ops"]),
        ("from jittape.ops import OPS", ["ops"]),
        ("from jittape import ops", ["ops"]),
        ("import jittape.ops", ["ops"]),
        ("import numpy, math\nfrom numba import njit", []),
    ],
)
def test_the_import_reader_sees_every_spelling(source, names):
    assert list(imported(source)) == names


@pytest.mark.parametrize("name", MODULES)
def test_a_file_imports_only_from_lower_floors(name):
    assert name in FLOOR, f"{name}.py has no floor: give it one in FLOORS"
    source = (PACKAGE / f"{name}.py").read_text()
    upward = [below for below in imported(source) if FLOOR[below] >= FLOOR[name]]
    assert not upward, f"{name}.py, floor {FLOOR[name]}, imports from its own floor or above: {upward}"


@pytest.mark.parametrize("name", WITHOUT_NUMBA)
def test_the_lower_floors_do_not_import_numba(name):
    # An empty stand-in for the package, so that its __init__ does not import everything.
    program = (
        "import importlib, sys, types\n"
        "package = types.ModuleType('jittape')\n"
        f"package.__path__ = [{str(PACKAGE)!r}]\n"
        "sys.modules['jittape'] = package\n"
        f"importlib.import_module('jittape.{name}')\n"
        "assert 'numba' not in sys.modules, sorted(m for m in sys.modules if m.startswith('jittape'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
