"""What machine code leaves in a work buffer is what the kernels leave, to the bit; and when it takes their place."""

import functools
import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_schedule import chained_tape, irregular_tape, matrix_tape, random_tape, recurring_tape, regular_tape

import jittape as jt
from jittape import cpython, kernels, machine, schedule
from jittape.ops import CODE, OPS
from jittape.recording import DATA, INPUT, Recording
from jittape.repeats import Part

pytestmark = [
    pytest.mark.jit_only,
    pytest.mark.skipif(not cpython.supported(), reason="programs stay with the kernels on this platform"),
]


def unrolled_tape(seed):
    """Loops as Python unrolls them: states, parameters, data by step, what was computed some steps ago or before the loop, and sums."""
    rng = np.random.default_rng(seed)
    recording = Recording()
    given = [recording.append(INPUT if rng.random() < 0.8 else DATA, 0, 0, rng.normal()) for _ in range(rng.integers(2, 40))]
    given += [recording.constant(round(rng.normal(), 1)) for _ in range(3)]
    names = "add", "subtract", "multiply", "multiply", "divide", "tanh", "sin", "square", "negative", "maximum", "exp", "sqrt"
    have = list(given)
    for _ in range(rng.integers(1, 4)):
        states = [have[rng.integers(len(have))] for _ in range(rng.integers(1, 4))]
        body = []
        for _ in range(rng.integers(2, 30)):
            name = names[rng.integers(len(names))]
            body.append((name, [(rng.integers(5), rng.integers(1 << 30)) for _ in range(OPS[CODE[name]].arity)]))
        first = len(have)
        for turn in range(rng.integers(1, 60)):
            made = []

            def operand(how, which, made=made, turn=turn, first=first, states=states, have=have, body=body):
                if how == 0 and made:
                    return made[which % len(made)]
                if how == 1:
                    return given[which % len(given)]
                if how == 2:
                    return given[(which + turn) % len(given)]
                if how == 3 and len(have) > first:
                    return have[max(first, len(have) - 1 - which % (3 * len(body)))]
                return states[which % len(states)]

            for name, operands in body:
                read = [operand(*o) for o in operands]
                made.append(recording.append(CODE[name], *read, *[0] * (2 - len(read)), 0.5))
            states[:] = [made[-1 - k % len(made)] for k in range(len(states))]
            have += made
    total = have[-1]
    for x in have[-5:-1]:
        total = recording.append(CODE["add"], total, x, 0.0)
    return recording.freeze([total, have[-1]])


MODES = kernels.FORWARD, kernels.GRADIENT, kernels.GRADIENT | kernels.UNGUARDED


def sweeps(plan, points, mode):
    """By point: the result, the values and the adjoints of the inputs after a sweep."""
    found = []
    for x in points:
        work = plan.buffer()
        work[1 : 1 + len(x)] = x
        value = plan.bind(work, mode)()
        slots = len(plan.template)
        kept = [value, *work[np.r_[0, plan.where[plan.where > 0]]]]
        if mode & kernels.REVERSE and work[0] == kernels.DONE:
            kept += work[slots + 1 : slots + 1 + len(x)].tolist()
        found.append(kept)
    return found


def same(a, b):
    """Equal to the bit, but for which NaN it is."""
    a, b = np.array(a), np.array(b)
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(np.signbit(a) & (a == a), np.signbit(b) & (b == b))


def check(tape, points):
    plan = schedule.schedule(tape)
    kernels.ready()
    before = [sweeps(plan, points, mode) for mode in MODES]
    addresses = plan.code[kernels.AT : kernels.HEADER].copy()
    machine.install(plan, machine.read(plan))
    assert np.any(addresses != plan.code[kernels.AT : kernels.HEADER]) == machine.read(plan).pays
    for mode, rows in zip(MODES, before, strict=True):
        for was, now in zip(rows, sweeps(plan, points, mode), strict=True):
            assert len(was) == len(now)
            assert same(was, now)
    return plan


def points_of(tape, seed):
    """Points of all kinds: usual ones, and such with zeros, infinities, NaN and numbers that overflow."""
    rng, n = np.random.default_rng(seed), tape.n_inputs
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 5e-324, 1.0, -1.0])
    mixed = np.where(rng.random((4, n)) < 0.3, rng.choice(edges, (4, n)), rng.normal(size=(4, n)))
    return [tape.val[1 : 1 + n], *rng.normal(size=(2, n)), *mixed, np.zeros(n), rng.choice(edges, n)]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_loops_of_any_kind_give_what_kernels_give(seed):
    tape = unrolled_tape(seed)
    check(tape, points_of(tape, seed))


