"""A keeper has several threads, for the disk's syncs take most of the time."""

import asyncio
from hashlib import sha256
from pathlib import Path

import structlog

from hookgate.policy import Origin, make_head
from hookgate.quarantine.item import Item
from hookgate.quarantine.keeper import Keeper, Kept
from hookgate.settings import Keep, QuarantineSettings
from support.kept import PUBLIC, files, items


def make_item(number: int) -> Item:
    """An item with a body that five of them share."""
    fields = [(b"Content-Type", b"application/json")]
    return Item(
        make_head("192.0.2.1", b"POST", b"/hook", fields),
        b'{"n":%d}' % (number // 5),
        Origin("192.0.2.1", "192.0.2.1", (), None),
        f"0-{number}",
        1_795_348_800.5,
        None,
    )


def test_what_comes_at_once_is_kept_once_and_counted(tmp_path: Path) -> None:
    """Also what comes before the folder is there, and what is under way as it is closed."""
    settings = QuarantineSettings(
        str(tmp_path / "quarantine"), (PUBLIC,), frozenset({Keep.REFUSED}), 86_400.0, 1000, 2**28
    )
    log: structlog.BoundLogger = structlog.wrap_logger(
        structlog.ReturnLogger(), [], structlog.BoundLogger
    )
    ended: list[Kept] = []

    async def session() -> Keeper:
        keeper = Keeper(settings, log, lambda *_: False)
        for number in range(200):
            keeper.keep(make_item(number), {"event": "delivery"}, ended.append)
        await keeper.close()
        return keeper

    keeper = asyncio.run(session())
    assert len(ended) == keeper.kept + sum(keeper.not_kept.values()) == 200
    assert set(keeper.not_kept) <= {"too_slow"}  # where the disk is that busy
    there = {sha256(file.read_bytes()).hexdigest() for file in files(tmp_path)}
    assert {one.sha256 for one in ended if one.sha256} <= there
    assert len({item.body for item in items(tmp_path)}) == len(there)
    assert asyncio.run(looked(settings, log)) == len(there)


async def looked(settings: QuarantineSettings, log: structlog.BoundLogger) -> int:
    """How many items a keeper counts that comes later."""
    keeper = Keeper(settings, log, lambda *_: False)
    await keeper.close()
    assert keeper.usage is not None
    return keeper.usage.items
