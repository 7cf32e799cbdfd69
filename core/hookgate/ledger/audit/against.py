"""Does a ledger hold what an operational log saw of it? Cut off, made anew, or gone."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hookgate.ledger.names import PART
from hookgate.times import show_time

from .links import ChainKind, Context
from .numbered import NumberedBoot
from .witness import BootWitness, LogWitness, Named

_PART = re.compile(PART + r"\Z")
_MOST_PATHS = 3
BEGAN_ANEW = (
    "found neither lines nor a state file, which rotation leaves: the whole ledger was deleted, or"
    " its files were not given"
)
_UNSYNCED = "; they were not synced to disk then, and a crash of the machine takes such lines"


def check_log(boots: Mapping[str, NumberedBoot], witness: LogWitness, context: Context) -> None:
    """Compare what a log saw with the boots that are here."""
    seen = [boot for boot in witness.boots.values() if boot.newest.n]
    gone = [boot for boot in seen if boot.boot not in boots]
    for boot in seen:
        here = boots.get(boot.boot)
        if here is not None and here.begun:  # else no line of it was proved, and that is said
            _compare(boot, here, context)
            witness.covered += max(0, min(boot.newest.n, here.n) - here.first + 1)
            witness.last = max(witness.last, boot.last)
        if boot.rivals is not None:
            one, other = boot.rivals
            text = (
                f"the checkpoints of {_time(one)} and {_time(other)} saw different lines"
                f" {one.n:,}: one is made up, or the ledger was made anew between them"
            )
            context.note(ChainKind.CONTRADICTORY, boot.log, text, boot.boot)
    if seen and len(gone) == len(seen):
        text = (
            "none of the boots that this log saw is in these files: it is the log of another gate,"
            " or of another time, or all that it saw was deleted"
        )
        context.note(ChainKind.GONE, seen[0].log, text)
    elif gone:
        names = {_stem(path) for boot in seen if boot.boot in boots for path in boot.paths}
        _note_elsewhere([boot for boot in gone if not _is_of(boot, names, witness.files)], context)
        gone = [boot for boot in gone if _is_of(boot, names, witness.files)]
    # The first boots that are here: of each ledger that the log names, and of all ("").
    firsts: dict[str, NumberedBoot] = {}
    for here in sorted(boots.values(), key=_began):
        saw = witness.boots.get(here.boot)
        for path in ("", *(saw.paths if saw is not None else ())) if here.began else ():
            firsts.setdefault(path, here)
    for boot in gone:
        # The earliest: a path that somebody added to the log makes no boot older.
        known = [firsts[path] for path in boot.paths if path in firsts and not boot.has_more]
        first = min(known, key=_began, default=None)
        is_anew = first is not None and first.is_anew
        _note_gone(boot, first or firsts.get(""), context, is_anew=is_anew)


def _compare(boot: BootWitness, here: NumberedBoot, context: Context) -> None:
    newest, others = boot.newest, boot.others
    if others is not None:
        named, count, place = others
        text = f"line {named.n:,} is not the one that the checkpoint of {_time(named)} saw"
        if count > 1:
            text += f", nor are those of {count - 1:,} later checkpoints"
        context.note(ChainKind.REMADE, place, f"{text}: the chain was made anew", boot.boot)
    if newest.n > here.n:
        text = (
            f"the checkpoint of {_time(newest)} saw {newest.n:,} lines of it, the ledger has"
            f" {here.n:,}: {newest.n - here.n:,} at its end are in no file"
        )
        text += "" if newest.synced else _UNSYNCED
        context.note(ChainKind.CUT, here.place, text, boot.boot)
    hole = boot.missing(here.first, here.n)
    if hole is not None:
        text = f"line {hole.n:,}, which the checkpoint of {_time(hole)} saw, is in no file"
        context.note(ChainKind.CUT, here.place, text, boot.boot)
    before = boot.before(here.first)
    if before is not None:
        text = (
            f"lines up to {here.first - 1:,} are in no file, of which the checkpoint of"
            f" {_time(before)} saw {before.n:,}: rotated away, or deleted"
        )
        context.note(ChainKind.ROTATED, here.place, text, boot.boot)


def _began(boot: NumberedBoot) -> float:
    return boot.began


def _note_gone(
    boot: BootWitness, first: NumberedBoot | None, context: Context, *, is_anew: bool
) -> None:
    """Say that a boot is in no file; `first` is the first one that is, if any is, and `is_anew`
    where that is known to have found no trace of it.
    """
    newest, kind = boot.newest, ChainKind.GONE
    text = f"the checkpoint of {_time(newest)} saw {newest.n:,} lines of it"
    text += f" in {boot.paths[0]}; none is here" if boot.paths else "; none is here"
    if first is not None:
        text += f", where lines begin at {_show(first.began)}"
    if first is not None and boot.last < first.began and is_anew:
        text += f": boot {first.boot}, the first here, {BEGAN_ANEW}"
    elif first is not None and boot.last < first.began:
        kind, text = ChainKind.ROTATED, text + ": rotated away, or deleted"
    else:
        text += ": deleted, or its files were not given"
        text += "" if newest.synced else _UNSYNCED
    context.note(kind, boot.log, text, boot.boot)


def _note_elsewhere(boots: list[BootWitness], context: Context) -> None:
    if boots:
        paths = sorted({path for boot in boots for path in boot.paths})
        told = ", ".join(paths[:_MOST_PATHS]) + (", …" if len(paths) > _MOST_PATHS else "")
        what = "1 boot" if len(boots) == 1 else f"{len(boots):,} boots"
        text = f"it also saw {what} of other ledgers, which were not looked for: {told}"
        context.note(ChainKind.ELSEWHERE, boots[0].log, text)


def _is_of(boot: BootWitness, names: set[str], files: Iterable[str]) -> bool:
    """Whether a boot may belong to the ledgers that are looked at, by the name of its file."""
    stems = [_stem(path) for path in boot.paths]
    if boot.has_more or not all(stems) or not names.isdisjoint(stems):
        return True
    return not stems or any(Path(file).name.startswith(tuple(stems)) for file in files)


def _stem(path: str) -> str:
    return _PART.sub("", Path(path).stem)


def _time(named: Named) -> str:
    return _show(named.time) if named.time else "an unknown time"


def _show(moment: float) -> str:
    return show_time(moment, "seconds", utc=True)
