"""The fields whose values hookgate itself goes by. Pure."""

from hookgate.signing.schemes import SIGNED_FIELDS

# What frames a request or is a hop's own (RFC 9112, RFC 9110 7.6.1), what checks
# read, and what is made anew for the endpoint.
_READ = frozenset(
    (
        *("connection", "content-length", "expect", "host", "http2-settings", "keep-alive"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
        *("content-encoding", "content-type"),
        *("forwarded", "x-real-ip"),
        *(name.decode() for name in SIGNED_FIELDS),
    )
)


def is_read(name: str) -> bool:
    """Tell whether something may depend on the value of this field, by its name in lower case.

    What names the client is another one in each configuration (`SourceSettings.header`).
    """
    return name in _READ or name.startswith("x-forwarded-")
