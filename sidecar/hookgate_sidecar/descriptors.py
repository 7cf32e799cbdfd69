"""How many connections fit into the descriptors that the process may open."""

import errno
import os
import resource
from dataclasses import replace

import structlog

from hookgate.settings import Config

from .admission import MOST_LINGERING
from .shares import share

# What else is open at a time: the streams, the event loop, the ledger and its state, listeners,
# sixteen connections of the admin listener, the channel to a supervisor, files of a reload, a
# look-up of a name; and old connections to an upstream that a reload has changed.
OTHERS = 64
# Why accept() fails where the process or the system is short; any other reason is one connection's.
SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
# Fewer would be no gate.
_FEWEST_CONNECTIONS, _FEWEST_UPSTREAM = 8, 4


def needed(config: Config) -> int:
    """Return how many descriptors the configured bounds may take."""
    sidecar, upstream = config.sidecar, config.upstream
    return sidecar.max_connections + MOST_LINGERING + upstream.max_connections + OTHERS


def raise_limit(config: Config) -> int:
    """Raise the limit to what is needed, or can be had; returns it. Children inherit it."""
    wanted = needed(config)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def fit(config: Config, limit: int | None = None) -> Config:
    """Return the configuration with no more connections than fit into `limit` descriptors, which
    is the process's own limit where it is None.

    Senders and the upstream give up alike: an event takes one of each.
    """
    if limit is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY or limit >= needed(config):
        return config
    sidecar, upstream = config.sidecar, config.upstream
    room = limit - OTHERS - MOST_LINGERING
    pooled = min(upstream.max_connections, max(_FEWEST_UPSTREAM, room // 3))
    connections = min(sidecar.max_connections, max(_FEWEST_CONNECTIONS, room - pooled))
    return replace(
        config,
        sidecar=replace(sidecar, max_connections=connections),
        upstream=replace(upstream, max_connections=pooled),
    )


def provide_descriptors(config: Config, log: structlog.BoundLogger) -> None:
    """Raise the limit to what the connections may need; log what follows where that is not had.

    Workers inherit the limit, and each has as many.
    """
    one = share(config, 1) if config.sidecar.workers > 1 else config
    limit = raise_limit(one)
    fitted = fit(one, limit)
    if fitted is not one:
        log.warning(
            "sidecar.few_descriptors",
            limit=limit,
            needed=needed(one),
            max_connections=fitted.sidecar.max_connections,
            upstream_max_connections=fitted.upstream.max_connections,
            mend=f"LimitNOFILE={needed(one)} in the unit, or ulimit -n {needed(one)}",
        )


class Reserve:
    """Keep one descriptor for when there is no other."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self.keep()

    def give(self) -> bool:
        """Close it, so that there is one; returns False if it is gone already."""
        if self._fd is None:
            return False
        os.close(self._fd)
        self._fd = None
        return True

    def keep(self) -> None:
        """Open it again, if it can be had."""
        if self._fd is None:
            try:
                self._fd = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                pass
