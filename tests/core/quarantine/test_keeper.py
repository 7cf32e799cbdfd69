"""Keeping beside an event loop, which never waits and is always told."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import structlog

from hookgate.quarantine import keeper as module
from hookgate.quarantine import releases
from hookgate.quarantine.claims import Claim
from hookgate.quarantine.encryption import QuarantineKeyError
from hookgate.quarantine.entry import Usage
from hookgate.quarantine.keeper import LOOK_SECONDS, THREADS, Keeper, Kept, NotKept
from hookgate.settings import Keep, QuarantineSettings
from support.kept import PUBLIC
from support.quarantine import (
    age,
    all_files,
    check,
    file_of,
    keep,
    make_item,
    make_record,
    make_store,
    numbers,
    opened_store,
)


class Site:
    """A keeper in a loop, what it releases and what it logs."""

    def __init__(self, path: Path, **given: Any) -> None:
        values = {"max_age": 3600.0, "max_items": 1000, "max_bytes": 1 << 28, **given}
        settings = QuarantineSettings(str(path), (PUBLIC,), frozenset((Keep.REFUSED,)), **values)
        self.logged: list[str] = []
        self.released: list[tuple[str, str]] = []
        self.writes = True
        self.loop = asyncio.get_running_loop()
        log = structlog.wrap_logger(None, [self._log], structlog.BoundLogger)
        self.keeper = Keeper(settings, log, self._release)

    def _log(self, _: object, level: str, event: structlog.typing.EventDict) -> str:
        self.logged.append(f"{level} {event['event']}")
        raise structlog.DropEvent

    def _release(self, claim: Claim) -> bool:
        assert asyncio.get_running_loop() is self.loop
        self.released.append((claim.kept, claim.cause))
        return self.writes

    async def keep(self, number: int, **more: Any) -> Kept:
        """Keep an item; what its `done` is told."""
        told: asyncio.Future[Kept] = self.loop.create_future()
        item = make_item(number)
        self.keeper.keep(item, make_record(item, **more), told.set_result)
        assert not told.done()
        return await asyncio.wait_for(told, 30)

    async def look(self) -> None:
        """Let the keeper look through all of the store, as in a minute."""
        for _ in range(LOOK_SECONDS):
            await self.idle()
            self.keeper.tick()
        await self.idle()

    async def idle(self) -> None:
        """Wait for the threads, and for what they said."""
        async with asyncio.timeout(30):
            while self.keeper._waiting or self.keeper._is_looking:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0.001)

    def block(self) -> threading.Event:
        """Have the threads wait, as for a disk that hangs, until the event."""
        event = threading.Event()
        for _ in range(2 * THREADS):
            self.keeper._threads.submit(lambda: event.wait(30))
        return event


Act = Callable[[Site], Coroutine[Any, Any, None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that others use may take long; tests of what is too long say how long that is."""
    monkeypatch.setattr(module, "KEEP_SECONDS", 60.0)


@pytest.fixture
def run(runner: asyncio.Runner, path: Path) -> Callable[..., Site]:
    """What runs a site to its end."""

    def run(act: Act, **given: Any) -> Site:
        async def work() -> Site:
            site = Site(path, **given)
            await site.idle()
            await act(site)
            await site.keeper.close()
            return site

        return runner.run(work())

    return run


Run = Callable[[Act], Site]


def test_what_is_kept_is_told_once_it_is_there(run: Run, path: Path) -> None:
    async def act(site: Site) -> None:
        for number in range(3):
            told = await site.keep(number)
            assert not told.refusal
            (entry,) = [
                e for e in make_store(path).entries() if (e.record or {})["kept"] == told.sha256
            ]
            assert (entry.record or {})["request_id"] == f"boot-{number}"

    site = run(act)
    assert numbers(make_store(path)) == [0, 1, 2]
    assert (site.keeper.kept, site.keeper.not_kept.total()) == (3, 0)
    assert site.logged == []


def test_what_becomes_of_the_record_meanwhile_is_not_kept(run: Run, path: Path) -> None:
    async def act(site: Site) -> None:
        item = make_item(1)
        record = make_record(item)
        site.keeper.keep(item, record, lambda _: None)
        record["outcome"] = "changed"

    run(act)
    (entry,) = check(path)
    assert (entry.record or {})["outcome"] == "refused"


