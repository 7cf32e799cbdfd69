"""The options by which items are chosen."""

import re
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NamedTuple

import typer

from hookgate.config.contracts import SHIPPED_CONTRACTS
from hookgate.ledger.audit.query import Query
from hookgate.policy import Reason
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.replay.items import body_of
from hookgate.wording import offer
from hookgate_cli.audit.moments import read_time
from hookgate_cli.common import fail
from hookgate_cli.completing import one_of

_PANEL = "Which items (an option that is given twice: either)"
_PREFIX = re.compile(r"[0-9a-f]{4,64}", re.ASCII)


def _option(name: str, metavar: str, about: str, known: Iterable[str] = ()) -> Any:
    return typer.Option(
        name, metavar=metavar, help=about, rich_help_panel=_PANEL, autocompletion=one_of(known)
    )


SinceOption = Annotated[
    str | None,
    _option(
        "--since",
        "TIME",
        'Kept from then on: 2h (ago), today, 2026-11-22, "2026-11-22 15:00" (local time), or'
        " with an offset, 2026-11-22T15:00Z.",
    ),
]
UntilOption = Annotated[str | None, _option("--until", "TIME", "Kept before then, likewise.")]
ReasonOption = Annotated[
    list[str] | None,
    _option("--reason-code", "CODE", "As contract_violation.", [reason.code for reason in Reason]),
]
ReferenceOption = Annotated[
    list[str] | None,
    _option("--reference", "REFERENCE", "Any name of an event, or a request_id."),
]
DigestOption = Annotated[
    list[str] | None, _option("--sha256", "SHA256", "That of the body, or its beginning.")
]
RouteOption = Annotated[
    list[str] | None,
    _option("--route", "NAME", "The contract of its route, or its path.", SHIPPED_CONTRACTS),
]


class Selection(NamedTuple):
    """What an item must be, in each respect that is asked for.

    `since` and `until` are in seconds since 1970: it was kept from the one on, before the other. An
    item without a readable record is none that is asked for by what only records tell.
    """

    since: float | None
    until: float | None
    query: Query
    prefixes: tuple[str, ...]
    routes: frozenset[str]

    @property
    def is_all(self) -> bool:
        """Whether nothing is asked for."""
        is_of_any_time = self.since is None and self.until is None
        return is_of_any_time and not self.prefixes and not self.needs_record

    @property
    def needs_record(self) -> bool:
        """Whether what only an item's record tells is asked for."""
        return bool(self.routes) or not self.query.is_only_of_time

    def picks(self, entry: Entry) -> bool:
        """Tell whether an item is asked for."""
        record = entry.record
        return (
            (self.since is None or entry.kept_at >= self.since)
            and (self.until is None or entry.kept_at < self.until)
            and (not self.prefixes or body_of(entry).startswith(self.prefixes))
            and (
                not self.needs_record
                or (
                    record is not None
                    and self.query.matches(dict(record))
                    and (
                        not self.routes or self._has_route(record.get("route"), record.get("path"))
                    )
                )
            )
        )

    def _has_route(self, *names: object) -> bool:
        return any(type(name) is str and name in self.routes for name in names)

    def pick(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Pick the items that are asked for, and are nobody's claim."""
        return (entry for entry in entries if entry.claimed is None and self.picks(entry))


class SelectionOptions(NamedTuple):
    """The options as they were given."""

    since: SinceOption = None
    until: UntilOption = None
    reason_code: ReasonOption = None
    reference: ReferenceOption = None
    sha256: DigestOption = None
    route: RouteOption = None

    def selection(self) -> Selection:
        """Make the selection that they ask for; exit with 2 where one is wrong."""
        now = time.time()
        first, last = read_time(self.since, now), read_time(self.until, now)
        codes = [reason.code for reason in Reason if reason is not Reason.CLEAN]
        for code in self.reason_code or ():
            if code not in codes:
                fail(f'--reason-code "{code}" is no reason; {offer(code, codes)}')
        query = Query(
            reason=frozenset(self.reason_code or ()), references=frozenset(self.reference or ())
        )
        prefixes = tuple(map(parse_prefix, self.sha256 or ()))
        return Selection(first, last, query, prefixes, frozenset(self.route or ()))


def parse_prefix(text: str) -> str:
    """Return a SHA-256 or its beginning in lower case; exit with 2 where it is none."""
    prefix = text.lower()
    if _PREFIX.fullmatch(prefix) is None:
        fail(f'"{text}" is no SHA-256, nor the first 4 hexadecimal digits of one or more')
    return prefix
