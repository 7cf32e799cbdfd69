"""A mistake on the command line is one line, in the style of every other error."""

import pytest

from hookgate_cli.keys import Purpose
from support.calling import Call

# What is typed, and what is said of it.
MISTAKES = {
    "serv": "there is no verb serv; did you mean serve?",
    "audit shwo": "audit: there is no verb shwo; did you mean show?",
    "--versio": "there is no option --versio; did you mean --version?",
    "audit show --sinc=1": "audit show: there is no option --sinc; did you mean --since?",
    "serve --nonsense": "serve: there is no option --nonsense; did you mean --observe?",
    "schema list --zzz": "schema list: there is no option --zzz; there are --help, -h",
    "serve --upstream": "option '--upstream' requires an argument",
    "watch --once=3": "option '--once' does not take a value",
    "serve extra": "serve: got unexpected extra argument(s) (extra)"
    "; hookgate serve --help says what it takes",
    "send": "send: missing argument 'url'; hookgate send --help says what it takes",
    "audit report": "audit report: missing option '--html'"
    "; hookgate audit report --help says what it takes",
    "keys new foo file": "keys new: invalid value for 'purpose': 'foo' is not one of "
    f"{', '.join(repr(each.value) for each in Purpose)}"
    "; hookgate keys new --help says what it takes",
    "audit tail -n -4": "audit tail: invalid value for '--lines' / '-n': Input should be greater"
    " than or equal to 0; hookgate audit tail --help says what it takes",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line_with_the_nearest_right_word(call: Call, line: str) -> None:
    """On stderr, with status 2."""
    said = call(*line.split())
    assert (said.status, said.out, said.err) == (2, "", f"hookgate: {MISTAKES[line]}\n")


@pytest.mark.parametrize("where", [[], ["audit"], ["audit", "show"]], ids=" ".join)
@pytest.mark.parametrize("name", ["\x1b[31m\n", "--\x1b[31m\n", "-\x9b", "[red]", "'\"\\"])
def test_what_was_typed_cannot_begin_a_line_or_move_a_cursor(
    call: Call, where: list[str], name: str
) -> None:
    """It is shown escaped."""
    said = call(*where, name)
    assert len(said.err.splitlines()) == 1
    assert said.err.rstrip("\n").isprintable()


@pytest.mark.parametrize("group", [[], ["audit"], ["config"]], ids=" ".join)
def test_a_group_alone_shows_its_verbs(call: Call, group: list[str]) -> None:
    """With status 2, and without an error."""
    said = call(*group)
    assert (said.status, said.err) == (2, "")
    assert "Commands" in said.out
