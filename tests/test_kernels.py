"""The kernels against the op table: the same values and partials everywhere, in blocks and not; a cache that cannot hurt.

Programs are made through `jt.record`, so the tests hold whatever the kernels look like. A program of one operation runs as it
is; one of many lanes runs as a block.
"""

import functools
import itertools
import math
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import jittape as jt
from jittape import __main__ as command
from jittape import cpython, formulas, kernels, special, tracer
from jittape.conventions import EDGES
from jittape.ops import CODE, OPS

# What Stan's tests call every function with, and further points where functions turn, overflow or end.
STAN = [-1.3, 0.49, 0.99, 1.01, math.inf, -math.inf, math.nan, 0.0]
TURNS = [-0.0, -1.0, 1.0, 2.0, -2.0, 0.5, 3.0, -5.5, 30.0, -30.0, 710.0, -745.0, 1e-8, 1e8, -1e200, 1e-200, 5e-324]
# Points where the reference or the kernel is known to be off, each with a test of its own below or a reason here.
KNOWN = {
    # Numba's floor_divide: see test_floor_division_at_infinity
    "floor_divide": lambda x, y: math.isinf(x) or math.isinf(y),
    # NumPy takes the square root, NaN and -0.0; in C, Python and the kernels pow(-inf, 0.5) is inf and pow(-0.0, 0.5) is 0.0
    "power": lambda x, y: x in (-math.inf, 0.0) and y == 0.5,
}
# Operations whose zeros differ in sign between Numba and NumPy (mod of a multiple, sign of -0.0); nothing depends on it.
UNSIGNED_ZEROS = ("mod", "sign")
by_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


def points(op):
    """Random points in the smooth box, every pair of special points, and the convention table's edges."""
    rng = np.random.default_rng(CODE[op.name])
    box = [
        tuple(low + (high - low) * u for (low, high), u in zip(op.near, row, strict=True))
        for row in rng.uniform(size=(40, op.arity)).tolist()
    ]
    special_points = list(itertools.product(STAN + TURNS[: 17 if op.arity == 1 else 9], repeat=op.arity))
    edges = [tuple(map(float, edge.point)) for edge in EDGES if edge.op in (op.name, *op.aliases)]
    known = KNOWN.get(op.name, lambda *_: False)
    return [p for p in box + special_points + edges if not known(*p)]


def record_one(op):
    """A program of one operation, differentiated in each operand."""
    start = [0.5 * (low + high) for low, high in op.near]
    return jt.record(lambda *xs: tracer.apply(CODE[op.name], *xs), *start, argnums=tuple(range(op.arity)))


def lanes(op):
    """A function that applies an operation to lists of operands."""
    return lambda *columns: [tracer.apply(CODE[op.name], *p) for p in zip(*columns, strict=True)]


def columns(rows):
    return [list(column) for column in zip(*rows, strict=True)]


# -- the reference ------------------------------------------------------------------------------------------------------


class Reference:
    """A row's formulas as functions, evaluated by NumPy under IEEE rules."""

    def __init__(self, op):
        compiled = [eval(f"lambda x, y, v: {text}", formulas._EXACT) for text in (op.value, *op.partials)]
        self._value, self._partials = compiled[0], compiled[1:]
        text = " ".join((op.value, *op.partials))
        called = set(re.findall(r"(\w+)\(", text))
        # arithmetic, roots and roundings have one right answer; the rest may differ in the last bits
        exact = called <= {"abs", "sign", "floor", "ceil", "trunc", "rint", "copysign", "sqrt"}
        composite = any(hasattr(special, name) for name in called) or "lgamma" in text or "erf" in text
        # NumPy's own last bits differ from CPU to CPU, but not those of its extended precision, where there is one
        self.number = np.float64 if exact or composite or "power" in called else np.longdouble
        self.ulps, self.absolute = (0, 0.0) if exact else (6, 2e-15) if composite else (4, 0.0)

    def value(self, p):
        with np.errstate(all="ignore"):
            return float(self._value(*map(self.number, (*p, 0.0)[:2]), None))

    def partials(self, p, v):
        with np.errstate(all="ignore"):
            return [float(d(*map(self.number, (*p, 0.0)[:2]), self.number(v))) for d in self._partials]

    def agrees(self, got, expected):
        if got == expected or (got != got and expected != expected):
            return True
        if not (math.isfinite(got) and math.isfinite(expected)):
            return False
        return abs(got - expected) <= max(self.ulps * np.spacing(max(abs(got), abs(expected))), self.absolute)


