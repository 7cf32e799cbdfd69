"""What a shipper tells is read back, and nothing else is taken for it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hookgate.ledger.shipping import (
    SILENT_SECONDS,
    Shipping,
    read_shipping,
    shipping_path,
    write_shipping,
)

NOON = 1_796_385_600.5
TOLD = Shipping(NOON, "amsterdam", 7, False, "", None, 0, 12, 0, 1, 2)


@pytest.mark.parametrize(
    "shipping",
    [
        TOLD,
        Shipping(NOON, "a", 7, True, "nobody\x1b[2J there", NOON - 90, 5 << 40, 1 << 62, 1, 0, 0),
    ],
)
def test_what_is_written_is_read(tmp_path: Path, shipping: Shipping) -> None:
    """What cannot be printed is not; nobody but the user may read it."""
    path = shipping_path(tmp_path / "audit.jsonl")
    assert path.name == "audit.shipping"
    write_shipping(path, shipping)
    read = read_shipping(path)
    assert read is not None
    assert read.store.isprintable()
    assert [read.told, read.unsent_since, read.behind, read.lines, read.has_ended] == [
        shipping.told, shipping.unsent_since, shipping.behind, shipping.lines, shipping.has_ended,
    ]  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600


HOSTILE: dict[str, Any] = {
    "format": 2, "told": 5, "gate": 7, "pid": -1, "store": ["x"], "unsent_since": "soon",
    "behind_bytes": 1 << 63, "lines": 1.5, "forks": True, "cuts": None, "lost": "1",
}  # fmt: skip


@pytest.mark.parametrize("member", [*HOSTILE, "long", "absent", "list", "torn", "fifo", "folder"])
def test_something_else_is_nothing(tmp_path: Path, member: str) -> None:
    """Whoever may write there could have put it there: neither an error nor a wait."""
    path = tmp_path / "audit.shipping"
    write_shipping(path, TOLD)
    told = json.loads(path.read_text())
    match member:
        case "long":
            path.write_text(json.dumps(told | {"store": "x" * 300}))
        case "absent":
            path.unlink()
        case "list":
            path.write_text("[]")
        case "torn":
            path.write_text(json.dumps(told)[:-9])
        case "fifo":
            path.unlink()
            os.mkfifo(path)
        case "folder":
            path.unlink()
            path.mkdir()
        case _:
            path.write_text(json.dumps(told | {member: HOSTILE[member]}))
    assert read_shipping(path) is None


@pytest.mark.parametrize(
    ("since", "has_ended", "later", "lag", "is_running"),
    [
        (None, False, 5, 0, True),
        (None, False, SILENT_SECONDS, SILENT_SECONDS, False),
        (None, True, 5, 5, False),
        (NOON - 60, False, 5, 65, True),
        (NOON - 60, False, 600, 660, False),
        (NOON + 60, False, 5, 0, True),
    ],
)
def test_the_lag_grows_with_time(
    since: float | None, has_ended: bool, later: float, lag: float, is_running: bool
) -> None:
    """Of a shipper that is gone nobody knows more than it said."""
    shipping = Shipping(NOON, "a", 7, has_ended, "", since, 0, 0, 0, 0, 0)
    assert shipping.lag(NOON + later) == lag
    assert shipping.is_running(NOON + later) is is_running
