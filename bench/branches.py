"""Claim: branches on values cost next to nothing while the path is known, one forward sweep where it changes, and a recording where it is new.

    python bench/branches.py [--seconds 1] [--quick]

Each function is plain Python with `if` and `while` on its numbers. Gradients are checked against the eager layer, which records
every call anew, before anything is timed. JAX's `lax.cond` and `lax.while_loop` are timed where JAX is installed.
"""

import argparse
import os
import random
import sys
import warnings

from harness import ONE_THREAD, ROOT, compile_kernels, describe, machine, number, progress, save, table, timing, unit

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import jittape as jt  # noqa: E402
from jittape.kernels import FORWARD, GRADIENT  # noqa: E402

N = 1000


def smooth(x):
    """Ten operations a step, one after the other."""
    total = 0.0
    for k in range(N):
        u = x[k % 8] * 0.5 + total * 0.25
        v = u * x[(k + 1) % 8] - total
        total = v * 0.125 + u * v * 0.0625 + 0.5
    return total


def guarded(x):
    """The same with one comparison a step, always true."""
    total = 0.0
    for k in range(N):
        u = x[k % 8] * 0.5 + total * 0.25
        v = u * x[(k + 1) % 8] - total
        if v < 1e9:
            total = v * 0.125 + u * v * 0.0625 + 0.5
    return total


def eight(x):
    """Three branches, each over a loop: eight paths of about a thousand operations."""
    total = 0.0
    for branch in range(3):
        if x[branch] > 0.0:
            for k in range(80):
                total = total + jt.sin(x[3 + k % 5] * (k + 1)) * 0.5 - total * 0.01
        else:
            for k in range(80):
                total = total * 0.99 + x[3 + k % 5] * x[branch] * (k + 1)
    return total


def newton(a):
    """A square root by a method that converges slowly, so the number of steps depends on the argument: one path a count."""
    x = a * 0.0 + 1.0
    while abs(x * x - a) > 1e-3:
        x = x - 0.05 * (x * x - a) / x
    return x


def signs(x):
    """As many paths as sign patterns: with forty numbers hardly one comes twice."""
    total = 0.0
    for v in x:
        total = total + (v * v if v > 0.0 else -v) * 0.5
    return total


def eager(f, x):
    """The value and gradient by recording this call on the eager layer."""
    variables = [jt.var(v) for v in x]
    y = f(variables)
    y.backprop()
    return y.value, [v.sensitivity for v in variables]


def check(f, g, points):
    for x in points:
        value, gradient = g(x)
        expected, slopes = eager(f, x)
        assert value == expected or abs(value - expected) <= 1e-12 * abs(expected), f.__name__
        assert np.allclose(gradient, slopes, rtol=1e-9, atol=1e-12 * max(map(abs, slopes))), f.__name__


def cycle(call, points):
    """A call that goes through points in turn."""
    state = [0]

    def step():
        state[0] = (state[0] + 1) % len(points)
        return call(points[state[0]])

    return step


def points(seed, count, size, low=-1.0, high=1.0):
    rng = random.Random(seed)
    return [[rng.uniform(low, high) for _ in range(size)] for _ in range(count)]


