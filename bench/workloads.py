"""The functions that are timed: plain Python, generic in the number type.

A workload's `build(m)` returns a function of one list of numbers. `m` is whatever namespace has exp, log, sin and so on for
those numbers: `math`, `jittape`, `casadi`, `torch`, a toy. Its functions are only asked about numbers of the list and
what came from them, never about constants. Nothing here branches on a value and nothing is written to suit one library.

    python bench/workloads.py

prints what there is, and checks each gradient that jittape gives against finite differences.
"""

import csv
import math
import random
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
IRIS = ROOT / "examples" / "iris.csv"
SPECIES = ("setosa", "versicolor", "virginica")


class Workload(NamedTuple):
    name: str
    about: str
    build: Callable
    x: list[float]


@cache
def flowers():
    """Four measurements and the label (0, 1 or 2) of each of 150 flowers."""
    if not IRIS.exists():
        sys.exit(f"the Iris workload needs {IRIS}: run the benchmarks from a checkout of the repository")
    with open(IRIS, newline="") as file:
        return [([float(x) for x in row[:4]], SPECIES.index(row[4])) for row in list(csv.reader(file))[1:]]


def iris(m):
    data = flowers()

    def loss(p):
        total = 0.0
        for (a, b, c, d), label in data:
            z = [p[4 * k] * a + p[4 * k + 1] * b + p[4 * k + 2] * c + p[4 * k + 3] * d + p[12 + k] for k in range(3)]
            total = total + (m.log(m.exp(z[0]) + m.exp(z[1]) + m.exp(z[2])) - z[label])
        return total / len(data)

    return loss


def rosenbrock(m):
    def f(x):
        total = 0.0
        for a, b in zip(x[:-1], x[1:], strict=True):
            total = total + (100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2)
        return total

    return f


def lorenz(m, steps=500, h=0.005):
    def slope(u, sigma, rho, beta):
        x, y, z = u
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    def f(p):
        u, rest = list(p[:3]), p[3:]
        for _ in range(steps):
            k1 = slope(u, *rest)
            k2 = slope([v + h / 2 * k for v, k in zip(u, k1, strict=True)], *rest)
            k3 = slope([v + h / 2 * k for v, k in zip(u, k2, strict=True)], *rest)
            k4 = slope([v + h * k for v, k in zip(u, k3, strict=True)], *rest)
            u = [v + h / 6 * (a + 2.0 * b + 2.0 * c + d) for v, a, b, c, d in zip(u, k1, k2, k3, k4, strict=True)]
        return u[0] * u[0] + u[1] * u[1] + u[2] * u[2]

    return f


def black_scholes(m):
    def normal(x):
        return 0.5 + 0.5 * m.erf(x / math.sqrt(2.0))

    def call(p):
        spot, strike, rate, volatility, time = p
        deviation = volatility * m.sqrt(time)
        d1 = (m.log(spot / strike) + (rate + volatility * volatility / 2.0) * time) / deviation
        return spot * normal(d1) - strike * m.exp(-rate * time) * normal(d1 - deviation)

    return call


KINDS = ("+", "-", "*", "sin", "cos", "tanh", "exp")


@cache
def plan(n, inputs):
    """`n` operations over earlier numbers, as (kind, i, j): one seed, one graph. No value grows, and nothing is left unused."""
    rng = random.Random(n)
    values = [0.1 * (k + 1) for k in range(inputs)]
    unused, steps = list(range(inputs)), []
    for left in range(n, 0, -1):
        gather = left == len(unused) - 1
        # Half of the operations take what nobody has used; the others what lies near, as in code, or anywhere.
        i = unused.pop(rng.randrange(len(unused))) if gather or len(unused) > 40 else _pick(rng, len(values))
        j = unused.pop(rng.randrange(len(unused))) if gather else _pick(rng, len(values))
        kind = "+" if gather else rng.choices(KINDS, (3, 2, 3, 1, 1, 1, 1))[0]
        result = _apply(math, kind, values[i], values[j])
        if abs(result) > 2.0 and not gather:
            kind, result = "sin", math.sin(values[i])
        unused = [k for k in unused if k not in (i, j)] if kind in "+-*" else [k for k in unused if k != i]
        unused.append(len(values))
        values.append(result)
        steps.append((kind, i, j))
    return steps


def _pick(rng, n):
    return n - 1 - rng.randrange(min(n, 100)) if rng.random() < 0.5 else rng.randrange(n)


def _apply(m, kind, a, b):
    if kind == "+":
        return a + b
    if kind == "-":
        return a - b
    if kind == "*":
        return a * b
    return getattr(m, kind)(a)


def random_graph(m, n=10_000, inputs=10):
    steps = plan(n, inputs)

    def f(x):
        values = list(x)
        for kind, i, j in steps:
            values.append(_apply(m, kind, values[i], values[j]))
        return values[-1]

    return f


def tiny(m):
    def f(p):
        x, y = p
        return m.sin(x) + x * y

    return f


def _matrix(p, start, rows, columns):
    return [p[start + i * columns : start + (i + 1) * columns] for i in range(rows)]


def _affine(weights, x):
    """One row of weights, its last number the bias."""
    total = weights[-1]
    for w, v in zip(weights[:-1], x, strict=True):
        total = total + w * v
    return total


