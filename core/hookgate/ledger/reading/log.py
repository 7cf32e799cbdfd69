"""Checkpoints out of an operational log, as it was written or as others keep and print it.

Of what stands around an event nothing need be known. A checkpoint is one object in one line, short
and in ASCII: journald's text and export, the CRI format and syslog put a text before it; Docker,
journald's JSON and log shippers make it a member of an object.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hookgate.ledger.checkpoint import Checkpoint, parse_checkpoint
from hookgate.unblocked import CHECKPOINT

from .decoding import DAMAGE, HEAD, UnreadableError, check_text, open_decoded, tell_compression
from .pieces import Stretch, pieces
from .source import Source

_NAME = CHECKPOINT.encode()
# Of the event and what stands around it: journald's fields, a container's labels.
_LONGEST = 1 << 16
# How many braces before the event a text may hold, and how many wrappings it may be in.
_MOST_BRACES = 8
_MOST_WRAPPINGS = 4
_decode = json.JSONDecoder().raw_decode


class LogFile:
    """One file of a log. While its checkpoints are read, `lines` counts all lines, `found` those
    with one, `odd` those that name a checkpoint and hold none; `damage` says why it ended early.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        """Look at a file's beginning. Raises OSError where it cannot be read, which is an
        `UnreadableError` where hookgate cannot read what it holds.
        """
        self.name = str(path) if name is None else name
        self.lines = self.found = self.odd = 0
        self.damage = ""
        with path.open("rb") as stream:
            compression = tell_compression(stream.read(HEAD))
        self._source = Source(path, self.name, compression)
        try:
            with open_decoded(path, compression) as (_, text):
                check_text(text.read(HEAD))
        except UnreadableError:
            raise
        except DAMAGE:
            pass  # the reading says so

    def read(self) -> Iterator[Checkpoint]:
        """Yield the checkpoints, in the order of the lines."""
        try:
            for piece in pieces(Stretch(self._source)):
                self.lines += piece.data.count(b"\n") + (not piece.data.endswith(b"\n"))
                yield from self._find(piece.data)
        except DAMAGE as damage:
            words = getattr(damage, "strerror", None) or "it is cut off or damaged"
            self.damage = f"cannot be read from line {self.lines + 1:,} on: {words}"

    def _find(self, data: bytes) -> Iterator[Checkpoint]:
        at = 0
        while (at := data.find(_NAME, at)) >= 0:
            begin = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            checkpoint = find_checkpoint(data[begin:end]) if end - begin <= _LONGEST else None
            at = end
            if checkpoint is not None:
                self.found += 1
                yield checkpoint
            else:
                self.odd += 1


def find_checkpoint(line: bytes) -> Checkpoint | None:
    """Find the checkpoint that a line of a log holds, None where it holds none."""
    said = _find_event(line.decode("utf-8", "replace"), _MOST_WRAPPINGS)
    return parse_checkpoint(said) if said is not None else None


def _find_event(value: object, wrappings: int) -> dict[str, Any] | None:
    said = _find_object(value) if type(value) is str and CHECKPOINT in value else value
    if type(said) is not dict or said.get("event") == CHECKPOINT:
        return said if type(said) is dict else None
    if not wrappings:
        return None
    inside = (_find_event(one, wrappings - 1) for one in said.values())
    return next((found for found in inside if found is not None), None)


def _find_object(text: str) -> dict[str, Any] | None:
    """The first object in a text that names a checkpoint."""
    at = -1
    for _ in range(_MOST_BRACES):
        at = text.find("{", at + 1)
        if at < 0:
            return None
        try:
            said, end = _decode(text, at)
        except (ValueError, RecursionError):
            continue
        if type(said) is dict and CHECKPOINT in text[at:end]:
            return said
        at = end - 1
    return None
