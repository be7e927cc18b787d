"""The figures of a panel over time: queries answered, the largest series kept, named by what sets them apart."""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from dashboard.model.duration import format_duration
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql import Engine, Matrix
from dashboard.promql.matrix import IndexArray
from dashboard.web.views import svg, text
from dashboard.web.views.colors import REST, color_classes
from dashboard.web.views.figures import is_server_error, rate_window
from dashboard.web.views.panels import Line, Panel, PanelSpec

STILL_WIDTH = 600
STILL_HEIGHT = 150
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_FORMATS: dict[str, Callable[[float | None], str]] = {
    "seconds": text.seconds,
    "bytes": text.size,
    "bytes/s": lambda value: f"{text.size(value)}/s",
    "ratio": text.percent,
    "celsius": lambda value: f"{text.number(value)} °C",
    "watts": lambda value: f"{text.number(value)} W",
    "per second": lambda value: f"{text.number(value)}/s",
    "none": text.number,
}


class Span(enum.Enum):
    """How far back a page looks, and at which step (both milliseconds)."""

    QUARTER = ("15m", 900_000, 5_000)
    HOUR = ("1h", 3_600_000, 15_000)
    SIX_HOURS = ("6h", 21_600_000, 90_000)
    DAY = ("24h", 86_400_000, 360_000)

    @property
    def label(self) -> str:
        """The name of the choice, as it stands in addresses."""
        return self.value[0]

    @property
    def length(self) -> int:
        """How far back."""
        return self.value[1]

    @property
    def step(self) -> int:
        """The distance of two points."""
        return self.value[2]

    @classmethod
    def named(cls, label: str, default: Span | None = None) -> Span:
        """Return the span of that name, or else the default: the shortest, where none is given."""
        return next((span for span in cls if span.label == label), default or cls.QUARTER)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    id: Annotated[str, "Names the line among its sisters."]
    name: Annotated[str, "What sets the line apart, in words."]
    last: Annotated[str, "The latest value with its unit."]
    color_class: Annotated[str, "The class that gives the line its colour."]
    values: Annotated[list[float | None], "The values, one a step; null where there is none."]
    path: Annotated[str, "The line as a drawing, for a page without scripts."]


@dataclass(frozen=True, slots=True)
class Chart:
    """The figures of one panel."""

    id: Annotated[str, "The panel's."]
    start: Annotated[int, "The time of the first step, in milliseconds since 1970."]
    step: Annotated[int, "The distance of two steps, in milliseconds."]
    count: Annotated[int, "How many steps there are."]
    series: Annotated[tuple[Series, ...], "The lines."]
    note: Annotated[str, "What is left out, or why nothing is there; or nothing."]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    values: FloatArray
    error: bool = False
    rest: bool = False


def make_chart(engine: Engine, spec: PanelSpec, span: Span, interval: int, now: int) -> Chart:
    """Ask for the figures of a panel.

    Raises:
        PromqlError: a query could not be answered.
    """
    end = now // span.step * span.step
    start = end - span.length
    window = format_duration(max(rate_window(interval), span.step))
    rows: list[_Row] = []
    notes: list[str] = []
    for line in spec.lines:
        matrix = engine.range(line.query.replace("{window}", window), start, end, span.step).value
        assert isinstance(matrix, Matrix)  # noqa: S101 - a range query gives nothing else.
        found, note = _rows(matrix, line, spec)
        rows += found
        notes += [note] if note else []
    count = span.length // span.step + 1
    note = notes[0] if notes else "" if rows else "Nothing in this range."
    return Chart(spec.panel.id, start, span.step, count, _series(rows, spec.panel), note)


def empty_chart(panel: str, note: str) -> Chart:
    """Return a chart without lines, and why."""
    return Chart(panel, 0, 1, 0, (), note)


