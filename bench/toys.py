"""Two tapes in plain Python to compare with: linked objects, as teaching texts build them, and parallel lists.

Both record anew on every call, as such code does. They have what the workloads need and nothing else: no checks, no names.
An instance is also the namespace of its functions: `Linked().exp`, `Lists().sin`.
"""

import math
from operator import attrgetter


class Toy:
    """What both have in common: `forward` records, `reverse` sweeps the recording backwards."""

    def value_and_grad(self, f):
        def call(x):
            inputs, out = self.forward(f, x)
            return out.v, self.reverse(inputs, out)

        return call

    def exp(self, x):
        v = math.exp(x.v)
        return self.unary(v, x, v)

    def log(self, x):
        return self.unary(math.log(x.v), x, 1.0 / x.v)

    def sin(self, x):
        return self.unary(math.sin(x.v), x, math.cos(x.v))

    def cos(self, x):
        return self.unary(math.cos(x.v), x, -math.sin(x.v))

    def tanh(self, x):
        v = math.tanh(x.v)
        return self.unary(v, x, 1.0 - v * v)

    def sqrt(self, x):
        v = math.sqrt(x.v)
        return self.unary(v, x, 0.5 / v)

    def erf(self, x):
        return self.unary(math.erf(x.v), x, 2.0 / math.sqrt(math.pi) * math.exp(-x.v * x.v))


# -- linked objects ---------------------------------------------------------------------------------------------------------


class Number:
    """An input of the function. `v` is the value, `s` the sensitivity of the result to it."""

    def __init__(self, v):
        self.v, self.s = v, 0.0

    def __add__(self, other):
        if isinstance(other, Number):
            return link(Binary(self.v + other.v, self, other, 1.0, 1.0))
        return link(Unary(self.v + other, self, 1.0))

    def __sub__(self, other):
        if isinstance(other, Number):
            return link(Binary(self.v - other.v, self, other, 1.0, -1.0))
        return link(Unary(self.v - other, self, 1.0))

    def __mul__(self, other):
        if isinstance(other, Number):
            return link(Binary(self.v * other.v, self, other, other.v, self.v))
        return link(Unary(self.v * other, self, other))

    def __truediv__(self, other):
        if isinstance(other, Number):
            v = self.v / other.v
            return link(Binary(v, self, other, 1.0 / other.v, -v / other.v))
        return link(Unary(self.v / other, self, 1.0 / other))

    def __rsub__(self, other):
        return link(Unary(other - self.v, self, -1.0))

    def __rtruediv__(self, other):
        v = other / self.v
        return link(Unary(v, self, -v / self.v))

    def __pow__(self, n):
        return link(Unary(self.v**n, self, n * self.v ** (n - 1)))

    def __neg__(self):
        return link(Unary(-self.v, self, -1.0))

    __radd__, __rmul__ = __add__, __mul__


class Unary(Number):
    """A result of one operand `x`, with the partial derivative `dx`."""

    def __init__(self, v, x, dx):
        self.v, self.x, self.dx, self.s = v, x, dx, 0.0


class Binary(Number):
    """A result of two operands."""

    def __init__(self, v, x, y, dx, dy):
        self.v, self.x, self.y, self.dx, self.dy, self.s = v, x, y, dx, dy, 0.0


tape = []


def link(number):
    tape.append(number)
    return number


class Linked(Toy):
    """Every number is an object that knows its operands; the tape is the list of them in the order of their making."""

    def forward(self, f, x):
        tape.clear()
        inputs = [link(Number(v)) for v in x]
        return inputs, f(inputs)

    def reverse(self, inputs, out):
        out.s = 1.0
        for number in reversed(tape):
            if isinstance(number, Binary):
                number.x.s += number.s * number.dx
                number.y.s += number.s * number.dy
            elif isinstance(number, Unary):
                number.x.s += number.s * number.dx
        return [number.s for number in inputs]

    def unary(self, v, x, dx):
        return link(Unary(v, x, dx))


# -- parallel lists ---------------------------------------------------------------------------------------------------------


class Handle:
    """A value and its position on the tape: all the work is in the four lists."""

    __slots__ = ("tape", "i", "v")

    def __init__(self, tape, i, v):
        self.tape, self.i, self.v = tape, i, v

    def __add__(self, other):
        if isinstance(other, Handle):
            return self.tape.push(self.v + other.v, self.i, 1.0, other.i, 1.0)
        return self.tape.push(self.v + other, self.i, 1.0)

    def __sub__(self, other):
        if isinstance(other, Handle):
            return self.tape.push(self.v - other.v, self.i, 1.0, other.i, -1.0)
        return self.tape.push(self.v - other, self.i, 1.0)

    def __mul__(self, other):
        if isinstance(other, Handle):
            return self.tape.push(self.v * other.v, self.i, other.v, other.i, self.v)
        return self.tape.push(self.v * other, self.i, other)

    def __truediv__(self, other):
        if isinstance(other, Handle):
            v = self.v / other.v
            return self.tape.push(v, self.i, 1.0 / other.v, other.i, -v / other.v)
        return self.tape.push(self.v / other, self.i, 1.0 / other)

    def __rsub__(self, other):
        return self.tape.push(other - self.v, self.i, -1.0)

    def __rtruediv__(self, other):
        v = other / self.v
        return self.tape.push(v, self.i, -v / self.v)

    def __pow__(self, n):
        return self.tape.push(self.v**n, self.i, n * self.v ** (n - 1))

    def __neg__(self):
        return self.tape.push(-self.v, self.i, -1.0)

    __radd__, __rmul__ = __add__, __mul__


class Lists(Toy):
    """Operand positions and partials in parallel lists. A missing operand is position 0 with the partial 0."""

    def forward(self, f, x):
        self.a, self.b, self.da, self.db = [], [], [], []
        inputs = [self.push(v, 0, 0.0) for v in x]
        return inputs, f(inputs)

    def push(self, v, a, da, b=0, db=0.0):
        self.a.append(a)
        self.b.append(b)
        self.da.append(da)
        self.db.append(db)
        return Handle(self, len(self.a) - 1, v)

    def reverse(self, inputs, out):
        adjoints = [0.0] * len(self.a)
        adjoints[out.i] = 1.0
        rows = zip(reversed(self.a), reversed(self.b), reversed(self.da), reversed(self.db), strict=True)
        for i, (a, b, da, db) in zip(range(len(adjoints) - 1, -1, -1), rows, strict=True):
            s = adjoints[i]
            adjoints[a] += s * da
            adjoints[b] += s * db
        return [adjoints[i] for i in map(attrgetter("i"), inputs)]

    def unary(self, v, x, dx):
        return self.push(v, x.i, dx)


TOYS = {"linked objects": Linked(), "parallel lists": Lists()}
