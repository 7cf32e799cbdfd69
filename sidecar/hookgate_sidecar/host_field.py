"""By which names the admin listener may be asked for what senders wrote."""

import re

from hookgate.networks.addresses import parse_address

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]*)\]|([^:\[\]]*))(?::[0-9]{0,5})?")


def is_own_name(host: str) -> bool:
    """Tell whether a Host is an address or localhost.

    A page of anybody's has a name of its own, which may lead here (DNS rebinding): with that name a
    browser would ask for it, and let it read the answer.
    """
    match = _HOST.fullmatch(host)
    name = (match[1] or match[2] or "") if match is not None else ""
    return name.lower() == "localhost" or parse_address(name) is not None
