"""Recording: arguments in, structure out, replays at other points, and nothing left behind when something goes wrong."""

import collections
import contextvars
import copy
import dataclasses
import functools
import gc
import math
import multiprocessing
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import jittape as jt
from jittape.errors import StaleVarError, TapeMismatchError, TracingTypeError
from jittape.ops import OPS
from jittape.record import current
from jittape.recording import Recording

Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Model:
    slope: float
    offset: float
    label: str = "line"


@dataclasses.dataclass(frozen=True)
class Frozen:
    weights: list
    bias: float


def teaching(x, y):
    return jt.sin(x) + x * y


def module_level(p):
    return p.slope * p.slope + p.offset


def module_level_log(x):
    return jt.log(x)


def names(tape):
    return [OPS[code].name for code in tape.op]


# -- the pinned interface -----------------------------------------------------------------------------------------------


def test_the_teaching_example():
    program = jt.record(teaching, 3.0, 1.0, argnums=(0, 1))
    assert program(3.0, 1.0) == 3.1411200080598674
    assert program.value_and_grad(3.0, 1.0) == (3.1411200080598674, (0.010007503399554585, 3.0))
    assert names(program.tape) == ["sin", "multiply", "add"]
    assert len(program.tape) == 3


def test_replays_at_other_points():
    program = jt.record(teaching, 3.0, 1.0, argnums=(0, 1))
    for x, y in [(0.0, 0.0), (-1.5, 2.0), (1e3, -1e-3)]:
        value, gradient = program.value_and_grad(x, y)
        assert value == pytest.approx(math.sin(x) + x * y, rel=1e-15)
        assert gradient == pytest.approx((math.cos(x) + y, x), rel=1e-15)


@pytest.mark.parametrize(
    "argnums, expected",
    [
        (0, math.cos(3.0) + 1.0),
        (1, 3.0),
        (-1, 3.0),
        ((0,), (math.cos(3.0) + 1.0,)),
        ((1, 0), (3.0, math.cos(3.0) + 1.0)),
        ((1, 1), (3.0, 3.0)),
    ],
)
def test_argnums(argnums, expected):
    assert jt.grad(teaching, argnums)(3.0, 1.0) == pytest.approx(expected, rel=1e-15)
    assert jt.record(teaching, 3.0, 1.0, argnums=argnums).grad(3.0, 1.0) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("argnums", [2, -3, (0, 2)])
def test_argnums_beyond_the_arguments(argnums):
    with pytest.raises(TypeError, match="2 positional arguments"):
        jt.grad(teaching, argnums)(3.0, 1.0)
    with pytest.raises(TypeError, match="passed by position"):
        jt.grad(teaching)(x=3.0, y=1.0)


@pytest.mark.parametrize("argnums", [(), "x", 0.0, None, (0.5,), (True,)])
def test_argnums_that_are_none(argnums):
    with pytest.raises(TypeError, match="non-empty tuple of ints"):
        jt.grad(teaching, argnums)


def test_a_traced_number_in_a_structure_may_be_copied():
    def f(p):
        q = copy.deepcopy(p)
        q.slope = q.slope * copy.copy(p.offset)
        fields = dataclasses.asdict(q)
        return fields["slope"] * fields["offset"] + dataclasses.astuple(p)[1]

    for point in (Model(2.0, 3.0), Model(-1.0, 0.5)):
        value, gradient = jt.value_and_grad(f)(point)
        assert value == f(point)
        assert (gradient.slope, gradient.offset) == (point.offset**2, 2.0 * point.slope * point.offset + 1.0)


def test_transforms_take_functions():
    for transform in (jt.grad, jt.value_and_grad):
        with pytest.raises(TypeError, match=f"^{transform.__name__} takes a function"):
            transform(3.0)
        assert repr(transform(teaching)) == f"<{transform.__name__} of teaching>"
        with pytest.raises(ValueError, match="max_paths"):
            transform(teaching, max_paths=0)
        for bad in (None, 2.5, True, "a"):
            with pytest.raises(TypeError, match="max_paths"):
                transform(teaching, max_paths=bad)
    with pytest.raises(TypeError, match=r"record takes a function, not 3\.0"):
        jt.record(3.0, 1.0)


def test_the_transform_looks_like_its_function():
    g = jt.grad(module_level)
    assert g.__name__ == "module_level"
    assert g.__wrapped__ is module_level
    assert "module_level" in repr(g)
    assert "module_level" in repr(jt.record(module_level, Model(1.0, 2.0)))


# -- structures in ------------------------------------------------------------------------------------------------------

STRUCTURES = {
    "float": (3.0, lambda p: p * p, 6.0),
    "int": (3, lambda p: p * p, 6.0),
    "np.float64": (np.float64(3.0), lambda p: p * p, 6.0),
    "np.float32": (np.float32(3.0), lambda p: p * p, 6.0),
    "np.int64": (np.int64(3), lambda p: p * p, 6.0),
    "list": ([1.0, 2.0], lambda p: p[0] * p[1], [2.0, 1.0]),
    "tuple": ((1.0, 2.0), lambda p: p[0] * p[1], (2.0, 1.0)),
    "ints in a list": ([1, 2.0], lambda p: p[0] * p[1], [2.0, 1.0]),
    "nested lists": ([[1.0, 2.0], [3.0]], lambda p: p[0][0] * p[0][1] * p[1][0], [[6.0, 3.0], [2.0]]),
    "unequal nesting": ([1.0, (2.0, [3.0])], lambda p: p[0] * p[1][0] * p[1][1][0], [6.0, (3.0, [2.0])]),
    "dict": ({"a": 1.0, "b": [2.0, 3.0]}, lambda p: p["a"] * p["b"][0] * p["b"][1], {"a": 6.0, "b": [3.0, 2.0]}),
    "dict of int keys": ({2: 1.0, 1: 2.0}, lambda p: p[1] * p[2] ** 3, {2: 6.0, 1: 1.0}),
    "namedtuple": (Point(2.0, 3.0), lambda p: p.x * p.y, Point(3.0, 2.0)),
    "ordered dict": (collections.OrderedDict(a=2.0, b=3.0), lambda p: p["a"] * p["b"], collections.OrderedDict(a=3.0, b=2.0)),
    "dataclass": (Model(2.0, 1.0), module_level, Model(4.0, 1.0)),
    "frozen dataclass": (Frozen([2.0, 3.0], 1.0), lambda p: p.weights[0] * p.weights[1] * p.bias, Frozen([3.0, 2.0], 6.0)),
    "empty list": ([], lambda p: 2.0, []),
    "empty lists inside": ([[], [2.0], ()], lambda p: p[1][0] * 3.0, [[], [3.0], ()]),
    "unused": ([1.0, 2.0], lambda p: p[0] * 1.0, [1.0, 0.0]),
}


