"""The ledger that a verb reads: its files, and what is to be known of them before anything else."""

from pathlib import Path

from hookgate.config.layers import gather
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.files import Note, find_ledger, sort
from hookgate.ledger.reading.source import Source, probe
from hookgate_cli.common import err, fail
from hookgate_cli.terminal import printable

from .inputs import copy, is_regular


class Ledger:
    """The files that can be read, in the order in which they were written.

    `notes` are what a reader should know of them, and of those beside them.
    """

    def __init__(self, sources: list[Source], notes: list[Note]) -> None:
        self.sources = sources
        self.copies = Copies(sources)
        remarks = (Note(source.name, text) for source in sources for text in source.remarks)
        self.notes = [*notes, *remarks]
        # Lines that a seal key was found not to prove.
        self.unproved = 0
        self._told = 0

    @property
    def unread(self) -> bool:
        """Whether a part of it was found and could not be read: no verdict is a clean one."""
        return any(note.unread for note in self.notes)

    @property
    def files(self) -> list[str]:
        """What the files are called."""
        return [source.name for source in self.sources]

    @property
    def size(self) -> int:
        """Bytes, as they stand on the disk."""
        return sum(s.path.stat().st_size for s in self.sources if s.path.exists())

    def plain_files(self) -> list[Path] | None:
        """The files less copies, where each holds nothing but JSON Lines; None otherwise."""
        sources = [source for source in self.sources if not self.copies.is_left_out(source)]
        plain = all(self.copies.without(source).is_plain for source in sources)
        return [source.path for source in sources] if plain else None

    def heads(self) -> dict[Path, bytes]:
        """The first record of each file, less copies."""
        return {
            source.path: source.head.raw
            for source in self.sources
            if source.head is not None and not self.copies.is_left_out(source)
        }

    def tell(self) -> None:
        """Say on stderr what is to be known, what was not read first."""
        notes = sorted(self.notes, key=lambda note: not note.unread)
        for note in notes:
            _tell(note)
        self.tell_copies()

    def tell_copies(self) -> None:
        """Say which lines are counted once, of several files, as far as that was not said yet."""
        for file, text in self.copies.remarks[self._told :]:
            note = Note(file, text)
            self.notes.append(note)
            _tell(note)
        self._told = len(self.copies.remarks)

    def as_json(self) -> list[dict[str, object]]:
        """The notes for scripts."""
        return [note._asdict() for note in self.notes]


def _tell(note: Note) -> None:
    sign = "NOT READ: " if note.unread else ""
    err.print(f"{sign}{printable(note.file)}: {printable(note.text)}", soft_wrap=True)


def configured_ledger(config: str | None) -> Path:
    """Where the configuration has its ledger; a file that cannot be read is misuse."""
    sources = gather(config)
    if sources.unread:
        fail(sources.problems)
    return Path(str(sources.keys["audit.path"].value))


def find_ledgers(files: list[Path] | None, config: str | None) -> Ledger:
    """The files to read, oldest first, and say what is to be known of them and not read.

    Says what is missing and exits with 2 where there is nothing to read, or a file that was named
    is not there.
    """
    notes: list[Note] = []
    if files:
        found = list(dict.fromkeys(files))
    else:
        path = configured_ledger(config)
        found, notes = find_ledger(path)
        if not found and not notes:
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
    ledger.tell()
    if not sources:
        fail("nothing of the ledger can be read")
    return ledger
