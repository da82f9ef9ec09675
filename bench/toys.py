"""Two tapes in plain Python to compare with: linked objects (the toy of the examples) and one of parallel lists."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import toy_tape as linked  # noqa: E402, F401


class Lists:
    """An index tape: operand numbers and partials in parallel lists, no object per operation but the handle."""

    def __init__(self):
        self.a, self.b, self.da, self.db = [], [], [], []

    def push(self, value, a, da, b=0, db=0.0):
        self.a.append(a)
        self.b.append(b)
        self.da.append(da)
        self.db.append(db)
        return Handle(self, len(self.a) - 1, value)

    def value_and_grad(self, f):
        def call(xs):
            self.__init__()
            variables = [self.push(x, 0, 0.0) for x in xs]
            out = f(variables)
            adjoints = [0.0] * len(self.a)
            adjoints[out.i] = 1.0
            for i in range(len(adjoints) - 1, -1, -1):
                s = adjoints[i]
                adjoints[self.a[i]] += s * self.da[i]
                adjoints[self.b[i]] += s * self.db[i]
            return out.v, adjoints[: len(xs)]

        return call

    def sin(self, x):
        return self.push(math.sin(x.v), x.i, math.cos(x.v))

    def exp(self, x):
        v = math.exp(x.v)
        return self.push(v, x.i, v)

    def log(self, x):
        return self.push(math.log(x.v), x.i, 1.0 / x.v)


class Handle:
    __slots__ = ("tape", "i", "v")

    def __init__(self, tape, i, v):
        self.tape, self.i, self.v = tape, i, v

    def __add__(self, other):
        if isinstance(other, Handle):
            return self.tape.push(self.v + other.v, self.i, 1.0, other.i, 1.0)
        return self.tape.push(self.v + other, self.i, 1.0)

    def __mul__(self, other):
        if isinstance(other, Handle):
            return self.tape.push(self.v * other.v, self.i, other.v, other.i, self.v)
        return self.tape.push(self.v * other, self.i, other)

    def __truediv__(self, other):
        if isinstance(other, Handle):
            v = self.v / other.v
            return self.tape.push(v, self.i, 1.0 / other.v, other.i, -v / other.v)
        return self.tape.push(self.v / other, self.i, 1.0 / other)

    def __rtruediv__(self, other):
        v = other / self.v
        return self.tape.push(v, self.i, -v / self.v)

    __radd__, __rmul__ = __add__, __mul__
