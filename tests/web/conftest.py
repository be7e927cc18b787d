"""The web server's application over real parts: a store, an engine, targets and rules in a temporary directory."""

import functools
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from dashboard.database import Database
from dashboard.model.labels import Labels
from dashboard.promql import Engine
from dashboard.reload import Reloader, bring_into_force, load
from dashboard.rules.manager import RuleManager
from dashboard.rules.migrations import migrations as rules_migrations
from dashboard.scrape import ScrapeManager, Ticker
from dashboard.settings import Settings
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations as storage_migrations
from dashboard.web import Parts, Server, bind, create_app

NOW = 1_700_000_000_000
RULES = """
groups:
- name: shop
  interval: 30s
  limit: 10
  rules:
  - record: job:requests:rate1m
    expr: sum by (job) (rate(requests_total[1m]))
    labels: {team: shop}
  - alert: QueueLong
    expr: queue > 5
    for: 1m
    keep_firing_for: 2m
    labels: {severity: page}
    annotations: {summary: "{{ $value }} jobs wait"}
- name: calm
  rules:
  - alert: Never
    expr: queue > 1e9
"""


class Clock:
    """Milliseconds that stand still until a test moves them."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Page(BaseHTTPRequestHandler):
    """A target with one metric family."""

    def do_GET(self) -> None:
        body = b"# HELP queue Jobs that wait.\n# TYPE queue gauge\nqueue 3\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture(scope="session")
def target() -> Iterator[str]:
    """The address of a server with a page to scrape."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def parts(tmp_path: Path, clock: Clock, target: str) -> Iterator[Parts]:
    """Real parts with ten minutes of samples; nothing is scheduled, tests scrape and evaluate by hand."""
    config_file = tmp_path / "prometheus.yml"
    (tmp_path / "rules.yml").write_text(RULES)
    config_file.write_text(
        "rule_files: [rules.yml]\n"
        "scrape_configs:\n"
        f"- job_name: shop\n  static_configs: [{{targets: ['{target}'], labels: {{zone: a}}}}]\n"
        "- job_name: gone\n  static_configs: [{targets: ['127.0.0.1:1']}]\n"
    )
    registry = CollectorRegistry()
    with ExitStack() as undo:
        database = Database.open(tmp_path / "data", [storage_migrations, rules_migrations])
        undo.callback(database.close)
        storage = Storage(database, registry=registry, clock=clock, retention=30 * 86_400_000, journal_interval=20)
        storage.open()
        undo.callback(storage.close)
        scheduler = BackgroundScheduler(executors={"rules": ThreadPoolExecutor(1)}, timezone=UTC)
        engine = Engine(storage, registry=registry)
        scrape = ScrapeManager(
            storage, Ticker(), registry=registry, clock=clock, local_pages={}, local_addresses=frozenset()
        )
        undo.callback(scrape.stop)
        rules = RuleManager(engine, storage, database, scheduler, registry=registry, clock=clock)
        undo.callback(rules.stop)
        fill(storage)
        adopt = functools.partial(bring_into_force, storage=storage, scrape=scrape, rules=rules)
        loaded = load(config_file)
        adopt(loaded)
        reloader = Reloader(loaded, adopt, registry=registry, clock=clock)
        settings = Settings(config_file=config_file, data_dir=tmp_path / "data", allowed_hosts=("box.lan",))
        yield Parts(settings, storage, engine, scrape, rules, database, reloader, registry, clock, lambda: True)


def fill(storage: Storage) -> None:
    """Store ``requests_total`` of two jobs, and ``queue`` of one, every 15 s until NOW."""
    labels = [
        Labels.of({"__name__": "requests_total", "job": "api", "path": 'a"b\\c\n'}),
        Labels.of({"__name__": "requests_total", "job": "web", "http.status": "200"}),
        Labels.of({"__name__": "queue", "job": "api"}),
    ]
    series = np.array([storage.series_id(one) for one in labels], dtype=np.int64)
    appender = storage.appender()
    for step in range(41):
        appender.append(NOW - 600_000 + step * 15_000, series, np.array([step * 30.0, step * 1.5, step / 4]))
    storage.flush()


@pytest.fixture
def app(parts: Parts) -> Flask:
    return create_app(parts)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    """The same application behind real sockets."""
    running = Server(app, bind("localhost", 0))
    running.start()
    yield running
    running.stop(5.0)
