"""The pages and static files over HTTP."""

import gzip
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.rules import load_rule_file
from dashboard.web import Parts, create_app, urls
from dashboard.web.assets import load_assets
from dashboard.web.views.text import moment
from dashboard.web.views.views import Views

PAGES = ("/", "/alerts", "/targets", "/status", "/apps/shop")
BUDGET = 60_000
NO_MATCH = '<p class="empty" data-empty="apps">No app matches the filter.</p>'


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_whole_before_any_script_runs(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert "shop" in answer.text or address in ("/alerts", "/status")
    assert "http-equiv" not in answer.text


def test_the_overview_says_that_a_target_is_down(client: FlaskClient, parts: Parts) -> None:
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)
    text = client.get("/").text
    assert "1 target down" in text
    assert "1 of 2 apps up" in text


def test_the_foot_says_since_when_the_server_runs(client: FlaskClient, parts: Parts, clock: Any) -> None:
    since = f"<span>running since {moment(parts.clock())}</span>"
    assert since in client.get("/").text
    clock.now += 3_600_000
    assert since in client.get("/").text


def test_the_filter_works_without_scripts(client: FlaskClient) -> None:
    assert "/apps/gone" in client.get("/").text
    found = client.get("/?q=SHOP").text
    assert "/apps/shop" in found
    assert "/apps/gone" not in found
    assert 'value="SHOP"' in found
    assert NO_MATCH not in found
    assert NO_MATCH in client.get("/?q=nix").text


def test_targets_and_alerts_are_filtered_without_scripts_too(client: FlaskClient) -> None:
    assert client.get("/targets?q=gone").text.count('class="target"') == 1
    assert client.get("/alerts?q=queuelong").text.count('class="rule"') == 1


def test_an_incident_lasts_long_enough_for_every_rule_of_the_demo(parts: Parts) -> None:
    settings = replace(parts.settings, simulated=frozenset({"gone"}))
    page = create_app(replace(parts, settings=settings)).test_client().get("/apps/gone").text
    offered = re.findall(r'<option value="(\d+)"( selected)?>', page)
    assert [int(seconds) for seconds, _ in offered] == [60, 120, 300, 600]
    (chosen,) = (int(seconds) for seconds, selected in offered if selected)
    rules = Path(__file__).parents[2] / "monitoring" / "rules" / "wargaming.yml"
    waits = [rule.for_ for group in load_rule_file(rules).groups for rule in group.rules if rule.alert]
    assert waits
    assert chosen * 1000 > max(waits)


