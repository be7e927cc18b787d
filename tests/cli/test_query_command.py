"""``glass query`` prints and exits as promtool does."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from click.testing import CliRunner, Result

from dashboard.cli import main

ANSWERS: dict[str, dict[str, Any]] = {
    "vector": {
        "resultType": "vector",
        "result": [
            {"metric": {"__name__": "up", "job": 'a"<b', "instance": "x"}, "value": [1700000000.12, "1"]},
            {"metric": {"__name__": "up"}, "value": [1700000000, "1e+21"]},
            {"metric": {}, "value": [1700000000, "NaN"]},
        ],
    },
    "matrix": {
        "resultType": "matrix",
        "result": [
            {"metric": {"__name__": "up", "job": "a"}, "values": [[1, "0.1"], [2.5, "+Inf"]]},
            {"metric": {"job": "b"}, "values": [[1, "1e-7"]]},
            {"metric": {"__name__": "up", "instance": "z"}, "values": [[1, "1"]]},
            {"metric": {"__name__": "down", "job": "a"}, "values": [[1, "1"]]},
        ],
    },
    "histogram": {
        "resultType": "vector",
        "result": [
            {
                "metric": {"__name__": "h"},
                "histogram": [
                    1.5,
                    {"count": "5", "sum": "2.5", "buckets": [[0, "0.5", "1", "2"], [3, "-0.0000001", "1000000", "3"]]},
                ],
            }
        ],
    },
    "order": {
        "resultType": "vector",
        "result": [{"metric": {"a": "1", "a1": "2", "A": "3", "b": "\u2028<\u00e9\x01"}, "value": [1, "-0"]}],
    },
    "empty": {"resultType": "vector", "result": []},
    "scalar": {"resultType": "scalar", "result": [1700000000.5, "123456789"]},
    "string": {"resultType": "string", "result": [1700000000, "a <b>"]},
}
FAILURES = {
    "away": (503, "no upstream\n"),
    "elsewhere": (404, "404 page not found\n"),
    "silent": (500, ""),
    "moved": (300, ""),
    "torn": (422, '{"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}}'),
}
"""Statuses and bodies, under the words of queries that are answered by them."""

MALFORMED = {
    "html": "<html>",
    "list": "[]",
    "nothing": '{"status": "success"}',
    "kind": '{"status": "success", "data": {"resultType": "none", "result": []}}',
    "null": '{"status": "success", "data": {"resultType": "vector", "result": null}}',
    "number": '{"status": "success", "data": {"resultType": "scalar", "result": [1, "one"]}}',
}
SERIES = [{"__name__": "up", "job": 'a"b'}, {"job": "c"}]
VALUES = ["a", "b c"]


class Api(http.server.BaseHTTPRequestHandler):
    """Answers a query with what is named after it, and remembers what it was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self._answer(self.path)

    def do_POST(self) -> None:
        self._answer(f"{self.path}?{self.rfile.read(int(self.headers['Content-Length'])).decode()}")

    def _answer(self, asked: str) -> None:
        self.asked.append(asked)
        data: object = next((answer for name, answer in ANSWERS.items() if f"query={name}" in asked), None)
        if "/series" in asked:
            data = SERIES
        elif "/label/" in asked:
            data = VALUES
        content = {"status": "success", "data": data}
        if data is None:
            content = {"status": "error", "errorType": "bad_data", "error": "1:1: parse error: no"}
        status, text = 200 if data is not None else 400, json.dumps(content)
        for word, answer in {**FAILURES, **{word: (200, body) for word, body in MALFORMED.items()}}.items():
            if f"query={word}" in asked:
                status, text = answer
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def api() -> Iterator[str]:
    """The address of such a server."""
    Api.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def glass(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["query", *arguments])


def parsed(asked: str) -> tuple[str, dict[str, list[str]]]:
    path, _, parameters = asked.partition("?")
    return path, parse_qs(parameters)


def commands(api: str) -> list[tuple[str, ...]]:
    """Return command lines that promtool and we both have; promtool cannot read strings, an old one no histograms."""
    window = ("--start=1", "--end=2.5")
    names = sorted(set(ANSWERS) - {"string", "histogram"})
    return [
        *(("instant", *form, "--time=1700000000", api, name) for name in names for form in ((), ("-o", "json"))),
        *(("range", *form, *window, "--step=15s", api, "matrix") for form in ((), ("--format=json",))),
        *(("series", *form, *window, "--match=up", api) for form in ((), ("-o", "json"))),
        *(("labels", *form, *window, api, "job") for form in ((), ("-o", "json"))),
        *(("instant", api, word) for word in ("broken", *FAILURES)),
        ("range", "--start=5", "--end=4", api, "matrix"),
        ("instant", "--time=yesterday", api, "vector"),
    ]


