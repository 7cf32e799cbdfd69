"""Ledgers read in runs, in pieces of any size, by this process or by several."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from hookgate.ledger.audit import balance_scan
from hookgate.ledger.audit.balance_scan import BalanceScan
from hookgate.ledger.audit.chain_scan import ChainScan
from hookgate.ledger.audit.proven import Prover
from hookgate.ledger.audit.witness import LogWitness
from hookgate.ledger.reading import ahead, pieces, scanning
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.reading.source import probe
from hookgate.ledger.seal import Keyring

# Bytes of a piece and of a stretch, as they are, and so few that every line meets every border.
USUAL_SIZES = (pieces.PIECE, pieces.STRETCH)
TINY_SIZES = (700, 1500)


@contextlib.contextmanager
def sized(piece: int, stretch: int, *, forking: bool = False) -> Iterator[None]:
    """Reads in pieces and stretches of these sizes, in processes of their own or not."""
    with (
        patch.object(pieces, "PIECE", piece),
        patch.object(pieces, "STRETCH", stretch),
        patch.object(balance_scan, "_FEWEST", 8 if piece == USUAL_SIZES[0] else 1),
        patch.object(balance_scan, "_ODD_LINE", balance_scan._ODD_LINE if piece > 10_000 else 0),
        patch.object(ahead, "_LARGE", 0 if forking else 1 << 60),
    ):
        yield


def scan_for_chains(
    files: Sequence[Path],
    keys: Sequence[bytes] = (),
    witness: LogWitness | None = None,
    *,
    once: bool = False,
) -> Iterator[Line | Run]:
    """Files in this order as `verify` takes them; lines that several hold `once`."""
    numbers = witness.numbers if witness is not None else None
    return _scan(files, ChainScan(Keyring(keys), numbers), once=once)


def scan_for_balance(
    files: Sequence[Path],
    keys: Sequence[bytes] = (),
    *,
    once: bool = False,
    also: balance_scan.Also | None = None,
) -> Iterator[Line | Run]:
    """Files in this order as `balance` takes them; lines that several hold `once`."""
    lines = _scan(files, BalanceScan(Keyring(keys), also), once=once)
    return Prover(keys).prove_runs(lines) if keys else lines


def _scan(files: Sequence[Path], by: scanning.Scan, *, once: bool) -> Iterator[Line | Run]:
    sources = [probe(file) for file in files]
    return scanning.scan(sources, by, None, Copies(sources) if once else None)
