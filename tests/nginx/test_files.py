"""nginx takes the files, each alone in its place and together, for every kind of configuration."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.nginx import render
from support.nginx import FULL, binary, check, includes, settings, site, write
from support.ports import free_ports

SHIPPED = Path(__file__).parents[2] / "nginx"

ALONE = {
    "hookgate-http.conf": "include hookgate-http.conf;",
    "hookgate-realip.conf": "include hookgate-realip.conf;",
    "hookgate-realip.conf in a server": (
        "server { listen 127.0.0.1:1; include hookgate-realip.conf; }"
    ),
    "hookgate-allow.conf": "server { listen 127.0.0.1:1; include hookgate-allow.conf; }",
    "hookgate-allow.conf in a location": (
        "server { listen 127.0.0.1:1; location / { include hookgate-allow.conf; } }"
    ),
    "hookgate-location.conf": site(f"listen 127.0.0.1:1; {FULL}"),
    "all in one server": site(
        f"listen 127.0.0.1:1; {FULL} location /x {{ include hookgate-allow.conf; root html; }}"
    ),
}

MANY = ",".join(f"10.{a}.{b}.0/24" for a in range(20) for b in range(0, 30, 2))
MANY_IPV6 = ",".join(f"2001:db8:{n:x}::/48" for n in range(0, 600, 2))

CONFIGURATIONS: dict[str, Mapping[str, str]] = {
    "defaults": {},
    "no proxies": {"source.trusted_proxies": ""},
    "IPv6 ranges": {"source.allow": "2001:db8::/32,2001:db9::1,31.169.56.0/21"},
    "300 ranges": {"source.allow": MANY},
    "300 ranges of IPv6": {"source.allow": MANY_IPV6},
    "IPv6 proxies": {"source.trusted_proxies": "fd00::/8,10.0.0.0/8"},
    "x-real-ip": {"source.header": "x-real-ip"},
    "a field with one address": {"source.header": "cf-connecting-ip"},
    "a field with one address, no proxies": {
        "source.header": "cf-connecting-ip",
        "source.trusted_proxies": "",
    },
    "more methods": {"request.methods": "POST,PUT,PATCH"},
    "nothing enforced that may be observed": {
        "checks.method": "observe",
        "checks.route": "observe",
        "checks.media_type": "observe",
    },
    "one check observed": {"checks.route": "observe"},
    "host of the upstream": {"upstream.host": "upstream"},
    "a literal host": {"upstream.host": "backend.internal:8080"},
    "listening on IPv6": {"sidecar.listen": "[::1]:8081"},
    "an upstream on IPv6": {"upstream.url": "http://[::1]:8080"},
    "https": {"upstream.url": "https://127.0.0.1"},
}


def assert_fine(folder: Path, http: str) -> None:
    assert check(folder, http) == (0, "")


@pytest.mark.parametrize("name", ALONE)
def test_each_shipped_file_is_taken_in_its_place(tmp_path: Path, name: str) -> None:
    """Without an error or a warning, also where it is the only one."""
    for file in SHIPPED.glob("hookgate-*.conf"):
        text = file.read_text().replace("/var/log/nginx/", f"{tmp_path}/")
        (tmp_path / file.name).write_text(text)
    assert_fine(tmp_path, ALONE[name])


def test_the_shipped_example_is_a_whole_site(tmp_path: Path) -> None:
    """nginx takes it as the command in it says, without a warning about its hashes."""
    (port,) = free_ports(1)
    for file in SHIPPED.glob("*.conf"):
        text = file.read_text().replace("/var/log/nginx/", f"{tmp_path}/")
        (tmp_path / file.name).write_text(text.replace("127.0.0.1:8081", f"127.0.0.1:{port}"))
    command = [binary(), "-p", str(tmp_path), "-c", "example.conf", "-t"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr.replace('the "user" directive', "")
    assert "could not build" not in done.stderr


def test_without_nginx_a_test_fails_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not pass, and is not skipped."""
    monkeypatch.setattr("support.nginx.shutil.which", lambda *_, **__: None)
    with pytest.raises(AssertionError, match="make test"):
        binary()


