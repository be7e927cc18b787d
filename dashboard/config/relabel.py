"""Relabelling rules as they are written, and what makes one valid (``model/relabel/relabel.go`` of Prometheus)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from dashboard.config.decoding import decoder_of
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, Reader, Unsigned, text_of
from dashboard.model.relabel import RelabelAction, RelabelConfig


def _read_action(value: Any, _place: Place) -> RelabelAction:
    text = str(text_of(value))
    try:
        return RelabelAction(text.lower())
    except ValueError:
        raise InvalidValueError(f'unknown relabel action "{text}"') from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    regex: str = "(.*)"
    modulus: Unsigned = 0
    target_label: str = ""
    replacement: str = "$1"
    action: Annotated[RelabelAction, Reader(_read_action)] = RelabelAction.REPLACE


def _read_rule(value: Any, place: Place) -> RelabelConfig:
    rule: _Rule = decoder_of(_Rule)(value, place)
    return RelabelConfig(
        source_labels=rule.source_labels,
        separator=rule.separator,
        regex=rule.regex,
        modulus=rule.modulus,
        target_label=rule.target_label,
        replacement=rule.replacement,
        action=rule.action,
    )


RelabelConfigs = tuple[Annotated[RelabelConfig, Reader(_read_rule)], ...]
"""A key that takes relabelling rules."""
