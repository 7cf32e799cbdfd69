"""The store takes each line once, in order, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from hookgate.fleet.error import StoreError
from hookgate.fleet.status import read_status
from hookgate.fleet.store import BEGINNING, Position
from support.fleet import Chain, Fleet, segment


def test_a_segment_is_there_once_however_often_it_is_sent(either: Fleet, ledger: Path) -> None:
    """The same bytes again are done already, by this connection or another."""
    store, chain = either.store(), Chain(ledger)
    assert store.position("b1") == BEGINNING
    one, two = segment(chain, 3), segment(chain, 2)
    assert store.put(one)
    assert store.put(one)
    assert either.store().put(one)
    assert store.position("b1") == Position(4, one.tip)
    assert store.put(two)
    assert store.put(one)
    assert store.position("b1") == Position(6, two.tip)
    assert either.bytes_of("b1") == one.raw() + two.raw()
    # A start has no name; a segment with a body that was not read goes by that as well.
    assert either.sql("SELECT count(*) FROM hookgate.name") == [(6,)]


def test_an_answer_that_is_lost_changes_nothing(fleet: Fleet, ledger: Path) -> None:
    """The connection breaks after the commit and before the answer: the position tells."""
    one = segment(Chain(ledger), 3)
    with fleet.through_proxy() as (proxy, dsn):
        store = fleet.connect(dsn)
        store.position("b1")
        proxy.swallows = True
        with pytest.raises(StoreError):
            store.put(one)
    again = fleet.store()
    assert again.position("b1") == Position(4, one.tip)
    assert again.put(one)
    assert fleet.bytes_of("b1") == one.raw()


def test_what_does_not_follow_is_not_taken(fleet: Fleet, ledger: Path) -> None:
    """Neither other lines at a place, nor a later place, nor another line before."""
    store, chain = fleet.store(), Chain(ledger)
    one = segment(chain, 3)
    assert store.put(one)
    assert not store.put(segment(Chain(ledger), 3, other=True))
    assert not store.put(segment(Chain(ledger), 4))
    other = Chain(ledger)
    other.lines(3, other=True)
    assert not store.put(segment(other, 2))
    segment(chain, 1)
    assert not store.put(segment(chain, 2))
    assert store.position("b1") == Position(4, one.tip)
    assert fleet.findings() == []


def test_of_two_that_send_the_same_place_one_is_taken(fleet: Fleet, ledger: Path) -> None:
    """The second waits for the first one's transaction, and is told that it lost."""
    one, two = fleet.store(), fleet.store()
    first, longer = segment(Chain(ledger), 3), segment(Chain(ledger), 5, other=True)
    one._connection.execute("BEGIN")
    assert one.put(first)
    two._connection.execute("SET lock_timeout = '50ms'")
    with pytest.raises(StoreError):
        two.put(longer)
    one._connection.execute("COMMIT")
    assert not two.put(longer)
    assert fleet.bytes_of("b1") == first.raw()


def test_lines_that_are_gone_are_written_down(fleet: Fleet, ledger: Path) -> None:
    """Where whoever sends says so."""
    store, chain = fleet.store(), Chain(ledger)
    assert store.put(segment(chain, 3))
    segment(chain, 4)
    assert store.put(segment(chain, 2), is_first=True)
    assert fleet.findings() == [("lost", "b1", 4, 7)]
    assert store.position("b1").next_n == 10


def test_what_was_gone_before_there_was_a_fleet_is_no_loss(fleet: Fleet, ledger: Path) -> None:
    store, chain = fleet.store(), Chain(ledger)
    fleet.sql("UPDATE hookgate.gate SET added = now() + interval '1 hour'")
    segment(chain, 4)
    assert store.put(segment(chain, 2), is_first=True)
    assert fleet.findings() == []


def test_a_clock_that_is_behind_hides_no_loss(fleet: Fleet, ledger: Path) -> None:
    """By it the gate's lines are older than the fleet; the shipper tells how far it is behind."""
    store, chain = fleet.store(), Chain(ledger)
    chain.year = 2020
    now = datetime.now(UTC).replace(year=2020).timestamp()
    assert store.hello("x", 0, None, now) == "amsterdam"
    segment(chain, 4)
    assert store.put(segment(chain, 2), is_first=True)
    assert fleet.findings() == [("lost", "b1", 1, 4)]
    later = Chain(ledger, "b3", follows="b2:7:x")
    later.year = 2020
    assert store.put(segment(later, 2))
    found = [each.text for gate in read_status(fleet.dsn) for each in gate.findings]
    assert "nothing was received of boot b2" in found


