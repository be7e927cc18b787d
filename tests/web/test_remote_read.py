"""Remote read: our samples in protobuf, for the real Prometheus too."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from processes import Launcher
from processes import Server as Peer

from dashboard.remote import snappy
from dashboard.remote.protobuf import bytes_field, fields, message, signed, text, varint_field
from dashboard.web import Parts, Server, remote_read

from .conftest import NOW

Series = dict[str, list[tuple[int, float]]]
EQUAL, NOT_EQUAL, REGEX, NOT_REGEX = range(4)


def query(*matchers: tuple[int, str, str], start: int = NOW - 30_000, end: int = NOW) -> bytes:
    written = b"".join(
        bytes_field(3, varint_field(1, kind) + bytes_field(2, name.encode()) + bytes_field(3, value.encode()))
        for kind, name, value in matchers
    )
    return bytes_field(1, varint_field(1, start) + varint_field(2, end) + written)


def read(client: FlaskClient, body: bytes) -> list[Series]:
    answer = client.post("/api/v1/read", data=snappy.compress(body))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Encoding"] == "snappy"
    assert answer.mimetype == "application/x-protobuf"
    return [result(message(value)) for _, value in fields(snappy.decompress(answer.data))]


def result(body: bytes) -> Series:
    found: Series = {}
    for _, series in fields(body):
        labels, samples = [], []
        for number, value in fields(message(series)):
            parts = dict(fields(message(value)))
            if number == 1:
                labels.append(f"{text(parts[1])}={text(parts[2])}")
            else:
                samples.append((signed(parts[2]), struct.unpack("<d", message(parts[1]))[0]))
        found[",".join(labels)] = samples
    return found


def test_samples_are_given_for_each_query(client: FlaskClient) -> None:
    queue = query((EQUAL, "__name__", "queue"))
    requests_total = query((REGEX, "__name__", "requests.*"), (NOT_EQUAL, "job", "api"), start=NOW, end=NOW)
    assert read(client, queue + requests_total) == [
        {"__name__=queue,job=api": [(NOW - 30_000, 9.5), (NOW - 15_000, 9.75), (NOW, 10.0)]},
        {"__name__=requests_total,http.status=200,job=web": [(NOW, 60.0)]},
    ]


def test_what_nothing_matches_is_an_empty_result(client: FlaskClient) -> None:
    assert read(client, query((EQUAL, "__name__", "nothing"))) == [{}]
    assert read(client, query((NOT_REGEX, "__name__", ".*"))) == [{}]
    assert read(client, query((EQUAL, "__name__", "queue"), start=NOW, end=NOW - 1)) == [{}]
    assert read(client, b"") == []


def test_any_range_of_time_may_be_asked_for(client: FlaskClient) -> None:
    """Who wants everything names the first and the last time that there are."""
    (everything,) = read(client, query((EQUAL, "__name__", "queue"), start=-(2**63), end=2**63 - 1))
    assert [len(samples) for samples in everything.values()] == [41]
    assert read(client, query((EQUAL, "__name__", "queue"), start=2**63 - 1, end=-(2**63))) == [{}]


def test_external_labels_are_asked_for_and_given(client: FlaskClient, parts: Parts) -> None:
    parts.settings.config_file.write_text("global: {external_labels: {site: here, job: own}}\n")
    assert parts.reloader.reload().successful
    wanted = query((EQUAL, "__name__", "queue"), (EQUAL, "site", "here"), start=NOW)
    assert read(client, wanted) == [{"__name__=queue,job=api,site=here": [(NOW, 10.0)]}]
    assert read(client, query((EQUAL, "__name__", "queue"), (EQUAL, "site", "there"))) == [{}]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"x", "snappy: corrupt input"),
        (b"\xff\xff\xff\xff\x0f", "longer than"),
        (snappy.compress(bytes(2 << 20)), "longer than"),
        (snappy.compress(b"\x0a\x00" * 500_000), "more than 100 queries"),
        (snappy.compress(bytes_field(1, b"\x1a\x00" * 500_000)), "more than 1000 matchers"),
        (snappy.compress(b"\x0a\x05abc"), "unexpected EOF"),
        (snappy.compress(query((REGEX, "a", "("))), "error parsing regexp"),
        (snappy.compress(query((9, "a", "b"))), "invalid matcher type"),
        (snappy.compress(query((EQUAL, "a", "b")) + varint_field(2, 1)), "only SAMPLES is supported"),
    ],
)
def test_what_cannot_be_read_is_refused(client: FlaskClient, body: bytes, reason: str) -> None:
    answer = client.post("/api/v1/read", data=body)
    assert answer.status_code == 400
    assert reason in answer.text


def test_samples_are_chosen_where_both_kinds_are_accepted(client: FlaskClient) -> None:
    wanted = query((EQUAL, "__name__", "queue"), start=NOW)
    for accepted in (varint_field(2, 1) + varint_field(2, 0), bytes_field(2, b"\x01\x00")):
        assert read(client, wanted + accepted) == [{"__name__=queue,job=api": [(NOW, 10.0)]}]


def test_too_many_samples_are_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_read, "MOST_SAMPLES", 5)
    wanted = query((EQUAL, "__name__", "queue"))
    assert len(read(client, wanted)) == 1
    answer = client.post("/api/v1/read", data=snappy.compress(wanted + wanted))
    assert (answer.status_code, "more than 2 samples" in answer.text) == (400, True)


def test_one_answer_is_made_at_a_time(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one waits, and no longer than it has patience."""
    monkeypatch.setattr(remote_read, "_PATIENCE", 0.01)
    body = snappy.compress(query((EQUAL, "__name__", "queue")))
    with remote_read._MAKING:
        assert client.post("/api/v1/read", data=body).status_code == 503
    assert client.post("/api/v1/read", data=body).status_code == 200


def test_an_answer_that_nobody_waits_for_is_not_made(client: FlaskClient) -> None:
    body = snappy.compress(query((EQUAL, "__name__", "queue")))
    gone = {"waitress.client_disconnected": lambda: True}
    assert client.post("/api/v1/read", data=body, environ_overrides=gone).status_code == 499


@pytest.mark.peers
def test_the_real_prometheus_reads_our_samples(
    server: Server, parts: Parts, launcher: Launcher, tmp_path: Path
) -> None:
    """Its queries are answered from here; older ones take no label name in UTF-8, so that one series is left out."""
    parts.settings.config_file.write_text("global: {external_labels: {site: here}}\n")
    assert parts.reloader.reload().successful
    config = tmp_path / "peer.yml"
    config.write_text(
        f"remote_read: [{{url: 'http://localhost:{server.addresses[0][1]}/api/v1/read', read_recent: true}}]\n"
    )
    prometheus = launcher.prometheus(config)
    rates = _asked(prometheus, "sum by (job, site) (rate({job='api'}[5m]))")
    queue = _asked(prometheus, "queue{site='here'}")
    elsewhere = _asked(prometheus, "queue{site='there'}")
    assert rates == [({"job": "api", "site": "here"}, "2.0166666666666666")]
    assert queue == [({"__name__": "queue", "job": "api", "site": "here"}, "10")]
    assert elsewhere == []


def _asked(prometheus: Peer, expression: str) -> list[tuple[dict[str, str], str]]:
    found = prometheus.query(expression, time=NOW // 1000)
    return [(one["metric"], one["value"][1]) for one in found]
