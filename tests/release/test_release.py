"""`make release` makes the same bytes whatever is configured where it runs, or says why not."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate import __version__

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TAG = f"v{__version__}"
NAMES = {"GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"}
# What changes the files that git gives out, and what it prints.
HOSTILE = """
[core]
autocrlf = true
attributesFile = {attributes}
[log]
showSignature = true
[color]
ui = always
[tar]
umask = 0077
[gpg "ssh"]
allowedSignersFile = /dev/null
"""


class Clone:
    """A repository of these sources, ready to be released; what the tests lack is stood in for."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "a clone's tree"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            **dict.fromkeys(NAMES, "releases@example.com"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_COMMITTER_DATE": "2026-01-31T12:00:00Z",
        }
        self.tools = folder / "tools"
        self.tools.mkdir()
        for name, script in {"uv": "exit 0", "python": "echo {}"}.items():
            (self.tools / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.tools / name).chmod(0o755)
        self.environment["PATH"] = f"{self.tools}:{BIN}:{os.environ['PATH']}"

    def copied(self, folder: Path) -> "Clone":
        copy = Clone(folder)
        shutil.copytree(self.tree, copy.tree)
        return copy

    def run(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.tree, env={**self.environment, **environment}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    def git(self, *arguments: str | Path) -> None:
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stderr

    def release(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("release/release.sh", sys.executable, **environment)

    def made(self) -> dict[str, bytes]:
        files = filter(Path.is_file, (self.tree / "dist").iterdir())
        return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """With a commit that is signed, and its tag."""
    if not (ROOT / ".git").exists():
        pytest.skip("these sources are of no clone")
    clone = Clone(tmp_path_factory.mktemp("clone"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().strip("\0").split("\0"):
        if (ROOT / name).is_file():
            (clone.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone.tree / name)
    log = clone.tree / "CHANGELOG.md"
    before, _, rest = log.read_text().partition("\n## ")
    log.write_text(f"{before}\n## {__version__} (2026-01-31)\n{rest.partition(chr(10))[2]}")
    key = clone.tree.parent / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    clone.git("init", "--quiet", "--template=")
    clone.git("config", "gpg.format", "ssh")
    clone.git("config", "user.signingKey", key)
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--gpg-sign", "--message", "A version")
    clone.git("tag", "--sign", TAG, "--message", "x")
    return clone


def test_git_and_the_shell_s_settings_change_no_byte(clone: Clone) -> None:
    """Line ends, attributes, signatures that are shown, a locale, a time zone and a umask."""
    done = clone.release()
    assert done.returncode == 0, done.stderr
    first = clone.made()
    assert first["SHA256SUMS"].count(b"\n") == len(first) - 1 == 5
    with zipfile.ZipFile(next((clone.tree / "dist").glob("*.whl"))) as wheel:
        assert {entry.date_time for entry in wheel.infolist()} == {(2026, 1, 31, 12, 0, 0)}
    attributes = clone.tree.parent / "attributes"
    attributes.write_text("*.md export-ignore\n*.py ident export-subst\nLICENSE text eol=crlf\n")
    config = clone.tree.parent / "config"
    config.write_text(HOSTILE.format(attributes=attributes))
    clone.git("tag", "--annotate", "another", "--message", "x")
    previous = os.umask(0o077)
    try:
        done = clone.release(
            GIT_CONFIG_GLOBAL=str(config), TZ="Pacific/Kiritimati", LC_ALL="C.UTF-8", COLUMNS="40",
            FORCE_COLOR="1", HOOKGATE_UPSTREAM__URL="http://127.0.0.1:1",
        )  # fmt: skip
    finally:
        os.umask(previous)
        clone.git("tag", "--delete", "another")
    assert done.returncode == 0, done.stderr
    assert clone.made() == first


def test_what_else_was_made_stays(clone: Clone) -> None:
    """But for a signature of earlier sums, which would fit no more."""
    kept, signature = clone.tree / "dist/wheelhouse/a.whl", clone.tree / "dist/SHA256SUMS.sig"
    kept.parent.mkdir(parents=True)
    kept.touch()
    signature.touch()
    assert clone.release().returncode == 0
    assert (kept.exists(), signature.exists()) == (True, False)


def beside(clone: Clone) -> None:
    (clone.tree / "stray.py").write_text("")


def untagged(clone: Clone) -> None:
    clone.git("tag", "--delete", TAG)


def of_another_version(clone: Clone) -> None:
    (clone.tree / "core/hookgate/__init__.py").write_text('__version__ = "9.9.9"\n')
    clone.git("commit", "--quiet", "--all", "--message", "Another version")


def behind(clone: Clone) -> None:
    (clone.tools / "uv").write_text("#!/bin/sh\nexit 1\n")


def no_clone(clone: Clone) -> None:
    shutil.rmtree(clone.tree / ".git")


def in_another_s_clone(clone: Clone) -> None:
    shutil.move(clone.tree / ".git", clone.tree.parent)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (beside, "what is not committed would be left out"),
        (untagged, f"this commit has no tag {TAG}"),
        (of_another_version, "which is not '9.9.9 (DATE)'"),
        (behind, "uv.lock is behind pyproject.toml"),
        (no_clone, "not a git repository"),
        (in_another_s_clone, "of another clone"),
    ],
)
def test_what_is_not_ready_is_refused_by_name(
    clone: Clone, tmp_path: Path, change: Callable[[Clone], None], words: str
) -> None:
    """And what was made before is still there."""
    copy = clone.copied(tmp_path)
    change(copy)
    (copy.tree / "dist").mkdir(exist_ok=True)
    (copy.tree / "dist/earlier").touch()
    done = copy.release()
    assert (done.returncode != 0, words in done.stderr) == (True, True), done.stderr
    assert (copy.tree / "dist/earlier").exists()