@pytest.mark.parametrize("make", [regular_tape, chained_tape, recurring_tape, matrix_tape])
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1))
def test_machine_code_gives_what_kernels_give(make, seed):
    tape = make(seed)
    check(tape, points_of(tape, seed))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 400))
def test_machine_code_of_any_tape_gives_what_kernels_give(seed, rows):
    for tape in (random_tape(seed, rows), irregular_tape(seed, rows)):
        check(tape, points_of(tape, seed))


STEPS = {
    "state": lambda p, x, k: (p[0] * x[-1] + jt.sin(x[-1]) * p[1] + p[2],),
    "two states": lambda p, x, k: (x[-1] + 0.01 * x[-2], x[-2] - 0.01 * jt.sin(x[-1]) * p[2]),
    "data by step": lambda p, x, k: (jt.tanh(p[0] * x[-1] + p[3 + k] * p[1]) + p[3 + k],),
    "delays": lambda p, x, k: (0.5 * x[-1] + p[0] * jt.tanh(x[max(0, len(x) - 8)]) - p[1] * x[0],),
    "the first of all": lambda p, x, k: (x[-1] * p[0] + x[min(2, len(x) - 1)] * p[1],),
    "a long body": lambda p, x, k: (functools.reduce(lambda y, c: jt.sin(y) * c + x[-1], [*p[:15]], x[-2]),),
    "backwards": lambda p, x, k: (x[-1] * p[3 + 99 - k] + p[3 + k] / (1.0 + x[-1] * x[-1]),),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("turns", [3, 7, 50, 100])
def test_loops_give_what_kernels_give(step, turns):
    def f(p):
        x = [p[0], p[1]]
        for k in range(turns):
            x += step(p, x, k)
        return x[-1] * x[-2] + x[-1]

    program = jt.record(f, np.linspace(0.1, 0.9, 103))
    rng = np.random.default_rng(turns)
    points = [*rng.normal(size=(3, 103)), np.full(103, 1e200), np.where(rng.random(103) < 0.1, np.inf, 0.5), np.zeros(103)]
    plan = check(program.tape, points)
    if turns == 100:  # each is written once
        text = machine.read(plan)
        assert max(part.repeats for sequence in (*text.rows, *text.pulls) if sequence for part in sequence.parts) > 5
        assert text.steps < 700


@pytest.mark.parametrize(
    ("operands", "steps", "loop"),
    [
        ([[10, 90, 30, 31], [31, 91, 50, 50]], [[2, 0, 2, 2], [2, 0, 0, 0]], False),  # the second turns to 50 after ten turns
        ([[10, 90, 30, 31], [31, 91, 50, 50]], [[1, 0, 1, 1], [1, 0, 0, 0]], False),
        ([[10, 90, 30, 31], [31, 91, 72, 72]], [[2, 0, 2, 2], [2, 0, 0, 0]], True),  # by then it is over
        ([[10, 90, 0, 31], [31, 91, 52, 52]], [[2, 0, 0, 2], [2, 0, 0, 0]], True),  # it steps over it
        ([[10, 90, 30, 31], [30, 91, 51, 51]], [[2, 0, 2, 2], [2, 0, 2, 2]], True),
        ([[10, 90, 0, 31], [50, 91, 0, 32]], [[2, 0, 0, 2], [0, 0, 0, 2]], False),  # reads what the first changes
        ([[10, 31, 0, 50], [12, 91, 0, 51]], [[2, 2, 0, 2], [2, 0, 0, 2]], True),  # a partial is no adjoint
    ],
)
def test_a_loop_that_reaches_an_adjoint_by_two_ways_is_run_turn_by_turn(operands, steps, loop):
    operands, steps, turns = np.array(operands), np.array(steps), 20
    whole = np.concatenate([operands + turn * steps for turn in range(turns)])
    part = machine._apart(Part(0, 2, turns, steps), whole)
    assert (part.length, part.repeats) == ((2, turns) if loop else (2 * turns, 1))


@pytest.mark.parametrize("operands", [(INPUT, INPUT), (INPUT, DATA), (DATA, INPUT)])
@pytest.mark.parametrize("op", OPS, ids=[op.name for op in OPS])
def test_each_operation_gives_the_same_bits(op, operands):
    recording = Recording()
    given = [recording.append(kind, 0, 0, 0.75) for kind in operands[: op.arity]]
    value = recording.append(CODE[op.name], *given, *[0] * (2 - op.arity), 0.5)
    tape = recording.freeze([recording.append(CODE["multiply"], value, given[0], 0.5)])
    edges = [0.0, -0.0, 1.0, -1.0, 0.5, -0.75, 3.0, -2.0, 1e-300, 1e300, 5e-324, np.inf, -np.inf, np.nan, 700.0, -40.0]
    check(tape, [np.array([x, y][: op.arity]) for x in edges for y in (edges if op.arity > 1 else edges[:1])])


def test_a_zero_adjoint_passes_nothing_to_an_infinite_partial():
    """Machine code computes as if all were finite; where it was not, the kernels have the last word."""

    def f(p):
        x, y = p
        return jt.where(x > 0.0, jt.sqrt(x), 0.0) + 0.0 * jt.log(y) + x * y

    program = jt.record(f, np.array([0.5, 2.0]))
    points = np.array([(0.0, 0.0), (0.5, 0.0), (0.0, 2.0), (0.25, 1.0), (np.inf, 1.0), (0.0, np.inf)])
    before = [program.value_and_grad(point) for point in points]
    machine.install(program.plan, machine.read(program.plan))
    for point, (value, gradient) in zip(points, before, strict=True):
        now = program.value_and_grad(point)
        assert same([value, *gradient], [now[0], *now[1]]), point


def test_a_guard_that_disagrees_is_told_by_its_number():
    def f(x):
        total = 0.0
        for k in range(200):
            total = total + jt.sin(x[k % 4]) if x[k % 4] > k * 0.01 else total - x[0]
        return total

    point = np.array([0.5, 1.5, 2.5, 3.5])
    program = jt.record(f, point)
    elsewhere = [point + delta for delta in (0.001, -0.004, 0.3, -1.0, np.nan)]

    def outcome(x):
        try:
            return program.value_and_grad(x)[0]
        except jt.BranchChanged as error:
            return str(error)

    before = [outcome(x) for x in elsewhere]
    assert sum(isinstance(x, str) for x in before) > 2
    machine.install(program.plan, machine.read(program.plan))
    assert [outcome(x) for x in elsewhere] == before


# -- when it takes their place ------------------------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch):
    """The plans that were compiled; programs have little patience."""
    plans = []
    install = machine.install

    def noted(plan, text):
        plans.append(plan.code)
        install(plan, text)

    monkeypatch.setattr(machine, "install", noted)
    monkeypatch.setattr(machine, "_calls", lambda plan, steps: 100)
    return plans


def f(x):
    return jt.sin(x[0]) + x[0] * x[1]


POINT = np.array([3.0, 1.0])


def calls(program, out):
    """Each way to call a program, to be called without arguments."""
    bound = program.bind(POINT, out=out)
    yield lambda: (bound(), out.copy())
    yield lambda: program.value_and_grad(POINT)
    yield lambda: program.value_and_grad(POINT, out=out)
    yield lambda: (program(POINT), program.grad(POINT))


@pytest.mark.parametrize("way", range(4))
def test_what_is_called_often_is_compiled_once(installed, way):
    program = jt.record(f, POINT)
    call = list(calls(program, np.empty(2)))[way]
    value, gradient = call()
    addresses = program.plan.code[kernels.AT : kernels.HEADER].copy()
    for k in range(300):
        if k < 40:
            assert not installed
        now, there = call()
        assert now == value
        assert np.array_equal(there, gradient)
    assert len(installed) == 1
    assert np.any(program.plan.code[kernels.AT : kernels.HEADER] != addresses)


def test_transforms_compile_each_path_that_is_used_often(installed):
    g = jt.value_and_grad(lambda x: jt.exp(x) if x > 0 else jt.sin(x) * x)
    for k in range(1000):
        x = 0.25 if k % 2 else -0.25
        value, slope = g(x)
        assert value == pytest.approx(np.exp(x) if x > 0 else np.sin(x) * x, rel=1e-15)
        assert slope == pytest.approx(np.exp(x) if x > 0 else np.cos(x) * x + np.sin(x), rel=1e-15)
    assert len(installed) == 2
    assert g.cache_info() == (2, 2, 998)


def test_programs_that_share_no_plan_are_counted_apart(installed):
    programs = [jt.record(f, POINT) for _ in range(4)]
    for _ in range(60):
        for program in programs:
            program.value_and_grad(POINT)
    assert not installed


def test_long_programs_and_those_of_blocks_alone_stay_with_the_kernels(monkeypatch):
    x = np.linspace(0.0, 1.0, 300)
    blocks = jt.record(lambda x: np.exp(x), x)
    assert machine.read(blocks.plan).steps == 0
    few = jt.record(lambda x: np.sum(np.exp(x) * x), x[:20])
    assert machine.read(few.plan).steps > 0
    assert not machine.read(few.plan).pays
    monkeypatch.setattr(machine, "_MOST", 2)
    long = jt.record(f, POINT)
    for program in (blocks, long):
        before = program.plan.code.copy()
        machine.install(program.plan, machine.read(program.plan))
        assert np.array_equal(program.plan.code, before)


def test_where_compiling_fails_the_kernels_go_on(monkeypatch):
    def fails(plan, text):
        raise RuntimeError("no memory for code")

    monkeypatch.setattr(machine, "install", fails)
    monkeypatch.setattr(machine, "_calls", lambda plan, steps: 3)
    out = np.empty(2)
    run = jt.record(f, POINT).bind(POINT, out=out)
    run(), run()
    with pytest.warns(jt.JitTapeWarning, match="no memory for code"):
        assert run() == pytest.approx(np.sin(3.0) + 3.0)
    assert run() == pytest.approx(np.sin(3.0) + 3.0)
    assert out == pytest.approx([np.cos(3.0) + 1.0, 3.0])


@pytest.mark.parametrize("way", range(3))
def test_what_a_signal_raises_meanwhile_comes_out_of_the_call(monkeypatch, way):
    def interrupted(plan, text):
        raise KeyboardInterrupt

    monkeypatch.setattr(machine, "install", interrupted)
    monkeypatch.setattr(machine, "_calls", lambda plan, steps: 100)
    program = jt.record(f, POINT)
    call = list(calls(program, np.empty(2)))[way]
    answers, raised = [], 0
    for _ in range(300):
        try:
            answers.append(call()[0])
        except KeyboardInterrupt:
            raised += 1
    assert raised == 1
    assert set(answers) == {answers[0]}
    assert answers[0] == pytest.approx(np.sin(3.0) + 3.0)


def test_machine_code_lives_as_long_as_something_runs_it():
    out = np.empty(2)
    program = jt.record(f, POINT)
    run = program.bind(POINT, out=out)
    value = run()
    machine.install(program.plan, machine.read(program.plan))
    code = weakref.ref(program.plan.code)
    [finalizer] = [x for x in weakref.finalize._registry.copy() if x.peek() and x.peek()[0] is program.plan.code]
    del program
    gc.collect()
    assert run() == value
    assert finalizer.alive
    del run
    gc.collect()
    assert code() is None
    assert not finalizer.alive


def test_threads_may_run_a_program_while_it_is_compiled(monkeypatch):
    monkeypatch.setattr(machine, "_calls", lambda plan, steps: 500)

    def walk(x):  # long enough that a sweep lets other threads run
        y = x[0]
        for k in range(120):
            y = y * x[1] + jt.sin(y) if k % 3 else y - x[0] * x[1]
        return y

    x = np.array([0.3, 0.9])
    program = jt.record(walk, x)
    assert not kernels.is_short(program.plan.code)
    value, gradient = program.value_and_grad(x)
    wrong = []

    def work():
        for _ in range(2000):
            now, there = program.value_and_grad(x)
            if now != value or not np.array_equal(there, gradient):
                wrong.append((now, there))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert program.plan.code[kernels.CALLS] == 0


def test_a_large_irregular_plan_is_read_no_further_than_it_may_be_written(monkeypatch):
    """To read all of a million operations took four seconds, in the middle of a loop, for nothing."""
    rng = np.random.default_rng(0)
    places = rng.random((3000, 2)).tolist()

    def f(p):
        values = list(p)
        for a, b in places:
            values.append(jt.sin(values[int(a * len(values))]) * values[int(b * len(values))])
        return sum(values)

    program = jt.record(f, [0.3, 0.2])
    whole = machine.read(program.plan)
    assert len(whole.rows) == len(program.plan.rows) and len(whole.pulls) == len(program.plan.pulls)
    monkeypatch.setattr(machine, "_MOST", 100)
    some = machine.read(program.plan)
    assert not some.pays and len(some.rows) + len(some.pulls) < len(whole.rows) + len(whole.pulls)
