"""Sections that are checked and not served: tables of their keys, and what makes them valid.

Whoever adds a kind of section writes a :class:`Table`, not a record: nobody reads its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from dashboard.config.decoding import decode_part, decoder_of, entries, keys_of, place_of, refuse_unknown
from dashboard.config.http_client import HttpClientConfig
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, Reader, text_of
from dashboard.config.secret import SecretText

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The keys of a section with the kinds of their values, and what makes the section valid.

    ``needed`` keys must have a value, ``filled`` ones have a default and must not be blank. ``http`` adds the keys of
    an HTTP client.
    """

    keys: Mapping[str, Any]
    needed: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    http: bool = True
    check: Callable[[Values], None] | None = None

    @property
    def kind(self) -> Any:
        """This table as the kind of a key that may be left without a value."""
        return self.item | None

    @property
    def item(self) -> Any:
        """This table as the kind of an item of a list."""
        return Annotated[dict[str, Any], Reader(self.read)]

    def read(self, value: Any, place: Place) -> Values:
        """Read and check a section.

        Raises:
            ConfigError: a key is unknown, or a value does not fit.
            InvalidValueError: the section is not valid as a whole.
        """
        known = set(self.keys) | (keys_of(HttpClientConfig) if self.http else set())
        refuse_unknown(value, known, place, secretive=SecretText in self.keys.values())
        values = {
            key: decoder_of(self.keys[key])(given, place_of(value, key, place))
            for key, given in entries(value, place)
            if key in self.keys
        }
        for key in self.needed + tuple(key for key in self.filled if key in values):
            if not values.get(key):
                raise InvalidValueError(f"{key} is missing")
        if self.http:
            values["http"] = decode_part(HttpClientConfig, value, place)
        if self.check:
            self.check(values)
        return values


def many(item: Any) -> Any:
    """Return the kind of a list of items of a kind."""
    return tuple.__class_getitem__((item, ...))


def one_of(*known: str, null: bool = False) -> Any:
    """Return the kind of a key that takes one of a few words; ``null`` says that it may be left without a value."""

    def read(value: Any, _place: Place) -> str:
        text = str(text_of(value))
        if text not in known:
            raise InvalidValueError(f'"{text}" is not one of {", ".join(filter(None, known))}')
        return text

    return Annotated[str, Reader(read, "" if null else None)]
