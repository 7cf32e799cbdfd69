"""The file of a receipt: what is written comes back, and nothing else is read."""

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.proof.receipt import MOST_BYTES, MOST_LINES, Entry, Receipt, ReceiptError
from hookgate.proof.tlog_proof import TlogProof
from support.receipts import DIGEST, edit, receipt

WHOLE = receipt().render()
HASH = b64encode(bytes(32)).decode()
UNCANONICAL = HASH[:-2] + "B="
PROOF = f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH}\n\na note"


def test_a_person_reads_the_lines_in_it() -> None:
    document = json.loads(WHOLE)
    line = document["lines"][2]["line"]
    assert list(document) == ["format", "version", "asked", "sha256", "lines", "stamps"]
    assert json.loads(line)["sha256"] == document["sha256"] == DIGEST
    assert document["lines"][2]["proof"].startswith("c2sp.org/tlog-proof@v1\nindex 4\n")
    assert WHOLE.isascii()
    assert WHOLE.count(b"\n") > 10


SPOKEN = st.characters(codec="utf-8")  # no lone surrogates
texts = st.text(SPOKEN, min_size=1)
entries = st.builds(
    Entry,
    texts.map(str.encode),
    st.builds(
        TlogProof,
        st.integers(0, 10**19 - 1),
        st.lists(st.binary(min_size=32, max_size=32), max_size=64).map(tuple),
        texts.map(str.encode),
    ),
)
receipts = st.builds(
    Receipt,
    st.text(SPOKEN, min_size=1, max_size=1024),
    st.none() | st.just(DIGEST),
    st.lists(entries, min_size=1, max_size=4).map(tuple),
    st.dictionaries(st.just("b1"), st.binary(min_size=1), max_size=1),
)


@given(receipts)
def test_each_byte_of_a_line_comes_back(one: Receipt) -> None:
    assert Receipt.parse(one.render()) == one


def first(line: Any) -> Callable[[Any], Any]:
    return lambda document: document | {"lines": [line]}


