"""`hookgate audit report`: the page, as far as no browser is needed."""

import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer
import vl_convert

from hookgate_cli.audit.report import report
from support.attempts import A, B, attempts
from support.lines import delivery
from support.lines import write as write_lines
from support.report import SCRIPT, write_ledger

Write = Callable[[Path], str]


class Reader(HTMLParser):
    """What stands in a page, by element, as a browser would take it apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str | None]] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.texts.setdefault(tag, []).append("")
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the report of a ledger and return the page; its chart library is left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: snippet)

    def written(ledger: Path) -> str:
        try:
            report(tmp_path / "report.html", [ledger])
        except typer.Exit as ended:
            if ended.exit_code != 1:  # 1: not all could be read, which the page says
                raise
        return (tmp_path / "report.html").read_text()

    return written


def charts_of(page: str) -> dict[str, dict[str, Any]]:
    """The specifications of its charts."""
    found: dict[str, dict[str, Any]] = json.loads(Reader(page).texts["script"][0])
    return found


def verdicts_of(page: str) -> list[str]:
    """Their titles."""
    return re.findall(r"<li class=\"(?:good|bad|unsure)\"><strong>(.*?)</strong>", page)


def test_it_answers_first_what_is_asked_first(write: Write, tmp_path: Path) -> None:
    """Balance, chain, lost and unknown, in words."""
    write_ledger(tmp_path / "audit.jsonl")
    balance, chain, lost, unknown = verdicts_of(write(tmp_path / "audit.jsonl"))
    assert balance == "The ledger balances"
    assert chain == "The chain holds"
    assert lost == "1 event presumed lost"
    assert unknown.endswith("events unknown")


def test_of_a_large_ledger_the_page_is_the_same(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its script is made by another process meanwhile; where that fails, the command says so."""
    write_ledger(tmp_path / "audit.jsonl")
    page = write(tmp_path / "audit.jsonl")
    monkeypatch.setattr("hookgate_cli.audit.report._LARGE", 0)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert write(tmp_path / "audit.jsonl") == page
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda _: os._exit(3))
    with pytest.raises(SystemExit, match="1"):
        report(tmp_path / "report.html", [tmp_path / "audit.jsonl"])


def test_the_delivery_of_another_body_of_its_name_is_none_of_the_lost_event(
    write: Write, tmp_path: Path
) -> None:
    """Each row says what it is, as several events may have the name."""
    about: dict[str, Any] = {
        "channel": "RCS",
        "event_type": "isTyping",
        "time_utc": "2025-09-03T08:00:05",
    }
    made = attempts("clean", **A), attempts(*["upstream_rejected"] * 3, boot="b1", **B, **about)
    page = write(write_lines(tmp_path / "audit.jsonl", *made[0], *made[1]))
    assert verdicts_of(page)[2:] == ["1 event presumed lost", "Nothing unknown"]
    cells = Reader(page).texts["td"]
    assert cells[cells.index("r-1") :][:4] == ["r-1", "RCS isTyping", about["time_utc"], "3"]


def test_near_misses_are_a_verdict_and_a_table(write: Write, tmp_path: Path) -> None:
    """Where there are any."""
    made = delivery(1, "source_not_allowed", near=["fields", "length", "again"])
    page = write(write_lines(tmp_path / "audit.jsonl", made))
    assert verdicts_of(page)[-1] == "1 near miss"
    assert "By near miss" in Reader(page).texts["caption"]
    page = write(write_lines(tmp_path / "audit.jsonl", delivery(1, "source_not_allowed")))
    assert "near miss" not in page


def test_what_is_held_is_a_verdict_and_the_quarantine_a_row(write: Write, tmp_path: Path) -> None:
    """Held events are told of by themselves, and are neither lost nor unknown."""
    kept: dict[str, Any] = {"custody": True, "kept": "k" * 64, "status": 200}
    made = delivery(1, "contract_violation", **B, **kept)
    page = write(write_lines(tmp_path / "audit.jsonl", made))
    assert verdicts_of(page)[2:] == ["Nothing presumed lost", "1 event held", "Nothing unknown"]
    texts = Reader(page).texts
    assert {"Held in the quarantine: 1", "Quarantine, by stored files"} <= {*texts["caption"]}
    assert {"kept", "replayed", "held"} <= {*texts["th"]}
    page = write(write_lines(tmp_path / "audit.jsonl", delivery(1, **A)))
    assert "uarantine" not in page.partition("</style>")[2].partition("<script")[0]


@pytest.mark.parametrize(
    ("client", "reason", "words"),
    [
        ("192.0.2.1", "body_timeout", "1 attempt from inside the ranges failed"),
        ("31.169.56.7", "head_timeout", "1 attempt from inside the ranges failed"),
        ("192.0.2.1", "head_timeout", ""),
        ("192.0.2.1", "clean", ""),
    ],
)
def test_what_was_not_read_whole_stands_beside_the_verdict(
    write: Write, tmp_path: Path, client: str, reason: str, words: str
) -> None:
    """Nothing is known to be lost; which events those were at is not known, either."""
    page = write(write_lines(tmp_path / "audit.jsonl", delivery(1, reason, client=client)))
    assert verdicts_of(page)[2] == "Nothing presumed lost"
    lost = next(text for text in Reader(page).texts["span"] if "has run out" in text)
    assert words in lost
    assert page.count("at which events is not known") == (2 if words else 0)


