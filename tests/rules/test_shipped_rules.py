"""The shipped rules: the real promtool accepts them, their unit tests pass there, and our evaluator agrees."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from dashboard.config.rules import load_rule_file
from dashboard.rules.unit_tests import load_unit_tests, parse_metric, run_file

RULES = Path(__file__).resolve().parents[2] / "monitoring" / "rules"
RULE_FILES = sorted(RULES.glob("*.yml"))
TEST_FILES = sorted((RULES / "tests").glob("*_test.yml"))


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
        "NothingStored",
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
        "StorageFullSoon",
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
        for scene in load_unit_tests(file).scenes:
            for case in scene.promql_expr_test:
                name = re.fullmatch(r'ALERTS\{alertname="(\w+)"\}', case.expr)
                assert name is not None
                states = {parse_metric(sample.labels).get("alertstate") for sample in case.exp_samples}
                phases[name[1]].append((case.eval_time, ",".join(states)))
    assert set(phases) == _shipped_alerts()
    for name, seen in phases.items():
        assert [state for _, state in sorted(seen)] == ["", "pending", "firing", ""], name


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_our_evaluator_agrees(file: Path) -> None:
    """The unit tests pass here as they pass in promtool."""
    result = run_file(file)
    assert not result.failures, "\n".join(result.failures)
    assert result.cases
