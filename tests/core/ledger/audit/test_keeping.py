"""What a quarantine comes to, by distinct stored files, in whatever order lines are read."""

import json
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.keeping import CAUSES, Keeping, KeepingTotals
from hookgate.ledger.audit.proven import Prover
from hookgate.ledger.reading.reader import read
from support.forgery import look
from support.journal import Book
from support.lines import Record, delivery, forward, lines, released, start
from support.tamper import SEAL

FILES = ["0" * 64, "1" * 64, "2" * 64, "no digest", "\ud800"]
WORDS = st.sampled_from(["kept", *CAUSES, "of a newer version"])


def line(word: str, file: str) -> Record:
    return delivery(1, kept=file) if word == "kept" else released(word, kept=file)


def keeping(records: list[Record]) -> Keeping:
    counted = Keeping()
    for record in records:
        counted.add(record)
    return counted


@given(
    st.lists(st.tuples(WORDS, st.sampled_from(FILES)), max_size=20),
    st.integers(0, 20),
    st.randoms(use_true_random=False),
)
def test_each_file_is_counted_once(
    said: list[tuple[str, str]], cut: int, order: random.Random
) -> None:
    """However many attempts name it, and though a crash had it released twice; parts that were
    counted by themselves come to the same.
    """
    kept = {file for word, file in said if word == "kept"}
    causes = {file: {word for word, of in said if of == file} - {"kept"} for file in FILES}
    gone = {file for file in FILES if causes[file]}
    records = [line(*one) for one in said]
    order.shuffle(records)
    totals = keeping(records).totals()
    assert (totals.kept, totals.held) == (len(kept), len(kept - gone))
    assert totals.unexplained == len(gone - kept)
    assert totals.kept == sum(totals.released.values()) + totals.held
    for cause in CAUSES:
        alone = sum(causes[file] == {cause} for file in kept)
        assert alone <= totals.released[cause] <= sum(cause in causes[file] for file in kept)
    first, second = keeping(records[:cut]), keeping(records[cut:])
    second.merge(first)
    assert second.totals() == totals


def test_nothing_kept_is_nothing_to_tell() -> None:
    """A ledger without a quarantine, and members of the name in other kinds of line."""
    totals = keeping([delivery(1), {**start(), "kept": "0" * 64}, released("purged")]).totals()
    assert not totals
    assert totals == KeepingTotals(0, dict.fromkeys(CAUSES, 0), 0, 0)


def test_a_ledger_s_lines_are_counted_and_others_are_not() -> None:
    """What is no record says nothing; that of nginx's lines has none."""
    found = balance(
        lines(
            start(),
            delivery(1, "contract_violation", kept="0" * 64),
            delivery(2, "contract_violation", kept="0" * 64),
            delivery(3, "contract_violation", kept=5),
            forward(4),
            released("purged", kept="0" * 64),
            {**released("purged", kept="1" * 64), "cause": 5},
            b"torn",
        )
    )
    assert found.keeping == KeepingTotals(1, {**dict.fromkeys(CAUSES, 0), "purged": 1}, 0, 0)
    assert [finding.kind for finding in found.findings][:2] == ["malformed", "malformed"]


def test_a_release_is_sealed_and_chained_like_any_line_and_counts_if_it_is(tmp_path: Path) -> None:
    """Whoever can write the file and has no key releases nothing."""
    path = tmp_path / "audit.jsonl"
    book = Book(path, seal_key=SEAL)
    for seq, kept in enumerate("ab", 1):
        record = {"seq": seq, "outcome": "refused", "reason": "too_deep", "kept": kept * 64}
        book.journal.delivery(book.record("delivery", **record), forwarded=False)
    fields = {
        "cause": "purged",
        "kept": "a" * 64,
        "sha256": "d" * 64,
        "actor": "ada",
        "why": "asked",
    }
    assert book.journal.released(fields)
    book.close(received=2, refused=2)
    assert look(path).findings == []
    with path.open("a") as file:
        file.write(json.dumps(released("purged", kept="b" * 64)) + "\n")
    sealed = Prover((SEAL,)).prove(read([path]))
    assert (balance(sealed).keeping.held, balance(read([path])).keeping.held) == (1, 0)
