"""Gradients worked out by hand and compiled by Numba: what the peers' table has as the price of writing no derivative.

`BY_HAND[name]()` gives a function that takes the point and a buffer for the gradient, and returns the value.
"""

import numpy as np
from numba import njit

from workloads import flowers, logistic_data

compiled = njit(error_model="numpy")


def iris():
    features = np.array([row for row, _ in flowers()])
    labels = np.array([label for _, label in flowers()])

    @compiled
    def loss(p, gradient):
        total, n = 0.0, len(labels)
        gradient[:] = 0.0
        z = np.empty(3)
        for i in range(n):
            a, b, c, d = features[i]
            for k in range(3):
                z[k] = p[4 * k] * a + p[4 * k + 1] * b + p[4 * k + 2] * c + p[4 * k + 3] * d + p[12 + k]
            right = z[labels[i]]
            for k in range(3):
                z[k] = np.exp(z[k])
            both = z[0] + z[1] + z[2]
            total += np.log(both) - right
            for k in range(3):
                s = (z[k] / both - (k == labels[i])) / n
                gradient[4 * k] += s * a
                gradient[4 * k + 1] += s * b
                gradient[4 * k + 2] += s * c
                gradient[4 * k + 3] += s * d
                gradient[12 + k] += s
        return total / n

    return loss


def rosenbrock():
    @compiled
    def f(x, gradient):
        total = 0.0
        gradient[0] = 0.0
        for i in range(len(x) - 1):
            c, d = x[i + 1] - x[i] * x[i], 1.0 - x[i]
            total += 100.0 * c * c + d * d
            gradient[i] += -400.0 * c * x[i] - 2.0 * d
            gradient[i + 1] = 200.0 * c
        return total

    return f


def lorenz():
    steps, h = 500, 0.005

    @compiled
    def slope(x, y, z, s, r, b):
        return s * (y - x), x * (r - z) - y, x * y - b * z

    @compiled
    def back(x, y, z, s, r, b, u, v, w, gradient):
        """The adjoint of `slope`: in the state as a result, in the parameters added to the gradient."""
        gradient[3] += (y - x) * u
        gradient[4] += x * v
        gradient[5] -= z * w
        return -s * u + (r - z) * v + y * w, s * u - v + x * w, -x * v - b * w

    @compiled
    def f(p, gradient):
        s, r, b = p[3], p[4], p[5]
        points = np.empty((steps, 4, 3))
        x, y, z = p[0], p[1], p[2]
        for t in range(steps):
            points[t, 0] = x, y, z
            a1, a2, a3 = slope(x, y, z, s, r, b)
            points[t, 1] = x + h / 2 * a1, y + h / 2 * a2, z + h / 2 * a3
            b1, b2, b3 = slope(points[t, 1, 0], points[t, 1, 1], points[t, 1, 2], s, r, b)
            points[t, 2] = x + h / 2 * b1, y + h / 2 * b2, z + h / 2 * b3
            c1, c2, c3 = slope(points[t, 2, 0], points[t, 2, 1], points[t, 2, 2], s, r, b)
            points[t, 3] = x + h * c1, y + h * c2, z + h * c3
            d1, d2, d3 = slope(points[t, 3, 0], points[t, 3, 1], points[t, 3, 2], s, r, b)
            x += h / 6 * (a1 + 2.0 * b1 + 2.0 * c1 + d1)
            y += h / 6 * (a2 + 2.0 * b2 + 2.0 * c2 + d2)
            z += h / 6 * (a3 + 2.0 * b3 + 2.0 * c3 + d3)
        value = x * x + y * y + z * z
        gradient[:] = 0.0
        u, v, w = 2.0 * x, 2.0 * y, 2.0 * z
        for t in range(steps - 1, -1, -1):
            q = points[t]
            d1, d2, d3 = back(q[3, 0], q[3, 1], q[3, 2], s, r, b, h / 6 * u, h / 6 * v, h / 6 * w, gradient)
            k1, k2, k3 = h / 3 * u + h * d1, h / 3 * v + h * d2, h / 3 * w + h * d3
            c1, c2, c3 = back(q[2, 0], q[2, 1], q[2, 2], s, r, b, k1, k2, k3, gradient)
            k1, k2, k3 = h / 3 * u + h / 2 * c1, h / 3 * v + h / 2 * c2, h / 3 * w + h / 2 * c3
            b1, b2, b3 = back(q[1, 0], q[1, 1], q[1, 2], s, r, b, k1, k2, k3, gradient)
            k1, k2, k3 = h / 6 * u + h / 2 * b1, h / 6 * v + h / 2 * b2, h / 6 * w + h / 2 * b3
            a1, a2, a3 = back(q[0, 0], q[0, 1], q[0, 2], s, r, b, k1, k2, k3, gradient)
            u, v, w = u + a1 + b1 + c1 + d1, v + a2 + b2 + c2 + d2, w + a3 + b3 + c3 + d3
        gradient[0], gradient[1], gradient[2] = u, v, w
        return value

    return f


def logistic():
    data = logistic_data()
    rows, signs = np.array([row for row, _ in data]), np.array([sign for _, sign in data])

    @compiled
    def loss(p, gradient):
        total, (n, k) = 0.0, rows.shape
        gradient[:] = 0.0
        for i in range(n):
            z = p[k]
            for j in range(k):
                z += p[j] * rows[i, j]
            e = np.exp(-signs[i] * z)
            total += np.log(1.0 + e)
            s = -signs[i] * e / (1.0 + e) / n
            for j in range(k):
                gradient[j] += s * rows[i, j]
            gradient[k] += s
        return total / n

    return loss


BY_HAND = {"iris": iris, "rosenbrock": rosenbrock, "lorenz": lorenz, "logistic": logistic}
