"""Sign what goes upstream, as Standard Webhooks 1.0.0 says: scheme v1, HMAC-SHA-256."""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable

# In lower case. Whoever sends these is not who signs.
SIGNATURE_FIELDS = frozenset((b"webhook-id", b"webhook-timestamp", b"webhook-signature"))


def signature_fields(keys: Iterable[bytes], sha256: str, timestamp: int, body: bytes) -> bytes:
    """Make the lines of the three fields, with a signature for each of the keys.

    `sha256` is the body's, in hexadecimal: the same bytes have the same id whenever they are sent.
    `timestamp` is in seconds since 1970.
    """
    identity = f"evt_{sha256}"
    signatures = sign(keys, identity, timestamp, body)
    return (
        f"webhook-id: {identity}\r\nwebhook-timestamp: {timestamp}\r\n"
        f"webhook-signature: {signatures}\r\n"
    ).encode()


def sign(keys: Iterable[bytes], identity: str, timestamp: int, body: bytes) -> str:
    """Make the value of `webhook-signature`: one signature for each key, in their order."""
    signed = b"".join((f"{identity}.{timestamp}.".encode(), body))
    return " ".join(
        [
            "v1," + b2a_base64(hmac.digest(key, signed, "sha256"), newline=False).decode()
            for key in keys
        ]
    )
