"""What is asked of the engine for the cards of all apps at once: a handful of queries, however many apps there are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dashboard.model.duration import format_duration
from dashboard.model.labels import Labels
from dashboard.promql import Engine, Matrix, Ranges, Vector

SPARK_LENGTH = 15 * 60_000
SPARK_STEP = 15_000
_SHORTEST_WINDOW = 60_000

# The first family that a job exposes is the one that counts its requests, and is timed.
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


def rate_window(interval: int) -> int:
    """Return how far back a rate looks at a scrape interval: four scrapes, and a minute at least (milliseconds)."""
    return max(_SHORTEST_WINDOW, 4 * interval)


def ask_figures(engine: Engine, interval: int, now: int) -> dict[str, Figures]:
    """Return the figures of every job. ``interval`` is the longest scrape interval among them, in milliseconds.

    Raises:
        PromqlError: a query could not be answered.
    """
    window = format_duration(rate_window(interval))
    requests, errors = _requests(engine, window, now)
    p50 = _by_job(engine, _quantile(0.5, window), now)
    p95 = _by_job(engine, _quantile(0.95, window), now)
    versions = ask_versions(engine, now)
    sparks = _sparks(engine, window, now)
    jobs = {*requests, *p50, *p95, *versions, *sparks}
    return {
        job: Figures(
            requests.get(job), errors.get(job), p50.get(job), p95.get(job), versions.get(job, ""), sparks.get(job, ())
        )
        for job in jobs
    }


def _requests(engine: Engine, window: str, now: int) -> tuple[dict[str, float], dict[str, float | None]]:
    totals: dict[str, float] = defaultdict(float)
    failed: dict[str, float] = defaultdict(float)
    told: set[str] = set()
    rates = (f"sum by (job, status, code) (rate({name}[{window}]))" for name in _REQUEST_COUNTERS)
    for labels, value in _vector(engine, " or on (job) ".join(rates), now):
        job, status = labels.get("job"), labels.get("status") or labels.get("code")
        totals[job] += value
        if status:
            told.add(job)
            failed[job] += value if is_server_error(status) else 0.0
    return totals, {job: _ratio(failed[job], totals[job]) for job in told}


def is_server_error(status: str) -> bool:
    """Say whether the value of a label ``status`` or ``code`` means 5xx (some middlewares group it so)."""
    return len(status) == 3 and status.startswith("5")


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _quantile(quantile: float, window: str) -> str:
    sums = (f"histogram_quantile({quantile}, sum by (job, le) (rate({name}[{window}])))" for name in _LATENCY_BUCKETS)
    return " or ".join(sums)


def _sparks(engine: Engine, window: str, now: int) -> dict[str, tuple[float | None, ...]]:
    end = now // SPARK_STEP * SPARK_STEP
    query = " or ".join(f"sum by (job) (rate({name}[{window}]))" for name in _REQUEST_COUNTERS)
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
