"""The terminal's view while it runs: keys in, screens out."""

import os
import signal
from time import monotonic, sleep
from typing import Any

from rich.text import Text

from hookgate.offering import Place
from hookgate_cli.common import out
from hookgate_cli.gate_source import Source
from hookgate_cli.poller import Poller

from .causes import help_lines
from .explaining import Explaining
from .screen import draw
from .tty import Ended, Tty
from .view import View

_FAR = 1 << 20
# What many gates tell is shown together.
_APART_SECONDS = 0.1
# A frame as one change, where the terminal knows that, and written over the one before.
_BEGIN, _END = "\x1b[?2026h\x1b[H", "\x1b[J\x1b[?2026l"


class Running:
    """Show gates until somebody quits."""

    def __init__(self, sources: list[Source], config: str | None, place: Place) -> None:
        self._tty = Tty()
        self._config = config
        self._poller = Poller(sources, self._tty.wake, place)
        self._view = View()
        self._explaining: Explaining | None = None

    def run(self) -> None:
        """Run; a signal ends it as if it were not caught, once the terminal is as it was."""
        self._poller.start()
        try:
            with self._tty.held():
                self._loop()
        except Ended as ended:
            if ended.number != signal.SIGINT:
                signal.signal(ended.number, signal.SIG_DFL)
                os.kill(os.getpid(), ended.number)
        finally:
            self._poller.close()
            self._end_explaining()

    def _loop(self) -> None:
        while True:
            picture = self._view.paused or self._poller.picture()
            self._view.choose(picture["not_delivered"])
            self._show(picture)
            shown = monotonic()
            pressed = self._tty.wait()
            if pressed is None:
                return
            if not pressed:  # a gate told something, and others are about to
                sleep(max(0.0, shown + _APART_SECONDS - monotonic()))
            for key in pressed:
                if not self._press(key, picture):
                    return
            self._note_explanation()

    def _show(self, picture: dict[str, Any]) -> None:
        columns, lines = self._tty.size()
        self._view.page = max(1, lines - 2)  # less title and keys
        # In its last column a terminal may go on to the next line.
        screen = draw(picture, self._view, columns - 1, lines)
        out.width = columns
        with out.capture() as captured:
            for line in screen:
                out.print(line, soft_wrap=True)
        rows = captured.get().splitlines()
        self._tty.write(_BEGIN + "\r\n".join(f"{row}\x1b[K" for row in rows) + _END)

    def _press(self, key: str, picture: dict[str, Any]) -> bool:
        """Do what a key is for; False where that is to quit."""
        view = self._view
        moves = {"up": -1, "down": 1, "page up": -view.page, "page down": view.page,
                 "home": -_FAR, "end": _FAR}  # fmt: skip
        match key:
            case _ if key in moves:
                view.move(moves[key])
            case "q" | "escape" | "enter" if view.text is not None:
                self._end_explaining()
                view.back()
            case "q":
                return False
            case _ if view.text is not None:
                pass
            case "p" | "space":
                view.paused = None if view.paused is not None else picture
            case "o":
                view.next_kind()
            case "c":
                view.next_contract(picture["not_delivered"])
            case "?" | "h":
                view.show("hookgate top", help_lines(picture, self._tty.size()[0] - 1))
            case "enter" if view.row is not None:
                self._explain(view.row, picture)
        view.choose(picture["not_delivered"])
        return True

    def _explain(self, row: dict[str, Any], picture: dict[str, Any]) -> None:
        where = next(g["where"] for g in picture["gates"] if g["name"] == row["gate"])
        ledger = self._poller.ledger_of(where)
        asked, width = str(row["request_id"] or ""), self._tty.size()[0] - 1
        self._view.show(asked, [Text("The ledger is being read.", "dim")])
        self._explaining = Explaining(asked, ledger, self._config, width, self._tty.wake)

    def _note_explanation(self) -> None:
        explaining = self._explaining
        if explaining is not None and explaining.lines is not None:
            self._view.show(self._view.title, [Text(line) for line in explaining.lines])
            self._explaining = None

    def _end_explaining(self) -> None:
        if self._explaining is not None:
            self._explaining.close()
            self._explaining = None
