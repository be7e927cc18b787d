"""Templates of rules that no alert has filled in."""

import pytest

from dashboard.web.views.templates import placeholders


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("", ""),
        ("All is lost", "All is lost"),
        ("{{ $labels.job }} is down", "‹job› is down"),
        ("{{$labels.job}}/{{ .Labels.path }}", "‹job›/‹path›"),
        ("{{ $value | humanizePercentage }} of {{- $labels.a_1 | title -}}s", "‹value› of ‹a_1›s"),
        ('{{ printf "%.2f" .Value }} s', "‹value› s"),
        ("{{ with query `up` }}some{{ end }}", "‹…›some‹…›"),
        ("a {{ that never ends", "a {{ that never ends"),
        ("} braces { }} stay", "} braces { }} stay"),
        ("‹<b>{{ $labels.x }}", "‹<b>‹x›"),
    ],
)
def test_what_an_alert_will_fill_in_is_named(template: str, shown: str) -> None:
    assert placeholders(template) == shown
