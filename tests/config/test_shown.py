from pathlib import Path

import pytest

from dashboard.config.prometheus import PrometheusConfig, load_prometheus_config
from dashboard.config.shown import shown_config
from dashboard.config.yaml_file import load

TEXT = """
global: {scrape_interval: 90s, external_labels: {zone: $ZONE}}
rule_files: [rules/*.yml]
scrape_config_files: [more.yml]
scrape_configs:
- job_name: a
  honor_timestamps: false
  follow_redirects: no
  body_size_limit: 1500KiB
  params: {x: ["1", 2]}
  static_configs: [{targets: ["a:1"], labels: {env: "on", n: 010}}]
  dns_sd_configs: [{names: [x], type: a, port: 80}]
  relabel_configs: [{source_labels: [a], target_label: b}, {regex: x.*, action: LabelDrop}]
  ec2_sd_configs: [{region: r, port: 0x50, profile: "80"}]
storage: {tsdb: {out_of_order_time_window: 30m}}
remote_write: [{url: http://w}]
"""


def written(folder: Path, text: str, name: str = "prometheus.yml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrometheusConfig:
    monkeypatch.setenv("ZONE", "eu")
    written(tmp_path, "scrape_configs: [{job_name: b}]", "more.yml")
    return load_prometheus_config(written(tmp_path, TEXT))


def test_defaults_are_filled_in_and_what_is_empty_is_left_out(config: PrometheusConfig, tmp_path: Path) -> None:
    shown = load(Path("shown"), shown_config(config))
    assert shown["global"]["scrape_interval"] == "1m30s"
    assert shown["global"]["evaluation_interval"] == "1m"
    assert shown["global"]["external_labels"] == {"zone": "eu"}
    assert shown["rule_files"] == [str(tmp_path.resolve() / "rules/*.yml")]
    job = shown["scrape_configs"][0]
    assert (job["scheme"], job["metrics_path"], job["scrape_timeout"]) == ("http", "/metrics", "10s")
    assert (job["honor_timestamps"], job["follow_redirects"], job["enable_http2"]) == ("false", "false", "true")
    assert job["body_size_limit"] == "1MiB476KiB"
    assert job["dns_sd_configs"] == [{"names": ["x"], "refresh_interval": "30s", "type": "A", "port": "80"}]
    assert job["relabel_configs"][1] == {"separator": ";", "regex": "x.*", "replacement": "$1", "action": "labeldrop"}
    assert not {"basic_auth", "tls_config", "proxy_url", "sample_limit", "http_sd_configs"} & job.keys()
    assert [job["job_name"] for job in shown["scrape_configs"]] == ["a"]
    assert shown["remote_write"] == [{"url": "http://w"}]


def test_texts_and_numbers_stay_what_they_are(config: PrometheusConfig) -> None:
    job = load(Path("shown"), shown_config(config))["scrape_configs"][0]
    assert job["static_configs"][0]["labels"] == {"env": "on", "n": "010"}
    assert not job["static_configs"][0]["labels"]["env"].plain
    section = job["ec2_sd_configs"][0]
    assert (section["port"].plain, section["profile"].plain) == (True, False)


def test_what_is_shown_is_a_configuration_that_shows_the_same(config: PrometheusConfig, tmp_path: Path) -> None:
    shown = shown_config(config)
    assert shown_config(load_prometheus_config(written(tmp_path, shown, "shown.yml"))) == shown


def test_an_empty_file_shows_its_defaults(tmp_path: Path) -> None:
    shown = load(Path("shown"), shown_config(load_prometheus_config(written(tmp_path, ""))))
    assert set(shown) == {"global"}
    assert shown["global"]["scrape_interval"] == "1m"
