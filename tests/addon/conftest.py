"""One mitmdump and one upstream for all tests of a file that need no settings of their own."""

from collections.abc import Iterator

import pytest

from support.mitmdump import Running, running_mitmdump


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_mitmdump(tmp_path_factory.mktemp("gate"), **{"request.max_body": "4KiB"}) as pair:
        yield pair
