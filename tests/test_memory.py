"""Too little memory is an error before the allocation, with the size in it, and not a killed process."""

import numpy as np
import pytest

import jittape as jt
from jittape import memory, paths


@pytest.fixture
def little(monkeypatch, tmp_path):
    """A machine with 100 kB left, where every allocation is looked at."""
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemAvailable:    100 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    monkeypatch.setattr(memory, "_ALWAYS", 1 << 10)
    return tmp_path


def polynomial(x):
    for _ in range(40):
        x = x * x + 0.1
    return np.sum(x)


def test_planning(little):
    with pytest.raises(jt.TapeCapacityError, match=r"planning Tape\(\d+ instr.* takes about .* GiB; this machine has .* left"):
        jt.record(polynomial, np.zeros(100))


def test_a_call(little, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", little / "nothing")
    program = jt.record(polynomial, np.zeros(100))
    monkeypatch.setattr(memory, "_MEMINFO", little / "meminfo")
    (little / "meminfo").write_text("MemAvailable: 10 kB\n")
    with pytest.raises(jt.TapeCapacityError, match="a call of <Program of polynomial"):
        program.value_and_grad(np.zeros(100))
    (little / "meminfo").write_text("MemAvailable: 10000 kB\n")
    assert program.value_and_grad(np.zeros(100))[0] == pytest.approx(polynomial(np.zeros(100)), rel=1e-12)


def bits(x, n):
    """A path for every combination of n digits, each as long as the others."""
    out = x
    for k in range(1, n + 1):
        out = out * 1.5 if jt.floor(x * 2.0**k) % 2.0 > 0.5 else out * 0.5
    for _ in range(100):
        out = out + 0.125 * x
    return out


def test_paths_that_fill_the_memory_make_room_for_new_ones(little):
    (little / "memory.max").write_text("100000\n")
    (little / "memory.current").write_text("20000\n")
    g = jt.value_and_grad(lambda x: bits(x, 5))
    with pytest.warns(jt.JitTapeWarning, match="more paths than fit into memory") as caught:
        for i in range(100):
            x = (i % 32 + 0.5) / 32
            assert g(x) == pytest.approx((bits(x, 5), bits(x, 5) / x), rel=1e-12)
    assert len(caught) == 1
    (tree,) = g._trees.values()
    assert 1 < len(tree.paths) < 32
    assert tree.nbytes == sum(path.program.nbytes for path in tree.paths) <= memory.available() == 80000


def test_static_values_that_fill_the_memory_make_room_for_new_ones(little):
    g = jt.grad(bits)
    with pytest.warns(jt.JitTapeWarning, match="more argument structures or static values than fit into memory") as caught:
        for n in range(100):
            assert g(1.0, n) == 0.5**n + 12.5
    assert len(caught) == 1
    assert 1 < g.cache_info().paths < 100


def test_one_path_is_kept_however_little_memory_there_is(monkeypatch):
    monkeypatch.setattr(paths, "scarce", lambda held: True)
    g = jt.grad(bits)
    with pytest.warns(jt.JitTapeWarning):
        for x in (1.25, 1.5, 1.5, 1.25):
            g(x, 2)
    assert g.cache_info() == (1, 3, 1)


def test_a_memory_error_is_the_built_in_kind(little):
    with pytest.raises(MemoryError):
        memory.require(1 << 40, "this")


def test_the_limit_of_a_container_counts(little):
    (little / "memory.max").write_text("50000\n")
    (little / "memory.current").write_text("20000\n")
    assert memory.available() == 30000
    (little / "memory.max").write_text("max\n")
    assert memory.available() == 100 * 1024


def test_where_nothing_is_known_nothing_is_refused(little, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", little / "nothing")
    assert memory.available() is None
    memory.require(1 << 50, "this")


def test_here(little, monkeypatch):
    monkeypatch.undo()
    free = memory.available()
    assert free is None or free > 1 << 20
