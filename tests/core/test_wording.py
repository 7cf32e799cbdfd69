"""Commands in messages: pasted into a shell they name what was meant, and do nothing else."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.wording import argument_in_shell, in_shell, path_in_shell

NAMES = [
    "plain-1", "two words", "-n", "--help", "", "it's", "$(touch evil)", "`id`", "a;b", "a\nb",
    "\x1b[31mred", "\u202egpj", "\\n", "\\'", "*", "~", "# no", "\udcff[x", "é", "\x9b1m",
]  # fmt: skip
SHELLS = [shell for shell in ("bash", "zsh", "ksh") if shutil.which(shell)]


def words(shell: str, commands: list[str]) -> list[str]:
    """What a shell makes of the words of commands."""
    script = "; ".join(f"printf '%s\\0' {command}" for command in commands)
    done = subprocess.run([shell, "-c", script], capture_output=True, check=True)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_the_name_that_was_meant(shell: str) -> None:
    assert words(shell, [in_shell(name) for name in NAMES]) == NAMES


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
        min_size=1,
    )
)
@settings(max_examples=15, deadline=None)
def test_any_name_shows_as_it_is_and_is_one_word(names: list[str]) -> None:
    written = [in_shell(name) for name in names]
    assert all(word.isprintable() for word in written)
    assert words("bash", written) == names


def test_nothing_is_taken_for_an_option(tmp_path: Path) -> None:
    """Neither a path by chmod, nor a name by a command that knows `--`."""
    for name in filter(None, NAMES):
        (tmp_path / name).touch(0o666)
        command = f"chmod 600 {path_in_shell(name)} && test -e {path_in_shell(name)}"
        subprocess.run(["bash", "-c", command], check=True, cwd=tmp_path)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "evil").exists()
    assert argument_in_shell("-x y") == "-- '-x y'"
    assert argument_in_shell("x y") == "'x y'"
