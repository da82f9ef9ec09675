"""Claim: a training step on a small model written in NumPy costs less than in any library that does not compile the model.

    python bench/training.py [--seconds 1] [--quick] [--only iris logistic digits filters wide words]

A step is what a loop does: take the minibatch, the loss and its gradient, one update of plain gradient descent. The models are softmax
regression on Iris (150 flowers, all of them), logistic regression (100 rows of 8, all of them), a network of 64, 32 and 10
units on the digits (minibatches of 32), one of 8 filters of 3 x 3 pixels and 10 units on them, one of 784, 128 and 10 units on
random pixels (minibatches of 128), and a bag of words, of which 2000 have 16 numbers each (minibatches of 64 texts of 10 words).
Beside jittape: gradients written by hand in NumPy, autograd, PyTorch and JAX, each where it is installed, all on one thread and in
float64. Every gradient is checked against the one by hand before anything is timed.
"""

import argparse
import csv
import os
import sys
from functools import partial

from harness import ONE_THREAD, ROOT, compile_kernels, describe, machine, number, once, progress, save, table, timing, unit

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import jittape as jt  # noqa: E402

RATE = 0.1


# -- data: parameters, and minibatches of the other arguments --------------------------------------------------------------------


def iris():
    with open(ROOT / "examples" / "iris.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    names = sorted({row[4] for row in rows})
    X, onehot = np.array([[float(x) for x in row[:4]] for row in rows]), np.eye(3)[[names.index(row[4]) for row in rows]]
    return {"W": np.zeros((4, 3)), "b": np.zeros(3)}, [(X, onehot)]


def logistic():
    rng = np.random.default_rng(2)
    return {"w": np.zeros(8), "b": np.zeros(1)}, [(rng.normal(size=(100, 8)), rng.choice([-1.0, 1.0], 100))]


def digits():
    rows = np.loadtxt(ROOT / "examples" / "digits.csv.gz", delimiter=",")
    X, onehot = rows[:, :64] / 16.0, np.eye(10)[rows[:, 64].astype(int)]
    rng = np.random.default_rng(1)
    params = {"W": rng.normal(size=(64, 32)) / 8, "b": np.zeros(32), "V": rng.normal(size=(32, 10)) / 6, "c": np.zeros(10)}
    batches = [rng.permutation(len(X))[:32] for _ in range(50)]
    return params, [(X[rows], onehot[rows]) for rows in batches]


def wide():
    rng = np.random.default_rng(3)
    params = {
        "W": rng.normal(size=(784, 128)) / 28,
        "b": np.zeros(128),
        "V": rng.normal(size=(128, 10)) / 12,
        "c": np.zeros(10),
    }
    return params, [(rng.random((128, 784)), np.eye(10)[rng.integers(0, 10, 128)]) for _ in range(4)]


def filters():
    _, batches = digits()
    rng = np.random.default_rng(1)
    params = {"K": rng.normal(size=(9, 8)) / 3, "b": np.zeros(8), "V": rng.normal(size=(288, 10)) / 17, "c": np.zeros(10)}
    return params, [(X.reshape(-1, 8, 8), onehot) for X, onehot in batches]


def words():
    rng = np.random.default_rng(4)
    params = {"E": rng.normal(size=(2000, 16)) / 4, "V": rng.normal(size=(16, 4)) / 4, "c": np.zeros(4)}
    return params, [(rng.integers(0, 2000, (64, 10)), rng.integers(0, 4, 64)) for _ in range(50)]


# -- the losses, in the spelling of whatever NumPy they are given ------------------------------------------------------------------


def softmax_loss(np, p, X, onehot):
    z = X @ p["W"] + p["b"]
    return -np.mean(np.sum(z * onehot, axis=1) - np.log(np.sum(np.exp(z), axis=1)))


def logistic_loss(np, p, X, sign):
    return np.mean(np.log1p(np.exp(-sign * (X @ p["w"] + p["b"][0]))))


def network_loss(np, p, X, onehot):
    z = np.tanh(X @ p["W"] + p["b"]) @ p["V"] + p["c"]
    return -np.mean(np.sum(z * onehot, axis=1) - np.log(np.sum(np.exp(z), axis=1)))


def windows(np, X):
    """The 3 x 3 pixels around each one that is not at an edge, along the last axis."""
    return np.stack([X[:, i : i + 6, j : j + 6] for i in range(3) for j in range(3)], axis=3)


def filters_loss(np, p, X, onehot):
    h = np.tanh(windows(np, X) @ p["K"] + p["b"])
    z = h.reshape(len(X), -1) @ p["V"] + p["c"]
    return -np.mean(np.sum(z * onehot, axis=1) - np.log(np.sum(np.exp(z), axis=1)))


def words_loss(np, p, ids, labels):
    z = np.mean(p["E"][ids], 1) @ p["V"] + p["c"]
    return -np.mean(z[np.arange(len(z)), labels] - np.log(np.sum(np.exp(z), axis=1)))


# -- and their gradients by hand ----------------------------------------------------------------------------------------------------


def softmax_by_hand(p, X, onehot):
    z = X @ p["W"] + p["b"]
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    g = (e / total - onehot) / len(X)
    return np.log(total).mean() - (z * onehot).sum() / len(X), {"W": X.T @ g, "b": g.sum(axis=0)}


def logistic_by_hand(p, X, sign):
    e = np.exp(-sign * (X @ p["w"] + p["b"][0]))
    g = -sign * e / (1.0 + e) / len(X)
    return np.log1p(e).mean(), {"w": g @ X, "b": g.sum(keepdims=True)}


def network_by_hand(p, X, onehot):
    h = np.tanh(X @ p["W"] + p["b"])
    z = h @ p["V"] + p["c"]
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    g = (e / total - onehot) / len(X)
    back = (g @ p["V"].T) * (1.0 - h * h)
    gradient = {"W": X.T @ back, "b": back.sum(axis=0), "V": h.T @ g, "c": g.sum(axis=0)}
    return np.log(total).mean() - (z * onehot).sum() / len(X), gradient


def filters_by_hand(p, X, onehot):
    around = windows(np, X)
    h = np.tanh(around @ p["K"] + p["b"])
    z = h.reshape(len(X), -1) @ p["V"] + p["c"]
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    g = (e / total - onehot) / len(X)
    back = ((g @ p["V"].T).reshape(h.shape) * (1.0 - h * h)).reshape(-1, 8)
    gradient = {
        "K": around.reshape(-1, 9).T @ back,
        "b": back.sum(axis=0),
        "V": h.reshape(len(X), -1).T @ g,
        "c": g.sum(axis=0),
    }
    return np.log(total).mean() - (z * onehot).sum() / len(X), gradient


def words_by_hand(p, ids, labels):
    n, rows = len(ids), np.arange(len(ids))
    h = p["E"][ids].mean(axis=1)
    z = h @ p["V"] + p["c"]
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    g = e / total / n
    g[rows, labels] -= 1.0 / n
    gradient = {"E": np.zeros_like(p["E"]), "V": h.T @ g, "c": g.sum(axis=0)}
    np.add.at(gradient["E"], ids, (g @ p["V"].T / ids.shape[1])[:, None])
    return np.log(total).mean() - z[rows, labels].mean(), gradient


MODELS = {
    "iris": (iris, softmax_loss, softmax_by_hand),
    "logistic": (logistic, logistic_loss, logistic_by_hand),
    "digits": (digits, network_loss, network_by_hand),
    "filters": (filters, filters_loss, filters_by_hand),
    "wide": (wide, network_loss, network_by_hand),
    "words": (words, words_loss, words_by_hand),
}


# -- the libraries: each makes the gradient function, the parameters, the batches and the update its own --------------------------------


def update(params, gradient):
    return {name: p - RATE * gradient[name] for name, p in params.items()}


def with_numpy(loss, by_hand, params, batches):
    return by_hand, params, batches, update


def with_jittape(loss, by_hand, params, batches):
    return jt.value_and_grad(partial(loss, np)), params, batches, update


def with_autograd(loss, by_hand, params, batches):
    import autograd
    import autograd.numpy as anp

    return autograd.value_and_grad(partial(loss, anp)), params, batches, update


def with_torch(loss, by_hand, params, batches):
    import torch

    torch.set_num_threads(1)

    class Names:
        """NumPy's spelling of what the losses use."""

        exp, log, log1p, tanh, mean, arange = torch.exp, torch.log, torch.log1p, torch.tanh, torch.mean, torch.arange
        sum = staticmethod(lambda x, axis: torch.sum(x, dim=axis))
        stack = staticmethod(lambda xs, axis: torch.stack(xs, dim=axis))

    def step(p, *batch):
        for x in p.values():
            x.grad = None
        value = loss(Names, p, *batch)
        value.backward()
        return value.detach(), {name: x.grad for name, x in p.items()}

    def descend(p, gradient):
        with torch.no_grad():
            for name, x in p.items():
                x -= RATE * gradient[name]
        return p

    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in params.items()}
    return step, tensors, [tuple(map(torch.tensor, batch)) for batch in batches], descend


