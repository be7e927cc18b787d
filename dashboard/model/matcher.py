"""Label matchers, with Prometheus's rules: RE2 expressions, fully anchored; an absent label reads as empty."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass

import re2

from dashboard.model.labels import Labels, quote

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.dot_nl = True

# Go's RE2 knows no ``\C``, which is half a character in C++'s; what stands in quotes is no escape.
_QUOTED = re2.compile(r"\\Q(?s:.*?)(?:\\E|$)", _OPTIONS)
_ANY_BYTE = re2.compile(r"(?:[^\\]|\\[^C])*\\C", _OPTIONS)


class MatchKind(enum.Enum):
    """How a matcher compares a label's value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"

    @property
    def is_regex(self) -> bool:
        """Whether the matcher's value is a regular expression."""
        return self in (MatchKind.REGEX, MatchKind.NOT_REGEX)

    @property
    def is_negative(self) -> bool:
        """Whether the matcher selects what does not match."""
        return self in (MatchKind.NOT_EQUAL, MatchKind.NOT_REGEX)


class InvalidRegexError(ValueError):
    """A regular expression is not one that RE2 accepts."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(f"error parsing regexp {quote(pattern)}: {reason}")
        self.pattern = pattern


@functools.lru_cache(maxsize=4096)
def compiled(pattern: str) -> re2._Regexp[str]:
    """Compile an RE2 expression whose dot matches a line end, too; ``fullmatch`` of it is anchored at both ends.

    Raises:
        InvalidRegexError: RE2 refuses the expression.
    """
    if _ANY_BYTE.match(_QUOTED.sub("", pattern)):
        raise InvalidRegexError(pattern, r"invalid escape sequence: \C")
    # Compiled alone and not inside a group, which an expression such as ``a)|(b`` would leave.
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown"
        raise InvalidRegexError(pattern, reason.decode() if isinstance(reason, bytes) else str(reason)) from error


def anchored(pattern: str) -> Callable[[str], bool]:
    """Return the question whether an RE2 expression matches the whole of a string.

    Raises:
        InvalidRegexError: RE2 refuses the expression.
    """
    regex = compiled(pattern)
    return lambda text: regex.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label, such as ``job=~"api|web"``.

    Raises:
        InvalidRegexError: when made with an expression that RE2 refuses.
    """

    kind: MatchKind
    name: str
    value: str

    def __post_init__(self) -> None:
        if self.kind.is_regex:
            anchored(self.value)

    def matches(self, value: str) -> bool:
        """Say whether a label's value (empty where the label is absent) satisfies this condition."""
        equal = anchored(self.value)(value) if self.kind.is_regex else value == self.value
        return equal is not self.kind.is_negative

    def __str__(self) -> str:
        return f"{self.name}{self.kind.value}{quote(self.value)}"


def matches_all(matchers: tuple[Matcher, ...], labels: Labels) -> bool:
    """Say whether a label set satisfies every matcher."""
    return all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)
