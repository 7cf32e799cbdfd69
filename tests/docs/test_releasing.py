"""docs/releasing.md: its commands sign the sums of a release, and find a file that was changed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/releasing.md").read_text()


def said(begin: str) -> str:
    """The page's commands from this one on, to their block's end."""
    (found,) = re.findall(rf"^```sh\n({begin}.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_what_is_signed_is_checked(tmp_path: Path) -> None:
    """By the key whose public half a reader has."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen; apt-get install openssh-client")

    def run(commands: str, folder: Path) -> int:
        return subprocess.run(["sh", "-euc", commands], cwd=folder, capture_output=True).returncode

    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "a.whl").write_text("as released")
    assert run("sha256sum -- * >SHA256SUMS", dist) == 0
    assert run("ssh-keygen -q -t ed25519 -N '' -f release_key", tmp_path) == 0
    assert run(said("ssh-keygen -Y sign"), tmp_path) == 0
    public = " ".join((tmp_path / "release_key.pub").read_text().split()[:2])
    (line,) = re.findall(r"`(releases@\S+ namespaces=\S+) ssh-ed25519 AAAA\.\.\.`", PAGE)
    (dist / "allowed_signers").write_text(f"{line} {public}\n")
    check = said(r"ssh-keygen -Y verify")
    assert run(check, dist) == 0
    (dist / "a.whl").write_text("as changed")
    assert run(check, dist) != 0
    assert run("sha256sum -- *.whl >SHA256SUMS", dist) == 0
    assert run(check, dist) != 0
