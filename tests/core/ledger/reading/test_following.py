"""Following a ledger as it grows and is rotated, and reading it from its end."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.reading.following import Follower, read_backwards, whole_lines
from support.examples import many


@given(
    st.lists(
        st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")) | st.just(b"x" * 100_000),
        max_size=12,
    ),
    st.booleans(),
)
@settings(max_examples=many(60), deadline=None)
def test_backwards_is_forwards_reversed(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool
) -> None:
    """For lines of any length, with or without an end to the last."""
    file = tmp_path_factory.mktemp("backwards") / "a"
    data = b"\n".join(lines) + b"\n" * (ended and bool(lines))
    file.write_bytes(data)
    expected = data.split(b"\n")[: -1 if data.endswith(b"\n") else None] if data else []
    assert list(read_backwards(file)) == expected[::-1]
    assert whole_lines(file) == data.rfind(b"\n") + 1


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_follower_yields_whole_lines_as_they_are_written(tmp_path: Path) -> None:
    """What was there is left out, and half a line waits for its end."""
    path = tmp_path / "a.jsonl"
    append(path, b"old\n")
    follower = Follower(path, whole_lines(path))
    assert list(follower.poll()) == []
    append(path, b"one\ntw")
    assert list(follower.poll()) == [b"one"]
    append(path, b"o\n")
    assert list(follower.poll()) == [b"two"]
    follower.close()


def test_a_follower_goes_on_in_the_new_file_after_a_rotation(tmp_path: Path) -> None:
    """What was written to the old file last is not lost, not even half a line."""
    path = tmp_path / "a.jsonl"
    append(path, b"old\n")
    follower = Follower(path, 4)
    append(path, b"last\n")
    path.rename(tmp_path / "a.jsonl.1")
    append(tmp_path / "a.jsonl.1", b"after the renaming\ntorn")
    assert list(follower.poll()) == [b"last", b"after the renaming"]
    append(path, b"first\n")
    assert list(follower.poll()) == [b"torn", b"first"]
    assert list(follower.poll()) == []
    follower.close()


def test_a_follower_starts_over_where_the_file_was_truncated(tmp_path: Path) -> None:
    """As after copytruncate."""
    path = tmp_path / "a.jsonl"
    append(path, b"one\ntwo\n")
    follower = Follower(path)
    assert list(follower.poll()) == [b"one", b"two"]
    path.write_bytes(b"three\n")
    assert list(follower.poll()) == [b"three"]
    follower.close()


def test_a_follower_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """A gate may start after the person who watches it."""
    path = tmp_path / "a.jsonl"
    assert whole_lines(path) == 0
    follower = Follower(path)
    assert list(follower.poll()) == []
    append(path, b"one\n")
    assert list(follower.poll()) == [b"one"]
    follower.close()
