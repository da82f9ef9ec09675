"""Operators as machine code: they record what those in Python record, fail as they do, and keep no reference too many."""

import ctypes
import gc
import operator
import subprocess
import sys
import textwrap
import threading
from fractions import Fraction

import numpy as np
import pytest
from numba import config

import jittape as jt
from jittape import cpython, kernels, native, tracer
from jittape.errors import StaleVarError, TapeMismatchError, TapeThreadError
from jittape.recording import INPUT, Recording
from jittape.tracer import Condition, Var

pytestmark = pytest.mark.skipif(not cpython.supported(), reason="this Python has no operators as machine code")


@pytest.fixture(autouse=True)
def installed():
    native.install()


INFIX = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
PLAIN = [
    0, 0.0, -0.0, 1, -1, -1.0, 2, 2.0, 0.5, 3, 1e308, 5e-324, float("inf"), -float("inf"), float("nan"), 2**53 + 1, -(2**62), 10**400,
    True, False, np.float64(2.0), np.float64(-1.5), np.float64("nan"), np.float32(0.1), np.int64(3), np.bool_(True), Fraction(1, 3),
]  # fmt: skip
NOT_NUMBERS = [1j, "x", None, [1.0], np.complex128(1j)]
VALUES = [0.0, -0.0, 1.5, -2.0, 2.0, 0.5, -1.0, 5e-324, 1e308, float("inf"), float("nan")]


class Half(float):
    """A number by inheritance."""


def outcome(f, *args):
    """What a call returns, as comparable facts, or the error it raises."""
    try:
        out = f(*args)
    except Exception as error:
        return type(error), str(error)
    if isinstance(out, Var):
        return type(out), out.row, type(out.v), np.float64(out.v).tobytes()
    return type(out), str(out)


def run(program):
    """The outcomes of a program of (function, operands), where an int is the place of an earlier Var, and all that it recorded."""
    rec = Recording()
    known = [tracer.leaf(rec, INPUT, x) for x in VALUES]
    known += [known[2] > 1.0, tracer.leaf(Recording(), INPUT, 3.0)]
    outcomes = []
    for f, operands in program:
        operands = [known[k] if isinstance(k, np.intp) else k for k in operands]
        outcomes.append(outcome(f, *operands))
        if isinstance(outcomes[-1][1], int):
            known.append(tracer.at(rec, outcomes[-1][1], np.frombuffer(outcomes[-1][3])[0].item()))
    columns = [column.tobytes() for column in rec.columns()]
    return outcomes, columns, {str(key): row for key, row in rec.constants.items()}, rec.guards


def test_they_are_in_place():
    x = tracer.leaf(Recording(), INPUT, 3.0)
    for name in native.PYTHON:
        assert type(getattr(Var, name)) is type(float.__add__)
        assert getattr(Condition, name) is getattr(Var, name)
    assert tracer.push is not native.PUSH
    assert (x * x).v == 9.0


def test_the_slots_of_the_type_are_theirs():
    """Operators find the function in the type, without a search for the method."""
    # where a type has the slots of its numbers, and those have the first three; and where it has its comparison
    as_number, compare = 96, 200
    x = tracer.leaf(Recording(), INPUT, 3.0)
    for kind in (Var, Condition):
        numbers = ctypes.c_uint64.from_address(id(kind) + as_number).value
        for place, name in enumerate(("__add__", "__sub__", "__mul__")):
            address = ctypes.c_uint64.from_address(id(getattr(Var, name)) + 48).value
            assert ctypes.c_uint64.from_address(numbers + 8 * place).value == address
        address = ctypes.c_uint64.from_address(id(Var.__lt__) + 48).value
        assert ctypes.c_uint64.from_address(id(kind) + compare).value == address
    assert (x + x).v == 6.0 and (x <= 3.0).v == 1.0 and (x >= 4.0).v == 0.0


