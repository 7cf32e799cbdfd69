"""Configurations that nothing starts with: every problem, with its key and the mend."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.policy import Policy
from support.examples import many
from support.problems import MINIMAL, URL, problem, problems, write


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_problem_is_listed_at_once_with_its_key() -> None:
    """From every source and of every kind, each once."""
    file = write(
        """
        [upstream]
        url = "ftp://x"
        [source]
        allow = ["203.0.113.5/24", "0.0.0.0/0", "192.0.2.0/24"]
        trusted_proxies = ["192.0.2.9", "nowhere"]
        headr = "forwarded"
        [request]
        max_body = 5
        methods = ["GET"]
        [request2]
        x = 1
        [audit]
        personal_data = "hmac"
        seal_key_file = "missing.key"
        [[route]]
        path = "no slash"
        contract = "missing.json"
        colour = "red"
        """
    )
    found = problems(
        file,
        {"HOOKGATE_CHECKS__CONTRACT": "ignore", "HOOKGATE_SIDECAR__PORT": "1"},
        {"upstream.url": "ftp://x", "sidecar.listen": "nowhere"},
    )
    expected = [
        *("upstream.url", "source.allow[0]", "source.allow[1]", "source.trusted_proxies[1]"),
        *(
            "source.headr",
            "request.max_body",
            "request.methods",
            "request2",
            "request.x",
            "audit.key_file",
        ),
        *("audit.seal_key_file", "route 1: path", "route 1: contract", "route 1: colour"),
        *("checks.contract", "HOOKGATE_SIDECAR__PORT", "sidecar.listen"),
        "source.trusted_proxies overlaps source.allow in 192.0.2.9/32",
    ]
    for words in expected:
        assert [line for line in found if words in line], words
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "[request]\nmax_bdy = '1MiB'",
            "request.max_bdy is no key; did you mean request.max_body?",
        ),
        ("[source]\nallowed = []", "did you mean source.allow?"),
        ("[audit]\nfoo = 1", "audit.foo is no key; there are path, "),
        ("[sorce]\nallow = ['cm.com']", "[sorce] is no section; did you mean [source]?"),
        ("[routes]\npath = '/'", "[routes] is no section"),
        ("top = 1", "[top] is no section"),
        ("request = 1", "request is a section; write [request]"),
        ("[[request]]\nmax_depth = 1", "request is a section; write [request]"),
        ("[checks]\nsource = 'observe'", "checks.source is no key"),
        ("[checks]\nencoding = 'observe'", "checks.encoding is no key"),
        ("[checks]\nsize = 'observe'", "checks.size is no key"),
        ("[checks]\nhttp = 'observe'", "checks.http is no key"),
        ("[Request]\nmax_depth = 5", "[Request] is no section"),
        ("[request]\nMAX_DEPTH = 5", "request.MAX_DEPTH is no key"),
        ("[request.more]\nx = 1", "request.more is no key"),
    ],
)
def test_what_is_no_key_or_section_is_refused(content: str, words: str) -> None:
    """With the nearest one there is, or all there are."""
    assert words in problem(write(content))


@pytest.mark.parametrize(
    "content", ["[upstream", "a = ", "[a]\n[a]", "a = 1\na = 2", "{}", "\ufeff\ufeffa = 1"]
)
def test_a_file_that_is_no_toml_is_refused(content: str) -> None:
    """With its name."""
    assert problem(write(content)).startswith("hookgate.toml is no TOML: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"# caf\xe9\n", "is not UTF-8, first in line 1; save it as UTF-8"),
        (b"\n# caf\xe9\n", "is not UTF-8, first in line 2; save it as UTF-8"),
        (MINIMAL.encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (MINIMAL.encode("utf-16-be"), "holds bytes of value 0, as UTF-16 does; save it as UTF-8"),
        (b"\x00", "holds bytes of value 0, as UTF-16 does; save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_utf_8_is_refused(content: bytes, words: str) -> None:
    """With its name and how to save it, and nothing else: what it says is not known."""
    Path("hookgate.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(None, None, {})
    assert caught.value.problems == [f"hookgate.toml {words}"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_file_may_be_saved_by_any_editor(end: str, bom: str) -> None:
    """A byte order mark, line ends of Windows or an old Mac, tabs: the same configuration."""
    content = bom + MINIMAL + "[source]\n\tallow_file\t= 'networks' # \u2713\n"
    Path("hookgate.toml").write_bytes(content.replace("\n", end).encode())
    lines = bom + "# caf\xe9\n203.0.113.0/24\n\n\t198.51.100.7 # \u2713\n"
    Path("networks").write_bytes(lines.replace("\n", end).encode())
    config = load(None, None, {})
    assert config.upstream.url == URL["upstream.url"]
    own = [str(network) for network in config.source.allow[-2:]]
    assert own == ["203.0.113.0/24", "198.51.100.7/32"]


@pytest.mark.parametrize(
    "content", ["[upstream\n", MINIMAL + "url = 'http://127.0.0.1:1'\n", "a = " + "[" * 100_000]
)
def test_nothing_else_is_said_of_a_file_that_could_not_be_read(content: str) -> None:
    """Not that a key is missing, which may stand in it; what stands elsewhere is still checked."""
    write(content)
    with pytest.raises(ConfigError) as caught:
        load(None, {"sidecar.listen": "nowhere"}, {"HOOKGATE_SIDECAR__WORKERS": "0"})
    file, *others = caught.value.problems
    assert file.startswith("hookgate.toml is no TOML: ")
    assert {line.partition(" = ")[0] for line in others} == {
        "$HOOKGATE_SIDECAR__WORKERS: sidecar.workers",
        "command line: sidecar.listen",
    }


@pytest.mark.parametrize("name", ["missing.toml", "folder", "missing/hookgate.toml"])
def test_a_file_that_cannot_be_read_is_refused(name: str) -> None:
    """A file that was named must be there."""
    Path("folder").mkdir()
    assert problem(name).startswith(f"{name} cannot be read: ")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"source.allow": []}, "source.allow is empty"),
        ({"source.allow": ""}, "source.allow is empty"),
        ({"source.allow": [""]}, "source.allow is empty"),
        ({"source.allow": ["cm.com-other"]}, "is a list to watch, whose senders nothing proves"),
        (
            {"source.watch": ["cm.com-others"]},
            'write a CIDR like 203.0.113.0/24, or "cm.com-other"',
        ),
        ({"source.watch": ["203.0.113.1/24"]}, "source.watch[0]"),
        ({"source.watch": ["0.0.0.0/0"]}, "admits too much"),
        ({"source.allow": ["cm.com", ""]}, 'source.allow[1] = "" is empty; leave it out'),
        ({"source.allow": ["cm.com", "203.0.113.5/24"]}, "source.allow[1]"),
        ({"source.allow": ["0.0.0.0/0"]}, 'source.allow[0] = "0.0.0.0/0" admits too much'),
        ({"source.allow": ["::/0"]}, 'source.allow[0] = "::/0" admits too much'),
        ({"source.trusted_proxies": ["0.0.0.0/0"]}, "source.trusted_proxies[0]"),
        ({"source.trusted_proxies": ["10.0.0.1/8"]}, 'write "10.0.0.0/8" for the network'),
        ({"source.allow": ["::ffff:203.0.113.0/120"]}, "is IPv4 written as IPv6"),
        ({"source.trusted_proxies": ["::ffff:10.0.0.1"]}, "is IPv4 written as IPv6"),
        ({"source.trusted_proxies": ["31.169.56.7"]}, "overlaps source.allow in 31.169.56.7/32"),
        ({"source.trusted_proxies": ["31.0.0.0/8"]}, "overlaps source.allow in 31.169.56.0/21"),
        (
            {"source.allow": ["2001:db8::/32"], "source.trusted_proxies": ["2001:db8:1::/48"]},
            "overlaps source.allow in 2001:db8:1::/48",
        ),
        ({"source.allow": 5}, "source.allow = 5 is no list"),
        ({"source.allow": [5]}, 'source.allow = [5] is no list of texts; write ["5"]'),
        ({"source.header": "cf_connecting_ip"}, 'source.header = "cf_connecting_ip" is no field'),
        (
            {"source.proxy_protocol": True},
            "source.proxy_protocol needs source.trusted_proxies",
        ),
        ({"request.max_depth": 129}, "request.max_depth = 129 is not between 1 and 128"),
        ({"request.max_depth": 0}, "request.max_depth = 0"),
        ({"request.max_values": 0}, "request.max_values = 0 is not between 1 and 1000000"),
        ({"request.max_body": "0B"}, 'request.max_body = "0B" is not between'),
        (
            {"request.max_body": "33MiB"},
            'two bodies of request.max_body; write at least "69206016B"',
        ),
        ({"upstream.timeout": "0s"}, 'upstream.timeout = "0s" is not between'),
        ({"checks.contract": "off"}, 'checks.contract = "off" is none of "enforce", "observe"'),
        ({"audit.personal_data": "hmac"}, "audit.key_file is missing"),
    ],
    ids=json.dumps,
)
def test_a_dangerous_or_senseless_value_is_refused(keys: dict[str, Any], words: str) -> None:
    """Nothing starts that would allow nobody, everybody, or a proxy."""
    assert words in problem(keys=keys)


@pytest.mark.parametrize(
    ("watch", "mend"),
    [
        (["cm.com-other", "203.0.113.0/24"], ["185.162.146.0/24", "203.0.113.0/24"]),
        (["185.162.145.128/25"], []),
    ],
)
def test_a_range_that_is_watched_and_admitted_is_warned_of_and_the_mend_ends_it(
    watch: list[str], mend: list[str]
) -> None:
    """In the environment too."""
    keys = {**URL, "source.allow": ["cm.com", "185.162.145.0/24"]}
    (warning,) = load(None, {**keys, "source.watch": watch}, {}).warnings
    assert warning.startswith("command line: source.watch holds 185.162.145.")
    assert json.loads(warning.partition("; write ")[2]) == mend
    assert load(None, {**keys, "source.watch": mend}, {}).warnings == ()
    variable = "HOOKGATE_SOURCE__WATCH"
    (warning,) = load(None, keys, {variable: ",".join(watch)}).warnings
    if mend:
        written = {variable: warning.partition("; write ")[2]}
        assert load(None, keys, written).warnings == ()
    else:
        assert warning.endswith(f"; unset ${variable}")


def test_whoever_admits_a_range_of_the_default_has_done_as_told() -> None:
    """It is not warned of."""
    keys = {**URL, "source.allow": ["cm.com", "185.162.145.0/24"]}
    assert load(None, keys, {}).warnings == ()


def test_a_watched_range_changes_the_digest_and_no_verdict() -> None:
    """The list is another configuration, and the same policy."""
    one, other = load(None, URL, {}), load(None, {**URL, "source.watch": ["198.51.100.0/24"]}, {})
    assert one.digest != other.digest
    assert Policy(one).fingerprint == Policy(other).fingerprint


PREFIXES = st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)).map(
    lambda part: (part[0] >> (32 - part[1]) << (32 - part[1]), part[1])
)


def as_cidr(number: int, length: int) -> str:
    return ".".join(str(byte) for byte in number.to_bytes(4)) + f"/{length}"


@settings(max_examples=many(150), deadline=None)
@given(PREFIXES, PREFIXES, st.booleans())
def test_overlap_is_found_whichever_range_is_the_wider(
    allow: tuple[int, int], trusted: tuple[int, int], same: bool
) -> None:
    """Two ranges either share no address or are refused."""
    if same:  # the same bits under both prefix lengths
        trusted = (allow[0] >> (32 - trusted[1]) << (32 - trusted[1]), trusted[1])
    shorter = min(allow[1], trusted[1])
    overlapping = allow[0] >> (32 - shorter) == trusted[0] >> (32 - shorter)
    keys = {"source.allow": [as_cidr(*allow)], "source.trusted_proxies": [as_cidr(*trusted)]}
    if overlapping:
        with pytest.raises(ConfigError, match="overlaps"):
            load(os.devnull, {**URL, **keys}, {})
    else:
        assert load(os.devnull, {**URL, **keys}, {}).source.trusted_proxies


@pytest.mark.parametrize(
    ("key", "member"), [("audit.key_file", "key"), ("audit.seal_key_file", "seal_key")]
)
def test_a_secret_is_read_from_its_file(key: str, member: str) -> None:
    """Without the white space around it; it never shows in the configuration's text."""
    Path("secret").write_text("  0123456789abcdef\n")
    config = load(None, {**URL, key: "secret"}, {})
    assert getattr(config.audit, member) == b"0123456789abcdef"
    assert "0123456789abcdef" not in repr(config)


