"""The sections for other servers, checked and not served here (``config/config.go`` of Prometheus 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from dashboard.config.decoding import decoder_of, place_of
from dashboard.config.foreign_discovery import DISCOVERY
from dashboard.config.http_client import RESERVED_HEADERS, HttpClientConfig, TlsConfig, at_most_one
from dashboard.config.masking import masked
from dashboard.config.place import Place
from dashboard.config.relabel import RelabelConfigs
from dashboard.config.scalars import InvalidValueError, LabelSet, Milliseconds, Reader, Unsigned
from dashboard.config.secret import SecretText
from dashboard.config.tables import Table, Values, many, one_of
from dashboard.config.urls import Url
from dashboard.config.yaml_file import Section

_TEXTS = tuple[str, ...]


def _read_headers(value: Any, place: Place) -> Mapping[str, str]:
    headers: Mapping[str, str] = decoder_of(Mapping[str, str])(value, place)
    for name in headers:
        if name.lower() in RESERVED_HEADERS:
            raise InvalidValueError(f"{name} is a reserved header. It must not be changed")
    return headers


_HEADERS = Annotated[Mapping[str, str], Reader(_read_headers, {})]


def _check_sigv4(values: Values) -> None:
    if bool(values.get("access_key")) != bool(values.get("secret_key")):
        raise InvalidValueError("access_key and secret_key must be configured together")


_SIGV4 = Table(
    {
        "region": str,
        "access_key": str,
        "secret_key": SecretText,
        "profile": str,
        "role_arn": str,
        "service": str,
        "use_fips_sts_endpoint": bool,
    },
    http=False,
    check=_check_sigv4,
)


def _check_azuread(values: Values) -> None:
    ways = [values[key] for key in ("managed_identity", "oauth", "sdk") if values.get(key) is not None]
    if len(ways) != 1:
        raise InvalidValueError("exactly one of managed_identity, oauth, sdk must be configured")


_AZUREAD = Table(
    {
        "managed_identity": Table({"client_id": str}, http=False).kind,
        "oauth": Table(
            {"client_id": str, "client_secret": SecretText, "tenant_id": str},
            needed=("client_id", "client_secret", "tenant_id"),
            http=False,
        ).kind,
        "sdk": Table({"tenant_id": str}, http=False).kind,
        "cloud": one_of("AzureChina", "AzureGovernment", "AzurePublic"),
    },
    http=False,
    check=_check_azuread,
)


def _check_one_login(values: Values) -> None:
    http: HttpClientConfig = values["http"]
    at_most_one(
        basic_auth=http.basic_auth,
        authorization=http.authorization,
        oauth2=http.oauth2,
        sigv4=values.get("sigv4") is not None,
        azuread=values.get("azuread") is not None,
        google_iam=values.get("google_iam") is not None,
    )


def _check_alertmanager(values: Values) -> None:
    _check_one_login(values)
    if values.get("relabel_configs"):
        return
    for group in values.get("static_configs", ()):
        for target in group.targets:
            if "/" in target:
                raise InvalidValueError(f'"{target}" is not a valid hostname')


_ALERTMANAGER = Table(
    {
        "sigv4": _SIGV4.kind,
        "scheme": str,
        "path_prefix": str,
        "timeout": Milliseconds,
        "api_version": one_of("v2", null=True),
        "relabel_configs": RelabelConfigs,
        "alert_relabel_configs": RelabelConfigs,
        **DISCOVERY,
    },
    check=_check_alertmanager,
)
_QUEUE = Table(
    {
        "capacity": int,
        "max_shards": int,
        "min_shards": int,
        "max_samples_per_send": int,
        "batch_send_deadline": Milliseconds,
        "min_backoff": Milliseconds,
        "max_backoff": Milliseconds,
        "retry_on_http_429": bool,
        "sample_age_limit": Milliseconds,
    },
    http=False,
)
_REMOTE_WRITE = Table(
    {
        "url": Url,
        "remote_timeout": Milliseconds,
        "headers": _HEADERS,
        "write_relabel_configs": RelabelConfigs,
        "name": str,
        "send_exemplars": bool,
        "send_native_histograms": bool,
        "round_robin_dns": bool,
        "protobuf_message": one_of("prometheus.WriteRequest", "io.prometheus.write.v2.Request"),
        "queue_config": _QUEUE.kind,
        "metadata_config": Table(
            {"send": bool, "send_interval": Milliseconds, "max_samples_per_send": int}, http=False
        ).kind,
        "sigv4": _SIGV4.kind,
        "azuread": _AZUREAD.kind,
        "google_iam": Table({"credentials_file": str}, http=False).kind,
    },
    needed=("url",),
    check=_check_one_login,
)
_REMOTE_READ = Table(
    {
        "url": Url,
        "remote_timeout": Milliseconds,
        "chunked_read_limit": Unsigned,
        "headers": _HEADERS,
        "read_recent": bool,
        "name": str,
        "required_matchers": LabelSet,
        "filter_external_labels": bool,
    },
    needed=("url",),
)


def _check_otlp(values: Values) -> None:
    everything = values.get("promote_all_resource_attributes", False)
    promoted, ignored = values.get("promote_resource_attributes", ()), values.get("ignore_resource_attributes", ())
    if everything and promoted:
        raise InvalidValueError(
            "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously"
        )
    if ignored and not everything:
        raise InvalidValueError(
            "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true"
        )
    names = [name.strip() for name in promoted + ignored]
    if "" in names or len(set(names)) < len(names):
        raise InvalidValueError("a resource attribute is empty or repeated")


_SECTIONS: Mapping[str, Any] = {
    "alerting": Table(
        {"alert_relabel_configs": RelabelConfigs, "alertmanagers": many(_ALERTMANAGER.item)}, http=False
    ).kind,
    "remote_write": many(_REMOTE_WRITE.item),
    "remote_read": many(_REMOTE_READ.item),
    "tracing": Table(
        {
            "client_type": one_of("http", "grpc", null=True),
            "endpoint": str,
            "sampling_fraction": float,
            "insecure": bool,
            "tls_config": TlsConfig,
            "headers": _HEADERS,
            "compression": one_of("gzip", ""),
            "timeout": Milliseconds,
        },
        needed=("endpoint",),
        http=False,
    ).kind,
    "otlp": Table(
        {
            "promote_all_resource_attributes": bool,
            "promote_resource_attributes": _TEXTS,
            "ignore_resource_attributes": _TEXTS,
            "translation_strategy": one_of(
                "",
                "UnderscoreEscapingWithSuffixes",
                "UnderscoreEscapingWithoutSuffixes",
                "NoUTF8EscapingWithSuffixes",
                "NoTranslation",
            ),
            "keep_identifying_resource_attributes": bool,
            "convert_histograms_to_nhcb": bool,
            "promote_scope_metadata": bool,
        },
        http=False,
        check=_check_otlp,
    ).kind,
    "runtime": Table({"gogc": int}, http=False).kind,
}


def read_foreign_sections(top: Section, place: Place) -> tuple[dict[str, Any], Section]:
    """Check the sections that are not served here; return them as they may be shown, and the file without them.

    Raises:
        ConfigError: a value cannot be used.
    """
    foreign = {key: value for key, value in top.items() if key in _SECTIONS}
    for key, value in foreign.items():
        decoder_of(_SECTIONS[key])(value, place_of(top, key, place))
    _refuse_repeated_names(foreign, place)
    rest = {key: value for key, value in top.items() if key not in foreign}
    return {key: masked(value) for key, value in foreign.items()}, Section(rest, top.lines)


def _refuse_repeated_names(foreign: Values, place: Place) -> None:
    for key in ("remote_write", "remote_read"):
        names = [entry["name"] for entry in foreign.get(key) or () if entry.get("name")]
        if len(set(names)) < len(names):
            raise place.at(key).error(f"found multiple {key.replace('_', ' ')} configs with the same name")
