"""An item leaves by one process, which alone records that."""

import os
import subprocess
import sys
from pathlib import Path

from hookgate.quarantine.claims import Claim
from hookgate.quarantine.store import Store
from support.kept import PUBLIC
from support.process import paused
from support.quarantine import (
    check,
    file_of,
    keep,
    make_item,
    make_store,
    numbers,
    opened_store,
)

TESTS = Path(__file__).parents[2]


def claim(store: Store, cause: str = "purged") -> Claim:
    """Claim the one item there is."""
    (entry,) = store.entries()
    claimed = store.claim(entry, cause)
    assert claimed
    return claimed


def test_an_item_is_claimed_once(store: Store, path: Path) -> None:
    """By whoever comes first; it is listed as claimed, with all that it had."""
    kept = keep(store, make_item(1))
    (entry,) = store.entries()
    first = store.claim(entry, "purged")
    assert first
    assert (first.kept, first.sha256, first.cause) == (kept, entry.name[:64], "purged")
    assert first.record == entry.record
    assert make_store(path).claim(entry, "expired") is None
    (claimed,) = store.entries()
    assert claimed._replace(path=entry.path, claimed=None) == entry
    assert claimed.claimed == "purged"
    assert store.claim(claimed, "expired") is None
    assert numbers(store) == [1]
    first.close()


def test_what_was_claimed_and_recorded_is_gone(store: Store, path: Path) -> None:
    keep(store, make_item(1))
    store.drop(claim(store))
    assert check(path) == []
    assert keep(store, make_item(1))


def test_what_could_not_be_recorded_is_put_back(store: Store, path: Path) -> None:
    keep(store, make_item(1))
    before = list(store.entries())
    store.restore(claim(store))
    assert list(store.entries()) == before
    assert len(check(path)) == 1


def test_a_claim_is_of_the_item_that_was_seen(store: Store, path: Path) -> None:
    """Not of one that is kept under its name since."""
    keep(store, make_item(1))
    (seen,) = store.entries()
    store.drop(claim(store))
    assert store.claim(seen, "purged") is None
    keep(store, make_item(1))
    assert store.claim(seen, "purged") is None
    assert len(check(path)) == 1


def test_what_has_custody_since_it_was_seen_is_not_claimed(store: Store, path: Path) -> None:
    """It was too old, and its sender was told in that moment that it is safe."""
    keep(store, make_item(1))
    (seen,) = store.entries()
    keep(store, make_item(1), custody=True)
    assert store.claim(seen, "expired") is None
    assert len(check(path)) == 1


def test_what_comes_again_while_it_is_claimed_is_another_item(store: Store, path: Path) -> None:
    """The first is dropped without the second; where it cannot be put back it stays a claim."""
    first = keep(store, make_item(1))
    dropped = claim(store)
    second = keep(store, make_item(1))
    assert second != first
    assert store.usage().items == 2
    store.drop(dropped)
    (entry,) = check(path)
    assert (entry.record or {})["kept"] == second
    again = claim(store)
    third = keep(store, make_item(1))
    store.restore(again)
    assert {(e.claimed, (e.record or {})["kept"]) for e in check(path)} == {
        ("purged", second),
        (None, third),
    }
    assert [stale.kept for stale in store.stale_claims()] == [second]


def test_an_item_without_its_record_can_be_claimed_and_put_back(store: Store, path: Path) -> None:
    """Its file tells what is released."""
    kept = keep(store, make_item(1))
    file_of(path, make_item(1), "json").unlink()
    claimed = claim(store)
    assert (claimed.kept, claimed.record) == (kept, None)
    store.restore(claimed)
    assert [entry.claimed for entry in store.entries()] == [None]
    store.drop(claim(store))
    assert check(path) == []


BEGIN = """
import sys
from pathlib import Path
from support.quarantine import make_store
store = make_store(Path(sys.argv[1]))
entries = list(store.entries())
"""
HOLDER = """
claim = store.claim(entries[0], "replayed")
print(claim.kept, flush=True)
sys.stdin.read()
"""
TAKER = """
print(len(entries), flush=True)
sys.stdin.readline()
for entry in entries:
    if claim := store.claim(entry, "purged"):
        print(claim.kept, flush=True)
        store.drop(claim)
"""


def start(code: str, path: Path) -> "subprocess.Popen[str]":
    """A process of its own that has looked into the store."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", BEGIN + code, str(path)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_claim_is_stale_once_its_process_has_ended(store: Store, path: Path) -> None:
    """Not while that is only stopped; then somebody records it, and nobody else."""
    kept = keep(store, make_item(1))
    with start(HOLDER, path) as holder:
        assert holder.stdout
        assert holder.stdout.readline().strip() == kept
        with paused(holder.pid):
            assert list(store.stale_claims()) == []
        holder.kill()
    (stale,) = store.stale_claims()
    assert (stale.kept, stale.cause) == (kept, "replayed")
    assert stale.record is not None
    assert list(make_store(path).stale_claims()) == []
    stale.close()  # it could not be recorded
    (again,) = make_store(path, public=None).stale_claims()
    store.drop(again)
    assert check(path) == []
    assert list(store.stale_claims()) == []


def test_two_who_claim_all_of_it_share_it(store: Store, path: Path) -> None:
    """As two replays that were started at once: each item is one's or the other's."""
    for number in range(20):
        keep(store, make_item(number))
    kept = {(entry.record or {})["kept"] for entry in store.entries()}
    both = [start(TAKER, path) for _ in range(2)]
    for process in both:
        assert process.stdout
        assert process.stdout.readline() == "20\n"
    for process in both:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    released = [line for process in both for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(released) == sorted(kept)
    assert check(path) == []


def test_who_releases_needs_no_key(path: Path) -> None:
    keep(opened_store(path, public=PUBLIC), make_item(1))
    store = make_store(path, public=None)
    store.open()
    store.drop(claim(store))
    assert check(path) == []
