"""From loaded YAML to typed records, as go-yaml v2 decodes strictly into structs.

A record is a frozen dataclass whose annotations say what each key takes; a trailing underscore is not part of the key
(``for_``). Annotations are the plain types, those of :mod:`dashboard.config.scalars`, enums, other records,
``X | None``, ``tuple[X, ...]`` and ``Mapping[str, X]``. A field with the metadata ``INLINED`` has its keys beside those
of the record that holds it. A record checks itself in ``__post_init__`` and raises :class:`InvalidValueError`.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import functools
import types
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from dashboard.config.place import Place
from dashboard.config.scalars import READERS, InvalidValueError, Reader, text_of
from dashboard.config.secret import SecretText
from dashboard.config.yaml_file import Items, Section

Record = TypeVar("Record")
INLINED: Mapping[str, bool] = {"inlined": True}
"""The metadata of a field whose keys stand beside those of the record that holds it."""

SEPARATE: Mapping[str, bool] = {"separate": True}
"""The metadata of a field that is no key of the file, and filled by who reads it."""

_SECRET_WORDS = ("pass", "secret", "token", "key", "credential", "auth")

Decoder = Callable[[Any, Place], Any]
"""Turns a loaded value into a typed one, or raises a :class:`ConfigError` that names its place."""


def decode(file: Path, data: Any, record: type[Record]) -> Record:
    """Turn loaded YAML into a typed record.

    Raises:
        ConfigError: a key is unknown or missing, or a value does not fit; the message names line and key.
    """
    return cast(Record, decoder_of(cast(Any, record))(data, Place(file)))


@functools.cache
def decoder_of(kind: Any) -> Decoder:
    """Return what decodes values of an annotation."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is not None:
        return _generic(origin, inner)
    if issubclass(kind, enum.Enum):
        return _choice(kind)
    return _record(kind) if dataclasses.is_dataclass(kind) else _scalar(READERS[kind], empty=kind())


def _generic(origin: Any, inner: tuple[Any, ...]) -> Decoder:
    if origin is Annotated:
        reader = next(extra for extra in inner if isinstance(extra, Reader))
        return _scalar(reader.read, empty=reader.empty)
    if origin in (types.UnionType, Union):
        return _optional(decoder_of(inner[0]))
    if origin is not tuple:
        return _mapping_of(decoder_of(inner[1]))
    decode_item = decoder_of(inner[0])
    return list_decoder(_filled(decode_item) if dataclasses.is_dataclass(inner[0]) else decode_item)


def _scalar(read: Callable[[Any, Place], Any], empty: Any) -> Decoder:
    def decoded(value: Any, place: Place) -> Any:
        try:
            # go-yaml writes the zero of the type where a key has no value, over any default.
            return empty if value is None and empty is not None else read("" if value is None else value, place)
        except InvalidValueError as error:
            raise place.error(str(error)) from error

    return decoded


def _filled(decode_section: Decoder) -> Decoder:
    def decoded(value: Any, place: Place) -> Any:
        if value is None:
            raise place.error("empty or null section")
        return decode_section(value, place)

    return decoded


def _choice(kind: type[enum.Enum]) -> Decoder:
    def read(value: Any, _place: Place) -> enum.Enum:
        text = text_of(value)
        try:
            return kind(str(text))
        except ValueError:
            known = ", ".join(member.value for member in kind)
            raise InvalidValueError(f'"{text}" is not one of {known}') from None

    return _scalar(read, empty=None)


def _optional(decode_value: Decoder) -> Decoder:
    return lambda value, place: None if value is None else decode_value(value, place)


def list_decoder(decode_item: Decoder) -> Decoder:
    """Return what decodes a list, given what decodes each item."""

    def decoded(value: Any, place: Place) -> tuple[Any, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise place.error("expected a list")
        lines = value.lines if isinstance(value, Items) else (0,) * len(value)
        return tuple(
            decode_item(item, place.item(number, line))
            for number, (item, line) in enumerate(zip(value, lines, strict=True))
        )

    return decoded


def _mapping_of(decode_value: Decoder) -> Decoder:
    def decoded(value: Any, place: Place) -> dict[str, Any]:
        return {key: decode_value(item, place_of(value, key, place)) for key, item in entries(value, place)}

    return decoded


def entries(value: Any, place: Place) -> list[tuple[str, Any]]:
    """Return the keys and values of what must be a mapping; no value at all is an empty one.

    Raises:
        ConfigError: it is a list or a scalar.
    """
    if value is None:
        return []
    if not isinstance(value, dict):
        raise place.error("expected a mapping")
    return list(value.items())


def place_of(section: Any, key: str, place: Place) -> Place:
    """Return the place of a key of the section that stands at a place."""
    return place.at(key, section.lines.get(key, 0) if isinstance(section, Section) else 0)


class _Schema:
    """The keys of a record, and how one is built from a section."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._own: dict[str, tuple[str, Decoder]] = {}
        self._inlined: dict[str, _Schema] = {}
        self._required: list[str] = []
        hints = get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            if field.metadata == INLINED:
                self._inlined[field.name] = _schema(hints[field.name])
            elif field.metadata != SEPARATE:
                key = field.name.rstrip("_")
                self._own[key] = (field.name, decoder_of(hints[field.name]))
                if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                    self._required.append(key)
        self.secretive = SecretText in hints.values()
        self.keys: frozenset[str] = frozenset(self._own).union(*(schema.keys for schema in self._inlined.values()))

    def build(self, section: Any, place: Place) -> Any:
        values = {}
        for key, (name, decode_value) in self._own.items():
            if key in section:
                values[name] = decode_value(section[key], place_of(section, key, place))
        for key in self._required:
            if key not in section:
                raise place.error(f"missing required key `{key}`")
        for name, schema in self._inlined.items():
            values[name] = schema.build(section, place)
        try:
            return self._kind(**values)
        except InvalidValueError as error:
            where = place_of(section, error.key, place) if error.key else place
            raise where.error(str(error)) from error


def keys_of(record: type) -> frozenset[str]:
    """Return the keys that a record is made of."""
    return _schema(record).keys


def decode_part(record: type[Record], section: Any, place: Place) -> Record:
    """Turn those keys of a section that belong to a record into it; others are left to who calls.

    Raises:
        ConfigError: a value does not fit.
    """
    return cast(Record, _schema(cast(Any, record)).build(section, place))


@functools.cache
def _schema(kind: Any) -> _Schema:
    return _Schema(kind)


def _record(kind: Any) -> Decoder:
    schema = _schema(kind)

    def decoded(value: Any, place: Place) -> Any:
        refuse_unknown(value, schema.keys, place, secretive=schema.secretive)
        return schema.build(value or {}, place)

    return decoded


def refuse_unknown(value: Any, known: Collection[str], place: Place, *, secretive: bool = False) -> None:
    """Check that a section has no other keys than those known; ``secretive`` says that it holds secrets.

    Raises:
        ConfigError: there is another one, or this is no section.
    """
    for key, given in entries(value, place):
        if key not in known:
            hidden = secretive or not isinstance(given, str) or _may_be_secret(key, known)
            raise place_of(value, key, place).error("unknown key" if hidden else f"unknown key (value {given})")


def _may_be_secret(key: str, known: Collection[str]) -> bool:
    """Whether an unknown key could be that of a secret, mistyped: then its value is not shown."""
    names = [key, *difflib.get_close_matches(key, known)]
    return any(word in name.lower() for name in names for word in _SECRET_WORDS)
