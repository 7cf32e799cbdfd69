"""What senders were told of events that the endpoint took."""

from hookgate.ledger.record import Record

# The shipped contracts whose answer is the endpoint's own.
RELAYED = ("cm-voice", "cm-two-way")


def is_not_200(record: Record) -> bool:
    """Tell whether the sender of a `delivery` was told else than 200, and no route relays that.

    nginx relays a 2xx on every route: of its lines only the contract tells whether it should.
    """
    told = record.get("status")
    is_asked = record.get("front") != "nginx" or record.get("route") in RELAYED
    relayed = is_asked and told == record.get("upstream_status")
    return type(told) is int and told != 200 and not relayed
