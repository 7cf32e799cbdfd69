"""The numbers of a ledger as tables on a terminal."""

from rich.table import Table
from rich.text import Text

from hookgate.ledger.audit.counters import Seen, Tally
from hookgate.ledger.audit.stats import Summary
from hookgate.times import show_time
from hookgate_cli.common import out
from hookgate_cli.terminal import printable

from .lines import COLOURS
from .wording import length_of

# Columns; on a narrow terminal names and numbers need the room.
_BAR, _SHORT_BAR = 24, 12
_NARROW = 100
_TOP = 10
_LEVELS = " ▁▂▃▄▅▆▇█"
_LABEL = 12
_NOT_200 = (
    "Delivered, but the sender was told else, and not by a route that relays: by one of CM.com's "
    "texts only 200 counts, and each of these may be sent again as if it were refused. "
    "docs/nginx.md says what helps."
)
_UNKNOWN = (
    "The contract names no such members there. They pass, as CM.com adds some without notice, and "
    "nothing has to be done. Only their place is recorded, since names are the sender's words: the "
    "body that the endpoint got has them. To refuse them, take a contract of your own that does: "
    "docs/configuration.md."
)


def print_summary(summary: Summary, *, utc: bool) -> None:
    """Print a ledger's numbers as tables; times are local unless they are to be `utc`."""
    moments = (summary.span.first, summary.span.last)
    span = " to ".join(show_time(moment, "seconds", utc=utc) for moment in moments if moment)
    ended, lines = f"{summary.deliveries:,}", f"{summary.lines:,}"
    out.print(Text(ended, "bold").append(f" requests in {lines} lines", "not bold"))
    out.print(span or "no times")
    if summary.summed:
        out.print(f"{summary.summed:,} of them only summed in refusals lines")
    _show_reasons("", summary.reasons)
    _show_reasons("replayed: ", summary.replays)
    if summary.not_200:
        out.print(f"\nanswered other than 200: {summary.not_200:,}")
        out.print(_NOT_200, style="dim")
    _show_timeline(summary, utc=utc)
    _show_latency(summary)
    for title, tally in (
        ("client", summary.clients), ("channel", summary.channels),
        ("event type", summary.event_types), ("contract", summary.routes),
        ("front", summary.fronts), ("endpoint answered", summary.upstream_statuses),
        ("endpoint failed", summary.upstream_errors),
        ("quarantine, by lines", _quarantine(summary)), ("near misses", summary.near_misses),
        ("observed, not refused", summary.observed),
    ):  # fmt: skip
        _show_tally(title, tally)
    _show_slowest(summary)
    _show_seen("unknown members", summary.drift, utc=utc)
    if summary.drift:
        out.print(_UNKNOWN, style="dim")
    _show_seen("passed, though unusual", summary.unusual, utc=utc)
    if summary.problems:
        out.print(Text(f"\n{summary.problems:,} lines are no records", "red"))
        for place, problem in summary.places:
            out.print(f"  {printable(place)}: {problem}", soft_wrap=True)


def _quarantine(summary: Summary) -> Tally:
    """Tally lines of what a quarantine did: kept, with custody, not kept and why, released and why.

    `balance` counts files: one that came again is a line each time.
    """
    tally = Tally()
    for name, count in (("kept", summary.kept), ("of them answered 200", summary.custody)):
        tally.add(name if count else None, count)
    for title, found in (("not kept", summary.not_kept), ("released", summary.released)):
        for word, count in found.top():
            tally.add(f"{title}: {word}", count)
    return tally


def _table(*headings: str) -> Table:
    out.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        is_number = heading in ("requests", "%") or heading.startswith(("ms", "p", "max"))
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    return table


