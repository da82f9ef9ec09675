"""Softmax regression on the Iris data in plain Python numbers, trained with jittape, then with a pure-Python tape.

The loss is a function of 15 floats: a loop over the flowers, three sums of products each, exp and log. jittape records it on
the first epoch and replays the recording on the others. `toy_tape` builds its tape anew on every epoch, as such code does
where nothing is recorded. Both take the same steps to the same losses.

    python examples/train_iris.py [--epochs 1000] [--every 50] [--toy-epochs 100]
"""

import argparse
import csv
import math
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import jittape as jt
import toy_tape

SPECIES = ("setosa", "versicolor", "virginica")
RATE = 0.1


def read_iris():
    """The measurements and the label (0, 1 or 2) of each flower."""
    with open(Path(__file__).with_name("iris.csv"), newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [([float(x) for x in row[:4]], SPECIES.index(row[4])) for row in rows]


def split(flowers):
    """Training and test flowers. Every fourth is for testing, and the file is sorted by species: each set has all three."""
    return [f for i, f in enumerate(flowers) if i % 4], flowers[::4]


def scores(params, features):
    """One score per species; `params` are 12 weights, row by row, and 3 biases."""
    return [sum(params[4 * k + j] * x for j, x in enumerate(features)) + params[12 + k] for k in range(3)]


def cross_entropy(params, flowers, exp, log):
    """The mean of minus the log of the probability that the model gives to the right species."""
    total = 0.0
    for features, label in flowers:
        z = [exp(s) for s in scores(params, features)]
        total = total + log(z[label] / sum(z))
    return -total / len(flowers)


def accuracy(params, flowers):
    """The share of flowers whose highest score is that of their own species. Plain floats in, no tape."""
    right = 0
    for features, label in flowers:
        z = scores(params, features)
        right += z.index(max(z)) == label
    return right / len(flowers)


def progress(items, label):
    """The items, with a bar on standard error where that is a terminal."""
    shown = sys.stderr.isatty()
    for i, item in enumerate(items):
        if shown and i * 50 // len(items) != (i - 1) * 50 // len(items):
            print(f"\r{label} [{'#' * (i * 50 // len(items)):50}]", end="", file=sys.stderr, flush=True)
        yield item
    if shown:
        print(f"\r{'':{len(label) + 53}}\r", end="", file=sys.stderr, flush=True)


def train(tape, flowers, epochs, label, each_epoch=lambda epoch, loss, params: None):
    """Gradient descent from zero; the losses and the seconds of every epoch. `tape` is jittape or the toy."""
    step = tape.value_and_grad(lambda params: cross_entropy(params, flowers, tape.exp, tape.log))
    params, losses, seconds = [0.0] * 15, [], []
    for epoch in progress(range(epochs), label):
        start = perf_counter()
        loss, gradient = step(params)
        params = [p - RATE * g for p, g in zip(params, gradient, strict=True)]
        seconds.append(perf_counter() - start)
        losses.append(loss)
        each_epoch(epoch, loss, params)
    return losses, seconds


def main():
    parser = argparse.ArgumentParser(description="Softmax regression on Iris, with jittape and with a pure-Python tape.")
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--every", type=int, default=50, help="epochs between two lines of the table")
    parser.add_argument("--toy-epochs", type=int, default=100, help="how many of the epochs the pure-Python tape repeats")
    options = parser.parse_args()
    if min(options.epochs, options.toy_epochs) < 2 or options.every < 1:
        parser.error("two epochs at least: the first one records; and --every 1 at least")

    training, test = split(read_iris())
    print(f"{len(training)} flowers to train on, {len(test)} to test on")
    print("epoch  loss                accuracy")

    def line(epoch, loss, params):
        if epoch % options.every == 0 or epoch == options.epochs - 1:
            print(f"{epoch:5d}  {loss:<18.16g}  {accuracy(params, test):.4f}", flush=True)

    losses, seconds = train(jt, training, options.epochs, "jittape", line)
    toy_losses, toy_seconds = train(toy_tape, training, min(options.epochs, options.toy_epochs), "pure Python")
    assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(losses, toy_losses, strict=False)), "the losses differ"

    ours, toys = median(seconds[1:]), median(toy_seconds)
    print(f"\nfirst epoch, which loads or compiles the kernels and records: {seconds[0]:.2f} s")
    print(f"every later epoch: {1e6 * ours:.1f} us; on the pure-Python tape: {1e6 * toys:.1f} us; ratio {toys / ours:.0f}")


if __name__ == "__main__":
    main()
