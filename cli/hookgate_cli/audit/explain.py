"""`hookgate audit explain`: why did this one end as it did?"""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hookgate.ledger.audit.explain import (
    NOT_CHECKED,
    NOT_KNOWN,
    NOT_REACHED,
    OK,
    rebuild_head,
    retrace,
)
from hookgate.ledger.audit.fate import Attempt, Event
from hookgate.ledger.audit.search import find
from hookgate.ledger.record import Record
from hookgate.libraries import libraries
from hookgate.policy import Policy
from hookgate.settings import Config
from hookgate.upstream.error import BY_WORD
from hookgate_cli.check import describe
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, fail, load_config, out
from hookgate_cli.terminal import print_json, printable

from .common import LogOption, Problems, SealKeyOption, load_seal_keys, rereading
from .events import identify, is_only_called, words
from .ledger import find_ledgers

_ARRIVED = (
    "ts", "front", "client", "peer", "method", "path", "content_type", "bytes", "sha256",
    "reference", "event_reference", "channel", "event_type", "from", "to", "time_utc",
)  # fmt: skip
_ENDED = (
    "outcome", "reason", "status", "answered", "upstream_status", "upstream_error", "duration_ms",
    "upstream_ms", "unknown", "unknown_in", "unusual",
)  # fmt: skip
_DIM = (NOT_CHECKED, NOT_KNOWN, NOT_REACHED, "skipped")
_REBUILT = (
    "Judged now with a head rebuilt from the record: the query, other fields and the parameters of"
    " Content-Type are not recorded."
)


