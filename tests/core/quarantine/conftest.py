"""A store, and where it is."""

from pathlib import Path

import pytest

from hookgate.quarantine.store import Store
from support.quarantine import opened_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


@pytest.fixture
def store(path: Path) -> Store:
    return opened_store(path)
