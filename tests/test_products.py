"""Products of matrices as single entries of a tape: their values, gradients and plans against those of plain loops."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jittape as jt
from jittape import kernels, products, schedule
from jittape.errors import NonFiniteError, TapeFormatError
from jittape.ops import CODE, MATMUL
from jittape.recording import Recording
from jittape.tape import Tape

RNG = np.random.default_rng(5)


def run(plan, x):
    """All values and adjoints after a sweep, and the gradient in every input."""
    kernels.ready()
    work = plan.buffer()
    work[1 : 1 + len(x)] = x
    kernels.sweep(plan.code, work, plan.pieces, kernels.GRADIENT | kernels.UNGUARDED)
    start = len(plan.template) + 1
    return work, work[start : start + len(x)].copy()


def check(tape, x):
    """A tape's plan has the values of the multiplications and additions that it stands for, to the bit, and their gradient."""
    spelled, slot = tape.spelled_out()
    template = np.concatenate([spelled.val[: spelled.first], np.zeros(len(spelled))])
    active = np.concatenate([[0], spelled.active, np.zeros(len(template) - 1 - spelled.n_inputs)])
    reference, expected = run(schedule.direct(spelled.op, spelled.a, spelled.b, template, int(spelled.outputs[0]), active), x)
    plan = schedule.schedule(tape)
    work, gradient = run(plan, x)
    there = np.flatnonzero(plan.where > 0)
    np.testing.assert_array_equal(work[plan.where[there]], reference[slot[there]])
    scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=1.0)
    np.testing.assert_allclose(gradient[tape.active], expected[tape.active], rtol=0, atol=1e-11 * scale)
    np.testing.assert_array_equal(spelled.val[slot], tape.val)
    return plan


def record(f, *args, argnums=None):
    """The tape of a function of all, or some, of these arguments."""
    return jt.record(f, *args, argnums=tuple(range(len(args))) if argnums is None else argnums).tape


A, B = RNG.normal(size=(20, 11)), RNG.normal(size=(11, 14))
LONG, SHORT = RNG.normal(size=(800, 12)), RNG.normal(size=12)


def hankel(v, rows, columns):
    return v[np.arange(rows)[:, None] + np.arange(columns)]


LAYOUTS = {
    "in rows": lambda a, b: a @ b,
    "one transposed": lambda a, b: a @ b.reshape(14, 11).T,
    "both transposed": lambda a, b: a.reshape(11, 20).T @ b.reshape(14, 11).T,
    "turned": lambda a, b: b.T @ a.T,
    "reversed": lambda a, b: a[::-1] @ b[:, ::-1],
    "every other": lambda a, b: a[:, ::2] @ b[:6],
    "computed": lambda a, b: np.sin(a) @ np.tanh(b),
    "a triangle": lambda a, b: a @ np.triu(b),
    "shuffled": lambda a, b: a[RNG.permutation(20)] @ b,
    "a window": lambda a, b: hankel(a.ravel(), 30, 11) @ b,
    "a window backwards": lambda a, b: a @ hankel(b.ravel()[::-1], 11, 20),
    "a row for all": lambda a, b: a[[3] * 12] @ b,
    "constants": lambda a, b: A @ b + a[0, 0],
    "constants alike": lambda a, b: np.ones((20, 11)) @ b + a[0, 0],
    "constants among others": lambda a, b: np.where(A > 0.0, a, 0.5) @ b,
    "with itself": lambda a, b: a @ a.T,
    "a column": lambda a, b: np.outer(np.tile(a, (3, 1)) @ b[:, 3], a[0]),
    "a column of constants": lambda a, b: (np.tile(A, (3, 1)) @ b[:, 3]) * a[0, 0],
    "a row": lambda a, b: (np.tile(A[:, 0], 3) @ np.tile(a, (3, 1))) * b[:, 0],
    "one number": lambda a, b: np.dot(np.tile(A.ravel(), 3), np.tile(a.ravel(), 3)) * b[0, 0],
    "one number of every other": lambda a, b: np.dot(np.tile(A.ravel(), 6), np.tile(a, (3, 4)).ravel()[::2]) * b,
    "batches": lambda a, b: np.einsum("bij,bjk->bik", a.reshape(2, 10, 11), np.stack([b, np.cos(b)])),
    "two axes": lambda a, b: np.einsum("ijk,jkl->il", a.reshape(20, 11, 1), b.reshape(11, 1, 14)),
    "a result in a result": lambda a, b: (a @ b) @ (a @ b).T,
}


