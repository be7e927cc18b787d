"""JSON schemas, made from a few words, and from the records that our own pages poll."""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {}
TIME: Schema = {"type": "string", "format": "date-time"}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}

_PLAIN: dict[Any, Schema] = {str: TEXT, float: NUMBER, int: WHOLE, bool: FLAG, type(None): {"type": "null"}}


def listed(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def keyed(values: Schema) -> Schema:
    """Return the schema of an object that has any names."""
    return {"type": "object", "additionalProperties": values}


def one_of(*words: str) -> Schema:
    """Return the schema of one of some texts."""
    return {"type": "string", "enum": list(words)}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


@functools.cache
def of_record(kind: type) -> Schema:
    """Return the schema of a dataclass as orjson writes it; the sentences beside its types are its descriptions."""
    hints = get_type_hints(kind, include_extras=True)
    return record({field.name: _of(hints[field.name]) for field in dataclasses.fields(kind)})


def _of(hint: Any) -> Schema:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return {**_of(inner[0]), "description": inner[1]}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(one) for one in inner]}
    if origin is not None and issubclass(origin, Mapping):
        return keyed(_of(inner[1]))
    if origin is not None and issubclass(origin, Sequence):
        return listed(_of(inner[0]))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return one_of(*(member.value for member in hint))
    return _PLAIN[hint] if hint in _PLAIN else of_record(hint)
