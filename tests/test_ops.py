"""The op table against independent oracles, and against the convention table at its edges.

Every test loops over the rows, so a new operation is tested by being there: it needs an oracle and an edge.
"""

import ast
import inspect
import itertools
import math
import os
import re
import shutil
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path
from types import FunctionType

import numpy as np
import oracles
import pytest
import scipy.special
from mpmath import mp, mpf

import jittape as jt
from jittape import conventions, formulas, special
from jittape.conventions import EDGES, Edge
from jittape.ops import CODE, CONSTANTS, OPS, POSITIVE, REAL, Op

inf, nan = math.inf, math.nan

# Python's and NumPy's functions are a few units in the last place from the true value, and formulas of two or three steps too.
ULPS = 4
# Where a value passes through 0 on the way from one sign to the other, or is a sum of two signs, its error is one of its terms.
VALUE_ABSOLUTE = {"logaddexp": 4e-16, "gammaln": 2e-15, "digamma": 2e-15}
# The distribution function multiplies its operand by the square root of a half, rounded; the tail magnifies that by x squared.
VALUE_ULPS = {"ndtr": 8, "log_ndtr": 16}
# Arithmetic, choices and roundings have one right answer.
EXACT = {
    *(
        "add",
        "subtract",
        "multiply",
        "divide",
        "mod",
        "fmod",
        "floor_divide",
        "negative",
        "reciprocal",
        "square",
        "sqrt",
        "abs",
    ),
    *("sign", "floor", "ceil", "trunc", "rint", "relu", "maximum", "minimum", "fmax", "fmin", "clip_low", "clip_high"),
    *("copysign", "gate", "gate_not", "with_gradient", "copy"),
    *(op.name for op in OPS if op.condition),
}
RELATIVE = 1e-13
# digamma passes through 0 at 1.46, the derivative of i1e at 1.54.
PARTIAL_ABSOLUTE = {"gammaln": 2e-15, "i1e": 4e-16}
# What Stan's tests call every function with.
STAN = (-1.3, 0.49, 0.99, 1.01, inf, -inf, nan, 0.0)
# mpmath has no signed zeros: an infinitely small negative quotient is 0 to it, and its floor is not -1.
FINITE_ONLY = {"mod", "fmod", "floor_divide"}
# Operations of which a NaN operand does not make a NaN value everywhere; the convention table says where.
PASSES_OVER_NAN = {"power", "fmax", "fmin", "gate", "gate_not", "hypot", "copysign", "with_gradient"} | {
    op.name for op in OPS if op.condition
}
# Numbers of every kind: zeros, infinities, NaN, subnormal, overflowing, whole and not.
KINDS = (
    *(0.0, 1.0, 0.5, 2.0, 3.0, 5.5, 30.0, 746.0, 1e-8, 1e8, 1e200, 1e-200, 5e-324, 1.7976931348623157e308, inf),
    *(-0.0, -1.0, -0.5, -2.0, -3.0, -5.5, -30.0, -746.0, -1e-8, -1e8, -1e200, -1e-200, -5e-324, -1.7976931348623157e308, -inf),
    nan,
)
SETTLED = {(edge.op, edge.point) for edge in EDGES}
by_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


def box(op, n):
    """Random points inside the boxes of an operation."""
    rng = np.random.default_rng(CODE[op.name])
    return [tuple(low + (high - low) * rng.random() for low, high in op.near) for _ in range(n)]


def fast_value(op, point):
    """The value that recording computes: the fast function's, or the reference's where that raises."""
    try:
        return float(formulas.VALUE[CODE[op.name]](*point))
    except formulas.ARITHMETIC:
        return value(op, point)


def value(op, point):
    return formulas.value(CODE[op.name], *point)


def partials(op, point, v=None):
    return formulas.partials(CODE[op.name], *(*point, 0.0)[:2], value(op, point) if v is None else v)


# -- values and partials against the oracles ----------------------------------------------------------------------------


