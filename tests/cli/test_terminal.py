"""What is printed for a pipe: lines that end with their last letter, and no name broken."""

from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table

from hookgate_cli.terminal import Terminal
from support import forked
from support.lines import delivery, forward, start, stop, write
from support.replays import Kept, refused

LONG = f"{'folder-' * 30}/{'x' * 64}"


def as_piped(*rows: tuple[str, str]) -> list[str]:
    stream = StringIO()
    table = Table(box=None, show_header=False)
    for row in rows:
        table.add_row(*row)
    terminal = Terminal(file=stream)
    terminal.print(table)
    terminal.print(f"Then: hookgate audit fate {LONG} --log {LONG}")
    return stream.getvalue().splitlines()


def test_off_a_terminal_nothing_is_broken_and_no_line_is_padded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However narrow a terminal is, of which the environment may still tell."""
    monkeypatch.setenv("COLUMNS", "40")
    lines = as_piped(("file", LONG), ("reason", "short"), ("none", ""))
    assert [line.split() for line in lines[:3]] == [["file", LONG], ["reason", "short"], ["none"]]
    assert lines[3] == f"Then: hookgate audit fate {LONG} --log {LONG}"
    assert not [line for line in lines if line != line.rstrip()]


def test_what_is_kept_is_shown_with_a_path_that_can_be_copied(tmp_path: Path) -> None:
    folder = tmp_path / ("a-folder-of-a-long-name-" * 5) / ("and-another-" * 8)
    folder.mkdir(parents=True)
    kept = Kept(folder)
    kept.keep([refused(1)])
    shown = forked.run(["quarantine", "show", sha256(refused(1)).hexdigest()], folder)
    (path,) = [line.split()[1] for line in shown.stdout.splitlines() if line.startswith("file ")]
    assert (folder / path).is_file()
    assert [line for line in shown.stdout.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        "audit stats",
        "audit balance",
        "audit fate r-1 r-2",
        "audit explain b0-1",
        "check a.json",
        "schema show cm-events",
    ],
)
def test_no_table_that_is_piped_has_lines_that_end_in_blanks(
    tmp_path: Path, arguments: str
) -> None:
    name = "client-" * 30
    more = {"reference": "r-1", "client": name}
    write(
        tmp_path / "hookgate-audit.jsonl",
        start(),
        *(line for n in (1, 2) for line in (forward(n, **more), delivery(n, **more))),
        delivery(3, "not_utf8", reference="r-2"),
        stop(3, delivered=2, refused=1),
    )
    (tmp_path / "a.json").write_text("{}")
    shown = forked.run(arguments.split(), tmp_path)
    lines = shown.stdout.splitlines()
    assert len(lines) > 2, shown.stderr
    assert [line for line in lines if line != line.rstrip()] == []
    if "stats" in arguments:
        assert name in shown.stdout
