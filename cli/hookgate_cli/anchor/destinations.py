"""Where notes go: folders, URLs and a command. What could not be sent is sent by the next run."""

import json
import subprocess
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hookgate.config.redaction import redact_url
from hookgate.files import replace_file
from hookgate.networks.addresses import is_loopback
from hookgate.proof.folder import NOTE, boots_of, path_of, read_note

from .posting import WHOLE_SECONDS, post

_TAKEN = ".taken"


class DestinationError(ValueError):
    """What is wrong with a destination as it was named; holds no secret of a URL."""


class Unsent(NamedTuple):
    """A note that a destination did not take, why, and how many more wait for it."""

    destination: str
    boot: str
    why: str
    more: int


class Destination:
    """A place for notes. `name` holds no secret; `send` returns why a note was not taken, or ""."""

    def __init__(self, text: str, name: str, send: Callable[[str, bytes], str]) -> None:
        self.id = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.name = name
        self.send = send


def parse(text: str) -> Destination:
    """Take a folder's path, or a URL. Raises `DestinationError`."""
    if "://" not in text:
        folder = Path(text)
        if not folder.is_dir():
            raise DestinationError(f"{text} is no folder, and no URL; make it first")
        return Destination(str(folder.absolute()), text, lambda *note: _write(folder, *note))
    url, name = parse_url(text), redact_url(text)
    return Destination(url, name, lambda _, note: _post(url, note))


def parse_url(text: str) -> str:
    """Take a URL that may be asked: https, or http on this machine. Raises `DestinationError`."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise DestinationError("a URL among them cannot be read") from None
    if parts.scheme not in ("http", "https") or not host:
        raise DestinationError(f"{parts.scheme}:// is neither http:// nor https://, with a host")
    if parts.scheme == "http" and not is_loopback(host):
        raise DestinationError(f"{redact_url(text)} would be asked in clear; use https")
    return text


def command(words: list[str]) -> Destination:
    """Take a program and its arguments. Raises `DestinationError`."""
    if not words or not words[0].startswith("/"):
        raise DestinationError("--command begins with the absolute path of a program")
    return Destination("\0".join(words), words[0], lambda _, note: _run(words, note))


def send_all(folder: Path, destinations: Iterable[Destination]) -> list[Unsent]:
    """Send each destination the newest note of each boot that it did not take before.

    One that does not take a note is not tried again in this run. Raises OSError.
    """
    failed: list[Unsent] = []
    taken = _read_taken(folder)
    notes = {boot: read_note(folder, boot) or b"" for boot in boots_of(folder, NOTE)}
    digests = {boot: sha256(note).hexdigest()[:16] for boot, note in notes.items()}
    kept: dict[str, dict[str, str]] = {}
    for to in destinations:
        kept[to.id] = has = {b: d for b, d in taken.get(to.id, {}).items() if b in notes}
        left = [boot for boot in notes if has.get(boot) != digests[boot]]
        for at, boot in enumerate(left):
            if why := to.send(boot, notes[boot]):
                failed.append(Unsent(to.name, boot, why, len(left) - at - 1))
                break
            has[boot] = digests[boot]
    replace_file(folder / _TAKEN, json.dumps(kept).encode())
    return failed


def _read_taken(folder: Path) -> dict[str, dict[str, str]]:
    """By destination, by boot: the digest of the note that it took."""
    try:
        said: Any = json.loads(_read_all(folder / _TAKEN) or b"{}")
        return {str(to): {str(b): str(d) for b, d in has.items()} for to, has in said.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def _read_all(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _write(folder: Path, boot: str, note: bytes) -> str:
    try:
        file = path_of(folder, boot, NOTE)
        replace_file(file, note)
        file.chmod(0o644)  # it is for others
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    return ""


def _run(words: list[str], note: bytes) -> str:
    try:
        done = subprocess.run(  # the operator's own, without a shell
            words,
            input=note,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=WHOLE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"still ran after {WHOLE_SECONDS:g} s, and was killed"
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    return f"exit status {done.returncode}" if done.returncode else ""


def _post(url: str, note: bytes) -> str:
    answer = post(url, note, "text/plain; charset=utf-8")
    return answer if isinstance(answer, str) else ""
