"""The ledgers of all gates, as the verbs read them from the store of the fleet: `--fleet`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from hookgate.fleet.reader import Part, Reader, Scope
from hookgate.fleet.segment import ODD
from hookgate.fleet.spool import spool
from hookgate.fleet.status import Finding, ask_status
from hookgate.fleet.stored import StoredBoot, hold, source_of
from hookgate.ledger.audit import duckdb_stats
from hookgate.ledger.audit.findings import AuditFinding
from hookgate.ledger.audit.links import ChainKind
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.files import Note
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.reading.sieve import Sieve
from hookgate.ledger.reading.source import with_head
from hookgate_cli.common import fail
from hookgate_cli.fleet.login import read_dsn, store_errors

from .asked import Asked
from .ledger import Ledger, print_note
from .reading import reading_progress, to_the_end

# What a finding means to an answer, and whether lines that may matter are not here.
_MEANING = {
    "silent": (": what it saw since is not here", True),
    "behind": (": they are not here", True),
    "missing": ("", True),
    "lost": ("", True),
    "fork": (": those that came first are read", True),
    "cut": (": they are read as they were received", False),
}


class FleetLedger(Ledger):
    """The boots of all gates in a store, each as a file would be.

    `by_names` only the segments are read that have the names which a sieve looks for. `known` is
    what the store knows to be wrong with its gates. Raises `StoreError`.
    """

    is_fleet = True

    def __init__(self, asked: Asked, *, by_names: bool) -> None:
        self._dsn_file, self._scope = asked.dsn_file, Scope(*asked[1:])
        self._store = store = Reader(read_dsn(asked.dsn_file))
        self.by_names = by_names
        self.known = list(self._ask())
        self._expired = store.expired()
        super().__init__([], list(self._notes()))
        if not by_names:
            ends = store.ends()
            self._turn_to(store.parts(self._scope))
            self.notes += map(_tell_odd, store.odd(self._scope))
            self.notes += list(self._missing(ends)) if self._scope.is_whole else ()
        self._seen: set[tuple[str, str]] = set()

    @property
    def all_that_is_read(self) -> str:
        """Less than all gates' lines where these were deleted, or only some gates are asked."""
        if self._scope.gates is not None:
            return f"what is read of {', '.join(self._scope.gates)}"
        return "what the store still has" if self._expired is not None else ""

    def by_name(self) -> Ledger:
        """Take from now on only the segments that have the names which a sieve looks for."""
        self.by_names = True
        return self

    def gate_of(self, file: str) -> str:
        """Return the gate of a boot."""
        return file.partition("/")[0]

    def states(self, config: str | None) -> list[Path]:  # noqa: ARG002  # Ledger's own
        """Return none: no state file is of a store."""
        return []

    def is_read_by_bytes(self, *, proving: bool = False) -> bool:
        """Whether a reading may be told by a sieve what need not be seen."""
        return self.by_names or not proving

    def pass_on(self, lines: Iterable[Line | Run]) -> Iterator[Line | Run]:
        """Pass lines on that are of the boot that their gate said, others as no records."""
        return hold(lines)

    def holds(self, file: Path) -> bool:  # noqa: ARG002  # Ledger's own
        """Whether a file is of the store: none is."""
        return False

    @contextmanager
    def plain_files(self) -> Iterator[list[Path] | None]:
        """Yield files with all lines, in a folder that is there until the block ends."""
        is_shared = any(source.head is not None for source in self.sources)
        if is_shared or not duckdb_stats.is_for(self.size):
            yield None
            return
        with TemporaryDirectory(prefix="hookgate-") as folder:
            with reading_progress(self) as on_progress, to_the_end():
                files = spool(self._stored, Path(folder), on_progress)
            yield files

    def heads(self) -> dict[Path, bytes]:
        """Return none: no lines stand in several of the files."""
        return {}

    def findings(self) -> list[AuditFinding]:
        """Return what the store knows to have been changed: tails that were cut, and forks."""
        kinds = {"cut": ChainKind.CUT, "fork": ChainKind.CONTRADICTORY}
        return [
            AuditFinding(kinds[k], "", gate, text) for gate, k, text in self.known if k in kinds
        ]

    def turn_to(self, sieve: Sieve | None) -> None:
        """Take what is to be read for a sieve: all, or the segments that have its names."""
        if not self.by_names or sieve is None:
            return
        with store_errors(self._dsn_file):
            self._turn_to(self._find(sieve))

    def _find(self, sieve: Sieve) -> list[Part]:
        parts = self._store.named(self._scope, (*sieve.texts, *([ODD] if sieve.sees_odd else ())))
        if "start" in sieve.texts and self._seen:
            parts += self._store.beginnings(self._seen)
        self._seen.update((part.gate, part.boot) for part in parts)
        self._note({_tell_odd(part) for part in parts if not part.is_sane})
        return [part for part in dict.fromkeys(parts) if part.is_sane]

    def _note(self, notes: set[Note]) -> None:
        for note in sorted(notes.difference(self.notes)):
            self.notes.append(note)
            print_note(note)

    def _turn_to(self, parts: list[Part]) -> None:
        self._parts = parts
        self._stored = _sources(parts, self._store)
        self.sources = list(self._stored)
        self.copies = Copies(self.sources)

    def _ask(self) -> Iterator[Finding]:
        since, asked = self._scope.since, self._scope.gates
        after = None if since is None else datetime.fromtimestamp(since, UTC)
        gates = ask_status(self._store.connection(), after)
        names = [gate.gate for gate in gates]
        for name in asked or ():
            if name not in names:
                fail(
                    f'--gate "{name}" is none of the fleet\'s: {", ".join(names) or "it has none"}'
                )
        for gate in gates:
            if asked is None or gate.gate in asked:
                yield from (finding for finding in gate.findings if finding.kind in _MEANING)

    def _notes(self) -> Iterator[Note]:
        if (gates := self._scope.gates) is not None:
            yield Note(", ".join(gates), "no other gate is asked: one may have had the same events")
        if self._expired is not None:
            text = f"what was received up to {self._expired} is deleted for its age"
            yield Note("the store", text)
        running = self._store.running()
        for gate, kind, text in self.known:
            means, is_unread = _MEANING[kind]
            yield Note(gate, f"{text}{means}", is_unread and (kind != "silent" or gate in running))

    def _missing(self, ends: dict[tuple[str, str], int]) -> Iterator[Note]:
        """Tell of lines that were received, and that the store has no more."""
        asked, boots = self._scope.gates, _by_boot(self._parts)
        known = [*(finding.text for finding in self.known), *(note.text for note in self.notes)]
        # Of some boots nothing is there.
        for gate, boot in ends:
            if asked is None or gate in asked:
                boots.setdefault((boot, gate), [])
        for (boot, gate), parts in boots.items():
            # What was there before the first part may have been deleted for its age.
            from_ns = [part.end_n for part in parts] or [1]
            to_ns = [*(part.first_n for part in parts[1:]), ends.get((gate, boot), 0)]
            for from_n, to_n in zip(from_ns, to_ns, strict=True):
                text = f"lines {from_n} to {to_n - 1} of boot {boot}"
                if from_n < to_n and not any(told.startswith(f"{text} ") for told in known):
                    yield Note(gate, f"{text} are not in the store, or are damaged", unread=True)


