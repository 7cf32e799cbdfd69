"""The operational log: stderr, readable on a terminal, one JSON object a line otherwise."""

import atexit
import sys
from typing import Any

import structlog

from .unblocked import CHECKPOINT


class _Stderr:
    """Writes to stderr; one that fails, as on a full disk, costs the message alone."""

    def msg(self, message: str) -> None:
        try:
            sys.stderr.write(message + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            atexit.unregister(_forget_unwritten)
            atexit.register(_forget_unwritten)

    debug = info = warning = error = critical = msg


def _forget_unwritten() -> None:
    """Leave stderr alone at the end: what its buffer still holds would end Python 3.14 with 120."""
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.stderr = None


def _without_checkpoints(_logger: Any, _level: str, event: Any) -> Any:
    """Leave out what only a log that is kept is a witness by; nobody can compare it by eye."""
    if event["event"] == CHECKPOINT:
        raise structlog.DropEvent
    return event


def make_log(**context: str) -> structlog.BoundLogger:
    """A logger of its own; structlog's global configuration is left alone.

    Messages are dotted event names with key=value. Nothing a sender chose is ever passed to it.
    """
    terminal = sys.stderr.isatty()
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
    ]
    if terminal:
        processors += [_without_checkpoints, structlog.dev.ConsoleRenderer()]
    else:
        processors.append(structlog.processors.JSONRenderer())
    logger: structlog.BoundLogger = structlog.wrap_logger(
        _Stderr(), processors, structlog.BoundLogger, context_class=dict
    ).bind(**context)
    return logger
