"""example.conf: a whole site that starts as it is."""

from hookgate.address import TcpAddress
from hookgate.settings import Config

from .syntax import block, comment, quoted


def render_example(config: Config) -> list[str]:
    """Return the lines of example.conf."""
    head = """
A whole site that starts as it is, from the folder that holds these files:

    nginx -p "$PWD" -c example.conf -g 'daemon off;'
"""
    protocol = " proxy_protocol" if config.source.proxy_protocol else ""
    server = [
        *(f"listen {address} default_server{protocol};" for address in _addresses(config)),
        "include hookgate-realip.conf;",
        "include hookgate-location.conf;",
    ]
    http = [
        "# For the names that hookgate-http.conf adds; without it nginx only warns.",
        "variables_hash_max_size 2048;",
        "include hookgate-http.conf;",
        "",
        *block("server", server),
    ]
    return [
        *comment(head),
        "",
        "pid hookgate-nginx.pid;",
        "error_log stderr;",
        *block("events", []),
        *block("http", http),
    ]


def _addresses(config: Config) -> list[str]:
    """What `listen` takes, of each family where it is every address."""
    listen = config.sidecar.listen
    if isinstance(listen, TcpAddress) and not listen.host:
        return [str(listen.port), f"[::]:{listen.port}"]
    return [str(listen) if isinstance(listen, TcpAddress) else quoted(str(listen))]
