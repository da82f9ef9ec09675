"""Structures of arguments: what is flattened comes back, gradients have the shape of what they belong to, and specs are keys."""

import collections
import dataclasses
import enum
import functools
import itertools
import pickle
import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jittape as jt
from jittape.errors import TracingTypeError
from jittape.structure import Signature, flatten, map_leaves, places, size, unflatten

Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Layer:
    w: object
    b: object


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: object
    name: str = "fixed"


class Params(dict):
    """A user's own dict."""


class Attributes(dict):
    """One that looks attributes up among its items."""

    __getattr__ = dict.__getitem__


class Vector(tuple):
    """A tuple that is made of its items one by one."""

    def __new__(cls, *items):
        return super().__new__(cls, items)


class Path(list):
    """A user's own list."""


NUMBERS = st.floats(-3.0, 3.0).map(float)
ARRAYS = st.lists(st.integers(0, 3), max_size=3).map(
    lambda shape: np.linspace(-1.0, 1.0, int(np.prod(shape, dtype=int))).reshape(shape)
)
LEAVES = st.one_of(NUMBERS, ARRAYS)
STRUCTURES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from(["a", "b", 3]), inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2).map(collections.OrderedDict),
        st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2).map(Params),
        st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2).map(Attributes),
        st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2).map(lambda d: collections.defaultdict(list, d)),
        st.lists(inner, max_size=2).map(Path),
        st.lists(inner, max_size=2).map(lambda items: Vector(*items)),
        st.builds(Point, inner, inner),
        st.builds(Layer, inner, inner),
        st.builds(Frozen, inner),
    ),
    max_leaves=8,
)


def equal(x, y):
    """The same types, shapes and numbers."""
    assert type(x) is type(y)
    if isinstance(x, np.ndarray):
        assert x.shape == y.shape and x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
    elif isinstance(x, dict):
        assert list(x) == list(y)
        assert not isinstance(x, collections.defaultdict) or x.default_factory is y.default_factory
        for key in x:
            equal(x[key], y[key])
    elif isinstance(x, (list, tuple)):
        assert len(x) == len(y)
        for a, b in zip(x, y, strict=True):
            equal(a, b)
    elif dataclasses.is_dataclass(x):
        for field in dataclasses.fields(x):
            equal(getattr(x, field.name), getattr(y, field.name))
    else:
        assert x == y


def leaves_of(x):
    leaves = []
    flatten(x, leaves, True, "x")
    return leaves


def scaled(x, factor):
    """The structure with every number times a factor; what is static stays."""
    leaves = []
    spec = flatten(x, leaves, True, "x")
    return unflatten(
        spec, iter([np.array(leaf * factor) if isinstance(leaf, np.ndarray) else leaf * factor for leaf in leaves])
    )


@given(STRUCTURES)
def test_what_is_flattened_comes_back(x):
    leaves = []
    spec = flatten(x, leaves, True, "x")
    hash(spec)
    pickle.loads(pickle.dumps(spec))
    equal(unflatten(spec, iter(leaves)), x)
    found = places(spec, "x")
    assert sum(floats or 1 for _, _, floats in found) == len(leaves)
    assert len({path for path, _, _ in found}) == len(found)
    assert size(leaves) == sum(np.size(leaf) for leaf in leaves)


@given(STRUCTURES)
def test_the_gradient_has_the_structure_of_the_argument(x):
    if not leaves_of(x):
        return

    def loss(x):
        return sum([np.sum(leaf * leaf) for leaf in leaves_of_traced(x)], 0.0) + 0.0

    def leaves_of_traced(x):
        if isinstance(x, dict):
            return [leaf for item in x.values() for leaf in leaves_of_traced(item)]
        if isinstance(x, (list, tuple)):
            return [leaf for item in x for leaf in leaves_of_traced(item)]
        if dataclasses.is_dataclass(x):
            return [leaf for field in dataclasses.fields(x) for leaf in leaves_of_traced(getattr(x, field.name))]
        return [] if isinstance(x, str) else [x]

    value, gradient = jt.value_and_grad(loss)(x)
    equal(gradient, scaled(x, 2.0))
    assert value == pytest.approx(float(loss(x)))


def static_free(x):
    """The structure without the class that has a static field, which a result cannot have."""
    if isinstance(x, Frozen):
        return static_free(x.w)
    if isinstance(x, collections.defaultdict):
        return collections.defaultdict(x.default_factory, {key: static_free(item) for key, item in x.items()})
    if isinstance(x, dict):
        return type(x)({key: static_free(item) for key, item in x.items()})
    if isinstance(x, (Point, Vector)):
        return type(x)(*map(static_free, x))
    if isinstance(x, (list, tuple)):
        return type(x)(map(static_free, x))
    return Layer(static_free(x.w), static_free(x.b)) if isinstance(x, Layer) else x


