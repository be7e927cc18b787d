"""Every figure on a page leads to its query, and that query gives the figure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from flask.testing import FlaskClient

from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.rules import load_rule_file
from dashboard.model.labels import Labels
from dashboard.promql import Vector
from dashboard.web import Parts, create_app, urls

from .markup import Element, Tree

JOB = 'sh"op\\{x}'
STEP = 15_000
HOST = {"job": "host", "instance": "localhost:5000"}
CARD = {"gpu": "0", "UUID": 'GPU-"a', "modelName": "H200", "Hostname": "box", **HOST}
DIVIDED = {"gpu": "1", "UUID": "GPU-b", "modelName": "A100", "Hostname": "box", **HOST}
UNITS = {
    **dict.fromkeys(("", "/s", "°C", "W", "MHz", "core", "cores", "s", "B", "B/s"), 1.0),
    "%": 0.01,
    "k": 1e3,
    "M": 1e6,
    "µs": 1e-6,
    "ms": 1e-3,
    "min": 60.0,
    "h": 3600.0,
    **{unit + per: 2.0**power for unit, power in (("KiB", 10), ("MiB", 20), ("GiB", 30)) for per in ("", "/s")},
}
WORDS = {"up": 1.0, "down": 0.0}
# What these say is no answer to a query: they are told by the clock and by the configuration.
NOT_ASKED = ("Last scrape", "Every")


def at_times(parts: Parts, series: list[tuple[dict[str, str], list[float]]], *, ago: int = 0) -> None:
    """Store series, a sample each scrape interval, the last of them so many intervals ago."""
    last, length = parts.clock() - ago * STEP, len(series[0][1])
    numbers = np.array([parts.storage.series_id(Labels.of(labels)) for labels, _ in series], dtype=np.int64)
    appender = parts.storage.appender()
    for place in range(length):
        appender.append(last - (length - 1 - place) * STEP, numbers, np.array([values[place] for _, values in series]))
    parts.storage.flush()


def rising(name: str, rate: float, **labels: str) -> tuple[dict[str, str], list[float]]:
    return {"__name__": name, **labels}, [rate * place * STEP / 1000 + 7.0 for place in range(20)]


def level(name: str, value: float, **labels: str) -> tuple[dict[str, str], list[float]]:
    return {"__name__": name, **labels}, [value] * 20


def store_app(parts: Parts, own: dict[str, str]) -> None:
    statuses = (("200", 9.0), ("503", 0.4))
    at_times(
        parts,
        [
            *(rising("http_requests_total", rate, status=status, **own) for status, rate in statuses),
            *(
                rising("http_request_duration_seconds_bucket", rate, le=le, **own)
                for le, rate in (("0.05", 4.0), ("0.5", 8.9), ("+Inf", 9.4))
            ),
            level("app_build_info", 1.0, version="1.2.0", **own),
            # The second app counts by "code", and has no latency.
            rising("flask_http_request_duration_seconds_count", 3.0, code="200", job="second"),
            level("shop_info", 1.0, branch="main", job="second"),
        ],
    )


def store_host(parts: Parts) -> None:
    at_times(
        parts,
        [
            *(
                rising("node_cpu_seconds_total", rate, cpu=cpu, mode=mode, **HOST)
                for cpu in ("0", "1")
                for mode, rate in (("user", 0.25), ("idle", 0.7))
            ),
            level("node_memory_MemTotal_bytes", 2.0**34, **HOST),
            level("node_memory_MemAvailable_bytes", 3.0e9, **HOST),
            *(
                level(f"node_filesystem_{what}_bytes", size, mountpoint=place, fstype="ext4", **HOST)
                for place, free in (("/", 4.0e9), ("/data", 9.0e9))
                for what, size in (("avail", free), ("size", 1e10))
            ),
            rising("node_network_receive_bytes_total", 4321.0, device="eth0", **HOST),
            rising("node_network_transmit_bytes_total", 1234.0, device="eth0", **HOST),
        ],
    )


def store_cards(parts: Parts) -> None:
    figures = {"GPU_UTIL": 35, "FB_USED": 2048, "FB_FREE": 6144, "GPU_TEMP": 41, "POWER_USAGE": 72.5}
    figures |= {"SM_CLOCK": 1980, "CLOCK_THROTTLE_REASONS": 4, "XID_ERRORS": 79}
    at_times(
        parts,
        [
            *(level(f"DCGM_FI_DEV_{name}", float(value), **CARD) for name, value in figures.items()),
            level("namedprocess_namegroup_gpu_memory_bytes", 1.5e9, groupname='py"thon', **CARD),
            level("DCGM_FI_DEV_GPU_TEMP", 50.0, **DIVIDED),
            *(level("DCGM_FI_DEV_FB_USED", 100.0 * int(part), GPU_I_ID=part, **DIVIDED) for part in "123"),
        ],
    )


@pytest.fixture
def told(parts: Parts) -> Parts:
    """Parts with an app of an odd name and another, a host, graphics cards, and alerts that have changed."""
    folder = parts.settings.config_file.parent
    good = next(target for target in parts.scrape.targets() if target.labels.get("job") == "shop")
    address = good.labels.get("instance")
    (folder / "told.yml").write_text(
        "global: {scrape_interval: 15s, scrape_timeout: 10s}\nscrape_configs:\n"
        f"- job_name: '{JOB}'\n  static_configs: [{{targets: ['{address}', '127.0.0.1:1']}}]\n"
        "- job_name: second\n  static_configs: [{targets: ['127.0.0.1:2']}]\n"
        "- job_name: host\n  metrics_path: /host/metrics\n  static_configs: [{targets: ['localhost:5000']}]\n"
    )
    parts.scrape.apply(load_prometheus_config(folder / "told.yml"))
    store_app(parts, {"job": JOB, "instance": address})
    store_host(parts)
    store_cards(parts)
    ups = [1.0] * 100 + [0.0] * 40 + [1.0] * 100
    of_targets = [({"__name__": "up", **dict(target.labels)}, ups) for target in parts.scrape.targets()]
    at_times(parts, of_targets, ago=1)
    scrape_all(parts)
    evaluate(parts, folder / "rules.yml")
    return parts


def scrape_all(parts: Parts) -> None:
    for target in parts.scrape.targets():
        if target.labels.get("job") != "host":
            parts.scrape.scrape_now(target.id)
    parts.storage.flush()


def evaluate(parts: Parts, rules: Path) -> None:
    parts.rules.apply([load_rule_file(rules)], STEP)
    for time in (parts.clock() - 61_000, parts.clock()):
        for group in parts.rules.groups():
            parts.rules.evaluate_group(parts.rules.group(group.file, group.name), time)
    parts.storage.flush()


@pytest.fixture
def client(told: Parts) -> FlaskClient:
    return create_app(told).test_client()


def pages(parts: Parts) -> Iterator[str]:
    # The page of the store counts series that have ended, too: its links have a test of their own.
    yield from ("/", "/gpu", "/targets", "/alerts", urls.app(JOB), urls.app("second"))
    yield urls.target(next(target.id for target in parts.scrape.targets() if target.labels.get("job") == JOB))


def elements(client: FlaskClient, address: str) -> list[Element]:
    answer = client.get(address)
    assert answer.status_code == 200
    return [each for each in Tree(answer.text).root.every() if not is_of_template(each)]


def is_of_template(element: Element) -> bool:
    return element.tag == "template" or bool(element.parent and is_of_template(element.parent))


def number_of(text: str) -> float | None:
    """Return the first number of a text in its base unit, or ``None`` where there is none."""
    if text in WORDS:
        return WORDS[text]
    found = re.search(r"(\d[\d,]*\.?\d*)\s?([^\s\d().,·]*)", text)
    return float(found[1].replace(",", "")) * UNITS.get(found[2], 1.0) if found else None


def answers(parts: Parts, address: str) -> list[float]:
    """Return the values that the query of an address gives when that says, or now."""
    assert urlsplit(address).path == urls.EXPLORE
    asked = parse_qs(urlsplit(address).query)
    time = int(float(asked["end"][0]) * 1000) if "end" in asked else parts.clock()
    vector = parts.engine.instant(asked["expr"][0], time).value
    assert isinstance(vector, Vector)
    values: list[float] = vector.values.tolist()
    return values


def test_the_query_of_each_figure_gives_it(client: FlaskClient, told: Parts) -> None:
    seen: dict[str, set[str]] = {}
    for address in pages(told):
        for link in elements(client, address):
            shown = link.attributes.get("data-text", "")
            if "figure" not in link.classes or not link.attributes.get("href", "").startswith(urls.EXPLORE):
                continue
            number, given = number_of(link.text()), answers(told, link.attributes["href"])
            # What is no field is no figure, but leads to what is drawn.
            if shown and number is not None:
                assert (address, shown, link.text(), given) == (address, shown, link.text(), Near(number))
            assert given
            seen.setdefault(address, set()).add(shown or link.text())
    figures = {"rate", "errors", "p50", "p95", "availability", "last 50 scrapes"}
    assert seen["/"] == {*figures, "value", "detail"}
    assert seen[urls.app(JOB)] == figures
    assert seen[urls.app("second")] == figures - {"p50", "p95"}
    assert seen["/targets"] == {"state", "duration", "samples"}
    assert seen["/alerts"] == {"value"}
    assert seen["/gpu"] == {*("utilization", "memory", "temperature", "power", "clock"), "slowed", "error"}


class Near:
    """Equals values of which one is a number as far as three digits tell."""

    def __init__(self, number: float) -> None:
        self.number = number

    def __eq__(self, values: object) -> bool:
        return isinstance(values, list) and any(value == pytest.approx(self.number, rel=0.011) for value in values)

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        return f"near {self.number}"


def test_no_figure_is_without_its_query(client: FlaskClient, told: Parts) -> None:
    for address in pages(told):
        for each in elements(client, address):
            if is_figure(each) and number_of(each.text()) is not None:
                assert (address, each.text(), leads_to_query(each)) == (address, each.text(), True)


def is_figure(element: Element) -> bool:
    """Say whether an element is one in which pages show figures."""
    places = {"gauge-value", "availability", "alert-value", "change-value"} & set(element.classes)
    parent = element.parent
    if element.tag == "b" and parent and parent.parent and "gpu-list" in parent.parent.classes:
        return True
    if element.tag != "dd" or parent is None:
        return bool(places)
    named = [each.text() for each in parent.elements() if each.tag == "dt"]
    return named[:1] not in [[name] for name in NOT_ASKED] and not is_pair(element)


def is_pair(element: Element) -> bool:
    """Say whether an element is a label or an annotation."""
    return "pairs" in element.classes or bool(element.parent and is_pair(element.parent))


def leads_to_query(element: Element) -> bool:
    links = [each for each in (element, *element.every()) if each.tag == "a"]
    return any(link.attributes.get("href", "").startswith(urls.EXPLORE) for link in links)


def test_a_dash_leads_nowhere(client: FlaskClient) -> None:
    (card,) = (each for each in elements(client, "/") if each.attributes.get("data-key") == "second")
    (latency,) = (each for each in card.every() if each.attributes.get("data-text") == "p95")
    assert latency.text() == "–"
    assert "href" not in latency.attributes


def test_what_is_said_by_labels_leads_to_its_series(client: FlaskClient, told: Parts) -> None:
    (info,) = (each for each in elements(client, urls.app("second")) if each.attributes.get("data-key") == "shop_info")
    (link,) = (each for each in info.every() if each.tag == "a")
    assert answers(told, link.attributes["href"]) == [1.0]