@pytest.mark.parametrize("argument, f, expected", STRUCTURES.values(), ids=STRUCTURES)
def test_structures_of_arguments_come_back_as_gradients(argument, f, expected):
    g = jt.value_and_grad(f)
    before = copy.deepcopy(argument)
    for _ in range(3):
        value, gradient = g(argument)
        assert value == float(f(argument))
        assert gradient == expected
        assert type(gradient) is type(expected)
    assert argument == before
    assert g.cache_info() == (1, 1, 2)


def test_float_arrays():
    x = np.array([1.0, 2.0, 3.0])
    g = jt.value_and_grad(lambda x: x[0] * x[1] + x[2])
    value, gradient = g(x)
    assert value == 5.0
    assert gradient.tolist() == [2.0, 1.0, 1.0]
    assert gradient.dtype == np.float64
    assert gradient.flags.carray


@pytest.mark.parametrize(
    "x",
    [
        np.array([1, 2, 3]),
        np.array([1.0, 2.0, 3.0], np.float32),
        np.array([1.0, 9.0, 2.0, 9.0, 3.0])[::2],
        np.array([3.0, 2.0, 1.0])[::-1],
        np.array([1.0, 2.0, 3.0], ">f8"),
        np.frombuffer(np.array([1.0, 2.0, 3.0]).tobytes()),
        np.array([True, True, True]),
        np.array([1, 2, 3], np.uint8),
    ],
    ids=["int", "float32", "strided", "reversed", "big-endian", "read-only", "bool", "uint8"],
)
def test_arrays_of_other_kinds(x):
    f = jt.value_and_grad(lambda x: x[0] * x[1] + x[2] * x[2])
    program = jt.record(lambda x: x[0] * x[1] + x[2] * x[2], np.ones(3))
    before = x.copy()
    expected = ([float(x[1]), float(x[0]), 2.0 * float(x[2])], float(x[0]) * float(x[1]) + float(x[2]) * float(x[2]))
    for call in (f, f, program.value_and_grad):
        value, gradient = call(x)
        assert (gradient.tolist(), value) == expected
        assert gradient.dtype == np.float64
    assert (x == before).all()


def test_returned_gradients_are_fresh():
    g = jt.grad(lambda x: x[0] * x[1])
    first = g(np.array([1.0, 2.0]))
    second = g(np.array([3.0, 4.0]))
    assert first.tolist() == [2.0, 1.0]
    first[:] = 0.0
    assert g(np.array([3.0, 4.0])).tolist() == second.tolist() == [4.0, 3.0]


def test_arguments_are_copied_when_recorded():
    x = np.array([1.0, 2.0])
    program = jt.record(lambda x: x[0] * x[1], x)
    g = jt.value_and_grad(lambda x: x[0] * x[1])
    g(x)
    x[:] = 7.0
    assert program.value_and_grad(np.array([1.0, 2.0]))[0] == 2.0
    assert g(np.array([1.0, 2.0]))[0] == 2.0


@pytest.mark.parametrize(
    "bad",
    [1j, np.complex128(1j), np.array([1j]), np.array([object()]), np.array(["a"]), np.array([None]), {1.5, 2.5}, bytearray()],
)
def test_arguments_that_cannot_be_traced(bad):
    for call in (jt.grad(lambda x: 1.0), lambda x: jt.grad(lambda y, x: y)(1.0, x), lambda x: jt.record(lambda x: 1.0, x)):
        with pytest.raises(TypeError, match="argument . is"):
            call(bad)


@pytest.mark.parametrize("bad", ["text", None, True, b"x", 1 < 2, float, len], ids=repr)
def test_an_argument_without_numbers_cannot_be_differentiated(bad):
    for call in (
        jt.grad(lambda x: 1.0),
        lambda x: jt.value_and_grad(lambda y, x: y, 1)(1.0, x),
        lambda x: jt.record(lambda x: 1.0, x),
    ):
        with pytest.raises(TypeError, match=f"argument . is of type {type(bad).__name__}.*taken in numbers, arrays.*convert"):
            call(bad)


# -- structures out -----------------------------------------------------------------------------------------------------

RESULTS = {
    "float": lambda x: x * x,
    "list": lambda x: [x, x * x],
    "tuple": lambda x: (x, 2.0, x * x),
    "dict": lambda x: {"a": x, "b": [x * x, {"c": 3}]},
    "namedtuple": lambda x: Point(x, x * x),
    "dataclass": lambda x: Model(x, x + 1.0, 3.0),
    "constant": lambda x: 2.5,
    "int": lambda x: 2,
    "NumPy number": lambda x: np.float32(2.5),
    "input": lambda x: x,
    "the same twice": lambda x: [x * x] * 2,
    "empty": lambda x: [],
    "condition": lambda x: x > 1.0,
    "constant array": lambda x: np.array([1.0, 2.0]),
}


@pytest.mark.parametrize("f", RESULTS.values(), ids=RESULTS)
def test_results_come_back_in_their_structure(f):
    program = jt.record(f, 3.0)
    for x in (3.0, -2.0):
        result, expected = program(x), f(x)
        assert type(result) is type(expected) or isinstance(expected, (int, np.floating))
        if isinstance(expected, np.ndarray):
            assert result.tolist() == expected.tolist()
        else:
            assert result == expected


@pytest.mark.parametrize(
    "name", ["list", "tuple", "dict", "namedtuple", "dataclass", "empty", "constant array", "the same twice"]
)
def test_a_gradient_needs_a_scalar(name):
    g = jt.grad(RESULTS[name])
    for _ in range(2):
        with pytest.raises(TypeError, match="one number"):
            g(3.0)
    with pytest.raises(TypeError, match="one number"):
        jt.record(RESULTS[name], 3.0).value_and_grad(3.0)


@pytest.mark.parametrize("bad", [None, "text", object(), {1, 2}, 1j, np.array([1j])], ids=repr)
def test_results_that_are_no_numbers(bad):
    with pytest.raises(TypeError, match="returned"):
        jt.record(lambda x: bad, 3.0)
    with pytest.raises(TypeError, match="returned"):
        jt.grad(lambda x: [bad])(3.0)


def test_a_missing_return_is_named():
    with pytest.raises(TypeError, match="return statement missing"):
        jt.record(lambda x: None, 3.0)


def test_constant_and_input_outputs_have_gradients():
    assert jt.value_and_grad(lambda x: 2.5)(3.0) == (2.5, 0.0)
    assert jt.value_and_grad(lambda x: 7)(3.0) == (7.0, 0.0)
    assert jt.value_and_grad(lambda x: x)(3.0) == (3.0, 1.0)
    assert jt.value_and_grad(lambda x, y: y)(3.0, 4.0) == (4.0, 0.0)
    assert jt.value_and_grad(lambda x, y: y, (0, 1))(3.0, 4.0) == (4.0, (0.0, 1.0))
    assert jt.value_and_grad(lambda x: x[1])([3.0, 4.0]) == (4.0, [0.0, 1.0])
    assert jt.value_and_grad(lambda x: x > 1.0)(3.0) == (1.0, 0.0)


