"""Time stamps over notes, by an authority of openssl's."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.proof.stamp_check import StampError, read_roots, stamped_at
from support.stamps import Authority

NOTE = b"a note\n"
BEGAN = time.time()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stamp(authority: Authority) -> bytes:
    return authority.stamp(NOTE)


def test_the_time_is_that_of_the_stamp(authority: Authority, stamp: bytes) -> None:
    found = stamped_at(stamp, NOTE, read_roots(authority.certificate))
    assert int(BEGAN) <= found.timestamp() <= time.time()


def test_a_stamp_over_another_note_is_none(authority: Authority, stamp: bytes) -> None:
    with pytest.raises(StampError, match="not one of this authority over its note"):
        stamped_at(stamp, NOTE + b" ", read_roots(authority.certificate))


def test_another_authority_is_not_trusted(stamp: bytes, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with pytest.raises(StampError, match="not one of this authority over its note"):
        stamped_at(stamp, NOTE, read_roots(other.certificate))


@pytest.mark.parametrize("pem", [b"", b"{}", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"\xff"])
def test_what_is_no_certificate_is_told(pem: bytes) -> None:
    with pytest.raises(StampError, match="no certificate in PEM"):
        read_roots(pem)


@given(data=st.data())
def test_a_stamp_that_was_altered_is_none_or_the_same(
    authority: Authority, stamp: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(stamp) - 1))
    altered = stamp[:at] + data.draw(st.binary(max_size=3)) + stamp[at + 1 :]
    roots = read_roots(authority.certificate)
    try:
        found = stamped_at(altered, NOTE, roots)
    except StampError:
        return
    assert found == stamped_at(stamp, NOTE, roots)


@given(st.binary(max_size=200))
def test_no_bytes_are_a_stamp(authority: Authority, data: bytes) -> None:
    with pytest.raises(StampError):
        stamped_at(data, NOTE, read_roots(authority.certificate))