def _tell_odd(part: Part) -> Note:
    lines = f"lines {part.first_n} to {part.end_n - 1} of boot {part.boot}"
    return Note(part.gate, f"{lines} are damaged: no shipper made what is there", unread=True)


def _by_boot(parts: list[Part]) -> dict[tuple[str, str], list[Part]]:
    boots: dict[tuple[str, str], list[Part]] = {}
    for part in sorted(parts, key=lambda part: part.first_n):
        boots.setdefault((part.boot, part.gate), []).append(part)
    return boots


def _sources(parts: list[Part], store: Reader) -> list[StoredBoot]:
    """Boots by their beginnings, and their parts in order.

    Lines of a boot that several gates sent may be the same, as those of a gate that was renamed
    are; the longest comes first.
    """
    boots = _by_boot(parts)
    counts = Counter(boot for boot, _ in boots)

    def key(boot: tuple[str, str]) -> tuple[float, str, int, str]:
        lines = sum(chunk.lines for part in boots[boot] for chunk in part.chunks)
        return boots[boot][0].began, boot[0], -lines, boot[1]

    sources = (source_of(part, store) for boot in sorted(boots, key=key) for part in boots[boot])
    return [
        cast("StoredBoot", with_head(one)) if counts[one.part.boot] > 1 else one for one in sources
    ]


def find_fleet(asked: Asked, *, by_names: bool) -> FleetLedger:
    """Find the gates' boots, and print what the store knows of them.

    Exits with 1 where the store cannot be used, and with 2 where it has no such gate.
    """
    with store_errors(asked.dsn_file):
        ledger = FleetLedger(asked, by_names=by_names)
    ledger.print_notes()
    return ledger
