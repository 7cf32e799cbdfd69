"""Which ledgers a process holds: a gate locks its own for as long as it runs."""

import os
import re
from collections.abc import Callable
from pathlib import Path

_LOCKS = "/proc/locks"
_LOCK = re.compile(rb"FLOCK +ADVISORY +WRITE +\d+ +([0-9a-f]+):([0-9a-f]+):(\d+) ")


def locked_files() -> set[tuple[int, int, int]] | None:
    """Return which files processes have locked with flock(2), as a gate does; None where the
    kernel does not tell.
    """
    try:
        text = Path(_LOCKS).read_bytes()
    except OSError:
        return None
    return {
        (int(major, 16), int(minor, 16), int(inode)) for major, minor, inode in _LOCK.findall(text)
    }


def held_now() -> Callable[[str | Path], bool]:
    """Return what tells whether a process held a file at this time. That none did proves nothing:
    it may run in another container, or on another machine.
    """
    locked = locked_files() or ()

    def is_held(file: str | Path) -> bool:
        try:
            found = Path(file).stat()
        except (OSError, ValueError):
            return False
        return (os.major(found.st_dev), os.minor(found.st_dev), found.st_ino) in locked

    return is_held
