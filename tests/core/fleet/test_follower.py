"""Gates as the store of a fleet has them: what is told of each, and what a forger can do to it."""

import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import zstandard
from psycopg.conninfo import make_conninfo

from hookgate.fleet import places, queries
from hookgate.fleet.admin import Admin
from hookgate.fleet.store import Store
from hookgate.fleet.store_client import StoreClient
from hookgate.live.gate import Gate
from hookgate.live.history import ROWS
from hookgate.live.picture import make_picture
from hookgate.live.stored import StoredGates
from support.fleet import Chain, Fleet, segment

CLEAN = {"outcome": "delivered", "reason": "clean", "front": "sidecar", "policy": "p1"}
FAILED = {**CLEAN, "outcome": "failed", "reason": "upstream_timeout"}
MOST = 4


class Seen:
    """A fleet, and what is shown of it to a login that only reads."""

    def __init__(self, fleet: Fleet, *named: str) -> None:
        self.fleet = fleet
        admin = Admin.connect(fleet.dsn)
        self.dsn = admin.add_reader("anna")
        admin.close()
        self._stores: dict[str, Store] = {}
        self.stored = StoredGates(StoreClient(lambda: self.dsn), named, MOST)

    def look(self) -> dict[str, Gate]:
        """Look once; gates by their names."""
        for gate, told, at in self.stored.read(time.time):
            gate.note(told, at)
        return {gate.where: gate for gate in self.stored.gates}

    def said(self) -> list[str]:
        """Look once; what is wrong."""
        self.look()
        return [c["what"] for c in self.picture()["causes"]]

    def picture(self) -> dict[str, Any]:
        return make_picture(self.stored.gates, time.time())

    def store(self, name: str = "amsterdam") -> Store:
        """A gate's connection."""
        if name not in self._stores:
            self._stores[name] = self.fleet.store(name)
        return self._stores[name]

    def hello(self, name: str = "amsterdam", late: float | None = None) -> None:
        self.store(name).hello("hookgate 1.2.3", 70 if late else 0, late, time.time())

    def put(self, chain: Chain, many: int, name: str = "amsterdam", **fields: object) -> None:
        assert self.store(name).put(segment(chain, many, **fields))


@pytest.fixture
def seen(fleet: Fleet) -> Seen:
    """Of one gate that ships."""
    made = Seen(fleet)
    made.hello()
    return made


def strip(gate: Gate) -> dict[str, int]:
    return {row: sum(n or 0 for n in gate.history.strip(row, time.time())) for row in ROWS}


def outcomes(gate: Gate) -> Any:
    return (gate.answer or {}).get("outcomes")


def test_the_past_and_what_is_received(seen: Seen) -> None:
    """Columns go by the time of receipt, whatever a gate's clock says; each line counts once."""
    slow, fast = Chain(Path("-"), "slow"), Chain(Path("-"), "fast")
    slow.year, fast.year = 1970, 9000
    seen.put(slow, 4, **CLEAN)
    seen.fleet.sql("UPDATE hookgate.segment SET received = now() - interval '20 minutes'")
    seen.put(slow, 3, **CLEAN)
    seen.put(fast, 3, **FAILED)
    seen.put(fast, 2, replay_of="x", **{**CLEAN, "front": "replay"})
    seen.fleet.sql(
        "UPDATE hookgate.segment SET received = now() - interval '3 minutes'"
        " WHERE received > now() - interval '1 minute'"
    )
    (gate,) = seen.look().values()
    assert strip(gate) == dict.fromkeys(ROWS, 0) | {"delivered": 3, "failed": 2}
    assert outcomes(gate) == {"delivered": 3, "failed": 2}
    assert [row["reason"] for row in seen.picture()["not_delivered"]] == ["upstream_timeout"] * 2
    seen.put(slow, 5, **CLEAN)
    seen.put(Chain(Path("-"), "new"), 7, **CLEAN)
    for _ in range(2):
        assert outcomes(seen.look()["amsterdam"]) == {"delivered": 14, "failed": 2}
    assert strip(gate)["delivered"] == 14
    (figures,) = seen.picture()["gates"]
    assert (figures["state"], figures["version"]) == ("known by the store", "1.2.3")
    assert figures["policy"] == "p1"
    assert figures["shipping"].startswith("received ")
    assert figures["last_delivered_seconds"] < 60


