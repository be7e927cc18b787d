"""Every route is guarded, and every route is known here."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

# A route, what to put into its rule, and the status that a plain request gets.
PROMETHEUS = [
    ("GET", "/api/v1/query", "?query=1", 200),
    ("POST", "/api/v1/query", "?query=1", 200),
    ("GET", "/api/v1/query_range", "?query=1&start=1&end=2&step=1", 200),
    ("POST", "/api/v1/query_range", "?query=1&start=1&end=2&step=1", 200),
    ("GET", "/api/v1/query_exemplars", "?query=up", 200),
    ("POST", "/api/v1/query_exemplars", "?query=up", 200),
    ("GET", "/api/v1/series", "?match[]=up", 200),
    ("POST", "/api/v1/series", "?match[]=up", 200),
    ("GET", "/api/v1/labels", "", 200),
    ("POST", "/api/v1/labels", "", 200),
    ("GET", "/api/v1/label/<path:name>/values", "", 200),
    ("GET", "/api/v1/targets", "", 200),
    ("GET", "/api/v1/scrape_pools", "", 200),
    ("GET", "/api/v1/targets/relabel_steps", "?scrapePool=shop&labels={}", 200),
    ("GET", "/api/v1/targets/metadata", "", 200),
    ("GET", "/api/v1/metadata", "", 200),
    ("GET", "/api/v1/rules", "", 200),
    ("GET", "/api/v1/alerts", "", 200),
    ("GET", "/api/v1/format_query", "?query=up", 200),
    ("POST", "/api/v1/format_query", "?query=up", 200),
    ("GET", "/api/v1/parse_query", "?query=up", 200),
    ("POST", "/api/v1/parse_query", "?query=up", 200),
    ("GET", "/api/v1/status/buildinfo", "", 200),
    ("GET", "/api/v1/status/config", "", 200),
    ("GET", "/api/v1/status/flags", "", 200),
    ("GET", "/api/v1/status/runtimeinfo", "", 200),
    ("GET", "/api/v1/status/tsdb", "", 200),
    ("GET", "/api/v1/status/walreplay", "", 200),
    ("GET", "/api/v1/features", "", 200),
    ("GET", "/api/v1/openapi.yaml", "", 200),
    ("POST", "/api/v1/admin/tsdb/delete_series", "?match[]=gone", 204),
    ("PUT", "/api/v1/admin/tsdb/delete_series", "?match[]=gone", 204),
    ("POST", "/api/v1/admin/tsdb/clean_tombstones", "", 204),
    ("PUT", "/api/v1/admin/tsdb/clean_tombstones", "", 204),
    ("POST", "/api/v1/admin/tsdb/snapshot", "", 200),
    ("PUT", "/api/v1/admin/tsdb/snapshot", "", 200),
    ("GET", "/federate", "?match[]=up", 200),
    ("POST", "/api/v1/read", "", 400),
    ("GET", "/version", "", 200),
    ("GET", "/explore", "?expr=up", 200),
    ("GET", "/api/cockpit/explore", "?expr=up", 200),
    ("GET", "/graph", "?g0.expr=up", 302),
    ("GET", "/query", "?g0.expr=up", 302),
]
OTHERS = [
    ("GET", "/-/healthy", "", 200),
    ("GET", "/-/ready", "", 200),
    ("POST", "/-/reload", "", 200),
    ("PUT", "/-/reload", "", 200),
    ("GET", "/health", "", 200),
    ("GET", "/ready", "", 200),
    ("GET", "/metrics", "", 200),
    ("GET", "/host/metrics", "", 200),
]
TABLE = PROMETHEUS + OTHERS
# Their own tests have a table of them.
ELSEWHERE = ("pages", "cockpit_api")


def address(rule: str, query: str) -> str:
    return re.sub("<[^>]+>", "thing", rule) + query


def test_every_route_is_in_the_table(app: Flask) -> None:
    found = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.split(".")[0] not in ELSEWHERE
    }
    assert found == {(method, rule) for method, rule, _, _ in TABLE}


@pytest.mark.parametrize(("method", "rule", "query", "status"), TABLE)
def test_a_route_answers(client: FlaskClient, method: str, rule: str, query: str, status: int) -> None:
    answer = client.open(address(rule, query), method=method)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Trace-Id"])


def test_every_route_refuses_a_foreign_host_and_every_change_a_foreign_origin(app: Flask, client: FlaskClient) -> None:
    rules = list(app.url_map.iter_rules())
    assert len(rules) > 15
    for rule in rules:
        for method in sorted(rule.methods or ()):
            place = address(rule.rule, "")
            assert client.open(place, method=method, headers={"Host": "evil.example"}).status_code == 421, place
            if method not in ("GET", "HEAD", "OPTIONS"):
                hostile = {"Origin": "http://evil.example"}
                assert client.open(place, method=method, headers=hostile).status_code == 403, place


def test_allowed_hosts_of_the_settings_are_let_in(client: FlaskClient) -> None:
    assert client.get("/health", headers={"Host": "box.lan:8080"}).status_code == 200


def test_no_route_may_be_changed_by_a_get(app: Flask) -> None:
    """A rule takes either GET or changes, but for Prometheus's queries, which also come as forms."""
    for rule in app.url_map.iter_rules():
        methods = rule.methods or set()
        if "GET" in methods and methods & {"POST", "PUT", "DELETE"}:
            assert rule.rule.startswith("/api/v1/"), rule.rule


def test_a_browser_is_shown_a_page_for_what_is_not_there(client: FlaskClient) -> None:
    answer = client.get("/<script>alert(1)</script>", headers={"Accept": "text/html,application/xhtml+xml"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "<script>alert" not in answer.text
