"""Merkle trees, held to the recursive definitions of RFC 6962, section 2.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.proof.merkle import (
    EMPTY_ROOT,
    Tree,
    hash_leaf,
    hash_node,
    inclusion_path,
    is_included,
    root_of,
)

LEAVES = [hash_leaf(b"entry %d" % number) for number in range(300)]


def by_definition(start: int, end: int) -> bytes:
    """The hash of LEAVES[start:end], as the RFC defines it."""
    if end - start < 2:
        return LEAVES[start] if end > start else EMPTY_ROOT
    left = 1
    while left * 2 < end - start:
        left *= 2
    return hash_node(by_definition(start, start + left), by_definition(start + left, end))


@pytest.mark.parametrize("size", [*range(20), 127, 128, 129, 255, 256, 300])
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert root_of(LEAVES[:size]) == by_definition(0, size)


@given(first=st.integers(0, 300), size=st.integers(0, 300))
def test_a_tree_goes_on_from_what_another_kept(first: int, size: int) -> None:
    first = min(first, size)
    tree = Tree()
    for leaf in LEAVES[:first]:
        tree.append(leaf)
    tree = Tree(tree.size, tree.peaks)
    for leaf in LEAVES[first:size]:
        tree.append(leaf)
    assert (tree.size, tree.root()) == (size, by_definition(0, size))


@given(data=st.data(), size=st.integers(1, 300))
def test_each_leaf_is_proven_and_nothing_else(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = by_definition(0, size)
    path = inclusion_path(index, size, by_definition)
    assert is_included(LEAVES[index], index, size, path, root)
    assert not is_included(hash_leaf(b"another"), index, size, path, root)
    assert not is_included(LEAVES[index], index + 1, size, path, root)
    assert not is_included(LEAVES[index], index, size, [*path, root], root)
    for place in range(len(path)):
        assert not is_included(LEAVES[index], index, size, path[:place], root)
        swapped = [*path[:place], hash_leaf(path[place]), *path[place + 1 :]]
        assert not is_included(LEAVES[index], index, size, swapped, root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (5, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"a tree of {size} leaves has no leaf {index}"):
        inclusion_path(index, size, by_definition)
    assert not is_included(LEAVES[0], index, size, [], LEAVES[0])


def test_kept_subtrees_must_fit_the_size() -> None:
    tree = Tree()
    tree.append(LEAVES[0])
    with pytest.raises(ValueError, match=r"goes on with no 2\*\*1 together"):
        tree.append(LEAVES[1], 1)
    with pytest.raises(ValueError, match="1 subtrees do not make a tree of 3 leaves"):
        Tree(3, [LEAVES[0]])