@pytest.mark.parametrize("argnums", [(0, 1), (0,), (1,)])
@pytest.mark.parametrize("f", LAYOUTS.values(), ids=LAYOUTS)
def test_wherever_its_factors_lie_it_is_what_a_loop_computes(f, argnums):
    tape = record(lambda a, b: np.sum(np.sin(f(a, b))), A, B, argnums=argnums)
    assert tape.products
    check(tape, np.concatenate([A.ravel(), B.ravel()]))
    check(tape, RNG.normal(size=A.size + B.size))


@given(m=st.integers(1, 40), k=st.integers(4, 40), n=st.integers(1, 40), seed=st.integers(0, 99))
def test_the_gradient_is_that_of_the_closed_form(m, k, n, seed):
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(m, k)), rng.normal(size=(k, n)), rng.normal(size=(m, n))
    value, (da, db) = jt.value_and_grad(lambda a, b: np.sum(c * (a @ b)), argnums=(0, 1))(a, b)
    np.testing.assert_allclose(value, np.sum(c * (a @ b)), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(da, c @ b.T, rtol=0, atol=1e-10)
    np.testing.assert_allclose(db, a.T @ c, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(3, 5, 2), (1, 7, 1), (1, 3000, 1), (2, 4000, 3), (40, 6, 50), (5, 1, 4), (1, 1, 1)])
def test_values_are_sums_from_the_left(shape):
    m, k, n = shape
    x, y = RNG.normal(size=(m, k)), RNG.normal(size=(k, n)) * 1e3
    expected = np.zeros((m, n))
    for i in range(m):
        for j in range(n):
            total = x[i, 0] * y[0, j]
            for t in range(1, k):
                total += x[i, t] * y[t, j]
            expected[i, j] = total
    np.testing.assert_array_equal(products.values(x, y), expected)


def test_a_product_is_one_entry_and_the_same_one_comes_once():
    def f(w, x):
        return np.sum(np.logaddexp(0.0, x @ w)) + np.sum(np.square(x @ w))

    w, x = RNG.normal(size=20), RNG.normal(size=(50, 20))
    tape = record(f, w, x)
    assert len(tape.products) == 1
    assert np.count_nonzero(tape.op == MATMUL) == 50
    assert len(tape) < 5 * 50
    constants = record(lambda w: f(w, x), w)
    assert len(constants.products) == 1
    assert constants.n_constants < x.size + 10
    check(constants, w)


def test_what_a_caller_writes_into_a_product_is_not_in_the_next_one():
    def f(a, b):
        first = a @ b
        first[0] = 0.0
        return np.sum(first) + np.sum(np.sin(a @ b))

    value = jt.value_and_grad(f)(A, B)[0]
    assert value == pytest.approx(np.sum((A @ B)[1:]) + np.sum(np.sin(A @ B)))


def test_what_is_written_into_a_factor_afterwards_is_not_in_the_product():
    def f(a, b):
        a = a.copy()
        c = a @ b
        a[...] = np.sin(a)
        a[0] = np.sum(c)
        return np.sum(np.cos(a @ b)) + np.sum(c)

    tape = record(f, A, B)
    assert len(tape.products) == 2
    check(tape, np.concatenate([A.ravel(), B.ravel()]))
    assert jt.value_and_grad(f)(A, B)[0] == pytest.approx(f(A, B), rel=1e-11)


def test_short_products_loops_and_the_eager_layer_record_what_they_did():
    assert not record(lambda a, b: np.sum(a[:4, :5] @ b[:5, :4]), A, B).products
    assert not record(lambda a, b: np.sum(np.sin(a).ravel() @ np.cos(a).ravel()), np.tile(A, (4, 1)), B).products
    loop = record(lambda a, b: np.sum(jt.array([sum(x * y for x, y in zip(r, c, strict=True)) for r in a for c in b.T])), A, B)
    assert not loop.products
    x = jt.array([jt.var(v) for v in A.ravel()]).reshape(A.shape)
    np.sum(x @ B).backprop()
    np.testing.assert_allclose(x.sensitivity, np.tile(B.sum(1), (20, 1)))


