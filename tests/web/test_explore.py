"""The page of a query, what it polls, and the addresses that lead there."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def test_the_page_shows_the_table_before_any_script_runs(client: FlaskClient) -> None:
    page = client.get("/explore?expr=queue").text
    assert "queue{job=&#34;api&#34;}" in page
    assert "1 series in " in page
    assert '<code data-text="value">10</code>' in page


def test_the_page_draws_the_graph_before_any_script_runs(client: FlaskClient) -> None:
    page = client.get("/explore?expr=queue&tab=graph&range=15m").text
    assert 'class="still"' in page
    assert "<option selected>15m</option>" in page
    assert 'href="/explore?expr=queue&amp;range=15m"' in page


def test_an_error_stands_below_its_place(client: FlaskClient) -> None:
    page = client.get("/explore?expr=sum(queue").text
    assert ">sum(queue\n         ^</pre>" in page
    assert "unclosed left parenthesis" in page


def test_hostile_queries_stay_text(client: FlaskClient) -> None:
    for tab in ("", "graph"):
        page = client.get("/explore", query_string={"expr": HOSTILE, "tab": tab, "range": HOSTILE, "end": HOSTILE}).text
        assert "<script>alert" not in page
        assert "<img" not in page


def test_a_query_that_begins_with_an_empty_line_keeps_it_apart(client: FlaskClient) -> None:
    """HTML takes one line end behind the tag away."""
    assert ">\nqueue</textarea>" in client.get("/explore", query_string={"expr": "\nqueue"}).text


def test_what_is_polled_is_what_the_page_shows(client: FlaskClient) -> None:
    told = client.get("/api/cockpit/explore?expr=queue&tab=graph&range=15m").json
    (series,) = told["charts"]["explore"]["series"]
    assert series["id"] == 'queue{job="api"}'
    assert "path" not in series
    assert (told["error"], told["rows"]) == ("", [])
    table = client.get("/api/cockpit/explore?expr=queue").json
    assert table["rows"] == [{"id": 'queue{job="api"}', "value": "10"}]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/graph?g0.expr=up&g0.tab=1", {"expr": ["up"]}),
        ("/graph?g0.expr=up+%3E+0&g0.tab=0&g0.range_input=6h", {"expr": ["up > 0"], "tab": ["graph"], "range": ["6h"]}),
        ("/query?g0.expr=up&g0.tab=graph&g0.range_input=1h", {"expr": ["up"], "tab": ["graph"]}),
        ("/query?g0.expr=up&g0.tab=table", {"expr": ["up"]}),
        (
            "/graph?g0.expr=up&g0.end_input=2023-11-14+22:13:20&g0.tab=0",
            {"expr": ["up"], "tab": ["graph"], "end": ["2023-11-14T22:13:20Z"]},
        ),
        ("/query", {}),
    ],
)
def test_prometheus_addresses_lead_to_the_page(
    client: FlaskClient, address: str, expected: dict[str, list[str]]
) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    place = urlsplit(answer.location)
    assert (place.netloc, place.path, parse_qs(place.query)) == ("", "/explore", expected)


def test_the_links_of_alerts_lead_to_their_query(client: FlaskClient) -> None:
    """What rules give as an alert's source is one of those addresses."""
    from dashboard.rules.template_functions import graph_link, table_link

    expr = 'sum by (job) (rate(x{a="b&c"}[5m])) > 0'
    for link in (graph_link(expr), table_link(expr)):
        assert parse_qs(urlsplit(client.get(link).location).query)["expr"] == [expr]
