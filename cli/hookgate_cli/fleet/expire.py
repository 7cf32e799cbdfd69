"""`hookgate fleet expire`: what was received long ago is deleted."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from hookgate.config.parsers import duration
from hookgate.fleet.admin import Admin
from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import JsonOption, fail, out
from hookgate_cli.terminal import print_json

from .login import DsnOption, read_dsn, store_errors

_DAY = 86_400


def expire(
    older: Annotated[
        str, typer.Option("--older", metavar="AGE", help="Received so long ago, as in 90d.")
    ],
    dsn_file: DsnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete what was received long ago, by whole days in UTC.

    The store keeps how much that was, when, and by whom; and how far each boot was received, so
    that a gate which still has the lines does not send them again. Backups are not reached.

    What gates keep is deleted likewise, and what left so long ago; what has custody stays.

    Example:

      hookgate fleet expire --older 90d --dsn-file admin.dsn
    """
    try:
        age = timedelta(seconds=duration(_DAY, 36_500 * _DAY)(older))
    except ValueError as error:
        fail(f"--older {older} {error}")
    before = (datetime.now(UTC) - age).date()
    dsn = read_dsn(dsn_file)
    with store_errors(dsn_file):
        admin = Admin.connect(dsn)
        try:
            gone = admin.expire(before)
            items = admin.expire_items(before)
        finally:
            admin.close()
    if as_json:
        days = [
            {"day": str(day), "segments": segments, "lines": lines} for day, segments, lines in gone
        ]
        print_json([*days, {"items": items}])
        return
    for day, _, lines in gone:
        out.print(f"{day}: {count_of(lines, 'line')}")
    if items:
        out.print(f"of what gates kept: {count_of(items, 'item')}")
    if not gone and not items:
        out.print(f"nothing was received before {before}")
