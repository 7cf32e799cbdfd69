"""Which fields reach the upstream, and which are ours."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPNetwork

from hookgate.policy import UNIX_PEER, Fields, Head
from hookgate.policy.source import SourcePolicy
from hookgate.signing.schemes import SIGNED_FIELDS
from hookgate.upstream.forwarding import relayed_fields, upstream_head, upstream_request
from support.examples import many
from support.policy import ALLOW, ALLOWED, FOREIGN, PROXY, TRUSTED, request

SOURCES = SourcePolicy([IPNetwork(ALLOW)], [IPNetwork(TRUSTED)], "x-forwarded-for")

Field = tuple[bytes, bytes]
HOST: Field = (b"Host", b"gate.example:8443")

HOP_BY_HOP = (
    *(b"Connection", b"Keep-Alive", b"Proxy-Connection", b"Proxy-Authenticate"),
    *(b"Proxy-Authorization", b"TE", b"Trailer", b"Transfer-Encoding", b"Upgrade", b"Expect"),
    *(b"Content-Length", b"HTTP2-Settings"),
)
FORWARDING = (
    *(b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"X-Forwarded-Port"),
    *(b"X-Forwarded-Prefix", b"X-Forwarded-Ssl", b"X-Forwarded-Anything", b"Forwarded"),
    *(b"X-Real-IP", b"X-Request-Id", b"X-Hookgate-", b"X-Hookgate-Replay"),
)
UNDERSCORED = (b"X_Forwarded_For", b"Content_Length", b"X-Forwarded_For", b"_", b"Host_", b"a_b")
# lighttpd and Apache before 2.4 make a variable of them that is the same as with hyphens.
DOTTED = (
    b"X.Forwarded.For",
    b"X-Forwarded+Proto",
    b"X~Real!IP",
    b"Content.Length",
    b"X.Hookgate-A",
)
SIGNATURE = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
OURS = [
    *(b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host"),
    *(b"Content-Length", b"X-Request-Id"),
]

_REQUEST_LINE = re.compile(rb"([!-~]+) ([^\x00-\x20\x7f]+) HTTP/1\.1")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([^\x00-\x08\x0a-\x1f\x7f]*)")


def read(head: bytes) -> tuple[bytes, bytes, list[Field]]:
    """Method, target and fields of a head, by the grammar of RFC 9112 and nothing looser."""
    assert head.endswith(b"\r\n\r\n")
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    first = _REQUEST_LINE.fullmatch(lines[0])
    matches = [_FIELD.fullmatch(line) for line in lines[1:]]
    assert first is not None
    assert all(matches), lines
    return first[1], first[2], [(match[1], match[2]) for match in matches if match]


def forward(head: Head, length: int = 7, host: bytes = b"") -> tuple[bytes, bytes, list[Field]]:
    body = bytes(length)
    sent = upstream_request(upstream_head(head, SOURCES.origin(head), host), body, "boot-31")
    assert sent.endswith(b"\r\n\r\n" + body)
    return read(sent.removesuffix(body))


def forward_fields(*fields: Field, peer: str = ALLOWED, host: bytes = b"") -> list[Field]:
    """The fields that go upstream for these and a Host."""
    return forward(request(HOST, *fields, peer=peer), host=host)[2]


def ours(chain: bytes = ALLOWED.encode(), proto: bytes = b"http") -> list[Field]:
    """The fields that are added for a body of seven bytes."""
    return list(zip(OURS, [chain, proto, HOST[1], b"7", b"boot-31"], strict=True))


def test_what_is_added_stands_last_and_once() -> None:
    """Who sent it, how, to which host, a fresh length, and the request's id."""
    assert forward_fields() == [HOST, *ours()]


@pytest.mark.parametrize("name", [*HOP_BY_HOP, *FORWARDING, *UNDERSCORED, *DOTTED])
@pytest.mark.parametrize("spell", [bytes.lower, bytes.upper, bytes.title], ids=lambda f: f.__name__)
@pytest.mark.parametrize("value", [b"", b"31.169.56.1", b"chunked"])
def test_what_is_not_the_senders_to_say_never_travels(
    name: bytes, spell: "type[bytes]", value: bytes
) -> None:
    """Hop-by-hop and forwarding fields, names with `_`, and what some read as one of them; in any
    case, once or twice.
    """
    field = (spell(name), value)
    assert forward_fields(field, (b"X-Kept", b"1"), field) == [HOST, (b"X-Kept", b"1"), *ours()]


