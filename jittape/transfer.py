"""What a call does with numbers, by functions made for one structure: out of the arguments, into a buffer, and back out of it."""

from __future__ import annotations

import copy
import functools
import math
import operator
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from .structure import FLOATS, LITERALS, RATIONALS, Signature, build, exact_keys, factory

_FLOAT64 = np.dtype(np.float64)


def reader(signature: Signature, key: Any) -> Callable[[tuple, dict], Any]:
    """A function of a call's arguments that returns their leaves where their key is this one, else None.

    That takes a third of the time of splitting. None may also mean that a closer look is needed, as at an array of a subclass.
    """
    shape = only_array(signature, key)
    if shape is not None:
        return _reader_of_one_array(shape)
    positional, named = signature.specs(key)
    active = signature.positions(len(positional))
    readers: dict[int | str, _Reader] = {i: _reader(spec, i in active) for i, spec in enumerate(positional)}
    readers |= {name: _reader(spec, False) for name, spec in named}
    ordered = [(i, readers[i]) for i in signature.order(key)]
    places: list[tuple[int, _Reader]] = [(i, read) for i, read in ordered if isinstance(i, int)]
    names: list[tuple[str, _Reader]] = [(name, read) for name, read in ordered if isinstance(name, str)]
    order = [name for name, _ in named] if signature.ordered else None

    def read(args: tuple, kwargs: dict) -> list | None:
        if len(args) != len(places) or len(kwargs) != len(names) or (order is not None and list(kwargs) != order):
            return None
        leaves: list = []
        for i, fits in places:
            if not fits(args[i], leaves):
                return None
        for name, fits in names:
            if name not in kwargs or not fits(kwargs[name], leaves):
                return None
        return leaves

    def read_floats(args: tuple, kwargs: dict) -> list | None:
        if len(args) == key and not kwargs and list(map(type, args)).count(float) == key:
            return list(args)
        return read(args, kwargs)

    return read_floats if isinstance(key, int) else read


def only_array(signature: Signature, key: Any) -> tuple[int, ...] | None:
    """The shape of the only argument, where that is an array; else None."""
    positional, named = signature.specs(key)
    return positional[0][1] if len(positional) == 1 and not named and positional[0][0] == "array" else None


def _reader_of_one_array(shape: tuple[int, ...]) -> Callable[[tuple, dict], Any]:
    """The commonest call: its arguments are its leaves."""

    def read(args: tuple, kwargs: dict) -> Any:
        if len(args) == 1 and not kwargs:
            (x,) = args
            if type(x) is np.ndarray and x.dtype is _FLOAT64 and x.shape == shape:
                return args
        return None

    return read


# Appends the leaves of a value and tells whether it is of the structure; where not, it may have appended some.
_Reader = Callable[[Any, list], bool]


def _reader(spec: Any, differentiated: bool) -> _Reader:
    number = _reader_of_number(differentiated)
    if spec == "f":
        return number
    tag, kind = spec[:2]
    if tag == "array":
        return _reader_of_array(kind, "fiu" if differentiated else {(): "f", ("bool",): "b", ("int",): "iu"}[spec[2:]])
    if tag == "static":
        value, equal = spec[2], len(spec) == 3  # is all that counts
        return lambda x, leaves: type(x) is kind and (x is value or (equal and bool(x == value)))
    if tag == "floats":
        return _reader_of_floats(kind, spec[2], number)
    return _reader_of_items(spec, [_reader(item, differentiated) for item in spec[-1]], number)


def _reader_of_number(differentiated: bool) -> _Reader:
    kinds = (*FLOATS, *RATIONALS) if differentiated else FLOATS

    def read(x: Any, leaves: list) -> bool:
        if type(x) is not float:
            if not isinstance(x, kinds) or isinstance(x, LITERALS):
                return False
            x = float(x)
        leaves.append(x)
        return True

    return read


def _reader_of_array(shape: tuple[int, ...], kinds: str) -> _Reader:
    floats = "f" in kinds

    def read(x: Any, leaves: list) -> bool:
        if type(x) is np.ndarray and x.shape == shape and (x.dtype is _FLOAT64 and floats or x.dtype.kind in kinds):
            leaves.append(x)
            return True
        return False

    return read


def _reader_of_floats(kind: Any, n: int, number: _Reader) -> _Reader:
    floats = _floats(n, number)
    return lambda x, leaves: type(x) is kind and len(x) == n and floats(x, leaves)


def _floats(n: int, number: _Reader) -> _Reader:
    """The reader of ``n`` numbers, nearly always floats."""

    def read(items: Any, leaves: list) -> bool:
        if list(map(type, items)).count(float) == n:
            leaves.extend(items)
            return True
        return all([number(item, leaves) for item in items])

    return read


