"""A small network on handwritten digits, written in NumPy and trained on minibatches with plain gradient descent and with Adam.

The 1,797 images of 8 x 8 pixels are in `digits.csv.gz` (from the UCI repository, as scikit-learn ships them). The model is NumPy;
jittape records it for the shape of a minibatch once and replays it for every other batch. The optimisers are a few lines each. The
loss curves and the accuracy go to a picture.

    python examples/train_digits.py [--epochs 8] [--batch 32] [--picture digits.svg]
"""

import argparse
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

import jittape as jt

HIDDEN = 32


def load(seed=0):
    """Images and labels to train on and to test on; every fifth image is for testing."""
    rows = np.loadtxt(Path(__file__).with_name("digits.csv.gz"), delimiter=",")
    rows = rows[np.random.default_rng(seed).permutation(len(rows))]
    images, labels = rows[:, :64] / 16.0, rows[:, 64].astype(int)
    test = np.arange(len(rows)) % 5 == 0
    return images[~test], labels[~test], images[test], labels[test]


def start(seed=1):
    """Random weights of the usual size, and biases of zero."""
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(size=(64, HIDDEN)) / 8.0,
        "b1": np.zeros(HIDDEN),
        "W2": rng.normal(size=(HIDDEN, 10)) / np.sqrt(HIDDEN),
        "b2": np.zeros(10),
    }


