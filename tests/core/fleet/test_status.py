"""What somebody should look at is found, and nothing else."""

from pathlib import Path

from hookgate.fleet.status import read_status
from support.fleet import Chain, Fleet


def kinds(fleet: Fleet) -> list[tuple[str, str]]:
    return [(f.gate, f.kind) for gate in read_status(fleet.dsn) for f in gate.findings]


def test_a_gate_that_works_is_no_finding(fleet: Fleet, ledger: Path) -> None:
    """One that was stopped, one that runs and has nothing to say, its workers among them."""
    for worker in ("1", "2"):
        chain = Chain(ledger.with_name(f"audit.{worker}.jsonl"), f"b{worker}")
        chain.add(3)
        chain.stop()
        Chain(chain.path, f"c{worker}", follows=f"b{worker}:4:x").add(2)
    fleet.shipper(ledger).ship()
    assert kinds(fleet) == []
    (gate,) = read_status(fleet.dsn)
    assert (gate.gate, gate.boots, gate.behind) == ("amsterdam", 4, 0)


def test_who_is_not_heard_of_and_who_does_not_keep_up(fleet: Fleet, ledger: Path) -> None:
    Chain(ledger).add(3)
    fleet.shipper(ledger).ship()
    fleet.gate("utrecht")
    fleet.sql(
        "UPDATE hookgate.gate SET seen = now() - interval '3 hours', behind = 70,"
        " behind_since = now() - interval '3 days' WHERE gate = 'amsterdam'"
    )
    found = [finding for gate in read_status(fleet.dsn) for finding in gate.findings]
    assert [(f.gate, f.kind, f.text) for f in found] == [
        ("amsterdam", "silent", "its shipper was last heard of 3 h ago"),
        ("amsterdam", "behind", "70 bytes were to be sent, for 2 d"),
        ("utrecht", "silent", "its shipper was never heard of"),
    ]


def test_a_boot_of_which_nothing_came(fleet: Fleet, ledger: Path) -> None:
    """Not one that was over before the gate belonged to the fleet."""
    fleet.gate()
    Chain(ledger, "b2", follows="b1:7:x").add(3)
    fleet.shipper(ledger).ship()
    assert kinds(fleet) == [("amsterdam", "missing")]
    fleet.sql("UPDATE hookgate.gate SET added = now() + interval '1 hour'")
    assert kinds(fleet) == []
