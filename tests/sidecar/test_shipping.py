"""What there is to tell of a shipper, and when nothing is."""

from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.ledger.shipping import Shipping, write_shipping
from hookgate_sidecar.shipping import shipping_snapshot

TOLD = Shipping(1000.0, "a", 7, False, "", None, 0, 6, 0, 0, 0)


@pytest.mark.parametrize(
    ("ledger", "fleet", "told", "running"),
    [("audit.jsonl", "", None, None), ("audit.jsonl", "a", None, 0), ("-", "", TOLD, None),
     ("audit.jsonl", "", TOLD, 1), ("audit.jsonl", "", TOLD._replace(told=960.0), 0),
     ("audit.jsonl", "a", TOLD._replace(has_ended=True), 0)],
)  # fmt: skip
def test_a_shipper_that_should_run_or_ran_is_told(
    tmp_path: Path, ledger: str, fleet: str, told: Shipping | None, running: int | None
) -> None:
    """By what stands beside the ledger; one that never came is missed where there is a fleet."""
    if told is not None:
        write_shipping(tmp_path / "audit.shipping", told)
    path = ledger if ledger == "-" else str(tmp_path / ledger)
    config = load(None, {"upstream.url": "http://x", "audit.path": path, "fleet.name": fleet})
    snapshot = shipping_snapshot(config, 1005.0)
    expected: list[object] = [] if running is None else [([], running)]
    assert snapshot.get("hookgate_ship_running", []) == expected
    assert bool(snapshot) is (running is not None)
