"""Boots whose lines have numbers, and where there is a key a MAC each: what proves a line."""

from hashlib import sha256

from hookgate.ledger.reading.reader import Line, timestamp
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.record import Record
from hookgate.ledger.seal import Seal, split
from hookgate.ledger.state import LastLine

from .intervals import Intervals
from .links import ChainKind, Context, Links, plain_digest


class NumberedBoot:
    """One boot: its seal, its chain, and whether anything names its last line.

    `follows` is the line that its `start` says the state file named, `piped` that it has no such
    file, `is_anew` that it found neither that nor a line, `cut` that its end is known to have been
    another one. `first` and `n` are the numbers of its first and last line here, `began` is the
    time of the first.
    """

    def __init__(self, boot: str, context: Context) -> None:
        self.boot = boot
        self.stopped = self.piped = self.named = self.cut = self.is_anew = False
        self.follows: LastLine | None = None
        self.first = self.n = 0
        self._here = Intervals()
        # The first of the lines that were numbered one by one up to `n`.
        self._since = 0
        self.began = 0.0
        self._witness = context.witness_of(boot)
        self._context = context
        self._links: Links | None = None
        self._seal: Seal | None = None
        self._is_sealed: bool | None = None
        # The finding that says no line of it was proved so far, and where it stands.
        self._unproved: tuple[int, Line] | None = None
        self._place = ""

    @property
    def begun(self) -> bool:
        """Whether a line of it has been proved, as far as there is a key."""
        return self._links is not None

    @property
    def place(self) -> str:
        """The place of its last line."""
        return self._links.place if self._links is not None else self._place

    @property
    def tip(self) -> str:
        """The digest of its last line."""
        return self._links.tip if self._links is not None else ""

    @property
    def here(self) -> Intervals:
        """The numbers of its lines."""
        if self.begun:
            self._here.cover(self._since, self.n)
        return self._here

    def go_on(self, line: Line, record: Record) -> bool:
        """Add the next line, if it is nothing but that; else do nothing. This is for speed."""
        links, get = self._links, record.get
        if (
            links is None
            or get("prev") != links.tip
            or get("boot") != self.boot
            or get("n") != self.n + 1
        ):
            return False
        body, digest = split(line.raw)
        if self._seal is not None:
            if self._seal.mac(body) != digest:
                return False
        # A line that a key proves is a gate's, whatever it holds.
        elif self._is_sealed is not bool(digest) or line.checked() is not line:
            return False
        elif not digest:
            digest = sha256(body).hexdigest()
        links.hold(line, digest)
        self.n += 1
        if self._witness is not None:
            self._witness.see(self.n, digest, line.file, line.number)
        if record["event"] == "stop":
            self.stopped = True
        return True

    def go_on_run(self, run: Run) -> Line | None:
        """Add the next lines, if they are nothing but that, and return the last; else None."""
        links, told = self._links, run.told
        if (
            links is None
            or (told.prev, told.boot, run.n) != (links.tip, self.boot, self.n + 1)
            or told.key != (self._seal.id if self._seal is not None else "")
            or (self._seal is None and told.is_sealed is not self._is_sealed)
            or (self._witness is not None and told.named is None)
        ):
            return None
        if self._witness is not None:
            for n, digest in told.named.items():
                self._witness.see(n, digest, run.file, run.first + n - run.n)
        last = run.last_line
        links.hold_run(run, last)
        self.n += run.total
        return last

    def prove(self, line: Line, record: Record) -> str:
        """Return the line's digest, "" where it is not what a gate wrote, which is noted."""
        body, mac = split(line.raw)
        self._place = line.place
        if not self._context.keyring:
            return self._take_unproved(line, record, mac)
        seal = self._seal or self._context.keyring.find(body, mac)
        if seal is not None and mac and seal.mac(body) == mac:
            if self._unproved is not None:
                self._correct(line)
            self._seal = seal
            return mac
        if self._seal is not None:
            text = "edited, or made up: its seal does not fit" if mac else "without a seal: made up"
            self._note(ChainKind.BROKEN if mac else ChainKind.UNSEALED, line.place, text)
        elif self._unproved is None:
            text = "written before there was a key, or made up: its lines have no seal"
            if mac:
                name = record.get("key")
                name = f"with key {name}, which" if type(name) is str else "with a key that"
                text = f"sealed {name} was not given, or made up"
            kind = ChainKind.SEALED if mac else ChainKind.UNSEALED
            self._unproved = self._note(kind, line.place, text), line
        return ""

    def _take_unproved(self, line: Line, record: Record, mac: str) -> str:
        """Without a key: seals are taken for what they say."""
        if self._is_sealed is None:
            self._is_sealed = bool(mac)
            if mac:
                name = record.get("key")
                name = f" {name}" if type(name) is str else ""
                text = f"sealed with key{name}, which was not given"
                self._note(ChainKind.SEALED, line.place, text)
        elif self._is_sealed != bool(mac):
            text = "sealed, unlike" if mac else "without a seal, unlike"
            text += " its boot's other lines: made up, or edited"
            self._note(ChainKind.BROKEN, line.place, text)
            return ""
        return mac or plain_digest(line.raw)

    def _correct(self, line: Line) -> None:
        if self._unproved is not None:
            number, before = self._unproved
            self._unproved = None
            text = f"edited, or made up: {line.place} of its boot has another seal"
            self._context.amend(number, ChainKind.BROKEN, before.place, text, self.boot)

    def follow(self, line: Line, record: Record, digest: str, *, damaged: bool) -> None:
        """Add a line that is proved."""
        n, prev = record["n"], record["prev"]
        if self._links is None:
            self._links = Links(self.boot, line, digest, self._context)
            self.first, self.began = n, timestamp(record)
            self._since = n
        else:
            held = prev == self._links.tip
            if not self._links.follow(line, prev, digest, damaged=damaged):
                return
            if held and n != self.n + 1:
                text = f"it has number {n} and follows line {self.n}"
                self._note(ChainKind.BROKEN, line.place, text)
            if n != self.n + 1:
                self._here.cover(self._since, self.n)
                self._since = n
        self.n = n
        if self._witness is not None:
            self._witness.see(n, digest, line.file, line.number)
        self.stopped = self.stopped or record["event"] == "stop"

    def _note(self, kind: ChainKind, place: str, text: str) -> int:
        return self._context.note(kind, place, text, self.boot)
