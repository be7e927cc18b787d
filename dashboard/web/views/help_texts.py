"""What the fields of a record hold: the sentence beside each type, which is all that a template may rely on."""

from __future__ import annotations

from typing import Annotated, get_args, get_origin, get_type_hints


def help_texts(record: type) -> dict[str, str]:
    """Return the help text of each field of a record; a field without one has the empty string."""
    hints = get_type_hints(record, include_extras=True)
    return {name: get_args(hint)[1] if get_origin(hint) is Annotated else "" for name, hint in hints.items()}
