"""Pages are fetched from targets that hang, lie or explode, and the error names the layer that failed."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.config.scrape import ScrapeConfig
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.fetch import Answer, HttpSource, LocalSource

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


def test_a_body_may_have_exactly_the_limit(site: Site) -> None:
    site.serve(b"x" * 1000)
    assert len(fetch(site.url(), 5, body_size_limit=1000).body) == 1000
    assert "body size limit exceeded" in str(fails(site.url(), 999))


def test_a_gzip_bomb_stops_at_the_limit(site: Site) -> None:
    site.serve(gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    assert "body size limit exceeded: more than 1000000 bytes" in str(fails(site.url()))


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


def hang(peer: Peer) -> None:
    peer.wait()


def drip_headers(peer: Peer) -> None:
    peer.send(OK)
    while peer.wait(0.02):
        peer.send(b"X")


def drip_body(peer: Peer) -> None:
    peer.send(OK + b"Content-Length: 100000\r\n\r\n")
    while peer.wait(0.02):
        peer.send(b"a")


def drip_chunks(peer: Peer) -> None:
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while peer.wait(0.02):
        peer.send(b"1\r\na\r\n")


def drip_trailers(peer: Peer) -> None:
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n0\r\n")
    while peer.wait(0.02):
        peer.send(b"X: y\r\n")


def continue_for_ever(peer: Peer) -> None:
    while peer.wait(0.02):
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("behave", [hang, drip_headers, drip_body, drip_chunks, drip_trailers, continue_for_ever])
def test_one_deadline_holds_for_the_whole_answer(hostile: Hostile, behave: Callable[[Peer], None]) -> None:
    error = fails(f"http://{hostile(behave)}/")
    assert error.layer is Layer.DEADLINE
    assert str(error) == "context deadline exceeded: no whole answer within 0.4s"


def endless_body(peer: Peer) -> None:
    peer.send(OK + b"\r\n")
    while peer.wait(0.0):
        peer.send(b"a 1\n" * 10_000)


def endless_headers(peer: Peer) -> None:
    peer.send(OK)
    while peer.wait(0.0):
        peer.send(b"X-Y: z\r\n" * 100)


def endless_header(peer: Peer) -> None:
    peer.send(OK + b"X-Y: ")
    while peer.wait(0.0):
        peer.send(b"z" * 10_000)


def short_body(peer: Peer) -> None:
    peer.send(OK + b"Content-Length: 100\r\n\r\na 1\n")


def broken_chunk(peer: Peer) -> None:
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\na 1\n\r\n0\r\n\r\n")


def missing_last_chunk(peer: Peer) -> None:
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n")


def negative_length(peer: Peer) -> None:
    peer.send(OK + b"Content-Length: -5\r\n\r\na 1\n")


def two_lengths(peer: Peer) -> None:
    peer.send(OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\na 1\n")


def no_answer(peer: Peer) -> None:
    pass


def reset(peer: Peer) -> None:
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.socket.close()


def not_http(peer: Peer) -> None:
    peer.send(b"SSH-2.0-OpenSSH_9.2\x1b[31m\r\n" + b"x" * 1000)


@pytest.mark.parametrize(
    ("behave", "layer", "reason"),
    [
        (endless_body, Layer.BODY, "limit exceeded"),
        (endless_headers, Layer.HTTP, "more than 100 headers"),
        (endless_header, Layer.HTTP, "endless line"),
        (short_body, Layer.BODY, "unexpected end"),
        (broken_chunk, Layer.BODY, "broken chunk: its size is not a number"),
        (missing_last_chunk, Layer.BODY, "unexpected end"),
        (negative_length, Layer.HTTP, 'bad Content-Length "-5"'),
        (two_lengths, Layer.HTTP, "Content-Length"),
        (no_answer, Layer.HTTP, "closed without an answer"),
        (reset, Layer.TCP, "reset"),
        (not_http, Layer.HTTP, 'it begins with "SSH-2.0'),
    ],
)
def test_faults_of_a_target_are_named(
    hostile: Hostile, behave: Callable[[Peer], None], layer: Layer, reason: str
) -> None:
    error = fails(f"http://{hostile(behave)}/")
    assert error.layer is layer
    assert reason in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 300


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


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


@pytest.fixture
def secure_address(tmp_path: Path) -> Iterator[str]:
    """Serve over TLS, with a certificate that nobody vouches for."""
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", *files],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@needs_openssl
def test_an_unknown_certificate_is_named(secure_address: str) -> None:
    error = fails(f"https://{secure_address}/")
    assert error.layer is Layer.TLS
    assert "self-signed certificate" in str(error) or "self signed certificate" in str(error)


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
        assert arrived.wait(10)
        page.cancel()
        thread.join(10)
    assert not thread.is_alive()
    assert len(failed) == 1


def test_a_page_of_this_server_is_made_in_process() -> None:
    assert LocalSource(lambda: b"a 1\n").fetch().body == b"a 1\n"


def test_a_page_of_this_server_that_fails_is_an_error_of_its_target() -> None:
    def broken() -> bytes:
        raise KeyError("oops")

    with pytest.raises(FetchError, match="page: KeyError: 'oops'"):
        LocalSource(broken).fetch()
