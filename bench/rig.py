"""The test rig: an upstream, contenders in front of it, loads, and what each cost."""

import http.client
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .contenders.commands import nginx
from .contenders.contender import OWN, Command, Contender, Site
from .events import EVENT, SEPARATOR, compact_events, mixed_events
from .load import LoadError, Wrk, wrk
from .process import ProcessTree, core_idle, free_port, running, wait_until

RANGES = ("127.0.0.1/32", *OWN)
START_SECONDS = 30


class Running(NamedTuple):
    """A contender that answers, and how long it took to start."""

    contender: Contender
    site: Site
    tree: ProcessTree
    start_seconds: float


class Rig:
    """Context manager of cores, an upstream and a folder; `started` starts contenders.

    The contender has a core for itself. The load generator and the upstream share the second one,
    or have one each where there are three.
    """

    def __init__(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise SystemExit("bench: needs two cores, one for the contender and one for the load")
        self.core, self.load_core, self.upstream_core = (
            cores[0],
            cores[1],
            cores[min(2, len(cores) - 1)],
        )
        self._stack = ExitStack()

    def __enter__(self) -> "Rig":
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            # nginx's worker is another user where it is started by root.
            self.folder.chmod(0o755)
            self.events = self.bodies("events", mixed_events())
            self.compact = self.bodies("compact", compact_events())
            self.upstream = free_port()
            stack.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
            os.sched_setaffinity(0, {self.load_core})
            stack.enter_context(self._upstream())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bodies(self, name: str, bodies: Sequence[bytes]) -> Path:
        """Write request bodies into a file, for a load to send in turn."""
        file = self.folder / name
        file.write_bytes(SEPARATOR.join(bodies))
        return file

    @contextmanager
    def _upstream(self) -> Iterator[None]:
        folder = self.folder / "upstream"
        folder.mkdir(mode=0o755)
        command = nginx(Site(folder, self.upstream, 0, ()), "nginx-upstream.conf")
        with running(self.upstream_core, command.arguments, {}, folder / "out"):
            if not wait_until(lambda: ask(self.upstream, EVENT) == 200, START_SECONDS):
                raise LoadError("the upstream does not start")
            yield

    @contextmanager
    def started(
        self, contender: Contender, ranges: tuple[str, ...] = RANGES, status: int = 200
    ) -> Iterator[Running]:
        """Start a contender, and wait until it answers the event with `status`.

        Raises LoadError where it does not within 30 seconds.
        """
        folder = Path(tempfile.mkdtemp(prefix=f"{contender.key}-", dir=self.folder))
        folder.chmod(0o777)
        site = Site(folder, free_port(), self.upstream, ranges)
        command: Command = contender.prepare(site)
        try:
            began = time.monotonic()
            with running(self.core, command.arguments, command.environment, folder / "out") as tree:
                answers = wait_until(
                    lambda: tree.process.poll() is not None or ask(site.port, EVENT) == status,
                    START_SECONDS,
                )
                took = time.monotonic() - began
                if not answers or tree.process.poll() is not None:
                    raise LoadError(f"{contender.name} does not start: {_complaint(folder)}")
                yield Running(contender, site, tree, took)
        finally:
            # Logs of millions of requests would fill the disk.
            shutil.rmtree(folder, ignore_errors=True)

    def load(
        self,
        target: Running,
        seconds: float,
        *,
        body: Path | None = None,
        connections: int = 32,
        alike: bool = False,
    ) -> tuple[Wrk, dict[str, Any]]:
        """Load a contender with as much as goes through, and measure what that cost its core.

        `alike` is for heads and bodies as kind as can be: no trace ids, no spaces.

        Raises LoadError where nothing is answered.
        """
        idle, cpu = core_idle(self.core), target.tree.cpu()
        file, port = body or (self.compact if alike else self.events), target.site.port
        found = wrk(self.load_core, port, file, seconds, connections, alike=alike)
        used, idle = target.tree.cpu().since(cpu), core_idle(self.core) - idle
        if not found.requests:
            raise LoadError(f"{target.contender.name} answered nothing")
        return found, {
            "contender": target.contender.key,
            "requests": found.requests,
            "seconds": round(found.seconds, 3),
            "rate": round(found.requests / found.seconds, 1),
            "user_us": round(used.user / found.requests * 1e6, 2),
            "system_us": round(used.system / found.requests * 1e6, 2),
            "core_idle": round(max(0, idle / found.seconds), 3),
        }

    def accepted(self, target: Running, seconds: float, **options: Any) -> dict[str, Any]:
        """Load a contender as `load` does; raises LoadError unless every answer was a success."""
        found, row = self.load(target, seconds, **options)
        if found.status or found.errors:
            raise LoadError(
                f"{target.contender.name}: of {found.requests} answers {found.status} were over"
                f" 399, and {found.errors} connections broke: {_complaint(target.site.folder)}"
            )
        return row


def ask(port: int, body: bytes) -> int | None:
    """POST a body on a new connection; return the status, None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/cm/events", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def keeps_connection(port: int, body: bytes) -> bool:
    """Tell whether a second request is answered on the connection of the first."""
    # In one write, as the loads do: a refusal on the head alone ends the connection.
    request = (
        b"POST /cm/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            for _ in range(2):
                connection.sendall(request)
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                answer.read()
                if answer.will_close:
                    return False
                time.sleep(0.05)
    except (OSError, http.client.HTTPException):
        return False
    return True


def _complaint(folder: Path) -> str:
    texts = [
        (folder / name).read_text(errors="replace")[-2000:]
        for name in ("out.err", "error.log", "out")
        if (folder / name).exists()
    ]
    return "\n".join(text for text in texts if text) or "it says nothing"
