"""Notices of alarms as lines on standard output."""

from typing import Any

from hookgate.alarms.channels.formats.message import told_time
from hookgate.alarms.notice import Notice
from hookgate.unblocked import unblocked

from .terminal import printable


class Printer:
    """Print notices as lines on standard output, which is not waited for."""

    def __init__(self) -> None:
        self._out = unblocked(1, lambda _: None)

    def tell(self, notice: Notice) -> None:
        """Print a notice: its summary, and below it figures and what to do first."""
        when = told_time(notice.ended or notice.began)
        word = "resolved" if notice.resolved else notice.severity.value
        lines = [f"{when} {word} [{notice.condition}] {notice.gate}: {notice.summary}"]
        lines += (f"    {line}" for line in (*notice.details, notice.advice) if line)
        self._out.write("".join(f"{printable(line)}\n" for line in lines))

    def close(self, timeout: float) -> None:
        """Wait until all is printed, or for `timeout` seconds."""
        self._out.spool.flush(timeout)

    def pending(self) -> list[dict[str, Any]]:
        """Return nothing: what could not be printed is lost."""
        return []