def with_jax(loss, by_hand, params, batches):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    step = jax.jit(jax.value_and_grad(partial(loss, jnp)))
    descend = jax.jit(update)
    arrays = {name: jnp.asarray(p) for name, p in params.items()}
    return step, arrays, [tuple(map(jnp.asarray, batch)) for batch in batches], descend


LIBRARIES = {
    "jittape": with_jittape,
    "NumPy, by hand": with_numpy,
    "autograd": with_autograd,
    "PyTorch": with_torch,
    "JAX, jit": with_jax,
}


def measure(model, library, seconds):
    """Seconds to build and take the first step, and seconds of every later one; None where the library is not installed."""
    data, loss, by_hand = MODELS[model]
    params, batches = data()
    try:
        step, own, own_batches, descend = LIBRARIES[library](loss, by_hand, params, batches)
    except ImportError:
        return None
    first, (value, gradient) = once(lambda: step(own, *own_batches[0]))
    expected, slopes = by_hand(params, *batches[0])
    assert np.isclose(float(value), expected, rtol=1e-10), (model, library)
    for name, slope in slopes.items():
        assert np.allclose(np.asarray(gradient[name]), slope, rtol=1e-8, atol=1e-10), (model, library, name)
    state = {"params": own, "k": 0}

    def once_more():
        state["k"] = (state["k"] + 1) % len(own_batches)
        value, gradient = step(state["params"], *own_batches[state["k"]])
        state["params"] = descend(state["params"], gradient)
        return float(value)

    return first, timing(once_more, seconds).best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL", help=", ".join(MODELS))
    options = parser.parse_args()
    seconds = options.seconds / 10 if options.quick else options.seconds
    compile_kernels()
    measured = {}
    for model in options.only:
        for library in LIBRARIES:
            progress(f"{model}, {library}")
            measured[model, library] = measure(model, library, seconds)
    missing = [library for library in LIBRARIES if all(measured[model, library] is None for model in options.only)]
    shown = [library for library in LIBRARIES if library not in missing]

    def cells(model, cell):
        return [cell(measured[model, library]) if measured[model, library] else "-" for library in shown]

    steps = [[model, *cells(model, lambda m: unit(m[1]))] for model in options.only]
    ratios = [[model, *cells(model, lambda m, k=model: number(m[1] / measured[k, "jittape"][1]))] for model in options.only]
    firsts = [[model, *cells(model, lambda m: unit(m[0]))] for model in options.only]
    facts = machine("jittape", "numpy", "numba", "autograd", "torch", "jax")
    facts["jittape"] = jt.__version__
    columns = ["model", *shown]
    text = [
        describe(facts),
        "",
        "A training step",
        "",
        table(columns, steps),
        "",
        "As multiples of jittape",
        "",
        table(columns, ratios),
    ]
    text += ["", "The first value and gradient, with all that is built or recorded for it", "", table(columns, firsts)]
    text += ["", *(f"{library}: not installed, left out" for library in missing)]
    panels = {
        model: {library: measured[model, library][1] for library in shown if measured[model, library]} for model in options.only
    }
    data = {
        "facts": facts,
        "seconds": [{"model": m, "library": name, "times": times} for (m, name), times in measured.items()],
        "chart": {"title": "A training step (logarithmic)", "panels": panels},
    }
    save("training", "\n".join(text), data)


if __name__ == "__main__":
    main()
