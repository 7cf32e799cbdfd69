"""Draw docs/live.png: the page of a gate whose endpoint went down, from figures that are made up.

.venv/bin/python tests/browser/draw_live.py
"""

import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from hookgate.live.gate import Gate  # noqa: E402  # the path comes first
from hookgate.live.picture import make_picture  # noqa: E402  # as above
from support.answers import Site  # noqa: E402  # as above
from support.live import living  # noqa: E402  # as above

# Of the endpoint's answers, how many come within so many seconds.
BOUNDS, SHARES = (0.005, 0.025, 0.1, 1.0, None), (0.3, 0.8, 0.97, 1.0, 1.0)
_SECONDS = 900
_DOWN = 70
_RCS: dict[str, Any] = {"route": "cm-events", "client": "31.169.56.7", "channel": "RCS"}


def quarter_of_an_hour() -> bytes:
    """The state that the page is sent after it."""
    site, gate = Site(), Gate("127.0.0.1:9180")
    within = [0] * len(SHARES)
    site.answer["workers"] = [{"worker": n, "pid": n, "boot": f"b{n}"} for n in (1, 2)]
    site.answer["quarantine"] = {"usable": True, "items": 12, "bytes": 31_000, "oldest": None}
    for second in range(_SECONDS):
        rate = round(30 + 9 * math.sin(second / 90) + 4 * math.sin(second / 7))
        if second < _SECONDS - _DOWN:
            site.deliver(rate)
            within = [
                count + round(rate * share) for count, share in zip(within, SHARES, strict=True)
            ]
        else:
            site.end("failed", "upstream_unreachable", rate, error="refused", status=502,
                     event_type="SuggestionClick", **_RCS)  # fmt: skip
        if second % 171 == 5:
            site.end("refused", "contract_violation", 1, status=422, event_type="Click",
                     errors=["/timeUtc: missing"], pointer="/timeUtc", **_RCS)  # fmt: skip
        if 200 < second < 320:
            site.end("refused", "source_not_allowed", 30 + second % 9, foreign=True, status=403,
                     client="192.0.2.7")  # fmt: skip
        told = [list(pair) for pair in zip(BOUNDS, within, strict=True)]
        endpoint = site.answer["endpoint"] | {"answer_seconds": told}
        gate.note(site.now(in_flight=4, endpoint=endpoint), site.at)
    return orjson.dumps(make_picture([gate], site.at))


def draw(to: Path) -> None:
    """Draw the page as it stands in a window."""
    state = b"data: %b\n\n" % quarter_of_an_hour()
    with (
        tempfile.TemporaryDirectory() as folder,
        living(Path(folder), "--gate", "http://127.0.0.1:9") as live,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1180, "height": 665})
        page.route("**/events", lambda route: route.fulfill(
            body=state, content_type="text/event-stream"))  # fmt: skip
        page.goto(live.url)
        page.wait_for_selector("#view:visible")
        page.screenshot(path=to)
        browser.close()


if __name__ == "__main__":
    draw(ROOT / "docs/live.png")
