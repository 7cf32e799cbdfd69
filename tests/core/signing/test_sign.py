"""What goes upstream is signed so that the libraries of Standard Webhooks verify it."""

import base64
import time
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from hookgate.signing.sign import SIGNATURE_FIELDS, Signer
from support.examples import many

KEYS = st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=2, unique=True)
# hookgate sends nothing that is no UTF-8; the package takes nothing else.
BODIES = st.text().map(str.encode)


def signed(keys: list[bytes], body: bytes, timestamp: int) -> dict[str, str]:
    """The fields of a body, as a receiver has them."""
    made = Signer(keys).fields(sha256(body).hexdigest(), timestamp, body).decode("ascii")
    *lines, end = made.split("\r\n")
    fields = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    assert {name.encode() for name in fields} == SIGNATURE_FIELDS
    assert (len(lines), end) == (3, "")
    return fields


def verify(key: bytes, body: bytes, fields: dict[str, str]) -> None:
    """Raises WebhookVerificationError, as the package does."""
    Webhook("whsec_" + base64.b64encode(key).decode()).verify(body, fields, json_parse=False)


def is_verified(key: bytes, body: bytes, fields: dict[str, str]) -> bool:
    try:
        verify(key, body, fields)
    except (WebhookVerificationError, ValueError):  # ValueError: bytes that are no UTF-8
        return False
    return True


def test_it_is_what_the_standard_s_libraries_publish() -> None:
    """The vector of the reference implementations, in Python, JavaScript, PHP, Go and others."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = Signer([key]).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@settings(max_examples=many(200), deadline=None)
@given(KEYS, BODIES)
def test_whatever_is_signed_is_verified_with_each_of_its_keys(
    keys: list[bytes], body: bytes
) -> None:
    """By the package, and with no other key."""
    fields = signed(keys, body, int(time.time()))
    for key in keys:
        verify(key, body, fields)
    assert not is_verified(bytes(24), body, fields) or bytes(24) in keys
    assert fields["webhook-signature"].count("v1,") == len(keys)


@settings(max_examples=many(200), deadline=None)
@given(KEYS, BODIES, st.data())
def test_a_changed_byte_of_body_id_or_time_is_refused(
    keys: list[bytes], body: bytes, data: st.DataObject
) -> None:
    """The three are signed together, with what stands between them."""
    fields = signed(keys, body, int(time.time()))
    where = data.draw(st.sampled_from(["body", "webhook-id", "webhook-timestamp"]))
    was = body if where == "body" else fields[where].encode()
    position = data.draw(st.integers(0, len(was)))
    other = data.draw(st.binary(min_size=1, max_size=1))
    became = was[:position] + other + was[position + data.draw(st.integers(0, 1)) :]
    if where == "body":
        changed = became, fields
    else:
        changed = body, {**fields, where: became.decode("latin-1")}
    # Python's int and float take white space, signs and underscores: the same time all the same.
    same = became == was or (
        where == "webhook-timestamp" and _as_time(became) == _as_time(was) is not None
    )
    for key in keys:
        assert is_verified(key, *changed) is same


def _as_time(text: bytes) -> float | None:
    try:
        return float(text.decode("latin-1")) // 1
    except ValueError:
        return None


def test_the_id_is_the_body_s_at_every_attempt() -> None:
    """Also later, and with other keys; the time and the signature are of this attempt."""
    now = int(time.time())
    first, second = signed([bytes(32)], b"{}", now), signed([bytes(24)], b"{}", now + 60)
    assert first["webhook-id"] == second["webhook-id"] == f"evt_{sha256(b'{}').hexdigest()}"
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == (str(now), str(now + 60))
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("seconds", [-600, 600])
def test_an_old_signature_and_one_of_the_future_are_refused(seconds: int) -> None:
    """Five minutes are the package's tolerance."""
    fields = signed([bytes(32)], b"{}", int(time.time()) + seconds)
    with pytest.raises(WebhookVerificationError, match=r"too (old|new)"):
        verify(bytes(32), b"{}", fields)


def test_the_signatures_stand_in_the_order_of_the_keys() -> None:
    """The new one first: a receiver that looks at the first alone takes that."""
    keys = [bytes(24), bytes(range(24))]
    one, other = (Signer([key]).sign("evt_1", 1, b"{}") for key in keys)
    assert Signer(keys).sign("evt_1", 1, b"{}") == f"{one} {other}"
