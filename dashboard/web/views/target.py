"""The page of one target: how it got its labels, rule by rule, or which rule dropped it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelConfig, RelabelStep
from dashboard.scrape.status import ScrapePool, TargetStatus
from dashboard.web.views.targets import Label, TargetRow, dropped_id, shown_labels, target_row

_DEFAULT = RelabelConfig()


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule did to one label."""

    name: Annotated[str, "The label."]
    kind: Annotated[str, "added, changed or removed."]
    before: Annotated[str, "The value before, or nothing."]
    after: Annotated[str, "The value after, or nothing."]


@dataclass(frozen=True, slots=True)
class StepRow:
    """One relabelling rule."""

    id: Annotated[str, "The place of the rule among its sisters, from 1 on."]
    action: Annotated[str, "What the rule does."]
    rule: Annotated[str, "The rule as a configuration has it, without what is its default."]
    level: Annotated[str, "bad for the rule that dropped the target, ok for one that changed something, else unknown."]
    effect: Annotated[str, "What came of it, in words."]
    changes: Annotated[tuple[Change, ...], "What it did to labels."]


@dataclass(frozen=True, slots=True)
class TargetView:
    """What the page of one target shows and polls."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire."]
    id: Annotated[str, "Names the target."]
    pool: Annotated[str, "The job that it belongs to."]
    address: Annotated[str, "The address that was discovered."]
    verdict: Annotated[str, "That relabelling dropped the target, or nothing."]
    targets: Annotated[tuple[TargetRow, ...], "The target itself; none where it was dropped."]
    discovered: Annotated[tuple[Label, ...], "The labels before relabelling."]
    steps: Annotated[tuple[StepRow, ...], "The rules, in order."]
    labels: Annotated[tuple[Label, ...], "The labels that its series get."]


@dataclass(frozen=True, slots=True)
class Found:
    """A target by its name: scraped, or dropped, which has no status."""

    pool: str
    discovered: Labels
    status: TargetStatus | None


def find_target(pools: Sequence[ScrapePool], target_id: str) -> Found | None:
    """Return the target of that name, or ``None`` where there is none any more."""
    for pool in pools:
        for target in pool.active:
            if target.id == target_id:
                return Found(pool.name, target.discovered_labels, target)
        for labels in pool.dropped:
            if dropped_id(pool.name, labels) == target_id:
                return Found(pool.name, labels, None)
    return None


def make_target(target_id: str, found: Found, steps: Sequence[RelabelStep], firing: int, now: int) -> TargetView:
    """Put one target and its rules into words."""
    status = found.status
    return TargetView(
        at=now,
        firing=firing,
        id=target_id,
        pool=found.pool,
        address=found.discovered.get("__address__"),
        verdict="" if status else "Relabelling dropped this target: it is not scraped.",
        targets=(target_row(status, now),) if status else (),
        discovered=shown_labels(found.discovered),
        steps=tuple(_step_rows(found.discovered, steps)),
        labels=shown_labels(status.labels) if status else (),
    )


def _step_rows(discovered: Labels, steps: Sequence[RelabelStep]) -> list[StepRow]:
    rows, before = [], dict(discovered)
    for place, step in enumerate(steps, start=1):
        after = before if step.labels is None else dict(step.labels)
        rows.append(_step_row(str(place), step, _changes(before, after)))
        before = after
    return rows


def _step_row(place: str, step: RelabelStep, changes: tuple[Change, ...]) -> StepRow:
    action, dropped = step.config.action.value, step.labels is None
    level = "bad" if dropped else "ok" if changes else "unknown"
    effect = "dropped the target" if dropped else "" if changes else "changed nothing"
    return StepRow(place, action, rule_text(step.config), level, effect, changes)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            kind = "changed" if old and new else "added" if new else "removed"
            found.append(Change(name, kind, old, new))
    return tuple(found)


def rule_text(rule: RelabelConfig) -> str:
    """Return a rule's fields that are not its default, one a line, as YAML has them but for quotes."""
    fields = {
        "source_labels": "[" + ", ".join(rule.source_labels) + "]" if rule.source_labels else "",
        "separator": _unless_default(rule.separator, _DEFAULT.separator),
        "regex": _unless_default(rule.regex, _DEFAULT.regex),
        "modulus": str(rule.modulus or ""),
        "target_label": rule.target_label,
        "replacement": _unless_default(rule.replacement, _DEFAULT.replacement),
    }
    return "\n".join(f"{name}: {value}" for name, value in fields.items() if value)


def _unless_default(value: str, default: str) -> str:
    if value == default:
        return ""
    return value if value.strip() == value != "" else f'"{value}"'
