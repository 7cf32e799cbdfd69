"""Puts the repository's folder on the path: the bench is not installed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
