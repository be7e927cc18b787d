"""Small drawings."""

from dashboard.web.views import svg


def test_a_line_stands_on_zero_and_reaches_its_top() -> None:
    assert svg.line_path([0, 10], top=10, width=100, height=52) == "M0 50L100 2"


def test_a_missing_value_breaks_the_line() -> None:
    assert svg.line_path([1, None, 1, 1], top=1, width=30, height=10) == "M0 2M20 2L30 2"


def test_the_area_goes_down_to_the_ground() -> None:
    assert svg.area_path([1, 1], top=1, width=10, height=10) == "M0 10L0 2L10 2L10 10z"


def test_nothing_and_only_zeros_can_be_drawn() -> None:
    assert svg.line_path([], top=0) == ""
    assert svg.line_path([0, 0], top=0, width=10, height=10) == "M0 8L10 8"
    assert svg.highest([None, float("nan")]) == 0.0


def test_a_beat_path_has_a_stroke_for_each_beat_of_its_letter() -> None:
    assert svg.beat_path("udu", "u", top=4, height=10) == "M2 4v10M10 4v10"


def test_the_icon_shows_how_many_alerts_fire() -> None:
    assert "<text" not in svg.favicon(0)
    assert ">7</text>" in svg.favicon(7)
    assert ">99</text>" in svg.favicon(1000)
