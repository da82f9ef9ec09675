"""`Program`: what is executed. One recorded path, replayed by the kernels."""

from __future__ import annotations

import math
import reprlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from . import calls, cpython, explain, machine
from .calls import BOTH, INTO, RESULT, RETURNS, WITH_AUX
from .errors import BranchChanged
from .kernels import DONE, FORWARD, GRADIENT, UNGUARDED
from .memory import require
from .ops import OPS
from .schedule import Plan, schedule
from .structure import Signature, difference, without_integers
from .tape import Tape
from .transfer import filler, giver, reader, taker

# A buffer larger than this is not kept for the next call.
_KEEP_BYTES = 1 << 28
_FLOAT = np.dtype(np.float64)
# How many calls Python answers before something is made that answers them, which takes as long as some fifty do.
_OFTEN = 32
_AGAIN = "record again for another structure"


class Work:
    """The buffer of one sweep at a time: ``numbers`` has values, adjoints and partials, the rest is made for it.

    Attributes
    ----------
    numbers : all of it; the first is `DONE` after a sweep, or the index of the first guard that disagreed
    inputs : where the point is
    gradient : where a reverse sweep leaves the gradient, until the next one
    fill : a function of the leaves that writes them to ``inputs``
    take : a function that returns ``gradient`` in the structure of the differentiated arguments, copied
    give : a function that returns the result in its structure, after a sweep; None before it is first asked for
    evaluate, differentiate : run the forward sweep, or both, and return the output's value, NaN where a guard disagreed
    """

    __slots__ = ("numbers", "inputs", "gradient", "fill", "take", "give", "evaluate", "differentiate", "_plan")
    evaluate: Callable[[], float]
    differentiate: Callable[[], float]

    def __init__(self, plan: Plan, shapes: list[tuple[int, ...] | None], inputs: int, interface: Interface) -> None:
        self.numbers = plan.buffer()
        slots = len(plan.template)
        self.inputs, self.gradient = self.numbers[1 : 1 + inputs], self.numbers[slots + 1 : slots + 1 + interface.active]
        self.fill, self.take = filler(shapes, self.inputs), taker(interface.signature, interface.key, self.gradient)
        self.give: Callable[[], Any] | None = None
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        """What runs a sweep, bound when it is first asked for."""
        modes = {"evaluate": FORWARD, "differentiate": GRADIENT}
        if name not in modes:
            raise AttributeError(name)
        run = self._plan.bind(self.numbers, modes[name])
        setattr(self, name, run)
        return run


