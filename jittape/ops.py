"""The op table: one row per operation; everything else about an operation is derived from its row.

A row's formulas are text in ``x`` and ``y`` (the operands) and ``v`` (the value just computed). Function names in them are
NumPy's, or those of `jittape.special`. The same text becomes a branch of the kernels, a Python function for the tracer, a line
of the docs and the cases of the tests. An opcode is the position of its row.
"""

import re
from typing import NamedTuple

Box = tuple[float, float]

REAL: Box = (-2.0, 2.0)
POSITIVE: Box = (0.25, 3.0)
UNIT: Box = (-0.9, 0.9)
ABOVE_ONE: Box = (1.25, 3.0)
PROBABILITY: Box = (0.1, 0.9)

CONSTANTS = {
    "LN2": 0.6931471805599453,
    "LOG2_E": 1.4426950408889634,
    "LOG10_E": 0.4342944819032518,
    "TWO_OVER_SQRT_PI": 1.1283791670955126,
    "SQRT_HALF": 0.7071067811865476,
    "INV_SQRT_TWO_PI": 0.3989422804014327,
}
# Functions that are an instruction or two: correctly rounded everywhere, and no obstacle to a vector loop.
INSTRUCTIONS = {"abs", "sqrt", "copysign", "floor", "ceil", "trunc", "rint", "sign"}


class Op(NamedTuple):
    """One operation: its formulas, where it is smooth, and how NumPy and Python spell it.

    Attributes
    ----------
    name : the public function ``jittape.<name>``; a saved tape stores it
    value : formula of the value
    partials : one formula per operand
    near : one box per operand in which the operation is smooth (two boxes apart where operands must differ)
    doc : what the function computes, in a few words
    ufunc : the NumPy ufunc that records this operation
    symbol : the Python operator that records it
    aliases : other public names (the array API's, SciPy's)
    commutes : operands may be exchanged
    switch : a partial of exactly zero means "not connected": not even an infinite adjoint passes
    condition : the value is a truth value, 0 or 1
    public : the function is part of the public API under its own name
    family : operations whose loops are compiled together, when one of them is first needed
    """

    name: str
    value: str
    partials: tuple[str, ...]
    near: tuple[Box, ...]
    doc: str
    ufunc: str = ""
    symbol: str = ""
    aliases: tuple[str, ...] = ()
    commutes: bool = False
    switch: bool = False
    condition: bool = False
    public: bool = True
    family: str = "steps"

    @property
    def arity(self) -> int:
        """The number of operands."""
        return len(self.partials)

    def constant(self, operand: int) -> float | None:
        """The partial in an operand where it is the same number everywhere, else None; 0 for an operand that is not there."""
        try:
            return float(self.partials[operand]) if operand < self.arity else 0.0
        except ValueError:
            return None

    @property
    def plain(self) -> bool:
        """Whether the formulas call only what processors have instructions for."""
        return all(set(re.findall(r"(\w+)\(", text)) <= INSTRUCTIONS for text in (self.value, *self.partials))

    @property
    def flat(self) -> bool:
        """Whether every partial is zero everywhere, so that no adjoint passes."""
        return all(p == "0.0" for p in self.partials)


def _unary(name: str, value: str, partial: str, near: Box, doc: str, **more) -> Op:
    more.setdefault("ufunc", name)
    return Op(name, value, (partial,), (near,), doc, **more)


def _binary(name: str, value: str, px: str, py: str, x: Box, y: Box, doc: str, **more) -> Op:
    more.setdefault("ufunc", name)
    return Op(name, value, (px, py), (x, y), doc, **more)


def _truth(name: str, test: str, doc: str, *, arity: int = 2, **more) -> Op:
    more.setdefault("ufunc", name)
    value = f"1.0 if {test} else 0.0"
    more["family"] = "comparisons" if "symbol" in more else "conditions"
    return Op(name, value, ("0.0",) * arity, (REAL, POSITIVE)[:arity], doc, condition=True, **more)


LOW: Box = (-2.0, 0.4)
HIGH: Box = (0.6, 2.0)

