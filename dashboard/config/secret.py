"""Secrets: text that never shows itself."""

from __future__ import annotations

from typing import Annotated, Any

from dashboard.config.place import Place
from dashboard.config.scalars import Reader, text_of

HIDDEN = "<secret>"


class Secret:
    """A text that shows as ``<secret>`` wherever it is printed; an empty one is false."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, to send it."""
        return self._text

    def __str__(self) -> str:
        return HIDDEN if self._text else ""

    __repr__ = __str__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


NO_SECRET = Secret()
"""What a key that takes a secret has when none is given."""


def _read_secret(value: Any, _place: Place) -> Secret:
    return Secret(str(text_of(value)))


SecretText = Annotated[Secret, Reader(_read_secret)]
"""A key that takes a secret."""