def test_zero_size():
    value, gradient = jt.value_and_grad(lambda x: 2.5)(np.zeros(0))
    assert (value, gradient.shape, gradient.dtype) == (2.5, (0,), np.float64)
    assert jt.value_and_grad(lambda x: jt.sum(x))([]) == (0.0, [])
    assert jt.value_and_grad(lambda x: 1.0)(np.zeros((0, 3)))[1].shape == (0, 3)
    program = jt.record(lambda x: [], [])
    assert program([]) == []
    assert jt.record(lambda x: 1.0, np.zeros(0)).value_and_grad(np.zeros(0), out=np.zeros(0))[0] == 1.0
    for call in (jt.grad(lambda: 4.0), lambda: jt.record(lambda: 4.0)):
        with pytest.raises(TypeError, match="0 positional"):
            call()


def test_the_same_variable_twice_adds_up():
    assert jt.grad(lambda x: x * x)(3.0) == 6.0
    assert jt.grad(lambda x: x / x)(3.0) == pytest.approx(0.0, abs=1e-15)
    assert jt.grad(lambda x, y: x * y, (0, 1))(3.0, 3.0) == (3.0, 3.0)


# -- has_aux ------------------------------------------------------------------------------------------------------------


def test_has_aux():
    g = jt.value_and_grad(
        lambda x: (x * x, {"half": x / 2.0, "note": "ok", "count": 3, "none": None, "list": [x, 1.5]}), has_aux=True
    )
    for x in (3.0, 5.0):
        (value, aux), gradient = g(x)
        assert (value, gradient) == (x * x, 2.0 * x)
        assert aux == {"half": x / 2.0, "note": "ok", "count": 3, "none": None, "list": [x, 1.5]}
        assert type(aux["count"]) is int
    assert g.cache_info() == (1, 1, 1)
    assert jt.grad(lambda x: (x * x, x), has_aux=True)(3.0) == (6.0, 3.0)


@pytest.mark.parametrize(
    "f", [lambda x: x, lambda x: (x, x, x), lambda x: [x], lambda x: ((x, x), x), lambda x: {"a": x, "b": x}]
)
def test_has_aux_needs_a_pair(f):
    with pytest.raises(TypeError):
        jt.grad(f, has_aux=True)(3.0)


def test_aux_keeps_the_types_of_plain_values():
    """What is not traced comes back as it is, whatever it is; only traced numbers become floats."""
    values = [
        True, 3, 1.5, "note", b"bytes", None, 2j, np.int64(7), np.float32(0.5), np.bool_(True), math.sin, int, range(3), Point(1, 2.0),
        frozenset({1}), {1, 2}, bytearray(b"x"), collections.deque([1, [2]], maxlen=5), collections.UserDict(a=1),
        np.arange(3), np.array([True, False]), np.ones((2, 2), np.float32), np.array(["a", "b"]), np.array([1j]),
    ]  # fmt: skip
    g = jt.value_and_grad(lambda x: (x * x, values), has_aux=True)
    for x in (3.0, 5.0):
        (value, aux), gradient = g(x)
        assert (value, gradient) == (x * x, 2.0 * x)
        for found, plain in zip(aux, values, strict=True):
            assert type(found) is type(plain)
            if isinstance(plain, np.ndarray):
                assert found.dtype == plain.dtype and found.shape == plain.shape
            assert np.all(found == plain)
    assert g.cache_info() == (1, 1, 1)


def test_aux_of_numpys_orders_are_integers():
    g = jt.value_and_grad(lambda x: (x.sum(), {"order": np.argsort(x), "best": np.argmax(x)}), has_aux=True)
    for x in ([3.0, 1.0, 2.0], [0.0, 4.0, 2.0]):
        (_, aux), _ = g(np.array(x))
        assert aux["order"].dtype == np.argsort(x).dtype and aux["order"].tolist() == np.argsort(x).tolist()
        assert type(aux["best"]) is type(np.argmax(x)) and aux["best"] == np.argmax(x)


def test_traced_conditions_in_aux_are_truth_values():
    g = jt.value_and_grad(lambda x: (x.sum(), {"one": x[0] > 1.0, "each": x > 1.0, "not": ~(x[0] > 1.0)}), has_aux=True)
    for x in ([3.0, 1.0], [0.0, 4.0]):
        (_, aux), _ = g(np.array(x))
        assert aux["one"] is (x[0] > 1.0) and aux["not"] is not aux["one"]
        assert aux["each"].dtype == bool and aux["each"].tolist() == [k > 1.0 for k in x]
    assert g.cache_info() == (1, 1, 1)


def test_a_value_that_is_a_plain_int_beside_aux():
    assert jt.value_and_grad(lambda x: (3, "constant"), has_aux=True)(2.0) == ((3.0, "constant"), 0.0)
    assert jt.value_and_grad(lambda x: [True, x], has_aux=True)(2.0) == ([1.0, 2.0], 0.0)


def test_aux_belongs_to_its_caller():
    shared = [1], {2}, collections.deque([[3]]), bytearray(b"x"), np.zeros(2), {"k": {5}}
    g = jt.value_and_grad(lambda x: (x * x, shared), has_aux=True)

    def plain(aux):
        return [list(x) if not isinstance(x, dict) else x for x in aux]

    (_, first), _ = g(1.0)
    expected = copy.deepcopy(plain(first))
    for aux in (first, shared):
        aux[0].append(4)
        aux[1].add(4)
        aux[2][0].append(4)
        aux[3].append(4)
        aux[4][0] = 4.0
        aux[5]["k"].add(4)
        assert plain(g(2.0)[0][1]) == expected


class ArrayOfAnotherLibrary:
    def __array__(self, dtype=None, copy=None):
        return np.ones(2)


def test_arrays_of_other_libraries_are_no_static_values():
    g = jt.grad(lambda x, y: x * 2.0)
    for args in ((ArrayOfAnotherLibrary(), 1.0), (1.0, [ArrayOfAnotherLibrary()])):
        with pytest.raises(TypeError, match=r"ArrayOfAnotherLibrary.*np\.asarray"):
            g(*args)
    assert g(1.0, np.str_("static")) == 2.0


class Holder:
    def __init__(self, held):
        self.held = held


class Slotted:
    __slots__ = ("held", "__weakref__")

    def __init__(self, held):
        self.held = held


def local_class(held):
    class Local:
        value = held

    return Local


