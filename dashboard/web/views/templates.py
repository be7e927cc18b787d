"""Templates of rules as people read them while no alert has filled them in."""

from __future__ import annotations

import re

_LABEL = re.compile(r"(?:\$labels|\.Labels)\.(\w+)")
_VALUE = re.compile(r"\$value|\.Value")


def placeholders(template: str) -> str:
    """Return a template's text with ‹job› for ``{{ $labels.job }}``, ‹value› for the value and ‹…› for all else."""
    text, *rest = template.split("{{")
    return text + "".join(map(_placeholder, rest))


def _placeholder(part: str) -> str:
    action, end, text = part.partition("}}")
    return f"‹{_name(action)}›{text}" if end else "{{" + part


def _name(action: str) -> str:
    label = _LABEL.search(action)
    if label:
        return label[1]
    return "value" if _VALUE.search(action) else "…"
