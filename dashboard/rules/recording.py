"""Recording rules: the result of a query, stored under a name of its own (``rules/recording.go`` of Prometheus)."""

from __future__ import annotations

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.rules.errors import DuplicateSeriesError, LimitExceededError
from dashboard.rules.rule import EvalTime, Row, Rule, VectorQuery
from dashboard.rules.status import RuleKind


class RecordingRule(Rule):
    """A rule that records what its expression gives."""

    kind = RuleKind.RECORDING

    def evaluate(self, query: VectorQuery, time: EvalTime, limit: int) -> Row:
        """Return the query's result under the rule's name and labels.

        Raises:
            DuplicateSeriesError: two results have one label set once the rule's labels are set.
            LimitExceededError: there are more results than the group may give.
            PromqlError: the query failed.
        """
        vector = query(self.expr, time.data_time)
        over = {METRIC_NAME: self.name, **dict(self.labels)}
        row: dict[Labels, float] = {
            labels.merged(over): float(value) for labels, value in zip(vector.labels, vector.values, strict=True)
        }
        if len(row) < len(vector.labels):
            raise DuplicateSeriesError("rule")
        if 0 < limit < len(row):
            raise LimitExceededError(limit, len(row), "series")
        return row

    def adopt(self, former: Rule) -> None:
        """Go on with the former rule's rows, so that series which are gone now are ended."""
        self.writer = former.writer
