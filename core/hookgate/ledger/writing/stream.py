"""A ledger that is no file: standard output, a pipe, a device. No write is ever waited for."""

import errno
import fcntl
import os
import select
import socket
import stat

# As much as Linux lets anybody have (pipe(7)): a reader that pauses is not felt at once.
_PIPE_BYTES = 1 << 20


class Stream:
    """Write lines to a descriptor, which stays its owner's.

    A line of up to 4096 bytes goes whole or not at all (PIPE_BUF, pipe(7)). Of a longer one the
    rest may have to follow; it does before any other.
    """

    def __init__(self, fd: int) -> None:
        self._rest = b""
        self._socket: socket.socket | None = None
        mode = os.fstat(fd).st_mode
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=os.dup(fd))
        elif stat.S_ISFIFO(mode):
            try:
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            except OSError:
                pass  # it has what it has
        # Non-blocking is shared with whoever else has this descriptor, the shell that started us
        # perhaps; one that is opened anew is ours alone.
        self._fd = self._open_anew(fd) if self._socket is None else -1
        self._owned = self._fd >= 0
        if not self._owned:
            self._fd = fd
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)

    @staticmethod
    def _open_anew(fd: int) -> int:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            return os.open(f"/proc/self/fd/{fd}", flags)
        except OSError:  # no /proc, or a pipe of another user's
            return -1

    def write(self, line: bytes) -> None:
        """Begin and, if it can be, end the line. Raises OSError, and then none of it is there."""
        self.push()
        written = self._send(line)
        if not written:
            raise OSError(errno.EAGAIN, "it is full, and nobody reads it")
        self._rest = line[written:]
        if self._rest:
            self._rest = self._rest[self._send(self._rest) :]

    def push(self) -> None:
        """End the line that was begun. Raises OSError where it cannot be ended yet."""
        if self._rest:
            self._rest = self._rest[self._send(self._rest) :]
            if self._rest:
                raise OSError(errno.EAGAIN, "it is full, and nobody reads it")

    def _send(self, data: bytes) -> int:
        try:
            if self._socket is not None:
                return self._socket.send(data, socket.MSG_DONTWAIT)
            if self._owned:
                return os.write(self._fd, data)
            # So much fits where there is room at all.
            return os.write(self._fd, data[: select.PIPE_BUF]) if self._poll.poll(0) else 0
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Close what is its own. Raises OSError where a line has no end."""
        try:
            self.push()
        finally:
            if self._socket is not None:
                self._socket.close()
            elif self._owned:
                os.close(self._fd)
