"""What the page is told of gates, as they answer, fail to, and come back."""

from pathlib import Path
from typing import Any

import pytest

from support.answers import Site
from support.live import living, telling
from support.receiver import Receiver, receiving

from .conftest import Shown

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"


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


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "an older hookgate"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "/status answered 503"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "/status answered 302"),
        (OK % (9, b"not json!"), "no hookgate"),
        (OK % (2, b"[]"), "no hookgate"),
        (OK % (12, b'{"format":2}'), "of another version"),
        (OK % (2 << 20, b"[" * (2 << 20)), "no hookgate"),
        (b"SSH-2.0-x\r\n", "no hookgate"),
        (Receiver.CLOSE, "it closed the connection"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_answer_is_told_as_such_and_mends_itself(
    shown: Shown, answer: bytes, why: str
) -> None:
    """None of what came instead is shown."""
    with shown.live.reading(shown.live.log_in()) as states:
        states.head()
        shown.told.answer = answer
        state = states.until(lambda state: state["gates"][0]["answers"] is False)
        assert sentence(state).startswith("The gate does not answer since ")
        assert why in sentence(state)
        shown.told.answer = shown.site.now()
        assert states.until(lambda state: state["gates"][0]["answers"])["lately"]


def test_a_gate_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    """Each is told by itself, and nobody waits for the one that never answers."""
    with (
        telling(Site(host="gate-2").now()) as (_, good),
        receiving(lambda _: None) as bad,
        living(tmp_path, "--gate", good.url, "--gate", bad.url) as live,
        live.reading(live.log_in()) as states,
    ):
        states.head()
        state = states.until(lambda state: "in time" in sentence(state))
        assert [gate["answers"] for gate in state["gates"]] == [True, False]
        assert state["total"]["in_flight"] == 0
        assert states.next()["gates"][0]["answers"]
