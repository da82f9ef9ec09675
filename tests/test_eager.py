"""The eager layer: the lesson's interface, gradients that are never cut, and a tape that forgets only what nobody can reach."""

import builtins
import copy
import gc
import itertools
import math
import os
import pickle
import random
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jittape as jt
from jittape import eager, formulas
from jittape.eager import EagerRecording
from jittape.errors import TapeMismatchError, TapeThreadError
from jittape.ops import CODE, OPS

pytestmark = pytest.mark.usefixtures("operators")


@pytest.fixture(autouse=True)
def own_recording(monkeypatch):
    """Each test starts with an empty tape."""
    monkeypatch.setattr(eager._local, "recording", None)


@pytest.fixture
def forgetful(monkeypatch):
    """The tape looks for what it can forget after every single operation."""

    def appended(self, var):
        self._collect()

    monkeypatch.setattr(EagerRecording, "appended", appended)


# -- the lesson ---------------------------------------------------------------------------------------------------------


def test_the_lesson():
    scope = {}
    exec(
        "from jittape import *\n"
        "x = var(3)\n"
        "y = var(1)\n"
        "Y = sin(x) + x * y\n"
        "value = Y.value\n"
        "Y.backprop()\n"
        "loss = -1 * (sum(k * log(k) for k in [x, y]) + 0) / len([x, y])\n",
        scope,
    )
    assert scope["value"] == 3.1411200080598674
    assert scope["x"].sensitivity == 0.010007503399554585
    assert scope["y"].sensitivity == 3.0
    assert scope["loss"].value == pytest.approx(-1.5 * math.log(3.0))


def test_the_star_import_shadows_no_builtin():
    shadowed = set(jt.__all__) & set(dir(builtins))
    assert not shadowed


def test_the_tape_prints():
    x, y = jt.var(3.0, name="x"), jt.var(1.0, name="y")
    Y = jt.sin(x) + x * y
    assert [OPS[code].name for code in Y.tape.op] == ["sin", "multiply", "add"]
    text = str(Y.tape)
    for line in ("sin(x)", "x * y", "3.14112"):
        assert line in text
    assert Y.tape.outputs.tolist() == [len(Y.tape.val) - 1]
    assert pickle.loads(pickle.dumps(Y.tape)).val.tolist() == Y.tape.val.tolist()


def test_a_tape_holds_what_its_value_was_computed_from_and_no_more():
    x, y, z = jt.var(3.0), jt.var(1.0), jt.var(2.0)
    unrelated = jt.exp(z) * z
    Y = x * y
    assert len(Y.tape) == 1
    assert Y.tape.n_inputs == 2
    assert len(unrelated.tape) == 2
    assert len(x.tape) == 0


def test_softmax_regression_in_a_few_lines():
    X, labels = [[1.0, 0.5], [0.2, -1.0], [-1.0, 1.5]], [0, 1, 2]
    w = [[jt.var(0) for _ in range(2)] for _ in range(3)]
    losses = []
    for _ in range(40):
        loss = 0
        for x, label in zip(X, labels, strict=True):
            z = [jt.exp(sum(a * b for a, b in zip(row, x, strict=True))) for row in w]
            loss = loss - jt.log(z[label] / sum(z))
        loss = loss / len(X)
        loss.backprop()
        losses.append(loss.value)
        for row in w:
            for j in range(2):
                row[j] -= 0.5 * row[j].sensitivity
    assert losses[0] == pytest.approx(math.log(3.0))
    assert losses[-1] < 0.2
    assert losses == sorted(losses, reverse=True)


# -- backprop -----------------------------------------------------------------------------------------------------------


def test_a_second_backprop_gives_the_same_numbers():
    x, y = jt.var(3.0), jt.var(1.0)
    Y = jt.sin(x) + x * y
    answers = []
    for _ in range(3):
        Y.backprop()
        answers.append((x.sensitivity, y.sensitivity, Y.sensitivity))
    assert answers == [(0.010007503399554585, 3.0, 1.0)] * 3


def test_the_gradient_is_never_cut():
    x, y = jt.var(3.0), jt.var(2.0)
    Y = x * y
    Y.backprop()
    assert x.sensitivity == 2.0
    Z = Y * x
    Z.backprop()
    assert (x.sensitivity, y.sensitivity, Y.sensitivity) == (12.0, 9.0, 3.0)
    Y.backprop()
    assert (x.sensitivity, y.sensitivity, Z.sensitivity) == (2.0, 3.0, 0.0)


