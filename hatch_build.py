"""Puts the manual pages into a distribution, where `make man` has made them before it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Manual(BuildHookInterface):
    """To share/man of a wheel, and of the sources to where a wheel is made of them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling, as its documentation says."""
        where = {"wheel": ("shared_data", "share/man"), "sdist": ("force_include", "build/man")}
        if version == "editable" or self.target_name not in where:
            return
        key, folder = where[self.target_name]
        for page in sorted(Path(self.root, "build/man").glob("man?/*")):
            build_data[key][str(page)] = f"{folder}/{page.parent.name}/{page.name}"
