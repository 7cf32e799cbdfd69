"""Measure `hookgate audit verify` and `balance` on large ledgers: plain, sealed and compressed.

    python bench/ledger_proof.py [--lines 2000000] [--dir DIRECTORY] [--compressed]

Needs about 1,300 bytes of disk a line, and gzip, xz and zstd for `--compressed`. Each row has
lines a second, and seconds of processors; `grep -c` on the same files stands beside.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.ledger import measure
from bench.synthetic_ledger import make_all

from hookgate.ledger.seal import Seal, close

KEY = b"0123456789abcdef0123456789abcdef"
_AUDIT = (sys.executable, "-m", "hookgate_cli", "audit")
_COMPRESSED = {
    ".gz": (("gzip", "-1k"), ("gzip", "-dc")),
    ".zst": (("zstd", "-qk"), ("zstd", "-dcq")),
    ".xz": (("xz", "-0k", "-T0"), ("xz", "-dc")),
}


def compare(title: str, files: list[Path], lines: int, *more: str) -> None:
    """Print a row for `balance` and `verify` of a ledger, and for `grep -c` of its files.

    Raises AssertionError where one of them says something else than that all is well.
    """
    names = [str(file) for file in files]
    unpack = _COMPRESSED[files[0].suffix][1] if files[0].suffix in _COMPRESSED else ("cat",)
    rows = {
        "grep -c": ("sh", "-c", f"{' '.join((*unpack, *names))} | grep -c ."),
        "balance": (*_AUDIT, "balance", "--json", *more, *names),
        "verify": (*_AUDIT, "verify", "--json", *more, *names),
    }
    for verb, command in rows.items():
        run = measure(*command)
        said = json.loads(run.output)
        assert said == lines if verb == "grep -c" else said.get("balances") or said.get("holds")
        print(
            f"{title:9} {verb:8} {run.seconds:8.2f} s {lines / run.seconds:11,.0f} lines/s"
            f" {run.effort:8.2f} s of processors {run.peak:6} MiB",
            flush=True,
        )


def seal_file(file: Path, into: Path) -> None:
    """Write the same ledger with seals, as a gate with the key would have written it."""
    with file.open("rb") as plain, into.open("wb") as sealed:
        sealed.writelines(_seal(plain))


def _seal(lines: Iterator[bytes]) -> Iterator[bytes]:
    seal = Seal(KEY)
    last = mac = b""
    for line in lines:
        if line.startswith(b'{"event":"start"'):
            mac = b""
            found = b'"previous_line":"%b"' % (sha256(last).hexdigest().encode() if last else b"")
            begin, _, rest = line.partition(b'"previous_line":"')
            line = begin + found + rest[rest.index(b'"') + 1 :]
        head = line[: line.rindex(b'"prev":"')] + b'"prev":"%b"}' % mac
        mac = seal.mac(head[:-1]).encode()
        last = close(head, mac.decode())
        yield last + b"\n"


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--compressed", action="store_true")
    parser.add_argument("--dir", type=Path, help="where to write them (removed afterwards)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookgate-bench-", dir=arguments.dir) as made:
        folder = Path(made)
        files, _ = make_all(folder, arguments.lines)
        lines = int(measure("sh", "-c", f"cat {made}/*.jsonl | wc -l").output)
        print(f"{lines:,} lines, {sum(f.stat().st_size for f in files) / 1e9:.2f} GB,", end=" ")
        print(f"{len(os.sched_getaffinity(0))} cores")
        compare("plain", files, lines)
        if arguments.compressed:
            for suffix, (command, _) in _COMPRESSED.items():
                subprocess.run((*command, *map(str, files)), check=True)
                packed = [file.with_name(file.name + suffix) for file in files]
                compare(suffix, packed, lines)
                for file in packed:
                    file.unlink()
        key = folder / "seal.key"
        key.write_bytes(KEY + b"\n")
        sealed = [folder / f"sealed.{file.name}" for file in files]
        for file, into in zip(files, sealed, strict=True):
            seal_file(file, into)
            file.unlink()
        compare("sealed", sealed, lines, "--seal-key", str(key))


if __name__ == "__main__":
    main()
