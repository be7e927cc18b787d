"""The target's labels go over the page's, and what they cover keeps its value under another name."""

from __future__ import annotations

import pytest

from dashboard.model.labels import Labels
from dashboard.scrape.naming import report_labels, series_labels

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