def explain(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A request_id, a reference, an event.reference or a SHA-256."
        ),
    ],
    body: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The body: judged again under the policy of now."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Explain each attempt, not each event's last.")
    ] = False,
    log: LogOption = None,
    seal_key: SealKeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what arrived, what each check saw and found, and the verdict.

    Exits 1 if the ledger does not know it, or the body is another one.

    Examples:

      hookgate audit explain 593fa8d3d1efaca2-1f

      hookgate audit explain 121c38a5-cf77-424a-9ea9-d6c044a845f8 --body event.json
    """
    settings = load_config(config, offline=True) if body is not None else None
    data = _read(body) if body is not None else b""
    keys = load_seal_keys(seal_key, config)
    ledger = find_ledgers(log, config)
    problems = Problems(ledger)
    read = rereading(ledger, keys)
    (story,) = find(read, [identifier], records=True, on_problem=problems.note).stories
    if not story.events:
        out.print(f"{printable(identifier)}: {problems.never_seen}")
        raise typer.Exit(FINDING)
    events = _of_body(story.events, data) if body is not None else story.events
    chosen = [attempt for event in events for attempt in _choose(event, identifier, every=every)]
    reports = [_report(attempt, settings, data) for attempt in chosen]
    if as_json:
        for report in reports:
            print_json(report)
    else:
        if is_only_called(story):
            out.print(f"no body has this SHA-256; an event is called {printable(identifier)}")
        for event in events:
            _list(event, identify(event) if len(events) > 1 else "")
        for report in reports:
            _show(report)
    problems.close()
    if any(report.get("same_body") is False for report in reports):
        raise typer.Exit(FINDING)


def _read(body: Path) -> bytes:
    try:
        return body.read_bytes()
    except OSError as error:
        fail(f"{body} cannot be read: {error.strerror}")


def _report(attempt: Attempt, settings: Config | None, body: bytes) -> dict[str, Any]:
    record = attempt.record or {}
    report: dict[str, Any] = {
        "place": attempt.place,
        "request_id": attempt.request_id,
        "fate": attempt.fate,
        "record": record,
        "checks": [
            {"check": name, "saw": saw, "then": result, "observed": observed, "found": details}
            for name, saw, result, observed, details in retrace(record)
        ] if attempt.outcome is not None else [],
    }  # fmt: skip
    word = record.get("upstream_error")
    if type(word) is str and word in BY_WORD:
        error = BY_WORD[word]
        report["upstream_error"] = {"word": word, "means": error.means, "mend": error.mend}
    if settings is not None:
        report |= _judge_now(record, settings, body, report["checks"])
    return report


def _judge_now(
    record: Record, settings: Config, body: bytes, checks: list[dict[str, Any]]
) -> dict[str, Any]:
    policy = Policy(settings, libraries(str(record.get("front"))))
    head = rebuild_head(record, settings.source.header, len(body))
    decision, steps = policy.explain(head, body)
    now = {step.check: describe(step, decision) for step in steps}
    for check in checks:
        if check["check"] in now:
            step = now[check["check"]]
            check["now"], check["found_now"] = step["result"], step["details"]
    digest = sha256(body).hexdigest()
    known = record.get("sha256")
    return {
        "same_body": None if known is None else known == digest,
        "now": {"reason": decision.reason.code, "policy": policy.fingerprint, "sha256": digest},
    }


def _of_body(events: list[Event], body: bytes) -> list[Event]:
    """The event that has this body, else all."""
    digest = sha256(body).hexdigest()
    return [event for event in events if event.sha256 == digest] or events


def _choose(event: Event, identifier: str, *, every: bool) -> list[Attempt]:
    """The attempt that was asked for, else the last, or each."""
    exact = [attempt for attempt in event.attempts if attempt.request_id == identifier]
    return event.attempts if every else (exact or event.attempts)[-1:]


def _list(event: Event, title: str) -> None:
    out.print(f"{words(event)}  {printable(title)}".rstrip(), soft_wrap=True)
    if len(event.attempts) > 1:
        table = Table(box=None, padding=(0, 1), show_header=False)
        for attempt in event.attempts[-20:]:
            cells = attempt.ts, attempt.outcome or "forwarded", attempt.reason or "no end"
            table.add_row(*(Text(printable(cell)) for cell in (*cells, attempt.request_id)))
        out.print(table)


def _show(report: dict[str, Any]) -> None:
    record = report["record"]
    out.print()
    out.print(f"{printable(report['request_id'])}  {printable(report['place'])}")
    if not report["checks"]:
        out.print("It was forwarded, and no line says how it ended: it may have arrived.")
    table = Table(box=None, padding=(0, 1), show_header=False)
    for name in (*_ARRIVED, *_ENDED, "policy"):
        value = record.get(name)
        value = ", ".join(map(str, value)) if isinstance(value, list) else value
        if value not in (None, ""):
            table.add_row(name, Text(printable(value), overflow="fold"))
    out.print(table)
    if report["checks"]:
        _show_checks(report["checks"])
    if error := report.get("upstream_error"):
        text = f"{error['word']}: {error['means']}. What to do: {error['mend']}."
        out.print(text)
    if "now" in report:
        _compare(report)


def _show_checks(checks: list[dict[str, Any]]) -> None:
    now = any("now" in check for check in checks)
    table = Table("check", "saw", "then", *(("now",) if now else ()), box=None, padding=(0, 1))
    for check in checks:
        then = _mark(check["then"])
        if check["observed"]:
            then.append(" (observed)", "dim")
        cells = (_mark(check.get("now", "")),) if now else ()
        table.add_row(check["check"], Text(printable(check["saw"]), overflow="fold"), then, *cells)
    out.print(table)
    for check in checks:
        for when, found in (("then", check["found"]), ("now", check.get("found_now", ()))):
            for text in found:
                words = f"{check['check']}, {when}: {printable(text)}"
                out.print(Padding(Text(words), (0, 0, 0, 1), expand=False))


def _mark(result: str) -> Text:
    style = "green" if result == OK else "dim" if result in _DIM else "red"
    return Text(printable(result), style)


def _compare(report: dict[str, Any]) -> None:
    now, then = report["now"], report["record"].get("policy")
    verdict = "the same" if now["policy"] == then else f"another then ({printable(then)})"
    out.print(f"now {now['reason']} under policy {now['policy']}, {verdict}")
    match report["same_body"]:
        case True:
            out.print("The body is the one that arrived: its SHA-256 is the record's.")
        case False:
            text = Text("The body is another one:", "red")
            out.print(text.append(" its SHA-256 is not the record's.", "default"))
        case _:
            out.print("The body was not read then: whether this is it cannot be told.")
    out.print(_REBUILT)
