"""Arguments as a structure of leaves: flatten, rebuild, and compare, for nested lists, tuples, dicts and dataclasses of floats.

A structure is described by its *spec*, nested tuples that are hashable and say all that a recording depends on::

    "f"                          a float
    ("array", shape)             an array of floats
    ("array", shape, "bool")     an array of truth values that is not differentiated, or "int": one of integers
    ("floats", list, n)          a list (or tuple) of n floats
    ("seq", type, specs)         a list or tuple; a namedtuple has its own type
    ("dict", type, keys, default_factory, exact, specs)  a dict; None for the factory but of a defaultdict; ``exact`` tells keys that
        are equal apart, such as 1 and True, and is None where all are strings
    ("data", type, fields, specs)  a dataclass
    ("static", type, value)      anything else that is hashable: part of the recording
    ("static", type, value, exact)  with what tells it from its equals: the types inside a frozenset, the zone of a time

A result may also have ``"b"``, a truth value, and ``("copy", type, value)``, of which every call gets a copy.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import dataclasses
import datetime
import decimal
import enum
import numbers
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence, ValuesView
from typing import Any

import numpy as np

from .errors import TracingTypeError

_FLOAT64 = np.dtype(np.float64)
FLOATS, RATIONALS = (float, np.floating), (int, np.integer, numbers.Rational)
# Numbers by inheritance, but what they are counts, not how much.
LITERALS = (bool, enum.Enum, np.timedelta64)
# Hashed by identity, whatever they yield.
_YIELDING = (Iterator, ValuesView)
# Equal ones may differ in what they print: Decimal("1.0") and Decimal("1.00"), an hour in two zones, a day and its midnight, empty ranges.
_LOOSE = (decimal.Decimal, datetime.datetime, datetime.time, np.datetime64, np.timedelta64, range)


def flatten(x: Any, leaves: list, differentiated: bool, where: Any) -> Any:
    """Append the leaves of ``x`` (floats and float64 arrays) to ``leaves`` and return the spec.

    An int or a fraction is a float where it is differentiated, otherwise static; a bool or a member of an enumeration is always
    static. Int and bool arrays become float64; those that are not differentiated are told apart: a function may ask what they are, and
    bools are conditions, which index as a mask and not as the numbers 0 and 1.
    ``where`` is the position or the name of the argument; inside it a pair of the structure's and the key or the field, spelled
    only in errors.

    Raises
    ------
    TypeError
        for complex and object arrays, and for anything that can be neither a leaf nor hashed.
    """
    kind = type(x)
    if kind is float:
        leaves.append(x)
        return "f"
    if kind is np.ndarray:
        if x.dtype is _FLOAT64:  # the commonest leaf
            leaves.append(x)
            return ("array", x.shape)
        leaves.append(_array(x, where))
        return _of_array(x, differentiated)
    if kind is dict:
        specs = tuple([flatten(item, leaves, differentiated, (where, key)) for key, item in x.items()])
        return ("dict", dict, tuple(x), None, exact_keys(x), specs)
    if kind is list or kind is tuple:
        if x and list(map(type, x)).count(float) == len(x):
            leaves.extend(x)
            return ("floats", kind, len(x))
        specs = tuple([flatten(item, leaves, differentiated, where) for item in x])
        if specs and set(specs) == {"f"}:
            return ("floats", kind, len(x))
        return ("seq", kind, specs)
    if isinstance(x, LITERALS):
        return _static(x, where)
    if isinstance(x, RATIONALS) and not differentiated:
        return ("static", int, int(x)) if isinstance(x, np.integer) else ("static", kind, x)
    if isinstance(x, (*FLOATS, *RATIONALS)):
        leaves.append(float(x))
        return "f"
    if isinstance(x, np.ndarray):
        leaves.append(_array(ordinary(x), where))
        return _of_array(x, differentiated)
    if isinstance(x, dict):
        specs = tuple([flatten(item, leaves, differentiated, (where, key)) for key, item in x.items()])
        return ("dict", kind, tuple(x), factory(x), exact_keys(x), specs)
    if isinstance(x, (list, tuple)):
        return ("seq", kind, tuple([flatten(item, leaves, differentiated, where) for item in x]))
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        fields = tuple(field.name for field in dataclasses.fields(x))
        return ("data", kind, fields, tuple([flatten(getattr(x, f), leaves, differentiated, (where, "", f)) for f in fields]))
    return _static(x, where)


def factory(x: dict) -> Any:
    """What makes the missing values of a `defaultdict`; None for other dicts."""
    return x.default_factory if isinstance(x, collections.defaultdict) else None


def exact_keys(x: dict) -> Any:
    """What tells the keys of a dict from other ones that equal them; None where all are of the type str."""
    return None if list(map(type, x)).count(str) == len(x) else tuple(map(_exact, x))


def _spelled(where: Any) -> str:
    """A place in the arguments as users write it."""
    if isinstance(where, tuple):
        return _spelled(where[0]) + (f"[{where[1]!r}]" if len(where) == 2 else f".{where[2]}")
    return f"argument {where!r}"


def _array(x: np.ndarray, where: Any) -> np.ndarray:
    if x.dtype.kind not in "fiub":
        raise TracingTypeError(
            f"{_spelled(where)} is an array of {x.dtype}; jittape takes arrays of real numbers"
            + (" (convert it with np.asarray(x, float))" if x.dtype.kind == "O" else "")
        )
    return x


def _of_array(x: np.ndarray, differentiated: bool) -> Any:
    if differentiated or x.dtype.kind == "f":
        return ("array", x.shape)
    return ("array", x.shape, "bool" if x.dtype.kind == "b" else "int")


def without_integers(key: Any) -> Any:
    """A spec or a key with arrays of integers as arrays of floats."""
    if isinstance(key, tuple):
        return key[:2] if key[:1] == ("array",) and key[2:] == ("int",) else tuple(map(without_integers, key))
    return key


def ordinary(x: np.ndarray) -> np.ndarray:
    """An array of a subclass as one of NumPy's own; TypeError where that would lose a mask or change what ``*`` means."""
    if isinstance(x, np.ma.MaskedArray):
        raise TracingTypeError("a masked array would lose its mask; pass x.filled(...), or x.data and the mask as an array")
    if isinstance(x, np.matrix):
        raise TracingTypeError("np.matrix multiplies matrices where arrays multiply elements; pass np.asarray(x)")
    return np.asarray(x)