def test_backprop_from_different_results():
    x = jt.var(2.0)
    a, b = x * x, jt.exp(x)
    a.backprop()
    assert (x.sensitivity, a.sensitivity, b.sensitivity) == (4.0, 1.0, 0.0)
    b.backprop()
    assert (x.sensitivity, a.sensitivity, b.sensitivity) == (math.exp(2.0), 0.0, 1.0)
    x.backprop()
    assert (x.sensitivity, a.sensitivity, b.sensitivity) == (1.0, 0.0, 0.0)


def test_sensitivities_before_and_beside_a_backprop():
    x, y = jt.var(2.0), jt.var(3.0)
    assert x.sensitivity == 0.0
    (x * x).backprop()
    assert y.sensitivity == 0.0
    z = jt.var(1.0)
    assert z.sensitivity == 0.0


def test_intermediate_sensitivities():
    x = jt.var(2.0)
    a = x * x
    b = jt.sin(a)
    c = a * b
    c.backprop()
    assert b.sensitivity == 4.0
    assert a.sensitivity == pytest.approx(math.sin(4.0) + 4.0 * math.cos(4.0))
    assert x.sensitivity == pytest.approx(4.0 * (math.sin(4.0) + 4.0 * math.cos(4.0)))


def test_the_same_variable_on_both_sides():
    x = jt.var(3.0)
    for y, expected in (
        (x * x, 6.0),
        (x + x, 2.0),
        (x - x, 0.0),
        (x / x, 0.0),
        (jt.maximum(x, x), 1.0),
        (jt.hypot(x, x), math.sqrt(2.0)),
    ):
        y.backprop()
        assert x.sensitivity == pytest.approx(expected, abs=1e-15)


def test_branches_and_numpy_scalars():
    x = jt.var(-2.0)
    y = x * x if x > 0 else -x * 3
    y.backprop()
    assert (y.value, x.sensitivity) == (6.0, -3.0)
    assert sorted([jt.var(3.0), jt.var(1.0)])[0].value == 1.0
    assert bool(jt.var(0.0)) is False
    assert max(x, 1.0) == 1.0


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_operation_against_the_reference(op):
    code = CODE[op.name]
    point = [low + 0.3 * (high - low) for low, high in op.near]
    xs = [jt.var(x) for x in point]
    y = jt.tracer.apply(code, *xs)
    y.backprop()
    x2 = (*point, 0.0)[:2]
    assert y.value == pytest.approx(formulas.value(code, *x2), rel=1e-15)
    assert [x.sensitivity for x in xs] == pytest.approx(list(formulas.partials(code, *x2, y.value)), rel=1e-14)


def test_zero_adjoints_meet_infinite_partials():
    x = jt.var(0.0)
    y = jt.where(x > 0.0, jt.log(x), 1.0)
    y.backprop()
    assert (y.value, x.sensitivity) == (1.0, 0.0)
    z = 0.0 * jt.sqrt(x)
    z.backprop()
    assert x.sensitivity == 0.0
    jt.sqrt(x).backprop()
    assert x.sensitivity == math.inf


# -- aliases and assignment ---------------------------------------------------------------------------------------------


def test_aliases():
    x = jt.var(3.0)
    y = x * x
    y.backward()
    assert (x.grad, x.data, y.data) == (6.0, 3.0, 9.0)
    x.grad = 0.0
    assert x.sensitivity == 0.0
    x.sensitivity = 5.0
    assert x.grad == 5.0
    y.backward()
    assert x.grad == 6.0
    x.data = 4.0
    assert x.value == 4.0


def test_assignment_makes_a_new_point_and_leaves_results_alone():
    x = jt.var(3.0, name="x")
    y = x * x
    y.backprop()
    x.value = 5.0
    assert x.sensitivity == 6.0
    assert x.name == "x"
    assert y.value == 9.0
    z = x * x
    z.backprop()
    assert (z.value, x.sensitivity) == (25.0, 10.0)
    y.backprop()
    assert x.sensitivity == 0.0


def test_training_by_assignment():
    w = jt.var(0.0)
    for _ in range(100):
        loss = (w - 3.0) ** 2
        loss.backward()
        w.data -= 0.1 * w.grad
        w.grad = 0.0
    assert w.value == pytest.approx(3.0, abs=1e-8)


