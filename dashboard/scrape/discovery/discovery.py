"""The groups of targets of every job, now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dashboard.config.discovery import DnsSdConfig, FileSdConfig, HttpSdConfig
from dashboard.config.scrape import ScrapeConfig
from dashboard.scrape.discovery.dns import DnsProvider
from dashboard.scrape.discovery.file import FileProvider
from dashboard.scrape.discovery.group import TargetGroup
from dashboard.scrape.discovery.http import HttpProvider
from dashboard.scrape.discovery.metrics import DiscoveryMetrics
from dashboard.scrape.discovery.provider import Provider
from dashboard.scrape.discovery.runner import Runner

_Config = FileSdConfig | HttpSdConfig | DnsSdConfig
_Running = tuple[_Config, Runner]
_JOIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Discovered:
    """What is known of the targets of a job.

    ``errors`` say what cannot be looked up now; the groups are then the last good ones. Until everything was looked
    up once, the groups are not ``complete``.
    """

    groups: Sequence[TargetGroup]
    errors: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Job:
    static: tuple[TargetGroup, ...]
    runners: tuple[Runner, ...]


class Discovery:
    """Holds the groups of each job and calls back when those of one have changed.

    Each provider works in a thread of its own, and two jobs that ask for the same share one. ``on_change`` is called
    with the job's name, in the provider's thread.
    """

    def __init__(self, metrics: DiscoveryMetrics, on_change: Callable[[str], None]) -> None:
        self._metrics = metrics
        self._on_change = on_change
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._running: list[_Running] = []

    def apply(self, jobs: Sequence[ScrapeConfig]) -> None:
        """Look for the targets of these jobs from now on; what is looked up already goes on. This does not wait."""
        with self._lock:
            before = self._running
            self._running = [
                (config, _runner_of(before, config) or self._new(config))
                for config in _distinct(config for job in jobs for config in _configs(job))
            ]
            self._tell_gone({job.job_name for job in jobs})
            self._jobs = {job.job_name: self._job(job) for job in jobs}
            now = self._running
        for _, runner in _without(before, now):
            runner.stop()
        for _, runner in _without(now, before):
            runner.start()

    def discovered(self, job: str) -> Discovered:
        """Return what is known of a job; nothing of one that is not known."""
        known = self._jobs.get(job)
        if known is None:
            return Discovered(())
        found = [runner.findings for runner in known.runners]
        ended = [findings for findings in found if findings is not None]
        groups = [*known.static, *(group for findings in ended for group in findings.groups)]
        self._metrics.discovered.labels("scrape", job).set(sum(len(group.targets) for group in groups))
        return Discovered(
            groups, tuple(error for findings in ended for error in findings.errors), len(ended) == len(found)
        )

    def stop(self) -> None:
        """Look no more, and wait for a moment until all threads have ended."""
        running = self._running
        self.apply(())
        for _, runner in running:
            runner.join(_JOIN_SECONDS)

    def _job(self, job: ScrapeConfig) -> _Job:
        runners = (_runner_of(self._running, config) for config in _configs(job))
        return _Job(tuple(map(TargetGroup.of, job.static_configs)), tuple(filter(None, runners)))

    def _new(self, config: _Config) -> Runner:
        return Runner(self._provider(config), self._publish, self._metrics)

    def _provider(self, config: _Config) -> Provider:
        if isinstance(config, FileSdConfig):
            return FileProvider(config, self._metrics)
        if isinstance(config, HttpSdConfig):
            return HttpProvider(config, self._metrics)
        return DnsProvider(config, self._metrics)

    def _publish(self, runner: Runner) -> None:
        for name, job in list(self._jobs.items()):
            if runner in job.runners:
                self._metrics.updates.labels("scrape").inc()
                self._on_change(name)

    def _tell_gone(self, names: set[str]) -> None:
        for gone in self._jobs.keys() - names:
            self._metrics.discovered.remove("scrape", gone)


def _configs(job: ScrapeConfig) -> tuple[_Config, ...]:
    return (*job.file_sd_configs, *job.http_sd_configs, *job.dns_sd_configs)


def _distinct(configs: Iterable[_Config]) -> list[_Config]:
    # Compared and not hashed: headers and parameters are mappings.
    distinct: list[_Config] = []
    for config in configs:
        if config not in distinct:
            distinct.append(config)
    return distinct


def _runner_of(running: Sequence[_Running], config: _Config) -> Runner | None:
    return next((runner for other, runner in running if other == config), None)


def _without(running: Sequence[_Running], others: Sequence[_Running]) -> list[_Running]:
    kept = [runner for _, runner in others]
    return [(config, runner) for config, runner in running if runner not in kept]