@given(STRUCTURES)
def test_results_come_back_in_their_structure(x):
    x = static_free(x)
    equal(jt.record(lambda t: x, 1.0)(1.0), x)


@given(STRUCTURES, STRUCTURES)
def test_structures_have_one_recording_each(x, y):
    specs = []
    for structure in (x, y, x):
        specs.append(flatten(structure, [], True, "x"))
    assert specs[0] == specs[2]
    if specs[0] == specs[1]:
        assert [np.shape(a) for a in leaves_of(x)] == [np.shape(b) for b in leaves_of(y)]


def test_a_dataclass_keeps_its_static_fields_and_frozen_ones_can_be_gradients():
    layer = Frozen(np.array([1.0, 2.0]))
    gradient = jt.grad(lambda layer: np.sum(layer.w**2) * len(layer.name))(layer)
    assert gradient.name == "fixed" and gradient.w.tolist() == [10.0, 20.0]


@pytest.mark.parametrize("argnums", [1, -1, (1,), (0, 1), (1, 0), (-2, 1), (0, 0)])
def test_argnums_choose_among_structures(argnums):
    a, b = {"w": np.array([1.0, 2.0]), "b": 3.0}, [np.array([[4.0]]), 5.0]

    def f(a, b, scale):
        return scale * (np.sum(a["w"] ** 2) + a["b"] ** 2 + np.sum(b[0] ** 2) + b[1] ** 2)

    gradients = [scaled(a, 6.0), scaled(b, 6.0)]
    got = jt.grad(f, argnums=argnums)(a, b, 3.0)
    if isinstance(argnums, int):
        equal(got, gradients[argnums % 3] if argnums != -1 else 1.0 + 4.0 + 9.0 + 16.0 + 25.0)
    else:
        equal(got, tuple(gradients[i] if i >= 0 else gradients[i + 3] for i in argnums))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.int8, np.uint8, np.bool_, ">f8", np.longdouble])
def test_arrays_of_every_real_type_are_computed_as_float64(dtype):
    x = np.array([[0, 1], [1, 0]]).astype(dtype)
    seen = []

    def f(x, y):
        seen.append(y.dtype)
        return np.sum(x * y)

    value, gradient = jt.value_and_grad(f)(x, x)
    assert (
        value == 2.0
        and gradient.dtype == np.float64
        and seen == [{"b": np.bool_, "f": np.float64}.get(np.dtype(dtype).kind, np.int64)]
    )
    np.testing.assert_array_equal(gradient, x.astype(float))
    jt.value_and_grad(f)(x[::-1].T, np.asfortranarray(x))


