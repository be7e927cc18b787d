"""A person at the demo's pages: looks around, provokes an outage, loses the server and gets it back."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from processes import Launcher, free_port, wait_for

from simulators.apps import APPS

pytestmark = pytest.mark.browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SLOW = 60_000
"""Milliseconds that a change may take to show, with scrapes, rules and polls at the pace of the shipped files."""
# A headless browser never hides a tab, so the page is told that it is hidden.
HIDE = 'Object.defineProperty(document, "hidden", {configurable: true, get: () => window.isHidden === true})'


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        expect.set_options(timeout=SLOW)
        yield browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """Errors and warnings of the console: refused loads, violated policies, exceptions."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    opened = context.new_page()
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    return opened


def test_the_story_of_an_outage(launcher: Launcher, page: Page, complaints: list[str], tmp_path: Path) -> None:
    port = free_port()
    server = launcher.glass("--no-browser", command="demo", port=port)
    home = f"http://localhost:{port}"

    page.goto(home)
    expect(page.locator(".card")).to_have_count(len(APPS))
    expect(page.locator('.card .state:text("up")')).to_have_count(len(APPS))
    expect(page.locator("#situation")).to_have_text("All clear")
    expect(page.locator("#host-title")).to_be_visible()
    page.screenshot(path=tmp_path / "overview.png", full_page=True)

    page.locator('.card[data-key="ai-reviewer"] h3 a').click()
    expect(page).to_have_url(f"{home}/apps/ai-reviewer")
    expect(page.locator(".uplot").first).to_be_visible()
    page.get_by_role("button", name="outage").click()
    expect(page.get_by_role("button", name=re.compile(r"outage.*left"))).to_be_visible()
    page.screenshot(path=tmp_path / "app.png", full_page=True)

    page.goto(home)
    first = page.locator(".card").first
    expect(first).to_have_attribute("data-key", "ai-reviewer")
    expect(first.locator(".state")).to_have_text("down")
    expect(page).to_have_title(re.compile(r"^\(1\) "))

    page.goto(f"{home}/alerts")
    expect(page.locator("main")).to_contain_text("TargetDown")
    page.screenshot(path=tmp_path / "alerts.png", full_page=True)

    page.goto(f"{home}/targets")
    expect(page.locator('.target:has-text("ai-reviewer") .target-error').first).to_contain_text("503")
    page.locator('.target:has-text("ai-planner")').get_by_role("button", name="Scrape now").click()
    expect(page.locator("[data-outcome]")).to_be_visible()
    page.screenshot(path=tmp_path / "targets.png", full_page=True)
    assert complaints == []

    server.end(signal.SIGTERM)
    expect(page.locator("[data-banner-text]")).to_have_text("Cannot reach the server.")
    expect(page.locator("[data-banner-age]")).to_contain_text("old")
    launcher.glass("--no-browser", command="demo", port=port)
    expect(page.locator("[data-banner]")).to_be_hidden()


def test_a_hidden_tab_shows_how_many_fire(launcher: Launcher, page: Page) -> None:
    rules = launcher.folder / "rules.yml"
    rules.write_text("groups: [{name: g, interval: 1s, rules: [{alert: Always, expr: vector(1)}]}]")
    config = launcher.folder / "prometheus.yml"
    config.write_text("rule_files: [rules.yml]")
    server = launcher.glass("--config", str(config))
    page.add_init_script(HIDE)
    page.clock.install()
    page.goto(server.url.replace("127.0.0.1", "localhost"))
    page.evaluate("() => { window.isHidden = true; document.dispatchEvent(new Event('visibilitychange')); }")
    wait_for(lambda: server.query("ALERTS"), "the alert to fire")
    page.clock.run_for(61_000)
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator('link[rel="icon"]')).to_have_attribute("href", re.compile("1"))


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [380, 1920])
def test_pages_fit_phones_and_walls(
    launcher: Launcher, page: Page, complaints: list[str], width: int, scheme: str
) -> None:
    config = launcher.folder / "prometheus.yml"
    targets = ", ".join(f"'127.0.0.1:{port}'" for port in range(1, 99))
    config.write_text(
        "global: {scrape_interval: 2s, scrape_timeout: 1s}\nscrape_configs:\n"
        f"- {{job_name: many, static_configs: [{{targets: [{targets}]}}]}}\n"
        "- {job_name: self, static_configs: [{targets: ['localhost:5000']}]}\n"
    )
    server = launcher.glass("--config", str(config))
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/apps/many", "/alerts", "/targets"):
        page.goto(server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.locator('input[type="search"]').fill(":77")
    expect(page.locator(".target:visible")).to_have_count(1)
    assert complaints == []
