"""hookgate-realip.conf: who the client is behind trusted proxies."""

from hookgate.settings import Config

from .syntax import comment


def render_realip(config: Config) -> list[str]:
    """Return the lines of hookgate-realip.conf."""
    source = config.source
    head = """
Who the client is behind trusted proxies.

Include it in `http` or `server`, above the other includes.

Only the proxies below are believed. Where they name nobody $remote_addr stays the proxy's own
address, which is in no allowed range.
"""
    lines = [*comment(head), ""]
    if not source.has_proxies:
        return [*lines, "# source.trusted_proxies is empty: the peer is the client."]
    lines += [f"set_real_ip_from {network};" for network in source.trusted_proxies]
    lines += ["set_real_ip_from unix:;"] * source.trusts_unix
    if source.proxy_protocol:
        return [
            *lines,
            "# Of the PROXY protocol's header, which `listen ... proxy_protocol` asks for.",
            "real_ip_header proxy_protocol;",
        ]
    known = {"x-forwarded-for": "X-Forwarded-For", "x-real-ip": "X-Real-IP"}
    name = known.get(source.header, source.header)
    if name != "X-Forwarded-For":
        lines += [
            f"# Of several {name} lines nginx 1.22 reads the first: the proxy has to replace the",
            "# field, not to add one.",
        ]
    return [*lines, f"real_ip_header {name};", "real_ip_recursive on;"]