TOKENS = st.text(st.sampled_from("abcXYZ019-!#$%&'*+.^`|~"), min_size=1, max_size=10)
NAMES = st.one_of(
    TOKENS.map(str.encode),
    st.sampled_from([b"Content-Type", b"Authorization", b"User-Agent", b"Cookie", b"X-Signature"]),
    st.sampled_from([*HOP_BY_HOP, *FORWARDING, *UNDERSCORED, *DOTTED, *SIGNATURE]),
)
VALUES = st.binary(max_size=12).map(
    lambda raw: bytes(byte for byte in raw if byte > 31 and byte != 127).strip()
)
SPELLED = NAMES | NAMES.map(bytes.lower) | NAMES.map(bytes.upper) | NAMES.map(bytes.title)
FIELDS = st.lists(st.tuples(SPELLED, VALUES), max_size=8)
OPTIONS = st.lists(
    st.sampled_from(
        [
            b"keep-alive",
            b"close",
            b"Host",
            b"content-TYPE",
            b"Content-Encoding",
            b"X-A",
            b"x-b",
            b"X-Forwarded-For",
            b"Content-Length",
            b"X-Request-Id",
            b"",
            b"X-Forwarded-Host",
        ]
    ),
    max_size=5,
)


def hop_by_hop(fields: list[Field]) -> set[bytes]:
    """What does not travel either way, in lower case: what RFC 9110, 7.6.1 and Connection name.

    The names that the endpoint needs in order to read the body travel all the same.
    """
    values = [value for name, value in fields if name.lower() == b"connection"]
    options = {option.strip().lower() for value in values for option in value.split(b",")}
    kept = {b"host", b"content-type", b"content-encoding"}
    return {name.lower() for name in HOP_BY_HOP} | options - kept


def travels(name: bytes, dropped: set[bytes]) -> bool:
    lower = name.lower()
    alike = bytes(sign if bytes([sign]).isalnum() else ord("-") for sign in lower)
    return not (
        lower in dropped
        or alike in {name.lower() for name in HOP_BY_HOP}
        or alike in {b"forwarded", b"x-real-ip", b"x-request-id"}
        or alike.startswith((b"x-forwarded-", b"x-hookgate-"))
        or b"_" in lower
    )


@settings(max_examples=many(400), deadline=None)
@given(FIELDS, OPTIONS, st.sampled_from([b",", b", ", b" ,\t"]))
def test_every_other_field_travels_as_it_came(
    fields: list[Field], options: list[bytes], comma: bytes
) -> None:
    """In order, name and value unchanged, less what Connection names; the head reads back."""
    fields = [*fields, (b"X-A", b"1"), (b"X-B", b"2"), (b"Content-Type", b"application/json")]
    sent = [HOST, *fields, (b"Connection", comma.join(options))]
    dropped = hop_by_hop(sent)
    expected = [field for field in sent if travels(field[0], dropped)]
    assert forward_fields(*sent[1:]) == [*expected, *ours()]


@settings(max_examples=many(100), deadline=None)
@given(FIELDS, st.binary(max_size=12), st.integers(0, 2**12))
def test_each_of_our_fields_is_there_exactly_once(
    fields: list[Field], tail: bytes, length: int
) -> None:
    """Whatever the sender sent; and the length is the body's."""
    target = b"/" + bytes(byte for byte in tail if byte > 32 and byte != 127)
    method, forwarded, out = forward(request(HOST, *fields, target=target), length)
    names = [name.lower() for name, _ in out]
    assert [names.count(name.lower()) for name in OURS] == [1] * len(OURS)
    assert names.count(b"host") == 1
    assert dict(out)[b"Content-Length"] == b"%d" % length
    assert (method, forwarded) == (b"POST", target)


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/cm/events?a=%00&b=/../#x",
        b"//x",
        b"/x/../y",
        b"/%2e%2e/",
        b"/\xff\xfe",
        b"/a;b?c?d",
    ],
)
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH"])
def test_method_and_target_are_verbatim(method: bytes, target: bytes) -> None:
    """Nothing is decoded, normalised or cut."""
    assert forward(request(HOST, method=method, target=target))[:2] == (method, target)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_upstream_is_always_spoken_to_in_http_1_1(version: str) -> None:
    """Whatever version the sender speaks."""
    assert forward(request(HOST, version=version))[2] == [HOST, *ours()]


@pytest.mark.parametrize(
    "connection",
    [
        [b"X-Secret"],
        [b"x-secret"],
        [b"close, X-Secret"],
        [b" ,X-SECRET ,, close"],
        [b"\tX-Secret\t"],
        [b"close", b"X-Secret"],
        [b"X-Secret", b"keep-alive"],
    ],
)
def test_what_connection_names_is_dropped(connection: list[bytes]) -> None:
    """From any of its lines, in any case and spacing (RFC 9110 7.6.1)."""
    lines = [(b"Connection", value) for value in connection]
    assert forward_fields((b"X-Secret", b"1"), *lines, (b"X-Kept", b"1")) == [
        HOST,
        (b"X-Kept", b"1"),
        *ours(),
    ]


