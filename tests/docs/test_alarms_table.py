"""docs/alarms.md has each alarm with its default, its severity, and a section."""

import json
import re
from pathlib import Path

from hookgate.alarms.conditions.lost import _MOST
from hookgate.alarms.observing.ledgers import READ_BACK
from hookgate.alarms.observing.observer import _SLOW_SECONDS
from hookgate.config.keys import KEYS
from support.watching import CONDITIONS

PAGE = (Path(__file__).parents[2] / "docs/alarms.md").read_text()
SOURCES = "".join(
    file.read_text() for file in (Path(__file__).parents[2] / "core/hookgate/alarms").glob("*.py")
)


def test_each_alarm_has_its_row_in_order() -> None:
    (table,) = re.findall(r"<!-- alarms -->\n(.*)<!-- /alarms -->", PAGE, re.DOTALL)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    defaults = {key.name: json.dumps(key.default) for key in KEYS if key.section == "alarm"}
    assert [row[:2] for row in rows] == [
        [f"[`{name}`](#{name})", f"`{defaults[name]}`"] for name in CONDITIONS
    ]
    for name, _, severity, _ in rows:
        word = name.split("`")[1]
        told = re.search(rf'"{word}",\s*Severity\.(\w+)', SOURCES)
        assert told is None or told[1].lower() == severity, word


def test_each_alarm_has_its_section_in_order() -> None:
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)[: len(CONDITIONS)] == CONDITIONS


def test_the_figures_are_those_of_the_code() -> None:
    assert f"the last {READ_BACK >> 20} MiB of each file" in PAGE
    assert f"follows {_MOST:,} undelivered events" in " ".join(PAGE.split())
    assert f"every {_SLOW_SECONDS / 60:.0f} minutes" in PAGE
