from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import PrometheusConfig, load_prometheus_config
from dashboard.config.scrape import DEFAULT_PROTOCOLS, NameEscaping, NameValidation, ScrapeProtocol


def load(folder: Path, text: str, **files: str) -> PrometheusConfig:
    for name, content in files.items():
        (folder / f"{name}.yml").write_text(content, encoding="utf-8")
    file = folder / "prometheus.yml"
    file.write_text(text, encoding="utf-8")
    return load_prometheus_config(file)


LIMITS = (
    "sample_limit", "target_limit", "label_limit", "label_name_length_limit", "label_value_length_limit",
    "keep_dropped_targets",
)  # fmt: skip


def test_a_job_takes_every_limit_from_global(tmp_path: Path) -> None:
    limits = ", ".join(f"{name}: {number}" for number, name in enumerate(LIMITS, 1))
    text = (
        f"global: {{{limits}, body_size_limit: 1KB}}\n"
        f"scrape_configs: [{{job_name: a}}, {{job_name: b, {LIMITS[0]}: 9}}]"
    )
    first, second = load(tmp_path, text).scrape_configs
    assert [getattr(first, name) for name in LIMITS] == [1, 2, 3, 4, 5, 6]
    assert (first.body_size_limit, second.sample_limit, second.target_limit) == (1024, 9, 2)


def test_a_limit_of_zero_is_one_that_was_not_given(tmp_path: Path) -> None:
    text = (
        "global: {sample_limit: 5, scrape_timeout: 7s}\n"
        "scrape_configs: [{job_name: a, sample_limit: 0, scrape_timeout:}]"
    )
    job = load(tmp_path, text).scrape_configs[0]
    assert (job.sample_limit, job.scrape_timeout) == (5, 7_000)


def test_false_is_a_value(tmp_path: Path) -> None:
    text = (
        "global: {always_scrape_classic_histograms: true}\n"
        "scrape_configs: [{job_name: a, always_scrape_classic_histograms: false}, {job_name: b}]"
    )
    jobs = load(tmp_path, text).scrape_configs
    assert [job.always_scrape_classic_histograms for job in jobs] == [False, True]


def test_protocols(tmp_path: Path) -> None:
    text = (
        "global: {scrape_protocols: [PrometheusText0.0.4]}\n"
        "scrape_configs: [{job_name: a}, {job_name: b, scrape_protocols: [OpenMetricsText1.0.0, PrometheusProto]}]"
    )
    first, second = load(tmp_path, text).scrape_configs
    assert first.scrape_protocols == (ScrapeProtocol.TEXT_0_0_4,)
    assert second.scrape_protocols == (ScrapeProtocol.OPENMETRICS_1_0_0, ScrapeProtocol.PROTOBUF)
    assert load(tmp_path, "scrape_configs: [{job_name: a}]").scrape_configs[0].scrape_protocols == DEFAULT_PROTOCOLS


