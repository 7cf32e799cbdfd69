"""What the process keeps of memory that it no longer needs."""

import ctypes

# mallopt(3)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_WAITING = 16 * 1024 * 1024

_libc = ctypes.CDLL(None)


def hold_free_memory() -> None:
    """Have what is freed wait for its next use, up to a body with all that is made of it.

    Blocks of 128 KiB and more would go back to the system at once, and each page of the next one be
    made anew: half of what an event of 512 KiB took. The largest is orjson's, twelve times a body;
    it touches only what it needs of it. Other C libraries have no such call.
    """
    try:
        mallopt = _libc.mallopt
    except AttributeError:
        return
    mallopt(_M_MMAP_THRESHOLD, _WAITING)
    mallopt(_M_TRIM_THRESHOLD, _WAITING)


def return_free_memory() -> None:
    """Give free pages back to the system, those among small objects too: 0.1 to 3 ms.

    Without it what large bodies leave between small objects adds up: a worker kept 61 MiB after
    75 s of hostile senders, and keeps 36.
    """
    try:
        trim = _libc.malloc_trim  # malloc_trim(3)
    except AttributeError:
        return
    trim(ctypes.c_size_t(0))
