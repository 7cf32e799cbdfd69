"""What is asked, in order: each question with its option, its default and its reader."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import netaddr

from hookgate.config.contracts import DEFAULT_CONTRACT, SHIPPED_CONTRACTS
from hookgate.wording import offer
from hookgate_cli.common import ASSUMED_UPSTREAM

from .answers import PROXY_PROTOCOL, Answers
from .places import DEFAULT, PLACES

_SEPARATOR = re.compile(r"[\s,]+")
_EVERYWHERE = ":8081"
_LOOPBACK = netaddr.IPSet(["127.0.0.0/8", "::1/128"])


class Question(NamedTuple):
    """Describe a question.

    `take` puts an answer into `Answers`, or raises ValueError with what is wrong with it. `default`
    is None where somebody has to say. `is_due` tells whether it is asked, after what was answered;
    `more` are lines below the question, `otherwise` says why an option that is not due is given in
    vain.
    """

    option: str
    ask: str
    default: Callable[[Answers], str] | None
    take: Callable[[Answers, str], None]
    is_due: Callable[[Answers], bool] = lambda _: True
    more: Sequence[str] = ()
    otherwise: str = ""


def _take_place(answers: Answers, text: str) -> None:
    if text not in PLACES:
        raise ValueError(f'--on "{text}" is no place; {offer(text, PLACES)}')
    answers.place = text


def _take_webhooks(answers: Answers, text: str) -> None:
    answers.routes = []
    for item in _words(text):
        name, _, path = item.partition("=")
        if name not in SHIPPED_CONTRACTS:
            raise ValueError(
                f'--webhook "{item}": "{name}" is no shipped contract (one of your own is written '
                f"into the file later); {offer(name, SHIPPED_CONTRACTS)}"
            )
        path = path or f"/cm/{name.removeprefix('cm-').removesuffix('-strict')}"
        answers.routes.append({"path": path, "contract": name})


def _take_client(answers: Answers, text: str) -> None:
    is_header = text == PROXY_PROTOCOL
    answers.keys["source.proxy_protocol"] = is_header
    answers.keys.pop("source.header", None)
    if not is_header:
        answers.keys["source.header"] = text


def _take_recipients(answers: Answers, text: str) -> None:
    found = _words(text)
    path = "/var/lib/hookgate/quarantine" if found else ""
    answers.keys |= {"quarantine.path": path, "quarantine.recipients": found}


def _take_seal(answers: Answers, text: str) -> None:
    if text.lower() not in ("y", "yes", "n", "no"):
        raise ValueError(f'"{text}" is neither yes nor no')
    answers.is_sealed = text.lower().startswith("y")


def _put(key: str, *, is_list: bool = False) -> Callable[[Answers, str], None]:
    def take(answers: Answers, text: str) -> None:
        value: Any = _words(text) if is_list else text
        answers.keys[key] = value

    return take


def _words(text: str) -> list[str]:
    return [] if text == "none" else [word for word in _SEPARATOR.split(text) if word]


def _default_listen(answers: Answers) -> str:
    """Where whoever sends can come: loopback is for proxies of this machine."""
    proxies = netaddr.IPSet(
        [proxy for proxy in answers.keys.get("source.trusted_proxies", ()) if proxy != "unix"]
    )
    if proxies and proxies.issubset(_LOOPBACK) and answers.where.listen == _EVERYWHERE:
        return "127.0.0.1:8081"
    return answers.where.listen


QUESTIONS = (
    Question(
        "--on",
        "Where will it run?",
        lambda _: DEFAULT,
        _take_place,
        more=[f"{name:<11} {place.about}" for name, place in PLACES.items()],
    ),
    Question(
        "--upstream",
        f"Where do clean events go? (a URL like {ASSUMED_UPSTREAM})",
        None,
        _put("upstream.url"),
    ),
    Question(
        "--webhook",
        "Which webhooks? (CONTRACT=PATH, by a space; none: events at every path)",
        lambda _: f"{DEFAULT_CONTRACT}=/cm/events",
        _take_webhooks,
        more=[f"contracts: {', '.join(SHIPPED_CONTRACTS)}"],
    ),
    Question(
        "--proxy",
        "Which proxies or balancers are in front? (addresses or CIDRs; empty: none)",
        lambda _: "",
        _put("source.trusted_proxies", is_list=True),
    ),
    Question(
        "--client-by",
        f"How do they name the client? ({PROXY_PROTOCOL}, or a field's name)",
        lambda _: "x-forwarded-for",
        _take_client,
        is_due=lambda answers: bool(answers.keys.get("source.trusted_proxies")),
        otherwise="without --proxy nobody may name the client",
    ),
    Question(
        "--listen",
        "Where does it listen?",
        _default_listen,
        _put("sidecar.listen"),
        more=[":8081 is every address of this machine, 127.0.0.1:8081 for its programs alone"],
    ),
    Question(
        "--recipient",
        "Keep what is refused, for whom? (age1... of hookgate keys new quarantine; empty: keep "
        "nothing)",
        lambda _: "",
        _take_recipients,
        is_due=lambda answers: answers.place != "nginx",
        otherwise="nginx keeps nothing; put it in front of hookgate serve",
    ),
    Question(
        "--seal",
        "Seal the ledger with a key, so that no line can be changed without it? (yes or no)",
        lambda _: "no",
        _take_seal,
        is_due=lambda answers: answers.place not in ("nginx", "kubernetes"),
        otherwise="nginx seals nothing, and a pod gets its key from a Secret: make one with "
        "hookgate keys new seal, mount it, and name it in audit.seal_key_file",
    ),
)
