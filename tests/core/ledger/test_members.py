"""What is a record: every member of the type that gates write, missing, or null."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.members import (
    COUNT,
    DURATION,
    FLAG,
    FORMS,
    MOMENT,
    TEXT,
    TEXTS,
    fault,
    is_usual,
)
from hookgate.ledger.reading.reader import Line, is_malformed, parse, read_file, timestamp
from hookgate.ledger.record import FIELDS, SEAL, Ending, end_record, forward_record, head_fields
from hookgate.ledger.seal import Seal
from hookgate.ledger.writing.line import NO_LINE, render
from hookgate.policy import Reason
from support.examples import many
from support.lines import delivery, forward, nginx, refusals, start, stop

RIGHT: dict[Any, list[Any]] = {
    MOMENT: [
        "1970-01-01T00:00:00Z", "2026-11-22T12:00:00.123456Z", "2026-11-22T12:00:00.123+02:00",
        "2028-02-29T23:59:59.9Z", "9998-12-31T23:59:59.999999-14:00",
    ],
    TEXT: ["", "a", "\\x1b", "\ud800", "\u2028", "x" * 10_000],
    COUNT: [0, 1, 2**63, 2**64 - 1],
    DURATION: [0, 0.0, 1.5, 10**15, 1e15],
    FLAG: [True, False],
    TEXTS: [[], ["a"], ["a", "\ud800"]],
}  # fmt: skip
WRONG: dict[Any, list[Any]] = {
    MOMENT: [
        "2026-11-22T12:00:00.²²²²²²Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "0001-01-01",
        "2026-11-22T12:00:00", "2026-02-30T12:00:00Z", "2026-11-22T24:00:00Z", "yesterday", "",
        "2026-11-22 12:00:00Z", "2026-11-22T12:00:60Z", "2026-11-22T12:00:00+15:00", 5, [], {},
    ],
    TEXT: [5, 1.5, True, False, [], {}, ["a"]],
    COUNT: [-1, 2**64, 10**30, 1.0, "1", True, False, [], {}],
    DURATION: [-0.1, -5, 1e300, 2**64, "1.5", True, [], {}],
    FLAG: [0, 1, "true", [], {}],
    TEXTS: ["a", {}, [5], [None], [["a"]], 5, True],
}  # fmt: skip


def test_every_field_has_its_form() -> None:
    """Those that are listed here hold for the fields that gates write, of every kind."""
    assert FORMS.keys() == {name for fields in FIELDS.values() for name in fields} | {SEAL}


@pytest.mark.parametrize("name", FORMS)
def test_a_member_is_of_its_type_or_not_known(name: str) -> None:
    """In a record of its own and in one that has been seen before with another value."""
    if name == "event":
        return
    whole = delivery(1, answered=True, observed=[], unknown=0)
    for value in (*RIGHT[FORMS[name]], None, *RIGHT[FORMS[name]]):
        assert fault({"event": "x", name: value}) == ""
        assert fault({**whole, name: value}) == ""
    for value in WRONG[FORMS[name]]:
        assert fault({"event": "x", name: value}) == f'"{name}" is {FORMS[name].wrong}'
        assert fault({**whole, name: value}) == f'"{name}" is {FORMS[name].wrong}'


def test_lines_of_every_front_and_age_are_records() -> None:
    """Without what was added since, and with what a later version adds."""
    for record in (
        *(start(), forward(1), delivery(1), refusals(1, 2, 2), stop(3), nginx()),
        {"event": "delivery"},
        {"event": "later", "ts": None, "later": {"a": [1]}, "count": 5, "": None},
    ):
        assert fault(record) == ""


@pytest.mark.parametrize("kind", ["delivery", "forward"])
@pytest.mark.parametrize(
    "seal", [None, Seal(b"a key that is long enough")], ids=["plain", "sealed"]
)
def test_what_a_gate_writes_is_told_by_its_bytes_and_nothing_wrong_is(
    kind: str, seal: Seal | None
) -> None:
    """Every member with every value, at every kind of day; most lines are never looked at again."""
    record = head_fields(None, None, "192.0.2.1", "b0", "sidecar", "0123456789abcdef")
    digest = "ab" * 32
    end_record(
        record, Ending(Reason.CLEAN, upstream_status=200), None,
        seq=1, request_id="r", gone=False, size=5, sha256=digest, duration_ms=1.25, upstream_ms=0.5,
    )  # fmt: skip
    if kind == "forward":
        record = forward_record("b0", 1, "r", None, digest)
    for ts in ("2026-02-28", "2028-12-29", "2026-04-30", "2026-01-31"):
        line, _ = render([{**record, "ts": f"{ts}T12:00:00.123456Z"}], NO_LINE, seal)
        assert is_usual(line), line
    assert not is_usual(line.replace(b"2026-01-31", b"2026-02-30"))
    whole = json.loads(line)
    for name in FIELDS[kind]:
        form = FORMS[name]
        for value in (*RIGHT[form], *WRONG[form], None):
            odd = {**whole, name: value}
            raw = json.dumps(odd, separators=(",", ":")).encode()
            assert not (is_usual(raw) and fault(odd)), raw
            assert (Line("a", 1, raw, odd, "").checked().record is None) is bool(fault(odd))


@settings(max_examples=many(150), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*FORMS, "later"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
            | st.sampled_from([value for values in RIGHT.values() for value in values]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    )
)  # fmt: skip
def test_whatever_a_member_holds_the_readers_survive(members: dict[str, Any]) -> None:
    """A time is readable where the record is one."""
    record = parse(json.dumps({**members, "event": "delivery"}).encode())
    if record is None:
        return
    moment = timestamp(record)
    assert 0 <= moment < 253402300800
    if fault(record) == "" and record.get("ts") is not None:
        assert moment or record["ts"].startswith(("1970-01-01", "9998-12-31"))


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("value", [5, -1, "²", True, [], {"a": 1}, 10**30], ids=repr)
def test_a_wrong_member_is_named_with_its_line(kind: str, value: Any, tmp_path: Path) -> None:
    """In every field of every kind: the chain is not said to hold, and what is counted by not to
    balance.
    """
    made = {
        "start": start(), "forward": forward(2), "delivery": delivery(1),
        "refusals": refusals(2, 3, 2), "reload": {"event": "reload"}, "stop": stop(1),
        "gap": {"event": "gap"}, "released": {"event": "released"},
    }  # fmt: skip
    path = tmp_path / "a.jsonl"
    for name in FIELDS[kind][1:]:
        record = {**made[kind], name: value}
        if not (wrong := fault(record)):
            continue
        path.write_text("\n".join(map(json.dumps, (start(), record, delivery(9)))) + "\n")
        told = verify(read_file(path))
        assert not told.holds
        assert (f"{path}:2", f"no record: {wrong}") in [(f.place, f.text) for f in told.findings]
        sums = balance(read_file(path))
        if kind not in ("forward", "delivery"):
            named = [f for f in sums.findings if is_malformed(f.text)]
            assert [(f.place, f.text) for f in named] == [(f"{path}:2", f"no record: {wrong}")]
            assert not sums.balances
