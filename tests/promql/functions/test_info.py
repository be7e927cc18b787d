"""Labels of info metrics, added to the series of their target."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine, ExecutionError

Load = Callable[..., None]
Ask = Callable[..., object]

BASE = 'x{instance="a", job="1", own="mine"} 5 6'
TARGET = 'target_info{instance="a", job="1", own="theirs", version="2", zone="z"} 1 1'
BUILD = 'build_info{instance="a", job="1", commit="c"} 1 1'


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("info(x)", 'x{instance="a", job="1", own="mine", version="2", zone="z"}'),
        ("info(x, {zone=~'.+'})", 'x{instance="a", job="1", own="mine", zone="z"}'),
        ("info(x, {own='theirs'})", 'x{instance="a", job="1", own="mine"}'),
        ("info(x, {zone='other'})", None),
        ("info(x, {zone=~'other|'})", 'x{instance="a", job="1", own="mine"}'),
        ("info(x, {__name__='build_info'})", 'x{commit="c", instance="a", job="1", own="mine"}'),
        ("info(x, {__name__=~'.*_info', zone=~'.*', commit=~'.*'})",
         'x{commit="c", instance="a", job="1", own="mine", zone="z"}'),
        ("info(x, {__name__!='target_info'})", 'x{commit="c", instance="a", job="1", own="mine"}'),
        ("info(target_info)", 'target_info{instance="a", job="1", own="theirs", version="2", zone="z"}'),
    ],
)  # fmt: skip
def test_labels_are_added_that_were_asked_for(load: Load, ask: Ask, query: str, wanted: str | None) -> None:
    load("\n".join((BASE, TARGET, BUILD)))
    answer = ask(query, 30)
    assert answer == ({} if wanted is None else {wanted: 1 if "target_info)" in query else 6})


def test_a_series_of_another_target_stays_as_it_is(load: Load, ask: Ask) -> None:
    load('x{instance="b", job="1"} 5\ny 1\n' + TARGET)
    assert ask("info(x)") == {'x{instance="b", job="1"}': 5}
    assert ask("info(y)") == {"y": 1}


def test_the_info_series_that_was_sampled_last_counts(load: Load, ask_range: Ask) -> None:
    load('x{job="1"} 1 2 3\ntarget_info{job="1", version="1"} 1 1 _\ntarget_info{job="1", version="2"} _ _ 1')
    assert ask_range("info(x)", 0, 60, 30) == {
        'x{job="1", version="1"}': [1, 2, None],
        'x{job="1", version="2"}': [None, None, 3],
    }


@pytest.mark.parametrize(
    ("infos", "query", "reason"),
    [
        (
            'target_info{job="1", version="1"} 1\ntarget_info{job="1", version="2"} 1',
            "info(x)",
            "found duplicate series for info metric target_info",
        ),
        (
            'target_info{job="1", version="1"} 1\nbuild_info{job="1", version="2"} 1',
            "info(x, {__name__=~'.+_info'})",
            "conflicting label: version",
        ),
    ],
)
def test_info_series_that_contradict_each_other_are_refused(
    load: Load, engine: Engine, infos: str, query: str, reason: str
) -> None:
    load('x{job="1"} 1\n' + infos)
    with pytest.raises(ExecutionError) as caught:
        engine.instant(query, 0)
    assert str(caught.value) == reason
