"""``/federate`` shows the latest samples as the real Prometheus shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pytest
from flask.testing import FlaskClient

from dashboard.exposition.parser import parse
from dashboard.model.labels import Labels
from dashboard.model.samples import STALE
from dashboard.web import Parts, create_app

from .conftest import NOW, Clock

UTF8 = {"Accept": "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5"}


def federate(client: FlaskClient, *selectors: str, **headers: str) -> str:
    answer = client.get(f"/federate?{urlencode({'match[]': selectors}, doseq=True)}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def put(parts: Parts, labels: dict[str, str], *values: float) -> None:
    times = np.array([NOW - 1000 * step for step in reversed(range(len(values)))], dtype=np.int64)
    number = np.full(len(values), parts.storage.series_id(Labels.of(labels)), dtype=np.int64)
    parts.storage.append_points(number, times, np.array(values))
    parts.storage.flush()


def test_the_latest_sample_of_each_series_is_shown(client: FlaskClient) -> None:
    assert federate(client, "queue", '{__name__="requests_total",job="api"}') == (
        "# TYPE queue untyped\n"
        f'queue{{job="api",instance=""}} 10 {NOW}\n'
        "# TYPE requests_total untyped\n"
        f'requests_total{{job="api",path="a\\"b\\\\c\\n",instance=""}} 1200 {NOW}\n'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e6, "1e+06"),
        (123456.0, "123456"),
        (1234567.5, "1.2345675e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-0.0, "-0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Inf"),
    ],
)
def test_numbers_are_written_as_go_writes_them(client: FlaskClient, parts: Parts, value: float, text: str) -> None:
    put(parts, {"__name__": "x"}, value)
    assert federate(client, "x").endswith(f'x{{instance=""}} {text} {NOW}\n')


def test_external_labels_stand_where_a_series_lacks_them(client: FlaskClient, parts: Parts) -> None:
    parts.settings.config_file.write_text("global: {external_labels: {site: here, job: other}}\n")
    assert parts.reloader.reload().successful
    assert federate(client, "queue").endswith(f'queue{{job="api",instance="",site="here"}} 10 {NOW}\n')


def test_strange_names_are_quoted_for_those_who_can_read_them(client: FlaskClient, parts: Parts) -> None:
    put(parts, {"__name__": "1 é", "http.status": "200"}, 1.0)
    selector = '{"1 é"}'
    assert federate(client, selector) == (f'# TYPE _1__ untyped\n_1__{{http_status="200",instance=""}} 1 {NOW}\n')
    assert federate(client, selector, **UTF8) == (
        f'# TYPE "1 é" untyped\n{{"1 é","http.status"="200",instance=""}} 1 {NOW}\n'
    )


def test_ended_and_old_series_are_left_out(client: FlaskClient, parts: Parts, clock: Clock) -> None:
    put(parts, {"__name__": "gone"}, 1.0, STALE)
    assert federate(client, "gone") == ""
    clock.now += 300_001
    assert federate(client, "queue") == ""


@pytest.mark.parametrize("selectors", [(), ("nothing",), ('{job="nobody"}',)])
def test_nothing_selected_is_an_empty_page(client: FlaskClient, selectors: Sequence[str]) -> None:
    assert federate(client, *selectors) == ""


@pytest.mark.parametrize("selector", ["up{", "rate(up[5m])", "up offset 5m", ""])
def test_what_is_no_selector_is_refused(client: FlaskClient, selector: str) -> None:
    answer = client.get("/federate", query_string={"match[]": selector})
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")


def test_nothing_is_shown_before_the_store_is_open(parts: Parts) -> None:
    assert create_app(replace(parts, ready=lambda: False)).test_client().get("/federate").status_code == 503


def test_what_is_shown_can_be_scraped(client: FlaskClient) -> None:
    """Our own parser reads it, with its times."""
    answer = client.get("/federate", query_string={"match[]": '{job=~".+"}'}, headers=UTF8)
    page = parse(answer.data, answer.content_type)
    assert {sample.labels.get("job") for sample in page.samples} == {"api", "web"}
    assert all(sample.timestamp == NOW for sample in page.samples)
