"""Machines that each run a gate with a shipper beside, under load, and what may happen to them.

What a gate wrote is remembered whole, also of files that were deleted since: `Machine.written`.
"""

import contextlib
import gzip
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from hookgate.fleet.segment import place_of
from hookgate.ledger.reading.parsing import parse
from hookgate.ledger.shipping import read_shipping

from . import forked
from .fleet import Fleet
from .process import children
from .raw import Client, connected, post
from .receiver import Receiver, receiving
from .sidecar import HOOKGATE, Sidecar
from .tcp_proxy import TcpProxy
from .traffic import Traffic

# A gate looks each second whether its ledger was renamed.
_REOPENED_SECONDS = 2.5
# Connections that send to a gate, and how many have an event under way when it is killed.
_SENDERS, _UNDER_WAY = 3, 2
_PAUSE_SECONDS = 0.03


class Machine:
    """A gate and its shipper, which is the gate's child where it `serves_and_ships`."""

    def __init__(
        self,
        folder: Path,
        name: str,
        fleet: Fleet,
        dsn: str,
        upstream: str,
        traffic: Traffic,
        *,
        workers: int = 1,
        serves_and_ships: bool = False,
    ) -> None:
        self.folder, self.name, self.fleet = folder, name, fleet
        self.ledger = folder / "audit.jsonl"
        self._upstream, self._serves_and_ships = upstream, serves_and_ships
        self._traffic = traffic
        self._keys = {
            "fleet.name": name, "fleet.dsn_file": str(folder / "gate.dsn"),
            "sidecar.workers": str(workers),
        }  # fmt: skip
        self._deleted = folder / "deleted"
        self._deleted.mkdir(parents=True)
        (folder / "gate.dsn").write_text(dsn)
        (folder / "gate.dsn").chmod(0o600)
        self._gate: Sidecar | None = None
        self._shippers: list[forked.Forked] = []
        self._rotations = 0
        self._load: list[threading.Thread] = []
        self._rests = threading.Event()

    # the gate

    def start_gate(self) -> None:
        """Start it, and send it events."""
        options = "--ship" if self._serves_and_ships else ""
        self._gate = Sidecar(self._upstream, self.folder, options=options, **self._keys)
        self._rests.clear()
        send = (self._gate.port,)
        self._load = [threading.Thread(target=self._send, args=send) for _ in range(_SENDERS)]
        for sender in self._load:
            sender.start()

    def stop_gate(self, how: Callable[[Sidecar], object]) -> None:
        """End it by `Sidecar.stop` or `Sidecar.kill`, in the midst of events."""
        if self._gate is not None:
            how(self._gate)
            if (stream := self._gate.process.stdout) is not None:
                stream.close()
            self._gate = None
        self._rests.set()
        for sender in self._load:
            sender.join()

    def kill_gate(self, *, with_children: bool) -> None:
        """Kill it while the endpoint has events of it, and has not answered."""
        self._traffic.have_under_way(self.name, _UNDER_WAY)

        def kill(gate: Sidecar) -> None:
            pids = children(gate.process.pid) if with_children else ()
            gate.kill()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._traffic.let_go()

        self.stop_gate(kill)

    def _send(self, port: int) -> None:
        while not self._rests.wait(_PAUSE_SECONDS):
            with contextlib.suppress(OSError, EOFError), connected(port) as client:
                for _ in range(50):
                    if not self._send_one(client) or self._rests.wait(_PAUSE_SECONDS):
                        break

    def _send_one(self, client: Client) -> bool:
        """Send an event, and tell whether another may follow."""
        sent, status = self._traffic.next(self.name), None
        try:
            client.send(post(sent.body))
            reply = client.read()
            status = reply.status
        finally:
            self._traffic.note(sent, self.name, status)
        return reply.values(b"connection") != [b"close"]

    # the shipper

    def start_shipper(self) -> None:
        """Start one more, unless the gate has its own."""
        if not self._serves_and_ships:
            self._shippers.append(self.ship())

    def ship(self, *options: str) -> forked.Forked:
        """Start `hookgate ship`."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
        for key, value in {**self._keys, "audit.path": str(self.ledger)}.items():
            environment["HOOKGATE_" + key.upper().replace(".", "__")] = value
        started = forked.start([HOOKGATE, "ship", *options], environment, self.folder)
        assert started is not None
        for stream in (started.stdout, started.stderr):
            assert stream is not None
            threading.Thread(target=_drain, args=(stream,), daemon=True).start()
        return started

    def kill_shipper(self) -> None:
        """Kill the oldest one."""
        if self._serves_and_ships:
            shipping = read_shipping(self.folder / "audit.shipping")
            if shipping is not None and shipping.is_running(time.time()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(shipping.pid, signal.SIGKILL)
        elif self._shippers:
            shipper = self._shippers.pop(0)
            shipper.kill()
            shipper.wait(20)

    @property
    def shippers(self) -> int:
        """How many were started and not killed."""
        return len(self._shippers)

    # its disk

    def rotate(self) -> None:
        """As logrotate does: rename, compress the one before, delete what is in the store."""
        self._rotations += 1
        for file in self._parts():
            with contextlib.suppress(FileNotFoundError):
                file.rename(f"{file}.{self._rotations}")
        for file in sorted(self.folder.glob("*.jsonl.*")):
            age = self._rotations - int(file.name.removesuffix(".gz").rpartition(".")[2])
            if age >= 1 and file.suffix != ".gz":
                if time.time() - file.stat().st_mtime < _REOPENED_SECONDS:
                    continue
                packed = file.with_name("packing")
                packed.write_bytes(gzip.compress(file.read_bytes(), 1))
                packed.rename(f"{file}.gz")
                file.unlink()
            elif age >= 2 and self._is_shipped(file):
                shutil.move(file, self._deleted / file.name)

    def _parts(self) -> list[Path]:
        return [file for file in self.folder.glob("audit*.jsonl") if file.is_file()]

    def _is_shipped(self, file: Path) -> bool:
        try:
            rows = self.fleet.sql("SELECT boot, next_n FROM hookgate.boot")
        except Exception:  # noqa: BLE001  # the store is down
            return False
        next_n = dict(rows)
        return all(last < next_n.get(boot, 1) for boot, last in _ends(_lines(file)).items())

    def written(self) -> dict[str, bytes]:
        """All lines that its gate ever wrote, by boot; fails where one is missing."""
        boots: dict[str, dict[int, bytes]] = {}
        for file in (*self._deleted.iterdir(), *self.folder.glob("audit*.jsonl*")):
            for raw in _lines(file):
                place = place_of(parse(raw) or {})
                if place is not None:
                    boots.setdefault(place.boot, {})[place.n] = raw
        for lines in boots.values():
            assert sorted(lines) == list(range(1, len(lines) + 1))
        return {
            boot: b"".join(lines[n] + b"\n" for n in sorted(lines)) for boot, lines in boots.items()
        }

    def close(self) -> None:
        self.stop_gate(Sidecar.kill)
        while self._shippers:
            self.kill_shipper()


def _drain(stream: IO[str]) -> None:
    with stream:
        stream.read()


def _lines(file: Path) -> list[bytes]:
    data = file.read_bytes()
    return (gzip.decompress(data) if file.suffix == ".gz" else data).split(b"\n")


def _ends(lines: list[bytes]) -> dict[str, int]:
    places = [place_of(parse(raw) or {}) for raw in lines]
    return {place.boot: place.n for place in places if place is not None}


class Machines:
    """Three of them, on the way to one store; the last has workers, and one has its own shipper."""

    def __init__(
        self, fleet: Fleet, proxy: TcpProxy, upstream: Receiver, traffic: Traffic, folder: Path
    ) -> None:
        self.fleet, self.proxy, self.traffic = fleet, proxy, traffic
        self.all: list[Machine] = []
        for number, name in enumerate(("amsterdam", "breda", "utrecht"), 1):
            dsn = fleet.gate(name).replace(f"port={fleet.server.port}", f"port={proxy.port}")
            machine = Machine(
                folder / name, name, fleet, dsn, upstream.url, traffic,
                workers=1 + (number == 3), serves_and_ships=number == 2,
            )  # fmt: skip
            self.all.append(machine)

    def start(self) -> None:
        for machine in self.all:
            machine.start_gate()
            machine.start_shipper()

    def suffer(self, seconds: float, seed: int) -> dict[str, int]:
        """Have one thing after another happen to them, and say how often each did."""
        dice, until = random.Random(seed), time.monotonic() + seconds
        calamities = [
            self._gate_dies, self._gate_stops, self._shipper_dies, self._shipper_dies,
            self._rotates, self._rotates, self._store_dies, self._store_restarts,
            self._store_is_unreachable, self._answers_are_lost, self._store_is_slow,
            self._two_ship,
        ]  # fmt: skip
        happened: dict[str, int] = {}
        waiting: list[Callable[[random.Random], None]] = []
        while time.monotonic() < until:
            waiting = waiting or dice.sample(calamities, len(calamities))
            calamity = waiting.pop()
            calamity(dice)
            name = calamity.__name__.strip("_")
            happened[name] = happened.get(name, 0) + 1
            time.sleep(dice.uniform(0.1, 0.8))
        return happened

    def settle(self) -> None:
        """Have one gate die and come back, let every gate end, and send what the store lacks."""
        self._heal()
        self._die(self.all[0], with_children=True)
        for machine in self.all:
            machine.stop_gate(Sidecar.stop)
            while machine.shippers:
                machine.kill_shipper()
        for last in [machine.ship("--once") for machine in self.all]:
            assert last.wait(120) == 0

    def close(self) -> None:
        for machine in self.all:
            machine.close()

    def _heal(self) -> None:
        self.proxy.refuses = self.proxy.swallows = False
        self.proxy.delay, self.proxy.answers_left = 0.0, -1

    def _gate_dies(self, dice: random.Random) -> None:
        self._die(dice.choice(self.all), with_children=dice.random() < 0.5)

    def _die(self, machine: Machine, *, with_children: bool) -> None:
        machine.kill_gate(with_children=with_children)
        machine.start_gate()

    def _gate_stops(self, dice: random.Random) -> None:
        machine = dice.choice(self.all)
        machine.stop_gate(Sidecar.stop)
        machine.start_gate()

    def _shipper_dies(self, dice: random.Random) -> None:
        machine = dice.choice(self.all)
        machine.kill_shipper()
        if not machine.shippers:
            machine.start_shipper()

    def _two_ship(self, dice: random.Random) -> None:
        machine = dice.choice(self.all)
        if machine.shippers < 2:
            machine.start_shipper()

    def _rotates(self, dice: random.Random) -> None:
        dice.choice(self.all).rotate()

    def _store_dies(self, dice: random.Random) -> None:
        self.fleet.server.kill()
        time.sleep(dice.uniform(0, 1))
        self.fleet.server.start()

    def _store_restarts(self, _: random.Random) -> None:
        self.fleet.server.stop()
        self.fleet.server.start()

    def _store_is_unreachable(self, dice: random.Random) -> None:
        self.proxy.refuses = True
        self.proxy.break_off()
        time.sleep(dice.uniform(0.2, 1.5))
        self._heal()

    def _answers_are_lost(self, dice: random.Random) -> None:
        self.proxy.answers_left = dice.randrange(20)
        time.sleep(dice.uniform(0.2, 0.8))
        self._heal()

    def _store_is_slow(self, dice: random.Random) -> None:
        self.proxy.delay = 1.0
        time.sleep(dice.uniform(0.5, 2))
        self._heal()


@contextlib.contextmanager
def machines(fleet: Fleet, folder: Path) -> Iterator[Machines]:
    """Three that run."""
    proxy, traffic = TcpProxy(fleet.server.port), Traffic()
    with receiving(traffic.respond) as upstream:
        made = Machines(fleet, proxy, upstream, traffic, folder)
        try:
            made.start()
            yield made
        finally:
            made.close()
            proxy.close()
