"""The shipped rules: the real promtool accepts them, their unit tests pass there, and our evaluator agrees."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from dashboard.config.rules import load_rule_file
from dashboard.model.labels import Labels

from .unit_tests import Scene, UnitTests, play, read, values_of
from .world import World, labels_of

RULES = Path(__file__).resolve().parents[2] / "monitoring" / "rules"
RULE_FILES = sorted(RULES.glob("*.yml"))
TEST_FILES = sorted((RULES / "tests").glob("*_test.yml"))
SCENES = [
    pytest.param(file, scene, id=f"{file.stem}-{scene.alert_rule_test[0].alertname}")
    for file in TEST_FILES
    for scene in read(file).tests
]


def _shipped_alerts() -> set[str]:
    return {
        rule.alert for file in RULE_FILES for group in load_rule_file(file).groups for rule in group.rules if rule.alert
    }


@pytest.mark.peers
def test_promtool_accepts_the_rules() -> None:
    """``promtool check rules`` finds nothing, not even by its lint."""
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULE_FILES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.peers
def test_promtool_passes_the_unit_tests() -> None:
    """``promtool test rules`` passes on every shipped unit test."""
    done = subprocess.run(
        ["promtool", "test", "rules", *map(str, TEST_FILES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_promised_alert_is_shipped() -> None:
    """Every alert that users are promised is there."""
    assert _shipped_alerts() >= {
        "TargetDown",
        "ErrorRateHigh",
        "LatencyP99High",
        "QueueDepthHigh",
        "StorageUnhealthy",
        "SchemaDrift",
        "CircuitBreakerOpen",
        "CircuitBreakerHighFailureRate",
        "HighRateLimitRejections",
        "RateLimitBucketsDepleted",
        "HighMiddlewareLatency",
        "LLMBudgetExceeded",
        "HostDiskAlmostFull",
        "HostMemoryHigh",
    }


def test_every_alert_says_what_it_is() -> None:
    """Each alert has a severity, a summary and a description, and a name of its own."""
    rules = [rule for file in RULE_FILES for group in load_rule_file(file).groups for rule in group.rules]
    assert len({rule.alert for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.labels["severity"] in {"critical", "warning", "info"}
        assert set(rule.annotations) == {"summary", "description"}


def test_every_alert_is_shown_in_all_phases() -> None:
    """Each shipped alert is covered by unit tests that show it silent, pending, firing and resolved, in this order."""
    phases: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for file in TEST_FILES:
        for scene in read(file).tests:
            for case in scene.promql_expr_test:
                name = re.fullmatch(r'ALERTS\{alertname="(\w+)"\}', case.expr)
                assert name is not None
                states = {labels_of(sample.labels).get("alertstate") for sample in case.exp_samples}
                phases[name[1]].append((case.eval_time, ",".join(states)))
    assert set(phases) == _shipped_alerts()
    for name, seen in phases.items():
        assert [state for _, state in sorted(seen)] == ["", "pending", "firing", ""], name


def _files(tests: UnitTests, file: Path) -> list[Path]:
    return [(file.parent / name).resolve() for name in tests.rule_files]


@pytest.mark.parametrize(("file", "scene"), SCENES)
def test_our_evaluator_agrees(world: World, file: Path, scene: Scene) -> None:
    """The input of each unit test gives the same alerts, annotations and series here as in promtool."""
    tests = read(file)
    world.manager.apply([load_rule_file(path) for path in _files(tests, file)], tests.evaluation_interval)
    seen = play(world, scene, tests.evaluation_interval)
    for case in scene.alert_rule_test:
        expected = [
            (Labels.of({**alert.exp_labels, "alertname": case.alertname}), Labels.of(alert.exp_annotations))
            for alert in case.exp_alerts
        ]
        firing = [alert for alert in seen[case.eval_time].firing if alert[0].get("alertname") == case.alertname]
        assert firing == expected, f"{case.alertname} at {case.eval_time}"
    for query in scene.promql_expr_test:
        wanted = {labels_of(sample.labels): sample.value for sample in query.exp_samples}
        name = labels_of(query.expr).get("alertname")
        found = {
            labels: value for labels, value in seen[query.eval_time].series.items() if labels.get("alertname") == name
        }
        assert found == wanted, f"{query.expr} at {query.eval_time}"


def test_series_notation() -> None:
    """The reader of the notation expands it as promtool does."""
    assert list(values_of("1+2x2 7 _ _x2 5-1x1")) == [1, 3, 5, 7, None, None, None, 5, 4]
