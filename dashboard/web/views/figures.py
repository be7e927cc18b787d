"""What is asked of the engine for the cards of all apps at once: a handful of queries, however many apps there are.

The query of a figure of one app is the same, with the job in its selectors.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dashboard.model.duration import format_duration
from dashboard.model.labels import Labels, quote
from dashboard.promql import Engine, Matrix, Ranges, Vector

SPARK_LENGTH = 15 * 60_000
SPARK_STEP = 15_000
_SHORTEST_WINDOW = 60_000

# The first family that gives a job its figure counts.
_REQUEST_COUNTERS = ("http_requests_total", "flask_http_request_duration_seconds_count")
_LATENCY_BUCKETS = ("http_request_duration_seconds_bucket", "flask_http_request_duration_seconds_bucket")
_BUILD_INFO = '{__name__=~".+_build_info", version!=""}'
_VERSION_KEPT = "1h"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one app; ``None`` where it exposes nothing to take a figure from."""

    requests: float | None = None
    """Requests a second."""
    errors: float | None = None
    """The ratio of the requests that were answered with a status of 5xx."""
    p50: float | None = None
    """Seconds."""
    p95: float | None = None
    """Seconds."""
    version: str = ""
    spark: tuple[float | None, ...] = field(default=())
    """Requests a second in the last 15 minutes, oldest first."""
    queries: Mapping[str, str] = field(default_factory=dict)
    """The queries of the figures above, by their names."""


def rate_window(interval: int) -> int:
    """Return how far back a rate looks at a scrape interval: four scrapes, and a minute at least (milliseconds)."""
    return max(_SHORTEST_WINDOW, 4 * interval)


@dataclass(frozen=True, slots=True)
class _Found:
    """A figure of one job, and the query that gives it."""

    value: float
    query: str


class _Query(Protocol):
    """Makes a query of a family over a window, for one job or for all."""

    def __call__(self, family: str, window: str, job: str = "") -> str: ...


def ask_figures(engine: Engine, interval: int, now: int) -> dict[str, Figures]:
    """Return the figures of every job. ``interval`` is the longest scrape interval among them, in milliseconds.

    Raises:
        PromqlError: a query could not be answered.
    """
    window = format_duration(rate_window(interval))

    def ask(families: Sequence[str], query: _Query) -> dict[str, _Found]:
        found: dict[str, _Found] = {}
        for family in reversed(families):
            values = _by_job(engine, query(family, window), now)
            found |= {job: _Found(value, query(family, window, job)) for job, value in values.items()}
        return found

    asked = {name: ask(families, query) for name, families, query in _FIGURES}
    versions, sparks = ask_versions(engine, now), _sparks(engine, window, now)
    jobs = {*versions, *sparks}.union(*asked.values())
    return {
        job: _figures(
            {name: found[job] for name, found in asked.items() if job in found},
            versions.get(job, ""),
            sparks.get(job, ()),
        )
        for job in jobs
    }


def _figures(found: Mapping[str, _Found], version: str, spark: tuple[float | None, ...]) -> Figures:
    values = {name: each.value for name, each in found.items()}
    return Figures(
        requests=values.get("requests"),
        errors=values.get("errors"),
        p50=values.get("p50"),
        p95=values.get("p95"),
        version=version,
        spark=spark,
        queries={name: each.query for name, each in found.items()},
    )


def _requests_query(family: str, window: str, job: str = "") -> str:
    return f"sum by (job) (rate({_series(family, job)}[{window}]))"


def _errors_query(family: str, window: str, job: str = "") -> str:
    failed, told = (
        " or ".join(f"rate({_series(family, job, label + value)}[{window}])" for label in ("status", "code"))
        for value in ('=~"5.."', '!=""')
    )
    # Where no status is told there is no share; where none failed, it is zero.
    return f"(sum by (job) ({failed}) or 0 * sum by (job) ({told})) / {_requests_query(family, window, job)}"


def _quantile_query(quantile: float) -> _Query:
    def query(family: str, window: str, job: str = "") -> str:
        return f"histogram_quantile({quantile}, sum by (job, le) (rate({_series(family, job)}[{window}])))"

    return query


def _series(family: str, job: str, *matchers: str) -> str:
    own = ",".join((*matchers, f"job={quote(job)}") if job else matchers)
    return f"{family}{{{own}}}" if own else family


_FIGURES: Sequence[tuple[str, Sequence[str], _Query]] = (
    ("requests", _REQUEST_COUNTERS, _requests_query),
    ("errors", _REQUEST_COUNTERS, _errors_query),
    ("p50", _LATENCY_BUCKETS, _quantile_query(0.5)),
    ("p95", _LATENCY_BUCKETS, _quantile_query(0.95)),
)


def is_server_error(status: str) -> bool:
    """Say whether the value of a label ``status`` or ``code`` means 5xx (some middlewares group it so)."""
    return len(status) == 3 and status.startswith("5")


def _sparks(engine: Engine, window: str, now: int) -> dict[str, tuple[float | None, ...]]:
    end = now // SPARK_STEP * SPARK_STEP
    query = " or ".join(_requests_query(family, window) for family in _REQUEST_COUNTERS)
    matrix = engine.range(query, end - SPARK_LENGTH, end, SPARK_STEP).value
    assert isinstance(matrix, Matrix)  # noqa: S101 - a range query gives nothing else.
    return {
        labels.get("job"): tuple(
            value if there and math.isfinite(value) else None
            for value, there in zip(values.tolist(), present.tolist(), strict=True)
        )
        for labels, values, present in zip(matrix.labels, matrix.values, matrix.present, strict=True)
    }


def ask_versions(engine: Engine, now: int) -> dict[str, str]:
    """Return each job's version, from the label ``version`` of the best of its ``*_build_info`` families.

    An app that is down keeps the version that it told last, for an hour.
    """
    told_now = [labels for labels, _ in _vector(engine, _BUILD_INFO, now)]
    return {**_versions(_told_last(engine, now)), **_versions(told_now)}


def _told_last(engine: Engine, now: int) -> list[Labels]:
    """Return the series of each job that have its latest sample."""
    ranges = engine.instant(f"{_BUILD_INFO}[{_VERSION_KEPT}]", now).value
    assert isinstance(ranges, Ranges)  # noqa: S101 - a range selector gives nothing else.
    told = [(labels, int(batch.timestamps[-1])) for batch in ranges.batches for labels in batch.labels]
    latest: dict[str, int] = {}
    for labels, at in told:
        latest[labels.get("job")] = max(at, latest.get(labels.get("job"), at))
    return [labels for labels, at in told if at == latest[labels.get("job")]]


def _versions(series: Iterable[Labels]) -> dict[str, str]:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for labels in series:
        found[labels.get("job")][labels.metric_name].add(labels.get("version"))
    return {job: ", ".join(sorted(_best(families))[:3]) for job, families in found.items()}


def _best(families: Mapping[str, set[str]]) -> set[str]:
    # An app's own version before that of the language it is written in.
    name = min(families, key=lambda family: (family == "go_build_info", family != "app_build_info", family))
    return families[name]


def _by_job(engine: Engine, query: str, now: int) -> dict[str, float]:
    return {labels.get("job"): value for labels, value in _vector(engine, query, now) if math.isfinite(value)}


def _vector(engine: Engine, query: str, now: int) -> list[tuple[Labels, float]]:
    vector = engine.instant(query, now).value
    assert isinstance(vector, Vector)  # noqa: S101 - every query here gives nothing else.
    return list(zip(vector.labels, vector.values.tolist(), strict=True))