def test_only_variables_can_be_assigned():
    x = jt.var(3.0)
    y = x * x
    with pytest.raises(TypeError, match="computed from others"):
        y.value = 1.0
    for bad in ("4", None, 1j, x):
        with pytest.raises(TypeError):
            x.value = bad
        with pytest.raises(TypeError):
            x.sensitivity = bad
    assert x.value == 3.0


@pytest.mark.parametrize("value", [3, 3.0, True, np.float32(3.0), np.int8(3), np.float64(3.0), np.True_])
def test_variables_of_every_kind_of_number(value):
    x = jt.var(value)
    assert type(x.value) is float
    assert x.value == float(value)


@pytest.mark.parametrize("bad", ["3", None, 1j, [1.0], np.ones(3), object()], ids=repr)
def test_variables_of_no_number(bad):
    with pytest.raises(TypeError):
        jt.var(bad)
    with pytest.raises(TypeError):
        jt.var(jt.var(1.0))


@pytest.mark.parametrize("name", [3, ("w", 0), b"w", True], ids=repr)
def test_names_are_strings(name):
    with pytest.raises(TypeError, match="name is .*; it must be a string"):
        jt.var(1.0, name=name)


def test_nan_and_infinity():
    x = jt.var(math.nan)
    y = x * 2.0
    y.backprop()
    assert math.isnan(y.value)
    assert x.sensitivity == 2.0
    assert (jt.var(math.inf) * 0.0).value != 0.0


def test_backprop_of_an_array_needs_one_element():
    x = jt.var(3.0)
    (jt.array([x, 1.0])[:1] ** 2).backprop()
    assert x.sensitivity == 6.0
    with pytest.raises(TypeError, match=r"shape \(2,\)"):
        jt.array([x, x]).backward()


def test_variables_are_not_pickled_or_copied():
    x = jt.var(1.0)
    for use in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"\.value"):
            use(x)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(x.rec)


# -- threads ------------------------------------------------------------------------------------------------------------


def in_thread(function):
    out = []

    def run():
        try:
            out.append(function())
        except Exception as error:
            out.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return out[0]


