"""A status is called alike on every Python: 3.13 took over the names of RFC 9110."""

import sys
from http import HTTPStatus

import pytest

from hookgate.reason_phrases import PHRASES


@pytest.mark.parametrize(
    ("status", "phrase"),
    [(200, "OK"), (413, "Content Too Large"), (422, "Unprocessable Content"), (502, "Bad Gateway")],
)
def test_it_is_called_as_rfc_9110_has_it(status: int, phrase: str) -> None:
    assert PHRASES[status] == phrase


def test_no_status_is_left_out() -> None:
    theirs = {status.value: status.phrase for status in HTTPStatus}
    if sys.version_info >= (3, 13):
        assert theirs == PHRASES
    assert theirs.keys() == PHRASES.keys()
