"""What all processes of the soak share: addresses, events, the gate's configuration."""

import json
import random
import re
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from hookgate.samples import documented_events

ROOT = Path(__file__).resolve().parents[2]
EVENTS = [json.loads(event) for event in documented_events().values()]

CLEAN, ALLOWED, PROXY, STRANGER = "127.0.0.10", "127.0.0.11", "127.0.0.20", "127.0.0.66"
# Whom the trusted proxy names: a stranger of the internet.
ABROAD = "8.8.8.8"
INSIDE = frozenset((CLEAN, ALLOWED))

JSON = "Content-Type: application/json"
WORKERS = 2
HEAD_SECONDS = BODY_SECONDS = 5
UPSTREAM_SECONDS = 3

_MARK = re.compile(rb'"soak": "([a-z]+)"')


class Site(StrEnum):
    """How the gate is set up: senders connect themselves, or a PROXY header names them."""

    DIRECT = "direct"
    BEHIND_PROXY = "behind-proxy"


def event(mark: str = "") -> bytes:
    """Make an event with a reference of its own; the endpoint behaves as `mark` says."""
    marked = {"soak": mark} if mark else {}
    return json.dumps({**random.choice(EVENTS), "reference": str(uuid4()), **marked}).encode()


def mark_of(body: bytes) -> str:
    """Return the mark of an event; "" where it has none."""
    found = _MARK.search(body)
    return found[1].decode() if found else ""


def post(body: bytes, *lines: str, target: str = "/cm/events", length: int | None = None) -> bytes:
    """Make a request; `length`, where given, is its Content-Length in place of the true one."""
    size = len(body) if length is None else length
    head = [f"POST {target} HTTP/1.1", "Host: soak", f"Content-Length: {size}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def proxy_header(client: str) -> bytes:
    """Make a PROXY protocol header, version 1."""
    return f"PROXY TCP4 {client} 127.0.0.1 40000 80\r\n".encode()


def configuration(site: Site, upstream: int, workers: int, turn: int = 0) -> str:
    """Return the gate's hookgate.toml; `turn` makes each differ from the one before."""
    proxied = "true" if site is Site.BEHIND_PROXY else "false"
    return (
        f'[upstream]\nurl = "http://127.0.0.1:{upstream}"\ntimeout = "{UPSTREAM_SECONDS}s"\n'
        f"[request]\nmax_depth = {32 + turn % 2}\n"
        f'[source]\nallow = ["{CLEAN}", "{ALLOWED}", "cm.com"]\n'
        f'trusted_proxies = ["{PROXY}"]\nproxy_protocol = {proxied}\n'
        f'[sidecar]\nlisten = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\nworkers = {workers}\n'
        f'head_timeout = "{HEAD_SECONDS}s"\nbody_timeout = "{BODY_SECONDS}s"\ndrain = "5s"\n'
        'worker_timeout = "10s"\n'
        # The largest that there is: what is kept of a head shows.
        'max_head = "1MiB"\n'
    )
