"""Targets and metadata in the shape of ``/api/v1/targets``, ``/api/v1/targets/metadata`` and ``/api/v1/metadata``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from dashboard.exposition.page import Metadata
from dashboard.model.duration import format_duration
from dashboard.model.matcher import Matcher, matches_all
from dashboard.scrape import TargetMetadata, TargetStatus
from dashboard.web.go_format import rfc3339


def target_json(target: TargetStatus) -> dict[str, Any]:
    """Return one active target."""
    return {
        "discoveredLabels": dict(target.discovered_labels),
        "labels": dict(target.labels),
        "scrapePool": target.scrape_pool,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape or None),
        "lastScrapeDuration": target.last_duration,
        "health": target.health.value,
        "scrapeInterval": format_duration(target.interval),
        "scrapeTimeout": format_duration(target.timeout),
    }


def metadata_json(found: Iterable[TargetMetadata], limit: int | None, per_metric: int | None) -> dict[str, Any]:
    """Return what targets say of each metric, each different saying once, for the first ``limit`` metrics."""
    metrics: dict[str, dict[Metadata, None]] = {}
    for entry in found:
        metrics.setdefault(entry.metric, {})[entry.metadata] = None
    return {
        metric: [_saying_json(saying) for saying in itertools.islice(sayings, per_metric)]
        for metric, sayings in itertools.islice(metrics.items(), limit)
    }


def target_metadata_json(
    found: Iterable[TargetMetadata], matchers: tuple[Matcher, ...], metric: str, limit: int | None
) -> list[dict[str, Any]]:
    """Return what each target that matches says; one that was asked for by name needs no name."""
    shown = (_target_saying_json(entry, named=not metric) for entry in found if matches_all(matchers, entry.labels))
    return list(itertools.islice(shown, limit))


def _target_saying_json(entry: TargetMetadata, *, named: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"target": dict(entry.labels)}
    if named:
        shown["metric"] = entry.metric
    return shown | _saying_json(entry.metadata)


def _saying_json(saying: Metadata) -> dict[str, str]:
    return {"type": saying.type.value, "help": saying.help, "unit": saying.unit}
