"""Labels, numbers and times as promtool writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

import numpy as np
from goduration.go import Duration

from dashboard.model.labels import Labels
from dashboard.promql.literals import quote

_PLAIN_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def labels_text(labels: Labels) -> str:
    """Write labels with their metric's name among them: ``{__name__="up", job="api"}``."""
    pairs = (f"{name if _PLAIN_NAME.fullmatch(name) else quote(name)}={quote(value)}" for name, value in labels)
    return f"{{{', '.join(pairs)}}}"


def value_text(value: float) -> str:
    """Write a number in its shortest digits with an exponent: ``1.5E+00`` (Go's format ``E`` with precision -1)."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_scientific(value, trim="-", exp_digits=2).upper()


def elapsed_text(milliseconds: int) -> str:
    """Write a time since the beginning as Go writes a duration: ``1m0s``."""
    return str(Duration.from_milliseconds(milliseconds))


@dataclass(frozen=True, slots=True, order=True)
class AlertText:
    """What a test compares of an alert."""

    labels: Labels
    annotations: Labels

    def __str__(self) -> str:
        return f"Labels:{labels_text(self.labels)}\nAnnotations:{labels_text(self.annotations)}"


def alerts_text(alerts: Sequence[AlertText]) -> str:
    """Write the alerts of a failure, indented below ``exp:`` or ``got:``."""
    if not alerts:
        return "[]"
    listed = ",\n".join(f"{number}:\n{indent(str(alert), '  ')}" for number, alert in enumerate(alerts))
    return f"[\n{indent(listed, ' ' * 12)}\n{' ' * 12}]"
