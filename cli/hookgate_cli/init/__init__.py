"""`hookgate init`: what a first set-up needs, in a folder."""

from .command import init

__all__ = ["init"]
