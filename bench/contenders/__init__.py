"""The contenders: how each is started, and what of the job it leaves out.

The job: four source ranges (127.0.0.1 and CM.com's), POST, application/json, the `cm-events`
contract, a JSON line a request in a file, and the event sent on over connections that are kept.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TOOLS = HERE.parent / ".tools"
OWN = ("31.169.56.0/21", "85.119.48.0/21", "188.94.184.0/22")


class Site(NamedTuple):
    """Where a contender runs: a folder of its own, ports on 127.0.0.1, whom it lets in."""

    folder: Path
    port: int
    upstream: int
    ranges: tuple[str, ...]

    def write(self, name: str, text: str) -> Path:
        """A file in its folder."""
        file = self.folder / name
        file.write_text(text)
        return file

    def fill(self, template: str, **values: object) -> str:
        """One of the files here, with @NAME@ replaced."""
        text = (HERE / template).read_text()
        known = {"FOLDER": self.folder, "PORT": self.port, "UPSTREAM": self.upstream, **values}
        for name, value in known.items():
            text = text.replace(f"@{name}@", str(value))
        return text


class Command(NamedTuple):
    """What to start."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = {}


@dataclass(frozen=True)
class Contender:
    """Who is measured. `needs` are programs, `leaves_out` is what it does not do of the job.

    `judges_body` tells those that parse the event and hold it against the contract. `is_slow` sets
    aside those that are no measure for the others.
    """

    key: str
    name: str
    leaves_out: str
    prepare: Callable[[Site], Command]
    version: Callable[[], str]
    needs: tuple[str, ...] = ()
    judges_body: bool = field(default=True, kw_only=True)
    is_slow: bool = field(default=False, kw_only=True)


def program(name: str) -> str:
    """Where it is; Debian keeps some in /usr/sbin. Its bare name if it is nowhere."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or name


def said(*command: str) -> str:
    """The first line that the command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0]