def _rows(matrix: Matrix, line: Line, spec: PanelSpec) -> tuple[list[_Row], str]:
    values = present_values(matrix.values, matrix.present)
    names = series_names(matrix.labels, line.prefix, "rate" if spec.summable else "value")
    kept = largest(values, spec.most)
    rows = [_Row(names[row], values[row], _counts_errors(matrix.labels[row])) for row in kept]
    rows.sort(key=lambda row: row.name)
    left_out = np.setdiff1d(rows_with_values(values), kept)
    if not len(left_out):
        return rows, ""
    amount = text.count(len(left_out), "further series", "further series")
    if not spec.summable:
        return rows, f"{amount} not drawn"
    return [*rows, _Row(f"{len(left_out)} others together", added_up(values[left_out]), rest=True)], ""


def present_values(values: FloatArray, present: BoolArray) -> FloatArray:
    """Return float64[S, T] with NaN in every place without a finite value."""
    return np.where(present & np.isfinite(values), values, np.nan)


def rows_with_values(values: FloatArray) -> IndexArray:
    """Return the rows that have a value at any step."""
    return np.flatnonzero(np.isfinite(values).any(axis=1))


def largest(values: FloatArray, most: int) -> list[int]:
    """Return the rows with the greatest sums, at most so many; rows without any value are none."""
    there = rows_with_values(values)
    sums = np.nansum(np.abs(values[there]), axis=1)
    return [int(row) for row in there[np.argsort(-sums, kind="stable")[:most]]]


def added_up(values: FloatArray) -> FloatArray:
    """Return the sum of the rows at each step, NaN where none has a value."""
    return np.where(np.isfinite(values).any(axis=0), np.nansum(values, axis=0), np.nan)


def series_names(labels: Sequence[Labels], prefix: str, fallback: str) -> list[str]:
    """Name series by the values of the labels that differ among them."""
    pairs = [dict(series.drop((METRIC_NAME, "job"))) for series in labels]
    every = sorted({name for pair in pairs for name in pair})
    telling = [name for name in every if len({pair.get(name, "") for pair in pairs}) > 1]
    if len(pairs) == 1:
        # A lone series is named by all that it has but where it runs.
        telling = [name for name in every if name not in ("instance", "app")]
    return [_name(pair, telling, prefix) or fallback for pair in pairs]


def _name(pair: dict[str, str], telling: Sequence[str], prefix: str) -> str:
    own = " · ".join(_value_name(name, pair.get(name, "")) for name in telling)
    return " ".join(filter(None, (prefix, own)))


def _value_name(name: str, value: str) -> str:
    if name == "quantile" and _DECIMAL.fullmatch(value):
        return f"p{float(value) * 100:g}"
    return value or f"no {name}"


def _counts_errors(labels: Labels) -> bool:
    return is_server_error(labels.get("status") or labels.get("code"))


def _colors(rows: Sequence[_Row]) -> list[str]:
    given = iter(color_classes([row.error for row in rows if not row.rest]))
    return [REST if row.rest else next(given) for row in rows]


def _series(rows: Sequence[_Row], panel: Panel) -> tuple[Series, ...]:
    top = max((float(np.nanmax(row.values)) for row in rows), default=0.0) * 1.05
    write = _FORMATS[panel.unit]
    # Lines of one name follow each other. A place would not do: it moves when another line comes.
    seen: Counter[str] = Counter()
    return tuple(
        Series(
            id=f"{row.name}:{_number_of(row.name, seen)}",
            name=row.name,
            last=write(last_value(row.values)),
            color_class=color,
            values=rounded(row.values),
            path=svg.line_path(rounded(row.values), top=top, width=STILL_WIDTH, height=STILL_HEIGHT),
        )
        for row, color in zip(rows, _colors(rows), strict=True)
    )


def _number_of(name: str, seen: Counter[str]) -> int:
    seen[name] += 1
    return seen[name]


def last_value(values: FloatArray) -> float | None:
    """Return the last finite value, if one of the last three steps has one."""
    there = values[np.isfinite(values)]
    return float(there[-1]) if len(there) and np.isfinite(values[-3:]).any() else None


def rounded(values: FloatArray) -> list[float | None]:
    """Return the values with five digits, and ``None`` for NaN."""
    # Five digits are more than a chart can show, and a third of the bytes.
    return [float(f"{value:.5g}") if value == value else None for value in values.tolist()]  # noqa: PLR0124 - NaN.
