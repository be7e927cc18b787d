"""What a query should answer: agreement and its limits, and every way to differ."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from dashboard.model.samples import STALE
from dashboard.promql import Engine
from dashboard.rules.unit_tests import At, Expectation, Failure, MemoryStore, Over, Remarks, Tolerance, parse_series

RATE = "sum(rate(x[5m]))"
NEXT = float(np.nextafter(3.0, 4.0))


@pytest.fixture
def engine() -> Engine:
    store = MemoryStore()
    store.load(60_000, [parse_series('x{i="1"} 1 2 _ 4'), parse_series('x{i="2"} 5 NaN stale')])
    store.reveal()
    return Engine(store, registry=CollectorRegistry())


def series(*texts: str) -> list:
    return [parse_series(text) for text in texts]


@pytest.mark.parametrize(
    "met",
    [
        Expectation("x", At(0), series('x{i="2"} 5', 'x{i="1"} 1')),
        Expectation("x", At(60_000), series('x{i="2"} NaN', 'x{i="1"} 2')),
        Expectation("x", Over(0, 180_000, 60_000), series('x{i="1"} 1 2 2 4', 'x{i="2"} 5 NaN')),
        Expectation("sum(x) / 2", At(0), series("{} 3")),
        Expectation("1 + 1", At(0), 2.0),
        Expectation("1 + 1", At(0), 2.000001),
        Expectation("sort_desc(x)", At(0), series('x{i="2"} 5', 'x{i="1"} 1'), ordered=True),
        Expectation("x + on () x", At(0), Failure(lambda message: "many-to-many" in message)),
        Expectation(
            "sum(rate(x[5m]))",
            At(60_000),
            series("{} NaN"),
            infos=Remarks(wanted=[re.compile("might not be a counter").search]),
        ),
        Expectation(
            "quantile(2, x)", At(0), series("{} Inf"), warnings=Remarks(wanted=[re.compile("quantile").search])
        ),
        Expectation("sum(x)", At(0), series("{} 6"), warnings=Remarks(forbidden=True), infos=Remarks(forbidden=True)),
    ],
    ids=lambda met: met.expr,
)
def test_an_answer_as_expected_has_no_problems(engine: Engine, met: Expectation) -> None:
    """Vectors, matrices, scalars, errors and remarks are compared."""
    assert met.problems(engine) == []


@pytest.mark.parametrize(
    ("missed", "problem"),
    [
        (Expectation("x", At(0), series('x{i="1"} 1')), 'unexpected {__name__="x", i="2"} 5E+00'),
        (
            Expectation("sum(x)", At(0), series("{} 6", 'y{a="b"} 1')),
            'expected {__name__="y", a="b"}, which is not there',
        ),
        (Expectation("sum(x)", At(0), series("{} 6.1")), "expected {} 6.1E+00, got 6E+00"),
        (Expectation("sum(x)", Over(0, 60_000, 60_000), series("{} 6")), "expected {} 6E+00, got 6E+00 NaN"),
        (Expectation("1", At(0), 2.0), "expected 2E+00, got 1E+00"),
        (Expectation("x", At(0), 2.0), "expected a scalar, got vector"),
        (Expectation("1", At(0), series("{} 1")), "expected series, got scalar"),
        (Expectation("x", At(0), Failure()), "the query should have failed"),
        (Expectation("x +", At(0), 1.0), "the query failed: 1:4: parse error: unexpected end of input"),
        (Expectation("x +", At(0), Failure(lambda _: False)), "it failed with another error: "),
        (Expectation("sort(x)", At(0), series('x{i="2"} 5', 'x{i="1"} 1'), ordered=True), "expected the order "),
        (Expectation("sum(x)", At(0), series("{} 6"), infos=Remarks(wanted=[lambda _: True])), "info 1 was expected"),
        (
            Expectation(RATE, At(60_000), series("{} NaN"), infos=Remarks(forbidden=True)),
            "unexpected info: PromQL info",
        ),
        (
            Expectation(RATE, At(60_000), series("{} NaN"), infos=Remarks(wanted=[lambda _: False])),
            "info 1 was expected",
        ),
    ],
    ids=lambda part: part.expr if isinstance(part, Expectation) else "",
)
def test_every_difference_is_told(engine: Engine, missed: Expectation, problem: str) -> None:
    """What differs is named."""
    assert missed.problems(engine)[0].startswith(problem)


@pytest.mark.parametrize(
    ("expected", "got", "agreeing"),
    [
        (3.0, 3.0, set(Tolerance)),
        (3.0, NEXT, {Tolerance.NEIGHBOUR, Tolerance.RELATIVE}),
        (3.0, float(np.nextafter(NEXT, 4.0)), {Tolerance.RELATIVE}),
        (1.0, 1.0000015, {Tolerance.RELATIVE}),
        (1.0, 1.00001, set()),
        (0.0, 1e-300, set()),
        (math.inf, math.inf, set(Tolerance)),
        (math.inf, 1.7976931348623157e308, {Tolerance.NEIGHBOUR}),
        (math.nan, math.nan, set(Tolerance)),
        (math.nan, STALE, set()),
        (math.nan, 1.0, set()),
    ],
)
def test_tolerances(expected: float, got: float, agreeing: set[Tolerance]) -> None:
    """Each tolerance lets through what it says, in both directions."""
    assert {each for each in Tolerance if each.agree(expected, got)} == agreeing
    assert {each for each in Tolerance if each.agree(got, expected)} == agreeing
