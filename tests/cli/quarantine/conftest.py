"""What the tests of a fleet's items share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.calling import Call
from support.fleet import Fleet, new_fleet
from support.fleet_gates import Gates, secret
from support.receiver import Receiver, receiving


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One whose replayer has replayer.dsn."""
    with new_fleet() as made:
        secret(tmp_path / "replayer.dsn", made.replayer())
        yield made


@pytest.fixture
def gates(
    tmp_path: Path, fleet: Fleet, call: Call, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gates]:
    made = Gates(tmp_path, fleet, call, endpoint.url)
    monkeypatch.setenv("HOOKGATE_QUARANTINE_IDENTITY", str(made.kept["desk"].identity))
    yield made
    for kept in made.kept.values():
        kept.close()
