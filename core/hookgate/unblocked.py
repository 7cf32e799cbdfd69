"""Standard error and output that nobody waits for: a thread writes what was said.

A pipe that is full, a terminal that is halted with Ctrl-S and a file on a disk that hangs block
whoever writes to them. Here that is a thread with bounded memory; what does not fit is dropped,
counted, and told once the stream flows again.
"""

import atexit
import io
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable

# Some 1,500 messages; with it the whole of a start fits on any stream.
MOST_BYTES = 256 * 1024
# The event that is a witness of the ledger's end: of how many it was robbed a log has to tell.
CHECKPOINT = "ledger.checkpoint"
# At the end of the process what is still unwritten is waited for so long.
_LAST_SECONDS = 1.0


class Spool:
    """Texts on their way to a descriptor. `tell` is called with the number that was dropped.

    `dropped` counts texts that did not fit or could not be written, `dropped_checkpoints` those of
    them that are checkpoints of the ledger.
    """

    def __init__(self, fd: int, tell: Callable[[int], None]) -> None:
        self.dropped = self.dropped_checkpoints = 0
        self._fd = fd
        self._tell = tell
        self._untold = 0
        self._waiting: deque[bytes] = deque()
        self._bytes = 0  # of those, and of the one that is being written
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, text: str) -> None:
        """Have it written, or drop it; returns at once."""
        data = text.encode("utf-8", "backslashreplace")
        with self._changed:
            if self._bytes + len(data) > MOST_BYTES:
                self._drop(data)
                return
            self._waiting.append(data)
            self._bytes += len(data)
            self._changed.notify_all()
            if self._thread is None:
                self._start()

    def flush(self, seconds: float) -> bool:
        """Wait until everything is written, at most so long; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._bytes, seconds)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="unblocked", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads: what waits is written once there can be one
            return
        self._thread = thread

    def _drop(self, data: bytes) -> None:
        self.dropped += 1
        self.dropped_checkpoints += CHECKPOINT.encode() in data
        self._untold += 1

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                data = self._waiting.popleft()
            written = self._write(data)
            untold = 0
            with self._changed:
                self._bytes -= len(data)
                self._changed.notify_all()
                if not written:
                    self._drop(data)
                elif not self._waiting:
                    untold, self._untold = self._untold, 0
            if untold:
                self._tell(untold)

    def _write(self, data: bytes) -> bool:
        """Whether it was written: as on a full disk, it may be the message alone that is lost."""
        try:
            while data:
                try:
                    data = data[os.write(self._fd, data) :]
                except BlockingIOError:  # its other end may have made it non-blocking
                    poll = select.poll()
                    poll.register(self._fd, select.POLLOUT)
                    poll.poll()
        except OSError:
            return False
        return True


class Unblocked(io.TextIOBase):
    """A text stream whose lines go to a spool, each as a whole."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, spool: Spool, fd: int) -> None:
        self.spool = spool
        self._fd = fd
        self._partial = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Take it, and give on what are whole lines."""
        with self._lock:
            lines, end, rest = (self._partial + text).rpartition("\n")
            self._partial = rest[:MOST_BYTES]
        if end:
            self.spool.put(lines + end)
        return len(text)

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor that is written to in the end."""
        return self._fd

    def isatty(self) -> bool:
        """Whether a person may look at it."""
        return os.isatty(self._fd)


_streams: dict[int, Unblocked] = {}


def unblocked(fd: int, tell: Callable[[int], None]) -> Unblocked:
    """The stream of this descriptor, made once; what it still holds is written at exit."""
    if fd not in _streams:
        spool = Spool(fd, tell)
        _streams[fd] = Unblocked(spool, fd)
        atexit.register(spool.flush, _LAST_SECONDS)
    return _streams[fd]


def unblock_stderr(tell: Callable[[int], None]) -> None:
    """Let nothing in this process wait for standard error, the interpreter's warnings included.

    Leaves alone one that is no descriptor of the process, as in a test.
    """
    try:
        real = sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):
        return
    if real:
        sys.stderr = unblocked(2, tell)


def dropped() -> int:
    """How many messages this process has dropped so far."""
    return sum(stream.spool.dropped for stream in _streams.values())


def dropped_checkpoints() -> int:
    """How many of those were checkpoints of the ledger."""
    return sum(stream.spool.dropped_checkpoints for stream in _streams.values())
