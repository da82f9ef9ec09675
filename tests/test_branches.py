"""Branches on values: every point gets the answer of its own path, every path is recorded once, and nothing is silent.

The laws are checked against a fresh recording at the same point, bit for bit, and against oracles that share no code with the
library: complex steps through the same plain function, closed forms, and the eager layer.
"""

import builtins
import collections
import itertools
import math
import pickle
import random
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jittape as jt
from jittape.kernels import DONE
from jittape.program import Program


def complex_step(f, *args):
    """The gradient of plain code by complex steps: exact to rounding, on the path of the real parts."""
    out = []
    for i in range(len(args)):
        moved = [complex(x, 1e-200 if i == k else 0.0) for k, x in enumerate(args)]
        out.append(complex(f(*moved)).imag / 1e-200)
    return out


def identical(a, b):
    return np.array_equal(np.asarray(a, float), np.asarray(b, float), equal_nan=True) and (
        np.asarray(a, float).tobytes() == np.asarray(b, float).tobytes() or np.isnan(np.asarray(a, float)).any()
    )


def assert_law(f, points, g=None, argnums=None):
    """The transform answers as a recording made at the point itself, bit for bit, and as the eager layer to rounding."""
    n = len(points[0])
    argnums = tuple(range(n)) if argnums is None else argnums
    g = g or jt.value_and_grad(f, argnums, max_paths=100_000)
    paths = set()
    for p in points:
        value, gradient = g(*p)
        program = jt.record(f, *p, argnums=argnums)
        fresh_value, fresh_gradient = program.value_and_grad(*p)
        assert identical(value, fresh_value), p
        assert identical(gradient, fresh_gradient), p
        paths.add(tuple(guard.outcome for guard in program.tape.guards))
    assert g.cache_info().paths == len(paths)
    assert g.cache_info().records == len(paths)
    return g


def assert_eager(f, points, rel=1e-10):
    g = jt.value_and_grad(f, tuple(range(len(points[0]))), max_paths=100_000)
    for p in points:
        xs = [jt.var(x) for x in p]
        y = f(*xs) + 0.0 * xs[0]  # a variable even where f is constant here
        y.backprop()
        value, gradient = g(*p)
        assert value == pytest.approx(y.value, rel=rel, nan_ok=True)
        assert gradient == pytest.approx([x.sensitivity for x in xs], rel=rel, abs=1e-300, nan_ok=True)


class Sweeps:
    """Counts forward sweeps of programs, and remembers which failed."""

    def __init__(self, monkeypatch):
        self.count = self.failed = 0
        original = Program.sweep

        def sweep(program, *args, **kwargs):
            swept = original(program, *args, **kwargs)
            self.count += 1
            self.failed += swept[0] != DONE
            return swept

        monkeypatch.setattr(Program, "sweep", sweep)

    def of(self, call, *args):
        before = self.count
        call(*args)
        return self.count - before


@pytest.fixture
def sweeps(monkeypatch):
    return Sweeps(monkeypatch)


# -- guards -------------------------------------------------------------------------------------------------------------


def outcomes(program):
    return [guard.outcome for guard in program.guards]


ASKED = {
    "if": (lambda x: 1.0 if x > 1.0 else 2.0, 1),
    "while": (lambda x: loop(x), 3),
    "and": (lambda x: 1.0 if x > 1.0 and x < 5.0 else 2.0, 2),
    "or": (lambda x: 1.0 if x > 1.0 or x < 5.0 else 2.0, 1),
    "not": (lambda x: 1.0 if not x > 1.0 else 2.0, 1),
    "chained": (lambda x: 1.0 if 1.0 < x < 5.0 else 2.0, 2),
    "bool": (lambda x: float(bool(x > 1.0)), 1),
    "bool of a number": (lambda x: float(bool(x)), 1),
    "number as truth": (lambda x: 1.0 if x else 2.0, 1),
    "equal": (lambda x: 1.0 if x == 3.0 else 2.0, 1),
    "not equal": (lambda x: 1.0 if x != 3.0 else 2.0, 1),
    "in": (lambda x: 1.0 if x in [2.0, 3.0, 4.0] else 2.0, 2),
    "min": (lambda x: min(x, 2.0, x * x), 2),
    "max": (lambda x: max([x, 2.0]), 1),
    "any": (lambda x: float(any(x > k for k in (5.0, 2.0, 1.0))), 2),
    "all": (lambda x: float(all(x > k for k in (1.0, 5.0, 2.0))), 2),
    "sorted": (lambda x: sorted([x, 2.0])[0], 1),
    "filter": (lambda x: jt.sum(list(filter(None, [x, x - x, 0.0]))), 2),
    "assert": (lambda x: asserted(x), 1),
    "match": (lambda x: matched(x), 2),
    "comprehension": (lambda x: jt.sum([k * x for k in (1.0, 2.0, 3.0) if k * x > 4.0]), 3),
    "condition of conditions": (lambda x: 1.0 if (x > 1.0) & (x < 5.0) | (x <= 0.0) else 2.0, 1),
    "function": (lambda x: 1.0 if jt.logical_and(x > 1.0, x < 5.0) else 2.0, 1),
}
NOT_ASKED = {
    "where": lambda x: jt.where(x > 1.0, x, 2.0),
    "nested where": lambda x: jt.where((x > 1.0) & (x < 5.0), x, jt.where(x > 7.0, 1.0, 2.0)),
    "arithmetic": lambda x: (x > 1.0) * x + (x < 5.0),
    "not": lambda x: jt.where(~(x > 1.0), x, 2.0),
    "maximum": lambda x: jt.maximum(x, 2.0) + jt.minimum(x, 1.0),
    "clip": lambda x: jt.clip(x, 0.0, 2.0),
    "abs": lambda x: abs(x),
    "sign": lambda x: jt.sign(x) + jt.floor(x) + jt.ceil(x) + jt.rint(x),
    "relu": lambda x: jt.relu(x),
    "comparison returned": lambda x: x > 1.0,
    "isnan": lambda x: jt.where(jt.isnan(x), 0.0, x),
    "identity": lambda x: 1.0 if x is not None else 2.0,
    "printing": lambda x: (f"{x:.3f}{x!r}", x)[1],
    "hash": lambda x: {x: x * 2.0}[x],
}


def loop(x):
    while x > 1.0:
        x = x / 2.0
    return x


def asserted(x):
    assert x > 1.0, "too small"
    return x


def matched(x):
    match x:
        case _ if x > 5.0:
            return 1.0
        case _ if x > 1.0:
            return x
    return 2.0


