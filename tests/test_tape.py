"""The tape: rows go in, flat columns come out, nothing corrupt gets through, and length costs no recursion."""

import copy
import gc
import itertools
import pickle
import sys
import threading

import numpy as np
import pytest

import jittape as jt
from jittape import formulas, recording, tracer
from jittape.errors import StaleVarError, TapeCapacityError, TapeFormatError, TapeMismatchError, TapeThreadError
from jittape.guards import Guard
from jittape.ops import CODE, OPS
from jittape.recording import CONST, DATA, INPUT, Recording
from jittape.tape import Guard as GuardOfOldPickles
from jittape.tape import Tape


def small():
    """The columns of sin(x) + x * y at (3, 1), the constant 2 unused, one guard."""
    return {
        "op": np.array([CODE["sin"], CODE["multiply"], CODE["add"]], np.uint8),
        "a": np.array([1, 1, 4], np.int32),
        "b": np.array([0, 2, 5], np.int32),
        "val": np.array([0.0, 3.0, 1.0, 2.0, np.sin(3.0), 3.0, np.sin(3.0) + 3.0]),
        "active": np.array([True, False]),
        "outputs": np.array([6], np.int32),
        "guards": (Guard(5, True, ("model.py", 7)),),
        "names": {1: "x", 2: "y"},
        "reads": ((4, None),),
    }


def columns(t):
    return {name: getattr(t, name) for name in ("op", "a", "b", "val", "active", "outputs")}


def assert_equal_tapes(t, u):
    for name, column in columns(t).items():
        other = getattr(u, name)
        assert column.dtype == other.dtype
        assert column.tobytes() == other.tobytes(), name
    assert (t.names, t.guards, t.places, t.reads) == (u.names, u.guards, u.places, u.reads)
    assert (t.lines is None) == (u.lines is None)
    if t.lines is not None:
        assert t.lines.tolist() == u.lines.tolist()


# -- recording and freezing ---------------------------------------------------------------------------------------------


def test_a_recording_starts_with_the_sink():
    rec = Recording()
    assert len(rec) == 1
    assert [column[0] for column in rec.columns()] == [CONST, 0, 0, 0.0]


def test_rows_are_numbered_in_the_order_they_come():
    rec = Recording()
    assert [rec.append(INPUT, 0, 0, 3.0), rec.append(DATA, 0, 0, 1.0), rec.append(CODE["add"], 1, 2, 4.0)] == [1, 2, 3]
    assert len(rec) == 4


def test_freezing_puts_leaves_first_and_keeps_the_order_of_each_kind():
    rec = Recording()
    x = rec.append(INPUT, 0, 0, 3.0)
    s = rec.append(CODE["sin"], x, 0, np.sin(3.0))
    c = rec.constant(2.0)
    y = rec.append(DATA, 0, 0, 1.0)
    p = rec.append(CODE["multiply"], s, y, np.sin(3.0))
    q = rec.append(CODE["add"], p, c, np.sin(3.0) + 2.0)
    rec.names[y] = "y"
    rec.guards.append((p, True, None))
    t = rec.freeze([q, x])
    assert [OPS[code].name for code in t.op] == ["sin", "multiply", "add"]
    assert t.a.tolist() == [1, 4, 5]
    assert t.b.tolist() == [0, 2, 3]
    assert t.val.tolist() == [0.0, 3.0, 1.0, 2.0, np.sin(3.0), np.sin(3.0), np.sin(3.0) + 2.0]
    assert t.active.tolist() == [True, False]
    assert t.outputs.tolist() == [6, 1]
    assert t.names == {2: "y"}
    assert t.guards == (Guard(5, True, None),)
    assert (len(t), t.first, t.n_inputs, t.n_constants) == (3, 4, 2, 1)


def test_freezing_leaves_the_recording_as_it_was():
    rec = Recording()
    x = rec.append(INPUT, 0, 0, 3.0)
    first = rec.freeze([x])
    rec.append(CODE["sin"], x, 0, 0.0)
    assert len(first) == 0
    assert len(rec.freeze([x])) == 1


def test_extend_is_many_appends():
    one, many = Recording(), Recording()
    for rec in (one, many):
        rec.append(INPUT, 0, 0, 1.0)
        rec.append(INPUT, 0, 0, 2.0)
    for a in (1, 2):
        one.append(CODE["square"], a, 0, float(a))
    assert many.extend(CODE["square"], np.array([1, 2]), 0, np.array([1.0, 2.0])) == 3
    assert_equal_tapes(one.freeze([3]), many.freeze([3]))


def test_equal_constants_share_a_row_and_zeros_keep_their_signs():
    rec = Recording()
    assert rec.constant(2.0) == rec.constant(2.0)
    assert rec.constant(0.0) != rec.constant(-0.0)
    assert rec.constant(np.nan) == rec.constant(float("nan"))
    assert rec.constant(np.inf) != rec.constant(-np.inf)
    values = rec.columns()[3]
    assert np.signbit(values[rec.constant(-0.0)])
    assert not np.signbit(values[rec.constant(0.0)])


def test_the_columns_of_a_tape_are_read_only_views_not_copies():
    t = Tape(**small())
    for column in columns(t).values():
        assert not column.flags.writeable
        assert column.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            column[...] = 0
    assert t.op is t.op


def test_an_empty_recording_freezes():
    t = Recording().freeze([])
    assert (len(t), t.first, t.n_inputs, t.n_constants) == (0, 1, 0, 0)
    assert "0 instructions" in repr(t)
    assert isinstance(str(t), str)


def test_a_recording_is_not_pickled():
    with pytest.raises(TypeError, match="pickle the Program or the Tape"):
        pickle.dumps(Recording())


# -- what a recording refuses -------------------------------------------------------------------------------------------


def test_values_of_two_recordings_do_not_mix():
    x, y = (tracer.leaf(Recording(label), INPUT, 1.0) for label in ("the first", "the second"))
    with pytest.raises(TapeMismatchError, match="the first and the second"):
        x + y
    with pytest.raises(TapeMismatchError):
        jt.arctan2(x, y)
    assert len(x.rec) == len(y.rec) == 2


@pytest.mark.parametrize(
    "use", [lambda x: x + 1.0, lambda x: 1.0 - x, jt.sin, lambda x: jt.maximum(x, x), lambda x: bool(x > 0)]
)
def test_a_closed_recording_takes_no_more_rows(use):
    x = tracer.leaf(Recording(), INPUT, 1.0)
    x.rec.close()
    with pytest.raises(StaleVarError, match="kept past the recording"):
        use(x)


def test_a_recording_belongs_to_its_thread():
    x = tracer.leaf(Recording(), INPUT, 1.0)
    caught = []

    def other():
        for use in (lambda: x + 1.0, lambda: jt.sin(x), lambda: 2.0 * x, lambda: jt.hypot(x, x)):
            try:
                use()
            except TapeThreadError as error:
                caught.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(caught) == 4
    assert "belongs to another thread" in caught[0]
    assert list(map(len, x.rec.columns())) == [len(x.rec)] * 4


def test_capacity_is_checked_before_anything_is_appended(monkeypatch):
    rec = Recording()
    monkeypatch.setattr(recording, "MAX_SLOTS", 10)
    with pytest.raises(TapeCapacityError, match="at most 10 slots"):
        rec.extend(INPUT, 0, 0, np.zeros(10))
    assert len(rec) == 1
    assert isinstance(TapeCapacityError(), MemoryError)
    for _ in range(12):
        rec.append(INPUT, 0, 0, 1.0)
    with pytest.raises(TapeCapacityError, match="13"):
        rec.freeze([1])


# -- validation ---------------------------------------------------------------------------------------------------------


def changed(column, i, value):
    def corrupt(c):
        c[column][i] = value

    return corrupt


def replaced(column, function):
    def corrupt(c):
        c[column] = function(c[column])

    return corrupt


