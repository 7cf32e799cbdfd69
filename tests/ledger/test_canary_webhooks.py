"""One number in place of each member of each webhook's bodies: it appears nowhere but where named.

Only what a contract calls a reference or a name is recorded as it came.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hookgate.config.contracts import load_rules
from hookgate.policy import parse_rules
from hookgate.policy.contract_rules import EACH
from hookgate.samples import CONTRACTS, documented_samples
from support.raw import connected, post
from support.receiver import receiving
from support.sidecar import sidecar

CANARY = "0031655501234"
Step = str | int


def places(document: Any, above: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """The way to each value of a document, itself left out."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for step, value in items if isinstance(document, dict | list) else ():
        yield (*above, step)
        if isinstance(value, dict | list):
            yield from places(value, (*above, step))


def spoiled(body: bytes, place: tuple[Step, ...], *, key: bool) -> bytes:
    """A body with the number for the value at a place, or for its key."""
    document = holder = json.loads(body)
    for step in place[:-1]:
        holder = holder[step]
    if key:
        holder[CANARY] = holder.pop(place[-1])
    else:
        holder[place[-1]] = CANARY
    return json.dumps(document).encode()


def bodies(contract: str) -> Iterator[bytes]:
    """Each sample with the number in each place where nothing may be recorded as it came."""
    read = parse_rules(load_rules(contract)).read
    names = {p for field in ("reference", "event_reference", "names") for p in read[field]}
    for body in documented_samples(contract).values():
        for place in places(json.loads(body)):
            if tuple(EACH if isinstance(step, int) else step for step in place) not in names:
                yield spoiled(body, place, key=False)
            if isinstance(place[-1], str):
                yield spoiled(body, place, key=True)


def test_the_number_is_recorded_and_told_nowhere(tmp_path: Path) -> None:
    """Not in a line, a message or an answer, whether its body passes or not."""
    routes = "".join(f'[[route]]\npath = "/{c}"\ncontract = "{c}"\n' for c in CONTRACTS)
    (tmp_path / "hookgate.toml").write_text(routes)
    sent = [(f"/{contract}".encode(), body) for contract in CONTRACTS for body in bodies(contract)]
    assert len(sent) > 500
    told, statuses = [], set()
    keys = {"audit.personal_data": "mask"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        with connected(gate.port) as client:
            for path, body in sent:
                client.send(post(body, path))
                reply = client.read()
                statuses.add(reply.status)
                if CANARY.encode() in reply.head + reply.body:
                    told.append((path, body))
        gate.wait_for_deliveries(len(sent))
        assert gate.stop() == 0
        lines = gate.audit.read_text().splitlines()
        assert [
            line for line in (*lines, *gate.log.whole().splitlines()) if CANARY[2:] in line
        ] == []
        assert CANARY.encode() in b"".join(seen.body for seen in upstream.seen)
    assert told == []
    assert statuses == {200, 422}
