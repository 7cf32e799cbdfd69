"""Where notes go: folders, URLs and a command. What could not be sent is sent by the next run."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hookgate.config.redaction import redact_url
from hookgate.files import replace_file
from hookgate.networks.addresses import is_loopback
from hookgate.paths import is_there
from hookgate.proof.checkpoint import Checkpoint
from hookgate.proof.folder import NOTE, KeptError, boots_of, path_of, read_note, read_whole
from hookgate.proof.leaves import Leaves
from hookgate.proof.note import NoteError, text_of

from .posting import WHOLE_SECONDS, post

_TAKEN = ".taken"
# Of a destination in one run: that it does not take one note says little of the others.
_MOST_FAILURES = 16
# Of so many that are not named any more it is kept what they took.
_MOST_UNNAMED = 64


class DestinationError(ValueError):
    """What is wrong with a destination as it was named; holds no secret of a URL."""


class Unsent(NamedTuple):
    """A note that a destination did not take, why, and how many more wait for it."""

    destination: str
    boot: str
    why: str
    more: int


class Destination:
    """A place for notes. `name` holds no secret; `send` returns why a note was not taken, or "".

    It is given what is kept between runs, the boot, and the note.
    """

    def __init__(self, text: str, name: str, send: Callable[[Path, str, bytes], str]) -> None:
        self.id = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.name = name
        self.send = send


def parse(text: str) -> Destination:
    """Take a folder's path, or a URL. Raises `DestinationError`."""
    if "://" not in text:
        folder = Path(text)
        if not os.path.isdir(folder):  # noqa: PTH112  # raises nothing
            raise DestinationError(f"{text} is no folder, and no URL; make it first")
        return Destination(str(folder.absolute()), text, partial(_write, folder))
    url, name = parse_url(text), redact_url(text)
    return Destination(url, name, lambda _, __, note: _post(url, note))


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
    return Destination("\0".join(words), words[0], lambda _, __, note: _run(words, note))


def send_all(folder: Path, destinations: Iterable[Destination]) -> list[Unsent]:
    """Send each destination the newest note of each boot that it did not take before.

    One whose failures are many, or took `WHOLE_SECONDS`, is not tried again in this run. Raises
    OSError.
    """
    failed: list[Unsent] = []
    taken = _read_taken(folder)
    notes = {boot: read_note(folder, boot) or b"" for boot in boots_of(folder, NOTE)}
    digests = {boot: sha256(note).hexdigest()[:16] for boot, note in notes.items()}
    for to in destinations:
        has = {b: d for b, d in taken.pop(to.id, {}).items() if b in notes}
        taken[to.id] = has  # the last one
        left = [boot for boot in notes if has.get(boot) != digests[boot]]
        failures: list[tuple[str, str]] = []
        lost = 0.0
        for boot in left:
            began = monotonic()
            if not (why := to.send(folder, boot, notes[boot])):
                has[boot] = digests[boot]
                continue
            failures.append((boot, why))
            lost += monotonic() - began
            if lost >= WHOLE_SECONDS or len(failures) == _MOST_FAILURES:
                break
        if failures:
            waiting = sum(has.get(boot) != digests[boot] for boot in left)
            failed.append(Unsent(to.name, *failures[0], waiting - 1))
    for old in list(taken)[: -_MOST_UNNAMED - 1]:
        del taken[old]
    replace_file(folder / _TAKEN, json.dumps(taken).encode())
    return failed


def _read_taken(folder: Path) -> dict[str, dict[str, str]]:
    """By destination, by boot: the digest of the note that it took."""
    try:
        said: Any = json.loads(_read_all(folder / _TAKEN) or b"{}")
        return {str(to): {str(b): str(d) for b, d in has.items()} for to, has in said.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def _read_all(file: Path) -> bytes:
    return file.read_bytes() if is_there(file) else b""


def _write(to: Path, kept: Path, boot: str, note: bytes) -> str:
    try:
        file = path_of(to, boot, NOTE)
        if (before := read_whole(file)) is not None and (why := _contradicts(before, note, kept)):
            return why
        replace_file(file, note)
        with suppress(PermissionError):  # some file systems have no modes
            file.chmod(0o644)  # it is for others
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    return ""


def _contradicts(before: bytes, note: bytes, kept: Path) -> str:
    """Say why a note that is there may not be replaced: it saw what this one's tree has not."""
    try:
        old, new = (Checkpoint.parse(text_of(each)) for each in (before, note))
    except NoteError:
        return ""
    if old.origin != new.origin:
        return ""
    boot = old.origin.rpartition("/")[2]
    if old == new:
        return ""
    try:
        with Leaves(kept, boot) as leaves:
            if old.size <= min(new.size, leaves.size) and leaves.subtree(0, old.size) == old.root:
                return ""
    except KeptError as error:
        return f"cannot be compared with the note that is there: {error}"
    return (
        f"the note that is there saw {old.size:,} lines, and what was signed now are not these and"
        " later ones: the ledger or --folder was changed or put back; keep that note, and look why"
    )


def _run(words: list[str], note: bytes) -> str:
    try:
        with subprocess.Popen(  # the operator's own, without a shell
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                process.communicate(note, WHOLE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # with what it started
                return f"still ran after {WHOLE_SECONDS:g} s, and was killed"
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    return f"exit status {process.returncode}" if process.returncode else ""


def _post(url: str, note: bytes) -> str:
    answer = post(url, note, "text/plain; charset=utf-8")
    return answer if isinstance(answer, str) else ""
