"""What is kept of a delivery."""

from typing import NamedTuple

from hookgate.policy import Head, Origin


class Item(NamedTuple):
    """Hold all that it takes to judge a delivery again, and to send it.

    `received` is in seconds since 1970. `signed` says whether its signature held; None where none
    was asked for.
    """

    head: Head
    body: bytes
    origin: Origin
    request_id: str
    received: float
    signed: bool | None
