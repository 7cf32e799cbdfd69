"""What every verb says of events that were kept, released and replayed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.calling import Call
from support.lines import Record, delivery, forward, nginx, released, start, stop, write
from support.trials import as_written

PAGE = (Path(__file__).parents[3] / "docs/audit.md").read_text()
HOW = {"actor": "ada", "why": "the [red]schema\x1b was corrected"}
WHY = "the [red]schema\\x1b was corrected"
SINCE = "kept since 2026-11-22 12:00:00Z"
TRIED = "tried 3 times, never delivered (retry rule: 3 tries)"
GONE = "answered 200, kept until it was purged, never delivered"


def event(name: str) -> Record:
    """One event; the first letter of its name stands for its body and for what is kept of it."""
    return {"reference": name, "sha256": name[0] * 64}


def kept(name: str, **fields: Any) -> Record:
    return {**event(name), "kept": name[0].upper() * 64, **fields}


def gone(name: str, cause: str, **fields: Any) -> Record:
    return released(cause, "rp", sha256=name[0] * 64, kept=name[0].upper() * 64, **HOW, **fields)


def replay(seq: int, name: str, end: str = "clean") -> list[Record]:
    """What is sent from the quarantine; "killed" has no end."""
    told = {**event(name), "replay_of": "b0-9", **HOW}
    begun = forward(seq, "rp", **told)
    ended = delivery(seq, end, "rp", front="replay", duration_ms=9e9, status=201, **told)
    return [begun] if end == "killed" else [begun, ended]


@pytest.fixture(autouse=True)
def ledger(call: Call) -> None:
    """A gate's ledger and, beside it, that of replays, whose lines come first by their time."""
    custody = {"custody": True, "status": 200}
    tries = {"retry": "3 tries"}
    refused = [
        *(kept(name, **custody) for name in ("all", "before", "custody", "die")),
        *(kept(name, **tries) for name in [*["expired"] * 3, *["held"] * 3, "further", "kept on"]),
        *(kept(name, **custody) for name in ("in replay", "later", "nowhere")),
        {**event("gap"), "not_kept": "full", **tries},
    ]
    made = [delivery(n, "contract_violation", **each) for n, each in enumerate(refused, 1)]
    late = delivery(len(made) + 1, **event("before"))
    sent = forward(len(made) + 1, **event("before"))
    end = stop(len(made) + 1, delivered=1, refused=len(made))
    write(Path("hookgate-audit.jsonl"), start(), *made, sent, late, end)
    early = {"ts": "2026-11-22T11:00:00.000000Z"}
    write(
        Path("hookgate-audit.replay.jsonl"),
        {**start("rp", front="replay"), **early},
        *replay(1, "all"),
        gone("all", "replayed"),
        gone("all", "replayed"),  # a crash before it was unlinked
        gone("before", "delivered"),
        gone("die", "purged"),
        gone("expired", "expired"),
        *replay(2, "in replay", "killed"),
        *replay(3, "kept on", "upstream_rejected"),
        *replay(4, "kept on", "contract_violation"),
        *replay(5, "kept on", "upstream_rejected"),
        gone("later", "replayed"),
        gone("y", "expired"),
    )


