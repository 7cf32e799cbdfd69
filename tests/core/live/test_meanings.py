"""Each reason, and each cause of the endpoint, has words for who reads it in a list."""

import re
from pathlib import Path

from hookgate.live.meanings import MEANINGS, meaning_of
from hookgate.policy import Reason
from hookgate.upstream.error import UpstreamError


def test_every_reason_has_a_meaning_and_a_first_step() -> None:
    assert set(MEANINGS) == set(Reason)
    assert [r for r, m in MEANINGS.items() if not m.first] == [Reason.CLEAN]


def test_the_endpoints_causes_are_told_in_their_own_words() -> None:
    for error in UpstreamError:
        meaning = meaning_of("upstream_unreachable", error.word)
        assert meaning is not None
        assert meaning.means == error.means.replace("`", "")


def test_a_word_of_another_version_has_none() -> None:
    assert meaning_of("of_the_future") is None


def test_the_keys_and_commands_that_are_named_exist() -> None:
    """What is told to be done can be done."""
    docs = Path(__file__).parents[3] / "docs"
    known = "".join(page.read_text() for page in docs.glob("*.md"))
    named = re.findall(r"\b(?:source|request|sidecar|signature|upstream)\.[a-z_]+", str(MEANINGS))
    assert named
    assert [name for name in named if name.partition(".")[2] not in known] == []
