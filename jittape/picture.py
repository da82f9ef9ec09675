"""A small computation graph drawn as SVG: cards in levels, joined by lines that carry labels.

Every text stands on a fill of its own, so a picture reads on a light and on a dark page. Colours and fonts are attributes, not
a style sheet, because a style sheet inside a notebook would apply to the whole page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from . import layout

_VALUE, _ADJOINT, _GUARD, _INK, _FAINT, _LINE = "#1d4ed8", "#c2410c", "#7e22ce", "#111827", "#6b7280", "#8b95a5"
_FILL = {"output": "#dcfce7", "operation": "#ffffff", "input": "#dbeafe", "constant": "#e5e7eb"}
_STROKE = {"output": "#16a34a"}
_TOP = 36  # room above a card, for the labels of the lines that arrive
_LONGEST = 36  # letters in a title
_FONT = "Menlo, Consolas, 'DejaVu Sans Mono', monospace"


class Card(NamedTuple):
    """A node: what it says, and the nodes it reads, each with the label of the line between (empty: a dashed line)."""

    mark: str
    title: str
    value: str
    adjoint: str
    remarks: list[str]
    operands: list[tuple[int, str]]
    kind: str

    @property
    def leaf(self) -> bool:
        """Whether it is drawn as one: rounder."""
        return not self.mark

    @property
    def shown(self) -> tuple[str, str]:
        """Mark and title, shortened if need be."""
        if len(self.mark + self.title) <= _LONGEST:
            return self.mark, self.title
        return "", (self.mark + self.title)[: _LONGEST - 1] + "…"

    @property
    def numbers(self) -> list[tuple[str, str]]:
        """Value and adjoint with their colours."""
        return [(text, colour) for text, colour in ((self.value, _VALUE), (self.adjoint, _ADJOINT)) if text]

    @property
    def port(self) -> float:
        """The room for one arriving line and its label."""
        return max((_width(label, 11) + 14 for _, label in self.operands if label), default=16.0) + 6

    @property
    def width(self) -> float:
        """The room that the widest line takes."""
        rows = [_width("".join(self.shown), 13), sum(_width(text, 12) + 16 for text, _ in self.numbers) - 16]
        rows += [_width(remark, 10.5) for remark in self.remarks]
        return max(64.0, len(self.operands) * self.port, *(row + 24 for row in rows))

    @property
    def height(self) -> float:
        """The room that all lines take."""
        return 28.0 + 18 * bool(self.numbers) + 14 * len(self.remarks)

    def draw(self, x: float, y: float) -> list[str]:
        """The card with the middle of its upper edge at (x, y)."""
        stroke = _STROKE.get(self.kind, "#64748b")
        drawn = [f"<g><title>{escape(self.mark + self.title)}</title>"]
        drawn.append(_box(x, y, self.width, self.height, 18 if self.leaf else 8, _FILL[self.kind], stroke, 1.5))
        mark, title = self.shown
        if mark:
            split = x + (_width(mark, 13) - _width(title, 13)) / 2
            drawn.append(_text(split - 6, y + 19, 13, _FAINT, mark.rstrip(), "end"))
            drawn.append(_text(split + 2, y + 19, 13, _INK, title, "start"))
        else:
            drawn.append(_text(x, y + 19, 13, _INK, title))
        at = x - (sum(_width(text, 12) + 16 for text, _ in self.numbers) - 16) / 2
        for text, colour in self.numbers:
            drawn.append(_text(at + _width(text, 12) / 2, y + 37, 12, colour, text))
            at += _width(text, 12) + 16
        for up, remark in enumerate(reversed(self.remarks)):
            colour = _GUARD if remark.startswith("guard") else _FAINT
            drawn.append(_text(x, y + self.height - 9 - 14 * up, 10.5, colour, remark))
        return [*drawn, "</g>"]


def _width(text: str, size: float) -> float:
    """How wide text in a monospaced font is at most."""
    return 0.61 * size * sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _text(x: float, y: float, size: float, fill: str, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}" text-anchor="{anchor}">{escape(text)}</text>'


def _box(x: float, y: float, w: float, h: float, r: float, fill: str, stroke: str, line: float = 1.0) -> str:
    """A rounded rectangle, ``x`` at its centre."""
    place = f'x="{x - w / 2:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{r:g}"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}" stroke-width="{line:g}"/>'


def _label(x: float, y: float, w: float, text: str) -> list[str]:
    return [_box(x, y, w, 17, 8.5, "#fff7ed", "#fdba74"), _text(x, y + 12.5, 11, _ADJOINT, text)]


def _edges(
    cards: Mapping[int, Card], graph: layout.Layout, tops: list[float], ends: list[float]
) -> tuple[list[str], list[str]]:
    """The lines, and the labels on them; ``tops`` is where the cards of each row begin, ``ends`` where the row above ends."""

    def line(top: layout.Key, x: float, end: float, live: bool) -> str:
        """From a card or a joint to the next row; straight inside rows, curved between them."""
        x0, y1, y2 = graph.x[top], ends[top[1] + 1], tops[top[1] + 1] - _TOP
        y0 = tops[top[1]] + (cards[top[0]].height if graph.level[top[0]] == top[1] else -_TOP)
        middle = (y1 + y2) / 2
        curve = f"M{x0:.1f} {y0:.1f}V{y1:.1f}C{x0:.1f} {middle:.1f} {x:.1f} {middle:.1f} {x:.1f} {y2:.1f}V{end:.1f}"
        return f'<path d="{curve}"/>' if live else f'<path d="{curve}" stroke-dasharray="4 4"/>'

    lines: list[str] = []
    labels: list[str] = []
    joints: dict[tuple[layout.Key, layout.Key], bool] = {}
    for node, card in cards.items():
        level = graph.level[node]
        arrivals = sorted(card.operands, key=lambda operand: graph.x[operand[0], level - 1])
        for k, (source, label) in enumerate(arrivals):
            x, top = graph.x[node, level] + (k - (len(arrivals) - 1) / 2) * card.port, tops[level]
            for at in range(graph.level[source], level - 1):
                link = (source, at), (source, at + 1)
                joints[link] = bool(label) or joints.get(link, False)
            lines.append(line((source, level - 1), x, top - 6, bool(label)))
            lines.append(f'<path d="M{x - 4:.1f} {top - 8:.1f}h8l-4 8z" fill="{_LINE}" stroke="none"/>')
            if label:
                labels += _label(x, top - _TOP + 7, card.port - 6, label)
    lines += [line(top, graph.x[low], tops[low[1]] - _TOP, live) for (top, low), live in joints.items()]
    return lines, labels


def draw(cards: Mapping[int, Card], caption: str, adjoint: str) -> str:
    """The cards as a self-contained SVG; ``adjoint`` is what the legend calls the second number."""
    width = {node: card.width for node, card in cards.items()}
    graph = layout.place({node: [source for source, _ in card.operands] for node, card in cards.items()}, width)
    tops: list[float] = []
    ends: list[float] = []
    bottom = 8.0
    for i, row in enumerate(graph.rows):
        far = max((abs(graph.x[top] - graph.x[low]) for top, low in graph.links if low[1] == i), default=0.0)
        ends.append(bottom)
        tops.append(bottom + (28 + min(far / 8, 36) + _TOP if i else 0.0))
        bottom = tops[-1] + max(cards[node].height for node, at in row if graph.level[node] == at)
    lines, labels = _edges(cards, graph, tops, ends)
    nodes = [
        part for node, card in cards.items() for part in card.draw(graph.x[node, graph.level[node]], tops[graph.level[node]])
    ]

    left = min((graph.x[node, graph.level[node]] - w / 2 for node, w in width.items()), default=0.0)
    right = max((graph.x[node, graph.level[node]] + w / 2 for node, w in width.items()), default=0.0)
    key = 176 + _width(adjoint, 11)
    centre, wide, high = (left + right) / 2, max(right - left, key) + 16, bottom + 54
    legend = [_box(centre, bottom + 20, key, 26, 13, "#f8fafc", "#cbd5e1")]
    if cards:
        legend.append(_text(centre - key / 2 + 14, bottom + 37, 11, _VALUE, "↓ value", "start"))
        legend.append(_text(centre - key / 2 + 80, bottom + 37, 11, _ADJOINT, adjoint, "start"))
        legend += _label(centre + key / 2 - 38, bottom + 24.5, 64, "partial")
    else:
        legend.append(_text(centre, bottom + 37, 11, _FAINT, "nothing was recorded"))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
        f'viewBox="{centre - wide / 2:.1f} 0 {wide:.1f} {high:.1f}" style="max-width:100%" role="img" font-family="{_FONT}">'
    )
    group = f'<g fill="none" stroke="{_LINE}" stroke-width="1.5">'
    return "\n".join([head, f"<title>{escape(caption)}</title>", group, *lines, "</g>", *labels, *nodes, *legend, "</svg>", ""])
