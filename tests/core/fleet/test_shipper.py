"""What a ledger holds is in the store once and in order, whatever becomes of files and store."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate.fleet.error import StoreError
from support.fleet import Chain, Fleet
from support.journal import Book
from support.raw import wait_until


def test_real_ledgers_arrive_byte_for_byte(either: Fleet, ledger: Path) -> None:
    """Of workers and replays too, with seals, rotated and compressed; nginx's lines do not."""
    parts = [ledger, ledger.with_name("audit.1.jsonl"), ledger.with_name("audit.replay.jsonl")]
    for number, path in enumerate(parts):
        book = Book(path, boot=f"b{number}", seal_key=b"k" * 32)
        for seq in range(1, 20):
            book.refused(seq)
        book.close(received=19, refused=19)
    expected = {f"b{number}": path.read_bytes() for number, path in enumerate(parts)}
    Path(f"{ledger}.1.gz").write_bytes(gzip.compress(ledger.read_bytes()))
    ledger.write_bytes(b'{"event":"delivery","front":"nginx"}\n')
    shipping = either.shipper(ledger)
    shipping.ship()
    assert {boot: either.bytes_of(boot) for boot in expected} == expected
    assert shipping.shipper.lines == 63
    assert either.sql("SELECT bool_and(stopped) FROM hookgate.boot") == [(True,)]
    assert shipping.logged == []
    again = either.shipper(ledger)
    again.ship()
    assert again.shipper.lines == 0


def test_a_line_is_sent_within_a_second(fleet: Fleet, ledger: Path) -> None:
    """Those of one second together; more than a mebibyte at once."""
    chain = Chain(ledger)
    chain.add(3)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    now = [100.0]
    shipping.shipper._boots._clock = lambda: now[0]  # type: ignore[union-attr]  # connected
    chain.add(2)
    shipping.shipper.turn()
    chain.add(2)
    shipping.shipper.turn()
    assert len(fleet.bytes_of("b1").splitlines()) == 3
    assert shipping.shipper.behind > 0
    now[0] += 1.0
    shipping.shipper.turn()
    assert fleet.bytes_of("b1") == ledger.read_bytes()
    assert fleet.sql("SELECT lines FROM hookgate.segment ORDER BY first_n") == [(3,), (4,)]
    assert shipping.shipper.behind == 0
    chain.add(40, padding="x" * 30_000)
    shipping.shipper.turn()
    assert fleet.sql("SELECT max(size) < 1100000, count(*) FROM hookgate.segment") == [(True, 3)]


