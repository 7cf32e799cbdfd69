"""Reading the configuration again: all of it or nothing, and nobody notices."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.events import CLEAN
from support.ledger import Record
from support.load import sending
from support.pair import Pair, paired
from support.raw import Client, ask, connected, post, wait_until
from support.receiver import OK, Seen
from support.sidecar import ALLOWED, FOREIGN


@dataclass(frozen=True)
class Reloadable:
    """A sidecar that reads hookgate.toml in `folder`, and the list of networks beside it."""

    pair: Pair
    folder: Path

    def write(self, text: str) -> None:
        (self.folder / "hookgate.toml").write_text(text)

    def reload(self, text: str) -> list[Record]:
        """Write it, ask for it, and return each worker's `reload` record."""
        before = len(self.records())
        self.write(text)
        self.pair.gate.process.send_signal(signal.SIGHUP)
        return self.wait(before)

    def wait(self, before: int) -> list[Record]:
        count = len(self.pair.gate.ledgers())
        assert wait_until(lambda: len(self.records()) >= before + count)
        return self.records()[before:]

    def records(self) -> list[Record]:
        return self.pair.gate.all_records("reload")


@pytest.fixture
def reloadable(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reloadable]:
    workers = getattr(request, "param", "1")
    (tmp_path / "networks").write_text("203.0.113.0/24\n")
    (tmp_path / "proxies").write_text("192.0.2.7\n")
    keys = {
        "source.allow_file": str(tmp_path / "networks"),
        "source.trusted_proxies_file": str(tmp_path / "proxies"),
        "sidecar.workers": workers,
    }
    patch = "import hookgate_sidecar.watching as watching\nwatching._WATCH_SECONDS = 0.1\n"
    with paired(tmp_path, lambda _: OK, patch=patch, **keys) as pair:
        yield Reloadable(pair, tmp_path)


PUT = post(CLEAN).replace(b"POST", b"PUT", 1)
BOTH = pytest.mark.parametrize("reloadable", ["1", "2"], indirect=True)


@BOTH
def test_a_new_configuration_holds_from_the_next_request_on(reloadable: Reloadable) -> None:
    """On connections that were open before too; the ledger names both fingerprints."""
    port = reloadable.pair.port
    with connected(port) as kept:
        kept.send(PUT)
        assert kept.read().status == 405
        records = reloadable.reload('[request]\nmethods = ["POST", "PUT"]\n')
        kept.send(PUT)
        assert kept.read().status == 200
    for record in records:
        assert record["result"] == "applied"
        assert record["policy"] != record["old_policy"]
        assert record["config"] != record["old_config"]
        assert record["errors"] == []
    assert len({record["policy"] for record in records}) == 1
    assert reloadable.pair.gate.wait_for_log("gate.reload_applied")["level"] == "info"


BAD = (
    ("[request]\nmax_body = 1\n[nonsense]\n", "[nonsense] is no section"),
    ("no toml", "is no TOML"),
    ('[audit]\nfsync = "always"\n', "audit cannot change without a restart"),
    ("[sidecar]\nmax_fields = 0\n", "sidecar.max_fields"),
)


@BOTH
def test_a_bad_configuration_changes_nothing(reloadable: Reloadable) -> None:
    """And is said, in the ledger and in the operational log."""
    for text, error in BAD:
        for record in reloadable.reload(text):
            assert record["result"] == "refused"
            assert any(error in line for line in record["errors"]), record
            assert (record["policy"], record["config"]) == (
                record["old_policy"],
                record["old_config"],
            )
    reloadable.pair.gate.log.lines("reload_refused", count=len(BAD))
    assert ask(reloadable.pair.port, post(CLEAN)).status == 200
    assert ask(reloadable.pair.port, PUT).status == 405


@BOTH
def test_the_list_of_networks_is_watched(reloadable: Reloadable) -> None:
    """Without a signal; a list that cannot be read keeps the one before."""
    port = reloadable.pair.port
    assert ask(port, post(CLEAN), FOREIGN).status == 403
    for text, result, status in (
        (f"203.0.113.0/24\n{FOREIGN}  # a test\n", "applied", 200),
        ("nonsense\n", "refused", 200),
        ("203.0.113.0/24\n", "applied", 403),
    ):
        before = len(reloadable.records())
        (reloadable.folder / "networks").write_text(text)
        assert {record["result"] for record in reloadable.wait(before)} == {result}
        assert ask(port, post(CLEAN), FOREIGN).status == status


@BOTH
def test_the_list_of_proxies_is_watched(reloadable: Reloadable) -> None:
    """A peer is believed as long as it is on the list, on connections that are open too."""
    port = reloadable.pair.port
    proxied = post(CLEAN, b"/cm/events", b"X-Forwarded-For: " + ALLOWED.encode())
    assert ask(port, proxied, FOREIGN).status == 403
    with contextlib.ExitStack() as stack:
        kept: list[Client] = []
        for text, result, status in (
            (f"192.0.2.7\n{FOREIGN}  # a test\n", "applied", 200),
            ("nonsense\n", "refused", 200),
            ("203.0.113.0/25\n", "refused", 200),
            ("", "refused", 200),
            ("192.0.2.7\n", "applied", 403),
        ):
            before = len(reloadable.records())
            (reloadable.folder / "proxies").write_text(text)
            assert {record["result"] for record in reloadable.wait(before)} == {result}
            kept.append(stack.enter_context(connected(port, FOREIGN)))
            for client in kept:
                client.send(proxied)
                assert client.read().status == status
    errors = [error for record in reloadable.records() for error in record["errors"]]
    assert any("proxies:1" in error for error in errors)
    words = "source.trusted_proxies_file overlaps source.allow_file in 203.0.113.0/25"
    assert any(error.startswith(words) for error in errors)
    assert any("holds no network; write one a line, like 192.0.2.1" in error for error in errors)


def test_what_is_under_way_ends_by_what_it_began_with(tmp_path: Path) -> None:
    """A delivery that waits for the old upstream has its answer, and names the old policy."""
    go = threading.Event()

    def respond(_: Seen) -> bytes:
        go.wait(30)
        return OK

    with paired(tmp_path, respond) as pair, connected(pair.port) as client:
        reloadable = Reloadable(pair, tmp_path)
        client.send(post(CLEAN))
        pair.upstream.wait_for(1)
        (record,) = reloadable.reload('[request]\nmax_depth = 32\n[upstream]\ntimeout = "9s"\n')
        go.set()
        assert client.read().status == 200
        (delivery,) = pair.gate.wait_for_deliveries(1)
        assert delivery["policy"] == record["old_policy"] != record["policy"]
        assert ask(pair.port, post(CLEAN)).status == 200


@BOTH
def test_nothing_fails_while_it_is_reloaded_again_and_again(reloadable: Reloadable) -> None:
    """Under load, with the policy, the upstream's pool and the list changing."""
    with sending(reloadable.pair.port) as load:
        for depth in range(20, 40):
            reloadable.write(f'[request]\nmax_depth = {depth}\n[upstream]\ntimeout = "{depth}s"\n')
            reloadable.pair.gate.process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        count = len(load.answers)
    assert load.unanswered == set()
    assert set(load.answers.values()) == {200}
    assert count > 100
    assert len({record["policy"] for record in reloadable.records()}) > 5
