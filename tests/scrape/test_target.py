"""Targets come from a scrape configuration as in Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import load_prometheus_config
from dashboard.scrape.target import Target, targets_of


def targets(folder: Path, text: str) -> list[Target]:
    """Return the targets of a ``scrape_configs`` section."""
    file = folder / "prometheus.yml"
    file.write_text(f"scrape_configs:\n{text}", encoding="utf-8")
    return targets_of(load_prometheus_config(file))


def test_labels_url_and_durations(tmp_path: Path) -> None:
    (target,) = targets(
        tmp_path,
        """
- job_name: api
  scrape_interval: 5s
  scrape_timeout: 2s
  metrics_path: /a b?
  params: {module: [x, y z]}
  static_configs: [{targets: ['host:8080'], labels: {env: prod}}]
""",
    )
    assert dict(target.labels) == {"job": "api", "instance": "host:8080", "env": "prod"}
    assert target.url == "http://host:8080/a%20b%3F?module=x&module=y+z"
    assert (target.scrape_pool, target.interval, target.timeout) == ("api", 5000, 2000)
    assert dict(target.discovered_labels) == {
        "__address__": "host:8080",
        "__metrics_path__": "/a b?",
        "__param_module": "x",
        "__scheme__": "http",
        "__scrape_interval__": "5s",
        "__scrape_timeout__": "2s",
        "env": "prod",
        "job": "api",
    }


@pytest.mark.parametrize(
    ("address", "scheme", "url"),
    [
        ("host", "http", "http://host:80/metrics"),
        ("host", "https", "https://host:443/metrics"),
        ("[::1]", "http", "http://[::1]:80/metrics"),
        ("[::1]:9", "http", "http://[::1]:9/metrics"),
    ],
)
def test_an_address_without_a_port_gets_that_of_the_scheme(tmp_path: Path, address: str, scheme: str, url: str) -> None:
    (target,) = targets(tmp_path, f"- {{job_name: a, scheme: {scheme}, static_configs: [{{targets: ['{address}']}}]}}")
    assert target.url == url
    assert target.labels.get("instance") == url.split("/")[2]


def test_labels_of_a_target_may_say_how_it_is_scraped(tmp_path: Path) -> None:
    (target,) = targets(
        tmp_path,
        """
- job_name: a
  params: {x: [y]}
  static_configs:
  - targets: [h]
    labels: {__scheme__: https, __metrics_path__: probe, __scrape_interval__: 7s, __scrape_timeout__: 1s, job: b,
             instance: i, __param_z: w}
""",
    )
    assert target.url == "https://h:443/probe?x=y&z=w"
    assert (target.interval, target.timeout) == (7000, 1000)
    assert dict(target.labels) == {"job": "b", "instance": "i"}


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("__scheme__: ftp", 'invalid scheme "ftp"'),
        ("__scrape_interval__: soon", "not a valid duration"),
        ("__scrape_timeout__: 0s", "must not be 0"),
    ],
)
def test_labels_that_make_no_target_are_refused(tmp_path: Path, labels: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        targets(tmp_path, f"- {{job_name: a, static_configs: [{{targets: [h], labels: {{{labels}}}}}]}}")


def test_repeated_targets_are_one(tmp_path: Path) -> None:
    assert len(targets(tmp_path, "- {job_name: a, static_configs: [{targets: [h, h, i]}, {targets: ['h:80']}]}")) == 2


def test_ids_stay_the_same_and_differ_between_targets(tmp_path: Path) -> None:
    text = "- {job_name: a, static_configs: [{targets: [h, i]}, {targets: [h], labels: {x: y}}]}"
    first, second = targets(tmp_path, text), targets(tmp_path, text)
    assert [target.id for target in first] == [target.id for target in second]
    assert len({target.id for target in first}) == 3
