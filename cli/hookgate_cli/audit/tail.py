"""`hookgate audit tail`: the latest records, and those to come."""

import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer

from hookgate.ledger.members import fault
from hookgate.ledger.query import Follower, read_backwards, whole_lines
from hookgate.ledger.reader import Line, find_files, parse, read_file, timestamp
from hookgate.ledger.record import Record
from hookgate_cli.common import ConfigOption, JsonOption, fail, plain_errors

from .common import FilesArgument, Problems, configured_ledger
from .filters import (
    ChannelOption,
    ClientOption,
    FrontOption,
    OutcomeOption,
    ReasonOption,
    ReferenceOption,
    RouteOption,
    SinceOption,
    TypeOption,
    UntilOption,
    make_query,
)
from .lines import ForwardsOption, write

_POLL = 0.2

# When, the line, and its record.
Entry = tuple[float, bytes, Record]
_moment = itemgetter(0)


def tail(
    files: FilesArgument = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written, across rotation.")
    ] = False,
    number: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many to begin with.")
    ] = 20,
    since: SinceOption = None,
    until: UntilOption = None,
    outcome: OutcomeOption = None,
    reason: ReasonOption = None,
    client: ClientOption = None,
    reference: ReferenceOption = None,
    channel: ChannelOption = None,
    event_type: TypeOption = None,
    route: RouteOption = None,
    front: FrontOption = None,
    forwards: ForwardsOption = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the latest records, of several files in order of time; Ctrl-C ends --follow.

    With --json each as it stands in the ledger.

    Examples:

      hookgate audit tail -f

      hookgate audit tail -f --outcome failed --json | jq .reference
    """
    query = make_query(
        since, until, outcome, reason, client, reference, channel, event_type, route, front
    )

    problems = Problems()

    def wanted(file: Path, raw: bytes) -> Entry | None:
        record = parse(raw)
        if record is None:
            return None  # torn, or still being written
        if wrong := fault(record):
            problems.note(_find_line(file, raw).refused(wrong))
            return None
        if record["event"] == "forward" and not forwards:
            return None
        return (timestamp(record), raw, record) if query.matches(record) else None

    def show(entries: Iterable[Entry]) -> None:
        for _, raw, record in entries:
            write(record, raw, as_json=as_json)
        sys.stdout.flush()

    ledgers, growing = _find(files, config)
    with plain_errors(), suppress(*([KeyboardInterrupt] if follow else [])):
        ends = {file: whole_lines(file) for file in growing} if follow else {}
        show(_latest(ledgers, ends, wanted, number))
        followers = [Follower(file, end) for file, end in ends.items()]
        while followers:
            new = (wanted(follower.path, raw) for follower in followers for raw in follower.poll())
            show(sorted(filter(None, new), key=_moment))
            time.sleep(_POLL)
    problems.close()


def _find_line(file: Path, raw: bytes) -> Line:
    """The first line of the file that reads so; number 0 where it is gone."""
    same = (line for line in read_file(file) if line.raw == raw)
    try:
        return next(same, Line(str(file), 0, raw, None, ""))
    except OSError:
        return Line(str(file), 0, raw, None, "")


def _find(files: list[Path] | None, config: str | None) -> tuple[list[Path], list[Path]]:
    """The files to read, and those of them, or to come, that are written to."""
    if files:
        for file in files:
            if not file.is_file():
                fail(f"{file} is no file")
        return files, [file for file in files if file.suffix != ".gz"]
    path = configured_ledger(config)
    found = [file for file in find_files(path) if file.suffix != ".gz"]
    live = re.compile(rf"{re.escape(path.stem)}(\.[0-9]+)?{re.escape(path.suffix)}")
    return found, [file for file in found if live.fullmatch(file.name)] or [path]


def _latest(
    files: list[Path],
    ends: dict[Path, int],
    wanted: Callable[[Path, bytes], Entry | None],
    number: int,
) -> list[Entry]:
    latest: list[Entry] = []
    for file in files:
        if file.suffix == ".gz":
            lines: Iterable[bytes] = (line.raw for line in read_file(file))
            latest += deque(filter(None, map(partial(wanted, file), lines)), number)
        else:
            lines = read_backwards(file, ends.get(file))
            latest += reversed(
                list(islice(filter(None, map(partial(wanted, file), lines)), number))
            )
    return sorted(latest, key=_moment)[-number:] if number else []