def _beside(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _hookgate(site: Site) -> dict[str, str]:
    settings = {
        "HOOKGATE_UPSTREAM__URL": f"http://127.0.0.1:{site.upstream}",
        "HOOKGATE_SIDECAR__LISTEN": f"127.0.0.1:{site.port}",
        "HOOKGATE_AUDIT__PATH": str(site.folder / "audit.jsonl"),
        # The largest event here holds 54,000; the others judge as many.
        "HOOKGATE_REQUEST__MAX_VALUES": "100000",
    }
    if others := [item for item in site.ranges if item not in OWN]:
        ranges = site.write("ranges.txt", "\n".join(others) + "\n")
        settings["HOOKGATE_SOURCE__ALLOW_FILE"] = str(ranges)
    return settings


def serve(site: Site) -> Command:
    return Command((_beside("hookgate"), "serve"), _hookgate(site))


def addon(site: Site) -> Command:
    return Command((_beside("hookgate"), "mitmdump"), _hookgate(site))


def mitmdump(site: Site) -> Command:
    return Command(
        (_beside("mitmdump"), "--mode", f"reverse:http://127.0.0.1:{site.upstream}",
         "--listen-host", "127.0.0.1", "--listen-port", str(site.port),
         "--set", "flow_detail=0", "--set", "termlog_verbosity=warn",
         "--set", f"confdir={site.folder}")
    )  # fmt: skip


def nginx(site: Site, server: str) -> Command:
    config = site.write("nginx.conf", site.fill("nginx.conf", HTTP=site.fill(server)))
    return Command((program("nginx"), "-e", str(site.folder / "error.log"), "-c", str(config)))


def nginx_allow(site: Site) -> Command:
    site.write("allow.conf", "".join(f"allow {item};\n" for item in site.ranges))
    return nginx(site, "nginx-allow.conf")


def nginx_hookgate(site: Site) -> Command:
    subprocess.run(
        [_beside("hookgate"), "nginx", "render", "--out", str(site.folder / "rendered"),
         "--log", str(site.folder / "audit.jsonl")],
        env={**os.environ, **_hookgate(site)}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return nginx(site, "nginx-hookgate.conf")


def haproxy(site: Site) -> Command:
    ranges = site.write("ranges.txt", "\n".join(site.ranges) + "\n")
    config = site.write("haproxy.cfg", site.fill("haproxy.cfg", RANGES=ranges))
    return Command((program("haproxy"), "-db", "-f", str(config)))


def caddy(site: Site) -> Command:
    log = site.folder / "audit.jsonl"
    filled = site.fill("Caddyfile", LOG=log, RANGES_INLINE=" ".join(site.ranges))
    config = site.write("Caddyfile", filled)
    return Command(
        (program("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"),
        {"GOMAXPROCS": "1", "HOME": str(site.folder)},
    )


def _app(site: Site) -> dict[str, str]:
    schema = files("hookgate").joinpath("contracts", "cm-events.json").read_text()
    return {
        "PORT": str(site.port),
        "UPSTREAM": str(site.upstream),
        "LOG": str(site.folder / "audit.jsonl"),
        "SCHEMA": str(site.write("schema.json", schema)),
        "RANGES": str(site.write("ranges.txt", "\n".join(site.ranges) + "\n")),
    }


def fastify(site: Site) -> Command:
    return Command(
        (program("node"), str(HERE / "fastify.cjs")),
        {**_app(site), "NODE_ENV": "production", "NODE_PATH": str(TOOLS / "node_modules")},
    )


def fastapi(site: Site) -> Command:
    return Command(
        (str(TOOLS / "venv" / "bin" / "uvicorn"), "--app-dir", str(HERE), "fastapi_app:app",
         "--host", "127.0.0.1", "--port", str(site.port), "--workers", "1",
         "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
        _app(site),
    )  # fmt: skip


def aiohttp(site: Site) -> Command:
    return Command(
        (str(TOOLS / "venv" / "bin" / "python"), str(HERE / "aiohttp_app.py")), _app(site)
    )


def _node_versions() -> str:
    pins = json.loads((HERE / "package.json").read_text())["dependencies"]
    packages = ", ".join(f"{name} {pin}" for name, pin in pins.items())
    return f"Node.js {said(program('node'), '-v')}, {packages}"


def _nginx_version() -> str:
    return said(program("nginx"), "-v").removeprefix("nginx version: ")


def _pins(*names: str) -> str:
    pins = dict(
        line.split("==")
        for line in (HERE / "requirements.txt").read_text().splitlines()
        if "==" in line
    )
    return ", ".join(f"{name} {pins[name]}" for name in names)


_HEAD_ONLY = "the body: JSON and schema; a record before forwarding"
_LOOSE_JSON = "duplicate keys, depth, bounds of numbers; a record before forwarding"

CONTENDERS = (
    Contender(
        "hookgate", "hookgate serve", "nothing", serve,
        lambda: f"hookgate {version('hookgate')}, Python {platform.python_version()}",
    ),
    Contender(
        "addon", "hookgate in mitmdump", "nothing", addon,
        lambda: f"hookgate {version('hookgate')}, mitmproxy {version('mitmproxy')}",
        is_slow=True,
    ),
    Contender(
        "mitmdump", "mitmdump alone", "all but the proxying", mitmdump,
        lambda: f"mitmproxy {version('mitmproxy')}",
        judges_body=False, is_slow=True,
    ),
    Contender(
        "nginx", "nginx, bare proxy", "all but the proxying",
        lambda site: nginx(site, "nginx-bare.conf"), _nginx_version, ("nginx",),
        judges_body=False,
    ),
    Contender(
        "nginx-allow", "nginx, allow and deny", "all but the source and the proxying",
        nginx_allow, _nginx_version, ("nginx",),
        judges_body=False,
    ),
    Contender(
        "nginx-hookgate", "nginx with hookgate's files", _HEAD_ONLY,
        nginx_hookgate, _nginx_version, ("nginx",),
        judges_body=False,
    ),
    Contender(
        "haproxy", "HAProxy", _HEAD_ONLY, haproxy,
        lambda: said(program("haproxy"), "-v").partition(" - ")[0], ("haproxy",),
        judges_body=False,
    ),
    Contender(
        "caddy", "Caddy", _HEAD_ONLY, caddy,
        lambda: f"Caddy {said(program('caddy'), 'version')}", ("caddy",),
        judges_body=False,
    ),
    Contender(
        "fastify", "Fastify", _LOOSE_JSON, fastify, _node_versions, ("node", "npm"),
    ),
    Contender(
        "fastapi", "FastAPI", _LOOSE_JSON, fastapi,
        lambda: _pins("fastapi", "pydantic", "httpx", "uvicorn", "uvloop", "httptools"),
    ),
    Contender(
        "aiohttp", "aiohttp", _LOOSE_JSON, aiohttp,
        lambda: _pins("aiohttp", "jsonschema", "orjson", "uvloop"),
    ),
)  # fmt: skip
