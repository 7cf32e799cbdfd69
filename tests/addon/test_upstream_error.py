"""What is wrong with the endpoint is told by the addon too, in the sidecar's words."""

from pathlib import Path

import pytest

from support.endpoints import UNCONNECTABLE
from support.events import CLEAN
from support.faulty import answer_head
from support.mitmdump import mitmdump
from support.raw import ask, post
from support.scripted import Act, answering, endless, scripted

CHOSEN = ("refused", "tls_name")
CASES = {word: make for _, word, make in UNCONNECTABLE if word in CHOSEN}

ANSWERS: list[tuple[str, Act]] = [
    ("closed_early", answering()),
    ("reset", answering(reset_after=True)),
    ("not_http", answering(b"\0\1\2\3\r\n\r\n", stay=True)),
    ("too_large", endless(answer_head(b"500 No"), piece=bytes(1024))),
    ("timeout_answer", answering(stay=True)),
]


@pytest.mark.parametrize("word", CHOSEN)
def test_a_cause_is_in_the_record_and_once_in_the_log(tmp_path: Path, word: str) -> None:
    """Though mitmproxy is in between: the addon sends by itself."""
    with CASES[word](tmp_path) as unwell, mitmdump(unwell.url, tmp_path, **unwell.keys) as gate:
        for _ in range(3):
            assert ask(gate.port, post(CLEAN)).status == 502
        records = gate.wait_for_deliveries(3)
        assert {r["upstream_error"] for r in records} == {word}
        assert gate.stop() == 0
        assert gate.log.whole().count("upstream.failing") == 1


def test_a_broken_answer_has_its_cause(tmp_path: Path) -> None:
    """Each in its turn."""
    keys = {"upstream.timeout": "1s"}
    with scripted(answering()) as upstream, mitmdump(upstream.url, tmp_path, **keys) as gate:
        for _, act in ANSWERS:
            upstream.act = act
            assert ask(gate.port, post(CLEAN)).status in (502, 504)
        found = [r["upstream_error"] for r in gate.wait_for_deliveries(len(ANSWERS))]
        assert found == [word for word, _ in ANSWERS]
        assert gate.stop() == 0
        lines = gate.log.records("upstream.failing")
        assert [line["error"] for line in lines] == found
