"""The pages in a real browser, over a real server with real parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from dashboard.config.prometheus import load_prometheus_config
from dashboard.scrape.exporters import Exporter
from dashboard.web import Parts, Server, bind, create_app, urls
from dashboard.web.views import views
from dashboard.web.views.targets import dropped_id

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = ("/", "/alerts", "/targets", "/gpu", "/status", "/apps/shop", "/apps/gone")
EVERYTHING = "%7B__name__=~%22.%2B%22%7D"
QUERIES = (
    f"/explore?refresh=5s&expr={EVERYTHING}",
    f"/explore?refresh=5s&expr={EVERYTHING}&tab=graph",
    "/explore?refresh=5s&expr=up+%2B",
)
POLL = 5_100
PATIENCE = 60_000
"""Milliseconds after which a wait is given up; nothing is measured by it."""
# Chromium says nothing of its own accord about what a policy has stopped, but as a message of the console.
HIDE = """
Object.defineProperty(document, "hidden", {get: () => window.isHidden === true});
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complains of: errors, refused loads, dialogs."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    """A page whose clock the test moves; it fails the test that leaves complaints behind."""
    opened = context.new_page()
    opened.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))

    def refuse(dialog: Any) -> None:
        complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    opened.on("dialog", refuse)
    opened.clock.install()
    yield opened
    assert complaints == []


def scrape(server: Server, parts: Parts, job: str) -> None:
    """Scrape as the button of the targets' page does, which makes the next poll see it."""
    for target in parts.scrape.targets():
        if target.labels.get("job") == job:
            answer = requests.post(f"{url_of(server)}/api/cockpit/targets/{target.id}/scrape", timeout=30)
            answer.raise_for_status()


def url_of(server: Server) -> str:
    return f"http://localhost:{server.addresses[0][1]}"


def poll(page: Page, path: str) -> None:
    """Let the page ask once, and wait for the answer."""
    with page.expect_response(lambda answer: path in answer.url):
        page.clock.run_for(POLL)


def test_the_overview_updates_in_place_and_loses_nothing(page: Page, server: Server, parts: Parts) -> None:
    page.goto(url_of(server))
    card = page.locator('.card[data-key="shop"]')
    expect(card.locator(".state")).to_have_text("waiting")
    card.evaluate("element => { element.remembered = true; }")
    page.keyboard.press("/")
    page.keyboard.type("sho")
    expect(page.locator('.card[data-key="gone"]')).to_be_hidden()
    expect(page.locator(".apps .amount")).to_have_text("1 of 2 apps")

    scrape(server, parts, "shop")
    scrape(server, parts, "gone")
    poll(page, "/api/cockpit/overview")
    expect(card.locator(".state")).to_have_text("up")
    expect(page.locator("#situation")).to_have_text("1 target down")
    expect(page.locator(".problem")).to_have_count(1)
    assert card.evaluate("element => element.remembered") is True
    expect(page.locator('input[type="search"]')).to_be_focused()
    expect(page.locator('input[type="search"]')).to_have_value("sho")
    expect(page.locator('.card[data-key="gone"]')).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator(".card").first).to_have_attribute("data-key", "gone")


def test_a_card_that_has_the_focus_keeps_it_when_the_order_changes(page: Page, server: Server, parts: Parts) -> None:
    page.goto(url_of(server))
    page.locator('.card[data-key="shop"] h3 a').focus()
    scrape(server, parts, "shop")
    poll(page, "/api/cockpit/overview")
    expect(page.locator('.card[data-key="shop"] .state')).to_have_text("up")
    expect(page.locator('.card[data-key="shop"] h3 a')).to_be_focused()
    assert page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.key)") == ["gone", "shop"]


def test_a_figure_leads_to_its_query_and_the_card_around_it_to_the_app(
    page: Page, server: Server, world: Parts
) -> None:
    assert world.scrape.targets()
    page.goto(url_of(server))
    rate = page.locator('.card[data-key="shop"] [data-text="rate"]')
    shown = rate.inner_text()
    rate.click()
    expect(page.locator("#expr")).to_have_value('sum by (job) (rate(http_requests_total{job="shop"}[4m]))')
    expect(page.locator(".results td")).to_contain_text(shown)
    page.go_back()
    page.locator('.card[data-key="shop"]').click(position={"x": 100, "y": 50})
    expect(page).to_have_url(f"{url_of(server)}/apps/shop")


