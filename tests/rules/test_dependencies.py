"""Which rules feed later ones: only those whose series a later rule may select."""

from __future__ import annotations

import pytest

from .world import World

RULES = {
    "record": "{record: job:x, expr: x}",
    "alert": "{alert: A, expr: x}",
    "by name": "{record: r, expr: 'sum(job:x)'}",
    "by pattern": "{record: r, expr: '{__name__=~\"job:.*\"}'}",
    "any name": "{record: r, expr: '{job=\"a\"}'}",
    "range": "{record: r, expr: 'rate(job:x[1m]) + y'}",
    "other": "{record: r, expr: y}",
    "alerts": "{record: r, expr: 'count(ALERTS)'}",
    "alerts of A": "{record: r, expr: 'ALERTS_FOR_STATE{alertname=\"A\"}'}",
    "alerts of B": "{record: r, expr: 'ALERTS{alertname=\"B\"}'}",
    "query in template": "{alert: Q, expr: y, annotations: {a: '{{ query \"z\" }}'}}",
    "the word query": "{alert: Q, expr: y, annotations: {a: 'query'}}",
}


@pytest.mark.parametrize(
    ("writer", "reader", "feeds"),
    [
        ("record", "by name", True),
        ("record", "by pattern", True),
        ("record", "any name", True),
        ("record", "range", True),
        ("record", "other", False),
        ("record", "alerts", False),
        ("record", "query in template", True),
        ("record", "the word query", False),
        ("alert", "alerts", True),
        ("alert", "alerts of A", True),
        ("alert", "alerts of B", False),
        ("alert", "by name", False),
        ("alert", "any name", True),
    ],
)
def test_feeds_later(world: World, writer: str, reader: str, feeds: bool) -> None:
    """A rule feeds a later one whose selectors may meet its series, and never an earlier one."""
    world.rules(f"groups: [{{name: g, rules: [{RULES[writer]}, {RULES[reader]}]}}]")
    assert world.group("g").feeds_later == (feeds, False)
    world.rules(f"groups: [{{name: g, rules: [{RULES[reader]}, {RULES[writer]}]}}]")
    assert world.group("g").feeds_later[1] is False
