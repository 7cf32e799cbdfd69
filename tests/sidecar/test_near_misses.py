"""Near misses of a running sidecar: its lines, its metric, its answers."""

import re
from pathlib import Path

from support.admin import ON, Admin
from support.events import CLEAN
from support.raw import ask, connected, post, wait_until
from support.sidecar import FOREIGN, sidecar

WATCHED = "127.0.0.67"
ASKED = 30


def test_workers_tell_together_of_near_misses_and_answer_as_ever(tmp_path: Path) -> None:
    """In a flood of others too; each by its own line, or counted."""
    keys = {**ON, "sidecar.workers": "2", "source.watch": WATCHED}
    noise = b"GET /.env HTTP/1.1\r\nHost: gate\r\n\r\n"
    with sidecar("http://127.0.0.1:9", tmp_path, **keys) as gate:
        for _ in range(2):
            with connected(gate.port, FOREIGN) as scanner:
                scanner.send(noise * 200)
                assert {scanner.read().status for _ in range(200)} == {403}
        told = [ask(gate.port, post(CLEAN), WATCHED) for _ in range(ASKED)]
        other = ask(gate.port, post(CLEAN), FOREIGN)
        admin = Admin(gate)

        def counted() -> dict[str, float]:
            name = "hookgate_near_misses_total"
            return {s.labels["cause"]: s.value for s in admin.samples() if s.name == name}

        assert wait_until(lambda: counted() == {"watch": ASKED, "again": 0, "quiet": 0})
        assert gate.stop() == 0
    undated = {
        re.sub(rb"Date: [^\r]+", b"", answer.head) + answer.body for answer in (*told, other)
    }
    assert len(undated) == 1
    near = [record for record in gate.all_records("delivery") if "near" in record]
    assert near
    assert {(record["client"], *record["near"]) for record in near} == {(WATCHED, "watch")}
