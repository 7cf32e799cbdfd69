"""Files that root makes for others."""

import os
from pathlib import Path

import pytest

from hookgate.files import give_to_folders_owner


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_made_goes_to_the_folders_owner(tmp_path: Path) -> None:
    """A link of either kind stays as it is, and so does what belongs to somebody already."""
    folder = tmp_path / "folder"
    folder.mkdir()
    os.chown(folder, 1234, 1235)
    files = {name: folder / name for name in ("made", "theirs", "hard", "soft", "missing")}
    outside = tmp_path / "outside"
    for file in (files["made"], files["theirs"], outside):
        file.touch()
    os.chown(files["theirs"], 4321, 4321)
    files["hard"].hardlink_to(outside)
    files["soft"].symlink_to(outside)
    give_to_folders_owner(*files.values())
    assert [
        (files[name].stat().st_uid, files[name].stat().st_gid) for name in ("made", "theirs")
    ] == [
        (1234, 1235),
        (4321, 4321),
    ]
    assert outside.stat().st_uid == 0
