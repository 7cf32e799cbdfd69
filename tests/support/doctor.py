"""A set-up that the doctor is asked about, and an endpoint whose clock can be set."""

import subprocess
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

from .calling import Call
from .receiver import Receiver

Found = dict[str, Any]


class SetUp:
    """A folder with a hookgate.toml, which the doctor is asked about by `look`."""

    def __init__(self, folder: Path, call: Call) -> None:
        self.folder, self._call = folder, call
        self.file = folder / "hookgate.toml"
        self.units = folder / "units"
        self.units.mkdir()
        self.write()

    def write(self, text: str = "", url: str = "http://127.0.0.1:9") -> None:
        """Write the configuration: what is usual, and some lines, which may begin sections."""
        # What else listens on this machine is nobody's business here.
        listen = "" if "sidecar.listen" in text else 'sidecar.listen = "127.0.0.1:0"\n'
        self.file.write_text(
            f'upstream.url = "{url}"\nsource.allow = ["127.0.0.1", "cm.com"]\n'
            f'audit.path = "{self.folder}/audit.jsonl"\n{listen}{text}'
        )

    def look(self, *options: str, offline: bool = True) -> list[Found]:
        """What it finds."""
        options = (*options, *(["--offline"] if offline else []))
        told = self._call(
            "doctor", "-c", str(self.file), "--units", str(self.units), "--json", *options
        )
        report = told.json
        found: list[Found] = report["findings"]
        assert told.status == (1 if found else 2 if report["unseen"] else 0)
        assert report["unseen"] == {}, report["unseen"]
        return found

    def one(self, check: str, *options: str, offline: bool = True) -> Found:
        """What one check finds, which is all there is to find."""
        (found,) = self.look(*options, offline=offline)
        assert found["check"] == check, found
        return found

    def mended(self, check: str, *options: str, offline: bool = True) -> Found:
        """The same; its commands, to the letter, leave nothing to find."""
        found = self.one(check, *options, offline=offline)
        assert found["commands"], found
        for command in found["commands"]:
            done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
            assert done.returncode == 0, f"{command}: {done.stderr}"
        assert self.look(*options, offline=offline) == []
        return found


def set_clock(receiver: Receiver, ahead: float) -> None:
    """Have an endpoint tell a time that is so far ahead, in seconds."""

    def answer(_: object) -> bytes:
        date = formatdate(time.time() + ahead, usegmt=True)
        return f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode()

    receiver.respond = answer