def _static(x: Any, where: Any) -> Any:
    if isinstance(x, (complex, np.complexfloating)):
        raise TracingTypeError(f"{_spelled(where)} is the complex number {x!r}; jittape is real-valued")
    if hasattr(type(x), "rec"):
        raise TracingTypeError(
            f"{_spelled(where)} is a traced value: a gradient inside a recorded function is not supported; call it outside"
        )
    if hasattr(type(x), "__array__") and not isinstance(x, np.generic):
        raise TracingTypeError(f"{_spelled(where)} is a {type(x).__name__}, an array of another library; pass np.asarray(x)")
    if isinstance(x, _YIELDING):
        raise TracingTypeError(
            f"{_spelled(where)} is a {type(x).__name__}, whose items would be frozen when recorded; pass a list of them"
        )
    if any(str(kind.__module__) == "random" or str(kind.__module__).startswith("numpy.random") for kind in type(x).__mro__):
        raise TracingTypeError(
            f"{_spelled(where)} is a {type(x).__name__}, whose random numbers would be frozen when recorded; draw them outside and pass an "
            "array of them"
        )
    try:
        hash(x)
    except TypeError:
        raise TracingTypeError(
            f"{_spelled(where)} is of type {type(x).__name__}, which is neither a number, an array, a list, tuple, dict or dataclass of "
            "those, nor hashable, as what is part of the recording has to be; pass a list, a dict or an array of what is in it"
        ) from None
    return ("static", type(x), x, _exact(x)) if isinstance(x, (frozenset, *_LOOSE)) else ("static", type(x), x)


def _exact(x: Any) -> Any:
    """What is equal only where the types inside are, too."""
    if isinstance(x, frozenset):
        return type(x), frozenset(map(_exact, x))
    if isinstance(x, tuple):
        return type(x), tuple(map(_exact, x))
    if dataclasses.is_dataclass(x) and not isinstance(x, type) and type(x).__dataclass_params__.eq:  # type: ignore[attr-defined]
        compared = [_exact(getattr(x, field.name, None)) for field in dataclasses.fields(x) if field.compare]
        with contextlib.suppress(TypeError):  # its own `__hash__` may leave out what has none
            hash(tuple(compared))
            return type(x), x, tuple(compared)
    return type(x), x, repr(x) if isinstance(x, (*FLOATS, *_LOOSE)) else None  # a float for the sign of its zero


def unflatten(spec: Any, leaves: Iterator[Any]) -> Any:
    """The structure that ``spec`` describes, with the next leaves of ``leaves`` in it."""
    tag = spec[0]
    if tag in ("f", "b", "array"):
        return next(leaves)
    if tag == "floats":
        return spec[1]([next(leaves) for _ in range(spec[2])])
    if tag == "static":
        return spec[2]
    if tag == "copy":
        return copy.deepcopy(spec[2])
    return build(spec, [unflatten(item, leaves) for item in spec[-1]])


