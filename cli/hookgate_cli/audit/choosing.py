"""The ledgers that a verb is to read: files, or those of a fleet's gates."""

from pathlib import Path

from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.files import Note, find_ledger, sort
from hookgate.ledger.reading.source import probe
from hookgate_cli.common import fail

from .asked import Asked
from .configured import configured_ledger
from .inputs import copy, is_regular
from .ledger import Ledger


def find_ledgers(
    files: list[Path] | None,
    config: str | None,
    *,
    may_be_gone: bool = False,
    fleet: Asked | None = None,
    by_names: bool = False,
    before: Ledger | None = None,
) -> Ledger:
    """Find the files to read, oldest first, and print notes on them.

    Without `files` it is `audit.path` with its rotated and workers' files, or the gates of a
    `fleet`: of these, `by_names`, only what has the names that are looked for. Exits with 2, and
    says what is missing, where a file that was named cannot be read, and where there is nothing to
    read, unless that `may_be_gone`; with 1 where a store cannot be used. What was said of the files
    that were found `before` is not said again.
    """
    if fleet is not None:
        from .fleet import find_fleet  # noqa: PLC0415  # needs the extra

        return find_fleet(fleet, by_names=by_names)
    notes: list[Note] = []
    if files:
        found = list(dict.fromkeys(files))
    else:
        path = configured_ledger(config)
        found, notes = find_ledger(path)
        if not found and not notes and not may_be_gone:
            fail(f'audit.path = "{path}" is not there; name the ledger, or --config')
    sources = []
    for file in found:
        try:
            sources.append(probe(file if is_regular(file) else copy(file), str(file)))
        except UnreadableError as error:
            notes.append(Note(str(file), str(error.strerror), unread=True))
        except OSError as error:
            if files:
                fail(f"{file} cannot be read: {error.strerror}")
            notes.append(Note(str(file), f"cannot be read: {error.strerror}", unread=True))
    ledger = Ledger(sort(sources), notes)
    if before is not None:
        ledger.printed = before.printed
    ledger.print_notes()
    if not sources and not (may_be_gone and not notes):
        fail("nothing of the ledger can be read")
    return ledger
