"""The file of a Unix socket: what is taken over, what is left alone, and what is removed."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hookgate.address import UnixAddress
from hookgate_sidecar.errors import ListenError
from hookgate_sidecar.sockets import listen


def take(path: Path) -> None:
    """Listen there and stop at once."""
    listen("sidecar.listen", UnixAddress(str(path)), 0o600).close()


def test_a_socket_that_somebody_listens_on_is_left_alone(tmp_path: Path) -> None:
    """Even if it does not accept; of another kind too."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        path = tmp_path / f"taken-{kind}.sock"
        with socket.socket(socket.AF_UNIX, kind) as other:
            other.bind(str(path))
            if kind != socket.SOCK_DGRAM:
                other.listen(0)
            for _ in range(4):  # until its backlog is full
                with pytest.raises(ListenError, match="somebody listens there"):
                    take(path)
            assert path.exists()


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    """A file, a folder, and a link to a socket."""
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "stale.sock"))
    (tmp_path / "link").symlink_to(tmp_path / "stale.sock")
    for name in ("file", "folder", "link"):
        with pytest.raises(ListenError, match="something that is no socket"):
            take(tmp_path / name)
    assert (tmp_path / "file").read_text() == "precious"
    assert (tmp_path / "link").is_symlink()


def test_only_one_s_own_file_is_removed(tmp_path: Path) -> None:
    """Somebody who took the name meanwhile keeps it."""
    path = tmp_path / "gate.sock"
    mine = listen("sidecar.listen", UnixAddress(str(path)), 0o600)
    path.unlink()
    others = listen("sidecar.listen", UnixAddress(str(path)), 0o600)
    mine.close()
    assert path.exists()
    others.close()
    assert not path.exists()


def test_of_many_starts_at_once_one_gets_it(tmp_path: Path) -> None:
    """A stale file is taken over once, and never from somebody who has it by now."""
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    code = (
        "import sys, time\n"
        "from hookgate.address import UnixAddress\n"
        "from hookgate_sidecar.errors import ListenError\n"
        "from hookgate_sidecar.sockets import listen\n"
        "sys.stdin.readline()\n"
        f"try: sockets = listen('x', UnixAddress({str(path)!r}), 0o600)\n"
        "except ListenError: print('refused', flush=True)\n"
        "else: print('listens', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    try:
        for start in starts:
            start.stdin.write("\n")  # type: ignore[union-attr]  # a pipe
            start.stdin.flush()  # type: ignore[union-attr]  # a pipe
        told = [start.stdout.readline().strip() for start in starts]  # type: ignore[union-attr]  # a pipe
        assert sorted(told) == ["listens", *["refused"] * 5]
    finally:
        for start in starts:
            start.communicate("\n", timeout=10)
