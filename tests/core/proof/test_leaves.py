"""The kept leaves of a boot: what is asked of them is what RFC 6962 says of all leaves together."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.proof.folder import Kept, KeptError, boots_of, read_kept, write_kept
from hookgate.proof.leaves import BLOCK, MISSING, GrowingLeaves, Leaves, append_missing
from hookgate.proof.merkle import Tree, hash_leaf, inclusion_path, is_included, root_of
from support.examples import many

BOOT = "0123456789abcdef"


def keep(folder: Path, *parts: int) -> list[bytes]:
    """Keep so many leaves, or where a number is below 0 so many missing ones; return all."""
    leaves: list[bytes] = []
    with GrowingLeaves(folder, BOOT) as growing:
        growing.start_anew()
        for part in parts:
            new = [hash_leaf(b"%d" % (len(leaves) + n)) for n in range(max(part, 0))]
            leaves += new or [MISSING] * -part
            growing.add(b"".join(new)) if new else growing.skip(-part)
        growing.sync()
        write_kept(folder, BOOT, Kept(growing.size))
    return leaves


@pytest.mark.parametrize(
    "parts",
    [
        (1,),
        (5000,),
        (BLOCK,),
        (3 * BLOCK + 7,),
        (10, BLOCK - 10, 2 * BLOCK),
        (-3, 5),
        (-2 * BLOCK, 5),
        (100, -3 * BLOCK, 9000),
        (BLOCK, -BLOCK, 1),
    ],
)
def test_roots_and_proofs_are_those_of_all_leaves(tmp_path: Path, parts: tuple[int, ...]) -> None:
    leaves = keep(tmp_path, *parts)
    with Leaves(tmp_path, BOOT) as kept:
        assert kept.size == len(leaves)
        for size in {1, len(leaves) // 2, len(leaves) - 1, len(leaves)} - {0}:
            root = root_of(leaves[:size])
            assert kept.subtree(0, size) == root
            for index in {0, size // 3, size - 1}:
                assert kept.leaf(index) == leaves[index]
                path = inclusion_path(index, size, kept.subtree)
                assert is_included(leaves[index], index, size, path, root)


@settings(max_examples=many(30, fewest=10), deadline=None)
@given(data=st.data())
def test_any_range_of_leaves_has_the_root_of_these_alone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "ranges"
    if not folder.exists():
        folder.mkdir()
        keep(folder, 2 * BLOCK, -BLOCK, 500)
    leaves = [hash_leaf(b"%d" % n) for n in range(2 * BLOCK)] + [MISSING] * BLOCK
    leaves += [hash_leaf(b"%d" % (3 * BLOCK + n)) for n in range(500)]
    start = data.draw(st.integers(0, len(leaves)))
    end = data.draw(st.integers(start, len(leaves)))
    with Leaves(folder, BOOT) as kept:
        assert kept.subtree(start, end) == root_of(leaves[start:end])


def test_lines_that_nobody_knows_take_no_room(tmp_path: Path) -> None:
    with GrowingLeaves(tmp_path, BOOT) as growing:
        growing.skip(1 << 30)
        growing.add(hash_leaf(b"the first that is known"))
        growing.sync()
        assert growing.size == (1 << 30) + 1
    assert sum(file.stat().st_blocks for file in tmp_path.iterdir()) < 100


def test_what_was_added_before_a_crash_does_not_count(tmp_path: Path) -> None:
    leaves = keep(tmp_path, 10)
    with GrowingLeaves(tmp_path, BOOT) as growing:
        growing.add(hash_leaf(b"never synced") * BLOCK)
    with Leaves(tmp_path, BOOT) as kept:
        assert (kept.size, kept.subtree(0, 10)) == (10, root_of(leaves))
        with pytest.raises(IndexError):
            kept.leaf(10)
        with pytest.raises(IndexError):
            kept.subtree(0, 11)
    with GrowingLeaves(tmp_path, BOOT) as growing:
        assert growing.stored(10, 11) == bytes(32)


@pytest.mark.parametrize("suffix", [".leaves", ".blocks"])
def test_leaves_that_are_gone_are_missed(tmp_path: Path, suffix: str) -> None:
    keep(tmp_path, 2 * BLOCK)
    (tmp_path / (BOOT + suffix)).write_bytes(b"")
    with pytest.raises(KeptError, match="a part of its leaves"):
        Leaves(tmp_path, BOOT)
    (tmp_path / (BOOT + suffix)).unlink()
    with pytest.raises(KeptError, match="its leaves are gone"):
        Leaves(tmp_path, BOOT)


def test_of_a_boot_that_nobody_kept_there_is_nothing(tmp_path: Path) -> None:
    with Leaves(tmp_path, BOOT) as kept:
        assert kept.size == 0
    assert read_kept(tmp_path, BOOT) is None
    assert boots_of(tmp_path) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a" * 65, "a\n", "\0"])
def test_a_name_that_could_leave_the_folder_is_no_boot(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="names no boot"):
        Leaves(tmp_path, name)


@given(st.binary(max_size=80) | st.sampled_from([b'{"size": -1}', b'{"size": true}', b"[]"]))
def test_a_damaged_state_is_told(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / f"{BOOT}.state").write_bytes(noise)
    if noise.strip() == b"{}":
        return
    with pytest.raises(KeptError, match="damaged"):
        read_kept(folder, BOOT)


def test_the_state_comes_back(tmp_path: Path) -> None:
    kept = Kept(12, "0" * 64, ended=True)
    write_kept(tmp_path, BOOT, kept)
    assert read_kept(tmp_path, BOOT) == kept
    assert boots_of(tmp_path) == [BOOT]
    assert (tmp_path / f"{BOOT}.state").stat().st_mode & 0o777 == 0o600


@given(st.lists(st.integers(0, 70), max_size=6))
def test_missing_leaves_are_added_at_once_as_one_by_one(counts: list[int]) -> None:
    tree, leaves = Tree(), list[bytes]()
    for number, count in enumerate(counts):
        if number % 2:
            tree.append(hash_leaf(b"a line"))
            leaves.append(hash_leaf(b"a line"))
        append_missing(tree, count)
        leaves += [MISSING] * count
        assert (tree.size, tree.root()) == (len(leaves), root_of(leaves))