@pytest.mark.parametrize("f, n", ASKED.values(), ids=ASKED)
def test_asking_a_truth_records_a_guard(f, n):
    program = jt.record(f, 3.0)
    assert len(program.guards) == n
    assert program(3.0) == f(3.0)
    assert jt.value_and_grad(f)(3.0)[0] == f(3.0)


@pytest.mark.parametrize("f", NOT_ASKED.values(), ids=NOT_ASKED)
def test_what_only_feeds_operations_records_no_guard(f):
    program = jt.record(f, 3.0)
    assert not program.guards
    for x in (-1.0, 0.5, 3.0, 9.0):
        assert program(x) == jt.record(f, x)(x)


@pytest.mark.parametrize("f", [f for f, _ in ASKED.values() if f(7.0) is not None], ids=ASKED)
def test_every_way_to_ask_is_right_everywhere(f):
    points = [(x,) for x in (3.0, 0.5, 7.0, 2.0, 1.0, 5.0, -2.0, 0.0, 3.0, 4.0, 6.0)]
    if f is ASKED["assert"][0]:
        points = [p for p in points if p[0] > 1.0]
    for (x,) in points:
        assert jt.value_and_grad(f)(x)[0] == pytest.approx(float(f(np.float64(x))), rel=1e-15)
    assert_law(f, points)


def test_comparisons_on_both_sides():
    def f(x, y):
        return (x < y, 1.0 < x, x >= 2, np.float64(2.0) == x if False else x == y)[0] * 1.0 + (2.0 if 1 < x else 3.0) * y

    assert_law(f, [(1.0, 2.0), (2.0, 1.0), (0.5, 0.5), (3.0, 3.0)])


def test_condition_slots_are_replayed_not_their_recorded_truth():
    program = jt.record(lambda x, y: jt.where(x > y, x * x, y), 3.0, 1.0, argnums=(0, 1))
    assert program.value_and_grad(3.0, 1.0) == (9.0, (6.0, 0.0))
    assert program.value_and_grad(1.0, 3.0) == (3.0, (0.0, 1.0))


def test_guards_survive_where_their_comparison_has_no_other_use():
    """The compared value is dead code but for its guard."""

    def f(x):
        t = jt.sin(x) * 3.0
        if t > 1.0:
            return x * 2.0
        return x * 3.0

    program = jt.record(f, 1.0)
    assert program(1.1) == 2.2
    with pytest.raises(jt.BranchChanged):
        program(-1.0)
    assert_law(f, [(0.1 * i,) for i in range(-40, 40)])


def test_no_guard_is_a_constant():
    g = jt.value_and_grad(lambda x: x if 2.0 > 1.0 and not jt.less(2.0, 1.0) else 0.0)
    assert g(3.0) == (3.0, 1.0)
    assert not jt.record(lambda x: x if jt.maximum(1.0, 2.0) > 1.0 else 0.0, 3.0).guards


# -- the path cache -----------------------------------------------------------------------------------------------------


def three_bits(x, y, z):
    total = x * y * z
    total = total + jt.sin(x) if x > 0.0 else total - x
    total = total * y if y > 0.0 else total - y * y
    return total / (1.0 + z * z) if z > 0.0 else total + jt.exp(z)


def test_every_path_is_recorded_once(rng):
    points = [tuple(p) for p in rng.normal(size=(400, 3)).tolist()]
    g = assert_law(three_bits, points)
    assert g.cache_info() == (8, 8, 392)
    for p in points:
        g(*p)
    assert g.cache_info() == (8, 8, 792)
    assert_eager(three_bits, points[:50])


def test_info_and_clear():
    g = jt.grad(lambda x: x * x if x > 0.0 else -x)
    assert g.cache_info() == (0, 0, 0)
    for x in (1.0, 2.0, -1.0, -2.0, 3.0):
        g(x)
    assert g.cache_info()._asdict() == {"paths": 2, "records": 2, "replays": 3}
    g.clear_cache()
    assert g.cache_info() == (0, 0, 0)
    assert g(1.0) == 2.0
    g.cache_clear()
    assert g.cache_info() == (0, 0, 0)


def test_what_was_dropped_still_counts():
    g = jt.grad(lambda x, n: x * n if x > 0.0 else -x, max_paths=2)
    with pytest.warns(jt.JitTapeWarning, match="static values"):
        for n in (1, 2, 3, 3, 1, 1):
            assert g(1.0, n) == n
    assert g.cache_info() == (2, 4, 2)
    g.clear_cache()
    assert g.cache_info() == (0, 0, 0)


def test_the_function_does_not_run_on_a_known_path():
    calls = []

    def f(x):
        calls.append(1)
        return x * x if x > 0.0 else -x

    g = jt.value_and_grad(f)
    for x in [1.0, -1.0] * 50:
        g(x)
    assert len(calls) == 2


def bisections(x, depth=6):
    """A function with 2**depth paths, a balanced tree of guards."""
    low, high = 0.0, 1.0
    for _ in range(depth):
        middle = 0.5 * (low + high)
        if x > middle:
            low = middle
        else:
            high = middle
    return (x - low) * (high - x) + low


def leaves(depth):
    return [(i + 0.5) / 2**depth for i in range(2**depth)]


def test_lookup_costs_the_guards_that_differ_not_the_paths(sweeps):
    """At most one forward sweep per guard that differs, and never more than there are guards on a path, of 256 paths."""
    depth = 8
    g = jt.value_and_grad(lambda x: bisections(x, depth), max_paths=1000)
    points = leaves(depth)
    random.Random(1).shuffle(points)
    for x in points:
        g(x)
    assert g.cache_info() == (256, 256, 0)
    total, last = 0, points[-1]
    for x in random.Random(2).choices(points, k=500):
        count = sweeps.of(g, x)
        assert count <= depth + 1
        # paths that share their first guards: no more tries than guards after the first that differs
        shared = in_common(last, x, depth)
        assert count <= 1 + (depth - shared if shared < depth else 0)
        total, last = total + count, x
    assert g.cache_info() == (256, 256, 500)
    assert total <= 500 * (1 + depth / 2 + 0.5)


def in_common(x, y, depth):
    """How many first outcomes two points share."""
    bits = [format(int(p * 2**depth), f"0{depth}b") for p in (x, y)]
    return next((i for i in range(depth) if bits[0][i] != bits[1][i]), depth)


def test_a_switch_between_two_paths_costs_one_extra_sweep(sweeps):
    g = jt.value_and_grad(lambda x: x * x if x > 0.0 else -x)
    g(1.0), g(-1.0)
    assert sweeps.of(g, -2.0) == 1
    assert sweeps.of(g, 2.0) == 2
    assert sweeps.of(g, 3.0) == 1
    assert sweeps.of(g, -3.0) == 2


