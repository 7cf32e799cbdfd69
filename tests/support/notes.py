"""Notes of a ledger, signed whenever its log has a checkpoint, as by a timer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hookgate.ledger.audit.chain import HARMLESS
from hookgate.ledger.audit.findings import AuditFinding
from hookgate.ledger.checkpoint import Checkpoint
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.files import find_files, in_order
from hookgate.ledger.reading.scanning import scan
from hookgate.ledger.reading.source import probe
from hookgate.proof.anchoring import AnchorFinding, Anchoring, Signed
from hookgate.proof.leaf_scan import scan_leaves
from hookgate.proof.note import Signer
from hookgate.proof.witness import NoteWitness, read_seen

from .forgery import NAME
from .journal import recorders

SIGNER = Signer.make("gate1.example.com/hookgate")


def anchor(path: Path, folder: Path) -> tuple[list[Signed], list[AnchorFinding]]:
    """Anchor the ledger at a path as it is now."""
    folder.mkdir(exist_ok=True)
    anchoring = Anchoring(folder, may_skip=True)
    sources = [probe(file) for file in in_order(find_files(path))]
    try:
        for item in scan(sources, scan_leaves, copies=Copies(sources)):
            anchoring.take(item)
        signed = list(anchoring.sign(SIGNER, int(time.time()), {source.name for source in sources}))
    finally:
        anchoring.close()
    return signed, anchoring.findings


def compare(path: Path, notes: list[bytes], *, anew: bool = False) -> list[AuditFinding]:
    """What notes find in the ledger at a path."""
    seen = [read_seen(note, "a.note", [SIGNER.verifier]) for note in notes]
    witness = NoteWitness(seen)
    sources = [probe(file) for file in in_order(find_files(path))]
    for item in scan(sources, scan_leaves, copies=Copies(sources)):
        witness.take(item)
    begins = min((source.began for source in sources if source.head), default=0.0)
    witness.close(begins, anew=anew)
    return witness.findings


class Notes(list[Checkpoint]):
    """A log that has a note signed beside each checkpoint."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._newest: dict[str, bytes] = {}

    def append(self, checkpoint: Checkpoint) -> None:
        """Sign what is there at this moment."""
        signed, _ = anchor(Path(checkpoint.path).with_name(NAME), self._folder)
        self._newest |= {each.boot: each.note for each in signed}

    def hold(self, path: Path) -> bool:
        """Whether the newest notes of each boot find nothing in a ledger."""
        findings = compare(path, list(self._newest.values()))
        return HARMLESS.issuperset(finding.kind for finding in findings)


@contextmanager
def noted(folder: Path) -> Iterator[Notes]:
    """Notes of what is logged in the block."""
    notes = Notes(folder)
    recorders.append(notes)
    try:
        yield notes
    finally:
        recorders.remove(notes)
