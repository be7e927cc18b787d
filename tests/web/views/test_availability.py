"""Availability by time."""

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.promql import Vector
from dashboard.storage import Storage
from dashboard.web import Parts
from dashboard.web.views import text
from dashboard.web.views.availability import DAY, ask_availability, availability_query


def store(storage: Storage, samples: list[tuple[int, float]], instance: str = "a", end: int = 0) -> None:
    """Store ``up`` of one target of the job ``api``, and from ``end`` on that it is gone."""
    labels = Labels.of({"__name__": "up", "job": "api", "instance": instance})
    series = np.array([storage.series_id(labels)], dtype=np.int64)
    appender = storage.appender()
    for at, value in samples:
        appender.append(at, series, np.array([value]))
    if end:
        appender.end(end)
    storage.flush()


def steps(start: int, end: int, step: int, value: float = 1.0) -> list[tuple[int, float]]:
    return [(at, value) for at in range(start, end, step)]


def test_an_outage_weighs_by_its_time_however_often_it_was_looked_at(parts: Parts) -> None:
    now = parts.clock()
    live = now - 3_600_000
    outage = [*steps(live, live + 120_000, 5_000, 0.0), *steps(live + 120_000, now, 5_000)]
    store(parts.storage, [*steps(now - DAY, live, 15_000), *outage])
    assert ask_availability(parts.storage, now) == {"api": pytest.approx(1 - 120_000 / DAY)}
    assert text.percent(ask_availability(parts.storage, now)["api"]) == "99.86 %"


def test_its_query_gives_the_same_however_often_it_was_looked_at(parts: Parts) -> None:
    now = parts.clock()
    live = now - 7_200_000
    store(parts.storage, [*steps(now - DAY, live, 60_000), *steps(live, now - 600_000, 15_000, 0.0)])
    store(parts.storage, steps(live, now, 15_000), instance="b")
    vector = parts.engine.instant(availability_query("api", 15_000, 2), now).value
    assert isinstance(vector, Vector)
    assert vector.values.tolist() == [pytest.approx(ask_availability(parts.storage, now)["api"], abs=1e-3)]


def test_its_query_looks_less_often_at_many_targets() -> None:
    assert "[1d:5s]" in availability_query("api", 5_000, 50)
    assert "[1d:10s]" in availability_query("api", 5_000, 100)
    assert "[1d:1m30s]" in availability_query("api", 5_000, 1000)


def test_one_failed_scrape_in_a_day_is_no_hundred_percent(parts: Parts) -> None:
    now = parts.clock()
    store(parts.storage, [*steps(now - DAY, now - 5_000, 15_000), (now - 4_999, 0.0), (now - 4_998, 1.0)])
    assert 0.999999 < ask_availability(parts.storage, now)["api"] < 1
    assert text.percent(ask_availability(parts.storage, now)["api"]) == "99.99 %"


def test_time_without_scrapes_is_left_out(parts: Parts) -> None:
    now = parts.clock()
    stopped = now - 3_600_000
    store(parts.storage, [(stopped - 600_000, 0.0), (stopped - 300_000, 1.0), (now - 300_000, 1.0)])
    assert ask_availability(parts.storage, now) == {"api": pytest.approx(2 / 3)}


def test_a_target_that_is_gone_is_not_down(parts: Parts) -> None:
    now = parts.clock()
    store(parts.storage, steps(now - 60_000, now - 30_000, 5_000), end=now - 30_000)
    store(parts.storage, [(now - 30_000, 0.0)], instance="b")
    assert ask_availability(parts.storage, now) == {"api": pytest.approx(0.5)}


def test_the_first_scrape_counts_at_once(parts: Parts) -> None:
    store(parts.storage, [(parts.clock(), 1.0)])
    assert ask_availability(parts.storage, parts.clock()) == {"api": 1.0}
