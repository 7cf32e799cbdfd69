"""Two gates alike but that one never learns a head, and all that can be seen of a dialogue."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .ledger import Growing, Record
from .pair import Pair, paired
from .raw import Client, Reply, connected
from .receiver import OK, Seen
from .sidecar import ALLOWED

# Each read that is parsed leaves an f in a file, each head that is screened an s.
COUNTING = """
from hookgate.policy import Policy
from hookgate_sidecar.reader import Reader
def counted(owner, name, letter):
    original = getattr(owner, name)
    def counting(*arguments):
        with open("work", "ab") as file:
            file.write(letter)
        return original(*arguments)
    setattr(owner, name, counting)
counted(Reader, "_feed", b"f")
counted(Policy, "screen", b"s")
"""

FORGETFUL = """
from hookgate.bounded_cache import BoundedCache
from hookgate_sidecar.head_cache import HeadCache
BoundedCache.remember = HeadCache.learn = lambda *_: None
"""

# What differs between two deliveries that are alike.
_PASSING = {"ts", "boot", "seq", "request_id", "n", "prev", "duration_ms", "upstream_ms"}
_ID = re.compile(rb"[0-9a-f]{16}-[0-9a-f]+")
# The length of a problem document is that of its id too.
_PASSING_LINE = re.compile(rb"\r\n(Date|Content-Length): [^\r]*")
# Seconds for a gate to read something; one that is about to close reads no more.
_PATIENCE = 0.2

# Pieces, each of which is a read of its own, and how many answers are awaited before more is sent.
Step = tuple[Sequence[bytes], int]


@dataclass(frozen=True)
class Trace:
    """All that the sender, the upstream and the auditor see, without times and ids."""

    answers: list[tuple[int, bytes, bytes]]
    rest: bytes
    upstream: list[tuple[bytes, bytes]]
    records: list[Record]

    @property
    def statuses(self) -> list[int]:
        return [status for status, _, _ in self.answers]

    @property
    def reasons(self) -> list[str]:
        return [record["reason"] for record in self.records if record["event"] == "delivery"]


@dataclass(frozen=True)
class Counted:
    """A pair whose gate counts what it parses and screens."""

    pair: Pair
    folder: Path

    @property
    def work(self) -> int:
        """How often it has parsed or screened so far."""
        file = self.folder / "work"
        return file.stat().st_size if file.exists() else 0

    def play(self, *steps: Step, source: str = ALLOWED) -> Trace:
        """Send the steps on a connection of its own, then end it; 100s are not told."""
        ledger, seen = Growing(self.pair.gate.audit), len(self.pair.upstream.seen)
        replies: list[Reply] = []
        with connected(self.pair.port, source) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # One that was sent more than it wanted may reset the connection.
            with contextlib.suppress(EOFError, ConnectionError):
                for pieces, answers in steps:
                    for piece in pieces[:-1] if answers else pieces:
                        self._send_apart(client, piece)
                    if answers:
                        client.send(pieces[-1])
                    replies += [_final(client) for _ in range(answers)]
            with contextlib.suppress(EOFError, OSError):
                client.socket.shutdown(socket.SHUT_WR)
                while True:
                    replies.append(_final(client))
            rest = client.buffered
        return Trace(
            [(r.status, _PASSING_LINE.sub(b"", r.head), _ID.sub(b"", r.body)) for r in replies],
            rest,
            [_masked(request) for request in self.pair.upstream.seen[seen:]],
            _told(ledger.new()),
        )

    def _send_apart(self, client: Client, piece: bytes) -> None:
        """Send what is read, and parsed, before anything more is sent."""
        before, until = self.work, time.monotonic() + _PATIENCE
        client.send(piece)
        while self.work == before and time.monotonic() < until:
            time.sleep(0.0002)

    def is_short(self, request: bytes, source: str = ALLOWED) -> bool:
        """Whether a whole request is taken without parsing or screening."""
        before = self.work
        self.play(([request], 1), source=source)
        return self.work == before


def _final(client: Client) -> Reply:
    while (reply := client.read()).status == 100:
        pass
    return reply


def _masked(request: Seen) -> tuple[bytes, bytes]:
    return _ID.sub(b"", request.head), request.body


def _told(lines: list[bytes]) -> list[Record]:
    """The records, request by request: a head may be refused while one before it is under way.

    Sums are left out: they are of a flood before, and written when a second is over.
    """
    records: list[Record] = [json.loads(line) for line in lines]
    records = [record for record in records if record["event"] != "refusals"]
    records.sort(key=lambda record: record.get("seq", 0))
    return [{name: record[name] for name in record if name not in _PASSING} for record in records]


@contextlib.contextmanager
def counted(
    folder: Path,
    respond: Callable[[Seen], bytes | None] = lambda _: OK,
    /,
    patch: str = "",
    **keys: str,
) -> Iterator[Counted]:
    """A pair whose gate counts; `patch` as a sidecar's."""
    folder.mkdir(exist_ok=True)
    with paired(folder, respond, patch=COUNTING + patch, **keys) as pair:
        yield Counted(pair, folder)


@dataclass(frozen=True)
class Twins:
    """`knowing` is the product, `forgetful` learns no head."""

    knowing: Counted
    forgetful: Counted

    def play(self, *steps: Step, source: str = ALLOWED) -> Trace:
        """What both show of the same dialogue, which must be the same."""
        trace = self.knowing.play(*steps, source=source)
        other = self.forgetful.play(*steps, source=source)
        assert trace == other, f"{trace}\n{other}"
        return trace

    def learn(self, request: bytes, source: str = ALLOWED) -> None:
        """Have a head known, to the one that learns."""
        self.play(([request], 1), source=source)
        before = self.knowing.work
        self.play(([request], 1), source=source)
        assert self.knowing.work == before


@contextlib.contextmanager
def twins(folder: Path, **keys: str) -> Iterator[Twins]:
    with (
        counted(folder / "knowing", **keys) as knowing,
        counted(folder / "forgetful", patch=FORGETFUL, **keys) as forgetful,
    ):
        yield Twins(knowing, forgetful)
