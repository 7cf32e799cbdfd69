"""mitmproxy's terminal log, kept from blocking requests.

mitmproxy prints to standard output, on the thread that carries every request, and ends the process
where that fails.
"""

import logging
import sys
from typing import Any

import structlog

from hookgate.unblocked import unblock_stderr, unblocked


def unblock_streams(log: structlog.BoundLogger) -> None:
    """Let no request wait for the reader of standard output or error; log how much was dropped."""

    def log_dropped(messages: int) -> None:
        log.warning("log.dropped", messages=messages)

    unblock_stderr(log_dropped)
    handler: Any
    for handler in logging.getLogger().handlers:
        if getattr(handler, "file", None) is sys.__stdout__:  # mitmproxy's TermLogHandler
            handler.file = unblocked(1, log_dropped)
