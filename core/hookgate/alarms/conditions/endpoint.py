"""The endpoint fails. Pure."""

from collections.abc import Iterable
from typing import Any

from hookgate.alarm_settings import Frequency
from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import Sight
from hookgate.ledger.record import Record
from hookgate.policy import Fault, Reason
from hookgate.wording import span

from .condition import Alarm, Condition, is_replay, listed, plural, text_of
from .window import Window

# As the rule for Prometheus has it.
_SHARE = 0.05
_FAILURES = frozenset(reason.code for reason in Reason if reason.fault is Fault.UPSTREAM)
_CLEAN = Reason.CLEAN.code


class Endpoint(Condition):
    """So many events in a span failed there, and a twentieth of all; or as many in a row did."""

    kinds = frozenset(("delivery",))

    def __init__(self, often: Frequency) -> None:
        self._often = often
        self._window = Window(often.seconds)
        self._in_a_row = 0
        self._last: tuple[str, float] = "", 0.0
        self._failing: tuple[str, ...] = ()

    def feed(self, record: Record, at: float, part: str) -> None:  # noqa: ARG002  # one signature
        """Count what was forwarded."""
        reason = text_of(record, "reason")
        if is_replay(record):
            return
        # Delivered, and answered 502: the answer that is to be relayed broke off.
        word = text_of(record, "upstream_error")
        if reason in _FAILURES or (word and reason == _CLEAN):
            status = record.get("upstream_status")
            cause = word if word.isidentifier() else status if type(status) is int else ""
            label = f"{reason} ({cause})" if cause else reason
            self._window.add(at, label)
            self._in_a_row += 1
            self._last = label, at
        elif reason == _CLEAN:
            self._window.add(at, _CLEAN)
            self._in_a_row = 0

    def begin(self, now: float) -> None:
        """Begin with the span up to now."""
        self._window.counts(now)

    def observe(self, sight: Sight, now: float) -> None:  # noqa: ARG002  # one signature
        """Remember the causes that the gate names at present."""
        self._failing = sight.admin.failing if sight.admin is not None else ()

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say how many failed, and why."""
        counts = self._window.counts(now)
        forwarded = counts.total()
        counts.pop(_CLEAN, None)
        failed = counts.total()
        is_often = failed >= self._often.count and failed >= _SHARE * forwarded
        if not is_often and self._in_a_row < self._often.count:
            return
        if is_often:
            what = f"the endpoint failed {failed:,} of {plural(forwarded, 'event')} in "
            what += span(self._often.seconds)
        else:
            what = f"the endpoint failed the last {plural(self._in_a_row, 'event')}"
        causes = counts.keys() or {self._last[0]}
        details = listed(counts.most_common(8)) or [f"last: {self._last[0]}"]
        if self._failing:
            details.append(f"at present: {', '.join(self._failing)}")
        advice = "Try the connection: hookgate config check --connect. Then look into its own log."
        size = max(failed, self._in_a_row)
        yield Alarm("endpoint", Severity.CRITICAL, what, details, advice, "", causes, size)

    def save(self) -> Any:
        """Return the window, and the failures in a row."""
        return [self._window.save(), self._in_a_row, *self._last]

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        window, in_a_row, label, at = saved
        self._window.load(window)
        self._in_a_row, self._last = int(in_a_row), (str(label), float(at))