def test_the_shipped_files_are_those_of_the_defaults() -> None:
    """What is committed is what `hookgate nginx render` writes."""
    config = load(None, {"upstream.url": "http://127.0.0.1:8080"}, {})
    assert {path.name: path.read_text() for path in SHIPPED.iterdir()} == render(config)


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("protocol", [False, True], ids=["fields", "PROXY protocol"])
def test_every_configuration_is_taken(tmp_path: Path, name: str, protocol: bool) -> None:
    """Plain allowlist and full front together, without an error or a warning."""
    keys = {"upstream.url": "http://127.0.0.1:8080", **CONFIGURATIONS[name]}
    config = settings(keys.pop("upstream.url"), tmp_path, **keys)
    config = replace(config, source=replace(config.source, proxy_protocol=protocol))
    write(tmp_path, includes(config, tmp_path))
    listen = "listen 127.0.0.1:1" + " proxy_protocol" * protocol
    assert_fine(tmp_path, site(f"{listen}; {FULL}\nlocation /x {{ include hookgate-allow.conf; }}"))


@pytest.mark.parametrize(
    "path",
    ["/a b", "/é", "/a$b", "/a{1}", '/a"b', "/a'b", "/a;b", "/a#b", "/a\\b", "/(a|b)*", "/a%2Fb",
     "//a", "/~^a", "/default", "/a?b"],
)  # fmt: skip
def test_routes_of_odd_characters_are_taken_or_refused(tmp_path: Path, path: str) -> None:
    """A path is never a pattern: nginx takes it, or the configuration does not."""
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    (tmp_path / "hookgate.toml").write_text(f'[[route]]\npath = "{quoted}"\n')
    try:
        config = settings("http://127.0.0.1:9", tmp_path)
    except ConfigError:
        return
    write(tmp_path, includes(config, tmp_path))
    assert_fine(tmp_path, site(f"listen 127.0.0.1:1; {FULL}"))


RELAYED, EXACT = "which is what its routes ask for", "cannot make a 200 of it"
VOICE = '[[route]]\npath = "/voice"\ncontract = "cm-voice"\n'
EVENTS = '[[route]]\npath = "/events"\n'


@pytest.mark.parametrize(
    ("routes", "said", "listed"),
    [
        ("", EXACT, []),
        (EVENTS, EXACT, []),
        (VOICE, RELAYED, []),
        (VOICE + EVENTS, EXACT, ["/events"]),
        (VOICE + 'answer = "200"\n' + EVENTS + 'answer = "relay"\n', EXACT, ["/voice"]),
    ],
    ids=["none", "200", "relay", "both", "against their contracts"],
)
def test_what_nginx_cannot_answer_is_said_of_the_routes_that_ask_for_it(
    tmp_path: Path, routes: str, said: str, listed: list[str]
) -> None:
    """A 2xx goes out as it is: right where the route relays, and only there."""
    (tmp_path / "hookgate.toml").write_text('upstream.url = "http://127.0.0.1:1"\n' + routes)
    text = render(load(str(tmp_path / "hookgate.toml"), {}, {}))["hookgate-location.conf"]
    words = " ".join(text.replace("\n#", " ").split())
    assert [each for each in (RELAYED, EXACT) if each in words] == [said]
    assert [line[2:].strip() for line in text.splitlines() if line.startswith("#     /")] == listed


def test_https_with_certificates_of_ones_own(tmp_path: Path) -> None:
    """CA, client certificate and key are named where nginx looks for them."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    keys = {
        "upstream.ca_file": str(tmp_path / "ca.pem"),
        "upstream.client_cert": str(tmp_path / "both.pem"),
    }
    write(tmp_path, includes(settings("https://127.0.0.1", tmp_path, **keys), tmp_path))
    assert_fine(tmp_path, site(f"listen 127.0.0.1:1; {FULL}"))


def test_only_modules_of_the_plain_build_are_used(tmp_path: Path) -> None:
    """Without trusted proxies not even the realip module, which not every build has."""
    config = settings("http://127.0.0.1:9", tmp_path, **{"source.trusted_proxies": ""})
    text = "".join(includes(config, tmp_path).values())
    directives = "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert not re.search(r"real_?ip_|proxy_protocol", directives)
