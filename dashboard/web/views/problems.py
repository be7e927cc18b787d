"""What is wrong now: alerts that fire or are pending, and targets that are down, the worst first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.rules.alert import Alert, AlertState
from dashboard.scrape.status import TargetHealth, TargetStatus
from dashboard.web import urls
from dashboard.web.views import text

_SEVERITIES = ("critical", "error", "warning", "info")
_SAID_ELSEWHERE = ("alertname", "severity", "job", METRIC_NAME)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    id: Annotated[str, "Names the problem among its sisters."]
    level: Annotated[str, "bad for what fires or is down, warn for what is pending."]
    kind: Annotated[str, "firing, pending or down."]
    title: Annotated[str, "The alert's name, or the target's address."]
    detail: Annotated[str, "What the alert says of itself, or the target's last error."]
    since: Annotated[str, "For how long."]
    url: Annotated[str, "The page that tells more."]


def alert_key(labels: Labels) -> str:
    """Return a short name for a label set, the same at each poll."""
    return hashlib.blake2b(str(labels).encode(), digest_size=8).hexdigest()


def severity_of(labels: Labels) -> str:
    """Return the label ``severity``."""
    return labels.get("severity")


def alert_order(alert: Alert) -> tuple[int, int, str, str]:
    """Return a sort key: firing before pending, then by severity and name."""
    severity = severity_of(alert.labels)
    known = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
    return -alert.state.rank, known, alert.labels.get("alertname"), str(alert.labels)


def active(alerts: Iterable[Alert]) -> list[Alert]:
    """Return the pending and firing alerts, the worst first."""
    return sorted((alert for alert in alerts if alert.is_active), key=alert_order)


def alert_problem(alert: Alert, now: int) -> Problem:
    """Put an alert into a line."""
    firing = alert.state is AlertState.FIRING
    job, severity = alert.labels.get("job"), severity_of(alert.labels)
    return Problem(
        id=alert_key(alert.labels),
        level="bad" if firing else "warn",
        kind=f"{alert.state.value} {severity}".strip(),
        title=" · ".join(filter(None, (alert.labels.get("alertname"), job))),
        detail=said_of(alert),
        since=text.age(now - alert.starts_at),
        url=urls.alerts_about(alert.labels.get("alertname")),
    )


def said_of(alert: Alert) -> str:
    """Return the summary or description of an alert, or else the labels that set it apart."""
    told_by_rule = alert.annotations.get("summary") or alert.annotations.get("description")
    return told_by_rule or ", ".join(f"{name}={value}" for name, value in alert.labels.drop(_SAID_ELSEWHERE))


def target_problem(target: TargetStatus, now: int) -> Problem:
    """Put a target that is down into a line."""
    since = text.age(now - target.last_scrape) if target.last_scrape else ""
    return Problem(
        id=f"target-{target.id}",
        level="bad",
        kind="down",
        title=" · ".join(filter(None, (target.labels.get("instance"), target.labels.get("job")))),
        detail=target.last_error,
        since=f"asked {since} ago" if since else "",
        url=urls.targets_about(target.labels.get("instance")),
    )


def problems_of(alerts: Sequence[Alert], targets: Sequence[TargetStatus], now: int) -> list[Problem]:
    """Return everything that is wrong: what fires, what is down, what is pending."""
    ordered = active(alerts)
    firing = [alert_problem(alert, now) for alert in ordered if alert.state is AlertState.FIRING]
    pending = [alert_problem(alert, now) for alert in ordered if alert.state is AlertState.PENDING]
    down = [target_problem(target, now) for target in targets if target.health is TargetHealth.DOWN]
    return [*firing, *down, *pending]
