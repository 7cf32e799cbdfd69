"""`hookgate anchor`: sign what the ledger holds, so that others can check it later."""

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from hookgate.config.parsers import duration
from hookgate.ledger.names import is_part
from hookgate.proof.anchoring import Anchoring, Signed, drop_old
from hookgate.proof.clock import see
from hookgate.proof.folder import KeptError
from hookgate.proof.note import Signer
from hookgate.proof.stamp_check import StampError, read_roots
from hookgate_cli.audit.choosing import find_ledgers
from hookgate_cli.audit.configured import configured_ledger
from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import FAILED, FINDING, ConfigOption, err, fail, out, read_file
from hookgate_cli.terminal import printable

from .destinations import (
    Destination,
    DestinationError,
    Unsent,
    command,
    parse,
    parse_url,
    send_all,
)
from .keeping import kept_folder, read_signer, tell_ahead
from .reading import find_again, read
from .stamping import Stamps

_SHOWN = 20


def anchor(
    key: Annotated[
        Path, typer.Option(metavar="FILE", help="The private key: hookgate keys new anchor.")
    ],
    folder: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="What is kept between runs; audit prove needs it."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Ledgers, compressed ones too; else audit.path with its rotated and workers'"
            " files.",
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER|URL", help="Where each note goes, as often as needed; a URL by POST."
        ),
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="More of these, one a line: a URL may be a secret."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--command", metavar="COMMAND", help="Run for each note, on its standard input."
        ),
    ] = None,
    stamp_url: Annotated[
        str | None,
        typer.Option("--stamp", metavar="URL", help="Have notes stamped there (RFC 3161)."),
    ] = None,
    stamp_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="That authority's certificates, PEM; with --stamp."),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Remove what receipts need of boots whose last note is older, like 400d.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Sign the ledger's lines as they are now, in a note for each boot, and send the notes away.

    Run it by a timer, also when nothing happened: a new note of as many lines says so. A boot that
    was changed or cut since its last note is named and not signed, and the exit status is 1; it is
    1 too where a note could not be sent, which the next run does. Needs the extra: pip install
    'hookgate[proof]'.

    Examples:

      hookgate keys new anchor anchor.key --name gate1.example.com/hookgate

      hookgate anchor --key anchor.key --folder kept --to /mnt/elsewhere

      hookgate audit verify --note /mnt/elsewhere --anchor-key anchor.key.pub
    """
    signer = read_signer(key)
    destinations = _destinations(to or [], to_file, run)
    stamps, kept_seconds = _stamps(stamp_url, stamp_ca), _seconds(keep)
    if files and Path("-") in files:
        fail("- is standard input, which cannot be read again; name the ledger's files")
    ledger = find_ledgers(files, config)
    path = None if files else configured_ledger(config)
    with kept_folder(folder):
        try:
            now = int(time.time())
            ahead = see(folder, now)
            anchoring = read(ledger, folder, may_skip=False)
            if not anchoring.is_whole:
                anchoring.close()
                ledger = find_again(ledger, files, config)
                may_skip = not (ledger.unread or anchoring.damage)
                anchoring = read(ledger, folder, may_skip=may_skip, before=anchoring)
            live = {name for name in ledger.files if path is None or is_part(Path(name).name, path)}
            signed = _sign(anchoring, signer, live)
            lost = _send(folder, destinations, stamps)
            may_drop = kept_seconds > 0 and not ahead
            dropped = drop_old(folder, now - kept_seconds) if may_drop else []
        except KeptError as error:
            fail(f"--folder {folder}: {error}", FAILED)
        except OSError as error:
            fail(f"--folder {folder} cannot be used: {error.strerror}", FAILED)
    _tell(anchoring, signed, dropped, lost)
    if kept_seconds and ahead:
        tell_ahead(now, ahead)
    if (
        ledger.unread
        or anchoring.damage
        or lost
        or any(finding.is_bad for finding in anchoring.findings)
    ):
        raise typer.Exit(FINDING)


def _sign(anchoring: Anchoring, signer: Signer, live: set[str]) -> list[Signed]:
    try:
        return list(anchoring.sign(signer, int(time.time()), live))
    finally:
        anchoring.close()


def _send(folder: Path, destinations: list[Destination], stamps: Stamps | None) -> list[Unsent]:
    if stamps is not None:
        destinations = [stamps.as_destination(), *destinations]
    return send_all(folder, destinations)


def _tell(
    anchoring: Anchoring, signed: list[Signed], dropped: list[str], lost: list[Unsent]
) -> None:
    for note in signed[:_SHOWN]:
        new = f", {note.new:,} of them new" if note.new else ", none of them new"
        out.print(f"boot {note.boot}: {count_of(note.size, 'line')}{new}", soft_wrap=True)
    if len(signed) > _SHOWN:
        out.print(f"... and {len(signed) - _SHOWN:,} more")
    lines = sum(note.new for note in signed)
    out.print(f"{count_of(len(signed), 'note')} signed, of {count_of(lines, 'new line')}.")
    if dropped:
        out.print(f"{count_of(len(dropped), 'boot')} kept long enough: no more receipts of these.")
    if anchoring.unplaced:
        what = count_of(anchoring.unplaced, "line")
        err.print(f"{what} of nginx or version 0.1.0 have no place in a tree", soft_wrap=True)
    for text in anchoring.damage:
        err.print(f"NOT READ: {printable(text)}", soft_wrap=True)
    for boot, text, is_bad in anchoring.findings:
        sign = "NOT SIGNED: " if is_bad else ""
        err.print(f"{sign}boot {printable(boot)}: {printable(text)}", soft_wrap=True)
    for name, boot, why, more in lost:
        others = f", and {count_of(more, 'more note')}" if more else ""
        text = f"NOT SENT: {name}, boot {boot}{others}: {why}; the next run sends them"
        err.print(printable(text), soft_wrap=True)


def _destinations(to: list[str], file: Path | None, run: str | None) -> list[Destination]:
    try:
        lines = read_file(file).decode().splitlines() if file is not None else []
        named = [*to, *(line.strip() for line in lines if line.strip())]
        found = [parse(text) for text in named]
        return [*found, command(shlex.split(run))] if run is not None else found
    except UnicodeDecodeError:
        fail(f"--to-file {file} is no UTF-8")
    except ValueError as error:  # of shlex: a quotation mark that is not closed
        fail(f"--to or --command: {error}")
    raise AssertionError("unreachable")


def _stamps(url: str | None, file: Path | None) -> Stamps | None:
    if (url is None) is not (file is None):
        fail("--stamp and --stamp-ca go together: a stamp is kept once it is verified")
    if url is None or file is None:
        return None
    try:
        return Stamps(parse_url(url), read_roots(read_file(file)))
    except (DestinationError, StampError) as error:
        fail(f"--stamp: {error}")
    raise AssertionError("unreachable")


def _seconds(keep: str | None) -> float:
    if keep is None:
        return 0.0
    try:
        return float(duration(86_400, 100 * 366 * 86_400)(keep))
    except ValueError as error:
        fail(f"--keep {keep} {error}".replace('"', ""))
    raise AssertionError("unreachable")