class Other:
    """Knows what to do with whatever it meets."""

    def __add__(self, other):
        return "add", other

    def __radd__(self, other):
        return "radd", other

    def __rpow__(self, other):
        return "rpow", other

    def __gt__(self, other):
        return "gt", other

    def __eq__(self, other):
        return "eq", other

    __hash__ = None


def test_others_have_their_say(operators):
    x, other = tracer.leaf(Recording(), INPUT, 3.0), Other()
    assert other + x == ("add", x)
    assert x + other == ("radd", x)
    assert x**other == ("rpow", x)
    assert (x < other) == ("gt", x)
    assert (x == other) == ("eq", x)
    for wrong in (lambda: x - other, lambda: other - x, lambda: other**x, lambda: x > other, lambda: operator.concat(x, x)):
        with pytest.raises(TypeError, match="unsupported operand|not supported|concatenated"):
            wrong()


def test_methods_are_called_by_name_as_well(operators):
    x, y = (tracer.leaf(rec, INPUT, v) for rec in [Recording()] for v in (3.0, 2.0))
    assert Var.__sub__(x, y).v == 1.0 and Var.__rsub__(x, y).v == -1.0 and Var.__rsub__(x, 7.0).v == 4.0
    assert Var.__pow__(x, y).v == 9.0 and Var.__rpow__(x, y).v == 8.0 and pow(2.0, x, None).v == 8.0
    assert Var.__neg__(x).v == -3.0 and Var.__bool__(x) is True and Var.__le__(x, y).v == 0.0
    assert Var.__add__(x, Other()) is NotImplemented
    with pytest.raises(TypeError):
        pow(x, 2, 5)
    with pytest.raises(TypeError):
        Var.__add__(x)
    with pytest.raises((TypeError, AttributeError)):
        Var.__add__(1.0, x)


def test_a_class_made_of_theirs_may_change_operators(operators):
    class Loud(Var):
        __slots__ = ()

        def __add__(self, other):
            return "loud"

    loud = Loud()
    plain = tracer.leaf(Recording(), INPUT, 3.0)
    loud.rec, loud.row, loud.v = plain.rec, plain.row, plain.v
    assert loud + 1.0 == "loud" and (loud * 2.0).v == 6.0 and (2.0 - loud).v == -1.0 and (plain + loud).v == 6.0


def test_every_operator_on_every_kind_of_operand(use_python):
    places = [np.intp(k) for k in range(len(VALUES) + 2)]
    program = [(f, (k,)) for k in places for f in (operator.neg, bool, abs, jt.exp)]
    for f in (*INFIX.values(), jt.maximum):
        for k in places:
            for other in [*places, *PLAIN, *NOT_NUMBERS, Half(2.0)]:
                program += [(f, (k, other)), (f, (other, k))]
    ours = run(program)
    use_python()
    theirs = run(program)
    for one, other, (f, operands) in zip(ours[0], theirs[0], program, strict=True):
        assert one == other, (f, operands)
    assert ours[1:] == theirs[1:]


def test_random_programs_leave_the_same_tape(use_python, rng):
    unary = [operator.neg, abs, jt.exp, jt.sin, jt.log, jt.sqrt, jt.square, jt.isnan]
    program, n = [], len(VALUES) + 2
    for _ in range(3000):
        k, other = (np.intp(i) for i in rng.integers(0, n, 2))
        if rng.random() < 0.2:
            program.append((unary[rng.integers(len(unary))], (k,)))
        else:
            if rng.random() < 0.4:
                other = PLAIN[rng.integers(len(PLAIN))] if rng.random() < 0.5 else float(rng.normal())
            pair = (k, other) if rng.random() < 0.5 else (other, k)
            program.append((list(INFIX.values())[rng.integers(len(INFIX))], pair))
    ours = run(program)
    use_python()
    assert ours == run(program)


