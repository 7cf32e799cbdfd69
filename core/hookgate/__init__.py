"""hookgate: lets only clean CM.com events through to a webhook endpoint, and records each one."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("hookgate")
