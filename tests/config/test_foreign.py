from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.foreign_discovery import FOREIGN_DISCOVERY
from dashboard.config.prometheus import load_prometheus_config

GOOD = {
    "azure_sd_configs": "{subscription_id: s, authentication_method: ManagedIdentity, port: 80}",
    "consul_sd_configs": "{server: 'c:8500', services: [a], node_meta: {a: b}, allow_stale: no}",
    "digitalocean_sd_configs": "{bearer_token: t, refresh_interval: 1m}",
    "docker_sd_configs": "{host: 'unix:///d.sock', filters: [{name: a, values: [b]}]}",
    "dockerswarm_sd_configs": "{host: 'http://h', role: tasks}",
    "ec2_sd_configs": "{region: r, access_key: a, secret_key: s, filters: [{name: a, values: [b]}]}",
    "eureka_sd_configs": "{server: 'http://e/x'}",
    "gce_sd_configs": "{project: p, zone: z}",
    "hetzner_sd_configs": "{role: robot, basic_auth: {username: u}}",
    "ionos_sd_configs": "{datacenter_id: d}",
    "kubernetes_sd_configs": "{role: pod, namespaces: {names: [a]}, selectors: [{role: pod, field: 'a=b,c!=d'}]}",
    "kuma_sd_configs": "{server: 'http://k', fetch_timeout: 1m}",
    "lightsail_sd_configs": "{region: r}",
    "linode_sd_configs": "{tag_separator: ','}",
    "marathon_sd_configs": "{servers: ['http://m'], auth_token: t}",
    "nerve_sd_configs": "{servers: [a], paths: [/x]}",
    "nomad_sd_configs": "{server: 'http://n'}",
    "openstack_sd_configs": "{role: instance, region: r, tls_config: {insecure_skip_verify: on}}",
    "ovhcloud_sd_configs": "{application_key: a, application_secret: b, consumer_key: c, service: vps}",
    "puppetdb_sd_configs": "{url: 'http://p', query: q}",
    "scaleway_sd_configs": "{role: instance, project_id: p, access_key: a, secret_key_file: s}",
    "serverset_sd_configs": "{servers: [a], paths: [/x], timeout: 5s}",
    "stackit_sd_configs": "{project: p, endpoint: 'https://s'}",
    "triton_sd_configs": "{account: a, dns_suffix: d, endpoint: e, role: cn}",
    "uyuni_sd_configs": "{server: 'https://u', username: u, password: p}",
    "vultr_sd_configs": "{authorization: {credentials: c}}",
}


