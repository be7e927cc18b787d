"""The colours of a chart's lines."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import dashboard.web
from dashboard.web.views.colors import REST, color_classes

STYLE = (Path(dashboard.web.__file__).parent / "static" / "cockpit.css").read_text(encoding="utf-8")


@given(st.lists(st.booleans(), max_size=10))
def test_ten_lines_have_a_colour_each(errors: list[bool]) -> None:
    classes = color_classes(errors)
    assert len(classes) == len(errors) == len({*classes} - {REST})


@given(st.lists(st.booleans(), max_size=40))
def test_only_server_errors_wear_the_colours_of_errors(errors: list[bool]) -> None:
    for error, name in zip(errors, color_classes(errors), strict=True):
        assert error or not name.startswith("series-error")
    reds = [name for error, name in zip(errors, color_classes(errors), strict=True) if error][:4]
    assert reds == [f"series-error-{number}" for number in range(len(reds))]


def test_beside_server_errors_nothing_else_looks_like_one() -> None:
    ok, slow_down, error, gone = color_classes([False, False, True, True])
    assert {ok, slow_down}.isdisjoint({"series-1", "series-3", "series-6"})
    assert (error, gone) == ("series-error-0", "series-error-1")


def test_every_class_has_a_colour_of_its_own_in_the_light_and_in_the_dark() -> None:
    classes = {*color_classes([False] * 10), *color_classes([True] * 10), REST}
    names = [re.findall(rf"\.{name} {{ color: var\((--[a-z0-9-]+)\)", STYLE) for name in sorted(classes)]
    pairs = [re.findall(rf"{name}: light-dark\((#\w+), (#\w+)\)", STYLE) for (name,) in names]
    assert len(pairs) == 15
    lights, darks = zip(*(pair for (pair,) in pairs), strict=True)
    assert len(set(lights)) == len(set(darks)) == 15
