"""What is logged of a fault of our own."""

from typing import Any

import pytest
import structlog

from hookgate.gate.faults import log_fault

SECRET = "canary-0031699999999"


def innermost() -> None:
    raise ValueError(SECRET)


def outermost() -> None:
    innermost()


@pytest.fixture
def logged() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def log(logged: list[dict[str, Any]]) -> structlog.BoundLogger:
    def remember(_: Any, __: str, entry: Any) -> str:
        logged.append(dict(entry))
        return ""

    wrapped: structlog.BoundLogger = structlog.wrap_logger(
        structlog.ReturnLogger(), [remember], structlog.BoundLogger
    )
    return wrapped


def test_a_fault_is_told_by_its_type_and_innermost_place(
    log: structlog.BoundLogger, logged: list[dict[str, Any]]
) -> None:
    """And not by its message, which may hold a sender's value."""
    with pytest.raises(ValueError, match=SECRET) as raised:
        outermost()
    log_fault(log, "send", raised.value)
    line = innermost.__code__.co_firstlineno + 1
    assert logged == [
        {
            "event": "gate.fault",
            "where": "send",
            "error": "ValueError",
            "function": "innermost",
            "line": line,
        }
    ]


def test_a_fault_that_was_never_raised_has_no_place(
    log: structlog.BoundLogger, logged: list[dict[str, Any]]
) -> None:
    log_fault(log, "send", ValueError(SECRET))
    assert [(entry["function"], entry["line"]) for entry in logged] == [("", 0)]
