"""What a gate keeps is in the store once, as long as the gate has it, and leaves both together."""

import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from psycopg import errors

from hookgate.fleet.admin import Admin
from hookgate.fleet.error import StoreError
from hookgate.fleet.item_store import LARGEST_FILE, ItemStore, Sent
from hookgate.fleet.items import ship_items
from hookgate.quarantine.store import Store
from support.fleet import Fleet
from support.quarantine import file_of, keep, make_item, make_store, name_of, opened_store
from support.raw import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


@pytest.fixture
def store(folder: Path) -> Store:
    return opened_store(folder)


def held(fleet: Fleet) -> list[str]:
    return [entry.path.stem for entry in fleet.kept().entries()]


def test_each_item_is_there_once_as_it_lies_in_the_folder(
    either: Fleet, folder: Path, store: Store
) -> None:
    """However often it is looked at, by whichever shipper; later ones follow."""
    kept = [keep(store, make_item(number), reference=f"r{number}") for number in range(3)]
    shipping = either.items(folder)
    shipping.ship()
    shipping.ship()
    either.items(folder).ship()
    assert shipping.shipper.items == 3
    items = either.kept()
    listed = list(items.entries())
    assert sorted(entry.path.stem for entry in listed) == sorted(kept)
    by_name = {entry.name: entry for entry in store.entries()}
    for entry in listed:
        local = by_name.pop(entry.name)
        assert items.read(entry) == store.read(local)
        assert (entry.record, entry.size) == (local.record, local.size)
        assert abs(entry.kept_at - local.kept_at) < 60  # by the clock of the store
        assert entry.fleet is not None
        assert (entry.fleet.gate, entry.fleet.claimed_by) == ("amsterdam", "")
    assert not by_name
    keep(store, make_item(3))
    shipping.ship()
    assert len(held(either)) == 4
    assert shipping.logged == []


def test_what_comes_to_be_in_custody_is_so_in_the_store(
    fleet: Fleet, folder: Path, store: Store
) -> None:
    """The file is the same, and its record another."""
    shipping = fleet.items(folder)
    keep(store, make_item(1))
    shipping.ship()
    keep(store, make_item(1), custody=True)
    shipping.ship()
    fleet.items(folder).ship()
    (entry,) = fleet.kept().entries()
    assert entry.fleet is not None
    assert entry.fleet.in_custody


def test_what_leaves_the_folder_leaves_the_list_by_its_line(
    fleet: Fleet, folder: Path, store: Store
) -> None:
    """The line alone counts: a folder that is lost loses nothing in the store."""
    kept = [keep(store, make_item(number)) for number in range(3)]
    shipping = fleet.items(folder)
    shipping.ship()
    for number in range(3):
        file_of(folder, make_item(number)).unlink()
    for strange in ({}, {"kept": 7, "cause": "purged"}, {"kept": "x", "cause": "purged"}):
        shipping.shipper.note(strange)
    shipping.shipper.note({"kept": kept[2], "cause": "stolen"})
    shipping.ship()
    assert len(held(fleet)) == 3
    shipping.shipper.note({"kept": kept[0], "cause": "purged"})
    shipping.shipper.note({"kept": kept[1], "cause": "expired"})
    shipping.ship()
    assert held(fleet) == [kept[2]]
    assert fleet.sql("SELECT cause, told, left_by FROM hookgate.item ORDER BY cause") == [
        ("expired", True, "hookgate_gate_amsterdam"),
        ("purged", True, "hookgate_gate_amsterdam"),
        (None, False, None),
    ]


