"""Is the body said to be UTF-8 JSON? Content-Type and Content-Encoding, read strictly."""

import re

from hookgate.bounded_cache import remember_short

from .request import Head
from .verdict import Finding, Reason

# RFC 9110 8.3.1: media-type = type "/" subtype parameters
#          5.6.6: parameters = *( OWS ";" OWS [ parameter ] )
#                 parameter  = token "=" ( token / quoted-string )
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
# Possessive white space: with "; ; ;" a plain one can be shared out in exponentially many ways.
_PARAMETER = rb"[ \t]*+;[ \t]*+(?:(" + _TOKEN + rb")=(" + _TOKEN + rb"|" + _QUOTED + rb"))?"
_MEDIA_TYPE = re.compile(rb"(" + _TOKEN + rb"/" + _TOKEN + rb")((?:" + _PARAMETER + rb")*+)[ \t]*+")
_PARAMETERS = re.compile(_PARAMETER)

# The registered name, and the common misspelling that Python, Java and browsers take for it.
_UTF_8 = frozenset((b"utf-8", b"utf8"))
_NO_CODING = frozenset((b"", b"identity"))

_UNSUPPORTED = Finding(Reason.CONTENT_TYPE_UNSUPPORTED, ("the media type is not application/json",))
_CHARSET = Finding(Reason.CHARSET_UNSUPPORTED, ("the charset is not utf-8",))
_REPEATED = Finding(Reason.CONTENT_TYPE_REPEATED, ("more than one Content-Type",))
_MISSING = Finding(Reason.CONTENT_TYPE_MISSING, ("no Content-Type",))
_ENCODED = Finding(
    Reason.CONTENT_ENCODING_UNSUPPORTED, ("the body is content-encoded; send it as it is",)
)


def find_wrong_media_type(head: Head) -> Finding | None:
    """Find anything but `application/json`, in any case, with no charset but utf-8 (or utf8).

    By the grammar of RFC 9110 8.3.1 and 5.6.6.
    """
    values = head.named.get(b"content-type")
    if values is None:
        return _MISSING
    if len(values) != 1:
        return _REPEATED
    return _judge_media_type(values[0])


@remember_short(256)
def _judge_media_type(value: bytes) -> Finding | None:
    match = _MEDIA_TYPE.fullmatch(value)
    if match is None:
        # A list ("application/json, text/html") fails the grammar at its comma.
        return _REPEATED if b"," in value and _MEDIA_TYPE.match(value) else _UNSUPPORTED
    if match[1].lower() != b"application/json":
        return _UNSUPPORTED
    charsets = {
        _unquote(text).lower()
        for name, text in _PARAMETERS.findall(match[2])
        if name.lower() == b"charset"
    }
    return None if charsets <= _UTF_8 else _CHARSET


def _unquote(text: bytes) -> bytes:
    if not text.startswith(b'"'):
        return text
    return re.sub(rb"\\(.)", rb"\1", text[1:-1])


def find_content_encoding(head: Head) -> Finding | None:
    """Find a coding other than `identity`: what is judged must be what upstream parses.

    Elements of a list that are empty count for nothing (RFC 9110 5.6.1.2), so an empty field does.
    """
    values = head.named.get(b"content-encoding")
    if values is None:
        return None
    codings = {coding.strip(b" \t").lower() for coding in b",".join(values).split(b",")}
    return None if codings <= _NO_CODING else _ENCODED
