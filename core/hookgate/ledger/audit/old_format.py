"""Boots as version 0.1.0 wrote them: no numbers; with a key, `prev` is the HMAC of the line before.

Each line is proved by the one after it, so a boot's last line is by nothing, nor its only one.
"""

import hmac

from hookgate.ledger.reading.reader import Line

from .links import ChainKind, Context, Links, plain_digest

# A chain whose first links all fail was made with another key.
_BREAKS_OF_A_SEAL = 2


class OldBoot:
    """One boot of the old format."""

    def __init__(self, boot: str, line: Line, context: Context) -> None:
        self.stopped = False
        self._context = context
        self._first = line
        self._links: _OldLinks | None = None
        self.boot = boot

    @property
    def place(self) -> str:
        """The place of its last line."""
        return self._links.place if self._links is not None else self._first.place

    def follow(self, line: Line, prev: str, *, damaged: bool) -> None:
        """Add the boot's next line."""
        if self._links is None:
            keys = self._context.keyring.keys
            fitting = (key for key in keys if _digest(key, self._first.raw) == prev)
            key = next(fitting, keys[0] if keys else b"")
            self._links = _OldLinks(self.boot, self._first, key, self._context)
        self._links.take(line, prev, damaged=damaged)

    def close(self) -> None:
        """Note that nothing proves a boot's only line."""
        if self._links is None and self._context.keyring:
            text = "a single line of the old format: nothing proves it"
            self._context.note(ChainKind.UNSEALED, self._first.place, text, self.boot)


class _OldLinks(Links):
    __slots__ = ("_key", "_stray")

    def __init__(self, boot: str, line: Line, key: bytes, context: Context) -> None:
        self._key = key
        self._stray = False  # another key made this chain
        super().__init__(boot, line, _digest(key, line.raw), context)

    def take(self, line: Line, prev: str, *, damaged: bool) -> None:
        if self._stray:
            return
        key = self._key
        if self.follow(line, prev, _digest(key, line.raw), damaged=damaged) and self._key != key:
            self.tip = _digest(self._key, line.raw)

    def _explain_seal(self, line: Line, prev: str) -> bool:
        context = self._context
        if self._key and prev == plain_digest(self._line.raw):
            self._key = b""
            since = "from here on: made anew" if self._held else "made anew, or older than the key"
            self._break(line, ChainKind.UNSEALED, line.place, f"chained without the key, {since}")
        elif not self._held and len(self._breaks) == _BREAKS_OF_A_SEAL:
            for broken in self._breaks:
                context.findings.amend(broken.number, None)
            self._stray = True
            text = "sealed with a key that was not given, or all made anew"
            self._note(ChainKind.SEALED, line.place, text)
        else:
            return False
        return True


def _digest(key: bytes, raw: bytes) -> str:
    return hmac.digest(key, raw, "sha256").hex() if key else plain_digest(raw)
