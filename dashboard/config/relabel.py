"""Relabelling rules as they are written, and what makes one valid (``model/relabel/relabel.go`` of Prometheus)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from dashboard.config.decoding import decoder_of
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, LabelName, Reader, Unsigned, text_of
from dashboard.model.matcher import InvalidRegexError, compiled
from dashboard.model.relabel import RelabelAction, RelabelConfig

_NEED_TARGET = frozenset(
    (
        RelabelAction.REPLACE,
        RelabelAction.HASHMOD,
        RelabelAction.LOWERCASE,
        RelabelAction.UPPERCASE,
        RelabelAction.KEEPEQUAL,
        RelabelAction.DROPEQUAL,
    )
)
_CASES = frozenset((RelabelAction.LOWERCASE, RelabelAction.UPPERCASE))
_EQUALS = frozenset((RelabelAction.KEEPEQUAL, RelabelAction.DROPEQUAL))
_BY_NAME = frozenset((RelabelAction.LABELDROP, RelabelAction.LABELKEEP))


def _read_action(value: Any, _place: Place) -> RelabelAction:
    text = str(text_of(value))
    try:
        return RelabelAction(text.lower())
    except ValueError:
        raise InvalidValueError(f'unknown relabel action "{text}"') from None


def _read_regex(value: Any, _place: Place) -> str:
    text = str(text_of(value))
    try:
        compiled(text)
    except InvalidRegexError as error:
        raise InvalidValueError(str(error)) from error
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    source_labels: tuple[LabelName, ...] | None = None
    separator: str = ";"
    regex: Annotated[str, Reader(_read_regex)] = "(.*)"
    modulus: Unsigned = 0
    target_label: str = ""
    replacement: str = "$1"
    action: Annotated[RelabelAction, Reader(_read_action)] | None = RelabelAction.REPLACE

    def __post_init__(self) -> None:
        if self.action is None:
            raise InvalidValueError("relabel action cannot be empty", "action")
        name = self.action.value
        if self.action is RelabelAction.HASHMOD and not self.modulus:
            raise InvalidValueError("relabel configuration for hashmod requires non-zero modulus", "modulus")
        if self.action in _NEED_TARGET and not self.target_label:
            raise InvalidValueError(f"relabel configuration for {name} action requires 'target_label' value")
        if self.action in _CASES and self.replacement != "$1":
            raise InvalidValueError(f"'replacement' can not be set for {name} action", "replacement")
        if self.action is RelabelAction.LABELMAP and not self.replacement:
            raise InvalidValueError("\"\" is invalid 'replacement' for labelmap action", "replacement")
        self._refuse_idle_keys(name)

    def _refuse_idle_keys(self, name: str) -> None:
        plain = (self.modulus, self.separator, self.replacement) == (0, ";", "$1")
        if self.action in _EQUALS and not (plain and self.regex == "(.*)"):
            raise InvalidValueError(
                f"{name} action requires only 'source_labels' and `target_label`, and no other fields"
            )
        if self.action in _BY_NAME and not (plain and self.source_labels is None and not self.target_label):
            raise InvalidValueError(f"{name} action requires only 'regex', and no other fields")

    def made(self) -> RelabelConfig:
        return RelabelConfig(
            source_labels=self.source_labels or (),
            separator=self.separator,
            regex=self.regex,
            modulus=self.modulus,
            target_label=self.target_label,
            replacement=self.replacement,
            action=self.action or RelabelAction.REPLACE,
        )


def _read_rule(value: Any, place: Place) -> RelabelConfig:
    rule: _Rule = decoder_of(_Rule)(value, place)
    return rule.made()


RelabelConfigs = tuple[Annotated[RelabelConfig, Reader(_read_rule)], ...]
"""A key that takes relabelling rules."""