# fmt: off
OPS: tuple[Op, ...] = (
    # arithmetic
    _binary("add",          "x + y",            "1.0",                "1.0",              REAL, REAL, "x + y", symbol="+", commutes=True, family="arithmetic"),
    _binary("subtract",     "x - y",            "1.0",                "-1.0",             REAL, REAL, "x - y", symbol="-", family="arithmetic"),
    _binary("multiply",     "x * y",            "y",                  "x",                REAL, REAL, "x * y", symbol="*", commutes=True, family="arithmetic"),
    _binary("divide",       "x / y",            "1.0 / y",            "-v / y",           REAL, POSITIVE, "x / y", symbol="/", aliases=("true_divide",), family="arithmetic"),
    _binary("power",        "power(x, y)",      "power_dx(x, y, v)",  "power_dy(x, y, v)", POSITIVE, REAL, "x to the power y", symbol="**", aliases=("pow",), family="powers"),
    _binary("mod",          "mod(x, y)",        "1.0 if v == v else v", "rint((v - x) / y) if v != y else 1.0", (0.1, 0.4), (0.5, 0.9), "x modulo y, with the sign of y", ufunc="remainder", symbol="%", aliases=("remainder",), family="remainders"),
    _binary("fmod",         "fmod(x, y)",       "1.0 if v == v else v", "rint((v - x) / y)", (2.1, 2.4), (1.0, 1.04), "x modulo y, with the sign of x", family="remainders"),
    _binary("floor_divide", "floor_divide(x, y)", "0.0",              "0.0",              (0.1, 0.4), (0.5, 0.9), "the floor of x / y", symbol="//", family="remainders"),
    _unary("negative",      "-x",               "-1.0",               REAL,               "-x", family="arithmetic"),
    _unary("reciprocal",    "1.0 / x",          "-v * v",             POSITIVE,           "1 / x", family="arithmetic"),
    _unary("square",        "x * x",            "x + x",              REAL,               "x * x", family="arithmetic"),
    _unary("sqrt",          "sqrt(x)",          "0.5 / abs(v)",       POSITIVE,           "the square root", family="arithmetic"),
    _unary("cbrt",          "cbrt(x)",          "1.0 / (3.0 * v * v)", POSITIVE,          "the cube root", family="powers"),
    # kinks and steps
    _unary("abs",           "abs(x)",           "sign(x)",            POSITIVE,           "the absolute value", ufunc="absolute", aliases=("absolute", "fabs")),
    _unary("sign",          "sign(x)",          "0.0",                POSITIVE,           "-1, 0 or 1: the sign"),
    _unary("floor",         "floor(x)",         "0.0",                PROBABILITY,        "the largest integer not above x"),
    _unary("ceil",          "ceil(x)",          "0.0",                PROBABILITY,        "the smallest integer not below x"),
    _unary("trunc",         "trunc(x)",         "0.0",                PROBABILITY,        "x without its fraction", aliases=("fix",)),
    _unary("rint",          "rint(x)",          "0.0",                (0.6, 1.4),         "the nearest integer, halves to even"),
    _unary("relu",          "x if x > 0.0 or x != x else 0.0", "1.0 if x > 0.0 else x if x != x else 0.0", POSITIVE, "x where positive, else 0", ufunc="", switch=True, family="bounds"),
    _binary("maximum",      "x if x >= y or x != x else y", "v if v != v else 1.0 if x > y else 0.5 if x == y else 0.0", "v if v != v else 1.0 if y > x else 0.5 if x == y else 0.0", LOW, HIGH, "the larger; NaN if either is", commutes=True, switch=True, family="extremes"),
    _binary("minimum",      "x if x <= y or x != x else y", "v if v != v else 1.0 if x < y else 0.5 if x == y else 0.0", "v if v != v else 1.0 if y < x else 0.5 if x == y else 0.0", LOW, HIGH, "the smaller; NaN if either is", commutes=True, switch=True, family="extremes"),
    _binary("fmax",         "x if x >= y or y != y else y", "v if v != v else 1.0 if x > y or y != y else 0.5 if x == y else 0.0", "v if v != v else 1.0 if y > x or x != x else 0.5 if x == y else 0.0", LOW, HIGH, "the larger; a NaN is passed over", commutes=True, switch=True, family="extremes"),
    _binary("fmin",         "x if x <= y or y != y else y", "v if v != v else 1.0 if x < y or y != y else 0.5 if x == y else 0.0", "v if v != v else 1.0 if y < x or x != x else 0.5 if x == y else 0.0", LOW, HIGH, "the smaller; a NaN is passed over", commutes=True, switch=True, family="extremes"),
    _binary("clip_low",     "x if x > y or x != x else y", "v if v != v else 1.0 if x > y else 0.0", "v if v != v else 0.0 if x > y else 1.0", LOW, HIGH, "x, but not below y", ufunc="", switch=True, public=False, family="bounds"),
    _binary("clip_high",    "x if x < y or x != x else y", "v if v != v else 1.0 if x < y else 0.0", "v if v != v else 0.0 if x < y else 1.0", LOW, HIGH, "x, but not above y", ufunc="", switch=True, public=False, family="bounds"),
    _binary("copysign",     "copysign(x, y)",   "sign(x) * copysign(1.0, y)", "0.0",      POSITIVE, POSITIVE, "the magnitude of x with the sign of y"),
    # -0.0 is the neutral element of addition to the last bit, so gate + gate_not is `where`, exactly
    _binary("gate",         "y if x != 0.0 else -0.0", "0.0",         "1.0 if x != 0.0 else 0.0", POSITIVE, REAL, "y where x is true, else -0.0", ufunc="", switch=True, public=False, family="gates"),
    _binary("gate_not",     "-0.0 if x != 0.0 else y", "0.0",         "0.0 if x != 0.0 else 1.0", POSITIVE, REAL, "y where x is false, else -0.0", ufunc="", switch=True, public=False, family="gates"),
    # exponentials and logarithms
    _unary("exp",           "exp(x)",           "v",                  REAL,               "e to the power x", family="exponential"),
    _unary("exp2",          "exp2(x)",          "v * LN2",            REAL,               "2 to the power x", family="bases"),
    _unary("expm1",         "expm1(x)",         "exp(x)",             REAL,               "exp(x) - 1, accurate near 0", family="bases"),
    _unary("log",           "log(x)",           "1.0 / x if v == v else v", POSITIVE,     "the natural logarithm", family="exponential"),
    _unary("log2",          "log2(x)",          "LOG2_E / x if v == v else v", POSITIVE, "the logarithm to base 2", family="bases"),
    _unary("log10",         "log10(x)",         "LOG10_E / x if v == v else v", POSITIVE, "the logarithm to base 10", family="bases"),
    _unary("log1p",         "log1p(x)",         "1.0 / (1.0 + x) if v == v else v", POSITIVE, "log(1 + x), accurate near 0", family="bases"),
    _binary("logaddexp",    "logaddexp(x, y)",  "0.5 if x == y else expit(x - y)", "0.5 if x == y else expit(y - x)", REAL, REAL, "log(exp(x) + exp(y)) without overflow", commutes=True, family="logistic"),
    _binary("xlogy",        "xlogy(x, y)",      "v if v != v else log(y) if x != 0.0 or y != 0.0 else 0.0", "v if v != v else x / y if x != 0.0 or y != 0.0 else 0.0", POSITIVE, POSITIVE, "x * log(y), 0 where x is 0", ufunc="", family="entropy"),
    _binary("xlog1py",      "xlog1py(x, y)",    "v if v != v else log1p(y) if x != 0.0 or y != -1.0 else 0.0", "v if v != v else x / (1.0 + y) if x != 0.0 or y != -1.0 else 0.0", POSITIVE, POSITIVE, "x * log1p(y), 0 where x is 0", ufunc="", family="entropy"),
    _unary("expit",         "expit(x)",         "v * expit(-x)",      REAL,               "1 / (1 + exp(-x)), the logistic function", ufunc="", aliases=("sigmoid",), family="logistic"),
    _unary("log_expit",     "-softplus(-x)",    "expit(-x)",          REAL,               "log(expit(x)) without underflow", ufunc="", aliases=("log_sigmoid",), family="logistic"),
    _unary("softplus",      "softplus(x)",      "expit(x)",           REAL,               "log(1 + exp(x)) without overflow", ufunc="", family="logistic"),
    # trigonometric and hyperbolic
    _unary("sin",           "sin(x)",           "cos(x)",             REAL,               "the sine", family="circular"),
    _unary("cos",           "cos(x)",           "-sin(x)",            REAL,               "the cosine", family="circular"),
    _unary("tan",           "tan(x)",           "1.0 + v * v",        UNIT,               "the tangent", family="tangent"),
    _unary("arcsin",        "arcsin(x)",        "1.0 / sqrt((1.0 - x) * (1.0 + x))", UNIT, "the inverse sine", aliases=("asin",), family="inverse"),
    _unary("arccos",        "arccos(x)",        "-1.0 / sqrt((1.0 - x) * (1.0 + x))", UNIT, "the inverse cosine", aliases=("acos",), family="inverse"),
    _unary("arctan",        "arctan(x)",        "1.0 / (1.0 + x * x)", REAL,              "the inverse tangent", aliases=("atan",), family="inverse"),
    _binary("arctan2",      "arctan2(x, y)",    "v if v != v else y / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0", "v if v != v else -x / hypot(x, y) / hypot(x, y) if 0.0 < hypot(x, y) < inf else 0.0", REAL, POSITIVE, "the angle of the point (y, x)", aliases=("atan2",), family="plane"),
    _unary("sinh",          "sinh(x)",          "cosh(x)",            REAL,               "the hyperbolic sine", family="hyperbolic"),
    _unary("cosh",          "cosh(x)",          "sinh(x)",            REAL,               "the hyperbolic cosine", family="hyperbolic"),
    _unary("tanh",          "tanh(x)",          "sech2(x)",           REAL,               "the hyperbolic tangent", family="hyperbolic"),
    _unary("arcsinh",       "arcsinh(x)",       "1.0 / hypot(x, 1.0)", REAL,              "the inverse hyperbolic sine", aliases=("asinh",), family="areas"),
    _unary("arccosh",       "arccosh(x)",       "1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))", ABOVE_ONE, "the inverse hyperbolic cosine", aliases=("acosh",), family="areas"),
    _unary("arctanh",       "arctanh(x)",       "1.0 / ((1.0 - x) * (1.0 + x)) if v == v else v", UNIT, "the inverse hyperbolic tangent", aliases=("atanh",), family="areas"),
    _binary("hypot",        "hypot(x, y)",      "x / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(x) < abs(y) else copysign(1.0, x) if abs(x) > abs(y) else copysign(SQRT_HALF, x) if abs(x) == abs(y) else nan", "y / v if 0.0 < v < inf else 0.0 if v == 0.0 or abs(y) < abs(x) else copysign(1.0, y) if abs(y) > abs(x) else copysign(SQRT_HALF, y) if abs(y) == abs(x) else nan", POSITIVE, REAL, "sqrt(x*x + y*y) without overflow", commutes=True, family="plane"),
    _unary("sinc",          "sinc(x)",          "sinc_dx(x, v)",      POSITIVE,           "sin(pi*x) / (pi*x), 1 at 0", ufunc="", family="tangent"),
    # error function and gamma function
    _unary("erf",           "erf(x)",           "TWO_OVER_SQRT_PI * exp(-x * x)", REAL,   "the error function", ufunc="", family="error"),
    _unary("erfc",          "erfc(x)",          "-TWO_OVER_SQRT_PI * exp(-x * x)", REAL,  "1 - erf(x), accurate for large x", ufunc="", family="error"),
    _unary("ndtr",          "ndtr(x)",          "INV_SQRT_TWO_PI * exp(-0.5 * x * x)", REAL, "the standard normal distribution function", ufunc="", family="normal"),
    _unary("log_ndtr",      "log_ndtr(x)",      "log_ndtr_dx(x)",     REAL,               "log(ndtr(x)) without underflow", ufunc="", family="normal"),
    _unary("gammaln",       "gammaln(x)",       "digamma(x)",         POSITIVE,           "log of the absolute value of the gamma function", ufunc="", aliases=("lgamma",), family="gamma"),
    _unary("digamma",       "digamma(x)",       "trigamma(x) if v == v else v", POSITIVE,           "the derivative of gammaln", ufunc="", aliases=("psi",), family="gamma"),
    # conditions: values 0 and 1, partials 0
    _truth("less",          "x < y",            "x < y",              symbol="<"),
    _truth("less_equal",    "x <= y",           "x <= y",             symbol="<="),
    _truth("greater",       "x > y",            "x > y",              symbol=">"),
    _truth("greater_equal", "x >= y",           "x >= y",             symbol=">="),
    _truth("equal",         "x == y",           "x == y",             symbol="==", commutes=True),
    _truth("not_equal",     "x != y",           "x != y",             symbol="!=", commutes=True),
    _truth("logical_and",   "x != 0.0 and y != 0.0", "x and y",       commutes=True),
    _truth("logical_or",    "x != 0.0 or y != 0.0", "x or y",         commutes=True),
    _truth("logical_xor",   "(x != 0.0) != (y != 0.0)", "x or y, not both", commutes=True),
    _truth("logical_not",   "x == 0.0",         "not x",              arity=1),
    _truth("isnan",         "x != x",           "whether x is NaN",   arity=1),
    _truth("isfinite",      "x - x == 0.0",     "whether x is neither infinite nor NaN", arity=1),
    _truth("isinf",         "x == x and x - x != 0.0", "whether x is infinite", arity=1),
    # what the maximum of many needs: its value as it is, and the mean of the gradients of all that are equal to it
    _binary("with_gradient", "x",               "0.0",                "1.0 if v == v else v", REAL, REAL, "x, with the derivative of y", ufunc="", public=False),
    # what scattered numbers need to be read as a row: a slot of its own for each, although others have the same value
    _unary("copy",          "x",                "1.0",                REAL,               "x, in a slot of its own", ufunc="", public=False, family="arithmetic"),
    # inverse distribution functions, gamma and Bessel functions
    _unary("ndtri",         "ndtri(x)",         "exp(0.5 * v * v) / INV_SQRT_TWO_PI", (0.15, 0.85), "the inverse of ndtr", ufunc="", family="quantiles"),
    _unary("erfinv",        "erfinv(x)",        "exp(v * v) / TWO_OVER_SQRT_PI", UNIT,    "the inverse of erf", ufunc="", family="quantiles"),
    _unary("gamma",         "gamma(x)",         "v * digamma(x) if x != 0.0 else -inf", POSITIVE, "the gamma function", ufunc="", family="factorials"),
    _unary("i0e",           "i0e(x)",           "i1e(x) - sign(x) * v", POSITIVE,         "exp(-abs(x)) times the modified Bessel function of order 0", ufunc="", family="bessel"),
    _unary("i1e",           "i1e(x)",           "i1e_dx(x, v)",       POSITIVE,           "exp(-abs(x)) times the modified Bessel function of order 1", ufunc="", family="bessel"),
    # powers with constant exponents: at most 1.5 ulp, in a third of the time that `power` takes
    _unary("cube",          "x * x * x",        "3.0 * x * x",        REAL,               "x to the power 3", ufunc="", public=False, family="arithmetic"),
    _unary("fourth",        "x * x * (x * x)",  "4.0 * x * x * x",    REAL,               "x to the power 4", ufunc="", public=False, family="arithmetic"),
    _unary("inverse_square", "1.0 / x * (1.0 / x)", "-2.0 * v / x",   POSITIVE,           "x to the power -2", ufunc="", public=False, family="arithmetic"),
)
# fmt: on

CODE: dict[str, int] = {op.name: code for code, op in enumerate(OPS)}
# The code of the results of a product of matrices: no operation of one or two numbers, so that it has no row in the table.
MATMUL = 249
NAMES: dict[int, str] = {code: op.name for code, op in enumerate(OPS)} | {MATMUL: "matmul"}

# The operations of each family, in the order of the first of each.
FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(op.name for op in OPS if op.family == family) for family in dict.fromkeys(op.family for op in OPS)
}
# The families whose single instructions are part of the loop that runs those; those of others are called.
BUILT_IN = ("arithmetic", "comparisons")
