"""The mitmproxy front: mitmproxy receives, the gate judges, and mitmproxy never forwards."""

from .addon import HookgateAddon

__all__ = ["HookgateAddon", "addons"]

# One object for the life of the process: a script that is saved again is loaded again, and must
# find the boot, the counts and the open ledger of before.
addons = [HookgateAddon()]
