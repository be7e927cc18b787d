"""Replacement templates of regular expressions, as Go's ``regexp.Expand`` reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import re2

Expansion = Callable[[Any], str]
"""Turns a match of RE2 into the text of a template."""

# $$, $name or ${name}; any other dollar is an ordinary sign.
_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


def expansion(template: str, regex: re2._Regexp[str]) -> Expansion:
    """Read a template for the matches of one expression.

    A reference takes as many letters, digits and underscores as it can; a group that does not exist, or that took no
    part in the match, is empty.
    """
    parts = _parts(template, regex)
    if all(isinstance(part, str) for part in parts):
        text = "".join(map(str, parts))
        return lambda _: text
    if len(parts) == 1:
        only = parts[0]
        return lambda match: match.group(only) or ""
    return lambda match: "".join([part if isinstance(part, str) else match.group(part) or "" for part in parts])


def _parts(template: str, regex: re2._Regexp[str]) -> list[str | int]:
    """Cut a template into literal texts and numbers of groups."""
    parts: list[str | int] = []
    end = 0
    for found in _REFERENCE.finditer(template):
        parts.append(template[end : found.start()])
        end = found.end()
        dollar, bare, braced = found.groups()
        parts.append("$" if dollar else _group(bare or braced, regex))
    return [part for part in (*parts, template[end:]) if part != ""]


def _group(name: str, regex: re2._Regexp[str]) -> str | int:
    if _NUMBER.fullmatch(name):
        return int(name) if int(name) <= regex.groups else ""
    number: int | str = regex.groupindex.get(name, "")
    return number
