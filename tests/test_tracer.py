"""The tracer: every operator records what it says, constants fold, and nothing loses a derivative in silence."""

import cmath
import decimal
import itertools
import math
import numbers
import operator
import pickle
import statistics
from fractions import Fraction

import numpy as np
import pytest

import jittape as jt
from jittape import formulas, tracer
from jittape.errors import TracingTypeError
from jittape.ops import CODE, OPS
from jittape.recording import INPUT, Recording
from jittape.tracer import POWERS, Condition, Var

pytestmark = pytest.mark.usefixtures("operators")


def fresh(*values):
    """Inputs of one new recording."""
    rec = Recording()
    return [tracer.leaf(rec, INPUT, x) for x in values]


def rows(rec):
    """What a recording holds as instructions: (operation, operand values)."""
    *code, val = rec.columns()
    return [
        (OPS[op].name, *(val[row] for row in (a, b)[: OPS[op].arity])) for op, a, b in zip(*code, strict=True) if op < len(OPS)
    ]


def bits(x):
    return np.float64(x).tobytes()


BINARY = {
    "+": (operator.add, "add"),
    "-": (operator.sub, "subtract"),
    "*": (operator.mul, "multiply"),
    "/": (operator.truediv, "divide"),
    "//": (operator.floordiv, "floor_divide"),
    "%": (operator.mod, "mod"),
    "**": (operator.pow, "power"),
}
COMPARISONS = {
    "<": (operator.lt, "less"),
    "<=": (operator.le, "less_equal"),
    ">": (operator.gt, "greater"),
    ">=": (operator.ge, "greater_equal"),
    "==": (operator.eq, "equal"),
    "!=": (operator.ne, "not_equal"),
}
MIRRORED = {"less": "greater", "less_equal": "greater_equal", "greater": "less", "greater_equal": "less_equal"}
NUMBERS = {
    "float": 1.75,
    "int": 3,
    "negative int": -3,
    "bool": True,
    "np.float64": np.float64(1.75),
    "np.float32": np.float32(1.75),
    "np.float16": np.float16(1.75),
    "np.int64": np.int64(3),
    "np.int8": np.int8(3),
    "np.uint8": np.uint8(3),
    "np.bool": np.True_,
    "Fraction": Fraction(7, 4),
}


def test_the_table_has_an_operator_for_every_python_operator():
    assert {op.symbol: op.name for op in OPS if op.symbol} == {s: name for s, (_, name) in (BINARY | COMPARISONS).items()}


