"""Where ledger lines go: one locked file, or standard output. A line is written whole or not."""

import errno
import fcntl
import os
import stat
from concurrent.futures import Future
from pathlib import Path

from .background import Background
from .opening import LedgerError, open_file, open_stdout
from .stream import Stream

__all__ = ["STDOUT", "LedgerError", "Sink"]

STDOUT = "-"
_TAIL = 1 << 20
_MARK = 64


class Sink:
    """An open ledger file.

    Raises `LedgerError` where the file cannot be opened or another process writes to it. `torn`
    tells that a crash had left a line without its end; the next line stands alone all the same.
    `regular` says that it is a file, and no pipe, device or standard output.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = open_stdout() if path == STDOUT else open_file(path)
        status = os.fstat(self._fd)
        self._identity = (status.st_dev, status.st_ino)
        self.regular = stat.S_ISREG(status.st_mode) and path != STDOUT
        self._stream = None if stat.S_ISREG(status.st_mode) else Stream(self._fd)
        tail = self._read_tail(status.st_size) if self.regular else b""
        self.torn = bool(tail) and not tail.endswith(b"\n")
        self.last_line = tail.rstrip(b"\n").rpartition(b"\n")[2]
        self._ragged = self.torn
        self._stray = 0
        self._syncer = Background("ledger-sync")
        self._syncing: Future[None] | None = None
        self._probing = False
        # The size when it was looked at last, and the bytes before that.
        self._seen = status.st_size, tail[-_MARK:]

    def write(self, line: bytes, *, durable: bool = False) -> None:
        """Append the line and its end, and sync it if it is to be durable.

        Raises OSError, and then nothing of it remains. It may be several lines where this is a
        file: elsewhere they could not be taken back.
        """
        self._cut_stray()
        data = line + b"\n"
        if self._ragged:
            data = b"\n" + data
        if self._stream is not None:
            self._stream.write(data)
            return
        written = os.write(self._fd, data)
        try:
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable:
                os.fdatasync(self._fd)
        except OSError:
            self._stray = written
            self._cut_stray()
            raise
        self._ragged = False

    @property
    def can_cut(self) -> bool:
        """Whether what was written in part can be taken back."""
        return self._stream is None

    def push(self) -> None:
        """Go on with a line that did not fit as a whole into a stream. Raises OSError."""
        if self._stream is not None:
            self._stream.push()

    def _cut_stray(self) -> None:
        # O_APPEND and the lock make the last bytes ours. Cut by length rather than to a remembered
        # size: a file truncated from outside must not grow a hole. What cannot be cut off now is
        # cut off before the next line.
        if self._stray:
            os.ftruncate(self._fd, max(0, os.fstat(self._fd).st_size - self._stray))
            self._stray = 0

    def _read_tail(self, size: int) -> bytes:
        try:
            return os.pread(self._fd, _TAIL, max(0, size - _TAIL))
        except OSError as error:
            os.close(self._fd)
            raise LedgerError(
                f'audit.path = "{self.path}" cannot be read: {error.strerror}'
            ) from None

    def moved(self) -> bool:
        """Tell whether the path names another file by now, as after a rotation."""
        if not self.regular:
            return False
        try:
            status = Path(self.path).lstat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return (status.st_dev, status.st_ino) != self._identity

    def deleted(self) -> bool:
        """Tell whether the open file has no name any more: a rotation leaves it one."""
        try:
            return self.regular and os.fstat(self._fd).st_nlink == 0
        except OSError:
            return False  # that will be told by a write

    def may_be_cut(self, *, holds_lines: bool) -> bool:
        """Tell whether bytes that were there when this was asked last are not there any more.

        Also where that cannot be told, as it was empty then, and if it is though it `holds_lines`.
        """
        if not self.regular:
            return False
        try:
            size, mark = self._seen
            here = os.fstat(self._fd).st_size - self._stray
            cut = here < size or (holds_lines and not (size and here))
            cut = cut or os.pread(self._fd, len(mark), size - len(mark)) != mark
            self._seen = here, os.pread(self._fd, min(_MARK, here), max(0, here - _MARK))
        except OSError:
            return False  # that will be told by a write
        return cut

    def sync_behind(self) -> bool:
        """Sync on a thread (0.3 ms that no delivery waits for); False if one is under way.

        Raises OSError where it had to be done at once and failed.
        """
        if self._syncing is not None or not self.regular:
            return not self.regular
        self._syncing = self._syncer.submit(self.sync)
        return True

    @property
    def is_syncing(self) -> bool:
        """Whether a sync behind is under way, or has ended and was not checked."""
        return self._syncing is not None

    def check_sync(self) -> bool | None:
        """Tell whether the sync behind that has ended was a probe, None where none has ended since.

        Raises the OSError of one that failed.
        """
        if self._syncing is None or not self._syncing.done():
            return None
        finished, self._syncing = self._syncing, None
        probed, self._probing = self._probing, False
        finished.result()
        return probed

    def probe(self) -> None:
        """Find out without a line whether the disk works: `check_sync` tells. Raises OSError.

        The last byte is written over itself, which changes nothing for whoever reads the file.
        """
        if self._syncing is not None or not self.regular:
            return
        self._cut_stray()
        size = os.fstat(self._fd).st_size
        if size:
            flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
            # Linux appends what pwrite is given as long as O_APPEND is set.
            fcntl.fcntl(self._fd, fcntl.F_SETFL, flags & ~os.O_APPEND)
            try:
                os.pwrite(self._fd, os.pread(self._fd, 1, size - 1), size - 1)
            finally:
                fcntl.fcntl(self._fd, fcntl.F_SETFL, flags)
        else:
            self._stray = os.write(self._fd, b"\n")
            try:
                os.fdatasync(self._fd)
            finally:
                self._cut_stray()
        self._probing = self.sync_behind()

    def close(self) -> None:
        """Wait for a sync under way, sync the rest and close. Raises OSError."""
        try:
            self._syncer.close()
            self.check_sync()
            if self.regular:
                self.sync()
            if self._stream is not None:
                self._stream.close()
        finally:
            if self.path != STDOUT:
                os.close(self._fd)

    def sync(self) -> None:
        """Force what was written to disk, now. Raises OSError."""
        os.fdatasync(self._fd)
