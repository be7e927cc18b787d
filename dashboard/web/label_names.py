"""Label names in addresses, where Prometheus escapes those that are no plain names (``model.UnescapeName``)."""

from __future__ import annotations

import re

_PREFIX = "U__"
_PIECE = re.compile(r"__|_([0-9A-Fa-f]{1,8})_|([^_]+)")


def unescape_label_name(name: str) -> str:
    """Return the name behind ``U__``, where ``_2e_`` stands for a dot and ``__`` for an underscore.

    A name that is not escaped, or wrongly so, is returned as it is.
    """
    if not name.startswith(_PREFIX):
        return name
    found = []
    place = len(_PREFIX)
    while place < len(name):
        match = _PIECE.match(name, place)
        char = _char(match) if match else None
        if match is None or char is None:
            return name
        found.append(char)
        place = match.end()
    return "".join(found)


def _char(match: re.Match[str]) -> str | None:
    code, plain = match.groups()
    if plain is not None:
        return plain
    if code is None:
        return "_"
    number = int(code, 16)
    is_character = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if is_character else None
