"""What the connections of one process share."""

import asyncio
from dataclasses import dataclass, field

from hookgate.gate.gate import Gate
from hookgate.settings import SidecarSettings

from .admission import Admission
from .head_cache import MAX_FOREIGN_HEADS, MAX_HEADS, HeadCache
from .writer import AnswerWriter


@dataclass(slots=True, eq=False)
class Shared:
    """Hold what listener, arrivals, connections and readers need; the server alone changes it.

    `settings` are those in force: a connection keeps the ones that it began with. While `draining`
    nothing but what was begun is answered, and once `stopped` no delivery is started.
    """

    gate: Gate
    loop: asyncio.AbstractEventLoop
    settings: SidecarSettings
    admission: Admission
    writer: AnswerWriter
    heads: HeadCache
    foreign_heads: HeadCache
    draining: bool = field(default=False, init=False)
    stopped: bool = field(default=False, init=False)

    @classmethod
    def of(cls, gate: Gate) -> "Shared":
        """Make one inside the event loop that will run the connections."""
        config, settings = gate.config, gate.config.sidecar
        return cls(
            gate,
            asyncio.get_running_loop(),
            settings,
            Admission(gate, settings),
            AnswerWriter(),
            HeadCache(MAX_HEADS, config, refused=False),
            HeadCache(MAX_FOREIGN_HEADS, config, refused=True),
        )
