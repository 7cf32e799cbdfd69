"""The page of `hookgate live` as a person sees it, in front of gates that are made up or real."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page, expect

from support.answers import NOON, Site, moment
from support.live import TOKEN, Live, Told, living, telling

from .conftest import Launch

HOSTILE = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"
LIGHT: dict[str, Any] = {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}
DARK: dict[str, Any] = {**LIGHT, "color_scheme": "dark"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
WALL: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}, "color_scheme": "dark"}
WINDOWS = pytest.mark.parametrize(
    ("name", "window"), [("light", LIGHT), ("dark", DARK), ("phone", PHONE), ("wall", WALL)]
)
SECONDS = 15_000


class Shown(NamedTuple):
    """A page, and the gate that it shows."""

    live: Live
    told: Told
    site: Site


class View(NamedTuple):
    """The page in a window, and all that it complains about."""

    page: Page
    complaints: list[str]


Open = Callable[..., contextlib.AbstractContextManager[View]]


def eventful(site: Site) -> None:
    """Something of everything, with what a sender would like to be markup."""
    site.deliver(500)
    site.end("refused", "source_not_allowed", 40, foreign=True, client="192.0.2.7", path=HOSTILE)
    site.end("refused", "contract_violation", 6, pointer=f"/{HOSTILE}", route="cm-events",
             client="31.169.56.7", channel=SCRIPT, event_type=HOSTILE)  # fmt: skip
    site.end("refused", HOSTILE, 1, pointer="/x", client=SCRIPT)
    site.end("failed", "upstream_unreachable", 9, error="refused", route="cm-events",
             client="31.169.56.7", channel="WhatsApp", event_type="tap", status=502)  # fmt: skip
    buckets = [[0.005, 200], [0.05, 480], [1.0, 500], [None, 500]]
    site.answer["endpoint"] |= {"answer_seconds": buckets}
    site.answer["quarantine"] = {"usable": True, "items": 7, "bytes": 81_234, "oldest": None}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A page in front of a gate at which something of everything happens."""
    site = Site()
    with (
        telling(site.now()) as (told, receiver),
        living(tmp_path_factory.mktemp("live"), "--gate", receiver.url) as live,
    ):
        with live.reading(live.log_in()) as states:
            states.until(lambda state: state["gates"][0]["answers"])
            eventful(site)
            told.answer = site.now()
            states.until(lambda state: state["not_delivered"])
        yield Shown(live, told, site)


@pytest.fixture
def opened(chromium: Browser, shown: Shown, request: pytest.FixtureRequest) -> Open:
    """Open the page as one who has shown the token; `name` is that of a screenshot, kept in
    .pytest_cache/d/live.
    """
    folder = request.config.cache.mkdir("live") if request.config.cache else None

    @contextlib.contextmanager
    def opened(name: str = "", live: Live = shown.live, **window: Any) -> Iterator[View]:
        with chromium.new_context(**window) as context:
            page = context.new_page()
            page.set_default_timeout(SECONDS)
            page.goto(live.url)
            page.fill("#token", TOKEN)
            page.press("#token", "Enter")
            page.wait_for_selector("#view:visible")
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: complaints.append(dialog.message))
            yield View(page, complaints)
            if name and folder is not None:
                page.screenshot(path=folder / f"{name}.png", full_page=True)

    return opened


@WINDOWS
def test_it_shows_without_a_complaint_and_fits(
    opened: Open, name: str, window: dict[str, Any]
) -> None:
    """Nothing in the console; nothing to be found by scrolling sideways but in a table."""
    with opened(name, **window) as view:
        expect(view.page.locator("#undelivered tbody tr").first).to_be_visible()
        view.page.wait_for_timeout(2500)
        assert view.complaints == []
        wide: int = view.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= window["viewport"]["width"]


@WINDOWS
def test_it_is_accessible(opened: Open, name: str, window: dict[str, Any]) -> None:
    """axe finds nothing: contrast, names, headings, tables."""
    with opened(**window) as view:
        found = Axe().run(view.page)
        assert found.violations_count == 0, f"{name}\n{found.generate_report()}"


def test_what_a_sender_wrote_stays_text(opened: Open) -> None:
    """In a pointer, a channel, a client and a reason."""
    with opened(**LIGHT) as view:
        text = view.page.inner_text("#undelivered")
        assert HOSTILE in text
        assert SCRIPT in text
        assert view.page.locator("img").count() == 0
        assert view.page.locator("script").count() == 1
        assert view.complaints == []


