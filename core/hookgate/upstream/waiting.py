"""Requests that wait for a connection to the upstream, and the attempts to make them one."""

import asyncio
from collections import deque

from .connection import ResponseHandler


class WaitingRequest:
    """A request for which no connection is free.

    `attempt` is to make one: its own, or that of a request that was served before it.
    """

    __slots__ = ("attempt", "deadline", "handler", "request")

    def __init__(self, request: bytes, handler: ResponseHandler, deadline: float) -> None:
        self.request = request
        self.handler = handler
        self.deadline = deadline
        self.attempt: asyncio.Task[None] | None = None


class WaitingRequests(deque[WaitingRequest]):
    """Those that wait, in the order in which they came."""

    def of(self, attempt: "asyncio.Task[None] | None") -> WaitingRequest | None:
        """Find who waits for an attempt; None where nobody does any more."""
        return next((waiting for waiting in self if waiting.attempt is attempt), None)

    def take_first(self) -> WaitingRequest:
        """Take who waits longest. Its attempt goes to the first who has none, lest one more is
        begun for it.
        """
        first = self.popleft()
        if first.attempt is not None and (heir := self.of(None)) is not None:
            heir.attempt, first.attempt = first.attempt, None
        return first
