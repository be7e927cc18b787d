"""What the rules tell to others: frozen records behind ``/api/v1/rules``, ``/api/v1/alerts`` and the pages.

Times are milliseconds since 1970 and ``None`` before the first evaluation; durations are milliseconds, measured
evaluation times are seconds.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.model.labels import Labels
from dashboard.rules.alert import Alert, AlertState

NO_LABELS = Labels()


class RuleHealth(enum.Enum):
    """How a rule's last evaluation went."""

    UNKNOWN = "unknown"
    """It was not evaluated yet."""
    GOOD = "ok"
    """It was evaluated, and what it gave was stored."""
    BAD = "err"
    """Its query, its result or storing it failed; the last error says why."""


class RuleKind(enum.Enum):
    """The two kinds of rules, under the names of Prometheus's API."""

    ALERTING = "alerting"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """One rule. ``labels`` and ``annotations`` are those of the file: templates are not expanded."""

    kind: RuleKind
    name: str
    query: str
    labels: Labels
    health: RuleHealth
    last_error: str
    evaluation_time: float
    last_evaluation: int | None
    state: AlertState = AlertState.INACTIVE
    """The worst state of the alerts."""
    hold_duration: int = 0
    """``for``."""
    keep_firing_for: int = 0
    annotations: Labels = NO_LABELS
    alerts: Sequence[Alert] = ()
    """The pending and firing alerts."""


@dataclass(frozen=True, slots=True)
class RuleGroupStatus:
    """One group with its rules in order."""

    name: str
    file: str
    interval: int
    limit: int
    query_offset: int
    evaluation_time: float
    last_evaluation: int | None
    rules: Sequence[RuleStatus]


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One change of an alert's state, as it was stored."""

    time: int
    file: str
    group: str
    labels: Labels
    before: AlertState
    after: AlertState
    value: float