def test_of_a_product_that_nobody_reads_nothing_is_run():
    tape = record(lambda a, b: (a @ b, np.sum(a))[1], A, B)
    assert tape.products
    plan = check(tape, np.concatenate([A.ravel(), B.ravel()]))
    assert kernels.MATRIX not in plan.rows[:, kernels.FORM]


def test_one_number_of_a_product():
    tape = record(lambda a, b: np.exp((a @ b)[3, 5]), A, B)
    check(tape, np.concatenate([A.ravel(), B.ravel()]))


def test_a_large_product_is_cut_where_a_sweep_may_be_interrupted(monkeypatch):
    monkeypatch.setattr(kernels, "LARGEST_PRODUCT", 1000)
    for f in (LAYOUTS["in rows"], LAYOUTS["turned"], LAYOUTS["computed"]):
        kernels.in_python.cache_clear()
        monkeypatch.setattr(kernels, "planning", lambda n, writes: kernels.in_python())
        plan = check(record(lambda a, b, f=f: np.sum(np.sin(f(a, b))), A, B), np.concatenate([A.ravel(), B.ravel()]))
        assert np.count_nonzero(plan.rows[:, kernels.FORM] == kernels.MATRIX) > 3
    kernels.in_python.cache_clear()


@pytest.mark.parametrize(
    "f",
    [
        lambda a, w: np.sin(a) @ np.outer(w, w[:3]),
        lambda a, w: np.outer(w[:3], w) @ np.sin(a).T,
        lambda a, w: np.sin(a) @ w[:, None][:, [0, 0]],
        lambda a, w: a.T @ np.cos(a),
        lambda a, w: np.cos(a)[:, :1].T @ a,
        lambda a, w: a.reshape(12, 800).T @ w,
        lambda a, w: a.reshape(12, 800)[:, ::-1].T @ np.r_[w, w][::2],
    ],
)
def test_sides_longer_than_scratch(f):
    tape = record(lambda a, w: np.sum(np.sin(f(a, w))), LONG, SHORT)
    assert tape.products
    check(tape, np.concatenate([LONG.ravel(), SHORT]))


def sequences():
    x, w, u = RNG.normal(size=(6, 30)), RNG.normal(size=(30, 40)), RNG.normal(size=(40, 40))

    def recurrent(x, w, u):
        h = np.zeros(40)
        for row in x:
            h = np.tanh(row @ w + u @ h)
        return h

    yield "rows", lambda x, w, u: np.stack([row @ w for row in x]), (x, w, u), 1
    yield "rows from the last on", lambda x, w, u: np.stack([row @ w for row in x[::-1]]), (x, w, u), 1
    yield "columns", lambda x, w, u: np.stack([w.T @ row for row in x]), (x, w, u), 1
    yield (
        "columns of what lies in rows",
        lambda x, w, u: np.stack([u @ row for row in x.reshape(-1)[:160].reshape(4, 40)]),
        (x, w, u),
        1,
    )
    yield "several rows", lambda x, w, u: np.concatenate([rows @ w for rows in (x[:2], x[2:4], x[4:])]), (x, w, u), 1
    yield "several rows and a gap", lambda x, w, u: np.concatenate([rows @ w for rows in (x[:2], x[3:5])]), (x, w, u), 2
    yield "more rows than columns", lambda x, w, u: np.concatenate([u @ k for k in (w[:10].T, w[10:20].T)]), (x, w, u), 2
    yield "rows and other rows", lambda x, w, u: np.concatenate([x[0] @ w, x[:2].reshape(-1)[:40] @ u, x[1] @ w]), (x, w, u), 3
    yield "computed rows", lambda x, w, u: np.stack([row @ w for row in np.sin(x)]), (x, w, u), 1
    yield "constants", lambda w: np.stack([row @ w for row in x]), (w,), 1
    yield "a recurrence", recurrent, (x, w, u), 8


