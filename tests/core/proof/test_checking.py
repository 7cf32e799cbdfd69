"""What a receipt proves, and that nothing else is taken for proven."""

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.proof.checking import check
from hookgate.proof.receipt import Entry, Receipt, ReceiptError
from support.receipts import (
    DIGEST,
    OTHER,
    REFERENCE,
    SIGNER,
    TIME,
    Line,
    line,
    prove,
    raw_lines,
    receipt,
    usual,
)

KEY = SIGNER.verifier
KEYS = [KEY, OTHER.verifier]
WHOLE = receipt().render()


def changed(lines: list[Line], number: int, /, **members: object) -> list[Line]:
    return [{**each, **members} if at == number else each for at, each in enumerate(lines, 1)]


def of(lines: list[Line], *numbers: int, **claimed: str | None) -> Receipt:
    return receipt(prove(lines, numbers), **claimed)  # type: ignore[arg-type]  # its own names


def test_a_delivery_is_proven_with_its_gate_and_its_time() -> None:
    (proven,) = check(receipt(), [KEY])
    assert (proven.boot, proven.by, proven.size, proven.time) == ("b1", SIGNER.name, 6, TIME)
    assert [record["event"] for record in proven.records] == ["start", "forward", "delivery"]


FAULT = [
    line("start"),
    line("forward", reference=None),
    line("delivery", sha256=None, reference=None, outcome="failed", reason="gate_error"),
]
REPLAY = [line("start", "b2"), line("forward", "b2", replay_of="b1-2"), line("delivery", "b2")]
RELEASED = {**line("released", "b2", sha256=DIGEST), "cause": "delivered"}


@pytest.mark.parametrize(
    "case",
    [
        of(usual(), 5),
        of(usual(), 1, 3, 5, asked=DIGEST),
        of(usual(), 1, 3, asked="b1-2"),
        of(FAULT, 1, 2, 3, asked="b1-2"),
        of(usual(), 1, 4, asked="b1-3", sha256=None),
        of([line("start"), line("delivery", names=["a", "b"])], 2, asked="b"),
        receipt([*prove(usual(), (1, 5)), *prove([*REPLAY, RELEASED], (1, 2, 3, 4), "b2")]),
        receipt([*prove(usual(), (5,)), *prove(REPLAY, (2, 3), "b2", OTHER)]),
    ],
    ids=["alone", "by body", "no end", "fault", "no body", "names", "replay", "two gates"],
)
def test_it_holds(case: Receipt) -> None:
    proven = check(Receipt.parse(case.render()), KEYS)
    assert sum(len(each.records) for each in proven) == len(case.entries)


