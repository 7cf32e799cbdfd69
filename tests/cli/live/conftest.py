"""One page of a gate that is made up, for all who look at it from outside."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from support.answers import Site
from support.live import Live, Told, living, telling


class Shown(NamedTuple):
    """A page, and the gate that it shows."""

    live: Live
    told: Told
    site: Site


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A page that is open, with room for readers."""
    site = Site()
    site.deliver(5)
    with (
        telling(site.now()) as (told, receiver),
        living(tmp_path_factory.mktemp("live"), "--gate", receiver.url,
               "--host", "live.example.com") as live,
    ):  # fmt: skip
        yield Shown(live, told, site)
