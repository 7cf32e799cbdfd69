"""What a run of usual lines says of losses: most tell of what arrived, and need not be parsed.

What cannot be told in few words is read line by line.
"""

import re
from itertools import compress
from operator import ne
from typing import NamedTuple

from .balance_scan import Counted
from .identity import FOREIGN

_DIGEST = b',"sha256":'
_NULL = b"null"
# A digest with its quotation marks, or `null` and what comes after it.
_SPELLED = 66
_are_digests = re.compile(rb'(?:"[0-9a-f]{64}")*+').fullmatch
_is_foreign = re.compile(rb',"reason":"(?:%b)"' % "|".join(sorted(FOREIGN)).encode()).search


class LossesRun(NamedTuple):
    """What lines say of losses. Their order does not matter: no two are about the same.

    `arrived` are the SHA-256 of what was delivered, and `done` the request_ids of which nothing is
    left to be known, both joined by newlines. `begun` was forwarded and did not end here, `ended`
    was delivered and not forwarded here: request_id and SHA-256. `lines` have to be looked at.
    """

    arrived: str
    done: str
    begun: list[tuple[str, str]]
    ended: list[tuple[str, str]]
    lines: list[bytes]


def tell_losses(counted: Counted) -> LossesRun | None:
    """Tell what lines say of losses; None if their order may matter, or one is a replay's."""
    data, lines, requests, outcomes, begun, ended = counted
    names, both = frozenset(requests), begun.keys() & ended.keys()
    of_both = (map(requests.__getitem__, map(at.__getitem__, both)) for at in (begun, ended))
    if (
        len(names) + len(both) < len(requests)
        or any(map(ne, *of_both))
        or _NULL in names
        or b',"replay_of":' in data
    ):
        return None
    are_delivered = list(map(b"delivered".__eq__, outcomes))
    arrived = list(map(_digest, compress(lines, are_delivered)))
    done = [requests[at] for at in begun.values()]
    unended = [at for seq, at in begun.items() if seq not in ended]
    unbegun = [at for seq, at in ended.items() if seq not in begun and are_delivered[at]]
    about = [_digest(lines[at]) for at in unended]
    failed = []
    for seq, at in ended.items():
        if are_delivered[at]:
            continue
        digest = _digest(lines[at])
        if digest[:4] != _NULL:
            about.append(digest)
        elif seq in begun:
            return None  # its `forward` has the digest
        elif _is_foreign(lines[at]):
            done.append(requests[at])
            continue
        failed.append(lines[at])
    if not _are_digests(b"".join((*arrived, *about))) or not set(arrived).isdisjoint(about):
        return None
    return LossesRun(
        _joined(arrived),
        _joined(done),
        [_told(requests[at], lines[at]) for at in unended],
        [_told(requests[at], lines[at]) for at in unbegun],
        failed,
    )


def _digest(line: bytes) -> bytes:
    at = line.find(_DIGEST) + len(_DIGEST)
    return line[at : at + _SPELLED]


def _told(request: bytes, line: bytes) -> tuple[str, str]:
    return _joined([request]), _joined([_digest(line)])


def _joined(spelled: list[bytes]) -> str:
    """Texts of JSON, which have neither a quotation mark nor an escape in them."""
    return b"\n".join(spelled).replace(b'"', b"").decode()
