"""Claim: value and gradient of scalar Python code replay faster than CasADi SX's fastest call, and nothing compiles per function.

    python bench/peers.py [--only iris lorenz] [--peers CasADi XAD] [--seconds 1] [--quick] [--limit 60]

Each library and workload runs in a process of its own, on one thread, one after the other. A gradient is checked against
jittape's, and jittape's against finite differences, before it is timed. A library that is not installed is skipped by name; one that
needs longer than the limit is stopped, and the table says so. The libraries are spelled in `libraries.py`.
"""

import argparse
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from harness import ONE_THREAD, ROOT, compile_kernels, describe, machine, number, once, progress, save, table, timing, unit

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from libraries import LIBRARIES  # noqa: E402
from workloads import WORKLOADS, error  # noqa: E402

PACKAGES = ("jittape", "numpy", "numba", "casadi", "xad", "jax", "torch", "autograd", "micrograd")
TOLERANCE = 1e-9


# -- in the process of one library and one workload ---------------------------------------------------------------------------


def work(name, w, seconds, reference):
    """All figures of one library on one workload; `reference` has jittape's value and gradient, or is None."""
    try:
        library = LIBRARIES[name]()
    except ImportError as problem:
        return {"skipped": f"{problem.name or problem} is not installed"}
    tiny = WORKLOADS["tiny"]
    if library.record:
        # What a library sets up once per process is not the workload's.
        library.record(tiny)
        for call in library.build(tiny).values():
            call.run()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    calls = {}

    def build():
        calls.update(library.build(w))
        return next(iter(calls.values())).run()

    try:
        first, _ = once(build)
    except NotImplementedError as problem:
        return {"skipped": str(problem)}
    for variant, call in calls.items():
        value, gradient = (np.array(part, dtype=float).ravel() for part in call.read(call.run()))
        value = value.item()
        if reference is None:
            wrong = error(w, value, gradient.tolist())
            assert wrong < 1e-6, f"off by {wrong:.0e} against finite differences"
        else:
            expected, slopes = reference
            wrong = max(abs(value - expected) / max(1.0, abs(expected)), np.abs(gradient - slopes).max() / np.abs(slopes).max())
            assert wrong <= TOLERANCE, f"{variant} off by {wrong:.0e} against jittape"
    result = {"value": value, "gradient": gradient.tolist(), "build": first, "operations": operations(library, w)}
    result["calls"] = {variant: timing(call.run, seconds)._asdict() for variant, call in calls.items()}
    result["memory"] = max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if library.record:
        result["record"] = timing(lambda: library.record(w), seconds / 2, 2).best
    return result


def operations(library, w):
    return len(library.record(w).tape) if type(library) is LIBRARIES["jittape"] else None