def test_forks_are_kept_up_to_a_bound(fleet: Fleet, ledger: Path) -> None:
    """Of a boot that is known, beside what was received; each once."""
    store = fleet.store()
    fork = segment(Chain(ledger), 2, other=True)
    assert not store.put_fork(fork)
    assert store.put(segment(Chain(ledger), 3))
    for _ in range(2):
        assert store.put_fork(fork)
    assert fleet.sql("SELECT first_n, lines FROM hookgate.fork") == [(1, 2)]
    fleet.sql(
        "INSERT INTO hookgate.fork SELECT boot, gate, n, sha256, lines, prev, tip, size, body"
        " FROM hookgate.fork, generate_series(2, 256) n"
    )
    assert not store.put_fork(segment(Chain(ledger), 2, third=True))


def test_each_day_has_its_partitions(fleet: Fleet, ledger: Path) -> None:
    """They are made by whoever comes first, and by two at a time once."""
    store = fleet.store()
    assert store.put(segment(Chain(ledger), 1))
    (today,) = fleet.sql("SELECT day FROM hookgate.segment")[0]
    names = [f"{kind}_{today:%Y%m%d}" for kind in ("name", "segment")]
    query = (
        "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE relkind = 'r'"
    )
    assert [row[0] for row in fleet.sql(f"{query} ORDER BY 1")] == names
    tomorrow: date = today + timedelta(days=1)
    for _ in range(2):
        fleet.sql("SELECT hookgate.make_day(%s)", tomorrow)
    assert len(fleet.sql(query)) == 4


def test_a_connection_that_is_gone_is_told_in_words(fleet: Fleet, ledger: Path) -> None:
    store = fleet.store()
    fleet.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '%_gate_%'"
    )
    with pytest.raises(StoreError, match=r"the store is starting or stopping|broke off"):
        store.position("b1")


def test_a_store_that_is_full_takes_a_segment_once_it_is_not(fleet: Fleet, ledger: Path) -> None:
    """A trigger fails as a full disk does: nothing of it is there, and its place is free."""
    fleet.sql(
        "CREATE FUNCTION hookgate.full() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE SQLSTATE '53100'; END $$;"
        "CREATE TRIGGER disk BEFORE INSERT ON hookgate.segment FOR EACH ROW"
        " EXECUTE FUNCTION hookgate.full()"
    )
    one, store = segment(Chain(ledger), 3), fleet.store()
    try:
        with pytest.raises(StoreError, match="the store is full"):
            store.put(one)
        assert store.position("b1") == BEGINNING
        assert fleet.sql("SELECT count(*) FROM hookgate.name") == [(0,)]
    finally:
        fleet.sql("DROP FUNCTION hookgate.full CASCADE")
    assert store.put(one)
    assert fleet.bytes_of("b1") == one.raw()


def test_the_server_ends_what_takes_too_long(fleet: Fleet) -> None:
    store = fleet.store()
    (shown,) = store._connection.execute("SHOW statement_timeout").fetchone() or ("",)
    assert shown == "1min"
    store._connection.execute("SET statement_timeout = '20ms'")
    with psycopg.connect(fleet.dsn) as holder:
        holder.execute("LOCK TABLE hookgate.boot IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreError, match="took too long"):
            store.position("b1")


@pytest.mark.parametrize(
    ("change", "undo", "said"),
    [
        ("REVOKE EXECUTE ON FUNCTION hookgate.put FROM hookgate_gate",
         "GRANT EXECUTE ON FUNCTION hookgate.put TO hookgate_gate", "this login may not do that"),
        ("ALTER FUNCTION hookgate.put RENAME TO put_of_a_newer_version",
         "ALTER FUNCTION hookgate.put_of_a_newer_version RENAME TO put",
         "the store is of another version"),
        ("ALTER DATABASE {dbname} SET default_transaction_read_only = on",
         "ALTER DATABASE {dbname} RESET default_transaction_read_only", "it is a standby"),
    ],
    ids=["rights", "newer", "standby"],
)  # fmt: skip
def test_what_the_store_refuses_is_told_with_its_mend_and_sent_later(
    fleet: Fleet, ledger: Path, change: str, undo: str, said: str
) -> None:
    """In one line, without a word of the DSN; nothing is there by half."""
    one, dsn = segment(Chain(ledger), 3), fleet.gate()
    fleet.sql(change.format(dbname=fleet.dbname))
    try:
        with pytest.raises(StoreError, match=said) as told:
            fleet.store().put(one)
    finally:
        admin = f"{fleet.dsn} options='-c default_transaction_read_only=off'"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(undo.format(dbname=fleet.dbname).encode())
    assert "\n" not in str(told.value)
    for name in ("password", "user", "host"):
        assert str(conninfo_to_dict(dsn)[name]) not in str(told.value)
    assert fleet.store().put(one)
    assert fleet.bytes_of("b1") == one.raw()
