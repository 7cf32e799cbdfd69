"""What a store says of all that was sent, held against what its sender and the endpoint know."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from hookgate.fleet.admin import Admin
from hookgate_cli.audit.asked import MOST_BY_NAME

from .calling import Call
from .fleet import Fleet
from .receiver import OK
from .traffic import TRIES, Kind, Sent, Traffic

_OUTCOMES = {
    200: "delivered", 400: "refused", 422: "refused", 500: "failed", 502: "failed", 504: "failed",
}  # fmt: skip
_SOME = 100


class Accounts:
    """The answers of `hookgate audit --fleet`, asked with a reader's login."""

    def __init__(self, fleet: Fleet, folder: Path, call: Call) -> None:
        self._call, self._folder = call, folder
        self.fleet = fleet
        self._dsn_file = folder / "reader.dsn"
        admin = Admin.connect(fleet.dsn)
        self._dsn_file.write_text(admin.add_reader("operations"))
        self._dsn_file.chmod(0o600)
        admin.close()

    def ask(self, verb: str, *options: str) -> tuple[int, list[Any]]:
        """The exit status and what is said, as JSON."""
        store = ("--fleet", "--dsn-file", str(self._dsn_file))
        done = self._call("audit", verb, *options, *store, "--json")
        is_lines = verb == "fate"
        return done.status, [
            json.loads(text) for text in (done.out.splitlines() if is_lines else [done.out])
        ]

    def fates(self, names: list[str]) -> tuple[dict[str, Any], Any]:
        """The story of each name, and the sum of them."""
        file = self._folder / "names"
        file.write_text("\n".join(names))
        status, (*stories, said) = self.ask("fate", "--file", str(file))
        assert [story["asked"] for story in stories] == names
        assert said["summary"] == {**dict.fromkeys(said["summary"], 0), **_count(stories)}
        assert (said["whole"], said["unread"], said["notes"]) == (True, 0, [])
        told = set(_count(stories))
        assert status == (not told <= {"delivered", "retrying"})
        return {story["asked"]: story for story in stories}, said["summary"]


def assert_told(traffic: Traffic, accounts: Accounts) -> dict[str, int]:
    """The fate of each event is what became of it, and what was never sent was never seen.

    Returns how many have which fate.
    """
    sent = {one.name: one for one in traffic}
    strange = [str(uuid4()) for _ in range(MOST_BY_NAME)]  # so that all of the store is read
    stories, summary = accounts.fates([*sent, *strange])
    assert all(stories[name]["fate"] == "never_seen" for name in strange)
    for name, one in sent.items():
        try:
            _check(one, stories[name])
        except AssertionError as error:
            raise AssertionError(f"{one}\n{json.dumps(stories[name], indent=1)}") from error
    # These are found by the index of names: first what had no answer, then what came to no good.
    some = sorted(sent, key=lambda name: (not sent[name].is_silent, sent[name].kind is Kind.PLAIN))
    for few in ([some[0]], [some[_SOME]], some[:_SOME]):
        assert accounts.fates(few)[0] == {name: stories[name] for name in few}
    attempts = [attempt for name in sent for attempt in _attempts(stories[name])]
    _assert_sums(traffic, attempts, accounts)
    _assert_doubled(traffic, stories, accounts)
    return {**summary, "never_seen": summary["never_seen"] - len(strange)}


def _check(sent: Sent, story: dict[str, Any]) -> None:
    attempts = list(_attempts(story))
    assert [event["sha256"] for event in story["events"]] == [sent.digest][: len(attempts)]
    # Each answer that the sender got is told, and else at most the tries that got none.
    answers = Counter((gate, status) for gate, status in sent.tries if status is not None)
    told = Counter((_gate(attempt), attempt["status"]) for attempt in attempts)
    assert answers <= told
    silent = Counter(gate for gate, status in sent.tries if status is None)
    assert Counter(gate for gate, _ in (told - answers).elements()) <= silent
    # So is all that the endpoint got, and nothing else came there.
    received = dict(sent.received)
    assert len(received) == len(sent.received)
    assert received.keys() <= {attempt["request_id"] for attempt in attempts}
    for attempt in attempts:
        assert attempt["fate"] == _fate_of_try(sent, attempt, received)
    # And of all tries together.
    fates = [attempt["fate"] for attempt in attempts]
    assert story["fate"] == _fate(fates)
    if sent.answered[200]:
        assert story["fate"] == "delivered"
    for event in story["events"]:
        assert event["tries"] == len(attempts)
        assert event["delivered"] == fates.count("delivered")
        assert event["retry"] == ("3 tries, 1d" if story["fate"] in ("lost", "retrying") else None)
        if not silent:
            statuses = [status for _, status in sent.tries]
            first = statuses.index(200) + 1 if 200 in statuses else None
            assert event["delivered_on"] == first