def check_one(op, program, at):
    """The value and the partials that a program gives at one point; returns the disagreements."""
    reference = Reference(op)
    value, gradient = program.value_and_grad(*at)
    wrong = [] if reference.agrees(value, reference.value(at)) else [("value", value, reference.value(at))]
    if value == 0.0 and op.name not in UNSIGNED_ZEROS and math.copysign(1.0, value) != math.copysign(1.0, reference.value(at)):
        wrong.append(("sign of zero", value, reference.value(at)))
    for got, expected in zip(gradient, reference.partials(at, value), strict=True):
        if not reference.agrees(got, expected):
            wrong.append(("partial", got, expected))
    return wrong


# -- values and partials ------------------------------------------------------------------------------------------------


@by_op
def test_one_operation_at_a_time(op, jit):
    program = record_one(op)
    for p in points(op)[:: 1 if jit else 5]:
        assert check_one(op, program, p) == [], p


@by_op
def test_blocks(op, jit):
    """All points at once: an operation over many lanes runs as a vector loop."""
    reference = Reference(op)
    at = points(op)[:: 1 if jit else 5]
    args = columns(at)
    values = jt.record(lanes(op), *args)(*args)
    gradients = jt.record(lambda *xs: jt.sum(lanes(op)(*xs)), *args, argnums=tuple(range(op.arity))).grad(*args)
    for i, p in enumerate(at):
        assert reference.agrees(values[i], reference.value(p)), p
        for got, expected in zip([g[i] for g in gradients], reference.partials(p, values[i]), strict=True):
            assert reference.agrees(got, expected), (p, got, expected)


@by_op
def test_blocks_give_what_one_at_a_time_gives(op, jit):
    """A number does not depend on which kernel computed it: bit for bit."""
    at = points(op)[:: 3 if jit else 30]
    args = columns(at)
    one = record_one(op)
    values = jt.record(lanes(op), *args)(*args)
    gradients = jt.record(lambda *xs: jt.sum(lanes(op)(*xs)), *args, argnums=tuple(range(op.arity))).grad(*args)
    for i, p in enumerate(at):
        value, gradient = one.value_and_grad(*p)
        got = np.array([values[i], *(g[i] for g in gradients)])
        assert np.array_equal(got, [value, *gradient], equal_nan=True), p


def test_the_convention_table():
    """The kernels give what the documented table of edge points says."""
    for edge in EDGES:
        program = jt.record(
            functools.partial(tracer.apply, CODE[edge.op]), *[0.5] * len(edge.point), argnums=tuple(range(len(edge.point)))
        )
        value, gradient = program.value_and_grad(*map(float, edge.point))
        assert value == pytest.approx(edge.value, rel=1e-14, nan_ok=True), edge
        assert gradient == pytest.approx(tuple(edge.partials), rel=1e-14, nan_ok=True), edge


