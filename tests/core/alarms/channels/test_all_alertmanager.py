"""A real Alertmanager is told of an alarm, shows it, tells its own receivers, and sees its end."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hookgate.alarms.channels.all import Channels
from support.alertmanager import alertmanager
from support.notices import Remembered, channel, notice
from support.receiver import Receiver, receiving


def test_an_alarm_is_active_until_it_is_resolved(tmp_path: Path) -> None:
    """With its labels and words; it would end by itself only after two reminders."""
    began = datetime.now(UTC) - timedelta(minutes=5)
    with receiving() as hook, alertmanager(tmp_path, f"{hook.url}/hook") as running:
        channels = Channels([channel("alertmanager", running.url)], Remembered().logger)
        try:
            (tried,) = channels.test("gate-1")
            assert tried.outcome.told
            channels.tell(notice(began=began))
            alert = wait(lambda: by_name(running.alerts(), "HookgateSilence"))
            assert alert["status"]["state"] == "active"
            assert alert["labels"] == {
                "alertname": "HookgateSilence",
                "gate": "gate-1",
                "severity": "critical",
                "subject": "/cm/events",
            }
            assert alert["annotations"]["summary"] == "nothing came for 30 minutes"
            lasts = datetime.fromisoformat(alert["endsAt"]) - datetime.now(UTC)
            assert timedelta(hours=2) < lasts < timedelta(hours=3)
            assert wait(lambda: told(hook, "HookgateSilence", "firing"))
            channels.tell(notice("events come again", began=began, ended=datetime.now(UTC)))
            assert wait(lambda: told(hook, "HookgateSilence", "resolved"))
            assert by_name(running.alerts(), "HookgateSilence") is None
            assert by_name(running.alerts(), "HookgateTest") is not None  # for five minutes
        finally:
            channels.close(30)
        assert channels.pending() == []


def wait(look: Callable[[], Any]) -> Any:
    """What it finds, once it finds something."""
    end = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def by_name(alerts: list[dict[str, Any]], name: str) -> Any:
    return next((each for each in alerts if each["labels"]["alertname"] == name), None)


def told(hook: Receiver, name: str, status: str) -> bool:
    """Whether Alertmanager told its own receiver this of an alert."""
    alerts = [alert for seen in list(hook.seen) for alert in json.loads(seen.body)["alerts"]]
    return any(a["labels"]["alertname"] == name and a["status"] == status for a in alerts)
