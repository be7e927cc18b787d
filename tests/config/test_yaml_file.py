from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.yaml_file import load

FILE = Path("some.yml")


def test_values_know_their_lines_and_whether_they_are_quoted() -> None:
    data = load(FILE, 'a: 1\nb:\n- x\n- "2"\n')
    assert data == {"a": "1", "b": ["x", "2"]}
    assert data.lines == {"a": 1, "b": 2}
    assert data["b"].lines == (3, 4)
    assert (data["a"].plain, data["b"][1].plain) == (True, False)


def test_a_key_without_a_value_has_none() -> None:
    assert load(FILE, "a:\nb: ~\nc: null\nd: ''") == {"a": None, "b": None, "c": None, "d": ""}


def test_a_tag_never_makes_an_object() -> None:
    data = load(FILE, "a: !!python/object/apply:os.system [ls]\nb: !thing 5\nc: !!str 5\nd: !!int '5'")
    assert data == {"a": ["ls"], "b": "5", "c": "5", "d": "5"}
    assert (data["c"].plain, data["d"].plain) == (False, True)


def test_binary_values_and_keys_are_decoded() -> None:
    assert load(FILE, "!!binary YQ==: !!binary Yg==") == {"a": "b"}


def test_only_the_first_document_counts() -> None:
    assert load(FILE, "a: 1\n---\nb: 2\n") == {"a": "1"}


def test_an_empty_file_is_none() -> None:
    assert load(FILE, "# nothing\n") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", 'some.yml:2: key "a" already set in map'),
        ("? [a]\n: b", "some.yml:1: a key must be a scalar"),
        ("a: {<<: b}", "some.yml:1: map merge requires map"),
        ("a: !!binary _", "some.yml:1: !!binary value contains invalid base64"),
        ("a: !!binary /w==", "some.yml:1: !!binary value contains invalid base64 data, or no UTF-8"),
        ("a: [", "some.yml:1: "),
        ("a: &a {<<: *a}", "not YAML"),
        ("a: &a [x]\nb: [" + ", ".join(["*a"] * 1001) + "]", "more than 1000 aliases"),
        ("a" * 10 + ": " + "[" * 5000, "not YAML"),
    ],
)
def test_what_is_not_of_this_kind_of_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(FILE, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["password: *hunter2", "a: &hunter2 1\nb: *hunter2x\n", "[&hunter2 x, &hunter2 y, *z]"]
)
def test_a_password_that_reads_as_an_anchor_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(FILE, text)
    assert "hunter2" not in str(caught.value)
