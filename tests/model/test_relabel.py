import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.labels import Labels
from dashboard.model.matcher import InvalidRegexError
from dashboard.model.relabel import RelabelAction, RelabelConfig, relabel, relabel_steps

A, B = "foo", "bar"


def rule(action: RelabelAction, *sources: str, **options: object) -> RelabelConfig:
    return RelabelConfig(source_labels=sources, action=action, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("config", "labels", "expected"),
    [
        pytest.param(RelabelConfig(("a",), target_label="d"), {"a": "x"}, {"a": "x", "d": "x"}, id="copies"),
        pytest.param(
            RelabelConfig(("a", "b"), regex="(.*);(.*)", target_label="d", replacement="${2}-$1"),
            {"a": "x", "b": "y"},
            {"a": "x", "b": "y", "d": "y-x"},
            id="joins with a semicolon",
        ),
        pytest.param(
            RelabelConfig(("a", "b"), separator="", target_label="d"),
            {"a": "x", "b": "y"},
            {"a": "x", "b": "y", "d": "xy"},
            id="separator may be empty",
        ),
        pytest.param(RelabelConfig(("a",), regex="f", target_label="d"), {"a": "foo"}, {"a": "foo"}, id="anchored"),
        pytest.param(
            RelabelConfig(("a",), regex="f|fo", target_label="d", replacement="m"), {"a": "fo"}, {"a": "fo", "d": "m"}
        ),
        pytest.param(
            RelabelConfig(("a",), regex="x.y", target_label="d", replacement="m"),
            {"a": "x\ny"},
            {"a": "x\ny", "d": "m"},
        ),
        pytest.param(
            RelabelConfig(("a",), target_label="a", replacement=""), {"a": "x", "b": "y"}, {"b": "y"}, id="removes"
        ),
        pytest.param(RelabelConfig(("none",), target_label="b"), {"b": "y"}, {}, id="an empty result removes"),
        pytest.param(RelabelConfig(target_label="d", replacement="m"), {}, {"d": "m"}, id="sets without sources"),
        pytest.param(
            RelabelConfig(("a",), regex="(f).*", target_label="${1}_$1", replacement="m"),
            {"a": "fx"},
            {"a": "fx", "f_f": "m"},
        ),
        pytest.param(
            RelabelConfig(("a",), target_label="$2", replacement="m"), {"a": "x"}, {"a": "x"}, id="no target's name"
        ),
        pytest.param(
            RelabelConfig(("a",), target_label="$1", replacement="m"),
            {"a": "0 é"},
            {"a": "0 é", "0 é": "m"},
            id="UTF-8 target",
        ),
        pytest.param(rule(RelabelAction.KEEP, "a", regex="f.*"), {"a": "foo"}, {"a": "foo"}),
        pytest.param(rule(RelabelAction.KEEP, "a", regex="o"), {"a": "foo"}, None),
        pytest.param(rule(RelabelAction.KEEP, "none", regex=""), {"a": "foo"}, {"a": "foo"}),
        pytest.param(rule(RelabelAction.DROP, "a", regex="f.*"), {"a": "foo"}, None),
        pytest.param(rule(RelabelAction.DROP, "a", regex="o"), {"a": "foo"}, {"a": "foo"}),
        pytest.param(rule(RelabelAction.DROP), {"a": "foo"}, None, id="everything matches the default"),
        pytest.param(rule(RelabelAction.KEEPEQUAL, "a", target_label="b"), {"a": "x", "b": "x"}, {"a": "x", "b": "x"}),
        pytest.param(rule(RelabelAction.KEEPEQUAL, "a", target_label="b"), {"a": "x", "b": "y"}, None),
        pytest.param(rule(RelabelAction.DROPEQUAL, "a", target_label="b"), {"a": "x", "b": "x"}, None),
        pytest.param(rule(RelabelAction.DROPEQUAL, "a", target_label="b"), {"a": "x"}, {"a": "x"}),
        pytest.param(rule(RelabelAction.DROPEQUAL, "p", target_label="q"), {"a": "x"}, None, id="both absent"),
        pytest.param(
            rule(RelabelAction.HASHMOD, "c", target_label="d", modulus=1000), {"c": "baz"}, {"c": "baz", "d": "976"}
        ),
        pytest.param(
            rule(RelabelAction.HASHMOD, "a", target_label="d", modulus=1000),
            {"a": "foo\nbar"},
            {"a": "foo\nbar", "d": "734"},
        ),
        pytest.param(
            rule(RelabelAction.LABELMAP, regex="(b.*)", replacement="bar_$1"),
            {"a": "x", "b1": "y", "b2": "z"},
            {"a": "x", "b1": "y", "b2": "z", "bar_b1": "y", "bar_b2": "z"},
        ),
        pytest.param(
            rule(RelabelAction.LABELMAP, regex="__meta_(.*)"), {"__meta_a": "x", "a": "y"}, {"__meta_a": "x", "a": "x"}
        ),
        pytest.param(
            rule(RelabelAction.LABELMAP, regex="m_.*", replacement="one"),
            {"m_b": "2", "m_a": "1"},
            {"m_a": "1", "m_b": "2", "one": "1"},
            id="the last of two with one name counts",
        ),
        pytest.param(
            rule(RelabelAction.LABELDROP, regex="b.*"), {"a": "x", "b1": "y", "cb": "z"}, {"a": "x", "cb": "z"}
        ),
        pytest.param(rule(RelabelAction.LABELKEEP, regex="b.*"), {"a": "x", "b1": "y", "cb": "z"}, {"b1": "y"}),
        pytest.param(rule(RelabelAction.LABELKEEP, regex="none"), {"a": "x"}, {}),
        pytest.param(
            rule(RelabelAction.LOWERCASE, "a", target_label="b"), {"a": "bAr123İΣ"}, {"a": "bAr123İΣ", "b": "bar123iσ"}
        ),
        pytest.param(
            rule(RelabelAction.UPPERCASE, "a", target_label="b"), {"a": "bAr12ßé"}, {"a": "bAr12ßé", "b": "BAR12ßÉ"}
        ),
        pytest.param(rule(RelabelAction.LOWERCASE, "none", target_label="b"), {"b": "x"}, {}),
    ],
)
def test_each_action(config: RelabelConfig, labels: dict[str, str], expected: dict[str, str] | None) -> None:
    assert relabel(labels, [config]) == expected


