"""What the includes name in nginx: files, variables, the log's format, the upstream.

nginx has each name once. So that one nginx can hold several renderings, each may have a name of its
own, which stands in all of these.
"""

import re

from .syntax import RenderError

_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
# No text of a configuration holds these: `quoted` refuses "$", and `literally` escapes the rest.
_VARIABLE = re.compile(r"(?<=\$)hookgate_|(?<=\(\?<)hookgate_")
_FILE = re.compile(r"hookgate-(?=(?:allow|http|location|realip)\.conf)")


class Names:
    """Name what one rendering defines; `name` is "" for the only one. Raises `RenderError`."""

    def __init__(self, name: str = "") -> None:
        if name and not _NAME.fullmatch(name):
            raise RenderError(
                f'"{name}" is no name for a rendering: a small letter, then up to 15 small letters '
                'and digits, like "orders"'
            )
        self._name = name
        self.log_format = f"hookgate_{name}" if name else "hookgate"
        self.upstream = f"{self.log_format}_endpoint"
        self.default_log = f"/var/log/nginx/{self._file_prefix}audit.jsonl"

    @property
    def _file_prefix(self) -> str:
        return f"hookgate-{self._name}-" if self._name else "hookgate-"

    def file(self, name: str) -> str:
        """Name a file that is called `name` without a name of one's own."""
        if not self._name:
            return name
        if name == "example.conf":
            return f"example-{self._name}.conf"
        return name.replace("hookgate-", self._file_prefix)

    def apply(self, line: str) -> str:
        """Return a line with the names of this rendering in place of those of the only one."""
        if not self._name:
            return line
        # Two underscores: $hookgate_log_reason is a name without one's own.
        line = _VARIABLE.sub(f"hookgate_{self._name}__", line)
        if line.lstrip().startswith(("#", "include ")):
            line = _FILE.sub(self._file_prefix, line)
        return line
