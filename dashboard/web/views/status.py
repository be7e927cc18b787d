"""The page of the store: what becomes of its size, how much is stored, what there is most of, and its blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.database.schema import SchemaStatus
from dashboard.model.duration import format_duration
from dashboard.model.labels import METRIC_NAME
from dashboard.promql.ast import VectorSelector, print_label
from dashboard.storage import KeepRule, Retention, StorageStats
from dashboard.storage.cardinality import Cardinality, Count
from dashboard.storage.forecast import DAY, Forecast, Outcome, Stored
from dashboard.web import urls
from dashboard.web.views import text
from dashboard.web.views.queries import selector, with_label

MOST_LISTED = 10
"""How many names and labels are shown of those that have the most."""
_MOST_BLOCKS = 100
_MOST_DAMAGED = 50
_SOON = 3 * DAY
_NEAR = 14 * DAY
_AT_ONCE = DAY // 24


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the store."""

    id: Annotated[str, "What it is."]
    value: Annotated[str, "The figure."]
    detail: Annotated[str, "What it is of, or nothing."]
    level: Annotated[str, "warn where it asks for attention, else ok."]
    url: Annotated[str, "The page of its query, or nothing."]


@dataclass(frozen=True, slots=True)
class TopRow:
    """One name that has many of something."""

    id: Annotated[str, "The name."]
    amount: Annotated[str, "How many."]
    fill: Annotated[str, "The same of 100, where the first one has 100."]
    url: Annotated[str, "The page of its query."]


@dataclass(frozen=True, slots=True)
class Top:
    """Those that have the most of something."""

    id: Annotated[str, "What they have most of."]
    help: Annotated[str, "How it is counted."]
    rows: Annotated[tuple[TopRow, ...], "Those that have the most, in this order."]


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block."""

    id: Annotated[str, "Names the block among its sisters."]
    start: Annotated[str, "When its window begins."]
    length: Annotated[str, "How long that is."]
    samples: Annotated[str, "How many samples it holds."]
    size: Annotated[str, "How many bytes they take."]
    each: Annotated[str, "How many bytes a sample that is."]


@dataclass(frozen=True, slots=True)
class KeepRow:
    """Some series that are kept for another time than the rest."""

    id: Annotated[str, "Their selector."]
    keep: Annotated[str, "For how long they are kept."]
    url: Annotated[str, "The page of those series."]


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """One place that cannot be read."""

    id: Annotated[str, "The place."]
    reason: Annotated[str, "What is wrong there."]


@dataclass(frozen=True, slots=True)
class StatusView:
    """What the page of the store shows and polls."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire."]
    level: Annotated[str, "bad, warn or ok by when the disk will be full; unknown where that is not known."]
    headline: Annotated[str, "What becomes of the store, in a few words."]
    summary: Annotated[str, "Why, in a sentence."]
    notice: Annotated[str, "What fails, or nothing."]
    facts: Annotated[tuple[Fact, ...], "How much there is, and how it is kept."]
    rules: Annotated[tuple[KeepRow, ...], "Series with a retention of their own; the first that fits counts."]
    tops: Annotated[tuple[Top, ...], "What there is most of."]
    damaged: Annotated[tuple[DamagedRow, ...], "Places that cannot be read and are left out."]
    amount: Annotated[str, "How many blocks there are, in words."]
    blocks: Annotated[tuple[BlockRow, ...], "The blocks, the newest first."]
    more: Annotated[str, "How many blocks are not shown, or nothing."]


@dataclass(frozen=True, slots=True)
class AskedStore:
    """What the store has answered; ``own`` are the labels of our own page as it is scraped, if it is."""

    stats: StorageStats
    forecast: Forecast
    retention: Retention
    cardinality: Cardinality
    blocks: Sequence[Stored]
    damaged: Mapping[str, str]
    schema: SchemaStatus
    last_error: str | None = None
    own: Sequence[tuple[str, str]] | None = None
    firing: int = 0


def make_status(asked: AskedStore, now: int) -> StatusView:
    """Put the answers into words."""
    newest = sorted(asked.blocks, key=lambda block: (-block.start, -block.samples))
    left_out = len(newest) - _MOST_BLOCKS
    level, headline, summary = _outlook(asked)
    return StatusView(
        at=now,
        firing=asked.firing,
        level=level,
        headline=headline,
        summary=summary,
        notice=f"Nothing is being stored: {asked.last_error}" if asked.last_error else "",
        facts=_facts(asked, now),
        rules=tuple(map(_keep_row, asked.retention.rules)),
        tops=_tops(asked.cardinality),
        damaged=tuple(DamagedRow(place, reason) for place, reason in [*asked.damaged.items()][:_MOST_DAMAGED]),
        amount=text.count(len(newest), "block"),
        blocks=tuple(_block_row(place, block) for place, block in enumerate(newest[:_MOST_BLOCKS])),
        more=f"and {text.count(left_out, 'older block')}" if left_out > 0 else "",
    )


def _outlook(asked: AskedStore) -> tuple[str, str, str]:
    """Return the level, the headline and the summary of what becomes of the store."""
    found, age = asked.forecast, format_duration(asked.retention.age)
    comes, free = f"{text.size(found.growth)} come each day", f"the disk has {text.size(found.space.free)} left"
    match found.outcome:
        case Outcome.DISK_FULL:
            return (*_disk_full(found.disk_full or 0.0), f"{comes}; {free}, of which merging takes some for a moment.")
        case Outcome.SIZE_REACHED:
            goes = f"From then on the oldest go before they are {age} old."
            return "ok", _size_reached(found.size_reached or 0.0, text.size(found.space.limit)), f"{comes}. {goes}"
        case Outcome.LEVELS_OFF:
            goes = f"as much goes once samples are {age} old"
            return "ok", f"Levels off at {text.size(found.peak)}", f"{comes}, and {goes}; {free}."
    return "unknown", "How it grows is not known yet", f"The first block tells, two hours after the start; {free}."