def test_a_lost_server_is_said_plainly_and_its_return_is_noticed(page: Page, app: Flask, complaints: list[str]) -> None:
    server = Server(app, bind("localhost", 0))
    server.start()
    port = server.addresses[0][1]
    page.goto(url_of(server))
    expect(page.locator("[data-banner]")).to_be_hidden()
    server.stop(5.0)
    page.clock.run_for(POLL)
    expect(page.locator("[data-banner-text]")).to_have_text("Cannot reach the server.")
    page.clock.run_for(1_000)
    expect(page.locator("[data-banner-age]")).to_contain_text("old")
    expect(page.locator(".card")).to_have_count(2)

    again = Server(app, bind("localhost", port))
    again.start()
    page.clock.run_for(31_000)
    expect(page.locator("[data-banner]")).to_be_hidden()
    expect(page.locator("[data-pulse-text]")).to_have_text("live")
    again.stop(5.0)
    assert all("ERR_CONNECTION" in complaint or "Failed to load" in complaint for complaint in complaints)
    complaints.clear()


def test_a_hidden_tab_asks_only_for_the_count(page: Page, server: Server, world: Parts) -> None:
    asked: list[str] = []
    page.add_init_script(HIDE)
    page.on("request", lambda request: asked.append(request.url.removeprefix(url_of(server))))
    page.goto(f"{url_of(server)}/targets")
    firing = len([alert for alert in world.rules.alerts() if alert.state.value == "firing"])
    assert firing
    expect(page).to_have_title(f"({firing}) Targets · Glass Cockpit")
    page.evaluate("window.isHidden = true; document.dispatchEvent(new Event('visibilitychange'))")
    asked.clear()
    world.rules.apply([], 15_000)
    with page.expect_response("**/api/cockpit/count"):
        page.clock.run_for(60_500)
    expect(page).to_have_title("Targets · Glass Cockpit")
    expect(page.locator('link[rel="icon"]')).to_have_attribute("href", "/favicon.svg?firing=0")
    assert {address for address in asked if not address.startswith("/favicon")} == {"/api/cockpit/count"}
    with page.expect_response("**/api/cockpit/targets"):
        page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_pages_hold_in_a_phone_and_raise_no_complaint_with_hostile_names(
    page: Page, server: Server, world: Parts, complaints: list[str]
) -> None:
    elements = world.clock()  # The world is made before the pages are.
    assert elements
    (pool,) = (pool for pool in world.scrape.pools() if pool.name == "chosen")
    targets = [urls.target(pool.active[0].id), urls.target(dropped_id(pool.name, pool.dropped[0]))]
    for width, colors in ((380, "dark"), (1920, "light")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=colors)
        for address in (*PAGES[:-1], *QUERIES, *targets):
            page.goto(url_of(server) + address)
            poll(page, "/api/cockpit/")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert (address, wide) == (address, width)
            assert page.locator("img, iframe, main script").count() == 0
    assert complaints == []


def test_an_app_page_draws_its_charts_and_keeps_the_range_in_its_address(
    page: Page, server: Server, world: Parts
) -> None:
    assert world.scrape.targets()
    page.goto(f"{url_of(server)}/apps/shop")
    page.clock.run_for(500)
    expect(page.locator('[data-panel="family:queue"] canvas')).to_be_visible()
    expect(page.locator('[data-panel="family:queue"] .still')).to_have_count(0)
    page.clock.run_for(500)
    with page.expect_response(lambda answer: "range=6h" in answer.url):
        page.get_by_role("link", name="6h").click()
    expect(page).to_have_url(f"{url_of(server)}/apps/shop?range=6h")
    expect(page.get_by_role("link", name="6h")).to_have_attribute("aria-current", "true")
    button = page.locator('[data-panel="family:queue"] [data-series]').first
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    poll(page, "/api/cockpit/apps/shop")
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_chart_that_is_out_of_sight_when_the_colours_change_is_drawn_again(
    page: Page, server: Server, world: Parts
) -> None:
    assert world.scrape.targets()
    page.goto(f"{url_of(server)}/apps/shop")
    page.clock.run_for(500)
    panel = page.locator('[data-panel="family:queue"]')
    expect(panel.locator("canvas")).to_be_visible()
    panel.evaluate("element => { element.hidden = true; }")
    page.get_by_role("button", name="Colours").click()
    expect(panel.locator("canvas")).to_have_count(0)
    panel.evaluate("element => { element.hidden = false; }")
    expect(panel.locator("canvas")).to_be_visible()