@pytest.mark.parametrize("other", [2.5, 7, 10**400, np.float64(1.25), 0.0, "x", None, "var"], ids=str)
def test_references_are_counted(other):
    rec = Recording()
    x, y = tracer.leaf(rec, INPUT, 3.0), tracer.leaf(rec, INPUT, 1.25)
    other = y if other == "var" else other
    if isinstance(other, float):
        rec.constant(other)
    watched = [x, y, rec, Var, rec.constants, *([] if other is None else [other])]

    def work():
        for f in INFIX.values():
            for pair in ((x, other), (other, x)):
                outcome(f, *pair)
        operator.neg(x)
        jt.sin(x)

    work()
    before = list(map(sys.getrefcount, watched))
    for _ in range(300):
        work()
    assert list(map(sys.getrefcount, watched)) == before


def test_a_new_var_has_the_only_references_to_what_is_new(use_python):
    def counted():
        rec = Recording()
        rec.extend(INPUT, 0, 0, np.zeros(1000))  # small ints are everybody's
        x, out = tracer.leaf(rec, INPUT, 3.0), None
        for f in (
            lambda: x * x,
            lambda: x * 1234.5,
            lambda: 7 - x,
            lambda: -x,
            lambda: x**2,
            lambda: jt.sin(x),
            lambda: x**3,
        ):
            out = f()
            yield sys.getrefcount(out), sys.getrefcount(out.v), sys.getrefcount(out.row), sys.getrefcount(rec)

    ours = list(counted())
    use_python()
    assert ours == list(counted())


def test_memory_is_steady():
    rec = Recording()
    x = tracer.leaf(rec, INPUT, 3.0)

    def work():
        for _ in range(2000):
            y = (x * 2.0 + x / 3 - 1) ** 2
            if y > 3.0 or y**1.5 == x:
                y = y**-1
        rec.guards.clear()

    work()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(5):
        work()
    gc.collect()
    assert sys.getallocatedblocks() - before < 100


def test_values_of_other_recordings_and_threads_and_ended_ones():
    rec = Recording("one")
    x, y = tracer.leaf(rec, INPUT, 3.0), tracer.leaf(Recording("another"), INPUT, 2.0)
    for f in INFIX.values():
        with pytest.raises(TapeMismatchError, match="one and another"):
            f(x, y)
    errors = []
    uses = [lambda: x + x, lambda: 2.0 * x, lambda: x * 3.25, lambda: -x, lambda: x**2, lambda: jt.sin(x), lambda: x < 1.0]

    def use_all():
        for use in uses:
            try:
                use()
            except TapeThreadError as error:
                errors.append(error)

    before = len(rec)
    thread = threading.Thread(target=use_all)
    thread.start()
    thread.join()
    assert len(errors) == len(uses) and len(rec) == before
    rec.close()
    for use in uses:
        with pytest.raises(StaleVarError):
            use()
    before = sys.getrefcount(Var)
    for use in uses * 100:
        try:
            use()
        except StaleVarError:
            pass
    assert sys.getrefcount(Var) == before


def test_an_error_of_what_is_called_on_the_way(monkeypatch):
    class Full(Recording):
        __slots__ = ()

        def appended(self, var):
            raise MemoryError("no room")

    rec = Full()
    rec.watched = True
    x = Var()
    x.rec, x.row, x.v = rec, 0, 1.5
    before = sys.getrefcount(x), sys.getrefcount(rec)
    for f in (lambda: x * x, lambda: -x, lambda: 2.0 - x, lambda: jt.sin(x)):
        with pytest.raises(MemoryError, match="no room"):
            f()
    assert (sys.getrefcount(x), sys.getrefcount(rec)) == before


def test_a_var_that_nobody_filled():
    for f in (lambda: Var() * 2.0, lambda: -Var(), lambda: Var() ** 2):
        with pytest.raises(AttributeError):
            f()
    with pytest.raises(TypeError):
        Var.__mul__(3.0, 2.0)