def test_a_long_loop_is_found_in_a_few_sweeps(sweeps):
    """Paths of a loop form a comb: a point leaves it at its own guard."""

    def f(x):
        n = 0.0
        while x > 1.0:
            x = x - 1.0
            n = n + x
        return n

    g = jt.value_and_grad(f)
    for n in range(40):
        g(n + 0.5)
    assert g.cache_info().records == 40
    total = 0
    for n in random.Random(3).choices(range(40), k=200):
        total += sweeps.of(g, n + 0.5)
    assert total <= 3 * 200
    assert g.cache_info() == (40, 40, 200)


def test_failing_at_the_first_guard_and_at_the_last(sweeps):
    def f(x, y):
        total = x if x > 0.0 else -x
        for i in range(50):
            if x * x + i < 0.0:  # never
                total = total * 2.0
        return total * y if y > 0.0 else total

    g = jt.value_and_grad(f, (0, 1))
    for p, expected in [
        ((2.0, 3.0), (6.0, (3.0, 2.0))),
        ((2.0, -3.0), (2.0, (1.0, 0.0))),
        ((-2.0, 3.0), (6.0, (-3.0, 2.0))),
        ((-2.0, -3.0), (2.0, (-1.0, 0.0))),
    ]:
        assert g(*p) == expected
    assert g.cache_info().records == 4
    assert g(2.0, 3.0) == (6.0, (3.0, 2.0))
    assert g.cache_info() == (4, 4, 1)
    program = jt.record(f, 2.0, 3.0)
    with pytest.raises(jt.BranchChanged, match=r"guard 0\b"):
        program(-2.0, -3.0)
    with pytest.raises(jt.BranchChanged, match=r"guard 51\b"):
        program(2.0, -3.0)


def test_two_functions_and_two_structures_do_not_share_paths():
    def f(x):
        return jt.sum([v if v > 0.0 else -v for v in x])

    g, h = jt.grad(f), jt.grad(f)
    assert g([1.0, -1.0]) == [1.0, -1.0]
    assert g([1.0, -1.0, 2.0]) == [1.0, -1.0, 1.0]
    assert g((1.0, -1.0)) == (1.0, -1.0)
    assert g.cache_info().paths == 3
    assert h.cache_info().paths == 0


# -- bounded memory -----------------------------------------------------------------------------------------------------


def test_ten_thousand_paths_under_a_bound_of_a_hundred(jit):
    """Right at every point, never more programs than asked for, one warning."""
    n = 10_000 if jit else 1_000
    g = jt.value_and_grad(lambda x: bisections(x, 20), max_paths=100)
    points = [(i + 0.5) / n for i in range(n)]
    random.Random(4).shuffle(points)
    with pytest.warns(jt.JitTapeWarning) as caught:
        for i, x in enumerate(points):
            value, gradient = g(x)
            assert value == pytest.approx(bisections(x, 20), rel=1e-12)
            assert gradient == pytest.approx(complex_step(lambda z: bisect_plain(z, 20), x)[0], rel=1e-6, abs=1e-12)
            if i % 100 == 0:
                assert g.cache_info().paths <= 100
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for word in ("jt.where", "jt.maximum", "max_paths", "100"):
        assert word in str(caught[0].message)
    info = g.cache_info()
    assert info.paths == 100
    assert info.records + info.replays == n


def bisect_plain(z, depth):
    low, high = 0.0, 1.0
    for _ in range(depth):
        middle = 0.5 * (low + high)
        if z.real > middle:
            low = middle
        else:
            high = middle
    return (z - low) * (high - z) + low


@pytest.mark.parametrize("max_paths", [1, 2, 3, 7])
def test_small_bounds(max_paths):
    g = jt.value_and_grad(lambda x: bisections(x, 4), max_paths=max_paths)
    points = random.Random(5).choices(leaves(4), k=200)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for x in points:
            assert g(x) == jt.record(lambda x: bisections(x, 4), x).value_and_grad(x)
            assert g.cache_info().paths <= max_paths
    assert len(caught) == 1
    assert check_tree(g) == g.cache_info().paths


def test_the_least_recently_used_path_goes():
    calls = []

    def f(x):
        calls.append(x.v)
        return bisections(x, 2)

    g = jt.value_and_grad(f, max_paths=3)
    a, b, c, d = leaves(2)
    for x in (a, b, c, a):
        g(x)
    with pytest.warns(jt.JitTapeWarning):
        g(d)  # b goes
    calls.clear()
    for x in (a, c, d):
        g(x)
    assert calls == []
    g(b)
    assert calls == [b]


def check_tree(g):
    """The shape of every path tree: parents, sides, and recent paths agree with the outcomes. The number of paths."""
    total = 0
    for tree in g._trees.values():
        paths = list(tree.paths)
        total += len(paths)
        for path in paths:
            below, fork = path, path.parent
            while fork is not None:
                side = path.outcomes[fork.guard]
                assert fork.sides[side] is below
                assert fork.recent[side] in tree.paths
                assert fork.recent[side].outcomes[: fork.guard + 1] == path.outcomes[: fork.guard + 1]
                assert fork.parent is None or fork.parent.guard < fork.guard
                below, fork = fork, fork.parent
        assert len({path.outcomes for path in paths}) == len(paths)
        roots = {id(root(path)) for path in paths}
        assert len(roots) <= 1
    return total


def root(node):
    while node.parent is not None:
        node = node.parent
    return node


@given(st.lists(st.integers(0, 63), max_size=120), st.integers(1, 40))
def test_random_visits_keep_the_tree_in_shape(visits, max_paths):
    def f(x):
        return bisections(x, 6)

    g = jt.value_and_grad(f, max_paths=max_paths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jt.JitTapeWarning)
        for i in visits:
            x = (i + 0.5) / 64
            assert g(x)[0] == pytest.approx(f(x), rel=1e-14)
    assert check_tree(g) == min(len(set(visits)), max_paths)
    assert sum(g.cache_info()[1:]) == len(visits)


# -- generated programs -------------------------------------------------------------------------------------------------

OPERATORS = ["+", "-", "*", "/"]
ANALYTIC = {
    "sin": (jt.sin, np.sin),
    "exp": (jt.exp, np.exp),
    "tanh": (jt.tanh, np.tanh),
    "square": (jt.square, lambda z: z * z),
}


def expressions(variables):
    atom = st.sampled_from(variables) | st.floats(-2.0, 2.0).map(lambda c: round(c, 3))
    return st.recursive(
        atom,
        lambda inner: (
            st.tuples(st.sampled_from(OPERATORS[:3]), inner, inner) | st.tuples(st.sampled_from(sorted(ANALYTIC)), inner)
        ),
        max_leaves=5,
    )


