import pytest

from dashboard.model.expansion import expansion
from dashboard.model.matcher import compiled


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("$1", "a"),
        ("${1}0-$2", "a0-b"),
        ("$name", "b"),
        ("${name}s", "bs"),
        ("$names", ""),  # The longest name counts, and there is no such group.
        ("$1x", ""),
        ("$0", "ab"),
        ("$3", ""),  # A group that took no part.
        ("$4", ""),
        ("$01", ""),  # A number has no leading zero in Go.
        ("$99999999999999999999", ""),
        ("$$1", "$1"),
        ("$$$1", "$a"),
        ("a$", "a$"),
        ("$-", "$-"),
        ("${1", "${1"),
        ("${}", "${}"),
        ("${a b}", "${a b}"),
        ("", ""),
    ],
)
def test_a_template_is_expanded_as_by_go(template: str, expected: str) -> None:
    regex = compiled("(a)(?P<name>b)(c)?")
    match = regex.fullmatch("ab")
    assert match is not None
    assert expansion(template, regex)(match) == expected
