"""The docs as a site: `make docs` builds it, and it needs nobody else."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
ELSEWHERE = re.compile(r"(?:https?|wss?):|//")
# What a style or a script would fetch by itself; the names of XML's kinds are no addresses.
FETCHED = re.compile(
    r"url\(\s*[\"']?(?:https?:)?//|@import\s+[\"'](?:https?:)?//|fetch\(\s*[\"'`]https?:"
    r"|\.src\s*=\s*[\"'`](?:https?:)?//|importScripts|sendBeacon|new WebSocket|XMLHttpRequest"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    makefile = (ROOT / "Makefile").read_text()
    command = re.search(r"^\t\$\(BIN\)/sphinx-build (.*) build/docs$", makefile, re.MULTILINE)
    assert command
    options = command[1].replace("build/doctrees", str(folder / "doctrees")).split()
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(folder / "site")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "site"


def test_what_is_to_be_typed_stands_as_it_is_typed(site: Path) -> None:
    """No dash of an option was made one of print."""
    for page in site.rglob("*.html"):
        assert not re.search(r"\u2013[a-z]+-?[a-z]*[ .,;:]", page.read_text()), page


class Sources(HTMLParser):
    """What a page fetches when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (
                name in ("src", "srcset", "data", "poster") or (tag, name) == ("link", "href")
            ):
                self.found.append(value)


def test_nothing_in_it_is_from_elsewhere(site: Path) -> None:
    """No script, style, font or picture, in any page, style or script."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        sources = Sources()
        sources.feed(page.read_text())
        assert sources.found or page.name == "index.html"
        assert [source for source in sources.found if ELSEWHERE.match(source)] == [], page
    for file in (*site.rglob("*.css"), *site.rglob("*.js")):
        assert not FETCHED.search(file.read_text()), file


@pytest.fixture
def page(chromium: Browser, site: Path) -> Iterator[tuple[Page, list[str]]]:
    """A window, and what it complains of or asks of anybody else."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    window = context.new_page()
    window.set_default_timeout(10_000)
    complaints: list[str] = []
    window.on("console", lambda message: complaints.append(message.text))
    window.on("pageerror", lambda error: complaints.append(str(error)))
    window.on(
        "request",
        lambda sent: None if sent.url.startswith(site.as_uri()) else complaints.append(sent.url),
    )
    yield window, complaints
    context.close()


def test_every_page_opens_without_a_complaint(page: tuple[Page, list[str]], site: Path) -> None:
    """And asks nobody else for anything."""
    window, complaints = page
    for file in sorted({*site.rglob("*.html")} - {site / "index.html"}):  # which leads on
        window.goto(file.as_uri())
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["README", "search", "docs/outages", "docs/architecture", "docs/signing"]
)
def test_its_pages_are_accessible(
    page: tuple[Page, list[str]], site: Path, name: str, scheme: Literal["light", "dark"]
) -> None:
    """To axe nothing is serious, on a page of each kind: tables, wide drawings, code, search."""
    window, _ = page
    window.emulate_media(color_scheme=scheme)
    window.goto((site / f"{name}.html").as_uri())
    # It would read the styles by a request, which a page that is a file may not make.
    found = Axe().run(window, options={"preload": False}).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_its_first_page_is_the_readme_and_its_sidebar_has_every_page(
    page: tuple[Page, list[str]], site: Path
) -> None:
    """In the order of the questions of its last section."""
    window, _ = page
    window.goto((site / "index.html").as_uri())
    window.wait_for_url("**/README.html")
    questions = window.locator(".sidebar-tree .caption-text").all_inner_texts()
    section = (ROOT / "README.md").read_text().partition("## Where to read on")[2]
    asked = re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)
    assert [text.lower() for text in questions] == [text.lower() for text in asked]
    linked = window.locator(".sidebar-tree a").count()
    pages = [
        file for file in site.rglob("*.html") if file.name not in ("index.html", "search.html")
    ]
    assert linked == len(pages) - 1  # the README itself


def test_its_search_works_in_a_file(page: tuple[Page, list[str]], site: Path) -> None:
    """A word leads to the page that is about it."""
    window, complaints = page
    window.goto((site / "README.html").as_uri())
    window.fill("input[name=q]", "PROXY protocol")
    window.press("input[name=q]", "Enter")
    # Results come one by one: the page that is meant need not be the first.
    window.locator("#search-results li a", has_text="Running the sidecar").first.wait_for()
    assert complaints == []