def test_garbage_that_records_when_it_is_collected():
    """Collecting begins where a Var is allocated: what its finalizers record then comes first, whole."""
    rec = Recording()
    x = tracer.leaf(rec, INPUT, 3.0)
    done = []

    class Late:
        def __init__(self):
            self.me = self

        def __del__(self):
            done.append((x * 1.5 + len(done)).row)

    old = gc.get_threshold()
    gc.set_threshold(3)
    try:
        for k in range(300):
            Late()
            y = x * x - k
            assert rec.value(y.row) == y.v == 9.0 - k
    finally:
        gc.set_threshold(*old)
    assert len(done) > 50
    op, a, b, val = rec.columns()
    assert len(op) == len(a) == len(b) == len(val) == len(rec)
    rec.freeze([y.row]).validate()


def collatz(x):
    """Steps of a walk that branches on the value, on two lines."""
    steps = 0.0
    while x > 1.0:
        x = x / 2 if x % 2.0 == 0.0 else 3 * x + 1
        steps += x
    return steps if not steps < 5.0 else jt.maximum(steps, x)


def test_guards_are_the_same(use_python):
    def guards():
        return [(guard.slot, guard.outcome, guard.line) for guard in jt.record(collatz, 7.0).tape.guards]

    ours = guards()
    use_python()
    theirs = guards()
    assert ours == theirs
    assert len(ours) == 34 and {line[0] for *_, line in ours} == {__file__} and len({line for *_, line in ours}) == 3


def test_the_truth_of_an_argument_is_a_guard_of_its_own(use_python):
    """A mask's elements are conditions that no comparison computed."""

    def f(x, mask):
        return sum(a * a if m else a for a, m in zip(x, mask, strict=True))

    x, mask = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    for _ in range(2):
        program = jt.record(f, x, mask)
        assert [guard.comparison for guard in program.guards] == [f"mask[{k}] (= {float(mask[k])}) != 0.0" for k in range(3)]
        with pytest.raises(jt.BranchChanged):
            program(x, ~mask)
        use_python()


def test_guards_keep_one_reference_to_the_code():
    code = collatz.__code__
    watched = [code, code.co_filename, True, False, jt.tracer.Condition]
    jt.record(collatz, 7.0)
    before = list(map(sys.getrefcount, watched))
    for _ in range(50):
        jt.record(collatz, 7.0)
    gc.collect()
    after = list(map(sys.getrefcount, watched))
    assert max(y - x for x, y in zip(before, after, strict=True)) < 20


RACE = """
    import gc
    import jittape as jt
    from jittape import native
    native.install()
    wrong = 0
    for threshold in range(1, 14):
        gc.set_threshold(threshold)
        x = jt.var(3.0)
        class Late:
            def __init__(self):
                self.me = self
            def __del__(self):
                for _ in range(20_001):
                    x * 1.5
        Late()
        y = x * x
        y.backprop()
        wrong += x.sensitivity != 6.0
        del Late
    print(wrong)
"""


def test_a_new_var_is_known_before_anything_else_can_record():
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(RACE)], capture_output=True, text=True, timeout=300)
    assert done.stdout == "0\n", done.stderr


@pytest.mark.parametrize("use", [lambda x: (x * x).v == 2.25, bool], ids=["operation", "guard"])
def test_a_recording_stays_while_a_var_leaves_it(use):
    """Collecting garbage where something is allocated may run anything, and free the recording that a Var had."""
    rec = Recording()
    condition = tracer.leaf(rec, INPUT, 2.0) > 1.0
    x = condition if use is bool else Var()
    if use is not bool:
        x.row, x.v = 0, 1.5

    def renewed():
        fresh = Recording()
        if use is bool:
            tracer.leaf(fresh, INPUT, 2.0)
            x.row = (tracer.Var.__gt__(tracer.leaf(fresh, INPUT, 2.0), 1.0)).row
        return fresh

    class Late:
        def __init__(self):
            self.me = self

        def __del__(self):
            x.rec = renewed()

    old = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(2000):
            x.rec = renewed()
            Late()
            assert use(x)
    finally:
        gc.set_threshold(*old)


