"""The tape as text, DOT and SVG."""

from __future__ import annotations

import os
import sys

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
LARGEST_PICTURE = 40


def user_line() -> tuple[str, int] | None:
    """The (file, line) of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def listing(tape, *, head=40, values=True):
    return repr(tape)
