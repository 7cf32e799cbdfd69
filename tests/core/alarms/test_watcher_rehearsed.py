"""What is told of a provider that moves, and of a day of scanners, by the gate's own lines."""

from pathlib import Path

from support.ledger import Record
from support.rehearsal import ALLOWED, MOVED, Rehearsal, lines, listen, provider, rehearse
from support.watching import DAY, MINUTE, Scene


def while_it_ran(folder: Path) -> list[Record]:
    """What the gate wrote before its stop."""
    return [record for record in lines(folder) if record["event"] != "stop"]


def test_a_provider_that_moves_raises_an_alarm_within_ten_minutes(tmp_path: Path) -> None:
    """And nothing else does."""

    def move(played: Rehearsal) -> None:
        played.admit(provider(ALLOWED))
        played.knock(provider(MOVED))
        played.at(played.now + 5 * MINUTE)
        played.knock(provider(MOVED))

    rehearse(tmp_path, move)
    scene = Scene()
    scene.feed(*while_it_ran(tmp_path))
    assert scene.after(5.0) == ["near"]
    assert scene.after(DAY) == ["-near"]


def test_a_day_of_scanners_raises_none(tmp_path: Path) -> None:
    """Thousands of refusals, by lines of their own and in sums."""
    rehearse(tmp_path, listen)
    written = while_it_ran(tmp_path)
    scene = Scene()
    told = []
    for at in range(0, len(written), 50):
        scene.feed(*written[at : at + 50])
        told += scene.after(DAY / (len(written) / 50))
    assert told == []
