"""Ledger files as rotation, runtimes and people leave them."""

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import zstandard

from .journal import Book

STAMP = "2026-11-28T12:00:00.000000000Z"
Change = Callable[[bytes], bytes]


def docker(data: bytes) -> bytes:
    """As Docker's json-file driver keeps it, hookgate's log between its lines."""
    log = '{"event": "gate.started", "level": "info", "timestamp": "2026-11-28T12:00:00Z"}\n'
    rows = [{"log": log, "stream": "stderr", "time": STAMP}]
    for line in data.decode().splitlines(keepends=True):
        halves = (line,) if len(rows) % 2 else (line[:100], line[100:])
        rows += [{"log": half, "stream": "stdout", "time": STAMP} for half in halves]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def cri(data: bytes) -> bytes:
    """As containerd and CRI-O keep it: long lines come in parts."""
    rows = [b'stderr F {"event":"gate.started"}']
    for line in data.splitlines():
        rows += [b"stdout P " + line[:80], b"stdout F:tag " + line[80:]]
    return b"".join(STAMP.encode() + b" " + row + b"\n" for row in rows)


def journal(data: bytes) -> bytes:
    """As `journalctl -o json` prints it: every other message as the numbers of its bytes."""
    systemd = {"MESSAGE": "Started hookgate.service.", "SYSLOG_IDENTIFIER": "systemd", "_PID": "1"}
    rows: list[dict[str, object]] = [dict(systemd)]
    for number, line in enumerate(data.splitlines()):
        message = list(line) if number % 2 else line.decode()
        rows.append({"MESSAGE": message, "_TRANSPORT": "stdout", "SYSLOG_IDENTIFIER": "hookgate"})
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def prefixed(data: bytes) -> bytes:
    """As `journalctl -u hookgate` prints it."""
    rows = [b"-- Boot 2f --", b"Nov 28 12:00:00 gate systemd[1]: Started hookgate.service."]
    rows += [b"Nov 28 12:00:00 gate hookgate[77]: " + line for line in data.splitlines()]
    return b"\n".join(rows) + b"\n"


def windows(data: bytes) -> bytes:
    """A byte order mark, and CRLF line ends."""
    return b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")


def zstd(data: bytes) -> bytes:
    """Two frames, after one that holds no data."""
    compress = zstandard.ZstdCompressor().compress
    return b"\x50\x2a\x4d\x18\4\0\0\0skip" + compress(data[:500]) + compress(data[500:])


def utf16(data: bytes) -> bytes:
    return data.decode().encode("utf-16")


COMPRESSED: dict[str, Change] = {
    "gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zstd,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}  # fmt: skip
WRAPPED: dict[str, Change] = {
    "Docker": docker, "CRI": cri, "journald": journal, "a text": prefixed, "CRLF": windows,
}  # fmt: skip


def write_boot(path: Path, key: bytes, boot: str) -> None:
    """One run that balances: four requests, of which one was delivered."""
    book = Book(path, seal_key=key, boot=boot)
    book.forward(1)
    book.delivered(1)
    for seq in (2, 3, 4):
        book.refused(seq)
    book.close(received=4, delivered=1, refused=3)


def make(path: Path, key: bytes = b"") -> None:
    """A ledger of many files: what can be read of it is whole, and four files are not."""
    changes: list[tuple[str, Change]] = [
        (".9.xz", lzma.compress),
        ("-20261119.zst", zstd),
        (".0.bz2", bz2.compress),
        (".2026-11-20", bytes),
        (".old", windows),
        (".6", docker),
        (".5", lambda data: gzip.compress(cri(data))),
        ("-20261122-1700000000", journal),
        (".3.gz", lambda data: gzip.compress(data)[:-60]),
        (".2", lambda data: data.replace(b'"seq":3', b'"se', 1)),
        (".1", utf16),
    ]
    for number, (ending, change) in enumerate(changes):
        write_boot(path, key, f"boot-{number}")
        data = path.read_bytes()
        path.unlink()
        path.with_name(path.name + ending).write_bytes(change(data))
        if ending == ".2026-11-20":
            path.with_name(path.name + ending + ".gz").write_bytes(gzip.compress(data))
    write_boot(path, key, "boot-z")
    path.with_name(f"{path.stem} (copy){path.suffix}").write_bytes(path.read_bytes()[:-30])
    with zipfile.ZipFile(path.with_name(path.name + ".4.zip"), "w") as archive:
        archive.writestr("ledger", "lines")
    path.with_name(path.name + ".sha256").write_text("0" * 64 + "  ledger\n")
    path.with_name(path.name + ".8").symlink_to("gone")
