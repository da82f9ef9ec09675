"""Claim: replaying a recorded tape gives value and gradient hundreds of times faster than a tape in plain Python.

    python bench/pure_python.py [--seconds 1] [--quick] [--only iris lorenz]

Both toys of `toys.py` build their tape anew on every call; jittape records once. Every gradient is checked against both toys
and against finite differences before anything is timed. Times are the best of many calls in one process on one machine: read
the ratios. `ns/op` divides by the operations that jittape recorded, for the toys too.
"""

import argparse
import gc
import math
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

from harness import ONE_THREAD, ROOT, compile_kernels, describe, machine, number, once, progress, save, table, timing, unit

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import jittape as jt  # noqa: E402
from jittape.kernels import FORWARD, GRADIENT  # noqa: E402
from toys import TOYS  # noqa: E402
from workloads import WORKLOADS, error, random_graph  # noqa: E402

DEFAULT = ("iris", "rosenbrock", "lorenz", "black_scholes", "random_graph")
COLUMNS = ["workload", "what", "time", "ns/op", "linked objects", "times", "parallel lists", "times"]
RUNS = 10_000


def on_list(f):
    """The function of a list as a function of one array: the argument of the call with the lowest overhead."""
    return lambda x: f(list(x))


def check(w, value, gradient):
    """Refuse to time what is wrong."""
    wrong = error(w, value, gradient)
    assert wrong < 1e-6, f"{w.name}: off by {wrong:.0e} against finite differences"
    for name, toy in TOYS.items():
        expected, slopes = toy.value_and_grad(w.build(toy))(w.x)
        assert math.isclose(value, expected, rel_tol=1e-9), (w.name, name, value, expected)
        assert np.allclose(gradient, slopes, rtol=1e-9, atol=1e-9 * max(map(abs, slopes))), (w.name, name)


def split(record, seconds):
    """The best times of recording, until the tape is there, and of planning."""
    planned, noted, times = jt.program.schedule, [], []

    def schedule(tape):
        noted[:] = [perf_counter()]
        plan = planned(tape)
        noted.append(perf_counter())
        return plan

    jt.program.schedule = schedule
    try:
        end = perf_counter() + seconds
        while len(times) < 3 or perf_counter() < end:
            start = perf_counter()
            record()
            times.append((noted[0] - start, noted[1] - noted[0]))
    finally:
        jt.program.schedule = planned
    return map(min, zip(*times, strict=True))


def measure(w, seconds):
    """Operations, and per phase a dict of seconds: jittape's and each toy's."""
    f, x = w.build(jt), np.array(w.x)
    step = jt.value_and_grad(f)
    first, (value, gradient) = once(lambda: step(w.x))
    check(w, value, gradient)
    program, out = jt.record(on_list(f), x), np.empty(len(x))
    whole = timing(lambda: program.value_and_grad(x, out=out), seconds).best
    assert np.array_equal(out, gradient), f"{w.name}: the program and value_and_grad differ"
    recording, planning = split(lambda: jt.record(on_list(f), x), seconds)

    def sweep(mode):
        return timing(lambda: program.release(program.sweep((x,), mode)[2]), seconds).best

    ours = {
        "record": timing(lambda: jt.record(on_list(f), x), seconds).best,
        "tape": recording,
        "schedule": planning,
        "first": first,
        "forward": timing(lambda: program(x), seconds).best,
        "reverse": max(0.0, sweep(GRADIENT) - sweep(FORWARD)),
        "gradient": whole,
        "list": timing(lambda: step(w.x), seconds).best,
    }
    phases = {phase: {"jittape": time} for phase, time in ours.items()}
    for name, toy in TOYS.items():
        g = w.build(toy)
        call, forward = toy.value_and_grad(g), timing(partial(toy.forward, g, w.x), seconds).best
        whole = timing(partial(call, w.x), seconds).best
        gc.collect()
        for phase in phases:
            phases[phase][name] = {"record": forward, "forward": forward, "reverse": whole - forward}.get(phase, whole)
        del phases["schedule"][name], phases["tape"][name]
    return len(program.tape), phases


