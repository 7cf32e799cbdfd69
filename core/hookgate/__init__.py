"""hookgate: lets only clean CM.com events through to a webhook endpoint, and records each one."""

__version__ = "0.2.0"
