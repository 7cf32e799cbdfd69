"""The contenders, and what of the job each of them leaves out.

The job: four source ranges (127.0.0.1 and CM.com's), POST, application/json, the `cm-events`
contract, a JSON line a request in a file, and the event sent on over connections that are kept.
"""

import json
import platform
from importlib.metadata import version

from . import commands
from .contender import HERE, Contender
from .programs import find_program, first_line


def _node_versions() -> str:
    pins = json.loads((HERE / "package.json").read_text())["dependencies"]
    packages = ", ".join(f"{name} {pin}" for name, pin in pins.items())
    return f"Node.js {first_line(find_program('node'), '-v')}, {packages}"


def _nginx_version() -> str:
    return first_line(find_program("nginx"), "-v").removeprefix("nginx version: ")


def _pins(*names: str) -> str:
    pins = dict(
        line.split("==")
        for line in (HERE / "requirements.txt").read_text().splitlines()
        if "==" in line
    )
    return ", ".join(f"{name} {pins[name]}" for name in names)


def _installed(*names: str) -> str:
    return ", ".join(f"{name} {version(name)}" for name in names)


_HEAD_ONLY = "the body: JSON and schema; a record before forwarding"
_LOOSE_JSON = "duplicate keys, depth, bounds of numbers; a record before forwarding"

CONTENDERS = (
    Contender(
        "hookgate", "hookgate serve", "nothing", commands.serve,
        lambda: f"hookgate {version('hookgate')}, Python {platform.python_version()}",
    ),
    Contender(
        "relay", "bare relay in Python", "all but the proxying", commands.relay,
        lambda: _installed("uvloop", "httptools"),
        judges_body=False,
    ),
    Contender(
        "addon", "hookgate in mitmdump", "nothing", commands.addon,
        lambda: f"hookgate {version('hookgate')}, mitmproxy {version('mitmproxy')}",
        is_slow=True, is_minor=True,
    ),
    Contender(
        "mitmdump", "mitmdump alone", "all but the proxying", commands.mitmdump,
        lambda: f"mitmproxy {version('mitmproxy')}",
        judges_body=False, is_slow=True, is_minor=True,
    ),
    Contender(
        "nginx", "nginx, bare proxy", "all but the proxying",
        lambda site: commands.nginx(site, "nginx-bare.conf"), _nginx_version, ("nginx",),
        judges_body=False,
    ),
    Contender(
        "nginx-allow", "nginx, allow and deny", "all but the source and the proxying",
        commands.nginx_allow, _nginx_version, ("nginx",),
        judges_body=False, is_minor=True,
    ),
    Contender(
        "nginx-hookgate", "nginx with hookgate's files", _HEAD_ONLY,
        commands.nginx_hookgate, _nginx_version, ("nginx",),
        judges_body=False,
    ),
    Contender(
        "haproxy", "HAProxy", _HEAD_ONLY, commands.haproxy,
        lambda: first_line(find_program("haproxy"), "-v").partition(" - ")[0], ("haproxy",),
        judges_body=False,
    ),
    Contender(
        "caddy", "Caddy", _HEAD_ONLY, commands.caddy,
        lambda: f"Caddy {first_line(find_program('caddy'), 'version')}", ("caddy",),
        judges_body=False,
    ),
    Contender(
        "fastify", "Fastify", _LOOSE_JSON, commands.fastify, _node_versions, ("node", "npm"),
        compiles=True,
    ),
    Contender(
        "fastapi", "FastAPI", _LOOSE_JSON, commands.fastapi,
        lambda: _pins("fastapi", "pydantic", "httpx", "uvicorn", "uvloop", "httptools"),
        is_minor=True,
    ),
    Contender(
        "aiohttp", "aiohttp", _LOOSE_JSON, commands.aiohttp,
        lambda: _pins("aiohttp", "jsonschema", "orjson", "uvloop"),
        is_minor=True,
    ),
)  # fmt: skip
