"""`hookgate audit report`: the ledger as one page that needs nothing but a browser."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hookgate.ledger.balance import balance
from hookgate.ledger.chain import verify
from hookgate.ledger.fate import Losses
from hookgate.ledger.reader import Line
from hookgate.ledger.stats import Summary
from hookgate_cli.audit.common import FilesArgument, find_ledgers, rereading
from hookgate_cli.common import FINDING, ConfigOption, err, fail, load_config, out
from hookgate_cli.terminal import printable

from .findings import Findings


def report(
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="The page to write.")],
    files: FilesArgument = None,
    seal_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The key of the chain; else audit.seal_key_file, else none."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write one page that shows what came to the gate and what became of it.

    When and why, from where, how fast, what changed, what is presumed lost, and whether the ledger
    balances and its chain holds. The page loads nothing from anywhere: mail it, or archive it.
    Needs the extra: pip install 'hookgate[audit]'.

    Examples:

      hookgate audit report --html report.html

      hookgate audit report --html november.html /var/log/hookgate/*.jsonl*
    """
    if find_spec("vl_convert") is None or find_spec("jinja2") is None:
        fail("the report's charts are not installed; pip install 'hookgate[audit]'")
    from .page import render  # noqa: PLC0415  # only a report needs the extra

    ledgers = find_ledgers(files, config)
    if any(html.exists() and html.samefile(ledger) for ledger in ledgers):
        fail(f"--html {html} is a ledger; a report would overwrite it")
    given = {"audit.seal_key_file": str(seal_key) if seal_key is not None else None}
    found = gather(ledgers, load_config(config, given, offline=True).audit.seal_key)
    try:
        html.write_text(render(found), "utf-8")
    except OSError as error:
        fail(f"--html {html} cannot be written: {error.strerror}")
    out.print(f"{found.summary.deliveries:,} requests: {printable(html)}", soft_wrap=True)
    if found.summary.malformed:
        err.print(f"{found.summary.malformed:,} lines were written by no gate; the page names them")
        raise typer.Exit(FINDING)


def gather(ledgers: list[Path], key: bytes = b"") -> Findings:
    """Read the ledgers twice, a third time if something may be lost, and say what they hold."""
    summary, losses = Summary([str(ledger) for ledger in ledgers]), Losses()

    def watched(lines: Iterable[Line]) -> Iterator[Line]:
        for line in map(Line.checked, lines):
            summary.add(line)
            if line.record is not None:
                losses.add(line.record)
            yield line

    read = rereading(ledgers)
    balanced = balance(watched(read()))
    return Findings(summary, balanced, verify(read(), key), losses.confirm(read))
