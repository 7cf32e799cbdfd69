"""The ledger that a verb reads: its files, and notes on what could not be read of them."""

from pathlib import Path

from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.files import Note, find_ledger, sort
from hookgate.ledger.reading.source import Source, probe
from hookgate_cli.common import err, fail
from hookgate_cli.terminal import printable

from .configured import configured_ledger
from .inputs import copy, is_regular


class Ledger:
    """The files of a ledger that can be read, in the order in which they were written.

    `notes` tell what a person should know of them, and of the files beside them. `copies` are the
    lines that stand in several of them. `unproved` counts the lines that a seal key did not prove.
    """

    def __init__(self, sources: list[Source], notes: list[Note]) -> None:
        self.sources = sources
        self.copies = Copies(sources)
        remarks = (Note(source.name, text) for source in sources for text in source.remarks)
        self.notes = [*notes, *remarks]
        # Lines that a seal key was found not to prove.
        self.unproved = 0
        self._copies_printed = 0

    @property
    def unread(self) -> bool:
        """Whether a part of it could not be read, so that no verdict is a clean one."""
        return any(note.unread for note in self.notes)

    @property
    def files(self) -> list[str]:
        """The names of the files."""
        return [source.name for source in self.sources]

    @property
    def size(self) -> int:
        """Bytes on the disk, compressed ones as they are."""
        return sum(s.path.stat().st_size for s in self.sources if s.path.exists())

    @property
    def is_quick_to_read_again(self) -> bool:
        """Whether it is not compressed so that reading it takes longer than parsing what it holds.

        A search by bytes reads twice: in xz it took 38 s, not 26, in zstd 11, not 10.
        """
        kinds = {source.compression for source in self.sources}
        return all(kind is None or kind.suffix == ".gz" for kind in kinds)

    def plain_files(self) -> list[Path] | None:
        """Return the files less copies; None unless each holds nothing but JSON Lines."""
        sources = [source for source in self.sources if not self.copies.is_left_out(source)]
        plain = all(self.copies.without(source).is_plain for source in sources)
        return [source.path for source in sources] if plain else None

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
            _print_note(note)
        self.print_copies()

    def print_copies(self) -> None:
        """Print which lines are counted once of several files, unless that was printed before."""
        for file, text in self.copies.remarks[self._copies_printed :]:
            note = Note(file, text)
            self.notes.append(note)
            _print_note(note)
        self._copies_printed = len(self.copies.remarks)

    def as_json(self) -> list[dict[str, object]]:
        """Return the notes for `--json`."""
        return [note._asdict() for note in self.notes]


def _print_note(note: Note) -> None:
    sign = "NOT READ: " if note.unread else ""
    err.print(f"{sign}{printable(note.file)}: {printable(note.text)}", soft_wrap=True)


def find_ledgers(
    files: list[Path] | None, config: str | None, *, may_be_gone: bool = False
) -> Ledger:
    """Find the files to read, oldest first, and print notes on them.

    Without `files` it is `audit.path` with its rotated and workers' files. Exits with 2, and says
    what is missing, where a file that was named cannot be read, and where there is nothing to read,
    unless that `may_be_gone`.
    """
    notes: list[Note] = []
    if files:
        found = list(dict.fromkeys(files))
    else:
        path = configured_ledger(config)
        found, notes = find_ledger(path)
        if not found and not notes and not may_be_gone:
            fail(f'audit.path = "{path}" is not there; name the ledger, or --config')
    sources = []
    for file in found:
        try:
            sources.append(probe(file if is_regular(file) else copy(file), str(file)))
        except UnreadableError as error:
            notes.append(Note(str(file), str(error.strerror), unread=True))
        except OSError as error:
            if files:
                fail(f"{file} cannot be read: {error.strerror}")
            notes.append(Note(str(file), f"cannot be read: {error.strerror}", unread=True))
    ledger = Ledger(sort(sources), notes)
    ledger.print_notes()
    if not sources and not (may_be_gone and not notes):
        fail("nothing of the ledger can be read")
    return ledger
