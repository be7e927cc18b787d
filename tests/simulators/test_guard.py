"""A page elsewhere in the same browser gets nowhere, by whatever name it calls us."""

from __future__ import annotations

import pytest

from simulators.guard import host_allowed, origin_allowed


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8001", "127.0.0.1:8001", "[::1]:8001", "[::1]", "192.168.1.5:1", "10.0.0.1"]
)
def test_localhost_and_addresses_are_hosts_of_ours(host: str) -> None:
    assert host_allowed(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.com",
        "localhost.evil",
        "localhost.",
        "evil@127.0.0.1",
        "127.0.0.1:80:80",
        "127.0.0.1:http",
        "[::1",
        "::1",
        "127.1",
        "2130706433",
        "127.0.0.1 ",
        "",
        "１27.0.0.1",
        "[127.0.0.1.evil]",
    ],
)
def test_other_names_and_malformed_ones_are_not(host: str) -> None:
    assert not host_allowed(host)


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        (None, None),
        (None, "same-origin"),
        (None, "none"),
        ("http://localhost:5000", "same-site"),
        ("http://127.0.0.1:5000", "cross-site"),
        ("http://[::1]:5000", None),
        ("http://192.168.1.5:8001", "same-origin"),
    ],
)
def test_tools_and_pages_of_this_machine_may_change_things(origin: str | None, site: str | None) -> None:
    assert origin_allowed(origin, site, "192.168.1.5:8001")


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        (None, "cross-site"),
        (None, "same-site"),
        ("null", None),
        ("", None),
        ("https://evil.example", "cross-site"),
        ("http://localhost.evil:5000", None),
        ("http://localhost@evil.example", None),
        ("http://evil@localhost", None),
        ("file://localhost", None),
        ("http://[::1", None),
        ("localhost", None),
        ("http://127.0.0.2:5000", None),
    ],
)
def test_pages_of_other_hosts_may_not(origin: str | None, site: str | None) -> None:
    assert not origin_allowed(origin, site, "localhost:8001")
