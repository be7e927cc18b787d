"""Pages are fetched from targets that hang, lie or explode, and the error names the layer that failed."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard

from dashboard.config.scrape import NameEscaping, ScrapeConfig, ScrapeProtocol
from dashboard.scrape import http_client
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.fetch import Answer, HttpSource, LocalSource
from dashboard.scrape.transport.memory import Budget

from .conftest import Hostile, Peer, Site

TIMEOUT = 0.4
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@contextlib.contextmanager
def source(url: str, timeout: float, **job: Any) -> Iterator[HttpSource]:
    """Give the source of a page whose job has such keys."""
    page = HttpSource(url, timeout, ScrapeConfig(job_name="a", **job))
    yield page
    page.close()


def fetch(url: str, timeout: float, **job: Any) -> Answer:
    """Fetch a page once."""
    with source(url, timeout, **job) as page:
        return page.fetch()


def fails(url: str, limit: int = 1_000_000) -> FetchError:
    """Fetch a URL that cannot be had, and return why."""
    with pytest.raises(FetchError) as caught:
        fetch(url, TIMEOUT, body_size_limit=limit)
    return caught.value


def test_a_page_comes_with_its_content_type(site: Site) -> None:
    site.serve(b"a 1\n", Content_Type="text/plain; x=y")
    answer = fetch(site.url(), 5)
    assert (answer.body, answer.content_type) == (b"a 1\n", "text/plain; x=y")


def test_the_request_is_prometheus_like(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    site.serve(b"", "/a%20b?x=y&x=z")
    fetch(site.url("/a%20b?x=y&x=z"), 2.5)
    ((_, headers),) = site.requests
    assert headers["Accept"].startswith("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,")
    assert "protobuf" not in headers["Accept"]
    assert headers["Accept-Encoding"] == "gzip, zstd"
    assert headers["X-Prometheus-Scrape-Timeout-Seconds"] == "2.5"
    assert headers["User-Agent"].startswith("glass-cockpit/")


def test_a_job_says_which_formats_it_wants(site: Site) -> None:
    site.serve(b"")
    wanted = (ScrapeProtocol.PROTOBUF, ScrapeProtocol.TEXT_0_0_4, ScrapeProtocol.OPENMETRICS_1_0_0)
    fetch(
        site.url(),
        5,
        scrape_protocols=wanted,
        metric_name_escaping_scheme=NameEscaping.DOTS,
        enable_compression=False,
    )
    ((_, headers),) = site.requests
    assert headers["Accept"] == (
        "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;escaping=dots;q=0.5,*/*;q=0.4"
    )
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("sent", ["text/html; charset=utf-8", "", "not a type"])
def test_a_page_of_an_unknown_type_is_read_as_text_or_as_the_job_says(site: Site, sent: str) -> None:
    site.serve(b"a 1\n", Content_Type=sent)
    answer = fetch(site.url(), 5)
    assert answer.content_type == "text/plain;version=0.0.4"
    assert answer.remark.startswith(f'the target sent Content-Type "{sent}"' if sent else "the target sent no Content-")
    assert answer.remark.endswith("read as PrometheusText0.0.4")
    other = fetch(site.url(), 5, fallback_scrape_protocol=ScrapeProtocol.OPENMETRICS_1_0_0)
    assert other.content_type == "application/openmetrics-text;version=1.0.0"


def test_a_page_of_a_known_type_is_read_as_that(site: Site) -> None:
    site.serve(b"a 1\n# EOF\n", Content_Type="Application/OpenMetrics-Text; version=1.0.0")
    answer = fetch(site.url(), 5, fallback_scrape_protocol=ScrapeProtocol.TEXT_0_0_4)
    assert (answer.content_type, answer.remark) == ("Application/OpenMetrics-Text; version=1.0.0", "")


def test_the_connection_is_kept(site: Site) -> None:
    site.serve(b"a 1\n")
    with source(site.url(), 5) as page:
        for _ in range(3):
            page.fetch()
    assert len(site.connections) == 1


def test_a_kept_connection_that_the_target_closed_costs_no_scrape(hostile: Hostile) -> None:
    requests: list[int] = []

    def closes_after_each(peer: Peer) -> None:
        peer.send(OK + b"Content-Length: 4\r\n\r\na 1\n")
        peer.socket.recv(65536)
        requests.append(1)

    with source(f"http://{hostile(closes_after_each)}/", 5) as page:
        for _ in range(3):
            assert page.fetch().body == b"a 1\n"
    assert len(requests) >= 2


def test_nothing_is_remembered_for_the_target(site: Site) -> None:
    site.serve(b"", Set_Cookie="id=1; Path=/")
    with source(site.url(), 5) as page:
        page.fetch()
        page.fetch()
    assert "Cookie" not in site.requests[1][1]


def test_zstd_is_decompressed_even_in_several_frames(site: Site) -> None:
    body = zstandard.compress(b"a 1\n" * 100_000) + zstandard.compress(b"b 2\n")
    site.serve(body, Content_Encoding="zstd")
    assert fetch(site.url(), 5).body == b"a 1\n" * 100_000 + b"b 2\n"


def test_gzip_is_decompressed_even_in_several_members(site: Site) -> None:
    site.serve(gzip.compress(b"a 1\n" * 100_000) + gzip.compress(b"b 2\n"), Content_Encoding="gzip")
    assert fetch(site.url(), 5).body == b"a 1\n" * 100_000 + b"b 2\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b"a 1\n")[:-4], "gzip: unexpected end"),
        (gzip.compress(b"a 1\n") + b"junk", "gzip: .*incorrect header"),
        (b"a 1\n", "gzip: .*incorrect header"),
        (b"", "gzip: unexpected end"),
    ],
)
def test_damaged_gzip_is_an_error(site: Site, body: bytes, reason: str) -> None:
    site.serve(body, Content_Encoding="gzip")
    with pytest.raises(FetchError, match=reason):
        fetch(site.url(), 5)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "deflate", "zstd, gzip"])
def test_other_encodings_are_refused_by_name(site: Site, encoding: str) -> None:
    site.serve(gzip.compress(gzip.compress(b"a 1\n")), Content_Encoding=encoding)
    assert f'unsupported Content-Encoding "{encoding}"' in str(fails(site.url()))


def test_a_large_page_holds_its_share_until_it_was_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "BODIES", Budget(total=3_000_000, free=0))
    site.serve(b"#" + b"x" * 2_000_000 + b"\n")
    with source(site.url(), 30) as one, source(site.url(), TIMEOUT) as hurried, source(site.url(), 30) as other:
        answer = one.fetch()
        with pytest.raises(FetchError, match="context deadline exceeded"):
            hurried.fetch()
        with answer.share:
            assert len(answer.body) == 2_000_002
        assert other.fetch().body == answer.body


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_must_stay_below_the_limit(site: Site, *, compressed: bool) -> None:
    page = b"x" * 1000
    site.serve(gzip.compress(page) if compressed else page, **({"Content_Encoding": "gzip"} if compressed else {}))
    assert fetch(site.url(), 5, body_size_limit=1001).body == page
    assert "body size limit exceeded" in str(fails(site.url(), 1000))


@pytest.mark.parametrize("status", [204, 206, 404, 500])
def test_only_status_200_is_a_page(site: Site, status: int) -> None:
    site.serve(b"", status=status)
    assert f"server returned HTTP status {status} " in str(fails(site.url()))


def test_redirects_are_followed_ten_times(site: Site) -> None:
    for step in range(12):
        site.serve(b"", f"/{step}", status=302, Location=f"/{step + 1}")
    site.serve(b"a 1\n", "/12")
    assert fetch(site.url("/2"), 5).body == b"a 1\n"
    assert "stopped after 10 redirects" in str(fails(site.url("/1")))


@pytest.mark.parametrize(
    ("location", "layer"),
    [
        ("file:///etc/passwd", Layer.URL),
        ("ftp://127.0.0.1/", Layer.URL),
        ("http://[::1/", Layer.URL),
        ("", Layer.HTTP),
        ("/loop", Layer.HTTP),
    ],
)
def test_bad_redirects_are_refused(site: Site, location: str, layer: Layer) -> None:
    site.serve(b"", "/loop", status=301, Location=location)
    assert fails(site.url("/loop")).layer is layer


def test_the_body_of_a_redirect_is_not_read(hostile: Hostile, site: Site) -> None:
    site.serve(b"a 1\n")

    def redirect(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: " + site.url().encode() + b"\r\n\r\n")
        while peer.wait(0.01):
            peer.send(b"x" * 100_000)

    assert fetch(f"http://{hostile(redirect)}/", 5).body == b"a 1\n"


def test_a_refused_connection_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert str(fails(f"http://127.0.0.1:{port}/")) == "TCP: connection refused"


def test_a_name_whose_lookup_hangs_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    error = fails("http://slow.invalid/")
    over.set()
    assert error.layer is Layer.DEADLINE


def test_every_address_of_a_name_is_tried(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.serve(b"a 1\n")
    host, port = site.address.split(":")
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = unused.getsockname()[1]
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, each)) for each in (closed, int(port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    assert fetch(f"http://two.invalid:{port}/metrics", 30).body == b"a 1\n"


def test_a_name_that_does_not_exist_is_named() -> None:
    assert fails("http://host.invalid/").layer in (Layer.DNS, Layer.DEADLINE)


@pytest.mark.parametrize("host", ["a..b", "a b", "x" * 300, "127.0.0.1:port", "[::1"])
def test_a_host_that_is_no_name_is_named(host: str) -> None:
    assert fails(f"http://{host}/metrics").layer in (Layer.URL, Layer.DNS)


def test_plain_http_where_tls_was_asked_for_is_named(site: Site) -> None:
    assert fails(f"https://{site.address}/").layer is Layer.TLS


def test_a_running_fetch_can_be_cut_short(hostile: Hostile) -> None:
    arrived = threading.Event()

    def wait_for_ever(peer: Peer) -> None:
        arrived.set()
        peer.wait()

    failed: list[BaseException] = []

    def fetch_in_vain() -> None:
        try:
            page.fetch()
        except FetchError as error:
            failed.append(error)

    with source(f"http://{hostile(wait_for_ever)}/", 60) as page:
        thread = threading.Thread(target=fetch_in_vain)
        thread.start()
        assert arrived.wait(30)
        page.cancel()
        thread.join(30)
    assert not thread.is_alive()
    assert len(failed) == 1


def test_a_page_of_this_server_is_made_in_process() -> None:
    assert LocalSource(lambda: b"a 1\n").fetch().body == b"a 1\n"


def test_a_page_of_this_server_that_fails_is_an_error_of_its_target() -> None:
    def broken() -> bytes:
        raise KeyError("oops")

    with pytest.raises(FetchError, match="page: KeyError: 'oops'"):
        LocalSource(broken).fetch()