def value_is_off(op, got, point):
    """Why a value is not the oracle's, or None."""
    expected = oracles.value(op.name, point)
    if expected is None or (mp.isnan(expected) and not all(map(math.isfinite, point))):
        return None
    allowed = 0 if op.name in EXACT else VALUE_ULPS.get(op.name, ULPS)
    if oracles.ulps(got, expected) <= allowed or abs(mpf(got) - expected) <= VALUE_ABSOLUTE.get(op.name, 0.0):
        return None
    return f"{op.name}{point} is {got!r}, the oracle says {float(expected)!r}"


def partials_are_off(op, got, point):
    """Why partials are not the oracle's, or None; the oracle has no say where it finds no finite derivative."""
    for i, (mine, expected) in enumerate(zip(got, oracles.partials(op.name, point), strict=True)):
        if expected is None or not mp.isfinite(expected):
            continue
        # a numerical derivative of 50 digits does not tell 0 from 1e-40
        close = abs(mpf(mine) - expected) <= max(PARTIAL_ABSOLUTE.get(op.name, 0.0), 1e-40)
        if not close and oracles.relative(mine, expected) > RELATIVE:
            return f"partial {i} of {op.name}{point} is {mine!r}, the oracle says {float(expected)!r}"
    return None


@by_op
@pytest.mark.parametrize("compute", [fast_value, value], ids=["recorded", "reference"])
def test_values_are_those_of_the_oracle(op, compute):
    points = box(op, 40) + list(itertools.product(STAN, repeat=op.arity))
    for point in points:
        if any(map(math.isnan, point)):
            assert op.name in PASSES_OVER_NAN or math.isnan(compute(op, point)) or 0.0 in point, point
        elif all(map(math.isfinite, point)) or op.name not in FINITE_ONLY:
            assert not value_is_off(op, compute(op, point), point)


@by_op
def test_partials_are_those_of_the_oracle(op):
    for point in box(op, 40) + list(itertools.product(STAN, repeat=op.arity)):
        if all(map(math.isfinite, point)) and (op.name, point) not in SETTLED:
            v = value(op, point)
            if math.isfinite(v):
                assert not partials_are_off(op, partials(op, point, v), point)


@by_op
def test_the_oracle_finds_a_value_and_partials_all_over_the_box(op):
    for point in box(op, 12):
        found = (oracles.value(op.name, point), *oracles.partials(op.name, point))
        assert all(x is not None and mp.isfinite(x) for x in found), point


def further(x):
    """A number that is off in the ninth digit."""
    return x + math.copysign(1e-9 * (1.0 + abs(x)), x)


@by_op
def test_a_wrong_value_or_partial_is_noticed(op):
    """The negative control: an error in the ninth digit, at any one point."""
    for point in box(op, 12):
        v, right = value(op, point), partials(op, point)
        assert value_is_off(op, further(v), point)
        for i in range(op.arity):
            wrong = list(right)
            wrong[i] = further(wrong[i])
            assert partials_are_off(op, wrong, point)


@pytest.mark.parametrize(("name", "wrong"), [("sin", "-cos(x)"), ("tanh", "1.0 - v"), ("arctan2", "x / hypot(x, y)")])
def test_a_wrong_formula_is_noticed(name, wrong):
    op = OPS[CODE[name]]
    bad = eval(f"lambda x, y, v: {wrong}", formulas._EXACT)
    for point in box(op, 12):
        v = value(op, point)
        assert partials_are_off(op, (float(bad(*(*point, 0.0)[:2], v)), *partials(op, point)[1:]), point)


def _names(text):
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _analytic(op):
    """Whether an operation is analytic and NumPy computes its value formula of complex numbers as it stands."""
    called = _names(op.value) - {"x", "y"}
    if op.flat or " if " in op.value or op.name == "with_gradient":
        return False
    return all("D->D" in getattr(getattr(np, n, None), "types", ()) for n in called)


@pytest.mark.parametrize("op", [op for op in OPS if _analytic(op)], ids=lambda op: op.name)
def test_partials_are_the_complex_step(op):
    """Im f(x + ih) / h loses nothing to cancellation, and uses the value formula alone."""
    f, h = eval(f"lambda x, y: {op.value}", formulas._EXACT), 1e-30
    for point in box(op, 40):
        at = (*point, 0.0)[:2]
        for i, mine in enumerate(partials(op, point)):
            stepped = [np.complex128(x + 1j * h) if j == i else np.complex128(x) for j, x in enumerate(at)]
            assert mine == pytest.approx(f(*stepped).imag / h, rel=1e-14)


