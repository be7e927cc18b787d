"""The page of the targets, by scrape pool."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.config.prometheus import PrometheusConfig
from dashboard.model.duration import format_duration
from dashboard.model.labels import Labels
from dashboard.reload import ReloadStatus
from dashboard.scrape.status import ScrapePool, TargetHealth, TargetStatus
from dashboard.web import urls
from dashboard.web.views import text
from dashboard.web.views.local import is_local, own_path
from dashboard.web.views.queries import selector_like

MOST_TARGETS = 1000
"""How many targets are shown at once, and how many of those that were dropped."""

# The series that a scrape adds to what the target tells.
_ADDED = "up|scrape_.+"
_LEVELS = {TargetHealth.UP: "ok", TargetHealth.DOWN: "bad", TargetHealth.UNKNOWN: "unknown"}
_STATES = {TargetHealth.UP: "up", TargetHealth.DOWN: "down", TargetHealth.UNKNOWN: "waiting"}


class StateFilter(enum.Enum):
    """Which targets are shown; the value is what the address says."""

    ALL = ""
    UP = "up"
    DOWN = "down"
    WAITING = "waiting"
    DROPPED = "dropped"

    @classmethod
    def named(cls, word: str) -> StateFilter:
        """Return the filter of that name, or the one that shows all."""
        return next((state for state in cls if state.value == word), cls.ALL)

    def shows(self, target: TargetStatus) -> bool:
        """Say whether a target that is scraped is shown."""
        return self is StateFilter.ALL or _STATES[target.health] == self.value

    @property
    def shows_dropped(self) -> bool:
        """Whether targets that were dropped are shown."""
        return self in (StateFilter.ALL, StateFilter.DROPPED)


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a target."""

    name: Annotated[str, "The name."]
    value: Annotated[str, "The value."]


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target."""

    id: Annotated[str, "Names the target among its sisters."]
    level: Annotated[str, "ok for up, bad for down, unknown before the first scrape."]
    state: Annotated[str, "up, down or waiting."]
    url: Annotated[str, "The address that is scraped."]
    link: Annotated[str, "The address, if it may be followed, or nothing."]
    page_url: Annotated[str, "The page that tells how the target got its labels."]
    scrape_url: Annotated[str, "Where to ask for a scrape at once."]
    series_url: Annotated[str, "The page of the series that tell how the scrapes go, or nothing before the first."]
    last_scrape: Annotated[str, "How long ago the target was scraped last."]
    duration: Annotated[str, "How long that took."]
    samples: Annotated[str, "How many samples it gave."]
    interval: Annotated[str, "How often the target is scraped."]
    labels: Annotated[tuple[Label, ...], "The labels that its series get."]
    error: Annotated[str, "Why the last scrape failed, or nothing."]
    bad_line: Annotated[str, "The first line of the last page that could not be read, or nothing."]
    search: Annotated[str, "Lower-case text that the filter looks through."]


@dataclass(frozen=True, slots=True)
class DroppedRow:
    """One target that relabelling dropped."""

    id: Annotated[str, "Names the target among its sisters."]
    page_url: Annotated[str, "The page that tells which rule dropped it."]
    address: Annotated[str, "The address that was discovered."]
    labels: Annotated[tuple[Label, ...], "The labels that were discovered, without those that every target has."]
    search: Annotated[str, "Lower-case text that the filter looks through."]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a pool, or not served."""

    id: Annotated[str, "What it is."]


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One scrape pool, which is a job of the configuration."""

    id: Annotated[str, "The job's name."]
    level: Annotated[str, "The worst level of its targets."]
    state: Annotated[str, "How many targets are up."]
    errors: Annotated[tuple[Problem, ...], "What cannot be looked up, and what was found and makes no target."]
    targets: Annotated[tuple[TargetRow, ...], "The targets, those that are down first."]
    dropped_amount: Annotated[str, "How many targets were dropped, in words, or nothing."]
    dropped: Annotated[tuple[DroppedRow, ...], "Those that are remembered."]


@dataclass(frozen=True, slots=True)
class Configuration:
    """How what is in force was read."""

    level: Annotated[str, "bad where the files could not be reloaded, else ok."]
    summary: Annotated[str, "When the files in force were read."]
    error: Annotated[str, "Why the last reload failed, or nothing."]
    warned: Annotated[str, "How many sections are checked and not served, in words, or nothing."]
    warnings: Annotated[tuple[Problem, ...], "Those sections, and why."]


@dataclass(frozen=True, slots=True)
class TargetsView:
    """What the page of the targets shows and polls."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire."]
    up: Annotated[int, "How many targets are up."]
    down: Annotated[int, "How many targets are down."]
    unknown: Annotated[int, "How many targets wait for their first scrape."]
    dropped: Annotated[int, "How many targets relabelling dropped."]
    configuration: Annotated[Configuration, "How what is in force was read."]
    not_stored: Annotated[str, "Why what is scraped cannot be stored for now, or nothing."]
    pools: Annotated[tuple[PoolRow, ...], "The scrape pools, those with targets that are down first."]
    more: Annotated[str, "How many targets are not shown, or nothing."]


@dataclass(frozen=True, slots=True)
class AskedTargets:
    """What the parts have answered."""

    pools: Sequence[ScrapePool]
    config: PrometheusConfig
    reload: ReloadStatus
    firing: int = 0
    not_stored: str = ""


