"""Where the nodes of a small layered graph go: pure geometry, used by the picture of a tape.

A node is placed on a level, below everything it reads. An edge that spans several levels passes through a *joint* on each
level between, and all the long edges of one node share their joints. Both are keyed (node, level).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

Key = tuple[int, int]

GAP = 26.0  # between two neighbours on a level
_SWEEPS = 12
_RELAX = 150


class Layout(NamedTuple):
    """Rows of keys from left to right, the centre of every key, and the links between neighbouring levels."""

    rows: list[list[Key]]
    x: dict[Key, float]
    level: dict[int, int]
    links: list[tuple[Key, Key]]


def place(reads: Mapping[int, Sequence[int]], width: Mapping[int, float]) -> Layout:
    """Place a graph: ``reads`` names the operands of each node, operands before readers.

    The drawing depends on nothing but the arguments.
    """
    level = levels(reads)
    links: dict[tuple[Key, Key], None] = {}
    for node, operands in reads.items():
        for source in operands:
            path = [(source, at) for at in range(level[source], level[node])] + [(node, level[node])]
            links.update(dict.fromkeys(pairwise(path)))
    rows: list[list[Key]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for key in sorted({(node, at) for node, at in level.items()} | {key for link in links for key in link}):
        rows[key[1]].append(key)
    rows = _untangle(rows, list(links))
    return Layout(rows, _coordinates(rows, list(links), level, width), level, list(links))


def levels(reads: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """One level more than the lowest operand; a node that reads nothing stands just above its first reader."""
    level: dict[int, int] = {}
    for node, operands in reads.items():
        level[node] = 1 + max((level[s] for s in operands), default=-1)
    for node, operands in reads.items():
        readers = [level[r] for r, sources in reads.items() if node in sources]
        if not operands and readers:
            level[node] = min(readers) - 1
    return level


def _neighbours(links: list[tuple[Key, Key]]) -> tuple[dict[Key, list[Key]], dict[Key, list[Key]]]:
    above: dict[Key, list[Key]] = {}
    below: dict[Key, list[Key]] = {}
    for top, bottom in links:
        below.setdefault(top, []).append(bottom)
        above.setdefault(bottom, []).append(top)
    return above, below


def _crossings(upper: list[Key], lower: list[Key], below: dict[Key, list[Key]]) -> int:
    """How many pairs of links between two rows cross."""
    at = {key: i for i, key in enumerate(lower)}
    ends = [sorted(at[key] for key in below.get(top, ())) for top in upper]
    flat = [end for group in ends for end in group]
    starts = [i for i, group in enumerate(ends) for _ in group]
    return sum(flat[i] > flat[j] and starts[i] < starts[j] for i in range(len(flat)) for j in range(i + 1, len(flat)))


def _untangle(rows: list[list[Key]], links: list[tuple[Key, Key]]) -> list[list[Key]]:
    """Order the rows so that few links cross: barycentres, then exchanges of neighbours; the best order seen wins."""
    above, below = _neighbours(links)

    def around(i: int) -> int:
        return sum(_crossings(rows[k], rows[k + 1], below) for k in (i - 1, i) if 0 <= k < len(rows) - 1)

    def total() -> int:
        return sum(_crossings(upper, lower, below) for upper, lower in pairwise(rows))

    best, fewest = [list(row) for row in rows], total()
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for i in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            fixed = {key: k for k, key in enumerate(rows[i - 1 if down else i + 1])}
            near = above if down else below
            mean = {key: float(k) for k, key in enumerate(rows[i])}
            mean |= {key: sum(fixed[n] for n in near[key]) / len(near[key]) for key in rows[i] if key in near}
            rows[i] = sorted(rows[i], key=mean.__getitem__)
        for i, row in enumerate(rows):
            for k in range(len(row) - 1):
                before = around(i)
                row[k], row[k + 1] = row[k + 1], row[k]
                if around(i) >= before:
                    row[k], row[k + 1] = row[k + 1], row[k]
        if (now := total()) < fewest:
            best, fewest = [list(row) for row in rows], now
    return best


def _coordinates(rows, links, level, width) -> dict[Key, float]:
    """Centres that keep links short and straight: relaxation, one row at a time, neighbours never closer than `GAP`."""

    def real(key: Key) -> bool:
        return level[key[0]] == key[1]

    # a joint is drawn as a line, so bends at joints cost more than bends at nodes
    weight = {link: (1.0, 3.0, 8.0)[2 - real(link[0]) - real(link[1])] for link in links}
    above, below = _neighbours(links)
    half = {key: width[key[0]] / 2 if real(key) else 0.0 for row in rows for key in row}
    x: dict[Key, float] = {}
    for row in rows:
        at = 0.0
        for left, key in zip([None, *row], row, strict=False):
            at += half[key] + (half[left] + GAP if left else 0.0)
            x[key] = at
        x.update({key: x[key] - at / 2 for key in row})
    for sweep in range(_RELAX):
        # first least squares, which finds the shape; then large bends of lone links count less and less, so that chains
        # become straight, while a node with several operands stays in their middle
        soft = max(1.0, 400.0 * 0.93 ** (sweep - _RELAX // 4)) if sweep > _RELAX // 4 else math.inf
        for row in rows if sweep % 2 else reversed(rows):
            want, weights = [], []
            for key in row:
                pulls = []
                for top, low in [(n, key) for n in above.get(key, ())] + [(key, n) for n in below.get(key, ())]:
                    bend = abs(x[top] - x[low]) / soft
                    give = 1.0 + bend * bend if len(above[low]) == 1 else 1.0 + 3.0 * bend
                    pulls.append((x[low if top == key else top], weight[top, low] / give))
                weights.append(sum(w for _, w in pulls) or 1e-3)
                want.append(sum(at * w for at, w in pulls) / weights[-1] if pulls else x[key])
            room = [half[left] + half[right] + GAP for left, right in pairwise(row)]
            x.update(zip(row, apart(want, weights, room), strict=True))
    return x


def apart(want: Sequence[float], weight: Sequence[float], room: Sequence[float]) -> list[float]:
    """The positions nearest to ``want`` in weighted least squares with ``room[i]`` at least between ``i`` and ``i + 1``."""
    offset = [0.0]
    for r in room:
        offset.append(offset[-1] + r)
    blocks: list[list[float]] = []  # mean, weight, size: neighbours that would overlap move as one
    for w, t, o in zip(weight, want, offset, strict=False):
        blocks.append([t - o, w, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, total, size = blocks.pop()
            last = blocks[-1]
            blocks[-1] = [(last[0] * last[1] + mean * total) / (last[1] + total), last[1] + total, last[2] + size]
    flat = [mean for mean, _, size in blocks for _ in range(int(size))]
    return [f + o for f, o in zip(flat, offset, strict=False)]
