"""Reading a ledger line by line, with a progress bar, and only what seal keys prove."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import cast

from rich.progress import BarColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from hookgate.ledger.audit.proven import Prover
from hookgate.ledger.reading.forked import WorkerError
from hookgate.ledger.reading.reader import Line, read
from hookgate.ledger.reading.scanning import Run, Scan, scan
from hookgate.ledger.reading.sieve import Sieve
from hookgate_cli.common import FAILED, err, fail
from hookgate_cli.offering import offered

from .configured import Keys
from .ledger import Ledger
from .wording import count_of

# Below this a read ends before a bar could be looked at.
_LONG_READ = 32 << 20
_REFRESH = 0.1


@contextmanager
def reading_progress(ledger: Ledger) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal where 32 MiB or more are read.

    Yields what is to be called with the number of bytes read since the last call.
    """
    total = ledger.size
    if total < _LONG_READ or not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (BarColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    # Without a thread of its own, which processes that read would be begun beside.
    with Progress(*columns, console=err, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("reading", total=total)
        shown = monotonic()

        def advance(size: int) -> None:
            nonlocal shown
            bar.update(task, advance=size)
            if (now := monotonic()) - shown >= _REFRESH:
                shown = now
                bar.refresh()

        yield advance


@contextmanager
def reading(
    ledger: Ledger, keys: Keys = (), sieve: Sieve | None = None
) -> Iterator[Iterator[Line]]:
    """Read the lines of a ledger's files, oldest first, with a progress bar; see `reader.read`.

    With keys, which prove each line, nothing is left out, and a line that they do not prove is no
    record; how many there were is printed on stderr after the first reading. Exits with 1 where a
    process that reads for this one ends.
    """
    prover = Prover(keys) if keys else None
    ledger.turn_to(sieve)
    with reading_progress(ledger) as on_progress:
        lines = read(ledger.sources, on_progress, ledger.copies, None if keys else sieve)
        with to_the_end(), closing(lines):
            passed = cast("Iterator[Line]", ledger.pass_on(lines))
            yield passed if prover is None else prover.prove(passed)
    _close(ledger, prover)


@contextmanager
def scanning(ledger: Ledger, by: Scan, keys: Keys = ()) -> Iterator[Iterator[Line | Run]]:
    """Scan the lines of a ledger's files as `reading` reads them; see `scanning.scan`."""
    prover = Prover(keys) if keys else None
    with reading_progress(ledger) as on_progress:
        lines = scan(ledger.sources, by, on_progress, ledger.copies)
        with to_the_end(), closing(lines):
            passed = iter(ledger.pass_on(lines))
            yield passed if prover is None else prover.prove_runs(passed)
    _close(ledger, prover)


@contextmanager
def to_the_end() -> Iterator[None]:
    """Say so, and exit with 1, where a process that reads for this one ends."""
    try:
        yield
    except WorkerError as error:
        fail(f"{error}: the ledger was not read to its end", FAILED)


def _close(ledger: Ledger, prover: Prover | None) -> None:
    ledger.print_copies()
    if prover is not None and prover.left_out and not ledger.unproved:
        ledger.unproved = prover.left_out
        ledger.is_unproven = not prover.has_proved
        _print_left_out(prover.left_out, is_all=ledger.is_unproven)


def _print_left_out(count: int, *, is_all: bool) -> None:
    command = offered("hookgate audit verify")
    if is_all:
        words = (
            f"the seal key proves none of {count_of(count, 'line')}, so nothing counts: another"
            f" key sealed them, or none; {command} says which"
        )
        err.print(words, soft_wrap=True)
        return
    one = "1 line is left out: the seal key does not prove it, or it is a copy;"
    several = f"{count} lines are left out: the seal key does not prove them, or they are copies;"
    err.print(f"{one if count == 1 else several} {command} names them", soft_wrap=True)


def rereader(ledger: Ledger, keys: Keys = ()) -> Callable[..., Iterator[Line]]:
    """Return a function that reads the ledger each time that it is called; see `search.Read`."""

    def lines(sieve: Sieve | None = None) -> Iterator[Line]:
        with reading(ledger, keys, sieve) as read_once:
            yield from read_once

    return lines
