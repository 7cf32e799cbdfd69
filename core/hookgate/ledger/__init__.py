"""The ledger: one record per delivery, written when it is true, provably complete."""

from .journal import Journal, LedgerError, LedgerUnavailableError
from .privacy import Privacy

__all__ = ["Journal", "LedgerError", "LedgerUnavailableError", "Privacy"]
