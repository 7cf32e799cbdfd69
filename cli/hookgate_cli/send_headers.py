"""Header fields that `hookgate send` adds to its samples, such as those of a proxy in front."""

import re
from collections.abc import Iterable
from dataclasses import replace

from .common import fail
from .samples import Sample

# RFC 9110, sections 5.1 and 5.5, without bytes beyond ASCII.
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~](?:[\t -~]*[!-~])?)[ \t]*")
# By these the samples differ.
_OF_SAMPLES = frozenset(
    (
        *("connection", "content-encoding", "content-length", "content-type", "expect"),
        *("transfer-encoding", "upgrade"),
    )
)


def read_headers(lines: Iterable[str]) -> dict[str, str]:
    """Read `Name: value` lines, as curl's -H takes them; exit with 2 for what is none."""
    found: dict[str, str] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            fail(f"--header '{line}' is no field; write it like 'X-Forwarded-For: 31.169.56.1'")
        name, value = match.groups()
        if name.lower() in _OF_SAMPLES:
            fail(f"--header {name} is what samples try; it cannot be given")
        if name.lower() in map(str.lower, found):
            fail(f"--header {name} is given twice; write its values in one, with a comma between")
        found[name] = value
    return found


def add_headers(sample: Sample, headers: dict[str, str]) -> Sample:
    """Add fields to a sample; broken HTTP is left as it is."""
    return sample if sample.raw else replace(sample, headers={**sample.headers, **headers})
