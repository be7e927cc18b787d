import pytest

from dashboard.config.expansion import expand

VALUES = {"A": "a", "LONG_NAME": "l", "1": "one"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A", "a"), ("${A}", "a"), ("x${A}y", "xay"), ("$Ax", ""), ("$LONG_NAME-$A", "l-a"), ("$$A", "$A"),
        ("$$$A", "$a"), ("${$}", "$"), ("$1A", "oneA"), ("$", "$"), ("a$ b", "a$ b"), ("${}", ""), ("${A", "A"),
        ("$None", ""), ("é$A", "éa"),
    ],
)  # fmt: skip
def test_variables_are_replaced_as_by_go(text: str, expanded: str) -> None:
    assert expand(text, lambda name: VALUES.get(name, "")) == expanded
