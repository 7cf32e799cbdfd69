"""The image, built by buildah, without a daemon, on a root of debootstrap in place of its base."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from hookgate import __version__
from support.ports import free_ports
from support.raw import wait_until

ROOT = Path(__file__).parents[2]
PACKAGES = "ca-certificates,python-is-python3,python3,python3-venv"
pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


class Builder:
    """buildah with a store of its own; no process of it stays."""

    def __init__(self, folder: Path) -> None:
        self._command = [
            "buildah",
            "--root",
            str(folder / "root"),
            "--runroot",
            str(folder / "run"),
        ]
        self._command += ["--storage-driver", "vfs"]

    def __call__(self, *arguments: str | Path) -> str:
        done = subprocess.run(
            [*self._command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    for program in ("buildah", "debootstrap"):
        if shutil.which(program) is None or os.getuid() != 0:
            pytest.skip(f"{program} is not here, or not root's: apt-get install {program}")
    return Builder(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def container(buildah: Builder, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A container of the image."""
    folder = tmp_path_factory.mktemp("base")
    root = folder / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "trixie", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # The authorities that this machine trusts, for pip.
    trusted = "etc/ssl/certs/ca-certificates.crt"
    shutil.copyfile(f"/{trusted}", root / trusted)
    (root / "etc/pip.conf").write_text(f"[global]\ncert = /{trusted}\n")
    base = buildah("from", "scratch")
    buildah("copy", "--quiet", base, root, "/")
    buildah("config", "--env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", base)
    buildah("commit", "--quiet", base, "localhost/base")
    built = ("bud", "--isolation", "chroot", "--network", "host", "--format", "docker")
    given = ("--build-arg", "BASE=localhost/base", "--file", "sidecar/deploy/Dockerfile")
    buildah(*built, *given, "--tag", "localhost/hookgate", ".")
    shutil.rmtree(root)
    return buildah("from", "localhost/hookgate")


def test_it_holds_what_the_lock_says_and_nothing_to_build_with(
    buildah: Builder, container: str
) -> None:
    """Seen from inside, as the user that it runs as."""
    look = (
        "import json, os, shutil, importlib.metadata as m\n"
        "print(json.dumps([os.getuid(), {d.name: d.version for d in m.distributions()},"
        " [n for n in ('cc', 'gcc', 'c++', 'ld', 'make', 'pip', 'uv') if shutil.which(n)]]))"
    )
    told = buildah("run", "--isolation", "chroot", container, "--", "python", "-c", look)
    user, there, tools = json.loads(told)
    assert (user, tools) == (10001, [])
    text = (ROOT / "requirements/image.txt").read_text()
    locked = dict(line.split(" ")[0].split("==") for line in text.splitlines() if "==" in line)
    assert there.pop("hookgate") == __version__
    plain = {name.lower().replace("_", "-"): version for name, version in there.items()}
    assert plain.items() == locked.items()


def test_no_cache_and_no_source_is_left_in_it(buildah: Builder, container: str) -> None:
    mounted = Path(buildah("mount", container))
    try:
        for place in ("src", "wheel", "opt/build", "root/.cache", "home/nobody/.cache"):
            assert not (mounted / place).exists()
        assert [*(mounted / "tmp").iterdir(), *(mounted / "var/tmp").iterdir()] == []
        assert oct((mounted / "var/log/hookgate").stat().st_mode & 0o777) == "0o750"
    finally:
        buildah("umount", container)


@contextlib.contextmanager
def served(buildah: Builder, container: str, port: int) -> Iterator[None]:
    """`hookgate serve` in it as its user, who can write to the folder of the ledger alone."""
    mounted = Path(buildah("mount", container))
    script = (
        'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
        ' && mount -t tmpfs -o uid=10001,gid=10001,mode=750 none "$0/var/log/hookgate"'
        ' && exec chroot --userspec=10001:10001 "$0" /opt/hookgate/bin/hookgate serve'
    )
    environment = {
        "HOOKGATE_CONFIG": "/etc/hookgate/hookgate.toml",
        "HOOKGATE_UPSTREAM__URL": "http://127.0.0.1:9",
        "HOOKGATE_SIDECAR__LISTEN": "127.0.0.1:0",
        "HOOKGATE_SIDECAR__ADMIN": f"127.0.0.1:{port}",
    }
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, mounted],
        env={"PATH": os.environ["PATH"], **environment},
    )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0
        buildah("umount", container)


def test_it_serves_with_its_root_read_only(buildah: Builder, container: str) -> None:
    (port,) = free_ports(1)
    with served(buildah, container, port):

        def healthy() -> bool:
            with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz") as got:
                return bool(got.status == 200)
            return False

        assert wait_until(healthy, 60)
