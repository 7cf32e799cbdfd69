"""`hookgate audit prove`: one event's lines in a file that others can check."""

import os
import re
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from hookgate.ledger.audit.fate import Event, Story
from hookgate.ledger.audit.identity import digest_meant
from hookgate.ledger.audit.search import find
from hookgate.ledger.reading.reader import Line
from hookgate.proof.gathering import gather
from hookgate.proof.receipt import MOST_LINES, Entry, Receipt, ReceiptError
from hookgate_cli.common import FAILED, FINDING, ConfigOption, err, fail, out
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import printable

from .asked import asked_of_fleet
from .choosing import find_ledgers
from .configured import load_seal_keys
from .events import MOST_SHOWN, fate_in_words, identify
from .options import FleetOptions, LogOption, SealKeyOption
from .problems import Problems
from .reading import rereader
from .receipt import require
from .told import personal_data, tell
from .wording import count_of

# A sender chooses the reference.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class _Proofs(NamedTuple):
    """The lines that are proven, what stamps their notes, and the lines that no note covers yet."""

    proven: list[tuple[Line, Entry]]
    stamps: dict[str, bytes]
    uncovered: list[str]


@grouped
def prove(
    name: Annotated[
        str,
        typer.Argument(
            metavar="REFERENCE|SHA256",
            help="The event, as `fate` takes it; a request_id proves that attempt alone.",
        ),
    ],
    *,
    anchor: Annotated[
        Path, typer.Option(metavar="FOLDER", help="What `hookgate anchor` keeps of the ledger.")
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help='Else NAME.receipt.json; "-" is standard output.'
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace FILE where it is there already.")
    ] = False,
    so_far: Annotated[
        bool,
        typer.Option("--so-far", help="Leave out the lines that no signed note covers yet."),
    ] = False,
    log: LogOption = None,
    seal_key: SealKeyOption = None,
    fleet: FleetOptions,
    config: ConfigOption = None,
) -> None:
    """Write a receipt: the lines of one event, and the proof that they stand in the ledger.

    Whoever has the gate's public key checks it with `hookgate audit receipt verify`, or without
    hookgate (docs/proof.md). It shows no other event. Exits 1 where nothing is written. Needs the
    extra: pip install 'hookgate[proof]'.

    Examples:

      hookgate audit prove 593fa8d3d1efaca2-31 --anchor /var/lib/hookgate/anchor

      hookgate audit prove 593fa8d3d1efaca2-31 --anchor anchor --out refused.json
    """
    require("cryptography")
    target = _target(name, file, overwrite=overwrite)
    if not os.path.isdir(anchor):  # noqa: PTH112  # raises nothing
        fail(f"--anchor {anchor} is no folder; hookgate anchor makes it")
    keys = load_seal_keys(seal_key, config)
    of_fleet = asked_of_fleet(fleet, log, config)
    ledger = find_ledgers(log, config, fleet=of_fleet, by_names=True)
    if ledger.holds(target):
        fail(f"{target} is a ledger; a receipt would overwrite it")
    problems = Problems(ledger)
    read = rereader(ledger, keys)
    by_bytes = ledger.is_read_by_bytes(proving=bool(keys))
    (story,) = find(read, [name], by_bytes=by_bytes, on_problem=problems.note).stories
    event = _only_event(story, problems)
    is_attempt = any(each.request_id == name for each in event.attempts)
    found = gather(read, event, name if is_attempt else None, by_bytes=by_bytes)
    for line in found.unplaced:
        err.print(printable(f"{line.place} cannot be proven: no boot's number"), soft_wrap=True)
    if not found.boots:
        fail("none of its lines has a place in a tree: nginx and version 0.1.0 give none", FINDING)
    proofs = _prove(found.boots, anchor)
    if proofs.uncovered and not so_far:
        mend = "run hookgate anchor, then again; --so-far leaves out what is not covered"
        fail([*proofs.uncovered, mend], FINDING)
    lines = [line for line, _ in proofs.proven]
    _write(target, _receipt(name, event, proofs), overwrite=overwrite)
    _summarize(target, lines, proofs.uncovered)
    problems.close()


def _target(name: str, file: Path | None, *, overwrite: bool) -> Path:
    is_plain = _PLAIN_NAME.fullmatch(name) is not None
    if file is None and not is_plain:
        fail("of this name no file can be called; name one with --out")
    target = file or Path(f"{name}.receipt.json")
    if os.path.lexists(target) and str(target) != "-" and not overwrite:
        fail(f"{target} is there already; name another with --out, or replace it with --overwrite")
    return target


