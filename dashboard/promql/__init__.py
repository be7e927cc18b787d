"""PromQL, Prometheus 3's query language: a text becomes a tree, and the tree a matrix of series and steps."""

from __future__ import annotations

from dashboard.promql.ast import Expr
from dashboard.promql.context import Queryable
from dashboard.promql.engine import Engine
from dashboard.promql.errors import ExecutionError, ParseError, PromqlError, QueryCancelledError, QueryTimeoutError
from dashboard.promql.matrix import Matrix
from dashboard.promql.parser import parse
from dashboard.promql.results import QueryResult, Ranges, Scalar, String, Value, Vector
from dashboard.promql.stats import Phase, QueryStats

__all__ = [
    "Engine",
    "ExecutionError",
    "Expr",
    "Matrix",
    "ParseError",
    "Phase",
    "PromqlError",
    "QueryCancelledError",
    "QueryResult",
    "QueryStats",
    "QueryTimeoutError",
    "Queryable",
    "Ranges",
    "Scalar",
    "String",
    "Value",
    "Vector",
    "parse",
]
