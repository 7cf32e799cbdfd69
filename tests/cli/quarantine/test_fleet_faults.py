"""Replays from a fleet's store that are killed, doubled or cut off, and what forgers put there."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from hookgate.fleet.item_store import ItemStore, Sent
from hookgate.quarantine.encryption import parse_recipients
from hookgate.quarantine.item import item_name, read_item, write_item
from support.calling import Call
from support.fleet import Chain, Fleet
from support.fleet_gates import Gates, secret
from support.kept import IDENTITIES, PUBLIC
from support.receiver import OK, Receiver, Seen
from support.replays import WHY, refused
from support.tcp_proxy import TcpProxy

FAST = (*WHY, "--rate", "0")


class Held:
    """An endpoint that answers at once so many requests, and the others once `free` is set."""

    def __init__(self, answered: int) -> None:
        self.free = threading.Event()
        self._left = answered
        self._lock = threading.Lock()

    def __call__(self, _: Seen) -> bytes:
        with self._lock:
            self._left -= 1
            is_held = self._left < 0
        if is_held:
            self.free.wait(60)
        return OK


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def bodies_of(endpoint: Receiver) -> Counter[bytes]:
    return Counter(seen.body for seen in endpoint.seen)


def test_a_killed_replay_names_what_may_have_arrived(gates: Gates, endpoint: Receiver) -> None:
    """Whoever replays next, wherever: each arrives once, but what is sent again knowingly."""
    gates.add("elsewhere")
    gates.kept["amsterdam"].keep(map(refused, range(12)))
    gates.ship()
    held = endpoint.respond = Held(5)
    killed = gates.start("desk", *FAST)
    wait_for(lambda: len(gates.kept["desk"].lines("delivery")) >= 5 and len(endpoint.seen) > 5)
    at_work = gates.plan(at="elsewhere")
    killed.send_signal(signal.SIGKILL)
    killed.wait(60)
    held.free.set()
    assert at_work["claimed"] >= 1
    desk = gates.kept["desk"]
    doubtful = len(desk.lines("forward")) - len(desk.lines("delivery"))
    assert doubtful >= 1
    # The ledger of that replay is not in the store yet.
    assert gates.plan(at="elsewhere").get("unknown", 0) >= doubtful
    assert gates.plan().get("unknown", 0) >= doubtful
    gates.ship("desk")
    rest = gates.replay(*FAST, at="elsewhere")
    assert rest.status == 1
    unknown = gates.plan(at="elsewhere")
    assert set(unknown) == {"unknown"}
    assert len(bodies_of(endpoint)) >= 12 - unknown["unknown"] + doubtful
    assert set(bodies_of(endpoint).values()) == {1}
    assert gates.replay(*FAST, "--unknown", at="elsewhere").status == 0
    assert len(bodies_of(endpoint)) == 12
    assert sum(bodies_of(endpoint).values()) == 12 + doubtful
    assert gates.plan() == {}


def test_several_replay_at_once(gates: Gates, endpoint: Receiver, fleet: Fleet) -> None:
    """Each item is sent by one of them."""
    names = ["desk", "second"]
    gates.add("second")
    gates.kept["amsterdam"].keep(map(refused, range(20)))
    gates.ship()
    # None is released before all of them have begun.
    held = endpoint.respond = Held(0)
    replays = [gates.start(name, *FAST) for name in names]
    wait_for(lambda: len(endpoint.seen) == len(names))
    held.free.set()
    assert {replay.wait(60) for replay in replays} <= {0, 1}
    assert set(bodies_of(endpoint).values()) == {1}
    assert len(bodies_of(endpoint)) == 20
    assert fleet.sql("SELECT count(*) FROM hookgate.item WHERE cause = 'replayed'") == [(20,)]


def test_a_store_that_goes_away_after_an_item_was_sent(
    tmp_path: Path, call: Call, gates: Gates, endpoint: Receiver, fleet: Fleet
) -> None:
    """No more is sent; what arrived is known by the ledger, and released next time."""
    gates.kept["amsterdam"].keep(map(refused, range(5)))
    gates.ship()
    proxy = TcpProxy(fleet.server.port)
    secret(tmp_path / "cut.dsn", make_conninfo(fleet.replayer(), port=proxy.port))

    def cut(_: Seen) -> bytes:
        proxy.close()
        proxy.break_off()
        return OK

    endpoint.respond = cut
    cut_off = ["--fleet", "--dsn-file", "cut.dsn", *gates.seal_keys]
    done = call("quarantine", "replay", *cut_off, *FAST, *gates.config("desk"))
    assert done.status == 1
    assert "stopped: the fleet's store: " in done.err
    assert "1 item not released" in done.err
    assert len(endpoint.seen) == 1
    endpoint.respond = lambda _: OK
    assert gates.plan() == {"delivered": 1, "send": 4}
    assert gates.replay(*FAST).status == 0
    assert set(bodies_of(endpoint).values()) == {1}
    assert len(endpoint.seen) == 5
    secret(tmp_path / "cut.dsn", make_conninfo(fleet.replayer(), port=1))
    done = call("quarantine", "replay", *cut_off, *gates.config("desk"))
    assert (done.status, "nothing listens there" in done.err) == (1, True)


def test_what_its_owner_alters_in_the_store_is_damaged(
    gates: Gates, endpoint: Receiver, fleet: Fleet
) -> None:
    """By its digest; where that is altered too, by the encryption, and by the gate's line."""
    gates.kept["amsterdam"].keep(map(refused, range(3)))
    gates.ship()
    fleet.sql("UPDATE hookgate.item SET body = body || 'x' WHERE record LIKE '%\"ref-0\"%'")
    fleet.sql(
        "UPDATE hookgate.item SET body = body || 'x', kept = sha256(body || 'x')"
        " WHERE record LIKE '%\"ref-1\"%'"
    )
    assert gates.plan() == {"damaged": 2, "send": 1}
    assert gates.replay(*FAST).status == 1
    assert [seen.body for seen in endpoint.seen] == [refused(2)]


