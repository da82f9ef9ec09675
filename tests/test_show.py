"""The tape as text and pictures: golden listings, escapes, and pictures that nothing overlaps in."""

import math
import random
import re
import time
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest

from jittape import formulas, layout, show
from jittape.guards import Guard
from jittape.ops import CODE, OPS
from jittape.recording import DATA, INPUT, Recording
from jittape.tape import Tape

SVG = "{http://www.w3.org/2000/svg}"


class Build:
    """A recording filled by hand."""

    def __init__(self):
        self.rec = Recording()

    def leaf(self, value, name=None, kind=INPUT):
        row = self.rec.append(kind, 0, 0, value)
        return self.name(row, name)

    def name(self, row, name):
        if name is not None:
            self.rec.names[row] = name
        return row

    def __call__(self, op, a, b=0, name=None):
        value = formulas.value(CODE[op], self.rec.value(a), self.rec.value(b))
        return self.name(self.rec.append(CODE[op], a, b, value), name)

    def constant(self, value):
        return self.rec.constant(value)

    def tape(self, *outputs):
        return self.rec.freeze(list(outputs))


def small():
    """sin(x) + x * y at (3, 1)."""
    f = Build()
    x, y = f.leaf(3.0, "x"), f.leaf(1.0, "y")
    return f.tape(f("add", f("sin", x), f("multiply", x, y)))


def branching():
    """Guards, a where, a clip, data, names, constants, several outputs and a number read out."""
    f = Build()
    x, y = f.leaf(-1.5, "x"), f.leaf(2.0, "y", DATA)
    less = f("less", x, f.constant(0.0))
    f.rec.guards.append(Guard(f("greater", y, x), True, ("/home/me/model.py", 12)))
    chosen, other = f("gate", less, f("square", x)), f("gate_not", less, f("sqrt", x))
    result = f("add", chosen, other, "result")
    f.rec.reads.append((result, ("/home/me/model.py", 14)))
    clipped = f("clip_high", f("clip_low", result, f.constant(0.0)), f.constant(1.0))
    return f.tape(f("power", f.constant(-2.0), f("negative", f.constant(-2.0))), clipped, x)


def softmax():
    f = Build()
    xs = [f.leaf(v, f"x{i}") for i, v in enumerate((0.5, -1.2, 2.0))]
    top = f("maximum", f("maximum", xs[0], xs[1]), xs[2])
    es = [f("exp", f("subtract", x, top)) for x in xs]
    total = f("add", f("add", es[0], es[1]), es[2])
    return f.tape(f("negative", f("log", f("divide", es[1], total))))


def horner():
    f = Build()
    x, r = f.leaf(1.7, "x"), f.constant(2.0)
    for i in range(6):
        r = f("add", f("multiply", r, x), f.constant(1.5 - i))
    return f.tape(r)


