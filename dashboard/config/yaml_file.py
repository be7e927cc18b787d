"""YAML as Prometheus reads it: a scalar takes the type of the field that it is written to.

Go decodes ``severity: 1`` into a string where the field is one; so scalars are kept as text here, and
:mod:`dashboard.config.decoding` gives them their types. Each value knows the line it stands on. Loading runs no code,
refuses duplicate keys and bounds aliases.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from dashboard.config.errors import ConfigError

_MOST_ALIASES = 1000
_MOST_BYTES = 16 * 1024 * 1024
_NULLS = ("", "~", "null", "Null", "NULL")
_ANCHOR = re.compile(r"(alias|anchor) '[^']*'")
_NO_TAG = "untagged"
_BINARY_TAG = "tag:yaml.org,2002:binary"
_VALUE_TAGS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))


class Scalar(str):
    """A value as it is written. One that is ``plain`` (not in quotes) may be more than text: a number, a boolean."""

    __slots__ = ("line", "plain")

    line: int
    plain: bool

    @classmethod
    def at(cls, line: int, text: str, *, plain: bool) -> Scalar:
        """Return a scalar that stands on a line."""
        made = cls(text)
        made.line = line
        made.plain = plain
        return made


class Items(list[Any]):
    """A sequence of a file, with the line of each item."""

    def __init__(self, values: Iterable[Any], lines: Iterable[int]) -> None:
        super().__init__(values)
        self.lines = tuple(lines)


class Section(dict[str, Any]):
    """A mapping of a file, with the line of each key. A key that is written without a value has ``None``."""

    def __init__(self, values: dict[str, Any], lines: dict[str, int]) -> None:
        super().__init__(values)
        self.lines = lines


class _MarkedLoader(yaml.BaseLoader):
    """Loads every scalar as text, nulls as ``None``, and refuses duplicate keys."""

    aliases = 0

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        # Only asked where there is no tag, which tells ``5`` from ``!!str 5``.
        return _NO_TAG if kind is yaml.ScalarNode else super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            self.aliases += 1
            if self.aliases > _MOST_ALIASES:
                raise yaml.MarkedYAMLError(problem=f"more than {_MOST_ALIASES} aliases")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        if node.tag == _BINARY_TAG:
            value = _decoded(node)
        plain = (node.style is None and node.tag == _NO_TAG) or node.tag in _VALUE_TAGS
        return None if plain and value in _NULLS else Scalar.at(_line(node), value, plain=plain)

    def construct_marked_sequence(self, node: yaml.SequenceNode) -> Items:
        return Items(super().construct_sequence(node, deep=True), [_line(child) for child in node.value])

    def construct_marked_mapping(self, node: yaml.MappingNode) -> Section:
        node.value = _merged(node)
        values = {_key(key): self.construct_object(value, deep=True) for key, value in node.value}
        return Section(values, {_key(key): _line(key) for key, _ in node.value})

    def construct_any(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_marked_mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_marked_sequence(node)
        return self.construct_scalar(node)


# One constructor whatever the tag: a tag never makes an object.
_MarkedLoader.add_constructor(None, _MarkedLoader.construct_any)


def _decoded(node: yaml.ScalarNode) -> str:
    try:
        return base64.b64decode("".join(node.value.split()), validate=True).decode()
    except ValueError as error:
        reason = "!!binary value contains invalid base64 data, or no UTF-8"
        raise yaml.MarkedYAMLError(problem=reason, problem_mark=node.start_mark) from error


def _key(node: yaml.ScalarNode) -> str:
    return _decoded(node) if node.tag == _BINARY_TAG else str(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


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
    """Read a YAML file (or the text given in its place) into sections, items and scalars; an empty one is ``None``.

    As go-yaml does, it reads the first document of a file that holds many.

    Raises:
        ConfigError: the file cannot be read, or is not YAML of the kind described above.
    """
    if text is None:
        text = _read(file)
    try:
        return _MarkedLoader(text).get_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        # A password that begins with * or & reads as the name of an anchor.
        problem = _ANCHOR.sub(r"\1", str(error.problem))
        raise ConfigError(file, problem, line=mark.line + 1 if mark else 0) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(file, f"not YAML: {str(error).splitlines()[0]}") from error


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ConfigError(file, f"larger than {_MOST_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(file, f"cannot be read: {error}") from error