def having(**members: Any) -> Callable[[Any], Any]:
    return lambda document: document | members


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no JSON"),
    "binary": (bytes(range(128, 256)), "not UTF-8"),
    "UTF-16": (WHOLE.decode().encode("utf-16"), "not UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + WHOLE, "no JSON"),
    "cut off": (WHOLE[:-5], "no JSON"),
    "something behind it": (WHOLE + b"{}", "no JSON"),
    "a list": (b"[]", "no JSON object"),
    "deep": (b'{"a":' * 100_000, "nested too deep|no JSON"),
    "deep lists": (b'{"a":' + b"[" * 1_000_000, "nested too deep|no JSON"),
    "a huge number": (WHOLE.replace(b": 1,", b": 1" + b"0" * 5000 + b","), "more than 20 digits"),
    "NaN": (WHOLE.replace(b'"version": 1', b'"version": NaN'), "NaN is no JSON"),
    "too large": (b" " * (MOST_BYTES + 1), "larger than"),
    "a name twice": (WHOLE.replace(b'"asked"', b'"format"'), "a name stands twice"),
    "another format": (edit(WHOLE, having(format="x")), '"format"'),
    "no format": (b"{}", '"format"'),
    "another version": (edit(WHOLE, having(version=2)), '"version" is not 1'),
    "a version that is no number": (edit(WHOLE, having(version=True)), '"version" is not 1'),
    "a broken version": (edit(WHOLE, having(version=1.0)), '"version" is not 1'),
    "an unknown member": (edit(WHOLE, having(more=1)), "a member that is not known"),
    "a missing member": (edit(WHOLE, lambda found: found.pop("asked") and None), 'no "asked"'),
    "no name": (edit(WHOLE, having(asked="")), '"asked" is no name'),
    "a long name": (edit(WHOLE, having(asked="a" * 1025)), '"asked" is no name'),
    "a name that is a list": (edit(WHOLE, having(asked=["a"])), '"asked" is no name'),
    "a digest of capitals": (edit(WHOLE, having(sha256="A" * 64)), '"sha256" is neither'),
    "a short digest": (edit(WHOLE, having(sha256="a" * 63)), '"sha256" is neither'),
    "no lines": (edit(WHOLE, having(lines=[])), '"lines" is no list'),
    "lines by name": (edit(WHOLE, having(lines={})), '"lines" is no list'),
    "many lines": (edit(WHOLE, having(lines=[0] * (MOST_LINES + 1))), '"lines" is no list'),
    "a line that is a text": (edit(WHOLE, first("x")), "line 1 is no object"),
    "a line and more": (edit(WHOLE, first({"line": "", "proof": "", "n": 1})), "not known"),
    "a line without proof": (edit(WHOLE, first({"line": ""})), 'line 1 has no "proof"'),
    "a line that is a number": (edit(WHOLE, first({"line": 1, "proof": PROOF})), "must be texts"),
    "a lone surrogate": (edit(WHOLE, first({"line": "\ud800", "proof": PROOF})), "lone surrogate"),
    "a surrogate in a note": (
        edit(WHOLE, first({"line": "", "proof": PROOF + "\ud800"})), "lone surrogate",
    ),
    "no proof": (edit(WHOLE, first({"line": "", "proof": ""})), "no tlog-proof@v1"),
    "another proof": (edit(WHOLE, first({"line": "", "proof": PROOF.replace("v1", "v2")})), "v1"),
    "extra data": (
        edit(WHOLE, first({"line": "", "proof": PROOF.replace("index", "extra YQ==\nindex")})),
        "no tlog-proof@v1",
    ),
    "an index of 007": (
        edit(WHOLE, first({"line": "", "proof": PROOF.replace("x 0", "x 007")})), "no tlog-proof",
    ),
    "a huge index": (
        edit(WHOLE, first({"line": "", "proof": PROOF.replace("x 0", "x 1" + "0" * 30)})),
        "no tlog-proof",
    ),
    "65 hashes": (
        edit(WHOLE, first({"line": "", "proof": PROOF.replace(HASH, "\n".join([HASH] * 65))})),
        "no tlog-proof",
    ),
    "a hash that is spelt otherwise": (
        edit(WHOLE, first({"line": "", "proof": PROOF.replace(HASH, UNCANONICAL)})),
        "not written as base64",
    ),
    "a number without end": (
        WHOLE.replace(b'"version": 1', b'"version": 1e999'), "too large to be one",
    ),
    "lists without end": (b"[" + b"[]," * (1 << 20) + b"0]", "more than 1048576 objects"),
    "stamps in a list": (edit(WHOLE, having(stamps=[])), '"stamps" is no object'),
    "many stamps": (
        edit(WHOLE, having(stamps=dict.fromkeys("abcd", "YQ=="))), '"stamps" is no object',
    ),
    "a stamp that is no base64": (edit(WHOLE, having(stamps={"b1": "!"})), "a stamp is no base64"),
    "a stamp beyond ASCII": (edit(WHOLE, having(stamps={"b1": "é"})), "a stamp is no base64"),
    "an empty stamp": (edit(WHOLE, having(stamps={"b1": ""})), "a stamp is no base64"),
    "a stamp that is a number": (edit(WHOLE, having(stamps={"b1": 1})), "a stamp is no base64"),
    "a large stamp": (edit(WHOLE, having(stamps={"b1": "YWFh" * 30_000})), "a stamp is no base64"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "words"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_receipt_is_told_in_a_line(data: bytes, words: str) -> None:
    with pytest.raises(ReceiptError, match=words) as raised:
        Receipt.parse(data)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(["format", "version", "asked", "sha256", "lines", "stamps", "more"])


@given(st.dictionaries(members, json_values, max_size=3))
def test_no_document_does_more_than_be_refused(other: dict[str, Any]) -> None:
    data = edit(WHOLE, lambda document: document | other)
    try:
        Receipt.parse(data)
    except ReceiptError:
        assert other


@given(st.binary())
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with pytest.raises(ReceiptError):
        Receipt.parse(data)


@given(st.binary(min_size=1), st.integers(0, len(WHOLE)))
def test_bytes_put_into_a_receipt_do_no_more(data: bytes, at: int) -> None:
    with suppress(ReceiptError):
        Receipt.parse(WHOLE[:at] + data + WHOLE[at:])
