"""Go templates in labels and annotations of alerting rules, as Prometheus expands them, inside a sandbox.

A template can do no more than read what it is given and call the functions of `template_functions`. What it writes,
how long it runs, how often it loops and calls is bounded. Values of labels are data: they are never parsed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import gotpl

from dashboard.model.labels import Labels
from dashboard.rules.errors import TemplateError
from dashboard.rules.humanize import GoTime
from dashboard.rules.template_functions import MOST_CHARACTERS, Sample, functions, label_map

TIME_LIMIT = 0.1
"""Seconds of its thread's time that one rendering may take.

Queries do not count, they have a time limit of their own; nor does waiting for a busy machine.
"""

_PLACE = re.compile(r"template:(\d+):\d+: (.*)", re.DOTALL)
_SINGLE_QUOTED = re.compile(r"'([^']*)'")
_MOST_ITERATIONS = 100_000
_MOST_CALLS = 100_000
_MOST_DEPTH = 100
_MOST_QUERIES = 100
_VARIABLES = {
    "$labels": "{{$labels := .Labels}}",
    "$externalLabels": "{{$externalLabels := .ExternalLabels}}",
    "$externalURL": "{{$externalURL := .ExternalURL}}",
    "$value": "{{$value := .Value}}",
}
_CHANGING = ("query", "now")

TemplateQuery = Callable[[str, int], Sequence[Sample]]
"""Runs an instant query at a time, for the template function ``query``."""


@dataclass(frozen=True, slots=True)
class _Data:
    Labels: Mapping[str, str]
    ExternalLabels: Mapping[str, str]
    ExternalURL: str
    Value: float


_ATTRIBUTES = ("Labels", "ExternalLabels", "ExternalURL", "Value")


class _Allowance:
    """What one rendering may still use; gotpl asks it at each loop, call, template and piece of text.

    It stands in for ``gotpl.ExecutionBudget``, which knows no time: a tree of templates that call each other twice
    writes nothing and loops never, yet would run for years.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._deadline = 0.0
        self._queries = 0

    def renew(self) -> None:
        """Begin a rendering."""
        self._deadline = self._clock() + TIME_LIMIT
        self._queries = 0

    def querying(self, query: TemplateQuery, text: str, now: int) -> Sequence[Sample]:
        """Run a query, whose time does not count."""
        self._queries += 1
        if self._queries > _MOST_QUERIES:
            raise TemplateError(f"more than {_MOST_QUERIES} queries in a template")
        begun = self._clock()
        samples = query(text, now)
        self._deadline += self._clock() - begun
        return samples

    def _in_time(self, limit: int) -> int:
        if self._clock() > self._deadline:
            raise gotpl.BudgetExceededError(f"template ran for longer than {TIME_LIMIT * 1000:.0f} ms")
        return limit

    @property
    def max_output_chars(self) -> int:
        return self._in_time(MOST_CHARACTERS)

    @property
    def max_iterations(self) -> int:
        return self._in_time(_MOST_ITERATIONS)

    @property
    def max_template_depth(self) -> int:
        return self._in_time(_MOST_DEPTH)

    @property
    def max_function_calls(self) -> int:
        return self._in_time(_MOST_CALLS)


class Expander:
    """Compiles and renders the templates of one rule. It is used by one thread at a time.

    ``name`` is that of the alert, for error messages.
    """

    def __init__(
        self,
        name: str,
        query: TemplateQuery,
        *,
        external_labels: Labels,
        external_url: str,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._name = f"__alert_{name}"
        self._external_labels = label_map(external_labels)
        self._external_url = external_url
        self._now = 0
        self._allowance = _Allowance(clock)
        known = functions(
            lambda text: self._allowance.querying(query, text, self._now), lambda: self._now, external_url
        )
        self._environment = gotpl.Environment(
            functions=known,
            missing_key="zero",
            sandbox=gotpl.SandboxPolicy(
                allow_attributes=_ATTRIBUTES, allow_methods=GoTime.METHODS, allow_functions=known
            ),
            budget=cast("gotpl.ExecutionBudget", self._allowance),
        )

    def compile(self, text: str) -> Template:
        """Parse a template.

        Raises:
            TemplateError: the text is not a template, or calls a function that is not known.
        """
        if "{{" not in text:
            return Template(text, None)
        # Only the variables that are used: setting them is half the work of a short template.
        variables = "".join(setting for name, setting in _VARIABLES.items() if name in text)
        try:
            return Template(text, self._environment.from_string(variables + text, name=self._name))
        except (gotpl.TemplateError, ValueError, RecursionError) as error:
            raise TemplateError(_parsing_reason(self._name, str(error))) from error

    def render(self, template: Template, labels: Labels, value: float, now: int) -> str:
        """Render a template for one result of the rule's query at ``now``.

        Raises:
            TemplateError: the template failed, or used up what it is allowed.
        """
        if template.compiled is None:
            return template.text
        self._now = now
        self._allowance.renew()
        data = _Data(label_map(labels), self._external_labels, self._external_url, value)
        try:
            return str(template.compiled.render(data))
        except (gotpl.TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            raise TemplateError(f"error executing template {self._name}: {error}") from error


def _parsing_reason(name: str, reason: str) -> str:
    """Tell why a template cannot be parsed as Go does: by its name and line."""
    place = _PLACE.match(reason)
    if place is None:
        return f"template: {name}: {reason}"
    quoted = _SINGLE_QUOTED.sub(r'"\1"', place[2])
    return f"template: {name}:{place[1]}: {quoted}"


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; plain text, which most labels are, is not compiled at all."""

    text: str
    compiled: gotpl.Template | None

    @property
    def queries(self) -> bool:
        """Whether rendering the template may run queries."""
        return self.compiled is not None and "query" in self.text

    @property
    def is_timeless(self) -> bool:
        """Whether the template gives the same text for the same labels and value at any time."""
        return self.compiled is None or not any(name in self.text for name in _CHANGING)
