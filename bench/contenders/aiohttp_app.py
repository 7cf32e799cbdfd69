"""aiohttp as server and client, and jsonschema with the shipped contract."""

# Its libraries are in a venv of its own, where mypy does not look.
# mypy: disable-error-code="import-not-found, import-untyped, misc"

import json
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from jsonschema import Draft202012Validator, FormatChecker

UPSTREAM = f"http://127.0.0.1:{os.environ['UPSTREAM']}"
RANGES = [ip_network(line) for line in Path(os.environ["RANGES"]).read_text().split()]
SESSION = web.AppKey("session", ClientSession)

log = logging.getLogger("deliveries")
log.propagate = False
log.setLevel(logging.INFO)
log.addHandler(logging.FileHandler(os.environ["LOG"]))

formats = FormatChecker(formats=())
formats.checks("uuid", raises=ValueError)(lambda text: not isinstance(text, str) or uuid.UUID(text))
formats.checks("cm-utc-time", raises=ValueError)(
    lambda text: not isinstance(text, str) or datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  # only whether it is one
)
schema = json.loads(Path(os.environ["SCHEMA"]).read_text())
is_valid = Draft202012Validator(schema, format_checker=formats).is_valid


@lru_cache(4096)
def is_allowed(client: str) -> bool:
    address = ip_address(client)
    return any(address in network for network in RANGES)


async def handle(request: web.Request) -> tuple[web.Response, dict[str, Any]]:
    if request.content_type != "application/json":
        return web.Response(status=415), {}
    body = await request.read()
    try:
        event = orjson.loads(body)
    except ValueError:
        return web.Response(status=400), {}
    if not is_valid(event):
        return web.Response(status=422), {}
    async with request.app[SESSION].post(
        request.rel_url, data=body, headers={"Content-Type": "application/json"}
    ) as answer:
        return web.Response(body=await answer.read(), status=answer.status), event


async def receive(request: web.Request) -> web.Response:
    began = time.perf_counter()
    event: dict[str, Any] = {}
    if is_allowed(request.remote or ""):
        response, event = await handle(request)
    else:
        response = web.Response(status=403)
    line = {
        "ts": time.time(),
        "client": request.remote,
        "method": request.method,
        "path": request.path,
        "status": response.status,
        "bytes": request.content_length,
        "reference": event.get("reference"),
        "ms": (time.perf_counter() - began) * 1000,
    }
    log.info(orjson.dumps(line).decode())
    return response


async def session(app: web.Application) -> AsyncIterator[None]:
    connector = TCPConnector(limit=128, keepalive_timeout=60)
    async with ClientSession(UPSTREAM, connector=connector, cookie_jar=DummyCookieJar()) as client:
        app[SESSION] = client
        yield


app = web.Application(client_max_size=1 << 20)
app.router.add_post("/{path:.*}", receive)
app.cleanup_ctx.append(session)
web.run_app(
    app,
    host="127.0.0.1",
    port=int(os.environ["PORT"]),
    access_log=None,
    print=None,
    loop=uvloop.new_event_loop(),
)