def blocks(depth):
    names = ["a", "b", "c"]
    assign = st.tuples(st.just("set"), st.sampled_from(names), expressions(names))
    if depth == 0:
        return st.lists(assign, min_size=1, max_size=2)
    inner = blocks(depth - 1)
    test = st.tuples(st.sampled_from(["<", "<=", ">", ">="]), expressions(names), expressions(names))
    branch = st.tuples(st.just("if"), test, inner, inner)
    repeat = st.tuples(st.just("while"), test, st.integers(1, 4), inner)
    choose = st.tuples(st.just("min"), st.sampled_from(names), expressions(names), expressions(names))
    return st.lists(assign | branch | branch | repeat | choose, min_size=1, max_size=3)


def run_expression(e, env, mode):
    if isinstance(e, str):
        return env[e]
    if isinstance(e, float):
        return e
    if len(e) == 2:
        z = run_expression(e[1], env, mode)
        if e[0] in ("exp", "square"):
            z = run_expression(e[1], env, mode)
            z = z / (1.0 + z * z)  # keep it in range
        function = ANALYTIC[e[0]][mode]
        return function(z)
    x, y = run_expression(e[1], env, mode), run_expression(e[2], env, mode)
    return x + y if e[0] == "+" else x - y if e[0] == "-" else x * y


def real(x):
    return x.real if isinstance(x, complex) else x


def run_test(test, env, mode):
    x, y = run_expression(test[1], env, mode), run_expression(test[2], env, mode)
    if mode:
        x, y = real(x), real(y)
    return x < y if test[0] == "<" else x <= y if test[0] == "<=" else x > y if test[0] == ">" else x >= y


def run_block(block, env, mode):
    for statement in block:
        if statement[0] == "set":
            env[statement[1]] = run_expression(statement[2], env, mode)
        elif statement[0] == "if":
            run_block(statement[2] if run_test(statement[1], env, mode) else statement[3], env, mode)
        elif statement[0] == "min":
            x, y = run_expression(statement[2], env, mode), run_expression(statement[3], env, mode)
            env[statement[1]] = min(x, y, key=real) if mode else min(x, y)
        else:
            count = 0
            while count < statement[2] and run_test(statement[1], env, mode):
                run_block(statement[3], env, mode)
                count += 1


def program_of(block, mode):
    """Plain Python that interprets the block: on traced (mode 0) or complex numbers (mode 1)."""

    def f(a, b, c):
        env = {"a": a, "b": b, "c": c}
        run_block(block, env, mode)
        return env["a"] + env["b"] * env["c"]

    return f


def nearest_guard(program):
    return min((guard.margin for guard in program.guards), default=1.0)


@given(blocks(2), st.integers(0, 2**32 - 1))
def test_random_programs_against_complex_steps(block, seed):
    f, plain = program_of(block, 0), program_of(block, 1)
    g = jt.value_and_grad(f, (0, 1, 2), max_paths=10_000)
    points = np.random.default_rng(seed).uniform(-2.0, 2.0, size=(12, 3)).tolist()
    paths = set()
    for p in points * 2:
        program = jt.record(f, *p, argnums=(0, 1, 2))
        paths.add(tuple(outcomes(program)))
        value, gradient = g(*p)
        assert identical((value, *gradient), np.hstack(program.value_and_grad(*p)))
        if nearest_guard(program) < 1e-9:
            continue  # the oracle's rounding may take another branch
        with np.errstate(all="ignore"):
            expected_value, expected = plain(*map(complex, p)).real, complex_step(plain, *p)
        if not np.isfinite([expected_value, *expected]).all() or max(map(abs, [expected_value, *expected])) > 1e12:
            continue
        scale = 1.0 + max(map(abs, expected))
        assert value == pytest.approx(expected_value, rel=1e-9, abs=1e-9)
        assert gradient == pytest.approx(expected, rel=1e-8, abs=1e-8 * scale)
    info = g.cache_info()
    assert info.paths == info.records == len(paths)
    assert info.replays == 24 - len(paths)
    check_tree(g)


@given(blocks(2), st.integers(0, 2**32 - 1))
def test_random_programs_against_the_eager_layer(block, seed):
    f = program_of(block, 0)
    assert_eager(f, np.random.default_rng(seed).uniform(-2.0, 2.0, size=(5, 3)).tolist(), rel=1e-7)


# -- boundaries, NaN, infinities ----------------------------------------------------------------------------------------

KINDS = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}
POINTS = [0.0, -0.0, 1.0, np.nextafter(1.0, 2.0), np.nextafter(1.0, 0.0), -1.0, math.inf, -math.inf, math.nan, 5e-324]


@pytest.mark.parametrize("compare", KINDS.values(), ids=KINDS)
def test_comparisons_at_every_pair_of_special_points(compare):
    """A replay takes the branch that Python takes, on the boundary, one step beside it, and for NaN."""

    def f(x, y):
        return x * 2.0 if compare(x, y) else y * 3.0

    g = jt.value_and_grad(f, (0, 1))
    points = list(itertools.product(POINTS, repeat=2))
    for p in points + points[::-1]:
        value, gradient = g(*map(float, p))
        taken = bool(compare(*p))
        assert identical(value, p[0] * 2.0 if taken else p[1] * 3.0)
        assert gradient == ((2.0, 0.0) if taken else (0.0, 3.0))
    assert g.cache_info()[:2] == (2, 2)


def test_truth_of_a_number_at_special_points():
    g = jt.value_and_grad(lambda x: x * 2.0 if x else x - 1.0)
    for x in POINTS:
        assert identical(g(float(x))[0], x * 2.0 if x else x - 1.0)


def test_nan_takes_the_else_branch_and_comes_back():
    def f(x):
        if x < 0.0:
            return -x
        if x >= 0.0:
            return x
        return x * 0.0 + 7.0

    g = jt.value_and_grad(f)
    assert g(-1.0) == (1.0, -1.0)
    value, gradient = g(math.nan)
    assert value != value
    assert gradient == 0.0
    assert g(2.0) == (2.0, 1.0)
    assert g(math.nan)[1] == 0.0
    assert g.cache_info() == (3, 3, 1)


# -- loops whose length depends on the input ----------------------------------------------------------------------------


def newton(a):
    """The square root by Newton's iteration until it stands still."""
    x = a if a > 1.0 else 1.0
    while abs(x * x - a) > 1e-13 * a:
        x = 0.5 * (x + a / x)
    return x


def test_newton(rng):
    points = [(float(a),) for a in rng.uniform(0.01, 1e4, size=200)]
    g = assert_law(newton, points)
    for (a,) in points:
        value, (gradient,) = g(a)
        assert value == pytest.approx(math.sqrt(a), rel=1e-12)
        assert gradient == pytest.approx(0.5 / math.sqrt(a), rel=1e-6)
    assert g.cache_info().paths < 20


