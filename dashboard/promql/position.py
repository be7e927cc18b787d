"""Where in a query's text a thing stands."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.promql.errors import ParseError


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a query's text, in characters; ``end`` is excluded."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """Return the part that reaches from this span to the end of another."""
        return Span(self.start, other.end)


NOWHERE = Span(-1, -1)
"""The place of what was not read from a text."""


def line_and_column(text: str, offset: int) -> str:
    """Return ``line:column`` as Prometheus counts: from 1, columns in bytes of UTF-8."""
    before = text[:offset]
    column = len(before[before.rfind("\n") + 1 :].encode()) + 1
    return f"{before.count(chr(10)) + 1}:{column}"


def parse_error(text: str, span: Span, reason: str) -> ParseError:
    """Return an error that names the place, in Prometheus's words."""
    where = "unknown position" if not text else line_and_column(text, span.start)
    return ParseError(f"{where}: parse error: {reason}")
