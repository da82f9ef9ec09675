"""Blocks give what one instruction at a time gives: values to the bit, gradients to rounding."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

import jittape as jt
from jittape import formulas, kernels, schedule, tracer
from jittape.ops import CODE, OPS
from jittape.recording import DATA, INPUT, Recording

WELL_BEHAVED = [
    "add", "add", "add", "subtract", "multiply", "multiply", "sin", "tanh", "maximum", "minimum", "expit", "square", "negative",
    "gate", "gate_not", "less", "sqrt", "divide", "power", "exp", "log", "clip_low", "relu", "abs", "hypot", "logical_not", "copy",
]  # fmt: skip


def random_tape(seed, rows):
    """A tape with all that schedulers meet: runs, shared operands, chains, constants, data, guards, dead code."""
    rng = np.random.default_rng(seed)
    recording = Recording()
    have = [recording.append(INPUT if rng.random() < 0.8 else DATA, 0, 0, rng.normal()) for _ in range(rng.integers(1, 9))]
    have += [recording.constant(round(rng.normal(), 1)) for _ in range(rng.integers(1, 8))]
    while len(recording) < rows:
        code = CODE[WELL_BEHAVED[rng.integers(len(WELL_BEHAVED))]]
        recent, pattern, made = have[-80:], rng.integers(5), []
        for k in range(rng.integers(1, 40)):
            a = (
                recent[(k + 7) % len(recent)]
                if pattern == 0
                else recent[0]
                if pattern == 1
                else recent[rng.integers(len(recent))]
            )
            b = recent[2 * k % len(recent)] if pattern in (0, 1) else recent[rng.integers(len(recent))]
            if pattern == 3 and made:
                a = made[-1]
            if pattern == 4 and made:
                b = made[-1]
            b = 0 if OPS[code].arity == 1 else b
            made.append(recording.append(code, a, b, formulas.value(code, recording.value(a), recording.value(b))))
        if OPS[code].condition and rng.random() < 0.5:
            recording.guards.append((made[0], recording.value(made[0]) != 0.0, None))
        have += made
    outputs = [have[-1], *rng.choice(have, 2)]
    return recording.freeze(outputs)


def run(plan, x, n, mode=kernels.GRADIENT | kernels.UNGUARDED):
    """Value per slot of the program, and the adjoints of the inputs, after a sweep."""
    kernels.ready()
    work = plan.buffer()
    work[1 : 1 + len(x)] = x
    kernels.sweep(plan.code, work, plan.pieces, mode)
    start = len(plan.template) + 1
    return work, work[start : start + n].copy()


def one_at_a_time(tape):
    tape, _ = tape.spelled_out()
    template = np.concatenate([tape.val[: tape.first], np.zeros(len(tape))])
    active = np.zeros(len(template))
    active[1 : 1 + tape.n_inputs] = tape.active
    return schedule.direct(tape.op, tape.a, tape.b, template, int(tape.outputs[0]), active)


def differences(tape, plan, x):
    """Slots whose value differs in a bit from the reference, and the distance of the gradients in units of rounding."""
    n = tape.n_inputs
    reference, expected = run(one_at_a_time(tape), x, n)
    spelled, slot = tape.spelled_out()
    work, gradient = run(plan, x, n)
    slots = np.flatnonzero(plan.where > 0)
    wrong = slots[work[plan.where[slots]].view(np.int64) != reference[slot[slots]].view(np.int64)]
    wrong = [s for s in wrong if not (np.isnan(reference[slot[s]]) and np.isnan(work[plan.where[s]]))]
    act = tape.active
    # what rounding may do: the same sums of absolute values
    magnitude = np.abs(reference[len(spelled.val) : 2 * len(spelled.val)])
    scale = np.max(magnitude[np.isfinite(magnitude)], initial=1.0)
    both = np.isfinite(expected[act]) & np.isfinite(gradient[act])
    apart = np.max(np.abs(expected[act][both] - gradient[act][both]) / scale, initial=0.0)
    return wrong, apart


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(30, 1500))
def test_blocks_give_what_one_at_a_time_gives(seed, rows):
    tape = random_tape(seed, rows)
    plan = schedule.schedule(tape)
    rng = np.random.default_rng(seed)
    for x in (tape.val[1 : 1 + tape.n_inputs].copy(), rng.normal(size=tape.n_inputs), rng.normal(size=tape.n_inputs) * 10):
        wrong, apart = differences(tape, plan, x)
        assert not wrong
        assert apart < 1e-9


@pytest.mark.parametrize("make", [lambda: random_tape(3, 400), lambda: irregular_tape(3, 400)])
def test_a_sweep_in_two_halves_gives_what_one_gives(make):
    tape = make()
    plan = schedule.schedule(tape)
    whole, halves = plan.buffer(), plan.buffer()
    whole[1 : 1 + tape.n_inputs] = halves[1 : 1 + tape.n_inputs] = tape.val[1 : 1 + tape.n_inputs]
    kernels.ready()
    plan.bind(whole, kernels.GRADIENT | kernels.UNGUARDED)()
    plan.bind(halves, kernels.FORWARD | kernels.PARTIALS | kernels.UNGUARDED)()
    plan.bind(halves, kernels.REVERSE)()
    assert np.array_equal(whole, halves, equal_nan=True)


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(60, 600))
def test_blocks_compute_whole_vectors_and_nobody_has_what_is_too_much(seed, rows):
    plan = schedule.schedule(random_tape(seed, rows))
    blocks = plan.rows[plan.rows[:, kernels.FORM] == kernels.BLOCK].astype(int)
    n, width, out = (blocks[:, field] for field in (kernels.N, kernels.WIDTH, kernels.OUT))
    assert np.all((width == n) | ((width % kernels.LANES == 0) & (n < width) & (width < n + kernels.LANES)))
    unused = {slot for row in zip(out + n, out + width, strict=True) for slot in range(*row)}
    assert len(unused) == np.sum(width - n)
    assert not unused & set(plan.where.tolist())
    assert not np.any(plan.template[list(unused)])
    # no other row writes there; a sum writes one slot, however long
    for form, n, out, repeats in plan.rows[:, [kernels.FORM, kernels.N, kernels.OUT, kernels.REPEATS]].astype(int):
        assert not unused & set(range(out, out + (1 if form in (kernels.CHAIN, kernels.DOT) else n * repeats)))


@given(seed=st.integers(0, 2**32 - 1))
def test_scheduled_twice_is_the_same_program(seed):
    tape = random_tape(seed, 300)
    first, second = schedule.schedule(tape), schedule.schedule(tape)
    assert all(np.array_equal(a, b) for a, b in zip(first[:2], second[:2], strict=True))
    assert first[2:4] == second[2:4]


@pytest.mark.skipif(config.DISABLE_JIT, reason="compares Python with what is compiled")
@pytest.mark.parametrize(
    "make", [lambda seed: random_tape(seed, 300), lambda seed: regular_tape(seed), lambda seed: chained_tape(seed)]
)
def test_python_plans_as_compiled_code_does(make, monkeypatch):
    tapes = [make(seed) for seed in range(12)]
    assert any(len(tape) > 24 for tape in tapes)
    plans = []
    # on lists, on arrays that are too large for those, and compiled
    for functions, roomy in ((kernels.in_python(), kernels._ROOMY), (kernels.in_python(), 0), (kernels, 0)):
        monkeypatch.setattr(kernels, "_ROOMY", roomy)
        monkeypatch.setattr(kernels, "planning", lambda n, writes, functions=functions: functions)
        plans.append([schedule.schedule(tape) for tape in tapes] + [one_at_a_time(tape) for tape in tapes])
    for *in_python, compiled in zip(*plans, strict=True):
        for python in in_python:
            assert np.array_equal(python.code, compiled.code)
            assert python.template.tobytes() == compiled.template.tobytes()
            assert (python.size, python.pieces) == (compiled.size, compiled.pieces)
            assert np.array_equal(python.where, compiled.where)


@pytest.mark.skipif(config.DISABLE_JIT, reason="there everything is Python")
@pytest.mark.parametrize("writes", [kernels.emit, kernels.unroll])
@pytest.mark.parametrize(("on_disk", "limits"), [(False, kernels.BEFORE_COMPILING), (True, kernels.BEFORE_LOADING)])
def test_python_plans_until_compiling_or_loading_pays(monkeypatch, writes, on_disk, limits):
    monkeypatch.setattr(kernels, "on_disk", lambda function: on_disk and function is writes)
    limit, other = (
        limits[writes.__name__] - kernels.A_PLAN,
        {kernels.emit: kernels.unroll, kernels.unroll: kernels.emit}[writes],
    )
    half = limit // 2 - kernels.A_PLAN // 2
    for lengths in ((half, half, 1, 1), (0, limit - kernels.A_PLAN, 0, 1), (limit, 0, 0, 0)):
        monkeypatch.setattr(kernels, "_left", {})
        compiled = [kernels.planning(n, writes) is kernels for n in lengths]
        assert compiled == [sum(lengths[: k + 1]) + kernels.A_PLAN * k > limit for k in range(4)]
        assert kernels.planning(0, other) is not kernels  # what writes the other plans is another matter
    monkeypatch.setattr(kernels, "_left", {})
    assert kernels.planning(limit + 1, writes) is kernels
    assert kernels.planning(0, writes) is kernels


@pytest.mark.skipif(config.DISABLE_JIT, reason="there nothing is compiled")
def test_a_terminal_is_told_once_what_is_compiled(monkeypatch, capsys):
    monkeypatch.setattr(kernels, "_announced", set())
    monkeypatch.setattr(kernels, "on_disk", lambda function: False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for _ in range(2):
        kernels.announce(kernels.forward)
        monkeypatch.setattr(kernels, "_left", {"emit": 1})
        kernels.planning(2, kernels.emit)
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("jittape: compiling") for line in lines] == [True, True]
    assert "kernels" in lines[0]
    assert "plans" in lines[1]


@given(seed=st.integers(0, 2**32 - 1))
def test_any_order_of_independent_instructions_gives_the_same_gradient(seed):
    tape = random_tape(seed, 200)
    rng = np.random.default_rng(seed)
    slots, first = len(tape.val), tape.first
    ready, done, order = list(range(len(tape))), set(range(first)), []
    while ready:
        able = [i for i in ready if tape.a[i] in done and tape.b[i] in done]
        i = able[rng.integers(len(able))]
        ready.remove(i)
        done.add(first + i)
        order.append(i)
    new = np.arange(slots)
    new[first + np.array(order)] = np.arange(first, slots)
    shuffled = type(tape)(
        op=tape.op[order], a=new[tape.a[order]], b=new[tape.b[order]], 
        val=np.concatenate([tape.val[:first], tape.val[first:][order]]), active=tape.active, outputs=new[tape.outputs],
    )  # fmt: skip
    x = tape.val[1 : 1 + tape.n_inputs].copy()
    (work, gradient), (other, another) = (run(schedule.schedule(t), x, tape.n_inputs) for t in (tape, shuffled))
    p, q = schedule.schedule(tape), schedule.schedule(shuffled)
    np.testing.assert_array_equal(work[p.where[tape.outputs]], other[q.where[shuffled.outputs]])
    assert np.allclose(gradient, another, rtol=1e-6, atol=1e-6, equal_nan=True) or not np.isfinite(gradient).all()


def grids(rng, have, n, repeats):
    """Two times rows that are a constant number apart, in runs that are."""
    for _ in range(2):
        inner, outer = rng.choice([0, 1, 1, 1, 2, -1, 5]), rng.choice([0, 1, n, n, 2, -n, 7])
        at = rng.integers(len(have)) + np.arange(n) * inner + np.arange(repeats)[:, None] * outer
        yield [have[i % len(have)] for i in at.ravel().tolist()]


def regular_tape(seed):
    """A tape of groups whose operands lie in grids: slots a constant number apart, runs a constant number apart."""
    rng = np.random.default_rng(seed)
    recording = Recording()
    have = [recording.append(INPUT if rng.random() < 0.9 else DATA, 0, 0, rng.normal()) for _ in range(300)]
    if rng.random() < 0.3:
        have[100:200] = [recording.constant(rng.normal()) for _ in range(100)]
    results = []
    for _ in range(rng.integers(1, 6)):
        n, repeats = int(rng.integers(4, 20)), int(rng.integers(1, 9))
        code = CODE[("add", "subtract", "multiply", "multiply", "divide", "hypot")[rng.integers(6)]]

        def twice(code, have=have, n=n, repeats=repeats):
            """An operation on two grids."""
            return [recording.append(code, a, b, 0.0) for a, b in zip(*grids(rng, have, n, repeats), strict=True)]

        made = twice(code)
        for _ in range(rng.integers(0, 4)):  # sums of products, side by side, with another order of the factors now and then
            kind, turned = CODE[("add", "subtract")[rng.integers(2)]], rng.random() < 0.5
            pairs = zip(made, twice(CODE["multiply"]), strict=True)
            made = [recording.append(kind, *((p, m) if turned else (m, p)), 0.0) for m, p in pairs]
        have = made + have if rng.random() < 0.5 else have
        results += made
    total = recording.constant(0.5)
    for row in results:
        total = recording.append(CODE["add"], total, row, 0.0)
    return recording.freeze([total])


def matrix_tape(seed):
    """A tape of products of matrices: factors in strides of either sign, constants and data among them, with another start now and then."""
    rng = np.random.default_rng(seed)
    recording = Recording()
    add, multiply = CODE["add"], CODE["multiply"]
    have = [recording.append(INPUT if rng.random() < 0.9 else DATA, 0, 0, rng.normal()) for _ in range(400)]
    if rng.random() < 0.3:
        have[100:200] = [recording.constant(round(rng.normal(), 1)) for _ in range(100)]
    if rng.random() < 0.3:
        have += [recording.append(CODE["square"], row, 0, 0.0) for row in have[:150]]
    results = []
    for _ in range(rng.integers(1, 4)):
        runs, n, terms = int(rng.integers(1, 9)), int(rng.choice([1, 6, 8, 13, 30, 80])), int(rng.integers(3, 12))
        r, j, t = np.ogrid[:runs, :n, :terms]
        if rng.random() < 0.5:  # as a product of matrices has them
            y_by = (0, 1, n) if rng.random() < 0.5 else (0, terms, 1)
            x_by = (terms, 0, 1)
        else:
            x_by = (rng.choice([0, 1, terms, -terms, 5]), 0, rng.choice([1, -1, runs, 3, 0]))
            y_by = (0, rng.choice([1, 1, terms, -1, 2]), rng.choice([n, 1, -1, -n, 0, 4]))
        slots = [
            (rng.integers(len(have)) + sum(k * by for k, by in zip((r, j, t), steps, strict=True)) + 0 * r * j * t) % len(have)
            for steps in (x_by, y_by)
        ]
        x, y = (np.array(have)[slot].reshape(runs * n, terms) for slot in slots)
        start, turned = rng.integers(4), rng.random() < 0.5
        first = [0] * (runs * n) if start == 1 else range(runs * n) if start == 2 else rng.integers(0, 9, runs * n)
        sums = [None if start == 0 else have[k % len(have)] for k in first]

        def step(k, term, sums=sums, x=x, y=y, turned=turned):
            product = recording.append(multiply, *((y[k, term], x[k, term]) if turned else (x[k, term], y[k, term])), 0.0)
            sums[k] = product if sums[k] is None else recording.append(add, sums[k], product, 0.0)

        if rng.random() < 0.5:
            for k in range(runs * n):
                for term in range(terms):
                    step(k, term)
        else:
            for term in range(terms):
                for k in range(runs * n):
                    step(k, term)
                if rng.random() < 0.05:  # somebody else reads it, too
                    results.append(sums[0])
        made = [recording.append(CODE["sin"], row, 0, 0.0) for row in sums]
        have = made + have if rng.random() < 0.5 else have
        results += made
    total = recording.constant(0.5)
    for row in results:  # adjoints of all sizes, and zero where an input is
        total = recording.append(add, total, recording.append(multiply, row, have[-1], 0.0), 0.0)
    return recording.freeze([total])


def chained_tape(seed):
    """A tape of chains: sums, differences, products, sums of products, broken here and there, over rows and over anything."""
    rng = np.random.default_rng(seed)
    recording = Recording()
    have = [recording.append(INPUT if rng.random() < 0.8 else DATA, 0, 0, rng.normal()) for _ in range(rng.integers(3, 60))]
    constants = [recording.constant(round(rng.normal(), 2)) for _ in range(rng.integers(1, 20))]

    def record(name, *operands):
        operands = operands[::-1] if name in ("add", "multiply") and rng.random() < 0.3 else operands
        return recording.append(CODE[name], operands[0], operands[1] if len(operands) == 2 else 0, 0.0)

    for _ in range(rng.integers(1, 12)):
        kind, start, s = rng.integers(6), rng.integers(len(have)), have[rng.integers(len(have))]
        for k in range(rng.integers(2, 70)):
            row, anything = have[(start + k) % len(have)], [*have, *constants][rng.integers(len(have) + len(constants))]
            x = row if rng.random() < 0.8 else anything
            if kind < 3:
                s = record(("add", "subtract", "multiply")[kind], s, x)
            else:
                item = record("sin", x) if kind == 5 and rng.random() < 0.2 else record("multiply", x, anything)
                s = record("subtract" if kind == 4 else "add", s, item)
            if kind == 2 and k % 20 == 19:  # so that no product overflows
                s = record("tanh", s)
            if rng.random() < 0.02:
                have.append(s)
        have += [s, record("tanh", s)]
    return recording.freeze([have[-1], *rng.choice(have, 2)])


def recurring_tape(seed):
    """Recurrences with terms on the way: read at once, later, by each other, by sums and products, by the recurrence again."""
    rng = np.random.default_rng(seed)
    recording = Recording()
    have = [recording.append(INPUT if rng.random() < 0.7 else DATA, 0, 0, rng.normal()) for _ in range(rng.integers(2, 20))]
    have += [recording.constant(round(rng.normal(), 1)) for _ in range(rng.integers(1, 6))]
    one, two = ("tanh", "sin", "square", "negative", "expit", "relu"), ("add", "subtract", "multiply", "maximum", "divide")
    outputs = []

    def append(names, *operands):
        return recording.append(CODE[names[rng.integers(len(names))]], *operands, *[0] * (2 - len(operands)), 0.0)

    for _ in range(rng.integers(1, 4)):
        step = [(rng.integers(3), rng.random() < 0.8, rng.integers(1, 30)) for _ in range(rng.integers(1, 6))]
        state, total, terms = have[0], have[-1], [have[1]]
        for _ in range(rng.integers(20, 80)):
            state = recording.append(CODE["tanh"], append(two[:3], state, have[rng.integers(len(have))]), 0, 0.0)
            for kind, summed, ago in step:
                other = terms[-min(ago, len(terms))]
                term = append(one, state) if kind == 0 else append(two, state, other) if kind == 1 else append(one, other)
                terms.append(term)
                if summed:
                    total = recording.append(CODE["add"], total, term, 0.0)
            if rng.random() < 0.05:
                state = append(two[:3], state, terms[-1])
            if rng.random() < 0.03:
                recording.truth(tracer.at(recording, append(("less", "greater"), state, terms[-1]), 1.0))
        have += [total, state]
        outputs = [total, state, terms[-1]]
    return recording.freeze(outputs)


def test_what_can_wait_runs_with_others_like_it(monkeypatch):
    """The terms of a likelihood are blocks after the recurrence; irregular code has fewer instructions alone than on its levels."""

    def likelihood(p, returns):
        h, total = 1.0, 0.0
        for r in returns:
            h = p[0] + p[1] * h + p[2] * (r * r)
            total = total + jt.log(h) + r * r / h
        return total

    rows = jt.record(likelihood, [0.1, 0.8, 0.1], np.linspace(-2.0, 2.0, 50).tolist()).plan.rows
    blocks = rows[rows[:, kernels.FORM] == kernels.BLOCK]
    assert {(CODE["log"], 50), (CODE["divide"], 50)} <= {
        (op & 255, size) for op, size in blocks[:, [kernels.OP, kernels.N]].tolist()
    }

    tape = irregular_tape(0, 3000)

    def in_stretches():
        rows = schedule.schedule(tape).rows
        return np.sum(rows[rows[:, kernels.FORM] == kernels.STRETCH, kernels.N])

    by_turns = in_stretches()
    monkeypatch.setattr(schedule, "_LONG_WAIT", len(tape))
    assert by_turns < 0.6 * in_stretches()


def irregular_tape(seed, n):
    """Instructions that read anything before them."""
    rng = np.random.default_rng(seed)
    recording = Recording()
    have = [recording.append(INPUT, 0, 0, rng.normal()) for _ in range(10)]
    for _ in range(n):
        name = ("add", "subtract", "multiply", "sin", "tanh", "exp")[rng.integers(6)]
        x, y = rng.integers(len(have), size=2).tolist()
        have.append(recording.append(CODE[name], have[x], have[y] if name in ("add", "subtract", "multiply") else 0, 0.0))
    total = have[-1]
    for x in have[-200:-1]:
        total = recording.append(CODE["add"], total, x, 0.0)
    return recording.freeze([total])


@given(seed=st.integers(0, 2**32 - 1))
def test_recurrences_give_what_one_at_a_time_gives(seed):
    tape = recurring_tape(seed)
    plan = schedule.schedule(tape)
    rng = np.random.default_rng(seed)
    for _ in range(2):
        wrong, apart = differences(tape, plan, rng.normal(size=tape.n_inputs))
        assert not len(wrong)
        assert apart < 1e-8


@pytest.mark.parametrize("planned", [schedule.schedule, one_at_a_time])
def test_a_work_buffer_longer_than_offsets_can_tell_is_refused(planned, monkeypatch):
    monkeypatch.setattr(schedule, "FLAG", 100)
    with pytest.raises(jt.TapeCapacityError, match="offsets"):
        planned(random_tape(1, 300))


@pytest.mark.parametrize("size", [4, 8, 12, 13])
@pytest.mark.parametrize("plain", [0, 1, 3])
def test_plans_have_room_for_sums_over_anything(size, plain, monkeypatch):
    """Of chains all is read through lists, and pulled one by one: in Python, a plan that needs more room is an IndexError."""
    python = kernels.in_python()
    monkeypatch.setattr(kernels, "planning", lambda n, writes: python)
    rng = np.random.default_rng(size)
    recording = Recording()
    x = [recording.append(INPUT, 0, 0, v) for v in rng.normal(size=200)]
    pairs = iter(rng.permutation(100 * 100).tolist())
    total, add, multiply = x[0], CODE["add"], CODE["multiply"]
    for _ in range(60):
        for _ in range(size):
            i, j = divmod(next(pairs), 100)
            total = recording.append(add, total, recording.append(multiply, x[i], x[100 + j], 0.0), 0.0)
        for _ in range(plain):
            total = recording.append(add, total, x[rng.integers(200)], 0.0)
    tape = recording.freeze([total])
    plan = schedule.schedule(tape)
    assert kernels.DOT in plan.rows[:, kernels.FORM]
    wrong, apart = differences(tape, plan, rng.normal(size=200))
    assert not wrong
    assert apart < 1e-9


@given(seed=st.integers(0, 2**32 - 1))
def test_chains_give_what_one_at_a_time_gives(seed):
    tape = chained_tape(seed)
    rng = np.random.default_rng(seed)
    for x in (rng.normal(size=tape.n_inputs), rng.integers(-1, 2, tape.n_inputs).astype(float)):
        wrong, apart = differences(tape, schedule.schedule(tape), x)
        assert not wrong
        assert apart < 1e-9


@given(seed=st.integers(0, 2**32 - 1))
def test_operands_in_grids_give_what_one_at_a_time_gives(seed):
    tape = regular_tape(seed)
    plan = schedule.schedule(tape)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=tape.n_inputs)
    for x[0] in (0.5, 0.0, np.inf):
        wrong, apart = differences(tape, plan, x)
        assert not wrong
        assert apart < 1e-9


@given(seed=st.integers(0, 2**32 - 1))
def test_products_of_matrices_give_what_one_at_a_time_gives(seed):
    tape = matrix_tape(seed)
    plan = schedule.schedule(tape)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=tape.n_inputs)
    for x[-1], x[rng.integers(100)] in ((0.5, 0.5), (0.0, 0.5), (0.0, np.inf), (0.5, np.nan)):
        wrong, apart = differences(tape, plan, x)
        assert not wrong
        assert apart < 1e-9


def triangle(v, places):
    out = jt.zeros((9, 9))
    out[places] = v
    return out


def windows(x, shape):
    return np.lib.stride_tricks.sliding_window_view(x, shape)


def spellings():
    """Products of matrices as NumPy programs and loops have them, and the number of rows that each is."""
    rng = np.random.default_rng(1)
    a, b, tall, v, u, s, k = (rng.normal(size=shape) for shape in ((12, 9), (9, 10), (90, 9), 9, 90, 50, 8))

    def loops(a, b):
        return [sum([a[i, k] * b[k, j] for k in range(9)]) for i in range(12) for j in range(10)]

    def recurrent(b, v):
        for _ in range(3):
            v = np.tanh(b @ v)
        return v

    square = rng.normal(size=(12, 12))
    yield "a @ b", lambda a, b: a @ b, (a, b), 1
    yield "a @ b.T", lambda a, b: a @ b.T, (a, b.T.copy()), 1
    yield "a.T @ b", lambda a, b: a.T @ b, (a.T.copy(), b), 1
    yield "a.T @ b.T", lambda a, b: a.T @ b.T, (a.T.copy(), b.T.copy()), 1
    yield "a of constants @ b", lambda b: a @ b, (b,), 1
    yield "a @ b of constants", lambda a: a @ b, (a,), 1
    yield "constants that come again @ b", lambda b: np.add.outer(np.arange(12.0), np.arange(9.0)) @ b, (b,), 1
    yield "loops", loops, (a, b), 1
    yield "matrix @ vector", lambda m, v: m @ v, (tall, v), 1
    yield "constants @ vector", lambda v: tall @ v, (v,), 1
    yield "vector @ matrix", lambda m, v: v @ m, (tall, u), 1
    yield "convolution", lambda s, k: np.convolve(s, k, "valid"), (s, k), 1
    yield "two layers", lambda a, b: np.tanh(a @ b) @ b.T, (a, b), 2
    yield "recurrence", recurrent, (square, square[0]), 3
    yield "batches", lambda a, b: np.einsum("bij,bjk->bik", a, b), (a.reshape(2, 6, 9), rng.normal(size=(2, 9, 10))), 2
    yield "summed", lambda a, b: np.sum(a @ b), (a, b), 1
    yield "summed along an axis", lambda a, b: np.sum(a @ b, axis=0), (a, b), 1
    yield "the mean of matrix @ vector", lambda m, v: np.mean(m @ v), (tall, v), 1
    yield "two added", lambda a, b: a @ b + np.cos(a) @ b, (a, b), 2
    yield "two subtracted", lambda a, b: a @ b - np.cos(a) @ b, (a, b), 2
    # what is scattered is copied into a row first
    yield "a triangle", lambda a, v: a @ triangle(v, np.tril_indices(9)).T, (a, rng.normal(size=45)), 1
    yield "a triangle and an exponential", lambda a, v, d: a @ (triangle(v, np.tril_indices(9, -1)) + np.diag(np.exp(d))), (
        a, rng.normal(size=36), rng.normal(size=9),
    ), 1  # fmt: skip
    yield "a triangle of levels", lambda a, v, d: a @ triangle(np.r_[jt.sin(d), v], np.tril_indices(9)), (
        a, rng.normal(size=36), rng.normal(size=9),
    ), 1  # fmt: skip
    yield "a padded image", lambda x, k: np.einsum("hwij,fij->fhw", windows(np.pad(x, 1), (3, 3)), k), (
        rng.normal(size=(7, 6)), rng.normal(size=(4, 3, 3)),
    ), 1  # fmt: skip
    yield "images in rows", lambda x, k: k @ windows(x, (3, 3)).reshape(-1, 9).T, (
        rng.normal(size=(7, 6)), rng.normal(size=(4, 9)),
    ), 1  # fmt: skip
    yield "rows from anywhere", lambda a, b: a[[5, 0, 3, 3, 9, 1, 11, 2]] @ b, (a, b), 1
    none = np.zeros((5, 5)), np.zeros((4, 4))
    yield "blocks", lambda m: np.block([[m, none[0]], [none[1], np.sin(m.T)]]) @ b, (rng.normal(size=(5, 4)),), 1
    yield "batches of triangles", lambda a, v: a @ triangle(v, np.tril_indices(9)), (a.reshape(2, 6, 9), rng.normal(size=45)), 1
    yield "with a start", lambda a, b: sum([a[:, k, None] * b[k] for k in range(9)], start=a[:, :1] + b[0]), (a, b), 1


@pytest.mark.parametrize(("f", "args", "number"), [pytest.param(*rest, id=name) for name, *rest in spellings()])
def test_a_product_of_matrices_is_one_row_however_spelled(f, args, number):
    program = jt.record(lambda *args: jt.sum(jt.sin(jt.array(f(*args)))), *args, argnums=tuple(range(len(args))))
    rows = program.plan.rows
    assert np.count_nonzero(rows[:, kernels.FORM] == kernels.MATRIX) == number
    for scale in (1.0, 0.3):
        x = np.concatenate([scale * np.ravel(arg) for arg in args])
        wrong, apart = differences(program.tape, program.plan, x)
        assert not wrong
        assert apart < 1e-13


def test_a_product_of_matrices_is_shown_with_the_steps_of_its_factors():
    x, w = np.arange(60.0).reshape(6, 10), np.arange(80.0).reshape(10, 8) / 40.0
    shown = jt.record(lambda w, x: np.sum(np.square(x @ w)), w, x).show().splitlines()
    assert shown[2].split() == "6 x 8 sums of 10 x*y %141..188 one %81 (+10, +1) one %1 (+1, +8)".split()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: jt.sum(jt.floor(jt.tan(jt.sin(x))) * x),
        lambda x: (jt.sum(x * x), jt.sum(jt.exp(jt.sin(x)))),
        lambda x: jt.floor(jt.tan(jt.sin(x[3]))) + jt.sum(x * x),
        lambda x: jt.sum(x if jt.log(jt.prod(jt.sin(x))) < 1.0 else 2.0 * x),
    ],
)
def test_no_partials_are_stored_of_what_passes_no_derivative_to_the_value(f):
    x = np.linspace(0.1, 1.4, 40)
    program = jt.record(f, x)
    plan, scratch = program.plan, len(kernels.CONSTANTS) + 3 * kernels.SCRATCH
    assert plan.size == 2 * len(plan.template) + scratch
    wrong, apart = differences(program.tape, program.plan, x)
    assert not wrong
    assert apart < 1e-13


@pytest.mark.parametrize("argnums", [0, 1, (0, 1)])
def test_columns_longer_than_scratch_are_read_in_pieces(argnums):
    """Copies of 3100 numbers that are apart once ran over the end of what is scratch, into partials."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3100, 4)), rng.normal(size=(4, 6))
    tape = jt.record(lambda x, w: np.sum(np.square(np.sin(x) @ w)), x, w, argnums=argnums).tape
    wrong, apart = differences(tape, schedule.schedule(tape), np.concatenate([x.ravel(), w.ravel()]))
    assert not wrong
    assert apart < 1e-12


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("partial", [np.inf, -np.inf, np.nan])
def test_a_zero_adjoint_passes_nothing_through_a_product_of_matrices(partial, turned):
    """The rows of results that nothing reads have adjoints of zero; where they meet an infinity, the others are as they were."""
    rng = np.random.default_rng(0)
    a, b, mask = rng.normal(size=(12, 9)), rng.normal(size=(9, 10)), np.ones((12, 10))
    mask[3] = 0.0

    def f(a, b, mask):
        product = (b.T @ a.T).T if turned else a @ b
        return np.sum(np.where(mask > 0.0, product, 0.0))

    step = jt.value_and_grad(f, argnums=(0, 1))
    step(a, b, mask)
    a[3, 5] = partial
    _, (of_a, of_b) = step(a, b, mask)
    expected = mask.copy()
    np.testing.assert_allclose(of_a, expected @ b.T, rtol=1e-13)
    np.testing.assert_allclose(of_b, np.delete(a, 3, 0).T @ np.delete(expected, 3, 0), rtol=1e-12)


