"""A fleet of its own for each test, in real servers that are started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fleet import NEWEST, OLDEST, Fleet, new_fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A new one without gates, in the newest server."""
    with new_fleet() as made:
        yield made


@pytest.fixture(params=[OLDEST, NEWEST])
def either(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The same in each server."""
    with new_fleet(request.param) as made:
        yield made


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where a gate writes."""
    return tmp_path / "audit.jsonl"
