"""Several processes, one folder: workers and the addon keep the same bodies at once."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from support.events import event
from support.kept import files, items, narrow
from support.mitmdump import running_mitmdump
from support.raw import ask, post
from support.sidecar import sidecar

BODIES = [event(reference=f"{number}") for number in range(10)]


def test_the_same_bodies_are_kept_once(tmp_path: Path) -> None:
    """Whoever comes first stores it, and every line names that file."""
    workers, addon = tmp_path / "workers", tmp_path / "addon"
    with contextlib.ExitStack() as stack:
        ports = []
        for folder in (workers, addon):
            folder.mkdir()
            keys = narrow(folder, store=tmp_path)
            if folder is workers:
                gate = stack.enter_context(
                    sidecar("http://127.0.0.1:1", folder, **keys, **{"sidecar.workers": "2"})
                )
                ports.append(gate.port)
            else:
                running = stack.enter_context(running_mitmdump(folder, **keys))
                ports.append(running.gate.port)

        def send(job: tuple[int, bytes]) -> int:
            return ask(job[0], post(job[1], b"/narrow")).status

        with ThreadPoolExecutor(8) as pool:
            jobs = [(port, body) for body in BODIES for port in ports * 3]
            assert set(pool.map(send, jobs)) == {422}
        records = [*gate.all_records("delivery"), *running.gate.records("delivery")]
        assert len(records) == len(jobs)
    assert sorted(item.body for item in items(tmp_path)) == sorted(BODIES)
    stored = {sha256(file.read_bytes()).hexdigest() for file in files(tmp_path)}
    assert {record["kept"] for record in records} == stored
    assert len(stored) == len(BODIES)
