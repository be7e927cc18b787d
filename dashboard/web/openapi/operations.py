"""What the description says of one path beside what its handler's docstring says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.web.openapi.schemas import TEXT, Schema, listed


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the address, or of a form that is sent in its place."""

    name: str
    description: str
    required: bool = False
    repeated: bool = False
    schema: Schema = field(default_factory=lambda: TEXT)

    def described(self) -> dict[str, Any]:
        """Return the parameter as OpenAPI has it."""
        return {
            "name": self.name,
            "in": "query",
            "description": self.description,
            "required": self.required,
            "schema": listed(self.schema) if self.repeated else self.schema,
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """What a path takes and gives. ``answer`` is the schema of its JSON; without one it gives another media type."""

    parameters: Sequence[Parameter] = ()
    answer: Schema | None = None
    media_type: str = "application/json"
    body: str = ""
    """The media type of what is sent, where that is no form."""
