"""Boots of a store written into a few compressed files, for whoever reads nothing but files."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from hookgate.ledger.reading.forked import ahead

from .error import StoreError
from .reader import Row
from .stored import StoredBoot

# More files than there are cores, of about the same size, so that each core has something to do.
_FILES = 8
_FAILED = -1


def spool(
    sources: Sequence[StoredBoot], folder: Path, on_progress: Callable[[int], None]
) -> list[Path] | None:
    """Write the lines of sources into files there, as zstd, by a process on each core.

    None where a part of them is not as its gate said, or cannot be read or written: whoever reads
    line by line says what it is. `on_progress` is told of bytes of text. Raises `WorkerError` where
    a process ends before its work.
    """
    groups: list[list[StoredBoot]] = [[] for _ in range(min(_FILES, len(sources)))]
    sizes = [0] * len(groups)
    for source in sorted(sources, key=lambda source: source.size, reverse=True):
        least = sizes.index(min(sizes))
        groups[least].append(source)
        sizes[least] += source.size
    files = [folder / f"{number}.jsonl.zst" for number in range(len(groups))]
    tasks = [partial(_write, *task) for task in zip(files, groups, strict=True)]
    with ahead(tasks, forking=len(tasks) > 1) as results:
        for number in range(len(tasks)):
            for size in results(number):
                if size == _FAILED:
                    return None
                on_progress(size)
    return files


def _write(file: Path, sources: Sequence[StoredBoot]) -> Iterator[int]:
    try:
        with file.open("wb") as stream:
            for source in sources:
                mark = b'"boot":"%b"' % source.part.boot.encode()
                for row in source.rows():
                    if not _is_of(row, mark):
                        yield _FAILED
                        return
                    # Frames that follow one another are a file.
                    stream.write(row.body)
                    yield row.size
    except (OSError, StoreError):
        yield _FAILED


def _is_of(row: Row, mark: bytes) -> bool:
    """Whether each line is of the boot, spelled as gates do."""
    raw = row.raw or b""
    return raw.count(mark) == row.lines == raw.count(b'"boot"')
