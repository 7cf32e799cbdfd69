"""Every mend of a configuration, followed to the letter: it loads, and means what was meant.

Each row provokes a message, writes what it offers where it is shown, and looks at what is then in
force. What has no mend to write is listed too: it names what is wrong, and offers nothing.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netaddr
import pytest

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.config.keys import KEYS
from hookgate.settings import Config
from support.problems import MINIMAL, URL, problem, write

CM = ("31.169.56.0/21", "85.119.48.0/21", "188.94.184.0/22")
VARIABLE = "HOOKGATE_UPSTREAM__URL"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# What may be written where networks belong, and the addresses that its author can have meant.
MEANT: dict[str, list[tuple[str, ...]]] = {
    "31.169.56.0/255.255.248.0": [("31.169.56.0/21",)],
    "203.0.113.0/0.0.0.255": [("203.0.113.0/24",)],
    "203.0.113.9/255.255.255.0": [("203.0.113.0/24",), ("203.0.113.9",)],
    "203.0.113.0 255.255.255.0": [("203.0.113.0/24",)],
    "203.0.113.9/24": [("203.0.113.0/24",), ("203.0.113.9",)],
    "203.0.113.4-203.0.113.9": [("203.0.113.4/30", "203.0.113.8/31")],
    "203.0.113.4 - 9": [("203.0.113.4/30", "203.0.113.8/31")],
    "203.0.113.*": [("203.0.113.0/24",)],
    "203.0.113/24": [("203.0.113.0/24",)],
    "203.0.113.0/024": [("203.0.113.0/24",)],
    "203.0.113.0 /24": [("203.0.113.0/24",)],
    "203.0.113.0/24 198.51.100.7": [("203.0.113.0/24", "198.51.100.7")],
    "203.0.113.0/24;cm.com": [("203.0.113.0/24", *CM)],
    "::ffff:203.0.113.0/120": [("203.0.113.0/24",)],
    "::ffff:203.0.113.9": [("203.0.113.9",)],
    "[2001:db8::1]": [("2001:db8::1",)],
    "[2001:db8::1]:443": [("2001:db8::1",)],
    "203.0.113.9:443": [("203.0.113.9",)],
    "2001:db8::1/64": [("2001:db8::/64",), ("2001:db8::1",)],
    "2001:db8::-2001:db8::3": [("2001:db8::/126",)],
    "'203.0.113.9'": [("203.0.113.9",)],
    "CM.com": [CM],
    '["cm.com"]': [CM],
}
# Where nobody can tell what was meant, or hookgate cannot do it.
DOUBTFUL = (
    *("fe80::1%eth0", "203.0.113.010", "203.0.113.0/0.0.0.0", "203.0.113.0/255.0.255.0"),
    *("0.0.0.0/0", "0.0.0.0/255.255.255.255", "203.0.113", "203.0.113.0/33", "gate.example", "*"),
)


def in_toml(name: str, text: str) -> Config:
    return load(write(f"{MINIMAL}[source]\n{name} = [{text}]\n"), None, {})


def in_variable(name: str, text: str) -> Config:
    return load(None, URL, {f"HOOKGATE_SOURCE__{name.upper()}": text})


def in_file(name: str, text: str) -> Config:
    Path("networks").write_text(f"# mine\n{text}\n")
    alone: dict[str, Any] = {"source.allow": []} if name == "allow" else {}
    return load(None, {**URL, **alone, f"source.{name}_file": "networks"}, {})


PLACES: dict[str, tuple[Callable[[str, str], Config], Callable[[str], str]]] = {
    "toml": (in_toml, json.dumps),
    "variable": (in_variable, str),
    "file": (in_file, str),
}


def said(put: Callable[[str, str], Config], name: str, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        put(name, text)
    [line] = caught.value.problems
    return line


def offers(line: str) -> list[str]:
    """What a message says to write, as it stands there."""
    _, _, mend = line.rpartition("; write ")
    parts = re.split(r", or (?=.* for the one)", mend)
    return [re.sub(r" for the (network|one address)$", "", part) for part in parts]


# A key, a place and a text that it can hold.
CASES = [
    (name, place, text)
    for name in ("allow", "trusted_proxies")
    for place in PLACES
    for text in (*MEANT, *DOUBTFUL)
    if not (name == "trusted_proxies" and "cm.com" in text.lower())
    if not (name == "trusted_proxies" and text.startswith("31."))
]


@pytest.mark.parametrize(("name", "place", "text"), [case for case in CASES if case[2] in MEANT])
def test_what_is_offered_for_a_network_admits_what_was_meant(
    name: str, place: str, text: str
) -> None:
    """In each place where it can be written, in the words of that place."""
    put, quote = PLACES[place]
    line = said(put, name, quote(text))
    found = offers(line)
    assert len(found) == len(MEANT[text]), line
    for offer, meant in zip(found, MEANT[text], strict=True):
        if place == "file":
            offer = offer.removesuffix(", each on a line of its own").replace(", ", "\n")
        source = put(name, offer).source
        networks = source.allow if name == "allow" else source.trusted_proxies
        assert netaddr.IPSet(networks) == netaddr.IPSet(meant), line


@pytest.mark.parametrize(("name", "place", "text"), [case for case in CASES if case[2] in DOUBTFUL])
def test_nothing_is_offered_where_it_is_in_doubt_what_was_meant(
    name: str, place: str, text: str
) -> None:
    """It is said what is wrong and what form is taken; of proxies never a set of senders."""
    put, quote = PLACES[place]
    mend = said(put, name, quote(text)).partition(text)[2]
    host = text.partition("/")[0]
    assert host not in mend.replace("203.0.113.0/24", "").replace("10.0.0.0/24", "")
    assert ("cm.com" in mend) <= (name == "allow")
    for example in re.findall(r"like (\S+?)(?:,|$)| or (\S*cm\.com\S*)", mend):
        assert put(name, quote((example[0] or example[1]).strip('"')))


EMPTY = {key.variable: key for key in KEYS}


@pytest.mark.parametrize("variable", EMPTY)
def test_an_empty_variable_is_a_value_or_says_what_to_do(variable: str) -> None:
    """Unset, or with what is offered, it loads; and means the default where that is said."""
    given = {VARIABLE: URL["upstream.url"], variable: ""}
    try:
        load(None, None, given)
    except ConfigError as error:
        [line] = error.problems
        assert line.startswith(f"${variable}: {EMPTY[variable].path} is ")
        if "unset" in line:
            assert f"unset ${variable}" in line
            rest = {name: value for name, value in given.items() if name != variable}
            assert load(None, None, rest) == load(None, URL, {})
        for offer in re.findall(r"(?:write|like) ([^ ,]+)", line):
            load(None, None, {**given, variable: offer})
        assert "unset" in line or "like" in line or "write" in line or "name a file" in line


@pytest.mark.parametrize(
    "text", ["*", "", "cm.com", "0.0.0.0/0", '["10.0.0.5"]', "localhost", "10.0.0.5:80"]
)
def test_trusted_proxies_are_never_told_to_be_senders(text: str) -> None:
    """The set's name belongs to those who send."""
    for put, quote in (PLACES["toml"], PLACES["variable"]):
        try:
            put("trusted_proxies", quote(text))
        except ConfigError as error:
            told = str(error).replace(f'"{text}"', "").replace(f"= {text}", "")
            assert "cm.com" not in told or text == "cm.com"