@pytest.mark.parametrize(
    ("name", "words", "status"),
    [
        ("all", f"delivered by a replay of b0-9 by ada: {WHY}", 0),
        ("before", "delivered on the second try", 0),
        ("custody", f"held: refused as contract_violation, {SINCE}", 1),
        ("die", f"lost: tried once, {GONE}", 1),
        ("expired", f"presumed lost: {TRIED}, kept until it expired", 1),
        ("further", f"still being retried, 2 more times: tried once, {SINCE}", 0),
        ("gap", "still being retried, 2 more times: tried once", 0),
        ("held", f"held: refused as contract_violation, {SINCE}", 1),
        ("in replay", f"unknown: it was forwarded and may have arrived, {SINCE}", 1),
        ("kept on", f"still being retried, 2 more times: tried once, {SINCE}", 0),
        ("later", "unknown: released as replayed, and no line says that it arrived", 1),
    ],
)  # fmt: skip
def test_fates_in_words(call: Call, name: str, words: str, status: int) -> None:
    """A replay is no try; what nobody sends again is held. The command delivers what is kept."""
    said = call("audit", "fate", name)
    assert (said.out.splitlines()[0], said.status) == (f"{words}  {name}", status)
    replay = f"hookgate quarantine replay --identity FILE --sha256 {name[0] * 64}"
    mends = {
        "held": f"  deliver it: {replay}",
        "stil": f"  deliver it, and the sender's next try again: {replay} --retrying",
        "unkn": f"  deliver it, which may double it: {replay} --unknown",
    }
    mend = [mends[words[:4]]] if SINCE in words else []
    assert [line for line in said.out.splitlines() if "deliver it" in line] == mend
    explained = call("audit", "explain", name).out.splitlines()
    assert explained[0] == words
    assert [line for line in explained if "deliver it" in line] == mend


def test_a_delivery_on_one_path_hides_nothing_that_is_kept_for_another(call: Call) -> None:
    """The same bytes to two receivers: what is known of each is said, and how to deliver it."""
    at = {"path": "/cm/a"}
    made = [
        delivery(1, **event("twice"), **at),
        delivery(2, "contract_violation", **kept("twice"), path="/cm/b"),
        delivery(3, "upstream_rejected", **event("again"), kept="A" * 64, **at),
        delivery(4, **event("again"), **at),
    ]
    write(Path("paths.jsonl"), start(), forward(1, **event("twice"), **at), *made)
    said = call("audit", "fate", "twice", "--log", "paths.jsonl")
    first, *rows, mend = said.out.splitlines()
    assert first == (
        f"delivered on the first try; not on /cm/b: refused as contract_violation, {SINCE}  twice"
    )
    assert ["/cm/a" in rows[0], "/cm/b" in rows[1]] == [True, True]
    assert mend == f"  deliver it: hookgate quarantine replay --identity FILE --sha256 {'t' * 64}"
    assert said.status == 0
    (told, _) = call("audit", "fate", "twice", "--log", "paths.jsonl", "--json").out.splitlines()
    (found,) = json.loads(told)["events"]
    assert found["kept_elsewhere"] == [{"path": "/cm/b", "kept": "T" * 64}]
    assert [each["path"] for each in found["attempts"]] == ["/cm/a", "/cm/b"]
    said = call("audit", "fate", "again", "--log", "paths.jsonl")
    assert said.out.splitlines()[0] == f"delivered on the second try, {SINCE}  again"
    assert "deliver it" not in said.out


def test_attempts_say_what_they_were(call: Call) -> None:
    """Kept or why not, and whose replay."""
    for name, words in (
        ("all", f"clean (a replay of b0-9 by ada: {WHY})"),
        ("custody", "contract_violation (kept, answered 200)"),
        ("further", "contract_violation (kept)"),
        ("gap", "contract_violation (not kept: full)"),
    ):
        assert words in call("audit", "fate", name).out


def test_fates_in_json(call: Call) -> None:
    """Of the event what is held, and what became of it; of an attempt whose it was."""
    names = ("all", "custody", "die", "kept on")
    lines = call("audit", "fate", *names, "--json").out.splitlines()
    events = [json.loads(line)["events"][0] for line in lines[:-1]]
    members = ("kept", "custody", "released", "tries", "tries_left", "delivered_on")
    assert [[each[name] for name in members] for each in events] == [
        [None, True, "replayed", 1, None, None],
        ["C" * 64, True, None, 1, None, None],
        [None, True, "purged", 1, None, None],
        ["K" * 64, False, None, 1, 2, None],
    ]
    first = events[0]["attempts"][0]
    assert {name: first[name] for name in ("replay_of", *HOW)} == {"replay_of": "b0-9", **HOW}
    assert json.loads(lines[-1])["summary"]["held"] == 1
    explained = call("audit", "explain", "custody", "--json").json
    assert (explained["kept"], explained["custody"], explained["released"]) == (
        "C" * 64,
        True,
        None,
    )


