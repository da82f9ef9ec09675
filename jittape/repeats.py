"""Where a sequence of instructions repeats: the loops that it was unrolled from."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

# The longest body of a loop that is looked for, and how many instructions have to be saved.
_LONGEST, _WORTH = 600, 24
# Turns of a shorter body run as one: what one computes for the next stays in registers, and a step of a few operations takes half the time.
_SHORTEST = 32
# How long a body may be is guessed from so many excerpts of this length, and how many neighbours are compared to find what is alike: few
# find short bodies, many those with parts that are alike.
_EXCERPTS, _EXCERPT, _WINDOWS = 4, 4 * _LONGEST, (1, 4, 32)
# Of each comparison so many distances are tried, the commonest.
_DISTANCES = 2


class Part(NamedTuple):
    """A part of a sequence: ``repeats`` times ``length`` instructions from ``start`` on.

    ``steps`` are by instruction how much further each operand is from one time to the next.
    """

    start: int
    length: int
    repeats: int
    steps: np.ndarray


def parts(kinds: np.ndarray, operands: np.ndarray) -> list[Part]:
    """Cut a sequence into loops, and what is between them.

    A loop does the same on each turn, with operands that are a constant number further than on the turn before.

    Parameters
    ----------
    kinds : what each instruction does
    operands : by instruction, its operands (n, any number)

    Returns
    -------
    the parts in order, which together are the whole sequence

    Examples
    --------
    >>> import numpy as np
    >>> kinds = np.array([7, *20 * [*range(50)]])
    >>> operands = np.array([[0], *[[turn + k] for turn in range(20) for k in range(50)]])
    >>> [(part.start, part.length, part.repeats, part.steps[0].tolist()) for part in parts(kinds, operands)]
    [(0, 1, 1, [0]), (1, 50, 20, [1])]
    """
    n = len(kinds)
    found: list[tuple[int, int, int]] = []
    tried: dict[int, np.ndarray] = {}
    open_ends = [(0, n)]
    for length in _lengths(kinds, operands) if n >= 3 * _SHORTEST else ():
        tried[length] = _regular(kinds, operands, length)
        if np.count_nonzero(tried[length]) > 0.9 * n:
            break
    while open_ends:
        begin, end = open_ends.pop()
        saved, start, length, repeats = max(
            [_best(runs, length, begin, end) for length, runs in tried.items()], default=(0, 0, 0, 0)
        )
        if saved >= _WORTH:
            found.append((start, length, repeats))
            open_ends += [(begin, start), (start + length * repeats, end)]
    out, at = [], 0
    for start, length, repeats in [*sorted(found), (n, 0, 0)]:
        if start > at:
            out.append(Part(at, start - at, 1, np.zeros((start - at, operands.shape[1]), np.int64)))
        if length:
            steps = operands[start + length : start + 2 * length] - operands[start : start + length]
            out.append(Part(start, length, repeats, steps))
        at = start + length * repeats
    return out


def _lengths(kinds: np.ndarray, operands: np.ndarray) -> list[int]:
    """How long the body of a loop may be, the likeliest first: how far apart neighbours are that are alike, if there is such a loop.

    They may be alike in what they do, in one of their operands, or in how far one is from the last: loops within loops do the same on
    each turn of both, but not with the same operands.
    """
    n = len(kinds)
    starts = {int(at) for at in np.linspace(0, max(0, n - _EXCERPT), _EXCERPTS)}
    excerpts = [(kinds[at : at + _EXCERPT], operands[at : at + _EXCERPT]) for at in starts]
    votes: Counter[int] = Counter()
    for kind, read in excerpts:
        some = kind.astype(np.uint64)
        for column in (np.zeros(len(some)), *read.T, *(read[:, -1:] - read[:, :-1]).T):
            mixed = (some + np.uint64(1)) * _ODD ^ (column.astype(np.int64).astype(np.uint64) + np.uint64(1)) * _OTHER
            size = 1
            for window in _WINDOWS:
                while size < window < len(some):  # a hash of twice as many
                    mixed = mixed[:-size] * _OTHER + (mixed[size:] ^ mixed[size:] >> np.uint64(29))
                    size *= 2
                order = np.argsort(mixed, kind="stable")
                apart = np.diff(order)[np.diff(mixed[order]) == 0]
                often = np.bincount(apart[apart <= min(_LONGEST, n // 3)], minlength=1)
                for length in np.argsort(-often, kind="stable")[:_DISTANCES].tolist():
                    votes[length] += int(often[length])
    least = len(excerpts[0][0]) // _RARE
    return [
        length
        for length, _ in votes.most_common()
        if length and any(np.count_nonzero(_regular(*excerpt, length)) > max(length, least) for excerpt in excerpts)
    ]


# Multipliers of hashes: any odd numbers with bits everywhere.
_ODD, _OTHER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
# A loop that fewer than one in so many of an excerpt are in does not pay.
_RARE = 20


def _regular(kinds: np.ndarray, operands: np.ndarray, length: int) -> np.ndarray:
    """By instruction, whether it and the next two at this distance are of a kind, and their operands as far apart."""
    same = kinds[length:] == kinds[:-length]
    steps = operands[length:] - operands[:-length]
    return same[length:] & same[:-length] & (steps[length:] == steps[:-length]).all(axis=1)


def _best(regular: np.ndarray, length: int, begin: int, end: int) -> tuple[int, int, int, int]:
    """The loop between two places that saves most: instructions saved, start, length of the body, and repeats."""
    inside = regular[begin : max(begin, end - 2 * length)]
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    starts, runs = edges[::2], np.diff(edges)[::2]
    longest = int(np.argmax(runs)) if len(runs) else 0
    if not len(runs) or runs[longest] < length:  # not all of a body
        return 0, 0, 0, 0
    repeats = int(runs[longest]) // length + 2
    turns = -(-_SHORTEST // length)  # to run as one
    length, repeats = length * turns, repeats // turns
    return length * (repeats - 1), begin + int(starts[longest]), length, repeats
