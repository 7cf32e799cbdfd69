"""What is read of a head is on the list of what is read."""

from typing import Any

import pytest

from hookgate.policy import HEADERS, is_read
from hookgate.upstream import forwarding
from support.policy import ALLOWED, PROXY, make_policy, request

REPLACED = "x-request-id"  # dropped, and given anew whatever it was


class Watched(dict[bytes, list[bytes]]):
    """Fields by name, which remember the names that were asked for."""

    def __init__(self, named: dict[bytes, list[bytes]]) -> None:
        super().__init__(named)
        self.asked: set[str] = set()

    def get(self, key: bytes, default: Any = None) -> Any:
        self.asked.add(key.decode())
        return super().get(key, default)

    def __getitem__(self, key: bytes) -> list[bytes]:
        self.asked.add(key.decode())
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        if key:
            self.asked.add(bytes(key).decode())
        return super().__contains__(key)


@pytest.mark.parametrize("header", [*HEADERS, "cf-connecting-ip"])
def test_what_checks_and_forwarding_ask_for_is_listed(header: str) -> None:
    """But for the field that names the client, which a configuration tells."""
    fields = (b"Host", b"gate"), (b"Content-Type", b"application/json"), (b"Content-Length", b"2")
    value = f"for={ALLOWED}" if header == "forwarded" else ALLOWED
    head = request(*fields, (header.encode(), value.encode()), peer=PROXY)
    watched = Watched(head.named)
    head = head._replace(named=watched)
    policy = make_policy(source__header=header)
    decision = policy.complete(policy.screen(head), b"{}")
    assert decision.origin is not None
    assert decision.origin.client == ALLOWED
    forwarding.upstream_head(head, decision.origin, b"", header.encode())
    assert {"host", "content-type", "content-length", "expect", "connection"} <= watched.asked
    assert {name for name in watched.asked if not is_read(name)} <= {header}


def test_what_does_not_travel_is_listed() -> None:
    """But for what nobody reads, and what is no name."""
    dropped = forwarding._HOP_BY_HOP | forwarding._FORWARDING
    assert {name.decode() for name in dropped if not is_read(name.decode())} == {REPLACED}
