"""Ledger files read ahead by a process on each core, and what came of it in the files' order.

A process takes stretches of what holds its lines as they are, and whole files that are compressed
or wrapped.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

from .forked import ahead
from .pieces import Stretch, cut
from .source import Source

# Below this, in bytes of text, processes are not worth their beginning.
_LARGE = 16 << 20
_PACKED = 6

Work = Callable[[Stretch], Iterator[Any]]


@contextmanager
def read_ahead(
    sources: Sequence[Source], work: Work
) -> Iterator[Callable[[Source], Iterator[Any]]]:
    """Do the work on each stretch of the sources until the block ends.

    Yields what gives the results of a source, stretch by stretch. Sources are asked for in their
    order, and some may be left out. Raises `WorkerError` where a process ends before its work.
    """
    numbers: dict[tuple[str, int], range] = {}
    stretches: list[Stretch] = []
    for source in sources:
        first = len(stretches)
        stretches += cut(source)
        numbers[source.key] = range(first, len(stretches))
    tasks = [partial(work, stretch) for stretch in stretches]
    with ahead(tasks, forking=sum(map(_size, sources)) >= _LARGE) as results:
        yield lambda source: chain.from_iterable(map(results, numbers[source.key]))


def _size(source: Source) -> int:
    return source.size * (_PACKED if source.compression else 1)
