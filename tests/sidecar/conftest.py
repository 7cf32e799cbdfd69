"""One sidecar and one upstream for all tests of a file that need no settings of their own."""

from collections.abc import Iterator

import pytest

from support.faulty import DEADLINE, PATIENCE, Faulty, faulty
from support.pair import Pair, paired


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with paired(tmp_path_factory.mktemp("gate")) as running:
        yield running


@pytest.fixture(scope="module")
def faulty_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """Its deadline is `PATIENCE` seconds and it relays at most 64 KiB."""
    keys = {"upstream.timeout": f"{PATIENCE}s", "upstream.max_response": "64KiB"}
    with faulty(tmp_path_factory.mktemp("faulty"), **keys) as running:
        yield running


@pytest.fixture(scope="module")
def hurried_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """Its deadline is `DEADLINE` seconds."""
    keys = {"upstream.timeout": f"{DEADLINE}s"}
    with faulty(tmp_path_factory.mktemp("hurried"), **keys) as running:
        yield running