def _only_event(story: Story, problems: Problems) -> Event:
    events = story.events
    if not events:
        fail(
            f"{story.asked}: {problems.never_seen}; that an event did not come cannot be proven",
            FINDING,
        )
    counted = story.counted
    if len(counted) > 1:
        out.print(f"{len(counted)} events go by {printable(story.asked)}:", soft_wrap=True)
        for event in counted[:MOST_SHOWN]:
            key = "" if event.sha256 else f"{event.attempts[0].request_id}, "
            words = f"  {fate_in_words(event)}  {printable(key + identify(event))}"
            out.print(words, soft_wrap=True)
        fail("a receipt is of one event: name it by its SHA-256 or a request_id", FINDING)
    if beside := len(events) - 1:
        what = f"{count_of(beside, 'other event')} of that name, which did not parse"
        err.print(f"left out: {what}; fate tells of it")
    return counted[0]


def _receipt(name: str, event: Event, proofs: _Proofs) -> bytes:
    """Return the file. Exits with 1 where it is none that `receipt verify` would take."""
    from hookgate.proof.checking import (  # noqa: PLC0415  # needs the extra
        check_event,
        names_of,
        read_records,
    )

    count = len(proofs.proven)
    if count > MOST_LINES:
        what = f"{count_of(count, 'line')} tell of it, and a receipt holds {MOST_LINES:,}"
        fail(f"{what}: name one attempt by its request_id", FINDING)
    records = [line.record or {} for line, _ in proofs.proven]
    asked = name if name in names_of(records) else digest_meant(name)
    entries = tuple(entry for _, entry in proofs.proven)
    try:
        receipt = Receipt(asked, event.sha256, entries, proofs.stamps)
        check_event(receipt, records)
        data = receipt.render()
        read_records(Receipt.parse(data))
    except (ReceiptError, UnicodeDecodeError) as error:
        why = str(error) if isinstance(error, ReceiptError) else "a line is not UTF-8"
        fail([*proofs.uncovered, f"what can be proven makes no receipt: {why}"], FINDING)
    return data


def _prove(boots: dict[str, dict[int, Line]], folder: Path) -> _Proofs:
    from hookgate.proof.anchored import read_anchored  # noqa: PLC0415  # needs the extra
    from hookgate.proof.proving import ProvingError, prove_line  # noqa: PLC0415

    proofs = _Proofs([], {}, [])
    for boot, lines in boots.items():
        line = next(iter(lines.values()))
        try:
            with ExitStack() as opened:
                anchored = read_anchored(folder, boot, opened)
                for n, line in lines.items():
                    place = f"{line.place}: line {n} of boot {boot}"
                    if anchored is None or n > anchored.checkpoint.size:
                        proofs.uncovered.append(f"{place} is in no signed note yet")
                    elif anchored.is_missing(n):
                        proofs.uncovered.append(f"{place} was not there when it was anchored")
                    else:
                        entry = prove_line(line.raw, n, anchored)
                        proofs.proven.append((line, entry))
                        if anchored.stamp is not None:
                            proofs.stamps[boot] = anchored.stamp
        except ProvingError as error:
            fail(f"{line.place}: {error}", FAILED)
        except OSError as error:
            fail(f"--anchor {folder} cannot be read: {error.strerror}")
    return proofs


def _write(target: Path, data: bytes, *, overwrite: bool) -> None:
    if str(target) == "-":
        sys.stdout.write(data.decode())
        return
    is_made = False
    try:
        with target.open("wb" if overwrite else "xb") as stream:
            is_made = not overwrite
            stream.write(data)
    except OSError as error:
        if is_made:  # a part of a receipt proves nothing, and is in the way of the next try
            target.unlink(missing_ok=True)
        fail(f"{target} cannot be written: {error.strerror}")


def _summarize(target: Path, lines: list[Line], uncovered: list[str]) -> None:
    """Say what the file proves and shows; beside a receipt on standard output on stderr."""
    say = partial((err if str(target) == "-" else out).print, soft_wrap=True)
    records = [line.record or {} for line in lines]
    say(f"{printable(target)}: {count_of(len(lines), 'line')}, each with its proof")
    for record in records[:MOST_SHOWN]:
        say(f"  {tell(record)}")
    if (more := len(records) - MOST_SHOWN) > 0:
        say(f"  and {more} more")
    for text in uncovered:
        say(printable(f"left out: {text}"))
    without = {record["boot"] for record in records} - {
        record["boot"] for record in records if record["event"] == "start"
    }
    for boot in sorted(without):
        say(printable(f"not there: the first line of boot {boot}, which tells version and policy"))
    if personal := personal_data(records):
        say(f"whoever gets it reads: {', '.join(personal)}")
    say(
        "It proves that these lines stood in the ledger when the note was signed; not that they are"
        " true, nor that they are all."
    )