def test_what_a_stolen_password_puts_there_is_not_taken_for_a_gates(
    tmp_path: Path, gates: Gates, endpoint: Receiver, fleet: Fleet
) -> None:
    """Anybody can encrypt to a public key, and add lines that say it was kept, without a seal."""
    (record,) = gates.kept["amsterdam"].keep([refused(1)])
    gates.ship()
    (real,) = gates.kept["amsterdam"].entries()
    item = read_item(IDENTITIES.decrypt(real.path.read_bytes()))._replace(body=refused(666))
    file = parse_recipients([PUBLIC]).encrypt(write_item(item))
    kept, body = sha256(file).hexdigest(), sha256(refused(666)).hexdigest()
    thief = ItemStore.connect(fleet.gate("amsterdam"))
    name = item_name(body, item.head.target)
    beside = json.dumps({"event": "delivery", "sha256": body, "kept": kept})
    thief.put_item(Sent(name, bytes.fromhex(kept), 1.0, False, beside, file))
    thief.close()
    chain = Chain(tmp_path / "forged.jsonl", "forged")
    said = {**record, "sha256": body, "kept": kept}
    taken = ("event", "ts", "boot", "n", "prev", "mac")
    chain.write(chain.line("start") + chain.line("delivery", **_without(said, taken)))
    # And that another was delivered, so that it is let go.
    told = {**_without(record, (*taken, "kept")), "outcome": "delivered"}
    chain.write(chain.line("delivery", **told))
    fleet.shipper(chain.path).ship()
    assert gates.plan() == {"send": 1, "unrecorded": 1}
    assert gates.replay(*FAST).status == 1
    assert [seen.body for seen in endpoint.seen] == [refused(1)]


def _without(record: dict[str, object], names: tuple[str, ...]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in names}


KILLED = """
import os, sys
from hookgate.fleet.kept import KeptItems
from hookgate_cli.main import main
name, when, *arguments = sys.argv[1:]
act = getattr(KeptItems, name)
def killed(*given):
    result = act(*given) if when == "after" else None
    os.kill(os.getpid(), 9)
setattr(KeptItems, name, killed)
main(["quarantine", "replay", *arguments])
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("call_of", "when", "here", "elsewhere"),
    [
        ("begin", "before", "send", "send"),
        ("begin", "after", "unknown", "unknown"),
        ("claim", "before", "delivered", "unknown"),
        ("claim", "after", "delivered", "unknown"),
        ("drop", "before", "delivered", "unknown"),
        ("drop", "after", None, None),
    ],
)
def test_killed_at_each_step(
    gates: Gates,
    endpoint: Receiver,
    call_of: str,
    when: str,
    here: str | None,
    elsewhere: str | None,
) -> None:
    """It is released by nobody who does not know what became of it."""
    gates.add("elsewhere")
    gates.kept["amsterdam"].keep([refused(1)])
    gates.ship()
    arguments = [*gates.by_keys, *gates.config("desk"), *FAST]
    done = subprocess.run([sys.executable, "-c", KILLED, call_of, when, *arguments], check=False)
    assert done.returncode == -signal.SIGKILL
    assert gates.plan() == ({here: 1} if here else {})
    assert gates.plan(at="elsewhere") == ({elsewhere: 1} if elsewhere else {})
    gates.ship("desk")
    assert gates.plan(at="elsewhere") == ({here: 1} if here else {})
    status = gates.replay(*FAST, at="elsewhere").status
    assert status == (1 if here == "unknown" else 0)
    assert len(endpoint.seen) == (0 if here == "unknown" else 1)
