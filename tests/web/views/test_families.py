"""Families by type, and the panels that they get."""

from urllib.parse import parse_qs, urlsplit

from dashboard.exposition.page import Metadata, MetricType
from dashboard.model.labels import Labels
from dashboard.promql.parser import parse
from dashboard.scrape.status import TargetMetadata
from dashboard.web.views.families import Family, Kind, families_of
from dashboard.web.views.panels import Section, panels_of, unit_of


def said(metric: str, kind: MetricType) -> TargetMetadata:
    return TargetMetadata(Labels.of({"job": "shop"}), metric, Metadata(kind, f"Help of {metric}."))


METADATA = [
    said("queue", MetricType.GAUGE),
    said("jobs", MetricType.COUNTER),
    said("http_requests_total", MetricType.COUNTER),
    said("http_request_duration_seconds", MetricType.HISTOGRAM),
    said("wait_seconds", MetricType.HISTOGRAM),
    said("rpc_seconds", MetricType.SUMMARY),
    said("app_build_info", MetricType.GAUGE),
    said("model", MetricType.INFO),
    said("process_resident_memory_bytes", MetricType.GAUGE),
    said("queue_created", MetricType.GAUGE),
    said("gone", MetricType.GAUGE),
    said("sent_total", MetricType.UNKNOWN),
]
PRESENT = frozenset(
    {
        "queue",
        "jobs_total",
        "http_requests_total",
        "http_request_duration_seconds_bucket",
        "wait_seconds_bucket",
        "rpc_seconds",
        "app_build_info",
        "model_info",
        "process_resident_memory_bytes",
        "queue_created",
        "sent_total",
    }
)


def families() -> dict[str, Family]:
    return {family.name: family for family in families_of(METADATA, PRESENT)}


def test_families_know_their_kind_and_the_series_to_ask_for() -> None:
    found = {name: (family.kind, family.metric) for name, family in families().items()}
    assert found["jobs"] == (Kind.COUNTER, "jobs_total")
    assert found["sent_total"] == (Kind.COUNTER, "sent_total")
    assert found["wait_seconds"] == (Kind.HISTOGRAM, "wait_seconds_bucket")
    assert found["rpc_seconds"] == (Kind.SUMMARY, "rpc_seconds")
    assert found["app_build_info"] == (Kind.INFO, "app_build_info")
    assert found["model"] == (Kind.INFO, "model_info")
    assert found["queue"] == (Kind.GAUGE, "queue")


def test_families_without_series_and_creation_times_are_left_out() -> None:
    assert not {"gone", "queue_created"} & families().keys()


def test_without_a_word_from_the_app_names_say_what_is_what() -> None:
    present = frozenset(
        {"queue", "jobs_total", "wait_seconds_bucket", "wait_seconds_count", "wait_seconds_sum", "app_build_info"}
        | {"up", "ALERTS", "scrape_duration_seconds", "job:jobs:rate1m"}
    )
    found = {family.name: family.kind for family in families_of([], present)}
    assert found == {
        "queue": Kind.GAUGE,
        "jobs_total": Kind.COUNTER,
        "wait_seconds": Kind.HISTOGRAM,
        "app_build_info": Kind.INFO,
    }


def test_panels_come_in_the_order_of_the_page() -> None:
    specs = panels_of("shop", list(families().values()))
    assert [spec.panel.title for spec in specs] == [
        "Requests",
        "Errors",
        "Latency",
        "jobs_total",
        "queue",
        "rpc_seconds",
        "sent_total",
        "wait_seconds",
        "process_resident_memory_bytes",
    ]
    assert specs[-1].section is Section.COMMON


def test_an_app_without_requests_has_only_its_own_families() -> None:
    assert [spec.panel.id for spec in panels_of("shop", [families()["queue"]])] == ["family:queue"]


def test_a_panel_leads_to_its_query() -> None:
    (requests, *_) = panels_of("shop", list(families().values()))
    address = urlsplit(requests.linked.query_url)
    (asked,) = parse_qs(address.query)["expr"]
    assert address.path == "/explore"
    assert asked == requests.lines[0].query.replace("{window}", "5m")
    parse(asked)


def test_a_hostile_job_and_metric_stay_inside_their_strings() -> None:
    family = Family('a"b', 'a"b', Kind.GAUGE)
    (spec,) = panels_of('x"} or vector(1', [family])
    assert spec.lines[0].query == '{__name__="a\\"b",job="x\\"} or vector(1"}'


def test_units_come_from_the_family_or_its_name() -> None:
    units = {family.name: unit_of(family) for family in families().values()}
    assert units["process_resident_memory_bytes"] == "bytes"
    assert units["jobs"] == "per second"
    assert units["wait_seconds"] == "seconds"
    assert units["queue"] == "none"
    assert unit_of(Family("sent_bytes", "sent_bytes_total", Kind.COUNTER)) == "bytes/s"
