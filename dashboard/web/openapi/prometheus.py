"""What Prometheus's routes take and give, by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.web.openapi.operations import Operation, Parameter
from dashboard.web.openapi.schemas import (
    ANYTHING,
    FLAG,
    LABELS,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    Schema,
    keyed,
    listed,
    one_of,
    record,
)


def _enveloped(data: Schema) -> Schema:
    remarks = {"warnings": listed(TEXT), "infos": listed(TEXT)}
    return record({"status": one_of("success"), "data": data}, remarks)


def _told(data: Schema, *parameters: Parameter) -> Operation:
    return Operation(parameters, _enveloped(data))


ERROR = record({"status": one_of("error"), "errorType": TEXT, "error": TEXT})
"""The answer of every route that fails."""

_QUERY = Parameter("query", "A PromQL expression.", required=True)
_START = Parameter("start", "When the range begins: seconds since 1970, or RFC 3339.")
_END = Parameter("end", "When the range ends.")
_LIMIT = Parameter("limit", "The most that is given; 0 is no limit.", schema=WHOLE)
_MATCH = Parameter("match[]", "A selector of series.", repeated=True)
_OF_QUERIES = (
    _LIMIT,
    Parameter("timeout", "How long the query may take: seconds, or a duration such as 30s."),
    Parameter("lookback_delta", "How old a sample may be to count as the present one."),
    Parameter("stats", "Asks for what the query has cost (true), and for the samples of each step, too (all)."),
)

_PHASES = ("evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime", "execQueueTime", "execTotalTime")
_STEP_SAMPLES = {"type": "array", "prefixItems": [NUMBER, WHOLE], "minItems": 2, "maxItems": 2}
_STATS = record(
    {
        "timings": record(dict.fromkeys(_PHASES, NUMBER)),
        "samples": record(
            dict.fromkeys(("totalQueryableSamples", "peakSamples"), WHOLE),
            {"totalQueryableSamplesPerStep": listed(_STEP_SAMPLES)},
        ),
    }
)
_PAIR = {"type": "array", "prefixItems": [NUMBER, TEXT], "minItems": 2, "maxItems": 2}
_RESULT = record(
    {
        "resultType": one_of("vector", "matrix", "scalar", "string"),
        "result": listed(
            {
                "anyOf": [
                    NUMBER,
                    TEXT,
                    record({"metric": LABELS, "value": _PAIR}),
                    record({"metric": LABELS, "values": listed(_PAIR)}),
                ]
            }
        ),
    },
    {"stats": _STATS},
)
_EXEMPLAR = record({"labels": LABELS, "value": TEXT, "timestamp": NUMBER})
_EXEMPLARS = listed(record({"seriesLabels": LABELS, "exemplars": listed(_EXEMPLAR)}))
_ALERT = record(
    {"labels": LABELS, "annotations": LABELS, "state": one_of("pending", "firing"), "activeAt": TIME, "value": TEXT},
    {"keepFiringSince": TIME},
)
_RULE = record(
    {
        "name": TEXT,
        "query": TEXT,
        "health": one_of("ok", "err", "unknown"),
        "evaluationTime": NUMBER,
        "lastEvaluation": TIME,
        "type": one_of("alerting", "recording"),
    },
    {
        "state": one_of("inactive", "pending", "firing"),
        "duration": NUMBER,
        "keepFiringFor": NUMBER,
        "labels": LABELS,
        "annotations": LABELS,
        "alerts": listed(_ALERT),
        "lastError": TEXT,
    },
)
_GROUP = record(
    {
        "name": TEXT,
        "file": TEXT,
        "rules": listed(_RULE),
        "interval": NUMBER,
        "limit": WHOLE,
        "evaluationTime": NUMBER,
        "lastEvaluation": TIME,
    }
)
_TARGET = record(
    {
        **dict.fromkeys(("discoveredLabels", "labels"), LABELS),
        **dict.fromkeys(("scrapePool", "scrapeUrl", "globalUrl", "lastError"), TEXT),
        "lastScrape": TIME,
        "lastScrapeDuration": NUMBER,
        "health": one_of("up", "down", "unknown"),
        **dict.fromkeys(("scrapeInterval", "scrapeTimeout"), TEXT),
    }
)
_DROPPED = record({"discoveredLabels": LABELS, "scrapePool": TEXT})
_COUNTS = {"anyOf": [keyed(WHOLE), {"type": "null"}]}
_STEP = record({"rule": keyed(ANYTHING), "output": LABELS, "keep": FLAG})
_SAYING = {"type": TEXT, "help": TEXT, "unit": TEXT}
_CARDINALITIES = listed(record({"name": TEXT, "value": WHOLE}))
_BUILD = record(
    dict.fromkeys(("version", "revision", "branch", "buildUser", "buildDate", "goVersion"), TEXT),
)
_RUNTIME = record(
    {
        **dict.fromkeys(("startTime", "serverTime", "lastConfigTime"), TIME),
        **dict.fromkeys(("CWD", "hostname", "GOGC", "GODEBUG", "storageRetention"), TEXT),
        "reloadConfigSuccess": FLAG,
        **dict.fromkeys(("corruptionCount", "goroutineCount", "GOMAXPROCS", "GOMEMLIMIT"), WHOLE),
    }
)
_HEAD = record(dict.fromkeys(("numSeries", "numLabelPairs", "chunkCount", "minTime", "maxTime"), WHOLE))
_HEALTH = record(
    {
        **dict.fromkeys(("service", "version"), TEXT),
        "status": one_of("ok", "degraded"),
        **dict.fromkeys(("db_ok", "storing", "schema_ok", "config_ok"), FLAG),
        "damaged": keyed(TEXT),
        "capabilities": listed(TEXT),
        "gpu": record({"available": FLAG, "names": listed(TEXT)}),
        "pid": WHOLE,
        "uptime_seconds": NUMBER,
    }
)
_PLAIN_TEXT = Operation(media_type="text/plain")

OPERATIONS: Mapping[str, Operation] = {
    "/api/v1/query": _told(_RESULT, _QUERY, Parameter("time", "When to evaluate; now if not given."), *_OF_QUERIES),
    "/api/v1/query_range": _told(
        _RESULT,
        _QUERY,
        Parameter("start", _START.description, required=True),
        Parameter("end", _END.description, required=True),
        Parameter("step", "The distance of two points: seconds, or a duration.", required=True),
        *_OF_QUERIES,
    ),
    "/api/v1/query_exemplars": _told(_EXEMPLARS, _QUERY, _START, _END),
    "/api/v1/format_query": _told(TEXT, _QUERY),
    "/api/v1/parse_query": _told(record({"type": TEXT}) | {"additionalProperties": True}, _QUERY),
    "/api/v1/series": _told(
        listed(LABELS), Parameter("match[]", _MATCH.description, required=True, repeated=True), _START, _END, _LIMIT
    ),
    "/api/v1/labels": _told(listed(TEXT), _MATCH, _START, _END, _LIMIT),
    "/api/v1/label/{name}/values": _told(listed(TEXT), _MATCH, _START, _END, _LIMIT),
    "/api/v1/targets": _told(
        record(
            {
                "activeTargets": listed(_TARGET),
                "droppedTargets": listed(_DROPPED),
                "droppedTargetCounts": _COUNTS,
            }
        ),
        Parameter("state", "Which targets.", schema=one_of("active", "dropped", "any")),
        Parameter("scrapePool", "The pool whose targets are wanted."),
    ),
    "/api/v1/targets/metadata": _told(
        listed(record({"target": LABELS, **_SAYING}, {"metric": TEXT})),
        Parameter("match_target", "A selector of targets."),
        Parameter("metric", "The metric that is asked about."),
        _LIMIT,
    ),
    "/api/v1/targets/relabel_steps": _told(
        record({"steps": listed(_STEP)}),
        Parameter("scrapePool", "The pool whose rules are wanted.", required=True),
        Parameter("labels", "Labels as a JSON object.", required=True),
    ),
    "/api/v1/scrape_pools": _told(record({"scrapePools": listed(TEXT)})),
    "/api/v1/metadata": _told(
        keyed(listed(record(_SAYING))),
        Parameter("metric", "The metric that is asked about."),
        _LIMIT,
        Parameter("limit_per_metric", "The most that is told of each metric.", schema=WHOLE),
    ),
    "/api/v1/rules": _told(
        record({"groups": listed(_GROUP)}, {"groupNextToken": TEXT}),
        Parameter("type", "Which rules.", schema=one_of("alert", "record")),
        *(
            Parameter(f"{name}[]", f"A {name.replace('_', ' ')} that is wanted.", repeated=True)
            for name in ("rule_name", "rule_group", "file")
        ),
        _MATCH,
        Parameter("exclude_alerts", "Whether alerts are left out.", schema=FLAG),
        Parameter("group_limit", "The most groups that are given.", schema=WHOLE),
        Parameter("group_next_token", "Where to go on, as the answer before told it."),
    ),
    "/api/v1/alerts": _told(record({"alerts": listed(_ALERT)})),
    "/api/v1/status/config": _told(record({"yaml": TEXT})),
    "/api/v1/status/flags": _told(keyed(TEXT)),
    "/api/v1/status/runtimeinfo": _told(_RUNTIME),
    "/api/v1/status/buildinfo": _told(_BUILD),
    "/api/v1/status/tsdb": _told(
        record(
            {
                "headStats": _HEAD,
                **dict.fromkeys(
                    (
                        "seriesCountByMetricName",
                        "labelValueCountByLabelName",
                        "memoryInBytesByLabelName",
                        "seriesCountByLabelValuePair",
                    ),
                    _CARDINALITIES,
                ),
            }
        ),
        _LIMIT,
    ),
    "/api/v1/status/walreplay": _told(record(dict.fromkeys(("min", "max", "current"), WHOLE))),
    "/api/v1/features": _told(keyed(keyed(FLAG))),
    "/api/v1/openapi.yaml": Operation(media_type="application/yaml"),
    "/api/v1/read": Operation(media_type="application/x-protobuf", body="application/x-protobuf"),
    "/api/v1/admin/tsdb/delete_series": Operation(
        (Parameter("match[]", _MATCH.description, required=True, repeated=True), _START, _END), media_type="text/plain"
    ),
    "/api/v1/admin/tsdb/clean_tombstones": _PLAIN_TEXT,
    "/api/v1/admin/tsdb/snapshot": _told(record({"name": TEXT})),
    "/federate": Operation((_MATCH,), media_type="text/plain"),
    "/version": Operation(answer=_BUILD),
    "/metrics": _PLAIN_TEXT,
    "/host/metrics": _PLAIN_TEXT,
    "/health": Operation(answer=_HEALTH),
    "/ready": Operation(answer=record({"status": one_of("ready")})),
    **dict.fromkeys(("/-/healthy", "/-/ready", "/-/reload"), _PLAIN_TEXT),
}


def error_answer() -> dict[str, Any]:
    """Return how a route tells that it failed."""
    return {"description": "Why there is no answer.", "content": {"application/json": {"schema": ERROR}}}
