"""Which records are asked for, and following a ledger."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.query import (
    Follower,
    Query,
    parse_network,
    read_backwards,
    whole_lines,
)
from hookgate.ledger.audit.times import QueryError

NOW = 1_756_886_405.0  # 2025-09-03T08:00:05Z
RECORD = {
    "event": "delivery", "ts": "2025-09-03T08:00:05.000000Z", "outcome": "refused",
    "reason": "malformed_json", "client": "31.169.56.7", "reference": "a", "event_reference": "b",
    "request_id": "c", "sha256": "d", "channel": "RCS", "event_type": "Read", "route": "default",
    "front": "sidecar",
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, True),
        ({"outcome": ["refused", "failed"]}, True),
        ({"outcome": ["failed"]}, False),
        ({"reason": ["malformed_json"], "channel": ["RCS"], "event_type": ["Read"]}, True),
        ({"reason": ["malformed_json"], "route": ["other"]}, False),
        ({"front": ["nginx"]}, False),
        *(({"references": [name, "z"]}, True) for name in "abcd"),
        ({"references": ["z"]}, False),
        ({"since": NOW}, True),
        ({"since": NOW + 0.001}, False),
        ({"until": NOW}, False),
        ({"until": NOW + 0.001}, True),
        ({"since": 0.0, "until": NOW - 1}, False),
        ({"clients": ("31.169.56.0/21",)}, True),
        ({"clients": ("192.0.2.1", "31.169.56.7")}, True),
        ({"clients": ("192.0.2.1", "2001:db8::/32")}, False),
    ],
    ids=str,
)
def test_a_record_is_asked_for_by_every_field(asked: dict[str, Any], expected: bool) -> None:
    """All that is given must hold, and of several values of one field any."""
    clients = tuple(parse_network(text) for text in asked.pop("clients", ()))
    sets: dict[str, Any] = {
        name: frozenset(v) if isinstance(v, list) else v for name, v in asked.items()
    }
    assert Query(**sets, clients=clients).matches(RECORD) is expected


@pytest.mark.parametrize("value", [None, 5, ["refused"], {"refused": 1}], ids=repr)
def test_a_record_without_the_field_is_not_asked_for(value: Any) -> None:
    """A missing value, or one of another type, equals nothing and raises nothing."""
    broken = dict.fromkeys(RECORD, value)
    for query in (
        Query(outcome=frozenset({"refused"})),
        Query(references=frozenset({"a"})),
        Query(clients=(parse_network("0.0.0.0/0"),)),
        Query(since=1.0),
    ):
        assert not query.matches(broken)


@pytest.mark.parametrize("text", ["", "example.com", "10.0.0.1/8", "10.0.0.0/33", "1.2.3"])
def test_what_is_no_range_is_said(text: str) -> None:
    """Host bits too: whoever writes 10.0.0.1/8 means something else."""
    with pytest.raises(QueryError, match=re.escape(f'"{text}" ')):
        parse_network(text)


@given(
    st.lists(
        st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")) | st.just(b"x" * 100_000),
        max_size=12,
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_backwards_is_forwards_reversed(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool
) -> None:
    """For lines of any length, with or without an end to the last."""
    file = tmp_path_factory.mktemp("backwards") / "a"
    data = b"\n".join(lines) + b"\n" * (ended and bool(lines))
    file.write_bytes(data)
    expected = data.split(b"\n")[: -1 if data.endswith(b"\n") else None] if data else []
    assert list(read_backwards(file)) == expected[::-1]
    assert whole_lines(file) == data.rfind(b"\n") + 1


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_follower_yields_whole_lines_as_they_are_written(tmp_path: Path) -> None:
    """What was there is left out, and half a line waits for its end."""
    path = tmp_path / "a.jsonl"
    append(path, b"old\n")
    follower = Follower(path, whole_lines(path))
    assert list(follower.poll()) == []
    append(path, b"one\ntw")
    assert list(follower.poll()) == [b"one"]
    append(path, b"o\n")
    assert list(follower.poll()) == [b"two"]
    follower.close()


def test_a_follower_goes_on_in_the_new_file_after_a_rotation(tmp_path: Path) -> None:
    """What was written to the old file last is not lost, not even half a line."""
    path = tmp_path / "a.jsonl"
    append(path, b"old\n")
    follower = Follower(path, 4)
    append(path, b"last\n")
    path.rename(tmp_path / "a.jsonl.1")
    append(tmp_path / "a.jsonl.1", b"after the renaming\ntorn")
    assert list(follower.poll()) == [b"last", b"after the renaming"]
    append(path, b"first\n")
    assert list(follower.poll()) == [b"torn", b"first"]
    assert list(follower.poll()) == []
    follower.close()


def test_a_follower_starts_over_where_the_file_was_truncated(tmp_path: Path) -> None:
    """As after copytruncate."""
    path = tmp_path / "a.jsonl"
    append(path, b"one\ntwo\n")
    follower = Follower(path)
    assert list(follower.poll()) == [b"one", b"two"]
    path.write_bytes(b"three\n")
    assert list(follower.poll()) == [b"three"]
    follower.close()


def test_a_follower_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """A gate may start after the person who watches it."""
    path = tmp_path / "a.jsonl"
    assert whole_lines(path) == 0
    follower = Follower(path)
    assert list(follower.poll()) == []
    append(path, b"one\n")
    assert list(follower.poll()) == [b"one"]
    follower.close()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.0.0.1/8", ["10.0.0.0/8", "10.0.0.1/32"]),
        ("::ffff:203.0.113.0/120", ["203.0.113.0/24"]),
        ("::ffff:203.0.113.9", ["203.0.113.9/32"]),
        ("203.0.113.4-203.0.113.9", ["203.0.113.4/30", "203.0.113.8/31"]),
        ("10/8", ["10.0.0.0/8"]),
        ("[2001:db8::1]:443", ["2001:db8::1/128"]),
        ("203.0.113.0/255.255.255.0 ", ["203.0.113.0/24"]),
    ],
)
def test_a_range_that_is_written_as_elsewhere_is_refused_with_what_to_write(
    text: str, meant: list[str]
) -> None:
    """Records hold IPv4 as IPv4: what is asked for as IPv6 would be found nowhere."""
    with pytest.raises(QueryError) as caught:
        parse_network(text)
    offered = str(caught.value).rpartition("; write ")[2].replace(", each in an option", " ")
    found = [part.strip(",") for part in offered.split() if part[0].isdigit()]
    assert [str(parse_network(part)) for part in found] == meant