class Interface(NamedTuple):
    """What a program takes and returns: the split of its arguments, their key, and the spec of its result.

    ``result`` is a spec, too: see `structure`.
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
        "_outputs_at",
        "_pool",
        "_read",
        "_shapes",
        "_scalar",
        "_gradient_shape",
        "_quick",
        "_asked",
        "__weakref__",
    )

    def __init__(self, tape: Tape, interface: Interface) -> None:
        self.tape, self.interface = tape, interface
        self.plan = machine.late(schedule(tape))
        self._outputs_at = self.plan.where[tape.outputs]
        # work buffers between calls; where they are large it keeps none
        self._pool: deque[Work] = deque(maxlen=None if self.plan.size * 8 <= _KEEP_BYTES else 0)
        key, signature = interface.key, interface.signature
        self._shapes = signature.shapes(key)
        self._read: Any = None
        self._scalar, self._gradient_shape = self._is_scalar(), (interface.active,)
        # by what calls return: what answers them in Python's place, None where nothing does yet, False where nothing can; and how many
        # Python has answered until then
        self._quick: list[Any] = [None if cpython.supported() else False] * len(RETURNS)
        self._asked = [0] * len(RETURNS)

    def __reduce__(self) -> Any:
        return Program, (self.tape, self.interface)

    def __repr__(self) -> str:
        return f"<Program of {self.interface.label}: {len(self.tape)} instructions, {self.tape.n_inputs} inputs>"

    @property
    def nbytes(self) -> int:
        """The bytes of memory that the tape, the plan and the buffer of one call take."""
        tape, plan = self.tape, self.plan
        return sum(x.nbytes for x in (tape, plan.code, plan.template, plan.where)) + 8 * plan.size

    # -- calls --------------------------------------------------------------------------------------------------------

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """The recorded function's result, in the structure the function returned.

        Raises
        ------
        BranchChanged
            where the function would take another branch than the recorded one.
        TypeError
            where the arguments differ in structure, shape or static value from the recorded ones.
        """
        quick = self._quick[RESULT]
        if quick:
            answer = quick(*args, **kwargs)
            if answer is not None and type(answer) is not int:
                return answer
        leaves = self._given(args, kwargs)
        work = self._work()
        work.fill(*leaves)
        value = work.evaluate()
        if value != value:
            value = self._checked(value, work, FORWARD)
        out = value if self.interface.result == "f" else self.result(work)
        self._pool.append(work)
        if quick is None:
            self.quick(RESULT, kwargs)
        return out

    def value_and_grad(self, /, *args: Any, out: np.ndarray | None = None, **kwargs: Any) -> tuple[float, Any]:
        """The value and the gradient in the differentiated arguments.

        ``out`` is a float64 array that takes the gradient, flat; it is returned in place of a fresh structure. `bind` has
        still less overhead.

        Raises
        ------
        BranchChanged
            where the function would take another branch than the recorded one.
        TypeError
            where the function does not return a scalar, or the arguments do not fit.
        """
        returns = BOTH if out is None else INTO
        quick = self._quick[returns]
        if quick:
            answer = quick(*args, **kwargs) if out is None else quick(*args, out, **kwargs)
            if type(answer) is tuple:
                return answer
        if not self._scalar:
            self.check_scalar()
        flat = type(out) is np.ndarray and out.dtype is _FLOAT and out.shape == self._gradient_shape
        if out is not None and not flat:
            self._check_out(out)
        leaves = self._given(args, kwargs)
        work = self._work()
        work.fill(*leaves)
        value = work.differentiate()
        if value != value:
            value = self._checked(value, work, GRADIENT)
        if out is None:
            out = work.take()
        else:
            try:
                out[...] = work.gradient if flat else work.gradient.reshape(out.shape)
            except ValueError:
                self._check_out(out)
                raise
        self._pool.append(work)
        if quick is None:
            self.quick(returns, kwargs)
        return value, out

    def quick(self, returns: int, names: Iterable[str]) -> Callable[..., Any] | None:
        """What answers calls that return the same, with keywords of these names, in Python's place (see `calls.make`); None for now.

        Call it when Python has answered one: it is made once that happened often.
        """
        found = self._quick[returns]
        if found is None:
            self._asked[returns] += 1
            if self._asked[returns] % _OFTEN == 0:
                calls.late.worked(_OFTEN)
                if calls.compiled():
                    found = self._made_once(returns, tuple(names))
        return found or None

    def _made_once(self, returns: int, names: tuple[str, ...]) -> Any:
        # of two threads at once one makes it, and the other goes on without
        if calls.late.lock.acquire(blocking=False):
            try:
                if self._quick[returns] is None:
                    self._quick[returns] = (self._quick_anew(returns, names) if self.plan.brief else None) or False
            finally:
                calls.late.lock.release()
        return self._quick[returns]

    def _quick_anew(self, returns: int, names: tuple[str, ...]) -> Callable[..., Any] | None:
        work, interface = self._work(), self.interface
        frame = self.plan.frame(work.numbers, FORWARD if returns == RESULT else GRADIENT)
        structured = interface.result != "f" and returns in (RESULT, WITH_AUX)
        give = giver(interface.result, work.numbers, self._outputs_at) if structured else None
        return calls.make(
            interface.signature, interface.key, names, returns, self.plan, frame, work.numbers, work.gradient, work.take, give
        )

    def made(self, returns: int) -> Callable[..., Any] | None:
        """What `quick` has made; None where it has not."""
        return self._quick[returns] or None

    @property
    def answered(self) -> int:
        """How many calls were answered in Python's place."""
        return sum([calls.answered(quick) for quick in self._quick if quick])

    def bind(self, /, *args: Any, out: np.ndarray, **kwargs: Any) -> Callable[[], float]:
        """A function without arguments that returns the value and leaves the gradient in ``out``: the call with the lowest overhead.

        It is tied to these very arrays: each call reads them anew, in place, and writes ``out``. Numbers stay what they are
        now. Where a call raises, ``out`` is as it was. Threads that run at once need functions of their own.

        Parameters
        ----------
        args, kwargs : arguments of the recorded structure; every array of floats among them is of float64 and C-contiguous; those of
            integers and truth values are copied on each call
        out : a C-contiguous float64 array for the gradient, flat

        Raises
        ------
        BranchChanged
            from the call, where the function would take another branch than the recorded one.
        TypeError
            where the function does not return a scalar, or the arguments or ``out`` do not fit.

        Examples
        --------
        >>> import numpy as np, jittape as jt
        >>> x, gradient = np.array([1.0, 2.0]), np.empty(2)
        >>> step = jt.record(lambda x: x @ x, x).bind(x, out=gradient)
        >>> for _ in range(50):
        ...     value = step()
        ...     x -= 0.25 * gradient
        >>> bool(value < 1e-20)
        True
        """
        self.check_scalar()
        self._check_out(out)
        leaves = self._leaves(args, kwargs)
        # each call makes floats of these in Python
        labels = [(k, x) for k, x in enumerate(leaves) if isinstance(x, np.ndarray) and x.dtype.kind in "iub"]
        for k, x in labels:
            leaves[k] = x.astype(np.float64, order="C")
        for array in (out, *leaves):
            if isinstance(array, np.ndarray) and not (
                array.dtype == _FLOAT and array.flags.c_contiguous and array.flags.aligned
            ):
                lacks = "" if array.dtype != _FLOAT else ", not contiguous" if not array.flags.c_contiguous else ", not aligned"
                raise TypeError(
                    "bind reads and writes arrays in place, so they must be C-contiguous arrays of float64, not "
                    f"{_describe(array)}{lacks}; np.ascontiguousarray(x, float) makes one"
                )
        work = self._work()
        work.fill(*leaves)
        starts = np.cumsum([1, *(1 if shape is None else math.prod(shape) for shape in self._shapes)]).tolist()
        reads = [(leaf, at) for leaf, at in zip(leaves, starts, strict=False) if isinstance(leaf, np.ndarray)]
        run = self.plan.bind(work.numbers, GRADIENT, reads, [(out, len(self.plan.template) + 1)])
        if not self.tape.guards and not labels:
            return run
        copies = [(leaves[k], x) for k, x in labels]

        def run_checked() -> float:
            for copy, x in copies:
                copy[...] = x
            value = run()
            if value != value:
                value = self._checked(value, work, GRADIENT)
                out[...] = work.gradient.reshape(out.shape)
            return value

        return run_checked

    def grad(self, /, *args: Any, out: np.ndarray | None = None, **kwargs: Any) -> Any:
        """The gradient in the differentiated arguments; see `value_and_grad`."""
        return self.value_and_grad(*args, out=out, **kwargs)[1]

    def _check_out(self, out: Any) -> None:
        """Raise where ``out`` cannot take the gradient."""
        if isinstance(out, np.ndarray) and not out.flags.writeable:
            raise TypeError("out is read-only; pass an array that the gradient can be written to")
        if not isinstance(out, np.ndarray) or out.size != self.interface.active or out.dtype != _FLOAT:
            raise TypeError(
                f"out must be a float64 array of {self.interface.active} elements, for the gradient; got {_describe(out)}"
            )

    def _given(self, args: tuple, kwargs: dict) -> list:
        """The same, faster where the arguments are what was recorded to the letter."""
        if self._read is None:  # a program of a path is not called itself
            self._read = reader(self.interface.signature, self.interface.key)
        return self._read(args, kwargs) or self._leaves(args, kwargs)

    def _leaves(self, args: tuple, kwargs: dict) -> list:
        """The arguments as leaves: of the recorded structure, or it raises."""
        key, leaves, _ = self.interface.signature.split(args, kwargs)
        if key != self.interface.key and without_integers(key) != without_integers(self.interface.key):
            raise TypeError(self._mismatch(key))
        return leaves

    def _mismatch(self, key: Any) -> str:
        (old, old_named), (new, new_named) = (self.interface.signature.specs(k) for k in (self.interface.key, key))
        keywords, called = ([name for name, _ in named] for named in (old_named, new_named))
        if len(old) != len(new) or keywords != called:
            return f"recorded with {len(old)} positional arguments and keywords {keywords}, called with {len(new)} and {called}; {_AGAIN}"
        names = [*self.interface.names, *map(str, range(len(self.interface.names), len(old)))][: len(old)] + keywords
        specs = zip(names, old + [spec for _, spec in old_named], new + [spec for _, spec in new_named], strict=True)
        name, recorded, given = next(item for item in specs if item[1] != item[2])
        place, recorded, given = difference(recorded, given, name)
        where = place if place != name else repr(name)
        return f"argument {where} was recorded as {_spell(recorded)}, called with {_spell(given)}; {_AGAIN}"

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

    # -- the sweep ----------------------------------------------------------------------------------------------------

    def sweep(self, leaves: list, mode: int) -> tuple[int, float, Work]:
        """Run the kernels at a point: `DONE` or the first guard that disagrees, the value, and the work buffer to `release`."""
        work = self._work()
        work.fill(*leaves)
        value = work.differentiate() if mode == GRADIENT else self._run(work, mode)
        return DONE if value == value else int(work.numbers[0]), value, work

    def _work(self) -> Work:
        """A work buffer that nobody else uses, until it is released."""
        try:
            return self._pool.pop()
        except IndexError:
            require(8 * self.plan.size, f"a call of {self!r}, for values, adjoints and partials,")
            return Work(self.plan, self._shapes, self.tape.n_inputs, self.interface)

    def _run(self, work: Work, mode: int) -> float:
        return work.evaluate() if mode == FORWARD else self.plan.bind(work.numbers, mode)()

    def _checked(self, value: float, work: Work, mode: int) -> float:
        """The value after a sweep that gave NaN: right where no guard disagreed, or at the recorded point; else raise.

        Recording computes with the functions of `math` and NumPy, replays with the kernels', whose last bits differ. Where they
        turn a guard at the very point that was recorded, the recorded path is this point's path all the same. Nowhere else: a
        tolerance could not tell rounding from a branch that an exact tie decides.
        """
        if work.numbers[0] == DONE:
            return value
        if work.inputs.tobytes() == self.tape.val[1 : 1 + self.tape.n_inputs].tobytes():
            return self._run(work, mode | UNGUARDED)
        raise BranchChanged(self._changed(work.numbers, int(work.numbers[0])))

    def release(self, work: Work) -> None:
        """Give a work buffer back, for the next call."""
        self._pool.append(work)

    def result(self, work: Work) -> Any:
        """The function's result after a forward sweep, in the structure that the function returned."""
        if work.give is None:
            work.give = giver(self.interface.result, work.numbers, self._outputs_at)
        return work.give()

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
            margin = abs(val[guard.slot])
        else:
            a, b = val[self.tape.a[i]], val[self.tape.b[i]]
            margin = 0.0 if a == b else abs(a - b)  # of two infinities, too
        return GuardReport(self._comparison(guard.slot, val), guard.outcome, float(margin), guard.line)

    def _comparison(self, slot: int, val: np.ndarray) -> str:
        i = slot - self.tape.first
        if i < 0:
            return self._operand(slot, val)
        if (claim := self.tape.names.get(slot)) is not None:
            return claim
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


def _describe(x: Any) -> str:
    return f"{x.dtype} array of shape {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__


def _spell(spec: Any) -> str:
    if spec in ("f", "b"):
        return "a float" if spec == "f" else "a bool"
    tag = spec[0]
    if tag == "array":
        kind = {"int": "an int", "bool": "a bool"}.get(spec[-1], "a float")
        return f"{kind} array of shape {spec[1]}"
    if tag == "floats":
        return f"a {spec[1].__name__} of {spec[2]} floats"
    if tag in ("static", "copy"):
        return f"the {tag} {spec[1].__name__} {spec[2]!r}"
    if tag == "dict":
        return f"a {spec[1].__name__} with the keys {reprlib.repr(list(spec[2]))}"
    return f"a {spec[1].__name__} of {len(spec[-1])} items"
