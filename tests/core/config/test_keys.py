"""The table of keys, and the defaults that users rely on."""

from typing import Any

import pytest

from hookgate.alarm_settings import Frequency
from hookgate.config.keys import KEYS, SECTIONS, Key


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_every_default_is_one_that_could_be_written(key: Key) -> None:
    """But the upstream's URL, which has none."""
    if key.path == "upstream.url":
        with pytest.raises(ValueError, match="missing"):
            key.parse(key.default)
    else:
        key.parse(key.default)


def test_the_table_has_no_key_twice() -> None:
    """Neither by its path nor by its variable; and each says what it is for."""
    assert len({key.path for key in KEYS}) == len({key.variable for key in KEYS}) == len(KEYS)
    assert all(key.about.endswith(".") for key in KEYS)
    assert (
        " ".join(SECTIONS) == "upstream source request checks audit quarantine fleet sidecar alarm"
    )


DEFAULTS: dict[str, Any] = {
    "upstream.host": "preserve",
    "upstream.timeout": 5.0,
    "upstream.max_connections": 128,
    "upstream.max_response": 2**20,
    "source.allow": ("cm.com",),
    "source.allow_file": "",
    "source.watch": ("cm.com-other",),
    "source.trusted_proxies": (),
    "source.trusted_proxies_file": "",
    "source.header": "x-forwarded-for",
    "source.proxy_protocol": False,
    "request.methods": ("POST",),
    "request.max_body": 2**20,
    "request.max_depth": 64,
    "request.max_values": 10_000,
    **{f"checks.{name}": "enforce" for name in ("method", "route", "media_type")},
    **{f"checks.{name}": "enforce" for name in ("document", "contract")},
    "audit.path": "hookgate-audit.jsonl",
    "audit.personal_data": "mask",
    "audit.key_file": "",
    "audit.seal_key_file": "",
    "audit.fsync": "interval",
    "quarantine.path": "",
    "quarantine.recipients": (),
    "quarantine.keep": ("refused",),
    "quarantine.max_age": 30 * 86_400.0,
    "quarantine.max_items": 10_000,
    "quarantine.max_bytes": 2**28,
    "fleet.name": "",
    "fleet.dsn_file": "",
    "fleet.quarantine": False,
    "sidecar.listen": ("127.0.0.1", 8081),
    "sidecar.socket_mode": 0o660,
    "sidecar.workers": 1,
    "sidecar.max_connections": 1024,
    "sidecar.max_foreign_connections": 64,
    "sidecar.max_unnamed_connections": 128,
    "sidecar.max_in_flight": 512,
    "sidecar.max_buffered": 2**26,
    "sidecar.max_head": 16 * 1024,
    "sidecar.max_fields": 100,
    "sidecar.varying_fields": (),
    "sidecar.head_timeout": 10.0,
    "sidecar.body_timeout": 30.0,
    "sidecar.keep_alive": 75.0,
    "sidecar.drain": 15.0,
    "sidecar.worker_timeout": 30.0,
    "sidecar.admin": None,
    "sidecar.ready_needs_upstream": False,
    "alarm.gate": "",
    "alarm.state": "hookgate-alarms.json",
    "alarm.ledgers": (),
    "alarm.silence": 900.0,
    "alarm.lost": Frequency(1, 3600),
    "alarm.endpoint": Frequency(3, 300),
    "alarm.refusals": Frequency(3, 900),
    "alarm.near": Frequency(1, 3600),
    "alarm.gate_fails": Frequency(3, 600),
    "alarm.ledger_fails": 300.0,
    "alarm.ledger_gone": 10.0,
    "alarm.ledger_unread": 0.0,
    "alarm.stopped": 120.0,
    "alarm.not_ready": 120.0,
    "alarm.restarts": Frequency(3, 900),
    "alarm.workers": 120.0,
    "alarm.custody": 3600.0,
    "alarm.not_kept": Frequency(1, 900),
    "alarm.quarantine_full": 0.9,
    "alarm.quarantine_old": 3 * 86_400.0,
    "alarm.shipping": 600.0,
    "alarm.certificate": 14 * 86_400.0,
    "alarm.ranges": 180 * 86_400.0,
}


@pytest.mark.parametrize(("path", "value"), DEFAULTS.items())
def test_the_defaults_are_these(path: str, value: Any) -> None:
    """What users who set nothing rely on."""
    (key,) = (key for key in KEYS if key.path == path)
    assert key.parse(key.default) == value


def test_only_six_checks_can_be_observed() -> None:
    """The source, encoding, size and framing have no key: they always enforce."""
    assert [key.name for key in KEYS if key.section == "checks"] == [
        "method",
        "route",
        "media_type",
        "signature",
        "document",
        "contract",
    ]
