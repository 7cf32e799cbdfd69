"""`hookgate doctor`: what is wrong with a set-up, worst first, each with its mend."""

from .command import doctor

__all__ = ["doctor"]
