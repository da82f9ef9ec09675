"""The steps of a first lesson on reverse mode, on variables that compute at once: sin(x) + x * y, then Iris.

Nothing is recorded ahead of time here. Each `var` is a number, each operation goes onto the tape as it happens, and
`backprop` walks the tape backwards. For speed, see train_iris.py: the same model through `value_and_grad`.

    python examples/teaching_text.py [--epochs 161]
"""

import argparse
import csv
import random
from pathlib import Path

from jittape import *

LEARNING_RATE = 0.1


def first_example():
    x = var(3, name="x")
    y = var(1, name="y")
    Y = sin(x) + x * y
    print("Y =", Y.value)
    print(Y.tape)
    Y.backprop()
    print("dY/dx =", x.sensitivity)
    print("dY/dy =", y.sensitivity)


def load():
    """Shuffled flowers: 112 to train on and 38 to test on, as lists of features and of one-hot labels."""
    with open(Path(__file__).with_name("iris.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(0).shuffle(rows)
    species = sorted({row["species"] for row in rows})
    features = [[float(value) for name, value in row.items() if name != "species"] for row in rows]
    one_hot = [[1.0 if row["species"] == s else 0.0 for s in species] for row in rows]
    return features[:112], one_hot[:112], features[112:], one_hot[112:]


def probabilities(flower, w, b):
    """Softmax of one linear score per species."""
    powers = [
        exp(bias + sum(weight * x for weight, x in zip(row, flower, strict=True))) for row, bias in zip(w, b, strict=True)
    ]
    total = sum(powers)
    return [p / total for p in powers]


def cost(expected, predicted):
    """Categorical cross entropy."""
    logs = [k * log(p) for ks, ps in zip(expected, predicted, strict=True) for k, p in zip(ks, ps, strict=True)]
    return -sum(logs) / len(expected)


def most_likely(row):
    return max(range(3), key=lambda k: row[k])


def accuracy(expected, predicted):
    pairs = [(most_likely(a), most_likely(b)) for a, b in zip(expected, predicted, strict=True)]
    return sum(a == b for a, b in pairs) / len(pairs)


def train(epochs):
    X_train, Y_train, X_test, Y_test = load()
    w = [[var(0) for _ in range(4)] for _ in range(3)]
    b = [var(0) for _ in range(3)]
    for epoch in range(epochs):
        loss = cost(Y_train, [probabilities(flower, w, b) for flower in X_train])
        loss.backprop()
        for i in range(3):
            b[i] -= LEARNING_RATE * b[i].sensitivity
            for j in range(4):
                w[i][j] -= LEARNING_RATE * w[i][j].sensitivity
        if epoch % 10 == 0:
            right = accuracy(Y_test, [probabilities(flower, w, b) for flower in X_test])
            print(f"{epoch:5d} loss {loss.value:<18.16g} acc {right:.4f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="sin(x) + x * y and a softmax regression on eager variables.")
    parser.add_argument("--epochs", type=int, default=161)
    options = parser.parse_args()
    first_example()
    train(options.epochs)