@pytest.mark.parametrize("name", [b"Host", b"Content-Type", b"Content-Encoding"])
@pytest.mark.parametrize("spell", [bytes.lower, bytes.upper, bytes.title], ids=lambda f: f.__name__)
def test_what_the_body_means_cannot_be_dropped(name: bytes, spell: "type[bytes]") -> None:
    """Naming one of these in Connection changes nothing."""
    fields: Fields = ((b"Content-Type", b"application/json"), (b"Content-Encoding", b"identity"))
    assert forward_fields(*fields, (b"Connection", spell(name))) == [HOST, *fields, *ours()]


@pytest.mark.parametrize("name", [*SIGNATURE, b"webhook.id", b"Webhook-Signature", b"WEBHOOK+ID"])
def test_a_signature_is_the_senders_only_where_nothing_is_signed(name: bytes) -> None:
    """Then it travels as any other field; else there is ours alone, before the length."""
    sent = request(HOST, (name, b"v1,forged"), (b"X-Kept", b"1"), (name, b""))
    origin = SOURCES.origin(sent)
    made = upstream_request(upstream_head(sent, origin, b""), b"{}", "boot-31")
    kept = [HOST, (name, b"v1,forged"), (b"X-Kept", b"1"), (name, b"")]
    assert read(made.removesuffix(b"{}"))[2][:4] == kept
    head = upstream_head(sent, origin, b"", signed=True)
    made = upstream_request(head, b"{}", "boot-31", b"webhook-id: evt_1\r\n")
    signed = [*ours()[:3], (b"webhook-id", b"evt_1"), (b"Content-Length", b"2"), ours()[4]]
    assert read(made.removesuffix(b"{}"))[2] == [HOST, (b"X-Kept", b"1"), *signed]


@pytest.mark.parametrize("name", [name for name in OURS if name != b"Content-Length"])
def test_naming_our_fields_in_connection_changes_nothing(name: bytes) -> None:
    """Ours are added after the sender's are dropped."""
    assert forward_fields((b"Connection", name), (name, b"31.169.56.1")) == [HOST, *ours()]


@pytest.mark.parametrize("host", [b"upstream.example", b"127.0.0.1:8080", b"[::1]:80"])
def test_another_host_can_be_set(host: bytes) -> None:
    """It replaces the sender's in its place; X-Forwarded-Host says what the sender asked for."""
    fields = forward_fields((b"X-Kept", b"1"), host=host)
    assert fields == [(b"Host", host), (b"X-Kept", b"1"), *ours()]


@pytest.mark.parametrize(
    ("peer", "lines", "chain"),
    [
        (ALLOWED, [], ALLOWED),
        (f"::ffff:{ALLOWED}", [], ALLOWED),
        (ALLOWED, [b"31.169.56.1"], ALLOWED),
        (FOREIGN, [ALLOWED.encode()], FOREIGN),
        (PROXY, [ALLOWED.encode()], f"{ALLOWED}, {PROXY}"),
        (PROXY, [b"1.2.3.4, 203.0.113.5, 192.0.2.9"], f"{ALLOWED}, 192.0.2.9, {PROXY}"),
        (PROXY, [b"1.2.3.4", b"203.0.113.5:99", b"192.0.2.9"], f"{ALLOWED}, 192.0.2.9, {PROXY}"),
    ],
)
def test_x_forwarded_for_is_what_was_verified(peer: str, lines: list[bytes], chain: str) -> None:
    """The chain of the client and its proxies, then the peer; never what was prepended."""
    fields = [(b"X-Forwarded-For", line) for line in lines]
    assert forward_fields(*fields, peer=peer) == [HOST, *ours(chain.encode())]


@pytest.mark.parametrize(
    ("lines", "chain"),
    [
        ([ALLOWED.encode()], ALLOWED),
        ([b"1.2.3.4, 203.0.113.5, 192.0.2.9"], f"{ALLOWED}, 192.0.2.9"),
    ],
    ids=["a client", "a client behind a proxy"],
)
def test_a_unix_peer_is_not_named(lines: list[bytes], chain: str) -> None:
    """It has no address: the chain ends with whoever spoke to it."""
    sources = SourcePolicy(
        [IPNetwork(ALLOW)], [IPNetwork(TRUSTED)], "x-forwarded-for", trusts_unix=True
    )
    fields = [(b"X-Forwarded-For", line) for line in lines]
    head = request(HOST, *fields, peer=UNIX_PEER)
    made = upstream_head(head, sources.origin(head), b"")
    named = [value for name, value in read(made + b"\r\n")[2] if name == b"X-Forwarded-For"]
    assert named == [chain.encode()]


