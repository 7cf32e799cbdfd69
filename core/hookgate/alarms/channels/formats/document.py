"""hookgate's own JSON: `notice.schema.json` describes it. What waits is remembered in it, too."""

from datetime import UTC, datetime
from typing import Any

from hookgate.alarms.notice import Notice, Severity

from .message import LONGEST_ADVICE, LONGEST_LINE, LONGEST_NAME, MOST_DETAILS, clean, rfc3339

VERSION = 1


def compose(url: str, notice: Notice, until: datetime) -> tuple[str, Any]:  # noqa: ARG001  # as the others
    """Return where a notice is posted, and what."""
    return url, to_document(notice)


def to_document(notice: Notice) -> dict[str, Any]:
    """Return a notice as JSON has it."""
    return {
        "version": VERSION,
        "state": "resolved" if notice.resolved else "raised",
        "condition": clean(notice.condition, LONGEST_NAME),
        "subject": clean(notice.subject, LONGEST_LINE),
        "severity": str(notice.severity),
        "gate": clean(notice.gate, LONGEST_NAME),
        "summary": clean(notice.summary, LONGEST_LINE),
        "details": [clean(detail, LONGEST_LINE) for detail in notice.details[:MOST_DETAILS]],
        "advice": clean(notice.advice, LONGEST_ADVICE),
        "began": rfc3339(notice.began),
        "ended": rfc3339(notice.ended) if notice.ended else None,
    }


def from_document(document: Any) -> Notice:
    """Return the notice that `to_document` was given. Raises ValueError for anything else."""
    try:
        texts = {
            name: document[name] for name in ("condition", "subject", "gate", "summary", "advice")
        }
        details = tuple(document["details"])
        if not all(isinstance(text, str) for text in (*texts.values(), *details)):
            raise ValueError("a text is none")
        ended = document["ended"]
        return Notice(
            **texts,
            details=details,
            severity=Severity(document["severity"]),
            began=_moment(document["began"]),
            ended=None if ended is None else _moment(ended),
        )
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("no notice") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment.astimezone(UTC)  # raises OverflowError where it could not be written so
