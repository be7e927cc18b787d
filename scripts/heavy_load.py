"""Clients that send heavy queries back to back: the load of ``bench_load.py``, in a process of its own.

    python scripts/heavy_load.py PORT END [--clients 20] [--seconds 90]

``END`` is when the stored history ends, in milliseconds since 1970. No query is asked twice: each ends a little
earlier than the one before. What became of them is written as JSON to standard output.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import socket
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_COUNTERS = '{__name__=~".+_(total|bucket|count)",job="shop"}'
_BUCKETS = "http_request_duration_seconds_bucket"
_LIVE = '{__name__=~"app_metric_.+"}'
_PATIENCE = 150
"""Both servers give up a query after 120 seconds."""


@dataclass(frozen=True, slots=True)
class Heavy:
    """A query, and for a range query how far back it goes and its step (seconds); ``live`` ones end now."""

    query: str
    length: int = 0
    step: int = 0
    live: bool = False


QUERIES = (
    Heavy(f"sum by (__name__, instance) (rate({_COUNTERS}[5m]))", 30 * _DAY, 600),
    Heavy(_LIVE, live=True),
    Heavy(f"histogram_quantile(0.99, sum by (instance, le) (rate({_BUCKETS}[5m])))", 30 * _DAY, 300),
    Heavy(f"quantile_over_time(0.9, {_BUCKETS}[1h])", 30 * _DAY, 1800),
    Heavy(f"topk(10, {_LIVE})", 5 * _MINUTE, 5, live=True),
    Heavy("max_over_time(sum by (route) (rate(http_requests_total[5m]))[1d:5m])", 30 * _DAY, 3600),
    Heavy('{__name__=~".+",job="shop"}[1d]'),
    Heavy("http_requests_total / on (instance) group_left () http_request_duration_seconds_count", 30 * _DAY, 600),
    Heavy(f"sum by (number, handler, code) ({_LIVE}) * on (number) group_left () up", 5 * _MINUTE, 15, live=True),
    Heavy(f"topk(5, rate({_COUNTERS}[1h]))", 30 * _DAY, 1800),
    Heavy('{__name__=~".+",job="shop"}', _DAY, 15),
    Heavy(f"histogram_quantile(0.5, rate({_BUCKETS}[1h]))", 30 * _DAY, 900),
    Heavy("sum by (handler) (rate(app_metric_1_total[1m]) / rate(app_metric_2_total[1m]))", 5 * _MINUTE, 5, live=True),
    Heavy(f"stddev_over_time({_BUCKETS}[6h])", 30 * _DAY, 3600),
    Heavy('sort_desc(count by (__name__, code) ({__name__=~".+"}))', live=True),
    Heavy("rate(http_requests_total[5m])", 30 * _DAY, 300),
    Heavy("sum(avg_over_time(rate(http_requests_total[5m])[6h:1m]))", 7 * _DAY, 3600),
    Heavy('{__name__=~".+"}', _DAY, 60, live=True),
    Heavy(f"quantile by (instance) (0.5, deriv({_BUCKETS}[30m]))", 30 * _DAY, 1800),
    Heavy(f"{_LIVE} and on (__name__, number) (sum by (__name__, number) ({_LIVE}) > 0)", 5 * _MINUTE, 15, live=True),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a query; the status is 0 where no answer came before the end of the load."""

    number: int
    status: int
    seconds: float
    bytes: int


@dataclass(slots=True)
class Client:
    """One connection, and the queries that it sends until it is stopped."""

    port: int
    numbers: Iterator[int]
    end: int
    outcomes: list[Outcome] = field(default_factory=list)
    _stopped: bool = False
    _connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Send one query after the other."""
        for number in self.numbers:
            if self._stopped:
                return
            begun = time.monotonic()
            try:
                status, size = self._send(number)
            except (OSError, http.client.HTTPException):
                status, size = 0, 0
            self.outcomes.append(Outcome(number % len(QUERIES), status, time.monotonic() - begun, size))

    def stop(self) -> None:
        """Send nothing more, and wait for no answer."""
        self._stopped = True
        if self._connection and self._connection.sock:
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _send(self, number: int) -> tuple[int, int]:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        path, asked = request(QUERIES[number % len(QUERIES)], self.end / 1000 - number * _MINUTE, time.time())
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "gzip"}
        self._connection.request("POST", path, urllib.parse.urlencode(asked), headers)
        answer = self._connection.getresponse()
        size = sum(map(len, iter(lambda: answer.read(1 << 16), b"")))
        self._connection.close()
        return answer.status, size


def request(heavy: Heavy, history: float, now: float) -> tuple[str, dict[str, str]]:
    """Return path and parameters of a query; ``history`` is where those end that do not end now (seconds)."""
    end = now if heavy.live else history
    if not heavy.length:
        return "/api/v1/query", {"query": heavy.query, "time": f"{end:.3f}"}
    times = {"start": f"{end - heavy.length:.3f}", "end": f"{end:.3f}", "step": str(heavy.step)}
    return "/api/v1/query_range", {"query": heavy.query, **times}


def load(port: int, end: int, clients: int, seconds: float) -> list[Outcome]:
    """Let so many clients ask for so long."""
    numbers = itertools.count()
    every = [Client(port, numbers, end) for _ in range(clients)]
    threads = [threading.Thread(target=client.run, daemon=True) for client in every]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    for client in every:
        client.stop()
    for thread in threads:
        thread.join(10)
    return [outcome for client in every for outcome in client.outcomes]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("end", type=int)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=90)
    wanted = parser.parse_args(arguments)
    if hasattr(os, "nice"):
        # Clients elsewhere would take nothing from the server.
        os.nice(5)
    found = load(wanted.port, wanted.end, wanted.clients, wanted.seconds)
    json.dump([asdict(outcome) for outcome in found], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
