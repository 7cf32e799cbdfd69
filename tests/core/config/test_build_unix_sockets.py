"""Unix sockets in a configuration: what goes together, and what does not."""

import pytest

from hookgate.config.build import load
from hookgate.policy import Policy
from support.problems import URL, problem

SOCKET = "unix:/run/hookgate/hookgate.sock"


def test_a_unix_listener_needs_a_word_about_its_peers() -> None:
    """They have no address: without it nobody could ever send."""
    line = problem(keys={"sidecar.listen": SOCKET})
    assert line.startswith(f'sidecar.listen = "{SOCKET}" needs "unix" in source.trusted_proxies')
    config = load(None, {**URL, "sidecar.listen": SOCKET, "source.trusted_proxies": "unix"}, {})
    assert config.source.trusts_unix
    assert config.source.trusted_proxies == ()


def test_the_word_stands_among_networks() -> None:
    """And a mistake beside it is named by its own place."""
    keys = {"source.trusted_proxies": ["10.0.0.0/8", "unix", "10.0.0.1/8"]}
    assert 'source.trusted_proxies[2] = "10.0.0.1/8"' in problem(keys=keys)
    config = load(None, {**URL, "source.trusted_proxies": ["unix", "10.0.0.0/8"]}, {})
    assert config.source.trusts_unix
    assert [str(network) for network in config.source.trusted_proxies] == ["10.0.0.0/8"]


def test_the_word_is_enough_for_the_proxy_protocol() -> None:
    """A balancer on the same machine may speak it over a Unix socket."""
    keys = {"source.proxy_protocol": "true", "source.trusted_proxies": "unix"}
    assert load(None, {**URL, **keys}, {}).source.proxy_protocol


def test_nobody_is_allowed_by_the_word() -> None:
    """Who sends has an address, or is nobody."""
    assert 'source.allow[0] = "unix"' in problem(keys={"source.allow": ["unix"]})


def test_it_is_part_of_the_policy() -> None:
    """Two policies of which one believes Unix peers have two fingerprints."""
    plain = Policy(load(None, URL, {}))
    trusting = Policy(load(None, {**URL, "source.trusted_proxies": "unix"}, {}))
    assert plain.fingerprint != trusting.fingerprint


def test_two_listeners_cannot_have_one_socket() -> None:
    """Found before one of them starts."""
    keys = {"sidecar.listen": SOCKET, "sidecar.admin": SOCKET, "source.trusted_proxies": "unix"}
    assert "is where sidecar.listen is" in problem(keys=keys)


@pytest.mark.parametrize("host", ["preserve", "localhost"])
def test_a_unix_upstream_has_no_host_of_its_own(host: str) -> None:
    """The sender's is kept, or one is named."""
    keys = {"upstream.url": "unix:/run/app.sock", "upstream.host": host}
    assert load(None, keys, {}).upstream.url == "unix:/run/app.sock"
    line = problem(keys={**keys, "upstream.host": "upstream"})
    assert line.startswith('upstream.host = "upstream" has no host to take')
    assert '"preserve"' in line
