"""Request lines and fields with text that two readers could take differently."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import Fields, Finding, Head, Reason
from hookgate.policy.framing import find_malformed
from support.examples import many
from support.policy import JSON, request

Field = tuple[bytes, bytes]


def with_fields(*fields: Field, version: str = "1.1") -> Head:
    """A head that is fine but for what these fields break."""
    return request(*JSON, *fields, version=version)


def assert_malformed(head: Head) -> None:
    found = find_malformed(head)
    assert found is not None
    assert found.reason is Reason.MALFORMED_HTTP


@pytest.mark.parametrize(
    "target",
    [
        *(b"*", b"", b"http://gate/cm/events", b"HTTP://gate/", b"https://evil/", b"gate:443"),
        *(b"cm/events", b"\\cm", b"?x=1", b"#x", b" /cm", b"/cm events", b"/cm\tx", b"/cm\x00x"),
        *(b"/cm\r\nX: y", b"/cm\x7f", b"/cm\x1b[0m", b"/cm "),
    ],
    ids=repr,
)
def test_a_target_in_any_other_form_is_malformed(target: bytes) -> None:
    """Only origin form without white space and control characters is taken."""
    assert_malformed(request(target=target))


@pytest.mark.parametrize(
    "target",
    [
        *(
            b"/",
            b"/cm/events?x=1&y=http://z/",
            b"//x",
            b"/x/../y",
            b"/%2e%2e/%00",
            b"/a#b",
            b"/\xff",
        ),
        b"/" + b"a" * 10_000,
    ],
    ids=lambda target: repr(target)[:30],
)
def test_a_target_is_otherwise_left_alone(target: bytes) -> None:
    """No path is decoded or normalised here; routes match its bytes."""
    assert find_malformed(request(target=target)) is None


@pytest.mark.parametrize(
    "method", [b"", b"PO ST", b"POST ", b"P\x00ST", b"P\xd6ST", b"(POST)", b"P:"]
)
def test_a_method_that_is_no_token_is_malformed(method: bytes) -> None:
    """RFC 9110 9.1: a method is a token."""
    assert_malformed(request(method=method))


@pytest.mark.parametrize("method", [b"POST", b"GET", b"post", b"M-SEARCH", b"x!"])
def test_any_token_is_a_method_here(method: bytes) -> None:
    """Whether it is an allowed one is another check's question."""
    assert find_malformed(request(method=method)) is None


@pytest.mark.parametrize("target", [b"/cm/events", b"gate:443", b"/", b"*"])
def test_a_tunnel_is_malformed(target: bytes) -> None:
    """CONNECT is not offered, whatever it is asked to reach."""
    assert_malformed(request(method=b"CONNECT", target=target))


@pytest.mark.parametrize(
    "name",
    [
        b"",
        b"X Y",
        b"X-Y ",
        b" X",
        b"Content-Length\t",
        b"X\x00",
        b"X\r",
        b"X:Y",
        b'"X"',
        b"X(Y)",
        b"X\xe4",
        b"X\x7f",
        b"Transfer-Encoding ",
        b"X/Y",
        b"X[0]",
        b"X@Y",
    ],
    ids=repr,
)
def test_a_field_name_that_is_no_token_is_malformed(name: bytes) -> None:
    """A name that some reader trims or cuts is not taken."""
    assert_malformed(with_fields((name, b"1")))


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("byte", [*range(9), *range(10, 32), 127], ids=hex)
def test_a_control_character_in_a_value_is_malformed(byte: int, place: str) -> None:
    """NUL, bare CR, bare LF, an unfolded line: nothing but tab among the controls."""
    values = {"first": b"%cab", "middle": b"a%cb", "last": b"ab%c"}
    assert_malformed(with_fields((b"X-Note", values[place] % byte), (b"X-After", b"1")))


@pytest.mark.parametrize("value", [b"a\r\n b", b"a\n b", b"a\r\n\tb", b"a\rb", b"x\r\nHost: evil"])
def test_a_folded_or_injected_line_is_malformed(value: bytes) -> None:
    """Obsolete line folding and a line break of any kind are not unfolded here."""
    assert_malformed(with_fields((b"X-Note", value)))


@settings(max_examples=many(300), deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=8)), max_size=5),
    st.binary(max_size=8),
    st.binary(max_size=8),
    st.sampled_from(["1.1", "1.0", "2.0", ""]),
)
def test_no_head_raises_and_no_finding_quotes_it(
    fields: Fields, method: bytes, target: bytes, version: str
) -> None:
    """Arbitrary bytes end in one of two reasons or none, in words of our own."""
    canary = b"31600004711"
    fields = [*fields, (b"X-" + canary, canary + b"\x00")]
    head = request(*fields, method=method, target=b"/" + canary + target, version=version)
    found = find_malformed(head)
    assert isinstance(found, Finding)
    assert found.reason is Reason.MALFORMED_HTTP
    assert canary.decode() not in repr(found)