def test_each_line_of_a_seal_key_file_is_a_key_that_is_long_enough() -> None:
    """A line that wrapped is no key to be used unawares."""
    Path("secret").write_text("0123456789abcdef\n\nfedcba9876543210\n")
    keys = {"audit.seal_key_file": "secret"}
    assert load(None, {**URL, **keys}, {}).audit.seal_key.startswith(b"0123456789abcdef\n")
    Path("secret").write_text("0123456789abcdef\nfedcba\n")
    line = problem(keys=keys)
    assert 'audit.seal_key_file = "secret" has a line of fewer than 16 bytes' in line
    assert "fedcba" not in line


@pytest.mark.parametrize("key", ["audit.key_file", "audit.seal_key_file"])
@pytest.mark.parametrize("content", ["", "\n", "0123456789abcde", " 0123456789abcde \n"])
def test_a_secret_that_is_too_short_is_refused(key: str, content: str) -> None:
    """With how to make one, and without the secret."""
    Path("secret").write_text(content)
    line = problem(keys={key: "secret"})
    assert f'{key} = "secret" holds fewer than 16 bytes' in line
    assert "0123456789" not in line


@pytest.mark.parametrize(
    "key",
    [
        "audit.key_file",
        "audit.seal_key_file",
        "upstream.sign_key_file",
        "upstream.ca_file",
        "upstream.client_cert",
        "upstream.client_key",
    ],
)
@pytest.mark.parametrize("name", ["missing", "folder", "missing/file"])
def test_a_file_that_a_key_names_must_be_there(key: str, name: str) -> None:
    """A missing file or a folder is found at start."""
    Path("folder").mkdir()
    Path("file").write_text("x" * 32)
    line = problem(keys={key: name})
    assert line.startswith(f'{key} = "{name}" cannot be read')


@pytest.mark.parametrize("key", ["upstream.ca_file", "upstream.client_cert"])
@pytest.mark.parametrize("content", ["", "0123456789abcdef", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_certificate_file_that_holds_none_is_refused(key: str, content: str) -> None:
    """Found at start, not by a traceback or by the first event."""
    write(content, "empty.pem")
    keys = {"upstream.url": "https://127.0.0.1:1", key: "empty.pem"}
    assert f'{key} = "empty.pem"' in problem(keys=keys)
