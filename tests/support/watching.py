"""A watcher in simulated time: a day passes in milliseconds."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hookgate.alarms.clock import Clock
from hookgate.alarms.conditions.table import make_conditions
from hookgate.alarms.notice import Notice
from hookgate.alarms.sight import Sight
from hookgate.alarms.watcher import Watcher
from hookgate.config.keys import KEYS
from hookgate.config.layers import gather
from hookgate.config.watching import WatchSettings, read_watch_settings
from hookgate.ledger.record import Record

from .lines import delivery

# The moment at which every simulation begins: a Sunday at noon.
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def watch_settings(**keys: str) -> WatchSettings:
    """The settings with these keys, `section__name`, as the environment would give them."""
    return read_watch_settings(
        gather(None, {}, {f"HOOKGATE_{k.upper()}": v for k, v in keys.items()})
    )


CONDITIONS = [key.name for key in KEYS if key.section == "alarm"][3:]


class Notices(list[Notice]):
    """A teller that remembers."""

    def tell(self, notice: Notice) -> None:
        self.append(notice)

    def close(self, timeout: float) -> None:
        pass

    def pending(self) -> list[dict[str, Any]]:
        return []

    def take(self) -> list[str]:
        """What was told since: a condition's name, `-` before it where it is over."""
        told = [f"{'-' * notice.resolved}{notice.condition}" for notice in self]
        self.clear()
        return told


class Scene:
    """A watcher, whose clock is moved by hand: `elapsed` by time that passes, `jumped` by who sets
    it. `ago` is how long ago records were written. `sight` is what it sees beside them.
    """

    def __init__(self, settings: WatchSettings | None = None) -> None:
        self.settings = settings or watch_settings()
        self.elapsed = 0.0
        self.jumped = self.ago = 0.0
        self.sight = Sight(NOON)
        self.notices = Notices()
        self._start()

    def _start(self) -> None:
        began = self.elapsed
        self.clock = Clock(lambda: NOON + self.elapsed + self.jumped, lambda: self.elapsed - began)
        conditions = make_conditions(self.settings)
        self.watcher = Watcher(conditions, "gate1", self.notices, self.clock)

    def restart(self, saved: Any = None) -> None:
        """End the watcher, and begin another with what it saved."""
        saved = json.loads(json.dumps(self.watcher.save())) if saved is None else saved
        self._start()
        self.watcher.load(saved)

    def feed(self, *records: Record, part: str = "/ledger/audit.jsonl") -> None:
        """Have records read now."""
        ts = datetime.fromtimestamp(self.clock.wall() - self.ago, UTC).replace(tzinfo=None)
        for record in records:
            self.watcher.feed({**record, "ts": f"{ts.isoformat(timespec='microseconds')}Z"}, part)

    def events(self, count: int, reason: str = "clean", **fields: Any) -> None:
        """Have so many requests end so."""
        self.feed(*(delivery(number, reason, **fields) for number in range(count)))

    def after(self, seconds: float = 0.0, **seen: Any) -> list[str]:
        """Let time pass, with something other seen at its end, and return what was told."""
        self.elapsed += seconds
        self.sight = self.sight._replace(wall=self.clock.wall(), **seen)
        self.watcher.tick(self.sight)
        return self.notices.take()


def alone(name: str) -> Scene:
    """A scene in which all other conditions are off."""
    off = {f"alarm__{other}": "off" for other in CONDITIONS if other != name}
    return Scene(watch_settings(**off))


def metrics(**values: float) -> Mapping[str, float]:
    """Metrics by their names without `hookgate_`."""
    return {f"hookgate_{name}": value for name, value in values.items()}