def test_an_object_in_aux_is_the_same_on_every_call():
    holder = Holder([1])
    g = jt.value_and_grad(lambda x: (x * x, holder), has_aux=True)
    assert g(1.0)[0][1] is g(2.0)[0][1] is holder


@pytest.mark.parametrize(
    "hide",
    [
        lambda x: {x}, lambda x: frozenset({x}), lambda x: collections.deque([x]), Holder, Slotted,
        lambda x: Holder([{"deep": (x,)}]), lambda x: lambda: x, lambda x: functools.partial(max, x), lambda x: {"key": [{x}]},
        lambda x: {x: 1}, lambda x: collections.UserList([x]), lambda x: iter([x]), lambda x: {("key", (x,)): 1}, local_class,
        lambda x: local_class(x)(),
    ],
)  # fmt: skip
def test_a_traced_value_hidden_in_aux_is_refused(hide):
    """It would be the one of the recording for ever."""
    for f in (lambda x: (x[0], hide(x[1])), lambda x: (x[0], hide(x)), lambda x: (x[0], hide(x[0] > 0.0))):
        with pytest.raises(TracingTypeError, match="traced value"):
            jt.value_and_grad(f, has_aux=True)(np.ones(2))


def test_traced_keys_of_results_are_refused():
    with pytest.raises(TracingTypeError, match="traced value"):
        jt.record(lambda x: {x: 1.0}, 1.0)
    with pytest.raises(TracingTypeError, match="traced value"):
        jt.record(lambda x: {("x", x): x}, 1.0)


def test_an_object_in_aux_may_refer_to_itself_and_to_eager_variables():
    holder = Holder(jt.var(2.0))
    holder.self = holder
    (_, aux), _ = jt.value_and_grad(lambda x: (x, holder), has_aux=True)(1.0)
    assert aux.held is holder.held


# -- transforms as functions ---------------------------------------------------------------------------------------------


@jt.grad
def decorated(x):
    """A function that only its transform has the name of."""
    return x * x * x


@functools.partial(jt.value_and_grad, argnums=(0, 1), has_aux=True, max_paths=3)
def decorated_with_options(x, y):
    return x * y, "note"


@pytest.mark.parametrize(
    "through",
    [lambda g: pickle.loads(pickle.dumps(g)), copy.copy, copy.deepcopy, lambda g: copy.deepcopy([g])[0]],
    ids=["pickle", "copy", "deepcopy", "inside"],
)
def test_transforms_pickle_and_copy(through):
    for g, args in [
        (jt.grad(teaching), (3.0, 1.0)),
        (jt.value_and_grad(teaching, argnums=1), (3.0, 1.0)),
        (jt.value_and_grad(teaching, (1, 0), max_paths=2, check_finite=True), (3.0, 1.0)),
        (jt.grad(module_level), (Model(2.0, 1.0),)),
        (jt.grad(functools.partial(teaching, y=2.0)), (3.0,)),
        (decorated, (2.0,)),
        (decorated_with_options, (2.0, 3.0)),
    ]:
        expected = g(*args)
        again = through(g)
        assert type(again) is type(g) and repr(again) == repr(g)
        assert again(*args) == expected
        assert again(*args) == g(*args) == expected


def test_a_copied_transform_has_recordings_of_its_own():
    g = jt.grad(teaching)
    g(3.0, 1.0)
    again = copy.deepcopy(g)
    assert again.cache_info() == (0, 0, 0)
    again(3.0, 1.0)
    assert g.cache_info() == again.cache_info() == (1, 1, 0)


def test_options_survive_pickling():
    g = pickle.loads(pickle.dumps(jt.grad(module_level_log, check_finite=True)))
    with pytest.raises(jt.NonFiniteError):
        g(0.0)


def test_a_transform_of_a_lambda_is_copied_and_says_why_it_cannot_be_pickled():
    g = jt.grad(lambda x: x * x)
    assert copy.deepcopy(g)(3.0) == 6.0
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(g)


def test_other_processes_take_transforms():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(decorated, [1.0, 2.0]) == [3.0, 12.0]
        assert pool.map(jt.grad(module_level_log), [1.0, 2.0]) == [1.0, 0.5]


class Spring:
    def __init__(self, stiffness):
        self.stiffness = stiffness

    @functools.partial(jt.value_and_grad, argnums=1)
    def energy(self, x):
        """The energy at x."""
        return self.stiffness * x * x

    @staticmethod
    @jt.grad
    def cubed(x):
        return x * x * x

    @classmethod
    @functools.partial(jt.grad, argnums=1)
    def of_class(cls, x):
        return x * x if cls is Spring else x


class StifferSpring(Spring):
    def __init__(self, stiffness):
        super().__init__(2.0 * stiffness)

    def energy(self, x):
        value, gradient = super().energy(x)
        return value + 1.0, gradient


@dataclasses.dataclass
class Line:
    slope: float

    @jt.grad
    def at(self, x):
        return self.slope * x


def test_methods_can_be_transformed():
    soft, hard = Spring(1.0), Spring(10.0)
    assert soft.energy(3.0) == (9.0, 6.0)
    assert hard.energy(3.0) == (90.0, 60.0)
    assert soft.energy(2.0) == Spring.energy(soft, 2.0) == (4.0, 4.0)
    assert StifferSpring(1.0).energy(3.0) == (19.0, 12.0)
    assert soft.energy.__doc__ == "The energy at x."
    assert soft.energy == soft.energy != hard.energy
    assert soft.cubed(2.0) == Spring.cubed(2.0) == 12.0
    assert soft.of_class(2.0) == Spring.of_class(2.0) == 4.0 and StifferSpring.of_class(2.0) == 1.0
    assert pickle.loads(pickle.dumps(soft)).energy(3.0) == (9.0, 6.0)


def test_a_method_of_a_dataclass_can_be_differentiated_in_its_fields():
    line = Line(2.0)
    assert line.at(3.0) == Line(3.0)
    line.slope = 5.0
    assert line.at(4.0) == Line(4.0)
    assert Line.at.cache_info() == (1, 1, 1)


def test_a_method_of_what_cannot_be_hashed_is_refused():
    class Unhashable(Spring):
        __hash__ = None

    with pytest.raises(TracingTypeError, match="hashable"):
        Unhashable(1.0).energy(3.0)


# -- what replays and what is recorded again ----------------------------------------------------------------------------


def test_floats_that_are_not_differentiated_are_data():
    g = jt.value_and_grad(lambda x, a, b: x * a + b[0] * b[1])
    assert g(3.0, 2.0, [1.0, 4.0]) == (10.0, 2.0)
    assert g(3.0, 5.0, [2.0, 4.0]) == (23.0, 5.0)
    assert g(4.0, np.float32(5.0), (np.float64(2.0), 4.0)[:0] or [2.0, 4.0]) == (28.0, 5.0)
    assert g.cache_info() == (1, 1, 2)


