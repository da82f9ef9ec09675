"""Ctrl-C and other signals where they must wait, and locks that a forked child finds open."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

_SIGNALS = tuple(map(int, signal.valid_signals()))


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a Ctrl-C that comes meanwhile wait for the end, and whatever other signal a program has a handler for, such as an alarm's.

    Numba fills its registries when it first loads or compiles something. Interrupted halfway it never does again, and all that is
    compiled later in that process fails. It also takes some exceptions for its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: handler for number in _SIGNALS if callable(handler := signal.getsignal(number))}
    came: dict[int, tuple[int, Any]] = {}
    waiting = False

    def deferred(number: int, frame: Any) -> None:
        # an exception of one handler may have kept that of another from being put back: then it is called all the same
        if waiting:
            came.setdefault(number, (number, frame))
        else:
            handlers[number](number, frame)

    for number in handlers:
        signal.signal(number, deferred)
    with contextlib.ExitStack() as after:
        try:
            waiting = True
            yield
        finally:
            waiting = False
            for number, arguments in reversed(came.items()):  # each, even if the one before it raises
                after.callback(handlers[number], *arguments)
            for number, handler in handlers.items():
                signal.signal(number, handler)


_locks: WeakSet[Any] = WeakSet()


def lock(kind: Callable[[], Any] = threading.Lock) -> Any:
    """A lock that is open in a child, whatever thread of its parent held it when that forked: that thread is not there."""
    made = kind()
    _locks.add(made)
    return made


def wait_before_fork(held: Any) -> None:
    """Let a fork wait for a lock of others, such as Numba's, whose holder would be missing from the child halfway through its work."""
    taken: list[bool] = []

    def take() -> None:
        with uninterrupted():
            held.acquire()
            taken.append(True)

    def give_back() -> None:
        if taken:
            taken.pop()
            held.release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=take, after_in_parent=give_back, after_in_child=give_back)


def _open_all() -> None:
    for made in list(_locks):
        made._at_fork_reinit()  # as `threading` and `logging` do with theirs


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_all)
