"""Receipts of an event, made from lines of boots whose trees are in memory."""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from hookgate.files import replace_file
from hookgate.proof.checkpoint import Checkpoint
from hookgate.proof.folder import NOTE, Kept, path_of, write_kept
from hookgate.proof.leaves import GrowingLeaves
from hookgate.proof.merkle import hash_leaf, root_of
from hookgate.proof.note import Signer
from hookgate.proof.proving import Anchored, prove_line
from hookgate.proof.receipt import Entry, Receipt

SIGNER = Signer("gate1.example.com/hookgate", bytes(range(32)))
OTHER = Signer("gate2.example.com/hookgate", bytes(range(1, 33)))
REFERENCE = "121c38a5-cf77-424a-9ea9-d6c044a845f8"
BODY = b'{"reference":"%b"}' % REFERENCE.encode()
DIGEST = sha256(BODY).hexdigest()
TIME = 1_796_000_000
Line = dict[str, Any]


def line(kind: str, boot: str = "b1", **members: object) -> Line:
    """A line of an event's; of a delivery with a seq and a request_id."""
    about: Line = {"event": kind, "ts": "2026-11-29T08:00:00.000000Z", "boot": boot}
    if kind in ("forward", "delivery"):
        about |= {"seq": 2, "request_id": f"{boot}-2", "reference": REFERENCE, "sha256": DIGEST}
    if kind == "delivery":
        about |= {"front": "sidecar", "outcome": "delivered", "reason": "clean", "status": 200,
                  "from": "***678", "upstream_status": 204}  # fmt: skip
    if kind == "start":
        about |= {"front": "sidecar", "version": "0.3.0", "policy": "p1", "config": "c1"}
    return {**about, **members}


def usual(boot: str = "b1") -> list[Line]:
    """A boot in which one event is delivered, between two of others; the last line stops it."""
    return [
        line("start", boot),
        line("delivery", boot, seq=1, request_id=f"{boot}-1", sha256="0" * 64, reference="other"),
        line("forward", boot),
        line("delivery", boot, seq=3, request_id=f"{boot}-3", sha256=None, reference=None),
        line("delivery", boot),
        line("stop", boot),
    ]


def raw_lines(lines: Iterable[Line]) -> list[bytes]:
    """The lines as a gate writes them, each with its number, unless it says another."""
    return [
        json.dumps({"n": n, **each}, separators=(",", ":")).encode()
        for n, each in enumerate(lines, 1)
    ]


def anchor(
    raws: list[bytes],
    boot: str = "b1",
    signer: Signer = SIGNER,
    origin: str | None = None,
    time: int = TIME,
) -> Anchored:
    """The boot's tree, and the note of all its lines."""
    leaves = [hash_leaf(raw) for raw in raws]
    checkpoint = Checkpoint(origin or f"{signer.name}/{boot}", len(raws), root_of(leaves))
    note = signer.sign(checkpoint.text, time)
    return Anchored(note, checkpoint, lambda start, end: root_of(leaves[start:end]), None)


def prove(
    lines: Iterable[Line],
    numbers: Iterable[int],
    boot: str = "b1",
    signer: Signer = SIGNER,
    origin: str | None = None,
) -> list[Entry]:
    """The lines of these numbers, each with its proof."""
    raws = raw_lines(lines)
    anchored = anchor(raws, boot, signer, origin)
    return [prove_line(raws[n - 1], n, anchored) for n in numbers]


def receipt(
    entries: Iterable[Entry] | None = None, asked: str = REFERENCE, sha256: str | None = DIGEST
) -> Receipt:
    """A receipt of the usual event, or of these entries."""
    if entries is None:
        entries = prove(usual(), (1, 3, 5))
    return Receipt(asked, sha256, tuple(entries), {})


def edit(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """A receipt's file with another document in it."""
    document = json.loads(data)
    return json.dumps(change(document) or document).encode()


def keep(
    folder: Path, *ledgers: Path, most: int | None = None, gone: int = 0, time: int = TIME
) -> None:
    """Keep what `hookgate anchor` would of these ledgers' boots, of each `most` lines, of which the
    first were `gone` before.
    """
    folder.mkdir(exist_ok=True)
    boots: dict[str, list[bytes]] = {}
    for ledger in ledgers:
        for raw in ledger.read_bytes().splitlines():
            boots.setdefault(json.loads(raw)["boot"], []).append(raw)
    for boot, raws in boots.items():
        raws = [b""] * gone + raws[gone:most]
        write_kept(folder, boot, Kept())
        with GrowingLeaves(folder, boot) as leaves:
            leaves.start_anew()
            leaves.skip(gone)
            leaves.add(b"".join(map(hash_leaf, raws[gone:])))
            leaves.sync()
        write_kept(folder, boot, Kept(len(raws)))
        replace_file(path_of(folder, boot, NOTE), anchor(raws, boot, time=time).note)
