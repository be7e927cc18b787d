"""The place to read first: builds the parts, joins them, starts them, and stops them backwards."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    disable_created_metrics,
)

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import PrometheusConfig
from dashboard.database import Database, DatabaseError
from dashboard.database.metrics import SchemaCollector
from dashboard.migrations import MIGRATIONS
from dashboard.promql import Engine
from dashboard.reload import Reloader, bring_into_force, load
from dashboard.rules import RuleManager
from dashboard.scheduling import SteadyScheduler
from dashboard.scrape import ScrapeManager, Ticker, host_page
from dashboard.settings import LOCAL_ADDRESSES, Settings
from dashboard.storage import Storage, StorageError
from dashboard.web import BindError, Parts, Server, bind, create_app, metrics_page

log = logging.getLogger(__name__)

STARTING_ERRORS = (ConfigError, BindError, DatabaseError, StorageError)
"""What a user can mend: each says in one line what is wrong."""

_UPKEEP_SECONDS = 60
_STOP_SECONDS = 3.0
_RULE_QUERIES = 4


def wall_clock() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Running:
    """The server while it runs: where it is reached, and how its files are read anew."""

    url: str
    reload: Callable[[], object]


@contextmanager
def running(
    settings: Settings,
    *,
    companions: AbstractContextManager[object] | None = None,
    before_scraping: Callable[[Storage, PrometheusConfig], None] | None = None,
) -> Iterator[Running]:
    """Run the whole server for as long as the context lasts.

    ``companions`` are entered once port and data are ours, and left after the last scrape. ``before_scraping`` is
    called once the store is open; the demo fills an empty one with a day of history there.

    Raises:
        ConfigError: a file cannot be used.
        BindError: the address cannot be had.
        DatabaseError: the data directory is in use, or holds what this version cannot read.
        StorageError: what is stored is damaged, or the history of the demo cannot be stored.
    """
    loaded = load(settings.config_file)
    config = loaded.config
    with ExitStack() as undo:
        sockets = bind(settings.host, settings.port)
        for sock in sockets:
            undo.callback(sock.close)
        database = Database.open(settings.data_dir, MIGRATIONS)
        undo.callback(database.close)
        if companions:
            undo.enter_context(companions)
        registry = _registry()
        registry.register(SchemaCollector(database))
        scheduler = SteadyScheduler()
        storage = Storage(
            database,
            registry=registry,
            clock=wall_clock,
            retention=settings.retention,
            journal_interval=settings.journal_interval,
        )
        # Before it is opened, so that as many are read as are to be kept.
        storage.limit_exemplars(config.max_exemplars)
        interval = config.global_config.evaluation_interval
        engine = Engine(storage, registry=registry, default_step=interval)
        ticker = Ticker()
        scrape = ScrapeManager(
            storage,
            ticker,
            registry=registry,
            clock=wall_clock,
            local_pages={"/metrics": lambda: metrics_page(registry), "/host/metrics": host_page},
            local_addresses=LOCAL_ADDRESSES,
        )
        rules = RuleManager(
            engine.lane(_RULE_QUERIES),
            storage,
            database,
            scheduler,
            registry=registry,
            clock=wall_clock,
        )
        adopt = functools.partial(bring_into_force, storage=storage, scrape=scrape, rules=rules)
        reloader = Reloader(loaded, adopt, registry=registry, clock=wall_clock)
        ready = threading.Event()
        parts = Parts(settings, storage, engine, scrape, rules, database, reloader, registry, wall_clock, ready.is_set)
        server = Server(create_app(parts), sockets)
        server.start()
        undo.callback(server.stop, _STOP_SECONDS)
        storage.open()
        undo.callback(storage.close)
        if before_scraping:
            before_scraping(storage, config)
        scheduler.start(paused=True)
        undo.callback(scheduler.shutdown, wait=False)
        undo.callback(rules.stop)
        undo.callback(ticker.stop)
        undo.callback(scrape.stop)
        adopt(loaded)
        reloader.start()
        undo.callback(reloader.stop)
        ready.set()
        # Who asks while the parts are being stopped is told to come back, not that something broke.
        undo.callback(ready.clear)
        scheduler.add_job(
            lambda: storage.upkeep(wall_clock()), "interval", seconds=_UPKEEP_SECONDS, executor="upkeep", id="upkeep"
        )
        scheduler.resume()
        ticker.start()
        log.info("listening on %s, data in %s", server.url, settings.data_dir)
        yield Running(server.url, reloader.reload)
        log.info("stopping")


def _registry() -> CollectorRegistry:
    """Return the registry behind ``/metrics``, with the figures of the process itself."""
    # As Prometheus, which shows no series that tells when a counter was made.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry(auto_describe=True)
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    return registry
