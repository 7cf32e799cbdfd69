"""Sign what goes upstream, as Standard Webhooks 1.0.0 says: scheme v1, HMAC-SHA-256."""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable

from .schemes import SCHEMES, Scheme

# In lower case. Whoever sends these is not who signs.
SIGNATURE_FIELDS = frozenset(SCHEMES["standard-webhooks"].fields)


class Signer:
    """Keys, ready to sign with: each makes a signature, in their order.

    MACs are made from copied states: for `hmac.digest` OpenSSL 3 looks the algorithm up each time,
    which misses the first-level instruction cache 460 times more, simulated.
    """

    __slots__ = ("_states",)

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._states = [hmac.new(key, digestmod="sha256").copy for key in keys]

    def fields(self, sha256: str, timestamp: int, body: bytes) -> bytes:
        """Make the lines of the three fields.

        `sha256` is the body's, in hexadecimal: the same bytes have the same id whenever they are
        sent. `timestamp` is in seconds since 1970.
        """
        identity = f"evt_{sha256}"
        signatures = self.sign(identity, timestamp, body)
        return (
            f"webhook-id: {identity}\r\nwebhook-timestamp: {timestamp}\r\n"
            f"webhook-signature: {signatures}\r\n"
        ).encode()

    def sign(self, identity: str, timestamp: int, body: bytes) -> str:
        """Make the value of `webhook-signature`."""
        signed = b"".join((f"{identity}.{timestamp}.".encode(), body))
        signatures = []
        for state in self._states:
            mac = state()
            mac.update(signed)
            signatures.append("v1," + b2a_base64(mac.digest(), newline=False).decode())
        return " ".join(signatures)


def sign_fields(
    scheme: Scheme, secret: bytes, identity: str, now: float, body: bytes
) -> dict[str, str]:
    """Make the fields by which a sender signs a body, by any scheme; `now` in seconds since 1970.

    It is not for each event: `Signer` is.
    """
    time = str(int(now * scheme.units))
    is_timed = scheme.time_field is not None
    message = f"{identity}.{time}.".encode() + body if is_timed else body
    values = {
        scheme.id_field: identity,
        scheme.time_field: time,
        scheme.signature_field: scheme.sign(secret, message).decode(),
    }
    return {name.decode(): value for name, value in values.items() if name is not None}
