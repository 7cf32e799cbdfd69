"""A terminal in another mode, and back as it was, whatever ends or stops the process."""

import os
import re
import select
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# xterm's control sequences, which tmux, screen and the Linux console know too, or pass over.
_ENTER = b"\x1b[?1049h\x1b[?25l"
_LEAVE = b"\x1b[0m\x1b[?25h\x1b[?1049l"
_ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
_KEYS = {
    b"\x1b[A": "up", b"\x1bOA": "up", b"k": "up",
    b"\x1b[B": "down", b"\x1bOB": "down", b"j": "down",
    b"\x1b[5~": "page up", b"\x1b[6~": "page down", b" ": "space",
    b"\x1b[H": "home", b"\x1b[1~": "home", b"\x1bOH": "home", b"g": "home",
    b"\x1b[F": "end", b"\x1b[4~": "end", b"\x1bOF": "end", b"G": "end",
    b"\r": "enter", b"\n": "enter", b"\x1b": "escape",
}  # fmt: skip
# A control sequence (ECMA-48 5.4), a function key's, a letter with Alt, or one byte.
_PRESSED = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b[^\[O]|.", re.DOTALL)


class Ended(Exception):  # noqa: N818  # a signal, and no error
    """A signal asks for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Tty:
    """The terminal at standard input and output, while `held`.

    Ctrl-Z gives it back until the process goes on. `wake` may be called by any thread: it makes
    `wait` return.
    """

    def __init__(self) -> None:
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._saved = termios.tcgetattr(self._in)
        self._woken, self._waking = os.pipe()
        for fd in (self._woken, self._waking):
            os.set_blocking(fd, False)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have it for a whole screen. Raises `Ended` inside where a signal asks for the end."""
        actions: dict[int, Callable[[int, FrameType | None], None]] = {
            **dict.fromkeys(_ENDS, self._end),
            signal.SIGTSTP: self._stop,
            signal.SIGCONT: self._go_on,
            signal.SIGWINCH: lambda *_: None,
        }
        before = {number: signal.signal(number, action) for number, action in actions.items()}
        signal.set_wakeup_fd(self._waking, warn_on_full_buffer=False)
        try:
            self._enter()
            yield
        finally:
            for one in (*_ENDS, signal.SIGTSTP, signal.SIGCONT):
                signal.signal(one, signal.SIG_IGN)
            self._leave()
            signal.set_wakeup_fd(-1)
            for number, former in before.items():
                signal.signal(number, former)

    def size(self) -> tuple[int, int]:
        """Return columns and lines; what a terminal does not know is 80 and 24."""
        try:
            columns, lines = os.get_terminal_size(self._out)
        except OSError:
            return 80, 24
        return columns or 80, lines or 24

    def wake(self) -> None:
        """Let `wait` return."""
        try:
            os.write(self._waking, b"!")
        except BlockingIOError:
            pass  # it is about to

    def wait(self) -> list[str] | None:
        """Wait for keys, a signal or `wake`; return the keys' names, None where there is no
        terminal any more.
        """
        ready, _, _ = select.select([self._in, self._woken], [], [])
        if self._woken in ready:
            os.read(self._woken, 4096)
        if self._in not in ready:
            return []
        data = os.read(self._in, 1024)
        return keys(data) if data else None

    def write(self, text: str) -> None:
        """Write as a whole; a signal that ends it leaves nothing behind to be written later."""
        data = text.encode(sys.stdout.encoding, "backslashreplace")
        while data:
            data = data[os.write(self._out, data) :]

    def _enter(self) -> None:
        mode = termios.tcgetattr(self._in)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[0] &= ~termios.IXON  # Ctrl-S would halt it for good; what was halted goes on
        mode[0] |= termios.ICRNL
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._in, termios.TCSANOW, mode)
        os.write(self._out, _ENTER)

    def _leave(self) -> None:
        try:
            os.write(self._out, _LEAVE)
            termios.tcsetattr(self._in, termios.TCSANOW, self._saved)
        except (OSError, termios.error):
            pass  # it is gone

    def _end(self, number: int, _: FrameType | None) -> None:
        raise Ended(number)

    def _stop(self, number: int, _: FrameType | None) -> None:
        self._leave()
        ours = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, ours)
        self._enter()  # without a shell that could let it go on, nothing has stopped it

    def _go_on(self, *_: object) -> None:
        self._enter()


def keys(data: bytes) -> list[str]:
    """Name the keys that these bytes are of; what is of none is left out."""
    names = []
    for pressed in _PRESSED.findall(data):
        name = _KEYS.get(pressed)
        if (
            name is None
            and len(pressed) == 1
            and pressed.isascii()
            and pressed.decode().isprintable()
        ):
            name = pressed.decode()
        if name is not None:
            names.append(name)
    return names
