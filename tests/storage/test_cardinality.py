from __future__ import annotations

from dashboard.model.labels import Labels
from dashboard.storage.cardinality import Count, PairCount
from dashboard.storage.index import Index


def index_of(*label_sets: dict[str, str]) -> Index:
    index = Index()
    for number, labels in enumerate(label_sets):
        index.add(number, Labels.of(labels))
    return index


def test_the_largest_come_first_and_only_as_many_as_asked_for() -> None:
    index = index_of(
        {"__name__": "a", "job": "x", "path": "/one"},
        {"__name__": "a", "job": "x", "path": "/two"},
        {"__name__": "a", "job": "y", "path": "/three"},
        {"__name__": "bb", "job": "x"},
    )
    found = index.cardinality(2)
    assert found.label_pairs == 7
    assert found.series_by_metric == (Count("a", 3), Count("bb", 1))
    assert found.values_by_label == (Count("path", 3), Count("__name__", 2))
    assert found.bytes_by_label == (Count("path", 14), Count("__name__", 5))
    assert found.series_by_pair == (PairCount("__name__", "a", 3), PairCount("job", "x", 3))
    assert [pair.name for pair in found.series_by_pair] == ["__name__=a", "job=x"]


def test_an_empty_index_has_nothing() -> None:
    found = index_of().cardinality(10)
    assert (found.label_pairs, found.series_by_metric, found.series_by_pair) == (0, (), ())
