"""What somebody should look at is found, and nothing else."""

from pathlib import Path

from hookgate.fleet.status import MOST_OF_A_KIND, read_status
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
    fleet.sql("UPDATE hookgate.gate SET behind = NULL WHERE gate = 'amsterdam'")
    assert "0 bytes" in read_status(fleet.dsn)[0].findings[1].text


def test_a_gate_has_stopped_only_if_its_stop_was_received(fleet: Fleet, ledger: Path) -> None:
    """What it did since its shipper was heard of last, the store cannot know."""
    chain, shipper = Chain(ledger), fleet.shipper(ledger)
    chain.add(3)
    shipper.ship()
    chain.stop()
    assert [gate.stopped for gate in read_status(fleet.dsn)] == [False]
    shipper.ship()
    assert [gate.stopped for gate in read_status(fleet.dsn)] == [True]
    fleet.gate("utrecht")
    assert [gate.stopped for gate in read_status(fleet.dsn)] == [True, False]


def test_a_boot_of_which_nothing_came(fleet: Fleet, ledger: Path) -> None:
    """Not one that was over before the gate belonged to the fleet."""
    fleet.gate()
    Chain(ledger, "b2", follows="b1:7:x").add(3)
    fleet.shipper(ledger).ship()
    assert kinds(fleet) == [("amsterdam", "missing")]
    fleet.sql("UPDATE hookgate.gate SET added = now() + interval '1 hour'")
    assert kinds(fleet) == []


def test_what_somebody_plants_is_told_by_a_number(fleet: Fleet, ledger: Path) -> None:
    """Who has a gate's login can send a million boots: neither the page nor other gates drown."""
    for name in ("amsterdam", "utrecht"):
        fleet.gate(name)
    fleet.sql(
        "INSERT INTO hookgate.boot (boot, gate, follows, began)"
        " SELECT 'b' || 2 * n, 'amsterdam', 'b' || 2 * n - 1, now() FROM generate_series(1, 1000) n"
        " UNION SELECT 'c2', 'utrecht', 'c1', now()"
    )
    found = [f for gate in read_status(fleet.dsn) for f in gate.findings if f.kind == "missing"]
    assert [f.gate for f in found] == ["amsterdam"] * (MOST_OF_A_KIND + 1) + ["utrecht"]
    assert found[MOST_OF_A_KIND].text == f"and {1000 - MOST_OF_A_KIND} more"