def test_most_smooth_operations_take_a_complex_step():
    assert sum(map(_analytic, OPS)) >= 25


# -- the convention table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.op}{edge.point}")
@pytest.mark.parametrize("compute", [fast_value, value], ids=["recorded", "reference"])
def test_edges_are_as_the_table_says(edge, compute):
    op = OPS[CODE[edge.op]]
    v = compute(op, edge.point)
    # a tolerance for irrational numbers only: pi / 2, log(2)
    oracles.check_edge(edge, v, partials(op, edge.point, v), tolerance=1)


@by_op
def test_every_operation_has_an_oracle_and_an_edge(op):
    assert op.name in oracles.ORACLES
    assert len(oracles.ORACLES[op.name].partials) == op.arity
    rows = [edge for edge in EDGES if edge.op == op.name]
    assert rows
    assert all(len(edge.point) == len(edge.partials) == op.arity for edge in rows)
    assert all(isinstance(x, float) for edge in rows for x in (*edge.point, edge.value, *edge.partials))
    assert all(edge.why for edge in rows)


@by_op
def test_the_table_covers_infinities_and_nan(op):
    """Every operand of every operation whose partials are not constant, at NaN and where it grows without bound."""
    points = [edge.point for edge in EDGES if edge.op == op.name]
    if op.condition or all(op.constant(i) is not None for i in range(op.arity)):
        return
    assert any(math.isnan(x) for point in points for x in point)
    assert any(math.isinf(x) for point in points for x in point)


def test_the_table_names_operations_and_no_row_twice():
    assert {edge.op for edge in EDGES} == set(CODE)
    keys = [(edge.op, *map(repr, edge.point)) for edge in EDGES]
    assert len(keys) == len(set(keys))


def test_smooth_rows_of_the_table_are_what_the_oracle_says():
    rows = [edge for edge in EDGES if edge.why == "smooth"]
    assert len(rows) > 30
    for edge in rows:
        expected = (oracles.value(edge.op, edge.point), *oracles.partials(edge.op, edge.point))
        for mine, right in zip((edge.value, *edge.partials), expected, strict=True):
            assert abs(mpf(mine) - right) <= 2e-16 * abs(right) + mpf(10) ** -30, edge


@pytest.mark.parametrize(
    ("value", "partials"),
    [
        (1.0 + 2e-16, (0.0, 1.0)),
        (0.0, (0.0, 1.0)),
        (1.0, (-0.0, nan)),
        (1.0, (1e-300, 1.0)),
        (nan, (0.0, 1.0)),
        (1.0, (0.0,)),
    ],
)
def test_the_edge_check_notices(value, partials):
    oracles.check_edge(Edge("gate", (1.0, 1.0), 1.0, (0.0, 1.0), ""), 1.0, (-0.0, 1.0))
    with pytest.raises(AssertionError):
        oracles.check_edge(Edge("gate", (1.0, 1.0), 1.0, (0.0, 1.0), ""), value, partials, tolerance=2)


def test_the_edge_check_asks_for_the_sign_of_a_negative_zero():
    edge = Edge("sin", (-0.0,), -0.0, (1.0,), "")
    oracles.check_edge(edge, -0.0, (1.0,))
    with pytest.raises(AssertionError, match="value is 0.0"):
        oracles.check_edge(edge, 0.0, (1.0,))


def test_the_edge_check_gives_only_irrational_numbers_a_tolerance():
    edge = Edge("arctan", (inf,), math.pi / 2, (0.0,), "")
    off = math.nextafter(math.pi / 2, 2.0)
    oracles.check_edge(edge, off, (0.0,), tolerance=1)
    with pytest.raises(AssertionError):
        oracles.check_edge(edge, off, (0.0,))


@by_op
def test_a_nan_value_has_nan_partials(op):
    """The first rule, at every pair of kinds of numbers; the exceptions are those that the table names."""
    free = {"multiply": (0, 1), "divide": (0,), "gate": (1,), "gate_not": (1,)}.get(op.name, ())
    for point in itertools.product(KINDS, repeat=op.arity):
        v = value(op, point)
        if math.isnan(v):
            for i, d in enumerate(partials(op, point, v)):
                assert math.isnan(d) or op.constant(i) is not None or i in free, point


