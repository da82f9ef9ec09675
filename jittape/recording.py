"""`Recording`: what operations append to while a function runs, until it is frozen as a `Tape`."""

from __future__ import annotations

from array import array
from collections import deque
from itertools import repeat
from struct import Struct
from threading import get_ident
from typing import Any, cast

import numpy as np

from . import show
from .errors import StaleVarError, TapeCapacityError, TapeMismatchError, TapeThreadError
from .guards import Guards
from .names import Names
from .ops import CODE, MATMUL, OPS
from .products import Product, values
from .tape import MAX_SLOTS, Tape

# Codes of leaves, in a recording only: a tape has no rows for leaves, its slots start with them.
INPUT, DATA, CONST = 255, 254, 253
_NOT_EQUAL = CODE["not_equal"]
CONDITIONS = frozenset(code for code, op in enumerate(OPS) if op.condition)
# In what order a tape has the rows: inputs, constants, instructions.
_KIND = np.zeros(256, np.uint8)
_KIND[[INPUT, DATA]], _KIND[CONST], _KIND[[*range(len(OPS)), MATMUL]] = 1, 2, 3

# A recent row: the value, both operands, the opcode; as `struct` writes it and as NumPy reads it.
ROW = Struct("=diiB7x")
_FIELDS = np.dtype(
    {"names": ["val", "a", "b", "op"], "formats": ["f8", "i4", "i4", "u1"], "offsets": [0, 8, 12, 16], "itemsize": 24}
)
OP_AT = 16
# So many rows are written one by one, 24 bytes each, before they are moved to typed columns: few in 2 us, a thousand in 3.
ROOM = 2048
# So many rows at once are written to the block, too: three take 2.3 us, a hundred that go to the columns 4.9.
_FEW = 16


# Runs what an iterator does, in one call of C code, so that an interrupt comes before or after.
_run, _add = deque[None](maxlen=0).extend, cast(Any, array.frombytes)


class _Closed:
    """Stands in for the rows of a recording that has ended: whatever is appended or looked up raises."""

    def _raise(self, *_: Any) -> None:
        raise StaleVarError(
            "this traced value was kept past the recording it belongs to; return what you need from the function, "
            "or read its plain number with `.value`"
        )

    __len__ = __add__ = __sub__ = __getitem__ = _raise


