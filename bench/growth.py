"""Claim: what an operation costs does not depend on how many there are, apart from caches: from a thousand to ten million.

    python bench/growth.py [--largest 1e7]

Two functions: a recursion over arrays of a thousand numbers, which becomes blocks, and the Lorenz equations in plain scalar code, which
runs one instruction at a time. Recording, planning and a gradient are timed per operation, and the memory that each takes.
"""

import argparse
import os
import sys
from time import perf_counter

from harness import ONE_THREAD, ROOT, compile_kernels, describe, machine, number, progress, save, table, timing

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import jittape as jt  # noqa: E402

WIDTH = 1000


def arrays(operations):
    """A function of a thousand numbers, in two operations a step."""

    def f(x):
        y = x
        for _ in range(max(1, operations // (2 * WIDTH))):
            y = y * x + 0.001
        return np.sum(y)

    return f, np.linspace(0.1, 0.5, WIDTH)


def lorenz(operations):
    """Euler steps of the Lorenz equations, fourteen operations each."""

    def f(p):
        x, y, z = p
        for _ in range(max(1, operations // 14)):
            x, y, z = x + 0.001 * (10.0 * (y - x)), y + 0.001 * (x * (28.0 - z) - y), z + 0.001 * (x * y - 2.667 * z)
        return x + y + z

    return f, np.array([1.0, 1.0, 1.0])


def measure(make, operations):
    """Operations, seconds of record and of planning, seconds of a gradient, and bytes to run."""
    f, x = make(operations)
    start = perf_counter()
    program = jt.record(f, x)
    recorded = perf_counter() - start
    remake, parts = program.__reduce__()
    start = perf_counter()
    remake(*parts)
    planned = perf_counter() - start
    out = np.empty(len(x))
    gradient = timing(lambda: program.value_and_grad(x, out=out), 0.3).best
    return len(program.tape), recorded - planned, planned, gradient, 8 * program.plan.size + program.plan.code.nbytes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=float, default=1e7, help="operations")
    options = parser.parse_args()
    compile_kernels()
    for make in (arrays, lorenz):
        measure(make, 10_000)  # loads or compiles what is needed
    rows, panels = [], {}
    for make, most in ((arrays, options.largest), (lorenz, min(options.largest, 1e6))):
        size = 1000
        while size <= most:
            progress(f"{make.__name__}, {size:,}")
            n, recorded, planned, gradient, memory = measure(make, size)
            rows.append(
                [make.__name__, f"{n:,}", *(number(t / n * 1e9) for t in (recorded, planned, gradient)), number(memory / n)]
            )
            panels.setdefault(f"{make.__name__}, gradient per operation", {})[f"{n:,}"] = gradient / n
            size *= 10
    facts = machine("jittape", "numpy", "numba")
    facts["jittape"] = jt.__version__
    columns = ["function", "operations", "record, ns/op", "plan, ns/op", "gradient, ns/op", "bytes/op to run"]
    data = {
        "facts": facts,
        "columns": columns,
        "rows": rows,
        "chart": {"title": "Gradient, time per operation", "panels": panels},
    }
    save("growth", "\n".join([describe(facts), "", table(columns, rows)]), data)


if __name__ == "__main__":
    main()
