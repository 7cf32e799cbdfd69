"""`hookgate audit tail`: the latest records, and those to come."""

import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer

from hookgate.ledger.members import fault
from hookgate.ledger.names import is_part, replay_ledger
from hookgate.ledger.reading.decoding import is_compressed_name
from hookgate.ledger.reading.files import find_files
from hookgate.ledger.reading.following import Follower, read_backwards, whole_lines
from hookgate.ledger.reading.reader import Line, parse, read_file, timestamp
from hookgate.ledger.reading.source import LONGEST_LINE, without_end
from hookgate.ledger.reading.wrappers import Unwrapper, Wrapper
from hookgate.ledger.record import Record
from hookgate.paths import is_there
from hookgate_cli.common import ConfigOption, JsonOption, err, fail, plain_errors
from hookgate_cli.offering import offered
from hookgate_cli.option_groups import grouped

from .choosing import find_ledgers
from .configured import configured_ledger
from .filters import Filters, UtcOption
from .inputs import is_regular
from .ledger import Ledger
from .lines import ForwardsOption, print_record
from .options import FilesArgument
from .problems import Problems
from .unmatched import Unmatched
from .wording import count_of

_POLL = 0.2

# When, the line, and its record.
Entry = tuple[float, bytes, Record]
_moment = itemgetter(0)


@grouped
def tail(
    files: FilesArgument = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written, across rotation.")
    ] = False,
    number: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many to begin with.")
    ] = 20,
    filters: Filters,
    forwards: ForwardsOption = False,
    utc: UtcOption = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the latest records, of several files in order of time; Ctrl-C ends --follow.

    With --json each as it stands in the ledger. Times are local, with their offset, unless --utc.

    Examples:

      hookgate audit tail -f

      hookgate audit tail -f --outcome failed --json | jq .reference
    """
    query = filters.query(config, utc=utc)
    growing = _find_growing(files, config) if follow else []
    ledger = _find(files, config, follow=follow)
    problems = Problems(ledger)
    unmatched = Unmatched(query, config)
    no_records = 0
    # Lines with a wrong member, and what is wrong, until their numbers are found.
    wrong_lines: list[tuple[Path, bytes, str]] = []
    not_printed = 0

    def wanted(file: Path, raw: bytes) -> Entry | None:
        nonlocal no_records, not_printed
        record = parse(raw)
        if record is None:
            no_records += bool(raw.strip())  # torn, still being written, or garbled
            return None
        if wrong := fault(record):
            if problems.prints(len(wrong_lines)):
                wrong_lines.append((file, raw, wrong))
            else:
                not_printed += 1
            return None
        unmatched.note(record)
        if record["event"] == "forward" and not forwards:
            return None
        return (timestamp(record), raw, record) if query.matches(record) else None

    def show(entries: Iterable[Entry]) -> None:
        nonlocal not_printed
        for _, raw, record in entries:
            print_record(record, raw, as_json=as_json, utc=utc)
        sys.stdout.flush()
        for line in _numbered(wrong_lines):
            problems.note(line)
        wrong_lines.clear()
        problems.add(not_printed)
        not_printed = 0

    wrapped = {source.path: source.wrapper for source in ledger.sources}
    with plain_errors(), suppress(*([KeyboardInterrupt] if follow else [])):
        ends = {file: whole_lines(file) for file in growing} if follow else {}
        show(_latest(ledger, ends, wanted, number))
        ledger.print_copies()
        unmatched.tell()
        if no_records:
            command = offered("hookgate audit show")
            lines = f"passed over {count_of(no_records, 'line')}, no records"
            err.print(f"{lines}; {command} names them", soft_wrap=True)
        followers = [
            (Follower(file, end), _unwrapping(wrapped.get(file))) for file, end in ends.items()
        ]
        while followers:
            new = (
                wanted(follower.path, raw)
                for follower, unwrapped in followers
                for raw in unwrapped(follower.poll())
            )
            show(sorted(filter(None, new), key=_moment))
            time.sleep(_POLL)
    problems.close()


def _numbered(wrong_lines: Iterable[tuple[Path, bytes, str]]) -> Iterator[Line]:
    """Refuse lines under the number of the first in their file that reads so, by one reading of
    each file; under 0 where it is gone.
    """
    wrong_of: defaultdict[Path, dict[bytes, str]] = defaultdict(dict)
    for file, raw, wrong in wrong_lines:
        wrong_of[file][raw] = wrong
    for file, left in wrong_of.items():
        with suppress(OSError):
            for line in read_file(file):
                if line.raw in left:
                    yield line.refused(left.pop(line.raw))
                if not left:
                    break
        for raw, wrong in left.items():
            yield Line(str(file), 0, raw, None, "").refused(wrong)


def _find_growing(files: list[Path] | None, config: str | None) -> list[Path]:
    """The files that are written to, or to come."""
    if files:
        for file in files:
            if str(file) == "-" or (is_there(file) and not is_regular(file)):
                fail(f"--follow follows files, and {file} is none; without it, {file} can be read")
        return [file for file in files if not is_compressed_name(file.name)]
    path = configured_ledger(config)
    parts = [file for file in find_files(path) if is_part(file.name, path)]
    return list(dict.fromkeys((*(parts or [path]), replay_ledger(path))))


def _find(files: list[Path] | None, config: str | None, *, follow: bool) -> Ledger:
    """The files to read; with --follow none need be there yet."""
    if follow and not files and not find_files(configured_ledger(config)):
        return Ledger([], [])
    return find_ledgers(files, config)


def _unwrapping(wrapper: Wrapper | None) -> Callable[[Iterable[bytes]], Iterator[bytes]]:
    """What gives the lines as they were written, of a file that grows."""
    unwrapper = Unwrapper(wrapper, LONGEST_LINE) if wrapper is not None else None

    def unwrapped(lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            if unwrapper is None:
                yield without_end(line)
            elif (whole := unwrapper.feed(0, line + b"\n")) is not None:
                yield without_end(whole[1])

    return unwrapped


def _latest(
    ledger: Ledger,
    ends: dict[Path, int],
    wanted: Callable[[Path, bytes], Entry | None],
    number: int,
) -> list[Entry]:
    latest: list[Entry] = []
    for source in ledger.sources:
        entry = partial(wanted, source.path)
        if ledger.copies.is_left_out(source):
            continue
        if source.is_seekable and not ledger.copies.without(source).skipped:
            lines = map(without_end, read_backwards(source.path, ends.get(source.path)))
            latest += reversed(list(islice(filter(None, map(entry, lines)), number)))
        else:
            forwards = (line.raw for line in read_file(source, None, ledger.copies))
            latest += deque(filter(None, map(entry, forwards)), number)
    return sorted(latest, key=_moment)[-number:] if number else []