@pytest.mark.jit_only
def test_floor_division_at_infinity():
    program = jt.record(lambda x, y: x // y, 1.0, 2.0)
    for x, y in ((-1.3, math.inf), (1.3, -math.inf), (math.inf, -1.3), (-math.inf, 2.0)):
        np.testing.assert_equal(program(x, y), x // y)


@by_op
def test_every_combination_of_active_data_and_constant_operands(op):
    """An operand that is not differentiated changes nothing for the other one."""
    if op.arity == 1:
        return
    code, reference = CODE[op.name], Reference(op)
    for p in points(op)[:3] + points(op)[40::37]:
        x, y = p
        value, (dx, dy) = record_one(op).value_and_grad(x, y)
        same = np.testing.assert_array_equal
        # data
        same(jt.value_and_grad(lambda x, y: tracer.apply(code, x, y))(x, y), (value, dx))
        same(jt.value_and_grad(lambda x, y: tracer.apply(code, x, y), 1)(x, y), (value, dy))
        # constants
        same(jt.value_and_grad(lambda x, y=y: tracer.apply(code, x, y))(x), (value, dx))
        same(jt.value_and_grad(lambda y, x=x: tracer.apply(code, x, y))(y), (value, dy))
        # both from one variable
        if x == y:
            got = jt.grad(lambda x: tracer.apply(code, x, x))(x)
            assert got == dx + dy or reference.agrees(got, dx + dy) or got != got
        # blocks: a constant or a variable that every lane shares, and a constant for each lane
        n = 30
        for f, args, expected in (
            (lambda xs, y=y: [tracer.apply(code, x, y) for x in xs], [x] * n, [dx] * n),
            (lambda ys, x=x: [tracer.apply(code, x, y) for y in ys], [y] * n, [dy] * n),
            (lambda xs, n=n, y=y: [tracer.apply(code, x, y) for x, y in zip(xs, [y] * n, strict=True)], [x] * n, [dx] * n),
        ):
            # lanes must differ, or they are one common subexpression
            program = jt.record(lambda xs, f=f: jt.sum(f(xs)), np.linspace(0.3, 0.6, n).tolist())
            same(program.grad(args), expected)
            same(jt.record(f, np.linspace(0.3, 0.6, n).tolist())(args), [value] * n)


def test_a_shared_operand_collects_from_every_lane():
    ks = np.linspace(0.5, 2.0, 50).tolist()
    program = jt.record(lambda x, ks: jt.sum([x * k for k in ks]), 2.0, ks, argnums=(0, 1))
    value, (dx, dk) = program.value_and_grad(3.0, ks)
    assert value == pytest.approx(3.0 * math.fsum(ks))
    assert dx == pytest.approx(math.fsum(ks))
    assert dk == [3.0] * 50


# -- negative controls --------------------------------------------------------------------------------------------------


def tampered(op, operand, error):
    wrong = f"({op.partials[operand]}) + {error}"
    return op._replace(partials=tuple(wrong if i == operand else p for i, p in enumerate(op.partials)))


@pytest.mark.parametrize("op, operand", [(op, i) for op in OPS for i in range(op.arity)], ids=lambda v: getattr(v, "name", v))
def test_a_wrong_partial_is_noticed(op, operand):
    program = record_one(op)
    wrong = tampered(op, operand, 1e-9)
    assert any(check_one(wrong, program, p) for p in points(op)[:40])


@by_op
def test_a_wrong_value_is_noticed(op):
    program = record_one(op)
    wrong = op._replace(value=f"({op.value}) + 1e-9")
    assert any(check_one(wrong, program, p) for p in points(op)[:40])


def slope(op, operand, p):
    """The derivative of the value formula by a five-point difference: it shares nothing with the partials."""
    h = 1e-3 * min(1.0, 0.1 + abs(p[operand]))

    def at(k):
        return Reference(op).value([x + k * h * (i == operand) for i, x in enumerate(p)])

    return (8.0 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12.0 * h)


@by_op
def test_partials_are_the_slopes_of_the_values(op, jit):
    if op.name == "with_gradient":
        pytest.skip("its purpose is a partial that is not the slope of its value")
    for p in points(op)[: 40 if jit else 4]:
        partials = Reference(op).partials(p, Reference(op).value(p))
        for operand in range(op.arity):
            assert slope(op, operand, p) == pytest.approx(partials[operand], rel=1e-7, abs=1e-7), p


@pytest.mark.parametrize("op, operand", [(op, i) for op in OPS for i in range(op.arity)], ids=lambda v: getattr(v, "name", v))
def test_the_slopes_notice_a_wrong_partial(op, operand):
    wrong = tampered(op, operand, 0.001)
    off = 0
    for p in points(op)[:10]:
        partial = Reference(wrong).partials(p, Reference(op).value(p))[operand]
        off += slope(op, operand, p) != pytest.approx(partial, rel=1e-7, abs=1e-7)
    assert off >= 8


# -- the product rule ---------------------------------------------------------------------------------------------------


@by_op
def test_a_zero_adjoint_contributes_nothing(op, jit):
    """Whatever the partial: infinite, NaN, or a number."""
    code, n = CODE[op.name], op.arity
    one = jt.record(lambda *xs: tracer.apply(code, *xs[:n]) * xs[n], *[0.5] * (n + 1), argnums=tuple(range(n)))
    at = points(op)[:: 1 if jit else 10]
    for p in at:
        assert one.grad(*p, 0.0) == (0.0,) * n, p
        assert one.grad(*p, -0.0) == (0.0,) * n, p
    args = columns(at)
    many = jt.record(lambda *xs: jt.sum(lanes(op)(*xs[:n])) * xs[n], *args, 1.0, argnums=tuple(range(n)))
    assert many.grad(*args, 0.0) == tuple([[0.0] * len(at)] * n)


@by_op
@pytest.mark.parametrize("adjoint", [math.nan, math.inf, -math.inf, 2.0])
def test_products_of_adjoints_and_partials(op, adjoint, jit):
    """NaN flows through every partial but the zeros of a switch and the operands that have no derivative at all."""
    code, n = CODE[op.name], op.arity
    reference = Reference(op)
    one = jt.record(lambda *xs: tracer.apply(code, *xs[:n]) * xs[n], *[0.5] * (n + 1), argnums=tuple(range(n)))
    at = points(op)[:: 1 if jit else 10]
    args = columns(at)
    many = jt.record(lambda *xs: jt.sum(lanes(op)(*xs[:n])) * xs[n], *args, 1.0, argnums=tuple(range(n))).grad(*args, adjoint)
    program = record_one(op)
    for i, p in enumerate(at):
        value, partials = program.value_and_grad(*p)
        gradient = one.grad(*p, adjoint)
        for operand in range(n):
            blocked = op.constant(operand) == 0.0 or (op.switch and partials[operand] == 0.0)
            with np.errstate(all="ignore"):
                expected = 0.0 if blocked else float(np.float64(adjoint) * partials[operand])
            assert reference.agrees(gradient[operand], expected), (p, gradient[operand], expected)
            if op.name != "copysign":  # see test_a_zero_partial_of_copysign_in_a_block
                assert reference.agrees(many[operand][i], expected), (p, many[operand][i], expected)


def test_a_zero_partial_of_copysign_in_a_block():
    xs, ys = [0.0] * 30, np.linspace(-2.0, 2.0, 30).tolist()
    one = jt.record(lambda x, y, c: jt.copysign(x, y) * c, 1.0, 2.0, 3.0).grad(0.0, 2.0, math.nan)
    many = jt.record(lambda xs, ys, c: jt.sum([jt.copysign(x, y) for x, y in zip(xs, ys, strict=True)]) * c, xs, ys, 1.0)
    np.testing.assert_array_equal(many.grad(xs, ys, math.nan), [one] * 30)


@pytest.mark.parametrize(
    "f, at, expected",
    [
        (lambda x, y: jt.where(x > 1.0, x, y), (2.0, 5.0), (1.0, 0.0)),
        (lambda x, y: jt.where(x > 1.0, x, y), (0.0, 5.0), (0.0, 1.0)),
        (lambda x, y: jt.maximum(x, y), (2.0, 5.0), (0.0, 1.0)),
        (lambda x, y: jt.minimum(x, y), (2.0, 5.0), (1.0, 0.0)),
        (lambda x, y: jt.fmax(x, y), (2.0, 5.0), (0.0, 1.0)),
        (lambda x, y: jt.clip(x, y, 9.0), (2.0, 5.0), (0.0, 1.0)),
        (lambda x, y: jt.clip(x, 0.0, y), (7.0, 5.0), (0.0, 1.0)),
        (lambda x, y: jt.relu(x) + y, (-2.0, 5.0), (0.0, 1.0)),
    ],
)
def test_the_side_that_is_not_taken_is_not_connected(f, at, expected):
    for adjoint in (math.inf, -math.inf, math.nan):
        gradient = jt.record(lambda x, y, c: f(x, y) * c, 1.0, 2.0, 3.0, argnums=(0, 1)).grad(*at, adjoint)
        for got, partial in zip(gradient, expected, strict=True):
            np.testing.assert_equal(got, 0.0 if partial == 0.0 else adjoint)


# -- whole tapes --------------------------------------------------------------------------------------------------------

SAFE = [op for op in OPS if not op.condition and op.name not in ("floor_divide", "fmod", "mod", "gammaln", "digamma")]


def random_function(seed, n):
    """A random graph of nearly every operation, kept in range."""
    choice = np.random.default_rng(seed)
    steps = [(SAFE[k], int(i), int(j), i % 3) for k, i, j in choice.integers([0, 0, 0], [len(SAFE), 10**6, 10**6], size=(n, 3))]

    def f(*xs):
        pool = list(xs)
        for op, i, j, _ in steps:
            operands = []
            for (low, high), k in zip(op.near, (i, j), strict=False):
                t = jt.tanh(pool[k % len(pool)])
                operands.append(0.5 * (low + high) + 0.45 * (high - low) * t)
            pool.append(tracer.apply(CODE[op.name], *operands))
        return jt.sum(pool)

    return f


@pytest.mark.parametrize("seed", range(6))
def test_random_tapes_against_the_reference_sweeps(seed, jit):
    f = random_function(seed, 120 if jit else 20)
    x0, x = np.random.default_rng(seed).normal(size=(2, 4)).tolist()
    program = jt.record(f, *x0, argnums=(0, 1, 2, 3))
    value, gradient = program.value_and_grad(*x)
    tape = program.tape
    val, adj = tape.val.copy(), np.zeros(len(tape.val))
    val[1:5] = x
    da, db = formulas.forward(tape.op, tape.a, tape.b, val)
    adj[tape.outputs[0]] = 1.0
    formulas.reverse(tape.op, tape.a, tape.b, da, db, adj)
    assert value == pytest.approx(val[tape.outputs[0]], rel=1e-13)
    assert gradient == pytest.approx(adj[1:5].tolist(), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_reverse_is_the_transpose_of_forward(seed, jit):
    """w'(J t) from tangents pushed through the partials equals (J'w)'t from the kernels."""
    f = random_function(seed + 100, 120 if jit else 20)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=4).tolist()
    program = jt.record(f, *x, argnums=(0, 1, 2, 3))
    gradient = np.array(program.grad(*x))
    tape = program.tape
    val = tape.val.copy()
    da, db = formulas.forward(tape.op, tape.a, tape.b, val)
    for _ in range(4):
        tangent = np.zeros(len(val))
        tangent[1:5] = rng.normal(size=4)
        for i in range(len(tape)):
            tangent[tape.first + i] = da[i] * tangent[tape.a[i]] + db[i] * tangent[tape.b[i]]
        assert gradient @ tangent[1:5] == pytest.approx(tangent[tape.outputs[0]], rel=1e-10, abs=1e-10)


# -- compilation --------------------------------------------------------------------------------------------------------


@pytest.mark.jit_only
def test_one_specialisation_whatever_arrays_come():
    """Another layout, type or writeability must not compile the kernels again."""
    program = jt.record(lambda x: x[0] * x[1] + jt.exp(x[2]), np.ones(3))
    wide = jt.record(lambda x: jt.sum([jt.sin(v) * v for v in x]), np.ones(40).tolist())
    readonly = np.ones(3)
    readonly.setflags(write=False)
    for x in (
        np.ones(3), np.ones(6)[::2], np.ones(3)[::-1], readonly, np.ones(3, np.float32), np.ones(3, int), np.ones(3, bool),
        np.ones(3, np.uint8), np.ones(3, ">f8"), np.ones(3, np.float16), np.ones(3).view(),
    ):  # fmt: skip
        value, gradient = program.value_and_grad(x)
        assert (value, gradient.tolist()) == (1.0 + math.e, [1.0, 1.0, math.e])
        program.value_and_grad(x, out=np.zeros(6)[::2])
        program(x)
        jt.grad(lambda x: x[0] * x[1])(x)
    wide(np.ones(40, np.float32).tolist())
    jt.grad(lambda x: -x if x > 0.0 else x)(np.float32(2.0))
    x = jt.var(1.0)
    jt.sin(x).backprop()
    specialised = {name: f.signatures for name, f in vars(kernels).items() if hasattr(f, "signatures")}
    assert len(specialised["emit"]) == 1
    assert {name for name, signatures in specialised.items() if len(signatures) > 1 and name[0] != "_"} == set()


PACKAGE = Path(jt.__file__).parent


def cut(text):
    """The kernels with the branches of a few operations only, which compile in a moment."""
    kept = {CODE[name] for name in ("add", "multiply")}

    def shorten(match):
        lines, keep, out = match[0].split("\n"), True, []
        for line in lines:
            branch = re.match(r"\s+(?:el)?if (?:code|op) == (\d+):", line)
            if branch:
                keep = int(branch[1]) in kept
            elif re.match(r"\s+else:  # ", line) or "generated" in line:
                keep = True
            if keep:
                out.append(line)
        body = "\n".join(out)
        first = re.search(r"\b(el)?if (?:code|op) == \d+:", body)
        return body[: first.start()] + body[first.start() + 2 :] if first and first[1] else body

    return re.sub(r" *# <generated: instructions>\n.*?# </generated>", shorten, text, flags=re.S)


@pytest.fixture(scope="module")
def small_package(tmp_path_factory):
    """A copy of the package whose kernels know two operations."""
    root = tmp_path_factory.mktemp("package")
    shutil.copytree(PACKAGE, root / "jittape", ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "jittape" / "kernels.py"
    path.write_text(cut(path.read_text()))
    return root


@pytest.fixture
def package(small_package, tmp_path):
    """A fresh copy of the small package, without any cache."""
    shutil.copytree(small_package / "jittape", tmp_path / "jittape", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


WORKS = """
import warnings
warnings.simplefilter("always")
import jittape as jt
print(jt.value_and_grad(lambda x, y: x * y + x, (0, 1))(3.0, 4.0))
x = jt.var(2.0)
y = x * x
y.backprop()
print(x.sensitivity)
"""
ANSWER = "(15.0, (5.0, 3.0))\n4.0\n"


def run(root, code=WORKS, **env):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "JITTAPE_", "XDG_"))}
    home = root / "home"
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=root,
        env={**inherited, "PYTHONPATH": str(root), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", **env},
        capture_output=True,
        text=True,
        timeout=300,
    )


def cached(root, kind):
    return sorted(root.rglob(f"*.{kind}"))


@pytest.fixture(scope="module")
def warm(small_package, tmp_path_factory):
    """The small package with its cache filled."""
    root = tmp_path_factory.mktemp("warm")
    shutil.copytree(small_package / "jittape", root / "jittape", ignore=shutil.ignore_patterns("__pycache__"))
    done = run(root)
    assert done.stdout == ANSWER, done.stderr
    assert cached(root, "nbi") and cached(root, "nbc")
    return root


@pytest.mark.jit_only
def test_a_second_process_loads_from_the_cache(warm):
    counted = """
        from jittape import kernels
        hits = [kernel.stats.cache_hits.total() for kernel in (kernels.run_frame, kernels.run_short_frame)]
        print(hits, {loop.cache_hits for loop in kernels._compiled.values()})
    """
    before = {p: p.stat().st_mtime_ns for p in cached(warm, "nb?")}
    done = run(warm, WORKS + textwrap.dedent(counted))
    assert done.stdout == ANSWER + f"{[0, 0] if cpython.supported() else [0, 1]} {{1}}\n", done.stderr
    assert done.stderr == ""
    assert {p: p.stat().st_mtime_ns for p in cached(warm, "nb?")} == before


@pytest.mark.jit_only
@pytest.mark.parametrize("change", ["nothing", "newer", "edited"])
def test_what_is_said_to_be_on_disk_is_loaded(warm, tmp_path, change):
    """A file that was only copied or checked out anew had its long plans made in Python for ever, as if there were no cache."""
    shutil.copytree(warm, tmp_path / "copy")
    path = tmp_path / "copy" / "jittape" / "kernels.py"
    if change == "edited":
        path.write_text(path.read_text() + "# a comment\n")
    if change == "newer":
        os.utime(path)
    asked = """
        import jittape as jt
        from jittape import kernels
        said = {function: kernels.on_disk(function) for function in kernels.BY_ADDRESS}
        jt.value_and_grad(lambda x, y: x * y + x)(3.0, 4.0)
        loaded = {function: bool(loop.cache_hits) for function, loop in kernels._compiled.items()}
        print(*{(said[function], loaded[function]) for function in said.keys() & loaded.keys()})
    """
    done = run(tmp_path / "copy", asked)
    expected = "(True, True)" if change == "nothing" else "(False, False)"
    assert done.stdout.strip() in ({expected} if change != "newer" else {"(True, True)", expected}), done.stderr


def empty(path):
    path.write_bytes(b"")


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path):
    path.write_bytes(bytes(range(256)) * 8)


