"""What Prometheus's files have no place for: where we listen, where we store, how long."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import platformdirs

from dashboard.config.decoding import decode, decoder_of
from dashboard.config.errors import ConfigError
from dashboard.config.place import Place
from dashboard.config.scalars import Bytes, InvalidValueError, Milliseconds, Reader, read_duration
from dashboard.config.yaml_file import load

_PREFIX = "GLASS_COCKPIT_"
DEFAULT_CONFIG = Path("monitoring") / "prometheus.yml"
DEFAULT_PORT = 5000
DEFAULT_RETENTION = 30 * 86_400_000
_SHORTEST_BLOCK, _LONGEST_BLOCK = 60_000, 86_400_000
LOCAL_ADDRESSES = frozenset({f"localhost:{DEFAULT_PORT}", f"127.0.0.1:{DEFAULT_PORT}"})
"""A target at one of these addresses is this server, whichever port it listens on, and is read in process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSetting:
    """The series that a selector selects are kept so long."""

    match: str
    keep: Milliseconds


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is decided before the parts are built. Durations are milliseconds."""

    config_file: Path = DEFAULT_CONFIG
    data_dir: Path = field(default_factory=lambda: default_data_dir(demo=False))
    host: str = "localhost"
    port: int = DEFAULT_PORT
    retention: int = 0
    """How long samples are kept; 0 where neither the command line nor ``cockpit.yml`` says it."""
    retention_size: int = 0
    """How many bytes samples may take; 0 where ``cockpit.yml`` does not say it."""
    retention_rules: tuple[KeepSetting, ...] = ()
    """How long some series are kept; the first rule that is about a series counts."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names, beside ``localhost`` and IP addresses, under which pages may be asked for."""
    journal_interval: int = 1000
    block_length: int = 7_200_000
    """How long a time the youngest blocks of the store cover."""
    simulated: frozenset[str] = frozenset()
    """The jobs that simulators play, whose pages offer incidents."""

    @property
    def cockpit_file(self) -> Path:
        """Where ``cockpit.yml`` stands, if there is one."""
        return self.config_file.parent / "cockpit.yml"


_KEEP = decoder_of(KeepSetting)


def _read_retention(value: Any, place: Place) -> int | tuple[KeepSetting, ...]:
    """Read a duration, or a list of selectors with how long they are kept."""
    if not isinstance(value, list):
        age = read_duration(value, place)
        if not age:
            raise InvalidValueError("nothing would be kept")
        return age
    rules = tuple(_KEEP(each, place) for each in value)
    if not all(rule.match and rule.keep for rule in rules):
        raise InvalidValueError("each rule needs a selector in match, and in keep how long it is kept")
    return rules


def _read_block_length(value: Any, place: Place) -> int:
    length = read_duration(value, place)
    if not _SHORTEST_BLOCK <= length <= _LONGEST_BLOCK:
        raise InvalidValueError("blocks cover from 1m to 1d")
    return length


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What ``cockpit.yml`` and the environment may say; ``None`` stands for nothing said."""

    data_dir: str | None = None
    host: str | None = None
    port: int | None = None
    retention: Annotated[Any, Reader(_read_retention, None, str)] = None
    retention_size: Bytes | None = None
    block_length: Annotated[Any, Reader(_read_block_length, None, str)] = None
    allowed_hosts: tuple[str, ...] | None = None


def default_data_dir(*, demo: bool) -> Path:
    """Return the platform's own place for our data; the demo has a folder of its own beneath it."""
    root = platformdirs.user_data_path("glass-cockpit", appauthor=False)
    return root / "demo" if demo else root / "data"


def load_settings(config_file: Path, **given: object) -> Settings:
    """Join the settings: command line (``given``) before environment, before ``cockpit.yml``, before the defaults.

    ``cockpit.yml`` stands beside the Prometheus configuration file and may be missing. An option that is ``None`` was
    not given.

    Raises:
        ConfigError: ``cockpit.yml`` or a variable ``GLASS_COCKPIT_*`` cannot be used.
    """
    file = config_file.parent / "cockpit.yml"
    content = _given_by(file, load(file) or {}) if file.exists() else {}
    environment = _given_by(Path("environment"), _environment())
    chosen: dict[str, Any] = {}
    for source in (content, environment, given):
        chosen |= {key: value for key, value in source.items() if value is not None}
    chosen["allowed_hosts"] = tuple(chosen.get("allowed_hosts", ()))
    if "data_dir" in chosen:
        chosen["data_dir"] = Path(chosen["data_dir"])
    return Settings(config_file=config_file, **chosen)


def _given_by(source: Path, content: object) -> dict[str, object]:
    given = decode(source, content, _Given)
    if given.port is not None and not 0 <= given.port <= 65_535:
        raise ConfigError(source, f"{given.port} is not a port", "port")
    found: dict[str, object] = {entry.name: getattr(given, entry.name) for entry in fields(_Given)}
    if isinstance(given.retention, tuple):
        found |= {"retention": None, "retention_rules": given.retention}
    return found


def _environment() -> dict[str, object]:
    known = {entry.name for entry in fields(_Given)}
    found: dict[str, object] = {}
    for name, value in os.environ.items():
        key = name.removeprefix(_PREFIX).lower()
        if name.startswith(_PREFIX) and key in known:
            found[key] = [host.strip() for host in value.split(",")] if key == "allowed_hosts" else value
    return found