def build(spec: Any, items: list) -> Any:
    """The list, dict or dataclass that ``spec`` describes, of these items."""
    tag, kind = spec[:2]
    if tag == "seq":
        return items if kind is list else _sequence(kind, items)
    if tag == "dict":
        return dict(zip(spec[2], items, strict=True)) if kind is dict else _mapping(kind, spec[2], spec[3], items)
    out = object.__new__(kind)
    for name, item in zip(spec[2], items, strict=True):
        object.__setattr__(out, name, item)
    return out


def _sequence(kind: Any, items: list) -> Any:
    """A tuple or a list of a type whose constructor may take its items one by one, or something else."""
    if issubclass(kind, tuple):
        return tuple.__new__(kind, items)
    out = kind(items)
    if len(out) != len(items) or any(map(operator.is_not, out, items)):
        raise TracingTypeError(f"{kind.__name__}(items) is no list of these items; pass a plain list")
    return out


def _mapping(kind: type, keys: tuple, default_factory: Any, items: list) -> Any:
    try:
        out = kind()
    except TypeError as error:
        raise TracingTypeError(
            f"jittape makes a {kind.__name__} without arguments and then fills it; pass a plain dict"
        ) from error
    if default_factory is not None:
        out.default_factory = default_factory
    for key, item in zip(keys, items, strict=True):
        out[key] = item
    return out


def _parts(spec: Any, path: str) -> list[tuple[str, Any]]:
    """The path and spec of every item of a container; nothing where the spec is a leaf."""
    tag = spec[0]
    if tag == "floats":
        return [(f"{path}[{i}]", "f") for i in range(spec[2])]
    if tag == "seq":
        names = [f"{path}[{i}]" for i in range(len(spec[2]))]
    elif tag == "dict":
        names = [f"{path}[{key!r}]" for key in spec[2]]
    elif tag == "data":
        names = [f"{path}.{name}" for name in spec[2]]
    else:
        return []
    return list(zip(names, spec[-1], strict=True))


def places(spec: Any, path: str) -> list[tuple[str, tuple[int, ...] | None, int]]:
    """The path, the shape and the number of floats of every leaf, in order; a list of floats is one place.

    The shape of a float is None, and an array has no floats.
    """
    if spec == "f":
        return [(path, None, 1)]
    if spec[0] == "array":
        return [(path, spec[1], 0)]
    if spec[0] == "floats":
        return [(path, (spec[2],), spec[2])]
    return [place for name, item in _parts(spec, path) for place in places(item, name)]


def difference(old: Any, new: Any, path: str) -> tuple[str, Any, Any]:
    """The outermost place where two unequal specs differ in more than their items, and what each has there."""
    items, others = _parts(old, path), _parts(new, path)
    # equal paths are equal kinds of containers but for their types
    if items and [name for name, _ in items] == [name for name, _ in others] and old[1] == new[1]:
        for (name, one), (_, other) in zip(items, others, strict=True):
            if one != other:
                return difference(one, other, name)
    return path, old, new


def size(leaves: list) -> int:
    """The number of numbers in leaves."""
    return sum([1 if type(leaf) is float else leaf.size for leaf in leaves])


def _is_traced(key: Any) -> bool:
    """Whether a key is a traced value or has one inside."""
    return any(map(_is_traced, key)) if isinstance(key, (tuple, frozenset)) else hasattr(type(key), "rec")


