"""Files that pages and examples name are those that hookgate writes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from hookgate.config.keys import KEYS
from hookgate.nginx import Names
from hookgate_cli.verbs import app

ROOT = Path(__file__).parents[2]
LEDGER = next(str(key.default) for key in KEYS if key.path == "audit.path")
# Of nginx, alone and with a name of its own; of the units; of the image and the pod.
WRITTEN = {
    Names().default_log,
    Names("orders").default_log,
    f"/var/log/hookgate/{LEDGER}",
    "/var/log/hookgate/audit.jsonl",
}


def helps(command: Any) -> Iterator[str]:
    yield command.help or ""
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from helps(command.get_command(None, name))


def test_each_ledger_below_var_log_is_one_that_is_written_there() -> None:
    """Others, such as those of `/srv`, are the reader's own; a * stands for several."""
    texts = [page.read_text() for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
    texts += helps(get_command(app))
    named = {name for text in texts for name in re.findall(r"/var/log/[\w./-]+\.jsonl(?!\*)", text)}
    assert Names().default_log in named
    assert named - WRITTEN == set()
