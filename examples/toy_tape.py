"""Reverse mode in fifty lines of plain Python, to compare with: every number is an object that links to its operands.

It has the part of jittape's interface that the Iris example needs: `exp`, `log` and `value_and_grad`.
"""

import math

tape: list["Number"] = []


class Number:
    """A value, the operands it came from with the partial in each, and its adjoint."""

    __slots__ = ("value", "links", "adjoint")

    def __init__(self, value, *links):
        self.value, self.links, self.adjoint = value, links, 0.0
        tape.append(self)

    def __add__(self, other):
        if isinstance(other, Number):
            return Number(self.value + other.value, (self, 1.0), (other, 1.0))
        return Number(self.value + other, (self, 1.0))

    def __mul__(self, other):
        if isinstance(other, Number):
            return Number(self.value * other.value, (self, other.value), (other, self.value))
        return Number(self.value * other, (self, other))

    def __truediv__(self, other):
        if isinstance(other, Number):
            ratio = self.value / other.value
            return Number(ratio, (self, 1.0 / other.value), (other, -ratio / other.value))
        return Number(self.value / other, (self, 1.0 / other))

    def __rtruediv__(self, other):
        ratio = other / self.value
        return Number(ratio, (self, -ratio / self.value))

    def __neg__(self):
        return Number(-self.value, (self, -1.0))

    __radd__, __rmul__ = __add__, __mul__

    def backprop(self):
        """Walk the tape backwards; every number hands its adjoint on to its operands."""
        self.adjoint = 1.0
        for number in reversed(tape):
            for operand, partial in number.links:
                operand.adjoint += number.adjoint * partial


def sin(x):
    return Number(math.sin(x.value), (x, math.cos(x.value)))


def exp(x):
    value = math.exp(x.value)
    return Number(value, (x, value))


def log(x):
    return Number(math.log(x.value), (x, 1.0 / x.value))


def value_and_grad(f):
    """The value and gradient of a function of one list of numbers; every call builds a new tape."""

    def call(xs):
        tape.clear()
        variables = [Number(x) for x in xs]
        result = f(variables)
        result.backprop()
        return result.value, [v.adjoint for v in variables]

    return call


if __name__ == "__main__":
    x, y = Number(3.0), Number(1.0)
    result = sin(x) + x * y
    result.backprop()
    print(f"sin(x) + x * y at (3, 1): {result.value}, in x {x.adjoint}, in y {y.adjoint}")
