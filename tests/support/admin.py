"""The admin listener of a running sidecar, asked over plain sockets."""

import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from .raw import Reply, ask
from .sidecar import Sidecar

ON = {"sidecar.admin": "127.0.0.1:0"}


class Admin:
    """Make it once, right after the sidecar: it waits for the log to tell the port."""

    def __init__(self, gate: Sidecar) -> None:
        self.port = int(gate.wait_for_log("admin.listening")["port"] or 0)

    def get(self, path: str, *fields: str, method: str = "GET") -> Reply:
        """One request on a connection of its own; `fields` are whole lines."""
        head = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: admin", *fields))
        return ask(self.port, head.encode() + b"\r\n\r\n")

    def ready(self) -> tuple[int, list[str]]:
        """The status of /readyz, and the problems that it names."""
        reply = self.get("/readyz")
        told: dict[str, Any] = json.loads(reply.body)
        assert told["ready"] == (reply.status == 200) == (not told["problems"])
        return reply.status, told["problems"]

    def degraded(self) -> list[str]:
        """What /readyz says is less than it should be."""
        told: dict[str, Any] = json.loads(self.get("/readyz").body)
        degraded: list[str] = told["degraded"]
        return degraded

    def samples(self) -> list[Sample]:
        """Everything that /metrics tells."""
        reply = self.get("/metrics")
        assert reply.status == 200
        families = text_string_to_metric_families(reply.body.decode())
        return [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return sum(
            sample.value
            for sample in self.samples()
            if sample.name == name and labels.items() <= sample.labels.items()
        )
