"""What a gate's login may do in a store, and what a stolen password cannot."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from hookgate.fleet.status import read_status
from support.fleet import Chain, Fleet, new_fleet

MAY = {
    *("position", "put", "put_fork", "tell_cut", "hello"),
    *("lacking_items", "put_item", "tell_left", "left_items"),
}


@pytest.fixture(scope="module")
def fleet_rows() -> Iterator[Fleet]:
    """One for a whole table of cases."""
    with new_fleet() as made:
        yield made


def test_a_gate_may_call_nine_functions_and_nothing_else(either: Fleet, ledger: Path) -> None:
    """Tables, other functions, other roles, and its own role are closed to it."""
    chain = Chain(ledger)
    chain.add(3)
    either.gate("utrecht")
    either.shipper(ledger).ship()
    tables = [row[0] for row in either.sql(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'hookgate' AND relkind IN ('r', 'p')"
    )]  # fmt: skip
    assert len(tables) == 11  # two of today among them
    functions = either.sql(
        "SELECT proname, array(SELECT format_type(t, null) FROM unnest(proargtypes) t)"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'hookgate'"
    )
    assert {name for name, _ in functions} >= MAY
    with psycopg.connect(either.gate(), autocommit=True) as gate:
        refused = [
            query
            for table in tables
            for query in (
                f"SELECT * FROM {table}", f"DELETE FROM {table}", f"TRUNCATE {table}",
                f"INSERT INTO {table} DEFAULT VALUES", f"LOCK TABLE {table}", f"DROP TABLE {table}",
                f"COPY {table} TO STDOUT", f"ALTER TABLE {table} OWNER TO current_user",
                f"CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION hookgate.today()",
            )
        ]  # fmt: skip
        for name, types in functions:
            arguments = ", ".join(f"NULL::{kind}" for kind in types)
            if name not in MAY:
                refused.append(f"SELECT hookgate.{name}({arguments})")
        for role in ("postgres", "hookgate_reader", "hookgate_gate_utrecht"):
            refused += [f"SET ROLE {role}", f"SET SESSION AUTHORIZATION {role}"]
        refused += [
            "CREATE TABLE hookgate.x ()",
            "CREATE ROLE x",
            "GRANT hookgate_reader TO current_user",
            "CREATE FUNCTION hookgate.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER ROLE hookgate_gate_utrecht PASSWORD 'x'",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('pg_hba.conf')",
            "CREATE TEMPORARY TABLE x ()",
            "SELECT lo_create(0)",
            "SELECT lo_from_bytea(0, 'x')",
        ]
        for query in refused:
            if query.startswith("LOCK"):
                query = f"BEGIN; {query}; ROLLBACK"
            with pytest.raises(errors.InsufficientPrivilege):
                gate.execute(query.encode())
            gate.execute("ROLLBACK")
    assert either.bytes_of("b1") == ledger.read_bytes()


def test_who_becomes_the_gates_role_is_the_login_still(fleet: Fleet, ledger: Path) -> None:
    """`session_user` does not change by SET ROLE; and a login of no gate may write nothing."""
    Chain(ledger).add(3)
    fleet.sql("CREATE ROLE nobody_knows LOGIN PASSWORD 'x' IN ROLE hookgate_gate")
    try:
        dsn = fleet.server.dsn(fleet.dbname, "nobody_knows", "x")
        with (
            psycopg.connect(dsn, autocommit=True) as stranger,
            pytest.raises(errors.InsufficientPrivilege, match="belongs to no gate"),
        ):
            stranger.execute("SELECT hookgate.hello('x', 0, NULL)")
        with psycopg.connect(fleet.gate(), autocommit=True) as gate:
            gate.execute("SET ROLE hookgate_gate")
            assert gate.execute("SELECT hookgate.hello('x', 0, NULL)").fetchone() == ("amsterdam",)
    finally:
        fleet.sql("DROP ROLE nobody_knows")


def test_a_gate_neither_sees_nor_writes_anothers_boot(fleet: Fleet, ledger: Path) -> None:
    """The same boot under another name is another boot: what was received stays as it is."""
    chain = Chain(ledger)
    chain.add(5)
    fleet.shipper(ledger).ship()
    thief = fleet.store("utrecht")
    assert thief.position("b1").next_n == 1
    thief.tell_cut("b1", 1)
    assert fleet.findings() == []
    thief.close()
    forged = ledger.with_name("forged") / "audit.jsonl"
    forged.parent.mkdir()
    Chain(forged).add(9, forged=True)
    fleet.shipper(forged, "utrecht").ship()
    assert fleet.bytes_of("b1") == ledger.read_bytes()
    assert fleet.bytes_of("b1", "utrecht") == forged.read_bytes()


def test_a_stolen_password_adds_and_takes_nothing_away(fleet: Fleet, ledger: Path) -> None:
    """With it a forger writes beside what was received, which shows as a fork."""
    chain = Chain(ledger)
    chain.add(5)
    fleet.shipper(ledger).ship()
    received = ledger.read_bytes()
    forged = ledger.with_name("forged") / "audit.jsonl"
    forged.parent.mkdir()
    Chain(forged).add(7, forged=True)
    shipping = fleet.shipper(forged)
    shipping.ship()
    assert "ship.fork" in shipping.logged
    assert fleet.bytes_of("b1") == received
    # It goes on, and is not hindered.
    chain.add(2)
    fleet.shipper(ledger).ship()
    assert fleet.bytes_of("b1") == ledger.read_bytes()


def test_a_gate_tells_no_time_that_readers_cannot_read(fleet: Fleet) -> None:
    """One of another year would keep all of them from all gates."""
    body = b"x"
    with psycopg.connect(fleet.gate(), autocommit=True) as gate:
        for number, at in enumerate(("infinity", "-infinity", "200000-01-01", "4000-01-01 BC")):
            gate.execute("SELECT hookgate.hello('x', 70, %s)", (at,))
            (status,) = read_status(fleet.dsn)
            assert len(status.findings) == number % 2
            name = f"{number:064x}-{number:016x}"
            gate.execute(
                "SELECT hookgate.put_item(%s, %s, %s, false, NULL, %s)",
                (name, sha256(body).digest(), at, body),
            )
    kept_at = [entry.kept_at for entry in fleet.kept().entries()]
    assert [datetime.fromtimestamp(at, UTC).year for at in kept_at] == [1970, 1970, 9999, 9999]


def test_a_session_chooses_no_day(fleet: Fleet, ledger: Path) -> None:
    """What is expired goes by the store's clock, whatever zone a session is set to."""
    Chain(ledger).add(3)
    store = fleet.store()
    store._connection.execute("SET timezone = '<X>+167'")
    shipping = fleet.shipper(ledger)
    shipping.shipper._connect = lambda: store
    shipping.ship()
    assert fleet.sql("SELECT day = (now() AT TIME ZONE 'UTC')::date FROM hookgate.segment") == [
        (True,)
    ]


