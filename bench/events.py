"""The request bodies of the bench: one documented event, whole, varied, enlarged and broken."""

import json
import uuid

from hookgate.samples import documented_events

EVENT = documented_events()["rcs-suggestion-click"]
EVENTS = 200
BROKEN = EVENT.rstrip()[:-1]


def varied_events() -> list[bytes]:
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
