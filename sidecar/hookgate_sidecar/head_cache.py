"""Heads that were screened, by their bytes, so that none is parsed and screened again and again."""

from dataclasses import dataclass, replace

from hookgate.bounded_cache import BoundedCache
from hookgate.gate.state import Screened
from hookgate.policy import declared_length
from hookgate.settings import Config
from hookgate.signing.schemes import SIGNED_FIELDS

from .request import Request, Sender
from .varying import Cutter, locate

# Senders differ in little but the body's length. Foreign ones have a cache of their own, and can
# drive nobody else's heads out.
MAX_HEADS, MAX_FOREIGN_HEADS = 1024, 256
MAX_HEAD_BYTES = 2048

EMPTY_LINE = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class KnownHead:
    """Hold what a head was screened to; `length` is that of the body behind it, in bytes."""

    screened: Screened
    length: int


class HeadCache(BoundedCache[tuple[Sender, bytes | tuple[bytes, ...]], KnownHead]):
    """Remember at most `most` heads, by their senders and their bytes up to the empty line, but for
    the values of fields that vary by `config`.

    With `refused` also those are remembered that were refused for their head.

    A request is recalled where the parser stands between two messages, its sender and all of its
    head that is remembered are those of one that was learnt, and exactly the declared length comes
    behind it in the same read. It then takes neither parser nor screen, and must end as it would
    have by them. So a head is learnt only where all of this holds:

    1. The read began between two messages and was exactly this one request: the parser stands
       between two messages again, as it does if it is not given another such read.
    2. The body is as long as its Content-Length says, so any other body of that length ends there
       too. A chunked one declares none.
    3. The connection stays open behind it: the parser would read on, and so does the next read.
    4. It does not await 100 Continue (`expects`), even where no body comes: that had to be written.
    5. It was screened, and its body is wanted, and the front found nothing: it was not refused by a
       bound or for its body. A finding on the head is the same each time too, and is kept with
       `refused`: not of those whom a trusted proxy speaks for, who could drive out what passed.
    6. Its connection has the bounds that are in force: others may have smaller or larger ones.
    7. Its head is short, so that the cache is (`MAX_HEAD_BYTES`).
    8. What is cut out of it was parsed as these values of these fields, and stands in its head for
       the endpoint as it came, or not at all (`locate`). Else all of it is remembered.
    9. It holds no field of a signature: no other head would be the same.

    Who learns sees to 1 and 6; who recalls to 6, and that it was screened by the terms in force. A
    reload clears the cache, so that it keeps no old policy alive.
    """

    def __init__(self, most: int, config: Config, *, refused: bool) -> None:
        super().__init__(most)
        self._cutter = Cutter(config)
        self._refused = refused

    def renew(self, config: Config) -> None:
        """Forget all heads, and go by another configuration from now on."""
        self.clear()
        self._cutter = Cutter(config)

    def find(self, sender: Sender, head: bytes) -> tuple[KnownHead | None, list[bytes]]:
        """Return what is known of a head but for its values that vary, and these."""
        if self._cutter.cut is None:
            return None, []
        rest = self._cutter.cut(head)
        values = rest[2::3]
        del rest[2::3]
        return self.get((sender, tuple(rest))) if values else None, values

    def learn(self, sender: Sender, data: bytes, request: Request) -> None:
        """Remember the head of this request, if it may be; `data` is the read that it alone was."""
        screened = request.delivery.screened
        if screened is None or not request.keep_alive or request.expects:
            return
        head, empty_line, body = data.partition(EMPTY_LINE)
        if screened.wants_body:
            if request.answer is not None or request.size != len(body):
                return
        elif not self._refused:
            return
        parsed = screened.decision.head
        if (
            len(head) + len(empty_line) > MAX_HEAD_BYTES
            or declared_length(parsed) != len(body)
            or not SIGNED_FIELDS.isdisjoint(parsed.named)
        ):
            return
        rest: bytes | tuple[bytes, ...] = head
        if (cut := self._cutter.meet(parsed.named)) is not None:
            parts = cut(head)
            varying = locate(parts, cut(screened.upstream_head or b""), parsed.fields)
            if varying is not None and varying.places:
                del parts[2::3]
                rest, screened = tuple(parts), replace(screened, varying=varying)
        self.remember((sender, rest), KnownHead(screened, len(body)))
