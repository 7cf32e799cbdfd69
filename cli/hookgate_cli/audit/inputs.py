"""Standard input and pipes, which can be read only once, copied to be read again."""

import os
import select
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import IO

from hookgate_cli.common import err, fail
from hookgate_cli.terminal import printable

# Whoever started both ends of a pipe need not be told that one waits for the other.
_QUIET = 2000


def is_regular(file: Path) -> bool:
    """Tell whether it is a regular file, not standard input (`-`) or a pipe. Raises OSError."""
    return str(file) != "-" and stat.S_ISREG(file.stat().st_mode)


def copy(file: Path) -> Path:
    """Copy standard input (`-`) or a pipe to its end, and return the path of a temporary file.

    Where nothing comes out of a pipe for two seconds, a line on stderr says so. Exits with 2 where
    it is no pipe, or cannot be copied. Raises OSError where it cannot be opened.
    """
    if str(file) == "-":
        if sys.stdin.isatty():
            err.print("reading standard input; Ctrl-D ends it")
        return _copy(sys.stdin.buffer, "standard input")
    mode = file.stat().st_mode
    if stat.S_ISDIR(mode):
        fail(f"{file} cannot be read: it is a folder; name the files in it")
    if not stat.S_ISFIFO(mode):
        fail(f"{file} cannot be read: it is neither a file nor a pipe")
    fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as stream:
        poll = select.poll()
        poll.register(fd, select.POLLIN | select.POLLHUP)
        if not poll.poll(_QUIET):
            words = f"{printable(file)} is a pipe: waiting for what is written to it"
            err.print(words, soft_wrap=True)
            poll.poll()
        os.set_blocking(fd, True)
        return _copy(stream, str(file))


def _copy(stream: IO[bytes], name: str) -> Path:
    try:
        with tempfile.TemporaryFile(prefix="hookgate-") as copied:
            shutil.copyfileobj(stream, copied)
            copied.flush()
            kept = os.dup(copied.fileno())  # open, and the file with it, until this process ends
    except OSError as error:
        fail(f"{name} cannot be copied to {tempfile.gettempdir()}: {error.strerror}")
    return Path(f"/proc/self/fd/{kept}")
