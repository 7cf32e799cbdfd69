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


# Of certificate-transparency's reference tests (merkletree/merkle_tree_test.cc): entries, the root
# of the first, of the first two and so on, and the proof of the first among all.
PUBLISHED = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
PUBLISHED += ["606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]


def test_published_trees_have_the_published_roots_and_proofs() -> None:
    leaves = [hash_leaf(bytes.fromhex(entry)) for entry in PUBLISHED]
    assert [root_of(leaves[:size]).hex() for size in range(1, 9)] == ROOTS
    path = inclusion_path(0, 8, lambda start, end: root_of(leaves[start:end]))
    assert [node.hex() for node in path] == PATH
    assert is_included(leaves[0], 0, 8, path, bytes.fromhex(ROOTS[-1]))


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
