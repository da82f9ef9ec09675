"""The functions that are timed: plain Python, generic in the number type. `m` is the namespace with exp, log, sin and so on."""

import csv
import math
import random
from pathlib import Path

IRIS = Path(__file__).parent.parent / "examples" / "iris.csv"
SPECIES = ("setosa", "versicolor", "virginica")


def iris(m):
    """Softmax loss on 150 flowers, scalar code, 15 parameters."""
    with open(IRIS, newline="") as file:
        flowers = [([float(x) for x in row[:4]], SPECIES.index(row[4])) for row in list(csv.reader(file))[1:]]

    def loss(params):
        total = 0.0
        for features, label in flowers:
            z = [m.exp(sum(params[4 * k + j] * x for j, x in enumerate(features)) + params[12 + k]) for k in range(3)]
            total = total + m.log(z[label] / sum(z))
        return total * (-1.0 / len(flowers))

    return loss, [0.01 * (k - 7) for k in range(15)]


def rosenbrock(m, n=1000):
    """Rosenbrock's function of n numbers."""

    def f(x):
        total = 0.0
        for a, b in zip(x[:-1], x[1:], strict=True):
            c, d = b + a * a * -1.0, a * -1.0 + 1.0
            total = total + (c * c * 100.0 + d * d)
        return total

    return f, [math.sin(k) for k in range(n)]


def lorenz(m, steps=500):
    """The squared length after 500 Runge-Kutta steps of the Lorenz system; start and parameters are the inputs."""

    def slope(x, y, z, s, r, b):
        return s * (y + x * -1.0), x * (r + z * -1.0) + y * -1.0, x * y + b * z * -1.0

    def f(p):
        state, rest, h = list(p[:3]), list(p[3:]), 0.005
        for _ in range(steps):
            k1 = slope(*state, *rest)
            k2 = slope(*[u + k * (h / 2) for u, k in zip(state, k1, strict=True)], *rest)
            k3 = slope(*[u + k * (h / 2) for u, k in zip(state, k2, strict=True)], *rest)
            k4 = slope(*[u + k * h for u, k in zip(state, k3, strict=True)], *rest)
            state = [u + (a + b * 2.0 + c * 2.0 + d) * (h / 6) for u, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)]
        return state[0] * state[0] + state[1] * state[1] + state[2] * state[2]

    return f, [1.0, 1.0, 1.0, 10.0, 28.0, 8.0 / 3.0]


def black_scholes(m):
    """The price of a European call; spot, strike, rate, volatility and time are the inputs."""

    def cdf(x):
        # Bowling's logistic approximation of the normal distribution, so that every tape here can run it
        return 1.0 / (m.exp((x * x * x * 0.07056 + x * 1.5976) * -1.0) + 1.0)

    def f(p):
        spot, strike, rate, volatility, time = p
        root = m.exp(m.log(time) * 0.5)
        d1 = (m.log(spot / strike) + (rate + volatility * volatility * 0.5) * time) / (volatility * root)
        d2 = d1 + volatility * root * -1.0
        return spot * cdf(d1) + strike * m.exp(rate * time * -1.0) * cdf(d2) * -1.0

    return f, [100.0, 95.0, 0.03, 0.2, 1.5]


def random_graph(m, n=10_000):
    """A random graph of n operations over ten inputs, all values tame."""
    rng = random.Random(1)
    plan = [(rng.choice("+*sep"), rng.randrange(1, 60), rng.randrange(1, 60)) for _ in range(n)]

    def f(x):
        values = list(x)
        for kind, i, j in plan:
            a, b = values[-min(i, len(values))], values[-min(j, len(values))]
            if kind == "+":
                v = (a + b) * 0.5
            elif kind == "*":
                v = a * b
            elif kind == "s":
                v = m.sin(a)
            elif kind == "e":
                v = m.exp(a * -0.5)
            else:
                v = a * 0.5 + 0.25
            values.append(v)
        return sum(values[-10:])

    return f, [0.1 * k for k in range(1, 11)]


WORKLOADS = {
    "iris": iris,
    "rosenbrock": rosenbrock,
    "lorenz": lorenz,
    "black_scholes": black_scholes,
    "random_graph": random_graph,
}
