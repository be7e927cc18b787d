"""Targets: what a scrape configuration's entries become (``scrape/target.go`` of Prometheus)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import PrometheusConfig, ScrapeConfig
from dashboard.model.duration import InvalidDurationError, format_duration, parse_duration
from dashboard.model.labels import Labels

_PARAM = "__param_"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """One page to scrape, and how. Durations are milliseconds; a limit of 0 stands for none of its own.

    ``labels`` go on every series of the target; ``discovered_labels`` are what they were made from. ``id`` stays the
    same as long as labels and URL do.
    """

    id: str
    scrape_pool: str
    url: str
    address: str
    path: str
    labels: Labels
    discovered_labels: Labels
    interval: int
    timeout: int
    honor_labels: bool
    honor_timestamps: bool
    sample_limit: int
    body_size_limit: int

    @property
    def hash(self) -> int:
        """A number that spreads targets over their interval, the same in every process."""
        return int(self.id, 16)


def targets_of(config: PrometheusConfig) -> list[Target]:
    """Return every target of a configuration once, in its order.

    Raises:
        ConfigError: a label such as ``__scheme__`` makes a target that cannot be scraped.
    """
    found: dict[str, Target] = {}
    for job in config.scrape_configs:
        for group in job.static_configs:
            for address in group.targets:
                target = _target(config.file, job, {**group.labels, "__address__": address})
                found.setdefault(target.id, target)
    return list(found.values())


def _target(file: Path, job: ScrapeConfig, given: Mapping[str, str]) -> Target:
    discovered = _discovered(job, given)
    scheme, path = discovered["__scheme__"], discovered["__metrics_path__"]
    if scheme not in _PORTS:
        raise ConfigError(file, f'invalid scheme "{scheme}"', f'job "{job.job_name}"')
    address = _with_port(discovered["__address__"], scheme)
    labels = {name: value for name, value in discovered.items() if not name.startswith("__")}
    labels.setdefault("instance", address)
    public = Labels.of(labels)
    url = _url(scheme, address, path, _params(job, discovered))
    return Target(
        id=hashlib.blake2b(f"{public}\n{url}".encode(), digest_size=8).hexdigest(),
        scrape_pool=job.job_name,
        url=url,
        address=address,
        path=path,
        labels=public,
        discovered_labels=Labels.of(discovered),
        interval=_duration(file, job, discovered, "__scrape_interval__"),
        timeout=_duration(file, job, discovered, "__scrape_timeout__"),
        honor_labels=job.honor_labels,
        honor_timestamps=job.honor_timestamps,
        sample_limit=job.sample_limit,
        body_size_limit=job.body_size_limit,
    )


def _discovered(job: ScrapeConfig, given: Mapping[str, str]) -> dict[str, str]:
    defaults = {
        "job": job.job_name,
        "__scheme__": job.scheme,
        "__metrics_path__": job.metrics_path,
        "__scrape_interval__": format_duration(job.scrape_interval),
        "__scrape_timeout__": format_duration(job.scrape_timeout),
    }
    params = {_PARAM + name: values[0] for name, values in job.params.items() if values}
    return defaults | {name: value for name, value in given.items() if value} | params


def _duration(file: Path, job: ScrapeConfig, discovered: Mapping[str, str], name: str) -> int:
    try:
        duration = parse_duration(discovered[name])
    except InvalidDurationError as error:
        raise ConfigError(file, str(error), f'job "{job.job_name}": {name}') from error
    if duration == 0:
        raise ConfigError(file, "must not be 0", f'job "{job.job_name}": {name}')
    return duration


def _params(job: ScrapeConfig, discovered: Mapping[str, str]) -> dict[str, list[str]]:
    params = {name: list(values) for name, values in job.params.items()}
    for name, value in discovered.items():
        if name.startswith(_PARAM):
            params.setdefault(name.removeprefix(_PARAM), [""])[0] = value
    return dict(sorted(params.items()))


def _with_port(address: str, scheme: str) -> str:
    bare = ":" not in address or address.endswith("]")
    return f"{address}:{_PORTS[scheme]}" if bare else address


def _url(scheme: str, address: str, path: str, params: Mapping[str, list[str]]) -> str:
    # The signs that Go leaves as they are in a path.
    shown = quote(path if path.startswith("/") else f"/{path}", safe="/$&+,:;=@")
    query = urlencode(params, doseq=True)
    return f"{scheme}://{address}{shown}" + (f"?{query}" if query else "")
