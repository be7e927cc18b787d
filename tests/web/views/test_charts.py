"""The figures of a panel over time."""

import numpy as np

from dashboard.model.labels import Labels
from dashboard.web import Parts
from dashboard.web.views.charts import Span, added_up, largest, make_chart, series_names
from dashboard.web.views.families import Family, Kind
from dashboard.web.views.panels import Line, PanelSpec, panels_of

STEP = 5000


def store_many(parts: Parts, metric: str, amount: int) -> None:
    """Store ``amount`` counters of a job over five minutes; the n-th grows by n a second."""
    labels = [Labels.of({"__name__": metric, "job": "shop", "path": f"/{n:02d}"}) for n in range(amount)]
    numbers = np.array([parts.storage.series_id(each) for each in labels], dtype=np.int64)
    appender = parts.storage.appender()
    now = parts.clock()
    for at in range(now - 300_000, now + 1, STEP):
        appender.append(at, numbers, np.arange(amount) * (at - now + 600_000) / 1000)
    parts.storage.flush()


def spec_of(kind: Kind, metric: str) -> PanelSpec:
    return panels_of("shop", [Family(metric, metric, kind)])[0]


def test_the_largest_counters_are_drawn_and_the_others_added_up(parts: Parts) -> None:
    store_many(parts, "hits_total", 13)
    chart = make_chart(parts.engine, spec_of(Kind.COUNTER, "hits_total"), Span.QUARTER, STEP, parts.clock())
    assert [series.name for series in chart.series] == [f"/{n:02d}" for n in range(3, 13)] + ["3 others together"]
    assert chart.series[-2].last == "12/s"
    assert chart.series[-1].last == "3/s"
    assert len({series.color_class for series in chart.series}) == 11
    assert chart.count == len(chart.series[0].values) == 181
    assert chart.series[0].values[0] is None


def test_statuses_have_a_colour_each_and_server_errors_warm_ones(parts: Parts) -> None:
    statuses = ("200", "404", "429", "500", "503")
    labels = [Labels.of({"__name__": "http_requests_total", "job": "shop", "status": each}) for each in statuses]
    numbers = np.array([parts.storage.series_id(each) for each in labels], dtype=np.int64)
    appender = parts.storage.appender()
    for at in range(parts.clock() - 300_000, parts.clock() + 1, STEP):
        appender.append(at, numbers, np.full(len(statuses), at / 1000))
    parts.storage.flush()
    spec = spec_of(Kind.COUNTER, "http_requests_total")
    chart = make_chart(parts.engine, spec, Span.QUARTER, STEP, parts.clock())
    colors = {series.name: series.color_class for series in chart.series}
    assert len(set(colors.values())) == len(colors) == 5
    assert [name for name, color in colors.items() if "error" in color] == ["500", "503"]


def test_counters_that_say_nothing_are_not_counted_among_the_others(parts: Parts) -> None:
    store_many(parts, "hits_total", 10)
    silent = np.array([parts.storage.series_id(Labels.of({"__name__": "hits_total", "job": "shop", "path": "/nan"}))])
    appender = parts.storage.appender()
    for at in range(parts.clock() - 300_000, parts.clock() + 1, STEP):
        appender.append(at, silent, np.array([np.nan]))
    parts.storage.flush()
    chart = make_chart(parts.engine, spec_of(Kind.COUNTER, "hits_total"), Span.QUARTER, STEP, parts.clock())
    assert [series.name for series in chart.series] == [f"/{n:02d}" for n in range(10)]


def test_a_line_keeps_its_id_when_another_comes(parts: Parts) -> None:
    store_many(parts, "depth", 1)
    spec = spec_of(Kind.GAUGE, "depth")

    def ids(spec: PanelSpec) -> list[str]:
        return [series.id for series in make_chart(parts.engine, spec, Span.QUARTER, STEP, parts.clock()).series]

    before = ids(spec)
    more = PanelSpec(spec.panel, (Line("vector(1)", "/"), *spec.lines, *spec.lines))
    assert before[0] in ids(more)
    assert len(set(ids(more))) == 3


def test_gauges_that_are_not_drawn_are_counted(parts: Parts) -> None:
    store_many(parts, "depth", 12)
    chart = make_chart(parts.engine, spec_of(Kind.GAUGE, "depth"), Span.QUARTER, STEP, parts.clock())
    assert len(chart.series) == 10
    assert chart.note == "2 further series not drawn"


def test_times_are_drawn_as_ages_and_those_not_known_yet_not_at_all(parts: Parts) -> None:
    labels = [
        Labels.of({"__name__": "process_start_time_seconds", "job": "shop", "instance": each}) for each in ("a", "b")
    ]
    numbers = np.array([parts.storage.series_id(each) for each in labels], dtype=np.int64)
    parts.storage.appender().append(parts.clock(), numbers, np.array([parts.clock() / 1000 - 7200, 0.0]))
    parts.storage.flush()
    spec = spec_of(Kind.GAUGE, "process_start_time_seconds")
    assert spec.panel.title == "process_start_time_seconds, as age"
    chart = make_chart(parts.engine, spec, Span.QUARTER, STEP, parts.clock())
    assert [series.last for series in chart.series] == ["2 h"]
    assert spec_of(Kind.GAUGE, "response_time_seconds").lines[0].query.startswith("{")


def test_a_panel_without_samples_says_so(parts: Parts) -> None:
    chart = make_chart(parts.engine, spec_of(Kind.GAUGE, "nothing"), Span.DAY, STEP, parts.clock())
    assert (chart.series, chart.note) == ((), "Nothing in this range.")


def test_steps_lie_on_a_grid_that_does_not_move_with_the_time(parts: Parts) -> None:
    spec = spec_of(Kind.GAUGE, "nothing")
    for span in Span:
        first = make_chart(parts.engine, spec, span, STEP, parts.clock())
        second = make_chart(parts.engine, spec, span, STEP, parts.clock() + span.step - 1)
        assert first.start % span.step == 0
        assert second.start - first.start in (0, span.step)
        assert Span.named(span.label) is span


def test_an_unknown_range_is_the_shortest() -> None:
    assert Span.named("'; drop") is Span.QUARTER


def test_series_are_named_by_the_labels_that_differ() -> None:
    two = [Labels.of({"__name__": "x", "job": "j", "path": path, "zone": "a"}) for path in ("/a", "/b")]
    assert series_names(two, "", "value") == ["/a", "/b"]
    assert series_names(two, "p50", "value") == ["p50 /a", "p50 /b"]
    assert series_names([Labels.of({"__name__": "x", "job": "j", "instance": "i"})], "", "value") == ["value"]
    quantiles = [Labels.of({"__name__": "x", "quantile": quantile}) for quantile in ("0.5", "0.999")]
    assert series_names(quantiles, "", "value") == ["p50", "p99.9"]
    strange = [Labels.of({"__name__": "x", "quantile": quantile}) for quantile in ("²", "high", "1.5.2")]
    assert series_names(strange, "", "value") == ["²", "high", "1.5.2"]
    mixed = [Labels.of({"kind": "a"}), Labels.of({"team": "t"})]
    assert series_names(mixed, "", "value") == ["a · no team", "no kind · t"]


def test_rows_without_values_are_not_drawn() -> None:
    values = np.array([[np.nan, np.nan], [1.0, np.nan], [-5.0, 1.0]])
    assert largest(values, 10) == [2, 1]
    assert added_up(values).tolist() == [-4.0, 1.0]
