"""Who notices are given to."""

from typing import Protocol

from .notice import Notice


class Teller(Protocol):
    """Tell notices to whoever is on call. No call waits for the network, nor raises."""

    def tell(self, notice: Notice) -> None:
        """Take a notice, to be sent and tried again as often as it needs."""

    def test(self, gate: str) -> bool:
        """Send a notice of no alarm to each channel, and wait; whether all took it."""

    def close(self, seconds: float) -> None:
        """Send what waits, for at most so long."""