@pytest.mark.peers
def test_answers_are_printed_as_promtool_prints_them(api: str) -> None:
    """Output, errors and exit codes are the same, and so is what is asked."""
    for arguments in commands(api):
        ours = glass(*arguments)
        asked, Api.asked = Api.asked, []
        theirs = subprocess.run(["promtool", "query", *arguments], capture_output=True, text=True, check=False)
        assert (ours.stdout, ours.stderr, ours.exit_code) == (theirs.stdout, theirs.stderr, theirs.returncode)
        if any(part.startswith(("--time", "--start")) for part in arguments):
            assert [parsed(one) for one in asked] == [parsed(one) for one in Api.asked]
        Api.asked = []


def test_values_are_printed_with_their_labels_and_times(api: str) -> None:
    """The form of promtool, told here for machines that have none."""
    assert glass("instant", api, "vector").stdout == (
        'up{instance="x", job="a\\"<b"} => 1 @[1700000000.12]\n'
        "up => 1000000000000000000000 @[1700000000]\n"
        "{} => NaN @[1700000000]\n"
    )
    assert glass("range", api, "matrix").stdout == (
        '{job="b"} =>\n0.0000001 @[1]\n'
        'down{job="a"} =>\n1 @[1]\n'
        'up{job="a"} =>\n0.1 @[1]\n+Inf @[2.5]\n'
        'up{instance="z"} =>\n1 @[1]\n'
    )
    assert glass("instant", api, "empty").stdout == "\n"
    assert glass("instant", api, "scalar").stdout == "scalar: 123456789 @[1700000000.5]\n"
    assert glass("instant", api, "string").stdout == "a <b>\n"
    assert glass("series", "--match=up", api).stdout == '{__name__="up", job="a\\"b"}\n{job="c"}\n'
    assert glass("labels", api, "job").stdout == "a\nb c\n"


def test_json_is_what_the_api_gave(api: str) -> None:
    """The option may stand before or behind the command."""
    for arguments in (("-o", "json", "instant", api, "vector"), ("instant", "--format=json", api, "vector")):
        written = json.loads(glass(*arguments).stdout)
        assert [one["value"][1] for one in written] == ["1", "1000000000000000000000", "NaN"]
        assert [one["metric"] for one in written] == [one["metric"] for one in ANSWERS["vector"]["result"]]


def test_errors_end_with_one(api: str) -> None:
    """What the server says, and a server that is not there."""
    broken = glass("instant", api, "broken")
    assert (broken.stdout, broken.stderr, broken.exit_code) == ("", "query error: bad_data: 1:1: parse error: no\n", 1)
    gone = glass("instant", "http://127.0.0.1:1", "vector")
    assert gone.stderr.startswith("query error: ")
    assert gone.exit_code == 1


@pytest.mark.parametrize("word", MALFORMED)
def test_an_answer_that_is_none_of_the_api_is_an_error(api: str, word: str) -> None:
    for form in ("promql", "json"):
        done = glass("instant", "-o", form, api, word)
        assert (done.stdout, done.exit_code) == ("", 1)
        assert done.stderr.startswith("query error: bad_response: ")


def test_without_a_server_the_one_of_this_machine_is_asked(monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    monkeypatch.setattr("dashboard.settings.DEFAULT_PORT", int(api.rpartition(":")[2]))
    assert glass("instant", "scalar").stdout == glass("instant", api, "scalar").stdout
    assert glass("series", "--match=up").exit_code == 0
    assert glass("labels", "job").stdout == "a\nb c\n"
    assert "more than one" in glass("labels", api, api, "job").stderr


def test_native_histograms_are_printed(api: str) -> None:
    assert glass("instant", api, "histogram").stdout == (
        "h => Count: 5.000000, Sum: 2.500000, Buckets: [(0.5,1]:2,[-1e-07,1e+06]:3] @[1.5]\n"
    )
    assert json.loads(glass("instant", "-o", "json", api, "histogram").stdout) == ANSWERS["histogram"]["result"]


def test_the_step_of_a_range_is_as_promtool_chooses_it(api: str) -> None:
    """Without one, there are about 250 points."""
    glass("range", "--start=0", "--end=86400", api, "matrix")
    assert "step=345" in Api.asked[0]
    glass("range", "--start=0", "--end=100", api, "matrix")
    assert "step=1" in Api.asked[1]
    glass("range", "--start=0", "--end=100", "--step=1m30s", "--header", "X-Scope-OrgID=a=b", api, "matrix")
    assert "step=90" in Api.asked[2]
