"""Ledger files sifted by a process on each core, and their lines in the order in which they stand.

A process takes every second stretch of what holds its lines as they are, and whole files that are
compressed or wrapped.
"""

import os
import pickle
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from errno import ECHILD
from typing import NamedTuple

from .decoding import BUFFER, DAMAGE
from .sieve import Sieve, Sifted, sift
from .source import LONGEST_LINE, Source, Stream, without_end
from .wrappers import Numbered

# Below this a process more is not worth its beginning.
_LARGE = 16 << 20
_STRETCH = 32 << 20
# Progress is told at least as often as so many bytes were read.
_TOLD = 4 << 20
_WRAPPED = 4096
# A process holds so many bytes of what it found before it waits to be read.
_HELD = 32 << 20
_WRITTEN = 1 << 16


class Stretch(NamedTuple):
    """Whole lines of a file: those from one byte to another, or to its end where that is None."""

    source: Source
    begin: int = 0
    end: int | None = None


class SiftedStream:
    """The lines of a source that are to be seen; `passed` is the number of the last one read."""

    def __init__(
        self, source: Source, sifted: Iterator[Sifted], sieve: Sieve, tell: Callable[[int], None]
    ) -> None:
        self.passed = 0
        self._source, self._sifted, self._sieve, self._tell = source, sifted, sieve, tell

    def lines(self) -> Iterator[Numbered]:
        """Yield each line with its number from 1, as `Stream.lines` does."""
        for lines, count, size in self._sifted:
            yield from (line for line in lines if line[0] > self._source.skipped)
            self.passed += count
            self._sieve.unseen += count - len(lines)
            self._tell(size)

    def position(self) -> int:
        """Return 0: how much was read is told as it is."""
        return 0

    def end_line(self) -> None:
        """Do nothing: the rest of a line that is too long was left out."""


class Ahead:
    """Sources that are sifted, by processes of their own where that is worth it."""

    def __init__(self, sources: Sequence[Source], sieve_of: Callable[[Source], Sieve]) -> None:
        self._sieve_of = sieve_of
        size = sum(source.path.stat().st_size for source in sources if source.path.exists())
        cores = len(os.sched_getaffinity(0)) if size >= _LARGE else 1
        self._stretches = [part for source in sources for part in _cut(source)]
        self._workers: list[_Worker] = []
        if cores > 1 and len(self._stretches) > 1:
            for number in range(min(cores, len(self._stretches))):
                mine = list(enumerate(self._stretches))[number::cores]
                self._workers.append(_Worker(mine, sieve_of))

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.end()

    def sifted(self, source: Source) -> Iterator[Sifted]:
        """Yield the lines of a source, sifted. Sources are asked for in their order."""
        passed = 0
        for number, stretch in enumerate(self._stretches):
            if stretch.source.name == source.name:
                before = passed
                for lines, count, size in self._sift(number, stretch):
                    passed += count
                    yield Sifted([(before + n, line) for n, line in lines], count, size)

    def _sift(self, number: int, stretch: Stretch) -> Iterator[Sifted]:
        if self._workers:
            return self._workers[number % len(self._workers)].receive(number)
        return _sift(stretch, self._sieve_of(stretch.source))


class _Worker:
    """A process that sifts stretches, and what it found of them."""

    def __init__(
        self, stretches: list[tuple[int, Stretch]], sieve_of: Callable[[Source], Sieve]
    ) -> None:
        out, into = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            # Ctrl-C reaches it too, and its parent ends it then. A pipe that nobody reads does so.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            try:
                os.close(out)
                outbox = _Outbox(into)
                for number, stretch in stretches:
                    _send(outbox, number, _sift(stretch, sieve_of(stretch.source)))
                outbox.write()
            finally:
                os._exit(0)
        os.close(into)
        self._pipe = os.fdopen(out, "rb")

    def receive(self, number: int) -> Iterator[Sifted]:
        while True:
            try:
                of, found = pickle.load(self._pipe)  # noqa: S301  # from a process of ours
            except EOFError:
                raise OSError(ECHILD, "the process that read it was ended") from None
            if of != number:
                continue  # of what a file before it holds too
            if found is None:
                return
            if isinstance(found, Exception):
                raise found
            yield found

    def end(self) -> None:
        self._pipe.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


@contextmanager
def read_ahead(
    sources: Sequence[Source], sieve_of: Callable[[Source], Sieve]
) -> Iterator[Callable[[Source], Iterator[Sifted]]]:
    """Sift sources until the block ends, each by a sieve of its own."""
    ahead = Ahead(sources, sieve_of)
    try:
        yield ahead.sifted
    finally:
        ahead.close()


def _cut(source: Source) -> Iterator[Stretch]:
    """Cut a source into stretches that begin with a line."""
    begin = 0
    if source.is_seekable:
        with ExitStack() as opened:
            try:
                file = opened.enter_context(source.path.open("rb"))
                size = os.fstat(file.fileno()).st_size
            except OSError:  # it was there a moment ago
                size = 0
            while size - begin > 2 * _STRETCH:
                file.seek(begin + _STRETCH)
                file.readline()
                yield Stretch(source, begin, file.tell())
                begin = file.tell()
    yield Stretch(source, begin)


def _sift(stretch: Stretch, sieve: Sieve) -> Iterator[Sifted]:
    source, begin, end = stretch
    if source.wrapper is not None:
        with source.open() as stream:
            yield from _sift_lines(stream, sieve)
    elif begin or end is not None:
        with source.path.open("rb", buffering=BUFFER) as file:
            file.seek(begin)
            yield from sift(file, sieve, None if end is None else end - begin)
    else:
        with source.open() as stream:
            told = 0
            for lines, count, _ in sift(stream.text, sieve):
                position = stream.position()
                yield Sifted(lines, count, position - told)
                told = position


def _sift_lines(stream: Stream, sieve: Sieve) -> Iterator[Sifted]:
    lines: list[Numbered] = []
    last, told, is_seen = 0, 0, True
    for number, line in stream.lines():
        if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
            stream.end_line()
        is_left_out = sieve.leaves_out(without_end(line))
        if is_seen or not is_left_out:
            lines.append((number, line))
        is_seen = not is_left_out
        if number - last >= _WRAPPED:
            position = stream.position()
            yield Sifted(lines, number - last, position - told)
            lines, last, told = [], number, position
    yield Sifted(lines, 0, stream.position() - told)


class _Outbox:
    """What a process found, held while its reader is busy with what another found."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd, self._held = fd, bytearray()

    def put(self, of: int, found: Sifted | Exception | None) -> None:
        self._held += pickle.dumps((of, found), -1)
        self.write(_HELD)

    def write(self, most: int = 0) -> None:
        """Write what is taken at once, and wait until no more than so many bytes are held."""
        while self._held:
            try:
                del self._held[: os.write(self._fd, self._held[:_WRITTEN])]
            except BlockingIOError:
                if len(self._held) <= most:
                    return
                select.select((), (self._fd,), ())


def _send(outbox: _Outbox, of: int, sifted: Iterator[Sifted]) -> None:
    passed = size = 0
    damage = None
    try:
        for part in sifted:
            passed, size = passed + part.passed, size + part.size
            if part.lines or size >= _TOLD:
                outbox.put(of, Sifted(part.lines, passed, size))
                passed = size = 0
    except DAMAGE as error:
        damage = error
    outbox.put(of, Sifted([], passed, size))
    outbox.put(of, damage)
