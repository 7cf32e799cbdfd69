"""The sidecar end to end, in one breath."""

from pathlib import Path

from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import FOREIGN, sidecar


def test_a_clean_event_passes_and_a_foreign_one_does_not(tmp_path: Path) -> None:
    """One of each: the upstream sees the clean one's bytes, the ledger has both."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        assert ask(gate.port, post(CLEAN), FOREIGN).status == 403
        assert [seen.body for seen in upstream.seen] == [CLEAN]
        outcomes = [record["outcome"] for record in gate.wait_for_deliveries(2)]
        assert outcomes == ["delivered", "refused"]
        assert gate.stop() == 0
        assert_chained(gate.audit)
        assert assert_balanced(gate.audit) == {"delivered": 1, "refused": 1}
