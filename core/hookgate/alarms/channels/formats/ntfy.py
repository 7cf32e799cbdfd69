"""ntfy's publishing as JSON: https://docs.ntfy.sh/publish/#publish-as-json."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hookgate.alarms.notice import Notice, Severity

from .message import make_message

# Bytes, as JSON writes them. 4,096 make an attachment (LimitReached in its util/peek.go), which a
# server without an attachment-cache-dir refuses: https://docs.ntfy.sh/config/.
LONGEST_MESSAGE = 4095
_ESCAPED = '"\\\n'
# https://docs.ntfy.sh/publish/#message-priority and #tags-emojis.
_URGENT, _HIGH, _DEFAULT = 5, 4, 3
_LOOKS = {
    Severity.CRITICAL: (_URGENT, "rotating_light"),
    Severity.WARNING: (_HIGH, "warning"),
}
_OVER = (_DEFAULT, "white_check_mark")


def compose(url: str, notice: Notice, until: datetime) -> tuple[str, Any]:  # noqa: ARG001  # as the others
    """Return where a notice is posted, the server's root, and what: the topic is a member."""
    parts = urlsplit(url)
    message = make_message(notice)
    advice = [f"What to do: {message.advice}"] if message.advice else []
    priority, tag = _OVER if notice.resolved else _LOOKS[notice.severity]
    document = {
        "topic": parts.path.removeprefix("/"),
        "title": message.headline,
        "message": _cut("\n".join([*message.facts, *advice])),
        "priority": priority,
        "tags": [tag],
    }
    return urlunsplit((parts.scheme, parts.netloc, "/", "", "")), document


def _cut(text: str) -> str:
    left = LONGEST_MESSAGE - len("…".encode())
    for at, character in enumerate(text):
        left -= len(character.encode()) + (character in _ESCAPED)
        if left < 0:
            return text[:at] + "…"
    return text
