"""DuckDB itself: a database in a bound of memory, and a query that tells its progress."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY = "1GB"
_POLL = 0.1


class DuckDBError(Exception):
    """DuckDB could not read the files; plain Python may."""


@contextmanager
def open_database() -> Iterator["DuckDBPyConnection"]:
    """Open an empty database until the block ends. Raises `DuckDBError` for errors of its own."""
    import duckdb  # noqa: PLC0415  # 60 ms that a small ledger need not wait for

    with tempfile.TemporaryDirectory(prefix="hookgate-") as folder:
        database = duckdb.connect(
            config={
                "memory_limit": _MEMORY,
                "temp_directory": folder,
                "preserve_insertion_order": "false",
                "autoinstall_known_extensions": "false",
            }
        )
        try:
            yield database
        except duckdb.Error as error:
            raise DuckDBError(str(error)) from error
        finally:
            database.close()


def run(database: "DuckDBPyConnection", query: str, on_progress: Callable[[int], None]) -> None:
    """Run a query; `on_progress` is told the bytes that were read since, ten times a second."""
    read = _bytes_read()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(database.execute, query)
        try:
            while not running.done():
                wait((running,), _POLL)
                on_progress(_bytes_read() - read)
                read = _bytes_read()
        except BaseException:
            database.interrupt()
            raise
        running.result()


def _bytes_read() -> int:
    # By this whole process. DuckDB's own progress stands still while it groups.
    try:
        return int(Path("/proc/self/io").read_bytes().split()[1])
    except OSError:
        return 0
