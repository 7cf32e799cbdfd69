"""A ledger's place, and a disk that obeys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.journal import Disk, obedient_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "audit.jsonl"


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk below it."""
    with obedient_disk() as disk:
        yield disk
