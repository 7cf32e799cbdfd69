"""docs/mitmproxy.md says what the addon asks of mitmproxy, option by option."""

import re
import shlex
from pathlib import Path

from hookgate_addon.startup import DEAD_UPSTREAM, EMPTY, KEEPING, NEEDS, command_line

PAGE = (Path(__file__).parents[2] / "docs" / "mitmproxy.md").read_text(encoding="utf-8")


def part(mark: str) -> str:
    """What stands between two `<!-- mark -->` comments."""
    match = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", PAGE, re.DOTALL)
    assert match, f"no part {mark}"
    return match[1]


def test_the_table_has_every_option_that_is_required_with_its_value_and_why() -> None:
    """In the order in which a start complains, between the mode and the limit."""
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in part("options").splitlines()
    ]
    mode, *needs, limit = rows[2:]
    assert mode[:2] == ["`mode`", f"`{DEAD_UPSTREAM}`"]
    assert limit[:2] == ["`body_size_limit`", "`request.max_body + 1`"]
    assert needs == [
        [
            f"`{need.option}`",
            "not set" if need.value is None else f"`{str(need.value).lower()}`",
            need.why,
        ]
        for need in NEEDS
    ]


def test_the_page_names_every_option_that_must_not_be_set() -> None:
    """And no other."""
    assert re.findall(r"`(\w+)`", part("unset")) == list(EMPTY)
    assert re.findall(r"`(\w+)`", part("kept")) == list(KEEPING)


def test_the_command_is_the_one_that_runs_with_the_defaults() -> None:
    """What one copies from the page starts."""
    shown = part("command").removeprefix("```sh\n").removesuffix("```\n").replace("\\\n", " ")
    listen = ("127.0.0.1", 8081)
    assert shlex.split(shown) == command_line(1 << 20, listen, "addon/hookgate_script.py")