@by_op
def test_no_partial_is_nan_without_a_reason(op):
    """The reasons: a NaN operand, a NaN value, a negative base, the logarithm of a negative number, poles of both signs."""
    reasons = {
        "power": lambda x, y: x < 0.0,
        "xlogy": lambda x, y: (x == 0.0 and y < 0.0) or (math.isinf(x) and y == inf),
        "xlog1py": lambda x, y: (x == 0.0 and y < -1.0) or (math.isinf(x) and y == inf),
        "gammaln": lambda x: x <= 0.0 and (math.isinf(x) or x == math.floor(x)),
        # a product or quotient with an infinite operand
        "divide": lambda x, y: math.isnan(x / y) if y else x == 0.0,
    }
    for point in itertools.product([x for x in KINDS if x == x], repeat=op.arity):
        v = value(op, point)
        if not math.isnan(v) and any(map(math.isnan, partials(op, point, v))):
            assert op.name in reasons and reasons[op.name](*point), point


# -- what the rows say about themselves ---------------------------------------------------------------------------------


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize("op", [op for op in OPS if op.arity == 2], ids=lambda op: op.name)
def test_an_operation_commutes_where_its_row_says_so(op):
    points = box(op, 20) + list(itertools.product(KINDS, repeat=2))
    exchanged = [(y, x) for x, y in points]
    equal = [
        same(value(op, p), value(op, q)) and all(map(same, partials(op, p), reversed(partials(op, q))))
        for p, q in zip(points, exchanged, strict=True)
    ]
    assert op.commutes == all(equal)


@by_op
def test_an_operation_is_flat_where_its_row_says_so(op):
    """Flat: the value stays as it is when an operand moves a little."""
    points = box(op, 20)
    if not op.flat:
        points += itertools.product((0.0, 0.7), repeat=op.arity)
    moved = [tuple(x + 1e-6 * (1 + i) for i, x in enumerate(p)) for p in points]
    assert op.flat == all(value(op, p) == value(op, q) for p, q in zip(points, moved, strict=True))


@by_op
def test_a_zero_partial_of_a_switch_means_not_connected(op):
    """The value does not depend at all on an operand whose partial is 0: not even if that becomes infinite or NaN."""
    if not op.switch:
        return
    met = 0
    for point in box(op, 40) + [p[::-1] for p in box(op, 40)] + [tuple(-x for x in p) for p in box(op, 40)]:
        v, ds = value(op, point), partials(op, point)
        assert set(ds) <= {0.0, 0.5, 1.0}
        for i, d in enumerate(ds):
            if d == 0.0:
                met += 1
                moved = tuple(x * (1.0 + 1e-9) if j == i else x for j, x in enumerate(point))
                assert value(op, moved) == v
    assert met


def test_the_branches_of_a_gate_add_up_to_where():
    on, off = OPS[CODE["gate"]], OPS[CODE["gate_not"]]
    for c, x, y in itertools.product((0.0, 1.0, nan), KINDS, KINDS):
        got = value(on, (c, x)) + value(off, (c, y))
        expected = x if c else y
        assert same(got, expected) and math.copysign(1.0, got) == math.copysign(1.0, expected) or math.isnan(expected)


@by_op
def test_constant_partials_are_constant(op):
    for i in range(op.arity):
        if op.constant(i) is not None:
            assert {partials(op, point)[i] for point in box(op, 20)} == {op.constant(i)}
        else:
            assert set(_names(op.partials[i])) & {"x", "y", "v"}


def test_names_and_aliases_are_unique():
    names = [name for op in OPS for name in (op.name, *op.aliases)]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)
    assert len({op.symbol for op in OPS if op.symbol}) == sum(bool(op.symbol) for op in OPS)
    assert len({op.ufunc for op in OPS if op.ufunc}) == sum(bool(op.ufunc) for op in OPS)


@by_op
def test_rows_are_well_formed(op):
    assert len(op.near) == op.arity in (1, 2)
    assert all(low < high for low, high in op.near)
    assert op.doc and op.doc[-1] != "."
    if op.ufunc:
        assert getattr(np, op.ufunc).nin == op.arity
    assert op.condition == op.value.startswith("1.0 if ")


