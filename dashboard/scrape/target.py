"""Targets: what discovery found, relabelled and checked (``scrape/target.go`` of Prometheus 3)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from dashboard.config.scrape import ScrapeConfig
from dashboard.model.duration import InvalidDurationError, format_duration, parse_duration
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelStep, relabel, relabel_steps
from dashboard.scrape.discovery import TargetGroup
from dashboard.scrape.errors import TargetError

_ADDRESS, _SCHEME, _PATH = "__address__", "__scheme__", "__metrics_path__"
_INTERVAL, _TIMEOUT = "__scrape_interval__", "__scrape_timeout__"
_OF_EVERY_TARGET = ("job", _INTERVAL, _TIMEOUT, _PATH, _SCHEME)
_META, _PARAM, _RESERVED = "__meta_", "__param_", "__"
# The signs that Go leaves as they are in a path and in a host.
_SAFE_IN_PATH, _SAFE_IN_HOST = "/$&+,:;=@", "!$&'()*+,;=:[]"

# What chooses and names the targets of a job; the rest of it says how each is scraped.
_CHOOSING = (
    "static_configs",
    "file_sd_configs",
    "http_sd_configs",
    "dns_sd_configs",
    "relabel_configs",
    "scrape_interval",
    "scrape_timeout",
    "scheme",
    "metrics_path",
    "params",
    "target_limit",
    "keep_dropped_targets",
)


@dataclass(frozen=True, slots=True)
class Target:
    """One page to scrape, and how. Durations are milliseconds.

    ``labels`` go on every series of the target; ``discovered_labels`` are what they were made from. ``config`` holds
    what all targets of the job share; interval, timeout and URL have been taken from the target's own labels, which
    told the durations in the words that people are shown.
    """

    id: str
    url: str
    address: str
    path: str
    labels: Labels
    discovered_labels: Labels
    interval: int
    timeout: int
    config: ScrapeConfig
    told_interval: str
    told_timeout: str

    @property
    def scrape_pool(self) -> str:
        """The name of the job."""
        return self.config.job_name

    @property
    def hash(self) -> int:
        """A number that spreads targets over their interval, the same in every process."""
        return int(self.id, 16)

    def is_scraped_as(self, other: Target) -> bool:
        """Say whether two targets are the same page, scraped in the same way."""
        same_job = self.config is other.config
        return self.id == other.id and (same_job or scraping(self.config) == scraping(other.config))


@dataclass(frozen=True, slots=True)
class PoolTargets:
    """The targets of one job: those to scrape, the discovered labels of those dropped, and what is wrong with others.

    Of the ``dropped_count`` dropped targets no more are kept than the job wants to.
    """

    active: tuple[Target, ...] = ()
    dropped: tuple[Labels, ...] = ()
    dropped_count: int = 0
    errors: tuple[str, ...] = ()


def scraping(job: ScrapeConfig) -> ScrapeConfig:
    """Return a job without what only chooses and names its targets: the rest says how each of them is scraped."""
    shared = ScrapeConfig(job_name="")
    return dataclasses.replace(job, **{name: getattr(shared, name) for name in _CHOOSING})


def targets_of(job: ScrapeConfig, groups: Iterable[TargetGroup]) -> PoolTargets:
    """Return the targets that groups make in a job; those that come out equal are one."""
    active: dict[str, Target] = {}
    dropped: list[Labels] = []
    errors: list[str] = []
    for discovered in (_discovered(job, target, group.labels) for group in groups for target in group.targets):
        try:
            target = _target(job, discovered)
        except TargetError as error:
            errors.append(f"{discovered.get(_ADDRESS, 'a target without an address')}: {error}")
        else:
            if target is None:
                dropped.append(Labels.of(discovered))
            else:
                active[target.id] = target
    kept = dropped[: job.keep_dropped_targets or None]
    return PoolTargets(tuple(active.values()), tuple(kept), len(dropped), tuple(errors))


def target_steps(job: ScrapeConfig, discovered: Labels) -> list[RelabelStep]:
    """Return what each relabelling rule of a job makes of the labels of a discovered target."""
    return relabel_steps(_in_order(dict(discovered)), job.relabel_configs)


def _discovered(job: ScrapeConfig, target: Mapping[str, str], shared: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a target before relabelling: its own, its group's, and the job's where those are empty."""
    given = {name: value for name, value in {**shared, **target}.items() if value}
    defaults = {
        "job": job.job_name,
        _INTERVAL: format_duration(job.scrape_interval),
        _TIMEOUT: format_duration(job.scrape_timeout),
        _PATH: job.metrics_path,
        _SCHEME: job.scheme,
        **{_PARAM + name: values[0] for name, values in job.params.items() if values},
    }
    return _in_order({name: value for name, value in {**defaults, **given}.items() if value})


