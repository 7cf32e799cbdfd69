"""What can go wrong before the sidecar serves."""


class ListenError(Exception):
    """The listening address cannot be had; the message names it."""
