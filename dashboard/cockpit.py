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
from dashboard.database.location import doubts
from dashboard.database.metrics import SchemaCollector
from dashboard.garbage import RECONSIDER_SECONDS, SETTLE_SECONDS, reconsider, settle
from dashboard.heaps import trim_heaps
from dashboard.migrations import MIGRATIONS
from dashboard.model.duration import format_duration
from dashboard.promql import Engine
from dashboard.reload import Loaded, Reloader, bring_into_force, load
from dashboard.retention import retention_of
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
    _doubt_place(settings)
    with ExitStack() as undo:
        sockets = bind(settings.host, settings.port)
        for sock in sockets:
            undo.callback(sock.close)
        database = Database.open(settings.data_dir, MIGRATIONS)
        undo.callback(database.close)
        if companions:
            undo.enter_context(companions)
        registry = _registry(database)
        scheduler = SteadyScheduler()
        storage = _storage(database, registry, settings, config)
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
        adopt = functools.partial(_adopt, settings=settings, storage=storage, scrape=scrape, rules=rules)
        reloader = Reloader(loaded, adopt, registry=registry, clock=wall_clock)
        ready = threading.Event()
        parts = Parts(settings, storage, engine, scrape, rules, database, reloader, registry, wall_clock, ready.is_set)
        server = Server(create_app(parts), sockets)
        server.start()
        undo.callback(server.stop, _STOP_SECONDS)
        storage.open()
        undo.callback(storage.close)
        _tell_of_expiring(storage)
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
            functools.partial(_look_after, storage),
            "interval",
            seconds=_UPKEEP_SECONDS,
            executor="upkeep",
            id="upkeep",
        )
        scheduler.add_job(settle, "interval", seconds=SETTLE_SECONDS, executor="upkeep", id="settle")
        scheduler.add_job(reconsider, "interval", seconds=RECONSIDER_SECONDS, executor="upkeep", id="reconsider")
        scheduler.resume()
        ticker.start()
        log.info("listening on %s, data in %s", server.url, settings.data_dir)
        yield Running(server.url, reloader.reload)
        log.info("stopping")


def _doubt_place(settings: Settings) -> None:
    if doubt := doubts(settings.data_dir):
        log.warning("%s: choose a local folder with --data-dir", doubt)


def _storage(database: Database, registry: CollectorRegistry, settings: Settings, config: PrometheusConfig) -> Storage:
    """Build the store, still closed, so that it reads back as many exemplars as are to be kept."""
    retention = retention_of(settings, config)
    storage = Storage(
        database,
        registry=registry,
        clock=wall_clock,
        retention=retention.longest,
        journal_interval=settings.journal_interval,
        block_length=settings.block_length,
    )
    storage.retain(retention)
    storage.limit_exemplars(config.max_exemplars)
    return storage


def _adopt(loaded: Loaded, settings: Settings, storage: Storage, scrape: ScrapeManager, rules: RuleManager) -> None:
    """Bring into force what was loaded, and what it says of retention."""
    retention = retention_of(settings, loaded.config)
    bring_into_force(loaded, storage, scrape, rules)
    storage.retain(retention)


def _look_after(storage: Storage) -> None:
    try:
        storage.upkeep(wall_clock())
    finally:
        trim_heaps()


def _tell_of_expiring(storage: Storage) -> None:
    """Say what the first upkeep will take away, while the process can still be stopped and told to keep more."""
    due = storage.expiring(wall_clock())
    if due.blocks:
        log.warning(
            "retention (%s) drops %d samples in %d blocks within %d s; to keep them, stop now and raise --retention",
            format_duration(storage.retention.age),
            due.samples,
            due.blocks,
            _UPKEEP_SECONDS,
        )


def _registry(database: Database) -> CollectorRegistry:
    """Return the registry behind ``/metrics``, with the figures of the process itself and of the database."""
    # As Prometheus, which shows no series that tells when a counter was made.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry(auto_describe=True)
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    registry.register(SchemaCollector(database))
    return registry