FUNCTIONS = {name: f for name, f in vars(special).items() if isinstance(f, FunctionType)}
UFUNCS = {name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)}
# What may stand in a formula or in the body of a function of `special`, and means the same in Python and in a kernel.
ALLOWED = UFUNCS | set(FUNCTIONS) | set(CONSTANTS) | {"abs", "range", "erf", "erfc", "lgamma", "pi", "inf", "nan"}
NODES = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Name, ast.Constant, ast.Load),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
STATEMENTS = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Expr, ast.Assign, ast.AugAssign, ast.Store),
    *(ast.Return, ast.If, ast.For, ast.While),
)


@by_op
def test_formulas_use_only_what_kernels_know(op):
    for text, variables in ((op.value, {"x", "y"}), *((p, {"x", "y", "v"}) for p in op.partials)):
        tree = ast.parse(text, mode="eval")
        assert all(isinstance(node, NODES) for node in ast.walk(tree)), text
        assert _names(text) <= ALLOWED | (variables - ({"y"} if op.arity == 1 else set())), text
        # a whole number would make Numba choose integers, or another power function
        assert all(isinstance(n.value, float) for n in ast.walk(tree) if isinstance(n, ast.Constant)), text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_functions_are_plain_code(name):
    """No attributes, keywords, defaults, exceptions or imports: the source is pasted into the kernels."""
    source = inspect.getsource(FUNCTIONS[name])
    tree = ast.parse(source)
    function = tree.body[0]
    assert all(isinstance(node, (*NODES, *STATEMENTS)) for node in ast.walk(tree))
    assert not (function.args.defaults or function.args.kwonlyargs or function.args.vararg or function.decorator_list)
    assert not any(call.keywords for call in ast.walk(tree) if isinstance(call, ast.Call))
    local = {arg.arg for arg in function.args.args}
    local |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assert _names(source) <= ALLOWED | local
    assert inspect.getdoc(FUNCTIONS[name])


def test_special_functions_are_all_in_use():
    text = " ".join([*(f for op in OPS for f in (op.value, *op.partials)), *map(inspect.getsource, FUNCTIONS.values())])
    assert [name for name in FUNCTIONS if len(re.findall(rf"\b{name}\(", text)) < 2] == []


def test_the_hygiene_tests_notice():
    bad = Op("bad", "math.sin(x)", ("np.cos(x)",), (REAL,), "bad")
    with pytest.raises(AssertionError):
        test_formulas_use_only_what_kernels_know(bad)
    with pytest.raises(AssertionError):
        test_formulas_use_only_what_kernels_know(Op("bad", "x ** 2", ("2.0 * x",), (POSITIVE,), "bad"))


# -- wide ranges --------------------------------------------------------------------------------------------------------


def worst(name, xs, *, of_value=True):
    """The largest relative error over points, and where it is."""
    op, worst_error, at = OPS[CODE[name]], 0.0, None
    for x in xs:
        point = x if isinstance(x, tuple) else (float(x),)
        if of_value:
            errors = [oracles.relative(value(op, point), oracles.value(name, point))]
        else:
            errors = [
                oracles.relative(mine, right)
                for mine, right in zip(partials(op, point), oracles.partials(name, point), strict=True)
            ]
        if max(errors) > worst_error:
            worst_error, at = max(errors), point
    return worst_error, at


def both_signs(low, high, n):
    """Numbers of both signs, evenly many in each decade."""
    xs = np.logspace(low, high, n)
    return [*(-xs[::-1]), *xs]


def test_log_ndtr_over_its_whole_range():
    left = [*-np.logspace(0, 8, 160), *np.linspace(-8.0, -2.0, 100)]
    middle = np.linspace(-2.0, 1.5, 60)
    assert worst("log_ndtr", left)[0] < 1e-15
    assert worst("log_ndtr", middle)[0] < 3e-15
    # to the right the value is the small upper tail, whose error is that of x / sqrt(2) times x squared
    right = np.linspace(1.5, 37.0, 100)
    assert worst("log_ndtr", right)[0] < 2.5e-16 * 37.0**2
    assert worst("log_ndtr", [40.0])[1] is None or value(OPS[CODE["log_ndtr"]], (40.0,)) == 0.0
    assert worst("log_ndtr", left, of_value=False)[0] < 1e-14
    assert worst("log_ndtr", middle, of_value=False)[0] < 1e-14
    assert worst("log_ndtr", right, of_value=False)[0] < 2.5e-16 * 37.0**2


