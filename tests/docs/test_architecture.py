"""docs/architecture.md names what there is."""

import re
from pathlib import Path

import pytest

from support.imports import FLOORS, PACKAGES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
DRAWING = re.split(r"^```\n", PAGE, flags=re.MULTILINE)[1]
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
FILES = [s for s in SPANS if re.fullmatch(r"[\w./-]+(?:/|\.(?:py|md|toml|ya?ml|json))", s)]
FOLDERS = [s for s in SPANS if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", s) and s not in FILES]
NAMES = [s for s in SPANS if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)*", s) and s not in FILES]
SOURCES = [f.read_text() for package in PACKAGES for f in (ROOT / package).rglob("*.py")]
WORDS = {word for source in SOURCES for word in re.findall(r"\w+", source)}


@pytest.mark.parametrize("path", [*FILES, *FOLDERS])
def test_every_path_is_there(path: str) -> None:
    """Below the root or, as the page says, a room of the core or the sidecar. NAME is any."""
    inner = ROOT / ("core/hookgate" if "/" in path else "sidecar/hookgate_sidecar")
    assert any(list(base.glob(path.replace("NAME", "*"))) for base in (ROOT, inner))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_in_the_code(name: str) -> None:
    """An attribute is in a file that makes its class."""
    owner, *attributes = name.split(".")
    makers = [s for s in SOURCES if re.search(rf"^class {owner}\b", s, re.MULTILINE)]
    if attributes and makers:
        assert any(re.search(rf"\b{attributes[0]}\b", source) for source in makers)
    else:
        assert WORDS.issuperset((owner, *attributes))


@pytest.mark.parametrize("room", [room for rooms in FLOORS for room in rooms])
def test_the_drawing_has_every_room_on_its_floor(room: str) -> None:
    """The ground floor is the last line; a floor may have lines that go on below it."""
    (floor,) = (number for number, rooms in enumerate(FLOORS, 1) if room in rooms)
    lines = [line for line in DRAWING.splitlines() if line.startswith(f"{floor:2} ")]
    assert re.search(rf"\b{room.rpartition('.')[2]}\b  ", "".join(lines))


def test_the_drawing_has_every_floor_once() -> None:
    floors = re.findall(r"^ ?(\d+) ", DRAWING, re.MULTILINE)
    assert floors == [str(number) for number in range(len(FLOORS), 0, -1)]
