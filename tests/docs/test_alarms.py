"""What docs/alarms.md says of channels is so."""

import json
import re
import tomllib
from pathlib import Path

from hookgate.alarm_settings import ChannelKind
from hookgate.alarms.channels.channel import MOST_WAITING, Patience
from hookgate.alarms.channels.formats.document import to_document
from hookgate.config.build import load
from support.notices import notice
from support.problems import MINIMAL

PAGE = (Path(__file__).parents[2] / "docs/alarms.md").read_text()


def test_the_example_loads(tmp_path: Path) -> None:
    """With a channel of each kind that it shows."""
    match = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert match
    file = tmp_path / "hookgate.toml"
    file.write_text(MINIMAL + match[1])
    kinds = [str(channel.kind) for channel in load(str(file), None, {}).channels]
    assert kinds == [each["kind"] for each in tomllib.loads(match[1])["alarm"]["channel"]]


def test_each_kind_has_its_row() -> None:
    """In the order of the key."""
    match = re.search(r"<!-- channels -->\n(.*?)<!-- /channels -->", PAGE, re.DOTALL)
    assert match
    rows = re.findall(r"^\| `(\w+)` \|", match[1], re.MULTILINE)
    assert rows == list(ChannelKind)


def test_the_json_that_is_shown_is_what_is_sent() -> None:
    """Member by member."""
    match = re.search(r"<!-- notice -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    assert match
    assert list(json.loads(match[1]).items()) == list(to_document(notice()).items())


def test_the_bounds_are_those_of_the_code() -> None:
    """How long is tried, and how much may wait."""
    patience = Patience()
    text = " ".join(PAGE.split())
    assert f"A try has {patience.deadline:.0f} s" in text
    assert f"until the notice is {patience.give_up / 60:.0f} minutes old" in text
    assert f"Up to {MOST_WAITING} notices wait" in text
    assert patience.lasting == 2.5 * 3600
    assert patience.longest_pause == patience.again == 60
