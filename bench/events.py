"""The request bodies of the bench: documented events, varied, enlarged and broken."""

import json
import uuid

from hookgate.samples import documented_events

EVENT = documented_events()["rcs-suggestion-click"]
EVENTS = 200
# Between the bodies of one file; JSON has none, but escaped.
SEPARATOR = b"\x1e"
BROKEN = EVENT.rstrip()[:-1]


def mixed_events() -> list[bytes]:
    """Return 200 events as they come: every documented one, printed as the provider prints it.

    Every other one is of 481 bytes; between them the others take turns, of 272 to 626 bytes. Ids,
    numbers and times are never the same, and as long as those of the documents.
    """
    others = [event for event in documented_events().values() if event is not EVENT]
    events: list[bytes] = []
    for number in range(EVENTS):
        event = json.loads(others[number // 2 % len(others)] if number % 2 else EVENT)
        if "reference" in event:
            event["reference"] = str(uuid.UUID(int=number))
        event["from"]["number"] = f"{number:0{len(event['from']['number'])}d}"
        event["timeUtc"] = f"2025-09-03T08:{number // 60:02d}:{number % 60:02d}"
        events.append(json.dumps(event, indent=2).encode() + b"\n")
    return events


def compact_events() -> list[bytes]:
    """Return 200 events as a sender would vary one: ids, numbers, times and lengths.

    Without spaces, as serialisers write by default, but for Python's.
    """
    events: list[bytes] = []
    for number in range(EVENTS):
        event = json.loads(EVENT)
        event["reference"] = str(uuid.UUID(int=number))
        event["from"]["number"] = f"00316{number:08d}"
        event["timeUtc"] = f"2025-09-03T08:{number // 60:02d}:{number % 60:02d}"
        event["event"]["custom"]["postbackdata"] = "choice " + "x" * (number % 97)
        events.append(json.dumps(event, separators=(",", ":")).encode())
    return events


def padded(size: int) -> bytes:
    """Return a clean event of about `size` bytes, or the documented one where that is larger."""
    event = json.loads(EVENT)
    item = {"id": 4711, "label": "Show the menu", "price": 9.95, "tags": ["a", "b"]}
    room = size - len(EVENT)
    if room <= 0:
        return EVENT
    event["event"]["custom"]["items"] = [item] * (room // (len(json.dumps(item)) - 5) + 1)
    return json.dumps(event, separators=(",", ":")).encode()