def toml(section: str, line: str) -> str:
    return f"{MINIMAL}[{section}]\n{line}\n" if section != "upstream" else f"[upstream]\n{line}\n"


LISTEN = ("127.0.0.1", 8081)
LIKE = r"like (\".*\")"
# A wrong line of hookgate.toml, where its mend puts it right, and what must then be in force.
LINES: list[tuple[str, str, str, Callable[[Config], Any], Any]] = [
    ("upstream", 'url = ""', LIKE, lambda c: c.upstream.url, URL["upstream.url"]),
    ("upstream", 'url = "ftp://x"', LIKE, lambda c: c.upstream.url, URL["upstream.url"]),
    ("upstream", 'url = "http://x:8080/hook?a"', r"write (\".*\")", lambda c: c.upstream.url,
     "http://x:8080"),
    ("source", "allow = []", r"write (\[.*\])", lambda c: [*map(str, c.source.allow)], [*CM]),
    ("source", 'allow = ""', r"write (\[.*\])", lambda c: [*map(str, c.source.allow)], [*CM]),
    ("source", 'allow = [""]', r"write (\[.*\])", lambda c: [*map(str, c.source.allow)], [*CM]),
    ("source", 'header = "host"', LIKE, lambda c: c.source.header, "cf-connecting-ip"),
    ("source", "header = 5", LIKE, lambda c: c.source.header, "cf-connecting-ip"),
    ("source", 'header = "cloudfront-viewer-address"', r"write (\".*\")",
     lambda c: c.source.header, "x-forwarded-for"),
    ("request", 'max_body = "5"', r"write (\"5\w\")", lambda c: c.request.max_body, 5),
    ("request", "max_body = 5", r"write (\"5\w\")", lambda c: c.request.max_body, 5),
    ("request", 'max_depth = "x"', r"between (\d+)", lambda c: c.request.max_depth, 1),
    ("request", "max_depth = 0", r"between (\d+)", lambda c: c.request.max_depth, 1),
    ("sidecar", "drain = 5", r"write (\"5\w\")", lambda c: c.sidecar.drain, 5.0),
    ("sidecar", 'listen = "8081"', LIKE, lambda c: c.sidecar.listen, LISTEN),
    ("sidecar", 'admin = "9180"', LIKE, lambda c: c.sidecar.admin, ("127.0.0.1", 9180)),
    (
        *("checks", 'route = "off"', r'none of \"\w+\", \"(\w+)\"'),
        *(lambda c: c.checks["route"], "observe"),
    ),
    ("audit", 'fsync = "often"', r'none of \"(\w+)\"', lambda c: c.audit.fsync, "never"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "line", "mend", "look", "meant"), LINES)
