"""Scenes made by chance: at every step, promtool finds the alerts that our evaluator has found."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.model.samples import is_absent
from dashboard.rules.unit_tests import parse_series

from .world import BEGIN, World

INTERVAL = 15_000
STEPS = 60
SERIES = ('x{i="1"}', 'x{i="2"}', 'y{i="1"}')
RULES = """
groups:
- name: g
  rules:
  - alert: Plain
    expr: x > 0
  - alert: Held
    expr: x > 0
    for: 45s
    labels: {copy: "{{ $labels.i }}", value: "{{ $value }}"}
  - alert: Kept
    expr: x > 0
    keep_firing_for: 1m
  - alert: HeldAndKept
    expr: x > 1
    for: 20s
    keep_firing_for: 40s
  - record: both
    expr: x > 0 and on (i) y > 0
  - alert: OnRecord
    expr: both > 0
    for: 15s
  - alert: OnAlerts
    expr: count by (alertname) (ALERTS{alertname="Held", alertstate="firing"}) > 1
    for: 30s
    labels: {of: "{{ $labels.alertname }}"}
- name: late
  rules:
  - alert: Absent
    expr: y unless on (i) x
"""


def _values(random: Random) -> str:
    """Return values that stay for some steps; where nothing is for a while, a staleness marker comes first."""
    tokens: list[str] = []
    while len(tokens) < STEPS:
        length = random.randint(1, 8)
        kind = random.choice(("0", "1", "2", "missing", "stale"))
        if kind == "missing":
            tokens += ["_"] * random.randint(1, 3)
        elif kind == "stale":
            tokens += ["stale"] + ["_"] * length
        else:
            tokens += [kind] * length
    return " ".join(tokens[:STEPS])


def _load(world: World, inputs: Mapping[str, str]) -> None:
    for name, text in inputs.items():
        given = parse_series(f"{name} {text}")
        present = np.flatnonzero(~is_absent(given.values))
        series = world.storage.series_id(given.labels)
        world.storage.append_points(
            np.full(len(present), series, dtype=np.int64), BEGIN + present * INTERVAL, given.values[present]
        )
    world.storage.flush()


def _seen(world: World, inputs: Mapping[str, str]) -> Iterator[Mapping[Labels, float]]:
    _load(world, inputs)
    for step in range(STEPS):
        world.evaluate(BEGIN + step * INTERVAL)
        yield world.query('{__name__=~"ALERTS|ALERTS_FOR_STATE|both"}')


def _case(step: int, seen: Mapping[Labels, float]) -> dict[str, object]:
    samples = [
        {"labels": str(labels), "value": value - BEGIN // 1000 if labels.metric_name == "ALERTS_FOR_STATE" else value}
        for labels, value in seen.items()
    ]
    return {
        "expr": '{__name__=~"ALERTS|ALERTS_FOR_STATE|both"}',
        "eval_time": f"{step * INTERVAL // 1000}s",
        "exp_samples": samples,
    }


@pytest.mark.peers
@pytest.mark.parametrize("seed", range(6))
def test_promtool_finds_the_same(world: World, tmp_path: Path, seed: int) -> None:
    """``ALERTS``, ``ALERTS_FOR_STATE`` and records are equal at each of the steps, whatever the series do."""
    random = Random(seed)
    inputs = {series: _values(random) for series in SERIES}
    world.rules(RULES)
    cases = [_case(step, seen) for step, seen in enumerate(_seen(world, inputs))]
    assert sum(len(case["exp_samples"]) for case in cases) > STEPS
    scene = {
        "interval": "15s",
        "input_series": [{"series": series, "values": values} for series, values in inputs.items()],
        "promql_expr_test": cases,
    }
    file = tmp_path / "scene_test.yml"
    # JSON is YAML too.
    file.write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [scene]}), encoding="utf-8"
    )
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
