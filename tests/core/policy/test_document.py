"""Which bytes are a document, and what each refusal is called."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import Finding, Reason
from hookgate.policy.document import DEEPEST, parse
from support.events import CLEAN
from support.examples import many
from support.strict_json import is_strict

DEPTH = 64
VALUES = 10_000


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """An object whose deepest container is on this level."""
    inside = opening * (levels - 1) + closing * (levels - 1)
    return b'{"a":' + (inside or b"0") + b"}"


ACCEPTED = {
    "empty object": b"{}",
    "white space of every kind around everything": b' \t\r\n{ "a" :\t[ 1\n, 2 ] \r}\n ',
    "every escape": rb'{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"}',
    "raw characters of two, three and four bytes": '{"ключ":"é€😀"}'.encode(),
    "a noncharacter": b'{"a":"\xef\xbf\xbf"}',
    "DEL and U+2028, which need no escape": b'{"a":"\x7f\xe2\x80\xa8"}',
    "a NUL in a value": rb'{"a":"\u0000"}',
    "a backslash, then u0000, in a key": rb'{"\\u0000":1}',
    "keys that differ in case": b'{"a":1,"A":2}',
    "keys that differ in normalisation": '{"é":1,"e\u0301":2}'.encode(),
    "the same key in two objects": b'{"a":{"b":1},"c":{"b":2}}',
    "a key equal to a value": b'{"a":"a"}',
    "the empty key": b'{"":1}',
    "the largest integer": b'{"a":18446744073709551615}',
    "the smallest integer": b'{"a":-9223372036854775808}',
    "the largest double": b'{"a":1.7976931348623157e308}',
    "a number that rounds to zero": b'{"a":1e-999}',
    "zero with a huge exponent": b'{"a":0e999999}',
    "negative zero": b'{"a":-0,"b":-0.0}',
    "exponents with zeros before": b'{"a":1e0000001,"b":1E+05,"c":1e-00}',
    "digits in a string": b'{"a":"' + b"9" * 40 + b'e999"}',
    "digits in a key": b'{"' + b"9" * 40 + b'":1}',
    "brackets in a string": b'{"a":"' + b"[{" * 100 + b'"}',
    "64 levels of arrays": nested(64),
    "64 levels beside more brackets": b'{"b":[[],{}],' + nested(64)[1:],
    "64 levels of objects": b'{"a":' * 63 + b"{}" + b"}" * 63,
    "the provider's event": CLEAN,
}

REFUSED: dict[Reason, dict[str, bytes]] = {
    Reason.BODY_EMPTY: {"nothing": b""},
    Reason.NOT_UTF8: {
        "a lone continuation byte": b'{"a":"\x80"}',
        "a byte that never occurs": b'{"a":"\xff"}',
        "latin-1": b'{"a":"caf\xe9"}',
        "overlong slash": b'{"a":"\xc0\xaf"}',
        "overlong quote": b'{"a":\xc0\xa2b"}',
        "overlong NUL in a key": b'{"\xc0\x80":1}',
        "overlong in three bytes": b'{"a":"\xe0\x80\xaf"}',
        "CESU-8 pair": b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}',
        "a lone surrogate as bytes": b'{"a":"\xed\xa0\x80"}',
        "beyond U+10FFFF": b'{"a":"\xf4\x90\x80\x80"}',
        "five-byte form": b'{"a":"\xf8\x88\x80\x80\x80"}',
        "cut in the middle of a character": b'{"a":"\xe2\x82',
        "UTF-16 with its mark": '{"a":1}'.encode("utf-16"),
        "UTF-32 with its mark": '{"a":1}'.encode("utf-32"),
        "after the document": b"{}\xff",
        "in a member nobody reads": b'{"channel":"RCS","x":{"y":["\xa0"]}}',
    },
    Reason.MALFORMED_JSON: {
        "byte order mark": b'\xef\xbb\xbf{"a":1}',
        "UTF-16-LE": '{"a":1}'.encode("utf-16-le"),
        "UTF-16-BE": '{"a":1}'.encode("utf-16-be"),
        "UTF-32-LE": '{"a":1}'.encode("utf-32-le"),
        "UTF-32-BE": '{"a":1}'.encode("utf-32-be"),
        "white space alone": b" \r\n\t",
        "NaN": b'{"a":NaN}',
        "Infinity": b'{"a":Infinity}',
        "-Infinity": b'{"a":-Infinity}',
        "nan": b'{"a":nan}',
        "inf": b'{"a":inf}',
        "hexadecimal": b'{"a":0x10}',
        "leading zero": b'{"a":012}',
        "leading plus": b'{"a":+1}',
        "no integer part": b'{"a":.5}',
        "no fraction": b'{"a":1.}',
        "no exponent": b'{"a":1e}',
        "separated digits": b'{"a":1_000}',
        "line comment": b'{"a":1} // x',
        "block comment": b'{"a":/* x */1}',
        "hash comment": b'{"a":1} # x',
        "trailing comma": b'{"a":1,}',
        "trailing comma in an array": b'{"a":[1,]}',
        "trailing data": b'{"a":1} x',
        "two documents": b'{"a":1}{"b":2}',
        "two lines of JSON Lines": b'{"a":1}\n{"b":2}\n',
        "a NUL after the document": b'{"a":1}\0',
        "record separator before": b'\x1e{"a":1}',
        "no-break space": b'{\xc2\xa0"a":1}',
        "form feed as white space": b'{\x0c"a":1}',
        "single quotes": b"{'a':1}",
        "unquoted key": b"{a:1}",
        "capital True": b'{"a":True}',
        "cut off": b'{"a":"b',
        "raw line feed in a string": b'{"a":"b\nc"}',
        "raw NUL in a string": b'{"a":"\0"}',
        "raw NUL in a key": b'{"a\0b":1}',
        "unknown escape": b'{"a":"\\x41"}',
        "short escape": b'{"a":"\\u12"}',
        "escape with a sign": b'{"a":"\\u+123"}',
        "lone high surrogate": rb'{"a":"\ud800"}',
        "lone low surrogate": rb'{"a":"\udc00"}',
        "high surrogate before a letter": rb'{"a":"\ud83dA\ude00"}',
        "surrogates the wrong way round": rb'{"a":"\ude00\ud83d"}',
        "lone surrogate in a key": rb'{"\ud800":1}',
        "NUL in a key": rb'{"a\u0000b":1}',
        "NUL in a key deep down": rb'{"x":[{"y":{"channel\u0000":1}}]}',
    },
    Reason.DUPLICATE_KEY: {
        "the same": b'{"a":1,"a":1}',
        "spelt with an escape": rb'{"a":1,"\u0061":2}',
        "both spelt with escapes": rb'{"\u0061b":1,"a\u0062":2}',
        "a short and a long escape": rb'{"\n":1,"\u000a":2}',
        "an escaped slash": rb'{"/":1,"\/":2}',
        "a raw and an escaped pair": '{"😀":1,"\\ud83d\\uDE00":2}'.encode(),
        "hexadecimal digits in both cases": rb'{"\u00e9":1,"\u00E9":2}',
        "the empty key": b'{"":1,"":2}',
        "in a member nobody reads": rb'{"channel":"RCS","x":{"y":[0,{"k":1,"\u006b":2}]}}',
        "the first and the last of many": (
            b"{" + b",".join(b'"%d":0' % n for n in range(500)) + b',"0":1}'
        ),
    },
    Reason.TOO_DEEP: {
        "65 levels of arrays": nested(65),
        "65 levels of objects": b'{"a":' * 64 + b"{}" + b"}" * 64,
        "100 levels of arrays": nested(100),
        "65 levels beside a shallow member": b'{"b":0,' + nested(65)[1:],
        "200 levels of arrays": nested(200),
        "300 levels of arrays": nested(300),
        "arrays at the top": b"[" * 65 + b"]" * 65,
    },
    Reason.NUMBER_OUT_OF_RANGE: {
        "1e999": b'{"a":1e999}',
        "-1e999": b'{"a":-1e999}',
        "1E+309": b'{"a":1E+309}',
        "an exponent with zeros before": b'{"a":1e00000309}',
        "just above the largest double": b'{"a":1.7976931348623159e308}',
        "309 digits and a fraction": b'{"a":' + b"9" * 309 + b".0}",
        "2^64": b'{"a":18446744073709551616}',
        "-2^63-1": b'{"a":-9223372036854775809}',
        "thirty digits": b'{"a":' + b"1" * 30 + b"}",
        "in a member nobody reads": b'{"channel":"RCS","x":[{"y":[1e400]}]}',
    },
    Reason.NOT_AN_OBJECT: {
        "array": b"[]",
        "array of an object": b'[{"a":1}]',
        "string": b'"{}"',
        "number": b"1",
        "null": b"null",
        "true": b" true ",
    },
}


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_document_that_every_parser_reads_alike_is_taken(body: bytes) -> None:
    """Odd but unambiguous spellings pass, here and in the independent reader."""
    assert isinstance(parse(body, DEPTH, VALUES), dict)
    assert is_strict(body, DEPTH)


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        pytest.param(reason, body, id=f"{reason.code}-{name}")
        for reason, bodies in REFUSED.items()
        for name, body in bodies.items()
    ],
)
def test_what_is_no_document_is_refused_by_its_reason(reason: Reason, body: bytes) -> None:
    """Each hostile body ends in its own reason code, and the independent reader refuses it too."""
    found = parse(body, DEPTH, VALUES)
    assert isinstance(found, Finding)
    assert found.reason is reason
    assert not is_strict(body, DEPTH)


@settings(max_examples=many(100), deadline=None)
@given(st.integers(1, DEEPEST), st.integers(-3, 3), st.booleans())
def test_depth_is_counted_from_the_top_level(bound: int, beyond: int, wide: bool) -> None:
    """An object of exactly the configured number of levels passes, one more does not."""
    levels = max(1, bound + beyond)
    beside = b'{"b":' + (b"[]" if bound > 1 else b"0") + b"," if wide else b"{"
    found = parse(beside + nested(levels)[1:], bound, VALUES)
    assert isinstance(found, dict) is (levels <= bound)
    assert isinstance(found, dict) or getattr(found, "reason", None) is Reason.TOO_DEEP


CANARY = "31600004711"


@pytest.mark.parametrize("spelling", [CANARY, "\\u0033" + CANARY[1:]], ids=["plain", "escaped"])
@pytest.mark.parametrize(
    "template",
    [
        '{"~":1,"~":2}',
        '{"x":[{"~":"~","~":"~"}]}',
        '{"~":"~",}',
        '{"~":"~" "~"}',
        '{"~":~.}',
        '{"~":"~\\x"}',
        '{"~":"~\\ud800"}',
        '{"~\\u0000":"~"}',
        '{"~":1e999}',
        '{"~":~~}',
        '["~"]',
        '"~"',
        "~",
        '{"~":' + "[" * 70 + '"~"' + "]" * 70 + "}",
        '{"~":"~\xff"}',
        '{"~":"~"',
    ],
)
def test_details_never_hold_a_key_or_a_value(template: str, spelling: str) -> None:
    """A canary spelt in every place of a refused body is in no finding."""
    found = parse(template.replace("~", spelling).encode("latin-1"), DEPTH, VALUES)
    assert isinstance(found, Finding)
    assert CANARY not in repr(found)
    assert spelling not in repr(found)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'\xef\xbb\xbf{"a":1}', "a byte order mark before the document"),
        ('{"a":1}'.encode("utf-16"), "byte 0, as in UTF-16"),
        (b"\xfe\xff" + '{"a":1}'.encode("utf-16-be"), "byte 0, as in UTF-16"),
        ('{"a":1}'.encode("utf-16-be"), "bytes of value 0, as in UTF-16"),
        ('{"a":1}'.encode("utf-16-le"), "bytes of value 0, as in UTF-16"),
        ('{"a":1}'.encode("utf-32-be"), "bytes of value 0, as in UTF-16"),
    ],
)
def test_an_encoding_that_shows_is_named(body: bytes, told: str) -> None:
    """Its author sees valid JSON: a place in the first column tells nothing."""
    finding = parse(body, 64, 10_000)
    assert isinstance(finding, Finding)
    assert finding.details == (told,)
