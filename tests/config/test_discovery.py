from pathlib import Path
from typing import Any

import pytest

from dashboard.config.discovery import DnsSdConfig, DnsType, FileSdConfig, HttpSdConfig, StaticConfig
from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.scrape import ScrapeConfig


def job(folder: Path, text: str) -> ScrapeConfig:
    file = folder / "prometheus.yml"
    file.write_text(f"scrape_configs: [{{job_name: a, {text}}}]", encoding="utf-8")
    return load_prometheus_config(file).scrape_configs[0]


def test_each_kind_has_the_defaults_of_prometheus(tmp_path: Path) -> None:
    found = job(
        tmp_path,
        "static_configs: [{targets: [a, b], labels: {x: 1}}, {}], file_sd_configs: [{files: [a/*.json, b.YML]}],"
        " http_sd_configs: [{url: 'http://h'}], dns_sd_configs: [{names: [a]}, {names: [b], type: mx, port: 0x50}]",
    )
    folder = tmp_path.resolve()
    assert found.static_configs == (StaticConfig(targets=("a", "b"), labels={"x": "1"}), StaticConfig())
    assert found.file_sd_configs == (FileSdConfig(files=(str(folder / "a/*.json"), str(folder / "b.YML"))),)
    assert found.file_sd_configs[0].refresh_interval == 300_000
    assert found.http_sd_configs == (HttpSdConfig(url="http://h", refresh_interval=60_000),)
    assert found.dns_sd_configs == (
        DnsSdConfig(names=("a",), refresh_interval=30_000, type=DnsType.SRV, port=0),
        DnsSdConfig(names=("b",), type=DnsType.MX, port=80),
    )


def test_a_url_has_a_client_of_its_own(tmp_path: Path) -> None:
    found = job(tmp_path, "follow_redirects: false, http_sd_configs: [{url: 'http://h', basic_auth: {username: u}}]")
    http: Any = found.http_sd_configs[0].http
    assert (http.basic_auth.username, http.follow_redirects, found.http.follow_redirects) == ("u", True, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("static_configs: [a]", "static_configs[0]: expected a mapping"),
        ("static_configs: [~]", "static_configs[0]: empty or null section"),
        ("static_configs: [{targets: [a/b]}]", '"a/b" is not a valid hostname'),
        ("static_configs: [{labels: {'': x}}]", 'labels: "" is not a valid label name'),
        ("static_configs: [{labels: {a: [x]}}]", "labels: expected a single value"),
        ("file_sd_configs: [{}]", "must contain at least one path name"),
        ("file_sd_configs: [{files: [a.txt]}]", 'files[0]: path name "a.txt" is not valid for file discovery'),
        ("file_sd_configs: [{files: [a/*/b.json]}]", "is not valid for file discovery"),
        ("http_sd_configs: [{}]", "URL is missing"),
        ("http_sd_configs: [{url: h}]", "URL scheme must be 'http' or 'https'"),
        ("http_sd_configs: [{url: 'http://'}]", "host is missing in URL"),
        ("dns_sd_configs: [{}]", "must contain at least one SRV record name"),
        ("dns_sd_configs: [{names: [a], type: A}]", "a port is required"),
        ("dns_sd_configs: [{names: [a], type: TXT}]", "type: invalid DNS-SD records type TXT"),
        ("dns_sd_configs: [{names: [a], refresh_interval: 5}]", "refresh_interval: not a valid duration string"),
    ],
)
def test_what_prometheus_refuses_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        job(tmp_path, text)
    assert message in str(caught.value)


def test_relabelling_may_mend_an_address(tmp_path: Path) -> None:
    rules = "relabel_configs: [{target_label: __address__, replacement: a}]"
    assert job(tmp_path, f"static_configs: [{{targets: [http://a/b]}}], {rules}").static_configs
