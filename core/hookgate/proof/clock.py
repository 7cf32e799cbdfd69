"""How far the clock is believed: nothing is removed by one that runs ahead of what was seen."""

from pathlib import Path

from hookgate.files import replace_file

from .folder import read_whole

_SEEN = ".clock"
# From one run to the next no more than that is believed to have passed.
_MOST = 7 * 86_400


def see(folder: Path, now: int) -> int:
    """Remember that it is `now` by the clock, in seconds since 1970, and return by how many seconds
    it is ahead of what can be believed by the runs before; 0 where it is not. Raises OSError.
    """
    before = _read(folder)
    believed = now if before is None else min(now, before + _MOST)
    replace_file(folder / _SEEN, b"%d\n" % believed)
    return now - believed


def _read(folder: Path) -> int | None:
    """Read what was believed, else when a run last wrote to the folder; None where none did."""
    data = read_whole(folder / _SEEN) or b""
    if data.strip().isdigit() and len(data) < 20:
        return int(data)
    times = [file.stat().st_mtime for file in folder.iterdir() if file.name != ".lock"]
    return int(max(times)) if times else None
