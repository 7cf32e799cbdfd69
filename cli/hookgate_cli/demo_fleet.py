"""`hookgate demo --fleet`: many gates read as one, whatever befalls one of them."""

import shlex
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from hookgate.policy import Reason

from .common import FINDING, out
from .demo_fleet_story import GATES, NGINX, PATH, Sent, Story
from .demo_servers import running_nginx, running_postgres
from .receiver import Receiver
from .terminal import printable

# Events before a gate is killed, and after it.
_BEFORE, _AFTER = 30, 30
_SEEN = {0: "nothing", 1: "each once", 2: "it twice"}
_WHAT = {
    Reason.CLEAN: "clean events",
    Reason.SOURCE_NOT_ALLOWED: "from a stranger, whose body is not read",
}


def show_fleet(folder: Path) -> bool:
    """Play the story in a folder and show it; whether every event is accounted for.

    Exits with 1 where a server that it needs is not installed or does not start.
    """
    # By itself SIGTERM would leave servers running; the gates' own processes see to it later.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FINDING))
    with ExitStack() as stack, out.status("starting PostgreSQL") as doing:
        story = Story(folder, stack.enter_context(running_postgres()))
        doing.update("starting three gates, and an nginx that balances among them")
        receiver = stack.enter_context(Receiver({}, story.hold))
        gates = {name: stack.enter_context(story.run_gate(name, receiver.url)) for name in GATES}
        nginx = running_nginx(folder / "nginx", list(story.ports.values()), NGINX)
        story.url = f"http://127.0.0.1:{stack.enter_context(nginx)}{PATH}"
        doing.update(f"sending {_BEFORE} events, and some that are refused")
        story.send_events(_BEFORE)
        story.send_refused()
        doing.update("killing a gate while an event is under way in it")
        story.kill_in_the_middle(gates)
        doing.update(f"sending {_AFTER} events past it, and starting it again")
        story.send_events(_AFTER)
        stack.enter_context(story.run_gate(story.killed, receiver.url))
        doing.update("waiting until the store has all lines")
        story.wait_until_shipped()
        doing.update("asking what became of each event")
        all_well = _show_sent(story, Counter(receiver.bodies))
        under_way = next(one for one in story.sent if len(one.statuses) > 1)
        status = "fleet", "status", "--dsn-file", story.admin.name
        _show(story, f"Which gate needs a look? {story.killed} ended without a stop.", status)
        balance = "audit", "balance", *story.over_all
        _show(story, "Is every request at every gate accounted for?", balance)
        fate = "audit", "fate", under_way.name, *story.over_all
        _show(story, "What became of the event that was under way?", fate)
        doing.update("ending")
    return all_well


def _show_sent(story: Story, seen: "Counter[bytes]") -> bool:
    """Print a line for each kind of event; whether each ended as it should."""
    fates = story.fates()
    groups: dict[str, list[Sent]] = {}
    for one in story.sent:
        what = _WHAT.get(one.expected, one.expected.code)
        if len(one.statuses) > 1:
            what = f"under way in {story.killed} as it was killed; sent again"
        groups.setdefault(what, []).append(one)
    out.print(Text(f"\nsent by way of nginx to {', '.join(GATES)}", "bold"))
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("events", justify="right")
    for name in ("", "answered", "endpoint saw", "by the store", ""):
        table.add_column(name)
    all_well = True
    for what, several in groups.items():
        stories = [fates.get(one.name, {}) for one in several]
        pairs = zip(several, stories, strict=True)
        is_well = all(_is_well(one, told, seen[one.body]) for one, told in pairs)
        all_well = all_well and is_well
        ends = dict.fromkeys(told.get("fate", "not read") for told in stories)
        table.add_row(
            str(len(several)),
            what,
            ", then ".join(map(str, several[0].statuses)),
            _SEEN.get(seen[several[0].body], "too often"),
            ", ".join(end.replace("_", " ") for end in ends),
            Text("ok", "green") if is_well else Text("WRONG", "red"),
        )
    out.print(table)
    return all_well


def _is_well(sent: Sent, story: dict[str, Any], seen: int) -> bool:
    """Tell whether an event ended as it should, and the ledgers say so."""
    if sent.expected is Reason.SOURCE_NOT_ALLOWED:
        return (sent.statuses, seen) == ([Reason.SOURCE_NOT_ALLOWED.status], 0)
    attempts = [attempt for event in story.get("events", ()) for attempt in event["attempts"]]
    ends = sorted(attempt["outcome"] or "no end" for attempt in attempts)
    if sent.expected is not Reason.CLEAN:
        return (sent.statuses, ends, seen) == ([sent.expected.status], ["refused"], 0)
    if len(sent.statuses) > 1:
        return sent.statuses[-1] == 200 and ends == ["delivered", "no end"]
    return (sent.statuses, ends, seen) == ([200], ["delivered"], 1)


def _show(story: Story, question: str, arguments: Sequence[str]) -> None:
    """Show a question, the command that asks it, and what it says."""
    out.print(Text(f"\n{question}", "bold"))
    out.print(Text(f"$ hookgate {shlex.join(arguments)}", "dim"), soft_wrap=True)
    done = story.ask(*arguments)
    for line in (done.stdout + done.stderr).rstrip().splitlines():
        out.print(printable(line), soft_wrap=True)
