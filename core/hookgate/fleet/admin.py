"""The store as whoever administers it knows it: its tables, its gates' logins, what is deleted."""

import re
import secrets
from datetime import date
from importlib.resources import files
from typing import NamedTuple, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from .connecting import Connection, connect
from .error import StoreError, tell

# A store of version n is brought to the next one by the n-th of these, from 0 on.
_STEPS = ("schema.sql", "put.sql", "items.sql", "put.sql", "lately.sql")
VERSION = len(_STEPS)
_SET_VERSION = f"UPDATE hookgate.version SET version = {VERSION}"  # noqa: S608  # ours
# Each time: a dump does not keep what a database's logins may do.
_RIGHTS = "rights.sql"
_OPEN = """
SELECT has_database_privilege('hookgate_gate', current_database(), 'TEMPORARY'),
       has_function_privilege('hookgate_gate', 'pg_catalog.lo_create(oid)', 'EXECUTE')"""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,46}[a-z0-9])?")
# Of what an administrator connects with, what gates connect with as well.
_SHARED = ("host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert")
# A shipper has one; the other is for `--wait`, and for one that is restarted.
_MOST_CONNECTIONS = 4
# A verb that reads has one, and one for each process that reads for it.
_MOST_OF_READER = 32


class Expired(NamedTuple):
    """What was deleted of a day."""

    day: date
    segments: int
    lines: int


def schema() -> str:
    """Return the SQL that makes the tables."""
    return "".join([*map(_script, dict.fromkeys(_STEPS)), f"{_SET_VERSION};\n", _script(_RIGHTS)])


def _script(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def check_name(name: str) -> None:
    """Raise ValueError where a gate cannot be called that."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            "is no name for a gate; take up to 48 of a to z, 0 to 9, and dots, dashes and"
            " underscores within"
        )


class Admin:
    """A connection of an administrator. Each call is a transaction; all raise `StoreError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def connect(cls, dsn: str) -> Self:
        """Log in as an administrator."""
        options = "-c lock_timeout=10s -c timezone=UTC -c client_min_messages=warning"
        return cls(connect(dsn, application_name="hookgate fleet", options=options))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def install(self) -> int:
        """Bring the store to this version; return the version that it was of, 0 where none was.

        Raises `StoreError` also where it is of a newer one.
        """
        try:
            with self._connection.transaction():
                before = self._version()
                if before > VERSION:
                    raise StoreError(
                        f"it is of version {before}, and this hookgate knows up to {VERSION}:"
                        " install a newer hookgate here"
                    )
                for step in _STEPS[before:]:
                    self._connection.execute(_script(step).encode())
                self._connection.execute(_SET_VERSION.encode())
                self._connection.execute(_script(_RIGHTS).encode())
            return before
        except psycopg.Error as error:
            raise StoreError(tell(error)) from None

    def still_open(self) -> list[str]:
        """Say what gates' logins may make in the database that they do not need."""
        try:
            with self._connection.transaction():
                (temporary, large) = self._connection.execute(_OPEN).fetchone() or (False, False)
        except psycopg.Error as error:
            raise StoreError(tell(error)) from None
        what = {"temporary tables": temporary, "large objects": large}
        return [name for name, may in what.items() if may]

    def add_gate(self, name: str) -> str:
        """Make a gate's login, or give it another password and end its connections.

        Returns the DSN to log in with. Raises ValueError where that cannot be the gate's name.
        """
        return self._add(name, f"hookgate_gate_{name}", "hookgate_gate", is_gate=True)

    def add_reader(self, name: str) -> str:
        """Do the same for somebody who asks the ledgers of all gates."""
        return self._add(name, f"hookgate_reader_{name}", "hookgate_reader", is_gate=False)

    def add_replayer(self, name: str) -> str:
        """Do the same for somebody who sends on what gates keep."""
        return self._add(name, f"hookgate_replayer_{name}", "hookgate_replayer", is_gate=False)

    def _add(self, name: str, login: str, role: str, *, is_gate: bool) -> str:
        check_name(name)
        password = secrets.token_urlsafe(32)
        try:
            with self._connection.transaction():
                most = _MOST_CONNECTIONS if is_gate else _MOST_OF_READER
                self._add_login(login, role, password, most)
                if is_gate:
                    self._connection.execute(
                        "INSERT INTO hookgate.gate (gate, login) VALUES (%s, %s)"
                        " ON CONFLICT (gate) DO NOTHING",
                        (name, login),
                    )
        except psycopg.Error as error:
            raise StoreError(tell(error)) from None
        given = self._connection.info.get_parameters()
        shared = {key: given[key] for key in _SHARED if given.get(key)}
        return make_conninfo("", **shared, user=login, password=password)

    def expire(self, before: date) -> list[Expired]:
        """Delete what was received before a day, by the store's clock in UTC."""
        try:
            with self._connection.transaction():
                rows = self._connection.execute(
                    "SELECT day, segments, lines FROM hookgate.expire(%s)", (before,)
                )
                return [Expired(*row) for row in rows.fetchall()]  # type: ignore[arg-type]  # of SQL
        except psycopg.Error as error:
            raise StoreError(tell(error)) from None

    def expire_items(self, before: date) -> int:
        """Delete what gates kept that left, or was received, before a day; return how many items
        that were. What is held in custody stays.
        """
        try:
            row = self._connection.execute("SELECT hookgate.expire_items(%s)", (before,)).fetchone()
            self._connection.commit()
            return int(str((row or (0,))[0]))
        except psycopg.Error as error:
            raise StoreError(tell(error)) from None

    def _version(self) -> int:
        execute = self._connection.execute
        (found,) = execute("SELECT to_regclass('hookgate.version')").fetchone() or (None,)
        if found is None:
            return 0
        # The lock makes another that installs wait for this one.
        execute("LOCK TABLE hookgate.version IN SHARE ROW EXCLUSIVE MODE")
        (version,) = execute("SELECT max(version) FROM hookgate.version").fetchone() or (0,)
        return int(str(version))

    def _add_login(self, login: str, role: str, password: str, most: int) -> None:
        execute = self._connection.execute
        # As the server keeps it: its log may show what is executed.
        secret = self._connection.pgconn.encrypt_password(
            password.encode(), login.encode(), b"scram-sha-256"
        ).decode()
        found = execute("SELECT oid FROM pg_roles WHERE rolname = %s", (login,)).fetchone()
        verb = sql.SQL("CREATE" if found is None else "ALTER")
        execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {}").format(
                verb, sql.Identifier(login), secret, most
            )
        )
        execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))
        execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (login,)
        )
