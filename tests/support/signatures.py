"""Requests signed as providers sign them, written from what they publish and not from our code."""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence

FIELDS = {
    "standard-webhooks": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    "cm-email": ("svix-id", "svix-timestamp", "svix-signature"),
    "github": ("X-GitHub-Delivery", "", "X-Hub-Signature-256"),
}


def signature(scheme: str, secret: str, identity: str, moment: str, body: bytes) -> str:
    """The value of the field that holds the signature."""
    if scheme == "github":
        return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    content = f"{identity}.{moment}.".encode() + body
    if scheme == "cm-email":
        mac = hmac.new(secret.encode(), content, hashlib.sha512).digest()
        return base64.b64encode(mac).decode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def sign(
    body: bytes,
    scheme: str,
    secret: str,
    *,
    identity: str = "msg_1",
    age: float = 0.0,
    moment: str = "",
    edit: tuple[str, str] | list[str] = ("", ""),
    leave_out: Sequence[str] = (),
) -> list[str]:
    """The lines of a signed request's fields.

    `age` is how many seconds ago it was signed; `moment` replaces what that makes. `edit` replaces
    one text in the signature, once, and `leave_out` names fields that are not sent.
    """
    units = 1000 if scheme == "cm-email" else 1
    moment = moment or str(int((time.time() - age) * units))
    names = FIELDS[scheme]
    signed = signature(scheme, secret, identity, moment, body)
    old, new = edit
    assert old in signed
    values = (identity, moment, signed.replace(old, new, 1))
    lines = zip(names, values, strict=True)
    return [f"{name}: {value}" for name, value in lines if name and name not in leave_out]
