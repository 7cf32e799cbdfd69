"""A configuration that can be read again while it is in force."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookgate.settings import Config

from .build import build
from .error import ConfigError
from .layers import gather
from .loops import find_loops

_Stamp = tuple[int, int, int] | None


class ReloadableConfig:
    """Keep what `hookgate serve` was started with, and what is in force since.

    `current` is in force until somebody sets another. Raises `ConfigError` with every problem.
    """

    def __init__(self, file: str | None, overrides: Mapping[str, Any]) -> None:
        self._file = file
        self._overrides = dict(overrides)
        self._sources = gather(file, overrides)
        self.current = _servable(build(self._sources))
        self._stamps = self._seen = self._look()

    def load_again(self) -> Config:
        """Load everything anew: hookgate.toml, the environment and all files that they name.

        Raises `ConfigError`, also for what cannot change while running.
        """
        sources = gather(self._file, self._overrides)
        config = self._checked(build(sources))
        self._sources = sources
        return config

    def rebuild_from_files(self) -> Config:
        """Build the same keys with the watched files as they are now. Raises `ConfigError`."""
        return self._checked(build(self._sources))

    def has_changed(self) -> bool:
        """Tell whether a watched file is another than before, and was so when last asked."""
        seen, self._seen = self._seen, self._look()
        if self._seen in (self._stamps, ()) or self._seen != seen:
            return False  # as it was, or still being written
        self._stamps = self._seen
        return True

    def _look(self) -> tuple[_Stamp, ...]:
        sidecar, source = self.current.sidecar, self.current.source
        networks = (source.allow_file, source.trusted_proxies_file)
        tls = (sidecar.tls_cert, sidecar.tls_key, sidecar.tls_client_ca)
        return tuple(_stamp(file) for file in (*networks, *tls) if file)

    def _checked(self, config: Config) -> Config:
        old = self.current
        _servable(config)
        fixed = {
            "sidecar.listen": (old.sidecar.listen, config.sidecar.listen),
            "sidecar.socket_mode": (old.sidecar.socket_mode, config.sidecar.socket_mode),
            "sidecar.workers": (old.sidecar.workers, config.sidecar.workers),
            "sidecar.admin": (old.sidecar.admin, config.sidecar.admin),
            "audit": (old.audit, config.audit),
            "quarantine": (old.quarantine, config.quarantine),
        }
        changed = [name for name, (before, after) in fixed.items() if before != after]
        if changed:
            raise ConfigError([f"{name} cannot change without a restart" for name in changed])
        return config


def _servable(config: Config) -> Config:
    if problems := find_loops(config):
        raise ConfigError(problems)
    return config


def _stamp(file: str) -> _Stamp:
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