def test_data_arrays_replay():
    g = jt.value_and_grad(lambda w, x, k: w * x[0] + k[1])
    assert g(2.0, np.array([3.0]), np.array([1, 2])) == (8.0, 3.0)
    assert g(2.0, np.array([5.0]), np.array([7, 8])) == (18.0, 5.0)
    assert g(2.0, np.array([5], np.float32), np.array([True, False])) == (10.0, 5.0)
    assert g.cache_info() == (2, 2, 1)  # truth values are conditions, not numbers
    assert g(2.0, np.array([5.0, 6.0]), np.array([7, 8])) == (18.0, 5.0)
    assert g.cache_info().records == 3


def test_statics_are_part_of_the_recording():
    def f(x, n, flag, mode):
        y = x
        for _ in range(n):
            y = y * x
        return -y if flag else y + (1.0 if mode == "shift" else 0.0)

    g = jt.value_and_grad(f)
    assert g(2.0, 2, False, "shift") == (9.0, 12.0)
    assert g(2.0, 3, False, "shift") == (17.0, 32.0)
    assert g(2.0, 3, True, None) == (-16.0, -32.0)
    assert g(3.0, 2, False, "shift") == (28.0, 27.0)
    assert g(3.0, np.int64(2), False, "shift") == (28.0, 27.0)
    assert g.cache_info() == (3, 3, 2)


def test_true_and_one_are_different_statics():
    g = jt.value_and_grad(lambda x, flag: x * 2.0 if flag is True else x * 3.0)
    assert g(2.0, True) == (4.0, 2.0)
    assert g(2.0, 1) == (6.0, 3.0)
    assert g(2.0, True) == (4.0, 2.0)


def test_static_values_of_user_classes_and_functions():
    g = jt.value_and_grad(lambda x, f: f(x))
    assert g(2.0, jt.exp)[1] == pytest.approx(math.exp(2.0))
    assert g(2.0, jt.sin)[1] == pytest.approx(math.cos(2.0))
    assert g.cache_info().records == 2


def test_too_many_statics_warn_once_and_stay_bounded():
    g = jt.value_and_grad(lambda x, n: x * n, max_paths=5)
    with pytest.warns(jt.JitTapeWarning, match="pass numbers that change from call to call as floats") as caught:
        for n in range(20):
            assert g(2.0, n) == (2.0 * n, float(n))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert g.cache_info().paths <= 5


def test_structures_are_recorded_apart():
    g = jt.value_and_grad(lambda p: p[0] * p[1])
    g([1.0, 2.0])
    g((1.0, 2.0))
    g([1.0, 2.0, 3.0])
    g([1.0, [2.0]][:1] + [2.0])
    assert g.cache_info() == (3, 3, 1)
    g.clear_cache()
    assert g.cache_info() == (0, 0, 0)
    assert g([1.0, 2.0]) == (2.0, [2.0, 1.0])


def test_keyword_arguments_are_data():
    def f(x, scale=1.0, *, shift=0.0):
        return x * scale + shift

    g = jt.value_and_grad(f)
    assert g(2.0) == (2.0, 1.0)
    assert g(2.0, scale=3.0) == (6.0, 3.0)
    assert g(2.0, shift=1.0, scale=4.0) == (9.0, 4.0)
    assert g(2.0, scale=5.0, shift=2.0) == (12.0, 5.0)
    assert g.cache_info() == (3, 3, 1)
    program = jt.record(f, 2.0, scale=3.0)
    assert program(5.0, scale=2.0) == 10.0
    with pytest.raises(TypeError, match="keywords"):
        program(5.0)


def test_keyword_arguments_may_have_any_name():
    def f(x, *, self, f, args):
        return x * self + f * args

    names = {"self": 2.0, "f": 3.0, "args": 4.0}
    program = jt.record(f, 5.0, **names)
    assert jt.grad(f)(5.0, **names) == program.grad(5.0, **names) == 2.0
    assert program(5.0, **names) == program.bind(5.0, out=np.zeros(1), **names)() == 22.0


def test_variadic_functions():
    def f(*xs, **named):
        return sum(xs) * named.get("k", 1.0)

    assert jt.grad(f, (0, 2))(1.0, 2.0, 3.0, k=4.0) == (4.0, 4.0)


def test_callables_of_every_kind():
    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, x):
            return self.k * x

        def method(self, x):
            return self.k * x * x

    assert jt.grad(Scale(3.0))(2.0) == 3.0
    assert jt.grad(Scale(3.0).method)(2.0) == 12.0
    assert jt.grad(functools.partial(teaching, y=1.0))(3.0) == pytest.approx(math.cos(3.0) + 1.0)
    assert jt.grad(abs)(-2.0) == -1.0
    assert jt.grad(jt.tanh)(0.0) == 1.0


def test_closures_are_constants_frozen_when_recorded():
    k = 2.0

    def f(x):
        return k * x

    g = jt.value_and_grad(f)
    assert g(3.0) == (6.0, 2.0)
    k = 5.0
    assert g(3.0) == (6.0, 2.0)
    g.clear_cache()
    assert g(3.0) == (15.0, 5.0)


# -- programs -----------------------------------------------------------------------------------------------------------


def test_out_takes_the_gradient():
    program = jt.record(lambda x: x[0] * x[1] + x[2], np.ones(3))
    x, out = np.array([2.0, 3.0, 4.0]), np.full(3, np.nan)
    value, returned = program.value_and_grad(x, out=out)
    assert value == 10.0
    assert returned is out
    assert out.tolist() == [3.0, 2.0, 1.0]
    out[:] = np.nan
    assert program.grad(x, out=out) is out
    assert out.tolist() == [3.0, 2.0, 1.0]


def test_out_may_be_strided_two_dimensional_or_the_argument_itself():
    program = jt.record(lambda x: x[0] * x[1] + x[2], np.ones(3))
    x = np.array([2.0, 3.0, 4.0])
    wide = np.zeros(6)
    program.value_and_grad(x, out=wide[::2])
    assert wide.tolist() == [3.0, 0.0, 2.0, 0.0, 1.0, 0.0]
    column = np.zeros((3, 1))
    program.value_and_grad(x, out=column)
    assert column.ravel().tolist() == [3.0, 2.0, 1.0]
    value, _ = program.value_and_grad(x, out=x)
    assert (value, x.tolist()) == (10.0, [3.0, 2.0, 1.0])


def test_out_of_several_arguments_is_flat():
    program = jt.record(lambda a, b: a[0] * b + a[1], [1.0, 2.0], 3.0, argnums=(0, 1))
    out = np.zeros(3)
    program.value_and_grad([2.0, 5.0], 4.0, out=out)
    assert out.tolist() == [4.0, 1.0, 2.0]


