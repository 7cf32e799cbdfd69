"""Requests signed by what the schemes publish, and everything that is not quite so."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.signing.schemes import SCHEMES
from hookgate.signing.secrets import split_secrets
from hookgate.signing.verify import Flaw, Flawed, Signed, Verifier
from support.signatures import FIELDS, signature

NOW = 1_764_374_400.0
SECRETS = {
    "standard-webhooks": "whsec_bmV3IHNlY3JldCBvZiB0aGUgY29ycHVz",
    "cm-email": "the secret of these tests",
    "github": "the secret of these tests",
}
BODY = b'{"type":"delivered"}'
NAMES = list(SCHEMES)
TIMED = [name for name, scheme in SCHEMES.items() if scheme.time_field is not None]

Fields = dict[bytes, list[bytes]]


def verifier(name: str, *secrets: str, tolerance: float = 300) -> Verifier:
    scheme = SCHEMES[name]
    lines = "\n".join(secrets or (SECRETS[name],)).encode()
    return Verifier(scheme, split_secrets(lines, scheme), tolerance)


def signed(
    name: str, body: bytes = BODY, age: float = 0.0, identity: str = "msg_1", secret: str = ""
) -> Fields:
    """The fields of a request that was signed `age` seconds before now."""
    moment = str(int((NOW - age) * SCHEMES[name].units))
    made = signature(name, secret or SECRETS[name], identity, moment, body)
    values = zip(FIELDS[name], (identity, moment, made), strict=True)
    return {field.lower().encode(): [value.encode()] for field, value in values if field}


def flaw(result: Signed | Flawed) -> Flaw | None:
    return result.flaw if isinstance(result, Flawed) else None


@pytest.mark.parametrize("name", NAMES)
def test_what_the_sender_signed_is_proven(name: str) -> None:
    """Its id comes with it."""
    assert verifier(name).verify(signed(name), BODY, NOW) == Signed(b"msg_1")


def test_the_published_example_of_standard_webhooks_is_proven() -> None:
    """From the specification's repository: the test vector of its libraries."""
    fields = {
        b"webhook-id": [b"msg_p5jXN8AQM9LWM0D4loKWxJek"],
        b"webhook-timestamp": [b"1614265330"],
        b"webhook-signature": [b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="],
    }
    body = b'{"test": 2432232314}'
    gate = verifier("standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert isinstance(gate.verify(fields, body, 1_614_265_330.0), Signed)
    assert flaw(gate.verify(fields, body + b" ", 1_614_265_330.0)) is Flaw.INVALID


def test_the_published_example_of_github_is_proven() -> None:
    """From its page on validating deliveries."""
    made = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    gate = verifier("github", "It's a Secret to Everybody")
    fields = {b"x-hub-signature-256": [made]}
    assert gate.verify(fields, b"Hello, World!", NOW) == Signed(b"")


@pytest.mark.parametrize("name", NAMES)
@given(body=st.binary(max_size=200), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_every_changed_bit_shows(name: str, body: bytes, place: int, bit: int) -> None:
    """Of the body, and of the fields that are signed or sign."""
    gate, fields = verifier(name), signed(name, body)
    assert isinstance(gate.verify(fields, body, NOW), Signed)
    parts = [body, *(fields[field][0] for field in SCHEMES[name].fields if field in fields)]
    if name == "github":
        del parts[1]  # its id is not signed
    place %= sum(map(len, parts))
    number = 0
    while place >= len(parts[number]):
        place -= len(parts[number])
        number += 1
    broken = bytearray(parts[number])
    broken[place] ^= 1 << bit
    if number == 0:
        assert flaw(gate.verify(fields, bytes(broken), NOW)) is Flaw.INVALID
        return
    changed = next(field for field, values in fields.items() if values[0] is parts[number])
    result = gate.verify({**fields, changed: [bytes(broken)]}, body, NOW)
    assert flaw(result) is Flaw.INVALID


@given(
    st.dictionaries(
        st.sampled_from(sorted(name for scheme in SCHEMES.values() for name in scheme.fields)),
        st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    ),
    st.binary(max_size=50),
    st.sampled_from(NAMES),
)
def test_nothing_made_up_is_proven(fields: Fields, body: bytes, name: str) -> None:
    """Whatever stands in the fields, there is an answer, and none that proves anything."""
    result = verifier(name).verify(fields, body, NOW)
    assert isinstance(result, Flawed)
    words = result.words
    for field in verifier(name).scheme.fields:  # a value may be a part of our own words
        words = words.replace(field.decode(), "")
    told = [value.decode("latin-1") for values in fields.values() for value in values]
    assert not any(text in words for text in told if len(text) > 12)


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(
    ("age", "found"),
    [(0, None), (299, None), (-299, None), (302, Flaw.EXPIRED), (-302, Flaw.EXPIRED)],
)
def test_a_time_counts_within_the_tolerance(name: str, age: float, found: Flaw | None) -> None:
    """Behind and ahead."""
    assert flaw(verifier(name).verify(signed(name, age=age), BODY, NOW)) is found


def test_the_words_say_how_far_the_time_is() -> None:
    """A wrong clock is mended by whoever reads that."""
    result = verifier("cm-email").verify(signed("cm-email", age=4000), BODY, NOW)
    assert result == Flawed(
        Flaw.EXPIRED, "the time that was signed is 4000 s behind, and 300 s are tolerated"
    )


@pytest.mark.parametrize("name", NAMES)
def test_any_secret_may_match(name: str) -> None:
    """While it is changed there are two; one that was taken out proves nothing."""
    new = SECRETS[name]
    old = "whsec_b2xkIHNlY3JldCBvZiB0aGUgY29ycHVz" if name == "standard-webhooks" else "x" * 20
    fields = signed(name, secret=old)
    assert isinstance(verifier(name, new, old).verify(fields, BODY, NOW), Signed)
    assert flaw(verifier(name, new).verify(fields, BODY, NOW)) is Flaw.INVALID


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ("{v1}", None),
        ("v1,AAAA {v1}", None),
        ("{v1} v1,AAAA", None),
        ("v1a,BBBB {v1}", None),
        ("v1,AAAA " * 15 + "{v1}", None),
        ("v1,AAAA " * 16 + "{v1}", Flaw.INVALID),
        ("{v1},", Flaw.INVALID),
        ("{v1}\tv1,AAAA", Flaw.INVALID),
        (" ", Flaw.INVALID),
    ],
)
def test_one_of_a_list_is_enough(listed: str, found: Flaw | None) -> None:
    """Signatures are separated by a space; no more than sixteen are looked at."""
    fields = signed("standard-webhooks")
    made = fields[b"webhook-signature"][0].decode()
    fields[b"webhook-signature"] = [listed.replace("{v1}", made).encode()]
    assert flaw(verifier("standard-webhooks").verify(fields, BODY, NOW)) is found


def spellings(mac: bytes) -> list[bytes]:
    """Other texts that readers of base64 take for the same bytes."""
    right = base64.b64encode(mac)
    return [
        right.rstrip(b"="),
        right + b"=",
        base64.urlsafe_b64encode(mac),
        right[:10] + b"\n" + right[10:],
        right[:-3] + bytes([right[-3] + 1]) + right[-2:],  # bits that the padding drops
    ]


def test_another_spelling_of_the_same_mac_proves_nothing() -> None:
    """What is signed has one signature."""
    fields = signed("cm-email")
    content = b".".join((fields[b"svix-id"][0], fields[b"svix-timestamp"][0], BODY))
    mac = hmac.new(SECRETS["cm-email"].encode(), content, hashlib.sha512).digest()
    assert base64.b64encode(mac) == fields[b"svix-signature"][0]
    for other in {*spellings(mac)} - {base64.b64encode(mac)}:
        changed = {**fields, b"svix-signature": [other]}
        assert flaw(verifier("cm-email").verify(changed, BODY, NOW)) is Flaw.INVALID


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(
    "identity", ["", " ", "two words", "x" * 257, "caf\u00e9"], ids=lambda text: repr(text[:12])
)
def test_an_id_is_visible_and_short(name: str, identity: str) -> None:
    """Also where it was signed."""
    assert flaw(verifier(name).verify(signed(name, identity=identity), BODY, NOW)) is Flaw.INVALID
