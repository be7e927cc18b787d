"""Templates: Prometheus's functions give Prometheus's texts, and nothing gets out of the sandbox."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import pytest

from dashboard.model.labels import Labels
from dashboard.rules.errors import TemplateError
from dashboard.rules.template_functions import Sample, sample
from dashboard.rules.templates import Expander

NOW = 1_700_000_000_000


def _up(text: str, now: int) -> Sequence[Sample]:
    assert now == NOW
    samples = {
        "up": [("b", 2.0), ("a", 1.0), ("c", 3.0)],
        "nothing": [],
    }[text]
    return [sample(Labels.of({"__name__": "up", "instance": name}), value) for name, value in samples]


def _standing_still() -> float:
    return 0.0


def _expander(clock: Callable[[], float] = time.monotonic) -> Expander:
    labels, url = Labels.of({"site": "here"}), "http://cockpit.example/prefix"
    return Expander("Test", _up, external_labels=labels, external_url=url, clock=clock)


def _render(text: str, value: float = 0.0, **labels: str) -> str:
    expander = _expander(_standing_still)
    return expander.render(expander.compile(text), Labels.of(labels), value, NOW)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("plain", 0, "plain"),
        ("{{ $value }}", 0.2, "0.2"),
        ("{{ $value }}", 1234567.0, "1.234567e+06"),
        ("{{ $value }}", 15, "15"),
        ("{{ $value }}", math.nan, "NaN"),
        ("{{ $value }}", math.inf, "+Inf"),
        ("{{ .Value }}", 2.5, "2.5"),
        ('{{ printf "%.2f" $value }}', 2.345, "2.35"),
        ('{{ $value | printf "%.0f" }}', 99.6, "100"),
        ("{{ humanize $value }}", 0, "0"),
        ("{{ humanize $value }}", 1_048_576, "1.049M"),
        ("{{ humanize $value }}", -1234, "-1.234k"),
        ("{{ humanize $value }}", 0.000012, "12u"),
        ("{{ humanize $value }}", 1e30, "1e+06Y"),
        ("{{ humanize $value }}", math.inf, "+Inf"),
        ('{{ humanize "1234" }}', 0, "1.234k"),
        ("{{ humanize1024 $value }}", 1_048_576, "1Mi"),
        ("{{ humanize1024 $value }}", 0.5, "0.5"),
        ("{{ humanize1024 $value }}", -2048, "-2ki"),
        ("{{ humanizeDuration $value }}", 0, "0s"),
        ("{{ humanizeDuration $value }}", 135, "2m 15s"),
        ("{{ humanizeDuration $value }}", 899.99, "14m 59s"),
        ("{{ humanizeDuration $value }}", 90061, "1d 1h 1m 1s"),
        ("{{ humanizeDuration $value }}", 3600, "1h 0m 0s"),
        ("{{ humanizeDuration $value }}", 12.34567, "12.35s"),
        ("{{ humanizeDuration $value }}", 0.0123, "12.3ms"),
        ("{{ humanizeDuration $value }}", -61, "-1m 1s"),
        ("{{ humanizePercentage $value }}", 0.959, "95.9%"),
        ("{{ humanizePercentage $value }}", 0.00001, "0.001%"),
        ("{{ humanizeTimestamp $value }}", 1643114203, "2022-01-25 12:36:43 +0000 UTC"),
        ("{{ humanizeTimestamp $value }}", 1435065584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
        ("{{ humanizeTimestamp $value }}", math.nan, "NaN"),
        ('{{ (toTime $value).Format "2006-01-02" }}', 1643114203, "2022-01-25"),
        ("{{ (toTime $value).Year }} {{ (toTime $value).Weekday }}", 1643114203, "2022 Tuesday"),
        ("{{ toDuration 90 }}", 0, "1m30s"),
        ('{{ parseDuration "1h30m" }}', 0, "5400"),
        ("{{ now }}", 0, "1.7e+09"),
    ],
)
def test_numbers_and_times(text: str, value: float, expected: str) -> None:
    """Numbers, durations and times are written as Prometheus writes them."""
    assert _render(text, value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ $labels.job }}/{{ .Labels.job }}", "api server/api server"),
        ("[{{ $labels.none }}]", "[]"),
        ("{{ $externalLabels.site }} {{ .ExternalLabels.site }}", "here here"),
        ("{{ $externalURL }} {{ externalURL }} {{ pathPrefix }}", "http://cockpit.example/prefix " * 2 + "/prefix"),
        ("{{ title $labels.job }} {{ toUpper $labels.job }} {{ toLower `ABC` }}", "Api Server API SERVER abc"),
        ('{{ match "a.i" $labels.job }} {{ match "^x" $labels.job }}', "true false"),
        ('{{ reReplaceAll "(a)(p)" "$2${1}x$$" $labels.job }}', "pax$i server"),
        ('{{ reReplaceAll "(?P<first>.).*" "${first}$nothing" $labels.job }}', "a"),
        (
            '{{ stripPort "host:80" }} {{ stripPort "[::1]:80" }} {{ stripPort "::1" }} {{ stripPort "h" }}',
            "host ::1 ::1 h",
        ),
        ('{{ stripDomain "a.b.c:80" }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "a.b" }}', "a:80 10.0.0.1:80 a"),
        ('{{ urlQueryEscape "a b&c" }}', "a+b%26c"),
        ('{{ graphLink "up == 0" }}', "/graph?g0.expr=up+%3D%3D+0&g0.tab=0"),
        ('{{ tableLink "up" }}', "/graph?g0.expr=up&g0.tab=1"),
        ('{{ safeHtml "<b>" }}', "<b>"),
        ('{{ with args "x" 2 }}{{ .arg0 }}{{ .arg1 }}{{ end }}', "x2"),
        ('{{ define "t" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template "t" (args "x" 2) }}', "x-2"),
        ('{{ query "up" | first | value }} {{ (query "up" | first).Labels.instance }}', "2 b"),
        (
            '{{ range query "up" | sortByLabel "instance" }}{{ .Labels.instance }}:{{ .Value }},{{ end }}',
            "a:1,b:2,c:3,",
        ),
        ('{{ query "up" | first | label "instance" }}[{{ query "up" | first | strvalue }}]', "b[]"),
        ('{{ with query "nothing" }}some{{ else }}none{{ end }}', "none"),
        ('{{ if eq $labels.job "api server" }}yes{{ end }}', "yes"),
        ('{{ print 1 2 "a" "b" 3 }}|{{ println "a" 1 }}', "1 2ab3|a 1\n"),
        (
            "{{ html `<a>` }} {{ urlquery `a b` }} {{ len $labels.job }} {{ slice $labels.job 0 3 }}",
            "&lt;a&gt; a+b 10 api",
        ),
    ],
)
def test_text_functions(text: str, expected: str) -> None:
    """Labels, external labels, queries and functions on text read as in Prometheus."""
    assert _render(text, job="api server") == expected


def test_compliance_arguments() -> None:
    """``query``, ``sortByLabel``, ``args`` and ``define`` work together as the alert generator suite wants."""
    text = (
        '{{ define "args" }}Args are: {{ .arg0 }} {{ .arg1 }} {{ .arg2 }}.{{ end }}'
        '{{ template "args" (args "foo" "bar" 99) }}'
        ' first_id:{{ query "up" | first | label "instance" }},'
        '{{ range query "up" | sortByLabel "instance" }}{{ .Labels.instance }}:{{ .Value }},{{ end }}'
    )
    assert _render(text) == "Args are: foo bar 99. first_id:b,a:1,b:2,c:3,"


def test_label_values_are_data() -> None:
    """A label value that looks like a template stays the text that it is."""
    text = "{{ $labels.job }} {{ $labels.x }}"
    assert _render(text, job="{{ 7 }}", x="{{ query `up` }}") == "{{ 7 }} {{ query `up` }}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ $labels.job ",
        "{{ nosuchfunction 1 }}",
        "{{ if }}x{{ end }}",
        "{{ $undefined }}",
        "{{ end }}",
        "{{ tmpl `x` 1 }}",
    ],
)
def test_broken_template_is_refused(text: str) -> None:
    """What is no template, or calls what is not there, is found when it is compiled."""
    with pytest.raises(TemplateError, match="__alert_Test"):
        _expander().compile(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ .Missing }}", "Missing"),
        ("{{ humanize `x` }}", "invalid syntax"),
        ('{{ query "nothing" | first }}', r"first\(\) called on vector with no elements"),
        ('{{ match "(" "x" }}', "error parsing regexp"),
        ("{{ parseDuration `1x` }}", "not a valid duration"),
        ("{{ template `nothing` }}", "nothing"),
        ("{{ gt $value 1 }}", "incompatible types"),
        ("{{ $labels.__class__.__mro__ }}", "not allowed|nil|lookup|can't"),
        ("{{ (toTime 1).Time }}", "not allowed"),
    ],
)
def test_failing_template_says_why(text: str, message: str) -> None:
    """A template that fails while it runs raises an error that names the cause."""
    with pytest.raises(TemplateError, match=message):
        _render(text)


_CALL_TREE = '{{ template "t0" }}'


def _twice(name: str, called: str) -> str:
    """Define a template that calls another one twice."""
    calls = f'{{{{ template "{called}" }}}}' * 2 if called else ""
    return f'{{{{ define "{name}" }}}}{calls}{{{{ end }}}}'


BOMBS = {
    "loop": "{{ range 1000000000 }}{{ end }}",
    "output": '{{ range 100000 }}{{ "0123456789" }}{{ end }}',
    "doubling by printf": '{{ $x := "aaaaaaaa" }}{{ range 60 }}{{ $x = printf "%s%s" $x $x }}{{ end }}',
    "doubling by print": '{{ $x := "aaaaaaaa" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}',
    "doubling by println": '{{ $x := "aaaaaaaa" }}{{ range 60 }}{{ $x = println $x $x }}{{ end }}',
    "doubling by html": '{{ $x := "aaaaaaaa" }}{{ range 60 }}{{ $x = html $x $x }}{{ end }}',
    "doubling by replacement": '{{ $x := "aaaaaaaa" }}{{ range 60 }}{{ $x = reReplaceAll "a" "aa" $x }}{{ end }}',
    "doubling by args": '{{ $x := args "aaaaaaaa" }}{{ range 60 }}{{ $x = args $x $x }}{{ end }}{{ $x }}',
    "width": '{{ printf "%1000000000d" 1 }}',
    "star": '{{ printf "%*d" 1000000000 1 }}',
    "precision": '{{ printf "%.1000000000f" 1.0 }}',
    "recursion": '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
    "tree": "".join(_twice(f"t{level}", f"t{level + 1}") for level in range(60)) + _twice("t60", "") + _CALL_TREE,
    "queries": '{{ range 100000 }}{{ with query "up" }}{{ end }}{{ end }}',
    "regex": '{{ $text := "' + "a" * 1000 + '" }}{{ range 100000 }}{{ if match "(a?){100}b" $text }}{{ end }}{{ end }}',
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_end_with_an_error(bomb: str) -> None:
    """A template that would never end, or fill the memory, ends in an error soon."""
    expander = _expander()
    template = expander.compile(bomb)
    with pytest.raises(TemplateError):
        expander.render(template, Labels(), 0.0, NOW)


class _Clock:
    """A clock that goes on by a step each time it is read, and when a query takes its time."""

    def __init__(self, step: float) -> None:
        self.time = 0.0
        self._step = step

    def __call__(self) -> float:
        self.time += self._step
        return self.time

    def slow_query(self, text: str, now: int) -> Sequence[Sample]:
        self.time += 60.0
        return _up(text, now)


def test_queries_do_not_count_as_the_templates_time() -> None:
    """A query has a time limit of its own: a minute in it does not end the template."""
    clock = _Clock(0.0)
    expander = Expander("Test", clock.slow_query, external_labels=Labels(), external_url="", clock=clock)
    template = expander.compile('{{ range query "up" }}x{{ end }}')
    assert expander.render(template, Labels(), 0.0, NOW) == "xxx"
    assert clock.time >= 60.0


def test_time_is_limited() -> None:
    """A template that takes longer than 100 ms ends, also where it neither loops nor writes."""
    clock = _Clock(0.03)
    expander = Expander("Test", _up, external_labels=Labels(), external_url="", clock=clock)
    template = expander.compile("".join("{{ if len `x` }}{{ end }}" for _ in range(10)))
    with pytest.raises(TemplateError, match="longer than 100 ms"):
        expander.render(template, Labels(), 0.0, NOW)


def test_rendering_may_be_repeated() -> None:
    """The allowance is renewed with each rendering."""
    expander = _expander(_standing_still)
    template = expander.compile("{{ range 20000 }}{{ end }}{{ $value }}")
    texts = [expander.render(template, Labels(), float(number), NOW) for number in range(8)]
    assert texts == [str(number) for number in range(8)]
