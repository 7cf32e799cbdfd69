"""Room: on the disks of ledger and quarantine, and descriptors."""

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from hookgate.ledger.reading.parsing import parse, timestamp
from hookgate.paths import is_folder, is_there
from hookgate_sidecar.descriptors import needed
from hookgate_sidecar.shares import share

from .check import Finding, look, wrong
from .scene import Scene

_DAY = 86_400.0
_SOON_DAYS, _NOW_DAYS = 14.0, 2.0
# Where a ledger's own rate says nothing.
_LITTLE_BYTES, _LITTLE_INODES = 256 << 20, 1_000
# A rate of less than this time is chance.
_SHORTEST = 600.0
_MIB = 1 << 20
_MOST_TAIL = 4 * _MIB


def ledger_disk(scene: Scene) -> Iterator[Finding]:
    """How long there is room for the ledger, as fast as it grows now."""
    path = scene.ledger
    if path is None or not is_folder(path.parent):
        return
    disk = os.statvfs(path.parent)
    free = disk.f_bavail * disk.f_frsize
    mend = (
        f"free room on the disk of {path.parent}, keep fewer rotated ledgers (rotate, in "
        "/etc/logrotate.d/hookgate), or move audit.path to a larger disk"
    )
    rate = sum(_rate(file) for file in scene.ledgers)
    if rate:
        days = free / rate / _DAY
        if days < _SOON_DAYS:
            make = wrong if days < _NOW_DAYS else look
            yield make(
                f"the ledger's disk has {free // _MIB} MiB left, which is {days:.1f} days at the "
                f"{rate * _DAY / _MIB:.0f} MiB a day that the ledger grows now; when it is full, "
                "every event is answered 503",
                mend,
            )
            return
    if free < _LITTLE_BYTES:
        make = wrong if free < _MIB else look
        yield make(
            f"the ledger's disk has {free // _MIB} MiB left; when it is full, every event is "
            "answered 503",
            mend,
        )
    if disk.f_files and disk.f_favail < _LITTLE_INODES:
        yield look(
            f"the ledger's file system has {disk.f_favail} inodes left; without one no rotation "
            "can begin a file",
            f"delete files that nobody needs on the file system of {path.parent}",
        )


def quarantine_disk(scene: Scene) -> Iterator[Finding]:
    """Whether the quarantine has the room that it may take."""
    settings = scene.settings.quarantine
    path = Path(settings.path).absolute()
    folder = path if is_folder(path) else path.parent
    if not settings.path or not is_folder(folder):
        return
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < settings.max_bytes // 2:
        yield look(
            f"the quarantine may take {settings.max_bytes // _MIB} MiB (quarantine.max_bytes), and "
            f"its disk has {free // _MIB} MiB left",
            f"give it a disk of its own, or write below [quarantine] in {scene.named_file}: "
            f'max_bytes = "{max(1, free // 2 // _MIB)}MiB"',
        )
    # An item and its record.
    if disk.f_files and disk.f_favail < 2 * settings.max_items:
        yield look(
            f"the quarantine may hold {settings.max_items} items (quarantine.max_items), of two "
            f"files each, and its file system has {disk.f_favail} inodes left",
            f"write below [quarantine] in {scene.named_file}: "
            f"max_items = {max(1, disk.f_favail // 4)}",
        )


def _rate(file: Path) -> float:
    """Bytes a second that a file got of late; 0.0 where that is not known.

    Of the last MiBs; the first lines of them may be a burst of long ago.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = max(0, size - _MOST_TAIL)
        stream.seek(start)
        lines = stream.read(_MOST_TAIL).splitlines()
    records = (parse(line) for line in (lines[1:] if start else lines)[:50])
    began = next((timestamp(record) for record in records if record is not None), 0.0)
    elapsed = time.time() - began
    return (size - start) / elapsed if began and elapsed >= _SHORTEST else 0.0


def descriptors(scene: Scene) -> Iterator[Finding]:
    """Whether the connections that are configured fit into the descriptors that it may open."""
    settings = scene.settings
    config = share(settings, 1) if settings.sidecar.workers > 1 else settings
    wanted = needed(config)
    unit = scene.units / "hookgate.service"
    for listener in scene.listening.at(settings.sidecar.listen):
        if listener.pid is not None and listener.is_hookgate:
            limit, where = _limit_of(listener.pid), f"the gate that runs (process {listener.pid})"
            break
    else:
        if is_there(unit):
            return  # its LimitNOFILE is looked at with the unit
        limit, where = resource.getrlimit(resource.RLIMIT_NOFILE)[1], "who is started from here"
    if limit != resource.RLIM_INFINITY and limit < wanted:
        yield look(
            f"the connections that are configured take {wanted} descriptors, and {where} may open "
            f"{limit}: it takes fewer connections",
            f"LimitNOFILE={wanted} in the unit, and a restart; or, in the shell that starts it:",
            f"ulimit -n {wanted}",
        )


def _limit_of(pid: int) -> int:
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    row = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    hard = row.split()[4]
    return resource.RLIM_INFINITY if hard == "unlimited" else int(hard)
