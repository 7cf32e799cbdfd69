"""How each contender is started at a site."""

import os
import subprocess
import sys
from importlib.resources import files

from .contender import HERE, OWN, TOOLS, Command, Site
from .programs import beside_python, find_program


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
    """Prepare the sidecar."""
    return Command((beside_python("hookgate"), "serve"), _hookgate(site))


def relay(site: Site) -> Command:
    """Prepare the least that Python can do."""
    return Command(
        (sys.executable, str(HERE / "relay_app.py")),
        {"PORT": str(site.port), "UPSTREAM": str(site.upstream)},
    )


def addon(site: Site) -> Command:
    """Prepare mitmdump with hookgate's addon."""
    return Command((beside_python("hookgate"), "mitmdump"), _hookgate(site))


def mitmdump(site: Site) -> Command:
    """Prepare mitmdump alone."""
    return Command(
        (beside_python("mitmdump"), "--mode", f"reverse:http://127.0.0.1:{site.upstream}",
         "--listen-host", "127.0.0.1", "--listen-port", str(site.port),
         "--set", "flow_detail=0", "--set", "termlog_verbosity=warn",
         "--set", f"confdir={site.folder}")
    )  # fmt: skip


def nginx(site: Site, server: str) -> Command:
    """Prepare nginx with one of the server blocks here."""
    config = site.write("nginx.conf", site.fill("nginx.conf", HTTP=site.fill(server)))
    return Command((find_program("nginx"), "-e", str(site.folder / "error.log"), "-c", str(config)))


def nginx_allow(site: Site) -> Command:
    """Prepare nginx with the source ranges alone."""
    site.write("allow.conf", "".join(f"allow {item};\n" for item in site.ranges))
    return nginx(site, "nginx-allow.conf")


def nginx_hookgate(site: Site) -> Command:
    """Prepare nginx with hookgate's includes."""
    subprocess.run(
        [beside_python("hookgate"), "nginx", "render", "--out", str(site.folder / "rendered"),
         "--log", str(site.folder / "audit.jsonl")],
        env={**os.environ, **_hookgate(site)}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return nginx(site, "nginx-hookgate.conf")


def haproxy(site: Site) -> Command:
    """Prepare HAProxy."""
    ranges = site.write("ranges.txt", "\n".join(site.ranges) + "\n")
    config = site.write("haproxy.cfg", site.fill("haproxy.cfg", RANGES=ranges))
    return Command((find_program("haproxy"), "-db", "-f", str(config)))


def caddy(site: Site) -> Command:
    """Prepare Caddy, on one core."""
    log = site.folder / "audit.jsonl"
    filled = site.fill("Caddyfile", LOG=log, RANGES_INLINE=" ".join(site.ranges))
    config = site.write("Caddyfile", filled)
    return Command(
        (find_program("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"),
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
    """Prepare Fastify."""
    return Command(
        (find_program("node"), str(HERE / "fastify.cjs")),
        {**_app(site), "NODE_ENV": "production", "NODE_PATH": str(TOOLS / "node_modules")},
    )


def fastapi(site: Site) -> Command:
    """Prepare FastAPI under uvicorn."""
    return Command(
        (str(TOOLS / "venv" / "bin" / "uvicorn"), "--app-dir", str(HERE), "fastapi_app:app",
         "--host", "127.0.0.1", "--port", str(site.port), "--workers", "1",
         "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
        _app(site),
    )  # fmt: skip


def aiohttp(site: Site) -> Command:
    """Prepare aiohttp."""
    return Command(
        (str(TOOLS / "venv" / "bin" / "python"), str(HERE / "aiohttp_app.py")), _app(site)
    )
