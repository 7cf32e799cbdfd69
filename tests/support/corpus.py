"""The corpus: requests as data, and what every front must make of them.

tests/corpus/README.md describes the files. `cases(front)` yields what one front can be held to.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hookgate.policy import Fault, Outcome, Reason

from .crafting import Request, craft, text
from .sidecar import ALLOWED, FOREIGN, PROXY

FOLDER = Path(__file__).parents[1] / "corpus"
SOURCES = {"allowed": ALLOWED, "proxy": PROXY, "foreign": FOREIGN}
FRONTS = ("policy", "sidecar", "addon", "nginx")
# A front on versions of what it stands on, where they differ: the addon on a major version of
# mitmproxy, nginx before 1.23, since then, and since 1.29.4. Each with what it goes by of which
# nothing is said for it alone.
VERSIONS = {
    "addon11": "addon", "addon12": "addon",
    "nginx122": "nginx", "nginx123": "nginx", "nginx130": "nginx123",
}  # fmt: skip

# What only a front that reads bodies finds.
BODY_JUDGED = frozenset(
    (
        Reason.SIGNATURE_MISSING,
        Reason.SIGNATURE_INVALID,
        Reason.SIGNATURE_EXPIRED,
        Reason.BODY_EMPTY,
        Reason.NOT_UTF8,
        Reason.MALFORMED_JSON,
        Reason.DUPLICATE_KEY,
        Reason.TOO_DEEP,
        Reason.TOO_MANY_VALUES,
        Reason.NUMBER_OUT_OF_RANGE,
        Reason.NOT_AN_OBJECT,
        Reason.NOT_AN_ARRAY,
        Reason.CONTRACT_VIOLATION,
    )
)

_BASE_KEYS = {
    "source.allow": f"{ALLOWED},cm.com",
    "source.trusted_proxies": PROXY,
    "audit.personal_data": "plain",
}
_VERDICT = re.compile(r"(delivered|refused|failed|aborted) (\d{3}|-) ([a-z0-9_]+)")
_CASE_KEYS = frozenset(
    (
        "id", "why", "setup", "source", "stranger", "method", "target", "version", "fields", "also",
        "sign", "body", "chunks", "wire", "raw", "leave", "upstream", "verdict", "errors",
        "interim", "seen", "record", "unrecorded", "answer", "fronts", "kept",
    )
)  # fmt: skip
_SEEN_KEYS = {"fields", "has", "lacks", "forwarded_for"}
_ANSWER_KEYS = {"body", "has", "lacks"}
_FRONT_KEYS = {
    "skip", "why", "verdict", "own_answer", "unanswered",
    "interim", "record", "unrecorded", "errors", "seen", "answer",
}  # fmt: skip


class CorpusError(ValueError):
    """A corpus file breaks its own rules; the message names the case."""


@dataclass(frozen=True)
class Setup:
    """A configuration that many cases share, and so one process serves."""

    name: str
    why: str
    keys: Mapping[str, str]
    routes: tuple[Mapping[str, Any], ...] = ()
    schemas: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    listening: bool = True

    @property
    def relays(self) -> bool:
        """Whether senders get the endpoint's own 2xx."""
        return any(route.get("answer") == "relay" for route in self.routes)

    def write(self, folder: Path) -> None:
        """Write hookgate.toml, with the routes alone, and the files that they name."""
        routes = [
            "[[route]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in r.items())
            for r in self.routes
        ]
        for name, secret in self.secrets.items():
            (folder / name).touch(0o600)
            (folder / name).write_text(secret, encoding="ascii")
        (folder / "hookgate.toml").write_text("\n".join(routes), encoding="ascii")
        for name, schema in self.schemas.items():
            (folder / name).write_text(json.dumps(schema), encoding="ascii")


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    return json.dumps(value)


@dataclass(frozen=True)
class Expected:
    """What one front must make of a case. `status` is None where nobody is answered.

    `own_answer` is the status that the front answers by itself; `unanswered` says that it closes or
    stays silent, whatever the record says.
    """

    outcome: Outcome
    status: int | None
    reason: Reason
    errors: tuple[str, ...] | None
    record: Mapping[str, Any]
    interim: tuple[int, ...] = ()
    own_answer: int | None = None
    unanswered: bool = False
    seen: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def forwarded(self) -> bool:
        """Whether the upstream sees the request."""
        return self.reason is Reason.CLEAN or (
            self.reason.fault is Fault.UPSTREAM and self.reason is not Reason.UPSTREAM_UNREACHABLE
        )


@dataclass(frozen=True)
class Case:
    """One request and what it must come to.

    `upstream` is the raw answer, None for none; one that ends with `Receiver.CLOSE` closes.
    `leave` says that the sender closes without waiting for an answer, `kept` that the body is in
    the quarantine then.
    """

    id: str
    why: str
    setup: Setup
    source: str
    stranger: bool
    request: Request
    leave: bool
    upstream: bytes | None
    seen: Mapping[str, Any]
    answer: Mapping[str, Any]
    kept: bool
    skips: Mapping[str, str]
    expected: Mapping[str, Expected]

    def tells_nothing(self, reason: Reason) -> bool:
        """Whether a stranger sent it, who is owed an empty answer."""
        source = (Reason.SOURCE_NOT_ALLOWED, Reason.SOURCE_UNRESOLVED)
        return reason in source or self.stranger