def test_new_shapes_and_structures_record_again_and_old_ones_do_not():
    g = jt.value_and_grad(lambda p, x: np.sum(x @ p["w"]) + p["b"])
    for _ in range(3):
        for n in (2, 5, 1, 0):
            for w in (np.ones(3), np.ones((3, 2))):
                value, gradient = g({"w": w, "b": 0.5}, np.ones((n, 3)))
                assert value == 3.0 * n * w.size / 3 + 0.5
                np.testing.assert_array_equal(gradient["w"], np.full(w.shape, float(n)))
    assert g.cache_info() == (8, 8, 16)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.array([1j]), "complex128"), (np.array([None]), "np.asarray"), (np.array(["a"]), "<U1"), ([1.0, 2j], "complex"),
        ({"a": {1.0, 2.0}}, r"\['a'\].*hashable"), (Layer(1.0, np.array(["a"])), r"\.b"), (np.array(["2020-01-01"], "M8[D]"), "datetime"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "mask"), ([np.ones((1, 1)).view(np.matrix)], "np.matrix"),
        ((k for k in (1.0, 2.0)), "generator.*pass a list"), ([map(abs, [1.0])], "map"), ({1: 2.0}.values(), "dict_values"),
        (np.random.default_rng(0), "random numbers.*draw them"), ([random.Random(0)], "random numbers"),
        (iter([1.0]), "list_iterator.*pass a list"), (itertools.count(1.0), "count"), ([itertools.islice([1.0], 1)], "islice"),
        (collections.deque([1.0]), "deque.*pass a list"), (collections.UserDict(a=1.0), "UserDict.*dict"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_leaf_is_named(bad, message):
    for argnums in (0, 1):
        with pytest.raises(TracingTypeError, match=message):
            jt.grad(lambda x, y: x, argnums=argnums)(*((bad, 1.0) if argnums == 0 else (bad, 1.0)))


def test_numbers_of_every_type_are_one_structure():
    for argnums, f in ((0, lambda x, y: x * y), ((0, 1), lambda x, y: x + y * y)):
        g = jt.value_and_grad(f, argnums=argnums)
        program = jt.record(f, 2.0, 3.0, argnums=argnums)
        for x in (2.0, 2, np.float64(2.0), np.float32(2.0), np.int64(2)):
            for y in (3.0, np.float64(3.0)):
                assert g(x, y) == program.value_and_grad(x, y) == g(2.0, 3.0)
        assert g.cache_info().records == 1


class Numbered(enum.IntEnum):
    ONE = 1
    TWO = 2


class Real(float, enum.Enum):
    ONE = 1.0
    TWO = 2.0


class Count(int):
    """A user's own int."""


class Named(enum.StrEnum):
    A = "a"


@dataclasses.dataclass(frozen=True)
class Sealed:
    inside: object


NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
STATICS = {
    "IntEnum": (Numbered.ONE, Numbered.TWO, 1, 2),
    "float and Enum": (Real.ONE, Real.TWO),
    "subclass of int": (Count(1), 1, True, Numbered.ONE),
    "fraction": (Fraction(1), 1, Fraction(2)),
    "set": (frozenset([1]), frozenset([True]), frozenset([Numbered.ONE]), frozenset([2]), frozenset()),
    "sets inside": (frozenset([(1, frozenset([1]))]), frozenset([(1, frozenset([True]))]), frozenset([(True, frozenset([1]))])),
    "decimal": (Decimal("1.0"), Decimal("1.00"), Decimal(2)),
    "time": (NOON, NOON.astimezone(timezone(timedelta(hours=5))), NOON.timetz()),
    "keys": ({1: "a"}, {True: "a"}, {1.0: "a"}, {"1": "a"}),
    "zeros as keys": ({0.0: "a"}, {-0.0: "a"}, {0: "a"}),
    "tuples as keys": ({(1, "b"): "a"}, {(True, "b"): "a"}, {(1.0, "b"): "a"}),
    "ranges": (range(0, 3, 2), range(0, 4, 2), range(0), range(1, 1)),
    "days": (
        np.datetime64("2020-01-01"),
        np.datetime64("2020-01-01T00:00:00"),
        np.timedelta64(1, "h"),
        np.timedelta64(60, "m"),
    ),
    "dataclasses as keys": ({Sealed(1): "a"}, {Sealed(True): "a"}, {Sealed(1.0): "a"}),
    "dataclasses in sets": (frozenset([Sealed((1,))]), frozenset([Sealed((True,))])),
    "strings as keys": ({"a": 1}, {Named.A: 1}),
    "short zeros as keys": ({np.float32(0.0): "a"}, {np.float32(-0.0): "a"}),
    "nested": ([1, {"a": Numbered.ONE}], [1, {"a": 1}], [True, {"a": 1}], [1, {"a": Real.ONE}]),
}


@pytest.mark.parametrize("values", STATICS.values(), ids=STATICS)
def test_static_values_arrive_as_they_are(values):
    """Equal values of different types are different static values, and each has its own recording."""
    arrived = []
    g = jt.grad(lambda x, static: arrived.append(static) or 2.0 * x)
    for value in values * 2:
        assert g(3.0, value) == g(3.0, static=value) == 2.0
    assert [repr(value) for value in arrived] == [repr(value) for value in values for _ in range(2)]
    for value in values:
        program = jt.record(lambda x, static: x, 3.0, value)
        assert [fits(program, other) for other in values] == [other is value for other in values]


def fits(program, static):
    try:
        return program(4.0, static) == 4.0
    except TypeError:
        return False


def test_keys_that_are_dataclasses_may_hold_what_has_no_hash():
    @dataclasses.dataclass(frozen=True)
    class Partly:
        a: int
        rest: list = dataclasses.field(compare=False, default_factory=list)

    @dataclasses.dataclass(eq=False)
    class ByIdentity:
        rest: list

    one = ByIdentity([1])
    for key in (Partly(1), one):
        g = jt.grad(lambda d, key=key: d[key] ** 2)
        assert g({key: 2.0}) == g({key: 2.0}) == {key: 4.0}
        assert g.cache_info().records == 1
    assert jt.grad(lambda x, keys: x * len(keys))(1.0, frozenset([one])) == 1.0


def test_members_of_enumerations_are_not_differentiated():
    for member in (Numbered.TWO, Real.TWO):
        with pytest.raises(TypeError, match="not differentiable"):
            jt.grad(lambda x: x * 2.0)(member)
        assert jt.grad(lambda p: p["w"] * float(p["kind"].value))({"w": 5.0, "kind": member}) == {"w": 2.0, "kind": member}
    g = jt.grad(lambda p: p[0] * 2.0)
    assert g([3.0, 2.0]) == [2.0, 0.0]  # a number in the same place is another structure
    assert g([3.0, Real.TWO]) == [2.0, Real.TWO]


def test_fractions_are_numbers():
    third = Fraction(1, 3)
    assert jt.value_and_grad(lambda x: x * x * Fraction(1, 2))(third) == (pytest.approx(1 / 18), pytest.approx(1 / 3))
    assert jt.grad(lambda x, y: x * y)(2.0, third) == float(third)
    assert jt.value_and_grad(lambda x: third)(2.0) == (float(third), 0.0)
    assert jt.record(lambda x: [x, third], 2.0)(3.0) == [3.0, float(third)]
    assert jt.grad(lambda x: jt.maximum(x, third) + jt.where(x > third, x, third))(0.5) == 2.0


def test_a_default_dict_makes_its_missing_values():
    g = jt.grad(lambda p, factor: p["a"] * factor["a"] * factor["b"])
    for default in (2.0, 3.0):
        factors = collections.defaultdict(lambda default=default: default, a=5.0)
        for a in (1.0, 7.0):
            assert g({"a": a}, factors) == {"a": 5.0 * default}
    assert g.cache_info() == (2, 2, 2)


class Named(dict):
    def __init__(self, name):
        self.name = name


class Pair(list):
    def __init__(self, x, y=0.0):
        super().__init__([x, y])


@pytest.mark.parametrize("x", [Named("a"), Pair(1.0, 2.0)], ids=repr)
def test_containers_that_cannot_be_made_again_are_refused(x):
    with pytest.raises(TracingTypeError, match=f"{type(x).__name__}.*pass a plain"):
        jt.grad(lambda y, x: y)(1.0, x)


def test_keyword_arguments_keep_the_order_that_the_function_sees():
    def horner(x, **coefficients):
        value = 0.0
        for c in coefficients.values():
            value = value * x + c
        return value

    g = jt.grad(horner)
    for _ in range(2):
        assert g(2.0, z=3.0, a=5.0) == 3.0
        assert g(2.0, a=5.0, z=3.0) == 5.0
        assert g(2.0, z=4.0, a=5.0) == 4.0
    program = jt.record(horner, 2.0, z=3.0, a=5.0)
    assert program(10.0, z=3.0, a=5.0) == 35.0
    with pytest.raises(TypeError, match="keywords"):
        program(10.0, a=5.0, z=3.0)

    def line(x, *, a, z):
        return a * x + z

    fixed = jt.record(line, 2.0, z=3.0, a=5.0)
    assert fixed(10.0, a=5.0, z=3.0) == fixed(10.0, z=3.0, a=5.0) == 53.0

    @functools.wraps(line)
    def first(*args, **kwargs):  # what it wraps does not see the order, but it does
        return line(*args, **kwargs) * kwargs[next(iter(kwargs))]

    g = jt.value_and_grad(first)
    for _ in range(2):
        assert g(10.0, a=5.0, z=3.0) == (265.0, 25.0)
        assert g(10.0, z=3.0, a=5.0) == (159.0, 15.0)


def test_a_signature_survives_pickling():
    for argnums in (0, (0, 2), -1):
        signature = pickle.loads(pickle.dumps(Signature(argnums)))
        assert signature.argnums == Signature(argnums).argnums and signature.single == isinstance(argnums, int)
    assert [pickle.loads(pickle.dumps(Signature(0, ordered))).ordered for ordered in (False, True)] == [False, True]


def test_leaves_of_results_are_mapped_in_order():
    spec, leaves = map_leaves({"a": [1, (2, 3)], "b": Point(4, Layer(5, 6))}, lambda x: ("f", 10 * x))
    assert leaves == [10, 20, 30, 40, 50, 60]
    equal(unflatten(spec, iter(leaves)), {"a": [10, (20, 30)], "b": Point(40, Layer(50, 60))})
