"""Which module imports which, as the source says it: `TYPE_CHECKING` and late imports too."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("core/hookgate", "sidecar/hookgate_sidecar", "addon/hookgate_addon", "cli/hookgate_cli")
# The rooms, lowest first. Those on one line do not know each other.
FLOORS = (
    ("hookgate", "hookgate.samples"),
    ("hookgate.networks", "hookgate.signing"),
    ("hookgate.policy",),
    ("hookgate.upstream", "hookgate.ledger", "hookgate.quarantine", "hookgate.near_misses"),
    ("hookgate.ledger.reading",),
    ("hookgate.ledger.writing", "hookgate.ledger.audit"),
    ("hookgate.gate", "hookgate.proof", "hookgate.fleet"),
    ("hookgate.config", "hookgate.quarantine.replay"),
    ("hookgate.nginx", "hookgate.alarms"),
    ("hookgate.live",),
    ("hookgate_sidecar", "hookgate_addon"),
    ("hookgate_cli",),
)
_FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room(module: str) -> str:
    """The room that a module is in."""
    while module not in _FLOOR:
        module = module.rpartition(".")[0]
    return module


def is_upward(importer: str, imported: str) -> bool:
    """Whether the second is no module that the first may know."""
    ours, theirs = room(importer), room(imported)
    return ours != theirs and _FLOOR[theirs] >= _FLOOR[ours]


def graph(root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> dict[str, set[str]]:
    """Each module of the packages, with those of them that it imports."""
    files = {_name(root / package, file): file for package, file in _files(root, packages)}
    return {module: set(_imports(module, file, files)) for module, file in files.items()}


def _files(root: Path, packages: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for package in packages:
        for file in sorted((root / package).rglob("*.py")):
            yield package, file


def _name(package: Path, file: Path) -> str:
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(module: str, file: Path, known: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, file, node)
            names = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in known else base for name in names]
        else:
            continue
        yield from (name for name in names if name in known and name != module)


def _base(module: str, file: Path, node: ast.ImportFrom) -> str:
    """The absolute name of what `from` names (PEP 328)."""
    if not node.level:
        return node.module or ""
    parts = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)