@pytest.mark.parametrize(
    ("shared", "own", "validation", "escaping"),
    [
        ("", "", "utf8", "allow-utf-8"),
        ("metric_name_validation_scheme: legacy", "", "legacy", "underscores"),
        ("metric_name_validation_scheme: legacy", "metric_name_escaping_scheme: dots", "legacy", "dots"),
        ("metric_name_validation_scheme: legacy", "metric_name_validation_scheme: utf8", "utf8", "underscores"),
        ("metric_name_escaping_scheme: values", "metric_name_escaping_scheme: ''", "utf8", "values"),
        ("metric_name_escaping_scheme: dots", "metric_name_validation_scheme: legacy", "legacy", "dots"),
    ],
)
def test_schemes_of_names(tmp_path: Path, shared: str, own: str, validation: str, escaping: str) -> None:
    job = load(tmp_path, f"global: {{{shared}}}\nscrape_configs: [{{job_name: a, {own}}}]").scrape_configs[0]
    assert job.metric_name_validation_scheme is NameValidation(validation)
    assert job.metric_name_escaping_scheme is NameEscaping(escaping)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("scrape_protocols: []", "scrape_protocols: scrape_protocols cannot be empty"),
        ("scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]", "duplicated protocol in scrape_protocols"),
        ("scrape_protocols: [text]", 'scrape_protocols[0]: "text" is not one of PrometheusProto'),
        ("fallback_scrape_protocol: text", 'fallback_scrape_protocol: "text" is not one of'),
        ("fallback_scrape_protocol: PrometheusProto", "fallback_scrape_protocol: not supported"),
        ("metric_name_validation_scheme: legacy", "utf8 metric names requested but validation scheme is not set to"),
        ("metric_name_validation_scheme: ascii", '"ascii" is not one of legacy, utf8'),
        ("convert_classic_histograms_to_nhcb: true", "convert_classic_histograms_to_nhcb: not supported"),
        ("scrape_native_histograms: true", "scrape_native_histograms: not supported"),
        ("extra_scrape_metrics: true", "extra_scrape_metrics: not supported"),
        ("sample_limit: -1", "sample_limit: must not be negative"),
        ("honor_labels: 1", 'honor_labels: not a boolean: "1"'),
        ("params: {a: b}", "params.a: expected a list"),
        ("native_histogram_min_bucket_factor: x", "not a number"),
    ],
)
def test_a_job_that_cannot_be_served_is_refused(tmp_path: Path, job: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"scrape_configs: [{{job_name: a, {job}}}]")
    assert message in str(caught.value)


def test_an_option_that_is_off_where_it_counts_is_no_error(tmp_path: Path) -> None:
    text = (
        "global: {convert_classic_histograms_to_nhcb: true}\n"
        "scrape_configs: [{job_name: a, convert_classic_histograms_to_nhcb: false}]"
    )
    assert load(tmp_path, text).scrape_configs
    with pytest.raises(ConfigError, match=r"global\.convert_classic_histograms_to_nhcb: not supported.*job \"b\""):
        load(tmp_path, "global: {convert_classic_histograms_to_nhcb: true}\nscrape_configs: [{job_name: b}]")


def test_jobs_stand_in_other_files_too(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "global: {scrape_interval: 5s}\nscrape_config_files: ['more*.yml']\nscrape_configs: [{job_name: a}]",
        more1="scrape_configs: [{job_name: b}]",
        more2="scrape_configs: [{job_name: c, file_sd_configs: [{files: [x.json]}]}]",
        more3="",
    )
    assert [job.job_name for job in config.scrape_configs] == ["a", "b", "c"]
    assert config.scrape_configs[1].scrape_interval == 5_000
    assert [file.name for file in config.files] == ["prometheus.yml", "more1.yml", "more2.yml", "more3.yml"]
    assert config.watched == (str(tmp_path.resolve() / "more*.yml"),)
    assert config.own_scrape_configs == 1


def test_a_file_that_is_found_twice_repeats_its_jobs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='found multiple scrape configs with job name "a"'):
        load(tmp_path, "scrape_config_files: [more.yml, 'm*.yml']", more="scrape_configs: [{job_name: a}]")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "scrape_configs: [{job_name: a}]",
            'more.yml:1: scrape_configs[0]: found multiple scrape configs with job name "a", first found in',
        ),
        ("global: {}", "more.yml:1: global: unknown key"),
        ("scrape_configs: [{job_name: b, scrape_timeout: 2m}]", "more.yml:1: scrape_configs[0].scrape_timeout"),
        ("scrape_configs: [~]", "more.yml:1: scrape_configs[0]: empty or null scrape config section"),
    ],
)
def test_another_file_is_checked_under_its_own_name(tmp_path: Path, content: str, message: str) -> None:
    text = "scrape_config_files: [more.yml]\nscrape_configs: [{job_name: a}]"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, more=content)
    assert message in str(caught.value)