@pytest.mark.jit_only
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("spoil", [empty, truncate, garbage])
def test_a_spoilt_cache_breaks_neither_import_nor_call(warm, tmp_path, spoil, kind):
    shutil.copytree(warm / "jittape", tmp_path / "jittape")
    files = cached(tmp_path, kind)
    assert files
    for path in files:
        spoil(path)
    done = run(tmp_path)
    assert done.stdout == ANSWER, done.stderr
    assert done.returncode == 0
    if spoil in (truncate, garbage):
        assert "JitTapeCacheWarning" in done.stderr
        assert "NUMBA_CACHE_DIR" in done.stderr


PLANNED = """
import jittape as jt
jt.kernels._left = {"emit": 0, "unroll": 0}
print(jt.value_and_grad(lambda xs: sum([x * y for x in xs for y in xs]))([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
"""


@pytest.fixture(scope="module")
def planned(small_package, tmp_path_factory):
    """A copy of the small package whose cache has the kernels that plan, too."""
    root = tmp_path_factory.mktemp("planned")
    shutil.copytree(small_package / "jittape", root / "jittape", ignore=shutil.ignore_patterns("__pycache__"))
    done = run(root, PLANNED)
    assert done.stdout == "(441.0, [42.0, 42.0, 42.0, 42.0, 42.0, 42.0])\n", done.stderr
    return root