def bisection(c):
    """A root of x**3 + x - c, polished by one Newton step that carries the derivative."""
    low, high = c * 0.0 - 10.0, c * 0.0 + 10.0
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        if middle * middle * middle + middle > c:
            high = middle
        else:
            low = middle
    x = 0.5 * (low + high)
    return x - (x * x * x + x - c) / (3.0 * x * x + 1.0)


def test_bisection(rng):
    points = [(float(c),) for c in rng.uniform(-50.0, 50.0, size=60)]
    g = assert_law(bisection, points)
    for (c,) in points:
        x, (dx,) = g(c)
        assert x**3 + x == pytest.approx(c, abs=1e-9)
        assert dx == pytest.approx(1.0 / (3.0 * x * x + 1.0), rel=1e-6)


def collatz(n, x):
    """As many steps as the Collatz sequence of n takes, n being data."""
    while n != 1.0:
        if n % 2.0 == 0.0:
            n, x = n / 2.0, x * 0.9
        else:
            n, x = 3.0 * n + 1.0, x * 1.1
    return x


def test_collatz():
    def reference(n):
        ups = downs = 0
        while n != 1:
            n, ups, downs = (n // 2, ups, downs + 1) if n % 2 == 0 else (3 * n + 1, ups + 1, downs)
        return 1.1**ups * 0.9**downs

    g = jt.value_and_grad(lambda x, n: collatz(n, x))
    for _ in range(2):
        for n in range(1, 60):
            value, gradient = g(2.0, float(n))
            assert gradient == pytest.approx(reference(n), rel=1e-12)
            assert value == pytest.approx(2.0 * reference(n), rel=1e-12)
    assert g.cache_info()[1:] == (59, 59)


def adaptive(k, y0):
    """y' = -k y from 0 to 1 with step-size control by step doubling (Heun)."""
    t, h, y = 0.0, 0.1, y0

    def heun(y, h):
        slope = -k * y
        return y + 0.5 * h * (slope - k * (y + h * slope))

    while t < 1.0:
        if t + h > 1.0:
            h = 1.0 - t
        whole, half = heun(y, h), heun(heun(y, 0.5 * h), 0.5 * h)
        error = abs(whole - half)
        if error <= 1e-7:
            t, y = t + h, half + (half - whole) / 3.0
            h = h * 1.5
        else:
            h = h * 0.5
    return y


def test_adaptive_step_size(rng):
    points = [tuple(p) for p in rng.uniform([0.1, 0.5], [4.0, 3.0], size=(40, 2)).tolist()]
    g = assert_law(adaptive, points)
    for k, y0 in points:
        value, (dk, dy0) = g(k, y0)
        assert value == pytest.approx(y0 * math.exp(-k), rel=1e-4)
        assert dk == pytest.approx(-y0 * math.exp(-k), rel=1e-3)
        assert dy0 == pytest.approx(math.exp(-k), rel=1e-4)


def bounce(height, restitution, horizon):
    """The height of a ball at a time, event by event, by its exact parabolas."""
    gravity = 9.81
    time = jt.sqrt(2.0 * height / gravity)
    speed = restitution * gravity * time
    if time > horizon:
        return height - 0.5 * gravity * horizon * horizon
    while time + 2.0 * speed / gravity < horizon:
        time = time + 2.0 * speed / gravity
        speed = restitution * speed
        if speed < 1e-6:
            return speed * 0.0
    s = horizon - time
    return s * (speed - 0.5 * gravity * s)


def test_bouncing_ball(rng):
    def closed(height, restitution, horizon, n):
        """After n bounces: the same formula without a loop."""
        first = np.sqrt(2.0 * height / 9.81)
        time = first * (1.0 + 2.0 * sum(restitution**i for i in range(1, n)))
        s = horizon - time
        return s * (restitution**n * 9.81 * first - 0.5 * 9.81 * s)

    points = [tuple(p) for p in rng.uniform([0.5, 0.5, 0.2], [3.0, 0.9, 2.5], size=(120, 3)).tolist()]
    g = assert_law(bounce, points)
    assert 4 <= g.cache_info().paths <= 40
    checked = 0
    for p in points:
        guards = len(jt.record(bounce, *p).guards)
        n = guards // 2
        value, gradient = g(*p)
        if guards % 2 == 0:  # not on the ground, nor before the first bounce
            assert value == pytest.approx(closed(*p, n), rel=1e-9, abs=1e-9)
            assert gradient == pytest.approx(complex_step(lambda *q, n=n: closed(*q, n), *p), rel=1e-8, abs=1e-8)
            checked += 1
    assert checked > 60


# -- builtins that compare ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5])
def test_min_max_sorted_and_friends(n, rng):
    def spread(*xs):
        ordered = sorted(xs, key=lambda v: v * v)
        weighted = jt.sum([(i + 1.0) * v for i, v in enumerate(ordered)])
        return weighted + 3.0 * max(xs) - 2.0 * min(xs) + max(xs, key=abs) * sorted(xs, reverse=True)[0]

    points = [tuple(p) for p in rng.normal(size=(60, n)).tolist()]
    g = assert_law(spread, points)
    for p in points:
        value, gradient = g(*p)
        assert value == pytest.approx(spread(*p), rel=1e-12)
        h = 1e-6
        for i in range(n):
            up, down = [[x + s * h if k == i else x for k, x in enumerate(p)] for s in (1, -1)]
            assert gradient[i] == pytest.approx((spread(*up) - spread(*down)) / (2 * h), rel=1e-5, abs=1e-5)


def test_builtin_min_at_a_tie_takes_the_first_as_python_does():
    assert jt.grad(lambda x, y: min(x, y), (0, 1))(2.0, 2.0) == (1.0, 0.0)
    assert jt.grad(lambda x, y: jt.minimum(x, y), (0, 1))(2.0, 2.0) == (0.5, 0.5)


def test_sums_of_selected_items(rng):
    def f(*xs):
        positive = [x for x in xs if x > 0.0]
        return (
            builtins.sum(x * x for x in positive) / (1.0 + len(positive))
            + any(x > 1.0 for x in xs) * xs[0]
            + all(x > -3.0 for x in xs)
        )

    points = [tuple(p) for p in rng.normal(size=(80, 4)).tolist()]
    g = assert_law(f, points)
    for p in points:
        assert g(*p)[0] == pytest.approx(float(f(*p)), rel=1e-13)


def test_chained_comparisons_and_boolean_logic(rng):
    def f(x, y):
        if -1.0 < x <= 0.5 and not (y > 1.0 or x * y == 0.25):
            return x * y
        if x < y < 2.0 * x or (x > 0.0) != (y > 0.0):
            return x / (1.0 + y * y)
        return y - x

    points = [tuple(p) for p in rng.uniform(-2.0, 2.0, size=(200, 2)).tolist()] + [
        (0.5, 0.5),
        (0.5, 1.0),
        (-1.0, 0.0),
        (0.25, 1.0),
    ]
    g = assert_law(f, points)
    for p in points:
        assert g(*p)[0] == f(*p)


# -- user code of every kind --------------------------------------------------------------------------------------------


def test_recursion_in_user_code():
    def power(x, n):
        if n < 0.5:
            return x * 0.0 + 1.0
        half = power(x, jt.floor(n / 2.0))
        return half * half * x if n - 2.0 * jt.floor(n / 2.0) > 0.5 else half * half

    def quadrature(a, b, depth=0):
        middle = 0.5 * (a + b)
        whole, halves = (b - a) * jt.exp(middle), 0.5 * (b - a) * (jt.exp(0.5 * (a + middle)) + jt.exp(0.5 * (middle + b)))
        if abs(whole - halves) < 1e-4 or depth > 12:
            return halves + (halves - whole) / 3.0
        return quadrature(a, middle, depth + 1) + quadrature(middle, b, depth + 1)

    g = jt.value_and_grad(power)
    for n in range(20):
        assert g(1.5, float(n)) == pytest.approx((1.5**n, n * 1.5 ** (n - 1)), rel=1e-13)
    points = [(0.0, 0.1 * i) for i in range(1, 30)]
    h = assert_law(quadrature, points)
    for a, b in points:
        value, (da, db) = h(a, b)
        assert value == pytest.approx(math.exp(b) - math.exp(a), rel=1e-4)
        assert (da, db) == pytest.approx((-math.exp(a), math.exp(b)), rel=2e-2, abs=2e-2)


def test_exceptions_in_one_branch():
    calls = []

    def f(x):
        calls.append(1)
        y = x * x
        if x < 0.0:
            raise ValueError("negative")
        if x > 10.0:
            return y / 2.0
        return y

    g = jt.value_and_grad(f)
    assert g(3.0) == (9.0, 6.0)
    for _ in range(3):
        with pytest.raises(ValueError, match="negative"):
            g(-1.0)
        assert g(3.0) == (9.0, 6.0)
    assert g(20.0) == (200.0, 20.0)
    with pytest.raises(ValueError, match="negative"):
        g(-1.0)
    assert g.cache_info() == (2, 2, 3)
    assert len(calls) == 6
    check_tree(g)


def test_exceptions_caught_by_the_function_itself():
    def f(x):
        try:
            if x < 0.0:
                raise ValueError
            return jt.sqrt(x)
        except ValueError:
            return x * x
        finally:
            x = None

    g = assert_law(f, [(4.0,), (-3.0,), (9.0,), (-1.0,)])
    assert g(-3.0) == (9.0, (-6.0,))


def test_generators_and_early_exits():
    def f(x):
        def terms():
            term, n = x, 1.0
            while abs(term) > 1e-12:
                yield term
                n = n + 1.0
                term = term * x / n

        total = 1.0
        for term in terms():
            total = total + term
            if total > 1e6:
                break
        return total

    points = [(0.3 * i + 0.1,) for i in range(-10, 50)]
    g = assert_law(f, points)
    for (x,) in points[:40]:
        value, (gradient,) = g(x)
        assert value == pytest.approx(math.exp(x), rel=1e-8, abs=1e-10)
        assert gradient == pytest.approx(math.exp(x), rel=1e-8, abs=1e-10)


def test_every_call_is_a_record_or_a_replay():
    """Also at a point where the last bit of a function decides a branch, which is remembered as it is."""

    def fixed_point(x):
        last = None
        while last is None or abs(x - last) > 1e-16:
            last, x = x, jt.cos(x)
        return x

    g = jt.grad(fixed_point)
    points = np.linspace(-2.0, 2.0, 20).tolist()
    for _ in range(3):
        for x in points:
            g(x)
        records = g.cache_info().records
    info = g.cache_info()
    assert info.records + info.replays == 3 * len(points)
    assert info.records == records


def test_a_function_that_is_not_deterministic_is_still_answered():
    """The tree never hangs a path where its outcomes do not belong."""
    source = random.Random(6)

    def f(x):
        y = x + source.choice([-5.0, 5.0])
        return y * y if y > 0.0 else -y

    g = jt.value_and_grad(f)
    for x in (1.0, -1.0, 3.0, -7.0, 9.0, 0.5) * 5:
        value, _ = g(x)
        assert value in [(x + s) ** 2 if x + s > 0 else -(x + s) for s in (-5.0, 5.0)]
        check_tree(g)


# -- threads ------------------------------------------------------------------------------------------------------------


def test_a_point_that_both_sides_of_a_moving_threshold_refuse_is_answered():
    """Recorded as above 0.8 and as not above 0.2, a point between the two fails on either path."""
    thresholds = iter([0.8, 0.2, 0.4, 0.6])

    def f(x):
        return x * x if x > next(thresholds) else -x

    g = jt.grad(f)
    assert [g(x) for x in (0.9, 0.1, 0.5, 0.5, 0.9, 0.1)] == [1.8, -1.0, 1.0, -1.0, 1.8, -1.0]
    check_tree(g)


# -- threads ------------------------------------------------------------------------------------------------------------


def test_a_point_that_both_sides_of_a_random_threshold_refuse_is_answered(rng):
    """Recorded as below 0.2 and as above 0.8, a point between the two fails on either path."""

    def f(x, y):
        s = y
        for _ in range(3):
            s = s + x * x if x > rng.uniform() else s - x
        return s

    g = jt.grad(f)
    for x in rng.uniform(size=300):
        assert min(abs(g(x, 2.0) - (2.0 * k * x - (3 - k))) for k in range(4)) < 1e-12


def test_threads_switching_paths_of_one_function():
    g = jt.value_and_grad(three_bits, (0, 1, 2), max_paths=100)
    points = [tuple(p) for p in np.random.default_rng(7).normal(size=(60, 3)).tolist()] + list(
        itertools.product([0.5, -0.5], repeat=3)
    )
    expected = {p: jt.record(three_bits, *p, argnums=(0, 1, 2)).value_and_grad(*p) for p in points}
    barrier = threading.Barrier(5)

    def work(seed):
        order = points * 4
        random.Random(seed).shuffle(order)
        barrier.wait()
        return all(g(*p) == expected[p] for p in order)

    with ThreadPoolExecutor(5) as pool:
        assert all(pool.map(work, range(5)))
    info = g.cache_info()
    assert info.paths == 8
    assert check_tree(g) == 8


def test_threads_under_a_small_bound():
    g = jt.value_and_grad(lambda x: bisections(x, 5), max_paths=4)
    points = leaves(5)
    expected = {x: jt.record(lambda x: bisections(x, 5), x).value_and_grad(x) for x in points}

    def work(seed):
        return all(g(x) == expected[x] for x in random.Random(seed).choices(points, k=150))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jt.JitTapeWarning)
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(4)))
    assert check_tree(g) <= 4