def test_rules_follow_one_another_and_the_first_that_drops_is_the_last() -> None:
    first = RelabelConfig(("a",), target_label="b", regex="f(.*)", replacement="ch${1}-ch$1")
    second = RelabelConfig(("b",), target_label="c", regex="chx-(.*)", replacement="$1")
    third = RelabelConfig(("c",), regex="chx", action=RelabelAction.DROP)
    steps = relabel_steps({"a": "fx", "empty": ""}, [first, second, third, first])
    assert [step.config for step in steps] == [first, second, third]
    assert [step.labels for step in steps] == [
        Labels.of({"a": "fx", "b": "chx-chx"}),
        Labels.of({"a": "fx", "b": "chx-chx", "c": "chx"}),
        None,
    ]
    assert relabel({"a": "fx"}, [first, second, third]) is None


def test_what_a_rule_has_set_is_the_last_label() -> None:
    rules = [RelabelConfig(("a",), target_label="a"), rule(RelabelAction.LABELMAP, regex=".", replacement="d")]
    assert relabel({"a": "1", "b": "2"}, rules) == {"a": "1", "b": "2", "d": "1"}


def test_empty_labels_count_as_absent() -> None:
    assert relabel({"a": "", "b": "x"}, []) == {"b": "x"}
    assert relabel({"a": ""}, [rule(RelabelAction.LABELMAP, regex="a", replacement="b")]) == {}


def test_a_bad_expression_is_refused_when_the_rule_is_made() -> None:
    with pytest.raises(InvalidRegexError):
        RelabelConfig(regex="(")


def test_rules_compare_by_what_they_say() -> None:
    assert RelabelConfig(("a",), target_label="b") == RelabelConfig(("a",), target_label="b")
    assert RelabelConfig(("a",), target_label="b") != RelabelConfig(("a",), target_label="c")
    assert len({RelabelConfig(("a",), target_label="b"), RelabelConfig(("a",), target_label="b")}) == 1


labels_sets = st.dictionaries(st.sampled_from(["a", "b", "ab", "é"]), st.text(max_size=3), max_size=4)


@given(labels_sets, st.sampled_from(["(.*)", "a.*", "", "(a)|(b)"]))
def test_keep_and_drop_are_opposites_and_change_nothing(labels: dict[str, str], regex: str) -> None:
    kept, dropped = (
        relabel(labels, [rule(action, "a", "b", regex=regex)]) for action in (RelabelAction.KEEP, RelabelAction.DROP)
    )
    assert [kept, dropped].count(None) == 1
    assert {name: value for name, value in labels.items() if value} in (kept, dropped)


@given(labels_sets, st.sampled_from(["(.*)", "a.*", "", "(a)|(b)"]))
def test_labeldrop_and_labelkeep_share_the_labels_out(labels: dict[str, str], regex: str) -> None:
    kept = relabel(labels, [rule(RelabelAction.LABELKEEP, regex=regex)])
    dropped = relabel(labels, [rule(RelabelAction.LABELDROP, regex=regex)])
    assert kept is not None
    assert dropped is not None
    assert {**kept, **dropped} == {name: value for name, value in labels.items() if value}
    assert not kept.keys() & dropped.keys()
