"""Which records are asked for, and following a ledger as it grows and is rotated."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import IO

from hookgate.networks.addresses import parse_address
from hookgate.networks.diagnosis import diagnose
from hookgate.networks.mends import Notation, network_mend

from .identity import NAMES
from .reader import timestamp
from .record import Record
from .times import QueryError

Network = IPv4Network | IPv6Network

_BLOCK = 1 << 16


@dataclass(frozen=True)
class Query:
    """What a record must be: of that time, and in each field that is asked for one of its values.

    `since` (inclusive) and `until` (exclusive) are seconds since 1970. A record without the field
    is not what was asked for. `references` are those of events, their own, request_ids or SHA-256.
    """

    since: float | None = None
    until: float | None = None
    outcome: frozenset[str] = frozenset()
    reason: frozenset[str] = frozenset()
    channel: frozenset[str] = frozenset()
    event_type: frozenset[str] = frozenset()
    route: frozenset[str] = frozenset()
    front: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()
    clients: tuple[Network, ...] = ()

    @cached_property
    def fields(self) -> list[tuple[str, frozenset[str]]]:
        """The fields that are asked for by value."""
        names = ("outcome", "reason", "channel", "event_type", "route", "front")
        return [(name, wanted) for name in names if (wanted := getattr(self, name))]

    @property
    def is_only_of_time(self) -> bool:
        """Whether nothing but the time matters."""
        return not (self.fields or self.references or self.clients)

    def matches(self, record: Record) -> bool:
        """Whether this record is asked for."""
        return (
            self._is_in_time(record)
            and all(_is_one_of(record.get(name), wanted) for name, wanted in self.fields)
            and (
                not self.references
                or any(_is_one_of(record.get(name), self.references) for name in NAMES)
            )
            and (not self.clients or self._is_from(record.get("client")))
        )

    def _is_in_time(self, record: Record) -> bool:
        if self.since is None and self.until is None:
            return True
        moment = timestamp(record)
        return (self.since or 0.0) <= moment < (math.inf if self.until is None else self.until)

    def _is_from(self, client: object) -> bool:
        address = parse_address(client) if type(client) is str else None
        return address is not None and any(address in network for network in self.clients)


def _is_one_of(value: object, wanted: frozenset[str]) -> bool:
    return type(value) is str and value in wanted


def parse_network(text: str) -> Network:
    """An address or a CIDR range. Raises `QueryError`, with what to write instead."""
    with suppress(ValueError):
        network = ip_network(text)
        # A record has such an address as IPv4.
        if network.version == 4 or network.network_address.ipv4_mapped is None:
            return network
    error = diagnose(text)
    mend = network_mend(error, Notation.OPTION, "write an address, or a CIDR range of them")
    raise QueryError(f'"{text}" {mend}')


def read_backwards(file: Path, end: int | None = None) -> Iterator[bytes]:
    """The lines of a file, or of so many bytes of it, the last first, without their newlines.

    Raises OSError.
    """
    with file.open("rb") as stream:
        position = last = stream.seek(0, os.SEEK_END) if end is None else end
        rest = b""
        while position:
            size = min(_BLOCK, position)
            stream.seek(position - size)
            data = stream.read(size) + rest
            if position == last:
                data = data.removesuffix(b"\n")
            rest, *lines = data.split(b"\n")
            yield from reversed(lines)
            position -= size
        if last:
            yield rest


def whole_lines(file: Path) -> int:
    """How many bytes of a file are lines that have ended; 0 where it is not there."""
    try:
        size = file.stat().st_size
        torn = next(read_backwards(file, size), b"")
        with file.open("rb") as stream:
            stream.seek(max(0, size - 1))
            return size if stream.read(1) == b"\n" else size - len(torn)
    except FileNotFoundError:
        return 0


class Follower:
    """A file that grows, is renamed and replaced, or truncated; it may not be there yet.

    `start` leaves out so many bytes of what is there already.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        self.path = path
        self._rest = b""
        self._stream = self._open()
        if self._stream is not None:
            self._stream.seek(start)

    def poll(self) -> Iterator[bytes]:
        """The whole lines that were written since, without their newlines."""
        yield from self._lines()
        if self._is_replaced():
            yield from self._lines()  # what was written between the reading and the renaming
            if self._rest:
                yield self._rest
            self.close()
            self._stream = self._open()
            yield from self._lines()

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._rest = None, b""

    def _open(self) -> IO[bytes] | None:
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            return None

    def _lines(self) -> Iterator[bytes]:
        while self._stream is not None and (data := self._stream.read(_BLOCK)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            yield from lines

    def _is_replaced(self) -> bool:
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False
        if self._stream is None:
            return True
        here = os.fstat(self._stream.fileno())
        is_same = (here.st_dev, here.st_ino) == (now.st_dev, now.st_ino)
        return not is_same or now.st_size < self._stream.tell()
