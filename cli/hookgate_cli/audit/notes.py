"""The signed notes that `verify --note` compares with a ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hookgate.ledger.audit.findings import AuditFinding
from hookgate.ledger.reading.scanning import scan
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


def check_notes(ledger: Ledger, notes: "Sequence[Seen]") -> list[AuditFinding]:
    """Compare a ledger with what notes saw of it."""
    from hookgate.proof.leaf_scan import scan_leaves  # noqa: PLC0415  # needs the extra
    from hookgate.proof.witness import NoteWitness  # noqa: PLC0415

    witness = NoteWitness(notes)
    with reading_progress(ledger) as on_progress:
        for item in scan(ledger.sources, scan_leaves, on_progress, ledger.copies):
            witness.take(item)
    begins = [source.began for source in ledger.sources if source.began]
    witness.close(min(begins, default=0.0))
    return witness.findings


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    try:
        files = sorted(file for file in place.iterdir() if file.name.endswith(_SUFFIX))
    except OSError as error:
        fail(f"--note {place} cannot be read: {error.strerror}")
    if not files:
        fail(f"--note {place} holds no file whose name ends in {_SUFFIX}")
    return files
