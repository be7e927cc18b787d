"""The kinds of discovery that are checked and not served here (``discovery/*`` of Prometheus 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.config.decoding import decoder_of, place_of
from dashboard.config.discovery import DnsSdConfig, FileSdConfig, HttpSdConfig, StaticConfig
from dashboard.config.http_client import HttpClientConfig, TlsConfig, at_most_one
from dashboard.config.masking import masked
from dashboard.config.place import Place
from dashboard.config.scalars import FilePath, InvalidValueError, Milliseconds
from dashboard.config.secret import SecretText
from dashboard.config.tables import Table, Values, many, one_of
from dashboard.config.urls import Url, require_http, split_url
from dashboard.config.yaml_file import Section

_TEXTS = tuple[str, ...]
_REFRESH = {"refresh_interval": Milliseconds}
_PORT = {"port": int, **_REFRESH}
_AWS = {
    "endpoint": str,
    "region": str,
    "access_key": str,
    "secret_key": SecretText,
    "profile": str,
    "role_arn": str,
    **_PORT,
}
_FILTER = Table({"name": str, "values": _TEXTS}, http=False)
_EC2_FILTER = Table({"name": str, "values": _TEXTS}, needed=("values",), http=False)


def _check_azure(values: Values) -> None:
    if values.get("authentication_method", "OAuth") == "OAuth":
        for key in ("tenant_id", "client_id", "client_secret"):
            if not values.get(key):
                raise InvalidValueError(f"azure SD configuration requires a {key}")


def _check_consul(values: Values) -> None:
    http: HttpClientConfig = values["http"]
    at_most_one(username=values.get("username") or values.get("password"), basic_auth=http.basic_auth)
    at_most_one(token=values.get("token"), authorization=http.authorization or http.oauth2)


def _check_marathon(values: Values) -> None:
    http: HttpClientConfig = values["http"]
    at_most_one(auth_token=values.get("auth_token"), auth_token_file=values.get("auth_token_file"))
    token = values.get("auth_token") or values.get("auth_token_file")
    at_most_one(auth_token=token, basic_auth=http.basic_auth)
    at_most_one(auth_token=token, authorization=http.authorization)


def _check_scaleway(values: Values) -> None:
    at_most_one(secret_key=values.get("secret_key"), secret_key_file=values.get("secret_key_file"))
    if not (values.get("secret_key") or values.get("secret_key_file")):
        raise InvalidValueError("one of secret_key, secret_key_file must be configured")


def _check_url(key: str) -> Callable[[Values], None]:
    def check(values: Values) -> None:
        parts = split_url(values[key])
        if not (parts.scheme and parts.netloc):
            raise InvalidValueError(f"{key} must be a URL with scheme and host")

    return check


def _check_puppetdb(values: Values) -> None:
    require_http(values["url"])


def _check_stackit(values: Values) -> None:
    if not (values.get("endpoint") or values.get("region", "eu01")):
        raise InvalidValueError("endpoint and region are missing")


def _check_zookeeper(values: Values) -> None:
    for path in values["paths"]:
        if not path.startswith("/"):
            raise InvalidValueError(f"paths must begin with '/': {path}")


def _check_triton(values: Values) -> None:
    if values.get("refresh_interval", 1) <= 0:
        raise InvalidValueError("refresh_interval must be positive")


_KUBERNETES_ROLE = one_of("node", "pod", "service", "endpoints", "endpointslice", "ingress")
_SELECTABLE = {
    "pod": ("pod",),
    "service": ("service",),
    "endpointslice": ("pod", "service", "endpointslice"),
    "endpoints": ("pod", "service", "endpoints"),
    "node": ("node",),
    "ingress": ("ingress",),
}
_SELECTOR = Table({"role": _KUBERNETES_ROLE, "label": str, "field": str}, http=False)


def _check_kubernetes(values: Values) -> None:
    server, file = values.get("api_server"), values.get("kubeconfig_file")
    at_most_one(kubeconfig_file=file, api_server=server)
    own_client = values["http"] != HttpClientConfig()
    if file and own_client:
        raise InvalidValueError("cannot use a custom HTTP client configuration together with 'kubeconfig_file'")
    if own_client and not server:
        raise InvalidValueError(
            "to use custom HTTP client configuration please provide the 'api_server' URL explicitly"
        )
    own_namespace = (values.get("namespaces") or {}).get("own_namespace")
    if own_namespace and (server or file):
        raise InvalidValueError("cannot use 'namespaces.own_namespace' with 'api_server' or 'kubeconfig_file'")
    _check_selectors(values["role"], values.get("selectors", ()))


def _check_selectors(role: str, selectors: tuple[Values, ...]) -> None:
    seen = set()
    for selector in selectors:
        chosen = selector.get("role", "")
        if chosen in seen:
            raise InvalidValueError(f"duplicated selector role: {chosen}")
        seen.add(chosen)
        if chosen not in _SELECTABLE[role]:
            raise InvalidValueError(f"{role} role supports only {', '.join(_SELECTABLE[role])} selectors")
        for term in filter(None, selector.get("field", "").split(",")):
            if "=" not in term:
                raise InvalidValueError(f"invalid selector: '{term}'; can't understand it")


_ZOOKEEPER = Table(
    {"servers": _TEXTS, "paths": _TEXTS, "timeout": Milliseconds},
    needed=("servers", "paths"),
    http=False,
    check=_check_zookeeper,
)

FOREIGN_DISCOVERY: Mapping[str, Table] = {
    "azure_sd_configs": Table(
        {
            "environment": str,
            "subscription_id": str,
            "tenant_id": str,
            "client_id": str,
            "client_secret": SecretText,
            "authentication_method": one_of("OAuth", "ManagedIdentity", "SDK"),
            "resource_group": str,
            **_PORT,
        },
        needed=("subscription_id",),
        check=_check_azure,
    ),
    "consul_sd_configs": Table(
        {
            "server": str,
            "path_prefix": str,
            "token": SecretText,
            "datacenter": str,
            "namespace": str,
            "partition": str,
            "tag_separator": str,
            "scheme": str,
            "username": str,
            "password": SecretText,
            "allow_stale": bool,
            "services": _TEXTS,
            "tags": _TEXTS,
            "node_meta": Mapping[str, str],
            "filter": str,
            **_REFRESH,
        },
        filled=("server",),
        check=_check_consul,
    ),
    "digitalocean_sd_configs": Table(_PORT),
    "docker_sd_configs": Table(
        {
            "host": Url,
            "filters": many(_FILTER.item),
            "host_networking_host": str,
            "match_first_network": bool,
            **_PORT,
        },
        needed=("host",),
    ),
    "dockerswarm_sd_configs": Table(
        {"host": Url, "role": one_of("services", "nodes", "tasks"), "filters": many(_FILTER.item), **_PORT},
        needed=("host", "role"),
    ),
    "ec2_sd_configs": Table({**_AWS, "filters": many(_EC2_FILTER.item)}),
    "eureka_sd_configs": Table({"server": Url, **_REFRESH}, needed=("server",), check=_check_url("server")),
    "gce_sd_configs": Table(
        {"project": str, "zone": str, "filter": str, "tag_separator": str, **_PORT},
        needed=("project", "zone"),
        http=False,
    ),
    "hetzner_sd_configs": Table({"role": one_of("robot", "hcloud"), "label_selector": str, **_PORT}, needed=("role",)),
    "ionos_sd_configs": Table({"datacenter_id": str, **_PORT}, needed=("datacenter_id",)),
    "kubernetes_sd_configs": Table(
        {
            "api_server": Url,
            "role": _KUBERNETES_ROLE,
            "kubeconfig_file": FilePath,
            "namespaces": Table({"own_namespace": bool, "names": _TEXTS}, http=False).kind,
            "selectors": many(_SELECTOR.item),
            "attach_metadata": Table({"node": bool}, http=False).kind,
        },
        needed=("role",),
        check=_check_kubernetes,
    ),
    "kuma_sd_configs": Table(
        {"server": Url, "client_id": str, "fetch_timeout": Milliseconds, **_REFRESH},
        needed=("server",),
        check=_check_url("server"),
    ),
    "lightsail_sd_configs": Table(_AWS),
    "linode_sd_configs": Table({"tag_separator": str, "region": str, **_PORT}),
    "marathon_sd_configs": Table(
        {"servers": _TEXTS, "auth_token": SecretText, "auth_token_file": FilePath, **_REFRESH},
        needed=("servers",),
        check=_check_marathon,
    ),
    "nerve_sd_configs": _ZOOKEEPER,
    "nomad_sd_configs": Table(
        {"allow_stale": bool, "namespace": str, "region": str, "server": str, "tag_separator": str, **_REFRESH},
        filled=("server",),
    ),
    "openstack_sd_configs": Table(
        {
            "identity_endpoint": str,
            "username": str,
            "userid": str,
            "password": SecretText,
            "project_name": str,
            "project_id": str,
            "domain_name": str,
            "domain_id": str,
            "application_credential_name": str,
            "application_credential_id": str,
            "application_credential_secret": SecretText,
            "role": one_of("hypervisor", "instance", "loadbalancer"),
            "region": str,
            "all_tenants": bool,
            "tls_config": TlsConfig,
            "availability": one_of("public", "internal", "admin"),
            **_PORT,
        },
        needed=("role", "region"),
        http=False,
    ),
    "ovhcloud_sd_configs": Table(
        {
            "endpoint": str,
            "application_key": str,
            "application_secret": SecretText,
            "consumer_key": SecretText,
            "service": one_of("dedicated_server", "vps"),
            **_REFRESH,
        },
        needed=("application_key", "application_secret", "consumer_key", "service"),
        filled=("endpoint",),
        http=False,
    ),
    "puppetdb_sd_configs": Table(
        {"url": Url, "query": str, "include_parameters": bool, **_PORT},
        needed=("url", "query"),
        check=_check_puppetdb,
    ),
    "scaleway_sd_configs": Table(
        {
            "project_id": str,
            "api_url": str,
            "zone": str,
            "access_key": str,
            "secret_key": SecretText,
            "secret_key_file": FilePath,
            "name_filter": str,
            "tags_filter": _TEXTS,
            "role": one_of("instance", "baremetal"),
            **_PORT,
        },
        needed=("role", "project_id", "access_key"),
        check=_check_scaleway,
    ),
    "serverset_sd_configs": _ZOOKEEPER,
    "stackit_sd_configs": Table(
        {
            "project": str,
            "region": str,
            "endpoint": Url,
            "service_account_key": SecretText,
            "private_key": SecretText,
            "service_account_key_path": str,
            "private_key_path": str,
            "credentials_file_path": str,
            **_PORT,
        },
        check=_check_stackit,
    ),
    "triton_sd_configs": Table(
        {
            "account": str,
            "role": one_of("container", "cn"),
            "dns_suffix": str,
            "endpoint": str,
            "groups": _TEXTS,
            "tls_config": TlsConfig,
            "version": int,
            **_PORT,
        },
        needed=("account", "dns_suffix", "endpoint"),
        http=False,
        check=_check_triton,
    ),
    "uyuni_sd_configs": Table(
        {"server": Url, "username": str, "password": SecretText, "entitlement": str, "separator": str, **_REFRESH},
        needed=("server", "username", "password"),
    ),
    "vultr_sd_configs": Table(_PORT),
}
"""The kinds of discovery that are checked here and not served."""

DISCOVERY: Mapping[str, Any] = {
    "static_configs": many(StaticConfig),
    "file_sd_configs": many(FileSdConfig),
    "http_sd_configs": many(HttpSdConfig),
    "dns_sd_configs": many(DnsSdConfig),
    **{key: many(table.item) for key, table in FOREIGN_DISCOVERY.items()},
}
"""Every key of a job that says where its targets come from."""


def read_foreign_discovery(section: Any, place: Place) -> tuple[dict[str, Any], Any]:
    """Check the discovery of a job that is not served here; return it as it may be shown, and the job without it.

    Raises:
        ConfigError: a value cannot be used.
    """
    if not isinstance(section, Section):
        return {}, section
    foreign = {key: value for key, value in section.items() if key in FOREIGN_DISCOVERY}
    for key, value in foreign.items():
        decoder_of(DISCOVERY[key])(value, place_of(section, key, place))
    rest = {key: value for key, value in section.items() if key not in foreign}
    return {key: masked(value) for key, value in foreign.items()}, Section(rest, section.lines)
