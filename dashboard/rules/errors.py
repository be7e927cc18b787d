"""The errors of rules.

- ``RuleError``: one evaluation of a rule failed; the rule's ``lastError`` is its message.
- ``DuplicateSeriesError``: a rule's results have one label set twice; nothing is stored and nothing is sent.
- ``LimitExceededError``: a rule gave more series or alerts than its group's ``limit``.
- ``TemplateError``: a template cannot be parsed, or failed while it was rendered.

A rule file that cannot be used raises `dashboard.config.errors.ConfigError`, which names file, group and rule.
"""

from __future__ import annotations


class RuleError(Exception):
    """One evaluation of a rule failed."""


class DuplicateSeriesError(RuleError):
    """Two results of a rule have the same label set."""

    def __init__(self, labels_kind: str) -> None:
        super().__init__(f"vector contains metrics with the same labelset after applying {labels_kind} labels")


class LimitExceededError(RuleError):
    """A rule gave more than its group's limit allows."""

    def __init__(self, limit: int, count: int, things: str) -> None:
        super().__init__(f"exceeded limit of {limit} with {count} {things}")


class TemplateError(Exception):
    """A template is not one, or failed while it was rendered."""
