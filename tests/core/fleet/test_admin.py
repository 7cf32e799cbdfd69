"""Tables are made once, logins again and again, and what is deleted is written down."""

from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from hookgate.fleet.admin import VERSION, Admin, Expired
from hookgate.fleet.error import StoreError
from support.fleet import Chain, Fleet, segment

# As version 0.1.0 made its tables.
FIRST = Path(__file__).parents[2] / "release/v0_1_0/fleet.sql"


def test_tables_of_a_newer_version_are_left_alone(fleet: Fleet) -> None:
    """This one may not know what they mean."""
    admin = Admin.connect(fleet.dsn)
    fleet.sql("UPDATE hookgate.version SET version = 9")
    try:
        with pytest.raises(
            StoreError, match=f"it is of version 9, and this hookgate knows up to {VERSION}"
        ):
            admin.install()
    finally:
        fleet.sql("UPDATE hookgate.version SET version = %s", VERSION)
        admin.close()


def test_a_store_of_the_first_version_is_brought_on(fleet: Fleet) -> None:
    """What it holds stays, and it takes a line of twenty names, which it refused."""
    fleet.sql("DROP SCHEMA hookgate CASCADE")
    with psycopg.connect(fleet.dsn, autocommit=True) as connection:
        connection.execute(FIRST.read_bytes())
    names = [f"name {number}" for number in range(20)]
    line = segment(Chain(Path("b1")), 1, reference="a", names=names)
    gate = fleet.gate()
    with pytest.raises(StoreError):
        fleet.connect(gate).put(line)
    admin = Admin.connect(fleet.dsn)
    assert [admin.install(), admin.install()] == [1, VERSION]
    admin.close()
    assert fleet.connect(gate).put(line)
    assert fleet.sql("SELECT gate FROM hookgate.gate") == [("amsterdam",)]


def test_whoever_may_make_roles_may_make_a_fleet(either: Fleet) -> None:
    """No superuser is needed; a fleet in another database of the server shares the roles."""
    either.sql("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'x'")
    try:
        with psycopg.connect(either.dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE of_keeper OWNER keeper")
            connection.execute("ALTER ROLE keeper SUPERUSER")  # roles are there, and not its own
            connection.execute("ALTER ROLE keeper NOSUPERUSER")
            connection.execute("GRANT hookgate_gate TO keeper WITH ADMIN OPTION")
        admin = Admin.connect(either.server.dsn("of_keeper", "keeper", "x"))
        assert admin.install() == 0
        gate = admin.add_gate("rotterdam")
        admin.add_gate("rotterdam")
        admin.close()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(gate)
    finally:
        with psycopg.connect(either.dsn, autocommit=True) as connection:
            connection.execute("DROP DATABASE of_keeper WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS hookgate_gate_rotterdam")
            connection.execute("DROP OWNED BY keeper")
            connection.execute("DROP ROLE keeper")


def test_whole_days_are_deleted_and_written_down(either: Fleet, ledger: Path) -> None:
    """Forks too. What a gate still has is not sent again; today is never deleted."""
    Chain(ledger).add(6)
    shipping = either.shipper(ledger)
    shipping.ship()
    ((today,),) = either.sql("SELECT hookgate.today()")
    old: date = today - timedelta(days=100)
    either.sql("SELECT hookgate.make_day(%s)", old)
    either.sql("UPDATE hookgate.segment SET day = %s", old)
    either.sql("UPDATE hookgate.name SET day = %s", old)
    either.sql(
        "INSERT INTO hookgate.fork SELECT boot, gate, 1, sha256, 2, '', '', 1, body,"
        " (%s::date + time '12:00') AT TIME ZONE 'UTC' FROM hookgate.segment", old
    )  # fmt: skip
    admin = Admin.connect(either.dsn)
    with pytest.raises(StoreError):
        admin.expire(today + timedelta(days=1))
    assert admin.expire(old) == []
    assert admin.expire(today) == [Expired(old, 2, 8)]
    assert admin.expire(today) == []
    admin.close()
    for table in ("segment", "name", "fork"):
        assert either.sql(f"SELECT count(*) FROM hookgate.{table}") == [(0,)]
    assert either.sql("SELECT day, segments, lines, by FROM hookgate.expiry") == [
        (old, 2, 8, "postgres")
    ]
    shipping.again()
    assert either.sql("SELECT count(*) FROM hookgate.segment") == [(0,)]
    assert either.findings() == []


def test_expiry_gives_up_where_somebody_reads(fleet: Fleet, ledger: Path) -> None:
    """Rather than have every gate wait behind it."""
    Chain(ledger).add(3)
    fleet.shipper(ledger).ship()
    fleet.sql("SELECT hookgate.make_day('2020-01-01')")
    admin = Admin.connect(fleet.dsn)
    admin._connection.execute("SET lock_timeout = '50ms'")
    admin._connection.commit()
    with psycopg.connect(fleet.dsn) as reader:
        reader.execute("SELECT count(*) FROM hookgate.segment")
        with pytest.raises(StoreError, match="somebody reads or writes there"):
            admin.expire(date(2021, 1, 1))
    assert [row.day for row in admin.expire(date(2021, 1, 1))] == [date(2020, 1, 1)]
    admin.close()


def test_a_password_is_never_in_what_the_server_is_told(fleet: Fleet) -> None:
    """Its log may show statements: it gets what it keeps, a SCRAM verifier."""
    fleet.sql("ALTER SYSTEM SET log_statement = 'all'")
    fleet.sql("SELECT pg_reload_conf()")
    try:
        admin = Admin.connect(fleet.dsn)
        dsn = admin.add_gate("logged")
        admin.close()
    finally:
        fleet.sql("ALTER SYSTEM RESET log_statement")
        fleet.sql("SELECT pg_reload_conf()")
    password = dsn.split("password=")[1].split()[0]
    log = (fleet.server.folder / "log").read_text()
    assert "hookgate_gate_logged" in log
    assert password not in log
