"""One session through all three fronts, with faults, and what the commands make of its ledgers."""

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from support import forked
from support.events import event
from support.mitmdump import mitmdump
from support.nginx import nginx
from support.raw import ask, connected, post, wait_until
from support.receiver import OK, Seen, receiving
from support.sidecar import FOREIGN, sidecar

REFUSED = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
NUMBER = "0031698765432"  # searched for in every output

THIRD_TRY, NEVER, INVALID, IN_FLIGHT, UNSEEN = (str(uuid4()) for _ in range(5))
BROKEN = b'{"reference": "cut off'


@dataclass(frozen=True)
class Session:
    """The ledgers that the session left behind, oldest first."""

    folder: Path
    files: list[str]

    def run(self, *arguments: str, status: int = 0) -> str:
        """The command's standard output; nothing may be on stderr, and no number anywhere."""
        done = forked.run(["audit", *arguments], self.folder)
        assert done.returncode == status, done.stdout + done.stderr
        assert done.stderr == ""
        assert NUMBER not in done.stdout
        return done.stdout

    def ask(self, *arguments: str, status: int = 0) -> Any:
        """The same with --json, parsed; a list where it prints a line for each."""
        text = self.run(*arguments, "--json", status=status)
        lines = text.splitlines()
        return json.loads(text) if len(lines) == 1 else [json.loads(line) for line in lines]

    def logs(self) -> list[str]:
        return [part for file in self.files for part in ("--log", file)]


def named(reference: str, **changes: Any) -> bytes:
    return event(reference=reference, **{"from": {"number": NUMBER}}, **changes)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("session")
    tries: dict[bytes, int] = {}
    kill = threading.Event()

    def respond(seen: Seen) -> bytes:
        reference = seen.body.partition(b'"reference": "')[2][:36]
        tries[reference] = count = tries.get(reference, 0) + 1
        if reference == IN_FLIGHT.encode():
            kill.wait(30)
        failing = reference == NEVER.encode() or (reference == THIRD_TRY.encode() and count < 3)
        return REFUSED if failing else OK

    keys = {"audit.personal_data": "mask"}
    with receiving(respond) as upstream:
        home = folder / "sidecar"
        home.mkdir()
        with sidecar(upstream.url, home, **keys) as gate:
            send = gate.port
            for _ in range(5):
                ask(send, post(named(str(uuid4()))))
            for body in (named(THIRD_TRY), named(NEVER), named(INVALID, timeUtc="never"), BROKEN):
                for _ in range(3):
                    ask(send, post(body))
            ask(send, post(named(str(uuid4()))), FOREIGN)
            with connected(send) as client:
                client.send(post(named(IN_FLIGHT)))
                assert wait_until(lambda: IN_FLIGHT.encode() in tries)
                gate.kill()
            kill.set()
        os.rename(home / "audit.jsonl", home / "audit.jsonl.1")
        subprocess.run(["gzip", str(home / "audit.jsonl.1")], check=True)
        with sidecar(upstream.url, home, **keys) as gate:
            ask(gate.port, post(named(str(uuid4()), channel="Instagram", surprise=1)))
            assert gate.stop() == 0
        other = folder / "addon"
        other.mkdir()
        with mitmdump(upstream.url, other, **keys) as proxy:
            ask(proxy.port, post(named(str(uuid4()))))
            ask(proxy.port, post(named(str(uuid4()), timeUtc="never")))
            assert proxy.stop() == 0
        third = folder / "nginx"
        third.mkdir()
        with nginx(upstream.url, third, **keys) as front:
            ask(front.port, post(named(str(uuid4()))))
            ask(front.port, post(named(str(uuid4()))), FOREIGN)
            ask(front.port, post(b"<xml/>").replace(b"application/json", b"text/xml"))
            front.wait_for_deliveries(3)
    names = ("sidecar/audit.jsonl.1.gz", "sidecar/audit.jsonl", "addon/audit.jsonl")
    return Session(folder, [*names, "nginx/audit.jsonl"])


def test_balance_names_the_event_that_was_in_flight_at_the_kill(session: Session) -> None:
    """And accounts for all the rest; nginx's lines are counted, and said to prove nothing."""
    found = session.ask("balance", *session.files)
    assert found["balances"]
    assert found["total"] == {
        "received": 22, "delivered": 8, "refused": 8, "failed": 5, "aborted": 0,
        "unknown": 1, "in_flight": 0, "missing": 0,
    }  # fmt: skip
    assert found["unnumbered"] == {"delivered": 1, "refused": 2}
    (unknown,) = [f for f in found["findings"] if f["kind"] == "unknown"]
    assert IN_FLIGHT in unknown["text"]
    assert unknown["place"].startswith("sidecar/audit.jsonl.1.gz:")
    assert len(found["boots"]) == 3
    assert "balances" in session.run("balance", *session.files)


