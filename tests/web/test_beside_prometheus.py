"""The real Prometheus and this server give the same answers to the same requests."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

pytestmark = pytest.mark.peers

# Nothing here depends on stored samples. Whole answers are compared, byte by byte where they are JSON.
SAME = [
    *(
        f"query?query={query}&time=1700000000.{fraction}"
        for fraction in ("0", "001", "12", "999")
        for query in (
            *("1", "0", "-0", "0.1", "1e6", "1e15", "123456789012345680", "1e20", "1e21", "1e-6", "1e-7", "5e-324"),
            *("1.7976931348623157e308", "NaN", "Inf", "-Inf", '"text"', "0x1F", "1/3"),
        )
    ),
    *(
        f"query?query=vector({number})&time=4"
        for number in (
            "1",
            "-0",
            "1e6",
            "1e15",
            "1e16",
            "1e20",
            "1e21",
            "1.5e22",
            "0.00001",
            "9.9e-6",
            "1e-6",
            "9.9e-7",
        )
    ),
    "query?query=1&time=-1.5",
    "query?query=1&time=2015-07-01T20:10:51.781Z",
    "query?query=1&time=2015-07-01T22:10:51.78%2B02:00",
    "query?query=nothing&time=4",
    "query?query=nothing[5m]&time=4",
    "query_range?query=time()/7&start=1700000000&end=1700000060&step=7.5",
    "query_range?query=vector(time())>1700000030&start=1700000000&end=1700000060&step=7500ms",
    "query_range?query=1&start=1&end=1.02&step=1ms",
    "query_range?query=nothing&start=1&end=10&step=1s",
    "query_exemplars?query=nothing",
    "query_exemplars?query=1",
    *(
        f"format_query?query={query}"
        for query in (
            "sum(rate(x{b='1',a=~'2'}[5m]))by(c)",
            "a/on(b)group_left(c)d==bool 1e3",
            "max_over_time(x[5m:1m]@start() offset 1w)",
            "sum(rate(http_requests_total{handler='/api/v1/query',instance='localhost:9090',job='api',zone='x'}[5m]))",
            "sum(a{b='cccccccccccccccccccccccccccccccccccccccccccc'})/sum(a{b='dddddddddddddddddddddddddddddddddddd'})",
        )
    ),
    "status/walreplay",
    "series?match[]=nothing",
    "labels",
    "label/job/values",
    "rules",
    "rules?type=alert",
    "alerts",
    "metadata?metric=nothing",
    "targets/metadata?metric=nothing",
]

# Their words differ from version to version; their codes and kinds do not.
REFUSED = [
    "query",
    "query?query=up{",
    "query?query=1&time=x",
    "query?query=1&timeout=x",
    "query?query=sum(1,2)",
    "query_range?query=1",
    "query_range?query=1&start=1&end=0&step=1",
    "query_range?query=1&start=1&end=2&step=0",
    "query_range?query=1&start=1&end=2&step=x",
    "query_range?query=1&start=1&end=200000&step=1",
    "query_range?query=up[5m]&start=1&end=2&step=1",
    "format_query",
    "format_query?query=up{",
    "query_exemplars",
    "query_exemplars?query=up&start=4&end=2",
    "series",
    "series?match[]={}",
    "series?match[]=up{",
    "labels?match[]=rate(up[1m])",
    "rules?type=x",
    "metadata?limit=x",
]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty Prometheus."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = (f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}")
    with subprocess.Popen(
        ["prometheus", *options, f"--web.listen-address={address}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_until_ready(f"http://{address}/-/ready")
            yield f"http://{address}/api/v1"
        finally:
            process.terminate()


def _wait_until_ready(url: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    pytest.fail("Prometheus did not get ready")


@pytest.fixture
def empty_client(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Our API with nothing stored, as the other one's."""
    parts = client.application.extensions["glass-cockpit"]
    monkeypatch.setattr(parts.storage, "label_names", lambda *_: [])
    monkeypatch.setattr(parts.storage, "label_values", lambda *_: [])
    monkeypatch.setattr(parts.rules, "groups", list)
    return client


def test_answers_are_the_same_byte_by_byte(empty_client: FlaskClient, prometheus: str) -> None:
    theirs = {request: requests.get(f"{prometheus}/{request}", timeout=10) for request in SAME}
    ours = {request: empty_client.get(f"/api/v1/{request}") for request in SAME}
    assert {request: answer.data for request, answer in ours.items()} == {
        request: answer.content for request, answer in theirs.items()
    }


def test_what_a_query_has_cost_is_told_in_the_same_fields(empty_client: FlaskClient, prometheus: str) -> None:
    request = "query?query=nothing&time=4&stats=true"
    theirs = requests.get(f"{prometheus}/{request}", timeout=10).json()["data"]["stats"]
    ours = empty_client.get(f"/api/v1/{request}").json["data"]["stats"]
    assert {part: set(told) for part, told in ours.items()} == {part: set(told) for part, told in theirs.items()}
    assert ours["samples"] == theirs["samples"]


def test_what_is_refused_is_refused_for_the_same_kind_of_reason(empty_client: FlaskClient, prometheus: str) -> None:
    theirs = {request: requests.get(f"{prometheus}/{request}", timeout=10) for request in REFUSED}
    ours = {request: empty_client.get(f"/api/v1/{request}") for request in REFUSED}
    assert {request: (answer.status_code, answer.json["errorType"]) for request, answer in ours.items()} == {
        request: (answer.status_code, answer.json()["errorType"]) for request, answer in theirs.items()
    }
