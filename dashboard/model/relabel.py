"""Relabelling: rules that change, choose and drop label sets (``model/relabel/relabel.go`` of Prometheus 3)."""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from dashboard.model.expansion import expansion
from dashboard.model.labels import Labels
from dashboard.model.matcher import compiled

T = TypeVar("T")
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 1024, 128


class RelabelAction(enum.Enum):
    """What a rule does; the value is its name in the configuration."""

    REPLACE = "replace"
    KEEP = "keep"
    DROP = "drop"
    KEEPEQUAL = "keepequal"
    DROPEQUAL = "dropequal"
    HASHMOD = "hashmod"
    LABELMAP = "labelmap"
    LABELDROP = "labeldrop"
    LABELKEEP = "labelkeep"
    LOWERCASE = "lowercase"
    UPPERCASE = "uppercase"


_Rule = Callable[[dict[str, str]], bool]
"""Changes a label set in place, and says whether it is kept."""


@dataclass(frozen=True, slots=True)
class RelabelConfig:
    """One relabelling rule, with the defaults of Prometheus.

    Raises:
        InvalidRegexError: RE2 refuses the expression.
    """

    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    regex: str = "(.*)"
    modulus: int = 0
    target_label: str = ""
    replacement: str = "$1"
    action: RelabelAction = RelabelAction.REPLACE
    _rule: _Rule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rule", _RULES[self.action](self))

    def apply(self, labels: dict[str, str]) -> bool:
        """Change a label set without empty values in place; ``False`` means that it is dropped."""
        return self._rule(labels)


@dataclass(frozen=True, slots=True)
class RelabelStep:
    """What one rule made of a label set; ``labels`` is ``None`` where it dropped it."""

    config: RelabelConfig
    labels: Labels | None


def relabel(labels: Mapping[str, str], configs: Sequence[RelabelConfig]) -> dict[str, str] | None:
    """Apply rules one after the other, and return what they made, or ``None`` where one dropped it.

    Labels with empty values count as absent, before and after. Of two labels that ``labelmap`` gives one name, the last
    counts: the order is the mapping's, with what rules have set at the end.
    """
    changed = _without_empty(labels)
    for config in configs:
        if not config.apply(changed):
            return None
    return changed


def relabel_steps(labels: Mapping[str, str], configs: Sequence[RelabelConfig]) -> list[RelabelStep]:
    """Apply rules one after the other, and return each rule with what it made; a rule that drops is the last."""
    changed = _without_empty(labels)
    steps = []
    for config in configs:
        kept = config.apply(changed)
        steps.append(RelabelStep(config, Labels.of(changed) if kept else None))
        if not kept:
            break
    return steps


def _without_empty(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if value}


def _put(labels: dict[str, str], name: str, value: str) -> None:
    """Set a label, as the last one; an empty value removes it."""
    labels.pop(name, None)
    if value:
        labels[name] = value


def _source(config: RelabelConfig) -> Callable[[Mapping[str, str]], str]:
    names, separator = config.source_labels, config.separator
    if len(names) == 1:
        name = names[0]
        return lambda labels: labels.get(name, "")
    return lambda labels: separator.join([labels.get(name, "") for name in names])


def _remembering(answer: Callable[[str], T]) -> Callable[[str], T]:
    """Remember the answers for some short texts: rules see the same names and values again and again."""
    remembered = functools.lru_cache(_MOST_REMEMBERED)(answer)
    return lambda text: remembered(text) if len(text) <= _LONGEST_REMEMBERED else answer(text)


def _matches(config: RelabelConfig) -> Callable[[str], bool]:
    regex = compiled(config.regex)
    return _remembering(lambda text: regex.fullmatch(text) is not None)


def _replace(config: RelabelConfig) -> _Rule:
    source, regex = _source(config), compiled(config.regex)
    target_of, text_of = expansion(config.target_label, regex), expansion(config.replacement, regex)

    def replaced(text: str) -> tuple[str, str]:
        """Return the label to set and its value; no label where nothing is to be set."""
        match = regex.fullmatch(text)
        return ("", "") if match is None else (target_of(match), text_of(match))

    replacing = _remembering(replaced)

    def rule(labels: dict[str, str]) -> bool:
        target, text = replacing(source(labels))
        if target:
            _put(labels, target, text)
        return True

    return rule


def _choose(*, keep: bool) -> Callable[[RelabelConfig], _Rule]:
    def make(config: RelabelConfig) -> _Rule:
        source, matches = _source(config), _matches(config)
        return lambda labels: matches(source(labels)) is keep

    return make


def _compare(*, keep: bool) -> Callable[[RelabelConfig], _Rule]:
    def make(config: RelabelConfig) -> _Rule:
        source, target = _source(config), config.target_label
        return lambda labels: (labels.get(target, "") == source(labels)) is keep

    return make


def _compute(text_of: Callable[[RelabelConfig, str], str]) -> Callable[[RelabelConfig], _Rule]:
    def make(config: RelabelConfig) -> _Rule:
        source, target = _source(config), config.target_label

        def rule(labels: dict[str, str]) -> bool:
            _put(labels, target, text_of(config, source(labels)))
            return True

        return rule

    return make


def _hash(config: RelabelConfig, text: str) -> str:
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return str(int.from_bytes(digest[8:], "big") % config.modulus)


def _lower(_: RelabelConfig, text: str) -> str:
    # Go changes sign by sign, where Python looks at the neighbours of a sigma, and makes two signs of this one.
    return text.lower() if text.isascii() else "".join("i" if sign == "İ" else sign.lower() for sign in text)


def _upper(_: RelabelConfig, text: str) -> str:
    return text.upper() if text.isascii() else "".join(map(_upper_sign, text))


def _upper_sign(sign: str) -> str:
    # Where Python would write two signs, as for ß, Go takes the one that Unicode has, or leaves it.
    return next((form for form in (sign.upper(), sign.title()) if len(form) == 1), sign)


def _map_names(config: RelabelConfig) -> _Rule:
    regex = compiled(config.regex)
    name_of = expansion(config.replacement, regex)

    def mapped(name: str) -> str | None:
        match = regex.fullmatch(name)
        return None if match is None else name_of(match)

    mapping = _remembering(mapped)

    def rule(labels: dict[str, str]) -> bool:
        for name, value in list(labels.items()):
            other = mapping(name)
            if other is not None:
                _put(labels, other, value)
        return True

    return rule


def _choose_names(*, keep: bool) -> Callable[[RelabelConfig], _Rule]:
    def make(config: RelabelConfig) -> _Rule:
        matches = _matches(config)

        def rule(labels: dict[str, str]) -> bool:
            for name in list(labels):
                if matches(name) is not keep:
                    del labels[name]
            return True

        return rule

    return make


_RULES: dict[RelabelAction, Callable[[RelabelConfig], _Rule]] = {
    RelabelAction.REPLACE: _replace,
    RelabelAction.KEEP: _choose(keep=True),
    RelabelAction.DROP: _choose(keep=False),
    RelabelAction.KEEPEQUAL: _compare(keep=True),
    RelabelAction.DROPEQUAL: _compare(keep=False),
    RelabelAction.HASHMOD: _compute(_hash),
    RelabelAction.LABELMAP: _map_names,
    RelabelAction.LABELDROP: _choose_names(keep=False),
    RelabelAction.LABELKEEP: _choose_names(keep=True),
    RelabelAction.LOWERCASE: _compute(_lower),
    RelabelAction.UPPERCASE: _compute(_upper),
}
