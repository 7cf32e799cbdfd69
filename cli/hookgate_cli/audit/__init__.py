"""`hookgate audit`: what the ledger can tell."""

import typer

from .balance import balance
from .duplicates import duplicates
from .explain import explain
from .fate import fate
from .prove import prove
from .receipt import app as receipt
from .report import report
from .show import show
from .stats import stats
from .tail import tail
from .verify import verify

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What the ledger can tell.")
for verb in (tail, show, stats, explain, fate, duplicates, balance, verify, report, prove):
    app.command()(verb)
app.add_typer(receipt, name="receipt")
