"""Conditions that count: so many of something in a span. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from hookgate.alarm_settings import Frequency
from hookgate.alarms.notice import Severity
from hookgate.ledger.record import Record
from hookgate.policy import Outcome, Reason
from hookgate.wording import span

from .condition import ENDS, Alarm, Condition, count_of, is_replay, listed, plural, text_of
from .window import Window

# What is refused before it is known that the sender is allowed is none of its doing.
_INSIDE = frozenset(
    reason.code
    for reason in Reason
    if reason.outcome is Outcome.REFUSED and reason.check not in ("", "http", "source")
)
_GATES = frozenset((Reason.OVERLOADED.code, Reason.GATE_ERROR.code))
_MOST_LISTED = 8


class Kind(NamedTuple):
    """What is counted. `label` returns what of a record is told, "" where it does not count."""

    name: str
    severity: Severity
    what: str
    advice: str
    label: Callable[[Record], str]


def _refusal(record: Record) -> str:
    reason = text_of(record, "reason")
    if reason not in _INSIDE or is_replay(record):
        return ""
    route = text_of(record, "route")
    return f"{reason} by {route}" if route else reason


def _near(record: Record) -> str:
    signs = record.get("near")
    if type(signs) is not list or not signs:
        return ""
    words = ", ".join(sign for sign in signs[:8] if type(sign) is str and sign.isidentifier())
    client = text_of(record, "client") or text_of(record, "peer")
    return f"{client[:64]} ({words})"


def _gate_failure(record: Record) -> str:
    reason = text_of(record, "reason")
    return reason if reason in _GATES and not is_replay(record) else ""


def _not_kept(record: Record) -> str:
    word = text_of(record, "not_kept")
    return word if word and word != "incomplete" and word.isidentifier() else ""


KINDS = (
    Kind(
        "refusals",
        Severity.WARNING,
        "refused from inside the ranges",
        "See why: hookgate audit show --outcome refused --since 1h. If these are events, the"
        " contract or a bound is too narrow: widen it, reload, and see what was lost.",
        _refusal,
    ),
    Kind(
        "near",
        Severity.WARNING,
        "refused that could be the provider's own",
        "Look whether the provider sends from new addresses: hookgate audit show --near"
        " --since 1d. Allow them only once the provider confirms them.",
        _near,
    ),
    Kind(
        "gate_fails",
        Severity.CRITICAL,
        "failed by the gate itself",
        "See why: journalctl -u hookgate -p warning. overloaded mostly means that the"
        " endpoint has become slow.",
        _gate_failure,
    ),
    Kind(
        "not_kept",
        Severity.WARNING,
        "not in the quarantine that should be",
        "See what is there: hookgate quarantine stats. full wants a replay, a purge or larger"
        " bounds; the others a look at the disk.",
        _not_kept,
    ),
)


class Frequent(Condition):
    """So many requests of a kind in a span."""

    kinds = ENDS

    def __init__(self, kind: Kind, often: Frequency) -> None:
        self._kind, self._often = kind, often
        self._window = Window(often.seconds)

    def feed(self, record: Record, at: float, part: str) -> None:  # noqa: ARG002  # one signature
        """Count it, if it is one."""
        if label := self._kind.label(record):
            self._window.add(at, label, count_of(record))

    def begin(self, now: float) -> None:
        """Begin with the span up to now."""
        self._window.counts(now)

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say how many there were, and of what."""
        counts, kind = self._window.counts(now), self._kind
        total = counts.total()
        if total >= self._often.count:
            what = f"{plural(total, 'request')} {kind.what} in {span(self._often.seconds)}"
            shown = counts.most_common(_MOST_LISTED)
            details = listed(shown)
            if rest := total - sum(count for _, count in shown):
                details.append(f"{rest:,} more, for other reasons")
            causes = counts.keys()
            yield Alarm(kind.name, kind.severity, what, details, kind.advice, "", causes, total)

    def save(self) -> Any:
        """Return the window."""
        return self._window.save()

    def load(self, saved: Any) -> None:
        """Take over a window."""
        self._window.load(saved)