def _in_order(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels as Prometheus has them before relabelling: those that every target has come last."""
    own = sorted(name for name in labels if name not in _OF_EVERY_TARGET)
    return {name: labels[name] for name in (*own, *_OF_EVERY_TARGET) if name in labels}


def _target(job: ScrapeConfig, discovered: Mapping[str, str]) -> Target | None:
    """Make a target, or ``None`` where relabelling drops it.

    Raises:
        TargetError: it could not be scraped.
    """
    relabelled = relabel(discovered, job.relabel_configs)
    if relabelled is None:
        return None
    address = _checked_address(relabelled)
    interval, timeout = _durations(relabelled)
    labels = {name: value for name, value in relabelled.items() if not name.startswith(_META)}
    labels.setdefault("instance", address)
    _check(labels)
    url = _url(job, labels)
    return Target(
        id=_id(job, labels, url),
        url=url,
        address=address,
        path=labels.get(_PATH, ""),
        labels=Labels.of({name: value for name, value in labels.items() if not name.startswith(_RESERVED)}),
        discovered_labels=Labels.of(discovered),
        interval=interval,
        timeout=timeout,
        config=job,
        told_interval=labels[_INTERVAL],
        told_timeout=labels[_TIMEOUT],
    )


def _id(job: ScrapeConfig, labels: Mapping[str, str], url: str) -> str:
    named = repr((job.job_name, sorted(labels.items()), url))
    return hashlib.blake2b(named.encode(), digest_size=8).hexdigest()


def _checked_address(labels: Mapping[str, str]) -> str:
    address = labels.get(_ADDRESS, "")
    if not address:
        raise TargetError("no address")
    if "/" in address:
        raise TargetError(f'"{address}" is not a valid hostname')
    return address


def _durations(labels: Mapping[str, str]) -> tuple[int, int]:
    """Return interval and timeout."""
    interval, timeout = _duration(labels, _INTERVAL, "interval"), _duration(labels, _TIMEOUT, "timeout")
    if timeout > interval:
        raise TargetError(
            f'scrape timeout cannot be greater than scrape interval ("{labels[_TIMEOUT]}" > "{labels[_INTERVAL]}")'
        )
    return interval, timeout


def _duration(labels: Mapping[str, str], name: str, what: str) -> int:
    try:
        duration = parse_duration(labels.get(name, ""))
    except InvalidDurationError as error:
        raise TargetError(f"error parsing scrape {what}: {error}") from error
    if duration == 0:
        raise TargetError(f"scrape {what} cannot be 0")
    return duration


def _check(labels: Mapping[str, str]) -> None:
    for name, value in labels.items():
        if not name or not _is_utf8(name):
            raise TargetError(f"invalid label name {name!r}")
        if not _is_utf8(value):
            raise TargetError(f'invalid label value for "{name}": {value!r}')


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _url(job: ScrapeConfig, labels: Mapping[str, str]) -> str:
    path = labels.get(_PATH, "")
    shown = quote(path if path.startswith("/") or not path else f"/{path}", safe=_SAFE_IN_PATH)
    query = urlencode(_params(job, labels), doseq=True)
    host = quote(labels[_ADDRESS], safe=_SAFE_IN_HOST)
    return f"{labels.get(_SCHEME, '')}://{host}{shown}" + (f"?{query}" if query else "")


def _params(job: ScrapeConfig, labels: Mapping[str, str]) -> dict[str, list[str]]:
    params = {name: list(values) for name, values in job.params.items()}
    for name, value in labels.items():
        if name.startswith(_PARAM):
            first = params.setdefault(name.removeprefix(_PARAM), [])
            first[:1] = [value]
    return dict(sorted(params.items()))