def test_its_policy_forbids_other_scripts_and_the_network(opened: Open) -> None:
    """Even a script that got in could send nothing, and make no markup of a text."""
    with opened(**LIGHT) as view:
        refused = "() => fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')"
        assert view.page.evaluate(refused) == "refused"
        markup = (
            "() => { try { document.body.innerHTML = 'x'; return 'set' } catch { return 'no' } }"
        )
        assert view.page.evaluate(markup) == "no"
        assert any("Content Security Policy" in complaint for complaint in view.complaints)


def test_the_sentence_is_spoken_when_it_is_about_something_else(opened: Open, shown: Shown) -> None:
    """Not each second, in which only its figures change."""
    with opened(**LIGHT) as view:
        expect(view.page.locator("#headline")).to_contain_text("The endpoint fails since")
        spoken = view.page.inner_text("#spoken")
        count = "() => { window.said = 0; new MutationObserver(() => window.said++).observe("
        count += "document.getElementById('spoken'), {childList: true, characterData: true}) }"
        view.page.evaluate(count)
        for _ in range(2):
            shown.site.end("failed", "upstream_unreachable", 1, error="refused")
            shown.told.answer = shown.site.now()
            view.page.wait_for_timeout(1200)
        assert view.page.inner_text("#spoken") == spoken
        assert view.page.evaluate("window.said") == 0


def test_a_row_that_is_selected_stays_so(opened: Open) -> None:
    """A request id can be copied while the page changes."""
    with opened(**LIGHT) as view:
        cell = view.page.locator("#undelivered tbody tr td").last
        wanted = cell.inner_text()
        cell.locator("span").select_text()
        view.page.wait_for_timeout(2500)
        assert view.page.evaluate("getSelection().toString()") == wanted


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_page_gives_its_place_to_another(opened: Open, shown: Shown) -> None:
    """The fifth says that there is no room, and takes the place once it is free."""
    cookie = shown.live.log_in()
    with opened(**LIGHT) as view, contextlib.ExitStack() as others:
        # With this one they are four.
        readers = [others.enter_context(shown.live.reading(cookie)) for _ in range(3)]
        assert all(b" 200 " in reader.head() for reader in readers)
        fifth = view.page.context.new_page()
        fifth.goto(shown.live.url)
        expect(fifth.locator("#link")).to_contain_text("4 pages are open already")
        view.page.evaluate(HIDE, True)
        expect(fifth.locator("#headline")).to_be_visible(timeout=SECONDS)
        expect(fifth.locator("#link")).to_be_hidden()
        readers[0].socket.close()
        view.page.evaluate(HIDE, False)
        expect(view.page.locator("#link")).to_be_hidden(timeout=SECONDS)
        first = view.page.inner_text("#clock")
        expect(view.page.locator("#clock")).not_to_have_text(first)


def test_several_gates_have_a_row_each_and_one_that_is_gone_is_seen(
    opened: Open, tmp_path: Path
) -> None:
    """The sentences say whose they are."""
    sites = Site(host="gate-1"), Site(host="gate-2")
    with (
        telling(sites[0].now()) as (one, first),
        telling(sites[1].now()) as (other, second),
        living(tmp_path, "--gate", first.url, "--gate", second.url) as live,
        opened("several", live, **LIGHT) as view,
    ):
        for number, (site, told) in enumerate(zip(sites, (one, other), strict=True), 1):
            eventful(site)
            site.deliver(number)
            told.answer = site.now()
        expect(view.page.locator("#gates tbody tr")).to_have_count(3)
        headline = view.page.locator("#headline")
        expect(headline).to_contain_text(re.compile("gate-[12]: The endpoint"))
        other.answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
        gone = view.page.locator("#verdict")
        expect(gone).to_contain_text("gate-2: The gate does not answer")
        expect(gone).to_contain_text("gate-1: The endpoint")
        expect(view.page.locator("#gates tr.stale")).to_contain_text("no answer since")


