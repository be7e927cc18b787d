"""Targets and what they say of their metrics, as Prometheus's API shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response

from dashboard.config.scrape import ScrapeConfig
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelStep
from dashboard.scrape import UnknownPoolError
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.envelope import ApiError, ErrorType, succeeded
from dashboard.web.parameters import parameters
from dashboard.web.parts import parts
from dashboard.web.selectors import matcher_sets_of
from dashboard.web.targets_json import dropped_json, metadata_json, step_json, target_json, target_metadata_json

blueprint = api_blueprint("targets_api")


@blueprint.get("/targets")
def targets() -> Response:
    """Show the targets: the active ones, those that relabelling dropped, or both, of all pools or of one."""
    state, wanted = parameters().value_of("state").lower(), parameters().value_of("scrapePool")
    pools = sorted(parts().scrape.pools(), key=lambda pool: pool.name)
    shown = [pool for pool in pools if wanted in ("", pool.name)]
    port = parts().settings.port
    answer: dict[str, Any] = {"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": None}
    if state in ("", "any", "active"):
        answer["activeTargets"] = [target_json(target, port) for pool in shown for target in pool.active]
    if state in ("", "any", "dropped"):
        answer["droppedTargets"] = [dropped_json(pool.name, labels) for pool in shown for labels in pool.dropped]
        answer["droppedTargetCounts"] = {pool.name: pool.dropped_count for pool in pools}
    return succeeded(answer)


@blueprint.get("/scrape_pools")
def scrape_pools() -> Response:
    """List the names of the scrape pools, which are the jobs."""
    return succeeded({"scrapePools": sorted(pool.name for pool in parts().scrape.pools())})


@blueprint.get("/targets/relabel_steps")
def relabel_steps() -> Response:
    """Tell what each relabelling rule of a pool makes of labels that the asker gives as a JSON object."""
    name, given = (_required(parameter) for parameter in ("scrapePool", "labels"))
    discovered = _labels_of(given)
    try:
        steps = parts().scrape.relabel_steps(name, discovered)
    except UnknownPoolError as error:
        raise ApiError(ErrorType.BAD_DATA, f"error retrieving scrape config: {error}") from error
    rules = next((job.relabel_configs for job in _jobs() if job.job_name == name), ())
    # Nothing is left for the rules after one that drops.
    rest = [RelabelStep(rule, None) for rule in rules[len(steps) :]]
    return succeeded({"steps": [step_json(step) for step in (*steps, *rest)]})


def _jobs() -> Sequence[ScrapeConfig]:
    return parts().reloader.loaded.config.scrape_configs


def _required(name: str) -> str:
    text = parameters().value_of(name)
    if not text:
        raise ApiError(ErrorType.BAD_DATA, f"no {name} parameter provided")
    return text


def _labels_of(text: str) -> Labels:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ApiError(ErrorType.BAD_DATA, f"error parsing labels: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ApiError(ErrorType.BAD_DATA, "error parsing labels: not an object of texts")
    return Labels.of(found)


@blueprint.get("/targets/metadata")
def target_metadata() -> Response:
    """Tell what each target says of its metrics."""
    metric = parameters().value_of("metric")
    matchers = next(iter(matcher_sets_of("match_target")), ())
    limit = _count_of("limit")
    return succeeded(target_metadata_json(parts().scrape.metadata(metric), matchers, metric, limit))


@blueprint.get("/metadata")
def metadata() -> Response:
    """Tell what is said of each metric."""
    found = parts().scrape.metadata(parameters().value_of("metric"))
    return succeeded(metadata_json(found, _count_of("limit"), _count_of("limit_per_metric")))


def _count_of(name: str) -> int | None:
    """Return a limit of the metadata routes, which differ: 0 means none at all, and a negative one no limit."""
    text = parameters().value_of(name)
    if text and not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise ApiError(ErrorType.BAD_DATA, f"{name} must be a number")
    return int(text) if text and int(text) >= 0 else None
