"""Outages of a real gate under load, followed on the page alone: it names each cause."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.admin import ON, Admin
from support.live import TOKEN, living
from support.paced import pacing
from support.ports import free_ports
from support.process import paused
from support.receiver import receiving
from support.sidecar import FOREIGN, Sidecar, sidecar

SECONDS = 30_000
CONFIG = '[[route]]\npath = "/cm/events"\ncontract = "{contract}"\n'
NARROW = {"type": "object", "required": ["to", "from"], "properties": {"channel": {"const": "SMS"}}}


class Watched:
    """The page in a window, whose pictures are kept."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self._folder = page, folder

    def says(self, words: str) -> None:
        """Wait until the sentence on top has these words, and keep what is seen then."""
        expect(self.page.locator("#headline")).to_have_text(re.compile(words), timeout=SECONDS)

    def keep(self, name: str) -> None:
        self.page.wait_for_timeout(3000)
        self.page.screenshot(path=self._folder / f"outage-{name}.png", full_page=True)

    def strip(self, name: str) -> str:
        """What a row of the strip says."""
        told = self.page.locator(f".strip.{name} svg").get_attribute("aria-label")
        return told or ""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context.new_page()


def reconfigure(gate: Sidecar, file: Path, contract: str) -> None:
    """Write the route's contract and reload."""
    file.write_text(CONFIG.format(contract=contract))
    gate.process.send_signal(1)
    gate.wait_for_log("gate.reload_applied")


def test_each_cause_can_be_named_from_the_page(
    page: Page, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The endpoint is down; the contract is too narrow; there is a flood; there is no gate."""
    assert request.config.cache is not None
    seen = Watched(page, request.config.cache.mkdir("live"))
    complaints: list[str] = []
    config, narrow = tmp_path / "hookgate.toml", tmp_path / "narrow.json"
    narrow.write_text(json.dumps(NARROW))
    config.write_text(CONFIG.format(contract="cm-events"))
    (port, admin) = free_ports(2)
    keys = {"sidecar.admin": f"127.0.0.1:{admin}", "sidecar.workers": "2"}
    with (
        sidecar(f"http://127.0.0.1:{port}", tmp_path, options=f"--config {config}", **keys) as gate,
        living(tmp_path, "--gate", f"http://127.0.0.1:{admin}") as live,
        pacing(gate.port, 40),
    ):
        page.goto(live.url)
        page.fill("#token", TOKEN)
        page.press("#token", "Enter")
        seen.says("The endpoint fails since .* nothing listens at the endpoint's address and port")
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        seen.keep("endpoint")
        assert "upstream_unreachable: refused" in page.inner_text("#meanings")
        with receiving(port=port):
            seen.says(r"All is well: \d+ events a second are delivered")
            seen.keep("well")
            expect(page.locator("#lately")).to_contain_text("The endpoint failed")
            reconfigure(gate, config, str(narrow))
            seen.says("The policy refuses what comes from inside the ranges since .* at /channel")
            seen.says("The policy changed at")
            seen.keep("contract")
            reconfigure(gate, config, "cm-events")
            with pacing(gate.port, 400, FOREIGN), pacing(gate.port, 400, FOREIGN):
                expect(page.locator("#also")).to_contain_text(
                    "Senders outside the ranges flood the gate", timeout=SECONDS
                )
                seen.keep("flood-and-contract")
                expect(page.locator("#headline")).to_contain_text(
                    "events from inside are delivered meanwhile", timeout=90_000
                )
                seen.keep("flood")
            with paused(gate.process.pid):
                seen.says("The gate does not answer since .*: no answer in time")
                seen.keep("stopped")
                expect(page.locator("#gates")).to_contain_text("no answer since")
            expect(page.locator("#headline")).not_to_contain_text("does not answer")
            expect(page.locator("#lately")).to_contain_text("The gate did not answer")
    assert complaints == []


def test_figures_are_those_of_the_metrics_and_of_the_ledger(page: Page, tmp_path: Path) -> None:
    """What was delivered and refused since the page began, once no more comes."""
    with receiving() as endpoint, sidecar(endpoint.url, tmp_path, **ON) as gate:
        admin = Admin(gate)
        with living(tmp_path, "--gate", f"http://127.0.0.1:{admin.port}") as live:
            page.goto(live.url)
            page.fill("#token", TOKEN)
            page.press("#token", "Enter")
            expect(page.locator("#headline")).to_contain_text("nothing was delivered yet")
            with pacing(gate.port, 50), pacing(gate.port, 50), pacing(gate.port, 30, FOREIGN):
                page.wait_for_timeout(5000)
            page.wait_for_timeout(2500)
            shown = {
                row: int(re.findall(r"([\d,]+) in 15 min", label or "")[0].replace(",", ""))
                for row in ("delivered", "foreign", "failed")
                for label in [page.locator(f".strip.{row} svg").get_attribute("aria-label")]
            }
            rows = page.locator("#undelivered tbody tr").count()
        counted = {
            "delivered": admin.value("hookgate_outcomes_total", outcome="delivered"),
            "foreign": admin.value("hookgate_outcomes_total", source="outside"),
            "failed": admin.value("hookgate_outcomes_total", outcome="failed"),
        }
        records = gate.records("delivery")
        assert shown == counted
        assert shown["delivered"] == sum(r["outcome"] == "delivered" for r in records)
        assert shown["foreign"] > 30
        assert rows == 10
