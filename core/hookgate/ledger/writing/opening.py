"""The descriptor that ledger lines go to: a locked regular file, or standard output."""

import errno
import fcntl
import os
import stat
from pathlib import Path

from hookgate.files import kind_of
from hookgate.wording import path_in_shell


class LedgerError(Exception):
    """The ledger cannot be opened; the message names the file and the mend."""


def open_stdout() -> int:
    """Return standard output's descriptor; where it is a file, one whose writes wait."""
    if stat.S_ISREG(os.fstat(1).st_mode):
        os.set_blocking(1, True)
    return 1


def open_file(path: str) -> int:
    """Open a regular file and lock it; make it, 0640, where there is none. Returns its descriptor.

    A symbolic link is not followed: while hookgate runs, whoever may write the folder could point
    it at another file. Nothing else is opened, or waited for.

    Raises `LedgerError`, with the mend.
    """
    refused = f'audit.path = "{path}"'
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, 0o640)
    except OSError as error:
        if error.errno == errno.ELOOP and Path(path).is_symlink():
            raise LedgerError(f"{refused} {_mend_link(path)}") from None
        if error.errno == errno.ENOENT:
            folder = path_in_shell(Path(path).parent)
            raise LedgerError(f"{refused} is in no folder; make it: mkdir -p {folder}") from None
        why = error.strerror if error.errno != errno.ENXIO else "it is a socket; name a file"
        raise LedgerError(f"{refused} cannot be opened: {why}") from None
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        what = "a terminal or another device" if stat.S_ISCHR(mode) else kind_of(mode)
        raise LedgerError(f'{refused} is {what}, no regular file; name a file, or "-" for stdout')
    os.set_blocking(fd, True)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if isinstance(error, BlockingIOError):
            why = "is being written by another process; give each its own file"
        else:
            why = f"cannot be locked: {error.strerror}; name a file on a local disk"
        raise LedgerError(f"{refused} {why}") from None
    return fd


def _mend_link(path: str) -> str:
    target = os.path.realpath(path)
    if target.startswith(("/proc/", "/dev/")):
        return 'is standard output or a device; write audit.path = "-" for standard output'
    return f"is a symbolic link, which is not followed; name the file itself: {target}"