def test_what_is_still_tried_stands_beside_the_verdict(write: Write, tmp_path: Path) -> None:
    """And what nobody knows the end of lets no verdict be a clean one."""
    retrying = attempts("upstream_rejected", **A)
    unruled = delivery(1, "upstream_rejected", "b1", route="own.json", **B)
    for made, mark, words in (
        (retrying, "good", ["At most 1 event is still being retried."]),
        ([unruled], "unsure", ["At most 1 event is not delivered so far without a retry rule"]),
        ([*retrying, unruled], "unsure", ["still being retried.", "not delivered so far"]),
    ):
        page = write(write_lines(tmp_path / "audit.jsonl", *made))
        assert f'<li class="{mark}"><strong>Nothing presumed lost</strong>' in page
        assert all(page.count(word) == 2 for word in words)


def test_an_edited_ledger_is_called_broken(write: Write, tmp_path: Path) -> None:
    """A line that was edited and one that was taken out both show, with their places."""
    ledger = tmp_path / "audit.jsonl"
    write_ledger(ledger)
    lines = ledger.read_text().splitlines(keepends=True)
    last = max(place for place, line in enumerate(lines) if '"delivery"' in line)
    ledger.write_text("".join(lines[:last] + lines[last + 1 :]))
    page = write(ledger)
    assert verdicts_of(page)[:2] == ["The ledger does not balance", "The chain is broken"]
    assert f"audit.jsonl:{last}" in page


def test_no_text_of_a_sender_becomes_markup(write: Write, tmp_path: Path) -> None:
    """Parsed again, it is text: no element, attribute or expression is made of it."""
    write_ledger(tmp_path / "audit.jsonl")
    page = write(tmp_path / "audit.jsonl")
    reader = Reader(page)
    assert set(reader.texts) <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "p", "main", "section",
        "ul", "li", "strong", "span", "dl", "div", "dt", "dd", "h2", "figure", "table", "caption",
        "thead", "tr", "th", "tbody", "td", "code", "footer", "script",
    }  # fmt: skip
    assert len(reader.texts["script"]) == 2
    assert any(SCRIPT in text for text in reader.texts["td"])
    assert not any(name.startswith("on") or "alert" in str(value)
                   for name, value in reader.attributes)  # fmt: skip
    for spec in charts_of(page).values():
        compiled = vl_convert.vegalite_to_vega(spec)
        without_data = json.dumps({**compiled, "data": [
            {key: value for key, value in source.items() if key != "values"}
            for source in compiled["data"]
        ]})  # fmt: skip
        assert "alert" not in without_data


def test_each_chart_is_one_that_vega_takes(write: Write, tmp_path: Path) -> None:
    """Every specification compiles, and leaves its width to the window."""
    write_ledger(tmp_path / "audit.jsonl")
    charts = charts_of(write(tmp_path / "audit.jsonl"))
    assert len(charts) >= 10
    for spec in charts.values():
        assert spec["width"] == "container"
        assert vl_convert.vegalite_to_vega(spec)["marks"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json\n",
        '{"event":"delivery"}\n',
        '{"event":"delivery","outcome":"lost in space","reason":"3","duration_ms":0}\n',
        '{"event":"reload","ts":"2026-11-16T00:00:00.000000Z","boot":"b","prev":""}\n',
    ],
    ids=["empty", "garbled", "bare", "odd", "of a later version"],
)
def test_a_poor_ledger_still_makes_a_page(write: Write, tmp_path: Path, content: str) -> None:
    """Nothing in it can be relied on, and every chart that is there compiles."""
    (tmp_path / "audit.jsonl").write_text(content)
    page = write(tmp_path / "audit.jsonl")
    assert len(verdicts_of(page)) == (5 if "Not all could be read" in page else 4)
    for spec in charts_of(page).values():
        assert vl_convert.vegalite_to_vega(spec)["marks"]


def test_the_page_holds_its_chart_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is whole, of about a megabyte, and names no address to load from."""
    monkeypatch.chdir(tmp_path)
    write_ledger(tmp_path / "audit.jsonl", requests=20)
    report(tmp_path / "report.html", [tmp_path / "audit.jsonl"])
    page = (tmp_path / "report.html").read_text()
    assert 500_000 < len(page) < 1_500_000
    names = ("src", "href", "action", "data", "poster")
    assert not [value for name, value in Reader(page).attributes if name in names]


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, and the command that mends it."""
    monkeypatch.setattr("hookgate_cli.audit.report.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as exit_info:
        report(tmp_path / "report.html", [])
    assert exit_info.value.code == 2
    assert "pip install 'hookgate[audit]'" in capsys.readouterr().err


def test_it_writes_over_no_ledger(write: Write, tmp_path: Path) -> None:
    """A slip of the hand costs no evidence."""
    ledger = tmp_path / "report.html"
    write_ledger(ledger, requests=5)
    before = ledger.read_bytes()
    with pytest.raises(SystemExit) as exit_info:
        write(ledger)
    assert exit_info.value.code == 2
    assert ledger.read_bytes() == before


def test_it_writes_over_an_earlier_report_alone(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor over any other file; an empty one is nobody's loss."""
    write_ledger(tmp_path / "audit.jsonl", requests=5)
    page = tmp_path / "report.html"
    for mine in ("my notes", "<!doctype html><title>mine</title>"):
        page.write_text(mine)
        with pytest.raises(SystemExit) as exit_info:
            write(tmp_path / "audit.jsonl")
        assert exit_info.value.code == 2
        assert page.read_text() == mine
        assert "name another, or move it away" in capsys.readouterr().err
    page.write_text("")
    for _ in range(2):
        write(tmp_path / "audit.jsonl")


def test_a_place_that_cannot_be_written_is_named(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, with the system's reason."""
    write_ledger(tmp_path / "audit.jsonl", requests=5)
    (tmp_path / "report.html").mkdir()
    with pytest.raises(SystemExit) as exit_info:
        write(tmp_path / "audit.jsonl")
    assert exit_info.value.code == 2
    assert "Is a directory" in capsys.readouterr().err