def scores(params, images):
    """One score per digit."""
    return np.tanh(images @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"]


def loss(params, images, onehot):
    """The mean cross entropy of the softmax of the scores."""
    z = scores(params, images)
    return np.mean(jt.logsumexp(z, axis=1) - np.sum(z * onehot, axis=1))


def accuracy(params, images, labels):
    """The share of images whose highest score is that of their own digit. Plain NumPy, no tape."""
    return float(np.mean(np.argmax(scores(params, images), axis=1) == labels))


class Descent:
    """Plain stochastic gradient descent."""

    def __init__(self, rate=0.5):
        self.rate = rate

    def __call__(self, params, gradient):
        return {name: p - self.rate * gradient[name] for name, p in params.items()}


class Adam:
    """Adam (Kingma and Ba, 2015)."""

    def __init__(self, rate=0.01, b1=0.9, b2=0.999):
        self.rate, self.b1, self.b2, self.t, self.m, self.v = rate, b1, b2, 0, {}, {}

    def __call__(self, params, gradient):
        self.t += 1
        out = {}
        for name, g in gradient.items():
            self.m[name] = self.b1 * self.m.get(name, 0.0) + (1.0 - self.b1) * g
            self.v[name] = self.b2 * self.v.get(name, 0.0) + (1.0 - self.b2) * g * g
            m, v = self.m[name] / (1.0 - self.b1**self.t), self.v[name] / (1.0 - self.b2**self.t)
            out[name] = params[name] - self.rate * m / (np.sqrt(v) + 1e-8)
        return out


def batches(n, size, epoch):
    """The rows of each minibatch of an epoch; all have the same size, so the loss is recorded once."""
    order = np.random.default_rng(epoch).permutation(n)
    return [order[i : i + size] for i in range(0, n - size + 1, size)]


def progress(done, total, label):
    """A bar on standard error, where that is a terminal."""
    if sys.stderr.isatty():
        bar = "#" * (done * 40 // total)
        end = f"\r{'':{len(label) + 43}}\r" if done == total else ""
        print(f"\r{label} [{bar:40}]{end}", end="", file=sys.stderr, flush=True)


def train(step, optimiser, data, epochs, size, label):
    """The parameters, the mean loss of every epoch, its accuracy on the test images, and the seconds of every step."""
    images, labels, test_images, test_labels = data
    onehot = np.eye(10)[labels]
    params, losses, accuracies, seconds = start(), [], [], []
    for epoch in range(epochs):
        rows_of_epoch, total = batches(len(images), size, epoch), 0.0
        for k, rows in enumerate(rows_of_epoch):
            begin = perf_counter()
            value, gradient = step(params, images[rows], onehot[rows])
            params = optimiser(params, gradient)
            seconds.append(perf_counter() - begin)
            total += value
            progress(epoch * len(rows_of_epoch) + k + 1, epochs * len(rows_of_epoch), label)
        losses.append(total / len(rows_of_epoch))
        accuracies.append(accuracy(params, test_images, test_labels))
        print(f"{label:8} epoch {epoch + 1:3d}  loss {losses[-1]:.4f}  accuracy {accuracies[-1]:.4f}", flush=True)
    return losses, accuracies, seconds


def curves(series, path):
    """The curves as an SVG picture: loss from the left axis, by epoch, on a logarithmic scale; accuracy at the last point."""
    width, height, left, top, right, bottom = 640, 360, 64, 40, 150, 48
    epochs = max(len(losses) for losses, _ in series.values())
    logs = [np.log10(losses) for losses, _ in series.values()]
    low, high = np.floor(min(v.min() for v in logs) * 4) / 4, np.ceil(max(v.max() for v in logs) * 4) / 4

    def x(epoch):
        return left + (width - left - right) * (epoch - 1) / max(epochs - 1, 1)

    def y(log):
        return top + (height - top - bottom) * (high - log) / (high - low)

    grid, labels = [], []
    for value in (1, 2, 5, *(v / 10**k for k in (1, 2, 3) for v in (1, 2, 5))):
        if low <= np.log10(value) <= high:
            at = y(np.log10(value))
            grid.append(f'<line x1="{left}" y1="{at:.1f}" x2="{width - right}" y2="{at:.1f}" stroke="#ddd"/>')
            labels.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
    for epoch in sorted({1, epochs, *range(5, epochs + 1, 5)}):
        labels.append(f'<text x="{x(epoch):.1f}" y="{height - bottom + 20}" text-anchor="middle">{epoch}</text>')
    lines = []
    for (name, (losses, accuracies)), log, colour in zip(series.items(), logs, ("#1f6fb4", "#d1602a"), strict=False):
        points = " ".join(f"{x(k + 1):.1f},{y(v):.1f}" for k, v in enumerate(log))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(
            f'<text x="{width - right + 8}" y="{y(log[-1]) - 2:.1f}" fill="{colour}">{name}, loss {losses[-1]:.3f}</text>'
        )
        lines.append(
            f'<text x="{width - right + 8}" y="{y(log[-1]) + 13:.1f}" fill="{colour}">{accuracies[-1]:.1%} right</text>'
        )
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="22" font-size="14">Handwritten digits: training loss by epoch</text>',
        *grid,
        f'<rect x="{left}" y="{top}" width="{width - left - right}" height="{height - top - bottom}" fill="none" stroke="#999"/>',
        *labels,
        f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">epoch</text>',
        *lines,
        "</svg>",
    ]
    Path(path).write_text("\n".join(text) + "\n")


def main():
    parser = argparse.ArgumentParser(description="A small network on handwritten digits, by gradient descent and by Adam.")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--picture", default="digits.svg", help="where the loss curves go")
    options = parser.parse_args()
    if options.epochs < 1 or not 1 <= options.batch <= 1000:
        parser.error("one epoch at least, and a batch of 1 to 1000 images")

    data = load()
    print(f"{len(data[0])} images to train on, {len(data[2])} to test on")
    step, series, seconds = jt.value_and_grad(loss), {}, []
    for name, optimiser in (("descent", Descent()), ("Adam", Adam())):
        losses, accuracies, times = train(step, optimiser, data, options.epochs, options.batch, name)
        series[name] = losses, accuracies
        seconds += times
    curves(series, options.picture)
    info = step.cache_info()
    print(f"{info.records} recording, {info.replays} replays; the first step took {seconds[0]:.2f} s,")
    print(f"every other one {1e6 * float(np.median(seconds[1:])):.0f} us; curves in {options.picture}")


if __name__ == "__main__":
    main()
