"""Work behind the deliveries' backs: in its order, and done though no thread can be had."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from hookgate.ledger.writing.background import Background


def test_work_is_done_in_its_order_on_one_thread() -> None:
    work = Background("work")
    done: list[tuple[int, int]] = []

    def note(number: int) -> int:
        done.append((number, threading.get_ident()))
        return number

    futures = [work.submit(partial(note, number)) for number in range(50)]
    work.close()
    assert [future.result() for future in futures] == [number for number, _ in done]
    assert [number for number, _ in done] == list(range(50))
    assert len({thread for _, thread in done} - {threading.get_ident()}) == 1


def test_work_goes_on_after_a_close() -> None:
    work = Background("work")
    work.submit(lambda: 1)
    work.close()
    assert work.submit(lambda: 2).result() == 2
    work.close()


def test_without_a_thread_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors are raised then, and later work has its thread again."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    def fail() -> None:
        raise OSError("the disk is gone")

    work = Background("work")
    with monkeypatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", refuse)
        future = work.submit(threading.get_ident)
        assert future.done()
        assert future.result() == threading.get_ident()
        with pytest.raises(OSError, match="the disk is gone"):
            work.submit(fail)
    assert work.submit(threading.get_ident).result() != threading.get_ident()
    work.close()
