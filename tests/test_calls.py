"""Calls as C functions: they answer what Python answers or leave it to Python, keep no reference, and stand threads and finalizers."""

import dataclasses
import gc
import itertools
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from test_structure import STRUCTURES, Frozen, Layer, Point, equal
from test_transfer import VALUES, split

import jittape as jt
from jittape import calls, cpython, kernels, program
from jittape.structure import Signature, size
from jittape.transfer import filler

pytestmark = pytest.mark.skipif(not cpython.supported(), reason="this Python has no calls as machine code")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Python answers one call, then machine code does."""
    calls.compile_now()
    monkeypatch.setattr(program, "_OFTEN", 1)


def reading(signature, key, names):
    """A call that reads arguments of a structure, and where it leaves their numbers; None in its place where only Python reads them."""
    n = sum(1 if shape is None else int(np.prod(shape)) for shape in signature.shapes(key))
    plan = jt.record(lambda x: jt.sum(x) if n else 1.0, np.ones(n)).plan
    work = plan.buffer()
    frame = plan.frame(work, kernels.FORWARD)
    numbers = work[1 : 1 + n]
    return calls.make(signature, key, names, calls.RESULT, plan, frame, work, numbers, numbers.copy, None), numbers


def agrees(call, numbers, key, args, kwargs, answer, signature):
    """Whether a call answers; then it must have read what splitting reads, of its own structure."""
    own, leaves, _ = answer
    if call(*args, **kwargs) is None:
        return False
    vector = np.zeros(size(leaves))
    filler(signature.shapes(own), vector)(*leaves)
    assert key == own, (key, args, kwargs)
    assert vector.tobytes() == numbers.tobytes(), (key, args, kwargs)
    return True


@pytest.mark.parametrize("argnums", [0, 1, -1, (0,), (1, 0)])
def test_a_call_reads_what_splitting_reads_or_nothing(argnums):
    signature = Signature(argnums)
    given = [((x, 2.0), {}) for x in VALUES] + [((2.0, x), {}) for x in VALUES] + [((2.0, 3.0), {"k": x}) for x in VALUES]
    given += [((x,), {}) for x in VALUES] + [((), {}), ((1.0, 2.0, 3.0), {}), ((1.0, 2.0), {"k": 1.0, "l": 2.0})]
    given += [((1.0, 2.0), {"l": 1.0}), ((1.0, 2.0), {"l": 2.0, "k": 1.0})]
    found = [(args, kwargs, split(signature, args, kwargs)) for args, kwargs in given]
    found = [(args, kwargs, answer) for args, kwargs, answer in found if answer is not None]
    made = {(key, *kwargs): reading(signature, key, tuple(kwargs)) for _, kwargs, (key, _, _) in found}
    suited = {key: made for key, made in made.items() if made[0] is not None}
    read = 0
    for ((key, *_), (call, numbers)), (args, kwargs, answer) in itertools.product(suited.items(), found):
        read += agrees(call, numbers, key, args, kwargs, answer, signature)
    assert read > len(suited) * 0.7
    assert len(suited) > len(made) * 0.7


@given(STRUCTURES, STRUCTURES)
def test_calls_with_structures(x, y):
    signature = Signature(0)
    key, leaves, active = signature.split((x,), {})
    call, numbers = reading(signature, key, ())
    if call is not None:
        assert agrees(call, numbers, key, (x,), {}, (key, leaves, active), signature)
        agrees(call, numbers, key, (y,), {}, signature.split((y,), {}), signature)


def answers(function, *args, n=3, **kwargs):
    """What Python answers first, and machine code then."""
    before, first = answered(function), function(*args, **kwargs)
    later = [function(*args, **kwargs) for _ in range(n)]
    assert answered(function) >= before + n
    return first, later


def answered(function):
    owner = getattr(function, "__self__", function)
    if isinstance(owner, jt.Program):
        return owner.answered
    return sum(path.program.answered for tree in owner._trees.values() for path in tree.paths)


CASES = {
    "numbers": (lambda x, y: jt.sin(x) + x * y, (3.0, 1.0)),
    "one number": (lambda x: x * x, (3.0,)),
    "a list": (lambda x: x[0] * x[1], ([3.0, -0.0],)),
    "an array": (lambda x: jt.sum(x * x), (np.arange(6.0).reshape(2, 3),)),
    "no axes": (lambda x: x * x, (np.array(3.0),)),
    "no numbers": (lambda x: jt.sum(x) + 1.0, (np.zeros((0, 3)),)),
    "nested": (lambda p: p["w"][0] @ p["w"][1] * p["b"][0], ({"w": [np.ones(2), np.arange(2.0)], "b": (2.0,)},)),
    "long": (lambda x: jt.sum(jt.sin(x) * jt.cos(x)), (np.linspace(0.0, 1.0, 999),)),
    "a named tuple": (lambda p: p.x * p.y, (Point(2.0, 3.0),)),
    "a dataclass": (lambda p: p.w * p.b, (Layer(2.0, 3.0),)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("transform", [jt.grad, jt.value_and_grad])
def test_answers_are_those_of_python(name, transform):
    f, args = CASES[name]
    argnums = tuple(range(len(args)))
    for g in (transform(f), transform(f, argnums), jt.record(f, *args).value_and_grad):
        first = g(*args)
        for _ in range(3):
            equal(g(*args), first)


@pytest.mark.parametrize("name", CASES)
def test_machine_code_answers(name):
    f, args = CASES[name]
    recorded = jt.record(f, *args)
    for g in (jt.grad(f), jt.value_and_grad(f, tuple(range(len(args)))), recorded.value_and_grad, recorded):
        first, later = answers(g, *args)
        for x in later:
            equal(x, first)
            assert type(x) is type(first)


AUX = {
    "a number": lambda x: x[0],
    "a truth value": lambda x: x[0] > 1.0,
    "arrays": lambda x: (x * 2.0, x > 1.0, x[:0]),
    "a dict": lambda x: {"a": [x[0], "text"], "b": Point(x[1], 3.0), "c": None},
    "a copy": lambda x: np.arange(3),
}


@pytest.mark.parametrize("name", AUX)
def test_results_in_their_structure(name):
    x, f = np.array([1.5, 0.5]), AUX[name]
    g = jt.value_and_grad(lambda x: (x @ x, f(x)), has_aux=True)
    (value, aux), gradient = g(x)
    assert (value, gradient.tolist()) == (2.5, [3.0, 1.0])
    first, later = answers(g, x)
    for answer in (first, *later):
        equal(answer, ((value, aux), gradient))
    assert later[0][0][1] is not later[1][0][1] or name in ("a truth value",)
    moved = jt.value_and_grad(lambda x: (x @ x, f(x)), has_aux=True)(2.0 * x)
    equal(g(2.0 * x), moved)
    h = jt.grad(lambda x: (x @ x, f(x)), has_aux=True)
    for _ in range(3):
        equal(h(x), (gradient, aux))


def test_what_a_program_returns_in_its_structure():
    x = np.array([1.5, 0.5])
    p = jt.record(lambda x: {"a": [x[0], x * 2.0], "b": Point(x[1], 3.0)}, x)
    first, later = answers(p, x)
    for answer in later:
        equal(answer, first)
    later[0]["a"][1][:] = 7.0
    equal(later[1], first)
    equal(p(2.0 * x), {"a": [3.0, np.array([6.0, 2.0])], "b": Point(1.0, 3.0)})


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int32, np.uint8, np.float16, np.bool_, ">f8"])
def test_arrays_of_every_type_of_numbers(dtype):
    y = np.array([1, 0, 2, 3], dtype)
    g = jt.value_and_grad(lambda x, y: jt.sum(x * x * y))
    x = np.array([1.0, 2.0, 3.0, 4.0])
    expected = g(x, y)
    for _ in range(3):
        equal(g(x, y), expected)
        equal(
            g(x, np.array([5, 5, 5, 5], dtype)),
            g(x, np.array([5, 5, 5, 5], dtype).astype(float) if dtype is not np.bool_ else y | True),
        )


def test_nan_is_an_answer():
    g = jt.value_and_grad(lambda x: x * x)
    answers(g, 3.0)
    assert all(np.isnan(g(float("nan"))))
    assert answered(g) == 4


def test_results_share_no_memory():
    g = jt.grad(lambda x: jt.sum(x * x))
    _, later = answers(g, np.arange(3.0))
    later[0][:] = 7.0
    assert later[1].tolist() == g(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]


def test_a_call_that_takes_another_branch_is_left_to_python():
    g = jt.value_and_grad(lambda x: x * x if x > 1.0 else -x)
    for x, answer in [(2.0, (4.0, 4.0)), (0.5, (-0.5, -1.0)), (3.0, (9.0, 6.0)), (-1.0, (1.0, -1.0))] * 4:
        assert g(x) == answer
    assert g.cache_info() == (2, 2, 14)
    p = jt.record(lambda x: x * x if x > 1.0 else -x, 2.0)
    for call in (p, p.value_and_grad):
        answers(call, 2.0)
        with pytest.raises(jt.BranchChanged, match="x"):
            call(0.5)
        answers(call, 3.0)


def test_machine_code_changes_between_paths_that_it_knows(rng):
    def f(x):
        y = 0.0
        for k in range(4):
            y = y + (x[k] * k if x[k] > 0.0 else x[k] * x[k])
        return y

    g = jt.value_and_grad(f)
    for x in itertools.product([-1.0, 1.0], repeat=4):
        for _ in range(2):
            g(list(x))
    before = answered(g)
    for x in rng.normal(size=(200, 4)).tolist():
        gradient = [k * 1.0 if x[k] > 0.0 else 2.0 * x[k] for k in range(4)]
        assert g(x) == (f(x), gradient)
    assert answered(g) == before + 200
    assert g.cache_info() == (16, 16, 216)
    g(np.array([1.0, 1.0, 1.0, 1.0]))  # another structure, then the first one again
    assert g(x) == (f(x), gradient)
    assert g.cache_info() == (17, 17, 217)


def test_threads_on_different_paths(rng):
    g = jt.value_and_grad(lambda x: x * x if x > 1.0 else -x if x > 0.0 else 3.0 * x)
    points = rng.uniform(-1.0, 2.0, 2000).tolist()
    expected = [(x * x, 2.0 * x) if x > 1.0 else (-x, -1.0) if x > 0.0 else (3.0 * x, 3.0) for x in points]
    wrong = []

    def run():
        wrong.extend([x for x, answer in zip(points, expected, strict=True) if g(x) != answer])

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    info = g.cache_info()
    assert info.records + info.replays == 8000


def test_replays_are_counted_whoever_answers():
    g = jt.value_and_grad(lambda x: x * x if x > 1.0 else -x, max_paths=1)
    for _ in range(10):
        g(2.0)
    assert g.cache_info() == (1, 1, 9)
    with pytest.warns(jt.JitTapeWarning, match="paths"):
        g(0.5)
    for _ in range(5):
        g(0.5)
    assert g.cache_info() == (1, 2, 14)
    with pytest.warns(jt.JitTapeWarning, match="structures"):
        g(np.array(0.5))
    for _ in range(4):
        g(np.array(0.5))
    assert g.cache_info() == (1, 3, 18)
    g.clear_cache()
    assert g.cache_info() == (0, 0, 0)
    g(2.0)
    assert g.cache_info() == (1, 1, 0)


def test_keywords_in_any_order_and_wrong_ones():
    g = jt.grad(lambda x, *, a, b: x * a - b)
    answers(g, 2.0, a=3.0, b=1.0)
    for _ in range(3):
        assert g(2.0, b=1.0, a=5.0) == 5.0
        assert g(2.0, a=7.0, b=1.0) == 7.0
        with pytest.raises(TypeError, match="b"):
            g(2.0, a=3.0)
        with pytest.raises(TypeError, match="c"):
            g(2.0, a=3.0, b=1.0, c=2.0)
        with pytest.raises(TypeError):
            g()


@dataclasses.dataclass
class Computed:
    x: float

    @property
    def x(self):  # noqa: F811
        return self._x * 2.0

    @x.setter
    def x(self, x):
        self._x = x


@dataclasses.dataclass(slots=True)
class Slots:
    x: float
    y: np.ndarray


def test_dataclasses():
    g = jt.value_and_grad(lambda p: jt.sum(p.x * p.y * p.y))
    answers(g, Slots(2.0, np.ones(3)))
    equal(g(Slots(3.0, np.full(3, 2.0))), (36.0, Slots(12.0, np.full(3, 12.0))))
    before = answered(g)
    p = Slots(2.0, np.ones(3))
    del p.x
    with pytest.raises(AttributeError):
        g(p)
    p.x = 2
    assert g(p)[0] == 6.0
    assert answered(g) == before + 1

    h = jt.grad(lambda p: p.x * p.x)
    for x in (1.0, 2.0, 3.0):
        assert h(Computed(x)).x == 32.0 * x  # what is set is read as twice that, of arguments and of gradients
    assert answered(h) == 0
    k = jt.grad(lambda p: p.w * 2.0)
    answers(k, Layer(2.0, 3.0))
    assert k(Layer(2.0, 3.0)) == Layer(2.0, 0.0)
    assert k(Frozen(2.0)) == Frozen(2.0)


def test_a_class_that_is_given_a_property_later():
    @dataclasses.dataclass
    class P:
        a: float
        b: np.ndarray

    g, p = jt.value_and_grad(lambda p: p.a * p.a + jt.sum(p.b)), P(2.0, np.ones(4000))
    answers(g, p)
    P.b = property(lambda self: np.full(4000, 7.0), lambda self, b: None)
    for _ in range(20):
        assert g(p)[0] == 28004.0


def test_truth_is_whatever_is_not_0():
    g = jt.value_and_grad(lambda x, m: jt.sum(x * m))
    x = np.array([1.0, 2.0, 3.0])
    answers(g, x, np.array([True, False, True]))
    before = answered(g)
    equal(g(x, np.array([2, 0, 255], np.uint8).view(bool)), (4.0, np.array([1.0, 0.0, 1.0])))
    assert answered(g) == before + 1


def test_after_an_exception_calls_count_and_keep_their_recording():
    def f(x, mode):
        if mode == "bad":
            raise ValueError(mode)
        return x * x

    g = jt.value_and_grad(f, max_paths=2)
    for _ in range(5):
        g(2.0, "a")
    with pytest.raises(ValueError, match="bad"):
        g(2.0, "bad")
    for _ in range(10):
        g(2.0, "a")
    with pytest.warns(jt.JitTapeWarning, match="structures"):
        g(2.0, "c")
    g(2.0, "a")
    assert g.cache_info() == (2, 2, 15)


def test_an_eviction_that_raises_counts_what_comes_after():
    g = jt.value_and_grad(lambda x: x if x > 0.0 else -x, max_paths=1)
    for _ in range(5):
        g(1.0)
    with pytest.raises(jt.JitTapeWarning):  # warnings are errors here
        g(-1.0)
    for _ in range(10):
        assert g(1.0) == (1.0, 1.0)
    assert g.cache_info() == (1, 3, 13)


def test_threads_make_one_call():
    for _ in range(20):
        g = jt.value_and_grad(lambda x: x * x)
        g(1.0)
        threads = [threading.Thread(target=lambda g=g: [g(2.0) for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert g.cache_info().replays == 200


def test_an_interrupted_compilation_is_tried_again(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(calls.late, "left", 1)
    monkeypatch.setattr(calls.late, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calls.late.worked(1)
    assert calls.late.left <= max(calls.late.patience)


def test_ints_and_strings_that_are_equal_are_the_same():
    def f(x, n, mode):
        return x["weights"] * n if mode == "linear" else x["weights"]

    g = jt.grad(f)
    answers(g, {"weights": 2.0}, 1000, "linear")
    before = answered(g)
    for _ in range(3):  # made anew each time
        assert g({"".join(["wei", "ghts"]): 2.0}, int("1000"), "".join(["lin", "ear"])) == {"weights": 1000.0}
    assert answered(g) == before + 3
    assert g({"weights": 2.0}, 1001, "linear") == {"weights": 1001.0}
    assert g({"weights": 2.0}, 1000, "square") == {"weights": 1.0}
    assert g({"weights": 2.0}, True, "linear") == {"weights": 1.0}
    with pytest.raises(TypeError):
        g({"weights": 2.0}, 1000.0 + 0j, "linear")


def test_out_is_what_it_was_where_it_cannot_be_written():
    p, x = jt.record(lambda x: jt.sum(x * x), np.arange(3.0)), np.arange(3.0)
    out = np.zeros(3)
    for _ in range(3):
        value, same = p.value_and_grad(x, out=out)
        assert same is out
        assert (value, out.tolist()) == (5.0, [0.0, 2.0, 4.0])
    assert p.answered == 2
    frozen = np.full(3, 7.0)
    frozen.flags.writeable = False
    for bad in (frozen, np.zeros(2), np.zeros(3, np.float32), [0.0] * 3, 1.0):
        with pytest.raises(TypeError, match="out"):
            p.value_and_grad(x, out=bad)
    assert frozen.tolist() == [7.0] * 3
    strided, column = np.zeros((3, 2))[:, 0], np.zeros((3, 1))
    before = p.answered
    p.value_and_grad(x, out=strided)
    assert p.answered == before  # refused before anything ran
    for good in (strided, column, x):  # of x itself the gradient is written after x was read
        p.value_and_grad(x, out=good)
        assert good.ravel().tolist() == [0.0, 2.0, 4.0]
    p = jt.record(lambda x: [x, x], 1.0)
    for _ in range(3):
        with pytest.raises(TypeError, match="one number"):
            p.value_and_grad(1.0)
        assert p(2.0) == [2.0, 2.0]


def test_what_a_list_makes_may_call_again_and_fail():
    class Own(list):
        def __init__(self, items):
            super().__init__(items)
            if calling:
                calling.pop()(self)

    calling = []
    g = jt.grad(lambda x: x[0] * x[0] * x[1])
    point = Own([3.0, 2.0])
    assert [answers(g, point)[0]] == [[12.0, 9.0]]
    found = []
    for _ in range(5):
        calling.append(lambda x: found.append(g(Own([1.0, 1.0]))))
        assert g(point) == [12.0, 9.0]
    assert found == [[2.0, 1.0]] * 5

    def fail(x):
        raise ValueError("of a user")

    for _ in range(3):
        calling.append(fail)
        with pytest.raises(ValueError, match="of a user"):
            g(point)
        assert g(point) == [12.0, 9.0]


def test_no_reference_is_kept():
    f = lambda p, n, *, s: jt.sum(p["w"] * p["w"]) * p["b"][0] * s  # noqa: E731
    p, mark, out = {"w": np.ones(300), "b": [2.0]}, object(), np.empty(301)
    g, program = jt.value_and_grad(f), jt.record(f, p, mark, s=3.0)
    s, other = 3.5, object()
    held = [p, p["w"], p["b"], p["b"][0], mark, out, s, None, other]

    def run():
        for _ in range(2000):
            g(p, mark, s=s)
            program.value_and_grad(p, mark, s=s, out=out)
            program(p, mark, s=s)
            try:
                program(p, other, s=s)
            except TypeError:
                pass

    run()
    gc.collect()
    before, blocks = list(map(sys.getrefcount, held)), sys.getallocatedblocks()
    run()
    gc.collect()
    assert max(abs(x - y) for x, y in zip(before, map(sys.getrefcount, held), strict=True)) < 20
    assert abs(sys.getallocatedblocks() - blocks) < 500


def test_it_goes_with_its_function():
    g = jt.grad(lambda x: jt.sum(x * x))
    x = np.ones(5)
    answers(g, x)
    kept = g._quick
    del g
    gc.collect()
    assert kept(x).tolist() == [2.0] * 5


@pytest.mark.parametrize("n", [2, 2000])
def test_threads(n):
    g = jt.value_and_grad(lambda x: jt.sum(x * x))
    points = [np.full(n, float(k)) for k in range(1, 5)]
    g(points[0])
    wrong = []

    def run(x):
        for _ in range(3000):
            value, gradient = g(x)
            if value != x[0] ** 2 * n or gradient[0] != 2.0 * x[0] or gradient[-1] != 2.0 * x[0]:
                wrong.append((x[0], value))

    threads = [threading.Thread(target=run, args=(x,)) for x in points]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert g.cache_info().replays == 12000


def test_long_programs_are_left_to_python_and_take_no_more_memory():
    n = 1 << 16
    x = np.ones(n)
    g, p = jt.value_and_grad(lambda x: jt.sum(jt.exp(x))), jt.record(lambda x: jt.sum(jt.exp(x)), x)
    for _ in range(3):
        assert g(x)[0] == p.value_and_grad(x)[0]
    assert answered(g) == p.answered == 0
    assert len(p._pool) == 1


def test_when_it_is_made(monkeypatch):
    monkeypatch.setattr(program, "_OFTEN", 4)
    monkeypatch.setattr(calls, "_definitions", [])
    monkeypatch.setattr(calls.late, "left", None)
    monkeypatch.setattr(kernels, "on_disk", lambda function: True)
    monkeypatch.setattr(calls.late, "patience", (10, 1 << 30))
    p = jt.record(lambda x: x * x, 3.0)
    for _ in range(11):
        p(3.0)
    assert not calls.compiled()
    p(3.0)  # the twelfth: calls are counted by fours
    assert calls.compiled()
    p(3.0)
    assert p.answered == 1


def test_a_failure_leaves_calls_to_python(monkeypatch):
    def failing():
        raise ValueError("as a Numba to come might")

    monkeypatch.setattr(calls, "_definitions", [])
    monkeypatch.setattr(calls.late, "left", 2)
    monkeypatch.setattr(calls.late, "make", failing)
    p = jt.record(lambda x: x * x, 3.0)
    p(3.0)
    with pytest.warns(jt.JitTapeWarning, match="as a Numba to come might"):
        p(3.0)
    for _ in range(4):
        assert p(3.0) == 9.0
    assert p.answered == 0
