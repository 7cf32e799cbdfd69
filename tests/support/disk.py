"""A small disk of one's own, to be filled and emptied."""

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_BALLAST = "ballast"


@contextlib.contextmanager
def small_disk(folder: Path, size: int = 256 * 1024) -> Iterator[Path]:
    """A tmpfs of `size` bytes, gone afterwards; skips where none can be mounted."""
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("no mount command, so no disk that can be filled")
    folder.mkdir()
    options = f"size={size},mode=700"
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "hookgate-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def image_disk(image: Path, folder: Path) -> Iterator[Path]:
    """The ext4 in an image, which is made if it is not there; skips where none can be mounted.

    A copy of the image is what a power cut would leave in that moment.
    """
    mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if mkfs is None:
        pytest.skip("no mkfs.ext4; apt-get install e2fsprogs")
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(8 << 20)
        subprocess.run([mkfs, "-q", "-F", str(image)], check=True)
    folder.mkdir()
    command = ["mount", "-o", "loop", str(image), str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no image can be mounted: {mounted.stderr.strip()}")
    try:
        folder.chmod(0o700)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> None:
    """Take all the space, but for `leave` bytes."""
    with (folder / _BALLAST).open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        if leave:
            file.truncate(file.tell() - leave)


def free(folder: Path) -> None:
    """Give the space back."""
    (folder / _BALLAST).unlink()


# For a process of its own, whose ledger is "-".
FULL_STDOUT = "import os\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"


@contextlib.contextmanager
def full_stdout() -> Iterator[None]:
    """Standard output is a device that is always full, until the end of the block."""
    kept, full = os.dup(1), os.open("/dev/full", os.O_WRONLY)
    try:
        os.dup2(full, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(full)
