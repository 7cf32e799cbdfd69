"""A report in a real browser: Chromium without a window, and all that it complains about."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from hookgate_cli.audit.report import report as write_report
from support.report import Record, write_ledger

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


class Report(NamedTuple):
    """A written report, and the records it was made from."""

    page: Path
    records: list[Record]


class View(NamedTuple):
    """The report in a window. `complaints` has console messages, dialogs, errors and requests
    of anything but the page itself.
    """

    page: Page
    complaints: list[str]


Open = Callable[..., AbstractContextManager[View]]
Launch = Callable[..., Browser]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a ledger of some days with hostile texts in it."""
    folder = tmp_path_factory.mktemp("report")
    records = write_ledger(folder / "audit.jsonl")
    page = folder / "report.html"
    write_report(page, [folder / "audit.jsonl"])
    return Report(page, records)


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """Start the system's Chromium, with more arguments."""
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    assert program, "no Chromium here; on Debian and Ubuntu: apt-get install chromium"
    with sync_playwright() as playwright:
        yield lambda *arguments: playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", *arguments]
        )


@pytest.fixture(scope="session")
def chromium(launch: Launch) -> Iterator[Browser]:
    """The system's Chromium."""
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture
def open_report(chromium: Browser, report: Report, request: pytest.FixtureRequest) -> Open:
    """Open the report; `name` is that of a screenshot, kept in .pytest_cache/d/report."""
    folder = request.config.cache.mkdir("report") if request.config.cache else None

    @contextmanager
    def opened(name: str = "", **window: Any) -> Iterator[View]:
        context = chromium.new_context(timezone_id="Asia/Tokyo", **window)
        page = context.new_page()
        page.set_default_timeout(10_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda sent: complaints.append(sent.url))
        page.goto(report.page.as_uri())
        page.wait_for_selector("html[data-charts=drawn]")
        assert complaints.pop(0) == report.page.as_uri()
        if name and folder is not None:
            page.screenshot(path=folder / f"{name}.png", full_page=True)
        yield View(page, complaints)
        context.close()

    return opened
