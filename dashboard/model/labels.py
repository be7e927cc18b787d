"""Label sets: what names a series, a target or an alert."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping

METRIC_NAME = "__name__"


class Labels(tuple[tuple[str, str], ...]):
    """An immutable label set: ``(name, value)`` pairs sorted by name, without empty values.

    It is a tuple, so that hashing and comparing it run in C. Build it with :meth:`of`; an empty value means that
    the label is absent, as in Prometheus's data model.
    """

    __slots__ = ()

    @classmethod
    def of(cls, pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
        """Sort the pairs and drop the empty ones. A repeated name keeps its last value."""
        return cls(sorted((name, value) for name, value in dict(pairs).items() if value))

    def get(self, name: str, default: str = "") -> str:
        """Return the value of a label, or ``default`` where it is absent."""
        for label, value in self:
            if label == name:
                return value
        return default

    @property
    def metric_name(self) -> str:
        """The value of ``__name__``, or the empty string."""
        return self.get(METRIC_NAME)

    def keep(self, names: Collection[str]) -> Labels:
        """Return the labels whose name is among ``names``."""
        return Labels([pair for pair in self if pair[0] in names])

    def drop(self, names: Collection[str]) -> Labels:
        """Return the labels whose name is not among ``names``."""
        return Labels([pair for pair in self if pair[0] not in names])

    def without_name(self) -> Labels:
        """Return the labels without ``__name__``."""
        return Labels([pair for pair in self if pair[0] != METRIC_NAME])

    def merged(self, other: Mapping[str, str]) -> Labels:
        """Return these labels with those of ``other`` set over them; an empty value removes a label."""
        return Labels.of({**dict(self), **other})

    def __str__(self) -> str:
        """Write the label set as PromQL and exposition do: ``name{label="value"}``."""
        inner = ", ".join(f"{label}={quote(value)}" for label, value in self if label != METRIC_NAME)
        name = self.metric_name
        if not inner:
            return name or "{}"
        return f"{name}{{{inner}}}"


def quote(value: str) -> str:
    """Return a string literal of PromQL for ``value``."""
    return json.dumps(value, ensure_ascii=False)
