"""What the audit verbs share: which files they read, and how a long read shows."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from hookgate.config.key_files import read_seal_keys
from hookgate.config.layers import gather
from hookgate.config.network_lists import allowed_ranges
from hookgate.ledger.findings import Finding
from hookgate.ledger.proven import Prover, is_unproved
from hookgate.ledger.reader import Line, is_damage, read
from hookgate.ledger.state import find_states
from hookgate.networks.range_set import RangeSet
from hookgate_cli.common import FINDING, err, fail, out, plain_errors
from hookgate_cli.terminal import printable

from .ledger import Ledger, configured_ledger

Keys = tuple[bytes, ...]

# Below this a read ends before a bar could be looked at.
_LONG_READ = 32 << 20
_WITHOUT_SEAL = ("unproved", "unsealed")
# More findings than that nobody reads.
_MOST_TOLD = 50

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...",
        help="Ledgers, compressed ones too, or - for standard input; else audit.path with its"
        " rotated and workers' files.",
    ),
]

LogOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="A ledger, or - for standard input, as often as needed; else audit.path with its"
        " rotated and workers' files.",
    ),
]

SealKeyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--seal-key",
        metavar="FILE",
        help="Keys that seal lines, one a line, as often as needed; else audit.seal_key_file.",
    ),
]


def source_ranges(config: str | None) -> RangeSet:
    """The ranges that may send by the configuration of now."""
    return allowed_ranges(gather(config))


def ledger_states(config: str | None) -> list[Path]:
    """The state files beside the ledger of the configuration."""
    return find_states(configured_ledger(config))


@contextmanager
def progress(ledger: Ledger) -> Iterator[Callable[[int], None]]:
    """What is told the bytes read since: a bar, on a terminal and where reading takes long."""
    total = ledger.size
    if total < _LONG_READ or not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (BarColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda size: bar.update(task, advance=size)


@contextmanager
def reading(ledger: Ledger, keys: Keys = ()) -> Iterator[Iterator[Line]]:
    """The lines of the files, with a progress bar on a terminal where that takes long.

    With keys, what they do not prove is no record; how much that was is said after the first time.
    """
    with progress(ledger) as on_progress:
        lines = read(ledger.sources, on_progress, ledger.copies)
        prover = Prover(keys) if keys else None
        yield lines if prover is None else prover.prove(lines)
    ledger.tell_copies()
    if prover is not None and prover.left_out and not ledger.unproved:
        ledger.unproved = prover.left_out
        _tell_left_out(prover.left_out)


def _tell_left_out(count: int) -> None:
    one = "1 line is left out: the seal key does not prove it, or it is a copy;"
    several = f"{count} lines are left out: the seal key does not prove them, or they are copies;"
    told = f"{one if count == 1 else several} hookgate audit verify names them"
    err.print(told, soft_wrap=True)


def load_seal_keys(files: list[Path] | None, config: str | None) -> Keys:
    """The keys of the files, else those of the configuration, none where neither names any.

    Where the configuration's cannot be read by this user, lines are taken for what they say.
    """
    named = [str(file) for file in files or ()]
    if not named:
        sources = gather(config)
        if sources.problems:
            fail(sources.problems)
        path = str(sources.keys["audit.seal_key_file"].value)
        if path and not os.access(path, os.R_OK) and os.path.lexists(path):
            key = f'audit.seal_key_file = "{printable(path)}"'
            err.print(f"{key} cannot be read by this user: nothing is proved", soft_wrap=True)
            path = ""
        named = [path] if path else []
    with plain_errors():
        return tuple(dict.fromkeys(key for path in named for key in read_seal_keys(path)))
    raise AssertionError("unreachable")


def rereading(ledger: Ledger, keys: Keys = ()) -> Callable[[], Iterator[Line]]:
    """What reads the files from their beginning each time that it is called."""

    def lines() -> Iterator[Line]:
        with reading(ledger, keys) as read_once:
            yield from read_once

    return lines


def name_problem(line: Line) -> None:
    """Say on stderr of a line that is no record where it is, and why."""
    err.print(f"{printable(line.place)}: {printable(line.problem)}", soft_wrap=True)


class Problems:
    """Names the first lines that are no records on stderr, and counts those that are more than
    what a crash leaves, so that they may hold what was asked for.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._grave = self._told = 0

    @property
    def any(self) -> bool:
        """Whether anything could not be read that may matter."""
        return self._grave > 0 or self._ledger.unread

    @property
    def never_seen(self) -> str:
        """What is said of an event that no line tells of: no more than what was read."""
        if self.any:
            return "not seen in what could be read"
        return "not seen in what the seal key proves" if self._ledger.unproved else "never seen"

    def note(self, line: Line) -> None:
        """Note a line that is no record. Those that no key proves are told of elsewhere."""
        if is_unproved(line.problem):
            return
        self._grave += is_damage(line.problem)
        self._told += 1
        if self._told <= _MOST_TOLD:
            name_problem(line)

    def close(self) -> None:
        """Say how many more there were; exit with 1 if anything that may matter was not read."""
        if self._told > _MOST_TOLD:
            err.print(f"and {self._told - _MOST_TOLD} more lines that are no records")
        if self.any:
            raise typer.Exit(FINDING)


def tell(findings: list[Finding], more: Counter[str], is_grave: Callable[[str], bool]) -> None:
    """Print what was found: what it is and where, and below it in words.

    The grave comes first, but lines without a seal last of it: those of the time before there was a
    key are many, and hide the rest.
    """
    ordered = sorted(findings, key=lambda f: (not is_grave(f.kind), f.kind in _WITHOUT_SEAL))
    for kind, boot, place, text in ordered[:_MOST_TOLD]:
        title = Text(kind.replace("_", " "), "red" if is_grave(kind) else "yellow")
        out.print(title.append(f"  {printable(place)}", "default"), soft_wrap=True)
        words = printable(f"boot {boot}: {text}" if boot else text)
        out.print(Padding(Text(words), (0, 0, 0, 2), expand=False))
    rest = Counter(finding.kind for finding in ordered[_MOST_TOLD:]) + more
    if rest:
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in rest.items())
        out.print(f"and {counts} more; --json has more of them")
