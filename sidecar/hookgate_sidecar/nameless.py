"""What comes behind a PROXY header that names nobody: a balancer's health check, as a rule.

A proxy says LOCAL of a connection that it makes by itself, and UNKNOWN, or no family, of one whose
sender it cannot name (proxy-protocol.txt 2.1, 2.2). Nobody there is allowed to send.
"""

from hookgate.gate.answer import Answer

from .connection import Connection

# No event comes with these: `request.methods` cannot hold them.
_PROBES = (b"GET ", b"HEAD ", b"OPTIONS ")
_FORBIDDEN = Answer(403, [], b"", last=True)


class NamelessConnection(Connection):
    """Refuse a probe that comes first without a delivery; anything else is one, and is refused."""

    _opening: bytes | None = b""

    def data_received(self, data: bytes) -> None:
        if self._opening is None:
            super().data_received(data)
            return
        data = self._opening + data
        if data.startswith(_PROBES):
            self._opening = None
            self._refuse_probe()
        elif any(probe.startswith(data) for probe in _PROBES):
            self._opening = data
        else:
            self._opening = None
            super().data_received(data)

    def _refuse_probe(self) -> None:
        self._wire.transport.write(self._shared.writer.render(_FORBIDDEN, False, False))
        self._end(self._wire.linger)
