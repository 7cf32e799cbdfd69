"""What the page is sent: of one gate, and of several with a total."""

from typing import Any

import pytest

from hookgate.live.gate import Gate
from hookgate.live.lines import LineAnswers
from hookgate.live.picture import make_picture
from support.answers import Site


def pictured(*sites: Site, seconds: int = 1) -> dict[str, Any]:
    """The picture of gates that were asked for so long."""
    gates = [Gate(f"127.0.0.1:{9180 + number}") for number, _ in enumerate(sites)]
    for _ in range(seconds):
        for site, gate in zip(sites, gates, strict=True):
            gate.note(site.now(), site.at)
    return make_picture(gates, sites[0].at)


def first(picture: dict[str, Any]) -> tuple[str, str]:
    """The sentence at the top."""
    (cause, *_) = picture["causes"]
    return cause["level"], cause["what"]


def test_a_gate_that_was_not_asked_yet_is_not_well() -> None:
    picture = make_picture([Gate("127.0.0.1:9180")], 0.0)
    assert first(picture) == ("unsure", "The gate has not been asked yet.")


def test_while_a_gate_does_not_answer_no_rows_are_not_the_all_clear() -> None:
    """Not before the first answer, not of one among several; who asks its ledger knows."""
    gates = [Gate("127.0.0.1:9180"), Gate("127.0.0.1:9181")]
    site = Site()
    for answers, is_known in (
        ((None, None), False),
        ((site.now(), None), False),
        ((site.now(), site.now()), True),
        ((site.now(), "Connection refused"), False),
    ):
        for gate, answer in zip(gates, answers, strict=True):
            if answer is not None:
                gate.note(answer, site.at)
        picture = make_picture(gates, site.at)
        assert picture["not_delivered"] == []
        assert ("hookgate audit balance" in picture["unknown"]) is not is_known
    assert "hookgate audit balance" in picture["causes"][0]["first"]


def test_a_gate_that_has_delivered_nothing_yet_is_not_called_well() -> None:
    level, what = first(pictured(Site()))
    assert (level, "nothing was delivered yet" in what) == ("unsure", True)


def test_all_is_well_says_how_much_comes() -> None:
    site, gate = Site(), Gate("g")
    gate.note(site.now(), site.at)
    for _ in range(10):
        site.deliver(35)
        gate.note(site.now(), site.at)
    assert first(make_picture([gate], site.at)) == (
        "good", "All is well: 35 events a second are delivered.",
    )  # fmt: skip


def test_several_gates_have_a_row_each_and_a_total() -> None:
    """The worst of all stands on top, with its gate's name."""
    sites = Site(host="gate-1"), Site(host="gate-2")
    gates = [Gate("127.0.0.1:9180"), Gate("127.0.0.1:9181")]
    for _ in range(5):
        for site, gate in zip(sites, gates, strict=True):
            gate.note(site.now(in_flight=2), site.at)
            site.deliver(4)
    sites[1].end("failed", "upstream_unreachable", error="refused")
    gates[1].note(sites[1].now(), sites[1].at)
    picture = make_picture(gates, sites[0].at)
    total = picture["total"]
    assert [gate["name"] for gate in picture["gates"]] == ["gate-1", "gate-2"]
    assert total["in_flight"] == 4
    assert total["rates"]["delivered"] == sum(g["rates"]["delivered"] for g in picture["gates"])
    assert first(picture)[1].startswith("gate-2: The endpoint fails since")
    assert picture["not_delivered"][0]["gate"] == "gate-2"


def test_a_gate_with_many_rows_hides_no_other() -> None:
    """Nor one of times to come; there are fifty in all, the newest first."""
    one, two = Site(host="one"), Site(host="two")
    one.end("refused", "too_deep", 50, time="2240-01-01T00:00:00Z")
    two.end("refused", "too_deep", 20)
    rows = pictured(one, two)["not_delivered"]
    assert [row["gate"] for row in rows] == ["one"] * 38 + ["two"] * 12
    two.end("refused", "too_deep", 30)
    rows = pictured(Site(host="one"), two)["not_delivered"]
    assert len(rows) == 50


def test_what_no_gate_tells_is_not_known() -> None:
    """Neither 0 nor off: of ledgers alone, and of gates that do not answer."""
    gates = [Gate("a"), Gate("b")]
    for gate in gates:
        gate.note("no answer in time", 0.0)
    total = make_picture(gates, 0.0)["total"]
    assert set(total["rates"].values()) == {None}
    assert (total["in_flight"], total["tells_quarantine"]) == (None, False)
    for gate in gates:
        gate.note(LineAnswers().answer(1.0), 1.0)
    total = make_picture(gates, 1.0)["total"]
    assert set(total["rates"].values()) == {0.0}
    assert (total["in_flight"], total["tells_quarantine"]) == (None, False)


def test_gates_of_one_host_are_told_apart() -> None:
    picture = pictured(Site(), Site())
    names = [gate["name"] for gate in picture["gates"]]
    assert names == ["gate-1 (127.0.0.1:9180)", "gate-1 (127.0.0.1:9181)"]


def test_a_gate_that_is_gone_keeps_its_last_figures_and_no_rate() -> None:
    site, gate = Site(), Gate("g")
    for _ in range(3):
        site.deliver(5)
        gate.note(site.now(), site.at)
    gate.note("Connection refused", site.at + 1)
    picture = make_picture([gate], site.at + 5)
    (figures,) = picture["gates"]
    assert figures["answers"] is False
    assert figures["rates"]["delivered"] is None
    assert figures["policy"] == "1c5da1b1a1b1a1b1"
    assert figures["last_delivered_seconds"] == pytest.approx(6, abs=0.2)


def test_each_reason_of_the_rows_is_explained_once() -> None:
    site = Site()
    site.end("failed", "upstream_unreachable", 3, error="refused")
    site.end("refused", "contract_violation", 2, pointer="/channel")
    meanings = pictured(site)["meanings"]
    assert [(m["word"], m["count"]) for m in meanings] == [
        ("upstream_unreachable: refused", 3), ("contract_violation", 2),
    ]  # fmt: skip


def test_a_row_holds_only_what_it_is_meant_to_and_is_bounded() -> None:
    """A member that is no text or number, or that nobody asked for, does not go to the page."""
    site = Site()
    site.end("refused", "contract_violation", pointer="/x" * 5000, body="secret", path={"a": 1})
    (row,) = pictured(site)["not_delivered"]
    assert "body" not in row
    assert row["path"] is None
    assert len(row["pointer"]) < 250
