"""Measure hookgate's fronts against nginx and against mitmdump without it, on one core each.

    python bench/proxy.py [--seconds 10] [--rounds 3]

Needs wrk and nginx. Two cores: the contender has one, wrk and the upstream (an nginx that answers
200) share the other. Rounds are interleaved, medians are printed, and every answer must be 200.
"""

import argparse
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hookgate.samples import documented_events

EVENT = documented_events()["rcs-suggestion-click"].decode()
UPSTREAM, NGINX, SIDECAR, ADDON, MITMDUMP = 18190, 18191, 18192, 18193, 18194
CONTENDER_CORE, LOAD_CORE = "0", "1"

_NGINX = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {http}
}}
"""
_ANSWER_200 = f"""
  keepalive_requests 1000000000;
  server {{ listen 127.0.0.1:{UPSTREAM}; location / {{ return 200; }} }}
"""
_PROXY = f"""
  keepalive_requests 1000000000;
  upstream up {{ server 127.0.0.1:{UPSTREAM}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{NGINX};
    location / {{
      allow 127.0.0.1; allow 31.169.56.0/21; allow 85.119.48.0/21; allow 188.94.184.0/22; deny all;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://up;
    }}
  }}
"""


@contextmanager
def running(core: str, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        ["taskset", "-c", core, *command],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def nginx(folder: Path, name: str, http: str, core: str) -> "ExitStack":
    stack = ExitStack()
    config = folder / f"{name}.conf"
    config.write_text(_NGINX.format(folder=folder, name=name, http=http))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    stack.enter_context(running(core, program, "-e", str(folder / "e"), "-c", str(config)))
    return stack


def wait_for(port: int) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/cm/events",
        data=EVENT.encode(),
        headers={"Content-Type": "application/json"},
    )
    for _ in range(100):
        try:
            with urllib.request.urlopen(request, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"bench: nothing answers on port {port}")


def load(folder: Path, port: int, seconds: int) -> float:
    script = folder / "post.lua"
    script.write_text(
        "wrk.method = 'POST'\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
        f"wrk.body = [[{EVENT}]]\n"
    )
    text = subprocess.run(
        ["taskset", "-c", LOAD_CORE, "wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(script),
         f"http://127.0.0.1:{port}/cm/events"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"bench: port {port} did not answer everything with 200\n{text}")
    match = re.search(r"Requests/sec:\s+([0-9.]+)", text)
    if match is None:
        sys.exit(f"bench: wrk printed no figure\n{text}")
    return float(match[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            sys.exit(
                f"bench: {program} is missing; install it with: apt-get install wrk util-linux"
            )
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(nginx(folder, "upstream", _ANSWER_200, LOAD_CORE))
        stack.enter_context(nginx(folder, "proxy", _PROXY, CONTENDER_CORE))
        stack.enter_context(
            running(
                CONTENDER_CORE,
                str(Path(sys.executable).with_name("hookgate")), "serve",
                "--upstream", f"http://127.0.0.1:{UPSTREAM}",
                "--listen", f"127.0.0.1:{SIDECAR}",
                "--audit", str(folder / "audit.jsonl"),
                HOOKGATE_SOURCE__ALLOW="127.0.0.1,cm.com",
            )
        )  # fmt: skip
        stack.enter_context(
            running(
                CONTENDER_CORE,
                str(Path(sys.executable).with_name("hookgate")), "mitmdump",
                "--upstream", f"http://127.0.0.1:{UPSTREAM}",
                "--listen", f"127.0.0.1:{ADDON}",
                "--audit", str(folder / "addon.jsonl"),
                HOOKGATE_SOURCE__ALLOW="127.0.0.1,cm.com",
            )
        )  # fmt: skip
        stack.enter_context(
            running(
                CONTENDER_CORE,
                str(Path(sys.executable).with_name("mitmdump")),
                "--mode", f"reverse:http://127.0.0.1:{UPSTREAM}",
                "--listen-host", "127.0.0.1", "--listen-port", str(MITMDUMP),
                "--set", "flow_detail=0", "--set", "termlog_verbosity=warn",
            )
        )  # fmt: skip
        ports = {
            "upstream alone": UPSTREAM,
            "nginx allow/deny": NGINX,
            "hookgate serve": SIDECAR,
            "mitmdump + addon": ADDON,
            "mitmdump alone": MITMDUMP,
        }
        rates: dict[str, list[float]] = {label: [] for label in ports}
        for port in ports.values():
            wait_for(port)
        for _ in range(options.rounds):
            for label, port in ports.items():
                rates[label].append(load(folder, port, options.seconds))
        nginx_rate = statistics.median(rates["nginx allow/deny"])
        bare_rate = statistics.median(rates["mitmdump alone"])
        print(f"{platform.machine()}, Python {platform.python_version()}, wrk -c32, one core each")
        print(f"{'':18} {'requests/s':>11} {'of nginx':>9} {'of mitmdump':>12}   spread")
        for label, values in rates.items():
            rate = statistics.median(values)
            spread = f"{min(values):.0f}..{max(values):.0f}"
            shares = f"{rate / nginx_rate:9.2f} {rate / bare_rate:12.2f}"
            print(f"{label:18} {rate:11.0f} {shares}   {spread}")


if __name__ == "__main__":
    main()
