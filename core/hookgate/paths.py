"""What has a name in the file system, told alike on every Python.

`Path.exists`, `is_dir` and `is_file` raise where a folder may not be looked into or a name is too
long, but say False from Python 3.14 on: what cannot be seen would pass for what is not there.
"""

import stat
from errno import EBADF, ELOOP
from pathlib import Path

# As of Python before 3.14: what cannot be followed to anything is nothing.
_NOTHING = (EBADF, ELOOP)


def is_there(path: str | Path) -> bool:
    """Tell whether something has this name, links followed. Raises OSError if it cannot be seen."""
    return _mode(path) != 0


def is_folder(path: str | Path) -> bool:
    """Tell whether it is a folder, links followed. Raises OSError if it cannot be seen."""
    return stat.S_ISDIR(_mode(path))


def is_file(path: str | Path) -> bool:
    """Tell whether it is a regular file, links followed. Raises OSError if it cannot be seen."""
    return stat.S_ISREG(_mode(path))


def is_fifo(path: str | Path) -> bool:
    """Tell whether it is a FIFO, links followed. Raises OSError if it cannot be seen."""
    return stat.S_ISFIFO(_mode(path))


def _mode(path: str | Path) -> int:
    try:
        return Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL, a surrogate
        return 0
    except OSError as error:
        if error.errno in _NOTHING:
            return 0
        raise
