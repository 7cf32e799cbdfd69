"""The signed notes that `verify --note` compares with a ledger."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hookgate.ledger.audit.findings import AuditFinding
from hookgate.ledger.reading.scanning import scan
from hookgate.times import iso_time, show_time
from hookgate_cli.common import fail, read_file

from .ledger import Ledger
from .reading import reading_progress
from .verifiers import read_verifiers

if TYPE_CHECKING:
    from hookgate.proof.witness import Seen

_SUFFIX = ".note"


def read_notes(places: Sequence[Path], keys: Sequence[str]) -> "list[Seen]":
    """Read notes, of a folder all whose names end in .note, that one of the public keys signed.

    Exits with 2, in one line, where one cannot be read, is not of a key, or was altered.
    """
    from hookgate.proof.note import NoteError  # noqa: PLC0415  # needs the extra
    from hookgate.proof.witness import read_seen  # noqa: PLC0415

    if not keys:
        fail("--note needs --anchor-key, the public key that notes are verified by")
    verifiers = [verifier for key in keys for verifier in read_verifiers("--anchor-key", key)]
    files = [file for place in places for file in _files(place)]
    seen = []
    for file in files:
        try:
            seen.append(read_seen(read_file(file), str(file), verifiers))
        except NoteError as error:
            fail(f"--note {file}: {error}")
    return seen


class Compared(NamedTuple):
    """What notes saw: so many `given`, those that a ledger was compared with, and what showed."""

    given: int
    notes: "list[Seen]"
    findings: list[AuditFinding]

    @property
    def last(self) -> str | None:
        """The time of the last one that was compared."""
        last = max((seen.time or 0 for seen in self.notes), default=0)
        return show_time(last, "seconds", utc=True) if last else None

    def as_json(self) -> dict[str, object]:
        """Return what there is to say of them, for `--json`."""
        last = max((seen.time or 0 for seen in self.notes), default=0)
        when = iso_time(last, "seconds") if last else None
        return {"notes": self.given, "compared": len(self.notes), "last": when}


def check_notes(ledger: Ledger, notes: "Sequence[Seen]", *, anew: bool) -> Compared:
    """Compare a ledger, which may have begun `anew`, with what notes saw of it."""
    from hookgate.proof.leaf_scan import scan_leaves  # noqa: PLC0415  # needs the extra
    from hookgate.proof.witness import NoteWitness  # noqa: PLC0415

    witness = NoteWitness(notes)
    with reading_progress(ledger) as on_progress:
        for item in scan(ledger.sources, scan_leaves, on_progress, ledger.copies):
            witness.take(item)
    begins = [source.began for source in ledger.sources if source.began]
    witness.close(min(begins, default=0.0), anew=anew)
    return Compared(len(notes), witness.compared, witness.findings)


def _files(place: Path) -> list[Path]:
    if not os.path.isdir(place):  # noqa: PTH112  # raises nothing
        return [place]
    try:
        files = sorted(file for file in place.iterdir() if file.name.endswith(_SUFFIX))
    except OSError as error:
        fail(f"--note {place} cannot be read: {error.strerror}")
    if not files:
        fail(f"--note {place} holds no file whose name ends in {_SUFFIX}")
    return files