@pytest.mark.jit_only
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("kernel", ["join", "link", "reverse"])
def test_one_file_of_the_cache_that_is_spoilt(planned, tmp_path, kernel, kind):
    """The kernels that plan load after the others, each from files of its own."""
    shutil.copytree(planned / "jittape", tmp_path / "jittape")
    files = [path for path in cached(tmp_path, kind) if path.name.startswith(f"kernels.{kernel}-")]
    assert files
    for path in files:
        truncate(path)
    done = run(tmp_path, PLANNED)
    assert done.stdout == "(441.0, [42.0, 42.0, 42.0, 42.0, 42.0, 42.0])\n", done.stderr
    assert "JitTapeCacheWarning" in done.stderr


@pytest.mark.jit_only
def test_no_folder_for_a_cache(package):
    """Neither beside the package nor in the home folder can anything be written, not even by root."""
    (package / "jittape" / "__pycache__").write_text("a file where the folder should be")
    (package / "home").write_text("likewise")
    done = run(package, XDG_CACHE_HOME=str(package / "home" / "cache"))
    assert done.stdout == ANSWER, done.stderr
    assert done.returncode == 0
    assert not cached(package, "nb?")


@pytest.mark.jit_only
def test_a_folder_that_becomes_unwritable_before_the_first_call(package):
    code = """
        import pathlib, shutil, jittape
        folder = pathlib.Path(jittape.__file__).parent / "__pycache__"
        shutil.rmtree(folder, ignore_errors=True)
        folder.write_text("a file where the folder was")
    """
    # where the kernels that Python calls are kept was decided before
    called = "import numpy as np\njt.kernels.reach(np.zeros(1, np.int32), np.zeros(1, np.int32), np.ones(1, np.bool_))\n"
    done = run(package, textwrap.dedent(code) + WORKS + called)
    assert done.stdout == ANSWER, done.stderr
    assert "JitTapeCacheWarning" in done.stderr


