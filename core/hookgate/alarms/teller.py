"""Who notices are given to."""

from typing import Any, Protocol

from .notice import Notice


class Teller(Protocol):
    """Tell notices to whoever is on call, and try again as often as it needs."""

    def tell(self, notice: Notice) -> None:
        """Take a notice. Never waits or raises."""

    def close(self, timeout: float) -> None:
        """Tell what waits, for `timeout` seconds at most."""

    def pending(self) -> list[dict[str, Any]]:
        """Return what is not told yet, as JSON has it, for the next process."""
