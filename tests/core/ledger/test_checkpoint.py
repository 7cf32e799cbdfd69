"""What is taken for a checkpoint, of what stands in a log."""

import math
from typing import Any

import pytest

from hookgate.ledger.checkpoint import Checkpoint, parse_checkpoint

HEAD = "0123456789abcdef" * 4
SAID: dict[str, Any] = {
    "event": "ledger.checkpoint", "boot": "b0", "n": 12041, "head": HEAD, "synced": True,
    "path": "/var/log/hookgate/hookgate-audit.jsonl", "dropped": 2,
    "level": "info", "timestamp": "2026-11-28T12:04:00.500000Z",
}  # fmt: skip
WHOLE = Checkpoint("b0", 12041, HEAD, True, SAID["path"], 2, 1795867440.5)


def test_what_is_written_is_read() -> None:
    assert parse_checkpoint(SAID) == WHOLE
    assert parse_checkpoint({**WHOLE.fields(), "timestamp": SAID["timestamp"]}) == WHOLE


def test_a_boot_without_a_line_has_no_head() -> None:
    """Its start could not be written yet."""
    found = parse_checkpoint({**SAID, "n": 0, "head": ""})
    assert found is not None
    assert (found.n, found.head) == (0, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"boot": None}, {"boot": ""}, {"boot": "b" * 65}, {"boot": "a b"}, {"boot": ["b0"]},
        {"n": None}, {"n": -1}, {"n": 1 << 63}, {"n": 1.0}, {"n": True}, {"n": "12041"},
        {"n": math.inf}, {"n": 0}, {"head": ""}, {"head": HEAD[1:]}, {"head": HEAD.upper()},
        {"head": HEAD + "\n"}, {"head": "g" * 64}, {"head": None},
    ],
    ids=repr,
)  # fmt: skip
def test_what_names_no_line_is_none(changes: dict[str, Any]) -> None:
    assert parse_checkpoint({**SAID, **changes}) is None


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"timestamp": None}, {"time": 0.0}),
        ({"timestamp": "12:04:00"}, {"time": 0.0}),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, {"time": 0.0}),
        ({"timestamp": "9999-12-31T23:59:59-14:00"}, {"time": 0.0}),
        ({"timestamp": "2026-11-28T13:04:00.5+01:00"}, {}),
        ({"dropped": -1}, {"dropped": 0}),
        ({"dropped": "2"}, {"dropped": 0}),
        ({"path": None}, {"path": ""}),
        ({"path": "p" * 9999}, {"path": "p" * 1024}),
        ({"synced": 1}, {"synced": False}),
    ],
    ids=repr,
)
def test_the_rest_may_be_anything(changes: dict[str, Any], found: dict[str, Any]) -> None:
    """What is not understood says nothing; the line is named all the same."""
    assert parse_checkpoint({**SAID, **changes}) == WHOLE._replace(**found)
