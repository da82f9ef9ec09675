"""Too little memory is an error before the allocation, with the size in it, and not a killed process."""

import numpy as np
import pytest

import jittape as jt
from jittape import memory


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