@pytest.mark.parametrize(("f", "args", "number"), [pytest.param(*rest, id=name) for name, *rest in sequences()])
def test_products_of_a_sequence_run_as_one(f, args, number):
    tape = record(lambda *args: np.sum(np.sin(f(*args))), *args)
    plan = check(tape, np.concatenate([arg.ravel() for arg in args]))
    assert np.count_nonzero(plan.rows[:, kernels.FORM] == kernels.MATRIX) == number


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "matrix",
    [
        lambda w: np.concatenate([w, w[:, :1]], axis=1)[:, 1:],
        np.tril,
        lambda w: np.block([[w[:20, :20], w[:20, 20:]], [w[:20, 20:].T, w[:20, :20]]]),
        lambda w: w[0][np.subtract.outer(np.arange(40), np.arange(40)) % 40],
    ],
)
def test_a_scattered_factor_of_many_products_is_copied_once(matrix, compiled, monkeypatch):
    """Each product copied it anew, and wrote behind the end of what there was room for."""
    if compiled:
        monkeypatch.setattr(kernels, "BEFORE_COMPILING", {"emit": 0, "unroll": 0})
        monkeypatch.setattr(kernels, "BEFORE_LOADING", {"emit": 0, "unroll": 0})
        kernels._left.clear()

    def f(w, x):
        m = matrix(w)
        for _ in range(20):
            x = np.tanh(m @ x)
        return np.sum(x)

    w, x = RNG.normal(size=(40, 40)) / 6, RNG.normal(size=40)
    plan = check(record(f, w, x), np.concatenate([w.ravel(), x]))
    copied = plan.rows[(plan.rows[:, kernels.OP] & 255) == CODE["copy"], kernels.N].sum()
    assert copied == 1600
    kernels._left.clear()


def test_rows_and_columns_that_come_again_are_multiplied_once():
    group = np.arange(50) % 7

    def f(x, w):
        return np.sum(np.sin(x[group] @ w[:, [0, 3, 0, 1, 3]]))

    tape = record(f, A, B)
    assert np.count_nonzero(tape.op == MATMUL) == 7 * 3
    check(tape, np.concatenate([A.ravel(), B.ravel()]))
    assert jt.value_and_grad(f)(A, B)[0] == pytest.approx(f(A, B))
    spread = record(lambda x: np.sum(np.broadcast_to(x[:, None], (11, 14)).T @ np.broadcast_to(x, (20, 11)).T), A[0])
    assert np.count_nonzero(spread.op == MATMUL) == 1


def test_few_terms_of_many_products():
    for terms in (1, 2, 3):
        tape = record(lambda a, b: np.sum(np.sin(a @ b)), RNG.normal(size=(100, terms)), RNG.normal(size=(terms, 90)))
        assert bool(tape.products) == (terms > 1)
        check(tape, tape.val[1 : 1 + tape.n_inputs])


def test_numbers_among_the_operands_of_einsum():
    ones, x = np.ones(3), np.arange(4.0)
    for subscripts, others in (
        ("i,i,j", (ones, ones)),
        ("ii,jj,k", (np.eye(2), np.eye(3))),
        ("i,i,j,j->", (ones, ones, np.ones(4))),
    ):
        for optimize in (False, "greedy", "optimal"):
            gradient = jt.grad(lambda x, s=subscripts, g=others, o=optimize: np.sum(np.einsum(s, *g, x, optimize=o)))(x)
            expected = np.einsum(subscripts, *others, np.ones(4)) if "->" in subscripts else np.einsum(subscripts[:-2], *others)
            np.testing.assert_allclose(gradient, np.full(4, np.sum(expected) / (4 if "->" in subscripts else 1)))


def test_to_spell_out_more_than_there_is_memory_for_is_an_error(monkeypatch):
    program = jt.record(lambda a, b: np.sum(a @ b), A, B)
    monkeypatch.setattr("jittape.memory._ALWAYS", 0)
    monkeypatch.setattr("jittape.memory.available", lambda: 100_000)
    with pytest.raises(jt.TapeCapacityError, match="spelling out"):
        program.tape.spelled_out()


def test_products_leave_a_recurrence_its_turns():
    """Beside one product a likelihood ran one operation at a time."""
    r = RNG.normal(size=300).tolist()

    def f(p, a, b):
        s, total = 0.1, 0.0
        for k, x in enumerate(r):
            s = p[0] + p[1] * x * x + p[2] * s
            total = total + jt.log(s) + x * x / s
            if k == 150:
                s = s + 0.1 * np.mean(jt.tanh(a * s) @ b)
        return total + np.mean(np.tanh(a @ b))

    tape = record(f, np.array([0.1, 0.1, 0.8]), A, B)
    plan = check(tape, tape.val[1 : 1 + tape.n_inputs])
    rows = plan.rows
    alone = int(rows[rows[:, kernels.FORM] == kernels.STRETCH, kernels.N].sum())
    assert len(tape.products) == 2 and alone < 900


