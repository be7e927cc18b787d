import pytest

from dashboard.config.scalars import InvalidValueError
from dashboard.config.urls import require_http, split_url, without_password


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "https://u:p@h:1/x?y=z#f",
        "http://[::1]:80/",
        "//h/x",
        "/a/b",
        "a/b:c",
        "",
        "mailto:a",
        "http://h:",
        "a:b:c/d%",
        "?a:b",
        "http://h:80:90",
    ],
)
def test_what_go_parses_is_taken(url: str) -> None:
    split_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "://x",
        ":x",
        "http://h:port/",
        "http://a b/",
        "http://h/%zz",
        "http://[::1",
        "http://h\n",
        "a\x7f",
        "http://u p@h",
        "http://a%41/",
    ],
)
def test_what_go_does_not_parse_is_refused(url: str) -> None:
    with pytest.raises(InvalidValueError):
        split_url(url)


def test_an_error_shows_no_password() -> None:
    with pytest.raises(InvalidValueError) as caught:
        split_url("http://user:hunter2@h:port/")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"), [("h/x", "scheme"), ("ftp://h", "scheme"), ("http:///x", "host is missing")]
)
def test_a_server_of_http_needs_scheme_and_host(url: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        require_http(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@h/x", "http://u:xxxxx@h/x"),
        ("http://:p@h", "http://:xxxxx@h"),
        ("http://u@h", "http://u@h"),
        ("http://h:1/a@b", "http://h:1/a@b"),
        ("two: http://a:b@c and http://d:e@f", "two: http://a:xxxxx@c and http://d:xxxxx@f"),
        ("plain", "plain"),
    ],
)
def test_a_password_is_replaced(url: str, shown: str) -> None:
    assert without_password(url) == shown
