from pathlib import Path

import pytest

from dashboard.config.decoding import decode
from dashboard.config.errors import ConfigError
from dashboard.config.http_client import Authorization, HttpClientConfig, TlsVersion
from dashboard.config.scalars import InvalidValueError
from dashboard.config.secret import Secret
from dashboard.config.yaml_file import load

FILE = Path("/folder/some.yml")


def read(text: str) -> HttpClientConfig:
    return decode(FILE, load(FILE, text), HttpClientConfig)


def test_defaults_follow_redirects() -> None:
    config = read("{}")
    assert config == HttpClientConfig()
    assert (config.follow_redirects, config.enable_http2, config.proxy.proxy_url) == (True, True, "")


@pytest.mark.parametrize(
    ("text", "authorization"),
    [
        ("bearer_token: t", Authorization(credentials=Secret("t"))),
        ("bearer_token_file: t", Authorization(credentials_file=str(Path("/folder").resolve() / "t"))),
        ("authorization: {type: ' Token ', credentials: t}", Authorization(type="Token", credentials=Secret("t"))),
        ("authorization: {type: '', credentials: t}", Authorization(type="Bearer", credentials=Secret("t"))),
    ],
)
def test_there_is_one_way_to_say_a_token(text: str, authorization: Authorization) -> None:
    config = read(text)
    assert (config.authorization, config.bearer_token, config.bearer_token_file) == (authorization, Secret(), "")


def test_files_are_absolute_and_sections_nest() -> None:
    config = read(
        "oauth2: {client_id: i, token_url: t, client_secret_file: s, proxy_url: 'http://p', tls_config: {ca_file: c}}\n"
        "tls_config: {min_version: TLS12, cert_file: c, key_file: /k}\nno_proxy: a\nproxy_url: http://q\n"
        "http_headers: {X-A: {values: [v], secrets: [s], files: [f]}}"
    )
    folder = Path("/folder").resolve()
    assert config.oauth2 is not None
    assert config.oauth2.client_secret_file == str(folder / "s")
    assert config.oauth2.tls_config.ca_file == str(folder / "c")
    assert (config.oauth2.proxy.proxy_url, config.proxy.proxy_url) == ("http://p", "http://q")
    assert (config.tls_config.min_version, config.tls_config.key_file) == (TlsVersion.TLS12, str(folder / "/k"))
    header = config.http_headers["X-A"]
    assert (header.values, header.secrets, header.files) == (("v",), (Secret("s"),), (str(folder / "f"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{bearer_token: a, bearer_token_file: b}", "at most one of bearer_token, bearer_token_file"),
        ("{bearer_token: a, basic_auth: {username: u}}", "at most one of basic_auth, oauth2, authorization"),
        ("{authorization: {credentials: a}, basic_auth: {username: u}}", "at most one of basic_auth, oauth2"),
        ("{authorization: {credentials: a}, bearer_token: a}", "authorization is not compatible with bearer_token"),
        ("{authorization: {type: BASIC}}", 'authorization.type: authorization type cannot be set to "basic"'),
        ("{authorization: {credentials: a, credentials_file: b}}", "at most one of credentials, credentials_file"),
        ("{basic_auth: {username: a, username_file: b}}", "at most one of username, username_file"),
        ("{basic_auth: {password: a, password_file: b}}", "at most one of password, password_file"),
        ("{oauth2: {token_url: a}}", "oauth2 client_id must be configured"),
        ("{oauth2: {client_id: a}}", "oauth2 token_url must be configured"),
        ("{oauth2: {client_id: a, token_url: b, client_secret: c, client_secret_file: d}}", "at most one of client"),
        ("{tls_config: {ca: a, ca_file: b}}", "at most one of ca, ca_file"),
        ("{tls_config: {cert: a}}", "one of key and key_file must be configured"),
        ("{tls_config: {key_file: a}}", "one of cert and cert_file must be configured"),
        ("{tls_config: {min_version: TLS14}}", '"TLS14" is not one of TLS10, TLS11, TLS12, TLS13'),
        ("{proxy_url: 'http://h:port'}", "proxy_url: not a URL"),
        ("{no_proxy: a}", "proxy_url must also be configured"),
        ("{proxy_from_environment: true, proxy_url: 'http://p'}", "proxy_url must not be configured"),
        ("{proxy_from_environment: true, no_proxy: a}", "no_proxy must not be configured"),
        ("{proxy_connect_header: {A: [b]}}", "proxy_url or proxy_from_environment must also be configured"),
        ("{http_headers: {Authorization: {values: [a]}}}", 'setting header "Authorization" is not allowed'),
        ("{http_headers: {host: {values: [a]}}}", 'setting header "host" is not allowed'),
    ],
)
def test_what_contradicts_itself_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert message in str(caught.value)


def test_a_record_made_by_hand_is_checked_too() -> None:
    with pytest.raises(InvalidValueError):
        HttpClientConfig(bearer_token=Secret("a"), bearer_token_file="b")
