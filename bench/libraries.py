"""The libraries that `peers.py` compares, each spelled as its users do, for functions of one list of numbers.

A library has `record(w)`, which only evaluates the workload on the library's numbers, with whatever the library notes meanwhile,
and `build(w)`, which returns named `Call`s. Every library keeps the point in its own kind of array, so that no call pays
for a conversion. Constructing a library imports it.
"""

import math
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np


class Call(NamedTuple):
    """What is timed, which is the library's own call where it is one, and what makes (value, gradient) of its result."""

    run: Callable[[], Any]
    read: Callable[[Any], tuple[Any, Any]] = lambda result: result


def on_list(f, n):
    return lambda x: f([x[i] for i in range(n)])


class Jittape:
    def __init__(self):
        import jittape

        self.m = jittape

    def record(self, w):
        f = w.build(self.m)
        return self.m.record(lambda x: f(list(x)), np.array(w.x))

    def build(self, w):
        program, x, out = self.record(w), np.array(w.x), np.empty(len(w.x))
        f = w.build(self.m)
        step = self.m.value_and_grad(lambda x: f(list(x)))
        bound = program.bind(x, out=out)
        return {
            "": Call(bound, lambda value: (value, out)),
            "Program, out=": Call(lambda: program.value_and_grad(x, out=out)),
            "value_and_grad": Call(partial(step, x)),
        }


class Casadi:
    """SX. The buffered call reads and writes NumPy's memory, the plain one takes and makes DM matrices."""

    simplify = False

    def __init__(self):
        import casadi

        self.m = casadi

    def record(self, w):
        x = self.m.SX.sym("x", len(w.x))
        return x, w.build(self.m)(self.m.vertsplit(x))

    def build(self, w):
        ca = self.m
        x, y = self.record(w)
        results = [y, ca.gradient(y, x)]
        function = ca.Function("f", [x], ca.cse(results) if self.simplify else results)
        point, value, gradient = np.array(w.x), np.empty(1), np.empty(len(w.x))
        buffer, evaluate = function.buffer()
        buffer.set_arg(0, memoryview(point))
        buffer.set_res(0, memoryview(value))
        buffer.set_res(1, memoryview(gradient))

        def read(_, keep=(function, buffer)):
            # `evaluate` has only the address of the buffer, so somebody must keep it.
            return value, gradient

        return {"buffered": Call(evaluate, read), "plain": Call(partial(function, point))}


class CasadiSimplified(Casadi):
    """The same after CasADi's own search for common subexpressions."""

    simplify = True


class Xad:
    """Records on every call."""

    def __init__(self):
        import xad.adj_1st
        import xad.math

        self.xad, self.m = xad.adj_1st, xad.math

    def record(self, w):
        with self.xad.Tape() as tape:
            return self._forward(w.build(self.m), w.x, tape)[1]

    def _forward(self, f, point, tape):
        x = [self.xad.Real(v) for v in point]
        for v in x:
            tape.registerInput(v)
        tape.newRecording()
        return x, f(x)

    def build(self, w):
        f = w.build(self.m)

        def call():
            with self.xad.Tape() as tape:
                x, y = self._forward(f, w.x, tape)
                tape.registerOutput(y)
                y.derivative = 1.0
                tape.computeAdjoints()
                return y.value, [v.derivative for v in x]

        return {"": Call(call)}


class ByHand:
    """A gradient written by hand; there is no such thing for every workload."""

    def __init__(self):
        from handwritten import BY_HAND

        self.made = BY_HAND

    record = None

    def build(self, w):
        if w.name not in self.made:
            raise NotImplementedError("nobody has written it")
        f, x, out = self.made[w.name](), np.array(w.x), np.empty(len(w.x))
        return {"": Call(partial(f, x, out), lambda value: (value, out))}


class Jax:
    """`jit(value_and_grad(f))` in double precision, which unrolls the function into one XLA program."""

    def __init__(self):
        import jax
        from jax.scipy.special import erf

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.m = SimpleNamespace(**{name: getattr(jax.numpy, name) for name in NAMES}, erf=erf)

    def record(self, w):
        return self.jax.make_jaxpr(on_list(w.build(self.m), len(w.x)))(self.jax.numpy.array(w.x))

    def build(self, w):
        call = self.jax.jit(self.jax.value_and_grad(on_list(w.build(self.m), len(w.x))))
        x = self.jax.numpy.array(w.x)
        return {"": Call(lambda: self.jax.block_until_ready(call(x)))}


class Torch:
    """Eager, one thread, one 0-d float64 tensor per number."""

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        self.m = torch

    def record(self, w):
        return self._forward(w.build(self.m), self._leaf(w))

    def _leaf(self, w):
        return self.m.tensor(w.x, dtype=self.m.float64, requires_grad=True)

    def _forward(self, f, x):
        return f(x.unbind())

    def build(self, w):
        f, x = w.build(self.m), self._leaf(w)

        def call():
            y = self._forward(f, x)
            return y.detach(), self.m.autograd.grad(y, x)[0]

        return {"": Call(call)}


class Autograd:
    def __init__(self):
        import autograd
        import autograd.numpy
        from autograd.core import make_vjp
        from autograd.scipy.special import erf

        self.autograd, self.make_vjp = autograd, make_vjp
        self.m = SimpleNamespace(**{name: getattr(autograd.numpy, name) for name in NAMES}, erf=erf)

    def record(self, w):
        return self.make_vjp(on_list(w.build(self.m), len(w.x)), np.array(w.x))

    def build(self, w):
        call, x = self.autograd.value_and_grad(on_list(w.build(self.m), len(w.x))), np.array(w.x)
        return {"": Call(partial(call, x))}


class Micrograd:
    """With the functions it lacks added in its own style. Its backward pass recurses as deep as the graph."""

    def __init__(self):
        from micrograd.engine import Value

        sys.setrecursionlimit(10**9)
        self.value = Value

        def unary(f, slope):
            def apply(x):
                out = Value(f(x.data), (x,), f.__name__)

                def backward():
                    x.grad += slope(x.data, out.data) * out.grad

                out._backward = backward
                return out

            return apply

        self.m = SimpleNamespace(
            exp=unary(math.exp, lambda x, v: v),
            log=unary(math.log, lambda x, v: 1.0 / x),
            sin=unary(math.sin, lambda x, v: math.cos(x)),
            cos=unary(math.cos, lambda x, v: -math.sin(x)),
            tanh=unary(math.tanh, lambda x, v: 1.0 - v * v),
            sqrt=unary(math.sqrt, lambda x, v: 0.5 / v),
            erf=unary(math.erf, lambda x, v: 2.0 / math.sqrt(math.pi) * math.exp(-x * x)),
        )

    def record(self, w):
        return w.build(self.m)([self.value(v) for v in w.x])

    def build(self, w):
        f = w.build(self.m)

        def call():
            x = [self.value(v) for v in w.x]
            y = f(x)
            y.backward()
            return y.data, [v.grad for v in x]

        return {"": Call(call)}


NAMES = ("exp", "log", "sin", "cos", "tanh", "sqrt")
LIBRARIES = {
    "jittape": Jittape,
    "by hand (Numba)": ByHand,
    "CasADi": Casadi,
    "CasADi cse": CasadiSimplified,
    "XAD": Xad,
    "JAX": Jax,
    "PyTorch": Torch,
    "autograd": Autograd,
    "micrograd": Micrograd,
}
