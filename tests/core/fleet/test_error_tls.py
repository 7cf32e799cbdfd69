"""A store whose certificate proves nothing is not logged in to, and one line says what to mend."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import trustme
from psycopg.conninfo import make_conninfo

from hookgate.fleet.error import StoreError
from hookgate.fleet.store import Store
from support.fleet import OLDEST, Fleet, new_fleet
from support.postgres import PostgresServer
from support.raw import wait_until

_NOBODY = 65534
OURS, THEIRS = trustme.CA(), trustme.CA()
PAST = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def secure() -> Iterator[Fleet]:
    """A store that speaks TLS, with a certificate for 127.0.0.1; Debian's, the other cannot."""
    with new_fleet(OLDEST) as fleet:
        show(fleet.server, OURS.issue_cert("127.0.0.1"))
        yield fleet
        fleet.sql("ALTER SYSTEM RESET ssl")
        fleet.sql("SELECT pg_reload_conf()")


def show(server: PostgresServer, leaf: trustme.LeafCert) -> None:
    """Have the server show this certificate."""
    files = {"ssl_cert_file": server.folder / "cert.pem", "ssl_key_file": server.folder / "key.pem"}
    leaf.cert_chain_pems[0].write_to_path(str(files["ssl_cert_file"]))
    leaf.private_key_pem.write_to_path(str(files["ssl_key_file"]))
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        for name, file in files.items():
            file.chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(file, _NOBODY, _NOBODY)
            admin.execute(f"ALTER SYSTEM SET {name} = '{file}'".encode())
        admin.execute("ALTER SYSTEM SET ssl = on")
        before = admin.execute("SELECT pg_conf_load_time()").fetchone()
        admin.execute("SELECT pg_reload_conf()")

        def is_loaded() -> bool:
            now = admin.execute("SELECT pg_conf_load_time()").fetchone()
            return now != before and admin.execute("SHOW ssl").fetchone() == ("on",)

        assert wait_until(is_loaded)


def test_only_a_certificate_that_proves_the_store_is_taken(secure: Fleet, tmp_path: Path) -> None:
    """Another authority, another name, one that has expired, no authority; and that it is one."""
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    OURS.cert_pem.write_to_path(str(ours))
    THEIRS.cert_pem.write_to_path(str(theirs))

    def log_in(root: Path | str = ours) -> str:
        dsn = make_conninfo(secure.gate(), sslmode="verify-full", sslrootcert=str(root))
        try:
            secure.connect(dsn).close()
        except StoreError as error:
            return str(error)
        return ""

    told = [log_in()]
    told += [log_in(theirs), log_in("system"), log_in(tmp_path / "nowhere.pem")]
    show(secure.server, OURS.issue_cert("db.example.com"))
    told.append(log_in())
    show(secure.server, OURS.issue_cert("127.0.0.1", not_before=PAST, not_after=PAST))
    told.append(log_in())
    untrusted = "the store's certificate is not trusted"
    assert [text.partition(":")[0] for text in told] == [
        "", untrusted, untrusted, "the file in sslrootcert cannot be read",
        "the store's certificate is for another name", untrusted,
    ]  # fmt: skip
    password = secure.gate().split("password=")[1].split()[0]
    for secret in (password, "127.0.0.1", str(tmp_path), "\n"):
        assert secret not in "".join(told)


def test_a_store_without_tls_is_not_logged_in_to(fleet: Fleet) -> None:
    """Where the DSN asks for it."""
    assert fleet.sql("SHOW ssl") == [("off",)]
    with pytest.raises(StoreError, match="the store speaks no TLS"):
        Store.connect(make_conninfo(fleet.gate(), sslmode="verify-full", sslrootcert="system"))
