"""Alertmanager's API v2, POST /api/v2/alerts: api/v2/openapi.yaml of prometheus/alertmanager."""

import re
from datetime import datetime
from typing import Any

from hookgate.alarms.notice import Notice

from .message import LONGEST_ADVICE, LONGEST_LINE, LONGEST_NAME, clean, make_message, rfc3339

PATH = "/api/v2/alerts"


def compose(url: str, notice: Notice, until: datetime) -> tuple[str, Any]:
    """Return where a notice is posted, and what: an alert that ends by itself at `until`.

    Equal labels are the same alert, so they hold nothing that changes while it lasts.
    """
    target = url.rstrip("/").removesuffix(PATH) + PATH
    subject = clean(notice.subject, LONGEST_LINE)
    labels = {
        "alertname": alert_name(notice.condition),
        "severity": str(notice.severity),
        "gate": clean(notice.gate, LONGEST_NAME),
        "subject": subject,
    }
    annotations = {
        "summary": clean(notice.summary, LONGEST_LINE),
        "description": "\n".join(make_message(notice).facts),
        "advice": clean(notice.advice, LONGEST_ADVICE),
    }
    # An end before its beginning is refused; a clock that was set back could make one.
    ends = max(notice.ended or until, notice.began)
    alert = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": rfc3339(notice.began),
        "endsAt": rfc3339(ends),
    }
    return target, [alert]


def alert_name(condition: str) -> str:
    """Return the alert's name: that of `ledger_fails` is HookgateLedgerFails."""
    words = re.findall(r"[A-Za-z0-9]+", condition[:LONGEST_NAME])
    return "Hookgate" + "".join(word[0].upper() + word[1:] for word in words)
