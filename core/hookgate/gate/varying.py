"""Heads that differ in values that nothing goes by, behind one screening."""

from collections.abc import Sequence
from dataclasses import dataclass

from hookgate.policy import Head, make_head


@dataclass(frozen=True, slots=True)
class Varying:
    """Tell where the values that vary stand in a head that was screened.

    `places` are those among its fields. `upstream` is its head for the endpoint, to be formatted
    with the values: with all, or with those that are `travelling`.
    """

    places: tuple[int, ...]
    upstream: bytes
    travelling: tuple[int, ...] | None

    def upstream_head(self, values: Sequence[bytes]) -> bytes:
        """Return the head for the endpoint with these values."""
        if self.travelling is not None:
            values = [values[at] for at in self.travelling]
        return self.upstream % tuple(values)

    def head(self, screened: Head, values: Sequence[bytes]) -> Head:
        """Return the head with these values, as it came."""
        fields = list(screened.fields)
        for place, value in zip(self.places, values, strict=True):
            fields[place] = fields[place][0], value
        peer, method, target, version, _, _, proxied_for, scheme = screened
        return make_head(peer, method, target, fields, version, proxied_for, scheme)
