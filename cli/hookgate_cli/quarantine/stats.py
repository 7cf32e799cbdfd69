"""`hookgate quarantine stats`: how much is kept, and how much room is left?"""

from collections import Counter

from rich.table import Table

from hookgate.times import iso_time, show_time
from hookgate_cli.common import ConfigOption, JsonOption, out
from hookgate_cli.terminal import print_json, printable

from .opening import open_store, store_errors
from .rows import in_custody, text_of


def stats(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Count what is kept, against the bounds that it may fill.

    Claims are items on their way out; one that stays was left by a process that ended, and the gate
    records and removes it within a minute, or the next replay does.

    Examples:

      hookgate quarantine stats

      hookgate quarantine stats --json
    """
    store, settings = open_store(config)
    with store_errors():
        usage = store.usage()
        entries = list(store.entries())
    kept = [entry for entry in entries if entry.claimed is None]
    reasons = Counter(text_of(entry.record, "reason") or "no record" for entry in kept)
    custody = sum(in_custody(entry) for entry in kept)
    claims = len(entries) - len(kept)
    oldest = usage.oldest
    if as_json:
        print_json(
            {
                "items": usage.items,
                "bytes": usage.bytes,
                "max_items": settings.max_items,
                "max_bytes": settings.max_bytes,
                "oldest": iso_time(oldest, "seconds") if oldest is not None else None,
                "reasons": dict(reasons.most_common()),
                "custody": custody,
                "claims": claims,
            }
        )
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("folder", printable(settings.path))
    table.add_row("items", _share(usage.items, settings.max_items))
    table.add_row("bytes", _share(usage.bytes, settings.max_bytes))
    table.add_row("oldest", "none" if oldest is None else show_time(oldest, "seconds"))
    table.add_row("in custody", f"{custody:,}")
    table.add_row("claims", f"{claims:,}")
    for reason, count in reasons.most_common():
        table.add_row(f"  {printable(reason)}", f"{count:,}")
    out.print(table)


def _share(used: int, bound: int) -> str:
    return f"{used:,} of {bound:,} ({100 * used / bound:.0f} %)"
