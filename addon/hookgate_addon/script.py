"""What `mitmdump -s` loads. The gate itself lives in the package, so a reload keeps it."""

from hookgate_addon import addons

__all__ = ["addons"]
