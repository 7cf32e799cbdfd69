"""What ends on a day: certificates, and how long the ranges may go without a review. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import Sight
from hookgate.wording import span

from .condition import Alarm, Condition


class Certificates(Condition):
    """A certificate expires within so long, or is not valid."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sight = Sight(0.0)

    def observe(self, sight: Sight, now: float) -> None:  # noqa: ARG002  # one signature
        """Take over what they say."""
        self._sight = sight

    def standing(self, now: float) -> Iterable[Alarm]:  # noqa: ARG002  # one signature
        """Say which, and when."""
        for key, why in sorted(self._sight.unread.items()):
            what = f"{key} is not watched: it {why}"
            advice = "Let the user of hookgate watch read the certificate; its key it never reads."
            yield Alarm("certificate", Severity.WARNING, what, (), advice, key)
        wall = self._sight.wall
        for key, validity in sorted(self._sight.validities.items()):
            fault = validity.fault(wall, self._seconds)
            if not fault:
                continue
            yield Alarm(
                "certificate",
                Severity.WARNING if validity.holds(wall) else Severity.CRITICAL,
                f"{key} {fault}",
                [str(validity)],
                f"Renew the certificate that {key} names. A file of the listener is taken up by"
                " itself; for one of the endpoint: systemctl reload hookgate.",
                key,
            )


class Ranges(Condition):
    """The shipped ranges that are allowed were reviewed longer ago. `reviewed` are ISO dates."""

    def __init__(self, seconds: float, reviewed: Mapping[str, str]) -> None:
        self._seconds = seconds
        self._reviewed = reviewed
        self._wall = 0.0

    def observe(self, sight: Sight, now: float) -> None:  # noqa: ARG002  # one signature
        """Take over the date of today."""
        self._wall = sight.wall

    def standing(self, now: float) -> Iterable[Alarm]:  # noqa: ARG002  # one signature
        """Say which."""
        for name, date in self._reviewed.items():
            age = self._wall - datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
            if age > self._seconds:
                yield Alarm(
                    "ranges",
                    Severity.WARNING,
                    f"the ranges of {name} were last reviewed {span(age)} ago",
                    [f"reviewed on {date}"],
                    "Compare source.allow with what the provider publishes, and update hookgate:"
                    " each release has the date of its last review.",
                    name,
                )
