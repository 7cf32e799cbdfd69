"""The options by which `tail`, `show` and `stats` choose records."""

import time
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import typer

from hookgate.config.contracts import SHIPPED_CONTRACTS
from hookgate.ledger.audit.identity import digest_meant
from hookgate.ledger.audit.query import Query, parse_network
from hookgate.policy import Outcome, Reason
from hookgate.times import QueryError
from hookgate_cli.common import fail
from hookgate_cli.completing import one_of

from .configured import configured_watch
from .moments import read_time

_PANEL = "Which records (an option that is given twice: either)"
_CODES = tuple(reason.code for reason in Reason)
_FRONTS = ("sidecar", "addon", "nginx", "replay")


def _option(
    name: str, metavar: str, about: str, known: Iterable[str] = ()
) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar=metavar, help=about, rich_help_panel=_PANEL, autocompletion=one_of(known)
    )
    return option


SinceOption = Annotated[
    str | None,
    _option(
        "--since",
        "TIME",
        'From then on: 2h (ago), today, 2026-11-22, "2026-11-22 15:00" (local time unless --utc),'
        " or with an offset, 2026-11-22T15:00+01:00 or ...Z.",
    ),
]
UntilOption = Annotated[str | None, _option("--until", "TIME", "Before then, likewise.")]
UtcOption = Annotated[
    bool,
    typer.Option(
        "--utc", help="Read and show times in UTC, not in local time (TZ). --json is UTC always."
    ),
]
OutcomeOption = Annotated[
    list[str] | None,
    _option("--outcome", "OUTCOME", "delivered, refused, failed or aborted.", tuple(Outcome)),
]
ReasonOption = Annotated[
    list[str] | None,
    _option("--reason", "CODE", "A reason code, as contract_violation.", _CODES),
]
ClientOption = Annotated[
    list[str] | None, _option("--client", "ADDRESS", "Who sent it: an address or a CIDR range.")
]
ReferenceOption = Annotated[
    list[str] | None,
    _option("--reference", "REFERENCE", "Any name of an event, a request_id or a SHA-256."),
]
ChannelOption = Annotated[list[str] | None, _option("--channel", "CHANNEL", "As RCS.")]
TypeOption = Annotated[list[str] | None, _option("--type", "TYPE", "The event's type.")]
RouteOption = Annotated[
    list[str] | None,
    _option(
        "--route",
        "ROUTE",
        "The path of its route, or the contract, as cm-events.",
        SHIPPED_CONTRACTS,
    ),
]
FrontOption = Annotated[
    list[str] | None,
    _option("--front", "FRONT", "sidecar, addon, nginx or replay.", _FRONTS),
]

NearOption = Annotated[
    bool,
    typer.Option(
        "--near",
        help="Near misses: refused for the address alone, and looks like the provider. Of nginx,"
        " which tells none: what came from source.watch.",
        rich_help_panel=_PANEL,
    ),
]


class Filters(NamedTuple):
    """The options as they were given."""

    since: SinceOption = None
    until: UntilOption = None
    outcome: OutcomeOption = None
    reason: ReasonOption = None
    client: ClientOption = None
    reference: ReferenceOption = None
    channel: ChannelOption = None
    event_type: TypeOption = None
    route: RouteOption = None
    front: FrontOption = None
    near: NearOption = False

    def query(self, config: str | None, *, utc: bool) -> Query:
        """Make the query that they ask for; print what is wrong and exit with 2 otherwise.

        Of the `config` it takes what is watched, where near misses are asked for.
        """
        known = [kind.value for kind in Outcome]
        for name in self.outcome or ():
            if name not in known:
                fail(f'--outcome "{name}" is none of {", ".join(known)}')
        now, references = time.time(), self.reference or ()
        try:
            return Query(
                read_time(self.since, now, utc=utc),
                read_time(self.until, now, utc=utc),
                frozenset(self.outcome or ()),
                frozenset(self.reason or ()),
                frozenset(self.channel or ()),
                frozenset(self.event_type or ()),
                frozenset(self.route or ()),
                frozenset(self.front or ()),
                frozenset((*references, *map(digest_meant, references))),
                tuple(parse_network(text) for text in self.client or ()),
                self.near,
                tuple(map(parse_network, configured_watch(config) if self.near else ())),
            )
        except QueryError as error:
            fail(str(error))