def test_verify_follows_the_chain_across_the_rotation(session: Session) -> None:
    """Three boots; the one that was killed has no stop, which is no breach."""
    found = session.ask("verify", *session.files)
    assert (found["holds"], found["boots"], found["unchained"]) == (True, 3, 3)
    assert "no_stop" in {f["kind"] for f in found["findings"]}


@pytest.mark.parametrize(
    ("name", "fate", "tries"),
    [
        (THIRD_TRY, "delivered", 3),
        (NEVER, "lost", 3),
        (INVALID, "lost", 3),
        (IN_FLIGHT, "unknown", 1),
        (UNSEEN, "never_seen", 0),
    ],
    ids=["third-try", "never", "invalid", "in-flight", "unseen"],
)
def test_fate_tells_the_end_of_each_event(
    session: Session, name: str, fate: str, tries: int
) -> None:
    """With every attempt."""
    status = 0 if fate == "delivered" else 1
    told, summary = session.ask("fate", name, *session.logs(), status=status)
    assert told["fate"] == fate
    assert [event["tries"] for event in told["events"]] == ([tries] if tries else [])
    assert told["unread"] == summary["unread"] == 2  # nginx's, but the stranger's
    assert summary["summary"][fate] == 1


def test_fate_knows_a_body_that_did_not_parse_by_its_digest(session: Session) -> None:
    """Its retries are one event."""
    records = session.ask("show", *session.files, "--reason", "malformed_json")
    assert len(records) == 3
    digest = records[0]["sha256"]
    told, _ = session.ask("fate", digest, *session.logs(), status=1)
    (event,) = told["events"]
    assert (told["fate"], event["tries"], event["parsed"]) == ("lost", 3, False)


def test_fate_of_a_list_sums_up(session: Session) -> None:
    """As a consumer would ask who misses some."""
    (session.folder / "list.txt").write_text("\n".join([THIRD_TRY, NEVER, UNSEEN]) + "\n")
    *_, summary = session.ask("fate", "--file", "list.txt", *session.logs(), status=1)
    counted = {name: count for name, count in summary["summary"].items() if count}
    assert counted == {"delivered": 1, "lost": 1, "never_seen": 1}


def test_stats_counts_all_fronts(session: Session) -> None:
    """Outcomes, reasons, and the members that the contract does not know."""
    found = session.ask("stats", *session.files)
    assert found["deliveries"] == 24
    assert found["outcomes"] == {"delivered": 9, "refused": 10, "failed": 5}
    text = session.run("stats", *session.files)
    for word in ("source_not_allowed", "malformed_json", "Instagram", "nginx", "addon"):
        assert word in text


def test_explain_says_why_an_event_was_refused(session: Session) -> None:
    """The check that refused it, with what it found, and those that were not reached."""
    text = session.run("explain", INVALID, *session.logs())
    assert "contract_violation" in text
    assert "/timeUtc: not a UTC time" in text


def test_show_filters_what_tail_and_show_print(session: Session) -> None:
    """By front and by outcome."""
    assert len(session.ask("show", *session.files, "--front", "nginx")) == 3
    text = session.run("show", *session.files, "--outcome", "failed")
    assert text.count("upstream_rejected") == 5
    assert len(session.run("tail", *session.files, "-n", "2").splitlines()) == 2


def test_the_report_has_the_session_s_numbers(session: Session) -> None:
    """And needs nothing but itself."""
    session.run("report", "--html", "report.html", *session.files)
    page = (session.folder / "report.html").read_text()
    assert NUMBER not in page
    for name in (NEVER, IN_FLIGHT):
        assert name in page


def test_an_edited_line_is_named(session: Session, tmp_path: Path) -> None:
    """With its file and line; the events are still accounted for."""
    lines = (session.folder / "sidecar/audit.jsonl").read_text().splitlines()
    edited = next(n for n, line in enumerate(lines) if '"delivered"' in line)
    lines[edited] = lines[edited].replace('"status":200', '"status":201')
    (tmp_path / "edited.jsonl").write_text("\n".join(lines) + "\n")
    found = session.ask("verify", str(tmp_path / "edited.jsonl"), status=1)
    assert not found["holds"]
    assert found["first_bad"].endswith((f"edited.jsonl:{edited + 1}", f"edited.jsonl:{edited + 2}"))
    assert session.ask("balance", str(tmp_path / "edited.jsonl"))["balances"]
