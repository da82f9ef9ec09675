"""`Program`: what is executed. One recorded path, replayed by the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from . import explain, kernels
from .errors import BranchChanged
from .kernels import DONE, FORWARD, GRADIENT, UNGUARDED
from .memory import require
from .ops import OPS
from .schedule import Plan, schedule
from .structure import Signature, filler, unflatten
from .tape import Tape

# A buffer larger than this is not kept for the next call.
_KEEP_BYTES = 1 << 28
_FLOAT = np.dtype(np.float64)
# Operations that every correct implementation rounds alike, and the relative difference that the others may make.
_EXACT = np.array([op.plain for op in OPS])
_ROUNDING = 8 * 2.0**-52
_AGAIN = "record again for another structure"


class Work:
    """The buffer of one sweep at a time: ``numbers`` has values, adjoints and partials, the rest is made for it.

    Attributes
    ----------
    numbers : all of it
    inputs : where the point is
    gradient : where a reverse sweep leaves the gradient, until the next one
    fill : writes leaves to ``inputs``
    """

    __slots__ = ("numbers", "inputs", "gradient", "fill")

    def __init__(self, plan: Plan, shapes: list[tuple[int, ...] | None], inputs: int, active: int) -> None:
        self.numbers = np.zeros(plan.size)
        slots = len(plan.template)
        self.numbers[:slots] = plan.template
        self.inputs, self.gradient = self.numbers[1 : 1 + inputs], self.numbers[slots + 1 : slots + 1 + active]
        self.fill = filler(shapes, self.inputs)


class Interface(NamedTuple):
    """What a program takes and returns: the split of its arguments, their key, and the spec of its result.

    ``result`` is nested like a spec, with "f" for a float and ("array", shape) for an array at its leaves.
    """

    signature: Signature
    key: Any
    active: int
    result: Any
    has_aux: bool
    names: tuple[str, ...]
    label: str


class GuardReport(NamedTuple):
    """A guard of a program at the point of its recording, or of a failed replay.

    Attributes
    ----------
    comparison : the comparison as text, such as ``x < 1.0``
    outcome : the recorded truth
    margin : ``|a - b|``, how far the comparison is from changing
    line : the user's (file, line)
    """

    comparison: str
    outcome: bool
    margin: float
    line: tuple[str, int] | None


class Program:
    """One recorded path of a function: its value and gradient at native speed, for arguments of the recorded structure.

    Made by `jittape.record`. A program may be shared between threads, pickled, and called with other numbers in the same
    structure; a call that would take another branch than the recorded one raises `BranchChanged`.

    Attributes
    ----------
    tape : the recorded `Tape`
    """

    __slots__ = (
        "tape",
        "interface",
        "plan",
        "_code",
        "_rows",
        "_output",
        "_outputs_at",
        "_pool",
        "_pooled",
        "_plain",
        "_shapes",
        "_rebuild",
        "_scalar",
        "_gradient_shape",
        "__weakref__",
    )

    def __init__(self, tape: Tape, interface: Interface) -> None:
        self.tape, self.interface = tape, interface
        self.plan = schedule(tape)
        self._code, self._output = self.plan.code, int(self.plan.code[kernels.OUTPUT])
        # the number of rows, where all of a sweep is one piece
        self._rows = self.plan.pieces[0][1] if set(map(len, self.plan.pieces)) == {2} else None
        self._outputs_at = self.plan.where[tape.outputs]
        self._pool: list[Work] = []
        self._pooled = self.plan.size * 8 <= _KEEP_BYTES
        key, signature = interface.key, interface.signature
        self._shapes = [shape for _, shape in signature.paths(key, [])]
        self._rebuild = signature.rebuild(key)
        # the shape of the only argument where that is one array: the call that needs no flattening
        self._scalar, self._gradient_shape = self._is_scalar(), (interface.active,)
        self._plain = (
            key[0][0][1] if isinstance(key, tuple) and len(key[0]) == 1 and not key[1] and key[0][0][0] == "array" else None
        )

    def __reduce__(self) -> Any:
        return Program, (self.tape, self.interface)

    def __repr__(self) -> str:
        return f"<Program of {self.interface.label}: {len(self.tape)} instructions, {self.tape.n_inputs} inputs>"

    # -- calls --------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The recorded function's result, in the structure the function returned.

        Raises
        ------
        BranchChanged
            where the function would take another branch than the recorded one.
        TypeError
            where the arguments differ in structure, shape or static value from the recorded ones.
        """
        work = self._checked(self._leaves(args, kwargs), FORWARD)
        out = work.numbers.item(self._output) if self.interface.result == "f" else self.result(work)
        self.release(work)
        return out

    def value_and_grad(self, *args: Any, out: np.ndarray | None = None, **kwargs: Any) -> tuple[float, Any]:
        """The value and the gradient in the differentiated arguments.

        ``out`` is a float64 array that takes the gradient, flat; it is returned in place of a fresh structure. With one
        array argument this is the call with the lowest overhead.

        Raises
        ------
        BranchChanged
            where the function would take another branch than the recorded one.
        TypeError
            where the function does not return a scalar, or the arguments do not fit.
        """
        if not self._scalar:
            self.check_scalar()
        leaves = self._leaves(args, kwargs)
        if out is not None and not (type(out) is np.ndarray and out.dtype is _FLOAT and out.shape == self._gradient_shape):
            self._check_out(out)
        status, work = self.sweep(leaves, GRADIENT)
        if status != DONE:
            work = self._despite(work, leaves, GRADIENT)
        value = work.numbers.item(self._output)
        if out is None:
            gradient = self._rebuild(work.gradient)
            self.release(work)
            return value, gradient
        try:
            out[...] = work.gradient if out.ndim == 1 else work.gradient.reshape(out.shape)
        except ValueError:
            raise TypeError("out is read-only; pass an array that the gradient can be written to") from None
        finally:
            self.release(work)
        return value, out

    def grad(self, *args: Any, out: np.ndarray | None = None, **kwargs: Any) -> Any:
        """The gradient in the differentiated arguments; see `value_and_grad`."""
        return self.value_and_grad(*args, out=out, **kwargs)[1]

    def _check_out(self, out: Any) -> None:
        """Raise where ``out`` cannot take the gradient."""
        if not isinstance(out, np.ndarray) or out.size != self.interface.active or out.dtype != _FLOAT:
            raise TypeError(
                f"out must be a float64 array of {self.interface.active} elements, for the gradient; got {_describe(out)}"
            )

    def _leaves(self, args: tuple, kwargs: dict) -> Any:
        """The arguments as leaves, of the recorded structure."""
        if len(args) == 1 and not kwargs:
            x = args[0]
            if type(x) is np.ndarray and x.dtype is _FLOAT and x.shape == self._plain:
                return args
        key, leaves, _ = self.interface.signature.split(args, kwargs)
        if key != self.interface.key:
            raise TypeError(self._mismatch(key))
        return leaves

    def _mismatch(self, key: Any) -> str:
        recorded, given = (self.interface.signature.specs(k) for k in (self.interface.key, key))
        for i, (old, new) in enumerate(zip(recorded[0], given[0], strict=False)):
            if old != new:
                name = self.interface.names[i] if i < len(self.interface.names) else str(i)
                return f"argument {name!r} was recorded as {_spell(old)}, called with {_spell(new)}; {_AGAIN}"
        return (
            f"recorded with {len(recorded[0])} positional arguments and keywords {[name for name, _ in recorded[1]]}, "
            f"called with {len(given[0])} and {[name for name, _ in given[1]]}, or with other static values; {_AGAIN}"
        )

    def _is_scalar(self) -> bool:
        result = self.interface.result
        if self.interface.has_aux:
            if result[0] != "seq" or len(result[2]) != 2:
                return False
            result = result[2][0]
        return result in ("f", ("array", ()))

    def check_scalar(self) -> None:
        """Raise unless the function returned one number, or with ``has_aux`` a pair that starts with one."""
        if self._scalar:
            return
        returned, label = _spell(self.interface.result), self.interface.label
        if self.interface.has_aux:
            raise TypeError(f"with has_aux=True {label} must return a pair (number, anything); it returned {returned}")
        raise TypeError(
            f"a gradient needs a function that returns one number; {label} returned {returned}. "
            "Return a sum, or with has_aux=True a pair (number, anything)"
        )

    def value(self, work: Work) -> Any:
        """The value after a forward sweep; with ``has_aux`` the pair (value, aux)."""
        return self.result(work) if self.interface.has_aux else work.numbers.item(self._output)

    # -- the sweep ----------------------------------------------------------------------------------------------------

    def sweep(self, leaves: Any, mode: int) -> tuple[int, Work]:
        """Run the kernels at a point: `DONE` or the first guard that disagrees, and the work buffer to `release`."""
        try:
            work = self._pool.pop()
        except IndexError:
            work = self._buffer()
        work.fill(leaves)
        if self._rows is None:
            return kernels.sweep(self._code, work.numbers, self.plan.pieces, mode), work
        return kernels.execute(self._code, work.numbers, 0, self._rows, mode), work

    def _checked(self, leaves: Any, mode: int) -> Work:
        """The work buffer after a sweep on the recorded path."""
        status, work = self.sweep(leaves, mode)
        return work if status == DONE else self._despite(work, leaves, mode)

    def _despite(self, work: Work, leaves: Any, mode: int) -> Work:
        """The work buffer after a sweep in spite of a guard that disagrees, where only rounding turned it; else raise."""
        index = self._disagreement(work.numbers)
        if index == DONE:
            self.release(work)
            return self.sweep(leaves, mode | UNGUARDED)[1]
        message = self._changed(work.numbers, index)
        self.release(work)
        raise BranchChanged(message)

    def _disagreement(self, val: np.ndarray) -> int:
        """The first guard that disagrees by more than rounding.

        Recording computes with Python's math functions and replays with the kernels', whose last bits differ; where only they
        turn a comparison, the recorded branch is as good as the other. Arithmetic alone has no such doubt.
        """
        doubtful = not _EXACT[self.tape.op].all()
        for index, guard in enumerate(self.tape.guards):
            if (val[self.plan.where[guard.slot]] != 0.0) != guard.outcome:
                i = guard.slot - self.tape.first
                x, y = (float(val[self.plan.where[operand[i]]]) for operand in (self.tape.a, self.tape.b))
                if not (doubtful and abs(x - y) <= _ROUNDING * max(abs(x), abs(y))):
                    return index
        return DONE

    def _buffer(self) -> Work:
        require(8 * self.plan.size, f"a call of {self!r}, for values, adjoints and partials,")
        return Work(self.plan, self._shapes, self.tape.n_inputs, self.interface.active)

    def release(self, work: Work) -> None:
        """Give a work buffer back, for the next call."""
        if self._pooled:
            self._pool.append(work)

    def gradient(self, work: Work) -> Any:
        """The gradient after a reverse sweep, in the structure of the differentiated arguments."""
        return self._rebuild(work.gradient)

    def result(self, work: Work) -> Any:
        """The function's result after a forward sweep, in the structure that the function returned."""
        return unflatten(self.interface.result, self._outputs(work.numbers))

    def _outputs(self, val: np.ndarray) -> Iterator[Any]:
        values = val[self._outputs_at]
        start = 0
        for shape in _result_shapes(self.interface.result):
            if shape is None:
                yield values.item(start)
                start += 1
            else:
                size = int(np.prod(shape, dtype=int))
                yield values[start : start + size].reshape(shape)
                start += size

    # -- text ---------------------------------------------------------------------------------------------------------

    def show(self, *, head: int | None = 40) -> str:
        """The blocks that the tape became, one per line, with the memory they take; `program.tape.show()` lists the tape."""
        return explain.blocks(self.tape, self.plan, head=head)

    def _repr_svg_(self) -> str | None:
        return self.tape._repr_svg_()

    def _repr_html_(self) -> str | None:
        return self.tape._repr_html_()

    # -- guards -------------------------------------------------------------------------------------------------------

    @property
    def guards(self) -> list[GuardReport]:
        """The comparisons whose truth was asked while recording, in order, with their margins at the recorded point."""
        return [self._report(i, self.tape.val) for i in range(len(self.tape.guards))]

    def _report(self, index: int, val: np.ndarray) -> GuardReport:
        guard = self.tape.guards[index]
        i = guard.slot - self.tape.first
        if i < 0 or OPS[self.tape.op[i]].arity != 2:
            margin = abs(val[guard.slot] - 0.0)
        else:
            margin = abs(val[self.tape.a[i]] - val[self.tape.b[i]])
        return GuardReport(self._comparison(guard.slot, val), guard.outcome, float(margin), guard.line)

    def _comparison(self, slot: int, val: np.ndarray) -> str:
        i = slot - self.tape.first
        if i < 0:
            return self._operand(slot, val)
        op = OPS[self.tape.op[i]]
        x, y = self._operand(int(self.tape.a[i]), val), self._operand(int(self.tape.b[i]), val)
        return f"{x} {op.symbol} {y}" if op.symbol else f"{op.name}({x})" if op.arity == 1 else f"{op.name}({x}, {y})"

    def _operand(self, slot: int, val: np.ndarray) -> str:
        name, x = self.tape.names.get(slot), float(val[slot])
        if name is not None:
            return f"{name} (= {x!r})"
        return f"{x!r}"

    def _changed(self, val: np.ndarray, index: int) -> str:
        report = self._report(index, np.where(self.plan.where > 0, val[self.plan.where], self.tape.val))
        where = f", {report.line[0]}:{report.line[1]}" if report.line else ""
        return (
            f"{self.interface.label} would take another branch than the recorded one: `{report.comparison}` was "
            f"{report.outcome} when recorded and is {not report.outcome} now (guard {index}{where}). Record again at this "
            "point, or use jt.grad or jt.value_and_grad, which keep a program for every path"
        )


def _result_shapes(spec: Any) -> Iterator[tuple[int, ...] | None]:
    if spec == "f":
        yield None
    elif spec[0] == "array":
        yield spec[1]
    elif spec[0] != "static":
        for item in spec[-1]:
            yield from _result_shapes(item)


def _describe(x: Any) -> str:
    return f"{x.dtype} array of shape {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__


def _spell(spec: Any) -> str:
    if spec == "f":
        return "a float"
    tag = spec[0]
    if tag == "array":
        return f"a float array of shape {spec[1]}"
    if tag == "floats":
        return f"a {spec[1].__name__} of {spec[2]} floats"
    if tag == "static":
        return f"the static {spec[1].__name__} {spec[2]!r}"
    return f"a {spec[1].__name__} of {len(spec[-1])} items"