@pytest.mark.parametrize("name", ["gammaln", "digamma"])
def test_gamma_functions_from_minus_20_to_a_million(name):
    op = OPS[CODE[name]]
    rng = np.random.default_rng(5)
    xs = [*rng.uniform(-20.0, 20.0, 400), *np.logspace(-9, 6, 150), *-np.logspace(-9, -1, 40), -5.000001, -0.5]
    for x in map(float, xs):
        expected, (derivative,) = oracles.value(name, (x,)), oracles.partials(name, (x,))
        v, (d,) = value(op, (x,)), partials(op, (x,))
        # both pass through 0 between the poles: their error is that of the terms, at most a few in size here
        assert abs(mpf(v) - expected) <= 1e-15 * abs(expected) + 2e-14, x
        assert abs(mpf(d) - derivative) <= 2e-15 * abs(derivative) + 5e-15, x


def test_the_gamma_function_from_end_to_end():
    xs = [*np.linspace(1e-9, 171.6, 500), *np.logspace(-300, -1, 40), *-np.logspace(-9, -1, 20), *np.linspace(-25.3, -0.1, 100)]
    assert worst("gamma", xs)[0] < 2e-15
    assert worst("gamma", [*np.linspace(1e-9, 1.4, 100), *np.linspace(1.5, 170.0, 100)], of_value=False)[0] < 2e-14
    assert worst("gamma", np.linspace(-170.4, -25.3, 100))[0] < 1e-14


def test_inverse_distribution_functions_keep_their_tails():
    tails = np.logspace(-30, -1, 100)
    ends = 1.0 - np.logspace(-15, -1, 50)
    assert worst("ndtri", [*tails, *ends])[0] < 1e-15
    assert worst("erfinv", [*tails, *-tails, *ends, 1e-300])[0] < 1e-15
    # the derivative magnifies the rounding of the value by its square
    assert worst("ndtri", tails, of_value=False)[0] < 5e-14
    assert worst("erfinv", ends, of_value=False)[0] < 2e-14
    for p in np.logspace(-300, -30, 30):
        assert float(oracles.value("log_ndtr", (jt.ndtri(p),))) == pytest.approx(math.log(p), rel=1e-14)


@pytest.mark.parametrize("name", ["i0e", "i1e"])
def test_bessel_functions_where_their_series_change(name):
    xs = [*np.logspace(-300, 8, 150), *np.linspace(0.1, 60.0, 150), 25.0, 25.000001]
    assert worst(name, [*xs, *(-x for x in xs)])[0] < 3e-15


def test_digamma_beside_its_poles():
    """The distance to the pole is exact: x minus the nearest whole number, not its fraction."""
    near = [-1e-20, -1e-9, 1e-300, *(n + d for n in (-1.0, -2.0, -19.0) for d in (-1e-9, 1e-9, 1e-12))]
    assert worst("digamma", near)[0] < 1e-14
    assert worst("digamma", near, of_value=False)[0] < 1e-14


def test_trigamma_is_accurate_everywhere_right_of_0():
    xs = [*np.logspace(-100, 6, 200), *np.linspace(0.1, 30.0, 200)]
    assert worst("digamma", xs, of_value=False)[0] < 1e-15


@pytest.mark.parametrize("name", ["expit", "softplus", "log_expit"])
def test_logistic_functions_keep_their_tails(name):
    tails = [x for x in both_signs(-12, 2.84, 150) if abs(x) < 690.0]
    assert worst(name, tails)[0] < 1e-15
    assert worst(name, tails, of_value=False)[0] < 1e-15