def cases(front: str) -> list[tuple[Case, Expected]]:
    """The cases that a front, or a version of one, can be held to, in the order of their setups."""
    able = [(case, case.expected[front]) for case in corpus() if front not in case.skips]
    return sorted(able, key=lambda pair: pair[0].setup.name)


@cache
def setups() -> dict[str, Setup]:
    """Every setup by name."""
    found = {}
    for name, given in _read(FOLDER / "setups.toml").items():
        values = {**given, "keys": {**_BASE_KEYS, **given.get("keys", {})}}
        found[name] = Setup(name, **{**values, "routes": tuple(values.get("routes", ()))})
    return found


@cache
def corpus() -> tuple[Case, ...]:
    """Every case of every file. Raises `CorpusError`."""
    return tuple(
        make_case(path.stem, given)
        for path in sorted(FOLDER.glob("*.toml"))
        if path.stem != "setups"
        for given in _read(path)["case"]
    )


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def make_case(subject: str, given: Mapping[str, Any]) -> Case:
    """A case from its table in the file `subject`. Raises `CorpusError`."""
    name = f"{subject}/{given.get('id')}"
    try:
        return _make_case(name, given)
    except KeyError as error:
        raise CorpusError(f"{name}: {error} is missing or unknown") from None
    except ValueError as error:
        raise CorpusError(f"{name}: {error}") from None


def _make_case(name: str, given: Mapping[str, Any]) -> Case:
    fronts = given.get("fronts", {})
    _check_keys("a case", given, _CASE_KEYS)
    _check_keys("seen", given.get("seen", {}), _SEEN_KEYS)
    _check_keys("answer", given.get("answer", {}), _ANSWER_KEYS)
    _check_keys("fronts", fronts, (*FRONTS, *VERSIONS))
    for front, part in fronts.items():
        _check_keys(front, part, _FRONT_KEYS)
        _check_keys(f"{front}'s seen", part.get("seen", {}), _SEEN_KEYS)
        _check_keys(f"{front}'s answer", part.get("answer", {}), _ANSWER_KEYS)
        if "skip" not in part and ("why" not in part or len(part) == 1):
            raise ValueError(f"{front} needs `skip`, or `why` and what differs")
    parts = {front: fronts.get(front, {}) for front in FRONTS}
    for front, base in VERSIONS.items():
        parts[front] = fronts.get(front, parts[base])
    skips = {front: part["skip"] for front, part in parts.items() if "skip" in part}
    if given.keys() & {"raw", "wire"}:
        skips["policy"] = "bytes that only a parser can read"
    unreadable = _unreadable_to_nginx(given)
    if unreadable:
        skips |= {front: unreadable for front in parts if front.startswith("nginx")}
    upstream = given.get("upstream", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return Case(
        id=name,
        why=given["why"],
        setup=setups()[given.get("setup", "default")],
        source=SOURCES[given.get("source", "allowed")],
        stranger=given.get("stranger", given.get("source") == "foreign"),
        request=craft(given),
        leave=given.get("leave", False),
        upstream=None if upstream == "silent" else text(upstream).encode("latin-1"),
        seen=given.get("seen", {}),
        answer=given.get("answer", {}),
        kept=given.get("kept", False),
        skips=skips,
        expected={front: _expected(given, part) for front, part in parts.items()},
    )


def _unreadable_to_nginx(given: Mapping[str, Any]) -> str:
    """Why nginx cannot be held to a case, by rule; "" where it can."""
    if any(given["verdict"].endswith(f" {reason.code}") for reason in BODY_JUDGED):
        return "nginx reads no body"
    if setups()[given.get("setup", "default")].keys.get("source.header") == "forwarded":
        return "nginx reads no Forwarded"
    return ""


def _check_keys(where: str, given: Mapping[str, Any], known: Any) -> None:
    unknown = given.keys() - set(known)
    if unknown:
        raise ValueError(f"{where} has no {sorted(unknown)}")


def _expected(given: Mapping[str, Any], front: Mapping[str, Any]) -> Expected:
    words = _VERDICT.fullmatch(front.get("verdict", given["verdict"]))
    reasons = {reason.code: reason for reason in Reason}
    if words is None or words[3] not in reasons:
        raise ValueError("the verdict is none like `refused 403 source_not_allowed`")
    members = {**given.get("record", {}), **front.get("record", {})}
    members |= dict.fromkeys([*given.get("unrecorded", ()), *front.get("unrecorded", ())])
    errors = front.get("errors", given.get("errors"))
    return Expected(
        Outcome(words[1]),
        None if words[2] == "-" else int(words[2]),
        reasons[words[3]],
        None if errors is None else tuple(errors),
        members,
        tuple(front.get("interim", given.get("interim", ()))),
        front.get("own_answer"),
        front.get("unanswered", False),
        front.get("seen", given.get("seen", {})),
        front.get("answer", given.get("answer", {})),
    )