@pytest.mark.parametrize("out", [np.zeros(2), np.zeros(4), np.zeros(3, np.float32), np.zeros(3, int), [0.0] * 3, 0.0], ids=repr)
def test_out_that_does_not_fit(out):
    program = jt.record(lambda x: x[0] * x[1] + x[2], np.ones(3))
    with pytest.raises(TypeError, match="float64 array of 3"):
        program.value_and_grad(np.ones(3), out=out)


def test_out_that_is_read_only():
    program = jt.record(lambda x: x[0] * x[1] + x[2], np.ones(3))
    out = np.zeros(3)
    out.setflags(write=False)
    with pytest.raises(TypeError, match="read-only"):
        program.value_and_grad(np.ones(3), out=out)
    assert out.tolist() == [0.0] * 3


def test_a_guard_that_fails_leaves_out_alone():
    program = jt.record(lambda x: x[0] * 2.0 if x[0] > 0 else x[1], np.ones(2))
    out = np.full(2, 7.0)
    with pytest.raises(jt.BranchChanged):
        program.value_and_grad(-np.ones(2), out=out)
    assert out.tolist() == [7.0, 7.0]


@pytest.mark.parametrize(
    "args, message",
    [
        (([1.0], 2.0), "argument 'p' was recorded as a list of 2 floats, called with a list of 1 floats"),
        (((1.0, 2.0), 2.0), "'p' was recorded as a list of 2 floats, called with a tuple"),
        (([1.0, 2.0], 2), "argument 'q' was recorded as a float, called with the static int 2"),
        (([1.0, 2.0], np.zeros(3)), "argument 'q' was recorded as a float, called with a float array of shape"),
        (([1.0, 2.0], np.zeros(3, bool)), "argument 'q' was recorded as a float, called with a bool array of shape"),
        (([1.0, 2.0],), "2 positional arguments"),
        (([1.0, 2.0], 2.0, 3.0), "2 positional arguments"),
    ],
)
def test_arguments_of_another_structure_are_named(args, message):
    program = jt.record(lambda p, q: p[0] * p[1] * q, [1.0, 2.0], 3.0)
    for call in (program, program.value_and_grad, program.grad):
        with pytest.raises(TypeError, match=message):
            call(*args)
    assert program([1.0, 2.0], 3.0) == 6.0


@pytest.mark.parametrize(
    "recorded, given, message",
    [
        ({"w": [1.0, 2.0], "k": 3}, {"w": [1.0, 2.0], "k": 4}, r"argument q\['k'\] was recorded as the static int 3, .* int 4"),
        ([1, 2.0], [7, 2.0], r"argument q\[0\] was recorded as the static int 1, called with the static int 7"),
        ([1.0, 2.0], [1.0, 2], r"argument q\[1\] was recorded as a float, called with the static int 2"),
        (
            {"a": 1.0, "b": 2.0},
            {"b": 2.0, "a": 1.0},
            r"'q' was .* keys \['a', 'b'\], called with a dict with the keys \['b', 'a'\]",
        ),
        ({"a": 1.0}, {"z": 1.0}, r"keys \['a'\], called with a dict with the keys \['z'\]"),
        (
            ({"x": np.ones(2)}, 1.0),
            ({"x": np.ones(3)}, 1.0),
            r"argument q\[0\]\['x'\] was recorded as a float array of shape \(2,\)",
        ),
        ((1.0, [2.0]), (1.0, (2.0,)), r"argument q\[1\] was recorded as a list of 1 floats, called with a tuple"),
    ],
)
def test_where_a_nested_argument_differs_is_named(recorded, given, message):
    program = jt.record(lambda p, q: p * p, 2.0, recorded)
    with pytest.raises(TypeError, match=message):
        program(2.0, given)
    program = jt.record(lambda p, q: p * p, 2.0, q=recorded)
    with pytest.raises(TypeError, match=message):
        program(2.0, q=given)


def test_arrays_of_another_shape():
    program = jt.record(lambda x: x[0], np.ones(3))
    for bad in (np.ones(2), np.ones((3, 1)), [1.0, 1.0, 1.0], 1.0):
        with pytest.raises(TypeError, match="'x' was recorded as a float array of shape"):
            program.value_and_grad(bad)


def test_first_and_later_calls_are_bit_identical(rng):
    def f(p, a):
        total = 0.0
        for i, w in enumerate(p):
            total = total + jt.exp(-w * a) * jt.sin(w) / (1.0 + i) + jt.log1p(w * w) ** 0.3
        return total

    for _ in range(20):
        p, a = rng.normal(size=7).tolist(), float(rng.normal())
        g = jt.value_and_grad(f)
        first = g(p, a)
        assert all(g(p, a) == first for _ in range(3))
        assert jt.record(f, p, a).value_and_grad(p, a) == first
        other = jt.record(f, rng.normal(size=7).tolist(), 0.5)
        assert other.value_and_grad(p, a) == first
        assert other(p, a) == first[0]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_programs_pickle(protocol):
    program = jt.record(module_level, Model(2.0, 1.0))
    program(Model(3.0, 1.0))
    again = pickle.loads(pickle.dumps(program, protocol))
    assert again.value_and_grad(Model(3.0, 1.5)) == (10.5, Model(6.0, 1.0))
    assert again(Model(3.0, 1.5)) == program(Model(3.0, 1.5))
    with pytest.raises(TypeError, match="'p'"):
        again(3.0)


def test_programs_of_lambdas_and_branches_pickle():
    program = jt.record(lambda x, y: x * y if x < y else x, 1.0, 2.0, argnums=(1, 0))
    again = pickle.loads(pickle.dumps(program))
    assert again.value_and_grad(2.0, 5.0) == (10.0, (2.0, 5.0))
    with pytest.raises(jt.BranchChanged):
        again(5.0, 2.0)
    assert copy.deepcopy(program)(2.0, 5.0) == 10.0


def test_names_of_inputs():
    program = jt.record(lambda p, *rest, k: p["a"][0] * rest[0] * k, {"a": [1.0]}, 2.0, k=3.0)
    assert [program.tape.names.get(i) for i in (1, 2, 3)] == ["p['a'][0]", "args[1]", "k"]
    assert "p['a'][0]" in program.tape.show()


def test_lines_are_recorded_on_request():
    def f(x):
        y = jt.sin(x)
        return y * x

    first = f.__code__.co_firstlineno
    program = jt.record(f, 1.0, lines=True)
    assert [program.tape.line(i) for i in range(2)] == [(__file__, first + 1), (__file__, first + 2)]
    plain = jt.record(f, 1.0)
    assert plain.tape.line(0) is None
    assert plain.value_and_grad(2.0) == program.value_and_grad(2.0)