@pytest.mark.jit_only
def test_the_cache_can_be_switched_off(package):
    done = run(package, JITTAPE_CACHE="0")
    assert done.stdout == ANSWER, done.stderr
    assert done.stderr == ""
    assert not cached(package, "nb?")


@pytest.mark.jit_only
def test_the_cache_can_be_moved(package):
    done = run(package, NUMBA_CACHE_DIR=str(package / "elsewhere"))
    assert done.stdout == ANSWER, done.stderr
    assert cached(package / "elsewhere", "nbi")
    assert not cached(package / "jittape", "nbi")


@pytest.mark.jit_only
def test_importing_compiles_nothing():
    code = """
        from numba.core import event
        with event.install_recorder("numba:compile") as recorder:
            import jittape
            from jittape import kernels
        print(len(recorder.buffer), sum(len(f.signatures) for f in vars(kernels).values() if hasattr(f, "signatures")))
        print(kernels._entry.cache_info().currsize)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "0 0\n0\n", done.stderr


def test_numba_is_not_needed_to_record_a_tape():
    code = """
        import sys
        sys.modules["numba"] = None
        for name in ("ops", "tape", "show", "tracer", "formulas"):
            try:
                __import__("importlib").import_module("jittape." + name)
            except ImportError as error:
                print(name, error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    # the package itself needs Numba: what must not is tested where its files are imported one by one
    assert done.returncode == 0


# -- Ctrl-C -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_arrives_between_pieces_of_a_long_sweep(jit):
    """A sweep in pieces stops at the next one, forward or in reverse, and the program works afterwards."""
    code = """
        import os, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        from jittape import kernels, schedule
        import jittape as jt

        kernels.CHUNK = schedule.CHUNK = 1000

        def chain(x):
            for i in range(10_000):
                x = jt.sin(x) * 1.5
            return x

        calls, original, stop = [0], kernels.piece, [0]

        def piece(*args):
            step = original(*args)

            def run():
                value = step()
                calls[0] += 1
                if calls[0] == stop[0]:
                    os.kill(os.getpid(), signal.SIGINT)
                return value

            return run

        kernels.piece = piece
        program = jt.record(chain, 0.5)
        expected = program.value_and_grad(0.25)
        calls[0] = 0
        program.value_and_grad(0.25)
        total = calls[0]
        for stop[0] in (1, 3, total // 2 + 2, total - 1):
            calls[0] = 0
            try:
                program.value_and_grad(0.25)
            except KeyboardInterrupt:
                print("stopped", calls[0] <= stop[0] + 1 < total + 1, total > 10)
            calls[0] = stop[0] + 1
            print(program.value_and_grad(0.25) == expected)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300)
    assert done.stdout == "stopped True True\nTrue\n" * 4, done.stderr


@pytest.mark.jit_only
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_during_a_long_sweep():
    """Sent from outside in the middle of a sweep over ten million operations."""
    code = """
        import os, signal, threading, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        import jittape as jt
        x = y = jt.var(0.5)
        for i in range(1000):
            y = jt.sin(y) * 1.5
        y.backprop()
        rec, n = x.rec, len(x.rec)
        for _ in range(13):  # the same rows again and again: a chain of 2**13 times as many
            for column in rec.settle():
                column.extend(column[1:])
            rec.n = rec.base = len(column)
        y.row = len(rec) - 1
        print(len(rec) > 8_000_000)
        y.backprop()
        sent = []

        def send():
            time.sleep(0.1)
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=send).start()
        try:
            while True:
                y.backprop()
        except KeyboardInterrupt:
            print(time.perf_counter() - sent[0] < 2.0)
        y.backprop()
        print(y.sensitivity)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300)
    assert done.stdout == "True\nTrue\n1.0\n", done.stderr


