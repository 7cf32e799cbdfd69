"""What a shipper tells of itself is true while the store is there, away or silent."""

import gzip
import json
import time
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from hookgate.fleet.error import StoreError
from hookgate.fleet.telling import Telling
from hookgate.ledger.shipping import read_shipping, shipping_path
from support.fleet import Chain, Fleet, Shipping
from support.raw import wait_until


def telling(ledger: Path, shipping: Shipping) -> Telling:
    return Telling(ledger, "amsterdam", shipping.shipper, shipping.log)


def test_the_lag_is_told_over_an_outage(fleet: Fleet, ledger: Path) -> None:
    """From the oldest line on that is not sent; while the store is away by how the files grow,
    whatever becomes of them.
    """
    chain = Chain(ledger)
    chain.add(3)
    with fleet.through_proxy() as (proxy, dsn):
        shipping = fleet.shipper(ledger, dsn=dsn)
        told = telling(ledger, shipping)
        now = time.time()
        first = told.look(now)
        assert (first.store, first.behind) == ("it was not reached yet", ledger.stat().st_size)
        assert first.lag(now + 60) >= 60
        shipping.ship()
        sent = told.look(time.time())
        assert (sent.store, sent.behind, sent.lines, sent.lag(time.time())) == ("", 0, 3, 0)
        proxy.refuses = True
        proxy.break_off()
        with pytest.raises(StoreError):
            shipping.again()
        at = shipping.shipper.progress.at
        assert told.look(at + 50).lag(at + 50) == 0
        before = ledger.stat().st_size
        chain.add(2)
        away = told.look(at + 60)
        assert away.store == "the connection broke off"
        assert (away.lag(at + 60), away.behind) == (60, ledger.stat().st_size - before)
        rotated = ledger.rename(f"{ledger}.1")
        chain.add(2)
        both = ledger.stat().st_size + rotated.stat().st_size - before
        assert told.look(at + 61).behind == both
        Path(f"{rotated}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
        rotated.unlink()
        assert told.look(at + 62).behind == both
        proxy.refuses = False
        shipping.ship()
        back = told.look(time.time())
        assert (back.store, back.behind, back.lines, back.lag(time.time())) == ("", 0, 7, 0)
    assert len(fleet.bytes_of("b1").splitlines()) == 7


def test_what_was_found_is_told(fleet: Fleet, ledger: Path) -> None:
    """Once, however often it is found again."""
    chain = Chain(ledger)
    chain.add(9)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:4]))
    for _ in range(2):
        shipping.again()
    assert telling(ledger, shipping).look(time.time()).findings == {"fork": 0, "cut": 1, "lost": 0}


def test_a_store_that_stands_still_is_told_and_left(fleet: Fleet, ledger: Path) -> None:
    """It acknowledges what is sent, and never answers: the call is ended from outside."""
    Chain(ledger).add(3)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    Chain(ledger, "b2").add(3)
    with psycopg.connect(fleet.dsn) as holder:
        holder.execute("LOCK TABLE hookgate.boot IN ACCESS EXCLUSIVE MODE")
        failed: list[str] = []

        def ship() -> None:
            try:
                shipping.ship()
            except StoreError as error:
                failed.append(str(error))

        thread = Thread(target=ship)
        thread.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        assert wait_until(lambda: fleet.sql(waiting) == [(1,)])
        at = shipping.shipper.progress.at
        hung = telling(ledger, shipping).look(at + 31)
        assert (hung.store, hung.lag(at + 31)) == ("it does not answer", 31)
        shipping.shipper.break_off()
        thread.join(20)
    assert failed == ["the connection broke off"]
    shipping.ship()
    assert len(fleet.bytes_of("b2").splitlines()) == 3


def test_the_file_is_there_while_it_runs(fleet: Fleet, ledger: Path) -> None:
    """At its end it says so; a folder that cannot be written to is told once."""
    Chain(ledger).add(3)
    shipping = fleet.shipper(ledger)
    path = shipping_path(ledger)
    with telling(ledger, shipping):
        shipping.ship()
        assert wait_until(lambda: (told := read_shipping(path)) is not None and told.lines == 3)
    ended = json.loads(path.read_text())
    assert (ended["ended"], ended["gate"], ended["unsent_since"]) == (True, "amsterdam", None)
    path.unlink()
    path.mkdir()
    with telling(ledger, shipping):
        assert wait_until(lambda: "ship.not_told" in shipping.logged)
    assert shipping.logged == ["ship.not_told"]