def test_every_thread_has_its_own_tape(jit):
    def train(k):
        w = jt.var(0.0)
        for _ in range(300 if jit else 20):
            loss = (w - k) * (w - k) + jt.sin(w) * 0.01
            loss.backprop()
            w -= 0.1 * w.sensitivity
        return w.value

    expected = [train(k) for k in range(4)]
    results = [None] * 4

    def run(k):
        results[k] = train(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == expected


def test_variables_of_two_threads_do_not_mix():
    x = jt.var(3.0)
    y = in_thread(lambda: jt.var(2.0))
    assert y.value == 2.0
    with pytest.raises(TapeMismatchError, match="MainThread"):
        x * y
    before = len(x.rec)
    for use in (lambda: x + 1.0, lambda: jt.sin(x), lambda: x.backprop(), lambda: setattr(x, "value", 1.0)):
        assert isinstance(in_thread(use), TapeThreadError)
    assert len(x.rec) == before
    # reading is free
    (x * x).backprop()
    assert in_thread(lambda: (x.value, x.sensitivity)) == (3.0, 6.0)


def test_a_new_process_answers_the_lesson():
    code = "from jittape import *; x = var(3); Y = sin(x) + x * var(1); Y.backprop(); print(x.sensitivity)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("0.010007503399554585\n", 0), done.stderr


# -- steady memory ------------------------------------------------------------------------------------------------------


def sizes(rec):
    return max(map(len, (rec, *rec.settle(), rec.vars, rec.constants, rec.names.single, rec.adjoints, rec.assigned)))


@pytest.mark.parametrize("style", ["replace", "assign"])
def test_thousands_of_epochs_in_steady_memory(style, jit, monkeypatch):
    monkeypatch.setattr(eager, "_PATIENCE", 20_000 if jit else 500)
    w, b = jt.var(0.5, name="w"), jt.var(0.0)
    data = [(0.1 * i, 0.3 * i - 1.0) for i in range(10)]
    peaks = []
    for epoch in range(3000 if jit else 200):
        loss = 0.0
        for x, y in data:
            e = w * x + b - y
            loss = loss + e * e
        loss.backprop()
        if style == "replace":
            w -= 0.01 * w.sensitivity
            b -= 0.01 * b.sensitivity
        else:
            w.value -= 0.01 * w.sensitivity
            b.value -= 0.01 * b.sensitivity
        if epoch % 10 == 9:
            peaks.append(sizes(w.rec))
    assert w.value == pytest.approx(3.0, abs=1e-3 if jit else 1.0)
    assert max(peaks) < 3 * eager._PATIENCE
    w.rec._collect()
    assert sizes(w.rec) < 150


def test_epochs_over_arrays_in_steady_memory(jit, monkeypatch):
    """An array adds a hundred rows and one object, so rows count too; a backprop is when none of them is in use."""
    monkeypatch.setattr(eager, "_PATIENCE", 5_000 if jit else 1_000)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    y = X @ np.array([1.0, -2.0, 3.0])
    w = [jt.var(0.0, name=f"w{k}") for k in range(3)]
    rec, peaks = w[0].rec, []
    rec._collect()
    for epoch in range(200 if jit else 30):
        r = X @ jt.array(w) - y
        loss = np.sum(r * r) / 20
        loss.backprop()
        expected = 2 * X.T @ r.value / 20
        np.testing.assert_allclose([v.sensitivity for v in w], expected, rtol=1e-9, atol=1e-12)
        for v in w:
            v.value -= 0.1 * v.sensitivity
        if epoch % 5 == 4:
            peaks.append(sizes(rec))
    assert max(peaks) < 3 * eager._PATIENCE
    if jit:
        assert [v.value for v in w] == pytest.approx([1.0, -2.0, 3.0], abs=1e-6)


def test_nothing_is_kept_for_variables_that_are_gone():
    x = jt.var(1.0)
    rec = x.rec
    for i in range(100):
        jt.exp(x * i) + jt.var(2.0, name=f"v{i}")
    rec._collect()
    assert len(rec) == 2
    assert len(rec.vars) == 1
    assert rec.constants == {}
    del x
    rec._collect()
    assert len(rec) == 1
    assert rec.vars == []


def test_cycles_are_forgotten_with_the_garbage_collector():
    x = jt.var(1.0)
    for _ in range(50):
        holder = {"y": x * 2.0}
        holder["self"] = holder
    del holder
    gc.collect()
    x.rec._collect()
    assert len(x.rec) == 2


def test_collecting_keeps_what_is_on_the_way_between_living_variables():
    x = jt.var(2.0)
    y = jt.sin(jt.exp(x * x) * 0.01)
    expected = y.value
    y.backprop()
    sensitivity = x.sensitivity
    x.rec._collect()
    assert len(x.rec) == 7
    assert (x.value, y.value, x.sensitivity, y.sensitivity) == (2.0, expected, sensitivity, 1.0)
    y.backprop()
    assert x.sensitivity == sensitivity
    assert len(y.tape) == 4
    del x
    y.rec._collect()
    assert len(y.rec) == 2
    y.backprop()
    assert y.sensitivity == 1.0


def test_names_and_assigned_sensitivities_survive_collection():
    junk = [jt.var(0.0) for _ in range(10)]
    x = jt.var(2.0, name="x")
    y = x * x
    y.backprop()
    x.value = 3.0
    y.sensitivity = 7.0
    del junk
    x.rec._collect()
    assert (x.name, x.value, x.sensitivity, y.sensitivity) == ("x", 3.0, 4.0, 7.0)
    z = x * y
    z.backprop()
    assert (x.sensitivity, y.sensitivity) == (4.0, 3.0)


def test_expressions_with_collection_at_every_step(forgetful):
    """Temporaries that only the interpreter holds are alive."""
    x, y = jt.var(1.5), jt.var(-0.5)

    def f(x, y):
        parts = [jt.sin(x) * jt.cos(y) - (x + y) / (2.0 + x * x), jt.where(x > y, jt.log(x), y) ** 2, jt.clip(x * y, -1.0, 1.0)]
        total = jt.logsumexp(parts) + jt.norm([x, y, 2.0]) * jt.prod([x, y])
        return total + sum(a * b for a, b in zip(parts, reversed(parts), strict=True)) + jt.hypot(x, 3) // 1 + 2**y

    z = f(x, y)
    z.backprop()
    value, gradient = jt.record(f, 1.5, -0.5, argnums=(0, 1)).value_and_grad(1.5, -0.5)
    assert z.value == pytest.approx(value, rel=1e-14)
    assert (x.sensitivity, y.sensitivity) == pytest.approx(gradient, rel=1e-13)


# -- random lives of variables ------------------------------------------------------------------------------------------


class Remembers:
    """A pure-Python tape that never forgets: the oracle."""

    def __init__(self):
        self.value, self.parents, self.adjoint = [], [], {}

    def add(self, value, parents=()):
        self.value.append(value)
        self.parents.append(tuple(parents))
        return len(self.value) - 1

    def apply(self, name, *operands):
        """Operands are nodes (int) or constants (float)."""
        code = CODE[name]
        xs = [self.value[o] if isinstance(o, int) else o for o in operands]
        x, y = (*xs, 0.0)[:2]
        v = formulas.value(code, x, y)
        partials = formulas.partials(code, x, y, v)
        return self.add(v, [(o, p) for o, p in zip(operands, partials, strict=False) if isinstance(o, int)])

    def backprop(self, node):
        self.adjoint = {node: 1.0}
        for i in range(node, -1, -1):
            s = self.adjoint.get(i, 0.0)
            if s != 0.0:
                for parent, partial in self.parents[i]:
                    self.adjoint[parent] = self.adjoint.get(parent, 0.0) + s * partial


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["var", "apply", "apply", "apply", "apply", "constant", "drop", "drop", "backprop", "collect", "assign", "alias"]
        ),
        st.sampled_from(["add", "subtract", "multiply", "negative", "sin", "tanh", "maximum", "hypot", "expit"]),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.floats(-2.0, 2.0).map(lambda x: round(x, 3)),
    ),
    max_size=80,
)