def test_the_quarantine_adds_up(call: Call) -> None:
    """Stored files, each once, and what is in no ledger that is here; as the page shows it."""
    said = call("audit", "balance")
    words = ("replayed", "delivered", "expired", "purged", "held")
    shape = re.compile(r"quarantine: \d+ kept = " + r" \+ ".join(rf"\d+ {word}" for word in words))
    (line,) = filter(shape.fullmatch, said.out.splitlines())
    assert re.findall(r"\d+", line) == ["11", "2", "1", "1", "1", "6"]
    assert "1 file more was released, and no line here says kept" in said.out
    assert said.status == 0
    (shown,) = re.findall(r"<!-- keeping -->\n```\n(.*)\n```", PAGE)
    assert shape.fullmatch(shown)
    assert call("audit", "balance", "--json").json["quarantine"] == {
        "kept": 11, "replayed": 2, "delivered": 1, "expired": 1, "purged": 1, "held": 6,
        "unexplained": 1,
    }  # fmt: skip
    write(Path("nginx.jsonl"), nginx())
    assert "quarantine" not in call("audit", "balance", "nginx.jsonl").out


def test_replays_are_no_requests_in_numbers(call: Call) -> None:
    """Neither outcomes nor latencies nor odd answers are theirs, but where they are asked for."""
    found = call("audit", "stats", "--json").json
    assert found["outcomes"] == {"refused": 16, "delivered": 1}
    assert (found["not_200"], found["duration_ms"]["max"]) == (0, 1.5)
    assert found["fronts"] == {"sidecar": 17, "replay": 4}
    assert [(each["outcome"], each["count"]) for each in found["replays"]] == [
        ("failed", 2), ("delivered", 1), ("refused", 1),
    ]  # fmt: skip
    assert (found["kept"], found["custody"], found["not_kept"]) == (15, 7, {"full": 1})
    assert found["released"] == {"replayed": 3, "expired": 2, "delivered": 1, "purged": 1}
    own = call("audit", "stats", "--json", "--front", "replay").json
    assert own["outcomes"] == {"failed": 2, "delivered": 1, "refused": 1}
    said = call("audit", "stats").out
    for words in ("replayed: outcome", "of them answered 200 +7", "not kept: full +1",
                  "released: replayed +3"):  # fmt: skip
        assert re.search(words, said), words


def test_lines_are_shown_and_found(call: Call) -> None:
    """By a stored file, and a replay by what it repeats."""
    said = call("audit", "show", "--reference", "C" * 64).out
    assert "kept, answered 200" in said
    said = call("audit", "tail", "--reference", "b0-9").out
    assert said.count(f"replay of b0-9, by ada: {WHY}") == 4
    assert "cause=purged" in call("audit", "show", "--reference", "D" * 64).out.splitlines()[0]
    assert "not kept: full" in call("audit", "show", "--reference", "gap").out


def test_lines_that_are_read_by_their_bytes_are_counted_and_found(call: Call) -> None:
    """Among many as a gate writes them, of which most need not be looked at one by one."""
    made = [delivery(n, "contract_violation", client="192.0.2.1", **event("x")) for n in range(80)]
    made[20] |= {"kept": "A" * 64}
    made[40] |= {
        "kept": "B" * 64,
        "front": "replay",
        "replay_of": "b0-9",
        "actor": None,
        "why": None,
    }
    gone = released("purged", kept="A" * 64, sha256="x" * 64)
    lines = [as_written(record, n) for n, record in enumerate([start(), *made[1:], gone], 1)]
    path = Path("many.jsonl")
    path.write_bytes(b"".join(lines))
    found = call("audit", "balance", str(path), "--json").json["quarantine"]
    assert (found["kept"], found["purged"], found["held"]) == (2, 1, 1)
    others = [word for n in range(20) for word in ("--reference", f"other {n}")]
    for name, count in (("A" * 64, 2), ("B" * 64, 1), ("b0-9", 2)):
        said = call("audit", "show", str(path), "--json", *others, "--reference", name)
        assert len(said.out.splitlines()) == count, name