def _fate_of_try(sent: Sent, attempt: dict[str, Any], received: dict[str, bytes]) -> str:
    if attempt["outcome"] is None:
        return "unknown"  # the gate died with it; none of these was answered
    assert attempt["outcome"] == _OUTCOMES[attempt["status"]]
    if attempt["status"] == 504:
        return "unknown"  # this machine was too busy
    answer = received.get(attempt["request_id"])
    assert (answer is None) == (sent.kind in (Kind.REFUSED, Kind.UNREADABLE))
    assert (attempt["status"] == 200) == (answer == OK)
    if answer == OK:
        return "delivered"
    return "unknown" if sent.kind is Kind.BROKEN else "undelivered"


def _fate(fates: list[str]) -> str:
    for sure in ("delivered", "unknown"):
        if sure in fates:
            return sure
    return "never_seen" if not fates else "lost" if len(fates) >= TRIES else "retrying"


def _assert_sums(traffic: Traffic, attempts: list[dict[str, Any]], accounts: Accounts) -> None:
    """The sums are those of what the sender was answered, and of the tries that got no answer.

    Those that are in no line were under way when their gate died.
    """
    own = Counter(
        _OUTCOMES[status] for one in traffic for _, status in one.tries if status is not None
    )
    silent = sum(status is None for one in traffic for _, status in one.tries)
    told = Counter(attempt["outcome"] for attempt in attempts)
    unknown = told.pop(None, 0)
    assert own <= told
    assert told.total() - own.total() + unknown <= silent
    status, (stats,) = accounts.ask("stats")
    assert (status, +Counter(stats["outcomes"]), stats["problems"]) == (0, told, 0)
    status, (said,) = accounts.ask("balance")
    total, balanced = said["total"], len(said["boots"])
    assert (status, said["balances"], said["notes"], total["missing"]) == (0, True, [], 0)
    assert {name: total[name] for name in told} == told
    assert total["unknown"] == unknown
    assert total["received"] == told.total() + unknown + total["in_flight"]
    assert total["received"] - own.total() <= silent
    ((lines, boots),) = accounts.fleet.sql(
        "SELECT sum(lines), count(DISTINCT boot) FROM hookgate.segment"
    )
    status, (said,) = accounts.ask("verify")
    assert (status, said["holds"], said["notes"]) == (0, True, [])
    assert said["lines"] == stats["lines"] == lines
    assert said["boots"] == balanced == boots


def _assert_doubled(traffic: Traffic, stories: dict[str, Any], accounts: Accounts) -> None:
    """What was delivered twice is told, with the gates where it was."""
    status, (said,) = accounts.ask("duplicates")
    doubled = {
        one.digest: {_gate(each) for each in _attempts(stories[one.name]) if _arrived(each)}
        for one in traffic
        if sum(map(_arrived, _attempts(stories[one.name]))) > 1
    }
    assert {one.digest for one in traffic if one.answered[200] > 1} <= doubled.keys()
    listed = {event["sha256"]: set(event["at"]) for event in said["events"]}
    assert (status, said["whole"], said["duplicates"]) == (1, True, len(doubled))
    assert len(listed) == min(len(doubled), 1000)
    assert listed.items() <= doubled.items()


def _arrived(attempt: dict[str, Any]) -> bool:
    return bool(attempt["fate"] == "delivered")


def _attempts(story: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for event in story["events"]:
        yield from event["attempts"]


def _gate(attempt: dict[str, Any]) -> str:
    return str(attempt["place"]).partition("/")[0]


def _count(stories: list[Any]) -> Counter[str]:
    return Counter(story["fate"] for story in stories)
