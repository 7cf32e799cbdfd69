"""What a running process logs, which a thread reads line by line as it comes."""

import contextlib
import json
import threading
from typing import IO, Any


class Log:
    """The lines of a stream, of which more may come at any time.

    Nothing is judged by those that happen to be there: a test waits for lines, or ends the process
    and looks at the whole.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._passed = 0
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.closing(self._stream):
            for line in self._stream:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def lines(self, *words: str, count: int = 1, seconds: float = 30) -> list[str]:
        """The lines with one of these words, once there are so many; fails when the time is up."""

        def found() -> list[str]:
            return [line for line in self._lines if any(word in line for word in words)]

        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(found()) >= count, seconds)
            lines = found()
        assert len(lines) >= count, f"{len(lines)} lines with {words}:\n{self}"
        return lines

    def records(self, *words: str, count: int = 1, seconds: float = 30) -> list[dict[str, Any]]:
        """The same, parsed, of a log in JSON."""
        return [json.loads(line) for line in self.lines(*words, count=count, seconds=seconds)]

    def next(self, event: str, seconds: float = 30) -> dict[str, Any]:
        """The next record with this event; those before it are passed over for good."""
        found: list[dict[str, Any]] = []

        def came() -> bool:
            while not found and self._passed < len(self._lines):
                with contextlib.suppress(ValueError):
                    record = json.loads(self._lines[self._passed])
                    found.extend([record] if record.get("event") == event else [])
                self._passed += 1
            return bool(found) or self._ended

        with self._changed:
            self._changed.wait_for(came, seconds)
        assert found, f"no {event} in the log:\n{self}"
        return found[0]

    def __str__(self) -> str:
        """What came by now: to be told in a failure, nothing to judge by."""
        return "".join(self._lines)

    def whole(self, seconds: float = 20) -> str:
        """All of it, once whoever writes it has ended; fails where one does not."""
        self._reader.join(seconds)
        assert self._ended, "more may be logged: stop the process first, or wait for lines"
        return str(self)
