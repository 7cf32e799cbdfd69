"""An item is what came, and what comes back is that or nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.policy import Head, Origin, make_head
from hookgate.quarantine.item import Item, ItemError, item_name, read_item, write_item

TOKENS = st.text("aZ09!#$%&'*+.^_`|~-", min_size=1, max_size=12).map(str.encode)
VISIBLE = st.binary(min_size=1, max_size=30).map(
    lambda data: bytes(byte for byte in data if byte > 0x20 and byte != 0x7F) or b"/"
)
VALUES = st.lists(VISIBLE, max_size=4).map(b" \t ".join)
WORDS = st.text(max_size=12)
ITEMS = st.builds(
    Item,
    st.builds(
        make_head,
        WORDS,
        TOKENS,
        VISIBLE,
        st.lists(st.tuples(TOKENS, VALUES), max_size=6),
        st.sampled_from(["1.1", "1.0"]),
        st.none() | WORDS,
        st.sampled_from([b"http", b"https"]),
    ),
    st.binary(max_size=60) | st.just(b"\r\n\r\n"),
    st.builds(
        Origin, WORDS, WORDS, st.lists(WORDS, max_size=3).map(tuple), st.none(), st.just(False)
    ),
    WORDS,
    st.integers(0, 4_000_000_000_000_000).map(lambda number: number / 1e6),
    st.none() | st.booleans(),
)
FRAMING = ("content-length", "transfer-encoding", "expect")
PLAIN = Item(
    make_head("192.0.2.1", b"POST", b"/hook?key=1", [(b"Host", b"gate")]),
    b"{}",
    Origin("192.0.2.1", "198.51.100.1", ("198.51.100.1",), None),
    "boot-1",
    1_795_348_800.25,
    True,
)


def kept_fields(head: Head) -> list[tuple[bytes, bytes]]:
    return [
        field
        for field in head.fields
        if (name := field[0].lower().decode()) not in FRAMING and not name.startswith("x-hookgate-")
    ]


@given(ITEMS)
def test_what_is_written_is_read(item: Item) -> None:
    """All but framing, and what is written again of it is the same."""
    text = write_item(item)
    read = read_item(text)
    *fields, length = read.head.fields
    assert fields == kept_fields(item.head)
    assert length == (b"Content-Length", b"%d" % len(item.body))
    assert read.received == pytest.approx(item.received, abs=2e-6)
    head = read.head._replace(peer=item.head.peer, fields=item.head.fields, named=item.head.named)
    assert head == item.head
    assert read._replace(head=item.head, received=item.received) == item
    assert write_item(read) == text


@pytest.mark.parametrize(
    "name",
    ["Content-Length", "transfer-encoding", "EXPECT", "X-Hookgate-Kept", "x-hookgate-Replay"],
)
def test_framing_and_fields_of_ours_are_left_out(name: str) -> None:
    fields = [(b"Host", b"gate"), (name.encode(), b"forged"), (b"Connection", b"x-one")]
    text = write_item(PLAIN._replace(head=make_head("", b"POST", b"/", fields)))
    assert b"forged" not in text
    assert [field for field, _ in read_item(text).head.fields] == [
        b"Host", b"Connection", b"Content-Length",
    ]  # fmt: skip


HEADS = {
    "method": make_head("", b"PO ST", b"/", []),
    "no method": make_head("", b"", b"/", []),
    "target": make_head("", b"POST", b"/ a", []),
    "a line in the target": make_head("", b"POST", b"/\r\nA:", []),
    "version": make_head("", b"POST", b"/", [], "2.0"),
    "name": make_head("", b"POST", b"/", [(b"a b", b"")]),
    "no name": make_head("", b"POST", b"/", [(b"", b"")]),
    "a line in a value": make_head("", b"POST", b"/", [(b"a", b"b\r\nc: d")]),
    "white space": make_head("", b"POST", b"/", [(b"a", b" b")]),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_would_be_read_as_another_is_not_written(name: str) -> None:
    with pytest.raises(ItemError):
        write_item(PLAIN._replace(head=HEADS[name]))


@pytest.mark.parametrize("received", [float("nan"), float("inf"), 1e300, -1e300])
def test_a_time_that_is_none_is_not_written(received: float) -> None:
    with pytest.raises(ItemError):
        write_item(PLAIN._replace(received=received))


@given(st.binary(max_size=200))
def test_any_bytes_are_no_item(data: bytes) -> None:
    with pytest.raises(ItemError):
        read_item(data)


@given(st.data())
def test_an_item_that_was_changed_is_another_or_none(data: st.DataObject) -> None:
    """Of one that is read, what is written is what was read: nothing is passed over."""
    text = bytearray(write_item(PLAIN))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        read = read_item(bytes(text))
    except ItemError:
        return
    again = write_item(read)
    for part in (0, 2):  # what stands before the object, and the body
        assert kept_text(again)[part] == kept_text(bytes(text))[part]


def kept_text(text: bytes) -> tuple[bytes, bytes, bytes]:
    """An item's text before, in and behind the field of ours."""
    head, _, body = text.partition(b"\r\n\r\n")
    before, _, said = head.rpartition(b"X-Hookgate-Kept")
    return before, said, body


