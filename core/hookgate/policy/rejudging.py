"""Judging anew what was judged before: by the policy of now, with what was found out then.

Where a request came from and whether its signature held cannot be found out a second time: the
connection is gone, and the time that was signed has passed.
"""

from collections.abc import Sequence
from dataclasses import replace

from hookgate.settings import Config

from .checks import Check, find_signature
from .decision import Decision
from .policy import Policy
from .request import Head
from .rules import Rules
from .source import Origin
from .verdict import Finding


class FormerHead(Head):
    """A head that was judged before.

    `origin` is where it was found to come from, `signed` whether its signature held, None where
    none was asked for, and `received` when it came, in seconds since 1970.
    """

    origin: Origin
    signed: bool | None
    received: float


def former_head(head: Head, origin: Origin, signed: bool | None, received: float) -> FormerHead:
    """Make the head of a request that came before."""
    former = FormerHead(*head)
    former.origin, former.signed, former.received = origin, signed, received
    return former


class Rejudging(Policy):
    """A policy for requests with a `FormerHead`: source and signature are taken as found then.

    A signature that was not asked for then is verified, at the time when it came.
    """

    def __init__(self, config: Config, libraries: Sequence[str] = ()) -> None:
        super().__init__(config, libraries)
        self._on_head, self._on_text = map(_as_found, (self._on_head, self._on_text))


def _as_found(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    finds = {"source": _find_source, "signature": _find_signature}
    return tuple(replace(check, find=finds.get(check.name, check.find)) for check in checks)


def _find_source(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    decision.origin = _former(decision).origin
    return None


def _find_signature(decision: Decision, rules: Rules) -> Finding | None:
    former = _former(decision)
    if former.signed:
        return None
    return find_signature(decision, replace(rules, clock=lambda: former.received))


def _former(decision: Decision) -> FormerHead:
    if not isinstance(decision.head, FormerHead):
        raise TypeError("a head that was not judged before")
    return decision.head
