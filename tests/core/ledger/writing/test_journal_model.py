"""The journal against a model: arrivals, endings, turns, outages, rotations, ticks in any order."""

import contextlib
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hookgate.settings import Fsync
from support.examples import many
from support.journal import Book, obedient_clock, obedient_disk
from support.ledger import Record, assert_balanced, assert_chained, read_ledger

SEAL = b"0123456789abcdef"
OWN_REASONS = st.sampled_from(["malformed_json", "contract_violation"])
FOREIGN_REASONS = st.sampled_from(["source_not_allowed", "head_timeout"])


class Journalling(RuleBasedStateMachine):
    """A journal on a disk that fails at will, and what its ledger must hold in the end."""

    def __init__(self, fsync: Fsync, seal_key: bytes) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.disk = self.stack.enter_context(obedient_disk())
        self.clock = self.stack.enter_context(obedient_clock())
        self.path = self.folder / "audit.jsonl"
        self.whole = self.folder / "whole.jsonl"
        self.renamed: list[Path] = []
        self.seal_key = seal_key
        self.book = Book(self.path, fsync, seal_key)
        self.seq = 0
        self.under_way: list[int] = []
        self.forwarded: set[int] = set()
        self.kept_back: set[int] = set()
        self.ended: dict[int, tuple[str, str]] = {}
        self.waiting: list[int] = []

    @rule(count=st.integers(1, 4))
    def clean_events_arrive(self, count: int) -> None:
        for _ in range(count):
            self.seq += 1
            record = self.book.record("forward", seq=self.seq, request_id=f"r{self.seq}")
            self.waiting.append(self.seq)
            self.book.journal.forward(record)

    def a_forward_is_told(self, seq: int, written: bool) -> None:
        if written:
            self.under_way.append(seq)
            self.forwarded.add(seq)
        else:
            self.kept_back.add(seq)
            self.ended[seq] = ("failed", "audit_unavailable")
            self.book.failed(seq)

    @precondition(lambda self: bool(self.under_way))
    @rule(data=st.data(), waits=st.booleans())
    def the_upstream_answers(self, data: st.DataObject, waits: bool) -> None:
        seq = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(seq)
        self.it_ends(seq, "delivered", "clean", waits)

    @rule(reason=OWN_REASONS, count=st.integers(1, 3), waits=st.booleans())
    def broken_events_arrive(self, reason: str, count: int, waits: bool) -> None:
        for _ in range(count):
            self.seq += 1
            self.it_ends(self.seq, "refused", reason, waits)

    def it_ends(self, seq: int, outcome: str, reason: str, waits: bool) -> None:
        self.ended[seq] = (outcome, reason)
        record = self.book.record("delivery", seq=seq, outcome=outcome, reason=reason)
        self.book.journal.delivery(record, forwarded=outcome == "delivered", deferred=waits)

    @rule()
    def the_turn_ends(self) -> None:
        """Deliveries whose line is written go upstream then, and no others."""
        written = self.book.journal.flush()
        waiting, self.waiting = self.waiting, []
        for seq in waiting:
            self.a_forward_is_told(seq, written)

    @rule(reason=FOREIGN_REASONS, count=st.sampled_from([1, 30, 60]))
    def strangers_arrive(self, reason: str, count: int) -> None:
        for _ in range(count):
            self.seq += 1
            self.book.foreign(self.seq, reason)
            self.ended[self.seq] = ("refused", reason)

    @rule()
    def a_second_passes(self) -> None:
        self.clock.now += 1
        self.book.journal.tick()

    @rule(room=st.integers(0, 900))
    def the_disk_fills(self, room: int) -> None:
        self.disk.room = room

    @rule()
    def the_disk_has_room_again(self) -> None:
        self.disk.room = None

    @rule(fails=st.booleans())
    def syncing_fails_or_works(self, fails: bool) -> None:
        self.disk.sync_fails = fails

    @precondition(lambda self: self.path.exists())
    @rule()
    def the_file_is_renamed(self) -> None:
        self.renamed.append(self.folder / f"audit.jsonl.{len(self.renamed)}")
        self.path.rename(self.renamed[-1])

    @rule()
    def the_file_is_reopened(self) -> None:
        self.book.journal.reopen()

    def records(self) -> list[Record]:
        files = [*self.renamed, *([self.path] if self.path.exists() else [])]
        self.whole.write_bytes(b"".join(file.read_bytes() for file in files))
        return read_ledger(self.whole)

    @invariant()
    def the_ledger_is_whole_and_true(self) -> None:
        """Every line parses and chains, and says what happened, once."""
        records = self.records()
        assert_chained(self.whole, self.seal_key)
        begun = [record["seq"] for record in records if record["event"] == "forward"]
        ended = [record["seq"] for record in records if record["event"] == "delivery"]
        assert len(begun) == len(set(begun))
        assert len(ended) == len(set(ended))
        assert self.forwarded <= set(begun)
        assert not self.kept_back & set(begun)
        for record in records:
            if record["event"] == "delivery":
                assert self.ended[record["seq"]] == (record["outcome"], record["reason"])

    def teardown(self) -> None:
        try:
            self.everything_is_accounted_for()
        finally:
            self.stack.close()

    def everything_is_accounted_for(self) -> None:
        """Once the disk works again, each delivery is a line or part of a sum, exactly once."""
        self.disk.room, self.disk.sync_fails = None, False
        self.the_turn_ends()
        for seq in self.under_way:
            self.it_ends(seq, "delivered", "clean", waits=True)
        self.the_turn_ends()
        for _ in range(3):
            self.a_second_passes()
        self.broken_events_arrive("malformed_json", 1, waits=False)
        assert self.book.available()
        counts = Counter(outcome for outcome, _ in self.ended.values())
        self.book.close(received=self.seq, **counts)
        self.the_ledger_is_whole_and_true()
        records = self.records()
        lined = {record["seq"] for record in records if record["event"] == "delivery"}
        assert self.forwarded <= lined
        sums = [record for record in records if record["event"] == "refusals"]
        summed: Counter[tuple[str, str]] = Counter()
        for record in sums:
            summed[record["outcome"], record["reason"]] += record["count"]
        unlined = {seq: end for seq, end in self.ended.items() if seq not in lined}
        assert summed == Counter(unlined.values())
        for seq, end in unlined.items():
            assert any(
                (record["outcome"], record["reason"]) == end
                and record["first_seq"] <= seq <= record["last_seq"]
                for record in sums
            )
        assert assert_balanced(self.whole) == counts


@pytest.mark.parametrize(
    ("fsync", "seal_key"),
    [(Fsync.NEVER, b""), (Fsync.INTERVAL, SEAL), (Fsync.ALWAYS, b"")],
    ids=["never, plain", "interval, sealed", "always, plain"],
)
def test_the_journal_keeps_to_its_model(fsync: Fsync, seal_key: bytes) -> None:
    """Lines always parse and chain; after recovery every delivery is accounted for once."""
    run_state_machine_as_test(
        lambda: Journalling(fsync, seal_key),  # type: ignore[arg-type]  # a factory will do
        settings=settings(max_examples=many(40, fewest=10), stateful_step_count=30, deadline=None),
    )
