"""Whoever waits is told how much the store lacks of what the ledger held then."""

from pathlib import Path

from hookgate.fleet.waiting import Waiting
from support.fleet import Chain, Fleet


def test_what_is_written_later_is_not_waited_for(fleet: Fleet, ledger: Path) -> None:
    """Of rotated files too; a fork is not, as the store has others at its place."""
    one, two = Chain(Path(f"{ledger}.1"), "b1"), Chain(ledger, "b2")
    one.add(4)
    two.add(3)
    store = fleet.store()
    waiting = Waiting(ledger)
    list(waiting.read(store))
    assert waiting.left(store) == 7
    two.add(5)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    assert waiting.left(store) == 0
    forked = Chain(Path(f"{ledger}.1"), "b1")
    forked.path.unlink()
    forked.add(9, other=True)
    waiting = Waiting(ledger)
    list(waiting.read(store))
    assert waiting.left(store) == 0


def test_a_file_that_cannot_be_read_is_named(ledger: Path) -> None:
    """It may hold what was never shipped."""
    Chain(ledger).add(3)
    Path(f"{ledger}.zip").write_bytes(b"PK\3\4" + bytes(60))
    assert Waiting(ledger).unread == [f"{ledger}.zip"]
