"""Ctrl-C waits while Numba loads, and children that are forked meanwhile do not wait for threads that they do not have."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from numba import config

import jittape as jt
from jittape.interrupts import lock, uninterrupted, wait_before_fork


def test_an_interrupt_waits_for_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append(1)
    assert done and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there is no such signal")
def test_other_signals_wait_too_and_all_of_them_are_handled():
    class Late(Exception):
        pass

    def raise_it(*_):
        raise Late

    handled, before = [], [signal.signal(signal.SIGALRM, raise_it), signal.signal(signal.SIGUSR1, lambda *_: handled.append(1))]
    try:
        done = []
        with pytest.raises(Late), uninterrupted():
            signal.raise_signal(signal.SIGALRM)
            signal.raise_signal(signal.SIGUSR1)
            done.append(1)
        assert done == handled == [1] and signal.getsignal(signal.SIGALRM) is raise_it
    finally:
        signal.signal(signal.SIGALRM, before[0])
        signal.signal(signal.SIGUSR1, before[1])


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there is no such signal")
@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_no_signal_is_lost_whenever_another_comes(when, monkeypatch):
    """Among the handlers that are exchanged one may raise before all are."""

    class Late(Exception):
        pass

    def raise_it(*_):
        raise Late

    exchange, calls = signal.signal, []

    def counted(number, handler):
        found = exchange(number, handler)
        calls.append(number)
        if len(calls) == when:
            signal.raise_signal(signal.SIGALRM)
        return found

    before = signal.signal(signal.SIGALRM, raise_it)
    try:
        monkeypatch.setattr(signal, "signal", counted)
        with pytest.raises(Late), uninterrupted():
            pass
        monkeypatch.undo()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Late):
            signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGALRM, before)


def test_an_error_meanwhile_is_the_one_that_is_raised():
    with pytest.raises(ZeroDivisionError), uninterrupted():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_and_programs_that_ignore_interrupts_are_left_alone():
    handlers = []

    def inside():
        with uninterrupted():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        inside()
    finally:
        signal.signal(signal.SIGINT, before)
    assert handlers == [signal.default_int_handler, signal.SIG_IGN]


INTERRUPTED = """
import os, signal, sys, threading, warnings
import jittape as jt

class Late(Exception):
    pass

def late(*_):
    raise Late

warnings.simplefilter("error")
number = signal.{name}
if number != signal.SIGINT:
    signal.signal(number, late)
threading.Timer({after}, os.kill, (os.getpid(), number)).start()
g = jt.grad(lambda x: x * jt.sin(x))
try:
    while True:
        g(0.0)
except (KeyboardInterrupt, Late):
    print(g(0.0), jt.grad(lambda x: x * jt.exp(x))(0.0))
"""


@pytest.mark.skipif(config.DISABLE_JIT or os.name == "nt", reason="nothing is loaded, or there is no such signal")
@pytest.mark.parametrize("name", ["SIGINT", "SIGALRM"])
@pytest.mark.parametrize("after", [0.01, 0.04, 0.1])
def test_an_interrupt_while_kernels_are_loaded_breaks_nothing(name, after):
    """Numba's registries, left half filled, made every later compilation of the process fail; an alarm was taken for a broken cache."""
    code = INTERRUPTED.format(name=name, after=after)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout.split() == ["0.0", "1.0"], ran.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_finds_the_locks_of_other_threads_open():
    held, inside, leave = lock(), threading.Event(), threading.Event()
    g = jt.value_and_grad(lambda x: x * x if x > 0.0 else -x)
    assert [g(x)[0] for x in (2.0, -2.0)] == [4.0, 2.0]
    (tree,) = g._trees.values()

    def hold():
        with held, g._lock, tree._lock:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    try:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(0 if held.acquire(timeout=10) and [g(x)[0] for x in (3.0, -3.0, 1.0)] == [9.0, 3.0, 1.0] else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        leave.set()
        thread.join()


def test_a_lock_that_could_not_be_taken_is_not_given_back(monkeypatch):
    hooks = {}
    monkeypatch.setattr(os, "register_at_fork", lambda **given: hooks.update(given), raising=False)

    class Held:
        taken = 0

        def acquire(self):
            if self.taken < 0:
                raise KeyboardInterrupt
            self.taken += 1

        def release(self):
            assert self.taken == 1
            self.taken -= 1

    held = Held()
    wait_before_fork(held)
    hooks["before"]()
    assert held.taken == 1
    hooks["after_in_parent"]()
    held.taken = -1
    with pytest.raises(KeyboardInterrupt):
        hooks["before"]()
    hooks["after_in_child"]()


COMPILING = """
import os, signal, sys, threading, time
import jittape as jt
from numba.core.compiler_lock import global_compiler_lock
inside, leave = threading.Event(), threading.Event()

def compiling():
    with global_compiler_lock:
        inside.set()
        leave.wait()

threading.Thread(target=compiling).start()
inside.wait()
threading.Timer(0.5, leave.set).start()
child = os.fork()
if child == 0:
    signal.alarm(60)
    os._exit(0 if jt.grad(lambda x: x * x)(3.0) == 6.0 and leave.is_set() else 1)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_waits_for_what_another_thread_compiles():
    """The child would wait forever for a lock of Numba's that nobody there holds."""
    ran = subprocess.run([sys.executable, "-c", COMPILING], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout.split() == ["0"], ran.stderr
