"""A request's head as it arrived."""

from collections.abc import Sequence
from typing import NamedTuple

Fields = Sequence[tuple[bytes, bytes]]


class Head(NamedTuple):
    """Hold everything known of a request before its body.

    `peer` is the address text of who opened the connection. `fields` holds names and values as
    sent, in order, without the optional white space around values. `named` maps each
    lower-case name to its values in order of arrival. `proxied_for` is the client's address in a
    PROXY protocol header, "" where that named none, None without one. `scheme` is http or https.
    """

    peer: str
    method: bytes
    target: bytes
    version: str
    fields: Fields
    named: dict[bytes, list[bytes]]
    proxied_for: str | None = None
    scheme: bytes = b"http"

    @property
    def path(self) -> bytes:
        """Return the target's bytes before `?`, neither decoded nor normalised."""
        return self.target.partition(b"?")[0]


def make_head(
    peer: str,
    method: bytes,
    target: bytes,
    fields: Fields,
    version: str = "1.1",
    proxied_for: str | None = None,
    scheme: bytes = b"http",
) -> Head:
    """Build a `Head`, grouping the fields by name once for every later look-up."""
    named: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        key = name.lower()
        if key in named:
            named[key].append(value)
        else:
            named[key] = [value]
    return Head(peer, method, target, version, fields, named, proxied_for, scheme)
