"""What of a configuration each of several workers gets. Pure."""

from dataclasses import replace
from pathlib import PurePath

from hookgate.settings import Config


def share(config: Config, number: int) -> Config:
    """Return a worker's part of it: a ledger of its own, and its share of the connections."""
    path = PurePath(config.audit.path)
    sidecar = config.sidecar
    return replace(
        config,
        audit=replace(config.audit, path=str(path.with_name(f"{path.stem}.{number}{path.suffix}"))),
        sidecar=replace(
            sidecar,
            max_connections=-(-sidecar.max_connections // sidecar.workers),
            max_foreign_connections=-(-sidecar.max_foreign_connections // sidecar.workers),
            max_unnamed_connections=-(-sidecar.max_unnamed_connections // sidecar.workers),
        ),
    )
