"""What `hookgate demo` shows of what it sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from hookgate.policy import Reason

from .common import out
from .firing import Answer
from .terminal import printable

_PADDING = (0, 1, 0, 0)
# Between the columns of a table.
_GAPS = 9


@dataclass(frozen=True)
class Row:
    """What became of one sample. `answer` is None where none came, `seen` what the receiver saw."""

    path: str
    sample: str
    source: str
    is_clean: bool
    answer: Answer | None
    reason: str
    seen: str
    ok: bool

    @property
    def answered(self) -> str:
        """The status, the reason of the record, and what came with it of the endpoint's own."""
        if self.answer is None:
            return f"nothing, {self.reason}"
        relayed = self.answer.body if self.is_clean else b""
        return f"{self.answer.status} {self.reason} {relayed.decode(errors='replace')}".rstrip()


@dataclass
class KeptRow:
    """What became of an event by the end: `seen` says how often it reached the receiver."""

    reference: str
    body: bytes
    expected: Reason
    status: int
    reason: str
    is_kept: bool
    end: str = ""
    seen: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was refused, kept and sent on, once; or delivered at once."""
        refused = self.expected is not Reason.CLEAN
        return (
            (self.status, self.reason) == (self.expected.status, self.expected.code)
            and self.is_kept == refused
            and self.end == ("delivered by a replay" if refused else "delivered")
            and self.seen == 1
        )


def show_kept(rows: Sequence[KeptRow]) -> None:
    """Print a line for each event."""
    table = Table(box=SIMPLE_HEAD, padding=_PADDING, pad_edge=False)
    for name in ("event", "answered", "quarantine", "in the end", ""):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            row.reference[-4:],
            Text(f"{row.status} {row.reason}", "yellow" if row.is_kept else "green"),
            "kept" if row.is_kept else "",
            Text(row.end, "green"),
            Text("ok", "green") if row.ok else Text("WRONG", "red"),
        )
    out.print(table)


def show_webhooks(rows: Sequence[Row], source: str) -> None:
    """Print a line for each webhook and answer to its samples, and one for each that went wrong."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        name = "" if row.ok else row.sample
        groups.setdefault((row.path, row.answered, name), []).append(row)
    _show(
        f"from {source}, the provider, what each webhook sends",
        "samples",
        [
            (f"{path} {name}" if name else f"{len(found):>2} to {path}", found[0])
            for (path, _, name), found in groups.items()
        ],
    )


def show_refusals(rows: Sequence[Row], title: str) -> None:
    """Print a line for each sample."""
    _show(title, "sent", [(row.sample, row) for row in rows])


def _show(title: str, heading: str, rows: Sequence[tuple[str, Row]]) -> None:
    out.print(Text(f"\n{title}", "bold"))
    table = Table(box=SIMPLE_HEAD, padding=_PADDING, pad_edge=False)
    widths = {
        "answered": max(len(row.answered) for _, row in rows),
        "receiver saw": 12,
        "": 5 if any(not row.ok for _, row in rows) else 2,
    }
    rest = out.width - sum(widths.values()) - _GAPS
    table.add_column(heading, no_wrap=True, max_width=max(16, rest))
    for name, width in widths.items():
        table.add_column(name, min_width=width)
    for words, row in rows:
        table.add_row(
            words,
            Text(printable(row.answered), "green" if row.is_clean else "yellow", no_wrap=True),
            row.seen,
            Text("ok", "green") if row.ok else Text("WRONG", "red"),
        )
    out.print(table)
