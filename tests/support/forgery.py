"""A sealed ledger of several files and boots, and what somebody without the key can do to it."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.audit.chain import Verification, verify
from hookgate.ledger.audit.witness import LogWitness
from hookgate.ledger.checkpoint import Checkpoint
from hookgate.ledger.reading.reader import find_files, in_order, read
from hookgate.ledger.state import find_states, state_path

from .journal import Book
from .lines import NOON
from .scanned import TINY_SIZES, USUAL_SIZES, scan_for_chains, sized
from .tamper import SEAL, rechain

NAME = "audit.jsonl"
OLD_LEDGERS = Path(__file__).parents[1] / "ledger" / "v0_1_0"
OLD_KEY = (OLD_LEDGERS / "seal.key").read_bytes().strip()


def write_boots(path: Path, boots: str, key: bytes = SEAL) -> None:
    """A boot for each name, each with lines of every kind, rotated in its middle."""
    for name in boots:
        book = Book(path, seal_key=key, boot=f"boot-{name}")
        book.forward(1)
        book.delivered(1)
        rotate(path)
        book.journal.reopen()
        book.refused(2)
        book.refused(3, "duplicate_key")
        book.close(received=3, delivered=1, refused=2)


def rotate(path: Path) -> None:
    """As logrotate does it: the newest becomes .1, that .2 and so on."""
    for number in range(9, 0, -1):
        old = path.with_name(f"{path.name}.{number}")
        if old.exists():
            old.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))


def make_ledgers(folder: Path, key: bytes = SEAL) -> Path:
    """Two workers' ledgers, of three boots and of one; returns the path that names them."""
    write_boots(folder / NAME, "abc", key)
    write_boots(folder / "audit.1.jsonl", "z", key)
    return folder / NAME


def look(
    path: Path, keys: tuple[bytes, ...] = (SEAL, OLD_KEY), log: Sequence[Checkpoint] = ()
) -> Verification:
    """Verify everything there is, as `hookgate audit verify` does without a FILE, against the log
    if there is one: it finds what a walk line by line finds.
    """
    files = in_order(find_files(path))
    found = verify(read(files), keys, find_states(path), remember(log, files))
    for sizes in (USUAL_SIZES, TINY_SIZES):
        with sized(*sizes):
            witness = remember(log, files)
            lines = scan_for_chains(files, keys, witness)
            assert verify(lines, keys, find_states(path), witness) == found
    return found


def remember(log: Sequence[Checkpoint], files: Sequence[Path] = ()) -> LogWitness | None:
    """What a log saw, None where there is none."""
    if not log:
        return None
    witness = LogWitness([file.name for file in files])
    for checkpoint in log:
        witness.add(checkpoint, "the log")
    witness.end()
    return witness


def copy(source: Path, folder: Path) -> Path:
    """The ledger of a folder in another, to be changed."""
    shutil.copytree(source.parent, folder, dirs_exist_ok=True)
    return folder / source.name


def delivered(**fields: object) -> bytes:
    """A line that says that an event was delivered, made by hand."""
    record = {
        "event": "delivery", "ts": NOON, "boot": "boot-forged", "seq": 1, "front": "sidecar",
        "request_id": "forged-1", "outcome": "delivered", "reason": "clean", "status": 200,
        "reference": "forged", "sha256": "0" * 64, "upstream_ms": 1.0, "duration_ms": 1.0,
    }  # fmt: skip
    return json.dumps({**record, **fields}, separators=(",", ":")).encode() + b"\n"


NEW = {"n": 1, "prev": "", "mac": "0" * 64}
OLD = {"prev": ""}


class Forgery(NamedTuple):
    """What is done to a copy of the ledger at a path, and in words."""

    name: str
    do: Callable[[Path], object]


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _old(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _first(path: Path, line: bytes) -> None:
    path.write_bytes(line + path.read_bytes())


def _last(path: Path, line: bytes) -> None:
    path.write_bytes(path.read_bytes() + line)


def _delete(*files: Path) -> None:
    for file in files:
        file.unlink()


def _cut_and_rewrite(path: Path) -> None:
    *before, last = _lines(path)[:-2]
    path.write_bytes(b"".join(before) + last.replace(b'"reason":"', b'"reason":"x'))


def _rewrite_stop(path: Path) -> None:
    *before, stop = _lines(path)
    path.write_bytes(b"".join(before) + stop.replace(b'"received":3', b'"received":4'))


def _swap(path: Path) -> None:
    one, other = _old(path, 1), _old(path, 2)
    first, second = one.read_bytes(), other.read_bytes()
    # The names do not matter: what came first is told by its time. So these are made to lie.
    stamp = json.loads(second.splitlines()[0])["ts"].encode()
    one.write_bytes(second.replace(stamp, b"2099" + stamp[4:], 1))
    other.write_bytes(first)


def _strip_macs(path: Path) -> None:
    for file in find_files(path):
        file.write_bytes(b"".join(line.partition(b',"mac":"')[0] + b"}\n" for line in _lines(file)))


def _downgrade(path: Path) -> None:
    """As version 0.1.0 would have written it, without a key."""

    for file in find_files(path):
        records = [json.loads(line) for line in _lines(file)]
        for record in records:
            for name in ("n", "mac", "key", "follows"):
                record.pop(name, None)
        bare = [json.dumps(record, separators=(",", ":")).encode() for record in records]
        file.write_bytes(b"\n".join(rechain(bare)) + b"\n")


FOUND = [
    Forgery("a new boot first in a rotated file", lambda p: _first(_old(p, 2), delivered(**NEW))),
    Forgery(
        "a new boot in a file of its own", lambda p: _old(p, 8).write_bytes(delivered(**NEW))
    ),
    Forgery("an old boot first in a rotated file", lambda p: _first(_old(p, 2), delivered(**OLD))),
    Forgery(
        "an old boot in a file of its own", lambda p: _old(p, 8).write_bytes(delivered(**OLD))
    ),
    Forgery("the last two lines cut, the one left rewritten", _cut_and_rewrite),
    Forgery("stop rewritten", _rewrite_stop),
    Forgery("the newest file deleted", lambda p: p.unlink()),
    Forgery("a rotated file deleted", lambda p: _old(p, 2).unlink()),
    Forgery("the last of a boot and the first of the next file deleted",
            lambda p: _delete(_old(p, 1), _old(p, 2))),
    Forgery("rotated files swapped", _swap),
    Forgery("a boot of one line appended", lambda p: _last(p, delivered(**NEW))),
    Forgery("an old boot of one line appended", lambda p: _last(p, delivered(**OLD))),
    Forgery(
        "nginx's line in a file of its own",
        lambda p: _old(p, 8).write_bytes(delivered(front="nginx", boot=None)),
    ),
    Forgery("nginx's line appended", lambda p: _last(p, delivered(front="nginx", boot=None))),
    Forgery("every seal taken off", _strip_macs),
    Forgery("all made anew in the old format", _downgrade),
    Forgery("the state file deleted", lambda p: _delete(state_path(p))),
    Forgery(
        "all files of a worker deleted but its state file",
        lambda p: _delete(*(file for file in find_files(p) if file.name.startswith("audit.1."))),
    ),
    Forgery("the stop cut", lambda p: p.write_bytes(b"".join(_lines(p)[:-1]))),
    Forgery(
        "the newest file and the state file deleted",
        lambda p: _delete(p, state_path(p)),
    ),
]  # fmt: skip
