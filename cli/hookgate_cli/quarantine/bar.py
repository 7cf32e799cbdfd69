"""A progress bar for what takes seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hookgate_cli.common import err


@contextmanager
def bar(doing: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal, in the block; yields what is to be called for each that is done."""
    if not sys.stderr.isatty() or not total:
        yield lambda: None
        return
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda: progress.advance(task)
