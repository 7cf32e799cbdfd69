"""One IP address in text."""

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def parse_address(text: str) -> Address | None:
    """Return an IP address written in full, IPv4-mapped IPv6 unwrapped; None for anything else.

    Octal and shorthand spellings are no addresses here, nor are scope ids (`fe80::1%eth0`).
    """
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Tell whether a host, an address or a name, is this machine's loopback; no name is asked for
    but localhost is known.
    """
    address = parse_address(host)
    return host == "localhost" if address is None else address.is_loopback