def test_two_problems_of_one_name_stay_two(page: Page, server: Server, parts: Parts) -> None:
    scrape(server, parts, "gone")

    def doubled(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        route.fulfill(response=answer, json={**told, "problems": told["problems"] * 2})

    page.route("**/api/cockpit/overview", doubled)
    page.goto(url_of(server))
    expect(page.locator(".problem")).to_have_count(1)
    for _ in range(3):
        poll(page, "/api/cockpit/overview")
        expect(page.locator(".problem")).to_have_count(2)


def test_buttons_say_what_came_of_them(page: Page, parts: Parts) -> None:
    settings = replace(parts.settings, simulated=frozenset({"gone"}))
    server = Server(create_app(replace(parts, settings=settings)), bind("localhost", 0))
    server.start()
    page.goto(f"{url_of(server)}/targets")
    page.locator('.target:has-text("gone") button').click()
    outcome = page.locator("[data-outcome]")
    expect(outcome).to_contain_text("failed")
    page.clock.run_for(6_000)
    page.locator('.target:has-text("shop") button').click()
    expect(outcome).to_contain_text("gave 1 samples")
    page.clock.run_for(6_000)
    expect(outcome).to_be_visible()
    page.clock.run_for(5_000)
    expect(outcome).to_be_hidden()
    page.goto(f"{url_of(server)}/apps/gone")
    expect(page.locator(".incident-note")).to_have_text("The simulator does not answer.")
    server.stop(5.0)


@pytest.fixture
def many(parts: Parts) -> Parts:
    """The same parts with a thousand targets in ten pools, of which one target drops out of each."""
    jobs = ["scrape_configs:"]
    for job in range(10):
        addresses = ", ".join(f"'10.{job}.0.1:{port}'" for port in range(1000, 1101))
        jobs.append(f"- job_name: job-{job}\n  static_configs: [{{targets: [{addresses}]}}]")
        jobs.append("  relabel_configs: [{source_labels: [__address__], regex: '.*:1100', action: drop}]")
    file = parts.settings.config_file.with_name("many.yml")
    file.write_text("\n".join(jobs))
    parts.scrape.apply(load_prometheus_config(file))
    return parts


def test_a_thousand_targets_are_folded_up_filtered_and_updated(page: Page, server: Server, many: Parts) -> None:
    assert len(many.scrape.targets()) == 1000
    page.goto(f"{url_of(server)}/targets")
    expect(page.locator(".pool")).to_have_count(10)
    expect(page.locator(".pool details[open]")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("10.3.0.1:1042")
    expect(page.locator(".target:visible")).to_have_count(1)
    expect(page).to_have_url(f"{url_of(server)}/targets?q=10.3.0.1%3A1042")
    poll(page, "/api/cockpit/targets")
    expect(page.locator(".target:visible")).to_have_count(1)
    page.get_by_role("link", name="1000 waiting").click()
    expect(page).to_have_url(f"{url_of(server)}/targets?state=waiting&q=10.3.0.1%3A1042")
    expect(page.locator(".target:visible")).to_have_count(1)
    page.get_by_role("link", name="10 dropped").click()
    expect(page.locator("[data-empty]")).to_be_visible()
    page.get_by_role("searchbox").fill("1100")
    expect(page.locator(".target.dropped:visible")).to_have_count(10)
    page.get_by_role("link", name="Which rule dropped it").first.click()
    expect(page.locator(".step-effect")).to_have_text("dropped the target")


def test_exporters_are_looked_for_when_somebody_asks(
    page: Page, context: BrowserContext, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def find(known: object) -> list[Exporter]:
        tried.append(known)
        return [Exporter(9100, "node_exporter", "node")]

    monkeypatch.setattr(views, "find_exporters", find)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{url_of(server)}/targets")
    poll(page, "/api/cockpit/targets")
    assert tried == []
    page.get_by_role("button", name="Look for exporters").click()
    expect(page.locator(".offer pre")).to_contain_text("job_name: node")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".offer button")).to_have_text("Copied")
    assert "localhost:9100" in page.evaluate("navigator.clipboard.readText()")
    poll(page, "/api/cockpit/targets")
    expect(page.locator(".offer")).to_have_count(1)


def test_the_page_of_the_graphics_cards_draws_their_last_hour(page: Page, server: Server, world: Parts) -> None:
    assert world.scrape.targets()
    with page.expect_response(lambda answer: "/api/cockpit/gpu?range=1h&chart=utilization" in answer.url):
        page.goto(f"{url_of(server)}/gpu")
        page.clock.run_for(500)
    expect(page.locator('[data-panel="utilization"] canvas')).to_be_visible()
    expect(page.get_by_role("link", name="1h")).to_have_attribute("aria-current", "true")
    expect(page.locator(".gpu .target-error")).to_have_text("The driver told of an error (XID 79).")
    page.goto(url_of(server))
    page.get_by_role("link", name="GPU", exact=True).click()
    expect(page).to_have_url(f"{url_of(server)}/gpu")


def test_the_keyboard_reaches_everything(page: Page, server: Server) -> None:
    page.goto(url_of(server))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("[data-help]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-help]")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(f"{url_of(server)}/alerts")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(f"{url_of(server)}/targets")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(f"{url_of(server)}/status")


def test_colours_and_layout_are_kept(page: Page, server: Server) -> None:
    page.goto(url_of(server))
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="List").click()
    page.reload()
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    expect(root).to_have_attribute("data-layout", "list")
    expect(page.get_by_role("button", name="List")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(244, 246, 248)"


def test_a_query_runs_on_enter_and_is_in_the_address(page: Page, server: Server) -> None:
    page.goto(f"{url_of(server)}/explore")
    query = page.locator("#expr")
    expect(query).to_be_focused()
    page.keyboard.type("queue * 2")
    with page.expect_response(lambda answer: "/api/cockpit/explore?expr=queue" in answer.url):
        page.keyboard.press("Enter")
    expect(page.locator(".results td")).to_have_text("20")
    assert page.url.endswith("/explore?expr=queue+*+2")
    page.reload()
    expect(query).to_have_value("queue * 2")
    expect(page.locator(".results th")).to_have_text('{job="api"}')


def test_a_graph_is_drawn_and_the_address_leads_back(page: Page, server: Server) -> None:
    page.goto(f"{url_of(server)}/explore?expr=queue")
    with page.expect_response(lambda answer: "tab=graph" in answer.url):
        page.get_by_role("link", name="Graph").click()
    expect(page.locator(".explore-graph canvas")).to_be_visible()
    expect(page.locator(".explore-graph .series-name")).to_have_text('queue{job="api"}')
    expect(page.locator(".results")).to_be_hidden()
    with page.expect_response(lambda answer: "range=6h" in answer.url):
        page.get_by_label("Range").select_option("6h")
    assert "range=6h" in page.url
    page.go_back()
    expect(page.get_by_label("Range")).to_have_value("1h")
    with page.expect_response(lambda answer: "tab=graph" not in answer.url):
        page.go_back()
    expect(page.locator(".results")).to_be_visible()
    expect(page.locator(".explore-graph")).to_be_hidden()


def test_an_error_is_said_and_a_format_asked_for(page: Page, server: Server) -> None:
    page.goto(f"{url_of(server)}/explore?expr=sum(queue")
    expect(page.locator("#query-error pre")).to_have_text("sum(queue\n         ^")
    page.locator("#expr").fill("sum(queue)by(job)")
    page.get_by_role("button", name="Format").click()
    expect(page.locator("#expr")).to_have_value("sum by (job) (queue)")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#query-error")).to_be_hidden()
    expect(page.locator(".results td")).to_have_text("10")
    page.locator("#expr").press("Escape")
    expect(page.locator("#expr")).to_have_value("sum by (job) (queue)")


def test_a_query_is_asked_anew_only_as_often_as_chosen(page: Page, server: Server, clock: Any) -> None:
    page.goto(f"{url_of(server)}/explore?expr=time()")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/cockpit/explore" in request.url else None)
    page.clock.run_for(3 * POLL)
    assert asked == []
    expect(page.locator("[data-pulse-text]")).to_have_text("still")
    with page.expect_response(lambda answer: "refresh=5s" in answer.url):
        page.get_by_label("Refresh").select_option("5s")
    clock.now += 60_000
    poll(page, "/api/cockpit/explore")
    expect(page.locator("[data-pulse-text]")).to_have_text("live")
    assert len(asked) == 2