def lstm(m, steps=20, inputs=2, hidden=4):
    """The squared distance of the last state from a target, after a chain of LSTM steps, in the weights of the cell."""
    signal = [[math.sin(0.7 * t + i) for i in range(inputs)] for t in range(steps)]
    width = inputs + hidden + 1

    def sigmoid(x):
        return 1.0 / (1.0 + m.exp(-x))

    def loss(p):
        gates = [_matrix(p, g * hidden * width, hidden, width) for g in range(4)]
        h, c = list(p[-2 * hidden : -hidden]), list(p[-hidden:])
        for x in signal:
            z = x + h
            forget, enter, leave = ([sigmoid(_affine(row, z)) for row in gate] for gate in gates[:3])
            fresh = [m.tanh(_affine(row, z)) for row in gates[3]]
            c = [a * b + d * e for a, b, d, e in zip(forget, c, enter, fresh, strict=True)]
            h = [a * m.tanh(b) for a, b in zip(leave, c, strict=True)]
        total = 0.0
        for v in h:
            total = total + (v - 0.5) ** 2
        return total

    return loss


def determinant(m, n=7):
    """By expansion along the first row, every minor anew: the same minors come back many times."""

    def minors(rows, columns):
        if len(columns) == 1:
            return rows[0][columns[0]]
        total = None
        for k, c in enumerate(columns):
            term = rows[0][c] * minors(rows[1:], columns[:k] + columns[k + 1 :])
            total = term if total is None else total - term if k % 2 else total + term
        return total

    return lambda p: minors(_matrix(p, 0, n, n), tuple(range(n)))


def logistic_data(rows=100, columns=8):
    rng = random.Random(2)
    return [([rng.gauss(0.0, 1.0) for _ in range(columns)], rng.choice((-1.0, 1.0))) for _ in range(rows)]


def logistic(m):
    data = logistic_data()

    def loss(p):
        total = 0.0
        for x, sign in data:
            total = total + m.log(1.0 + m.exp(-sign * _affine(p, x)))
        return total / len(data)

    return loss


def mlp(m, points=20, hidden=8):
    """Squared error of a network 2 - 8 - 8 - 1 with tanh on points of a spiral."""
    data = [((math.cos(0.5 * t) * t / points, math.sin(0.5 * t) * t / points), 1.0 if t % 2 else -1.0) for t in range(points)]

    def loss(p):
        first, second = _matrix(p, 0, hidden, 3), _matrix(p, 3 * hidden, hidden, hidden + 1)
        last, total = p[3 * hidden + hidden * (hidden + 1) :], 0.0
        for x, target in data:
            z = [m.tanh(_affine(row, x)) for row in first]
            z = [m.tanh(_affine(row, z)) for row in second]
            total = total + (_affine(last, z) - target) ** 2
        return total / points

    return loss


def _start(n, seed, scale=0.5):
    rng = random.Random(seed)
    return [rng.uniform(-scale, scale) for _ in range(n)]


WORKLOADS = {
    w.name: w
    for w in (
        Workload("iris", "softmax loss, 150 flowers, 15 parameters", iris, [0.01 * (k - 7) for k in range(15)]),
        Workload("rosenbrock", "n = 1000", rosenbrock, [math.sin(k) for k in range(1000)]),
        Workload("lorenz", "500 Runge-Kutta steps", lorenz, [1.0, 1.0, 1.0, 10.0, 28.0, 8.0 / 3.0]),
        Workload("black_scholes", "a call and five sensitivities", black_scholes, [100.0, 95.0, 0.03, 0.2, 1.5]),
        Workload("random_graph", "10,000 operations, no structure", random_graph, [0.1 * (k + 1) for k in range(10)]),
        Workload("tiny", "sin(x) + x*y", tiny, [3.0, 1.0]),
        Workload("lstm", "20 steps, 4 hidden numbers", lstm, _start(4 * 4 * 7 + 8, 3)),
        Workload("determinant", "7 x 7, by minors", determinant, _start(49, 4, 2.0)),
        Workload("logistic", "regression, 100 rows of 8", logistic, _start(9, 5)),
        Workload("mlp", "network 2-8-8-1, 20 points", mlp, _start(3 * 8 + 8 * 9 + 9, 6)),
    )
}


def error(workload, value, gradient):
    """How far a value and a gradient are from plain floats and finite differences, relative to the gradient's size."""
    f, x = workload.build(math), workload.x
    wrong, size = abs(value - f(x)) / max(1.0, abs(value)), math.sqrt(sum(g * g for g in gradient))
    for seed in range(3):
        direction = [u / math.sqrt(len(x)) for u in _start(len(x), seed, math.sqrt(3.0))]

        def along(h, direction=direction):
            return f([a + h * d for a, d in zip(x, direction, strict=True)])

        # Richardson's extrapolation: the error is of the fourth order.
        slopes = [(along(h) - along(-h)) / (2.0 * h) for h in (2e-4, 1e-4)]
        slope = (4.0 * slopes[1] - slopes[0]) / 3.0
        wrong = max(wrong, abs(slope - sum(g * d for g, d in zip(gradient, direction, strict=True))) / max(1e-3, size))
    return wrong


def main():
    sys.path.insert(0, str(ROOT))
    import jittape as jt

    for w in WORKLOADS.values():
        program = jt.record(w.build(jt), w.x)
        value, gradient = program.value_and_grad(w.x)
        wrong = error(w, value, gradient)
        size = f"{len(w.x):5} inputs {len(program.tape):6} operations"
        print(f"{w.name:14} {w.about:42} {size}  value {value:<12.6g} error {wrong:.0e}")
        assert wrong < 1e-6, w.name


if __name__ == "__main__":
    main()
