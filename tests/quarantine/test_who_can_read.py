"""What a gate stored cannot be read with anything that the gate's user can read."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.quarantine.encryption import QuarantineKeyError, parse_identities
from support.events import event
from support.kept import SECRET, files, items, narrow
from support.raw import ask, post
from support.sidecar import sidecar

NOBODY = 65_534
UNDER = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"
BODY = event(reference="not to be read")
# Tries each file below the given folders as an identity for each item, and prints what it finds.
READ_ALL = """
import json, os, pyrage, sys
from pathlib import Path
from hookgate.quarantine.encryption import parse_identities
os.setgroups([]), os.setgid(int(sys.argv[1])), os.setuid(int(sys.argv[1]))
roots, told = [Path(arg) for arg in sys.argv[2:]], {"read": 0, "denied": [], "opened": []}
found = [path for root in roots for path in (root.rglob("*") if os.path.isdir(root) else [root])]
items = [path for path in found if path.suffix == ".age"]
for path in found:
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        continue
    except PermissionError:
        told["denied"].append(str(path))
        continue
    told["read"] += 1
    try:
        identities = parse_identities(data)
    except ValueError:
        continue
    for item in items:
        try:
            identities.decrypt(item.read_bytes())
        except ValueError:
            continue
        told["opened"].append(str(path))
print(json.dumps(told))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that belongs to the gate's user."""
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("only root can be another user")
    imports = [*UNDER.split(), sys.executable, "-c", "import hookgate_sidecar"]
    if subprocess.run(imports, capture_output=True).returncode:
        pytest.skip(f"another user cannot run what lies beside {sys.executable}")
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, NOBODY, NOBODY)
        yield Path(name)


def test_the_gates_user_cannot_read_what_it_stored(folder: Path, tmp_path: Path) -> None:
    """It reads all files of the gate, and what its process has; only the identity opens it."""
    identity = tmp_path / "identity"
    identity.write_text(SECRET)
    identity.chmod(0o600)
    keys = narrow(folder)
    with sidecar("http://127.0.0.1:1", folder, under=UNDER, **keys) as gate:
        assert ask(gate.port, post(BODY, b"/narrow")).status == 422
        gate.wait_for_deliveries(1)
        process = Path(f"/proc/{gate.process.pid}")
        told = json.loads(
            subprocess.run(
                [
                    *(sys.executable, "-c", READ_ALL, str(NOBODY), str(folder), str(identity)),
                    *(str(process / "environ"), str(process / "cmdline")),
                ],
                check=True,
                capture_output=True,
            ).stdout
        )
        assert (process.stat().st_uid, gate.stop()) == (NOBODY, 0)
    assert told["denied"] == [str(identity)]
    assert told["opened"] == []
    (file,) = files(folder)
    assert told["read"] > 6
    assert (file.stat().st_uid, stat.S_IMODE(file.stat().st_mode)) == (NOBODY, 0o600)
    assert b"not to be read" not in file.read_bytes()
    (item,) = items(folder)
    assert item.body == BODY


def test_what_would_read_it_is_seen_by_the_search_above(folder: Path, tmp_path: Path) -> None:
    """So the test before can fail: an identity beside the items opens them."""
    with sidecar("http://127.0.0.1:1", folder, **narrow(folder)) as gate:
        ask(gate.port, post(BODY, b"/narrow"))
        gate.wait_for_deliveries(1)
        assert gate.stop() == 0
    (folder / "left behind").write_text(SECRET)
    run = subprocess.run(
        [sys.executable, "-c", READ_ALL, "0", str(folder)], check=True, capture_output=True
    )
    assert json.loads(run.stdout)["opened"] == [str(folder / "left behind")]


def test_a_public_key_is_no_identity() -> None:
    """What the configuration holds reads nothing."""
    with pytest.raises(QuarantineKeyError, match="public key"):
        parse_identities(b"age1a3ygls0fj9hahmumqcvexe9efmex9dt4k6remg8n2hgxckqskv2sfcq6j7\n")
