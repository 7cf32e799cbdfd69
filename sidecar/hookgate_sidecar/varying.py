"""The fields that differ from request to request, and that nothing of hookgate goes by."""

import re
from collections.abc import Callable, Iterable

from hookgate.gate.varying import Varying
from hookgate.policy import Fields
from hookgate.settings import Config
from hookgate.trace_fields import TRACE_FIELDS

# What may differ: visible ASCII with spaces between. A line with anything else is left whole.
_VALUE = rb"([!-~][ -~]*+)(?<! )(?![^\r])"


Cut = Callable[[bytes], list[bytes]]


class Cutter:
    """Cut heads into text, name, value, text, name, value, ... text, which make the head again.

    `name` is all between a text and a value: what is cut out is a value alone. `cut` sees to the
    fields that it has met, and is None before: to look for all takes two to four times as long.
    """

    def __init__(self, config: Config) -> None:
        names = {*TRACE_FIELDS, *config.sidecar.varying_fields} - {config.source.header}
        self._varying = frozenset(name.encode() for name in names)
        self._met: set[bytes] = set()
        self.cut: Cut | None = None

    def meet(self, named: Iterable[bytes]) -> Cut | None:
        """Return what cuts heads with these fields, by their names in lower case, from now on; None
        where none of them varies.
        """
        if self._varying.isdisjoint(named):
            return None
        if new := self._varying.intersection(named) - self._met:
            self._met |= new
            either = b"|".join(re.escape(name) for name in sorted(self._met))
            self.cut = re.compile(rb"(\r\n(?i:" + either + rb"): )" + _VALUE).split
        return self.cut


def locate(cut: list[bytes], upstream: list[bytes], fields: Fields) -> Varying | None:
    """Find the values of a head that was cut among its fields, and in its head for the `upstream`,
    cut as well. None where one could be taken for another.
    """
    lines, sent = _lines(cut), _lines(upstream)
    places = tuple(place for place, field in enumerate(fields) if field in lines)
    names = {name for name, _ in sent}  # what is dropped is dropped by its name
    travelling = [at for at, (name, _) in enumerate(lines) if name in names]
    if [fields[place] for place in places] != lines or [lines[at] for at in travelling] != sent:
        return None
    upstream = [part.replace(b"%", b"%%") for part in upstream]
    upstream[2::3] = [b"%b"] * len(sent)
    return Varying(places, b"".join(upstream), None if sent == lines else tuple(travelling))


def _lines(cut: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Names and values, the former between CRLF and ": "."""
    return [(name[2:-2], value) for name, value in zip(cut[1::3], cut[2::3], strict=True)]
