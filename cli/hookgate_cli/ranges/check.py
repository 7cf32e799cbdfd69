"""`hookgate ranges check`: the allowed ranges beside those that the provider announces."""

from datetime import UTC, datetime
from typing import Annotated, Any

import netaddr
import typer
from rich.text import Text

from hookgate.networks.ranges import REVIEWED, SHIPPED
from hookgate.times import iso_time, show_time
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, fail, load_config, out
from hookgate_cli.terminal import print_json, printable

from .announced import AUTONOMOUS_SYSTEM, Announced, read_announced
from .comparison import Allowed, Beside, Comparison, Standing, compare
from .source import RIPESTAT, SourceError, name_of, read

# The source has no answer: a timer tells that from a finding.
UNREAD = 3
_MOST_SHOWN = 8
_WORDS = {
    Standing.EXACTLY: "announced as it is",
    Standing.WITHIN: "announced, within {}",
    Standing.WHOLE: "announced, in parts: {}",
    Standing.PART: "announced in part only: {}",
    Standing.NONE: "not announced",
    Standing.OWN: "not CM.com's network: an address of your own?",
}
_LEAVE = (
    "What is allowed and not announced may be CM.com's all the same, behind another network: ask"
    " CM.com, and take nothing away before."
)
_LOOK = (
    "What is announced and not allowed may send nothing, or be CM.com's next range: look at its"
    " page on whitelisting and ask CM.com. Until then watch it, which admits nobody:"
)


def check(
    source: Annotated[
        str,
        typer.Option(
            metavar="URL|FILE", help="What says it: another URL, or a file with its JSON."
        ),
    ] = RIPESTAT,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare source.allow with what CM.com's network (AS15447) announces, by RIPEstat.

    Exits 1 if they differ, and 3 if the source cannot be read. It sends one GET request, follows no
    redirect, and changes nothing.

    Examples:

      hookgate ranges check

      hookgate ranges check --source announced.json --json
    """
    settings = load_config(config, offline=True).source
    try:
        announced = read_announced(read(source))
    except SourceError as error:
        fail(f"{name_of(source)} {error}", UNREAD)
    shipped = [netaddr.IPNetwork(c) for found in SHIPPED.values() for c in found.cidrs]
    found = compare(settings.allow, shipped, settings.watch, announced.prefixes)
    if as_json:
        print_json(_report(found, announced), indent=2)
    else:
        _show(found, announced, settings.watch)
    if not found.agrees:
        raise typer.Exit(FINDING)


def _report(found: Comparison, announced: Announced) -> dict[str, Any]:
    return {
        "agrees": found.agrees,
        "as_of": _text(announced.at),
        "reviewed": REVIEWED.isoformat(),
        "allowed": [
            {
                "range": str(a.network),
                "announced": a.standing.value,
                "as": list(map(str, a.prefixes)),
            }
            for a in found.allowed
        ],
        "beside": [
            {
                "prefix": str(b.network),
                "not_allowed": list(map(str, b.rest)),
                "watched": b.is_watched,
            }
            for b in found.beside
        ],
        "withdrawn": {str(network): _text(at) for network, at in announced.withdrawn.items()},
    }


def _show(found: Comparison, announced: Announced, watch: tuple[netaddr.IPNetwork, ...]) -> None:
    at = ""
    if announced.at is not None:
        at = f" as of {show_time(announced.at.timestamp(), 'minutes', utc=True)}"
    out.print(f"AS{AUTONOMOUS_SYSTEM}{at}: {len(announced.prefixes)} prefixes announced")
    for allowed in found.allowed:
        _row(str(allowed.network), _of_allowed(allowed), good=allowed.standing.agrees)
    for beside in found.beside:
        _row(str(beside.network), _of_beside(beside), good=beside.is_watched)
    for network, last in announced.withdrawn.items():
        _row(str(network), f"announced until {last:%Y-%m-%d}, no more", good=True)
    if any(allowed.standing in (Standing.PART, Standing.NONE) for allowed in found.allowed):
        out.print(_LEAVE, soft_wrap=True)
    new = [rest for beside in found.beside if not beside.is_watched for rest in beside.rest]
    if new:
        out.print(_LOOK, soft_wrap=True)
        listed = ", ".join(f'"{network}"' for network in dict.fromkeys((*watch, *new)))
        out.print(Text(f"  [source]\n  watch = [{listed}]"), soft_wrap=True)
    age = (datetime.now(UTC).date() - REVIEWED).days
    out.print(f"The shipped ranges were last reviewed on {REVIEWED}, {age} days ago.")


def _row(network: str, words: str, *, good: bool) -> None:
    text = Text(f"  {network:<20} ").append(printable(words), "green" if good else "red")
    out.print(text, soft_wrap=True)


def _of_allowed(allowed: Allowed) -> str:
    named = [str(prefix) for prefix in allowed.prefixes[:_MOST_SHOWN]]
    more = len(allowed.prefixes) - len(named)
    shown = ", ".join((*named, *([f"{more} more"] if more else [])))
    return f"allowed, {_WORDS[allowed.standing].format(shown)}"


def _of_beside(beside: Beside) -> str:
    allowed = "not allowed" if beside.rest == (beside.network,) else "allowed in part only"
    return f"announced, {allowed}{', watched' if beside.is_watched else ''}"


def _text(moment: datetime | None) -> str | None:
    return iso_time(moment.timestamp(), "seconds") if moment is not None else None
