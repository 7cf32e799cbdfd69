"""The rules file beside one's own schema: what it may be, and what is said of others."""

import os
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.settings import AnswerMode
from support.problems import MINIMAL, problem, problems, write

ROUTE = "[[route]]\npath = '/a'\ncontract = 'own.json'\n"
BESIDE = 'hookgate.toml: route 1 ("/a"): contract = "own.json" has rules beside it, "own.toml": '
RULES = Path("own.toml")


@pytest.fixture(autouse=True)
def own_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.json").write_bytes(b'{"type": "object"}')


def test_a_rules_file_is_read_where_it_is_there() -> None:
    """As editors save it; a shipped contract has its own."""
    routes = ROUTE + "[[route]]\npath = '/b'\ncontract = 'cm-voice'\nanswer = '200'\n"
    file = write(MINIMAL + routes)
    assert load(file, None, {}).routes[0].rules_text == b""
    RULES.write_bytes(b"\xef\xbb\xbfanswer = 'relay'\r\n")
    own, voice = load(file, None, {}).routes
    assert (own.rules_text, own.answer) == (b"answer = 'relay'\r\n", None)
    assert b'answer = "relay"' in voice.rules_text
    assert voice.answer is AnswerMode.OK


@pytest.mark.parametrize("name", ["own", "own.schema", "own.json.json", "OWN.JSON"])
def test_it_has_the_schema_s_name(name: str) -> None:
    """Without `.json`, and with `.toml`."""
    Path(name).write_bytes(b"{}")
    Path(f"{name.removesuffix('.json')}.toml").write_bytes(b"# here\n")
    config = load(write(MINIMAL + ROUTE.replace("own.json", name)), None, {})
    assert config.routes[0].rules_text == b"# here\n"


def test_a_file_that_cannot_be_read_is_told_with_its_own_name() -> None:
    """Never waited for, and never taken for none."""
    file = write(ROUTE)
    RULES.mkdir()
    assert problem(file) == f"{BESIDE}the file cannot be read: it is a folder; name a regular file"
    RULES.rmdir()
    os.mkfifo(RULES)
    assert problem(file) == f"{BESIDE}the file cannot be read: it is a FIFO; name a regular file"
    RULES.unlink()
    RULES.symlink_to("nowhere")
    assert problem(file).startswith(f"{BESIDE}the file cannot be read: No such file")
    RULES.unlink()
    RULES.symlink_to(RULES)
    assert problem(file).startswith(f"{BESIDE}the file cannot be read: ")
    RULES.unlink()
    RULES.write_bytes(b"#" * ((1 << 20) + 1))
    assert "larger than 1 MiB" in problem(file)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_file_in_another_encoding_is_told_how_to_be_saved(encoding: str) -> None:
    """With a mark at its beginning or without."""
    RULES.write_bytes("answer = '200' # \u00e9".encode(encoding))
    assert problem(write(ROUTE)).startswith(BESIDE)
    assert "UTF-8" in problem(write(ROUTE)) or "no TOML" in problem(write(ROUTE))


def test_every_problem_of_schema_and_rules_is_told_at_once() -> None:
    """A line each, with the route that it is of."""
    Path("own.json").write_bytes(b'{"type": "string"}')
    RULES.write_bytes(b"anser = '200'\n[retry]\ntries = 0\nspan = '1h'\n")
    schema, *rules = problems(write("[[route]]\npath = '/'\n" + ROUTE))
    assert schema.startswith(
        'hookgate.toml: route 2 ("/a"): contract = "own.json" is no usable schema'
    )
    assert [line.partition('"own.toml": ')[2].split()[0] for line in rules] == [
        *("anser", "retry.tries"),
    ]
