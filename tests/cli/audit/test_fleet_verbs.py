"""`--fleet` as a person uses it: who is asked, what is said first, and what goes wrong."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from support.both import Both, write_boot
from support.calling import Call
from support.fleet import Chain, new_fleet, segment
from support.lines import delivery, forward, stop
from support.raw import wait_until

A = "a" * 64


@pytest.fixture
def both(tmp_path: Path, call: Call) -> Iterator[Both]:
    """Two gates: each delivered the same event, and knows others."""
    with new_fleet() as fleet:
        made = Both(fleet, tmp_path, call)
        for gate, boot in (("amsterdam", "a1"), ("utrecht", "u1")):
            names = {"reference": "r-1", "sha256": A}
            records = [forward(1, **names), delivery(1, **names), delivery(2, "malformed_json")]
            write_boot(made.path(gate), boot, [*records, stop(2, delivered=1, refused=1)])
            made.ship(gate)
        yield made


def test_one_question_is_asked_of_all_gates(both: Both) -> None:
    """By a name or over all lines; of one gate where it is named."""
    assert both.of_fleet("balance", "--json").json["balances"]
    (_, *rows) = both.of_fleet("show", "--reference", "r-1").out.splitlines()
    assert len(rows) == 1
    assert both.of_fleet("balance", "--json", "--gate", "utrecht").json["total"]["received"] == 2
    told = both.of_fleet("duplicates")
    assert told.status == 1
    assert told.out.splitlines()[:2] == [
        "1 event was delivered more than once",
        "2 times, at amsterdam, utrecht: r-1",
    ]
    alone = both.of_fleet("duplicates", "--gate", "amsterdam")
    assert (alone.status, alone.out) == (0, "no event was delivered more than once\n")
    fate = both.of_fleet("fate", "r-1", "--json", "--gate", "utrecht")
    assert "utrecht/u1:3" in fate.out
    assert "amsterdam" not in fate.out


def test_what_the_store_knows_is_said_first_and_no_verdict_is_clean(both: Both) -> None:
    """Who is silent or behind, what is lost, and what differs; a fork breaks the chain."""
    sql, store = both.fleet.sql, both.fleet.store("utrecht")
    chain = Chain(Path("-"), "u2")
    one, two = segment(chain, 3), segment(chain, 3)
    assert store.put(one)
    assert store.put_fork(replace(one, digest=bytes(32)))
    assert store.put(replace(two, first_n=9), is_first=True)
    store.tell_cut("u2", 11)
    sql(
        "UPDATE hookgate.gate SET seen = now() - interval '14 minutes',"
        " behind = 70, behind_since = now() - interval '1 hour' WHERE gate = 'utrecht'"
    )
    expected = [
        (
            "NOT READ: utrecht: its shipper was last heard of 14 min ago: what it saw since is not"
            " here"
        ),
        "NOT READ: utrecht: 70 bytes were to be sent, for 46 min: they are not here",
        "NOT READ: utrecht: lines 4 to 8 of boot u2 were gone before they were sent",
        (
            "NOT READ: utrecht: lines 1 to 3 of boot u2 were received twice, and differ: those that"
            " came first are read"
        ),
        (
            "utrecht: lines 11 to 11 of boot u2 are gone on the gate: they are read as they were"
            " received"
        ),
    ]
    for verb in ("balance", "fate r-1", "show", "stats", "verify"):
        result = both.of_fleet(*verb.split())
        assert result.err.splitlines()[:5] == expected, verb
        assert result.status == 1, verb
    never = both.of_fleet("fate", "nobody")
    assert "not seen in what could be read" in never.out
    kinds = {row["kind"] for row in both.of_fleet("verify", "--json").json["findings"]}
    assert {"cut", "contradictory"} <= kinds
    clean = both.of_fleet("balance", "--gate", "amsterdam")
    only = "amsterdam: no other gate is asked: one may have had the same events\n"
    assert (clean.status, clean.err) == (0, only)
    assert both.of_fleet("fate", "nobody", "--gate", "amsterdam").out == (
        "not seen in what is read of amsterdam  nobody\n"
    )


def test_a_gate_that_was_stopped_may_be_silent(both: Both) -> None:
    """All that it saw is here."""
    both.fleet.sql("UPDATE hookgate.gate SET seen = now() - interval '14 minutes'")
    result = both.of_fleet("balance")
    assert result.status == 0
    assert result.err.count("last heard of 14 min ago") == 2


def test_lines_that_were_deleted_from_the_store_are_missed(both: Both) -> None:
    """In the middle, at the end, and while a time is asked for nothing is said of them."""
    store, chain = both.fleet.store("utrecht"), Chain(Path("-"), "u2")
    for _ in range(3):
        assert store.put(segment(chain, 2))
    both.fleet.sql("DELETE FROM hookgate.segment WHERE boot = 'u2' AND first_n IN (3, 5)")
    err = both.of_fleet("stats").err
    assert "NOT READ: utrecht: lines 3 to 6 of boot u2 are not in the store, or are damaged" in err
    assert both.of_fleet("stats", "--since", "2026-01-01").err == ""


def test_no_verdict_is_clean_where_a_boot_or_its_beginning_is_not_there(both: Both) -> None:
    """Deleted, or what no shipper makes: also of a part of the time, and once each."""
    store = both.fleet.store("utrecht")
    whole, head = Chain(Path("-"), "u2"), Chain(Path("-"), "u3")
    assert store.put(segment(whole, 3))
    both.fleet.sql("DELETE FROM hookgate.segment WHERE boot = 'u2'")
    assert store.put(replace(segment(head, 3), size=(1 << 31) - 1))
    assert store.put(segment(head, 3))
    gone = "NOT READ: utrecht: lines 1 to 3 of boot u2 are not in the store, or are damaged\n"
    odd = "NOT READ: utrecht: lines 1 to 3 of boot u3 are damaged: no shipper made what is there\n"
    for verb in ("balance", "stats", "show"):
        result = both.of_fleet(verb)
        assert (result.status, result.err.startswith(odd + gone)) == (1, True), verb
        assert result.err.count("NOT READ") == 2
    assert both.of_fleet("balance", "--gate", "amsterdam").status == 0
    since = both.of_fleet("stats", "--since", "2026-01-01")
    assert (since.status, since.err) == (1, odd)


def test_who_was_never_heard_of_may_have_seen_anything(both: Both) -> None:
    both.fleet.gate("rotterdam")
    words = "NOT READ: rotterdam: its shipper was never heard of: what it saw since is not here\n"
    result = both.of_fleet("balance")
    assert (result.status, result.err) == (1, words)
    assert both.of_fleet("fate", "nobody").out == "not seen in what could be read  nobody\n"


def test_what_was_deleted_for_its_age_was_not_never_seen(both: Both) -> None:
    """That it is gone is known, and no finding."""
    both.fleet.sql(
        "UPDATE hookgate.boot SET received = '2026-11-21' WHERE boot = 'u1';"
        "DELETE FROM hookgate.segment WHERE boot = 'u1'; DELETE FROM hookgate.name;"
        "INSERT INTO hookgate.expiry VALUES ('2026-11-21', 1, 4)"
    )
    words = "the store: what was received up to 2026-11-21 is deleted for its age\n"
    result = both.of_fleet("balance")
    assert (result.status, result.err) == (0, words)
    fate = both.of_fleet("fate", "r-1")
    assert (fate.status, fate.out) == (1, "not seen in what the store still has  r-1\n")


def test_a_boot_whose_first_lines_were_deleted_for_their_age_is_not_broken(both: Both) -> None:
    """It is as with files that were rotated away."""
    store, chain = both.fleet.store("utrecht"), Chain(Path("-"), "u2")
    for _ in range(2):
        assert store.put(segment(chain, 3))
    both.fleet.sql(
        "DELETE FROM hookgate.segment WHERE boot = 'u2' AND first_n = 1;"
        "INSERT INTO hookgate.expiry VALUES ('2026-11-21', 1, 3)"
    )
    result = both.of_fleet("verify")
    assert (result.status, "no start  utrecht/u2:4" in result.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("balance --gate utrecht", "--gate goes with --fleet, which is not given"),
        ("fate r-1 --dsn-file x", "--dsn-file goes with --fleet, which is not given"),
        ("verify --since 2d", "--since goes with --fleet, which is not given"),
        ("balance --fleet", "--fleet needs a store: name the file with a reader's DSN by"),
        ("show audit.jsonl --fleet", "audit.jsonl is a file, and --fleet reads the store"),
        ("fate r-1 --log audit.jsonl --fleet", "audit.jsonl is a file, and --fleet reads"),
        ("verify --fleet --dsn-file reader.dsn --state s", "--state s is of files"),
        ("stats --fleet --dsn-file gone.dsn", "gone.dsn cannot be read"),
        ("balance --fleet --dsn-file reader.dsn --since soon", '"soon" is no time'),
        ("balance --fleet --dsn-file reader.dsn --gate x", '"x" is none of the fleet\'s: amst'),
    ],
)
def test_what_does_not_go_together_is_refused(
    both: Both, call: Call, arguments: str, words: str
) -> None:
    result = call("audit", *arguments.split())
    assert result.status == 2, result.out
    assert words in result.err


def test_a_reader_has_a_login_and_a_gate_reads_nothing(both: Both, call: Call) -> None:
    """The file that is written is what --fleet takes, by name or in the configuration."""
    made = call("fleet", "init", "--dsn-file", "reader.dsn", "--reader", "ops")
    assert made.status == 0, made.err
    file = Path("ops.dsn")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert "ops.dsn holds the login of ops, for hookgate audit --fleet" in made.out
    Path("hookgate.toml").write_text('[fleet]\ndsn_file = "ops.dsn"\n')
    assert call("audit", "balance", "--fleet").status == 0
    assert both.fleet.sql(
        "SELECT has_table_privilege('hookgate_reader_ops', 'hookgate.segment', 'DELETE'),"
        " has_function_privilege('hookgate_reader_ops', 'hookgate.expire(date)', 'EXECUTE')"
    ) == [(False, False)]
    again = call("fleet", "init", "--dsn-file", "reader.dsn", "--reader", "ops", "--to", "new.dsn")
    assert again.status == 0
    old = call("audit", "balance", "--fleet", "--dsn-file", "ops.dsn")
    assert (old.status, "refuses the password" in old.err) == (1, True)
    Path("gate.dsn").write_text(both.fleet.gate("amsterdam"))
    gate = call("audit", "balance", "--fleet", "--dsn-file", "gate.dsn")
    assert (gate.status, "this login may not do that" in gate.err) == (1, True)
    both_of = call("fleet", "init", "--dsn-file", "reader.dsn", "--reader", "a", "--gate", "b")
    assert both_of.status == 2


def test_a_planted_segment_under_an_event_s_name_is_told(both: Both) -> None:
    """A forger gives his the hash of its name: it is fetched, and changes nothing but that."""
    from hookgate.fleet.segment import hash_name

    store, chain = both.fleet.store("utrecht"), Chain(Path("-"), "u9")
    names = (hash_name("r-1"),)
    broken = replace(segment(chain, 3), body=b"no zstd", names=names)
    huge = replace(segment(chain, 3), size=(1 << 31) - 1, names=names)
    other = replace(segment(chain, 3), names=names)
    assert all(map(store.put, (broken, huge, other)))
    result = both.of_fleet("fate", "r-1")
    assert result.status == 1
    assert result.out.startswith("delivered on the first try, and 2 times in all  r-1")
    assert "NOT READ: utrecht: lines 4 to 6 of boot u9 are damaged" in result.err
    assert "utrecht/u9:1: cannot be read: what the store has there is damaged" in result.err


def test_ctrl_c_ends_a_question_that_the_store_does_not_answer(both: Both) -> None:
    """At once, and without a word."""
    command = (sys.executable, "-m", "hookgate_cli", "audit", "balance", "--fleet", "--dsn-file")
    waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'hookgate audit' AND"
    waiting += " wait_event_type = 'Lock'"
    with psycopg.connect(both.fleet.dsn) as locking:
        locking.execute("LOCK TABLE hookgate.segment IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen(
            [*command, str(both.dsn_file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process:
            assert wait_until(lambda: bool(both.fleet.sql(waiting)))
            process.send_signal(signal.SIGINT)
            out, told = process.communicate(timeout=60)
    assert (process.returncode, out, told) == (130, b"", b"")
