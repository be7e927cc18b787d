"""The demo: six simulated apps beside the server, and a day of their history in an empty store."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from dashboard.cockpit import wall_clock
from dashboard.config.prometheus import PrometheusConfig
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.samples import SeriesBatch
from dashboard.process import run
from dashboard.settings import DEFAULT_CONFIG, default_data_dir, load_settings
from dashboard.shipped import shipped_monitoring
from dashboard.storage import Storage
from simulators.apps import APPS
from simulators.fleet import Fleet
from simulators.history import history
from simulators.model import App

log = logging.getLogger(__name__)

_DAY = 86_400_000
_STEP = 15_000
_SEED = 7
_PATIENCE = 10.0


class UnknownAppError(ValueError):
    """A name that is not one of the six apps."""

    def __init__(self, name: str) -> None:
        known = ", ".join(app.name for app in APPS)
        super().__init__(f'"{name}" is none of the demo\'s apps: {known}')


def run_demo(
    apps: Sequence[App],
    *,
    config_file: Path | None,
    data_dir: Path | None,
    port: int | None,
    browser: bool,
    exit_with_stdin: bool,
) -> None:
    """Run the server beside the simulators of these apps.

    Raises:
        ConfigError, BindError, DatabaseError, StorageError: the server cannot start.
    """
    settings = load_settings(
        config_file or _demo_config(),
        data_dir=data_dir or default_data_dir(demo=True),
        port=port,
        simulated=frozenset(app.name for app in apps),
    )
    fleet = Fleet(apps, seed=_SEED)

    def prepare(storage: Storage, config: PrometheusConfig) -> None:
        fill_history(storage, config, apps, wall_clock())
        # A first scrape that comes too early would show an app as down for a whole interval.
        fleet.wait_until_listening(_PATIENCE)

    run(settings, browser=browser, exit_with_stdin=exit_with_stdin, companions=fleet, before_scraping=prepare)


def _demo_config() -> Path:
    """Return the user's own file where there is one, else the shipped one."""
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else shipped_monitoring() / "prometheus.yml"


def simulated_apps(real: Collection[str]) -> list[App]:
    """Return the apps to simulate when those named in ``real`` are left to the user.

    Raises:
        UnknownAppError: a name is not one of ours.
    """
    names = {app.name for app in APPS}
    for name in real:
        if name not in names:
            raise UnknownAppError(name)
    return [app for app in APPS if app.name not in real]


def fill_history(storage: Storage, config: PrometheusConfig, apps: Collection[App], now: int) -> None:
    """Write a day of the apps' history into a store that is still empty."""
    if storage.stats().series:
        return
    stored = storage.import_batches(_batches(config, apps, now))
    log.info("wrote a day of history: %d samples", stored)


def _batches(config: PrometheusConfig, apps: Collection[App], now: int) -> Iterator[SeriesBatch]:
    instances = {
        job.job_name: target
        for job in config.scrape_configs
        for group in job.static_configs
        for target in group.targets
    }
    for app in apps:
        if app.name not in instances:
            continue
        # It reaches up to this moment, so that live samples join it without a gap.
        table = history(app, start_ms=now - _DAY, end_ms=now + 1, step_ms=_STEP, seed=_SEED)
        target = {"job": app.name, "instance": instances[app.name]}
        labels = [Labels.of({**series, **target}) for series in table.labels]
        yield SeriesBatch(labels, table.timestamps, table.values)
        up = Labels.of({METRIC_NAME: "up", **target})
        yield SeriesBatch([up], table.timestamps, np.ones((1, len(table.timestamps))))
