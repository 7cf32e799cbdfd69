"""The relative paths that a configuration names, as the whole ones that they are from here."""

from collections.abc import Iterator
from typing import Any

from hookgate.files import whole_path

from .contracts import SHIPPED_CONTRACTS
from .keys import KEYS
from .layers import Given, Sources
from .redaction import redact_secret_path

_ENDINGS = ("_file", "_cert", "_key", "_ca")
_NAMES = ("path", "state")


def whole_paths(sources: Sources) -> dict[str, str]:
    """Return the whole path of each file and folder that is given by a relative one, by its key."""
    found = {}
    for key, value in _named(sources):
        if isinstance(value, str) and value not in ("", "-") and not value.startswith("/"):
            told = redact_secret_path(value)
            found[key] = whole_path(value) if told == value else told
    return found


def _named(sources: Sources) -> Iterator[tuple[str, Any]]:
    for key in KEYS:
        value, origin = sources.keys[key.path]
        if key.name in _NAMES or key.name.endswith(_ENDINGS):
            if key.path != "alarm.state" or origin != "default":  # the gate itself reads none
                yield key.path, value
        elif key.path == "alarm.ledgers" and isinstance(value, list):
            yield from ((f"alarm.ledgers[{at}]", each) for at, each in enumerate(value))
    for number, route in enumerate(_tables(sources.routes), 1):
        if route.get("contract") not in SHIPPED_CONTRACTS:
            yield f"route {number}: contract", route.get("contract")
        if isinstance(signature := route.get("signature"), dict):
            yield f"route {number}: signature.secret_file", signature.get("secret_file")
    for number, channel in enumerate(_tables(sources.channels), 1):
        for name in ("url_file", "token_file", "ca_file"):
            yield f"alarm.channel {number}: {name}", channel.get(name)


def _tables(given: Given) -> list[dict[str, Any]]:
    items = given.value if isinstance(given.value, list) else []
    return [item for item in items if isinstance(item, dict)]