def worker(name, workload, seconds, reference, answer):
    """Run `work` on a thread with a stack that deep recursion fits in."""

    def run():
        try:
            known = json.loads(Path(reference).read_text()) if reference else None
            result = work(name, WORKLOADS[workload], seconds, known and (known["value"], np.array(known["gradient"])))
        except Exception as problem:
            result = {"failed": f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"[:200]}
        Path(answer).write_text(json.dumps(result))

    threading.stack_size(1 << 29)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


# -- in the process that the user started -------------------------------------------------------------------------------------


def measure(name, workload, seconds, reference, folder, limit):
    """What `worker` answers in a new process, or why there is no answer."""
    progress(f"{workload}: {name}")
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--worker", name, workload, str(seconds), str(reference or ""), str(answer)]
    try:
        done = subprocess.run(command, timeout=limit, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return {"late": limit}
    if done.returncode < 0:
        return {"failed": f"killed by {signal.Signals(-done.returncode).name}"}
    if done.returncode or not answer.exists():
        return {"failed": (done.stderr.strip().splitlines() or ["no answer"])[-1][:200]}
    return json.loads(answer.read_text())


def run(names, peers, seconds, limit):
    """results[workload][library]."""
    results = {}
    compile_kernels()
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        for name in names:
            # The gradient that the others are checked against.
            known = measure("jittape", name, 0.01, None, folder, 600)
            if "gradient" not in known:
                sys.exit(f"jittape on {name}: {known}")
            reference = folder / "reference.json"
            reference.write_text(json.dumps(known))
            results[name] = {peer: measure(peer, name, seconds, reference, folder, limit) for peer in peers}
    return results


def label(peer, variant):
    return f"{peer}, {variant}" if variant else peer


def columns(results):
    """(library, variant) pairs that have a figure anywhere, in the libraries' order."""
    found = {}
    for row in results.values():
        for peer, result in row.items():
            for variant in result.get("calls", {}):
                found[peer, variant] = None
    order = list(LIBRARIES)
    return sorted(found, key=lambda pair: order.index(pair[0]))


def cell(result, variant, figure):
    if "late" in result:
        return f"> {result['late']:g} s"
    if "failed" in result:
        return "failed"
    if "skipped" in result:
        return "-"
    return figure(result, variant)


def per_call(result, variant):
    return result["calls"][variant]["best"]


def tables(results):
    pairs = columns(results)
    peers = list(dict.fromkeys(peer for peer, _ in pairs))
    sizes = {name: row["jittape"]["operations"] for name, row in results.items()}

    def calls(title, figure):
        head = ["workload", "ops", *(label(*pair) for pair in pairs)]
        rows = [[name, sizes[name], *(cell(row[p], v, figure(row)) for p, v in pairs)] for name, row in results.items()]
        return f"{title}\n\n{table(head, rows)}\n"

    def once_per_peer(title, figure):
        rows = [[name, *(cell(row[p], None, figure) for p in peers)] for name, row in results.items()]
        return f"{title}\n\n{table(['workload', *peers], rows)}\n"

    def against_jittape(row):
        return lambda result, variant: number(per_call(result, variant) / per_call(row["jittape"], ""))

    yield calls("Value and gradient, per call", lambda row: lambda r, v: unit(per_call(r, v)))
    yield calls("The same as multiples of jittape", against_jittape)
    yield once_per_peer("Build and first gradient", lambda r, _: unit(r["build"]))
    yield once_per_peer("Evaluating the function on the library's numbers", lambda r, _: unit(r.get("record")))
    yield once_per_peer("Growth of the peak of memory, in MB", lambda r, _: number(r["memory"] / 1e6))


def geometric(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def summary(results):
    """The ratios to the fastest calls of the strongest peers."""
    for peer, variant in columns(results):
        if peer == "jittape":
            continue
        times = {n: per_call(r[peer], variant) / per_call(r["jittape"], "") for n, r in results.items() if "calls" in r[peer]}
        least = min(times, key=times.get)
        yield (
            f"{label(peer, variant)} takes {number(geometric(times.values()))} times as long as jittape by geometric mean over "
            f"{len(times)} workloads; least {number(times[least])} ({least})"
        )


def notes(results):
    for name, row in results.items():
        for peer, result in row.items():
            if "late" in result:
                yield f"{peer} on {name}: stopped after {result['late']:g} s, building and compiling included"
            elif "failed" in result:
                yield f"{peer} on {name}: failed, {result['failed']}"
    for peer in next(iter(results.values())):
        said = {row[peer].get("skipped") for row in results.values()}
        if len(said) == 1 and None not in said:
            yield f"{peer}: skipped, {said.pop()}"


def main():
    if sys.argv[1:2] == ["--worker"]:
        name, workload, seconds, reference, answer = sys.argv[2:]
        return worker(name, workload, float(seconds), reference, answer)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="WORKLOAD", help=", ".join(WORKLOADS)
    )
    parser.add_argument(
        "--peers", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), metavar="PEER", help=", ".join(LIBRARIES)
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, and a limit of 15 seconds")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one library on one workload, all in all")
    options = parser.parse_args()
    seconds, limit = (options.seconds / 10, min(options.limit, 15.0)) if options.quick else (options.seconds, options.limit)
    peers = list(dict.fromkeys(["jittape", *options.peers]))
    results = run(options.only, peers, seconds, limit)
    facts = machine(*PACKAGES)
    text = [describe(facts) + f"; one thread; limit {limit:g} s", "", *tables(results), *summary(results), "", *notes(results)]
    panels = {
        f"{name}, {row['jittape']['operations']} operations": {
            label(peer, variant): per_call(row[peer], variant) for peer, variant in columns(results) if "calls" in row[peer]
        }
        for name, row in results.items()
    }
    for row in results.values():
        for result in row.values():
            result.pop("gradient", None)
    data = {
        "facts": facts,
        "seconds": seconds,
        "limit": limit,
        "results": results,
        "chart": {"title": "Value and gradient, time per call (logarithmic)", "panels": panels},
    }
    save("peers", "\n".join(text), data)


if __name__ == "__main__":
    main()