CORRUPT = {
    "opcode unknown": (changed("op", 1, 250), "instruction 1: unknown opcode 250"),
    "opcode of a leaf": (changed("op", 2, INPUT), "instruction 2: unknown opcode"),
    "a is its own slot": (changed("a", 0, 4), "instruction 0: operand a is slot 4"),
    "a is later": (changed("a", 1, 6), "instruction 1: operand a is slot 6"),
    "a is beyond": (changed("a", 2, 2**31 - 1), "instruction 2: operand a"),
    "a is negative": (changed("a", 0, -1), "instruction 0: operand a is slot -1"),
    "b is its own slot": (changed("b", 2, 6), "instruction 2: operand b is slot 6"),
    "b is negative": (changed("b", 1, -(2**31)), "instruction 1: operand b"),
    "a too short": (replaced("a", lambda a: a[:2]), "unequal length"),
    "b too long": (replaced("b", lambda b: np.append(b, b)), "unequal length"),
    "op too long": (replaced("op", lambda op: np.append(op, op)), "unequal length"),
    "val too short": (replaced("val", lambda val: val[:5]), "unequal length"),
    "more inputs than slots": (replaced("active", lambda active: np.ones(5, bool)), "unequal length"),
    "op two-dimensional": (replaced("op", lambda op: op[None]), "one-dimensional"),
    "val two-dimensional": (replaced("val", lambda val: val[:, None]), "one-dimensional"),
    "output beyond": (changed("outputs", 0, 7), "output"),
    "output negative": (changed("outputs", 0, -1), "output"),
    "guard beyond": (replaced("guards", lambda _: (Guard(7, True, None),)), "guard"),
    "guard negative": (replaced("guards", lambda _: (Guard(-1, True, None),)), "guard"),
    "read beyond": (replaced("reads", lambda _: ((99, None),)), "read"),
    "lines too short": (lambda c: c.update(lines=np.zeros(2, np.int32)), "line"),
    "line without a place": (lambda c: c.update(lines=np.array([0, 0, 1], np.int32)), "line"),
    "line negative": (lambda c: c.update(lines=np.array([0, 0, -1], np.int32)), "line"),
    "wide opcode that would wrap": (replaced("op", lambda op: op.astype(np.int64) + 256), "op"),
    "wide operand that would wrap": (replaced("a", lambda a: a.astype(np.int64) + 2**32), "a"),
    "wide output that would wrap": (replaced("outputs", lambda o: o.astype(np.int64) + 2**32), "outputs"),
    "operand with a fraction": (replaced("a", lambda a: a + 0.5), "a"),
    "values that are complex": (replaced("val", lambda val: val + 1j), "val"),
    "values that are text": (replaced("val", lambda val: np.array(["x"] * len(val))), "val"),
}


def test_the_uncorrupted_columns_are_a_tape():
    t = Tape(**small())
    assert len(t) == 3
    assert Tape(**{**small(), "lines": np.array([1, 0, 1], np.int32), "places": (("", 0), ("model.py", 3))}).line(0) == (
        "model.py",
        3,
    )


@pytest.mark.parametrize("corrupt, message", CORRUPT.values(), ids=CORRUPT)
def test_every_corrupt_column_is_caught(corrupt, message):
    c = small()
    corrupt(c)
    with pytest.raises(TapeFormatError, match=message):
        Tape(**c)


def test_columns_of_other_types_are_converted_where_nothing_is_lost():
    c = small()
    t = Tape(**c)
    wide = {name: c[name].astype(np.int64) for name in ("op", "a", "b", "outputs")} | {"val": c["val"].tolist()}
    assert_equal_tapes(t, Tape(**{**c, **wide}))


def test_random_corruption_never_gets_through(rng):
    """Whatever one entry of a column becomes, the tape is either refused or every operand comes before its own slot."""
    refused = 0
    for _ in range(500):
        c = small()
        column = ("op", "a", "b", "outputs")[rng.integers(4)]
        info = np.iinfo(c[column].dtype)
        c[column][rng.integers(len(c[column]))] = rng.choice(
            [rng.integers(info.min, info.max, endpoint=True), rng.integers(0, 9)]
        )
        try:
            t = Tape(**c)
        except TapeFormatError:
            refused += 1
            continue
        own = np.arange(t.first, len(t.val))
        assert (t.a >= 0).all() and (t.a < own).all() and (t.b >= 0).all() and (t.b < own).all()
        assert (t.op < len(OPS)).all()
        assert (t.outputs >= 0).all() and (t.outputs < len(t.val)).all()
    assert refused > 200


