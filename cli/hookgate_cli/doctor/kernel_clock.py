"""Whether something keeps the clock right, as the kernel knows it."""

import ctypes

# linux/timex.h: struct timex is 208 bytes on 64 bits, begins with `modes`, and 0 of it changes
# nothing. The state is TIME_ERROR where nobody disciplines the clock.
_SIZE = 208
_TIME_ERROR = 5


def is_kept_right() -> bool | None:
    """Ask adjtimex(2), which changes nothing so; None where it does not say."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.create_string_buffer(max(_SIZE, 256)))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else state != _TIME_ERROR
