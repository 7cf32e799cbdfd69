"""What the bench needs: programs, libraries of the contenders, facts about the machine."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .contenders.contender import HERE, TOOLS, Contender
from .contenders.programs import find_program, first_line

# The Debian package of each program.
PACKAGES = {
    "wrk": "wrk",
    "setpriv": "util-linux",
    "taskset": "util-linux",
    "nginx": "nginx-light",
    "caddy": "caddy",
    "haproxy": "haproxy",
    "node": "nodejs",
    "npm": "npm",
}
# The load generator, the upstream, and what pins them.
ALWAYS = ("wrk", "setpriv", "taskset", "nginx")


def install(contenders: Iterable[Contender]) -> None:
    """Install what the contenders need and is missing; exit and name it where that fails."""
    chosen = list(contenders)
    needs = {*ALWAYS, *(need for contender in chosen for need in contender.needs)}
    _install_programs(sorted(need for need in needs if not _is_here(need)))
    keys = {contender.key for contender in chosen}
    if "fastify" in keys:
        _once(HERE / "package.json", TOOLS / "node_modules", _install_node)
    if keys & {"fastapi", "aiohttp"}:
        _once(HERE / "requirements.txt", TOOLS / "venv", _install_python)


def machine() -> dict[str, Any]:
    """Describe the machine, as far as figures depend on it."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "system": next(
            (
                line.partition("=")[2].strip('"')
                for line in Path("/etc/os-release").read_text().splitlines()
                if line.startswith("PRETTY_NAME")
            ),
            platform.system(),
        ),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "load_average": os.getloadavg()[0],
    }


def versions(contenders: Iterable[Contender]) -> dict[str, str]:
    """Return the version of each contender by its key, of wrk and of the upstream."""
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split()
    upstream = first_line(find_program("nginx"), "-v").removeprefix("nginx version: ")
    found = {contender.key: contender.version() for contender in contenders}
    return {**found, "wrk": wrk[1], "upstream": upstream}


def _is_here(name: str) -> bool:
    return shutil.which(find_program(name)) is not None


def _install_programs(missing: list[str]) -> None:
    if not missing:
        return
    packages = sorted({PACKAGES[name] for name in missing})
    wanted = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"bench: {', '.join(missing)} missing; install: sudo apt-get install {wanted}")
    print(f"Installing {wanted} with apt-get", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"bench: apt-get {' '.join(arguments)} failed: {done.stderr.strip()}")


def _once(pins: Path, folder: Path, do: Callable[[Path, Path], None]) -> None:
    """Install into a folder, unless it was made with these pins and this Python."""
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    stamp = TOOLS / f"{folder.name}.sha256"
    if folder.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    print(f"Installing what {pins.name} names", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    TOOLS.mkdir(exist_ok=True)
    do(pins, folder)
    stamp.write_text(digest)


def _install_node(pins: Path, folder: Path) -> None:
    shutil.copy(pins, TOOLS)
    subprocess.run(
        ["npm", "install", "--prefix", str(folder.parent), "--no-package-lock", "--omit=dev",
         "--no-audit", "--no-fund", "--silent"],
        check=True,
    )  # fmt: skip


def _install_python(pins: Path, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run([*pip, "install", "-r", str(pins)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: pip failed: {done.stderr.strip()}")