def make_targets(asked: AskedTargets, state: StateFilter, now: int) -> TargetsView:
    """Put the targets into words, as far as the filter shows them."""
    targets = [target for pool in asked.pools for target in pool.active]
    ordered = sorted(asked.pools, key=lambda pool: (not _count(pool.active, TargetHealth.DOWN), pool.name))
    rows = [row for row in _pool_rows(ordered, state, now) if state is StateFilter.ALL or row.targets or row.dropped]
    wanted = sum(state.shows(target) for target in targets)
    left_out = wanted - sum(len(row.targets) for row in rows)
    return TargetsView(
        at=now,
        firing=asked.firing,
        up=_count(targets, TargetHealth.UP),
        down=_count(targets, TargetHealth.DOWN),
        unknown=_count(targets, TargetHealth.UNKNOWN),
        dropped=sum(pool.dropped_count for pool in asked.pools),
        configuration=_configuration(asked.config, asked.reload, now),
        not_stored=asked.not_stored,
        pools=tuple(rows),
        more=f"and {text.count(left_out, 'more target')}" if left_out else "",
    )


def _count(targets: Sequence[TargetStatus], health: TargetHealth) -> int:
    return sum(target.health is health for target in targets)


def _pool_rows(pools: Sequence[ScrapePool], state: StateFilter, now: int) -> Iterator[PoolRow]:
    """Yield the pools with as many targets as the page has room for; those that are down come first of all."""
    shown = [target for pool in pools for target in pool.active if state.shows(target)]
    shown.sort(key=lambda target: target.health is not TargetHealth.DOWN)
    kept = {target.id for target in shown[:MOST_TARGETS]}
    room = MOST_TARGETS
    for pool in pools:
        dropped = pool.dropped[:room] if state.shows_dropped else ()
        room -= len(dropped)
        yield _pool_row(pool, [target for target in pool.active if target.id in kept], dropped, now)


def _pool_row(pool: ScrapePool, targets: Sequence[TargetStatus], dropped: Sequence[Labels], now: int) -> PoolRow:
    up, down = _count(pool.active, TargetHealth.UP), _count(pool.active, TargetHealth.DOWN)
    bad, whole = down or pool.errors, up == len(pool.active)
    ordered = sorted(targets, key=lambda target: (target.health is not TargetHealth.DOWN, target.url))
    return PoolRow(
        id=pool.name,
        level="bad" if bad else "ok" if whole and pool.active else "unknown",
        state=f"{up:,} of {len(pool.active):,} up",
        errors=tuple(map(Problem, dict.fromkeys(pool.errors))),
        targets=tuple(target_row(target, now) for target in ordered),
        dropped_amount=text.count(pool.dropped_count, "target") + " dropped" if pool.dropped_count else "",
        dropped=tuple(dropped_row(pool.name, labels) for labels in dropped),
    )


def target_row(target: TargetStatus, now: int) -> TargetRow:
    """Put one target into words."""
    state = _STATES[target.health]
    words = (state, target.url, target.scrape_pool, target.last_error, *(f"{n}={v}" for n, v in target.labels))
    return TargetRow(
        id=target.id,
        level=_LEVELS[target.health],
        state=state,
        url=target.url,
        link=_link(target.url),
        page_url=urls.target(target.id),
        scrape_url=urls.scrape_api(target.id),
        series_url=urls.query(selector_like(_ADDED, target.labels)) if target.last_scrape else "",
        last_scrape=f"{text.age(now - target.last_scrape)} ago" if target.last_scrape else text.NOTHING,
        duration=text.seconds(target.last_duration) if target.last_scrape else text.NOTHING,
        samples=f"{target.samples:,}" if target.last_scrape else text.NOTHING,
        interval=format_duration(target.interval),
        labels=shown_labels(target.labels),
        error=target.last_error,
        bad_line=_bad_line(target),
        search=" ".join(words).lower(),
    )


def _link(url: str) -> str:
    return own_path(url) if is_local(url) else urls.safe_link(url)


def _bad_line(target: TargetStatus) -> str:
    found = target.bad_line
    return f"{found.line}: {found.text} ({found.reason})" if found else ""


def dropped_row(pool: str, labels: Labels) -> DroppedRow:
    """Put one target that was dropped into words."""
    key, address = dropped_id(pool, labels), labels.get("__address__")
    own = tuple(Label(name, value) for name, value in labels if name not in _EVERYWHERE)
    words = ("dropped", pool, address, *(f"{label.name}={label.value}" for label in own))
    return DroppedRow(key, urls.target(key), address, own, " ".join(words).lower())


# What every target of a job has alike.
_EVERYWHERE = (
    "__address__",
    "__metrics_path__",
    "__scheme__",
    "__scrape_interval__",
    "__scrape_timeout__",
    "job",
)


def dropped_id(pool: str, labels: Labels) -> str:
    """Return what names a target that was dropped; it stays the same as long as its labels do."""
    return hashlib.blake2b(f"{pool}\n{labels}".encode("utf-8", "replace"), digest_size=8).hexdigest()


def shown_labels(labels: Labels) -> tuple[Label, ...]:
    """Return labels as the page has them."""
    return tuple(Label(name, value) for name, value in labels)


def _configuration(config: PrometheusConfig, reload: ReloadStatus, now: int) -> Configuration:
    name, ago = config.file.name, f"{text.age(now - reload.at)} ago"
    warnings = tuple(Problem(str(warning)) for warning in config.warnings)
    return Configuration(
        level="ok" if reload.successful else "bad",
        summary=f"{name} was read {ago}" if reload.successful else f"{name} as it was {ago} stays in force",
        error=reload.error,
        warned=text.count(len(warnings), "section") + " not served" if warnings else "",
        warnings=warnings,
    )