def test_a_path_that_another_thread_drops_during_its_sweep_stays_dropped(monkeypatch):
    g = jt.value_and_grad(lambda x: bisections(x, 2), max_paths=2)
    a, b, c, d = leaves(2)
    expected = [g(x) for x in (a, b)]
    original, meanwhile = Program.sweep, [c, d]

    def sweep(program, *args, **kwargs):
        swept = original(program, *args, **kwargs)
        if swept[0] == DONE and meanwhile:  # what another thread would do now: a and b go
            x = meanwhile.pop()
            g(x)
        return swept

    monkeypatch.setattr(Program, "sweep", sweep)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jt.JitTapeWarning)
        assert g(a) == expected[0]
    monkeypatch.undo()
    assert check_tree(g) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jt.JitTapeWarning)
        assert [g(x) for x in (a, b)] == expected
    assert check_tree(g) == 2


def test_clearing_while_others_call():
    g = jt.value_and_grad(lambda x: bisections(x, 3))
    expected = {x: jt.record(lambda x: bisections(x, 3), x).value_and_grad(x) for x in leaves(3)}
    done = threading.Event()

    def clear():
        while not done.is_set():
            g.clear_cache()

    thread = threading.Thread(target=clear)
    thread.start()
    try:
        assert all(g(x) == expected[x] for x in leaves(3) * 40)
    finally:
        done.set()
        thread.join()


