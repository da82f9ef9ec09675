"""`python -m jittape` compiles every kernel into the cache, so that no later process waits: for images, CI and benchmarks."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter

import numpy as np
from numba import config

from . import calls, cpython, kernels, native
from .record import record


def _long(x: np.ndarray) -> float:
    y, total = x[0], 0.0
    for _ in range(60):
        y = np.sin(y + x[1])
        total = total + np.exp(y)  # can wait for the others
    return total


def steps() -> Iterator[tuple[str, Callable[[], object]]]:
    """What compiles, or finds in the cache, each of the kernels, by name."""
    for function in kernels.BY_ADDRESS:
        yield function.__name__, partial(kernels.addresses, {kernels.AT_FORWARD: function})
    if cpython.supported():
        yield "operators", native.install
        yield "calls", calls.compile_now
    nothing = np.zeros(1, np.int32)
    yield "reach", lambda: kernels.reach(nothing, nothing, np.ones(1, np.bool_))
    for writes in (kernels.unroll, kernels.emit):
        kernels.planning(1 << 30, writes)  # from here on Python plans nothing
    yield "unroll", lambda: record(lambda x: x * x, 1.0).value_and_grad(1.0)
    yield "emit", lambda: record(_long, np.ones(8)).value_and_grad(np.ones(8))


def main() -> int:
    """Compile everything, with a bar where standard error is a terminal; the exit status."""
    if config.DISABLE_JIT:
        print("NUMBA_DISABLE_JIT is set: there is nothing to compile")
        return 0
    folder = kernels.cache_folder()
    if folder is None:
        print("there is no cache to compile into: unset JITTAPE_CACHE, or set NUMBA_CACHE_DIR to a folder that can be written")
        return 1
    start, work = perf_counter(), list(steps())
    for k, (name, compile_it) in enumerate(work):
        if sys.stderr.isatty():
            print(f"\r[{'#' * (40 * k // len(work)):40}] {name:24.24}", end="", file=sys.stderr, flush=True)
        compile_it()
    if sys.stderr.isatty():
        print(f"\r{'':67}\r", end="", file=sys.stderr, flush=True)
    size = sum(
        os.path.getsize(entry) for entry in os.scandir(folder) if entry.name.startswith(("kernels.", "native.", "calls."))
    )
    print(f"{len(work)} kernels ready in {perf_counter() - start:.1f} s: {size / 1e6:.1f} MB in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
