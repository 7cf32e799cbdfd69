"""What `balance` and `verify` found in a ledger, printed for a person."""

from collections import Counter
from collections.abc import Callable

from rich.padding import Padding
from rich.text import Text

from hookgate.ledger.audit.findings import AuditFinding
from hookgate_cli.common import out
from hookgate_cli.terminal import printable

_WITHOUT_SEAL = ("unproved", "unsealed")
# More findings than that nobody reads.
_MOST_PRINTED = 50


def print_findings(
    findings: list[AuditFinding], more: Counter[str], is_grave: Callable[[str], bool]
) -> None:
    """Print up to 50 findings, the grave ones first, each with its place and its text.

    `more` counts by kind those that are not in the list. Lines without a seal come last of the
    grave ones: those from before there was a key are many, and would hide the rest.
    """
    ordered = sorted(findings, key=lambda f: (not is_grave(f.kind), f.kind in _WITHOUT_SEAL))
    for kind, boot, place, text in ordered[:_MOST_PRINTED]:
        title = Text(kind.replace("_", " "), "red" if is_grave(kind) else "yellow")
        out.print(title.append(f"  {printable(place)}", "default"), soft_wrap=True)
        words = printable(f"boot {boot}: {text}" if boot else text)
        out.print(Padding(Text(words), (0, 0, 0, 2), expand=False))
    rest = Counter(finding.kind for finding in ordered[_MOST_PRINTED:]) + more
    if rest:
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in rest.items())
        out.print(f"and {counts} more; --json has more of them")
