from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind, matches_all
from dashboard.storage.index import Index

values = st.sampled_from(["", "a", "b", "ab", "a.b", "a|b", "x\ny", "é", "ab c"])
label_sets = st.dictionaries(st.sampled_from(["__name__", "foo", "bar"]), values).map(Labels.of)
patterns = st.sampled_from(
    ["a|b", "a|", "", "a", ".*", ".+", "a.b", "a\\.b", "(a|b)+", "[^a]*", "ab c|é", "a?", "x.y", "zzz"]
)
matchers = st.builds(
    Matcher,
    st.sampled_from(MatchKind),
    st.sampled_from(["__name__", "foo", "bar", "nowhere"]),
    st.one_of(values.filter(lambda v: "|" not in v), patterns),
)


def build(label_sets: list[Labels]) -> Index:
    index = Index()
    for number, labels in enumerate(label_sets):
        index.add(number, labels)
    return index


@given(st.lists(label_sets, max_size=12), st.lists(matchers, max_size=3))
def test_the_index_selects_what_looking_at_every_series_selects(
    label_sets: list[Labels], matchers: list[Matcher]
) -> None:
    expected = [number for number, labels in enumerate(label_sets) if matches_all(tuple(matchers), labels)]
    assert build(label_sets).select(matchers).tolist() == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (MatchKind.EQUAL, "", [2]),
        (MatchKind.NOT_EQUAL, "", [0, 1]),
        (MatchKind.REGEX, "api|web", [0, 1]),
        (MatchKind.REGEX, "api|", [0, 2]),
        (MatchKind.REGEX, ".*", [0, 1, 2]),
        (MatchKind.REGEX, ".+", [0, 1]),
        (MatchKind.NOT_REGEX, ".+", [2]),
        (MatchKind.NOT_REGEX, "a.*", [1, 2]),
        (MatchKind.NOT_EQUAL, "api", [1, 2]),
        (MatchKind.EQUAL, "missing", []),
    ],
)
def test_an_absent_label_reads_as_empty(kind: MatchKind, value: str, expected: list[int]) -> None:
    index = build([Labels.of({"job": "api"}), Labels.of({"job": "web"}), Labels.of({"instance": "x"})])
    assert index.select([Matcher(kind, "job", value)]).tolist() == expected


def test_an_alternation_of_literals_never_runs_a_regex(monkeypatch: pytest.MonkeyPatch) -> None:
    index = build([Labels.of({"job": f"job-{number}"}) for number in range(50)])
    matcher = Matcher(MatchKind.REGEX, "job", "job-3|job-44|nothing here")
    asked: list[str] = []

    def matches(_: Matcher, value: str) -> bool:
        asked.append(value)
        return False

    monkeypatch.setattr(Matcher, "matches", matches)
    assert index.select([matcher]).tolist() == [3, 44]
    assert asked == [""]
