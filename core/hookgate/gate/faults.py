"""Faults of our own, in the operational log."""

import structlog


def log_fault(log: structlog.BoundLogger, where: str, error: BaseException) -> None:
    """Log an exception by its type and innermost place: its message may hold a sender's value.

    `where` names what was being done, in the gate's words.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace is not None else None
    log.error(
        "gate.fault",
        where=where,
        error=type(error).__name__,
        function=code.co_qualname if code is not None else "",
        line=trace.tb_lineno if trace is not None else 0,
    )
