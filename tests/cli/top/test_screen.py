"""What is drawn of a state, in any size, and what the keys do to it."""

import copy
import random
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len
from rich.text import Text

from hookgate.live.gate import Gate
from hookgate.live.picture import make_picture
from hookgate_cli.gate_source import Ledger, Told
from hookgate_cli.poller import Poller
from hookgate_cli.top import words
from hookgate_cli.top.explaining import Explaining
from hookgate_cli.top.screen import draw, draw_once
from hookgate_cli.top.strip import bars
from hookgate_cli.top.table import fit
from hookgate_cli.top.tty import keys
from hookgate_cli.top.view import View
from support.answers import Site

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\r\n\x9b31m<b>"


def a_picture(*names: str, **row: Any) -> dict[str, Any]:
    """Gates that deliver, refuse and fail, as they are after ten seconds."""
    gates = [Gate(name) for name in names or ("http://127.0.0.1:9180",)]
    for place, gate in enumerate(gates):
        site = Site(host=f"gate-{place}")
        for second in range(10):
            site.deliver(30)
            site.end("refused", "contract_violation", 2, pointer=f"/a/{second}", route="cm-events")
            site.end("failed", "upstream_timeout", 1, error="timeout_answer", route="cm-status")
            site.end("refused", "source_not_allowed", 5, foreign=True, client="192.0.2.7", **row)
            gate.note(site.now(), site.at)
    return make_picture(gates, site.at)


def shown(picture: dict[str, Any], view: View, width: int = 120, height: int = 40) -> list[str]:
    view.choose(picture["not_delivered"])
    return [line.plain for line in draw(picture, view, width, height)]


def test_each_size_is_filled_and_none_is_left() -> None:
    """From one character on; with one gate and with several, the list, the help and a text."""
    pictures = [a_picture(), a_picture("a", "b", "c")]
    views = [View(), View(kind="aborted"), View(contract="cm-status", paused=pictures[0])]
    views[2].show("x" * 300, [Text("y" * 300)] * 100)
    sizes = [(w, h) for w in (1, 2, 10, 40, 79, 80, 200) for h in (1, 2, 5, 10, 17, 18, 24, 60)]
    for picture in pictures:
        for view in views:
            for width, height in sizes:
                lines = shown(picture, view, width, height)
                assert len(lines) == height
                assert max(map(cell_len, lines)) <= width


def test_80_by_24_has_room_for_all_that_matters() -> None:
    """The cause, figures, the strip, some rows and the keys."""
    lines = shown(a_picture(), View(), 79, 24)
    assert lines[0].startswith("gate-0  ready")
    assert lines[1].startswith("✗ The endpoint fails since")
    text = "\n".join(lines)
    for word in ("endpoint p50", "Refused, outside", "contract_violation", "/a/9", "cm-status"):
        assert word in text, word
    assert lines[-1].startswith("q quit  p pause  o outcome: all")
    assert sum(re.match("[0-9:]{8}  [a-z_]+  ", line) is not None for line in lines) >= 8


def test_no_text_of_a_sender_moves_a_cursor() -> None:
    """What does not print is escaped, and no row is longer than its line."""
    picture = a_picture(path=HOSTILE, channel=HOSTILE, errors=[HOSTILE], request_id=HOSTILE)
    view = View(kind="foreign")
    for lines in (shown(picture, view), [line.plain for line in draw_once(picture, 200)]):
        text = "\n".join(lines)
        assert "\\x1b[2J" in text
        assert all(character.isprintable() for line in lines for character in line)
    with_cursor = shown(picture, view, 300)
    assert "\\u202e" in "\n".join(with_cursor)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00+23:00", "9999-12-31T23:59-23:00", 7, "x"])
def test_a_time_that_is_none_is_a_question_mark(moment: object) -> None:
    lines = [line.plain for line in draw_once(a_picture(time=moment), 200)]
    assert any(line.startswith("?") for line in lines)


@pytest.mark.parametrize("odd", [None, 2**70, "\x1b" * 300, [], {}, 1.5])
def test_an_answer_of_no_gate_is_drawn_all_the_same(odd: Any) -> None:
    """Whatever a member is: of the answer, of its parts, of a row."""
    site = Site()
    site.end("failed", "upstream_timeout", error="timeout_answer", route="cm-status")
    whole = site.now()
    places: list[tuple[str, ...]] = [(name,) for name in whole]
    places += [(n, name) for n in ("endpoint", "ledger", "near_misses") for name in whole[n]]
    rows = [("not_delivered", name) for name in whole["not_delivered"][0]]
    for path in [*places, *rows]:
        gate, answer = Gate("g"), copy.deepcopy(whole)
        within = answer[path[0]] if len(path) > 1 else answer
        for part in within if isinstance(within, list) else [within]:
            part[path[-1]] = odd
        gate.note(answer, site.at)
        gate.note({**answer, "time": whole["time"]}, site.at + 1)
        picture, view = make_picture([gate], site.at + 1), View()
        view.next_contract(picture["not_delivered"])
        lines = shown(picture, view)
        assert all(character.isprintable() for line in lines for character in line), path


@pytest.mark.parametrize("odd", ["", "\0", "\ud800", "/" + "a" * 5000, "/no/ledger.jsonl"])
def test_a_ledger_that_is_not_here_is_not_looked_for(odd: str) -> None:
    """What a gate calls its ledger, or a request, may be anything; where to ask is said."""
    for request, ledger in (("b-1", odd), (odd, "")):
        lines = Explaining(request, Ledger(ledger), None, 80, lambda: None).lines
        assert lines is not None
        assert lines[-1].startswith("    hookgate audit explain ")
        assert all(line.isprintable() for line in lines)


