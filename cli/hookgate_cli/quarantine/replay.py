"""`hookgate quarantine replay`: give what is kept to the endpoint."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from hookgate.log import make_log
from hookgate.policy import Reason
from hookgate.quarantine.replay.plan import Asked, Planned, Verdict
from hookgate.quarantine.replay.sending import Booking, Sending
from hookgate.quarantine.replay.session import opened_gate
from hookgate_cli.audit.configured import load_seal_keys
from hookgate_cli.audit.options import LogOption, SealKeyOption
from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import FAILED, FINDING, ConfigOption, JsonOption, err, fail, load_config
from hookgate_cli.offering import offered
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .bar import bar
from .fleet import (
    FleetOptions,
    make_planner,
    opened_items,
)
from .opening import (
    IdentityOption,
    actor,
    need_identities,
    open_store,
    parse_reason,
    store_errors,
)
from .outcome import (
    NOT_WHOLE,
    count_plan,
    is_whole,
    print_ends,
    print_json_items,
    print_nothing,
    print_plan,
)
from .planning import Plan, Planner
from .running import alone, run, send
from .selection import SelectionOptions

if TYPE_CHECKING:
    from .fleet_planning import FleetPlanner

_RATE = 100
_IN_STORE = (
    "fleet.quarantine is true: what this gate keeps is sent on from the store of its fleet, where"
    " somebody may be at it: hookgate quarantine replay --fleet"
)


@grouped
def replay(
    *,
    chosen: SelectionOptions,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Send so many at most.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send them; without it, only plan.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            metavar="TEXT",
            help="Why they are sent; each line of it in the ledger says.",
        ),
    ] = None,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="Also what may have been delivered: it may double."),
    ] = False,
    retrying: Annotated[
        bool,
        typer.Option("--retrying", help="Also what its sender still sends again: it will double."),
    ] = False,
    override: Annotated[
        bool,
        typer.Option(
            "--override",
            help="Also what no ledger says a gate kept: anybody may have put it there.",
        ),
    ] = False,
    rate: Annotated[
        float,
        typer.Option("--rate", min=0, metavar="N", help="In a second at most; 0 is no bound."),
    ] = _RATE,
    fleet: FleetOptions,
    identity: IdentityOption = None,
    log: LogOption = None,
    seal_key: SealKeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send what is kept to the endpoint, through the gate's own checks; without --yes, plan it.

    Each item is judged by the configuration of now, with its source and signature as they were
    found when it came. What is delivered leaves the quarantine, what is not stays. Exits 1 if any
    stays. With --fleet it sends what all gates keep, from their store; several may do so at once.

    Examples:

      hookgate quarantine replay --identity replay.key

      hookgate quarantine replay --identity replay.key --since 2h --json

      hookgate quarantine replay --identity replay.key --yes --reason "mended"

      hookgate quarantine replay --fleet --dsn-file anna.dsn --seal-key ams1.seal
    """
    if yes and not (reason or "").strip():
        fail(
            '--yes needs --reason TEXT: the ledger says it, as in --reason "the contract is mended"'
        )
    if fleet.fleet and log:
        fail("--log names ledgers in files, and with --fleet those in the store are read: omit it")
    selection = chosen.selection()
    identities = need_identities(identity, "a replay")
    loaded = load_config(config, offline=not yes)
    keys = load_seal_keys(seal_key, config)
    if fleet.fleet and seal_key:  # those of the gates; what is recorded here has its own
        keys = tuple(dict.fromkeys((*keys, *load_seal_keys(None, config))))
    asked = Asked(unknown, retrying, override, limit)
    told = {"actor": actor(), "why": parse_reason(reason or "")}
    with store_errors(), ExitStack() as stack:
        items = stack.enter_context(opened_items(fleet))
        if items is not None:
            made_by = selection, identities, asked, loaded, keys
            planner: Planner | FleetPlanner = make_planner(items, *made_by)
        else:
            store, settings = open_store(config)
            if loaded.fleet.quarantine:
                fail(offered(_IN_STORE))
            if yes:
                stack.enter_context(alone(settings.path))
            planner = Planner(store, selection, identities, asked, loaded, config, log, keys)
        if yes:
            all_left = _replay(planner, items, told, rate, as_json=as_json)
        else:
            all_left = _show_plan(planner.plan(), as_json=as_json)
    if not all_left:
        raise typer.Exit(FINDING)


def _show_plan(made: Plan, *, as_json: bool) -> bool:
    items, whole = made
    if as_json:
        print_json_items(items, None)
        print_json({"plan": count_plan(items), "ledgers_whole": whole})
    elif items:
        print_plan(items)
        err.print("this is a plan, and nothing was sent: --yes --reason TEXT sends")
    else:
        print_nothing()
    if not whole:
        err.print(f"{NOT_WHOLE}: --override sends all the same", soft_wrap=True)
    return whole and is_whole(items)


def _replay(
    planner: "Planner | FleetPlanner",
    booking: Booking | None,
    told: dict[str, str],
    rate: float,
    *,
    as_json: bool,
) -> bool:
    items, whole = planner.plan()
    if not (whole or planner.asked.override):
        fail(f"{NOT_WHOLE}: mend that, or give --override", FAILED)
    if not as_json:
        print_plan(items)
    ends: dict[str, str] = {}
    with bar("sending", sum(one.verdict is Verdict.SEND for one in items)) as advance:

        def note(one: Planned, code: str) -> None:
            ends[one.entry.name] = code
            advance()

        async def work() -> Sending:
            async with opened_gate(planner.config, make_log()) as gate:
                sending = Sending(
                    gate,
                    planner.store,
                    planner.identities,
                    told,
                    rate=rate,
                    booking=booking,
                    on_end=note,
                )
                await sending.releases.settle_stale()
                await send(sending, items)
            return sending

        sending = run(work(), planner.config)
    return _show_ends(sending, items, ends, as_json=as_json)


def _show_ends(
    sending: Sending, items: Sequence[Planned], ends: dict[str, str], *, as_json: bool
) -> bool:
    releases = sending.releases
    untried = sum(one.verdict is Verdict.SEND for one in items) - len(ends)
    if as_json:
        print_json_items(items, ends)
        counts = {"ends": dict(sending.ends), "untried": untried, "released": releases.released}
        print_json({"plan": count_plan(items), **counts, "stopped": sending.stopped or None})
    elif items:
        print_ends(sending.ends, releases.released, untried)
    else:
        print_nothing()
    if sending.stopped:
        err.print(printable(f"hookgate: stopped: {sending.stopped}"), soft_wrap=True)
    if releases.remaining:
        words = f"{count_of(releases.remaining, 'item')} not released: {releases.problem}"
        err.print(printable(f"hookgate: {words}; the next replay does it"), soft_wrap=True)
    all_sent = sending.ends.total() == sending.ends[Reason.CLEAN.code] and not untried
    return all_sent and is_whole(items) and not releases.remaining
