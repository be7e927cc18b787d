"""How this server stands, as Prometheus's API tells it."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import psutil
from flask import Blueprint, Response

import dashboard
from dashboard.config.shown import shown_config
from dashboard.model.duration import format_duration
from dashboard.promql.functions import FUNCTIONS
from dashboard.promql.lexer import AGGREGATORS, WORD_OPERATORS
from dashboard.promql.signatures import SIGNATURES
from dashboard.rules.template_functions import functions as template_functions
from dashboard.storage.cardinality import Count, PairCount
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.envelope import ApiError, ErrorType, json_answer, succeeded
from dashboard.web.go_format import rfc3339
from dashboard.web.parameters import parameters, whole_number
from dashboard.web.parts import parts

API_VERSION = "3.0.0"
"""The version of Prometheus whose API this is; Grafana offers what that version can."""

blueprint = api_blueprint("status_api")
before_ready = Blueprint("before_ready", __name__)
"""What is answered before the store is open, too."""

_LISTED = 10
_MOST_LISTED = 10_000
_BUILD = {
    "version": API_VERSION,
    "revision": f"glass-cockpit {dashboard.__version__}",
    "branch": "",
    "buildUser": "",
    "buildDate": "",
    "goVersion": "",
}
# What Go shows of times in a store without samples: the ends of its integers, the wrong way round.
_NO_TIMES = (2**63 - 1, -(2**63))
_OPERATORS = ("!=", "!~", "%", "*", "+", "-", "/", "<", "<=", "==", "=~", ">", ">=", "@", "^", *sorted(WORD_OPERATORS))
_OF_QUERIES = ("per_query_lookback_delta", "per_step_stats")
_MODIFIERS = ("at_modifier", "bool", "by", "group_left", "group_right", "ignoring", "negative_offset", "offset", "on")


@blueprint.get("/status/buildinfo")
def build_info() -> Response:
    """Tell which version of Prometheus's API this is.

    Without ``features``: Grafana would take us for Mimir.
    """
    return succeeded(_BUILD)


@blueprint.get("/status/runtimeinfo")
def runtime_info() -> Response:
    """Tell how the process runs; what only Go has is empty."""
    reloaded = parts().reloader.status
    return succeeded(
        {
            "startTime": rfc3339(int(psutil.Process().create_time() * 1000)),
            "CWD": str(Path.cwd()),
            "hostname": socket.gethostname(),
            "serverTime": rfc3339(parts().clock()),
            "reloadConfigSuccess": reloaded.successful,
            "lastConfigTime": rfc3339(reloaded.at),
            "corruptionCount": 0,
            "goroutineCount": threading.active_count(),
            "GOMAXPROCS": os.cpu_count() or 1,
            "GOMEMLIMIT": 0,
            "GOGC": "",
            "GODEBUG": "",
            "storageRetention": format_duration(parts().storage.retention.age),
        }
    )


@blueprint.get("/status/config")
def config() -> Response:
    """Show the configuration in effect, without its secrets."""
    return succeeded({"yaml": shown_config(parts().reloader.loaded.config)})


@blueprint.get("/status/flags")
def flags() -> Response:
    """Tell the settings under the names of Prometheus's flags."""
    settings = parts().settings
    return succeeded(
        {
            "config.file": str(settings.config_file),
            "storage.tsdb.min-block-duration": format_duration(settings.block_length),
            "storage.tsdb.path": str(settings.data_dir),
            "storage.tsdb.retention.time": format_duration(parts().storage.retention.age),
            "web.enable-lifecycle": "true",
            "web.listen-address": f"{settings.host}:{settings.port}",
        }
    )


@blueprint.get("/status/tsdb")
def tsdb() -> Response:
    """Tell how many series there are, and which names and labels have the most."""
    limit = _listed()
    stats, found = parts().storage.stats(), parts().storage.cardinality(limit)
    return succeeded(
        {
            "headStats": {
                "numSeries": stats.series,
                "numLabelPairs": found.label_pairs,
                "chunkCount": stats.blocks,
                "minTime": _NO_TIMES[0] if stats.earliest is None else stats.earliest,
                "maxTime": _NO_TIMES[1] if stats.latest is None else stats.latest,
            },
            "seriesCountByMetricName": _counts(found.series_by_metric),
            "labelValueCountByLabelName": _counts(found.values_by_label),
            "memoryInBytesByLabelName": _counts(found.bytes_by_label),
            "seriesCountByLabelValuePair": _counts(found.series_by_pair),
        }
    )


def _listed() -> int:
    text = parameters().value_of("limit")
    if not text:
        return _LISTED
    number = whole_number(text)
    if number is None or number < 1:
        raise ApiError(ErrorType.BAD_DATA, "limit must be a positive number")
    if number > _MOST_LISTED:
        raise ApiError(ErrorType.BAD_DATA, f"limit must not exceed {_MOST_LISTED}")
    return number


def _counts(counts: tuple[Count | PairCount, ...]) -> list[dict[str, Any]]:
    return [{"name": count.name, "value": count.value} for count in counts]


@before_ready.get("/api/v1/status/walreplay")
def wal_replay() -> Response:
    """Tell how far the journal was read back; it has no segments to count."""
    return succeeded({"min": 0, "max": 0, "current": 0})


@blueprint.get("/features")
def features() -> Response:
    """Tell what can be asked of this server, in Prometheus's categories."""
    return succeeded(
        {
            "api": {
                "admin": True,
                "exclude_alerts": True,
                "label_values_match": True,
                "lifecycle": True,
                "query_stats": True,
                "query_warnings": True,
                "time_range_labels": True,
                "time_range_series": True,
            },
            "promql": dict.fromkeys((*_MODIFIERS, *_OF_QUERIES, "subqueries", "without"), True),
            "promql_functions": {name: name in FUNCTIONS for name in sorted(SIGNATURES)},
            "promql_operators": dict.fromkeys(sorted((*_OPERATORS, *AGGREGATORS)), True),
            "rules": {"keep_firing_for": True, "query_offset": True},
            "templating_functions": dict.fromkeys(sorted(template_functions(lambda _: [], lambda: 0, "")), True),
        }
    )


@before_ready.get("/version")
def version() -> Response:
    """Tell which version of Prometheus's API this is, without the envelope."""
    return json_answer(_BUILD)
