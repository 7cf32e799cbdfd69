"""A sidecar that would send events to itself."""

from urllib.parse import urlsplit

from hookgate.address import ListenAddress, UnixAddress, parse_unix_address
from hookgate.networks.addresses import is_loopback, parse_address
from hookgate.settings import Config

_EVERY_ADDRESS = {"", "0.0.0.0", "::"}  # noqa: S104  # compared with, not listened on


def find_loops(config: Config) -> list[str]:
    """Find what `serve` listens on that `upstream.url` names, in words; [] where it is neither.

    Of addresses that are this machine's only loopback is known; names but localhost are not asked
    for.
    """
    sidecar, url = config.sidecar, config.upstream.url
    listeners = {"sidecar.listen": sidecar.listen, "sidecar.admin": sidecar.admin}
    return [
        f'upstream.url = "{url}" is where {key} is: events would go to hookgate itself; '
        f"name your endpoint there, or another port in {key}"
        for key, address in listeners.items()
        if address is not None and _meet(url, address)
    ]


def _meet(url: str, address: ListenAddress) -> bool:
    unix = parse_unix_address(url)
    if unix is not None or isinstance(address, UnixAddress):
        return unix == address
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host, ours = _plain(parts.hostname or ""), _plain(address.host)
    if port != address.port:
        return False
    if ours in _EVERY_ADDRESS:
        return is_loopback(host) or host in _EVERY_ADDRESS
    return host == ours or {host, ours} <= {"localhost", "127.0.0.1", "::1"}


def _plain(host: str) -> str:
    address = parse_address(host)
    return str(address) if address is not None else host.lower().rstrip(".")
