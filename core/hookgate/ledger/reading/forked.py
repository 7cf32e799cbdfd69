"""Work that is done ahead by a process on each core, and its results in the order of the tasks."""

import os
import pickle
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

# Beyond so many bytes of results, shared out to them, processes wait until those are taken.
_MOST_AHEAD = 96 << 20
_READ = 1 << 18
_LENGTH = 4
_MOST_PROCESSES = 8

Task = Callable[[], Iterator[Any]]


class WorkerError(Exception):
    """A process that worked for this one ended before its work was done; the message says how."""


@contextmanager
def ahead(tasks: Sequence[Task], *, forking: bool) -> Iterator[Callable[[int], Iterator[Any]]]:
    """Do tasks in processes of their own until the block ends, or each as it is asked for.

    Yields what gives the results of a task by its number; tasks are asked for in their order, and
    some may be left out. Results go through pickle. No thread may run when processes begin. Raises
    `WorkerError` where one is killed or fails.
    """
    count = min(len(os.sched_getaffinity(0)), len(tasks), _MOST_PROCESSES) if forking else 1
    if count == 1:
        yield lambda number: tasks[number]()
        return
    workers: list[_Worker] = []
    try:
        # Ctrl-C waits until each is known, and so will be ended.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for first in range(count):
                mine = range(first, len(tasks), count)
                workers.append(_Worker(tasks, mine, workers, _MOST_AHEAD // count))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield lambda number: _results(number, workers)
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process with some of the tasks, and what came of it so far and was not taken."""

    def __init__(
        self, tasks: Sequence[Task], mine: range, others: "Sequence[_Worker]", most: int
    ) -> None:
        self.out, into = os.pipe()
        self.has_ended = False
        self._came, self._most = bytearray(), most
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                # Ctrl-C reaches it too, and its parent ends it then.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                _end_with(parent)
                for out in (self.out, *(other.out for other in others)):
                    os.close(out)
                with os.fdopen(into, "wb") as pipe:
                    _work(tasks, mine, pipe)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(into)

    @property
    def may_go_on(self) -> bool:
        """Whether it may do more before what it has done is taken."""
        return not self.has_ended and len(self._came) < self._most

    def take(self) -> Any:
        """Take the next result, with its task's number; None where it did not come yet."""
        came = self._came
        end = _LENGTH + int.from_bytes(came[:_LENGTH], "little")
        if len(came) < max(end, _LENGTH + 1):
            return None
        with memoryview(came) as view:
            result = pickle.loads(view[_LENGTH:end])  # noqa: S301  # from a process of ours
        del came[:end]
        return result

    def read(self) -> None:
        """Read what came. Raises `WorkerError` where the process failed."""
        data = os.read(self.out, _READ)
        self._came += data
        if not data:
            self.has_ended = True
            _, status = os.waitpid(self._pid, 0)
            self._pid = 0
            if code := os.waitstatus_to_exitcode(status):
                how = f"was killed by signal {-code}" if code < 0 else "failed"
                raise WorkerError(f"a process that read a part of it {how}")

    def end(self) -> None:
        """End the process, if it still runs."""
        os.close(self.out)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _end_with(parent: int) -> None:
    """Look each second whether the process that began this one is there; end without it."""
    signal.signal(signal.SIGALRM, lambda *_: None if os.getppid() == parent else os._exit(1))
    signal.setitimer(signal.ITIMER_REAL, 1, 1)


def _results(number: int, workers: Sequence[_Worker]) -> Iterator[Any]:
    worker = workers[number % len(workers)]
    while True:
        while (result := worker.take()) is None:
            _wait(worker, workers)
        of, item = result
        if isinstance(item, WorkerError):
            raise item
        if of == number:  # else of a task that was left out
            if item is None:
                return
            yield item


def _wait(wanted: _Worker, workers: Sequence[_Worker]) -> None:
    """Wait until a process has done something, and read it."""
    if wanted.has_ended:
        raise WorkerError("a process that read a part of it ended too soon")
    polled = select.poll()
    for worker in workers:
        if worker is wanted or worker.may_go_on:
            polled.register(worker.out, select.POLLIN)
    ready = {fd for fd, _ in polled.poll()}
    for worker in workers:
        if worker.out in ready:
            worker.read()


def _work(tasks: Sequence[Task], mine: range, pipe: IO[bytes]) -> None:
    for number in mine:
        try:
            for item in tasks[number]():
                _send(pipe, (number, item))
        except Exception as error:  # noqa: BLE001  # its parent raises it
            _send(
                pipe, (number, WorkerError(f"a process that read a part of it failed: {error!r}"))
            )
        _send(pipe, (number, None))


def _send(pipe: IO[bytes], result: object) -> None:
    data = pickle.dumps(result, -1)
    pipe.write(len(data).to_bytes(_LENGTH, "little") + data)
    pipe.flush()
