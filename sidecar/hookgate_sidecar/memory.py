"""What the process keeps of memory that it no longer needs."""

import ctypes

# mallopt(3)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE_BYTES = 128 * 1024


def return_large_blocks() -> None:
    """Have blocks of 128 KiB and more, such as bodies, go back to the system when they are freed.

    By default glibc takes the size of the first that is freed for small from then on, up to 32 MiB:
    bodies then lie among small objects, and what these keep from going back adds up. After 150 s of
    hostile senders a worker kept 76 to 81 MiB; so it keeps 45 to 48. Other C libraries have no
    such call.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)
