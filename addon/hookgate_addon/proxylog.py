"""Requests that mitmproxy refuses before there is a flow: only its log tells of them."""

import logging

from mitmproxy.utils import human

from hookgate.gate.gate import Gate
from hookgate.policy import Reason

from .translate import UNFRAMED

_LOGGER = logging.getLogger("mitmproxy.proxy.server")
_CUT_OFF = "Client closed connection before completing request headers"


class ProxyLog(logging.Handler):
    """Handler of mitmproxy's log that records heads it could not parse, or that were cut off."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(logging.INFO)
        self._gate = gate

    def install(self) -> None:
        """Read mitmproxy's log from now on, until `remove`."""
        _LOGGER.addHandler(self)

    def remove(self) -> None:
        """Stop reading mitmproxy's log."""
        _LOGGER.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Record the refusal that a log record tells of, if any; never raises."""
        try:
            client = getattr(record, "client", None)
            message = record.getMessage()
            if not client:
                return
            if message.startswith(_CUT_OFF):
                self._gate.begin(str(client[0])).leave()
            elif message.startswith(f"{human.format_address(client)}: "):
                delivery = self._gate.begin(str(client[0]))
                delivery.refuse(Reason.MALFORMED_HTTP, detail=UNFRAMED)
        except Exception as error:  # noqa: BLE001  # mitmproxy's own log must go on
            self._gate.log_fault("log", error)
