"""A claim outlives the session that made it: to everybody an item may have arrived then."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hookgate.fleet.item_store import ItemStore
from hookgate.fleet.kept import KeptItems
from hookgate.quarantine.entry import Entry
from support.fleet import Fleet
from support.quarantine import age, file_of, keep, make_item, opened_store


@pytest.fixture
def kept(fleet: Fleet, tmp_path: Path) -> bytes:
    """An item that two gates keep, each as a file of its own: that of the first."""
    files = [keep(opened_store(tmp_path / name), make_item(1)) for name in ("a", "b")]
    fleet.items(tmp_path / "a").ship()
    fleet.items(tmp_path / "b", "utrecht").ship()
    return bytes.fromhex(files[0])


def entry_of(items: KeptItems, gate: str = "amsterdam") -> Entry:
    (found,) = (one for one in items.entries() if one.fleet and one.fleet.gate == gate)
    return found


def states(fleet: Fleet) -> set[tuple[bool, bool]]:
    """Of each item that is held: was it claimed, and does whoever did live?"""
    return {
        (one.fleet.claimed_by != "", one.fleet.is_claimed)
        for one in fleet.kept().entries()
        if one.fleet
    }


def test_what_one_session_sends_no_other_does(fleet: Fleet, kept: bytes) -> None:
    """Nor what another gate keeps of the same event, until it is given back."""
    one, other = fleet.kept(), fleet.kept()
    entry, twin = entry_of(one), entry_of(other, "utrecht")
    assert one.begin(entry) == ""
    assert (other.begin(entry), other.begin(twin)) == ("claimed", "claimed")
    assert other.claim(entry, "purged") is None
    assert states(fleet) == {(True, True)}
    one.give_back(entry)
    assert states(fleet) == {(False, False)}
    assert other.begin(twin) == ""


def test_what_was_being_sent_stays_in_doubt(fleet: Fleet, kept: bytes) -> None:
    """Also where it is sent again knowingly, and that fails."""
    one = fleet.kept()
    assert one.begin(entry_of(one)) == ""
    one.close()
    assert states(fleet) == {(True, False)}
    next_one = fleet.kept()
    entry = entry_of(next_one)
    assert next_one.begin(entry) == "unknown"
    next_one.again = True
    assert next_one.begin(entry) == ""
    next_one.give_back(entry)
    assert states(fleet) == {(True, True)}
    next_one.close()
    assert states(fleet) == {(True, False)}
    # What was in no doubt as it was looked at is none that may be sent again.
    late = fleet.kept()
    late.again = True
    assert late.begin(
        entry._replace(fleet=entry.fleet and entry.fleet._replace(claimed_by=""))
    ) == ("unknown")


def test_what_was_sent_leaves_at_all_gates(fleet: Fleet, kept: bytes, tmp_path: Path) -> None:
    """Whatever its gate has told meanwhile; what is told of it late has arrived."""
    items = fleet.kept()
    entry = entry_of(items)
    assert items.begin(entry) == ""
    gate = ItemStore.connect(fleet.gate())
    gate.tell_left([(kept, "expired")])
    gate.close()
    again = items.look_again(entry)
    claim = items.claim(entry, "replayed")
    assert again
    assert claim
    items.drop(claim)
    assert fleet.sql("SELECT gate, cause, body FROM hookgate.item ORDER BY gate") == [
        ("amsterdam", "replayed", None),
        ("utrecht", "delivered", None),
    ]
    fleet.sql("UPDATE hookgate.item SET left_at = left_at + interval '1 hour'")
    keep(opened_store(tmp_path / "c"), make_item(1))
    fleet.items(tmp_path / "c", "delft").ship()
    late = entry_of(items, "delft")
    assert late.fleet
    assert late.fleet.arrived
    assert items.begin(late) == "delivered"


@pytest.mark.parametrize("hours", [-3, 3])
def test_what_a_gate_keeps_is_dated_by_the_stores_clock(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """By a clock that is wrong what was sent on would be sent again, or what is new never."""
    keep(opened_store(tmp_path / "a"), make_item(1))
    age(file_of(tmp_path / "a", make_item(1)), -3600 * hours)
    now, now_ns = time.time() + 3600 * hours, time.time_ns() + 3600 * 10**9 * hours
    clock = SimpleNamespace(time=lambda: now, time_ns=lambda: now_ns, monotonic=time.monotonic)
    monkeypatch.setattr("hookgate.fleet.items.time", clock)
    fleet.items(tmp_path / "a").ship()
    query = "SELECT abs(extract(epoch FROM clock_timestamp() - kept_at)) < 600 FROM hookgate.item"
    assert fleet.sql(query) == [(True,)]


def test_what_is_purged_leaves_alone(fleet: Fleet, kept: bytes) -> None:
    """Several of one event in any order; others stay, and claimed by nobody."""
    items = fleet.kept()
    claims = [items.claim(entry_of(items, gate), "purged") for gate in ("amsterdam", "utrecht")]
    assert all(claims)
    restored, purged = claims
    assert purged
    items.drop(purged)
    assert [one.fleet and one.fleet.gate for one in items.entries()] == ["amsterdam"]
    assert restored
    items.restore(restored)
    assert states(fleet) == {(False, False)}


def test_who_reads_lists_and_claims_nothing(fleet: Fleet, kept: bytes) -> None:
    """By the role for readers."""
    fleet.sql("DROP ROLE IF EXISTS looker")
    fleet.sql("CREATE ROLE looker LOGIN PASSWORD 'x' IN ROLE hookgate_reader")
    try:
        items = KeptItems.connect(fleet.server.dsn(fleet.dbname, "looker", "x"))
        assert len(list(items.entries())) == 2
        with pytest.raises(Exception, match="this login may not do that"):
            items.begin(entry_of(items))
        items.close()
    finally:
        fleet.sql("DROP ROLE looker")


def test_many_items_of_one_name_are_listed_as_fast_as_others(fleet: Fleet) -> None:
    """Who has a gate's login can plant them; each must not be held to each."""
    fleet.gate()
    elapsed = []
    for name in ("lpad(n::text, 64, '0')", "repeat('a', 64)"):
        fleet.sql("DELETE FROM hookgate.item")
        fleet.sql(
            "INSERT INTO hookgate.item (name, gate, kept, kept_at, custody, size)"
            f" SELECT {name} || '-0123456789abcdef', 'amsterdam', sha256(n::text::bytea), now(),"
            " false, 1 FROM generate_series(1, 6000) n"
        )
        items = fleet.kept()
        begun = time.monotonic()
        assert len(list(items.entries())) == 6000
        elapsed.append(time.monotonic() - begun)
    assert elapsed[1] < 3 * elapsed[0] + 1