def test_gates_come_by_themselves(seen: Seen) -> None:
    """As many as fit; what is left out is said, and so is a name that there is none of."""
    assert list(seen.look()) == ["amsterdam"]
    for name in ("utrecht", "breda", "delft"):
        seen.hello(name)
    assert list(seen.look()) == ["amsterdam", "breda", "delft", "utrecht"]
    seen.fleet.gate("zwolle")
    assert list(seen.look())[-1] == "1 more"
    assert any("4 are shown: name those to be seen by --gate" in said for said in seen.said())
    named = Seen(seen.fleet, "zwolle", "arnhem")
    assert [said.split(": ", 2)[2] for said in named.said()] == [
        "its shipper was never heard of.",
        "the store has no gate of this name.",
    ]
    seen.fleet.sql("DELETE FROM hookgate.gate")
    assert "no gate belongs to it yet: hookgate fleet init" in Seen(seen.fleet).said()[0]


def test_what_fleet_status_says_is_said_here(seen: Seen) -> None:
    """In its words: behind, forked, cut, silent, stopped."""
    chain, store = Chain(Path("-")), seen.store()
    one = segment(chain, 3, **CLEAN)
    assert store.put(one)
    assert store.put_fork(replace(one, digest=bytes(32)))
    store.tell_cut("b1", 2)
    seen.hello(late=4000)
    assert [said.split(" UTC")[-1] for said in seen.said()] == [
        "The store of the fleet has other lines than this gate: 1 cut, 1 fork.",
        ": 70 bytes were to be sent, for 66 min.",
    ]
    assert seen.picture()["gates"][0]["shipping"].startswith("4000 s behind, received ")
    seen.fleet.sql("UPDATE hookgate.gate SET seen = now() - interval '3 hours'")
    (silent,) = seen.said()
    assert silent.startswith("There is no news of the gate since ")
    assert silent.endswith(": its shipper was last heard of 3 h ago.")
    assert seen.stored.gates[0].answers is False
    chain.n, chain.prev = 3, one.tip
    raw = chain.line("stop")
    assert store.put(replace(one, first_n=4, prev=one.tip, **packed(raw), is_stop=True))
    (had_stopped,) = Seen(seen.fleet).said()
    assert ": it had stopped; whether it runs again is not known, as its shipper" in had_stopped
    seen.hello()
    assert Seen(seen.fleet).said()[0].endswith(": it has stopped.")


def test_what_was_not_heard_of_is_a_gap(seen: Seen) -> None:
    """And none of it a 0: the gate may have delivered what it likes."""
    seen.put(Chain(Path("-")), 3, **CLEAN)
    seen.fleet.sql("UPDATE hookgate.segment SET received = now() - interval '10 minutes'")
    seen.fleet.sql("UPDATE hookgate.gate SET seen = now() - interval '5 minutes'")
    (gate,) = seen.look().values()
    columns = [n for n in gate.history.strip("delivered", time.time()) if n is not None]
    assert sum(columns) == 2
    assert 55 <= len(columns) <= 65


