"""A fleet in a database of its own, and ledgers that are written line by line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
import zstandard
from psycopg.conninfo import make_conninfo

from hookgate.fleet.admin import Admin
from hookgate.fleet.item_store import ItemStore
from hookgate.fleet.items import LOOK_SECONDS, ItemShipper
from hookgate.fleet.kept import KeptItems
from hookgate.fleet.segment import Cutter, Segment
from hookgate.fleet.shipper import Shipper
from hookgate.fleet.store import Store
from hookgate.ledger.reading.parsing import parse
from support.postgres import PostgresServer, installations, shared
from support.quarantine import make_store
from support.tcp_proxy import TcpProxy

NEWEST, OLDEST = "18", "15"


class Chain:
    """A boot's lines, each naming the one before, as a gate writes them."""

    def __init__(self, path: Path, boot: str = "b1", follows: str = "") -> None:
        self.path, self.boot, self.follows = path, boot, follows
        self.n, self.prev = 0, ""
        self.year = 0  # that of the clock, unless it is set

    def line(self, event: str, **fields: object) -> bytes:
        """Make the next line, with its newline, and write it nowhere."""
        self.n += 1
        now = datetime.now(UTC)
        stamp = f"{self.year or now.year}{now.strftime('-%m-%dT%H:%M:%S.%fZ')}"
        record = {"event": event, "ts": stamp, "boot": self.boot, **fields}
        raw = json.dumps({**record, "n": self.n, "prev": self.prev}).encode()
        self.prev = sha256(raw).hexdigest()
        return raw + b"\n"

    def lines(self, many: int, **fields: object) -> bytes:
        """Make so many; the first of a boot is its start."""
        first = [] if self.n else [self.line("start", follows=self.follows, **fields)]
        rest = (
            self.line("delivery", reference=f"{self.boot}-{self.n}", **fields)
            for _ in range(many - len(first))
        )
        return b"".join([*first, *rest])

    def add(self, many: int = 1, **fields: object) -> None:
        """Write so many to the file."""
        self.write(self.lines(many, **fields))

    def stop(self) -> None:
        """Write the last one."""
        self.write(self.line("stop"))

    def write(self, data: bytes) -> None:
        with self.path.open("ab") as stream:
            stream.write(data)


class Fleet:
    """The tables in a database, and whoever logs in there."""

    def __init__(self, server: PostgresServer, dbname: str) -> None:
        self.server, self.dbname = server, dbname
        self.dsn = server.dsn(dbname)
        self._gates: dict[str, str] = {}
        self._replayer = ""
        self._opened: list[Store | Shipper | ItemShipper | KeptItems] = []

    def gate(self, name: str = "amsterdam") -> str:
        """The DSN of a gate, which is made where it is not there."""
        if name not in self._gates:
            admin = Admin.connect(self.dsn)
            self._gates[name] = admin.add_gate(name)
            admin.close()
        return self._gates[name]

    def store(self, name: str = "amsterdam") -> Store:
        return self.connect(self.gate(name))

    def connect(self, dsn: str) -> Store:
        """A gate's connection, which is closed with the fleet."""
        store = Store.connect(dsn)
        self._opened.append(store)
        return store

    def items(self, folder: Path, name: str = "amsterdam", dsn: str = "") -> "ItemShipping":
        """What ships the quarantine in a folder."""
        shipping = ItemShipping(folder, lambda: ItemStore.connect(dsn or self.gate(name)))
        self._opened.append(shipping.shipper)
        return shipping

    def kept(self) -> KeptItems:
        """A session of a replayer."""
        kept = KeptItems.connect(self.replayer())
        self._opened.append(kept)
        return kept

    def replayer(self) -> str:
        """The DSN of somebody who replays."""
        if not self._replayer:
            admin = Admin.connect(self.dsn)
            self._replayer = admin.add_replayer("anna")
            admin.close()
        return self._replayer

    def shipper(self, ledger: Path, name: str = "amsterdam", dsn: str = "") -> "Shipping":
        shipping = Shipping(ledger, name, lambda: self.connect(dsn or self.gate(name)))
        self._opened.append(shipping.shipper)
        return shipping

    def close(self) -> None:
        for one in self._opened:
            one.close()

    @contextmanager
    def through_proxy(self, name: str = "amsterdam") -> Iterator[tuple[TcpProxy, str]]:
        """A way to the store, and the DSN by which a gate takes it."""
        proxy = TcpProxy(self.server.port)
        yield proxy, make_conninfo(self.gate(name), port=proxy.port)
        proxy.close()

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says, asked by its superuser."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def findings(self) -> list[tuple[Any, ...]]:
        return self.sql("SELECT kind, boot, first_n, last_n FROM hookgate.finding ORDER BY told")

    def bytes_of(self, boot: str, gate: str = "amsterdam") -> bytes:
        """All that was received of a boot; fails where lines are there twice, or not at all."""
        rows = self.sql(
            "SELECT first_n, lines, size, sha256, body FROM hookgate.segment"
            " WHERE boot = %s AND gate = %s ORDER BY first_n", boot, gate,
        )  # fmt: skip
        expected, data = rows[0][0] if rows else 1, b""
        for first_n, lines, size, digest, body in rows:
            raw = unpack(size, bytes(digest), bytes(body))
            assert (first_n, lines) == (expected, raw.count(b"\n"))
            expected += lines
            data += raw
        return data


