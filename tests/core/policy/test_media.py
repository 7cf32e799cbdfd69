"""Content-Type and Content-Encoding, read strictly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import Finding, Reason
from hookgate.policy.media import find_content_encoding, find_wrong_media_type
from support.effort import at_most
from support.examples import many
from support.policy import request


def media_type(*values: bytes) -> Finding | None:
    """What is found of a head with these Content-Type lines."""
    return find_wrong_media_type(
        request((b"Host", b"gate"), *((b"Content-Type", value) for value in values))
    )


@pytest.mark.parametrize(
    "value",
    [
        b"application/json",
        b"Application/JSON",
        b"APPLICATION/JSON",
        b"application/json;charset=utf-8",
        b"application/json; charset=utf-8",
        b"application/json; charset=UTF-8",
        b"application/json; Charset=Utf-8",
        b'application/json; charset="utf-8"',
        b'application/json; charset="UTF-8"',
        b'application/json; charset="utf\\-8"',
        b"application/json; charset=utf8",
        b"application/json;CHARSET=UTF8",
        b'application/json; charset="Utf8"',
        b'application/json; charset="ut\\f8"',
        b"application/json; charset=utf-8; charset=utf-8",
        b'application/json; charset=utf-8; v=1; CHARSET="utf8"',
        b"application/json ; ;; charset=utf8 ; ",
        b"application/json \t;\t charset=utf-8",
        b"application/json;",
        b"application/json;;charset=utf-8;",
        b"application/json; odata.metadata=minimal",
        b"application/json; charset=utf-8; v=1",
        b"application/json; v=1; charset=utf-8",
        b'application/json; profile="https://example.com/a,b;charset=latin1"',
        b'application/json; x="\\""; charset=utf-8',
        b'application/json; x="charset=latin1"',
        b"application/json; xcharset=latin1",
        b'application/json; x=""',
        b'application/json; x="caf\xe9"',
    ],
)
def test_json_in_utf_8_passes(value: bytes) -> None:
    """Any case, either spelling of utf-8, quoted or not, and parameters that do not matter."""
    assert media_type(value) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], Reason.CONTENT_TYPE_MISSING),
        ([b"application/json"] * 2, Reason.CONTENT_TYPE_REPEATED),
        ([b"application/json", b"text/plain"], Reason.CONTENT_TYPE_REPEATED),
        ([b"text/plain", b"application/json"], Reason.CONTENT_TYPE_REPEATED),
        ([b"application/json", b""], Reason.CONTENT_TYPE_REPEATED),
        ([b"application/json, application/json"], Reason.CONTENT_TYPE_REPEATED),
        ([b"application/json,text/plain"], Reason.CONTENT_TYPE_REPEATED),
        ([b"text/plain, application/json"], Reason.CONTENT_TYPE_REPEATED),
        ([b"application/json; charset=utf-8, text/html"], Reason.CONTENT_TYPE_REPEATED),
        ([b""], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"text/json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/jsonp"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json5"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json-seq"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/x-ndjson"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/problem+json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/*"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"*/*"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/x-www-form-urlencoded"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"multipart/form-data; boundary=application/json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"text/plain; x=application/json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application /json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/ json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json/x"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json charset=utf-8"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json; charset"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json; charset="], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json; charset =utf-8"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json; charset= utf-8"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b'application/json; charset="utf-8'], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json; x=y z"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json\x00"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json\n"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"\xefapplication/json"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/j\xc5\xbfon"], Reason.CONTENT_TYPE_UNSUPPORTED),
        ([b"application/json; charset=utf_8"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=utf--8"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=utf88"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=cp65001"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=utf-16"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=utf-7"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=us-ascii"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=iso-8859-1"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=utf-8-sig"], Reason.CHARSET_UNSUPPORTED),
        ([b'application/json; charset=""'], Reason.CHARSET_UNSUPPORTED),
        ([b'application/json; charset=" utf-8"'], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset='utf-8'"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=utf8; charset=latin1"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=latin1; charset=latin1"], Reason.CHARSET_UNSUPPORTED),
        ([b"application/json; charset=utf-8; CHARSET=utf-16"], Reason.CHARSET_UNSUPPORTED),
        ([b'application/json; charset=utf-16; x="; charset=utf-8"'], Reason.CHARSET_UNSUPPORTED),
    ],
)
def test_any_other_media_type_is_refused(values: list[bytes], reason: Reason) -> None:
    """Missing, repeated, another type, a broken one or another charset has its own reason."""
    found = media_type(*values)
    assert found is not None
    assert found.reason is reason


@pytest.mark.parametrize(
    "value",
    [
        b"application/json" + b";  " * 5000 + b"\x01",
        b"application/json" + b" ; " * 5000 + b"\x01",
        b"application/json" + b";\t \t " * 3000 + b"=",
        b"application/json" + b" " * 16000 + b"x",
        b"application/json" + b"; a=b " * 2500 + b"\x01",
        b"application/json;" + b' a="' * 4000,
        b"application/json; a=" + b'"\\' * 8000,
        b"application/json" + b";" * 16000 + b",",
        b"a" * 16000,
        b"a/" * 8000,
    ],
    ids=[
        "semicolons and spaces",
        "spaces around semicolons",
        "tabs and spaces",
        "spaces",
        "parameters",
        "open quotes",
        "escapes",
        "semicolons",
        "one token",
        "slashes",
    ],
)
def test_sixteen_kibibytes_of_a_media_type_are_read_at_once(value: bytes) -> None:
    """No value makes the grammar try its alternatives over and over."""
    with at_most(0.2):
        found = media_type(value)
    assert found is not None


TEXTS = st.text(st.sampled_from('abcé"\\;,= \t-/'), max_size=12).map(lambda t: t.encode("latin-1"))


@settings(max_examples=many(200), deadline=None)
@given(TEXTS, st.sampled_from([b"utf-8", b"UTF8", b'"utf-8"']))
def test_no_quoted_parameter_hides_or_adds_a_charset(text: bytes, charset: bytes) -> None:
    """Whatever a quoted parameter holds, the charset beside it is what counts."""
    quoted = b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    assert media_type(b"application/json; x=" + quoted + b"; charset=" + charset) is None
    found = media_type(b"application/json; x=" + quoted + b"; charset=latin1")
    assert found is not None
    assert found.reason is Reason.CHARSET_UNSUPPORTED


@pytest.mark.parametrize(
    "values",
    [
        [],
        [b"identity"],
        [b"Identity"],
        [b"IDENTITY"],
        [b"identity", b"identity"],
        [b""],
        [b"", b""],
        [b"", b"identity"],
        [b"identity, identity"],
        [b",identity"],
        [b"identity ,\t, "],
    ],
)
def test_a_body_sent_as_it_is_passes(values: list[bytes]) -> None:
    """No Content-Encoding, `identity` and an empty list, or list element (RFC 9110 5.6.1), mean the
    same.
    """
    head = request((b"Host", b"gate"), *((b"Content-Encoding", value) for value in values))
    assert find_content_encoding(head) is None


@pytest.mark.parametrize(
    "values",
    [
        [b"gzip"],
        [b"GZIP"],
        [b"x-gzip"],
        [b"deflate"],
        [b"br"],
        [b"zstd"],
        [b"compress"],
        [b"aes128gcm"],
        [b"chunked"],
        [b"*"],
        [b"identity;q=1"],
        [b"identity, gzip"],
        [b"identity identity"],
        [b", gzip"],
        [b"", b"gzip"],
        [b"gzip, identity"],
        [b"identity", b"gzip"],
        [b"gzip", b"identity"],
        [b"identity\x00"],
    ],
)
def test_any_content_encoding_is_refused(values: list[bytes]) -> None:
    """What is judged must be what upstream parses, so nothing is decoded."""
    head = request((b"Host", b"gate"), *((b"content-encoding", value) for value in values))
    found = find_content_encoding(head)
    assert found is not None
    assert found.reason is Reason.CONTENT_ENCODING_UNSUPPORTED