@pytest.mark.parametrize("name", ["tanh", "exp", "expm1", "erf", "erfc", "ndtr", "arctan", "arcsinh", "sinh", "log1p"])
def test_partials_keep_their_digits_where_they_are_small(name):
    """The partial at large operands: rel 1e-13, also where the value is 1 to the last bit."""
    end = {"erf": 26.0, "erfc": 26.0, "ndtr": 37.0, "tanh": 350.0, "arctan": 1e150, "arcsinh": 1e150}.get(name, 700.0)
    xs = [x for x in both_signs(-8, math.log10(end), 120) if name != "log1p" or x > -1.0]
    assert worst(name, xs, of_value=False)[0] < RELATIVE


@pytest.mark.parametrize("name", ["arcsin", "arccos", "arctanh"])
def test_partials_keep_their_digits_beside_the_boundary(name):
    xs = [s * (1.0 - d) for s in (1.0, -1.0) for d in np.logspace(-15.5, -1, 60)]
    assert worst(name, xs, of_value=False)[0] < 1e-15


def test_arccosh_and_log1p_beside_the_boundary():
    assert worst("arccosh", [1.0 + d for d in np.logspace(-15, 0, 60)], of_value=False)[0] < 1e-15
    assert worst("log1p", [-1.0 + d for d in np.logspace(-15, 0, 60)], of_value=False)[0] < 1e-15


def test_sinc_and_its_derivative_near_0_and_far_out():
    near = [*np.logspace(-300, -0.35, 150), *np.linspace(-0.6, 0.6, 150)]
    assert worst("sinc", near)[0] < 1e-15
    assert worst("sinc", [x for x in np.linspace(-3.3, 3.3, 151) if x != round(x)])[0] < 1e-15
    assert worst("sinc", near, of_value=False)[0] < 1e-15
    # between its zeros at whole numbers the value has all digits, also where pi * x has lost them
    far = [x + 0.3 for x in np.logspace(1, 13, 60)]
    assert worst("sinc", far)[0] < 1e-15
    op = OPS[CODE["sinc"]]
    for x in [*far, *np.linspace(0.5, 12.0, 200)]:
        # the derivative is a difference that vanishes once between whole numbers: its error is that of 1 / x
        (d,) = partials(op, (x,))
        assert abs(mpf(d) - oracles.partials("sinc", (x,))[0]) <= 6e-16 / abs(x)
    assert all(value(op, (float(n),)) == 0.0 for n in (1, -2, 7, 10**9, 2**60))


def test_logaddexp_far_apart_and_close():
    rng = np.random.default_rng(8)
    points = [(float(x), float(x + d)) for x in (-700.0, 1.0, 3.0, 700.0) for d in both_signs(-15, 2.5, 20)]
    points += [tuple(map(float, p)) for p in rng.uniform(0.0, 30.0, (60, 2))]
    assert worst("logaddexp", points)[0] < 1e-15
    # the operands' difference rounds; an exponential makes that relative
    for point in points:
        for mine, right in zip(partials(OPS[CODE["logaddexp"]], point), oracles.partials("logaddexp", point), strict=True):
            assert oracles.relative(mine, right) < 1e-15 + 2.3e-16 * max(map(abs, point)), point


def test_power_over_wide_ranges():
    rng = np.random.default_rng(9)
    points = [(float(10.0**e), float(y)) for e, y in zip(rng.uniform(-30, 30, 150), rng.uniform(-9.0, 9.0, 150), strict=True)]
    assert worst("power", points)[0] < 1e-15
    assert worst("power", points, of_value=False)[0] < 3e-15


def test_hypot_and_arctan2_do_not_overflow():
    rng = np.random.default_rng(10)
    for scale in (1e-150, 1e-5, 1.0, 1e150, 1e300):
        points = [(float(x), float(y)) for x, y in scale * rng.uniform(0.1, 1.0, (20, 2))]
        for x, y in points:
            h = mp.sqrt(mpf(x) ** 2 + mpf(y) ** 2)
            dx, dy = partials(OPS[CODE["hypot"]], (x, y))
            assert max(oracles.relative(dx, x / h), oracles.relative(dy, y / h)) < 1e-15
            dx, dy = partials(OPS[CODE["arctan2"]], (x, y))
            assert max(oracles.relative(dx, y / h**2), oracles.relative(dy, -x / h**2)) < 1e-15