# -- when something goes wrong ------------------------------------------------------------------------------------------


class Unusual(Exception):
    pass


@pytest.mark.parametrize(
    "error", [Unusual("no"), KeyboardInterrupt(), SystemExit(3), GeneratorExit(), RecursionError("deep"), MemoryError()]
)
def test_exceptions_inside_the_function_come_out_as_they_are(error):
    def f(x, fail):
        y = jt.sin(x)
        if fail:
            raise error
        return y * x

    g = jt.value_and_grad(f)
    expected = g(2.0, False)
    before = g.cache_info()
    for call in (g, lambda *args: jt.record(f, *args)):
        with pytest.raises(type(error)) as caught:
            call(2.0, True)
        assert caught.value is error
        assert current.get() is None
    assert g.cache_info() == before
    assert g(2.0, False) == expected
    assert jt.record(f, 2.0, False).value_and_grad(2.0, False) == expected


def test_exceptions_leave_the_first_recording_possible():
    calls = []

    def f(x):
        calls.append(x)
        if len(calls) == 1:
            raise Unusual
        return x * x

    g = jt.value_and_grad(f)
    with pytest.raises(Unusual):
        g(3.0)
    assert g(3.0) == (9.0, 6.0)
    assert g.cache_info() == (1, 1, 0)


def test_an_interrupt_at_the_end_of_a_recording_leaves_garbage_collection_on(monkeypatch):
    def interrupted(recording):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Recording, "close", interrupted)
        jt.record(lambda x: x * x, 3.0)
    assert gc.isenabled()
    assert current.get() is None


def test_a_value_kept_past_its_recording_is_stale():
    kept = []

    def f(x):
        kept.append(x)
        kept.append(x * x)
        kept.append(x > 1.0)
        return x

    jt.record(f, 3.0)
    for use in (
        lambda: kept[0] + 1.0,
        lambda: 2.0 * kept[1],
        lambda: jt.sin(kept[0]),
        lambda: kept[0] < 1.0,
        lambda: -kept[1],
        lambda: kept[0] * kept[1],
    ):
        with pytest.raises(StaleVarError, match="kept past the recording"):
            use()
    with pytest.raises(StaleVarError):
        bool(kept[0])
    assert repr(kept[0]).startswith("Var(3.0")


def test_a_value_of_another_recording_is_named():
    kept = []

    def first(x):
        kept.append(x)
        return x

    def second(y):
        return y * kept[0]

    jt.record(first, 3.0)
    with pytest.raises(TapeMismatchError, match="second"):
        jt.record(second, 3.0)
    with pytest.raises(TapeMismatchError):
        jt.record(lambda x: kept[0], 3.0)


def test_a_memo_that_outlives_a_recording_is_named_as_such():
    memo = {}

    def power(x, n):
        if n not in memo:
            memo[n] = x if n == 1 else power(x, n - 1) * x
        return memo[n]

    g = jt.value_and_grad(lambda x: x * power(x, 2) if x > 0 else power(x, 2) - x)
    assert g(2.0) == (8.0, 12.0)
    with pytest.raises(TapeMismatchError, match="recording of .* has ended.* memo"):
        g(-2.0)
    memo.clear()
    assert g(-2.0) == (6.0, -5.0)


def test_an_eager_variable_inside_a_recorded_function():
    w = jt.var(2.0, name="w")
    with pytest.raises(TapeMismatchError, match="argument"):
        jt.grad(lambda x: x * w)(3.0)
    assert jt.grad(lambda x: x * w.value)(3.0) == 2.0
    with pytest.raises(TypeError, match="traced value"):
        jt.grad(lambda x: x)(w)


def test_a_gradient_inside_a_recorded_function():
    inner = jt.grad(lambda x: x**3)
    with pytest.raises(TypeError, match="gradient inside a recorded function"):
        jt.grad(lambda x: inner(x) * x)(2.0)
    with pytest.raises(TypeError, match="gradient inside a recorded function"):
        jt.record(lambda x: jt.record(lambda y: y * y, x)(x), 2.0)
    assert inner(2.0) == 12.0
    # of plain numbers it is a constant
    assert jt.value_and_grad(lambda x: inner(2.0) * x)(3.0) == (36.0, 12.0)


def test_a_traced_value_captured_by_an_inner_gradient():
    def f(x):
        return jt.grad(lambda y: y * x)(1.0)

    with pytest.raises(TapeMismatchError):
        jt.grad(f)(2.0)
    assert current.get() is None


def test_recording_inside_a_recording():
    def f(x):
        inner = jt.record(lambda y: y * y, 3.0)
        return x * inner(4.0)

    assert jt.value_and_grad(f)(2.0) == (32.0, 16.0)


def test_value_is_a_listed_way_out():
    def f(x):
        return x * x.value

    program = jt.record(f, 3.0)
    assert program.value_and_grad(5.0) == (15.0, 3.0)
    assert len(program.tape.reads) == 1
    assert program.tape.reads[0][1][0] == __file__


def test_nan_and_infinity_pass_through():
    g = jt.value_and_grad(lambda x, y: x * y)
    for x, y in [(math.nan, 1.0), (math.inf, 0.0), (-math.inf, 2.0), (1e308, 1e308)]:
        value, gradient = g(x, y)
        assert np.array_equal([value, gradient], [x * y, y], equal_nan=True)


def test_nothing_of_a_recording_stays_alive():
    """Neither arguments nor temporaries are held by a transform; the function is."""

    class Label(str):
        pass

    labels = [Label("the first recording")]
    alive = weakref.ref(labels[0])

    def f(x):
        if labels:
            x.rec.label = labels.pop()  # whatever the recording refers to
        return x * x

    g = jt.value_and_grad(f)
    assert g(2.0) == (4.0, 4.0)
    gc.collect()
    assert alive() is None
    assert g(3.0) == (9.0, 6.0)


# -- threads and contexts -----------------------------------------------------------------------------------------------


def test_threads_share_a_program():
    def f(x):
        total = 0.0
        for i in range(50):
            total = total + jt.sin(x[i % 5] * (i + 1)) * x[(i + 2) % 5]
        return total

    program = jt.record(f, np.ones(5))
    points = [np.random.default_rng(i).normal(size=5) for i in range(40)]
    expected = [program.value_and_grad(p) for p in points]

    def work(_):
        return [program.value_and_grad(p) for p in points]

    with ThreadPoolExecutor(6) as pool:
        for answers in pool.map(work, range(12)):
            for (v, g), (w, h) in zip(answers, expected, strict=True):
                assert v == w
                assert g.tobytes() == h.tobytes()