def map_leaves(x: Any, function: Callable[[Any], Any]) -> tuple[Any, list]:
    """The structure of a function's result, described like a spec, and ``function`` of each of its leaves."""
    out: list = []

    def walk(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return ("seq", type(x), tuple([walk(item) for item in x]))
        if isinstance(x, dict):
            if any(map(_is_traced, x)):
                raise TracingTypeError("a traced value is in a key of a dict that is returned; return it as a value")
            return ("dict", type(x), tuple(x), factory(x), None, tuple([walk(item) for item in x.values()]))
        if dataclasses.is_dataclass(x) and not isinstance(x, type):
            fields = tuple(field.name for field in dataclasses.fields(x))
            return ("data", type(x), fields, tuple([walk(getattr(x, name)) for name in fields]))
        spec, leaf = function(x)
        out.append(leaf)
        return spec

    return walk(x), out


class Signature:
    """Which arguments of a function are differentiated: splits arguments into leaves and back.

    ``argnums`` is an int or a tuple of ints, as in JAX. Leaves of differentiated arguments come first. ``ordered`` says that the
    function can tell in which order its keyword arguments come, so that each order is a structure of its own.
    """

    __slots__ = ("argnums", "single", "ordered", "_first", "_positions")

    def __init__(self, argnums: int | tuple[int, ...], ordered: bool = False) -> None:
        self.ordered = ordered
        self.single = isinstance(argnums, (int, np.integer))
        chosen: Any = (argnums,) if self.single else tuple(argnums) if isinstance(argnums, Iterable) else ()
        if not chosen or not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in chosen):
            raise TypeError(f"argnums is {argnums!r}; it must be an int or a non-empty tuple of ints")
        self.argnums = tuple(int(i) for i in chosen)
        self._first = self.argnums == tuple(range(len(self.argnums)))
        self._positions: dict[int, tuple[int, ...]] = {}

    def __reduce__(self) -> Any:
        return Signature, (self.argnums[0] if self.single else self.argnums, self.ordered)

    def split(self, args: tuple, kwargs: dict) -> tuple[Any, list, int]:
        """The key of a call (all that its recording depends on), its leaves, and how many leaves are differentiated."""
        leaves: list = []
        # the two commonest calls: numbers only, and one array only
        if self._first and len(args) >= len(self.argnums) and not kwargs:
            kind = type(args[0])
            if kind is float and list(map(type, args)).count(float) == len(args):
                return len(args), list(args), len(self.argnums)
            if kind is np.ndarray and len(args) == 1 and args[0].dtype is _FLOAT64:
                return ((("array", args[0].shape),), ()), [args[0]], 1
        specs: list = [None] * len(args)
        for i in self.positions(len(args)):
            if specs[i] is None:
                specs[i] = flatten(args[i], leaves, True, i)
                if specs[i][0] == "static":
                    raise TracingTypeError(
                        f"argument {i} is of type {type(args[i]).__name__}, not differentiable: gradients are taken in numbers, arrays of "
                        "numbers, and lists, tuples, dicts and dataclasses of those; convert it, or choose other argnums"
                    )
        active = len(leaves)
        for i, x in enumerate(args):
            if specs[i] is None:
                specs[i] = flatten(x, leaves, False, i)
        named = (
            tuple([(name, flatten(kwargs[name], leaves, False, name)) for name in (kwargs if self.ordered else sorted(kwargs))])
            if kwargs
            else ()
        )
        if self._first and not named and specs.count("f") == len(specs):
            return len(args), leaves, active  # ints and NumPy's numbers have the key of floats
        return (tuple(specs), named), leaves, active

    def positions(self, n: int) -> tuple[int, ...]:
        """``argnums`` as positions among ``n`` positional arguments."""
        found = self._positions.get(n)
        if found is None:
            for i in self.argnums:
                if not -n <= i < n:
                    raise TypeError(
                        f"argnums is {i}, but the function was called with {n} positional argument{'s' * (n != 1)}; "
                        "arguments that gradients are taken in are passed by position"
                    )
            found = self._positions[n] = tuple(i % n for i in self.argnums)
        return found

    def specs(self, key: Any) -> tuple[list, list[tuple[str, Any]]]:
        """The specs of the positional and of the keyword arguments."""
        return (["f"] * key, []) if isinstance(key, int) else (list(key[0]), list(key[1]))

    def order(self, key: Any) -> list[int | str]:
        """The arguments in the order of their leaves."""
        positional, named = self.specs(key)
        first = list(dict.fromkeys(self.positions(len(positional))))
        return [*first, *(i for i in range(len(positional)) if i not in first), *(name for name, _ in named)]

    def join(self, key: Any, leaves: Iterator[Any]) -> tuple[list, dict]:
        """Arguments with the given leaves in them."""
        positional, named = self.specs(key)
        specs: dict[int | str, Any] = dict(enumerate(positional)) | dict(named)
        built = {name: unflatten(specs[name], leaves) for name in self.order(key)}
        return [built[i] for i in range(len(positional))], {name: built[name] for name, _ in named}

    def places(self, key: Any, names: Sequence[str] = ()) -> list[tuple[str, tuple[int, ...] | None, int]]:
        """The path, the shape and the number of floats of every leaf, in order; ``names`` are the parameters of the function."""
        positional, named = self.specs(key)
        specs: dict[int | str, Any] = dict(enumerate(positional)) | dict(named)
        out = []
        for i in self.order(key):
            path = i if isinstance(i, str) else names[i] if i < len(names) else f"args[{i}]"
            out += places(specs[i], path)
        return out

    def shapes(self, key: Any) -> list[tuple[int, ...] | None]:
        """The shape of every leaf, in order; None for a float."""
        return [leaf for _, shape, floats in self.places(key) for leaf in ([None] * floats if floats else [shape])]
