"""What leaves is claimed as it was seen, recorded, and then gone."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from hookgate.quarantine.claims import Claim
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.replay.session import Leaving, Releases, opened_gate
from hookgate.quarantine.store import Store
from support.core_gate import NOWHERE, Log, make_config
from support.ledger import read_ledger
from support.quarantine import keep, make_item, opened_store


async def release(folder: Path, store: Store, *leaving: Leaving) -> Releases:
    async with opened_gate(make_config(NOWHERE, folder), Log().logger) as gate:
        releases = Releases(store, gate, {"actor": "somebody"})
        await releases.release(leaving)
    return releases


def one_item(folder: Path) -> tuple[Store, Entry]:
    store = opened_store(folder / "quarantine")
    keep(store, make_item())
    return store, next(iter(store.entries()))


@pytest.mark.parametrize("has_record", [True, False])
def test_it_goes_once_a_line_says_so(tmp_path: Path, has_record: bool) -> None:
    store, entry = one_item(tmp_path)
    kept = entry.record["kept"] if entry.record is not None else ""
    seen = entry if has_record else entry._replace(record=None)
    releases = asyncio.run(release(tmp_path, store, *[Leaving(seen, "purged")] * 2))
    assert (releases.released, releases.remaining) == (1, 0)
    assert list(store.entries()) == []
    start, line, stop = read_ledger(tmp_path / "audit.replay.jsonl")
    assert (start["front"], stop["event"]) == ("replay", "stop")
    told = {name: line[name] for name in ("event", "cause", "kept", "sha256", "actor")}
    assert told == {
        "event": "released",
        "cause": "purged",
        "kept": kept,
        "sha256": entry.name[:64],
        "actor": "somebody",
    }


def test_what_is_in_custody_since_it_was_seen_stays(tmp_path: Path) -> None:
    store, entry = one_item(tmp_path)
    keep(store, make_item(), custody=True)
    releases = asyncio.run(release(tmp_path, store, Leaving(entry, "purged")))
    assert (releases.released, releases.remaining) == (0, 1)
    assert "changed" in releases.problem
    assert len(list(store.entries())) == 1


def test_many_claims_that_a_crash_left_take_few_open_files(tmp_path: Path) -> None:
    """As many as are settled at a time; else nothing could be connected any more."""
    store = opened_store(tmp_path / "quarantine")
    for number in range(40):
        keep(store, make_item(number))
    for entry in store.entries():
        claim = store.claim(entry, "purged")
        assert claim
        claim.close()
    most = 0
    end_claims = Releases._end

    def spy(releases: Releases, ends: Sequence[tuple[Claim, bool]]) -> None:
        nonlocal most
        most = max(most, sum(claim.fd >= 0 for claim, _ in ends))
        end_claims(releases, ends)

    async def settle() -> Releases:
        async with opened_gate(make_config(NOWHERE, tmp_path), Log().logger) as gate:
            releases = Releases(store, gate, {})
            await releases.settle_stale()
        return releases

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Releases, "_end", spy)
        assert asyncio.run(settle()).released == 40
    assert 0 < most <= 32
    assert list(store.entries()) == []


def test_another_file_than_was_delivered_stays(tmp_path: Path) -> None:
    store, entry = one_item(tmp_path)
    leaving = Leaving(entry._replace(record=None), "replayed", "0" * 64)
    releases = asyncio.run(release(tmp_path, store, leaving))
    assert (releases.released, releases.remaining) == (0, 1)
    (left,) = store.entries()
    assert left.claimed is None
