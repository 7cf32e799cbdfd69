"""The file of a Unix socket: made, and taken away again, without hurting anybody else's."""

import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A start may wait; at a stop others are served meanwhile.
_BIND_SECONDS = 5.0
_REMOVE_SECONDS = 0.1
_RETRY_SECONDS = 0.01


class SocketFile:
    """Own the file at `path`, from `bind` until it is removed or replaced by another."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._ours: tuple[int, int] | None = None

    def bind(self, mode: int, backlog: int) -> socket.socket:
        """Listen there; a socket on which nobody listens any more is replaced.

        Raises OSError, with the reason in words where somebody does, or where it is no socket.
        """
        with _locked(self._path.parent, _BIND_SECONDS):
            self._make_room()
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                # Linux makes the file with the socket's own mode, less the umask: never wider.
                os.fchmod(sock.fileno(), mode)
                sock.bind(str(self._path))
                self._ours = _identity(self._path)
                self._path.chmod(mode)
                sock.listen(backlog)
            except OSError:
                sock.close()
                self._unlink()
                raise
            return sock

    def remove(self) -> None:
        """Take the file away, if it is still ours. What cannot be removed stays."""
        try:
            with _locked(self._path.parent, _REMOVE_SECONDS):
                self._unlink()
        except OSError:
            pass

    def _unlink(self) -> None:
        if self._ours is not None and _identity(self._path) == self._ours:
            self._path.unlink()
        self._ours = None

    def _make_room(self) -> None:
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(found.st_mode):
            raise FileExistsError(errno.EEXIST, "there is something that is no socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(str(self._path))
            except ConnectionRefusedError:
                self._path.unlink()
                return
            except FileNotFoundError:
                return
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EPROTOTYPE):
                    raise
        raise OSError(errno.EADDRINUSE, "somebody listens there")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _locked(folder: Path, seconds: float) -> Iterator[None]:
    """Nobody else who asks so makes or removes a socket there meanwhile.

    Between its bind and its listen a socket looks like one that was left behind.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise OSError(errno.EWOULDBLOCK, "its folder is locked") from None
                time.sleep(_RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)
