"""A small reader of promtool's rule unit tests, and a runner that puts them to our own evaluator.

It knows what the shipped files use: ``a+bxn``, plain numbers, ``_``, ``_xn`` and ``stale``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dashboard.config.decoding import decode
from dashboard.config.scalars import Milliseconds
from dashboard.config.yaml_file import load
from dashboard.model.labels import Labels
from dashboard.model.samples import STALE

from .world import BEGIN, World, labels_of

_EXPANDING = re.compile(r"(-?[0-9.]+)([+-][0-9.]+)x([0-9]+)")
_MISSING = re.compile(r"_(?:x([0-9]+))?")


@dataclass(frozen=True)
class InputSeries:
    """A series and its values."""

    series: str
    values: str


@dataclass(frozen=True)
class ExpectedAlert:
    """A firing alert; ``alertname`` is not among the labels."""

    exp_labels: Mapping[str, str]
    exp_annotations: Mapping[str, str]


@dataclass(frozen=True)
class AlertCase:
    """The alerts of a rule that fire at a time."""

    eval_time: Milliseconds
    alertname: str
    exp_alerts: tuple[ExpectedAlert, ...] = ()


@dataclass(frozen=True)
class ExpectedSample:
    """A series that a query gives."""

    labels: str
    value: float


@dataclass(frozen=True)
class QueryCase:
    """What a query gives at a time."""

    expr: str
    eval_time: Milliseconds
    exp_samples: tuple[ExpectedSample, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Series, and what is expected of them."""

    interval: Milliseconds
    input_series: tuple[InputSeries, ...]
    alert_rule_test: tuple[AlertCase, ...]
    promql_expr_test: tuple[QueryCase, ...]


@dataclass(frozen=True)
class UnitTests:
    """A unit-test file."""

    rule_files: tuple[str, ...]
    evaluation_interval: Milliseconds
    tests: tuple[Scene, ...]


@dataclass(frozen=True)
class Seen:
    """What our evaluator shows at a time: the firing alerts with their annotations, and ``ALERTS``."""

    firing: list[tuple[Labels, Labels]]
    series: Mapping[Labels, float]


def read(file: Path) -> UnitTests:
    """Read a unit-test file."""
    return decode(file, load(file), UnitTests)


def values_of(text: str) -> Iterator[float | None]:
    """Yield the value at each interval; ``None`` is a missing one."""
    for token in text.split():
        if found := _EXPANDING.fullmatch(token):
            first, step = float(found[1]), float(found[2])
            yield from (first + step * number for number in range(int(found[3]) + 1))
        elif found := _MISSING.fullmatch(token):
            yield from [None] * int(found[1] or 1)
        else:
            yield STALE if token == "stale" else float(token)


def load_series(world: World, scene: Scene) -> None:
    """Store the input of a scene."""
    for given in scene.input_series:
        numbered = [(index, value) for index, value in enumerate(values_of(given.values)) if value is not None]
        series = world.storage.series_id(labels_of(given.series))
        world.storage.append_points(
            np.full(len(numbered), series, dtype=np.int64),
            np.array([BEGIN + index * scene.interval for index, _ in numbered], dtype=np.int64),
            np.array([value for _, value in numbered], dtype=np.float64),
        )
    world.storage.flush()


def play(world: World, scene: Scene, interval: int) -> dict[int, Seen]:
    """Evaluate the rules through a scene; return what is seen at each time that the scene asks about."""
    load_series(world, scene)
    times = {int(case.eval_time) for case in (*scene.alert_rule_test, *scene.promql_expr_test)}
    seen = {}
    for elapsed in range(0, max(times) + interval, interval):
        world.evaluate(BEGIN + elapsed)
        if elapsed in times:
            alerts = [alert for alert in world.manager.alerts() if alert.state.value == "firing"]
            seen[elapsed] = Seen([(alert.labels, alert.annotations) for alert in alerts], world.query("ALERTS"))
    return seen