LABELS = {
    "record": "record, passes and schedule (once)",
    "tape": "of which the function runs and the tape is made",
    "schedule": "of which passes and schedule",
    "first": "first call (records too)",
    "forward": "replay: program(x)",
    "reverse": "replay: reverse, gradient less value sweep",
    "gradient": "replay: program.value_and_grad(x, out=)",
    "list": "replay: value_and_grad(f)(list)",
}


def lines(name, ops, phases):
    for phase, times in phases.items():
        ours = times["jittape"]
        row = [name, LABELS[phase], unit(ours), number(1e9 * ours / ops)]
        for toy in TOYS:
            row += [unit(times.get(toy)), number(times[toy] / ours if ours and toy in times else None)]
        yield row


def ten_thousand(w, seconds):
    """The random graph run 10,000 times: jittape really, recording included; the toys from a few runs."""
    f, x = w.build(jt), np.array(w.x)
    out = np.empty(len(x))

    def run():
        program = jt.record(on_list(f), x)
        for _ in range(RUNS):
            program.value_and_grad(x, out=out)

    ours, _ = once(run)
    toys = {name: timing(partial(toy.value_and_grad(w.build(toy)), w.x), seconds) for name, toy in TOYS.items()}
    guesses = {name: RUNS * t.median for name, t in toys.items()}
    text = f"{w.name} recorded and run {RUNS} times: jittape {unit(ours)}"
    for name, t in toys.items():
        text += f"; {name} {unit(guesses[name])} ({number(guesses[name] / ours)} times), extrapolated from {t.calls} runs"
    return {"jittape": ours} | guesses, text


# -- the targets ------------------------------------------------------------------------------------------------------------


def tiny(seconds):
    x, out = np.array([3.0, 1.0]), np.empty(2)
    step = jt.value_and_grad(lambda x, y: jt.sin(x) + x * y)
    program = jt.record(on_list(WORKLOADS["tiny"].build(jt)), x)
    call, buffered = timing(lambda: step(3.0, 1.0), seconds), timing(lambda: program.value_and_grad(x, out=out), seconds)
    yield "tiny: value_and_grad(f)(3.0, 1.0)", 1e6 * call.best, 5.0, "us"
    yield "tiny: Program.value_and_grad(x, out=)", 1e6 * buffered.best, 1.5, "us"


def sizes(seconds, largest):
    """Cost per operation of value and gradient on random graphs of growing size."""
    for n in (10**4, 10**5, 10**6):
        if n > largest:
            continue
        progress(f"random graph of {n}")
        w = WORKLOADS["random_graph"]
        x, out = np.array(w.x), np.empty(len(w.x))
        program = jt.record(on_list(random_graph(jt, n)), x)
        time = timing(lambda p=program, x=x, out=out: p.value_and_grad(x, out=out), seconds).best
        yield f"replay, random graph of {len(program.tape)} operations", 1e9 * time / len(program.tape), 15.0, "ns/op"


def xad_gradient(w, seconds):
    """The best time of one XAD gradient, which records on every call."""
    import xad.adj_1st as xad
    import xad.math as m

    f = w.build(m)

    def gradient():
        with xad.Tape() as tape:
            x = [xad.Real(v) for v in w.x]
            for v in x:
                tape.registerInput(v)
            tape.newRecording()
            y = f(x)
            tape.registerOutput(y)
            y.derivative = 1.0
            tape.computeAdjoints()
            return y.value, [v.derivative for v in x]

    value, slopes = gradient()
    assert error(w, value, slopes) < 1e-6, "XAD's gradient is off"
    return timing(gradient, seconds).best


def recording(measured, seconds):
    for name, (ops, phases) in measured.items():
        if ops < 1000:
            continue
        progress(f"XAD, {name}")
        whole, alone, xad = *(phases[what]["jittape"] for what in ("record", "tape")), xad_gradient(WORKLOADS[name], seconds)
        than = f"one XAD gradient ({1e9 * xad / ops:.0f} ns/op)"
        yield f"{name}: record the tape ({1e9 * alone / ops:.0f} ns/op) to {than}", alone / xad, 0.5, "times"
        yield f"{name}: record with passes and schedule ({1e9 * whole / ops:.0f} ns/op) to {than}", whole / xad, 0.5, "times"


