"""An upstream that is what the sidecar itself listens on."""

from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.config.loops import find_loops
from hookgate.config.reload import ReloadableConfig
from support.problems import problem

TRUSTED = {"source.trusted_proxies": "unix"}


@pytest.mark.parametrize(
    ("url", "listen", "is_loop"),
    [
        ("http://127.0.0.1:8081", "127.0.0.1:8081", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8081", False),
        ("http://127.0.0.2:8081", "127.0.0.1:8081", False),
        ("http://localhost:8081", "127.0.0.1:8081", True),
        ("http://LOCALHOST.:8081", "localhost:8081", True),
        ("http://[::1]:8081", "localhost:8081", True),
        ("http://[0:0:0:0:0:0:0:1]:8081", "[::1]:8081", True),
        ("http://[::ffff:127.0.0.1]:8081", "127.0.0.1:8081", True),
        ("http://127.0.0.1:8081", ":8081", True),
        ("http://127.9.9.9:8081", "0.0.0.0:8081", True),
        ("http://[::1]:8081", "[::]:8081", True),
        ("http://0.0.0.0:8081", ":8081", True),
        ("http://192.0.2.7:8081", ":8081", False),
        ("http://192.0.2.7:8081", "192.0.2.7:8081", True),
        ("http://hooks.example:8081", "hooks.example:8081", True),
        ("http://hooks.example:8081", ":8081", False),
        ("http://127.0.0.1", "127.0.0.1:80", True),
        ("https://127.0.0.1", "127.0.0.1:443", True),
        ("http://127.0.0.1:8081", "127.0.0.1:0", False),
        ("unix:/run/a.sock", "unix:/run/a.sock", True),
        ("unix:/run/a.sock", "unix:/run/b.sock", False),
        ("unix:/run/a.sock", "127.0.0.1:8081", False),
        ("http://127.0.0.1:8081", "unix:/run/a.sock", False),
    ],
)
def test_a_loop_is_found_by_its_address(url: str, listen: str, is_loop: bool) -> None:
    """Whatever spelling it has; the admin listener is no endpoint either."""
    keys = {"upstream.url": url, **TRUSTED}
    for key, other in (("listen", "127.0.0.1:1"), ("admin", "127.0.0.1:1")):
        names = {"sidecar.listen": other, f"sidecar.{key}": listen}
        problems = find_loops(load(None, {**keys, **names}, {}))
        assert [line.split(" is where ")[1].split(" is:")[0] for line in problems] == (
            [f"sidecar.{key}"] if is_loop else []
        )


def test_what_is_to_be_served_is_refused_and_nothing_else(tmp_path: Path) -> None:
    """nginx may have the sidecar for its upstream."""
    file = tmp_path / "hookgate.toml"
    loop, fine = 'url = "http://127.0.0.1:8081"\n', 'url = "http://127.0.0.1:8080"\n'
    listen = '[sidecar]\nlisten = "127.0.0.1:8081"\n'
    file.write_text(f"[upstream]\n{loop}{listen}")
    assert load(str(file), {}, {}).upstream.url == "http://127.0.0.1:8081"
    with pytest.raises(ConfigError, match="events would go to hookgate itself"):
        ReloadableConfig(str(file), {})
    file.write_text(f"[upstream]\n{fine}{listen}")
    live = ReloadableConfig(str(file), {})
    file.write_text(f"[upstream]\n{loop}{listen}")
    with pytest.raises(ConfigError, match="events would go to hookgate itself"):
        live.load_again()


@pytest.mark.parametrize("address", ["127.0.0.1:8081", "[::1]:8081", ":8081"])
def test_the_admin_listener_needs_an_address_of_its_own(address: str) -> None:
    """But for port 0, which the system makes two ports of."""
    url = {"upstream.url": "http://192.0.2.1"}
    keys = {**url, "sidecar.listen": address, "sidecar.admin": address}
    assert problem(keys=keys) == f'sidecar.admin = "{address}" is where sidecar.listen is'
    chosen = {name: value.replace("8081", "0") for name, value in keys.items()}
    assert load(None, chosen, {}).sidecar.admin == load(None, chosen, {}).sidecar.listen
