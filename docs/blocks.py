"""Draws `blocks.svg`: how a recorded tape becomes blocks, from the plan that jittape makes of a small function.

python docs/blocks.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import jittape as jt  # noqa: E402
from jittape import explain  # noqa: E402
from jittape.kernels import FORM, GATHER, MX, MY, MZ, ONE, OUT, REPEATS, ROWS, STRETCH, STRIDE, N  # noqa: E402
from jittape.ops import OPS  # noqa: E402

COLOURS = {
    "multiply": "#4c78a8", "add": "#72b7b2", "subtract": "#f58518", "negative": "#b279a2", "exp": "#e45756",
    "z + x*y": "#2f5d8c", "chain": "#54a24b", "input": "#dddddd", "data": "#eeeeee", "constant": "#cccccc",
}  # fmt: skip
LEFT, TOP, CELL, LANE = 150, 64, 7.6, 26


def loss(w, points):
    """The function of the picture."""
    total = 0.0
    for a, b, y in points:
        r = w[0] * a + w[1] * b - y
        total = total + jt.exp(-r * r)
    return total


def rectangle(x, y, width, height, colour, *, filled=True, title=""):
    """One cell."""
    paint = f'fill="{colour}"' if filled else f'fill="none" stroke="{colour}" stroke-width="1.5"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" rx="1" {paint}><title>{title}</title></rect>'


def label(x, y, words, *, anchor="start", size=12, colour="#333"):
    """Words beside it."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def slots_of(mode, at, n, code):
    """The slots that an operand reads."""
    if mode == GATHER:
        return [int(s) for s in code[at : at + n]]
    if mode == STRIDE:
        return [int(code[at]) + k * int(code[at + 1]) for k in range(n)]
    return list(range(at, at + n)) if mode == ROWS else [at] if mode else []


def draw(program):
    """The picture of a program whose blocks are those of `COLOURS`."""
    tape, plan = program.tape, program.plan
    rows = plan.rows.astype(int)
    width = LEFT + CELL * len(plan.template) + 24
    out, y = [], TOP

    def at(slot):
        return LEFT + CELL * (slot - 1)

    out.append(label(12, 24, "The tape, in recorded order: one cell an instruction", size=14))
    names = [OPS[code].name for code in tape.op]
    step = (width - LEFT - 24) / len(names)
    out.append(label(LEFT - 10, TOP - 12, f"{len(names)} instructions", anchor="end"))
    out += [rectangle(LEFT + step * i, TOP - 24, step - 1, 16, COLOURS[name], title=name) for i, name in enumerate(names)]

    y = TOP + 26
    out.append(
        label(
            12,
            y,
            "The same in blocks: each fills the slots in colour from those in outline; memory runs from left to right",
            size=14,
        )
    )
    y += 16
    out.append(label(LEFT - 10, y + 12, "inputs", anchor="end"))
    for slot in range(1, 1 + tape.n_inputs):
        active = tape.active[slot - 1]
        out.append(
            rectangle(at(slot), y, CELL - 1, 16, COLOURS["input" if active else "data"], title=tape.names.get(slot) or "")
        )
    out.append(label(at(1), y + 28, "w", size=11))
    out.append(label(at(3), y + 28, "data", size=11))
    y += LANE + 12
    for row in rows:
        assert row[FORM] != STRETCH and row[REPEATS] == 1
        name = explain._row(row)[0]
        colour = COLOURS["chain" if name.startswith("chain") else name.split(" ", 1)[1]]
        chain = name.startswith("chain")
        out.append(label(LEFT - 10, y + 12, name, anchor="end"))
        for field in (MX, MY, MZ):
            mode, n = row[field], row[N]
            for slot in slots_of(ONE if chain and field == MX else mode, row[field + 1], n, plan.code):
                out.append(rectangle(at(slot) + 0.7, y + 1, CELL - 2.4, 14, colour, filled=False))
        for k in range(1 if chain else row[N]):
            out.append(rectangle(at(row[OUT] + k), y, CELL - 1, 16, colour, title=name))
        y += LANE
    y += 22
    out.append(
        label(
            12,
            y,
            f"Back: {len(plan.pulls) - 1} steps, from the last block to the first, each a loop over a row of adjoints",
            size=14,
        )
    )
    y += 16
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y:.0f}" viewBox="0 0 {width:.0f} {y:.0f}" '
            'font-family="sans-serif">',
            f'<rect width="{width:.0f}" height="{y:.0f}" fill="white"/>',
            *out,
            "</svg>\n",
        ]
    )


def program():
    """The program of the picture and of the page: ten points."""
    return jt.record(loss, [0.5, 0.25], [(0.1 * k, 0.2 * k - 1.0, 0.3 * k) for k in range(10)])


if __name__ == "__main__":
    (HERE / "blocks.svg").write_text(draw(program()))
