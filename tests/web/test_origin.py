"""Whose requests are taken: names of this server, and changes from its own pages or from no browser."""

import pytest

from dashboard.web.origin import host_name, is_allowed_host, is_same_origin

ALLOWED = ("cockpit.lan", "Box")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost:5000",
        "localhost:",
        "localhost:1",
        "127.0.0.1",
        "127.0.0.1:8080",
        "192.168.1.20:5000",
        "8.8.8.8",
        "[::1]",
        "[::1]:5000",
        "[FE80::1]:5000",
        "cockpit.lan",
        "Cockpit.LAN:443",
        "box",
    ],
)
def test_names_of_this_server_are_allowed(host: str) -> None:
    assert is_allowed_host(host, ALLOWED)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":",
        ":5000",
        "evil.example",
        "evil.example:5000",
        "127.0.0.1.evil.com",
        "localhost.evil",
        "evil.localhost",
        "xlocalhost",
        "localhost..",
        "localhost:5000.evil.com",
        "localhost:80:80",
        "localhost:٣",
        "user@localhost",
        "localhost@evil.example",
        "localhost/evil",
        "localhost evil.example",
        "localhost,evil.example",
        "::1",
        "[::1",
        "[::1]evil.example",
        "[::1]:x",
        "[localhost]",
        "[127.0.0.1.evil.com]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "sub.cockpit.lan",
        "cockpit.lan.evil.example",
    ],
)
def test_other_names_are_not_allowed(host: str) -> None:
    assert not is_allowed_host(host, ALLOWED)


def test_a_host_name_loses_port_brackets_case_and_final_dot() -> None:
    assert [host_name(text) for text in ("A.B.:80", "[::1]:5", "x:y")] == ["a.b", "::1", None]


@pytest.mark.parametrize(
    ("host", "origin", "fetch_site", "same"),
    [
        ("localhost:5000", None, None, True),  # curl, promtool, Grafana's server
        ("localhost:5000", "http://localhost:5000", None, True),
        ("localhost:5000", "http://LOCALHOST:5000", None, True),
        ("localhost", "http://localhost:80", None, True),
        ("localhost:80", "http://localhost", None, True),
        ("[::1]:5000", "http://[::1]:5000", "same-origin", True),
        ("localhost:5000", "http://localhost:5000", "none", True),
        ("localhost:5000", None, "same-origin", True),
        ("localhost:5000", "http://localhost:8001", None, False),  # another server of this machine
        ("localhost:5000", "http://127.0.0.1:5000", None, False),
        ("localhost:5000", "https://localhost:5000", None, False),
        ("localhost:5000", "http://localhost", None, False),
        ("localhost:5000", "http://evil.example", None, False),
        ("localhost:5000", "http://localhost:5000.evil.example", None, False),
        ("localhost:5000", "http://evil.example@localhost:5000", None, False),
        ("localhost:5000", "http://localhost:5000/", None, False),
        ("localhost:5000", "null", None, False),
        ("localhost:5000", "", None, False),
        ("localhost:5000", "file://", None, False),
        ("localhost:5000", "http://[::1", None, False),
        ("localhost:5000", "http://localhost:99999", None, False),
        ("localhost:5000", "http://localhost:5000", "cross-site", False),
        ("localhost:5000", "http://localhost:5000", "same-site", False),
        ("localhost:5000", None, "cross-site", False),
        ("localhost:5000", None, "", False),
        ("evil", "evil", None, False),
    ],
)
def test_a_change_comes_from_the_same_origin_or_from_no_browser(
    host: str, origin: str | None, fetch_site: str | None, same: bool
) -> None:
    assert is_same_origin("http", host, origin, fetch_site) is same