def test_rotation_loses_nothing(fleet: Fleet, ledger: Path) -> None:
    """A gate writes to a renamed file for a moment; later the file is compressed, then deleted."""
    chain, lines = Chain(ledger), [b""]
    shipping = fleet.shipper(ledger)

    def add(path: Path) -> None:
        lines.append(chain.lines(2))
        with path.open("ab") as stream:
            stream.write(lines[-1])

    def is_in() -> bool:
        shipping.ship()
        return fleet.sql("SELECT next_n FROM hookgate.boot") == [(chain.n + 1,)]

    for number in range(3):
        rotated = Path(f"{ledger}.{number}")
        add(ledger)
        assert is_in()
        add(ledger)
        ledger.rename(rotated)
        add(rotated)
        shipping.shipper.turn()
        add(rotated)
        add(ledger)
        if number:  # as after an outage: it need not wait until nobody writes to the old file
            shipping.again()
        assert wait_until(is_in)
        Path(f"{rotated}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
        rotated.unlink()
    Path(f"{ledger}.0.gz").unlink()
    shipping.again()
    assert fleet.bytes_of("b1") == b"".join(lines)
    assert fleet.findings() == []


def test_files_that_a_clock_put_out_of_order_are_read_as_they_follow(
    fleet: Fleet, ledger: Path
) -> None:
    """A clock that was set back: the later file says that it is the earlier one."""
    one, two = Chain(ledger, "b1"), Chain(ledger, "b2")
    stamps = iter((2030, 2029, 2028, 2027))
    expected = {"b1": b"", "b2": b""}
    for number, parts in enumerate((((one, 4),), ((one, 3), (two, 3)), ((two, 4),), ((two, 2),))):
        one.year = two.year = next(stamps)
        for chain, many in parts:
            data = chain.lines(many)
            expected[chain.boot] += data
            chain.path = Path(f"{ledger}.{number}")
            chain.write(data)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    assert {boot: fleet.bytes_of(boot) for boot in expected} == expected
    assert fleet.findings() == []
    assert shipping.logged == []


def test_lines_that_are_gone_everywhere_are_lost_and_told(fleet: Fleet, ledger: Path) -> None:
    """A file that was deleted before it was shipped, and one line that is garbled."""
    chain = Chain(ledger)
    Path(f"{ledger}.3").write_bytes(chain.lines(3))
    fleet.gate()
    fleet.sql("UPDATE hookgate.gate SET added = '2020-01-01'")
    shipping = fleet.shipper(ledger)
    shipping.ship()
    chain.lines(4)  # of a file that nobody has
    Path(f"{ledger}.1").write_bytes(chain.lines(3))
    data = chain.lines(3).splitlines(keepends=True)
    ledger.write_bytes(data[0] + b"garbage\n" + data[2])
    shipping.again()
    assert fleet.findings() == [("lost", "b1", 4, 7), ("lost", "b1", 12, 12)]
    rows = fleet.sql("SELECT first_n, lines FROM hookgate.segment ORDER BY first_n")
    assert rows == [(1, 3), (8, 4), (13, 1)]
    shipping.again()
    chain.add(2)
    shipping.ship()
    assert len(fleet.findings()) == 2
    assert fleet.sql("SELECT next_n FROM hookgate.boot") == [(chain.n + 1,)]


def test_a_file_that_comes_back_is_no_loss(fleet: Fleet, ledger: Path) -> None:
    """What is not there is looked for twice before it counts as lost: it was being renamed."""
    chain = Chain(ledger)
    chain.add(3)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    missing = chain.lines(3)
    chain.add(3)
    shipping.shipper.turn()  # sees the gap
    Path(f"{ledger}.1").write_bytes(missing)
    shipping.ship()
    assert fleet.findings() == []
    assert len(fleet.bytes_of("b1").splitlines()) == 9


def test_a_tail_that_was_cut_after_it_was_shipped_is_told(fleet: Fleet, ledger: Path) -> None:
    """The store is the witness: it has the lines, and says that the gate has them no more."""
    chain = Chain(ledger)
    chain.add(9)
    chain.stop()
    shipping = fleet.shipper(ledger)
    shipping.ship()
    whole = ledger.read_bytes()
    ledger.write_bytes(b"".join(whole.splitlines(keepends=True)[:6]))
    Chain(ledger, "b2").add(3)
    shipping.again()
    assert fleet.findings() == [("cut", "b1", 7, 10)]
    assert "ship.cut" in shipping.logged
    assert fleet.bytes_of("b1") == whole


def zero(ledger: Path) -> None:
    ledger.write_bytes(b"")


def shorten(ledger: Path) -> None:
    with ledger.open("r+b") as file:
        file.truncate(len(b"".join(file.read().splitlines(keepends=True)[:6])))


def replace(ledger: Path) -> None:
    """As `sed -i` does."""
    kept = b"".join(ledger.read_bytes().splitlines(keepends=True)[:6])
    ledger.with_name("new").write_bytes(kept)
    ledger.with_name("new").replace(ledger)


@pytest.mark.parametrize(
    ("change", "first_n"), [(shorten, 7), (zero, 1), (replace, 7)], ids=["shorten", "zero", "sed"]
)
@pytest.mark.parametrize("goes_on", [False, True])
def test_a_tail_that_is_cut_while_it_is_shipped_is_told_at_once(
    fleet: Fleet, ledger: Path, change: Callable[[Path], None], first_n: int, goes_on: bool
) -> None:
    """Whether the gate goes on writing there or not: each line that it still has arrives."""
    chain = Chain(ledger)
    chain.add(10)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    received = ledger.read_bytes()
    change(ledger)
    if goes_on:
        received += (more := chain.lines(1))
        chain.write(more)

    def is_told() -> bool:
        shipping.ship()
        return bool(fleet.findings())

    assert wait_until(is_told)
    assert fleet.findings() == [("cut", "b1", first_n, 10)]
    assert shipping.logged == ["ship.cut"]
    shipping.ship()
    assert fleet.bytes_of("b1") == received


def test_a_copy_that_is_truncated_is_no_cut(fleet: Fleet, ledger: Path) -> None:
    """As of logrotate's copytruncate; nor is a rotated file that is deleted at once."""
    chain = Chain(ledger)
    chain.add(10)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    Path(f"{ledger}.1").write_bytes(ledger.read_bytes())
    zero(ledger)
    shipping.ship()
    chain.add(3)
    shipping.ship()
    ledger.rename(f"{ledger}.2")
    Path(f"{ledger}.1").unlink()
    chain.add(2)
    Path(f"{ledger}.2").unlink()

    def is_in() -> bool:
        shipping.ship()
        return fleet.sql("SELECT next_n FROM hookgate.boot") == [(16,)]

    assert wait_until(is_in)
    assert fleet.findings() == []
    assert shipping.logged == []


def test_what_cannot_be_read_is_not_called_cut(fleet: Fleet, ledger: Path) -> None:
    """A compressed file that is damaged may still be mended."""
    chain = Chain(ledger)
    data = chain.lines(500)
    packed = Path(f"{ledger}.1.gz")
    packed.write_bytes(gzip.compress(data))
    shipping = fleet.shipper(ledger)
    shipping.ship()
    packed.write_bytes(gzip.compress(data)[:-2000])
    shipping.again()
    assert fleet.findings() == []
    assert "ship.not_read" in shipping.logged


def test_a_boot_that_goes_on_elsewhere_is_a_fork(fleet: Fleet, ledger: Path) -> None:
    """As of a machine that was set back to a snapshot while its gate ran: both are kept."""
    chain = Chain(ledger)
    chain.add(5)
    snapshot = ledger.read_bytes(), chain.n, chain.prev
    chain.add(5)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    received = ledger.read_bytes()
    ledger.write_bytes(snapshot[0])
    chain.n, chain.prev = snapshot[1:]
    chain.add(20, other=True)
    for _ in range(2):
        shipping.again()
    assert fleet.bytes_of("b1") == received
    ((first_n, lines),) = fleet.sql("SELECT first_n, lines FROM hookgate.fork")
    assert (first_n, first_n + lines - 1) == (10, 25)
    assert "ship.fork" in shipping.logged
    # Other boots go on.
    Chain(ledger, "b2").add(3)
    shipping.ship()
    assert len(fleet.bytes_of("b2").splitlines()) == 3


def test_a_line_that_was_changed_before_it_was_shipped_breaks_the_chain(
    fleet: Fleet, ledger: Path
) -> None:
    """The next one names another: what follows is kept as a fork."""
    chain = Chain(ledger)
    chain.add(5)
    changed = ledger.read_bytes().replace(b"b1-3", b"b1-X")
    ledger.write_bytes(changed)
    shipping = fleet.shipper(ledger)
    shipping.ship()
    assert fleet.bytes_of("b1") == b"".join(changed.splitlines(keepends=True)[:4])
    assert fleet.sql("SELECT first_n, lines FROM hookgate.fork") == [(5, 1)]


def test_a_gate_that_was_made_anew_goes_on_under_its_name(fleet: Fleet, ledger: Path) -> None:
    """Its old ledger is gone with the machine, and nothing of it is called cut."""
    Chain(ledger).add(4)
    fleet.shipper(ledger).ship()
    ledger.unlink()
    Chain(ledger, "b2").add(3)
    fleet.shipper(ledger).ship()
    assert fleet.findings() == []
    assert [row[0] for row in fleet.sql("SELECT boot FROM hookgate.boot ORDER BY 1")] == [
        "b1",
        "b2",
    ]


def test_a_store_that_was_set_back_gets_what_it_lacks(fleet: Fleet, ledger: Path) -> None:
    """An older backup: files that were sent once are looked at anew, in the same process."""
    chain = Chain(ledger)
    shipping = fleet.shipper(ledger)
    tips = []
    for number in range(4):
        Path(f"{ledger}.{9 - number}").write_bytes(chain.lines(5))
        tips.append(chain.prev)
        shipping.again()
    chain.add(3)
    shipping.ship()
    whole = fleet.bytes_of("b1")
    fleet.sql("DELETE FROM hookgate.segment WHERE first_n > 5")
    fleet.sql("UPDATE hookgate.boot SET next_n = 6, tip = %s", tips[0])
    shipping.again()
    assert fleet.bytes_of("b1") == whole
    assert fleet.findings() == []


def test_two_shippers_of_one_gate_send_each_line_once(fleet: Fleet, ledger: Path) -> None:
    """One is told that there is another; both go on."""
    chain = Chain(ledger)
    chain.add(3)
    ours, theirs = fleet.shipper(ledger), fleet.shipper(ledger)
    ours.ship()
    theirs.ship()
    refused: list[str] = []
    for number in range(12):
        chain.add(2 + number % 3)
        for shipping in (ours, theirs) if number % 2 else (theirs, ours):
            try:
                shipping.ship()
            except StoreError as error:
                refused.append(str(error))
            chain.add()  # so that the other one cuts elsewhere
    ours.again()
    theirs.again()
    assert fleet.bytes_of("b1") == ledger.read_bytes()
    assert fleet.findings() == []
    assert fleet.sql("SELECT count(*) FROM hookgate.fork") == [(0,)]
    assert set(refused) == {"another shipper sends lines of this gate"}


def test_a_store_that_fails_at_any_call_gets_each_line_once(fleet: Fleet, ledger: Path) -> None:
    """The connection breaks before or after each statement in turn, its answer lost or not."""
    chain = Chain(ledger)
    for _ in range(4):
        chain.add(9)
        chain.stop()
        chain.path.rename(f"{ledger}.{chain.boot}")
        chain = Chain(ledger, chain.boot + "1")
    chain.add(4)
    with fleet.through_proxy() as (proxy, dsn):
        shipping = fleet.shipper(ledger, dsn=dsn)
        for budget in range(1, 40):
            proxy.swallows, proxy.answers_left = False, budget
            try:
                shipping.again()
            except StoreError:
                continue
            break
        else:
            raise AssertionError("it never got through")
    assert budget > 5
    total = fleet.sql("SELECT sum(lines) FROM hookgate.segment")
    assert total == [(44,)]
    for path in ledger.parent.iterdir():
        boot = path.read_bytes().split(b'"boot": "')[1].split(b'"')[0].decode()
        assert fleet.bytes_of(boot) == path.read_bytes()


def test_a_folder_that_cannot_be_listed_is_told(fleet: Fleet, tmp_path: Path) -> None:
    """Once, though it is looked at again and again."""
    (tmp_path / "file").touch()
    shipping = fleet.shipper(tmp_path / "file/audit.jsonl")
    shipping.ship()
    shipping.ship()
    assert shipping.logged == ["ship.not_read"]


@pytest.mark.parametrize(
    "change",
    [{"boot": "\ud800"}, {"boot": "b\0"}, {"boot": "b" * 65}, {"boot": ""}, {"boot": 7},
     {"n": 0}, {"n": -1}, {"n": 1 << 63}, {"n": 10**30}, {"n": True}, {"n": 1.0}, {"n": None},
     {"prev": "\ud800"}, {"prev": "a" * 65}, {"prev": "a\0"}, {"prev": None},
     {"boot": "x", "n": 1, "prev": "", "ts": "9999-12-31T23:59:59.000000Z"},
     {"boot": "x", "n": 1, "prev": "", "ts": "\ud800", "event": "start", "follows": "\ud800:1:"},
     {"boot": "x", "n": 1, "prev": "", "names": [str(n) for n in range(9_000)]},
     {"boot": "x", "n": 1, "prev": "", "reference": "\ud800\0"}],
    ids=lambda change: ascii(change)[:30],
)  # fmt: skip
def test_a_line_that_no_gate_wrote_keeps_no_other_back(
    fleet: Fleet, ledger: Path, change: dict[str, object]
) -> None:
    """Whatever somebody writes into the ledger, the gate's own lines arrive."""
    chain = Chain(ledger)
    chain.add(3)
    strange = {"event": "delivery", "ts": "", "boot": "b1", "n": 4, "prev": chain.prev, **change}
    chain.write(json.dumps(strange).encode() + b"\n")
    Path(f"{ledger}.1").write_bytes(ledger.read_bytes())
    chain.add(3)
    fleet.shipper(ledger).ship()
    assert len(fleet.bytes_of("b1").splitlines()) == 6
    assert fleet.findings() == []


def test_hello_tells_how_far_a_gate_is_behind(fleet: Fleet, ledger: Path) -> None:
    """When it begins, and each ten seconds."""
    Chain(ledger).add(3)
    shipping = fleet.shipper(ledger)
    now = [0.0]
    shipping.shipper._clock = lambda: now[0]
    shipping.ship()
    query = "SELECT seen, software LIKE 'hookgate %%', behind, behind_since FROM hookgate.gate"
    ((seen, is_named, behind, since),) = fleet.sql(query)
    assert (is_named, behind, since) == (True, 0, None)
    shipping.shipper.turn()
    assert fleet.sql(query)[0][0] == seen
    now[0] = 10.0
    Chain(ledger, "b2").add(2)
    shipping.shipper.turn()
    ((later, _, behind, since),) = fleet.sql(query)
    assert later > seen
    assert behind == len(b"".join(ledger.read_bytes().splitlines(keepends=True)[3:]))
    assert since is not None