def _disk_full(time: float) -> tuple[str, str]:
    level = "bad" if time < _SOON else "warn" if time < _NEAR else "ok"
    return level, f"The disk is full in {text.age(int(time))}" if time >= _AT_ONCE else "The disk is full"


def _size_reached(time: float, limit: str) -> str:
    return f"The size limit of {limit} is " + (f"reached in {text.age(int(time))}" if time >= _AT_ONCE else "reached")


def _facts(asked: AskedStore, now: int) -> tuple[Fact, ...]:
    return (*_amounts(asked), *_sizes(asked), *_times(asked.stats, now), *_states(asked))


def _amounts(asked: AskedStore) -> list[Fact]:
    stats, samples = asked.stats, asked.stats.block_samples + asked.stats.head_samples
    chunks = sum(block.bytes for block in asked.blocks)
    everything = f"{_ratio(stats.bytes, samples)} with everything" if chunks else ""
    return [
        _fact("Series", f"{stats.series:,}", url=_own_url(asked, "prometheus_tsdb_head_series")),
        _fact("Samples", text.number(samples), f"{text.number(stats.head_samples)} not in a block yet"),
        _fact("Bytes a sample", _ratio(chunks, stats.block_samples), everything),
    ]


def _sizes(asked: AskedStore) -> list[Fact]:
    found, files = asked.forecast, f"{text.size(asked.stats.bytes)} with the log"
    known = found.growth is not None
    growing = _own_url(asked, "glass_storage_growth_bytes_per_second", " * 86400") if known else ""
    return [
        _fact("In use", text.size(found.space.used), files, url=_own_url(asked, "glass_storage_used_bytes")),
        _fact("Growth", text.size(found.growth), "a day" if known else "", url=growing),
        _fact("Free on the disk", text.size(found.space.free)),
    ]


def _times(stats: StorageStats, now: int) -> list[Fact]:
    ends = (("Earliest sample", stats.earliest), ("Latest sample", stats.latest))
    return [
        _fact(name, text.NOTHING) if time is None else _fact(name, f"{text.age(now - time)} ago", text.moment(time))
        for name, time in ends
    ]


def _states(asked: AskedStore) -> list[Fact]:
    retention, schema, places = asked.retention, asked.schema, len(asked.damaged)
    limit = f"at most {text.size(retention.size)}" if retention.size else "no limit of size"
    damaged = _own_url(asked, "glass_storage_damaged_places")
    state, level = ("as expected", "ok") if schema.as_expected else ("different", "warn")
    return [
        _fact("Retention", format_duration(retention.age), limit),
        _fact("Damaged places", f"{places:,}", level="warn" if places else "ok", url=damaged),
        _fact("Schema", state, "" if schema.as_expected else schema.actual, level),
        _fact("SQLite", sqlite3.sqlite_version),
    ]


def _fact(name: str, value: str, detail: str = "", level: str = "ok", url: str = "") -> Fact:
    return Fact(name, value, detail, level, url)


def _own_url(asked: AskedStore, metric: str, more: str = "") -> str:
    if asked.own is None:
        return ""
    return urls.query(selector([(METRIC_NAME, metric), *asked.own]) + more)


def _ratio(size: int, samples: int) -> str:
    return text.number(size / samples) if size and samples else text.NOTHING


def _tops(found: Cardinality) -> tuple[Top, ...]:
    return (
        Top("Series by metric", "How many each metric has.", _rows(found.series_by_metric, _count_metric)),
        Top("Series by label and value", "How many have both.", _pair_rows(found)),
        Top("Values by label", "How many each label has.", _rows(found.values_by_label, _count_values)),
        Top("Bytes by label", "Its values, one for each series.", _rows(found.bytes_by_label, _values, text.size)),
    )


def _count_metric(metric: str) -> str:
    return f"count({selector([(METRIC_NAME, metric)])})"


def _count_values(label: str) -> str:
    return f"count({_values(label)})"


def _values(label: str) -> str:
    return f"count by ({print_label(label)}) ({with_label(label)})"


def _rows(
    counts: Sequence[Count], query: Callable[[str], str], write: Callable[[int], str] = "{:,}".format
) -> tuple[TopRow, ...]:
    return tuple(
        TopRow(each.name, write(each.value), _fill(each.value, counts[0].value), urls.query(query(each.name)))
        for each in counts
    )


def _pair_rows(found: Cardinality) -> tuple[TopRow, ...]:
    pairs = found.series_by_pair
    return tuple(
        TopRow(
            each.name,
            f"{each.value:,}",
            _fill(each.value, pairs[0].value),
            urls.query(f"count({selector([(each.label, each.label_value)])})"),
        )
        for each in pairs
    )


def _fill(value: int, most: int) -> str:
    return f"{value / most * 100:.1f}" if most else "0"


def _keep_row(rule: KeepRule) -> KeepRow:
    shown = str(VectorSelector("", rule.matchers))
    return KeepRow(shown, format_duration(rule.keep), urls.query(shown))


def _block_row(place: int, block: Stored) -> BlockRow:
    return BlockRow(
        id=f"{block.start};{block.end};{place}",
        start=text.moment(block.start),
        length=format_duration(block.end - block.start),
        samples=f"{block.samples:,}",
        size=text.size(block.bytes) if block.bytes else text.NOTHING,
        each=_ratio(block.bytes, block.samples),
    )
