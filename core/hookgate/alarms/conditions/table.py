"""All conditions, as the settings have them. Pure."""

from hookgate.config.watching import WatchSettings
from hookgate.networks.ranges import SHIPPED

from .condition import Condition
from .dates import Certificates, Ranges
from .endpoint import Endpoint
from .frequent import KINDS, Frequent
from .kept import Custody, QuarantineFull, QuarantineOld
from .ledger import LedgerFails, LedgerGone, LedgerUnread
from .lost import Lost
from .running import NotReady, Restarts, Stopped, Workers
from .shipping import Unshipped
from .silence import Silence


def make_conditions(settings: WatchSettings) -> dict[str, Condition]:
    """Make each condition that is not off, by its name: that of its key."""
    alarm, quarantine = settings.alarm, settings.quarantine
    made: dict[str, Condition] = {}
    if alarm.silence is not None or any(settings.silences.values()):
        made["silence"] = Silence(alarm.silence, settings.silences)
    if alarm.lost is not None:
        made["lost"] = Lost(alarm.lost)
    if alarm.endpoint is not None:
        made["endpoint"] = Endpoint(alarm.endpoint)
    for kind in KINDS:
        if (often := getattr(alarm, kind.name)) is not None:
            made[kind.name] = Frequent(kind, often)
    if alarm.restarts is not None:
        made["restarts"] = Restarts(alarm.restarts)
    lasting = {
        "ledger_fails": LedgerFails,
        "ledger_gone": LedgerGone,
        "ledger_unread": LedgerUnread,
        "stopped": Stopped,
        "not_ready": NotReady,
        "workers": Workers,
        "custody": Custody,
        "shipping": Unshipped,
        "certificate": Certificates,
    }
    for name, kind_of in lasting.items():
        if (seconds := getattr(alarm, name)) is not None:
            made[name] = kind_of(seconds)
    if alarm.quarantine_full is not None:
        made["quarantine_full"] = QuarantineFull(alarm.quarantine_full, quarantine)
    if alarm.quarantine_old is not None:
        made["quarantine_old"] = QuarantineOld(alarm.quarantine_old, quarantine)
    if alarm.ranges is not None:
        reviewed = {name: SHIPPED[name].reviewed for name in settings.ranges}
        made["ranges"] = Ranges(alarm.ranges, reviewed)
    return made