def test_who_would_wait_too_long_is_answered(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then it is not kept either."""
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.05)

    async def act(site: Site) -> None:
        blocked = site.block()
        assert await site.keep(1) == Kept("", NotKept.TOO_SLOW)
        blocked.set()
        await site.idle()
        assert site.keeper._waiting == site.keeper._waiting_bytes == 0

    site = run(act)
    assert all_files(path) == []
    assert site.keeper.not_kept == {"too_slow": 1}
    assert site.keeper.kept == 0


@pytest.mark.parametrize(("size", "most"), [(0, 256), (10 << 20, 3), (40 << 20, 1)])
def test_only_so_much_waits(runner: asyncio.Runner, path: Path, size: int, most: int) -> None:
    """256 items or 32 MiB; one that is larger waits alone. The rest is refused at once."""

    async def work() -> None:
        site = Site(path)
        blocked = site.block()
        told: list[Kept] = []
        item = make_item(1, size=size)
        for _ in range(most + 2):
            site.keeper.keep(item, make_record(item), told.append)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert told == [Kept("", NotKept.BUSY)] * 2
        blocked.set()
        await site.idle()
        assert len(told) == most + 2
        assert site.keeper.kept == most
        assert site.keeper._waiting == site.keeper._waiting_bytes == 0
        await site.keeper.close()

    runner.run(work())


def test_one_whose_answer_fails_harms_no_other(run: Run) -> None:
    async def act(site: Site) -> None:
        item = make_item(1)
        site.keeper.keep(item, make_record(item), _fail)
        assert (await site.keep(2)).sha256

    assert run(act).logged == ["error quarantine.fault"]


def test_what_can_be_made_no_item_is_refused(run: Run) -> None:
    """The gate gives no such head; the thread goes on."""

    async def act(site: Site) -> None:
        item = make_item(1)
        told: list[Kept] = []
        broken = item._replace(head=item.head._replace(method=b"A B"))
        site.keeper.keep(broken, make_record(item), told.append)
        await site.idle()
        assert told == [Kept("", NotKept.UNAVAILABLE)]
        assert (await site.keep(2)).sha256

    assert run(act).logged == ["error quarantine.fault"]


def test_a_store_that_is_full_is_told_once_until_there_was_room(run: Run, path: Path) -> None:
    async def act(site: Site) -> None:
        assert (await site.keep(1)).sha256
        for number in (2, 3):
            assert await site.keep(number) == Kept("", NotKept.FULL)
        assert site.keeper.available
        store = make_store(path)
        (entry,) = store.entries()
        claim = store.claim(entry, "purged")
        assert claim
        store.drop(claim)
        assert (await site.keep(2)).sha256
        assert await site.keep(3) == Kept("", NotKept.FULL)

    site = run(act, max_items=1)  # type: ignore[call-arg]  # what the settings have
    assert site.logged == ["error quarantine.full"] * 2
    assert site.keeper.not_kept == {"full": 3}


def test_a_store_that_cannot_be_used_is_told_once_and_tried_again(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    """Each minute, and by whatever is to be kept; it is made at the start alone."""

    async def work() -> None:
        path = tmp_path / "parent" / "kept"
        site = Site(path)
        for number in (1, 2):
            assert await site.keep(number) == Kept("", NotKept.UNAVAILABLE)
        await site.look()
        assert (site.keeper.available, site.keeper.usage) == (False, None)
        path.parent.mkdir()
        await site.look()
        assert not path.exists()
        path.mkdir(0o700)
        await site.look()
        assert (site.keeper.available, site.keeper.usage) == (True, Usage(0, 0, None))
        assert (await site.keep(1)).sha256
        await site.keeper.close()
        assert site.logged == ["error quarantine.unavailable", "info quarantine.recovered"]

    runner.run(work())


def test_what_is_too_old_is_released(run: Run, path: Path) -> None:
    """Once that is recorded; what has custody stays."""

    async def act(site: Site) -> None:
        old = await site.keep(1)
        await site.keep(2, custody=True)
        await site.keep(3)
        for number in (1, 2):
            age(file_of(path, make_item(number)), 3700)
        site.writes = False
        await site.look()
        assert len(list(make_store(path).entries())) == 3
        site.writes = True
        await site.look()
        assert set(site.released) == {(old.sha256, "expired")}
        assert site.keeper.released == {"expired": 1}
        assert site.keeper.usage is not None
        await site.look()
        assert site.keeper.usage.items == 2

    run(act)
    assert numbers(make_store(path)) == [2, 3]


def test_what_is_recorded_goes_some_looks_later(run: Run, path: Path) -> None:
    """Its line is synced by then: a power cut takes no item whose line it takes too."""

    async def act(site: Site) -> None:
        await site.keep(1)
        age(file_of(path, make_item(1)), 3700)
        for _ in range(LOOK_SECONDS):
            site.keeper.tick()
            await site.idle()
            if site.released:
                break
        for _ in range(2):
            assert [entry.claimed for entry in make_store(path).entries()] == ["expired"]
            site.keeper.tick()
            await site.idle()
        assert (len(site.released), site.keeper.released) == (1, {"expired": 1})

    run(act)
    assert check(path) == []


def test_a_claim_whose_process_has_ended_is_recorded(run: Run, path: Path) -> None:
    """For its own cause, and not while that holds it."""

    async def act(site: Site) -> None:
        kept = await site.keep(1)
        store = make_store(path)
        (entry,) = store.entries()
        claim = store.claim(entry, "replayed")
        assert claim
        await site.look()
        assert site.released == []
        claim.close()
        await site.look()
        assert site.released == [(kept.sha256, "replayed")]

    run(act)
    assert check(path) == []


def test_many_that_are_too_old_stop_nobody(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part goes each second, here one, and between them others are kept."""
    monkeypatch.setattr(releases, "_SECONDS", 0.0)

    async def act(site: Site) -> None:
        assert len(site.released) == 1
        while len(site.released) < 20:
            await site.look()
            assert (await site.keep(999)).sha256

    store = opened_store(path)
    for number in range(20):
        keep(store, make_item(number))
        age(file_of(path, make_item(number)), 3700)
    site = run(act)
    assert len(site.released) == len(set(site.released)) == 20
    assert numbers(make_store(path)) == [999]


def test_the_end_waits_for_what_was_begun(runner: asyncio.Runner, path: Path) -> None:
    """And takes nothing more."""

    async def work() -> None:
        site = Site(path)
        told: list[Kept] = []
        for number in range(5):
            site.keeper.keep(make_item(number), make_record(make_item(number)), told.append)
        await site.keeper.close()
        assert [bool(kept.sha256) for kept in told] == [True] * 5
        site.keeper.keep(make_item(6), make_record(make_item(6)), told.append)
        site.keeper.tick()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert told[5:] == [Kept("", NotKept.UNAVAILABLE)]

    runner.run(work())


def test_the_end_does_not_wait_for_a_disk_that_hangs(
    runner: asyncio.Runner, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are answered by then."""
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.05)
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.2)

    async def work() -> None:
        site = Site(path)
        blocked = site.block()
        told: list[Kept] = []
        site.keeper.keep(make_item(1), make_record(make_item(1)), told.append)
        await site.keeper.close()
        assert told == [Kept("", NotKept.TOO_SLOW)]
        blocked.set()

    runner.run(work())


def test_where_no_thread_can_be_had_nothing_waits(
    runner: asyncio.Runner, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused in the loop, and kept once there is one."""

    async def work() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", _fail)
            site = Site(path)
            assert await site.keep(1) == Kept("", NotKept.UNAVAILABLE)
        site.keeper._look(lambda: site.keeper._store.open(create=True))
        await site.idle()
        assert (await site.keep(1)).sha256
        await site.keeper.close()

    runner.run(work())


def _fail(_: object) -> None:
    raise RuntimeError("can't start new thread")


def test_recipients_that_are_none_end_the_start(runner: asyncio.Runner, path: Path) -> None:
    async def work() -> None:
        settings = QuarantineSettings(str(path), ("age1",), frozenset(), 1.0, 1, 1)
        with pytest.raises(QuarantineKeyError):
            Keeper(settings, structlog.get_logger(), lambda *_: True)

    runner.run(work())
