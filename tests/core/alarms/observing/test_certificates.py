"""When a certificate ends, read without its key."""

import datetime as dt
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from hookgate.alarms.observing.certificates import _end_of, ends_of
from hookgate.files import FileError

CA = trustme.CA()
SOON = dt.datetime(2027, 3, 1, 12, 30, tzinfo=dt.UTC)
LATE = dt.datetime(2061, 3, 1, tzinfo=dt.UTC)  # a GeneralizedTime (RFC 5280 4.1.2.5)


def test_each_certificate_of_a_chain_is_read(tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    leaves = [CA.issue_cert("example.com", not_after=end) for end in (SOON, LATE)]
    file.write_bytes(
        b"# a comment\n" + b"".join(leaf.private_key_and_cert_chain_pem.bytes() for leaf in leaves)
    )
    assert ends_of(str(file)) == [SOON.timestamp(), LATE.timestamp()]


def test_an_authority_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(file))
    (end,) = ends_of(str(file))
    assert end > SOON.timestamp()


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
        ends_of(str(file))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        ends_of(str(tmp_path / "none"))


@given(st.binary(max_size=80))
def test_no_bytes_break_it(data: bytes) -> None:
    with pytest.raises(FileError):
        _end_of(data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_certificate_with_another_byte_is_read_or_refused(place: int, byte: int) -> None:
    der = bytearray(DER)
    der[place] = byte
    try:
        assert isinstance(_end_of(bytes(der)), float)
    except FileError:
        pass


def _der() -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert(CA.cert_pem.bytes().decode())


DER = _der()