@pytest.mark.parametrize("unset", ["row", "v"])
def test_a_var_with_something_missing(unset):
    rec = Recording()
    x, y = (tracer.leaf(rec, INPUT, 1.5) for _ in range(2))
    delattr(x, unset)
    for f in (lambda: x * y, lambda: y * x, lambda: -x, lambda: x**2, lambda: x < y, lambda: 2.0 - x):
        with pytest.raises(AttributeError):
            f()
    assert next(iter([y * y])).v == 2.25
    with pytest.raises(TypeError):
        next(iter(tracer.push, 1))


def failing():
    raise ValueError("as a Numba to come might")


def test_recording_goes_on_where_they_cannot_be_made(monkeypatch):
    monkeypatch.setattr(native.late, "left", 0)
    monkeypatch.setattr(native.late, "make", failing)
    with pytest.warns(jt.JitTapeWarning, match="as a Numba to come might"):
        program = jt.record(lambda x: x * x, 3.0)
    assert program.value_and_grad(3.0) == (9.0, 6.0)
    jt.record(lambda x: x * x, 3.0)  # and does not try again


def test_nobody_waits_for_another_thread_that_compiles(monkeypatch):
    monkeypatch.setattr(native.late, "left", 0)
    began, end = threading.Event(), threading.Event()

    def slow():
        began.set()
        assert end.wait(60)

    monkeypatch.setattr(native.late, "make", slow)
    thread = threading.Thread(target=native.late.worked, args=(1,))
    thread.start()
    assert began.wait(60)
    assert jt.record(lambda x: x * x, 3.0)(2.0) == 4.0
    end.set()
    thread.join()


def test_what_somebody_else_put_there_stays(monkeypatch):
    def theirs(x, y):
        return NotImplemented

    monkeypatch.setattr(tracer, "push", native.PUSH)
    monkeypatch.setattr(Var, "__add__", theirs)
    native.install()
    assert Var.__add__ is theirs
    assert tracer.push is native.PUSH


def test_lines_are_those_of_the_user():
    program = jt.record(lambda x: x * x + x / 3.0, 2.0, lines=True)
    assert {program.tape.line(i)[0] for i in range(len(program.tape))} == {__file__}


@pytest.mark.parametrize(
    ("on_disk", "folder", "patience"),
    [(True, "somewhere", 0), (False, "somewhere", native.BEFORE_COMPILING), (False, None, 64 * native.BEFORE_COMPILING)],
    ids=["on disk", "to be compiled", "to be compiled by every process"],
)
def test_when_they_are_put_in_place(on_disk, folder, patience, monkeypatch):
    calls = []
    monkeypatch.setattr(native.late, "left", None)
    monkeypatch.setattr(native.late, "make", lambda: calls.append(True))
    monkeypatch.setattr(kernels, "on_disk", lambda function: on_disk)
    monkeypatch.setattr(kernels, "cache_folder", lambda: folder)
    native.late.worked(0)
    assert len(calls) == (patience == 0)
    if patience:
        native.late.worked(patience - 1)
        assert not calls
        native.late.worked(1)
        assert calls
    monkeypatch.setattr(cpython, "supported", lambda: False)
    monkeypatch.setattr(native.late, "left", None)
    calls.clear()
    native.late.worked(0)
    native.late.worked(1 << 40)
    assert not calls


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [(config, "DISABLE_JIT", 1), (sys, "platform", "win32"), (sys, "abiflags", "t")],
    ids=["no JIT", "Windows", "free threads"],
)
def test_they_stay_away_where_objects_may_differ(monkeypatch, module, name, value):
    monkeypatch.setattr(module, name, value)
    assert not cpython.supported()
