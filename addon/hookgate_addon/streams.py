"""mitmproxy's own log, which nobody waits for either.

It prints to standard output, on the thread that carries every request, and ends the process where
that fails.
"""

import logging
import sys
from typing import Any

import structlog

from hookgate.unblocked import unblock_stderr, unblocked


def unblock_streams(log: structlog.BoundLogger) -> None:
    """Let no request wait for whoever reads standard output or error."""

    def tell(messages: int) -> None:
        log.warning("log.dropped", messages=messages)

    unblock_stderr(tell)
    handler: Any
    for handler in logging.getLogger().handlers:
        if getattr(handler, "file", None) is sys.__stdout__:  # mitmproxy's TermLogHandler
            handler.file = unblocked(1, tell)
