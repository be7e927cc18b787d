"""Requests go through the proxy that Go's rules name."""

from __future__ import annotations

import pytest

from dashboard.config.http_client import ProxyConfig
from dashboard.scrape.transport.proxy import Destination, proxy_of

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("host", "no_proxy", "passed_by"),
    [
        ("example.com", "example.com", True),
        ("www.example.com", "example.com", True),
        ("badexample.com", "example.com", False),
        ("example.com", ".example.com", False),
        ("www.example.com", ".example.com", True),
        ("www.example.com", "*.example.com", True),
        ("example.com", "other, example.com:81", True),
        ("example.com", "example.com:82", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:82", False),
        ("fd00::1", "fd00::/8", True),
        ("fd00::1", "[fd00::1]:81", True),
        ("anything", "*", True),
        ("example.com", "/, ,nonsense/99", False),
        ("localhost", "other", True),
        ("127.9.9.9", "other", True),
    ],
)
def test_exceptions_are_kept_to(host: str, no_proxy: str, passed_by: bool) -> None:
    config = ProxyConfig(proxy_url=PROXY, no_proxy=no_proxy)
    assert proxy_of(config, Destination("http", host, 81)) == ("" if passed_by else PROXY)


def test_without_exceptions_even_this_machine_is_asked_for_through_the_proxy() -> None:
    assert proxy_of(ProxyConfig(proxy_url=PROXY), Destination("http", "localhost", 81)) == PROXY


def test_the_environment_counts_only_where_it_is_asked_for() -> None:
    environment = {"HTTP_PROXY": "one:1", "https_proxy": "https://two:2", "NO_PROXY": "here"}
    asked = ProxyConfig(proxy_from_environment=True)
    assert proxy_of(asked, Destination("http", "far", 80), environment) == "http://one:1"
    assert proxy_of(asked, Destination("https", "far", 443), environment) == "https://two:2"
    assert proxy_of(asked, Destination("http", "here", 80), environment) == ""
    assert proxy_of(ProxyConfig(), Destination("http", "far", 80), environment) == ""
