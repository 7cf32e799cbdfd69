"""One request on its way in, then waiting for its turn and its answer."""

from typing import NamedTuple

from hookgate.gate.answer import Answer
from hookgate.gate.delivery import Delivery
from hookgate.gate.gate import Gate
from hookgate.gate.state import Done
from hookgate.policy import Reason


class Sender(NamedTuple):
    """Tell what of a connection a head is judged by: as `make_head` takes them.

    `peer` opened the connection, `proxied_for` is whom its PROXY header named.
    """

    peer: str
    proxied_for: str | None
    scheme: bytes


class Request:
    """Hold one request and its delivery until it is answered.

    `size` counts the bytes of its `body`, which is whole or grows, and goes when it is started or
    refused. `target` and `fields` are the parser's; what came `whole` has none. `expects` says that
    the sender awaits 100 Continue (RFC 9110 10.1.1), `answered` that the answer is written.
    """

    target: bytes
    fields: list[tuple[bytes, bytes]]

    __slots__ = (
        "answer",
        "answered",
        "body",
        "complete",
        "delivery",
        "expects",
        "fields",
        "head_complete",
        "keep_alive",
        "size",
        "started",
        "target",
        "version",
    )

    def __init__(
        self, delivery: Delivery, version: str, body: bytes | bytearray, size: int, whole: bool
    ) -> None:
        self.delivery = delivery
        self.version = version
        self.head_complete = whole
        self.expects = False
        self.body = body
        self.size = size
        self.complete = whole
        self.keep_alive = whole
        self.started = False
        self.answer: Answer | None = None
        self.answered = False

    @classmethod
    def begun(cls, delivery: Delivery) -> "Request":
        """Make one of which nothing was read yet."""
        # Grown in place: a list of pieces of a few bytes would take thirty times their size.
        request = cls(delivery, "1.1", bytearray(), 0, False)
        request.target, request.fields = b"", []
        return request

    def append(self, body: bytes, gate: Gate, max_buffered: int) -> None:
        """Hold a further part of the body, or refuse it where it is too large or there is no room.

        `max_buffered` is how many bytes of bodies may be held in all.
        """
        self.expects = False
        if self.answer is not None:
            return
        self.size += len(body)
        if self.size > (most := self.delivery.max_body):
            self.refuse(Reason.BODY_TOO_LARGE, f"more than {most} bytes")
        elif gate.counts.buffered + self.size > max_buffered:
            self.refuse(Reason.OVERLOADED)
        else:
            self.body += body
            self.delivery.held = self.size
            gate.counts.buffered += len(body)

    def start(self, done: Done) -> None:
        """Have the whole body judged; `done` gets the answer."""
        self.started = True
        body, self.body = self.body, b""
        self.delivery.deliver(body if type(body) is bytes else bytes(body), done)

    def refuse(self, reason: Reason, detail: str = "") -> None:
        """End it for what the front saw, unless it has its answer already."""
        if self.answer is None and not self.delivery.ended:
            self.answer = self.delivery.refuse(reason, self.size, detail)
        self.body = b""