@pytest.mark.parametrize(("name", "most"), [("_PAST", 10 * 4096), ("_MOST_OF_BOOT", 10)])
def test_of_more_than_is_read_back_the_rest_is_a_gap(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    """And it is said since when all was read: no column holds a part."""
    monkeypatch.setattr(f"hookgate.fleet.follower.{name}", most)
    chain = Chain(Path("-"))
    for _ in range(30):
        seen.put(chain, 1, **CLEAN)
    seen.fleet.sql(
        "UPDATE hookgate.segment SET received = now() - make_interval(secs => 620 - 20 * first_n)"
    )
    (gate,) = seen.look().values()
    shown = [n for n in gate.history.strip("delivered", time.time()) if n is not None]
    assert sum(shown) in (8, 9, 10)
    assert 36 <= len(shown) <= 41
    (cause,) = gate.standing()
    assert cause.what.startswith("Of the last 15 minutes only what came since ")


def test_a_burst_is_read_in_turns_and_what_is_left_is_said(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate with much to read keeps no other waiting; in the end each line has counted once."""
    seen.hello("utrecht")
    chain = Chain(Path("-"))
    seen.put(chain, 1, **CLEAN)
    seen.look()
    monkeypatch.setattr(places, "LOOK", 20 * places.LEAST)
    monkeypatch.setattr(places, "CHUNK", 7 * places.LEAST)
    monkeypatch.setattr(queries, "MOST_SEGMENTS", 32)
    for _ in range(50):
        seen.put(chain, 3, **CLEAN)
    seen.put(Chain(Path("-"), "u1"), 3, "utrecht", **CLEAN)
    gates = seen.look()
    assert outcomes(gates["amsterdam"]) == {"delivered": 57}
    assert outcomes(gates["utrecht"]) == {"delivered": 2}
    (left,) = gates["amsterdam"].standing()
    assert (left.name, left.what.partition("UTC")[2]) == ("unread", ": 93 are to be read.")
    for expected in (117, 150, 150):
        gates = seen.look()
        assert outcomes(gates["amsterdam"]) == {"delivered": expected}
    assert gates["amsterdam"].standing() == []


def test_a_store_that_goes_away_is_said_at_each_gate_and_comes_back(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never with its DSN; what was received meanwhile is read then, and nothing twice."""
    monkeypatch.setattr("hookgate.fleet.store_client._SECONDS", 1.0)
    monkeypatch.setattr("hookgate.fleet.store_client._PAUSE_SECONDS", 0.2)
    seen.hello("utrecht")
    chain = Chain(Path("-"))
    seen.put(chain, 4, **CLEAN)
    with seen.fleet.through_proxy() as (proxy, _):
        seen.dsn = make_conninfo(seen.dsn, port=proxy.port)
        assert seen.look()["amsterdam"].answers
        proxy.refuses = True
        proxy.break_off()
        said = seen.said()
        assert len(said) == 2
        assert all("the store cannot be used: " in one for one in said)
        assert not any(word in one for one in said for word in ("127.0.0.1", "anna", "password"))
        seen.put(chain, 4, **CLEAN)
        proxy.refuses = False
        until = time.monotonic() + 30
        while not seen.look()["amsterdam"].answers:
            assert time.monotonic() < until
            time.sleep(0.1)
        gates = seen.look()
        assert outcomes(gates["amsterdam"]) == {"delivered": 7}
        assert gates["utrecht"].answers
        # A server that stands still acknowledges, and answers nothing.
        proxy.delay = 60.0
        assert all("it does not answer" in one for one in seen.said())


def packed(raw: bytes, **changes: Any) -> dict[str, Any]:
    """What a segment says of these bytes, but for the changes."""
    digest, body = sha256(raw).digest(), zstandard.compress(raw)
    lines = raw.count(b"\n")
    return {"size": len(raw), "digest": digest, "body": body, "lines": lines, **changes}


def planted(boot: str = "b1", **members: Any) -> bytes:
    told = {"event": "delivery", "boot": boot, "ts": "2026-01-05T10:00:00.000000Z", **CLEAN}
    return orjson.dumps({**told, **members}) + b"\n"


HUGE = "x" * (2 << 20)
BAD = {"outcome": "refused", "reason": "too_deep"}
# By name: what a forger with a gate's password puts, and how often the past holds it.
PLANTED: dict[str, dict[str, Any]] = {
    "no zstd": packed(planted(), body=b"no zstd at all"),
    "a bomb": packed(planted(), body=zstandard.compress(b"\0" * (16 << 20))),
    "another digest": packed(planted(), digest=bytes(32)),
    "more lines": packed(planted(), lines=5),
    "a size that nothing has": packed(planted(), size=(1 << 31) - 1),
    "no lines at all": packed(b"\0" * 5000, lines=100),
    "no records": packed(b"[]\n7\n" + b"[" * 90_000 + b'\n{"event":7}\n\xff\n' + b"\n" * 9),
    "of another boot": packed(planted("other") * 9),
    "huge members": packed(planted(**BAD, path=HUGE, errors=["/" + HUGE[: 1 << 20]])),
    "many members": packed(planted("b1", **{f"m{n}": n for n in range(20_000)}, **BAD)),
    "words that nobody knows": packed(
        b"".join(planted(outcome=f"o{n}", reason=f"r{n}", upstream_error="e" * n, policy="p" * n)
                 for n in range(600))
    ),
    "counts that nothing has": packed(
        planted(event="refusals", count=2**64 - 1, **BAD) * 9 + planted(upstream_ms=1e300)
    ),
    "no years of ours": packed(
        b"".join(planted(**BAD, ts=f"{year}-01-01T00:00:00.000000Z", request_id=str(year))
                 for year in (1, 1969, 1970, 2240, 9998, 9999))
    ),
    "surrogates": packed(planted(**BAD, path="?").replace(b'"?"', b'"\\ud800"')),
}  # fmt: skip


@pytest.mark.parametrize("is_past", [True, False], ids=["before", "while it is shown"])
def test_what_a_forger_plants_hides_no_other_gate(seen: Seen, is_past: bool) -> None:
    """Every kind, a hundred boots that he makes up, and another gate's: in bounded memory."""
    seen.hello("utrecht")
    seen.put(Chain(Path("-"), "u1"), 3, "utrecht", **CLEAN)
    if not is_past:
        seen.look()
    store, many = seen.store(), 0
    for many, changes in enumerate(PLANTED.values(), 1):
        boot = Chain(Path("-"), f"b{many}")
        made = replace(segment(boot, 1), boot="b1" if many == 1 else f"b{many}", **changes)
        body = changes["body"].replace(b'"boot":"b1"', b'"boot":"b%d"' % many)
        assert store.put(replace(made, body=body))
    assert store.put(segment(Chain(Path("-"), "u1"), 9, **FAILED))
    for number in range(100):
        assert store.put(segment(Chain(Path("-"), f"\u202e{number}" * 9), 1))
    tracemalloc.start()
    for _ in range(3):
        gates = seen.look()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 48 << 20
    assert held < 4 << 20
    assert outcomes(gates["utrecht"]) == {"delivered": 2}
    assert gates["amsterdam"].answers
    picture = seen.picture()
    try:
        data = orjson.dumps(picture)
    except orjson.JSONEncodeError:  # a lone surrogate, or a number of more digits
        data = repr(picture).encode()
    assert len(data) < 128 << 10
    assert all(cause["what"].isprintable() for cause in picture["causes"])


@pytest.mark.parametrize("query", [queries.LATELY, queries.RUNNING_LATELY, queries.FOUND])
def test_what_a_look_reads_grows_with_no_gate(seen: Seen, query: str) -> None:
    """Who has a gate's login makes up boots and findings by the million: others are seen."""
    seen.hello("utrecht")
    seen.fleet.sql(
        "INSERT INTO hookgate.boot (boot, gate, received)"
        " SELECT 'boot ' || n, 'amsterdam', now() - n * interval '1 ms'"
        " FROM generate_series(1, 40000) n"
    )
    seen.fleet.sql(
        "INSERT INTO hookgate.finding SELECT 'b1', 'amsterdam', 'cut', n, n,"
        " now() - n * interval '1 ms' FROM generate_series(1, 40000) n"
    )
    values = {"span": timedelta(minutes=15), "since": datetime.fromtimestamp(0, UTC)}
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}"
    ((explained,),) = StoreClient(lambda: seen.dsn).rows(explain, **values)
    plan = explained[0]["Plan"]
    ((pages,),) = seen.fleet.sql("SELECT pg_relation_size('hookgate.boot') / 8192")
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < pages / 4


def test_what_takes_too_long_to_count_hides_no_gate(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a table is locked for long: what is received is shown nevertheless."""
    monkeypatch.setattr("hookgate.fleet.store_client._STATEMENT_SECONDS", 0.2)
    seen.put(Chain(Path("-")), 3, **CLEAN)
    with psycopg.connect(seen.fleet.dsn) as connection:
        connection.execute("LOCK TABLE hookgate.finding IN ACCESS EXCLUSIVE MODE")
        (gate,) = seen.look().values()
    assert gate.answers
    assert outcomes(gate) == {"delivered": 2}
