"""Verify that a request was signed with a secret that both sides know."""

import hmac
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from .schemes import Scheme

# Visible ASCII: what no two readers split or trim differently.
_ID = re.compile(rb"[\x21-\x7e]{1,256}")
# Until the year 2286, in milliseconds until 33658.
_TIME = re.compile(rb"[0-9]{1,15}")
# Signatures in one field; a sender that changes its secret has two.
_MOST = 16


class Flaw(Enum):
    """Name what is wrong with a signature."""

    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"


class Flawed(NamedTuple):
    """Tell what is wrong with a signature, in words that hold no value of the sender."""

    flaw: Flaw
    words: str


class Signed(NamedTuple):
    """Hold the id that a right signature came with; b"" where the scheme needs none."""

    id: bytes


class Verifier:
    """Verify requests by a scheme. Any of the `secrets` may match; `tolerance` is in seconds."""

    def __init__(self, scheme: Scheme, secrets: Sequence[bytes], tolerance: float) -> None:
        self.scheme = scheme
        self._secrets = tuple(secrets)
        self._tolerance = tolerance

    def verify(
        self, fields: Mapping[bytes, Sequence[bytes]], body: bytes, now: float
    ) -> Signed | Flawed:
        """Verify the signature of a body.

        `fields` are the values of each field by its name in lower case; `now` is in seconds since
        1970. The time that was signed may be as far ahead as behind, as clocks differ.
        """
        scheme = self.scheme
        given = fields.get(scheme.signature_field)
        if given is None:
            return _missing(scheme.signature_field)
        if len(given) > 1:
            return _repeated(scheme.signature_field)
        if scheme.time_field is None:
            return self._verify_untimed(given[0], fields, body)
        identity, time = fields.get(scheme.id_field), fields.get(scheme.time_field)
        if identity is None:
            return _missing(scheme.id_field)
        if time is None:
            return _missing(scheme.time_field)
        if len(identity) > 1:
            return _repeated(scheme.id_field)
        if len(time) > 1:
            return _repeated(scheme.time_field)
        if _ID.fullmatch(identity[0]) is None:
            return _unfit(scheme.id_field, "1 to 256 visible characters")
        if _TIME.fullmatch(time[0]) is None:
            return _unfit(scheme.time_field, "a whole number since 1970")
        if not self._matches(given[0], b".".join((identity[0], time[0], body))):
            return _unproven(scheme.signature_field)
        age = now - int(time[0]) / scheme.units
        if abs(age) > self._tolerance:
            where = "behind" if age > 0 else "ahead"
            return Flawed(
                Flaw.EXPIRED,
                f"the time that was signed is {abs(age):.0f} s {where}, "
                f"and {self._tolerance:g} s are tolerated",
            )
        return Signed(identity[0])

    def _verify_untimed(
        self, given: bytes, fields: Mapping[bytes, Sequence[bytes]], body: bytes
    ) -> Signed | Flawed:
        if not self._matches(given, body):
            return _unproven(self.scheme.signature_field)
        # Not signed, so that it proves nothing; it serves to be recognised.
        identity = fields.get(self.scheme.id_field, ())
        known = len(identity) == 1 and _ID.fullmatch(identity[0]) is not None
        return Signed(identity[0] if known else b"")

    def _matches(self, given: bytes, message: bytes) -> bool:
        """Whether one of the secrets made one of the signatures; each pair is looked at."""
        listed = given.split(b" ", _MOST) if self.scheme.several else [given]
        matches = False
        for secret in self._secrets:
            made = self.scheme.sign(secret, message)
            for signature in listed[:_MOST]:
                matches |= hmac.compare_digest(made, signature)
        return matches


def _missing(name: bytes) -> Flawed:
    return Flawed(Flaw.MISSING, f"no {name.decode()} field")


def _repeated(name: bytes) -> Flawed:
    return Flawed(Flaw.INVALID, f"more than one {name.decode()} field")


def _unfit(name: bytes, fit: str) -> Flawed:
    return Flawed(Flaw.INVALID, f"the {name.decode()} field is not {fit}")


def _unproven(name: bytes) -> Flawed:
    return Flawed(
        Flaw.INVALID, f"no secret of the route makes what the {name.decode()} field holds"
    )
