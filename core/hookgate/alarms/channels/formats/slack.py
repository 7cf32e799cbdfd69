"""Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hookgate.alarms.notice import Notice

from .message import make_message

# Characters, escaped: https://docs.slack.dev/reference/block-kit/blocks (header, section).
LONGEST_HEADER = 150
LONGEST_SECTION = 3000
# https://docs.slack.dev/messaging/formatting-message-text: these three begin links and mentions.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def compose(url: str, notice: Notice, until: datetime) -> tuple[str, Any]:  # noqa: ARG001  # as the others
    """Return where a notice is posted, and what: plain text in blocks, so that no markup counts."""
    message = make_message(notice)
    blocks = [
        {"type": "header", "text": _plain(message.headline, LONGEST_HEADER)},
        {"type": "section", "text": _plain("\n".join(message.facts), LONGEST_SECTION)},
    ]
    if message.advice:
        advice = _plain(f"What to do: {message.advice}", LONGEST_SECTION)
        blocks.append({"type": "section", "text": advice})
    # Where blocks are shown, `text` is what the notification says.
    return url, {"text": _escape(message.headline, LONGEST_SECTION), "blocks": blocks}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _escape(text, most), "emoji": False}


def _escape(text: str, most: int) -> str:
    """Escape a text, and cut it where that makes it too long; counts as JavaScript does."""
    parts: list[str] = []
    left = most - 1
    for part in _escaped(text):
        left -= len(part) + (part > "\uffff")
        if left < 0:
            return "".join(parts) + "…"
        parts.append(part)
    return "".join(parts)


def _escaped(text: str) -> Iterable[str]:
    return (_ENTITIES.get(character, character) for character in text)
