"""Alerting rules: which alerts an expression's results mean (``rules/alerting.go`` of Prometheus)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.promql.ast import Expr
from dashboard.rules import alert as alerts
from dashboard.rules.alert import Alert, AlertState, Delays
from dashboard.rules.errors import DuplicateSeriesError, LimitExceededError, TemplateError
from dashboard.rules.recovery import Recovery
from dashboard.rules.rule import EvalTime, Row, RowWriter, Rule, VectorQuery
from dashboard.rules.status import RuleKind, RuleStatus
from dashboard.rules.template_functions import table_link
from dashboard.rules.templates import Expander, Template

__all__ = ["Alert", "AlertState", "AlertingRule"]

ALERT_NAME = "alertname"
ALERT_STATE = "alertstate"
ALERTS_METRIC = "ALERTS"
FOR_STATE_METRIC = "ALERTS_FOR_STATE"

_logger = logging.getLogger(__name__)


class AlertingRule(Rule):
    """A rule whose results are alerts.

    ``active`` holds the alerts by their labels: the pending and firing ones, and the resolved ones of the last 15
    minutes. It is replaced as a whole, so that readers in other threads need no lock.
    """

    kind = RuleKind.ALERTING

    def __init__(
        self,
        name: str,
        expr: Expr,
        query: str,
        labels: Labels,
        writer: RowWriter,
        *,
        delays: Delays,
        annotations: Labels,
        expander: Expander,
        external_url: str,
    ) -> None:
        super().__init__(name, expr, query, labels, writer)
        self.delays = delays
        self.annotations = annotations
        self.active: Mapping[Labels, Alert] = {}
        self._expander = expander
        self._label_templates = _compiled(expander, labels)
        self._annotation_templates = _compiled(expander, annotations)
        self._generator_url = external_url + table_link(query)
        self.recovery = Recovery()
        self._is_timeless = all(template.is_timeless for _, template in self._templates)
        self._made: dict[Labels, Alert] = {}

    @property
    def _templates(self) -> tuple[tuple[str, Template], ...]:
        return self._label_templates + self._annotation_templates

    @property
    def queries_in_templates(self) -> bool:
        """Whether a label or an annotation runs queries of its own."""
        return any(template.queries for _, template in self._templates)

    def evaluate(self, query: VectorQuery, time: EvalTime, limit: int) -> Row:
        """Move every alert on to ``time`` and return the series ``ALERTS`` and ``ALERTS_FOR_STATE``.

        Raises:
            DuplicateSeriesError: two results are one alert; no alert changes.
            LimitExceededError: there are more pending and firing alerts than allowed; all are dropped.
            PromqlError: the query failed; no alert changes.
        """
        found = self._found(query, time)
        self.active = self._advanced(found, time.now)
        active = [alert for alert in self.active.values() if alert.is_active]
        if 0 < limit < len(active):
            self.active = {}
            self.recovery = Recovery()
            raise LimitExceededError(limit, len(active), "alerts")
        return self._row(active)

    def _found(self, query: VectorQuery, time: EvalTime) -> dict[Labels, Alert]:
        vector = query(self.expr, time.data_time)
        made = {
            labels: self._made_again(labels, value, time.now)
            for labels, value in zip(vector.labels, vector.values.tolist(), strict=True)
        }
        found = {alert.labels: alert for alert in made.values()}
        if len(found) < len(made):
            raise DuplicateSeriesError("alert")
        self._made = made
        return found

    def _made_again(self, result: Labels, value: float, now: int) -> Alert:
        """Return the alert of a result; its texts are rendered again only where they may differ from the last time."""
        last = self._made.get(result)
        if last is not None and last.value == value and self._is_timeless:
            return replace(last, active_at=now)
        return self._new_alert(result, value, now)

    def _new_alert(self, result: Labels, value: float, now: int) -> Alert:
        def expanded(templates: Iterable[tuple[str, Template]]) -> dict[str, str]:
            return {name: self._expand(template, result, value, now) for name, template in templates}

        return Alert(
            state=AlertState.PENDING,
            labels=result.without_name().merged({**expanded(self._label_templates), ALERT_NAME: self.name}),
            annotations=Labels.of(expanded(self._annotation_templates)),
            value=value,
            active_at=now,
            generator_url=self._generator_url,
        )

    def _expand(self, template: Template, result: Labels, value: float, now: int) -> str:
        try:
            return self._expander.render(template, result, value, now)
        except TemplateError as error:
            _logger.warning("expanding a template of alert %s failed: %s", self.name, error)
            return f"<error expanding template: {error}>"

    def _advanced(self, found: Mapping[Labels, Alert], now: int) -> dict[Labels, Alert]:
        before = self.recovery.moved_on(self.active, now)
        after = {labels: alerts.seen(before.get(labels), alert, self.delays, now) for labels, alert in found.items()}
        for labels, alert in before.items():
            if labels not in found:
                kept = alert if self.recovery.holds(labels) else alerts.missed(alert, self.delays, now)
                if kept is not None:
                    after[labels] = kept
        self.recovery.evaluated(found, now)
        return after

    def _row(self, active: Sequence[Alert]) -> Row:
        row: dict[Labels, float] = {}
        for alert in active:
            labels = {**dict(alert.labels), ALERT_NAME: self.name}
            state = {METRIC_NAME: ALERTS_METRIC, ALERT_STATE: alert.state.value}
            row[self.labels.merged({**labels, **state})] = 1.0
            row[self.labels.merged({**labels, METRIC_NAME: FOR_STATE_METRIC})] = float(alert.active_at // 1000)
        return row

    def due_for_sending(self, resend_delay: int, interval: int, now: int) -> list[Alert]:
        """Return the alerts of which receivers should hear now, and remember that they were sent."""
        due = [
            alerts.sent(alert, resend_delay, interval, now)
            for alert in self.active.values()
            if alerts.needs_sending(alert, resend_delay, now)
        ]
        if due:
            self.active = {**self.active, **{alert.labels: alert for alert in due}}
        return due

    def restore(self, active: Mapping[Labels, Alert], looked_at: int) -> None:
        """Go on with the alerts of before a restart; ``looked_at`` is when they were last evaluated."""
        self.active = active
        self.recovery = Recovery.of(active, looked_at)

    def adopt(self, former: Rule) -> None:
        """Go on with the alerts and the rows that the same rule had before a reload."""
        self.writer = former.writer
        if isinstance(former, AlertingRule):
            self.active = former.active
            self.recovery = former.recovery

    def status(self) -> RuleStatus:
        """Tell how the rule and its alerts stand."""
        active = tuple(alert for alert in self.active.values() if alert.is_active)
        states = (alert.state for alert in active)
        return replace(
            super().status(),
            state=max(states, key=lambda state: state.rank, default=AlertState.INACTIVE),
            hold_duration=self.delays.hold,
            keep_firing_for=self.delays.keep_firing,
            annotations=self.annotations,
            alerts=active,
        )


def _compiled(expander: Expander, texts: Labels) -> tuple[tuple[str, Template], ...]:
    return tuple((name, expander.compile(text)) for name, text in texts)
