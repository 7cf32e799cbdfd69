"""What is seen of a gate beside the lines of its ledger, at one moment. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from hookgate.certificate_dates import Validity
from hookgate.ledger.shipping import Shipping
from hookgate.quarantine.entry import Usage


class AdminSight(NamedTuple):
    """What the admin listener told. `trouble` says why it told nothing, "" where it did.

    `metrics` are sums over labels, by name; `failing` are the causes for which the endpoint does.
    """

    trouble: str
    problems: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    metrics: Mapping[str, float] = {}


class LedgerSight(NamedTuple):
    """The files of one ledger.

    `trouble` says why something cannot be read, "" where all can. `gone` names files that were
    followed and have no name any more. `has_files` says that there is any. `is_locked` says that a
    gate has one open, as far as the kernel tells this process: None where it does not.
    """

    path: str
    trouble: str = ""
    gone: tuple[str, ...] = ()
    has_files: bool = True
    is_locked: bool | None = None


class Sight(NamedTuple):
    """All of that. `validities` are those of certificates, by their keys; `unread` is why others
    cannot be read. `wall` is the clock's time. `shipping` is what a shipper told, None where none
    did; `is_shipped` says that there should be one.
    """

    wall: float
    admin: AdminSight | None = None
    ledgers: tuple[LedgerSight, ...] = ()
    usage: Usage | None = None
    validities: Mapping[str, Validity] = {}
    unread: Mapping[str, str] = {}
    shipping: Shipping | None = None
    is_shipped: bool = False