def test_an_unknown_app_is_a_page_that_says_so(client: FlaskClient) -> None:
    answer = client.get("/apps/nix", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "There is no app &#34;nix&#34;: no job of that name is scraped." in answer.text
    assert 'href="/">Back to the overview</a>' in answer.text


@pytest.mark.parametrize(
    ("method", "address", "said"),
    [("GET", "/nowhere", "has no page at this address."), ("POST", "/alerts", "Nothing here can be asked for")],
)
def test_an_address_without_a_page_is_told_in_a_sentence(
    client: FlaskClient, method: str, address: str, said: str
) -> None:
    answer = client.open(address, method=method, headers={"Accept": "text/html"})
    assert said in answer.text
    headline = answer.text.split("<h1>")[1].split("</h1>")[0]
    assert f"<p>{headline}</p>" not in answer.text


@pytest.mark.parametrize("job", ["team/shop", "a b/<c>?d#e%2F", "shop/incident"])
def test_a_job_of_any_name_has_its_page(parts: Parts, job: str) -> None:
    config_file = parts.settings.config_file.with_name("other.yml")
    config_file.write_text(f"scrape_configs:\n- job_name: '{job}'\n  static_configs: [{{targets: ['127.0.0.1:1']}}]\n")
    parts.scrape.apply(load_prometheus_config(config_file))
    client = create_app(parts).test_client()
    assert client.get(urls.app(job)).status_code == 200
    assert client.get(urls.app_api(job)).get_json()["card"]["id"] == job
    assert client.post(urls.incident_api(job), json={}).get_json() == {"detail": f'"{job}" is not simulated'}


def test_before_the_store_is_open_the_page_says_that_and_comes_back(parts: Parts) -> None:
    client = create_app(replace(parts, ready=lambda: False)).test_client()
    answer = client.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "starting" in answer.text
    assert 'http-equiv="refresh"' in answer.text
    assert client.get("/favicon.svg").status_code == 200
    assert client.get("/api/cockpit/overview").status_code == 503


def test_a_failure_is_a_page_without_our_internals(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    client = create_app(parts).test_client()

    def fail(_: Views) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Views, "alerts", fail)
    answer = client.get("/alerts", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert answer.mimetype == "text/html"
    assert "secret" not in answer.text


@pytest.mark.parametrize("address", PAGES)
def test_what_a_page_loads_is_there_and_small(client: FlaskClient, address: str) -> None:
    loaded = loaded_files(client.get(address).text)
    assert len(loaded) >= 4
    total = 0
    for name in loaded:
        answer = client.get(name, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200, name
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        total += len(answer.data)
    assert total < (BUDGET if address.startswith("/apps") else BUDGET // 4)


def loaded_files(html: str) -> list[str]:
    """Return the addresses of scripts and style sheets in a page."""
    names = (part.split('"')[0] for part in html.split('"/static/')[1:])
    return [f"/static/{name}" for name in names]


def test_files_are_sent_plain_to_those_who_cannot_unzip(client: FlaskClient) -> None:
    (name,) = (name for name in loaded_files(client.get("/").text) if name.endswith(".css"))
    plain, zipped = client.get(name), client.get(name, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(zipped.data) == plain.data
    assert plain.headers["Vary"] == "Accept-Encoding"


def test_other_files_are_not_served(client: FlaskClient) -> None:
    for name in ("manifest.json", "STAMP", "..%2Fpages.py", "nix.js"):
        assert client.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("address", PAGES)
def test_without_a_built_front_end_pages_reload_themselves_and_say_why(
    parts: Parts, tmp_path: Path, address: str
) -> None:
    (tmp_path / "cockpit.css").write_text("body{}")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "FAILED.txt").write_text("No Node <20> was found.")
    app = create_app(parts)
    app.extensions["glass-cockpit-views"] = Views(parts, load_assets(tmp_path))
    text = app.test_client().get(address).text
    assert '<meta http-equiv="refresh" content="5">' in text
    assert "No Node &lt;20&gt; was found." in text
    assert "<script" not in text


def test_the_icon_shows_the_number_it_is_asked_for(client: FlaskClient) -> None:
    for firing, shown in (("0", ""), ("3", ">3<"), ("x", ""), ("-1", ""), ("99999", ">99<")):
        answer = client.get(f"/favicon.svg?firing={firing}")
        assert answer.mimetype == "image/svg+xml"
        assert ("<text" in answer.text) is bool(shown)
        assert shown in answer.text


def test_there_is_a_page_for_each_address_that_the_pages_name(client: FlaskClient) -> None:
    rules = {rule.rule for rule in client.application.url_map.iter_rules()}
    named = {value for name, value in vars(urls).items() if name.isupper()}
    assert named <= rules


@pytest.mark.parametrize("address", ["/", "/apps/shop"])
def test_the_strip_of_scrapes_says_what_it_is(client: FlaskClient, address: str) -> None:
    page = client.get(address).text
    graph = urls.explore({"expr": 'up{job="shop"}', "tab": "graph", "range": "50m"}).replace("&", "&amp;")
    assert f'href="{graph}" data-link="beats_url">last 50 scrapes</a>' in page
    said = "not scraped yet; a gap means no scrape"
    assert f'aria-label="{said}"' in page
    assert f'<title data-text="beats_text">{said}</title>' in page


def test_without_a_graphics_card_its_page_says_so_and_no_other_names_it(client: FlaskClient) -> None:
    assert "No GPU: nothing that is scraped tells of an NVIDIA card." in client.get("/gpu").text
    assert 'href="/gpu"' not in client.get("/").text


def test_one_state_of_the_targets_is_shown_without_scripts(client: FlaskClient, parts: Parts) -> None:
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)
    text = client.get("/targets?state=down&q=go").text
    assert text.count('class="target"') == 1
    assert "/targets/" in text
    assert 'data-live="/api/cockpit/targets?state=down"' in text
    # The choice that is made leads back to all, and what the reader looks for is kept.
    assert 'href="/targets?q=go" data-keeps-filter aria-current="true"' in text
    assert 'href="/targets?state=up&amp;q=go"' in text
    assert 'name="state" value="down"' in text
    assert "No target is dropped." in client.get("/targets?state=dropped").text


def test_a_target_has_a_page_of_its_own(client: FlaskClient, parts: Parts) -> None:
    (target,) = (each for each in parts.scrape.targets() if each.labels.get("job") == "shop")
    text = client.get(f"/targets/{target.id}").text
    assert "Labels before relabelling" in text
    assert "__scrape_interval__" in text
    assert "The job has no <code>relabel_configs</code>." in text
    answer = client.get("/targets/nothing", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "There is no such target any more." in answer.text


def test_a_broken_configuration_is_said_on_the_page_of_the_targets(client: FlaskClient, parts: Parts) -> None:
    parts.settings.config_file.write_text("scrape_configs: 5\n")
    assert not parts.reloader.reload().successful
    text = client.get("/targets").text
    assert "It cannot be reloaded" in text
    assert "stays in force" in text
    assert "scrape_configs" in text