def test_a_product_of_matrices_runs_in_few_rows():
    """Each step of the sums of products is one row, which repeats; nothing is read through a list."""
    x, w = np.arange(60.0).reshape(6, 10), np.arange(80.0).reshape(10, 8) / 40.0
    for f, args in [
        (lambda w, x: np.sum(np.square(x @ w)), (w, x)),
        (lambda w: np.sum(np.square(x @ w)), (w,)),
        (lambda w, x: np.sum(np.square(w.T @ x.T)), (w, x)),
        (lambda x: np.sum(np.square(x[:, None, 0] - x[None, :, 0])), (np.linspace(0, 1, 40).reshape(20, 2),)),
    ]:
        program = jt.record(f, *args, argnums=tuple(range(len(args))))
        rows = program.plan.rows
        assert len(rows) <= 14
        assert (rows[:, kernels.REPEATS] > 1).any()
        blocks = rows[rows[:, kernels.FORM] != kernels.CHAIN]
        assert not np.isin(blocks[:, [kernels.MX, kernels.MY, kernels.MZ]], kernels.GATHER).any()


def spoilt(plan, at, change):
    code = plan.code.copy()
    code[at] = change(int(code[at]))
    return plan._replace(code=code)


@pytest.mark.parametrize(
    "field",
    [
        kernels.XI,
        kernels.XO,
        kernels.YO,
        kernels.OUT,
        kernels.DX,
        -kernels.SOURCE,
        -kernels.PARTIAL_AT,
        -kernels.TARGET,
        -kernels.SIGN,
    ],
)
def test_a_wrong_offset_is_noticed(field):
    """A field of a row, or where negative of a pull."""

    def f(x):
        return sum([jt.sin(a * b) - a / b for a in x for b in x[:7]])

    x = [0.1 * k for k in range(1, 21)]
    plan = schedule.schedule(tape := jt.record(f, x).tape)
    start, width, rows = (
        (kernels.HEADER, kernels.ROW, plan.rows)
        if field > 0
        else (int(plan.code[kernels.AT_PULLS]), kernels.PULL, plan.pulls[1:])
    )
    start += 0 if field > 0 else kernels.PULL
    noticed = []
    for r, row in enumerate(rows):
        if field == -kernels.SIGN or row[abs(field)] > 1:
            wrong, apart = differences(
                tape, spoilt(plan, start + width * r + abs(field), lambda v: v - 1 if v else 1), np.array(x)
            )
            noticed.append(bool(wrong) or apart > 1e-9)
    assert any(noticed)


