"""Where ledger lines go: one locked file, or standard output. A line is written whole or not."""

import errno
import fcntl
import os
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

STDOUT = "-"
_TAIL = 1 << 20


class LedgerError(Exception):
    """The ledger cannot be opened; the message names the file and the mend."""


class Sink:
    """An open ledger file.

    Raises `LedgerError` where the file cannot be opened or another process writes to it.
    `torn` tells that a crash had left a line without its end; it was ended, so that the next
    line stands alone.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.torn = False
        self._fd = _open_stdout() if path == STDOUT else _open_file(path)
        status = os.fstat(self._fd)
        self._identity = (status.st_dev, status.st_ino)
        self._regular = stat.S_ISREG(status.st_mode) and path != STDOUT
        self._syncer: ThreadPoolExecutor | None = None
        self._syncing: Future[None] | None = None

    def last_line(self) -> bytes:
        """The file's last line without its newline, ending a torn one; b"" if there is none."""
        if not self._regular:
            return b""
        size = os.fstat(self._fd).st_size
        tail = os.pread(self._fd, _TAIL, max(0, size - _TAIL))
        if tail and not tail.endswith(b"\n"):
            self.torn = True
            with suppress(OSError):
                os.write(self._fd, b"\n")
        return tail.rstrip(b"\n").rpartition(b"\n")[2]

    def write(self, line: bytes) -> None:
        """Append the line and its newline. Raises OSError, and then nothing of it remains."""
        data = line + b"\n"
        written = os.write(self._fd, data)
        if written == len(data):
            return
        if self._regular:
            # O_APPEND and the lock make the last bytes ours. Cut by what was written rather than
            # to a remembered size: a file truncated from outside must not grow a hole.
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        while written < len(data):
            written += os.write(self._fd, data[written:])

    def moved(self) -> bool:
        """Whether the path names another file by now, as after a rotation."""
        if not self._regular:
            return False
        try:
            status = Path(self.path).stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return (status.st_dev, status.st_ino) != self._identity

    def sync(self) -> None:
        """Force what was written to the disk, waiting for it. Raises OSError."""
        if self._regular:
            os.fdatasync(self._fd)

    def sync_behind(self) -> bool:
        """Do so on a thread (0.3 ms that no delivery waits for), one at a time.

        Returns False where one is still under way; raises the OSError of the one before.
        """
        if self._syncing is not None:
            if not self._syncing.done():
                return False
            finished, self._syncing = self._syncing, None
            finished.result()
        if self._syncer is None:
            self._syncer = ThreadPoolExecutor(1, "ledger-sync")
        self._syncing = self._syncer.submit(self.sync)
        return True

    def close(self) -> None:
        """Wait for a sync under way, sync the rest and close. Raises OSError."""
        if self._syncer is not None:
            self._syncer.shutdown(wait=True)
        try:
            self.sync()
        finally:
            if self.path != STDOUT:
                os.close(self._fd)


def _open_stdout() -> int:
    # A pipe left non-blocking by its other end would tear lines.
    os.set_blocking(1, True)
    return 1


def _open_file(path: str) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        fd = os.open(path, flags, 0o640)
    except OSError as error:
        raise LedgerError(f'audit.path = "{path}" cannot be opened: {error.strerror}') from None
    os.set_blocking(fd, True)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise LedgerError(
                f'audit.path = "{path}" is being written by another process; give each its own file'
            ) from None
    return fd