def test_remainders_count_whole_periods_exactly():
    """The partial in y is the quotient's floor or truncation, also where x / y rounds to the next whole number."""
    rng = np.random.default_rng(11)
    for _ in range(2000):
        x, y = (float(s * 10.0**e) for s, e in zip(rng.choice([-1, 1], 2), rng.uniform((-3, -3), (15, 3)), strict=True))
        quotient = Fraction(x) / Fraction(y)
        # from 2**51 on the difference x - mod(x, y) may round to half a period
        if abs(quotient) < 2**51:
            assert partials(OPS[CODE["mod"]], (x, y))[1] == -math.floor(quotient), (x, y)
            assert partials(OPS[CODE["fmod"]], (x, y))[1] == -math.trunc(quotient), (x, y)


def test_floor_division_is_pythons():
    rng = np.random.default_rng(12)
    pairs = [p for p in itertools.product(KINDS, repeat=2) if p[1] != 0.0]
    pairs += [tuple(np.round(p, 1).tolist()) for p in rng.uniform(0.1, 20.0, (500, 2)) * rng.choice([-1, 1], (500, 2))]
    for x, y in pairs:
        if y:
            got, expected = value(OPS[CODE["floor_divide"]], (x, y)), x // y
            assert same(got, expected) and math.copysign(1.0, got) == math.copysign(1.0, expected) or expected != expected, (
                x,
                y,
            )


# -- the oracles against a second one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("expit", scipy.special.expit),
        ("log_expit", scipy.special.log_expit),
        ("ndtr", scipy.special.ndtr),
        ("log_ndtr", scipy.special.log_ndtr),
        ("erf", scipy.special.erf),
        ("erfc", scipy.special.erfc),
        ("gammaln", scipy.special.gammaln),
        ("digamma", scipy.special.digamma),
        ("gamma", scipy.special.gamma),
        ("ndtri", scipy.special.ndtri),
        ("erfinv", scipy.special.erfinv),
        ("i0e", scipy.special.i0e),
        ("i1e", scipy.special.i1e),
        ("cbrt", scipy.special.cbrt),
        ("exp2", scipy.special.exp2),
        ("sinc", np.sinc),
        ("xlogy", scipy.special.xlogy),
        ("xlog1py", scipy.special.xlog1py),
        ("logaddexp", np.logaddexp),
    ],
)
def test_the_oracles_agree_with_scipy(name, second):
    for point in box(OPS[CODE[name]], 12):
        assert float(oracles.value(name, point)) == pytest.approx(second(*point), rel=1e-12, abs=1e-15)


def test_the_rules_are_told_where_the_table_is():
    assert all(text in conventions.__doc__ for text in ("NaN value", "minimum norm", "limit is infinite"))


# -- adding an operation ------------------------------------------------------------------------------------------------------


def test_an_operation_is_added_by_one_row_and_codegen(tmp_path):
    """Kernels, functions, exports and the docs follow from the row; here without compiling them."""
    package = Path(jt.__file__).parent
    shutil.copytree(package, tmp_path / "jittape", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "docs").mkdir()
    table = tmp_path / "jittape" / "ops.py"
    row = '    _unary("haversine", "0.5 - 0.5 * cos(x)", "0.5 * sin(x)", REAL, "(1 - cos(x)) / 2", ufunc=""),\n'
    text = table.read_text()
    table.write_text(text.replace(")\n# fmt: on", row + ")\n# fmt: on"))
    assert table.read_text() != text
    use = textwrap.dedent("""
        import jittape as jt
        print(jt.value_and_grad(jt.haversine)(1.25))
        print(jt.grad(lambda xs: jt.sum([jt.haversine(x) for x in xs]))([0.25] * 2 + [0.1 * k for k in range(30)])[:2])
    """)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1"}
    for command in (["-m", "jittape.codegen"], ["-m", "jittape.codegen", "--check"], ["-c", use]):
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120
        )
        assert done.returncode == 0, done.stderr
    value, gradient = eval(done.stdout.splitlines()[0])
    assert value == pytest.approx(0.5 - 0.5 * math.cos(1.25)) and gradient == pytest.approx(0.5 * math.sin(1.25))
    assert eval(done.stdout.splitlines()[1]) == pytest.approx([0.5 * math.sin(0.25)] * 2)
    assert "`haversine`" in (tmp_path / "docs" / "operations.md").read_text()