def of(said: object, body: bytes = b"{}", length: int | None = None) -> bytes:
    """An item's text with another object."""
    size = len(body) if length is None else length
    line = said if isinstance(said, bytes) else json.dumps(said).encode()
    head = b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: %d\r\n" % size
    return head + b"X-Hookgate-Kept: %b\r\n\r\n%b" % (line, body)


SAID: dict[str, Any] = {
    "request_id": "boot-1",
    "received": "2026-11-29T12:00:00.000000Z",
    "peer": "192.0.2.1",
    "client": "192.0.2.1",
    "chain": [],
    "scheme": "http",
    "proxied_for": None,
    "signed": None,
}


def test_what_this_page_takes_for_an_item_is_one() -> None:
    assert read_item(of(SAID)).request_id == "boot-1"


NO_OBJECTS: list[Any] = [[], None, 1, "text", {}, b"", b"{", b"nul", b"[" * 100_000]
OTHER_VALUES: list[Any] = [7, {}, [1], 1.5]
OTHERS = [
    *[of(said) for said in NO_OBJECTS],
    *[of({key: value for key, value in SAID.items() if key != name}) for name in SAID],
    *[of({**SAID, name: value}) for name in SAID for value in OTHER_VALUES],
    *[of({**SAID, name: None}) for name in SAID if name not in ("proxied_for", "signed")],
    of({**SAID, "received": "2026-11-29T12:00:00Z"}),
    of({**SAID, "received": "2026-13-29T12:00:00.000000Z"}),
    of({**SAID, "scheme": "\u20ac"}),
    of(b'{"request_id":' + b"9" * 100_000 + b"}"),
    of(SAID, length=1),
    of(SAID, length=3),
    of(SAID).replace(b"Host: gate", b"Transfer-Encoding: chunked"),
    of(SAID).replace(b"Host: gate", b"Content-Length: 2"),
    of(SAID).replace(b"Host: gate", b"X-Hookgate-Kept: {}"),
    of(SAID).replace(b"Host: gate", b"Host"),
    of(SAID).replace(b"Host: gate", b" folded"),
    of(SAID).replace(b"Host: gate", b"Host: " + b" " * 1_000_000 + b"x"),
    of(SAID).replace(b"Host: gate\r\n", b"Host: gate\n"),
    of(SAID).replace(b"X-Hookgate-Kept", b"x-hookgate-kept"),
    of(SAID)[:-4],
    b"",
]


@pytest.mark.parametrize("text", OTHERS, ids=lambda text: "")
def test_what_another_hand_made_is_no_item(text: bytes) -> None:
    """Of any shape and size, and soon."""
    with pytest.raises(ItemError) as caught:
        read_item(text)
    assert "gate" not in str(caught.value).replace("Hookgate", "")


def test_a_name_tells_bodies_and_whole_targets_apart() -> None:
    """Without telling a target, which may hold a token."""
    names = {item_name("a" * 64, b"/"), item_name("a" * 64, b"/?a=1"), item_name("b" * 64, b"/")}
    assert len(names) == 3
    assert {len(name) for name in names} == {81}
