"""`hookgate top`: what happens at gates, in a terminal, as it happens."""

import os
import sys
from typing import Annotated

import typer

from hookgate_cli.common import FAILED, ConfigOption, JsonOption, out, plain_errors
from hookgate_cli.gate_sources import GatesOptions, choose, place_of_gates
from hookgate_cli.option_groups import grouped
from hookgate_cli.poller import Poller
from hookgate_cli.terminal import print_json

from .running import Running
from .screen import draw_once

# What two looks may take: of a long ledger the first reads much.
_ONCE_SECONDS = 15.0


@grouped
def top(
    *,
    gates: GatesOptions,
    once: Annotated[
        bool, typer.Option("--once", help="Print what there is, and end. So does a plain terminal.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show gates as they are: what is wrong, what comes, and what is not delivered.

    It asks each gate's admin listener once a second, and no event waits for it. It only reads.
    Enter explains the request under the cursor; ? says what else there is to press.

    With --fleet it shows what the store of a fleet receives of its gates, and asks none of them.

    With --once, exits 1 if a gate does not answer.

    Examples:

      hookgate top

      hookgate top --gate http://10.0.0.1:9180 --gate http://10.0.0.2:9180

      hookgate top --log /var/log/nginx/hookgate-audit.jsonl

      hookgate top --fleet --dsn-file reader.dsn

      hookgate top --once --json | jq '.causes[].what'
    """
    with plain_errors():
        sources, place = choose(gates, config), place_of_gates(gates, config)
        if not (once or as_json) and _is_screen():
            Running(sources, config, place).run()
            return
        poller = Poller(sources, lambda: None, place)
        poller.start()
        poller.wait(2, _ONCE_SECONDS)
        poller.close()
        picture = poller.picture()
        if as_json:
            print_json(picture)
        else:
            for line in draw_once(picture, out.width):
                out.print(line, soft_wrap=True)
    if not all(one["answers"] for one in picture["gates"]):
        raise typer.Exit(FAILED)


def _is_screen() -> bool:
    """Tell whether there is a terminal that moves its cursor, and somebody at it."""
    plain = os.environ.get("TERM", "dumb") in ("", "dumb", "unknown")
    return sys.stdin.isatty() and sys.stdout.isatty() and not plain