ODD_SIDES = {
    "reversed columns": ((30, 6), (6, 769), lambda a, b: a @ b[:, ::-1]),
    "every other column": ((5, 4), (4, 2 * 1537), lambda a, b: a @ b[:, ::2]),
    "every other row": ((2 * 769, 6), (6, 10), lambda a, b: a[::2] @ b),
    "transposed": ((6, 30), (6, 2 * 769), lambda a, b: b[:, ::2].T @ a),
    "five rows of 4000 terms": ((5, 4000), (4000, 10), lambda a, b: a @ b),
    "three rows of 4000 terms": ((3, 4000), (4000, 60), lambda a, b: a @ b),
    "seven rows of 4001 terms": ((7, 4001), (4001, 5), lambda a, b: a @ b),
    "five columns of 4000 terms": ((10, 4000), (4000, 5), lambda a, b: a @ b),
    "4000 terms, transposed": ((4000, 5), (10, 4000), lambda a, b: a.T @ b.T),
}


@pytest.mark.parametrize(("left", "right", "f"), ODD_SIDES.values(), ids=ODD_SIDES)
def test_sides_that_are_cut_and_rows_that_are_left_over(left, right, f):
    """A piece of one column was summed as if its terms were neighbours, and a tile of no rows never came to an end."""
    a, b = RNG.normal(size=left) / left[1], RNG.normal(size=right)
    value, (da, db) = jt.value_and_grad(lambda a, b: np.sum(np.sin(f(a, b))), argnums=(0, 1))(a, b)
    assert value == pytest.approx(np.sum(np.sin(f(a, b))), rel=1e-10)
    step_a, step_b = RNG.normal(size=left), RNG.normal(size=right)
    slope = np.sum(np.cos(f(a, b)) * (f(step_a, b) + f(a, step_b)))
    assert np.sum(da * step_a) + np.sum(db * step_b) == pytest.approx(slope, rel=1e-8)


