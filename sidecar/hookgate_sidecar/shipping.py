"""What a shipper beside this gate tells of itself: the gate does not go by it."""

from pathlib import Path
from typing import Any

from hookgate.gate.metrics import Snapshot, rows
from hookgate.ledger.shipping import FINDINGS, Shipping, read_shipping, shipping_path
from hookgate.settings import Config


def shipping_snapshot(config: Config, now: float) -> Snapshot:
    """Read how far the shipper is; nothing where there is none, and none should be."""
    shipping = _read(config)
    if shipping is None:
        if not config.fleet.name:
            return {}
        return {
            "hookgate_ship_running": [([], 0)],
            "hookgate_ship_findings_total": rows(dict.fromkeys(FINDINGS, 0)),
        }
    is_running = shipping.is_running(now)
    return {
        "hookgate_ship_running": [([], int(is_running))],
        "hookgate_ship_store_available": [([], int(is_running and not shipping.store))],
        "hookgate_ship_lag_seconds": [([], shipping.lag(now))],
        "hookgate_ship_behind_bytes": [([], shipping.behind)],
        "hookgate_ship_lines_total": [([], shipping.lines)],
        "hookgate_ship_findings_total": rows(shipping.findings),
    }


def shipping_status(config: Config, now: float) -> dict[str, Any] | None:
    """Read the same for `/status`; None where there is none, and none should be."""
    shipping = _read(config)
    if shipping is None:
        return {"running": False} if config.fleet.name else None
    return {
        "running": shipping.is_running(now),
        "store": shipping.store,
        "lag_seconds": round(shipping.lag(now), 3),
        "behind_bytes": shipping.behind,
        "findings": shipping.findings,
    }


def _read(config: Config) -> Shipping | None:
    path = config.audit.path
    return None if path == "-" else read_shipping(shipping_path(Path(path)))
