"""Why one attempt ended as it did: what its record says, and what the present policy says."""

from hashlib import sha256
from typing import Any

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
from hookgate.ledger.audit.fate import Attempt
from hookgate.ledger.record import Record
from hookgate.libraries import libraries
from hookgate.near_misses.signs import describe
from hookgate.policy import Policy
from hookgate.settings import Config
from hookgate.upstream.error import BY_WORD
from hookgate_cli.common import out
from hookgate_cli.offering import offered
from hookgate_cli.steps import describe_step, without_signatures
from hookgate_cli.terminal import printable

_ARRIVED = (
    "ts", "front", "client", "peer", "method", "path", "content_type", "bytes", "sha256",
    "reference", "event_reference", "names", "channel", "event_type", "from", "to", "time_utc",
    "replay_of", "actor", "why",
)  # fmt: skip
_ENDED = (
    "outcome", "reason", "status", "answered", "upstream_status", "upstream_error", "duration_ms",
    "upstream_ms", "kept", "not_kept", "custody", "unknown", "unknown_in", "unusual", "retry",
    "near",
)  # fmt: skip
_DIM = (NOT_CHECKED, NOT_KNOWN, NOT_REACHED, "skipped")
_MOVED = (
    "find out whether CM.com sends from there (hookgate ranges check, and ask CM.com); if so, add"
    " the range to source.allow."
)
_REBUILT = (
    "Judged now with a head rebuilt from the record: the query, other fields and the parameters of"
    " Content-Type are not recorded."
)


def explain_attempt(attempt: Attempt, settings: Config | None, body: bytes) -> dict[str, Any]:
    """Explain an attempt by its record; with `settings`, also judge `body` by them now."""
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
    near = record.get("near")
    if type(near) is list and near:
        report["near"] = {"words": near, "means": describe(near), "mend": offered(_MOVED)}
    if settings is not None:
        report |= _judge_now(record, settings, body, report["checks"])
    return report


def _judge_now(
    record: Record, settings: Config, body: bytes, checks: list[dict[str, Any]]
) -> dict[str, Any]:
    used = libraries(str(record.get("front")))
    # No record holds the fields that sign.
    policy = Policy(without_signatures(settings), used)
    head = rebuild_head(record, settings.source.header, len(body))
    decision, steps = policy.explain(head, body)
    now = {step.check: describe_step(step, decision) for step in steps}
    for check in checks:
        if check["check"] in now:
            step = now[check["check"]]
            check["now"], check["found_now"] = step["result"], step["details"]
    digest = sha256(body).hexdigest()
    known, fingerprint = record.get("sha256"), Policy(settings, used).fingerprint
    return {
        "same_body": None if known is None else known == digest,
        "now": {"reason": decision.reason.code, "policy": fingerprint, "sha256": digest},
    }


def print_explanation(report: dict[str, Any]) -> None:
    """Print what `explain_attempt` returned."""
    record = report["record"]
    out.print()
    out.print(f"{printable(report['request_id'])}  {printable(report['place'])}")
    if not report["checks"]:
        out.print("It was forwarded, and no line says how it ended: it may have arrived.")
    values = {name: record.get(name) for name in (*_ARRIVED, *_ENDED, "policy")}
    told = {name: value for name, value in values.items() if value not in (None, "", [])}
    width = max(map(len, told), default=0)
    for name, value in told.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        # No cell of a table: a digest that is cut in two cannot be copied.
        out.print(f" {name:<{width}}  {printable(text)}", soft_wrap=True)
    if report["checks"]:
        _show_checks(report["checks"])
    if near := report.get("near"):
        out.print(f"{near['means']} What to do: {near['mend']}", soft_wrap=True)
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
