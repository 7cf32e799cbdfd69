"""The schemes by which providers sign webhooks, as data."""

import hmac
from base64 import b64encode
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scheme:
    """Describe how a request is signed.

    The MAC is HMAC with `digest`, over the body; where there is a `time_field`, over
    `id.time.body`. `units` is how many units of that time a second has. A signature is `marker`
    and the MAC, in hexadecimal or base64; a field may list `several`. `marks_secrets` says that a
    secret is base64 behind `whsec_`, else it is text. Names of fields are in lower case.
    """

    name: str
    signature_field: bytes
    id_field: bytes
    time_field: bytes | None
    units: int
    digest: str
    marker: bytes
    hexadecimal: bool
    several: bool
    marks_secrets: bool

    @property
    def fields(self) -> tuple[bytes, ...]:
        """Return the names of the fields that it reads."""
        fields = (self.id_field, self.time_field, self.signature_field)
        return tuple(name for name in fields if name is not None)

    def sign(self, secret: bytes, message: bytes) -> bytes:
        """Make a signature, as it stands in its field."""
        mac = hmac.digest(secret, message, self.digest)
        return self.marker + (mac.hex().encode() if self.hexadecimal else b64encode(mac))


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        # https://github.com/standard-webhooks/standard-webhooks, version 1.0.0.
        Scheme(
            "standard-webhooks",
            b"webhook-signature",
            b"webhook-id",
            b"webhook-timestamp",
            units=1,
            digest="sha256",
            marker=b"v1,",
            hexadecimal=False,
            several=True,
            marks_secrets=True,
        ),
        # CM.com's e-mail webhooks. Libraries of Standard Webhooks refuse it: milliseconds, SHA-512,
        # no version before the signature, and the secret as it is.
        Scheme(
            "cm-email",
            b"svix-signature",
            b"svix-id",
            b"svix-timestamp",
            units=1000,
            digest="sha512",
            marker=b"",
            hexadecimal=False,
            several=False,
            marks_secrets=False,
        ),
        # https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
        Scheme(
            "github",
            b"x-hub-signature-256",
            b"x-github-delivery",
            None,
            units=1,
            digest="sha256",
            marker=b"sha256=",
            hexadecimal=True,
            several=False,
            marks_secrets=False,
        ),
    )
}
# What they hold is another in each request.
SIGNED_FIELDS = frozenset(name for scheme in SCHEMES.values() for name in scheme.fields)