# -- pickles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_round_trip(protocol):
    t = Tape(**small(), lines=np.array([1, 0, 1], np.int32), places=(("", 0), ("model.py", 3)))
    u = pickle.loads(pickle.dumps(t, protocol))
    assert_equal_tapes(t, u)
    assert not u.val.flags.writeable
    assert str(u) == str(t)


def test_copies():
    t = Tape(**small())
    assert_equal_tapes(t, copy.copy(t))
    assert_equal_tapes(t, copy.deepcopy(t))


def test_an_empty_tape_pickles():
    t = Recording().freeze([])
    assert_equal_tapes(t, pickle.loads(pickle.dumps(t)))


def test_a_pickle_names_operations_and_does_not_count_on_their_numbers():
    state = Tape(**small()).__getstate__()
    assert sorted(state["op_names"]) == ["add", "multiply", "sin"]
    order = [state["op_names"].index(name) for name in ("sin", "multiply", "add")]
    assert state["op"].tolist() == order


def restored(**changes):
    state = Tape(**small()).__getstate__() | changes
    t = object.__new__(Tape)
    t.__setstate__(state)
    return t


def test_a_pickle_with_unknown_operations_says_which():
    with pytest.raises(TapeFormatError, match="zeta"):
        restored(op_names=["zeta", "multiply", "add"])


def test_a_pickle_with_an_opcode_that_has_no_name():
    with pytest.raises(TapeFormatError, match="no name"):
        restored(op_names=["sin"])


def test_a_pickle_is_validated():
    with pytest.raises(TapeFormatError, match="operand a"):
        restored(a=np.array([1, 1, 9], np.int32))
    with pytest.raises(TapeFormatError):
        restored(val=np.zeros(3))


# -- a million operations -----------------------------------------------------------------------------------------------


def test_a_chain_of_a_million_operations(jit):
    """It records, replays, prints its head and pickles, below any recursion limit."""
    n = 1_000_000 if jit else 20_000

    def chain(x):
        for _ in range(n):
            x = x * 0.999999 + 1e-6
        return x

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        program = jt.record(chain, 0.5)
        assert len(program.tape) == 2 * n
        value, gradient = program.value_and_grad(0.25)
        head = program.tape.show(head=5)
        text = str(program.tape)
        u = pickle.loads(pickle.dumps(program.tape))
        again = pickle.loads(pickle.dumps(program))
    finally:
        sys.setrecursionlimit(limit)
    assert value == pytest.approx(1.0 + (0.25 - 1.0) * 0.999999**n, rel=1e-9)
    assert gradient == pytest.approx(0.999999**n, rel=1e-9)
    assert len(head.splitlines()) < 40
    assert len(text.splitlines()) < 200
    assert_equal_tapes(program.tape, u)
    assert again.value_and_grad(0.25) == (value, gradient)


def test_a_chain_in_the_eager_layer(jit):
    n = 100_000 if jit else 5_000
    x = jt.var(0.5)
    y = x
    for _ in range(n):
        y = y * 0.9999
    y.backprop()
    assert x.sensitivity == pytest.approx(0.9999**n)
    assert len(y.tape) == n


def test_reference_sweeps_agree_with_the_recorded_values():
    t = Tape(**small())
    val = t.val.copy()
    da, db = formulas.forward(t.op, t.a, t.b, val)
    assert val.tobytes() == t.val.tobytes()
    adj = np.zeros(len(val))
    adj[t.outputs[0]] = 1.0
    formulas.reverse(t.op, t.a, t.b, da, db, adj)
    assert adj[1:3].tolist() == [np.cos(3.0) + 1.0, 3.0]


