"""Does a receipt hold? From its bytes and public keys alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hookgate.ledger.members import fault
from hookgate.ledger.record import Record

from .checkpoint import Checkpoint
from .merkle import hash_leaf, is_included
from .note import NoteError, UnknownSignerError, Verifier, open_note
from .receipt import ANEW, LONGEST_BOOT, Entry, Receipt, ReceiptError
from .strict_json import load_object

_OF_DELIVERY = ("forward", "delivery")
_ANOTHER_KEY = "ask the gate's owner for the key that it signed with then, and give that to --key"
_KINDS = ("start", *_OF_DELIVERY, "released")


@dataclass(frozen=True, slots=True)
class Proven:
    """The lines of one boot that the holder of a key had when it signed a note of them.

    `by` is the key's name, `size` the number of lines that the boot had then. `time` is by the
    signer's own clock, in seconds since 1970; None where no signature tells one.
    """

    boot: str
    by: str
    size: int
    time: int | None
    note: bytes
    records: tuple[Record, ...]


class _Head(NamedTuple):
    note: bytes
    by: str
    time: int | None
    checkpoint: Checkpoint


def check(receipt: Receipt, verifiers: Sequence[Verifier]) -> list[Proven]:
    """Return what a receipt proves, by boot in its order. Raises `ReceiptError` where it has a line
    that is not proven, or that is not about the event.
    """
    heads: dict[str, _Head] = {}
    lines: dict[str, list[Record]] = {}
    last: tuple[str, int] | None = None
    for number, entry in enumerate(receipt.entries, 1):
        try:
            record = _record(entry)
            boot, index = record["boot"], entry.proof.index
            if last is not None and boot == last[0]:
                if index <= last[1]:
                    raise ReceiptError("not after the line before it")
            elif boot in heads:
                raise ReceiptError("its boot's other lines are not beside it")
            else:
                heads[boot] = _open(entry.proof.note, boot, verifiers)
            _check_proof(entry, heads[boot])
        except ValueError as error:
            mend = error.mend if isinstance(error, ReceiptError) else ANEW
            raise ReceiptError(f"line {number}: {error}", mend) from None
        lines.setdefault(boot, []).append(record)
        last = boot, index
    if stray := sorted(receipt.stamps.keys() - heads):
        raise ReceiptError(f"a stamp is of a boot that has no line here: {stray[0]!r}")
    check_event(receipt, [record for records in lines.values() for record in records])
    return [
        Proven(boot, head.by, head.checkpoint.size, head.time, head.note, tuple(lines[boot]))
        for boot, head in heads.items()
    ]


def read_records(receipt: Receipt) -> list[Record]:
    """Read a receipt's lines; their proofs are not looked at. Raises `ReceiptError`."""
    try:
        return [_record(entry) for entry in receipt.entries]
    except ValueError as error:
        raise ReceiptError(str(error)) from None


def check_event(receipt: Receipt, records: Sequence[Record]) -> None:
    """Check that its lines, with these records, are of one event, and that the one which is named.

    Raises `ReceiptError`.
    """
    told = [record for record in records if record["event"] in _OF_DELIVERY]
    if not told:
        raise ReceiptError("it has no line of a delivery")
    # After a fault a delivery does not tell its body; its `forward` does.
    ids = {_identity(record) for record in told if record.get("sha256") == receipt.sha256}
    if receipt.sha256 is None and len(ids) > 1:
        raise ReceiptError("it has lines of several deliveries, and no body that they share")
    if len({_identity(record) for record in told}) > len({_request(record) for record in told}):
        raise ReceiptError("lines of one request have several numbers (seq)")
    for record in records:
        digest = record.get("sha256")
        is_about = digest == receipt.sha256 if digest else _identity(record) in ids
        if record["event"] != "start" and not is_about:
            place = f"line {record['n']} of boot {record['boot']!r}"
            raise ReceiptError(f"{place} is not about the body that was asked for")
    if receipt.asked not in names_of(records):
        raise ReceiptError("no line of it has the name that is said to have been asked for")


def names_of(records: Iterable[Record]) -> set[str]:
    """Return the names that an event with these lines may be asked for by."""
    found: set[str] = set()
    for record in records:
        if record["event"] == "start":
            continue
        members = ("reference", "event_reference", "request_id", "sha256")
        names = (*map(record.get, members), *(record.get("names") or ()))
        found.update(name for name in names if name)
    return found


def _record(entry: Entry) -> Record:
    record = load_object(entry.line.decode())
    kind, boot, n = map(record.get, ("event", "boot", "n"))
    if kind not in _KINDS:
        raise ReceiptError("of a kind that is not about one event")
    if wrong := fault(record):
        raise ReceiptError(wrong)
    if type(boot) is not str or not 0 < len(boot) <= LONGEST_BOOT:
        raise ReceiptError('it has no "boot"')
    if n != entry.proof.index + 1 or (kind == "start") != (n == 1):
        raise ReceiptError(f'its "n" is not that of leaf {entry.proof.index}')
    if kind in _OF_DELIVERY and None in map(record.get, ("seq", "request_id")):
        raise ReceiptError('it has no "seq" or no "request_id"')
    return record


def _open(note: bytes, boot: str, verifiers: Sequence[Verifier]) -> _Head:
    try:
        opened = open_note(note, verifiers)
        checkpoint = Checkpoint.parse(opened.text)
    except UnknownSignerError as error:
        raise ReceiptError(f"its note: {error}", _ANOTHER_KEY) from None
    except NoteError as error:
        raise ReceiptError(f"its note: {error}") from None
    if checkpoint.origin != f"{opened.by.name}/{boot}":
        raise ReceiptError("its note is of another boot, or of another gate's tree")
    return _Head(note, opened.by.name, opened.time, checkpoint)


def _check_proof(entry: Entry, head: _Head) -> None:
    proof, checkpoint = entry.proof, head.checkpoint
    if proof.note != head.note:
        raise ReceiptError("its boot has another note in the line before it")
    if proof.index >= checkpoint.size:
        raise ReceiptError(f"its note is older: it covers {checkpoint.size} lines of the boot")
    leaf = hash_leaf(entry.line)
    if not is_included(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise ReceiptError("not in the tree that was signed: the line or its proof was altered")


def _request(record: Record) -> tuple[object, ...]:
    return record["boot"], record["request_id"]


def _identity(record: Record) -> tuple[object, ...]:
    """What a delivery and its `forward` have in common."""
    return tuple(map(record.get, ("boot", "seq", "request_id")))
