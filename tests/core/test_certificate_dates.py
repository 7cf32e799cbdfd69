"""When a certificate is valid, read without its key."""

import datetime as dt
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from hookgate.certificate_dates import Validity, _validity, read_validities
from hookgate.files import FileError

CA = trustme.CA()
SOON = dt.datetime(2027, 3, 1, 12, 30, tzinfo=dt.UTC)
LATE = dt.datetime(2061, 3, 1, tzinfo=dt.UTC)  # a GeneralizedTime (RFC 5280 4.1.2.5)
DAY = 86_400.0
HELD = Validity(SOON.timestamp() - 90 * DAY, SOON.timestamp())


def test_each_certificate_of_a_chain_is_read(tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    times = [(SOON - dt.timedelta(90), SOON), (SOON, LATE)]
    leaves = [CA.issue_cert("example.com", not_before=a, not_after=b) for a, b in times]
    file.write_bytes(
        b"# a comment\n" + b"".join(leaf.private_key_and_cert_chain_pem.bytes() for leaf in leaves)
    )
    assert read_validities(str(file)) == [(a.timestamp(), b.timestamp()) for a, b in times]


def test_an_authority_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(file))
    (validity,) = read_validities(str(file))
    assert validity.holds(SOON.timestamp())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    ],
)
def test_what_is_no_certificate_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_text(text)
    with pytest.raises(FileError):
        read_validities(str(file))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_validities(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("now", "fault"),
    [
        (HELD.begins - 1, "is not valid yet"),
        (HELD.begins, ""),
        (HELD.ends - 14 * DAY - 1, ""),
        (HELD.ends - 14 * DAY, "expires in 14 d"),
        (HELD.ends - 1, "expires in 1 s"),
        (HELD.ends, "has expired"),
    ],
)
def test_what_is_wrong_with_it_is_said_while_it_is(now: float, fault: str) -> None:
    assert HELD.fault(now, 14 * DAY) == fault
    assert HELD.holds(now) is (not fault or fault.startswith("expires"))


def test_its_times_are_written_in_utc() -> None:
    assert str(HELD) == "valid from 2026-12-01 12:30Z until 2027-03-01 12:30Z"


@given(st.binary(max_size=80))
def test_no_bytes_break_it(data: bytes) -> None:
    with pytest.raises(FileError):
        _validity(data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_certificate_with_another_byte_is_read_or_refused(place: int, byte: int) -> None:
    der = bytearray(DER)
    der[place] = byte
    try:
        assert isinstance(_validity(bytes(der)), Validity)
    except FileError:
        pass


def _der() -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert(CA.cert_pem.bytes().decode())


DER = _der()