def test_a_line_with_what_is_offered_for_it_loads(
    section: str, line: str, mend: str, look: Callable[[Config], Any], meant: Any
) -> None:
    """In the file where it stands; in the environment the same words without quotes."""
    with pytest.raises(ConfigError) as caught:
        load(write(toml(section, line)), None, {})
    [told] = caught.value.problems
    match = re.search(mend, told)
    assert match, told
    name = line.partition(" = ")[0]
    value = match[1] if line[-1] not in "\"'" or match[1][0] in '["0123456789' else f'"{match[1]}"'
    assert look(load(write(toml(section, f"{name} = {value}")), None, {})) == meant
    Path("hookgate.toml").unlink()
    variable = f"HOOKGATE_{section}__{name}".upper()
    wrong = line.partition(" = ")[2].strip('[]"')
    with pytest.raises(ConfigError) as caught:
        load(None, None, {VARIABLE: URL["upstream.url"], variable: wrong})
    [told] = caught.value.problems
    if "unset" not in told:
        match = re.search(mend.replace('\\"', ""), told)
        assert match, told
        right = {VARIABLE: URL["upstream.url"], variable: match[1].rstrip(",")}
        assert look(load(None, None, right)) == meant


def test_a_room_for_bodies_that_is_too_small_loads_with_the_one_that_is_offered() -> None:
    """The least that it says is enough."""
    keys = {"request.max_body": "33MiB"}
    [value] = re.findall(r'at least "(.*)"', problem(keys=keys))
    assert load(None, {**URL, **keys, "sidecar.max_buffered": value}, {})


def test_a_wrong_key_loads_under_the_name_that_is_meant() -> None:
    """The nearest one, with its section."""
    [name] = re.findall(
        r"did you mean request\.(\w+)", problem(write("[request]\nmax_bdy = '2MiB'"))
    )
    assert load(write(f"[request]\n{name} = '2MiB'"), URL, {}).request.max_body == 2**21


@pytest.mark.parametrize("end", ["trusted_proxies", "allow"])
def test_an_overlap_is_gone_when_either_side_leaves_it_out(end: str) -> None:
    """It says to take it out of one of them."""
    keys = {"source.allow": ["10.0.0.0/24", "cm.com"], "source.trusted_proxies": ["10.0.0.5"]}
    assert problem(keys=keys).endswith("take it out of one of them")
    keys["source.allow"] = keys["source.allow"][end == "allow" :]
    keys["source.trusted_proxies"] = keys["source.trusted_proxies"][end != "allow" :]
    assert load(None, {**URL, **keys}, {})


@pytest.mark.parametrize("name", ["secret", "my 'own' secret"])
@pytest.mark.parametrize("key", ["audit.key_file", "audit.seal_key_file"])
def test_the_command_that_makes_a_longer_secret_makes_one_that_is_taken(
    key: str, name: str
) -> None:
    """Whatever the file is called."""
    Path(name).write_text("short\n")
    command = problem(keys={key: name}).partition("make one with: ")[2]
    assert shlex.split(command)[-1] == name
    subprocess.run(["sh", "-c", command], check=True)
    assert load(None, {**URL, key: name}, {})


