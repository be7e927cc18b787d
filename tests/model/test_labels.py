from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.labels import Labels

pairs = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=6)


@given(pairs)
def test_order_of_pairs_does_not_matter(values: dict[str, str]) -> None:
    backwards = dict(reversed(values.items()))
    assert Labels.of(values) == Labels.of(backwards)
    assert hash(Labels.of(values)) == hash(Labels.of(backwards))


@given(pairs)
def test_an_empty_value_means_that_the_label_is_absent(values: dict[str, str]) -> None:
    labels = Labels.of({**values, "empty": ""})
    assert "empty" not in dict(labels)
    assert labels.get("empty") == ""


@given(pairs, st.sets(st.text(min_size=1, max_size=8)))
def test_keep_and_drop_part_the_labels(values: dict[str, str], names: set[str]) -> None:
    labels = Labels.of(values)
    assert Labels.of(dict(labels.keep(names)) | dict(labels.drop(names))) == labels
    assert not set(dict(labels.keep(names))) & set(dict(labels.drop(names)))


def test_merged_sets_and_removes() -> None:
    labels = Labels.of({"a": "1", "b": "2"})
    assert labels.merged({"a": "", "c": "3"}) == Labels.of({"b": "2", "c": "3"})


def test_text_is_that_of_promql() -> None:
    assert str(Labels.of({"__name__": "up", "job": 'a"b\n'})) == 'up{job="a\\"b\\n"}'
    assert str(Labels.of({"__name__": "up"})) == "up"
    assert str(Labels.of({})) == "{}"
