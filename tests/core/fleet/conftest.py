"""A fleet of its own for each test, in real servers that are started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fleet import NEWEST, OLDEST, Fleet, new_fleet

pytest.register_assert_rewrite("support.accounts")  # so that a wrong answer is shown


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs a server first and in a row: one process starts the servers then, not each."""

    def key(item: pytest.Item) -> tuple[bool, bool]:
        names = getattr(item, "fixturenames", ())
        return not {"fleet", "fleet_rows", "either", "secure"} & set(names), "either" not in names

    items.sort(key=key)


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
