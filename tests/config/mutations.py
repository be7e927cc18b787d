"""Good configurations, and others that are made from them by a few random changes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

LEGACY_NAMES = frozenset(("labels", "external_labels", "source_labels", "target_label", "replacement"))
"""Where Prometheus 2 takes only names of plain letters, and Prometheus 3 and we take others, too."""

_HTTP = {
    "tls_config": {"ca_file": "ca.pem", "server_name": "a", "insecure_skip_verify": "yes", "min_version": "TLS12"},
    "proxy_url": "http://proxy:3128",
    "follow_redirects": "off",
    "enable_http2": "true",
}

GOOD: list[dict[str, Any]] = [
    {
        "global": {
            "scrape_interval": "15s",
            "scrape_timeout": "5s",
            "evaluation_interval": "1m",
            "external_labels": {"zone": "eu", "n": "1"},
            "query_log_file": "q.log",
        },
        "rule_files": ["rules/*.yml", "a.yml"],
        "scrape_configs": [
            {
                "job_name": "a",
                "scrape_interval": "1m",
                "scrape_timeout": "30s",
                "metrics_path": "/m",
                "scheme": "https",
                "params": {"x": ["1", "y"]},
                "honor_labels": "true",
                "honor_timestamps": "no",
                "sample_limit": "010",
                "target_limit": "0x1f",
                "label_limit": "1_000",
                "label_name_length_limit": "5",
                "label_value_length_limit": "5",
                "body_size_limit": "10MB",
                "basic_auth": {"username": "u", "password": "p"},
                "static_configs": [{"targets": ["a:1", "b"], "labels": {"env": "on", "n": "1"}}],
                **_HTTP,
            },
            {
                "job_name": "b",
                "authorization": {"type": "Token", "credentials": "c"},
                "file_sd_configs": [{"files": ["x/*.json", "y.yml"], "refresh_interval": "1m"}],
                "dns_sd_configs": [
                    {"names": ["a.b"], "type": "A", "port": "80", "refresh_interval": "30s"},
                    {"names": ["c.d"]},
                ],
                "http_sd_configs": [{"url": "http://h/x", "refresh_interval": "1m", "bearer_token": "t", **_HTTP}],
            },
            {
                "job_name": "c",
                "oauth2": {
                    "client_id": "i",
                    "client_secret": "s",
                    "token_url": "http://t/x",
                    "scopes": ["a"],
                    "endpoint_params": {"a": "b"},
                    "tls_config": {"insecure_skip_verify": "true"},
                },
            },
            {"job_name": "d", "bearer_token_file": "t.txt"},
        ],
    },
    {
        "scrape_configs": [
            {
                "job_name": "r",
                "static_configs": [{"targets": ["a:1"]}],
                "relabel_configs": [
                    {
                        "source_labels": ["a", "b"],
                        "separator": ";",
                        "regex": "(.*);(x)",
                        "target_label": "t",
                        "replacement": "$1",
                        "action": "replace",
                    },
                    {"source_labels": ["a"], "modulus": "8", "target_label": "t", "action": "hashmod"},
                    {"source_labels": ["a"], "regex": "x", "action": "keep"},
                    {"source_labels": ["a"], "target_label": "b", "action": "DropEqual"},
                    {"source_labels": ["a"], "target_label": "b", "action": "lowercase"},
                ],
                "metric_relabel_configs": [
                    {"regex": "a_.*", "action": "labeldrop"},
                    {"regex": "b(.*)", "replacement": "c$1", "action": "labelmap"},
                    {"source_labels": ["a"], "regex": "y", "action": "drop"},
                ],
            }
        ],
        "storage": {
            "tsdb": {"out_of_order_time_window": "30m"},
            "exemplars": {"max_exemplars": "100"},
        },
        "alerting": {
            "alert_relabel_configs": [{"regex": "x", "action": "labelkeep"}],
            "alertmanagers": [
                {
                    "scheme": "https",
                    "path_prefix": "/am",
                    "timeout": "5s",
                    "api_version": "v2",
                    "static_configs": [{"targets": ["am:9093"]}],
                    "relabel_configs": [{"source_labels": ["a"], "regex": "x", "action": "keep"}],
                }
            ],
        },
        "remote_write": [
            {
                "url": "http://w/x",
                "name": "w",
                "remote_timeout": "5s",
                "headers": {"X-A": "b"},
                "queue_config": {"capacity": "10", "max_backoff": "5s", "retry_on_http_429": "true"},
                "metadata_config": {"send": "false", "send_interval": "1m"},
                "write_relabel_configs": [{"source_labels": ["a"], "regex": "x", "action": "keep"}],
                "sigv4": {"region": "r", "access_key": "a", "secret_key": "s"},
            },
            {"url": "http://w/y", "name": "v", "basic_auth": {"username": "u", "password_file": "p"}},
        ],
        "remote_read": [{"url": "http://r/x", "read_recent": "true", "required_matchers": {"a": "b"}, "name": "r"}],
        "tracing": {"endpoint": "e:1", "client_type": "http", "sampling_fraction": "0.5", "timeout": "5s"},
    },
]
"""Files that every Prometheus since 2.42 accepts; a leaf is YAML as it is written."""

GOOD_SINCE_3: list[dict[str, Any]] = [
    {
        "global": {
            "scrape_interval": "15s",
            "scrape_protocols": ["PrometheusText1.0.0", "OpenMetricsText1.0.0"],
            "metric_name_validation_scheme": "legacy",
            "metric_name_escaping_scheme": "dots",
            "body_size_limit": "1GB",
            "sample_limit": "1",
            "target_limit": "1",
            "label_limit": "1",
            "label_name_length_limit": "1",
            "label_value_length_limit": "1",
            "keep_dropped_targets": "1",
            "rule_query_offset": "1m",
            "always_scrape_classic_histograms": "true",
            "scrape_failure_log_file": "f",
        },
        "runtime": {"gogc": "50"},
        "scrape_config_files": ["s/*.yml"],
        "scrape_configs": [
            {
                "job_name": "a",
                "scrape_protocols": ["PrometheusText0.0.4"],
                "fallback_scrape_protocol": "PrometheusText0.0.4",
                "metric_name_validation_scheme": "utf8",
                "metric_name_escaping_scheme": "allow-utf-8",
                "track_timestamps_staleness": "true",
                "enable_compression": "false",
                "keep_dropped_targets": "5",
                "native_histogram_bucket_limit": "5",
                "native_histogram_min_bucket_factor": "1.5",
                "scrape_failure_log_file": "f",
                "http_headers": {"X-A": {"values": ["a"], "secrets": ["b"], "files": ["c"]}},
                "proxy_from_environment": "true",
                "tls_config": {"ca": "x", "cert": "x", "key": "y", "max_version": "TLS13"},
            },
            {
                "job_name": "b",
                "proxy_url": "http://p",
                "no_proxy": '"a,b"',
                "proxy_connect_header": {"A": ["b"]},
                "basic_auth": {"username_file": "u", "password_file": "p"},
            },
        ],
        "otlp": {"promote_resource_attributes": ["a", "b"], "translation_strategy": "UnderscoreEscapingWithSuffixes"},
        "remote_write": [{"url": "http://w/x", "protobuf_message": "io.prometheus.write.v2.Request"}],
    },
]
"""Files with keys that Prometheus has had only since 3."""

_SNIPPETS = [
    "x", '""', "", "~", "null", "0", "1", "-1", "1.5", "010", "08", "0o7", "0b11", "0x1f", "1e3", "1_000", ".5",
    ".inf", "99999999999999999999", "18446744073709551615", "yes", "y", "on", "N", "true", '"true"', "TRUE", "tRue",
    "5m", "0s", "1h30m", "30m1h", "5q", "5 m", "-5m", "[]", "{}", "[x]", "[~]", "[[x]]", "{a: b}", "[{a: b}]",
    "[{}]", "{a: [b]}", "100", "100KB", "1KiB2MB", "1.5MiB", "-5KB", "10XB", "http://h/p", "https://u:p@h:1/p?q",
    "http://h:x/", "://", ":x", "ftp://h", "//h", "http:///p", '"http://a b/"', "/a%zz", "a/b", "a*b", "a*/b",
    "*/b", "a*.json", "a.JSON", "a?.yml", "TLS12", "TLS14", "v1", "keep", "KEEP", "hashmod", "replace", "labeldrop",
    "labelmap", "dropequal", "uppercase", '"("', '"a{2,1}"', '"\\\\C"', '"(?=a)"', "$1", "${1}x", "srv", "mx",
    "legacy", "utf8", "underscores", "basic", "Bearer", "PrometheusProto", "prometheustext0.0.4", "!!str 5",
    "!!int 5", '!!int "5"', '!!bool "yes"', "!!binary eA==", "!!binary /w==", "!!binary _", "é", "2001-01-01",
    "'quoted'", '"a\\nb"',
]  # fmt: skip
_KEYS = [
    "unknown", "labels", "targets", "action", "regex", "modulus", "target_label", "separator", "replacement",
    "basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "password_file",
    "credentials_file", "ca_file", "cert_file", "key_file", "url", "names", "port", "type", "static_configs",
    "relabel_configs", "job_name", "<<", "scrape_interval", "scrape_timeout", "sample_limit", "tls_config",
    "proxy_url", "username", "password", "credentials",
]  # fmt: skip

Path = tuple[str | int, ...]


def render(tree: Any) -> str:
    """Write a tree as YAML in its flow style."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {render(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(render(value) or "~" for value in tree) + "]"
    return str(tree)


def _paths(tree: Any, path: Path = ()) -> list[Path]:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [below for key, value in entries for below in ((*path, key), *_paths(value, (*path, key)))]


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def mutated(random: Random, good: Sequence[Any], kept: frozenset[str] = frozenset()) -> str:
    """Return one of some good files with one to three changes; what stands below a ``kept`` key is left alone."""
    tree = copy.deepcopy(random.choice(good))
    for _ in range(random.randint(1, 3)):
        paths = [path for path in _paths(tree) if not kept.intersection(path)]
        _change(random, tree, random.choice(paths), paths)
    return render(tree)


def _change(random: Random, tree: Any, path: Path, paths: list[Path]) -> None:
    parent, key = _at(tree, path[:-1]), path[-1]
    match random.choice(["replace", "replace", "delete", "repeat", "add", "move"]):
        case "replace":
            parent[key] = random.choice(_SNIPPETS)
        case "delete":
            del parent[key]
        case "repeat" if isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        case "add" if isinstance(parent, dict):
            parent[random.choice(_KEYS)] = random.choice(_SNIPPETS)
        case "move":
            parent[key] = copy.deepcopy(_at(tree, random.choice(paths)))
        case _:
            parent[key] = ""
