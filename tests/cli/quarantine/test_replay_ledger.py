"""What is delivered leaves only once a ledger says so."""

from collections import Counter
from pathlib import Path

import pytest

from support.calling import Call
from support.disk import fill, free, small_disk
from support.ledger import assert_chained
from support.receiver import OK, receiving
from support.replays import WHY, Kept, refused


def test_on_a_full_disk_nothing_leaves_and_nothing_is_sent_unrecorded(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as endpoint, small_disk(tmp_path / "disk", 1 << 20) as disk:
        kept = Kept(tmp_path, endpoint.url, **{"audit.path": str(disk / "audit.jsonl")})
        kept.audit, kept.replays = disk / "audit.jsonl", disk / "audit.replay.jsonl"
        monkeypatch.setenv("HOOKGATE_QUARANTINE_IDENTITY", str(kept.identity))
        kept.keep(map(refused, range(20)))

        def fills(_: object) -> bytes:
            fill(disk)
            return OK

        endpoint.respond = fills
        result = call("quarantine", "replay", *WHY, "--json")
        assert result.status == 1
        assert "the ledger cannot be written" in result.err
        sent = len(endpoint.seen)
        assert 0 < sent < 20
        free(disk)
        endpoint.respond = lambda _: OK
        assert len(kept.lines("forward")) >= sent
        gone = {line["kept"] for line in kept.released()}
        assert len(kept.entries()) + len(gone) == 20
        # What arrived, and could not be recorded, may have arrived: all else is sent.
        doubtful = len(kept.lines("forward")) - len(kept.lines("delivery"))
        assert call("quarantine", "replay", *WHY).status == (1 if doubtful else 0)
        assert Counter(seen.body for seen in endpoint.seen) == Counter(map(refused, range(20)))
        assert len(kept.entries()) == doubtful
        assert_chained(kept.replays)