def test_what_leaves_the_store_is_claimed_in_the_folder(
    fleet: Fleet, folder: Path, store: Store
) -> None:
    """As by a process that has ended: the gate writes its line and removes it."""
    kept = keep(store, make_item(1))
    gone = keep(store, make_item(2))
    keep(store, make_item(3))
    shipping = fleet.items(folder)
    shipping.ship()
    file_of(folder, make_item(2)).unlink()
    items = fleet.kept()
    for entry in items.entries():
        if entry.path.stem in (kept, gone):
            claim = items.claim(entry, "replayed")
            assert claim
            items.drop(claim)
    shipping.ship()
    shipping.ship()
    (stale,) = make_store(folder).stale_claims()
    assert stale.line == {"cause": "replayed", "kept": kept, "sha256": name_of(make_item(1))[:64]}
    stale.close()
    assert fleet.sql("SELECT told FROM hookgate.item WHERE cause IS NOT NULL AND kept = %s",
                     bytes.fromhex(gone)) == [(True,)]  # fmt: skip
    assert len(held(fleet)) == 1
    assert fleet.sql("SELECT count(*) FROM hookgate.item WHERE body IS NOT NULL") == [(1,)]


def test_a_file_that_is_too_large_stays(fleet: Fleet, folder: Path, store: Store) -> None:
    """The others are sent; the log says so once."""
    keep(store, make_item(1))
    keep(store, make_item(2))
    os.truncate(file_of(folder, make_item(1)), LARGEST_FILE + 1)
    shipping = fleet.items(folder)
    shipping.ship()
    shipping.ship()
    assert len(held(fleet)) == 1
    assert shipping.logged == ["ship.item_left"]


def test_a_folder_that_cannot_be_used_for_a_while_is_looked_into_again(
    fleet: Fleet, folder: Path, store: Store
) -> None:
    """Though nothing in it has changed."""
    for number in range(6):
        keep(store, make_item(number))
    shut = file_of(folder, make_item(0)).parent
    shut.chmod(0o770)
    shipping = fleet.items(folder)
    shipping.ship()
    assert shipping.logged == ["ship.item_left"]
    shut.chmod(0o700)
    shipping.ship()
    assert len(held(fleet)) == 6


def test_what_is_old_is_deleted_but_in_custody(fleet: Fleet, folder: Path, store: Store) -> None:
    """By the day of its receipt, or of its leaving, and never of today."""
    kept = [keep(store, make_item(number), custody=number < 2) for number in range(4)]
    shipping = fleet.items(folder)
    shipping.ship()
    shipping.shipper.note({"kept": kept[1], "cause": "purged"})
    shipping.shipper.note({"kept": kept[2], "cause": "expired"})
    shipping.ship()
    admin = Admin.connect(fleet.dsn)
    ((today,),) = fleet.sql("SELECT hookgate.today()")
    assert admin.expire_items(today) == 0
    fleet.sql("UPDATE hookgate.item SET received = received - interval '9 days'")
    fleet.sql("UPDATE hookgate.item SET left_at = left_at - interval '2 days'")
    assert admin.expire_items(today - timedelta(days=5)) == 1
    assert admin.expire_items(today) == 2
    admin.close()
    assert held(fleet) == [kept[0]]


def test_what_was_sent_on_is_not_held_again_by_a_gate_that_was_away(
    fleet: Fleet, folder: Path, store: Store
) -> None:
    """However long: that it left is deleted once its gate knows."""
    keep(store, make_item(1))
    fleet.items(folder).ship()
    items = fleet.kept()
    (entry,) = items.entries()
    claim = items.claim(entry, "replayed")
    assert claim
    items.drop(claim)
    admin = Admin.connect(fleet.dsn)
    ((today,),) = fleet.sql("SELECT hookgate.today()")
    fleet.sql("UPDATE hookgate.item SET received = '2020-01-01', left_at = '2020-01-01'")
    assert admin.expire_items(today) == 0
    shipping = fleet.items(folder)
    shipping.ship()
    assert held(fleet) == []
    (stale,) = make_store(folder).stale_claims()
    stale.path.unlink()
    stale.close()
    shipping.ship()
    shipping.ship()
    assert admin.expire_items(today) == 1
    admin.close()


