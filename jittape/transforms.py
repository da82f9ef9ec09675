"""Transforms of functions, spelled as in JAX: `grad` and `value_and_grad`."""

from __future__ import annotations

import functools
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from . import calls, cpython
from .errors import JitTapeWarning
from .finite import Checker
from .interrupts import lock
from .kernels import GRADIENT
from .memory import scarce
from .paths import PathTree
from .program import Program
from .record import parameters, takes_any_keyword, trace
from .structure import Signature
from .transfer import reader

MAX_PATHS = 256


class CacheInfo(NamedTuple):
    """Programs held, recordings made and replays served."""

    paths: int
    records: int
    replays: int


class _Transform:
    """A function that records itself where it must and replays a program where it can."""

    _name = "value_and_grad"
    _with_value = True

    def __init__(
        self, f: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool, max_paths: int, check_finite: bool
    ) -> None:
        if not callable(f):
            raise TypeError(f"{self._name} takes a function, not {f!r}")
        if not isinstance(max_paths, (int, np.integer)) or isinstance(max_paths, bool):
            raise TypeError(f"max_paths is {max_paths!r}; it must be an int")
        if max_paths < 1:
            raise ValueError(f"max_paths is {max_paths}; it must be at least 1")
        functools.update_wrapper(self, f, updated=())
        self._given = f, argnums, has_aux, max_paths, check_finite
        self._f, self._has_aux, self._max_paths = f, has_aux, max_paths
        self._signature = Signature(argnums, takes_any_keyword(f))
        # ordered from the least to the most recently used
        self._trees: dict[Any, PathTree] = {}
        self._last: PathTree | None = None
        # what calls return; None where only Python can answer them
        self._returns: int | None = calls.GRADIENT if not self._with_value else calls.WITH_AUX if has_aux else calls.BOTH
        if check_finite or (has_aux and not self._with_value) or not cpython.supported():
            self._returns = None
        # what answers calls of the path used last in Python's place; see `calls.make`
        self._quick: Callable[..., Any] | None = None
        # what trees did that were dropped
        self._before = CacheInfo(0, 0, 0)
        self._lock = lock()
        self._warned = False
        self._check_finite = check_finite
        self._checkers: WeakKeyDictionary[Program, Checker] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"<{self._name} of {self._label}>"

    def __reduce__(self) -> Any:
        # What decorates a function has its name, by which pickle finds it, as it finds functions; recordings are not taken along.
        found: Any = sys.modules.get(self.__module__)
        for name in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, name, None)
        return self.__qualname__ if found is self else (type(self), self._given)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The method of an instance, as functions have it."""
        return self if instance is None else types.MethodType(self, instance)

    @property
    def _label(self) -> str:
        return getattr(self._f, "__qualname__", None) or repr(self._f)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """The value, or the pair (value, aux), and the gradient; of `grad` the gradient, or the pair (gradient, aux)."""
        quick, tree = self._quick, self._last
        if quick is not None:
            answer: Any = quick(*args, **kwargs)
            if answer is not None and type(answer) is not int:
                return answer
            if answer is not None and tree is not None and self._returns is not None:
                found = tree.elsewhere(quick, answer, self._returns, args, kwargs)
                if found is not None:
                    answer, quick = found
                    self._hurry(tree, quick)
                    return answer
                self._quick = None  # what raises from here on may drop its path
        leaves = None if tree is None else tree.read(args, kwargs)
        if tree is None or leaves is None:
            key, leaves, active = self._signature.split(args, kwargs)
            tree = self._tree(key, active)
        program, value, work = tree.sweep(leaves, GRADIENT)
        answer = program.result(work) if self._has_aux else value
        gradient = work.take()
        program.release(work)
        if self._check_finite:
            checker = self._checkers.get(program)
            if checker is None:
                checker = self._checkers[program] = Checker(program)
            checker.check(leaves)
        elif self._returns is not None:
            quick = tree.quick(program, self._returns, kwargs)
            if quick is not self._quick:
                self._hurry(tree, quick)
        if self._with_value:
            return answer, gradient
        return (gradient, answer[1]) if self._has_aux else gradient

    def _hurry(self, tree: PathTree, quick: Callable[..., Any] | None) -> None:
        """Let this answer the calls to come, unless another tree is in use by now."""
        with self._lock:
            self._quick = quick if self._last is tree else None

    def _tree(self, key: Any, active: int) -> PathTree:
        """The path tree of an argument structure, empty where it is new; from now on the one that was used last."""
        with self._lock:
            tree = self._trees.pop(key, None)
            if tree is None:
                tree = self._plant(key, active)
                self._make_room()
            self._trees[key] = self._last = tree
            self._quick = None
        return tree

    def _make_room(self) -> None:
        """Before a new tree: drop those that were used longest ago where there are too many, or where they fill the memory."""
        while len(self._trees) >= self._max_paths or scarce(sum([tree.nbytes for tree in self._trees.values()])):
            most = str(self._max_paths) if len(self._trees) >= self._max_paths else "fit into memory"
            tree = self._trees.pop(next(iter(self._trees)))
            self._before = CacheInfo(0, self._before.records + tree.records, self._before.replays + tree.replays)
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"{self._label} was called with more argument structures or static values than {most}; each "
                    "is a recording of its own; pass numbers that change from call to call as floats",
                    JitTapeWarning,
                    stacklevel=4,
                )

    def _plant(self, key: Any, active: int) -> PathTree:
        f, names = self._f, parameters(self._f)

        def record(leaves: list) -> Program:
            return trace(f, self._signature, key, leaves, active, names, has_aux=self._has_aux, lines=self._check_finite)

        return PathTree(reader(self._signature, key), record, self._max_paths, self._label)

    def cache_info(self) -> CacheInfo:
        """How many programs are held, how many recordings were made, and how many calls a recorded program answered."""
        counts = [self._before, *[CacheInfo(len(t.paths), t.records, t.replays) for t in list(self._trees.values())]]
        return CacheInfo(*map(sum, zip(*counts, strict=True)))

    def clear_cache(self) -> None:
        """Forget every recording, and count anew."""
        with self._lock:
            self._trees.clear()
            self._last, self._quick, self._before = None, None, CacheInfo(0, 0, 0)

    cache_clear = clear_cache


class _ValueAndGrad(_Transform):
    pass


class _Grad(_Transform):
    _name = "grad"
    _with_value = False


def value_and_grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    max_paths: int = MAX_PATHS,
    check_finite: bool = False,
) -> _ValueAndGrad:
    """A function that returns the value and the gradient of ``f``.

    ``f`` is plain Python on numbers, lists, tuples, dicts, dataclasses and float arrays; it may loop and branch on values. The
    first call records it, later calls replay the recording at native speed, and a call that takes another branch records that
    path too. Numbers that ``f`` reads from elsewhere (globals, closures, random numbers) are frozen when it is recorded; pass
    what changes as an argument.

    Parameters
    ----------
    f : the function; it returns one number, or with ``has_aux`` a pair (number, anything)
    argnums : the positional argument, or a tuple of them, that gradients are taken in; of a method ``self`` is argument 0
    has_aux : whether ``f`` returns a pair; then the value is that pair. Traced values in its second half, in lists, tuples, dicts
        and dataclasses of any depth, come back as floats and arrays, and as bools where they are conditions. What is not traced
        comes back as it was when recorded: of arrays, sets and other containers each call gets a copy, anything else is the
        same object on every call. A traced value inside a set or an object of another class is a TypeError
    max_paths : how many recorded paths to keep
    check_finite : raise `NonFiniteError` at the first operation on the way to the result, forward or in reverse, that makes a NaN
        or an infinity out of finite numbers: with its operands, the line, and what led to it. Each call then looks at every
        value and adjoint, and recording notes every line: for finding the place, not for speed

    Returns
    -------
    callable
        ``(value, gradient)``; the gradient has the structure of the argument, in fresh float64. It also has ``cache_info()``
        and ``clear_cache()``. It pickles and copies as a function does, without its recordings, and decorates methods: an
        instance is static, so that its attributes are frozen when recorded, but those of a dataclass are arguments.

    Raises
    ------
    TypeError
        from the call, where the function does not return a number, or an argument or an operation cannot be traced.

    Examples
    --------
    >>> import jittape as jt
    >>> g = jt.value_and_grad(lambda x: x * x if x > 0 else -x)
    >>> g(3.0), g(-2.0), g(4.0)
    ((9.0, 6.0), (2.0, -1.0), (16.0, 8.0))
    >>> g.cache_info()
    CacheInfo(paths=2, records=2, replays=1)
    """
    return _ValueAndGrad(f, argnums, has_aux, max_paths, check_finite)


def grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    max_paths: int = MAX_PATHS,
    check_finite: bool = False,
) -> _Grad:
    """A function that returns the gradient of ``f``; with ``has_aux`` the pair (gradient, aux). See `value_and_grad`.

    Examples
    --------
    >>> import jittape as jt
    >>> jt.grad(jt.tanh)(0.0)
    1.0
    """
    return _Grad(f, argnums, has_aux, max_paths, check_finite)
