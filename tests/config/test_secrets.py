"""No secret shows: not in the configuration as it is told, not in a record, not in an error."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.foreign_discovery import FOREIGN_DISCOVERY
from dashboard.config.masking import masked
from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.secret import Secret, SecretText
from dashboard.config.shown import shown_config
from dashboard.config.yaml_file import load

MARK = "hunter2"
HTTP = f"""
  tls_config: {{cert: c, key: {MARK}-key}}
  proxy_url: http://u:{MARK}-proxy@proxy
  proxy_connect_header: {{X-A: [{MARK}-connect]}}
  http_headers: {{X-B: {{secrets: [{MARK}-header]}}}}
"""
JOBS = f"""
- job_name: a
  basic_auth: {{username: u, password: {MARK}-password}}
  {HTTP.strip()}
- job_name: b
  authorization: {{credentials: {MARK}-credentials}}
  http_sd_configs: [{{url: 'http://u:{MARK}-url@h/', bearer_token: {MARK}-token}}]
- job_name: c
  oauth2: {{client_id: i, client_secret: {MARK}-client, token_url: 'http://u:{MARK}-token-url@t/'}}
- job_name: d
  bearer_token: {MARK}-bearer
- job_name: e
  params: {{x: ['http://u:{MARK}-param@h']}}
  consul_sd_configs: [{{token: {MARK}-consul, username: u, password: {MARK}-consul-password}}]
  marathon_sd_configs: [{{servers: [s], auth_token: {MARK}-marathon}}]
  stackit_sd_configs: [{{service_account_key: {MARK}-account, private_key: {MARK}-private}}]
  ovhcloud_sd_configs:
  - {{application_key: k, application_secret: {MARK}-app, consumer_key: {MARK}-consumer, service: vps}}
  openstack_sd_configs:
  - {{role: instance, region: r, password: {MARK}-os, application_credential_secret: {MARK}-os-secret}}
  azure_sd_configs:
  - {{subscription_id: s, tenant_id: t, client_id: c, client_secret: {MARK}-azure}}
  uyuni_sd_configs: [{{server: 'http://u:{MARK}-uyuni-url@h', username: u, password: {MARK}-uyuni}}]
  ec2_sd_configs: [{{region: r, access_key: a, secret_key: {MARK}-aws}}]
"""
OTHERS = f"""
alerting:
  alertmanagers: [{{basic_auth: {{username: u, password: {MARK}-am}}}}]
remote_write:
- {{url: 'http://u:{MARK}-write-url@w', sigv4: {{access_key: a, secret_key: {MARK}-sigv4}}}}
- {{url: 'http://w', azuread: {{oauth: {{client_id: i, client_secret: {MARK}-azuread, tenant_id: t}}}}}}
- {{url: 'http://w', http_headers: {{X-A: {{secrets: [{MARK}-write-header]}}}}}}
remote_read: [{{url: 'http://r', bearer_token: {MARK}-read}}]
tracing: {{endpoint: e, tls_config: {{cert: c, key: {MARK}-tracing}}}}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "prometheus.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_no_secret_is_shown(tmp_path: Path) -> None:
    text = f"scrape_configs:{JOBS}{OTHERS}"
    config = load_prometheus_config(written(tmp_path, text))
    shown = shown_config(config)
    assert MARK not in shown
    assert shown.count("<secret>") + shown.count("xxxxx@") == text.count(MARK) > 30
    assert f"{config.scrape_configs[0].http.basic_auth}".count(MARK) == 0
    assert MARK not in str(config.warnings)


def test_a_secret_tells_its_text_only_when_asked() -> None:
    secret = Secret(MARK)
    assert (str(secret), repr(secret), f"{secret}", secret.reveal()) == ("<secret>", "<secret>", "<secret>", MARK)
    assert (str(Secret()), bool(Secret()), bool(secret)) == ("", False, True)
    assert secret == Secret(MARK) != Secret("other")


@pytest.mark.parametrize("kind", list(FOREIGN_DISCOVERY))
def test_every_secret_of_discovery_that_is_not_served_is_masked(kind: str) -> None:
    keys = [key for key, value in FOREIGN_DISCOVERY[kind].keys.items() if value == SecretText]
    assert masked(dict.fromkeys(keys, MARK)) == dict.fromkeys(keys, "<secret>")


def test_what_is_masked_keeps_its_shape() -> None:
    data = load(Path("x"), "a: [1, {password: p, token: ''}]\nproxy_connect_header: {A: [x]}\nb:\nc: http://u:p@h")
    assert masked(data) == {
        "a": ["1", {"password": "<secret>", "token": ""}],
        "proxy_connect_header": {"A": ["<secret>"]},
        "b": None,
        "c": "http://u:xxxxx@h",
    }


def broken() -> Iterator[str]:
    job = "scrape_configs:\n- job_name: a\n  "
    yield f"{job}basic_auth: {MARK}"
    yield f"{job}basic_auth: {{username: u, pasword: {MARK}}}"
    yield f"{job}basic_auth: {{username: u, password: [{MARK}]}}"
    yield f"{job}basic_auth: {{username: u, password: {MARK}, password_file: x}}"
    yield f"{job}authorization: {{type: Bearer, value: {MARK}}}"
    yield f"{job}authorization: {{type: basic, credentials: {MARK}}}"
    yield f"{job}bearer_tokn: {MARK}"
    yield f"{job}Password: {MARK}"
    yield f"{job}bearer_token: {{a: {MARK}}}"
    yield f"{job}bearer_token: *{MARK}"
    yield f"{job}bearer_token: @{MARK}"
    yield f"{job}bearer_token: '{MARK}"
    yield f"{job}bearer_token: {MARK}: x"
    yield f"{job}oauth2: {{client_secret: {MARK}}}"
    yield f"{job}oauth2: {{client_id: a, token_url: b, client_secrets: {MARK}}}"
    yield f"{job}tls_config: {{key: {MARK}}}"
    yield f"{job}tls_config: {{kye: {MARK}}}"
    yield f"{job}proxy_url: http://u:{MARK}@h:port"
    yield f"{job}proxy_url: http://u:{MARK}@h/%zz"
    yield f"{job}http_sd_configs: [{{url: 'ftp://u:{MARK}@h'}}]"
    yield f"{job}http_headers: {{X: {{secret: {MARK}}}}}"
    yield f"{job}http_headers: {{X: {MARK}}}"
    yield f"{job}proxy_connect_header: {{X: {MARK}}}"
    yield f"{job}consul_sd_configs: [{{tocken: {MARK}}}]"
    yield f"{job}ec2_sd_configs: [{{secret_key: {MARK}, secretkey: {MARK}}}]"
    yield f"remote_write: [{{url: 'http://w', sigv4: {{secret_key: {MARK}}}}}]"


@pytest.mark.parametrize("text", list(broken()))
def test_no_error_shows_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_prometheus_config(written(tmp_path, text))
    assert MARK not in str(caught.value)
