"""Heads that were screened, by their bytes, so that none is parsed and screened again and again."""

from dataclasses import dataclass

from hookgate.bounded_cache import BoundedCache
from hookgate.gate.state import Screened
from hookgate.policy import declared_length

from .request import Request, Sender

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


class HeadCache(BoundedCache[tuple[Sender, bytes], KnownHead]):
    """Remember at most `most` heads, by their senders and their bytes up to the empty line.

    With `refused` also those are remembered that were refused for their head.

    A request is recalled where the parser stands between two messages, its sender and all of its
    head are byte for byte those of one that was learnt, and exactly the declared length comes
    behind it in the same read. It then takes neither parser nor screen, and must end as it would
    have by them. So a head is learnt only where all of this holds:

    1. The read began between two messages and was exactly this one request: the parser stands
       between two messages again, as it does if it is not given another such read.
    2. The body is as long as its Content-Length says, so any other body of that length ends there
       too. A chunked one declares none.
    3. The connection stays open behind it: the parser would read on, and so does the next read.
    4. It does not await 100 Continue (`expects`), even where no body comes: that had to be written.
    5. It was screened, and the policy found nothing, and nor did the front: it was not refused by a
       bound or for its body. A finding on the head is the same each time too, and is kept with
       `refused`: not of those whom a trusted proxy speaks for, who could drive out what passed.
    6. Its connection has the bounds that are in force: others may have smaller or larger ones.
    7. Its head is short, so that the cache is (`MAX_HEAD_BYTES`).

    Who learns sees to 1 and 6; who recalls to 6, and that it was screened by the terms in force. A
    reload clears the cache, so that it keeps no old policy alive.
    """

    def __init__(self, most: int, *, refused: bool) -> None:
        super().__init__(most)
        self._refused = refused

    def learn(self, sender: Sender, data: bytes, request: Request) -> None:
        """Remember the head of this request, if it may be; `data` is the read that it alone was."""
        screened = request.delivery.screened
        if screened is None or not request.keep_alive or request.expects:
            return
        head, empty_line, body = data.partition(EMPTY_LINE)
        if screened.decision.finding is None:
            if request.answer is not None or request.size != len(body):
                return
        elif not self._refused:
            return
        short = len(head) + len(empty_line) <= MAX_HEAD_BYTES
        if short and declared_length(screened.decision.head) == len(body):
            self.remember((sender, head), KnownHead(screened, len(body)))
