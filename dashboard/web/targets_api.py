"""Targets and what they say of their metrics, as Prometheus's API shows them."""

from __future__ import annotations

import re
from typing import Any

from flask import Response

from dashboard.scrape import TargetStatus
from dashboard.web import parameters
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.envelope import ApiError, ErrorType, succeeded
from dashboard.web.parts import parts
from dashboard.web.selectors import matcher_sets_of
from dashboard.web.targets_json import metadata_json, target_json, target_metadata_json

blueprint = api_blueprint("targets_api")


@blueprint.get("/targets")
def targets() -> Response:
    """Show the targets: the active ones, those that were dropped, or both."""
    state = parameters.value_of("state").lower()
    pool = parameters.value_of("scrapePool")
    shown: dict[str, Any] = {"activeTargets": [], "droppedTargets": []}
    if state in ("", "any", "active"):
        shown["activeTargets"] = [target_json(target) for target in _targets(pool)]
    if state in ("", "any", "dropped"):
        # Without relabelling no target is ever dropped.
        shown["droppedTargetCounts"] = {target.scrape_pool: 0 for target in _targets(pool)}
    return succeeded(shown)


def _targets(pool: str) -> list[TargetStatus]:
    return [target for target in parts().scrape.targets() if not pool or target.scrape_pool == pool]


@blueprint.get("/targets/metadata")
def target_metadata() -> Response:
    """Tell what each target says of its metrics."""
    metric = parameters.value_of("metric")
    matchers = next(iter(matcher_sets_of("match_target")), ())
    limit = _count_of("limit")
    return succeeded(target_metadata_json(parts().scrape.metadata(metric), matchers, metric, limit))


@blueprint.get("/metadata")
def metadata() -> Response:
    """Tell what is said of each metric."""
    found = parts().scrape.metadata(parameters.value_of("metric"))
    return succeeded(metadata_json(found, _count_of("limit"), _count_of("limit_per_metric")))


def _count_of(name: str) -> int | None:
    """Return a limit of the metadata routes, which differ: 0 means none at all, and a negative one no limit."""
    text = parameters.value_of(name)
    if text and not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise ApiError(ErrorType.BAD_DATA, f"{name} must be a number")
    return int(text) if text and int(text) >= 0 else None
