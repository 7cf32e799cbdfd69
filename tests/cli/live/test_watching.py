"""What the page is told of gates, as they answer, fail to, and come back."""

import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any

from support.answers import Site
from support.lines import nginx, write
from support.live import living, telling
from support.receiver import Receiver, receiving
from support.silent_names import NAME, silent_name_server

from .conftest import Shown

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"


NO_ANSWERS = {
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n": "an older hookgate",
    b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n": "/status answered 302",
    OK % (2, b"[]"): "no hookgate, or of another version",
    Receiver.CLOSE: "it closed the connection",
    OK % (12, b'{"format":2}'): "no hookgate, or of another version",
    b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n": "/status answered 503",
    OK % (2 << 20, b"[" * (2 << 20)): "what answers there is no hookgate.",
    OK % (9, b"not json!"): "what answers there is no hookgate.",
    b"SSH-2.0-x\r\n": "what answers there is no hookgate.",
}


def sentence(state: dict[str, Any]) -> str:
    """What stands on top."""
    return str(state["causes"][0]["what"])


def test_figures_are_those_of_the_gate(shown: Shown) -> None:
    with shown.live.reading(shown.live.log_in()) as states:
        states.head()
        states.until(lambda state: state["gates"][0]["answers"])
        shown.site.deliver(9)
        shown.site.end("refused", "contract_violation", 2, pointer="/channel", route="cm-events")
        shown.told.answer = shown.site.now(in_flight=3)
        state = states.until(lambda state: state["not_delivered"])
        (gate,) = state["gates"]
        assert (gate["name"], gate["state"], gate["in_flight"]) == ("gate-1", "ready", 3)
        rows = state["strips"]["rows"]
        strips = {row["name"]: sum(value or 0 for value in row["values"]) for row in rows}
        assert (strips["delivered"], strips["inside"]) == (9, 2)
        assert sentence(state).startswith("The policy refuses what comes from inside")


def test_what_is_no_answer_is_told_as_such_and_mends_itself(shown: Shown) -> None:
    """None of what came instead is shown, and the last figures stay."""
    with shown.live.reading(shown.live.log_in()) as states:
        states.head()
        policy = states.until(lambda state: state["gates"][0]["answers"])["gates"][0]["policy"]
        for answer, why in NO_ANSWERS.items():
            shown.told.answer = answer
            state = states.until(lambda state, why=why: why in sentence(state))
            assert sentence(state).startswith("The gate does not answer since ")
            assert state["gates"][0]["policy"] == policy
        shown.told.answer = shown.site.now()
        state = states.until(lambda state: state["gates"][0]["answers"])
        assert state["lately"][0]["name"] == "stopped"


def test_a_lone_surrogate_blinds_nobody(shown: Shown) -> None:
    """No UTF-8 can hold one; a sender may have written it all the same."""
    answer = shown.site.now()
    answer["not_delivered"] = [{"boot": "b1", "request_id": "r-lone", "client": "\ud800"}]
    body = json.dumps(answer).encode()
    with shown.live.reading(shown.live.log_in()) as states:
        states.head()
        shown.told.answer = OK % (len(body), body)
        rows = states.until(lambda state: len(state["not_delivered"]) == 1)["not_delivered"]
        assert rows[0]["request_id"] == "r-lone"
        shown.told.answer = shown.site.now()


def test_a_gate_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    """Each is told by itself, one by its ledger; nobody waits for the one that never answers."""
    ledger = tmp_path / "nginx.jsonl"
    write(ledger, nginx("content_type_missing"))
    with (
        telling(Site(host="gate-2").now()) as (_, good),
        receiving(lambda _: None) as bad,
        living(tmp_path, "--gate", good.url, "--gate", bad.url, "--log", str(ledger)) as live,
        live.reading(live.log_in()) as states,
    ):
        states.head()
        state = states.until(lambda state: "in time" in sentence(state))
        told = [gate["state"] for gate in state["gates"]]
        assert told == ["ready", "no answer", "known by its ledger"]
        assert state["not_delivered"][0]["reason"] == "content_type_missing"
        assert states.next()["gates"][0]["answers"]


def test_a_name_server_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Though the look-up, which begins before any request is answered, goes on for minutes."""
    with (
        silent_name_server(tmp_path) as silent,
        living(tmp_path, "--gate", f"http://{NAME}:9", under=silent) as live,
    ):
        live.log_in()
        assert live.stop() == 0


def test_a_gate_that_answers_a_byte_now_and_then_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Though its head never ends."""
    asked = threading.Event()

    def drip(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not asked.wait(0.2):
                sock.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as gate:
        url = f"http://127.0.0.1:{gate.getsockname()[1]}"
        with living(tmp_path, "--gate", url) as live:
            there, _ = gate.accept()
            with there:
                there.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                thread = threading.Thread(target=drip, args=(there,))
                thread.start()
                try:
                    assert live.stop() == 0
                finally:
                    asked.set()
                    thread.join()