def live(steps):
    oracle, alive, kept = Remembers(), [], []

    def create(x):
        alive.append([jt.var(x), oracle.add(float(x)), True])

    create(1.25)
    for kind, name, i, j, x in steps:
        if not alive:
            create(x)
        left, right = alive[i % len(alive)], alive[j % len(alive)]
        function = getattr(jt, name)
        unary = OPS[CODE[name]].arity == 1
        if kind == "var":
            create(x)
        elif kind == "apply":
            operands = [left] if unary else [left, right]
            alive.append([function(*(v[0] for v in operands)), oracle.apply(name, *(v[1] for v in operands)), False])
        elif kind == "constant" and not unary:
            operands = (left[0], x) if j % 2 else (x, left[0])
            nodes = (left[1], x) if j % 2 else (x, left[1])
            alive.append([function(*operands), oracle.apply(name, *nodes), False])
        elif kind == "drop":
            alive.pop(i % len(alive))
        elif kind == "alias":
            kept.append(left[0])  # a second reference, dropped at the end
        elif kind == "collect":
            left[0].rec._collect()
        elif kind == "assign" and left[2] and sum(v[0] is left[0] for v in alive) == 1:
            old = oracle.adjoint.get(left[1], 0.0)
            left[0].value = x
            left[1] = oracle.add(x)
            oracle.adjoint[left[1]] = old
        elif kind == "backprop":
            left[0].backprop()
            oracle.backprop(left[1])
        del left, right  # only `alive` and `kept` hold variables
        for variable, node, _ in alive:
            assert variable.v == pytest.approx(oracle.value[node], rel=1e-13)
            assert variable.sensitivity == pytest.approx(oracle.adjoint.get(node, 0.0), rel=1e-9, abs=1e-12)
        variable = None
    while alive:
        alive[-1][0].backprop()
        oracle.backprop(alive[-1][1])
        for variable, node, _ in alive:
            assert variable.sensitivity == pytest.approx(oracle.adjoint.get(node, 0.0), rel=1e-9, abs=1e-12)
        variable = None
        alive.pop(random.Random(len(alive)).randrange(len(alive)))


@given(STEPS)
def test_random_lives_of_variables(steps):
    eager._local.recording = None
    live(steps)


@given(STEPS)
def test_random_lives_with_collection_at_every_step(steps):
    eager._local.recording = None
    original = EagerRecording.appended
    EagerRecording.appended = lambda self, var: self._collect()
    try:
        live(steps)
    finally:
        EagerRecording.appended = original


