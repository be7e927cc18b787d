"""The configuration in effect, as it may be shown: defaults filled in, secrets hidden (``/api/v1/status/config``)."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import yaml

from dashboard.config.decoding import INLINED, SEPARATE
from dashboard.config.prometheus import PrometheusConfig
from dashboard.config.scalars import Reader
from dashboard.config.scrape import ScrapeConfig
from dashboard.config.secret import Secret
from dashboard.config.urls import without_password
from dashboard.config.yaml_file import Scalar
from dashboard.model.relabel import RelabelConfig


def shown_config(config: PrometheusConfig) -> str:
    """Return a configuration as YAML that Prometheus reads, too; each secret is ``<secret>``.

    As Prometheus does, it leaves out what is empty, and the jobs of ``scrape_config_files``.
    """
    tree = {
        "global": {**_record(config.global_config), "external_labels": dict(config.external_labels)},
        "rule_files": list(config.rule_patterns),
        "scrape_config_files": list(config.scrape_patterns),
        "scrape_configs": [_job(job) for job in config.scrape_configs[: config.own_scrape_configs]],
        "storage": _record(config.storage),
        **config.other_sections,
    }
    filled = {key: value for key, value in tree.items() if value}
    return yaml.dump(filled, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31)


class _Dumper(yaml.SafeDumper):
    """Writes values that were kept as they were written as they were: ``80`` stays a number, ``"80"`` a text."""

    def represent_kept(self, value: Scalar) -> yaml.ScalarNode:
        tag = self.resolve(yaml.ScalarNode, str(value), (value.plain, not value.plain))  # type: ignore[no-untyped-call]
        return self.represent_scalar(tag, str(value))


_Dumper.add_representer(Scalar, _Dumper.represent_kept)
_Dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
_Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]  # One value at two places is written twice.


def _job(job: ScrapeConfig) -> dict[str, Any]:
    return {**_record(job), **job.other_sd_configs}


def _record(record: Any) -> dict[str, Any]:
    return dict(_entries(record))


def _entries(record: Any) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(type(record), include_extras=True)
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if field.metadata == INLINED:
            yield from _entries(value)
        elif field.init and field.metadata != SEPARATE and _is_shown(field, value):
            yield field.name.rstrip("_"), _value(hints[field.name], value)


def _is_shown(field: dataclasses.Field[Any], value: Any) -> bool:
    """Whether a value is told: what is empty only if it differs from its default, a section only if something does."""
    default = field.default_factory() if callable(field.default_factory) else field.default
    is_section = dataclasses.is_dataclass(value)
    return value != default if is_section or not value else True


def _value(kind: Any, value: Any) -> Any:
    if get_origin(kind) is Annotated:
        write = next((extra.write for extra in get_args(kind) if isinstance(extra, Reader)), None)
        if write:
            return write(value)
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, RelabelConfig):
        return {key: entry for key, entry in _entries(value) if entry != "(.*)"}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return _record(value) if dataclasses.is_dataclass(value) else _leaf(value)


def _leaf(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Secret):
        return str(value)
    return without_password(value) if isinstance(value, str) else value