def test_a_store_of_the_version_before_is_told(fleet: Fleet) -> None:
    """It knows no items; `hookgate fleet init` brings it on."""
    gate = fleet.gate()
    fleet.sql("ALTER FUNCTION hookgate.left_items RENAME TO unknown")
    old = ItemStore.connect(gate)
    try:
        with pytest.raises(StoreError, match="of another version"):
            old.left_items()
    finally:
        old.close()
        fleet.sql("ALTER FUNCTION hookgate.unknown RENAME TO left_items")


def test_a_store_that_goes_away_gets_the_rest_later(
    fleet: Fleet, folder: Path, store: Store
) -> None:
    for number in range(4):
        keep(store, make_item(number))
    with fleet.through_proxy() as (proxy, dsn):
        shipping = fleet.items(folder, dsn=dsn)
        assert shipping.shipper.turn()  # has looked
        shipping.shipper.turn()
        proxy.break_off()
        with pytest.raises(StoreError):
            shipping.ship()
        shipping.ship()
    assert len(held(fleet)) == 4


def test_on_and_on_over_an_outage(fleet: Fleet, folder: Path, store: Store) -> None:
    """What is wrong is said once; it ends when it is told to."""
    with fleet.through_proxy() as (proxy, dsn):
        shipping = fleet.items(folder, dsn=dsn)
        ended = Event()
        thread = Thread(target=ship_items, args=(shipping.shipper, shipping.log, ended))
        thread.start()
        try:
            assert wait_until(lambda: fleet.sql(CONNECTED) == [(1,)])
            proxy.break_off()
            keep(store, make_item(1))
            shipping.pass_time()
            assert wait_until(lambda: fleet.sql("SELECT count(*) FROM hookgate.item") == [(1,)])
        finally:
            ended.set()
            thread.join(60)
    assert not thread.is_alive()
    assert shipping.logged == ["ship.items_away"]


CONNECTED = """
SELECT count(*) FROM pg_stat_activity WHERE usename = 'hookgate_gate_amsterdam'"""
SENT = Sent("a" * 64 + "-" + "0" * 16, sha256(b"x").digest(), 1.0, False, "{}", b"x")


@pytest.mark.parametrize(
    "bad",
    [
        SENT._replace(name="a"),
        SENT._replace(name="A" * 64 + "-" + "0" * 16),
        SENT._replace(kept=b"x"),
        SENT._replace(kept=sha256(b"y").digest()),
        SENT._replace(record="x" * (1 << 19)),
        SENT._replace(file=b"y"),
    ],
)
def test_what_is_no_item_is_refused(fleet: Fleet, bad: Sent) -> None:
    store = ItemStore.connect(fleet.gate())
    with pytest.raises(StoreError, match="22023"):
        store.put_item(bad)
    store.put_item(SENT)
    store.close()
    assert len(held(fleet)) == 1


def test_a_gate_hides_its_own_items_at_most(fleet: Fleet, folder: Path, store: Store) -> None:
    """A stolen password reads, changes and deletes no body; another gate's items it sees not."""
    kept = bytes.fromhex(keep(store, make_item(1)))
    fleet.items(folder).ship()
    thief = ItemStore.connect(fleet.gate("utrecht"))
    assert thief.lacking({kept: False}) == {kept}
    thief.tell_left([(kept, "purged")])
    assert len(held(fleet)) == 1
    thief.close()
    own = ItemStore.connect(fleet.gate())
    own.tell_left([(kept, "purged")])
    assert held(fleet) == []
    assert fleet.sql("SELECT count(body) FROM hookgate.item") == [(1,)]
    own.close()
    with psycopg.connect(fleet.gate(), autocommit=True) as gate:
        for call in ("claim_item('', '', '', 1, '')", "unclaim_item('', 1)",
                     "release_item('', '', '', 1, '')", "expire_items('today')"):  # fmt: skip
            with pytest.raises(errors.InsufficientPrivilege):
                gate.execute(f"SELECT hookgate.{call}".encode())