VOUCHED: list[tuple[list[Field], bytes, bytes]] = [
    ([(b"X-Forwarded-Proto", b"https")], b"https", HOST[1]),
    ([(b"x-forwarded-proto", b"http")], b"http", HOST[1]),
    ([(b"X-Forwarded-Host", b"public.example")], b"http", b"public.example"),
    ([(b"X-Forwarded-Proto", b"https")] * 2, b"http", HOST[1]),
    ([(b"X-Forwarded-Host", b"a"), (b"X-Forwarded-Host", b"b")], b"http", HOST[1]),
    ([(b"X-Forwarded-Proto", b"gopher")], b"http", HOST[1]),
    ([(b"X-Forwarded-Proto", b"https, http")], b"http", HOST[1]),
    ([(b"X-Forwarded-Host", b"a, b")], b"http", HOST[1]),
    ([(b"X-Forwarded-Host", b"<script>")], b"http", HOST[1]),
    ([(b"X-Forwarded-Host", b"")], b"http", HOST[1]),
    ([(b"X-Forwarded-Host", b"a" * 256)], b"http", HOST[1]),
]


@pytest.mark.parametrize(("fields", "proto", "host"), VOUCHED)
def test_a_trusted_proxy_vouches_for_scheme_and_host(
    fields: list[Field], proto: bytes, host: bytes
) -> None:
    """One plain value of each is taken over; anything else is replaced by ours."""
    out = dict(forward_fields((b"X-Forwarded-For", ALLOWED.encode()), *fields, peer=PROXY))
    assert out[b"X-Forwarded-Proto"] == proto
    assert out[b"X-Forwarded-Host"] == host


@pytest.mark.parametrize("fields", [fields for fields, _, _ in VOUCHED])
def test_any_other_peer_vouches_for_nothing(fields: list[Field]) -> None:
    """What it says of scheme and host is replaced by what is seen."""
    assert forward_fields((b"X-Forwarded-For", ALLOWED.encode()), *fields) == [HOST, *ours()]


@settings(max_examples=many(150), deadline=None)
@given(FIELDS, OPTIONS)
def test_an_answers_fields_travel_back_less_its_hop_by_hop_ones(
    fields: list[Field], options: list[bytes]
) -> None:
    """Order, names and values are the upstream's; its framing and connection are not relayed."""
    fields = [*fields, (b"X-A", b"1"), (b"Connection", b", ".join(options))]
    gone = hop_by_hop(fields)
    assert relayed_fields(fields) == [field for field in fields if field[0].lower() not in gone]


@pytest.mark.parametrize("spell", [bytes.lower, bytes.upper], ids=lambda f: f.__name__)
def test_every_connection_field_names_what_does_not_travel(spell: "type[bytes]") -> None:
    """Not only the last one, nor the one in our spelling."""
    fields = [(b"X-A", b"1"), (b"X-B", b"2"), (b"X-C", b"3")]
    named = [(spell(b"Connection"), b"x-a"), *fields, (b"Connection", b"close ,\tX-B")]
    assert relayed_fields(named) == [(b"X-C", b"3")]
    assert forward_fields(*named) == [HOST, (b"X-C", b"3"), *ours()]


@pytest.mark.parametrize(
    ("peer", "proxied_for", "kept"),
    [(PROXY, None, True), (ALLOWED, None, False), (PROXY, ALLOWED, False)],
    ids=["a trusted proxy", "anybody else", "a trusted proxy that lets fields pass"],
)
def test_the_clients_field_goes_on_from_whoever_is_believed(
    peer: str, proxied_for: str | None, kept: bool
) -> None:
    """An endpoint that reads it gets what was read here, or nothing."""
    single = SourcePolicy([IPNetwork(ALLOW)], [IPNetwork(TRUSTED)], "cf-connecting-ip")
    field = (b"CF-Connecting-IP", ALLOWED.encode())
    alike = (b"CF.Connecting-IP", b"203.0.113.9")
    head = request(HOST, field, alike, peer=peer)._replace(proxied_for=proxied_for)
    made = upstream_head(head, single.origin(head), b"", b"cf-connecting-ip")
    named = [sent for sent in read(made + b"\r\n")[2] if b"connecting" in sent[0].lower()]
    assert named == ([field] if kept else [])


@pytest.mark.parametrize("name", sorted(SIGNED_FIELDS))
def test_a_connection_option_takes_no_field_that_signs(name: bytes) -> None:
    """An endpoint that checks again would miss what was there when the gate did."""
    head = request((b"Host", b"gate"), (b"Connection", name), (name, b"x"))
    assert name + b": x\r\n" in upstream_head(head, SOURCES.origin(head), b"")
