"""FastAPI with a pydantic model of the contract, and httpx."""

# Its libraries are in a venv of its own, where mypy does not look.
# mypy: disable-error-code="import-not-found, misc, no-any-return, untyped-decorator"

import logging
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

UPSTREAM = f"http://127.0.0.1:{os.environ['UPSTREAM']}"
RANGES = [ip_network(line) for line in Path(os.environ["RANGES"]).read_text().split()]
MAX_BODY = 1 << 20

log = logging.getLogger("deliveries")
log.propagate = False
log.setLevel(logging.INFO)
log.addHandler(logging.FileHandler(os.environ["LOG"]))


class Strict(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Party(Strict):
    number: str


class What(Strict):
    type: str
    custom: dict[str, Any] = {}
    reference: str = ""


class Event(Strict):
    reference: uuid.UUID | None = None
    messageContext: str = ""  # noqa: N815  # CM.com's name
    sender: Party = Field(alias="from")
    to: Party
    event: What
    groupings: list[str] = []
    timeUtc: str  # noqa: N815  # CM.com's name
    channel: str

    @field_validator("timeUtc")
    @classmethod
    def is_a_time(cls, text: str) -> str:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  # only whether it is one
        return text

    @model_validator(mode="after")
    def rcs_has_a_reference(self) -> Self:
        if self.channel == "RCS" and self.reference is None:
            raise ValueError("an RCS event has a reference")
        return self


@lru_cache(4096)
def is_allowed(client: str) -> bool:
    address = ip_address(client)
    return any(address in network for network in RANGES)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=128, max_keepalive_connections=128)
    async with httpx.AsyncClient(base_url=UPSTREAM, limits=limits) as app.state.client:
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


async def handle(request: Request) -> tuple[Response, Event | None]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return Response(status_code=415), None
    body = await request.body()
    if len(body) > MAX_BODY:
        return Response(status_code=413), None
    try:
        # Faster than a parameter of this type, which parses with the json module first.
        event = Event.model_validate_json(body)
    except ValidationError as error:
        is_json = error.errors(include_url=False)[0]["type"] != "json_invalid"
        return Response(status_code=422 if is_json else 400), None
    answer = await request.app.state.client.post(
        request.url.path, content=body, headers={"Content-Type": "application/json"}
    )
    return Response(answer.content, answer.status_code), event


@app.post("/{path:path}")
async def receive(request: Request) -> Response:
    began = time.perf_counter()
    assert request.client is not None
    event: Event | None = None
    if is_allowed(request.client.host):
        response, event = await handle(request)
    else:
        response = Response(status_code=403)
    line = {
        "ts": time.time(),
        "client": request.client.host,
        "method": request.method,
        "path": request.url.path,
        "status": response.status_code,
        "bytes": request.headers.get("content-length"),
        "reference": event and event.reference,
        "ms": (time.perf_counter() - began) * 1000,
    }
    log.info(orjson.dumps(line).decode())
    return response
