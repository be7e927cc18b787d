"""The overview: what is wrong now, a card for each app, and the host strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from dashboard.rules.alert import Alert, AlertState
from dashboard.scrape.status import TargetHealth, TargetStatus
from dashboard.web.views import text
from dashboard.web.views.cards import AppState, Card, make_card, worst_first
from dashboard.web.views.figures import Figures
from dashboard.web.views.host import Gauge
from dashboard.web.views.local import is_local
from dashboard.web.views.problems import Problem, problems_of

_MOST_PROBLEMS = 8


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview shows and polls."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire."]
    level: Annotated[str, "bad, warn, unknown or ok: the worst of everything."]
    headline: Annotated[str, "What is wrong, in a few words, or that all is well."]
    summary: Annotated[str, "How much is watched, in a sentence."]
    notice: Annotated[str, "Why figures are missing, or nothing."]
    problems: Annotated[tuple[Problem, ...], "What is wrong, the worst first, as many as fit."]
    more: Annotated[str, "How many problems are not shown, or nothing."]
    host: Annotated[tuple[Gauge, ...], "This machine's own figures; empty where it is not scraped."]
    amount: Annotated[str, "How many apps there are, in words."]
    cards: Annotated[tuple[Card, ...], "The apps, the worst first."]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the parts have answered; the figures are missing where the engine could not answer."""

    targets: Sequence[TargetStatus]
    alerts: Sequence[Alert]
    figures: Mapping[str, Figures] = field(default_factory=dict)
    availability: Mapping[str, float] = field(default_factory=dict)
    beats: Mapping[str, str] = field(default_factory=dict)
    host: tuple[Gauge, ...] = ()
    notice: str = ""


def make_overview(asked: Asked, now: int) -> Overview:
    """Put the answers together."""
    apps = sorted((app_state(job, asked) for job in jobs_of(asked.targets)), key=worst_first)
    problems = problems_of(asked.alerts, asked.targets, now)
    left_out = len(problems) - _MOST_PROBLEMS
    return Overview(
        at=now,
        firing=count_alerts(asked.alerts, AlertState.FIRING),
        level=_level(asked),
        headline=_headline(asked),
        summary=_summary(apps, asked.targets),
        notice=asked.notice,
        problems=tuple(problems[:_MOST_PROBLEMS]),
        more=f"and {left_out} more" if left_out > 0 else "",
        host=asked.host,
        amount=text.count(len(apps), "app"),
        cards=tuple(map(make_card, apps)),
    )


def app_targets(targets: Sequence[TargetStatus]) -> list[TargetStatus]:
    """Return the targets that are apps: all but this server's own pages."""
    return [target for target in targets if not is_local(target.url)]


def jobs_of(targets: Sequence[TargetStatus]) -> list[str]:
    """Return the jobs that have a card."""
    return sorted({target.labels.get("job") for target in app_targets(targets)})


def app_state(job: str, asked: Asked) -> AppState:
    """Gather what is known of one app."""
    targets = [target for target in asked.targets if target.labels.get("job") == job]
    alerts = [alert for alert in asked.alerts if concerns(alert, job)]
    return AppState(
        job=job,
        up=count_health(targets, TargetHealth.UP),
        down=count_health(targets, TargetHealth.DOWN),
        unknown=count_health(targets, TargetHealth.UNKNOWN),
        firing=count_alerts(alerts, AlertState.FIRING),
        pending=count_alerts(alerts, AlertState.PENDING),
        figures=asked.figures.get(job, Figures()),
        availability=asked.availability.get(job),
        beats=asked.beats.get(job, ""),
        instances=tuple(target.labels.get("instance") for target in targets),
        interval=max((target.interval for target in targets), default=0),
    )


def concerns(alert: Alert, job: str) -> bool:
    """Say whether an alert is about a job: its rule kept the label ``job``, or the label ``app`` of the same name."""
    return (alert.labels.get("job") or alert.labels.get("app")) == job


def count_health(targets: Sequence[TargetStatus], health: TargetHealth) -> int:
    """Count the targets of one health."""
    return sum(target.health is health for target in targets)


def count_alerts(alerts: Sequence[Alert], state: AlertState) -> int:
    """Count the alerts in one state."""
    return sum(alert.state is state for alert in alerts)


def _level(asked: Asked) -> str:
    if count_alerts(asked.alerts, AlertState.FIRING) or count_health(asked.targets, TargetHealth.DOWN):
        return "bad"
    if count_alerts(asked.alerts, AlertState.PENDING):
        return "warn"
    return "unknown" if asked.notice or not count_health(asked.targets, TargetHealth.UP) else "ok"


def _headline(asked: Asked) -> str:
    firing, pending = (count_alerts(asked.alerts, state) for state in (AlertState.FIRING, AlertState.PENDING))
    down = count_health(asked.targets, TargetHealth.DOWN)
    parts = []
    if firing:
        parts.append(f"{text.count(firing, 'alert')} firing")
    if down:
        parts.append(f"{text.count(down, 'target')} down")
    if pending:
        parts.append(f"{pending} pending" if firing else f"{text.count(pending, 'alert')} pending")
    if parts:
        return ", ".join(parts)
    return "All clear" if count_health(asked.targets, TargetHealth.UP) else "Nothing is known yet"


def _summary(apps: Sequence[AppState], targets: Sequence[TargetStatus]) -> str:
    if not targets:
        return "No target is configured."
    up = sum(app.up > 0 and not app.down for app in apps)
    well = count_health(targets, TargetHealth.UP)
    return f"{up} of {text.count(len(apps), 'app')} up, {well} of {text.count(len(targets), 'target')} answering"
