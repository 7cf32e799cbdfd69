"""docs/fleet.md tells of all that hookgate says of a fleet."""

import re
from pathlib import Path

from hookgate.config.keys import KEYS
from hookgate.fleet import status

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/fleet.md").read_text()


def test_each_finding_and_event_is_told() -> None:
    """In a table's row, and no other is."""
    told = set(
        re.findall(r"`([a-z_.]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)))
    )
    source = Path(str(status.__file__)).read_text()
    kinds = {*re.findall(r'Finding\(\s*row\.gate,\s*"(\w+)"', source), *status.TEXTS}
    assert len(kinds) == 7
    files = [*(ROOT / "core/hookgate/fleet").glob("*.py"), ROOT / "cli/hookgate_cli/ship.py"]
    events = set(re.findall(r'"(ship\.\w+)"', "\n".join(file.read_text() for file in files)))
    events.add("ship.ended")  # of serve --ship
    assert told - {"shipping"} == kinds | events


def test_the_section_is_one() -> None:
    """Its keys are those that there are."""
    (section,) = re.findall(r"<!-- section -->\n```toml\n(.*?)```", PAGE, re.DOTALL)
    names = re.findall(r"^(\w+) =", section, re.MULTILINE)
    assert names == [key.name for key in KEYS if key.section == "fleet"]
