"""What the benchmarks share: the clock, the machine's description, tables, files and the chart.

    python bench/harness.py bench/results/peers.json

draws the chart of an earlier run, for instance with another Python that has matplotlib. Nothing else is measured here.
"""

import json
import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
# One core for everyone. Read by NumPy's BLAS, by Numba and by XLA when they are imported.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
}


class Timing(NamedTuple):
    """Seconds per call: the shortest and the median, over so many calls."""

    best: float
    median: float
    calls: int


def timing(call: Callable[[], object], seconds: float = 1.0, least: int = 3) -> Timing:
    """Time a call many times, in batches of at least a fifth of a millisecond. The first call warms up and does not count."""
    start = perf_counter()
    call()
    first = perf_counter() - start
    start = perf_counter()
    call()
    first = min(first, perf_counter() - start)
    batch = max(1, math.ceil(2e-4 / max(first, 1e-8)))
    samples, end = [], perf_counter() + seconds
    while len(samples) < least or perf_counter() < end:
        start = perf_counter()
        for _ in range(batch):
            call()
        samples.append((perf_counter() - start) / batch)
    return Timing(min(samples), statistics.median(samples), batch * len(samples))


def once(call: Callable[[], object]) -> tuple[float, object]:
    """The seconds of a single call, and its result."""
    start = perf_counter()
    result = call()
    return perf_counter() - start, result


def compile_kernels() -> None:
    """Compile what jittape compiles once per machine, so that all later processes find it."""
    progress("compiling what jittape compiles once per machine")
    subprocess.run([sys.executable, "-m", "jittape"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def machine(*packages: str) -> dict[str, str]:
    """The machine and the versions of Python and the packages that are installed."""
    versions = {"Python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {"machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"} | versions


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def describe(facts: dict[str, str]) -> str:
    return "; ".join([facts["machine"], ", ".join(f"{name} {version}" for name, version in facts.items() if name != "machine")])


def unit(seconds: float | None) -> str:
    """Seconds in the unit that leaves one to three digits before the point."""
    if seconds is None:
        return "-"
    for factor, name in ((1e9, "ns"), (1e6, "us"), (1e3, "ms")):
        if seconds * factor < 999.5:
            return f"{seconds * factor:.3g} {name}"
    return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:.0f} s"


def number(x: float | None) -> str:
    """Three digits, or all before the point."""
    return "-" if x is None else f"{x:.0f}" if abs(x) >= 99.95 else f"{x:.3g}"


def table(columns: list[str], rows: list[list[str]], left: int = 1) -> str:
    """A Markdown table that is also readable as text; the first `left` columns are words."""
    widths = [max(len(str(row[i])) for row in [columns, *rows]) for i in range(len(columns))]

    def line(cells):
        pairs = enumerate(zip(map(str, cells), widths, strict=True))
        return "| " + " | ".join(c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in pairs) + " |"

    rule = ["-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    return "\n".join([line(columns), line(rule), *map(line, rows)])


def progress(text: str) -> None:
    """Say what is being timed, on standard error where that is a terminal; an empty text wipes the line."""
    if sys.stderr.isatty():
        print(f"\r{text:78}\r", end="", file=sys.stderr, flush=True)


def save(name: str, text: str, data: dict) -> None:
    """Print a result, and write it to bench/results/ as text, as JSON and, where matplotlib is installed, as a chart."""
    progress("")
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text + "\n")
    (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    drawn = chart(RESULTS / f"{name}.json")
    without = "; no chart without matplotlib" if "chart" in data else ""
    print(f"\nwritten: bench/results/{name}.md and .json" + (" and .png" if drawn else without))


COLORS = {"jittape": "#c44e52"}
OTHERS = "#8c9fb5"


def chart(path: Path) -> bool:
    """Draw a result's `chart`, where it has one: one panel per workload, one bar per library, on one logarithmic scale."""
    data = json.loads(path.read_text())
    if "chart" not in data:
        return False
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels, title = data["chart"]["panels"], data["chart"]["title"]
    everything = [v for bars in panels.values() for v in bars.values()]
    low, high = min(everything) / 1.6, max(everything) * 6.0
    columns = 2 if len(panels) > 1 else 1
    rows = math.ceil(len(panels) / columns)
    tallest = max(map(len, panels.values()))
    figure, axes = pyplot.subplots(rows, columns, figsize=(11, rows * (0.27 * tallest + 0.75) + 0.9), squeeze=False)
    for ax, (name, bars) in zip(axes.flat, panels.items(), strict=False):
        names, values = list(bars), list(bars.values())
        ax.barh(names, values, color=[COLORS.get(n.split(",")[0], OTHERS) for n in names], height=0.72)
        for i, value in enumerate(values):
            ax.text(value * 1.12, i, unit(value), va="center", fontsize=8)
        ax.set(xscale="log", xlim=(low, high))
        ax.set_title(name, loc="left", fontsize=10)
        ax.invert_yaxis()
        ax.tick_params(labelsize=8, length=0)
        ax.xaxis.set_major_formatter(lambda v, _: unit(v))
        ax.minorticks_off()
        ax.grid(axis="x", color="#dddddd", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    figure.suptitle(f"{title}\n{data['facts']['machine']}", fontsize=11, x=0.01, ha="left")
    figure.tight_layout(rect=(0, 0, 1, 0.985))
    figure.savefig(path.with_suffix(".png"), dpi=110)
    pyplot.close(figure)
    return True


if __name__ == "__main__":
    for name in sys.argv[1:] or map(str, sorted(RESULTS.glob("*.json"))):
        print(Path(name).with_suffix(".png") if chart(Path(name)) else "no chart without matplotlib")
