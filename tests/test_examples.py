"""Every program in examples/ runs in a process of its own, and its numbers are right."""

import importlib
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def softmax_regression(X, labels, epochs):
    """The loss of each epoch of gradient descent from zero, with the gradient written by hand."""
    X, onehot = np.column_stack([X, np.ones(len(X))]), np.eye(3)[labels]
    w, losses = np.zeros((5, 3)), []
    for _ in range(epochs):
        p = np.exp(X @ w)
        p /= p.sum(axis=1, keepdims=True)
        losses.append(-np.log(p[onehot == 1]).mean())
        w -= 0.1 * X.T @ (p - onehot) / len(X)
    return losses


def table(out, pattern):
    rows = re.findall(pattern, out, re.M)
    return [int(row[0]) for row in rows], [float(row[1]) for row in rows], [float(row[2]) for row in rows]


def check_train_iris(out):
    train_iris = importlib.import_module("train_iris")
    training, test = train_iris.split(train_iris.read_iris())
    assert (len(training), len(test)) == (112, 38) and not [f for f in training if any(f is g for g in test)]
    expected = softmax_regression(*map(list, zip(*training, strict=True)), 160)

    epochs, losses, accuracies = table(out, r"^ +(\d+)  (\S+) +(\d\.\d+)$")
    assert epochs == [*range(0, 160, 20), 159]
    assert losses == pytest.approx([expected[epoch] for epoch in epochs], rel=1e-12)
    # Parameters of zero give every species a third.
    assert losses[0] == pytest.approx(math.log(3), rel=1e-14)
    assert accuracies[-1] > 0.85
    assert re.search(r"ratio \d+$", out, re.M)


def check_teaching_text(out):
    X, Y, X_test, _ = importlib.import_module("teaching_text").load()
    assert (len(X), len(X_test)) == (112, 38)
    expected = softmax_regression(X, np.argmax(Y, axis=1), 21)

    assert f"Y = {math.sin(3) + 3}\n" in out
    assert f"dY/dx = {math.cos(3) + 1}\n" in out
    assert "dY/dy = 3.0\n" in out
    epochs, losses, _ = table(out, r"^ +(\d+) loss (\S+) +acc (\S+)$")
    assert epochs == [0, 10, 20]
    assert losses == pytest.approx(expected[::10], rel=1e-12)
    assert losses[0] == pytest.approx(math.log(3), rel=1e-14)


def check_toy_tape(out):
    assert [float(x) for x in re.findall(r"\d+\.\d+", out)] == [math.sin(3) + 3, math.cos(3) + 1, 3.0]


def check_bouncing_ball(out):
    paths, records, replays = map(int, re.search(r"paths=(\d+), records=(\d+), replays=(\d+)", out).groups())
    assert 5 < paths == records < 40
    assert records + replays == 400
    assert float(re.search(r"closed form: (\S+)", out)[1]) < 1e-11
    assert out.strip().splitlines()[-1].endswith("0.600000")


def check_train_digits(out):
    assert "1437 images to train on, 360 to test on" in out
    rows = re.findall(r"^(\w+) +epoch +(\d+)  loss (\S+)  accuracy (\S+)$", out, re.M)
    assert [(row[0], int(row[1])) for row in rows] == [(name, k) for name in ("descent", "Adam") for k in (1, 2)]
    assert all(float(second[2]) < 0.6 * float(first[2]) for first, second in (rows[:2], rows[2:]))
    assert float(rows[1][3]) > 0.9 and float(rows[3][3]) > 0.9
    # all minibatches of both optimisers replay one recording
    assert re.search(r"^1 recording, 111 replays;", out, re.M)


def check_logistic_regression(out):
    def numbers(label):
        return [float(x) for x in re.search(rf"^{label} +\[(.*)\]$", out, re.M)[1].split()]

    if "not installed" not in out:
        assert numbers("ours") == pytest.approx(numbers("scikit-learn"), rel=1e-4)
    if "SciPy is not installed" not in out:
        assert float(re.search(r"loss (\S+) after", out)[1]) == pytest.approx(25.9650624073, rel=1e-9)
        # the coefficients that scikit-learn 1.9 finds
        assert numbers("ours") == pytest.approx([0.139832, -0.514532, 2.47982, 3.140419, -3.800866], rel=1e-4)
    assert re.search(r"^all three: loss 0\.08\d+, 9[6-9]\.\d% right", out, re.M)


def check_walk_the_tape(out):
    walked, replayed = (re.search(rf"^{name} +(\S+) +(\S+) +(\S+)$", out, re.M).groups() for name in ("walked", "program"))
    assert walked == replayed
    x, y, h = 1.9, 1.4, 1e-6

    def f(x, y):  # x > y once, then not
        x = x - y * y * 0.5
        return x * (math.sin(x) + (math.sin(x) + y * 0.25) * 0.25)

    assert float(walked[0]) == pytest.approx(f(x, y), abs=1e-11)
    assert float(walked[1]) == pytest.approx((f(x + h, y) - f(x - h, y)) / (2 * h), rel=1e-8)
    assert float(walked[2]) == pytest.approx((f(x, y + h) - f(x, y - h)) / (2 * h), rel=1e-8)


PROGRAMS = {
    "bouncing_ball.py": ([], check_bouncing_ball),
    "logistic_regression.py": ([], check_logistic_regression),
    "train_digits.py": (["--epochs", "2", "--batch", "50", "--picture", os.devnull], check_train_digits),
    "walk_the_tape.py": ([], check_walk_the_tape),
    "train_iris.py": (["--epochs", "160", "--every", "20", "--toy-epochs", "5"], check_train_iris),
    "teaching_text.py": (["--epochs", "21"], check_teaching_text),
    "toy_tape.py": ([], check_toy_tape),
}


def run(name, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


def test_every_example_is_checked_here():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_example_runs_and_its_numbers_are_right(name, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    arguments, check = PROGRAMS[name]
    done = run(name, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no warning, and no progress bar where there is no terminal
    check(done.stdout)


def test_the_iris_data_is_complete():
    header, *rows = (EXAMPLES / "iris.csv").read_text().splitlines()
    assert header == "sepal_length,sepal_width,petal_length,petal_width,species"
    cells = [row.split(",") for row in rows]
    assert [sum(row[4] == species for row in cells) for species in ("setosa", "versicolor", "virginica")] == [50, 50, 50]
    # The column means of Fisher's table.
    assert [round(sum(float(row[j]) for row in cells) / 150, 4) for j in range(4)] == [5.8433, 3.0573, 3.758, 1.1993]
