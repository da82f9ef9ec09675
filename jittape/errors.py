"""The exceptions: each is a `JitTapeError` and also the built-in class that a caller would expect."""


class JitTapeError(Exception):
    """The base of every error that jittape raises on purpose."""


class TracingTypeError(JitTapeError, TypeError):
    """A traced value was used where only a plain number can go, or an argument has a type that cannot be traced."""


class TapeMismatchError(JitTapeError, ValueError):
    """Values of two recordings met in one operation."""


class StaleVarError(JitTapeError, RuntimeError):
    """A traced value was used after its recording had ended."""


class TapeThreadError(JitTapeError, RuntimeError):
    """A recording was used from a thread that does not own it."""


class TapeCapacityError(JitTapeError, MemoryError):
    """A tape does not fit: into 32-bit slots, or into memory."""


class TapeFormatError(JitTapeError, ValueError):
    """Stored data is not a valid tape."""


class BranchChanged(JitTapeError, RuntimeError):
    """A replay would take another branch than the recorded one."""


class NonFiniteError(JitTapeError, FloatingPointError):
    """An operation made a NaN or an infinity out of finite numbers."""


class JitTapeCacheWarning(UserWarning):
    """The compiled kernels cannot be cached on disk, so each process compiles them again."""


class JitTapeWarning(UserWarning):
    """Something is right but slower than it needs to be."""
