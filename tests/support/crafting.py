"""Requests from their description: fillers, edits, placeholders, chunks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookgate.samples import documented_samples

from .signatures import sign

EVENT = (Path(__file__).parents[1] / "corpus" / "event.json").read_text("ascii").rstrip("\n")

_FIELDS = ["Host: hooks.example", "Content-Type: application/json"]
_FRAMING = {"content-length", "transfer-encoding"}


@dataclass(frozen=True)
class Request:
    """`data` is what goes over the wire, the rest what a parser that accepts it makes of it."""

    data: bytes
    method: bytes
    target: bytes
    version: str
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes


def text(spec: Any) -> str:
    """A string, or `prefix`, `fill` `count` times, and `suffix`."""
    if isinstance(spec, str):
        return spec
    filled: str = spec.get("fill", "") * spec.get("count", 1)
    return f"{spec.get('prefix', '')}{filled}{spec.get('suffix', '')}"


def _body(spec: Any) -> bytes:
    """A body: text, or a table; without any, the plain event."""
    if isinstance(spec, str):
        return spec.encode()
    if "hex" in spec:
        return bytes.fromhex(spec["hex"])
    if "sample" in spec:
        contract, _, name = spec["sample"].partition("/")
        whole = documented_samples(contract)[name].decode()
    else:
        whole = text(spec) if "fill" in spec else spec.get("text", EVENT)
    edits = spec.get("edit", [])
    for old, new in zip(edits[::2], edits[1::2], strict=True):
        if whole.count(old) != 1:
            raise ValueError(f"{old!r} is not once in the body")
        whole = whole.replace(old, text(new))
    return whole.encode(spec.get("encoding", "utf-8"))


def craft(given: Mapping[str, Any]) -> Request:
    """The request of a case, described by its members as the corpus names them."""
    method, version = given.get("method", "POST"), given.get("version", "1.1")
    target, body = text(given.get("target", "/cm/events")), _body(given.get("body", {}))

    def fill_in(spec: Any) -> str:
        size = len(body)
        whole = text(spec).replace("{length}", f"{size}").replace("{event}", body.decode("latin-1"))
        return whole.replace("{hex}", f"{size:x}").replace("{HEX}", f"{size:X}")

    lines = [fill_in(line) for line in [*given.get("fields", _FIELDS), *given.get("also", [])]]
    if "sign" in given:
        lines += sign(body, **given["sign"])
    if not {line.partition(":")[0].lower() for line in lines} & _FRAMING:
        if given.get("chunks"):
            lines.append("Transfer-Encoding: chunked")
        elif body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
    if "raw" in given:
        data = fill_in(given["raw"]).encode("latin-1")
    else:
        head = "\r\n".join([f"{method} {target} HTTP/{version}", *lines, "", ""])
        sent = _in_chunks(body) if given.get("chunks") else body
        data = head.encode("latin-1") + (
            fill_in(given["wire"]).encode("latin-1") if "wire" in given else sent
        )
    fields = tuple(_field(line) for line in lines)
    return Request(data, method.encode(), target.encode("latin-1"), version, fields, body)


def _in_chunks(body: bytes) -> bytes:
    size = len(body) // 7 + 1
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _field(line: str) -> tuple[bytes, bytes]:
    name, _, value = line.encode("latin-1").partition(b":")
    return name, value.strip(b" \t")
