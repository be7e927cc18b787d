"""Targets, relabelling and metadata in the shape of ``/api/v1/targets`` and its sisters (web/api/v1/api.go)."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from dashboard.exposition.page import Metadata
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, matches_all
from dashboard.model.relabel import RelabelStep
from dashboard.scrape import TargetMetadata, TargetStatus
from dashboard.settings import LOCAL_ADDRESSES
from dashboard.web.go_format import rfc3339

_LOCALHOST = ("127.0.0.1", "localhost", "::1")


def target_json(target: TargetStatus, port: int) -> dict[str, Any]:
    """Return one active target; ``port`` is where this server listens."""
    return {
        "discoveredLabels": dict(target.discovered_labels),
        "labels": dict(target.labels),
        "scrapePool": target.scrape_pool,
        "scrapeUrl": target.url,
        "globalUrl": global_url(target.url, socket.gethostname(), port),
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape or None),
        "lastScrapeDuration": target.last_duration,
        "health": target.health.value,
        "scrapeInterval": target.told_interval,
        "scrapeTimeout": target.told_timeout,
    }


def global_url(url: str, host: str, port: int) -> str:
    """Return a target's address as other machines would ask for it: this machine's name in place of ``localhost``.

    A target that is this server itself is named as such (``getGlobalURL`` in web/api/v1/api.go).
    """
    parts = urlsplit(url)
    if parts.hostname not in _LOCALHOST:
        return url
    if parts.netloc in LOCAL_ADDRESSES or parts.port == port:
        return parts._replace(scheme="http", netloc=f"{host}:{port}").geturl()
    return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()


def dropped_json(pool: str, discovered: Labels) -> dict[str, Any]:
    """Return one target that relabelling dropped."""
    return {"discoveredLabels": dict(discovered), "scrapePool": pool}


def step_json(step: RelabelStep) -> dict[str, Any]:
    """Return one relabelling rule with what it made."""
    rule, output = step.config, step.labels
    told = {
        "sourceLabels": list(rule.source_labels),
        "separator": rule.separator,
        "regex": rule.regex,
        "modulus": rule.modulus,
        "targetLabel": rule.target_label,
        "replacement": rule.replacement,
        "action": rule.action.value,
    }
    # What is empty is left out, as Go's "omitempty" does; a regular expression never is.
    shown = {name: value for name, value in told.items() if value or name == "regex"}
    return {"rule": shown, "output": dict(output or ()), "keep": output is not None}


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
