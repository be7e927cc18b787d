"""Addresses of pages, and which addresses from outside may be followed."""

import pytest

from dashboard.web import urls


@pytest.mark.parametrize("address", ["http://example.org", "https://example.org/a?b=c#d", "/alerts", "/apps/a%2Fb"])
def test_http_and_own_paths_may_be_followed(address: str) -> None:
    assert urls.safe_link(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:",
        "http:/x",
        "http://[",
        "alerts",
        "",
    ],
)
def test_other_addresses_become_no_link(address: str) -> None:
    assert urls.safe_link(address) == ""


def test_names_cannot_leave_their_place_in_an_address() -> None:
    assert urls.app("a/../b?c#d") == "/apps/a%2F..%2Fb%3Fc%23d"
    assert urls.incident_api("ä") == "/api/cockpit/incidents/%C3%A4"
    assert urls.scrape_api("a/b") == "/api/cockpit/targets/a%2Fb/scrape"
