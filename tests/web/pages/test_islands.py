"""The contract between pages and islands: a page as served is what its island would make of the API's answer.

Every ``data-`` attribute that places a field is followed from the page's HTML into the JSON, and must find there what
the page shows.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import flask
import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.web import Parts, create_app, pages, urls
from dashboard.web.views.help_texts import help_texts
from dashboard.web.views.incidents import Incident
from dashboard.web.views.targets import dropped_id

from .markup import Element, Tree

PAGES = {
    "/": "/api/cockpit/overview",
    "/alerts": "/api/cockpit/alerts",
    "/targets": "/api/cockpit/targets",
    "/apps/shop": "/api/cockpit/apps/shop?chart=family:queue",
    "/explore?expr=%7Bjob%3D~%22.%2B%22%7D": "/api/cockpit/explore?expr=%7Bjob%3D~%22.%2B%22%7D",
    "/status": "/api/cockpit/status",
    "/gpu": "/api/cockpit/gpu?chart=utilization&chart=memory&chart=temperature&chart=power",
}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def client(world: Parts) -> FlaskClient:
    return create_app(world).test_client()


def page(client: FlaskClient, address: str) -> Element:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    return Tree(answer.text).root


def check(element: Element, record: dict[str, Any], answer: dict[str, Any]) -> int:
    """Compare an element and all in it with the record that it shows; return how many fields were compared."""
    attributes = element.attributes
    if "data-answer-of" in attributes:
        return 0
    if "data-with" in attributes:
        record = record[attributes["data-with"]]
    if "data-panel" in attributes:
        record = {"series": [], "note": "", **answer.get("charts", {}).get(attributes["data-panel"], {}), **record}
    seen = check_fields(element, record)
    if "data-list" not in attributes:
        return seen + sum(check(child, record, answer) for child in element.elements())
    items = [child for child in element.elements() if "data-key" in child.attributes]
    wanted = record[attributes["data-list"]]
    if not is_chart(element):
        assert [item.attributes["data-key"] for item in items] == [one.get("id", one.get("name")) for one in wanted]
        seen += sum(check(item, one, answer) for item, one in zip(items, wanted, strict=True))
    (template,) = (child for child in element.elements() if child.tag == "template")
    assert len(list(template.elements())) == 1
    return seen + 1


def is_chart(element: Element) -> bool:
    # The figures of panels that the request did not name are drawn, but not in the answer.
    return element.attributes.get("class") == "legend"


def check_fields(element: Element, record: dict[str, Any]) -> int:
    attributes = element.attributes
    seen = 0
    if "data-text" in attributes:
        assert element.text() == str(record[attributes["data-text"]])
        seen += 1
    for pair in attributes.get("data-attr", "").split():
        name, place = pair.split(":")
        assert attributes.get(name, "") == str(record[place])
        seen += 1
    if "data-link" in attributes:
        assert attributes.get("href", "") == record[attributes["data-link"]]
        seen += 1
    if "data-show" in attributes:
        rule = attributes["data-show"]
        there = bool(record[rule.lstrip("!")]) is not rule.startswith("!")
        assert ("hidden" in attributes) is not there or is_panel_note(element)
        seen += 1
    return seen


def is_panel_note(element: Element) -> bool:
    return element.attributes.get("class") == "panel-note"


@pytest.mark.parametrize(("address", "api"), PAGES.items())
def test_a_page_shows_what_its_island_would_make_of_the_answer(client: FlaskClient, address: str, api: str) -> None:
    client.get(address)
    (main,) = (element for element in page(client, address).every() if element.tag == "main")
    answer = client.get(api).get_json()
    assert check(main, answer, answer) > 15


@pytest.mark.parametrize("query", ["expr=queue&tab=graph", "expr=up%2B", "expr=rate(up[1m])"])
def test_so_does_the_page_of_a_query_whatever_its_answer(client: FlaskClient, query: str) -> None:
    (main,) = (element for element in page(client, f"/explore?{query}").every() if element.tag == "main")
    answer = client.get(f"/api/cockpit/explore?{query}").get_json()
    assert check(main, answer, answer) >= 10


@pytest.mark.parametrize(("address", "api"), PAGES.items())
def test_a_page_names_what_it_polls(client: FlaskClient, address: str, api: str) -> None:
    (body,) = (element for element in page(client, address).every() if element.tag == "body")
    assert body.attributes["data-live"] == api.split("?", maxsplit=1)[0]


@pytest.mark.parametrize("address", [*PAGES, "/nowhere"])
def test_hostile_names_stay_text(client: FlaskClient, address: str) -> None:
    check_hostile_names(Tree(client.get(address, headers={"Accept": "text/html"}).text).root)


def check_hostile_names(root: Element) -> None:
    for element in root.every():
        assert element.tag not in ("img", "iframe", "object", "embed", "base", "style")
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
        if element.tag == "script":
            assert element.attributes["src"].startswith("/static/")
            assert not element.text()
        link = element.attributes.get("href", "")
        assert link == "" or link.startswith(("/", "#", "http://", "https://"))


@pytest.mark.parametrize("address", ["/alerts", "/targets", "/"])
def test_hostile_names_are_shown_as_they_are(client: FlaskClient, address: str) -> None:
    assert SCRIPT in page(client, address).text()


class Watched:
    """A record that notes which of its fields are read."""

    def __init__(self, record: Any, reads: dict[type, set[str]], misses: list[str]) -> None:
        self._record, self._reads, self._misses = record, reads, misses

    def __getattr__(self, name: str) -> Any:
        record = self._record
        if name.startswith("_") or name not in {item.name for item in fields(record)}:
            if not name.startswith("_"):
                self._misses.append(f"{type(record).__name__}.{name}")
            raise AttributeError(name)
        self._reads.setdefault(type(record), set()).add(name)
        return watched(getattr(record, name), self._reads, self._misses)


def watched(value: Any, reads: dict[type, set[str]], misses: list[str]) -> Any:
    if is_dataclass(value):
        return Watched(value, reads, misses)
    if isinstance(value, tuple):
        return tuple(watched(one, reads, misses) for one in value)
    if isinstance(value, dict):
        return {key: watched(one, reads, misses) for key, one in value.items()}
    return value


# What only the islands use.
def target_pages(world: Parts) -> list[str]:
    """Return the pages of a target that is relabelled, and of one that is dropped."""
    (pool,) = (pool for pool in world.scrape.pools() if pool.name == "chosen")
    return [urls.target(pool.active[0].id), urls.target(dropped_id(pool.name, pool.dropped[0]))]


def test_the_page_of_one_target_is_what_its_island_would_make_too(client: FlaskClient, world: Parts) -> None:
    for address in target_pages(world):
        root = page(client, address)
        check_hostile_names(root)
        (main,) = (element for element in root.every() if element.tag == "main")
        (body,) = (element for element in root.every() if element.tag == "body")
        answer = client.get(body.attributes["data-live"]).get_json()
        assert check(main, answer, answer) > 15


ISLAND_ONLY = {
    "Overview": {"at", "firing", "cards"},
    "AppView": {"at", "firing"},
    "AlertsView": {"at"},
    "TargetsView": {"at", "firing"},
    "GpuView": {"at", "firing"},
    "StatusView": {"at", "firing"},
    "Answer": {"at"},
    "TargetView": {"at", "firing", "id"},
    "Chart": {"id", "start", "step", "count"},
    "Series": {"values"},
    "Card": {"search"},
}


def test_templates_read_every_field_that_they_are_given_and_no_other(
    simulated: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: dict[type, set[str]] = {}
    misses: list[str] = []
    render = flask.render_template

    def watching(template: str, **context: Any) -> str:
        return render(template, **{name: watched(value, reads, misses) for name, value in context.items()})

    monkeypatch.setattr(pages, "render_template", watching)
    monkeypatch.setattr("dashboard.web.views.views.ask_incidents", lambda _: (Incident("errors", "9 s left", "true"),))
    client = create_app(simulated).test_client()
    for address in [*PAGES, *target_pages(simulated), "/nowhere"]:
        client.get(address, headers={"Accept": "text/html"})
    assert misses == []
    assert {"Overview", "Card", "AppPage", "Chart", "RuleRow", "TargetRow", "Incident"} <= {r.__name__ for r in reads}
    for record, read in reads.items():
        given = {item.name for item in fields(record)}
        assert given - read <= ISLAND_ONLY.get(record.__name__, set()), record.__name__


def test_every_field_of_a_page_says_what_it_holds(world: Parts) -> None:
    client = create_app(world).test_client()
    records: set[type] = set()

    def gather(value: Any) -> None:
        if is_dataclass(value):
            records.add(type(value))
            for item in fields(value):
                gather(getattr(value, item.name))
        elif isinstance(value, tuple | list):
            for one in value:
                gather(one)

    app: Flask = client.application
    with app.app_context():
        views = pages.views()
        for view in (views.overview(), views.alerts(), views.targets(), views.app("shop"), views.frame("x")):
            gather(view)
    assert len(records) > 12
    for record in records:
        assert all(text.endswith(".") for text in help_texts(record).values()), record.__name__


@pytest.fixture
def simulated(world: Parts) -> Parts:
    """The same world where the job ``shop`` is played by a simulator that does not answer."""
    return replace(world, settings=replace(world.settings, simulated=frozenset({"shop"})))