def tangle(seed, size=show.LARGEST_PICTURE - 1):
    """A random tape as large as a picture may be."""
    choice = random.Random(seed)
    f = Build()
    rows = [f.leaf(choice.uniform(-2, 2) * 10 ** choice.randint(-8, 8), f"v{i}") for i in range(4)]
    while len(rows) < size:
        op = choice.choice(OPS)
        rows.append(f(op.name, choice.choice(rows), choice.choice(rows) if op.arity == 2 else 0))
    return f.tape(rows[-1], rows[size // 2])


PICTURES = [small, branching, softmax, horner, *(lambda s=s: tangle(s) for s in range(6))]


def test_listing_small():
    assert show.listing(small()) == (
        "3 instructions, 2 inputs, 0 constants, 0 guards, 1 output\n"
        "%1 x = 3 (input)\n"
        "%2 y = 1 (input)\n"
        "              value    partials\n"
        "%3 = sin(x)   0.14112  -0.989992\n"
        "%4 = x * y    3        1, 3\n"
        "%5 = %3 + %4  3.14112  1, 1       output"
    )


def test_listing_without_values():
    assert show.listing(small(), values=False) == (
        "3 instructions, 2 inputs, 0 constants, 0 guards, 1 output\n"
        "%1 x (input)\n"
        "%2 y (input)\n"
        "%3 = sin(x)\n"
        "%4 = x * y\n"
        "%5 = %3 + %4  output"
    )


def test_listing_guards_hidden_operations_constants_and_reads():
    assert show.listing(branching()) == (
        "11 instructions, 2 inputs, 3 constants, 1 guard, 3 outputs\n"
        "%1 x = -1.5 (input)  output 2\n"
        "%2 y = 2 (data)\n"
        "%3 = 0 (constant)\n"
        "%4 = 1 (constant)\n"
        "%5 = -2 (constant)\n"
        "                           value  partials\n"
        "%6 = x < 0                 1      -, -\n"
        "%7 = y > x                 1      -, -      guard: True, model.py:12\n"
        "%8 = square(x)             2.25   -3\n"
        "%9 = where(%6, %8, -0)     2.25   -, 1\n"
        "%10 = sqrt(x)              nan    nan\n"
        "%11 = where(%6, -0, %10)   -0     -, 0\n"
        "%12 result = %9 + %11      2.25   1, 1\n"
        "%13 = clip(result, min=0)  2.25   1, -\n"
        "%14 = clip(%13, max=1)     1      0, -      output 1\n"
        "%15 = -(-2)                2      -\n"
        "%16 = (-2) ** %15          4      -, -      output 0\n"
        "read with .value while recording, a replay does not renew them:\n"
        "  %12 result = 2.25, model.py:14"
    )


def test_listing_lines():
    rec = Recording(lines=True)
    x = rec.append(INPUT, 0, 0, 3.0)
    y = rec.append(CODE["square"], x, 0, 9.0)
    where = test_listing_lines.__code__.co_firstlineno + 3
    text = show.listing(rec.freeze([y]))
    assert text.endswith(f"value  partials  line\n%2 = square(%1)  9      6         test_show.py:{where}  output")
    assert show.listing(rec.freeze([y]), values=False).endswith(f"%2 = square(%1)  test_show.py:{where}  output")


def test_line_without_a_recorded_place():
    rec = Recording(lines=True)
    x = rec.append(INPUT, 0, 0, 3.0)
    tape = rec.freeze([x])
    rows = dict(op=[CODE["square"]] * 2, a=[1, 1], b=[0, 0], val=[0, 3, 9, 9], active=[True], outputs=[2])
    tape = Tape(**rows, lines=np.array([0, 1], np.int32), places=[("", 0), ("a.py", 7)])
    assert show.listing(tape).splitlines()[-2:] == [
        "%2 = square(%1)  9      6                 output",
        "%3 = square(%1)  9      6         a.py:7",
    ]


def test_every_operation_is_listed():
    f = Build()
    x, y = f.leaf(0.5, "x"), f.leaf(0.75, "y")
    rows = [f(op.name, x, y if op.arity == 2 else 0) for op in OPS]
    lines = show.listing(f.tape(*rows), head=None).splitlines()[4:]
    for op, line in zip(OPS, lines, strict=True):
        expected = f"x {op.symbol} y" if op.symbol else f"{op.name}({'x, y' if op.arity == 2 else 'x'})"
        if op.name != "negative" and op.public:
            assert f"= {expected} " in line
        assert line.split()[-2] == "output"


def test_head():
    f = Build()
    x = f.leaf(1.0, "x")
    for i in range(50):
        f.leaf(float(i), kind=DATA)
    for i in range(60):
        f.constant(i + 0.5)
    r = x
    for _ in range(100):
        r = f("add", r, x)
    for _ in range(45):
        f.rec.reads.append((r, None))
    assert show.listing(f.tape(r, x), head=3).splitlines() == [
        "100 instructions, 51 inputs, 60 constants, 0 guards, 2 outputs",
        "%1 x = 1 (input)  output 1",
        "%2 = 0 (data)",
        "%3 = 1 (data)",
        "... 48 more inputs",
        "%52 = 0.5 (constant)",
        "%53 = 1.5 (constant)",
        "%54 = 2.5 (constant)",
        "... 57 more constants",
        "                 value  partials",
        "%112 = x + x     2      1, 1",
        "%113 = %112 + x  3      1, 1",
        "%114 = %113 + x  4      1, 1",
        "... 97 more",
        "output 0: %211 = 101",
        "read with .value while recording, a replay does not renew them:",
        *["  %211 = 101"] * 3,
        "... 42 more reads",
    ]
    assert show.listing(f.tape(r), head=None).count("\n%") == 1 + 50 + 60 + 100
    assert show.listing(f.tape(r), head=0).splitlines()[1:3] == ["... 51 more inputs", "... 60 more constants"]


def test_same_names_are_told_apart():
    f = Build()
    x, y = f.leaf(3.0, "x"), f.leaf(4.0, "x")
    assert "%3 = x%1 * x%2" in show.listing(f.tape(f("multiply", x, y)))


def test_names_stay_on_one_line():
    f = Build()
    x = f.leaf(3.0, "a\nb\x00{0}")
    text = show.listing(f.tape(f("sin", x)))
    assert "%2 = sin(a\\nb\\x00{0})" in text
    assert len(text.splitlines()) == 4


def test_nan_and_inf():
    f = Build()
    x, y = f.leaf(0.0, "x"), f.leaf(math.inf, "y")
    tape = f.tape(f("multiply", f("log", x), f("subtract", y, y)))
    assert show.listing(tape).splitlines()[4:] == [
        "%3 = log(x)   -inf   inf",
        "%4 = y - y    nan    1, -1",
        "%5 = %3 * %4  nan    nan, -inf  output",
    ]
    texts = words(show.svg(tape))
    assert {"↓ -inf", "↓ nan", "nan", "-inf", "inf", "↑ -inf"} <= set(texts)


def test_a_large_tape_is_listed_at_once():
    n = 1_000_000
    a = np.arange(2, n + 2)
    guards = [Guard(3 + 10 * i, True, ("m.py", 1)) for i in range(n // 10)]
    tape = Tape(
        op=np.full(n, CODE["sin"]), a=a, b=a * 0, val=np.ones(n + 3), active=[True, False], outputs=[n + 2], guards=guards
    )
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        text = show.listing(tape)
        best = min(best, time.perf_counter() - start)
    assert text.endswith("... 999,960 more\noutput: %1000002 = 1")
    assert best < 0.05
    assert "1,000,000 instructions" in show.html(tape) and "17 MB" in show.html(tape)


@pytest.mark.parametrize("leaf", ["input", "constant", "unread"])
def test_no_instructions(leaf):
    f = Build()
    x, c = f.leaf(3.0, "x"), f.constant(2.5)
    outputs, listed, drawn = {
        "input": ([x], "%1 x = 3 (input)  output", ["x", "↓ 3", "↑ 1", "output"]),
        "constant": ([c], "%2 = 2.5 (constant)  output", ["2.5", "output", "constant"]),
        "unread": ([], "%2 = 2.5 (constant)", ["nothing was recorded"]),
    }[leaf]
    tape = f.tape(*outputs)
    assert listed in show.listing(tape).splitlines()
    assert words(show.svg(tape))[: len(drawn)] == drawn
    assert show.dot(tape).count("label=") == len(outputs)
    assert "0 instructions" in show.html(tape)


def test_nothing_at_all():
    tape = Build().tape()
    assert show.listing(tape) == "0 instructions, 0 inputs, 0 constants, 0 guards, 0 outputs"
    assert words(show.svg(tape)) == ["nothing was recorded"]
    assert show.dot(tape).endswith("}\n") and "; 8 bytes" in show.html(tape)


def test_dot():
    f = Build()
    x, y = f.leaf(3.0, 'x"\\'), f.leaf(1.0, "d", DATA)
    f.leaf(7.0, "unread")
    assert show.dot(f.tape(f("multiply", f("multiply", x, y), f.constant(2.0)))) == (
        "digraph tape {\n"
        '  node [shape=box, style=rounded, fontname="monospace"];\n'
        '  edge [fontname="monospace"];\n'
        '  s1 [label="x\\"\\\\\\n3", shape=ellipse, style=solid];\n'
        '  s2 [label="d\\n1\\ndata", shape=ellipse, style=solid];\n'
        '  s5 [label="%5 = x\\"\\\\ * d\\n3"];\n'
        '  s6 [label="%6 = %5 * 2\\n6\\noutput", penwidth=2];\n'
        '  s1 -> s5 [label="1"];\n'
        "  s2 -> s5 [style=dashed];\n"
        '  s5 -> s6 [label="2"];\n'
        "}\n"
    )


def test_html():
    text = show.html(softmax())
    table = ET.fromstring(text)
    cells = [[cell.text for cell in row.findall("td")][:2] for row in table.findall("tr")]
    assert cells[:4] == [["exp", "3"], ["subtract -", "3"], ["add +", "2"], ["maximum", "2"]]
    assert table.find("caption").text.startswith("Tape: 13 instructions, 3 inputs, ")
    f = Build()
    x = f.leaf(0.5)
    many = show.html(f.tape(*[f(op.name, x, x if op.arity == 2 else 0) for op in OPS]))
    assert ET.fromstring(many).findall("tr")[-1][0].text == f"{len(OPS) - 12} others"


def words(svg):
    return [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_svg_values_adjoints_and_partials():
    texts = words(show.svg(small()))
    gradient = math.cos(3.0) + 1.0
    assert {"x", "y", "sin(x)", "x * y", "%3 + %4", "%5 =", "output"} <= set(texts)
    assert {"↓ 3", "↓ 1", "↓ 0.14112", "↓ 3.14112"} <= set(texts)
    assert {f"↑ {gradient:.6g}", "↑ 3", "↑ 1", "-0.989992"} <= set(texts)


def test_svg_adjoints_agree_with_the_reference_sweep():
    tape = softmax()
    val = tape.val.copy()
    da, db = formulas.forward(tape.op, tape.a, tape.b, val)
    adjoint = np.zeros(len(val))
    adjoint[tape.outputs[0]] = 1.0
    formulas.reverse(tape.op, tape.a, tape.b, da, db, adjoint)
    texts = words(show.svg(tape))
    assert all(f"↑ {x:.6g}" in texts for x in adjoint[1:])


def test_svg_leaves_out_what_nobody_reads():
    f = Build()
    x = f.leaf(3.0, "x")
    f.leaf(4.0, "unread")
    f.constant(0.125)
    texts = words(show.svg(f.tape(f("multiply", x, f.constant(2.0)))))
    assert "x * 2" in texts and not {"unread", "0.125", "2.5"} & set(texts)


def test_svg_data_and_conditions_have_no_adjoint():
    picture = show.svg(branching())
    texts = words(picture)
    assert {"data", "guard: True", "output 0", "output 1", "output 2", "↑ adjoint of output 0"} <= set(texts)
    assert "stroke-dasharray" in picture


def test_svg_escapes():
    f = Build()
    x = f.leaf(3.0, '<a & "b">\x07')
    picture = show.svg(f.tape(f("less", x, f.constant(1.0))))
    assert '<a & "b">\\x07' in words(picture)
    f = Build()
    x = f.leaf(3.0, "a very long name " * 9)
    assert sum(text.endswith("…") for text in words(show.svg(f.tape(f("sin", x))))) == 2


def test_svg_too_large():
    with pytest.raises(ValueError, match=r"at most 40.*show\(\).*to_dot\(\)"):
        show.svg(tangle(0, show.LARGEST_PICTURE))


def test_the_notebook_gets_a_picture_or_a_table():
    assert small()._repr_svg_().startswith("<svg ") and small()._repr_html_() is None
    large = tangle(0, show.LARGEST_PICTURE)
    assert large._repr_svg_() is None and large._repr_html_().startswith("<table>")
    assert str(small()) == show.listing(small()) and small().to_dot() == show.dot(small())


def rectangles(root):
    """Cards and labels as (left, top, right, bottom)."""
    for r in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(r.get(k)) for k in ("x", "y", "width", "height"))
        yield x, y, x + w, y + h


def curve(path):
    """Points along a line of the picture."""
    x0, y0, y1, *bezier, end = (float(v) for v in re.findall(r"-?[\d.]+", path))
    yield from ((x0, y0 + (y1 - y0) * t / 20) for t in range(21))
    xs, ys = (x0, *bezier[0::2]), (y1, *bezier[1::2])
    for t in range(41):
        weights = [math.comb(3, k) * (t / 40) ** k * (1 - t / 40) ** (3 - k) for k in range(4)]
        yield sum(w * x for w, x in zip(weights, xs, strict=True)), sum(w * y for w, y in zip(weights, ys, strict=True))
    yield bezier[-2], end


@pytest.mark.parametrize("build", PICTURES)
def test_nothing_overlaps(build):
    picture = show.svg(build())
    assert picture == show.svg(build())
    root = ET.fromstring(picture)
    left, top, wide, high = map(float, root.get("viewBox").split())
    *boxes, _frame, _label = rectangles(root)
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] + 0.2 or b[2] <= a[0] + 0.2 or a[3] <= b[1] + 0.2 or b[3] <= a[1] + 0.2
    for x0, y0, x1, y1 in boxes:
        assert left <= x0 and x1 <= left + wide and top <= y0 and y1 <= top + high
    cards = [box for box in boxes if box[3] - box[1] > 20]
    labels = [box for box in boxes if box[3] - box[1] < 20]
    for path in root.find(f"{SVG}g").findall(f"{SVG}path"):
        if path.get("fill"):
            continue
        points = list(curve(path.get("d")))
        crossed = [c for c in cards if any(c[0] + 1 < x < c[2] - 1 and c[1] + 1 < y < c[3] - 1 for x, y in points)]
        assert not crossed
        for box in labels:
            inside = [x for x, y in points if box[0] < x < box[2] and box[1] < y < box[3]]
            assert all(abs(x - (box[0] + box[2]) / 2) < 0.2 for x in inside)


@pytest.mark.parametrize("seed", range(5))
def test_apart_keeps_order_and_distance(seed):
    choice = random.Random(seed)
    want = [choice.uniform(0, 10) for _ in range(8)]
    weight = [choice.uniform(0.1, 3) for _ in want]
    room = [choice.uniform(0.5, 2) for _ in want[1:]]

    def cost(positions):
        return sum(w * (p - q) ** 2 for w, p, q in zip(weight, positions, want, strict=True))

    found = layout.apart(want, weight, room)
    assert all(b - a >= r - 1e-9 for a, b, r in zip(found, found[1:], room, strict=False))
    for k, step in ((k, step) for k in range(len(want)) for step in (-1e-3, 1e-3)):
        moved = [p + step * (i >= k) for i, p in enumerate(found)]
        allowed = all(b - a >= r - 1e-9 for a, b, r in zip(moved, moved[1:], room, strict=False))
        assert not allowed or cost(moved) >= cost(found) - 1e-9


def test_layout_levels():
    assert layout.levels({1: [], 2: [], 3: [1], 4: [3, 2], 5: []}) == {1: 0, 2: 1, 3: 1, 4: 2, 5: 0}
    assert layout.place({}, {}).rows == []


def test_user_line():
    file, line = show.user_line()
    assert file == __file__ and line == test_user_line.__code__.co_firstlineno + 1