@pytest.mark.parametrize("other", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("symbol", BINARY)
def test_operators_with_numbers_in_both_orders(symbol, other):
    function, name = BINARY[symbol]
    for left in (True, False):
        (x,) = fresh(2.5)
        y = function(x, other) if left else function(other, x)
        operands = (2.5, float(other)) if left else (float(other), 2.5)
        assert type(y) is Var
        own = POWERS.get(float(other)) if symbol == "**" and left else None
        assert rows(x.rec) == [(own, 2.5) if own else (name, *operands)]
        # a negative number to a fractional power is complex in Python, and NaN here
        assert y.v == pytest.approx(formulas.value(CODE[name], *operands), rel=1e-15, nan_ok=True)
        assert isinstance(function(*operands), complex) or y.v == pytest.approx(function(*operands), rel=1e-15)
        assert type(y.v) is float


@pytest.mark.parametrize("symbol", BINARY)
def test_operators_of_two_traced_numbers(symbol):
    function, name = BINARY[symbol]
    x, y = fresh(2.5, 1.75)
    assert function(x, y).v == pytest.approx(function(2.5, 1.75), rel=1e-15)
    function(y, x)
    function(x, x)
    assert rows(x.rec) == [(name, 2.5, 1.75), (name, 1.75, 2.5), (name, 2.5, 2.5)]


@pytest.mark.parametrize("symbol", ["+=", "-=", "*=", "/=", "//=", "%=", "**="])
def test_augmented_assignment_makes_a_new_variable(symbol):
    (x,) = fresh(2.5)
    scope = {"x": x}
    exec(f"x {symbol} 1.75", scope)
    assert scope["x"] is not x
    assert x.v == 2.5
    assert rows(x.rec) == [(BINARY[symbol[:-1]][1], 2.5, 1.75)]


@pytest.mark.parametrize("other", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("symbol", COMPARISONS)
def test_comparisons_in_both_orders(symbol, other):
    function, name = COMPARISONS[symbol]
    (x,) = fresh(2.5)
    c = function(x, other)
    assert type(c) is Condition
    assert c.v == float(function(2.5, other))
    d = function(other, x)
    assert type(d) is Condition
    assert d.v == float(function(other, 2.5))
    assert rows(x.rec)[0] == (name, 2.5, float(other))
    # Python asks the traced operand on the right for the mirrored comparison; NumPy's numbers go through the ufunc
    assert rows(x.rec)[1] in [(MIRRORED.get(name, name), 2.5, float(other)), (name, float(other), 2.5)]
    assert not x.rec.guards


@pytest.mark.parametrize("symbol", COMPARISONS)
@pytest.mark.parametrize("x, y", list(itertools.product([1.0, 2.0, math.nan, math.inf, -0.0, 0.0], repeat=2)))
def test_comparisons_of_two_traced_numbers(symbol, x, y):
    function, name = COMPARISONS[symbol]
    a, b = fresh(x, y)
    assert function(a, b).v == float(function(x, y))
    assert len(rows(a.rec)) == 1
    assert rows(a.rec)[0][0] == name


def test_signs_and_magnitude():
    (x,) = fresh(-2.5)
    assert (-x).v == 2.5
    assert abs(x).v == 2.5
    assert (+x) is x
    assert rows(x.rec) == [("negative", -2.5), ("abs", -2.5)]


def test_divmod():
    (x,) = fresh(7.5)
    q, r = divmod(x, 2.0)
    assert (q.v, r.v) == divmod(7.5, 2.0)
    q, r = divmod(-17, x)
    assert (q.v, r.v) == divmod(-17, 7.5)
    assert [name for name, *_ in rows(x.rec)] == ["floor_divide", "mod"] * 2


@pytest.mark.parametrize(
    "exponent, name",
    [
        *POWERS.items(),
        (2, "square"),
        (-1, "reciprocal"),
        (np.float32(2), "square"),
        (np.int8(3), "cube"),
        (-2, "inverse_square"),
    ],
)
def test_constant_exponents_with_an_operation_of_their_own(exponent, name):
    for value in (2.5, 0.7, 3.1e7):
        (x,) = fresh(value)
        assert (x**exponent).v == pytest.approx(value ** float(exponent), rel=4e-16)
        assert rows(x.rec) == [(name, value)]
        array = jt.record(lambda x: x**exponent, np.full(3, value))
        assert set(array.tape.op.tolist()) == {CODE[name]} and array(np.full(3, value))[0] == (x**exponent).v


def test_a_traced_exponent_is_a_power():
    x, y = fresh(2.5, 2.0)
    assert (x**y).v == 6.25
    assert (2**x).v == pytest.approx(2**2.5)
    assert pow(x, 5).v == pytest.approx(2.5**5)
    assert [name for name, *_ in rows(x.rec)] == ["power"] * 3
    with pytest.raises(TypeError):
        pow(x, 2, 5)


@pytest.mark.parametrize("x", [0.0, -0.0, 1.5, -1.5, math.inf, -math.inf, math.nan, 1e300, 5e-324])
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_no_operation_raises_at_any_point(op, x):
    """IEEE rules: where `math` raises, the value is an infinity or NaN, as in the kernels."""
    for y in (0.0, -0.0, 2.0, -2.5, math.inf, -math.inf, math.nan):
        operands = (x, y)[: op.arity]
        v = tracer.apply(CODE[op.name], *fresh(*operands))
        expected = formulas.value(CODE[op.name], *operands)
        assert v.v == pytest.approx(expected, rel=1e-14, abs=0.0, nan_ok=True), (op.name, operands)


def test_values_of_operations_are_floats():
    for op in OPS:
        operands = fresh(*(0.5 * (low + high) for low, high in op.near))
        assert type(tracer.apply(CODE[op.name], *operands).v) is float


# -- conditions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p, q", list(itertools.product([True, False], repeat=2)))
def test_conditions_combine_without_a_guard(p, q):
    x, y = fresh(float(p), float(q))
    a, b = x > 0.5, y > 0.5
    for c, expected in (
        (a & b, p & q),
        (a | b, p | q),
        (a ^ b, p ^ q),
        (~a, not p),
        (a & q, p & q),
        (q | a, p | q),
        (np.bool_(q) ^ a, p ^ q),
    ):
        assert type(c) is Condition
        assert c.v == float(expected)
    assert not x.rec.guards


def test_conditions_are_numbers_too():
    (x,) = fresh(2.0)
    count = (x > 1) + (x > 3) + 0.5
    assert type(count) is Var
    assert count.v == 1.5
    assert ((x > 1) * x).v == 2.0
    assert (1 - (x > 1)).v == 0.0
    assert jt.sin(x > 1).v == math.sin(1.0)
    assert jt.where(x > 1, x, 0.0).v == 2.0
    assert not x.rec.guards


@pytest.mark.parametrize("other", [1, 1.0, 2.5, "x", None])
def test_numbers_are_not_combined_as_conditions(other):
    (x,) = fresh(2.0)
    for function in (operator.and_, operator.or_, operator.xor):
        with pytest.raises(TypeError):
            function(x > 1, other)
        with pytest.raises(TypeError):
            function(x, x)
    with pytest.raises(TypeError):
        operator.invert(x)


# -- constants ----------------------------------------------------------------------------------------------------------


def test_operations_on_constants_never_reach_the_tape():
    program = jt.record(lambda x: x * (jt.sin(0.5) + jt.exp(2.0) * jt.maximum(1, 2) + jt.clip(5.0, 0.0, 1.0)), 3.0)
    assert [OPS[code].name for code in program.tape.op] == ["multiply"]
    assert program.tape.n_constants == 1


def test_functions_of_plain_numbers_are_plain_numbers():
    for op in OPS:
        operands = [0.5 * (low + high) for low, high in op.near]
        value = tracer.apply(CODE[op.name], *operands)
        assert type(value) is float
        assert bits(value) == bits(formulas.value(CODE[op.name], *operands))
    assert type(jt.sin(2)) is float
    assert jt.sin(True) == math.sin(1.0)
    assert jt.sqrt(-1.0) != jt.sqrt(-1.0)
    assert jt.log(0.0) == -math.inf
    assert jt.where(True, 1.0, 2.0) == 1.0
    assert jt.hypot(3, np.float32(4)) == 5.0


def test_a_constant_appears_once():
    program = jt.record(lambda x: (x + 2.0) * 2 + np.float32(2.0) * x, 3.0)
    assert program.tape.n_constants == 1


# -- functions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", [op for op in OPS if op.public], ids=lambda op: op.name)
def test_public_functions_and_aliases_record_their_operation(op):
    function = getattr(jt, op.name)
    point = [low + 0.4 * (high - low) for low, high in op.near]
    assert all(getattr(jt, alias) is function for alias in op.aliases)
    operands = fresh(*point)
    result = function(*operands)
    assert type(result) is (Condition if op.condition else Var)
    assert rows(operands[0].rec) == [(op.name, *point)]
    if op.arity == 2:
        x, y = fresh(*point)
        assert function(x, point[1]).v == function(point[0], y).v == result.v
        assert rows(x.rec) == [(op.name, *point)] * 2
    for bad in ("x", None, 1j, {}):
        with pytest.raises(TypeError):
            function(*operands[:-1], bad)


def test_where_takes_any_mixture():
    for condition, a, b in itertools.product(["traced", True, False], *[["traced", 1.5]] * 2):
        x, p, q = fresh(2.0, 3.0, 4.0)
        c = x > 1 if condition == "traced" else condition
        a, b = p if a == "traced" else a, q if b == "traced" else b
        result = jt.where(c, a, b)
        taken = a if condition else b
        assert getattr(result, "v", result) == getattr(taken, "v", taken)
        assert not x.rec.guards


# -- identity and attributes --------------------------------------------------------------------------------------------


def test_hash_is_identity():
    x, y = fresh(2.0, 2.0)
    assert len({x: 1, y: 2}) == 2
    assert {x: 1, y: 2}[x] == 1
    assert x in [y, x]  # the truth of x == y is asked first: a guard
    assert len(x.rec.guards) == 1


def test_a_var_looks_like_a_numpy_scalar():
    (x,) = fresh(2.0)
    assert (x.shape, x.ndim, x.size, x.dtype) == ((), 0, 1, np.float64)
    with pytest.raises(TypeError):
        len(x)
    with pytest.raises(TypeError):
        iter(x)
    with pytest.raises(AttributeError):
        x.anything = 1


def test_repr_and_format():
    rec = Recording()
    x = tracer.leaf(rec, INPUT, 2.5, "x")
    assert repr(x) == "Var(2.5, name='x')"
    assert repr(x > 1) == "Condition(1.0)"
    assert f"{x}" == repr(x)
    assert f"{x:.3f}" == "2.500"
    assert not rec.guards and not rec.reads


def test_reading_the_value_is_noted_and_plain():
    (x,) = fresh(2.5)
    v = x.value
    assert type(v) is float
    assert [row for row, _ in x.rec.reads] == [x.row]


# -- refusals -----------------------------------------------------------------------------------------------------------


def store(x):
    y = np.zeros(3)
    y[0] = x


def fill(x):
    np.zeros(3).fill(x)


def store_integer(x):
    y = np.zeros(3, int)
    y[0] = x


REFUSED = {
    "float": (float, "jt.zeros"),
    "int": (int, "jt.trunc"),
    "index": (lambda x: [1, 2, 3][x], "index"),
    "slice": (lambda x: [1, 2, 3][:x], "index"),
    "operator.index": (operator.index, "index"),
    "range": (range, "range"),
    "hex": (hex, "index"),
    "repeat": (lambda x: [0] * x, None),
    "round": (round, "jt.rint"),
    "round to digits": (lambda x: round(x, 2), "jt.rint"),
    "complex": (complex, "real-valued"),
    "math.sin": (math.sin, "jittape or NumPy"),
    "math.exp": (math.exp, "jittape or NumPy"),
    "math.sqrt": (math.sqrt, "jittape or NumPy"),
    "math.pow": (lambda x: math.pow(x, 2.0), "jittape or NumPy"),
    "math.atan2": (lambda x: math.atan2(1.0, x), "jittape or NumPy"),
    "math.isnan": (math.isnan, "jittape or NumPy"),
    "math.isclose": (lambda x: math.isclose(x, 1.0), "jittape or NumPy"),
    "math.fsum": (lambda x: math.fsum([x, x]), "jittape or NumPy"),
    "math.floor": (math.floor, "jt.floor"),
    "math.ceil": (math.ceil, "jt.ceil"),
    "math.trunc": (math.trunc, "jt.trunc"),
    "cmath.sin": (cmath.sin, "real-valued"),
    "np.asarray float": (lambda x: np.asarray(x, float), "jt.array"),
    "np.array float of a list": (lambda x: np.array([x, 1.0], float), None),
    "np.float64": (np.float64, "jt.array"),
    "np.float32": (np.float32, "jt.array"),
    "store into a float array": (store, "jt.zeros"),
    "store into an int array": (store_integer, None),
    "fill": (fill, None),
    "out= a float array": (lambda x: np.multiply(x, np.ones(3), out=np.zeros(3)), None),
    "pickle": (pickle.dumps, "pickled"),
    "+ complex": (lambda x: x + 1j, "complex"),
    "complex *": (lambda x: 1j * x, "complex"),
    "np.complex128 /": (lambda x: np.complex128(1j) / x, "complex"),
    "< complex": (lambda x: x < 1j, "complex"),
    "sin of complex": (lambda x: jt.add(x, 1j), "complex"),
    "maximum of str": (lambda x: jt.maximum(x, "1"), "arrays and lists of numbers"),
    "where of None": (lambda x: jt.where(x, x, None), "arrays and lists of numbers"),
    "+ str": (lambda x: x + "1", None),
    "str +": (lambda x: "1" + x, None),
    "+ None": (lambda x: x + None, None),
    "< None": (lambda x: x < None, None),
    "+ Decimal": (lambda x: x + decimal.Decimal(1), None),
    "Decimal -": (lambda x: decimal.Decimal(1) - x, None),
    "+ object": (lambda x: x + object(), None),
    "jt of a str": (lambda x: jt.add(x, "1"), None),
    "& of numbers": (lambda x: x & x, None),
    "<<": (lambda x: x << 1, None),
    "@": (lambda x: x @ x, None),
    "call": (lambda x: x(), None),
    "chr": (chr, "index"),
    "bytes": (bytes, None),
    "string %d": (lambda x: "%d" % x, None),  # noqa: UP031
    "string %f": (lambda x: "%f" % x, "jt.zeros"),  # noqa: UP031
    "statistics.mean": (lambda x: statistics.mean([x, x]), "jt.mean"),
    "statistics.stdev": (lambda x: statistics.stdev([x, 1.0]), "np.std"),
    "statistics.fmean": (lambda x: statistics.fmean([x, x]), None),
    "set value": (lambda x: setattr(x, "value", 1.0), "jt.var"),
    "backprop": (lambda x: x.backprop(), "jt.grad"),
    "sensitivity": (lambda x: x.sensitivity, "jt.grad"),
    "tape": (lambda x: x.tape, "jt.grad"),
}


@pytest.mark.parametrize("use, hint", REFUSED.values(), ids=REFUSED)
def test_what_would_lose_the_derivative_is_a_type_error(use, hint):
    (x,) = fresh(2.0)
    with pytest.raises(TypeError) as caught:
        use(x)
    if hint is not None:
        text = str(caught.value)
        assert hint in text or hint in str(caught.value.__cause__), text
    assert len(x.rec) <= 3
    # and it is still usable
    assert (x + 1.0).v == 3.0


@pytest.mark.parametrize("use, hint", REFUSED.values(), ids=REFUSED)
def test_the_same_inside_a_recorded_function_leaves_everything_as_it_was(use, hint):
    g = jt.value_and_grad(lambda x, bad: use(x) if bad else x * x)
    with pytest.raises(TypeError):
        g(2.0, True)
    assert g(2.0, False) == (4.0, 4.0)
    assert g.cache_info() == (1, 1, 0)


def test_the_refusals_are_jittape_errors():
    (x,) = fresh(2.0)
    for use in (float, int, round, complex, operator.index, pickle.dumps):
        with pytest.raises(TracingTypeError):
            use(x)


def test_comparing_with_what_is_no_number():
    (x,) = fresh(2.0)
    assert (x == None) is False  # noqa: E711
    assert (x != "x") is True
    assert x not in ["x", None]
    assert not rows(x.rec)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@pytest.mark.parametrize(
    "y",
    [
        *map(decimal.Decimal, ["0.5", "0.1", "-0.1", "0.3", "1e400", "-1e400", "1e-400", "Infinity"]),
        *map(Fraction, ["1/2", "1/10", "-1/10", "1/3", "1e400", "1e-400"]),
        *(2**53 + 1, 2**60, 2**60 + 1, -(2**53) - 1, 10**400, -(10**400), True),
    ],
    ids=str,
)
def test_exact_numbers_compare_as_in_python(compare, y):
    """Exactly, though the nearest float is above, below or infinite. Python's answer to a type it does not know is that none is equal."""
    for holds in (lambda x: compare(x, y), lambda x: compare(y, x)):
        g = jt.value_and_grad(lambda x, holds=holds: (0.0 * x, bool(holds(x))), has_aux=True)
        near = 0.5, 0.1, math.nextafter(0.1, 0.0), -0.1, 0.3, 1 / 3, 0.0, 1.0, 5e-324, 2.0**53, -(2.0**53), 2.0**60, 1e308
        for x in (*near, math.inf, -math.inf) * 2:
            assert g(x)[0][1] == holds(x)


@pytest.mark.parametrize("y", [Fraction(1, 10), decimal.Decimal("0.1"), 2**53 + 1], ids=str)
def test_the_answer_of_a_comparison_that_no_float_can_pass_is_a_truth(y):
    g = jt.value_and_grad(lambda x: jt.where(~(x != y), 10.0 * x, x) + jt.where((x == y) | (x > 5.0), x, 0.0))
    assert g(3.0) == (3.0, 1.0) and g(6.0) == (12.0, 2.0)


def test_a_traced_number_is_a_number_to_code_that_asks():
    def f(x):
        xs = [x] if np.isscalar(x) else x
        return sum(v * v for v in xs) if isinstance(x, numbers.Real) else 0.0 * xs[0]

    assert jt.value_and_grad(f)(3.0) == (f(3.0), 6.0) == (9.0, 6.0)
    assert isinstance(jt.var(1.0) > 0.0, numbers.Number) and not isinstance(jt.array([jt.var(1.0)]), numbers.Number)
    with pytest.raises(TypeError):
        jt.grad(Fraction)(1.0)
