"""SECURITY.md names tests: they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_test_that_holds_a_promise_exists() -> None:
    """By its path, or by its name alone where one file has it."""
    page = (ROOT / "SECURITY.md").read_text()
    named = re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py|tests/\w+)`", page)
    assert len(named) > 20
    for name in named:
        found = [ROOT / name] if "/" in name else list((ROOT / "tests").rglob(name))
        assert [path.exists() for path in found] == [True], name