def load(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "prometheus.yml"
    file.write_text(text, encoding="utf-8")
    return tuple(str(warning) for warning in load_prometheus_config(file).warnings)


@pytest.mark.parametrize("kind", list(FOREIGN_DISCOVERY))
def test_discovery_of_others_is_checked_and_told(tmp_path: Path, kind: str) -> None:
    text = f"scrape_configs: [{{job_name: a, static_configs: [{{targets: [b]}}], {kind}: [{GOOD[kind]}]}}]"
    assert load(tmp_path, text) == (f'job "a": {kind}: checked, and not served here',)
    with pytest.raises(ConfigError, match=rf"{kind}\[0\]\.nonsense: unknown key"):
        load(tmp_path, text.replace(GOOD[kind], GOOD[kind][:-1] + ", nonsense: 1}"))


@pytest.mark.parametrize(
    ("kind", "section", "message"),
    [
        ("azure_sd_configs", "{subscription_id: s}", "requires a tenant_id"),
        ("azure_sd_configs", "{authentication_method: SDK}", "subscription_id is missing"),
        ("azure_sd_configs", "{subscription_id: s, authentication_method: x}", '"x" is not one of OAuth'),
        ("consul_sd_configs", "{server: ''}", "server is missing"),
        ("consul_sd_configs", "{username: u, basic_auth: {username: v}}", "at most one of username, basic_auth"),
        ("consul_sd_configs", "{token: t, bearer_token: b}", "at most one of token, authorization"),
        ("docker_sd_configs", "{}", "host is missing"),
        ("docker_sd_configs", "{host: '://'}", "not a URL"),
        ("dockerswarm_sd_configs", "{host: a}", "role is missing"),
        ("ec2_sd_configs", "{region: r, filters: [{name: a}]}", "filters[0]: values is missing"),
        ("eureka_sd_configs", "{server: e}", "server must be a URL with scheme and host"),
        ("gce_sd_configs", "{project: p}", "zone is missing"),
        ("gce_sd_configs", "{project: p, zone: z, basic_auth: {}}", "basic_auth: unknown key"),
        ("hetzner_sd_configs", "{role: both}", '"both" is not one of robot, hcloud'),
        ("kubernetes_sd_configs", "{role: pod, kubeconfig_file: k, api_server: 'http://a'}", "at most one of"),
        ("kubernetes_sd_configs", "{role: pod, bearer_token: t}", "please provide the 'api_server' URL explicitly"),
        (
            "kubernetes_sd_configs",
            "{role: pod, kubeconfig_file: k, bearer_token: t}",
            "together with 'kubeconfig_file'",
        ),
        (
            "kubernetes_sd_configs",
            "{role: pod, api_server: 'http://a', namespaces: {own_namespace: on}}",
            "cannot use 'namespaces.own_namespace'",
        ),
        ("kubernetes_sd_configs", "{role: pod, selectors: [{role: node}]}", "pod role supports only pod selectors"),
        ("kubernetes_sd_configs", "{role: pod, selectors: [{role: pod}, {role: pod}]}", "duplicated selector role"),
        ("kubernetes_sd_configs", "{role: pod, selectors: [{role: pod, field: a}]}", "invalid selector: 'a'"),
        ("marathon_sd_configs", "{}", "servers is missing"),
        ("marathon_sd_configs", "{servers: [a], auth_token: a, auth_token_file: b}", "at most one of auth_token"),
        ("marathon_sd_configs", "{servers: [a], auth_token: a, bearer_token: b}", "at most one of auth_token"),
        ("nerve_sd_configs", "{servers: [a], paths: [x]}", "paths must begin with '/': x"),
        ("openstack_sd_configs", "{role: instance, region: r, availability: x}", '"x" is not one of public'),
        ("ovhcloud_sd_configs", "{application_key: a}", "application_secret is missing"),
        ("puppetdb_sd_configs", "{url: 'ftp://x', query: q}", "URL scheme must be 'http' or 'https'"),
        ("scaleway_sd_configs", "{role: instance, project_id: p, access_key: a}", "one of secret_key, secret_key_file"),
        ("stackit_sd_configs", "{region: ''}", "endpoint and region are missing"),
        ("triton_sd_configs", "{account: a, dns_suffix: d, endpoint: e, refresh_interval: 0s}", "must be positive"),
    ],
)
def test_discovery_of_others_that_prometheus_refuses_is_refused(
    tmp_path: Path, kind: str, section: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"scrape_configs: [{{job_name: a, {kind}: [{section}]}}]")
    assert message in str(caught.value)


def test_sections_of_others_are_checked_and_told(tmp_path: Path) -> None:
    text = """
alerting:
  alert_relabel_configs: [{regex: x, action: labeldrop}]
  alertmanagers: [{scheme: https, api_version: v2, timeout: 5s, static_configs: [{targets: [a]}], sigv4: {region: r}}]
remote_write:
- {url: 'http://w', queue_config: {max_shards: 5}, metadata_config: {send: no}, headers: {X: y}}
- {url: 'http://w', azuread: {cloud: AzurePublic, sdk: {tenant_id: t}}, protobuf_message: prometheus.WriteRequest}
remote_read: [{url: 'http://r', required_matchers: {a: b}, chunked_read_limit: 5}]
tracing: {endpoint: e, sampling_fraction: 1, headers: {X: y}, compression: gzip}
otlp: {promote_resource_attributes: [a, b], translation_strategy: NoTranslation}
runtime: {gogc: 50}
"""
    told = load(tmp_path, text)
    assert [line.partition(":")[0] for line in told] == ["alerting", "remote_write", "remote_read", "tracing", "otlp"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alerting: {alertmanagers: [~]}", "alerting.alertmanagers[0]: expected a mapping"),
        ("alerting: {alertmanagers: [{api_version: v1}]}", 'api_version: "v1" is not one of v2'),
        ("alerting: {alertmanagers: [{static_configs: [{targets: [a/b]}]}]}", '"a/b" is not a valid hostname'),
        ("alerting: {alertmanagers: [{basic_auth: {}, sigv4: {}}]}", "at most one of basic_auth, authorization"),
        ("alerting: {alertmanagers: [{sigv4: {access_key: a}}]}", "access_key and secret_key must be configured"),
        ("alerting: {alert_relabel_configs: [{action: keep, regex: '('}]}", "error parsing regexp"),
        ("remote_write: [{}]", "remote_write[0]: url is missing"),
        ("remote_write: [{url: ':x'}]", "remote_write[0].url: not a URL"),
        (
            "remote_write: [{url: a, name: n}, {url: b, name: n}]",
            "found multiple remote write configs with the same name",
        ),
        ("remote_write: [{url: a, headers: {Authorization: x}}]", "Authorization is a reserved header"),
        ("remote_write: [{url: a, protobuf_message: x}]", '"x" is not one of prometheus.WriteRequest'),
        ("remote_write: [{url: a, azuread: {}}]", "exactly one of managed_identity, oauth, sdk"),
        ("remote_write: [{url: a, google_iam: {}, oauth2: {client_id: i, token_url: t}}]", "at most one of basic_auth"),
        ("remote_write: [{url: a, queue_config: {capacity: x}}]", "queue_config.capacity: not a whole number"),
        ("remote_read: [{url: a, required_matchers: {'': b}}]", '"" is not a valid label name'),
        ("tracing: {}", "tracing: endpoint is missing"),
        ("tracing: {endpoint: e, compression: zstd}", '"zstd" is not one of gzip'),
        ("tracing: {endpoint: e, headers: {host: x}}", "host is a reserved header"),
        ("otlp: {promote_resource_attributes: [a, a]}", "a resource attribute is empty or repeated"),
        ("otlp: {ignore_resource_attributes: [a]}", "unless 'promote_all_resource_attributes' is true"),
        (
            "otlp: {promote_all_resource_attributes: on, promote_resource_attributes: [a]}",
            "cannot be configured simult",
        ),
        (
            "global: {metric_name_validation_scheme: legacy}\notlp: {translation_strategy: NoTranslation}",
            'OTLP translation strategy "NoTranslation" is not allowed when UTF8 is disabled',
        ),
        ("runtime: {gogc: x}", "runtime.gogc: not a whole number"),
        ("runtime: {gomaxprocs: 1}", "runtime.gomaxprocs: unknown key (value 1)"),
    ],
)
def test_sections_of_others_that_prometheus_refuses_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
