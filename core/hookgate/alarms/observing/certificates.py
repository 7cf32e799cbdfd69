"""When certificates in PEM files end. Their keys are not needed, and not read."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from hookgate.files import FileError, read_file

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18


def ends_of(path: str) -> list[float]:
    """Return when each certificate of a file ends, in seconds since 1970.

    Raises `FileError` where it cannot be read, or holds none.
    """
    text = read_file(path).data.decode("ascii", "replace")
    ends = list(map(_end_of, _blocks(text)))
    if not ends:
        raise FileError("holds no certificate in PEM")
    return ends


def _blocks(text: str) -> Iterator[bytes]:
    for part in text.split(_BEGIN)[1:]:
        block, end, _ = part.partition(_END)
        if end:
            try:
                yield ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{block}{_END}")
            except ValueError:
                raise FileError("holds no certificate in PEM") from None


def _end_of(der: bytes) -> float:
    """Read the second time of `validity` (RFC 5280 4.1)."""
    try:
        _, certificate, _ = _take(der, _SEQUENCE)
        _, rest, _ = _take(certificate, _SEQUENCE)
        tag, _, after = _take(rest)
        if tag == _VERSION:
            rest = after
        for expected in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial, algorithm, issuer
            _, _, rest = _take(rest, expected)
        _, validity, _ = _take(rest, _SEQUENCE)
        _, _, rest = _take(validity)
        tag, when, _ = _take(rest)
        form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}[tag]
        moment = datetime.strptime(when.decode("ascii"), form)  # noqa: DTZ007  # Z, as the form says
        if tag == _UTC_TIME and moment.year >= 2050:  # RFC 5280 4.1.2.5.1
            moment = moment.replace(year=moment.year - 100)
        return moment.replace(tzinfo=UTC).timestamp()
    except (IndexError, KeyError, ValueError, OverflowError):
        raise FileError("holds a certificate that cannot be read") from None


def _take(data: bytes, expected: int | None = None) -> tuple[int, bytes, bytes]:
    """Take one element of DER off: its tag, its contents, and what follows."""
    tag, length, begin = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        length, begin = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if begin + length > len(data) or expected not in (None, tag):
        raise ValueError
    return tag, data[begin : begin + length], data[begin + length :]
