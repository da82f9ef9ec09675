"""Whether there is memory for what is about to be allocated: asked before, because an operating system may promise what it has not."""

from __future__ import annotations

from pathlib import Path

from .errors import TapeCapacityError

# Less than this is allocated without asking, which takes 30 us.
_ALWAYS = 1 << 28
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes that can still be allocated: what the system has, and what the control group of this process allows; None if unknown."""
    found = []
    try:
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        found.append(int(fields["MemAvailable"].split()[0]) * 1024)
    except (OSError, KeyError, ValueError):
        pass
    try:
        found.append(int((_CGROUP / "memory.max").read_text()) - int((_CGROUP / "memory.current").read_text()))
    except (OSError, ValueError):  # no limit is spelled "max"
        pass
    return min(found) if found else None


def scarce(held: int) -> bool:
    """Whether what is held for later calls is more than what is left."""
    if held < _ALWAYS:
        return False
    free = available()
    return free is not None and held > free


def require(size: int, what: str) -> None:
    """Raise `TapeCapacityError` where ``size`` bytes are more than there are; ``what`` says what they are for."""
    if size < _ALWAYS:
        return
    free = available()
    if free is not None and size > free:
        raise TapeCapacityError(f"{what} takes about {size / 2**30:.1f} GiB; this machine has {free / 2**30:.1f} GiB left")
