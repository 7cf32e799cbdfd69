"""A hookgate.toml that cannot be read is all that a verb tells of."""

from pathlib import Path

import pytest

from support.calling import Call
from support.lines import start, stop, write

VERBS = [
    ["config", "check"],
    ["config", "show"],
    ["serve"],
    ["mitmdump", "--print"],
    ["nginx", "render"],
    ["check", "event.json"],
    ["ranges", "check", "--source", "nowhere"],
    *(["audit", verb] for verb in ("balance", "verify", "stats", "show", "tail")),
    ["audit", "report", "--html", "report.html"],
    ["audit", "fate", "any"],
    ["audit", "explain", "any"],
    ["audit", "prove", "any", "--anchor", "."],
]
BROKEN = {
    "absent": (None, "cannot be read: No such file or directory"),
    "no TOML": (b"[upstream\n", "is no TOML: "),
    "UTF-16": ('[audit]\npath = "other.jsonl"\n'.encode("utf-16"), "is UTF-16; save it as UTF-8"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_nothing_is_said_but_that_the_file_cannot_be_read(
    call: Call, verb: list[str], broken: tuple[bytes | None, str]
) -> None:
    """Not that an upstream is missing, and no other ledger is read than the one that it names."""
    content, words = broken
    if content is not None:
        Path("gate.toml").write_bytes(content)
    write(Path("hookgate-audit.jsonl"), start(), stop(0))
    Path("event.json").write_text("{}")
    result = call(*verb, "--config", "gate.toml")
    assert (result.status, result.out) == (2, "")
    [line] = result.err.splitlines()
    assert line.startswith(f"hookgate: gate.toml {words}")


def test_a_file_that_windows_saved_is_read(call: Call) -> None:
    """With a byte order mark, and CRLF."""
    text = "\ufeff[upstream]\r\nurl = 'http://127.0.0.1:1'\r\n"
    Path("hookgate.toml").write_bytes(text.encode())
    assert call("config", "check").status == 0
