"""Records in, lines on the disk: structlog's pipeline, with the end of the boot's chain."""

from collections.abc import Sequence
from typing import Any

import structlog

from hookgate.ledger.record import FIELDS, Record
from hookgate.ledger.seal import Seal

from .ledger_file import LedgerFile
from .line import NO_LINE, Tip, render


class _LineLogger(structlog.BoundLoggerBase):
    def append(self, records: Sequence[Record]) -> None:
        self._proxy_to_logger("append", records=records)


class Pipeline:
    """Write records to a file as one boot's chain, by a processor that renders them.

    `tip` is the last line in the file; `lines` counts those written by kind.
    """

    def __init__(self, file: LedgerFile, seal: Seal | None) -> None:
        self.tip: Tip = NO_LINE
        self.lines = dict.fromkeys(FIELDS, 0)
        self._next_tip = NO_LINE
        self._file = file
        self._seal = seal
        # Wrapped once with its own processors: as a guest in mitmproxy, structlog's global
        # configuration is not ours to touch.
        self._logger = structlog.wrap_logger(
            file,
            processors=[self._render],
            wrapper_class=_LineLogger,
            context_class=dict,
            cache_logger_on_first_use=True,
        ).bind()

    def append(self, records: Sequence[Record]) -> bool:
        """Write lines in one piece; False where that fails, and then nothing of them remains."""
        file = self._file
        if file.sink is None:
            return False
        try:
            self._logger.append(records)
        except Exception as error:  # noqa: BLE001  # whoever shares this write must be told
            file.note_failure(error)
            return False
        tip = self.tip = self._next_tip
        counts = self.lines
        for record in records:
            counts[record["event"]] += 1
        file.note_written(len(records), tip)
        return True

    def _render(self, _logger: Any, _method: str, event: Any) -> bytes:
        lines, self._next_tip = render(event["records"], self.tip, self._seal)
        return lines
