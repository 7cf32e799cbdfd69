"""The tests of the core lie as the core does, each file named for a module of the same room."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS, CORE = ROOT / "tests/core", ROOT / "core/hookgate"


def subject(file: Path, tests: Path = TESTS, core: Path = CORE) -> str | None:
    """The module or room that a file of tests is named for, None where there is no such one.

    `test_reader_lines.py` tests the room's `reader.py`, or its `reader_lines.py`.
    """
    room = core / file.parent.relative_to(tests)
    words = file.stem.removeprefix("test_").split("_")
    for length in range(len(words), 0, -1):
        name = "_".join(words[:length])
        if name == room.name or (room / f"{name}.py").exists() or (room / name).is_dir():
            return name
    return None


def test_each_file_of_the_core_tests_is_named_for_what_it_tests() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    assert len(files) > 80
    assert [str(file.relative_to(TESTS)) for file in files if subject(file) is None] == []


def test_each_room_of_the_core_has_its_tests() -> None:
    rooms = {file.parent.relative_to(CORE) for file in CORE.rglob("*.py")}
    tested = {file.parent.relative_to(TESTS) for file in TESTS.rglob("test_*.py")}
    assert tested <= rooms
    assert {str(room) for room in rooms - tested} == {"samples"}  # data, without code to test


def test_a_name_without_its_module_is_found(tmp_path: Path) -> None:
    (tmp_path / "core/room").mkdir(parents=True)
    (tmp_path / "core/room/reader.py").touch()
    names = {"test_reader": "reader", "test_reader_lines": "reader", "test_room_files": "room",
             "test_read": None, "test_lines_reader": None}  # fmt: skip
    for name, expected in names.items():
        file = tmp_path / "tests/room" / f"{name}.py"
        assert subject(file, tmp_path / "tests", tmp_path / "core") == expected