def _bar(count: int, most: int, colour: str = "blue") -> Text:
    width = _SHORT_BAR if _is_narrow() else _BAR
    eighths = max(1, round(width * 8 * count / most)) if most else 0
    return Text("█" * (eighths // 8) + "▏▎▍▌▋▊▉"[eighths % 8 - 1 : eighths % 8], colour)


def _show_reasons(title: str, reasons: Tally) -> None:
    top, total = reasons.top(), reasons.total_with_dropped
    if not top:
        return
    table = _table(f"{title}outcome", "reason", "requests", "%", "")
    for (outcome, reason), count in top:
        colour = COLOURS.get(outcome, "")
        share = f"{100 * count / total:.1f}"
        bar = _bar(count, top[0][1], colour)
        table.add_row(Text(printable(outcome), colour), printable(reason), f"{count:,}", share, bar)
    out.print(table)


def _show_tally(title: str, tally: Tally) -> None:
    top = tally.top(_TOP)
    if not top:
        return
    table = _table(title, "requests", "")
    for name, count in top:
        table.add_row(Text(printable(name)), f"{count:,}", _bar(count, top[0][1]))
    more = len(tally.counts) - len(top)
    if more:
        rest = tally.total_with_dropped - sum(count for _, count in top)
        table.add_row(Text(f"{more:,} others", "dim"), f"{rest:,}", "")
    out.print(table)


def _show_latency(summary: Summary) -> None:
    if summary.duration.maximum is None:
        return
    names = summary.duration.percentiles().keys()
    table = _table("ms", *names)
    for title, latency in (("whole", summary.duration), ("endpoint", summary.upstream)):
        values = latency.percentiles().values()
        table.add_row(title, *("-" if ms is None else f"{ms:,.3f}" for ms in values))
    out.print(table)


def _show_timeline(summary: Summary, *, utc: bool) -> None:
    """One row an outcome, each against its own peak."""
    minutes, buckets = summary.timeline.coarsened(min(out.width, 120) - _LABEL - 12)
    if not buckets:
        return
    title = Text("\ntimeline", "bold")
    out.print(title.append(f" ({length_of(minutes)} a column)", "not bold"))
    for outcome in summary.outcomes:
        counts = [counted.get(outcome, 0) for _, counted in buckets]
        peak = max(counts)
        line = Text(f"{printable(outcome)[:_LABEL]:{_LABEL}}")
        line.append("".join(_level(count, peak) for count in counts), COLOURS.get(outcome, ""))
        out.print(line.append(f" ≤{peak:,}", "dim"), soft_wrap=True)
    first, last = (_time(buckets[at][0], utc=utc) for at in (0, -1))
    gap = max(1, len(buckets) - len(first) - len(last))
    out.print(f"{'':{_LABEL}}{first}{' ' * gap}{last}", style="dim", soft_wrap=True)


def _level(count: int, peak: int) -> str:
    return _LEVELS[-(-count * (len(_LEVELS) - 1) // peak)] if peak else " "


def _show_slowest(summary: Summary) -> None:
    if not summary.slowest:
        return
    table = _table("ms, slowest", "request_id", "reference")
    for ms, *names in summary.slowest:
        table.add_row(f"{ms:,.3f}", *(Text(printable(name or "-")) for name in names))
    out.print(table)


def _show_seen(
    title: str, found: dict[tuple[str | None, str | None, str], Seen], *, utc: bool
) -> None:
    if not found:
        return
    pairs = ("channel", "event type"), ("first", "last")
    about, times = ([", ".join(pair)] for pair in pairs) if _is_narrow() else pairs
    table = _table("at", *about, "requests", *times)
    table.title, table.title_style, table.title_justify = title, "bold", "left"
    for (channel, event_type, pointer), seen in found.items():
        names = [printable(name or "-") for name in (channel, event_type)]
        moments = [_time(moment, utc=utc) for moment in (seen.first, seen.last)]
        if _is_narrow():  # one above the other
            names, moments = ["\n".join(names)], ["\n".join(moments)]
        table.add_row(Text(printable(pointer)), *map(Text, names), f"{seen.count:,}", *moments)
    out.print(table)


def _is_narrow() -> bool:
    return out.width < _NARROW


def _time(moment: float | None, *, utc: bool) -> str:
    return "-" if moment is None else show_time(moment, "minutes", utc=utc)