def test_rows_move_to_typed_columns_while_a_function_is_recorded(monkeypatch):
    """Whenever recent rows move, by their number or because an array operation comes, rows keep their numbers."""
    x = jt.record(chain, 0.5).tape
    for module in (recording, tracer):
        monkeypatch.setattr(module, "ROOM", 18)
    y = jt.record(chain, 0.5).tape
    for column in ("op", "a", "b", "val", "outputs"):
        assert np.array_equal(getattr(x, column), getattr(y, column))
    assert [g.slot for g in x.guards] == [g.slot for g in y.guards]


def chain(v):
    total = 1.0
    for i in range(50):
        v = jt.sin(v) * 1.25 + i
        if v > 0.5:
            total = total + jt.sum(np.array([1.0, 2.0]) * v)
    return total * v


@pytest.mark.parametrize("column", range(4))
def test_columns_that_somebody_views_go_on_growing(column, operators):
    rec = Recording("it")
    x = tracer.leaf(rec, INPUT, 2.0)
    view = np.frombuffer(rec.settle()[column], np.uint8)
    before = view.copy()
    made = [x * float(k) for k in range(1, 3000)]
    rec.extend(CODE["copy"], x.row, 0, np.full(100, 2.0))
    val = rec.columns()[3]
    assert [val[y.row] for y in made] == [2.0 * k for k in range(1, 3000)] and val[-100:].tolist() == [2.0] * 100
    assert all(len(k) == len(rec) for k in rec.settle()) and np.array_equal(view, before)


def test_an_operation_that_was_interrupted_halfway_leaves_a_row_that_is_nobodys(operators):
    rec = Recording("it")
    x = tracer.leaf(rec, INPUT, 2.0)
    y = x * 3.0
    rec.n += 1  # what an interrupt before the row was written would leave
    z = y * y
    tape = rec.freeze([z.row])
    tape.validate()
    assert len(tape.op) == 3 and tape.val[tape.outputs].tolist() == [36.0]


@pytest.mark.parametrize("room", [18, 40, 2048])
def test_garbage_that_records_while_rows_are_moved(room, operators, monkeypatch):
    """Finalizers append rows whenever something is allocated: between two columns, when the block is full, in an array's operation."""
    for module in (recording, tracer):
        monkeypatch.setattr(module, "ROOM", room)
    rec, late, made, turns = Recording("it"), [], [], itertools.count()
    over: list[bool] = []
    x, rng = tracer.leaf(rec, INPUT, 3.0), np.random.default_rng(0)
    # at some collections only, or what an operation does would never be left alone
    chosen = rng.choice(["nothing", "number", "array"], 100_000, p=[0.7, 0.2, 0.1]).tolist()

    class Garbage:
        def __init__(self):
            self.me = self

        def __del__(self):
            turn = next(turns)
            what = chosen[turn]
            if what == "number":
                late.append((x * 1.5, 4.5))
            elif what == "array":
                late.append((jt.array([x, x + 1.0, *[x] * (turn % 40)])[1] * 2.0, 8.0))
            if not over:
                Garbage()  # for the next collection, wherever that is

    old = gc.get_threshold()
    gc.set_threshold(1)
    try:
        Garbage()
        for k in range(1, 200):
            y = jt.sin(x * k)
            rows = jt.array([y] * (k % 50 + 1)) * float(k)
            made += [(y, np.sin(3.0 * k)), (rows[-1], np.sin(3.0 * k) * k)]
            if k % 7 == 0:
                rec.settle()
    finally:
        over.append(True)
        gc.set_threshold(*old)
        gc.collect()
    assert len(late) > 1000
    op, a, b, val = rec.columns()
    assert len(op) == len(a) == len(b) == len(val) == len(rec)
    for var, value in made + late:
        assert var.v == val[var.row] == rec.value(var.row) == value
        assert rec.code(var.row) == op[var.row]
    assert len({var.row for var, _ in made + late}) == len(made + late)
    rec.freeze([var.row for var, _ in made + late]).validate()
    # what each row says of its operands is what was computed
    for row in np.flatnonzero(op < len(OPS)):
        assert formulas.value(int(op[row]), val[a[row]], val[b[row]]) == val[row]


def test_guards_of_old_pickles_are_found_where_they_were():
    assert GuardOfOldPickles is Guard
