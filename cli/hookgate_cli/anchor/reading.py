"""The ledger as `hookgate anchor` reads it: again where it moved, or lines are in another order."""

from pathlib import Path

from hookgate.ledger.reading.forked import WorkerError
from hookgate.ledger.reading.scanning import scan
from hookgate.paths import is_fifo
from hookgate.proof.anchoring import Anchoring
from hookgate.proof.leaf_scan import scan_leaves
from hookgate_cli.audit.choosing import find_ledgers
from hookgate_cli.audit.ledger import Ledger
from hookgate_cli.audit.reading import reading_progress
from hookgate_cli.common import FAILED, fail


def find_again(ledger: Ledger, files: list[Path] | None, config: str | None) -> Ledger:
    """Find the ledger once more: a rotation amid the reading looks as if lines were gone."""
    if not any(is_fifo(file) for file in files or ()):
        return find_ledgers(files, config, before=ledger)
    again = Ledger(ledger.sources, ledger.notes)  # what was copied of a pipe
    again.printed = ledger.printed
    return again


def read(
    ledger: Ledger, folder: Path, *, may_skip: bool, before: Anchoring | None = None
) -> Anchoring:
    """Read it as often as more lines find their places, for each file once."""
    anchoring = _read_once(ledger, folder, may_skip=may_skip, before=before)
    for _ in ledger.sources:
        if anchoring.is_whole or not anchoring.is_late:
            break
        anchoring.close()
        anchoring = _read_once(ledger, folder, may_skip=may_skip, before=anchoring)
    return anchoring


def _read_once(
    ledger: Ledger, folder: Path, *, may_skip: bool, before: Anchoring | None
) -> Anchoring:
    anchoring = Anchoring(folder, may_skip=may_skip, before=before)
    try:
        with reading_progress(ledger) as on_progress:
            for item in scan(ledger.sources, scan_leaves, on_progress, ledger.copies):
                anchoring.take(item)
    except BaseException as error:
        anchoring.close()
        if isinstance(error, WorkerError):
            fail(f"{error}: the ledger was not read to its end", FAILED)
        raise
    ledger.print_copies()
    return anchoring