@given(STEPS)
def test_a_forgetful_tape_holds_no_more_than_it_needs(steps):
    """After a collection every row is a leaf with a living variable, or on a way between two of them."""
    eager._local.recording = None
    alive = [jt.var(1.0)]
    rec = alive[0].rec
    for kind, name, i, j, x in steps:
        if kind == "var" or not alive:
            alive.append(jt.var(x))
        elif kind == "apply":
            operands = [alive[i % len(alive)], alive[j % len(alive)]][: OPS[CODE[name]].arity]
            alive.append(getattr(jt, name)(*operands))
            operands = None
        elif kind == "drop":
            alive.pop(i % len(alive))
    rec._collect()
    _, a, b, _ = rec.columns()
    above = set()  # rows that lead to a living variable
    living = {v.row for v in alive}
    for row in range(len(rec) - 1, 0, -1):
        if row in living or row in above:
            above |= {a[row], b[row]}
        assert row in living or row in above
    assert len(rec.vars) == len(alive)


def test_variables_outlive_an_operation_that_was_interrupted_halfway():
    x = jt.var(2.0)
    y = x * x
    x.rec.n += 1  # what an interrupt before the row was written would leave
    z = y * x
    z.backprop()
    assert x.sensitivity == 12.0
    x.rec._collect()
    (z * y).backprop()
    assert x.sensitivity == 80.0


def busy():
    """What a finalizer or a signal handler may do: so much that rows out of reach are dropped."""
    m = jt.var(0.0)
    for _ in range(3 * eager._PATIENCE):
        m = m + 1.0
    m.backprop()


