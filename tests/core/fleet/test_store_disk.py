"""A store whose disk is full: a real one, that is small."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.fleet.error import StoreError
from support.disk import fill, free, small_disk
from support.fleet import Chain, Fleet

_NOBODY = 65534


@pytest.fixture
def disk(fleet: Fleet) -> Iterator[Path]:
    """What the store's new tables are on."""
    with small_disk(fleet.server.folder / "small", 4 << 20) as folder:
        folder.chmod(0o755)
        tables = folder / "tables"
        tables.mkdir()
        if os.geteuid() == 0:
            shutil.chown(tables, _NOBODY, _NOBODY)
        _drop_today(fleet)
        fleet.sql(f"CREATE TABLESPACE small LOCATION '{tables}'")
        fleet.sql(f"ALTER DATABASE {fleet.dbname} SET default_tablespace = small")
        try:
            yield folder
        finally:
            fleet.close()
            fleet.sql(f"ALTER DATABASE {fleet.dbname} RESET default_tablespace")
            _drop_today(fleet)
            fleet.sql("DROP TABLESPACE small")
    (fleet.server.folder / "small").rmdir()


def _drop_today(fleet: Fleet) -> None:
    for (part,) in fleet.sql(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'hookgate' AND relispartition AND relkind = 'r'"
    ):
        fleet.sql(f"DROP TABLE {part}")


def test_what_did_not_fit_is_there_once_when_it_does(
    fleet: Fleet, disk: Path, ledger: Path
) -> None:
    """Of a segment that hit the end of the disk nothing is there; deliveries know nothing of it."""
    chain = Chain(ledger)
    chain.add(3)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    fill(disk)
    for _ in range(3):
        chain.add(900, padding=os.urandom(600).hex())
        with pytest.raises(StoreError, match="the store is full"):
            shipping.ship()
    free(disk)
    shipping.ship()
    assert fleet.bytes_of("b1") == ledger.read_bytes()
    assert fleet.findings() == []
