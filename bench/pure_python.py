"""Claim: replaying a recorded tape gives value and gradient hundreds of times faster than a tape in plain Python.

    python bench/pure_python.py [--seconds 1.0]

Prints a table with the machine and the versions, and writes it to bench/results/pure_python.md. Every gradient is checked
against the plain tapes before anything is timed. Times are the best of many in one process; read the ratios.
"""

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import numba  # noqa: E402
import numpy as np  # noqa: E402

import jittape as jt  # noqa: E402
from toys import Lists, linked  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

COLUMNS = (
    "workload",
    "ops",
    "record",
    "first call",
    "value",
    "value+gradient",
    "difference",
    "ns/op",
    "linked toy",
    "ratio",
    "lists",
    "ratio",
)


def best(call, seconds):
    """The shortest time of a call, in seconds, over at least three calls."""
    call()
    shortest, end, calls = math.inf, perf_counter() + seconds, 0
    while calls < 3 or perf_counter() < end:
        start = perf_counter()
        call()
        shortest, calls = min(shortest, perf_counter() - start), calls + 1
    return shortest


def unit(seconds):
    return f"{1e6 * seconds:.1f} us" if seconds < 1e-3 else f"{1e3 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def measure(name, seconds):
    f, x = WORKLOADS[name](jt)
    record = best(lambda: jt.record(f, x), seconds)
    start = perf_counter()
    step = jt.value_and_grad(f)
    step(x)
    first = perf_counter() - start
    points = np.array(x)
    program = jt.record(lambda v: f(v.tolist() if hasattr(v, "tolist") else list(v)), points)
    out = np.empty(len(x))
    value, gradient = program.value_and_grad(points, out=out)
    whole = best(lambda: program.value_and_grad(points, out=out), seconds)
    forward = best(lambda: program(points), seconds)
    row = [name, len(program.tape), unit(record), unit(first), unit(forward), unit(whole), unit(whole - forward)]
    row.append(f"{1e9 * whole / len(program.tape):.2f}")
    for toy in (linked, Lists()):
        plain, at = WORKLOADS[name](toy)
        call = toy.value_and_grad(plain)
        toy_value, toy_gradient = call(at)
        assert math.isclose(value, toy_value, rel_tol=1e-7), (name, value, toy_value)
        assert np.allclose(gradient, toy_gradient, rtol=1e-6, atol=1e-12), name
        time = best(lambda call=call, at=at: call(at), seconds)
        row += [unit(time), f"{time / whole:.0f}"]
    return row


def tiny(seconds):
    step = jt.value_and_grad(lambda x, y: jt.sin(x) + x * y)
    program = jt.record(lambda v: jt.sin(v[0]) + v[0] * v[1], np.array([3.0, 1.0]))
    x, out = np.array([3.0, 1.0]), np.empty(2)

    def thousand(call):
        def run():
            for _ in range(1000):
                call()

        return best(run, seconds) / 1000

    return thousand(lambda: step(3.0, 1.0)), thousand(lambda: program.value_and_grad(x, out=out))


def sizes(seconds):
    """ns per operation of value and gradient on random graphs of growing size."""
    for n in (10_000, 100_000, 1_000_000):
        f, x = WORKLOADS["random_graph"](jt, n)
        program = jt.record(f, x)
        points = list(x)
        yield n, 1e9 * best(lambda p=program, x=points: p.value_and_grad(x), seconds) / len(program.tape)


START = "import time; t = time.perf_counter(); import jittape as jt; jt.grad(lambda x: x * jt.sin(x))(2.0); print(time.perf_counter() - t)"


def fresh_process(cache):
    done = subprocess.run(
        [sys.executable, "-c", START], env=os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def xad_gradient(seconds):
    """Seconds per operation of one XAD gradient, which records on every call; None where XAD is not installed."""
    try:
        import xad.adj_1st as xad
    except ImportError:
        return None

    def gradient():
        with xad.Tape() as tape:
            x = xad.Real(1.01)
            tape.registerInput(x)
            tape.newRecording()
            y = x
            for _ in range(20_000):
                y = y * x + 0.5
                y = y * 0.25
            tape.registerOutput(y)
            y.derivative = 1.0
            tape.computeAdjoints()
            return x.derivative

    return best(gradient, seconds) / 60_000


def recording(seconds):
    def f(x):
        y = x
        for _ in range(20_000):
            y = y * x + 0.5
            y = y * 0.25
        return y

    return best(lambda: jt.record(f, 1.01), seconds) / 60_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    seconds = parser.parse_args().seconds
    lines = [
        f"Python {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}, jittape {jt.__version__}, "
        f"{platform.machine()} with {os.cpu_count()} cores, {platform.system()}",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    for name in WORKLOADS:
        if sys.stderr.isatty():
            print(f"\r{name:20}", end="", file=sys.stderr, flush=True)
        lines.append("| " + " | ".join(map(str, measure(name, seconds))) + " |")
    call, buffered = tiny(seconds)
    lines += [
        "",
        f"sin(x) + x*y: {1e6 * call:.2f} us through value_and_grad, {1e6 * buffered:.2f} us through Program with out=",
    ]
    lines += [f"random graph of {n} steps: {ns:.2f} ns per operation" for n, ns in sizes(seconds)]
    ours, theirs = recording(seconds), xad_gradient(seconds)
    lines.append(
        f"recording, passes and schedule: {1e9 * ours:.0f} ns per operation; "
        + (f"one XAD gradient: {1e9 * theirs:.0f} ns per operation" if theirs else "XAD is not installed")
    )
    with tempfile.TemporaryDirectory() as cache:
        lines.append(
            f"a new process to its first gradient: {fresh_process(cache):.1f} s cold, {fresh_process(cache):.2f} s with a warm cache"
        )
    text = "\n".join(lines)
    print(("\r" if sys.stderr.isatty() else "") + text)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "pure_python.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
