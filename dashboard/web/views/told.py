"""Fields with a help text: what a template or an island may rely on."""

from __future__ import annotations

from dataclasses import MISSING, field, fields
from typing import Any


def told(text: str, default: Any = MISSING) -> Any:
    """Declare a field of a record that a page shows, with a sentence that says what it holds."""
    if default is MISSING:
        return field(metadata={"help": text})
    return field(default=default, metadata={"help": text})


def help_texts(record: type) -> dict[str, str]:
    """Return the help text of each field of a record."""
    return {item.name: item.metadata.get("help", "") for item in fields(record)}
