"""The ledger that a verb reads: its files, and notes on what could not be read of them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hookgate.ledger.audit.findings import AuditFinding
from hookgate.ledger.reading.copies import in_turn
from hookgate.ledger.reading.files import Note
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.reading.sieve import Sieve
from hookgate.ledger.reading.source import Source
from hookgate_cli.common import err
from hookgate_cli.terminal import printable

from .configured import configured_states


class Ledger:
    """The files of a ledger that can be read, in the order in which they were written.

    `notes` tell what a person should know of them, and of the files beside them. `copies` are the
    lines that stand in several of them. `unproved` counts the lines that a seal key did not prove,
    and `is_unproven` says that it proved none. `printed` are notes that need not be printed again.
    """

    # Whether it is those of a fleet's gates.
    is_fleet = False

    def __init__(self, sources: list[Source], notes: list[Note]) -> None:
        self.sources, self.copies = in_turn(sources)
        remarks = (Note(source.name, text) for source in self.sources for text in source.remarks)
        self.notes = [*notes, *remarks]
        # Lines that a seal key was found not to prove.
        self.unproved = 0
        self.is_unproven = False
        self.printed: list[Note] = []
        self._copies_printed = 0

    @property
    def unread(self) -> bool:
        """Whether a part of it could not be read, so that no verdict is a clean one."""
        return any(note.unread for note in self.notes)

    @property
    def files(self) -> list[str]:
        """The names of the files."""
        return list(dict.fromkeys(source.name for source in self.sources))

    @property
    def size(self) -> int:
        """Bytes on the disk, compressed ones as they are."""
        return sum(source.size for source in self.sources)

    @property
    def all_that_is_read(self) -> str:
        """What is read in words, where it is known to be less than all; "" for files."""
        return ""

    def is_read_by_bytes(self, *, proving: bool = False) -> bool:
        """Whether a search may read it by a sieve, which leaves lines out that nothing proves.

        A search by bytes reads twice, on both cores where there are two files. One file of xz or
        bzip2 takes longer to read than its lines to parse: 4.5 s, not 3.9, of half a million.
        """
        kinds = {source.compression for source in self.sources}
        is_slow = any(kind is not None and kind.suffix not in (".gz", ".zst") for kind in kinds)
        return not proving and not (is_slow and len(self.sources) == 1)

    def by_name(self) -> "Ledger":
        """Return it as it is read for few names: as it is."""
        return self

    def gate_of(self, file: str) -> str:
        """Return what a reader calls the place where a line was written: its file."""
        return file

    def states(self, config: str | None) -> list[Path]:
        """Return the state files of the ledger of the configuration."""
        return configured_states(config)

    def findings(self) -> list[AuditFinding]:
        """Return what is known to be wrong with it before it is read: nothing of files."""
        return []

    def turn_to(self, sieve: Sieve | None) -> None:
        """Take what is to be read for a sieve, before it is read: all of it."""

    def pass_on(self, lines: Iterable[Line | Run]) -> Iterable[Line | Run]:
        """Return the lines that are read, as far as they may be in it: all of them."""
        return lines

    def holds(self, file: Path) -> bool:
        """Whether a file that is there is one of its files."""
        is_there = os.path.exists(file)  # noqa: PTH110  # raises nothing
        return is_there and any(file.samefile(source.path) for source in self.sources)

    @contextmanager
    def plain_files(self) -> Iterator[list[Path] | None]:
        """Yield the files less copies; None unless each holds nothing but JSON Lines."""
        sources = [source for source in self.sources if not self.copies.is_left_out(source)]
        plain = all(self.copies.without(source).is_plain for source in sources)
        yield [source.path for source in sources] if plain else None

    def heads(self) -> dict[Path, bytes]:
        """Return the first line of each file that has a record, less copies."""
        return {
            source.path: source.head.raw
            for source in self.sources
            if source.head is not None and not self.copies.is_left_out(source)
        }

    def print_notes(self) -> None:
        """Print the notes on stderr, those on what was not read first."""
        notes = sorted(self.notes, key=lambda note: not note.unread)
        for note in notes:
            self._print(note)
        self.print_copies()

    def print_copies(self) -> None:
        """Print which lines are counted once of several files, unless that was printed before."""
        for file, text in self.copies.remarks[self._copies_printed :]:
            note = Note(file, text)
            self.notes.append(note)
            self._print(note)
        self._copies_printed = len(self.copies.remarks)

    def _print(self, note: Note) -> None:
        if note not in self.printed:
            self.printed.append(note)
            print_note(note)

    def as_json(self) -> list[dict[str, object]]:
        """Return the notes for `--json`."""
        return [note._asdict() for note in self.notes]


def print_note(note: Note) -> None:
    """Print a note on stderr."""
    sign = "NOT READ: " if note.unread else ""
    err.print(f"{sign}{printable(note.file)}: {printable(note.text)}", soft_wrap=True)
