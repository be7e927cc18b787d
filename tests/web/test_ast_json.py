"""A parsed query as JSON: every kind of node, with all its fields."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.promql import parse
from dashboard.web.ast_json import ast_json

NAME = {"name": "__name__", "type": "=", "value": "x"}
X = {
    "type": "vectorSelector",
    "name": "x",
    "matchers": [NAME],
    "offset": 0,
    "timestamp": None,
    "startOrEnd": None,
}
ONE = {"type": "numberLiteral", "val": "1"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1e21", {"type": "numberLiteral", "val": "1000000000000000000000"}),
        ("NaN", {"type": "numberLiteral", "val": "NaN"}),
        ('"a"', {"type": "stringLiteral", "val": "a"}),
        ("x", X),
        ("(x)", {"type": "parenExpr", "expr": X}),
        ("-x", {"type": "unaryExpr", "op": "-", "expr": X}),
        ("x @ end() offset -2m", X | {"offset": -120_000, "startOrEnd": "end"}),
        ("x[5m] @ 100.5", X | {"type": "matrixSelector", "range": 300_000, "timestamp": 100_500}),
        (
            'x{a=~"b"}',
            X | {"matchers": [{"name": "a", "type": "=~", "value": "b"}, NAME]},
        ),
        (
            "x[5m:1m]",
            {
                "type": "subquery",
                "expr": X,
                "range": 300_000,
                "step": 60_000,
                "offset": 0,
                "timestamp": None,
                "startOrEnd": None,
            },
        ),
        (
            "topk by (a) (1, x)",
            {"type": "aggregation", "op": "topk", "expr": X, "param": ONE, "grouping": ["a"], "without": False},
        ),
        (
            "sum without () (x)",
            {"type": "aggregation", "op": "sum", "expr": X, "param": None, "grouping": [], "without": True},
        ),
        (
            "round(x)",
            {
                "type": "call",
                "func": {"name": "round", "argTypes": ["vector", "scalar"], "variadic": 1, "returnType": "vector"},
                "args": [X],
            },
        ),
        (
            "1 < bool x",
            {"type": "binaryExpr", "op": "<", "lhs": ONE, "rhs": X, "matching": None, "bool": True},
        ),
        (
            "x / on (a) group_left (b) x",
            {
                "type": "binaryExpr",
                "op": "/",
                "lhs": X,
                "rhs": X,
                "matching": {"card": "many-to-one", "labels": ["a"], "on": True, "include": ["b"]},
                "bool": False,
            },
        ),
    ],
)
def test_each_kind_of_node_has_its_shape(query: str, expected: dict[str, Any]) -> None:
    assert ast_json(parse(query)) == expected
