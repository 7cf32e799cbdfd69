"""Folders for what is written: said before anything starts."""

from pathlib import Path

import pytest

from hookgate.config.folders import check_folders
from hookgate.config.layers import gather


@pytest.mark.parametrize("key", ["audit.path", "alarm.state"])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("there/file", ""),
        ("file", ""),
        ("/var/log/hookgate/audit.jsonl", ""),  # the unit makes the folder
        ("nowhere/file", "there is no folder {}/nowhere; make it, or name another"),
        ("/var/logs/hookgate/audit.jsonl", "there is no folder /var/logs/hookgate"),
        ("a-file/file", "{}/a-file is no folder"),
        ("there", "is a folder; name a file in it"),
        ("x" * 300 + "/file", "cannot be looked at"),
    ],
)
def test_a_folder_that_is_not_there_is_told(
    key: str, value: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the whole path of the one that was looked for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "a-file").touch()
    problems = check_folders(gather(None, {key: value}, {}))
    assert bool(problems) == bool(told)
    if told:
        assert problems[0].startswith(f'command line: {key} = "')
        assert told.format(tmp_path) in problems[0]


def test_standard_output_needs_none() -> None:
    assert check_folders(gather(None, {"audit.path": "-"}, {})) == []
