"""What the doctor reads from the ledger's end of those who send, and of proxies in front."""

import json
import re
from typing import Any

import pytest

from support.doctor import SetUp
from support.lines import Record, delivery, start, stop, write
from support.ports import free_ports

Group = tuple[int, str, str]
LET_IN, FOREIGN = "clean", "source_not_allowed"


def keep(setup: SetUp, groups: list[Group], **fields: Any) -> None:
    """Have a ledger with so many deliveries, of a reason and a peer each, the last ones last."""
    records: list[Record] = [start(**fields)]
    for count, reason, peer in groups:
        more = {"peer": peer, "client": peer, **fields}
        records += [delivery(len(records) + n, reason, **more) for n in range(count)]
    write_whole(setup, records)


def write_whole(setup: SetUp, records: list[Record]) -> None:
    for second, record in enumerate(records):
        record["ts"] = f"2026-11-22T12:{second // 60:02}:{second % 60:02}.000000Z"
    write(setup.folder / "audit.jsonl", *records).chmod(0o640)
    (setup.folder / "audit.state").write_text('{"ledger":"audit.jsonl","last":"b0:1:"}\n')


def proposed(setup: SetUp) -> str:
    """What is to be trusted, as it stands in the mend; "" where nothing is found."""
    told = [f for f in setup.look() if f["check"] == "proxies"]
    assert all(f["severity"] == "wrong" for f in told)
    return "".join(re.findall(r"trusted_proxies = \[(.*?)\]", told[0]["mend"])) if told else ""


@pytest.mark.parametrize(
    ("groups", "peers"),
    [
        ([(2, LET_IN, "31.169.56.1"), (90, FOREIGN, "127.0.0.3")], '"127.0.0.3"'),
        ([(2_000, LET_IN, "31.169.56.1"), (90, FOREIGN, "10.0.0.5")], '"10.0.0.5"'),
        ([(3, FOREIGN, "10.0.0.6"), (2, FOREIGN, "10.0.0.5")], '"10.0.0.6", "10.0.0.5"'),
        ([(9, FOREIGN, "10.0.0.5"), (1, FOREIGN, "203.0.113.9")], '"10.0.0.5"'),
        ([(9, FOREIGN, "::ffff:100.64.0.1"), (1, FOREIGN, "fd00::1")],
         '"100.64.0.1", "fd00::1"'),
        ([(9, FOREIGN, "203.0.113.9")], ""),
        ([(2, FOREIGN, "10.0.0.5")], ""),
        ([(9, LET_IN, "31.169.56.1"), (4, FOREIGN, "10.0.0.5")], ""),
        ([(90, FOREIGN, "10.0.0.5"), (100, LET_IN, "31.169.56.1")], ""),
    ],
)  # fmt: skip
def test_proxies_in_front_that_nobody_named(groups: list[Group], peers: str, setup: SetUp) -> None:
    """Whatever else was sent, and however many there are: private addresses are refused mostly."""
    keep(setup, groups)
    assert proposed(setup) == peers


@pytest.mark.parametrize(
    ("allow", "lacking"),
    [
        ([], ["31.169.56.0/21", "85.119.48.0/21", "188.94.184.0/22"]),
        (["31.169.56.0/22"], ["31.169.60.0/22", "85.119.48.0/21", "188.94.184.0/22"]),
        (["31.169.48.0/20", "85.119.48.0/21", "188.94.184.0/23"], ["188.94.186.0/23"]),
        (["31.169.48.0/20", "85.119.48.0/21", "188.94.184.0/22"], []),
    ],
)
def test_shipped_ranges_that_may_not_send(
    allow: list[str], lacking: list[str], setup: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which they are; what is to be written lets them in, and whoever else was."""
    usual = '"127.0.0.1", "cm.com"'
    given = json.dumps(["127.0.0.1", *allow])[1:-1]
    setup.file.write_text(setup.file.read_text().replace(usual, given))
    found = [f for f in setup.look() if f["check"] == "ranges"]
    if not lacking:
        assert found == []
        return
    assert found[0]["says"].partition("refuses them: ")[2].split(", ") == lacking
    assert found[0]["severity"] == "look"
    keep(setup, [(3, FOREIGN, "203.0.113.9"), (2, FOREIGN, lacking[-1].replace(".0/", ".9/")[:-3])])
    (found,) = [[f for f in setup.look() if f["check"] == "ranges"]]
    assert (found[0]["severity"], "2 requests" in found[0]["says"]) == ("wrong", True)
    line = re.search(r"allow = (\[.*?\])", found[0]["mend"])
    assert line is not None
    assert json.loads(line[1].removeprefix("allow = "))[:2] == ["cm.com", "127.0.0.1"]
    with monkeypatch.context() as shell:
        shell.setenv("HOOKGATE_SOURCE__ALLOW", given.replace('"', "") + ",")
        (found,) = [[f for f in setup.look() if f["check"] == "ranges"]]
        name, _, value = found[0]["mend"].removeprefix("set ").partition(", and")[0].partition("=")
        shell.setenv(name, value)
        assert setup.look() == []
    setup.file.write_text(setup.file.read_text().replace(f"[{given}]", line[1]))
    assert setup.look() == []


def test_the_policy_in_force_counts_alone(setup: SetUp) -> None:
    """What was refused before a reload says nothing; who is named by now needs a reload."""
    refused = [delivery(n, FOREIGN, peer="10.0.0.5", policy="old") for n in range(9)]
    reload = {"event": "reload", "boot": "b0", "policy": "new", "old_policy": "old"}
    write_whole(setup, [start(policy="old"), *refused, reload])
    assert setup.look() == []
    write_whole(setup, [start(policy="old"), *refused])
    setup.write('source.trusted_proxies = ["10.0.0.5"]\n')
    assert "reload the gate" in setup.one("proxies")["mend"]
    setup.write('source.trusted_proxies = ["10.0.0.9"]\n')
    assert 'named now (["10.0.0.9"])' in setup.one("proxies")["mend"]


def test_a_listener_on_loopback_goes_by_the_peers_of_the_ledger(setup: SetUp) -> None:
    """Too few for more: what it offers is the address that came, and not a usual one."""
    (port,) = free_ports(1)
    setup.write(f'sidecar.listen = "127.0.0.1:{port}"\n')
    setup.file.write_text(setup.file.read_text().replace('"127.0.0.1", ', ""))
    refused = delivery(1, FOREIGN, peer="127.0.0.3", client="127.0.0.3")
    write_whole(setup, [start(), refused, stop(1)])
    assert 'trusted_proxies = ["127.0.0.3"]' in setup.one("reachable")["mend"]


def test_a_named_proxy_that_names_nobody(setup: SetUp) -> None:
    """The request that it tells to explain is the last one."""
    keep(setup, [(5, "source_unresolved", "10.0.0.5")])
    found = setup.one("proxies")
    assert "b0-5" in found["commands"][0]
    assert "at 2026-11-22T12:00:05" in found["mend"]
