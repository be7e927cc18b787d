"""Reload: every file is read anew, and either all of it comes into force or nothing does.

A file that changes is noticed by its content, once a second: so a copy of the same bytes reloads nothing, and a drive
that tells nobody of changes will do. The files are few and small; reading them takes a fraction of a millisecond.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from dashboard.config.errors import ConfigError
from dashboard.config.globs import matching
from dashboard.config.prometheus import PrometheusConfig, load_prometheus_config
from dashboard.config.rules import RuleFile, load_rule_file
from dashboard.rules import RuleManager
from dashboard.scrape import ScrapeManager
from dashboard.storage import Storage

log = logging.getLogger(__name__)

_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that the files say."""

    config: PrometheusConfig
    rule_files: tuple[RuleFile, ...]


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """How the last reload went. ``at`` is when the files in force were read, in milliseconds since 1970."""

    at: int
    error: str = ""

    @property
    def successful(self) -> bool:
        """Whether what is in force is what the files say."""
        return not self.error


def load(file: Path) -> Loaded:
    """Read a ``prometheus.yml`` and the rule files that it names.

    Raises:
        ConfigError: a file cannot be used.
    """
    config = load_prometheus_config(file)
    return Loaded(config, tuple(load_rule_file(rules) for rules in config.rule_files))


def bring_into_force(loaded: Loaded, storage: Storage, scrape: ScrapeManager, rules: RuleManager) -> None:
    """Scrape, store and evaluate what was loaded; whatever can be refused is refused before anything has changed.

    Raises:
        ConfigError: an expression or a template of a rule is not valid.
    """
    config = loaded.config
    for warning in config.warnings:
        log.warning("%s: %s", config.file, warning)
    prepared = rules.prepare(loaded.rule_files, config.global_config.evaluation_interval, config.external_labels)
    storage.limit_exemplars(config.max_exemplars)
    scrape.apply(config)
    rules.adopt(prepared)


class Reloader:
    """Knows what is in force, and reads it anew when it is asked to or a file has changed.

    ``adopt`` brings into force what was loaded; a ConfigError out of it must leave everything as it was. At most one
    reload runs at a time.
    """

    def __init__(
        self,
        loaded: Loaded,
        adopt: Callable[[Loaded], None],
        *,
        registry: CollectorRegistry,
        clock: Callable[[], int],
    ) -> None:
        self.loaded = loaded
        self.status = ReloadStatus(clock())
        self._adopt = adopt
        self._clock = clock
        self._seen = _fingerprint(loaded.config)
        self._reloading = threading.Lock()
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="reload", daemon=True)
        _show(registry, self)

    def start(self) -> None:
        """Watch the files."""
        self._watcher.start()

    def stop(self) -> None:
        """Watch them no longer; a reload that runs is waited for."""
        self._stop.set()
        self._watcher.join()

    def reload(self) -> ReloadStatus:
        """Read all files and bring them into force; where one is broken, what was in force stays."""
        with self._reloading:
            before, seen = self.loaded.config, _fingerprint(self.loaded.config)
            try:
                loaded = load(before.file)
                self._adopt(loaded)
            except ConfigError as error:
                self._refuse(str(error))
            except Exception as error:  # A fault of ours in here must not end the thread that asked.
                log.exception("the reload failed")
                self._refuse(f"{type(error).__name__}: {error}")
            else:
                self.loaded, self.status = loaded, ReloadStatus(self._clock())
                log.info("%s was reloaded", before.file)
            # What changes while it is read is to be seen as changed afterwards.
            same_sources = _sources(before) == _sources(self.loaded.config)
            self._seen = seen if same_sources else _fingerprint(self.loaded.config)
            return self.status

    def look(self) -> None:
        """Reload if a file has changed."""
        # A file that is broken may name others that are not known of yet: so it is tried again.
        if self.status.error or _fingerprint(self.loaded.config) != self._seen:
            self.reload()

    def _refuse(self, error: str) -> None:
        if error != self.status.error:
            log.error("the files cannot be reloaded, what ran goes on: %s", error)
        self.status = dataclasses.replace(self.status, error=error)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_EVERY):
            self.look()


def _sources(config: PrometheusConfig) -> tuple[str, ...]:
    """Return the files and patterns that a configuration was read from."""
    return (*map(str, config.files), *config.watched)


def _fingerprint(config: PrometheusConfig) -> bytes:
    """Digest names and contents of all the files that a configuration is made of, and those that match its patterns."""
    digest = hashlib.blake2b()
    matched = (file for pattern in config.watched for file in matching(pattern))
    for file in sorted({*config.files, *matched}):
        digest.update(f"\0{file}\0".encode())
        digest.update(_content(file))
    return digest.digest()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        return str(error).encode()


def _show(registry: CollectorRegistry, reloader: Reloader) -> None:
    """Show on ``/metrics`` how the last reload went, as Prometheus does (cmd/prometheus/main.go)."""
    successful = Gauge(
        "prometheus_config_last_reload_successful",
        "Whether the last configuration reload attempt was successful.",
        registry=registry,
    )
    successful.set_function(lambda: reloader.status.successful)
    at = Gauge(
        "prometheus_config_last_reload_success_timestamp_seconds",
        "Timestamp of the last successful configuration reload.",
        registry=registry,
    )
    at.set_function(lambda: reloader.status.at / 1000)
