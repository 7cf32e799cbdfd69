"""What is drawn once, for a pipe or a plain terminal."""

from hookgate.live.gate import Gate
from hookgate.live.picture import make_picture
from hookgate_cli.top.screen import draw, draw_once
from hookgate_cli.top.view import View
from support.answers import Site

PIPE = 1 << 16


def test_of_a_pipe_nothing_is_broken_or_padded() -> None:
    """However long a name or a command is; what is drawn stays as wide as a page."""
    path, name = "/" + "p" * 150, "r" * 100
    gate, site = Gate("g"), Site()
    for _ in range(3):
        site.end("failed", "upstream_timeout", 1, error="timeout_answer", route="cm-status")
        site.end("refused", "path_not_routed", path=path, request_id=name)
        gate.note(site.now(), site.at)
    picture = make_picture([gate], site.at)
    lines = [line.plain for line in draw_once(picture, PIPE)]
    assert any(path in line and line.endswith(name) for line in lines)
    for cause in picture["causes"]:
        assert any(line.endswith(f"{cause['what']} {cause['first']}".rstrip()) for line in lines)
    assert len(lines[0]) == 120
    assert lines == [line.rstrip() for line in lines]


def test_a_gate_that_does_not_answer_is_not_called_clear() -> None:
    gate, view = Gate("g"), View()
    gate.note("Connection refused", 0.0)
    picture = make_picture([gate], 0.0)
    for lines in (draw(picture, view, 60, 40), draw_once(picture, 120), draw_once(picture, PIPE)):
        text = " ".join(" ".join(line.plain for line in lines).split())
        assert "Nothing" not in text
        assert "There, hookgate audit balance tells." in text
    assert not [line for line in draw_once(picture, PIPE) if line.plain != line.plain.rstrip()]