@pytest.mark.jit_only
def test_the_command_compiles_every_kernel(monkeypatch):
    monkeypatch.setattr(kernels, "_left", {})
    steps = dict(command.steps())
    assert {"operators", "calls"} <= set(steps) or not cpython.supported()
    for compile_it in steps.values():
        compile_it()
    jitted = [value for value in vars(kernels).values() if isinstance(value, kernels.Kernel)]
    assert len(jitted) > len(kernels.PLANNING)
    # what runs frames on this machine
    called = [kernels.call_frame, kernels.frame_value] if cpython.supported() else []
    unused = [kernels.run_frame, kernels.run_short_frame] if called else []
    assert [kernel for kernel in jitted if not kernel.signatures] == unused
    assert {*kernels.BY_ADDRESS, *called} == set(kernels._compiled)


@pytest.mark.parametrize(
    ("change", "status", "line"),
    [
        pytest.param({}, 0, r"\d+ kernels ready in [\d.]+ s: [\d.]+ MB in .+", marks=pytest.mark.jit_only),
        pytest.param({"JITTAPE_CACHE": "0"}, 1, "there is no cache to compile into: .*", marks=pytest.mark.jit_only),
        ({"NUMBA_DISABLE_JIT": "1"}, 0, "NUMBA_DISABLE_JIT is set: .*"),
    ],
)
def test_the_command_says_what_it_did(change, status, line):
    done = subprocess.run(
        [sys.executable, "-m", "jittape"], env=os.environ | change, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (status, "")
    assert re.fullmatch(line, done.stdout.strip())