def test_a_computed_factor_of_many_products_among_turns():
    """There was room for who reads it once."""

    def f(w, h):
        m = np.sin(w)
        total, u = 0.0, h[0, 0]
        for _ in range(8):
            h = np.tanh(m @ h)
            for i in range(12):
                u = jt.exp(-u * u) + h[0, 1]
                total = total + jt.log(2.0 + jt.cos(h[i, 0] + u)) * h[i, 1]
        return total + np.sum(h)

    tape = record(f, RNG.normal(size=(40, 40)), RNG.normal(size=(40, 2)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schedule, "_LONG_WAIT", 0)
        patched.setattr(schedule, "_WORTH_TURNS", 10**9)
        check(tape, tape.val[1 : 1 + tape.n_inputs])


def test_an_interrupt_before_its_rows_leaves_no_product(monkeypatch):
    extend, raised = Recording.extend, []

    def interrupted(self, op, a, b, values):
        if op == MATMUL and len(raised) < 2:
            raised.append(1)
            raise KeyboardInterrupt
        return extend(self, op, a, b, values)

    monkeypatch.setattr(Recording, "extend", interrupted)

    def f(a, b):
        total = 0.0
        for k in range(4):
            try:
                total = total + np.sum(np.sin((k + 1.0) * a @ b))
            except KeyboardInterrupt:
                total = total + np.sum(a)
        return total

    tape = record(f, A, B)
    assert len(raised) == 2 and len(tape.products) == 2
    check(tape, np.concatenate([A.ravel(), B.ravel()]))


def test_infinities_pass_as_in_a_loop():
    a, b = A.copy(), B.copy()
    tape = record(lambda a, b: np.sum(np.where(a @ b > 0.0, np.tanh(a @ b), 0.0)), a, b)
    for at, x in ((3, np.inf), (7, -np.inf), (11, np.nan)):
        a.ravel()[at] = x
        check(tape, np.concatenate([a.ravel(), b.ravel()]))


@pytest.mark.parametrize("shape", [(40, 16), (40,), (3, 300)])
def test_an_infinite_adjoint_goes_to_the_element_that_was_picked(shape):
    table = np.ones(shape)
    table[2] = 0.0
    picked = np.array([1, 2, 0] * 10)
    gradient = jt.grad(lambda table, picked: np.sum(np.sqrt(table[picked])))(table, picked)
    expected = np.zeros(shape)
    expected[:2], expected[2] = 5.0, np.inf
    np.testing.assert_array_equal(gradient, expected)
    gradient = jt.grad(lambda table, picked: np.sum(np.log(table[picked] - 0.5)))(table, picked)
    expected[:2], expected[2] = 20.0, np.nan
    np.testing.assert_array_equal(gradient, expected)
    checked = jt.grad(lambda table, picked: np.sum(np.sqrt(table[picked])), check_finite=True)
    with pytest.raises(NonFiniteError, match="sqrt"):
        checked(table, picked)
    np.testing.assert_allclose(checked(table + 1.0, picked)[:2], np.full(shape, 5.0 / np.sqrt(2.0))[:2])


def test_guards_on_results():
    def f(a, b):
        c = a @ b
        return np.sum(np.sin(c)) if c[0, 0] > 0.0 else np.sum(c)

    g = jt.value_and_grad(f)
    for sign in (1.0, -1.0, 1.0, -1.0):
        value, gradient = g(sign * A, B)
        expected = f(sign * A, B)
        assert value == pytest.approx(expected)
        slope = np.cos(sign * A @ B) if sign * (A @ B)[0, 0] > 0.0 else np.ones((20, 14))
        np.testing.assert_allclose(gradient, slope @ B.T, atol=1e-12)
    assert g.cache_info().records == 2


def test_what_has_no_derivative_behind_a_product_is_an_index():
    table = RNG.normal(size=(60, 11))

    def f(w, picked):
        places = (picked @ np.arange(60.0)).astype(int)
        return np.sum(np.sin(jt.array(table)[places] @ w))

    picked = np.eye(60)[[3, 7, 7, 59, 0, 1, 2, 4, 5, 6]]
    g = jt.value_and_grad(f)
    for chosen in (picked, picked[::-1]):
        value, gradient = g(B[:, 0], chosen)
        rows = table[chosen.argmax(1)]
        np.testing.assert_allclose(gradient, rows.T @ np.cos(rows @ B[:, 0]), atol=1e-12)
    with pytest.raises(TypeError, match="derivative"):
        jt.grad(lambda w: jt.array(table)[(picked[:, :11] @ w).astype(int)].sum())(np.ones(11))


def test_the_operation_that_made_an_infinity_is_found():
    f = jt.value_and_grad(lambda a, b: np.sum(np.log(a @ b)), check_finite=True)
    with pytest.raises(NonFiniteError, match="log"):
        f(np.zeros((20, 11)), B)
    with pytest.raises(NonFiniteError, match="multiply|add"):
        f(np.full((20, 11), 1e200), np.full((11, 14), 1e200))


def test_recorded_lines_names_and_listing():
    program = jt.record(lambda a, b: np.sum(a @ b), A, B, lines=True)
    tape = program.tape
    assert tape.line(0)[0] == __file__
    listing = str(tape)
    assert "a[0, 0] * b[0, 0] + a[0, 1] * b[1, 0] + ... + a[0, 10] * b[10, 0]" in listing.replace("  ", " ")
    assert "matmul" in tape._repr_html_()
    spelled, slot = tape.spelled_out()
    assert spelled.line(0) == tape.line(0)
    assert len(spelled) == 20 * 14 * 21 + (len(tape) - 20 * 14)
    assert set(spelled.op.tolist()) == {CODE["multiply"], CODE["add"]}
    assert spelled.names.get(1) == tape.names.get(1)
    assert spelled.spelled_out()[0] is spelled
    dot = jt.record(lambda v: np.sum(np.dot(np.ones(600), np.tile(v, 300))), np.array([0.5, 0.25])).tape
    assert dot.products
    assert dot.to_dot().count("->") == 600
    assert "225" in dot.to_svg()


def test_a_tape_keeps_its_products_in_a_pickle():
    program = jt.record(lambda a, b: np.sum(np.sin(a @ b)), A, B)
    again = pickle.loads(pickle.dumps(program))
    assert again.value_and_grad(A, B)[0] == program.value_and_grad(A, B)[0]
    np.testing.assert_array_equal(again.tape.products[0].x, program.tape.products[0].x)
    state = record(lambda a, b: np.sum(a), A, B).__getstate__()
    del state["products"]  # as those have it that were written before there were any
    tape = Tape.__new__(Tape)
    tape.__setstate__(state)
    assert tape.products == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p._replace(start=1), "not the instructions"),
        (lambda p: p._replace(start=-1), "not instructions of its own"),
        (lambda p: p._replace(start=10_000), "not instructions of its own"),
        (lambda p: p._replace(x=p.x + 100_000), "not a slot before"),
        (lambda p: p._replace(y=p.y - 100_000), "not a slot before"),
        (lambda p: p._replace(y=p.y[1:]), "cannot be multiplied"),
        (lambda p: p._replace(x=p.x[0]), "cannot be multiplied"),
    ],
)
def test_a_tape_with_a_wrong_product_is_refused(change, message):
    tape = record(lambda a, b: np.sum(a @ b), A, B)
    columns = {name: getattr(tape, name) for name in Tape.__slots__}
    with pytest.raises(TapeFormatError, match=message):
        Tape(**columns | {"products": [change(tape.products[0])]})
    with pytest.raises(TapeFormatError, match="not the instructions"):
        Tape(**columns | {"products": []})


