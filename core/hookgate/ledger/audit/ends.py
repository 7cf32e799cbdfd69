"""Is a ledger's end there? A later start or a state file names the last line of each boot."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from hookgate.ledger.seal import Keyring
from hookgate.ledger.state import LastLine, StateError, read_state

from .links import ChainKind, Context
from .numbered import NumberedBoot

# A state file and the line that it names, or why it names none.
State = tuple[Path, LastLine | str]


def read_end(path: Path, keyring: Keyring) -> LastLine | str:
    """Return the line that a state file names, or in words why it names none."""
    try:
        return read_state(path, keyring)
    except StateError as error:
        return str(error)


def check_ends(
    boots: Iterable[NumberedBoot], states: Sequence[State] | None, context: Context
) -> None:
    """Compare the lines that starts and state files name with those that are here.

    Without the state files nothing is said of a boot that no start follows.
    """
    here = {boot.boot: boot for boot in boots}
    for boot in here.values():
        if boot.follows is not None and (before := here.get(boot.follows.boot)) is not None:
            _compare(before, boot.follows, f"boot {boot.boot}, {boot.place}", context)
    if states is None:
        return
    followed = {boot.boot for boot in here.values() if boot.named}
    for path, last in states:
        if isinstance(last, str):
            context.note(ChainKind.BAD_STATE, str(path), last)
            continue
        named = here.get(last.boot)
        if named is not None:
            _compare(named, last, f"the state file, {path}", context)
        elif last.n:
            text = (
                f"the state file names line {last.n} of it, which is not here; if the files were"
                " meant to go, let the state file go too"
            )
            context.note(ChainKind.CUT, str(path), text, last.boot)
        if last.boot in followed:
            text = (
                "the state file is older than the ledger: hookgate crashed as it began or could not"
                " write it, or it was put back"
            )
            context.note(ChainKind.OLD_STATE, str(path), text, last.boot)
    for boot in here.values():
        if not (boot.named or boot.piped):
            text = "what came after it is missing: no start and no state file names its end"
            context.note(ChainKind.LOOSE_END, boot.place, text, boot.boot)


def begin_anew(boots: Sequence[NumberedBoot]) -> bool:
    """Tell whether the boot before each one is here, or that found no trace of any before it."""
    here = {boot.boot for boot in boots}
    follows = [boot.follows.boot if boot.follows is not None else "" for boot in boots]
    return bool(boots) and all(
        boot.is_anew or before in here for boot, before in zip(boots, follows, strict=True)
    )


def _compare(boot: NumberedBoot, last: LastLine, who: str, context: Context) -> None:
    boot.named = True
    if boot.cut:
        return
    top = boot.here.top  # lines that stand in another order are here all the same
    if top < last.n:
        text = f"lines {top + 1} to {last.n} were cut off; the last is named by {who}"
    elif boot.n == last.n and last.digest not in ("", boot.tip):
        text = f"edited: another last line is named by {who}"
    else:
        return
    context.note(ChainKind.CUT, boot.place, text, boot.boot)