@pytest.mark.parametrize(
    ("section", "key", "value", "wanting"),
    [
        ("source", "trusted_proxies", '["nowhere"]', "proxy_protocol = true"),
        ("source", "trusted_proxies", "5", "proxy_protocol = true"),
        ("audit", "key_file", "5", 'personal_data = "hmac"'),
        ("sidecar", "tls_cert", "5", 'tls_key = "key.pem"'),
    ],
)
def test_a_key_that_is_there_and_wrong_is_not_called_missing(
    section: str, key: str, value: str, wanting: str
) -> None:
    """One mistake, one message."""
    content = f"{MINIMAL}[{section}]\n{key} = {value}\n{wanting}\n"
    with pytest.raises(ConfigError) as caught:
        load(write(content), None, {})
    [line] = caught.value.problems
    assert f"{section}.{key}" in line
    assert "missing" not in line


def test_files_are_looked_at_whatever_else_is_wrong() -> None:
    """Keys, networks, contracts and certificates, beside a missing upstream: all at once."""
    Path("empty").write_text("# nothing\n")
    content = (
        '[audit]\nkey_file = "a"\nseal_key_file = "b"\n'
        '[source]\nallow_file = "empty"\ntrusted_proxies = ["nowhere"]\n'
        '[upstream]\nca_file = "c"\n[sidecar]\ntls_cert = "d"\n'
        '[[route]]\npath = "/"\ncontract = "e"\n'
    )
    with pytest.raises(ConfigError) as caught:
        load(write(content), None, {})
    lines = caught.value.problems
    for name in ("upstream.url", "audit.key_file", "audit.seal_key_file", "source.allow_file",
                 "source.trusted_proxies[0]", "upstream.ca_file", "sidecar.tls_cert",
                 'route 1 ("/"): contract'):  # fmt: skip
        assert [line for line in lines if name in line], name
    assert len(lines) == 8


@pytest.mark.parametrize("name", ["allow", "trusted_proxies"])
def test_a_list_without_a_network_loads_with_either_line_that_is_offered(name: str) -> None:
    """In the file that it names; of proxies never the set of senders."""
    keys = {f"source.{name}": [], f"source.{name}_file": "networks"}
    Path("networks").write_text("\n# nobody\n")
    [two] = re.findall(r"like (\S+) or (\S+)$", problem(keys=keys))
    for line in two:
        Path("networks").write_text(line + "\n")
        source = load(None, {**URL, **keys}, {}).source
        assert source.allow if name == "allow" else source.trusted_proxies


# What may be written as a route's path, and the one path that its author can have meant.
PATHS = {
    " /cm/events": "/cm/events",
    "https://gate.example/cm/events?key=1": "/cm/events",
    "https://gate.example": "/",
    "/cm/events?key=1": "/cm/events",
    "/cm/events#top": "/cm/events",
    "?": "/",
    "cm/events": "/cm/events",
    "/cm events": "/cm%20events",
    '/cm/"events"': "/cm/%22events%22",
    "/caf\u00e9": "/caf%C3%A9",
    "": "/cm/events",
}


@pytest.mark.parametrize(("path", "meant"), PATHS.items())
def test_a_route_loads_with_the_path_that_is_offered(path: str, meant: str) -> None:
    """As it is sent, in quotes that TOML takes."""
    line = problem(write(f"{MINIMAL}[[route]]\npath = {json.dumps(path)}\n"))
    offered = re.findall(r'(?:write|like|behind the host,) (".*")$', line)
    [route] = load(write(f"{MINIMAL}[[route]]\npath = {offered[0]}\n"), None, {}).routes
    assert route.path == meant


@pytest.mark.parametrize("path", ["/cm/*", "/cm/{id}", "/cm/:id", "^/cm$", "~ /cm/.+"])
def test_a_pattern_is_offered_nothing_but_exact_paths_or_none(path: str) -> None:
    """Which paths were meant nobody knows; without a route each is taken."""
    line = problem(write(f"{MINIMAL}[[route]]\npath = {json.dumps(path)}\n"))
    assert line.endswith("write a [[route]] for each path, letter by letter, or none at all to take"
                         " every path")  # fmt: skip
    assert [route.path for route in load(write(MINIMAL), None, {}).routes] == [""]
