"""Which names may ask for what senders wrote."""

import pytest

from hookgate_sidecar.host_field import is_own_name


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1:9180", True),
        ("10.1.2.3", True),
        ("[::1]:9180", True),
        ("[fd00::1]", True),
        ("localhost", True),
        ("LocalHost:9180", True),
        ("", False),
        (":9180", False),
        ("example.com", False),
        ("example.com:9180", False),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("example.com#localhost", False),
        ("user@localhost", False),
        ("127.0.0.1:9180:80", False),
        ("127.0.0.1:x", False),
        ("::1", False),
        ("[::1", False),
        ("[localhost]", False),
        ("localhost ", False),
        ("2130706433", False),
        ("0x7f.1", False),
        ("127.1", False),
    ],
)
def test_addresses_and_localhost_alone(host: str, is_own: bool) -> None:
    """A page that rebinds its name to this machine still has its name."""
    assert is_own_name(host) is is_own
