"""The state file beside the ledger that this process writes."""

import errno
import os
from pathlib import Path

import structlog

from hookgate.ledger.seal import Keyring, Seal
from hookgate.ledger.state import LastLine, StateError, read_state, state_path, write_state

from .background import Background
from .line import Tip


class StateFile:
    """The state of the ledger that this process writes. No trouble with it stops anything: it is
    logged once, and shows as a finding when the ledger is verified.
    """

    def __init__(
        self, ledger: Path, boot: str, seal: Seal | None, log: structlog.BoundLogger
    ) -> None:
        self._path = state_path(ledger)
        self._ledger = ledger.name
        self._boot = boot
        self._seal = seal
        self._log = log
        self._saver = Background("ledger-state")
        self._failed = False

    def read(self, keyring: Keyring) -> LastLine | None:
        """Return the line that it names; None, which is logged if the file is there."""
        if not os.path.lexists(self._path):
            return None
        try:
            return read_state(self._path, keyring, self._ledger)
        except StateError as error:
            self._log.warning("ledger.state_unusable", path=str(self._path), error=str(error))
            return None

    def save(self, tip: Tip) -> None:
        """Save that the boot's last line is this one; 0.5 ms, of which most is the disk's."""
        last = LastLine(self._boot, tip.n, tip.digest)
        try:
            write_state(self._path, self._ledger, last, self._seal)
        except OSError as error:
            if not self._failed:
                self._failed = True
                reason = os.strerror(error.errno or errno.EIO)
                self._log.warning("ledger.state_not_written", path=str(self._path), error=reason)
        else:
            self._failed = False

    def save_behind(self, tip: Tip) -> None:
        """Save on a thread, after what was to be saved before."""
        self._saver.submit(lambda: self.save(tip))

    def close(self) -> None:
        """End the thread, after what is under way."""
        self._saver.close()