def unpack(size: int, digest: bytes, body: bytes) -> bytes:
    """The lines of a row."""
    raw = zstandard.decompress(body, max_output_size=size)
    assert (len(raw), sha256(raw).digest()) == (size, digest)
    return raw


class Logged:
    """An operational log that is kept."""

    def __init__(self) -> None:
        self._capture = structlog.testing.LogCapture()
        self.log: structlog.BoundLogger = structlog.wrap_logger(
            structlog.PrintLogger(), [self._capture], structlog.BoundLogger, context_class=dict
        ).bind()

    @property
    def logged(self) -> list[str]:
        """The names of the operational events so far."""
        return [str(entry["event"]) for entry in self._capture.entries]


class ItemShipping(Logged):
    """A shipper of items with the operational log it writes; it looks whenever it is asked."""

    def __init__(self, folder: Path, connect: Callable[[], ItemStore]) -> None:
        super().__init__()
        self._now = 0.0
        self.shipper = ItemShipper(
            folder, make_store(folder, public=None), connect, self.log, self._clock
        )

    def _clock(self) -> float:
        return self._now

    def pass_time(self) -> None:
        """Let it be due to look."""
        self._now += LOOK_SECONDS

    def ship(self) -> None:
        """Look, and do all that there is to do."""
        self.pass_time()
        while self.shipper.turn():
            pass


class Shipping(Logged):
    """A shipper with the operational log it writes."""

    def __init__(self, ledger: Path, name: str, connect: Callable[[], Store]) -> None:
        super().__init__()
        self.shipper = Shipper(ledger, name, connect, self.log)

    def ship(self) -> None:
        """Send all that is there now."""
        while self.shipper.turn():
            pass
        self.shipper.flush()

    def again(self) -> None:
        """The same with a new connection, as after a restart."""
        self.shipper.close()
        self.ship()


@contextmanager
def new_fleet(version: str = NEWEST) -> Iterator[Fleet]:
    """A fleet without gates, in tables that are made once and emptied."""
    if version not in installations():
        pytest.skip(f"no PostgreSQL {version} here; apt-get install postgresql")
    fleet = made_in(shared(version))
    fleet.sql("DELETE FROM hookgate.gate")
    fleet.sql("TRUNCATE hookgate.boot, hookgate.segment, hookgate.name, hookgate.fork")
    fleet.sql("TRUNCATE hookgate.finding, hookgate.expiry, hookgate.item")
    yield fleet
    fleet.close()


def made_in(server: PostgresServer) -> Fleet:
    """The fleet of a server, with its tables."""
    fleet = Fleet(server, "postgres")
    admin = Admin.connect(fleet.dsn)
    admin.install()
    admin.close()
    return fleet


def cut(cutter: Cutter, data: bytes) -> Segment:
    """Give a cutter these lines, and return the segment that it makes of them."""
    for raw in data.splitlines():
        record = parse(raw)
        assert record is not None
        cutter.add(raw, record)
    made = cutter.cut()
    assert made is not None
    return made.pack()


def segment(chain: Chain, lines: int, **fields: object) -> Segment:
    """The next lines of a boot."""
    cutter = Cutter(chain.boot, chain.n + 1, chain.prev)
    return cut(cutter, chain.lines(lines, **fields))