def test_no_gate_can_lock_others_out_by_an_advisory_lock(fleet: Fleet, ledger: Path) -> None:
    """Anybody may take one: nothing waits for it."""
    Chain(ledger).add(3)
    with psycopg.connect(fleet.gate("utrecht"), autocommit=True) as thief:
        thief.execute("SELECT pg_advisory_lock(hashtext('hookgate.make_day'))")
        fleet.shipper(ledger).ship()
    assert fleet.bytes_of("b1") == ledger.read_bytes()


@pytest.mark.parametrize(
    "change",
    [{"at_n": 0}, {"of_lines": 0}, {"of_lines": 2_000_000}, {"of_boot": "b" * 65},
     {"last_digest": "d" * 65}, {"after_digest": "d" * 65}, {"after_boot": "b" * 65},
     {"names": list(range(72))}, {"of_boot": None}, {"at_n": None}, {"content": None},
     {"content": b"x" * 33_554_433}, {"digest": None}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_is_no_segment_is_refused(fleet_rows: Fleet, change: dict[str, object]) -> None:
    """Bounds of what one call may store; a row is whole, or is not there."""
    good: dict[str, object] = {
        "of_boot": "b", "at_n": 1, "of_lines": 1, "after_digest": "", "last_digest": "d",
        "from_time": "2026-11-29", "to_time": "2026-11-29", "of_size": 1, "digest": b"d",
        "content": b"c", "names": [], "after_boot": None, "is_stop": False, "is_first": False,
    }  # fmt: skip
    values = good | change
    marks = ", ".join(f"{name} => %s" for name in values)
    with (
        psycopg.connect(fleet_rows.gate(), autocommit=True) as gate,
        pytest.raises(psycopg.Error) as caught,
    ):
        gate.execute(f"SELECT hookgate.put({marks})".encode(), list(values.values()))
    assert (caught.value.sqlstate or "")[:2] in ("22", "23")
    assert fleet_rows.sql("SELECT count(*) FROM hookgate.segment") == [(0,)]


def test_who_reads_reads_all_and_changes_nothing(fleet: Fleet, ledger: Path) -> None:
    """The role for whoever looks at a fleet."""
    Chain(ledger).add(3)
    fleet.shipper(ledger).ship()
    fleet.sql("CREATE ROLE looks LOGIN PASSWORD 'x' IN ROLE hookgate_reader")
    try:
        dsn = fleet.server.dsn(fleet.dbname, "looks", "x")
        assert [gate.gate for gate in read_status(dsn)] == ["amsterdam"]
        with psycopg.connect(dsn, autocommit=True) as reader:
            for table in ("segment", "name", "fork", "finding", "expiry", "version"):
                reader.execute(f"SELECT * FROM hookgate.{table}".encode())
            for query in (
                "DELETE FROM hookgate.segment",
                "UPDATE hookgate.boot SET stopped = true",
                "SELECT hookgate.position('b1')",
                "SELECT hookgate.expire('2020-01-01')",
                "SELECT hookgate.make_day('2020-01-01')",
            ):
                with pytest.raises(errors.InsufficientPrivilege):
                    reader.execute(query.encode())
    finally:
        fleet.sql("DROP ROLE looks")
