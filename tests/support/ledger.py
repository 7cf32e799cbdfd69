"""Reading a ledger the way a test wants it: every line must parse."""

import hmac
import json
import time
from functools import lru_cache
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from hookgate.ledger.record import FIELDS, RARE

Record = dict[str, Any]


def fields_of(record: Record) -> tuple[str, ...]:
    """The keys that a record must have, in their order."""
    return tuple(name for name in FIELDS[record["event"]] if name not in RARE or name in record)


class Growing:
    """The lines of a file that another process appends to, or has yet to make, from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.new()

    def new(self) -> list[bytes]:
        """Those that came since this was asked last, without LF.

        One counts once its LF is there: a file grows page by page, not line by line.
        """
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.split(b"\n")[:-1]

    def wait(self, seconds: float = 30) -> list[bytes]:
        """The same once there are any, or when the time is up."""
        until = time.monotonic() + seconds
        while not (found := self.new()) and time.monotonic() < until:
            time.sleep(0.005)
        return found


def lines_so_far(path: Path) -> list[bytes]:
    """All lines of such a file that are whole by now."""
    return _content(path).split(b"\n")[:-1]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def read_ledger(path: Path, *, growing: bool = False) -> list[Record]:
    """Every record; fails on a line that is no pure ASCII JSON object.

    Fails also on one that is not ended, unless the file is `growing`.
    """
    assert growing or _content(path)[-1:] in (b"", b"\n")
    return [_parsed(line).copy() for line in lines_so_far(path)]


@lru_cache(1 << 14)  # whoever waits for a line reads those before it again and again
def _parsed(line: bytes) -> Record:
    assert line.isascii()
    record = json.loads(line)
    assert isinstance(record, dict)
    return record


def assert_chained(path: Path, key: bytes = b"") -> None:
    """Every line has the next number and names its boot's line before; with a key, it is sealed."""
    previous: dict[str, tuple[int, str]] = {}
    line_key = hmac.new(key, b"hookgate ledger line", sha256).digest()
    for line in path.read_bytes().splitlines():
        record = json.loads(line)
        n, prev = previous.get(record["boot"], (0, ""))
        assert (record["n"], record["prev"]) == (n + 1, prev), record
        digest = sha256(line).hexdigest()
        if key:
            body, _, mac = line.rpartition(b',"mac":"')
            digest = blake2b(body, key=line_key, digest_size=32).hexdigest()
            assert mac == digest.encode() + b'"}'
            assert record["mac"] == digest
        else:
            assert "mac" not in record
        previous[record["boot"]] = n + 1, digest


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