# -- explicit programs --------------------------------------------------------------------------------------------------


def line_of(f, offset):
    return f.__code__.co_firstlineno + offset


def test_branch_changed_says_where_and_why():
    def f(x, y):
        if x * 2.0 < y:
            return x
        return y

    program = jt.record(f, 1.0, 3.0, argnums=(0, 1))
    with pytest.raises(jt.BranchChanged) as caught:
        program.value_and_grad(2.5, 3.5)
    text = str(caught.value)
    assert "5.0 < y (= 3.5)" in text
    assert "True when recorded and is False now" in text
    assert f"{__file__}:{line_of(f, 1)}" in text
    assert "f would take another branch" in text
    assert "jt.grad" in text
    assert isinstance(caught.value, RuntimeError)


def test_branch_changed_leaves_everything_as_it_was():
    program = jt.record(three_bits, 1.0, 2.0, 3.0, argnums=(0, 1, 2))
    expected = program.value_and_grad(1.0, 2.0, 3.0)
    before = pickle.dumps(program.tape)
    for bad in [(-1.0, 2.0, 3.0), (1.0, -2.0, 3.0), (1.0, 2.0, -3.0), (math.nan, 1.0, 1.0)]:
        for call in (program, program.value_and_grad, program.grad):
            with pytest.raises(jt.BranchChanged):
                call(*bad)
    assert program.value_and_grad(1.0, 2.0, 3.0) == expected
    assert pickle.dumps(program.tape) == before


@pytest.mark.parametrize(
    ("f", "recorded", "other"),
    [
        # an input, at and beyond a bound
        (lambda x: jt.sin(x) if x < 1.0 else jt.cos(x), 0.5, 1.0),
        (lambda x: jt.sin(x) if x != 2.0 else jt.cos(x), 0.5, 2.0),
        (lambda x: jt.sin(x) if x else jt.cos(x), 1.0, 0.0),
        # truth values
        (lambda x: jt.sin(x) if (x < 1.0) & (x < 2.0) else jt.cos(x), 0.5, 5.0),
        (lambda x: jt.sin(x) if (x < 1.0) | (x < 2.0) else jt.cos(x), 0.5, 5.0),
        (lambda x: jt.sin(x) if (x < 1.0) ^ (x < 2.0) else jt.cos(x), 1.5, 5.0),
        (lambda x: jt.sin(x) if ~(x < 1.0) else jt.cos(x), 1.5, 0.5),
        (lambda x: jt.sin(x) if np.isfinite(x) else 0.0 * x, 1.5, math.inf),
        # an operation that the kernels round differently, exactly on the bound: the singularity that the branch is there for
        (lambda x: x / (jt.exp(x) - 1.0) if jt.exp(x) != 1.0 else jt.cos(x), 1.0, 0.0),
        (lambda x: jt.sin(x) / x if jt.sin(x) else jt.cos(x), 1.0, 0.0),
        (lambda x: x if jt.floor(jt.exp(x)) < 1.0 else -x, -1.0, 0.5),
        (lambda x: x if x % 1.0 == 0.0 else jt.exp(x), 4.0, 3.5),
        (lambda x: x if jt.where(jt.sin(x) < 2.0, x, 0.0) < 1.0 else -x, 0.5, 1.0),
    ],
)
def test_no_guard_is_forgiven_at_another_point(f, recorded, other):
    for a, b in ((recorded, other), (other, recorded)):
        program = jt.record(f, a)
        for call in (program, program.value_and_grad, lambda x, p=program: p.bind(x, out=np.zeros(1))()):
            with pytest.raises(jt.BranchChanged):
                call(b)
        assert identical(program.value_and_grad(a), jt.value_and_grad(f)(a))


def test_no_mask_is_forgiven_at_another_point():
    for f in (
        lambda x: jt.sin(x).sum() if (x < 1.0).any() else jt.cos(x).sum(),
        lambda x: jt.sin(x[x < 1.0]).sum() + jt.cos(x).sum(),
        lambda x: jt.sin(x).sum() if (x < 1.0).all() else jt.cos(x).sum(),
    ):
        program = jt.record(f, np.array([0.5, 0.25]))
        with pytest.raises(jt.BranchChanged):
            program(np.array([5.0, 2.0]))


def test_a_program_answers_at_the_point_it_was_recorded_at(rng):
    """Where a loop runs until the last bit stands still, the kernels may need another number of steps than recording did."""

    def fixed_point(x):
        last = None
        while last is None or abs(x - last) > 1e-16:
            last, x = x, jt.cos(x)
        return x

    for x in rng.normal(size=50).tolist():
        program, gradient = jt.record(fixed_point, x), np.zeros(1)
        value, slope = program.value_and_grad(x)
        assert value == pytest.approx(0.7390851332151607, rel=1e-15)
        assert program(x) == program.bind(x, out=gradient)() == value
        assert (value, slope) == jt.value_and_grad(fixed_point)(x)
        assert gradient[0] == slope


