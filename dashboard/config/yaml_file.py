"""YAML as Prometheus reads it: a scalar takes the type of the field that it is written to.

Go decodes ``severity: 1`` into a string where the field is one; so scalars are kept as text here, and the typed
records (msgspec) convert them. Loading runs no code, refuses duplicate keys and bounds aliases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from dashboard.config.errors import ConfigError
from dashboard.model.duration import InvalidDurationError, parse_duration

_MOST_ALIASES = 1000
_MOST_BYTES = 16 * 1024 * 1024
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(B|[KMGTPE]i?B)?")
_NULLS = ("", "~", "null", "Null", "NULL")

Record = TypeVar("Record")


class Milliseconds(int):
    """A duration of a configuration file, such as ``15s``, as milliseconds."""


class Bytes(int):
    """A size of a configuration file, such as ``64MB``; units count in powers of 1024, as Prometheus reads them."""


class _TextLoader(yaml.BaseLoader):
    """Loads every scalar as text, nulls as ``None``, and refuses duplicate keys."""

    aliases = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            self.aliases += 1
            if self.aliases > _MOST_ALIASES:
                raise yaml.MarkedYAMLError(problem=f"more than {_MOST_ALIASES} aliases")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        return None if node.style is None and value in _NULLS else value

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: ARG002 - the base class names it.
        node.value = _merged(node)
        pairs = super().construct_mapping(node, deep=True)
        # Prometheus leaves a field that is written without a value at its default.
        return {key: value for key, value in pairs.items() if value is not None}


def _checked_entries(node: yaml.MappingNode) -> list[tuple[Any, Any]]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key must be a scalar", problem_mark=key.start_mark)
        if key.value in seen:
            raise yaml.MarkedYAMLError(problem=f'key "{key.value}" already set in map', problem_mark=key.start_mark)
        seen.add(key.value)
    return list(node.value)


def _merged(node: yaml.MappingNode) -> list[tuple[Any, Any]]:
    """Return a mapping's entries with those that ``<<`` brings in, before which its own count."""
    entries = _checked_entries(node)
    own = {key.value: (key, value) for key, value in entries if not _is_merge(key)}
    brought: dict[str, tuple[Any, Any]] = {}
    for key, value in entries:
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for source in reversed(sources) if _is_merge(key) else ():
            if not isinstance(source, yaml.MappingNode):
                reason = "map merge requires map or sequence of maps as the value"
                raise yaml.MarkedYAMLError(problem=reason, problem_mark=key.start_mark)
            source.value = _merged(source)
            brought |= {name.value: (name, entry) for name, entry in source.value}
    return [*(brought | own).values()]


def _is_merge(key: yaml.ScalarNode) -> bool:
    return key.value == "<<" and key.style is None


def load(file: Path, text: str | None = None) -> Any:
    """Read a YAML file (or the text given in its place) into dicts, lists and strings.

    Raises:
        ConfigError: the file cannot be read, or is not YAML of the kind described above.
    """
    if text is None:
        text = _read(file)
    try:
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506 - it descends from BaseLoader, which makes only text.
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(file, f"{line}{error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(file, f"not YAML: {str(error).splitlines()[0]}") from error


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ConfigError(file, f"larger than {_MOST_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(file, f"cannot be read: {error}") from error


def decode(file: Path, data: Any, record: type[Record]) -> Record:
    """Turn loaded YAML into a typed record.

    Raises:
        ConfigError: a key is unknown or missing, or a value does not fit; the message names the key.
    """
    try:
        return msgspec.convert(data, record, strict=False, dec_hook=_decode_value)
    except msgspec.ValidationError as error:
        reason, _, key = str(error).partition(" - at `$")
        raise ConfigError(file, reason, key.rstrip("`").lstrip(".")) from error


def _decode_value(kind: type, value: Any) -> Any:
    readers: dict[type, Callable[[str], int]] = {Milliseconds: _read_duration, Bytes: _read_size}
    return kind(readers[kind](str(value)))


def _read_duration(text: str) -> int:
    try:
        return parse_duration(text)
    except InvalidDurationError as error:
        raise ValueError(str(error)) from error


def _read_size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'not a valid size: "{text}"')
    number, unit = match.groups()
    return int(float(number) * 1024 ** ("BKMGTPE".index(unit[0]) if unit else 0))
