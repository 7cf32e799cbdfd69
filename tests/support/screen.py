"""A terminal of so many columns and lines, and a program at it: what it shows, and keys for it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

# What a program may send beside text: a control sequence (ECMA-48 5.4), or one character.
_SENT = re.compile(r"\x1b\[([0-9;?]*)([@-~])|(\x1b.?)|(.)", re.DOTALL)


class Display:
    """The characters of a screen, as those control sequences leave it that are sent to it."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.modes: dict[str, bool] = {}
        self._x = self._y = 0
        self._cells = self._blank()
        self._main = self._blank(), 0, 0
        self._rest = ""

    def feed(self, data: str) -> None:
        """Take in what a program has sent. Fails for what it does not know."""
        data, self._rest = self._rest + data, ""
        if (start := data.rfind("\x1b")) >= 0 and not re.match(
            r"\x1b\[[0-9;?]*[@-~]|\x1b[^\[]", data[start:]
        ):
            data, self._rest = data[:start], data[start:]
        for found in _SENT.finditer(data):
            values, kind, other, text = found.groups()
            assert other is None, f"an escape that no screen needs: {other!r}"
            if text is not None:
                self._put(text)
            elif kind in "hl":
                was_whole = self.is_whole()
                self.modes[values] = kind == "h"
                if was_whole != self.is_whole():
                    self._switch()
            elif kind == "H":
                assert values == ""
                self._x = self._y = 0
            elif kind in "KJ":
                assert values == ""
                self._erase(below=kind == "J")
            else:
                assert kind == "m", f"no sequence of ours: {found[0]!r}"

    def text(self) -> list[str]:
        """The lines, without the blanks at their ends."""
        return ["".join(line).rstrip() for line in self._cells]

    def is_whole(self) -> bool:
        """Whether a program has the screen for itself: the alternate one of xterm."""
        return self.modes.get("?1049", False)

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.lines)]

    def _switch(self) -> None:
        if self.is_whole():
            self._main = self._cells, self._x, self._y
            self._cells = self._blank()
        else:
            self._cells, self._x, self._y = self._main

    def _put(self, character: str) -> None:
        if character == "\r":
            self._x = 0
        elif character == "\n":
            assert self._y < self.lines - 1 or not self.is_whole(), "it scrolls"
            self._go_down()
        else:
            assert character.isprintable(), f"a control character: {character!r}"
            assert self._x < self.columns or not self.is_whole(), "it is wider than the screen"
            if self._x == self.columns:
                self._x = 0
                self._go_down()
            self._cells[self._y][self._x] = character
            self._x += 1

    def _go_down(self) -> None:
        if self._y == self.lines - 1:
            self._cells = [*self._cells[1:], [" "] * self.columns]
        else:
            self._y += 1

    def _erase(self, *, below: bool) -> None:
        self._cells[self._y][self._x :] = [" "] * (self.columns - self._x)
        for y in range(self._y + 1, self.lines) if below else ():
            self._cells[y] = [" "] * self.columns


class Seat:
    """A program at a terminal of its own, in a session of its own, as a shell's job would be."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        columns: int = 80,
        lines: int = 24,
        **environment: str,
    ) -> None:
        self.display = Display(columns, lines)
        self._decoder = getincrementaldecoder("utf-8")()
        self._ours, theirs = pty.openpty()
        self._resize(columns, lines)
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            preexec_fn=self._take,
        )

    def _take(self) -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def press(self, keys: str) -> None:
        """Type these keys."""
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Have another size; what was shown is gone."""
        modes = self.display.modes
        self.display = Display(columns, lines)
        self.display.modes = modes
        self._resize(columns, lines)

    def _resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds: float = 0.1) -> None:
        """Show what it sends within so many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._ours], [], [], left)[0]:
                return
            try:
                data = os.read(self._ours, 1 << 16)
            except OSError:  # nobody has the terminal open any more
                return
            self.display.feed(self._decoder.decode(data))

    def wait_for(self, condition: Callable[[list[str]], bool], seconds: float = 30) -> list[str]:
        """The lines of the screen once they are so; fails when the time is up."""
        until = time.monotonic() + seconds
        while not condition(self.display.text()):
            shown = "\n".join(self.display.text())
            assert time.monotonic() < until, f"the screen is\n{shown}"
            self.read()
        return self.display.text()

    def wait_for_word(self, word: str, seconds: float = 30) -> list[str]:
        """The lines of the screen once one of them holds a word."""
        return self.wait_for(lambda lines: any(word in line for line in lines), seconds)

    def mode(self) -> list[object]:
        """The terminal's attributes."""
        return termios.tcgetattr(self._theirs)

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self.process.send_signal(number)

    def end(self, seconds: float = 30) -> int:
        """Wait for its end, and return its status."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < until, "it does not end"
            self.read()
        self.read()
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it, if it is there still, and take the terminal away."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        os.close(self._theirs)
        os.close(self._ours)