def test_threads_share_a_transform_from_its_first_call():
    g = jt.value_and_grad(lambda x: jt.sum([jt.sin(x * i) for i in range(30)]))
    barrier = threading.Barrier(6)

    def work(i):
        barrier.wait()
        return [g(0.1 * k + i) for k in range(30)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(work, range(6)))
    assert answers == [[g(0.1 * k + i) for k in range(30)] for i in range(6)]
    assert g.cache_info().paths == 1


def test_recordings_in_two_threads_do_not_meet():
    started, go = threading.Event(), threading.Event()
    out = {}

    def slow(x):
        y = x * 2.0
        started.set()
        assert go.wait(30)
        return y * x

    thread = threading.Thread(target=lambda: out.update(slow=jt.value_and_grad(slow)(3.0)))
    thread.start()
    assert started.wait(30)
    out["fast"] = jt.value_and_grad(lambda x: jt.exp(x) - x)(0.0)
    go.set()
    thread.join()
    assert out == {"slow": (18.0, 12.0), "fast": (1.0, 0.0)}


def test_a_recording_in_a_copied_context():
    g = jt.value_and_grad(lambda x: x * x)
    assert contextvars.copy_context().run(g, 3.0) == (9.0, 6.0)
    assert current.get() is None


def test_the_refusal_classes_are_type_errors():
    assert issubclass(TracingTypeError, TypeError)
    assert issubclass(TapeMismatchError, ValueError)
    assert issubclass(jt.BranchChanged, jt.JitTapeError)


# -- bound calls --------------------------------------------------------------------------------------------------------


def test_a_bound_call_reads_its_arrays_anew_and_keeps_its_numbers():
    def f(p, k, data):
        return jt.sum(p["w"] * data) * k + p["b"]

    p, data = {"w": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": 5.0}, np.array([1.0, -1.0])
    program, out = jt.record(f, p, 2.0, data), np.full(5, -1.0)
    step = program.bind(p, 2.0, data, out=out)
    assert (out == -1.0).all()
    for _ in range(3):
        value, gradient = program.value_and_grad(p, 2.0, data)
        assert step() == value
        assert out.tolist() == [*gradient["w"].ravel(), gradient["b"]]
        p["w"] *= 1.5
        data += 0.25
    p["b"] = 100.0
    assert step() < 100.0


def test_a_bound_call_takes_shapes_and_returns_what_the_program_returns():
    def f(x):
        return x[0, 0] * jt.log(x[0, 1]) + x[1, 0] / x[1, 1]

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    program = jt.record(f, x)
    out = np.empty((2, 2))
    step = program.bind(x, out=out)
    for x[0, 1] in (2.0, 0.0, -1.0, np.nan, np.inf, 3.0):
        value, gradient = program.value_and_grad(x)
        assert np.array_equal([step()], [value], equal_nan=True)
        assert np.array_equal(out, gradient, equal_nan=True)


def test_a_bound_call_that_meets_another_branch_raises_and_leaves_its_arrays():
    x, out = np.array([2.0]), np.empty(1)
    program = jt.record(lambda x: x[0] * x[0] if x[0] > 1.0 else x[0], x)
    step = program.bind(x, out=out)
    assert (step(), out[0]) == (4.0, 4.0)
    x[0] = 0.5
    with pytest.raises(jt.BranchChanged, match="would take another branch"):
        step()
    assert (x[0], out[0]) == (0.5, 4.0)
    x[0] = 3.0
    assert (step(), out[0]) == (9.0, 6.0)


def test_a_bound_call_reads_labels_and_masks_anew():
    def loss(w, labels, mask):
        return np.sum(np.where(mask, (w - w.mean())[np.arange(4), labels] ** 2, 0.0))

    w, labels, mask = np.arange(12.0).reshape(4, 3) ** 1.5, np.array([2, 1, 0, 2]), np.array([True, False, True, True])
    program, out = jt.record(loss, w, labels, mask), np.empty((4, 3))
    step = program.bind(w, labels, mask, out=out)
    for _ in range(4):
        value, gradient = program.value_and_grad(w, labels, mask)
        assert step() == value
        assert np.array_equal(out, gradient)
        labels[...] = (labels + 1) % 3
        mask[...] = mask[::-1]
        w += 0.25
    labels[0] = 7
    with pytest.raises(jt.BranchChanged):
        step()


def test_bound_calls_are_independent():
    x, y, outs = np.array([1.0]), np.array([2.0]), [np.empty(1) for _ in range(3)]
    program = jt.record(lambda x: x[0] ** 3, x)
    one, two = program.bind(x, out=outs[0]), program.bind(y, out=outs[1])
    assert (one(), two(), program.value_and_grad(y, out=outs[2])[0], one()) == (1.0, 8.0, 8.0, 1.0)
    assert [out[0] for out in outs] == [3.0, 12.0, 12.0]
    del program, x
    gc.collect()
    assert (one(), two()) == (1.0, 8.0)


@pytest.mark.parametrize(
    "x, out, message",
    [
        (np.ones(4)[::2], np.empty(2), "C-contiguous.*, not contiguous"),
        (np.ones(2, np.float32), np.empty(2), "float32"),
        (np.ones(2, ">f8"), np.empty(2), "C-contiguous"),
        (np.ones(2), np.empty(4)[::2], "C-contiguous.*, not contiguous"),
        (np.ones(2), np.empty(2, ">f8"), "float64"),
        (np.ones(2), np.empty(3), "2 elements"),
        (np.ones(2), np.broadcast_to(0.0, 2), "read-only"),
        (np.ones(2), [0.0, 0.0], "list"),
        (np.ones(3), np.empty(2), "recorded as"),
    ],
)
def test_arrays_that_cannot_be_bound(x, out, message):
    with pytest.raises(TypeError, match=message):
        jt.record(lambda x: x[0] + x[1], np.ones(2)).bind(x, out=out)


def test_a_bound_call_needs_a_function_that_returns_one_number():
    with pytest.raises(TypeError, match="one number"):
        jt.record(lambda x: (x[0], x[0]), np.ones(1)).bind(np.ones(1), out=np.empty(1))


def test_a_sparse_matrix_says_what_to_write():
    sparse = pytest.importorskip("scipy.sparse")
    a, x = sparse.random(6, 6, 0.5, "coo", random_state=0), np.arange(1.0, 7.0)
    with pytest.raises(ValueError, match="unsupported") as error:
        jt.grad(lambda x: np.sum(a @ x))(x)
    assert "np.bincount(A.row" in error.value.__notes__[0]
    gradient = jt.grad(lambda x: np.sum(np.bincount(a.row, a.data * x[a.col], minlength=a.shape[0]) ** 2))(x)
    np.testing.assert_allclose(gradient, 2.0 * a.toarray().T @ (a.toarray() @ x))
