"""`Tape`: a recorded computation, frozen in flat NumPy buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import show
from .errors import TapeCapacityError, TapeFormatError
from .guards import Guard as Guard  # where tapes that were pickled look for it
from .guards import Guards
from .memory import require
from .names import Names
from .ops import CODE, MATMUL, NAMES, OPS
from .products import ADDS, FINDS, MULTIPLIES, SETS, Product, operations, spelled_out

MAX_SLOTS = 2**31 - 1
# Bytes that it takes to spell out a product of two numbers, and the addition of it.
_SPELLED_OUT = 150


def _exactly(given: Any, dtype: Any, column: str) -> np.ndarray:
    """A column in its own type; an operand that would wrap around must not come out as a valid one."""
    given = np.asarray(given)
    if given.dtype == dtype:
        return np.ascontiguousarray(given)
    if given.dtype.kind in "biuf" or not given.size:
        with np.errstate(invalid="ignore"):
            converted = np.ascontiguousarray(given, dtype)
        if np.array_equal(given, converted, equal_nan=given.dtype.kind == "f"):
            return converted
    raise TapeFormatError(f"column {column} has values of {given.dtype} that are not {np.dtype(dtype)} numbers")


class Tape:
    """A recorded computation, read-only: a Wengert tape in flat NumPy buffers.

    Slots are numbered so that slot 0 is a sink that nobody reads, then come the inputs, the constants, and one slot per
    instruction. Instruction ``i`` reads slots ``a[i]`` and ``b[i]`` (0 for a unary operation) and writes ``first + i``.

    Attributes
    ----------
    op : uint8 array, one opcode per instruction (`jittape.ops.OPS` is indexed by it)
    a, b : int32 arrays, the operand slots
    val : float64 array, one value per slot, as recorded
    active : bool array, one per input: differentiated, or data
    outputs : int32 array of the slots that the function returned
    names : slot -> name of the variables that have one
    guards : the truths asked while recording, in order
    lines, places : per instruction an index into ``places``, the user's (file, line); None where lines were not recorded
    reads : slots whose plain number was read with `.value` while recording, with the line
    products : the products of matrices, in order; their results are instructions with the opcode `jittape.ops.MATMUL`, which
        read more slots than two: those of the `Product`
    """

    __slots__ = ("op", "a", "b", "val", "active", "outputs", "names", "guards", "lines", "places", "reads", "products")

    op: np.ndarray
    a: np.ndarray
    b: np.ndarray
    val: np.ndarray
    active: np.ndarray
    outputs: np.ndarray
    names: Names
    guards: Guards
    lines: np.ndarray | None
    places: tuple[tuple[str, int], ...]
    reads: tuple[tuple[int, tuple[str, int] | None], ...]
    products: tuple[Product, ...]

    _COLUMNS = {"op": np.uint8, "a": np.int32, "b": np.int32, "val": np.float64, "active": np.bool_, "outputs": np.int32}

    def __init__(
        self, *, op, a, b, val, active, outputs, names=None, guards=(), lines=None, places=(("", 0),), reads=(), products=()
    ) -> None:
        for column, given in zip(self._COLUMNS, (op, a, b, val, active, outputs), strict=True):
            setattr(self, column, _exactly(given, self._COLUMNS[column], column))
        self.names = names if isinstance(names, Names) else Names(names)
        self.guards, self.lines, self.places, self.reads = Guards.of(guards), lines, tuple(places), tuple(reads)
        self.products = tuple(products)
        self.validate()
        for column in self._COLUMNS:
            getattr(self, column).setflags(write=False)

    @property
    def first(self) -> int:
        """The slot of instruction 0."""
        return len(self.val) - len(self.op)

    @property
    def n_inputs(self) -> int:
        """The number of inputs, differentiated or data; they have slots 1 to ``n_inputs``."""
        return len(self.active)

    @property
    def n_constants(self) -> int:
        """The number of constants; their slots follow the inputs'."""
        return self.first - 1 - self.n_inputs

    def __len__(self) -> int:
        """The number of instructions."""
        return len(self.op)

    @property
    def nbytes(self) -> int:
        """The bytes of all columns, and of what products read."""
        factors = {id(k): k for product in self.products for k in (product.x, product.y)}
        lines = [] if self.lines is None else [self.lines]
        return sum(column.nbytes for column in (*(getattr(self, name) for name in self._COLUMNS), *lines, *factors.values()))

    def validate(self) -> None:
        """Check everything that kernels rely on.

        Raises
        ------
        TapeFormatError
            naming the column and the instruction: an operand not below its own slot, an unknown opcode, a column of the wrong
            length, an output or guard that is no slot.
        """
        n, slots = len(self.op), len(self.val)
        if any(getattr(self, column).ndim != 1 for column in self._COLUMNS):
            raise TapeFormatError("every column of a tape is one-dimensional")
        if len(self.a) != n or len(self.b) != n or slots < n + 1 + len(self.active):
            raise TapeFormatError(
                f"columns of unequal length: op {n}, a {len(self.a)}, b {len(self.b)}, val {slots}, inputs {len(self.active)}"
            )
        if slots > MAX_SLOTS:
            raise TapeCapacityError(f"a tape holds at most {MAX_SLOTS} slots; this one has {slots}")
        own = np.arange(slots - n, slots, dtype=np.uint32)
        for column in ("a", "b"):
            operand = getattr(self, column)
            bad = operand.view(np.uint32) >= own  # negative ones are large then
            if bad.any():
                i = int(bad.argmax())
                raise TapeFormatError(
                    f"instruction {i}: operand {column} is slot {operand[i]}, not one before its own slot {own[i]}"
                )
        if self.products or (n and self.op.max() >= len(OPS)):
            unknown = (self.op >= len(OPS)) & (self.op != MATMUL)
            if unknown.any():
                i = int(unknown.argmax())
                raise TapeFormatError(f"instruction {i}: unknown opcode {self.op[i]}; this jittape knows {len(OPS)}")
            self._validate_products()
        if len(self.outputs) and not (0 <= int(self.outputs.min()) and int(self.outputs.max()) < slots):
            raise TapeFormatError("an output is not a slot of the tape")
        if len(self.guards) and not (0 <= int(self.guards.slots.min()) and int(self.guards.slots.max()) < slots):
            raise TapeFormatError("a guard is not on a slot of the tape")
        if not all(0 <= slot < slots for slot, _ in self.reads):
            raise TapeFormatError("a read is not of a slot of the tape")
        if self.lines is not None and (
            len(self.lines) != n or (n and not (0 <= int(self.lines.min()) and int(self.lines.max()) < len(self.places)))
        ):
            raise TapeFormatError("the line column does not fit the instructions")

    def _validate_products(self) -> None:
        results, at = np.zeros(len(self.op), np.bool_), 0
        for k, (start, x, y, kind) in enumerate(self.products):
            fits = kind in range(FINDS + 1) and x.ndim == y.ndim == 2 and x.size and y.size
            fits = fits and x.shape[1] == (len(y) if kind == MULTIPLIES else 1)
            fits = fits and (kind not in (ADDS, SETS) or len(y) > len(x)) and (kind != FINDS or y.shape[1] == 1)
            if not fits:
                what = "do not fit" if kind else "cannot be multiplied"
                raise TapeFormatError(f"product {k}, of kind {kind}: matrices of shapes {x.shape} and {y.shape} {what}")
            if kind == SETS and not (int(y.min()) > self.n_inputs and int(y.max()) < self.first):
                raise TapeFormatError(f"product {k} sets what is not constant")
            stop = self.products[k].stop
            if not at <= start < stop <= len(self.op):
                raise TapeFormatError(f"product {k}: its results {start} to {stop - 1} are not instructions of its own")
            if any(not (0 <= int(slots.min()) and int(slots.max()) < self.first + start) for slots in (x, y)):
                raise TapeFormatError(f"product {k}: a factor is not a slot before its first result, {self.first + start}")
            results[start:stop], at = True, stop
        if not np.array_equal(results, self.op == MATMUL):
            raise TapeFormatError("the results of the products of matrices are not the instructions with the opcode of those")

    def spelled_out(self) -> tuple[Tape, np.ndarray]:
        """The same computation by single operations, without products of matrices; and the new slot of each old one."""
        if not self.products:
            return self, np.arange(len(self.val))
        require(_SPELLED_OUT * sum(map(operations, self.products)), f"spelling out the products of matrices of {self!r}")
        compute: dict[int, Callable[..., Any]] = {
            CODE["multiply"]: np.multiply, CODE["add"]: np.add, CODE["equal"]: np.equal, CODE["gate"]: lambda x, y: np.where(x != 0.0, y, 0.0),
            CODE["subtract"]: np.subtract, CODE["greater_equal"]: np.greater_equal,
        }  # fmt: skip
        op, a, b, slot = spelled_out(self.op, self.a, self.b, self.first, self.products, tuple(compute))
        numbers = max(product.rows for product in self.products)
        first = self.first + numbers
        val = np.zeros(first + len(op))
        val[slot], val[self.first : first] = self.val, np.arange(numbers)
        with np.errstate(all="ignore"):
            for product in self.products:  # what is on the way to their results
                results = slot[self.first :][product.start : product.stop]
                for back in range(operations(product) // len(results) - 1, 0, -1):
                    i = results - back - first
                    val[first + i] = compute[int(op[i[0]])](val[a[i]], val[b[i]])
        lines = None
        if self.lines is not None:
            lines = np.repeat(self.lines, np.diff(slot[self.first :], prepend=first - 1) if len(self) else 0)
        spelled = Tape(
            op=op, a=a, b=b, val=val, active=self.active, outputs=slot[self.outputs], names=self.names.moved(lambda s: int(slot[s])),
            guards=[guard._replace(slot=int(slot[guard.slot])) for guard in self.guards], lines=lines, places=self.places,
            reads=[(int(slot[s]), line) for s, line in self.reads],
        )  # fmt: skip
        return spelled, slot

    def line(self, i: int) -> tuple[str, int] | None:
        """The user's (file, line) that recorded instruction ``i``, where lines were recorded."""
        return self.places[self.lines[i]] if self.lines is not None and self.lines[i] else None

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in self.__slots__}
        used, self_op = np.unique(self.op, return_inverse=True)
        return state | {"op": self_op.astype(np.uint8), "op_names": [NAMES[code] for code in used.tolist()]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = {"products": ()} | state
        known = {name: code for code, name in NAMES.items()}
        unknown = [name for name in state["op_names"] if name not in known]
        if unknown:
            raise TapeFormatError(f"the tape uses operations that this jittape does not know: {', '.join(unknown)}")
        codes = np.array([known[name] for name in state["op_names"]], np.uint8)
        op = np.asarray(state["op"])
        if len(op) and int(op.max()) >= len(codes):
            raise TapeFormatError("an opcode of the stored tape has no name")
        self.__init__(**{name: state[name] for name in self.__slots__ if name != "op"}, op=codes[op] if len(op) else op)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"Tape({len(self)} instructions, {self.n_inputs} inputs, {self.n_constants} constants)"

    def __str__(self) -> str:
        return show.listing(self)

    def show(self, *, head: int | None = 40, values: bool = True) -> str:
        """The listing of the tape, one line per instruction: see `jittape.show.listing`."""
        return show.listing(self, head=head, values=values)

    def to_dot(self) -> str:
        """The graph in Graphviz's DOT language."""
        return show.dot(self)

    def to_svg(self) -> str:
        """The graph as a picture: values forward, adjoints backward."""
        return show.svg(self)

    def _repr_svg_(self) -> str | None:
        return show.svg(self) if len(self.val) <= show.LARGEST_PICTURE else None

    def _repr_html_(self) -> str | None:
        return None if len(self.val) <= show.LARGEST_PICTURE else show.html(self)