def jax_eight():
    """`eight` with `lax.cond` and `fori_loop`, as JAX's users would write it."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    jax.config.update("jax_enable_x64", True)

    def f(x):
        def up(branch, total):
            return lax.fori_loop(0, 80, lambda k, t: t + jnp.sin(x[3 + k % 5] * (k + 1)) * 0.5 - t * 0.01, total)

        def down(branch, total):
            return lax.fori_loop(0, 80, lambda k, t: t * 0.99 + x[3 + k % 5] * x[branch] * (k + 1), total)

        total = 0.0
        for branch in range(3):
            total = lax.cond(x[branch] > 0.0, lambda t, b=branch: up(b, t), lambda t, b=branch: down(b, t), total)
        return total

    step = jax.jit(jax.value_and_grad(f))

    def call(x):
        value, gradient = step(jnp.asarray(x))
        return float(value), np.asarray(gradient)

    return call


def rows(seconds):
    """What was measured: what, seconds, compared with what, the ratio's limit or None."""
    x = [0.1 * (k + 1) for k in range(8)]
    check(guarded, jt.value_and_grad(guarded), [x])
    with_guards, without = jt.record(guarded, x), jt.record(smooth, x)
    sweeps = {}
    for name, program in (("with", with_guards), ("without", without)):

        def sweep(program=program):
            program.release(program.sweep(x, GRADIENT)[2])

        sweeps[name] = sweep
    # in turns, so that a change of the machine's speed touches both
    best = {name: min(timing(sweeps[name], seconds / 10).best for _ in range(10)) for name in ("with", "without", "with")}
    yield (
        f"gradient with {N} guards on {len(with_guards.tape)} operations",
        best["with"],
        best["without"],
        "without guards",
        1.05,
    )

    known = points(1, 64, 8)
    g = jt.value_and_grad(eight)
    check(eight, g, known)
    assert g.cache_info().paths == 8
    same = timing(lambda: g(known[0]), seconds).best
    up, down = [1.0, *known[0][1:]], [-1.0, *known[0][1:]]
    each = [timing(lambda x=x: g(x), seconds / 2).best for x in (up, down)]
    switching = timing(cycle(g, [up, down]), seconds).best
    program = jt.record(eight, up)

    def forward():
        program.release(program.sweep(up, FORWARD)[2])

    yield (
        "change between two known paths, beyond staying on them",
        switching - sum(each) / 2,
        timing(forward, seconds).best,
        "forward sweep",
        1.0,
    )
    random_walk = timing(cycle(g, known), seconds).best
    yield "8 paths at random", random_walk, same, "staying on one", None
    yield (
        "8 paths at random",
        random_walk,
        timing(cycle(lambda x: eager(eight, x), known), seconds).best,
        "eager, every call",
        None,
    )
    try:
        other = jax_eight()
    except ImportError:
        yield "8 paths at random: JAX is not installed", None, None, "", None
    else:
        for x in known[:8]:
            value, gradient = other(x)
            assert np.allclose(value, g(x)[0]) and np.allclose(gradient, g(x)[1])
        yield "8 paths at random", random_walk, timing(cycle(other, known), seconds).best, "JAX, lax.cond", None

    roots = [x[0] for x in points(2, 400, 1, 0.05, 30.0)]
    h = jt.value_and_grad(newton)
    for _ in range(2):
        for a in roots:
            h(a)
    walk = timing(cycle(h, roots), seconds).best
    paths = h.cache_info().paths
    fixed = sum(timing(lambda a=a: h(a), seconds / 50).best for a in roots[:50]) / 50
    yield f"a loop of 20 to 130 steps, {paths} counts at random", walk, fixed, "the same, one at a time", None

    recording, rng = jt.value_and_grad(signs), random.Random(4)
    check(signs, recording, points(3, 20, 40))

    def fresh():
        return [rng.uniform(-1.0, 1.0) for _ in range(40)]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jt.JitTapeWarning)
        new = timing(lambda: recording(fresh()), seconds).median
    yield (
        "a new path on every call (median)",
        new,
        timing(lambda: eager(signs, fresh()), seconds).median,
        "eager, every call",
        2.0,
    )

    plain = timing(lambda: jt.record(smooth, x), seconds).best
    yield (
        "recording with a source line for each operation",
        timing(lambda: jt.record(smooth, x, lines=True), seconds).best,
        plain,
        "without",
        None,
    )


def line(what, seconds, other, than, limit):
    if seconds is None:
        return [what, "-", "-", "", "-", "-"]
    ratio = seconds / other
    met = "-" if limit is None else f"{limit:g}: {'yes' if ratio <= limit else 'no'}"
    return [what, unit(seconds), unit(other), than, number(ratio), met]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    options = parser.parse_args()
    compile_kernels()
    measured = []
    for row in rows(options.seconds / 10 if options.quick else options.seconds):
        progress(row[0])
        measured.append(row)
    facts = machine("jittape", "numpy", "numba", "jax")
    facts["jittape"] = jt.__version__
    columns = ["what", "time", "beside", "which is", "ratio", "at most"]
    text = "\n".join([describe(facts), "", table(columns, [line(*row) for row in measured])])
    names = ("what", "seconds", "other", "than", "limit")
    save("branches", text, {"facts": facts, "rows": [dict(zip(names, row, strict=True)) for row in measured]})


if __name__ == "__main__":
    main()
