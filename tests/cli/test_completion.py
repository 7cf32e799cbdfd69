"""Completion: what a shell offers, and that the names of verbs cost no import of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hookgate.config.contracts import SHIPPED_CONTRACTS
from hookgate.policy import Reason
from hookgate_cli.verbs import VERBS
from support.calling import Call
from support.verbs import verbs_below

BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
OFFERED = {
    "hookgate ": [*VERBS],
    "hookgate s": ["serve", "send", "ship", "schema"],
    "hookgate --v": ["--version"],
    "hookgate audit s": ["show", "stats"],
    "hookgate audit receipt ": ["verify"],
    "hookgate quarantine ": ["list", "show", "replay", "purge", "stats"],
    "hookgate audit show --re": ["--reason", "--reference"],
    "hookgate audit show --outcome ": ["delivered", "refused", "failed", "aborted"],
    "hookgate audit tail --reason body_t": ["body_too_large", "body_timeout"],
    "hookgate audit stats --reason ": [reason.code for reason in Reason],
    "hookgate audit stats --front a": ["addon"],
    "hookgate quarantine list --reason-code char": ["charset_unsupported"],
    "hookgate schema show cm-e": [name for name in SHIPPED_CONTRACTS if name.startswith("cm-e")],
    "hookgate send http://127.0.0.1/ --contract cm-v": ["cm-voice"],
    "hookgate keys new s": ["seal", "sign"],
    "hookgate keys new seal --n": ["--name"],
    "hookgate serve --o": ["--observe"],
    "hookgate audit show --since ": [],
    "hookgate nowhere ": [*VERBS],
}


@pytest.mark.parametrize("line", OFFERED)
def test_each_word_is_offered_what_fits(
    call: Call, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Verbs, options, and values of which there is a list; of the others the shell offers files."""
    monkeypatch.setenv("_HOOKGATE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (not line.endswith(" "))))
    assert call().out.split() == OFFERED[line]


@pytest.mark.parametrize("group", ["", "audit"])
def test_names_of_verbs_are_offered_without_an_import_of_any(group: str) -> None:
    """It is done at each press of a key."""
    code = (
        "import sys, atexit; from hookgate_cli.main import main\n"
        "atexit.register(lambda: print(*(m for m in sys.modules if m.startswith('hookgate'))))\n"
        "main([])"
    )
    line = f"hookgate {group} " if group else "hookgate "
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    words["_HOOKGATE_COMPLETE"] = "complete_bash"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **words}, capture_output=True, text=True
    )
    *offered, imported = done.stdout.splitlines()
    package = f"hookgate_cli.{group}" if group else "hookgate_cli"
    assert offered == verbs_below(group)
    assert not {f"{package}.{verb}" for verb in offered} & set(imported.split())
    assert "hookgate.policy" not in imported.split()


# How each shell is asked for what it would offer.
ASKED = {
    "bash": """
source <(_HOOKGATE_COMPLETE=source_bash hookgate)
complete -p hookgate
COMP_WORDS=(hookgate audit s) COMP_CWORD=2
_hookgate_completion hookgate && printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
autoload -Uz compinit && compinit -u -d "$HOME/.zcompdump"
_HOOKGATE_COMPLETE=source_zsh hookgate > "$HOME/completion" && source "$HOME/completion"
print -- $_comps[hookgate]
words=(hookgate audit s) CURRENT=3
_arguments() { print -- ${(Q)@} }
_hookgate_completion
""",
    "fish": """
_HOOKGATE_COMPLETE=source_fish hookgate | source
complete --do-complete "hookgate audit s"
""",
}


@pytest.mark.parametrize("shell", ASKED)
def test_the_shell_itself_offers_it(shell: str, tmp_path: Path) -> None:
    """With what `hookgate` prints for it."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}; apt-get install {shell}")
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *options, "-c", ASKED[shell]],
        env={**ENVIRONMENT, "HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert "show" in done.stdout
    assert "stats" in done.stdout
    assert "serve" not in done.stdout
