"""What the files of the store are called."""

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]  # a `delivery`, as the ledger has it