def test_a_gate_that_repeats_itself_and_another_hides_no_row(opened: Open, tmp_path: Path) -> None:
    """Nor one of its own: each that is told has a row, whatever it is called."""
    row = {"boot": "b", "request_id": "b-1", "outcome": "refused", "reason": "too_deep"}
    row["time"] = moment(NOON)
    sites = Site(host="gate-1"), Site(host="gate-2")
    with (
        telling(sites[0].now(not_delivered=[row])) as (_, first),
        telling(sites[1].now(not_delivered=[row] * 3)) as (_, second),
        living(tmp_path, "--gate", first.url, "--gate", second.url) as live,
        opened("repeated", live, **LIGHT) as view,
    ):
        expect(view.page.locator("#undelivered tbody tr")).to_have_count(4)
        expect(view.page.locator("#undelivered")).to_contain_text("gate-1")
        assert view.complaints == []


def test_a_wrong_token_is_told_and_an_old_cookie_asks_for_it_again(
    chromium: Browser, tmp_path: Path
) -> None:
    """The cookie of a process that is gone counts nothing, and the page says so by itself."""
    context = chromium.new_context()
    page = context.new_page()
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as live:
        page.goto(live.url)
        expect(page.locator("#view")).to_be_hidden()
        page.fill("#token", "wrong")
        page.press("#token", "Enter")
        expect(page.locator("#wrong")).to_have_text(re.compile("not the token"))
        page.keyboard.insert_text(TOKEN)  # as a paste, in place of the wrong one
        page.press("#token", "Enter")
        expect(page.locator("#headline")).to_contain_text("does not answer since")
        expect(page.locator("#none")).to_contain_text("hookgate audit balance")
        assert [cookie["httpOnly"] for cookie in context.cookies()] == [True]
        assert page.evaluate("document.cookie") == ""
        assert TOKEN not in page.url
        port = live.port
    expect(page.locator("#link")).to_contain_text("hookgate live does not answer this page")
    with living(tmp_path, "--gate", "http://127.0.0.1:9", "--listen", f"127.0.0.1:{port}"):
        expect(page.locator("#login")).to_be_visible(timeout=SECONDS)
        expect(page.locator("#view")).to_be_hidden()
    context.close()


EVIL = """<!doctype html><title>evil</title><iframe id="frame" src="{url}"></iframe>
<form id="form" method="post" action="{url}login"><input name="token" value="x"></form>
<a id="link" href="{url}">to the page</a>"""


def test_another_site_gets_nothing(opened: Open, shown: Shown) -> None:
    """Neither by fetching, nor in a frame, nor by a form, nor by a name that leads here; in the
    browser of somebody who has shown the token.
    """
    with opened(**LIGHT) as view:
        context = view.page.context
        evil = context.new_page()
        port = shown.live.port
        with telling(b"") as (told, other):
            page = EVIL.format(url=shown.live.url).encode()
            told.answer = (
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b"
                % (len(page), page)
            )
            statuses: list[int] = []
            evil.on(
                "response", lambda r: statuses.append(r.status) if f":{port}/" in r.url else None
            )
            for host in ("127.0.0.1", "localhost"):
                evil.goto(f"http://{host}:{other.port}/")
                read = f"fetch('{shown.live.url}events', {{credentials: 'include'}})"
                told_it = evil.evaluate(f"() => {read}.then(() => 'read', () => 'refused')")
                assert told_it == "refused"
                sent = (
                    f"fetch('{shown.live.url}events', {{credentials: 'include', mode: 'no-cors'}})"
                )
                evil.evaluate(f"() => {sent}.then(() => 'sent', () => 'refused')")
                frame = evil.frame_locator("#frame")
                assert frame.locator("#login, #view").count() == 0
                evil.evaluate("document.getElementById('form').submit()")
                evil.wait_for_url("**/login")
            assert statuses
            assert set(statuses) == {403}
            evil.goto(f"http://localhost:{other.port}/")
            evil.click("#link")
            # A link of another site leads to the page, which then asks for its figures itself.
            expect(evil.locator("#headline")).to_be_visible()
        evil.close()


def test_a_name_that_leads_here_is_not_ours(launch: Launch, shown: Shown) -> None:
    """DNS rebinding: the browser believes evil.example to be at 127.0.0.1."""
    browser = launch("--host-resolver-rules=MAP evil.example 127.0.0.1")
    page = browser.new_page()
    response = page.goto(f"http://evil.example:{shown.live.port}/")
    assert response is not None
    assert response.status == 421
    assert "page goes by an address" in page.inner_text("body")
    browser.close()
