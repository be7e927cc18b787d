"""A query with its answer, as the page shows it."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.promql import Engine
from dashboard.web import Parts
from dashboard.web.views.explore import Question, ask

from ..conftest import NOW


@pytest.fixture
def engine(parts: Parts) -> Engine:
    return parts.engine


def question(expr: str, tab: str = "", range_: str = "10m", end: str = "", refresh: str = "") -> Question:
    return Question.of(expr, tab, range_, end, refresh)


def test_a_vector_is_a_table_of_series(engine: Engine) -> None:
    answer = ask(engine, question('{__name__=~"queue|requests_total",job="api"}'), NOW)
    assert [(row.id, row.value) for row in answer.rows] == [
        ('queue{job="api"}', "10"),
        ('requests_total{job="api", path="a\\"b\\\\c\\n"}', "1200"),
    ]
    assert answer.summary.startswith("2 series in ")
    assert answer.error == ""


@pytest.mark.parametrize(
    ("expr", "rows"),
    [
        ("1 / 3", [("scalar", "0.3333333333333333")]),
        ('"text"', [("string", "text")]),
        ("queue[30s]", [('queue{job="api"}', "9.75 @1699999985\n10 @1700000000")]),
        ("nothing", []),
        ("", []),
    ],
)
def test_every_kind_of_value_has_its_rows(engine: Engine, expr: str, rows: list[tuple[str, str]]) -> None:
    assert [(row.id, row.value) for row in ask(engine, question(expr), NOW).rows] == rows


def test_long_ranges_show_their_newest_samples(engine: Engine) -> None:
    (row,) = ask(engine, question("vector(1)[10m:1s]"), NOW).rows
    shown = row.value.splitlines()
    assert (shown[0], shown[-1], len(shown)) == ("…", "1 @1700000000", 101)


def test_a_long_table_says_how_much_it_leaves_out(parts: Parts) -> None:
    series = np.array([parts.storage.series_id(Labels.of({"__name__": "many", "i": str(i)})) for i in range(503)])
    parts.storage.appender().append(NOW, series, np.ones(503))
    parts.storage.flush()
    answer = ask(parts.engine, question("many"), NOW)
    assert (len(answer.rows), answer.more) == (500, "3 further series are not shown.")
    assert answer.summary.startswith("503 series in ")


def test_a_graph_has_its_lines_over_the_range(engine: Engine) -> None:
    chart = ask(engine, question("queue", "graph"), NOW).chart
    assert (chart.start, chart.step, chart.count) == (NOW - 600_000, 2000, 301)
    (series,) = chart.series
    assert (series.id, series.last) == ('queue{job="api"}', "10")
    assert series.values[-1] == 10.0
    assert series.path.startswith("M")


def test_a_graph_without_lines_says_so(engine: Engine) -> None:
    answer = ask(engine, question("nothing", "graph"), NOW)
    assert (answer.chart.series, answer.chart.note) == ((), "Nothing in this range.")


def test_a_graph_of_many_series_draws_the_largest(engine: Engine) -> None:
    many = " or ".join(f'label_replace(vector({number}), "a", "{number}", "", "")' for number in range(25))
    chart = ask(engine, question(many, "graph"), NOW).chart
    assert len(chart.series) == 20
    assert chart.note == "5 further series not drawn"
    assert '{a="24"}' in {series.id for series in chart.series}


@pytest.mark.parametrize(
    ("expr", "place"),
    [
        ("sum(queue", "sum(queue\n         ^"),
        ("queue +", "queue +\n       ^"),
        ('x{é="', 'x{é="\n  ^'),
        ("a +\n  b{", "  b{\n    ^"),
    ],
)
def test_an_error_is_shown_below_its_place(engine: Engine, expr: str, place: str) -> None:
    answer = ask(engine, question(expr), NOW)
    assert "parse error" in answer.error
    assert answer.error_place == place


def test_an_error_without_a_place_is_told_all_the_same(engine: Engine) -> None:
    answer = ask(engine, question("requests_total * on () queue"), NOW)
    assert "many-to-one matching must be explicit" in answer.error
    assert answer.error_place == ""
    refused = ask(engine, question("queue[5m]", "graph"), NOW)
    assert "invalid expression type" in refused.error


def test_remarks_are_told(engine: Engine) -> None:
    answer = ask(engine, question("rate(queue[5m])"), NOW)
    assert "might not be a counter" in answer.remarks[0].id


def test_the_end_moves_in_steps_unless_it_is_given(engine: Engine) -> None:
    assert question("1", range_="1d").times(NOW + 1) == (
        NOW // 345_000 * 345_000 - 86_400_000,
        NOW // 345_000 * 345_000,
    )
    fixed = question("queue", end="1699999700.5")
    assert fixed.times(NOW) == (1_699_999_100_500, 1_699_999_700_500)
    assert ask(engine, fixed, NOW).rows[0].value == "5"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("up", "graph", "6h", "", "5s"), {"expr": "up", "tab": "graph", "range": "6h", "refresh": "5s"}),
        ((" up ", "x", "x", "x", "x"), {"expr": "up"}),
        (("up", "", "1h", "", "off"), {"expr": "up"}),
        (("up", "", "0s", "", ""), {"expr": "up"}),
        (("up", "", "9999y", "2015-07-01T20:10:51Z", ""), {"expr": "up", "end": "2015-07-01T20:10:51Z"}),
        (("up", "", "90s", "", ""), {"expr": "up", "range": "90s"}),
    ],
)
def test_what_makes_no_sense_has_its_default(given: tuple[str, str, str, str, str], kept: dict[str, str]) -> None:
    assert Question.of(*given).parameters == kept
