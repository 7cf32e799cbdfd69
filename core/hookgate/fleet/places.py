"""Which segments are read next, of many gates. Pure.

A place is a row with `gate`, `boot`, `first_n`, `size`, `received` and `is_sane`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Any

# Bytes of text: what is fetched at a time, and what is read in one look. A segment counts for as
# much at least, however small it is.
CHUNK, LOOK = 4 << 20, 32 << 20
LEAST = 4096


def share_out(places: Sequence[Any]) -> list[Any]:
    """Take of each gate as much, the oldest first, up to what one look may read."""
    sizes: Counter[str] = Counter()
    queue = []
    for place in in_order(places):
        sizes[place.gate] += _size(place)
        queue.append((sizes[place.gate], place))
    queue.sort(key=itemgetter(0))
    totals = accumulate(_size(place) for _, place in queue)
    return in_order(place for (_, place), total in zip(queue, totals, strict=True) if total <= LOOK)


def in_order(places: Iterable[Any]) -> list[Any]:
    """Sort them by receipt, those of a boot by their lines whatever the store's clock did."""
    keyed, latest = [], dict[tuple[str, str], datetime]()
    for place in sorted(places, key=attrgetter("gate", "boot", "first_n")):
        boot = place.gate, place.boot
        latest[boot] = max(place.received, latest.get(boot, place.received))
        keyed.append((latest[boot], boot, place.first_n, place))
    return [place for *_, place in sorted(keyed, key=itemgetter(0, 1, 2))]


def chunked(places: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut them into as many as are fetched at a time."""
    chunk: list[Any] = []
    size = 0
    for place in places:
        if chunk and size + _size(place) > CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(place)
        size += _size(place)
    if chunk:
        yield chunk


def _size(place: Any) -> int:
    return max(LEAST, place.size if place.is_sane else 0)
