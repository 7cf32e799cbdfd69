"""Lines as they were written, out of what container runtimes and journals put around them."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import orjson

# (the line's number, its bytes with the newline)
Numbered = tuple[int, bytes]


class Part(NamedTuple):
    """What a wrapped line holds: a line or a part of one, b"" where it is of another stream."""

    data: bytes
    is_whole: bool = True


_OTHER = Part(b"")


class Wrapper(NamedTuple):
    """A known wrapping. `unwrap` gives None for a line that is not wrapped so."""

    name: str
    unwrap: Callable[[bytes], Part | None]


# Kubernetes' log files: "2026-11-28T13:00:00.000000000+01:00 stdout F {...", tags after a colon.
_CRI = re.compile(rb"[0-9]{4}-\S+ (stdout|stderr) ([FP])(?::\S*)? ([^\r\n]*)")
# journalctl's short form, docker compose, kubectl logs --prefix, --timestamps, syslog files.
_PREFIXED = re.compile(rb'[^{}"]{1,200}[ \t](\{"event":"[^\r\n]*\})\s*')
_SYSTEM = re.compile(rb"-- .* --\s*|.{0,80} (?:systemd|kernel|init)(?:\[[0-9]+\])?: .*", re.DOTALL)
_MANAGERS = frozenset(("systemd", "kernel", "init"))


def _docker(line: bytes) -> Part | None:
    said = _loads(line)
    if said is None or type(text := said.get("log")) is not str or "stream" not in said:
        return None
    if said["stream"] == "stderr":
        return _OTHER
    data = text.encode("utf-8", "surrogatepass")
    return Part(data.rstrip(b"\r\n"), data.endswith(b"\n"))


def _cri(line: bytes) -> Part | None:
    match = _CRI.match(line)
    if match is None:
        return None
    return _OTHER if match[1] == b"stderr" else Part(match[3], match[2] == b"F")


def _journal(line: bytes) -> Part | None:
    said = _loads(line.removeprefix(b"\x1e"))  # json-seq's record separator
    if said is None or "MESSAGE" not in said or not any(name[:1] == "_" for name in said):
        return None
    if said.get("SYSLOG_IDENTIFIER", said.get("_COMM")) in _MANAGERS:
        return _OTHER
    message = said["MESSAGE"]
    if type(message) is list:  # with bytes that do not print, such as an escape
        try:
            return Part(bytes(message))
        except (TypeError, ValueError):
            return Part(line.rstrip(b"\n"))
    if type(message) is str:
        return Part(message.encode("utf-8", "surrogatepass"))
    return Part(line.rstrip(b"\n"))  # longer than journalctl shows without --all: null


def _prefixed(line: bytes) -> Part | None:
    if match := _PREFIXED.fullmatch(line):
        return Part(match[1])
    return _OTHER if _SYSTEM.fullmatch(line) else None


def _loads(line: bytes) -> dict[str, Any] | None:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return said if type(said) is dict else None


_WRAPPERS = (
    Wrapper("Docker's json-file", _docker),
    Wrapper("the CRI log format", _cri),
    Wrapper("journald's JSON", _journal),
    Wrapper("a text before each record", _prefixed),
)


def find_wrapper(line: bytes) -> Wrapper | None:
    """Find what a line is wrapped in, None where that is nothing that is known."""
    for wrapper in _WRAPPERS:
        part = wrapper.unwrap(line)
        # A line of the system's says that there is a text before each, and not that there is more.
        if part is not None and (part.data or wrapper.unwrap is not _prefixed):
            return wrapper
    return None


class Unwrapper:
    """Join the parts of one file's lines; leave out other streams and the operational log."""

    def __init__(self, wrapper: Wrapper, longest: int) -> None:
        self._unwrap = wrapper.unwrap
        self._longest = longest
        self._begun, self._parts = 0, b""

    def feed(self, number: int, line: bytes) -> Numbered | None:
        """Return the line that ends in this one, with the number of where it began, or None.

        What is not wrapped comes as it is.
        """
        part = self._unwrap(line)
        if part is None:
            return number, line
        if part is _OTHER:
            return None
        self._begun, self._parts = self._begun or number, self._parts + part.data
        if not part.is_whole and len(self._parts) <= self._longest:
            return None
        begun, whole = self._begun, self._parts
        self._begun, self._parts = 0, b""
        return None if _is_operational(whole) else (begun, whole + b"\n")

    def rest(self) -> Numbered | None:
        """Return the beginning of a line whose end did not come."""
        return (self._begun, self._parts) if self._parts else None


def unwrap(lines: Iterable[Numbered], wrapper: Wrapper, longest: int) -> Iterator[Numbered]:
    """Yield the lines that are wrapped, as an `Unwrapper` joins them."""
    unwrapper = Unwrapper(wrapper, longest)
    for number, line in lines:
        if (whole := unwrapper.feed(number, line)) is not None:
            yield whole
    if (rest := unwrapper.rest()) is not None:
        yield rest


def _is_operational(data: bytes) -> bool:
    """Whether it is a line of the operational log, which goes to standard error."""
    if b'"level":' not in data and b'"level": ' not in data:
        return False
    said = _loads(data)
    return said is not None and "level" in said and "timestamp" in said and "ts" not in said