def kinds(program):
    return [int(row[kernels.FORM]) for row in program.plan.rows]


def test_a_running_sum_is_one_chain():
    for step in (lambda s, y: s + y, lambda s, y: y + s, lambda s, y: s - y):

        def f(x, step=step):
            s = 0.0
            for y in x:
                s = step(s, y / 4.0)
            return s

        x = [0.1 * k for k in range(100)]
        program = jt.record(f, x)
        assert kinds(program) == [kernels.BLOCK, kernels.CHAIN]
        value, gradient = program.value_and_grad(x)
        sign = 1.0 if f([1.0]) > 0 else -1.0
        assert value == f(x)
        np.testing.assert_array_equal(gradient, [sign * 0.25] * 100)


@pytest.mark.parametrize("n", [8, 40, 2500])
@pytest.mark.parametrize("factors", ["row", "one", "list", "constants", "data", "computed"])
def test_a_running_product_is_one_chain(n, factors):
    order = np.random.default_rng(5).permutation(n).tolist()

    def f(x, data):
        items = {
            "row": x[:n],
            "one": [x[3]] * n,
            "list": [x[k] for k in order],
            "constants": [1.0 + 0.001 * (k % 7) for k in range(n)],
            "data": data,
            "computed": [jt.cos(0.1 * a) for a in x[:n]],
        }[factors]
        p = x[-1]
        for k, a in enumerate(items):
            p = p * a if k % 2 else a * p
        q = x[-2] + p  # shares its adjoint with the product's
        return q * x[-3] + jt.sin(p) - p

    x, data = [1.0 + 0.001 * (k % 5) for k in range(n + 3)], [1.0 - 0.001 * (k % 3) for k in range(n)]
    program = jt.record(f, x, data)
    rows = program.plan.rows
    chained = rows[rows[:, kernels.FORM] == kernels.PRODUCT][:, kernels.N]
    assert chained.sum() == n and len(chained) == -(-n // 1024)
    for x[3], data[2] in ((1.5, 0.5), (0.0, 0.0), (math.inf, 2.0), (-0.0, math.nan)):
        wrong, apart = differences(program.tape, program.plan, np.array([*x, *data]))
        assert not wrong
        assert apart < 1e-12


def test_a_chain_adds_products_that_follow_each_other_without_computing_them_apart():
    """Five products, then a number, and so on."""

    def f(x):
        s = 0.0
        for k in range(0, 60, 6):
            for j in range(k, k + 5):
                s = s + x[j] * x[j + 60]
            s = s + x[k + 5]
        return s

    x = [0.1 * k for k in range(120)]
    program = jt.record(f, x)
    assert kinds(program) == [kernels.DOT, kernels.CHAIN] * 10
    wrong, apart = differences(program.tape, program.plan, np.array(x))
    assert not wrong and apart < 1e-13


@pytest.mark.parametrize("start", [None, "constant", "input", "product"])
@pytest.mark.parametrize("sign", ["+", "-", "reflected +"])
@pytest.mark.parametrize("factors", ["rows", "one", "apart", "lists", "constants", "data", "squares", "of the chain before"])
def test_a_sum_of_products_is_one_chain_of_products(start, sign, factors):
    n = 90
    order = np.random.default_rng(5).permutation(n).tolist()

    def f(x, data):
        y, z = {
            "rows": (x[:n], x[n : 2 * n]),
            "one": (x[:n], [x[3]] * n),
            "apart": (x[: 2 * n : 2], x[1 : 2 * n : 2]),
            "lists": ([x[k] for k in order], [x[n + order[k] // 2] for k in range(n)]),
            "constants": (x[:n], [0.01 * k for k in range(n)]),
            "data": (data, x[:n]),
            "squares": (x[:n], x[:n]),
            "of the chain before": (x[:n], x[n : 2 * n]),
        }[factors]
        for _ in range(2 if factors == "of the chain before" else 1):
            s = {None: y[0] * z[0], "constant": 0.5, "input": x[-1], "product": x[-1] * x[-2]}[start]
            for a, b in zip(y[start is None :], z[start is None :], strict=True):
                s = s + a * b if sign == "+" else s - a * b if sign == "-" else a * b + s
            y, z = [s, *y[1:]], [s, *x[2 * n : 3 * n - 1]]
        return s

    x, data = [0.3 + 0.01 * k for k in range(3 * n + 2)], [0.1 * k for k in range(n)]
    program = jt.record(f, x, data)
    rows = program.plan.rows
    chained = rows[rows[:, kernels.FORM] == kernels.DOT][:, kernels.N].tolist()
    assert chained == [n - (start is None)] * (2 if factors == "of the chain before" else 1)
    tape = program.tape
    for x[3] in (1.5, 0.0, math.inf):
        wrong, apart = differences(tape, program.plan, np.array([*x, *data]))
        assert not wrong
        assert apart < 1e-13


def test_a_long_chain_of_products_is_cut_where_its_factors_are_copied():
    n = 3000

    def f(x, y):
        return sum([a * b for a, b in zip(x, y[::-1], strict=True)])

    x, y = np.linspace(0.5, 1.0, n).tolist(), np.linspace(-1.0, 1.0, n).tolist()
    program = jt.record(f, x, y, argnums=(0, 1))
    rows = program.plan.rows
    assert rows[rows[:, kernels.FORM] == kernels.DOT][:, kernels.N].tolist() == [1024, 1024, 952]
    value, (gx, gy) = program.value_and_grad(x, y)
    assert value == f(x, y)
    assert gx == y[::-1] and gy == x[::-1]


def test_an_adjoint_of_zero_passes_nothing_to_infinite_factors():
    def f(x, y, gate):
        return sum([a * b for a, b in zip(x, y, strict=True)]) * gate + x[0]

    program = jt.record(f, [1.0] * 8, [1.0] * 8, 1.0)
    x, y = [1.0] * 8, [2.0] * 7 + [math.inf]
    value, gradient = program.value_and_grad(x, y, 0.0)
    assert math.isnan(value)
    assert gradient == [1.0] + [0.0] * 7


@pytest.mark.parametrize("n", [12, 40, 300])
@pytest.mark.parametrize("more", [False, True])
def test_an_adjoint_of_zero_passes_nothing_in_blocks(n, more):
    """Rows of adjoints, set or added to, and one adjoint for all; beside finite products, and beside some that overflow."""
    x = np.linspace(0.5, 2.0, n)
    x[3::5] = 0.0
    m = (x > 0.0).astype(float)
    k = np.where(x > 0.0, x, np.inf)

    def f(x, s, m, k):
        total = np.sum(np.sqrt(x) * m)
        total = total + np.sum(jt.where(m > 0.0, s * k, 0.0))
        return total + np.sum(x * x) if more else total

    g = jt.grad(f, argnums=(0, 1))
    with np.errstate(divide="ignore"):
        expected = np.where(x > 0.0, 0.5 / np.sqrt(x), 0.0) + (2.0 * x if more else 0.0)
    gx, gs = g(x, 2.0, m, k)
    assert np.allclose(gx, expected, rtol=1e-15)
    assert gs == pytest.approx(x.sum(), rel=1e-14)
    k[0], m[0] = 1e308, 1e308
    k[1], m[1] = 1e308, 1e308
    gx, gs = g(x, 2.0, m, k)
    assert gs == np.inf
    assert np.allclose(gx[2:], expected[2:], rtol=1e-15)
    assert np.allclose(gx[:2], 1e308 * 0.5 / np.sqrt(x[:2]), rtol=1e-15)


def test_what_a_recurrence_computes_on_the_way_is_a_block_after_it():
    """The terms of a likelihood wait for each other, also where a chain adds them up; conditions of guards do not."""
    rng = np.random.default_rng(5)
    returns = rng.normal(size=120).tolist()

    def loss(a, b):
        variance, total = 1.0, 0.0
        for r in returns:
            variance = a + b * variance
            if variance < 0.0:
                return variance
            total = total + (jt.log(variance) + r * r / variance)
        return total

    program = jt.record(loss, 0.2, 0.7, argnums=(0, 1))
    blocks = [line.split()[:2] for line in program.show().splitlines()]
    assert {what for n, what in blocks if n.isdigit() and int(n) > 100} >= {"log", "divide", "add"}
    for _ in range(5):
        wrong, apart = differences(program.tape, program.plan, np.array([0.2, 0.7]) * rng.uniform(0.9, 1.1, 2))
        assert not len(wrong)
        assert apart < 1e-13
    with pytest.raises(jt.BranchChanged, match="guard 0"):
        program.value_and_grad(-5.0, 0.7)


def test_chains_side_by_side_are_levelled():
    def f(x):
        return sum(sum(x[i * 8 + j] * x[j] for j in range(8)) ** 2 for i in range(40))

    program = jt.record(f, [0.01 * k for k in range(320)])
    rows = program.plan.rows
    assert len(rows) < 60
    assert (rows[:, kernels.FORM] == kernels.CHAIN).sum() == 1


def test_common_subexpressions_and_dead_code_are_gone():
    def f(x):
        for _ in range(50):
            jt.exp(x[0])
        return sum(jt.sin(x[i % 5]) * x[i % 5] for i in range(200))

    program = jt.record(f, [0.1, 0.2, 0.3, 0.4, 0.5])
    rows = program.plan.rows[program.plan.rows[:, kernels.FORM] != kernels.CHAIN]
    done = (rows[:, kernels.N] * rows[:, kernels.REPEATS]).sum()
    assert done <= 15


def test_a_sweep_in_pieces_is_the_same(monkeypatch):
    tape = random_tape(3, 1200)
    x = tape.val[1 : 1 + tape.n_inputs].copy()
    whole = run(schedule.schedule(tape), x, tape.n_inputs)
    monkeypatch.setattr(schedule, "CHUNK", 100)
    plan = schedule.schedule(tape)
    assert len(plan.pieces[0]) > 3 and len(plan.pieces[1]) > 3
    parts = run(plan, x, tape.n_inputs)
    np.testing.assert_array_equal(whole[1], parts[1])


def far(plan):
    """Whether a plan's pulls of single numbers look ahead."""
    addresses = plan.code[kernels.AT : kernels.HEADER].view(np.uint64)
    ahead = kernels.addresses({kernels.AT_SINGLES: kernels.far_singles}).view(np.uint64)
    return addresses[kernels.AT_SINGLES] == ahead[kernels.AT_SINGLES]


@pytest.mark.parametrize("seed", range(8))
def test_looking_ahead_changes_nothing(seed, monkeypatch):
    tape = irregular_tape(seed, 1200)
    x = tape.val[1 : 1 + tape.n_inputs].copy()
    near = schedule.schedule(tape)
    monkeypatch.setattr(schedule, "FAR", -1)
    plan = schedule.schedule(tape)
    assert far(plan) and not far(near)
    # however far ahead of the last pull, there is code
    assert len(plan.code) == len(near.code) + kernels.AHEAD
    np.testing.assert_array_equal(run(plan, x, tape.n_inputs)[0], run(near, x, tape.n_inputs)[0])


@pytest.mark.skipif(config.DISABLE_JIT, reason="takes minutes there")
@pytest.mark.parametrize(("reach", "ahead"), [(400_000, True), (100, False)])
def test_what_reaches_far_looks_ahead(reach, ahead):
    rng, recording = np.random.default_rng(0), Recording()
    have, read = [recording.append(INPUT, 0, 0, value) for value in (0.3, -0.7, 0.5)], {0}
    codes = [CODE[name] for name in ("add", "multiply", "sin", "tanh", "subtract")]
    for kind, back, other in zip(rng.integers(len(codes), size=400_000), *rng.random((2, 400_000)), strict=True):
        a, b = (have[-1 - int(u * min(len(have), reach))] for u in (back, other))
        b = 0 if OPS[codes[kind]].arity == 1 else b
        read |= {a, b}
        value = formulas.value(codes[kind], recording.value(a), recording.value(b))
        have.append(recording.append(codes[kind], a, b, value))
    total = have[-1]
    for row in sorted(set(have[:-1]) - read):
        total = recording.append(CODE["add"], total, row, recording.value(total) + recording.value(row))
    tape = recording.freeze([total])
    plan = schedule.schedule(tape)
    assert far(plan) == ahead
    wrong, apart = differences(tape, plan, np.array([0.31, -0.69, 0.52]))
    assert not len(wrong)
    assert apart < 1e-9


def test_every_operation_runs_in_a_block_as_it_does_alone():
    for code, op in enumerate(OPS):
        recording = Recording()
        rng = np.random.default_rng(code)
        xs = [recording.append(INPUT, 0, 0, rng.uniform(*op.near[0])) for _ in range(40)]
        ys = [recording.append(INPUT, 0, 0, rng.uniform(*op.near[-1])) for _ in range(40)]
        out = [
            recording.append(code, x, 0 if op.arity == 1 else y, formulas.value(code, recording.value(x), recording.value(y)))
            for x, y in zip(xs, ys, strict=True)
        ]
        total = out[0]
        for row in out[1:]:
            total = recording.append(CODE["add"], total, row, recording.value(total) + recording.value(row))
        tape = recording.freeze([total])
        plan = schedule.schedule(tape)
        wrong, apart = differences(tape, plan, tape.val[1 : 1 + tape.n_inputs].copy())
        assert not wrong, op.name
        assert apart < 1e-14, op.name
