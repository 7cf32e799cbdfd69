"""Routes and their contracts in a configuration."""

from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.config.contracts import load_contract
from support.problems import MINIMAL, problem, problems, write


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


ROUTES: dict[str, tuple[str, list[str]]] = {
    "no path": ("[[route]]\ncontract = 'cm-events'", ["route 1: path is missing"]),
    "a path with a query": ("[[route]]\npath = '/a?b'", ['route 1: path = "/a?b" is no path']),
    "a pattern": ("[[route]]\npath = '/cm/*'", ['route 1: path = "/cm/*" is no exact path: "*"']),
    "a number for a path": ("[[route]]\npath = 5", ["route 1: path = 5 is no path"]),
    "a path twice": (
        "[[route]]\npath = '/a'\n[[route]]\npath = '/b'\n[[route]]\npath = '/a'",
        ['route 3: path = "/a" has a route already, route 1; leave one of them out'],
    ),
    "an unknown key": (
        "[[route]]\npath = '/a'\nmethod = 'PUT'",
        ['route 1 ("/a"): method is no key'],
    ),
    "a table": ("[route]\npath = '/a'", ["write [[route]]"]),
    "a list of texts": ("route = ['/a']", ["write [[route]]"]),
    "a contract that is not there": (
        "[[route]]\npath = '/a'\ncontract = 'cm-event'",
        ['route 1 ("/a"): contract = "cm-event" cannot be read: No such file'],
    ),
    "a folder for a contract": (
        "[[route]]\npath = '/a'\ncontract = '.'",
        ['route 1 ("/a"): contract = "." cannot be read'],
    ),
    "a contract that is no schema": (
        "[[route]]\npath = '/a'\ncontract = 'hookgate.toml'",
        ['route 1 ("/a"): contract = "hookgate.toml" is no usable schema: no strict JSON'],
    ),
    "two bad routes": (
        "[[route]]\npath = 'a'\n[[route]]\npath = '/b'\ncontract = 'x'",
        ["route 1: path", 'route 2 ("/b"): contract'],
    ),
}


@pytest.mark.parametrize(("content", "words"), ROUTES.values(), ids=ROUTES.keys())
def test_a_bad_route_is_refused_by_its_place(content: str, words: list[str]) -> None:
    """Each problem names the route it is in."""
    found = problems(write(content))
    assert len(found) == len(words)
    for line, expected in zip(found, words, strict=True):
        assert expected in line
        assert line.startswith("hookgate.toml: ")


def test_a_route_names_a_shipped_contract_or_a_file() -> None:
    """And has the text of it; without a contract it is the shipped one."""
    Path("mine.json").write_bytes(b'{"type": "object"}')
    routes = "[[route]]\npath = '/a'\n[[route]]\npath = '/b'\ncontract = 'cm-events-strict'\n"
    routes += "[[route]]\npath = '/c'\ncontract = 'mine.json'\n"
    config = load(write(MINIMAL + routes), None, {})
    assert [(route.path, route.contract, route.contract_text) for route in config.routes] == [
        ("/a", "cm-events", load_contract("cm-events")),
        ("/b", "cm-events-strict", load_contract("cm-events-strict")),
        ("/c", "mine.json", b'{"type": "object"}'),
    ]


@pytest.mark.parametrize(
    "schema",
    [
        b"{",
        b"[]",
        b'{"a":1,"a":2}',
        b'{"$ref":"http://127.0.0.1:9/"}',
        b'{"$ref":"file:///x"}',
        b'{"format":"nope"}',
        b'{"type":"nope"}',
        b'{"$schema":"http://json-schema.org/schema#"}',
    ],
)
def test_a_contract_that_cannot_be_used_is_a_problem(schema: bytes) -> None:
    """Found at start, with the route, the file and one line of why."""
    Path("mine.json").write_bytes(schema)
    line = problem(write("[[route]]\npath = '/a'\ncontract = 'mine.json'"))
    assert 'route 1 ("/a"): contract = "mine.json" is no usable schema: ' in line
    assert not line.endswith(": ")
