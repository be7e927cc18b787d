"""The target's labels go over the page's, and what they cover keeps its value under another name."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.config.scrape import NameValidation
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelAction, RelabelConfig
from dashboard.scrape.errors import InvalidSeriesError, LabelLimitError
from dashboard.scrape.naming import SeriesNamer, joined, report_labels

from .conftest import make_target


def series_labels(exposed: dict[str, str], own: Labels, *, honor_labels: bool) -> Labels:
    return Labels.of(joined(exposed, dict(own), honor_labels=honor_labels))


TARGET = Labels.of({"job": "api", "instance": "host:1", "env": "prod"})


@pytest.mark.parametrize(
    ("exposed", "expected"),
    [
        ({"x": "y"}, {"x": "y"}),
        ({"job": "other"}, {"exported_job": "other"}),
        ({"job": "other", "exported_job": "third"}, {"exported_exported_job": "other", "exported_job": "third"}),
        ({"job": "a", "instance": "b"}, {"exported_job": "a", "exported_instance": "b"}),
        ({"job": ""}, {}),
        ({"x": ""}, {}),
    ],
)
def test_clashing_labels_are_renamed(exposed: dict[str, str], expected: dict[str, str]) -> None:
    assert series_labels(exposed, TARGET, honor_labels=False) == Labels.of({**dict(TARGET), **expected})


def test_a_target_label_may_itself_be_an_exported_one() -> None:
    target = Labels.of({"job": "api", "exported_job": "taken"})
    joined = series_labels({"job": "x", "exported_job": "y"}, target, honor_labels=False)
    assert dict(joined) == {
        "job": "api",
        "exported_job": "taken",
        "exported_exported_job": "x",
        "exported_exported_exported_job": "y",
    }


@pytest.mark.parametrize(
    ("exposed", "expected"),
    [
        ({"x": "y"}, {"x": "y", **dict(TARGET)}),
        ({"job": "other"}, {"job": "other", "instance": "host:1", "env": "prod"}),
        ({"instance": ""}, {"job": "api", "env": "prod"}),
    ],
)
def test_honored_labels_stay_even_when_empty(exposed: dict[str, str], expected: dict[str, str]) -> None:
    assert series_labels(exposed, TARGET, honor_labels=True) == Labels.of(expected)


def test_reported_series_have_the_labels_of_the_target() -> None:
    assert str(report_labels("up", TARGET)) == 'up{env="prod", instance="host:1", job="api"}'


def test_an_exported_label_beside_its_original_is_lost_from_reported_series() -> None:
    target = Labels.of({"job": "api", "exported_job": "x", "a": "b", "exported_a": "c"})
    assert dict(report_labels("up", target)) == {"__name__": "up", "job": "api", "a": "b", "exported_a": "c"}


def named(exposed: str, **job: Any) -> str:
    """Name the series ``m`` with a label ``x`` in a job."""
    labels = SeriesNamer(make_target(**job)).name({"__name__": "m", "x": exposed})
    return "dropped" if labels is None else str(labels)


def rule(**options: Any) -> dict[str, Any]:
    return {"metric_relabel_configs": (RelabelConfig(**options),)}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (rule(source_labels=("x",), regex="v", action=RelabelAction.DROP), "dropped"),
        (rule(regex=".*", action=RelabelAction.LABELDROP), "dropped"),
        (rule(source_labels=("job",), target_label="j"), 'm{instance="h:80", j="a", job="a", x="v"}'),
        (rule(regex="job|x", action=RelabelAction.LABELDROP), 'm{instance="h:80"}'),
    ],
)
def test_metric_relabelling_sees_the_labels_of_the_target(rules: dict[str, Any], expected: str) -> None:
    assert named("v", **rules) == expected


def test_keeps_says_what_relabelling_drops() -> None:
    namer = SeriesNamer(make_target(**rule(source_labels=("x",), regex="v", action=RelabelAction.DROP)))
    assert (namer.keeps({"__name__": "m", "x": "v"}), namer.keeps({"__name__": "m", "x": "w"})) == (False, True)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (rule(target_label="__name__", replacement=""), r"missing metric name \(__name__ label\)"),
        (rule(regex="x", replacement="", action=RelabelAction.LABELMAP), "invalid metric name or label names"),
        (
            {"metric_name_validation_scheme": NameValidation.LEGACY, **rule(target_label="__name__", replacement="é")},
            "invalid metric name or label names",
        ),
        (
            {"metric_name_validation_scheme": NameValidation.LEGACY, **rule(target_label="é", replacement="v")},
            "invalid metric name or label names",
        ),
    ],
)
def test_a_series_that_relabelling_leaves_without_a_proper_name_is_refused(job: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidSeriesError, match=reason):
        named("v", **job)


def test_any_name_is_proper_unless_the_job_asks_for_the_old_ones() -> None:
    assert named("v", **rule(target_label="é", replacement="w")) == 'm{instance="h:80", job="a", x="v", é="w"}'
    assert named("v", metric_name_validation_scheme=NameValidation.LEGACY) == 'm{instance="h:80", job="a", x="v"}'


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"label_limit": 3}, r"label_limit exceeded \(metric: m, number of labels: 4, limit: 3\)"),
        (
            {"label_name_length_limit": 7},
            r"label_name_length_limit exceeded \(metric: m, label name: __name__, length: 8, limit: 7\)",
        ),
        (
            {"label_value_length_limit": 4},
            r'label_value_length_limit exceeded \(metric: m, label name: x, value: "ééé", length: 6, limit: 4\)',
        ),
    ],
)
def test_labels_beyond_the_limits_of_the_job_are_refused(limits: dict[str, int], reason: str) -> None:
    with pytest.raises(LabelLimitError, match=reason):
        named("ééé", **limits)


def test_labels_within_the_limits_are_kept_and_dropped_series_have_none() -> None:
    limits = {"label_limit": 4, "label_name_length_limit": 8, "label_value_length_limit": 6}
    assert named("ééé", **limits) == 'm{instance="h:80", job="a", x="ééé"}'
    assert named("ééé", label_limit=1, **rule(action=RelabelAction.DROP)) == "dropped"
