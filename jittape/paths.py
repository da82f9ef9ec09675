"""The programs of one function and one argument structure: a tree of guard outcomes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .errors import JitTapeWarning
from .interrupts import lock
from .kernels import DONE, REVERSE, UNGUARDED
from .memory import scarce
from .program import Program, Work

# How many points to remember on which rounding decides a branch.
_SETTLED = 64


class _Path:
    """A leaf of the tree: a program, and the outcomes that lead to it."""

    __slots__ = ("program", "outcomes", "parent")

    def __init__(self, program: Program) -> None:
        self.program = program
        self.outcomes = program.tape.guards.outcomes.tobytes()
        self.parent: _Fork | None = None


class _Fork:
    """An inner node: two sides that differ at one guard. ``recent`` is the last used path below each side."""

    __slots__ = ("guard", "sides", "recent", "parent")

    def __init__(self, guard: int) -> None:
        self.guard = guard
        self.sides: list[Any] = [None, None]
        self.recent: list[Any] = [None, None]
        self.parent: _Fork | None = None


def _point(leaves: list) -> bytes:
    """Leaves as a key: their bits."""
    return b"".join([np.asarray(leaf, np.float64).tobytes() for leaf in leaves])


class PathTree:
    """Finds the program whose guards agree at a point, or records it.

    A point is tried on the path used last. Where a guard disagrees, the outcomes up to it are known, and the fork at that guard
    leads to a path that shares them: each try settles at least one more guard, so a search costs as many forward sweeps as
    guards differ, whatever the number of paths.
    """

    __slots__ = (
        "read",
        "record",
        "max_paths",
        "label",
        "paths",
        "nbytes",
        "records",
        "_replays",
        "_last",
        "_lock",
        "_settled",
        "_warned",
    )

    def __init__(
        self, read: Callable[[tuple, dict], list | None], record: Callable[[list], Program], max_paths: int, label: str
    ) -> None:
        self.read, self.record, self.max_paths, self.label = read, record, max_paths, label
        # ordered from the least to the most recently used
        self.paths: dict[_Path, None] = {}
        self.nbytes = self.records = self._replays = 0
        self._last: _Path | None = None
        # programs of points where rounding alone decides a branch
        self._settled: dict[bytes, Program] = {}
        # held while the tree is read or changed, never while user code or a kernel runs
        self._lock = lock()
        self._warned = False

    @property
    def replays(self) -> int:
        """How many calls a recorded program has answered."""
        return self._replays + sum([path.program.answered for path in list(self.paths)])

    def quick(self, program: Program, returns: int, names: Iterable[str]) -> Callable[..., Any] | None:
        """What answers calls to come in Python's place; see `Program.quick`. Only the path that was used last has it."""
        path = self._last
        return program.quick(returns, names) if path is not None and path.program is program else None

    def elsewhere(
        self, call: Callable[..., Any], guard: int, returns: int, args: tuple, kwargs: dict
    ) -> tuple[Any, Callable[..., Any] | None] | None:
        """The answer of another path than the last, whose ``call`` met a guard that disagrees, and what gave it; None where none has it."""
        path = self._last
        if path is None or path.program.made(returns) is not call:
            return None
        while True:
            with self._lock:
                path = self._other_side(path, guard)
            other = None if path is None else path.program.made(returns)
            if path is None or other is None:
                return None
            answer = other(*args, **kwargs)
            if type(answer) is not int:
                if answer is None:
                    return None
                with self._lock:
                    if path not in self.paths:  # another thread has dropped it
                        return answer, None
                    self._use(path)
                return answer, other
            if answer <= guard:
                return None
            guard = answer

    def sweep(self, leaves: list, mode: int) -> tuple[Program, float, Work]:
        """The program of this point's path, and the value and the work buffer after a sweep."""
        path = near = self._last
        guard = -1
        while path is not None:
            failed, value, work = path.program.sweep(leaves, mode)
            if failed == DONE:
                self._replays += 1
                if path is not self._last:
                    with self._lock:
                        if path in self.paths:  # another thread may have dropped it during the sweep
                            self._use(path)
                return path.program, value, work
            path.program.release(work)
            near = path
            with self._lock:
                # not on its way back: two recordings of a function that is not deterministic may both refuse a point
                path = self._other_side(path, failed) if failed > guard else None
            guard = failed
        program = self._settled.get(_point(leaves)) if self._settled else None
        if program is None:
            program = self.record(leaves)
            if mode & REVERSE:
                program.check_scalar()
            with self._lock:
                self.records += 1
                self._insert(_Path(program), near, guard, leaves)
        else:
            self._replays += 1
        # Recorded at this very point, so it is this point's path even where a guard's last bit differs from the tracer's.
        _, value, work = program.sweep(leaves, mode | UNGUARDED)
        return program, value, work

    def _other_side(self, path: _Path, guard: int) -> _Path | None:
        fork = path.parent
        while fork is not None and fork.guard > guard:
            fork = fork.parent
        if fork is None or fork.guard != guard:
            return None
        return fork.recent[not path.outcomes[guard]]

    def _insert(self, path: _Path, near: _Path | None, guard: int, leaves: list) -> None:
        """Hang a path into the tree where ``near`` disagreed at ``guard``, unless the tree has changed there meanwhile."""
        if self.paths:
            if near not in self.paths or self._other_side(near, guard) is not None:
                return
            if path.outcomes[: guard + 1] != near.outcomes[:guard] + bytes([not near.outcomes[guard]]):
                # A last bit decided otherwise while recording (or the function is not deterministic): remember this point,
                # so that a loop that stays on it does not record again and again.
                if len(self._settled) >= _SETTLED:
                    del self._settled[next(iter(self._settled))]
                self._settled[_point(leaves)] = path.program
                return
            self._fork(path, near, guard)
        self._use(path)
        self.nbytes += path.program.nbytes
        while len(self.paths) > self.max_paths or (len(self.paths) > 1 and scarce(self.nbytes)):
            self._evict()

    def _fork(self, path: _Path, near: _Path, guard: int) -> None:
        """Put a fork at ``guard`` above the subtree of ``near`` whose own forks are all at later guards."""
        below: Any = near
        while below.parent is not None and below.parent.guard > guard:
            below = below.parent
        fork = _Fork(guard)
        side = near.outcomes[guard]
        fork.parent = below.parent
        if fork.parent is not None:
            fork.parent.sides[near.outcomes[fork.parent.guard]] = fork
        fork.sides[side], fork.recent[side] = below, near
        fork.sides[not side] = fork.recent[not side] = path
        below.parent = path.parent = fork

    def _use(self, path: _Path) -> None:
        """Make a path the most recently used one."""
        self._last = path
        self.paths.pop(path, None)
        self.paths[path] = None
        fork = path.parent
        while fork is not None:
            fork.recent[path.outcomes[fork.guard]] = path
            fork = fork.parent

    def _evict(self) -> None:
        """Drop the least recently used path; its sibling takes the place of their fork."""
        most = str(self.max_paths) if len(self.paths) > self.max_paths else "fit into memory"
        path = next(iter(self.paths))
        del self.paths[path]
        self.nbytes -= path.program.nbytes
        self._replays += path.program.answered
        fork = path.parent
        assert fork is not None
        side = not path.outcomes[fork.guard]
        sibling, recent = fork.sides[side], fork.recent[side]
        sibling.parent = above = fork.parent
        if above is not None:
            above.sides[path.outcomes[above.guard]] = sibling
        while above is not None:
            if above.recent[path.outcomes[above.guard]] is path:
                above.recent[path.outcomes[above.guard]] = recent
            above = above.parent
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.label} has taken more paths than {most}, so old ones are dropped and recorded again "
                "when they come back. It is right but slow; where branches only choose values, use jt.where, jt.maximum, "
                "jt.minimum or jt.clip, which record no branch, look labels up as arrays, x[labels], or raise max_paths",
                JitTapeWarning,
                stacklevel=5,
            )