A = usual()
HOSTILE: list[tuple[str, Receipt, str]] = [
    ("another key", receipt(prove(A, (1, 5), signer=OTHER)), "not by a key that is trusted"),
    (
        "another gate's tree",
        receipt(prove(A, (1, 5), origin=f"{OTHER.name}/b1")),
        "of another boot, or of another gate's tree",
    ),
    ("another boot's note", receipt(prove(A, (1, 5), "b2")), "of another boot"),
    ("the line of another boot", of(changed(A, 5, boot="b2"), 5), "of another boot"),
    ("two boots mixed", of(changed(A, 5, boot="b2"), 1, 5), "line 2: its note is of another boot"),
    ("another number", of(changed(A, 5, n=6), 5), 'its "n" is not that of leaf 4'),
    ("no number", of(changed(A, 5, n=None), 5), 'its "n" is not that of leaf 4'),
    ("a start in the middle", of([A[0], A[0], *A], 2), 'its "n" is not that of leaf 1'),
    ("not a start at first", of(A[2:], 1), 'its "n" is not that of leaf 0'),
    ("another body", of(A, 2, 5), "line 2 of boot 'b1' is not about the body"),
    ("a body not read beside one", of(A, 4, 5), "line 4 of boot 'b1' is not about the body"),
    ("another body claimed", of(A, 5, sha256="1" * 64), "line 5 of boot 'b1' is not about"),
    ("no body claimed", of(A, 5, sha256=None), "line 5 of boot 'b1' is not about"),
    ("another name", of(A, 5, asked="another"), "no line of it has the name"),
    ("the version as a name", of(A, 1, 5, asked="0.3.0"), "no line of it has the name"),
    ("its start alone", of(A, 1), "no line of a delivery"),
    ("a release alone", of([A[0], RELEASED | {"boot": "b1"}], 2), "no line of a delivery"),
    ("a release of nothing", of([*A[:4], {**RELEASED, "boot": "b1", "sha256": None}], 4, 5,
                                asked="b1-3", sha256=None), "line 5 of boot 'b1' is not about"),
    ("two deliveries without a body", of(changed(A, 5, sha256=None), 4, 5, asked="b1-3",
                                         sha256=None), "several deliveries"),
    ("its stop", of(A, 5, 6), "line 2: of a kind that is not about one event"),
    ("a wrong member", of(changed(A, 5, status="200"), 5), '"status" is no whole number'),
    ("no request_id", of(changed(A, 5, request_id=None), 5), 'no "seq" or no "request_id"'),
    ("no boot", of(changed(A, 5, boot=None), 5), 'it has no "boot"'),
    ("a long boot", of(changed(A, 5, boot="b" * 65), 5), 'it has no "boot"'),
    ("another seq than its forward's", of(changed(A, 5, seq=9), 3, 5), "several numbers"),
    ("lines out of order", receipt(prove(A, (5, 3))), "line 2: not after the line before it"),
    ("a line twice", receipt(prove(A, (5, 5))), "line 2: not after the line before it"),
    ("boots that take turns", receipt([*prove(A, (1,)), *prove(REPLAY, (2,), "b2"),
                                       *prove(A, (5,))]), "line 3: its boot's other lines"),
    ("two notes of a boot", receipt([*prove(A[:4], (3,)), *prove(A, (5,))]),
     "its boot has another note"),
    ("a stamp of nothing", Receipt(REFERENCE, DIGEST, receipt().entries, {"b9": b"x"}),
     "a boot that has no line here"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "words"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_it_does_not_hold(case: Receipt, words: str) -> None:
    with pytest.raises(ReceiptError, match=words):
        check(case, [KEY])


def moved(change: Callable[[Entry], Entry]) -> Receipt:
    first, *rest = receipt().entries
    return receipt([first, *map(change, rest)])


def proofs() -> Iterator[tuple[str, Receipt, str]]:
    path = receipt().entries[1].proof.path
    raw = raw_lines(changed(A, 5, status=503))[4]
    altered = "not in the tree that was signed"
    a, b, c = receipt().entries

    def proof(entry: Entry, **members: object) -> Entry:
        fields = {"index": entry.proof.index, "path": entry.proof.path, "note": entry.proof.note}
        return Entry(entry.line, type(entry.proof)(**{**fields, **members}))  # type: ignore[arg-type]

    yield "an edited line", receipt([a, b, Entry(raw, c.proof)]), altered
    yield "a line with the proof of another", receipt([a, b, Entry(b.line, c.proof)]), '"n" is not'
    yield "the hashes of another", receipt([a, proof(b, path=c.proof.path)]), altered
    yield "a hash more", receipt([a, proof(b, path=(*path, path[0]))]), altered
    yield "a hash less", receipt([a, proof(b, path=path[:-1])]), altered
    yield "no hash", receipt([a, proof(b, path=())]), altered
    yield (
        "an index beyond the note",
        receipt(
            [Entry(line.replace(b'"n":5', b'"n":7'), proof(c, index=6).proof) for line, _ in (c,)]
        ),
        "its note is older: it covers 6 lines",
    )
    note = c.proof.note
    yield "a note of nobody", receipt([proof(c, note=note.partition(b"\n\n")[0])]), "no note"
    yield "an edited note", receipt([proof(c, note=note.replace(b"\n6\n", b"\n7\n"))]), "is false"
    plain = SIGNER.sign("gate1.example.com/hookgate/b1\n", TIME)
    yield "a note of something else", receipt([proof(c, note=plain)]), "no head of a tree"


PROOFS = list(proofs())


@pytest.mark.parametrize(
    ("case", "words"), [case[1:] for case in PROOFS], ids=[case[0] for case in PROOFS]
)
def test_a_proof_of_something_else_is_none(case: Receipt, words: str) -> None:
    with pytest.raises(ReceiptError, match=words):
        check(case, [KEY])


def test_a_key_twice_in_a_line_is_told() -> None:
    raws = raw_lines(A)
    raws[4] = raws[4].replace(b'"status":200', b'"status":503,"status":200')
    from hookgate.proof.proving import prove_line
    from support.receipts import anchor

    with pytest.raises(ReceiptError, match="a name stands twice"):
        check(receipt([prove_line(raws[4], 5, anchor(raws))]), [KEY])


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_no_byte_can_be_altered_but_for_white_space_and_other_spellings(at: int, byte: int) -> None:
    data = bytearray(WHOLE)
    data[at] = byte
    try:
        proven = check(Receipt.parse(bytes(data)), [KEY])
    except ReceiptError:
        return
    (whole,) = check(receipt(), [KEY])
    assert [(each.boot, each.by, each.size, each.records) for each in proven] == [
        (whole.boot, whole.by, whole.size, whole.records)
    ]
    # A signature whose key's id was altered is a stranger's, and ignored: of both one is enough.
    assert proven[0].time in (TIME, None)
    assert json.loads(bytes(data))["asked"] == REFERENCE


@given(data=st.data())
def test_each_line_of_any_boot_is_proven(data: st.DataObject) -> None:
    others = [line("delivery", seq=9, request_id=f"other-{n}", sha256=None) for n in range(40)]
    lines = [line("start"), *others[: data.draw(st.integers(0, 40))], line("delivery")]
    lines += others[: data.draw(st.integers(0, 40))]
    n = next(n for n, each in enumerate(lines, 1) if each.get("request_id") == "b1-2")
    case = Receipt.parse(of(lines, 1, n).render())
    (proven,) = check(case, [KEY])
    assert (proven.size, proven.records[1]["n"]) == (len(lines), n)
