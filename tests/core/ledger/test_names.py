"""What the parts of one ledger are called."""

from pathlib import Path

import pytest

from hookgate.ledger.names import is_part, replay_ledger
from hookgate.ledger.reading.files import find_files


@pytest.mark.parametrize("name", ["audit.jsonl", "audit.log", "audit", "a[b].v2.jsonl"])
def test_a_ledger_of_replays_is_found_beside_the_gate_s(name: str, tmp_path: Path) -> None:
    """Under whatever name `audit.path` has, and nothing else is."""
    path = tmp_path / name
    replays = replay_ledger(path)
    assert replays.parent == tmp_path
    for file in (path, replays, replays.with_name(f"{replays.name}.1.gz")):
        file.touch()
    assert len(find_files(path)) == 3
    assert is_part(path.name, path)
    assert is_part(replays.name, path)
    assert not is_part(f"{replays.name}.1.gz", path)
    assert not is_part(f"other.{name}", path)
