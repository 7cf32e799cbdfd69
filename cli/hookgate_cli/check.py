"""`hookgate check`: judge files offline, as a gate with this configuration would."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import httptools
import typer
from rich.table import Table
from rich.text import Text

from hookgate.networks.addresses import parse_address
from hookgate.policy import Decision, Fields, Head, Policy, Reason, Step, make_head
from hookgate_sidecar.upgrade import head_of_body

from .common import FINDING, ConfigOption, JsonOption, fail, load_config, out
from .terminal import print_json, printable

_REQUEST_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [^ \r\n]+ HTTP/[0-9.]+\r?\n")


class _Case(NamedTuple):
    """One request to judge; `head` is None where its HTTP is broken."""

    name: str
    head: Head | None
    body: bytes


def check(
    files: Annotated[
        list[Path],
        typer.Argument(help="JSON, JSON Lines (.jsonl, .ndjson), or a raw HTTP request each."),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ADDRESS", help="Who sends it; else the first allowed address."
        ),
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="The target; else the first route's.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge events offline and show what each check found, values included.

    Nothing is sent anywhere. Exits 1 if anything would be refused.

    Examples:

      hookgate check event.json

      hookgate check captured.jsonl --from 31.169.56.7 --json
    """
    settings = load_config(config, offline=True)
    policy = Policy(settings)
    peer = source or str(settings.source.allow[0].network)
    if parse_address(peer) is None:
        fail(f'--from "{peer}" is no IP address')
    target = (path or settings.routes[0].path or "/").encode()
    refused = False
    for file in files:
        for case in _read(file, peer, target):
            refused |= _judge(policy, case, as_json)
    if refused:
        raise typer.Exit(FINDING)


def _read(file: Path, peer: str, target: bytes) -> Iterator[_Case]:
    try:
        data = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    if _REQUEST_LINE.match(data):
        yield _parse_http(str(file), data, peer)
    elif file.suffix in (".jsonl", ".ndjson"):
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield _as_posted(f"{file}:{number}", line, peer, target)
    else:
        yield _as_posted(str(file), data, peer, target)


def _as_posted(name: str, body: bytes, peer: str, target: bytes) -> _Case:
    fields: Fields = [
        (b"Host", b"localhost"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"%d" % len(body)),
    ]
    return _Case(name, make_head(peer, b"POST", target, fields), body)


class _Parsed:
    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.in_body = False
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_body:
            self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.in_body = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def _parse_http(name: str, data: bytes, peer: str) -> _Case:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        # Saved by an editor: bare line feeds, which no gate takes from the network.
        head, separator, body = data.partition(b"\n\n")
        data = head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body
    parsed = _Parsed()
    parser = httptools.HttpRequestParser(parsed)
    offer: int | None = None
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade as error:
        offer = error.args[0]
    except httptools.HttpParserError:
        return _Case(name, None, b"")
    method, version = parser.get_method(), parser.get_http_version()
    made = make_head(peer, method, parsed.target, parsed.fields, version)
    if offer is not None:
        # The parser has taken the body for another protocol.
        parsed = _Parsed()
        try:
            httptools.HttpRequestParser(parsed).feed_data(head_of_body(made) + data[offer:])
        except httptools.HttpParserError:
            return _Case(name, None, b"")
    return _Case(name, made if parsed.complete else None, parsed.body)


def _judge(policy: Policy, case: _Case, as_json: bool) -> bool:
    if case.head is None:
        reason = Reason.MALFORMED_HTTP
        steps = [
            {
                "check": "http",
                "saw": "",
                "result": reason.code,
                "mode": "enforce",
                "details": ["the request is broken or cut off"],
            }
        ]
    else:
        decision, explained = policy.explain(case.head, case.body)
        reason = decision.reason
        steps = [describe(step, decision) for step in explained]
    report: dict[str, Any] = {
        "file": case.name,
        "outcome": "pass" if reason is Reason.CLEAN else "refuse",
        "reason": reason.code,
        "status": reason.status,
        "checks": steps,
    }
    if as_json:
        print_json(report)
    else:
        _show(report)
    return reason is not Reason.CLEAN


def describe(step: Step, decision: Decision) -> dict[str, Any]:
    """A check's result, with the values that a contract's findings are about."""
    finding = step.finding
    details = list(finding.details) if finding is not None else []
    if finding is not None and finding.reason is Reason.CONTRACT_VIOLATION:
        document, contract = decision.document, decision.contract
        if document is not None and contract is not None:
            details = list(contract.find_with_values(document))
    return {
        "check": step.check,
        "saw": step.saw,
        "result": "skipped" if not step.ran else "ok" if finding is None else finding.reason.code,
        "mode": "enforce" if step.enforced else "observe",
        "details": details,
    }


def _show(report: dict[str, Any]) -> None:
    colour = "green" if report["outcome"] == "pass" else "red"
    title = Text(report["outcome"], colour)
    title.append(f"  {printable(report['file'])}  {report['reason']} {report['status']}", "default")
    out.print(title)
    table = Table("check", "saw", "result", "found", box=None, padding=(0, 2))
    for item in report["checks"]:
        result = Text(item["result"], {"ok": "green", "skipped": "dim"}.get(item["result"], "red"))
        if item["mode"] == "observe":
            result.append(" (observed)", "dim")
        found = Text("\n".join(map(printable, item["details"])))
        table.add_row(item["check"], Text(printable(item["saw"])), result, found)
    if report["checks"]:
        out.print(table)
