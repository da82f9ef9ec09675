"""Machine code that Python can do without: when it is worth its compilation."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable

from . import cpython, kernels
from .errors import JitTapeWarning
from .interrupts import lock, uninterrupted

# How many times as much work has to be there for what this process alone will use.
_ALONE = 64


class Late:
    """Makes something once that pays: after so much work in Python where it is on disk, after more where it has to be compiled.

    Attributes
    ----------
    make : a function that makes it
    compiled : the jitted function that takes the time, by which it is known what is on disk
    patience : the work to wait for where it is on disk, and where it is not
    otherwise : what stays as it is where that fails; recording and calls go on without
    left : the work that is still to be done in Python; None before the first
    """

    def __init__(
        self, make: Callable[[], None], compiled: Callable[..., object], patience: tuple[int, int], otherwise: str
    ) -> None:
        self.make, self.compiled, self.patience, self.otherwise = make, compiled, patience, otherwise
        self.lock = lock(threading.RLock)
        self.left: int | None = None

    def worked(self, n: int) -> None:
        """Note that so much was done in Python, 0 before the first."""
        if self.left is None:
            self.left = self._wait()
        self.left -= n
        # whoever comes while another thread compiles, or in a child forked meanwhile, goes on in Python
        if self.left <= 0 and self.lock.acquire(blocking=False):
            self.left = sys.maxsize
            with uninterrupted():
                try:
                    self.make()
                except Exception as error:
                    warnings.warn(
                        f"{self.otherwise}, since they could not be compiled: {error!r}", JitTapeWarning, stacklevel=4
                    )
                except BaseException:  # what another thread sends here: later, then
                    self.left = self._wait()
                    raise
                finally:
                    self.lock.release()

    def _wait(self) -> int:
        loading, compiling = self.patience
        if not cpython.supported():
            return sys.maxsize
        if kernels.on_disk(self.compiled):
            return loading
        # where nothing can be kept, each process has to compile for itself alone
        return compiling if kernels.cache_folder() else _ALONE * compiling