class Recording:
    """Columns that operations append to: one row per leaf or instruction, in the order they came.

    A row is an opcode, two operand rows and the value. Row 0 is the sink, the second operand of unary operations.

    Attributes
    ----------
    n : the number of rows
    block : the recent rows, as `ROW` lays them out
    base : the number of rows before those, which are in typed columns
    watched : whether `appended` is to be called for each Var
    hooks : whether `keep` is to be called
    vars : what holds rows, in the order it came, where somebody needs to know; else None
    products : the products of matrices, in the order they came
    matrices : what is known of them by the matrices that they multiply, and of constants in those
    data : rows, and factors by their `id`, that were found to have no derivative
    integers : the rows of arguments that are arrays of integers, a range for each
    labels : the rows that were hashed by their values; it outlives the recording, as what was a key may
    """

    __slots__ = (
        "n", "block", "base", "watched", "hooks", "constants", "names", "owner", "guards", "lines", "places", "reads", "label", "vars",
        "indexed", "products", "matrices", "labels", "data", "counts", "integers", "_settled",
    )  # fmt: skip

    def __init__(self, label: str = "a recording", *, lines: bool = False) -> None:
        self.block = bytearray(ROW.size * ROOM)
        ROW.pack_into(self.block, 0, 0.0, 0, 0, CONST)
        self.n = 1
        self._settled = array("B"), array("i"), array("i"), array("d")
        self.base = 0
        self.watched = lines
        self.hooks = False
        self.constants: dict[Any, int] = {}
        self.names = Names()
        self.owner = get_ident()
        self.guards: list[tuple[int, bool, Any]] = []
        self.lines: array | None = array("i", (0,)) if lines else None
        self.places: dict[tuple[str, int], int] = {("", 0): 0}
        self.reads: list[tuple[int, tuple[str, int] | None]] = []
        self.label = label
        self.vars: Any = None
        self.products: list[Product] = []
        self.matrices: dict[Any, Any] = {}
        self.labels: set[int] = set()
        self.data: set[Any] = set()
        self.counts: set[Any] = set()
        self.integers: list[range] = []
        # whether a traced value was asked for an index, or an array of objects made of some: NumPy then has an error of its own
        self.indexed = False

    def __len__(self) -> int:
        """The number of rows, the sink and the leaves included."""
        return 0 if self.ended else self.n

    def settle(self) -> tuple[array, array, array, array]:
        """Move all rows to the typed columns op, a, b and val, and return those."""
        while True:
            columns, n, base = self._settled, self.n, self.base
            if len(columns[0]) != base:  # an interrupt or a finalizer came before these rows counted
                self._cut()
            elif n == base:
                return columns
            elif n > MAX_SLOTS:
                raise TapeCapacityError(f"a tape holds at most {MAX_SLOTS} slots; {self.label} has {n}")
            else:
                rows, size = np.frombuffer(self.block, _FIELDS, n - base), ROW.size * (n - base)
                front, rest, empty = slice(size), slice(size, None), bytes(size)
                self._grow(columns, [rows[name].tobytes() for name in ("op", "a", "b", "val")])
                # A finalizer may have recorded meanwhile, or have come here because the block was full, or have dropped rows; then this
                # is done once more. From here on nothing comes between: there is no call, and no object that the garbage collector follows.
                if self._settled is columns and self.base == base:
                    if self.n == n:
                        self.block[front], self.base = empty, n
                    else:
                        self.block, self.base = self.block[rest] + empty, n

    def _grow(self, columns: tuple[array, array, array, array], rows: list) -> None:
        """Append bytes to these columns, or make others where somebody has views of them, which then cannot grow."""
        try:
            _run(map(_add, columns, rows))
        except BufferError:
            self._cut()

    def _cut(self) -> None:
        """Make new columns, without what was not counted among their rows."""
        columns, base = self._settled, self.base
        op, a, b, val = columns
        cut = op[:base], a[:base], b[:base], val[:base]
        if self.base == base and self._settled is columns:  # as in `settle`
            self._settled = cut

    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """All rows as arrays: copies of op, a, b and val."""
        (op, a, b, val), n = self.settle(), self.base  # a finalizer may add more meanwhile
        return np.array(op[:n], np.uint8), np.array(a[:n], np.int32), np.array(b[:n], np.int32), np.array(val[:n], np.float64)

    def code(self, row: int) -> int:
        """The opcode of a row."""
        return self.block[ROW.size * (row - self.base) + OP_AT] if row >= self.base else self._settled[0][row]

    def value(self, row: int) -> float:
        """The value of a row."""
        return ROW.unpack_from(self.block, ROW.size * (row - self.base))[0] if row >= self.base else self._settled[3][row]

    def __reduce__(self) -> Any:
        raise TypeError("a recording in progress cannot be pickled; pickle the Program or the Tape that it becomes")

    def check(self, other: Recording) -> None:
        """Raise if ``other`` is another recording, or this thread may not append to this one."""
        if other is not self:
            ended = [one.label for one in (self, other) if one.ended]
            raise TapeMismatchError(
                f"values of two recordings met in one operation: {self.label} and {other.label}; "
                + (
                    f"{ended[0]} has ended, but a memo, a cache or an attribute has kept its value: make it anew in each call"
                    if ended
                    else "pass the outer value into the recorded function as an argument, or use its plain number with `.value`"
                )
            )
        if self.owner != get_ident():
            raise TapeThreadError(
                f"{self.label} belongs to another thread; record in one thread, and share the finished Program instead"
            )

    def appended(self, var: Any) -> None:
        """What a Var calls after its row was appended, where the recording is watched."""
        if self.lines is not None:
            self.lines.append(self.place())

    def append(self, op: int, a: int, b: int, value: float) -> int:
        """Append one row that has no Var and return its number."""
        while self.n - self.base == ROOM:
            self.settle()
        # Nothing comes between here and the call, which is one of C code. An interrupt while it is prepared leaves a row of zeros,
        # which is nobody's.
        row = self.n
        self.n = row + 1
        ROW.pack_into(self.block, ROW.size * (row - self.base), value, a, b, op)
        if self.lines is not None:
            self.lines.append(self.place())
        return row

    def extend(self, op: int, a: Any, b: Any, values: np.ndarray) -> int:
        """Append one row per element of ``values`` and return the first row's number; ``a`` and ``b`` are one row or as many."""
        n = len(values)
        if len(self) + n > MAX_SLOTS:
            raise TapeCapacityError(f"a tape holds at most {MAX_SLOTS} slots; this operation would make it {len(self) + n}")
        if n <= _FEW:
            few = [[operand] * n if isinstance(operand, int) else operand.tolist() for operand in (a, b)]
            if len(few[0]) != n or len(few[1]) != n:
                raise ValueError(f"{n} values, but {len(few[0])} and {len(few[1])} operands")
            data, size = b"".join(map(ROW.pack, values.tolist(), *few, repeat(op, n))), ROW.size * n
            while True:
                row, base = self.n, self.base
                start = ROW.size * (row - base)
                place = slice(start, start + size)
                if row - base > ROOM - n:
                    self.settle()
                elif row == self.n and base == self.base:  # else a finalizer has recorded meanwhile
                    # as in `append`
                    self.n = row + n
                    self.block[place] = data
                    break
            if self.lines is not None:
                self.lines.extend([self.place()] * n)
            return row
        columns: list[np.ndarray] = [
            np.full(n, operand, np.int32) if isinstance(operand, int) else np.ascontiguousarray(operand, np.int32)
            for operand in (a, b)
        ]
        if len(columns[0]) != n or len(columns[1]) != n:
            raise ValueError(f"{n} values, but {len(columns[0])} and {len(columns[1])} operands")
        rows = [bytes((op,)) * n, *(x.view(np.uint8).data for x in [*columns, np.ascontiguousarray(values, np.float64)])]
        while True:
            settled, row = self.settle(), self.base
            self._grow(settled, rows)
            if self._settled is settled and self.n == self.base == row:  # as in `settle`
                self.n = self.base = row + n
                break
        if self.lines is not None:
            self.lines.frombytes(np.full(n, self.place(), np.int32).tobytes())
        return row

    def multiply_matrices(
        self, x: np.ndarray, y: np.ndarray, vx: np.ndarray, vy: np.ndarray, kind: int
    ) -> tuple[int, np.ndarray]:
        """Append the `Product` of two matrices of rows, which have these values; returns its first row and its values.

        One that is there already is the same rows.
        """
        factors = self._factor(x), self._factor(y)
        known = id(factors[0]), id(factors[1]), kind
        if known not in self.matrices:
            v = values(vx, vy, kind)
            if self.products and self.products[-1].start == len(self):  # an interrupt came before its rows did
                self.products.pop()
            self.products.append(Product(len(self), *factors, kind))
            self.matrices[known] = self.extend(MATMUL, 0, 0, v.ravel()), v
        return self.matrices[known]

    @property
    def ended(self) -> bool:
        """Whether nothing can be appended any more."""
        return type(self.n) is not int

    def _factor(self, rows: np.ndarray) -> np.ndarray:
        """A matrix of rows as a product keeps it: once, and apart from arrays that a function goes on to write into."""
        known = rows.shape, rows.tobytes()
        if known not in self.matrices:
            self.matrices[known] = rows.copy()
        return self.matrices[known]

    def constant(self, x: float) -> int:
        """The row of a constant; equal bits share one row."""
        key = x if x else str(x)
        if x != x:
            key = "nan"
        row = self.constants.get(key)
        if row is None:
            self.check(self)
            row = self.constants[key] = self.append(CONST, 0, 0, x)
        return row

    def truth(self, var: Any) -> bool:
        """The plain truth of a traced value at this point, recorded as a guard that every replay checks."""
        if self.owner != get_ident():
            self.check(self)
        row, v = var.row, var.v
        truth = v != 0.0
        if self.code(row) not in CONDITIONS:
            row = self.append(_NOT_EQUAL, row, self.constant(0.0), float(truth))
        self.guards.append((row, truth, show.user_place()))
        return truth

    def read(self, var: Any) -> float:
        """The plain number of a traced value; noted, because a replay will not follow it."""
        self.reads.append((var.row, show.user_line()))
        return var.v

    def assign(self, var: Any, x: float) -> None:
        """Refuse: only eager variables can be given a new value."""
        raise TypeError("only a variable made by jt.var can be given a new value; inside a recorded function compute a new one")

    def copied(self, var: Any) -> Any:
        """A copy of a traced value: itself, since nothing can change it."""
        return var

    def _not_eager(self, *_: Any) -> Any:
        raise TypeError(
            f"backprop and sensitivity belong to variables made by jt.var; this value belongs to {self.label}: use jt.grad"
        )

    sensitivity = set_sensitivity = backprop = tape = _not_eager

    def place(self) -> int:
        """The number of the user's line that is executing now."""
        return self.places.setdefault(show.user_line() or ("", 0), len(self.places))

    def close(self) -> None:
        """End the recording: values that outlive it can no longer be computed with."""
        closed: Any = _Closed()
        self.n = self.block = closed
        self._settled = closed, closed, closed, closed
        self.base = 0
        self.products, self.matrices, self.data, self.counts = [], {}, set(), set()

    def keep(self, var: Any) -> None:
        """What `hooks` asks for when a Var or VarArray shares rows with others: here, nothing."""

    def freeze(self, outputs: Any, keep: np.ndarray | None = None) -> Tape:
        """The rows (all, or those that ``keep`` marks) as a `Tape` with leaves first; ``outputs`` are row numbers.

        The recording itself is unchanged.
        """
        # of a recording that goes on copies: a traceback that somebody keeps would hold views, and columns with views cannot grow
        op, a, b, val = self.columns() if self.hooks else (np.frombuffer(k, k.typecode) for k in self.settle())
        if len(op) > MAX_SLOTS:
            raise TapeCapacityError(f"a tape holds at most {MAX_SLOTS} slots; this recording has {len(op)}")
        if keep is not None:
            op, a, b, val = (column[: len(keep)] for column in (op, a, b, val))
        kind = _KIND[op]
        kind[0] = 0
        if keep is not None:
            kind[~keep] = 4
        code = kind == 3
        leaves = np.flatnonzero(kind < 3)
        leaves = leaves[np.argsort(kind[leaves], kind="stable")]
        slot = np.cumsum(code, dtype=np.int32)
        slot += len(leaves) - 1
        if keep is not None:
            slot[~keep] = 0
        slot[leaves] = np.arange(len(leaves))
        inputs = int(np.count_nonzero(kind == 1))
        lines = None if self.lines is None else np.array(self.lines, np.int32)[code]
        asked, outcomes, asked_at = zip(*self.guards, strict=True) if self.guards else ((), (), ())
        matrices = {id(k): slot[k] for product in self.products for k in (product.x, product.y)}
        return Tape(
            op=op[code],
            a=slot[a[code]],
            b=slot[b[code]],
            val=np.concatenate([val[leaves], val[code]]),
            active=op[leaves[1 : 1 + inputs]] == INPUT,
            outputs=slot[np.asarray(outputs, np.int64)],
            names=self.names.moved(lambda row: int(slot[row]) if keep is None or keep[row] else None),
            guards=Guards(slot[np.array(asked, np.int64)], np.array(outcomes, np.bool_), asked_at),
            products=[
                Product(int(slot[start]) - len(leaves), matrices[id(x)], matrices[id(y)], kind)
                for start, x, y, kind in self.products
                if start < len(op) and op[start] == MATMUL  # else an interrupt came before its rows did
            ],
            lines=lines,
            places=tuple(self.places),
            reads=tuple((int(slot[row]), line) for row, line in self.reads),
        )
