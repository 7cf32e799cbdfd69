"""What a chain, a seal, checkpoints and notes each find and do not find: docs/audit.md."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.reading.reader import find_files, in_order
from hookgate.ledger.record import Record
from hookgate.ledger.seal import Seal, close
from hookgate.ledger.state import LastLine, state_path, write_state

from .forgery import NAME, OLD_LEDGERS, make_ledgers, write_boots
from .journal import Book

Alter = Callable[[Record], Record | None]
CHAIN, KEY, LOG, NOTE = "chain", "seal", "checkpoint", "note"


class Change(NamedTuple):
    """What is done to a ledger with this key, or none, in words, and by what it is found."""

    name: str
    do: Callable[[Path, bytes], object]
    found_by: tuple[str, ...] = ()


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _old(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def remake(path: Path, key: bytes, change: Alter) -> None:
    """Change every record of the ledgers in a folder, leave out those that become none, and make
    everything anew that names a line, with the key.
    """
    seal = Seal(key) if key else None
    for ledger in (path, path.with_name("audit.1.jsonl")):
        end: LastLine | None = None
        tips: dict[str, tuple[int, str]] = {}
        for file in in_order(f for f in path.parent.glob(f"{ledger.name}*") if f.suffix != ".new"):
            made: list[bytes] = []
            for line in _lines(file):
                record = change(json.loads(line))
                if record is None:
                    continue
                boot = record["boot"]
                n, record["prev"] = tips.get(boot, (0, ""))
                record["n"] = n + 1
                record.pop("mac", None)
                if record["event"] == "start":
                    record["previous_line"] = sha256(made[-1]).hexdigest() if made else ""
                    record["follows"] = str(end) if end is not None else ""
                raw = json.dumps(record, separators=(",", ":")).encode()
                digest = seal.mac(raw[:-1]) if seal is not None else sha256(raw).hexdigest()
                made.append(close(raw, digest) if seal is not None else raw)
                tips[boot] = n + 1, digest
                end = LastLine(boot, n + 1, digest)
            file.write_bytes(b"".join(line + b"\n" for line in made))
            if not made:
                file.unlink()
        if end is not None:
            write_state(state_path(ledger), ledger.name, end, seal)


def edited(record: Record) -> Record:
    """A refusal becomes another one."""
    if record.get("reason") == "malformed_json":
        record["reason"] = "not_utf8"
    return record


def _without_b(record: Record) -> Record | None:
    return None if record["boot"] == "boot-b" else record


def _crash(path: Path, key: bytes, cut: int, after: int = 0) -> None:
    """A boot that a checkpoint saw after four lines, `after` lines later killed, and cut."""
    write_boots(path, "a", key)
    book = Book(path, seal_key=key, boot="boot-b")
    for seq in (1, 2, 3):
        book.refused(seq)
    book.checkpoint()
    for seq in range(4, 4 + after):
        book.refused(seq)
    state, lines = state_path(path).read_bytes(), _lines(path)
    book.journal._file.close()
    state_path(path).write_bytes(state)
    path.write_bytes(b"".join(lines[:-cut]))


def _crash_and_start(path: Path, key: bytes) -> None:
    _crash(path, key, cut=2)
    Book(path, seal_key=key, boot="boot-c").close()


def _put_back(path: Path, key: bytes) -> None:
    write_boots(path, "a", key)
    kept = {file: file.read_bytes() for file in path.parent.iterdir()}
    write_boots(path, "b", key)
    for file in path.parent.iterdir():
        file.unlink()
    for file, content in kept.items():
        file.write_bytes(content)


def _delete_all(path: Path, key: bytes) -> None:
    make_ledgers(path.parent, key)
    for file in path.parent.glob("audit.1.*"):
        file.unlink()


def _delete_oldest(path: Path, key: bytes) -> None:
    write_boots(path, "ab", key)
    _old(path, 2).unlink()
    _old(path, 1).write_bytes(b"".join(_lines(_old(path, 1))[2:]))


def _remade(change: Alter, *, by_key: bool = False) -> Callable[[Path, bytes], None]:
    def do(path: Path, key: bytes) -> None:
        make_ledgers(path.parent, key)
        remake(path, key if by_key else b"", change)

    return do


def _renamed(record: Record) -> Record:
    return {**record, "boot": record["boot"].replace("boot-", "made-up-")}


def _move_borders(path: Path, key: bytes) -> None:
    write_boots(path, "ab", key)
    first, *rest = _lines(path)
    _old(path, 1).write_bytes(_old(path, 1).read_bytes() + first)
    path.write_bytes(b"".join(rest).removesuffix(b"\n"))
    _old(path, 2).rename(_old(path, 7))


def _leave_scraps(path: Path, key: bytes) -> None:
    write_boots(path, "ab", key)
    write_boots(path.with_name("audit.1.jsonl"), "z", key)
    oldest = path.with_name("audit.1.jsonl.1")
    oldest.write_bytes(b"\n" + oldest.read_bytes())
    path.write_bytes(path.read_bytes() + b'{"event":"deliv')


def _pass_through_windows(path: Path, key: bytes) -> None:
    write_boots(path, "ab", key)
    for file in find_files(path):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))


def _rewrite_last_of_old(path: Path, key: bytes) -> None:
    old = OLD_LEDGERS / ("sealed" if key else "plain") / NAME
    path.write_bytes(old.read_bytes().replace(b'"received":4', b'"received":5'))


# In the words of docs/audit.md.
UNSEEN = [
    Change(
        "the newest lines cut off, down to the last start or rotation",
        lambda path, key: _crash(path, key, cut=2),
        (LOG, NOTE),
    ),
    Change(
        "the newest lines cut off that were written after the last checkpoint",
        lambda path, key: _crash(path, key, cut=2, after=2),
    ),
    Change(
        "the last lines of a crashed boot cut off before the next start",
        _crash_and_start,
        (LOG, NOTE),
    ),
    Change(
        "the ledger and its state file put back as they were at an earlier time",
        _put_back,
        (LOG, NOTE),
    ),
    Change("all files of a ledger deleted, its state file too", _delete_all, (LOG, NOTE)),
    Change("the oldest lines and files deleted", _delete_oldest),
    Change("a line edited, and the chain made anew", _remade(edited), (KEY, LOG, NOTE)),
    Change("a boot taken out, and the chain made anew", _remade(_without_b), (KEY, LOG, NOTE)),
    Change(
        "all files replaced by others, made without the key", _remade(_renamed), (KEY, LOG, NOTE)
    ),
    Change("the same, by somebody who has the seal key", _remade(edited, by_key=True), (LOG, NOTE)),
    Change("files renamed, or divided at other lines", _move_borders),
    Change("an empty line at the top of a file, a torn one at its end", _leave_scraps),
    Change("line ends made CRLF, a byte order mark put first", _pass_through_windows),
    Change("the last line of a boot of version 0.1.0 rewritten", _rewrite_last_of_old),
]