@given(seed=st.integers(0, 2**32 - 1), turns=st.booleans())
def test_products_among_other_operations(seed, turns):
    rng = np.random.default_rng(seed)
    steps = rng.integers(0, 9, (rng.integers(1, 5), 4))
    fixed = RNG.normal(size=(40, 40))

    def view(x, how):
        views = (
            x,
            x.T,
            x[::-1],
            np.triu(x),
            np.tanh(x),
            x[np.argsort(np.arange(len(x)) % 3)],
            np.where(fixed[: len(x), :1] > 0.0, x, 0.0),
        )
        return views[how % len(views)]

    def f(*args):
        have, total = list(args), 0.0
        for first, second, kind, after in steps.tolist():
            x, y = view(have[first % len(have)], second), view(have[second % len(have)], first)
            n = min(x.shape[1], y.shape[0])
            out = (
                x @ x.T,
                x @ fixed[: x.shape[1], : after + 1],
                fixed[: 3 * after + 1, : len(x)] @ x,
                x[:, :n] @ y[:n],
                (x[:, : x.shape[1] // 2 * 2 : 2] @ fixed[0, : x.shape[1] // 2])[:, None],
            )[kind % 5]
            out = np.sin(out) + out[0] if after % 2 else np.sin(out)
            have.append(out)
            total = total + np.sum(out) * (after % 3)
        return total + np.sum(np.cos(have[-1]))

    args = [rng.normal(size=tuple(rng.integers(2, 30, 2))) for _ in range(2)]
    argnums = [(0, 1), (0,), (1,)][seed % 3]
    tape = record(f, *args, argnums=argnums)
    with pytest.MonkeyPatch.context() as patched:
        if turns:  # whether they are worth it or not
            patched.setattr(schedule, "_LONG_WAIT", 0)
            patched.setattr(schedule, "_WORTH_TURNS", 10**9)
        check(tape, np.concatenate([arg.ravel() for arg in args]))
        check(tape, rng.normal(size=tape.n_inputs))


TABLES = {
    "inputs": lambda x, i: x[i],
    "inputs, columns": lambda x, i: x[:, i % x.shape[1]],
    "one number each": lambda x, i: x[i, i % x.shape[1]],
    "computed": lambda x, i: np.tanh(x)[i],
    "scattered": lambda x, i: np.concatenate([x[::2], np.sin(x[1::2])])[i],
    "constants": lambda x, i: jt.array(TABLE)[i] * x[0, 0],
    "picked from what was picked": lambda x, i: x[i][i[::-1] % len(i)],
    "labels from a table": lambda x, i: x[jt.array(np.arange(len(x))[::-1] * 1.0)[i].astype(int)],
    "again and again": lambda x, i: np.stack([x[i] * float(k) + x[i[k:] % 5, :1].sum() for k in range(3)]),
    "and multiplied": lambda x, i: x[i] @ x[i].T,
}
TABLE = RNG.normal(size=(12, 5))


def stored(x, i, store):
    y = np.tanh(x)
    store(y, x, i)
    return y


CHANGES = {
    "rows": lambda y, x, i: y.__setitem__(i, x[: len(i)] ** 2),
    "one number each": lambda y, x, i: y.__setitem__((i, i % x.shape[1]), x[: len(i), 0]),
    "columns": lambda y, x, i: y.__setitem__((slice(None), i % x.shape[1]), x[:, :1]),
    "a constant": lambda y, x, i: y.__setitem__(i, 1.0),
    "added": lambda y, x, i: np.add.at(y, i, x[: len(i)]),
    "added to one number each": lambda y, x, i: np.add.at(y, (i, i % x.shape[1]), x[: len(i), 1] ** 2),
    "subtracted": lambda y, x, i: np.subtract.at(y, (slice(2, 4), i % x.shape[1]), x[2:4, :1]),
    "one after the other": lambda y, x, i: (y.__setitem__(i, x[: len(i)]), np.add.at(y, i[::-1], y[: len(i)])),
}
TABLES |= {name: lambda x, i, store=store: stored(x, i, store) for name, store in CHANGES.items()}
TABLES |= {
    "counted": lambda x, i: np.bincount(i, x[: len(i), 0], minlength=12),
    "counted alone": lambda x, i: np.bincount(i, minlength=12) * x[0, 0],
    "found": lambda x, i: np.interp(x[i], np.cumsum(np.exp(x[:, 0])) - 4.0, x[:, 1]),
    "found in a plain grid": lambda x, i: np.interp(x[i], np.linspace(-2.0, 2.0, 7), np.arange(7.0) ** 2),
}


@pytest.mark.parametrize("name", TABLES)
def test_labels_are_what_comparisons_with_every_row_are(name):
    def f(x, i):
        found = TABLES[name](x, i)
        return np.sum(np.cos(found) * found)

    i = RNG.integers(0, 12, 9)
    program = jt.record(f, TABLE, i)
    tape = program.tape
    assert any(product.kind for product in tape.products)
    check(tape, np.concatenate([TABLE.ravel(), i]))
    copied = pickle.loads(pickle.dumps(program))
    for _ in range(3):
        x, i = RNG.normal(size=TABLE.shape), RNG.integers(0, 12, 9)
        value, gradient = program.value_and_grad(x, i)
        assert value == copied.value_and_grad(x, i)[0] == jt.record(f, x, i)(x, i)
        np.testing.assert_allclose(gradient, jt.grad(lambda x, i=i: f(x, i))(x), rtol=1e-12, atol=1e-13)
    assert any(word in program.show(head=None) for word in ("picked", "added", "set", "found"))
    assert tape.show(head=None)
    checked = jt.grad(f, check_finite=True)
    np.testing.assert_allclose(checked(TABLE, i), jt.grad(f)(TABLE, i), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["inputs", "one number each", "rows", "added", "counted"])
def test_labels_that_mean_nothing_reach_for_nothing(name):
    program = jt.record(lambda x, i: np.sum(TABLES[name](x, i) ** 2), TABLE, np.arange(6.0))
    for wrong in (-1.0, 12.0, 1e300, -np.inf, np.inf, np.nan, 2.0**63, -(2.0**31), 0.5):
        i = np.arange(6.0)
        i[3] = wrong
        with pytest.raises(jt.BranchChanged):
            program.value_and_grad(TABLE, i)
        run(program.plan, np.concatenate([TABLE.ravel(), i]))  # without guards


def test_a_lookup_costs_what_it_reads_and_not_what_it_could():
    program = jt.record(lambda x, i: np.sum(x[i]), RNG.normal(size=5000), RNG.integers(0, 5000, 700))
    assert len(program.tape) < 10 * 700


def test_what_was_not_picked_takes_nothing():
    x = np.array([0.0, np.inf, np.nan, 4.0, 9.0])
    value, gradient = jt.value_and_grad(lambda x, i: np.sum(np.sqrt(x[i])))(x, np.array([3, 4, 4]))
    assert value == 8.0
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 0.0, 0.25, 1.0 / 3.0])
    assert jt.grad(lambda x, i: np.sum(np.sqrt(x[i])))(x, np.array([0, 0]))[0] == np.inf
