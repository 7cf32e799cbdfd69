"""The lines above the strip: which gate, how it is, and its figures. Pure."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from hookgate_cli.terminal import printable

from . import words

STATES = {"ready": "green", "not ready": "bold red", "no answer": "bold red"}
Gate = dict[str, Any]


def header(picture: dict[str, Any], width: int, *, is_paused: bool) -> Text:
    """Name the gate or the gates, and the time."""
    gates = picture["gates"]
    now = f"{words.clock(picture['time'])} UTC"
    right = Text(f" paused at {now} ", "reverse") if is_paused else Text(now, "dim")
    line = Text().append(printable(picture["title"]), "bold cyan")
    if len(gates) == 1:
        (gate,) = gates
        line.append(f"  {gate['state']}", STATES.get(gate["state"], "dim"))
        up = gate["up_seconds"]
        for name, value in (
            ("up", "" if up is None else words.lasted(up)),
            ("workers", gate["workers"] if (gate["workers"] or 0) > 1 else ""),
            ("policy", gate["policy"]),
            ("version", gate["version"]),
        ):
            told = Text().append(f"  {name} ", "dim").append(printable(value))
            if value and line.cell_len + told.cell_len + 2 + right.cell_len <= width:
                line.append_text(told)
    line.truncate(max(0, width - right.cell_len - 2), overflow="ellipsis")
    return line.append(" " * max(0, width - line.cell_len - right.cell_len)).append_text(right)


def gate_line(gate: Gate) -> Text:
    """Tell of one gate among several."""
    line = Text("  ").append(printable(gate["name"]), "cyan")
    line.append(f"  {gate['state']}", STATES.get(gate["state"], "dim"))
    line.append("  delivers ", "dim").append(words.rate(gate["rates"]["delivered"]))
    line.append("  last ", "dim").append(words.ago(gate["last_delivered_seconds"]))
    return line.append(f"  {gate['shipping']}" if gate["shipping"] != "off" else "", "dim")


def figures(of: Gate, gates: Sequence[Gate]) -> list[tuple[str, str, str]]:
    """Return names, figures and styles, of one gate or of all together."""
    told = [("last delivered", words.ago(of["last_delivered_seconds"]), "bold")]
    if of["in_flight"] is not None:
        told.append(("in flight", f"{of['in_flight']:,}", "bold"))
    told.append(("endpoint p50", words.took(of["p50"]), "bold"))
    told.append(("p99", words.took(of["p99"]), "bold"))
    if of["near"]:
        told.append(("near misses", f"{of['near']:,}, {words.ago(of['near_seconds'])}", "yellow"))
    if (kept := of["quarantine"]) is not None:
        usable = "" if kept["usable"] else ", cannot be used"
        told.append(
            ("quarantine", f"{kept['items']:,}, {words.size(kept['bytes'])}{usable}", "bold")
        )
    if len(gates) == 1:
        ledger, shipping = gates[0]["ledger"], gates[0]["shipping"]
        if ledger["word"]:
            synced = words.ago(ledger["synced_seconds"])
            told.append(("ledger", f"{ledger['word']}, synced {synced}", "bold"))
        if shipping != "off":
            told.append(("shipping", shipping, "bold"))
    return told


def figure_lines(told: Sequence[tuple[str, str, str]], width: int) -> list[Text]:
    """Write figures on as many lines as they need."""
    lines = [Text()]
    for name, value, style in told:
        part = Text(f"{name} ", "dim").append(printable(value), style)
        if lines[-1] and lines[-1].cell_len + 3 + part.cell_len > width:
            lines.append(Text())
        if lines[-1]:
            lines[-1].append("   ")
        lines[-1].append_text(part)
    return lines
