"""Reading a ledger the way a test wants it: every line must parse."""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def lines_so_far(path: Path) -> list[bytes]:
    """The lines, without LF, of a file that another process writes to or has yet to make.

    The last is left out until its LF is there: a file grows page by page, not line by line.
    """
    return _content(path).split(b"\n")[:-1]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def read_ledger(path: Path, *, growing: bool = False) -> list[Record]:
    """Every record; fails on a line that is no pure ASCII JSON object.

    Fails also on one that is not ended, unless the file is `growing`.
    """
    assert growing or _content(path)[-1:] in (b"", b"\n")
    lines = lines_so_far(path)
    assert all(map(bytes.isascii, lines))
    records = [json.loads(line) for line in lines]
    assert all(isinstance(record, dict) for record in records)
    return records


def assert_chained(path: Path, key: bytes = b"") -> None:
    """Every line's `prev` is the digest of its boot's line before."""
    previous: dict[str, str] = {}
    for line in path.read_bytes().splitlines():
        record = json.loads(line)
        assert record["prev"] == previous.get(record["boot"], ""), record
        digest = hmac.new(key, line, sha256) if key else sha256(line)
        previous[record["boot"]] = digest.hexdigest()


def assert_balanced(path: Path) -> dict[str, int]:
    """Every stopped boot counts what its lines say; returns the counts by outcome, summed."""
    total: dict[str, int] = {}
    by_boot: dict[str, dict[str, int]] = {}
    for record in read_ledger(path):
        counts = by_boot.setdefault(record["boot"], {})
        if record["event"] == "delivery":
            counts[record["outcome"]] = counts.get(record["outcome"], 0) + 1
        elif record["event"] == "refusals":
            counts[record["outcome"]] = counts.get(record["outcome"], 0) + record["count"]
        elif record["event"] == "stop":
            said = {k: record[k] for k in ("delivered", "refused", "failed", "aborted")}
            assert said == {**dict.fromkeys(said, 0), **counts}
            assert record["received"] == sum(said.values()) + record["in_flight"]
    for counts in by_boot.values():
        for outcome, count in counts.items():
            total[outcome] = total.get(outcome, 0) + count
    return total
