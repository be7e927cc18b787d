"""The errors of PromQL, as Prometheus's API tells them apart.

- ``PromqlError``: a query could not be answered.

  - ``ParseError``: the text is no query that may be asked (``bad_data``).
  - ``ExecutionError``: the query was understood and failed (``execution``).

    - ``TooManySamplesError``: the query would take more samples than are allowed.

  - ``QueryTimeoutError``: the query took, or waited, too long (``timeout``).
  - ``QueryCancelledError``: nobody waits for the answer any more (``canceled``).
"""

from __future__ import annotations


class PromqlError(Exception):
    """A query could not be answered."""


class ParseError(PromqlError):
    """A text is not a query that may be asked."""


class ExecutionError(PromqlError):
    """A query failed while it was evaluated."""


class TooManySamplesError(ExecutionError):
    """A query would take more samples than are allowed."""

    def __init__(self) -> None:
        super().__init__("query processing would load too many samples into memory in query execution")


class QueryTimeoutError(PromqlError):
    """A query took too long, or waited too long for its turn."""

    def __init__(self, where: str) -> None:
        super().__init__(f"query timed out in {where}")


class QueryCancelledError(PromqlError):
    """A query was given up since nobody waits for its answer any more."""

    def __init__(self, where: str) -> None:
        super().__init__(f"query was canceled in {where}")
