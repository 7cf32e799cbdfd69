"""What a configuration that can be used is warned of, in the log of the gate that goes by it."""

import time

import structlog

from hookgate.settings import Config

from .certificates import find_aging


def log_warnings(config: Config, log: structlog.BoundLogger) -> None:
    """Log what had better be mended, and which certificates are not valid, or not for long."""
    for problem in config.warnings:
        log.warning("config.warning", problem=problem)
    for aging in find_aging(config, time.time()):
        log.warning("config.warning", problem=f"{aging.says}; renew it")
