"""`hookgate audit show`: the records that are asked for."""

from hookgate.ledger.audit.query import Query
from hookgate.ledger.members import USUAL
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.sieve import Sieve
from hookgate.ledger.record import Record
from hookgate_cli.common import ConfigOption, JsonOption, err, plain_errors
from hookgate_cli.option_groups import grouped

from .asked import asked_of_fleet
from .choosing import find_ledgers
from .filters import Filters, UtcOption
from .lines import ForwardsOption, print_record
from .options import FilesArgument, FleetOptions
from .problems import Problems
from .reading import reading
from .unmatched import Unmatched


@grouped
def show(
    files: FilesArgument = None,
    *,
    filters: Filters,
    forwards: ForwardsOption = False,
    utc: UtcOption = False,
    fleet: FleetOptions,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print records, oldest first: all, or those that are asked for.

    With --json each as it stands in the ledger. Lines that are no records are told on stderr. Times
    are local, with their offset, unless --utc.

    Examples:

      hookgate audit show --since 2h --outcome refused --outcome failed

      hookgate audit show hookgate-audit.jsonl.1.gz --client 31.169.56.0/21
    """
    query = filters.query(config, utc=utc)
    of_fleet = asked_of_fleet(fleet, files, config, query.since, query.until)
    ledger = find_ledgers(files, config, fleet=of_fleet, by_names=bool(query.references))
    problems = Problems(ledger)
    unmatched = Unmatched(query, config, sees_all=False)

    def is_wanted(record: Record) -> bool:
        return (forwards or record["event"] != "forward") and query.matches(record)

    sieve = Sieve(query.texts, USUAL, wanted=is_wanted) if query != Query() else None
    shown = read = 0
    with plain_errors(), reading(ledger, sieve=sieve) as lines:
        for line in unmatched.watch(map(Line.checked, lines)):
            read += 1
            if line.record is None:
                problems.note(line)
            elif is_wanted(line.record):
                print_record(line.record, line.raw, as_json=as_json, utc=utc)
                shown += 1
    if not shown:
        read += sieve.unseen if sieve is not None else 0
        err.print(f"none of {read} lines is what was asked for")
    unmatched.tell()
    problems.close()
