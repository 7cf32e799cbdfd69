import argparse
import runpy
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_GUARD = runpy.run_path(str(_ROOT / "bench" / "guard.py"))
judge, own_costs = _GUARD["judge"], _GUARD["own_costs"]


def _found(instructions: int, python: str = "3.11.7") -> dict[str, Any]:
    costs = {"instructions": instructions, "Python calls": 80.5}
    return {"made_with": {"Python": python}, "a_request": {"accepted": costs}}


@pytest.mark.parametrize(("now", "kept"), [(90_000, True), (101_000, True), (101_001, False)])
def test_more_than_one_per_cent_is_too_much(now: int, kept: bool) -> None:
    lines, is_kept = judge(_found(now), _found(100_000))
    assert is_kept is kept
    assert f"{now / 100_000 - 1:+.1%}" in lines[1]
    assert kept or "--accept" in lines[-1]


def test_with_another_python_nothing_is_compared() -> None:
    lines, is_kept = judge(_found(200_000), _found(100_000, "3.12.1"))
    assert is_kept
    assert "%" not in lines[1]
    assert lines[-1] == "Not comparable: Python was 3.12.1, is 3.11.7."


def test_without_a_baseline_it_says_so() -> None:
    lines, is_kept = judge(_found(100_000), None)
    assert is_kept
    assert "no baseline" in lines[-1]


def test_only_a_folder_with_all_packages_is_a_checkout(tmp_path: Path) -> None:
    assert _GUARD["checkout"](str(_ROOT)) == _ROOT
    (tmp_path / "core").mkdir()
    with pytest.raises(argparse.ArgumentTypeError, match="no sidecar, cli, addon"):
        _GUARD["checkout"](str(tmp_path))


def test_costs_are_added_up_by_function_and_library() -> None:
    by_function, by_library = own_costs(
        "1,500 3 2 1  PROGRAM TOTALS\n"
        "1,000 3 . 1  Python/ceval.c:run'2 [/usr/lib/libpython3.so]\n"
        "  200 . 2 .  ./Include/object.h:run\n"
        "  300 . . .  ???:<a::b>::c [/x/orjson.so]\n"
    )
    assert by_function["run  libpython3.so"] == {"Ir": 1200, "I1mr": 3, "D1mr": 2, "D1mw": 1}
    assert {library: costs["Ir"] for library, costs in by_library.items()} == {
        "libpython3.so": 1200,
        "orjson.so": 300,
    }
