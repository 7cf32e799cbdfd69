"""The report as a person sees it."""

from collections import Counter
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types

from hookgate_cli.terminal import printable
from support.report import HOSTILE, MARKUP, SCRIPT, Record

from .conftest import Open, Report

LIGHT: dict[str, Any] = {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}
DARK: dict[str, Any] = {**LIGHT, "color_scheme": "dark"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
WINDOWS = pytest.mark.parametrize(
    ("name", "window"), [("light", LIGHT), ("dark", DARK), ("phone", PHONE)]
)

READ_TABLES = """() => Object.fromEntries([...document.querySelectorAll("table")].map(table => [
  table.caption.textContent,
  [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim())),
]))"""
READ_TILES = """() => Object.fromEntries([...document.querySelectorAll(".tiles > div")].map(
  tile => [tile.querySelector("dt").textContent, tile.querySelector(".value").textContent]))"""
# What a colour, as the page computes it, comes to.
COLOURS = """() => [
  getComputedStyle(document.body).backgroundColor,
  ...["path[fill='var(--delivered)']", "text[fill='var(--muted)']"].map(
    mark => getComputedStyle(document.querySelector(`#timeline ${mark}`)).fill),
]"""


def ended(records: list[Record]) -> Counter[tuple[str, str]]:
    """How many requests ended how and why."""
    counts: Counter[tuple[str, str]] = Counter()
    for record in records:
        if record["event"] in ("delivery", "refusals"):
            counts[record["outcome"], record["reason"]] += record.get("count", 1)
    return counts


@WINDOWS
def test_it_opens_without_a_complaint_or_a_request(
    open_report: Open, name: str, window: dict[str, Any]
) -> None:
    """No console message, no error, no dialog, nothing fetched; every chart is drawn."""
    with open_report(name, **window) as view:
        assert view.complaints == []
        charts = view.page.locator(".chart").count()
        assert charts >= 10
        assert view.page.locator(".chart svg path").count() > charts


@WINDOWS
def test_it_fits_the_window(open_report: Open, name: str, window: dict[str, Any]) -> None:
    """Nothing is to be found by scrolling sideways."""
    with open_report(**window) as view:
        wide: int = view.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= window["viewport"]["width"], name


@WINDOWS
def test_it_is_accessible(open_report: Open, name: str, window: dict[str, Any]) -> None:
    """axe finds nothing: contrast, names, headings, tables."""
    with open_report(**window) as view:
        found = Axe().run(view.page)
        assert found.violations_count == 0, f"{name}\n{found.generate_report()}"


def test_its_numbers_are_those_of_the_ledger(open_report: Open, report: Report) -> None:
    """Headline numbers, reasons, channels and boots, counted here by other means."""
    counts = ended(report.records)
    outcomes: Counter[str] = Counter()
    for (outcome, _), count in counts.items():
        outcomes[outcome] += count
    deliveries = [record for record in report.records if record["event"] == "delivery"]
    with open_report(**LIGHT) as view:
        tiles: dict[str, str] = view.page.evaluate(READ_TILES)
        tables: dict[str, list[list[str]]] = view.page.evaluate(READ_TABLES)
    assert tiles["requests"] == f"{counts.total():,}"
    assert {name: tiles[name] for name in outcomes} == {k: f"{v:,}" for k, v in outcomes.items()}
    assert {(row[0], row[1]): row[2] for row in tables["By reason"]} == {
        key: f"{count:,}" for key, count in counts.items() if key[0] != "delivered"
    }
    channels = Counter(record["channel"] for record in deliveries)
    assert {row[0]: int(row[1].replace(",", "")) for row in tables["By channel"]} == {
        printable(name).strip(): count for name, count in channels.most_common(12)
    }
    by_day = {row[0]: [int(cell.replace(",", "")) for cell in row[1:]] for row in
              tables["Each row is 1 day"]}  # fmt: skip
    assert sorted(by_day) == sorted({record["ts"][:10] for record in deliveries})
    assert sum(map(sum, by_day.values())) == counts.total()
    (boot,) = tables["Boots"]
    assert boot[2] == f"{counts.total():,}"


def test_what_a_sender_wrote_stays_text(open_report: Open, report: Report) -> None:
    """Markup in a reference or a channel is shown, and is never an element."""
    with open_report(**LIGHT) as view:
        text = view.page.inner_text("body")
        assert SCRIPT in text
        assert MARKUP in text
        assert view.page.locator("img").count() == 0
        assert view.page.locator("script").count() == 2
        view.page.hover("#what-0 svg path[fill='var(--accent)'] >> nth=0")
        view.page.wait_for_selector("#vg-tooltip-element.visible")
        assert view.page.locator("#vg-tooltip-element img").count() == 0
        assert view.complaints == []
    source = report.page.read_text()
    assert all(text not in source for text in HOSTILE if "<" in text)


def test_its_policy_forbids_the_network_and_eval(open_report: Open) -> None:
    """Even a script that got in could send nothing."""
    with open_report(**LIGHT) as view:
        refused = "() => fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')"
        assert view.page.evaluate(refused) == "refused"
        assert any("Content Security Policy" in complaint for complaint in view.complaints)
        policy = view.page.get_attribute("meta[http-equiv]", "content") or ""
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert "unsafe" not in policy


def test_colours_follow_the_scheme_when_it_changes(open_report: Open) -> None:
    """Page, bars and labels change without a second drawing; print is on white."""
    with open_report(**LIGHT) as view:
        light = view.page.evaluate(COLOURS)
        view.page.emulate_media(color_scheme="dark")
        dark = view.page.evaluate(COLOURS)
        view.page.emulate_media(media="print")
        printed = view.page.evaluate(COLOURS)
    assert all(one != other for one, other in zip(light, dark, strict=True))
    assert printed[0] == "rgb(255, 255, 255)"
    assert printed[1] == light[1]


def test_without_scripts_the_tables_remain(open_report: Open, report: Report) -> None:
    """A mail reader that runs none still shows every number."""
    with open_report(**LIGHT) as view:
        context = view.page.context.browser
        assert context is not None
        page = context.new_page(java_script_enabled=False)
        page.goto(report.page.as_uri())
        assert page.locator("figure:visible").count() == 0
        assert page.locator("table:visible").count() >= 10
        page.close()
