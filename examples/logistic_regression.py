"""Logistic regression with SciPy's minimiser: the gradient is jittape's, the answer scikit-learn's.

The loss is two lines of NumPy. `value_and_grad` is what `scipy.optimize.minimize(..., jac=True)` wants, data and all. Where
scikit-learn is installed, its coefficients on the same data are printed beside ours. Then softmax regression on all three species.

    python examples/logistic_regression.py
"""

import csv
from pathlib import Path
from time import perf_counter

import numpy as np

import jittape as jt

SPECIES = ("setosa", "versicolor", "virginica")
PENALTY = 1.0


def load():
    """The four measurements of each flower, centred and scaled, and its label."""
    with open(Path(__file__).with_name("iris.csv"), newline="") as file:
        rows = list(csv.reader(file))[1:]
    X = np.array([[float(x) for x in row[:4]] for row in rows])
    return (X - X.mean(axis=0)) / X.std(axis=0), np.array([SPECIES.index(row[4]) for row in rows])


def loss(w, X, sign):
    """The sum of log(1 + exp(-margin)) and half the squared weights; the intercept w[4] is free."""
    return np.sum(np.logaddexp(0.0, -sign * (X @ w[:4] + w[4]))) + 0.5 * PENALTY * np.sum(w[:4] ** 2)


def softmax_loss(w, X, onehot):
    """Softmax regression in NumPy, in four lines."""
    z = X @ w[:4] + w[4]
    z = z - np.max(z, axis=1, keepdims=True)
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.mean(np.log(np.sum(p * onehot, axis=1)))


def descend(step, w, args, steps, rate):
    """Gradient descent; the last loss."""
    value = np.nan
    for _ in range(steps):
        value, gradient = step(w, *args)
        w = w - rate * gradient
    return w, value


def main():
    X, labels = load()
    virginica = labels[labels > 0] == 2
    args = X[labels > 0], np.where(virginica, 1.0, -1.0)
    step = jt.value_and_grad(loss)
    try:
        from scipy.optimize import minimize
    except ImportError:
        print("versicolor or virginica: SciPy is not installed, so this part is left out")
    else:
        found = minimize(step, np.zeros(5), args=args, jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
        start = perf_counter()
        step(found.x, *args)
        print(
            f"versicolor or virginica: loss {found.fun:.10f} after {found.nfev} gradients, {1e6 * (perf_counter() - start):.0f} us each"
        )
        print("ours         ", np.array2string(found.x, precision=6))
        compare(args, virginica)

    onehot = np.eye(3)[labels]
    w, value = descend(jt.value_and_grad(softmax_loss), np.zeros((5, 3)), (X, onehot), 500, 0.5)
    right = np.mean(np.argmax(X @ w[:4] + w[4], axis=1) == labels)
    print(f"all three: loss {value:.6f}, {right:.1%} right after 500 steps")


def compare(args, virginica):
    """Scikit-learn's coefficients on the same data."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        print("scikit-learn is not installed, so there is nothing to compare with")
        return
    model = LogisticRegression(C=1.0 / PENALTY, tol=1e-10, max_iter=10_000).fit(args[0], virginica)
    print("scikit-learn ", np.array2string(np.append(model.coef_[0], model.intercept_), precision=6))


if __name__ == "__main__":
    main()