FRESH = """
import sys
sys.path[:0] = [{root!r}, {bench!r}]
import jittape as jt
from workloads import WORKLOADS
w = WORKLOADS[{name!r}]
print(jt.value_and_grad(w.build(jt))(w.x)[0])
"""


def fresh_process(name, cache):
    """Seconds from the start of a new Python process to its end, one gradient later. The cache holds compiled kernels."""
    source = FRESH.format(root=str(ROOT), bench=str(Path(__file__).parent), name=name)
    start = perf_counter()
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    # without bytecode on disk every process compiles 0.2 s of source, which no installed package does
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", source], env=environment, check=True, capture_output=True, timeout=600)
    return perf_counter() - start


def starts():
    for name, limit in (("tiny", 8.0), ("iris", 12.0), ("lorenz", 12.0)):
        progress(f"new processes, {name}")
        with tempfile.TemporaryDirectory() as cache:
            yield f"new process to its first gradient, {name}: nothing compiled yet", fresh_process(name, cache), limit, "s"
            warm = min(fresh_process(name, cache) for _ in range(5))
            yield f"new process to its first gradient, {name}: compiled before", warm, 1.2, "s"


def targets(measured, seconds, quick):
    if "iris" in measured:
        times = measured["iris"][1]["gradient"]
        yield "iris: linked objects to replay", times["linked objects"] / times["jittape"], -300.0, "times"
    yield from sizes(seconds, 10**5 if quick else 10**6)
    yield from tiny(seconds)
    try:
        import xad.adj_1st  # noqa: F401
    except ImportError:
        yield "record to one XAD gradient: skipped, xad is not installed", None, 0.5, "times"
    else:
        yield from recording(measured, seconds)
    yield from starts()


def judged(target):
    """A row of the second table. A negative limit is a least value."""
    what, got, limit, of = target
    verdict = "-" if got is None else "yes" if (got >= -limit if limit < 0 else got <= limit) else "no"
    bound = f"{'at least' if limit < 0 else 'at most'} {abs(limit):g} {of}"
    return [what, "-" if got is None else f"{number(got)} {of}", bound, verdict]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, no tape of a million operations")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=DEFAULT, metavar="WORKLOAD", help=", ".join(WORKLOADS))
    options = parser.parse_args()
    seconds = options.seconds / 10 if options.quick else options.seconds

    # Kernels are compiled and loaded before anything is timed; the last targets time just that.
    compile_kernels()
    for w in WORKLOADS.values():
        progress(f"warming up, {w.name}")
        jt.value_and_grad(w.build(jt))(w.x)
    measured: dict[str, tuple] = {}
    for name in options.only:
        progress(name)
        measured[name] = measure(WORKLOADS[name], seconds)
    facts = machine("jittape", "numpy", "numba", "xad")
    facts["jittape"] = jt.__version__
    rows = [row for name, (ops, phases) in measured.items() for row in lines(f"{name}, {ops} ops", ops, phases)]
    text = [describe(facts), "", table(COLUMNS, rows, left=2), ""]
    extrapolated: dict[str, float] = {}
    if "random_graph" in measured:
        progress("random graph, 10,000 times")
        extrapolated, line = ten_thousand(WORKLOADS["random_graph"], seconds)
        text += [line, ""]
    judgements = list(targets(measured, seconds, options.quick))
    text.append(table(["target", "measured", "limit", "met"], [judged(t) for t in judgements]))
    panels = {f"{name}, {ops} operations": dict(phases["gradient"]) for name, (ops, phases) in measured.items()}
    data = {
        "facts": facts,
        "seconds": seconds,
        "workloads": {name: {"operations": ops, "times": phases} for name, (ops, phases) in measured.items()},
        "random graph, 10,000 runs": extrapolated,
        "targets": [dict(zip(("what", "measured", "limit", "unit"), t, strict=True)) for t in judgements],
        "chart": {"title": "Value and gradient, time per call (logarithmic)", "panels": panels},
    }
    save("pure_python", "\n".join(text), data)


if __name__ == "__main__":
    main()
