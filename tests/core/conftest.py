"""What tests of the core share."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """The event loops that the upstream client runs on: the addon's and the sidecar's."""
    with asyncio.Runner(loop_factory=request.param) as running:
        yield running
