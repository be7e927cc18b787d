"""Whatever a target does, its scrape fails with an error that names the layer, in time, and no other target notices."""

from __future__ import annotations

import gzip
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard
from prometheus_client import CollectorRegistry

from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.scrape import ScrapeConfig
from dashboard.scrape import ScrapeManager, Ticker
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.fetch import HttpSource

from .conftest import FakeStorage, Hostile, Peer, Site

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
LIMIT = 1_000_000


def chunked(*chunks: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks)


def sized(body: bytes, *headers: bytes) -> bytes:
    return OK + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


GZIP, ZSTD = b"Content-Encoding: gzip", b"Content-Encoding: zstd"
ZEROS = bytes(70_000_000)
GZIP_BOMB, ZSTD_BOMB = gzip.compress(ZEROS, 1), zstandard.compress(ZEROS)
PAGE = gzip.compress(b"a 1\n")
EMPTY_BLOCK = b"\0\0\0\xff\xff"


def says(answer: bytes) -> Callable[[Peer], None]:
    """Answer like that, and hang up."""
    return lambda peer: peer.send(answer)


def drips(begin: bytes, drop: bytes) -> Callable[[Peer], None]:
    """Begin an answer, and go on a little every now and then, for ever."""

    def behave(peer: Peer) -> None:
        peer.send(begin)
        while peer.wait(0.02):
            peer.send(drop)

    return behave


def floods(begin: bytes, flood: bytes) -> Callable[[Peer], None]:
    """Begin an answer, and go on as fast as it is taken, for ever."""

    def behave(peer: Peer) -> None:
        peer.send(begin)
        while peer.wait(0.0):
            peer.send(flood)

    return behave


def resets(peer: Peer) -> None:
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.socket.close()


class Fault(NamedTuple):
    """What a target does, and what its scrape says of it."""

    behave: Callable[[Peer], None]
    layer: Layer
    reason: str


LATE = "no whole answer within"
TOO_LARGE = "body size limit exceeded"