class Made:
    """A source that a test makes, of one gate."""

    def __init__(self) -> None:
        self.gates = (Gate("g"),)

    def ledger_of(self, _: Gate) -> Ledger:
        return Ledger()


def test_what_cannot_be_read_does_not_look_alive() -> None:
    """A fault while a gate is read is told in place of its state."""

    class Broken(Made):
        def read(self) -> list[Told]:
            raise RuntimeError

    poller = Poller([Broken()], lambda: None)
    poller.start()
    poller.wait(1, 30)
    poller.close()
    assert "it cannot be read: RuntimeError" in poller.picture()["causes"][0]["what"]


def test_nor_does_what_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server or a disk that hangs: the figures of before are not those of now."""
    monkeypatch.setattr("hookgate_cli.poller._LATE_SECONDS", 0.5)
    ended, site = threading.Event(), Site()

    class Hanging(Made):
        looks = 0

        def read(self) -> list[Told]:
            self.looks += 1
            if self.looks > 1:
                ended.wait(60)
            return [(self.gates[0], site.now(), time.time())]

    changed = threading.Semaphore(0)
    poller = Poller([Hanging()], changed.release)
    poller.start()
    try:
        assert changed.acquire(timeout=30)
        assert poller.picture()["gates"][0]["state"] == "ready"
        assert changed.acquire(timeout=30)
        assert "no answer in time" in poller.picture()["causes"][0]["what"]
    finally:
        poller.close()
        ended.set()


def test_filters_and_the_cursor() -> None:
    """Kinds and contracts one after the other; the cursor stays on its row as others come."""
    picture, view = a_picture(), View()
    rows = picture["not_delivered"]
    view.choose(rows)
    seen = []
    for _ in range(5):
        view.next_kind()
        view.choose(rows)
        seen.append((view.kind, {row["kind"] for row in view.rows}))
    assert seen[:3] == [("failed", {"failed"}), ("inside", {"inside"}), ("foreign", {"foreign"})]
    assert seen[3:] == [("aborted", set()), ("", {"failed", "inside", "foreign"})]
    view.next_contract(rows)
    view.choose(rows)
    assert (view.contract, {row["kind"] for row in view.rows}) == ("-", {"foreign"})
    view.contract = ""
    view.choose(rows)
    view.move(3)
    key = view.key
    view.choose([{**rows[0], "key": "new"}, *rows])
    assert (view.place, view.key) == (4, key)
    view.choose(rows[10:])  # it is gone: the place is kept
    assert (view.place, view.row) == (4, rows[14])
    view.move(-1 << 20)
    view.choose([{**rows[0], "key": "newest"}, *rows])
    assert view.row is not None
    assert view.row["key"] == "newest"  # on top it stays on what is newest
    view.choose([])
    view.move(1)
    assert view.row is None


@pytest.mark.parametrize(
    ("values", "columns", "drawn"),
    [
        ([], 10, ""),
        ([1, 2, 3], 0, ""),
        ([0, 0, 0], 3, "▁▁▁"),
        ([0, 1, 7], 3, "▁▂█"),
        ([None, None, 0, 5, None, 5], 6, "  ▁█·█"),
        ([None, None, None], 3, "   "),
        ([1, 7, None, None, 0, 0], 3, "█·▁"),
        ([1000000, 1], 2, "█▂"),
        ([1, 2], 10, "▅█"),
    ],
)
def test_bars(values: list[int | None], columns: int, drawn: str) -> None:
    """What is not 0 is to be seen, and no answer is not taken for 0."""
    assert bars(values, columns) == drawn


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (30, ["time", "reason"]),
        (79, ["time", "reason", "where", "contract", "client"]),
        (119, ["time", "reason", "where", "contract", "client", "request id"]),
    ],
)
def test_columns_are_left_out_where_there_is_no_room(width: int, columns: list[str]) -> None:
    assert list(fit(a_picture()["not_delivered"], width)) == columns


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"q", ["q"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[A\x1b[B\x1bOA", ["up", "down", "up"]),
        (b"\x1b[5~\x1b[6~\r", ["page up", "page down", "enter"]),
        (b"\x1b[1;5A\x1b[200~", []),
        (b"\x1bq", []),
        (b"\x1b[<0;1;1M", []),
        (b"\xc3\xa9\x00\x7f", []),
        (b"op", ["o", "p"]),
    ],
)
def test_keys(data: bytes, names: list[str]) -> None:
    """Those of a mouse, a paste and what nobody knows press nothing."""
    assert keys(data) == names


def test_any_bytes_are_keys_or_none() -> None:
    chosen = random.Random(7)
    for _ in range(300):
        found = keys(chosen.randbytes(chosen.randint(0, 40)))
        assert all(name.isprintable() for name in found)


def _figures() -> Iterator[tuple[str, str]]:
    yield words.took(0.0004), "0.4 ms"
    yield words.took(0.0421), "42 ms"
    yield words.took(1.25), "1.2 s"
    yield words.took(None), "–"  # noqa: RUF001  # the dash of tables
    yield words.rate(0.0), "0/s"
    yield words.rate(0.04), "<0.1/s"
    yield words.rate(0.25), "0.2/s"
    yield words.rate(12345.6), "12,346/s"
    yield words.lasted(119), "119 s"
    yield words.lasted(7300), "2 h"
    yield words.size(1536), "1.5 KiB"
    yield words.clock("2026-01-05T12:00:00+02:00"), "10:00:00"
    yield words.clock("2026-01-05T12:00:00"), "?"
    yield words.clock(None), "?"
    yield words.clock("yesterday"), "?"


def test_figures() -> None:
    assert [(found, expected) for found, expected in _figures() if found != expected] == []
