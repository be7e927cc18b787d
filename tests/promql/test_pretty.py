"""Long queries are written over several lines, short ones on one."""

from __future__ import annotations

import pytest

from dashboard.promql import parse
from dashboard.promql.pretty import pretty

LONG = 'rate(http_requests_total{handler="/api/v1/query",instance="localhost:9090",job="api"}[5m])'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('sum(rate(x{b="1",a="2"}[5m]))by(c)', 'sum by (c) (rate(x{a="2",b="1"}[5m]))'),
        (f"sum by (job) ({LONG})", f"sum by (job) (\n  {LONG}\n)"),
        (f"topk(5, sum({LONG}))", f"topk(\n  5,\n  sum({LONG})\n)"),
        (f"{LONG} / on (a) group_left (b) {LONG}", f"  {LONG}\n/ on (a) group_left (b)\n  {LONG}"),
        (f"({LONG} > bool 0.001)", f"(\n    {LONG}\n  > bool\n    0.001\n)"),
        (f"-(0.00005 * {LONG})", f"-(\n  0.00005 * {LONG}\n)"),
        (f"max_over_time(({LONG} + 100000)[1h:5m] offset 5m)",
         f"max_over_time(\n  (\n    {LONG} + 100000\n  )[1h:5m] offset 5m\n)"),
        (f"label_replace({LONG}, 'a', '$1', 'b', '(.*)')",
         f'label_replace(\n  {LONG},\n  "a",\n  "$1",\n  "b",\n  "(.*)"\n)'),
    ],
)  # fmt: skip
def test_queries_are_written_as_prometheus_writes_them(query: str, expected: str) -> None:
    assert pretty(parse(query)) == expected


@pytest.mark.parametrize("query", [LONG, f"sum({LONG}) / sum({LONG})", f"-{LONG}", f"topk(1, {LONG})"])
def test_what_is_written_says_the_same(query: str) -> None:
    assert parse(pretty(parse(query))) == parse(query)


def test_the_length_of_a_line_is_counted_in_bytes() -> None:
    """As Go does."""
    inner = 'x{a="' + "é" * 45 + '"}'
    assert pretty(parse(f"sum({inner})")) == f"sum(\n  {inner}\n)"