OPERATIONS = {
    "sin": (lambda x, z: jt.sin(x), math.cos(0.5)),
    "abs": (lambda x, z: abs(x), 1.0),
    "+": (lambda x, z: x + z, 1.0),
    "*": (lambda x, z: 7.25 * x, 7.25),
    "%": (lambda x, z: x % 2.0, 1.0),
    "**": (lambda x, z: x**2.7, 2.7 * 0.5**1.7),
    "maximum": (lambda x, z: jt.maximum(x, z), 1.0),
    "where": (lambda x, z: jt.where(x > z, x, z), 1.0),
    "array": (lambda x, z: jt.sum(jt.array([x, z]) * 3.0), 3.0),
    "norm": (lambda x, z: np.sqrt(np.dot(np.array([x, z]), [x, z])), 0.5 / math.hypot(0.5, 0.25)),
    "assigned": (lambda x, z: (setattr(x, "value", 0.5), x * 2.0)[1], 2.0),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_rows_stay_while_a_finalizer_comes_between(name, operators):
    """Those of an operation that is halfway: the collector called it where the operation had read their numbers."""
    f, slope = OPERATIONS[name]

    class Garbage:
        def __init__(self):
            self.me = self

        def __del__(self):
            busy()

    old = gc.get_threshold()
    for k in range(20):
        x, z, trash = jt.var(0.5), jt.var(0.25), [jt.var(1.0) for _ in range(k % 11)]
        Garbage()
        gc.set_threshold(1 + k % 7)
        try:
            y = f(x, z)
        finally:
            gc.set_threshold(*old)
        y.backprop()
        assert x.sensitivity == pytest.approx(slope, rel=1e-15) and len(trash) == k % 11


@pytest.mark.parametrize("name", OPERATIONS)
def test_rows_stay_while_a_signal_comes_between(name, operators):
    f, slope = OPERATIONS[name]
    ours = os.path.dirname(jt.__file__)
    # between their lines nothing comes: there is no call
    whole = {"push", "append", "extend", "settle", "_cut"}
    for n in range(0, 60, 3):
        x, z = jt.var(0.5), jt.var(0.25)
        lines = itertools.count()

        def at_line(frame, event, _, lines=lines, n=n):
            if event == "line" and next(lines) == n:
                sys.settrace(None)
                busy()
            return at_line

        def at_call(frame, event, _, at_line=at_line):
            of_ours = frame.f_code.co_filename.startswith(ours) and frame.f_code.co_name not in whole
            return at_line if of_ours else None

        tracing = sys.gettrace()
        sys.settrace(at_call)
        try:
            y = f(x, z)
        finally:
            sys.settrace(tracing)
        y.backprop()
        assert x.sensitivity == pytest.approx(slope, rel=1e-15)
    assert next(lines) > 0 or name in "+*"


def test_what_was_not_dropped_then_is_dropped_later():
    """Memory is steady after rows had to stay."""

    class Garbage:
        def __init__(self):
            self.me = self

        def __del__(self):
            busy()

    for _ in range(5):
        Garbage()
        gc.collect()
    x = jt.var(0.5)
    for _ in range(20 * eager._PATIENCE):
        y = jt.sin(x)
    assert len(x.rec) < 8 * eager._PATIENCE and y.value == math.sin(0.5)


def interrupted(action, n):
    """Whether an interrupt arrived at the n-th line that the tape of eager variables executes for an action, and not later."""
    left = n

    def at_line(frame, event, _):
        nonlocal left
        if event == "line":
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
            left -= 1
        return at_line

    files = {sys.modules[m].__file__ for m in ("jittape.eager", "jittape.recording")}
    tracing = sys.gettrace()
    sys.settrace(lambda frame, event, _: at_line if frame.f_code.co_filename in files else None)
    try:
        action()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(tracing)
    return False


def weighted(x, y, w):
    return jt.sin(x) * y + np.sum(w * x) * 3.0


ACTIONS = {
    "moving rows": lambda x, y, w, z: x.rec.settle(),
    "forgetting": lambda x, y, w, z: x.rec._collect(),
    "an array's operation": lambda x, y, w, z: w * w,
    "backprop": lambda x, y, w, z: z.backprop(),
    "a tape": lambda x, y, w, z: z.tape,
    "reading": lambda x, y, w, z: (x.value, x.sensitivity, x.name),
    "a number's array": lambda x, y, w, z: np.sum(w[1:]),
}


def test_an_interrupt_that_somebody_keeps_holds_nothing(monkeypatch):
    """Its frames had views of the columns, which then could not grow: a notebook keeps the last exception."""
    x = jt.var(2.0)
    y = x * x

    def interrupted(**columns):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("jittape.recording.Tape", interrupted)
        with pytest.raises(KeyboardInterrupt) as kept:
            _ = y.tape
    for _ in range(100):
        y = y + jt.sum(y * np.ones(40))
    y.backprop()
    assert kept.traceback and x.sensitivity == pytest.approx(4.0 * 41.0**100)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_variables_survive_an_interrupt_at_any_line(action, jit):
    """Ctrl-C in a notebook comes anywhere: afterwards the same variables train on."""
    expected = jt.record(weighted, 0.7, 2.0, np.array([1.0, -2.0, 3.0]), argnums=(0, 1, 2)).grad(
        0.7, 2.0, np.array([1.0, -2.0, 3.0])
    )
    for n in itertools.count():
        eager._local.recording = None
        x, y = jt.var(0.7, name="x"), jt.var(2.0)
        w = jt.array([jt.var(1.0), jt.var(-2.0), jt.var(3.0)])
        for _ in range(3):
            weighted(x, y, w)  # to be forgotten
        z = weighted(x, y, w)
        came = interrupted(lambda x=x, y=y, w=w, z=z: action(x, y, w, z), n)
        (z * 0.5).backprop()  # rows before and after the interrupt
        assert [2.0 * v.sensitivity for v in (x, y, *w)] == pytest.approx([*expected[:2], *expected[2]], rel=1e-14)
        x.rec._collect()
        assert len(z.tape) == len(weighted(x, y, w).tape)
        assert x.name == "x"
        if not came:
            break


def test_rows_that_move_while_an_array_is_iterated_over():
    # every few hundred operations rows that nobody needs are dropped, and the others move
    loops = (
        sum,
        lambda x: sum(x.flat),
        lambda x: sum(a * b for a, b in zip(x, x.T, strict=True)) / 2.0,
        lambda x: sum(v for row in x.reshape(2, -1) for v in row),
        lambda x: sum(map(lambda v: v * 1.0, x)),
    )
    for loop in loops:
        for _ in range(60):
            q = [jt.var(1.0) for _ in range(24)]
            loop(jt.array(q)).backprop()
            assert [v.sensitivity for v in q] == [1.0] * 24


def test_labels_of_the_eager_layer_are_plain_numbers():
    v = [jt.var(k + 0.5) for k in range(4)]
    x = jt.array(v)
    i = jt.trunc(x)[::-1]
    y = x * 1.0
    y[i[:2]] = x[:2]
    np.add.at(y, i[2:], x[:2])
    z = np.sum(x[i] * [1.0, 2.0, 3.0, 4.0]) + np.sum(y * [1.0, 2.0, 3.0, 4.0]) + np.sum(np.bincount(i, x) ** 2)
    z.backprop()
    assert [k.sensitivity for k in v] == [4.0 + 7.0 + 1.0, 3.0 + 6.0 + 3.0, 2.0 + 5.0, 1.0 + 7.0]
