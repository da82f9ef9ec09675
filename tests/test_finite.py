"""`check_finite=True` names the operation that first made a NaN or an infinity out of finite numbers, and nothing else."""

import inspect
import math

import numpy as np
import pytest

import jittape as jt


def overflow(x):
    y = x * 300.0
    return jt.exp(y) - 1.0  # here


def invalid(x):
    return jt.log(x - 3.0) * 2.0  # here


def pole(x):
    y = x - 2.0
    return 3.0 / y  # here


def infinite_slope(x):
    y = x - 2.0
    z = jt.sqrt(y)  # here
    return z + x


def overflowing_product(x):
    y = x * 1e200
    return y * (x * 1e100) * x**60.0  # here


def passing_infinity(x):
    """Infinite on the way, finite in the end."""
    return 1.0 / (1.0 / (x - 2.0))  # here


def in_a_branch(x):
    if x > 1.0:
        return jt.log(x - 2.0)  # here
    return x


def power_of_zero(x):
    return (x - 2.0) ** 0.3 + x  # here


# the function, a point where nothing is wrong, one where something is, and what
TABLE = [
    (overflow, 2.0, 2.4, "forward", r"exp\(720\) is inf"),
    (invalid, 4.0, 2.0, "forward", r"log\(-1\) is nan"),
    (pole, 2.25, 2.0, "forward", r"divide\(3, 0\) is inf"),
    (infinite_slope, 2.25, 2.0, "reverse", r"the derivative of sqrt\(0\) is inf"),
    (overflowing_product, 1.0, 10.0, "forward", r"multiply\(1e\+302, 1e\+60\) is inf"),
    (passing_infinity, 2.25, 2.0, "forward", r"divide\(1, 0\) is inf"),
    (in_a_branch, 2.25, 2.0, "forward", r"log\(0\) is -inf"),
    (power_of_zero, 2.25, 2.0, "reverse", r"the derivative of power\(0, 0.3\) in operand 1 is inf"),
]


@pytest.mark.parametrize("f, fine, at, sweep, message", TABLE, ids=lambda v: getattr(v, "__name__", None))
def test_the_operation_the_sweep_and_the_line_are_named(f, fine, at, sweep, message):
    source, first = inspect.getsourcelines(f)
    line = first + next(k for k, text in enumerate(source) if "# here" in text)
    for transform in (jt.grad, jt.value_and_grad):
        g = transform(f, check_finite=True)
        assert np.all(np.isfinite(g(fine)))
        for _ in range(2):
            with pytest.raises(jt.NonFiniteError, match=message) as caught:
                g(at)
            text = str(caught.value)
            assert f"{f.__name__}, {sweep} sweep" in text
            assert f"test_finite.py:{line}" in text.splitlines()[0]
            assert "x = " in text
        assert np.all(np.isfinite(g(fine)))  # the failed call left everything as it was


def test_the_error_is_of_the_built_in_kind():
    with pytest.raises(FloatingPointError):
        jt.grad(invalid, check_finite=True)(2.0)


def test_without_the_check_nothing_is_raised():
    assert jt.value_and_grad(pole)(2.0) == (math.inf, -math.inf)


def test_an_adjoint_that_overflows_as_a_sum():
    def f(x):
        y = x * 1e-3
        return (y * 1.5e308) + (y * 1.5e308 + y)

    assert jt.grad(lambda x: f(x) * 1.0)(1e-3) == math.inf
    with pytest.raises(jt.NonFiniteError, match="reverse sweep"):
        jt.grad(f, check_finite=True)(1e-3)


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_an_input_that_is_not_finite_is_nobody_s_fault(x):
    f = lambda x: jt.tanh(x) + x * 0.0 + jt.exp(-abs(x))  # noqa: E731
    np.testing.assert_equal(jt.value_and_grad(f, check_finite=True)(x), jt.value_and_grad(f)(x))