def test_branch_changed_after_a_pickle_still_names_the_line():
    def f(x):
        return x if x > 0.0 else -x

    program = pickle.loads(pickle.dumps(jt.record(f, 1.0)))
    with pytest.raises(jt.BranchChanged, match=f":{line_of(f, 1)}"):
        program(-1.0)


def test_guards_list_their_margins():
    def f(x, y):
        total = 0.0
        if x < y:
            total = total + x
        if not x:
            total = total + y
        if jt.isnan(y):
            total = total + 1.0
        return total + x

    program = jt.record(f, 1.0, 3.5)
    first, second, third = program.guards
    assert (first.comparison, first.outcome, first.margin) == ("x (= 1.0) < y (= 3.5)", True, 2.5)
    assert first.line == (__file__, line_of(f, 2))
    assert (second.outcome, second.margin) == (True, 1.0)
    assert third.outcome is False
    assert "isnan(y" in third.comparison
    assert third.line == (__file__, line_of(f, 6))
    assert jt.record(lambda x: x, 1.0).guards == []


def test_margins_of_infinities():
    reports = (
        jt.record(lambda x, y: min(x, y), math.inf, math.inf).guards + jt.record(lambda x, y: min(x, y), 1.0, math.inf).guards
    )
    assert [report.margin for report in reports] == [0.0, math.inf]


def test_margins_of_combined_conditions():
    program = jt.record(lambda x: x if (x > 1.0) & (x < 5.0) else 0.0, 3.0)
    (guard,) = program.guards
    assert guard.outcome is True
    assert "logical_and" in guard.comparison


def test_a_replay_past_the_failing_guard_is_never_returned():
    """What is computed behind a wrong branch may be NaN or infinite; nobody sees it."""
    program = jt.record(lambda x: jt.log(x) if x > 0.0 else x, 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(jt.BranchChanged):
            program.value_and_grad(-1.0)
        assert jt.value_and_grad(lambda x: jt.log(x) if x > 0.0 else x)(-1.0) == (-1.0, 1.0)


# -- forms that stay operations -----------------------------------------------------------------------------------------


def test_the_side_not_taken_cannot_leak():
    g = jt.value_and_grad(lambda x: jt.where(x > 0.0, jt.log(x), 0.0))
    assert g(0.0) == (0.0, 0.0)
    assert g(-1.0) == (0.0, 0.0)
    assert g(math.e) == pytest.approx((1.0, 1.0 / math.e))
    h = jt.value_and_grad(lambda x: jt.where(x == 0.0, 0.0, jt.sqrt(x)))
    assert h(0.0) == (0.0, 0.0)
    assert h(4.0) == (2.0, 0.25)
    k = jt.value_and_grad(lambda x: jt.where(x > 0.0, x, jt.exp(x * -1e6)))
    assert k(5.0) == (5.0, 1.0)
    assert {t.cache_info().paths for t in (g, h, k)} == {1}


def test_an_infinite_adjoint_does_not_cross_a_switch():
    """sqrt'(0) is infinite: times the zero partial of the side not taken that would be NaN."""
    g = jt.value_and_grad(lambda x, y: jt.sqrt(jt.where(x > 1.0, x, y)), (0, 1))
    assert g(0.5, 0.0) == (0.0, (0.0, math.inf))
    assert jt.grad(lambda x, y: jt.sqrt(jt.maximum(x, y)), (0, 1))(-1.0, 0.0) == (0.0, math.inf)
    assert jt.grad(lambda x: jt.sqrt(jt.clip(x, 0.0, 1.0)))(-1.0) == 0.0
    assert jt.grad(lambda x: jt.sqrt(jt.relu(x)))(-1.0) == 0.0


def test_kinks_without_a_guard():
    for f, expected in [
        (lambda x: abs(x), 0.0),
        (lambda x: jt.maximum(x, 0.0), 0.5),
        (lambda x: jt.minimum(x, x), 1.0),
        (lambda x: jt.clip(x, 0.0, 1.0), 0.0),
        (lambda x: jt.relu(x), 0.0),
        (lambda x: jt.sign(x), 0.0),
        (lambda x: jt.floor(x), 0.0),
    ]:
        g = jt.grad(f)
        assert g(0.0) == expected
        g(1.5), g(-1.5)
        assert g.cache_info().paths == 1


# -- truth values as plain numbers ------------------------------------------------------------------------------------------------


def as_filled(x):
    out = np.zeros(x.shape)
    out[:] = x > 1.0
    return np.sum(out * x)


TABLE = np.array([1.0, 10.0])
AS_NUMBERS = {
    "int": lambda x: x[0] * int(x[0] > 1.0),
    "float": lambda x: x[0] ** (1.0 + float(x[0] > 1.0)),
    "index of a list": lambda x: (lambda a, b: [a, b * 3.0][int(a > 1.0)])(*x.tolist()),
    "range": lambda x: sum((x[1] for _ in range(int(x[0] > 1.0))), x[0]),
    "key of a dict": lambda x: {True: x[0], False: x[1] * 3.0}[x[0] > 1.0],
    "key that may be missing": lambda x: {1: x[0]}.get(x[0] > 1.0, x[1]),
    "in a set": lambda x: x[0] if (x[0] > 1.0) in {True} else x[1],
    "counted": lambda x: x[0] * collections.Counter([x[0] > 1.0, x[1] > 1.0])[True],
    "a mask of a plain array": lambda x: np.sum(TABLE[x > 1.0]) * x[0] + np.sum(TABLE[x[0] > 1.0]) * x[1],
    "np.asarray": lambda x: np.sum(np.asarray(x > 1.0) * x),
    "np.array of several": lambda x: np.array([x[0] > 1.0, x[1] > 1.0], float) @ x[:2],
    "a plain array filled": as_filled,
}


@pytest.mark.parametrize("f", AS_NUMBERS.values(), ids=AS_NUMBERS)
def test_a_comparison_as_a_plain_number_is_a_guard(f):
    g = jt.value_and_grad(f)
    for point in ([0.5, 2.0], [1.5, 2.0], [0.25, 3.0], [3.0, 2.5], [0.5, 0.5]):
        x = np.array(point)
        value, gradient = g(x)
        assert value == pytest.approx(f(x), rel=1e-15)
        numeric = [(f(x + h) - f(x - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-7)
    assert g.cache_info().records < 5
    x = jt.var(2.0)
    assert (int(x > 1.0), float(x > 3.0)) == (1, 0.0)
    with pytest.raises(TypeError, match="int"):
        jt.grad(lambda x: [x, x * x][x > 1.0])(2.0)
