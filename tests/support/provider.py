"""One event of every documented shape, by channel and type."""

import copy
from typing import Any

from .events import RCS

Event = dict[str, Any]

_PARTIES: Event = {
    "from": {"number": "0031612345678"},
    "to": {"number": "00cm.com_agent"},
    "timeUtc": "2025-09-03T08:00:05",
}


def _event(channel: str, kind: str, custom: Event | None = None, **members: Any) -> Event:
    event: Event = {"type": kind, "reference": "5e1c7d5f-2e1e-4a55-8f10-8a8f7b3f1f7c"}
    if custom is not None:
        event["custom"] = custom
    return {**_PARTIES, "messageContext": "", "event": event, "channel": channel, **members}


_TOKEN: Event = {"notificationToken": "8721498742", "tokenExpiry": "2026-03-01T12:00:00Z"}
_GROUPS: Event = {"groupings": ["", "", ""]}

DOCUMENTED: dict[str, Event] = {
    "RCS SuggestionClick": RCS,
    "RCS isTyping": {
        **_PARTIES,
        "reference": "9a7d4f9c-1f70-4f0f-9fd4-1d6f2ccf2d63",
        "messageContext": "",
        "event": {"type": "isTyping"},
        "channel": "RCS",
    },
    "Instagram MessageDelete": _event("Instagram", "MessageDelete", **_GROUPS),
    "Instagram StoryMention": _event(
        "Instagram", "StoryMention", {"url": "https://cdn.example.com/story.mp4"}, **_GROUPS
    ),
    "Instagram OptInSubscribed": _event("Instagram", "OptInSubscribed", _TOKEN),
    "Instagram OptInExtended": _event("Instagram", "OptInExtended", _TOKEN),
    "Facebook Messenger OptInSubscribed": _event("Facebook Messenger", "OptInSubscribed", _TOKEN),
    "Facebook Messenger OptInExtended": _event("Facebook Messenger", "OptInExtended", _TOKEN),
    "Google Business Messages HumanAgentRequested": _event(
        "Google Business Messages", "HumanAgentRequested"
    ),
    "MobilePush ClientInstalled": _event(
        "MobilePush", "ClientInstalled", {"msisdn": None, "tags": [], "deviceId": "d-1"}
    ),
    "MobilePush ClientUpdated": _event(
        "MobilePush",
        "ClientUpdated",
        {"msisdn": None, "tags": ["a", "b"], "preferences": [{"key": "k", "value": None}]},
    ),
}


def with_member(event: Event, pointer: str, value: Any) -> Event:
    """A copy of the event with the member at the pointer set, or left out where it is `...`."""
    changed = copy.deepcopy(event)
    *parents, name = pointer.strip("/").split("/")
    place = changed
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[name]
    else:
        place[name] = value
    return changed
