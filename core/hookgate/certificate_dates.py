"""From when until when certificates in PEM files hold. Their keys are not needed, and not read."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from hookgate.files import FileError, read_file
from hookgate.times import show_time
from hookgate.wording import span

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18


class Validity(NamedTuple):
    """From when until when, in seconds since 1970."""

    begins: float
    ends: float

    def holds(self, now: float) -> bool:
        """Tell whether it holds at this time."""
        return self.begins <= now < self.ends

    def fault(self, now: float, soon: float) -> str:
        """Say why it does not hold at this time, or not for `soon` seconds more; "" where it does.

        To follow the name of a certificate.
        """
        if now < self.begins:
            return "is not valid yet"
        if now >= self.ends:
            return "has expired"
        left = self.ends - now
        return f"expires in {span(left)}" if left <= soon else ""

    def __str__(self) -> str:
        """Write it for a person."""
        begins, ends = (show_time(at, "minutes", utc=True) for at in self)
        return f"valid from {begins} until {ends}"


def read_validities(path: str) -> list[Validity]:
    """Read the validity of each certificate of a file.

    Raises `FileError` where it cannot be read, or holds none.
    """
    text = read_file(path).data.decode("ascii", "replace")
    found = list(map(_validity, _blocks(text)))
    if not found:
        raise FileError("holds no certificate in PEM")
    return found


def _blocks(text: str) -> Iterator[bytes]:
    for part in text.split(_BEGIN)[1:]:
        block, end, _ = part.partition(_END)
        if end:
            try:
                yield ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{block}{_END}")
            except ValueError:
                raise FileError("holds no certificate in PEM") from None


def _validity(der: bytes) -> Validity:
    """Read `validity` (RFC 5280 4.1)."""
    try:
        _, certificate, _ = _take(der, _SEQUENCE)
        _, rest, _ = _take(certificate, _SEQUENCE)
        tag, _, after = _take(rest)
        if tag == _VERSION:
            rest = after
        for expected in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial, algorithm, issuer
            _, _, rest = _take(rest, expected)
        _, rest, _ = _take(rest, _SEQUENCE)
        begins, rest = _time(rest)
        return Validity(begins, _time(rest)[0])
    except (IndexError, KeyError, ValueError, OverflowError):
        raise FileError("holds a certificate that cannot be read") from None


def _time(data: bytes) -> tuple[float, bytes]:
    """Take a time off, in seconds since 1970; returns what follows it too."""
    tag, when, rest = _take(data)
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}[tag]
    moment = datetime.strptime(when.decode("ascii"), form)  # noqa: DTZ007  # Z, as the form says
    if tag == _UTC_TIME and moment.year >= 2050:  # RFC 5280 4.1.2.5.1
        moment = moment.replace(year=moment.year - 100)
    return moment.replace(tzinfo=UTC).timestamp(), rest


def _take(data: bytes, expected: int | None = None) -> tuple[int, bytes, bytes]:
    """Take one element of DER off: its tag, its contents, and what follows."""
    tag, length, begin = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        length, begin = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if begin + length > len(data) or expected not in (None, tag):
        raise ValueError
    return tag, data[begin : begin + length], data[begin + length :]
