"""What a person at the terminal has chosen to see. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

Row = dict[str, Any]
KINDS = ("failed", "inside", "foreign", "aborted")


@dataclass
class View:
    """`kind` and `contract` are whose rows are shown, "" for all. `paused` is the picture that
    stands still, None where none does. `key` is that of the row under the cursor. `text` are the
    lines of an explanation or the help, None where the list is shown, from `scroll` on, of which
    `page` have room.
    """

    kind: str = ""
    contract: str = ""
    paused: dict[str, Any] | None = None
    key: str = ""
    place: int = 0
    title: str = ""
    text: list[Text] | None = None
    scroll: int = 0
    page: int = 1
    rows: list[Row] = field(default_factory=list)

    def choose(self, rows: Sequence[Row]) -> None:
        """Choose the rows that are wanted; the cursor stays on its row, else at its place."""
        self.rows = [
            row
            for row in rows
            if self.kind in ("", row["kind"]) and self.contract in ("", contract_of(row))
        ]
        keys = [row["key"] for row in self.rows]
        if self.key in keys:
            self.place = keys.index(self.key)
        self.move(0)

    def move(self, by: int) -> None:
        """Move the cursor, or the text."""
        if self.text is not None:
            self.scroll = max(0, min(self.scroll + by, len(self.text) - self.page))
            return
        self.place = max(0, min(self.place + by, len(self.rows) - 1))
        # On the first row it stays on what is newest.
        self.key = self.rows[self.place]["key"] if self.rows and self.place else ""

    def next_kind(self) -> None:
        """Show the next kind of rows, after the last all."""
        self.kind = _after(self.kind, KINDS)

    def next_contract(self, rows: Sequence[Row]) -> None:
        """Show the rows of the next contract that there are rows of, after the last all."""
        self.contract = _after(self.contract, sorted({contract_of(row) for row in rows}))

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.place] if self.rows else None

    def show(self, title: str, text: Sequence[Text]) -> None:
        """Show a text in place of the list."""
        self.title, self.text, self.scroll = title, list(text), 0

    def back(self) -> None:
        """Show the list again."""
        self.text = None


def contract_of(row: Row) -> str:
    """Return the contract of a row, "-" for none."""
    return str(row["route"] or "-")


def _after(now: str, known: Sequence[str]) -> str:
    names = ["", *known]
    place = names.index(now) if now in names else 0
    return names[(place + 1) % len(names)]