def _reader_of_items(spec: Any, readers: list[_Reader], number: _Reader) -> _Reader:
    tag, kind, n = spec[0], spec[1], len(readers)

    def read_each(items: Any, leaves: list) -> bool:
        for fits, item in zip(readers, items, strict=True):
            if not fits(item, leaves):
                return False
        return True

    read_all = _floats(n, number) if spec[-1] == ("f",) * n else read_each
    if tag == "seq":
        return lambda x, leaves: type(x) is kind and len(x) == n and read_all(x, leaves)
    if tag == "dict":
        _, _, keys, default_factory, exact, _ = spec
        return lambda x, leaves: (
            type(x) is kind
            and tuple(x) == keys
            and exact_keys(x) == exact
            and (kind is dict or factory(x) == default_factory)
            and read_all(x.values(), leaves)
        )
    return lambda x, leaves: type(x) is kind and read_all([getattr(x, name) for name in spec[2]], leaves)


def filler(shapes: list[tuple[int, ...] | None], inputs: np.ndarray) -> Callable[..., None]:
    """A function of leaves of these shapes, None for a float, that writes them one after the other into ``inputs``."""
    buffer = inputs.data.cast("B") if inputs.size else memoryview(bytearray())
    # arrays one by one, runs of floats together: 4 us for a thousand, where an assignment of the list takes 11
    arrays: list[tuple[np.ndarray, int]] = []
    runs: list[tuple[Callable[..., None], int, int]] = []
    at = i = 0
    while i < len(shapes):
        shape, first = shapes[i], i
        if shape is not None:
            stop = at + math.prod(shape)
            arrays.append((inputs[at:stop].reshape(shape), i))
            at, i = stop, i + 1
            continue
        while i < len(shapes) and shapes[i] is None:
            i += 1
        runs.append((functools.partial(struct.Struct(f"{i - first}d").pack_into, buffer, 8 * at), first, i))
        at += i - first
    if not arrays and len(runs) == 1:
        return runs[0][0]
    if len(arrays) == 1 and not runs:
        return functools.partial(operator.setitem, arrays[0][0], ...)

    def fill(*leaves: Any) -> None:
        for view, k in arrays:
            view[...] = leaves[k]
        for pack, first, stop in runs:
            pack(*leaves[first:stop])

    return fill


def taker(signature: Signature, key: Any, vector: np.ndarray) -> Callable[[], Any]:
    """A function that makes the differentiated arguments of what their vector holds by then; the result shares no memory.

    It has views of the vector, so that a call only copies: making a view takes as long as copying a hundred numbers.
    """
    if isinstance(key, int):
        return vector.item if signature.single else lambda: tuple(vector.tolist())
    positional, _ = signature.specs(key)
    positions = signature.positions(len(positional))
    takers: dict[int, Callable[[], Any]] = {}
    stop = 0
    for i in positions:
        if i not in takers:
            takers[i], stop = _taker(positional[i], vector, stop)
    if signature.single:
        return takers[positions[0]]
    chosen = [takers[i] for i in positions]
    return lambda: tuple([take() for take in chosen])


def giver(spec: Any, values: np.ndarray, places: np.ndarray) -> Callable[[], Any]:
    """A function that makes a result of what stands at these places of the values by then; it shares no memory with them."""
    vector = np.empty(len(places))
    take, _ = _taker(spec, vector, 0)

    def give() -> Any:
        values.take(places, out=vector, mode="clip")  # "raise" would need a buffer
        return take()

    return give


def _taker(spec: Any, vector: np.ndarray, start: int) -> tuple[Callable[[], Any], int]:
    """A function that copies the structure of ``spec`` out of a vector from ``start`` on, and where it ends."""
    if spec == "f":
        return functools.partial(vector.item, start), start + 1
    if spec == "b":
        return lambda: vector.item(start) != 0.0, start + 1
    tag, kind = spec[:2]
    if tag == "array":
        stop = start + math.prod(spec[1])
        view = vector[start:stop].reshape(spec[1])
        return (lambda: view != 0.0) if len(spec) > 2 else view.copy, stop
    if tag == "floats":
        stop = start + spec[2]
        numbers = vector[start:stop].tolist
        return numbers if kind is list else lambda: kind(numbers()), stop
    if tag == "static":
        return lambda: spec[2], start
    if tag == "copy":
        return lambda: copy.deepcopy(spec[2]), start
    takers = []
    for item in spec[-1]:
        take, start = _taker(item, vector, start)
        takers.append(take)
    if tag == "dict" and kind is dict:
        named = list(zip(spec[2], takers, strict=True))
        return lambda: {key: take() for key, take in named}, start
    return lambda: build(spec, [take() for take in takers]), start
