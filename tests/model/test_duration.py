import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.duration import InvalidDurationError, format_duration, format_go_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1w", 604_800_000),
        ("1y", 31_536_000_000),
        ("324ms", 324),
    ],
)
def test_durations_are_read(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "1", "1.5h", "-1s", "1m1h", "1h1h", " 1s", "1S", "300y", "\u0661s", "9" * 5000 + "s"]
)
def test_what_prometheus_refuses_is_refused(text: str) -> None:
    with pytest.raises(InvalidDurationError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "0s"), (90_000, "1m30s"), (9 * 86_400_000, "9d"), (90_061_001, "25h1m1s1ms")]
)
def test_durations_are_written_as_prometheus_writes_them(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (15, "15ms"),
        (1500, "1.5s"),
        (60_000, "1m0s"),
        (86_400_000, "24h0m0s"),
        (3_661_010, "1h1m1.01s"),
        (-90_000, "-1m30s"),
    ],
)
def test_durations_are_written_as_go_writes_them(milliseconds: int, text: str) -> None:
    assert format_go_duration(milliseconds) == text


@given(st.integers(min_value=0, max_value=9_223_372_036_854))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds
