"""A URL that lists targets is asked again and again; while it fails, its last good list counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.config.discovery import HttpSdConfig
from dashboard.config.http_client import BasicAuth, HttpClientConfig
from dashboard.config.secret import Secret
from dashboard.scrape.discovery.http import HttpProvider
from dashboard.scrape.discovery.metrics import DiscoveryMetrics

from .conftest import addresses

GOOD = b'[{"targets": ["a:1"], "labels": {"x": "y"}}]'


def serve(site: Any, body: bytes, status: int = 200, kind: str = "application/json") -> None:
    site.serve(body, "/sd", status, Content_Type=kind)


def provider(site: Any, metrics: DiscoveryMetrics, http: HttpClientConfig | None = None) -> HttpProvider:
    url = site.url("/sd")
    return HttpProvider(HttpSdConfig(url=url, refresh_interval=2500, http=http or HttpClientConfig()), metrics)


@pytest.mark.parametrize(
    "kind", ["application/json", 'Application/JSON; charset="utf-8"', "application/json;charset=UTF-8"]
)
def test_a_list_is_asked_for_as_prometheus_does(site: Any, metrics: DiscoveryMetrics, kind: str) -> None:
    serve(site, GOOD, kind=kind)
    found = provider(site, metrics).refresh()
    assert (addresses(found.groups), found.errors) == (["a:1"], ())
    assert found.groups[0].labels == {"x": "y", "__meta_url": site.url("/sd")}
    ((_, headers),) = site.requests
    assert headers["Accept"] == "application/json"
    assert headers["X-Prometheus-Refresh-Interval-Seconds"] == "2.5"


def test_credentials_are_sent(site: Any, metrics: DiscoveryMetrics) -> None:
    serve(site, GOOD)
    login = HttpClientConfig(basic_auth=BasicAuth(username="u", password=Secret("p")))
    provider(site, metrics, login).refresh()
    ((_, headers),) = site.requests
    assert headers["Authorization"] == "Basic dTpw"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((GOOD, 503), "server returned HTTP status 503"),
        ((b"", 204), "server returned HTTP status 204"),
        ((GOOD, 200, "text/html"), 'unsupported content type "text/html"'),
        ((GOOD, 200, "application/json; charset=latin-1"), "unsupported content type"),
        ((b"[",), "truncated"),
        ((b'[{"target": []}]',), "unknown field"),
        ((b"[" + b" " * (17 << 20) + b"]",), "body size limit exceeded"),
    ],
    ids=["503", "204", "html", "latin-1", "cut", "unknown key", "enormous"],
)
def test_a_failure_keeps_the_last_good_list(
    site: Any, metrics: DiscoveryMetrics, count: Callable[..., float], answer: tuple[Any, ...], reason: str
) -> None:
    asked = provider(site, metrics)
    serve(site, GOOD)
    asked.refresh()
    serve(site, *answer)
    found = asked.refresh()
    assert addresses(found.groups) == ["a:1"]
    (error,) = found.errors
    assert reason in error
    assert count("http_failures_total") == 1
    serve(site, b"[]")
    assert (asked.refresh().groups, asked.refresh().errors) == ([], ())


def test_a_password_in_the_url_is_not_shown(metrics: DiscoveryMetrics) -> None:
    asked = HttpProvider(HttpSdConfig(url="http://u:geheim@127.0.0.1:1/sd", refresh_interval=1000), metrics)
    (error,) = asked.refresh().errors
    assert "geheim" not in error


def test_a_server_that_hangs_is_given_up_at_the_close(hostile: Callable[..., str], metrics: DiscoveryMetrics) -> None:
    asked = threading.Event()

    def hang(peer: Any) -> None:
        asked.set()
        peer.wait()

    config = HttpSdConfig(url=f"http://{hostile(hang)}/sd", refresh_interval=60_000)
    slow = HttpProvider(config, metrics)
    thread = threading.Thread(target=slow.refresh)
    thread.start()
    assert asked.wait(20)
    slow.close()
    thread.join(20)
    assert not thread.is_alive()
