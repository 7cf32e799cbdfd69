"""The house has floors: no ring of imports, and none that runs upward."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from support.imports import FLOORS, graph, is_upward, room


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    return graph()


def ring(imports: dict[str, set[str]]) -> list[str]:
    """One ring of modules, the first of which stands at its end again; [] where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_ring_of_imports(imports: dict[str, set[str]]) -> None:
    assert ring(imports) == []


def test_no_import_runs_upward(imports: dict[str, set[str]]) -> None:
    upward = [
        (module, imported)
        for module, names in imports.items()
        for imported in names
        if is_upward(module, imported)
    ]
    assert upward == []


def test_each_room_has_modules(imports: dict[str, set[str]]) -> None:
    """A room that was renamed would be held to nothing."""
    assert {room(module) for module in imports} == {room for rooms in FLOORS for room in rooms}


@pytest.mark.parametrize(
    ("importer", "imported", "upward"),
    [
        ("hookgate.gate.turn", "hookgate.policy.verdict", False),
        ("hookgate.policy.verdict", "hookgate.gate.turn", True),
        ("hookgate.policy.verdict", "hookgate.settings", False),
        ("hookgate.settings", "hookgate.policy.verdict", True),
        ("hookgate.ledger.record", "hookgate.upstream.pool", True),
        ("hookgate.ledger.writing.sight", "hookgate.ledger.reading.reader", False),
        ("hookgate.ledger.reading.reader", "hookgate.ledger.writing.sight", True),
        ("hookgate.ledger.audit.fate", "hookgate.ledger.writing.sink", True),
        ("hookgate_sidecar.server", "hookgate_addon.addon", True),
        ("hookgate_cli.serve", "hookgate_sidecar.server", False),
        ("hookgate_sidecar.server", "hookgate_cli.serve", True),
        ("hookgate.gate.turn", "hookgate.gate.gate", False),
    ],
)
def test_who_may_know_whom(importer: str, imported: str, upward: bool) -> None:
    assert is_upward(importer, imported) is upward


@pytest.mark.parametrize(
    "line",
    [
        "from .b import B",
        "from . import b",
        "import pack.b",
        "from pack import b",
        "from pack.b import B",
        "if TYPE_CHECKING:\n    from .b import B",
        "def late():\n    from .b import B",
        "try:\n    import pack.b as other\nexcept ImportError:\n    pass",
    ],
)
def test_a_ring_is_found_however_it_is_spelled(tmp_path: Path, line: str) -> None:
    """With the back way over a package, as `from .inner import a` reads it."""
    (tmp_path / "pack" / "inner").mkdir(parents=True)
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "inner" / "__init__.py").write_text("from ..a import A\n")
    (tmp_path / "pack" / "a.py").write_text(line + "\n")
    (tmp_path / "pack" / "b.py").write_text("from .inner import A\n")
    assert set(ring(graph(tmp_path, ("pack",)))) == {"pack.a", "pack.b", "pack.inner"}