FAULTS = {
    "hang": Fault(lambda peer: peer.wait() or None, Layer.DEADLINE, LATE),
    "drip status": Fault(drips(b"HTTP/1.1 2", b"0"), Layer.DEADLINE, LATE),
    "drip headers": Fault(drips(OK, b"X"), Layer.DEADLINE, LATE),
    "drip body": Fault(drips(OK + b"Content-Length: 100000\r\n\r\n", b"a"), Layer.DEADLINE, LATE),
    "drip chunks": Fault(drips(chunked(), b"1\r\na\r\n"), Layer.DEADLINE, LATE),
    "drip trailers": Fault(drips(chunked(b"4\r\na 1\n\r\n0\r\n"), b"X: y\r\n"), Layer.DEADLINE, LATE),
    "drip interim answers": Fault(drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), Layer.DEADLINE, LATE),
    "endless interim answers": Fault(floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), Layer.HTTP, "interim answers"),
    "endless headers": Fault(floods(OK, b"X-Y: z\r\n" * 100), Layer.HTTP, "more than 100 headers"),
    "101 headers": Fault(says(OK + b"A: b\r\n" * 100 + b"\r\n"), Layer.HTTP, "more than 100 headers"),
    "endless header": Fault(floods(OK + b"X-Y: ", b"z" * 10_000), Layer.HTTP, "an endless line"),
    "endless trailers": Fault(floods(chunked(b"0\r\n"), b"X: y\r\n" * 100), Layer.BODY, "more than 100 trailers"),
    "endless body": Fault(floods(OK + b"\r\n", b"a 1\n" * 10_000), Layer.BODY, TOO_LARGE),
    "endless chunk": Fault(floods(chunked(b"ffffffffffff\r\n"), b"a 1\n" * 10_000), Layer.BODY, TOO_LARGE),
    "negative chunk": Fault(floods(chunked(b"-1\r\n"), b"a 1\n" * 10_000), Layer.BODY, "its size is not a number"),
    "endless size of a chunk": Fault(floods(chunked(), b"0" * 10_000), Layer.HTTP, "an endless line"),
    "gzip bomb": Fault(says(sized(GZIP_BOMB, GZIP)), Layer.BODY, TOO_LARGE),
    "zstd bomb": Fault(says(sized(ZSTD_BOMB, ZSTD)), Layer.BODY, TOO_LARGE),
    "gzip that never says anything": Fault(
        floods(OK + GZIP + b"\r\n\r\n" + PAGE[:10], EMPTY_BLOCK * 5000), Layer.BODY, TOO_LARGE
    ),
    "gzip within gzip": Fault(
        says(sized(gzip.compress(GZIP_BOMB), b"Content-Encoding: gzip, gzip")),
        Layer.BODY,
        "unsupported Content-Encoding",
    ),
    "two encodings": Fault(says(sized(GZIP_BOMB, GZIP, GZIP)), Layer.BODY, 'Content-Encoding "gzip, gzip"'),
    "truncated gzip": Fault(says(sized(PAGE[:-4], GZIP)), Layer.BODY, "gzip: unexpected end"),
    "junk after gzip": Fault(says(sized(PAGE + b"junk", GZIP)), Layer.BODY, "gzip: "),
    "no gzip at all": Fault(says(sized(b"a 1\n", GZIP)), Layer.BODY, "gzip: "),
    "truncated zstd": Fault(says(sized(zstandard.compress(b"a 1\n")[:-2], ZSTD)), Layer.BODY, "zstd: unexpected end"),
    "junk after zstd": Fault(says(sized(zstandard.compress(b"a 1\n") + b"junk", ZSTD)), Layer.BODY, "zstd "),
    "bomb in a redirect loop": Fault(
        says(b"HTTP/1.1 302 Found\r\nLocation: /\r\n" + GZIP + b"\r\n\r\n" + GZIP_BOMB), Layer.HTTP, "10 redirects"
    ),
    "redirect to a file": Fault(
        says(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"), Layer.URL, "only http and https"
    ),
    "redirect nowhere": Fault(says(b"HTTP/1.1 302 Found\r\n\r\n"), Layer.HTTP, "missing Location"),
    "short body": Fault(says(OK + b"Content-Length: 100\r\n\r\na 1\n"), Layer.BODY, "unexpected end"),
    "broken chunk": Fault(says(chunked(b"zz\r\na 1\n\r\n0\r\n\r\n")), Layer.BODY, "its size is not a number"),
    "chunk that is longer than it says": Fault(says(chunked(b"2\r\na 1\n\r\n")), Layer.BODY, "longer than announced"),
    "no last chunk": Fault(says(chunked(b"4\r\na 1\n\r\n")), Layer.BODY, "unexpected end"),
    "negative length": Fault(says(OK + b"Content-Length: -5\r\n\r\na 1\n"), Layer.HTTP, 'bad Content-Length "-5"'),
    "length with a sign": Fault(says(OK + b"Content-Length: +4\r\n\r\na 1\n"), Layer.HTTP, "bad Content-Length"),
    "two lengths": Fault(
        says(OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\na 1\n"), Layer.HTTP, 'bad Content-Length "4, 5"'
    ),
    "another transfer encoding": Fault(says(OK + b"Transfer-Encoding: gzip\r\n\r\n"), Layer.HTTP, "Transfer-Encoding"),
    "status 204": Fault(says(b"HTTP/1.1 204 No Content\r\n\r\n"), Layer.HTTP, "HTTP status 204 No Content"),
    "status 206": Fault(says(b"HTTP/1.1 206 Part\r\nContent-Length: 4\r\n\r\na 1\n"), Layer.HTTP, "HTTP status 206"),
    "no answer": Fault(lambda _: None, Layer.HTTP, "closed without an answer"),
    "half a head": Fault(says(OK), Layer.HTTP, "ends among its headers"),
    "reset": Fault(resets, Layer.TCP, "connection reset by peer"),
    "not HTTP": Fault(says(b"SSH-2.0-x\x1b[31m\r\n" + b"x" * 1000), Layer.HTTP, 'it begins with "SSH-2.0-x'),
    "no header": Fault(says(OK + b"not a header\r\n\r\n"), Layer.HTTP, "a line among the headers is not one"),
}


def source(url: str, timeout: float) -> HttpSource:
    return HttpSource(url, timeout, ScrapeConfig(job_name="a", body_size_limit=LIMIT))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_layer(hostile: Hostile, name: str) -> None:
    fault = FAULTS[name]
    page = source(f"http://{hostile(fault.behave)}/", 0.2 if fault.layer is Layer.DEADLINE else 20)
    with pytest.raises(FetchError) as caught:
        page.fetch()
    page.close()
    assert caught.value.layer is fault.layer
    assert fault.reason in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.fixture
def never_accepting() -> Iterator[str]:
    """Give the address of a server that lets connections wait."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_all_faults_at_once_harm_nobody_else(
    hostile: Hostile, never_accepting: str, site: Site, storage: FakeStorage, tmp_path: Path
) -> None:
    """The good target among them is up at every scrape, and the memory stays within bounds."""
    site.serve(b"a 1\n")
    targets = {name: (f"http://{hostile(fault.behave)}", fault) for name, fault in FAULTS.items()}
    nothing = Fault(lambda _: None, Layer.DEADLINE, LATE)
    targets["never accepts"] = (f"http://{never_accepting}", nothing)
    targets["TLS to a plain server"] = (f"https://{site.address}", nothing._replace(layer=Layer.TLS, reason=""))
    targets["no such name"] = ("http://a..b:80", nothing._replace(layer=Layer.URL, reason="the host is not a name"))
    pace = "scrape_interval: 1s, scrape_timeout: 1s"
    jobs = [f"- {{job_name: good, {pace}, static_configs: [{{targets: ['{site.address}']}}]}}"]
    for name, (url, _) in targets.items():
        scheme, address = url.split("://")
        jobs.append(f"- {{job_name: '{name}', scheme: {scheme}, static_configs: [{{targets: ['{address}']}}]}}")
    file = tmp_path / "prometheus.yml"
    head = "global: {scrape_interval: 2s, scrape_timeout: 500ms, body_size_limit: 8MB}\nscrape_configs:\n"
    file.write_text(head + "\n".join(jobs), encoding="utf-8")
    ticker = Ticker()
    manager = ScrapeManager(
        storage,
        ticker,
        registry=CollectorRegistry(),
        clock=lambda: time.time_ns() // 1_000_000,
        local_pages={},
        local_addresses=(),
    )
    before = peak_memory()
    try:
        manager.apply(load_prometheus_config(file))
        ticker.start()
        wait_for(lambda: all(count(storage, name) >= 2 for name in targets) and count(storage, "good") >= 4)
    finally:
        manager.stop()
        ticker.stop()
    assert set(ups(storage, "good")) == {1.0}
    assert {value for name in targets for value in ups(storage, name)} == {0.0}
    assert peak_memory() - before < 300 << 20
    wait_for(lambda: not busy())


def ups(storage: FakeStorage, job: str) -> list[float]:
    """Return every stored value of a job's ``up``."""
    return [
        value
        for _, row in list(storage.rows)
        for series, value in row.items()
        if series.startswith("up{") and f'job="{job}"' in series
    ]


def count(storage: FakeStorage, job: str) -> int:
    return len(ups(storage, job))


def peak_memory() -> int:
    """Return the most bytes that this process has held, 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def busy() -> list[str]:
    """Return the threads of the scrape pool that have not ended; after a stop there should be none."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("scrape-")]