def test_a_constant_that_is_not_finite_is_nobody_s_fault():
    assert jt.value_and_grad(lambda x: jt.minimum(x, math.inf), check_finite=True)(2.0) == (2.0, 1.0)


def test_data_gets_no_derivative():
    """The derivative in an argument that is not differentiated is not computed, so it cannot be wrong."""
    assert jt.value_and_grad(lambda x, y: x * jt.sqrt(y), check_finite=True)(2.0, 0.0) == (0.0, 0.0)


def test_the_side_that_is_not_taken_does_not_count():
    def f(x):
        return jt.where(x > 0.0, jt.log(x), x) + jt.maximum(x, 1.0)

    assert jt.value_and_grad(f, check_finite=True)(-1.0) == (0.0, 1.0)
    assert jt.value_and_grad(f, check_finite=True)(0.0) == (1.0, 1.0)


def test_names_in_a_structure_and_the_way_back_to_the_inputs():
    def loss(w, scale):
        hidden = [scale * v for v in w["b"]]
        return sum(jt.log(h) for h in hidden)

    with pytest.raises(jt.NonFiniteError) as caught:
        jt.value_and_grad(loss, check_finite=True)({"b": [1.0, 2.0, 3.0, 0.0]}, 2.0)
    text = str(caught.value)
    assert "w['b'][3]" in text and "scale" in text and "w['b'][2]" not in text
    assert text.count("\n") < 20


def test_long_histories_are_cut():
    def f(x):
        for _ in range(1000):
            x = x * 1.001 + 1e-9
        return jt.log(x - x) + x

    with pytest.raises(jt.NonFiniteError, match=r"log\(0\) is -inf") as caught:
        jt.grad(f, check_finite=True)(1.0)
    assert 4 < str(caught.value).count("\n") < 25
    assert "step " in str(caught.value)


def test_arrays():
    def loss(w, x):
        z = x @ w
        return np.sum(np.log(z))

    x = np.array([[1.0, 2.0], [1.0, -1.0], [0.5, 0.5]])
    g = jt.value_and_grad(loss, check_finite=True)
    plain = jt.value_and_grad(loss)
    w = np.array([2.0, 1.0])
    np.testing.assert_equal(g(w, x), plain(w, x))
    with pytest.raises(jt.NonFiniteError, match=r"log\(0\) is -inf"):
        g(np.array([1.0, 1.0]), x)
    np.testing.assert_equal(g(w, x), plain(w, x))
    assert g.cache_info().records == 1


def test_has_aux():
    g = jt.value_and_grad(lambda x: (jt.sqrt(x), x), has_aux=True, check_finite=True)
    assert g(4.0) == ((2.0, 4.0), 0.25)
    with pytest.raises(jt.NonFiniteError, match="sqrt"):
        g(0.0)


@pytest.mark.parametrize("seed", range(5))
def test_checked_and_unchecked_calls_agree(seed):
    rng = np.random.default_rng(seed)
    coefficients = rng.normal(size=8).tolist()

    def f(xs):
        total = 0.0
        for c, x in zip(coefficients, xs, strict=True):
            total = total + (jt.sin(c * x) if x > c else jt.exp(-x * x) * c)
        return total / (1.0 + total * total)

    checked, plain = jt.value_and_grad(f, check_finite=True), jt.value_and_grad(f)
    for _ in range(5):
        xs = rng.normal(size=8).tolist()
        assert checked(xs) == plain(xs)


def test_an_infinity_that_reaches_no_input_is_none():
    def f(v):
        return np.sum(2.0 * np.sqrt(0.1 * np.maximum(v, 0.0)) + v)

    for g in (jt.grad(f), jt.grad(f, check_finite=True)):
        np.testing.assert_allclose(g(np.array([10.0, -1.0])), [1.1, 1.0])
    with pytest.raises(jt.NonFiniteError, match="sqrt"):
        jt.grad(f, check_finite=True)(np.array([0.0]))
