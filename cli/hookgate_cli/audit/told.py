"""What one line of a receipt says, in words for somebody who does not know hookgate."""

from collections.abc import Iterable, Sequence

from hookgate.ledger.record import Record
from hookgate_cli.terminal import printable

# What of a line is, or may be, of a person.
_PERSONAL = ("from", "to", "client", "peer", "actor", "why")


def tell(record: Record) -> str:
    """Return the line's time and what it says, printable."""
    words = {"start": _start, "forward": _forward, "released": _released}
    said = words.get(record["event"], _delivery)(record)
    return printable(f"{record.get('ts') or 'at a time that it does not tell'}  {said}")


def personal_data(records: Iterable[Record]) -> list[str]:
    """Return what the lines hold of people, as `member: value`, each once."""
    found = (
        f"{name}: {record[name]}"
        for record in records
        for name in _PERSONAL
        if record.get(name) is not None
    )
    return [printable(each) for each in dict.fromkeys(found)]


def without_end(records: Sequence[Record]) -> list[str]:
    """Return the request_ids of what was sent to the endpoint and has no other line here."""
    ended = {record["request_id"] for record in records if record["event"] == "delivery"}
    begun = (record["request_id"] for record in records if record["event"] == "forward")
    return [request_id for request_id in begun if request_id not in ended]


def _start(record: Record) -> str:
    get = record.get
    gate = f"hookgate {get('version')} ({get('front')}) started"
    return f"{gate}, policy {get('policy')}, configuration {get('config')}"


def _forward(record: Record) -> str:
    return f"about to be sent to the endpoint, as request {record['request_id']}{_replay(record)}"


def _released(record: Record) -> str:
    get = record.get
    why = f": {get('why')}" if get("why") else ""
    return f"kept no more: {get('cause')}, by {get('actor') or 'nobody known'}{why}"


def _delivery(record: Record) -> str:
    get = record.get
    words = f"{get('outcome')} as {get('reason')}"
    if get("upstream_status") is not None:
        words += f"; the endpoint answered {get('upstream_status')}"
    elif get("upstream_error") is not None:
        words += f"; of the endpoint's answer: {get('upstream_error')}"
    if get("status") is not None:
        gone = ", and had left" if get("answered") is False else ""
        words += f"; the sender was answered {get('status')}{gone}"
    if get("kept") is not None:
        words += "; kept in the quarantine"
    return f"{words} (request {get('request_id')}{_replay(record)})"


def _replay(record: Record) -> str:
    get = record.get
    if get("replay_of") is None:
        return ""
    return f", a replay of {get('replay_of')} by {get('actor') or 'nobody known'}"
