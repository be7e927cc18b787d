"""The page of the targets, by scrape pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.duration import format_duration
from dashboard.model.labels import Labels
from dashboard.scrape.status import TargetHealth, TargetStatus
from dashboard.web import urls
from dashboard.web.views import text
from dashboard.web.views.local import is_local, own_path

_LEVELS = {TargetHealth.UP: "ok", TargetHealth.DOWN: "bad", TargetHealth.UNKNOWN: "unknown"}
_STATES = {TargetHealth.UP: "up", TargetHealth.DOWN: "down", TargetHealth.UNKNOWN: "waiting"}


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
    scrape_url: Annotated[str, "Where to ask for a scrape at once."]
    last_scrape: Annotated[str, "How long ago the target was scraped last."]
    duration: Annotated[str, "How long that took."]
    samples: Annotated[str, "How many samples it gave."]
    interval: Annotated[str, "How often the target is scraped."]
    labels: Annotated[tuple[Label, ...], "The labels that its series get."]
    discovered: Annotated[tuple[Label, ...], "The labels before relabelling."]
    error: Annotated[str, "Why the last scrape failed, or nothing."]
    bad_line: Annotated[str, "The first line of the last page that could not be read, or nothing."]
    search: Annotated[str, "Lower-case text that the filter looks through."]


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One scrape pool, which is a job of the configuration."""

    id: Annotated[str, "The job's name."]
    level: Annotated[str, "The worst level of its targets."]
    state: Annotated[str, "How many targets are up."]
    targets: Annotated[tuple[TargetRow, ...], "The targets, those that are down first."]


@dataclass(frozen=True, slots=True)
class TargetsView:
    """What the page of the targets shows and polls."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire."]
    up: Annotated[int, "How many targets are up."]
    down: Annotated[int, "How many targets are down."]
    unknown: Annotated[int, "How many targets wait for their first scrape."]
    pools: Annotated[tuple[PoolRow, ...], "The scrape pools, those with targets that are down first."]


def make_targets(targets: Sequence[TargetStatus], firing: int, now: int) -> TargetsView:
    """Put the targets into words."""
    pools: dict[str, list[TargetStatus]] = {}
    for target in targets:
        pools.setdefault(target.scrape_pool, []).append(target)
    ordered = sorted(pools.items(), key=lambda pool: (not _down(pool[1]), pool[0]))
    return TargetsView(
        at=now,
        firing=firing,
        up=sum(target.health is TargetHealth.UP for target in targets),
        down=_down(targets),
        unknown=sum(target.health is TargetHealth.UNKNOWN for target in targets),
        pools=tuple(_pool_row(name, members, now) for name, members in ordered),
    )


def _down(targets: Sequence[TargetStatus]) -> int:
    return sum(target.health is TargetHealth.DOWN for target in targets)


def _pool_row(name: str, targets: Sequence[TargetStatus], now: int) -> PoolRow:
    up = sum(target.health is TargetHealth.UP for target in targets)
    level = "bad" if _down(targets) else "ok" if up == len(targets) else "unknown"
    ordered = sorted(targets, key=lambda target: (target.health is not TargetHealth.DOWN, target.url))
    return PoolRow(name, level, f"{up} of {len(targets)} up", tuple(target_row(target, now) for target in ordered))


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
        scrape_url=urls.scrape_api(target.id),
        last_scrape=f"{text.age(now - target.last_scrape)} ago" if target.last_scrape else text.NOTHING,
        duration=text.seconds(target.last_duration) if target.last_scrape else text.NOTHING,
        samples=f"{target.samples:,}" if target.last_scrape else text.NOTHING,
        interval=format_duration(target.interval),
        labels=_labels(target.labels),
        discovered=_labels(target.discovered_labels),
        error=target.last_error,
        bad_line=_bad_line(target),
        search=" ".join(words).lower(),
    )


def _link(url: str) -> str:
    return own_path(url) if is_local(url) else urls.safe_link(url)


def _bad_line(target: TargetStatus) -> str:
    found = target.bad_line
    return f"{found.line}: {found.text} ({found.reason})" if found else ""


def _labels(labels: Labels) -> tuple[Label, ...]:
    return tuple(Label(name, value) for name, value in labels)
