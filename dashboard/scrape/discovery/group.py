"""Groups of targets, and the two formats of their lists (``discovery/targetgroup`` of Prometheus)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dashboard.config.decoding import decoder_of
from dashboard.config.discovery import StaticConfig
from dashboard.config.errors import ConfigError
from dashboard.config.place import Place
from dashboard.config.yaml_file import load
from dashboard.scrape.errors import DiscoveryError

ADDRESS = "__address__"


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Targets and the labels that they share; each target is its own labels, with ``__address__`` among them."""

    targets: tuple[Mapping[str, str], ...]
    labels: Mapping[str, str]

    @classmethod
    def of(cls, listed: StaticConfig, **labels: str) -> TargetGroup:
        """Make a group of a list of addresses, with further labels over its own."""
        return cls(tuple({ADDRESS: address} for address in listed.targets), {**listed.labels, **labels})


class _Group(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    labels: dict[str, str] | None = None


def read_json(source: str, body: bytes) -> Sequence[StaticConfig]:
    """Read a JSON list of target groups; ``source`` is the file or URL that it comes from.

    Raises:
        DiscoveryError: it is none.
    """
    try:
        groups = msgspec.json.decode(body, type=list[_Group] | None) or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DiscoveryError(f"{source}: {error}") from error
    return _checked(
        source, [StaticConfig(targets=tuple(group.targets or ()), labels=group.labels or {}) for group in groups]
    )


def read_yaml(file: Path) -> Sequence[StaticConfig]:
    """Read a YAML file that is a list of target groups.

    Raises:
        DiscoveryError: it is none.
    """
    try:
        listed = load(file)
        groups = decoder_of(tuple[StaticConfig, ...])(listed, Place(file))
    except ConfigError as error:
        raise DiscoveryError(str(error)) from error
    if listed and None in listed:
        raise DiscoveryError(f"{file}: nil target group item found")
    return _checked(str(file), groups)


def _checked(source: str, groups: Sequence[StaticConfig]) -> Sequence[StaticConfig]:
    if any("" in group.labels for group in groups):
        raise DiscoveryError(f'{source}: "" is not a valid label name')
    return groups
