from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import load_prometheus_config


def written(folder: Path, text: str) -> Path:
    file = folder / "prometheus.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_job_takes_what_it_leaves_out_from_global(tmp_path: Path) -> None:
    config = load_prometheus_config(
        written(tmp_path, "global: {scrape_interval: 5s, sample_limit: 7}\nscrape_configs: [{job_name: a}]")
    )
    job = config.scrape_configs[0]
    assert (job.scrape_interval, job.scrape_timeout, job.sample_limit) == (5_000, 5_000, 7)


def test_defaults_are_those_of_prometheus(tmp_path: Path) -> None:
    config = load_prometheus_config(written(tmp_path, "scrape_configs: [{job_name: a}]"))
    job = config.scrape_configs[0]
    assert (job.scrape_interval, job.scrape_timeout, job.metrics_path) == (60_000, 10_000, "/metrics")
    assert config.global_config.evaluation_interval == 60_000


def test_a_duration_of_zero_is_one_that_was_not_given(tmp_path: Path) -> None:
    config = load_prometheus_config(
        written(
            tmp_path,
            "global: {scrape_interval: 0s, scrape_timeout: 0s, evaluation_interval: 0s}\n"
            "scrape_configs: [{job_name: a}]",
        )
    )
    job = config.scrape_configs[0]
    assert (job.scrape_interval, job.scrape_timeout) == (60_000, 10_000)
    assert config.global_config.evaluation_interval == 60_000


def test_mappings_are_merged_as_yaml_says(tmp_path: Path) -> None:
    text = """
scrape_configs:
  - &first {job_name: a, scrape_interval: 7s, sample_limit: 1}
  - &second {<<: *first, job_name: b, sample_limit: 2}
  - {<<: [*second, *first], job_name: c, metrics_path: /m}
"""
    jobs = load_prometheus_config(written(tmp_path, text)).scrape_configs
    assert [(job.job_name, job.scrape_interval, job.sample_limit, job.metrics_path) for job in jobs] == [
        ("a", 7000, 1, "/metrics"),
        ("b", 7000, 2, "/metrics"),
        ("c", 7000, 2, "/m"),
    ]


def test_merges_of_merges_stay_small(tmp_path: Path) -> None:
    levels = "\n".join(f"  - &l{n} {{<<: [*l{n - 1}, *l{n - 1}], job_name: j{n}}}" for n in range(1, 400))
    config = load_prometheus_config(written(tmp_path, f"scrape_configs:\n  - &l0 {{job_name: j0}}\n{levels}"))
    assert len(config.scrape_configs) == 400


def test_rule_files_are_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name in ("b.yml", "a.yml", "c.txt"):
        (tmp_path / "rules" / name).touch()
    config = load_prometheus_config(written(tmp_path, "rule_files: [rules/*.yml, rules/a.yml]"))
    assert [file.name for file in config.rule_files] == ["a.yml", "b.yml"]


def test_sections_for_other_servers_are_named(tmp_path: Path) -> None:
    config = load_prometheus_config(written(tmp_path, "alerting: {alertmanagers: []}\nremote_write: [{url: http://x}]"))
    assert [warning.key for warning in config.warnings] == ["alerting", "remote_write"]


def test_external_labels_expand_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONE", "eu")
    config = load_prometheus_config(
        written(tmp_path, "global: {external_labels: {a: '${ZONE}-1', b: $ZONE, c: $$ZONE, d: $NOT_SET}}")
    )
    assert dict(config.external_labels) == {"a": "eu-1", "b": "eu", "c": "$ZONE"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("global: {scrape_interval: 5q}", ':1: global.scrape_interval: not a valid duration string: "5q"'),
        ("scrape_configs: [{job_name: a, foo: 1}]", ":1: scrape_configs[0].foo: unknown key (value 1)"),
        ("scrape_configs: [{job_name: a}, {job_name: a}]", 'found multiple scrape configs with job name "a"'),
        ("scrape_configs: [{job_name: ''}]", "scrape_configs[0].job_name: job_name is empty"),
        ("scrape_configs: [{job_name: a, scrape_interval: 1s, scrape_timeout: 2s}]", "greater than scrape interval"),
        ("global: {scrape_interval: 5s, scrape_timeout: 6s}", "global.scrape_timeout: global scrape timeout greater"),
        ("scrape_configs: [{job_name: a, static_configs: [{targets: ['a/b']}]}]", '"a/b" is not a valid hostname'),
        ("scrape_configs: [{job_name: a, static_configs: [{targets: [], labels: {'': c}}]}]", '"" is not a valid'),
        ("scrape_configs: [{job_name: a, body_size_limit: 5XB}]", 'body_size_limit: not a valid size: "5XB"'),
        ("[1, 2]", "expected a mapping at the top"),
        ("rule_files: ['a/*/b.yml']", 'rule_files[0]: invalid file path "a/*/b.yml"'),
        ("scrape_config_files: ['*/b.yml']", 'scrape_config_files[0]: invalid file path "*/b.yml"'),
        ("global: {external_labels: {'': a}}", 'global.external_labels: "" is not a valid label name'),
        ("storage: {tsdb: {retention: {time: 5}}}", "storage.tsdb.retention.time: not a valid duration string"),
        ("unknown: 1", ":1: unknown: unknown key (value 1)"),
    ],
)
def test_a_bad_file_is_refused_by_name_key_and_value(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_prometheus_config(file)
    assert str(file) in str(caught.value)
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read"):
        load_prometheus_config(tmp_path / "none.yml")


def test_a_rule_file_that_is_not_there_is_no_error_and_told(tmp_path: Path) -> None:
    config = load_prometheus_config(written(tmp_path, "rule_files: [none.yml, 'none*.yml']"))
    assert config.rule_files == ()
    missing = tmp_path.resolve() / "none.yml"
    assert [str(warning) for warning in config.warnings] == [
        f'rule_files: "{missing}" does not point to an existing file'
    ]
    assert config.watched == config.rule_patterns == (str(missing), str(tmp_path.resolve() / "none*.yml"))


def test_storage_says_what_is_kept(tmp_path: Path) -> None:
    text = (
        "storage: {tsdb: {retention: {time: 7d, size: 1GB}, out_of_order_time_window: 30m},"
        " exemplars: {max_exemplars: 5}}"
    )
    config = load_prometheus_config(written(tmp_path, text))
    assert (config.retention_time, config.retention_size) == (7 * 86_400_000, 1 << 30)
    assert (config.max_exemplars, config.out_of_order_time_window) == (5, 1_800_000)
    assert [warning.key for warning in config.warnings] == ["storage.tsdb.out_of_order_time_window"]
    empty = load_prometheus_config(written(tmp_path, "storage:"))
    assert (empty.retention_time, empty.retention_size, empty.max_exemplars) == (0, 0, 100_000)


def test_what_has_no_effect_here_is_told(tmp_path: Path) -> None:
    text = (
        "global: {query_log_file: q, scrape_failure_log_file: f, rule_query_offset: 5s}\n"
        "runtime: {gogc: 50}\n"
        "scrape_configs: [{job_name: a, scrape_protocols: [PrometheusProto]}]"
    )
    config = load_prometheus_config(written(tmp_path, text))
    assert [warning.key for warning in config.warnings] == [
        "global.query_log_file",
        "global.scrape_failure_log_file",
        'job "a": scrape_protocols',
    ]
    assert config.global_config.rule_query_offset == 5_000


def test_an_empty_file_is_valid(tmp_path: Path) -> None:
    config = load_prometheus_config(written(tmp_path, ""))
    assert (config.scrape_configs, config.warnings, config.files) == ((), (), (config.file,))
