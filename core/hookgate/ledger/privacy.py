"""How `from` and `to` are recorded: they may be people's phone numbers."""

import hmac
from hashlib import sha256

from hookgate.settings import PersonalData

_SHOWN = 3
_SHORTEST_MASKED = 8
_LONGEST = 256  # as every text of a record


class Privacy:
    """Turn an identifier into what may be recorded of it, bounded, or None."""

    def __init__(self, mode: PersonalData, key: bytes) -> None:
        self._key = key
        self.record = {
            PersonalData.MASK: _mask,
            PersonalData.HMAC: self._digest,
            PersonalData.PLAIN: _plain,
            PersonalData.OMIT: _omit,
        }[mode]

    def _digest(self, identifier: str) -> str | None:
        data = identifier.encode("utf-8", "surrogatepass")
        return "hmac:" + hmac.new(self._key, data, sha256).hexdigest()[:32]


def _mask(identifier: str) -> str | None:
    """The last three characters of at least eight, so that a person can tell two apart."""
    return "***" + identifier[-_SHOWN:] if len(identifier) >= _SHORTEST_MASKED else "***"


def _plain(identifier: str) -> str | None:
    return identifier[:_LONGEST]


def _omit(identifier: str) -> str | None:  # noqa: ARG001  # one signature
    return None
